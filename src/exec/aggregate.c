#include "exec/aggregate_int.h"

/* Hash aggregation. Every worker owns PARTITIONS tables by the top bits of the key hash (one when few
 * groups are expected), so that the merge runs in parallel without locks (group_table.c). DISTINCT calls collect their distinct (keys, arguments) in tables
 * of their own, which feed the states after the merge. Grouping sets add the set's number as a key. */

#include "base/hash.h"
#include "exec/spill.h"

Status aggregate_update_call(Aggregate *agg, AggWorker *worker, uint32_t call, const Vector *const *arguments, Rows rows,
                          uint8_t **groups)
{
    const PhysAggCall *spec = &agg->node->aggregate.calls[call];
    return spec->binding->aggregate->update(&worker->contexts[call], arguments, spec->argument_count, rows, groups,
                                            agg->offsets[call]);
}

/* Rows that pass the call's FILTER; groups follow the rows. */
static Status update_filtered(Aggregate *agg, AggWorker *worker, uint32_t call, const Vector *const *results, Rows rows,
                              uint8_t **groups)
{
    const Vector *condition = results[agg->filter_at[call]];
    VectorView view = vector_view(condition);
    uint16_t *sel = ARENA_NEW_ARRAY(&worker->scratch, uint16_t, MAX(rows.count, 1u));
    uint8_t **kept_groups = ARENA_NEW_ARRAY(&worker->scratch, uint8_t *, MAX(rows.count, 1u));
    uint32_t kept = 0;
    for (FOR_ROWS(rows, i, row)) {
        if (view_is_null(&view, row) || ((const uint8_t *)view.data)[view_index(&view, row)] == 0)
            continue;
        sel[kept] = (uint16_t)row;
        kept_groups[kept++] = groups[i];
    }
    return aggregate_update_call(agg, worker, call, &results[agg->argument_at[call]], (Rows){sel, kept}, kept_groups);
}

static Status collect_distinct(Aggregate *agg, AggWorker *worker, uint32_t call, uint32_t partition, const Vector *const *keys,
                               const Vector *const *results, Rows rows, const uint64_t *hashes)
{
    const PhysAggCall *spec = &agg->node->aggregate.calls[call];
    uint32_t count = agg->key_count + spec->argument_count;
    const Vector **all = ARENA_NEW_ARRAY(&worker->scratch, const Vector *, count);
    uint64_t *full = ARENA_NEW_ARRAY(&worker->scratch, uint64_t, CHUNK_ROWS);
    uint32_t *groups = ARENA_NEW_ARRAY(&worker->scratch, uint32_t, MAX(rows.count, 1u));
    memcpy(all, keys, agg->key_count * sizeof(*all));
    memcpy(all + agg->key_count, &results[agg->argument_at[call]], spec->argument_count * sizeof(*all));
    hash_keys(all + agg->key_count, spec->argument_count, rows, full);
    for (FOR_ROWS(rows, i, row))
        full[row] = hash_combine(full[row], hashes[row]);
    return aggregate_find_groups(agg, worker, &worker->distinct[call][partition], all, count, rows, full, groups);
}

static Status update_partition(Aggregate *agg, AggWorker *worker, uint32_t partition, const Vector *const *keys,
                               const Vector *const *results, Rows rows, const uint64_t *hashes)
{
    GroupTable *table = &worker->tables[partition];
    uint32_t *ids = ARENA_NEW_ARRAY(&worker->scratch, uint32_t, MAX(rows.count, 1u));
    TRY(aggregate_find_groups(agg, worker, table, keys, agg->key_count, rows, hashes, ids));
    for (uint32_t i = 0; i < rows.count; i++)
        worker->groups[i] = table->states + (size_t)ids[i] * table->row_bytes;
    for (uint32_t c = 0; c < agg->node->aggregate.call_count; c++) {
        const PhysAggCall *call = &agg->node->aggregate.calls[c];
        if (call->is_distinct)
            TRY(collect_distinct(agg, worker, c, partition, keys, results, rows, hashes));
        else if (call->filter != NULL)
            TRY(update_filtered(agg, worker, c, results, rows, worker->groups));
        else
            TRY(aggregate_update_call(agg, worker, c, &results[agg->argument_at[c]], rows, worker->groups));
    }
    return OK;
}

