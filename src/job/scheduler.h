#pragma once
/* One thread that runs background jobs in turn. A job says when it wants to run next; nothing that a
 * statement waits for is done here. The thread has a low priority for the processor. */

#include "base/environment.h"
#include "base/status.h"

typedef struct Scheduler Scheduler;
/* Runs once; returns microseconds until the next time. Must look at *stopping during long work. */
typedef int64_t (*JobRun)(void *context, const _Atomic bool *stopping);

Scheduler *scheduler_open(const Environment *environment);
/* Before start. name is static text. */
void scheduler_add(Scheduler *scheduler, const char *name, JobRun run, void *context);
/* The same for what only one node of a cluster may do: the job is left out while leads() says no. */
void scheduler_add_leading(Scheduler *scheduler, const char *name, JobRun run, void *context);
/* Before start. */
void scheduler_set_leading(Scheduler *scheduler, bool (*leads)(void *context), void *context);
Status scheduler_start(Scheduler *scheduler, Diag *diag);
void scheduler_wake(Scheduler *scheduler); /* all jobs are due now */
/* Waits for the running job. Frees everything. */
void scheduler_close(Scheduler *scheduler);
