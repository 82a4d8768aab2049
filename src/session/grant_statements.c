#include "session/session_int.h"

/* GRANT and REVOKE, of privileges and of roles. Objects that the catalog knows by an id are granted by it: a grant follows
 * a renamed table and ends with a dropped one. */

#define MESSAGE "Getting analyzing error. Detail message: "

typedef struct GrantEdit {
    StatementContext *context;
    const AstGrant *ast;
    ARRAY_OF(Grant) grants; /* one an object */
} GrantEdit;

/* ---- what is granted ---- */

static bool is_all_privileges(StrView words)
{
    return strview_equal_ci(words, STR_VIEW("ALL")) || strview_equal_ci(words, STR_VIEW("ALL PRIVILEGES"));
}

static Status read_privileges(StatementContext *context, const AstGrant *ast, ObjectKind kind, PrivilegeSet *out)
{
    *out = 0;
    for (uint32_t i = 0; i < ast->names.count; i++) {
        Privilege privilege;
        if (is_all_privileges(ast->names.items[i])) {
            *out |= object_kind_privileges(kind) & ~(kind == OBJECT_SYSTEM ? PRIVILEGE_BIT(NODE) : 0);
            continue;
        }
        if (!privilege_parse(ast->names.items[i], &privilege))
            return RAISE(context->diag, ANALYSIS, MESSAGE "unknown privilege %.*s.", SV_ARGS(ast->names.items[i]));
        if ((object_kind_privileges(kind) & UINT32_C(1) << privilege) == 0)
            return RAISE(context->diag, ANALYSIS, MESSAGE "Cant grant %s to object %s.", privilege_name(privilege), object_kind_name(kind));
        if (kind == OBJECT_SYSTEM && privilege == PRIVILEGE_NODE)
            return RAISE(context->diag, ANALYSIS, MESSAGE "cannot grant/revoke system privilege: NODE.");
        *out |= UINT32_C(1) << privilege;
    }
    return OK;
}

static Status find_database_id(StatementContext *context, StrView name, uint64_t *out)
{
    const CatalogDatabase *database = catalog_database(context->catalog, name);
    *out = database != NULL ? database->id : access_system_database(name);
    return *out != 0 ? OK : RAISE(context->diag, ANALYSIS, MESSAGE "cannot find db: %.*s.", SV_ARGS(name));
}

static Status find_table_object(StatementContext *context, ObjectKind kind, StrView database_name, StrView name, Grant *grant)
{
    TRY(find_database_id(context, database_name, &grant->database_id));
    const CatalogDatabase *database = catalog_database_by_id(context->catalog, grant->database_id);
    if (database == NULL) { /* a system database: its tables have names only */
        const Connector *connector = context->analyze.connector;
        grant->name = name;
        if (kind == OBJECT_TABLE && connector->find(connector->context, database_name, name, &context->arena) != NULL)
            return OK;
        return RAISE(context->diag, ANALYSIS, MESSAGE "cannot find table %.*s in db %.*s.", SV_ARGS(name), SV_ARGS(database_name));
    }
    const CatalogTable *table = catalog_table(database, name);
    if (table == NULL || access_table_object(database, table).kind != kind)
        return RAISE(context->diag, ANALYSIS, MESSAGE "cannot find %s %.*s in db %.*s.",
                     kind == OBJECT_TABLE  ? "table"
                     : kind == OBJECT_VIEW ? "view"
                                           : "materialized view",
                     SV_ARGS(name), SV_ARGS(database_name));
    grant->object_id = table->id;
    return OK;
}

