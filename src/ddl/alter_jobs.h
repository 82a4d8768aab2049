#pragma once
/* Jobs of ALTER TABLE: those that run, which one table can have one of, and the journaled record of those that ended
 * (module "alter"; the last 200). Thread-safe. */

#include "base/thread.h"
#include "meta/change.h"
#include "meta/records.h"

typedef struct AlterJob {
    uint64_t id, table_id, database_id;
    uint64_t session_id; /* of the connection that runs it */
    const char *kind;    /* COLUMN, OPTIMIZE */
    char table[128];     /* its name, cut where it is longer */
    int64_t created_us, finished_us;
    _Atomic uint32_t progress; /* percent */
    struct AlterJob *next;
    StrView state, message; /* of those that ended */
} AlterJob;

typedef struct AlterJobs AlterJobs; /* that run, of a server */
AlterJobs *alter_jobs_open(void);
void alter_jobs_free(AlterJobs *jobs); /* NULL is nothing */
/* The job belongs to the caller, until it leaves. An error when the table has one. */
Status alter_jobs_enter(AlterJobs *jobs, AlterJob *job, Diag *diag);
void alter_jobs_leave(AlterJobs *jobs, AlterJob *job);
/* The connections that run jobs of the table. */
uint32_t alter_jobs_sessions(AlterJobs *jobs, uint64_t table_id, uint64_t *out_sessions, uint32_t room);
void alter_job_name(AlterJob *job, StrView name);
void alter_job_progress(AlterJob *job, uint32_t percent);
/* The record of a job that has ended. */
void alter_job_put(const AlterJob *job, const char *state, const char *message, Change *change);
/* Of a database: those that run, then those that ended, the newest first; texts are in arena. */
uint32_t alter_jobs_list(AlterJobs *jobs, const CatalogSnapshot *catalog, uint64_t database_id, Arena *arena, AlterJob **out_jobs);
/* Takes away the oldest records beyond the limit. */
void alter_jobs_trim(const CatalogSnapshot *catalog, Change *change);
