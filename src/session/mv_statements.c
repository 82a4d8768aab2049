#include "session/mv_int.h"

/* DROP, ALTER, REFRESH and CANCEL REFRESH of materialized views. */

#include "base/environment.h"
#include "base/redact.h"
#include "ddl/ddl.h"
#include "mv/state.h"
#include "types/number_text.h"

int64_t config_number(StatementContext *context, const char *name, int64_t missing)
{
    int64_t value;
    StrView text = catalog_setting(context->catalog, setting_key(&context->arena, "config", strview(name)));
    return text.data != NULL && int64_parse(text, &value) ? value : missing;
}

Status mv_split_name(StatementContext *context, const AstName *name, StrView *out_database, StrView *out_name)
{
    const CatalogDatabase *database;
    *out_name = name->parts[name->count - 1];
    *out_database = name->count >= 2 ? name->parts[name->count - 2] : context->analyze.database;
    if (out_database->length == 0)
        return RAISE(context->diag, NO_DATABASE_SELECTED, "No database selected");
    TRY(analyze_find_database(&context->analyze, *out_database, &database));
    *out_database = database->name;
    return OK;
}

Status mv_find_view(StatementContext *context, const AstName *name, const CatalogDatabase **out_database, const CatalogTable **out_table,
                    MvDefinition *out)
{
    StrView database, view;
    TRY(mv_split_name(context, name, &database, &view));
    *out_database = catalog_database(context->catalog, database);
    *out_table = *out_database == NULL ? NULL : catalog_table(*out_database, view);
    if (*out_table == NULL || (*out_table)->schema->kind != TABLE_MATERIALIZED_VIEW)
        return RAISE(context->diag, BAD_TABLE, "Getting analyzing error. Detail message: Can not find materialized view:%.*s.", SV_ARGS(view));
    return mv_find(context->catalog, (*out_table)->id, &context->arena, out) ? OK : mv_refuse_damaged(context, *out_table);
}

Status mv_refuse_damaged(StatementContext *context, const CatalogTable *table)
{
    return RAISE(context->diag, CORRUPT,
                 "the materialized view '%.*s' is " MV_REASON_DAMAGED ". SELECT shows the rows that it has. CREATE OR REPLACE "
                 "MATERIALIZED VIEW makes it anew, DROP MATERIALIZED VIEW takes it away; its query was: %.*s",
                 SV_ARGS(table->name), SV_ARGS(redact_definition(table->schema->view_sql, &context->arena)));
}

Status mv_submit(StatementContext *context, uint64_t view_id, const Property *properties, uint32_t count, int priority, TaskRunId *out_id)
{
    TaskRunId id;
    TaskRunRequest request = {.task = mv_task_name(view_id, &context->arena), .priority = priority, .properties = properties, .property_count = count};
    return task_submit(context->session->instance->tasks, &request, context->diag, out_id != NULL ? out_id : &id);
}

Status mv_submit_automatic(StatementContext *context, uint64_t view_id)
{
    TaskRunId id;
    TaskRunRequest request = {.task = mv_task_name(view_id, &context->arena), .priority = TASK_PRIORITY_NORMAL, .is_automatic = true};
    return task_submit(context->session->instance->tasks, &request, context->diag, &id);
}

/* ---- DROP ---- */

typedef struct DropView {
    StrView database, name;
    bool if_exists;
    uint64_t id; /* 0: there was none */
} DropView;

static Status build_drop(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    DropView *drop = opaque;
    const CatalogDatabase *database = catalog_database(catalog, drop->database);
    const CatalogTable *table = database == NULL ? NULL : catalog_table(database, drop->name);
    drop->id = 0;
    if (table == NULL && drop->if_exists)
        return OK;
    if (table == NULL || table->schema->kind != TABLE_MATERIALIZED_VIEW)
        return RAISE(diag, BAD_TABLE, "Materialized view %.*s is not found", SV_ARGS(drop->name));
    drop->id = table->id;
    change_drop_table(change, table->id);
    change_drop_mv(change, catalog, table->id);
    return OK;
}

