#pragma once
/* Inside of the refresh of materialized views; only for src/mv. */

#include "mv/engine.h"

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

/* A view that was found fresh, with the nodes that it was found with: its own table first. */
typedef struct MvFresh {
    uint64_t id;
    uint64_t record_hash;
    CatalogTable **tables;
    uint32_t table_count;
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
void mv_mark_segments(const CatalogPartition *partition, Arena *arena, MvSource *out);
/* The segments that came since the source was marked (NULL: all); false: others went or changed. */
bool mv_new_segments(const MvSource *source, const CatalogPartition *now, Arena *arena, MvSegmentList *out, uint64_t *out_rows);
/* decision->bound.query yields the new rows of the chosen cells: afterwards those merged with the rows that are there. */
Status mv_merge_query(MvDecision *decision, const uint8_t *chosen);

/* ---- fresh_cache.c ---- */
void mv_fresh_close(MvEngine *engine);
/* Nothing of the view is stale. */
void mv_fresh_note(MvEngine *engine, const MvDecision *decision);
bool mv_fresh_holds(MvEngine *engine, const CatalogSnapshot *snapshot, uint64_t view_id);

/* ---- events.c ---- */
void mv_follow_changes(void *engine, TaskManager *manager, const CatalogSnapshot *before, const CatalogSnapshot *after);
/* ---- report.c ---- */
/* Puts what a run did, and why, into its EXTRA_MESSAGE. */
void mv_tell_run(TaskRun *run, const MvRefresh *refresh, const MvRefreshed *done, Arena *arena);
