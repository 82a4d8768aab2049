#include "session/session_int.h"

/* Who a session is and what it may. A session's identity is the user record that its login matched, or that EXECUTE AS
 * named; its rights are those of the newest catalog, looked at once a statement and rebuilt when users or roles changed. */

#include "types/number_text.h"

enum { DEFAULT_USER_CONNECTIONS = 1024 };

static void add_role(StrView role, Arena *arena, NameList *out)
{
    name_list_add(out, arena, strview_n(arena_strndup(arena, role.data, role.length), role.length));
}

/* The roles of a user that are active after the login. Root always has its role then: nobody could give it back. */
static void login_roles(const AccessUser *user, bool activates_all, Arena *arena, NameList *out)
{
    bool is_all = activates_all || user->default_mode == DEFAULT_ROLES_ALL;
    const NameList *wanted = is_all ? &user->roles : &user->default_roles;
    if (strview_is(user->identity, "'root'@'%'"))
        add_role(STR_VIEW("root"), arena, out);
    for (uint32_t i = 0; i < wanted->count; i++)
        add_role(wanted->items[i], arena, out);
}

char *session_copy(StrView text)
{
    char *copy = mem_alloc_zero(text.length + 1);
    if (text.length > 0)
        memcpy(copy, text.data, text.length);
    return copy;
}

bool roles_all_at_login(const CatalogSnapshot *catalog)
{
    return strview_equal_ci(global_variable_or(catalog, "activate_all_roles_on_login", "false"), STR_VIEW("true"));
}

void session_become(Session *session, const AccessUser *user, bool activates_all)
{
    arena_reset(&session->access_arena);
    LOCK_GUARD(&session->instance->lock); /* the process list reads the names */
    mem_free(session->user);
    mem_free(session->user_host);
    session->user = session_copy(user->name);
    session->user_host = session_copy(user->host);
    session->roles = (NameList){0};
    login_roles(user, activates_all, &session->access_arena, &session->roles);
    access_rights_unref(session->rights);
    session->rights = NULL;
}

void session_set_roles(Session *session, const NameList *roles)
{
    AUTO_ARENA copy;
    NameList kept = {0};
    arena_init(&copy, NULL);
    for (uint32_t i = 0; i < roles->count; i++) /* they may lie in the arena that is reset */
        add_role(roles->items[i], &copy, &kept);
    arena_reset(&session->access_arena);
    session->roles = (NameList){0};
    for (uint32_t i = 0; i < kept.count; i++)
        add_role(kept.items[i], &session->access_arena, &session->roles);
    access_rights_unref(session->rights);
    session->rights = NULL;
}

/* Looks at the catalog's users; what the session had before is kept when they did not change. Counted. */
AccessRights *session_rights(Session *session, const CatalogSnapshot *catalog)
{
    AccessModel *model = access_cache_get(session->instance->access, catalog);
    if (session->rights == NULL || access_rights_model(session->rights) != model) {
        const AccessUser *user = access_user(model, strview(session->user), strview(session->user_host));
        AccessRights *fresh = access_rights_new(model, user, &session->roles);
        access_rights_unref(session->rights);
        session->rights = fresh;
    }
    access_model_unref(model);
    return access_rights_ref(session->rights);
}

const AccessUser *session_user_record(const Session *session)
{
    return session->rights == NULL ? NULL
                                   : access_user(access_rights_model(session->rights), strview(session->user), strview(session->user_host));
}

/* ---- opening ---- */

static uint32_t connections_of(Instance *instance, StrView user)
{
    LOCK_GUARD(&instance->lock);
    uint32_t count = 0;
    for (const Session *s = instance->sessions; s != NULL; s = s->next)
        count += strview_equal(strview(s->user), user);
    return count;
}

static Status check_connections(Instance *instance, const AccessUser *user, Diag *diag)
{
    int64_t limit;
    StrView text = access_property(user, "max_user_connections");
    if (text.data == NULL || !int64_parse(text, &limit))
        limit = DEFAULT_USER_CONNECTIONS;
    int64_t count = connections_of(instance, user->name);
    if (count < limit)
        return OK;
    return RAISE(diag, TOO_MANY_USER_CONNECTIONS, "Reach user-level(qualifiedUser: %.*s, currUserIdentity: %.*s) connection limit: %lld of %lld",
                 SV_ARGS(user->name), SV_ARGS(user->identity), (long long)count, (long long)limit);
}

static void take_properties(Session *session, const AccessUser *user)
{
    static const char prefix[] = "session.";
    for (uint32_t i = 0; i < user->properties.count; i++) {
        const Property *property = &user->properties.items[i];
        AUTO_ARENA arena;
        arena_init(&arena, NULL);
        if (!strview_starts_with_ci(property->key, strview(prefix)))
            continue;
        StrView name = strview_n(property->key.data + sizeof(prefix) - 1, property->key.length - sizeof(prefix) + 1);
        variable_set(session, name, false, arena_strndup(&arena, property->value.data, property->value.length));
    }
}

/* Variables and the database that the user's properties name. */
void session_take_user(Session *session, const AccessUser *user)
{
    take_properties(session, user);
    StrView database = access_property(user, "database");
    bytebuf_clear(&session->database);
    bytebuf_append_view(&session->database, database);
}

