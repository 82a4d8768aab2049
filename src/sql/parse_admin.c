#include "sql/ast_command.h"
#include "sql/parser_int.h"

/* ADMIN, ALTER SYSTEM, black lists, plugins, CALL. */

static Status parse_table_partitions(Parser *p, AstCommand *command)
{
    TRY(parse_name(p, &command->name));
    bool is_temporary = false;
    if (accept_temporary_partition(p, &is_temporary))
        TRY(parse_partition_names(p, &command->partitions));
    return OK;
}

static Status parse_partition_version(Parser *p, AstStatement *out)
{
    AstCommand *command = new_command(p, out, "ADMIN SET PARTITION VERSION");
    (void)accept_word(p, "TABLE");
    TRY(parse_table_partitions(p, command));
    TRY(expect_word(p, "VERSION"));
    TRY(expect_word(p, "TO"));
    command->has_number = true;
    return parse_integer(p, &command->number);
}

static Status parse_automated_snapshot(Parser *p, AstStatement *out, bool is_on)
{
    AstCommand *command = new_command(p, out, is_on ? "ADMIN SET AUTOMATED CLUSTER SNAPSHOT ON"
                                                    : "ADMIN SET AUTOMATED CLUSTER SNAPSHOT OFF");
    if (!is_on)
        return OK;
    if (accept_phrase(p, "STORAGE VOLUME"))
        TRY(parse_any_word(p, &command->text));
    if (!is_word(p, "INTERVAL"))
        return OK;
    AstExpr *interval;
    TRY(parse_expression(p, &interval));
    AST_PUSH(p->arena, &command->values, interval);
    return OK;
}

static Status parse_admin_config(Parser *p, AstStatement *out)
{
    if (accept_phrase(p, "FRONTEND CONFIG")) {
        out->kind = AST_STATEMENT_ADMIN_SET_CONFIG;
        TRY(parse_properties(p, &out->properties));
        out->flag = accept_phrase(p, "WITH PERSISTENT");
        return OK;
    }
    p->at++;
    AstCommand *command = new_command(p, out, "ADMIN SET BACKEND CONFIG");
    TRY(expect_word(p, "CONFIG"));
    if (peek_token(p)->kind == TOKEN_STRING)
        TRY(parse_string(p, &command->text));
    return parse_properties(p, &command->properties);
}

static Status parse_admin_set(Parser *p, AstStatement *out, bool *out_found)
{
    *out_found = true;
    if (is_word(p, "FRONTEND") || is_word(p, "BACKEND"))
        return parse_admin_config(p, out);
    if (accept_phrase(p, "REPLICA STATUS")) {
        AstCommand *command = new_command(p, out, "ADMIN SET REPLICA STATUS");
        return parse_optional_properties(p, &command->properties);
    }
    if (accept_phrase(p, "PARTITION VERSION") || (is_word(p, "TABLE") && is_word_ahead(p, 2, "PARTITION")))
        return parse_partition_version(p, out);
    if (accept_phrase(p, "AUTOMATED CLUSTER SNAPSHOT ON"))
        return parse_automated_snapshot(p, out, true);
    if (accept_phrase(p, "AUTOMATED CLUSTER SNAPSHOT OFF"))
        return parse_automated_snapshot(p, out, false);
    if (accept_word(p, "CLUSTER")) {
        AstCommand *command = new_command(p, out, "ADMIN SET CLUSTER");
        TRY(expect_word(p, "READ"));
        command->text = is_word(p, "ONLY") ? STR_VIEW("READ ONLY") : STR_VIEW("READ WRITE");
        if (!accept_word(p, "ONLY"))
            return expect_word(p, "WRITE");
        command->has_number = accept_word(p, "TIMEOUT");
        return command->has_number ? parse_integer(p, &command->number) : OK;
    }
    *out_found = false;
    return OK;
}

