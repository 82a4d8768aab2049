#include "exec/sort_spill.h"

#include "exec/sort_rows.h"

/* The merge keeps one batch of each run in memory and a heap of the runs by their first row. Where there are
 * more runs than memory for batches, groups of them are merged into longer ones first. Merged rows are
 * copied column by column whenever a batch runs out or the output is full. */

enum { BATCH_BYTES = 256 * 1024, MIN_FAN_IN = 4, MAX_FAN_IN = 128, OUT_ROWS = SPILL_READ_ROWS };

void sort_runs_init(SortRuns *runs)
{
    mutex_init(&runs->lock);
}

void sort_runs_close(SortRuns *runs)
{
    spill_free_all(runs->runs, runs->count);
    mem_free(runs->runs);
    mutex_deinit(&runs->lock);
}

static void keep_run(SortRuns *runs, SpillStream *run)
{
    LOCK_GUARD(&runs->lock);
    if (runs->count == runs->capacity) {
        runs->capacity = MAX(runs->capacity * 2, 16u);
        runs->runs = mem_realloc(runs->runs, runs->capacity * sizeof(*runs->runs));
    }
    runs->runs[runs->count++] = run;
}

static Status write_sorted(const SortRuns *runs, const ColumnStore *store, const uint32_t *indices, SpillStream *run)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    uint64_t rows = MIN(store->row_count, runs->keep);
    Vector *columns = ARENA_NEW_ARRAY(&arena, Vector, store->column_count + 1);
    const Vector **pointers = ARENA_NEW_ARRAY(&arena, const Vector *, store->column_count + 1);
    for (uint32_t c = 0; c < store->column_count; c++)
        pointers[c] = &columns[c];
    for (uint64_t first = 0; first < rows; first += CHUNK_ROWS) {
        Chunk chunk;
        TRY(exec_check(runs->exec));
        column_store_pick(store, indices + first, (uint32_t)MIN(rows - first, (uint64_t)CHUNK_ROWS), columns, &chunk);
        TRY(spill_stream_append(run, pointers, chunk_rows(&chunk)));
    }
    return spill_stream_finish(run);
}

Status sort_runs_add(SortRuns *runs, const ColumnStore *store)
{
    AUTO_BUFFER buffer = {0};
    uint32_t rows = (uint32_t)store->row_count;
    if (rows == 0)
        return OK;
    TRY(buffer_alloc(&buffer, node_memory(runs->exec, runs->node), rows * sizeof(uint32_t), runs->exec->diag));
    uint32_t *indices = (uint32_t *)(void *)buffer.data;
    TRY(sort_rows(NULL, node_memory(runs->exec, runs->node), store->columns + runs->key_at, runs->keys, runs->key_count, rows, indices));
    SpillStream *run = spill_stream_new(runs->exec, runs->node, runs->types, runs->column_count);
    keep_run(runs, run);
    return write_sorted(runs, store, indices, run);
}

/* ---- merge ---- */

typedef struct MergeInput {
    SpillReader *reader;
    Chunk *chunk; /* NULL: at its end */
    uint32_t row;
} MergeInput;

typedef struct Merge {
    const SortRuns *runs;
    MergeInput *inputs;
    uint32_t input_count;
    uint32_t *heap; /* input numbers; the first row of heap[0] comes next */
    uint32_t heap_count;
    Arena arena;
    Arena heap_strings; /* long strings of the output */
    Chunk out;
    MergeInput *picks;  /* rows of the output that are not copied yet; reader is not used */
    uint32_t pick_count;
} Merge;

static bool comes_before(const Merge *merge, uint32_t a, uint32_t b)
{
    const MergeInput *x = &merge->inputs[a];
    const MergeInput *y = &merge->inputs[b];
    uint32_t key_at = merge->runs->key_at;
    int order = compare_rows_of(x->chunk->columns + key_at, x->row, y->chunk->columns + key_at, y->row, merge->runs->keys,
                                merge->runs->key_count);
    return order != 0 ? order < 0 : a < b;
}

