#include "exec/window_int.h"

/* Aggregates over frames whose states are plain bytes: a state a row, made for a chunk of rows at a time, merged with those
 * beside it, finished together. So a row costs a few merges whatever its frame holds:
 *
 *   from the partition's begin   each state takes in the one before: prefixes
 *   to the partition's end       each takes in the one behind: suffixes
 *   as wide for each row         rows are cut into blocks as wide as the frame; a frame is a suffix of one block and a
 *                                prefix of the next (van Herk, 1992; Gil and Werman, 1993)
 *   all of the partition, peers  one state for all of their rows */

enum {
    ADDED_WIDTH = 4,       /* frames of so few rows are added up row by row, */
    ADDED_REAL_WIDTH = 16, /* and these of floating point, whose sum depends on the order */
};

typedef enum FrameForm { FORM_OTHER, FORM_WHOLE, FORM_PEERS, FORM_PREFIX, FORM_SUFFIX, FORM_SLIDING } FrameForm;

typedef struct FrameStates {
    WindowStep *step;
    const AggKernel *kernel;
    AggContext context;
    size_t bytes;                 /* of a state */
    uint8_t *empty;               /* the state of no rows */
    uint8_t **rows;               /* CHUNK_ROWS pointers: what finish() or update() goes over */
    uint8_t **sources, **targets; /* ... merge() */
    uint32_t pairs;               /* in both */
} FrameStates;

/* Bounds as in PhysWindowCall: 0 unbounded preceding, 1 preceding, 2 current row, 3 following, 4 unbounded following. */
static int64_t distance(uint8_t bound, int64_t offset)
{
    int64_t limited = MIN(offset, (int64_t)1 << 33); /* more than any partition has */
    return bound == 1 ? -limited : bound == 3 ? limited : 0;
}

static FrameForm form_of(const PhysWindowCall *spec)
{
    if (spec->frame_start == 0)
        return spec->frame_end == 4 ? FORM_WHOLE : FORM_PREFIX;
    if (spec->frame_end == 4)
        return FORM_SUFFIX;
    if (spec->frame_is_rows)
        return FORM_SLIDING;
    return spec->frame_start == 2 && spec->frame_end == 2 ? FORM_PEERS : FORM_OTHER;
}

static FrameStates open_states(WindowStep *step)
{
    Arena *arena = &step->worker->scratch;
    const AggKernel *kernel = step->spec->binding->aggregate;
    FrameStates states = {.step = step, .kernel = kernel, .bytes = (kernel->state_bytes + 15u) & ~15u};
    states.context = (AggContext){step->spec->binding, step->window->exec->session, arena, step->window->exec->diag};
    states.empty = arena_alloc_zero(arena, states.bytes);
    states.rows = ARENA_NEW_ARRAY(arena, uint8_t *, CHUNK_ROWS);
    states.sources = ARENA_NEW_ARRAY(arena, uint8_t *, CHUNK_ROWS);
    states.targets = ARENA_NEW_ARRAY(arena, uint8_t *, CHUNK_ROWS);
    return states;
}

static Status merge_pairs(FrameStates *states)
{
    uint32_t count = states->pairs;
    states->pairs = 0;
    return count == 0 ? OK : states->kernel->merge(&states->context, states->sources, states->targets, count, 0);
}

/* target takes in source; done in this order, a chunk of them at a time. */
static Status add_pair(FrameStates *states, uint8_t *source, uint8_t *target)
{
    states->sources[states->pairs] = source;
    states->targets[states->pairs++] = target;
    return states->pairs == CHUNK_ROWS ? merge_pairs(states) : OK;
}

/* Row first + i goes into the state rows[i]. */
static Status update_rows(FrameStates *states, uint32_t first, uint32_t count, bool is_one_state)
{
    const WindowStep *step = states->step;
    Vector arguments[FUNC_MAX_FIXED_ARGS];
    const Vector *pointers[FUNC_MAX_FIXED_ARGS];
    uint32_t argument_count = window_arguments(step, first, arguments, pointers);
    Rows rows = {NULL, count};
    if (is_one_state)
        return states->kernel->update_one(&states->context, pointers, argument_count, rows, states->rows[0]);
    return states->kernel->update(&states->context, pointers, argument_count, rows, states->rows, 0);
}

