#pragma once
/* Shared by the files of the recursive-descent parser; only for src/sql.
 *
 * Each parse_x() consumes what it recognises and raises a syntax error otherwise. accept_x() returns
 * whether it consumed. Words are matched case-insensitively; quoted names never match a word. */

#include "sql/lexer.h"
#include "sql/parser.h"

enum { PARSER_MAX_DEPTH = 256, PARSER_MAX_CHAIN = 2000 };

typedef struct Parser {
    StrView text;
    Token *tokens;
    uint32_t token_count; /* with the TOKEN_END */
    uint32_t at;
    uint32_t depth; /* of nested expressions and queries */
    uint32_t parameter_count;
    uint32_t chain; /* nodes below the expression just parsed, at most: see parse_expr.c */
    bool allow_default; /* DEFAULT is an expression: VALUES of INSERT, SET of UPDATE */
    ParseOptions options;
    Arena *arena;
    Diag *diag;
} Parser;

static inline const Token *peek_token(const Parser *p)
{
    return &p->tokens[p->at];
}
const Token *peek_ahead(const Parser *p, uint32_t ahead);
bool is_word(const Parser *p, const char *word);
bool is_word_ahead(const Parser *p, uint32_t ahead, const char *word);
bool is_symbol(const Parser *p, const char *symbol);
bool is_symbol_ahead(const Parser *p, uint32_t ahead, const char *symbol);
bool accept_word(Parser *p, const char *word);
bool accept_words(Parser *p, const char *first, const char *second);
bool accept_symbol(Parser *p, const char *symbol);
Status expect_word(Parser *p, const char *word);
Status expect_symbol(Parser *p, const char *symbol);
/* "Unexpected input 'x', the most similar input is {expected}." */
Status syntax_error(Parser *p, const char *expected);
Status enter_depth(Parser *p);
Status enter_chain(Parser *p); /* one more node above what was parsed */
Status parse_operand(Parser *p, AstExpr **out); /* no predicate, no AND, no OR */

Status parse_identifier(Parser *p, StrView *out);   /* a name: quoted, or a word that is not reserved */
Status parse_any_word(Parser *p, StrView *out);     /* a name or any word */
Status parse_name(Parser *p, AstName *out);         /* dotted */
Status parse_string(Parser *p, StrView *out);
Status parse_string_or_name(Parser *p, StrView *out);
Status parse_integer(Parser *p, uint64_t *out);
Status parse_type_name(Parser *p, Type *out);
Status parse_identifier_list(Parser *p, AstStrList *out); /* ( a, b ) */
Status parse_properties(Parser *p, AstProperties *out);   /* ("k" = "v", ...) with parentheses */
Status parse_optional_properties(Parser *p, AstProperties *out); /* [PROPERTIES (...)] */
Status parse_expression(Parser *p, AstExpr **out);
Status parse_primary(Parser *p, AstExpr **out);
Status parse_expression_list(Parser *p, AstExprList *out); /* without parentheses */
Status parse_order_items(Parser *p, AstOrder *out);
Status parse_query(Parser *p, AstQuery **out);
Status parse_relation(Parser *p, AstRelation **out);
bool accept_temporary_partition(Parser *p, bool *out_temporary); /* [TEMPORARY] PARTITION[S] */
Status parse_partition_names(Parser *p, AstStrList *out);        /* p or (p, q) */
Status parse_hint(Parser *p, AstSelect *select);
bool at_alias(const Parser *p);
bool ends_relation(const Parser *p);
Status parse_select_item(Parser *p, AstSelectItems *out);
Status parse_pivot(Parser *p, AstRelation **in_out);
Status parse_table_suffix(Parser *p, AstRelation *relation);
Status parse_alias(Parser *p, AstRelation *relation);
Status parse_subparser(Parser *p, StrView text, Parser *out); /* another text, positions of its own */
Status parse_ctes(Parser *p, AstCtes *out);
bool at_query_start(const Parser *p);
bool at_subquery(const Parser *p); /* behind a parenthesis in an expression */
AstExpr *new_ast_expr(Parser *p, AstExprKind kind, uint32_t begin);
uint32_t last_end(const Parser *p); /* end of the token before the current one */
StrView text_between(const Parser *p, uint32_t begin, uint32_t end);

