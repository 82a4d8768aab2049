#pragma once
/* A thread's part of a load: blocks to typed rows to a lane. Shared state is in LoadShared. */

#include "load/auto_increment.h"
#include "load/load_errors.h"
#include "load/load_hub.h"
#include "load/load_plan.h"
#include "load/merge_commit.h"
#include "load/table_loader.h"

/* What the workers of one load share. */
typedef struct LoadShared {
    LoadPlan plan;
    TableLoader *loader;
    AutoIncrement *increments;
    MemTracker *tracker;
    MemTracker memory; /* what the load holds, under tracker */
    Diag diag; /* the first failure of any thread */
    _Atomic bool has_failed;
    _Atomic uint64_t total_rows, filtered_rows, unselected_rows, loaded_rows;
    LoadErrors errors;
    MergeRows *rows; /* kept here, by one worker, instead of being written; NULL: not */
} LoadShared;

typedef struct LoadWorker LoadWorker;
Status load_worker_open(LoadShared *shared, LoadWorker **out_worker);
Status load_worker_block(LoadWorker *worker, uint64_t number, ByteBuf *block); /* number: of the block, in order */
Status load_worker_finish(LoadWorker *worker); /* writes what is buffered */
void load_worker_close(LoadWorker *worker);    /* without finish: drops what is buffered */