/* The record that is named by 'name'@'host', or a name alone. */
static const AccessUser *user_of_text(const AccessModel *model, StrView text)
{
    const AccessUser *found = NULL;
    for (uint32_t i = 0; i < model->user_count; i++) {
        const AccessUser *user = &model->users[i];
        bool is_it = strview_equal(user->identity, text) || strview_equal(user->name, text);
        if (is_it && (found == NULL || strview_is(user->host, "%")))
            found = user;
    }
    return found;
}

static Status open_as(Instance *instance, const CatalogSnapshot *catalog, const AccessUser *user, StrView host, uint64_t connection_id,
                      Session **out_session)
{
    Session *session = session_new(instance, host, connection_id);
    session_become(session, user, roles_all_at_login(catalog));
    session_take_globals(session, catalog);
    session_take_user(session, user);
    session_enlist(session);
    *out_session = session;
    return OK;
}

Status session_open(Instance *instance, StrView user, StrView host, uint64_t connection_id, Diag *diag, Session **out_session)
{
    CatalogSnapshot *catalog = meta_snapshot(instance->store);
    AccessModel *model = access_cache_get(instance->access, catalog);
    const AccessUser *found = access_user_at(model, user, host);
    Status status = found == NULL ? RAISE(diag, ACCESS_DENIED, "Access denied for user '%.*s'@'%.*s'", SV_ARGS(user), SV_ARGS(host))
                                  : check_connections(instance, found, diag);
    if (status == OK)
        status = open_as(instance, catalog, found, host, connection_id, out_session);
    access_model_unref(model);
    catalog_unref(catalog);
    return status;
}

Status session_open_for(Instance *instance, StrView identity, StrView host, uint64_t connection_id, Diag *diag, Session **out_session)
{
    CatalogSnapshot *catalog = meta_snapshot(instance->store);
    AccessModel *model = access_cache_get(instance->access, catalog);
    const AccessUser *found = user_of_text(model, identity);
    Status status = found == NULL ? RAISE(diag, ACCESS_DENIED, "the user %.*s was dropped", SV_ARGS(identity))
                                  : open_as(instance, catalog, found, host, connection_id, out_session);
    access_model_unref(model);
    catalog_unref(catalog);
    return status;
}

/* ---- without a session ---- */

bool session_find_login(Instance *instance, StrView user, StrView host, Arena *arena, SessionLogin *out)
{
    CatalogSnapshot *catalog = meta_snapshot(instance->store);
    AccessModel *model = access_cache_get(instance->access, catalog);
    const AccessUser *found = access_user_at(model, user, host);
    if (found != NULL) {
        out->plugin = (AuthPlugin)found->plugin;
        out->stored = strview_n(arena_strndup(arena, found->password.data, found->password.length), found->password.length);
    }
    access_model_unref(model);
    catalog_unref(catalog);
    return found != NULL;
}

/* The caller unrefs the rights. */
static AccessRights *rights_at_login(AccessModel *model, const CatalogSnapshot *catalog, StrView user, StrView host)
{
    AUTO_ARENA arena;
    NameList roles = {0};
    const AccessUser *found = access_user_at(model, user, host);
    arena_init(&arena, NULL);
    if (found != NULL)
        login_roles(found, roles_all_at_login(catalog), &arena, &roles);
    return access_rights_new(model, found, &roles);
}

static Status authorize_without_session(AccessModel *model, const CatalogSnapshot *catalog, StrView user, StrView host, PrivilegeSet any_of,
                                        StrView database_name, StrView table_name, Diag *diag)
{
    AccessRights *rights = rights_at_login(model, catalog, user, host);
    AnalyzeContext context = {.diag = diag, .catalog = catalog, .rights = rights};
    const CatalogDatabase *database = catalog_database(catalog, database_name);
    const CatalogTable *table = database == NULL ? NULL : catalog_table(database, table_name);
    Status status = OK;
    if (table != NULL)
        status = authorize_table(&context, any_of, database, table);
    else if (database != NULL && table_name.length > 0 && !access_sees_database(rights, catalog, database->id))
        status = access_refuse(rights, OBJECT_TABLE, any_of, table_name, diag);
    else if (database != NULL)
        status = authorize_use(&context, database_name);
    access_rights_unref(rights);
    return status;
}

Status session_authorize_table(Instance *instance, StrView user, StrView host, PrivilegeSet any_of, StrView database, StrView table, Diag *diag)
{
    CatalogSnapshot *catalog = meta_snapshot(instance->store);
    AccessModel *model = access_cache_get(instance->access, catalog);
    Status status = authorize_without_session(model, catalog, user, host, any_of, database, table, diag);
    access_model_unref(model);
    catalog_unref(catalog);
    return status;
}

Status session_authorize_system(Instance *instance, StrView user, StrView host, PrivilegeSet any_of, Diag *diag)
{
    const AccessObject system = {.kind = OBJECT_SYSTEM};
    CatalogSnapshot *catalog = meta_snapshot(instance->store);
    AccessModel *model = access_cache_get(instance->access, catalog);
    AccessRights *rights = rights_at_login(model, catalog, user, host);
    Status status = access_allows(rights, &system, any_of) ? OK : access_refuse(rights, OBJECT_SYSTEM, any_of, STR_VIEW(""), diag);
    access_rights_unref(rights);
    access_model_unref(model);
    catalog_unref(catalog);
    return status;
}