static uint32_t partition_of(const Aggregate *agg, uint64_t hash)
{
    return (uint32_t)(hash >> 60) & (agg->partitions - 1);
}

static Status update_keys(Aggregate *agg, AggWorker *worker, const Vector *const *keys, const Vector *const *results, Rows rows)
{
    bool is_done = false;
    if (agg->partitions == 1)
        TRY(aggregate_update_coded(agg, worker, keys, results, rows, &is_done));
    worker->coded_chunks += is_done;
    worker->hashed_chunks += !is_done;
    if (is_done)
        return OK;
    hash_keys(keys, agg->key_count, rows, worker->hashes);
    if (agg->partitions == 1)
        return update_partition(agg, worker, 0, keys, results, rows, worker->hashes);
    uint16_t *sels = ARENA_NEW_ARRAY(&worker->scratch, uint16_t, (size_t)agg->partitions * MAX(rows.count, 1u));
    uint32_t counts[MANY_PARTITIONS] = {0};
    for (FOR_ROWS(rows, i, row)) {
        uint32_t p = partition_of(agg, worker->hashes[row]);
        sels[(size_t)p * rows.count + counts[p]++] = (uint16_t)row;
    }
    for (uint32_t p = 0; p < agg->partitions; p++) {
        if (counts[p] > 0)
            TRY(update_partition(agg, worker, p, keys, results, (Rows){sels + (size_t)p * rows.count, counts[p]}, worker->hashes));
    }
    return OK;
}

/* Keys of one grouping set: columns outside of it are NULL, the set's number comes last. */
static Status update_set(Aggregate *agg, AggWorker *worker, uint32_t set, const Vector *const *results, Rows rows)
{
    const Vector **keys = ARENA_NEW_ARRAY(&worker->scratch, const Vector *, agg->key_count);
    Vector *made = ARENA_NEW_ARRAY(&worker->scratch, Vector, agg->key_count);
    uint32_t groups = agg->node->aggregate.group_count;
    for (uint32_t k = 0; k < groups; k++) {
        keys[k] = results[k];
        if (((agg->node->aggregate.sets[set] >> k) & 1) != 0)
            continue;
        vector_make_constant_null(&made[k], &worker->scratch, agg->key_types[k]);
        keys[k] = &made[k];
    }
    Datum number = datum_i64(set);
    vector_set_constant(&made[groups], &worker->scratch, type_of(TYPE_BIGINT), &number);
    keys[groups] = &made[groups];
    return update_keys(agg, worker, keys, results, rows);
}

static Status open_worker(Aggregate *agg, uint32_t number)
{
    AggWorker *worker = &agg->workers[number];
    if (worker->evaluator != NULL)
        return OK;
    return evaluator_open(agg->exprs, agg->expr_count, agg->exec->session, agg->memory, agg->exec->diag,
                          &worker->evaluator);
}

static bool is_simple(const Aggregate *agg)
{
    return agg->is_plain && agg->key_count == 0;
}

/* The rows of a nearly whole chunk, whose selection may be left to us. */
static Rows rows_left(AggWorker *worker, const Chunk *chunk)
{
    if (chunk->sel != NULL)
        return chunk_rows(chunk);
    uint16_t *sel = ARENA_NEW_ARRAY(&worker->scratch, uint16_t, chunk->row_count);
    uint32_t kept = 0;
    for (uint32_t row = 0, at = 0; row < chunk->row_count; row++) {
        if (at < chunk->dropped_count && chunk->dropped[at] == row)
            at++;
        else
            sel[kept++] = (uint16_t)row;
    }
    return (Rows){sel, kept};
}

/* The arguments are there for all rows of the chunk: what can be taken out again is put in for all of them first. An extreme
 * that all rows leave as it is, fewer rows leave as it is. */