/* The states of rows first .. first+count-1 alone, one behind the other at out. */
static Status make_states(FrameStates *states, uint32_t first, uint32_t count, uint8_t *out)
{
    memset(out, 0, count * states->bytes);
    for (uint32_t done = 0; done < count; done += CHUNK_ROWS) {
        uint32_t part = MIN(count - done, (uint32_t)CHUNK_ROWS);
        for (uint32_t i = 0; i < part; i++)
            states->rows[i] = out + (done + i) * states->bytes;
        TRY(update_rows(states, first + done, part, false));
    }
    return exec_check(states->step->window->exec);
}

static Status finish_rows(FrameStates *states, uint32_t first, uint32_t count)
{
    return states->kernel->finish(&states->context, states->rows, count, 0, first, states->step->result);
}

/* ---- one state for all rows between two marks ---- */

static void copy_over(Vector *result, uint32_t from, uint32_t begin, uint32_t end)
{
    for (uint32_t i = begin; i < end; i++)
        copy_result(result, i, from);
}

/* Many rows of one group. */
static Status finish_group(FrameStates *states, Range group)
{
    memset(states->empty, 0, states->bytes);
    states->rows[0] = states->empty;
    for (uint32_t first = group.begin; first < group.end; first += CHUNK_ROWS) {
        TRY(update_rows(states, first, MIN(group.end - first, (uint32_t)CHUNK_ROWS), true));
        TRY(exec_check(states->step->window->exec));
    }
    TRY(finish_rows(states, group.begin, 1));
    copy_over(states->step->result, group.begin, group.begin + 1, group.end);
    return OK;
}

/* Groups of which none has more than a chunk, from begin on; tells where they end. */
static Status finish_groups(FrameStates *states, Range range, uint8_t mark, uint8_t *space, uint32_t *out_end)
{
    uint32_t end = range.begin;
    for (uint8_t *state = space; end < range.end; state += states->bytes) {
        uint32_t next = next_mark(states->step->window, end + 1, MIN(range.end, end + CHUNK_ROWS + 1), mark);
        if (next - range.begin > CHUNK_ROWS)
            break;
        memset(state, 0, states->bytes);
        for (uint32_t i = end; i < next; i++)
            states->rows[i - range.begin] = state;
        end = next;
    }
    *out_end = end;
    if (end == range.begin)
        return OK;
    TRY(update_rows(states, range.begin, end - range.begin, false));
    return finish_rows(states, range.begin, end - range.begin);
}

static Status finish_marked(FrameStates *states, Range range, uint8_t mark)
{
    uint8_t *space = arena_alloc(&states->step->worker->scratch, (size_t)CHUNK_ROWS * states->bytes);
    while (range.begin < range.end) {
        uint32_t end;
        TRY(finish_groups(states, range, mark, space, &end));
        if (end == range.begin) { /* a large one */
            end = next_mark(states->step->window, end + 1, range.end, mark);
            TRY(finish_group(states, (Range){range.begin, end}));
        }
        range.begin = end;
        TRY(exec_check(states->step->window->exec));
    }
    return OK;
}

/* ---- prefixes and suffixes of partitions ---- */

/* states[0] stands for the row before the first; what is behind takes it in. */
static Status prefix_chunk(FrameStates *states, uint32_t first, uint32_t count, uint8_t *space)
{
    const Window *window = states->step->window;
    TRY(make_states(states, first, count, space + states->bytes));
    for (uint32_t i = 0; i < count; i++) {
        if (!begins_partition(window, first + i))
            TRY(add_pair(states, space + i * states->bytes, space + (i + 1) * states->bytes));
    }
    TRY(merge_pairs(states));
    for (uint32_t i = 0; i < count; i++)
        states->rows[i] = space + (i + 1) * states->bytes;
    TRY(finish_rows(states, first, count));
    memcpy(space, space + count * states->bytes, states->bytes);
    return OK;
}

