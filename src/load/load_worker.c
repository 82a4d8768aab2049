#include "load/load_worker.h"

/* Per chunk: split rows, convert wanted fields column by column, evaluate mappings, mark bad rows,
 * filter by where, gather what is left, append to the lane. The lane is opened at the first block, so
 * that a small load makes one object. */

#include <stdio.h>

#include "expr/eval.h"

struct LoadWorker {
    LoadShared *shared;
    const LoadPlan *plan;
    const TableSchema *schema;
    LoaderLane *lane;
    Evaluator *exprs, *generated, *where;
    Arena arena;   /* as long as the worker */
    Arena scratch; /* a chunk's */
    TextRows rows;
    JsonRowsReader json;
    Vector *sources;
    const Vector **results;  /* of the expressions */
    const Vector **generated_results;
    const Vector **targets;  /* the table's columns of this chunk */
    Vector *constants;       /* one a target that is constant */
    Vector *dense;           /* targets without the rejected rows; made at the first need */
    const Vector **dense_pointers;
    Chunk source_chunk, target_chunk;
    uint64_t block; /* the number of the one that is read */
    uint8_t *failed, *rejected;
    uint16_t *sel, *selected;
};

static void make_constants(LoadWorker *w)
{
    const LoadPlan *plan = w->plan;
    uint32_t count = w->schema->column_count;
    w->constants = ARENA_NEW_ARRAY(&w->arena, Vector, count);
    for (uint32_t c = 0; c < count; c++) {
        if (plan->targets[c].kind != LOAD_FROM_CONSTANT)
            continue;
        vector_init(&w->constants[c], &w->arena, w->schema->columns[c].type, CHUNK_ROWS);
        for (uint32_t row = 0; row < CHUNK_ROWS; row++)
            vector_put(&w->constants[c], &w->arena, row, &plan->targets[c].constant);
    }
}

static void make_buffers(LoadWorker *w)
{
    const LoadPlan *plan = w->plan;
    uint32_t targets = w->schema->column_count;
    text_rows_init(&w->rows, &w->arena, plan->source_count);
    w->sources = ARENA_NEW_ARRAY(&w->arena, Vector, plan->source_count);
    for (uint32_t i = 0; i < plan->source_count; i++) {
        if (plan->sources[i].type.kind != TYPE_NULL)
            vector_init(&w->sources[i], &w->arena, plan->sources[i].type, CHUNK_ROWS);
    }
    w->results = ARENA_NEW_ARRAY(&w->arena, const Vector *, plan->expr_count);
    w->generated_results = ARENA_NEW_ARRAY(&w->arena, const Vector *, plan->generated.count + 1);
    w->targets = ARENA_NEW_ARRAY(&w->arena, const Vector *, targets);
    w->source_chunk = (Chunk){.columns = w->sources, .column_count = plan->source_count};
    w->target_chunk = (Chunk){.columns = ARENA_NEW_ARRAY(&w->arena, Vector, targets), .column_count = targets};
    w->failed = ARENA_NEW_ARRAY(&w->arena, uint8_t, CHUNK_ROWS);
    w->rejected = ARENA_NEW_ARRAY(&w->arena, uint8_t, CHUNK_ROWS);
    w->sel = ARENA_NEW_ARRAY(&w->arena, uint16_t, CHUNK_ROWS);
    w->selected = ARENA_NEW_ARRAY(&w->arena, uint16_t, CHUNK_ROWS);
    make_constants(w);
}

