#include "plan/logical_walk.h"

/* One place that knows which expressions a node of each kind holds; everything else is built on it. */

typedef void ExprVisit(void *context, Expr **expr);

static void each(Expr **exprs, uint32_t count, ExprVisit *visit, void *context)
{
    for (uint32_t i = 0; i < count; i++)
        visit(context, &exprs[i]);
}

static void each_key(SortKey *keys, uint32_t count, ExprVisit *visit, void *context)
{
    for (uint32_t i = 0; i < count; i++)
        visit(context, &keys[i].expr);
}

static void each_of_aggregate(LogicalNode *node, ExprVisit *visit, void *context)
{
    each(node->aggregate.groups, node->aggregate.group_count, visit, context);
    for (uint32_t i = 0; i < node->aggregate.call_count; i++) {
        AggCall *call = &node->aggregate.calls[i];
        each(call->arguments, call->argument_count, visit, context);
        if (call->filter != NULL)
            visit(context, &call->filter);
        each_key(call->order, call->order_count, visit, context);
    }
}

static void each_of_window(LogicalNode *node, ExprVisit *visit, void *context)
{
    each(node->window.partition, node->window.partition_count, visit, context);
    each_key(node->window.order, node->window.order_count, visit, context);
    for (uint32_t i = 0; i < node->window.call_count; i++)
        each(node->window.calls[i].arguments, node->window.calls[i].argument_count, visit, context);
}

void node_each_expr(LogicalNode *node, ExprVisit *visit, void *context)
{
    switch ((LogicalKind)node->kind) {
    case LOGICAL_SCAN:
        each(node->scan.conjuncts, node->scan.conjunct_count, visit, context);
        break;
    case LOGICAL_SYSTEM_SCAN:
        each(node->system_scan.conjuncts, node->system_scan.conjunct_count, visit, context);
        break;
    case LOGICAL_VALUES:
        for (uint32_t r = 0; r < node->values.row_count; r++)
            each(node->values.rows[r], node->column_count, visit, context);
        break;
    case LOGICAL_PROJECT:
        each(node->project.exprs, node->column_count, visit, context);
        break;
    case LOGICAL_FILTER:
        each(node->filter.conjuncts, node->filter.count, visit, context);
        break;
    case LOGICAL_JOIN:
        each(node->join.conjuncts, node->join.count, visit, context);
        break;
    case LOGICAL_AGGREGATE:
        each_of_aggregate(node, visit, context);
        break;
    case LOGICAL_WINDOW:
        each_of_window(node, visit, context);
        break;
    case LOGICAL_SORT:
        each_key(node->sort.keys, node->sort.count, visit, context);
        break;
    case LOGICAL_TABLE_FUNCTION:
        each(node->table_function.arguments, node->table_function.argument_count, visit, context);
        break;
    case LOGICAL_LIMIT:
    case LOGICAL_SET:
    case LOGICAL_CTE_REF:
    case LOGICAL_RECURSIVE:
    case LOGICAL_WORKING_TABLE:
    case LOGICAL_ASSERT_ONE_ROW:
    case LOGICAL_EMPTY:
        break;
    }
}

typedef struct UseSearch {
    const IdSet *set;
    bool only_subqueries;
    bool found;
} UseSearch;

static void search_tree(UseSearch *search, LogicalNode *node);

static void search_expr(void *context, Expr **expr)
{
    UseSearch *search = context;
    const Expr *e = *expr;
    if (e->kind == EXPR_COLUMN && !search->only_subqueries)
        search->found |= idset_has(search->set, e->column.id);
    for (uint32_t i = 0; i < e->argument_count; i++)
        search_expr(context, &e->arguments[i]);
    if (e->kind != EXPR_SUBQUERY)
        return;
    UseSearch inside = {.set = search->set};
    search_tree(&inside, e->subquery.query->root);
    search->found |= inside.found;
}

static void search_tree(UseSearch *search, LogicalNode *node)
{
    node_each_expr(node, search_expr, search);
    if (node->kind == LOGICAL_CTE_REF && !search->found)
        search_tree(search, node->cte_ref.cte->query->root);
    for (uint32_t i = 0; i < node->child_count && !search->found; i++)
        search_tree(search, node->children[i]);
}

bool tree_uses(LogicalNode *node, const IdSet *set)
{
    UseSearch search = {.set = set};
    search_tree(&search, node);
    return search.found;
}

