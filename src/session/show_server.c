#include "session/show_int.h"

/* SHOW VARIABLES, STATUS, PROCESSLIST, FUNCTIONS and what MySQL clients ask a server for. */

#include "base/environment.h"

/* ---- variables and status ---- */

static const SystemColumn pair_columns[] = {TEXT("Variable_name"), TEXT("Value")};

static Status produce_variables(const SystemSource *source, SystemRows *rows)
{
    StatementContext *context = show_context(source);
    const char *const *names;
    const char *const *values;
    uint32_t count = variable_defaults(&names, &values);
    for (uint32_t i = 0; i < count; i++) {
        system_put_word(rows, names[i]);
        system_put_text(rows, context->show->is_global ? global_variable_or(source->catalog, names[i], values[i])
                                                       : strview(arena_strdup(source->arena, variable_text(context->session, names[i]))));
        TRY(system_end_row(rows));
    }
    return OK;
}

static Status put_pair(SystemRows *rows, const char *name, int64_t value)
{
    system_put_word(rows, name);
    system_put_number(rows, value);
    return system_end_row(rows);
}

static uint32_t count_running(Instance *instance)
{
    uint32_t count = 0;
    LOCK_GUARD(&instance->lock);
    for (const Session *s = instance->sessions; s != NULL; s = s->next)
        count += s->statement.length > 0;
    return count;
}

static Status produce_status(const SystemSource *source, SystemRows *rows)
{
    Instance *instance = show_context(source)->session->instance;
    TRY(put_pair(rows, "Threads_connected", session_count(instance)));
    TRY(put_pair(rows, "Threads_running", count_running(instance)));
    return put_pair(rows, "Uptime", (env_wall_us(environment_real()) - instance->started_us) / 1000000);
}

/* ---- running queries ---- */

static StrView kept(const SystemSource *source, StrView text)
{
    return strview_n(arena_strndup(source->arena, text.data == NULL ? "" : text.data, text.length), text.length);
}

static const SystemColumn queries_columns[] = {
    TEXT("StartTime"), TEXT("feIp"), TEXT("QueryId"), TEXT("ConnectionId"), TEXT("Database"), TEXT("User"), TEXT("ScanBytes"), TEXT("ScanRows"),
    TEXT("MemoryUsage"), TEXT("DiskSpillSize"), TEXT("CPUTime"), TEXT("ExecTime"), TEXT("ExecProgress"), TEXT("Warehouse"),
    TEXT("CustomQueryId"), TEXT("ResourceGroup")};

static Status produce_queries(const SystemSource *source, SystemRows *rows)
{
    StatementContext *context = show_context(source);
    Instance *instance = context->session->instance;
    int64_t now_us = env_monotonic_us(environment_real()), wall_us = env_wall_us(environment_real());
    LOCK_GUARD(&instance->lock);
    for (const Session *s = instance->sessions; s != NULL; s = s->next) {
        if (s->statement.length == 0 || !sees_user(context, strview(s->user)))
            continue;
        int64_t ran_us = now_us - s->statement_started_us;
        system_put_time(rows, wall_us - ran_us);
        system_put_word(rows, instance->address);
        system_put_null(rows);
        system_put_number(rows, (int64_t)s->connection_id);
        system_put_text(rows, kept(source, bytebuf_view(&s->database)));
        system_put_text(rows, kept(source, strview(s->user)));
        system_put_nulls(rows, 5);
        system_put_text(rows, show_text(context, "%.3f s", (double)ran_us / 1000000));
        system_put_null(rows);
        system_put_word(rows, "default_warehouse");
        TRY(system_end_row(rows));
    }
    return OK;
}

const SystemTable show_queries_table = {"", SYSTEM_COLUMNS(queries_columns), produce_queries};

static const SystemColumn running_columns[] = {
    TEXT("QueryId"), TEXT("WarehouseId"), TEXT("ResourceGroupId"), TEXT("StartTime"), TEXT("PendingTimeout"), TEXT("QueryTimeout"), TEXT("State"),
    TEXT("Slots"), TEXT("Fragments"), TEXT("DOP"), TEXT("Frontend"), TEXT("FeStartTime")};

/* ---- functions ---- */

static const SystemColumn function_columns[] = {TEXT("Function Name")};
static const SystemColumn function_full_columns[] = {TEXT("Signature"), TEXT("Return Type"), TEXT("Function Type"), TEXT("Intermediate Type"),
                                                     TEXT("Properties")};

static Status produce_functions(const SystemSource *source, SystemRows *rows)
{
    const AstShow *show = show_context(source)->show;
    uint32_t count;
    const FuncDef *const *all = func_all(&count);
    for (uint32_t i = 0; show->is_builtin && i < count; i++) {
        system_put_word(rows, all[i]->name);
        if (show->is_full) {
            system_put_null(rows);
            system_put_word(rows, all[i]->kind == FUNC_AGGREGATE ? "Aggregate" : "Scalar");
            system_put_word(rows, "NULL");
            system_put_word(rows, "{}");
        }
        TRY(system_end_row(rows));
    }
    return OK;
}

static Status run_functions(StatementContext *context, const AstStatement *statement)
{
    SystemTable plain = {"rows", SYSTEM_COLUMNS(function_columns), produce_functions};
    SystemTable full = {"rows", SYSTEM_COLUMNS(function_full_columns), produce_functions};
    return show_rows(context, statement, context->show->is_full ? &full : &plain, 0);
}

