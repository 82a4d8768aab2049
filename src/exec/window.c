#include "exec/window_int.h"

/* Window functions. All rows are collected with partition keys, order keys and arguments, and sorted; where partitions and
 * peers begin is marked; then calls are worked off over stretches of whole partitions, several workers at once. Results lie in
 * sorted order. Beyond memory the rows go to sorted runs, whose merge is worked off some whole partitions at a time.
 *
 * window_rank.c, window_value.c: functions that exist with OVER only; window_frame.c, window_feed.c: aggregates over frames. */

enum {
    WORK_ROWS = 4 * CHUNK_ROWS,    /* that a worker takes at a time */
    PARALLEL_ROWS = 8 * CHUNK_ROWS /* fewer are for one */
};

static void renew_store(Window *window, ColumnStore **store)
{
    uint32_t columns = window->child_count + window->expr_count;
    column_store_free(*store);
    *store = column_store_new(node_memory(window->exec, window->node), window->types, columns);
}

static Status push_window(Consumer *consumer, uint32_t number, Chunk *chunk)
{
    Window *window = (Window *)consumer;
    WindowWorker *worker = &window->workers[number];
    if (worker->evaluator == NULL)
        TRY(evaluator_open(window->exprs, window->expr_count, window->exec->session, window->exec->options->memory, window->exec->diag,
                           &worker->evaluator));
    arena_reset(&worker->scratch);
    const Vector **all = ARENA_NEW_ARRAY(&worker->scratch, const Vector *, window->child_count + window->expr_count + 1);
    TRY(evaluator_run(worker->evaluator, chunk, all + window->child_count));
    for (uint32_t i = 0; i < window->child_count; i++)
        all[i] = &chunk->columns[i];
    TRY(column_store_append(window->exec, worker->store, all, chunk_rows(chunk)));
    if (worker->store->row_count < SPILL_MIN_ROWS ||
        !spill_wanted(window->exec, window->node, 2 * (int64_t)worker->store->arena.total_bytes))
        return OK;
    TRY(sort_runs_add(&window->runs, worker->store));
    renew_store(window, &worker->store);
    return OK;
}

static bool same_value(const Vector *key, uint32_t a, uint32_t b)
{
    switch ((PhysKind)key->type.phys) {
    case PHYS_I32:
        return ((const int32_t *)key->data)[a] == ((const int32_t *)key->data)[b];
    case PHYS_I64:
        return ((const int64_t *)key->data)[a] == ((const int64_t *)key->data)[b];
    case PHYS_F64:
        return ((const double *)key->data)[a] == ((const double *)key->data)[b];
    case PHYS_STR:
        return str_equal(&((const Str *)key->data)[a], &((const Str *)key->data)[b]);
    default:
        return keys_equal(&key, a, &key, b, 1);
    }
}

/* Do rows a and b (store rows) agree on keys first .. end-1? */
static bool same_keys(const Window *window, uint32_t a, uint32_t b, uint32_t first, uint32_t end)
{
    for (uint32_t k = first; k < end; k++) {
        const Vector *key = &window->store->columns[window->child_count + k];
        bool a_null = key->nulls != NULL && key->nulls[a] != 0;
        bool b_null = key->nulls != NULL && key->nulls[b] != 0;
        if (a_null != b_null || (!a_null && !same_value(key, a, b)))
            return false;
    }
    return true;
}

/* ---- marks ---- */

/* Rows whose key differs from that of the row before. */
#define MARK_CHANGES(T)                                                               \
    for (uint32_t i = MAX(range.begin, 1u); i < range.end; i++) {                     \
        if (((const T *)key->data)[order[i]] != ((const T *)key->data)[order[i - 1]]) \
            marks[i] |= bits;                                                         \
    }

static void mark_key(const Window *window, uint32_t k, Range range, uint8_t bits)
{
    const Vector *key = &window->store->columns[window->child_count + k];
    const uint32_t *order = window->order;
    uint8_t *marks = window->marks;
    if (key->nulls == NULL && (key->type.phys == PHYS_I32 || key->type.phys == PHYS_I64)) {
        if (key->type.phys == PHYS_I32)
            MARK_CHANGES(int32_t)
        else
            MARK_CHANGES(int64_t)
        return;
    }
    for (uint32_t i = MAX(range.begin, 1u); i < range.end; i++) {
        if ((marks[i] & bits) != bits && !same_keys(window, order[i - 1], order[i], k, k + 1))
            marks[i] |= bits;
    }
}

