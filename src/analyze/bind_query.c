#include "analyze/analyze_int.h"

/* SELECT blocks, set operations, CTEs, ORDER BY and LIMIT.
 *
 * A SELECT becomes, bottom up: FROM, WHERE, AGGREGATE, HAVING, WINDOW, QUALIFY, PROJECT, DISTINCT, SORT.
 * Expressions of a grouped query are bound over FROM first; then every part that equals a group
 * expression becomes the group's column. What still names a FROM column is an error. */

Status bind_values_query(AnalyzeContext *context, Scope *scope, const AstQuery *ast, LogicalNode **out_node);

typedef struct SelectParts {
    Expr **exprs; /* select items, stars expanded */
    StrView *names;
    uint32_t count, capacity;
    Expr *having, *qualify;
    Expr **order; /* one an ORDER BY item; NULL: ordinal or item in order_items */
    int64_t *order_items; /* select item; -1: expression */
} SelectParts;

static void add_item(AnalyzeContext *context, SelectParts *parts, Expr *expr, StrView name)
{
    if (parts->count == parts->capacity) {
        uint32_t capacity = parts->capacity;
        parts->exprs = arena_grow(context->arena, parts->exprs, sizeof(Expr *), parts->count, &capacity);
        parts->names = arena_grow(context->arena, parts->names, sizeof(StrView), parts->count, &parts->capacity);
    }
    parts->exprs[parts->count] = expr;
    parts->names[parts->count++] = name;
}

static bool is_excepted(const AstExpr *star, StrView name)
{
    for (uint32_t i = 0; i < star->name_count; i++) {
        if (strview_equal_ci(star->names[i], name))
            return true;
    }
    return false;
}

static Status expand_star(AnalyzeContext *context, Scope *scope, const AstExpr *star, SelectParts *parts)
{
    uint32_t before = parts->count;
    for (uint32_t i = 0; i < scope->columns.count; i++) {
        const ScopeColumn *column = &scope->columns.items[i];
        bool wanted = star->name.count == 0 ? !column->is_hidden
                                            : strview_equal(column->qualifier, star->name.parts[star->name.count - 1]);
        if (!wanted || is_excepted(star, column->column.name))
            continue;
        add_item(context, parts, expr_column(context->arena, column->column.id, column->column.type, column->column.is_nullable,
                                             column->column.name), column->column.name);
    }
    if (parts->count == before)
        return analyze_error(context, scope->source, star->begin, scope->columns.count == 0 ? "No tables used" : "Unknown table of '*'");
    return OK;
}

static StrView item_name(const Scope *scope, const AstSelectItem *item)
{
    if (item->alias.length > 0)
        return item->alias;
    if (item->expr->kind == AST_NAME)
        return item->expr->name.parts[item->expr->name.count - 1];
    return strview_n(scope->source.data + item->expr->begin, item->expr->end - item->expr->begin);
}

static Status bind_items(AnalyzeContext *context, Scope *scope, const AstSelect *ast, SelectParts *parts)
{
    for (uint32_t i = 0; i < ast->items.count; i++) {
        const AstSelectItem *item = &ast->items.items[i];
        if (item->expr->kind == AST_STAR) {
            TRY(expand_star(context, scope, item->expr, parts));
            continue;
        }
        Expr *expr;
        scope->select->alias_limit = i; /* an item sees the aliases before it */
        TRY(bind_expr(context, scope, item->expr, &expr));
        add_item(context, parts, expr, item_name(scope, item));
    }
    scope->select->alias_limit = UINT32_MAX;
    return OK;
}

/* ---- grouping ---- */

static Status bind_group_item(AnalyzeContext *context, Scope *scope, const AstSelect *ast, const AstExpr *item, Expr **out)
{
    bool saved = scope->select->allows_aggregates;
    scope->select->allows_aggregates = false;
    if (item->kind == AST_INTEGER) {
        uint64_t ordinal = 0;
        for (size_t i = 0; i < item->text.length && ordinal < 100000; i++)
            ordinal = ordinal * 10 + (uint64_t)(item->text.data[i] - '0');
        if (ordinal < 1 || ordinal > ast->items.count)
            return analyze_error(context, scope->source, item->begin, "Group by position %.*s is not in select list", SV_ARGS(item->text));
        item = ast->items.items[ordinal - 1].expr;
    }
    scope->select->in_group_item = true;
    Status status = bind_expr(context, scope, item, out);
    scope->select->in_group_item = false;
    scope->select->allows_aggregates = saved;
    return status;
}