static Status update_nearly_whole(AggWorker *worker, uint32_t number, const PhysAggCall *call, const Vector *const *arguments,
                                  const Chunk *chunk, uint8_t *state)
{
    const AggKernel *kernel = call->binding->aggregate;
    AggContext *context = &worker->contexts[number];
    uint32_t count = call->argument_count;
    Rows all = {NULL, chunk->row_count};
    if (kernel->retract != NULL) {
        TRY(kernel->update_one(context, arguments, count, all, state));
        return kernel->retract(context, arguments, count, (Rows){chunk->dropped, chunk->dropped_count}, state);
    }
    if (kernel->is_extreme) {
        uint64_t trial[8];
        ENSURE(kernel->state_bytes <= sizeof(trial), context->diag);
        memcpy(trial, state, kernel->state_bytes);
        TRY(kernel->update_one(context, arguments, count, all, (uint8_t *)trial));
        if (memcmp(trial, state, kernel->state_bytes) == 0)
            return OK;
    }
    return kernel->update_one(context, arguments, count, rows_left(worker, chunk), state);
}

/* No keys: one state for all rows. */
static Status update_single(Aggregate *agg, AggWorker *worker, const Vector *const *results, const Chunk *chunk)
{
    GroupTable *table = &worker->tables[0];
    bool is_left_whole = chunk->sel == NULL && chunk->dropped != NULL;
    bool is_nearly_whole = is_left_whole || evaluator_runs_whole(worker->evaluator, chunk);
    for (uint32_t c = 0; c < agg->node->aggregate.call_count; c++) {
        const PhysAggCall *call = &agg->node->aggregate.calls[c];
        const Vector *const *arguments = &results[agg->argument_at[c]];
        uint8_t *state = table->states + agg->offsets[c];
        if (is_nearly_whole)
            TRY(update_nearly_whole(worker, c, call, arguments, chunk, state));
        else
            TRY(call->binding->aggregate->update_one(&worker->contexts[c], arguments, call->argument_count, chunk_rows(chunk), state));
    }
    return OK;
}

/* Does no call need the selection of nearly whole chunks, but now and then? */
static bool takes_whole(const Aggregate *agg)
{
    bool takes = is_simple(agg);
    for (uint32_t e = 0; e < agg->expr_count; e++)
        takes &= !expr_can_raise(agg->exprs[e]) && expr_is_deterministic(agg->exprs[e]);
    for (uint32_t c = 0; c < agg->node->aggregate.call_count; c++) {
        const AggKernel *kernel = agg->node->aggregate.calls[c].binding->aggregate;
        takes &= kernel->retract != NULL || kernel->is_extreme;
    }
    return takes;
}

static Status ensure_single(Aggregate *agg, AggWorker *worker)
{
    GroupTable *table = &worker->tables[0];
    uint32_t group;
    if (table->count > 0)
        return OK;
    return aggregate_find_groups(agg, worker, table, NULL, 0, (Rows){NULL, 1}, &(uint64_t){0}, &group);
}

static Status push_aggregate(Consumer *consumer, uint32_t number, Chunk *chunk)
{
    Aggregate *agg = (Aggregate *)consumer;
    AggWorker *worker = &agg->workers[number];
    TRY(open_worker(agg, number));
    arena_reset(&worker->scratch);
    const Vector **results = ARENA_NEW_ARRAY(&worker->scratch, const Vector *, MAX(agg->expr_count, 1u));
    TRY(evaluator_run(worker->evaluator, chunk, results));
    Rows rows = chunk_rows(chunk);
    if (is_simple(agg)) {
        TRY(ensure_single(agg, worker));
        return update_single(agg, worker, results, chunk);
    }
    if (agg->node->aggregate.sets == NULL)
        TRY(update_keys(agg, worker, results, results, rows));
    for (uint32_t s = 0; s < agg->node->aggregate.set_count; s++)
        TRY(update_set(agg, worker, s, results, rows));
    return spill_wanted(agg->exec, agg->node, aggregate_worker_bytes(agg, worker)) ? aggregate_spill_worker(agg, worker) : OK;
}

