#include "sql/ast_command.h"
#include "sql/parser_int.h"

/* CREATE TABLE in all its parts: columns, indexes, keys, partitions, distribution, properties. */

/* ON UPDATE CURRENT_TIMESTAMP[(n)] of MySQL */
static Status skip_current_timestamp(Parser *p)
{
    TRY(expect_word(p, "CURRENT_TIMESTAMP"));
    if (accept_symbol(p, "(")) {
        p->at += peek_token(p)->kind == TOKEN_INTEGER;
        return expect_symbol(p, ")");
    }
    return OK;
}

static Status parse_default(Parser *p, AstColumn *out)
{
    const Token *token = peek_token(p);
    bool is_negative = accept_symbol(p, "-");
    token = peek_token(p);
    if (accept_word(p, "CURRENT_TIMESTAMP") || accept_word(p, "NOW")) {
        out->default_kind = 2;
        if (accept_symbol(p, "(")) {
            uint64_t precision;
            if (!is_symbol(p, ")"))
                TRY(parse_integer(p, &precision));
            TRY(expect_symbol(p, ")"));
        }
        if (accept_words(p, "ON", "UPDATE"))
            return skip_current_timestamp(p);
        return OK;
    }
    if (accept_word(p, "NULL")) {
        out->default_kind = 4;
        return OK;
    }
    bool is_collection = is_symbol(p, "[") || (is_word(p, "MAP") && (is_symbol_ahead(p, 1, "{") || is_symbol_ahead(p, 1, "<"))) ||
                         (is_word(p, "ARRAY") && is_symbol_ahead(p, 1, "<"));
    if (is_symbol(p, "(") || is_collection ||
        (token->kind == TOKEN_WORD && is_symbol_ahead(p, 1, "("))) {
        AstExpr *call;
        TRY(parse_primary(p, &call));
        out->default_kind = 3;
        out->default_text = text_between(p, call->begin, call->end);
        return OK;
    }
    if (token->kind == TOKEN_END || token->kind == TOKEN_SYMBOL)
        return syntax_error(p, "a default value");
    out->default_kind = 1;
    out->default_text = token->text;
    if (is_negative)
        out->default_text = text_between(p, token->begin - 1, token->end);
    p->at++;
    return OK;
}

/* DEFAULT, AUTO_INCREMENT and AS (expr) exclude each other. */
static Status parse_value_source(Parser *p, AstColumn *out)
{
    if (out->default_kind != 0 || out->is_auto_increment || out->generated != NULL)
        return syntax_error(p, "',', ')'");
    if (accept_word(p, "DEFAULT"))
        return parse_default(p, out);
    if (accept_word(p, "AUTO_INCREMENT")) {
        out->is_auto_increment = true;
        return OK;
    }
    p->at++;
    return parse_expression(p, &out->generated);
}

static bool at_aggregate(const Parser *p)
{
    static const char *const names[] = {"SUM",        "MIN",          "MAX",
                                        "REPLACE",    "REPLACE_IF_NOT_NULL", "HLL_UNION",
                                        "BITMAP_UNION", "PERCENTILE_UNION"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (is_word(p, names[i]))
            return true;
    }
    return false;
}

static Status parse_column_attribute(Parser *p, AstColumn *out, bool *out_done)
{
    *out_done = false;
    if (at_aggregate(p)) {
        out->aggregate = peek_token(p)->text;
        p->at++;
    } else if (accept_words(p, "NOT", "NULL")) {
        out->has_nullability = true;
        out->is_nullable = false;
    } else if (accept_word(p, "NULL")) {
        out->has_nullability = out->is_nullable = true;
    } else if (is_word(p, "DEFAULT") || is_word(p, "AUTO_INCREMENT") || is_word(p, "AS")) {
        return parse_value_source(p, out);
    } else if (accept_word(p, "COMMENT")) {
        return parse_string(p, &out->comment);
    } else if (accept_word(p, "KEY") || accept_words(p, "PRIMARY", "KEY")) {
        out->is_key = true;
    } else if (accept_words(p, "CHARACTER", "SET") || accept_word(p, "CHARSET") || accept_word(p, "COLLATE")) {
        StrView name;
        return parse_any_word(p, &name);
    } else {
        *out_done = true;
    }
    return OK;
}

