#include "sql/parser_int.h"

/* Queries: WITH, set operations (INTERSECT binds tighter), SELECT, hints, VALUES. What stands in
 * FROM is in parse_relation.c. */

bool at_query_start(const Parser *p)
{
    if (is_word(p, "SELECT") || is_word(p, "WITH"))
        return true;
    if (is_word(p, "VALUES"))
        return is_symbol_ahead(p, 1, "(") || is_word_ahead(p, 1, "ROW");
    if (!is_symbol(p, "("))
        return false;
    uint32_t ahead = 1;
    while (ahead <= PARSER_MAX_DEPTH && is_symbol_ahead(p, ahead, "("))
        ahead++;
    return is_word_ahead(p, ahead, "SELECT") || is_word_ahead(p, ahead, "WITH") ||
           (is_word_ahead(p, ahead, "VALUES") && is_symbol_ahead(p, ahead + 1, "("));
}

/* The token behind the parenthesis that is opened `ahead` tokens from here. */
static uint32_t behind_parenthesis(const Parser *p, uint32_t ahead)
{
    uint32_t open = 0;
    do {
        open += is_symbol_ahead(p, ahead, "(");
        open -= is_symbol_ahead(p, ahead, ")");
        ahead++;
    } while (open > 0 && p->at + ahead < p->token_count);
    return ahead;
}

/* ((SELECT 1) UNION (SELECT 2)) and ((SELECT 1)) are queries, ((SELECT 1) + 1) is not: seen from the innermost parenthesis, a query
 * goes on or the next one is closed. */
bool at_subquery(const Parser *p)
{
    static const char *const words[] = {"UNION", "EXCEPT", "MINUS", "INTERSECT", "ORDER", "LIMIT"};
    uint32_t depth = 0;
    bool is_query = at_query_start(p);
    while (is_query && is_symbol_ahead(p, depth, "("))
        depth++;
    while (is_query && depth-- > 0) {
        uint32_t behind = behind_parenthesis(p, depth);
        for (size_t i = 0; i < COUNT_OF(words); i++) {
            if (is_word_ahead(p, behind, words[i]))
                return true;
        }
        is_query = is_symbol_ahead(p, behind, ")");
    }
    return is_query;
}

static Status parse_set_var(Parser *p, AstSelect *select)
{
    do {
        StrView name;
        TRY(parse_any_word(p, &name));
        TRY(expect_symbol(p, "="));
        const Token *first = peek_token(p);
        AstExpr *value;
        TRY(parse_operand(p, &value));
        AST_PUSH(p->arena, &select->hint_names, name);
        AST_PUSH(p->arena, &select->hint_values,
                 value->kind == AST_STRING ? value->text : text_between(p, first->begin, last_end(p)));
    } while (accept_symbol(p, ","));
    return expect_symbol(p, ")");
}

static Status parse_set_user_variable(Parser *p, AstSelect *select)
{
    do {
        AstExpr *value = new_ast_expr(p, AST_ASSIGNMENT, peek_token(p)->begin);
        if (peek_token(p)->kind != TOKEN_USER_VARIABLE)
            return syntax_error(p, "a user variable");
        value->text = peek_token(p)->text;
        p->at++;
        if (!accept_symbol(p, ":="))
            TRY(expect_symbol(p, "="));
        TRY(parse_expression(p, &value->left));
        AST_PUSH(p->arena, &select->hint_assignments, value);
    } while (accept_symbol(p, ","));
    return expect_symbol(p, ")");
}

static Status bad_hint(Parser *p, const Token *hint)
{
    uint32_t line, column;
    sql_position(p->text, hint->begin, &line, &column);
    if (p->diag != NULL)
        diag_reset(p->diag);
    StrView text = text_between(p, hint->begin, hint->end);
    return RAISE(p->diag, SYNTAX,
                 "Getting syntax error at line %u, column %u. Detail message: Invalid hint value '%.*s'.",
                 line, 1U, SV_ARGS(text));
}

/* SET_VAR(k = v, ...), SET_USER_VARIABLE(@a = expr, ...); other hints are advice that says nothing
 * here. */
Status parse_hint(Parser *p, AstSelect *select)
{
    const Token *hint = peek_token(p);
    Parser inside;
    if (parse_subparser(p, hint->text, &inside) != OK)
        return bad_hint(p, hint);
    p->at++;
    while (peek_token(&inside)->kind != TOKEN_END) {
        Status status = OK;
        if (is_word(&inside, "SET_VAR") && is_symbol_ahead(&inside, 1, "(")) {
            inside.at += 2;
            status = parse_set_var(&inside, select);
        } else if (is_word(&inside, "SET_USER_VARIABLE") && is_symbol_ahead(&inside, 1, "(")) {
            inside.at += 2;
            status = parse_set_user_variable(&inside, select);
        } else {
            inside.at++;
        }
        if (status != OK)
            return bad_hint(p, hint);
    }
    return OK;
}

