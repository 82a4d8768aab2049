#include "mv/engine_int.h"

/* Row-level incremental refresh: what a query over one table yields for the rows that were appended to it.
 *
 * The version map keeps, for the partitions that such a view was computed from, their segments with the identities of
 * the delete vectors. As long as these are all still there, unchanged, what is new are the other segments. A query that filters and
 * projects appends its rows for them to the view's partition. An aggregate of sum, count, min and max is merged: the partition's rows and
 * those of the new segments are added up by group. Everything else is computed as a whole, and so is what
 * compaction, deletes or replaced keys have touched. Sums of floating point numbers depend on their order: as a whole. */

#include "plan/logical_walk.h"
#include "sql/unparse.h"

/* ---- which queries ---- */

typedef struct ExprCheck {
    bool ok;
} ExprCheck;

static void check_expr(void *context, Expr **expr)
{
    ExprCheck *check = context;
    check->ok &= (*expr)->kind != EXPR_SUBQUERY && expr_is_deterministic(*expr);
    for (uint32_t i = 0; i < (*expr)->argument_count && check->ok; i++)
        check_expr(context, &(*expr)->arguments[i]);
}

static const char *merge_of(const AggCall *call)
{
    const char *name = call->binding->def->name;
    if (call->is_distinct || call->order_count > 0)
        return NULL;
    if (strcmp(name, "sum") == 0)
        return type_is_float(call->binding->result) ? NULL : "sum";
    if (strcmp(name, "count") == 0)
        return "sum";
    bool is_extreme = strcmp(name, "min") == 0 || strcmp(name, "max") == 0;
    return is_extreme ? name : NULL;
}

/* The aggregate's function behind each column of the view: how two of its values are merged; "": a group. */
static bool merge_columns(const MvDecision *decision, LogicalNode *aggregate, MvDelta *out)
{
    const MvBoundView *view = &decision->bound;
    const TableSchema *schema = decision->table->schema;
    uint32_t groups = 0;
    out->merges = ARENA_NEW_ARRAY(view->arena, const char *, MAX(schema->column_count, 1u));
    for (uint32_t c = 0; c < schema->column_count; c++) {
        uint32_t output;
        if (mv_output(&decision->definition, view, c, &output) != OK)
            return false;
        ColumnId id = view->query->root->columns[output].id;
        for (LogicalNode *node = view->query->root; node != aggregate; node = node->children[0]) {
            if (node->kind != LOGICAL_PROJECT)
                continue;
            for (uint32_t i = 0; i < node->column_count; i++) {
                if (node->columns[i].id != id)
                    continue;
                if (node->project.exprs[i]->kind != EXPR_COLUMN)
                    return false;
                id = node->project.exprs[i]->column.id;
                break;
            }
        }
        for (uint32_t g = 0; g < aggregate->aggregate.group_count; g++) {
            if (aggregate->aggregate.group_ids[g] == id) {
                out->merges[c] = "";
                groups |= 1u << g;
            }
        }
        for (uint32_t i = 0; i < aggregate->aggregate.call_count; i++) {
            if (aggregate->aggregate.calls[i].id == id)
                out->merges[c] = merge_of(&aggregate->aggregate.calls[i]);
        }
        if (out->merges[c] == NULL)
            return false;
    }
    return groups == (1u << aggregate->aggregate.group_count) - 1;
}

MvDelta mv_delta_shape(const MvDecision *decision)
{
    MvDelta delta = {.shape = MV_DELTA_NONE};
    const MvBoundView *view = &decision->bound;
    LogicalNode *aggregate = NULL;
    ExprCheck check = {true};
    if (view->scan_count != 1 || view->scans[0].table->schema->keys_kind == KEYS_AGGREGATE)
        return delta;
    for (LogicalNode *node = view->query->root; node != NULL; node = node->child_count == 1 ? node->children[0] : NULL) {
        bool is_sort = node->kind == LOGICAL_SORT && node->sort.limit < 0 && node->sort.offset <= 0;
        bool is_known = node->kind == LOGICAL_PROJECT || node->kind == LOGICAL_SCAN || node->kind == LOGICAL_AGGREGATE || is_sort ||
                        (node->kind == LOGICAL_FILTER);
        node_each_expr(node, check_expr, &check);
        if (!is_known || !check.ok)
            return delta;
        if (node->kind == LOGICAL_AGGREGATE) {
            if (aggregate != NULL || node->aggregate.sets != NULL || node->aggregate.group_count > 30)
                return delta;
            aggregate = node;
        }
    }
    for (LogicalNode *node = view->query->root; aggregate != NULL && node != aggregate; node = node->children[0]) {
        if (node->kind == LOGICAL_FILTER) /* HAVING */
            return delta;
    }
    if (aggregate != NULL && !merge_columns(decision, aggregate, &delta))
        return delta;
    delta.shape = aggregate != NULL ? MV_DELTA_MERGE : MV_DELTA_APPEND;
    return delta;
}

/* ---- what is new ---- */

static const SegmentRef *find_segment(const CatalogPartition *p, uint64_t id)
{
    for (uint32_t t = 0; t < p->tablet_count; t++) {
        for (uint32_t s = 0; s < p->tablets[t].segment_count; s++) {
            if (p->tablets[t].segments[s].id == id)
                return &p->tablets[t].segments[s];
        }
    }
    return NULL;
}

static bool is_marked(const MvSource *source, uint64_t id)
{
    for (uint32_t i = 0; source != NULL && i < source->mark_count; i++) {
        if (source->marks[i].segment_id == id)
            return true;
    }
    return false;
}

