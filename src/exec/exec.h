#pragma once
/* Running physical plans.
 *
 * exec_run() drives a plan from the calling thread; the parallel parts of it run on the pool's workers.
 * Each operator is a consumer that its child pushes chunks into, with a state of its own for every
 * worker; blocking operators (aggregate, sort, the build side of a join) take everything in, then push
 * on. Cancel, deadline and memory limit are looked at between chunks. */

#include "phys/plan.h"
#include "volume/read_scope.h"
#include "volume/volume.h"

typedef struct ExecPool ExecPool;
Status exec_pool_open(uint32_t threads, Diag *diag, ExecPool **out_pool);
void exec_pool_close(ExecPool *pool);
uint32_t exec_pool_threads(const ExecPool *pool);

/* Opened segments, shared by all queries. */
typedef struct SegmentCache SegmentCache;
typedef struct Segment Segment;
typedef struct SegmentCacheStats {
    uint64_t hits, misses, evictions;
    uint64_t segments;
    int64_t bytes;
} SegmentCacheStats;
/* limit_bytes: of footers and dictionaries in memory; what is in use stays beyond it. */
SegmentCache *segment_cache_open(Volume *volume, MemTracker *parent, int64_t limit_bytes);
void segment_cache_close(SegmentCache *cache);
Volume *segment_cache_volume(const SegmentCache *cache);
/* The segment stays open until it is released as often as it was got. */
Status segment_cache_get(SegmentCache *cache, const SegmentRef *ref, Diag *diag, Segment **out_segment);
/* Begins to open those that are not, where volumes are remote. */
void segment_cache_prepare(SegmentCache *cache, const SegmentRef *refs, uint32_t count);
void segment_cache_release(SegmentCache *cache, const Segment *segment);
/* The object is gone: its segments are closed once they are unused. */
void segment_cache_forget(SegmentCache *cache, StrView path);
/* Their decoded delete vectors. */
struct DeleteCache *segment_cache_deletes(const SegmentCache *cache);
void segment_cache_stats(SegmentCache *cache, SegmentCacheStats *out_stats);

/* The directory that operators spill to; what an earlier process left in it is removed. limit_bytes bounds
 * the files of all queries together; 0: none. */
typedef struct SpillArea SpillArea;
Status spill_area_open(const char *directory, int64_t limit_bytes, Diag *diag, SpillArea **out_area);
void spill_area_close(SpillArea *area);
int64_t spill_area_used(const SpillArea *area);

typedef enum SpillMode {
    SPILL_AUTO,  /* when memory gets short */
    SPILL_FORCE, /* always */
    SPILL_OFF,   /* never: a query that needs too much fails */
} SpillMode;

typedef struct OperatorProfile {
    _Atomic uint64_t rows;   /* that the operator put out */
    _Atomic uint64_t chunks;
    _Atomic int64_t time_us; /* its own, summed over the workers */
    _Atomic int64_t run_us;  /* from start to end, with its inputs */
    _Atomic int64_t push_us; /* spent in those that take its rows */
    int64_t peak_bytes;      /* most memory the operator held */
    int64_t spilled_bytes;   /* written to disk */
    _Atomic uint64_t pages_by_bounds, pages_by_index; /* of a scan: that were not read */
    ReadCounters reads;      /* of scans of remote volumes */
    char choices[256];       /* what the operator decided while it ran, and why; sentences divided by "; " */
} OperatorProfile;

/* Who the work is for: the pool shares its workers out by weight among the groups that have tasks waiting. */
typedef struct ResourceGroup {
    uint32_t id;     /* below RESOURCE_GROUPS; 0: the default group */
    uint32_t weight; /* 0: RESOURCE_GROUP_WEIGHT */
} ResourceGroup;
enum { RESOURCE_GROUPS = 64, RESOURCE_GROUP_WEIGHT = 1024 };

/* What scans read of segments; kept for every query. */
typedef struct ScanTotals {
    _Atomic uint64_t rows;  /* of pages that could not be left out */
    _Atomic uint64_t bytes; /* of columns' pages, as they are stored */
} ScanTotals;

typedef struct ExecOptions {
    ExecPool *pool;
    ResourceGroup group;
    SegmentCache *segments;
    MemTracker *memory; /* of the query, with its limit */
    uint32_t dop;       /* workers; 0: all */
    const _Atomic bool *cancelled;
    int64_t deadline_us; /* monotonic; 0: none */
    OperatorProfile *profile; /* by node id; NULL: not wanted */
    ScanTotals *scanned;      /* NULL: not wanted */
    SpillArea *spill;         /* NULL: operators can't spill */
    SpillMode spill_mode;
} ExecOptions;

/* rows() is called by one thread at a time, in order where the plan sorts. */
typedef struct ExecResult {
    void *context;
    Status (*rows)(void *context, const Chunk *chunk);
    /* Instead of rows: by several threads at once, with numbers below EXEC_MOST_WORKERS, each by one at a time. */
    Status (*rows_of_worker)(void *context, uint32_t worker, const Chunk *chunk);
    /* With rows_of_worker: a sequence of rows may come in parts, the first one from worker 0. */
    bool takes_parts;
} ExecResult;
enum { EXEC_MOST_WORKERS = 64 };

Status exec_run(const PhysPlan *plan, const ExecOptions *options, const ExecResult *result, Diag *diag);
