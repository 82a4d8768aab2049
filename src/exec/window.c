#include "exec/sort_rows.h"
#include "exec/sort_spill.h"

/* Window functions. All rows are collected with partition keys, order keys and arguments, sorted, and
 * worked off partition by partition, several workers at once; results are a column a call in sorted order. Beyond memory the rows go to
 * sorted runs, whose merge is worked off some whole partitions at a time. Aggregates over a frame
 * that only grows are updated row by row, other frames are computed from their rows. */

enum {
    WORK_ROWS = 4 * CHUNK_ROWS,     /* that a worker takes at a time */
    PARALLEL_ROWS = 8 * CHUNK_ROWS, /* fewer are for one */
    CHECK_STEPS = 1024
};

typedef struct WindowWorker {
    ColumnStore *store;
    Evaluator *evaluator;
    Arena scratch;
    Arena results; /* strings of the results that the worker has made */
} WindowWorker;

typedef struct Window {
    Consumer consumer;
    ExecContext *exec;
    const PhysNode *node;
    uint32_t child_count;
    uint32_t key_count; /* partition + order */
    const Expr **exprs; /* keys, then arguments of all calls */
    uint32_t expr_count;
    uint32_t *argument_at; /* column of a call's first argument in the store */
    WindowWorker *workers;
    Arena scratch;
    ColumnStore *store; /* the rows of all workers */
    uint32_t *order;
    Vector *results;
    Arena *results_arena; /* of who works: strings of the results */
    Vector one;           /* of who works: the result of a state */
    uint32_t steps;       /* of who works: since it last looked at cancel */
    _Atomic uint32_t next_row;
    const Type *types; /* of the store's columns */
    const PhysSortKey *keys;
    SortRuns runs; /* columns: child, arguments, keys; none: all rows are in memory */
    Consumer *next;
} Window;

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

typedef struct Partition {
    uint32_t begin, end; /* positions in order */
} Partition;

static void put_i64(Window *window, uint32_t call, uint32_t position, int64_t value)
{
    ((int64_t *)window->results[call].data)[window->order[position]] = value;
}

static void put_f64(Window *window, uint32_t call, uint32_t position, double value)
{
    ((double *)window->results[call].data)[window->order[position]] = value;
}

static void rank_partition(Window *window, uint32_t call, Partition p, const char *name)
{
    uint32_t partition_keys = window->node->window.partition_count;
    int64_t rank = 1, dense = 1;
    uint32_t size = p.end - p.begin;
    bool is_number = strcmp(name, "row_number") == 0, is_rank = strcmp(name, "rank") == 0, is_dense = strcmp(name, "dense_rank") == 0;
    for (uint32_t i = p.begin; i < p.end; i++) {
        bool is_peer = i > p.begin && !is_number && same_keys(window, window->order[i - 1], window->order[i], partition_keys, window->key_count);
        if (i > p.begin && !is_peer) {
            rank = i - p.begin + 1;
            dense++;
        }
        if (is_number)
            put_i64(window, call, i, i - p.begin + 1);
        else if (is_rank)
            put_i64(window, call, i, rank);
        else if (is_dense)
            put_i64(window, call, i, dense);
        else
            put_f64(window, call, i, size > 1 ? (double)(rank - 1) / (double)(size - 1) : 0);
    }
}

static void cume_dist_partition(Window *window, uint32_t call, Partition p)
{
    uint32_t partition_keys = window->node->window.partition_count;
    uint32_t i = p.begin;
    while (i < p.end) {
        uint32_t end = i + 1;
        while (end < p.end && same_keys(window, window->order[i], window->order[end], partition_keys, window->key_count))
            end++;
        for (uint32_t j = i; j < end; j++)
            put_f64(window, call, j, (double)(end - p.begin) / (double)(p.end - p.begin));
        i = end;
    }
}

