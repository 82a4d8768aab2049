#include "session/session_int.h"

/* ALTER TABLE ... COMPACT and ADMIN VACUUM: what the background jobs do, now; EXPLAIN VACUUM: what it would do. */

Status run_compact(StatementContext *context, const CatalogTable *table, const AstAlterAction *action)
{
    uint64_t *ids = ARENA_NEW_ARRAY(&context->arena, uint64_t, action->names.count + 1);
    for (uint32_t i = 0; i < action->names.count; i++) {
        const CatalogPartition *partition = catalog_partition(table, action->names.items[i]);
        if (partition == NULL)
            return RAISE(context->diag, NO_SUCH_PARTITION, "partition '%.*s' does not exist in table '%.*s'",
                         SV_ARGS(action->names.items[i]), SV_ARGS(table->name));
        ids[i] = partition->id;
    }
    return compactor_compact_table(context->session->instance->compactor, table->id, action->names.count > 0 ? ids : NULL,
                                   action->names.count, &context->session->cancelled, context->diag);
}

Status run_admin_vacuum(StatementContext *context, const AstCommand *command)
{
    enum { COLUMNS = 7 };
    static const char *const names[COLUMNS] = {"Objects", "Live", "InUse", "Waiting", "Deleted", "DeletedBytes", "Failed"};
    VacuumReport report;
    if (command->name.count > 0)
        return RAISE(context->diag, NOT_SUPPORTED, "ADMIN VACUUM of one table is not supported: ADMIN VACUUM looks at all objects");
    TRY(vacuum_run(context->session->instance->vacuum, context->diag, &report));
    uint64_t numbers[COLUMNS] = {report.objects, report.live,          report.leased, report.waiting,
                                 report.deleted, report.deleted_bytes, report.failed};
    StrView values[COLUMNS];
    for (uint32_t i = 0; i < COLUMNS; i++)
        values[i] = strview(arena_printf(&context->arena, "%llu", (unsigned long long)numbers[i]));
    return send_texts(context, names, COLUMNS, values, 1);
}

typedef struct ObjectRows {
    StatementContext *context;
    ARRAY_OF(StrView) values;
} ObjectRows;

static void put_object(void *opaque, StrView path, uint64_t size, VacuumState state, int64_t age_us)
{
    static const char *const actions[] = {"KEEP", "KEEP", "KEEP", "WAIT", "DELETE", "KEEP"};
    static const char *const reasons[] = {
        "the catalog names it",
        "a running statement or load reads a catalog that names it",
        "its id is covered by the lease of a running load",
        "nothing names it; the grace period has not passed",
        "nothing names it and the grace period has passed",
        "its name is not that of a data object",
    };
    ObjectRows *rows = opaque;
    Arena *arena = &rows->context->arena;
    StrView cells[] = {
        strview_n(arena_strndup(arena, path.data, path.length), path.length),
        strview(arena_printf(arena, "%llu", (unsigned long long)size)),
        strview(actions[state]),
        strview(reasons[state]),
        strview(arena_printf(arena, "%lld", (long long)age_us / 1000000)),
    };
    for (uint32_t i = 0; i < COUNT_OF(cells); i++)
        ARRAY_PUSH(arena, &rows->values, cells[i]);
}

Status run_explain_vacuum(StatementContext *context)
{
    static const char *const names[] = {"Object", "Bytes", "Action", "Reason", "DeadSeconds"};
    ObjectRows rows = {.context = context};
    TRY(vacuum_explain(context->session->instance->vacuum, put_object, &rows, context->diag));
    return send_texts(context, names, COUNT_OF(names), rows.values.items, rows.values.count / COUNT_OF(names));
}
