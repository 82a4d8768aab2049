#include "exec/nested_loop_int.h"

/* Joins without equalities: the right side is kept, every left row meets it block by block. One left row at
 * a time is a constant beside a block of right rows, so conditions still run a block at a time; where the right side has
 * fewer rows than the left chunk, nested_loop_chunk.c turns that round. A right side
 * beyond memory goes to disk, and so does the left; then the right side comes in pieces, and the left rows meet
 * each piece, with what they have met so far kept a byte a row. */

typedef struct LoopBuild {
    Consumer consumer;
    LoopJoin *join;
} LoopBuild;

static void renew_store(LoopJoin *join)
{
    column_store_free(join->store);
    join->store = column_store_new(node_memory(join->exec, join->node), join->right_types, join->right_count);
}

/* Lock held, or one thread. */
static Status spill_right(LoopJoin *join)
{
    if (join->right_stream == NULL)
        join->right_stream = spill_stream_new(join->exec, join->node, join->right_types, join->right_count);
    TRY(spill_stream_append_store(join->right_stream, join->store));
    renew_store(join);
    return OK;
}

static Status push_build(Consumer *consumer, uint32_t number, Chunk *chunk)
{
    LoopJoin *join = ((LoopBuild *)consumer)->join;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    (void)number;
    const Vector **columns = ARENA_NEW_ARRAY(&arena, const Vector *, MAX(join->right_count, 1u));
    for (uint32_t i = 0; i < join->right_count; i++)
        columns[i] = &chunk->columns[i];
    LOCK_GUARD(&join->lock);
    TRY(column_store_append(join->exec, join->store, columns, chunk_rows(chunk)));
    int64_t bytes = (int64_t)join->store->arena.total_bytes / join->exec->worker_count;
    bool spills = join->store->row_count >= SPILL_MIN_ROWS && spill_wanted(join->exec, join->node, bytes);
    return spills ? spill_right(join) : OK;
}

Status loop_emit(LoopJoin *join, uint32_t number, const Vector *left, const Vector *right, const Vector *mark, Chunk shape)
{
    LoopWorker *worker = &join->workers[number];
    const PhysNode *node = join->node;
    Vector *columns = ARENA_NEW_ARRAY(&worker->scratch, Vector, MAX(node->column_count, 1u));
    for (uint32_t i = 0; i < node->column_count; i++) {
        uint32_t slot = node->join.outputs[i];
        columns[i] = slot < join->left_count                       ? left[slot]
                     : slot < join->left_count + join->right_count ? right[slot - join->left_count]
                                                                   : *mark;
    }
    shape.columns = columns;
    shape.column_count = node->column_count;
    profile_rows(join->exec, node, chunk_alive(&shape));
    return join->next->push(join->next, number, &shape);
}

void loop_null_side(LoopJoin *join, uint32_t number, bool of_left, Vector **out)
{
    Arena *arena = &join->workers[number].scratch;
    const PhysNode *side = join->node->children[of_left ? 0 : 1];
    *out = ARENA_NEW_ARRAY(arena, Vector, MAX(side->column_count, 1u));
    for (uint32_t i = 0; i < side->column_count; i++)
        vector_make_constant_null(&(*out)[i], arena, side->columns[i].type);
}

Vector *loop_constants(LoopJoin *join, uint32_t number, const Vector *columns, uint32_t count, uint32_t row)
{
    Arena *arena = &join->workers[number].scratch;
    Vector *constants = ARENA_NEW_ARRAY(arena, Vector, MAX(count, 1u));
    for (uint32_t i = 0; i < count; i++) {
        Datum value = vector_get(&columns[i], row, arena);
        vector_set_constant(&constants[i], arena, columns[i].type, &value);
    }
    return constants;
}

