#include "session/session_int.h"

/* CREATE, DROP, TRUNCATE, RENAME of databases, tables and views: syntax tree to validated change. The checks
 * that depend on the catalog run inside of the commit, against the newest state. */

#include <stdio.h>

#include "base/environment.h"
#include "base/fault.h"
#include "ddl/ddl.h"
#include "ddl/table_volume.h"
#include "meta/storage_volume.h"
#include "ddl/partition_schedule.h"
#include "ddl/recycle.h"
#include "ddl/temporary_table.h"
#include "load/partition_router.h"
#include "meta/quota.h"
#include "mv/definition.h"
#include "types/number_text.h"

typedef struct DdlState {
    StatementContext *context;
    const AstStatement *statement;
    StrView database, name;
    TableSchema *schema;
    CatalogPartition **partitions;
    uint32_t partition_count;
    uint64_t id;
    uint64_t home_id; /* of the database of temporary tables, if it has to be made; 0: the table is not temporary */
    RecycleIds recycle;
} DdlState;

static void split_name(StatementContext *context, const AstName *name, StrView *out_database, StrView *out_name)
{
    *out_name = name->parts[name->count - 1];
    *out_database = name->count >= 2 ? name->parts[name->count - 2] : context->analyze.database;
}

static Status need_database(const CatalogSnapshot *catalog, StrView name, Diag *diag, const CatalogDatabase **out)
{
    if (name.length == 0)
        return RAISE(diag, NO_DATABASE_SELECTED, "No database selected");
    *out = catalog_database(catalog, name);
    return *out != NULL ? OK : RAISE(diag, NO_SUCH_DATABASE, "Unknown database '%.*s'", SV_ARGS(name));
}

/* ---- databases ---- */

static Status build_create_database(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    DdlState *state = opaque;
    if (catalog_database(catalog, state->name) != NULL) {
        if (state->statement->if_not_exists)
            return OK;
        return RAISE(diag, DATABASE_EXISTS, "Can't create database '%.*s'; database exists", SV_ARGS(state->name));
    }
    change_put_database(change, state->id, state->name, state->statement->comment);
    const AstProperties *properties = &state->statement->properties;
    for (uint32_t i = 0; i < properties->keys.count; i++) {
        if (!strview_equal_ci(properties->keys.items[i], STR_VIEW("storage_volume")))
            continue;
        TRY(ddl_check_volume(catalog, properties->values.items[i], diag));
        change_set_database_volume(change, state->id, properties->values.items[i]);
    }
    return OK;
}

static Status build_drop_database(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    DdlState *state = opaque;
    const CatalogDatabase *database = catalog_database(catalog, state->name);
    if (database == NULL) {
        if (state->statement->if_exists)
            return OK;
        return RAISE(diag, DATABASE_NOT_EXISTS, "Can't drop database '%.*s'; database doesn't exist", SV_ARGS(state->name));
    }
    for (uint32_t t = 0; t < catalog_table_count(database); t++) {
        const CatalogTable *temporary = catalog_temporary_partitions(catalog, catalog_table_at(database, t));
        if (temporary != NULL)
            change_drop_table(change, temporary->id);
    }
    if (state->statement->is_force)
        change_drop_database(change, database->id);
    else
        recycle_database(change, database, state->recycle.now_us);
    return OK;
}

static DdlContext ddl_context(StatementContext *context)
{
    return (DdlContext){.arena = &context->arena, .diag = context->diag, .store = context->session->instance->store,
                        .analyze = &context->analyze, .now_us = context->func.now_us,
                        .zone_offset_us = context->func.zone_offset_us};
}

static StrView keep(Arena *arena, StrView text)
{
    return ddl_keep(arena, text);
}

/* ---- tables ---- */

static Status fill_partitions(DdlState *state, const AstPartitions *items)
{
    StatementContext *context = state->context;
    DdlContext ddl = ddl_context(context);
    const TableSchema *schema = state->schema;
    PartitionList list = {0};
    if (schema->scheme == PARTITION_NONE)
        AST_PUSH(&context->arena, &list, partition_new(ddl.store, schema, state->name, ddl.now_us, &context->arena));
    else
        TRY(ddl_add_partitions(&ddl, schema, items, &list));
    state->partitions = list.items;
    state->partition_count = list.count;
    return OK;
}

