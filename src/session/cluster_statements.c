#include "session/session_int.h"

/* Statements on the metadata as a whole: ALTER SYSTEM CREATE IMAGE. */

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

bool run_cluster_command(StatementContext *context, const AstCommand *command, Status *out_status)
{
    if (!strview_is(command->what, "ALTER SYSTEM CREATE IMAGE"))
        return false;
    *out_status = run_create_image(context);
    return true;
}
