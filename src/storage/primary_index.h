#pragma once
/* Where the live row of each key of a tablet is: for tables that keep one row a key.
 *
 * An index is a hash table in memory, from a 128-bit hash of the key columns to (segment, row), built from the key columns of
 * the tablet's segments when it is first needed. It belongs to a set of segments: one that holds others is built again;
 * compaction tells it where rows have gone. Entries may name rows that were deleted since; deleting those once more does
 * nothing. Beyond the memory limit an index lies in a file of the cache folder, and indexes that nobody uses go, oldest first.
 * Where a batch is large beside its tablet, or there is no room at all, there is no index: key_probe.h looks the other way round.
 *
 * Who changes the rows of a table holds its lock: primary_indexes_lock() from before the index is got until
 * after the commit. */

#include "storage/delete_vector.h"
#include "storage/key_pages.h"

typedef struct PrimaryIndexes PrimaryIndexes; /* of a server */
typedef struct PrimaryIndex PrimaryIndex;     /* of a tablet */

typedef struct RowLocation {
    uint64_t segment_id; /* 0: none */
    uint32_t row;
} RowLocation;

/* The same with the segment's number in the index; 0: none. */
typedef struct RowPlace {
    uint32_t segment;
    uint32_t row;
} RowPlace;

/* folder: for indexes beyond the limit; NULL: none. */
PrimaryIndexes *primary_indexes_open(MemTracker *memory, int64_t limit_bytes, const char *folder);
void primary_indexes_close(PrimaryIndexes *indexes);
void primary_indexes_lock(PrimaryIndexes *indexes, uint64_t table_id);
void primary_indexes_unlock(PrimaryIndexes *indexes, uint64_t table_id);
/* Several tables at once; returns what to unlock. */
uint64_t primary_indexes_lock_all(PrimaryIndexes *indexes, const uint64_t *table_ids, uint32_t count);
void primary_indexes_unlock_all(PrimaryIndexes *indexes, uint64_t locked);

/* The rest with the table's lock held, for each tablet by one thread. The index belongs to the caller until it is put back or
 * dropped. */

Status primary_index_get(PrimaryIndexes *indexes, const PrimaryIndexInput *input, Diag *diag, PrimaryIndex **out_index);
/* The same when there is one already, else NULL. */
PrimaryIndex *primary_index_take(PrimaryIndexes *indexes, const PrimaryIndexInput *input);
/* For batch_rows keys that will be looked up. *out_index NULL: better done without one. */
Status primary_index_get_for(PrimaryIndexes *indexes, const PrimaryIndexInput *input, uint64_t batch_rows, Diag *diag,
                             PrimaryIndex **out_index);
/* The index now describes these segments. NULL: nothing. */
void primary_index_put_back(PrimaryIndexes *indexes, PrimaryIndex *index, const SegmentRef *segments, uint32_t segment_count);
void primary_index_drop(PrimaryIndex *index);
PrimaryIndex *primary_index_new(PrimaryIndexes *indexes, uint64_t tablet_id); /* empty */

/* Returns where the key was before; segment_id 0: nowhere. */
RowLocation primary_index_set(PrimaryIndex *index, KeyHash key, RowLocation location);
RowLocation primary_index_find(const PrimaryIndex *index, KeyHash key);
RowLocation primary_index_remove(PrimaryIndex *index, KeyHash key);

/* ---- many keys at once ---- */

/* The number of a segment, new when it has none. */
uint32_t primary_index_segment(PrimaryIndex *index, uint64_t segment_id);
uint32_t primary_index_segment_count(const PrimaryIndex *index);
uint64_t primary_index_segment_id(const PrimaryIndex *index, uint32_t segment);
/* Room for so many more keys. */
void primary_index_reserve(PrimaryIndex *index, uint64_t more);
/* Rows one behind the other. out_old: where the keys were; may be NULL. */
void primary_index_put_rows(PrimaryIndex *index, const KeyHash *keys, uint32_t count, RowPlace first, RowPlace *out_old);
RowPlace primary_index_put(PrimaryIndex *index, KeyHash key, RowPlace place);
/* The key stays known to primary_index_has(), without a row. */
RowPlace primary_index_put_gone(PrimaryIndex *index, KeyHash key);
RowPlace primary_index_take_out(PrimaryIndex *index, KeyHash key); /* primary_index_remove() */
RowPlace primary_index_look_up(const PrimaryIndex *index, KeyHash key);
bool primary_index_has(const PrimaryIndex *index, KeyHash key);
void primary_index_fetch(const PrimaryIndex *index, KeyHash key); /* will be asked for soon */

/* The segment is another one now, of the same rows with the same keys. */
void primary_index_rename(PrimaryIndexes *indexes, uint64_t tablet_id, uint64_t old_id, uint64_t new_id);
/* Compaction has put some segments of a tablet into one. Its rows' keys are taken in when the tablet has an idle index. */
typedef struct PrimaryIndexMove {
    uint64_t tablet_id;
    const SegmentRef *before, *after; /* all of the tablet's */
    uint32_t before_count, after_count;
    const SegmentRef *merged;    /* NULL: no row was left */
    const KeyHash *keys;         /* of its rows */
    const DeleteVector *deletes; /* of its rows, which are left out: their keys are elsewhere by now; NULL: none */
} PrimaryIndexMove;
bool primary_index_is_there(PrimaryIndexes *indexes, uint64_t tablet_id);
void primary_index_follow(PrimaryIndexes *indexes, const PrimaryIndexMove *move);