static Status parse_check_tablet(Parser *p, AstStatement *out)
{
    AstCommand *command = new_command(p, out, "ADMIN CHECK TABLET");
    TRY(expect_symbol(p, "("));
    TRY(parse_expression_list(p, &command->values));
    TRY(expect_symbol(p, ")"));
    return parse_optional_properties(p, &command->properties);
}

static Status parse_vacuum(Parser *p, AstStatement *out)
{
    AstCommand *command = new_command(p, out, "ADMIN VACUUM");
    command->flag = accept_word(p, "ALL") || at_statement_end(p);
    if (command->flag)
        return OK;
    (void)accept_word(p, "TABLE");
    return parse_table_partitions(p, command);
}

static Status parse_execute_on(Parser *p, AstStatement *out)
{
    AstCommand *command = new_command(p, out, "ADMIN EXECUTE ON");
    const Token *node = peek_token(p);
    if (node->kind != TOKEN_WORD && node->kind != TOKEN_INTEGER)
        return syntax_error(p, "'FRONTEND', an integer");
    command->text = node->text;
    p->at++;
    return parse_string(p, &command->text2);
}

Status parse_admin(Parser *p, AstStatement *out)
{
    uint32_t begin = p->at++;
    if (is_word(p, "SHOW"))
        return parse_show(p, out);
    bool found = false;
    if (accept_word(p, "SET"))
        TRY(parse_admin_set(p, out, &found));
    if (found)
        return OK;
    bool is_cancel = accept_phrase(p, "CANCEL REPAIR TABLE");
    if (is_cancel || accept_phrase(p, "REPAIR TABLE")) {
        AstCommand *command =
            new_command(p, out, is_cancel ? "ADMIN CANCEL REPAIR TABLE" : "ADMIN REPAIR TABLE");
        TRY(parse_table_partitions(p, command));
        return parse_optional_properties(p, &command->properties);
    }
    if (accept_phrase(p, "CHECK TABLET"))
        return parse_check_tablet(p, out);
    if (accept_word(p, "VACUUM"))
        return parse_vacuum(p, out);
    if (accept_phrase(p, "SKIP COMMITTED TRANSACTION")) {
        AstCommand *command = new_command(p, out, "ADMIN SKIP COMMITTED TRANSACTION");
        command->has_number = true;
        return parse_integer(p, &command->number);
    }
    if (accept_phrase(p, "TEST SNAPSHOT"))
        return parse_any_word(p, &new_command(p, out, "ADMIN TEST SNAPSHOT")->text);
    if (accept_phrase(p, "CLEAR DATACACHE")) {
        (void)new_command(p, out, "ADMIN CLEAR DATACACHE");
        return OK;
    }
    if (accept_phrase(p, "FINALIZE UPGRADE")) {
        (void)new_command(p, out, "ADMIN FINALIZE UPGRADE");
        return OK;
    }
    if (accept_phrase(p, "EXECUTE ON"))
        return parse_execute_on(p, out);
    p->at = begin;
    return parse_other(p, out);
}

/* "h:p", "h2:p2" */
static Status parse_hosts(Parser *p, AstCommand *command)
{
    do {
        StrView host;
        TRY(parse_string(p, &host));
        AST_PUSH(p->arena, &command->names, host);
    } while (accept_symbol(p, ","));
    return OK;
}

static bool accept_node_kind(Parser *p, StrView *out)
{
    static const char *const kinds[] = {"FRONTEND HOST", "FRONTEND", "FOLLOWER", "OBSERVER",
                                        "BACKEND HOST", "BACKEND", "COMPUTE NODE", "BROKER"};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (accept_phrase(p, kinds[i])) {
            *out = strview(kinds[i]);
            return true;
        }
    }
    return false;
}

