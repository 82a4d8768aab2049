#pragma once
/* Where the live row of each key of a tablet is: for tables that keep one row a key.
 *
 * An index is a hash table in memory, from a 128-bit hash of the key columns
 * to (segment, row), built from the key columns of the tablet's segments when it is first needed. It belongs
 * to a set of segments: one that holds others is built again. Entries may name rows that were deleted since;
 * deleting those once more does nothing. Indexes that nobody uses go, oldest first, beyond the memory limit.
 *
 * Who changes the rows of a table holds its lock: primary_indexes_lock() from before the index is got until
 * after the commit. */

#include "format/segment.h"
#include "volume/volume.h"

typedef struct PrimaryIndexes PrimaryIndexes; /* of a server */
typedef struct PrimaryIndex PrimaryIndex;     /* of a tablet */

typedef struct KeyHash {
    uint64_t low, high;
} KeyHash;

typedef struct RowLocation {
    uint64_t segment_id; /* 0: none */
    uint32_t row;
} RowLocation;

PrimaryIndexes *primary_indexes_open(MemTracker *memory, int64_t limit_bytes);
void primary_indexes_close(PrimaryIndexes *indexes);
void primary_indexes_lock(PrimaryIndexes *indexes, uint64_t table_id);
void primary_indexes_unlock(PrimaryIndexes *indexes, uint64_t table_id);
/* Several tables at once; returns what to unlock. */
uint64_t primary_indexes_lock_all(PrimaryIndexes *indexes, const uint64_t *table_ids, uint32_t count);
void primary_indexes_unlock_all(PrimaryIndexes *indexes, uint64_t locked);
/* keys: one a key column; out_hashes: dense, one a row. */
void key_hashes(const Vector *const *keys, uint32_t key_count, uint32_t row_count, KeyHash *out_hashes);

/* The rest with the table's lock held. The index belongs to the caller until it is put back or dropped. */
typedef struct PrimaryIndexInput {
    Volume *volume;
    uint64_t tablet_id;
    const SegmentRef *segments;
    uint32_t segment_count;
    const SegmentColumn *keys;
    uint32_t key_count;
} PrimaryIndexInput;
Status primary_index_get(PrimaryIndexes *indexes, const PrimaryIndexInput *input, Diag *diag, PrimaryIndex **out_index);
/* The same when there is one already, else NULL. */
PrimaryIndex *primary_index_take(PrimaryIndexes *indexes, const PrimaryIndexInput *input);
/* The index now describes these segments. */
void primary_index_put_back(PrimaryIndexes *indexes, PrimaryIndex *index, const SegmentRef *segments, uint32_t segment_count);
void primary_index_drop(PrimaryIndex *index);
/* Returns where the key was before; segment_id 0: nowhere. */
RowLocation primary_index_set(PrimaryIndex *index, KeyHash key, RowLocation location);
RowLocation primary_index_find(const PrimaryIndex *index, KeyHash key);
RowLocation primary_index_remove(PrimaryIndex *index, KeyHash key);
