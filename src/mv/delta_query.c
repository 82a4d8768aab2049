#include "mv/engine_int.h"

/* The query of a row-level incremental refresh. For an aggregate:
 *
 *     SELECT g, sum(s), min(m), .. FROM (view UNION ALL what the query yields for the rows that came
 *         UNION ALL the same for those that went, with sums and counts negated) GROUP BY g HAVING sum(number of rows) > 0
 *
 * It is bound as text over the view, and the scan in it becomes the union.
 *
 * Where both sides of a join changed, what came and went is a sum: f(A + a, B + b) = f(A, B) + f(a, B + b) + f(A, b). */

#include "sql/unparse.h"

/* ---- the query anew ---- */

/* A bound query is used up by its plan. */
Status mv_bind_again(const MvDecision *decision, ColumnIds ids, MvDecision *out)
{
    const TableSchema *schema = decision->table->schema;
    *out = *decision;
    out->bound = (MvBoundView){.arena = decision->bound.arena, .diag = decision->bound.diag, .session = decision->bound.session};
    TRY(mv_bind_more(decision->snapshot, schema->view_sql, schema->view_database, ids, &out->bound));
    return mv_trace(&out->bound, schema, &out->definition);
}

/* Branches of UNION ALL in which nothing changed yield nothing. */
static void empty_branches(const MvBoundView *view, const MvCells *cells, uint64_t changed, LogicalNode *node)
{
    for (uint32_t c = 0; c < node->child_count; c++) {
        if (mv_reads_changed(cells, changed, node->children[c])) {
            empty_branches(view, cells, changed, node->children[c]);
        } else if (node->kind == LOGICAL_SET) {
            LogicalNode *filter = mv_node_over(view, LOGICAL_FILTER, node->children[c]);
            filter->filter.conjuncts = ARENA_NEW_ARRAY(view->arena, Expr *, 1);
            filter->filter.conjuncts[0] = expr_bool(view->arena, false);
            filter->filter.count = 1;
            node->children[c] = filter;
        }
    }
}

Status mv_difference_query(MvEngine *engine, MvDecision *decision, const uint8_t *chosen, const MvTerm *term, bool is_gone)
{
    MvBoundView *view = &decision->bound;
    empty_branches(view, &decision->cells, term->changed, view->query->root);
    TRY(mv_restrict_to_difference(engine, decision, chosen, term->changed, is_gone));
    TRY(mv_restrict_to_past(engine, decision, chosen, term->past));
    return mv_query_cells(decision, chosen);
}

/* ---- rows that went ---- */

static Status negate(MvDecision *decision)
{
    MvBoundView *view = &decision->bound;
    LogicalNode *child = view->query->root;
    LogicalNode *project = mv_node_over(view, LOGICAL_PROJECT, child);
    project->columns = ARENA_NEW_ARRAY(view->arena, LogicalColumn, MAX(child->column_count, 1u));
    project->project.exprs = ARENA_NEW_ARRAY(view->arena, Expr *, MAX(child->column_count, 1u));
    for (uint32_t i = 0; i < child->column_count; i++) {
        const LogicalColumn *from = &child->columns[i];
        Expr *expr = expr_column(view->arena, from->id, from->type, from->is_nullable, from->name);
        uint8_t kind = decision->delta.merges[i].kind;
        if (kind == MV_MERGE_SUM || kind == MV_MERGE_COUNT) {
            Expr **sides = ARENA_NEW_ARRAY(view->arena, Expr *, 2);
            TRY(expr_cast(view->arena, expr_constant(view->arena, type_of(TYPE_BIGINT), datum_i64(0)), from->type, true, view->diag, &sides[0]));
            sides[1] = expr;
            TRY(expr_call_by_name(view->arena, view->session, "subtract", sides, 2, view->diag, &expr));
            TRY(expr_cast(view->arena, expr, from->type, true, view->diag, &expr));
        }
        project->project.exprs[i] = expr;
        project->columns[i] = *from;
        project->columns[i].id = column_ids_next(&view->analyze.ids);
        project->columns[i].is_nullable = true;
    }
    view->query->root = project;
    view->query->columns = project->columns;
    return OK;
}

/* ---- the merged query ---- */

static void put_call(const char *function, StrView column, ByteBuf *out)
{
    bytebuf_printf(out, "%s(", function);
    sql_print_quoted_identifier(column, out);
    bytebuf_append_char(out, ')');
}

