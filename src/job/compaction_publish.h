#pragma once
/* The last step of a merge: the picked segments are exchanged for the merged one, under the table's lock.
 *
 * What happened to the picked ones since they were read is carried over. Delete vectors only grow: the rows that went become a delete
 * vector of the merged segment. New overlays of columns become one overlay of it, in the order of its rows. So a merge comes too
 * late only for a table that was dropped, altered or emptied, or that a transaction holds. */

#include "job/compaction_hold.h"
#include "meta/store.h"
#include "storage/compaction.h"
#include "storage/primary_index.h"

/* What a merge takes. Points into a snapshot that outlives it. */
typedef struct CompactionPick {
    const CatalogTable *table;
    const CatalogPartition *partition;
    const TabletVersion *tablet;
    SegmentRef *segments;
    uint32_t count;
} CompactionPick;

typedef struct CompactionPublish {
    MetaStore *store;
    Volume *volume;
    PrimaryIndexes *keys; /* NULL: no rows are deleted */
    CompactionHolds *holds;
    MemTracker *memory;
    const CompactionPick *pick;
    const CompactionInput *input; /* that was merged */
    const SegmentRef *merged;     /* NULL: no row was left */
    const RowMoves *moves;
} CompactionPublish;

/* RETRY when it is too late. The caller holds a lease. */
Status compaction_publish(const CompactionPublish *publish, Diag *diag);