static Status check_column(Parser *p, const AstColumn *column, uint32_t begin)
{
    bool not_null = column->has_nullability && !column->is_nullable;
    if (column->is_auto_increment && column->has_nullability && column->is_nullable) {
        uint32_t line, at;
        sql_position(p->text, begin, &line, &at);
        return RAISE(p->diag, SYNTAX,
                     "Getting syntax error at line %u, column %u. Detail message: AUTO_INCREMENT column "
                     "%.*s must be NOT NULL.",
                     line, at, SV_ARGS(column->name));
    }
    if (column->generated != NULL && column->is_key)
        return RAISE(p->diag, SYNTAX,
                     "Getting syntax error. Detail message: Generated Column can not be KEY.");
    if (column->generated != NULL && not_null)
        return RAISE(p->diag, SYNTAX,
                     "Getting syntax error. Detail message: Generated Column must be nullable column.");
    return OK;
}

/* avg(int): a word, a parenthesis and a type word. */
static bool at_aggregate_state(const Parser *p)
{
    static const char *const types[] = {"VARCHAR", "CHAR", "DECIMAL", "VARBINARY", "BINARY"};
    if (peek_token(p)->kind != TOKEN_WORD || !is_symbol_ahead(p, 1, "(") ||
        peek_ahead(p, 2)->kind != TOKEN_WORD)
        return false;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (is_word(p, types[i]))
            return false;
    }
    return true;
}

static Status parse_aggregate_state(Parser *p, AstColumn *out)
{
    TRY(parse_any_word(p, &out->aggregate));
    TRY(expect_symbol(p, "("));
    AstTypeList types = {0};
    struct {
        bool *items;
        uint32_t count;
        uint32_t capacity;
    } nullable = {0};
    do {
        Type type;
        TRY(parse_type_name(p, &type));
        AST_PUSH(p->arena, &types, type);
        bool not_null = accept_words(p, "NOT", "NULL");
        if (!not_null)
            (void)accept_word(p, "NULL");
        AST_PUSH(p->arena, &nullable, !not_null);
    } while (accept_symbol(p, ","));
    out->state_types = types.items;
    out->state_nullable = nullable.items;
    out->state_count = types.count;
    return expect_symbol(p, ")");
}

Status parse_column_definition(Parser *p, AstColumn *out)
{
    uint32_t begin = peek_token(p)->begin;
    *out = (AstColumn){.is_nullable = true};
    TRY(parse_string_or_name(p, &out->name));
    bool ends = is_symbol(p, ",") || is_symbol(p, ")") || peek_token(p)->kind == TOKEN_END;
    if (!ends && at_aggregate_state(p)) {
        TRY(parse_aggregate_state(p, out));
    } else if (!ends && !is_word(p, "AS") && !is_word(p, "COMMENT")) {
        TRY(parse_type_name(p, &out->type));
        out->has_type = true;
    }
    bool done = false;
    while (!done)
        TRY(parse_column_attribute(p, out, &done));
    return check_column(p, out, begin);
}

Status parse_index(Parser *p, AstIndex *out)
{
    TRY(parse_any_word(p, &out->name));
    return parse_index_definition(p, out);
}

/* (a, b) [USING kind] [("k" = "v")] [COMMENT 'c'] */
Status parse_index_definition(Parser *p, AstIndex *out)
{
    TRY(expect_symbol(p, "("));
    do {
        StrView name;
        TRY(parse_any_word(p, &name));
        (void)(accept_word(p, "ASC") || accept_word(p, "DESC"));
        AST_PUSH(p->arena, &out->columns, name);
    } while (accept_symbol(p, ","));
    TRY(expect_symbol(p, ")"));
    out->kind = STR_VIEW("BITMAP");
    if (accept_word(p, "USING"))
        TRY(parse_any_word(p, &out->kind));
    if (is_symbol(p, "("))
        TRY(parse_properties(p, &out->properties));
    if (accept_word(p, "COMMENT"))
        TRY(parse_string(p, &out->comment));
    return OK;
}