static void put_column(const MvDecision *decision, uint32_t column, bool has_deletes, ByteBuf *out)
{
    const TableSchema *schema = decision->table->schema;
    const MvMerge *merge = &decision->delta.merges[column];
    StrView name = schema->columns[column].name;
    switch ((MvMergeKind)merge->kind) {
    case MV_MERGE_GROUP:
        sql_print_quoted_identifier(name, out);
        return;
    case MV_MERGE_SUM:
        if (has_deletes && merge->counted >= 0) { /* a sum of no values is NULL */
            bytebuf_append_text(out, "if(");
            put_call("sum", schema->columns[merge->counted].name, out);
            bytebuf_append_text(out, " = 0, NULL, ");
        }
        put_call("sum", name, out);
        bytebuf_append_text(out, has_deletes && merge->counted >= 0 ? ")" : "");
        return;
    case MV_MERGE_COUNT:
        put_call("sum", name, out);
        return;
    case MV_MERGE_AVERAGE:
        put_call("sum", schema->columns[merge->summed].name, out);
        bytebuf_append_text(out, " / ");
        put_call("sum", schema->columns[merge->counted].name, out);
        return;
    case MV_MERGE_OTHER:
        put_call(merge->function, name, out);
        return;
    }
}

static void merge_text(const MvDecision *decision, bool has_deletes, ByteBuf *out)
{
    const TableSchema *schema = decision->table->schema;
    const MvDelta *delta = &decision->delta;
    const char *between = " GROUP BY ";
    bytebuf_append_text(out, "SELECT ");
    for (uint32_t c = 0; c < schema->column_count; c++) {
        bytebuf_append_text(out, c > 0 ? ", " : "");
        put_column(decision, c, has_deletes, out);
    }
    bytebuf_append_text(out, " FROM ");
    sql_print_quoted_identifier(decision->table->name, out);
    for (uint32_t c = 0; c < schema->column_count; c++) {
        if (delta->merges[c].kind != MV_MERGE_GROUP)
            continue;
        bytebuf_append_text(out, between);
        sql_print_quoted_identifier(schema->columns[c].name, out);
        between = ", ";
    }
    if (has_deletes && delta->has_groups && delta->row_count >= 0) {
        bytebuf_append_text(out, " HAVING ");
        put_call("sum", schema->columns[delta->row_count].name, out);
        bytebuf_append_text(out, " > 0");
    }
}

static void find_scan(void *context, LogicalNode *scan)
{
    *(LogicalNode **)context = scan;
}

static LogicalNode *union_of(const MvBoundView *view, const LogicalNode *shape, LogicalNode *left, LogicalNode *right)
{
    LogicalNode *node = ARENA_NEW(view->arena, LogicalNode);
    *node = (LogicalNode){.kind = LOGICAL_SET, .child_count = 2, .column_count = shape->column_count, .estimated_rows = -1};
    node->columns = ARENA_NEW_ARRAY(view->arena, LogicalColumn, MAX(shape->column_count, 1u));
    node->children = ARENA_NEW_ARRAY(view->arena, LogicalNode *, 2);
    node->children[0] = left;
    node->children[1] = right;
    node->set.kind = SET_UNION_ALL;
    node->set.inputs = ARENA_NEW_ARRAY(view->arena, ColumnId *, 2);
    for (uint32_t s = 0; s < 2; s++)
        node->set.inputs[s] = ARENA_NEW_ARRAY(view->arena, ColumnId, MAX(shape->column_count, 1u));
    for (uint32_t i = 0; i < shape->column_count; i++) {
        node->columns[i] = shape->columns[i];
        node->columns[i].is_nullable = true;
    }
    return node;
}

/* scan becomes the union of itself and the differences, whose columns are the view's in their order. */
static void unite(MvBoundView *view, LogicalNode *scan, LogicalNode *came, LogicalNode *went, const uint64_t *ids, uint32_t id_count)
{
    LogicalNode *stored = ARENA_NEW(view->arena, LogicalNode);
    *stored = *scan;
    stored->columns = ARENA_NEW_ARRAY(view->arena, LogicalColumn, MAX(scan->column_count, 1u));
    stored->scan.first_id = view->analyze.ids.next;
    view->analyze.ids.next += scan->scan.table->schema->column_count;
    stored->scan.partition_ids = ids;
    stored->scan.partition_id_count = id_count;
    LogicalNode *inner = union_of(view, scan, stored, came), *outer = went == NULL ? inner : union_of(view, scan, inner, went);
    for (uint32_t i = 0; i < scan->column_count; i++) {
        uint32_t ordinal = scan->scan.ordinals[i];
        stored->columns[i] = scan->columns[i];
        stored->columns[i].id = stored->scan.first_id + ordinal;
        inner->set.inputs[0][i] = stored->columns[i].id;
        inner->set.inputs[1][i] = came->columns[ordinal].id;
        if (went == NULL)
            continue;
        inner->columns[i].id = column_ids_next(&view->analyze.ids);
        outer->set.inputs[0][i] = inner->columns[i].id;
        outer->set.inputs[1][i] = went->columns[ordinal].id;
    }
    *scan = *outer;
}

