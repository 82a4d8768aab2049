#pragma once
/* Vacuum: deleting data objects that nothing refers to.
 *
 * An object stays while any snapshot of the catalog that is still held (the published one, those of
 * running statements and loads) names it, while a lease covers its id, while another node reads a state from before it
 * was found dead, and until it has been dead for the grace period. What lies in the data folder without being named
 * like an object of ours is never touched. All storage volumes are looked through; one that does not answer waits for the
 * next run. Thread-safe; one run at a time. */

#include "meta/store.h"

typedef struct Vacuum Vacuum;

typedef struct VacuumReport {
    uint64_t objects; /* found */
    uint64_t live;
    uint64_t leased;
    uint64_t waiting; /* dead, within the grace period */
    uint64_t deleted;
    uint64_t deleted_bytes;
    uint64_t failed;
    uint64_t foreign;
} VacuumReport;

typedef struct VacuumOptions {
    MetaStore *store;
    Volume *volume;
    int64_t grace_minutes; /* unless the setting config.lake_autovacuum_grace_period_minutes says otherwise */
    /* Tells caches that an object is gone; may be NULL. */
    void *forget_context;
    void (*forget)(void *context, Volume *volume, StrView path);
    /* The oldest journal entry whose state another node still reads; UINT64_MAX: none does. May be NULL. */
    void *readers_context;
    uint64_t (*oldest_read)(void *context);
} VacuumOptions;

Vacuum *vacuum_open(const VacuumOptions *options);
void vacuum_close(Vacuum *vacuum);
/* Nothing is deleted between the two: for who makes what is dead live again. Waits for a run that is under way. */
void vacuum_hold(Vacuum *vacuum);
void vacuum_release(Vacuum *vacuum);
Status vacuum_run(Vacuum *vacuum, Diag *diag, VacuumReport *out_report);
typedef enum VacuumState { VACUUM_LIVE, VACUUM_HELD, VACUUM_LEASED, VACUUM_WAITING, VACUUM_DEAD, VACUUM_FOREIGN } VacuumState;
/* Says of each object what a run would find, and deletes nothing. age_us: since it was first found dead. */
/* path: with the id of the volume and a colon in front where that is not the home volume. */
typedef void (*VacuumVisit)(void *context, StrView path, uint64_t size, VacuumState state, int64_t age_us);
Status vacuum_explain(Vacuum *vacuum, VacuumVisit visit, void *context, Diag *diag);
/* The scheduler's job. */
int64_t vacuum_job(void *vacuum, const _Atomic bool *stopping);
/* Sums over all runs. */
void vacuum_totals(Vacuum *vacuum, uint64_t *out_deleted, uint64_t *out_deleted_bytes);
