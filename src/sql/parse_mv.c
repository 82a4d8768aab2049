#include "sql/ast_command.h"
#include "sql/parser_int.h"

/* Materialized views: CREATE, ALTER, REFRESH, CANCEL REFRESH, VERIFY; and the other REFRESH and
 * CANCEL statements. */

struct AstCommand *new_command(Parser *p, AstStatement *out, const char *what)
{
    out->kind = AST_STATEMENT_COMMAND;
    out->command = ARENA_NEW(p->arena, AstCommand);
    out->command->what = strview(what);
    return out->command;
}

/* REFRESH [IMMEDIATE|DEFERRED] [ASYNC [..] | SCHEDULE [..] | MANUAL | INCREMENTAL] */
static Status parse_refresh_clause(Parser *p, AstRefresh *refresh)
{
    refresh->is_immediate = accept_word(p, "IMMEDIATE");
    refresh->is_deferred = !refresh->is_immediate && accept_word(p, "DEFERRED");
    if (accept_word(p, "MANUAL"))
        refresh->scheme = AST_REFRESH_MANUAL;
    else if (accept_word(p, "INCREMENTAL"))
        refresh->scheme = AST_REFRESH_INCREMENTAL;
    else if (accept_word(p, "ASYNC"))
        refresh->scheme = AST_REFRESH_ASYNC;
    else if (accept_word(p, "SCHEDULE"))
        refresh->scheme = AST_REFRESH_SCHEDULE;
    else if (refresh->is_immediate || refresh->is_deferred)
        refresh->scheme = AST_REFRESH_MANUAL;
    else
        return syntax_error(p, "'ASYNC', 'MANUAL', 'IMMEDIATE', 'DEFERRED', 'SCHEDULE'");
    return parse_every(p, &refresh->has_start, &refresh->start, &refresh->every);
}

static Status parse_mv_columns(Parser *p, AstCreateTable *table)
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
        AstColumn column = {.is_nullable = true};
        TRY(parse_any_word(p, &column.name));
        if (accept_word(p, "COMMENT"))
            TRY(parse_string(p, &column.comment));
        AST_PUSH(p->arena, &table->columns, column);
    } while (accept_symbol(p, ","));
    return expect_symbol(p, ")");
}

/* Each clause of CREATE MATERIALIZED VIEW stands once at most. */
static Status note_clause(Parser *p, uint32_t *in_out_seen)
{
    static const char *const words[] = {"REFRESH", "PARTITION", "DISTRIBUTED", "ORDER", "PROPERTIES", "COMMENT"};
    for (uint32_t i = 0; i < COUNT_OF(words); i++) {
        if (!is_word(p, words[i]))
            continue;
        if ((*in_out_seen >> i & 1) != 0)
            return syntax_error(p, "'AS', each clause stands once");
        *in_out_seen |= 1u << i;
    }
    return OK;
}

Status parse_create_mv(Parser *p, AstStatement *out, bool or_replace)
{
    out->kind = AST_STATEMENT_CREATE_MV;
    AstMaterializedView *mv = out->mv = ARENA_NEW(p->arena, AstMaterializedView);
    AstCreateTable *table = &mv->table;
    mv->or_replace = or_replace;
    TRY(parse_if_not_exists(p, &table->if_not_exists));
    TRY(parse_name(p, &table->name));
    if (is_symbol(p, "("))
        TRY(parse_mv_columns(p, table));
    bool done = false;
    uint32_t seen = 0;
    while (!done) {
        TRY(note_clause(p, &seen));
        if (accept_word(p, "REFRESH")) {
            TRY(parse_refresh_clause(p, &mv->refresh));
            continue;
        }
        mv->has_partition |= is_word(p, "PARTITION");
        TRY(parse_table_option(p, table, &done));
    }
    TRY(expect_word(p, "AS"));
    uint32_t begin = peek_token(p)->begin;
    TRY(parse_query(p, &table->as_query));
    mv->query_text = text_between(p, begin, last_end(p));
    return OK;
}

static Status parse_alter_mv_column(Parser *p, AstAlterView *alter, bool is_add)
{
    alter->action = is_add ? STR_VIEW("ADD COLUMN") : STR_VIEW("DROP COLUMN");
    (void)accept_word(p, "COLUMN");
    TRY(parse_any_word(p, &alter->text));
    if (!is_add)
        return OK;
    TRY(expect_word(p, "AS"));
    TRY(parse_expression(p, &alter->expr));
    return accept_word(p, "DEFAULT") ? parse_string(p, &alter->default_text) : OK;
}

