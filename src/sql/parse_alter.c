#include "sql/ast_command.h"
#include "sql/parser_int.h"

/* The clauses of ALTER TABLE, which ALTER MATERIALIZED VIEW shares in part. Statements around them
 * are in parse_alter_object.c. */

static Status parse_position(Parser *p, AstAlterAction *action)
{
    if (accept_word(p, "FIRST"))
        action->is_first = true;
    else if (accept_word(p, "AFTER"))
        TRY(parse_any_word(p, &action->after));
    if (is_word(p, "TO") || is_word(p, "FROM") || is_word(p, "IN")) {
        p->at++;
        TRY(parse_any_word(p, &action->rollup));
    }
    return parse_optional_properties(p, &action->properties);
}

/* "from line 1, column 25 to line 1, column 39": the first and last token of a definition. */
static Status span_error(Parser *p, uint32_t first, uint32_t last, const char *text)
{
    uint32_t line, column, end_line, end_column;
    sql_position(p->text, p->tokens[first].begin, &line, &column);
    sql_position(p->text, p->tokens[last].begin, &end_line, &end_column);
    return RAISE(p->diag, SYNTAX,
                 "Getting syntax error from line %u, column %u to line %u, column %u. Detail message: %s.",
                 line, column, end_line, end_column, text);
}

static Status check_added_column(Parser *p, const AstColumn *column, uint32_t first, bool is_add)
{
    const char *verb = is_add ? "ADD" : "MODIFY";
    if (column->is_auto_increment)
        return span_error(p, first, p->at - 1,
                          arena_printf(p->arena, "Column '%.*s' can not be AUTO_INCREMENT when %s COLUMN",
                                       SV_ARGS(column->name), verb));
    if (column->generated != NULL && is_word(p, "AFTER"))
        return span_error(p, first, p->at - 1,
                          arena_printf(p->arena, "AFTER can not be set when %s GENERATED COLUMN", verb));
    return OK;
}

Status parse_add_columns(Parser *p, AstAlterAction *action)
{
    bool is_add = strview_is(action->kind, "ADD COLUMN");
    bool is_list = accept_symbol(p, "(");
    do {
        AstColumn column;
        uint32_t first = p->at;
        TRY(parse_column_definition(p, &column));
        TRY(check_added_column(p, &column, first, is_add));
        AST_PUSH(p->arena, &action->columns, column);
    } while (is_list && accept_symbol(p, ","));
    if (is_list)
        TRY(expect_symbol(p, ")"));
    return parse_position(p, action);
}

static Status parse_add_partition(Parser *p, AstAlterAction *action)
{
    action->kind = STR_VIEW("ADD PARTITION");
    bool if_not_exists = false;
    TRY(parse_if_not_exists(p, &if_not_exists));
    bool is_list = accept_symbol(p, "(");
    do {
        AstPartition item;
        TRY(parse_partition_item(p, &item));
        item.if_not_exists |= if_not_exists;
        item.is_temporary = action->is_temporary;
        AST_PUSH(p->arena, &action->partitions, item);
    } while (is_list && accept_symbol(p, ","));
    if (is_list)
        TRY(expect_symbol(p, ")"));
    if (accept_words(p, "DISTRIBUTED", "BY")) {
        action->layout = ARENA_NEW(p->arena, AstCreateTable);
        TRY(parse_distribution(p, action->layout));
    }
    (void)accept_word(p, "PROPERTIES");
    return is_symbol(p, "(") ? parse_properties(p, &action->properties) : OK;
}

static Status parse_field_step(Parser *p, StrView *out)
{
    if (!accept_symbol(p, "["))
        return parse_any_word(p, out);
    *out = STR_VIEW("[*]");
    TRY(expect_symbol(p, "*"));
    return expect_symbol(p, "]");
}

/* f.[*].g: the path behind the column, in name and names; `[*]` steps into an array. */
static Status parse_field_path(Parser *p, AstAlterAction *action)
{
    TRY(parse_field_step(p, &action->name));
    while (accept_symbol(p, ".")) {
        StrView step;
        TRY(parse_field_step(p, &step));
        AST_PUSH(p->arena, &action->names, step);
    }
    return OK;
}

