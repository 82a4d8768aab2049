#include "session/session_int.h"
#include "session/show_int.h"
#include "connector/system_columns.h"

/* SHOW PROC '/compactions': what was merged lately, newest first. */

static const SystemColumn columns[] = {TEXT("Partition"), NUMBER("TxnID"), TIME("StartTime"), TIME("CommitTime"), TIME("FinishTime"),
                                       TEXT("Error"), TEXT("Profile")};

static StrView partition_text(const SystemSource *source, const CompactionRun *run)
{
    const CatalogTable *table = catalog_table_by_id(source->catalog, run->table_id);
    const CatalogPartition *partition = table == NULL ? NULL : catalog_partition_by_id(table, run->partition_id);
    const CatalogDatabase *database = table == NULL ? NULL : catalog_database_by_id(source->catalog, table->database_id);
    if (partition == NULL || database == NULL)
        return strview(arena_printf(source->arena, "%llu", (unsigned long long)run->partition_id));
    return strview(arena_printf(source->arena, "%.*s.%.*s.%llu", SV_ARGS(database->name), SV_ARGS(table->name),
                                (unsigned long long)partition->id));
}

static Status produce(const SystemSource *source, SystemRows *rows)
{
    const StatementContext *context = show_context(source);
    CompactionRun *runs = ARENA_NEW_ARRAY(source->arena, CompactionRun, COMPACTION_LOG_RUNS);
    uint32_t count = compaction_log_read(compactor_log(context->session->instance->compactor), runs);
    for (uint32_t i = 0; i < count; i++) {
        const CompactionRun *run = &runs[i];
        bool is_done = run->finish_us != 0;
        system_put_text(rows, partition_text(source, run));
        system_put_number(rows, (int64_t)run->id);
        system_put_time(rows, run->start_us);
        system_put_time(rows, is_done && run->error[0] == '\0' ? run->finish_us : 0);
        system_put_time(rows, run->finish_us);
        system_put_text(rows, run->error[0] == '\0' ? (StrView){0} : strview(run->error));
        system_put_text(rows, strview(arena_printf(source->arena, "{\"input_segments\":%u,\"output_rows\":%llu,\"output_bytes\":%llu}", run->segments,
                                                   (unsigned long long)run->rows, (unsigned long long)run->bytes)));
        TRY(system_end_row(rows));
    }
    return OK;
}

const SystemTable show_compactions_table = {"", SYSTEM_COLUMNS(columns), produce};
