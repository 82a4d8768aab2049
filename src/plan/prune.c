#include "plan/plan_int.h"

/* Columns that nobody above uses leave every node's output; scans read only what is left. Done top
 * down: a node adds what its own expressions use to what its parent needs. */

static IdSet copy_set(PlanContext *context, const IdSet *set)
{
    IdSet copy = idset_new(context);
    for (uint32_t w = 0; w < set->word_count && w < copy.word_count; w++)
        copy.words[w] = set->words[w];
    return copy;
}

static void add_list(PlanContext *context, IdSet *set, Expr *const *exprs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        idset_add_expr(context, set, exprs[i]);
}

static void keep_columns(LogicalNode *node, const IdSet *needed)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < node->column_count; i++) {
        if (!idset_has(needed, node->columns[i].id))
            continue;
        if (node->kind == LOGICAL_PROJECT)
            node->project.exprs[kept] = node->project.exprs[i];
        if (node->kind == LOGICAL_SCAN)
            node->scan.ordinals[kept] = node->scan.ordinals[i];
        if (node->kind == LOGICAL_SYSTEM_SCAN)
            node->system_scan.ordinals[kept] = node->system_scan.ordinals[i];
        if (node->kind == LOGICAL_WORKING_TABLE)
            node->working_table.ordinals[kept] = node->working_table.ordinals[i];
        if (node->kind == LOGICAL_CTE_REF)
            node->cte_ref.inputs[kept] = node->cte_ref.inputs[i];
        node->columns[kept++] = node->columns[i];
    }
    node->column_count = kept;
}

static void prune_aggregate(PlanContext *context, LogicalNode *node, const IdSet *needed)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < node->aggregate.call_count; i++) {
        if (idset_has(needed, node->aggregate.calls[i].id))
            node->aggregate.calls[kept++] = node->aggregate.calls[i];
    }
    node->aggregate.call_count = kept;
    IdSet inputs = idset_new(context);
    IdSet outputs = copy_set(context, needed);
    add_list(context, &inputs, node->aggregate.groups, node->aggregate.group_count);
    for (uint32_t g = 0; g < node->aggregate.group_count; g++)
        idset_add(context, &outputs, node->aggregate.group_ids[g]);
    for (uint32_t g = 0; g < node->aggregate.grouping_count; g++)
        idset_add(context, &outputs, node->aggregate.grouping_ids[g]);
    for (uint32_t i = 0; i < kept; i++) {
        const AggCall *call = &node->aggregate.calls[i];
        add_list(context, &inputs, call->arguments, call->argument_count);
        if (call->filter != NULL)
            idset_add_expr(context, &inputs, call->filter);
        for (uint32_t k = 0; k < call->order_count; k++)
            idset_add_expr(context, &inputs, call->order[k].expr);
    }
    keep_columns(node, &outputs);
    prune_columns(context, node->children[0], &inputs);
}

static void prune_join(PlanContext *context, LogicalNode *node, const IdSet *needed)
{
    IdSet inputs = copy_set(context, needed);
    add_list(context, &inputs, node->join.conjuncts, node->join.count);
    prune_columns(context, node->children[0], &inputs);
    prune_columns(context, node->children[1], &inputs);
    join_output(context, node);
    keep_columns(node, needed);
}

static void prune_set(PlanContext *context, LogicalNode *node, const IdSet *needed)
{
    uint32_t kept = 0;
    bool all = node->set.kind != SET_UNION_ALL; /* rows are compared whole */
    for (uint32_t i = 0; i < node->column_count; i++) {
        if (!all && !idset_has(needed, node->columns[i].id))
            continue;
        for (uint32_t c = 0; c < node->child_count; c++)
            node->set.inputs[c][kept] = node->set.inputs[c][i];
        node->columns[kept++] = node->columns[i];
    }
    node->column_count = kept;
    for (uint32_t c = 0; c < node->child_count; c++) {
        IdSet inputs = idset_new(context);
        for (uint32_t i = 0; i < kept; i++)
            idset_add(context, &inputs, node->set.inputs[c][i]);
        prune_columns(context, node->children[c], &inputs);
    }
}

