#pragma once
/* The order of rows by sort columns: stable, NULLs first. */

#include "vector/vector.h"

/* columns: flat, rows values each; all NULL-free or with masks. Returns a permutation (mem_free it), or NULL when
 * the rows are in order already. */
uint32_t *row_sort_positions(const Vector *columns, uint32_t rows, const uint32_t *sort_columns, uint32_t sort_count);