static Status build_create_temporary(const DdlState *state, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const CatalogDatabase *home = catalog_hidden_database(catalog, STR_VIEW(CATALOG_TEMPORARY_TABLES));
    if (home != NULL && catalog_table(home, state->name) != NULL)
        return state->statement->create_table->if_not_exists
                   ? OK
                   : RAISE(diag, TABLE_EXISTS, "Table '%.*s' already exists", SV_ARGS(catalog_shown_name(catalog_table(home, state->name))));
    change_put_table(change, state->id, temporary_home(catalog, state->home_id, change), state->name, state->schema);
    for (uint32_t i = 0; i < state->partition_count; i++)
        change_put_partition(change, state->id, state->schema, state->partitions[i]);
    return OK;
}

static Status build_create_table(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    DdlState *state = opaque;
    const CatalogDatabase *database;
    if (state->home_id != 0)
        return build_create_temporary(state, catalog, change, diag);
    TRY(need_database(catalog, state->database, diag, &database));
    const CatalogTable *old = catalog_table(database, state->name);
    bool alters = state->statement->kind == AST_STATEMENT_ALTER_VIEW;
    bool replaces = alters || (state->statement->kind == AST_STATEMENT_CREATE_VIEW && state->statement->view->or_replace);
    if (alters && old == NULL)
        return state->statement->if_exists ? OK : RAISE(diag, NO_SUCH_TABLE, "Unknown table '%.*s.%.*s'", SV_ARGS(state->database), SV_ARGS(state->name));
    if (replaces && old != NULL && old->schema->kind != TABLE_VIEW)
        return RAISE(diag, BAD_TABLE, "'%.*s.%.*s' is not a view", SV_ARGS(state->database), SV_ARGS(state->name));
    if (old != NULL && !replaces) {
        bool tolerated = state->statement->kind == AST_STATEMENT_CREATE_TABLE ? state->statement->create_table->if_not_exists
                                                                               : state->statement->view->if_not_exists;
        return tolerated ? OK : RAISE(diag, TABLE_EXISTS, "Table '%.*s' already exists", SV_ARGS(state->name));
    }
    TRY(quota_check_replicas(catalog, database->id, (uint64_t)state->partition_count * MAX(state->schema->buckets, 1u), diag));
    change_put_table(change, old != NULL ? old->id : state->id, database->id, state->name, state->schema);
    for (uint32_t i = 0; i < state->partition_count; i++)
        change_put_partition(change, state->id, state->schema, state->partitions[i]);
    return OK;
}

static Status commit_ddl(StatementContext *context, MetaBuild build, DdlState *state)
{
    FAULT("ddl.before_commit", context->diag);
    return meta_commit(context->session->instance->store, build, state, context->diag);
}

/* CREATE TABLE ... LIKE: the definition of the other table, and its partitions without their rows. */
static Status copy_table(StatementContext *context, const AstName *like, DdlState *state)
{
    const CatalogDatabase *database;
    const CatalogTable *table;
    TRY(analyze_find_table(&context->analyze, like, &database, &table));
    TRY(authorize_table(&context->analyze, PRIVILEGE_BIT(SELECT), database, table));
    if (table->schema->kind == TABLE_VIEW)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: '%.*s' is a view: CREATE TABLE LIKE needs a table.",
                     SV_ARGS(table->name));
    state->schema = ddl_schema_copy(table->schema);
    state->partitions = ARENA_NEW_ARRAY(&context->arena, CatalogPartition *, MAX(table->partition_count, 1u));
    for (uint32_t p = 0; p < table->partition_count; p++) {
        const CatalogPartition *from = table->partitions[p];
        StrView name = state->schema->scheme == PARTITION_NONE ? state->name : from->name;
        CatalogPartition *copy = partition_new(context->session->instance->store, state->schema, name, context->func.now_us, &context->arena);
        copy->has_low = from->has_low;
        copy->has_high = from->has_high;
        copy->low = from->low;
        copy->high = from->high;
        copy->values = from->values;
        copy->value_rows = from->value_rows;
        state->partitions[state->partition_count++] = copy;
    }
    return OK;
}

