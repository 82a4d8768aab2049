#include "sql/parser_int.h"

/* Expressions by precedence climbing: OR, AND, NOT, predicates, BIT_SHIFT words, |, &, shifts, + -,
 * * / DIV %, ^, ||, unary, postfix. Primaries are in parse_primary.c. */

#include <ctype.h>

AstExpr *new_ast_expr(Parser *p, AstExprKind kind, uint32_t begin)
{
    AstExpr *expr = ARENA_NEW(p->arena, AstExpr);
    expr->kind = (uint8_t)kind;
    expr->begin = begin;
    expr->end = last_end(p);
    return expr;
}

/* The tree under one expression is at most this deep: nesting counts in Parser.depth, and operators
 * that stack up without nesting (a + b + c) in Parser.chain. AND and OR chains are built balanced. */
Status enter_chain(Parser *p)
{
    if (++p->chain > PARSER_MAX_CHAIN)
        return RAISE(p->diag, LIMIT_EXCEEDED,
                     "Getting syntax error. Detail message: expression has more than %d operators in a "
                     "row.",
                     PARSER_MAX_CHAIN);
    return OK;
}

static AstExpr *binary(Parser *p, const char *op, AstExpr *left, AstExpr *right)
{
    AstExpr *expr = new_ast_expr(p, AST_BINARY_OP, left->begin);
    expr->op = strview(op);
    expr->end = right->end;
    AST_PUSH(p->arena, &expr->arguments, left);
    AST_PUSH(p->arena, &expr->arguments, right);
    return expr;
}

enum { LEVEL_NONE, LEVEL_OR, LEVEL_AND, LEVEL_WORD_SHIFT, LEVEL_BIT_OR, LEVEL_BIT_AND, LEVEL_SHIFT,
       LEVEL_ADD, LEVEL_MULTIPLY, LEVEL_XOR, LEVEL_CONCAT };

static const struct {
    const char *op;
    uint8_t level;
} operators[] = {
    [OPERATOR_NONE] = {"", LEVEL_NONE},
    [OPERATOR_OR] = {"OR", LEVEL_OR},
    [OPERATOR_PIPES] = {"||", LEVEL_CONCAT},
    [OPERATOR_AND] = {"AND", LEVEL_AND},
    [OPERATOR_WORD_SHIFT_LEFT] = {"<<", LEVEL_WORD_SHIFT},
    [OPERATOR_WORD_SHIFT_RIGHT] = {">>", LEVEL_WORD_SHIFT},
    [OPERATOR_WORD_SHIFT_RIGHT_LOGICAL] = {"BIT_SHIFT_RIGHT_LOGICAL", LEVEL_WORD_SHIFT},
    [OPERATOR_BIT_OR] = {"|", LEVEL_BIT_OR},
    [OPERATOR_BIT_AND] = {"&", LEVEL_BIT_AND},
    [OPERATOR_SHIFT_LEFT] = {"<<", LEVEL_SHIFT},
    [OPERATOR_SHIFT_RIGHT] = {">>", LEVEL_SHIFT},
    [OPERATOR_PLUS] = {"+", LEVEL_ADD},
    [OPERATOR_MINUS] = {"-", LEVEL_ADD},
    [OPERATOR_MULTIPLY] = {"*", LEVEL_MULTIPLY},
    [OPERATOR_DIVIDE] = {"/", LEVEL_MULTIPLY},
    [OPERATOR_MODULO] = {"%", LEVEL_MULTIPLY},
    [OPERATOR_INT_DIVIDE] = {"DIV", LEVEL_MULTIPLY},
    [OPERATOR_BIT_XOR] = {"^", LEVEL_XOR},
};

static Status parse_unary(Parser *p, AstExpr **out);

/* Level of the operator at the cursor; || is OR unless the mode says concatenation. */
static int operator_level(const Parser *p)
{
    uint8_t o = peek_token(p)->binary_operator;
    if (o == OPERATOR_PIPES && !p->options.pipes_as_concat)
        return LEVEL_OR;
    return operators[o].level;
}

/* Operators of level and above, from the left. */
static Status parse_climbing(Parser *p, int level, AstExpr **out)
{
    TRY(parse_unary(p, out));
    int found;
    while ((found = operator_level(p)) >= level) {
        const Token *token = peek_token(p);
        p->at++;
        AstExpr *right;
        TRY(parse_climbing(p, found + 1, &right));
        if (token->binary_operator == OPERATOR_DIVIDE && right->kind == AST_INTERVAL)
            return RAISE(p->diag, SYNTAX,
                         "Getting syntax error. Detail message: Do not support Expr divide "
                         "IntervalLiteral syntax.");
        TRY(enter_chain(p));
        *out = binary(p, operators[token->binary_operator].op, *out, right);
    }
    return OK;
}