static Status parse_columns(Parser *p, AstCreateTable *table)
{
    TRY(expect_symbol(p, "("));
    do {
        if (is_word(p, "INDEX") && peek_ahead(p, 1)->kind != TOKEN_SYMBOL) {
            AstIndex index = {0};
            p->at++;
            TRY(parse_index(p, &index));
            AST_PUSH(p->arena, &table->indexes, index);
            continue;
        }
        if (is_word(p, "PRIMARY") && is_word_ahead(p, 1, "KEY")) {
            p->at += 2;
            table->key_kind = STR_VIEW("PRIMARY");
            TRY(parse_identifier_list(p, &table->keys));
            continue;
        }
        AstColumn column;
        TRY(parse_column_definition(p, &column));
        AST_PUSH(p->arena, &table->columns, column);
    } while (accept_symbol(p, ","));
    return expect_symbol(p, ")");
}

/* ("a", "b") or "a" or MAXVALUE */
static Status parse_bound(Parser *p, AstExprList *out)
{
    bool is_list = accept_symbol(p, "(");
    do {
        AstExpr *value;
        if (is_word(p, "MAXVALUE")) {
            p->at++;
            value = new_ast_expr(p, AST_NAME, p->tokens[p->at - 1].begin);
            value->name.parts[0] = STR_VIEW("MAXVALUE");
            value->name.count = 1;
        } else {
            TRY(parse_expression(p, &value));
        }
        AST_PUSH(p->arena, out, value);
    } while (is_list && accept_symbol(p, ","));
    return is_list ? expect_symbol(p, ")") : OK;
}

static Status parse_list_values(Parser *p, AstRowList *out)
{
    TRY(expect_symbol(p, "("));
    do {
        AstExprList row = {0};
        if (accept_symbol(p, "(")) {
            TRY(parse_expression_list(p, &row));
            TRY(expect_symbol(p, ")"));
        } else {
            AstExpr *value;
            TRY(parse_expression(p, &value));
            AST_PUSH(p->arena, &row, value);
        }
        AST_PUSH(p->arena, out, row);
    } while (accept_symbol(p, ","));
    return expect_symbol(p, ")");
}

static Status parse_batch_range(Parser *p, AstPartition *out)
{
    out->kind = AST_PARTITION_RANGE;
    TRY(expect_symbol(p, "("));
    TRY(parse_expression(p, &out->start));
    TRY(expect_symbol(p, ")"));
    TRY(expect_word(p, "END"));
    TRY(expect_symbol(p, "("));
    TRY(parse_expression(p, &out->stop));
    TRY(expect_symbol(p, ")"));
    TRY(expect_word(p, "EVERY"));
    TRY(expect_symbol(p, "("));
    TRY(parse_expression(p, &out->every));
    return expect_symbol(p, ")");
}

Status parse_partition_item(Parser *p, AstPartition *out)
{
    *out = (AstPartition){0};
    if (accept_word(p, "START"))
        return parse_batch_range(p, out);
    (void)accept_word(p, "PARTITION");
    out->if_not_exists = accept_word(p, "IF") && accept_word(p, "NOT") && accept_word(p, "EXISTS");
    TRY(parse_any_word(p, &out->name));
    TRY(expect_word(p, "VALUES"));
    if (accept_word(p, "IN")) {
        out->kind = AST_PARTITION_LIST;
        TRY(parse_list_values(p, &out->rows));
    } else if (accept_words(p, "LESS", "THAN")) {
        out->kind = AST_PARTITION_LESS_THAN;
        TRY(parse_bound(p, &out->high));
    } else {
        out->kind = AST_PARTITION_FIXED;
        TRY(expect_symbol(p, "["));
        TRY(parse_bound(p, &out->low));
        TRY(expect_symbol(p, ","));
        TRY(parse_bound(p, &out->high));
        TRY(expect_symbol(p, ")"));
    }
    if (is_symbol(p, "("))
        TRY(parse_properties(p, &out->properties));
    return OK;
}

