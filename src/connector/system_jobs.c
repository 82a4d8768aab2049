#include "connector/system_columns.h"

/* information_schema: loads, views that are refreshed. Loads are the labels that the journal keeps, with
 * how many rows each had, and the last ones that failed, which only memory keeps. */

#include "meta/load_answer.h"

/* The first columns are those of today's StarRocks, then those that older clients ask for. */
static const SystemColumn loads_columns[] = {
    NUMBER("ID"), TEXT("LABEL"), TEXT("PROFILE_ID"), TEXT("DB_NAME"), TEXT("TABLE_NAME"), TEXT("USER"), TEXT("WAREHOUSE"), TEXT("STATE"),
    TEXT("PROGRESS"), TEXT("TYPE"), TEXT("PRIORITY"), NUMBER("SCAN_ROWS"), NUMBER("SCAN_BYTES"), NUMBER("FILTERED_ROWS"),
    NUMBER("UNSELECTED_ROWS"), NUMBER("SINK_ROWS"), TEXT("RUNTIME_DETAILS"), TIME("CREATE_TIME"), TIME("LOAD_START_TIME"),
    TIME("LOAD_COMMIT_TIME"), TIME("LOAD_FINISH_TIME"), TEXT("PROPERTIES"), TEXT("ERROR_MSG"), TEXT("TRACKING_SQL"),
    TEXT("REJECTED_RECORD_PATH"), NUMBER("JOB_ID"), TEXT("DATABASE_NAME"), TEXT("ETL_INFO"), TEXT("TASK_INFO"), TIME("ETL_START_TIME"),
    TIME("ETL_FINISH_TIME"), TEXT("JOB_DETAILS"), TEXT("TRACKING_URL")};

static StrView database_name(const SystemSource *source, uint64_t id)
{
    const CatalogDatabase *database = catalog_database_by_id(source->catalog, id);
    return database == NULL ? (StrView){0} : database->name;
}

static Status put_load(const SystemSource *source, SystemRows *rows, const LabelEntry *label)
{
    LoadAnswer answer;
    StrView database = database_name(source, label->database_id);
    load_answer_parse(label->answer, &answer);
    if (!system_sees_table(source, database, answer.table))
        return OK;
    system_put_number(rows, (int64_t)label->txn_id);
    system_put_text(rows, label->label);
    system_put_null(rows);
    system_put_text(rows, database);
    system_put_text(rows, answer.table);
    system_put_text(rows, answer.user);
    system_put_word(rows, "default_warehouse");
    system_put_word(rows, "FINISHED");
    system_put_word(rows, "ETL:100%; LOAD:100%");
    system_put_text(rows, answer.type);
    system_put_word(rows, "NORMAL");
    system_put_number(rows, answer.loaded_rows + answer.filtered_rows);
    system_put_null(rows);
    system_put_number(rows, answer.filtered_rows);
    system_put_number(rows, 0);
    system_put_number(rows, answer.loaded_rows);
    system_put_null(rows);
    for (int i = 0; i < 4; i++)
        system_put_time(rows, label->time_us);
    system_put_nulls(rows, 4);
    system_put_number(rows, (int64_t)label->txn_id);
    system_put_text(rows, database);
    return system_end_row(rows);
}

static Status put_failed(SystemRows *rows, const FailedLoad *load)
{
    AUTO_BYTEBUF tracking = {0};
    bytebuf_printf(&tracking, "select tracking_log from information_schema.load_tracking_logs where job_id=%llu", (unsigned long long)load->id);
    system_put_number(rows, (int64_t)load->id);
    system_put_text(rows, load->label);
    system_put_null(rows);
    system_put_text(rows, load->database);
    system_put_text(rows, load->table);
    system_put_text(rows, load->user);
    system_put_word(rows, "default_warehouse");
    system_put_word(rows, "CANCELLED");
    system_put_word(rows, "ETL:N/A; LOAD:N/A");
    system_put_text(rows, load->type);
    system_put_word(rows, "NORMAL");
    system_put_nulls(rows, 4);
    system_put_number(rows, 0);
    system_put_null(rows);
    system_put_time(rows, load->time_us);
    system_put_nulls(rows, 2);
    system_put_time(rows, load->time_us);
    system_put_null(rows);
    system_put_text(rows, load->error);
    system_put_text(rows, system_keep(rows, &tracking));
    system_put_null(rows);
    system_put_number(rows, (int64_t)load->id);
    system_put_text(rows, load->database);
    return system_end_row(rows);
}

static Status produce_tracking(const SystemSource *source, SystemRows *rows)
{
    FailedLoad *loads;
    uint32_t count = load_history_list(source->history, source->arena, &loads);
    for (uint32_t i = 0; i < count; i++) {
        AUTO_BYTEBUF log = {0};
        if (!system_sees_table(source, loads[i].database, loads[i].table))
            continue;
        bytebuf_printf(&log, "Error: %.*s\n", SV_ARGS(loads[i].error));
        system_put_number(rows, (int64_t)loads[i].id);
        system_put_number(rows, (int64_t)loads[i].id);
        system_put_text(rows, loads[i].label);
        system_put_text(rows, loads[i].database);
        system_put_text(rows, system_keep(rows, &log));
        system_put_text(rows, loads[i].type);
        TRY(system_end_row(rows));
    }
    return OK;
}

