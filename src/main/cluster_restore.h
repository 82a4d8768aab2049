#pragma once
/* Restoring as cluster_snapshot.yaml says: a snapshot of the cluster becomes the next incarnation of its home volume, with storage
 * volumes where the file says they lie now, and with its frontends instead of those of then. */

#include "main/cluster_yaml.h"
#include "main/config.h"
#include "meta/transfer.h"

/* How the configuration wants other storage volumes to be opened. */
OtherVolumesOptions config_volumes(const Config *config);
/* transfer: store, volumes, generation, missing, progress and context are the caller's; the rest is filled in. */
Status cluster_restore(const ClusterYaml *yaml, Volume *home, Transfer *transfer, Diag *diag, TransferReport *out_report);
/* restore_cluster_snapshot = FILE: once a content of the file, however often the server starts. */
Status cluster_restore_at_start(const Config *config, Volume *home, Diag *diag);
