#include "meta/storage_volume.h"

/* Records are JSON objects. Secrets stand in them as they were given: whoever reads the journal reads the volume. */

#include <jansson.h>
#include <stdio.h>

#include "meta/record_json.h"

static const char VOLUMES[] = "storage_volume", USES[] = "storage_volume_use";

void change_put_storage_volume(Change *change, const StorageVolume *volume)
{
    AUTO_BYTEBUF text = {0};
    json_t *properties = json_object(), *object = json_object();
    for (uint32_t i = 0; i < volume->property_count; i++)
        json_object_setn_new(properties, volume->properties[i].key.data, volume->properties[i].key.length,
                             record_text_json(volume->properties[i].value));
    json_object_set_new(object, "id", json_integer(volume->id));
    json_object_set_new(object, "type", record_text_json(volume->type));
    json_object_set_new(object, "location", record_text_json(volume->location));
    json_object_set_new(object, "comment", record_text_json(volume->comment));
    json_object_set_new(object, "enabled", json_boolean(volume->is_enabled));
    json_object_set_new(object, "properties", properties);
    record_print(object, &text);
    change_put_record(change, VOLUMES, volume->name, bytebuf_view(&text));
}

void change_drop_storage_volume(Change *change, StrView name)
{
    change_drop_record(change, VOLUMES, name);
}

void change_set_default_storage_volume(Change *change, StrView name)
{
    change_put_record(change, USES, STR_VIEW("default"), name);
}

static StrView database_key(uint64_t database_id, char buffer[32])
{
    snprintf(buffer, 32, "database %llu", (unsigned long long)database_id);
    return strview(buffer);
}

void change_set_database_volume(Change *change, uint64_t database_id, StrView name)
{
    char key[32];
    change_put_record(change, USES, database_key(database_id, key), name);
}

/* ---- reading ---- */

static StrView keep(Arena *arena, StrView text)
{
    return strview_n(arena_strndup(arena, text.data == NULL ? "" : text.data, text.length), text.length);
}

static void get_properties(json_t *object, Arena *arena, StorageVolume *out)
{
    Property *properties = ARENA_NEW_ARRAY(arena, Property, json_object_size(object) + 1);
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (json_is_string(value))
            properties[out->property_count++] = (Property){strview(arena_strdup(arena, key)), record_text(object, key, arena)};
    }
    out->properties = properties;
}

static bool read_volume(StrView name, StrView text, Arena *arena, StorageVolume *out)
{
    json_t *object = text.data == NULL ? NULL : json_loadb(text.data, text.length, 0, NULL);
    *out = (StorageVolume){.name = keep(arena, name)};
    if (!json_is_object(object)) {
        json_decref(object);
        return false;
    }
    out->id = (uint32_t)json_integer_value(json_object_get(object, "id"));
    out->type = record_text(object, "type", arena);
    out->location = record_text(object, "location", arena);
    out->comment = record_text(object, "comment", arena);
    out->is_enabled = json_is_true(json_object_get(object, "enabled"));
    get_properties(json_object_get(object, "properties"), arena, out);
    json_decref(object);
    return out->id != 0;
}

bool storage_volume_find(const CatalogSnapshot *catalog, StrView name, Arena *arena, StorageVolume *out)
{
    return read_volume(name, catalog_record(catalog, VOLUMES, name), arena, out);
}

typedef struct Search {
    uint32_t id;
    Arena *arena;
    StorageVolume *out;
    bool is_found;
} Search;

static void look_at(void *context, StrView key, StrView value)
{
    Search *search = context;
    StorageVolume volume;
    if (search->is_found || !read_volume(key, value, search->arena, &volume) || volume.id != search->id)
        return;
    *search->out = volume;
    search->is_found = true;
}

bool storage_volume_by_id(const CatalogSnapshot *catalog, uint32_t id, Arena *arena, StorageVolume *out)
{
    Search search = {id, arena, out, false};
    catalog_each_record(catalog, VOLUMES, look_at, &search);
    return search.is_found;
}

typedef struct EachId {
    void (*visit)(void *context, uint32_t id);
    void *context;
} EachId;

static void visit_record(void *context, StrView key, StrView value)
{
    const EachId *each = context;
    StorageVolume volume;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    if (read_volume(key, value, &arena, &volume))
        each->visit(each->context, volume.id);
}

void storage_volume_each(const CatalogSnapshot *catalog, void (*visit)(void *context, uint32_t id), void *context)
{
    EachId each = {visit, context};
    catalog_each_record(catalog, VOLUMES, visit_record, &each);
}

StrView storage_volume_default(const CatalogSnapshot *catalog)
{
    StrView name = catalog_record(catalog, USES, STR_VIEW("default"));
    return name.data == NULL ? STR_VIEW(BUILTIN_STORAGE_VOLUME) : name;
}

StrView storage_volume_of_database(const CatalogSnapshot *catalog, uint64_t database_id)
{
    char key[32];
    StrView name = catalog_record(catalog, USES, database_key(database_id, key));
    return name.data == NULL ? storage_volume_default(catalog) : name;
}

StrView storage_volume_of_table(const TableSchema *schema)
{
    for (uint32_t i = 0; i < schema->property_count; i++) {
        if (strview_equal_ci(schema->properties[i].key, STR_VIEW("storage_volume")))
            return schema->properties[i].value;
    }
    return STR_VIEW(BUILTIN_STORAGE_VOLUME);
}

Status storage_volume_id(const CatalogSnapshot *catalog, const TableSchema *schema, Diag *diag, uint32_t *out_id)
{
    StrView name = storage_volume_of_table(schema);
    StorageVolume volume;
    *out_id = 0;
    if (strview_is(name, BUILTIN_STORAGE_VOLUME))
        return OK;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    if (!storage_volume_find(catalog, name, &arena, &volume))
        return RAISE(diag, BAD_CONFIG, "Unknown storage volume \"%.*s\"", SV_ARGS(name));
    *out_id = volume.id;
    return OK;
}

StrView storage_volume_property(const StorageVolume *volume, const char *key)
{
    for (uint32_t i = 0; i < volume->property_count; i++) {
        if (strview_is(volume->properties[i].key, key))
            return volume->properties[i].value;
    }
    return STR_VIEW("");
}

const char *storage_volume_user(const CatalogSnapshot *catalog, StrView name, Arena *arena)
{
    for (uint32_t d = 0; d < catalog->database_count; d++) {
        const CatalogDatabase *database = catalog->databases[d];
        char key[32];
        StrView own = catalog_record(catalog, USES, database_key(database->id, key));
        if (own.data != NULL && strview_equal(own, name))
            return arena_printf(arena, "dbs: [%llu], tables: []", (unsigned long long)database->id);
        for (uint32_t t = 0; t < catalog_table_count(database); t++) {
            if (strview_equal(storage_volume_of_table(catalog_table_at(database, t)->schema), name))
                return arena_printf(arena, "dbs: [], tables: [%llu]", (unsigned long long)catalog_table_at(database, t)->id);
        }
    }
    return NULL;
}
