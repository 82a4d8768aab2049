#include "sql/ast_command.h"
#include "sql/parser_int.h"

/* Statement dispatch, the small statements, and the entry points of parser.h. */

Status parse_other(Parser *p, AstStatement *out)
{
    out->kind = AST_STATEMENT_OTHER;
    uint32_t begin = peek_token(p)->begin;
    while (peek_token(p)->kind != TOKEN_END && !is_symbol(p, ";"))
        p->at++;
    out->text = text_between(p, begin, last_end(p));
    return OK;
}

static Status parse_view_columns(Parser *p, AstView *view)
{
    TRY(expect_symbol(p, "("));
    do {
        StrView name;
        StrView comment = STR_VIEW("");
        TRY(parse_any_word(p, &name));
        if (accept_word(p, "COMMENT"))
            TRY(parse_string(p, &comment));
        AST_PUSH(p->arena, &view->columns, name);
        AST_PUSH(p->arena, &view->comments, comment);
    } while (accept_symbol(p, ","));
    return expect_symbol(p, ")");
}

static Status parse_create_view(Parser *p, AstStatement *out, bool or_replace)
{
    out->kind = AST_STATEMENT_CREATE_VIEW;
    AstView *view = out->view = ARENA_NEW(p->arena, AstView);
    view->or_replace = or_replace;
    TRY(parse_if_not_exists(p, &view->if_not_exists));
    out->if_not_exists = view->if_not_exists;
    TRY(parse_name(p, &view->name));
    if (is_symbol(p, "("))
        TRY(parse_view_columns(p, view));
    if (accept_word(p, "COMMENT"))
        TRY(parse_string(p, &view->comment));
    if (accept_word(p, "SECURITY"))
        TRY(parse_any_word(p, &view->security));
    TRY(parse_optional_properties(p, &view->properties));
    TRY(expect_word(p, "AS"));
    uint32_t begin = peek_token(p)->begin;
    TRY(parse_query(p, &view->query));
    view->query_text = text_between(p, begin, last_end(p));
    return OK;
}

static Status parse_create_database(Parser *p, AstStatement *out)
{
    out->kind = AST_STATEMENT_CREATE_DATABASE;
    TRY(parse_if_not_exists(p, &out->if_not_exists));
    TRY(parse_name(p, &out->name));
    if (accept_word(p, "CLONE"))
        return parse_clone(p, out, "CLONE DATABASE", &out->name, out->if_not_exists);
    while (is_word(p, "CHARACTER") || is_word(p, "DEFAULT") || is_word(p, "COLLATE") || is_word(p, "CHARSET"))
        p->at += is_word_ahead(p, 1, "SET") ? 3 : 2;
    if (accept_word(p, "COMMENT"))
        TRY(parse_string(p, &out->comment));
    return parse_optional_properties(p, &out->properties);
}

Status parse_create(Parser *p, AstStatement *out)
{
    uint32_t begin = p->at++;
    bool or_replace = accept_words(p, "OR", "REPLACE");
    if (is_word(p, "TABLE") || (is_word(p, "EXTERNAL") && is_word_ahead(p, 1, "TABLE")) ||
        (is_word(p, "TEMPORARY") && is_word_ahead(p, 1, "TABLE"))) {
        bool is_temporary = accept_word(p, "TEMPORARY");
        bool is_external = accept_word(p, "EXTERNAL");
        p->at++;
        TRY(parse_create_table(p, out));
        out->create_table->is_temporary = is_temporary;
        out->create_table->is_external = is_external;
        return OK;
    }
    if (accept_word(p, "DATABASE") || accept_word(p, "SCHEMA"))
        return parse_create_database(p, out);
    if (accept_word(p, "VIEW"))
        return parse_create_view(p, out, or_replace);
    bool found = false;
    TRY(parse_create_object(p, out, or_replace, &found));
    if (found)
        return OK;
    p->at = begin;
    TRY(parse_statistics(p, out, &found));
    return found ? OK : parse_other(p, out);
}

Status parse_drop(Parser *p, AstStatement *out)
{
    uint32_t begin = p->at++;
    out->flag = is_word(p, "TEMPORARY") && is_word_ahead(p, 1, "TABLE");
    p->at += out->flag;
    if (accept_word(p, "TABLE"))
        out->kind = AST_STATEMENT_DROP_TABLE;
    else if (accept_word(p, "DATABASE") || accept_word(p, "SCHEMA"))
        out->kind = AST_STATEMENT_DROP_DATABASE;
    else if (accept_word(p, "VIEW"))
        out->kind = AST_STATEMENT_DROP_VIEW;
    else {
        bool found = false;
        TRY(parse_drop_object(p, out, &found));
        if (found)
            return OK;
        p->at = begin;
        TRY(parse_statistics(p, out, &found));
        return found ? OK : parse_other(p, out);
    }
    TRY(parse_if_exists(p, &out->if_exists));
    TRY(parse_name(p, &out->name));
    out->is_force = accept_word(p, "FORCE");
    return OK;
}