Status mv_drop(StatementContext *context, StrView database, StrView name, bool if_exists)
{
    DropView drop = {.database = database, .name = name, .if_exists = if_exists};
    Instance *instance = context->session->instance;
    TRY(meta_commit(instance->store, build_drop, &drop, context->diag));
    if (drop.id != 0)
        task_cancel(instance->tasks, mv_task_name(drop.id, &context->arena));
    return OK;
}

static Status run_drop(StatementContext *context, const AstCommand *command)
{
    StrView database, name;
    TRY(mv_split_name(context, &command->name, &database, &name));
    TRY(mv_drop(context, database, name, command->if_exists));
    return send_ok(context, 0, STR_VIEW(""));
}

/* ---- REFRESH ---- */

static StrView value_text(const AstExpr *expr)
{
    return expr->kind == AST_NULL ? STR_VIEW("NULL") : expr->text;
}

static StrView values_text(StatementContext *context, const AstRowList *rows)
{
    AUTO_BYTEBUF text = {0};
    for (uint32_t r = 0; r < rows->count; r++) {
        for (uint32_t v = 0; v < rows->items[r].count; v++) {
            bytebuf_append_text(&text, r + v > 0 ? MV_VALUE_SEPARATOR : "");
            bytebuf_append_view(&text, value_text(rows->items[r].items[v]));
        }
    }
    return strview_n(arena_strndup(&context->arena, text.data, text.length), text.length);
}

static uint32_t refresh_properties(StatementContext *context, const AstRefreshView *ast, Property out[8])
{
    uint32_t count = 0;
    if (ast->has_range) {
        out[count++] = (Property){STR_VIEW("PARTITION_START"), ast->start};
        out[count++] = (Property){STR_VIEW("PARTITION_END"), ast->end};
    }
    if (ast->rows.count > 0)
        out[count++] = (Property){STR_VIEW("PARTITION_VALUES"), values_text(context, &ast->rows)};
    out[count++] = (Property){STR_VIEW("FORCE"), ast->is_force ? STR_VIEW("true") : STR_VIEW("false")};
    if (ast->is_strict)
        out[count++] = (Property){STR_VIEW("STRICT"), STR_VIEW("true")};
    if (ast->is_cascade)
        out[count++] = (Property){STR_VIEW("CASCADE"), STR_VIEW("true")};
    if (ast->is_sync)
        out[count++] = (Property){STR_VIEW("SYNC"), STR_VIEW("true")};
    return count;
}

/* The automatic way back first, unless somebody made it inactive. */
static Status need_active(StatementContext *context, const MvDefinition *definition, StrView name)
{
    Diag unheard = {0};
    if (definition->is_active)
        return OK;
    if (mv_may_activate(definition) &&
        mv_activate(context->session->instance->views, definition->id, true, &unheard) == OK)
        return OK;
    return RAISE(context->diag, ANALYSIS,
                 "Refresh materialized view failed because [%.*s] is not active. You can try to active it with ALTER MATERIALIZED VIEW %.*s ACTIVE;",
                              SV_ARGS(name),
                 SV_ARGS(name));
}

static Status check_range(StatementContext *context, const AstRefreshView *ast, const CatalogTable *table)
{
    const TableSchema *schema = table->schema;
    Datum start, end;
    if (!ast->has_range && ast->rows.count == 0)
        return OK;
    if (schema->scheme == PARTITION_NONE)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Not support refresh by partition for single partition mv.");
    if (!ast->has_range)
        return OK;
    if (datum_parse(schema->partition_types[0], ast->start, &context->arena, NULL, &start) != OK ||
        datum_parse(schema->partition_types[0], ast->end, &context->arena, NULL, &end) != OK)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Batch build partition EVERY is date type but START or END "
                     "does not type match date type.");
    if (datum_compare(schema->partition_types[0], &start, &end) >= 0)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Batch build partition start date should less than end date.");
    return OK;
}