static uint32_t add_group(AnalyzeContext *context, SelectState *select, Expr *expr)
{
    for (uint32_t g = 0; g < select->group_count; g++) {
        if (expr_equal(select->groups[g], expr))
            return g;
    }
    Expr **grown = ARENA_NEW_ARRAY(context->arena, Expr *, select->group_count + 1);
    ColumnId *ids = ARENA_NEW_ARRAY(context->arena, ColumnId, select->group_count + 1);
    memcpy(grown, select->groups, select->group_count * sizeof(*grown));
    memcpy(ids, select->group_ids, select->group_count * sizeof(*ids));
    grown[select->group_count] = expr;
    /* A plain column keeps its id, so that correlated references to it stay right. */
    ids[select->group_count] = expr->kind == EXPR_COLUMN ? expr->column.id : column_ids_next(&context->ids);
    select->groups = grown;
    select->group_ids = ids;
    return select->group_count++;
}

static void rollup_sets(AnalyzeContext *context, SelectState *select, const uint32_t *positions, uint32_t count)
{
    uint64_t *sets = ARENA_NEW_ARRAY(context->arena, uint64_t, count + 1);
    for (uint32_t s = 0; s <= count; s++) {
        for (uint32_t i = 0; i < count - s; i++)
            sets[s] |= (uint64_t)1 << positions[i];
    }
    select->sets = sets;
    select->set_count = count + 1;
}

static void cube_sets(AnalyzeContext *context, SelectState *select, const uint32_t *positions, uint32_t count)
{
    uint32_t total = 1u << count;
    uint64_t *sets = ARENA_NEW_ARRAY(context->arena, uint64_t, total);
    for (uint32_t s = 0; s < total; s++) {
        for (uint32_t i = 0; i < count; i++)
            sets[s] |= (uint64_t)(((total - 1 - s) >> (count - 1 - i)) & 1) << positions[i];
    }
    select->sets = sets;
    select->set_count = total;
}

static Status bind_grouping_sets(AnalyzeContext *context, Scope *scope, const AstSelect *ast)
{
    SelectState *select = scope->select;
    uint64_t *sets = ARENA_NEW_ARRAY(context->arena, uint64_t, ast->grouping_sets.count);
    for (uint32_t s = 0; s < ast->grouping_sets.count; s++) {
        const AstExprList *set = &ast->grouping_sets.items[s];
        for (uint32_t i = 0; i < set->count; i++) {
            Expr *expr;
            TRY(bind_group_item(context, scope, ast, set->items[i], &expr));
            sets[s] |= (uint64_t)1 << (add_group(context, select, expr) % 64);
        }
    }
    select->sets = sets;
    select->set_count = ast->grouping_sets.count;
    return OK;
}

static Status bind_groups(AnalyzeContext *context, Scope *scope, const AstSelect *ast)
{
    SelectState *select = scope->select;
    if (!ast->has_group)
        return OK;
    select->has_groups = true;
    if (ast->group_kind == AST_GROUP_SETS)
        return bind_grouping_sets(context, scope, ast);
    uint32_t *positions = ARENA_NEW_ARRAY(context->arena, uint32_t, MAX(ast->group.count, 1u));
    for (uint32_t i = 0; i < ast->group.count; i++) {
        Expr *expr;
        TRY(bind_group_item(context, scope, ast, ast->group.items[i], &expr));
        positions[i] = add_group(context, select, expr);
    }
    if (ast->group_kind == AST_GROUP_CUBE && ast->group.count > 12)
        return RAISE(context->diag, LIMIT_EXCEEDED, "CUBE of more than 12 columns");
    if (ast->group_kind == AST_GROUP_ROLLUP)
        rollup_sets(context, select, positions, ast->group.count);
    else if (ast->group_kind == AST_GROUP_CUBE)
        cube_sets(context, select, positions, ast->group.count);
    return OK;
}

typedef struct GroupRewrite {
    AnalyzeContext *context;
    const Scope *scope;
    const SelectState *select;
    const Expr *offender;
} GroupRewrite;