bool tree_subqueries_use(LogicalNode *node, const IdSet *set)
{
    UseSearch search = {.set = set, .only_subqueries = true};
    search_tree(&search, node);
    return search.found;
}

bool tree_ctes_use(LogicalNode *node, const IdSet *set)
{
    bool found = node->kind == LOGICAL_CTE_REF && tree_uses(node->cte_ref.cte->query->root, set);
    for (uint32_t i = 0; i < node->child_count && !found; i++)
        found = tree_ctes_use(node->children[i], set);
    return found;
}

bool tree_reads_working_table(const LogicalNode *node)
{
    bool found = node->kind == LOGICAL_WORKING_TABLE || (node->kind == LOGICAL_CTE_REF && node->cte_ref.cte->reads_working_table);
    for (uint32_t i = 0; i < node->child_count && !found; i++)
        found = tree_reads_working_table(node->children[i]);
    return found;
}

static ColumnId mapped(const IdMap *map, ColumnId id)
{
    for (uint32_t i = 0; i < map->count; i++) {
        if (map->from[i] == id)
            return map->to[i];
    }
    return id;
}

static void map_tree(const IdMap *map, LogicalNode *node)
{
    node_map(map, node);
    for (uint32_t i = 0; i < node->child_count; i++)
        map_tree(map, node->children[i]);
}

void expr_map(const IdMap *map, Expr *expr)
{
    if (expr->kind == EXPR_COLUMN)
        expr->column.id = mapped(map, expr->column.id);
    for (uint32_t i = 0; i < expr->argument_count; i++)
        expr_map(map, expr->arguments[i]);
    if (expr->kind == EXPR_SUBQUERY)
        map_tree(map, expr->subquery.query->root);
}

static void map_visit(void *context, Expr **expr)
{
    expr_map(context, *expr);
}

void node_map(const IdMap *map, LogicalNode *node)
{
    IdMap copy = *map;
    node_each_expr(node, map_visit, &copy);
}

/* ---- copies ---- */

typedef struct CloneState {
    PlanContext *context;
    ARRAY_OF(ColumnId) from, to;
    ARRAY_OF(Recursion *) old_recursions, recursions; /* whose LOGICAL_RECURSIVE is copied too */
    ARRAY_OF(BoundQuery *) old_queries, queries;      /* of subqueries */
} CloneState;

static ColumnId clone_id(CloneState *state, ColumnId id)
{
    for (uint32_t i = 0; i < state->from.count; i++) {
        if (state->from.items[i] == id)
            return state->to.items[i];
    }
    ARRAY_PUSH(state->context->arena, &state->from, id);
    ARRAY_PUSH(state->context->arena, &state->to, column_ids_next(state->context->ids));
    return state->to.items[state->to.count - 1];
}

static void *copy_bytes(CloneState *state, const void *items, size_t bytes)
{
    uint8_t *copy = arena_alloc_zero(state->context->arena, bytes + 1);
    if (bytes > 0)
        memcpy(copy, items, bytes);
    return copy;
}

static Expr **copy_exprs(CloneState *state, Expr **exprs, uint32_t count)
{
    return copy_bytes(state, exprs, count * sizeof(*exprs));
}

/* A scan's ids are one range: column i of the table has first_id + i. */
static void clone_scan_ids(CloneState *state, LogicalNode *node)
{
    uint32_t width = 0;
    for (uint32_t i = 0; i < node->column_count; i++)
        width = MAX(width, node->scan.ordinals[i] + 1);
    ColumnId first = state->context->ids->next;
    state->context->ids->next += width;
    for (uint32_t i = 0; i < width; i++) {
        ARRAY_PUSH(state->context->arena, &state->from, node->scan.first_id + i);
        ARRAY_PUSH(state->context->arena, &state->to, first + i);
    }
    node->scan.first_id = first;
    node->scan.ordinals = copy_bytes(state, node->scan.ordinals, node->column_count * sizeof(uint32_t));
    node->scan.conjuncts = copy_exprs(state, node->scan.conjuncts, node->scan.conjunct_count);
}