static Status parse_node(Parser *p, AstStatement *out, const char *what)
{
    AstCommand *command = new_command(p, out, what);
    if (!accept_node_kind(p, &command->text))
        return syntax_error(p, "'FOLLOWER', 'OBSERVER', 'BACKEND', 'COMPUTE', 'BROKER'");
    if (strview_is(command->text, "BROKER")) {
        command->flag = accept_word(p, "ALL");
        if (!command->flag || peek_token(p)->kind != TOKEN_STRING)
            TRY(parse_any_word(p, &command->text2));
        if (at_statement_end(p))
            return OK;
    }
    TRY(parse_hosts(p, command));
    if (accept_word(p, "TO"))
        return parse_string(p, &command->text2);
    if (accept_word(p, "SET"))
        return parse_properties(p, &command->properties);
    (void)accept_word(p, "INTO");
    (void)accept_word(p, "FROM");
    if (accept_word(p, "WAREHOUSE"))
        TRY(parse_any_word(p, &command->text2));
    if (accept_phrase(p, "CNGROUP"))
        p->at++;
    command->is_force = accept_word(p, "FORCE");
    return OK;
}

Status parse_alter_system(Parser *p, AstStatement *out)
{
    uint32_t begin = p->at - 2;
    if (accept_phrase(p, "CREATE IMAGE")) {
        (void)new_command(p, out, "ALTER SYSTEM CREATE IMAGE");
        return OK;
    }
    if (accept_word(p, "ADD"))
        return parse_node(p, out, "ALTER SYSTEM ADD");
    if (accept_word(p, "DROP"))
        return parse_node(p, out, "ALTER SYSTEM DROP");
    if (accept_word(p, "MODIFY"))
        return parse_node(p, out, "ALTER SYSTEM MODIFY");
    if (accept_word(p, "DECOMMISSION"))
        return parse_node(p, out, "ALTER SYSTEM DECOMMISSION");
    if (accept_phrase(p, "CANCEL DECOMMISSION"))
        return parse_node(p, out, "ALTER SYSTEM CANCEL DECOMMISSION");
    p->at = begin;
    return parse_other(p, out);
}

/* ADD|DELETE {SQLBLACKLIST ... | BACKEND BLACKLIST ids | COMPUTE NODE BLACKLIST ids} */
Status parse_blacklist(Parser *p, AstStatement *out)
{
    bool is_add = is_word(p, "ADD");
    uint32_t begin = p->at++;
    bool is_sql = accept_word(p, "SQLBLACKLIST");
    const char *kind = is_sql                                      ? "SQLBLACKLIST"
                       : accept_phrase(p, "BACKEND BLACKLIST")     ? "BACKEND BLACKLIST"
                       : accept_phrase(p, "COMPUTE NODE BLACKLIST") ? "COMPUTE NODE BLACKLIST"
                                                                    : NULL;
    if (kind == NULL) {
        p->at = begin;
        return parse_other(p, out);
    }
    AstCommand *command = new_command(p, out, arena_printf(p->arena, "%s %s", is_add ? "ADD" : "DELETE", kind));
    return is_sql && is_add ? parse_hosts(p, command) : parse_expression_list(p, &command->values);
}

Status parse_plugin(Parser *p, AstStatement *out)
{
    bool is_install = is_word(p, "INSTALL");
    p->at++;
    AstCommand *command = new_command(p, out, is_install ? "INSTALL PLUGIN" : "UNINSTALL PLUGIN");
    TRY(expect_word(p, "PLUGIN"));
    if (is_install)
        TRY(expect_word(p, "FROM"));
    TRY(parse_string_or_name(p, &command->text));
    return parse_optional_properties(p, &command->properties);
}

Status parse_call(Parser *p, AstStatement *out)
{
    AstCommand *command = new_command(p, out, "CALL");
    p->at++;
    TRY(parse_name(p, &command->name));
    TRY(expect_symbol(p, "("));
    if (!is_symbol(p, ")"))
        TRY(parse_expression_list(p, &command->values));
    return expect_symbol(p, ")");
}
