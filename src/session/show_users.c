#include "session/show_int.h"

/* SHOW USERS, ROLES, GRANTS, PRIVILEGES, AUTHENTICATION, PROPERTY: the one user is root, who may do everything. */

#include "sql/ast_command.h"

static const SystemColumn users_columns[] = {TEXT("User")};
static const SystemColumn roles_columns[] = {TEXT("Name"), TEXT("Builtin"), TEXT("Comment")};
static const SystemColumn grants_columns[] = {TEXT("UserIdentity"), TEXT("Catalog"), TEXT("Grants")};
static const SystemColumn privileges_columns[] = {TEXT("Privilege"), TEXT("Context"), TEXT("Comment")};
static const SystemColumn authentication_columns[] = {TEXT("UserIdentity"), TEXT("Password"), TEXT("AuthPlugin"), TEXT("UserForAuthPlugin")};
static const SystemColumn property_columns[] = {TEXT("Key"), TEXT("Value")};

static Status put_words(SystemRows *rows, const char *const *words, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        system_put_word(rows, words[i]);
    return system_end_row(rows);
}

/* FOR user: root, or nobody that exists. */
static Status check_user(const SystemSource *source)
{
    StatementContext *context = show_context(source);
    const AstUserName *user = context->show->user;
    bool is_root = user == NULL || user->is_current || strview_is(user->name, "root");
    return is_root ? OK : RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: cannot find user '%.*s'@'%%'!.", SV_ARGS(user->name));
}

static Status produce_users(const SystemSource *source, SystemRows *rows)
{
    static const char *const root[] = {"'root'@'%'"};
    (void)source;
    return put_words(rows, root, COUNT_OF(root));
}

static Status produce_roles(const SystemSource *source, SystemRows *rows)
{
    static const char *const root[] = {"root", "true", "built-in root role which has all privileges on all objects"};
    (void)source;
    return put_words(rows, root, COUNT_OF(root));
}

static Status produce_grants(const SystemSource *source, SystemRows *rows)
{
    static const char *const root[] = {"'root'@'%'", NULL, "GRANT 'root' TO 'root'@'%'"};
    TRY(check_user(source));
    return put_words(rows, root, COUNT_OF(root));
}

static Status produce_privileges(const SystemSource *source, SystemRows *rows)
{
    static const char *const all[][3] = {
        {"Alter", "Tables", "To alter the table"}, {"Create", "Databases,Tables,Indexes", "To create new databases and tables"},
        {"Delete", "Tables", "To delete existing rows"}, {"Drop", "Databases,Tables", "To drop databases, tables, and views"},
        {"Insert", "Tables", "To insert data into tables"}, {"Select", "Tables", "To retrieve rows from table"},
        {"Update", "Tables", "To update existing rows"}};
    (void)source;
    for (size_t i = 0; i < COUNT_OF(all); i++)
        TRY(put_words(rows, all[i], 3));
    return OK;
}

static Status produce_authentication(const SystemSource *source, SystemRows *rows)
{
    static const char *const root[] = {"'root'@'%'", "No", "MYSQL_NATIVE_PASSWORD", NULL};
    TRY(check_user(source));
    return put_words(rows, root, COUNT_OF(root));
}

static Status produce_property(const SystemSource *source, SystemRows *rows)
{
    static const char *const connections[] = {"max_user_connections", "1024"};
    TRY(check_user(source));
    return put_words(rows, connections, COUNT_OF(connections));
}

static const ShowForm forms[] = {
    {"USERS", {"", SYSTEM_COLUMNS(users_columns), produce_users}, 0, NULL},
    {"ROLES", {"", SYSTEM_COLUMNS(roles_columns), produce_roles}, 0, NULL},
    {"GRANTS", {"", SYSTEM_COLUMNS(grants_columns), produce_grants}, SHOW_NO_PATTERN, NULL},
    {"PRIVILEGES", {"", SYSTEM_COLUMNS(privileges_columns), produce_privileges}, SHOW_NO_PATTERN, NULL},
    {"AUTHENTICATION", {"", SYSTEM_COLUMNS(authentication_columns), produce_authentication}, SHOW_NO_PATTERN, NULL},
    {"PROPERTY", {"", SYSTEM_COLUMNS(property_columns), produce_property}, 0, NULL},
};

const ShowForms show_user_forms = {forms, COUNT_OF(forms)};