static int64_t argument_i64(Window *window, uint32_t call, uint32_t argument, uint32_t position, int64_t missing)
{
    if (argument >= window->node->window.calls[call].argument_count)
        return missing;
    const Vector *column = &window->store->columns[window->argument_at[call] + argument];
    Datum value = vector_get(column, window->order[position], &window->scratch);
    return value.is_null ? missing : value.i64;
}

static void ntile_partition(Window *window, uint32_t call, Partition p)
{
    int64_t asked = argument_i64(window, call, 0, p.begin, 1), buckets = MAX(asked, 1);
    int64_t size = p.end - p.begin;
    int64_t small = size / buckets;
    int64_t larger = size % buckets;
    for (uint32_t i = p.begin; i < p.end; i++) {
        int64_t at = i - p.begin;
        int64_t boundary = larger * (small + 1);
        put_i64(window, call, i, at < boundary ? at / (small + 1) + 1 : larger + (at - boundary) / MAX(small, 1) + 1);
    }
}

/* A new session begins where the value grows by more than the second argument; NULL values have none. */
static void session_partition(Window *window, uint32_t call, Partition p)
{
    int64_t session = 0;
    int64_t previous = 0;
    for (uint32_t i = p.begin; i < p.end; i++) {
        const Vector *columns = &window->store->columns[window->argument_at[call]];
        Datum value = vector_get(&columns[0], window->order[i], &window->scratch);
        Datum gap = vector_get(&columns[1], window->order[i], &window->scratch);
        if (value.is_null || gap.is_null) {
            vector_set_null(&window->results[call], window->order[i]);
            continue;
        }
        session += session == 0 || (Int128)value.i64 - previous > gap.i64;
        previous = value.i64;
        put_i64(window, call, i, session);
    }
}

static void put_value(Window *window, uint32_t call, uint32_t position, const Datum *value)
{
    Datum copy = datum_copy(window->results_arena, window->results[call].type, value);
    vector_put(&window->results[call], window->results_arena, window->order[position], &copy);
}

static bool is_fixed(const Vector *result)
{
    return result->type.phys < PHYS_STR;
}

/* The value of a flat column of the result's type, of fixed width. */
static void copy_fixed(Window *window, uint32_t call, uint32_t position, const Vector *source, uint32_t row)
{
    Vector *result = &window->results[call];
    uint32_t to = window->order[position];
    size_t width = phys_width((PhysKind)result->type.phys);
    result->nulls[to] = source->nulls != NULL && source->nulls[row] != 0;
    switch (width) {
    case 4:
        ((uint32_t *)result->data)[to] = ((const uint32_t *)source->data)[row];
        break;
    case 8:
        ((uint64_t *)result->data)[to] = ((const uint64_t *)source->data)[row];
        break;
    default:
        memcpy((char *)result->data + to * width, (const char *)source->data + row * width, width);
        break;
    }
}

static Datum argument_at(Window *window, uint32_t call, uint32_t position)
{
    return vector_get(&window->store->columns[window->argument_at[call]], window->order[position], &window->scratch);
}

static void shift_partition(Window *window, uint32_t call, Partition p, bool is_lead)
{
    const PhysWindowCall *spec = &window->node->window.calls[call];
    const Vector *source = &window->store->columns[window->argument_at[call]];
    bool is_plain = is_fixed(&window->results[call]) && source->type.phys == window->results[call].type.phys;
    for (uint32_t i = p.begin; i < p.end; i++) {
        int64_t offset = argument_i64(window, call, 1, i, 1);
        int64_t at = i;
        int64_t step = is_lead ? 1 : -1;
        Datum value = datum_null();
        bool found = offset == 0;
        if (!spec->ignore_nulls) {
            at = (int64_t)i + step * offset;
            found = at >= p.begin && at < p.end;
        }
        while (spec->ignore_nulls && offset > 0) {
            at += step;
            if (at < p.begin || at >= p.end)
                break;
            if (!argument_at(window, call, (uint32_t)at).is_null && --offset == 0)
                found = true;
        }
        if (found && is_plain) {
            copy_fixed(window, call, i, source, window->order[at]);
            continue;
        }
        if (found)
            value = argument_at(window, call, (uint32_t)at);
        else if (spec->argument_count > 2)
            value = vector_get(&window->store->columns[window->argument_at[call] + 2], window->order[i], &window->scratch);
        put_value(window, call, i, &value);
    }
}

