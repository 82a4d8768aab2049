#include "session/session_int.h"

/* CREATE, ALTER and DROP ROLE, SET ROLE, SET DEFAULT ROLE, EXECUTE AS. */

#define MESSAGE "Getting analyzing error. Detail message: "

typedef struct RoleEdit {
    StatementContext *context;
    const AstCommand *command;
} RoleEdit;

static bool is_role_name(StrView name)
{
    if (name.length == 0 || name.length > 64)
        return false;
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_letter && strchr("_-.", c) == NULL)
            return false;
    }
    return true;
}

/* ---- CREATE, ALTER, DROP ROLE ---- */

static Status create_role(const RoleEdit *edit, const AccessModel *model, StrView name, Change *change, Diag *diag)
{
    AccessRole role = {.name = name, .comment = edit->command->text};
    if (!is_role_name(name))
        return RAISE(diag, ANALYSIS, MESSAGE "invalid role format: %.*s.", SV_ARGS(name));
    if (access_role(model, name) != NULL)
        return edit->command->if_not_exists ? OK
                                            : RAISE(diag, ANALYSIS, MESSAGE "Operation CREATE ROLE failed for %.*s : role already exists.",
                                                    SV_ARGS(name));
    change_put_role(change, &role);
    return OK;
}

static Status alter_role(const RoleEdit *edit, const AccessModel *model, StrView name, Change *change, Diag *diag)
{
    const AccessRole *found = access_role(model, name);
    if (found == NULL)
        return edit->command->if_exists ? OK
                                        : RAISE(diag, ANALYSIS, MESSAGE "Operation ALTER ROLE failed for %.*s : role not exists.",
                                                SV_ARGS(name));
    if (found->is_builtin)
        return RAISE(diag, ANALYSIS, MESSAGE "role %.*s is not mutable!.", SV_ARGS(name));
    AccessRole role = *found;
    role.comment = edit->command->text;
    change_put_role(change, &role);
    return OK;
}

static void forget_role(AccessModel *model, StrView name, Change *change)
{
    for (uint32_t i = 0; i < model->user_count; i++) {
        AccessUser *user = &model->users[i];
        bool had = name_list_remove(&user->roles, name);
        if (name_list_remove(&user->default_roles, name) || had)
            change_put_user(change, user);
    }
    for (uint32_t i = 0; i < model->role_count; i++) {
        if (name_list_remove(&model->roles[i].roles, name))
            change_put_role(change, &model->roles[i]);
    }
}

static Status drop_role(const RoleEdit *edit, AccessModel *model, StrView name, Change *change, Diag *diag)
{
    const AccessRole *found = access_role(model, name);
    if (found == NULL)
        return edit->command->if_exists ? OK
                                        : RAISE(diag, ANALYSIS, MESSAGE "Operation DROP ROLE failed for %.*s : role not exists.",
                                                SV_ARGS(name));
    if (found->is_builtin)
        return RAISE(diag, ANALYSIS, MESSAGE "role %.*s cannot be dropped!.", SV_ARGS(name));
    change_drop_record(change, "role", name);
    forget_role(model, name, change);
    return OK;
}

static Status build_roles(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const RoleEdit *edit = opaque;
    AccessModel *model = access_model_read(catalog);
    Status status = OK;
    StrView what = edit->command->what;
    for (uint32_t i = 0; i < edit->command->names.count && status == OK; i++) {
        StrView name = edit->command->names.items[i];
        status = strview_is(what, "CREATE ROLE")  ? create_role(edit, model, name, change, diag)
                 : strview_is(what, "ALTER ROLE") ? alter_role(edit, model, name, change, diag)
                                                  : drop_role(edit, model, name, change, diag);
    }
    access_model_unref(model);
    return status;
}

Status run_role_command(StatementContext *context, const AstCommand *command)
{
    RoleEdit edit = {context, command};
    TRY(meta_commit(context->session->instance->store, build_roles, &edit, context->diag));
    return send_ok(context, 0, STR_VIEW(""));
}

/* ---- SET ROLE ---- */

