#pragma once
/* Merge commit: many small Stream Loads into one table become one transaction, with one label.
 *
 * Loads whose properties are the same join the batch that is open. Each is read and checked by itself: what it
 * rejects fails it alone. Its rows are then added to the batch's one lane, in the order in which the loads are done, and
 * a thread commits the batch when the time is over that its first load asked for. A load waits for that commit, or,
 * if it says so (merge_commit_async), only until its rows are in the batch. Labels that clients gave are kept too,
 * by the same commit. Thread-safe. */

#include "base/arena.h"
#include "load/stream_load.h"
#include "vector/vector.h"

typedef struct MergeCommits MergeCommits; /* of a server */

/* Rows of a load that wait until it is known to be good. */
typedef struct MergeChunk {
    const Vector **columns; /* one a table column, dense */
    uint8_t *deletes;       /* NULL: none */
    uint32_t rows;
    struct MergeChunk *next;
} MergeChunk;

typedef struct MergeRows {
    Arena arena;
    MergeChunk *first, *last;
} MergeRows;

void merge_rows_init(MergeRows *rows, MemTracker *tracker);
/* Copies. MEMORY_LIMIT when these are more than a small load has. */
Status merge_rows_add(MergeRows *rows, const Vector *const *columns, uint32_t column_count, const uint8_t *deletes, uint32_t row_count,
                      Diag *diag);
void merge_rows_deinit(MergeRows *rows);

struct LoadPlan;

typedef struct MergePart {
    const StreamLoadOptions *options; /* of the load; its properties can be asked for */
    const struct LoadPlan *plan;
    uint64_t properties; /* sum of them: only loads of the same one commit together */
    const MergeRows *rows;
    StrView label; /* the client's; empty: none */
    StrView answer; /* what that label keeps */
    uint64_t loaded_rows, filtered_rows;
} MergePart;

typedef struct MergeResult {
    uint64_t txn_id;
    ByteBuf label; /* of the batch */
} MergeResult;

MergeCommits *merge_commits_open(void);
/* From now on batches commit at once. */
void merge_commits_hurry(MergeCommits *all);
void merge_commits_close(MergeCommits *all); /* after what is open has been committed */
/* A load that does not wait leaves its label with the batch, which has the hub forget it. */
Status merge_commits_add(MergeCommits *all, const MergePart *part, Diag *diag, MergeResult *out);