/* First and last position of the frame of position i; empty when first >= last. */
static void frame_of(const Window *window, const PhysWindowCall *spec, Partition p, uint32_t i, uint32_t *out_first, uint32_t *out_end)
{
    uint32_t partition_keys = window->node->window.partition_count;
    int64_t first = p.begin;
    int64_t end = p.end;
    if (spec->frame_start == 1)
        first = (int64_t)i - spec->start_offset;
    if (spec->frame_start == 2)
        first = i;
    if (spec->frame_start == 3)
        first = (int64_t)i + spec->start_offset;
    if (spec->frame_end == 1)
        end = (int64_t)i - spec->end_offset + 1;
    if (spec->frame_end == 2)
        end = (int64_t)i + 1;
    if (spec->frame_end == 3)
        end = (int64_t)i + spec->end_offset + 1;
    if (!spec->frame_is_rows && spec->frame_end == 2) {
        while (end < p.end && same_keys(window, window->order[i], window->order[end], partition_keys, window->key_count))
            end++;
    }
    if (!spec->frame_is_rows && spec->frame_start == 2) {
        while (first > p.begin && same_keys(window, window->order[i], window->order[first - 1], partition_keys, window->key_count))
            first--;
    }
    *out_first = (uint32_t)MIN(MAX(first, (int64_t)p.begin), (int64_t)p.end);
    *out_end = (uint32_t)MIN(MAX(end, (int64_t)p.begin), (int64_t)p.end);
}

static void edge_partition(Window *window, uint32_t call, Partition p, bool is_first)
{
    const PhysWindowCall *spec = &window->node->window.calls[call];
    for (uint32_t i = p.begin; i < p.end; i++) {
        uint32_t first, end;
        Datum value = datum_null();
        frame_of(window, spec, p, i, &first, &end);
        for (uint32_t n = 0; first + n < end; n++) {
            value = argument_at(window, call, is_first ? first + n : end - 1 - n);
            if (!value.is_null || !spec->ignore_nulls)
                break;
        }
        put_value(window, call, i, &value);
    }
}

/* DISTINCT: the rows (of the store) whose arguments a state has taken in. */
typedef struct SeenRows {
    uint32_t *slots; /* row + 1 */
    uint32_t mask, count;
} SeenRows;

static void forget_rows(SeenRows *seen)
{
    if (seen->slots != NULL)
        memset(seen->slots, 0, ((size_t)seen->mask + 1) * sizeof(uint32_t));
    seen->count = 0;
}

static bool same_arguments(const Window *window, uint32_t call, uint32_t a, uint32_t b, Arena *scratch)
{
    const PhysWindowCall *spec = &window->node->window.calls[call];
    for (uint32_t i = 0; i < spec->argument_count; i++) {
        const Vector *column = &window->store->columns[window->argument_at[call] + i];
        Datum x = vector_get(column, a, scratch);
        Datum y = vector_get(column, b, scratch);
        if (x.is_null != y.is_null || datum_compare(column->type, &x, &y) != 0)
            return false;
    }
    return true;
}

static uint32_t *seen_slot(const Window *window, uint32_t call, const SeenRows *seen, uint32_t row, uint64_t hash, Arena *scratch)
{
    uint32_t slot = (uint32_t)hash & seen->mask;
    while (seen->slots[slot] != 0 && !same_arguments(window, call, seen->slots[slot] - 1, row, scratch))
        slot = (slot + 1) & seen->mask;
    return &seen->slots[slot];
}

