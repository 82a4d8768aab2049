#include "session/session_int.h"

/* CREATE, ALTER and DROP USER, SET PASSWORD, SET PROPERTY. Checks run inside of the commit, against the newest users. */

#include "types/number_text.h"

typedef struct UserEdit {
    StatementContext *context;
    StrView name, host, identity;
    const AstUser *ast; /* CREATE, ALTER */
    bool if_exists, if_not_exists, creates;
    bool has_password;
    AuthPlugin plugin;
    char stored[PASSWORD_STORED_BYTES];
    const AstProperties *properties;
} UserEdit;

bool is_own_user(const StatementContext *context, const AstUserName *user)
{
    const Session *session = context->session;
    StrView host = user == NULL || user->host.length == 0 ? STR_VIEW("%") : user->host;
    return user == NULL || user->is_current || (strview_is(user->name, session->user) && strview_equal_ci(host, strview(session->user_host)));
}

/* Letters, digits and . _ - / @ +: nothing that would need quoting in the text of an identity. */
static bool is_user_name(StrView name)
{
    if (name.length == 0 || name.length > 64)
        return false;
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_letter && strchr("._-/@+", c) == NULL)
            return false;
    }
    return true;
}

static bool is_host(StrView host)
{
    if (host.length == 0 || host.length > 255)
        return false;
    for (size_t i = 0; i < host.length; i++) {
        char c = host.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_letter && strchr("._-%:", c) == NULL)
            return false;
    }
    return true;
}

Status resolve_user(StatementContext *context, const AstUserName *user, StrView *out_name, StrView *out_host)
{
    if (user == NULL || user->is_current) {
        *out_name = strview(arena_strdup(&context->arena, context->session->user));
        *out_host = strview(arena_strdup(&context->arena, context->session->user_host));
        return OK;
    }
    *out_name = user->name;
    *out_host = user->host.length == 0 ? STR_VIEW("%") : user->host;
    if (user->is_domain)
        return RAISE(context->diag, NOT_SUPPORTED, "users of a domain ('%.*s'@['%.*s']) are not supported: name an address or a pattern of it",
                     SV_ARGS(user->name), SV_ARGS(user->host));
    if (!is_user_name(*out_name))
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: invalid user name: %.*s.", SV_ARGS(*out_name));
    if (!is_host(*out_host))
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: invalid host of a user: %.*s.", SV_ARGS(*out_host));
    return OK;
}

static Status start_edit(StatementContext *context, const AstUserName *user, UserEdit *out)
{
    *out = (UserEdit){.context = context};
    TRY(resolve_user(context, user, &out->name, &out->host));
    out->identity = access_identity(&context->arena, out->name, out->host);
    return OK;
}

/* Of somebody else: GRANT on SYSTEM; of root: root alone. */
static Status authorize_edit(StatementContext *context, const AstUserName *user, const UserEdit *edit, const char *what)
{
    if (is_own_user(context, user) || context->rights == NULL)
        return OK;
    bool is_root = strview_is(edit->name, "root") && strview_is(edit->host, "%");
    if (is_root && !(strcmp(context->session->user, "root") == 0 && strcmp(context->session->user_host, "%") == 0))
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Can not %s root user, except root itself.", what);
    return authorize_system(&context->analyze, PRIVILEGE_BIT(GRANT));
}

/* ---- passwords ---- */

static Status take_plugin(StatementContext *context, StrView plugin, AuthPlugin *out)
{
    *out = AUTH_NATIVE;
    if (plugin.length == 0 || strview_equal_ci(plugin, STR_VIEW("mysql_native_password")))
        return OK;
    *out = AUTH_CACHING_SHA2;
    if (strview_equal_ci(plugin, STR_VIEW("caching_sha2_password")))
        return OK;
    return RAISE(context->diag, PLUGIN_NOT_LOADED, "Plugin '%.*s' is not loaded", SV_ARGS(plugin));
}

static Status take_password(StatementContext *context, StrView password, bool is_hash, UserEdit *edit)
{
    edit->has_password = true;
    if (!is_hash) {
        password_store(edit->plugin, password, edit->stored);
        return OK;
    }
    if (password.length > 0 && (password.length >= PASSWORD_STORED_BYTES || !password_is_stored(edit->plugin, password)))
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Password hash should be %s.",
                     edit->plugin == AUTH_NATIVE ? "a 41-digit hexadecimal number" : "$pbkdf2-sha256$iterations$salt$hash");
    memcpy(edit->stored, password.data, password.length);
    edit->stored[password.length] = '\0';
    return OK;
}

/* ---- properties ---- */