Status parse_statement(Parser *p, AstStatement **out);
Status parse_create(Parser *p, AstStatement *out);
Status parse_create_table(Parser *p, AstStatement *out);
Status parse_column_definition(Parser *p, AstColumn *out);
Status parse_partition_item(Parser *p, AstPartition *out);
Status parse_partition_clause(Parser *p, AstCreateTable *table);
Status parse_distribution(Parser *p, AstCreateTable *table);
Status parse_index(Parser *p, AstIndex *out);
Status parse_index_definition(Parser *p, AstIndex *out); /* what follows the index name */
Status parse_sort_key(Parser *p, AstCreateTable *table);
Status parse_rollups(Parser *p, AstRollups *out);
Status parse_table_option(Parser *p, AstCreateTable *table, bool *out_done); /* a clause behind the columns */
Status parse_if_exists(Parser *p, bool *out_if_exists);         /* [IF EXISTS] */
Status parse_if_not_exists(Parser *p, bool *out_if_not_exists); /* [IF NOT EXISTS] */
Status parse_every(Parser *p, bool *out_has_start, StrView *out_start, AstExpr **out_every);
Status parse_user_name(Parser *p, struct AstUserName *out);
Status parse_alter_action(Parser *p, AstAlterAction *out);
Status parse_add_columns(Parser *p, AstAlterAction *action);
bool at_statement_end(const Parser *p);
StrView upper_words(Parser *p, uint32_t first, uint32_t count);
/* Do the words (blank separated, upper case) come next? Consumes them. */
bool accept_phrase(Parser *p, const char *phrase);
struct AstCommand *new_command(Parser *p, AstStatement *out, const char *what);
Status parse_drop(Parser *p, AstStatement *out);
Status parse_alter(Parser *p, AstStatement *out);
Status parse_show(Parser *p, AstStatement *out);
Status parse_help(Parser *p, AstStatement *out);
Status parse_set(Parser *p, AstStatement *out);
Status parse_insert(Parser *p, AstStatement *out);
Status parse_update(Parser *p, AstStatement *out);
Status parse_delete(Parser *p, AstStatement *out);
/* Takes every token up to the end of the statement: AST_STATEMENT_OTHER. */
Status parse_other(Parser *p, AstStatement *out);

/* Statements with trees of ast_command.h; the cursor is behind the words that name the statement. */
Status parse_create_mv(Parser *p, AstStatement *out, bool or_replace);
Status parse_alter_mv(Parser *p, AstStatement *out);
Status parse_refresh(Parser *p, AstStatement *out);
Status parse_cancel(Parser *p, AstStatement *out);
Status parse_verify(Parser *p, AstStatement *out);
Status parse_user(Parser *p, AstStatement *out, bool is_alter);
Status parse_roles(Parser *p, AstStatement *out, const char *what);
Status parse_grant(Parser *p, AstStatement *out);
Status parse_execute_as(Parser *p, AstStatement *out);
Status parse_routine_load(Parser *p, AstStatement *out, bool is_alter);
Status parse_load(Parser *p, AstStatement *out);
Status parse_export(Parser *p, AstStatement *out);
Status parse_job_control(Parser *p, AstStatement *out);
Status parse_submit(Parser *p, AstStatement *out);
Status parse_cache(Parser *p, AstStatement *out);
Status parse_create_pipe(Parser *p, AstStatement *out, bool or_replace);
Status parse_alter_task(Parser *p, AstStatement *out);
Status parse_alter_pipe(Parser *p, AstStatement *out);
Status parse_admin(Parser *p, AstStatement *out);
Status parse_alter_system(Parser *p, AstStatement *out);
Status parse_blacklist(Parser *p, AstStatement *out);
Status parse_create_object(Parser *p, AstStatement *out, bool or_replace, bool *out_found);
Status parse_drop_object(Parser *p, AstStatement *out, bool *out_found);
Status parse_alter_resource_group(Parser *p, AstStatement *out);
Status parse_backup(Parser *p, AstStatement *out);
Status parse_clone(Parser *p, AstStatement *out, const char *what, const AstName *fresh, bool if_not_exists);
Status parse_restore(Parser *p, AstStatement *out);
Status parse_recover(Parser *p, AstStatement *out);
Status parse_statistics(Parser *p, AstStatement *out, bool *out_found);
Status parse_merge(Parser *p, AstStatement *out);
Status parse_call(Parser *p, AstStatement *out);
Status parse_plugin(Parser *p, AstStatement *out);
