#include "exec/window_int.h"

/* Aggregates whose states point to memory, or that skip rows they have seen (DISTINCT): one state goes over the rows of a
 * partition. It takes in what a frame has more than the one before; what it has less it gives back where the function can,
 * else the state is made anew. */

enum { CHECK_STEPS = 1024 };

/* DISTINCT: the rows (of the store) whose arguments a state has taken in. */
typedef struct SeenRows {
    uint32_t *slots; /* row + 1 */
    uint32_t mask, count;
} SeenRows;

/* The state of one call over the frames of a partition. */
typedef struct FrameState {
    WindowStep *step;
    const AggKernel *kernel;
    AggContext context;
    uint8_t *state;
    SeenRows seen;
    Vector one; /* its value */
} FrameState;

static void forget_rows(SeenRows *seen)
{
    if (seen->slots != NULL)
        memset(seen->slots, 0, ((size_t)seen->mask + 1) * sizeof(uint32_t));
    seen->count = 0;
}

static bool same_arguments(const WindowStep *step, uint32_t a, uint32_t b, Arena *scratch)
{
    for (uint32_t i = 0; i < step->spec->argument_count; i++) {
        const Vector *column = &step->arguments[i];
        Datum x = vector_get(column, a, scratch);
        Datum y = vector_get(column, b, scratch);
        if (x.is_null != y.is_null || datum_compare(column->type, &x, &y) != 0)
            return false;
    }
    return true;
}

static uint32_t *seen_slot(const WindowStep *step, const SeenRows *seen, uint32_t row, uint64_t hash, Arena *scratch)
{
    uint32_t slot = (uint32_t)hash & seen->mask;
    while (seen->slots[slot] != 0 && !same_arguments(step, seen->slots[slot] - 1, row, scratch))
        slot = (slot + 1) & seen->mask;
    return &seen->slots[slot];
}

static void grow_seen(const WindowStep *step, SeenRows *seen, Arena *scratch)
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
        uint32_t count = step->spec->argument_count;
        for (uint32_t a = 0; a < count && a < FUNC_MAX_FIXED_ARGS; a++) {
            const Vector *column = &step->arguments[a];
            arguments[a] = (Vector){.type = column->type,
                                    .form = VECTOR_DICTIONARY,
                                    .codes = &row,
                                    .dictionary = column,
                                    .dict_size = (uint32_t)step->window->store->row_count};
            pointers[a] = &arguments[a];
        }
        hash_keys(pointers, count, (Rows){NULL, 1}, &hash);
        *seen_slot(step, &larger, row, hash, scratch) = row + 1;
    }
    mem_free(seen->slots);
    *seen = larger;
}

/* The positions whose arguments are new; notes them. */
static Rows new_rows(const WindowStep *step, SeenRows *seen, const Vector *const *arguments, uint32_t first, uint32_t count, Arena *arena)
{
    uint64_t *hashes = ARENA_NEW_ARRAY(arena, uint64_t, count);
    uint16_t *sel = ARENA_NEW_ARRAY(arena, uint16_t, count);
    uint32_t kept = 0;
    hash_keys(arguments, step->spec->argument_count, (Rows){NULL, count}, hashes);
    for (uint32_t i = 0; i < count; i++) {
        if (seen->slots == NULL || seen->count * 2 > seen->mask)
            grow_seen(step, seen, arena);
        uint32_t row = step->window->order[first + i];
        uint32_t *slot = seen_slot(step, seen, row, hashes[i], arena);
        if (*slot != 0)
            continue;
        *slot = row + 1;
        seen->count++;
        sel[kept++] = (uint16_t)i;
    }
    return (Rows){sel, kept};
}

typedef enum FeedKind { FEED_ADD, FEED_RETRACT } FeedKind;

