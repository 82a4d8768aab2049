#include "sql/parser_int.h"

/* Expressions by precedence climbing: OR, AND, NOT, predicates, |, &, shifts, + -, * / DIV %, ^,
 * unary, postfix. Primaries are in parse_primary.c. */

#include <ctype.h>

AstExpr *new_ast_expr(Parser *p, AstExprKind kind, uint32_t begin)
{
    AstExpr *expr = ARENA_NEW(p->arena, AstExpr);
    expr->kind = (uint8_t)kind;
    expr->begin = begin;
    expr->end = last_end(p);
    return expr;
}

static AstExpr *binary(Parser *p, const char *op, AstExpr *left, AstExpr *right)
{
    AstExpr *expr = new_ast_expr(p, AST_BINARY_OP, left->begin);
    expr->op = strview(op);
    AST_PUSH(p->arena, &expr->arguments, left);
    AST_PUSH(p->arena, &expr->arguments, right);
    return expr;
}

typedef struct BinaryOperator {
    const char *token;
    bool is_word;
    const char *op;
    uint8_t level;
} BinaryOperator;

enum { LEVEL_OR, LEVEL_AND, LEVEL_NOT, LEVEL_PREDICATE, LEVEL_BIT_OR, LEVEL_BIT_AND, LEVEL_SHIFT,
       LEVEL_ADD, LEVEL_MULTIPLY, LEVEL_XOR, LEVEL_UNARY };

static const BinaryOperator operators[] = {
    {"OR", true, "OR", LEVEL_OR},        {"||", false, "||", LEVEL_OR},
    {"AND", true, "AND", LEVEL_AND},     {"&&", false, "AND", LEVEL_AND},
    {"|", false, "|", LEVEL_BIT_OR},     {"&", false, "&", LEVEL_BIT_AND},
    {"<<", false, "<<", LEVEL_SHIFT},    {">>", false, ">>", LEVEL_SHIFT},
    {"BIT_SHIFT_LEFT", true, "<<", LEVEL_SHIFT},
    {"BIT_SHIFT_RIGHT", true, ">>", LEVEL_SHIFT},
    {"+", false, "+", LEVEL_ADD},        {"-", false, "-", LEVEL_ADD},
    {"*", false, "*", LEVEL_MULTIPLY},   {"/", false, "/", LEVEL_MULTIPLY},
    {"%", false, "%", LEVEL_MULTIPLY},   {"DIV", true, "DIV", LEVEL_MULTIPLY},
    {"MOD", true, "%", LEVEL_MULTIPLY},  {"^", false, "^", LEVEL_XOR},
};

static Status parse_level(Parser *p, int level, AstExpr **out);

static const BinaryOperator *match_operator(const Parser *p, int level)
{
    const Token *token = peek_token(p);
    if (token->kind != TOKEN_SYMBOL && token->kind != TOKEN_WORD)
        return NULL;
    for (size_t i = 0; i < COUNT_OF(operators); i++) {
        const BinaryOperator *o = &operators[i];
        if (o->level != level)
            continue;
        if (o->is_word ? is_word(p, o->token) : is_symbol(p, o->token))
            return o;
    }
    return NULL;
}

static Status parse_binary_level(Parser *p, int level, AstExpr **out)
{
    TRY(parse_level(p, level + 1, out));
    const BinaryOperator *o;
    while ((o = match_operator(p, level)) != NULL) {
        const char *op = o->op;
        if (strcmp(op, "||") == 0)
            op = p->options.pipes_as_concat ? "||" : "OR";
        p->at++;
        AstExpr *right;
        TRY(parse_level(p, level + 1, &right));
        *out = binary(p, op, *out, right);
    }
    return OK;
}

static const char *comparison_symbol(const Parser *p)
{
    static const char *const symbols[] = {"=", "<=>", "<>", "!=", "<=", ">=", "<", ">", "=="};
    if (peek_token(p)->kind != TOKEN_SYMBOL)
        return NULL;
    for (size_t i = 0; i < COUNT_OF(symbols); i++) {
        if (is_symbol(p, symbols[i]))
            return strcmp(symbols[i], "<>") == 0 ? "!=" : strcmp(symbols[i], "==") == 0 ? "=" : symbols[i];
    }
    return NULL;
}

