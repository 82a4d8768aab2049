#include "connector/system_columns.h"
#include "session/grant_text.h"

/* Users, roles and grants as tables: sys.grants_to_users, grants_to_roles, role_edges; information_schema's applicable_roles
 * and *_privileges. The latter show the grants of the session's own user, and those of all users to who may GRANT. */

static StatementContext *context_of(const SystemSource *source)
{
    return source->context;
}

static const AccessModel *model_of(const SystemSource *source)
{
    return access_rights_model(context_of(source)->rights);
}

/* ---- sys ---- */

static const SystemColumn grants_columns[] = {TEXT("GRANTEE"), TEXT("OBJECT_CATALOG"), TEXT("OBJECT_DATABASE"), TEXT("OBJECT_NAME"),
                                              TEXT("OBJECT_TYPE"), TEXT("PRIVILEGE_TYPE"), BOOLEAN("IS_GRANTABLE")};
static const SystemColumn edges_columns[] = {TEXT("FROM_ROLE"), TEXT("TO_ROLE"), TEXT("TO_USER")};

typedef struct GrantRows {
    const SystemSource *source;
    SystemRows *rows;
    StrView grantee;
} GrantRows;

static Status put_grant(void *opaque, const Grant *grant, const GrantNames *names, PrivilegeSet privileges, bool is_grantable)
{
    const GrantRows *out = opaque;
    AUTO_BYTEBUF list = {0};
    privilege_set_print(privileges, ", ", &list);
    ObjectKind kind = (ObjectKind)grant->kind;
    bool has_catalog = kind != OBJECT_SYSTEM && kind != OBJECT_USER;
    bool is_database = kind == OBJECT_DATABASE;
    system_put_text(out->rows, out->grantee);
    system_put_word(out->rows, has_catalog ? "default_catalog" : NULL);
    system_put_text(out->rows, names->database);
    system_put_text(out->rows, is_database || kind == OBJECT_SYSTEM ? (StrView){0} : names->object.data == NULL ? STR_VIEW("*") : names->object);
    system_put_word(out->rows, object_kind_name(kind));
    system_put_text(out->rows, system_keep(out->rows, &list));
    system_put_boolean(out->rows, is_grantable);
    return system_end_row(out->rows);
}

static Status produce_user_grants(const SystemSource *source, SystemRows *rows)
{
    const AccessModel *model = model_of(source);
    for (uint32_t i = 0; i < model->user_count; i++) {
        GrantRows out = {source, rows, model->users[i].identity};
        TRY(grant_each(context_of(source)->catalog, &model->users[i].grants, &out, put_grant));
    }
    return OK;
}

static Status produce_role_grants(const SystemSource *source, SystemRows *rows)
{
    const AccessModel *model = model_of(source);
    for (uint32_t i = 0; i < model->role_count; i++) {
        GrantRows out = {source, rows, model->roles[i].name};
        TRY(grant_each(context_of(source)->catalog, &model->roles[i].grants, &out, put_grant));
    }
    return OK;
}

static Status put_edges(SystemRows *rows, const NameList *roles, StrView role, StrView user)
{
    for (uint32_t i = 0; i < roles->count; i++) {
        system_put_text(rows, roles->items[i]);
        system_put_text(rows, role);
        system_put_text(rows, user);
        TRY(system_end_row(rows));
    }
    return OK;
}

static Status produce_edges(const SystemSource *source, SystemRows *rows)
{
    const AccessModel *model = model_of(source);
    for (uint32_t i = 0; i < model->user_count; i++)
        TRY(put_edges(rows, &model->users[i].roles, (StrView){0}, model->users[i].identity));
    for (uint32_t i = 0; i < model->role_count; i++)
        TRY(put_edges(rows, &model->roles[i].roles, model->roles[i].name, (StrView){0}));
    return OK;
}

static const SystemTable sys_tables[] = {
    {"grants_to_roles", SYSTEM_COLUMNS(grants_columns), produce_role_grants},
    {"grants_to_users", SYSTEM_COLUMNS(grants_columns), produce_user_grants},
    {"role_edges", SYSTEM_COLUMNS(edges_columns), produce_edges},
};

const SystemFamily system_grants_family = {"sys", sys_tables, COUNT_OF(sys_tables)};

/* ---- information_schema ---- */

static const SystemColumn roles_columns[] = {TEXT("USER"), TEXT("HOST"), TEXT("GRANTEE"), TEXT("GRANTEE_HOST"), TEXT("ROLE_NAME"),
                                             TEXT("ROLE_HOST"), TEXT("IS_GRANTABLE"), TEXT("IS_DEFAULT"), TEXT("IS_MANDATORY")};
static const SystemColumn user_columns[] = {TEXT("GRANTEE"), TEXT("TABLE_CATALOG"), TEXT("PRIVILEGE_TYPE"), TEXT("IS_GRANTABLE")};
static const SystemColumn schema_columns[] = {TEXT("GRANTEE"), TEXT("TABLE_CATALOG"), TEXT("TABLE_SCHEMA"), TEXT("PRIVILEGE_TYPE"),
                                              TEXT("IS_GRANTABLE")};
