#include "sql/parser_int.h"

/* Primaries: literals, names, calls with all their special forms, CASE, CAST, collections,
 * subqueries; then the postfix forms [..], .field, -> 'path'. */

static Status take_literal(Parser *p, AstExprKind kind, AstExpr **out)
{
    const Token *token = peek_token(p);
    p->at++;
    AstExpr *expr = new_ast_expr(p, kind, token->begin);
    expr->text = token->text;
    *out = expr;
    return OK;
}

static AstExpr *new_call(Parser *p, const char *name, uint32_t begin)
{
    AstExpr *expr = new_ast_expr(p, AST_CALL, begin);
    expr->name.parts[0] = strview(name);
    expr->name.count = 1;
    expr->call = ARENA_NEW(p->arena, AstCall);
    return expr;
}

static Status parse_frame_bound(Parser *p, AstFrameBound *out)
{
    if (accept_word(p, "UNBOUNDED")) {
        out->kind = is_word(p, "PRECEDING") ? 0 : 4;
    } else if (accept_word(p, "CURRENT")) {
        out->kind = 2;
        return expect_word(p, "ROW");
    } else {
        TRY(parse_expression(p, &out->offset));
        out->kind = is_word(p, "PRECEDING") ? 1 : 3;
    }
    if (accept_word(p, "PRECEDING"))
        return OK;
    return expect_word(p, "FOLLOWING");
}

static Status parse_window(Parser *p, AstWindow **out)
{
    AstWindow *window = ARENA_NEW(p->arena, AstWindow);
    *out = window;
    TRY(expect_symbol(p, "("));
    while (is_symbol(p, "[") && is_symbol_ahead(p, 2, "]"))
        p->at += 3; /* [hash], [sort]: advice */
    if (accept_words(p, "PARTITION", "BY")) {
        while (is_symbol(p, "[") && is_symbol_ahead(p, 2, "]"))
            p->at += 3;
        TRY(parse_expression_list(p, &window->partition));
    }
    if (accept_words(p, "ORDER", "BY"))
        TRY(parse_order_items(p, &window->order));
    if (is_word(p, "ROWS") || is_word(p, "RANGE")) {
        window->has_frame = true;
        window->is_rows = is_word(p, "ROWS");
        p->at++;
        bool is_between = accept_word(p, "BETWEEN");
        TRY(parse_frame_bound(p, &window->start));
        window->end.kind = 2;
        if (is_between) {
            TRY(expect_word(p, "AND"));
            TRY(parse_frame_bound(p, &window->end));
        }
    }
    return expect_symbol(p, ")");
}

static Status parse_call_suffix(Parser *p, AstExpr *expr)
{
    if (accept_words(p, "IGNORE", "NULLS"))
        expr->call->ignore_nulls = true;
    else
        (void)accept_words(p, "RESPECT", "NULLS");
    if (is_word(p, "FILTER") && is_symbol_ahead(p, 1, "(")) {
        p->at += 2;
        if (expr->call->is_distinct && expr->name.count == 1 &&
            strview_equal_ci(expr->name.parts[0], STR_VIEW("count")))
            return RAISE(p->diag, SYNTAX,
                         "Getting syntax error. Detail message: Aggregation filter does not support "
                         "COUNT DISTINCT.");
        TRY(expect_word(p, "WHERE"));
        TRY(parse_expression(p, &expr->else_value)); /* the FILTER condition */
        TRY(expect_symbol(p, ")"));
    }
    if (accept_word(p, "OVER"))
        TRY(parse_window(p, &expr->call->window));
    expr->end = last_end(p);
    return OK;
}

/* expr [IGNORE NULLS] or name => expr */
static Status parse_argument(Parser *p, AstExpr *call, AstExpr **out)
{
    const Token *token = peek_token(p);
    if ((token->kind == TOKEN_WORD || token->kind == TOKEN_QUOTED_NAME) && is_symbol_ahead(p, 1, "=>")) {
        AstExpr *named = new_ast_expr(p, AST_NAMED_ARGUMENT, token->begin);
        named->text = token->text;
        p->at += 2;
        TRY(parse_expression(p, &named->left));
        named->end = last_end(p);
        *out = named;
        return OK;
    }
    TRY(parse_expression(p, out));
    if (accept_words(p, "IGNORE", "NULLS"))
        call->call->ignore_nulls = true;
    return OK;
}

