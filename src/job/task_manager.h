#pragma once
/* Runs tasks: on schedules, after events, or when somebody submits a run.
 *
 * One dispatcher thread looks at the clock and at the newest catalog, worker threads (task_runs_concurrency) execute
 * runs: the highest priority first, then the oldest; of one task one at a time. Who executes a run is a TaskRunner
 * that a layer above adds for its source. An automatic run that waits takes in an equal later one. A submitted run is
 * journaled as PENDING before anybody hears of it, an automatic one when it has something to do, and every run with
 * its final state; what a crash leaves unfinished is failed at the next start. The history is bounded in number
 * and age. Thread-safe, except that runners and events are set before the start. */

#include "base/environment.h"
#include "job/task.h"
#include "meta/store.h"

typedef struct TaskManager TaskManager;
typedef struct TaskRun TaskRun; /* one that is executed now */

typedef struct TaskRunner {
    void *context;
    /* On a worker thread. An error: the run has FAILED with the text of diag, or was CANCELED. */
    Status (*run)(void *context, TaskRun *run, Diag *diag);
} TaskRunner;

/* After every publish, on the dispatcher's thread; before is NULL at the start. Submits what follows from it. */
typedef void (*TaskEvents)(void *context, TaskManager *manager, const CatalogSnapshot *before, const CatalogSnapshot *after);

TaskManager *task_manager_open(MetaStore *store);
/* source: static text. */
void task_manager_add_runner(TaskManager *manager, const char *source, TaskRunner runner);
void task_manager_set_events(TaskManager *manager, TaskEvents events, void *context);
/* Fails what a crash left, then starts the threads. */
Status task_manager_start(TaskManager *manager, Diag *diag);
/* Cancels what runs and waits for it; pending runs stay PENDING and are failed at the next start. */
void task_manager_close(TaskManager *manager);

enum { TASK_PRIORITY_LOWEST = 0, TASK_PRIORITY_NORMAL = 50, TASK_PRIORITY_HIGH = 80, TASK_PRIORITY_HIGHEST = 100 };

typedef struct TaskRunRequest {
    StrView task;
    int priority;
    bool is_automatic; /* of a schedule or an event: may be merged with one of the same task and properties */
    const Property *properties;
    uint32_t property_count;
    StrView job_id; /* of the run that this one goes on with; empty: a new job */
} TaskRunRequest;

typedef struct TaskRunId {
    uint64_t number;
    char text[TASK_RUN_ID_BYTES];
} TaskRunId;

/* LIMIT_EXCEEDED when task_runs_queue_length runs wait already. out_id: of the run that it was merged into, too. */
Status task_submit(TaskManager *manager, const TaskRunRequest *request, Diag *diag, TaskRunId *out_id);
/* Waits for the end of a run; texts are in arena. CANCELLED when *cancelled is set (may be NULL): the run goes on. */
Status task_wait(TaskManager *manager, const TaskRunId *id, const _Atomic bool *cancelled, Arena *arena, Diag *diag, TaskRunInfo *out_info);
/* Cancels the runs of a task that wait or run; returns how many. */
uint32_t task_cancel(TaskManager *manager, StrView task);
bool task_cancel_run(TaskManager *manager, StrView run_id);
/* All runs, the newest first: live ones and the history. Texts are in arena. */
uint32_t task_run_list(TaskManager *manager, const CatalogSnapshot *snapshot, Arena *arena, TaskRunInfo **out_runs);

/* ---- for runners ---- */

/* Constant while the run is executed, except for what the calls below change. */
const TaskRunInfo *task_run_info(const TaskRun *run);
StrView task_run_property(const TaskRun *run, const char *key); /* data NULL: not there */
bool task_run_is_cancelled(const TaskRun *run);
/* cancel() is called from another thread when the run is cancelled, at once if it has been; cancel NULL ends that, and
 * waits for a call that is under way. */
void task_run_on_cancel(TaskRun *run, void (*cancel)(void *context), void *context);
/* There is something to do: an automatic run is journaled as RUNNING from here on. */
Status task_run_started(TaskRun *run, Diag *diag);
void task_run_skip(TaskRun *run); /* there was nothing to do: ends as SKIPPED */
void task_run_set_extra(TaskRun *run, StrView json);
void task_run_set_progress(TaskRun *run, uint32_t percent);

/* ---- without threads: for tests and the simulator ---- */

/* One look of the dispatcher. Returns microseconds until the next time. */
int64_t task_manager_tick(TaskManager *manager);
/* Executes the run that is next, on the caller's thread; false: none may run. */
bool task_manager_run_next(TaskManager *manager);
