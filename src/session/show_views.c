#include "session/show_int.h"

/* information_schema.materialized_views and mv_refresh_reasons, SHOW MATERIALIZED VIEWS. What is told of the last refresh is
 * told of its whole job: of all runs that belong together. */

#include <jansson.h>

#include "base/redact.h"
#include "job/task_manager.h"
#include "meta/catalog_text.h"
#include "meta/record_json.h"
#include "mv/definition.h"
#include "mv/query_views.h"
#include "session/mv_int.h"

#define VIEW_COLUMNS(id, schema, name, rows, text)                                                                                             \
    NUMBER(id), TEXT(schema), TEXT(name), TEXT("REFRESH_TYPE"), TEXT("IS_ACTIVE"), TEXT("INACTIVE_REASON"), TEXT("PARTITION_TYPE"),               \
        NUMBER("TASK_ID"), TEXT("TASK_NAME"), TIME("LAST_REFRESH_START_TIME"), TIME("LAST_REFRESH_FINISHED_TIME"), DOUBLE("LAST_REFRESH_DURATION"),     \
        TEXT("LAST_REFRESH_STATE"), TEXT("LAST_REFRESH_FORCE_REFRESH"), TEXT("LAST_REFRESH_START_PARTITION"), TEXT("LAST_REFRESH_END_PARTITION"),   \
        TEXT("LAST_REFRESH_BASE_REFRESH_PARTITIONS"), TEXT("LAST_REFRESH_MV_REFRESH_PARTITIONS"), TEXT("LAST_REFRESH_ERROR_CODE"),                 \
        TEXT("LAST_REFRESH_ERROR_MESSAGE"), NUMBER(rows), TEXT(text), TEXT("EXTRA_MESSAGE"), TEXT("QUERY_REWRITE_STATUS"), TEXT("CREATOR"),        \
        TIME("LAST_REFRESH_PROCESS_TIME"), TEXT("LAST_REFRESH_JOB_ID")

static const SystemColumn views_columns[] = {
    VIEW_COLUMNS("MATERIALIZED_VIEW_ID", "TABLE_SCHEMA", "TABLE_NAME", "TABLE_ROWS", "MATERIALIZED_VIEW_DEFINITION")};

static const SystemColumn show_columns[] = {
    NUMBER("id"), TEXT("database_name"), TEXT("name"), TEXT("refresh_type"), TEXT("is_active"), TEXT("inactive_reason"), TEXT("partition_type"),
    NUMBER("task_id"), TEXT("task_name"), TIME("last_refresh_start_time"), TIME("last_refresh_finished_time"), DOUBLE("last_refresh_duration"),
    TEXT("last_refresh_state"), TEXT("last_refresh_force_refresh"), TEXT("last_refresh_start_partition"), TEXT("last_refresh_end_partition"),
    TEXT("last_refresh_base_refresh_partitions"), TEXT("last_refresh_mv_refresh_partitions"), TEXT("last_refresh_error_code"),
    TEXT("last_refresh_error_message"), NUMBER("rows"), TEXT("text"), TEXT("extra_message"), TEXT("query_rewrite_status"), TEXT("creator"),
    TIME("last_refresh_process_time"), TEXT("last_refresh_job_id")};

static const SystemColumn reasons_columns[] = {TEXT("TABLE_SCHEMA"), TEXT("TABLE_NAME"),     TEXT("QUERY_ID"),     TEXT("JOB_ID"),      TIME("REFRESH_TIME"),
                                               TEXT("PARTITION_NAME"), TEXT("ACTION"),         TEXT("REASON"),       TEXT("BASE_TABLE"),
                                                             TEXT("BASE_PARTITION"),
                                               NUMBER("FROM_VERSION"), NUMBER("TO_VERSION"),   NUMBER("ROWS"),       NUMBER("BYTES")};

/* ---- the last job ---- */

typedef struct LastJob {
    const TaskRunInfo *newest; /* NULL: never */
    uint8_t state;
    int64_t started_us, finished_us, process_us;
    const TaskRunInfo *failed;
} LastJob;

static LastJob last_job(const TaskRunInfo *runs, uint32_t count, StrView task)
{
    LastJob job = {0};
    for (uint32_t i = 0; i < count; i++) { /* the newest first */
        const TaskRunInfo *run = &runs[i];
        if (!strview_equal(run->task, task) || (job.newest != NULL && !strview_equal(run->job_id, job.newest->job_id)))
            continue;
        if (job.newest == NULL) {
            job.newest = run;
            job.state = run->state;
            job.finished_us = run->finished_us;
        }
        if (run->state == TASK_FAILED || run->state == TASK_CANCELED) {
            job.failed = run;
            job.state = run->state;
        }
        job.started_us = run->created_us;
        job.process_us = run->started_us;
    }
    return job;
}

