#include "mv/definition.h"

/* Records are JSON objects, whose members are named as the fields are. */

#include <jansson.h>
#include <stdio.h>

#include "base/hash.h"
#include "job/task.h"
#include "meta/record_json.h"
#include "mv/version_map.h"
#include "types/number_text.h"

static const char module[] = "mv";

/* ---- writing ---- */

/* Names may be any bytes. Of a text that is not UTF-8 only its ASCII is kept. */
static json_t *text_json(StrView text)
{
    json_t *value = json_stringn(text.data == NULL ? "" : text.data, text.length);
    if (value != NULL)
        return value;
    AUTO_BYTEBUF plain = {0};
    for (size_t i = 0; i < text.length; i++)
        bytebuf_append_char(&plain, (unsigned char)text.data[i] < 0x80 ? text.data[i] : '?');
    return json_stringn(plain.data, plain.length);
}

static json_t *texts_json(const StrView *texts, uint32_t count)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(array, text_json(texts[i]));
    return array;
}

static json_t *numbers_json(const uint32_t *numbers, uint32_t count)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(array, json_integer(numbers[i]));
    return array;
}

static json_t *base_json(const MvBase *base)
{
    json_t *object = json_object();
    json_object_set_new(object, "id", json_integer((int64_t)base->id));
    json_object_set_new(object, "kind", json_integer(base->kind));
    json_object_set_new(object, "database", text_json(base->database));
    json_object_set_new(object, "name", text_json(base->name));
    if (base->view_sql.length > 0)
        json_object_set_new(object, "view_sql", text_json(base->view_sql));
    json_object_set_new(object, "column_ids", numbers_json(base->column_ids, base->column_count));
    json_object_set_new(object, "column_names", texts_json(base->column_names, base->column_count));
    return object;
}

static json_t *properties_json(const MvDefinition *definition)
{
    json_t *object = json_object();
    for (uint32_t i = 0; i < definition->property_count; i++)
        json_object_setn_new(object, definition->properties[i].key.data, definition->properties[i].key.length,
                             text_json(definition->properties[i].value));
    return object;
}

static json_t *definition_json(const MvDefinition *definition)
{
    json_t *object = json_object();
    json_t *bases = json_array();
    json_object_set_new(object, "scheme", json_integer(definition->scheme));
    json_object_set_new(object, "is_deferred", json_boolean(definition->is_deferred));
    json_object_set_new(object, "is_active", json_boolean(definition->is_active));
    json_object_set_new(object, "has_start", json_boolean(definition->has_start));
    json_object_set_new(object, "start_us", json_integer(definition->start_us));
    json_object_set_new(object, "period_us", json_integer(definition->period_us));
    json_object_set_new(object, "period_text", text_json(definition->period_text));
    json_object_set_new(object, "inactive_reason", text_json(definition->inactive_reason));
    if (definition->cleared_cause.length > 0)
        json_object_set_new(object, "cleared_cause", text_json(definition->cleared_cause));
    json_object_set_new(object, "creator", text_json(definition->creator));
    json_object_set_new(object, "partition_texts", texts_json(definition->partition_texts, definition->partition_count));
    json_object_set_new(object, "partition_columns", numbers_json(definition->partition_columns, definition->partition_count));
    json_object_set_new(object, "outputs", texts_json(definition->outputs, definition->output_count));
    if (definition->places != NULL)
        json_object_set_new(object, "places", numbers_json(definition->places, definition->output_count));
    for (uint32_t i = 0; i < definition->base_count; i++)
        json_array_append_new(bases, base_json(&definition->bases[i]));
    json_object_set_new(object, "bases", bases);
    json_object_set_new(object, "properties", properties_json(definition));
    json_object_set_new(object, "failures", json_integer(definition->failures));
    return object;
}

/* Keys of one length: in the order of the ids. */
static StrView record_key(uint64_t id, char buffer[24])
{
    int length = snprintf(buffer, 24, "%020llu", (unsigned long long)id);
    return strview_n(buffer, (size_t)length);
}

