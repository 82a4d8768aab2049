#include "session/session_int.h"

/* PREPARE name FROM, EXECUTE name USING @variables, DEALLOCATE PREPARE. The text is kept and parsed again at
 * each execution, as with the binary protocol; names belong to the session and do not care for case. */

#include "sql/parser.h"

static Prepared **find_named(Session *session, StrView name)
{
    for (Prepared **at = &session->prepared; *at != NULL; at = &(*at)->next) {
        if ((*at)->name != NULL && strview_equal_ci(strview((*at)->name), name))
            return at;
    }
    return NULL;
}

static char *copy_text(StrView text)
{
    char *copy = mem_alloc_zero(text.length + 1);
    if (text.length > 0)
        memcpy(copy, text.data, text.length);
    return copy;
}

static Status no_such(StatementContext *context, StrView name, const char *of)
{
    return RAISE(context->diag, NO_SUCH_PREPARED, "Unknown prepared statement handler (%.*s) given to %s", SV_ARGS(name), of);
}

Status run_prepare(StatementContext *context, const AstStatement *statement)
{
    Session *session = context->session;
    PreparedInfo info;
    Prepared **old = find_named(session, statement->text);
    if (old != NULL)
        session_close_prepared(session, (*old)->id);
    TRY(session_prepare(session, statement->comment, context->diag, &info));
    session->prepared->name = copy_text(statement->text); /* new ones come first */
    return send_ok(context, 0, STR_VIEW(""));
}

Status run_execute(StatementContext *context, const AstStatement *statement)
{
    Prepared **found = find_named(context->session, statement->text);
    if (found == NULL)
        return no_such(context, statement->text, "EXECUTE");
    uint32_t count = statement->values.count;
    if (count != (*found)->parameter_count)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: %u values for the %u parameters of prepared statement '%.*s'.",
                     count, (*found)->parameter_count, SV_ARGS(statement->text));
    Type *types = ARENA_NEW_ARRAY(&context->arena, Type, MAX(count, 1u));
    Datum *values = ARENA_NEW_ARRAY(&context->arena, Datum, MAX(count, 1u));
    for (uint32_t i = 0; i < count; i++)
        TRY(evaluate_value(context, statement->values.items[i], statement->source, &types[i], &values[i]));
    /* The statement itself may close or replace what it runs. */
    const char *sql = arena_strdup(&context->arena, (*found)->sql);
    return session_run_text(context, strview(sql), types, values, count);
}

Status run_deallocate(StatementContext *context, const AstStatement *statement)
{
    Prepared **found = find_named(context->session, statement->text);
    if (found == NULL)
        return no_such(context, statement->text, "DEALLOCATE PREPARE");
    session_close_prepared(context->session, (*found)->id);
    return send_ok(context, 0, STR_VIEW(""));
}
