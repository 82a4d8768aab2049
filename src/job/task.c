#include "job/task.h"

/* Records are JSON objects, whose members are named as the fields are. */

#include <jansson.h>
#include <stdio.h>

#include "meta/record_json.h"
#include "types/datetime.h"

/* ---- writing ---- */

/* Texts are UTF-8; of one that is not, only its ASCII is kept. */
static json_t *text_json(StrView text)
{
    json_t *value = json_stringn(text.data, text.length);
    if (value != NULL)
        return value;
    AUTO_BYTEBUF plain = {0};
    for (size_t i = 0; i < text.length; i++)
        bytebuf_append_char(&plain, (unsigned char)text.data[i] < 0x80 ? text.data[i] : '?');
    return json_stringn(plain.data, plain.length);
}

static void put_text(json_t *object, const char *key, StrView text)
{
    if (text.length > 0)
        json_object_set_new(object, key, text_json(text));
}

static void put_number(json_t *object, const char *key, int64_t value)
{
    if (value != 0)
        json_object_set_new(object, key, json_integer(value));
}

static json_t *properties_json(const Property *properties, uint32_t count)
{
    json_t *object = json_object();
    for (uint32_t i = 0; i < count; i++)
        json_object_setn_new(object, properties[i].key.data, properties[i].key.length, text_json(properties[i].value));
    return object;
}

static void print_json(json_t *object, ByteBuf *out)
{
    record_print(object, out);
}

static void put_record(Change *change, const char *module, StrView key, json_t *object)
{
    AUTO_BYTEBUF text = {0};
    print_json(object, &text);
    change_put_record(change, module, key, bytebuf_view(&text));
}

void change_put_task(Change *change, const TaskDefinition *task)
{
    json_t *object = json_object();
    put_number(object, "id", (int64_t)task->id);
    put_text(object, "name", task->name);
    put_text(object, "source", task->source);
    put_number(object, "type", task->type);
    put_number(object, "is_paused", task->is_paused);
    put_number(object, "created_us", task->created_us);
    put_number(object, "expires_us", task->expires_us);
    put_number(object, "start_us", task->start_us);
    put_number(object, "period_us", task->period_us);
    put_text(object, "period_text", task->period_text);
    put_text(object, "catalog", task->catalog);
    put_text(object, "database", task->database);
    put_text(object, "definition", task->definition);
    put_text(object, "creator", task->creator);
    put_number(object, "owner_id", (int64_t)task->owner_id);
    json_object_set_new(object, "properties", properties_json(task->properties, task->property_count));
    put_record(change, "task", task->name, object);
}

void change_drop_task(Change *change, StrView name)
{
    change_drop_record(change, "task", name);
}

static StrView run_key(uint64_t number, char buffer[24])
{
    snprintf(buffer, 24, "%020llu", (unsigned long long)number);
    return strview(buffer);
}

void change_put_task_run(Change *change, const TaskRunInfo *run)
{
    char key[24];
    json_t *object = json_object();
    put_number(object, "number", (int64_t)run->number);
    put_text(object, "id", run->id);
    put_text(object, "job_id", run->job_id);
    put_text(object, "task", run->task);
    put_text(object, "source", run->source);
    put_text(object, "catalog", run->catalog);
    put_text(object, "database", run->database);
    put_text(object, "definition", run->definition);
    put_text(object, "creator", run->creator);
    put_text(object, "state", strview(task_state_name((TaskState)run->state)));
    put_number(object, "is_automatic", run->is_automatic);
    put_number(object, "priority", run->priority);
    put_number(object, "merged", run->merged);
    put_number(object, "created_us", run->created_us);
    put_number(object, "started_us", run->started_us);
    put_number(object, "finished_us", run->finished_us);
    put_number(object, "expires_us", run->expires_us);
    put_number(object, "error_code", run->error_code);
    put_number(object, "progress", run->progress);
    put_text(object, "error_message", run->error_message);
    put_text(object, "extra", run->extra);
    json_object_set_new(object, "properties", properties_json(run->properties, run->property_count));
    put_record(change, "task_run", run_key(run->number, key), object);
}