static Status parse_call_arguments(Parser *p, AstExpr *expr)
{
    AstCall *call = expr->call;
    TRY(expect_symbol(p, "("));
    if (accept_symbol(p, "*")) {
        call->is_star = true;
        return expect_symbol(p, ")");
    }
    if (accept_symbol(p, ")"))
        return OK;
    call->is_distinct = accept_word(p, "DISTINCT");
    if (!call->is_distinct)
        (void)accept_word(p, "ALL");
    if (is_word(p, "SELECT") || is_word(p, "WITH")) {
        AstExpr *inner = new_ast_expr(p, AST_SUBQUERY, peek_token(p)->begin);
        TRY(parse_query(p, &inner->query));
        AST_PUSH(p->arena, &expr->arguments, inner);
    } else {
        do {
            AstExpr *argument;
            TRY(parse_argument(p, expr, &argument));
            AST_PUSH(p->arena, &expr->arguments, argument);
        } while (accept_symbol(p, ","));
    }
    if (accept_words(p, "ORDER", "BY"))
        TRY(parse_order_items(p, &call->order));
    if (accept_word(p, "SEPARATOR"))
        TRY(parse_expression(p, &call->separator));
    return expect_symbol(p, ")");
}

static Status parse_case(Parser *p, AstExpr **out)
{
    AstExpr *expr = new_ast_expr(p, AST_CASE, peek_token(p)->begin);
    p->at++;
    if (!is_word(p, "WHEN"))
        TRY(parse_expression(p, &expr->left));
    while (accept_word(p, "WHEN")) {
        AstExpr *part;
        TRY(parse_expression(p, &part));
        AST_PUSH(p->arena, &expr->arguments, part);
        TRY(expect_word(p, "THEN"));
        TRY(parse_expression(p, &part));
        AST_PUSH(p->arena, &expr->arguments, part);
    }
    if (expr->arguments.count == 0)
        return syntax_error(p, "WHEN");
    if (accept_word(p, "ELSE"))
        TRY(parse_expression(p, &expr->else_value));
    TRY(expect_word(p, "END"));
    expr->end = last_end(p);
    *out = expr;
    return OK;
}

static Status parse_cast(Parser *p, AstExpr **out)
{
    AstExpr *expr = new_ast_expr(p, AST_CAST, peek_token(p)->begin);
    bool is_convert = is_word(p, "CONVERT");
    expr->flag = is_word(p, "TRY_CAST");
    p->at++;
    TRY(expect_symbol(p, "("));
    TRY(parse_expression(p, &expr->left));
    if (is_convert && accept_word(p, "USING")) {
        StrView charset;
        TRY(parse_any_word(p, &charset));
        expr->type = type_varchar(0);
    } else {
        TRY(is_convert ? expect_symbol(p, ",") : expect_word(p, "AS"));
        TRY(parse_type_name(p, &expr->type));
    }
    expr->has_type = true;
    TRY(expect_symbol(p, ")"));
    expr->end = last_end(p);
    *out = expr;
    return OK;
}

/* EXTRACT(unit FROM x) is unit(x). */
static Status parse_extract(Parser *p, AstExpr **out)
{
    uint32_t begin = peek_token(p)->begin;
    p->at += 2;
    StrView unit;
    TRY(parse_any_word(p, &unit));
    AstExpr *expr = new_call(p, arena_strndup(p->arena, unit.data, unit.length), begin);
    TRY(expect_word(p, "FROM"));
    AstExpr *value;
    TRY(parse_expression(p, &value));
    AST_PUSH(p->arena, &expr->arguments, value);
    TRY(expect_symbol(p, ")"));
    expr->end = last_end(p);
    *out = expr;
    return OK;
}

