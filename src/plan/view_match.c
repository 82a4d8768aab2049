#include "plan/view_int.h"

/* One shape of a view against one block of a query: which leaves stand for which, whether the view has all rows that
 * the query wants, and what expressions of the query are over the view's columns. */

enum { MAX_ASSIGNMENTS = 24 };

/* ---- trees that are the same ---- */

void idpairs_add(PlanContext *context, IdPairs *pairs, ColumnId from, ColumnId to)
{
    uint32_t room = pairs->capacity;
    if (pairs->count == pairs->capacity) {
        pairs->from = arena_grow(context->arena, pairs->from, sizeof(ColumnId), pairs->count, &room);
        pairs->to = arena_grow(context->arena, pairs->to, sizeof(ColumnId), pairs->count, &pairs->capacity);
    }
    pairs->from[pairs->count] = from;
    pairs->to[pairs->count++] = to;
}

Expr *idpairs_clone(PlanContext *context, const IdPairs *pairs, const Expr *expr)
{
    IdMap map = {pairs->from, pairs->to, pairs->count};
    Expr *copy = expr_clone(context->arena, expr);
    expr_map(&map, copy);
    return copy;
}

typedef struct TreeMatch {
    PlanContext *context;
    IdPairs pairs;
} TreeMatch;

static bool same_expr(TreeMatch *match, const Expr *view, const Expr *query)
{
    if (view == NULL || query == NULL)
        return view == query;
    return expr_equal(idpairs_clone(match->context, &match->pairs, view), query);
}

static bool same_list(TreeMatch *match, Expr *const *view, uint32_t view_count, Expr *const *query, uint32_t query_count)
{
    bool same = view_count == query_count;
    for (uint32_t i = 0; same && i < view_count; i++)
        same = same_expr(match, view[i], query[i]);
    return same;
}

static bool same_keys(TreeMatch *match, const SortKey *view, const SortKey *query, uint32_t count)
{
    bool same = true;
    for (uint32_t i = 0; same && i < count; i++)
        same = view[i].is_descending == query[i].is_descending && view[i].nulls_first == query[i].nulls_first &&
               same_expr(match, view[i].expr, query[i].expr);
    return same;
}

static void map_column(TreeMatch *match, ColumnId view, ColumnId query)
{
    if (view != query)
        idpairs_add(match->context, &match->pairs, view, query);
}

static bool same_scan(TreeMatch *match, const LogicalNode *view, const LogicalNode *query)
{
    bool is_whole = query->scan.partition_ids == NULL && query->scan.tablet_ids == NULL && !query->scan.is_historic;
    if (view->scan.table->id != query->scan.table->id || !is_whole || view->column_count != query->column_count)
        return false;
    for (uint32_t i = 0; i < view->column_count; i++) {
        if (view->scan.ordinals[i] != query->scan.ordinals[i] || !type_equal(view->columns[i].type, query->columns[i].type))
            return false;
        map_column(match, view->columns[i].id, query->columns[i].id);
    }
    return same_list(match, view->scan.conjuncts, view->scan.conjunct_count, query->scan.conjuncts, query->scan.conjunct_count);
}

static bool same_aggregate(TreeMatch *match, const LogicalNode *view, const LogicalNode *query)
{
    bool is_plain = view->aggregate.sets == NULL && query->aggregate.sets == NULL;
    if (!is_plain || view->aggregate.call_count != query->aggregate.call_count ||
        !same_list(match, view->aggregate.groups, view->aggregate.group_count, query->aggregate.groups, query->aggregate.group_count))
        return false;
    for (uint32_t i = 0; i < view->aggregate.call_count; i++) {
        const AggCall *a = &view->aggregate.calls[i], *b = &query->aggregate.calls[i];
        bool same = a->binding->def == b->binding->def && a->is_distinct == b->is_distinct && a->order_count == 0 && b->order_count == 0 &&
                    (a->binding->flags & FUNC_ORDER_SENSITIVE) == 0 && type_equal(a->binding->result, b->binding->result) &&
                    same_expr(match, a->filter, b->filter) &&
                    same_list(match, a->arguments, a->argument_count, b->arguments, b->argument_count);
        if (!same)
            return false;
        map_column(match, a->id, b->id);
    }
    return true;
}

