#include "exec/hash_join_int.h"

/* Hash joins beyond memory. When the build side is too large, its rows go to partitions on disk by the hash
 * of the keys, the probe side follows, and each pair of partitions is joined by itself, several workers at
 * once. A partition that is too large is split again on both sides with other bits of the hash. When that
 * doesn't help, because few keys have most rows, the build rows come piece by piece and the probe rows are
 * read again for each, with a byte a probe row that remembers whether it has found a match. (Not for ASOF joins: there the rows
 * of a key must fit.)
 *
 * Rows with a NULL key match nothing; they are kept only where the join puts them out. */

#include "exec/spill.h"

typedef struct JoinSpill {
    uint32_t level;
    Type *build_types; /* columns of the right child, then keys */
    Type *probe_types;
    SpillStream *build[SPILL_FANOUT];
    SpillStream *probe[SPILL_FANOUT];
    _Atomic uint32_t next_partition;
} JoinSpill;

typedef struct ProbeSink {
    Consumer consumer;
    HashJoin *join;
} ProbeSink;

static uint32_t build_columns(const HashJoin *join)
{
    return join->right_count + join_stored_keys(join);
}

static JoinSpill *new_spill(const HashJoin *join, Type *build_types, Type *probe_types, uint32_t level)
{
    JoinSpill *spill = mem_alloc_zero(sizeof(*spill));
    spill->level = level;
    spill->build_types = build_types;
    spill->probe_types = probe_types;
    for (uint32_t p = 0; p < SPILL_FANOUT; p++) {
        spill->build[p] = spill_stream_new(join->exec, join->node, build_types, build_columns(join));
        spill->probe[p] = spill_stream_new(join->exec, join->node, probe_types, join->left_count);
    }
    return spill;
}

static void free_spill(JoinSpill *spill)
{
    if (spill == NULL)
        return;
    spill_free_all(spill->build, SPILL_FANOUT);
    spill_free_all(spill->probe, SPILL_FANOUT);
    mem_free(spill);
}

static Status finish_all(SpillStream **streams)
{
    for (uint32_t p = 0; p < SPILL_FANOUT; p++)
        TRY(spill_stream_finish(streams[p]));
    return OK;
}

/* ---- build side ---- */

/* Leaves out rows with a NULL key that is not null-safe; tells whether there were any. */
static Rows rows_with_keys(const HashJoin *join, const Vector *const *keys, Rows rows, uint16_t *sel, bool *out_null)
{
    uint32_t kept = 0;
    VectorView views[MAX_KEYS];
    uint32_t count = 0;
    for (uint32_t k = 0; k < join->node->join.key_count && k < MAX_KEYS; k++) {
        VectorView view = vector_view(keys[k]);
        if (!join->node->join.null_safe[k] && (view.nulls != NULL || view.row_nulls != NULL))
            views[count++] = view;
    }
    if (count == 0)
        return rows;
    for (FOR_ROWS(rows, i, row)) {
        bool is_null = false;
        for (uint32_t k = 0; k < count; k++)
            is_null |= view_is_null(&views[k], row);
        sel[kept] = (uint16_t)row;
        kept += !is_null;
    }
    *out_null |= kept < rows.count;
    return (Rows){sel, kept};
}

/* Splits build rows; columns end with the keys. */
static Status split_build(HashJoin *join, JoinSpill *spill, const Vector *const *columns, Rows rows, uint64_t *hashes, bool *out_null)
{
    uint16_t sel[CHUNK_ROWS];
    const Vector *const *keys = columns + join->right_count;
    Rows kept = rows_with_keys(join, keys, rows, sel, out_null);
    if (join_keeps_build(join))
        kept = rows;
    hash_keys(keys, join->node->join.key_count, kept, hashes);
    return spill_split(spill->build, columns, kept, hashes, spill->level);
}

static void start_spill(HashJoin *join)
{
    LOCK_GUARD(&join->spill_lock);
    if (join->spill != NULL)
        return;
    const PhysNode *left = join->node->children[0];
    const PhysNode *right = join->node->children[1];
    Type *types = mem_alloc_zero(sizeof(Type) * (build_columns(join) + join->left_count + 1));
    Type *probe_types = types + build_columns(join);
    for (uint32_t i = 0; i < join->right_count; i++)
        types[i] = right->columns[i].type;
    for (uint32_t k = 0; k < join_stored_keys(join); k++)
        types[join->right_count + k] = join->node->join.right_keys[k]->type;
    for (uint32_t i = 0; i < join->left_count; i++)
        probe_types[i] = left->columns[i].type;
    join->spill = new_spill(join, types, probe_types, 0);
}

