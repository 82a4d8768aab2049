#include "sql/ast_command.h"
#include "sql/parser_int.h"

/* Users, roles, GRANT, REVOKE, EXECUTE AS. */

/* u, 'u', 'u'@'host', u@host, 'u'@['domain'], CURRENT_USER() */
Status parse_user_name(Parser *p, AstUserName *out)
{
    *out = (AstUserName){0};
    if (accept_word(p, "CURRENT_USER")) {
        out->is_current = true;
        if (accept_symbol(p, "("))
            return expect_symbol(p, ")");
        return OK;
    }
    TRY(parse_string_or_name(p, &out->name));
    if (peek_token(p)->kind == TOKEN_USER_VARIABLE) { /* u@host: the lexer reads a variable */
        out->host = peek_token(p)->text;
        p->at++;
        while (is_symbol(p, ".") || is_symbol(p, "%")) { /* u@10.0.% */
            const Token *more = peek_ahead(p, 1);
            bool is_part = more->kind == TOKEN_WORD || more->kind == TOKEN_INTEGER;
            p->at += is_part ? 2 : 1;
            out->host.length = (size_t)(p->text.data + last_end(p) - out->host.data);
        }
        return OK;
    }
    if (!accept_symbol(p, "@"))
        return OK;
    if (accept_symbol(p, "[")) {
        out->is_domain = true;
        TRY(parse_string(p, &out->host));
        return expect_symbol(p, "]");
    }
    if (accept_symbol(p, "%")) {
        out->host = STR_VIEW("%");
        return OK;
    }
    return parse_string_or_name(p, &out->host);
}

/* IDENTIFIED BY 'p' | BY PASSWORD '*h' | WITH plugin [BY|AS 'x'] */
static Status parse_identified(Parser *p, AstUser *user)
{
    user->has_password = true;
    if (accept_word(p, "WITH")) {
        TRY(parse_string_or_name(p, &user->plugin));
        if (accept_word(p, "BY"))
            return parse_string(p, &user->password);
        if (!accept_word(p, "AS"))
            return OK;
        user->is_hash = true;
        return parse_string(p, &user->password);
    }
    TRY(expect_word(p, "BY"));
    user->is_hash = accept_word(p, "PASSWORD");
    return parse_string(p, &user->password);
}

/* a, 'b', ... */
static Status parse_role_list(Parser *p, AstStrList *out)
{
    do {
        StrView name;
        TRY(parse_string_or_name(p, &name));
        AST_PUSH(p->arena, out, name);
    } while (accept_symbol(p, ","));
    return OK;
}

static Status parse_default_roles(Parser *p, AstUser *user)
{
    bool is_all = accept_word(p, "ALL");
    if (is_all || accept_word(p, "NONE")) {
        user->role_mode = is_all ? STR_VIEW("ALL") : STR_VIEW("NONE");
        return OK;
    }
    user->role_mode = STR_VIEW("LIST");
    return parse_role_list(p, &user->roles);
}

Status parse_user(Parser *p, AstStatement *out, bool is_alter)
{
    out->kind = AST_STATEMENT_USER;
    AstUser *user = out->user = ARENA_NEW(p->arena, AstUser);
    user->is_alter = is_alter;
    TRY(is_alter ? parse_if_exists(p, &user->if_exists) : parse_if_not_exists(p, &user->if_not_exists));
    TRY(parse_user_name(p, &user->user));
    for (;;) {
        if (accept_word(p, "IDENTIFIED")) {
            TRY(parse_identified(p, user));
        } else if (accept_words(p, "DEFAULT", "ROLE")) {
            TRY(parse_default_roles(p, user));
        } else if (accept_word(p, "PROPERTIES") || accept_phrase(p, "SET PROPERTIES") ||
                   accept_word(p, "SET")) {
            TRY(parse_properties(p, &user->properties));
        } else if (accept_word(p, "COMMENT")) {
            (void)accept_symbol(p, "=");
            TRY(parse_string(p, &user->comment));
        } else {
            return OK;
        }
    }
}

Status parse_roles(Parser *p, AstStatement *out, const char *what)
{
    AstCommand *command = new_command(p, out, what);
    if (strcmp(what, "CREATE ROLE") == 0)
        TRY(parse_if_not_exists(p, &command->if_not_exists));
    else
        TRY(parse_if_exists(p, &command->if_exists));
    TRY(parse_role_list(p, &command->names));
    (void)(is_word(p, "SET") && is_word_ahead(p, 1, "COMMENT") && p->at++);
    if (!accept_word(p, "COMMENT"))
        return OK;
    (void)accept_symbol(p, "=");
    return parse_string(p, &command->text);
}

/* A privilege is one to four words; a list of roles looks the same until ON or TO comes. */
static Status parse_privilege(Parser *p, StrView *out)
{
    if (peek_token(p)->kind != TOKEN_WORD) {
        TRY(parse_string_or_name(p, out));
        return OK;
    }
    uint32_t first = p->at;
    while (peek_token(p)->kind == TOKEN_WORD && !is_word(p, "ON") && !is_word(p, "TO") && !is_word(p, "FROM"))
        p->at++;
    if (p->at == first)
        return syntax_error(p, "a privilege");
    *out = upper_words(p, first, p->at - first);
    if (p->at == first + 1)
        *out = p->tokens[first].text; /* a role keeps its case */
    return OK;
}

