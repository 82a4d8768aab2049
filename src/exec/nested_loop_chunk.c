#include "exec/nested_loop_int.h"

/* A chunk of left rows against few right rows: each of these is a constant beside the whole chunk, so that the conditions run
 * over it once a right row. What a left row has met is a byte a row; semi and anti joins only ask the rows again that
 * have met nothing yet. */

bool loop_suits_chunk(const LoopJoin *join, uint32_t rows)
{
    return join->store->row_count < rows && join->node->join.in_residual_count == 0;
}

typedef struct Meeting {
    LoopJoin *join;
    uint32_t number;
    const Chunk *chunk;
    uint8_t *met; /* by row of the chunk; NULL: nobody asks */
    uint16_t *left_over; /* rows that met nothing, for kinds that need no second meeting */
    uint32_t left_count;
} Meeting;

static bool meets_once(PhysJoinKind kind)
{
    return kind == PHYS_JOIN_LEFT_SEMI || kind == PHYS_JOIN_LEFT_ANTI || kind == PHYS_JOIN_NULL_AWARE_ANTI || kind == PHYS_JOIN_LEFT_MARK;
}

static bool emits_pairs(PhysJoinKind kind)
{
    return kind == PHYS_JOIN_INNER || kind == PHYS_JOIN_LEFT || kind == PHYS_JOIN_RIGHT || kind == PHYS_JOIN_FULL ||
           kind == PHYS_JOIN_LEFT_SINGLE;
}

/* The rows of the chunk, as far as they are asked, that the right row goes with: *out_sel, NULL: all of the chunk's. */
static Status filter_chunk(const Meeting *meeting, const Vector *right, const uint16_t **out_sel, uint32_t *out_selected)
{
    const LoopJoin *join = meeting->join;
    LoopWorker *worker = &join->workers[meeting->number];
    Chunk both = *meeting->chunk;
    if (meeting->left_over != NULL) {
        both.sel = meeting->left_over;
        both.selected = meeting->left_count;
    }
    if (join->node->join.residual_count == 0) {
        *out_sel = both.sel;
        *out_selected = both.sel == NULL ? both.row_count : both.selected;
        return OK;
    }
    both.columns = ARENA_NEW_ARRAY(&worker->scratch, Vector, join->left_count + join->right_count + 1);
    both.column_count = join->left_count + join->right_count;
    memcpy(both.columns, meeting->chunk->columns, join->left_count * sizeof(Vector));
    memcpy(both.columns + join->left_count, right, join->right_count * sizeof(Vector));
    *out_sel = worker->sel;
    return evaluator_filter(worker->filter, &both, worker->sel, out_selected);
}

/* Takes those that have met something out of left_over. */
static void drop_met(Meeting *meeting)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < meeting->left_count; i++) {
        if (!meeting->met[meeting->left_over[i]])
            meeting->left_over[kept++] = meeting->left_over[i];
    }
    meeting->left_count = kept;
}

static Status note_met(Meeting *meeting, Rows rows)
{
    bool is_single = meeting->join->node->join.kind == PHYS_JOIN_LEFT_SINGLE;
    for (FOR_ROWS(rows, i, row)) {
        if (is_single && meeting->met[row])
            return RAISE(meeting->join->exec->diag, SUBQUERY_MORE_THAN_ONE_ROW, "Expected LE 1 to be returned by expression");
        meeting->met[row] = 1;
    }
    if (meeting->left_over != NULL)
        drop_met(meeting);
    return OK;
}

static Status meet_right_row(Meeting *meeting, uint64_t at)
{
    LoopJoin *join = meeting->join;
    LoopWorker *worker = &join->workers[meeting->number];
    PhysJoinKind kind = (PhysJoinKind)join->node->join.kind;
    bool is_known = !emits_pairs(kind) && meeting->met == NULL && atomic_load_explicit(&join->matched[at], memory_order_relaxed) != 0;
    if (is_known) /* a right semi or anti join asks no more */
        return OK;
    Vector *slice = ARENA_NEW_ARRAY(&worker->scratch, Vector, MAX(join->right_count, 1u));
    Chunk one;
    const uint16_t *sel;
    uint32_t selected;
    column_store_slice(join->store, at, 1, slice, &one);
    const Vector *right = loop_constants(join, meeting->number, slice, join->right_count, 0);
    TRY(filter_chunk(meeting, right, &sel, &selected));
    if (selected == 0)
        return OK;
    if (join->matched != NULL)
        atomic_store_explicit(&join->matched[at], 1, memory_order_relaxed);
    Rows rows = {sel, selected};
    if (meeting->met != NULL)
        TRY(note_met(meeting, rows));
    if (!emits_pairs(kind))
        return OK;
    return loop_emit(join, meeting->number, meeting->chunk->columns, right, NULL,
                     (Chunk){.row_count = meeting->chunk->row_count, .sel = sel, .selected = selected});
}