/* TRIM([BOTH|LEADING|TRAILING] [chars FROM] x) */
static Status parse_trim(Parser *p, AstExpr **out)
{
    uint32_t begin = peek_token(p)->begin;
    p->at += 2;
    const char *name = accept_word(p, "LEADING") ? "ltrim" : accept_word(p, "TRAILING") ? "rtrim" : "trim";
    (void)accept_word(p, "BOTH");
    AstExpr *expr = new_call(p, name, begin);
    AstExpr *first = NULL;
    if (!is_word(p, "FROM"))
        TRY(parse_expression(p, &first));
    if (accept_word(p, "FROM")) {
        AstExpr *value;
        TRY(parse_expression(p, &value));
        AST_PUSH(p->arena, &expr->arguments, value);
        if (first != NULL)
            AST_PUSH(p->arena, &expr->arguments, first);
    } else {
        AST_PUSH(p->arena, &expr->arguments, first);
        if (accept_symbol(p, ","))
            TRY(parse_expression_list(p, &expr->arguments));
    }
    TRY(expect_symbol(p, ")"));
    expr->end = last_end(p);
    *out = expr;
    return OK;
}

/* SUBSTRING(x FROM a [FOR b]), POSITION(a IN b) */
static Status parse_substring(Parser *p, AstExpr **out)
{
    AstExpr *expr = new_call(p, is_word(p, "SUBSTR") ? "substr" : "substring", peek_token(p)->begin);
    p->at += 2;
    AstExpr *part;
    TRY(parse_expression(p, &part));
    AST_PUSH(p->arena, &expr->arguments, part);
    bool is_from = accept_word(p, "FROM");
    if (!is_from)
        TRY(expect_symbol(p, ","));
    TRY(parse_expression(p, &part));
    AST_PUSH(p->arena, &expr->arguments, part);
    if (accept_word(p, "FOR") || accept_symbol(p, ",")) {
        TRY(parse_expression(p, &part));
        AST_PUSH(p->arena, &expr->arguments, part);
    }
    TRY(expect_symbol(p, ")"));
    expr->end = last_end(p);
    return parse_call_suffix(p, *out = expr);
}

/* POSITION(a IN b) is locate(a, b). */
static Status parse_position_call(Parser *p, AstExpr **out)
{
    AstExpr *expr = new_call(p, "locate", peek_token(p)->begin);
    p->at += 2;
    AstExpr *part;
    TRY(parse_operand(p, &part));
    AST_PUSH(p->arena, &expr->arguments, part);
    if (!accept_word(p, "IN"))
        TRY(expect_symbol(p, ","));
    TRY(parse_expression_list(p, &expr->arguments));
    TRY(expect_symbol(p, ")"));
    expr->end = last_end(p);
    *out = expr;
    return OK;
}

static Status parse_interval(Parser *p, AstExpr **out)
{
    AstExpr *expr = new_ast_expr(p, AST_INTERVAL, peek_token(p)->begin);
    p->at++;
    TRY(parse_expression(p, &expr->left));
    if (peek_token(p)->kind != TOKEN_WORD)
        return syntax_error(p, "'DAY', 'HOUR', 'MINUTE', 'MONTH', 'SECOND', 'WEEK', 'YEAR'");
    TRY(parse_any_word(p, &expr->text));
    expr->end = last_end(p);
    *out = expr;
    return OK;
}

static bool at_interval(const Parser *p)
{
    if (!is_word(p, "INTERVAL") || is_symbol_ahead(p, 1, ".") || is_symbol_ahead(p, 1, ","))
        return false;
    TokenKind next = (TokenKind)peek_ahead(p, 1)->kind;
    return next == TOKEN_INTEGER || next == TOKEN_STRING || next == TOKEN_DECIMAL ||
           next == TOKEN_WORD || next == TOKEN_QUOTED_NAME || next == TOKEN_PARAMETER ||
           next == TOKEN_USER_VARIABLE || is_symbol_ahead(p, 1, "(") || is_symbol_ahead(p, 1, "-");
}

static Status parse_items_until(Parser *p, const char *close, AstExpr *expr)
{
    if (!is_symbol(p, close))
        TRY(parse_expression_list(p, &expr->arguments));
    TRY(expect_symbol(p, close));
    expr->end = last_end(p);
    return OK;
}

static Status parse_array(Parser *p, AstExpr **out)
{
    AstExpr *expr = new_ast_expr(p, AST_ARRAY, peek_token(p)->begin);
    if (is_word(p, "ARRAY")) {
        TRY(parse_type_name(p, &expr->type));
        expr->has_type = true;
    }
    TRY(expect_symbol(p, "["));
    *out = expr;
    return parse_items_until(p, "]", expr);
}

