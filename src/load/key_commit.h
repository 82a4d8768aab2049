#pragma once
/* Merge on write: what a load into a table that keeps the last row of each key does to older rows.
 *
 * Each flush of a lane yields a segment of distinct keys, and keys to delete. key_commit_make() looks the keys
 * up in the tablet's index, in the order of the flushes, and makes new delete vectors for the segments that
 * hold older rows. key_commit_put() checks that the tablets are still the ones that were looked at (RETRY
 * when not) and adds the vectors to the change that publishes the segments. The table's lock is held from
 * make to close. */

#include "job/delete_vector_store.h"
#include "load/key_flush.h"

typedef struct KeyTablet {
    uint64_t partition_id, tablet_id;
    const TabletVersion *seen; /* NULL: INSERT OVERWRITE, nothing that was there counts */
    PrimaryIndex *index;       /* of the tablet; with has_no_index: of what is loaded alone, or NULL */
    bool has_no_index;
    SegmentRef *segments;      /* with the new ones */
    uint32_t segment_count;
    DeleteVector *dead;        /* one a segment, with what is deleted now */
    uint8_t *dead_states;      /* KeyDeadState */
    uint32_t *places;          /* of the index's segments: in segments, or UINT32_MAX */
    uint32_t place_count;
    NewDeletes *deletes;
    uint32_t delete_count;
    Arena arena;
} KeyTablet;

typedef struct KeyCommit {
    MetaStore *store;
    Volume *volume;
    PrimaryIndexes *indexes;
    const TableSchema *schema;
    uint64_t table_id;
    Arena arena;
    ARRAY_OF(KeyTablet) tablets;
} KeyCommit;

Status key_commit_make(KeyCommit *commit, const CatalogTable *table, const KeyFlushes *flushes, bool replaces, Diag *diag);
Status key_commit_put(const KeyCommit *commit, const CatalogTable *now, bool replaces, Change *change, Diag *diag);
void key_commit_close(KeyCommit *commit, bool succeeded);

/* Rows of segments that are gone, in any order, and the new delete vectors of the segments that hold them. */
typedef struct DeadRow {
    uint64_t segment_id;
    uint32_t row;
} DeadRow;

typedef struct DeadRows {
    DeadRow *items;
    uint32_t count;
    uint32_t capacity;
} DeadRows;

typedef struct DeadRowStore {
    MetaStore *store;
    Volume *volume;
    Arena *arena; /* of what comes out */
} DeadRowStore;

void dead_rows_add(DeadRows *dead, RowLocation old, Arena *arena); /* segment_id 0 is nothing */
/* Sorts dead. Segments in which nothing changes get no vector. */
Status dead_rows_store(const DeadRowStore *store, DeadRows *dead, const SegmentRef *segments, uint32_t segment_count, Diag *diag,
                       NewDeletes **out, uint32_t *out_count);

/* The same segments with the same delete vectors. */
bool tablet_is_same(const TabletVersion *a, const TabletVersion *b);
const TabletVersion *partition_tablet(const CatalogPartition *partition, uint64_t tablet_id);
