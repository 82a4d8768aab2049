#pragma once
/* Compaction: choosing tablets with many small segments, merging them, publishing the result.
 *
 * A merge reads a snapshot, writes a new object under a lease and commits an exchange of segments that keeps the data version
 * (compaction_publish.h). The commit alone takes the table's lock, so that a DELETE or UPDATE under way finds its segments to the end. Rows and
 * columns that changed meanwhile are carried over; if the table was dropped or altered, nothing is committed. Loads of other tables
 * are never held up. One merge at a time; thread-safe. */

#include "job/compaction_hold.h"
#include "job/compaction_log.h"
#include "meta/store.h"
#include "storage/primary_index.h"

typedef struct Compactor Compactor;

typedef struct CompactorStats {
    uint64_t merges, failures;
    uint64_t segments_in;
    uint64_t rows;
    uint64_t bytes_in, bytes_out;
} CompactorStats;

/* keys: locks of tables whose rows change; NULL: nothing but loads changes them. */
Compactor *compactor_open(MetaStore *store, Volume *volume, PrimaryIndexes *keys, MemTracker *memory);
void compactor_close(Compactor *compactor);
/* The scheduler's job: at most one merge; then rests as long as it took. */
int64_t compactor_run(void *compactor, const _Atomic bool *stopping);
/* A load that leaves a tablet with too many small segments merges them itself before it goes on: what is loaded faster than the job
 * can merge, at the priority that it has, would else make reads ever slower. The caller holds no lock. */
void compactor_help(Compactor *compactor, uint64_t table_id, uint64_t partition_id);
CompactionLog *compactor_log(Compactor *compactor);
CompactionHolds *compactor_holds(Compactor *compactor);
/* Merges all that can be merged; partition_ids NULL: of all partitions. cancelled may be NULL. */
Status compactor_compact_table(Compactor *compactor, uint64_t table_id, const uint64_t *partition_ids, uint32_t partition_count,
                               const _Atomic bool *cancelled, Diag *diag);
void compactor_stats(Compactor *compactor, CompactorStats *out_stats);
