#include "sql/ast_command.h"
#include "sql/parser_int.h"

/* ALTER of tables, views, databases and the smaller objects: which object, then its clause. */

static Status parse_alter_table(Parser *p, AstStatement *out)
{
    out->kind = AST_STATEMENT_ALTER_TABLE;
    TRY(parse_name(p, &out->name));
    do {
        AstAlterAction action;
        TRY(parse_alter_action(p, &action));
        AST_PUSH(p->arena, &out->actions, action);
    } while (accept_symbol(p, ","));
    return OK;
}

static Status parse_security(Parser *p, AstStatement *out, const AstName *name)
{
    AstCommand *command = new_command(p, out, "ALTER VIEW SECURITY");
    command->name = *name;
    TRY(expect_word(p, "SECURITY"));
    return parse_any_word(p, &command->text);
}

static Status parse_alter_view(Parser *p, AstStatement *out)
{
    bool if_exists = false;
    TRY(parse_if_exists(p, &if_exists));
    AstView *view = ARENA_NEW(p->arena, AstView);
    TRY(parse_name(p, &view->name));
    if (accept_word(p, "SET"))
        return parse_security(p, out, &view->name);
    out->kind = AST_STATEMENT_ALTER_VIEW;
    out->view = view;
    out->if_exists = if_exists;
    if (is_symbol(p, "(")) {
        p->at++;
        do {
            StrView name;
            StrView comment = STR_VIEW("");
            TRY(parse_any_word(p, &name));
            if (accept_word(p, "COMMENT"))
                TRY(parse_string(p, &comment));
            AST_PUSH(p->arena, &view->columns, name);
            AST_PUSH(p->arena, &view->comments, comment);
        } while (accept_symbol(p, ","));
        TRY(expect_symbol(p, ")"));
    }
    TRY(expect_word(p, "AS"));
    uint32_t begin = peek_token(p)->begin;
    TRY(parse_query(p, &view->query));
    view->query_text = text_between(p, begin, last_end(p));
    return OK;
}

static Status parse_alter_database(Parser *p, AstStatement *out)
{
    AstName name;
    TRY(parse_name(p, &name));
    if (accept_word(p, "RENAME")) {
        out->kind = AST_STATEMENT_ALTER_DATABASE;
        out->name = name;
        return parse_any_word(p, &out->text);
    }
    TRY(expect_word(p, "SET"));
    bool is_quota = is_word(p, "DATA") || is_word(p, "REPLICA");
    AstCommand *command = new_command(p, out, is_quota ? "ALTER DATABASE QUOTA" : "ALTER DATABASE SET");
    command->name = name;
    if (!is_quota)
        return parse_properties(p, &command->properties);
    TRY(parse_any_word(p, &command->text));
    TRY(expect_word(p, "QUOTA"));
    const Token *amount = peek_token(p);
    if (amount->kind == TOKEN_END || amount->kind == TOKEN_SYMBOL)
        return syntax_error(p, "a quota");
    command->text2 = amount->text;
    p->at++;
    const Token *unit = peek_token(p); /* 10GB may be two tokens */
    if (unit->kind == TOKEN_WORD && unit->begin == amount->end) {
        command->text2 = strview_n(p->text.data + amount->begin, unit->end - amount->begin);
        p->at++;
    }
    return OK;
}

/* The rest of an object that is changed by SET ("k" = "v") or PROPERTIES, and COMMENT. */
static Status parse_alter_properties(Parser *p, AstStatement *out, const char *what)
{
    AstCommand *command = new_command(p, out, what);
    TRY(parse_if_exists(p, &command->if_exists));
    TRY(parse_name(p, &command->name));
    for (;;) {
        if (accept_word(p, "COMMENT")) {
            (void)accept_symbol(p, "=");
            TRY(parse_string(p, strview_is(command->what, "ALTER STORAGE VOLUME") ? &command->text2
                                                                                   : &command->text));
        } else if (accept_word(p, "SET") || accept_word(p, "PROPERTIES")) {
            (void)accept_word(p, "PROPERTIES");
            TRY(parse_properties(p, &command->properties));
        } else if (is_symbol(p, "(")) {
            TRY(parse_properties(p, &command->properties));
        } else {
            (void)accept_symbol(p, ",");
            return OK;
        }
        (void)accept_symbol(p, ",");
    }
}

static Status parse_alter_load(Parser *p, AstStatement *out)
{
    AstCommand *command = new_command(p, out, "ALTER LOAD");
    TRY(expect_word(p, "FOR"));
    TRY(parse_name(p, &command->name));
    return parse_optional_properties(p, &command->properties);
}

Status parse_alter(Parser *p, AstStatement *out)
{
    static const char *const objects[] = {"STORAGE VOLUME", "WAREHOUSE", "CATALOG", "RESOURCE",
                                          "SECURITY INTEGRATION", "GROUP PROVIDER"};
    static const char *const whats[] = {"ALTER STORAGE VOLUME", "ALTER WAREHOUSE", "ALTER CATALOG",
                                        "ALTER RESOURCE", "ALTER SECURITY INTEGRATION",
                                        "ALTER GROUP PROVIDER"};
    uint32_t begin = p->at++;
    if (accept_word(p, "TABLE"))
        return parse_alter_table(p, out);
    if (accept_word(p, "VIEW"))
        return parse_alter_view(p, out);
    if (accept_word(p, "DATABASE") || accept_word(p, "SCHEMA"))
        return parse_alter_database(p, out);
    if (accept_phrase(p, "MATERIALIZED VIEW"))
        return parse_alter_mv(p, out);
    if (accept_phrase(p, "RESOURCE GROUP"))
        return parse_alter_resource_group(p, out);
    if (accept_word(p, "SYSTEM"))
        return parse_alter_system(p, out);
    if (accept_word(p, "USER"))
        return parse_user(p, out, true);
    if (accept_word(p, "ROLE"))
        return parse_roles(p, out, "ALTER ROLE");
    if (accept_phrase(p, "ROUTINE LOAD FOR"))
        return parse_routine_load(p, out, true);
    if (accept_word(p, "PIPE"))
        return parse_alter_pipe(p, out);
    if (accept_word(p, "TASK"))
        return parse_alter_task(p, out);
    if (is_word(p, "LOAD")) {
        p->at++;
        return parse_alter_load(p, out);
    }
    for (size_t i = 0; i < COUNT_OF(objects); i++) {
        if (accept_phrase(p, objects[i]))
            return parse_alter_properties(p, out, whats[i]);
    }
    p->at = begin;
    return parse_other(p, out);
}
