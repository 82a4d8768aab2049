#include "mv/engine_int.h"

/* Row-level incremental refresh: for which queries the differences of the bases are enough.
 *
 * A query is linear in a scan when what it yields for more rows of it is what it yielded, and what it yields for those rows
 * alone: through projections, filters, the preserved and the inner side of joins, and all branches of UNION ALL, on one
 * side of each join. Where both sides of a join changed, it may be linear in each: then the difference is a sum, see delta_query.c.
 * Rows that came are appended to the partition of the view, or, below one aggregate, added to its groups; rows that went are taken out of the
 * groups. delta_rows.c finds those rows, delta_query.c makes the plan of them. Everything else is computed as a whole. Sums of floating point
 * numbers depend on their order, minima and maxima lose rows: where there are keys of groups, the groups of what came and went are computed again
 * (delta_groups.c), else all. */

#include "plan/logical_walk.h"

/* ---- linear in what? ---- */

typedef struct Linear {
    const MvCells *cells;
    uint64_t changed; /* a bit a table */
    bool found;
} Linear;

static void find_changed(void *context, LogicalNode *scan)
{
    Linear *linear = context;
    for (uint32_t t = 0; t < linear->cells->table_count; t++)
        linear->found |= (linear->changed >> t & 1) != 0 && linear->cells->tables[t].table == scan->scan.table;
}

static void visit_subquery(void *context, Expr **expr)
{
    if ((*expr)->kind == EXPR_SUBQUERY)
        mv_each_scan((*expr)->subquery.query->root, find_changed, context);
    for (uint32_t i = 0; i < (*expr)->argument_count; i++)
        visit_subquery(context, &(*expr)->arguments[i]);
}

/* Do the node's own expressions read a changed table? */
static bool reads_in_exprs(const Linear *linear, LogicalNode *node)
{
    Linear search = *linear;
    search.found = false;
    node_each_expr(node, visit_subquery, &search);
    return search.found;
}

bool mv_reads_changed(const MvCells *cells, uint64_t changed, LogicalNode *node)
{
    Linear search = {cells, changed, false};
    mv_each_scan(node, find_changed, &search);
    return search.found;
}

/* Which side of the join may change; 0: the left, 1: the right. */
static bool takes_change(JoinKind kind, uint32_t side)
{
    switch (kind) {
    case JOIN_INNER:
    case JOIN_CROSS:
        return true;
    case JOIN_RIGHT:
    case JOIN_RIGHT_SEMI:
    case JOIN_RIGHT_ANTI:
        return side == 1;
    case JOIN_FULL:
        return false;
    default:
        return side == 0;
    }
}

static bool scan_is_linear(const LogicalNode *scan)
{
    const TableSchema *schema = scan->scan.table->schema;
    return schema->keys_kind != KEYS_AGGREGATE && scan->scan.partition_ids == NULL && scan->scan.tablet_ids == NULL && !scan->scan.is_historic;
}

/* The node reads a changed table. */
static bool is_linear(const Linear *linear, LogicalNode *node)
{
    if (reads_in_exprs(linear, node))
        return false;
    if (node->kind == LOGICAL_SCAN)
        return scan_is_linear(node);
    bool is_union = node->kind == LOGICAL_SET && node->set.kind == SET_UNION_ALL;
    bool is_sort = node->kind == LOGICAL_SORT && node->sort.limit < 0 && node->sort.offset <= 0;
    if (node->kind != LOGICAL_PROJECT && node->kind != LOGICAL_FILTER && node->kind != LOGICAL_JOIN && !is_union && !is_sort)
        return false;
    uint32_t changed = 0;
    for (uint32_t c = 0; c < node->child_count; c++) {
        if (!mv_reads_changed(linear->cells, linear->changed, node->children[c]))
            continue;
        changed++;
        if (!is_linear(linear, node->children[c]) || (node->kind == LOGICAL_JOIN && !takes_change((JoinKind)node->join.kind, c)))
            return false;
    }
    return node->kind != LOGICAL_JOIN || changed <= 1;
}

LogicalNode *mv_top_aggregate(LogicalNode *root)
{
    LogicalNode *node = root;
    while (node->kind == LOGICAL_PROJECT || node->kind == LOGICAL_SORT)
        node = node->children[0];
    return node->kind == LOGICAL_AGGREGATE ? node : NULL;
}