static Status spill_store(HashJoin *join, ColumnStore *store, uint64_t *hashes)
{
    AUTO_ARENA arena;
    arena_init(&arena, join->memory);
    bool has_null = false;
    Vector *columns = ARENA_NEW_ARRAY(&arena, Vector, store->column_count + 1);
    const Vector **pointers = ARENA_NEW_ARRAY(&arena, const Vector *, store->column_count + 1);
    for (uint32_t c = 0; c < store->column_count; c++)
        pointers[c] = &columns[c];
    for (uint64_t first = 0; first < store->row_count; first += CHUNK_ROWS) {
        Chunk chunk;
        TRY(exec_check(join->exec));
        column_store_slice(store, first, (uint32_t)MIN(store->row_count - first, (uint64_t)CHUNK_ROWS), columns, &chunk);
        TRY(split_build(join, join->spill, pointers, chunk_rows(&chunk), hashes, &has_null));
    }
    LOCK_GUARD(&join->spill_lock);
    join->build_has_null |= has_null;
    join->build_has_rows |= store->row_count > 0;
    return OK;
}

Status join_spill_worker(HashJoin *join, uint32_t number)
{
    JoinWorker *worker = &join->workers[number];
    start_spill(join);
    TRY(spill_store(join, worker->rows, worker->hashes));
    ColumnStore *fresh = column_store_new(join->memory, join->spill->build_types, build_columns(join));
    column_store_free(worker->rows);
    worker->rows = fresh;
    return OK;
}

Status join_spill_finish_build(HashJoin *join)
{
    for (uint32_t w = 0; w < join->exec->worker_count; w++)
        TRY(join_spill_worker(join, w));
    return finish_all(join->spill->build);
}

/* ---- probe side ---- */

/* Splits a probe chunk; rows that can't come out are left out. */
static Status split_probe(HashJoin *join, JoinSpill *spill, uint32_t number, const Chunk *chunk)
{
    JoinWorker *worker = &join->workers[number];
    const PhysNode *node = join->node;
    uint16_t sel[CHUNK_ROWS];
    bool has_null = false;
    if (worker->probe == NULL)
        TRY(evaluator_open((const Expr *const *)node->join.left_keys, join_stored_keys(join), join->exec->session, join->memory,
                           join->exec->diag, &worker->probe));
    arena_reset(&worker->scratch);
    const Vector **keys = ARENA_NEW_ARRAY(&worker->scratch, const Vector *, join_stored_keys(join) + 1);
    const Vector **columns = ARENA_NEW_ARRAY(&worker->scratch, const Vector *, join->left_count + 1);
    TRY(evaluator_run(worker->probe, chunk, keys));
    for (uint32_t c = 0; c < join->left_count; c++)
        columns[c] = &chunk->columns[c];
    Rows rows = chunk_rows(chunk);
    if (join_needs_build(join))
        rows = rows_with_keys(join, keys, rows, sel, &has_null);
    hash_keys(keys, node->join.key_count, rows, worker->hashes);
    return spill_split(spill->probe, columns, rows, worker->hashes, spill->level);
}

static Status push_probe(Consumer *consumer, uint32_t number, Chunk *chunk)
{
    HashJoin *join = ((ProbeSink *)consumer)->join;
    return split_probe(join, join->spill, number, chunk);
}

/* ---- joining a pair of partitions ---- */

/* Build rows into a store until it has limit bytes or the reader is at its end. */
static Status load_build(HashJoin *join, SpillReader *reader, const JoinSpill *spill, int64_t limit_bytes, bool *out_end)
{
    *out_end = false;
    join->store = column_store_new(join->memory, spill->build_types, build_columns(join));
    AUTO_ARENA arena;
    arena_init(&arena, join->memory);
    const Vector **pointers = ARENA_NEW_ARRAY(&arena, const Vector *, build_columns(join) + 1);
    while ((int64_t)join->store->arena.total_bytes < limit_bytes || join->store->row_count < SPILL_MIN_ROWS) {
        Chunk *chunk;
        TRY(spill_reader_next(reader, &chunk));
        if (chunk == NULL) {
            *out_end = true;
            return OK;
        }
        for (uint32_t c = 0; c < chunk->column_count; c++)
            pointers[c] = &chunk->columns[c];
        TRY(column_store_append(join->exec, join->store, pointers, chunk_rows(chunk)));
    }
    return OK;
}