Status load_worker_open(LoadShared *shared, LoadWorker **out_worker)
{
    const LoadPlan *plan = &shared->plan;
    LoadWorker *w = mem_alloc_zero(sizeof(*w));
    *out_worker = w;
    w->shared = shared;
    w->plan = plan;
    w->schema = plan->table->schema;
    arena_init(&w->arena, &shared->memory);
    arena_init(&w->scratch, &shared->memory);
    make_buffers(w);
    if (plan->expr_count > 0)
        TRY(evaluator_open((const Expr *const *)plan->exprs, plan->expr_count, &plan->session, shared->tracker,
                           &shared->diag, &w->exprs));
    if (plan->generated.count > 0)
        TRY(evaluator_open((const Expr *const *)plan->generated.exprs, plan->generated.count, &plan->session, shared->tracker, &shared->diag,
                           &w->generated));
    if (plan->where != NULL)
        TRY(evaluator_open((const Expr *const *)&plan->where, 1, &plan->session, shared->tracker, &shared->diag,
                           &w->where));
    return table_loader_lane(shared->loader, &shared->diag, &w->lane);
}

void load_worker_close(LoadWorker *w)
{
    if (w->lane != NULL)
        loader_lane_abort(w->lane);
    if (w->exprs != NULL)
        evaluator_close(w->exprs);
    if (w->generated != NULL)
        evaluator_close(w->generated);
    if (w->where != NULL)
        evaluator_close(w->where);
    arena_deinit(&w->scratch);
    arena_deinit(&w->arena);
    mem_free(w);
}

Status load_worker_finish(LoadWorker *w)
{
    LoaderLane *lane = w->lane;
    w->lane = NULL;
    return loader_lane_finish(lane, &w->shared->diag);
}

PRINTF_LIKE(3, 4)
static void reject(LoadWorker *w, uint32_t row, const char *format, ...)
{
    if (w->rejected[row])
        return;
    w->rejected[row] = 1;
    LoadErrors *errors = &w->shared->errors;
    if (!load_errors_take(errors))
        return;
    char reason[512];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof(reason), format, args);
    va_end(args);
    TextField text = w->rows.rows[row];
    load_errors_add(errors, w->block, w->rows.lines[row], strview(reason), (StrView){w->rows.base + text.offset, text.length});
}

static void reject_counts(LoadWorker *w)
{
    const LoadPlan *plan = w->plan;
    for (uint32_t row = 0; row < w->rows.row_count; row++) {
        if (LIKELY(w->rows.found[row] == w->rows.column_count))
            continue;
        if (plan->is_json) {
            reject(w, row, "The value is not a JSON object");
            continue;
        }
        AUTO_BYTEBUF separator = {0};
        AUTO_BYTEBUF delimiter = {0};
        json_quote(plan->csv.separator, &separator);
        json_quote(plan->csv.delimiter, &delimiter);
        reject(w, row,
               "Target column count: %u doesn't match source value column count: %u. Column separator: %s, "
               "Row delimiter: %s",
               w->rows.column_count, w->rows.found[row], separator.data, delimiter.data);
    }
}

/* A row that only takes its key away needs no values besides. */
static bool is_delete(const LoadWorker *w, uint32_t row)
{
    const LoadPlan *plan = w->plan;
    if (!plan->has_op || plan->op.kind != LOAD_FROM_SOURCE)
        return false;
    TextField field = w->rows.fields[(size_t)plan->op.index * CHUNK_ROWS + row];
    StrView word = {w->rows.base + field.offset, field.length == TEXT_NULL ? 0 : field.length};
    return strview_is(word, "1") || strview_equal_ci(word, STR_VIEW("delete"));
}

static void reject_field(LoadWorker *w, uint32_t source, uint32_t row, bool is_required)
{
    const LoadSource *from = &w->plan->sources[source];
    TextField field = w->rows.fields[(size_t)source * CHUNK_ROWS + row];
    if (is_required && !w->schema->columns[from->table_column].is_key && is_delete(w, row))
        is_required = false;
    const char *text = w->rows.base + field.offset;
    int shown = field.length == TEXT_NULL ? 0 : (int)MIN(field.length, 128u);
    if (w->failed[row] == TEXT_TOO_LONG) {
        reject(w, row, "The length of the input is too long. column_name: %.*s; input_str: [%.*s]; type length: %u; "
                       "actual length: %u",
               SV_ARGS(from->name), shown, text, from->type.length, field.length);
    } else if (w->failed[row] != 0 && (w->plan->strict || is_required)) {
        AUTO_BYTEBUF type = {0};
        type_print_sql(from->type, &type);
        reject(w, row, "Value '%.*s' can't be converted to %s, the type of column '%.*s'", shown, text, type.data,
               SV_ARGS(from->name));
    } else if (is_required) {
        reject(w, row, "NULL value in non-nullable column '%.*s'", SV_ARGS(from->name));
    }
}

