#include "exec/window_int.h"

/* lead, lag, first_value, last_value: first which position each row takes its value from, then all values at once. With
 * IGNORE NULLS the positions that hold a value are listed once a partition. */

enum { FROM_NONE = UINT32_MAX };

/* Of a partition: positions less its begin. before[i]: how many of the rows 0 .. i-1 are not NULL; kept: which these are. */
typedef struct ValueRows {
    uint32_t *before;
    uint32_t *kept;
} ValueRows;

static bool is_null_at(const WindowStep *step, uint32_t position)
{
    const Vector *values = &step->arguments[0];
    return values->nulls != NULL && values->nulls[step->window->order[position]] != 0;
}

static ValueRows list_values(WindowStep *step, Range p)
{
    uint32_t rows = p.end - p.begin, count = 0;
    ValueRows list = {ARENA_NEW_ARRAY(&step->worker->scratch, uint32_t, rows + 1),
                      ARENA_NEW_ARRAY(&step->worker->scratch, uint32_t, rows + 1)};
    for (uint32_t i = 0; i < rows; i++) {
        list.before[i] = count;
        list.kept[count] = i;
        count += !is_null_at(step, p.begin + i);
    }
    list.before[rows] = count;
    return list;
}

/* Fixed width and text: text is not copied, the store outlives the results. */
static void take_plain(WindowStep *step, Range range, const uint32_t *from)
{
    const Vector *source = &step->arguments[0];
    const uint32_t *order = step->window->order;
    size_t width = phys_width((PhysKind)source->type.phys);
    char *to = step->result->data;
    for (uint32_t i = range.begin; i < range.end; i++) {
        uint32_t at = from[i - range.begin], row = at == FROM_NONE ? 0 : order[at];
        if (at == FROM_NONE || (source->nulls != NULL && source->nulls[row] != 0))
            vector_set_null(step->result, i);
        else if (width == 8)
            ((uint64_t *)(void *)to)[i] = ((const uint64_t *)source->data)[row];
        else if (width == 4)
            ((uint32_t *)(void *)to)[i] = ((const uint32_t *)source->data)[row];
        else
            memcpy(to + i * width, (const char *)source->data + row * width, width);
    }
}

/* Rows without a position take the default, the third argument, if there is one. */
static void take_values(WindowStep *step, Range range, const uint32_t *from)
{
    bool is_plain = step->result->type.phys <= PHYS_STR && step->arguments[0].type.phys == step->result->type.phys;
    if (is_plain)
        take_plain(step, range, from);
    for (uint32_t i = range.begin; i < range.end; i++) {
        uint32_t at = from[i - range.begin];
        if (at == FROM_NONE && step->spec->argument_count > 2) {
            Datum value = vector_get(&step->arguments[2], step->window->order[i], &step->worker->scratch);
            put_value(step, i, &value);
        } else if (!is_plain) {
            Datum value = at == FROM_NONE ? datum_null() : vector_get(&step->arguments[0], step->window->order[at], &step->worker->scratch);
            put_value(step, i, &value);
        }
    }
}

static int64_t offset_at(const WindowStep *step, uint32_t position)
{
    if (step->spec->argument_count < 2)
        return 1;
    uint32_t row = step->window->order[position];
    const Vector *offsets = &step->arguments[1];
    if (offsets->nulls != NULL && offsets->nulls[row] != 0)
        return 1;
    return offsets->type.phys == PHYS_I64 ? ((const int64_t *)offsets->data)[row] : vector_get(offsets, row, NULL).i64;
}

static uint32_t shifted(const ValueRows *list, Range p, uint32_t i, int64_t offset, bool is_lead)
{
    if (offset <= 0)
        return offset == 0 ? i : (uint32_t)FROM_NONE;
    uint32_t rows = p.end - p.begin, at = i - p.begin;
    int64_t n = is_lead ? list->before[at + 1] + offset - 1 : list->before[at] - offset;
    return n >= 0 && n < list->before[rows] ? p.begin + list->kept[n] : (uint32_t)FROM_NONE;
}

static void shift_partition(WindowStep *step, Range p, bool is_lead, uint32_t *from)
{
    ValueRows list = {0};
    if (step->spec->ignore_nulls)
        list = list_values(step, p);
    for (uint32_t i = p.begin; i < p.end; i++, from++) {
        int64_t offset = offset_at(step, i), limit = p.end - p.begin;
        if (step->spec->ignore_nulls) {
            *from = shifted(&list, p, i, offset, is_lead);
            continue;
        }
        offset = MIN(MAX(offset, -limit), limit); /* beyond both ends anyway */
        int64_t at = is_lead ? i + offset : i - offset;
        *from = at >= p.begin && at < p.end ? (uint32_t)at : (uint32_t)FROM_NONE;
    }
}

static void edge_partition(WindowStep *step, Range p, bool is_first, uint32_t *from)
{
    ValueRows list = {0};
    if (step->spec->ignore_nulls)
        list = list_values(step, p);
    FrameCursor cursor = frame_cursor(step, p);
    for (uint32_t i = p.begin; i < p.end; i++, from++) {
        Range frame = frame_at(&cursor, i);
        *from = frame.begin >= frame.end ? (uint32_t)FROM_NONE : is_first ? frame.begin : frame.end - 1;
        if (!step->spec->ignore_nulls || *from == FROM_NONE)
            continue;
        uint32_t first = list.before[frame.begin - p.begin], end = list.before[frame.end - p.begin];
        *from = first == end ? (uint32_t)FROM_NONE : p.begin + list.kept[is_first ? first : end - 1];
    }
}

static Status by_partition(WindowStep *step, Range range, void (*choose)(WindowStep *step, Range p, bool is_forward, uint32_t *from),
                           bool is_forward)
{
    uint32_t *from = ARENA_NEW_ARRAY(&step->worker->scratch, uint32_t, range.end - range.begin + 1);
    for (uint32_t begin = range.begin; begin < range.end;) {
        Range partition = partition_at(step->window, begin, range.end);
        choose(step, partition, is_forward, from + (begin - range.begin));
        begin = partition.end;
    }
    take_values(step, range, from);
    return OK;
}

static Status lead(WindowStep *step, Range range)
{
    return by_partition(step, range, shift_partition, true);
}

static Status lag(WindowStep *step, Range range)
{
    return by_partition(step, range, shift_partition, false);
}

static Status first_value(WindowStep *step, Range range)
{
    return by_partition(step, range, edge_partition, true);
}

static Status last_value(WindowStep *step, Range range)
{
    return by_partition(step, range, edge_partition, false);
}

WindowFunction window_value_function(const char *name)
{
    static const struct {
        const char *name;
        WindowFunction function;
    } functions[] = {{"lead", lead}, {"lag", lag}, {"first_value", first_value}, {"last_value", last_value}};
    for (size_t i = 0; i < COUNT_OF(functions); i++) {
        if (strcmp(functions[i].name, name) == 0)
            return functions[i].function;
    }
    return NULL;
}