static void sift_down(Merge *merge, uint32_t at)
{
    for (;;) {
        uint32_t best = at;
        for (uint32_t child = at * 2 + 1; child <= at * 2 + 2 && child < merge->heap_count; child++) {
            if (comes_before(merge, merge->heap[child], merge->heap[best]))
                best = child;
        }
        if (best == at)
            return;
        uint32_t swap = merge->heap[at];
        merge->heap[at] = merge->heap[best];
        merge->heap[best] = swap;
        at = best;
    }
}

#define COPY_PICKS(T)                                                                                        \
    for (uint32_t i = 0; i < merge->pick_count; i++)                                                         \
        ((T *)out->data)[first + i] = ((const T *)merge->picks[i].chunk->columns[column].data)[merge->picks[i].row];

static void copy_column(Merge *merge, uint32_t column, uint32_t first)
{
    Vector *out = &merge->out.columns[column];
    for (uint32_t i = 0; i < merge->pick_count; i++) {
        const Vector *source = &merge->picks[i].chunk->columns[column];
        bool is_null = source->nulls != NULL && source->nulls[merge->picks[i].row] != 0;
        if (is_null || out->nulls != NULL)
            vector_nulls(out)[first + i] = is_null;
    }
    switch ((PhysKind)out->type.phys) {
    case PHYS_BOOL:
    case PHYS_I8:
        COPY_PICKS(uint8_t)
        return;
    case PHYS_I16:
        COPY_PICKS(uint16_t)
        return;
    case PHYS_I32:
    case PHYS_F32:
        COPY_PICKS(uint32_t)
        return;
    case PHYS_I64:
    case PHYS_F64:
        COPY_PICKS(uint64_t)
        return;
    case PHYS_I128:
        COPY_PICKS(UInt128)
        return;
    case PHYS_STR:
        for (uint32_t i = 0; i < merge->pick_count; i++)
            ((Str *)out->data)[first + i] =
                str_copy(&merge->heap_strings, &((const Str *)merge->picks[i].chunk->columns[column].data)[merge->picks[i].row]);
        return;
    default:
        for (uint32_t i = 0; i < merge->pick_count; i++) {
            Datum value = vector_get(&merge->picks[i].chunk->columns[column], merge->picks[i].row, &merge->heap_strings);
            Datum copy = value.is_null ? value : datum_copy(&merge->heap_strings, out->type, &value);
            vector_put(out, &merge->heap_strings, first + i, &copy);
        }
        return;
    }
}

static void copy_picks(Merge *merge)
{
    for (uint32_t c = 0; c < merge->out.column_count && merge->pick_count > 0; c++)
        copy_column(merge, c, merge->out.row_count);
    merge->out.row_count += merge->pick_count;
    merge->pick_count = 0;
}

static Status open_merge(Merge *merge, const SortRuns *runs, SpillStream **streams, uint32_t count)
{
    *merge = (Merge){.runs = runs, .input_count = count};
    MemTracker *memory = node_memory(runs->exec, runs->node);
    arena_init(&merge->arena, memory);
    arena_init(&merge->heap_strings, memory);
    merge->inputs = ARENA_NEW_ARRAY(&merge->arena, MergeInput, count);
    merge->heap = ARENA_NEW_ARRAY(&merge->arena, uint32_t, count);
    merge->picks = ARENA_NEW_ARRAY(&merge->arena, MergeInput, OUT_ROWS);
    merge->out = (Chunk){.column_count = runs->column_count};
    merge->out.columns = ARENA_NEW_ARRAY(&merge->arena, Vector, runs->column_count);
    for (uint32_t c = 0; c < runs->column_count; c++)
        vector_init(&merge->out.columns[c], &merge->arena, runs->types[c], OUT_ROWS);
    for (uint32_t i = 0; i < count; i++) {
        TRY(spill_reader_open(streams[i], SPILL_BATCH_ROWS, &merge->inputs[i].reader));
        TRY(spill_reader_next(merge->inputs[i].reader, &merge->inputs[i].chunk));
        if (merge->inputs[i].chunk != NULL)
            merge->heap[merge->heap_count++] = i;
    }
    for (uint32_t at = merge->heap_count / 2; at > 0; at--)
        sift_down(merge, at - 1);
    return OK;
}

