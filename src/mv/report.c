#include "mv/engine_int.h"

/* EXTRA_MESSAGE of a run: StarRocks' keys, and the reasons of every partition. */

#include <jansson.h>
#include <stdio.h>

#include "base/strmap.h"
#include "meta/record_json.h"
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

/* Names of one base table, each once. */
typedef struct Names {
    json_t *list;
    StrMap known;
} Names;

static void add_name(Names *names, StrView name)
{
    if (strmap_put_if_absent(&names->known, name, names) == NULL)
        json_array_append_new(names->list, text_json(name));
}

static bool refreshes_any(const MvRefreshed *done)
{
    for (uint32_t i = 0; i < done->decision.cells.count; i++) {
        if (done->decision.choices[i].refreshes)
            return true;
    }
    return false;
}

/* Base partitions that are read for the refreshed partitions, by table. */
static json_t *base_partitions(const MvRefreshed *done, bool only_ref)
{
    const MvCells *cells = &done->decision.cells;
    json_t *map = json_object();
    bool refreshes = refreshes_any(done);
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    Names *names = ARENA_NEW_ARRAY(&arena, Names, cells->table_count + 1);
    for (uint32_t t = 0; t < cells->table_count; t++) {
        names[t].list = json_array();
        strmap_init(&names[t].known, &arena, false);
    }
    for (uint32_t i = 0; i < cells->count; i++) {
        const MvCell *cell = &cells->items[i];
        for (uint32_t k = 0; done->decision.choices[i].refreshes && k < cell->inputs.count; k++)
            add_name(&names[cell->inputs.items[k].table], cell->inputs.items[k].partition->name);
    }
    for (uint32_t t = 0; t < cells->table_count; t++) {
        const CatalogTable *table = cells->tables[t].table;
        bool reads_all = !cells->tables[t].is_ref && !only_ref && refreshes && json_array_size(names[t].list) == 0;
        for (uint32_t p = 0; reads_all && p < table->partition_count; p++)
            add_name(&names[t], table->partitions[p]->name);
        if (json_array_size(names[t].list) > 0)
            json_object_setn(map, table->name.data, table->name.length, names[t].list);
        json_decref(names[t].list);
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
    record_print(object, &text);
    task_run_set_extra(run, bytebuf_view(&text));
}