Status parse_operand(Parser *p, AstExpr **out)
{
    return parse_climbing(p, LEVEL_WORD_SHIFT, out);
}

static AstExpr *balanced(Parser *p, const char *op, AstExpr **items, uint32_t count)
{
    if (count == 1)
        return items[0];
    uint32_t half = count - count / 2;
    AstExpr *left = balanced(p, op, items, half);
    return binary(p, op, left, balanced(p, op, items + half, count - half));
}

static Status parse_not(Parser *p, AstExpr **out);

/* a AND b AND c, and the same with OR: operands share no chain. */
static Status parse_logic(Parser *p, int level, AstExpr **out)
{
    AstExprList operands = {0};
    uint32_t before = p->chain;
    uint32_t deepest = before;
    for (;;) {
        AstExpr *operand;
        p->chain = before;
        TRY(level == LEVEL_OR ? parse_logic(p, LEVEL_AND, &operand) : parse_not(p, &operand));
        deepest = MAX(deepest, p->chain);
        if (operator_level(p) != level && operands.count == 0) {
            *out = operand;
            return OK;
        }
        AST_PUSH(p->arena, &operands, operand);
        if (operator_level(p) != level)
            break;
        p->at++;
    }
    p->chain = deepest + 32; /* at most the depth of a balanced tree */
    *out = balanced(p, level == LEVEL_OR ? "OR" : "AND", operands.items, operands.count);
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

static Status no_viable_in(Parser *p, bool is_negated)
{
    uint32_t begin = p->tokens[p->at - (is_negated ? 2 : 1)].begin;
    uint32_t line, column;
    sql_position(p->text, peek_ahead(p, 1)->begin, &line, &column);
    StrView input = text_between(p, begin, peek_ahead(p, 1)->end);
    return RAISE(p->diag, SYNTAX,
                 "Getting syntax error at line %u, column %u. Detail message: No viable statement for "
                 "input '%.*s'.",
                 line, column, SV_ARGS(input));
}

static Status parse_in(Parser *p, AstExpr *left, bool is_negated, AstExpr **out)
{
    if (is_symbol(p, "(") && is_symbol_ahead(p, 1, ")"))
        return no_viable_in(p, is_negated);
    TRY(expect_symbol(p, "("));
    bool is_query = at_subquery(p);
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
    TRY(parse_operand(p, &low));
    TRY(expect_word(p, "AND"));
    TRY(parse_operand(p, &high));
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
    TRY(parse_operand(p, &pattern));
    AstExpr *expr = new_ast_expr(p, AST_LIKE, left->begin);
    expr->op = strview(op);
    expr->is_negated = is_negated;
    expr->left = left;
    AST_PUSH(p->arena, &expr->arguments, pattern);
    if (accept_word(p, "ESCAPE")) {
        AstExpr *escape;
        TRY(parse_operand(p, &escape));
        AST_PUSH(p->arena, &expr->arguments, escape);
    }
    expr->end = last_end(p);
    *out = expr;
    return OK;
}

/* a IS [NOT] DISTINCT FROM b is [NOT] (a <=> b), the other way round. */
static Status parse_distinct_from(Parser *p, AstExpr *left, bool is_negated, AstExpr **out)
{
    AstExpr *right;
    TRY(parse_operand(p, &right));
    *out = binary(p, "<=>", left, right);
    if (is_negated)
        return OK;
    AstExpr *negation = new_ast_expr(p, AST_UNARY, left->begin);
    negation->op = STR_VIEW("NOT");
    negation->left = *out;
    *out = negation;
    return OK;
}

static Status parse_is(Parser *p, AstExpr *left, AstExpr **out)
{
    bool is_negated = accept_word(p, "NOT");
    if (accept_words(p, "DISTINCT", "FROM"))
        return parse_distinct_from(p, left, is_negated, out);
    AstExpr *expr = new_ast_expr(p, AST_IS_NULL, left->begin);
    expr->is_negated = is_negated;
    expr->left = left;
    if (!accept_word(p, "NULL")) {
        expr->kind = AST_IS_BOOL;
        expr->flag = is_word(p, "TRUE");
        if (!accept_word(p, "TRUE") && !accept_word(p, "FALSE"))
            return syntax_error(p, "'NULL', 'TRUE', 'FALSE'");
    }
    expr->end = last_end(p);
    *out = expr;
    return OK;
}

static bool is_match(const Token *token)
{
    return token->kind == TOKEN_WORD && (strview_equal_ci(token->text, STR_VIEW("MATCH")) ||
                                         strview_equal_ci(token->text, STR_VIEW("MATCH_ANY")) ||
                                         strview_equal_ci(token->text, STR_VIEW("MATCH_ALL")));
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
        TRY(parse_operand(p, &right));
        *in_out = binary(p, symbol, left, right);
        return OK;
    }
    if (accept_word(p, "IS"))
        return parse_is(p, left, in_out);
    bool is_negated = is_word(p, "NOT") && (is_word_ahead(p, 1, "IN") || is_word_ahead(p, 1, "LIKE") ||
                                            is_word_ahead(p, 1, "BETWEEN") ||
                                            is_word_ahead(p, 1, "REGEXP") ||
                                            is_word_ahead(p, 1, "RLIKE") ||
                                            is_match(peek_ahead(p, 1)));
    p->at += is_negated;
    if (accept_word(p, "IN"))
        return parse_in(p, left, is_negated, in_out);
    if (accept_word(p, "BETWEEN"))
        return parse_between(p, left, is_negated, in_out);
    if (accept_word(p, "LIKE"))
        return parse_like(p, left, is_negated, "LIKE", in_out);
    if (accept_word(p, "REGEXP") || accept_word(p, "RLIKE"))
        return parse_like(p, left, is_negated, "REGEXP", in_out);
    if (is_match(peek_token(p))) {
        p->at++;
        const char *op = strview_equal_ci(p->tokens[p->at - 1].text, STR_VIEW("MATCH_ANY"))   ? "MATCH_ANY"
                         : strview_equal_ci(p->tokens[p->at - 1].text, STR_VIEW("MATCH_ALL")) ? "MATCH_ALL"
                                                                                              : "MATCH";
        return parse_like(p, left, is_negated, op, in_out);
    }
    *out_done = true;
    return OK;
}