/* db.name, name, db.*, *.* */
static Status find_in_database(StatementContext *context, ObjectKind kind, const AstName *name, StrView signature, Grant *grant)
{
    StrView object = name->parts[name->count - 1];
    StrView database = name->count >= 2 ? name->parts[name->count - 2] : context->analyze.database;
    bool is_every_object = strview_is(object, "*");
    if (is_every_object && strview_is(database, "*"))
        return OK;
    if (database.length == 0)
        return RAISE(context->diag, NO_DATABASE_SELECTED, "No database selected");
    if (is_every_object)
        return find_database_id(context, database, &grant->database_id);
    if (kind == OBJECT_FUNCTION || kind == OBJECT_PIPE)
        return RAISE(context->diag, ANALYSIS, MESSAGE "cannot find %s %.*s(%.*s) in db %.*s.", kind == OBJECT_PIPE ? "pipe" : "function",
                     SV_ARGS(object), SV_ARGS(signature), SV_ARGS(database));
    return find_table_object(context, kind, database, object, grant);
}

static Status find_named(StatementContext *context, ObjectKind kind, const AstName *name, Grant *grant)
{
    StrView object = name->parts[name->count - 1];
    if (strview_is(object, "*"))
        return OK;
    if (kind == OBJECT_CATALOG && !strview_is(object, "default_catalog"))
        return RAISE(context->diag, ANALYSIS, MESSAGE "cannot find catalog: %.*s.", SV_ARGS(object));
    if (kind == OBJECT_GLOBAL_FUNCTION)
        return RAISE(context->diag, ANALYSIS, MESSAGE "cannot find global function: %.*s.", SV_ARGS(object));
    StorageVolume volume;
    bool is_volume = kind == OBJECT_STORAGE_VOLUME && !strview_is(object, BUILTIN_STORAGE_VOLUME);
    if (is_volume && !storage_volume_find(context->catalog, object, &context->arena, &volume))
        return RAISE(context->diag, ANALYSIS, MESSAGE "cannot find storage volume: %.*s.", SV_ARGS(object));
    grant->name = object;
    return OK;
}

static Status find_object(StatementContext *context, ObjectKind kind, const AstName *name, StrView signature, Grant *grant)
{
    if (kind == OBJECT_DATABASE)
        return strview_is(name->parts[name->count - 1], "*") ? OK
                                                             : find_database_id(context, name->parts[name->count - 1], &grant->database_id);
    if (object_kind_in_database(kind))
        return find_in_database(context, kind, name, signature, grant);
    return find_named(context, kind, name, grant);
}

static Status find_user_object(StatementContext *context, const AstUserName *user, Grant *grant)
{
    StrView name, host;
    TRY(resolve_user(context, user, &name, &host));
    if (access_user(access_rights_model(context->rights), name, host) == NULL)
        return RAISE(context->diag, ANALYSIS, MESSAGE "cannot find user '%.*s'@'%.*s'.", SV_ARGS(name), SV_ARGS(host));
    grant->name = access_identity(&context->arena, name, host);
    return OK;
}

/* ON ALL TABLES IN DATABASE d, ... | IN ALL DATABASES; ON ALL DATABASES */
static Status find_all(GrantEdit *edit, Grant grant)
{
    const AstGrant *ast = edit->ast;
    StatementContext *context = edit->context;
    bool is_in_database = object_kind_in_database((ObjectKind)grant.kind);
    if (is_in_database && !ast->in_all_databases && ast->databases.count == 0)
        return RAISE(context->diag, ANALYSIS, MESSAGE "ALL %s needs IN DATABASE or IN ALL DATABASES.", object_kind_plural((ObjectKind)grant.kind));
    for (uint32_t i = 0; i < ast->databases.count; i++) {
        TRY(find_database_id(context, ast->databases.items[i], &grant.database_id));
        ARRAY_PUSH(&context->arena, &edit->grants, grant);
    }
    if (ast->databases.count == 0)
        ARRAY_PUSH(&context->arena, &edit->grants, grant);
    return OK;
}