static Status parse_in(Parser *p, AstExpr *left, bool is_negated, AstExpr **out)
{
    TRY(expect_symbol(p, "("));
    bool is_query = at_query_start(p);
    AstExpr *expr = new_ast_expr(p, is_query ? AST_IN_QUERY : AST_IN_LIST, left->begin);
    expr->is_negated = is_negated;
    expr->left = left;
    if (is_query)
        TRY(parse_query(p, &expr->query));
    else
        TRY(parse_expression_list(p, &expr->arguments));
    TRY(expect_symbol(p, ")"));
    expr->end = last_end(p);
    *out = expr;
    return OK;
}

static Status parse_between(Parser *p, AstExpr *left, bool is_negated, AstExpr **out)
{
    AstExpr *low;
    AstExpr *high;
    TRY(parse_level(p, LEVEL_BIT_OR, &low));
    TRY(expect_word(p, "AND"));
    TRY(parse_level(p, LEVEL_BIT_OR, &high));
    AstExpr *expr = new_ast_expr(p, AST_BETWEEN, left->begin);
    expr->is_negated = is_negated;
    expr->left = left;
    AST_PUSH(p->arena, &expr->arguments, low);
    AST_PUSH(p->arena, &expr->arguments, high);
    *out = expr;
    return OK;
}

static Status parse_like(Parser *p, AstExpr *left, bool is_negated, const char *op, AstExpr **out)
{
    AstExpr *pattern;
    TRY(parse_level(p, LEVEL_BIT_OR, &pattern));
    AstExpr *expr = new_ast_expr(p, AST_LIKE, left->begin);
    expr->op = strview(op);
    expr->is_negated = is_negated;
    expr->left = left;
    AST_PUSH(p->arena, &expr->arguments, pattern);
    if (accept_word(p, "ESCAPE")) {
        AstExpr *escape;
        TRY(parse_level(p, LEVEL_BIT_OR, &escape));
        AST_PUSH(p->arena, &expr->arguments, escape);
    }
    expr->end = last_end(p);
    *out = expr;
    return OK;
}

static Status parse_is(Parser *p, AstExpr *left, AstExpr **out)
{
    bool is_negated = accept_word(p, "NOT");
    AstExpr *expr = new_ast_expr(p, AST_IS_NULL, left->begin);
    expr->is_negated = is_negated;
    expr->left = left;
    if (!accept_word(p, "NULL")) {
        expr->kind = AST_IS_BOOL;
        expr->flag = is_word(p, "TRUE");
        if (!accept_word(p, "TRUE") && !accept_word(p, "FALSE"))
            return syntax_error(p, "NULL, TRUE, FALSE");
    }
    expr->end = last_end(p);
    *out = expr;
    return OK;
}

/* One predicate suffix; *out_done is set when there is none. */
static Status parse_predicate_suffix(Parser *p, AstExpr **in_out, bool *out_done)
{
    AstExpr *left = *in_out;
    const char *symbol = comparison_symbol(p);
    *out_done = false;
    if (symbol != NULL) {
        AstExpr *right;
        p->at++;
        TRY(parse_level(p, LEVEL_BIT_OR, &right));
        *in_out = binary(p, symbol, left, right);
        return OK;
    }
    if (accept_word(p, "IS"))
        return parse_is(p, left, in_out);
    bool is_negated = is_word(p, "NOT") && (is_word_ahead(p, 1, "IN") || is_word_ahead(p, 1, "LIKE") ||
                                            is_word_ahead(p, 1, "BETWEEN") ||
                                            is_word_ahead(p, 1, "REGEXP") ||
                                            is_word_ahead(p, 1, "RLIKE"));
    p->at += is_negated;
    if (accept_word(p, "IN"))
        return parse_in(p, left, is_negated, in_out);
    if (accept_word(p, "BETWEEN"))
        return parse_between(p, left, is_negated, in_out);
    if (accept_word(p, "LIKE"))
        return parse_like(p, left, is_negated, "LIKE", in_out);
    if (accept_word(p, "REGEXP") || accept_word(p, "RLIKE"))
        return parse_like(p, left, is_negated, "REGEXP", in_out);
    *out_done = true;
    return OK;
}

static Status parse_predicate(Parser *p, AstExpr **out)
{
    TRY(parse_level(p, LEVEL_BIT_OR, out));
    bool done = false;
    while (!done)
        TRY(parse_predicate_suffix(p, out, &done));
    return OK;
}

