#pragma once
/* Sorted runs on disk and their merge; only for src/exec.
 *
 * Rows come as stores of columns, some of which, one after the other, are the keys. A run is a store's rows in order. Adding is
 * thread-safe; the merge is for one thread, after all runs are there. */

#include "exec/spill.h"

typedef struct SortRuns {
    ExecContext *exec;
    const PhysNode *node;
    const Type *types; /* of all columns */
    uint32_t column_count;
    uint32_t key_at; /* first column of the keys */
    const PhysSortKey *keys;
    uint32_t key_count;
    uint64_t keep; /* first rows of the whole that matter */
    Mutex lock;    /* guards the list */
    SpillStream **runs;
    uint32_t count, capacity;
} SortRuns;

void sort_runs_init(SortRuns *runs);
void sort_runs_close(SortRuns *runs);
/* Sorts the rows of the store and writes them. */
Status sort_runs_add(SortRuns *runs, const ColumnStore *store);

/* Takes the merged rows, a chunk of all columns at a time; *out_stop ends the merge. */
typedef Status (*SortedRows)(void *context, Chunk *chunk, bool *out_stop);
Status sort_runs_merge(SortRuns *runs, SortedRows take, void *context);
