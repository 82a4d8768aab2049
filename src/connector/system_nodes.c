#include "connector/system_columns.h"

/* information_schema: nodes, warehouses, snapshots, what a MySQL server is asked for. One node runs everything;
 * what it does not keep has no rows. */

#include <jansson.h>
#include <stdlib.h>

#include "meta/snapshots.h"

static const SystemColumn metrics_columns[] = {NUMBER("BE_ID"), TEXT("NAME"), TEXT("LABELS"), NUMBER("VALUE")};
static const SystemColumn threads_columns[] = {
    NUMBER("BE_ID"), TEXT("GROUP"), TEXT("NAME"), NUMBER("PTHREAD_ID"), NUMBER("TID"), BOOLEAN("IDLE"), NUMBER("FINISHED_TASKS"),
    TEXT("BOUND_CPUS")};
static const SystemColumn logs_columns[] = {NUMBER("BE_ID"), TEXT("LEVEL"), NUMBER("TIMESTAMP"), NUMBER("TID"), TEXT("LOG")};
static const SystemColumn bvars_columns[] = {NUMBER("BE_ID"), TEXT("NAME"), TEXT("DESC")};
static const SystemColumn cache_columns[] = {
    NUMBER("BE_ID"), TEXT("STATUS"), NUMBER("DISK_QUOTA_BYTES"), NUMBER("DISK_USED_BYTES"), NUMBER("MEM_QUOTA_BYTES"), NUMBER("MEM_USED_BYTES"),
    NUMBER("META_USED_BYTES"), TEXT("DIR_SPACES"), NUMBER("USED_BYTES_DETAIL")};
static const SystemColumn fe_threads_columns[] = {
    TEXT("FE_ADDRESS"), NUMBER("THREAD_ID"), TEXT("THREAD_NAME"), TEXT("GROUP_NAME"), TEXT("THREAD_STATE"), BOOLEAN("IS_DAEMON"),
    NUMBER("PRIORITY"), NUMBER("CPU_TIME_MS"), NUMBER("USER_TIME_MS")};
static const SystemColumn warehouse_columns[] = {
    TEXT("WAREHOUSE_ID"), TEXT("WAREHOUSE_NAME"), TEXT("QUEUE_PENDING_LENGTH"), TEXT("QUEUE_RUNNING_LENGTH"), TEXT("MAX_PENDING_LENGTH"),
    TEXT("MAX_PENDING_TIME_SECOND"), TEXT("EARLIEST_QUERY_WAIT_TIME"), TEXT("MAX_REQUIRED_SLOTS"), TEXT("SUM_REQUIRED_SLOTS"),
    TEXT("REMAIN_SLOTS"), TEXT("MAX_SLOTS"), TEXT("EXTRA_MESSAGE")};
static const SystemColumn queries_columns[] = {
    NUMBER("WAREHOUSE_ID"), TEXT("WAREHOUSE_NAME"), TEXT("QUERY_ID"), TEXT("STATE"), TEXT("EST_COSTS_SLOTS"), TEXT("ALLOCATE_SLOTS"),
    TEXT("QUEUED_WAIT_SECONDS"), TEXT("QUERY"), TEXT("QUERY_START_TIME"), TEXT("QUERY_END_TIME"), TEXT("QUERY_DURATION"), TEXT("EXTRA_MESSAGE")};
static const SystemColumn snapshots_columns[] = {
    TEXT("SNAPSHOT_NAME"), TEXT("SNAPSHOT_TYPE"), TIME("CREATED_TIME"), NUMBER("FE_JOURNAL_ID"), NUMBER("STARMGR_JOURNAL_ID"), TEXT("PROPERTIES"),
    TEXT("STORAGE_VOLUME"), TEXT("STORAGE_PATH")};
static const SystemColumn snapshot_jobs_columns[] = {
    TEXT("SNAPSHOT_NAME"), NUMBER("JOB_ID"), TIME("CREATED_TIME"), TIME("FINISHED_TIME"), TEXT("STATE"), TEXT("DETAIL_INFO"),
    TEXT("ERROR_MESSAGE")};

/* ---- engines, character sets, collations ---- */

static const SystemColumn engines_columns[] = {TEXT("ENGINE"), TEXT("SUPPORT"), TEXT("COMMENT"), TEXT("TRANSACTIONS"), TEXT("XA"),
                                               TEXT("SAVEPOINTS")};
static const SystemColumn charsets_columns[] = {TEXT("CHARACTER_SET_NAME"), TEXT("DEFAULT_COLLATE_NAME"), TEXT("DESCRIPTION"), NUMBER("MAXLEN")};
static const SystemColumn collations_columns[] = {TEXT("COLLATION_NAME"), TEXT("CHARACTER_SET_NAME"), NUMBER("ID"), TEXT("IS_DEFAULT"),
                                                  TEXT("IS_COMPILED"), NUMBER("SORTLEN")};

