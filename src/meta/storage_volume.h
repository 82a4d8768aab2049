#pragma once
/* Storage volumes as the catalog knows them: records of the module "storage_volume", by name. The home volume, which the
 * configuration names, is builtin_storage_volume with id 0 and has no record. Which volume is the default, and which
 * one a database hands on to its tables, are records of "storage_volume_use". A table keeps the name of its own
 * in the property storage_volume; volumes are never renamed, and one that is in use is never dropped. */

#include "meta/catalog.h"
#include "meta/change.h"

#define BUILTIN_STORAGE_VOLUME "builtin_storage_volume"

typedef struct StorageVolume {
    uint32_t id;
    StrView name;
    StrView type; /* "S3", "LOCAL" */
    StrView location;
    StrView comment;
    bool is_enabled;
    const Property *properties; /* without "enabled" */
    uint32_t property_count;
} StorageVolume;

/* Texts in arena. False: there is no such record. */
bool storage_volume_find(const CatalogSnapshot *catalog, StrView name, Arena *arena, StorageVolume *out);
bool storage_volume_by_id(const CatalogSnapshot *catalog, uint32_t id, Arena *arena, StorageVolume *out);
/* Ids of all records. */
void storage_volume_each(const CatalogSnapshot *catalog, void (*visit)(void *context, uint32_t id), void *context);
StrView storage_volume_default(const CatalogSnapshot *catalog);
/* What tables of the database get that name none; the default unless it was told otherwise. */
StrView storage_volume_of_database(const CatalogSnapshot *catalog, uint64_t database_id);
StrView storage_volume_of_table(const TableSchema *schema); /* its name */
/* The id; BAD_CONFIG: the volume is not there. */
Status storage_volume_id(const CatalogSnapshot *catalog, const TableSchema *schema, Diag *diag, uint32_t *out_id);
/* NULL: not in use; else a database, or database and table, of those that use it. */
const char *storage_volume_user(const CatalogSnapshot *catalog, StrView name, Arena *arena);
StrView storage_volume_property(const StorageVolume *volume, const char *key); /* empty: not set */

void change_put_storage_volume(Change *change, const StorageVolume *volume);
void change_drop_storage_volume(Change *change, StrView name);
void change_set_default_storage_volume(Change *change, StrView name);
void change_set_database_volume(Change *change, uint64_t database_id, StrView name);