static Expr *to_group_column(GroupRewrite *rewrite, Expr *expr)
{
    const SelectState *select = rewrite->select;
    for (uint32_t g = 0; g < select->group_count; g++) {
        if (!expr_equal(select->groups[g], expr))
            continue;
        StrView name = expr->kind == EXPR_COLUMN ? expr->column.name : STR_VIEW("expr");
        return expr_column(rewrite->context->arena, select->group_ids[g], expr->type, expr->is_nullable || select->sets != NULL, name);
    }
    if (expr->kind == EXPR_COLUMN) {
        for (uint32_t i = 0; i < rewrite->scope->columns.count; i++) {
            if (rewrite->scope->columns.items[i].column.id == expr->column.id)
                rewrite->offender = expr;
        }
        return expr;
    }
    Expr *copy = ARENA_NEW(rewrite->context->arena, Expr);
    *copy = *expr;
    copy->arguments = ARENA_NEW_ARRAY(rewrite->context->arena, Expr *, MAX(expr->argument_count, 1u));
    for (uint32_t i = 0; i < expr->argument_count; i++)
        copy->arguments[i] = to_group_column(rewrite, expr->arguments[i]);
    return copy;
}

static Status not_grouped(AnalyzeContext *context, const Expr *column)
{
    return RAISE(context->diag, NOT_GROUPED,
                 "Getting analyzing error. Detail message: '%.*s' must be an aggregate expression or appear in GROUP BY clause.",
                 SV_ARGS(column->column.name));
}

static Status regroup(AnalyzeContext *context, const Scope *scope, Expr **in_out)
{
    if (*in_out == NULL)
        return OK;
    GroupRewrite rewrite = {context, scope, scope->select, NULL};
    Expr *original = *in_out;
    *in_out = to_group_column(&rewrite, original);
    if (rewrite.offender == NULL)
        return OK;
    /* What folding removes, as in COALESCE(1, a), needs no group. */
    GroupRewrite again = {context, scope, scope->select, NULL};
    Expr *folded;
    TRY(expr_fold(context->arena, context->session, expr_clone(context->arena, original), context->diag, &folded));
    *in_out = to_group_column(&again, folded);
    if (again.offender == NULL)
        return OK;
    return not_grouped(context, rewrite.offender);
}

/* A subquery sees what is there behind the grouping: the columns that are groups. */
static Status check_outer_uses(AnalyzeContext *context, const SelectState *select)
{
    for (uint32_t i = 0; i < select->outer_uses.count; i++) {
        bool is_group = false;
        for (uint32_t g = 0; g < select->group_count; g++)
            is_group |= expr_equal(select->groups[g], select->outer_uses.items[i]);
        if (!is_group)
            return not_grouped(context, select->outer_uses.items[i]);
    }
    return OK;
}

static Status regroup_windows(AnalyzeContext *context, Scope *scope)
{
    SelectState *select = scope->select;
    for (uint32_t w = 0; w < select->windows.count; w++) {
        WindowCall *call = &select->windows.items[w];
        LogicalNode *spec = select->window_specs.items[w];
        for (uint32_t i = 0; i < call->argument_count; i++)
            TRY(regroup(context, scope, &call->arguments[i]));
        for (uint32_t i = 0; i < spec->window.partition_count; i++)
            TRY(regroup(context, scope, &spec->window.partition[i]));
        for (uint32_t i = 0; i < spec->window.order_count; i++)
            TRY(regroup(context, scope, &spec->window.order[i].expr));
    }
    return OK;
}

LogicalNode *aggregate_node(AnalyzeContext *context, Scope *scope, LogicalNode *child)
{
    SelectState *select = scope->select;
    LogicalNode *node = new_node(context, LOGICAL_AGGREGATE, child);
    uint32_t groupings = select->grouping_ids.count;
    node->aggregate.groups = select->groups;
    node->aggregate.group_ids = select->group_ids;
    node->aggregate.group_count = select->group_count;
    node->aggregate.calls = select->calls.items;
    node->aggregate.call_count = select->calls.count;
    node->aggregate.sets = select->sets;
    node->aggregate.set_count = select->set_count;
    node->aggregate.grouping_ids = select->grouping_ids.items;
    node->aggregate.grouping_masks = select->grouping_values.items;
    node->aggregate.grouping_count = groupings;
    node->column_count = select->group_count + select->calls.count + groupings;
    node->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, MAX(node->column_count, 1u));
    uint32_t at = 0;
    for (uint32_t g = 0; g < select->group_count; g++) {
        StrView name = select->groups[g]->kind == EXPR_COLUMN ? select->groups[g]->column.name : STR_VIEW("expr");
        node->columns[at] = column_of(select->group_ids[g], select->groups[g], name);
        node->columns[at++].is_nullable |= select->sets != NULL;
    }
    for (uint32_t c = 0; c < select->calls.count; c++) {
        const AggCall *call = &select->calls.items[c];
        node->columns[at++] = (LogicalColumn){.id = call->id, .type = call->binding->result,
                                              .is_nullable = (call->binding->flags & FUNC_NEVER_NULL) == 0,
                                              .name = strview(call->binding->def->name)};
    }
    for (uint32_t g = 0; g < groupings; g++)
        node->columns[at++] = (LogicalColumn){.id = select->grouping_ids.items[g], .type = type_of(TYPE_BIGINT),
                                              .name = STR_VIEW("grouping")};
    return node;
}

