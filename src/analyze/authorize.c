#include "analyze/authorize.h"

static const char *const internal_catalog = "default_catalog";

Status authorize(const AnalyzeContext *context, const AccessObject *object, PrivilegeSet any_of, StrView title)
{
    if (context->rights == NULL || access_allows(context->rights, object, any_of))
        return OK;
    return access_refuse(context->rights, (ObjectKind)object->kind, any_of, title, context->diag);
}

Status authorize_system(const AnalyzeContext *context, PrivilegeSet any_of)
{
    AccessObject object = {.kind = OBJECT_SYSTEM};
    return authorize(context, &object, any_of, STR_VIEW(""));
}

static ObjectKind kind_of(const CatalogTable *table)
{
    switch ((TableKind)table->schema->kind) {
    case TABLE_VIEW:
        return OBJECT_VIEW;
    case TABLE_MATERIALIZED_VIEW:
        return OBJECT_MATERIALIZED_VIEW;
    case TABLE_BASE:
        break;
    }
    return OBJECT_TABLE;
}

AccessObject access_table_object(const CatalogDatabase *database, const CatalogTable *table)
{
    return (AccessObject){.kind = (uint8_t)kind_of(table), .database_id = database->id, .object_id = table->id};
}

bool access_sees_table(const AccessRights *rights, const CatalogDatabase *database, const CatalogTable *table)
{
    AccessObject object = access_table_object(database, table);
    return rights == NULL || access_allows(rights, &object, PRIVILEGE_ANY);
}

Status authorize_table(const AnalyzeContext *context, PrivilegeSet any_of, const CatalogDatabase *database, const CatalogTable *table)
{
    AccessObject object = access_table_object(database, table);
    if (catalog_table_is_temporary(table)) /* its owner alone finds it */
        return OK;
    return authorize(context, &object, any_of, table->name);
}

/* 0: there is no such database. */
static uint64_t database_id(const AnalyzeContext *context, StrView name)
{
    const CatalogDatabase *database = context->catalog == NULL ? NULL : catalog_database(context->catalog, name);
    return database != NULL ? database->id : access_system_database(name);
}

Status authorize_database(const AnalyzeContext *context, PrivilegeSet any_of, StrView name)
{
    AccessObject object = {.kind = OBJECT_DATABASE, .database_id = database_id(context, name)};
    return object.database_id == 0 ? OK : authorize(context, &object, any_of, name);
}

Status authorize_use(const AnalyzeContext *context, StrView database)
{
    uint64_t id = database_id(context, database);
    if (context->rights == NULL || id == 0 || access_sees_database(context->rights, context->catalog, id))
        return OK;
    return access_refuse(context->rights, OBJECT_DATABASE, PRIVILEGE_ANY, database, context->diag);
}

/* A table that does not exist is told only to who sees its database. */
static Status authorize_named_table(const AnalyzeContext *context, const AuthorizeTarget *target)
{
    const CatalogDatabase *database = context->catalog == NULL ? NULL : catalog_database(context->catalog, target->database);
    const CatalogTable *table = database == NULL ? NULL : catalog_table(database, target->object);
    if (table != NULL)
        return authorize_table(context, target->rule.any_of, database, table);
    if (database == NULL || context->rights == NULL || access_sees_database(context->rights, context->catalog, database->id))
        return OK;
    return access_refuse(context->rights, (ObjectKind)target->rule.kind, target->rule.any_of, target->object, context->diag);
}

static Status authorize_found(const AnalyzeContext *context, const AuthorizeTarget *target)
{
    AccessObject object = {.kind = target->rule.kind, .name = target->object};
    switch ((AccessScope)target->rule.scope) {
    case ACCESS_FREE:
        return OK;
    case ACCESS_ON_SYSTEM:
        return authorize_system(context, target->rule.any_of);
    case ACCESS_ON_CATALOG:
        object = (AccessObject){.kind = OBJECT_CATALOG, .name = strview(internal_catalog)};
        return authorize(context, &object, target->rule.any_of, object.name);
    case ACCESS_ON_DATABASE:
    case ACCESS_IN_DATABASE:
        return authorize_database(context, target->rule.any_of, target->database);
    case ACCESS_ON_TABLE:
        return authorize_named_table(context, target);
    case ACCESS_ON_NAMED:
        return authorize(context, &object, target->rule.any_of, target->object);
    }
    return OK;
}

Status authorize_statement(const AnalyzeContext *context, const AstStatement *statement)
{
    AuthorizeTarget target, second;
    if (context->rights == NULL || access_is_root(context->rights))
        return OK;
    authorize_target(statement, context->database, &target);
    TRY(authorize_found(context, &target));
    return authorize_second_target(statement, &target, &second) ? authorize_found(context, &second) : OK;
}
