#include "exec/spill.h"

/* Rows that are computed once and read more often: CTEs, and whatever else has to be complete before it goes on. They are
 * kept as columns, or on disk when they are too many. */

typedef struct StoreSink {
    Consumer consumer;
    ExecContext *exec;
    Mutex lock; /* guards the rest */
    ColumnStore *store;
    const PhysNode *holder; /* accounts for the rows */
    const Type *types;
    SpillStream **stream; /* the rows, when they are too many; NULL: must fit */
} StoreSink;

/* Lock held. */
static Status spill_store(StoreSink *sink)
{
    if (*sink->stream == NULL)
        *sink->stream = spill_stream_new(sink->exec, sink->holder, sink->types, sink->store->column_count);
    TRY(spill_stream_append_store(*sink->stream, sink->store));
    ColumnStore *fresh = column_store_new(node_memory(sink->exec, sink->holder), sink->types, sink->store->column_count);
    column_store_free(sink->store);
    sink->store = fresh;
    return OK;
}

static Status push_store(Consumer *consumer, uint32_t worker, Chunk *chunk)
{
    StoreSink *sink = (StoreSink *)consumer;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    (void)worker;
    const Vector **columns = ARENA_NEW_ARRAY(&arena, const Vector *, MAX(chunk->column_count, 1u));
    for (uint32_t i = 0; i < chunk->column_count; i++)
        columns[i] = &chunk->columns[i];
    LOCK_GUARD(&sink->lock);
    TRY(column_store_append(sink->exec, sink->store, columns, chunk_rows(chunk)));
    if (sink->stream == NULL || sink->store->row_count < SPILL_MIN_ROWS ||
        !spill_wanted(sink->exec, sink->holder, (int64_t)sink->store->arena.total_bytes / sink->exec->worker_count))
        return OK;
    return spill_store(sink);
}

Type *node_types(ExecContext *exec, const PhysNode *node)
{
    Type *types = ARENA_NEW_ARRAY(&exec->arena, Type, MAX(node->column_count, 1u));
    for (uint32_t i = 0; i < node->column_count; i++)
        types[i] = node->columns[i].type;
    return types;
}

Status materialise(ExecContext *exec, const PhysNode *holder, const PhysNode *node, const Type *types, SpillStream **stream,
                   ColumnStore **out)
{
    StoreSink sink = {.consumer = {.push = push_store}, .exec = exec, .holder = holder, .types = types, .stream = stream};
    mutex_init(&sink.lock);
    sink.store = column_store_new(node_memory(exec, holder), types, node->column_count);
    Status status = run_node(exec, node, &sink.consumer);
    if (status == OK && stream != NULL && *stream != NULL)
        status = spill_store(&sink);
    if (status == OK && stream != NULL && *stream != NULL)
        status = spill_stream_finish(*stream);
    *out = sink.store;
    mutex_deinit(&sink.lock);
    return status;
}

Status run_cte_anchor(ExecContext *exec, const PhysNode *node, Consumer *consumer)
{
    for (uint32_t i = 1; i < node->child_count; i++) {
        uint32_t id = node->cte_anchor.cte_ids[i - 1];
        TRY(materialise(exec, node, node->children[i], node_types(exec, node->children[i]), &exec->cte_streams[id], &exec->ctes[id]));
    }
    return run_node(exec, node->children[0], consumer);
}

static Status emit_stream(ExecContext *exec, const PhysNode *node, const uint32_t *outputs, SpillStream *stream, Consumer *consumer)
{
    AUTO_ARENA arena;
    SpillReader *reader;
    arena_init(&arena, NULL);
    Vector *columns = ARENA_NEW_ARRAY(&arena, Vector, MAX(node->column_count, 1u));
    TRY(spill_reader_open(stream, SPILL_READ_ROWS, &reader));
    Status status = OK;
    while (consumer->is_full == NULL || !consumer->is_full(consumer)) {
        Chunk *chunk;
        status = spill_reader_next(reader, &chunk);
        if (status != OK || chunk == NULL)
            break;
        for (uint32_t i = 0; i < node->column_count; i++)
            columns[i] = outputs == NULL ? chunk->columns[i] : chunk->columns[outputs[i]];
        Chunk out = {.columns = columns, .column_count = node->column_count, .row_count = chunk->row_count};
        profile_rows(exec, node, out.row_count);
        status = consumer->push(consumer, 0, &out);
        if (status != OK)
            break;
    }
    spill_reader_close(reader);
    return status;
}

/* A store's chunks in the order in which workers take them. */
typedef struct ParallelEmit {
    ExecContext *exec;
    const PhysNode *node;
    const ColumnStore *store;
    Consumer *consumer;
    _Atomic uint64_t next_row;
} ParallelEmit;

enum { PARALLEL_EMIT_ROWS = 8 * CHUNK_ROWS }; /* fewer keep their order */

static Status emit_worker(void *context, uint32_t worker)
{
    ParallelEmit *emit = context;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    Vector *columns = ARENA_NEW_ARRAY(&arena, Vector, MAX(emit->store->column_count, 1u));
    while (emit->consumer->is_full == NULL || !emit->consumer->is_full(emit->consumer)) {
        uint64_t first = atomic_fetch_add(&emit->next_row, CHUNK_ROWS);
        Chunk chunk;
        if (first >= emit->store->row_count)
            return OK;
        TRY(exec_check(emit->exec));
        column_store_slice(emit->store, first, (uint32_t)MIN(emit->store->row_count - first, (uint64_t)CHUNK_ROWS), columns, &chunk);
        profile_rows(emit->exec, emit->node, chunk.row_count);
        TRY(emit->consumer->push(emit->consumer, worker, &chunk));
    }
    return OK;
}

Status emit_kept(ExecContext *exec, const PhysNode *node, const uint32_t *outputs, const ColumnStore *store, SpillStream *stream,
                 Consumer *consumer)
{
    if (stream != NULL)
        return emit_stream(exec, node, outputs, stream, consumer);
    ColumnStore view = *store;
    view.column_count = node->column_count;
    view.columns = ARENA_NEW_ARRAY(&exec->arena, Vector, MAX(node->column_count, 1u));
    for (uint32_t i = 0; i < node->column_count; i++)
        view.columns[i] = store->columns[outputs == NULL ? i : outputs[i]];
    ParallelEmit emit = {exec, node, &view, consumer, 0};
    return store->row_count > PARALLEL_EMIT_ROWS ? exec_parallel(exec, emit_worker, &emit) : emit_worker(&emit, 0);
}

Status run_cte_scan(ExecContext *exec, const PhysNode *node, Consumer *consumer)
{
    uint32_t id = node->cte_scan.cte_id;
    return emit_kept(exec, node, node->cte_scan.outputs, exec->ctes[id], exec->cte_streams[id], consumer);
}