static void convert_sources(LoadWorker *w)
{
    for (uint32_t i = 0; i < w->plan->source_count; i++) {
        const LoadSource *source = &w->plan->sources[i];
        if (source->type.kind == TYPE_NULL)
            continue;
        Vector *vector = &w->sources[i];
        memset(w->failed, 0, w->rows.row_count);
        if (type_is_nested(source->type)) /* its children grow in scratch */
            vector_init(vector, &w->scratch, source->type, CHUNK_ROWS);
        vector_reset(vector);
        text_column_parse(&w->rows, i, &w->scratch, vector, w->failed);
        bool is_required = source->table_column >= 0 && !w->schema->columns[source->table_column].is_nullable &&
                           !w->schema->columns[source->table_column].is_auto_increment;
        if (vector->nulls == NULL || (!is_required && memchr(w->failed, TEXT_BAD_VALUE, w->rows.row_count) == NULL &&
                                      memchr(w->failed, TEXT_TOO_LONG, w->rows.row_count) == NULL))
            continue;
        for (uint32_t row = 0; row < w->rows.row_count; row++) {
            if (vector->nulls[row] && !w->rejected[row])
                reject_field(w, i, row, is_required);
        }
    }
}

static uint32_t rows_left(LoadWorker *w)
{
    uint32_t count = 0;
    for (uint32_t row = 0; row < w->rows.row_count; row++) {
        w->sel[count] = (uint16_t)row;
        count += !w->rejected[row];
    }
    return count;
}

/* Rows without a partition are rejected; routing makes the partitions that come by themselves. */
static Status reject_homeless(LoadWorker *w)
{
    if (w->schema->scheme == PARTITION_NONE)
        return OK;
    uint32_t alive = rows_left(w);
    Vector *dense = ARENA_NEW_ARRAY(&w->scratch, Vector, w->schema->column_count);
    const Vector **columns = ARENA_NEW_ARRAY(&w->scratch, const Vector *, w->schema->column_count);
    uint8_t *found = ARENA_NEW_ARRAY(&w->scratch, uint8_t, MAX(alive, 1u));
    for (uint32_t c = 0; c < w->schema->column_count; c++) {
        columns[c] = &dense[c];
        if (!table_partitions_use(w->schema, c))
            continue;
        vector_init(&dense[c], &w->scratch, w->schema->columns[c].type, MAX(alive, 1u));
        vector_gather(w->targets[c], (Rows){w->sel, alive}, NULL, 0, &dense[c]);
    }
    TRY(loader_lane_route(w->lane, columns, alive, &w->shared->diag, found));
    for (uint32_t i = 0; i < alive; i++) {
        if (!found[i])
            reject(w, w->sel[i], "The row is out of partition ranges. Please add a new partition.");
    }
    return OK;
}

/* The table's columns of the rows that are left, for expressions over them. */
static const Chunk *target_chunk(LoadWorker *w, uint32_t alive)
{
    for (uint32_t c = 0; c < w->schema->column_count; c++)
        vector_reference(&w->target_chunk.columns[c], w->targets[c]);
    w->target_chunk.row_count = w->rows.row_count;
    w->target_chunk.sel = w->sel;
    w->target_chunk.selected = alive;
    return &w->target_chunk;
}

static void reject_nulls(LoadWorker *w, uint32_t column, uint32_t alive)
{
    VectorView view = vector_view(w->targets[column]);
    for (uint32_t i = 0; i < alive && !w->schema->columns[column].is_nullable; i++) {
        if (view_is_null(&view, w->sel[i]))
            reject(w, w->sel[i], "NULL value in non-nullable column '%.*s'", SV_ARGS(w->schema->columns[column].name));
    }
}