static bool same_frame(const WindowFrame *a, const WindowFrame *b)
{
    return a->is_rows == b->is_rows && a->start == b->start && a->end == b->end && a->start_offset == b->start_offset &&
           a->end_offset == b->end_offset;
}

static bool same_window(TreeMatch *match, const LogicalNode *view, const LogicalNode *query)
{
    bool same =
        view->window.call_count == query->window.call_count && view->window.order_count == query->window.order_count &&
        same_list(match, view->window.partition, view->window.partition_count, query->window.partition, query->window.partition_count) &&
        same_keys(match, view->window.order, query->window.order, view->window.order_count);
    for (uint32_t i = 0; same && i < view->window.call_count; i++) {
        const WindowCall *a = &view->window.calls[i], *b = &query->window.calls[i];
        same = a->binding->def == b->binding->def && a->is_distinct == b->is_distinct && a->ignore_nulls == b->ignore_nulls &&
               same_frame(&a->frame, &b->frame) && type_equal(a->binding->result, b->binding->result) &&
               same_list(match, a->arguments, a->argument_count, b->arguments, b->argument_count);
        map_column(match, a->id, b->id);
    }
    return same;
}

static bool same_set(TreeMatch *match, const LogicalNode *view, const LogicalNode *query)
{
    bool same = view->set.kind == query->set.kind && view->column_count == query->column_count;
    for (uint32_t child = 0; same && child < view->child_count; child++) {
        for (uint32_t i = 0; same && i < view->column_count; i++) {
            const Expr *a = expr_column(match->context->arena, view->set.inputs[child][i], view->columns[i].type, true, STR_VIEW(""));
            a = idpairs_clone(match->context, &match->pairs, a);
            same = a->column.id == query->set.inputs[child][i] && type_equal(view->columns[i].type, query->columns[i].type);
        }
    }
    return same;
}

bool node_is_top(const LogicalNode *node)
{
    return node->kind == LOGICAL_LIMIT && node->children[0]->kind == LOGICAL_SORT && node->children[0]->sort.limit < 0 &&
           node->children[0]->sort.offset <= 0;
}

static bool same_order(TreeMatch *match, const LogicalNode *view, const LogicalNode *query)
{
    return view->sort.count == query->sort.count && same_keys(match, view->sort.keys, query->sort.keys, view->sort.count);
}

/* The node itself; its children are the same already. */
static bool same_node(TreeMatch *match, const LogicalNode *view, const LogicalNode *query)
{
    switch ((LogicalKind)view->kind) {
    case LOGICAL_SCAN:
        return same_scan(match, view, query);
    case LOGICAL_PROJECT:
        return same_list(match, view->project.exprs, view->column_count, query->project.exprs, query->column_count);
    case LOGICAL_FILTER:
        return same_list(match, view->filter.conjuncts, view->filter.count, query->filter.conjuncts, query->filter.count);
    case LOGICAL_JOIN:
        if (view->join.kind == JOIN_LEFT_MARK && query->join.kind == JOIN_LEFT_MARK)
            map_column(match, view->join.mark, query->join.mark);
        return view->join.kind == query->join.kind && view->join.in_count == query->join.in_count &&
               same_list(match, view->join.conjuncts, view->join.count, query->join.conjuncts, query->join.count);
    case LOGICAL_AGGREGATE:
        return same_aggregate(match, view, query);
    case LOGICAL_WINDOW:
        return same_window(match, view, query);
    case LOGICAL_SORT:
        return view->sort.limit < 0 && query->sort.limit < 0 && view->sort.offset == 0 && query->sort.offset == 0;
    case LOGICAL_LIMIT: /* which rows it takes is not said, but for those of an order */
        return node_is_top(view) && node_is_top(query) && view->limit.limit == query->limit.limit && view->limit.offset == query->limit.offset &&
               same_order(match, view->children[0], query->children[0]);
    case LOGICAL_SET:
        return same_set(match, view, query);
    case LOGICAL_SYSTEM_SCAN:
    case LOGICAL_VALUES:
    case LOGICAL_TABLE_FUNCTION:
    case LOGICAL_CTE_REF:
    case LOGICAL_RECURSIVE:
    case LOGICAL_WORKING_TABLE:
    case LOGICAL_ASSERT_ONE_ROW:
    case LOGICAL_EMPTY:
        return false;
    }
    return false;
}

