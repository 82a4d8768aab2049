#include "session/show_int.h"

/* SHOW LOAD, TRANSACTION and other work that is remembered: loads by their labels, as long as the journal keeps
 * them. Kinds of jobs that this version has not, have no rows. */

#include "mv/definition.h"
#include "meta/load_answer.h"

static const SystemColumn loads_columns[] = {
    NUMBER("JobId"), TEXT("Label"), TEXT("State"), TEXT("Progress"), TEXT("Type"), TEXT("Priority"), NUMBER("ScanRows"), NUMBER("FilteredRows"),
    NUMBER("UnselectedRows"), NUMBER("SinkRows"), TEXT("EtlInfo"), TEXT("TaskInfo"), TEXT("ErrorMsg"), TIME("CreateTime"), TIME("EtlStartTime"),
    TIME("EtlFinishTime"), TIME("LoadStartTime"), TIME("LoadFinishTime"), TEXT("TrackingSQL"), TEXT("JobDetails"), TEXT("Warehouse")};

static Status put_load(SystemRows *rows, const LabelEntry *label)
{
    LoadAnswer answer;
    load_answer_parse(label->answer, &answer);
    system_put_number(rows, (int64_t)label->txn_id);
    system_put_text(rows, label->label);
    system_put_word(rows, "FINISHED");
    system_put_word(rows, "ETL:100%; LOAD:100%");
    system_put_text(rows, answer.type);
    system_put_word(rows, "NORMAL");
    system_put_number(rows, answer.loaded_rows + answer.filtered_rows);
    system_put_number(rows, answer.filtered_rows);
    system_put_number(rows, 0);
    system_put_number(rows, answer.loaded_rows);
    system_put_nulls(rows, 3);
    for (int i = 0; i < 5; i++)
        system_put_time(rows, label->time_us);
    system_put_nulls(rows, 2);
    system_put_word(rows, "default_warehouse");
    return system_end_row(rows);
}

static Status each_label(const SystemSource *source, SystemRows *rows, const CatalogDatabase *database,
                         Status (*put)(SystemRows *rows, const LabelEntry *label))
{
    LabelEntry *labels;
    uint32_t count = meta_label_list(source->store, source->arena, &labels);
    for (uint32_t i = 0; i < count; i++) {
        LoadAnswer answer;
        load_answer_parse(labels[i].answer, &answer);
        if (labels[i].database_id == database->id && system_sees_table(source, database->name, answer.table))
            TRY(put(rows, &labels[i]));
    }
    return OK;
}

static Status put_failed(SystemRows *rows, const FailedLoad *load)
{
    AUTO_BYTEBUF tracking = {0};
    bytebuf_printf(&tracking, "select tracking_log from information_schema.load_tracking_logs where job_id=%llu", (unsigned long long)load->id);
    system_put_number(rows, (int64_t)load->id);
    system_put_text(rows, load->label);
    system_put_word(rows, "CANCELLED");
    system_put_word(rows, "ETL:N/A; LOAD:N/A");
    system_put_text(rows, load->type);
    system_put_word(rows, "NORMAL");
    system_put_nulls(rows, 3);
    system_put_number(rows, 0);
    system_put_nulls(rows, 2);
    system_put_text(rows, load->error);
    system_put_time(rows, load->time_us);
    system_put_nulls(rows, 3);
    system_put_time(rows, load->time_us);
    system_put_text(rows, system_keep(rows, &tracking));
    system_put_null(rows);
    system_put_word(rows, "default_warehouse");
    return system_end_row(rows);
}

static Status put_failures(const SystemSource *source, SystemRows *rows, StrView database)
{
    FailedLoad *loads;
    uint32_t count = load_history_list(source->history, source->arena, &loads);
    for (uint32_t i = 0; i < count; i++) {
        if (strview_equal(loads[i].database, database) && system_sees_table(source, database, loads[i].table))
            TRY(put_failed(rows, &loads[i]));
    }
    return OK;
}

static Status produce_loads(const SystemSource *source, SystemRows *rows)
{
    const CatalogDatabase *database;
    TRY(show_database(show_context(source), &database));
    TRY(put_failures(source, rows, database->name));
    return each_label(source, rows, database, put_load);
}

