#include "exec/hash_join_int.h"

/* Hash joins. The build side is kept as columns with a directory of chains (join_index.c); rows of the
 * build side leave the join as dictionary vectors over those columns, so nothing is copied. When every
 * build key is there once, the probe chunk keeps its rows and only gets a selection. */

#include "exec/spill.h"

enum { FILTER_BITS = 1 << 26 };

/* Later the rows are gathered into one store and get a directory: twice what they take now. */
static int64_t join_worker_bytes(const JoinWorker *worker)
{
    return worker->rows->row_count < SPILL_MIN_ROWS ? 0 : 2 * (int64_t)worker->rows->arena.total_bytes;
}

static Status push_build(Consumer *consumer, uint32_t number, Chunk *chunk)
{
    HashJoin *join = ((BuildSink *)consumer)->join;
    JoinWorker *worker = &join->workers[number];
    const PhysNode *node = join->node;
    uint32_t keys = join_stored_keys(join);
    if (worker->build == NULL)
        TRY(evaluator_open((const Expr *const *)node->join.right_keys, keys, join->exec->session, join->memory,
                           join->exec->diag, &worker->build));
    arena_reset(&worker->scratch);
    const Vector **all = ARENA_NEW_ARRAY(&worker->scratch, const Vector *, join->right_count + keys);
    TRY(evaluator_run(worker->build, chunk, all + join->right_count));
    for (uint32_t i = 0; i < join->right_count; i++)
        all[i] = &chunk->columns[i];
    TRY(column_store_append(join->exec, worker->rows, all, chunk_rows(chunk)));
    return spill_wanted(join->exec, node, join_worker_bytes(worker)) ? join_spill_worker(join, number) : OK;
}

static void publish_filter(HashJoin *join, const PhysRuntimeFilter *spec)
{
    const Vector *column = &join->store->columns[join->right_count + spec->key];
    RuntimeFilter *filter = &join->exec->filters[spec->id];
    uint32_t rows = (uint32_t)join->store->row_count;
    if (spec->is_null_safe || !join_key_bounds(column, rows, &filter->min, &filter->max)) {
        profile_choice(join->exec, join->node, "runtime filter %u: not built, the key is no integer", spec->id);
        return;
    }
    filter->is_empty = filter->min > filter->max;
    uint64_t span = filter->is_empty ? 0 : (uint64_t)filter->max - (uint64_t)filter->min;
    bool fits = (int64_t)(span / 8) < spill_allowance(join->exec, join->node) / 4;
    if (!filter->is_empty && span < FILTER_BITS && fits) {
        filter->bits = mem_alloc_zero((span / 64 + 1) * sizeof(uint64_t));
        join_key_bits(column, rows, filter->min, filter->bits);
    }
    filter->is_ready = true;
    profile_choice(join->exec, join->node, "runtime filter %u: %s", spec->id,
                   filter->is_empty ? "lets nothing pass, no keys" : filter->bits != NULL ? "bitmap of keys" : "bounds only, the range is wide");
}

static Status build_side(HashJoin *join)
{
    ExecContext *exec = join->exec;
    const PhysNode *right = join->node->children[1];
    uint32_t keys = join_stored_keys(join);
    if (keys > MAX_KEYS)
        return RAISE(exec->diag, LIMIT_EXCEEDED, "a join has more than %d keys", MAX_KEYS);
    Type *types = ARENA_NEW_ARRAY(&exec->arena, Type, join->right_count + keys + 1);
    for (uint32_t i = 0; i < join->right_count; i++)
        types[i] = right->columns[i].type;
    for (uint32_t k = 0; k < keys; k++)
        types[join->right_count + k] = join->node->join.right_keys[k]->type;
    for (uint32_t w = 0; w < exec->worker_count; w++)
        join->workers[w].rows = column_store_new(join->memory, types, join->right_count + keys);
    BuildSink sink = {.consumer = {.push = push_build}, .join = join};
    TRY(run_node(exec, right, &sink.consumer));
    if (join->spill != NULL)
        return join_spill_finish_build(join);
    join->store = join->workers[0].rows;
    join->workers[0].rows = NULL;
    for (uint32_t w = 1; w < exec->worker_count; w++) {
        if (join->store->row_count == 0) {
            ColumnStore *swap = join->store;
            join->store = join->workers[w].rows;
            join->workers[w].rows = swap;
            continue;
        }
        TRY(column_store_concat(exec, join->store, &join->workers[w].rows, 1));
    }
    TRY(join_index(join, true));
    join->build_has_rows = join->store->row_count > 0;
    for (uint32_t f = 0; f < join->node->join.filter_count; f++)
        publish_filter(join, &join->node->join.filters[f]);
    return OK;
}

