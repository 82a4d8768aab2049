#pragma once
/* Running physical plans.
 *
 * exec_run() drives a plan from the calling thread; the parallel parts of it run on the pool's workers.
 * Each operator is a consumer that its child pushes chunks into, with a state of its own for every
 * worker; blocking operators (aggregate, sort, the build side of a join) take everything in, then push
 * on. Cancel, deadline and memory limit are looked at between chunks. */

#include "phys/plan.h"
#include "volume/volume.h"

typedef struct ExecPool ExecPool;
Status exec_pool_open(uint32_t threads, Diag *diag, ExecPool **out_pool);
void exec_pool_close(ExecPool *pool);
uint32_t exec_pool_threads(const ExecPool *pool);

/* Opened segments, shared by all queries. */
typedef struct SegmentCache SegmentCache;
typedef struct Segment Segment;
SegmentCache *segment_cache_open(Volume *volume);
void segment_cache_close(SegmentCache *cache);
/* The segment stays open as long as the cache. */
Status segment_cache_get(SegmentCache *cache, const SegmentRef *ref, Diag *diag, Segment **out_segment);

typedef struct OperatorProfile {
    _Atomic uint64_t rows;   /* that the operator put out */
    _Atomic uint64_t chunks;
    _Atomic int64_t time_us; /* of its pipeline, from start to end */
} OperatorProfile;

typedef struct ExecOptions {
    ExecPool *pool;
    SegmentCache *segments;
    MemTracker *memory; /* of the query, with its limit */
    uint32_t dop;       /* workers; 0: all */
    const _Atomic bool *cancelled;
    int64_t deadline_us; /* monotonic; 0: none */
    OperatorProfile *profile; /* by node id; NULL: not wanted */
} ExecOptions;

/* rows() is called by one thread at a time, in order where the plan sorts. */
typedef struct ExecResult {
    void *context;
    Status (*rows)(void *context, const Chunk *chunk);
} ExecResult;

Status exec_run(const PhysPlan *plan, const ExecOptions *options, const ExecResult *result, Diag *diag);