/* What the working table is asked for is known only below: all columns stay. */
static void prune_recursive(PlanContext *context, LogicalNode *node)
{
    for (uint32_t c = 0; c < node->child_count; c++) {
        IdSet inputs = idset_new(context);
        for (uint32_t i = 0; i < node->column_count; i++)
            idset_add(context, &inputs, node->recursive.inputs[c][i]);
        prune_columns(context, node->children[c], &inputs);
    }
}

static void prune_window(PlanContext *context, LogicalNode *node, const IdSet *needed)
{
    IdSet inputs = copy_set(context, needed);
    add_list(context, &inputs, node->window.partition, node->window.partition_count);
    for (uint32_t i = 0; i < node->window.order_count; i++)
        idset_add_expr(context, &inputs, node->window.order[i].expr);
    for (uint32_t c = 0; c < node->window.call_count; c++)
        add_list(context, &inputs, node->window.calls[c].arguments, node->window.calls[c].argument_count);
    prune_columns(context, node->children[0], &inputs);
    LogicalNode *child = node->children[0];
    LogicalColumn *columns = ARENA_NEW_ARRAY(context->arena, LogicalColumn, child->column_count + node->window.call_count);
    memcpy(columns, child->columns, child->column_count * sizeof(*columns));
    for (uint32_t c = 0; c < node->window.call_count; c++)
        columns[child->column_count + c] = (LogicalColumn){.id = node->window.calls[c].id,
                                                           .type = node->window.calls[c].binding->result,
                                                           .is_nullable = true,
                                                           .name = strview(node->window.calls[c].binding->def->name)};
    node->columns = columns;
    node->column_count = child->column_count + node->window.call_count;
}

static void prune_table_function(PlanContext *context, LogicalNode *node, const IdSet *needed)
{
    IdSet inputs = copy_set(context, needed);
    add_list(context, &inputs, node->table_function.arguments, node->table_function.argument_count);
    prune_columns(context, node->children[0], &inputs);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < node->table_function.first_output; i++) {
        if (idset_has(needed, node->columns[i].id))
            node->columns[kept++] = node->columns[i];
    }
    uint32_t outputs = node->column_count - node->table_function.first_output;
    memmove(node->columns + kept, node->columns + node->table_function.first_output, outputs * sizeof(LogicalColumn));
    node->table_function.first_output = kept;
    node->column_count = kept + outputs;
}

void prune_columns(PlanContext *context, LogicalNode *node, const IdSet *needed)
{
    IdSet inputs = copy_set(context, needed);
    switch ((LogicalKind)node->kind) {
    case LOGICAL_SCAN:
    case LOGICAL_SYSTEM_SCAN:
    case LOGICAL_CTE_REF:
    case LOGICAL_WORKING_TABLE:
        keep_columns(node, needed);
        return;
    case LOGICAL_RECURSIVE:
        prune_recursive(context, node);
        return;
    case LOGICAL_VALUES:
        return;
    case LOGICAL_PROJECT: {
        IdSet below = idset_new(context);
        keep_columns(node, needed);
        add_list(context, &below, node->project.exprs, node->column_count);
        prune_columns(context, node->children[0], &below);
        return;
    }
    case LOGICAL_FILTER:
        add_list(context, &inputs, node->filter.conjuncts, node->filter.count);
        break;
    case LOGICAL_SORT:
        for (uint32_t i = 0; i < node->sort.count; i++)
            idset_add_expr(context, &inputs, node->sort.keys[i].expr);
        break;
    case LOGICAL_JOIN:
        prune_join(context, node, needed);
        return;
    case LOGICAL_AGGREGATE:
        prune_aggregate(context, node, needed);
        return;
    case LOGICAL_SET:
        prune_set(context, node, needed);
        return;
    case LOGICAL_WINDOW:
        prune_window(context, node, needed);
        return;
    case LOGICAL_TABLE_FUNCTION:
        prune_table_function(context, node, needed);
        return;
    case LOGICAL_LIMIT:
    case LOGICAL_ASSERT_ONE_ROW:
    case LOGICAL_EMPTY:
        break;
    }
    if (node->child_count > 0) {
        prune_columns(context, node->children[0], &inputs);
        copy_columns(context, node, node->children[0]);
        for (uint32_t i = 0; node->kind == LOGICAL_ASSERT_ONE_ROW && i < node->column_count; i++)
            node->columns[i].is_nullable = true;
    }
}