static Status mark_worker(void *context, uint32_t number)
{
    Window *window = context;
    uint32_t rows = (uint32_t)window->store->row_count;
    (void)number;
    for (;;) {
        uint32_t first = atomic_fetch_add(&window->next_row, CHUNK_ROWS);
        if (first >= rows)
            return OK;
        Range range = {first, MIN(rows - first, (uint32_t)CHUNK_ROWS) + first};
        for (uint32_t k = 0; k < window->key_count; k++)
            mark_key(window, k, range, k < window->node->window.partition_count ? BEGINS_PARTITION | BEGINS_PEERS : BEGINS_PEERS);
        TRY(exec_check(window->exec));
    }
}

static Status mark_rows(Window *window)
{
    size_t rows = window->store->row_count;
    window->marks = mem_alloc_zero(rows + 1);
    window->marks[0] = BEGINS_PARTITION | BEGINS_PEERS;
    atomic_store(&window->next_row, 0);
    return rows > PARALLEL_ROWS ? exec_parallel(window->exec, mark_worker, window) : mark_worker(window, 0);
}

/* ---- calls ---- */

void put_value(WindowStep *step, uint32_t position, const Datum *value)
{
    Datum copy = datum_copy(&step->worker->results, step->result->type, value);
    vector_put(step->result, &step->worker->results, position, &copy);
}

void copy_result(Vector *result, uint32_t to, uint32_t from)
{
    size_t width = phys_width((PhysKind)result->type.phys);
    result->nulls[to] = result->nulls[from];
    if (width == 8)
        ((uint64_t *)result->data)[to] = ((const uint64_t *)result->data)[from];
    else
        memcpy((char *)result->data + to * width, (const char *)result->data + from * width, width);
}

uint32_t window_arguments(const WindowStep *step, uint32_t first, Vector *out, const Vector **out_pointers)
{
    uint32_t count = MIN(step->spec->argument_count, (uint32_t)FUNC_MAX_FIXED_ARGS);
    for (uint32_t a = 0; a < count; a++) {
        out[a] = (Vector){.type = step->arguments[a].type, .form = VECTOR_DICTIONARY, .codes = step->window->order + first,
                          .dictionary = &step->arguments[a], .dict_size = (uint32_t)step->window->store->row_count};
        out_pointers[a] = &out[a];
    }
    return count;
}

FrameCursor frame_cursor(const WindowStep *step, Range partition)
{
    return (FrameCursor){step->window, step->spec, partition, {partition.begin, partition.begin}};
}

Range frame_at(FrameCursor *cursor, uint32_t position)
{
    const PhysWindowCall *spec = cursor->spec;
    Range p = cursor->partition;
    bool has_peers = !spec->frame_is_rows;
    if (has_peers && position >= cursor->peers.end)
        cursor->peers = (Range){position, next_mark(cursor->window, position + 1, p.end, BEGINS_PEERS)};
    int64_t begin = p.begin, end = p.end, at = position, limit = (int64_t)p.end + 1;
    int64_t start_offset = MIN(spec->start_offset, limit), end_offset = MIN(spec->end_offset, limit);
    if (spec->frame_start == 2)
        begin = has_peers ? cursor->peers.begin : at;
    else if (spec->frame_start == 1 || spec->frame_start == 3)
        begin = spec->frame_start == 1 ? at - start_offset : at + start_offset;
    if (spec->frame_end == 2)
        end = has_peers ? cursor->peers.end : at + 1;
    else if (spec->frame_end == 1 || spec->frame_end == 3)
        end = (spec->frame_end == 1 ? at - end_offset : at + end_offset) + 1;
    return (Range){(uint32_t)MIN(MAX(begin, (int64_t)p.begin), (int64_t)p.end), (uint32_t)MIN(MAX(end, (int64_t)p.begin), (int64_t)p.end)};
}

