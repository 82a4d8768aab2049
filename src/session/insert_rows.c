#include "session/session_int.h"

/* The rows of a query into a table. Large results go in by several lanes at once, one a worker. Where later rows of the table take the
 * place of earlier ones, rows that have an order come in order: by one lane, or by lanes whose rows follow each other.
 *
 * Values that a column cannot hold fail the statement; of INSERT .. SELECT FROM FILES() they cost the row, and too many of them the
 * statement. */

#include "base/parallel.h"
#include "load/auto_increment.h"
#include "load/partition_router.h"

enum { PARALLEL_ROWS = 100 * 1000 };

typedef struct InsertLane {
    LoaderLane *lane; /* NULL: it got no rows yet */
    Arena arena;      /* as long as a chunk */
} InsertLane;

typedef struct InsertSink {
    StatementContext *context;
    TableLoader *loader;
    const CatalogTable *table;
    FileLoad *files; /* bad rows are filtered; NULL: they fail */
    PrimaryIndexes *seen; /* of MERGE: keys that came; NULL: rows are only put */
    PrimaryIndex *seen_keys;
    InsertLane lanes[EXEC_MOST_WORKERS];
} InsertSink;

/* What is wrong with a value, in words; NULL: nothing. */
static const char *value_fault(const TableColumn *column, const VectorView *view, uint32_t row, Arena *arena, bool *out_is_null)
{
    bool limits_length = (type_is_string(column->type) || column->type.kind == TYPE_VARBINARY) && column->type.length > 0;
    *out_is_null = view_is_null(view, row);
    if (*out_is_null)
        return column->is_nullable ? NULL : arena_printf(arena, "NULL value in non-nullable column '%.*s'", SV_ARGS(column->name));
    if (!limits_length)
        return NULL;
    const Str *text = &((const Str *)view->data)[view_index(view, row)];
    if (text->length <= column->type.length)
        return NULL;
    return arena_printf(arena, "string (length %u) of column '%.*s' is longer than %u bytes: '%.*s'", text->length, SV_ARGS(column->name),
                        column->type.length, (int)MIN(text->length, 100u), str_data(text));
}

static bool is_checked(const TableColumn *column)
{
    return !column->is_nullable || ((type_is_string(column->type) || column->type.kind == TYPE_VARBINARY) && column->type.length > 0);
}

/* A look at all values at once: false where each is surely good. */
static bool may_have_fault(const TableColumn *column, const Vector *vector, uint32_t rows)
{
    uint32_t longest = 0;
    if (!is_checked(column) || (!column->is_nullable && vector_has_nulls(vector, (Rows){NULL, rows})))
        return is_checked(column);
    if (vector->type.phys != PHYS_STR || vector->form != VECTOR_FLAT || column->type.length == 0)
        return vector->type.phys == PHYS_STR;
    for (uint32_t row = 0; row < rows; row++)
        longest = MAX(longest, ((const Str *)vector->data)[row].length);
    return longest > column->type.length;
}

/* *out_bad: a mark a row; NULL: all are good. */
static Status check_row_values(InsertSink *sink, const Vector *const *columns, uint32_t rows, Arena *arena, uint8_t **out_bad)
{
    const TableSchema *schema = sink->table->schema;
    *out_bad = NULL;
    for (uint32_t c = 0; c < schema->column_count; c++) {
        VectorView view = vector_view(columns[c]);
        if (!may_have_fault(&schema->columns[c], columns[c], rows))
            continue;
        for (uint32_t row = 0; row < rows; row++) {
            bool is_null;
            const char *fault = value_fault(&schema->columns[c], &view, row, arena, &is_null);
            if (LIKELY(fault == NULL))
                continue;
            if (sink->files == NULL && is_null)
                return RAISE(sink->context->diag, COLUMN_NOT_NULL, "Insert has filtered data: %s", fault);
            if (sink->files == NULL)
                return RAISE(sink->context->diag, OUT_OF_RANGE, "Insert has filtered data: %s", fault);
            if (*out_bad == NULL)
                *out_bad = ARENA_NEW_ARRAY(arena, uint8_t, rows);
            if (!(*out_bad)[row])
                file_load_filter(sink->files, "%s", fault);
            (*out_bad)[row] = 1;
        }
    }
    return OK;
}

static Status fill_increments(InsertSink *sink, const Vector **columns, uint32_t rows)
{
    const TableSchema *schema = sink->table->schema;
    for (uint32_t c = 0; c < schema->column_count; c++) {
        if (!schema->columns[c].is_auto_increment)
            continue;
        Vector filled = *columns[c];
        TRY(auto_increment_fill(sink->context->session->instance->increments, sink->table->id, &filled, rows, sink->context->diag));
    }
    return OK;
}

