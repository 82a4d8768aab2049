#pragma once
/* Inside of the window operator; only for src/exec/window*.c.
 *
 * Rows lie in a store in the order in which they came; `order` tells which of them stands at each position of the sorted
 * order. Marks and results lie by position. A range is positions of whole partitions; a step computes one call for one. */

#include "exec/sort_rows.h"
#include "exec/sort_spill.h"

enum {
    BEGINS_PEERS = 1,    /* a mark of a position: other order keys than the one before */
    BEGINS_PARTITION = 2 /* ... other partition keys; such a position begins peers too */
};

typedef struct Range {
    uint32_t begin, end;
} Range;

struct WindowStep;
/* Computes the results of a call for the positions of a range. */
typedef Status (*WindowFunction)(struct WindowStep *step, Range range);

/* What all workers share. */
typedef struct Window {
    Consumer consumer;
    ExecContext *exec;
    const PhysNode *node;
    uint32_t child_count;
    uint32_t key_count; /* partition + order */
    const Expr **exprs; /* keys, then arguments of all calls */
    uint32_t expr_count;
    uint32_t *argument_at; /* column of a call's first argument in the store */
    struct WindowWorker *workers;
    ColumnStore *store; /* the rows of all workers */
    uint32_t *order;
    uint8_t *marks;
    WindowFunction *functions; /* of the calls */
    Vector *results;           /* FLAT with a null mask */
    _Atomic uint32_t next_row;
    const Type *types; /* of the store's columns */
    const PhysSortKey *keys;
    SortRuns runs; /* columns: child, arguments, keys; none: all rows are in memory */
    Consumer *next;
} Window;

typedef struct WindowWorker {
    ColumnStore *store; /* rows that the worker has taken in */
    Evaluator *evaluator;
    Arena scratch; /* until the next call */
    Arena results; /* what results point to */
} WindowWorker;

/* One call over ranges, by one worker. */
typedef struct WindowStep {
    Window *window;
    WindowWorker *worker;
    uint32_t call;
    const PhysWindowCall *spec;
    Vector *result;
    const Vector *arguments; /* of the store */
} WindowStep;

/* By the name of a function that exists with OVER only; NULL: it is an aggregate. */
WindowFunction window_rank_function(const char *name);
WindowFunction window_value_function(const char *name);
/* Frames of states that are plain bytes, a chunk of rows at a time; NULL: this call is none of them. */
WindowFunction window_frame_function(const PhysWindowCall *spec);
/* Any aggregate, row by row. */
Status window_feed(WindowStep *step, Range range);

static inline bool begins_partition(const Window *window, uint32_t position)
{
    return (window->marks[position] & BEGINS_PARTITION) != 0;
}
/* The first position from `position` on, below `end`, that has the mark; else end. */
static inline uint32_t next_mark(const Window *window, uint32_t position, uint32_t end, uint8_t mark)
{
    while (position < end && (window->marks[position] & mark) == 0)
        position++;
    return position;
}
/* The partition that begins at `begin`, where end is the end of a range. */
static inline Range partition_at(const Window *window, uint32_t begin, uint32_t end)
{
    return (Range){begin, next_mark(window, begin + 1, end, BEGINS_PARTITION)};
}

/* The call's arguments at the positions from `first` on, as dictionary vectors; how many. */
uint32_t window_arguments(const WindowStep *step, uint32_t first, Vector *out, const Vector **out_pointers);

/* The frames of the rows of a partition, asked for in ascending order. */
typedef struct FrameCursor {
    const Window *window;
    const PhysWindowCall *spec;
    Range partition, peers;
} FrameCursor;
FrameCursor frame_cursor(const WindowStep *step, Range partition);
/* Positions of the frame of a row; empty when begin >= end. */
Range frame_at(FrameCursor *cursor, uint32_t position);

/* A value of any type; what it points to is copied. */
void put_value(WindowStep *step, uint32_t position, const Datum *value);
/* The results of positions, also of text, take the value and NULL of another position. */
void copy_result(Vector *result, uint32_t to, uint32_t from);
