#pragma once
/* RESTORE CLUSTER: the cluster becomes what it was, as one more commit of the journal, while it serves. Nothing is copied, and what
 * was in between stays in the history.
 *
 * Tables, partitions and records get back their ids and data versions, so that views find what they were computed from. What
 * tells of now and not of then stays: nodes, snapshots, storage volumes, runs of tasks, temporary tables of sessions, ids. */

#include "meta/image.h"
#include "meta/snapshots.h"

typedef struct LiveRestoreReport {
    uint64_t from_entry;
    uint32_t databases_dropped, tables_dropped, tables_put, partitions_put, labels_forgotten;
} LiveRestoreReport;

/* What the cluster was; of a snapshot of the cluster. content is initialised. */
Status meta_snapshot_content(MetaStore *store, const SnapshotInfo *info, Diag *diag, ImageContent *content);
Status meta_history_content(MetaStore *store, int64_t time_us, Diag *diag, ImageContent *content);
/* then: a state of the cluster's own past; labels included. */
Status meta_restore_live(MetaStore *store, const ImageContent *then, Diag *diag, LiveRestoreReport *out_report);
