#include "session/session_int.h"

/* SUBMIT TASK, DROP TASK, ALTER TASK: tasks of users, whose runs execute a statement in a session of their own. */

#include "base/environment.h"
#include "base/memory.h"
#include "job/task_manager.h"
#include "job/task_settings.h"
#include "types/datetime.h"
#include "types/number_text.h"
#include "types/time_zone.h"

/* ---- runs ---- */

static Status ignore_columns(void *context, const ResultColumn *columns, uint32_t count)
{
    (void)context, (void)columns, (void)count;
    return OK;
}

static Status ignore_rows(void *context, const Chunk *chunk)
{
    (void)context, (void)chunk;
    return OK;
}

static Status ignore_summary(void *context, const ResultSummary *summary)
{
    (void)context, (void)summary;
    return OK;
}

static void kill_session(void *session)
{
    session_kill(session, true);
}

static const char session_prefix[] = "session.";

static bool session_variable(StrView key, StrView *out_name)
{
    bool is_variable = strview_starts_with_ci(key, strview(session_prefix));
    size_t length = sizeof(session_prefix) - 1;
    *out_name = is_variable ? strview_n(key.data + length, key.length - length) : (StrView){0};
    return is_variable;
}

static void set_session(Session *session, const TaskDefinition *task, Arena *arena)
{
    StrView name;
    for (uint32_t i = 0; i < task->property_count; i++) {
        StrView value = task->properties[i].value;
        if (session_variable(task->properties[i].key, &name))
            variable_set(session, name, false, arena_strndup(arena, value.data, value.length));
    }
}

static Status run_in_session(Session *session, TaskRun *run, Diag *diag)
{
    static const ResultSink sink = {NULL, ignore_columns, ignore_rows, ignore_summary};
    const TaskRunInfo *info = task_run_info(run);
    TaskDefinition task;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    CatalogSnapshot *catalog = meta_snapshot(session->instance->store);
    if (task_find(catalog, info->task, &arena, &task))
        set_session(session, &task, &arena);
    catalog_unref(catalog);
    if (info->database.length > 0)
        TRY(session_use(session, info->database, diag));
    TRY(task_run_started(run, diag));
    task_run_on_cancel(run, kill_session, session);
    Status status = session_execute(session, info->definition, &sink, diag);
    task_run_on_cancel(run, NULL, NULL);
    return status;
}

static Status run_statement_task(void *instance, TaskRun *run, Diag *diag)
{
    enum { FIRST_CONNECTION = 1 << 30 }; /* beyond those of clients */
    const TaskRunInfo *info = task_run_info(run);
    Session *session;
    TRY(session_open_for(instance, info->creator, STR_VIEW("127.0.0.1"), FIRST_CONNECTION + info->number, diag, &session));
    Status status = run_in_session(session, run, diag);
    session_close(session);
    return status;
}

void session_add_task_runners(Instance *instance)
{
    static const char *const sources[] = {"INSERT", "CTAS", "CACHE SELECT"};
    for (size_t i = 0; i < COUNT_OF(sources); i++)
        task_manager_add_runner(instance->tasks, sources[i], (TaskRunner){instance, run_statement_task});
}

/* ---- SUBMIT TASK ---- */

static Status task_source(StatementContext *context, const AstStatement *inner, StrView *out_source)
{
    bool is_cache = inner->kind == AST_STATEMENT_COMMAND && strview_is(inner->command->what, "CACHE SELECT");
    if (inner->kind == AST_STATEMENT_INSERT)
        *out_source = STR_VIEW("INSERT");
    else if (inner->kind == AST_STATEMENT_CREATE_TABLE && inner->create_table->as_query != NULL)
        *out_source = STR_VIEW("CTAS");
    else if (is_cache)
        *out_source = STR_VIEW("CACHE SELECT");
    else
        return RAISE(
            context->diag, ANALYSIS,
            "Getting analyzing error. Detail message: Submit task statement is only for INSERT, CREATE TABLE AS SELECT and CACHE SELECT.");
    return OK;
}

static Status take_properties(StatementContext *context, const AstProperties *ast, TaskDefinition *task)
{
    for (uint32_t i = 0; i < ast->keys.count; i++) {
        StrView key = ast->keys.items[i], name;
        bool is_variable = session_variable(key, &name);
        bool is_known = is_variable ? variable_is_known(name) : strview_equal_ci(key, STR_VIEW("warehouse"));
        if (!is_known)
            return RAISE(context->diag, ANALYSIS,
                         "Getting analyzing error. Detail message: Unknown property of a task: '%.*s'. Session variables are written as "
                         "'session.name'.",
                         SV_ARGS(key));
        if (is_variable)
            TRY(variable_check(name, ast->values.items[i], context->diag));
        uint32_t at = 0;
        while (at < task->property_count && !strview_equal_ci(task->properties[at].key, key))
            at++;
        task->properties[at] = (Property){key, ast->values.items[i]};
        task->property_count = MAX(task->property_count, at + 1);
    }
    return OK;
}

