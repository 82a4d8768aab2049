#include "exec/sort_rows.h"
#include "exec/sort_spill.h"

/* Sort and top-N. Rows are kept with their keys as columns; an index is sorted and the rows leave as
 * dictionary vectors in its order. With a limit each worker throws away what can't be among the first rows
 * whenever it has collected four times as many, and from then on does not take what comes behind the last of them. */

enum { TOPN_SLACK = 4, TOPN_MIN_ROWS = 16384 };

typedef struct SortWorker {
    ColumnStore *store; /* child columns, then keys */
    Evaluator *keys;
    Arena scratch;
    bool has_bound;
    uint64_t bound; /* code of the first key: as many rows as are needed do not come behind it */
} SortWorker;

typedef struct Sort {
    Consumer consumer;
    ExecContext *exec;
    const PhysNode *node;
    uint32_t column_count;
    Type *types;
    SortWorker *workers;
    uint64_t keep; /* rows that may be needed; UINT64_MAX: all */
    SortRuns runs; /* none: all rows are in memory */
} Sort;

/* exec: by all workers; NULL: by this thread. */
static Status sorted_rows(const Sort *sort, ExecContext *exec, const ColumnStore *store, uint32_t **out)
{
    *out = mem_alloc((store->row_count + 1) * sizeof(uint32_t));
    return sort_rows(exec, node_memory(sort->exec, sort->node), store->columns + sort->column_count, sort->node->sort.keys,
                     sort->node->sort.count, (uint32_t)store->row_count, *out);
}

static void set_bound(const Sort *sort, SortWorker *worker)
{
    Vector last = worker->store->columns[sort->column_count];
    vector_advance(&last, (uint32_t)worker->store->row_count - 1);
    sort_codes(&last, &sort->node->sort.keys[0], (Rows){NULL, 1}, &worker->bound);
    worker->has_bound = true;
}

/* Of the rows those that may be needed. */
static Rows within_bound(const Sort *sort, SortWorker *worker, const Vector *key, Rows rows)
{
    uint64_t *codes = arena_alloc(&worker->scratch, CHUNK_ROWS * sizeof(*codes));
    uint16_t *sel = arena_alloc(&worker->scratch, CHUNK_ROWS * sizeof(*sel));
    uint32_t kept = 0;
    sort_codes(key, &sort->node->sort.keys[0], rows, codes);
    for (FOR_ROWS(rows, i, row)) {
        sel[kept] = (uint16_t)row;
        kept += codes[row] <= worker->bound;
    }
    return (Rows){sel, kept};
}

static Status shrink(Sort *sort, SortWorker *worker)
{
    uint32_t *indices;
    Status status = sorted_rows(sort, NULL, worker->store, &indices);
    uint32_t keep = (uint32_t)MIN(sort->keep, worker->store->row_count);
    uint32_t columns = worker->store->column_count;
    ColumnStore *fresh = column_store_new(node_memory(sort->exec, sort->node), sort->types, columns);
    Vector *vectors = mem_alloc_zero(sizeof(Vector) * (columns + 1));
    const Vector **pointers = mem_alloc_zero(sizeof(Vector *) * (columns + 1));
    for (uint32_t first = 0; first < keep && status == OK; first += CHUNK_ROWS) {
        Chunk chunk;
        column_store_pick(worker->store, indices + first, MIN(keep - first, (uint32_t)CHUNK_ROWS), vectors, &chunk);
        for (uint32_t c = 0; c < columns; c++)
            pointers[c] = &vectors[c];
        status = column_store_append(sort->exec, fresh, pointers, chunk_rows(&chunk));
    }
    mem_free(vectors);
    mem_free(pointers);
    mem_free(indices);
    column_store_free(worker->store);
    worker->store = fresh;
    if (status == OK && keep == sort->keep && keep > 0)
        set_bound(sort, worker);
    return status;
}

/* Later the rows of all workers are gathered in one store. */
static int64_t store_bytes(const ColumnStore *store)
{
    return store->row_count < SPILL_MIN_ROWS ? 0 : 2 * (int64_t)store->arena.total_bytes;
}

/* A store of a top-N is made small first; that may be enough. */
static Status spill_rows(Sort *sort, SortWorker *worker)
{
    if (sort->keep < worker->store->row_count / 2) {
        TRY(shrink(sort, worker));
        if (!spill_wanted(sort->exec, sort->node, store_bytes(worker->store)))
            return OK;
    }
    TRY(sort_runs_add(&sort->runs, worker->store));
    ColumnStore *fresh = column_store_new(node_memory(sort->exec, sort->node), sort->types, worker->store->column_count);
    column_store_free(worker->store);
    worker->store = fresh;
    return OK;
}

static Status push_sort(Consumer *consumer, uint32_t number, Chunk *chunk)
{
    Sort *sort = (Sort *)consumer;
    SortWorker *worker = &sort->workers[number];
    const PhysNode *node = sort->node;
    if (worker->keys == NULL) {
        const Expr **exprs = ARENA_NEW_ARRAY(&worker->scratch, const Expr *, MAX(node->sort.count, 1u));
        for (uint32_t k = 0; k < node->sort.count; k++)
            exprs[k] = node->sort.keys[k].expr;
        TRY(evaluator_open(exprs, node->sort.count, sort->exec->session, sort->exec->options->memory, sort->exec->diag,
                           &worker->keys));
    }
    arena_reset(&worker->scratch);
    const Vector **all = ARENA_NEW_ARRAY(&worker->scratch, const Vector *, sort->column_count + node->sort.count + 1);
    TRY(evaluator_run(worker->keys, chunk, all + sort->column_count));
    for (uint32_t i = 0; i < sort->column_count; i++)
        all[i] = &chunk->columns[i];
    Rows rows = chunk_rows(chunk);
    if (worker->has_bound)
        rows = within_bound(sort, worker, all[sort->column_count], rows);
    if (rows.count == 0)
        return OK;
    TRY(column_store_append(sort->exec, worker->store, all, rows));
    bool too_many = sort->keep != UINT64_MAX && worker->store->row_count > MAX(sort->keep * TOPN_SLACK, (uint64_t)TOPN_MIN_ROWS);
    if (too_many)
        TRY(shrink(sort, worker));
    return spill_wanted(sort->exec, node, store_bytes(worker->store)) ? spill_rows(sort, worker) : OK;
}

