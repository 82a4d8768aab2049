#include "sql/ast_command.h"
#include "sql/parser_int.h"

/* Loads and unloads: CREATE and ALTER ROUTINE LOAD, LOAD LABEL, EXPORT TABLE. */

/* (a, b, c = a + 1) */
static Status parse_mapping(Parser *p, AstDataSource *source)
{
    TRY(expect_symbol(p, "("));
    do {
        StrView name;
        AstExpr *value = NULL;
        TRY(parse_string_or_name(p, &name));
        if (accept_symbol(p, "="))
            TRY(parse_expression(p, &value));
        AST_PUSH(p->arena, &source->columns, name);
        AST_PUSH(p->arena, &source->values, value);
    } while (accept_symbol(p, ","));
    return expect_symbol(p, ")");
}

static Status parse_load_clause(Parser *p, AstDataSource *source, bool *out_done)
{
    *out_done = false;
    if (accept_phrase(p, "COLUMNS TERMINATED BY"))
        return parse_string(p, &source->column_separator);
    if (accept_phrase(p, "ROWS TERMINATED BY"))
        return parse_string(p, &source->row_delimiter);
    if (is_word(p, "COLUMNS") && is_symbol_ahead(p, 1, "(")) {
        p->at++;
        source->has_columns = true;
        return parse_mapping(p, source);
    }
    if (accept_word(p, "WHERE"))
        return parse_expression(p, &source->where);
    if (accept_temporary_partition(p, &source->is_temporary_partition))
        return parse_partition_names(p, &source->partitions);
    *out_done = true;
    return OK;
}

static Status parse_load_clauses(Parser *p, AstDataSource *source)
{
    bool done = false;
    while (!done) {
        TRY(parse_load_clause(p, source, &done));
        if (!done)
            (void)accept_symbol(p, ",");
    }
    return OK;
}

/* CREATE ROUTINE LOAD [db.]job ON t clauses PROPERTIES (..) FROM KAFKA (..); ALTER ... FOR [db.]job */
Status parse_routine_load(Parser *p, AstStatement *out, bool is_alter)
{
    out->kind = AST_STATEMENT_LOAD;
    AstLoad *load = out->load = ARENA_NEW(p->arena, AstLoad);
    load->is_routine = true;
    load->is_alter = is_alter;
    AstDataSource source = {0};
    TRY(parse_name(p, &load->name));
    if (!is_alter) {
        TRY(expect_word(p, "ON"));
        TRY(parse_any_word(p, &source.table));
    }
    TRY(parse_load_clauses(p, &source));
    TRY(parse_optional_properties(p, &load->properties));
    AST_PUSH(p->arena, &load->sources, source);
    if (!accept_word(p, "FROM"))
        return is_alter ? OK : syntax_error(p, "'FROM'");
    TRY(parse_any_word(p, &load->source));
    return is_symbol(p, "(") ? parse_properties(p, &load->source_properties) : OK;
}

static Status parse_paths(Parser *p, AstDataSource *source)
{
    TRY(expect_word(p, "INFILE"));
    TRY(expect_symbol(p, "("));
    do {
        StrView path;
        TRY(parse_string(p, &path));
        AST_PUSH(p->arena, &source->paths, path);
    } while (accept_symbol(p, ","));
    return expect_symbol(p, ")");
}

static Status parse_format(Parser *p, AstDataSource *source)
{
    if (!accept_words(p, "FORMAT", "AS"))
        return OK;
    TRY(parse_string_or_name(p, &source->format));
    /* Options are "k" = "v" in parentheses; a column list has no equals sign behind its first word. */
    if (is_symbol(p, "(") && is_symbol_ahead(p, 2, "="))
        return parse_properties(p, &source->format_properties);
    return OK;
}

static Status parse_data_source(Parser *p, AstDataSource *source)
{
    TRY(expect_word(p, "DATA"));
    if (accept_words(p, "FROM", "TABLE"))
        TRY(parse_any_word(p, &source->from_table));
    else
        TRY(parse_paths(p, source));
    source->is_negative = accept_word(p, "NEGATIVE");
    TRY(expect_word(p, "INTO"));
    TRY(expect_word(p, "TABLE"));
    TRY(parse_any_word(p, &source->table));
    if (accept_temporary_partition(p, &source->is_temporary_partition))
        TRY(parse_partition_names(p, &source->partitions));
    if (accept_phrase(p, "COLUMNS TERMINATED BY"))
        TRY(parse_string(p, &source->column_separator));
    if (accept_phrase(p, "ROWS TERMINATED BY"))
        TRY(parse_string(p, &source->row_delimiter));
    TRY(parse_format(p, source));
    if (is_symbol(p, "(")) {
        source->has_columns = true;
        TRY(parse_mapping(p, source));
    }
    if (accept_phrase(p, "COLUMNS FROM PATH AS"))
        TRY(parse_identifier_list(p, &source->path_columns));
    if (accept_word(p, "SET"))
        TRY(parse_mapping(p, source));
    return accept_word(p, "WHERE") ? parse_expression(p, &source->where) : OK;
}

/* LOAD LABEL [db.]l (data, ...) [WITH BROKER [name] (..) | WITH RESOURCE r (..)] [PROPERTIES (..)] */
Status parse_load(Parser *p, AstStatement *out)
{
    out->kind = AST_STATEMENT_LOAD;
    AstLoad *load = out->load = ARENA_NEW(p->arena, AstLoad);
    p->at++;
    TRY(expect_word(p, "LABEL"));
    TRY(parse_name(p, &load->name));
    TRY(expect_symbol(p, "("));
    do {
        AstDataSource source = {0};
        TRY(parse_data_source(p, &source));
        AST_PUSH(p->arena, &load->sources, source);
    } while (accept_symbol(p, ","));
    TRY(expect_symbol(p, ")"));
    if (accept_word(p, "WITH")) {
        load->is_resource = accept_word(p, "RESOURCE");
        load->has_broker = !load->is_resource;
        if (load->has_broker)
            TRY(expect_word(p, "BROKER"));
        if (!is_symbol(p, "(") && !is_word(p, "PROPERTIES") && !at_statement_end(p))
            TRY(parse_string_or_name(p, &load->source));
        if (is_symbol(p, "("))
            TRY(parse_properties(p, &load->source_properties));
    }
    return parse_optional_properties(p, &load->properties);
}

/* EXPORT TABLE t [PARTITION (..)] [(cols)] TO "path" [PROPERTIES (..)] [WITH BROKER ..] */
Status parse_export(Parser *p, AstStatement *out)
{
    AstCommand *command = new_command(p, out, "EXPORT TABLE");
    p->at++;
    TRY(expect_word(p, "TABLE"));
    TRY(parse_name(p, &command->name));
    bool is_temporary = false;
    if (accept_temporary_partition(p, &is_temporary))
        TRY(parse_partition_names(p, &command->partitions));
    if (is_symbol(p, "("))
        TRY(parse_identifier_list(p, &command->names));
    TRY(expect_word(p, "TO"));
    TRY(parse_string(p, &command->text));
    (void)accept_phrase(p, "WITH SYNC MODE");
    TRY(parse_optional_properties(p, &command->properties));
    if (!accept_words(p, "WITH", "BROKER"))
        return OK;
    command->flag = true;
    if (!is_symbol(p, "(") && !at_statement_end(p))
        TRY(parse_string_or_name(p, &command->broker));
    return is_symbol(p, "(") ? parse_properties(p, &command->properties2) : OK;
}
