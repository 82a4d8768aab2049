#pragma once
/* The planner: bound queries to physical plans. One context a statement, one thread. */

#include "analyze/logical.h"
#include "meta/catalog.h"
#include "phys/plan.h"

typedef struct ColumnStatistics {
    bool has_bounds; /* exact for the versions that the statement reads */
    Datum min, max;
    uint64_t null_count;
    double distinct; /* estimate */
} ColumnStatistics;

typedef struct PlanStatistics {
    void *context;
    /* false: nothing known. */
    bool (*column)(void *context, const CatalogTable *table, uint32_t ordinal, ColumnStatistics *out_statistics);
} PlanStatistics;

typedef struct PlanViews PlanViews; /* view_rewrite.h */

typedef struct PlanContext {
    Arena *arena;
    Diag *diag;
    const FuncSession *session;
    const PlanStatistics *statistics;
    ColumnIds *ids;
    uint32_t next_node_id;
    uint32_t next_filter_id;
    uint32_t next_cte_id; /* those of the analyzer are below */
    struct Extracted *extracted; /* subqueries that are joins now, newest first: see unnest.c */
    uint32_t max_recursion_id;
    LogicalColumn *known; /* by ColumnId: type and statistics */
    struct ColumnFacts *facts;
    uint32_t fact_count;
    PlanViews *views; /* that may answer parts of the query; NULL: none */
} PlanContext;

Status plan_query(PlanContext *context, BoundQuery *query, PhysPlan **out_plan);
/* What a run of a plan was like, for EXPLAIN ANALYZE. */
typedef struct PlanNodeProfile {
    uint64_t rows; /* put out */
    int64_t time_us;
    int64_t peak_bytes;
    int64_t spilled_bytes;
    uint64_t pages_by_bounds, pages_by_index; /* that a scan did not read */
    uint64_t local_bytes, local_count, remote_bytes, remote_count; /* reads of remote volumes: from the cache, fetched */
    const char *choices; /* what it decided while it ran; "": nothing */
} PlanNodeProfile;

typedef struct PlanProfile {
    int64_t total_us;
    int64_t peak_bytes;
    PlanNodeProfile *nodes; /* by node id */
} PlanProfile;

/* EXPLAIN text, StarRocks' shape. profile: of a run; NULL without. */
typedef enum PlanExplainLevel { PLAN_EXPLAIN_NORMAL, PLAN_EXPLAIN_VERBOSE, PLAN_EXPLAIN_LOGICAL } PlanExplainLevel;

typedef struct PlanExplain {
    const PlanProfile *profile; /* of a run; NULL: none */
    PlanExplainLevel level;
    StrView sink; /* table that the rows go into; empty: to the client */
    const char *update_mode; /* of UPDATE; NULL: none */
} PlanExplain;

void plan_explain(const PhysPlan *plan, const PlanExplain *what, ByteBuf *out);
