#include "ddl/alter_jobs.h"
#include "ddl/ddl_int.h"

#include "base/fault.h"

/* ALTER TABLE: RENAME, SWAP WITH, COMMENT, SET, and what goes to columns and partitions. All actions of a
 * statement are one change. */

typedef struct AlterState {
    DdlContext *context;
    const AstStatement *statement;
    StrView database, name;
    PartitionList fresh;
    uint64_t job_id;
} AlterState;

static Status rename_table(DdlContext *context, const AstAlterAction *action, const CatalogDatabase *database, const CatalogTable *table,
                           Change *change)
{
    TRY(ddl_check_name(action->new_name, context->diag));
    if (catalog_table(database, action->new_name) != NULL)
        return RAISE(context->diag, TABLE_EXISTS, "Table name[%.*s] is already used", SV_ARGS(action->new_name));
    change_put_table(change, table->id, database->id, action->new_name, table->schema);
    return OK;
}

static Status swap_tables(DdlContext *context, const AstAlterAction *action, const CatalogDatabase *database, const CatalogTable *table,
                          Change *change)
{
    StrView name = action->other.count > 0 ? action->other.parts[action->other.count - 1] : action->new_name;
    const CatalogTable *other = catalog_table(database, name);
    if (other == NULL)
        return RAISE(context->diag, NO_SUCH_TABLE, "Unknown table '%.*s.%.*s'", SV_ARGS(database->name), SV_ARGS(name));
    if (other->schema->kind != table->schema->kind)
        return DDL_ERROR(context, "'%.*s' and '%.*s' are not of the same kind.", SV_ARGS(table->name), SV_ARGS(name));
    change_put_table(change, table->id, database->id, other->name, table->schema);
    change_put_table(change, other->id, database->id, table->name, other->schema);
    return OK;
}

/* DISTRIBUTED BY: other buckets or other bucket columns. */
static Status distribute(DdlContext *context, const AstAlterAction *action, TableSchema *schema)
{
    const AstCreateTable *layout = action->layout;
    bool is_keyed = schema->keys_kind != KEYS_DUPLICATE;
    if (layout->is_random && is_keyed)
        return DDL_ERROR(context, "%s must use hash distribution.",
                         schema->keys_kind == KEYS_PRIMARY ? "PRIMARY KEY table" : "AGGREGATE KEY and UNIQUE KEY tables");
    uint32_t *columns = ARENA_NEW_ARRAY(&schema->arena, uint32_t, MAX(layout->bucket_columns.count, 1u));
    for (uint32_t i = 0; i < layout->bucket_columns.count; i++) {
        int column = table_column_index(schema, layout->bucket_columns.items[i]);
        if (column < 0)
            return DDL_ERROR(context, "Distribution column(%.*s) doesn't exist.", SV_ARGS(layout->bucket_columns.items[i]));
        if (is_keyed && !schema->columns[column].is_key)
            return DDL_ERROR(context, "Distribution column[%.*s] is not key column.", SV_ARGS(schema->columns[column].name));
        columns[i] = (uint32_t)column;
    }
    schema->is_random = layout->is_random || (layout->bucket_columns.count == 0 && !is_keyed);
    schema->bucket_columns = columns;
    schema->bucket_column_count = layout->bucket_columns.count;
    schema->buckets = layout->buckets > 0 ? MIN(layout->buckets, 1024u) : schema->buckets;
    context->effect->rewrites = true;
    return OK;
}

static bool is_distribution(const AstAlterAction *action)
{
    return strview_is(action->kind, "OPTIMIZE") && action->layout != NULL && action->layout->has_distribution &&
           action->layout->partition_exprs.count == 0 && action->layout->key_kind.length == 0 && action->names.count == 0;
}

/* DISTRIBUTED BY .. ORDER BY .. */
static Status change_layout(DdlContext *context, const AstAlterAction *action, const CatalogTable *table, TableSchema *schema)
{
    AstAlterAction order = {.kind = STR_VIEW("ORDER BY"), .names = action->layout->sort_columns};
    TRY(distribute(context, action, schema));
    return order.names.count == 0 ? OK : ddl_alter_columns(context, &order, table, schema);
}

