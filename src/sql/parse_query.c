#include "sql/parser_int.h"

/* Queries: WITH, set operations (INTERSECT binds tighter), SELECT, VALUES, relations and joins. */

bool at_query_start(const Parser *p)
{
    if (is_word(p, "SELECT") || is_word(p, "WITH"))
        return true;
    if (is_word(p, "VALUES"))
        return is_symbol_ahead(p, 1, "(") || is_word_ahead(p, 1, "ROW");
    if (!is_symbol(p, "("))
        return false;
    uint32_t ahead = 1;
    while (is_symbol_ahead(p, ahead, "("))
        ahead++;
    return is_word_ahead(p, ahead, "SELECT") || is_word_ahead(p, ahead, "WITH") ||
           (is_word_ahead(p, ahead, "VALUES") && is_symbol_ahead(p, ahead + 1, "("));
}

/* SET_VAR(k = v, ...) of a hint; other hints are advice that says nothing here. */
static Status parse_hint(Parser *p, AstSelect *select)
{
    TokenList tokens = {0};
    TRY(sql_tokenize(peek_token(p)->text, p->arena, p->diag, &tokens));
    p->at++;
    for (uint32_t i = 0; i + 3 < tokens.count; i++) {
        if (!strview_equal_ci(tokens.items[i].text, STR_VIEW("SET_VAR")))
            continue;
        for (i += 2; i + 2 < tokens.count && strview_is(tokens.items[i + 1].text, "="); i += 4) {
            AST_PUSH(p->arena, &select->hint_names, tokens.items[i].text);
            AST_PUSH(p->arena, &select->hint_values, tokens.items[i + 2].text);
            if (!strview_is(tokens.items[i + 3].text, ","))
                break;
        }
    }
    return OK;
}

static bool at_alias(const Parser *p)
{
    TokenKind kind = (TokenKind)peek_token(p)->kind;
    return kind == TOKEN_QUOTED_NAME || (kind == TOKEN_WORD && !sql_is_reserved(peek_token(p)->text));
}

static bool ends_relation(const Parser *p)
{
    static const char *const words[] = {"SEMI", "ANTI", "ASOF", "NATURAL", "OFFSET", "STRAIGHT_JOIN", "WINDOW"};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (is_word(p, words[i]))
            return true;
    }
    return false;
}

static Status parse_select_item(Parser *p, AstSelectItems *out)
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
    (void)accept_word(p, "RECURSIVE");
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
    query->begin = begin;
    query->end = last_end(p);
    p->depth--;
    return OK;
}

static Status parse_alias(Parser *p, AstRelation *relation)
{
    bool has_as = accept_word(p, "AS");
    if (has_as || (at_alias(p) && !ends_relation(p)))
        TRY(parse_string_or_name(p, &relation->alias));
    if (relation->alias.length > 0 && is_symbol(p, "("))
        TRY(parse_identifier_list(p, &relation->column_aliases));
    return OK;
}

static Status parse_table_suffix(Parser *p, AstRelation *relation)
{
    (void)(is_word(p, "TEMPORARY") && is_word_ahead(p, 1, "PARTITION") && p->at++);
    if (accept_word(p, "PARTITION") || accept_word(p, "PARTITIONS")) {
        if (is_symbol(p, "("))
            TRY(parse_identifier_list(p, &relation->partitions));
        else {
            StrView name;
            TRY(parse_identifier(p, &name));
            AST_PUSH(p->arena, &relation->partitions, name);
        }
    }
    if (accept_word(p, "TABLET")) {
        TRY(expect_symbol(p, "("));
        TRY(parse_expression_list(p, &relation->tablets));
        TRY(expect_symbol(p, ")"));
    }
    TRY(parse_alias(p, relation));
    if (is_symbol(p, "[")) { /* [_META_] and other table hints */
        while (peek_token(p)->kind != TOKEN_END && !is_symbol(p, "]"))
            p->at++;
        TRY(expect_symbol(p, "]"));
    }
    return OK;
}

static Status parse_files(Parser *p, AstRelation *relation)
{
    AstProperties properties = {0};
    p->at++;
    TRY(parse_properties(p, &properties));
    relation->file_keys = properties.keys;
    relation->file_values = properties.values;
    return parse_alias(p, relation);
}

static Status parse_table_function(Parser *p, AstRelation *relation)
{
    relation->kind = AST_TABLE_FUNCTION;
    if (is_word(p, "FILES"))
        return parse_files(p, relation);
    bool is_wrapped = is_word(p, "TABLE");
    p->at += is_wrapped ? 2 : 0;
    TRY(parse_primary(p, &relation->call));
    if (is_wrapped)
        TRY(expect_symbol(p, ")"));
    return parse_alias(p, relation);
}

