#include "exec/aggregate_int.h"

/* Aggregation beyond memory. A worker whose tables are too large writes its groups, keys and serialised
 * states, to partitions by hash, and starts again with empty tables; so do the tables of distinct values.
 * At the end the workers take the partitions one by one, merge the groups of a partition in memory and put
 * them out; a partition that is too large is split again with other bits of the hash. Distinct values of a
 * call are split by the hash of group and value where they are too many. */

#include "exec/spill.h"

typedef struct AggregateSpill {
    uint32_t level;
    Type *types;            /* keys, then the states as bytes */
    SpillStream *states[SPILL_FANOUT];
    SpillStream **distinct; /* [call * SPILL_FANOUT + partition]; NULL for others */
    Type **distinct_types;  /* keys, then arguments; a call */
    Arena arena;            /* of the types */
} AggregateSpill;

static uint32_t call_count(const Aggregate *agg)
{
    return agg->node->aggregate.call_count;
}

static uint32_t distinct_columns(const Aggregate *agg, uint32_t call)
{
    return agg->key_count + agg->node->aggregate.calls[call].argument_count;
}

static void fill_types(const Aggregate *agg, AggregateSpill *spill)
{
    spill->types = ARENA_NEW_ARRAY(&spill->arena, Type, agg->key_count + 1);
    memcpy(spill->types, agg->key_types, agg->key_count * sizeof(Type));
    spill->types[agg->key_count] = type_of(TYPE_VARBINARY);
    spill->distinct_types = ARENA_NEW_ARRAY(&spill->arena, Type *, call_count(agg) + 1);
    for (uint32_t c = 0; c < call_count(agg); c++) {
        const PhysAggCall *call = &agg->node->aggregate.calls[c];
        if (!call->is_distinct)
            continue;
        spill->distinct_types[c] = ARENA_NEW_ARRAY(&spill->arena, Type, distinct_columns(agg, c) + 1);
        memcpy(spill->distinct_types[c], agg->key_types, agg->key_count * sizeof(Type));
        for (uint32_t a = 0; a < call->argument_count; a++)
            spill->distinct_types[c][agg->key_count + a] = call->arguments[a]->type;
    }
}

static AggregateSpill *new_spill(const Aggregate *agg, uint32_t level)
{
    AggregateSpill *spill = mem_alloc_zero(sizeof(*spill));
    spill->level = level;
    arena_init(&spill->arena, agg->memory);
    fill_types(agg, spill);
    spill->distinct = ARENA_NEW_ARRAY(&spill->arena, SpillStream *, call_count(agg) * SPILL_FANOUT + 1);
    for (uint32_t p = 0; p < SPILL_FANOUT; p++) {
        spill->states[p] = spill_stream_new(agg->exec, agg->node, spill->types, agg->key_count + 1);
        for (uint32_t c = 0; c < call_count(agg); c++) {
            if (agg->node->aggregate.calls[c].is_distinct)
                spill->distinct[c * SPILL_FANOUT + p] =
                    spill_stream_new(agg->exec, agg->node, spill->distinct_types[c], distinct_columns(agg, c));
        }
    }
    return spill;
}

static void free_spill(const Aggregate *agg, AggregateSpill *spill)
{
    if (spill == NULL)
        return;
    spill_free_all(spill->states, SPILL_FANOUT);
    spill_free_all(spill->distinct, call_count(agg) * SPILL_FANOUT);
    arena_deinit(&spill->arena);
    mem_free(spill);
}

static Status finish_streams(const Aggregate *agg, AggregateSpill *spill)
{
    for (uint32_t p = 0; p < SPILL_FANOUT; p++)
        TRY(spill_stream_finish(spill->states[p]));
    for (uint32_t i = 0; i < call_count(agg) * SPILL_FANOUT; i++) {
        if (spill->distinct[i] != NULL)
            TRY(spill_stream_finish(spill->distinct[i]));
    }
    return OK;
}

/* ---- what a worker holds ---- */

static int64_t table_bytes(const GroupTable *table)
{
    int64_t slots = table->slots == NULL ? 0 : (int64_t)table->mask + 1;
    return (int64_t)table->keys->arena.total_bytes + (int64_t)table->capacity * (table->row_bytes + 8) + slots * 8;
}

