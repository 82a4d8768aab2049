#include "mv/engine_int.h"

/* The query of some partitions of a view: its reference scans read the base partitions that feed them, and where one of
 * those feeds other partitions as well, a filter over the result keeps what belongs here. */

LogicalNode *mv_node_over(const MvBoundView *view, LogicalKind kind, LogicalNode *child)
{
    LogicalNode *node = ARENA_NEW(view->arena, LogicalNode);
    node->kind = (uint8_t)kind;
    node->children = ARENA_NEW_ARRAY(view->arena, LogicalNode *, 2);
    node->children[0] = child;
    node->child_count = 1;
    node->columns = child->columns;
    node->column_count = child->column_count;
    node->estimated_rows = -1;
    return node;
}

/* ---- the filter ---- */

static Status compare(const MvBoundView *view, const char *name, Expr *column, Type type, const Datum *value, Expr **out)
{
    Expr **arguments = ARENA_NEW_ARRAY(view->arena, Expr *, 2);
    arguments[0] = column;
    arguments[1] = expr_constant(view->arena, type, *value);
    return expr_call_by_name(view->arena, view->session, name, arguments, 2, view->diag, out);
}

static Status is_null(const MvBoundView *view, Expr *column, Expr **out)
{
    Expr **arguments = ARENA_NEW_ARRAY(view->arena, Expr *, 1);
    arguments[0] = column;
    return expr_call_by_name(view->arena, view->session, "is_null", arguments, 1, view->diag, out);
}

static Status range_term(const MvBoundView *view, Expr *column, Type type, const MvCell *cell, Expr **out)
{
    Expr *terms[2], *null_term;
    uint32_t count = 0;
    if (cell->has_low)
        TRY(compare(view, "ge", column, type, &cell->low, &terms[count++]));
    if (cell->has_high)
        TRY(compare(view, "lt", column, type, &cell->high, &terms[count++]));
    *out = count == 0 ? expr_bool(view->arena, true) : expr_and(view->arena, terms, count);
    if (cell->has_low)
        return OK;
    TRY(is_null(view, column, &null_term));
    Expr *either[] = {*out, null_term};
    *out = expr_or(view->arena, either, 2);
    return OK;
}

static Status list_term(const MvBoundView *view, Expr *const *columns, const Type *types, const MvCell *cell, Expr **out)
{
    uint32_t dims = view->partition_count;
    Expr **rows = ARENA_NEW_ARRAY(view->arena, Expr *, MAX(cell->value_rows, 1u));
    for (uint32_t v = 0; v < cell->value_rows; v++) {
        Expr **terms = ARENA_NEW_ARRAY(view->arena, Expr *, dims);
        for (uint32_t d = 0; d < dims; d++) {
            const Datum *value = &cell->values[v * dims + d];
            if (value->is_null)
                TRY(is_null(view, columns[d], &terms[d]));
            else
                TRY(compare(view, "eq", columns[d], types[d], value, &terms[d]));
        }
        rows[v] = expr_and(view->arena, terms, dims);
    }
    *out = expr_or(view->arena, rows, cell->value_rows);
    return OK;
}

static Status add_filter(MvDecision *decision, const uint8_t *chosen)
{
    MvBoundView *view = &decision->bound;
    const TableSchema *schema = decision->table->schema;
    uint32_t count = 0;
    Expr **terms = ARENA_NEW_ARRAY(view->arena, Expr *, MAX(decision->cells.count, 1u));
    Expr **columns = ARENA_NEW_ARRAY(view->arena, Expr *, MAX(view->partition_count, 1u));
    for (uint32_t d = 0; d < view->partition_count; d++) {
        const LogicalColumn *column = &view->query->root->columns[view->partition_outputs[d]];
        columns[d] = expr_column(view->arena, column->id, column->type, column->is_nullable, column->name);
        TRY(expr_cast(view->arena, columns[d], schema->partition_types[d], true, view->diag, &columns[d]));
    }
    for (uint32_t c = 0; c < decision->cells.count; c++) {
        const MvCell *cell = &decision->cells.items[c];
        if (chosen[c] == 0)
            continue;
        if (view->is_range)
            TRY(range_term(view, columns[0], schema->partition_types[0], cell, &terms[count++]));
        else
            TRY(list_term(view, columns, schema->partition_types, cell, &terms[count++]));
    }
    LogicalNode *filter = mv_node_over(view, LOGICAL_FILTER, view->query->root);
    filter->filter.conjuncts = ARENA_NEW_ARRAY(view->arena, Expr *, 1);
    filter->filter.conjuncts[0] = expr_or(view->arena, terms, count);
    filter->filter.count = 1;
    view->query->root = filter;
    return OK;
}

