#include "exec/window_int.h"

/* row_number, rank, dense_rank, percent_rank, cume_dist, ntile, session_number: from the marks alone, in one pass over the positions. */

static int64_t *result_i64(const WindowStep *step)
{
    return step->result->data;
}

static double *result_f64(const WindowStep *step)
{
    return step->result->data;
}

static Status row_number(WindowStep *step, Range range)
{
    int64_t *out = result_i64(step);
    uint32_t begin = range.begin;
    for (uint32_t i = range.begin; i < range.end; i++) {
        begin = begins_partition(step->window, i) ? i : begin;
        out[i] = (int64_t)(i - begin) + 1;
    }
    return OK;
}

static Status rank(WindowStep *step, Range range)
{
    const uint8_t *marks = step->window->marks;
    int64_t *out = result_i64(step);
    uint32_t begin = range.begin, peers = range.begin;
    for (uint32_t i = range.begin; i < range.end; i++) {
        begin = (marks[i] & BEGINS_PARTITION) != 0 ? i : begin;
        peers = marks[i] != 0 ? i : peers;
        out[i] = (int64_t)(peers - begin) + 1;
    }
    return OK;
}

static Status dense_rank(WindowStep *step, Range range)
{
    const uint8_t *marks = step->window->marks;
    int64_t *out = result_i64(step), rank = 0;
    for (uint32_t i = range.begin; i < range.end; i++) {
        rank = (marks[i] & BEGINS_PARTITION) != 0 ? 1 : rank + (marks[i] != 0);
        out[i] = rank;
    }
    return OK;
}

static void percent_rank_partition(const WindowStep *step, Range p)
{
    double *out = result_f64(step);
    double others = p.end - p.begin > 1 ? (double)(p.end - p.begin - 1) : 1;
    uint32_t peers = p.begin;
    for (uint32_t i = p.begin; i < p.end; i++) {
        peers = step->window->marks[i] != 0 ? i : peers;
        out[i] = (double)(peers - p.begin) / others;
    }
}

static void cume_dist_partition(const WindowStep *step, Range p)
{
    double *out = result_f64(step), rows = (double)(p.end - p.begin);
    for (uint32_t i = p.begin; i < p.end;) {
        uint32_t end = next_mark(step->window, i + 1, p.end, BEGINS_PEERS);
        for (double share = (double)(end - p.begin) / rows; i < end; i++)
            out[i] = share;
    }
}

static void ntile_partition(const WindowStep *step, Range p)
{
    Datum asked = vector_get(step->arguments, step->window->order[p.begin], &step->worker->scratch);
    int64_t buckets = asked.is_null ? 1 : MAX(asked.i64, 1), rows = p.end - p.begin;
    int64_t small = rows / buckets, larger = rows % buckets; /* so many hold one row more */
    int64_t *out = result_i64(step);
    for (uint32_t i = p.begin; i < p.end; i++) {
        int64_t at = i - p.begin, boundary = larger * (small + 1);
        out[i] = at < boundary ? at / (small + 1) + 1 : larger + (at - boundary) / MAX(small, 1) + 1;
    }
}

/* A new session begins where the value grows by more than the second argument; NULL values have none. */
static void session_partition(const WindowStep *step, Range p)
{
    const uint32_t *order = step->window->order;
    int64_t session = 0, previous = 0;
    for (uint32_t i = p.begin; i < p.end; i++) {
        Datum value = vector_get(&step->arguments[0], order[i], &step->worker->scratch);
        Datum gap = vector_get(&step->arguments[1], order[i], &step->worker->scratch);
        if (value.is_null || gap.is_null) {
            vector_set_null(step->result, i);
            continue;
        }
        session += session == 0 || (Int128)value.i64 - previous > gap.i64;
        previous = value.i64;
        result_i64(step)[i] = session;
    }
}

static Status by_partition(WindowStep *step, Range range, void (*compute)(const WindowStep *step, Range partition))
{
    for (uint32_t begin = range.begin; begin < range.end;) {
        Range partition = partition_at(step->window, begin, range.end);
        compute(step, partition);
        begin = partition.end;
    }
    return OK;
}

static Status percent_rank(WindowStep *step, Range range)
{
    return by_partition(step, range, percent_rank_partition);
}

static Status cume_dist(WindowStep *step, Range range)
{
    return by_partition(step, range, cume_dist_partition);
}

static Status ntile(WindowStep *step, Range range)
{
    return by_partition(step, range, ntile_partition);
}

static Status session_number(WindowStep *step, Range range)
{
    return by_partition(step, range, session_partition);
}

WindowFunction window_rank_function(const char *name)
{
    static const struct {
        const char *name;
        WindowFunction function;
    } functions[] = {{"row_number", row_number}, {"rank", rank},   {"dense_rank", dense_rank},        {"percent_rank", percent_rank},
                     {"cume_dist", cume_dist},   {"ntile", ntile}, {"session_number", session_number}};
    for (size_t i = 0; i < COUNT_OF(functions); i++) {
        if (strcmp(functions[i].name, name) == 0)
            return functions[i].function;
    }
    return NULL;
}