static Status parse_truncate(Parser *p, AstStatement *out)
{
    out->kind = AST_STATEMENT_TRUNCATE;
    p->at++;
    (void)accept_word(p, "TABLE");
    TRY(parse_name(p, &out->name));
    if (accept_temporary_partition(p, &out->flag))
        TRY(parse_partition_names(p, &out->names));
    return OK;
}

static Status parse_explain(Parser *p, AstStatement *out)
{
    static const char *const levels[] = {"LOGICAL", "VERBOSE", "COSTS", "COST", "ANALYZE", "SCHEDULER", "PIPELINE"};
    out->kind = AST_STATEMENT_EXPLAIN;
    out->text = STR_VIEW("");
    if (accept_word(p, "VACUUM")) {
        out->inner = arena_alloc_zero(p->arena, sizeof(AstStatement));
        new_command(p, out->inner, "ADMIN VACUUM");
        return OK;
    }
    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        if (accept_word(p, levels[i])) {
            out->text = strview(levels[i]);
            break;
        }
    }
    return parse_statement(p, &out->inner);
}

static Status parse_describe(Parser *p, AstStatement *out)
{
    p->at++;
    if (at_query_start(p) || is_word(p, "INSERT") || is_word(p, "VERBOSE") || is_word(p, "ANALYZE") ||
        is_word(p, "LOGICAL") || is_word(p, "COSTS"))
        return parse_explain(p, out);
    out->kind = AST_STATEMENT_DESCRIBE;
    if (is_word(p, "FILES") && is_symbol_ahead(p, 1, "(")) {
        p->at++;
        out->text = STR_VIEW("FILES");
        return parse_properties(p, &out->properties);
    }
    if (accept_phrase(p, "STORAGE VOLUME"))
        out->text = STR_VIEW("STORAGE VOLUME");
    else if (accept_word(p, "PIPE"))
        out->text = STR_VIEW("PIPE");
    else
        (void)accept_word(p, "TABLE");
    out->name.count = peek_token(p)->kind == TOKEN_STRING;
    TRY(out->name.count == 1 ? parse_string(p, &out->name.parts[0]) : parse_name(p, &out->name));
    out->flag = accept_word(p, "ALL");
    if (!out->flag && !at_statement_end(p))
        TRY(parse_string_or_name(p, &out->comment)); /* one column */
    return OK;
}

static Status parse_kill(Parser *p, AstStatement *out)
{
    bool found = false;
    TRY(parse_statistics(p, out, &found));
    if (found)
        return OK;
    out->kind = AST_STATEMENT_KILL;
    p->at++;
    out->flag = accept_word(p, "QUERY");
    if (!out->flag)
        (void)accept_word(p, "CONNECTION");
    if (peek_token(p)->kind == TOKEN_STRING)
        return parse_string(p, &out->text);
    return parse_integer(p, &out->number);
}

static Status parse_use(Parser *p, AstStatement *out)
{
    out->kind = AST_STATEMENT_USE;
    p->at++;
    if (peek_token(p)->kind == TOKEN_STRING) {
        out->name.count = 1;
        return parse_string(p, &out->name.parts[0]);
    }
    return parse_name(p, &out->name);
}

static Status parse_prepare(Parser *p, AstStatement *out)
{
    p->at++;
    out->kind = AST_STATEMENT_PREPARE;
    TRY(parse_any_word(p, &out->text));
    TRY(expect_word(p, "FROM"));
    if (peek_token(p)->kind == TOKEN_STRING)
        return parse_string(p, &out->comment);
    uint32_t begin = peek_token(p)->begin;
    TRY(parse_statement(p, &out->inner));
    out->comment = text_between(p, begin, last_end(p));
    return OK;
}

static Status parse_execute(Parser *p, AstStatement *out)
{
    p->at++;
    if (accept_word(p, "AS"))
        return parse_execute_as(p, out);
    out->kind = AST_STATEMENT_EXECUTE;
    TRY(parse_any_word(p, &out->text));
    return accept_word(p, "USING") ? parse_expression_list(p, &out->values) : OK;
}