/* ---- windows ---- */

static bool same_window(const LogicalNode *a, const LogicalNode *b)
{
    if (a->window.partition_count != b->window.partition_count || a->window.order_count != b->window.order_count)
        return false;
    for (uint32_t i = 0; i < a->window.partition_count; i++) {
        if (!expr_equal(a->window.partition[i], b->window.partition[i]))
            return false;
    }
    for (uint32_t i = 0; i < a->window.order_count; i++) {
        const SortKey *x = &a->window.order[i];
        const SortKey *y = &b->window.order[i];
        if (!expr_equal(x->expr, y->expr) || x->is_descending != y->is_descending || x->nulls_first != y->nulls_first)
            return false;
    }
    return true;
}

static LogicalNode *window_nodes(AnalyzeContext *context, SelectState *select, LogicalNode *child)
{
    bool *done = ARENA_NEW_ARRAY(context->arena, bool, MAX(select->windows.count, 1u));
    for (uint32_t w = 0; w < select->windows.count; w++) {
        if (done[w])
            continue;
        LogicalNode *node = new_node(context, LOGICAL_WINDOW, child);
        node->window = select->window_specs.items[w]->window;
        node->window.calls = ARENA_NEW_ARRAY(context->arena, WindowCall, select->windows.count);
        for (uint32_t o = w; o < select->windows.count; o++) {
            if (done[o] || !same_window(select->window_specs.items[w], select->window_specs.items[o]))
                continue;
            node->window.calls[node->window.call_count++] = select->windows.items[o];
            done[o] = true;
        }
        node->column_count = child->column_count + node->window.call_count;
        node->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, node->column_count);
        memcpy(node->columns, child->columns, child->column_count * sizeof(LogicalColumn));
        for (uint32_t c = 0; c < node->window.call_count; c++) {
            const WindowCall *call = &node->window.calls[c];
            node->columns[child->column_count + c] = (LogicalColumn){
                .id = call->id, .type = call->binding->result, .is_nullable = true, .name = strview(call->binding->def->name)};
        }
        child = node;
    }
    return child;
}

/* ---- projection, order ---- */

LogicalNode *project_node(AnalyzeContext *context, LogicalNode *child, Expr **exprs, const StrView *names, uint32_t count)
{
    LogicalNode *node = new_node(context, LOGICAL_PROJECT, child);
    node->project.exprs = ARENA_NEW_ARRAY(context->arena, Expr *, MAX(count, 1u));
    node->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, MAX(count, 1u));
    node->column_count = count;
    for (uint32_t i = 0; i < count; i++) {
        node->project.exprs[i] = exprs[i];
        node->columns[i] = column_of(0, exprs[i], names[i]);
        bool keeps = false; /* a column of an outer query gets an id of its own here */
        for (uint32_t j = 0; exprs[i]->kind == EXPR_COLUMN && j < child->column_count; j++)
            keeps |= child->columns[j].id == exprs[i]->column.id;
        for (uint32_t j = 0; keeps && j < i; j++)
            keeps = node->columns[j].id != exprs[i]->column.id;
        node->columns[i].id = keeps ? exprs[i]->column.id : column_ids_next(&context->ids);
        for (uint32_t j = 0; exprs[i]->kind == EXPR_COLUMN && j < child->column_count; j++) {
            if (child->columns[j].id == exprs[i]->column.id) {
                node->columns[i].table_name = child->columns[j].table_name;
                node->columns[i].origin_table = child->columns[j].origin_table;
                node->columns[i].origin_column = child->columns[j].origin_column;
                node->columns[i].database = child->columns[j].database;
            }
        }
    }
    return node;
}

static LogicalNode *distinct_node(AnalyzeContext *context, LogicalNode *child)
{
    LogicalNode *node = new_node(context, LOGICAL_AGGREGATE, child);
    node_columns_like(context, node, child);
    node->aggregate.group_count = child->column_count;
    node->aggregate.groups = ARENA_NEW_ARRAY(context->arena, Expr *, MAX(child->column_count, 1u));
    node->aggregate.group_ids = ARENA_NEW_ARRAY(context->arena, ColumnId, MAX(child->column_count, 1u));
    for (uint32_t i = 0; i < child->column_count; i++) {
        const LogicalColumn *c = &child->columns[i];
        node->aggregate.groups[i] = expr_column(context->arena, c->id, c->type, c->is_nullable, c->name);
        node->aggregate.group_ids[i] = c->id;
    }
    return node;
}