static Status find_objects(GrantEdit *edit)
{
    const AstGrant *ast = edit->ast;
    StatementContext *context = edit->context;
    ObjectKind kind;
    Grant grant = {0};
    if (!object_kind_parse(ast->object_kind, &kind))
        return RAISE(context->diag, ANALYSIS, MESSAGE "cannot find type %.*s.", SV_ARGS(ast->object_kind));
    TRY(read_privileges(context, ast, kind, &grant.privileges));
    grant.kind = (uint8_t)kind;
    grant.grantable = ast->with_grant_option ? grant.privileges : 0;
    if (ast->is_all)
        return find_all(edit, grant);
    if (kind == OBJECT_SYSTEM)
        ARRAY_PUSH(&context->arena, &edit->grants, grant);
    for (uint32_t i = 0; i < ast->object_count; i++) {
        Grant one = grant;
        TRY(find_object(context, kind, &ast->objects[i], i < ast->signatures.count ? ast->signatures.items[i] : STR_VIEW(""), &one));
        ARRAY_PUSH(&context->arena, &edit->grants, one);
    }
    for (uint32_t i = 0; i < ast->object_users.count; i++) {
        Grant one = grant;
        TRY(find_user_object(context, &ast->object_users.items[i], &one));
        ARRAY_PUSH(&context->arena, &edit->grants, one);
    }
    return OK;
}

/* GRANT on SYSTEM, or the same privileges with the right to pass them on. */
static Status authorize_grant(const GrantEdit *edit)
{
    const AccessRights *rights = edit->context->rights;
    const AccessObject system = {.kind = OBJECT_SYSTEM};
    bool may = access_allows(rights, &system, PRIVILEGE_BIT(GRANT));
    for (uint32_t i = 0; !may && i < edit->grants.count; i++) {
        const Grant *grant = &edit->grants.items[i];
        AccessObject object = {grant->kind, grant->database_id, grant->object_id, grant->name};
        if (!access_may_grant(rights, &object, grant->privileges))
            return access_refuse(rights, OBJECT_SYSTEM, PRIVILEGE_BIT(GRANT), STR_VIEW(""), edit->context->diag);
    }
    return OK;
}

/* ---- to whom ---- */

typedef struct Grantee {
    AccessUser *user;
    AccessRole *role;
} Grantee;

static Status find_grantee_user(const GrantEdit *edit, AccessModel *model, const AstUserName *name, Grantee *out, Diag *diag)
{
    StrView user, host;
    TRY(resolve_user(edit->context, name, &user, &host));
    out->user = (AccessUser *)(uintptr_t)access_user(model, user, host);
    return out->user != NULL ? OK : RAISE(diag, ANALYSIS, MESSAGE "cannot find user '%.*s'@'%.*s'.", SV_ARGS(user), SV_ARGS(host));
}

static Status find_grantee_role(AccessModel *model, StrView name, Grantee *out, Diag *diag)
{
    out->role = (AccessRole *)(uintptr_t)access_role(model, name);
    if (out->role == NULL)
        return RAISE(diag, ANALYSIS, MESSAGE "cannot find role %.*s.", SV_ARGS(name));
    if (out->role->is_builtin && !strview_is(name, "public"))
        return RAISE(diag, ANALYSIS, MESSAGE "role %.*s is not mutable!.", SV_ARGS(name));
    return OK;
}

static void change_grants(const GrantEdit *edit, Arena *arena, GrantList *grants)
{
    for (uint32_t i = 0; i < edit->grants.count; i++) {
        if (edit->ast->is_revoke)
            (void)grant_list_remove(grants, &edit->grants.items[i]);
        else
            grant_list_add(grants, arena, &edit->grants.items[i]);
    }
}

/* The role must not hold, through others, the one that it is granted to. */
static Status check_cycle(const AccessModel *model, StrView role, StrView to, Diag *diag)
{
    AUTO_ARENA arena;
    NameList all = {0};
    arena_init(&arena, NULL);
    access_collect_roles(model, role, &arena, &all);
    if (name_list_has(&all, to))
        return RAISE(diag, ANALYSIS, MESSAGE "role %.*s is already a predecessor role of role %.*s.", SV_ARGS(to), SV_ARGS(role));
    return OK;
}