static Status compute_call(Window *window, WindowWorker *worker, uint32_t call, Range range)
{
    WindowStep step = {window,
                       worker,
                       call,
                       &window->node->window.calls[call],
                       &window->results[call],
                       &window->store->columns[window->argument_at[call]]};
    arena_reset(&worker->scratch);
    return window->functions[call](&step, range);
}

static void choose_functions(Window *window)
{
    uint32_t calls = window->node->window.call_count;
    window->functions = ARENA_NEW_ARRAY(&window->exec->arena, WindowFunction, MAX(calls, 1u));
    for (uint32_t c = 0; c < calls; c++) {
        const PhysWindowCall *spec = &window->node->window.calls[c];
        WindowFunction found = NULL;
        if (spec->binding->def->kind == FUNC_AGGREGATE)
            found = window_frame_function(spec);
        else
            found = window_rank_function(spec->binding->def->name);
        if (found == NULL && spec->binding->def->kind != FUNC_AGGREGATE)
            found = window_value_function(spec->binding->def->name);
        window->functions[c] = found == NULL ? window_feed : found;
    }
}

/* Partitions that begin in rows first .. end-1. */
static Status compute_rows(Window *window, WindowWorker *worker, uint32_t first, uint32_t end)
{
    uint32_t rows = (uint32_t)window->store->row_count;
    Range range = {next_mark(window, first, end, BEGINS_PARTITION), 0};
    if (range.begin == end)
        return OK;
    range.end = next_mark(window, end, rows, BEGINS_PARTITION);
    for (uint32_t c = 0; c < window->node->window.call_count; c++)
        TRY(compute_call(window, worker, c, range));
    return exec_check(window->exec);
}

static Status compute_worker(void *context, uint32_t number)
{
    Window *window = context;
    for (;;) {
        uint32_t rows = (uint32_t)window->store->row_count, first = atomic_fetch_add(&window->next_row, WORK_ROWS);
        if (first >= rows)
            return OK;
        TRY(compute_rows(window, &window->workers[number], first, MIN(rows - first, (uint32_t)WORK_ROWS) + first));
    }
}

/* Rows of nested types share their children, so one worker makes them. */
static bool may_be_parallel(const Window *window)
{
    bool may = window->store->row_count > PARALLEL_ROWS && window->node->window.partition_count > 0;
    for (uint32_t c = 0; c < window->node->window.call_count; c++)
        may &= window->results[c].type.phys < PHYS_LIST;
    return may;
}

static Status compute(Window *window)
{
    atomic_store(&window->next_row, 0);
    return may_be_parallel(window) ? exec_parallel(window->exec, compute_worker, window) : compute_worker(window, 0);
}

static Status emit_worker(void *context, uint32_t number)
{
    Window *window = context;
    Consumer *next = window->next;
    uint32_t rows = (uint32_t)window->store->row_count;
    uint32_t calls = window->node->window.call_count;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    Vector *columns = ARENA_NEW_ARRAY(&arena, Vector, window->store->column_count + calls + 1);
    while (next->is_full == NULL || !next->is_full(next)) {
        Chunk chunk;
        uint32_t first = atomic_fetch_add(&window->next_row, CHUNK_ROWS);
        if (first >= rows)
            return OK;
        uint32_t count = MIN(rows - first, (uint32_t)CHUNK_ROWS);
        column_store_pick(window->store, window->order + first, count, columns, &chunk);
        for (uint32_t c = 0; c < calls; c++) {
            columns[window->child_count + c] = window->results[c];
            vector_advance(&columns[window->child_count + c], first);
        }
        chunk.column_count = window->child_count + calls;
        TRY(exec_check(window->exec));
        profile_rows(window->exec, window->node, count);
        TRY(next->push(next, number, &chunk));
    }
    return OK;
}

/* Few rows leave in their order. */
static Status emit_rows(Window *window)
{
    atomic_store(&window->next_row, 0);
    return window->store->row_count > PARALLEL_ROWS ? exec_parallel(window->exec, emit_worker, window) : emit_worker(window, 0);
}