static Status check_property(StatementContext *context, StrView key, StrView value)
{
    int64_t number;
    static const char prefix[] = "session.";
    if (strview_equal_ci(key, STR_VIEW("max_user_connections"))) {
        if (int64_parse(value, &number) && number > 0 && number <= 1000000)
            return OK;
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: max_user_connections must be a number from 1 to 1000000, not '%.*s'.",
                     SV_ARGS(value));
    }
    if (strview_equal_ci(key, STR_VIEW("database")))
        return OK;
    if (strview_equal_ci(key, STR_VIEW("catalog")) && strview_is(value, "default_catalog"))
        return OK;
    if (strview_starts_with_ci(key, strview(prefix))) {
        StrView name = strview_n(key.data + sizeof(prefix) - 1, key.length - sizeof(prefix) + 1);
        if (variable_is_known(name))
            return OK;
        return RAISE(context->diag, UNKNOWN_VARIABLE, "Unknown system variable '%.*s'", SV_ARGS(name));
    }
    return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Unknown user property(%.*s).", SV_ARGS(key));
}

static Status check_properties(StatementContext *context, const AstProperties *properties)
{
    for (uint32_t i = 0; i < properties->keys.count; i++)
        TRY(check_property(context, properties->keys.items[i], properties->values.items[i]));
    return OK;
}

/* An empty value takes the property away. */
static void put_property(AccessUser *user, Arena *arena, StrView key, StrView value)
{
    uint32_t at = 0;
    while (at < user->properties.count && !strview_equal_ci(user->properties.items[at].key, key))
        at++;
    if (at == user->properties.count) {
        Property fresh = {key, value};
        ARRAY_PUSH(arena, &user->properties, fresh);
    }
    user->properties.items[at].value = value;
    if (value.length == 0)
        user->properties.items[at] = user->properties.items[--user->properties.count];
}

/* ---- the commits ---- */

static void grant_default_roles(AccessUser *user, Arena *arena, const AstUser *ast)
{
    if (ast->role_mode.length == 0)
        return;
    user->default_mode = strview_is(ast->role_mode, "ALL") ? DEFAULT_ROLES_ALL : DEFAULT_ROLES_LIST;
    user->default_roles = (NameList){0};
    for (uint32_t i = 0; i < ast->roles.count; i++) {
        name_list_add(&user->roles, arena, ast->roles.items[i]);
        name_list_add(&user->default_roles, arena, ast->roles.items[i]);
    }
}

/* CREATE USER grants them: whoever may not GRANT, may not have them either. */
static Status check_default_roles(const UserEdit *edit, const AccessModel *model, const AccessUser *user, Diag *diag)
{
    bool may_grant_root = strcmp(edit->context->session->user, "root") == 0;
    for (uint32_t i = 0; i < edit->ast->roles.count; i++) {
        StrView role = edit->ast->roles.items[i];
        if (access_role(model, role) == NULL)
            return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: Can not granted/revoke role to/from user/role: cannot find role %.*s.",
                         SV_ARGS(role));
        bool is_powerful = strview_is(role, "root") || strview_is(role, "cluster_admin");
        bool is_granted = user != NULL && name_list_has(&user->roles, role);
        if (is_powerful && !is_granted && !may_grant_root)
            return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: Can not grant root or cluster_admin role except root user.");
        if (!edit->creates && !is_granted)
            return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: Role %.*s is not granted to %.*s.", SV_ARGS(role),
                         SV_ARGS(edit->identity));
    }
    return OK;
}

static void apply_edit(const UserEdit *edit, Arena *arena, AccessUser *user)
{
    if (edit->has_password) {
        user->plugin = (uint8_t)edit->plugin;
        user->password = strview(edit->stored);
    }
    if (edit->ast != NULL)
        grant_default_roles(user, arena, edit->ast);
    if (edit->ast != NULL && edit->ast->comment.length > 0)
        user->comment = edit->ast->comment;
    for (uint32_t i = 0; edit->properties != NULL && i < edit->properties->keys.count; i++)
        put_property(user, arena, edit->properties->keys.items[i], edit->properties->values.items[i]);
}

static Status build_user(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const UserEdit *edit = opaque;
    AccessModel *model = access_model_read(catalog);
    const AccessUser *found = access_user(model, edit->name, edit->host);
    AccessUser user = found != NULL ? *found : (AccessUser){.identity = edit->identity, .name = edit->name, .host = edit->host};
    const char *what = edit->creates ? "CREATE" : "ALTER";
    Status status = OK;
    bool skips = found != NULL ? edit->creates && edit->if_not_exists : !edit->creates && edit->if_exists;
    if (!skips && edit->creates == (found != NULL))
        status = RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: Operation %s USER failed for %.*s : user %s exists.", what,
                       SV_ARGS(edit->identity), edit->creates ? "already" : "not");
    if (status == OK && !skips && edit->ast != NULL)
        status = check_default_roles(edit, model, found, diag);
    if (status == OK && !skips) {
        AUTO_ARENA arena;
        arena_init(&arena, NULL);
        apply_edit(edit, &arena, &user);
        change_put_user(change, &user);
    }
    access_model_unref(model);
    return status;
}