/* ---- transactions ---- */

static const SystemColumn transactions_columns[] = {
    NUMBER("TransactionId"), TEXT("Label"), TEXT("Coordinator"), TEXT("TransactionStatus"), TEXT("LoadJobSourceType"), TIME("PrepareTime"),
    TIME("CommitTime"), TIME("PublishTime"), TIME("FinishTime"), TEXT("Reason"), NUMBER("ErrorReplicasCount"), NUMBER("ListenerId"),
    NUMBER("TimeoutMs"), TEXT("ErrMsg")};

static Status put_transaction(SystemRows *rows, const LabelEntry *label)
{
    LoadAnswer answer;
    load_answer_parse(label->answer, &answer);
    system_put_number(rows, (int64_t)label->txn_id);
    system_put_text(rows, label->label);
    system_put_word(rows, "FE");
    system_put_word(rows, "VISIBLE");
    system_put_word(rows, strview_is(answer.type, "STREAM_LOAD") ? "BACKEND_STREAMING" : "INSERT_STREAMING");
    for (int i = 0; i < 4; i++)
        system_put_time(rows, label->time_us);
    system_put_word(rows, "");
    system_put_number(rows, 0);
    system_put_number(rows, -1);
    system_put_nulls(rows, 1);
    system_put_word(rows, "");
    return system_end_row(rows);
}

static Status produce_transactions(const SystemSource *source, SystemRows *rows)
{
    const CatalogDatabase *database;
    TRY(show_database(show_context(source), &database));
    return each_label(source, rows, database, put_transaction);
}

const SystemTable show_transactions_table = {"", SYSTEM_COLUMNS(transactions_columns), produce_transactions};

/* WHERE ID = n: the column is called TransactionId. */
static void rename_id(AstExpr *expr)
{
    if (expr == NULL)
        return;
    if (expr->kind == AST_NAME && expr->name.count == 1 && strview_equal_ci(expr->name.parts[0], STR_VIEW("id")))
        expr->name.parts[0] = STR_VIEW("TransactionId");
    if (expr->kind != AST_BINARY_OP)
        return;
    for (uint32_t i = 0; i < expr->arguments.count; i++)
        rename_id(expr->arguments.items[i]);
}

static Status run_transaction_rows(StatementContext *context, const AstStatement *statement)
{
    rename_id(statement->show->where);
    return show_rows(context, statement, &show_transactions_table, SHOW_NO_PATTERN);
}

/* ---- what there is none of ---- */

static const SystemColumn alter_columns[] = {
    NUMBER("JobId"), TEXT("TableName"), TIME("CreateTime"), TIME("FinishTime"), TEXT("IndexName"), NUMBER("IndexId"), NUMBER("OriginIndexId"),
    TEXT("SchemaVersion"), NUMBER("TransactionId"), TEXT("State"), TEXT("Msg"), TEXT("Progress"), NUMBER("Timeout"), TEXT("Warehouse")};
static void put_job_end(SystemRows *rows, const AlterJob *job, const char *progress)
{
    system_put_text(rows, job->state);
    system_put_text(rows, job->message);
    if (strview_is(job->state, "RUNNING"))
        system_put_word(rows, progress);
    else
        system_put_null(rows);
    system_put_number(rows, 86400);
    system_put_word(rows, "default_warehouse");
}

static Status produce_alters(const SystemSource *source, SystemRows *rows, bool is_optimize)
{
    StatementContext *context = show_context(source);
    const CatalogDatabase *database;
    AlterJob *jobs;
    TRY(show_database(context, &database));
    uint32_t count = alter_jobs_list(context->session->instance->alters, source->catalog, database->id, source->arena, &jobs);
    for (uint32_t i = 0; i < count; i++) {
        const AlterJob *job = &jobs[i];
        if (is_optimize != (strcmp(job->kind, "OPTIMIZE") == 0))
            continue;
        system_put_number(rows, (int64_t)job->id);
        system_put_text(rows, show_text(context, "%s", job->table));
        system_put_time(rows, job->created_us);
        system_put_time(rows, job->finished_us);
        system_put_text(rows, is_optimize ? STR_VIEW("ALTER") : show_text(context, "%s", job->table));
        if (!is_optimize) {
            system_put_number(rows, (int64_t)job->table_id);
            system_put_number(rows, (int64_t)job->table_id);
            system_put_word(rows, "1:0");
        }
        system_put_number(rows, (int64_t)job->id);
        put_job_end(rows, job, show_text(context, "%u%%", atomic_load(&job->progress)).data);
        TRY(system_end_row(rows));
    }
    return OK;
}