static Status parse_relation_primary(Parser *p, AstRelation **out)
{
    AstRelation *relation = ARENA_NEW(p->arena, AstRelation);
    *out = relation;
    relation->begin = peek_token(p)->begin;
    relation->is_lateral = accept_word(p, "LATERAL");
    if (is_symbol(p, "(")) {
        if (at_query_start(p)) {
            relation->kind = AST_DERIVED;
            /* The parentheses may belong to the query or, with a join inside, to the relation. */
            uint32_t saved = p->at;
            p->at++;
            TRY(parse_query(p, &relation->query));
            if (!is_symbol(p, ")")) {
                p->at = saved + 1;
                TRY(parse_relation(p, out));
                return expect_symbol(p, ")");
            }
            p->at++;
            return parse_alias(p, relation);
        }
        p->at++;
        TRY(parse_relation(p, out));
        return expect_symbol(p, ")");
    }
    if ((is_word(p, "TABLE") && is_symbol_ahead(p, 1, "(")) ||
        (peek_token(p)->kind == TOKEN_WORD && is_symbol_ahead(p, 1, "(")))
        return parse_table_function(p, relation);
    relation->kind = AST_TABLE;
    TRY(parse_name(p, &relation->name));
    relation->end = last_end(p);
    return parse_table_suffix(p, relation);
}

static bool join_kind(Parser *p, AstJoinKind *out)
{
    static const struct {
        const char *words[4];
        AstJoinKind kind;
    } forms[] = {
        {{"INNER", "JOIN"}, AST_JOIN_INNER},
        {{"CROSS", "JOIN"}, AST_JOIN_CROSS},
        {{"LEFT", "OUTER", "JOIN"}, AST_JOIN_LEFT},
        {{"RIGHT", "OUTER", "JOIN"}, AST_JOIN_RIGHT},
        {{"FULL", "OUTER", "JOIN"}, AST_JOIN_FULL},
        {{"LEFT", "SEMI", "JOIN"}, AST_JOIN_LEFT_SEMI},
        {{"RIGHT", "SEMI", "JOIN"}, AST_JOIN_RIGHT_SEMI},
        {{"LEFT", "ANTI", "JOIN"}, AST_JOIN_LEFT_ANTI},
        {{"RIGHT", "ANTI", "JOIN"}, AST_JOIN_RIGHT_ANTI},
        {{"LEFT", "JOIN"}, AST_JOIN_LEFT},
        {{"RIGHT", "JOIN"}, AST_JOIN_RIGHT},
        {{"FULL", "JOIN"}, AST_JOIN_FULL},
        {{"SEMI", "JOIN"}, AST_JOIN_LEFT_SEMI},
        {{"ANTI", "JOIN"}, AST_JOIN_LEFT_ANTI},
        {{"JOIN"}, AST_JOIN_INNER},
    };
    if (is_word(p, "NULL") && is_word_ahead(p, 1, "AWARE") && is_word_ahead(p, 2, "LEFT")) {
        p->at += 5;
        *out = AST_JOIN_NULL_AWARE_ANTI;
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        uint32_t n = 0;
        while (n < 4 && forms[i].words[n] != NULL && is_word_ahead(p, n, forms[i].words[n]))
            n++;
        if (n < 4 && forms[i].words[n] == NULL) {
            p->at += n;
            *out = forms[i].kind;
            return true;
        }
    }
    return false;
}

static Status parse_join_condition(Parser *p, AstRelation *join)
{
    if (accept_word(p, "ON"))
        return parse_expression(p, &join->on);
    if (accept_word(p, "USING"))
        return parse_identifier_list(p, &join->using_columns);
    return OK;
}

static Status parse_join_hint(Parser *p, AstRelation *join)
{
    if (!accept_symbol(p, "["))
        return OK;
    join->join_hint = peek_token(p)->text;
    while (peek_token(p)->kind != TOKEN_END && !is_symbol(p, "]"))
        p->at++;
    return expect_symbol(p, "]");
}

static AstRelation *new_join(Parser *p, AstJoinKind kind, AstRelation *left)
{
    AstRelation *join = ARENA_NEW(p->arena, AstRelation);
    join->kind = AST_JOIN;
    join->join_kind = (uint8_t)kind;
    join->left = left;
    join->begin = left->begin;
    return join;
}

static Status parse_joined(Parser *p, AstRelation **out)
{
    TRY(parse_relation_primary(p, out));
    AstJoinKind kind;
    while (join_kind(p, &kind)) {
        AstRelation *join = new_join(p, kind, *out);
        TRY(parse_join_hint(p, join));
        TRY(parse_relation_primary(p, &join->right));
        TRY(parse_join_condition(p, join));
        *out = join;
    }
    return OK;
}

Status parse_relation(Parser *p, AstRelation **out)
{
    TRY(enter_depth(p));
    TRY(parse_joined(p, out));
    while (accept_symbol(p, ",")) {
        AstRelation *join = new_join(p, AST_JOIN_CROSS, *out);
        TRY(parse_joined(p, &join->right));
        *out = join;
    }
    p->depth--;
    return OK;
}