static Status produce_loads(const SystemSource *source, SystemRows *rows)
{
    FailedLoad *failed;
    uint32_t failed_count = load_history_list(source->history, source->arena, &failed);
    for (uint32_t i = 0; i < failed_count; i++) {
        if (system_sees_table(source, failed[i].database, failed[i].table))
            TRY(put_failed(rows, &failed[i]));
    }
    LabelEntry *labels;
    uint32_t count = meta_label_list(source->store, source->arena, &labels);
    for (uint32_t i = 0; i < count; i++)
        TRY(put_load(source, rows, &labels[i]));
    return OK;
}

static const SystemColumn tracking_columns[] = {NUMBER("ID"), NUMBER("JOB_ID"), TEXT("LABEL"), TEXT("DATABASE_NAME"), TEXT("TRACKING_LOG"),
                                                TEXT("TYPE")};
static const SystemColumn routine_columns[] = {
    NUMBER("ID"), TEXT("NAME"), TIME("CREATE_TIME"), TIME("PAUSE_TIME"), TIME("END_TIME"), TEXT("DB_NAME"), TEXT("TABLE_NAME"), TEXT("STATE"),
    TEXT("DATA_SOURCE_TYPE"), NUMBER("CURRENT_TASK_NUM"), TEXT("JOB_PROPERTIES"), TEXT("DATA_SOURCE_PROPERTIES"), TEXT("CUSTOM_PROPERTIES"),
    TEXT("STATISTICS"), TEXT("PROGRESS"), TEXT("REASONS_OF_STATE_CHANGED"), TEXT("ERROR_LOG_URLS"), TEXT("TRACKING_SQL"), TEXT("OTHER_MSG"),
    TEXT("LATEST_SOURCE_POSITION"), TEXT("OFFSET_LAG"), TEXT("TIMESTAMP_PROGRESS")};
static const SystemColumn stream_columns[] = {TEXT("LABEL"),
                                              NUMBER("ID"),
                                              TEXT("LOAD_ID"),
                                              NUMBER("TXN_ID"),
                                              TEXT("DB_NAME"),
                                              TEXT("TABLE_NAME"),
                                              TEXT("STATE"),
                                              TEXT("ERROR_MSG"),
                                              TEXT("TRACKING_URL"),
                                              NUMBER("CHANNEL_NUM"),
                                              NUMBER("PREPARED_CHANNEL_NUM"),
                                              NUMBER("NUM_ROWS_NORMAL"),
                                              NUMBER("NUM_ROWS_AB_NORMAL"),
                                              NUMBER("NUM_ROWS_UNSELECTED"),
                                              NUMBER("NUM_LOAD_BYTES"),
                                              NUMBER("TIMEOUT_SECOND"),
                                              TIME("CREATE_TIME_MS"),
                                              TIME("BEFORE_LOAD_TIME_MS"),
                                              TIME("START_LOADING_TIME_MS"),
                                              TIME("START_PREPARING_TIME_MS"),
                                              TIME("FINISH_PREPARING_TIME_MS"),
                                              TIME("END_TIME_MS"),
                                              TEXT("CHANNEL_STATE"),
                                              TEXT("TYPE"),
                                              TEXT("TRACKING_SQL")};
static const SystemColumn pipes_columns[] = {TEXT("DATABASE_NAME"), NUMBER("PIPE_ID"), TEXT("PIPE_NAME"), TEXT("PROPERTIES"), TEXT("STATE"),
                                             TEXT("TABLE_NAME"), TEXT("LOAD_STATUS"), TEXT("LAST_ERROR"), TIME("CREATED_TIME")};
static const SystemColumn files_columns[] = {
    TEXT("DATABASE_NAME"), NUMBER("PIPE_ID"), TEXT("PIPE_NAME"), TEXT("FILE_NAME"), TEXT("FILE_VERSION"), NUMBER("FILE_SIZE"), TEXT("LAST_MODIFIED"),
    TEXT("LOAD_STATE"), TIME("STAGED_TIME"), TIME("START_LOAD_TIME"), TIME("FINISH_LOAD_TIME"), TEXT("ERROR_MSG")};
static const SystemColumn usage_columns[] = {TEXT("TABLE_CATALOG"), TEXT("TABLE_DATABASE"), TEXT("TABLE_NAME"), TEXT("COLUMN_NAME"), TEXT("USAGE"),
                                             TIME("LAST_USED"), TIME("CREATED")};
static const SystemColumn analyze_columns[] = {
    NUMBER("Id"), TEXT("Catalog"), TEXT("Database"), TEXT("Table"), TEXT("Columns"), TEXT("Type"), TEXT("Schedule"), TEXT("Status"),
    TIME("StartTime"), TIME("EndTime"), TEXT("Properties"), TEXT("Reason")};

static const SystemTable tables[] = {
    {"loads", SYSTEM_COLUMNS(loads_columns), produce_loads},
    {"loads_history", SYSTEM_COLUMNS(loads_columns), produce_loads},
    {"load_tracking_logs", SYSTEM_COLUMNS(tracking_columns), produce_tracking},
    {"routine_load_jobs", SYSTEM_COLUMNS(routine_columns), NULL},
    {"stream_loads", SYSTEM_COLUMNS(stream_columns), NULL},
    {"pipes", SYSTEM_COLUMNS(pipes_columns), NULL},
    {"pipe_files", SYSTEM_COLUMNS(files_columns), NULL},
    {"column_stats_usage", SYSTEM_COLUMNS(usage_columns), NULL},
    {"analyze_status", SYSTEM_COLUMNS(analyze_columns), NULL},
};

const SystemFamily system_jobs_family = {"information_schema", tables, COUNT_OF(tables)};