/* ---- merge and output of one partition ---- */

static Status merge_table(Aggregate *agg, AggWorker *target, GroupTable *into, const GroupTable *from)
{
    AUTO_ARENA arena;
    arena_init(&arena, agg->memory);
    uint32_t keys = from->keys->column_count;
    Vector *columns = ARENA_NEW_ARRAY(&arena, Vector, MAX(keys, 1u));
    const Vector **pointers = ARENA_NEW_ARRAY(&arena, const Vector *, MAX(keys, 1u));
    uint32_t *groups = ARENA_NEW_ARRAY(&arena, uint32_t, CHUNK_ROWS);
    uint8_t **sources = ARENA_NEW_ARRAY(&arena, uint8_t *, CHUNK_ROWS);
    uint8_t **targets = ARENA_NEW_ARRAY(&arena, uint8_t *, CHUNK_ROWS);
    for (uint32_t first = 0; first < from->count; first += CHUNK_ROWS) {
        Chunk chunk;
        uint32_t count = MIN(from->count - first, (uint32_t)CHUNK_ROWS);
        TRY(exec_check(agg->exec));
        column_store_slice(from->keys, first, count, columns, &chunk);
        for (uint32_t k = 0; k < keys; k++)
            pointers[k] = &columns[k];
        TRY(aggregate_find_groups(agg, target, into, pointers, keys, (Rows){NULL, count}, from->hashes + first, groups));
        if (into->row_bytes == 0)
            continue;
        for (uint32_t i = 0; i < count; i++) {
            sources[i] = from->states + (size_t)(first + i) * from->row_bytes;
            targets[i] = into->states + (size_t)groups[i] * into->row_bytes;
        }
        for (uint32_t c = 0; c < agg->node->aggregate.call_count; c++)
            TRY(agg->node->aggregate.calls[c].binding->aggregate->merge(&target->contexts[c], sources, targets, count,
                                                                         agg->offsets[c]));
    }
    return OK;
}

/* Feeds the distinct argument values of a call into the states of their groups. */
static Status apply_distinct(Aggregate *agg, AggWorker *worker, uint32_t call, uint32_t partition)
{
    AUTO_ARENA arena;
    arena_init(&arena, agg->memory);
    const GroupTable *values = &worker->distinct[call][partition];
    GroupTable *table = &worker->tables[partition];
    uint32_t count = values->keys->column_count;
    Vector *columns = ARENA_NEW_ARRAY(&arena, Vector, count);
    const Vector **pointers = ARENA_NEW_ARRAY(&arena, const Vector *, count);
    uint64_t *hashes = ARENA_NEW_ARRAY(&arena, uint64_t, CHUNK_ROWS);
    uint32_t *ids = ARENA_NEW_ARRAY(&arena, uint32_t, CHUNK_ROWS);
    uint8_t **groups = ARENA_NEW_ARRAY(&arena, uint8_t *, CHUNK_ROWS);
    for (uint32_t first = 0; first < values->count; first += CHUNK_ROWS) {
        Chunk chunk;
        Rows rows = {NULL, MIN(values->count - first, (uint32_t)CHUNK_ROWS)};
        column_store_slice(values->keys, first, rows.count, columns, &chunk);
        for (uint32_t k = 0; k < count; k++)
            pointers[k] = &columns[k];
        hash_keys(pointers, agg->key_count, rows, hashes);
        TRY(aggregate_find_groups(agg, worker, table, pointers, agg->key_count, rows, hashes, ids));
        for (uint32_t i = 0; i < rows.count; i++)
            groups[i] = table->states + (size_t)ids[i] * table->row_bytes;
        TRY(aggregate_update_call(agg, worker, call, pointers + agg->key_count, rows, groups));
    }
    return OK;
}