/* The query's columns as those of the table. */
static Status cast_columns(StatementContext *context, const CatalogTable *table, BoundQuery *query)
{
    LogicalNode *project = ARENA_NEW(&context->arena, LogicalNode);
    *project = *query->root;
    project->kind = LOGICAL_PROJECT;
    project->children = ARENA_NEW_ARRAY(&context->arena, LogicalNode *, 2);
    project->children[0] = query->root;
    project->child_count = 1;
    project->columns = ARENA_NEW_ARRAY(&context->arena, LogicalColumn, MAX(query->column_count, 1u));
    project->project.exprs = ARENA_NEW_ARRAY(&context->arena, Expr *, MAX(query->column_count, 1u));
    for (uint32_t i = 0; i < query->column_count; i++) {
        const LogicalColumn *c = &query->root->columns[i];
        Expr *column = expr_column(&context->arena, c->id, c->type, c->is_nullable, c->name);
        TRY(expr_cast(&context->arena, column, table->schema->columns[i].type, true, context->diag, &project->project.exprs[i]));
        project->columns[i] = *c;
        project->columns[i].id = column_ids_next(&context->analyze.ids);
        project->columns[i].type = table->schema->columns[i].type;
    }
    query->root = project;
    query->columns = project->columns;
    return OK;
}

/* CREATE TABLE .. AS: one commit makes the table and its rows. */
static Status create_with_rows(StatementContext *context, DdlState *state, BoundQuery *query)
{
    TableDraft draft;
    bool is_needed;
    TRY(table_draft_open(context->session->instance->store, build_create_table, state, context->diag, &draft, &is_needed));
    if (!is_needed)
        return send_ok(context, 0, STR_VIEW(""));
    const CatalogTable *table = catalog_table_by_id(draft.catalog, state->id);
    Status status = cast_columns(context, table, query);
    if (status == OK)
        status = run_create_as(context, table, &draft, query);
    table_draft_close(&draft);
    if (status != ERR_TABLE_EXISTS || !state->statement->create_table->if_not_exists)
        return status;
    diag_reset(context->diag); /* another was faster */
    return send_ok(context, 0, STR_VIEW(""));
}

/* The name that a temporary table has in the catalog. */
static Status name_temporary(DdlState *state)
{
    StatementContext *context = state->context;
    Session *session = context->session;
    const CatalogDatabase *database;
    TRY(need_database(context->catalog, state->database, context->diag, &database));
    if (session->temporary_owner[0] == '\0')
        temporary_owner(session->instance->store, session->connection_id, session->temporary_owner);
    state->name = strview(arena_printf(&context->arena, "\x02%s.%llu\x02%.*s", session->temporary_owner, (unsigned long long)database->id,
                                       SV_ARGS(state->name)));
    state->home_id = meta_new_id(session->instance->store);
    return OK;
}

/* The table is there whether or not this succeeds; the job tries again. */
static void schedule_partitions(StatementContext *context, uint64_t table_id)
{
    Diag unheard = {0};
    status_ignore(partition_schedule_table(context->session->instance->store, table_id, &unheard));
}

/* The catalog of the statement is older than its table. */
static Status add_rollups(StatementContext *context, const AstCreateTable *ast)
{
    CatalogSnapshot *before = context->catalog;
    context->catalog = meta_snapshot(context->session->instance->store);
    context->analyze.catalog = context->catalog;
    Status status = run_add_rollups(context, &ast->name, ast->rollups);
    catalog_unref(context->catalog);
    context->catalog = before;
    context->analyze.catalog = before;
    return status;
}

static Status run_create_table(StatementContext *context, const AstStatement *statement)
{
    const AstCreateTable *ast = statement->create_table;
    DdlState state = {.context = context, .statement = statement, .id = meta_new_id(context->session->instance->store)};
    BoundQuery *query = NULL;
    Status status;
    split_name(context, &ast->name, &state.database, &state.name);
    TRY(ddl_check_name(state.name, context->diag));
    if (ast->is_external)
        return RAISE(context->diag, NOT_SUPPORTED, "external tables are not supported");
    if (ast->is_temporary)
        TRY(name_temporary(&state));
    if (ast->is_like) {
        status = copy_table(context, &ast->like, &state);
    } else {
        DdlContext ddl = ddl_context(context);
        state.schema = ddl_schema_new();
        status = ast->as_query != NULL ? analyze_query(&context->analyze, ast->as_query, statement->source, &query) : OK;
        if (status == OK)
            status = ddl_fill_schema(&ddl, ast, query, state.schema);
        if (status == OK)
            status = ddl_bind_volume(&ddl, context->catalog, state.database, state.schema);
        if (status == OK)
            status = fill_partitions(&state, &ast->partitions);
    }
    if (status == OK && query != NULL)
        status = create_with_rows(context, &state, query);
    else if (status == OK)
        status = commit_ddl(context, build_create_table, &state);
    ddl_schema_free(state.schema);
    TRY(status);
    schedule_partitions(context, state.id);
    if (ast->rollups != NULL && ast->rollups->count > 0)
        TRY(add_rollups(context, ast));
    return query != NULL ? OK : send_ok(context, 0, STR_VIEW(""));
}

