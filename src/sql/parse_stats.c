#include "sql/ast_command.h"
#include "sql/parser_int.h"

/* ANALYZE in all forms, statistics jobs, and MERGE INTO. */

static AstAnalyze *new_analyze(Parser *p, AstStatement *out, const char *action)
{
    out->kind = AST_STATEMENT_STATISTICS;
    out->analyze = ARENA_NEW(p->arena, AstAnalyze);
    out->analyze->action = strview(action);
    return out->analyze;
}

static Status parse_columns_in_parentheses(Parser *p, AstAnalyze *analyze)
{
    TRY(expect_symbol(p, "("));
    TRY(parse_expression_list(p, &analyze->columns));
    return expect_symbol(p, ")");
}

static Status parse_histogram(Parser *p, AstAnalyze *analyze, bool is_update)
{
    analyze->action = is_update ? STR_VIEW("UPDATE HISTOGRAM") : STR_VIEW("DROP HISTOGRAM");
    TRY(expect_word(p, "ON"));
    return parse_expression_list(p, &analyze->columns);
}

static Status parse_analyze_option(Parser *p, AstAnalyze *analyze, bool *out_done)
{
    *out_done = false;
    if (is_symbol(p, "("))
        return parse_columns_in_parentheses(p, analyze);
    if (accept_phrase(p, "ALL COLUMNS"))
        analyze->all_columns = true;
    else if (accept_phrase(p, "PREDICATE COLUMNS"))
        analyze->predicate_columns = true;
    else if (accept_phrase(p, "MULTIPLE COLUMNS"))
        analyze->multiple_columns = true;
    else if (accept_phrase(p, "WITH SYNC MODE"))
        analyze->is_sync = true;
    else if (accept_phrase(p, "WITH ASYNC MODE"))
        analyze->is_async = true;
    else if (accept_phrase(p, "UPDATE HISTOGRAM") || accept_phrase(p, "DROP HISTOGRAM"))
        return parse_histogram(p, analyze, strview_equal_ci(p->tokens[p->at - 2].text, STR_VIEW("UPDATE")));
    else if (is_word(p, "WITH") && is_word_ahead(p, 2, "BUCKETS")) {
        p->at++;
        TRY(parse_integer(p, &analyze->buckets));
        return expect_word(p, "BUCKETS");
    } else if (is_word(p, "WITH") && peek_ahead(p, 1)->kind == TOKEN_INTEGER) {
        p->at++;
        TRY(parse_integer(p, &analyze->buckets));
        return expect_word(p, "BUCKETS");
    } else if (accept_word(p, "PARTITION") || accept_word(p, "PARTITIONS"))
        return parse_partition_names(p, &analyze->partitions);
    else if (accept_word(p, "PROPERTIES"))
        return parse_properties(p, &analyze->properties);
    else
        *out_done = true;
    return OK;
}

static Status parse_analyze_options(Parser *p, AstAnalyze *analyze)
{
    bool done = false;
    while (!done)
        TRY(parse_analyze_option(p, analyze, &done));
    return OK;
}

static Status parse_analyze_profile(Parser *p, AstStatement *out)
{
    AstCommand *command = new_command(p, out, "ANALYZE PROFILE");
    TRY(expect_word(p, "FROM"));
    if (peek_token(p)->kind == TOKEN_STRING) {
        TRY(parse_string(p, &command->text));
    } else {
        AstExpr *id;
        TRY(parse_expression(p, &id));
        AST_PUSH(p->arena, &command->values, id);
    }
    return accept_symbol(p, ",") ? parse_expression_list(p, &command->values) : OK;
}

/* ANALYZE [FULL|SAMPLE] TABLE t ...: also fills the statement's own name, for the plain form. */
static Status parse_analyze(Parser *p, AstStatement *out)
{
    uint32_t begin = peek_token(p)->begin;
    p->at++;
    if (accept_word(p, "PROFILE"))
        return parse_analyze_profile(p, out);
    AstAnalyze *analyze = new_analyze(p, out, "ANALYZE");
    analyze->is_full = accept_word(p, "FULL");
    analyze->is_sample = !analyze->is_full && accept_word(p, "SAMPLE");
    TRY(expect_word(p, "TABLE"));
    TRY(parse_name(p, &analyze->table));
    TRY(parse_analyze_options(p, analyze));
    out->kind = AST_STATEMENT_ANALYZE;
    out->name = analyze->table;
    out->text = text_between(p, begin, last_end(p));
    return OK;
}

/* CREATE ANALYZE [FULL|SAMPLE] {ALL | DATABASE d | TABLE t [(cols)]} [PROPERTIES (..)] */
static Status parse_create_analyze(Parser *p, AstStatement *out)
{
    AstAnalyze *analyze = new_analyze(p, out, "CREATE ANALYZE");
    analyze->is_full = accept_word(p, "FULL");
    analyze->is_sample = !analyze->is_full && accept_word(p, "SAMPLE");
    if (accept_word(p, "DATABASE")) {
        analyze->is_database = true;
        TRY(parse_name(p, &analyze->table));
    } else if (!accept_word(p, "ALL")) {
        TRY(expect_word(p, "TABLE"));
        TRY(parse_name(p, &analyze->table));
    }
    return parse_analyze_options(p, analyze);
}