static void clone_aggregate(CloneState *state, LogicalNode *node)
{
    uint32_t groups = node->aggregate.group_count;
    node->aggregate.groups = copy_exprs(state, node->aggregate.groups, groups);
    node->aggregate.group_ids = copy_bytes(state, node->aggregate.group_ids, groups * sizeof(ColumnId));
    node->aggregate.calls = copy_bytes(state, node->aggregate.calls, node->aggregate.call_count * sizeof(AggCall));
    for (uint32_t i = 0; i < node->aggregate.call_count; i++) {
        AggCall *call = &node->aggregate.calls[i];
        call->id = clone_id(state, call->id);
        call->arguments = copy_exprs(state, call->arguments, call->argument_count);
        call->order = copy_bytes(state, call->order, call->order_count * sizeof(SortKey));
    }
    for (uint32_t i = 0; i < groups; i++)
        node->aggregate.group_ids[i] = clone_id(state, node->aggregate.group_ids[i]);
    uint32_t extra = node->aggregate.grouping_count;
    node->aggregate.grouping_ids = copy_bytes(state, node->aggregate.grouping_ids, extra * sizeof(ColumnId));
    for (uint32_t i = 0; i < extra; i++)
        node->aggregate.grouping_ids[i] = clone_id(state, node->aggregate.grouping_ids[i]);
}

static void clone_window(CloneState *state, LogicalNode *node)
{
    node->window.partition = copy_exprs(state, node->window.partition, node->window.partition_count);
    node->window.order = copy_bytes(state, node->window.order, node->window.order_count * sizeof(SortKey));
    node->window.calls = copy_bytes(state, node->window.calls, node->window.call_count * sizeof(WindowCall));
    for (uint32_t i = 0; i < node->window.call_count; i++) {
        WindowCall *call = &node->window.calls[i];
        call->id = clone_id(state, call->id);
        call->arguments = copy_exprs(state, call->arguments, call->argument_count);
    }
}

static ColumnId *clone_ids(CloneState *state, const ColumnId *ids, uint32_t count)
{
    ColumnId *copy = copy_bytes(state, ids, count * sizeof(*ids));
    for (uint32_t i = 0; i < count; i++)
        copy[i] = clone_id(state, copy[i]);
    return copy;
}

/* A copy of the whole recursion has a working table of its own. */
static void begin_recursion(CloneState *state, LogicalNode *node)
{
    Recursion *fresh = ARENA_NEW(state->context->arena, Recursion);
    *fresh = *node->recursive.recursion;
    fresh->id = state->context->next_cte_id++;
    ARRAY_PUSH(state->context->arena, &state->old_recursions, node->recursive.recursion);
    ARRAY_PUSH(state->context->arena, &state->recursions, fresh);
    node->recursive.recursion = fresh;
}

static Recursion *cloned_recursion(const CloneState *state, Recursion *recursion)
{
    for (uint32_t i = state->recursions.count; i > 0; i--) {
        if (state->old_recursions.items[i - 1] == recursion)
            return state->recursions.items[i - 1];
    }
    return recursion;
}