/* ---- views ---- */

static Status run_create_view(StatementContext *context, const AstStatement *statement)
{
    const AstView *ast = statement->view;
    BoundQuery *query;
    DdlState state = {.context = context, .statement = statement, .id = meta_new_id(context->session->instance->store)};
    split_name(context, &ast->name, &state.database, &state.name);
    TRY(ddl_check_name(state.name, context->diag));
    const CatalogDatabase *database = catalog_database(context->catalog, state.database);
    const CatalogTable *old = database == NULL ? NULL : catalog_table(database, state.name);
    if (old != NULL && ast->or_replace)
        TRY(authorize_table(&context->analyze, PRIVILEGE_BIT(DROP), database, old));
    bool keeps_invoker = old != NULL && statement->kind == AST_STATEMENT_ALTER_VIEW && view_is_invoker(old->schema);
    TRY(analyze_query(&context->analyze, ast->query, statement->source, &query));
    if (ast->columns.count > 0 && ast->columns.count != query->column_count)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: View's SELECT and view's field list have different column counts.");
    TableSchema *schema = state.schema = ddl_schema_new();
    schema->kind = TABLE_VIEW;
    schema->column_count = query->column_count;
    schema->columns = ARENA_NEW_ARRAY(&schema->arena, TableColumn, MAX(query->column_count, 1u));
    for (uint32_t i = 0; i < query->column_count; i++) {
        StrView name = ast->columns.count > 0 ? ast->columns.items[i] : query->columns[i].name;
        schema->columns[i] = (TableColumn){.unique_id = i + 1, .name = keep(&schema->arena, name),
                                           .type = type_copy(&schema->arena, query->columns[i].type),
                                           .is_nullable = query->columns[i].is_nullable};
        if (i < ast->comments.count)
            schema->columns[i].comment = keep(&schema->arena, ast->comments.items[i]);
    }
    schema->comment = keep(&schema->arena, ast->comment);
    schema->view_sql = keep(&schema->arena, ast->query_text);
    schema->view_database = keep(&schema->arena, context->analyze.database);
    view_set_security(schema, keeps_invoker || strview_equal_ci(ast->security, STR_VIEW("INVOKER")));
    Status status = commit_ddl(context, build_create_table, &state);
    ddl_schema_free(schema);
    TRY(status);
    return send_ok(context, 0, STR_VIEW(""));
}

/* ---- drop, truncate, rename ---- */

/* A temporary table of the session hides another of its name. */
static const CatalogTable *find_table(const DdlState *state, const CatalogSnapshot *catalog, const CatalogDatabase *database)
{
    const CatalogTable *temporary = catalog_temporary_table(catalog, strview(state->context->session->temporary_owner), database->id, state->name);
    bool wants_temporary = state->statement->kind == AST_STATEMENT_DROP_TABLE && state->statement->flag;
    return temporary != NULL || wants_temporary ? temporary : catalog_table(database, state->name);
}

/* They are a part of their table. */
static void drop_rollups(const DdlState *state, const CatalogTable *table, const CatalogSnapshot *catalog, Change *change)
{
    MvDefinition *views;
    uint32_t count = mv_list(catalog, &state->context->arena, &views);
    for (uint32_t i = 0; i < count; i++) {
        const CatalogTable *view = catalog_table_by_id(catalog, views[i].id);
        if (view == NULL || !table_is_rollup(view->schema) || views[i].base_count == 0 || views[i].bases[0].id != table->id)
            continue;
        change_drop_table(change, view->id);
        change_drop_mv(change, catalog, view->id);
    }
}