static void grow_seen(const Window *window, uint32_t call, SeenRows *seen, Arena *scratch)
{
    SeenRows larger = {NULL, seen->slots == NULL ? 1023 : seen->mask * 2 + 1, seen->count};
    larger.slots = mem_alloc_zero(((size_t)larger.mask + 1) * sizeof(uint32_t));
    for (uint32_t i = 0; seen->slots != NULL && i <= seen->mask; i++) {
        if (seen->slots[i] == 0)
            continue;
        uint64_t hash;
        Vector arguments[FUNC_MAX_FIXED_ARGS];
        const Vector *pointers[FUNC_MAX_FIXED_ARGS];
        uint32_t row = seen->slots[i] - 1;
        uint32_t count = window->node->window.calls[call].argument_count;
        for (uint32_t a = 0; a < count && a < FUNC_MAX_FIXED_ARGS; a++) {
            const Vector *column = &window->store->columns[window->argument_at[call] + a];
            arguments[a] = (Vector){.type = column->type, .form = VECTOR_DICTIONARY, .codes = &row, .dictionary = column,
                                    .dict_size = (uint32_t)window->store->row_count};
            pointers[a] = &arguments[a];
        }
        hash_keys(pointers, count, (Rows){NULL, 1}, &hash);
        *seen_slot(window, call, &larger, row, hash, scratch) = row + 1;
    }
    mem_free(seen->slots);
    *seen = larger;
}

/* The positions whose arguments are new; notes them. */
static Rows new_rows(Window *window, uint32_t call, SeenRows *seen, const Vector *const *arguments, uint32_t first, uint32_t count,
                     Arena *arena)
{
    const PhysWindowCall *spec = &window->node->window.calls[call];
    uint64_t *hashes = ARENA_NEW_ARRAY(arena, uint64_t, count);
    uint16_t *sel = ARENA_NEW_ARRAY(arena, uint16_t, count);
    uint32_t kept = 0;
    hash_keys(arguments, spec->argument_count, (Rows){NULL, count}, hashes);
    for (uint32_t i = 0; i < count; i++) {
        if (seen->slots == NULL || seen->count * 2 > seen->mask)
            grow_seen(window, call, seen, arena);
        uint32_t row = window->order[first + i];
        uint32_t *slot = seen_slot(window, call, seen, row, hashes[i], arena);
        if (*slot != 0)
            continue;
        *slot = row + 1;
        seen->count++;
        sel[kept++] = (uint16_t)i;
    }
    return (Rows){sel, kept};
}

/* The state of one call over the frames of a partition. */
typedef struct FrameState {
    uint32_t call;
    AggContext *context;
    uint8_t *state;
    SeenRows seen;
} FrameState;

typedef enum FeedKind { FEED_ADD, FEED_RETRACT } FeedKind;

/* Feeds positions first .. end-1 into the state (or takes them out), a piece at a time. */
static Status feed(Window *window, FrameState *frame, uint32_t first, uint32_t end, FeedKind kind)
{
    uint32_t call = frame->call;
    const PhysWindowCall *spec = &window->node->window.calls[call];
    const AggKernel *kernel = spec->binding->aggregate;
    for (; first < end; first += CHUNK_ROWS) {
        uint32_t count = MIN(end - first, (uint32_t)CHUNK_ROWS);
        Vector arguments[FUNC_MAX_FIXED_ARGS];
        const Vector *pointers[FUNC_MAX_FIXED_ARGS];
        for (uint32_t a = 0; a < spec->argument_count && a < FUNC_MAX_FIXED_ARGS; a++) {
            const Vector *column = &window->store->columns[window->argument_at[call] + a];
            arguments[a] = (Vector){.type = column->type, .form = VECTOR_DICTIONARY, .codes = window->order + first,
                                    .dictionary = column, .dict_size = (uint32_t)window->store->row_count};
            pointers[a] = &arguments[a];
        }
        AUTO_ARENA scratch;
        arena_init(&scratch, NULL);
        Rows rows = {NULL, count};
        if (spec->is_distinct)
            rows = new_rows(window, call, &frame->seen, pointers, first, count, &scratch);
        TRY((kind == FEED_ADD ? kernel->update_one : kernel->retract)(frame->context, pointers, spec->argument_count, rows, frame->state));
    }
    return OK;
}