static Status parse_alter_mv_action(Parser *p, AstAlterView *alter)
{
    if (accept_word(p, "REFRESH")) {
        alter->action = STR_VIEW("REFRESH");
        return parse_refresh_clause(p, &alter->refresh);
    }
    if (accept_word(p, "ACTIVE")) {
        alter->action = STR_VIEW("ACTIVE");
        alter->no_validation = accept_phrase(p, "WITH NO_VALIDATION");
        return OK;
    }
    if (accept_word(p, "INACTIVE")) {
        alter->action = STR_VIEW("INACTIVE");
        return OK;
    }
    if (accept_word(p, "RENAME")) {
        alter->action = STR_VIEW("RENAME");
        (void)accept_word(p, "TO");
        return parse_name(p, &alter->new_name);
    }
    if (accept_phrase(p, "SWAP WITH")) {
        alter->action = STR_VIEW("SWAP");
        return parse_name(p, &alter->new_name);
    }
    if (accept_word(p, "SET")) {
        alter->action = STR_VIEW("SET");
        return parse_properties(p, &alter->properties);
    }
    bool is_add = is_word(p, "ADD");
    if ((is_add || is_word(p, "DROP")) && !is_word_ahead(p, 1, "INDEX") && !is_word_ahead(p, 1, "PARTITION") &&
        !is_word_ahead(p, 1, "PARTITIONS")) {
        p->at++;
        return parse_alter_mv_column(p, alter, is_add);
    }
    alter->action = STR_VIEW("TABLE");
    do {
        AstAlterAction action;
        TRY(parse_alter_action(p, &action));
        AST_PUSH(p->arena, &alter->actions, action);
    } while (accept_symbol(p, ","));
    return OK;
}

Status parse_alter_mv(Parser *p, AstStatement *out)
{
    out->kind = AST_STATEMENT_ALTER_MV;
    AstAlterView *alter = out->alter_mv = ARENA_NEW(p->arena, AstAlterView);
    TRY(parse_if_exists(p, &alter->if_exists));
    TRY(parse_name(p, &alter->name));
    return parse_alter_mv_action(p, alter);
}

static Status parse_refresh_rows(Parser *p, AstRefreshView *refresh)
{
    TRY(expect_symbol(p, "("));
    do {
        AstExprList row = {0};
        bool is_row = accept_symbol(p, "(");
        if (is_row) {
            TRY(parse_expression_list(p, &row));
            TRY(expect_symbol(p, ")"));
        } else {
            AstExpr *value;
            TRY(parse_expression(p, &value));
            AST_PUSH(p->arena, &row, value);
        }
        AST_PUSH(p->arena, &refresh->rows, row);
    } while (accept_symbol(p, ","));
    return expect_symbol(p, ")");
}

static Status parse_refresh_partition(Parser *p, AstRefreshView *refresh)
{
    if (!accept_word(p, "PARTITION") && !accept_word(p, "PARTITIONS"))
        return OK;
    if (!accept_word(p, "START"))
        return parse_refresh_rows(p, refresh);
    refresh->has_range = true;
    TRY(expect_symbol(p, "("));
    TRY(parse_string(p, &refresh->start));
    TRY(expect_symbol(p, ")"));
    TRY(expect_word(p, "END"));
    TRY(expect_symbol(p, "("));
    TRY(parse_string(p, &refresh->end));
    return expect_symbol(p, ")");
}

static Status parse_refresh_mv(Parser *p, AstStatement *out)
{
    out->kind = AST_STATEMENT_REFRESH_MV;
    AstRefreshView *refresh = out->refresh_mv = ARENA_NEW(p->arena, AstRefreshView);
    TRY(parse_name(p, &refresh->name));
    TRY(parse_refresh_partition(p, refresh));
    for (;;) {
        if (accept_word(p, "FORCE")) {
            refresh->is_force = true;
        } else if (accept_word(p, "STRICT")) {
            refresh->is_strict = true;
        } else if (accept_word(p, "CASCADE")) {
            refresh->is_cascade = true;
        } else if (accept_phrase(p, "WITH PRIORITY")) {
            refresh->has_priority = true;
            TRY(parse_integer(p, &refresh->priority));
        } else if (accept_word(p, "WITH")) {
            refresh->is_sync = is_word(p, "SYNC");
            refresh->is_async = is_word(p, "ASYNC");
            if (!accept_word(p, "SYNC"))
                TRY(expect_word(p, "ASYNC"));
            TRY(expect_word(p, "MODE"));
        } else {
            return OK;
        }
    }
}