static bool same_tree(TreeMatch *match, const LogicalNode *view, const LogicalNode *query)
{
    if (view->kind != query->kind || view->child_count != query->child_count || view->column_count != query->column_count)
        return false;
    for (uint32_t i = 0; i < view->child_count; i++) {
        if (!same_tree(match, view->children[i], query->children[i]))
            return false;
    }
    if (!same_node(match, view, query))
        return false;
    for (uint32_t i = 0; view->kind != LOGICAL_SCAN && i < view->column_count; i++)
        map_column(match, view->columns[i].id, query->columns[i].id);
    return true;
}

bool trees_match(PlanContext *context, const LogicalNode *view, const LogicalNode *query, IdPairs *out_pairs)
{
    TreeMatch match = {.context = context};
    bool same = same_tree(&match, view, query);
    *out_pairs = match.pairs;
    return same;
}

/* ---- expressions over the view ---- */

Expr *view_column(const ViewMatch *match, uint32_t output)
{
    PlanContext *context = match->context;
    Diag ignored = {0};
    Expr *cast, *column = column_expr(context, &match->scan->columns[output]);
    Type wanted = match->shape->outputs[output].type;
    if (type_equal(column->type, wanted) || expr_cast(context->arena, column, wanted, true, &ignored, &cast) != OK)
        return column;
    return cast;
}

typedef struct Translation {
    ViewMatch *match;
    bool by_query;
    IdSet replaced; /* columns of leaves that the view stands for */
} Translation;

static Expr *translate(Translation *t, const Expr *expr);

static Expr *find_output(const Translation *t, const Expr *wanted)
{
    const ViewMatch *match = t->match;
    Expr *const *outputs = t->by_query ? match->outputs : match->view_outputs;
    for (uint32_t i = 0; i < match->shape->output_count; i++) {
        if (outputs[i] != NULL && expr_equal(outputs[i], wanted))
            return view_column(match, i);
    }
    return NULL;
}

static Expr *translate_arguments(Translation *t, const Expr *expr)
{
    Arena *arena = t->match->context->arena;
    bool can = expr->kind == EXPR_CALL || expr->kind == EXPR_AND || expr->kind == EXPR_OR || expr->kind == EXPR_CASE ||
               expr->kind == EXPR_IN || expr->kind == EXPR_LAMBDA;
    if (!can || expr->argument_count == 0)
        return NULL;
    Expr *copy = ARENA_NEW(arena, Expr);
    *copy = *expr;
    copy->arguments = ARENA_NEW_ARRAY(arena, Expr *, expr->argument_count);
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        copy->arguments[i] = translate(t, expr->arguments[i]);
        if (copy->arguments[i] == NULL)
            return NULL;
        copy->is_nullable |= copy->arguments[i]->is_nullable && !expr->arguments[i]->is_nullable;
    }
    return copy;
}

static Expr *translate(Translation *t, const Expr *expr)
{
    ViewMatch *match = t->match;
    if (!idset_touches(&t->replaced, expr))
        return expr_clone(match->context->arena, expr);
    const ColumnClasses *classes = t->by_query ? &match->query_classes : &match->view_classes;
    const Expr *wanted = canonical(match->context, classes, expr);
    Expr *found = find_output(t, wanted);
    if (found == NULL)
        found = view_time(match, wanted, t->by_query);
    if (found != NULL)
        return found;
    const Expr *value = constant_of(&match->view_conjuncts, canonical(match->context, &match->view_classes, expr));
    if (value == NULL)
        return translate_arguments(t, expr);
    Expr *constant = expr_clone(match->context->arena, value);
    constant->type = expr->type; /* of text the length may differ */
    return constant;
}