static Status finish_state(Window *window, uint32_t call, AggContext *context, uint8_t *state, uint32_t first, uint32_t end)
{
    const PhysWindowCall *spec = &window->node->window.calls[call];
    vector_reset(&window->one);
    TRY(spec->binding->aggregate->finish(context, &state, 1, 0, 0, &window->one));
    if (is_fixed(&window->results[call]) && window->one.form == VECTOR_FLAT) {
        for (uint32_t i = first; i < end; i++)
            copy_fixed(window, call, i, &window->one, 0);
        return OK;
    }
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    Datum value = vector_get(&window->one, 0, &arena);
    for (uint32_t i = first; i < end; i++)
        put_value(window, call, i, &value);
    return OK;
}

static void clear_state(const AggKernel *kernel, AggContext *context, uint8_t *state)
{
    if (kernel->destroy != NULL)
        kernel->destroy(context, state);
    memset(state, 0, kernel->state_bytes);
    if (kernel->init != NULL)
        kernel->init(context, state);
}

static Status slide_state(Window *window, Partition p, FrameState *frame);

static Status aggregate_partition(Window *window, uint32_t call, Partition p)
{
    const PhysWindowCall *spec = &window->node->window.calls[call];
    const AggKernel *kernel = spec->binding->aggregate;
    AggContext context = {spec->binding, window->exec->session, &window->scratch, window->exec->diag};
    uint8_t *state = arena_alloc_zero(&window->scratch, kernel->state_bytes + 16);
    vector_init(&window->one, &window->scratch, window->results[call].type, 1);
    FrameState frame = {.call = call, .context = &context, .state = state};
    if (kernel->init != NULL)
        kernel->init(&context, state);
    Status status = slide_state(window, p, &frame);
    if (kernel->destroy != NULL)
        kernel->destroy(&context, state);
    mem_free(frame.seen.slots);
    return status;
}

static Status slide_state(Window *window, Partition p, FrameState *frame)
{
    uint32_t call = frame->call;
    const PhysWindowCall *spec = &window->node->window.calls[call];
    bool grows = spec->frame_start == 0;
    uint32_t taken = p.begin; /* the state holds taken .. fed-1 */
    uint32_t fed = p.begin;
    for (uint32_t i = p.begin; i < p.end;) {
        uint32_t first, end, same = i + 1;
        frame_of(window, spec, p, i, &first, &end);
        if (!grows) {
            bool slides = spec->binding->aggregate->retract != NULL && !spec->is_distinct && first >= taken && first < fed && end >= fed;
            if (slides) {
                TRY(feed(window, frame, taken, first, FEED_RETRACT));
                TRY(feed(window, frame, fed, end, FEED_ADD));
            } else {
                clear_state(spec->binding->aggregate, frame->context, frame->state);
                forget_rows(&frame->seen);
                TRY(feed(window, frame, first, end, FEED_ADD));
            }
            taken = first;
            fed = MAX(end, first);
        } else if (end > fed) {
            TRY(feed(window, frame, fed, end, FEED_ADD));
            fed = end;
        }
        if (grows && end > i + 1 && (!spec->frame_is_rows || spec->frame_end == 4))
            same = end; /* peers share the result */
        TRY(finish_state(window, call, frame->context, frame->state, i, same));
        i = same;
        if (++window->steps % CHECK_STEPS == 0)
            TRY(exec_check(window->exec));
    }
    return OK;
}