static Status suffix_chunk(FrameStates *states, Range range, uint32_t first, uint32_t count, uint8_t *space)
{
    const Window *window = states->step->window;
    memcpy(space + count * states->bytes, space, states->bytes); /* what the chunk behind began with */
    TRY(make_states(states, first, count, space));
    for (uint32_t i = count; i-- > 0;) {
        uint32_t next = first + i + 1;
        if (next < range.end && !begins_partition(window, next))
            TRY(add_pair(states, space + (i + 1) * states->bytes, space + i * states->bytes));
    }
    TRY(merge_pairs(states));
    for (uint32_t i = 0; i < count; i++)
        states->rows[i] = space + i * states->bytes;
    return finish_rows(states, first, count);
}

/* Peers have the frame of the last of them, or with is_first of the first. */
static void share_with_peers(const WindowStep *step, Range range, bool is_first)
{
    const uint8_t *marks = step->window->marks;
    for (uint32_t i = range.begin + 1; i < range.end && is_first; i++) {
        if (marks[i] == 0)
            copy_result(step->result, i, i - 1);
    }
    for (uint32_t i = range.end - 1; i-- > range.begin && !is_first;) {
        if (marks[i + 1] == 0)
            copy_result(step->result, i, i + 1);
    }
}

static Status put_empty(FrameStates *states, uint32_t position)
{
    memset(states->empty, 0, states->bytes);
    states->rows[0] = states->empty;
    states->step->result->nulls[position] = 0;
    return finish_rows(states, position, 1);
}

/* Row i takes the result of row i + by; which is beyond the partition: the nearest one's, or of no rows where the frame ends
 * before it begins. */
static Status shift_results(FrameStates *states, Range p, int64_t by, bool is_prefix)
{
    uint32_t rows = p.end - p.begin;
    for (uint32_t n = 0; n < rows; n++) {
        uint32_t i = by > 0 ? p.begin + n : p.end - 1 - n;
        int64_t at = (int64_t)i + by;
        if (is_prefix ? at < p.begin : at >= p.end)
            TRY(put_empty(states, i));
        else
            copy_result(states->step->result, i, (uint32_t)MIN(MAX(at, (int64_t)p.begin), (int64_t)p.end - 1));
    }
    return OK;
}

static Status grow(FrameStates *states, Range range, bool is_prefix)
{
    const PhysWindowCall *spec = states->step->spec;
    uint8_t *space = arena_alloc_zero(&states->step->worker->scratch, (size_t)(CHUNK_ROWS + 1) * states->bytes);
    uint32_t rows = range.end - range.begin;
    for (uint32_t done = 0; done < rows; done += CHUNK_ROWS) {
        uint32_t count = MIN(rows - done, (uint32_t)CHUNK_ROWS);
        TRY(is_prefix ? prefix_chunk(states, range.begin + done, count, space)
                      : suffix_chunk(states, range, range.end - done - count, count, space));
    }
    uint8_t bound = is_prefix ? spec->frame_end : spec->frame_start;
    int64_t by = distance(bound, is_prefix ? spec->end_offset : spec->start_offset);
    if (!spec->frame_is_rows && bound == 2)
        share_with_peers(states->step, range, !is_prefix);
    for (uint32_t begin = range.begin; by != 0 && begin < range.end;) {
        Range partition = partition_at(states->step->window, begin, range.end);
        TRY(shift_results(states, partition, by, is_prefix));
        begin = partition.end;
    }
    return OK;
}

/* ---- frames of one width ---- */

/* A stretch of results needs the states of the positions from `from` on; the arrays are by position less from. */
typedef struct Sliding {
    int64_t low, high; /* the frame of row i: i + low .. i + high */
    uint32_t width;
    uint32_t from;
    uint8_t *prefixes, *suffixes, *sums;
    uint32_t *begins; /* of the block in which a position lies */
    Range partition;  /* of the row that was last looked at */
    Range range;
} Sliding;

