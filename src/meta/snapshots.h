#pragma once
/* Snapshots: named states of the cluster, a database or a table that vacuum keeps. Making one copies no data: it is an
 * image of the nodes in its scope, meta/<incarnation>/snapshot/<id>.image, and a record (module "snapshot", key: the name).
 *
 * History: the state behind any journal entry or at any time, as far back as images and journal reach. Objects of states that
 * no snapshot keeps are there as long as vacuum's grace period. */

#include "meta/store.h"

typedef enum SnapshotScope { SNAPSHOT_CLUSTER, SNAPSHOT_DATABASE, SNAPSHOT_TABLE } SnapshotScope;

typedef struct SnapshotInfo {
    StrView name;
    uint8_t scope; /* SnapshotScope */
    bool is_automated;
    uint64_t id;
    uint64_t entry_id; /* the state behind it */
    int64_t time_us;
    StrView database, table; /* empty as far as the scope leaves them out */
    StrView object;
    StrView comment;
} SnapshotInfo;

/* Texts in arena; names in order. */
uint32_t snapshot_list(const CatalogSnapshot *catalog, Arena *arena, SnapshotInfo **out);
bool snapshot_find(const CatalogSnapshot *catalog, StrView name, Arena *arena, SnapshotInfo *out);
const char *snapshot_scope_name(uint8_t scope);

/* A catalog of what is in the scope, which shares the nodes. A reference. */
Status snapshot_reduce(const CatalogSnapshot *whole, const SnapshotInfo *scope, Diag *diag, CatalogSnapshot **out);
/* Fills id, entry_id, time_us and object. SNAPSHOT_EXISTS when there is one of that name. */
Status meta_snapshot_create(MetaStore *store, SnapshotInfo *in_out_info, Diag *diag);
Status meta_snapshot_drop(MetaStore *store, StrView name, Diag *diag);
/* What the snapshot holds: a catalog with just that. A reference. */
Status meta_snapshot_open(MetaStore *store, const SnapshotInfo *info, Diag *diag, CatalogSnapshot **out_catalog);
/* What all snapshots hold: catalog_unref() each, mem_free() the array. An error: one can't be read, and nothing may
 * be deleted that it could name. */
Status meta_pinned(MetaStore *store, Diag *diag, CatalogSnapshot ***out_catalogs, uint32_t *out_count);

/* entry_id or time_us, the other 0. A reference. */
Status meta_history(MetaStore *store, uint64_t entry_id, int64_t time_us, Diag *diag, CatalogSnapshot **out_catalog);