static Status wait_for(StatementContext *context, const TaskRunId *id)
{
    TaskRunInfo info;
    TRY(task_wait(context->session->instance->tasks, id, &context->session->cancelled, &context->arena, context->diag, &info));
    if (info.state == TASK_SUCCESS || info.state == TASK_SKIPPED)
        return OK;
    return RAISE(context->diag, INVALID_ARGUMENT, "the refresh %s: %.*s", info.state == TASK_CANCELED ? "was canceled" : "failed",
                 SV_ARGS(info.error_message));
}

/* Of CASCADE: the right to refresh each of the views. */
static Status may_refresh_tree(StatementContext *context, uint64_t view_id)
{
    uint64_t *ids;
    uint32_t count;
    TRY(mv_list_tree(context->catalog, view_id, &context->arena, context->diag, &ids, &count));
    for (uint32_t i = 0; i < count; i++) {
        const CatalogTable *table = catalog_table_by_id(context->catalog, ids[i]);
        if (table != NULL)
            TRY(authorize_table(&context->analyze, PRIVILEGE_BIT(REFRESH), catalog_database_by_id(context->catalog, table->database_id), table));
    }
    return OK;
}

Status run_refresh_mv(StatementContext *context, const AstStatement *statement)
{
    static const char *const columns[] = {"QUERY_ID"};
    const AstRefreshView *ast = statement->refresh_mv;
    const CatalogDatabase *database;
    const CatalogTable *table;
    MvDefinition definition;
    Property properties[8];
    TaskRunId id;
    TRY(mv_find_view(context, &ast->name, &database, &table, &definition));
    TRY(check_range(context, ast, table));
    TRY(need_active(context, &definition, table->name));
    if (ast->is_cascade)
        TRY(may_refresh_tree(context, table->id));
    uint32_t count = refresh_properties(context, ast, properties);
    int priority = ast->has_priority ? (int)MIN(ast->priority, 100u) : TASK_PRIORITY_HIGH;
    TRY(mv_submit(context, table->id, properties, count, priority, &id));
    if (ast->is_sync)
        TRY(wait_for(context, &id));
    StrView row[] = {strview(arena_strdup(&context->arena, id.text))};
    return send_texts(context, columns, 1, row, 1);
}

static Status run_cancel(StatementContext *context, const AstCommand *command)
{
    const CatalogDatabase *database;
    const CatalogTable *table;
    MvDefinition definition;
    TRY(mv_find_view(context, &command->name, &database, &table, &definition));
    task_cancel(context->session->instance->tasks, mv_task_name(table->id, &context->arena));
    return send_ok(context, 0, STR_VIEW(""));
}

/* ---- ALTER ---- */

typedef struct AlterView {
    StatementContext *context;
    const AstAlterView *ast;
    uint64_t id;
    int64_t now_us;
    bool was_changed;
} AlterView;

static Status need_view(const AlterView *alter, const CatalogSnapshot *catalog, Diag *diag, const CatalogDatabase **out_database,
                        const CatalogTable **out_table, MvDefinition *out)
{
    *out_table = catalog_table_by_id(catalog, alter->id);
    if (*out_table == NULL || !mv_find(catalog, alter->id, &alter->context->arena, out))
        return RAISE(diag, BAD_TABLE, "the materialized view was dropped meanwhile");
    *out_database = catalog_database_by_id(catalog, (*out_table)->database_id);
    return OK;
}

static void put_both(const AlterView *alter, const CatalogSnapshot *catalog, const MvDefinition *definition, const CatalogDatabase *database,
                     StrView name, const TableSchema *schema, Change *change)
{
    change_put_mv(change, definition);
    mv_put_task(change, catalog, definition, database->name, name, schema->view_sql, alter->now_us);
}