/* MERGE: a row of the target is written once. */
static Status note_keys(InsertSink *sink, const Vector *const *columns, uint32_t rows, Arena *arena)
{
    KeyHash *keys = ARENA_NEW_ARRAY(arena, KeyHash, rows + 1);
    key_hashes(columns, sink->table->schema->key_count, rows, keys);
    for (uint32_t row = 0; row < rows; row++) {
        if (primary_index_set(sink->seen_keys, keys[row], (RowLocation){1, 0}).segment_id != 0)
            return RAISE(sink->context->diag, BAD_VALUE, "MERGE: more than one row of the source is for the same row of table '%.*s'",
                         SV_ARGS(sink->table->name));
    }
    return OK;
}

static Status append_ops(InsertSink *sink, InsertLane *to, const Vector *const *columns, const Vector *op, Rows rows)
{
    uint8_t *deletes = ARENA_NEW_ARRAY(&to->arena, uint8_t, rows.count + 1);
    VectorView view = vector_view(op);
    for (FOR_ROWS(rows, i, row))
        deletes[i] = ((const int8_t *)view.data)[view_index(&view, row)] != 0;
    TRY(note_keys(sink, columns, rows.count, &to->arena));
    return loader_lane_append_ops(to->lane, columns, deletes, rows.count, sink->context->diag);
}

/* Dense already, and of the column's form? Numbers that are given out are written into a copy. */
static bool fits_as_it_is(const TableColumn *column, const Vector *from, Rows rows)
{
    return rows.sel == NULL && from->form == VECTOR_FLAT && from->type.phys == column->type.phys && !type_is_nested(column->type) &&
           !column->is_auto_increment;
}

static const Vector **gather(const InsertSink *sink, const Vector *from, Rows rows, Arena *arena)
{
    uint32_t count = sink->table->schema->column_count;
    const Vector **columns = ARENA_NEW_ARRAY(arena, const Vector *, MAX(count, 1u));
    for (uint32_t c = 0; c < count; c++) {
        columns[c] = &from[c];
        if (fits_as_it_is(&sink->table->schema->columns[c], &from[c], rows))
            continue;
        Vector *dense = ARENA_NEW(arena, Vector);
        vector_init(dense, arena, sink->table->schema->columns[c].type, CHUNK_ROWS);
        vector_gather(&from[c], rows, type_is_nested(dense->type) ? arena : NULL, 0, dense);
        columns[c] = dense;
    }
    return columns;
}

/* The rows that are not marked, as a selection of what was selected. */
static Rows good_rows(Rows rows, const uint8_t *bad, Arena *arena)
{
    uint16_t *sel = ARENA_NEW_ARRAY(arena, uint16_t, rows.count + 1);
    uint32_t kept = 0;
    for (FOR_ROWS(rows, i, row)) {
        sel[kept] = (uint16_t)row;
        kept += !bad[i];
    }
    return (Rows){sel, kept};
}

/* Rows that no partition takes are bad, too. */
static Status check_partitions(InsertSink *sink, LoaderLane *lane, const Vector *const *columns, uint32_t rows, Arena *arena, uint8_t **bad)
{
    if (sink->files == NULL || sink->table->schema->scheme == PARTITION_NONE)
        return OK;
    uint8_t *found = ARENA_NEW_ARRAY(arena, uint8_t, rows + 1);
    TRY(loader_lane_route(lane, columns, rows, sink->context->diag, found));
    for (uint32_t row = 0; row < rows; row++) {
        if (found[row] || (*bad != NULL && (*bad)[row]))
            continue;
        if (*bad == NULL)
            *bad = ARENA_NEW_ARRAY(arena, uint8_t, rows);
        (*bad)[row] = 1;
        file_load_filter(sink->files, "a row is out of the table's partition ranges");
    }
    return OK;
}

static Status insert_chunk(void *opaque, uint32_t worker, const Chunk *chunk)
{
    InsertSink *sink = opaque;
    InsertLane *to = &sink->lanes[worker];
    Diag *diag = sink->context->diag;
    uint8_t *bad;
    arena_reset(&to->arena);
    if (to->lane == NULL)
        TRY(table_loader_lane(sink->loader, diag, &to->lane));
    Rows rows = chunk_rows(chunk);
    const Vector **columns = gather(sink, chunk->columns, rows, &to->arena);
    TRY(fill_increments(sink, columns, rows.count));
    TRY(check_row_values(sink, columns, rows.count, &to->arena, &bad));
    TRY(check_partitions(sink, to->lane, columns, rows.count, &to->arena, &bad));
    if (bad != NULL) {
        rows = good_rows(rows, bad, &to->arena);
        columns = gather(sink, chunk->columns, rows, &to->arena);
        TRY(fill_increments(sink, columns, rows.count));
    }
    if (sink->seen_keys != NULL)
        return append_ops(sink, to, columns, &chunk->columns[sink->table->schema->column_count], rows);
    return loader_lane_append(to->lane, columns, rows.count, diag);
}

static Status insert_in_order(void *opaque, const Chunk *chunk)
{
    return insert_chunk(opaque, 0, chunk);
}

static Status open_keys(InsertSink *sink)
{
    PrimaryIndexInput input = {.tablet_id = sink->table->id};
    sink->seen = primary_indexes_open(&sink->context->memory, 0, NULL);
    return primary_index_get(sink->seen, &input, sink->context->diag, &sink->seen_keys);
}