int64_t aggregate_worker_bytes(const Aggregate *agg, const AggWorker *worker)
{
    int64_t bytes = (int64_t)worker->states.total_bytes;
    uint32_t groups = 0;
    for (uint32_t p = 0; p < agg->partitions; p++) {
        groups += worker->tables[p].count;
        bytes += table_bytes(&worker->tables[p]);
        for (uint32_t c = 0; c < call_count(agg); c++) {
            if (worker->distinct[c] == NULL)
                continue;
            groups += worker->distinct[c][p].count;
            bytes += table_bytes(&worker->distinct[c][p]);
        }
    }
    return groups < SPILL_MIN_ROWS ? 0 : bytes;
}

/* ---- writing ---- */

static void write_states(const Aggregate *agg, AggWorker *worker, uint8_t *const *groups, uint32_t count, ByteBuf *bytes,
                         Vector *out)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    size_t *ends = ARENA_NEW_ARRAY(&arena, size_t, CHUNK_ROWS);
    bytebuf_clear(bytes);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t c = 0; c < call_count(agg); c++) {
            const AggKernel *kernel = agg->node->aggregate.calls[c].binding->aggregate;
            const uint8_t *state = groups[i] + agg->offsets[c];
            if (kernel->serialize != NULL)
                kernel->serialize(&worker->contexts[c], state, bytes);
            else
                bytebuf_append(bytes, state, kernel->state_bytes);
        }
        ends[i] = bytes->length;
    }
    for (uint32_t i = 0; i < count; i++) {
        size_t begin = i == 0 ? 0 : ends[i - 1];
        ((Str *)out->data)[i] = str_make(bytes->data + begin, ends[i] - begin);
    }
}

static Status spill_groups(Aggregate *agg, AggWorker *worker, AggregateSpill *spill, const GroupTable *table)
{
    AUTO_ARENA arena;
    AUTO_BYTEBUF bytes = {0};
    arena_init(&arena, agg->memory);
    Vector *columns = ARENA_NEW_ARRAY(&arena, Vector, agg->key_count + 1);
    const Vector **pointers = ARENA_NEW_ARRAY(&arena, const Vector *, agg->key_count + 1);
    uint8_t **groups = ARENA_NEW_ARRAY(&arena, uint8_t *, CHUNK_ROWS);
    Vector states;
    vector_init(&states, &arena, type_of(TYPE_VARBINARY), CHUNK_ROWS);
    for (uint32_t first = 0; first < table->count; first += CHUNK_ROWS) {
        Chunk chunk;
        uint32_t count = MIN(table->count - first, (uint32_t)CHUNK_ROWS);
        column_store_slice(table->keys, first, count, columns, &chunk);
        for (uint32_t k = 0; k < agg->key_count; k++)
            pointers[k] = &columns[k];
        for (uint32_t i = 0; i < count; i++)
            groups[i] = table->states + (size_t)(first + i) * table->row_bytes;
        write_states(agg, worker, groups, count, &bytes, &states);
        pointers[agg->key_count] = &states;
        TRY(exec_check(agg->exec));
        TRY(spill_split(spill->states, pointers, (Rows){NULL, count}, table->hashes + first, spill->level));
    }
    return OK;
}

static Status spill_distinct(Aggregate *agg, AggregateSpill *spill, uint32_t call, const GroupTable *table)
{
    AUTO_ARENA arena;
    arena_init(&arena, agg->memory);
    uint32_t column_count = distinct_columns(agg, call);
    Vector *columns = ARENA_NEW_ARRAY(&arena, Vector, column_count + 1);
    const Vector **pointers = ARENA_NEW_ARRAY(&arena, const Vector *, column_count + 1);
    uint64_t *hashes = ARENA_NEW_ARRAY(&arena, uint64_t, CHUNK_ROWS);
    for (uint32_t first = 0; first < table->count; first += CHUNK_ROWS) {
        Chunk chunk;
        Rows rows = {NULL, MIN(table->count - first, (uint32_t)CHUNK_ROWS)};
        column_store_slice(table->keys, first, rows.count, columns, &chunk);
        for (uint32_t k = 0; k < column_count; k++)
            pointers[k] = &columns[k];
        hash_keys(pointers, agg->key_count, rows, hashes);
        TRY(exec_check(agg->exec));
        TRY(spill_split(spill->distinct + call * SPILL_FANOUT, pointers, rows, hashes, spill->level));
    }
    return OK;
}