static Status put_words(SystemRows *rows, const char *const *words, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        system_put_word(rows, words[i]);
    return system_end_row(rows);
}

static Status produce_engines(const SystemSource *source, SystemRows *rows)
{
    static const char *const olap[] = {"OLAP", "YES", "Default storage engine", "NO", "NO", "NO"};
    static const char *const memory[] = {"MEMORY", "YES", "System tables", "NO", "NO", "NO"};
    (void)source;
    TRY(put_words(rows, olap, COUNT_OF(olap)));
    return put_words(rows, memory, COUNT_OF(memory));
}

static Status produce_charsets(const SystemSource *source, SystemRows *rows)
{
    (void)source;
    system_put_word(rows, "utf8");
    system_put_word(rows, "utf8_general_ci");
    system_put_word(rows, "UTF-8 Unicode");
    system_put_number(rows, 4);
    return system_end_row(rows);
}

static Status produce_collations(const SystemSource *source, SystemRows *rows)
{
    (void)source;
    system_put_word(rows, "utf8_general_ci");
    system_put_word(rows, "utf8");
    system_put_number(rows, 33);
    system_put_word(rows, "Yes");
    system_put_word(rows, "Yes");
    system_put_number(rows, 1);
    return system_end_row(rows);
}

/* ---- automated snapshots of the cluster ---- */

static Status produce_snapshots(const SystemSource *source, SystemRows *rows)
{
    SnapshotInfo *all;
    uint32_t count = snapshot_list(source->catalog, source->arena, &all);
    for (uint32_t i = 0; i < count; i++) {
        if (all[i].scope != SNAPSHOT_CLUSTER)
            continue;
        system_put_text(rows, all[i].name);
        system_put_word(rows, all[i].is_automated ? "AUTOMATED" : "MANUAL");
        system_put_time(rows, all[i].time_us);
        system_put_number(rows, (int64_t)all[i].entry_id);
        system_put_number(rows, (int64_t)all[i].entry_id); /* one journal covers both */
        system_put_word(rows, "");
        system_put_word(rows, "builtin_storage_volume");
        system_put_text(rows, all[i].object);
        TRY(system_end_row(rows));
    }
    return OK;
}

typedef struct JobRows {
    SystemRows *rows;
    Status status;
} JobRows;

static void produce_job(void *context, StrView key, StrView value)
{
    JobRows *jobs = context;
    char id[24] = "";
    if (jobs->status != OK)
        return;
    if (key.length < sizeof(id))
        memcpy(id, key.data, key.length);
    json_t *object = json_loadb(value.data, value.length, 0, NULL);
    const char *name = json_string_value(json_object_get(object, "name")), *state = json_string_value(json_object_get(object, "state"));
    const char *error = json_string_value(json_object_get(object, "error"));
    system_put_word(jobs->rows, name == NULL ? "" : name);
    system_put_number(jobs->rows, strtoll(id, NULL, 10));
    system_put_time(jobs->rows, json_integer_value(json_object_get(object, "created_us")));
    system_put_time(jobs->rows, json_integer_value(json_object_get(object, "finished_us")));
    system_put_word(jobs->rows, state == NULL ? "" : state);
    system_put_word(jobs->rows, "");
    system_put_word(jobs->rows, error == NULL ? "" : error);
    json_decref(object);
    jobs->status = system_end_row(jobs->rows);
}

static Status produce_snapshot_jobs(const SystemSource *source, SystemRows *rows)
{
    JobRows jobs = {rows, OK};
    catalog_each_record(source->catalog, "cluster_snapshot_job", produce_job, &jobs);
    return jobs.status;
}

static const SystemTable tables[] = {
    {"engines", SYSTEM_COLUMNS(engines_columns), produce_engines},
    {"character_sets", SYSTEM_COLUMNS(charsets_columns), produce_charsets},
    {"collations", SYSTEM_COLUMNS(collations_columns), produce_collations},
    {"be_metrics", SYSTEM_COLUMNS(metrics_columns), NULL},
    {"be_threads", SYSTEM_COLUMNS(threads_columns), NULL},
    {"be_logs", SYSTEM_COLUMNS(logs_columns), NULL},
    {"be_bvars", SYSTEM_COLUMNS(bvars_columns), NULL},
    {"be_datacache_metrics", SYSTEM_COLUMNS(cache_columns), NULL},
    {"fe_threads", SYSTEM_COLUMNS(fe_threads_columns), NULL},
    {"warehouse_metrics", SYSTEM_COLUMNS(warehouse_columns), NULL},
    {"warehouse_queries", SYSTEM_COLUMNS(queries_columns), NULL},
    {"cluster_snapshots", SYSTEM_COLUMNS(snapshots_columns), produce_snapshots},
    {"cluster_snapshot_jobs", SYSTEM_COLUMNS(snapshot_jobs_columns), produce_snapshot_jobs},
};

const SystemFamily system_nodes_family = {"information_schema", tables, COUNT_OF(tables)};