static Status parse_partition_items(Parser *p, AstCreateTable *table)
{
    if (!accept_symbol(p, "("))
        return OK;
    while (!is_symbol(p, ")")) {
        AstPartition item;
        TRY(parse_partition_item(p, &item));
        AST_PUSH(p->arena, &table->partitions, item);
        if (!accept_symbol(p, ","))
            break;
    }
    return expect_symbol(p, ")");
}

Status parse_partition_clause(Parser *p, AstCreateTable *table)
{
    bool is_range = is_word(p, "RANGE") && is_symbol_ahead(p, 1, "(");
    bool is_list = is_word(p, "LIST") && is_symbol_ahead(p, 1, "(");
    if (is_range || is_list) {
        p->at += 2;
        table->partition_scheme = is_range ? AST_RANGE_PARTITIONED : AST_LIST_PARTITIONED;
        TRY(parse_expression_list(p, &table->partition_exprs));
        TRY(expect_symbol(p, ")"));
        return parse_partition_items(p, table);
    }
    table->partition_scheme = AST_EXPRESSION_PARTITIONED;
    bool has_parentheses = accept_symbol(p, "(");
    TRY(parse_expression_list(p, &table->partition_exprs));
    if (has_parentheses)
        TRY(expect_symbol(p, ")"));
    return parse_partition_items(p, table);
}

Status parse_distribution(Parser *p, AstCreateTable *table)
{
    table->has_distribution = true;
    if (accept_word(p, "RANDOM")) {
        table->is_random = true;
    } else {
        TRY(expect_word(p, "HASH"));
        TRY(parse_identifier_list(p, &table->bucket_columns));
    }
    if (accept_word(p, "BUCKETS")) {
        uint64_t buckets;
        TRY(parse_integer(p, &buckets));
        table->buckets = (uint32_t)MIN(buckets, (uint64_t)UINT32_MAX);
    }
    return OK;
}

/* ORDER BY (a, b DESC) */
Status parse_sort_key(Parser *p, AstCreateTable *table)
{
    bool is_list = accept_symbol(p, "(");
    do {
        AstOrderItem item = {.expr = NULL};
        StrView name;
        uint32_t begin = peek_token(p)->begin;
        TRY(parse_any_word(p, &name));
        AST_PUSH(p->arena, &table->sort_columns, name);
        item.expr = new_ast_expr(p, AST_NAME, begin);
        item.expr->name.parts[0] = name;
        item.expr->name.count = 1;
        item.is_descending = accept_word(p, "DESC");
        if (!item.is_descending)
            (void)accept_word(p, "ASC");
        if (accept_word(p, "NULLS")) {
            item.has_nulls = true;
            item.nulls_first = accept_word(p, "FIRST");
            if (!item.nulls_first)
                TRY(expect_word(p, "LAST"));
        }
        AST_PUSH(p->arena, &table->sort_order, item);
    } while (is_list && accept_symbol(p, ","));
    return is_list ? expect_symbol(p, ")") : OK;
}

/* r (a, b) [DUPLICATE KEY (a)] [FROM base] [PROPERTIES (..)], ... */
Status parse_rollups(Parser *p, AstRollups *out)
{
    do {
        AstRollup rollup = {0};
        TRY(parse_any_word(p, &rollup.name));
        TRY(parse_identifier_list(p, &rollup.columns));
        if (accept_words(p, "DUPLICATE", "KEY"))
            TRY(parse_identifier_list(p, &rollup.keys));
        if (accept_word(p, "FROM"))
            TRY(parse_any_word(p, &rollup.from));
        TRY(parse_optional_properties(p, &rollup.properties));
        AST_PUSH(p->arena, out, rollup);
    } while (accept_symbol(p, ","));
    return OK;
}