/* What the aggregate reads, or all of the query. */
static LogicalNode *input_of(LogicalNode *root)
{
    LogicalNode *aggregate = mv_top_aggregate(root);
    return aggregate != NULL ? aggregate->children[0] : root;
}

bool mv_is_linear(MvDecision *decision, uint64_t changed)
{
    if (decision->linear_for[0] == changed || decision->linear_for[1] == changed)
        return decision->linear_for[0] == changed;
    Linear linear = {&decision->cells, changed, false};
    bool result = is_linear(&linear, input_of(decision->bound.query->root));
    decision->linear_for[result ? 0 : 1] = changed;
    return result;
}

bool mv_is_linear_in_each(MvDecision *decision, uint64_t changed)
{
    for (uint64_t left = changed; left != 0; left &= left - 1) {
        if (!mv_is_linear(decision, left & -left))
            return false;
    }
    return true;
}

/* ---- which queries ---- */

static void check_expr(void *context, Expr **expr)
{
    bool *ok = context;
    *ok &= expr_is_deterministic(*expr);
    if ((*expr)->kind == EXPR_SUBQUERY)
        return;
    for (uint32_t i = 0; i < (*expr)->argument_count && *ok; i++)
        check_expr(context, &(*expr)->arguments[i]);
}

static void check_tree(LogicalNode *node, bool *ok)
{
    node_each_expr(node, check_expr, ok);
    *ok &= node->kind != LOGICAL_CTE_REF && node->kind != LOGICAL_SYSTEM_SCAN && node->kind != LOGICAL_TABLE_FUNCTION;
    for (uint32_t i = 0; i < node->child_count && *ok; i++)
        check_tree(node->children[i], ok);
}

static bool merge_of(const AggCall *call, MvMerge *out)
{
    static const char *const others[][2] = {{"min", "min"},
                                            {"max", "max"},
                                            {"bitmap_union", "bitmap_union"},
                                            {"bitmap_agg", "bitmap_union"},
                                            {"hll_union", "hll_union"},
                                            {"hll_raw_agg", "hll_union"}};
    const char *name = call->binding->def->name;
    *out = (MvMerge){.kind = MV_MERGE_OTHER, .counted = -1, .summed = -1};
    if (call->is_distinct || call->order_count > 0 || call->filter != NULL)
        return false;
    if (strcmp(name, "count") == 0) {
        out->kind = MV_MERGE_COUNT;
        return call->argument_count <= 1;
    }
    bool is_average = strcmp(name, "avg") == 0;
    if (is_average || strcmp(name, "sum") == 0) {
        out->kind = is_average ? MV_MERGE_AVERAGE : MV_MERGE_SUM;
        return !type_is_float(call->binding->argument_types[0]);
    }
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        if (strcmp(name, others[i][0]) == 0)
            out->function = others[i][1];
    }
    return out->function != NULL;
}

ColumnId mv_aggregate_column(const MvDecision *decision, const LogicalNode *aggregate, uint32_t column)
{
    const BoundQuery *query = decision->bound.query;
    uint32_t output;
    if (mv_output(&decision->definition, &decision->bound, column, &output) != OK)
        return 0;
    ColumnId id = query->root->columns[output].id;
    for (const LogicalNode *node = query->root; node != aggregate; node = node->children[0]) {
        for (uint32_t i = 0; node->kind == LOGICAL_PROJECT && i < node->column_count; i++) {
            if (node->columns[i].id != id)
                continue;
            if (node->project.exprs[i]->kind != EXPR_COLUMN)
                return 0;
            id = node->project.exprs[i]->column.id;
            break;
        }
    }
    return id;
}

typedef struct Merging {
    const LogicalNode *aggregate;
    MvDelta *delta;
    const AggCall **calls; /* a column of the view; NULL: a group */
    uint32_t column_count;
} Merging;

/* The column that counts all rows of a group, or those where the argument is not NULL. */
static int count_column(const Merging *m, const Expr *argument)
{
    for (uint32_t c = 0; c < m->column_count; c++) {
        const AggCall *call = m->calls[c];
        if (call == NULL || m->delta->merges[c].kind != MV_MERGE_COUNT)
            continue;
        bool counts_all = call->argument_count == 0 || !call->arguments[0]->is_nullable;
        bool is_same = argument != NULL && call->argument_count == 1 && expr_equal(call->arguments[0], argument);
        if (is_same || (counts_all && (argument == NULL || !argument->is_nullable)))
            return (int)c;
    }
    return -1;
}