/* Feeds positions first .. end-1 into the state (or takes them out), a piece at a time. */
static Status feed(FrameState *frame, uint32_t first, uint32_t end, FeedKind kind)
{
    const WindowStep *step = frame->step;
    for (; first < end; first += CHUNK_ROWS) {
        uint32_t count = MIN(end - first, (uint32_t)CHUNK_ROWS);
        Vector arguments[FUNC_MAX_FIXED_ARGS];
        const Vector *pointers[FUNC_MAX_FIXED_ARGS];
        uint32_t argument_count = window_arguments(step, first, arguments, pointers);
        AUTO_ARENA scratch;
        arena_init(&scratch, NULL);
        Rows rows = {NULL, count};
        if (step->spec->is_distinct)
            rows = new_rows(step, &frame->seen, pointers, first, count, &scratch);
        TRY((kind == FEED_ADD ? frame->kernel->update_one : frame->kernel->retract)(&frame->context, pointers, argument_count, rows,
                                                                                    frame->state));
    }
    return OK;
}

/* The value of the state becomes the result of positions first .. end-1. */
static Status finish_state(FrameState *frame, uint32_t first, uint32_t end)
{
    vector_reset(&frame->one);
    TRY(frame->kernel->finish(&frame->context, &frame->state, 1, 0, 0, &frame->one));
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    Datum value = vector_get(&frame->one, 0, &arena);
    for (uint32_t i = first; i < end; i++)
        put_value(frame->step, i, &value);
    return OK;
}

static void clear_state(FrameState *frame)
{
    if (frame->kernel->destroy != NULL)
        frame->kernel->destroy(&frame->context, frame->state);
    memset(frame->state, 0, frame->kernel->state_bytes);
    if (frame->kernel->init != NULL)
        frame->kernel->init(&frame->context, frame->state);
    forget_rows(&frame->seen);
}

/* From the frame `held` to the next one. */
static Status move_state(FrameState *frame, Range held, Range next)
{
    bool can_retract = frame->kernel->retract != NULL && !frame->step->spec->is_distinct;
    bool overlaps = next.begin >= held.begin && next.begin < held.end && next.end >= held.end;
    if (overlaps && (next.begin == held.begin || can_retract)) {
        TRY(feed(frame, held.begin, next.begin, FEED_RETRACT));
        return feed(frame, held.end, next.end, FEED_ADD);
    }
    clear_state(frame);
    return feed(frame, next.begin, next.end, FEED_ADD);
}

static Status slide_state(FrameState *frame, Range p)
{
    FrameCursor cursor = frame_cursor(frame->step, p);
    Range held = {p.begin, p.begin};
    for (uint32_t i = p.begin, steps = 0; i < p.end; steps++) {
        Range next = frame_at(&cursor, i);
        next.end = MAX(next.begin, next.end);
        TRY(move_state(frame, held, next));
        held = next;
        uint32_t same = i + 1; /* these rows have the same frame */
        for (Range other = next; same < p.end; same++) {
            other = frame_at(&cursor, same);
            if (other.begin != next.begin || other.end != next.end)
                break;
        }
        TRY(finish_state(frame, i, same));
        i = same;
        if (steps % CHECK_STEPS == 0)
            TRY(exec_check(frame->step->window->exec));
    }
    return OK;
}

static Status feed_partition(WindowStep *step, Range p)
{
    const AggKernel *kernel = step->spec->binding->aggregate;
    Arena *scratch = &step->worker->scratch;
    arena_reset(scratch);
    FrameState frame = {.step = step, .kernel = kernel, .state = arena_alloc_zero(scratch, kernel->state_bytes + 16)};
    frame.context = (AggContext){step->spec->binding, step->window->exec->session, scratch, step->window->exec->diag};
    vector_init(&frame.one, scratch, step->result->type, 1);
    if (kernel->init != NULL)
        kernel->init(&frame.context, frame.state);
    Status status = slide_state(&frame, p);
    if (kernel->destroy != NULL)
        kernel->destroy(&frame.context, frame.state);
    mem_free(frame.seen.slots);
    return status;
}

Status window_feed(WindowStep *step, Range range)
{
    while (range.begin < range.end) {
        Range partition = partition_at(step->window, range.begin, range.end);
        TRY(feed_partition(step, partition));
        range.begin = partition.end;
    }
    return OK;
}