static Status match_block(LoopJoin *join, uint32_t number, const Vector *left, Chunk *block, uint32_t *out_selected)
{
    LoopWorker *worker = &join->workers[number];
    const PhysNode *node = join->node;
    if (node->join.residual_count == 0) {
        for (uint32_t i = 0; i < block->row_count; i++)
            worker->sel[i] = (uint16_t)i;
        *out_selected = block->row_count;
        return OK;
    }
    Vector *both = ARENA_NEW_ARRAY(&worker->scratch, Vector, join->left_count + join->right_count + 1);
    memcpy(both, left, join->left_count * sizeof(*both));
    memcpy(both + join->left_count, block->columns, join->right_count * sizeof(*both));
    Chunk chunk = {.columns = both, .column_count = join->left_count + join->right_count, .row_count = block->row_count};
    return evaluator_filter(worker->filter, &chunk, worker->sel, out_selected);
}

static Status open_in(LoopJoin *join, LoopWorker *worker)
{
    const PhysNode *node = join->node;
    uint32_t first = node->join.in_residual_count;
    if (worker->in_value != NULL)
        return OK;
    const Expr *all = expr_and(&join->exec->arena, node->join.residual, first);
    TRY(evaluator_open(&all, 1, join->exec->session, join->exec->options->memory, join->exec->diag, &worker->in_value));
    if (node->join.residual_count == first)
        return OK;
    return evaluator_open((const Expr *const *)node->join.residual + first, node->join.residual_count - first,
                          join->exec->session, join->exec->options->memory, join->exec->diag, &worker->others);
}

/* NOT IN and IN as a value: is the comparison NULL, not FALSE, for a right row that passes the rest? */
static Status any_unknown(LoopJoin *join, uint32_t number, const Vector *left, const Chunk *block, bool *in_out)
{
    LoopWorker *worker = &join->workers[number];
    Vector *both = ARENA_NEW_ARRAY(&worker->scratch, Vector, join->left_count + join->right_count + 1);
    const Vector *result;
    TRY(open_in(join, worker));
    memcpy(both, left, join->left_count * sizeof(*both));
    memcpy(both + join->left_count, block->columns, join->right_count * sizeof(*both));
    Chunk chunk = {.columns = both, .column_count = join->left_count + join->right_count, .row_count = block->row_count};
    if (worker->others != NULL) {
        TRY(evaluator_filter(worker->others, &chunk, worker->sel, &chunk.selected));
        chunk.sel = worker->sel;
        if (chunk.selected == 0)
            return OK;
    }
    TRY(evaluator_run(worker->in_value, &chunk, &result));
    Rows rows = chunk_rows(&chunk);
    VectorView view = vector_view(result);
    for (FOR_ROWS(rows, i, row))
        *in_out |= view_is_null(&view, row);
    return OK;
}

typedef struct RowOutcome {
    bool matched;
    bool unknown;
} RowOutcome;

static Status join_row(LoopJoin *join, uint32_t number, const Chunk *chunk, uint32_t row, RowOutcome *out)
{
    LoopWorker *worker = &join->workers[number];
    PhysJoinKind kind = (PhysJoinKind)join->node->join.kind;
    bool emits = kind == PHYS_JOIN_INNER || kind == PHYS_JOIN_LEFT || kind == PHYS_JOIN_RIGHT || kind == PHYS_JOIN_FULL ||
                 kind == PHYS_JOIN_LEFT_SINGLE;
    bool wants_unknown = join->node->join.in_residual_count > 0;
    const Vector *left = loop_constants(join, number, chunk->columns, join->left_count, row);
    Vector *right = ARENA_NEW_ARRAY(&worker->scratch, Vector, MAX(join->right_count, 1u));
    for (uint64_t first = 0; first < join->store->row_count; first += CHUNK_ROWS) {
        Chunk block;
        uint32_t selected;
        TRY(exec_check(join->exec));
        column_store_slice(join->store, first, (uint32_t)MIN(join->store->row_count - first, (uint64_t)CHUNK_ROWS), right, &block);
        TRY(match_block(join, number, left, &block, &selected));
        if (wants_unknown && selected == 0)
            TRY(any_unknown(join, number, left, &block, &out->unknown));
        if (selected == 0)
            continue;
        if (kind == PHYS_JOIN_LEFT_SINGLE && (out->matched || selected > 1))
            return RAISE(join->exec->diag, SUBQUERY_MORE_THAN_ONE_ROW, "Expected LE 1 to be returned by expression");
        out->matched = true;
        for (uint32_t i = 0; join->matched != NULL && i < selected; i++)
            atomic_store_explicit(&join->matched[first + worker->sel[i]], 1, memory_order_relaxed);
        if (!emits && join->matched == NULL)
            return OK;
        block.sel = worker->sel;
        block.selected = selected;
        if (emits)
            TRY(loop_emit(join, number, left, right, NULL, (Chunk){.row_count = block.row_count, .sel = worker->sel, .selected = selected}));
    }
    return OK;
}