/* ---- probe ---- */

static bool probe_key_is_null(const Probe *probe, uint32_t row)
{
    for (uint32_t k = 0; k < probe->join->node->join.key_count; k++) {
        VectorView view = vector_view(probe->keys[k]);
        if (!probe->join->node->join.null_safe[k] && view_is_null(&view, row))
            return true;
    }
    return false;
}

static inline bool probe_matches(const Probe *probe, uint32_t row, uint32_t build_row)
{
    if (probe->join->is_direct)
        return true;
    if (probe->int_width == 8)
        return ((const int64_t *)probe->view.data)[view_index(&probe->view, row)] ==
               ((const int64_t *)probe->stored[0]->data)[build_row];
    if (probe->int_width == 4)
        return ((const int32_t *)probe->view.data)[view_index(&probe->view, row)] ==
               ((const int32_t *)probe->stored[0]->data)[build_row];
    return probe->join->hashes[build_row] == probe->worker->hashes[row] &&
           keys_equal(probe->keys, row, probe->stored, build_row, probe->join->node->join.key_count);
}

/* The first match at or after entry (row + 1); 0: none. */
static inline uint32_t next_match(const Probe *probe, uint32_t row, uint32_t entry)
{
    while (entry != 0 && !probe_matches(probe, row, entry - 1))
        entry = probe->join->chain[entry - 1];
    return entry;
}

#define DIRECT_ENTRIES(T)                                                                                        \
    for (FOR_ROWS(rows, i, row)) {                                                                               \
        uint64_t at = (uint64_t)((const T *)probe->view.data)[view_index(&probe->view, row)] - (uint64_t)min;    \
        entries[i] = at <= span ? heads[at] : 0;                                                                 \
    }

/* Where the chains of all rows begin: one loop of independent loads. 0: no match, also for NULL keys. */
static void first_entries(const Probe *probe, Rows rows, uint32_t *entries)
{
    const HashJoin *join = probe->join;
    const uint32_t *heads = join->heads;
    int64_t min = join->direct_min;
    uint64_t span = join->direct_span;
    if (!join->is_direct) {
        for (FOR_ROWS(rows, i, row))
            entries[i] = heads[(uint32_t)(probe->worker->hashes[row] >> 32) & join->mask];
    } else {
        switch ((PhysKind)probe->keys[0]->type.phys) {
        case PHYS_I8:
            DIRECT_ENTRIES(int8_t)
            break;
        case PHYS_I16:
            DIRECT_ENTRIES(int16_t)
            break;
        case PHYS_I32:
            DIRECT_ENTRIES(int32_t)
            break;
        default:
            DIRECT_ENTRIES(int64_t)
            break;
        }
    }
    for (uint32_t k = 0; k < join->node->join.key_count; k++) {
        VectorView view = vector_view(probe->keys[k]);
        if (join->node->join.null_safe[k] || (view.nulls == NULL && view.row_nulls == NULL))
            continue;
        for (FOR_ROWS(rows, i, row))
            entries[i] = view_is_null(&view, row) ? 0 : entries[i];
    }
}

/* Output columns over (left, right) vectors of an output chunk. */
Status join_emit_columns(HashJoin *join, JoinWorker *worker, uint32_t number, const Vector *left, const Vector *right,
                           const Vector *mark, Chunk *shape)
{
    const PhysNode *node = join->node;
    Vector *columns = ARENA_NEW_ARRAY(&worker->scratch, Vector, MAX(node->column_count, 1u));
    for (uint32_t i = 0; i < node->column_count; i++) {
        uint32_t slot = node->join.outputs[i];
        columns[i] = slot < join->left_count                       ? left[slot]
                     : slot < join->left_count + join->right_count ? right[slot - join->left_count]
                                                                   : *mark;
    }
    Chunk out = *shape;
    out.columns = columns;
    out.column_count = node->column_count;
    profile_rows(join->exec, node, chunk_alive(&out));
    return join->next->push(join->next, number, &out);
}