/* Gives the copy its own arrays; expressions are copied afterwards. */
static void clone_arrays(CloneState *state, LogicalNode *node)
{
    switch ((LogicalKind)node->kind) {
    case LOGICAL_SCAN:
        clone_scan_ids(state, node);
        break;
    case LOGICAL_SYSTEM_SCAN:
        node->system_scan.ordinals = copy_bytes(state, node->system_scan.ordinals, node->column_count * sizeof(uint32_t));
        node->system_scan.conjuncts = copy_exprs(state, node->system_scan.conjuncts, node->system_scan.conjunct_count);
        break;
    case LOGICAL_VALUES:
        node->values.rows = copy_bytes(state, node->values.rows, node->values.row_count * sizeof(Expr **));
        for (uint32_t r = 0; r < node->values.row_count; r++)
            node->values.rows[r] = copy_exprs(state, node->values.rows[r], node->column_count);
        break;
    case LOGICAL_PROJECT:
        node->project.exprs = copy_exprs(state, node->project.exprs, node->column_count);
        break;
    case LOGICAL_FILTER:
        node->filter.conjuncts = copy_exprs(state, node->filter.conjuncts, node->filter.count);
        break;
    case LOGICAL_JOIN:
        node->join.conjuncts = copy_exprs(state, node->join.conjuncts, node->join.count);
        if (node->join.kind == JOIN_LEFT_MARK)
            node->join.mark = clone_id(state, node->join.mark);
        break;
    case LOGICAL_AGGREGATE:
        clone_aggregate(state, node);
        break;
    case LOGICAL_WINDOW:
        clone_window(state, node);
        break;
    case LOGICAL_SORT:
        node->sort.keys = copy_bytes(state, node->sort.keys, node->sort.count * sizeof(SortKey));
        break;
    case LOGICAL_SET:
        node->set.inputs = copy_bytes(state, node->set.inputs, node->child_count * sizeof(ColumnId *));
        for (uint32_t i = 0; i < node->child_count; i++)
            node->set.inputs[i] = clone_ids(state, node->set.inputs[i], node->column_count);
        break;
    case LOGICAL_TABLE_FUNCTION:
        node->table_function.arguments = copy_exprs(state, node->table_function.arguments,
                                                    node->table_function.argument_count);
        break;
    case LOGICAL_CTE_REF:
        node->cte_ref.cte->use_count++;
        node->cte_ref.inputs = copy_bytes(state, node->cte_ref.inputs, node->column_count * sizeof(ColumnId));
        break;
    case LOGICAL_RECURSIVE:
        node->recursive.inputs = copy_bytes(state, node->recursive.inputs, node->child_count * sizeof(ColumnId *));
        for (uint32_t i = 0; i < node->child_count; i++)
            node->recursive.inputs[i] = clone_ids(state, node->recursive.inputs[i], node->column_count);
        break;
    case LOGICAL_WORKING_TABLE:
        node->working_table.recursion = cloned_recursion(state, node->working_table.recursion);
        node->working_table.ordinals = copy_bytes(state, node->working_table.ordinals, node->column_count * sizeof(uint32_t));
        break;
    case LOGICAL_LIMIT:
    case LOGICAL_ASSERT_ONE_ROW:
    case LOGICAL_EMPTY:
        break;
    }
}

static LogicalNode *clone_node(CloneState *state, const LogicalNode *source);

/* Two mentions of a subquery stay mentions of one. */
static BoundQuery *cloned_query(CloneState *state, BoundQuery *query)
{
    for (uint32_t i = 0; i < state->queries.count; i++) {
        if (state->old_queries.items[i] == query)
            return state->queries.items[i];
    }
    BoundQuery *fresh = ARENA_NEW(state->context->arena, BoundQuery);
    *fresh = *query;
    fresh->root = clone_node(state, query->root);
    fresh->columns = copy_bytes(state, query->columns, query->column_count * sizeof(LogicalColumn));
    for (uint32_t i = 0; i < fresh->column_count; i++)
        fresh->columns[i].id = clone_id(state, fresh->columns[i].id);
    ARRAY_PUSH(state->context->arena, &state->old_queries, query);
    ARRAY_PUSH(state->context->arena, &state->queries, fresh);
    return fresh;
}

static void clone_subqueries(CloneState *state, Expr *expr)
{
    for (uint32_t i = 0; i < expr->argument_count; i++)
        clone_subqueries(state, expr->arguments[i]);
    if (expr->kind == EXPR_SUBQUERY)
        expr->subquery.query = cloned_query(state, expr->subquery.query);
}

static void clone_expr(void *context, Expr **expr)
{
    CloneState *state = context;
    *expr = expr_clone(state->context->arena, *expr);
    clone_subqueries(state, *expr);
    IdMap map = {state->from.items, state->to.items, state->from.count};
    expr_map(&map, *expr);
}

static LogicalNode *clone_node(CloneState *state, const LogicalNode *source)
{
    LogicalNode *node = ARENA_NEW(state->context->arena, LogicalNode);
    *node = *source;
    node->children = ARENA_NEW_ARRAY(state->context->arena, LogicalNode *, MAX(source->child_count, 2u));
    if (node->kind == LOGICAL_RECURSIVE)
        begin_recursion(state, node);
    for (uint32_t i = 0; i < node->child_count; i++)
        node->children[i] = clone_node(state, source->children[i]);
    node->columns = copy_bytes(state, source->columns, source->column_count * sizeof(LogicalColumn));
    clone_arrays(state, node);
    for (uint32_t i = 0; i < node->column_count; i++)
        node->columns[i].id = clone_id(state, node->columns[i].id);
    node_each_expr(node, clone_expr, state);
    return node;
}

LogicalNode *tree_clone(PlanContext *context, const LogicalNode *node, IdMap *out_map)
{
    CloneState state = {.context = context};
    LogicalNode *copy = clone_node(&state, node);
    *out_map = (IdMap){state.from.items, state.to.items, state.from.count};
    return copy;
}
