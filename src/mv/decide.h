#pragma once
/* Which partitions of a view need to be computed again, and why.
 *
 * A partition is fresh when its entry in the version map names exactly the base partitions that feed it now, each with the
 * identity and the data version that it has now. Nothing else counts: not who asks, not whether the view was inactive, not
 * restarts. Excluded tables are left out of the comparison before anything of them is looked at. */

#include "mv/partition_map.h"
#include "mv/version_map.h"

typedef struct MvCause {
    const char *reason;
    StrView table;     /* db.table; empty: none */
    StrView partition; /* of the base; empty: none */
    uint64_t from, to; /* data versions; 0: there was or is none */
    uint64_t rows, bytes;
} MvCause;

/* How the rows that were appended to the one base become rows of the view. */
typedef enum MvDeltaShape {
    MV_DELTA_NONE,   /* they can't: partitions are computed as a whole */
    MV_DELTA_APPEND, /* what the query yields for them is appended */
    MV_DELTA_MERGE,  /* groups are added up */
} MvDeltaShape;

typedef struct MvDelta {
    MvDeltaShape shape;
    const char **merges; /* MERGE: the function a column of the view; "": a group */
} MvDelta;

typedef struct MvSegmentList {
    uint64_t *items;
    uint32_t count;
    uint32_t capacity;
} MvSegmentList;

typedef struct MvChoice {
    const MvCell *cell;
    bool refreshes;
    bool is_expired;  /* beyond the time to live: dropped, never computed */
    bool is_excluded; /* out of the asked range, or beyond a limit */
    MvMapEntry entry;
    bool has_entry;
    ARRAY_OF(MvCause) causes; /* one at least */
    bool is_delta;            /* the new segments are enough */
    MvSegmentList segments;
    uint64_t delta_rows;
} MvChoice;

typedef struct MvRange { /* PARTITION START (..) END (..), half open; or value rows */
    bool has_start, has_end;
    StrView start, end;
    const StrView *values; /* value_rows * columns */
    uint32_t value_rows;
} MvRange;

typedef struct MvAsk {
    bool is_force;
    bool is_automatic; /* auto_refresh_partitions_limit counts */
    const MvRange *range; /* NULL: all */
    int64_t now_us;
} MvAsk;

typedef struct MvDecision {
    MvBoundView bound;
    MvDefinition definition;
    const CatalogDatabase *database;
    const CatalogTable *table;
    const CatalogSnapshot *snapshot;
    MvCells cells;
    MvDelta delta;
    MvChoice *choices; /* one a cell */
    uint32_t refresh_count;
} MvDecision;

/* Binds the view and decides, at one snapshot, which must outlive it. */
Status mv_decide(const CatalogSnapshot *snapshot, uint64_t view_id, const MvAsk *ask, Arena *arena, FuncSession *session, Diag *diag,
                 MvDecision *out);
/* Is the table one that refreshes don't look at? */
bool mv_is_excluded(const MvDefinition *definition, StrView database, StrView table);
/* The map entry for the cell at this snapshot; the fingerprint is the caller's. */
void mv_fill_entry(const MvDecision *decision, const MvCell *cell, uint64_t partition_id, int64_t now_us, Arena *arena, MvMapEntry *out);