Vector *join_build_vectors(HashJoin *join, JoinWorker *worker, const uint32_t *codes, uint8_t *nulls)
{
    Vector *right = ARENA_NEW_ARRAY(&worker->scratch, Vector, MAX(join->right_count, 1u));
    for (uint32_t i = 0; i < join->right_count; i++)
        right[i] = (Vector){.type = join->store->columns[i].type, .form = VECTOR_DICTIONARY, .codes = codes, .nulls = nulls,
                            .dictionary = &join->store->columns[i], .dict_size = (uint32_t)join->store->row_count};
    return right;
}

Vector *join_null_vectors(HashJoin *join, JoinWorker *worker, bool of_left)
{
    const PhysNode *side = join->node->children[of_left ? 0 : 1];
    Vector *columns = ARENA_NEW_ARRAY(&worker->scratch, Vector, MAX(side->column_count, 1u));
    for (uint32_t i = 0; i < side->column_count; i++)
        vector_make_constant_null(&columns[i], &worker->scratch, side->columns[i].type);
    return columns;
}

/* Pairs (probe_rows, build_rows) as vectors of both sides. */
static void pair_vectors(const Probe *probe, uint32_t count, Vector **out_left, Vector **out_right)
{
    HashJoin *join = probe->join;
    Arena *arena = &probe->worker->scratch;
    Vector *left = ARENA_NEW_ARRAY(arena, Vector, MAX(join->left_count, 1u));
    uint32_t *rows = arena_alloc(arena, sizeof(uint32_t) * MAX(count, 1u));
    uint32_t *builds = arena_alloc(arena, sizeof(uint32_t) * MAX(count, 1u));
    memcpy(rows, probe->worker->probe_rows, count * sizeof(*rows));
    memcpy(builds, probe->worker->build_rows, count * sizeof(*builds));
    for (uint32_t i = 0; i < join->left_count; i++)
        vector_slice(&probe->chunk->columns[i], rows, count, arena, &left[i]);
    *out_left = left;
    *out_right = join_build_vectors(join, probe->worker, builds, NULL);
}

/* Which of the pairs pass the residual conditions. */
Status join_filter_pairs(const Probe *probe, uint32_t *in_out_count)
{
    HashJoin *join = probe->join;
    JoinWorker *worker = probe->worker;
    const PhysNode *node = join->node;
    uint32_t first = node->join.in_residual_count;
    if (node->join.residual_count == first || *in_out_count == 0)
        return OK;
    if (worker->residual == NULL)
        TRY(evaluator_open((const Expr *const *)node->join.residual, node->join.residual_count, join->exec->session,
                           join->memory, join->exec->diag, &worker->residual));
    Vector *left;
    Vector *right;
    pair_vectors(probe, *in_out_count, &left, &right);
    Vector *both = ARENA_NEW_ARRAY(&worker->scratch, Vector, join->left_count + join->right_count + 1);
    memcpy(both, left, join->left_count * sizeof(*both));
    memcpy(both + join->left_count, right, join->right_count * sizeof(*both));
    Chunk chunk = {.columns = both, .column_count = join->left_count + join->right_count, .row_count = *in_out_count};
    uint16_t *sel = ARENA_NEW_ARRAY(&worker->scratch, uint16_t, CHUNK_ROWS);
    uint32_t kept;
    TRY(evaluator_filter(worker->residual, &chunk, sel, &kept));
    for (uint32_t i = 0; i < kept; i++) {
        worker->probe_rows[i] = worker->probe_rows[sel[i]];
        worker->build_rows[i] = worker->build_rows[sel[i]];
    }
    *in_out_count = kept;
    return OK;
}

enum { MATCH_FOUND = 1, MATCH_OPEN = 2 /* a comparison of an IN was NULL */ };

