#include "session/session_int.h"

/* Statement dispatch, queries, INSERT, SET, KILL, EXPLAIN. */

#include <stdio.h>

#include "base/environment.h"
#include "analyze/authorize.h"
#include "ddl/ddl.h"
#include "load/partition_router.h"
#include "load/table_loader.h"
#include "meta/load_answer.h"
#include "meta/resource_group.h"
#include "plan/plan.h"
#include "types/number_text.h"

static int64_t session_number(StatementContext *context, const char *name, int64_t missing)
{
    int64_t value;
    const char *text = variable_text(context->session, name);
    return text != NULL && int64_parse(strview(text), &value) ? value : missing;
}

static SpillMode spill_mode(StatementContext *context)
{
    const char *mode = variable_text(context->session, "spill_mode");
    const char *enabled = variable_text(context->session, "enable_spill");
    if (enabled != NULL && (strcmp(enabled, "false") == 0 || strcmp(enabled, "0") == 0))
        return SPILL_OFF;
    return mode != NULL && strview_equal_ci(strview(mode), STR_VIEW("force")) ? SPILL_FORCE : SPILL_AUTO;
}

uint32_t statement_workers(StatementContext *context)
{
    int64_t dop = session_number(context, "pipeline_dop", 0);
    uint32_t threads = exec_pool_threads(context->session->instance->pool);
    threads = MIN(threads, (uint32_t)EXEC_MOST_WORKERS);
    return dop <= 0 ? threads : (uint32_t)MIN(dop, (int64_t)threads);
}

Status execute_plan(StatementContext *context, const PhysPlan *plan, const ExecResult *result, OperatorProfile *profile)
{
    int64_t timeout = context->timeout_s > 0 ? context->timeout_s
                      : context->writes      ? session_number(context, "insert_timeout", 14400)
                                             : session_number(context, "query_timeout", 300);
    ExecOptions options = {.pool = context->session->instance->pool,
                           .segments = context->session->instance->segments,
                           .memory = &context->memory,
                           .cancelled = &context->session->cancelled,
                           .profile = profile,
                           .scanned = &context->scanned,
                           .dop = statement_workers(context),
                           .spill = context->session->instance->spill,
                           .spill_mode = spill_mode(context)};
    if (timeout > 0)
        options.deadline_us = env_monotonic_us(environment_real()) + timeout * 1000000;
    context->func.cancelled = options.cancelled;
    context->func.deadline_us = options.deadline_us;
    context->func.timeout_seconds = timeout;
    context->func.is_insert = context->writes;
    return exec_run(plan, &options, result, context->diag);
}

Status send_query_chunk(void *context, const Chunk *chunk)
{
    StatementContext *statement = context;
    return statement->sink->rows(statement->sink->context, chunk);
}

Status send_query_columns(StatementContext *context, const BoundQuery *query)
{
    ResultColumn *columns = ARENA_NEW_ARRAY(&context->arena, ResultColumn, MAX(query->column_count, 1u));
    for (uint32_t i = 0; i < query->column_count; i++) {
        const LogicalColumn *c = &query->columns[i];
        columns[i] = (ResultColumn){.name = c->name, .table = c->table_name, .origin_table = c->origin_table,
                                    .origin_column = c->origin_column, .database = c->database, .type = c->type,
                                    .is_nullable = c->is_nullable};
    }
    return context->sink->columns(context->sink->context, columns, query->column_count);
}

Status run_query(StatementContext *context, BoundQuery *query)
{
    PhysPlan *plan;
    TRY(plan_read(context, query, &plan));
    TRY(send_query_columns(context, query));
    ExecResult result = {.context = context, .rows = send_query_chunk};
    TRY(execute_plan(context, plan, &result, NULL));
    return send_ok(context, 0, STR_VIEW(""));
}