static void reserve_properties(StatementContext *context, TaskDefinition *task, uint32_t more)
{
    Property *room = ARENA_NEW_ARRAY(&context->arena, Property, task->property_count + more + 1);
    for (uint32_t i = 0; i < task->property_count; i++)
        room[i] = task->properties[i];
    task->properties = room;
}

static int64_t to_utc(StatementContext *context, int64_t local_us)
{
    return context->func.zone == NULL ? local_us : time_zone_to_utc(context->func.zone, local_us);
}

static Status take_schedule(StatementContext *context, const AstTask *ast, TaskDefinition *task)
{
    int64_t number, local_us;
    task->start_us = task->created_us;
    if (ast->every == NULL)
        return RAISE(context->diag, ANALYSIS,
                     "Getting analyzing error. Detail message: SCHEDULE needs EVERY (INTERVAL n SECOND | MINUTE | HOUR | DAY).");
    int64_t unit_us = task_unit_us(ast->every->text);
    StrView count = ast->every->left == NULL ? STR_VIEW("") : ast->every->left->text;
    if (unit_us == 0 || !int64_parse(count, &number) || number <= 0 || number > INT32_MAX)
        return RAISE(context->diag, ANALYSIS,
                     "Getting analyzing error. Detail message: EVERY needs a positive number of SECOND, MINUTE, HOUR or DAY.");
    if (ast->start.length > 0) {
        if (!datetime_parse_us(ast->start, &local_us))
            return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Invalid date literal in START: '%.*s'",
                         SV_ARGS(ast->start));
        task->start_us = to_utc(context, local_us);
    }
    task->type = TASK_PERIODICAL;
    task->period_us = number * unit_us;
    char *text = arena_printf(&context->arena, "%lld %.*sS", (long long)number, SV_ARGS(ast->every->text));
    for (char *c = text; *c != '\0'; c++)
        *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
    task->period_text = strview(text);
    return OK;
}

static Status build_task(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const TaskDefinition *task = context;
    if (catalog_record(catalog, "task", task->name).data != NULL)
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: Task [%.*s] already exists.", SV_ARGS(task->name));
    change_put_task(change, task);
    return OK;
}

static StrView generated_name(StatementContext *context, StrView source)
{
    const Environment *env = environment_real();
    const char *prefix = strview_is(source, "CTAS") ? "ctas" : strview_is(source, "INSERT") ? "insert" : "cache";
    return strview(arena_printf(&context->arena, "%s-%016llx%016llx", prefix, (unsigned long long)env_random(env),
                                (unsigned long long)env_random(env)));
}

/* The name alone where it says enough. */
static StrView task_creator(StatementContext *context)
{
    const Session *session = context->session;
    return strcmp(session->user_host, "%") == 0 ? strview(session->user)
                                                : access_identity(&context->arena, strview(session->user), strview(session->user_host));
}

static Status fill_task(StatementContext *context, const AstTask *ast, TaskDefinition *task)
{
    Session *session = context->session;
    *task = (TaskDefinition){.id = meta_new_id(session->instance->store),
                             .created_us = env_wall_us(environment_real()),
                             .catalog = STR_VIEW("default_catalog"),
                             .definition = ast->inner_text,
                             .database = ast->name.count > 1 ? ast->name.parts[ast->name.count - 2] : context->func.database,
                             .creator = task_creator(context)};
    TRY(task_source(context, ast->inner, &task->source));
    task->name = ast->name.count > 0 ? ast->name.parts[ast->name.count - 1] : generated_name(context, task->source);
    reserve_properties(context, task, ast->properties.keys.count);
    TRY(take_properties(context, &ast->properties, task));
    if (task_property(task->properties, task->property_count, "warehouse").data == NULL)
        task->properties[task->property_count++] = (Property){STR_VIEW("warehouse"), STR_VIEW("default_warehouse")};
    if (ast->is_scheduled)
        return take_schedule(context, ast, task);
    task->expires_us = task->created_us + task_settings_of(context->catalog).task_ttl_us;
    return OK;
}

static Status build_drop(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const StrView *name = context;
    (void)catalog;
    (void)diag;
    change_drop_task(change, *name);
    return OK;
}

