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

/* How the rows that came to the bases, and those that went, become rows of the view. */
typedef enum MvDeltaShape {
    MV_DELTA_NONE,   /* they can't: partitions are computed as a whole */
    MV_DELTA_APPEND, /* what the query yields for new rows is appended */
    MV_DELTA_MERGE,  /* groups are added up */
} MvDeltaShape;

typedef enum MvMergeKind { MV_MERGE_GROUP, MV_MERGE_SUM, MV_MERGE_COUNT, MV_MERGE_AVERAGE, MV_MERGE_OTHER } MvMergeKind;

/* A column of a view whose groups are added up: how its values are merged. */
typedef struct MvMerge {
    uint8_t kind;         /* MvMergeKind */
    const char *function; /* OTHER: min, max, a union of sets. Rows that went can't be taken out of these */
    int counted;          /* SUM, AVERAGE: the column that counts its values; -1: none */
    int summed;           /* AVERAGE: the column with the sum */
} MvMerge;

typedef struct MvDelta {
    MvDeltaShape shape;
    MvMerge *merges;    /* MERGE: a column of the view */
    int row_count;      /* the column with the number of rows of the group; -1: none */
    bool has_groups;
    bool takes_deletes; /* rows that went can be taken out */
    /* Groups that rows came to or went from can be computed again alone: a group of the query's aggregate, the column of the view that it is. */
    bool has_keys;
    uint32_t *keys;
    uint32_t key_count;
} MvDelta;

/* A piece of a difference: rows of a segment of a base. */
typedef struct MvPart {
    uint32_t table; /* in MvCells.tables */
    const SegmentRef *segment;
    const MvSegmentMark *since; /* what was deleted since; NULL: the segment is new, all of its rows came */
} MvPart;

typedef struct MvParts {
    MvPart *items;
    uint32_t count;
    uint32_t capacity;
} MvParts;

typedef struct MvChoice {
    const MvCell *cell;
    bool refreshes;
    bool is_expired;  /* beyond the time to live: dropped, never computed */
    bool is_excluded; /* out of the asked range, or beyond a limit */
    MvMapEntry entry;
    bool has_entry;
    ARRAY_OF(MvCause) causes; /* one at least */
    bool is_delta;            /* the differences of its bases are enough */
    bool has_deletes;         /* among them rows that went */
    bool by_groups;           /* groups that they belong to are computed again */
    uint64_t changed;         /* a bit a table of MvCells.tables */
    MvParts parts;
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
    uint64_t linear_for[2]; /* tables for which differences were found to be enough, or not to be; 0: none yet */
    MvChoice *choices; /* one a cell */
    uint32_t refresh_count;
} MvDecision;

/* Has it partitions that expire? */
bool mv_depends_on_time(const MvDefinition *definition);
/* Binds the view and decides, at one snapshot, which must outlive it. */
Status mv_decide(const CatalogSnapshot *snapshot, uint64_t view_id, const MvAsk *ask, Arena *arena, FuncSession *session, Diag *diag,
                 MvDecision *out);
/* Its differences are not enough after all. */
void mv_compute_whole(MvChoice *choice);
/* Is the table one that refreshes don't look at? */
bool mv_is_excluded(const MvDefinition *definition, StrView database, StrView table);
/* The map entry for the cell at this snapshot; the fingerprint is the caller's. */
void mv_fill_entry(const MvDecision *decision, const MvCell *cell, uint64_t partition_id, int64_t now_us, Arena *arena, MvMapEntry *out);