static Status analyze_and_run(StatementContext *context, const AstStatement *statement)
{
    BoundQuery *query;
    TRY(analyze_query(&context->analyze, statement->query, statement->source, &query));
    if (statement->query->outfile != NULL)
        return run_outfile(context, statement, query);
    return run_profiled_query(context, statement, query);
}

/* SET_VAR hints hold for this statement alone. */
static Status run_select(StatementContext *context, const AstStatement *statement)
{
    const AstSelect *select = &statement->query->select;
    uint32_t count = statement->query->kind == AST_QUERY_SELECT ? select->hint_names.count : 0;
    const char **before = ARENA_NEW_ARRAY(&context->arena, const char *, MAX(count, 1u));
    for (uint32_t i = 0; i < count; i++) {
        StrView name = select->hint_names.items[i];
        StrView value = select->hint_values.items[i];
        const char *old = variable_text(context->session, arena_strndup(&context->arena, name.data, name.length));
        before[i] = old == NULL ? NULL : arena_strdup(&context->arena, old);
        variable_set(context->session, name, false, arena_strndup(&context->arena, value.data, value.length));
    }
    if (count > 0)
        session_refresh_functions(context);
    Status status = analyze_and_run(context, statement);
    for (uint32_t i = count; i > 0; i--) {
        if (before[i - 1] != NULL)
            variable_set(context->session, select->hint_names.items[i - 1], false, before[i - 1]);
    }
    return status;
}

Status run_query_text(StatementContext *context, const char *sql)
{
    AstStatements statements = {0};
    TRY(sql_parse(strview(sql), NULL, &context->arena, context->diag, &statements));
    return run_select(context, statements.items[0]);
}

/* ---- INSERT ---- */

static void remember_failure(StatementContext *context, const LoadQuery *load, Status status)
{
    const CatalogDatabase *database = catalog_database_by_id(load->catalog, load->table->database_id);
    FailedLoad failed = {.id = meta_new_id(context->session->instance->store),
                         .type = STR_VIEW("INSERT"),
                         .database = database == NULL ? STR_VIEW("") : database->name,
                         .table = load->table->name,
                         .label = load->label,
                         .user = strview(context->session->user),
                         .error = strview(context->diag->message),
                         .time_us = env_wall_us(environment_real())};
    if (status != ERR_LABEL_EXISTS && status != ERR_RETRY && status != ERR_OUTCOME_UNKNOWN)
        load_history_add(context->session->instance->history, &failed);
}

Status load_query(StatementContext *context, const LoadQuery *load)
{
    TableLoader *loader;
    uint64_t txn_id = 0;
    if (context->session->transaction != NULL && load->draft == NULL)
        return transaction_load(context, load);
    Instance *instance = context->session->instance;
    TableLoaderOptions options = {.store = instance->store, .volume = instance->volume, .catalog = load->catalog, .table = load->table,
                                  .session = &context->func, .tracker = &context->memory, .keys = instance->keys, .compactor = instance->compactor,
                                  .is_locked = load->is_locked, .partition_ids = load->partition_ids,
                                  .partition_count = load->partition_count, .merge = load->merge, .draft = load->draft,
                                  .replaces_written = load->overwrites_written};
    TRY(table_loader_open(&options, context->diag, &loader));
    Status status = insert_rows(context, loader, load);
    uint64_t rows = table_loader_rows(loader);
    AUTO_BYTEBUF answer = {0};
    LoadAnswer told = {STR_VIEW("INSERT"), load->table->name, strview(context->session->user), (int64_t)rows, 0, {0}};
    load_answer_print(&told, &answer);
    if (status == OK)
        status = table_loader_commit(loader, load->label, bytebuf_view(&answer), load->overwrites, context->diag, &txn_id);
    table_loader_close(loader);
    if (status != OK)
        remember_failure(context, load, status);
    TRY(status);
    const char *info = arena_printf(&context->arena, "{'label':'%.*s', 'status':'VISIBLE', 'txnId':'%llu'}", SV_ARGS(load->label),
                                    (unsigned long long)txn_id);
    return send_ok(context, rows, strview(info));
}

