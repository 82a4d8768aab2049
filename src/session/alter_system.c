#include "session/session_int.h"

/* ALTER SYSTEM ADD | DROP FOLLOWER | OBSERVER "host:port", ...: the nodes that may join; ADMIN FINALIZE UPGRADE; SYNC. */

#include "cluster/frontends.h"
#include "types/number_text.h"

static Status split_address(StatementContext *context, StrView text, const char **out_host, uint32_t *out_port)
{
    int64_t port = 0;
    size_t colon = text.length;
    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    if (colon < 2 || !int64_parse(strview_n(text.data + colon, text.length - colon), &port) || port <= 0 || port > UINT16_MAX)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Invalid host port: %.*s.", SV_ARGS(text));
    *out_host = arena_strndup(&context->arena, text.data, colon - 1);
    *out_port = (uint32_t)port;
    return OK;
}

Status run_alter_system(StatementContext *context, const AstCommand *command)
{
    Frontends *frontends = context->session->instance->frontends;
    bool adds = strview_is(command->what, "ALTER SYSTEM ADD");
    bool is_observer = strview_is(command->text, "OBSERVER");
    if (frontends == NULL || (!is_observer && !strview_is(command->text, "FOLLOWER")) || (!adds && !strview_is(command->what, "ALTER SYSTEM DROP")))
        return RAISE(context->diag, NOT_SUPPORTED, "%.*s %.*s is not supported: frontends compute too, and join by the volume alone",
                     SV_ARGS(command->what), SV_ARGS(command->text));
    for (uint32_t i = 0; i < command->names.count; i++) {
        const char *host = "";
        uint32_t port = 0;
        TRY(split_address(context, command->names.items[i], &host, &port));
        TRY(adds ? frontends_add(frontends, host, port, is_observer, context->diag)
                 : frontends_drop(frontends, host, port, is_observer, context->diag));
    }
    return send_ok(context, 0, STR_VIEW(""));
}

Status run_finalize_upgrade(StatementContext *context)
{
    uint32_t level;
    TRY(frontends_finalize(context->session->instance->frontends, context->diag, &level));
    return send_ok(context, 0, strview(arena_printf(&context->arena, "{'format_level':'%u'}", level)));
}

Status run_no_operation(StatementContext *context, const AstStatement *statement)
{
    StrView text = strview_n(statement->source.data + statement->begin, statement->end - statement->begin);
    if (strview_starts_with_ci(text, STR_VIEW("SYNC")))
        TRY(meta_sync(context->session->instance->store, context->diag));
    return send_ok(context, 0, STR_VIEW(""));
}