static void renew_table(Aggregate *agg, GroupTable *table, const Type *types, uint32_t count)
{
    uint32_t row_bytes = table->row_bytes;
    group_table_free(agg, table);
    group_table_init(agg, table, types, count, row_bytes);
}

/* Writes all tables of a worker and empties them. */
static Status spill_tables(Aggregate *agg, AggWorker *worker, AggregateSpill *spill, uint32_t partitions)
{
    for (uint32_t p = 0; p < partitions; p++) {
        TRY(spill_groups(agg, worker, spill, &worker->tables[p]));
        renew_table(agg, &worker->tables[p], agg->key_types, agg->key_count);
        for (uint32_t c = 0; c < call_count(agg); c++) {
            if (worker->distinct[c] == NULL)
                continue;
            TRY(spill_distinct(agg, spill, c, &worker->distinct[c][p]));
            renew_table(agg, &worker->distinct[c][p], spill->distinct_types[c], distinct_columns(agg, c));
        }
    }
    arena_deinit(&worker->states);
    arena_init(&worker->states, agg->memory);
    return OK;
}

Status aggregate_spill_worker(Aggregate *agg, AggWorker *worker)
{
    mutex_lock(&agg->spill_lock);
    if (agg->spill == NULL)
        agg->spill = new_spill(agg, 0);
    mutex_unlock(&agg->spill_lock);
    return spill_tables(agg, worker, agg->spill, agg->partitions);
}

/* ---- reading back ---- */

/* A worker of its own for one partition: one table, private contexts. */
typedef struct PartitionRun {
    Aggregate *agg;
    uint32_t number;
    AggWorker worker;
    AggregateSpill *finer; /* the partition was too large; NULL */
    Arena arena;           /* small things of the run */
} PartitionRun;

static void open_run(Aggregate *agg, const AggregateSpill *spill, uint32_t number, PartitionRun *run)
{
    *run = (PartitionRun){.agg = agg, .number = number};
    arena_init(&run->arena, agg->memory);
    AggWorker *worker = &run->worker;
    arena_init(&worker->scratch, agg->memory);
    arena_init(&worker->states, agg->memory);
    worker->lookup = group_lookup_new(&run->arena);
    worker->tables = ARENA_NEW(&run->arena, GroupTable);
    worker->contexts = ARENA_NEW_ARRAY(&run->arena, AggContext, call_count(agg) + 1);
    worker->distinct = ARENA_NEW_ARRAY(&run->arena, GroupTable *, call_count(agg) + 1);
    group_table_init(agg, worker->tables, spill->types, agg->key_count, agg->row_bytes);
    for (uint32_t c = 0; c < call_count(agg); c++)
        worker->contexts[c] =
            (AggContext){agg->node->aggregate.calls[c].binding, agg->exec->session, &worker->states, agg->exec->diag};
}

static void close_run(PartitionRun *run)
{
    group_table_free(run->agg, run->worker.tables);
    free_spill(run->agg, run->finer);
    arena_deinit(&run->worker.scratch);
    arena_deinit(&run->worker.states);
    arena_deinit(&run->arena);
}

static Status read_states(PartitionRun *run, const Str *bytes, uint8_t *row)
{
    Aggregate *agg = run->agg;
    ByteReader reader = byte_reader(str_data(bytes), bytes->length);
    memset(row, 0, agg->row_bytes);
    aggregate_init_states(agg, &run->worker, row);
    for (uint32_t c = 0; c < call_count(agg); c++) {
        const AggKernel *kernel = agg->node->aggregate.calls[c].binding->aggregate;
        uint8_t *state = row + agg->offsets[c];
        if (kernel->serialize != NULL) {
            TRY(kernel->deserialize(&run->worker.contexts[c], &reader, state));
            continue;
        }
        StrView plain = byte_reader_bytes(&reader, kernel->state_bytes);
        if (!reader.failed)
            memcpy(state, plain.data, plain.length);
    }
    return reader.failed ? RAISE(agg->exec->diag, CORRUPT, "a spilled aggregate state is damaged") : OK;
}