static Status compute_call(Window *window, uint32_t call, Partition p)
{
    const PhysWindowCall *spec = &window->node->window.calls[call];
    const char *name = spec->binding->def->name;
    arena_reset(&window->scratch);
    if (spec->binding->def->kind == FUNC_AGGREGATE)
        return aggregate_partition(window, call, p);
    if (strcmp(name, "ntile") == 0)
        ntile_partition(window, call, p);
    else if (strcmp(name, "session_number") == 0)
        session_partition(window, call, p);
    else if (strcmp(name, "cume_dist") == 0)
        cume_dist_partition(window, call, p);
    else if (strcmp(name, "lead") == 0 || strcmp(name, "lag") == 0)
        shift_partition(window, call, p, name[1] == 'e');
    else if (strcmp(name, "first_value") == 0 || strcmp(name, "last_value") == 0)
        edge_partition(window, call, p, name[0] == 'f');
    else
        rank_partition(window, call, p, name);
    return OK;
}

/* Partitions that begin in rows first .. end-1. */
static Status compute_rows(Window *window, uint32_t first, uint32_t end)
{
    uint32_t rows = (uint32_t)window->store->row_count;
    uint32_t partition_keys = window->node->window.partition_count;
    uint32_t begin = first;
    while (begin > 0 && begin < end && same_keys(window, window->order[begin - 1], window->order[begin], 0, partition_keys))
        begin++;
    while (begin < end) {
        uint32_t last = begin + 1;
        while (last < rows && same_keys(window, window->order[begin], window->order[last], 0, partition_keys))
            last++;
        for (uint32_t c = 0; c < window->node->window.call_count; c++)
            TRY(compute_call(window, c, (Partition){begin, last}));
        begin = last;
        if (++window->steps % CHECK_STEPS == 0)
            TRY(exec_check(window->exec));
    }
    return OK;
}

/* With state of its own beside what all share. */
static Status compute_worker(void *context, uint32_t number)
{
    Window *window = context;
    Window own = *window;
    Status status = OK;
    arena_init(&own.scratch, node_memory(window->exec, window->node));
    own.results_arena = &window->workers[number].results;
    while (status == OK) {
        uint32_t rows = (uint32_t)window->store->row_count, first = atomic_fetch_add(&window->next_row, WORK_ROWS);
        if (first >= rows)
            break;
        status = compute_rows(&own, first, MIN(rows - first, (uint32_t)WORK_ROWS) + first);
    }
    arena_deinit(&own.scratch);
    return status;
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
        for (uint32_t c = 0; c < calls; c++)
            columns[window->child_count + c] = (Vector){.type = window->results[c].type, .form = VECTOR_DICTIONARY,
                                                        .codes = window->order + first, .dictionary = &window->results[c],
                                                        .dict_size = rows};
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
    int64_t bytes = (int64_t)rows * (int64_t)sizeof(uint32_t);
    for (uint32_t c = 0; c < window->node->window.call_count; c++)
        bytes += (int64_t)rows * (phys_width((PhysKind)window->node->window.calls[c].binding->result.phys) + 1);
    TRY(mem_check_room(window->exec->options->memory, bytes, window->exec->diag));
    window->order = mem_alloc((rows + 1) * sizeof(uint32_t));
    TRY(sort_rows(window->exec, node_memory(window->exec, window->node), window->store->columns + window->child_count, window->keys,
                  window->key_count, rows, window->order));
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
    window->order = NULL;
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
    arena_reset(&window->scratch);
    const Vector **pointers = ARENA_NEW_ARRAY(&window->scratch, const Vector *, chunk->column_count + 1);
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
    arena_deinit(&window->scratch);
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
    arena_init(&window.scratch, node_memory(exec, node));
    open_workers(&window);
    Status status = run_node(exec, node->children[0], &window.consumer);
    if (status == OK)
        status = window.runs.count > 0 ? finish_runs(&window) : finish_in_memory(&window);
    close_window(&window);
    return status;
}