static Status parse_map(Parser *p, AstExpr **out)
{
    AstExpr *expr = new_ast_expr(p, AST_MAP, peek_token(p)->begin);
    if (is_symbol_ahead(p, 1, "<")) {
        TRY(parse_type_name(p, &expr->type));
        expr->has_type = true;
    } else {
        p->at++;
    }
    TRY(expect_symbol(p, "{"));
    while (!is_symbol(p, "}")) {
        AstExpr *part;
        TRY(parse_expression(p, &part));
        AST_PUSH(p->arena, &expr->arguments, part);
        TRY(expect_symbol(p, ":"));
        TRY(parse_expression(p, &part));
        AST_PUSH(p->arena, &expr->arguments, part);
        if (!accept_symbol(p, ","))
            break;
    }
    *out = expr;
    TRY(expect_symbol(p, "}"));
    expr->end = last_end(p);
    return OK;
}

/* (expr), (a, b), (SELECT ...) */
static Status parse_parenthesised(Parser *p, AstExpr **out)
{
    uint32_t begin = peek_token(p)->begin;
    p->at++;
    if (at_subquery(p)) {
        AstExpr *expr = new_ast_expr(p, AST_SUBQUERY, begin);
        TRY(parse_query(p, &expr->query));
        TRY(expect_symbol(p, ")"));
        expr->end = last_end(p);
        *out = expr;
        return OK;
    }
    TRY(parse_expression(p, out));
    if (is_symbol(p, ",")) {
        AstExpr *row = new_ast_expr(p, AST_ROW, begin);
        AST_PUSH(p->arena, &row->arguments, *out);
        while (accept_symbol(p, ",")) {
            AstExpr *item;
            TRY(parse_expression(p, &item));
            AST_PUSH(p->arena, &row->arguments, item);
        }
        *out = row;
    }
    TRY(expect_symbol(p, ")"));
    (*out)->begin = begin;
    (*out)->end = last_end(p);
    return OK;
}

static Status parse_star_suffix(Parser *p, AstExpr *star)
{
    if (accept_word(p, "EXCEPT") || accept_word(p, "EXCLUDE")) {
        AstStrList names = {0};
        TRY(parse_identifier_list(p, &names));
        star->names = names.items;
        star->name_count = names.count;
    }
    star->end = last_end(p);
    return OK;
}

static Status parse_named(Parser *p, AstExpr **out)
{
    uint32_t begin = peek_token(p)->begin;
    AstName name = {0};
    TRY(parse_any_word(p, &name.parts[name.count++]));
    while (is_symbol(p, ".") && name.count < 4) {
        p->at++;
        if (accept_symbol(p, "*")) {
            *out = new_ast_expr(p, AST_STAR, begin);
            (*out)->name = name;
            return parse_star_suffix(p, *out);
        }
        TRY(parse_any_word(p, &name.parts[name.count++]));
    }
    if (!is_symbol(p, "(")) {
        *out = new_ast_expr(p, AST_NAME, begin);
        (*out)->name = name;
        return OK;
    }
    AstExpr *call = new_call(p, "", begin);
    call->name = name;
    *out = call;
    TRY(parse_call_arguments(p, call));
    return parse_call_suffix(p, call);
}

/* DATE '2024-01-01' and friends. */
static bool typed_literal(const Parser *p, TypeKind *out_kind)
{
    if (peek_ahead(p, 1)->kind != TOKEN_STRING)
        return false;
    if (is_word(p, "DATE"))
        *out_kind = TYPE_DATE;
    else if (is_word(p, "DATETIME") || is_word(p, "TIMESTAMP"))
        *out_kind = TYPE_DATETIME;
    else
        return false;
    return true;
}

static bool is_bare_function(const Parser *p)
{
    static const char *const names[] = {"CURRENT_DATE",   "CURRENT_TIME", "CURRENT_TIMESTAMP",
                                        "CURRENT_USER",   "LOCALTIME",    "LOCALTIMESTAMP",
                                        "CURRENT_ROLE"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (is_word(p, names[i]))
            return true;
    }
    return false;
}

