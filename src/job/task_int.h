#pragma once
/* Inside of the task manager; only for src/job/task_*.c.
 *
 * Lock order: the store's lock, then the manager's, then a run's. The manager's lock is not held during commits nor
 * while a runner works. A run belongs to the list it is in; who executes it has taken it out of `pending`. */

#include "base/memory.h"
#include "base/thread.h"
#include "job/task_manager.h"
#include "job/task_settings.h"

enum { MAX_RUNNERS = 8, MAX_WORKERS = 64 };

struct TaskRun {
    TaskRun *next;
    TaskManager *manager;
    Arena arena;      /* texts of info */
    TaskRunInfo info; /* guarded by the manager's lock where a runner may change it */
    bool is_journaled;
    bool is_skipped;
    int64_t deadline_us; /* monotonic; 0: none */
    _Atomic bool cancelled;
    const char *cancel_reason; /* static text; NULL: somebody cancelled it */
    Mutex cancel_lock;         /* guards the two below */
    void (*cancel)(void *context);
    void *cancel_context;
};

/* What the dispatcher knows of a task; texts point into the record, which the snapshot `seen` keeps. */
typedef struct TaskTimer {
    StrView name;
    StrView record;
    int64_t due_us; /* wall clock; INT64_MAX: none */
    int64_t expires_us;
    int priority;
} TaskTimer;

struct TaskManager {
    MetaStore *store;
    const Environment *environment;
    struct {
        const char *source;
        TaskRunner runner;
    } runners[MAX_RUNNERS];
    uint32_t runner_count;
    TaskEvents events;
    void *events_context;
    Mutex lock;
    Condition work;    /* workers: something may run */
    Condition wake;    /* the dispatcher */
    Condition changed; /* waiters: a run ended */
    TaskRun *pending;  /* in the order in which they will run */
    TaskRun *running;
    TaskRun *unsaved;       /* ended, but the journal does not know it yet */
    uint32_t pending_count; /* with those that are being journaled */
    uint32_t running_count;
    uint32_t concurrency; /* as of the last tick */
    bool is_woken;
    _Atomic bool stopping;
    bool is_started;
    Thread dispatcher;
    Thread workers[MAX_WORKERS];
    uint32_t worker_count;
    /* The dispatcher's own: */
    CatalogSnapshot *seen; /* NULL before the first tick */
    Arena timer_arena;
    TaskTimer *timers; /* by name */
    uint32_t timer_count;
    int64_t started_us;
    bool leads; /* as of the last tick; the dispatcher's */
    int64_t cleaned_us;
};

/* ---- task_manager.c ---- */
/* Ends the run: journals its state and frees it. It is in no list. */
void task_run_end(TaskRun *run, TaskState state, int32_t error_code, const char *message);
/* Journals what ended without: called again and again until it succeeds. */
void task_save_unsaved(TaskManager *manager);
/* Cancels running ones whose time is over. */
void task_check_deadlines(TaskManager *manager);
/* ---- task_dispatch.c ---- */
void task_dispatcher_main(void *manager);
void task_fail_leftovers(TaskManager *manager);
void task_cancel_all(TaskManager *manager);
void task_wake(void *manager); /* the dispatcher looks again */