void change_put_mv(Change *change, const MvDefinition *definition)
{
    char key[24];
    AUTO_BYTEBUF text = {0};
    if (definition->is_damaged)
        return;
    json_t *object = definition_json(definition);
    record_print(object, &text);
    change_put_record(change, module, record_key(definition->id, key), bytebuf_view(&text));
}

void change_drop_mv(Change *change, const CatalogSnapshot *snapshot, uint64_t id)
{
    char key[24];
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    change_drop_record(change, module, record_key(id, key));
    change_drop_task(change, mv_task_name(id, &arena));
    change_clear_mv_map(change, snapshot, id);
}

/* ---- reading ---- */

static StrView *get_texts(const json_t *object, const char *key, Arena *arena, uint32_t *out_count)
{
    const json_t *array = json_object_get(object, key);
    *out_count = (uint32_t)json_array_size(array);
    StrView *texts = ARENA_NEW_ARRAY(arena, StrView, MAX(*out_count, 1u));
    for (uint32_t i = 0; i < *out_count; i++)
        texts[i] = record_text_of(json_array_get(array, i), arena);
    return texts;
}

static uint32_t *get_numbers(const json_t *object, const char *key, Arena *arena, uint32_t count)
{
    const json_t *array = json_object_get(object, key);
    uint32_t *numbers = ARENA_NEW_ARRAY(arena, uint32_t, MAX(count, 1u));
    for (uint32_t i = 0; i < count; i++)
        numbers[i] = (uint32_t)json_integer_value(json_array_get(array, i));
    return numbers;
}

static uint32_t *own_places(Arena *arena, uint32_t count)
{
    uint32_t *places = ARENA_NEW_ARRAY(arena, uint32_t, MAX(count, 1u));
    for (uint32_t i = 0; i < count; i++)
        places[i] = i;
    return places;
}

static void read_bases(const json_t *object, Arena *arena, MvDefinition *out)
{
    const json_t *array = json_object_get(object, "bases");
    out->base_count = (uint32_t)json_array_size(array);
    out->bases = ARENA_NEW_ARRAY(arena, MvBase, MAX(out->base_count, 1u));
    for (uint32_t i = 0; i < out->base_count; i++) {
        const json_t *from = json_array_get(array, i);
        MvBase *base = &out->bases[i];
        *base = (MvBase){.id = (uint64_t)record_number(from, "id"),
                         .kind = (uint8_t)record_number(from, "kind"),
                         .database = record_text(from, "database", arena),
                         .name = record_text(from, "name", arena),
                         .view_sql = record_text(from, "view_sql", arena)};
        base->column_names = get_texts(from, "column_names", arena, &base->column_count);
        base->column_ids = get_numbers(from, "column_ids", arena, base->column_count);
    }
}

static void read_properties(const json_t *object, Arena *arena, MvDefinition *out)
{
    json_t *all = json_object_get(object, "properties");
    const char *key;
    json_t *value;
    out->properties = ARENA_NEW_ARRAY(arena, Property, json_object_size(all) + 1);
    json_object_foreach(all, key, value)
        out->properties[out->property_count++] = (Property){strview(arena_strdup(arena, key)), record_text_of(value, arena)};
}

/* Of what a program of ours writes; table NULL: it can't be asked. */
static bool is_sensible(const MvDefinition *definition, const CatalogTable *table)
{
    const TableSchema *schema = table == NULL ? NULL : table->schema;
    bool is_one = definition->scheme <= MV_PERIODICAL && definition->base_count > 0 && definition->output_count > 0 &&
                  (definition->scheme != MV_PERIODICAL || definition->period_us > 0);
    if (schema == NULL || !is_one)
        return is_one;
    for (uint32_t i = 0; i < definition->partition_count; i++)
        is_one &= definition->partition_columns[i] < schema->column_count;
    return is_one && schema->kind == TABLE_MATERIALIZED_VIEW && definition->output_count == schema->column_count &&
           definition->partition_count == schema->partition_column_count;
}