static void grouping_columns(const Aggregate *agg, const Vector *set_numbers, uint32_t first, uint32_t count, Chunk *out)
{
    const PhysNode *node = agg->node;
    uint32_t at = node->aggregate.group_count + node->aggregate.call_count;
    for (uint32_t g = 0; g < node->aggregate.grouping_count; g++) {
        for (uint32_t i = 0; i < count; i++) {
            uint64_t set = (uint64_t)((const int64_t *)set_numbers->data)[first + i];
            ((int64_t *)out->columns[at + g].data)[i] = (int64_t)node->aggregate.grouping_masks[g * node->aggregate.set_count + set];
        }
    }
}

Status aggregate_emit(Aggregate *agg, AggWorker *worker, uint32_t number, uint32_t partition)
{
    const PhysNode *node = agg->node;
    GroupTable *table = &worker->tables[partition];
    AUTO_ARENA arena;
    arena_init(&arena, agg->memory);
    Type *types = ARENA_NEW_ARRAY(&arena, Type, MAX(node->column_count, 1u));
    for (uint32_t i = 0; i < node->column_count; i++)
        types[i] = node->columns[i].type;
    Chunk out;
    Vector *keys = ARENA_NEW_ARRAY(&arena, Vector, MAX(table->keys->column_count, 1u));
    uint8_t **groups = ARENA_NEW_ARRAY(&arena, uint8_t *, CHUNK_ROWS);
    chunk_init(&out, &arena, types, node->column_count);
    for (uint32_t first = 0; first < table->count; first += CHUNK_ROWS) {
        uint32_t count = MIN(table->count - first, (uint32_t)CHUNK_ROWS);
        Chunk slice;
        TRY(exec_check(agg->exec));
        if (agg->next->is_full != NULL && agg->next->is_full(agg->next))
            return OK;
        chunk_reset(&out);
        column_store_slice(table->keys, first, count, keys, &slice);
        for (uint32_t k = 0; k < node->aggregate.group_count; k++)
            vector_reference(&out.columns[k], &keys[k]);
        for (uint32_t i = 0; i < count; i++)
            groups[i] = table->states + (size_t)(first + i) * table->row_bytes;
        for (uint32_t c = 0; c < node->aggregate.call_count; c++)
            TRY(node->aggregate.calls[c].binding->aggregate->finish(&worker->contexts[c], groups, count, agg->offsets[c], 0,
                                                                     &out.columns[node->aggregate.group_count + c]));
        if (node->aggregate.sets != NULL)
            grouping_columns(agg, &table->keys->columns[node->aggregate.group_count], first, count, &out);
        out.row_count = count;
        profile_rows(agg->exec, node, count);
        TRY(agg->next->push(agg->next, number, &out));
    }
    return OK;
}

static Status finish_partition(Aggregate *agg, uint32_t number, uint32_t partition)
{
    /* Worker 0's tables take in the others'; states may point into any worker's arena, all live on. */
    AggWorker *target = &agg->workers[0];
    AggWorker scoped = *target; /* own contexts: partitions are finished by several workers at once */
    Arena states;
    arena_init(&states, agg->memory);
    scoped.lookup = group_lookup_new(&states);
    scoped.contexts = mem_alloc_zero(sizeof(AggContext) * (agg->node->aggregate.call_count + 1));
    for (uint32_t c = 0; c < agg->node->aggregate.call_count; c++) {
        scoped.contexts[c] = target->contexts[c];
        scoped.contexts[c].arena = &states;
    }
    Status status = OK;
    for (uint32_t w = 1; w < agg->exec->worker_count && status == OK; w++) {
        status = merge_table(agg, &scoped, &target->tables[partition], &agg->workers[w].tables[partition]);
        for (uint32_t c = 0; c < agg->node->aggregate.call_count && status == OK; c++) {
            if (agg->node->aggregate.calls[c].is_distinct)
                status = merge_table(agg, &scoped, &target->distinct[c][partition], &agg->workers[w].distinct[c][partition]);
        }
    }
    for (uint32_t c = 0; c < agg->node->aggregate.call_count && status == OK; c++) {
        if (agg->node->aggregate.calls[c].is_distinct)
            status = apply_distinct(agg, &scoped, c, partition);
    }
    if (status == OK)
        status = aggregate_emit(agg, &scoped, number, partition);
    group_table_free(agg, &target->tables[partition]); /* before the arena that merged states point into */
    mem_free(scoped.contexts);
    arena_deinit(&states);
    return status;
}