typedef struct MatchState {
    uint8_t *has_match; /* a probe row: MATCH_FOUND, MATCH_OPEN */
    bool emits_pairs;
} MatchState;

/* Pairs that pass everything else: the IN comparisons decide between match, unknown and nothing. */
static Status match_in(const Probe *probe, uint32_t count, MatchState *state)
{
    HashJoin *join = probe->join;
    JoinWorker *worker = probe->worker;
    const PhysNode *node = join->node;
    if (worker->in_value == NULL) {
        const Expr *all = expr_and(&join->exec->arena, node->join.residual, node->join.in_residual_count);
        TRY(evaluator_open(&all, 1, join->exec->session, join->exec->options->memory, join->exec->diag, &worker->in_value));
    }
    Vector *left;
    Vector *right;
    const Vector *result;
    pair_vectors(probe, count, &left, &right);
    Vector *both = ARENA_NEW_ARRAY(&worker->scratch, Vector, join->left_count + join->right_count + 1);
    memcpy(both, left, join->left_count * sizeof(*both));
    memcpy(both + join->left_count, right, join->right_count * sizeof(*both));
    Chunk chunk = {.columns = both, .column_count = join->left_count + join->right_count, .row_count = count};
    TRY(evaluator_run(worker->in_value, &chunk, &result));
    VectorView view = vector_view(result);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = worker->probe_rows[i];
        if (view_is_null(&view, i))
            state->has_match[row] |= MATCH_OPEN;
        else if (((const uint8_t *)view.data)[view_index(&view, i)] != 0)
            state->has_match[row] |= MATCH_FOUND;
    }
    return OK;
}

static Status flush_pairs(const Probe *probe, uint32_t count, MatchState *state)
{
    HashJoin *join = probe->join;
    TRY(join_filter_pairs(probe, &count));
    if (join->node->join.in_residual_count > 0)
        return count == 0 ? OK : match_in(probe, count, state);
    for (uint32_t i = 0; i < count; i++) {
        if (join_kind(join) == PHYS_JOIN_LEFT_SINGLE && state->has_match[probe->worker->probe_rows[i]] != 0)
            return RAISE(join->exec->diag, SUBQUERY_MORE_THAN_ONE_ROW,
                         "Expected LE 1 to be returned by expression (correlated scalar subquery)");
        state->has_match[probe->worker->probe_rows[i]] = 1;
        if (join->matched != NULL)
            atomic_store_explicit(&join->matched[probe->worker->build_rows[i]], 1, memory_order_relaxed);
    }
    if (!state->emits_pairs || count == 0)
        return OK;
    Vector *left;
    Vector *right;
    pair_vectors(probe, count, &left, &right);
    Chunk shape = {.row_count = count};
    return join_emit_columns(join, probe->worker, probe->number, left, right, NULL, &shape);
}

/* All matches of all rows, in batches of CHUNK_ROWS pairs. */
static Status match_all(const Probe *probe, Rows rows, MatchState *state)
{
    HashJoin *join = probe->join;
    uint32_t pairs = 0;
    bool first_only = join->node->join.residual_count == 0 && !state->emits_pairs && join->matched == NULL;
    uint32_t *entries = arena_alloc(&probe->worker->scratch, sizeof(uint32_t) * CHUNK_ROWS);
    first_entries(probe, rows, entries);
    for (FOR_ROWS(rows, i, row)) {
        for (uint32_t entry = next_match(probe, row, entries[i]); entry != 0; entry = next_match(probe, row, join->chain[entry - 1])) {
            probe->worker->probe_rows[pairs] = row;
            probe->worker->build_rows[pairs++] = entry - 1;
            if (pairs == CHUNK_ROWS) {
                TRY(flush_pairs(probe, pairs, state));
                pairs = 0;
            }
            if (first_only)
                break;
        }
    }
    return flush_pairs(probe, pairs, state);
}

