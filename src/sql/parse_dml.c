#include "sql/parser_int.h"

/* INSERT, UPDATE, DELETE. */

static Status parse_insert_target(Parser *p, AstInsert *insert)
{
    (void)accept_word(p, "TABLE");
    if (is_word(p, "FILES") && is_symbol_ahead(p, 1, "(")) {
        p->at++;
        insert->is_files = true;
        return parse_properties(p, &insert->files);
    }
    if (is_word(p, "BLACKHOLE") && is_symbol_ahead(p, 1, "(")) {
        p->at += 2;
        insert->is_blackhole = true;
        return expect_symbol(p, ")");
    }
    TRY(parse_name(p, &insert->table));
    if (accept_temporary_partition(p, &insert->is_temporary_partition)) {
        TRY(expect_symbol(p, "("));
        do {
            StrView name;
            TRY(parse_string_or_name(p, &name));
            if (accept_symbol(p, "=")) {
                AstExpr *value;
                TRY(parse_expression(p, &value));
                AST_PUSH(p->arena, &insert->partition_values, value);
            }
            AST_PUSH(p->arena, &insert->partitions, name);
        } while (accept_symbol(p, ","));
        TRY(expect_symbol(p, ")"));
    }
    if (accept_words(p, "WITH", "LABEL"))
        TRY(parse_string_or_name(p, &insert->label));
    return OK;
}

Status parse_insert(Parser *p, AstStatement *out)
{
    out->kind = AST_STATEMENT_INSERT;
    AstInsert *insert = ARENA_NEW(p->arena, AstInsert);
    out->insert = insert;
    p->at++;
    AstSelect hints = {0};
    while (peek_token(p)->kind == TOKEN_HINT)
        TRY(parse_hint(p, &hints));
    insert->hint_names = hints.hint_names;
    insert->hint_values = hints.hint_values;
    insert->is_overwrite = accept_word(p, "OVERWRITE");
    if (!insert->is_overwrite)
        TRY(expect_word(p, "INTO"));
    TRY(parse_insert_target(p, insert));
    if (accept_words(p, "BY", "NAME"))
        insert->by_name = true;
    if (is_symbol(p, "(") && !at_query_start(p)) {
        insert->has_columns = true;
        TRY(parse_identifier_list(p, &insert->columns));
    }
    if (accept_words(p, "WITH", "LABEL"))
        TRY(parse_string_or_name(p, &insert->label));
    TRY(parse_optional_properties(p, &insert->properties));
    if (accept_words(p, "BY", "NAME"))
        insert->by_name = true;
    if (!at_query_start(p))
        return syntax_error(p, "'VALUES', 'SELECT'");
    p->allow_default = is_word(p, "VALUES");
    Status status = parse_query(p, &insert->query);
    p->allow_default = false;
    return status;
}

/* [TEMPORARY PARTITION (..)] [[AS] alias] of UPDATE and DELETE */
static Status parse_target_alias(Parser *p, AstStatement *out)
{
    if (accept_temporary_partition(p, &out->flag))
        TRY(parse_partition_names(p, &out->names));
    if (accept_word(p, "AS") || (at_alias(p) && !is_word(p, "USING") && !is_word(p, "SET")))
        TRY(parse_any_word(p, &out->alias));
    return OK;
}

Status parse_update(Parser *p, AstStatement *out)
{
    out->kind = AST_STATEMENT_UPDATE;
    p->at++;
    while (peek_token(p)->kind == TOKEN_HINT)
        p->at++;
    TRY(parse_name(p, &out->name));
    TRY(parse_target_alias(p, out));
    TRY(expect_word(p, "SET"));
    do {
        StrView column;
        AstExpr *value;
        TRY(parse_any_word(p, &column));
        while (accept_symbol(p, "."))
            TRY(parse_any_word(p, &column));
        TRY(expect_symbol(p, "="));
        p->allow_default = true;
        TRY(parse_expression(p, &value));
        p->allow_default = false;
        AST_PUSH(p->arena, &out->set_columns, column);
        AST_PUSH(p->arena, &out->values, value);
    } while (accept_symbol(p, ","));
    if (accept_word(p, "FROM"))
        TRY(parse_relation(p, &out->from));
    return accept_word(p, "WHERE") ? parse_expression(p, &out->where) : OK;
}

Status parse_delete(Parser *p, AstStatement *out)
{
    out->kind = AST_STATEMENT_DELETE;
    p->at++;
    while (peek_token(p)->kind == TOKEN_HINT)
        p->at++;
    TRY(expect_word(p, "FROM"));
    TRY(parse_name(p, &out->name));
    TRY(parse_target_alias(p, out));
    if (accept_word(p, "USING"))
        TRY(parse_relation(p, &out->from));
    return accept_word(p, "WHERE") ? parse_expression(p, &out->where) : OK;
}