static Status parse_predicate(Parser *p, AstExpr **out)
{
    TRY(parse_operand(p, out));
    bool done = false;
    while (!done) {
        TRY(enter_chain(p));
        TRY(parse_predicate_suffix(p, out, &done));
    }
    return OK;
}

static Status parse_not(Parser *p, AstExpr **out)
{
    const Token *token = peek_token(p);
    if (!is_word(p, "NOT"))
        return parse_predicate(p, out);
    TRY(enter_depth(p));
    p->at++;
    AstExpr *inside;
    TRY(parse_not(p, &inside));
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
    expr->op = strview_is(token->text, "!") ? STR_VIEW("NOT") : token->text;
    expr->left = inside;
    *out = expr;
    return OK;
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

/* Lists of VALUES are nearly all literals: they skip the levels. */
static bool at_lone_literal(const Parser *p, AstExprKind *out)
{
    const Token *next = peek_ahead(p, 1);
    if (next->kind != TOKEN_SYMBOL || (next->text.data[0] != ',' && next->text.data[0] != ')'))
        return false;
    switch ((TokenKind)peek_token(p)->kind) {
    case TOKEN_INTEGER:
        *out = AST_INTEGER;
        return true;
    case TOKEN_DECIMAL:
        *out = AST_DECIMAL;
        return true;
    case TOKEN_STRING:
        *out = AST_STRING;
        return true;
    default:
        return false;
    }
}

Status parse_expression(Parser *p, AstExpr **out)
{
    AstExprKind literal;
    if (at_lone_literal(p, &literal)) {
        const Token *token = peek_token(p);
        p->at++;
        *out = new_ast_expr(p, literal, token->begin);
        (*out)->text = token->text;
        p->chain = MAX(p->chain, 1U);
        return OK;
    }
    TRY(enter_depth(p));
    uint32_t before = p->chain;
    p->chain = 0;
    TRY(at_lambda(p) ? parse_lambda(p, out) : parse_logic(p, LEVEL_OR, out));
    p->chain = MAX(before, p->chain + 1);
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
    if (is_word(p, "ALL") && !is_symbol_ahead(p, 1, ".") && !is_symbol_ahead(p, 1, "(")) {
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