/* Unique build keys and nothing else to check: rows keep their place. */
static Status probe_unique(const Probe *probe, Rows rows, bool *out_done)
{
    HashJoin *join = probe->join;
    JoinWorker *worker = probe->worker;
    PhysJoinKind kind = join_kind(join);
    bool plain = join->is_unique && join->node->join.residual_count == 0 &&
                 (kind == PHYS_JOIN_INNER || kind == PHYS_JOIN_LEFT || kind == PHYS_JOIN_LEFT_SINGLE || kind == PHYS_JOIN_RIGHT);
    *out_done = plain;
    if (!plain)
        return OK;
    uint32_t *codes = arena_alloc(&worker->scratch, sizeof(uint32_t) * CHUNK_ROWS);
    bool keeps_left = kind == PHYS_JOIN_LEFT || kind == PHYS_JOIN_LEFT_SINGLE;
    uint8_t *nulls = keeps_left ? arena_alloc(&worker->scratch, CHUNK_ROWS) : NULL;
    uint32_t kept = 0;
    uint32_t *entries = arena_alloc(&worker->scratch, sizeof(uint32_t) * CHUNK_ROWS);
    first_entries(probe, rows, entries);
    for (FOR_ROWS(rows, i, row)) {
        uint32_t entry = next_match(probe, row, entries[i]);
        codes[row] = entry == 0 ? 0 : entry - 1;
        if (keeps_left)
            nulls[row] = entry == 0;
        if (entry != 0 && join->matched != NULL)
            atomic_store_explicit(&join->matched[entry - 1], 1, memory_order_relaxed);
        worker->sel[kept] = (uint16_t)row;
        kept += entry != 0 || keeps_left;
    }
    if (kept == 0)
        return OK;
    if (keeps_left && join->store->row_count == 0)
        return join_emit_columns(join, worker, probe->number, probe->chunk->columns, join_null_vectors(join, worker, false), NULL,
                            &(Chunk){.row_count = probe->chunk->row_count, .sel = probe->chunk->sel, .selected = probe->chunk->selected});
    Vector *right = join_build_vectors(join, worker, codes, nulls);
    Chunk shape = {.row_count = probe->chunk->row_count, .sel = worker->sel, .selected = kept};
    return join_emit_columns(join, worker, probe->number, probe->chunk->columns, right, NULL, &shape);
}

/* A row without a match whose IN may still be NULL. */
static bool is_unknown(const Probe *probe, const uint8_t *has_match, uint32_t row)
{
    const HashJoin *join = probe->join;
    if ((has_match[row] & MATCH_OPEN) != 0)
        return true;
    return join->node->join.in_is_key && join->build_has_rows && (join->build_has_null || probe_key_is_null(probe, row));
}

static Status emit_selected(const Probe *probe, Rows rows, const uint8_t *has_match, bool wanted)
{
    HashJoin *join = probe->join;
    JoinWorker *worker = probe->worker;
    bool null_aware = join_kind(join) == PHYS_JOIN_NULL_AWARE_ANTI;
    uint32_t kept = 0;
    for (FOR_ROWS(rows, i, row)) {
        bool takes = ((has_match[row] & MATCH_FOUND) != 0) == wanted;
        if (null_aware && takes)
            takes = !is_unknown(probe, has_match, row);
        worker->sel[kept] = (uint16_t)row;
        kept += takes;
    }
    if (kept == 0)
        return OK;
    Chunk shape = {.row_count = probe->chunk->row_count, .sel = worker->sel, .selected = kept};
    PhysJoinKind kind = join_kind(join);
    bool pads = kind == PHYS_JOIN_LEFT || kind == PHYS_JOIN_FULL || kind == PHYS_JOIN_LEFT_SINGLE;
    Vector *right = pads ? join_null_vectors(join, worker, false) : NULL;
    return join_emit_columns(join, worker, probe->number, probe->chunk->columns, right, NULL, &shape);
}

