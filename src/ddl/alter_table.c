#include "ddl/recycle.h"

#include "base/fault.h"

/* ALTER TABLE: RENAME, SWAP WITH, COMMENT, SET, and what goes to columns and partitions. All actions of a
 * statement are one change. */

typedef struct AlterState {
    DdlContext *context;
    const AstStatement *statement;
    StrView database, name;
    PartitionList fresh;
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
    if (strview_is(action->kind, "SET"))
        return ddl_fill_properties(context, &action->properties, schema);
    return ddl_alter_columns(context, action, table, schema);
}

static bool changes_schema(StrView kind)
{
    static const char *const kinds[] = {"COMMENT", "SET", "ADD COLUMN", "DROP COLUMN", "MODIFY COLUMN", "RENAME COLUMN", "COLUMN COMMENT"};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (strview_is(kind, kinds[i]))
            return true;
    }
    return false;
}

static Status alter_schema(AlterState *state, const CatalogDatabase *database, const CatalogTable *table, Change *change)
{
    const AstAlterActions *actions = &state->statement->actions;
    TableSchema *schema = ddl_schema_copy(table->schema);
    Status status = OK;
    for (uint32_t i = 0; i < actions->count && status == OK; i++) {
        if (!changes_schema(actions->items[i].kind))
            status = RAISE(state->context->diag, NOT_SUPPORTED, "ALTER TABLE with %.*s and other clauses at once is not supported",
                           SV_ARGS(actions->items[i].kind));
        else
            status = change_schema(state->context, &actions->items[i], table, schema);
    }
    if (status == OK)
        change_put_table(change, table->id, database->id, table->name, schema);
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
    if (table->schema->kind == TABLE_MATERIALIZED_VIEW)
        return RAISE(diag, BAD_TABLE, "'%.*s.%.*s' is a materialized view: use ALTER MATERIALIZED VIEW", SV_ARGS(state->database), SV_ARGS(state->name));
    if (changes_schema(action->kind))
        return alter_schema(state, database, table, change);
    if (state->statement->actions.count > 1)
        return RAISE(diag, NOT_SUPPORTED, "ALTER TABLE with %.*s and other clauses at once is not supported", SV_ARGS(action->kind));
    if (is_rename)
        return rename_table(state->context, action, database, table, change);
    if (strview_is(action->kind, "SWAP"))
        return swap_tables(state->context, action, database, table, change);
    return ddl_alter_partition(state->context, action, catalog, table, &state->fresh, change);
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
    AlterState state = {.context = context, .statement = statement, .database = database, .name = name};
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
        status = ddl_prepare_partitions(context, &statement->actions.items[0], table, &state.fresh);
    if (status == OK)
        status = meta_commit(context->store, build_alter, &state, context->diag);
    catalog_unref(catalog);
    return status;
}
