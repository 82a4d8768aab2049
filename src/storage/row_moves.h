#pragma once
/* Where the rows of several segments went when they were merged into one: what was deleted of them meanwhile can then be deleted of
 * the merged segment, whose rows don't have to be merged again. A row of the output costs 4 bytes, and none when the rows kept
 * their order. */

#include "storage/delete_vector.h"

typedef struct RowMoves {
    Arena *arena;         /* of the caller, which lasts as long */
    uint32_t *positions;  /* by row of the output: its number among the rows that were read; NULL: the same */
    uint32_t *first_rows; /* by input: the number of its first row that was read */
    uint32_t rows;
} RowMoves;

/* Rows of an input that `then` had when they were read and `now` has no more: dead has a bit a row that was read. Returns how many. */
uint32_t row_moves_mark(const RowMoves *moves, uint32_t input, const DeleteVector *then, const DeleteVector *now, uint64_t *dead);
/* The marked rows where they are in the output. */
void row_moves_follow(const RowMoves *moves, const uint64_t *dead, Arena *arena, DeleteVector *out);
