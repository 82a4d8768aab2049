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

struct MvEngine {
    MvEngineOptions options;
    /* Of the task manager's dispatcher alone. */
    Arena triggers_arena;
    MvTrigger *triggers;
    uint32_t trigger_count;
    /* Of the scheduler's thread alone. */
    MvRetry *retries;
    uint32_t retry_count, retry_room;
    int64_t last_activation_us, last_expiry_us;
};

/* ---- events.c ---- */
void mv_follow_changes(void *engine, TaskManager *manager, const CatalogSnapshot *before, const CatalogSnapshot *after);
/* ---- report.c ---- */
/* Puts what a run did, and why, into its EXTRA_MESSAGE. */
void mv_tell_run(TaskRun *run, const MvRefresh *refresh, const MvRefreshed *done, Arena *arena);
