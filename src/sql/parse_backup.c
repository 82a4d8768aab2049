#include "sql/ast_command.h"
#include "sql/parser_int.h"

/* BACKUP, RESTORE (from repositories and from snapshots), RECOVER. */

static Status parse_backup_object(Parser *p, AstBackupObject *out)
{
    static const char *const kinds[] = {"MATERIALIZED VIEWS", "MATERIALIZED VIEW", "TABLES", "TABLE",
                                        "VIEWS", "VIEW", "FUNCTIONS", "FUNCTION",
                                        "EXTERNAL CATALOGS", "EXTERNAL CATALOG"};
    out->kind = STR_VIEW("TABLE");
    bool is_all = accept_word(p, "ALL");
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (!accept_phrase(p, kinds[i]))
            continue;
        bool is_plural = kinds[i][strlen(kinds[i]) - 1] == 'S';
        out->kind = strview_n(kinds[i], strlen(kinds[i]) - is_plural);
        break;
    }
    if (is_all)
        return OK;
    TRY(parse_any_word(p, &out->name));
    bool is_temporary = false;
    if (accept_temporary_partition(p, &is_temporary))
        TRY(parse_partition_names(p, &out->partitions));
    return accept_word(p, "AS") ? parse_any_word(p, &out->alias) : OK;
}

static Status parse_backup_objects(Parser *p, AstCommand *command)
{
    if (!accept_word(p, "ON"))
        return OK;
    TRY(expect_symbol(p, "("));
    do {
        AstBackupObject object = {0};
        TRY(parse_backup_object(p, &object));
        AST_PUSH(p->arena, &command->objects, object);
    } while (accept_symbol(p, ","));
    return expect_symbol(p, ")");
}

/* What our own form has behind the object: [AS name] TO volume. */
static Status parse_backup_target(Parser *p, AstCommand *command)
{
    if (accept_word(p, "AS"))
        TRY(parse_name(p, &command->name2));
    TRY(expect_word(p, "TO"));
    return parse_any_word(p, &command->text);
}

static Status parse_state_backup(Parser *p, AstCommand *command, const char *what, bool has_name)
{
    command->what = strview(what);
    if (has_name)
        TRY(parse_name(p, &command->name));
    return parse_backup_target(p, command);
}

/* BACKUP {CLUSTER | DATABASE d | TABLE t | SNAPSHOT s} [AS name] TO volume
 * BACKUP [DATABASE d] SNAPSHOT [db.]label TO repository ON (..) [PROPERTIES (..)] */
Status parse_backup(Parser *p, AstStatement *out)
{
    AstCommand *command = new_command(p, out, "BACKUP");
    p->at++;
    if (accept_word(p, "CLUSTER"))
        return parse_state_backup(p, command, "BACKUP CLUSTER", false);
    if (accept_word(p, "TABLE"))
        return parse_state_backup(p, command, "BACKUP TABLE", true);
    if (accept_word(p, "DATABASE")) {
        TRY(parse_name(p, &command->name));
        if (!is_word(p, "SNAPSHOT")) {
            command->what = STR_VIEW("BACKUP DATABASE");
            return parse_backup_target(p, command);
        }
        command->name2 = command->name;
        command->name = (AstName){0};
    } else if (is_word(p, "EXTERNAL") || is_word(p, "ALL")) {
        AstBackupObject object = {0};
        TRY(parse_backup_object(p, &object));
        AST_PUSH(p->arena, &command->objects, object);
    }
    TRY(expect_word(p, "SNAPSHOT"));
    TRY(parse_name(p, &command->name));
    if (command->name2.count == 0 && is_word(p, "AS"))
        return parse_state_backup(p, command, "BACKUP SNAPSHOT", false);
    TRY(expect_word(p, "TO"));
    TRY(parse_any_word(p, &command->text));
    if (command->name2.count == 0 && command->objects.count == 0 && at_statement_end(p)) {
        command->what = STR_VIEW("BACKUP SNAPSHOT");
        return OK;
    }
    TRY(parse_backup_objects(p, command));
    return parse_optional_properties(p, &command->properties);
}

static Status parse_restore_repository(Parser *p, AstCommand *command)
{
    TRY(parse_name(p, &command->name));
    TRY(expect_word(p, "FROM"));
    TRY(parse_any_word(p, &command->text));
    if (accept_word(p, "DATABASE")) {
        TRY(parse_name(p, &command->name2));
        if (accept_word(p, "AS"))
            TRY(parse_any_word(p, &command->text2));
    }
    TRY(parse_backup_objects(p, command));
    return parse_optional_properties(p, &command->properties);
}