static Status parse_transaction(Parser *p, AstStatement *out, AstKind kind)
{
    out->kind = (uint8_t)kind;
    p->at++;
    while (peek_token(p)->kind == TOKEN_WORD || is_symbol(p, ",")) { /* WORK, READ ONLY, AND CHAIN ... */
        if (accept_words(p, "WITH", "LABEL"))
            return parse_string_or_name(p, &out->text);
        p->at++;
    }
    return OK;
}

static Status parse_with(Parser *p, AstStatement *out)
{
    uint32_t begin = p->at++;
    TRY(parse_ctes(p, &out->ctes));
    if (is_word(p, "UPDATE"))
        return parse_update(p, out);
    if (is_word(p, "DELETE"))
        return parse_delete(p, out);
    p->at = begin;
    out->kind = AST_STATEMENT_QUERY;
    return parse_query(p, &out->query);
}

static Status parse_analyze(Parser *p, AstStatement *out)
{
    bool found = false;
    return parse_statistics(p, out, &found);
}

/* TRACE {TIMES|VALUES|LOGS|REASON|ALL} [module] statement */
static Status parse_trace(Parser *p, AstStatement *out)
{
    static const char *const levels[] = {"TIMES", "VALUES", "LOGS", "REASON", "ALL"};
    p->at++;
    out->kind = AST_STATEMENT_TRACE;
    for (size_t i = 0; i < COUNT_OF(levels) && out->text.length == 0; i++) {
        if (accept_word(p, levels[i]))
            out->text = strview(levels[i]);
    }
    if (out->text.length == 0)
        return syntax_error(p, "'TIMES', 'VALUES', 'LOGS', 'REASON', 'ALL'");
    static const char *const modules[] = {"BASE", "MV", "OPTIMIZER", "SCHEDULE", "SCHEDULER", "EXTERNAL", "REASON"};
    for (size_t i = 0; i < COUNT_OF(modules) && out->comment.length == 0; i++) {
        if (accept_word(p, modules[i]))
            out->comment = strview(modules[i]);
    }
    return parse_statement(p, &out->inner);
}

typedef Status (*StatementParser)(Parser *p, AstStatement *out);

static Status parse_begin(Parser *p, AstStatement *out)
{
    return parse_transaction(p, out, AST_STATEMENT_BEGIN);
}

static Status parse_commit(Parser *p, AstStatement *out)
{
    return parse_transaction(p, out, AST_STATEMENT_COMMIT);
}

static Status parse_rollback(Parser *p, AstStatement *out)
{
    return parse_transaction(p, out, AST_STATEMENT_ROLLBACK);
}

static Status parse_no_operation(Parser *p, AstStatement *out)
{
    TRY(parse_other(p, out));
    out->kind = AST_STATEMENT_NO_OPERATION;
    return OK;
}

static Status parse_deallocate(Parser *p, AstStatement *out)
{
    p->at++;
    out->kind = AST_STATEMENT_DEALLOCATE;
    (void)accept_word(p, "PREPARE");
    return parse_any_word(p, &out->text);
}

static Status parse_delete_or_blacklist(Parser *p, AstStatement *out)
{
    return is_word_ahead(p, 1, "FROM") || peek_ahead(p, 1)->kind == TOKEN_HINT ? parse_delete(p, out)
                                                                               : parse_blacklist(p, out);
}

static Status parse_explain_statement(Parser *p, AstStatement *out)
{
    p->at++;
    return parse_explain(p, out);
}

static const struct {
    const char *word;
    StatementParser parse;
} statement_parsers[] = {
    {"WITH", parse_with},         {"INSERT", parse_insert},       {"UPDATE", parse_update},
    {"DELETE", parse_delete_or_blacklist},     {"CREATE", parse_create},       {"DROP", parse_drop},
    {"ALTER", parse_alter},       {"TRUNCATE", parse_truncate},   {"SHOW", parse_show},
    {"SET", parse_set},           {"USE", parse_use},             {"KILL", parse_kill},
    {"DESC", parse_describe},     {"DESCRIBE", parse_describe},   {"EXPLAIN", parse_explain_statement},
    {"BEGIN", parse_begin},       {"START", parse_begin},         {"COMMIT", parse_commit},
    {"ROLLBACK", parse_rollback}, {"PREPARE", parse_prepare},     {"EXECUTE", parse_execute},
    {"DEALLOCATE", parse_deallocate}, {"ADMIN", parse_admin},     {"ANALYZE", parse_analyze},
    {"GRANT", parse_grant},       {"REVOKE", parse_grant},        {"REFRESH", parse_refresh},
    {"CANCEL", parse_cancel},     {"VERIFY", parse_verify},       {"RECOVER", parse_recover},
    {"SUBMIT", parse_submit},     {"CACHE", parse_cache},         {"EXPORT", parse_export},
    {"LOAD", parse_load},         {"PAUSE", parse_job_control},   {"RESUME", parse_job_control},
    {"STOP", parse_job_control},  {"SUSPEND", parse_job_control}, {"BACKUP", parse_backup},
    {"RESTORE", parse_restore},   {"MERGE", parse_merge},         {"CALL", parse_call},
    {"INSTALL", parse_plugin},    {"UNINSTALL", parse_plugin},    {"ADD", parse_blacklist},
    {"TRACE", parse_trace},       {"HELP", parse_help},
    {"SYNC", parse_no_operation}, {"LOCK", parse_no_operation},   {"UNLOCK", parse_no_operation},
};