static int sum_column(const Merging *m, const Expr *argument)
{
    for (uint32_t c = 0; c < m->column_count; c++) {
        if (m->calls[c] != NULL && m->delta->merges[c].kind == MV_MERGE_SUM && expr_equal(m->calls[c]->arguments[0], argument))
            return (int)c;
    }
    return -1;
}

/* Sums whose quotient is the average exactly: those that can't overflow. */
static bool average_is_exact(Type type)
{
    return type.kind == TYPE_DECIMAL ? type.precision <= 18 : type.phys == PHYS_I8 || type.phys == PHYS_I16 || type.phys == PHYS_I32;
}

/* False: it is not known how the values of a column are merged. */
static bool finish_merges(Merging *m)
{
    MvDelta *delta = m->delta;
    delta->row_count = count_column(m, NULL);
    delta->takes_deletes = !delta->has_groups || delta->row_count >= 0;
    for (uint32_t c = 0; c < m->column_count; c++) {
        MvMerge *merge = &delta->merges[c];
        const Expr *argument = m->calls[c] == NULL || m->calls[c]->argument_count == 0 ? NULL : m->calls[c]->arguments[0];
        if (merge->kind == MV_MERGE_SUM || merge->kind == MV_MERGE_AVERAGE)
            merge->counted = count_column(m, argument);
        if (merge->kind == MV_MERGE_AVERAGE) {
            merge->summed = sum_column(m, argument);
            if (merge->summed < 0 || merge->counted < 0 || !average_is_exact(argument->type))
                return false;
        }
        bool may_be_null = merge->kind == MV_MERGE_SUM && (argument->is_nullable || !delta->has_groups);
        delta->takes_deletes &= merge->kind != MV_MERGE_OTHER && (!may_be_null || merge->counted >= 0);
    }
    return true;
}

static bool merge_columns(const MvDecision *decision, LogicalNode *aggregate, MvDelta *out)
{
    Arena *arena = decision->bound.arena;
    uint32_t groups = 0, count = decision->table->schema->column_count;
    Merging m = {aggregate, out, ARENA_NEW_ARRAY(arena, const AggCall *, count + 1), count};
    out->merges = ARENA_NEW_ARRAY(arena, MvMerge, count + 1);
    out->has_groups = aggregate->aggregate.group_count > 0;
    for (uint32_t c = 0; c < count; c++) {
        ColumnId id = mv_aggregate_column(decision, aggregate, c);
        bool is_known = false;
        for (uint32_t g = 0; g < aggregate->aggregate.group_count; g++) {
            if (id == 0 || aggregate->aggregate.group_ids[g] != id)
                continue;
            out->merges[c] = (MvMerge){.kind = MV_MERGE_GROUP};
            groups |= 1u << g;
            is_known = true;
        }
        for (uint32_t i = 0; i < aggregate->aggregate.call_count && !is_known; i++) {
            m.calls[c] = &aggregate->aggregate.calls[i];
            if (id != 0 && m.calls[c]->id == id)
                is_known = merge_of(m.calls[c], &out->merges[c]);
            if (is_known)
                break;
            m.calls[c] = NULL;
        }
        if (!is_known)
            return false;
    }
    return groups == (1u << aggregate->aggregate.group_count) - 1 && finish_merges(&m);
}

MvDelta mv_delta_shape(const MvDecision *decision)
{
    MvDelta delta = {.shape = MV_DELTA_NONE, .row_count = -1};
    LogicalNode *root = decision->bound.query->root;
    LogicalNode *aggregate = mv_top_aggregate(root);
    bool ok = true;
    check_tree(root, &ok);
    for (const LogicalNode *node = root; aggregate != NULL && node != aggregate; node = node->children[0])
        ok &= node->kind != LOGICAL_SORT || (node->sort.limit < 0 && node->sort.offset <= 0);
    if (aggregate != NULL)
        ok &= aggregate->aggregate.sets == NULL && aggregate->aggregate.group_count <= 30;
    if (!ok || decision->bound.scan_count > 64)
        return delta;
    delta.has_keys = aggregate != NULL && mv_find_keys(decision, aggregate, &delta);
    if (aggregate != NULL && !merge_columns(decision, aggregate, &delta))
        return delta;
    delta.shape = aggregate != NULL ? MV_DELTA_MERGE : MV_DELTA_APPEND;
    return delta;
}