static Status produce_column_alters(const SystemSource *source, SystemRows *rows)
{
    return produce_alters(source, rows, false);
}

static Status produce_optimizes(const SystemSource *source, SystemRows *rows)
{
    return produce_alters(source, rows, true);
}

/* Those that there are: a roll-up is complete from the statement on that makes it. */
static Status produce_rollups(const SystemSource *source, SystemRows *rows)
{
    StatementContext *context = show_context(source);
    const CatalogDatabase *database;
    MvDefinition *views;
    TRY(show_database(context, &database));
    uint32_t count = mv_list(source->catalog, source->arena, &views);
    for (uint32_t i = 0; i < count; i++) {
        const CatalogTable *view = catalog_table_by_id(source->catalog, views[i].id);
        const CatalogTable *base = views[i].base_count == 0 ? NULL : catalog_table_by_id(source->catalog, views[i].bases[0].id);
        if (view == NULL || base == NULL || !table_is_rollup(view->schema) || base->database_id != database->id)
            continue;
        system_put_number(rows, (int64_t)view->id);
        system_put_text(rows, base->name);
        system_put_time(rows, view->created_us);
        system_put_time(rows, view->created_us);
        system_put_text(rows, base->name);
        system_put_text(rows, view->name);
        system_put_number(rows, (int64_t)view->id);
        system_put_number(rows, (int64_t)view->id);
        system_put_word(rows, "FINISHED");
        system_put_word(rows, "");
        system_put_null(rows);
        system_put_number(rows, 86400);
        system_put_word(rows, "default_warehouse");
        TRY(system_end_row(rows));
    }
    return OK;
}

static const SystemColumn rollup_columns[] = {
    NUMBER("JobId"), TEXT("TableName"), TIME("CreateTime"), TIME("FinishedTime"), TEXT("BaseIndexName"), TEXT("RollupIndexName"),
    NUMBER("RollupId"), NUMBER("TransactionId"), TEXT("State"), TEXT("Msg"), TEXT("Progress"), NUMBER("Timeout"), TEXT("Warehouse")};
static const SystemColumn optimize_columns[] = {
    NUMBER("JobId"), TEXT("TableName"), TIME("CreateTime"), TIME("FinishTime"), TEXT("Operation"), NUMBER("TransactionId"), TEXT("State"),
    TEXT("Msg"), TEXT("Progress"), NUMBER("Timeout"), TEXT("Warehouse")};
static const SystemColumn routine_columns[] = {
    NUMBER("Id"), TEXT("Name"), TIME("CreateTime"), TIME("PauseTime"), TIME("EndTime"), TEXT("DbName"), TEXT("TableName"), TEXT("State"),
    TEXT("DataSourceType"), NUMBER("CurrentTaskNum"), TEXT("JobProperties"), TEXT("DataSourceProperties"), TEXT("CustomProperties"),
    TEXT("Statistic"), TEXT("Progress"), TEXT("TimestampProgress"), TEXT("ReasonOfStateChanged"), TEXT("ErrorLogUrls"), TEXT("TrackingSQL"),
    TEXT("OtherMsg"), TEXT("LatestSourcePosition")};
static const SystemColumn routine_task_columns[] = {
    TEXT("TaskId"), NUMBER("TxnId"), TEXT("TxnStatus"), NUMBER("JobId"), TIME("CreateTime"), TIME("LastScheduledTime"), TIME("ExecuteStartTime"),
    NUMBER("Timeout"), NUMBER("BeId"), TEXT("DataSourceProperties"), TEXT("Message")};