static Status parse_bare_function(Parser *p, AstExpr **out)
{
    const Token *token = peek_token(p);
    AstExpr *call = new_call(p, arena_strndup(p->arena, token->text.data, token->text.length),
                             token->begin);
    p->at++;
    if (is_symbol(p, "("))
        TRY(parse_call_arguments(p, call));
    call->end = last_end(p);
    *out = call;
    return OK;
}

/* A reserved word may still be a function's name: IF(..), LEFT(..), DATABASE(). */
static bool is_reserved_non_function(const Parser *p)
{
    return sql_is_reserved(peek_token(p)->text) && !is_symbol_ahead(p, 1, "(");
}

static Status parse_word_primary(Parser *p, AstExpr **out)
{
    uint32_t begin = peek_token(p)->begin;
    TypeKind kind;
    if (is_word(p, "NULL") || is_word(p, "TRUE") || is_word(p, "FALSE")) {
        bool is_null = is_word(p, "NULL");
        bool value = is_word(p, "TRUE");
        p->at++;
        *out = new_ast_expr(p, is_null ? AST_NULL : AST_BOOL, begin);
        (*out)->flag = value;
        return OK;
    }
    if (is_word(p, "CASE"))
        return parse_case(p, out);
    if (is_bare_function(p))
        return parse_bare_function(p, out);
    if (typed_literal(p, &kind)) {
        p->at++;
        TRY(take_literal(p, AST_TYPED, out));
        (*out)->type = type_of(kind);
        (*out)->begin = begin;
        return OK;
    }
    if (at_interval(p))
        return parse_interval(p, out);
    if (is_word(p, "ARRAY") && (is_symbol_ahead(p, 1, "<") || is_symbol_ahead(p, 1, "[")))
        return parse_array(p, out);
    if (is_word(p, "MAP") && (is_symbol_ahead(p, 1, "{") || is_symbol_ahead(p, 1, "<")))
        return parse_map(p, out);
    if (is_symbol_ahead(p, 1, "(")) {
        if (is_word(p, "CAST") || is_word(p, "TRY_CAST") || is_word(p, "CONVERT"))
            return parse_cast(p, out);
        if (is_word(p, "EXTRACT"))
            return parse_extract(p, out);
        if (is_word(p, "POSITION"))
            return parse_position_call(p, out);
        if (is_word(p, "TRIM"))
            return parse_trim(p, out);
        if (is_word(p, "SUBSTRING") || is_word(p, "SUBSTR"))
            return parse_substring(p, out);
        if (is_word(p, "EXISTS")) {
            p->at += 2;
            *out = new_ast_expr(p, AST_EXISTS, begin);
            TRY(parse_query(p, &(*out)->query));
            TRY(expect_symbol(p, ")"));
            (*out)->end = last_end(p);
            return OK;
        }
    }
    if (is_word(p, "BINARY") && !is_symbol_ahead(p, 1, "(") && !is_symbol_ahead(p, 1, ",")) {
        p->at++; /* BINARY 'x': comparison by bytes is the rule here */
        return parse_primary(p, out);
    }
    if (p->allow_default && is_word(p, "DEFAULT") && !is_symbol_ahead(p, 1, "(")) {
        p->at++;
        *out = new_ast_expr(p, AST_DEFAULT, begin);
        return OK;
    }
    if (is_reserved_non_function(p))
        return syntax_error(p, "a legal identifier");
    return parse_named(p, out);
}

static Status parse_variable(Parser *p, AstExpr **out)
{
    const Token *token = peek_token(p);
    bool is_system = token->kind == TOKEN_SYSTEM_VARIABLE;
    p->at++;
    AstExpr *expr = new_ast_expr(p, is_system ? AST_SYSTEM_VARIABLE : AST_USER_VARIABLE, token->begin);
    expr->text = token->text;
    static const StrView scopes[] = {{"global.", 7}, {"session.", 8}, {"local.", 6}};
    for (size_t i = 0; is_system && i < COUNT_OF(scopes); i++) {
        if (strview_starts_with_ci(expr->text, scopes[i])) {
            expr->op = strview_n(expr->text.data, scopes[i].length - 1);
            expr->text.data += scopes[i].length;
            expr->text.length -= scopes[i].length;
        }
    }
    if (!is_system && accept_symbol(p, ":=")) {
        expr->kind = AST_ASSIGNMENT;
        TRY(parse_expression(p, &expr->left));
        expr->end = last_end(p);
    }
    *out = expr;
    return OK;
}

