#include "sql/ast_command.h"
#include "sql/parser_int.h"

/* SET in all its forms. */

static Status parse_value(Parser *p, AstExpr **out)
{
    *out = NULL;
    if (accept_word(p, "DEFAULT"))
        return OK;
    /* ON is no expression, and bare words are strings. */
    const Token *token = peek_token(p);
    bool is_bare = token->kind == TOKEN_WORD && !is_symbol_ahead(p, 1, "(") &&
                   (is_symbol_ahead(p, 1, ",") || is_symbol_ahead(p, 1, ";") || is_symbol_ahead(p, 1, ")") ||
                    peek_ahead(p, 1)->kind == TOKEN_END);
    if (!is_bare || is_word(p, "TRUE") || is_word(p, "FALSE") || is_word(p, "NULL"))
        return parse_expression(p, out);
    p->at++;
    *out = new_ast_expr(p, AST_STRING, token->begin);
    (*out)->text = token->text;
    return OK;
}

static AstExpr *string_value(Parser *p, StrView text)
{
    AstExpr *expr = new_ast_expr(p, AST_STRING, 0);
    expr->text = text;
    return expr;
}

static Status parse_names(Parser *p, AstSetItem *item)
{
    item->scope = STR_VIEW("names");
    StrView charset = STR_VIEW("utf8");
    if (!accept_word(p, "DEFAULT"))
        TRY(parse_string_or_name(p, &charset));
    if (accept_word(p, "COLLATE")) {
        TRY(parse_string_or_name(p, &item->text2));
    }
    item->value = string_value(p, charset);
    return OK;
}

/* SET [SESSION|GLOBAL] TRANSACTION ISOLATION LEVEL ...: accepted, snapshots are what there is. */
static Status skip_rest(Parser *p, AstSetItem *item, const char *scope)
{
    item->scope = strview(scope);
    uint32_t first = p->at + 1;
    while (peek_token(p)->kind != TOKEN_END && !is_symbol(p, ";"))
        p->at++;
    if (p->at > first)
        item->text = upper_words(p, first, p->at - first);
    return OK;
}

/* PASSWORD [FOR user] = {PASSWORD('p') | 'hash'} */
static Status parse_password(Parser *p, AstSetItem *item)
{
    item->scope = STR_VIEW("password");
    if (accept_word(p, "FOR")) {
        item->user = ARENA_NEW(p->arena, AstUserName);
        TRY(parse_user_name(p, item->user));
    }
    TRY(expect_symbol(p, "="));
    item->flag = !accept_word(p, "PASSWORD");
    if (item->flag)
        return parse_string(p, &item->text);
    TRY(expect_symbol(p, "("));
    TRY(parse_string(p, &item->text));
    return expect_symbol(p, ")");
}

/* PROPERTY [FOR user] 'k' = 'v', ... */
static Status parse_property(Parser *p, AstSetItem *item)
{
    item->scope = STR_VIEW("property");
    if (accept_word(p, "FOR")) {
        item->user = ARENA_NEW(p->arena, AstUserName);
        TRY(parse_user_name(p, item->user));
    }
    do {
        StrView key;
        TRY(parse_string_or_name(p, &key));
        TRY(expect_symbol(p, "="));
        const Token *value = peek_token(p);
        if (value->kind == TOKEN_END || value->kind == TOKEN_SYMBOL)
            return syntax_error(p, "a property value");
        p->at++;
        AST_PUSH(p->arena, &item->properties.keys, key);
        AST_PUSH(p->arena, &item->properties.values, value->text);
    } while (accept_symbol(p, ","));
    return OK;
}

static Status parse_role_names(Parser *p, AstSetItem *item)
{
    do {
        StrView name;
        TRY(parse_string_or_name(p, &name));
        AST_PUSH(p->arena, &item->names, name);
    } while (accept_symbol(p, ","));
    return OK;
}