/* came->bound yields the rows of the difference: afterwards those merged with the rows that are there. */
static Status merge_query(MvDecision *came, const MvDecision *went, const uint8_t *chosen)
{
    MvBoundView *view = &came->bound;
    AUTO_BYTEBUF text = {0};
    LogicalNode *scan = NULL;
    MvBoundView merged = {.arena = view->arena, .diag = view->diag, .session = view->session};
    uint64_t *ids = ARENA_NEW_ARRAY(view->arena, uint64_t, MAX(came->cells.count, 1u));
    uint32_t id_count = 0;
    for (uint32_t c = 0; c < came->cells.count; c++) {
        if (chosen[c] != 0)
            ids[id_count++] = came->cells.items[c].existing->id;
    }
    merge_text(came, went != NULL, &text);
    TRY(mv_bind_more(came->snapshot, strview(arena_strndup(view->arena, text.data, text.length)), came->database->name, view->analyze.ids, &merged));
    mv_each_scan(merged.query->root, find_scan, &scan);
    unite(&merged, scan, view->query->root, went == NULL ? NULL : went->bound.query->root, ids, id_count);
    view->analyze.ids = merged.analyze.ids;
    view->query = merged.query;
    return mv_project_columns(came, true);
}

/* ---- sums of differences ---- */

LogicalNode *mv_add_up(MvBoundView *view, LogicalNode *left, LogicalNode *right)
{
    LogicalNode *sum = union_of(view, left, left, right);
    for (uint32_t i = 0; i < left->column_count; i++) {
        sum->set.inputs[0][i] = left->columns[i].id;
        sum->set.inputs[1][i] = right->columns[i].id;
        sum->columns[i].id = column_ids_next(&view->analyze.ids);
    }
    return sum;
}

/* The rows that came, or those that went with their sums negated. *ids is what the last query used. */
static Status sum_terms(MvEngine *engine, const MvDecision *decision, const uint8_t *chosen, const MvTerm *terms, uint32_t count, bool is_gone,
                        ColumnIds *ids, MvDecision *out)
{
    LogicalNode *sum = NULL;
    for (uint32_t t = 0; t < count; t++) {
        TRY(mv_bind_again(decision, *ids, out));
        TRY(mv_difference_query(engine, out, chosen, &terms[t], is_gone));
        if (is_gone)
            TRY(negate(out));
        LogicalNode *rows = out->bound.query->root;
        sum = sum == NULL ? rows : mv_add_up(&out->bound, sum, rows);
        *ids = out->bound.analyze.ids;
    }
    out->bound.query->root = sum;
    out->bound.query->columns = sum->columns;
    return OK;
}

static uint32_t list_terms(const MvDecision *decision, uint64_t changed, MvTerm out[64])
{
    MvDecision *own = (MvDecision *)(uintptr_t)decision; /* it keeps what it found out */
    uint32_t count = 0;
    out[0] = (MvTerm){changed, 0};
    if (mv_is_linear(own, changed))
        return 1;
    for (uint64_t left = changed; left != 0; left &= left - 1) {
        uint64_t bit = left & -left;
        out[count++] = (MvTerm){bit, changed & (bit - 1)};
    }
    return count;
}

Status mv_plan_delta(MvEngine *engine, const MvDecision *decision, const uint8_t *chosen, PhysPlan **out)
{
    MvDecision came, went;
    MvTerm terms[64];
    ColumnIds ids = {1};
    uint64_t changed = 0;
    bool has_deletes = false, by_groups = false;
    for (uint32_t c = 0; c < decision->cells.count; c++) {
        changed |= chosen[c] != 0 ? decision->choices[c].changed : 0;
        has_deletes |= chosen[c] != 0 && decision->choices[c].has_deletes;
        by_groups |= chosen[c] != 0 && decision->choices[c].by_groups;
    }
    uint32_t count = list_terms(decision, changed, terms);
    if (by_groups) {
        TRY(mv_groups_query(engine, decision, chosen, terms, count, has_deletes, &came));
        return mv_plan_bound(engine, &came, out);
    }
    if (has_deletes)
        TRY(sum_terms(engine, decision, chosen, terms, count, true, &ids, &went));
    TRY(sum_terms(engine, decision, chosen, terms, count, false, &ids, &came));
    if (decision->delta.shape == MV_DELTA_MERGE)
        TRY(merge_query(&came, has_deletes ? &went : NULL, chosen));
    return mv_plan_bound(engine, &came, out);
}
