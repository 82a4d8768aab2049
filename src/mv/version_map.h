#pragma once
/* What each partition of a materialized view was computed from: the partitions of its base tables with identity and data
 * version, which are compared for equality only. A record a partition, in a module a view ("mv_map.<view>"), so that a
 * refresh writes no more than the partitions that it computed. Base partitions without rows are left out: a
 * partition that is not there and one that is empty mean the same. */

#include "meta/catalog.h"
#include "meta/change.h"

/* A segment as it was: with it, which rows came and went since can be told. */
typedef struct MvSegmentMark {
    uint64_t segment_id;
    uint64_t deletes_id; /* 0: nothing was deleted in it */
    uint64_t deletes_count;
    StrView deletes_bytes, deletes_path; /* as in DeleteVectorRef; both empty: not kept */
} MvSegmentMark;

typedef struct MvSource {
    uint64_t partition_id;
    uint64_t data_version;
    StrView name;
    MvSegmentMark *marks; /* for row-level incremental refreshes; none: not kept */
    uint32_t mark_count;
} MvSource;

typedef struct MvSourceTable {
    uint64_t table_id;
    MvSource *sources; /* in the order of their ids */
    uint32_t count;
} MvSourceTable;

/* Of the rows as a bag; equal ones are taken for equal bags. Rows whose sums are 0 are not known: they had other columns. */
typedef struct MvFingerprint {
    uint64_t rows;
    uint64_t sums[2];
} MvFingerprint;

typedef struct MvMapEntry {
    uint64_t partition_id; /* of the view */
    int64_t refreshed_us;
    MvFingerprint rows;
    MvSourceTable *tables;
    uint32_t table_count;
} MvMapEntry;

void change_put_mv_map(Change *change, uint64_t view_id, const MvMapEntry *entry);
void change_drop_mv_map(Change *change, uint64_t view_id, uint64_t partition_id);
void change_clear_mv_map(Change *change, const CatalogSnapshot *snapshot, uint64_t view_id);
/* The rows of all partitions are no longer those of the fingerprints. */
void change_forget_mv_rows(Change *change, const CatalogSnapshot *snapshot, uint64_t view_id);
/* False: it was never computed (or the record is damaged, which is treated alike). */
bool mv_map_find(const CatalogSnapshot *snapshot, uint64_t view_id, uint64_t partition_id, Arena *arena, MvMapEntry *out);
/* The bytes of a record; of other origins than ours it is checked. */
bool mv_map_parse(StrView bytes, Arena *arena, MvMapEntry *out);
void mv_map_encode(const MvMapEntry *entry, ByteBuf *out);
const MvSourceTable *mv_map_table(const MvMapEntry *entry, uint64_t table_id); /* NULL: none */