/* MODIFY COLUMN c ADD|DROP FIELD path */
static Status parse_field_change(Parser *p, AstAlterAction *action)
{
    StrView column;
    TRY(parse_any_word(p, &column));
    bool is_add = accept_word(p, "ADD");
    if (!is_add)
        TRY(expect_word(p, "DROP"));
    TRY(expect_word(p, "FIELD"));
    action->kind = is_add ? STR_VIEW("ADD FIELD") : STR_VIEW("DROP FIELD");
    TRY(parse_field_path(p, action));
    /* What was read as the column is the first step of the path. */
    AstStrList path = {0};
    AST_PUSH(p->arena, &path, action->name);
    for (uint32_t i = 0; i < action->names.count; i++)
        AST_PUSH(p->arena, &path, action->names.items[i]);
    action->names = path;
    action->name = column;
    if (is_add) {
        AstColumn field = {.name = path.items[path.count - 1], .has_type = true, .is_nullable = true};
        TRY(parse_type_name(p, &field.type));
        AST_PUSH(p->arena, &action->columns, field);
    }
    return parse_position(p, action);
}

static Status parse_add(Parser *p, AstAlterAction *action)
{
    action->is_temporary = accept_word(p, "TEMPORARY");
    if (accept_word(p, "PARTITION") || accept_word(p, "PARTITIONS"))
        return parse_add_partition(p, action);
    if (accept_word(p, "INDEX")) {
        action->kind = STR_VIEW("ADD INDEX");
        return parse_index(p, &action->index);
    }
    if (accept_word(p, "ROLLUP")) {
        action->kind = STR_VIEW("ADD ROLLUP");
        TRY(parse_rollups(p, &action->rollups));
        action->name = action->rollups.items[0].name;
        action->names = action->rollups.items[0].columns;
        action->properties = action->rollups.items[0].properties;
        return OK;
    }
    action->kind = STR_VIEW("ADD COLUMN");
    (void)accept_word(p, "COLUMN");
    return parse_add_columns(p, action);
}

static Status parse_drop_partition(Parser *p, AstAlterAction *action)
{
    action->kind = STR_VIEW("DROP PARTITION");
    TRY(parse_if_exists(p, &action->if_exists));
    if (accept_word(p, "WHERE")) {
        TRY(parse_expression(p, &action->where));
    } else if (is_word(p, "START") && is_symbol_ahead(p, 1, "(")) {
        AstPartition range;
        TRY(parse_partition_item(p, &range));
        AST_PUSH(p->arena, &action->partitions, range);
    } else {
        TRY(parse_partition_names(p, &action->names));
    }
    action->is_force = accept_word(p, "FORCE");
    return OK;
}

static Status parse_drop_action(Parser *p, AstAlterAction *action)
{
    action->is_temporary = accept_word(p, "TEMPORARY");
    if (accept_word(p, "PARTITION") || accept_word(p, "PARTITIONS"))
        return parse_drop_partition(p, action);
    action->kind = STR_VIEW("DROP COLUMN");
    if (accept_word(p, "INDEX"))
        action->kind = STR_VIEW("DROP INDEX");
    else if (accept_word(p, "ROLLUP"))
        action->kind = STR_VIEW("DROP ROLLUP");
    else
        (void)accept_word(p, "COLUMN");
    TRY(parse_if_exists(p, &action->if_exists));
    TRY(parse_any_word(p, &action->name));
    AST_PUSH(p->arena, &action->names, action->name);
    while (strview_is(action->kind, "DROP ROLLUP") && accept_symbol(p, ",")) {
        StrView name;
        TRY(parse_any_word(p, &name));
        AST_PUSH(p->arena, &action->names, name);
    }
    if (accept_word(p, "FROM"))
        TRY(parse_any_word(p, &action->rollup));
    return parse_optional_properties(p, &action->properties);
}

