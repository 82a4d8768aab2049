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
/* The aggregate at the top, below projections; NULL: there is none. */
LogicalNode *mv_top_aggregate(LogicalNode *root);
/* The aggregate's column behind a column of the view; 0: it is computed from others. */
ColumnId mv_aggregate_column(const MvDecision *decision, const LogicalNode *aggregate, uint32_t column);

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

/* ---- delta_query.c ---- */
/* The tree of the columns of both, whose numbers and types are the same. */
LogicalNode *mv_add_up(MvBoundView *view, LogicalNode *left, LogicalNode *right);
/* The query of the decision bound anew, with ids from there on. */
Status mv_bind_again(const MvDecision *decision, ColumnIds ids, MvDecision *out);
/* Of the tables in changed the difference, of those in past the rows that the cells were computed from, of others those of now. */
typedef struct MvTerm {
    uint64_t changed, past;
} MvTerm;
Status mv_difference_query(MvEngine *engine, MvDecision *decision, const uint8_t *chosen, const MvTerm *term, bool is_gone);

/* ---- delta_groups.c ---- */
bool mv_find_keys(const MvDecision *decision, LogicalNode *aggregate, MvDelta *out);
Status mv_groups_query(MvEngine *engine, const MvDecision *decision, const uint8_t *chosen, const MvTerm *terms, uint32_t count, bool has_deletes,
                       MvDecision *out);

/* ---- verify.c ---- */
Status mv_sum_stored(MvEngine *engine, const MvDecision *decision, const CatalogPartition *partition, Arena *arena, Diag *diag,
                     MvFingerprint *out);

/* ---- cell_plan.c ---- */
/* Of what the scans read, whatever that is, the rows of the chosen cells. */
Status mv_filter_cells(MvDecision *decision, const uint8_t *chosen);
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
