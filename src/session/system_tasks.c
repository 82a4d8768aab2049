#include "session/show_int.h"

/* information_schema.tasks and task_runs, SHOW TASKS. */

#include "base/redact.h"
#include "job/task_manager.h"

static const SystemColumn tasks_columns[] = {TEXT("TASK_NAME"),  TIME("CREATE_TIME"), TEXT("SCHEDULE"),   TEXT("CATALOG"),
                                             TEXT("WAREHOUSE"),  TEXT("DATABASE"),    TEXT("DEFINITION"), TIME("EXPIRE_TIME"),
                                             TEXT("PROPERTIES"), TEXT("CREATOR")};
static const SystemColumn runs_columns[] = {
    TEXT("QUERY_ID"),  TEXT("TASK_NAME"),     TIME("CREATE_TIME"), TIME("FINISH_TIME"), TEXT("STATE"),        TEXT("CATALOG"),
    TEXT("WAREHOUSE"), TEXT("DATABASE"),      TEXT("DEFINITION"),  TIME("EXPIRE_TIME"), NUMBER("ERROR_CODE"), TEXT("ERROR_MESSAGE"),
    TEXT("PROGRESS"),  TEXT("EXTRA_MESSAGE"), TEXT("PROPERTIES"),  TEXT("JOB_ID"),      TIME("PROCESS_TIME"), TEXT("TASK_SOURCE")};
static const SystemColumn show_columns[] = {TEXT("TaskName"), TIME("CreateTime"), TEXT("Schedule"), TEXT("Database"), TEXT("Definition")};

/* ('k'='v','k'='v') */
static StrView properties_text(SystemRows *rows, const TaskDefinition *task)
{
    AUTO_BYTEBUF text = {0};
    bytebuf_append_char(&text, '(');
    for (uint32_t i = 0; i < task->property_count; i++)
        bytebuf_printf(&text, "%s'%.*s'='%.*s'", i > 0 ? "," : "", SV_ARGS(task->properties[i].key), SV_ARGS(task->properties[i].value));
    bytebuf_append_char(&text, ')');
    return system_keep(rows, &text);
}

static StrView warehouse_of(const Property *properties, uint32_t count)
{
    StrView name = task_property(properties, count, "warehouse");
    return name.data != NULL ? name : STR_VIEW("default_warehouse");
}

static Status produce_tasks(const SystemSource *source, SystemRows *rows)
{
    TaskDefinition *tasks;
    uint32_t count = task_list(source->catalog, source->arena, &tasks);
    for (uint32_t i = 0; i < count; i++) {
        const TaskDefinition *task = &tasks[i];
        if (!sees_creator(show_context(source), task->creator))
            continue;
        system_put_text(rows, task->name);
        system_put_time(rows, task->created_us);
        system_put_text(rows, task_schedule_text(task, source->zone_offset_us, source->arena));
        system_put_text(rows, task->catalog);
        system_put_text(rows, warehouse_of(task->properties, task->property_count));
        system_put_text(rows, task->database);
        system_put_text(rows, redact_definition(task->definition, source->arena));
        system_put_time(rows, task->expires_us);
        system_put_text(rows, properties_text(rows, task));
        system_put_text(rows, task->creator);
        TRY(system_end_row(rows));
    }
    return OK;
}

static Status produce_show(const SystemSource *source, SystemRows *rows)
{
    TaskDefinition *tasks;
    uint32_t count = task_list(source->catalog, source->arena, &tasks);
    for (uint32_t i = 0; i < count; i++) {
        if (!sees_creator(show_context(source), tasks[i].creator))
            continue;
        system_put_text(rows, tasks[i].name);
        system_put_time(rows, tasks[i].created_us);
        system_put_text(rows, task_schedule_text(&tasks[i], source->zone_offset_us, source->arena));
        system_put_text(rows, tasks[i].database);
        system_put_text(rows, redact_definition(tasks[i].definition, source->arena));
        TRY(system_end_row(rows));
    }
    return OK;
}

static Status put_run(const SystemSource *source, SystemRows *rows, const TaskRunInfo *run)
{
    system_put_text(rows, run->id);
    system_put_text(rows, run->task);
    system_put_time(rows, run->created_us);
    system_put_time(rows, run->finished_us);
    system_put_word(rows, task_state_name((TaskState)run->state));
    system_put_text(rows, run->catalog);
    system_put_text(rows, warehouse_of(run->properties, run->property_count));
    system_put_text(rows, run->database);
    system_put_text(rows, redact_definition(run->definition, source->arena));
    system_put_time(rows, run->expires_us);
    system_put_number(rows, run->error_code);
    system_put_text(rows, run->error_message.length > 0 ? run->error_message : (StrView){0});
    system_put_text(rows, strview(arena_printf(source->arena, "%u%%", run->progress)));
    system_put_text(rows, run->extra);
    system_put_text(rows, task_properties_json(run->properties, run->property_count, source->arena));
    system_put_text(rows, run->job_id);
    system_put_time(rows, run->started_us);
    system_put_text(rows, run->source);
    return system_end_row(rows);
}

static Status produce_runs(const SystemSource *source, SystemRows *rows)
{
    TaskRunInfo *runs;
    uint32_t count = task_run_list(show_context(source)->session->instance->tasks, source->catalog, source->arena, &runs);
    for (uint32_t i = 0; i < count; i++) {
        if (sees_creator(show_context(source), runs[i].creator))
            TRY(put_run(source, rows, &runs[i]));
    }
    return OK;
}

static const SystemTable tables[] = {
    {"tasks", SYSTEM_COLUMNS(tasks_columns), produce_tasks},
    {"task_runs", SYSTEM_COLUMNS(runs_columns), produce_runs},
};

const SystemFamily system_tasks_family = {"information_schema", tables, COUNT_OF(tables)};

static const ShowForm forms[] = {
    {"TASKS", {"", SYSTEM_COLUMNS(show_columns), produce_show}, 0, NULL},
};

const ShowForms show_task_forms = {forms, COUNT_OF(forms)};
