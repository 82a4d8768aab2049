#include "mv/engine_int.h"

/* EXTRA_MESSAGE of a run: StarRocks' keys, and the reasons of every partition. */

#include <jansson.h>
#include <stdio.h>

#include "types/datetime.h"

enum { MOST_REASONS = 2000 }; /* of a run: its record is journaled */

static json_t *text_json(StrView text)
{
    json_t *value = json_stringn(text.data == NULL ? "" : text.data, text.length);
    return value != NULL ? value : json_string("?");
}

static json_t *refreshed_names(const MvRefreshed *done)
{
    json_t *names = json_array();
    for (uint32_t i = 0; i < done->decision.cells.count; i++) {
        if (done->decision.choices[i].refreshes)
            json_array_append_new(names, text_json(done->decision.choices[i].cell->name));
    }
    return names;
}

static bool add_name(json_t *names, StrView name)
{
    json_t *value = text_json(name);
    for (size_t i = 0; i < json_array_size(names); i++) {
        if (json_equal(json_array_get(names, i), value)) {
            json_decref(value);
            return false;
        }
    }
    json_array_append_new(names, value);
    return true;
}

/* Base partitions that are read for the refreshed partitions. */
static json_t *base_partitions(const MvRefreshed *done, bool only_ref)
{
    const MvCells *cells = &done->decision.cells;
    json_t *map = json_object();
    for (uint32_t t = 0; t < cells->table_count; t++) {
        json_t *names = json_array();
        for (uint32_t i = 0; i < cells->count; i++) {
            const MvCell *cell = &cells->items[i];
            for (uint32_t k = 0; done->decision.choices[i].refreshes && k < cell->inputs.count; k++) {
                if (cell->inputs.items[k].table == t)
                    add_name(names, cell->inputs.items[k].partition->name);
            }
        }
        const CatalogTable *table = cells->tables[t].table;
        bool reads = !cells->tables[t].is_ref && !only_ref && json_array_size(names) == 0 && cells->count > 0;
        bool refreshes = false;
        for (uint32_t i = 0; i < cells->count; i++)
            refreshes |= done->decision.choices[i].refreshes;
        for (uint32_t p = 0; reads && refreshes && p < table->partition_count; p++)
            json_array_append_new(names, text_json(table->partitions[p]->name));
        if (json_array_size(names) > 0)
            json_object_setn_new(map, table->name.data, table->name.length, names);
        else
            json_decref(names);
    }
    return map;
}

static json_t *cause_json(const MvChoice *choice, const MvCause *cause)
{
    json_t *object = json_object();
    json_object_set_new(object, "partition", text_json(choice->cell->name));
    json_object_set_new(object, "action", json_string(choice->refreshes ? "REFRESH" : "KEEP"));
    json_object_set_new(object, "reason", json_string(cause->reason));
    if (cause->table.length > 0)
        json_object_set_new(object, "baseTable", text_json(cause->table));
    if (cause->partition.length > 0)
        json_object_set_new(object, "basePartition", text_json(cause->partition));
    json_object_set_new(object, "from", json_integer((int64_t)cause->from));
    json_object_set_new(object, "to", json_integer((int64_t)cause->to));
    json_object_set_new(object, "rows", json_integer((int64_t)cause->rows));
    json_object_set_new(object, "bytes", json_integer((int64_t)cause->bytes));
    return object;
}

static json_t *reasons(const MvRefreshed *done)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < done->decision.cells.count; i++) {
        const MvChoice *choice = &done->decision.choices[i];
        for (uint32_t c = 0; c < choice->causes.count && choice->refreshes && json_array_size(list) < MOST_REASONS; c++)
            json_array_append_new(list, cause_json(choice, &choice->causes.items[c]));
    }
    return list;
}

static int append_text(const char *data, size_t length, void *buffer)
{
    bytebuf_append(buffer, data, length);
    return 0;
}

static json_t *execute_option(const TaskRunInfo *info, const MvRefresh *refresh)
{
    json_t *object = json_object();
    json_object_set_new(object, "priority", json_integer(info->priority));
    json_object_set_new(object, "isMergeRedundant", json_boolean(info->is_automatic));
    json_object_set_new(object, "isManual", json_boolean(!info->is_automatic));
    json_object_set_new(object, "isSync", json_boolean(refresh->most_partitions < 0));
    return object;
}

void mv_tell_run(TaskRun *run, const MvRefresh *refresh, const MvRefreshed *done, Arena *arena)
{
    AUTO_BYTEBUF text = {0};
    const MvRange *range = refresh->ask.range;
    json_t *object = json_object();
    json_object_set_new(object, "forceRefresh", json_boolean(refresh->ask.is_force));
    if (range != NULL && range->has_start)
        json_object_set_new(object, "partitionStart", text_json(range->start));
    if (range != NULL && range->has_end)
        json_object_set_new(object, "partitionEnd", text_json(range->end));
    json_object_set_new(object, "mvPartitionsToRefresh", refreshed_names(done));
    json_object_set_new(object, "refBasePartitionsToRefreshMap", base_partitions(done, true));
    json_object_set_new(object, "basePartitionsToRefreshMap", base_partitions(done, false));
    if (done->next_start.length > 0)
        json_object_set_new(object, "nextPartitionStart", text_json(done->next_start));
    if (done->next_start.length > 0 && done->next_end.length > 0)
        json_object_set_new(object, "nextPartitionEnd", text_json(done->next_end));
    json_object_set_new(object, "processStartTime", json_integer(task_run_info(run)->started_us / 1000));
    json_object_set_new(object, "executeOption", execute_option(task_run_info(run), refresh));
    json_object_set_new(object, "planBuilderMessage", json_object());
    json_object_set_new(object, "changedPartitions", json_integer(done->touched));
    json_object_set_new(object, "refreshedRows", json_integer((int64_t)done->rows));
    json_object_set_new(object, "refreshReasons", reasons(done));
    (void)arena;
    CHECK(json_dump_callback(object, append_text, &text, JSON_COMPACT) == 0);
    json_decref(object);
    task_run_set_extra(run, bytebuf_view(&text));
}
