#pragma once
/* The order of rows by keys; only for src/exec. */

#include "exec/exec_int.h"

/* out_rows: the rows 0 .. rows-1 in the order of the keys, which are flat; equal ones stay in their order. With exec all
 * workers take part: only outside of exec_parallel(). NULL: this thread alone. memory: charged meanwhile. */
Status sort_rows(ExecContext *exec, MemTracker *memory, const Vector *keys, const PhysSortKey *specs, uint32_t key_count, uint32_t rows,
                 uint32_t *out_rows);
/* Numbers that order like the key as far as they go: a row that comes before another never has a larger one. At the rows' places. */
void sort_codes(const Vector *key, const PhysSortKey *spec, Rows rows, uint64_t *out_codes);
