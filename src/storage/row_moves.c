#include "storage/row_moves.h"

/* A row was read as the n-th of its segment, where n is how many of those before it were alive: that is counted in the words of the
 * delete vector, and needs no table of rows. */

/* Of those rows of a word that the segment has. */
static uint64_t word_rows(const DeleteVector *vector, uint32_t word)
{
    uint32_t left = vector->rows - word * 64;
    return left >= 64 ? UINT64_MAX : (1ull << left) - 1;
}

uint32_t row_moves_mark(const RowMoves *moves, uint32_t input, const DeleteVector *then, const DeleteVector *now, uint64_t *dead)
{
    uint32_t read = moves->first_rows[input];
    uint32_t found = 0;
    for (uint32_t w = 0; now->words != NULL && w * 64 < now->rows; w++) {
        uint64_t alive = word_rows(now, w) & ~(then->words == NULL ? 0 : then->words[w]);
        for (uint64_t gone = now->words[w] & alive; gone != 0; gone &= gone - 1, found++) {
            uint32_t row = read + (uint32_t)__builtin_popcountll(alive & ((gone & -gone) - 1));
            dead[row / 64] |= 1ull << (row % 64);
        }
        read += (uint32_t)__builtin_popcountll(alive);
    }
    return found;
}

void row_moves_follow(const RowMoves *moves, const uint64_t *dead, Arena *arena, DeleteVector *out)
{
    *out = (DeleteVector){.rows = moves->rows};
    for (uint32_t i = 0; i < moves->rows; i++) {
        uint32_t row = moves->positions == NULL ? i : moves->positions[i];
        if ((dead[row / 64] >> (row % 64) & 1) != 0)
            (void)delete_vector_add(out, arena, i);
    }
}