static Status emit_sorted(Sort *sort, const ColumnStore *store, Consumer *next)
{
    const PhysNode *node = sort->node;
    uint32_t *indices;
    Status status = sorted_rows(sort, sort->exec, store, &indices);
    uint64_t first = (uint64_t)MAX(node->sort.offset, 0);
    uint64_t end = node->sort.limit < 0 ? store->row_count : MIN(store->row_count, first + (uint64_t)node->sort.limit);
    Vector *columns = mem_alloc_zero(sizeof(Vector) * (store->column_count + 1));
    for (; first < end && status == OK; first += CHUNK_ROWS) {
        Chunk chunk;
        column_store_pick(store, indices + first, (uint32_t)MIN(end - first, (uint64_t)CHUNK_ROWS), columns, &chunk);
        chunk.column_count = sort->column_count;
        status = exec_check(sort->exec);
        if (next->is_full != NULL && next->is_full(next))
            break;
        profile_rows(sort->exec, node, chunk.row_count);
        if (status == OK)
            status = next->push(next, 0, &chunk);
    }
    mem_free(columns);
    mem_free(indices);
    return status;
}

typedef struct SortedOutput {
    Sort *sort;
    Consumer *next;
    uint64_t skip;
} SortedOutput;

static Status take_sorted(void *context, Chunk *chunk, bool *out_stop)
{
    SortedOutput *output = context;
    uint16_t sel[CHUNK_ROWS];
    uint32_t skipped = (uint32_t)MIN(output->skip, (uint64_t)chunk->row_count);
    output->skip -= skipped;
    Chunk out = *chunk;
    out.column_count = output->sort->column_count;
    out.selected = chunk->row_count - skipped;
    for (uint32_t i = 0; i < out.selected; i++)
        sel[i] = (uint16_t)(skipped + i);
    out.sel = skipped == 0 ? NULL : sel;
    *out_stop = output->next->is_full != NULL && output->next->is_full(output->next);
    if (out.selected == 0 || *out_stop)
        return OK;
    profile_rows(output->sort->exec, output->sort->node, out.selected);
    return output->next->push(output->next, 0, &out);
}

static Status merge_runs(Sort *sort, Consumer *next)
{
    SortedOutput output = {sort, next, (uint64_t)MAX(sort->node->sort.offset, 0)};
    for (uint32_t w = 0; w < sort->exec->worker_count; w++) {
        TRY(sort_runs_add(&sort->runs, sort->workers[w].store));
        column_store_free(sort->workers[w].store);
        sort->workers[w].store = NULL;
    }
    return sort_runs_merge(&sort->runs, take_sorted, &output);
}

static Status finish_in_memory(Sort *sort, Consumer *next)
{
    for (uint32_t w = 1; w < sort->exec->worker_count; w++)
        TRY(column_store_concat(sort->exec, sort->workers[0].store, &sort->workers[w].store, 1));
    return emit_sorted(sort, sort->workers[0].store, next);
}

Status run_sort(ExecContext *exec, const PhysNode *node, Consumer *consumer)
{
    Sort sort = {.consumer = {.push = push_sort}, .exec = exec, .node = node, .column_count = node->column_count};
    sort.keep = node->sort.limit < 0 ? UINT64_MAX : (uint64_t)node->sort.limit + (uint64_t)MAX(node->sort.offset, 0);
    sort.types = ARENA_NEW_ARRAY(&exec->arena, Type, node->column_count + node->sort.count + 1);
    for (uint32_t i = 0; i < node->column_count; i++)
        sort.types[i] = node->columns[i].type;
    for (uint32_t k = 0; k < node->sort.count; k++)
        sort.types[node->column_count + k] = node->sort.keys[k].expr->type;
    sort.runs = (SortRuns){.exec = exec, .node = node, .types = sort.types, .column_count = node->column_count + node->sort.count,
                           .key_at = node->column_count, .keys = node->sort.keys, .key_count = node->sort.count, .keep = sort.keep};
    sort_runs_init(&sort.runs);
    sort.workers = ARENA_NEW_ARRAY(&exec->arena, SortWorker, exec->worker_count);
    for (uint32_t w = 0; w < exec->worker_count; w++) {
        arena_init(&sort.workers[w].scratch, node_memory(exec, node));
        sort.workers[w].store = column_store_new(node_memory(exec, node), sort.types, node->column_count + node->sort.count);
    }
    Status status = node->sort.limit == 0 ? OK : run_node(exec, node->children[0], &sort.consumer);
    if (status == OK)
        status = sort.runs.count > 0 ? merge_runs(&sort, consumer) : finish_in_memory(&sort, consumer);
    sort_runs_close(&sort.runs);
    for (uint32_t w = 0; w < exec->worker_count; w++) {
        column_store_free(sort.workers[w].store);
        evaluator_close(sort.workers[w].keys);
        arena_deinit(&sort.workers[w].scratch);
    }
    return status;
}