/* Calls the step for every chunk of the probe partition; first is the number of its first row. */
typedef Status (*ProbeStep)(HashJoin *join, uint32_t number, Chunk *chunk, uint8_t *has_match);

static Status whole_step(HashJoin *join, uint32_t number, Chunk *chunk, uint8_t *has_match)
{
    (void)has_match;
    return join_probe(join, number, chunk);
}

static Status finish_step(HashJoin *join, uint32_t number, Chunk *chunk, uint8_t *has_match)
{
    return join_probe_finish(join, number, chunk, has_match);
}

static Status each_probe(HashJoin *join, uint32_t number, SpillStream *probe, uint8_t *has_match, ProbeStep step)
{
    SpillReader *reader;
    uint64_t first = 0;
    TRY(spill_reader_open(probe, SPILL_READ_ROWS, &reader));
    Status status = OK;
    for (;;) {
        Chunk *chunk;
        if (join->next->is_full != NULL && join->next->is_full(join->next))
            break;
        status = spill_reader_next(reader, &chunk);
        if (status != OK || chunk == NULL)
            break;
        status = step(join, number, chunk, has_match == NULL ? NULL : has_match + first);
        if (status != OK)
            break;
        first += chunk->row_count;
    }
    spill_reader_close(reader);
    return status;
}

static Status join_whole(HashJoin *join, uint32_t number, const JoinSpill *spill, SpillStream *build, SpillStream *probe)
{
    SpillReader *reader;
    bool at_end;
    TRY(spill_reader_open(build, SPILL_READ_ROWS, &reader));
    Status status = load_build(join, reader, spill, INT64_MAX, &at_end);
    spill_reader_close(reader);
    if (status == OK)
        status = join_index(join, false);
    if (status == OK)
        status = each_probe(join, number, probe, NULL, whole_step);
    if (status == OK && join_keeps_build(join))
        status = join_emit_build(join, number);
    join_drop_build(join);
    return status;
}

static Status join_pieces(HashJoin *join, uint32_t number, const JoinSpill *spill, SpillStream *build, SpillStream *probe)
{
    SpillReader *reader;
    AUTO_BUFFER matches = {0};
    int64_t limit_bytes = spill_allowance(join->exec, join->node) / join->exec->worker_count / 2;
    TRY(buffer_alloc(&matches, join->memory, spill_stream_rows(probe) + CHUNK_ROWS, join->exec->diag));
    memset(matches.data, 0, matches.size);
    TRY(spill_reader_open(build, SPILL_READ_ROWS, &reader));
    Status status = OK;
    for (bool at_end = false; !at_end && status == OK;) {
        status = load_build(join, reader, spill, limit_bytes, &at_end);
        if (status == OK)
            status = join_index(join, false);
        if (status == OK && join->store->row_count > 0)
            status = each_probe(join, number, probe, matches.data, join_probe_piece);
        if (status == OK && join_keeps_build(join))
            status = join_emit_build(join, number);
        if (!at_end || status != OK)
            join_drop_build(join);
    }
    spill_reader_close(reader);
    if (status == OK && (!join_needs_build(join) || join_kind(join) == PHYS_JOIN_LEFT_SEMI))
        status = each_probe(join, number, probe, matches.data, finish_step);
    join_drop_build(join);
    return status;
}

static Status join_partition(HashJoin *join, uint32_t number, JoinSpill *spill, uint32_t partition, bool may_split);

