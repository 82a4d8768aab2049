#include "session/session_int.h"

/* Statements on the metadata as a whole: ALTER SYSTEM CREATE IMAGE, ADMIN SET CLUSTER READ ONLY | READ WRITE. */

#include "meta/checkpoint.h"
#include "meta/meta_dir.h"

/* Returns once the image is durable, and says where it is. */
static Status run_create_image(StatementContext *context)
{
    static const char *const names[] = {"ImageId", "Object", "Checksum", "Bytes", "Nodes"};
    Instance *instance = context->session->instance;
    Arena *arena = &context->arena;
    ImageReport report;
    TRY(meta_create_image(instance->store, context->diag, &report));
    if (instance->meta_dir != NULL)
        TRY(meta_dir_update(instance->meta_dir, context->diag));
    const StrView values[] = {
        strview(arena_printf(arena, "%llu", (unsigned long long)report.entry_id)),
        strview(arena_strdup(arena, report.object)),
        strview(arena_printf(arena, "%u", report.checksum)),
        strview(arena_printf(arena, "%llu", (unsigned long long)report.bytes)),
        strview(arena_printf(arena, "%s:%u", instance->address, instance->edit_log_port)),
    };
    return send_texts(context, names, COUNT_OF(values), values, 1);
}

/* READ ONLY: returns when nothing that writes runs any more, or its time is over. */
static Status run_set_cluster(StatementContext *context, const AstCommand *command)
{
    enum { DRAIN_SECONDS = 60, MOST_SECONDS = 86400 };
    MetaStore *store = context->session->instance->store;
    uint32_t left = 0;
    if (!strview_is(command->text, "READ ONLY")) {
        TRY(meta_set_read_write(store, context->diag));
        return send_ok(context, 0, STR_VIEW(""));
    }
    int64_t seconds = command->has_number ? (int64_t)MIN(command->number, (uint64_t)MOST_SECONDS) : DRAIN_SECONDS;
    TRY(meta_set_read_only(store, seconds * 1000000, &context->session->cancelled, context->diag, &left));
    if (left == 0)
        return send_ok(context, 0, STR_VIEW(""));
    return send_ok(context, 0, strview(arena_printf(&context->arena, "%u writers had not ended: their commits are refused", left)));
}

bool run_cluster_command(StatementContext *context, const AstCommand *command, Status *out_status)
{
    if (strview_is(command->what, "ALTER SYSTEM CREATE IMAGE"))
        *out_status = run_create_image(context);
    else if (strview_is(command->what, "ADMIN SET CLUSTER"))
        *out_status = run_set_cluster(context, command);
    else
        return false;
    return true;
}