/* Do rows come from several workers in any order, or from each of them a part of a sequence? */
static bool comes_in_parts(const PhysNode *node)
{
    while (node->kind == PHYS_NODE_PROJECT || node->kind == PHYS_NODE_FILTER)
        node = node->children[0];
    return node->kind == PHYS_NODE_SCAN || node->kind == PHYS_NODE_HASH_JOIN || node->kind == PHYS_NODE_AGGREGATE ||
           (node->kind == PHYS_NODE_TABLE_FUNCTION && node->children[0]->kind == PHYS_NODE_VALUES);
}

static bool has_increments(const TableSchema *schema)
{
    bool has = false;
    for (uint32_t c = 0; c < schema->column_count; c++)
        has |= schema->columns[c].is_auto_increment;
    return has;
}

static Status run(InsertSink *sink, const PhysPlan *plan, const LoadQuery *load)
{
    StatementContext *context = sink->context;
    const TableSchema *schema = load->table->schema;
    uint32_t workers = 1;
    ExecResult result = {.context = sink, .rows = insert_in_order};
    bool is_keyed = table_keeps_last(schema);
    bool is_large = !load->has_op && load->merge == NULL && plan->root->estimated_rows >= PARALLEL_ROWS;
    if (is_large && (!is_keyed || (comes_in_parts(plan->root) && !has_increments(schema)))) {
        result.rows_of_worker = insert_chunk;
        result.takes_parts = is_keyed;
        workers = statement_workers(context);
    }
    for (uint32_t w = 0; w < workers && is_keyed && workers > 1; w++) /* in the order of the workers */
        TRY(table_loader_lane(sink->loader, context->diag, &sink->lanes[w].lane));
    if (is_large)
        table_loader_expect(sink->loader, plan->root->estimated_rows, workers);
    if (load->has_op)
        TRY(open_keys(sink));
    return execute_plan(context, plan, &result, NULL);
}

static Status finish_lane(void *opaque, uint32_t number, Diag *diag)
{
    InsertLane *to = opaque;
    LoaderLane *lane = to[number].lane;
    to[number].lane = NULL;
    return lane == NULL ? OK : loader_lane_finish(lane, diag);
}

/* Lanes of a table that keeps the last row: what a tablet has in several of them is put together, unless one has written already. */
static Status finish_keyed(InsertSink *sink, uint32_t count, Diag *diag)
{
    LoaderLane *lanes[EXEC_MOST_WORKERS];
    uint32_t used = 0;
    bool are_buffered = true;
    for (uint32_t i = 0; i < count; i++) {
        if (sink->lanes[i].lane == NULL)
            continue;
        lanes[used++] = sink->lanes[i].lane;
        are_buffered &= loader_lane_is_buffered(sink->lanes[i].lane);
        sink->lanes[i].lane = NULL;
    }
    Status status = used > 0 && are_buffered ? loader_lanes_finish(lanes, used, diag) : OK;
    for (uint32_t i = 0; i < used && !are_buffered; i++) {
        if (status == OK)
            status = loader_lane_finish(lanes[i], diag);
        else
            loader_lane_abort(lanes[i]);
    }
    return status;
}

/* Lanes write what they still hold side by side; those that did not come to it, after an error, drop it. */
static Status close_lanes(InsertSink *sink, Status status)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < COUNT_OF(sink->lanes); i++)
        count = sink->lanes[i].lane != NULL ? i + 1 : count;
    if (status == OK && table_keeps_last(sink->table->schema))
        status = finish_keyed(sink, count, sink->context->diag);
    else if (status == OK && count == 1)
        status = finish_lane(sink->lanes, 0, sink->context->diag);
    else if (status == OK && count > 1)
        status = parallel_for(count, finish_lane, sink->lanes, sink->context->diag);
    for (uint32_t i = 0; i < COUNT_OF(sink->lanes); i++) {
        if (sink->lanes[i].lane != NULL)
            loader_lane_abort(sink->lanes[i].lane);
        arena_deinit(&sink->lanes[i].arena);
    }
    return status;
}

Status insert_rows(StatementContext *context, TableLoader *loader, const LoadQuery *load)
{
    PhysPlan *plan;
    InsertSink *sink = ARENA_NEW(&context->arena, InsertSink);
    *sink = (InsertSink){.context = context, .loader = loader, .table = load->table, .files = context->files.count > 0 ? context->file_load : NULL};
    TRY(plan_it(context, load->query, &plan));
    for (uint32_t i = 0; i < COUNT_OF(sink->lanes); i++)
        arena_init(&sink->lanes[i].arena, &context->memory);
    context->writes = true;
    Status status = close_lanes(sink, run(sink, plan, load));
    primary_index_drop(sink->seen_keys);
    primary_indexes_close(sink->seen);
    if (status == OK && sink->files != NULL)
        status = file_load_check(sink->files, table_loader_rows(loader), context->diag);
    return status;
}