void change_drop_task_run(Change *change, uint64_t number)
{
    char key[24];
    change_drop_record(change, "task_run", run_key(number, key));
}

/* ---- reading ---- */

static void get_properties(const json_t *object, Arena *arena, Property **out_properties, uint32_t *out_count)
{
    json_t *members = json_object_get(object, "properties"), *value;
    const char *key;
    *out_properties = ARENA_NEW_ARRAY(arena, Property, json_object_size(members) + 1);
    *out_count = 0;
    json_object_foreach(members, key, value)(*out_properties)[(*out_count)++] =
        (Property){strview(arena_strdup(arena, key)), record_text(members, key, arena)};
}

bool task_parse(StrView text, Arena *arena, TaskDefinition *out)
{
    json_t *object = json_loadb(text.data, text.length, 0, NULL);
    *out = (TaskDefinition){.id = (uint64_t)record_number(object, "id"),
                            .name = record_text(object, "name", arena),
                            .source = record_text(object, "source", arena),
                            .type = (uint8_t)record_number(object, "type"),
                            .is_paused = record_number(object, "is_paused") != 0,
                            .created_us = record_number(object, "created_us"),
                            .expires_us = record_number(object, "expires_us"),
                            .start_us = record_number(object, "start_us"),
                            .period_us = record_number(object, "period_us"),
                            .period_text = record_text(object, "period_text", arena),
                            .catalog = record_text(object, "catalog", arena),
                            .database = record_text(object, "database", arena),
                            .definition = record_text(object, "definition", arena),
                            .creator = record_text(object, "creator", arena),
                            .owner_id = (uint64_t)record_number(object, "owner_id")};
    get_properties(object, arena, &out->properties, &out->property_count);
    bool is_object = json_is_object(object);
    json_decref(object);
    return is_object && out->name.length > 0;
}

bool task_find(const CatalogSnapshot *snapshot, StrView name, Arena *arena, TaskDefinition *out_task)
{
    StrView text = catalog_record(snapshot, "task", name);
    return text.data != NULL && task_parse(text, arena, out_task);
}

typedef struct TaskCollector {
    Arena *arena;
    TaskDefinition *tasks;
    uint32_t count;
} TaskCollector;

static void collect_task(void *context, StrView key, StrView value)
{
    TaskCollector *all = context;
    (void)key;
    all->count += task_parse(value, all->arena, &all->tasks[all->count]);
}

uint32_t task_list(const CatalogSnapshot *snapshot, Arena *arena, TaskDefinition **out_tasks)
{
    uint32_t most = catalog_record_count(snapshot, "task");
    TaskCollector all = {arena, ARENA_NEW_ARRAY(arena, TaskDefinition, MAX(most, 1u)), 0};
    catalog_each_record(snapshot, "task", collect_task, &all);
    *out_tasks = all.tasks;
    return all.count;
}

static const char *const states[] = {[TASK_PENDING] = "PENDING", [TASK_RUNNING] = "RUNNING", [TASK_SUCCESS] = "SUCCESS",
                                     [TASK_FAILED] = "FAILED",   [TASK_SKIPPED] = "SKIPPED", [TASK_CANCELED] = "CANCELED"};

const char *task_state_name(TaskState state)
{
    return states[state];
}

static uint8_t state_of(StrView name)
{
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        if (strview_is(name, states[i]))
            return (uint8_t)i;
    }
    return TASK_FAILED;
}