static Status parse_symbol_primary(Parser *p, AstExpr **out)
{
    if (is_symbol(p, "("))
        return parse_parenthesised(p, out);
    if (is_symbol(p, "["))
        return parse_array(p, out);
    if (accept_symbol(p, "*")) {
        *out = new_ast_expr(p, AST_STAR, p->tokens[p->at - 1].begin);
        return parse_star_suffix(p, *out);
    }
    return syntax_error(p, "an expression");
}

static Status parse_base(Parser *p, AstExpr **out)
{
    switch ((TokenKind)peek_token(p)->kind) {
    case TOKEN_INTEGER:
        return take_literal(p, AST_INTEGER, out);
    case TOKEN_DECIMAL:
        return take_literal(p, AST_DECIMAL, out);
    case TOKEN_DOUBLE:
        return take_literal(p, AST_DOUBLE, out);
    case TOKEN_STRING:
        return take_literal(p, AST_STRING, out);
    case TOKEN_BINARY:
        return take_literal(p, AST_BINARY, out);
    case TOKEN_PARAMETER:
        TRY(take_literal(p, AST_PARAMETER, out));
        (*out)->index = p->parameter_count++;
        return OK;
    case TOKEN_USER_VARIABLE:
    case TOKEN_SYSTEM_VARIABLE:
        return parse_variable(p, out);
    case TOKEN_WORD:
        return parse_word_primary(p, out);
    case TOKEN_QUOTED_NAME:
        return parse_named(p, out);
    case TOKEN_SYMBOL:
        return parse_symbol_primary(p, out);
    case TOKEN_HINT:
        p->at++;
        return parse_base(p, out);
    case TOKEN_END:
        break;
    }
    return syntax_error(p, "an expression");
}

static Status parse_subscript(Parser *p, AstExpr **in_out)
{
    AstExpr *expr = new_ast_expr(p, AST_SUBSCRIPT, (*in_out)->begin);
    p->at++;
    expr->left = *in_out;
    AstExpr *index;
    index = NULL;
    if (!is_symbol(p, ":"))
        TRY(parse_expression(p, &index));
    AST_PUSH(p->arena, &expr->arguments, index);
    if (accept_symbol(p, ":")) {
        index = NULL;
        if (!is_symbol(p, "]"))
            TRY(parse_expression(p, &index));
        AST_PUSH(p->arena, &expr->arguments, index);
    }
    TRY(expect_symbol(p, "]"));
    expr->end = last_end(p);
    *in_out = expr;
    return OK;
}

static Status parse_arrow(Parser *p, AstExpr **in_out)
{
    AstExpr *expr = new_call(p, "json_query", (*in_out)->begin);
    p->at++;
    AST_PUSH(p->arena, &expr->arguments, *in_out);
    AstExpr *path;
    TRY(parse_base(p, &path));
    AST_PUSH(p->arena, &expr->arguments, path);
    expr->end = last_end(p);
    *in_out = expr;
    return OK;
}

Status parse_primary(Parser *p, AstExpr **out)
{
    TRY(parse_base(p, out));
    for (;;) {
        if (is_symbol(p, "[")) {
            TRY(enter_chain(p));
            TRY(parse_subscript(p, out));
        } else if (is_symbol(p, "->") || is_symbol(p, "->>")) {
            TRY(enter_chain(p));
            TRY(parse_arrow(p, out));
        } else if (is_symbol(p, ".") && (*out)->kind != AST_INTEGER) {
            TRY(enter_chain(p));
            AstExpr *field = new_ast_expr(p, AST_FIELD, (*out)->begin);
            p->at++;
            field->left = *out;
            TRY(parse_any_word(p, &field->text));
            field->end = last_end(p);
            *out = field;
        } else if (accept_word(p, "COLLATE")) {
            StrView collation;
            TRY(parse_any_word(p, &collation));
        } else {
            return OK;
        }
    }
}
