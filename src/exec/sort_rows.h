#pragma once
/* The order of rows by keys; only for src/exec. */

#include "exec/exec_int.h"

/* out_rows: the rows 0 .. rows-1 in the order of the keys, which are flat; equal ones stay in their order. With exec all
 * workers take part: only outside of exec_parallel(). NULL: this thread alone. memory: charged meanwhile. */
Status sort_rows(ExecContext *exec, MemTracker *memory, const Vector *keys, const PhysSortKey *specs, uint32_t key_count, uint32_t rows,
                 uint32_t *out_rows);