static Status finish_row(LoopJoin *join, uint32_t number, const Chunk *chunk, uint32_t row, RowOutcome outcome)
{
    PhysJoinKind kind = (PhysJoinKind)join->node->join.kind;
    LoopWorker *worker = &join->workers[number];
    Vector *right = NULL;
    Vector mark;
    bool takes = false;
    switch (kind) {
    case PHYS_JOIN_LEFT:
    case PHYS_JOIN_FULL:
    case PHYS_JOIN_LEFT_SINGLE:
        takes = !outcome.matched;
        break;
    case PHYS_JOIN_LEFT_SEMI:
        takes = outcome.matched;
        break;
    case PHYS_JOIN_LEFT_ANTI:
        takes = !outcome.matched;
        break;
    case PHYS_JOIN_NULL_AWARE_ANTI:
        takes = !outcome.matched && !outcome.unknown;
        break;
    case PHYS_JOIN_LEFT_MARK: {
        Datum value = outcome.matched ? datum_i64(1) : outcome.unknown ? datum_null() : datum_i64(0);
        vector_set_constant(&mark, &worker->scratch, type_of(TYPE_BOOLEAN), &value);
        takes = true;
        break;
    }
    case PHYS_JOIN_INNER:
    case PHYS_JOIN_RIGHT:
    case PHYS_JOIN_RIGHT_SEMI:
    case PHYS_JOIN_RIGHT_ANTI:
    case PHYS_JOIN_ASOF_INNER: /* has keys, so it does not come here */
    case PHYS_JOIN_ASOF_LEFT:
        break;
    }
    if (!takes)
        return OK;
    loop_null_side(join, number, false, &right);
    return loop_emit(join, number, loop_constants(join, number, chunk->columns, join->left_count, row), right, &mark, (Chunk){.row_count = 1});
}

static Status open_filter(LoopJoin *join, LoopWorker *worker)
{
    const PhysNode *node = join->node;
    if (worker->filter != NULL || node->join.residual_count == 0)
        return OK;
    return evaluator_open((const Expr *const *)node->join.residual, node->join.residual_count, join->exec->session,
                          join->exec->options->memory, join->exec->diag, &worker->filter);
}

static Status push_left(Consumer *consumer, uint32_t number, Chunk *chunk)
{
    LoopJoin *join = (LoopJoin *)consumer;
    LoopWorker *worker = &join->workers[number];
    TRY(open_filter(join, worker));
    Rows rows = chunk_rows(chunk);
    if (loop_suits_chunk(join, rows.count))
        return loop_join_chunk(join, number, chunk);
    for (FOR_ROWS(rows, i, row)) {
        RowOutcome outcome = {false, false};
        arena_reset(&worker->scratch);
        TRY(join_row(join, number, chunk, row, &outcome));
        TRY(finish_row(join, number, chunk, row, outcome));
    }
    return OK;
}