/* TRUE on a match, NULL where a NULL leaves it open, else FALSE. */
static Status emit_mark(const Probe *probe, Rows rows, const uint8_t *has_match)
{
    HashJoin *join = probe->join;
    Vector mark;
    vector_init(&mark, &probe->worker->scratch, type_of(TYPE_BOOLEAN), CHUNK_ROWS);
    uint8_t *nulls = vector_nulls(&mark);
    for (FOR_ROWS(rows, i, row)) {
        bool found = (has_match[row] & MATCH_FOUND) != 0;
        ((uint8_t *)mark.data)[row] = found;
        nulls[row] = !found && is_unknown(probe, has_match, row);
    }
    Chunk shape = {.row_count = probe->chunk->row_count, .sel = probe->chunk->sel, .selected = probe->chunk->selected};
    return join_emit_columns(join, probe->worker, probe->number, probe->chunk->columns, NULL, &mark, &shape);
}

Status join_open_probe(HashJoin *join, uint32_t number, const Chunk *chunk, Probe *probe)
{
    JoinWorker *worker = &join->workers[number];
    const PhysNode *node = join->node;
    if (worker->probe == NULL)
        TRY(evaluator_open((const Expr *const *)node->join.left_keys, join_stored_keys(join), join->exec->session,
                           join->memory, join->exec->diag, &worker->probe));
    arena_reset(&worker->scratch);
    *probe = (Probe){.join = join, .worker = worker, .number = number, .chunk = chunk};
    probe->keys = ARENA_NEW_ARRAY(&worker->scratch, const Vector *, join_stored_keys(join) + 1);
    TRY(evaluator_run(worker->probe, chunk, probe->keys));
    if (!join->is_direct)
        hash_keys(probe->keys, node->join.key_count, chunk_rows(chunk), worker->hashes);
    for (uint32_t k = 0; k < join_stored_keys(join); k++)
        probe->stored[k] = &join->store->columns[join->right_count + k];
    if (node->join.key_count != 1)
        return OK;
    probe->view = vector_view(probe->keys[0]);
    PhysKind phys = (PhysKind)probe->keys[0]->type.phys;
    bool no_nulls = probe->view.nulls == NULL && probe->view.row_nulls == NULL && !node->join.null_safe[0];
    if (no_nulls && phys == probe->stored[0]->type.phys)
        probe->int_width = phys == PHYS_I64 ? 8 : phys == PHYS_I32 ? 4 : 0;
    return OK;
}

static bool emits_pairs(PhysJoinKind kind)
{
    return kind == PHYS_JOIN_INNER || kind == PHYS_JOIN_LEFT || kind == PHYS_JOIN_RIGHT || kind == PHYS_JOIN_FULL ||
           kind == PHYS_JOIN_LEFT_SINGLE;
}

static Status finish_matches(const Probe *probe, Rows rows, const uint8_t *has_match)
{
    switch (join_kind(probe->join)) {
    case PHYS_JOIN_LEFT:
    case PHYS_JOIN_FULL:
    case PHYS_JOIN_LEFT_SINGLE:
    case PHYS_JOIN_LEFT_ANTI:
    case PHYS_JOIN_NULL_AWARE_ANTI:
        return emit_selected(probe, rows, has_match, false);
    case PHYS_JOIN_LEFT_SEMI:
        return emit_selected(probe, rows, has_match, true);
    case PHYS_JOIN_LEFT_MARK:
        return emit_mark(probe, rows, has_match);
    case PHYS_JOIN_INNER:
    case PHYS_JOIN_RIGHT:
    case PHYS_JOIN_RIGHT_SEMI:
    case PHYS_JOIN_RIGHT_ANTI:
    case PHYS_JOIN_ASOF_INNER: /* asof_join.c */
    case PHYS_JOIN_ASOF_LEFT:
        return OK;
    }
    UNREACHABLE();
}

Status join_probe(HashJoin *join, uint32_t number, Chunk *chunk)
{
    Probe probe;
    bool done;
    TRY(join_open_probe(join, number, chunk, &probe));
    Rows rows = chunk_rows(chunk);
    if (join->node->join.asof != PHYS_ASOF_NONE)
        return asof_probe(&probe, rows);
    TRY(probe_unique(&probe, rows, &done));
    if (done)
        return OK;
    MatchState state = {.has_match = arena_alloc_zero(&probe.worker->scratch, CHUNK_ROWS), .emits_pairs = emits_pairs(join_kind(join))};
    TRY(match_all(&probe, rows, &state));
    return finish_matches(&probe, rows, state.has_match);
}