static PhysSortKey *lay_out(Window *window, Type **out_types)
{
    const PhysNode *node = window->node;
    Arena *arena = &window->exec->arena;
    uint32_t most = window->key_count;
    for (uint32_t c = 0; c < node->window.call_count; c++)
        most += node->window.calls[c].argument_count;
    PhysSortKey *keys = ARENA_NEW_ARRAY(arena, PhysSortKey, window->key_count + 1);
    Type *types = ARENA_NEW_ARRAY(arena, Type, window->child_count + most + 1);
    window->exprs = ARENA_NEW_ARRAY(arena, const Expr *, most + 1);
    window->argument_at = ARENA_NEW_ARRAY(arena, uint32_t, MAX(node->window.call_count, 1u));
    for (uint32_t k = 0; k < node->window.partition_count; k++) {
        keys[k] = (PhysSortKey){node->window.partition[k], false, true};
        window->exprs[window->expr_count++] = node->window.partition[k];
    }
    for (uint32_t k = 0; k < node->window.order_count; k++) {
        keys[node->window.partition_count + k] = node->window.order[k];
        window->exprs[window->expr_count++] = node->window.order[k].expr;
    }
    for (uint32_t c = 0; c < node->window.call_count; c++) {
        window->argument_at[c] = window->child_count + window->expr_count;
        for (uint32_t a = 0; a < node->window.calls[c].argument_count; a++)
            window->exprs[window->expr_count++] = node->window.calls[c].arguments[a];
    }
    for (uint32_t i = 0; i < window->child_count; i++)
        types[i] = node->children[0]->columns[i].type;
    for (uint32_t i = 0; i < window->expr_count; i++)
        types[window->child_count + i] = window->exprs[i]->type;
    *out_types = types;
    return keys;
}

static Status sort_and_compute(Window *window)
{
    uint32_t rows = (uint32_t)window->store->row_count;
    int64_t bytes = (int64_t)rows * (int64_t)(sizeof(uint32_t) + 1);
    for (uint32_t c = 0; c < window->node->window.call_count; c++)
        bytes += (int64_t)rows * (phys_width((PhysKind)window->node->window.calls[c].binding->result.phys) + 1);
    TRY(mem_check_room(window->exec->options->memory, bytes, window->exec->diag));
    window->order = mem_alloc((rows + 1) * sizeof(uint32_t));
    TRY(sort_rows(window->exec, node_memory(window->exec, window->node), window->store->columns + window->child_count, window->keys,
                  window->key_count, rows, window->order));
    TRY(mark_rows(window));
    window->results = ARENA_NEW_ARRAY(&window->workers[0].results, Vector, MAX(window->node->window.call_count, 1u));
    for (uint32_t c = 0; c < window->node->window.call_count; c++) {
        vector_init(&window->results[c], &window->workers[0].results, window->node->window.calls[c].binding->result, rows + 1);
        (void)vector_nulls(&window->results[c]); /* workers write into it */
    }
    return compute(window);
}

static void drop_results(Window *window)
{
    mem_free(window->order);
    mem_free(window->marks);
    window->order = NULL;
    window->marks = NULL;
    for (uint32_t w = 0; w < window->exec->worker_count; w++)
        arena_reset(&window->workers[w].results);
}

/* ---- rows from sorted runs ---- */

/* The last place where a partition begins, 0 when all rows are of one. */
static uint32_t last_begin(const Window *window)
{
    uint32_t partition_keys = window->node->window.partition_count;
    for (uint32_t row = (uint32_t)window->store->row_count; partition_keys > 0 && row > 1; row--) {
        if (!same_keys(window, row - 2, row - 1, 0, partition_keys))
            return row - 1;
    }
    return 0;
}