static bool parse(uint64_t id, StrView text, Arena *arena, MvDefinition *out)
{
    json_t *object = json_loadb(text.data, text.length, 0, NULL);
    if (!json_is_object(object)) {
        json_decref(object);
        return false;
    }
    *out = (MvDefinition){.id = id,
                          .scheme = (uint8_t)record_number(object, "scheme"),
                          .is_deferred = json_is_true(json_object_get(object, "is_deferred")),
                          .is_active = json_is_true(json_object_get(object, "is_active")),
                          .has_start = json_is_true(json_object_get(object, "has_start")),
                          .start_us = record_number(object, "start_us"),
                          .period_us = record_number(object, "period_us"),
                          .period_text = record_text(object, "period_text", arena),
                          .inactive_reason = record_text(object, "inactive_reason", arena),
                          .cleared_cause = record_text(object, "cleared_cause", arena),
                          .creator = record_text(object, "creator", arena),
                          .failures = (uint32_t)record_number(object, "failures")};
    out->partition_texts = get_texts(object, "partition_texts", arena, &out->partition_count);
    out->partition_columns = get_numbers(object, "partition_columns", arena, out->partition_count);
    out->outputs = get_texts(object, "outputs", arena, &out->output_count);
    out->places = json_array_size(json_object_get(object, "places")) == out->output_count
                      ? get_numbers(object, "places", arena, out->output_count)
                      : own_places(arena, out->output_count);
    read_bases(object, arena, out);
    read_properties(object, arena, out);
    json_decref(object);
    return true;
}

bool mv_find(const CatalogSnapshot *snapshot, uint64_t id, Arena *arena, MvDefinition *out)
{
    char key[24];
    StrView text = catalog_record(snapshot, module, record_key(id, key));
    return text.data != NULL && parse(id, text, arena, out) && is_sensible(out, catalog_table_by_id(snapshot, id));
}

uint64_t mv_record_hash(const CatalogSnapshot *snapshot, uint64_t id)
{
    char key[24];
    StrView text = catalog_record(snapshot, module, record_key(id, key));
    return text.data == NULL ? 0 : hash_bytes(text.data, text.length);
}

typedef struct Listing {
    const CatalogSnapshot *snapshot;
    Arena *arena;
    ARRAY_OF(MvDefinition) all;
} Listing;

static void add_definition(void *context, StrView key, StrView value)
{
    Listing *listing = context;
    MvDefinition definition;
    int64_t id;
    if (!int64_parse(key, &id))
        return;
    if (!parse((uint64_t)id, value, listing->arena, &definition) || !is_sensible(&definition, catalog_table_by_id(listing->snapshot, (uint64_t)id)))
        definition = (MvDefinition){.id = (uint64_t)id, .inactive_reason = STR_VIEW(MV_REASON_DAMAGED), .is_damaged = true};
    ARRAY_PUSH(listing->arena, &listing->all, definition);
}

uint32_t mv_list(const CatalogSnapshot *snapshot, Arena *arena, MvDefinition **out)
{
    Listing listing = {.snapshot = snapshot, .arena = arena};
    catalog_each_record(snapshot, module, add_definition, &listing);
    *out = listing.all.items;
    return listing.all.count;
}

/* ---- parts ---- */

StrView mv_property(const MvDefinition *definition, const char *key)
{
    for (uint32_t i = 0; i < definition->property_count; i++) {
        if (strview_equal_ci(definition->properties[i].key, strview(key)))
            return definition->properties[i].value;
    }
    return (StrView){0};
}

int64_t mv_property_number(const MvDefinition *definition, const char *key, int64_t missing)
{
    int64_t value;
    StrView text = mv_property(definition, key);
    return text.data != NULL && int64_parse(strview_trim(text), &value) ? value : missing;
}

