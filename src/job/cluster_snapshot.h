#pragma once
/* ADMIN SET AUTOMATED CLUSTER SNAPSHOT: one snapshot of the cluster each interval; the one before goes once the new one is
 * there. A journaled setting says whether, records (module "cluster_snapshot_job") say what became of each. */

#include "meta/store.h"

/* volume empty: off, and the snapshot that there is goes. */
Status cluster_snapshot_set(MetaStore *store, StrView volume, Diag *diag);
/* The scheduler's job. */
int64_t cluster_snapshot_job(void *store, const _Atomic bool *stopping);