static Status parse_not(Parser *p, AstExpr **out)
{
    const Token *token = peek_token(p);
    bool is_bang = is_symbol(p, "!");
    if (!is_bang && !is_word(p, "NOT"))
        return parse_level(p, LEVEL_PREDICATE, out);
    TRY(enter_depth(p));
    p->at++;
    AstExpr *inside;
    TRY(is_bang ? parse_level(p, LEVEL_UNARY, &inside) : parse_not(p, &inside));
    p->depth--;
    AstExpr *expr = new_ast_expr(p, AST_UNARY, token->begin);
    expr->op = STR_VIEW("NOT");
    expr->left = inside;
    *out = expr;
    return OK;
}

static Status parse_unary(Parser *p, AstExpr **out)
{
    const Token *token = peek_token(p);
    if (!is_symbol(p, "-") && !is_symbol(p, "+") && !is_symbol(p, "~") && !is_symbol(p, "!"))
        return parse_primary(p, out);
    TRY(enter_depth(p));
    p->at++;
    AstExpr *inside;
    TRY(parse_unary(p, &inside));
    p->depth--;
    AstExpr *expr = new_ast_expr(p, AST_UNARY, token->begin);
    expr->op = is_symbol_ahead(p, 0, "!") ? STR_VIEW("NOT") : token->text;
    if (strview_is(token->text, "!"))
        expr->op = STR_VIEW("NOT");
    expr->left = inside;
    *out = expr;
    return OK;
}

static Status parse_level(Parser *p, int level, AstExpr **out)
{
    if (level == LEVEL_NOT)
        return parse_not(p, out);
    if (level == LEVEL_PREDICATE)
        return parse_predicate(p, out);
    if (level >= LEVEL_UNARY)
        return parse_unary(p, out);
    return parse_binary_level(p, level, out);
}

/* x -> body, (x, y) -> body */
static bool at_lambda(const Parser *p)
{
    TokenKind kind = (TokenKind)peek_token(p)->kind;
    if (kind == TOKEN_WORD || kind == TOKEN_QUOTED_NAME)
        return is_symbol_ahead(p, 1, "->") && peek_ahead(p, 2)->kind != TOKEN_STRING;
    if (!is_symbol(p, "("))
        return false;
    uint32_t ahead = 1;
    while (peek_ahead(p, ahead)->kind == TOKEN_WORD || peek_ahead(p, ahead)->kind == TOKEN_QUOTED_NAME) {
        ahead++;
        if (is_symbol_ahead(p, ahead, ")"))
            return is_symbol_ahead(p, ahead + 1, "->");
        if (!is_symbol_ahead(p, ahead, ","))
            return false;
        ahead++;
    }
    return false;
}

static Status parse_lambda(Parser *p, AstExpr **out)
{
    AstExpr *expr = new_ast_expr(p, AST_LAMBDA, peek_token(p)->begin);
    AstStrList names = {0};
    bool is_list = accept_symbol(p, "(");
    do {
        StrView name;
        TRY(parse_any_word(p, &name));
        AST_PUSH(p->arena, &names, name);
    } while (is_list && accept_symbol(p, ","));
    if (is_list)
        TRY(expect_symbol(p, ")"));
    TRY(expect_symbol(p, "->"));
    TRY(parse_expression(p, &expr->left));
    expr->names = names.items;
    expr->name_count = names.count;
    expr->end = last_end(p);
    *out = expr;
    return OK;
}

Status parse_expression(Parser *p, AstExpr **out)
{
    TRY(enter_depth(p));
    TRY(at_lambda(p) ? parse_lambda(p, out) : parse_level(p, LEVEL_OR, out));
    p->depth--;
    return OK;
}

Status parse_expression_list(Parser *p, AstExprList *out)
{
    do {
        AstExpr *item;
        TRY(parse_expression(p, &item));
        AST_PUSH(p->arena, out, item);
    } while (accept_symbol(p, ","));
    return OK;
}

Status parse_order_items(Parser *p, AstOrder *out)
{
    if (is_word(p, "ALL") && !is_symbol_ahead(p, 1, ".")) {
        p->at++;
        out->is_all = true;
    }
    do {
        AstOrderItem item = {0};
        if (!out->is_all)
            TRY(parse_expression(p, &item.expr));
        item.is_descending = accept_word(p, "DESC");
        if (!item.is_descending)
            (void)accept_word(p, "ASC");
        if (accept_word(p, "NULLS")) {
            item.has_nulls = true;
            item.nulls_first = is_word(p, "FIRST");
            if (!accept_word(p, "FIRST"))
                TRY(expect_word(p, "LAST"));
        }
        AST_PUSH(p->arena, out, item);
    } while (accept_symbol(p, ","));
    return OK;
}
