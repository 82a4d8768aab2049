#include "session/session_int.h"

/* What a user sees of the catalog: the databases and tables on which it has some privilege, as a shallow copy of the
 * snapshot in the statement's arena. Whatever lists objects reads this copy, so that it can't show others. */

static CatalogDatabase *visible_database(StatementContext *context, const CatalogDatabase *database)
{
    CatalogDatabase *copy = ARENA_NEW(&context->arena, CatalogDatabase);
    memcpy(copy, database, sizeof(*copy));
    copy->tables = (TableList){0};
    for (uint32_t t = 0; t < catalog_table_count(database); t++) {
        if (access_sees_table(context->rights, database, catalog_table_at(database, t)))
            table_list_borrow(&copy->tables, &context->arena, catalog_table_at(database, t));
    }
    return copy;
}

const CatalogSnapshot *session_visible_catalog(StatementContext *context)
{
    const CatalogSnapshot *catalog = context->catalog;
    if (access_is_root(context->rights))
        return catalog;
    CatalogSnapshot *copy = ARENA_NEW(&context->arena, CatalogSnapshot);
    memcpy(copy, catalog, sizeof(*copy));
    copy->databases = ARENA_NEW_ARRAY(&context->arena, CatalogDatabase *, catalog->database_count + 1);
    copy->database_count = 0;
    for (uint32_t d = 0; d < catalog->database_count; d++) {
        bool is_kept = !catalog_is_dropped(catalog->databases[d]); /* the recycle bin is for who sees everything */
        if (is_kept && access_sees_database(context->rights, catalog, catalog->databases[d]->id))
            copy->databases[copy->database_count++] = visible_database(context, catalog->databases[d]);
    }
    return copy;
}

bool sees_user(const StatementContext *context, StrView name)
{
    const AccessObject system = {.kind = OBJECT_SYSTEM};
    return strview_is(name, context->session->user) || access_allows(context->rights, &system, PRIVILEGE_BIT(OPERATE));
}

bool sees_creator(const StatementContext *context, StrView creator)
{
    const Session *session = context->session;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    bool is_own = strview_equal(creator, access_identity(&arena, strview(session->user), strview(session->user_host))) ||
                  (strview_is(creator, session->user) && strcmp(session->user_host, "%") == 0);
    const AccessObject system = {.kind = OBJECT_SYSTEM};
    return is_own || access_allows(context->rights, &system, PRIVILEGE_BIT(OPERATE));
}

/* Which system tables need more than to exist. Rows of the others are of what the user sees. */
Status authorize_system_table(StatementContext *context, StrView database, StrView name)
{
    AccessObject table = {.kind = OBJECT_TABLE, .database_id = access_system_database(database), .name = name};
    bool is_information = table.database_id == ACCESS_ID_INFORMATION_SCHEMA;
    bool is_of_nodes = strview_starts_with_ci(name, STR_VIEW("be_")) || strview_starts_with_ci(name, STR_VIEW("fe_")) ||
                       strview_starts_with_ci(name, STR_VIEW("cluster_snapshot")) || strview_starts_with_ci(name, STR_VIEW("warehouse_"));
    bool is_of_roles = strview_starts_with_ci(name, STR_VIEW("grants_to_")) || strview_equal_ci(name, STR_VIEW("role_edges"));
    if (is_information)
        return is_of_nodes ? authorize_system(&context->analyze, PRIVILEGE_BIT(OPERATE) | PRIVILEGE_BIT(NODE)) : OK;
    if (is_of_roles && access_allows(context->rights, &(AccessObject){.kind = OBJECT_SYSTEM}, PRIVILEGE_BIT(GRANT)))
        return OK;
    return authorize(&context->analyze, &table, PRIVILEGE_BIT(SELECT), name);
}