/* The select item that an ORDER BY item means by ordinal or alias; -1: neither. */
static Status order_item_position(AnalyzeContext *context, const AstQuery *ast, const SelectParts *parts, const AstExpr *item,
                                  StrView source, int64_t *out)
{
    *out = -1;
    if (item->kind == AST_INTEGER) {
        int64_t ordinal = 0;
        for (size_t i = 0; i < item->text.length && ordinal < 100000; i++)
            ordinal = ordinal * 10 + (item->text.data[i] - '0');
        if (ordinal < 1 || ordinal > parts->count)
            return analyze_error(context, source, item->begin, "ORDER BY position %.*s is not in select list", SV_ARGS(item->text));
        *out = ordinal - 1;
        return OK;
    }
    if (item->kind != AST_NAME || item->name.count != 1)
        return OK;
    (void)ast;
    for (uint32_t i = 0; i < parts->count; i++) {
        if (strview_equal_ci(parts->names[i], item->name.parts[0])) {
            *out = i;
            return OK;
        }
    }
    return OK;
}

static Status bind_order_items(AnalyzeContext *context, Scope *scope, const AstQuery *ast, SelectParts *parts)
{
    parts->order = ARENA_NEW_ARRAY(context->arena, Expr *, MAX(ast->order.count, 1u));
    parts->order_items = ARENA_NEW_ARRAY(context->arena, int64_t, MAX(ast->order.count, 1u));
    for (uint32_t i = 0; i < ast->order.count && !ast->order.is_all; i++) {
        TRY(order_item_position(context, ast, parts, ast->order.items[i].expr, scope->source, &parts->order_items[i]));
        if (parts->order_items[i] < 0)
            TRY(bind_expr(context, scope, ast->order.items[i].expr, &parts->order[i]));
    }
    return OK;
}

static Expr *column_ref(AnalyzeContext *context, const LogicalColumn *column)
{
    return expr_column(context->arena, column->id, column->type, column->is_nullable, column->name);
}

static LogicalNode *sort_node(AnalyzeContext *context, LogicalNode *child, SortKey *keys, uint32_t count)
{
    LogicalNode *node = new_node(context, LOGICAL_SORT, child);
    node_columns_like(context, node, child);
    node->sort.keys = keys;
    node->sort.count = count;
    node->sort.limit = -1;
    return node;
}

static void set_direction(SortKey *key, const AstOrderItem *item)
{
    key->is_descending = item->is_descending;
    key->nulls_first = item->has_nulls ? item->nulls_first : !item->is_descending;
}

/* PROJECT, DISTINCT and SORT of a SELECT. Sort keys outside of the select list ride along as hidden columns. */
static Status finish_select(AnalyzeContext *context, Scope *scope, const AstQuery *ast, SelectParts *parts, LogicalNode **in_out)
{
    uint32_t visible = parts->count;
    uint32_t order_count = ast->order.is_all ? visible : ast->order.count;
    for (uint32_t i = 0; i < order_count && !ast->order.is_all; i++) {
        if (parts->order_items[i] >= 0)
            continue;
        for (uint32_t s = 0; s < visible && parts->order_items[i] < 0; s++) {
            if (expr_equal(parts->exprs[s], parts->order[i]))
                parts->order_items[i] = s;
        }
        if (parts->order_items[i] >= 0)
            continue;
        if (ast->select.is_distinct)
            return analyze_error(context, scope->source, ast->order.items[i].expr->begin,
                                 "for SELECT DISTINCT, ORDER BY expressions must appear in select list");
        parts->order_items[i] = parts->count;
        add_item(context, parts, parts->order[i], STR_VIEW("order"));
    }
    LogicalNode *node = project_node(context, *in_out, parts->exprs, parts->names, parts->count);
    if (ast->select.is_distinct)
        node = distinct_node(context, node);
    if (order_count > 0) {
        SortKey *keys = ARENA_NEW_ARRAY(context->arena, SortKey, order_count);
        for (uint32_t i = 0; i < order_count; i++) {
            set_direction(&keys[i], &ast->order.items[ast->order.is_all ? 0 : i]);
            keys[i].expr = column_ref(context, &node->columns[ast->order.is_all ? i : (uint32_t)parts->order_items[i]]);
        }
        node = sort_node(context, node, keys, order_count);
    }
    if (parts->count > visible) {
        Expr **exprs = ARENA_NEW_ARRAY(context->arena, Expr *, MAX(visible, 1u));
        for (uint32_t i = 0; i < visible; i++)
            exprs[i] = column_ref(context, &node->columns[i]);
        node = project_node(context, node, exprs, parts->names, visible);
    }
    *in_out = node;
    return OK;
}