static Status change_schema(DdlContext *context, const AstAlterAction *action, const CatalogTable *table, TableSchema *schema)
{
    if (strview_is(action->kind, "COMMENT")) {
        schema->comment = ddl_keep(&schema->arena, action->text);
        return OK;
    }
    for (uint32_t i = 0; i < action->properties.keys.count; i++) {
        if (strview_equal_ci(action->properties.keys.items[i], STR_VIEW("storage_volume")))
            return DDL_ERROR(context, "The storage volume of a table can't be changed.");
    }
    if (strview_is(action->kind, "SET")) {
        for (uint32_t i = 0; i < action->properties.keys.count; i++)
            context->effect->rewrites |= strview_starts_with_ci(action->properties.keys.items[i], STR_VIEW("bloom_filter_"));
        return ddl_fill_properties(context, &action->properties, schema);
    }
    if (is_distribution(action))
        return change_layout(context, action, table, schema);
    return ddl_alter_columns(context, action, table, schema);
}

static bool changes_schema(const AstAlterAction *action)
{
    static const char *const kinds[] = {"COMMENT", "SET", "ADD COLUMN", "DROP COLUMN", "MODIFY COLUMN", "RENAME COLUMN", "COLUMN COMMENT",
                                        "ORDER BY", "ADD INDEX", "DROP INDEX", "ADD FIELD", "DROP FIELD"};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (strview_is(action->kind, kinds[i]))
            return true;
    }
    return is_distribution(action);
}

static Status change_all(DdlContext *context, const AstAlterActions *actions, const CatalogTable *table, TableSchema *schema)
{
    for (uint32_t i = 0; i < actions->count; i++) {
        if (!changes_schema(&actions->items[i]))
            return RAISE(context->diag, NOT_SUPPORTED, "ALTER TABLE with %.*s and other clauses at once is not supported",
                         SV_ARGS(actions->items[i].kind));
        TRY(change_schema(context, &actions->items[i], table, schema));
    }
    return ddl_check_generated(context, schema);
}

/* Of a materialized view nothing else changes so. */
static bool may_change(const CatalogTable *table, const AstAlterActions *actions)
{
    StrView kind = actions->items[0].kind;
    bool is_index = actions->count == 1 && (strview_is(kind, "ADD INDEX") || strview_is(kind, "DROP INDEX"));
    return table->schema->kind == TABLE_BASE || (table->schema->kind == TABLE_MATERIALIZED_VIEW && is_index);
}

Status ddl_plan_alter(DdlContext *context, const AstStatement *statement, const CatalogTable *table, AlterPlan *out)
{
    *out = (AlterPlan){0};
    if (statement->actions.count == 0 || !changes_schema(&statement->actions.items[0]) ||
        !may_change(table, &statement->actions))
        return OK;
    context->effect = &out->effect;
    out->schema = ddl_schema_copy(table->schema);
    Status status = change_all(context, &statement->actions, table, out->schema);
    context->effect = NULL;
    if (status == OK)
        return OK;
    ddl_schema_free(out->schema);
    out->schema = NULL;
    return status;
}

/* What SHOW ALTER TABLE tells: it has ended. */
static void note_job(const AlterState *state, const CatalogDatabase *database, const CatalogTable *table, const CatalogSnapshot *catalog, Change *change)
{
    AlterJob job = {.id = state->job_id, .table_id = table->id, .database_id = database->id, .kind = "COLUMN", .created_us = state->context->now_us};
    alter_job_name(&job, table->name);
    alter_job_put(&job, "FINISHED", "", change);
    alter_jobs_trim(catalog, change);
}

static Status alter_schema(AlterState *state, const CatalogDatabase *database, const CatalogTable *table, const CatalogSnapshot *catalog, Change *change)
{
    AlterEffect effect = {0};
    TableSchema *schema = ddl_schema_copy(table->schema);
    state->context->effect = &effect;
    Status status = change_all(state->context, &state->statement->actions, table, schema);
    if (status == OK && effect.rewrites)
        status = RAISE(state->context->diag, RETRY, "table '%.*s' was altered meanwhile", SV_ARGS(table->name));
    if (status == OK) {
        change_put_table(change, table->id, database->id, table->name, schema);
        const CatalogTable *temporary = catalog_temporary_partitions(catalog, table);
        if (temporary != NULL)
            change_put_table(change, temporary->id, temporary->database_id, temporary->name, schema);
        note_job(state, database, table, catalog, change);
    }
    ddl_schema_free(schema);
    return status;
}