/* Left rows with a right side of NULLs: those that met something, or those that did not. */
static Status emit_left(const Meeting *meeting, bool wants_met, const Vector *mark)
{
    LoopJoin *join = meeting->join;
    LoopWorker *worker = &join->workers[meeting->number];
    Rows rows = chunk_rows(meeting->chunk);
    Vector *right;
    uint32_t selected = 0;
    for (FOR_ROWS(rows, i, row)) {
        if (mark != NULL || (meeting->met[row] != 0) == wants_met)
            worker->sel[selected++] = (uint16_t)row;
    }
    if (selected == 0)
        return OK;
    loop_null_side(join, meeting->number, false, &right);
    return loop_emit(join, meeting->number, meeting->chunk->columns, right, mark,
                     (Chunk){.row_count = meeting->chunk->row_count, .sel = worker->sel, .selected = selected});
}

static Status finish_chunk(const Meeting *meeting)
{
    LoopWorker *worker = &meeting->join->workers[meeting->number];
    Vector mark;
    switch ((PhysJoinKind)meeting->join->node->join.kind) {
    case PHYS_JOIN_LEFT:
    case PHYS_JOIN_FULL:
    case PHYS_JOIN_LEFT_SINGLE:
    case PHYS_JOIN_LEFT_ANTI:
    case PHYS_JOIN_NULL_AWARE_ANTI:
        return emit_left(meeting, false, NULL);
    case PHYS_JOIN_LEFT_SEMI:
        return emit_left(meeting, true, NULL);
    case PHYS_JOIN_LEFT_MARK:
        vector_init(&mark, &worker->scratch, type_of(TYPE_BOOLEAN), CHUNK_ROWS);
        memcpy(mark.data, meeting->met, meeting->chunk->row_count);
        return emit_left(meeting, true, &mark);
    case PHYS_JOIN_INNER:
    case PHYS_JOIN_RIGHT:
    case PHYS_JOIN_RIGHT_SEMI:
    case PHYS_JOIN_RIGHT_ANTI:
    case PHYS_JOIN_ASOF_INNER: /* has keys, so it does not come here */
    case PHYS_JOIN_ASOF_LEFT:
        break;
    }
    return OK;
}

Status loop_join_chunk(LoopJoin *join, uint32_t number, const Chunk *chunk)
{
    PhysJoinKind kind = (PhysJoinKind)join->node->join.kind;
    Meeting meeting = {.join = join, .number = number, .chunk = chunk};
    AUTO_ARENA arena; /* lives as long as the chunk; the scratch arena as long as a right row */
    arena_init(&arena, NULL);
    Rows rows = chunk_rows(chunk);
    bool is_left_kept = kind == PHYS_JOIN_LEFT || kind == PHYS_JOIN_FULL || kind == PHYS_JOIN_LEFT_SINGLE;
    if (is_left_kept || meets_once(kind)) {
        meeting.met = ARENA_NEW_ARRAY(&arena, uint8_t, CHUNK_ROWS);
        memset(meeting.met, 0, chunk->row_count);
    }
    if (meets_once(kind)) {
        meeting.left_over = ARENA_NEW_ARRAY(&arena, uint16_t, CHUNK_ROWS);
        for (FOR_ROWS(rows, i, row))
            meeting.left_over[meeting.left_count++] = (uint16_t)row;
    }
    for (uint64_t at = 0; at < join->store->row_count && (meeting.left_over == NULL || meeting.left_count > 0); at++) {
        TRY(exec_check(join->exec));
        arena_reset(&join->workers[number].scratch);
        TRY(meet_right_row(&meeting, at));
    }
    arena_reset(&join->workers[number].scratch);
    return finish_chunk(&meeting);
}