static Status build_drop_table(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    DdlState *state = opaque;
    bool wants_view = state->statement->kind == AST_STATEMENT_DROP_VIEW;
    const CatalogDatabase *database;
    TRY(need_database(catalog, state->database, diag, &database));
    const CatalogTable *table = find_table(state, catalog, database);
    if (table == NULL) {
        if (state->statement->if_exists)
            return OK;
        return RAISE(diag, BAD_TABLE, "Unknown table '%.*s.%.*s'", SV_ARGS(state->database), SV_ARGS(state->name));
    }
    if ((table->schema->kind == TABLE_VIEW) != wants_view)
        return RAISE(diag, BAD_TABLE, "'%.*s.%.*s' is %s", SV_ARGS(state->database), SV_ARGS(state->name),
                     wants_view ? "not a view" : "a view: use DROP VIEW");
    if (table->schema->kind == TABLE_MATERIALIZED_VIEW)
        return RAISE(diag, BAD_TABLE, "'%.*s.%.*s' is a materialized view: use DROP MATERIALIZED VIEW", SV_ARGS(state->database), SV_ARGS(state->name));
    TRY(mv_check_dependents(state->context, catalog, table, diag));
    const CatalogTable *temporary = catalog_temporary_partitions(catalog, table);
    if (temporary != NULL)
        change_drop_table(change, temporary->id);
    drop_rollups(state, table, catalog, change);
    if (wants_view || state->statement->is_force || catalog_table_is_temporary(table))
        change_drop_table(change, table->id);
    else
        recycle_table(change, catalog, table, &state->recycle);
    return OK;
}

static Status build_truncate(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    DdlState *state = opaque;
    const CatalogDatabase *database;
    TRY(need_database(catalog, state->database, diag, &database));
    const CatalogTable *table = find_table(state, catalog, database);
    if (table == NULL || table->schema->kind == TABLE_VIEW)
        return RAISE(diag, NO_SUCH_TABLE, "Unknown table '%.*s'", SV_ARGS(state->name));
    if (table->schema->kind == TABLE_MATERIALIZED_VIEW)
        return RAISE(diag, BAD_TABLE, "'%.*s' is a materialized view: its rows are those of its query", SV_ARGS(state->name));
    const AstStrList *wanted = &state->statement->names;
    for (uint32_t p = 0; p < table->partition_count; p++) {
        const CatalogPartition *partition = table->partitions[p];
        bool takes = wanted->count == 0;
        for (uint32_t i = 0; i < wanted->count; i++)
            takes |= strview_equal_ci(partition->name, wanted->items[i]);
        for (uint32_t t = 0; takes && t < partition->tablet_count; t++) {
            const TabletVersion *tablet = &partition->tablets[t];
            uint64_t *ids = ARENA_NEW_ARRAY(&state->context->arena, uint64_t, tablet->segment_count + 1);
            for (uint32_t s = 0; s < tablet->segment_count; s++)
                ids[s] = tablet->segments[s].id;
            NewSegments none = {partition->id, tablet->id, NULL, 0};
            change_replace_segments(change, table->id, &none, ids, tablet->segment_count);
        }
    }
    return OK;
}

/* ALTER TABLE t AUTO_INCREMENT = n */
static Status set_increment(StatementContext *context, const AstStatement *statement, DdlState *state)
{
    const AstAlterAction *action = &statement->actions.items[0];
    const CatalogDatabase *database;
    int64_t next = 0;
    TRY(need_database(context->catalog, state->database, context->diag, &database));
    const CatalogTable *table = catalog_table(database, state->name);
    if (table == NULL || table->schema->kind == TABLE_VIEW)
        return RAISE(context->diag, NO_SUCH_TABLE, "Unknown table '%.*s'", SV_ARGS(state->name));
    bool has_column = false;
    for (uint32_t i = 0; i < table->schema->column_count; i++)
        has_column |= table->schema->columns[i].is_auto_increment;
    if (!has_column)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Table '%.*s' does not have AUTO_INCREMENT column.",
                     SV_ARGS(table->name));
    if (action->numbers.count != 1 || !int64_parse(action->numbers.items[0]->text, &next) || next < 1)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Invalid value of AUTO_INCREMENT.");
    return auto_increment_set(context->session->instance->increments, table->id, next, context->diag);
}

static Status alter_table(StatementContext *context, const AstStatement *statement, const DdlState *state)
{
    DdlContext ddl = ddl_context(context);
    const CatalogDatabase *database = catalog_database(context->catalog, state->database);
    const CatalogTable *table = database == NULL ? NULL : catalog_table(database, state->name);
    AlterPlan plan = {0};
    if (table != NULL)
        TRY(ddl_plan_alter(&ddl, statement, table, &plan));
    if (plan.schema == NULL || !plan.effect.rewrites) {
        ddl_schema_free(plan.schema);
        TRY(ddl_alter_table(&ddl, statement, state->database, state->name));
        if (table != NULL)
            schedule_partitions(context, table->id);
        return OK;
    }
    Status status = run_rewrite(context, table, &plan, strview_is(statement->actions.items[0].kind, "OPTIMIZE") ? "OPTIMIZE" : "COLUMN");
    ddl_schema_free(plan.schema);
    return status;
}