static Status finish_worker(void *context, uint32_t number)
{
    Aggregate *agg = context;
    for (;;) {
        uint32_t partition = atomic_fetch_add(&agg->next_partition, 1);
        if (partition >= agg->partitions)
            return OK;
        Status status = finish_partition(agg, number, partition);
        if (status != OK) {
            atomic_store(&agg->exec->failed, true);
            return status;
        }
    }
}

/* ---- set-up ---- */

static void lay_out(Aggregate *agg)
{
    const PhysNode *node = agg->node;
    Arena *arena = &agg->exec->arena;
    uint32_t calls = node->aggregate.call_count;
    uint32_t most = node->aggregate.group_count;
    for (uint32_t c = 0; c < calls; c++)
        most += node->aggregate.calls[c].argument_count + 1;
    agg->exprs = ARENA_NEW_ARRAY(arena, const Expr *, MAX(most, 1u));
    agg->argument_at = ARENA_NEW_ARRAY(arena, uint32_t, MAX(calls, 1u));
    agg->filter_at = ARENA_NEW_ARRAY(arena, uint32_t, MAX(calls, 1u));
    agg->offsets = ARENA_NEW_ARRAY(arena, uint32_t, MAX(calls, 1u));
    for (uint32_t g = 0; g < node->aggregate.group_count; g++)
        agg->exprs[agg->expr_count++] = node->aggregate.groups[g];
    for (uint32_t c = 0; c < calls; c++) {
        const PhysAggCall *call = &node->aggregate.calls[c];
        agg->argument_at[c] = agg->expr_count;
        for (uint32_t a = 0; a < call->argument_count; a++)
            agg->exprs[agg->expr_count++] = call->arguments[a];
        agg->filter_at[c] = agg->expr_count;
        if (call->filter != NULL)
            agg->exprs[agg->expr_count++] = call->filter;
        agg->row_bytes = (uint32_t)align_up(agg->row_bytes, 16);
        agg->offsets[c] = agg->row_bytes;
        agg->row_bytes += call->binding->aggregate->state_bytes;
    }
    agg->row_bytes = (uint32_t)align_up(MAX(agg->row_bytes, 16u), 16);
    agg->is_plain = true;
    for (uint32_t c = 0; c < calls; c++) {
        const PhysAggCall *call = &node->aggregate.calls[c];
        agg->is_plain &= !call->is_distinct && call->filter == NULL;
        agg->has_init |= call->binding->aggregate->init != NULL;
        agg->has_destroy |= call->binding->aggregate->destroy != NULL;
    }
    agg->key_count = node->aggregate.group_count + (node->aggregate.sets != NULL);
    agg->key_types = ARENA_NEW_ARRAY(arena, Type, agg->key_count + 1);
    for (uint32_t g = 0; g < node->aggregate.group_count; g++)
        agg->key_types[g] = node->aggregate.groups[g]->type;
    agg->key_types[node->aggregate.group_count] = type_of(TYPE_BIGINT);
}

