#include "sql/ast_command.h"
#include "sql/parser_int.h"

/* CREATE and DROP of volumes, warehouses, catalogs, resources, resource groups, indexes, functions,
 * files, dictionaries, snapshots, repositories. */

typedef struct ObjectForm {
    const char *object; /* words behind CREATE or DROP */
    const char *create;
    const char *drop;
} ObjectForm;

static const ObjectForm plain_objects[] = {
    {"STORAGE VOLUME", "CREATE STORAGE VOLUME", "DROP STORAGE VOLUME"},
    {"WAREHOUSE", "CREATE WAREHOUSE", "DROP WAREHOUSE"},
    {"EXTERNAL CATALOG", "CREATE CATALOG", "DROP CATALOG"},
    {"CATALOG", "CREATE CATALOG", "DROP CATALOG"},
    {"EXTERNAL RESOURCE", "CREATE RESOURCE", "DROP RESOURCE"},
    {"RESOURCE", "CREATE RESOURCE", "DROP RESOURCE"},
    {"SECURITY INTEGRATION", "CREATE SECURITY INTEGRATION", "DROP SECURITY INTEGRATION"},
    {"GROUP PROVIDER", "CREATE GROUP PROVIDER", "DROP GROUP PROVIDER"},
    {"SNAPSHOT", "CREATE SNAPSHOT", "DROP SNAPSHOT"},
};

static Status parse_object_option(Parser *p, AstCommand *command, bool *out_done)
{
    *out_done = false;
    if (accept_word(p, "TYPE")) {
        (void)accept_symbol(p, "=");
        return parse_any_word(p, &command->text);
    }
    if (accept_word(p, "LOCATIONS")) {
        (void)accept_symbol(p, "=");
        return parse_identifier_list(p, &command->names);
    }
    if (accept_word(p, "COMMENT")) {
        (void)accept_symbol(p, "=");
        bool is_volume = strview_is(command->what, "CREATE STORAGE VOLUME");
        return parse_string(p, is_volume ? &command->text2 : &command->text);
    }
    if (accept_word(p, "PROPERTIES") || accept_phrase(p, "WITH PROPERTIES") || is_symbol(p, "("))
        return parse_properties(p, &command->properties);
    if (strview_is(command->what, "CREATE SNAPSHOT") && accept_word(p, "FOR")) {
        command->text2 = is_word(p, "CLUSTER") ? STR_VIEW("CLUSTER") : is_word(p, "DATABASE") ? STR_VIEW("DATABASE") : STR_VIEW("TABLE");
        if (accept_word(p, "CLUSTER"))
            return OK;
        if (!accept_word(p, "DATABASE"))
            TRY(expect_word(p, "TABLE"));
        return parse_name(p, &command->name2);
    }
    *out_done = true;
    return OK;
}

static Status parse_create_plain(Parser *p, AstStatement *out, const char *what)
{
    AstCommand *command = new_command(p, out, what);
    TRY(parse_if_not_exists(p, &command->if_not_exists));
    if (peek_token(p)->kind == TOKEN_STRING) {
        command->name.count = 1;
        TRY(parse_string(p, &command->name.parts[0]));
    } else {
        TRY(parse_name(p, &command->name));
    }
    bool done = false;
    while (!done)
        TRY(parse_object_option(p, command, &done));
    return OK;
}

/* (user = 'u', query_type in ('select', 'insert'), ...) */
static Status parse_classifier(Parser *p, AstCommand *command)
{
    AstExprList row = {0};
    TRY(expect_symbol(p, "("));
    TRY(parse_expression_list(p, &row));
    AST_PUSH(p->arena, &command->rows, row);
    return expect_symbol(p, ")");
}

static Status parse_classifiers(Parser *p, AstCommand *command)
{
    do {
        TRY(parse_classifier(p, command));
    } while (accept_symbol(p, ","));
    return OK;
}

static Status parse_create_resource_group(Parser *p, AstStatement *out, bool or_replace)
{
    AstCommand *command = new_command(p, out, "CREATE RESOURCE GROUP");
    command->or_replace = or_replace;
    TRY(parse_if_not_exists(p, &command->if_not_exists));
    if (accept_phrase(p, "OR REPLACE"))
        command->or_replace = true;
    TRY(parse_name(p, &command->name));
    if (accept_word(p, "TO"))
        TRY(parse_classifiers(p, command));
    TRY(expect_word(p, "WITH"));
    return parse_properties(p, &command->properties);
}

Status parse_alter_resource_group(Parser *p, AstStatement *out)
{
    AstCommand *command = new_command(p, out, "ALTER RESOURCE GROUP");
    TRY(parse_name(p, &command->name));
    if (accept_word(p, "ADD")) {
        command->text = STR_VIEW("ADD");
        return parse_classifiers(p, command);
    }
    if (accept_phrase(p, "DROP ALL")) {
        command->text = STR_VIEW("DROP ALL");
        return OK;
    }
    if (accept_word(p, "DROP")) {
        command->text = STR_VIEW("DROP");
        TRY(expect_symbol(p, "("));
        TRY(parse_expression_list(p, &command->values));
        return expect_symbol(p, ")");
    }
    TRY(expect_word(p, "WITH"));
    command->text = STR_VIEW("WITH");
    return parse_properties(p, &command->properties);
}