/* Works off the first rows of the store, whole partitions, and keeps the others. */
static Status work_off(Window *window, uint32_t rows)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    ColumnStore *done = window->store;
    uint32_t columns = done->column_count;
    Vector *slices = ARENA_NEW_ARRAY(&arena, Vector, columns + 1);
    const Vector **pointers = ARENA_NEW_ARRAY(&arena, const Vector *, columns + 1);
    ColumnStore *rest = column_store_new(node_memory(window->exec, window->node), window->types, columns);
    Status status = OK;
    for (uint64_t first = rows; first < done->row_count && status == OK; first += CHUNK_ROWS) {
        Chunk chunk;
        column_store_slice(done, first, (uint32_t)MIN(done->row_count - first, (uint64_t)CHUNK_ROWS), slices, &chunk);
        for (uint32_t c = 0; c < columns; c++)
            pointers[c] = &slices[c];
        status = column_store_append(window->exec, rest, pointers, chunk_rows(&chunk));
    }
    done->row_count = rows;
    if (status == OK)
        status = sort_and_compute(window);
    if (status == OK)
        status = emit_rows(window);
    drop_results(window);
    column_store_free(done);
    window->store = rest;
    return status;
}

static Status take_sorted(void *context, Chunk *chunk, bool *out_stop)
{
    Window *window = context;
    Arena *scratch = &window->workers[0].scratch;
    arena_reset(scratch);
    const Vector **pointers = ARENA_NEW_ARRAY(scratch, const Vector *, chunk->column_count + 1);
    for (uint32_t c = 0; c < chunk->column_count; c++)
        pointers[c] = &chunk->columns[c];
    TRY(column_store_append(window->exec, window->store, pointers, chunk_rows(chunk)));
    *out_stop = window->next->is_full != NULL && window->next->is_full(window->next);
    if ((int64_t)window->store->arena.total_bytes < spill_allowance(window->exec, window->node) / 4)
        return OK;
    uint32_t rows = last_begin(window);
    return rows == 0 ? OK : work_off(window, rows);
}

static Status finish_runs(Window *window)
{
    for (uint32_t w = 0; w < window->exec->worker_count; w++) {
        TRY(sort_runs_add(&window->runs, window->workers[w].store));
        column_store_free(window->workers[w].store);
        window->workers[w].store = NULL;
    }
    renew_store(window, &window->store);
    TRY(sort_runs_merge(&window->runs, take_sorted, window));
    return work_off(window, (uint32_t)window->store->row_count);
}

static Status finish_in_memory(Window *window)
{
    window->store = window->workers[0].store;
    window->workers[0].store = NULL;
    for (uint32_t w = 1; w < window->exec->worker_count; w++)
        TRY(column_store_concat(window->exec, window->store, &window->workers[w].store, 1));
    TRY(sort_and_compute(window));
    return emit_rows(window);
}

static void open_workers(Window *window)
{
    ExecContext *exec = window->exec;
    window->workers = ARENA_NEW_ARRAY(&exec->arena, WindowWorker, exec->worker_count);
    for (uint32_t w = 0; w < exec->worker_count; w++) {
        arena_init(&window->workers[w].scratch, node_memory(exec, window->node));
        arena_init(&window->workers[w].results, node_memory(exec, window->node));
        renew_store(window, &window->workers[w].store);
    }
}

static void close_window(Window *window)
{
    for (uint32_t w = 0; w < window->exec->worker_count; w++) {
        evaluator_close(window->workers[w].evaluator);
        column_store_free(window->workers[w].store);
        arena_deinit(&window->workers[w].scratch);
        arena_deinit(&window->workers[w].results);
    }
    sort_runs_close(&window->runs);
    column_store_free(window->store);
    mem_free(window->order);
    mem_free(window->marks);
}

Status run_window(ExecContext *exec, const PhysNode *node, Consumer *consumer)
{
    Window window = {.consumer = {.push = push_window},
                     .exec = exec,
                     .node = node,
                     .child_count = node->children[0]->column_count,
                     .key_count = node->window.partition_count + node->window.order_count,
                     .next = consumer};
    Type *types;
    window.keys = lay_out(&window, &types);
    window.types = types;
    window.runs = (SortRuns){.exec = exec, .node = node, .types = types, .column_count = window.child_count + window.expr_count,
                             .key_at = window.child_count, .keys = window.keys, .key_count = window.key_count, .keep = UINT64_MAX};
    sort_runs_init(&window.runs);
    open_workers(&window);
    choose_functions(&window);
    Status status = run_node(exec, node->children[0], &window.consumer);
    if (status == OK)
        status = window.runs.count > 0 ? finish_runs(&window) : finish_in_memory(&window);
    close_window(&window);
    return status;
}