StrView new_label(StatementContext *context, const char *prefix)
{
    const Environment *env = environment_real();
    return strview(arena_printf(&context->arena, "%s_%016llx%016llx", prefix, (unsigned long long)env_random(env),
                                (unsigned long long)env_random(env)));
}

static Status ignore_chunk(void *context, const Chunk *chunk)
{
    (void)context;
    (void)chunk;
    return OK;
}

/* INSERT INTO BLACKHOLE(): the query runs, its rows go nowhere. */
static Status run_blackhole(StatementContext *context, const AstStatement *statement)
{
    BoundQuery *query;
    PhysPlan *plan;
    TRY(analyze_query(&context->analyze, statement->insert->query, statement->source, &query));
    TRY(plan_it(context, query, &plan));
    ExecResult result = {.context = context, .rows = ignore_chunk};
    TRY(execute_plan(context, plan, &result, NULL));
    return send_ok(context, 0, STR_VIEW(""));
}

/* PARTITION (column = value, ..) names the partition of these values; it is made when it is missing. */
static Status named_partition(StatementContext *context, BoundInsert *insert, CatalogSnapshot **out_newest)
{
    const TableSchema *schema = insert->table->schema;
    uint32_t count = schema->partition_column_count;
    DdlContext ddl = {.arena = &context->arena, .diag = context->diag};
    Datum *values = ARENA_NEW_ARRAY(&context->arena, Datum, MAX(count, 1u));
    PartitionRouter *router;
    if (count == 0 || insert->partition_names->count != count)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: PARTITION (column = value) must name all partition columns of table '%.*s'.",
                     SV_ARGS(insert->table->name));
    for (uint32_t i = 0; i < count; i++) {
        bool is_plain, is_max;
        int column = table_partition_column(schema, i, &is_plain);
        int at = -1;
        for (uint32_t k = 0; k < count; k++) {
            if (column >= 0 && strview_equal_ci(insert->partition_names->items[k], schema->columns[column].name))
                at = (int)k;
        }
        if (at < 0)
            return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: PARTITION (column = value) must name all partition columns of table '%.*s'.",
                         SV_ARGS(insert->table->name));
        TRY(ddl_bound(&ddl, insert->partition_values->items[at], schema->partition_types[i], &values[i], &is_max));
    }
    TRY(partition_router_open(context->session->instance->store, insert->table, &context->func, NULL, 0, NULL, context->diag, &router));
    insert->partition_ids = ARENA_NEW_ARRAY(&context->arena, uint64_t, 1);
    insert->partition_count = 1;
    Status status = partition_router_find(router, values, context->diag, &insert->partition_ids[0]);
    partition_router_close(router);
    TRY(status);
    /* A partition that was made just now is in the newest catalog only. */
    *out_newest = meta_snapshot(context->session->instance->store);
    insert->table = catalog_table_by_id(*out_newest, insert->table->id);
    return insert->table != NULL ? OK : RAISE(context->diag, NO_SUCH_TABLE, "the table was dropped meanwhile");
}

/* INSERT .. PROPERTIES ("merge_condition" = "column") */
static Status read_merge(StatementContext *context, const AstInsert *ast, const CatalogTable *table, KeyMergeRules *rules, bool *out_has)
{
    *out_has = false;
    for (uint32_t i = 0; i < ast->properties.keys.count; i++) {
        if (!strview_equal_ci(ast->properties.keys.items[i], STR_VIEW("merge_condition")))
            continue;
        *out_has = true;
        TRY(key_merge_condition(table, ast->properties.values.items[i], NULL, context->diag, &rules->condition_column));
    }
    if (*out_has && context->session->transaction != NULL)
        return RAISE(context->diag, NOT_SUPPORTED, "merge_condition is not supported between BEGIN and COMMIT");
    return OK;
}

