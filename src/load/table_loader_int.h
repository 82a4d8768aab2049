#pragma once
/* Inside of the table loader: lanes and their buffers, for writing, committing and preparing. */

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
    uint64_t rows;
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
    ColumnUpdates updates; /* made under the table's lock; in arena */
    uint64_t inline_bytes; /* that its lanes have put into the catalog */
    uint64_t lease; /* keeps vacuum off what is not committed yet */
};

/* Writes the rows of a buffer as a segment. skipped: rows that are not written; NULL: none. */
Status loader_lane_flush(LoaderLane *lane, TabletBuffer *buffer, const uint8_t *skipped, Diag *diag);
/* What is written so far is durable; the next segment begins another object. */
Status loader_lane_commit_object(LoaderLane *lane, Diag *diag);
