#include "session/show_int.h"

/* SHOW WARNINGS, SHOW ERRORS: the error that the statement before ended with; HELP: functions and what they do. */

#include <stdio.h>

static const SystemColumn warnings_columns[] = {TEXT("Level"), NUMBER("Code"), TEXT("Message")};
static const SystemColumn warning_count_columns[] = {NUMBER("@@session.warning_count")};
static const SystemColumn error_count_columns[] = {NUMBER("@@session.error_count")};
static const SystemColumn topic_columns[] = {TEXT("name"), TEXT("description"), TEXT("example")};
static const SystemColumn list_columns[] = {TEXT("name"), TEXT("is_it_category")};

void session_keep_error(Session *session, const Diag *diag, Status status)
{
    session->last_error = status;
    snprintf(session->last_message, sizeof(session->last_message), "%s", status == OK ? "" : diag->message);
}

bool statement_keeps_error(const AstStatement *statement)
{
    if (statement->kind != AST_STATEMENT_SHOW)
        return false;
    StrView what = statement->show->what;
    return strview_is(what, "WARNINGS") || strview_is(what, "ERRORS") || strview_is(what, "COUNT WARNINGS") || strview_is(what, "COUNT ERRORS");
}

static Status produce_warnings(const SystemSource *source, SystemRows *rows)
{
    const Session *session = show_context(source)->session;
    if (session->last_error == OK)
        return OK;
    system_put_word(rows, "Error");
    system_put_number(rows, error_info(session->last_error)->mysql_number);
    system_put_word(rows, session->last_message);
    return system_end_row(rows);
}

static Status produce_count(const SystemSource *source, SystemRows *rows)
{
    system_put_number(rows, show_context(source)->session->last_error != OK);
    return system_end_row(rows);
}

/* ---- HELP ---- */

static Status produce_topic(const SystemSource *source, SystemRows *rows)
{
    const FuncDef *function = func_find(show_context(source)->show->text);
    if (function == NULL || (function->flags & FUNC_HIDDEN) != 0)
        return OK;
    system_put_word(rows, function->name);
    system_put_word(rows, function->description == NULL ? "" : function->description);
    const char *example = function->example == NULL ? "" : function->example;
    const char *result = function->example_result == NULL ? "" : function->example_result;
    system_put_text(rows, example[0] == '\0' ? STR_VIEW("") : show_text(show_context(source), "SELECT %s\n-> %s", example, result));
    return system_end_row(rows);
}

static Status produce_topics(const SystemSource *source, SystemRows *rows)
{
    StrView pattern = show_context(source)->show->text;
    uint32_t count;
    const FuncDef *const *all = func_all(&count);
    for (uint32_t i = 0; i < count; i++) {
        if ((all[i]->flags & FUNC_HIDDEN) != 0 || !system_matches(strview(all[i]->name), pattern))
            continue;
        system_put_word(rows, all[i]->name);
        system_put_word(rows, "N");
        TRY(system_end_row(rows));
    }
    return OK;
}

/* HELP 'name' tells of one function, HELP 'pattern%' lists them. */
static Status run_help(StatementContext *context, const AstStatement *statement)
{
    SystemTable topic = {"rows", SYSTEM_COLUMNS(topic_columns), produce_topic};
    SystemTable list = {"rows", SYSTEM_COLUMNS(list_columns), produce_topics};
    return show_rows(context, statement, func_find(context->show->text) != NULL ? &topic : &list, SHOW_NO_PATTERN);
}

static const ShowForm forms[] = {
    {"WARNINGS", {"", SYSTEM_COLUMNS(warnings_columns), produce_warnings}, SHOW_NO_PATTERN, NULL},
    {"ERRORS", {"", SYSTEM_COLUMNS(warnings_columns), produce_warnings}, SHOW_NO_PATTERN, NULL},
    {"COUNT WARNINGS", {"", SYSTEM_COLUMNS(warning_count_columns), produce_count}, SHOW_NO_PATTERN, NULL},
    {"COUNT ERRORS", {"", SYSTEM_COLUMNS(error_count_columns), produce_count}, SHOW_NO_PATTERN, NULL},
    {"HELP", {0}, 0, run_help},
};

const ShowForms show_help_forms = {forms, COUNT_OF(forms)};