static Status bind_from(AnalyzeContext *context, Scope *scope, const AstSelect *ast, LogicalNode **out)
{
    if (ast->from != NULL)
        return bind_relation(context, scope, ast->from, out);
    *out = new_node(context, LOGICAL_VALUES, NULL);
    (*out)->values.row_count = 1;
    (*out)->values.rows = ARENA_NEW_ARRAY(context->arena, Expr **, 1);
    return OK;
}

static Status bind_where(AnalyzeContext *context, Scope *scope, const AstSelect *ast, LogicalNode **in_out)
{
    Expr *condition;
    if (ast->where == NULL)
        return OK;
    TRY(bind_condition(context, scope, ast->where, &condition));
    *in_out = filter_node(context, *in_out, condition);
    return OK;
}

/* What is in front of the grouping: it sees no alias, aggregate or group. */
static Status bind_from_where(AnalyzeContext *context, Scope *scope, const AstSelect *ast, LogicalNode **out)
{
    SelectState *select = scope->select;
    scope->select = NULL;
    Status status = bind_from(context, scope, ast, out);
    if (status == OK)
        status = bind_where(context, scope, ast, out);
    scope->select = select;
    return status;
}

Status bind_select(AnalyzeContext *context, Scope *outer, const AstQuery *ast, StrView source, ScopeCte *ctes, LogicalNode **out_node)
{
    const AstSelect *select_ast = &ast->select;
    SelectState select = {.allows_aggregates = true, .allows_windows = true, .items = &select_ast->items,
                          .alias_limit = UINT32_MAX};
    Scope scope = {.outer = outer, .ctes = ctes, .select = &select, .source = source};
    SelectParts parts = {0};
    LogicalNode *node;
    TRY(bind_from_where(context, &scope, select_ast, &node));
    TRY(bind_groups(context, &scope, select_ast));
    TRY(bind_items(context, &scope, select_ast, &parts));
    if (select_ast->having != NULL)
        TRY(bind_condition(context, &scope, select_ast->having, &parts.having));
    if (select_ast->qualify != NULL)
        TRY(bind_condition(context, &scope, select_ast->qualify, &parts.qualify));
    TRY(bind_order_items(context, &scope, ast, &parts));
    if (select.has_groups || select.calls.count > 0) {
        for (uint32_t i = 0; i < parts.count; i++)
            TRY(regroup(context, &scope, &parts.exprs[i]));
        for (uint32_t i = 0; i < ast->order.count; i++)
            TRY(regroup(context, &scope, &parts.order[i]));
        TRY(regroup(context, &scope, &parts.having));
        TRY(regroup(context, &scope, &parts.qualify));
        TRY(regroup_windows(context, &scope));
        TRY(check_outer_uses(context, &select));
        node = aggregate_node(context, &scope, node);
    }
    if (parts.having != NULL)
        node = filter_node(context, node, parts.having);
    node = window_nodes(context, &select, node);
    if (parts.qualify != NULL)
        node = filter_node(context, node, parts.qualify);
    TRY(finish_select(context, &scope, ast, &parts, &node));
    *out_node = node;
    return OK;
}

/* ---- set operations ---- */

Status cast_side(AnalyzeContext *context, LogicalNode *side, const Type *types, LogicalNode **out)
{
    bool needed = false;
    Expr **exprs = ARENA_NEW_ARRAY(context->arena, Expr *, MAX(side->column_count, 1u));
    StrView *names = ARENA_NEW_ARRAY(context->arena, StrView, MAX(side->column_count, 1u));
    for (uint32_t i = 0; i < side->column_count; i++) {
        Expr *column = column_ref(context, &side->columns[i]);
        TRY(expr_cast(context->arena, column, types[i], true, context->diag, &exprs[i]));
        names[i] = side->columns[i].name;
        needed |= exprs[i] != column;
    }
    *out = needed ? project_node(context, side, exprs, names, side->column_count) : side;
    return OK;
}

Status bind_set_side(AnalyzeContext *context, Scope *outer, ScopeCte *ctes, const AstQuery *ast, StrView source, LogicalNode **out)
{
    Scope scope = {.outer = outer, .ctes = ctes, .source = source};
    BoundQuery *query;
    TRY(bind_query(context, &scope, ast, source, &query));
    *out = query->root;
    return OK;
}