static Status parse_create_index(Parser *p, AstStatement *out)
{
    AstCommand *command = new_command(p, out, "CREATE INDEX");
    TRY(parse_if_not_exists(p, &command->if_not_exists));
    TRY(parse_any_word(p, &command->index.name));
    TRY(expect_word(p, "ON"));
    TRY(parse_name(p, &command->name));
    return parse_index_definition(p, &command->index);
}

static Status parse_function_argument(Parser *p, AstCommand *command)
{
    AstColumn column = {.is_nullable = true, .has_type = true};
    TokenKind next = (TokenKind)peek_ahead(p, 1)->kind;
    if (next == TOKEN_WORD || next == TOKEN_QUOTED_NAME)
        TRY(parse_any_word(p, &column.name));
    TRY(parse_type_name(p, &column.type));
    AST_PUSH(p->arena, &command->columns, column);
    AST_PUSH(p->arena, &command->types, column.type);
    return OK;
}

static Status parse_function_arguments(Parser *p, AstCommand *command)
{
    TRY(expect_symbol(p, "("));
    while (!is_symbol(p, ")")) {
        if (accept_symbol(p, "..."))
            break;
        TRY(parse_function_argument(p, command));
        (void)accept_symbol(p, "...");
        if (!accept_symbol(p, ","))
            break;
    }
    return expect_symbol(p, ")");
}

/* CREATE [GLOBAL] [TABLE|AGGREGATE] FUNCTION f (types) RETURNS type [INTERMEDIATE type]
 * [TYPE 'Python'] [PROPERTIES (..)] [AS $$ .. $$ | AS expr]; the return type comes last in types. */
static Status parse_create_function(Parser *p, AstStatement *out, bool or_replace, bool is_global)
{
    AstCommand *command = new_command(p, out, "CREATE FUNCTION");
    command->or_replace = or_replace;
    command->flag = is_global;
    TRY(parse_if_not_exists(p, &command->if_not_exists));
    TRY(parse_name(p, &command->name));
    TRY(parse_function_arguments(p, command));
    while (accept_word(p, "RETURNS") || accept_word(p, "INTERMEDIATE")) {
        Type type;
        TRY(parse_type_name(p, &type));
        AST_PUSH(p->arena, &command->types, type);
    }
    bool done = false;
    while (!done)
        TRY(parse_object_option(p, command, &done));
    if (!accept_word(p, "AS") && !accept_word(p, "RETURN"))
        return OK;
    if (peek_token(p)->kind == TOKEN_STRING)
        return parse_string(p, &command->text2);
    AstExpr *body;
    TRY(parse_expression(p, &body));
    AST_PUSH(p->arena, &command->values, body);
    return OK;
}

static bool accept_function(Parser *p, bool *out_global)
{
    uint32_t begin = p->at;
    *out_global = accept_word(p, "GLOBAL");
    (void)(accept_word(p, "TABLE") || accept_word(p, "AGGREGATE") || accept_word(p, "SCALAR"));
    if (accept_word(p, "FUNCTION"))
        return true;
    p->at = begin;
    return false;
}

static Status parse_file(Parser *p, AstStatement *out, const char *what)
{
    AstCommand *command = new_command(p, out, what);
    TRY(parse_string(p, &command->text));
    if (accept_word(p, "IN") || accept_word(p, "FROM"))
        TRY(parse_name(p, &command->name2));
    (void)accept_word(p, "PROPERTIES");
    return is_symbol(p, "(") ? parse_properties(p, &command->properties) : OK;
}

static Status parse_create_repository(Parser *p, AstStatement *out, bool is_read_only)
{
    AstCommand *command = new_command(p, out, "CREATE REPOSITORY");
    command->flag = is_read_only;
    TRY(parse_name(p, &command->name));
    if (accept_words(p, "WITH", "BROKER") && !is_word(p, "ON"))
        TRY(parse_string_or_name(p, &command->broker));
    TRY(expect_word(p, "ON"));
    TRY(expect_word(p, "LOCATION"));
    TRY(parse_string(p, &command->text));
    return parse_optional_properties(p, &command->properties);
}

/* CREATE DICTIONARY d USING source (k KEY, v VALUE, ..) [PROPERTIES (..)] */
static Status parse_create_dictionary(Parser *p, AstStatement *out)
{
    AstCommand *command = new_command(p, out, "CREATE DICTIONARY");
    TRY(parse_name(p, &command->name));
    TRY(expect_word(p, "USING"));
    TRY(parse_name(p, &command->name2));
    TRY(expect_symbol(p, "("));
    do {
        StrView column;
        StrView role;
        TRY(parse_any_word(p, &column));
        TRY(parse_any_word(p, &role));
        AST_PUSH(p->arena, &command->names, column);
        AST_PUSH(p->arena, &command->names, role);
    } while (accept_symbol(p, ","));
    TRY(expect_symbol(p, ")"));
    return parse_optional_properties(p, &command->properties);
}