/* dynamic_overwrite: INSERT OVERWRITE without PARTITION replaces the partitions that get rows. */
static bool overwrites_written(StatementContext *context, const AstInsert *insert)
{
    const char *text = variable_text(context->session, "dynamic_overwrite");
    bool is_dynamic = text != NULL && (strcmp(text, "true") == 0 || strcmp(text, "1") == 0);
    return insert->is_overwrite && is_dynamic && insert->partitions.count == 0;
}

static Status insert_rows_of(StatementContext *context, const AstStatement *statement, bool is_locked)
{
    BoundInsert insert = {0};
    KeyMergeRules merge = {0};
    bool has_merge;
    TRY(analyze_insert(&context->analyze, statement->insert, statement->source, &insert));
    TRY(read_merge(context, statement->insert, insert.table, &merge, &has_merge));
    StrView label = statement->insert->label.length > 0 ? statement->insert->label : new_label(context, "insert");
    CatalogSnapshot *newest = NULL;
    Status status = OK;
    if (insert.partition_values != NULL)
        status = named_partition(context, &insert, &newest);
    LoadQuery load = {.table = insert.table, .catalog = newest != NULL ? newest : context->catalog, .query = insert.query, .label = label,
                      .overwrites = statement->insert->is_overwrite, .overwrites_written = overwrites_written(context, statement->insert),
                      .is_locked = is_locked, .partition_ids = insert.partition_ids,
                      .partition_count = insert.partition_count, .merge = has_merge ? &merge : NULL};
    if (status == OK)
        status = load_query(context, &load);
    catalog_unref(newest);
    return status;
}

/* INSERT .. PROPERTIES ("timeout" = "seconds") */
static Status read_timeout(StatementContext *context, const AstProperties *properties)
{
    for (uint32_t i = 0; i < properties->keys.count; i++) {
        StrView value = properties->values.items[i];
        if (strview_equal_ci(properties->keys.items[i], STR_VIEW("timeout")) && (!int64_parse(value, &context->timeout_s) || context->timeout_s < 1))
            return RAISE(context->diag, INVALID_ARGUMENT, "Invalid timeout: %.*s", SV_ARGS(value));
    }
    return OK;
}

static StrView insert_property(const AstInsert *insert, const char *name)
{
    for (uint32_t i = 0; i < insert->properties.keys.count; i++) {
        if (strview_equal_ci(insert->properties.keys.items[i], strview(name)))
            return insert->properties.values.items[i];
    }
    return (StrView){NULL, 0};
}

/* strict_mode and max_filter_ratio, which FILES() goes by, else the session's variables of that meaning. */
static Status read_strictness(StatementContext *context, const AstInsert *insert, FileLoad *out)
{
    StrView strict = insert_property(insert, "strict_mode"), ratio = insert_property(insert, "max_filter_ratio");
    const char *strict_variable = variable_text(context->session, "enable_insert_strict");
    const char *ratio_variable = variable_text(context->session, "insert_max_filter_ratio");
    double most = 0;
    if (strict.data == NULL)
        strict = strview(strict_variable == NULL ? "true" : strict_variable);
    if (ratio.data == NULL)
        ratio = strview(ratio_variable == NULL ? "0" : ratio_variable);
    if (!double_parse(ratio, &most) || !(most >= 0 && most <= 1))
        return RAISE(context->diag, INVALID_ARGUMENT, "Invalid max_filter_ratio: %.*s, it must be between 0 and 1", SV_ARGS(ratio));
    file_load_init(out, !strview_equal_ci(strict, STR_VIEW("false")) && !strview_is(strict, "0"), most);
    return OK;
}

static Status insert_into_table(StatementContext *context, const AstStatement *statement)
{
    if (statement->insert->is_blackhole)
        return run_blackhole(context, statement);
    if (statement->insert->is_files)
        return run_insert_files(context, statement);
    const CatalogDatabase *database;
    const CatalogTable *table;
    TRY(analyze_find_table(&context->analyze, &statement->insert->table, &database, &table));
    const char *keeps = variable_text(context->session, "enable_insert_partial_update");
    context->analyze.fills_missing = keeps != NULL && (strcmp(keeps, "false") == 0 || strcmp(keeps, "0") == 0);
    if (!context->analyze.fills_missing && insert_is_partial(statement->insert, table->schema))
        return run_locked(context, &statement->insert->table, statement, insert_rows_of);
    return insert_rows_of(context, statement, false);
}

