#include "session/show_int.h"

/* SHOW USERS, ROLES, GRANTS, PRIVILEGES, AUTHENTICATION, PROPERTY: of oneself, or of others with GRANT on SYSTEM. */

#include "session/grant_text.h"
#include "sql/ast_command.h"

static const SystemColumn users_columns[] = {TEXT("User")};
static const SystemColumn roles_columns[] = {TEXT("Name"), TEXT("Builtin"), TEXT("Comment")};
static const SystemColumn grants_columns[] = {TEXT("UserIdentity"), TEXT("Catalog"), TEXT("Grants")};
static const SystemColumn role_grants_columns[] = {TEXT("RoleName"), TEXT("Catalog"), TEXT("Grants")};
static const SystemColumn privileges_columns[] = {TEXT("Privilege"), TEXT("Context"), TEXT("Comment")};
static const SystemColumn authentication_columns[] = {TEXT("UserIdentity"), TEXT("Password"), TEXT("AuthPlugin"), TEXT("UserForAuthPlugin")};
static const SystemColumn property_columns[] = {TEXT("Key"), TEXT("Value")};

static const AccessModel *model_of(const SystemSource *source)
{
    return access_rights_model(show_context(source)->rights);
}

/* FOR user, or the session's own. */
static Status find_user(StatementContext *context, const AccessUser **out)
{
    const AstUserName *user = context->show->user;
    StrView name, host;
    TRY(resolve_user(context, user, &name, &host));
    if (!is_own_user(context, user))
        TRY(authorize_system(&context->analyze, PRIVILEGE_BIT(GRANT)));
    *out = access_user(access_rights_model(context->rights), name, host);
    if (*out == NULL)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: cannot find user '%.*s'@'%.*s'!.", SV_ARGS(name),
                     SV_ARGS(host));
    return OK;
}

static Status produce_users(const SystemSource *source, SystemRows *rows)
{
    const AccessModel *model = model_of(source);
    for (uint32_t i = 0; i < model->user_count; i++) {
        system_put_text(rows, model->users[i].identity);
        TRY(system_end_row(rows));
    }
    return OK;
}

static Status produce_roles(const SystemSource *source, SystemRows *rows)
{
    const AccessModel *model = model_of(source);
    for (uint32_t i = 0; i < model->role_count; i++) {
        const AccessRole *role = &model->roles[i];
        system_put_text(rows, role->name);
        system_put_word(rows, role->is_builtin ? "true" : "false");
        system_put_text(rows, role->comment.length > 0 ? role->comment : (StrView){0});
        TRY(system_end_row(rows));
    }
    return OK;
}

/* ---- GRANTS ---- */

typedef struct GrantRows {
    const SystemSource *source;
    SystemRows *rows;
    StrView title;   /* first column */
    StrView grantee; /* "USER 'u'@'%'" */
} GrantRows;

static Status put_grant(void *opaque, const Grant *grant, const GrantNames *names, PrivilegeSet privileges, bool is_grantable)
{
    const GrantRows *out = opaque;
    AUTO_BYTEBUF text = {0};
    bytebuf_append_text(&text, "GRANT ");
    privilege_set_print(privileges, ", ", &text);
    bytebuf_append_text(&text, " ON ");
    grant_print_object(grant, names, &text);
    bytebuf_printf(&text, " TO %.*s%s", SV_ARGS(out->grantee), is_grantable ? " WITH GRANT OPTION" : "");
    system_put_text(out->rows, out->title);
    system_put_word(out->rows, grant->kind == OBJECT_SYSTEM || grant->kind == OBJECT_USER ? NULL : "default_catalog");
    system_put_text(out->rows, system_keep(out->rows, &text));
    return system_end_row(out->rows);
}

static Status put_grants(GrantRows *out, const NameList *roles, StrView to, const GrantList *grants)
{
    AUTO_BYTEBUF text = {0};
    for (uint32_t i = 0; i < roles->count; i++)
        bytebuf_printf(&text, "%s'%.*s'", i == 0 ? "GRANT " : ", ", SV_ARGS(roles->items[i]));
    if (roles->count > 0) {
        bytebuf_printf(&text, " TO %.*s", SV_ARGS(to));
        system_put_text(out->rows, out->title);
        system_put_null(out->rows);
        system_put_text(out->rows, system_keep(out->rows, &text));
        TRY(system_end_row(out->rows));
    }
    return grant_each(out->source->catalog, grants, out, put_grant);
}

static Status produce_user_grants(const SystemSource *source, SystemRows *rows)
{
    StatementContext *context = show_context(source);
    const AccessUser *user;
    TRY(find_user(context, &user));
    GrantRows out = {source, rows, user->identity, show_text(context, "USER %.*s", SV_ARGS(user->identity))};
    return put_grants(&out, &user->roles, user->identity, &user->grants);
}