/* A member of the run's EXTRA_MESSAGE as text. */
static StrView extra_text(const SystemSource *source, const TaskRunInfo *run, const char *key)
{
    json_t *extra = run == NULL ? NULL : json_loadb(run->extra.data, run->extra.length, 0, NULL);
    const json_t *value = json_object_get(extra, key);
    StrView text = STR_VIEW("");
    if (json_is_string(value)) {
        text = strview(arena_strdup(source->arena, json_string_value(value)));
    } else if (json_is_array(value)) {
        AUTO_BYTEBUF list = {0};
        size_t i;
        json_t *item;
        json_array_foreach(value, i, item)
            bytebuf_printf(&list, "%s%s", i > 0 ? "," : "", json_is_string(item) ? json_string_value(item) : "");
        text = strview_n(arena_strndup(source->arena, list.data == NULL ? "" : list.data, list.length), list.length);
    } else if (json_is_object(value)) {
        AUTO_BYTEBUF dumped = {0};
        record_print(json_incref((json_t *)(uintptr_t)value), &dumped);
        text = strview_n(arena_strndup(source->arena, dumped.data, dumped.length), dumped.length);
    }
    json_decref(extra);
    return text;
}

static void put_job(const SystemSource *source, SystemRows *rows, const LastJob *job)
{
    const TaskRunInfo *run = job->newest;
    bool has = run != NULL;
    system_put_time(rows, job->started_us);
    system_put_time(rows, job->finished_us);
    if (has && job->finished_us != 0 && job->process_us != 0)
        system_put_double(rows, (double)(job->finished_us - job->process_us) / 1e6);
    else
        system_put_double(rows, 0);
    system_put_text(rows, has ? strview(task_state_name((TaskState)job->state)) : (StrView){0});
    system_put_word(rows, has && strview_equal_ci(task_property(run->properties, run->property_count, "FORCE"), STR_VIEW("true")) ? "true" : "false");
    system_put_text(rows, extra_text(source, run, "partitionStart"));
    system_put_text(rows, extra_text(source, run, "partitionEnd"));
    system_put_text(rows, extra_text(source, run, "basePartitionsToRefreshMap"));
    system_put_text(rows, extra_text(source, run, "mvPartitionsToRefresh"));
    const TaskRunInfo *told = job->failed != NULL ? job->failed : run;
    system_put_text(rows, told == NULL ? STR_VIEW("") : strview(arena_printf(source->arena, "%d", told->error_code)));
    system_put_text(rows, told == NULL || told->error_message.data == NULL ? STR_VIEW("") : told->error_message);
}

static StrView create_text(const SystemSource *source, const CatalogTable *table, const MvDefinition *definition)
{
    AUTO_BYTEBUF text = {0};
    mv_print_create(table, definition, source->zone_offset_us, &text);
    return strview_n(arena_strndup(source->arena, text.data, text.length), text.length);
}

static const char *partition_type(const CatalogTable *table)
{
    return table->schema->scheme == PARTITION_NONE ? "UNPARTITIONED" : table->schema->scheme == PARTITION_RANGE ? "RANGE" : "LIST";
}

static Status put_view(const SystemSource *source, SystemRows *rows, const CatalogDatabase *database, const CatalogTable *table,
                       const MvDefinition *definition, const TaskRunInfo *runs, uint32_t run_count)
{
    const StatementContext *context = show_context(source);
    StrView task = mv_task_name(definition->id, source->arena);
    LastJob job = last_job(runs, run_count, task);
    system_put_number(rows, (int64_t)definition->id);
    system_put_text(rows, database->name);
    system_put_text(rows, table->name);
    system_put_word(rows, table_is_rollup(table->schema) ? "ROLLUP" : definition->scheme == MV_MANUAL ? "MANUAL" : "ASYNC");
    system_put_word(rows, definition->is_active ? "true" : "false");
    system_put_text(rows, definition->inactive_reason);
    system_put_word(rows, partition_type(table));
    system_put_number(rows, (int64_t)definition->id);
    system_put_text(rows, task);
    put_job(source, rows, &job);
    system_put_number(rows, (int64_t)table_row_count(table));
    system_put_text(rows, definition->is_damaged ? redact_definition(table->schema->view_sql, source->arena)
                                                 : create_text(source, table, definition));
    system_put_text(rows, job.newest == NULL ? STR_VIEW("") : job.newest->extra);
    system_put_text(rows, mv_rewrite_status(context->session->instance->forms, context->catalog, definition->id, source->arena));
    system_put_text(rows, definition->creator);
    system_put_time(rows, job.process_us);
    system_put_text(rows, job.newest == NULL ? STR_VIEW("") : job.newest->job_id);
    return system_end_row(rows);
}

static Status produce_of(const SystemSource *source, SystemRows *rows, const CatalogDatabase *only)
{
    MvDefinition *definitions;
    TaskRunInfo *runs;
    uint32_t count = mv_list(source->catalog, source->arena, &definitions);
    uint32_t run_count = task_run_list(show_context(source)->session->instance->tasks, source->catalog, source->arena, &runs);
    for (uint32_t i = 0; i < count; i++) {
        const CatalogTable *table = catalog_table_by_id(source->catalog, definitions[i].id);
        const CatalogDatabase *database = table == NULL ? NULL : catalog_database_by_id(source->catalog, table->database_id);
        if (database != NULL && (only == NULL || only == database))
            TRY(put_view(source, rows, database, table, &definitions[i], runs, run_count));
    }
    return OK;
}

