#include "meta/dictionary_record.h"

/* The records are JSON objects, whose members are named as the fields are. */

#include <inttypes.h>
#include <jansson.h>

#include "codec/json_text.h"
#include "meta/record_json.h"

#define MODULE "dictionary"

const char *dictionary_state_name(uint8_t state)
{
    static const char *const names[] = {[DICTIONARY_UNINITIALIZED] = "UNINITIALIZED", [DICTIONARY_FINISHED] = "FINISHED",
                                        [DICTIONARY_CANCELLED] = "CANCELLED"};
    return state < COUNT_OF(names) ? names[state] : "UNKNOWN";
}

/* ---- writing ---- */

static void put_text(ByteBuf *out, const char *key, StrView value)
{
    bytebuf_printf(out, ",\"%s\":", key);
    json_quote(value, out);
}

static void put_columns(ByteBuf *out, const DictionaryRecord *record)
{
    bytebuf_append_text(out, ",\"columns\":[");
    for (uint32_t i = 0; i < record->column_count; i++) {
        const DictionaryColumn *column = &record->columns[i];
        AUTO_BYTEBUF type = {0};
        type_print(column->type, &type);
        bytebuf_printf(out, "%s{\"is_key\":%s", i > 0 ? "," : "", column->is_key ? "true" : "false");
        put_text(out, "name", column->name);
        put_text(out, "type", bytebuf_view(&type));
        bytebuf_append_char(out, '}');
    }
    bytebuf_append_char(out, ']');
}

void change_put_dictionary(Change *change, const DictionaryRecord *record)
{
    AUTO_BYTEBUF text = {0};
    bytebuf_printf(&text, "{\"id\":%" PRIu64 ",\"warms_up\":%s,\"reads_latest\":%s", record->id, record->warms_up ? "true" : "false",
                   record->reads_latest ? "true" : "false");
    bytebuf_printf(&text, ",\"most_bytes\":%" PRId64 ",\"refresh_seconds\":%" PRId64 ",\"refresh_us\":%" PRId64 ",\"finished_us\":%" PRId64,
                   record->most_bytes, record->refresh_seconds, record->refresh_us, record->finished_us);
    put_text(&text, "state", strview(dictionary_state_name(record->state)));
    put_text(&text, "database", record->database);
    put_text(&text, "object", record->object);
    put_text(&text, "creator", record->creator);
    put_text(&text, "error", record->error);
    put_columns(&text, record);
    bytebuf_append_char(&text, '}');
    change_put_record(change, MODULE, record->name, bytebuf_view(&text));
}

void change_drop_dictionary(Change *change, StrView name)
{
    change_drop_record(change, MODULE, name);
}

/* ---- reading ---- */

static void read_columns(const json_t *array, Arena *arena, DictionaryRecord *out)
{
    size_t count = json_array_size(array);
    DictionaryColumn *columns = ARENA_NEW_ARRAY(arena, DictionaryColumn, MAX(count, (size_t)1));
    for (size_t i = 0; i < count; i++) {
        const json_t *object = json_array_get(array, i);
        columns[i].name = record_text(object, "name", arena);
        columns[i].is_key = json_is_true(json_object_get(object, "is_key"));
        if (type_parse(record_text(object, "type", arena), arena, NULL, &columns[i].type) != OK)
            columns[i].type = type_varchar(0);
    }
    out->columns = columns;
    out->column_count = (uint32_t)count;
}

static void read_record(StrView name, StrView value, Arena *arena, DictionaryRecord *out)
{
    json_t *object = json_loadb(value.data, value.length, 0, NULL);
    *out = (DictionaryRecord){.name = strview_n(arena_strndup(arena, name.data, name.length), name.length),
                              .id = (uint64_t)record_number(object, "id"),
                              .database = record_text(object, "database", arena),
                              .object = record_text(object, "object", arena),
                              .creator = record_text(object, "creator", arena),
                              .error = record_text(object, "error", arena),
                              .warms_up = json_is_true(json_object_get(object, "warms_up")),
                              .reads_latest = json_is_true(json_object_get(object, "reads_latest")),
                              .most_bytes = record_number(object, "most_bytes"),
                              .refresh_seconds = record_number(object, "refresh_seconds"),
                              .refresh_us = record_number(object, "refresh_us"),
                              .finished_us = record_number(object, "finished_us")};
    read_columns(json_object_get(object, "columns"), arena, out);
    StrView state = record_text(object, "state", arena);
    while (out->state < DICTIONARY_CANCELLED && !strview_is(state, dictionary_state_name(out->state)))
        out->state++;
    json_decref(object);
}

bool dictionary_find(const CatalogSnapshot *catalog, StrView name, Arena *arena, DictionaryRecord *out)
{
    StrView value = catalog_record(catalog, MODULE, name);
    if (value.data == NULL)
        return false;
    read_record(name, value, arena, out);
    return true;
}

typedef struct Listing {
    Arena *arena;
    ARRAY_OF(DictionaryRecord) all;
} Listing;

static void list_record(void *context, StrView key, StrView value)
{
    Listing *listing = context;
    DictionaryRecord record;
    read_record(key, value, listing->arena, &record);
    ARRAY_PUSH(listing->arena, &listing->all, record);
}

uint32_t dictionary_list(const CatalogSnapshot *catalog, Arena *arena, DictionaryRecord **out)
{
    Listing listing = {.arena = arena};
    catalog_each_record(catalog, MODULE, list_record, &listing);
    *out = listing.all.items;
    return listing.all.count;
}