Expr *match_expr(ViewMatch *match, const Expr *expr, bool by_query)
{
    Translation t = {match, by_query, idset_new(match->context)};
    for (uint32_t j = 0; j < match->query->leaves.count; j++) {
        if (match->is_replaced[j])
            idset_add_columns(match->context, &t.replaced, match->query->leaves.items[j]);
    }
    return translate(&t, expr);
}

/* ---- rows ---- */

static const char *text_of(const ViewMatch *match, const char *before, const Expr *expr, const char *after)
{
    AUTO_BYTEBUF text = {0};
    bytebuf_append_text(&text, before);
    expr_print(expr, &text);
    bytebuf_append_text(&text, after);
    return arena_strndup(match->context->arena, text.data, text.length);
}

static void canonical_list(PlanContext *context, const ColumnClasses *classes, const ConjunctList *from, ConjunctList *out)
{
    *out = (ConjunctList){0};
    for (uint32_t i = 0; i < from->count; i++) {
        Expr *expr = canonical(context, classes, from->items[i]);
        ARRAY_PUSH(context->arena, out, expr);
    }
}

/* The view lacks no row that the query wants. */
static bool view_has_rows(ViewMatch *match)
{
    PlanContext *context = match->context;
    ConjunctList mapped = {0};
    for (uint32_t i = 0; i < match->shape->block.conjuncts.count; i++) {
        Expr *expr = idpairs_clone(context, &match->pairs, match->shape->block.conjuncts.items[i]);
        if (conjuncts_imply(context, &match->query_conjuncts, canonical(context, &match->query_classes, expr))) {
            ARRAY_PUSH(context->arena, &mapped, expr);
            continue;
        }
        match->lacking = text_of(match, "the view has only rows with ", expr, ", which the query does not ask for");
        if (!union_lacks_condition(match, expr)) {
            match->reason = match->lacking;
            return false;
        }
    }
    /* What others than the view's rows satisfy as well. */
    classes_of(context, &mapped, &match->view_classes);
    canonical_list(context, &match->view_classes, &mapped, &match->view_conjuncts);
    return true;
}

static void make_scan(ViewMatch *match)
{
    PlanContext *context = match->context;
    const PlanView *view = match->view;
    const TableSchema *schema = view->table->schema;
    LogicalNode *node = match->scan = make_node(context, LOGICAL_SCAN, NULL, NULL);
    node->scan.database = view->database;
    node->scan.table = view->table;
    node->scan.alias = view->table->name;
    node->scan.first_id = context->ids->next;
    context->ids->next += schema->column_count;
    node->column_count = match->shape->output_count;
    node->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, node->column_count + 1);
    node->scan.ordinals = ARENA_NEW_ARRAY(context->arena, uint32_t, node->column_count + 1);
    for (uint32_t i = 0; i < node->column_count; i++) {
        uint32_t ordinal = view->ordinals[i];
        const TableColumn *column = &schema->columns[ordinal];
        node->scan.ordinals[i] = ordinal;
        node->columns[i] = (LogicalColumn){.id = node->scan.first_id + ordinal,
                                           .type = column->type,
                                           .is_nullable = column->is_nullable,
                                           .name = column->name,
                                           .origin_table = view->table->name,
                                           .origin_column = column->name,
                                           .database = view->database->name};
    }
}

static void map_outputs(ViewMatch *match)
{
    const ViewShape *shape = match->shape;
    PlanContext *context = match->context;
    match->outputs = ARENA_NEW_ARRAY(context->arena, Expr *, shape->output_count + 1);
    match->view_outputs = ARENA_NEW_ARRAY(context->arena, Expr *, shape->output_count + 1);
    for (uint32_t i = 0; i < shape->output_count; i++) {
        if (shape->outputs[i].expr == NULL || shape->outputs[i].kind == VIEW_OUTPUT_OTHER)
            continue;
        Expr *mapped = idpairs_clone(context, &match->pairs, shape->outputs[i].expr);
        match->outputs[i] = canonical(context, &match->query_classes, mapped);
        match->view_outputs[i] = canonical(context, &match->view_classes, mapped);
    }
}

