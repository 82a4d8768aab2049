#pragma once
/* Refreshes materialized views: the runner of tasks whose source is "MV", what follows from commits, and the jobs that
 * activate views again and drop expired partitions. Thread-safe once it is open; main makes one a server. */

#include "exec/exec.h"
#include "job/task_manager.h"
#include "meta/store.h"
#include "mv/decide.h"
#include "plan/plan.h"

typedef struct MvEngine MvEngine;

typedef struct MvEngineOptions {
    MetaStore *store;
    Volume *volume;
    ExecPool *pool;
    SegmentCache *segments;
    SpillArea *spill;
    TaskManager *tasks;
    MemTracker *memory;
    /* Column statistics for the planner. */
    void *statistics_context;
    bool (*statistics)(void *context, const CatalogTable *table, uint32_t ordinal, ColumnStatistics *out);
    /* What a refresh's functions see: the server's zone and settings. */
    void *session_context;
    void (*session)(void *context, const CatalogSnapshot *catalog, Arena *arena, FuncSession *out);
} MvEngineOptions;

MvEngine *mv_engine_open(const MvEngineOptions *options);
void mv_engine_close(MvEngine *engine);
/* Adds its runner and its events to the task manager; before that starts. */
void mv_engine_attach(MvEngine *engine);
const MvEngineOptions *mv_engine_options(const MvEngine *engine);
void mv_engine_session(const MvEngine *engine, const CatalogSnapshot *catalog, Arena *arena, FuncSession *out);

/* ---- refresh.c ---- */

/* Between the values of PARTITION_VALUES of a run. */
#define MV_VALUE_SEPARATOR "\x1f"

typedef struct MvRefresh {
    uint64_t view_id;
    MvAsk ask;
    bool is_strict;
    int64_t most_partitions; /* of this run; <= 0: all */
    int64_t most_rows, most_bytes; /* that it reads, but for one partition; 0: whatever there is */
    ByteBuf *entry;          /* what was committed is put there; may be NULL */
    const _Atomic bool *cancelled;
    void (*started)(void *context); /* there is something to do */
    void *started_context;
} MvRefresh;

typedef struct MvRefreshed {
    MvDecision decision;
    bool did_nothing;
    uint32_t left;       /* partitions that a following run computes */
    StrView next_start, next_end; /* range of them; empty: none */
    uint32_t touched;    /* partitions whose rows changed */
    uint64_t rows;
    uint64_t entry_id;   /* of the commit that changed rows; 0: none did */
} MvRefreshed;

/* One run at the newest snapshot. Texts of out are in arena; choices that this run did not take on have refreshes unset. */
Status mv_refresh(MvEngine *engine, const MvRefresh *refresh, CatalogSnapshot *snapshot, Arena *arena, Diag *diag, MvRefreshed *out);
/* ---- cascade.c ---- */
/* The views that CASCADE refreshes: bases first, the view itself last. */
Status mv_list_tree(const CatalogSnapshot *snapshot, uint64_t view_id, Arena *arena, Diag *diag, uint64_t **out_ids, uint32_t *out_count);
/* The same of the view and before it of the views that it reads, all of them of base tables as they are in the snapshot. *in_out_snapshot
 * becomes the one that the view itself was computed from. */
Status mv_refresh_tree(MvEngine *engine, const MvRefresh *refresh, CatalogSnapshot **in_out_snapshot, Arena *arena, Diag *diag, MvRefreshed *out);
/* The query of the chosen cells of a decision as a plan whose columns are the view's; for refreshes, EXPLAIN and VERIFY.
 * It uses the bound query up. chosen: a byte a cell. */
Status mv_query_cells(MvDecision *decision, const uint8_t *chosen); /* bound.query yields them */
/* The same for cells whose choices are deltas, of the same tables. What it yields is appended, or takes the place of the rows: decision->delta.
 * The query of the decision is left alone. */
Status mv_plan_delta(MvEngine *engine, const MvDecision *decision, const uint8_t *chosen, PhysPlan **out);
Status mv_plan_cells(MvEngine *engine, MvDecision *decision, const uint8_t *chosen, PhysPlan **out);
/* Runs a plan of it. */
Status mv_run_plan(MvEngine *engine, const MvDecision *decision, const PhysPlan *plan, const ExecResult *result, const _Atomic bool *cancelled,
                   MemTracker *memory, Diag *diag);
/* ---- upkeep.c ---- */
/* The scheduler's job: automatic activation, time to live. */
int64_t mv_upkeep_job(void *engine, const _Atomic bool *stopping);
/* May the view become active by itself? */
bool mv_may_activate(const MvDefinition *definition);

/* ---- verify.c ---- */
typedef struct MvVerified {
    StrView partition;
    const char *result; /* OK, DIFFERENT, UNAVAILABLE, NEVER REFRESHED */
    const char *reason; /* as of a refresh: up to date, or why it is not */
    StrView inputs;     /* what it was computed from, or what of that is gone */
    bool has_computed;
    uint64_t stored_rows, computed_rows;
} MvVerified;
Status mv_verify(MvEngine *engine, const CatalogSnapshot *snapshot, uint64_t view_id, Arena *arena, Diag *diag, MvVerified **out, uint32_t *out_count);

/* ---- fingerprint.c ---- */
/* Adds rows to a bag's fingerprint. */
void mv_fingerprint_add(MvFingerprint *print, const Vector *const *columns, uint32_t column_count, Rows rows);
bool mv_fingerprint_equal(const MvFingerprint *a, const MvFingerprint *b);