static StrView singular_kind(StrView words)
{
    static const char *const plurals[][2] = {
        {"TABLES", "TABLE"}, {"VIEWS", "VIEW"}, {"MATERIALIZED VIEWS", "MATERIALIZED VIEW"},
        {"DATABASES", "DATABASE"}, {"CATALOGS", "CATALOG"}, {"FUNCTIONS", "FUNCTION"},
        {"GLOBAL FUNCTIONS", "GLOBAL FUNCTION"}, {"RESOURCES", "RESOURCE"}, {"USERS", "USER"},
        {"RESOURCE GROUPS", "RESOURCE GROUP"}, {"STORAGE VOLUMES", "STORAGE VOLUME"},
        {"PIPES", "PIPE"}, {"WAREHOUSES", "WAREHOUSE"},
    };
    for (size_t i = 0; i < COUNT_OF(plurals); i++) {
        if (strview_is(words, plurals[i][0]))
            return strview(plurals[i][1]);
    }
    return words;
}

static bool accept_object_kind(Parser *p, StrView *out)
{
    static const char *const kinds[] = {
        "MATERIALIZED VIEWS", "MATERIALIZED VIEW", "GLOBAL FUNCTIONS", "GLOBAL FUNCTION",
        "RESOURCE GROUPS", "RESOURCE GROUP", "STORAGE VOLUMES", "STORAGE VOLUME", "TABLES", "TABLE",
        "VIEWS", "VIEW", "DATABASES", "DATABASE", "CATALOGS", "CATALOG", "FUNCTIONS", "FUNCTION",
        "RESOURCES", "RESOURCE", "PIPES", "PIPE", "WAREHOUSES", "WAREHOUSE", "USERS", "USER", "SYSTEM",
    };
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (accept_phrase(p, kinds[i])) {
            *out = singular_kind(strview(kinds[i]));
            return true;
        }
    }
    return false;
}

/* db.*, *.*, a.b: star parts are the text "*". */
static Status parse_object_name(Parser *p, AstName *out)
{
    out->count = 0;
    do {
        if (out->count == 4)
            return syntax_error(p, "'TO', 'FROM'");
        if (accept_symbol(p, "*"))
            out->parts[out->count++] = STR_VIEW("*");
        else
            TRY(parse_string_or_name(p, &out->parts[out->count++]));
    } while (accept_symbol(p, "."));
    return OK;
}

static Status parse_signature(Parser *p, AstGrant *grant)
{
    StrView text = STR_VIEW("");
    if (is_symbol(p, "(")) {
        uint32_t begin = peek_token(p)->end;
        while (!is_symbol(p, ")") && peek_token(p)->kind != TOKEN_END)
            p->at++;
        text = text_between(p, begin, peek_token(p)->begin);
        TRY(expect_symbol(p, ")"));
    }
    AST_PUSH(p->arena, &grant->signatures, text);
    return OK;
}

static Status parse_objects(Parser *p, AstGrant *grant)
{
    struct {
        AstName *items;
        uint32_t count;
        uint32_t capacity;
    } objects = {0};
    bool is_user = strview_is(grant->object_kind, "USER");
    do {
        if (is_user) {
            AstUserName user;
            TRY(parse_user_name(p, &user));
            AST_PUSH(p->arena, &grant->object_users, user);
            continue;
        }
        AstName name;
        TRY(parse_object_name(p, &name));
        AST_PUSH(p->arena, &objects, name);
        TRY(parse_signature(p, grant));
    } while (accept_symbol(p, ","));
    grant->objects = objects.items;
    grant->object_count = objects.count;
    return OK;
}

static Status parse_grant_scope(Parser *p, AstGrant *grant)
{
    if (accept_phrase(p, "IN ALL DATABASES")) {
        grant->in_all_databases = true;
        return OK;
    }
    if (accept_phrase(p, "IN DATABASE"))
        return parse_role_list(p, &grant->databases);
    return OK;
}

static Status parse_grant_object(Parser *p, AstGrant *grant)
{
    grant->is_all = accept_word(p, "ALL");
    bool has_kind = accept_object_kind(p, &grant->object_kind);
    if (grant->is_all)
        return has_kind ? parse_grant_scope(p, grant) : syntax_error(p, "'TABLES', 'VIEWS', 'DATABASES'");
    if (!has_kind)
        grant->object_kind = STR_VIEW("TABLE");
    return strview_is(grant->object_kind, "SYSTEM") ? OK : parse_objects(p, grant);
}

static Status parse_grantees(Parser *p, AstGrant *grant)
{
    if (accept_word(p, "ROLE"))
        return parse_role_list(p, &grant->roles);
    (void)accept_word(p, "USER");
    do {
        AstUserName user;
        TRY(parse_user_name(p, &user));
        AST_PUSH(p->arena, &grant->users, user);
    } while (accept_symbol(p, ","));
    return OK;
}

Status parse_grant(Parser *p, AstStatement *out)
{
    out->kind = AST_STATEMENT_GRANT;
    AstGrant *grant = out->grant = ARENA_NEW(p->arena, AstGrant);
    grant->is_revoke = is_word(p, "REVOKE");
    p->at++;
    do {
        StrView name;
        TRY(parse_privilege(p, &name));
        AST_PUSH(p->arena, &grant->names, name);
    } while (accept_symbol(p, ","));
    if (accept_word(p, "ON"))
        TRY(parse_grant_object(p, grant));
    else
        grant->is_roles = true;
    TRY(expect_word(p, grant->is_revoke ? "FROM" : "TO"));
    TRY(parse_grantees(p, grant));
    grant->with_grant_option = accept_phrase(p, "WITH GRANT OPTION");
    return OK;
}

Status parse_execute_as(Parser *p, AstStatement *out)
{
    AstCommand *command = new_command(p, out, "EXECUTE AS");
    command->user = ARENA_NEW(p->arena, AstUserName);
    TRY(parse_user_name(p, command->user));
    command->flag = accept_phrase(p, "WITH NO REVERT");
    return OK;
}