static Status parse_rename(Parser *p, AstAlterAction *action)
{
    action->kind = STR_VIEW("RENAME");
    action->is_temporary = accept_word(p, "TEMPORARY");
    bool is_column = accept_word(p, "COLUMN");
    bool is_partition = !is_column && accept_word(p, "PARTITION");
    bool is_rollup = !is_column && !is_partition && accept_word(p, "ROLLUP");
    if (is_column || is_partition || is_rollup) {
        action->kind = is_column ? STR_VIEW("RENAME COLUMN")
                                 : is_partition ? STR_VIEW("RENAME PARTITION") : STR_VIEW("RENAME ROLLUP");
        TRY(parse_any_word(p, &action->name));
        (void)(accept_word(p, "TO") || accept_word(p, "AS"));
        return parse_any_word(p, &action->new_name);
    }
    (void)(accept_word(p, "TO") || accept_word(p, "AS"));
    TRY(parse_name(p, &action->other));
    action->new_name = action->other.parts[action->other.count - 1];
    return OK;
}

static Status parse_modify_partition(Parser *p, AstAlterAction *action)
{
    action->kind = STR_VIEW("MODIFY PARTITION");
    if (is_symbol(p, "(") && is_symbol_ahead(p, 1, "*")) {
        p->at += 2;
        TRY(expect_symbol(p, ")"));
    } else {
        TRY(parse_partition_names(p, &action->names));
    }
    TRY(expect_word(p, "SET"));
    return parse_properties(p, &action->properties);
}

static Status parse_modify(Parser *p, AstAlterAction *action)
{
    if (accept_word(p, "PARTITION") || accept_word(p, "PARTITIONS"))
        return parse_modify_partition(p, action);
    (void)accept_word(p, "COLUMN");
    if ((is_word_ahead(p, 1, "ADD") || is_word_ahead(p, 1, "DROP")) && is_word_ahead(p, 2, "FIELD"))
        return parse_field_change(p, action);
    if (is_word_ahead(p, 1, "COMMENT") && peek_ahead(p, 2)->kind == TOKEN_STRING) {
        action->kind = STR_VIEW("COLUMN COMMENT");
        TRY(parse_any_word(p, &action->name));
        p->at++;
        return parse_string(p, &action->text);
    }
    action->kind = STR_VIEW("MODIFY COLUMN");
    return parse_add_columns(p, action);
}

static Status parse_replace_partition(Parser *p, AstAlterAction *action)
{
    action->kind = STR_VIEW("REPLACE PARTITION");
    if (!accept_word(p, "PARTITION"))
        TRY(expect_word(p, "PARTITIONS"));
    TRY(parse_partition_names(p, &action->names));
    TRY(expect_word(p, "WITH"));
    bool is_temporary = false;
    if (!accept_temporary_partition(p, &is_temporary))
        return syntax_error(p, "'TEMPORARY'");
    TRY(parse_partition_names(p, &action->names2));
    return parse_optional_properties(p, &action->properties);
}

/* [BASE|CUMULATIVE] COMPACT [p | (p, q)] */
static Status parse_compact(Parser *p, AstAlterAction *action)
{
    action->kind = STR_VIEW("COMPACT");
    if (is_word(p, "BASE") || is_word(p, "CUMULATIVE")) {
        action->text = peek_token(p)->text;
        p->at++;
    }
    TRY(expect_word(p, "COMPACT"));
    return at_statement_end(p) ? OK : parse_partition_names(p, &action->names);
}

static Status parse_tablets(Parser *p, AstAlterAction *action, StrView kind)
{
    action->kind = kind;
    p->at++;
    if (!accept_word(p, "TABLET"))
        TRY(expect_word(p, "TABLETS"));
    if (is_symbol(p, "(")) {
        p->at++;
        TRY(parse_expression_list(p, &action->numbers));
        TRY(expect_symbol(p, ")"));
    }
    if (is_symbol(p, "("))
        return parse_properties(p, &action->properties);
    return parse_optional_properties(p, &action->properties);
}

static bool at_layout(const Parser *p)
{
    return is_word(p, "DISTRIBUTED") || is_word(p, "DUPLICATE") || is_word(p, "AGGREGATE") ||
           is_word(p, "UNIQUE") || is_word(p, "PRIMARY") ||
           (is_word(p, "PARTITION") && is_word_ahead(p, 1, "BY")) ||
           (is_word(p, "ORDER") && is_word_ahead(p, 1, "BY"));
}