/* CREATE {TABLE | DATABASE} new CLONE old [FROM SNAPSHOT s | FOR {VERSION | TIMESTAMP} AS OF expr] */
Status parse_clone(Parser *p, AstStatement *out, const char *what, const AstName *fresh, bool if_not_exists)
{
    AstName name = *fresh;
    AstCommand *command = new_command(p, out, what);
    command->name2 = name;
    command->if_not_exists = if_not_exists;
    TRY(parse_name(p, &command->name));
    if (accept_phrase(p, "FROM SNAPSHOT"))
        return parse_any_word(p, &command->text);
    if (!accept_word(p, "FOR"))
        return OK;
    command->flag = is_word(p, "VERSION");
    if (!accept_word(p, "VERSION"))
        TRY(expect_word(p, "TIMESTAMP"));
    TRY(expect_word(p, "AS"));
    TRY(expect_word(p, "OF"));
    AstExpr *moment;
    TRY(parse_expression(p, &moment));
    AST_PUSH(p->arena, &command->values, moment);
    return OK;
}

/* [d.]t.p: the last word is the partition. */
static Status parse_restored_partition(Parser *p, AstCommand *command)
{
    TRY(parse_name(p, &command->name));
    if (command->name.count < 2)
        return syntax_error(p, "'.': RESTORE PARTITION takes table.partition");
    AST_PUSH(p->arena, &command->partitions, command->name.parts[--command->name.count]);
    return OK;
}

/* Behind RESTORE {CLUSTER | DATABASE d | TABLE t [PARTITION (..)] | PARTITION t.p}:
 * [AS new] {FROM SNAPSHOT s | TO TIMESTAMP expr} [AS new] */
static Status parse_restore_from(Parser *p, AstCommand *command)
{
    if (accept_word(p, "AS"))
        TRY(parse_name(p, &command->name2));
    if (accept_phrase(p, "FROM SNAPSHOT")) {
        TRY(parse_any_word(p, &command->text));
    } else {
        AstExpr *moment;
        if (!accept_phrase(p, "TO TIMESTAMP"))
            return syntax_error(p, "'FROM', 'TO'");
        TRY(parse_expression(p, &moment));
        AST_PUSH(p->arena, &command->values, moment);
    }
    if (accept_word(p, "AS"))
        TRY(parse_name(p, &command->name2));
    return parse_optional_properties(p, &command->properties);
}

static Status parse_restored_table(Parser *p, AstCommand *command)
{
    bool is_temporary = false;
    TRY(parse_name(p, &command->name));
    if (accept_temporary_partition(p, &is_temporary))
        TRY(parse_partition_names(p, &command->partitions));
    return parse_restore_from(p, command);
}

Status parse_restore(Parser *p, AstStatement *out)
{
    p->at++;
    if (accept_word(p, "SNAPSHOT"))
        return parse_restore_repository(p, new_command(p, out, "RESTORE"));
    if (accept_word(p, "CLUSTER"))
        return parse_restore_from(p, new_command(p, out, "RESTORE CLUSTER"));
    if (accept_word(p, "DATABASE")) {
        AstCommand *command = new_command(p, out, "RESTORE DATABASE");
        TRY(parse_name(p, &command->name));
        return parse_restore_from(p, command);
    }
    if (accept_word(p, "TABLE"))
        return parse_restored_table(p, new_command(p, out, "RESTORE TABLE"));
    if (accept_word(p, "PARTITION")) {
        AstCommand *command = new_command(p, out, "RESTORE TABLE");
        TRY(parse_restored_partition(p, command));
        return parse_restore_from(p, command);
    }
    return syntax_error(p, "'SNAPSHOT', 'CLUSTER', 'DATABASE', 'TABLE', 'PARTITION'");
}

static Status parse_recover_id(Parser *p, AstCommand *command)
{
    command->has_number = peek_token(p)->kind == TOKEN_INTEGER;
    return command->has_number ? parse_integer(p, &command->number) : OK;
}

/* RECOVER DATABASE d | TABLE t | PARTITION p FROM t, each [id] [AS new] */
Status parse_recover(Parser *p, AstStatement *out)
{
    AstCommand *command;
    p->at++;
    if (accept_word(p, "DATABASE")) {
        command = new_command(p, out, "RECOVER DATABASE");
        TRY(parse_name(p, &command->name));
    } else if (accept_word(p, "TABLE")) {
        command = new_command(p, out, "RECOVER TABLE");
        TRY(parse_name(p, &command->name));
    } else {
        TRY(expect_word(p, "PARTITION"));
        command = new_command(p, out, "RECOVER PARTITION");
        TRY(parse_any_word(p, &command->text));
    }
    TRY(parse_recover_id(p, command));
    if (accept_word(p, "AS"))
        TRY(parse_name(p, &command->name2));
    return accept_word(p, "FROM") ? parse_name(p, &command->name) : OK;
}