/* ROLE {r, ... | ALL [EXCEPT r, ...] | NONE | DEFAULT}, DEFAULT ROLE {...} TO user */
static Status parse_role(Parser *p, AstSetItem *item, bool is_default)
{
    item->scope = is_default ? STR_VIEW("default role") : STR_VIEW("role");
    item->text = STR_VIEW("LIST");
    if (accept_words(p, "ALL", "EXCEPT")) {
        item->text = STR_VIEW("ALL EXCEPT");
        TRY(parse_role_names(p, item));
    } else if (is_word(p, "ALL") || is_word(p, "NONE") || is_word(p, "DEFAULT")) {
        item->text = upper_words(p, p->at, 1);
        p->at++;
    } else {
        TRY(parse_role_names(p, item));
    }
    if (!is_default)
        return OK;
    TRY(expect_word(p, "TO"));
    item->user = ARENA_NEW(p->arena, AstUserName);
    return parse_user_name(p, item->user);
}

static Status parse_variable_item(Parser *p, AstSetItem *item)
{
    const Token *token = peek_token(p);
    item->scope = STR_VIEW("session");
    if (accept_word(p, "GLOBAL"))
        item->scope = STR_VIEW("global");
    else if (!accept_word(p, "SESSION") && !accept_word(p, "LOCAL") && !accept_word(p, "PERSIST"))
        item->scope = STR_VIEW("session");
    if (is_word(p, "TRANSACTION"))
        return skip_rest(p, item, "transaction");
    token = peek_token(p);
    if (token->kind == TOKEN_USER_VARIABLE) {
        item->scope = STR_VIEW("user");
        item->name = token->text;
        p->at++;
        if (!accept_symbol(p, ":="))
            TRY(expect_symbol(p, "="));
        return parse_expression(p, &item->value);
    }
    if (token->kind == TOKEN_SYSTEM_VARIABLE) {
        item->name = token->text;
        if (strview_starts_with_ci(item->name, STR_VIEW("global.")))
            item->scope = STR_VIEW("global");
        size_t dot = strview_find(item->name, STR_VIEW("."));
        if (dot != SIZE_MAX)
            item->name = strview_n(item->name.data + dot + 1, item->name.length - dot - 1);
        p->at++;
    } else {
        TRY(parse_any_word(p, &item->name));
    }
    if (!accept_symbol(p, ":="))
        TRY(expect_symbol(p, "="));
    return parse_value(p, &item->value);
}

static Status parse_set_item(Parser *p, AstSetItem *item)
{
    if (accept_word(p, "NAMES"))
        return parse_names(p, item);
    if (accept_words(p, "CHARACTER", "SET") || (is_word(p, "CHARSET") && !is_symbol_ahead(p, 1, "="))) {
        p->at += is_word(p, "CHARSET");
        return parse_names(p, item);
    }
    bool is_assigned = is_symbol_ahead(p, 1, "=") || is_symbol_ahead(p, 1, ":=");
    if (is_word(p, "PASSWORD") && (!is_assigned || peek_ahead(p, 2)->kind == TOKEN_STRING ||
                                   is_word_ahead(p, 2, "PASSWORD"))) {
        p->at++;
        return parse_password(p, item);
    }
    if (!is_assigned && accept_word(p, "PROPERTY"))
        return parse_property(p, item);
    if (!is_assigned && accept_word(p, "ROLE"))
        return parse_role(p, item, false);
    if (accept_words(p, "DEFAULT", "ROLE"))
        return parse_role(p, item, true);
    if (!is_assigned && (is_word(p, "CATALOG") || is_word(p, "WAREHOUSE"))) {
        item->scope = is_word(p, "CATALOG") ? STR_VIEW("catalog") : STR_VIEW("warehouse");
        p->at++;
        (void)accept_symbol(p, "=");
        return parse_string_or_name(p, &item->name);
    }
    return parse_variable_item(p, item);
}

Status parse_set(Parser *p, AstStatement *out)
{
    p->at++;
    if (is_word_ahead(p, 1, "AS") && is_word_ahead(p, 2, "DEFAULT")) {
        AstCommand *command = new_command(p, out, "SET DEFAULT STORAGE VOLUME");
        TRY(parse_name(p, &command->name));
        p->at += 2;
        TRY(expect_word(p, "STORAGE"));
        return expect_word(p, "VOLUME");
    }
    out->kind = AST_STATEMENT_SET;
    do {
        AstSetItem item = {0};
        TRY(parse_set_item(p, &item));
        AST_PUSH(p->arena, &out->settings, item);
    } while (accept_symbol(p, ","));
    return OK;
}