static Status restrict_scans(MvDecision *decision, const uint8_t *chosen, bool *out_all_inside)
{
    MvBoundView *view = &decision->bound;
    *out_all_inside = true;
    for (uint32_t s = 0; s < view->scan_count && view->partition_count > 0; s++) {
        MvScan *scan = &view->scans[s];
        uint64_t *ids;
        bool is_inside;
        if (!scan->is_ref)
            continue;
        TRY(mv_select_partitions(view, scan, &decision->cells, chosen, decision->table->schema, &ids, &scan->node->scan.partition_id_count,
                                 &is_inside));
        scan->node->scan.partition_ids = ids;
        *out_all_inside &= is_inside || !scan->is_main;
    }
    return OK;
}

/* ---- the view's columns ---- */

/* by_place: column i of the view is column i of the query. */
Status mv_project_columns(MvDecision *decision, bool by_place)
{
    MvBoundView *view = &decision->bound;
    const TableSchema *schema = decision->table->schema;
    LogicalNode *child = view->query->root;
    LogicalNode *project = mv_node_over(view, LOGICAL_PROJECT, child);
    project->column_count = schema->column_count;
    project->columns = ARENA_NEW_ARRAY(view->arena, LogicalColumn, MAX(schema->column_count, 1u));
    project->project.exprs = ARENA_NEW_ARRAY(view->arena, Expr *, MAX(schema->column_count, 1u));
    for (uint32_t i = 0; i < schema->column_count; i++) {
        uint32_t output = i;
        if (!by_place)
            TRY(mv_output(&decision->definition, view, i, &output));
        const LogicalColumn *from = &child->columns[output];
        Expr *expr = expr_column(view->arena, from->id, from->type, from->is_nullable, from->name);
        TRY(expr_cast(view->arena, expr, schema->columns[i].type, true, view->diag, &expr));
        project->project.exprs[i] = expr;
        project->columns[i] = (LogicalColumn){.id = column_ids_next(&view->analyze.ids), .type = expr->type, .is_nullable = expr->is_nullable,
                                              .name = schema->columns[i].name};
    }
    view->query->root = project;
    view->query->columns = project->columns;
    view->query->column_count = project->column_count;
    return OK;
}

Status mv_query_cells(MvDecision *decision, const uint8_t *chosen)
{
    bool all_inside;
    TRY(restrict_scans(decision, chosen, &all_inside));
    if (!all_inside)
        TRY(add_filter(decision, chosen));
    return mv_project_columns(decision, false);
}

Status mv_filter_cells(MvDecision *decision, const uint8_t *chosen)
{
    if (decision->bound.partition_count > 0)
        TRY(add_filter(decision, chosen));
    return mv_project_columns(decision, false);
}

Status mv_plan_bound(MvEngine *engine, MvDecision *decision, PhysPlan **out)
{
    const MvEngineOptions *options = mv_engine_options(engine);
    MvBoundView *view = &decision->bound;
    PlanStatistics *statistics = ARENA_NEW(view->arena, PlanStatistics);
    *statistics = (PlanStatistics){options->statistics_context, options->statistics};
    PlanContext plan = {.arena = view->arena, .diag = view->diag, .session = view->session, .statistics = statistics,
                        .ids = &view->analyze.ids, .next_cte_id = view->analyze.next_cte_id};
    return plan_query(&plan, view->query, out);
}

Status mv_plan_cells(MvEngine *engine, MvDecision *decision, const uint8_t *chosen, PhysPlan **out)
{
    TRY(mv_query_cells(decision, chosen));
    return mv_plan_bound(engine, decision, out);
}

Status mv_run_plan(MvEngine *engine, const MvDecision *decision, const PhysPlan *plan, const ExecResult *result, const _Atomic bool *cancelled,
                   MemTracker *memory, Diag *diag)
{
    const MvEngineOptions *options = mv_engine_options(engine);
    int64_t timeout = mv_property_number(&decision->definition, "session.query_timeout", 3600);
    timeout = mv_property_number(&decision->definition, "session.insert_timeout", timeout);
    StrView spills = mv_property(&decision->definition, "session.enable_spill");
    ExecOptions exec = {.pool = options->pool, .segments = options->segments, .memory = memory, .cancelled = cancelled, .spill = options->spill};
    exec.spill_mode = strview_equal_ci(spills, STR_VIEW("false")) ? SPILL_OFF : SPILL_AUTO;
    exec.deadline_us = env_monotonic_us(environment_real()) + MAX(timeout, 1) * 1000000;
    decision->bound.session->cancelled = cancelled;
    decision->bound.session->deadline_us = exec.deadline_us;
    decision->bound.session->timeout_seconds = timeout;
    return exec_run(plan, &exec, result, diag);
}