Status parse_table_option(Parser *p, AstCreateTable *table, bool *out_done)
{
    static const char *const key_kinds[] = {"DUPLICATE", "AGGREGATE", "UNIQUE", "PRIMARY"};
    *out_done = false;
    if (accept_word(p, "ENGINE")) {
        TRY(expect_symbol(p, "="));
        return parse_any_word(p, &table->engine);
    }
    for (size_t i = 0; i < COUNT_OF(key_kinds); i++) {
        if (accept_words(p, key_kinds[i], "KEY")) {
            table->key_kind = strview(key_kinds[i]);
            return parse_identifier_list(p, &table->keys);
        }
    }
    if (accept_word(p, "COMMENT")) {
        (void)accept_symbol(p, "=");
        return parse_string(p, &table->comment);
    }
    if (accept_words(p, "PARTITION", "BY"))
        return parse_partition_clause(p, table);
    if (accept_words(p, "DISTRIBUTED", "BY"))
        return parse_distribution(p, table);
    if (accept_words(p, "ORDER", "BY"))
        return parse_sort_key(p, table);
    if (accept_word(p, "PROPERTIES"))
        return parse_properties(p, &table->properties);
    if (accept_word(p, "ROLLUP")) {
        TRY(expect_symbol(p, "("));
        table->rollups = ARENA_NEW(p->arena, AstRollups);
        TRY(parse_rollups(p, table->rollups));
        return expect_symbol(p, ")");
    }
    if (accept_word(p, "CHARSET") || accept_words(p, "DEFAULT", "CHARSET") || accept_word(p, "COLLATE") ||
        accept_words(p, "DEFAULT", "COLLATE")) {
        StrView name;
        (void)accept_symbol(p, "=");
        return parse_string_or_name(p, &name);
    }
    *out_done = true;
    return OK;
}

static Status parse_ctas_columns(Parser *p, AstCreateTable *table)
{
    TRY(expect_symbol(p, "("));
    do {
        StrView name;
        if (accept_word(p, "INDEX")) {
            AstIndex index = {0};
            TRY(parse_index(p, &index));
            AST_PUSH(p->arena, &table->indexes, index);
            continue;
        }
        TRY(parse_any_word(p, &name));
        AST_PUSH(p->arena, &table->as_columns, name);
    } while (accept_symbol(p, ","));
    return expect_symbol(p, ")");
}

/* (a, b, c) without types belongs to CREATE TABLE ... AS. */
static bool at_bare_columns(const Parser *p)
{
    return is_symbol(p, "(") && (is_symbol_ahead(p, 2, ",") || is_symbol_ahead(p, 2, ")"));
}

Status parse_create_table(Parser *p, AstStatement *out)
{
    out->kind = AST_STATEMENT_CREATE_TABLE;
    AstCreateTable *table = ARENA_NEW(p->arena, AstCreateTable);
    out->create_table = table;
    table->if_not_exists = accept_word(p, "IF");
    if (table->if_not_exists) {
        TRY(expect_word(p, "NOT"));
        TRY(expect_word(p, "EXISTS"));
    }
    TRY(parse_name(p, &table->name));
    if (accept_word(p, "CLONE"))
        return parse_clone(p, out, "CLONE TABLE", &table->name, table->if_not_exists);
    if (at_bare_columns(p))
        TRY(parse_ctas_columns(p, table));
    else if (is_symbol(p, "("))
        TRY(parse_columns(p, table));
    bool done = false;
    while (!done) {
        if (accept_word(p, "LIKE")) {
            table->is_like = true;
            TRY(parse_name(p, &table->like));
            continue;
        }
        TRY(parse_table_option(p, table, &done));
    }
    if (accept_word(p, "AS") || at_query_start(p))
        TRY(parse_query(p, &table->as_query));
    return OK;
}