/* Merges a chunk of spilled groups into the run's table. */
static Status take_groups(PartitionRun *run, const Chunk *chunk)
{
    Aggregate *agg = run->agg;
    Arena *arena = &run->worker.scratch;
    GroupTable *table = run->worker.tables;
    Rows rows = chunk_rows(chunk);
    arena_reset(arena);
    const Vector **keys = ARENA_NEW_ARRAY(arena, const Vector *, agg->key_count + 1);
    uint64_t *hashes = ARENA_NEW_ARRAY(arena, uint64_t, rows.count);
    uint32_t *ids = ARENA_NEW_ARRAY(arena, uint32_t, rows.count);
    uint8_t **sources = ARENA_NEW_ARRAY(arena, uint8_t *, rows.count);
    uint8_t **targets = ARENA_NEW_ARRAY(arena, uint8_t *, rows.count);
    uint8_t *states = arena_alloc_aligned(arena, (size_t)rows.count * agg->row_bytes, 64);
    for (uint32_t k = 0; k < agg->key_count; k++)
        keys[k] = &chunk->columns[k];
    hash_keys(keys, agg->key_count, rows, hashes);
    TRY(aggregate_find_groups(agg, &run->worker, table, keys, agg->key_count, rows, hashes, ids));
    for (uint32_t i = 0; i < rows.count; i++) {
        sources[i] = states + (size_t)i * agg->row_bytes;
        targets[i] = table->states + (size_t)ids[i] * table->row_bytes;
        TRY(read_states(run, &((const Str *)chunk->columns[agg->key_count].data)[i], sources[i]));
    }
    Status status = OK;
    for (uint32_t c = 0; c < call_count(agg) && status == OK; c++)
        status = agg->node->aggregate.calls[c].binding->aggregate->merge(&run->worker.contexts[c], sources, targets, rows.count,
                                                                         agg->offsets[c]);
    aggregate_destroy_states(agg, sources, rows.count);
    return status;
}

static bool run_is_full(const PartitionRun *run, uint32_t level)
{
    const GroupTable *table = run->worker.tables;
    int64_t bytes = table_bytes(table) + (int64_t)run->worker.states.total_bytes;
    return level < SPILL_MAX_LEVEL && run->agg->key_count > 0 && table->count > SPILL_MIN_ROWS &&
           spill_wanted(run->agg->exec, run->agg->node, bytes);
}

static Status load_groups(PartitionRun *run, const AggregateSpill *spill, uint32_t partition)
{
    Aggregate *agg = run->agg;
    SpillReader *reader;
    TRY(spill_reader_open(spill->states[partition], SPILL_READ_ROWS, &reader));
    Status status = OK;
    for (;;) {
        Chunk *chunk;
        status = spill_reader_next(reader, &chunk);
        if (status != OK || chunk == NULL)
            break;
        status = take_groups(run, chunk);
        if (status == OK && run_is_full(run, spill->level)) {
            if (run->finer == NULL)
                run->finer = new_spill(agg, spill->level + 1);
            status = spill_tables(agg, &run->worker, run->finer, 1);
        }
        if (status != OK)
            break;
    }
    spill_reader_close(reader);
    return status;
}

/* ---- distinct values ---- */

/* Calls fn for each chunk of the stream with column pointers and the hashes of the first columns. */
typedef Status (*TakeRows)(PartitionRun *run, uint32_t call, const Vector *const *columns, Rows rows, const uint64_t *hashes,
                           void *context);