static Status change_role(const GrantEdit *edit, const AccessModel *model, StrView role, const Grantee *grantee, Arena *arena, Diag *diag)
{
    NameList *roles = grantee->user != NULL ? &grantee->user->roles : &grantee->role->roles;
    bool is_root = grantee->user != NULL && strview_is(grantee->user->identity, "'root'@'%'");
    if (access_role(model, role) == NULL)
        return RAISE(diag, ANALYSIS, MESSAGE "Can not granted/revoke role to/from user/role: cannot find role %.*s.", SV_ARGS(role));
    if (strview_is(role, "public"))
        return RAISE(diag, ANALYSIS, MESSAGE "Granting role PUBLIC has no effect.  Every user and role has role PUBLIC implicitly granted.");
    if (edit->ast->is_revoke) {
        if (is_root && strview_is(role, "root"))
            return RAISE(diag, ANALYSIS, MESSAGE "Can not revoke root role from root user.");
        (void)name_list_remove(roles, role);
        if (grantee->user != NULL)
            (void)name_list_remove(&grantee->user->default_roles, role);
        return OK;
    }
    if (grantee->role != NULL)
        TRY(check_cycle(model, role, grantee->role->name, diag));
    name_list_add(roles, arena, role);
    return OK;
}

static Status change_grantee(const GrantEdit *edit, AccessModel *model, const Grantee *grantee, Change *change, Diag *diag)
{
    const AstGrant *ast = edit->ast;
    for (uint32_t i = 0; ast->is_roles && i < ast->names.count; i++)
        TRY(change_role(edit, model, ast->names.items[i], grantee, &model->arena, diag));
    if (!ast->is_roles)
        change_grants(edit, &model->arena, grantee->user != NULL ? &grantee->user->grants : &grantee->role->grants);
    if (grantee->user != NULL)
        change_put_user(change, grantee->user);
    else
        change_put_role(change, grantee->role);
    return OK;
}

static Status change_grantees(const GrantEdit *edit, AccessModel *model, Change *change, Diag *diag)
{
    for (uint32_t i = 0; i < edit->ast->users.count; i++) {
        Grantee grantee = {0};
        TRY(find_grantee_user(edit, model, &edit->ast->users.items[i], &grantee, diag));
        TRY(change_grantee(edit, model, &grantee, change, diag));
    }
    for (uint32_t i = 0; i < edit->ast->roles.count; i++) {
        Grantee grantee = {0};
        TRY(find_grantee_role(model, edit->ast->roles.items[i], &grantee, diag));
        TRY(change_grantee(edit, model, &grantee, change, diag));
    }
    return OK;
}

static Status build_grant(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    AccessModel *model = access_model_read(catalog); /* of this commit alone: it may be changed */
    Status status = change_grantees(opaque, model, change, diag);
    access_model_unref(model);
    return status;
}

static Status authorize_roles(const GrantEdit *edit)
{
    StatementContext *context = edit->context;
    bool is_root = strcmp(context->session->user, "root") == 0 && strcmp(context->session->user_host, "%") == 0;
    for (uint32_t i = 0; i < edit->ast->names.count && !is_root; i++) {
        StrView role = edit->ast->names.items[i];
        if (strview_is(role, "root") || strview_is(role, "cluster_admin"))
            return RAISE(context->diag, ANALYSIS, MESSAGE "Can not grant root or cluster_admin role except root user.");
    }
    return authorize_system(&context->analyze, PRIVILEGE_BIT(GRANT));
}

Status run_grant(StatementContext *context, const AstStatement *statement)
{
    GrantEdit edit = {.context = context, .ast = statement->grant};
    if (edit.ast->is_roles) {
        TRY(authorize_roles(&edit));
    } else {
        TRY(find_objects(&edit));
        TRY(authorize_grant(&edit));
    }
    TRY(meta_commit(context->session->instance->store, build_grant, &edit, context->diag));
    return send_ok(context, 0, STR_VIEW(""));
}