static const SystemColumn table_columns[] = {TEXT("GRANTEE"), TEXT("TABLE_CATALOG"), TEXT("TABLE_SCHEMA"), TEXT("TABLE_NAME"),
                                             TEXT("PRIVILEGE_TYPE"), TEXT("IS_GRANTABLE")};
static const SystemColumn column_columns[] = {TEXT("GRANTEE"), TEXT("TABLE_CATALOG"), TEXT("TABLE_SCHEMA"), TEXT("TABLE_NAME"),
                                              TEXT("COLUMN_NAME"), TEXT("PRIVILEGE_TYPE"), TEXT("IS_GRANTABLE")};

static Status produce_roles(const SystemSource *source, SystemRows *rows)
{
    const AccessUser *user = session_user_record(context_of(source)->session);
    for (uint32_t i = 0; user != NULL && i < user->roles.count; i++) {
        for (int part = 0; part < 2; part++) { /* USER and GRANTEE are the same here */
            system_put_text(rows, user->name);
            system_put_text(rows, user->host);
        }
        system_put_text(rows, user->roles.items[i]);
        system_put_word(rows, "%");
        system_put_word(rows, "NO");
        bool is_default = user->default_mode == DEFAULT_ROLES_ALL || name_list_has(&user->default_roles, user->roles.items[i]);
        system_put_word(rows, is_default ? "YES" : "NO");
        system_put_word(rows, "NO");
        TRY(system_end_row(rows));
    }
    return OK;
}

/* What an information_schema table is about: grants on the server, on databases, on tables. */
typedef enum Level { LEVEL_USER, LEVEL_SCHEMA, LEVEL_TABLE } Level;

typedef struct LevelRows {
    SystemRows *rows;
    StrView grantee;
    Level level;
} LevelRows;

static Level level_of(const Grant *grant, const GrantNames *names)
{
    bool is_in_database = object_kind_in_database((ObjectKind)grant->kind) || grant->kind == OBJECT_DATABASE;
    if (!is_in_database || names->is_every_database)
        return LEVEL_USER;
    return names->object.data == NULL ? LEVEL_SCHEMA : LEVEL_TABLE;
}

static Status put_level(void *opaque, const Grant *grant, const GrantNames *names, PrivilegeSet privileges, bool is_grantable)
{
    const LevelRows *out = opaque;
    for (uint32_t i = 0; level_of(grant, names) == out->level && i < PRIVILEGES_; i++) {
        if ((privileges & UINT32_C(1) << i) == 0)
            continue;
        system_put_text(out->rows, out->grantee);
        system_put_word(out->rows, "def");
        if (out->level >= LEVEL_SCHEMA)
            system_put_text(out->rows, names->database);
        if (out->level >= LEVEL_TABLE)
            system_put_text(out->rows, names->object);
        system_put_word(out->rows, privilege_name((Privilege)i));
        system_put_word(out->rows, is_grantable ? "YES" : "NO");
        TRY(system_end_row(out->rows));
    }
    return OK;
}

static Status produce_level(const SystemSource *source, SystemRows *rows, Level level)
{
    StatementContext *context = context_of(source);
    const AccessModel *model = model_of(source);
    const AccessUser *own = session_user_record(context->session);
    bool sees_all = access_allows(context->rights, &(AccessObject){.kind = OBJECT_SYSTEM}, PRIVILEGE_BIT(GRANT));
    for (uint32_t i = 0; i < model->user_count; i++) {
        LevelRows out = {rows, model->users[i].identity, level};
        if (sees_all || &model->users[i] == own)
            TRY(grant_each(context->catalog, &model->users[i].grants, &out, put_level));
    }
    return OK;
}

static Status produce_user_privileges(const SystemSource *source, SystemRows *rows)
{
    return produce_level(source, rows, LEVEL_USER);
}

static Status produce_schema_privileges(const SystemSource *source, SystemRows *rows)
{
    return produce_level(source, rows, LEVEL_SCHEMA);
}

static Status produce_table_privileges(const SystemSource *source, SystemRows *rows)
{
    return produce_level(source, rows, LEVEL_TABLE);
}

static const SystemTable tables[] = {
    {"applicable_roles", SYSTEM_COLUMNS(roles_columns), produce_roles},
    {"user_privileges", SYSTEM_COLUMNS(user_columns), produce_user_privileges},
    {"schema_privileges", SYSTEM_COLUMNS(schema_columns), produce_schema_privileges},
    {"table_privileges", SYSTEM_COLUMNS(table_columns), produce_table_privileges},
    {"column_privileges", SYSTEM_COLUMNS(column_columns), NULL}, /* privileges are of whole tables */
};

const SystemFamily system_privileges_family = {"information_schema", tables, COUNT_OF(tables)};
