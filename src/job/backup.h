#pragma once
/* BACKUP ... TO a storage volume: a state is brought there so that it is a cluster by itself: a server with that place as its home
 * volume starts from it, and merak restore goes back to each backup by name. It lies below <location>/merak-backup-<cluster>, where
 * every backup of the cluster begins the next incarnation; objects that are there already are not copied again.
 *
 * The last jobs are remembered while the process runs: SHOW BACKUP. Thread-safe; one job at a time. */

#include "meta/incarnation.h"
#include "meta/snapshots.h"
#include "meta/transfer.h"

typedef struct Backups Backups;

typedef struct BackupRequest {
    SnapshotInfo what; /* scope, database, table; or the name of a snapshot, with is_snapshot */
    bool is_snapshot;
    StrView name; /* of the backup; empty: one is made up */
    StrView volume;
    const _Atomic bool *cancelled;
} BackupRequest;

enum { BACKUP_NAME_BYTES = 48, BACKUP_TEXT_BYTES = 512 };

typedef struct BackupJob {
    uint64_t number;
    char name[BACKUP_NAME_BYTES], volume[BACKUP_NAME_BYTES], what[BACKUP_TEXT_BYTES], url[BACKUP_TEXT_BYTES], error[DIAG_MESSAGE_BYTES];
    const char *state;          /* "UPLOADING", "FINISHED", "CANCELLED" */
    int64_t began_us, ended_us; /* 0: it runs */
    uint64_t done, total;       /* objects that have to be copied */
    TransferReport report;
} BackupJob;

Backups *backups_open(MetaStore *store, Volume *home, const OtherVolumesOptions *volumes);
void backups_close(Backups *backups);
/* For S3 over TLS, as the configuration says. */
const char *backups_ca_file(const Backups *backups);
Status backup_run(Backups *backups, const BackupRequest *request, Diag *diag, BackupJob *out_job);
/* The newest first. */
uint32_t backups_list(Backups *backups, Arena *arena, BackupJob **out_jobs);