static void close_merge(Merge *merge)
{
    for (uint32_t i = 0; i < merge->input_count; i++)
        spill_reader_close(merge->inputs[i].reader);
    arena_deinit(&merge->heap_strings);
    arena_deinit(&merge->arena);
}

/* Takes the next row off the heap. */
static Status pick_next(Merge *merge)
{
    MergeInput *input = &merge->inputs[merge->heap[0]];
    merge->picks[merge->pick_count++] = *input;
    input->row++;
    if (input->row == input->chunk->row_count) {
        copy_picks(merge);
        TRY(spill_reader_next(input->reader, &input->chunk));
        input->row = 0;
        if (input->chunk == NULL)
            merge->heap[0] = merge->heap[--merge->heap_count];
    }
    sift_down(merge, 0);
    return OK;
}

static Status run_merge(Merge *merge, SortedRows take, void *context)
{
    bool stop = false;
    uint64_t left = merge->runs->keep;
    while (merge->heap_count > 0 && left > 0 && !stop) {
        chunk_reset(&merge->out);
        arena_reset(&merge->heap_strings);
        while (merge->heap_count > 0 && merge->out.row_count + merge->pick_count < MIN(left, (uint64_t)OUT_ROWS))
            TRY(pick_next(merge));
        copy_picks(merge);
        left -= merge->out.row_count;
        TRY(exec_check(merge->runs->exec));
        TRY(take(context, &merge->out, &stop));
    }
    return OK;
}

static Status merge_streams(const SortRuns *runs, SpillStream **streams, uint32_t count, SortedRows take, void *context)
{
    Merge merge;
    Status status = open_merge(&merge, runs, streams, count);
    if (status == OK)
        status = run_merge(&merge, take, context);
    close_merge(&merge);
    return status;
}

typedef struct MergedRun {
    SpillStream *run;
    const Vector **pointers;
} MergedRun;

static Status append_merged(void *context, Chunk *chunk, bool *out_stop)
{
    MergedRun *merged = context;
    (void)out_stop;
    for (uint32_t c = 0; c < chunk->column_count; c++)
        merged->pointers[c] = &chunk->columns[c];
    return spill_stream_append(merged->run, merged->pointers, chunk_rows(chunk));
}

/* Merges the first count runs into one, which becomes the last. */
static Status merge_some(SortRuns *runs, uint32_t count)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    MergedRun merged = {spill_stream_new(runs->exec, runs->node, runs->types, runs->column_count),
                        ARENA_NEW_ARRAY(&arena, const Vector *, runs->column_count + 1)};
    keep_run(runs, merged.run);
    TRY(merge_streams(runs, runs->runs, count, append_merged, &merged));
    TRY(spill_stream_finish(merged.run));
    spill_free_all(runs->runs, count);
    runs->count -= count;
    memmove(runs->runs, runs->runs + count, runs->count * sizeof(*runs->runs));
    return OK;
}

static uint32_t fan_in(const SortRuns *runs)
{
    int64_t memory = spill_allowance(runs->exec, runs->node);
    return (uint32_t)MIN(MAX(memory / BATCH_BYTES, (int64_t)MIN_FAN_IN), (int64_t)MAX_FAN_IN);
}

Status sort_runs_merge(SortRuns *runs, SortedRows take, void *context)
{
    uint32_t most = fan_in(runs);
    while (runs->count > most)
        TRY(merge_some(runs, MIN(most, runs->count - most + 1)));
    return merge_streams(runs, runs->runs, runs->count, take, context);
}