Status run_insert(StatementContext *context, const AstStatement *statement)
{
    FileLoad load;
    TRY(read_timeout(context, &statement->insert->properties));
    TRY(read_strictness(context, statement->insert, &load));
    context->file_load = &load;
    Status status = insert_into_table(context, statement);
    context->file_load = NULL;
    file_load_deinit(&load);
    return status;
}

Status run_create_as(StatementContext *context, const CatalogTable *table, TableDraft *draft, BoundQuery *query)
{
    CatalogSnapshot *catalog = catalog_ref(draft->catalog); /* the draft goes on to others */
    LoadQuery load = {.table = table, .catalog = catalog, .query = query, .label = new_label(context, "insert"), .draft = draft};
    Status status = load_query(context, &load);
    catalog_unref(catalog);
    return status;
}

/* ---- SET, KILL ---- */

/* The value of a query of one column, for SET @a = (SELECT ...); NULL without a row. */
typedef struct OneValue {
    StatementContext *context;
    Type type;
    Datum value;
    uint64_t rows;
} OneValue;

static Status take_value(void *context, const Chunk *chunk)
{
    OneValue *one = context;
    Rows rows = chunk_rows(chunk);
    if (rows.count > 0 && one->rows == 0) {
        Datum value = vector_get(&chunk->columns[0], rows_at(rows, 0), &one->context->arena);
        one->type = chunk->columns[0].type;
        one->value = datum_copy(&one->context->arena, one->type, &value);
    }
    one->rows += rows.count;
    if (one->rows > 1)
        return RAISE(one->context->diag, SUBQUERY_MORE_THAN_ONE_ROW, "a variable takes one value, the query yields more rows");
    return OK;
}

Status evaluate_value(StatementContext *context, const AstExpr *value, StrView source, Type *out_type, Datum *out_value)
{
    OneValue one = {.context = context, .type = type_varchar(0), .value = datum_null()};
    AstQuery query = {.kind = AST_QUERY_SELECT};
    AstSelectItem select_item = {.expr = (AstExpr *)(uintptr_t)value};
    AST_PUSH(&context->arena, &query.select.items, select_item);
    BoundQuery *bound;
    PhysPlan *plan;
    TRY(analyze_query(&context->analyze, &query, source, &bound));
    TRY(plan_it(context, bound, &plan));
    ExecResult result = {.context = &one, .rows = take_value};
    TRY(execute_plan(context, plan, &result, NULL));
    *out_type = one.type;
    *out_value = one.value;
    return OK;
}

/* Values that are names of something. */
static Status check_setting(StatementContext *context, const AstSetItem *item, StrView value)
{
    ResourceGroupDef group;
    if (strview_equal_ci(item->name, STR_VIEW("resource_group")) && value.length > 0 &&
        !resource_group_find(context->catalog, value, 1, &context->arena, &group))
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: resource group not exists: %.*s.", SV_ARGS(value));
    return OK;
}