static Status emit_right(LoopJoin *join)
{
    PhysJoinKind kind = (PhysJoinKind)join->node->join.kind;
    bool wanted = kind == PHYS_JOIN_RIGHT_SEMI;
    for (uint64_t row = 0; row < join->store->row_count; row++) {
        if ((atomic_load(&join->matched[row]) != 0) != wanted)
            continue;
        Vector *left;
        Chunk block;
        arena_reset(&join->workers[0].scratch);
        Vector *right = ARENA_NEW_ARRAY(&join->workers[0].scratch, Vector, MAX(join->right_count, 1u));
        loop_null_side(join, 0, true, &left);
        column_store_slice(join->store, row, 1, right, &block);
        TRY(loop_emit(join, 0, left, right, NULL, (Chunk){.row_count = 1}));
    }
    return OK;
}

/* ---- the right side on disk ---- */

enum { OUTCOME_MATCHED = 1, OUTCOME_UNKNOWN = 2 };

typedef struct LoopSpool {
    Consumer consumer;
    LoopJoin *join;
} LoopSpool;

static Status push_spool(Consumer *consumer, uint32_t number, Chunk *chunk)
{
    LoopJoin *join = ((LoopSpool *)consumer)->join;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    (void)number;
    const Vector **columns = ARENA_NEW_ARRAY(&arena, const Vector *, MAX(join->left_count, 1u));
    for (uint32_t i = 0; i < join->left_count; i++)
        columns[i] = &chunk->columns[i];
    return spill_stream_append(join->left_stream, columns, chunk_rows(chunk));
}

/* Right rows into the store, as many as memory allows. */
static Status load_piece(LoopJoin *join, SpillReader *reader, bool *out_end)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    const Vector **columns = ARENA_NEW_ARRAY(&arena, const Vector *, MAX(join->right_count, 1u));
    int64_t limit_bytes = spill_allowance(join->exec, join->node);
    renew_store(join);
    while ((int64_t)join->store->arena.total_bytes < limit_bytes || join->store->row_count < SPILL_MIN_ROWS) {
        Chunk *chunk;
        TRY(spill_reader_next(reader, &chunk));
        *out_end = chunk == NULL;
        if (chunk == NULL)
            return OK;
        for (uint32_t i = 0; i < join->right_count; i++)
            columns[i] = &chunk->columns[i];
        TRY(column_store_append(join->exec, join->store, columns, chunk_rows(chunk)));
    }
    return OK;
}

static Status meet_row(LoopJoin *join, const Chunk *chunk, uint32_t row, uint8_t *state, bool is_last)
{
    RowOutcome outcome = {(*state & OUTCOME_MATCHED) != 0, (*state & OUTCOME_UNKNOWN) != 0};
    arena_reset(&join->workers[0].scratch);
    if (is_last)
        return finish_row(join, 0, chunk, row, outcome);
    bool emits_once = join->node->join.kind == PHYS_JOIN_LEFT_SEMI || join->node->join.kind == PHYS_JOIN_LEFT_ANTI;
    if (emits_once && outcome.matched)
        return OK;
    TRY(join_row(join, 0, chunk, row, &outcome));
    *state = (uint8_t)((outcome.matched ? OUTCOME_MATCHED : 0) | (outcome.unknown ? OUTCOME_UNKNOWN : 0));
    return OK;
}

/* All left rows against the piece in memory; or, last, their ends. */
static Status meet_all(LoopJoin *join, uint8_t *states, bool is_last)
{
    SpillReader *reader;
    uint64_t first = 0;
    TRY(spill_reader_open(join->left_stream, SPILL_READ_ROWS, &reader));
    Status status = OK;
    while (status == OK && (join->next->is_full == NULL || !join->next->is_full(join->next))) {
        Chunk *chunk;
        status = spill_reader_next(reader, &chunk);
        if (status != OK || chunk == NULL)
            break;
        for (uint32_t row = 0; row < chunk->row_count && status == OK; row++)
            status = meet_row(join, chunk, row, &states[first + row], is_last);
        first += chunk->row_count;
    }
    spill_reader_close(reader);
    return status;
}