static Status produce_views(const SystemSource *source, SystemRows *rows)
{
    return produce_of(source, rows, NULL);
}

static Status produce_show(const SystemSource *source, SystemRows *rows)
{
    const CatalogDatabase *database;
    TRY(show_database(show_context(source), &database));
    return produce_of(source, rows, database);
}

/* ---- reasons ---- */

static StrView member_text(const SystemSource *source, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? (StrView){0} : strview(arena_strdup(source->arena, text));
}

static void put_version(SystemRows *rows, const json_t *object, const char *key)
{
    int64_t version = json_integer_value(json_object_get(object, key));
    if (version != 0)
        system_put_number(rows, version);
    else
        system_put_null(rows);
}

static Status put_reason(const SystemSource *source, SystemRows *rows, const CatalogTable *table, const TaskRunInfo *run, const json_t *reason)
{
    const CatalogDatabase *database = catalog_database_by_id(source->catalog, table->database_id);
    system_put_text(rows, database == NULL ? STR_VIEW("") : database->name);
    system_put_text(rows, table->name);
    system_put_text(rows, run->id);
    system_put_text(rows, run->job_id);
    system_put_time(rows, run->started_us);
    system_put_text(rows, member_text(source, reason, "partition"));
    system_put_text(rows, member_text(source, reason, "action"));
    system_put_text(rows, member_text(source, reason, "reason"));
    system_put_text(rows, member_text(source, reason, "baseTable"));
    system_put_text(rows, member_text(source, reason, "basePartition"));
    put_version(rows, reason, "from");
    put_version(rows, reason, "to");
    system_put_number(rows, json_integer_value(json_object_get(reason, "rows")));
    system_put_number(rows, json_integer_value(json_object_get(reason, "bytes")));
    return system_end_row(rows);
}

static Status put_reasons(const SystemSource *source, SystemRows *rows, const CatalogTable *table, const TaskRunInfo *run)
{
    json_t *extra = json_loadb(run->extra.data, run->extra.length, 0, NULL);
    const json_t *list = json_object_get(extra, "refreshReasons");
    Status status = OK;
    for (size_t i = 0; i < json_array_size(list) && status == OK; i++)
        status = put_reason(source, rows, table, run, json_array_get(list, i));
    json_decref(extra);
    return status;
}

static Status produce_reasons(const SystemSource *source, SystemRows *rows)
{
    TaskRunInfo *runs;
    uint32_t count = task_run_list(show_context(source)->session->instance->tasks, source->catalog, source->arena, &runs);
    for (uint32_t i = count; i > 0; i--) {
        uint64_t view = mv_task_view(runs[i - 1].task);
        const CatalogTable *table = view == 0 ? NULL : catalog_table_by_id(source->catalog, view);
        if (table != NULL)
            TRY(put_reasons(source, rows, table, &runs[i - 1]));
    }
    return OK;
}

static const SystemTable tables[] = {
    {"materialized_views", SYSTEM_COLUMNS(views_columns), produce_views},
    {"mv_refresh_reasons", SYSTEM_COLUMNS(reasons_columns), produce_reasons},
};

const SystemFamily system_views_family = {"information_schema", tables, COUNT_OF(tables)};

/* ---- SHOW CREATE ---- */

Status show_create_mv(StatementContext *context, const CatalogTable *table)
{
    static const char *const names[] = {"Materialized View", "Create Materialized View"};
    MvDefinition definition;
    AUTO_BYTEBUF text = {0};
    if (!mv_find(context->catalog, table->id, &context->arena, &definition))
        return mv_refuse_damaged(context, table);
    mv_print_create(table, &definition, context->func.zone_offset_us, &text);
    StrView row[] = {table->name, bytebuf_view(&text)};
    return send_texts(context, names, 2, row, 1);
}

static Status run_create(StatementContext *context, const AstStatement *statement)
{
    const CatalogDatabase *database;
    const CatalogTable *table;
    MvDefinition definition;
    const AstName *name = &statement->show->name;
    Status status = mv_find_view(context, name, &database, &table, &definition);
    if (status == OK)
        return show_create_mv(context, table);
    if (status == ERR_CORRUPT)
        return status;
    diag_reset(context->diag);
    return RAISE(context->diag, NO_SUCH_TABLE, "Table %.*s is not found", SV_ARGS(name->parts[name->count - 1]));
}

static const ShowForm forms[] = {
    {"MATERIALIZED VIEWS", {"", SYSTEM_COLUMNS(show_columns), produce_show}, 2, NULL},
    {"MATERIALIZED VIEW", {"", SYSTEM_COLUMNS(show_columns), produce_show}, 2, NULL},
    {"CREATE MATERIALIZED VIEW", {"", NULL, 0, NULL}, SHOW_NO_PATTERN, run_create},
};

const ShowForms show_view_forms = {forms, COUNT_OF(forms)};
