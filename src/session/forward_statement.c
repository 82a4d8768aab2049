#include "session/session_int.h"

/* Which statements go to the leader, and with what. */

#include "session/forward.h"

/* What only the leader knows. */
static bool shows_leader(const AstShow *show)
{
    return strview_is(show->what, "FRONTENDS") || strview_is(show->what, "BACKUP");
}

static bool is_local(const StatementContext *context, const AstStatement *statement)
{
    switch ((AstKind)statement->kind) {
    case AST_STATEMENT_USE:
    case AST_STATEMENT_KILL:
    case AST_STATEMENT_PREPARE:
    case AST_STATEMENT_EXECUTE: /* what it runs is looked at then */
    case AST_STATEMENT_DEALLOCATE:
    case AST_STATEMENT_NO_OPERATION:
        return true;
    case AST_STATEMENT_SET:
        for (uint32_t i = 0; i < statement->settings.count; i++) {
            StrView scope = statement->settings.items[i].scope;
            if (strview_is(scope, "global") || strview_is(scope, "password") || strview_is(scope, "property") || strview_is(scope, "default role"))
                return false;
        }
        return true;
    case AST_STATEMENT_COMMAND:
        if (strview_is(statement->command->what, "EXECUTE AS")) /* who the session is */
            return true;
        return !context->session->is_pinned && (strview_is(statement->command->what, "CACHE SELECT") || /* each server has its own */
                                                strview_is(statement->command->what, "ADMIN CLEAR DATACACHE"));
    case AST_STATEMENT_SHOW:
        return strview_is(statement->show->what, "PROCESSLIST") || (!context->session->is_pinned && !shows_leader(statement->show));
    case AST_STATEMENT_QUERY:
    case AST_STATEMENT_DESCRIBE:
    case AST_STATEMENT_TRACE:
        return !context->session->is_pinned;
    case AST_STATEMENT_EXPLAIN:
        return !context->session->is_pinned && !(strview_is(statement->text, "ANALYZE") && statement->inner != NULL &&
                                                 statement->inner->kind != AST_STATEMENT_QUERY);
    default:
        return false;
    }
}

bool statement_is_forwarded(const StatementContext *context, const AstStatement *statement)
{
    const Instance *instance = context->session->instance;
    return instance->forward != NULL && (context->session->is_pinned || !meta_is_leading(instance->store)) && !is_local(context, statement);
}

static void put_value(ByteBuf *out, const char *type, StrView text)
{
    bytebuf_append_text(out, type == NULL ? "" : "CAST(");
    bytebuf_append_quoted(out, text, '\'');
    if (type != NULL)
        bytebuf_printf(out, " AS %s)", type);
}

/* The session's active roles and its own variables, as statements. */
static void put_variables(const Session *session, ByteBuf *out)
{
    bytebuf_append_text(out, session->roles.count == 0 ? "SET ROLE NONE" : "");
    for (uint32_t i = 0; i < session->roles.count; i++)
        bytebuf_printf(out, "%s`%.*s`", i == 0 ? "SET ROLE " : ", ", SV_ARGS(session->roles.items[i]));
    bytebuf_append_text(out, ";\n");
    for (const Variable *v = session->variables; v != NULL; v = v->next) {
        bytebuf_printf(out, "SET %s`%s` = ", v->is_user ? "@" : "", v->name);
        if (v->is_null)
            bytebuf_append_text(out, "NULL");
        else
            put_value(out, v->type, strview(v->value));
        bytebuf_append_text(out, ";\n");
    }
}

static void put_parameter(ByteBuf *out, uint32_t number, Type type, const Datum *value)
{
    AUTO_BYTEBUF text = {0};
    AUTO_BYTEBUF type_text = {0};
    bytebuf_printf(out, "SET @merak_parameter_%u = ", number);
    datum_print(type, value, &text);
    type_print_sql(type, &type_text);
    if (value->is_null)
        bytebuf_append_text(out, "NULL");
    else
        put_value(out, type_text.data, bytebuf_view(&text));
    bytebuf_append_text(out, ";\n");
}

/* A statement with parameters is prepared there too, and executed with them. */
static void put_prepared(const StatementContext *context, StrView sql, ByteBuf *preparation, ByteBuf *call)
{
    const AnalyzeContext *analyze = &context->analyze;
    bytebuf_append_text(preparation, "PREPARE merak_forwarded FROM ");
    bytebuf_append_quoted(preparation, sql, '\'');
    bytebuf_append_text(preparation, ";\n");
    bytebuf_append_text(call, "EXECUTE merak_forwarded USING ");
    for (uint32_t i = 0; i < analyze->parameter_count; i++) {
        put_parameter(preparation, i, analyze->parameter_types[i], &analyze->parameter_values[i]);
        bytebuf_printf(call, "%s@merak_parameter_%u", i == 0 ? "" : ", ", i);
    }
}

static void note_pin(Session *session, const AstStatement *statement)
{
    session->has_remote_temporaries |= statement->kind == AST_STATEMENT_CREATE_TABLE && statement->create_table->is_temporary;
    if (statement->kind == AST_STATEMENT_BEGIN || session->has_remote_temporaries)
        session->is_pinned = true;
    else if (statement->kind == AST_STATEMENT_COMMIT || statement->kind == AST_STATEMENT_ROLLBACK)
        session->is_pinned = false;
}

Status statement_forward(StatementContext *context, const AstStatement *statement)
{
    Session *session = context->session;
    Instance *instance = session->instance;
    AUTO_BYTEBUF preparation = {0};
    AUTO_BYTEBUF call = {0};
    StrView sql = strview_n(statement->source.data + statement->begin, statement->end - statement->begin);
    put_variables(session, &preparation);
    if (context->analyze.parameter_count > 0)
        put_prepared(context, sql, &preparation, &call);
    ForwardRequest request = {.user = access_identity(&context->arena, strview(session->user), strview(session->user_host)), .host = strview(session->host),
                              .database = bytebuf_view(&session->database), .preparation = bytebuf_view(&preparation),
                              .sql = call.length > 0 ? bytebuf_view(&call) : sql, .has_more = context->has_more,
                              .keeps_link = session->is_pinned && session->forward_link != NULL,
                              .timeout_us = session_write_timeout_us(session), .cancelled = &session->cancelled};
    Status status = instance->forward->run(instance->forward->context, &session->forward_link, &request, context->sink, context->diag);
    if (status == OK)
        note_pin(session, statement);
    else if (session->forward_link == NULL)
        session->is_pinned = session->has_remote_temporaries = false; /* what was there is gone with the link */
    Diag trouble = {0};
    session->is_behind = meta_sync(instance->store, &trouble) != OK; /* the next statement tries again */
    return status;
}

void session_close_forward(Session *session)
{
    const ForwardOps *forward = session->instance->forward;
    if (session->forward_link != NULL)
        forward->close(forward->context, session->forward_link);
    session->forward_link = NULL;
    session->is_pinned = session->has_remote_temporaries = false;
}