static Status produce_role_grants(const SystemSource *source, SystemRows *rows)
{
    StatementContext *context = show_context(source);
    const AccessRole *role = access_role(model_of(source), context->show->text);
    GrantRows out = {source, rows, role->name, show_text(context, "ROLE '%.*s'", SV_ARGS(role->name))};
    return put_grants(&out, &role->roles, show_text(context, "ROLE %.*s", SV_ARGS(role->name)), &role->grants);
}

/* A role that oneself has, active or not, may be looked at. */
static bool is_own_role(const StatementContext *context, StrView role)
{
    AUTO_ARENA arena;
    NameList all = {0};
    const AccessUser *user = session_user_record(context->session);
    arena_init(&arena, NULL);
    for (uint32_t i = 0; user != NULL && i < user->roles.count; i++)
        access_collect_roles(access_rights_model(context->rights), user->roles.items[i], &arena, &all);
    return name_list_has(&all, role) || strview_is(role, "public");
}

static Status run_grants(StatementContext *context, const AstStatement *statement)
{
    SystemTable of_user = {"rows", SYSTEM_COLUMNS(grants_columns), produce_user_grants};
    SystemTable of_role = {"rows", SYSTEM_COLUMNS(role_grants_columns), produce_role_grants};
    const AccessUser *user;
    StrView role = context->show->text;
    if (!context->show->is_role) {
        TRY(find_user(context, &user));
        return show_rows(context, statement, &of_user, SHOW_NO_PATTERN);
    }
    if (!is_own_role(context, role))
        TRY(authorize_system(&context->analyze, PRIVILEGE_BIT(GRANT)));
    if (access_role(access_rights_model(context->rights), role) == NULL)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: cannot find role %.*s!.", SV_ARGS(role));
    return show_rows(context, statement, &of_role, SHOW_NO_PATTERN);
}

static Status produce_privileges(const SystemSource *source, SystemRows *rows)
{
    (void)source;
    for (uint32_t i = 0; i < PRIVILEGES_; i++) {
        AUTO_BYTEBUF kinds = {0};
        for (uint32_t k = 0; k < OBJECT_KINDS_; k++) {
            if ((object_kind_privileges((ObjectKind)k) & UINT32_C(1) << i) != 0)
                bytebuf_printf(&kinds, "%s%s", kinds.length > 0 ? ", " : "", object_kind_name((ObjectKind)k));
        }
        system_put_word(rows, privilege_name((Privilege)i));
        system_put_text(rows, system_keep(rows, &kinds));
        system_put_word(rows, "");
        TRY(system_end_row(rows));
    }
    return OK;
}

static Status put_authentication(SystemRows *rows, const AccessUser *user)
{
    system_put_text(rows, user->identity);
    system_put_word(rows, user->password.length > 0 ? "Yes" : "No");
    system_put_word(rows, auth_plugin_name((AuthPlugin)user->plugin));
    system_put_null(rows);
    return system_end_row(rows);
}

static Status produce_authentication(const SystemSource *source, SystemRows *rows)
{
    StatementContext *context = show_context(source);
    const AccessModel *model = model_of(source);
    const AccessUser *user;
    if (!context->show->is_all) {
        TRY(find_user(context, &user));
        return put_authentication(rows, user);
    }
    TRY(authorize_system(&context->analyze, PRIVILEGE_BIT(GRANT)));
    for (uint32_t i = 0; i < model->user_count; i++)
        TRY(put_authentication(rows, &model->users[i]));
    return OK;
}

static Status produce_property(const SystemSource *source, SystemRows *rows)
{
    const AccessUser *user;
    TRY(find_user(show_context(source), &user));
    system_put_word(rows, "max_user_connections");
    StrView limit = access_property(user, "max_user_connections");
    system_put_text(rows, limit.data == NULL ? STR_VIEW("1024") : limit);
    TRY(system_end_row(rows));
    for (uint32_t i = 0; i < user->properties.count; i++) {
        if (strview_equal_ci(user->properties.items[i].key, STR_VIEW("max_user_connections")))
            continue;
        system_put_text(rows, user->properties.items[i].key);
        system_put_text(rows, user->properties.items[i].value);
        TRY(system_end_row(rows));
    }
    return OK;
}

static const ShowForm forms[] = {
    {"USERS", {"", SYSTEM_COLUMNS(users_columns), produce_users}, 0, NULL},
    {"ROLES", {"", SYSTEM_COLUMNS(roles_columns), produce_roles}, 0, NULL},
    {"GRANTS", {0}, SHOW_NO_PATTERN, run_grants},
    {"PRIVILEGES", {"", SYSTEM_COLUMNS(privileges_columns), produce_privileges}, SHOW_NO_PATTERN, NULL},
    {"AUTHENTICATION", {"", SYSTEM_COLUMNS(authentication_columns), produce_authentication}, SHOW_NO_PATTERN, NULL},
    {"PROPERTY", {"", SYSTEM_COLUMNS(property_columns), produce_property}, 0, NULL},
};

const ShowForms show_user_forms = {forms, COUNT_OF(forms)};