bool at_alias(const Parser *p)
{
    TokenKind kind = (TokenKind)peek_token(p)->kind;
    return kind == TOKEN_QUOTED_NAME || (kind == TOKEN_WORD && !sql_is_reserved(peek_token(p)->text));
}

bool ends_relation(const Parser *p)
{
    static const char *const words[] = {"SEMI", "ANTI", "ASOF", "NATURAL", "OFFSET", "STRAIGHT_JOIN",
                                        "PIVOT", "SAMPLE", "TABLESAMPLE", "WINDOW"};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (is_word(p, words[i]))
            return true;
    }
    return is_word(p, "PROPERTIES") && is_symbol_ahead(p, 1, "(");
}

Status parse_select_item(Parser *p, AstSelectItems *out)
{
    AstSelectItem item = {0};
    TRY(parse_expression(p, &item.expr));
    if (accept_word(p, "AS"))
        TRY(parse_string_or_name(p, &item.alias));
    else if (at_alias(p) || peek_token(p)->kind == TOKEN_STRING)
        TRY(parse_string_or_name(p, &item.alias));
    AST_PUSH(p->arena, out, item);
    return OK;
}

static Status parse_group_rows(Parser *p, AstRowList *out)
{
    TRY(expect_symbol(p, "("));
    do {
        AstExprList set = {0};
        if (accept_symbol(p, "(")) {
            if (!is_symbol(p, ")"))
                TRY(parse_expression_list(p, &set));
            TRY(expect_symbol(p, ")"));
        } else {
            AstExpr *single;
            TRY(parse_expression(p, &single));
            AST_PUSH(p->arena, &set, single);
        }
        AST_PUSH(p->arena, out, set);
    } while (accept_symbol(p, ","));
    return expect_symbol(p, ")");
}

static Status parse_group_by(Parser *p, AstSelect *select)
{
    select->has_group = true;
    if (is_word(p, "ALL") && !is_symbol_ahead(p, 1, ".") && !is_symbol_ahead(p, 1, "(")) {
        p->at++;
        select->group_kind = AST_GROUP_ALL;
        return OK;
    }
    if (accept_words(p, "GROUPING", "SETS")) {
        select->group_kind = AST_GROUP_SETS;
        return parse_group_rows(p, &select->grouping_sets);
    }
    bool is_rollup = is_word(p, "ROLLUP") && is_symbol_ahead(p, 1, "(");
    bool is_cube = is_word(p, "CUBE") && is_symbol_ahead(p, 1, "(");
    if (is_rollup || is_cube) {
        select->group_kind = is_rollup ? AST_GROUP_ROLLUP : AST_GROUP_CUBE;
        p->at += 2;
        TRY(parse_expression_list(p, &select->group));
        return expect_symbol(p, ")");
    }
    TRY(parse_expression_list(p, &select->group));
    if (accept_words(p, "WITH", "ROLLUP"))
        select->group_kind = AST_GROUP_ROLLUP;
    return OK;
}

static Status parse_select(Parser *p, AstSelect *select)
{
    TRY(expect_word(p, "SELECT"));
    while (peek_token(p)->kind == TOKEN_HINT)
        TRY(parse_hint(p, select));
    select->is_distinct = accept_word(p, "DISTINCT");
    if (!select->is_distinct)
        (void)accept_word(p, "ALL");
    do {
        TRY(parse_select_item(p, &select->items));
    } while (accept_symbol(p, ","));
    if (accept_word(p, "FROM")) {
        if (!accept_word(p, "DUAL"))
            TRY(parse_relation(p, &select->from));
    }
    if (accept_word(p, "WHERE"))
        TRY(parse_expression(p, &select->where));
    if (accept_words(p, "GROUP", "BY"))
        TRY(parse_group_by(p, select));
    if (accept_word(p, "HAVING"))
        TRY(parse_expression(p, &select->having));
    if (accept_word(p, "QUALIFY"))
        TRY(parse_expression(p, &select->qualify));
    return OK;
}

static Status parse_outfile(Parser *p, AstQuery *query)
{
    query->outfile = ARENA_NEW(p->arena, AstOutfile);
    TRY(parse_string(p, &query->outfile->path));
    if (accept_words(p, "FORMAT", "AS"))
        TRY(parse_string_or_name(p, &query->outfile->format));
    return parse_optional_properties(p, &query->outfile->properties);
}

static Status parse_values_rows(Parser *p, AstRowList *out)
{
    do {
        AstExprList row = {0};
        (void)accept_word(p, "ROW");
        TRY(expect_symbol(p, "("));
        if (!is_symbol(p, ")"))
            TRY(parse_expression_list(p, &row));
        TRY(expect_symbol(p, ")"));
        AST_PUSH(p->arena, out, row);
    } while (accept_symbol(p, ","));
    return OK;
}