Status run_user(StatementContext *context, const AstStatement *statement)
{
    const AstUser *ast = statement->user;
    UserEdit edit;
    TRY(start_edit(context, &ast->user, &edit));
    edit.ast = ast;
    edit.creates = !ast->is_alter;
    edit.if_exists = ast->if_exists;
    edit.if_not_exists = ast->if_not_exists;
    edit.properties = &ast->properties;
    bool is_harmless = ast->is_alter && ast->role_mode.length == 0 && ast->properties.keys.count == 0; /* one's own password */
    if (is_harmless)
        TRY(authorize_edit(context, &ast->user, &edit, "modify"));
    else
        TRY(authorize_system(&context->analyze, PRIVILEGE_BIT(GRANT)));
    if (ast->is_alter)
        TRY(authorize_edit(context, &ast->user, &edit, "modify"));
    TRY(take_plugin(context, ast->plugin, &edit.plugin));
    if (ast->has_password)
        TRY(take_password(context, ast->password, ast->is_hash, &edit));
    TRY(check_properties(context, &ast->properties));
    TRY(meta_commit(context->session->instance->store, build_user, &edit, context->diag));
    return send_ok(context, 0, STR_VIEW(""));
}

Status set_password(StatementContext *context, const AstSetItem *item)
{
    UserEdit edit;
    TRY(start_edit(context, item->user, &edit));
    TRY(authorize_edit(context, item->user, &edit, "set password for"));
    AccessModel *model = access_model_ref(access_rights_model(context->rights));
    const AccessUser *user = access_user(model, edit.name, edit.host);
    bool keeps_plugin = user != NULL && (!item->flag || password_is_stored((AuthPlugin)user->plugin, item->text));
    edit.plugin = keeps_plugin ? (AuthPlugin)user->plugin : AUTH_NATIVE;
    access_model_unref(model);
    TRY(take_password(context, item->text, item->flag, &edit));
    return meta_commit(context->session->instance->store, build_user, &edit, context->diag);
}

Status set_user_property(StatementContext *context, const AstSetItem *item)
{
    UserEdit edit;
    TRY(start_edit(context, item->user, &edit));
    TRY(authorize_system(&context->analyze, PRIVILEGE_BIT(GRANT)));
    TRY(authorize_edit(context, item->user, &edit, "modify"));
    TRY(check_properties(context, &item->properties));
    edit.properties = &item->properties;
    return meta_commit(context->session->instance->store, build_user, &edit, context->diag);
}

/* ---- DROP USER ---- */

static bool drop_impersonate(GrantList *grants, StrView identity)
{
    Grant grant = {.kind = OBJECT_USER, .name = identity, .privileges = PRIVILEGE_BIT(IMPERSONATE)};
    return grant_list_remove(grants, &grant);
}

static Status build_drop_user(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const UserEdit *edit = opaque;
    AccessModel *model = access_model_read(catalog);
    const AccessUser *found = access_user(model, edit->name, edit->host);
    Status status = OK;
    if (found == NULL && !edit->if_exists)
        status = RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: Operation DROP USER failed for %.*s : user not exists.",
                       SV_ARGS(edit->identity));
    if (found != NULL)
        change_drop_record(change, "user", found->identity);
    for (uint32_t i = 0; found != NULL && i < model->user_count; i++) {
        if (&model->users[i] != found && drop_impersonate(&model->users[i].grants, found->identity))
            change_put_user(change, &model->users[i]);
    }
    for (uint32_t i = 0; found != NULL && i < model->role_count; i++) {
        if (!model->roles[i].is_builtin && drop_impersonate(&model->roles[i].grants, found->identity))
            change_put_role(change, &model->roles[i]);
    }
    access_model_unref(model);
    return status;
}

Status run_drop_user(StatementContext *context, const AstCommand *command)
{
    UserEdit edit;
    TRY(start_edit(context, command->user, &edit));
    edit.if_exists = command->if_exists;
    if (strview_is(edit.name, "root") && strview_is(edit.host, "%"))
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Operation DROP USER failed for %.*s : cannot drop user %.*s.",
                     SV_ARGS(edit.identity), SV_ARGS(edit.identity));
    TRY(meta_commit(context->session->instance->store, build_drop_user, &edit, context->diag));
    return send_ok(context, 0, STR_VIEW(""));
}
