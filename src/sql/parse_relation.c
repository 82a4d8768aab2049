#include "sql/parser_int.h"

/* What stands in FROM: tables with their suffixes, table functions, FILES(), subqueries, joins, PIVOT. */

Status parse_alias(Parser *p, AstRelation *relation)
{
    bool has_as = accept_word(p, "AS");
    if (has_as || (at_alias(p) && !ends_relation(p)))
        TRY(parse_string_or_name(p, &relation->alias));
    if (relation->alias.length > 0 && is_symbol(p, "("))
        TRY(parse_identifier_list(p, &relation->column_aliases));
    return OK;
}

bool accept_temporary_partition(Parser *p, bool *out_temporary)
{
    uint32_t ahead = is_word(p, "TEMPORARY") ? 1 : 0;
    if (!is_word_ahead(p, ahead, "PARTITION") && !is_word_ahead(p, ahead, "PARTITIONS"))
        return false;
    *out_temporary = ahead > 0;
    p->at += ahead + 1;
    return true;
}

Status parse_partition_names(Parser *p, AstStrList *out)
{
    if (is_symbol(p, "("))
        return parse_identifier_list(p, out);
    StrView name;
    TRY(parse_string_or_name(p, &name));
    AST_PUSH(p->arena, out, name);
    return OK;
}

/* FOR VERSION AS OF v, FOR TIMESTAMP AS OF t, and the SYSTEM_ spellings */
static Status parse_as_of(Parser *p, AstRelation *relation)
{
    if (!is_word(p, "FOR"))
        return OK;
    p->at++;
    relation->is_as_of_version = is_word(p, "VERSION") || is_word(p, "SYSTEM_VERSION");
    if (!relation->is_as_of_version && !is_word(p, "TIMESTAMP") && !is_word(p, "SYSTEM_TIME"))
        return syntax_error(p, "'VERSION', 'TIMESTAMP'");
    p->at++;
    TRY(expect_word(p, "AS"));
    TRY(expect_word(p, "OF"));
    return parse_operand(p, &relation->as_of);
}

static Status parse_sample(Parser *p, AstRelation *relation)
{
    if (!accept_word(p, "SAMPLE") && !accept_word(p, "TABLESAMPLE"))
        return OK;
    relation->is_sample = true;
    AstProperties options = {0};
    if (is_symbol(p, "("))
        TRY(parse_properties(p, &options));
    relation->file_keys = options.keys;
    relation->file_values = options.values;
    return OK;
}

static Status parse_table_hint(Parser *p, AstRelation *relation)
{
    if (!is_symbol(p, "["))
        return OK;
    uint32_t begin = peek_token(p)->end;
    while (peek_token(p)->kind != TOKEN_END && !is_symbol(p, "]"))
        p->at++;
    relation->table_hint = strview_trim(text_between(p, begin, peek_token(p)->begin));
    return expect_symbol(p, "]");
}