/* What it will need when it runs, asked now: its tables are bound. */
static Status authorize_task(StatementContext *context, const AstStatement *inner)
{
    BoundInsert insert = {0};
    BoundQuery *query;
    TRY(authorize_statement(&context->analyze, inner));
    if (access_is_root(context->rights))
        return OK;
    if (inner->kind == AST_STATEMENT_INSERT && !inner->insert->is_blackhole && !inner->insert->is_files)
        return analyze_insert(&context->analyze, inner->insert, inner->source, &insert);
    const AstQuery *read = inner->kind == AST_STATEMENT_CREATE_TABLE ? inner->create_table->as_query
                           : inner->kind == AST_STATEMENT_COMMAND    ? inner->command->inner->query
                           : inner->kind == AST_STATEMENT_INSERT     ? inner->insert->query
                                                                     : NULL;
    return read == NULL ? OK : analyze_query(&context->analyze, read, inner->source, &query);
}

Status run_submit_task(StatementContext *context, const AstStatement *statement)
{
    static const char *const columns[] = {"TaskName", "Status"};
    Instance *instance = context->session->instance;
    TaskDefinition task;
    TaskRunId id;
    TRY(fill_task(context, statement->task, &task));
    TRY(authorize_task(context, statement->task->inner));
    TRY(meta_commit(instance->store, build_task, &task, context->diag));
    Status status = OK;
    if (task.type == TASK_MANUAL) {
        TaskRunRequest request = {.task = task.name, .priority = TASK_PRIORITY_LOWEST};
        status = task_submit(instance->tasks, &request, context->diag, &id);
    }
    if (status == ERR_LIMIT_EXCEEDED) {
        diag_reset(context->diag);
        TRY(meta_commit(instance->store, build_drop, &task.name, context->diag));
    } else {
        TRY(status);
    }
    StrView row[] = {task.name, status == OK ? STR_VIEW("SUBMITTED") : STR_VIEW("REJECTED")};
    return send_texts(context, columns, COUNT_OF(columns), row, 1);
}

/* ---- DROP and ALTER ---- */

/* out_found false: it does not exist, which is no error with IF EXISTS. */
static Status find_task(StatementContext *context, const AstCommand *command, TaskDefinition *out_task, bool *out_found)
{
    StrView name = command->name.parts[command->name.count - 1];
    *out_found = task_find(context->catalog, name, &context->arena, out_task);
    *out_found = *out_found && sees_creator(context, out_task->creator); /* others' tasks need OPERATE */
    if (*out_found || command->if_exists)
        return OK;
    return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Task %.*s is not exist.", SV_ARGS(name));
}

static Status run_drop_task(StatementContext *context, const AstCommand *command)
{
    Instance *instance = context->session->instance;
    TaskDefinition task;
    bool found;
    TRY(find_task(context, command, &task, &found));
    if (!found)
        return send_ok(context, 0, STR_VIEW(""));
    if (task.owner_id != 0 && !command->is_force)
        return RAISE(context->diag, ANALYSIS,
                     "Getting analyzing error. Detail message: Can not drop task generated by materialized view. "
                     "You can use DROP MATERIALIZED VIEW to drop task, when the materialized view is deleted, the related task will be "
                     "deleted automatically.");
    TRY(meta_commit(instance->store, build_drop, &task.name, context->diag));
    task_cancel(instance->tasks, task.name);
    return send_ok(context, 0, STR_VIEW(""));
}

static Status build_alter(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const TaskDefinition *task = context;
    if (catalog_record(catalog, "task", task->name).data == NULL)
        return RAISE(diag, RETRY, "task %.*s was dropped meanwhile", SV_ARGS(task->name));
    change_put_task(change, task);
    return OK;
}

/* text: SUSPEND, RESUME, SET */
static Status run_alter_task(StatementContext *context, const AstCommand *command, StrView action)
{
    TaskDefinition task;
    bool found;
    TRY(find_task(context, command, &task, &found));
    if (!found)
        return send_ok(context, 0, STR_VIEW(""));
    if (strview_is(action, "SET")) {
        reserve_properties(context, &task, command->properties.keys.count);
        TRY(take_properties(context, &command->properties, &task));
    } else {
        task.is_paused = strview_is(action, "SUSPEND");
    }
    TRY(meta_commit(context->session->instance->store, build_alter, &task, context->diag));
    return send_ok(context, 0, STR_VIEW(""));
}

bool run_task_command(StatementContext *context, const AstCommand *command, Status *out_status)
{
    if (strview_is(command->what, "DROP TASK"))
        *out_status = run_drop_task(context, command);
    else if (strview_is(command->what, "ALTER TASK"))
        *out_status = run_alter_task(context, command, command->text);
    else if (strview_is(command->what, "SUSPEND TASK"))
        *out_status = run_alter_task(context, command, STR_VIEW("SUSPEND"));
    else if (strview_is(command->what, "RESUME TASK"))
        *out_status = run_alter_task(context, command, STR_VIEW("RESUME"));
    else
        return false;
    return true;
}