static Status set_variable(StatementContext *context, const AstSetItem *item, StrView source)
{
    bool is_user = strview_is(item->scope, "user");
    if (!is_user && !variable_is_known(item->name))
        return RAISE(context->diag, UNKNOWN_VARIABLE, "Unknown system variable '%.*s'", SV_ARGS(item->name));
    if (item->value == NULL) {
        const char *const *names;
        const char *const *values;
        uint32_t count = variable_defaults(&names, &values);
        for (uint32_t i = 0; i < count; i++) {
            if (strview_equal_ci(item->name, strview(names[i])))
                variable_set(context->session, item->name, false, values[i]);
        }
        return OK;
    }
    OneValue one = {0};
    TRY(evaluate_value(context, item->value, source, &one.type, &one.value));
    AUTO_BYTEBUF text = {0};
    datum_print(one.type, &one.value, &text);
    if (!is_user && !one.value.is_null)
        TRY(check_setting(context, item, bytebuf_view(&text)));
    if (one.type.kind == TYPE_BOOLEAN && !one.value.is_null && !is_user) {
        bytebuf_clear(&text);
        bytebuf_append_text(&text, one.value.i64 != 0 ? "true" : "false");
    }
    if (!is_user && !one.value.is_null)
        TRY(variable_check(item->name, bytebuf_view(&text), context->diag));
    if (strview_is(item->scope, "global"))
        TRY(global_variable_set(context, item->name, bytebuf_view(&text)));
    variable_set(context->session, item->name, is_user, one.value.is_null ? NULL : text.data == NULL ? "" : text.data);
    if (is_user)
        variable_set_type(context->session, item->name, one.type);
    return OK;
}

static Status run_set(StatementContext *context, const AstStatement *statement)
{
    for (uint32_t i = 0; i < statement->settings.count; i++) {
        const AstSetItem *item = &statement->settings.items[i];
        bool assigns = strview_is(item->scope, "session") || strview_is(item->scope, "global") || strview_is(item->scope, "user");
        if (strview_is(item->scope, "password"))
            TRY(set_password(context, item));
        if (strview_is(item->scope, "property"))
            TRY(set_user_property(context, item));
        if (strview_is(item->scope, "role"))
            TRY(set_role(context, item));
        if (strview_is(item->scope, "default role"))
            TRY(set_default_role(context, item));
        if (assigns)
            TRY(set_variable(context, item, statement->source));
    }
    return send_ok(context, 0, STR_VIEW(""));
}

static Status run_use(StatementContext *context, const AstStatement *statement)
{
    TRY(session_use(context->session, statement->name.parts[statement->name.count - 1], context->diag));
    return send_ok(context, 0, STR_VIEW(""));
}

/* Commands about databases, tables and what was dropped. False: it is none of these. */
static bool run_table_command(StatementContext *context, const AstStatement *statement, Status *out_status)
{
    StrView what = statement->command->what;
    if (strview_is(what, "ALTER DATABASE QUOTA"))
        *out_status = run_quota(context, statement->command);
    else if (strview_is(what, "CREATE INDEX") || strview_is(what, "DROP INDEX"))
        *out_status = run_index(context, statement);
    else if (strview_is(what, "CANCEL ALTER TABLE"))
        *out_status = run_cancel_alter(context, statement->command);
    else if (strview_starts_with_ci(what, STR_VIEW("RECOVER ")))
        *out_status = run_recover(context, statement->command);
    else
        return false;
    return true;
}

