#include "session/session_int.h"

/* RECOVER DATABASE, TABLE, PARTITION; SHOW CATALOG RECYCLE BIN. */

#include "ddl/recycle.h"
#include "session/show_int.h"

static StrView last_part(const AstName *name)
{
    return name->count == 0 ? STR_VIEW("") : name->parts[name->count - 1];
}

Status run_recover(StatementContext *context, const AstCommand *command)
{
    MetaStore *store = context->session->instance->store;
    RecoverWanted wanted = {.id = command->has_number ? command->number : 0, .name = last_part(&command->name2)};
    if (strview_is(command->what, "RECOVER DATABASE")) {
        wanted.database = last_part(&command->name);
        TRY(recycle_recover_database(store, &wanted, context->diag));
        return send_ok(context, 0, STR_VIEW(""));
    }
    wanted.table = last_part(&command->name);
    wanted.database = command->name.count >= 2 ? command->name.parts[command->name.count - 2] : context->analyze.database;
    wanted.partition = command->text;
    if (wanted.database.length == 0)
        return RAISE(context->diag, NO_DATABASE_SELECTED, "No database selected");
    if (strview_is(command->what, "RECOVER TABLE"))
        TRY(recycle_recover_table(store, &wanted, context->diag));
    else
        TRY(recycle_recover_partition(store, &wanted, context->diag));
    return send_ok(context, 0, STR_VIEW(""));
}

static const SystemColumn columns[] = {TEXT("Type"), TEXT("Name"), NUMBER("DbId"), NUMBER("TableId"), NUMBER("PartitionId"), TIME("DropTime")};

static Status produce(const SystemSource *source, SystemRows *rows)
{
    static const char *const types[] = {"Database", "Table", "Partition"};
    Recycled *items;
    uint32_t count = recycle_list(source->catalog, source->arena, &items);
    for (uint32_t i = 0; i < count; i++) {
        const Recycled *item = &items[i];
        system_put_word(rows, types[item->kind]);
        system_put_text(rows, item->name);
        system_put_number(rows, (int64_t)item->database_id);
        if (item->kind == RECYCLED_DATABASE)
            system_put_null(rows);
        else
            system_put_number(rows, (int64_t)(item->kind == RECYCLED_TABLE ? item->id : item->table_id));
        if (item->kind == RECYCLED_PARTITION)
            system_put_number(rows, (int64_t)item->id);
        else
            system_put_null(rows);
        system_put_time(rows, item->time_us);
        TRY(system_end_row(rows));
    }
    return OK;
}

static const ShowForm forms[] = {
    {"CATALOG RECYCLE BIN", {NULL, SYSTEM_COLUMNS(columns), produce}, 1, NULL},
};
const ShowForms show_recycle_forms = {forms, COUNT_OF(forms)};