bool task_run_parse(StrView text, Arena *arena, TaskRunInfo *out)
{
    json_t *object = json_loadb(text.data, text.length, 0, NULL);
    *out = (TaskRunInfo){.number = (uint64_t)record_number(object, "number"),
                         .id = record_text(object, "id", arena),
                         .job_id = record_text(object, "job_id", arena),
                         .task = record_text(object, "task", arena),
                         .source = record_text(object, "source", arena),
                         .catalog = record_text(object, "catalog", arena),
                         .database = record_text(object, "database", arena),
                         .definition = record_text(object, "definition", arena),
                         .creator = record_text(object, "creator", arena),
                         .state = state_of(record_text(object, "state", arena)),
                         .is_automatic = record_number(object, "is_automatic") != 0,
                         .priority = (int)record_number(object, "priority"),
                         .merged = (uint32_t)record_number(object, "merged"),
                         .created_us = record_number(object, "created_us"),
                         .started_us = record_number(object, "started_us"),
                         .finished_us = record_number(object, "finished_us"),
                         .expires_us = record_number(object, "expires_us"),
                         .error_code = (int32_t)record_number(object, "error_code"),
                         .progress = (uint32_t)record_number(object, "progress"),
                         .error_message = record_text(object, "error_message", arena),
                         .extra = record_text(object, "extra", arena)};
    Property *properties;
    get_properties(object, arena, &properties, &out->property_count);
    out->properties = properties;
    bool is_object = json_is_object(object);
    json_decref(object);
    return is_object && out->number != 0;
}

bool task_run_find(const CatalogSnapshot *snapshot, uint64_t number, Arena *arena, TaskRunInfo *out_run)
{
    char key[24];
    StrView text = catalog_record(snapshot, "task_run", run_key(number, key));
    return text.data != NULL && task_run_parse(text, arena, out_run);
}

bool task_run_is_known(const CatalogSnapshot *snapshot, uint64_t number)
{
    char key[24];
    return catalog_record(snapshot, "task_run", run_key(number, key)).data != NULL;
}

/* ---- properties ---- */

StrView task_property(const Property *properties, uint32_t count, const char *key)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strview_equal_ci(properties[i].key, strview(key)))
            return properties[i].value;
    }
    return (StrView){0};
}

bool task_properties_equal(const Property *a, uint32_t a_count, const Property *b, uint32_t b_count)
{
    if (a_count != b_count)
        return false;
    for (uint32_t i = 0; i < a_count; i++) {
        bool found = false;
        for (uint32_t j = 0; j < b_count && !found; j++)
            found = strview_equal(a[i].key, b[j].key) && strview_equal(a[i].value, b[j].value);
        if (!found)
            return false;
    }
    return true;
}

static StrView keep(StrView text, Arena *arena)
{
    return strview_n(arena_strndup(arena, text.data, text.length), text.length);
}

Property *task_properties_copy(const Property *properties, uint32_t count, Arena *arena)
{
    Property *copy = ARENA_NEW_ARRAY(arena, Property, MAX(count, 1u));
    for (uint32_t i = 0; i < count; i++)
        copy[i] = (Property){keep(properties[i].key, arena), keep(properties[i].value, arena)};
    return copy;
}

StrView task_properties_json(const Property *properties, uint32_t count, Arena *arena)
{
    AUTO_BYTEBUF text = {0};
    print_json(properties_json(properties, count), &text);
    return keep(bytebuf_view(&text), arena);
}

/* ---- schedules ---- */

StrView task_schedule_text(const TaskDefinition *task, int64_t zone_offset_us, Arena *arena)
{
    char start[32];
    if (task->type == TASK_EVENT_TRIGGERED)
        return STR_VIEW("EVENT_TRIGGERED");
    if (task->type != TASK_PERIODICAL)
        return STR_VIEW("MANUAL");
    int64_t whole = (task->start_us + zone_offset_us) / US_PER_SECOND * US_PER_SECOND;
    size_t length = datetime_print(whole, start);
    if (length > 10)
        start[10] = 'T';
    return strview(arena_printf(arena, "PERIODICAL START(%.*s) EVERY(%.*s)", (int)length, start, SV_ARGS(task->period_text)));
}

int64_t task_next_time(int64_t start_us, int64_t period_us, int64_t now_us)
{
    if (start_us > now_us)
        return start_us;
    if (period_us <= 0)
        return INT64_MAX;
    return start_us + ((now_us - start_us) / period_us + 1) * period_us;
}

int64_t task_unit_us(StrView unit)
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = {{"SECOND", 1}, {"MINUTE", 60}, {"HOUR", 3600}, {"DAY", 86400}};
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (strview_equal_ci(unit, strview(units[i].name)))
            return units[i].seconds * US_PER_SECOND;
    }
    return 0;
}
