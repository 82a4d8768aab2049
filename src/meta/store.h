#pragma once
/* The metadata store: journal, published catalog, commits.
 *
 * meta_commit() validates under the commit lock, appends one entry to the open batch and returns
 * when the batch is durable and the new catalog is published. Many commits share a put (group
 * commit). Thread-safe. */

#include "meta/change.h"
#include "volume/volume.h"

typedef struct MetaStore MetaStore;

typedef struct LabelRecord {
    uint64_t txn_id;
    int64_t time_us;
    StrView answer; /* copy in the caller's arena */
} LabelRecord;

/* Creates incarnation 1 on an empty volume, else replays the journal. Damage stops it with the
 * object's name. */
Status meta_store_open(Volume *volume, Diag *diag, MetaStore **out_store);
void meta_store_close(MetaStore *store);
CatalogSnapshot *meta_snapshot(MetaStore *store); /* a reference: catalog_unref() it */
/* build() is called under the commit lock with the newest tentative catalog; it checks and fills the
 * change. Raising there commits nothing. On OK everything is durable and visible. */
typedef Status (*MetaBuild)(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag);
Status meta_commit(MetaStore *store, MetaBuild build, void *context, Diag *diag);
/* Ids for objects made before they are committed: never given out twice, also across crashes. */
uint64_t meta_new_id(MetaStore *store);
uint64_t meta_incarnation(const MetaStore *store);
bool meta_label_find(MetaStore *store, uint64_t database_id, StrView label, Arena *arena, LabelRecord *out_record);
uint64_t meta_journal_entries(MetaStore *store);