static void find_partition(const Window *window, Sliding *sliding, uint32_t position)
{
    while (position >= sliding->partition.end)
        sliding->partition = partition_at(window, sliding->partition.end, sliding->range.end);
}

/* Positions less from; empty when begin > last. */
static bool frame_of(const Window *window, Sliding *sliding, uint32_t position, uint32_t *out_begin, uint32_t *out_last)
{
    find_partition(window, sliding, position);
    int64_t begin = MAX((int64_t)position + sliding->low, (int64_t)sliding->partition.begin);
    int64_t last = MIN((int64_t)position + sliding->high, (int64_t)sliding->partition.end - 1);
    if (begin > last)
        return false;
    *out_begin = (uint32_t)begin - sliding->from;
    *out_last = (uint32_t)last - sliding->from;
    return true;
}

static Status make_blocks(FrameStates *states, Sliding *sliding, uint32_t count)
{
    const Window *window = states->step->window;
    size_t bytes = states->bytes;
    TRY(make_states(states, sliding->from, count, sliding->prefixes));
    memcpy(sliding->suffixes, sliding->prefixes, count * bytes);
    for (uint32_t i = 0, begin = 0; i < count; i++) {
        if (begins_partition(window, sliding->from + i) || i - begin == sliding->width)
            begin = i;
        sliding->begins[i] = begin;
        if (begin != i)
            TRY(add_pair(states, sliding->prefixes + (i - 1) * bytes, sliding->prefixes + i * bytes));
    }
    TRY(merge_pairs(states));
    for (uint32_t i = count; i-- > 1;) {
        if (sliding->begins[i] != i)
            TRY(add_pair(states, sliding->suffixes + i * bytes, sliding->suffixes + (i - 1) * bytes));
    }
    return merge_pairs(states);
}

/* The state of the frame of positions begin .. last becomes row i's: from the blocks. */
static Status join_blocks(FrameStates *states, const Sliding *sliding, uint32_t i, uint32_t begin, uint32_t last)
{
    size_t bytes = states->bytes;
    if (sliding->begins[begin] == sliding->begins[last]) { /* one end of the frame is an end of the block */
        states->rows[i] = (sliding->begins[begin] == begin ? sliding->prefixes + last * bytes : sliding->suffixes + begin * bytes);
        return OK;
    }
    states->rows[i] = sliding->sums + i * bytes;
    memcpy(states->rows[i], sliding->suffixes + begin * bytes, bytes);
    return add_pair(states, sliding->prefixes + last * bytes, states->rows[i]);
}

/* The same, from the states of the rows themselves, in their order. */
static Status add_rows(FrameStates *states, const Sliding *sliding, uint32_t i, uint32_t begin, uint32_t last)
{
    size_t bytes = states->bytes;
    states->rows[i] = sliding->sums + i * bytes;
    memcpy(states->rows[i], sliding->prefixes + begin * bytes, bytes);
    for (uint32_t at = begin + 1; at <= last; at++)
        TRY(add_pair(states, sliding->prefixes + at * bytes, states->rows[i]));
    return OK;
}

/* Results first .. first+count-1, a chunk at most. */
static Status slide_chunk(FrameStates *states, Sliding *sliding, uint32_t first, uint32_t count, bool adds)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t begin, last;
        if (!frame_of(states->step->window, sliding, first + i, &begin, &last))
            states->rows[i] = states->empty;
        else
            TRY(adds ? add_rows(states, sliding, i, begin, last) : join_blocks(states, sliding, i, begin, last));
    }
    TRY(merge_pairs(states));
    return finish_rows(states, first, count);
}