static void open_tables(Aggregate *agg, AggWorker *worker)
{
    const PhysNode *node = agg->node;
    Arena *arena = &agg->exec->arena;
    arena_init(&worker->scratch, agg->memory);
    arena_init(&worker->states, agg->memory);
    worker->hashes = ARENA_NEW_ARRAY(arena, uint64_t, CHUNK_ROWS);
    worker->groups = ARENA_NEW_ARRAY(arena, uint8_t *, CHUNK_ROWS);
    worker->lookup = group_lookup_new(arena);
    worker->tables = ARENA_NEW_ARRAY(arena, GroupTable, agg->partitions);
    worker->contexts = ARENA_NEW_ARRAY(arena, AggContext, node->aggregate.call_count + 1);
    worker->distinct = ARENA_NEW_ARRAY(arena, GroupTable *, node->aggregate.call_count + 1);
    for (uint32_t p = 0; p < agg->partitions; p++)
        group_table_init(agg, &worker->tables[p], agg->key_types, agg->key_count, agg->row_bytes);
    for (uint32_t c = 0; c < node->aggregate.call_count; c++) {
        const PhysAggCall *call = &node->aggregate.calls[c];
        worker->contexts[c] = (AggContext){call->binding, agg->exec->session, &worker->states, agg->exec->diag};
        if (!call->is_distinct)
            continue;
        Type *types = ARENA_NEW_ARRAY(arena, Type, agg->key_count + call->argument_count);
        memcpy(types, agg->key_types, agg->key_count * sizeof(Type));
        for (uint32_t a = 0; a < call->argument_count; a++)
            types[agg->key_count + a] = call->arguments[a]->type;
        worker->distinct[c] = ARENA_NEW_ARRAY(arena, GroupTable, agg->partitions);
        for (uint32_t p = 0; p < agg->partitions; p++)
            group_table_init(agg, &worker->distinct[c][p], types, agg->key_count + call->argument_count, 0);
    }
}

static void close_worker(Aggregate *agg, AggWorker *worker)
{
    for (uint32_t p = 0; p < agg->partitions; p++) {
        group_table_free(agg, &worker->tables[p]);
        for (uint32_t c = 0; c < agg->node->aggregate.call_count; c++) {
            if (worker->distinct[c] != NULL)
                group_table_free(agg, &worker->distinct[c][p]);
        }
    }
    evaluator_close(worker->evaluator);
    arena_deinit(&worker->scratch);
    arena_deinit(&worker->states);
}

/* For the profile: how groups were found. */
static void note_choices(const Aggregate *agg)
{
    uint64_t coded = 0, hashed = 0;
    for (uint32_t w = 0; w < agg->exec->worker_count; w++) {
        coded += agg->workers[w].coded_chunks;
        hashed += agg->workers[w].hashed_chunks;
    }
    if (coded > 0)
        profile_choice(agg->exec, agg->node, "grouping by codes: %llu of %llu chunks have few combinations of keys", (unsigned long long)coded,
                       (unsigned long long)(coded + hashed));
    else if (hashed > 0)
        profile_choice(agg->exec, agg->node, "grouping by hashes: %s", agg->partitions > 1 ? "many groups are expected" : "keys have many combinations");
}

Status run_aggregate(ExecContext *exec, const PhysNode *node, Consumer *consumer)
{
    Aggregate agg = {.consumer = {.push = push_aggregate}, .exec = exec, .node = node, .memory = node_memory(exec, node), .next = consumer};
    lay_out(&agg);
    agg.consumer.takes_whole = takes_whole(&agg);
    mutex_init(&agg.spill_lock);
    bool many = agg.key_count > 0 && node->aggregate.estimated_groups > PARTITION_THRESHOLD && exec->worker_count > 1;
    agg.partitions = many ? MANY_PARTITIONS : 1;
    agg.workers = ARENA_NEW_ARRAY(&exec->arena, AggWorker, exec->worker_count);
    for (uint32_t w = 0; w < exec->worker_count; w++)
        open_tables(&agg, &agg.workers[w]);
    Status status = run_node(exec, node->children[0], &agg.consumer);
    /* Without GROUP BY there is always one row. */
    if (status == OK && agg.key_count == 0)
        status = ensure_single(&agg, &agg.workers[0]);
    if (status == OK && agg.spill != NULL)
        status = aggregate_spill_finish(&agg);
    else if (status == OK)
        status = agg.partitions == 1 ? finish_worker(&agg, 0) : exec_parallel(exec, finish_worker, &agg);
    note_choices(&agg);
    aggregate_spill_close(&agg);
    for (uint32_t w = 0; w < exec->worker_count; w++)
        close_worker(&agg, &agg.workers[w]);
    return status;
}