static Status join_pieces(LoopJoin *join, bool keeps_right, uint8_t *states)
{
    SpillReader *reader;
    TRY(spill_reader_open(join->right_stream, SPILL_READ_ROWS, &reader));
    Status status = OK;
    for (bool at_end = false; !at_end && status == OK;) {
        status = load_piece(join, reader, &at_end);
        if (status != OK)
            break;
        if (keeps_right)
            join->matched = mem_alloc_zero(join->store->row_count + 1);
        status = meet_all(join, states, false);
        if (status == OK && keeps_right)
            status = emit_right(join);
        mem_free(join->matched);
        join->matched = NULL;
    }
    spill_reader_close(reader);
    return status == OK ? meet_all(join, states, true) : status;
}

static Status run_on_disk(LoopJoin *join, bool keeps_right)
{
    AUTO_BUFFER states = {0};
    LoopSpool spool = {.consumer = {.push = push_spool}, .join = join};
    TRY(spill_right(join));
    TRY(spill_stream_finish(join->right_stream));
    join->left_stream = spill_stream_new(join->exec, join->node, join->left_types, join->left_count);
    TRY(run_node(join->exec, join->node->children[0], &spool.consumer));
    TRY(spill_stream_finish(join->left_stream));
    TRY(open_filter(join, &join->workers[0]));
    TRY(buffer_alloc(&states, node_memory(join->exec, join->node), spill_stream_rows(join->left_stream) + 1, join->exec->diag));
    memset(states.data, 0, states.size);
    return join_pieces(join, keeps_right, states.data);
}

static Status run_in_memory(LoopJoin *join, bool keeps_right)
{
    if (keeps_right)
        join->matched = mem_alloc_zero(join->store->row_count + 1);
    TRY(run_node(join->exec, join->node->children[0], &join->consumer));
    return keeps_right ? emit_right(join) : OK;
}

static const Type *column_types(ExecContext *exec, const PhysNode *node)
{
    Type *types = ARENA_NEW_ARRAY(&exec->arena, Type, MAX(node->column_count, 1u));
    for (uint32_t i = 0; i < node->column_count; i++)
        types[i] = node->columns[i].type;
    return types;
}

Status run_nested_loop(ExecContext *exec, const PhysNode *node, Consumer *consumer)
{
    LoopJoin join = {.consumer = {.push = push_left},
                     .exec = exec,
                     .node = node,
                     .next = consumer,
                     .left_count = node->children[0]->column_count,
                     .right_count = node->children[1]->column_count};
    PhysJoinKind kind = (PhysJoinKind)node->join.kind;
    bool keeps_right = kind == PHYS_JOIN_RIGHT || kind == PHYS_JOIN_FULL || kind == PHYS_JOIN_RIGHT_SEMI || kind == PHYS_JOIN_RIGHT_ANTI;
    join.left_types = column_types(exec, node->children[0]);
    join.right_types = column_types(exec, node->children[1]);
    join.store = column_store_new(node_memory(exec, node), join.right_types, join.right_count);
    join.workers = ARENA_NEW_ARRAY(&exec->arena, LoopWorker, exec->worker_count);
    for (uint32_t w = 0; w < exec->worker_count; w++) {
        arena_init(&join.workers[w].scratch, exec->options->memory);
        join.workers[w].sel = ARENA_NEW_ARRAY(&exec->arena, uint16_t, CHUNK_ROWS);
    }
    mutex_init(&join.lock);
    LoopBuild build = {.consumer = {.push = push_build}, .join = &join};
    Status status = run_node(exec, node->children[1], &build.consumer);
    if (status == OK)
        status = join.right_stream != NULL ? run_on_disk(&join, keeps_right) : run_in_memory(&join, keeps_right);
    for (uint32_t w = 0; w < exec->worker_count; w++) {
        evaluator_close(join.workers[w].filter);
        evaluator_close(join.workers[w].others);
        evaluator_close(join.workers[w].in_value);
        arena_deinit(&join.workers[w].scratch);
    }
    mem_free(join.matched);
    spill_stream_free(join.right_stream);
    spill_stream_free(join.left_stream);
    column_store_free(join.store);
    mutex_deinit(&join.lock);
    return status;
}