static Status split_again(HashJoin *join, uint32_t number, JoinSpill *finer, SpillStream *build, SpillStream *probe)
{
    AUTO_ARENA arena;
    arena_init(&arena, join->memory);
    const Vector **pointers = ARENA_NEW_ARRAY(&arena, const Vector *, build_columns(join) + 1);
    SpillReader *reader;
    bool has_null = false;
    Status status = OK;
    TRY(spill_reader_open(build, SPILL_READ_ROWS, &reader));
    for (;;) {
        Chunk *chunk;
        status = spill_reader_next(reader, &chunk);
        if (status != OK || chunk == NULL)
            break;
        for (uint32_t c = 0; c < chunk->column_count; c++)
            pointers[c] = &chunk->columns[c];
        status = split_build(join, finer, pointers, chunk_rows(chunk), join->workers[number].hashes, &has_null);
        if (status != OK)
            break;
    }
    spill_reader_close(reader);
    TRY(status);
    TRY(finish_all(finer->build));
    TRY(spill_reader_open(probe, SPILL_READ_ROWS, &reader));
    for (;;) {
        Chunk *chunk;
        status = spill_reader_next(reader, &chunk);
        if (status != OK || chunk == NULL)
            break;
        status = split_probe(join, finer, number, chunk);
        if (status != OK)
            break;
    }
    spill_reader_close(reader);
    TRY(status);
    return finish_all(finer->probe);
}

static Status join_finer(HashJoin *join, uint32_t number, JoinSpill *spill, uint32_t partition)
{
    JoinSpill *finer = new_spill(join, spill->build_types, spill->probe_types, spill->level + 1);
    uint64_t total = spill_stream_rows(spill->build[partition]);
    Status status = split_again(join, number, finer, spill->build[partition], spill->probe[partition]);
    spill_free_all(&spill->build[partition], 1);
    spill_free_all(&spill->probe[partition], 1);
    for (uint32_t p = 0; p < SPILL_FANOUT && status == OK; p++) {
        bool helped = spill_stream_rows(finer->build[p]) < total / 2;
        status = join_partition(join, number, finer, p, helped);
    }
    free_spill(finer);
    return status;
}

static Status join_partition(HashJoin *join, uint32_t number, JoinSpill *spill, uint32_t partition, bool may_split)
{
    SpillStream *build = spill->build[partition];
    SpillStream *probe = spill->probe[partition];
    uint64_t rows = spill_stream_rows(build);
    bool is_idle = (rows == 0 && join_needs_build(join)) || (spill_stream_rows(probe) == 0 && !join_keeps_build(join));
    if (is_idle || (join->next->is_full != NULL && join->next->is_full(join->next)))
        return OK;
    TRY(exec_check(join->exec));
    bool is_large = rows > SPILL_MIN_ROWS &&
                    spill_wanted(join->exec, join->node, 2 * spill_stream_bytes(build) + (int64_t)rows * 20);
    if (is_large && may_split && spill->level < SPILL_MAX_LEVEL)
        return join_finer(join, number, spill, partition);
    bool takes_pieces = is_large && join->node->join.asof == PHYS_ASOF_NONE; /* the nearest row may be in any piece */
    Status status = takes_pieces ? join_pieces(join, number, spill, build, probe) : join_whole(join, number, spill, build, probe);
    spill_free_all(&spill->build[partition], 1);
    spill_free_all(&spill->probe[partition], 1);
    return status;
}

static Status join_worker(void *context, uint32_t number)
{
    HashJoin *join = context;
    HashJoin own = *join; /* store and directory of its own; evaluators are a worker's anyway */
    own.store = NULL;
    for (;;) {
        uint32_t partition = atomic_fetch_add(&join->spill->next_partition, 1);
        if (partition >= SPILL_FANOUT)
            return OK;
        Status status = join_partition(&own, number, join->spill, partition, true);
        if (status != OK) {
            atomic_store(&join->exec->failed, true);
            return status;
        }
    }
}

Status join_spill_run(HashJoin *join)
{
    ProbeSink sink = {.consumer = {.push = push_probe}, .join = join};
    for (uint32_t w = 0; w < join->exec->worker_count; w++) {
        column_store_free(join->workers[w].rows);
        join->workers[w].rows = NULL;
    }
    if (join->build_has_rows || !join_needs_build(join))
        TRY(run_node(join->exec, join->node->children[0], &sink.consumer));
    TRY(finish_all(join->spill->probe));
    return exec_parallel(join->exec, join_worker, join);
}

void join_spill_close(HashJoin *join)
{
    if (join->spill != NULL)
        mem_free(join->spill->build_types);
    free_spill(join->spill);
    mutex_deinit(&join->spill_lock);
}