/* [PARTITIONS (p, q)] [keys] [PARTITION BY ..] [DISTRIBUTED BY ..] [ORDER BY ..] */
static Status parse_optimize(Parser *p, AstAlterAction *action)
{
    action->kind = STR_VIEW("OPTIMIZE");
    action->layout = ARENA_NEW(p->arena, AstCreateTable);
    if (!is_word_ahead(p, 1, "BY") && accept_temporary_partition(p, &action->is_temporary))
        TRY(parse_partition_names(p, &action->names));
    bool only_order = is_word(p, "ORDER");
    bool done = false;
    while (!done && at_layout(p))
        TRY(parse_table_option(p, action->layout, &done));
    const AstCreateTable *layout = action->layout;
    if (only_order && !layout->has_distribution && layout->partition_scheme == AST_UNPARTITIONED) {
        action->kind = STR_VIEW("ORDER BY");
        action->names = layout->sort_columns;
        return parse_position(p, action);
    }
    return OK;
}

static Status parse_other_action(Parser *p, AstAlterAction *action)
{
    static const char *const words[] = {"CREATE", "REPLACE", "EXECUTE", "UNSET", "ENABLE", "CONVERT",
                                        "REORGANIZE", "APPLY", "REVOKE"};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (!is_word(p, words[i]))
            continue;
        action->kind = STR_VIEW("OTHER");
        while (!at_statement_end(p))
            p->at++;
        return OK;
    }
    return syntax_error(p, "'ADD', 'DROP', 'MODIFY', 'RENAME', 'SET', 'SWAP', 'ORDER', 'DISTRIBUTED'");
}

static Status parse_small_action(Parser *p, AstAlterAction *action)
{
    if (accept_word(p, "SET")) {
        action->kind = STR_VIEW("SET");
        return parse_properties(p, &action->properties);
    }
    if (accept_words(p, "SWAP", "WITH")) {
        action->kind = STR_VIEW("SWAP");
        TRY(parse_name(p, &action->other));
        action->name = action->other.parts[action->other.count - 1];
        return OK;
    }
    if (accept_word(p, "COMMENT")) {
        (void)accept_symbol(p, "=");
        action->kind = STR_VIEW("COMMENT");
        TRY(parse_string(p, &action->name));
        action->text = action->name;
        return OK;
    }
    if (accept_word(p, "AUTO_INCREMENT")) {
        action->kind = STR_VIEW("AUTO_INCREMENT");
        (void)accept_symbol(p, "=");
        return parse_expression_list(p, &action->numbers);
    }
    if (accept_phrase(p, "TRUNCATE PARTITION")) {
        action->kind = STR_VIEW("TRUNCATE PARTITION");
        return parse_partition_names(p, &action->names);
    }
    return parse_other_action(p, action);
}

Status parse_alter_action(Parser *p, AstAlterAction *action)
{
    *action = (AstAlterAction){0};
    if (accept_word(p, "ADD"))
        return parse_add(p, action);
    if (accept_word(p, "DROP"))
        return parse_drop_action(p, action);
    if (accept_word(p, "RENAME"))
        return parse_rename(p, action);
    if (accept_word(p, "MODIFY") || accept_words(p, "ALTER", "COLUMN"))
        return parse_modify(p, action);
    if (is_word(p, "REPLACE") && !is_word_ahead(p, 1, "BRANCH") && !is_word_ahead(p, 1, "TAG")) {
        p->at++;
        return parse_replace_partition(p, action);
    }
    if (is_word(p, "COMPACT") || is_word(p, "BASE") || is_word(p, "CUMULATIVE"))
        return parse_compact(p, action);
    if (is_word(p, "SPLIT"))
        return parse_tablets(p, action, STR_VIEW("SPLIT TABLET"));
    if (is_word(p, "MERGE"))
        return parse_tablets(p, action, STR_VIEW("MERGE TABLET"));
    if (at_layout(p) || is_word(p, "PARTITIONS"))
        return parse_optimize(p, action);
    return parse_small_action(p, action);
}