static Status build_rename(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const AlterView *alter = opaque;
    const CatalogDatabase *database;
    const CatalogTable *table;
    MvDefinition definition;
    StrView name = alter->ast->new_name.parts[alter->ast->new_name.count - 1];
    TRY(need_view(alter, catalog, diag, &database, &table, &definition));
    if (catalog_table(database, name) != NULL)
        return RAISE(diag, TABLE_EXISTS, "Materialized view [%.*s] is already used", SV_ARGS(name));
    change_put_table(change, table->id, database->id, name, table->schema);
    put_both(alter, catalog, &definition, database, name, table->schema, change);
    return OK;
}

static Status build_swap(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const AlterView *alter = opaque;
    const CatalogDatabase *database;
    const CatalogTable *table;
    MvDefinition definition, other_definition;
    StrView name = alter->ast->new_name.parts[alter->ast->new_name.count - 1];
    TRY(need_view(alter, catalog, diag, &database, &table, &definition));
    const CatalogTable *other = catalog_table(database, name);
    if (other == NULL || other->schema->kind != TABLE_MATERIALIZED_VIEW || !mv_find(catalog, other->id, &alter->context->arena, &other_definition))
        return RAISE(diag, BAD_TABLE, "Materialized view %.*s is not found", SV_ARGS(name));
    if (other == table)
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: can't swap a materialized view with itself.");
    change_put_table(change, table->id, database->id, other->name, table->schema);
    change_put_table(change, other->id, database->id, table->name, other->schema);
    put_both(alter, catalog, &definition, database, other->name, table->schema, change);
    put_both(alter, catalog, &other_definition, database, table->name, other->schema, change);
    return OK;
}

static Status build_scheme(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const AlterView *alter = opaque;
    const CatalogDatabase *database;
    const CatalogTable *table;
    MvDefinition definition;
    TRY(need_view(alter, catalog, diag, &database, &table, &definition));
    TRY(mv_read_refresh(alter->context, &alter->ast->refresh, alter->now_us, &definition));
    put_both(alter, catalog, &definition, database, table->name, table->schema, change);
    return OK;
}

static Status build_set(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const AlterView *alter = opaque;
    const CatalogDatabase *database;
    const CatalogTable *table;
    MvDefinition definition;
    TRY(need_view(alter, catalog, diag, &database, &table, &definition));
    TRY(mv_read_properties(alter->context, &alter->ast->properties, table->schema, false, table->name, &definition));
    put_both(alter, catalog, &definition, database, table->name, table->schema, change);
    return OK;
}

static Status build_inactive(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const AlterView *alter = opaque;
    const CatalogDatabase *database;
    const CatalogTable *table;
    MvDefinition definition;
    TRY(need_view(alter, catalog, diag, &database, &table, &definition));
    if (!strview_is(definition.inactive_reason, MV_REASON_MANUAL) || definition.is_active)
        mv_put_inactive(catalog, definition.id, STR_VIEW(MV_REASON_MANUAL), change);
    return OK;
}

static Status run_active(AlterView *alter, const MvDefinition *definition)
{
    StatementContext *context = alter->context;
    if (definition->is_active)
        return OK;
    TRY(mv_activate(context->session->instance->views, alter->id, !alter->ast->no_validation, context->diag));
    if (definition->scheme == MV_MANUAL)
        return OK;
    return mv_submit_automatic(context, alter->id);
}

static Status run_scheme(AlterView *alter)
{
    StatementContext *context = alter->context;
    TRY(meta_commit(context->session->instance->store, build_scheme, alter, context->diag));
    bool is_event = alter->ast->refresh.scheme == AST_REFRESH_ASYNC && alter->ast->refresh.every == NULL;
    return is_event ? mv_submit_automatic(context, alter->id) : OK;
}