Status parse_refresh(Parser *p, AstStatement *out)
{
    p->at++;
    if (accept_phrase(p, "MATERIALIZED VIEW"))
        return parse_refresh_mv(p, out);
    if (accept_phrase(p, "EXTERNAL TABLE")) {
        AstCommand *command = new_command(p, out, "REFRESH EXTERNAL TABLE");
        TRY(parse_name(p, &command->name));
        return accept_word(p, "PARTITION") ? parse_partition_names(p, &command->partitions) : OK;
    }
    if (accept_word(p, "DICTIONARY"))
        return parse_name(p, &new_command(p, out, "REFRESH DICTIONARY")->name);
    if (accept_word(p, "CONNECTIONS")) {
        new_command(p, out, "REFRESH CONNECTIONS")->is_force = accept_word(p, "FORCE");
        return OK;
    }
    return syntax_error(p, "'MATERIALIZED', 'EXTERNAL', 'DICTIONARY', 'CONNECTIONS'");
}

static Status parse_cancel_alter(Parser *p, AstStatement *out)
{
    AstCommand *command = new_command(p, out, "CANCEL ALTER TABLE");
    uint32_t first = p->at;
    if (accept_phrase(p, "MATERIALIZED VIEW") || accept_phrase(p, "TABLE COLUMN") ||
        accept_phrase(p, "TABLE ROLLUP") || accept_phrase(p, "TABLE OPTIMIZE")) {
        bool is_mv = is_word_ahead(p, 0, "FROM") && p->at == first + 2 &&
                     strview_equal_ci(p->tokens[first].text, STR_VIEW("MATERIALIZED"));
        command->text = is_mv ? STR_VIEW("MATERIALIZED VIEW") : upper_words(p, first + 1, 1);
    } else {
        return syntax_error(p, "'TABLE', 'MATERIALIZED'");
    }
    TRY(expect_word(p, "FROM"));
    TRY(parse_name(p, &command->name));
    if (!accept_symbol(p, "("))
        return OK;
    TRY(parse_expression_list(p, &command->values));
    return expect_symbol(p, ")");
}

/* CANCEL LOAD|EXPORT [FROM db] [WHERE ..] */
static Status parse_cancel_job(Parser *p, AstStatement *out, const char *what)
{
    AstCommand *command = new_command(p, out, what);
    if (accept_word(p, "FROM"))
        TRY(parse_name(p, &command->name));
    return accept_word(p, "WHERE") ? parse_expression(p, &command->where) : OK;
}

Status parse_cancel(Parser *p, AstStatement *out)
{
    p->at++;
    if (accept_phrase(p, "REFRESH MATERIALIZED VIEW")) {
        AstCommand *command = new_command(p, out, "CANCEL REFRESH MATERIALIZED VIEW");
        TRY(parse_name(p, &command->name));
        command->is_force = accept_word(p, "FORCE");
        return OK;
    }
    if (accept_phrase(p, "REFRESH DICTIONARY"))
        return parse_name(p, &new_command(p, out, "CANCEL REFRESH DICTIONARY")->name);
    if (accept_word(p, "ALTER"))
        return parse_cancel_alter(p, out);
    if (accept_word(p, "LOAD"))
        return parse_cancel_job(p, out, "CANCEL LOAD");
    if (accept_word(p, "EXPORT"))
        return parse_cancel_job(p, out, "CANCEL EXPORT");
    if (accept_word(p, "BACKUP"))
        return parse_cancel_job(p, out, "CANCEL BACKUP");
    if (accept_word(p, "RESTORE"))
        return parse_cancel_job(p, out, "CANCEL RESTORE");
    return syntax_error(p, "'REFRESH', 'ALTER', 'LOAD', 'EXPORT', 'BACKUP', 'RESTORE'");
}

Status parse_verify(Parser *p, AstStatement *out)
{
    p->at++;
    if (!accept_phrase(p, "MATERIALIZED VIEW"))
        return syntax_error(p, "'MATERIALIZED'");
    return parse_name(p, &new_command(p, out, "VERIFY MATERIALIZED VIEW")->name);
}
