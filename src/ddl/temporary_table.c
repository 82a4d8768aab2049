#include "ddl/temporary_table.h"

#include <stdio.h>
#include <stdlib.h>

void temporary_owner(MetaStore *store, uint64_t connection_id, char out[48])
{
    snprintf(out, 48, "%llu-%llu", (unsigned long long)meta_epoch(store), (unsigned long long)connection_id);
}

uint64_t temporary_home(const CatalogSnapshot *catalog, uint64_t fresh_id, Change *change)
{
    const CatalogDatabase *home = catalog_hidden_database(catalog, STR_VIEW(CATALOG_TEMPORARY_TABLES));
    if (home != NULL)
        return home->id;
    change_put_database(change, fresh_id, STR_VIEW(CATALOG_TEMPORARY_TABLES), STR_VIEW(""));
    return fresh_id;
}

typedef struct TemporaryDrop {
    const char *owner;
    uint64_t epoch;
} TemporaryDrop;

/* Names: \x02 owner . database id \x02 name */
static bool is_meant(const TemporaryDrop *drop, StrView name)
{
    StrView rest = strview_n(name.data + 1, name.length - 1);
    if (drop->owner == NULL)
        return strtoull(rest.data, NULL, 10) < drop->epoch;
    size_t length = strlen(drop->owner);
    return rest.length > length && memcmp(rest.data, drop->owner, length) == 0 && rest.data[length] == '.';
}

static uint32_t drop_meant(const TemporaryDrop *drop, const CatalogSnapshot *catalog, Change *change)
{
    uint32_t count = 0;
    const CatalogDatabase *home = catalog_hidden_database(catalog, STR_VIEW(CATALOG_TEMPORARY_TABLES));
    for (uint32_t t = 0; home != NULL && t < catalog_table_count(home); t++) {
        if (!is_meant(drop, catalog_table_at(home, t)->name))
            continue;
        count++;
        if (change != NULL)
            change_drop_table(change, catalog_table_at(home, t)->id);
    }
    return count;
}

static Status build_drop(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    (void)diag;
    (void)drop_meant(context, catalog, change);
    return OK;
}

Status temporary_tables_drop(MetaStore *store, const char *owner, Diag *diag)
{
    TemporaryDrop drop = {owner, meta_epoch(store)};
    CatalogSnapshot *catalog = meta_snapshot(store);
    uint32_t count = drop_meant(&drop, catalog, NULL);
    catalog_unref(catalog);
    return count == 0 ? OK : meta_commit(store, build_drop, &drop, diag);
}