static Status run_action(AlterView *alter, const CatalogTable *table, const MvDefinition *definition)
{
    StatementContext *context = alter->context;
    MetaStore *store = context->session->instance->store;
    StrView action = alter->ast->action;
    if (strview_is(action, "ACTIVE"))
        return run_active(alter, definition);
    if (strview_is(action, "REFRESH"))
        return run_scheme(alter);
    if (strview_is(action, "RENAME")) {
        TRY(ddl_check_name(alter->ast->new_name.parts[alter->ast->new_name.count - 1], context->diag));
        return meta_commit(store, build_rename, alter, context->diag);
    }
    if (strview_is(action, "SWAP"))
        return meta_commit(store, build_swap, alter, context->diag);
    if (strview_is(action, "SET"))
        return meta_commit(store, build_set, alter, context->diag);
    if (strview_is(action, "INACTIVE")) {
        TRY(meta_commit(store, build_inactive, alter, context->diag));
        task_cancel(context->session->instance->tasks, mv_task_name(alter->id, &context->arena));
        return OK;
    }
    if (strview_is(action, "ADD COLUMN") || strview_is(action, "DROP COLUMN"))
        return mv_alter_columns(context, alter->ast, table, definition, alter->now_us);
    return RAISE(context->diag, NOT_SUPPORTED, "ALTER MATERIALIZED VIEW with %.*s is not supported", SV_ARGS(action));
}

Status run_alter_mv(StatementContext *context, const AstStatement *statement)
{
    const CatalogDatabase *database;
    const CatalogTable *table;
    MvDefinition definition;
    AlterView alter = {.context = context, .ast = statement->alter_mv, .now_us = env_wall_us(environment_real())};
    Status status = mv_find_view(context, &alter.ast->name, &database, &table, &definition);
    if (status == ERR_BAD_TABLE && alter.ast->if_exists) {
        diag_reset(context->diag);
        return send_ok(context, 0, STR_VIEW(""));
    }
    TRY(status);
    alter.id = table->id;
    TRY(run_action(&alter, table, &definition));
    return send_ok(context, 0, STR_VIEW(""));
}

/* ---- VERIFY ---- */

static StrView number_text(StatementContext *context, uint64_t number)
{
    return strview(arena_printf(&context->arena, "%llu", (unsigned long long)number));
}

static Status run_verify(StatementContext *context, const AstCommand *command)
{
    static const char *const columns[] = {"PARTITION_NAME", "RESULT", "STORED_ROWS", "COMPUTED_ROWS", "REASON", "COMPUTED_FROM"};
    const CatalogDatabase *database;
    const CatalogTable *table;
    MvDefinition definition;
    MvVerified *verified;
    uint32_t count;
    TRY(mv_find_view(context, &command->name, &database, &table, &definition));
    TRY(mv_verify(context->session->instance->views, context->catalog, table->id, &context->arena, context->diag, &verified, &count));
    StrView *cells = ARENA_NEW_ARRAY(&context->arena, StrView, COUNT_OF(columns) * (count + 1));
    for (uint32_t i = 0; i < count; i++) {
        StrView *row = &cells[i * COUNT_OF(columns)];
        row[0] = verified[i].partition;
        row[1] = strview(verified[i].result);
        row[2] = number_text(context, verified[i].stored_rows);
        row[3] = verified[i].has_computed ? number_text(context, verified[i].computed_rows) : (StrView){0};
        row[4] = strview(verified[i].reason);
        row[5] = verified[i].inputs;
    }
    return send_texts(context, columns, COUNT_OF(columns), cells, count);
}

bool run_mv_command(StatementContext *context, const AstCommand *command, Status *out_status)
{
    if (strview_is(command->what, "DROP MATERIALIZED VIEW"))
        *out_status = run_drop(context, command);
    else if (strview_is(command->what, "CANCEL REFRESH MATERIALIZED VIEW"))
        *out_status = run_cancel(context, command);
    else if (strview_is(command->what, "VERIFY MATERIALIZED VIEW"))
        *out_status = run_verify(context, command);
    else
        return false;
    return true;
}