static Status parse_drop_stats(Parser *p, AstStatement *out, const char *action)
{
    AstAnalyze *analyze = new_analyze(p, out, action);
    return parse_name(p, &analyze->table);
}

Status parse_statistics(Parser *p, AstStatement *out, bool *out_found)
{
    *out_found = true;
    if (is_word(p, "ANALYZE"))
        return parse_analyze(p, out);
    if (accept_phrase(p, "CREATE ANALYZE"))
        return parse_create_analyze(p, out);
    if (accept_phrase(p, "DROP ALL ANALYZE JOB")) {
        (void)new_analyze(p, out, "DROP ALL ANALYZE");
        return OK;
    }
    if (accept_phrase(p, "DROP ANALYZE"))
        return parse_integer(p, &new_analyze(p, out, "DROP ANALYZE")->job_id);
    if (accept_phrase(p, "KILL ANALYZE"))
        return parse_integer(p, &new_analyze(p, out, "KILL ANALYZE")->job_id);
    if (accept_phrase(p, "KILL ALL PENDING ANALYZE")) {
        (void)new_analyze(p, out, "KILL ALL PENDING ANALYZE");
        return OK;
    }
    if (accept_phrase(p, "DROP MULTIPLE COLUMNS STATS"))
        return parse_drop_stats(p, out, "DROP MULTIPLE COLUMNS STATS");
    if (accept_phrase(p, "DROP STATS"))
        return parse_drop_stats(p, out, "DROP STATS");
    *out_found = false;
    return OK;
}

static Status parse_merge_set(Parser *p, AstMergeAction *action)
{
    TRY(expect_word(p, "SET"));
    if (accept_symbol(p, "*")) {
        action->is_star = true;
        return OK;
    }
    do {
        StrView column;
        AstExpr *value;
        TRY(parse_any_word(p, &column));
        while (accept_symbol(p, "."))
            TRY(parse_any_word(p, &column));
        TRY(expect_symbol(p, "="));
        TRY(parse_expression(p, &value));
        AST_PUSH(p->arena, &action->columns, column);
        AST_PUSH(p->arena, &action->values, value);
    } while (accept_symbol(p, ","));
    return OK;
}

static Status parse_merge_insert(Parser *p, AstMergeAction *action)
{
    if (accept_symbol(p, "*")) {
        action->is_star = true;
        return OK;
    }
    if (is_symbol(p, "("))
        TRY(parse_identifier_list(p, &action->columns));
    TRY(expect_word(p, "VALUES"));
    TRY(expect_symbol(p, "("));
    TRY(parse_expression_list(p, &action->values));
    return expect_symbol(p, ")");
}

static Status parse_merge_action(Parser *p, AstMergeAction *action)
{
    action->is_matched = !accept_word(p, "NOT");
    TRY(expect_word(p, "MATCHED"));
    action->by_source = accept_words(p, "BY", "SOURCE");
    (void)accept_words(p, "BY", "TARGET");
    if (accept_word(p, "AND"))
        TRY(parse_expression(p, &action->condition));
    TRY(expect_word(p, "THEN"));
    if (accept_word(p, "DELETE")) {
        action->action = STR_VIEW("DELETE");
        return OK;
    }
    if (accept_words(p, "DO", "NOTHING")) {
        action->action = STR_VIEW("DO NOTHING");
        return OK;
    }
    if (accept_word(p, "UPDATE")) {
        action->action = STR_VIEW("UPDATE");
        return parse_merge_set(p, action);
    }
    TRY(expect_word(p, "INSERT"));
    action->action = STR_VIEW("INSERT");
    return parse_merge_insert(p, action);
}

Status parse_merge(Parser *p, AstStatement *out)
{
    out->kind = AST_STATEMENT_MERGE;
    AstMerge *merge = out->merge = ARENA_NEW(p->arena, AstMerge);
    p->at++;
    TRY(expect_word(p, "INTO"));
    TRY(parse_name(p, &merge->table));
    if (accept_word(p, "AS") || (at_alias(p) && !is_word(p, "USING")))
        TRY(parse_any_word(p, &merge->alias));
    TRY(expect_word(p, "USING"));
    TRY(parse_relation(p, &merge->source));
    TRY(expect_word(p, "ON"));
    TRY(parse_expression(p, &merge->on));
    while (accept_word(p, "WHEN")) {
        AstMergeAction action = {0};
        TRY(parse_merge_action(p, &action));
        AST_PUSH(p->arena, &merge->actions, action);
    }
    return merge->actions.count > 0 ? OK : syntax_error(p, "'WHEN'");
}
