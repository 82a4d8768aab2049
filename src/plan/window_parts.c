#include "plan/logical_walk.h"

/* Aggregates over whole partitions, without an order, need no sorted rows: the rows are read once more, grouped, and each is
 * joined with its group. Only where reading again is cheap and gives the same rows: a table, filtered and projected. */

static void find_unstable(void *opaque, Expr **in_out)
{
    bool *found = opaque;
    const Expr *expr = *in_out;
    *found |= expr->kind == EXPR_SUBQUERY || (expr->kind == EXPR_CALL && (expr->call.binding->flags & FUNC_VOLATILE) != 0);
    for (uint32_t i = 0; i < expr->argument_count; i++)
        find_unstable(opaque, &expr->arguments[i]);
}

static bool reads_again_alike(LogicalNode *node)
{
    bool is_unstable = false;
    if (node->kind != LOGICAL_SCAN && node->kind != LOGICAL_FILTER && node->kind != LOGICAL_PROJECT)
        return false;
    node_each_expr(node, find_unstable, &is_unstable);
    return !is_unstable && (node->child_count == 0 || reads_again_alike(node->children[0]));
}

static bool is_whole(const LogicalNode *window, const WindowCall *call)
{
    bool starts_first = call->frame.start == FRAME_UNBOUNDED_PRECEDING, ends_last = call->frame.end == FRAME_UNBOUNDED_FOLLOWING;
    bool has_peers_only = window->window.order_count == 0 && !call->frame.is_rows && call->frame.end == FRAME_CURRENT_ROW;
    return call->binding->def->kind == FUNC_AGGREGATE && (call->binding->flags & (FUNC_ORDER_SENSITIVE | FUNC_VOLATILE)) == 0 &&
           starts_first && (ends_last || has_peers_only);
}

static bool can_group(LogicalNode *node)
{
    bool can = node->kind == LOGICAL_WINDOW && node->window.call_count > 0;
    for (uint32_t c = 0; can && c < node->window.call_count; c++)
        can = is_whole(node, &node->window.calls[c]);
    if (!can || !reads_again_alike(node->children[0]))
        return false;
    bool is_unstable = false;
    node_each_expr(node, find_unstable, &is_unstable);
    return !is_unstable;
}

/* The groups of a copy of the window: its partition keys, then the calls under the ids of the window's. */
static LogicalNode *make_groups(PlanContext *context, const LogicalNode *window, const LogicalNode *copy)
{
    LogicalNode *node = make_node(context, LOGICAL_AGGREGATE, copy->children[0], NULL);
    uint32_t keys = copy->window.partition_count, calls = copy->window.call_count;
    node->columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, keys + calls);
    node->column_count = keys + calls;
    node->aggregate.groups = copy->window.partition;
    node->aggregate.group_ids = ARENA_NEW_ARRAY(context->arena, ColumnId, MAX(keys, 1u));
    node->aggregate.group_count = keys;
    node->aggregate.calls = ARENA_NEW_ARRAY(context->arena, AggCall, calls);
    node->aggregate.call_count = calls;
    for (uint32_t k = 0; k < keys; k++) {
        const Expr *key = copy->window.partition[k];
        node->aggregate.group_ids[k] = column_ids_next(context->ids);
        node->columns[k] = (LogicalColumn){.id = node->aggregate.group_ids[k], .type = key->type, .is_nullable = key->is_nullable,
                                           .name = STR_VIEW("partition_key")};
    }
    for (uint32_t c = 0; c < calls; c++) {
        const WindowCall *call = &copy->window.calls[c];
        node->aggregate.calls[c] = (AggCall){.id = window->window.calls[c].id, .binding = call->binding, .arguments = call->arguments,
                                             .argument_count = call->argument_count, .is_distinct = call->is_distinct};
        node->columns[keys + c] = (LogicalColumn){.id = window->window.calls[c].id, .type = call->binding->result,
                                                  .is_nullable = (call->binding->flags & FUNC_NEVER_NULL) == 0,
                                                  .name = strview(call->binding->def->name)};
    }
    return node;
}

static Status join_groups(PlanContext *context, LogicalNode **in_out)
{
    LogicalNode *window = *in_out;
    IdMap map = {0};
    LogicalNode *groups = make_groups(context, window, tree_clone(context, window, &map));
    LogicalNode *join = make_node(context, LOGICAL_JOIN, window->children[0], groups);
    uint32_t keys = window->window.partition_count;
    join->join.kind = keys == 0 ? JOIN_CROSS : JOIN_INNER;
    join->join.conjuncts = ARENA_NEW_ARRAY(context->arena, Expr *, MAX(keys, 1u));
    join->join.count = keys;
    for (uint32_t k = 0; k < keys; k++) {
        Expr **sides = ARENA_NEW_ARRAY(context->arena, Expr *, 2);
        sides[0] = window->window.partition[k];
        sides[1] = column_expr(context, &groups->columns[k]);
        TRY(expr_call_by_name(context->arena, context->session, sides[0]->is_nullable ? "eq_for_null" : "eq", sides, 2, context->diag,
                              &join->join.conjuncts[k]));
    }
    join_output(context, join);
    *in_out = join;
    return OK;
}

Status group_windows(PlanContext *context, LogicalNode **in_out)
{
    for (uint32_t i = 0; i < (*in_out)->child_count; i++)
        TRY(group_windows(context, &(*in_out)->children[i]));
    return can_group(*in_out) ? join_groups(context, in_out) : OK;
}