static Status compute_generated(LoadWorker *w)
{
    const GeneratedColumns *generated = &w->plan->generated;
    if (generated->count == 0)
        return OK;
    uint32_t alive = rows_left(w);
    TRY(evaluator_run(w->generated, target_chunk(w, alive), w->generated_results));
    for (uint32_t i = 0; i < generated->count; i++) {
        w->targets[generated->columns[i]] = w->generated_results[i];
        reject_nulls(w, generated->columns[i], alive);
    }
    return OK;
}

static Status compute_targets(LoadWorker *w)
{
    const LoadPlan *plan = w->plan;
    uint32_t alive = rows_left(w);
    w->source_chunk.row_count = w->rows.row_count;
    w->source_chunk.sel = alive == w->rows.row_count ? NULL : w->sel;
    w->source_chunk.selected = alive;
    if (w->exprs != NULL)
        TRY(evaluator_run(w->exprs, &w->source_chunk, w->results));
    for (uint32_t c = 0; c < w->schema->column_count; c++) {
        const LoadTarget *target = &plan->targets[c];
        w->targets[c] = target->kind == LOAD_FROM_SOURCE ? &w->sources[target->index]
                        : target->kind == LOAD_FROM_EXPR ? w->results[target->index]
                                                         : &w->constants[c];
        if (target->kind == LOAD_FROM_EXPR)
            reject_nulls(w, c, alive);
    }
    return compute_generated(w);
}

/* Leaves the rows to load in w->selected. */
static Status select_rows(LoadWorker *w, uint32_t *out_count)
{
    uint32_t alive = rows_left(w);
    atomic_fetch_add(&w->shared->filtered_rows, w->rows.row_count - alive);
    if (w->where == NULL) {
        memcpy(w->selected, w->sel, alive * sizeof(*w->sel));
        *out_count = alive;
        return OK;
    }
    TRY(evaluator_filter(w->where, target_chunk(w, alive), w->selected, out_count));
    atomic_fetch_add(&w->shared->unselected_rows, alive - *out_count);
    return OK;
}

static void gather(LoadWorker *w, uint32_t count)
{
    uint32_t targets = w->schema->column_count;
    if (w->dense == NULL) {
        w->dense = ARENA_NEW_ARRAY(&w->arena, Vector, targets);
        w->dense_pointers = ARENA_NEW_ARRAY(&w->arena, const Vector *, targets);
        for (uint32_t c = 0; c < targets; c++) {
            vector_init(&w->dense[c], &w->arena, w->schema->columns[c].type, CHUNK_ROWS);
            w->dense_pointers[c] = &w->dense[c];
        }
    }
    for (uint32_t c = 0; c < targets; c++) {
        Type type = w->schema->columns[c].type;
        if (type_is_nested(type))
            vector_init(&w->dense[c], &w->scratch, type, CHUNK_ROWS);
        vector_reset(&w->dense[c]);
        vector_gather(w->targets[c], (Rows){w->selected, count}, type_is_nested(type) ? &w->scratch : NULL, 0,
                      &w->dense[c]);
    }
}

/* Which of the selected rows are deletes; NULL: none. A value that is neither is an error of the row's load. */
static Status read_ops(LoadWorker *w, uint32_t count, uint8_t **out_deletes)
{
    const LoadPlan *plan = w->plan;
    *out_deletes = NULL;
    if (!plan->has_op)
        return OK;
    const Vector *ops = plan->op.kind == LOAD_FROM_EXPR ? w->results[plan->op.index] : &w->sources[plan->op.index];
    VectorView view = vector_view(ops);
    uint8_t *deletes = ARENA_NEW_ARRAY(&w->scratch, uint8_t, MAX(count, 1u));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = w->selected[i];
        if (view_is_null(&view, row))
            continue; /* put */
        const Str *text = &((const Str *)view.data)[view_index(&view, row)];
        StrView word = strview_n(str_data(text), text->length);
        deletes[i] = strview_is(word, "1") || strview_equal_ci(word, STR_VIEW("delete"));
        if (!deletes[i] && !strview_is(word, "0") && !strview_equal_ci(word, STR_VIEW("upsert")))
            return RAISE(&w->shared->diag, BAD_VALUE, "the value of __op must be 0 (upsert) or 1 (delete), not '%.*s'", SV_ARGS(word));
    }
    *out_deletes = deletes;
    return OK;
}

