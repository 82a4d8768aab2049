#pragma once
/* Inside of the table loader: lanes and their buffers, for writing, committing and preparing. */

#include "base/mapping.h"
#include "format/segment.h"
#include "load/key_commit.h"
#include "load/partition_router.h"
#include "load/table_loader.h"

enum { MOST_ATTEMPTS = 20 };

typedef struct TabletBuffer {
    uint64_t partition_id;
    uint64_t tablet_id;
    Arena arena;
    Vector *columns;
    uint8_t *deletes; /* of rows; NULL: none so far */
    uint32_t deletes_room;
    uint32_t rows;
    uint64_t counted_bytes; /* in the lane's buffered_bytes */
} TabletBuffer;

struct LoaderLane {
    TableLoader *loader;
    LoaderLane *next;
    TabletBuffer **buffers; /* by number of the partition * buckets + bucket; NULL: no rows yet */
    uint32_t buffer_count;
    ByteBuf small;        /* of the next object while it is small: it may come to lie in the catalog */
    VolumeWriter *writer; /* of the object that is written; NULL: none yet */
    const char *path;     /* of it; in arena */
    uint64_t written;     /* into small or the object */
    uint32_t first_segment; /* of it, in segments */
    uint64_t buffered_bytes; /* of all buffers */
    uint64_t random;
    Arena arena;
    ARRAY_OF(NewSegments) segments;
    KeyFlushes flushes; /* of tables that keep the last row */
    ARRAY_OF(Arena) kept; /* with keys of flushes */
    uint64_t rows;
    Mapping slab; /* of the first buffers' expected rows, each once; charged to the loader */
    size_t slab_used;
    uint16_t *sel;
    uint16_t *last_rows; /* by target: no row, but while rows are told apart */
    uint32_t last_row_room;
    Diag *diag;
};

struct TableLoader {
    TableLoaderOptions options;
    const CatalogTable *table;
    SegmentColumn *columns;
    SegmentFilterSpec *filters;
    uint32_t filter_count;
    PartitionRouter *router;
    Arena arena;
    Mutex lock; /* guards lanes, inline_bytes */
    LoaderLane *lanes;
    uint64_t rows;
    uint32_t expected_rows; /* of a tablet in a lane; 0: unknown */
    ColumnUpdates updates; /* made under the table's lock; in arena */
    uint64_t inline_bytes; /* that its lanes have put into the catalog */
    uint64_t lease; /* keeps vacuum off what is not committed yet */
};

/* Rows of a tablet that lie in several buffers, one behind the other. */
typedef struct RowParts {
    TabletBuffer *const *buffers;
    const uint32_t *starts; /* numbers of their first rows */
    uint32_t count;
} RowParts;

typedef struct EncodeTarget {
    SegmentSink sink;
    void *context;
} EncodeTarget;

typedef struct EncodedSegment {
    uint64_t length, rows, raw_bytes;
} EncodedSegment;

/* The order in which rows are written; of keyed tables also what the commit will need, in arena. */
uint32_t *loader_buffer_order(const LoaderLane *lane, const TabletBuffer *buffer, const uint8_t *skipped, Arena *arena, KeyFlush *flush,
                              uint32_t *out_kept);
/* Into the sink of any thread. positions: of the parts' rows; NULL: as they are. */
Status loader_lane_encode(const LoaderLane *lane, const RowParts *parts, const uint32_t *positions, uint32_t row_count,
                          const EncodeTarget *target, Diag *diag, EncodedSegment *out);
/* Puts an encoded segment of the buffer's tablet into the lane's object; of no rows: nothing. */
Status loader_lane_put(LoaderLane *lane, const TabletBuffer *buffer, StrView bytes, const EncodedSegment *encoded, Diag *diag);
/* Ends the lane's object when it has become large. */
Status loader_lane_end_segment(LoaderLane *lane, Diag *diag);
/* kept: rows of the flush were written, as the lane's last segment. */
void loader_lane_add_flush(LoaderLane *lane, KeyFlush *flush, uint32_t kept);
void loader_lane_drop(LoaderLane *lane, TabletBuffer *buffer);
/* Writes the rows of a buffer as a segment. skipped: rows that are not written; NULL: none. */
Status loader_lane_flush(LoaderLane *lane, TabletBuffer *buffer, const uint8_t *skipped, Diag *diag);
/* What is written so far is durable; the next segment begins another object. */
Status loader_lane_commit_object(LoaderLane *lane, Diag *diag);