/* ---- MySQL's ---- */

static const SystemColumn engines_columns[] = {TEXT("Engine"), TEXT("Support"), TEXT("Comment"), TEXT("Transactions"), TEXT("XA"),
                                               TEXT("Savepoints")};
static const SystemColumn charset_columns[] = {TEXT("Charset"), TEXT("Description"), TEXT("Default collation"), NUMBER("Maxlen")};
static const SystemColumn collation_columns[] = {TEXT("Collation"), TEXT("Charset"), NUMBER("Id"), TEXT("Default"), TEXT("Compiled"),
                                                 NUMBER("Sortlen")};
static const SystemColumn plugins_columns[] = {TEXT("Name"), TEXT("Type"), TEXT("Description"), TEXT("Version"), TEXT("JavaVersion"),
                                               TEXT("ClassName"), TEXT("SoName"), TEXT("Sources"), TEXT("Status"), TEXT("Properties")};
static const SystemColumn triggers_columns[] = {
    TEXT("Trigger"), TEXT("Event"), TEXT("Table"), TEXT("Statement"), TEXT("Timing"), TEXT("Created"), TEXT("sql_mode"), TEXT("Definer"),
    TEXT("character_set_client"), TEXT("collation_connection"), TEXT("Database Collation")};
static const SystemColumn events_columns[] = {
    TEXT("Db"), TEXT("Name"), TEXT("Definer"), TEXT("Time"), TEXT("Type"), TEXT("Execute at"), TEXT("Interval value"), TEXT("Interval field"),
    TEXT("Starts"), TEXT("Ends"), TEXT("Status"), TEXT("Originator"), TEXT("character_set_client"), TEXT("collation_connection"),
    TEXT("Database Collation")};
static const SystemColumn procedures_columns[] = {
    TEXT("Db"), TEXT("Name"), TEXT("Type"), TEXT("Definer"), TEXT("Modified"), TEXT("Created"), TEXT("Security_type"), TEXT("Comment"),
    TEXT("character_set_client"), TEXT("collation_connection"), TEXT("Database Collation")};
static const SystemColumn open_columns[] = {TEXT("Database"), TEXT("Table"), NUMBER("In_use"), NUMBER("Name_locked")};

static Status produce_engines(const SystemSource *source, SystemRows *rows)
{
    static const char *const words[] = {"OLAP", "YES", "Default storage engine", "NO", "NO", "NO"};
    (void)source;
    for (uint32_t i = 0; i < COUNT_OF(words); i++)
        system_put_word(rows, words[i]);
    return system_end_row(rows);
}

static Status produce_charset(const SystemSource *source, SystemRows *rows)
{
    (void)source;
    system_put_word(rows, "utf8");
    system_put_word(rows, "UTF-8 Unicode");
    system_put_word(rows, "utf8_general_ci");
    system_put_number(rows, 4);
    return system_end_row(rows);
}

static Status produce_collation(const SystemSource *source, SystemRows *rows)
{
    (void)source;
    system_put_word(rows, "utf8_general_ci");
    system_put_word(rows, "utf8");
    system_put_number(rows, 33);
    system_put_word(rows, "Yes");
    system_put_word(rows, "Yes");
    system_put_number(rows, 1);
    return system_end_row(rows);
}

static const ShowForm forms[] = {
    {"VARIABLES", {"", SYSTEM_COLUMNS(pair_columns), produce_variables}, 0, NULL},
    {"STATUS", {"", SYSTEM_COLUMNS(pair_columns), produce_status}, 0, NULL},
    {"RUNNING QUERIES", {"", SYSTEM_COLUMNS(running_columns), NULL}, SHOW_NO_PATTERN, NULL},
    {"FUNCTIONS", {0}, 0, run_functions},
    {"ENGINES", {"", SYSTEM_COLUMNS(engines_columns), produce_engines}, SHOW_NO_PATTERN, NULL},
    {"STORAGE ENGINES", {"", SYSTEM_COLUMNS(engines_columns), produce_engines}, SHOW_NO_PATTERN, NULL},
    {"CHARSET", {"", SYSTEM_COLUMNS(charset_columns), produce_charset}, 0, NULL},
    {"CHARACTER SET", {"", SYSTEM_COLUMNS(charset_columns), produce_charset}, 0, NULL},
    {"COLLATION", {"", SYSTEM_COLUMNS(collation_columns), produce_collation}, 0, NULL},
    {"PLUGINS", {"", SYSTEM_COLUMNS(plugins_columns), NULL}, SHOW_NO_PATTERN, NULL},
    {"TRIGGERS", {"", SYSTEM_COLUMNS(triggers_columns), NULL}, 2, NULL},
    {"EVENTS", {"", SYSTEM_COLUMNS(events_columns), NULL}, 1, NULL},
    {"PROCEDURE STATUS", {"", SYSTEM_COLUMNS(procedures_columns), NULL}, 1, NULL},
    {"FUNCTION STATUS", {"", SYSTEM_COLUMNS(procedures_columns), NULL}, 1, NULL},
    {"OPEN TABLES", {"", SYSTEM_COLUMNS(open_columns), NULL}, 1, NULL},
};

const ShowForms show_server_forms = {forms, COUNT_OF(forms)};
