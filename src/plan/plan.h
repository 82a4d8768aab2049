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

typedef struct PlanContext {
    Arena *arena;
    Diag *diag;
    const FuncSession *session;
    const PlanStatistics *statistics;
    ColumnIds *ids;
    uint32_t next_node_id;
    uint32_t next_filter_id;
    uint32_t next_cte_id; /* those of the analyzer are below */
    LogicalColumn *known; /* by ColumnId: type and statistics */
    struct ColumnFacts *facts;
    uint32_t fact_count;
} PlanContext;

Status plan_query(PlanContext *context, BoundQuery *query, PhysPlan **out_plan);
/* EXPLAIN text, StarRocks' shape. rows: what each node put out, for EXPLAIN ANALYZE; NULL without. */
void plan_explain(const PhysPlan *plan, const uint64_t *rows, ByteBuf *out);