static Status each_chunk(PartitionRun *run, uint32_t call, SpillStream *stream, uint32_t hashed, TakeRows fn, void *context)
{
    SpillReader *reader;
    TRY(spill_reader_open(stream, SPILL_READ_ROWS, &reader));
    Status status = OK;
    for (;;) {
        Chunk *chunk;
        status = spill_reader_next(reader, &chunk);
        if (status != OK || chunk == NULL)
            break;
        Arena *arena = &run->worker.scratch;
        arena_reset(arena);
        const Vector **columns = ARENA_NEW_ARRAY(arena, const Vector *, chunk->column_count + 1);
        uint64_t *hashes = ARENA_NEW_ARRAY(arena, uint64_t, chunk->row_count);
        for (uint32_t c = 0; c < chunk->column_count; c++)
            columns[c] = &chunk->columns[c];
        hash_keys(columns, hashed, chunk_rows(chunk), hashes);
        status = fn(run, call, columns, chunk_rows(chunk), hashes, context);
        if (status != OK)
            break;
    }
    spill_reader_close(reader);
    return status;
}

typedef struct SplitTarget {
    SpillStream **streams;
    uint32_t level;
} SplitTarget;

static Status split_rows(PartitionRun *run, uint32_t call, const Vector *const *columns, Rows rows, const uint64_t *hashes,
                         void *context)
{
    const SplitTarget *target = context;
    (void)run;
    (void)call;
    return spill_split(target->streams, columns, rows, hashes, target->level);
}

static Status dedupe_rows(PartitionRun *run, uint32_t call, const Vector *const *columns, Rows rows, const uint64_t *hashes,
                          void *context)
{
    uint32_t *ids = ARENA_NEW_ARRAY(&run->worker.scratch, uint32_t, rows.count);
    return aggregate_find_groups(run->agg, &run->worker, context, columns, distinct_columns(run->agg, call), rows, hashes, ids);
}

/* Feeds the values of a table of distinct ones into the states of their groups. */
static Status feed_distinct(PartitionRun *run, uint32_t call, const GroupTable *values)
{
    Aggregate *agg = run->agg;
    GroupTable *table = run->worker.tables;
    uint32_t count = distinct_columns(agg, call);
    for (uint32_t first = 0; first < values->count; first += CHUNK_ROWS) {
        Arena *arena = &run->worker.scratch;
        Rows rows = {NULL, MIN(values->count - first, (uint32_t)CHUNK_ROWS)};
        Chunk chunk;
        arena_reset(arena);
        Vector *columns = ARENA_NEW_ARRAY(arena, Vector, count + 1);
        const Vector **pointers = ARENA_NEW_ARRAY(arena, const Vector *, count + 1);
        uint64_t *hashes = ARENA_NEW_ARRAY(arena, uint64_t, rows.count);
        uint32_t *ids = ARENA_NEW_ARRAY(arena, uint32_t, rows.count);
        uint8_t **groups = ARENA_NEW_ARRAY(arena, uint8_t *, rows.count);
        column_store_slice(values->keys, first, rows.count, columns, &chunk);
        for (uint32_t k = 0; k < count; k++)
            pointers[k] = &columns[k];
        hash_keys(pointers, agg->key_count, rows, hashes);
        TRY(aggregate_find_groups(agg, &run->worker, table, pointers, agg->key_count, rows, hashes, ids));
        for (uint32_t i = 0; i < rows.count; i++)
            groups[i] = table->states + (size_t)ids[i] * table->row_bytes;
        TRY(aggregate_update_call(agg, &run->worker, call, pointers + agg->key_count, rows, groups));
    }
    return OK;
}

static Status apply_in_memory(PartitionRun *run, const AggregateSpill *spill, uint32_t call, SpillStream *stream)
{
    GroupTable values;
    uint32_t count = distinct_columns(run->agg, call);
    group_table_init(run->agg, &values, spill->distinct_types[call], count, 0);
    Status status = each_chunk(run, call, stream, count, dedupe_rows, &values);
    if (status == OK)
        status = feed_distinct(run, call, &values);
    group_table_free(run->agg, &values);
    return status;
}

