#pragma once
/* Inside of the refresh of materialized views; only for src/mv. */

#include "mv/engine.h"
#include "mv/fresh_cache.h"

/* A view that refreshes after commits, as its record says. */
typedef struct MvTrigger {
    uint64_t id;
    uint64_t record_hash;
    bool is_due; /* event-triggered and active */
    MvDefinition definition;
} MvTrigger;

/* When a view that could not be activated is tried again. */
typedef struct MvRetry {
    uint64_t id;
    uint32_t failures;
    int64_t next_us;
} MvRetry;

typedef struct MvFresh {
    uint64_t id;
    MvFreshNodes nodes;
} MvFresh;

struct MvEngine {
    MvEngineOptions options;
    Mutex fresh_lock; /* guards fresh */
    MvFresh *fresh;   /* by id */
    uint32_t fresh_count, fresh_room;
    /* Of the task manager's dispatcher alone. */
    Arena triggers_arena;
    MvTrigger *triggers;
    uint32_t trigger_count;
    /* Of the scheduler's thread alone. */
    MvRetry *retries;
    uint32_t retry_count, retry_room;
    int64_t last_activation_us, last_expiry_us;
};

/* ---- incremental.c ---- */
MvDelta mv_delta_shape(const MvDecision *decision);
/* Does the query yield, for the differences of these tables (a bit each), the difference of its result? */
bool mv_is_linear(MvDecision *decision, uint64_t changed);
/* Does it for the difference of each of them alone, whatever the others are? */
bool mv_is_linear_in_each(MvDecision *decision, uint64_t changed);
/* Does the tree read one of them? */
bool mv_reads_changed(const MvCells *cells, uint64_t changed, LogicalNode *node);

/* ---- delta_rows.c ---- */
void mv_mark_segments(const CatalogPartition *partition, Arena *arena, MvSource *out);
/* Adds what came and went since the source was marked (NULL: all came) to the choice; false: it can't be told. */
bool mv_add_difference(uint32_t table, const MvSource *source, const CatalogPartition *now, Arena *arena, MvChoice *choice);
/* The scans of the changed tables read nothing but the rows that came, or those that went. */
Status mv_restrict_to_difference(MvEngine *engine, MvDecision *decision, const uint8_t *chosen, uint64_t changed, bool is_gone);
/* The scans of these tables read what the cells were computed from. */
Status mv_restrict_to_past(MvEngine *engine, MvDecision *decision, const uint8_t *chosen, uint64_t tables);
/* Were two of the cells computed from other versions of the same base partition? Then they can't be computed together. */
bool mv_differences_conflict(const MvDecision *decision, const uint8_t *chosen);

/* ---- cell_plan.c ---- */
LogicalNode *mv_node_over(const MvBoundView *view, LogicalKind kind, LogicalNode *child);
Status mv_project_columns(MvDecision *decision, bool by_place);
Status mv_plan_bound(MvEngine *engine, MvDecision *decision, PhysPlan **out);

/* ---- fresh_cache.c ---- */
void mv_fresh_close(MvEngine *engine);
/* Nothing of the view is stale. own: its table as it is now. */
void mv_fresh_note(MvEngine *engine, const MvDecision *decision, const CatalogTable *own);
void mv_fresh_sweep(MvEngine *engine, const CatalogSnapshot *snapshot); /* views that were dropped */
bool mv_fresh_holds(MvEngine *engine, const CatalogSnapshot *snapshot, uint64_t view_id);

/* ---- events.c ---- */
void mv_follow_changes(void *engine, TaskManager *manager, const CatalogSnapshot *before, const CatalogSnapshot *after);
/* ---- report.c ---- */
/* Puts what a run did, and why, into its EXTRA_MESSAGE. */
void mv_tell_run(TaskRun *run, const MvRefresh *refresh, const MvRefreshed *done, Arena *arena);
