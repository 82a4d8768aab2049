#pragma once
/* What both ways of a nested loop join share: nested_loop.c takes one left row at a time, nested_loop_chunk.c one right row. */

#include "exec/spill.h"

typedef struct LoopWorker {
    Arena scratch;
    Evaluator *filter;
    Evaluator *others;   /* residuals that are no comparison of an IN; NULL: none */
    Evaluator *in_value; /* the comparisons of an IN as one value */
    uint16_t *sel;
} LoopWorker;

typedef struct LoopJoin {
    Consumer consumer;
    ExecContext *exec;
    const PhysNode *node;
    Consumer *next;
    Mutex lock; /* guards the store while it is built */
    ColumnStore *store;
    uint32_t left_count, right_count;
    _Atomic uint8_t *matched;
    LoopWorker *workers;
    const Type *right_types;
    const Type *left_types;
    SpillStream *right_stream; /* the right side, when it is too large; NULL */
    SpillStream *left_stream;  /* the left side then */
} LoopJoin;

/* Puts columns of both sides together as the node wants them; mark: of PHYS_JOIN_LEFT_MARK. shape: rows and selection. */
Status loop_emit(LoopJoin *join, uint32_t number, const Vector *left, const Vector *right, const Vector *mark, Chunk shape);
/* A side that is NULL. In the worker's scratch arena. */
void loop_null_side(LoopJoin *join, uint32_t number, bool of_left, Vector **out);
/* One row as constants. In the worker's scratch arena. */
Vector *loop_constants(LoopJoin *join, uint32_t number, const Vector *columns, uint32_t count, uint32_t row);

/* ---- nested_loop_chunk.c ---- */

/* Is it cheaper to let every right row meet a chunk with that many left rows, and is it possible? */
bool loop_suits_chunk(const LoopJoin *join, uint32_t rows);
Status loop_join_chunk(LoopJoin *join, uint32_t number, const Chunk *chunk);