static Status run_statement(StatementContext *context, const AstStatement *statement)
{
    Status status;
    TRY(authorize_statement(&context->analyze, statement));
    TRY(transaction_check(context, statement));
    switch ((AstKind)statement->kind) {
    case AST_STATEMENT_QUERY:
        return run_select(context, statement);
    case AST_STATEMENT_EXPLAIN:
        return run_explain(context, statement);
    case AST_STATEMENT_INSERT:
        return run_insert(context, statement);
    case AST_STATEMENT_DELETE:
        return run_delete(context, statement);
    case AST_STATEMENT_UPDATE:
        return run_update(context, statement);
    case AST_STATEMENT_MERGE:
        return run_merge(context, statement);
    case AST_STATEMENT_ALTER_DATABASE:
        return run_rename_database(context, statement);
    case AST_STATEMENT_CREATE_DATABASE:
    case AST_STATEMENT_DROP_DATABASE:
    case AST_STATEMENT_CREATE_TABLE:
    case AST_STATEMENT_DROP_TABLE:
    case AST_STATEMENT_TRUNCATE:
    case AST_STATEMENT_CREATE_VIEW:
    case AST_STATEMENT_ALTER_VIEW:
    case AST_STATEMENT_DROP_VIEW:
    case AST_STATEMENT_ALTER_TABLE:
        return run_ddl(context, statement);
    case AST_STATEMENT_USE:
        return run_use(context, statement);
    case AST_STATEMENT_SET:
        return run_set(context, statement);
    case AST_STATEMENT_SHOW:
        return run_show(context, statement);
    case AST_STATEMENT_DESCRIBE:
        return run_describe(context, statement);
    case AST_STATEMENT_ANALYZE:
    case AST_STATEMENT_STATISTICS:
        return run_analyze(context, statement);
    case AST_STATEMENT_KILL:
        return run_kill(context, statement);
    case AST_STATEMENT_CREATE_MV:
        return run_create_mv(context, statement);
    case AST_STATEMENT_ALTER_MV:
        return run_alter_mv(context, statement);
    case AST_STATEMENT_REFRESH_MV:
        return run_refresh_mv(context, statement);
    case AST_STATEMENT_TRACE:
        return run_trace(context, statement);
    case AST_STATEMENT_SUBMIT_TASK:
        return run_submit_task(context, statement);
    case AST_STATEMENT_COMMAND:
        if (strview_is(statement->command->what, "ADMIN FINALIZE UPGRADE"))
            return run_finalize_upgrade(context);
        if (strview_starts_with(statement->command->what, STR_VIEW("BACKUP ")))
            return run_backup(context, statement->command);
        if (strview_is(statement->command->what, "ADMIN VACUUM"))
            return run_admin_vacuum(context, statement->command);
        if (strview_starts_with(statement->command->what, STR_VIEW("ALTER SYSTEM ")) && statement->command->names.count > 0)
            return run_alter_system(context, statement->command);
        if (run_table_command(context, statement, &status))
            return status;
        if (strview_is(statement->command->what, "ALTER VIEW SECURITY"))
            return run_view_security(context, statement->command);
        if (strview_is(statement->command->what, "ANALYZE PROFILE"))
            return run_analyze_profile(context, statement->command);
        if (run_task_command(context, statement->command, &status) || run_cluster_command(context, statement->command, &status) ||
            run_dictionary_command(context, statement->command, &status) ||
            run_snapshot_command(context, statement->command, statement->source, &status) ||
            run_mv_command(context, statement->command, &status) || run_volume_command(context, statement->command, &status) ||
            run_cache_command(context, statement, &status) || run_group_command(context, statement->command, &status))
            return status;
        if (run_access_command(context, statement->command, &status))
            return status;
        return RAISE(context->diag, NOT_SUPPORTED, "%.*s is not supported yet", SV_ARGS(statement->command->what));
    case AST_STATEMENT_USER:
        return run_user(context, statement);
    case AST_STATEMENT_GRANT:
        return run_grant(context, statement);
    case AST_STATEMENT_PREPARE:
        return run_prepare(context, statement);
    case AST_STATEMENT_EXECUTE:
        return run_execute(context, statement);
    case AST_STATEMENT_DEALLOCATE:
        return run_deallocate(context, statement);
    case AST_STATEMENT_ADMIN_SET_CONFIG:
        return run_set_config(context, statement);
    case AST_STATEMENT_BEGIN:
    case AST_STATEMENT_COMMIT:
    case AST_STATEMENT_ROLLBACK:
        return run_transaction(context, statement);
    case AST_STATEMENT_NO_OPERATION:
        return run_no_operation(context, statement);
    default:
        return RAISE(context->diag, NOT_SUPPORTED, "this statement is not supported yet: %.*s",
                     (int)MIN(statement->end - statement->begin, 100u), statement->source.data + statement->begin);
    }
}

Status statement_run(StatementContext *context, const AstStatement *statement)
{
    Status status = run_with_hints(context, statement, run_statement);
    transaction_after(context->session, statement);
    return status;
}
