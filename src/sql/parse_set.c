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
        StrView collation;
        TRY(parse_string_or_name(p, &collation));
    }
    item->value = string_value(p, charset);
    return OK;
}

/* SET [SESSION|GLOBAL] TRANSACTION ISOLATION LEVEL ...: accepted, snapshots are what there is. */
static Status skip_rest(Parser *p, AstSetItem *item, const char *scope)
{
    item->scope = strview(scope);
    while (peek_token(p)->kind != TOKEN_END && !is_symbol(p, ";"))
        p->at++;
    return OK;
}

static Status parse_variable_item(Parser *p, AstSetItem *item)
{
    const Token *token = peek_token(p);
    item->scope = STR_VIEW("session");
    if (accept_word(p, "GLOBAL"))
        item->scope = STR_VIEW("global");
    else if (!accept_word(p, "SESSION") && !accept_word(p, "LOCAL") && !accept_word(p, "PERSIST"))
        p->at += 0;
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
    if (is_word(p, "PASSWORD") || is_word(p, "PROPERTY") || is_word(p, "STATEMENT"))
        return skip_rest(p, item, "password");
    if ((is_word(p, "ROLE") || (is_word(p, "DEFAULT") && is_word_ahead(p, 1, "ROLE"))) &&
        !is_symbol_ahead(p, 1, "="))
        return skip_rest(p, item, "role");
    if (is_word(p, "CATALOG") && !is_symbol_ahead(p, 1, "=")) {
        p->at++;
        item->scope = STR_VIEW("catalog");
        return parse_string_or_name(p, &item->name);
    }
    return parse_variable_item(p, item);
}

Status parse_set(Parser *p, AstStatement *out)
{
    out->kind = AST_STATEMENT_SET;
    p->at++;
    do {
        AstSetItem item = {0};
        TRY(parse_set_item(p, &item));
        AST_PUSH(p->arena, &out->settings, item);
    } while (accept_symbol(p, ","));
    return OK;
}