/* Of a partial update, rows of keys that are there keep what they have: the others get values when that is known. */
static bool fills_increment(const LoadWorker *w, uint32_t column)
{
    return w->schema->columns[column].is_auto_increment && (!w->plan->is_partial || w->plan->given[column]);
}

/* Gives AUTO_INCREMENT columns values where they are NULL, in dense copies. */
static Status fill_increments(LoadWorker *w, uint32_t count)
{
    for (uint32_t c = 0; c < w->schema->column_count; c++) {
        if (!fills_increment(w, c))
            continue;
        if (w->shared->increments == NULL)
            return RAISE(&w->shared->diag, NOT_SUPPORTED, "table '%.*s' has an AUTO_INCREMENT column, which can't be loaded from here",
                         SV_ARGS(w->plan->table->name));
        TRY(auto_increment_fill(w->shared->increments, w->plan->table->id, &w->dense[c], count, &w->shared->diag));
    }
    return OK;
}

static bool has_increment(const LoadWorker *w)
{
    for (uint32_t c = 0; c < w->schema->column_count; c++) {
        if (fills_increment(w, c))
            return true;
    }
    return false;
}

static Status load_chunk(LoadWorker *w)
{
    uint32_t count;
    atomic_fetch_add(&w->shared->total_rows, w->rows.row_count);
    memset(w->rejected, 0, w->rows.row_count);
    reject_counts(w);
    convert_sources(w);
    TRY(compute_targets(w));
    TRY(reject_homeless(w));
    TRY(select_rows(w, &count));
    if (count == 0)
        return OK;
    bool fills = has_increment(w);
    bool is_whole = count == w->rows.row_count && !fills;
    uint8_t *deletes;
    TRY(read_ops(w, count, &deletes));
    if (!is_whole)
        gather(w, count);
    if (fills)
        TRY(fill_increments(w, count));
    const Vector *const *columns = is_whole ? w->targets : w->dense_pointers;
    if (w->shared->rows != NULL)
        TRY(merge_rows_add(w->shared->rows, columns, w->schema->column_count, deletes, count, &w->shared->diag));
    else
        TRY(loader_lane_append_ops(w->lane, columns, deletes, count, &w->shared->diag));
    atomic_fetch_add(&w->shared->loaded_rows, count);
    return OK;
}

static Status load_csv(LoadWorker *w, ByteBuf *block)
{
    CsvReader reader;
    csv_reader_init(&reader, &w->plan->csv, block->data, block->length);
    while (!atomic_load(&w->shared->has_failed) && csv_reader_next(&reader, &w->rows)) {
        TRY(load_chunk(w));
        arena_reset(&w->scratch);
    }
    load_errors_block(&w->shared->errors, w->block, reader.line);
    return OK;
}

static Status load_json(LoadWorker *w, const ByteBuf *block)
{
    json_rows_init(&w->json, &w->plan->json, bytebuf_view(block));
    Status status = OK;
    while (status == OK && !atomic_load(&w->shared->has_failed)) {
        status = json_rows_next(&w->json, &w->rows, &w->shared->diag);
        if (status != OK || w->rows.row_count == 0)
            break;
        status = load_chunk(w);
        arena_reset(&w->scratch);
    }
    load_errors_block(&w->shared->errors, w->block, w->json.line);
    json_rows_deinit(&w->json);
    return status;
}

Status load_worker_block(LoadWorker *w, uint64_t number, ByteBuf *block)
{
    w->block = number;
    return w->plan->is_json ? load_json(w, block) : load_csv(w, block);
}