static Status apply_distinct(PartitionRun *run, const AggregateSpill *spill, uint32_t call, SpillStream *stream, uint32_t level)
{
    Aggregate *agg = run->agg;
    uint32_t count = distinct_columns(agg, call);
    if (level >= SPILL_MAX_LEVEL || spill_stream_rows(stream) <= SPILL_MIN_ROWS ||
        !spill_wanted(agg->exec, agg->node, 2 * spill_stream_bytes(stream)))
        return apply_in_memory(run, spill, call, stream);
    SpillStream *parts[SPILL_FANOUT];
    for (uint32_t p = 0; p < SPILL_FANOUT; p++)
        parts[p] = spill_stream_new(agg->exec, agg->node, spill->distinct_types[call], count);
    SplitTarget target = {parts, level};
    Status status = each_chunk(run, call, stream, count, split_rows, &target);
    for (uint32_t p = 0; p < SPILL_FANOUT && status == OK; p++) {
        status = spill_stream_finish(parts[p]);
        if (status == OK)
            status = apply_distinct(run, spill, call, parts[p], level + 1);
    }
    spill_free_all(parts, SPILL_FANOUT);
    return status;
}

/* ---- partitions ---- */

static Status finish_partition(Aggregate *agg, AggregateSpill *spill, uint32_t partition, uint32_t number);

/* The partition was split: what is in memory and the distinct values follow, then each finer partition. */
static Status finish_finer(PartitionRun *run, AggregateSpill *spill, uint32_t partition)
{
    Aggregate *agg = run->agg;
    TRY(spill_tables(agg, &run->worker, run->finer, 1));
    for (uint32_t c = 0; c < call_count(agg); c++) {
        SpillStream **source = &spill->distinct[c * SPILL_FANOUT + partition];
        if (*source == NULL)
            continue;
        SplitTarget target = {run->finer->distinct + c * SPILL_FANOUT, run->finer->level};
        TRY(each_chunk(run, c, *source, agg->key_count, split_rows, &target));
        spill_free_all(source, 1);
    }
    spill_free_all(&spill->states[partition], 1);
    TRY(finish_streams(agg, run->finer));
    for (uint32_t p = 0; p < SPILL_FANOUT; p++)
        TRY(finish_partition(agg, run->finer, p, run->number));
    return OK;
}

static Status run_partition(PartitionRun *run, AggregateSpill *spill, uint32_t partition)
{
    Aggregate *agg = run->agg;
    TRY(load_groups(run, spill, partition));
    if (run->finer != NULL)
        return finish_finer(run, spill, partition);
    spill_free_all(&spill->states[partition], 1);
    for (uint32_t c = 0; c < call_count(agg); c++) {
        SpillStream **stream = &spill->distinct[c * SPILL_FANOUT + partition];
        if (*stream == NULL)
            continue;
        TRY(apply_distinct(run, spill, c, *stream, spill->level + 1));
        spill_free_all(stream, 1);
    }
    return aggregate_emit(agg, &run->worker, run->number, 0);
}

static Status finish_partition(Aggregate *agg, AggregateSpill *spill, uint32_t partition, uint32_t number)
{
    PartitionRun run;
    if (spill_stream_rows(spill->states[partition]) == 0)
        return OK;
    TRY(exec_check(agg->exec));
    open_run(agg, spill, number, &run);
    Status status = run_partition(&run, spill, partition);
    close_run(&run);
    return status;
}

static Status finish_worker(void *context, uint32_t number)
{
    Aggregate *agg = context;
    for (;;) {
        uint32_t partition = atomic_fetch_add(&agg->next_partition, 1);
        if (partition >= SPILL_FANOUT)
            return OK;
        Status status = finish_partition(agg, agg->spill, partition, number);
        if (status != OK) {
            atomic_store(&agg->exec->failed, true);
            return status;
        }
    }
}

Status aggregate_spill_finish(Aggregate *agg)
{
    for (uint32_t w = 0; w < agg->exec->worker_count; w++)
        TRY(spill_tables(agg, &agg->workers[w], agg->spill, agg->partitions));
    TRY(finish_streams(agg, agg->spill));
    return exec_parallel(agg->exec, finish_worker, agg);
}

void aggregate_spill_close(Aggregate *agg)
{
    free_spill(agg, agg->spill);
    mutex_deinit(&agg->spill_lock);
}