Status parse_table_suffix(Parser *p, AstRelation *relation)
{
    TRY(parse_as_of(p, relation));
    if (accept_temporary_partition(p, &relation->is_temporary_partition))
        TRY(parse_partition_names(p, &relation->partitions));
    if ((is_word(p, "TABLET") || is_word(p, "REPLICA")) && is_symbol_ahead(p, 1, "(")) {
        p->at += 2;
        TRY(parse_expression_list(p, &relation->tablets));
        TRY(expect_symbol(p, ")"));
    }
    TRY(parse_sample(p, relation));
    TRY(parse_table_hint(p, relation));
    TRY(parse_alias(p, relation));
    TRY(parse_table_hint(p, relation));
    return parse_sample(p, relation);
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
        const char *words[5];
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
        {{"ASOF", "INNER", "JOIN"}, AST_JOIN_ASOF_INNER},
        {{"ASOF", "LEFT", "OUTER", "JOIN"}, AST_JOIN_ASOF_LEFT},
        {{"ASOF", "LEFT", "JOIN"}, AST_JOIN_ASOF_LEFT},
        {{"ASOF", "JOIN"}, AST_JOIN_ASOF_INNER},
        {{"SEMI", "JOIN"}, AST_JOIN_LEFT_SEMI},
        {{"ANTI", "JOIN"}, AST_JOIN_LEFT_ANTI},
        {{"JOIN"}, AST_JOIN_INNER},
    };
    if (is_word(p, "NULL") && is_word_ahead(p, 1, "AWARE") && is_word_ahead(p, 2, "LEFT") &&
        is_word_ahead(p, 3, "ANTI") && is_word_ahead(p, 4, "JOIN")) {
        p->at += 5;
        *out = AST_JOIN_NULL_AWARE_ANTI;
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        uint32_t n = 0;
        while (forms[i].words[n] != NULL && is_word_ahead(p, n, forms[i].words[n]))
            n++;
        if (forms[i].words[n] == NULL) {
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
    bool may_lack_condition = join->join_kind == AST_JOIN_INNER || join->join_kind == AST_JOIN_CROSS;
    return may_lack_condition || join->right->is_lateral || join->right->kind == AST_TABLE_FUNCTION
               ? OK
               : syntax_error(p, "'ON', 'USING'");
}

/* [broadcast], [skew|t.c(1, 2)] */
static Status parse_join_hint(Parser *p, AstRelation *join)
{
    if (!accept_symbol(p, "["))
        return OK;
    TRY(parse_any_word(p, &join->join_hint));
    if (accept_symbol(p, "|")) {
        AstName column;
        uint32_t begin = peek_token(p)->begin;
        TRY(parse_name(p, &column));
        join->skew_column = new_ast_expr(p, AST_NAME, begin);
        join->skew_column->name = column;
        TRY(expect_symbol(p, "("));
        TRY(parse_expression_list(p, &join->skew_values));
        TRY(expect_symbol(p, ")"));
    }
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

/* PIVOT (sum(x) [AS a], ... FOR c IN (1 [AS b], ...)) [alias] */
Status parse_pivot(Parser *p, AstRelation **in_out)
{
    AstRelation *relation = ARENA_NEW(p->arena, AstRelation);
    relation->kind = AST_PIVOT_TABLE;
    relation->left = *in_out;
    relation->begin = (*in_out)->begin;
    AstPivot *pivot = relation->pivot = ARENA_NEW(p->arena, AstPivot);
    TRY(expect_symbol(p, "("));
    do {
        TRY(parse_select_item(p, &pivot->aggregates));
    } while (accept_symbol(p, ","));
    TRY(expect_word(p, "FOR"));
    bool is_list = accept_symbol(p, "(");
    do {
        AstExpr *column;
        TRY(parse_operand(p, &column));
        AST_PUSH(p->arena, &pivot->columns, column);
    } while (is_list && accept_symbol(p, ","));
    if (is_list)
        TRY(expect_symbol(p, ")"));
    TRY(expect_word(p, "IN"));
    TRY(expect_symbol(p, "("));
    do {
        TRY(parse_select_item(p, &pivot->values));
    } while (accept_symbol(p, ","));
    TRY(expect_symbol(p, ")"));
    TRY(expect_symbol(p, ")"));
    *in_out = relation;
    return parse_alias(p, relation);
}

static Status parse_relation_item(Parser *p, AstRelation **out)
{
    TRY(parse_relation_primary(p, out));
    while (is_word(p, "PIVOT") && is_symbol_ahead(p, 1, "(")) {
        p->at++;
        TRY(enter_chain(p));
        TRY(parse_pivot(p, out));
    }
    return OK;
}

static Status parse_joined(Parser *p, AstRelation **out)
{
    TRY(parse_relation_item(p, out));
    AstJoinKind kind;
    while (join_kind(p, &kind)) {
        TRY(enter_chain(p));
        AstRelation *join = new_join(p, kind, *out);
        TRY(parse_join_hint(p, join));
        TRY(parse_relation_item(p, &join->right));
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
        TRY(enter_chain(p));
        AstRelation *join = new_join(p, AST_JOIN_CROSS, *out);
        TRY(parse_joined(p, &join->right));
        *out = join;
    }
    p->depth--;
    return OK;
}
