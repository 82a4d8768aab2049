#pragma once
/* What a flush of a lane leaves for the commit, where the last row of each key stays: its segment and its keys, as hashes or, where the key
 * is one integer column that the rows are sorted by, as the integers themselves. */

#include "meta/store.h"
#include "storage/primary_index.h"

typedef struct KeyFlush {
    uint64_t partition_id, tablet_id;
    const SegmentRef *segment;     /* NULL: no rows */
    const int64_t *values;         /* keys of its rows, ascending; NULL: only hashes are known */
    const int64_t *deleted_values; /* with values: of deleted, ascending */
    const KeyHash *keys;           /* of its rows; NULL: see key_flush_hash() */
    const KeyHash *deleted;
    uint32_t deleted_count;
} KeyFlush;

typedef struct KeyFlushes {
    KeyFlush *items;
    uint32_t count;
    uint32_t capacity;
} KeyFlushes;

typedef struct KeyRows {
    const Vector *columns; /* of the table */
    uint32_t count;
    const uint8_t *deletes; /* NULL: none */
    const uint8_t *skipped; /* rows that count for nothing; NULL: none */
} KeyRows;

/* Are the rows of the table sorted by its key, one integer column? Where that has no NULLs, values will be set. */
bool key_flush_is_by_integer(const TableSchema *schema);
/* Sets keys or values, and deleted; in arena. Returns the rows to write in the order of the table, *out_kept of them (mem_free it; NULL:
 * all as they are). */
uint32_t *key_flush_fill(KeyFlush *flush, const TableSchema *schema, const KeyRows *rows, Arena *arena, uint32_t *out_kept);
/* Sees to it that the keys' hashes are known. */
void key_flush_hash(KeyFlush *flush, Arena *arena);
/* The keys of a segment's rows, read from it; in arena. */
Status key_flush_load(Volume *volume, const TableSchema *schema, const SegmentRef *segment, Arena *arena, Diag *diag, const KeyHash **out);
SegmentColumn *key_segment_columns(const TableSchema *schema, Arena *arena);
