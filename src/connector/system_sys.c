#include "connector/system_columns.h"
#include "connector/system_holds.h"

/* The databases sys and _statistics_. Statistics come with the segments and are read from them when a query is
 * planned: nothing is collected into the tables of _statistics_. */

static const SystemColumn dependencies_columns[] = {
    NUMBER("OBJECT_ID"), TEXT("OBJECT_NAME"), TEXT("OBJECT_DATABASE"), TEXT("OBJECT_CATALOG"), TEXT("OBJECT_TYPE"), NUMBER("REF_OBJECT_ID"),
    TEXT("REF_OBJECT_NAME"), TEXT("REF_OBJECT_DATABASE"), TEXT("REF_OBJECT_CATALOG"), TEXT("REF_OBJECT_TYPE")};
static const SystemColumn locks_columns[] = {TEXT("LOCK_TYPE"), TEXT("LOCK_OBJECT"), TEXT("LOCK_MODE"), TIME("START_TIME"), NUMBER("HOLD_TIME_MS"),
                                             TEXT("THREAD_INFO"), BOOLEAN("GRANTED"), TEXT("WAITER_LIST")};
static const SystemColumn memory_columns[] = {TEXT("MODULE_NAME"), TEXT("CLASS_NAME"), NUMBER("CURRENT_CONSUMPTION"), NUMBER("PEAK_CONSUMPTION"),
                                              TEXT("COUNTER_INFO")};

static Status produce_memory(const SystemSource *source, SystemRows *rows)
{
    (void)source;
    system_put_word(rows, "process");
    system_put_word(rows, "MemTracker");
    system_put_number(rows, mem_used(mem_process_tracker()));
    system_put_number(rows, atomic_load(&mem_process_tracker()->peak_bytes));
    return system_end_row(rows);
}

static const SystemTable sys_tables[] = {
    {"object_dependencies", SYSTEM_COLUMNS(dependencies_columns), NULL},
    {"fe_locks", SYSTEM_COLUMNS(locks_columns), NULL},
    {"fe_memory_usage", SYSTEM_COLUMNS(memory_columns), produce_memory},
    {"storage_holds", SYSTEM_COLUMNS(system_holds_columns), system_produce_holds},
};

const SystemFamily system_sys_family = {"sys", sys_tables, COUNT_OF(sys_tables)};

static const SystemColumn column_statistics_columns[] = {
    NUMBER("table_id"), NUMBER("partition_id"), TEXT("column_name"), NUMBER("db_id"), TEXT("table_name"), TEXT("partition_name"),
    NUMBER("row_count"), NUMBER("data_size"), TEXT("ndv"), NUMBER("null_count"), TEXT("max"), TEXT("min"), TIME("update_time")};
static const SystemColumn histogram_columns[] = {NUMBER("table_id"), TEXT("column_name"), NUMBER("db_id"), TEXT("table_name"), TEXT("buckets"),
                                                 TEXT("mcv"), TIME("update_time")};
static const SystemColumn sample_columns[] = {
    NUMBER("table_id"), TEXT("column_name"), NUMBER("db_id"), TEXT("table_name"), TEXT("db_name"), NUMBER("row_count"), NUMBER("data_size"),
    NUMBER("distinct_count"), NUMBER("null_count"), TEXT("max"), TEXT("min"), TIME("update_time")};
static const SystemColumn history_columns[] = {TEXT("task_id"), TEXT("task_run_id"), TEXT("task_name"), TEXT("task_state"), TIME("create_time"),
                                               TIME("finish_time"), TIME("expire_time"), TEXT("history_content_json")};

static const SystemTable statistics_tables[] = {
    {"column_statistics", SYSTEM_COLUMNS(column_statistics_columns), NULL},
    {"histogram_statistics", SYSTEM_COLUMNS(histogram_columns), NULL},
    {"table_statistic_v1", SYSTEM_COLUMNS(sample_columns), NULL},
    {"task_run_history", SYSTEM_COLUMNS(history_columns), NULL},
};

const SystemFamily system_statistics_family = {"_statistics_", statistics_tables, COUNT_OF(statistics_tables)};