static Status choose_roles(StatementContext *context, const AstSetItem *item, const AccessUser *user, NameList *out)
{
    bool is_list = strview_is(item->text, "LIST"), is_except = strview_is(item->text, "ALL EXCEPT");
    for (uint32_t i = 0; (is_list || is_except) && i < item->names.count; i++) {
        if (!name_list_has(&user->roles, item->names.items[i]))
            return RAISE(context->diag, ANALYSIS, MESSAGE "Role %.*s is not granted to %.*s.",
                         SV_ARGS(item->names.items[i]), SV_ARGS(user->identity));
        if (is_list)
            name_list_add(out, &context->arena, item->names.items[i]);
    }
    bool is_default = strview_is(item->text, "DEFAULT");
    if (is_default && strview_is(user->identity, "'root'@'%'"))
        name_list_add(out, &context->arena, STR_VIEW("root"));
    const NameList *from = is_default && user->default_mode == DEFAULT_ROLES_LIST ? &user->default_roles : &user->roles;
    NameList left_out = {.items = item->names.items, .count = is_except ? item->names.count : 0};
    bool is_all = is_default || is_except || strview_is(item->text, "ALL");
    for (uint32_t i = 0; is_all && i < from->count; i++) {
        if (!name_list_has(&left_out, from->items[i]))
            name_list_add(out, &context->arena, from->items[i]);
    }
    return OK;
}

Status set_role(StatementContext *context, const AstSetItem *item)
{
    const AccessUser *user = session_user_record(context->session);
    NameList roles = {0};
    if (user == NULL)
        return RAISE(context->diag, ANALYSIS, MESSAGE "the user of this session was dropped.");
    TRY(choose_roles(context, item, user, &roles));
    session_set_roles(context->session, &roles);
    return OK;
}

typedef struct DefaultEdit {
    StatementContext *context;
    const AstSetItem *item;
    StrView name, host;
} DefaultEdit;

static Status build_default_roles(void *opaque, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const DefaultEdit *edit = opaque;
    AccessModel *model = access_model_read(catalog);
    const AccessUser *found = access_user(model, edit->name, edit->host);
    Status status = OK;
    NameList roles = {0};
    if (found == NULL)
        status = RAISE(diag, ANALYSIS, MESSAGE "cannot find user '%.*s'@'%.*s'.", SV_ARGS(edit->name),
                       SV_ARGS(edit->host));
    if (status == OK && strview_is(edit->item->text, "LIST"))
        status = choose_roles(edit->context, edit->item, found, &roles);
    if (status == OK) {
        AccessUser user = *found;
        user.default_mode = strview_is(edit->item->text, "ALL") ? DEFAULT_ROLES_ALL : DEFAULT_ROLES_LIST;
        user.default_roles = roles;
        change_put_user(change, &user);
    }
    access_model_unref(model);
    return status;
}

Status set_default_role(StatementContext *context, const AstSetItem *item)
{
    DefaultEdit edit = {.context = context, .item = item};
    TRY(resolve_user(context, item->user, &edit.name, &edit.host));
    if (!is_own_user(context, item->user))
        TRY(authorize_system(&context->analyze, PRIVILEGE_BIT(GRANT)));
    return meta_commit(context->session->instance->store, build_default_roles, &edit, context->diag);
}

/* ---- EXECUTE AS ---- */

Status run_execute_as(StatementContext *context, const AstCommand *command)
{
    Session *session = context->session;
    StrView name, host;
    if (!command->flag)
        return RAISE(context->diag, ANALYSIS, MESSAGE "`EXECUTE AS` must use with `WITH NO REVERT` for now!.");
    TRY(resolve_user(context, command->user, &name, &host));
    AccessModel *model = access_rights_model(context->rights);
    const AccessUser *user = access_user(model, name, host);
    AccessObject object = {.kind = OBJECT_USER, .name = access_identity(&context->arena, name, host)};
    TRY(authorize(&context->analyze, &object, PRIVILEGE_BIT(IMPERSONATE), name));
    if (user == NULL)
        return RAISE(context->diag, ANALYSIS, MESSAGE "cannot find user '%.*s'@'%.*s'!.", SV_ARGS(name),
                     SV_ARGS(host));
    if (session->transaction != NULL)
        return RAISE(context->diag, NOT_SUPPORTED, "EXECUTE AS is not supported between BEGIN and COMMIT");
    session_close_forward(session); /* a link to the leader is logged in as who it was */
    session_become(session, user, roles_all_at_login(context->catalog));
    return send_ok(context, 0, STR_VIEW(""));
}

bool run_access_command(StatementContext *context, const AstCommand *command, Status *out_status)
{
    StrView what = command->what;
    if (strview_is(what, "DROP USER"))
        *out_status = run_drop_user(context, command);
    else if (strview_is(what, "CREATE ROLE") || strview_is(what, "ALTER ROLE") || strview_is(what, "DROP ROLE"))
        *out_status = run_role_command(context, command);
    else if (strview_is(what, "EXECUTE AS"))
        *out_status = run_execute_as(context, command);
    else
        return false;
    return true;
}