Status parse_create_object(Parser *p, AstStatement *out, bool or_replace, bool *out_found)
{
    bool is_global = false;
    *out_found = true;
    if (accept_phrase(p, "MATERIALIZED VIEW"))
        return parse_create_mv(p, out, or_replace);
    if (accept_word(p, "USER"))
        return parse_user(p, out, false);
    if (accept_word(p, "ROLE"))
        return parse_roles(p, out, "CREATE ROLE");
    if (accept_phrase(p, "RESOURCE GROUP"))
        return parse_create_resource_group(p, out, or_replace);
    if (accept_phrase(p, "ROUTINE LOAD"))
        return parse_routine_load(p, out, false);
    if (accept_word(p, "PIPE"))
        return parse_create_pipe(p, out, or_replace);
    if (accept_word(p, "INDEX"))
        return parse_create_index(p, out);
    if (accept_word(p, "FILE"))
        return parse_file(p, out, "CREATE FILE");
    if (accept_word(p, "DICTIONARY"))
        return parse_create_dictionary(p, out);
    if (accept_word(p, "REPOSITORY"))
        return parse_create_repository(p, out, false);
    if (accept_phrase(p, "READ ONLY REPOSITORY"))
        return parse_create_repository(p, out, true);
    if (accept_function(p, &is_global))
        return parse_create_function(p, out, or_replace, is_global);
    for (size_t i = 0; i < COUNT_OF(plain_objects); i++) {
        if (accept_phrase(p, plain_objects[i].object))
            return parse_create_plain(p, out, plain_objects[i].create);
    }
    *out_found = false;
    return OK;
}

static Status parse_drop_named(Parser *p, AstStatement *out, const char *what)
{
    AstCommand *command = new_command(p, out, what);
    TRY(parse_if_exists(p, &command->if_exists));
    if (peek_token(p)->kind == TOKEN_STRING) {
        command->name.count = 1;
        TRY(parse_string(p, &command->name.parts[0]));
    } else {
        TRY(parse_name(p, &command->name));
    }
    command->is_force = accept_word(p, "FORCE");
    command->flag = accept_word(p, "CACHE");
    return OK;
}

static Status parse_drop_index(Parser *p, AstStatement *out)
{
    AstCommand *command = new_command(p, out, "DROP INDEX");
    TRY(parse_if_exists(p, &command->if_exists));
    TRY(parse_any_word(p, &command->index.name));
    TRY(expect_word(p, "ON"));
    return parse_name(p, &command->name);
}

static Status parse_drop_user(Parser *p, AstStatement *out)
{
    AstCommand *command = new_command(p, out, "DROP USER");
    TRY(parse_if_exists(p, &command->if_exists));
    command->user = ARENA_NEW(p->arena, AstUserName);
    return parse_user_name(p, command->user);
}

static Status parse_drop_function(Parser *p, AstStatement *out, bool is_global)
{
    AstCommand *command = new_command(p, out, "DROP FUNCTION");
    command->flag = is_global;
    TRY(parse_if_exists(p, &command->if_exists));
    TRY(parse_name(p, &command->name));
    return parse_function_arguments(p, command);
}

Status parse_drop_object(Parser *p, AstStatement *out, bool *out_found)
{
    static const ObjectForm others[] = {{"MATERIALIZED VIEW", NULL, "DROP MATERIALIZED VIEW"},
                                        {"RESOURCE GROUP", NULL, "DROP RESOURCE GROUP"},
                                        {"TASK", NULL, "DROP TASK"},
                                        {"PIPE", NULL, "DROP PIPE"},
                                        {"REPOSITORY", NULL, "DROP REPOSITORY"},
                                        {"DICTIONARY", NULL, "DROP DICTIONARY"}};
    bool is_global = false;
    *out_found = true;
    if (accept_word(p, "USER"))
        return parse_drop_user(p, out);
    if (accept_word(p, "ROLE"))
        return parse_roles(p, out, "DROP ROLE");
    if (accept_word(p, "INDEX"))
        return parse_drop_index(p, out);
    if (accept_word(p, "FILE"))
        return parse_file(p, out, "DROP FILE");
    if (accept_function(p, &is_global))
        return parse_drop_function(p, out, is_global);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        if (accept_phrase(p, others[i].object))
            return parse_drop_named(p, out, others[i].drop);
    }
    for (size_t i = 0; i < COUNT_OF(plain_objects); i++) {
        if (accept_phrase(p, plain_objects[i].object))
            return parse_drop_named(p, out, plain_objects[i].drop);
    }
    *out_found = false;
    return OK;
}