Status bind_set(AnalyzeContext *context, Scope *outer, ScopeCte *ctes, const AstQuery *ast, StrView source, LogicalNode **out)
{
    LogicalNode *sides[2];
    TRY(bind_set_side(context, outer, ctes, ast->left, source, &sides[0]));
    TRY(bind_set_side(context, outer, ctes, ast->right, source, &sides[1]));
    uint32_t count = sides[0]->column_count;
    if (sides[1]->column_count != count)
        return analyze_error(context, source, ast->begin, "Operands of a set operation must have the same number of columns");
    Type *types = ARENA_NEW_ARRAY(context->arena, Type, MAX(count, 1u));
    for (uint32_t i = 0; i < count; i++) {
        TRY(type_common(sides[0]->columns[i].type, sides[1]->columns[i].type, context->arena, context->diag, &types[i]));
        if (types[i].kind == TYPE_NULL)
            types[i] = type_of(TYPE_BOOLEAN);
    }
    LogicalNode *node = new_node(context, LOGICAL_SET, NULL);
    node->children = ARENA_NEW_ARRAY(context->arena, LogicalNode *, 2);
    node->child_count = 2;
    node->set.kind = ast->set_kind == AST_UNION ? SET_UNION_ALL : ast->set_kind == AST_INTERSECT ? SET_INTERSECT : SET_EXCEPT;
    node->set.inputs = ARENA_NEW_ARRAY(context->arena, ColumnId *, 2);
    node->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, MAX(count, 1u));
    node->column_count = count;
    for (int s = 0; s < 2; s++) {
        TRY(cast_side(context, sides[s], types, &node->children[s]));
        node->set.inputs[s] = ARENA_NEW_ARRAY(context->arena, ColumnId, MAX(count, 1u));
        for (uint32_t i = 0; i < count; i++)
            node->set.inputs[s][i] = node->children[s]->columns[i].id;
    }
    for (uint32_t i = 0; i < count; i++)
        node->columns[i] = (LogicalColumn){
            .id = column_ids_next(&context->ids), .type = types[i], .name = sides[0]->columns[i].name,
            .is_nullable = sides[0]->columns[i].is_nullable || sides[1]->columns[i].is_nullable};
    *out = ast->set_kind == AST_UNION && !ast->is_all ? distinct_node(context, node) : node;
    return OK;
}

/* ORDER BY over the result columns of a set operation or VALUES. */
static Status bind_result_order(AnalyzeContext *context, Scope *outer, const AstQuery *ast, StrView source, LogicalNode **in_out)
{
    if (ast->order.count == 0)
        return OK;
    LogicalNode *node = *in_out;
    Scope scope = {.outer = outer, .source = source};
    SelectParts parts = {.count = node->column_count};
    parts.names = ARENA_NEW_ARRAY(context->arena, StrView, MAX(node->column_count, 1u));
    for (uint32_t i = 0; i < node->column_count; i++) {
        parts.names[i] = node->columns[i].name;
        scope_add(context, &scope, &node->columns[i], node->columns[i].table_name, STR_VIEW(""));
    }
    SortKey *keys = ARENA_NEW_ARRAY(context->arena, SortKey, ast->order.count);
    for (uint32_t i = 0; i < ast->order.count; i++) {
        int64_t position;
        set_direction(&keys[i], &ast->order.items[i]);
        TRY(order_item_position(context, ast, &parts, ast->order.items[i].expr, source, &position));
        if (position >= 0)
            keys[i].expr = column_ref(context, &node->columns[position]);
        else
            TRY(bind_expr(context, &scope, ast->order.items[i].expr, &keys[i].expr));
    }
    *in_out = sort_node(context, node, keys, ast->order.count);
    return OK;
}

static Status bind_limit_value(AnalyzeContext *context, const AstExpr *ast, int64_t missing, int64_t *out)
{
    *out = missing;
    if (ast == NULL)
        return OK;
    Scope scope = {.source = STR_VIEW("")};
    Expr *value;
    TRY(bind_expr(context, &scope, ast, &value));
    TRY(expr_cast(context->arena, value, type_of(TYPE_BIGINT), true, context->diag, &value));
    TRY(expr_fold(context->arena, context->session, value, context->diag, &value));
    if (value->kind != EXPR_CONSTANT || value->constant.value.is_null || value->constant.value.i64 < 0)
        return RAISE(context->diag, SYNTAX, "LIMIT and OFFSET take integers that are not negative");
    *out = value->constant.value.i64;
    return OK;
}