Status join_probe_piece(HashJoin *join, uint32_t number, Chunk *chunk, uint8_t *has_match)
{
    Probe probe;
    MatchState state = {.has_match = has_match, .emits_pairs = emits_pairs(join_kind(join))};
    TRY(join_open_probe(join, number, chunk, &probe));
    return match_all(&probe, chunk_rows(chunk), &state);
}

Status join_probe_finish(HashJoin *join, uint32_t number, Chunk *chunk, const uint8_t *has_match)
{
    Probe probe;
    TRY(join_open_probe(join, number, chunk, &probe));
    return finish_matches(&probe, chunk_rows(chunk), has_match);
}

static Status push_probe(Consumer *consumer, uint32_t number, Chunk *chunk)
{
    return join_probe((HashJoin *)consumer, number, chunk);
}

Status join_emit_build(HashJoin *join, uint32_t number)
{
    bool wanted = join_kind(join) == PHYS_JOIN_RIGHT_SEMI;
    JoinWorker *worker = &join->workers[number];
    uint32_t rows = (uint32_t)join->store->row_count;
    uint32_t *codes = worker->build_rows;
    uint32_t count = 0;
    for (uint32_t row = 0; row <= rows; row++) {
        if (row < rows && (atomic_load_explicit(&join->matched[row], memory_order_relaxed) != 0) == wanted)
            codes[count++] = row;
        if (count == 0 || (count < CHUNK_ROWS && row < rows))
            continue;
        TRY(exec_check(join->exec));
        arena_reset(&worker->scratch);
        Chunk shape = {.row_count = count};
        bool pads = join_kind(join) == PHYS_JOIN_RIGHT || join_kind(join) == PHYS_JOIN_FULL;
        Vector *left = pads ? join_null_vectors(join, worker, true) : NULL;
        TRY(join_emit_columns(join, worker, number, left, join_build_vectors(join, worker, codes, NULL), NULL, &shape));
        count = 0;
    }
    return OK;
}

static void open_workers(HashJoin *join)
{
    ExecContext *exec = join->exec;
    join->workers = ARENA_NEW_ARRAY(&exec->arena, JoinWorker, exec->worker_count);
    for (uint32_t w = 0; w < exec->worker_count; w++) {
        JoinWorker *worker = &join->workers[w];
        arena_init(&worker->scratch, join->memory);
        worker->hashes = ARENA_NEW_ARRAY(&exec->arena, uint64_t, CHUNK_ROWS);
        worker->sel = ARENA_NEW_ARRAY(&exec->arena, uint16_t, CHUNK_ROWS);
        worker->probe_rows = ARENA_NEW_ARRAY(&exec->arena, uint32_t, CHUNK_ROWS);
        worker->build_rows = ARENA_NEW_ARRAY(&exec->arena, uint32_t, CHUNK_ROWS);
    }
}

static void close_join(HashJoin *join)
{
    for (uint32_t w = 0; w < join->exec->worker_count; w++) {
        JoinWorker *worker = &join->workers[w];
        column_store_free(worker->rows);
        evaluator_close(worker->build);
        evaluator_close(worker->probe);
        evaluator_close(worker->residual);
        evaluator_close(worker->in_value);
        arena_deinit(&worker->scratch);
    }
    join_spill_close(join);
    join_drop_build(join);
}

Status run_hash_join(ExecContext *exec, const PhysNode *node, Consumer *consumer)
{
    HashJoin join = {.consumer = {.push = push_probe},
                     .exec = exec,
                     .node = node,
                     .memory = node_memory(exec, node),
                     .next = consumer,
                     .left_count = node->children[0]->column_count,
                     .right_count = node->children[1]->column_count};
    mutex_init(&join.spill_lock);
    open_workers(&join);
    Status status = build_side(&join);
    if (status == OK && join.spill != NULL)
        status = join_spill_run(&join);
    else if (status == OK && (join.build_has_rows || !join_needs_build(&join)))
        status = run_node(exec, node->children[0], &join.consumer);
    if (status == OK && join.spill == NULL && join_keeps_build(&join))
        status = join_emit_build(&join, 0);
    close_join(&join);
    return status;
}