static bool is_added(const WindowStep *step, uint32_t width)
{
    bool is_real = step->spec->argument_count > 0 && (step->arguments[0].type.phys == PHYS_F32 || step->arguments[0].type.phys == PHYS_F64);
    return width <= (is_real ? ADDED_REAL_WIDTH : ADDED_WIDTH);
}

static Status slide_stretch(FrameStates *states, Sliding *sliding, Range stretch)
{
    const Window *window = states->step->window;
    find_partition(window, sliding, stretch.begin);
    Range begun = sliding->partition;
    find_partition(window, sliding, stretch.end - 1);
    int64_t end = MIN((int64_t)stretch.end + sliding->high, (int64_t)sliding->partition.end);
    int64_t from = MAX((int64_t)stretch.begin + sliding->low, (int64_t)begun.begin);
    uint32_t count = from < end ? (uint32_t)(end - from) : 0; /* 0: no frame holds a row */
    sliding->from = (uint32_t)MIN(from, (int64_t)sliding->range.end);
    sliding->partition = begun;
    bool adds = is_added(states->step, sliding->width);
    TRY(adds ? make_states(states, sliding->from, count, sliding->prefixes) : make_blocks(states, sliding, count));
    for (uint32_t first = stretch.begin; first < stretch.end; first += CHUNK_ROWS) {
        uint32_t part = MIN(stretch.end - first, (uint32_t)CHUNK_ROWS);
        TRY(slide_chunk(states, sliding, first, part, adds));
    }
    return OK;
}

static Status slide(FrameStates *states, Range range)
{
    const PhysWindowCall *spec = states->step->spec;
    Arena *arena = &states->step->worker->scratch;
    uint32_t rows = range.end - range.begin;
    Sliding sliding = {.low = distance(spec->frame_start, spec->start_offset),
                       .high = distance(spec->frame_end, spec->end_offset),
                       .range = range,
                       .partition = {range.begin, range.begin}};
    sliding.width = (uint32_t)MIN(MAX(sliding.high - sliding.low + 1, (int64_t)0), (int64_t)rows);
    uint32_t stretch = MIN(MAX((uint32_t)CHUNK_ROWS, sliding.width), rows);
    size_t most = MIN((uint64_t)stretch + sliding.width, (uint64_t)rows);
    TRY(mem_check_room(node_memory(states->step->window->exec, states->step->window->node), (int64_t)(most * states->bytes * 2),
                       states->step->window->exec->diag));
    sliding.prefixes = arena_alloc(arena, most * states->bytes);
    sliding.suffixes = arena_alloc(arena, most * states->bytes);
    sliding.sums = arena_alloc(arena, (size_t)CHUNK_ROWS * states->bytes);
    sliding.begins = ARENA_NEW_ARRAY(arena, uint32_t, most + 1);
    for (uint32_t first = range.begin; first < range.end;) {
        uint32_t end = MIN(stretch, range.end - first) + first;
        TRY(slide_stretch(states, &sliding, (Range){first, end}));
        first = end;
    }
    return OK;
}

static Status compute_frames(WindowStep *step, Range range)
{
    FrameStates states = open_states(step);
    FrameForm form = form_of(step->spec);
    switch (form) {
    case FORM_WHOLE:
        return finish_marked(&states, range, BEGINS_PARTITION);
    case FORM_PEERS:
        return finish_marked(&states, range, BEGINS_PEERS);
    case FORM_PREFIX:
    case FORM_SUFFIX:
        return grow(&states, range, form == FORM_PREFIX);
    case FORM_SLIDING:
        return slide(&states, range);
    case FORM_OTHER:
        break;
    }
    return RAISE(step->window->exec->diag, INTERNAL, "a frame of no form");
}

WindowFunction window_frame_function(const PhysWindowCall *spec)
{
    const AggKernel *kernel = spec->binding->aggregate;
    bool is_plain = kernel->init == NULL && kernel->destroy == NULL && kernel->serialize == NULL && !spec->is_distinct;
    return is_plain && spec->binding->result.phys < PHYS_STR && form_of(spec) != FORM_OTHER ? compute_frames : NULL;
}