void mv_set_property(MvDefinition *definition, Arena *arena, StrView key, StrView value)
{
    for (uint32_t i = 0; i < definition->property_count; i++) {
        if (strview_equal_ci(definition->properties[i].key, key)) {
            definition->properties[i].value = value;
            return;
        }
    }
    Property *grown = ARENA_NEW_ARRAY(arena, Property, definition->property_count + 1);
    if (definition->property_count > 0)
        memcpy(grown, definition->properties, definition->property_count * sizeof(*grown));
    grown[definition->property_count++] = (Property){key, value};
    definition->properties = grown;
}

static const char task_prefix[] = "mv-";

StrView mv_task_name(uint64_t id, Arena *arena)
{
    return strview(arena_printf(arena, "%s%llu", task_prefix, (unsigned long long)id));
}

uint64_t mv_task_view(StrView name)
{
    int64_t id;
    size_t length = sizeof(task_prefix) - 1;
    if (!strview_starts_with(name, strview(task_prefix)))
        return 0;
    return int64_parse(strview_n(name.data + length, name.length - length), &id) ? (uint64_t)id : 0;
}

static bool names_table(StrView item, StrView database, StrView table)
{
    size_t dot = strview_find(item, STR_VIEW("."));
    if (dot == SIZE_MAX)
        return strview_equal(item, table);
    StrView left = strview_n(item.data, dot), right = strview_n(item.data + dot + 1, item.length - dot - 1);
    size_t second = strview_find(right, STR_VIEW("."));
    if (second != SIZE_MAX) /* catalog.db.table */
        return names_table(right, database, table);
    return strview_equal(strview_trim(left), database) && strview_equal(strview_trim(right), table);
}

bool mv_list_names(StrView list, StrView database, StrView table)
{
    while (list.length > 0) {
        size_t comma = strview_find(list, STR_VIEW(","));
        size_t length = comma == SIZE_MAX ? list.length : comma;
        StrView item = strview_trim(strview_n(list.data, length));
        if (item.length > 0 && names_table(item, database, table))
            return true;
        length = MIN(length + 1, list.length);
        list = strview_n(list.data + length, list.length - length);
    }
    return false;
}

/* ---- the task ---- */

static TaskType task_type(const MvDefinition *definition)
{
    return definition->scheme == MV_PERIODICAL        ? TASK_PERIODICAL
           : definition->scheme == MV_EVENT_TRIGGERED ? TASK_EVENT_TRIGGERED
                                                      : TASK_MANUAL;
}

void mv_put_task(Change *change, const CatalogSnapshot *snapshot, const MvDefinition *definition, StrView database, StrView name,
                 StrView query, int64_t now_us)
{
    AUTO_ARENA arena;
    TaskDefinition task;
    arena_init(&arena, NULL);
    if (definition->is_damaged)
        return;
    StrView task_name = mv_task_name(definition->id, &arena);
    int64_t created_us = task_find(snapshot, task_name, &arena, &task) ? task.created_us : now_us;
    Property properties[] = {{STR_VIEW("mvId"), strview(arena_printf(&arena, "%llu", (unsigned long long)definition->id))}};
    task = (TaskDefinition){.id = definition->id,
                            .name = task_name,
                            .source = STR_VIEW("MV"),
                            .type = (uint8_t)task_type(definition),
                            .is_paused = !definition->is_active,
                            .created_us = created_us,
                            .catalog = STR_VIEW("default_catalog"),
                            .database = database,
                            .definition = strview(arena_printf(&arena, "insert overwrite `%.*s` %.*s", SV_ARGS(name), SV_ARGS(query))),
                            .creator = definition->creator,
                            .owner_id = definition->id,
                            .properties = properties,
                            .property_count = COUNT_OF(properties)};
    if (definition->scheme == MV_PERIODICAL) {
        task.start_us = definition->start_us;
        task.period_us = definition->period_us;
        task.period_text = definition->period_text;
    }
    change_put_task(change, &task);
}