/* A temporary table hides another of its name, which must not be altered in its place. */
static Status check_is_lasting(const DdlState *state)
{
    const StatementContext *context = state->context;
    const CatalogDatabase *database = catalog_database(context->catalog, state->database);
    StrView owner = strview(context->session->temporary_owner);
    if (database != NULL && catalog_temporary_table(context->catalog, owner, database->id, state->name) != NULL)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: temporary table doesn't support alter table statement.");
    return OK;
}

static Status run_alter_table(StatementContext *context, const AstStatement *statement, DdlState *state)
{
    TRY(check_is_lasting(state));
    if (statement->actions.count == 1 && strview_is(statement->actions.items[0].kind, "COMPACT")) {
        const CatalogDatabase *database;
        TRY(need_database(context->catalog, state->database, context->diag, &database));
        const CatalogTable *table = catalog_table(database, state->name);
        if (table == NULL || table->schema->kind == TABLE_VIEW)
            return RAISE(context->diag, NO_SUCH_TABLE, "Unknown table '%.*s'", SV_ARGS(state->name));
        return run_compact(context, table, &statement->actions.items[0]);
    }
    if (statement->actions.count == 1 && strview_is(statement->actions.items[0].kind, "ADD ROLLUP"))
        return run_add_rollups(context, &statement->name, &statement->actions.items[0].rollups);
    if (statement->actions.count == 1 && strview_is(statement->actions.items[0].kind, "DROP ROLLUP"))
        return run_drop_rollups(context, &statement->name, &statement->actions.items[0]);
    if (statement->actions.count == 1 && strview_is(statement->actions.items[0].kind, "AUTO_INCREMENT"))
        return set_increment(context, statement, state);
    return alter_table(context, statement, state);
}

static bool drops(const AstStatement *statement)
{
    return statement->kind == AST_STATEMENT_DROP_TABLE && !statement->is_force;
}

/* CREATE INDEX and DROP INDEX are ALTER TABLE with one clause. */
Status run_index(StatementContext *context, const AstStatement *statement)
{
    const AstCommand *command = statement->command;
    bool creates = strview_is(command->what, "CREATE INDEX");
    AstStatement alter = {.kind = AST_STATEMENT_ALTER_TABLE, .begin = statement->begin, .end = statement->end, .source = statement->source,
                          .name = command->name};
    AstAlterAction action = {.kind = creates ? STR_VIEW("ADD INDEX") : STR_VIEW("DROP INDEX"), .if_exists = command->if_exists};
    action.index = command->index;
    action.name = command->index.name;
    AST_PUSH(&context->arena, &alter.actions, action);
    return run_ddl(context, &alter);
}

Status run_ddl(StatementContext *context, const AstStatement *statement)
{
    if (statement->kind == AST_STATEMENT_CREATE_TABLE)
        return run_create_table(context, statement);
    if (statement->kind == AST_STATEMENT_CREATE_VIEW || statement->kind == AST_STATEMENT_ALTER_VIEW)
        return run_create_view(context, statement);
    DdlState state = {.context = context, .statement = statement};
    Status status = OK;
    split_name(context, &statement->name, &state.database, &state.name);
    state.recycle = (RecycleIds){.bin_id = drops(statement) ? meta_new_id(context->session->instance->store) : 0, .now_us = context->func.now_us};
    switch ((AstKind)statement->kind) {
    case AST_STATEMENT_CREATE_DATABASE:
        TRY(ddl_check_name(state.name, context->diag));
        state.id = meta_new_id(context->session->instance->store);
        status = commit_ddl(context, build_create_database, &state);
        break;
    case AST_STATEMENT_DROP_DATABASE:
        status = commit_ddl(context, build_drop_database, &state);
        break;
    case AST_STATEMENT_DROP_TABLE:
    case AST_STATEMENT_DROP_VIEW:
        status = commit_ddl(context, build_drop_table, &state);
        break;
    case AST_STATEMENT_TRUNCATE:
        status = commit_ddl(context, build_truncate, &state);
        break;
    case AST_STATEMENT_ALTER_TABLE:
        status = run_alter_table(context, statement, &state);
        break;
    default:
        status = RAISE(context->diag, INTERNAL, "no such DDL statement");
        break;
    }
    TRY(status);
    return send_ok(context, 0, STR_VIEW(""));
}
