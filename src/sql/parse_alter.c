#include "sql/parser_int.h"

/* ALTER TABLE, ALTER DATABASE, ALTER VIEW; other ALTERs are taken as AST_STATEMENT_OTHER. */

static Status parse_position(Parser *p, AstAlterAction *action)
{
    if (accept_word(p, "FIRST"))
        action->is_first = true;
    else if (accept_word(p, "AFTER"))
        TRY(parse_any_word(p, &action->after));
    if (is_word(p, "TO") || is_word(p, "FROM") || is_word(p, "IN")) { /* roll-up name */
        p->at++;
        TRY(parse_any_word(p, &action->name));
    }
    return parse_optional_properties(p, &action->properties);
}

static Status parse_add_columns(Parser *p, AstAlterAction *action)
{
    bool is_list = accept_symbol(p, "(");
    do {
        AstColumn column;
        TRY(parse_column_definition(p, &column));
        AST_PUSH(p->arena, &action->columns, column);
    } while (is_list && accept_symbol(p, ","));
    if (is_list)
        TRY(expect_symbol(p, ")"));
    return parse_position(p, action);
}

static Status parse_add_partition(Parser *p, AstAlterAction *action)
{
    action->kind = STR_VIEW("ADD PARTITION");
    bool if_not_exists = accept_word(p, "IF") && accept_word(p, "NOT") && accept_word(p, "EXISTS");
    AstPartition item;
    TRY(parse_partition_item(p, &item));
    item.if_not_exists |= if_not_exists;
    item.is_temporary = action->is_temporary;
    AST_PUSH(p->arena, &action->partitions, item);
    AstCreateTable distribution = {0};
    if (accept_words(p, "DISTRIBUTED", "BY"))
        TRY(parse_distribution(p, &distribution));
    return is_symbol(p, "(") ? parse_properties(p, &action->properties) : OK;
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
        TRY(parse_any_word(p, &action->name));
        TRY(parse_identifier_list(p, &action->names));
        return parse_optional_properties(p, &action->properties);
    }
    action->kind = STR_VIEW("ADD COLUMN");
    (void)accept_word(p, "COLUMN");
    return parse_add_columns(p, action);
}

static Status parse_drop_action(Parser *p, AstAlterAction *action)
{
    action->is_temporary = accept_word(p, "TEMPORARY");
    if (accept_word(p, "PARTITION") || accept_word(p, "PARTITIONS")) {
        action->kind = STR_VIEW("DROP PARTITION");
        if (accept_words(p, "IF", "EXISTS"))
            action->if_exists = true;
        if (is_symbol(p, "("))
            TRY(parse_identifier_list(p, &action->names));
        else {
            StrView name;
            TRY(parse_any_word(p, &name));
            AST_PUSH(p->arena, &action->names, name);
        }
        action->is_force = accept_word(p, "FORCE");
        return OK;
    }
    action->kind = STR_VIEW("DROP COLUMN");
    if (accept_word(p, "INDEX"))
        action->kind = STR_VIEW("DROP INDEX");
    else if (accept_word(p, "ROLLUP"))
        action->kind = STR_VIEW("DROP ROLLUP");
    else
        (void)accept_word(p, "COLUMN");
    TRY(parse_any_word(p, &action->name));
    if (accept_word(p, "FROM")) {
        StrView rollup;
        TRY(parse_any_word(p, &rollup));
    }
    return OK;
}

static Status parse_rename(Parser *p, AstAlterAction *action)
{
    action->kind = STR_VIEW("RENAME");
    bool is_column = accept_word(p, "COLUMN");
    bool is_partition = !is_column && accept_word(p, "PARTITION");
    bool is_rollup = !is_column && !is_partition && accept_word(p, "ROLLUP");
    if (is_column || is_partition || is_rollup) {
        action->kind = is_column ? STR_VIEW("RENAME COLUMN")
                                 : is_partition ? STR_VIEW("RENAME PARTITION") : STR_VIEW("RENAME ROLLUP");
        TRY(parse_any_word(p, &action->name));
    }
    (void)(accept_word(p, "TO") || accept_word(p, "AS"));
    return parse_any_word(p, &action->new_name);
}

static Status parse_other_action(Parser *p, AstAlterAction *action)
{
    action->kind = STR_VIEW("OTHER");
    while (peek_token(p)->kind != TOKEN_END && !is_symbol(p, ";"))
        p->at++;
    return OK;
}

static Status parse_action(Parser *p, AstAlterAction *action)
{
    *action = (AstAlterAction){0};
    if (accept_word(p, "ADD"))
        return parse_add(p, action);
    if (accept_word(p, "DROP"))
        return parse_drop_action(p, action);
    if (accept_word(p, "RENAME"))
        return parse_rename(p, action);
    if (is_word(p, "MODIFY") && !is_word_ahead(p, 1, "PARTITION")) {
        p->at++;
        action->kind = STR_VIEW("MODIFY COLUMN");
        (void)accept_word(p, "COLUMN");
        return parse_add_columns(p, action);
    }
    if (accept_word(p, "SET")) {
        action->kind = STR_VIEW("SET");
        return parse_properties(p, &action->properties);
    }
    if (accept_words(p, "SWAP", "WITH")) {
        action->kind = STR_VIEW("SWAP");
        return parse_any_word(p, &action->name);
    }
    if (is_word(p, "COMMENT")) {
        p->at++;
        (void)accept_symbol(p, "=");
        action->kind = STR_VIEW("COMMENT");
        return parse_string(p, &action->name);
    }
    if (accept_words(p, "ORDER", "BY")) {
        action->kind = STR_VIEW("ORDER BY");
        return parse_identifier_list(p, &action->names);
    }
    return parse_other_action(p, action);
}

static Status parse_alter_table(Parser *p, AstStatement *out)
{
    out->kind = AST_STATEMENT_ALTER_TABLE;
    TRY(parse_name(p, &out->name));
    do {
        AstAlterAction action;
        TRY(parse_action(p, &action));
        AST_PUSH(p->arena, &out->actions, action);
    } while (accept_symbol(p, ","));
    return OK;
}

static Status parse_alter_view(Parser *p, AstStatement *out)
{
    out->kind = AST_STATEMENT_ALTER_VIEW;
    out->view = ARENA_NEW(p->arena, AstView);
    TRY(parse_name(p, &out->view->name));
    if (is_symbol(p, "("))
        TRY(parse_identifier_list(p, &out->view->columns));
    TRY(expect_word(p, "AS"));
    uint32_t begin = peek_token(p)->begin;
    TRY(parse_query(p, &out->view->query));
    out->view->query_text = text_between(p, begin, last_end(p));
    return OK;
}

Status parse_alter(Parser *p, AstStatement *out)
{
    uint32_t begin = p->at++;
    if (accept_word(p, "TABLE"))
        return parse_alter_table(p, out);
    if (accept_word(p, "VIEW"))
        return parse_alter_view(p, out);
    if (accept_word(p, "DATABASE")) {
        out->kind = AST_STATEMENT_ALTER_DATABASE;
        TRY(parse_name(p, &out->name));
        if (accept_word(p, "RENAME"))
            return parse_any_word(p, &out->text);
    }
    p->at = begin;
    return parse_other(p, out);
}