static Status parse_query_primary(Parser *p, AstQuery **out)
{
    uint32_t begin = peek_token(p)->begin;
    if (is_symbol(p, "(")) {
        p->at++;
        TRY(parse_query(p, out));
        return expect_symbol(p, ")");
    }
    AstQuery *query = ARENA_NEW(p->arena, AstQuery);
    query->begin = begin;
    if (accept_word(p, "VALUES")) {
        query->kind = AST_QUERY_VALUES;
        TRY(parse_values_rows(p, &query->rows));
    } else {
        TRY(parse_select(p, &query->select));
    }
    query->end = last_end(p);
    *out = query;
    return OK;
}

static Status combine(Parser *p, AstSetKind kind, AstQuery *left,
                      Status (*parse_right)(Parser *, AstQuery **), AstQuery **out)
{
    AstQuery *query = ARENA_NEW(p->arena, AstQuery);
    query->kind = AST_QUERY_SET;
    query->set_kind = (uint8_t)kind;
    query->begin = left->begin;
    TRY(enter_chain(p));
    query->is_all = accept_word(p, "ALL");
    if (!query->is_all)
        (void)accept_word(p, "DISTINCT");
    query->left = left;
    TRY(parse_right(p, &query->right));
    query->end = last_end(p);
    *out = query;
    return OK;
}

static Status parse_intersection(Parser *p, AstQuery **out)
{
    TRY(parse_query_primary(p, out));
    while (accept_word(p, "INTERSECT"))
        TRY(combine(p, AST_INTERSECT, *out, parse_query_primary, out));
    return OK;
}

static Status parse_union(Parser *p, AstQuery **out)
{
    TRY(parse_intersection(p, out));
    for (;;) {
        if (accept_word(p, "UNION"))
            TRY(combine(p, AST_UNION, *out, parse_intersection, out));
        else if (accept_word(p, "EXCEPT") || accept_word(p, "MINUS"))
            TRY(combine(p, AST_EXCEPT, *out, parse_intersection, out));
        else
            return OK;
    }
}

Status parse_ctes(Parser *p, AstCtes *out)
{
    out->is_recursive = accept_word(p, "RECURSIVE");
    do {
        AstCte cte = {0};
        TRY(parse_identifier(p, &cte.name));
        if (is_symbol(p, "("))
            TRY(parse_identifier_list(p, &cte.columns));
        TRY(expect_word(p, "AS"));
        TRY(expect_symbol(p, "("));
        TRY(parse_query(p, &cte.query));
        TRY(expect_symbol(p, ")"));
        AST_PUSH(p->arena, out, cte);
    } while (accept_symbol(p, ","));
    return OK;
}

static Status parse_limit(Parser *p, AstQuery *query)
{
    TRY(parse_expression(p, &query->limit));
    if (accept_symbol(p, ",")) {
        query->offset = query->limit;
        return parse_expression(p, &query->limit);
    }
    if (accept_word(p, "OFFSET"))
        TRY(parse_expression(p, &query->offset));
    return OK;
}

/* ORDER BY, LIMIT and WITH around a parenthesised query that has its own need a wrapper. */
static AstQuery *wrap_query(Parser *p, AstQuery *inner)
{
    AstQuery *outer = ARENA_NEW(p->arena, AstQuery);
    AstRelation *relation = ARENA_NEW(p->arena, AstRelation);
    relation->kind = AST_DERIVED;
    relation->query = inner;
    relation->alias = STR_VIEW("");
    AstSelectItem star = {.expr = new_ast_expr(p, AST_STAR, inner->begin)};
    AST_PUSH(p->arena, &outer->select.items, star);
    outer->select.from = relation;
    outer->begin = inner->begin;
    return outer;
}

static bool is_complete(const AstQuery *query)
{
    return query->order.count > 0 || query->limit != NULL || query->ctes.count > 0;
}

Status parse_query(Parser *p, AstQuery **out)
{
    uint32_t chain = p->chain;
    p->chain = 0;
    TRY(enter_depth(p));
    uint32_t begin = peek_token(p)->begin;
    AstCtes ctes = {0};
    if (accept_word(p, "WITH"))
        TRY(parse_ctes(p, &ctes));
    TRY(parse_union(p, out));
    bool has_order = is_word(p, "ORDER") && is_word_ahead(p, 1, "BY");
    bool adds_something = has_order || is_word(p, "LIMIT") || ctes.count > 0;
    if (adds_something && is_complete(*out))
        *out = wrap_query(p, *out);
    AstQuery *query = *out;
    query->ctes = ctes.count > 0 ? ctes : query->ctes;
    if (accept_words(p, "ORDER", "BY"))
        TRY(parse_order_items(p, &query->order));
    if (accept_word(p, "LIMIT"))
        TRY(parse_limit(p, query));
    else if (is_word(p, "OFFSET") && peek_ahead(p, 1)->kind == TOKEN_INTEGER) {
        p->at++;
        TRY(parse_expression(p, &query->offset));
    }
    if (accept_words(p, "INTO", "OUTFILE"))
        TRY(parse_outfile(p, query));
    query->begin = begin;
    query->end = last_end(p);
    p->chain = MAX(chain, p->chain + 1);
    p->depth--;
    return OK;
}