static const SystemColumn delete_columns[] = {TEXT("TableName"), TEXT("PartitionName"), TIME("CreateTime"), TEXT("DeleteCondition"), TEXT("State")};
static const SystemColumn export_columns[] = {
    NUMBER("JobId"), TEXT("QueryId"), TEXT("State"), TEXT("Progress"), TEXT("TaskInfo"), TEXT("Path"), TIME("CreateTime"), TIME("StartTime"),
    TIME("FinishTime"), NUMBER("Timeout"), TEXT("ErrorMsg")};
static const SystemColumn pipes_columns[] = {TEXT("DATABASE_NAME"), NUMBER("PIPE_ID"), TEXT("PIPE_NAME"), TEXT("STATE"), TEXT("TABLE_NAME"),
                                             TEXT("LOAD_STATUS"), TEXT("LAST_ERROR"), TIME("CREATED_TIME")};
static const SystemColumn analyze_job_columns[] = {
    NUMBER("Id"), TEXT("Catalog"), TEXT("Database"), TEXT("Table"), TEXT("Columns"), TEXT("Type"), TEXT("Schedule"), TEXT("Properties"),
    TEXT("Status"), TIME("LastWorkTime"), TEXT("Reason")};
static const SystemColumn analyze_status_columns[] = {
    NUMBER("Id"), TEXT("Database"), TEXT("Table"), TEXT("Columns"), TEXT("Type"), TEXT("Schedule"), TEXT("Status"), TIME("StartTime"),
    TIME("EndTime"), TEXT("Properties"), TEXT("Reason")};
static const SystemColumn stats_columns[] = {TEXT("Database"), TEXT("Table"), TEXT("Columns"), TEXT("Type"), TIME("UpdateTime"),
                                             TEXT("Properties"), TEXT("Healthy"), TEXT("ColumnStats"), TEXT("TabletStatsReportTime"),
                                             TEXT("TableHealthyMetrics"), TEXT("TableUpdateTime")};
static const SystemColumn histogram_columns[] = {TEXT("Database"), TEXT("Table"), TEXT("Column"), TEXT("Type"), TIME("UpdateTime"),
                                                 TEXT("Properties")};
static const SystemColumn profile_columns[] = {TEXT("QueryId"), TIME("StartTime"), TEXT("Time"), TEXT("State"), TEXT("Statement")};
static const SystemColumn repository_columns[] = {NUMBER("RepoId"), TEXT("RepoName"), TIME("CreateTime"), TEXT("IsReadOnly"), TEXT("Location"),
                                                  TEXT("Broker"), TEXT("ErrMsg")};
static const SystemColumn restore_columns[] = {
    NUMBER("JobId"), TEXT("Label"), TIME("Timestamp"), TEXT("DbName"), TEXT("State"), TEXT("AllowLoad"), TEXT("ReplicationNum"),
    TEXT("RestoreObjs"), TIME("CreateTime"), TIME("MetaPreparedTime"), TIME("SnapshotFinishedTime"), TIME("DownloadFinishedTime"),
    TIME("FinishedTime"), TEXT("UnfinishedTasks"), TEXT("Progress"), TEXT("TaskErrMsg"), TEXT("Status"), NUMBER("Timeout")};
static const SystemColumn snapshot_columns[] = {TEXT("Snapshot"), TEXT("Timestamp"), TEXT("Status")};
static const SystemColumn resource_columns[] = {TEXT("Name"), TEXT("ResourceType"), TEXT("Key"), TEXT("Value")};
static const SystemColumn broker_columns[] = {TEXT("Name"), TEXT("IP"), TEXT("Port"), TEXT("Alive"), TEXT("LastStartTime"), TEXT("LastUpdateTime"),
                                              TEXT("ErrMsg")};
static const SystemColumn file_columns[] = {NUMBER("Id"),       TEXT("DbName"),    TEXT("Catalog"), TEXT("FileName"),
                                            NUMBER("FileSize"), TEXT("IsContent"), TEXT("MD5")};

