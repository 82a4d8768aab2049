#include "ddl/table_volume.h"

/* The table's own property, then the database's, then the default. What is not the home volume is written into the
 * schema, so that a later default changes nothing for tables that are there. */

#include "meta/storage_volume.h"

static void put_property(TableSchema *schema, StrView value)
{
    Property *grown = ARENA_NEW_ARRAY(&schema->arena, Property, schema->property_count + 1);
    if (schema->property_count > 0)
        memcpy(grown, schema->properties, schema->property_count * sizeof(*grown));
    grown[schema->property_count++] = (Property){STR_VIEW("storage_volume"), ddl_keep(&schema->arena, value)};
    schema->properties = grown;
}

Status ddl_check_volume(const CatalogSnapshot *catalog, StrView name, Diag *diag)
{
    StorageVolume volume;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    if (strview_is(name, BUILTIN_STORAGE_VOLUME))
        return OK;
    if (!storage_volume_find(catalog, name, &arena, &volume))
        return RAISE(diag, ANALYSIS, "Unknown storage volume \"%.*s\"", SV_ARGS(name));
    return volume.is_enabled ? OK : RAISE(diag, ANALYSIS, "Storage volume '%.*s' is disabled", SV_ARGS(name));
}

static bool is_named(const TableSchema *schema)
{
    for (uint32_t i = 0; i < schema->property_count; i++) {
        if (strview_equal_ci(schema->properties[i].key, STR_VIEW("storage_volume")))
            return true;
    }
    return false;
}

Status ddl_bind_volume(DdlContext *context, const CatalogSnapshot *catalog, StrView database, TableSchema *schema)
{
    const CatalogDatabase *owner = catalog_database(catalog, database);
    bool has_own = is_named(schema);
    StrView name = has_own         ? storage_volume_of_table(schema)
                   : owner != NULL ? storage_volume_of_database(catalog, owner->id)
                                   : storage_volume_default(catalog);
    TRY(ddl_check_volume(catalog, name, context->diag));
    if (!has_own && !strview_is(name, BUILTIN_STORAGE_VOLUME))
        put_property(schema, name);
    return OK;
}