Status bind_limits(AnalyzeContext *context, const AstQuery *ast, int64_t *out_limit, int64_t *out_offset)
{
    TRY(bind_limit_value(context, ast->limit, -1, out_limit));
    return bind_limit_value(context, ast->offset, 0, out_offset);
}

static Status add_limit(AnalyzeContext *context, const AstQuery *ast, LogicalNode **in_out)
{
    int64_t limit, offset;
    TRY(bind_limits(context, ast, &limit, &offset));
    if (limit < 0 && offset == 0)
        return OK;
    LogicalNode *node = new_node(context, LOGICAL_LIMIT, *in_out);
    node_columns_like(context, node, *in_out);
    node->limit.limit = limit;
    node->limit.offset = offset;
    *in_out = node;
    return OK;
}

static Status bind_cte(AnalyzeContext *context, Scope *scope, const AstCte *item, bool is_recursive, BoundCte *cte)
{
    const AstCte *around = context->recursive_cte;
    uint32_t before = count_working_tables(context);
    context->recursive_cte = is_recursive ? item : NULL;
    Status status = bind_query(context, scope, item->query, scope->source, &cte->query);
    context->recursive_cte = around;
    TRY(status);
    cte->reads_working_table = count_working_tables(context) > before;
    for (uint32_t c = 0; c < item->columns.count && c < cte->query->column_count; c++)
        cte->query->columns[c].name = item->columns.items[c];
    return OK;
}

static Status bind_ctes(AnalyzeContext *context, Scope *outer, const AstQuery *ast, StrView source, BoundQuery *query,
                        ScopeCte **in_out_ctes)
{
    query->ctes = ARENA_NEW_ARRAY(context->arena, BoundCte *, MAX(ast->ctes.count, 1u));
    for (uint32_t i = 0; i < ast->ctes.count; i++) {
        Scope scope = {.outer = outer, .ctes = *in_out_ctes, .source = source};
        BoundCte *cte = ARENA_NEW(context->arena, BoundCte);
        cte->name = ast->ctes.items[i].name;
        cte->id = context->next_cte_id++;
        TRY(bind_cte(context, &scope, &ast->ctes.items[i], ast->ctes.is_recursive, cte));
        ScopeCte *entry = ARENA_NEW(context->arena, ScopeCte);
        *entry = (ScopeCte){*in_out_ctes, cte->name, cte, NULL};
        *in_out_ctes = entry;
        query->ctes[query->cte_count++] = cte;
    }
    return OK;
}

Status bind_query(AnalyzeContext *context, Scope *outer, const AstQuery *ast, StrView source, BoundQuery **out_query)
{
    BoundQuery *query = ARENA_NEW(context->arena, BoundQuery);
    ScopeCte *ctes = NULL;
    LogicalNode *node;
    TRY(bind_ctes(context, outer, ast, source, query, &ctes));
    if (ast->kind == AST_QUERY_SELECT) {
        TRY(bind_select(context, outer, ast, source, ctes, &node));
    } else {
        Scope scope = {.outer = outer, .ctes = ctes, .source = source};
        bool is_recursive = context->recursive_cte != NULL && context->recursive_cte->query == ast && ast->set_kind == AST_UNION;
        TRY(ast->kind != AST_QUERY_SET ? bind_values_query(context, &scope, ast, &node)
            : is_recursive             ? bind_recursive(context, outer, ctes, ast, source, &node)
                                       : bind_set(context, outer, ctes, ast, source, &node));
        TRY(bind_result_order(context, outer, ast, source, &node));
    }
    TRY(add_limit(context, ast, &node));
    query->root = node;
    query->columns = node->columns;
    query->column_count = node->column_count;
    *out_query = query;
    return OK;
}

Status analyze_query(AnalyzeContext *context, const AstQuery *ast, StrView source, BoundQuery **out_query)
{
    if (context->ids.next == 0)
        context->ids.next = 1;
    return bind_query(context, NULL, ast, source, out_query);
}

Status analyze_scalar(AnalyzeContext *context, const AstExpr *ast, StrView source, const LogicalColumn *columns,
                      uint32_t column_count, Expr **out_expr)
{
    Scope scope = {.source = source};
    if (context->ids.next == 0)
        context->ids.next = 1000000;
    for (uint32_t i = 0; i < column_count; i++)
        scope_add(context, &scope, &columns[i], columns[i].table_name, STR_VIEW(""));
    return bind_expr(context, &scope, ast, out_expr);
}