static Status produce_profiles(const SystemSource *source, SystemRows *rows)
{
    StatementContext *context = show_context(source);
    QueryProfile *profiles;
    uint32_t count = query_profiles_list(context->session->instance->profiles, source->arena, &profiles);
    for (uint32_t i = 0; i < count; i++) {
        if (!sees_user(context, profiles[i].user))
            continue;
        system_put_text(rows, profiles[i].id);
        system_put_time(rows, profiles[i].started_us);
        system_put_text(rows, show_text(context, "%.3fms", (double)profiles[i].ran_us / 1000));
        system_put_word(rows, profiles[i].has_failed ? "Error" : "Finished");
        system_put_text(rows, profiles[i].statement);
        TRY(system_end_row(rows));
    }
    return OK;
}

static const ShowForm forms[] = {
    {"LOAD", {"", SYSTEM_COLUMNS(loads_columns), produce_loads}, 1, NULL},
    {"TRANSACTION", {0}, SHOW_NO_PATTERN, run_transaction_rows},
    {"ALTER TABLE COLUMN", {"", SYSTEM_COLUMNS(alter_columns), produce_column_alters}, SHOW_NO_PATTERN, NULL},
    {"ALTER TABLE ROLLUP", {"", SYSTEM_COLUMNS(rollup_columns), produce_rollups}, SHOW_NO_PATTERN, NULL},
    {"ALTER TABLE OPTIMIZE", {"", SYSTEM_COLUMNS(optimize_columns), produce_optimizes}, SHOW_NO_PATTERN, NULL},
    {"ALTER MATERIALIZED VIEW", {"", SYSTEM_COLUMNS(rollup_columns), produce_rollups}, SHOW_NO_PATTERN, NULL},
    {"ROUTINE LOAD", {"", SYSTEM_COLUMNS(routine_columns), NULL}, 1, NULL},
    {"ROUTINE LOAD TASK", {"", SYSTEM_COLUMNS(routine_task_columns), NULL}, SHOW_NO_PATTERN, NULL},
    {"DELETE", {"", SYSTEM_COLUMNS(delete_columns), NULL}, SHOW_NO_PATTERN, NULL},
    {"EXPORT", {"", SYSTEM_COLUMNS(export_columns), NULL}, SHOW_NO_PATTERN, NULL},
    {"PIPES", {"", SYSTEM_COLUMNS(pipes_columns), NULL}, 2, NULL},
    {"ANALYZE JOB", {"", SYSTEM_COLUMNS(analyze_job_columns), NULL}, SHOW_NO_PATTERN, NULL},
    {"ANALYZE STATUS", {"", SYSTEM_COLUMNS(analyze_status_columns), NULL}, SHOW_NO_PATTERN, NULL},
    {"STATS META", {"", SYSTEM_COLUMNS(stats_columns), NULL}, SHOW_NO_PATTERN, NULL},
    {"HISTOGRAM META", {"", SYSTEM_COLUMNS(histogram_columns), NULL}, SHOW_NO_PATTERN, NULL},
    {"PROFILELIST", {"", SYSTEM_COLUMNS(profile_columns), produce_profiles}, SHOW_NO_PATTERN, NULL},
    {"REPOSITORIES", {"", SYSTEM_COLUMNS(repository_columns), NULL}, SHOW_NO_PATTERN, NULL},
    {"RESTORE", {"", SYSTEM_COLUMNS(restore_columns), NULL}, SHOW_NO_PATTERN, NULL},
    {"SNAPSHOT", {"", SYSTEM_COLUMNS(snapshot_columns), NULL}, SHOW_NO_PATTERN, NULL},
    {"RESOURCES", {"", SYSTEM_COLUMNS(resource_columns), NULL}, 0, NULL},
    {"BROKER", {"", SYSTEM_COLUMNS(broker_columns), NULL}, SHOW_NO_PATTERN, NULL},
    {"FILE", {"", SYSTEM_COLUMNS(file_columns), NULL}, SHOW_NO_PATTERN, NULL},
};

const ShowForms show_job_forms = {forms, COUNT_OF(forms)};
