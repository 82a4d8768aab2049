#pragma once
/* The recycle bin: databases, tables and partitions that were dropped without FORCE and can come back.
 *
 * What was dropped stays in the catalog, under a hidden database (catalog_is_hidden()): a dropped database under a
 * hidden name, a dropped table in the bin's database, a dropped partition in a table of its own there. So it is in
 * every image, and vacuum keeps its objects. A record (module "recycle") tells what it was and when it was dropped.
 * What is older than catalog_trash_expire_second is erased by a job of the leader. */

#include "ddl/ddl.h"

typedef enum RecycledKind { RECYCLED_DATABASE, RECYCLED_TABLE, RECYCLED_PARTITION } RecycledKind;

typedef struct Recycled {
    uint8_t kind;         /* RecycledKind */
    uint64_t id;          /* of what was dropped */
    uint64_t holder_id;   /* of a partition: the table in the bin that holds it */
    uint64_t database_id; /* where it was */
    uint64_t table_id;    /* of a partition: where it was */
    StrView name;
    int64_t time_us;
} Recycled;

/* Ids that dropping takes, which can't be had inside of a commit. */
typedef struct RecycleIds {
    uint64_t bin_id;
    const uint64_t *holder_ids; /* one a partition */
    int64_t now_us;
} RecycleIds;

void recycle_database(Change *change, const CatalogDatabase *database, int64_t now_us);
void recycle_table(Change *change, const CatalogSnapshot *catalog, const CatalogTable *table, const RecycleIds *ids);
void recycle_partition(Change *change, const CatalogSnapshot *catalog, const CatalogTable *table, const CatalogPartition *partition,
                       const RecycleIds *ids, uint32_t at);
/* All that is in it; texts are in arena. The newest first. */
uint32_t recycle_list(const CatalogSnapshot *catalog, Arena *arena, Recycled **out_items);

/* The newest that fits; id 0: any. name: how it is called from now on. */
typedef struct RecoverWanted {
    StrView database, table, partition;
    uint64_t id;
    StrView name; /* empty: as before */
} RecoverWanted;
Status recycle_recover_database(MetaStore *store, const RecoverWanted *wanted, Diag *diag);
Status recycle_recover_table(MetaStore *store, const RecoverWanted *wanted, Diag *diag);
Status recycle_recover_partition(MetaStore *store, const RecoverWanted *wanted, Diag *diag);
/* Erases what was dropped before, for good. */
Status recycle_erase(MetaStore *store, int64_t before_us, Diag *diag);
/* The scheduler's job. */
int64_t recycle_job(void *store, const _Atomic bool *stopping);