/* What the query asks for beyond the view, over the view's columns. */
static bool compensate(ViewMatch *match)
{
    PlanContext *context = match->context;
    for (uint32_t i = 0; i < match->query->conjuncts.count; i++) {
        const Expr *conjunct = match->query->conjuncts.items[i];
        if (conjuncts_imply(context, &match->view_conjuncts, canonical(context, &match->view_classes, conjunct)))
            continue;
        Expr *translated = match_expr(match, conjunct, false);
        if (translated == NULL && union_cuts_unit(match, canonical(context, &match->view_classes, conjunct)))
            continue;
        if (translated == NULL) {
            match->reason = match->splits_groups ? match->lacking : text_of(match, "the view lacks columns for ", conjunct, "");
            return false;
        }
        ARRAY_PUSH(context->arena, &match->compensation, translated);
    }
    return true;
}

static bool try_assignment(ViewMatch *match, const IdPairs *pairs)
{
    match->pairs = (IdPairs){0};
    match->compensation = match->kept = match->missing = (ConjunctList){0};
    match->splits_groups = false;
    for (uint32_t i = 0; i < match->shape->block.leaves.count; i++) {
        const IdPairs *leaf = &pairs[i * match->query->leaves.count + match->leaf_of[i]];
        for (uint32_t p = 0; p < leaf->count; p++)
            idpairs_add(match->context, &match->pairs, leaf->from[p], leaf->to[p]);
    }
    if (!view_has_rows(match))
        return false;
    make_scan(match);
    map_outputs(match);
    return compensate(match);
}

typedef struct Assignment {
    ViewMatch *match;
    const bool *fits;     /* leaf of the shape * leaves of the query + leaf of the query */
    const IdPairs *pairs; /* as fits */
    uint32_t tries;
} Assignment;

/* Leaves from number at on; depth first. */
static bool assign(Assignment *a, uint32_t at)
{
    ViewMatch *match = a->match;
    uint32_t count = match->query->leaves.count;
    if (at == match->shape->block.leaves.count)
        return ++a->tries <= MAX_ASSIGNMENTS && try_assignment(match, a->pairs);
    for (uint32_t j = 0; j < count && a->tries < MAX_ASSIGNMENTS; j++) {
        if (match->is_replaced[j] || !a->fits[at * count + j])
            continue;
        match->is_replaced[j] = true;
        match->leaf_of[at] = j;
        if (assign(a, at + 1))
            return true;
        match->is_replaced[j] = false;
    }
    return false;
}

Status match_block(PlanContext *context, const PlanView *view, const ViewShape *shape, const Block *query, ViewMatch *out, bool *out_fits)
{
    uint32_t view_count = shape->block.leaves.count, count = query->leaves.count;
    *out = (ViewMatch){
        .context = context, .view = view, .shape = shape, .query = query, .reason = "the view reads other tables than the query"};
    *out_fits = false;
    if (view_count > count || view_count == 0)
        return OK;
    bool *fits = ARENA_NEW_ARRAY(context->arena, bool, view_count *count);
    IdPairs *pairs = ARENA_NEW_ARRAY(context->arena, IdPairs, view_count * count);
    for (uint32_t i = 0; i < view_count; i++) {
        bool any = false;
        for (uint32_t j = 0; j < count; j++) {
            fits[i * count + j] = trees_match(context, shape->block.leaves.items[i], query->leaves.items[j], &pairs[i * count + j]);
            any |= fits[i * count + j];
        }
        if (!any) {
            if (shape->block.leaves.items[i]->kind != LOGICAL_SCAN)
                out->reason = "no part of the query is the same";
            return OK;
        }
    }
    out->leaf_of = ARENA_NEW_ARRAY(context->arena, uint32_t, view_count);
    out->is_replaced = ARENA_NEW_ARRAY(context->arena, bool, count);
    classes_of(context, &query->conjuncts, &out->query_classes);
    canonical_list(context, &out->query_classes, &query->conjuncts, &out->query_conjuncts);
    Assignment a = {.match = out, .fits = fits, .pairs = pairs};
    *out_fits = assign(&a, 0);
    return OK;
}