static Status build_alter(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    AlterState *state = opaque;
    const AstAlterAction *action = &state->statement->actions.items[0];
    FAULT("alter.before_commit", diag);
    const CatalogDatabase *database = catalog_database(catalog, state->database);
    if (database == NULL)
        return RAISE(diag, NO_SUCH_DATABASE, "Unknown database '%.*s'", SV_ARGS(state->database));
    const CatalogTable *table = catalog_table(database, state->name);
    if (table == NULL)
        return RAISE(diag, NO_SUCH_TABLE, "Unknown table '%.*s.%.*s'", SV_ARGS(state->database), SV_ARGS(state->name));
    bool is_view = table->schema->kind == TABLE_VIEW;
    bool is_rename = strview_is(action->kind, "RENAME");
    if (is_view && !is_rename)
        return RAISE(diag, BAD_TABLE, "'%.*s.%.*s' is a view", SV_ARGS(state->database), SV_ARGS(state->name));
    if (table->schema->kind == TABLE_MATERIALIZED_VIEW && !may_change(table, &state->statement->actions))
        return RAISE(diag, BAD_TABLE, "'%.*s.%.*s' is a materialized view: use ALTER MATERIALIZED VIEW", SV_ARGS(state->database), SV_ARGS(state->name));
    if (changes_schema(action))
        return alter_schema(state, database, table, catalog, change);
    if (state->statement->actions.count > 1)
        return RAISE(diag, NOT_SUPPORTED, "ALTER TABLE with %.*s and other clauses at once is not supported", SV_ARGS(action->kind));
    if (is_rename)
        return rename_table(state->context, action, database, table, change);
    if (strview_is(action->kind, "SWAP"))
        return swap_tables(state->context, action, database, table, change);
    PartitionWork work = {state->context, action, catalog, table, &state->fresh, change};
    if (ddl_is_merge(action))
        return ddl_merge_partitions(&work, state->job_id);
    return ddl_alter_partition(&work);
}

/* Of as many partitions as there are. */
static void take_recycle_ids(DdlContext *context, const CatalogTable *table, RecycleIds *out)
{
    uint64_t *holders = ARENA_NEW_ARRAY(context->arena, uint64_t, table->partition_count + 1);
    for (uint32_t i = 0; i < table->partition_count; i++)
        holders[i] = meta_new_id(context->store);
    out->bin_id = meta_new_id(context->store);
    out->holder_ids = holders;
    context->recycle = out;
}

Status ddl_alter_table(DdlContext *context, const AstStatement *statement, StrView database, StrView name)
{
    AlterState state = {.context = context, .statement = statement, .database = database, .name = name, .job_id = meta_new_id(context->store)};
    if (database.length == 0)
        return RAISE(context->diag, NO_DATABASE_SELECTED, "No database selected");
    if (statement->actions.count == 0)
        return RAISE(context->diag, SYNTAX, "ALTER TABLE without a clause");
    CatalogSnapshot *catalog = meta_snapshot(context->store);
    const CatalogDatabase *home = catalog_database(catalog, database);
    const CatalogTable *table = home == NULL ? NULL : catalog_table(home, name);
    Status status = OK;
    RecycleIds recycle = {.now_us = context->now_us};
    if (table != NULL && strview_is(statement->actions.items[0].kind, "DROP PARTITION") && !statement->actions.items[0].is_force)
        take_recycle_ids(context, table, &recycle);
    if (table != NULL && table->schema->kind != TABLE_VIEW)
        status = ddl_prepare_partitions(context, &statement->actions.items[0], catalog, table, &state.fresh);
    if (status == OK)
        status = meta_commit(context->store, build_alter, &state, context->diag);
    catalog_unref(catalog);
    return status;
}