static const char *const other_words[] = {"CLEAN", "TRANSLATE", "CLEAR", "RETRY"};

Status parse_statement(Parser *p, AstStatement **out)
{
    TRY(enter_depth(p)); /* EXPLAIN EXPLAIN ..., SUBMIT TASK AS SUBMIT TASK AS ... */
    AstStatement *statement = ARENA_NEW(p->arena, AstStatement);
    *out = statement;
    statement->source = p->text;
    statement->begin = peek_token(p)->begin;
    uint32_t parameters_before = p->parameter_count;
    Status status = ERR_SYNTAX;
    bool known = false;
    while (peek_token(p)->kind == TOKEN_HINT)
        p->at++;
    if (at_query_start(p) && !is_word(p, "WITH")) {
        known = true;
        statement->kind = AST_STATEMENT_QUERY;
        status = parse_query(p, &statement->query);
    }
    for (size_t i = 0; !known && i < COUNT_OF(statement_parsers); i++) {
        if (is_word(p, statement_parsers[i].word)) {
            known = true;
            status = statement_parsers[i].parse(p, statement);
        }
    }
    for (size_t i = 0; !known && i < COUNT_OF(other_words); i++) {
        if (is_word(p, other_words[i])) {
            known = true;
            status = parse_other(p, statement);
        }
    }
    if (!known)
        return syntax_error(p, "a statement");
    TRY(status);
    p->depth--;
    statement->end = last_end(p);
    statement->parameter_count = p->parameter_count - parameters_before;
    return OK;
}

static Status open_parser(StrView text, const ParseOptions *options, Arena *arena, Diag *diag,
                          Parser *out)
{
    *out = (Parser){.text = text, .arena = arena, .diag = diag};
    if (options != NULL)
        out->options = *options;
    TokenList tokens = {0};
    TRY(sql_tokenize(text, arena, diag, &tokens));
    out->tokens = tokens.items;
    out->token_count = tokens.count;
    return OK;
}

Status parse_subparser(Parser *p, StrView text, Parser *out)
{
    return open_parser(text, &p->options, p->arena, p->diag, out);
}

Status sql_parse(StrView text, const ParseOptions *options, Arena *arena, Diag *diag,
                 AstStatements *out_statements)
{
    Parser parser;
    TRY(open_parser(text, options, arena, diag, &parser));
    for (;;) {
        while (accept_symbol(&parser, ";")) {
        }
        if (peek_token(&parser)->kind == TOKEN_END)
            return OK;
        AstStatement *statement;
        parser.parameter_count = 0;
        TRY(parse_statement(&parser, &statement));
        AST_PUSH(arena, out_statements, statement);
        if (!is_symbol(&parser, ";") && peek_token(&parser)->kind != TOKEN_END)
            return syntax_error(&parser, "<EOF>, ';'");
    }
}

Status sql_parse_expression(StrView text, Arena *arena, Diag *diag, AstExpr **out_expr)
{
    Parser parser;
    TRY(open_parser(text, NULL, arena, diag, &parser));
    TRY(parse_expression(&parser, out_expr));
    return peek_token(&parser)->kind == TOKEN_END ? OK : syntax_error(&parser, "the end of the expression");
}

Status sql_parse_column_mapping(StrView text, Arena *arena, Diag *diag, AstStrList *out_names,
                                AstExprList *out_values)
{
    Parser parser;
    TRY(open_parser(text, NULL, arena, diag, &parser));
    do {
        StrView name;
        AstExpr *value = NULL;
        TRY(parse_any_word(&parser, &name));
        if (accept_symbol(&parser, "="))
            TRY(parse_expression(&parser, &value));
        AST_PUSH(arena, out_names, name);
        AST_PUSH(arena, out_values, value);
    } while (accept_symbol(&parser, ","));
    return peek_token(&parser)->kind == TOKEN_END ? OK : syntax_error(&parser, "a column name");
}