void mv_mark_segments(const CatalogPartition *p, Arena *arena, MvSource *out)
{
    for (uint32_t t = 0; t < p->tablet_count; t++)
        out->mark_count += p->tablets[t].segment_count;
    out->marks = ARENA_NEW_ARRAY(arena, MvSegmentMark, MAX(out->mark_count, 1u));
    uint32_t at = 0;
    for (uint32_t t = 0; t < p->tablet_count; t++) {
        for (uint32_t s = 0; s < p->tablets[t].segment_count; s++) {
            const SegmentRef *segment = &p->tablets[t].segments[s];
            out->marks[at++] = (MvSegmentMark){segment->id, segment->deletes == NULL ? 0 : segment->deletes->id};
        }
    }
}

bool mv_new_segments(const MvSource *source, const CatalogPartition *now, Arena *arena, MvSegmentList *out, uint64_t *out_rows)
{
    *out_rows = 0;
    if (source != NULL && source->mark_count == 0)
        return false; /* not kept then */
    for (uint32_t i = 0; source != NULL && i < source->mark_count; i++) {
        const SegmentRef *segment = find_segment(now, source->marks[i].segment_id);
        if (segment == NULL || (segment->deletes == NULL ? 0 : segment->deletes->id) != source->marks[i].deletes_id)
            return false;
    }
    for (uint32_t t = 0; t < now->tablet_count; t++) {
        for (uint32_t s = 0; s < now->tablets[t].segment_count; s++) {
            const SegmentRef *segment = &now->tablets[t].segments[s];
            if (is_marked(source, segment->id))
                continue;
            ARRAY_PUSH(arena, out, segment->id);
            *out_rows += segment->row_count;
        }
    }
    return true;
}

/* ---- the merged query ---- */

/* SELECT g, sum(s), .. FROM view GROUP BY g, whose scan becomes the union of the view's rows and the new ones. */
static void merge_text(const MvDecision *decision, ByteBuf *out)
{
    const TableSchema *schema = decision->table->schema;
    const char *between = "";
    bytebuf_append_text(out, "SELECT ");
    for (uint32_t c = 0; c < schema->column_count; c++) {
        const char *merge = decision->delta.merges[c];
        bytebuf_printf(out, "%s%s%s", c > 0 ? ", " : "", merge, merge[0] != '\0' ? "(" : "");
        sql_print_quoted_identifier(schema->columns[c].name, out);
        bytebuf_append_text(out, merge[0] != '\0' ? ")" : "");
    }
    bytebuf_append_text(out, " FROM ");
    sql_print_quoted_identifier(decision->table->name, out);
    for (uint32_t c = 0; c < schema->column_count; c++) {
        if (decision->delta.merges[c][0] != '\0')
            continue;
        bytebuf_append_text(out, between[0] == '\0' ? " GROUP BY " : between);
        sql_print_quoted_identifier(schema->columns[c].name, out);
        between = ", ";
    }
}

static void find_scan(void *context, LogicalNode *scan)
{
    *(LogicalNode **)context = scan;
}

static void unite(MvBoundView *view, LogicalNode *scan, LogicalNode *fresh, const uint64_t *ids, uint32_t id_count)
{
    LogicalNode *stored = ARENA_NEW(view->arena, LogicalNode);
    *stored = *scan;
    stored->columns = ARENA_NEW_ARRAY(view->arena, LogicalColumn, MAX(scan->column_count, 1u));
    stored->scan.first_id = view->analyze.ids.next;
    view->analyze.ids.next += scan->scan.table->schema->column_count;
    stored->scan.partition_ids = ids;
    stored->scan.partition_id_count = id_count;
    ColumnId **inputs = ARENA_NEW_ARRAY(view->arena, ColumnId *, 2);
    inputs[0] = ARENA_NEW_ARRAY(view->arena, ColumnId, MAX(scan->column_count, 1u));
    inputs[1] = ARENA_NEW_ARRAY(view->arena, ColumnId, MAX(scan->column_count, 1u));
    LogicalColumn *columns = scan->columns;
    for (uint32_t i = 0; i < scan->column_count; i++) {
        stored->columns[i] = scan->columns[i];
        stored->columns[i].id = stored->scan.first_id + scan->scan.ordinals[i];
        columns[i].is_nullable = true;
        inputs[0][i] = stored->columns[i].id;
        inputs[1][i] = fresh->columns[scan->scan.ordinals[i]].id;
    }
    uint32_t count = scan->column_count;
    *scan = (LogicalNode){.kind = LOGICAL_SET, .child_count = 2, .columns = columns, .column_count = count, .estimated_rows = -1};
    scan->children = ARENA_NEW_ARRAY(view->arena, LogicalNode *, 2);
    scan->children[0] = stored;
    scan->children[1] = fresh;
    scan->set.kind = SET_UNION_ALL;
    scan->set.inputs = inputs;
}

Status mv_merge_query(MvDecision *decision, const uint8_t *chosen)
{
    MvBoundView *view = &decision->bound;
    AUTO_BYTEBUF text = {0};
    LogicalNode *fresh = view->query->root, *scan = NULL;
    MvBoundView merged = {.arena = view->arena, .diag = view->diag, .session = view->session};
    uint64_t *ids = ARENA_NEW_ARRAY(view->arena, uint64_t, MAX(decision->cells.count, 1u));
    uint32_t id_count = 0;
    for (uint32_t c = 0; c < decision->cells.count; c++) {
        if (chosen[c] != 0)
            ids[id_count++] = decision->cells.items[c].existing->id;
    }
    merge_text(decision, &text);
    TRY(mv_bind_more(decision->snapshot, strview(arena_strndup(view->arena, text.data, text.length)), decision->database->name,
                     view->analyze.ids, &merged));
    mv_each_scan(merged.query->root, find_scan, &scan);
    unite(&merged, scan, fresh, ids, id_count);
    view->analyze.ids = merged.analyze.ids;
    view->query = merged.query;
    return OK;
}
