#include "connector/system_columns.h"

/* information_schema: partitions and tablets, and what runs on their data. */

#include <stdlib.h>

#include "meta/catalog_text.h"

typedef struct PartitionVisit {
    const SystemSource *source;
    SystemRows *rows;
    const CatalogDatabase *database;
    const CatalogTable *table;
    const CatalogPartition *partition;
    bool is_temporary;
} PartitionVisit;

static Status visit_table(const SystemSource *source, SystemRows *rows, const CatalogDatabase *database, const CatalogTable *table,
                          Status (*visit)(const PartitionVisit *visit))
{
    for (uint32_t p = 0; p < table->partition_count; p++) {
        PartitionVisit one = {source, rows, database, table, table->partitions[p], false};
        TRY(visit(&one));
    }
    const CatalogTable *temporary = catalog_temporary_partitions(source->catalog, table);
    for (uint32_t p = 0; temporary != NULL && p < temporary->partition_count; p++) {
        PartitionVisit one = {source, rows, database, table, temporary->partitions[p], true};
        TRY(visit(&one));
    }
    return OK;
}

static Status each_partition(const SystemSource *source, SystemRows *rows, Status (*visit)(const PartitionVisit *visit))
{
    for (uint32_t d = catalog_visible_from(source->catalog); d < source->catalog->database_count; d++) {
        const CatalogDatabase *database = source->catalog->databases[d];
        for (uint32_t t = 0; t < catalog_table_count(database); t++)
            TRY(visit_table(source, rows, database, catalog_table_at(database, t), visit));
    }
    return OK;
}

static StrView kept(const PartitionVisit *visit, void (*print)(const PartitionVisit *visit, ByteBuf *out))
{
    AUTO_BYTEBUF text = {0};
    print(visit, &text);
    return system_keep(visit->rows, &text);
}

static void print_key(const PartitionVisit *visit, ByteBuf *out)
{
    catalog_print_partition_key(visit->table->schema, out);
}

static void print_bounds(const PartitionVisit *visit, ByteBuf *out)
{
    catalog_print_bounds(visit->table->schema, visit->partition, out);
}

static void print_buckets(const PartitionVisit *visit, ByteBuf *out)
{
    const TableSchema *schema = visit->table->schema;
    if (schema->is_random)
        bytebuf_append_text(out, "ALL KEY");
    else
        catalog_print_columns(schema, schema->bucket_columns, schema->bucket_column_count, out);
}

/* ---- partitions_meta ---- */

static const SystemColumn meta_columns[] = {
    TEXT("DB_NAME"), TEXT("TABLE_NAME"), TEXT("PARTITION_NAME"), NUMBER("PARTITION_ID"), NUMBER("COMPACT_VERSION"), NUMBER("VISIBLE_VERSION"),
    TIME("VISIBLE_VERSION_TIME"), NUMBER("NEXT_VERSION"), NUMBER("DATA_VERSION"), NUMBER("VERSION_EPOCH"), TEXT("VERSION_TXN_TYPE"),
    TEXT("PARTITION_KEY"), TEXT("PARTITION_VALUE"), TEXT("DISTRIBUTION_KEY"), NUMBER("BUCKETS"), NUMBER("REPLICATION_NUM"), TEXT("STORAGE_MEDIUM"),
    TIME("COOLDOWN_TIME"), TIME("LAST_CONSISTENCY_CHECK_TIME"), BOOLEAN("IS_IN_MEMORY"), BOOLEAN("IS_TEMP"), TEXT("DATA_SIZE"), NUMBER("ROW_COUNT"),
    BOOLEAN("ENABLE_DATACACHE"), DOUBLE("AVG_CS"), DOUBLE("P50_CS"), DOUBLE("MAX_CS"), TEXT("STORAGE_PATH"), NUMBER("STORAGE_SIZE"),
    BOOLEAN("TABLET_BALANCED"), NUMBER("METADATA_SWITCH_VERSION"), NUMBER("PATH_ID")};

static int by_count(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

/* A tablet's score is the segments that a reader merges. */
static void put_scores(const PartitionVisit *visit)
{
    const CatalogPartition *partition = visit->partition;
    uint32_t *counts = ARENA_NEW_ARRAY(visit->source->arena, uint32_t, MAX(partition->tablet_count, 1u));
    double sum = 0;
    for (uint32_t t = 0; t < partition->tablet_count; t++) {
        counts[t] = partition->tablets[t].segment_count;
        sum += counts[t];
    }
    qsort(counts, partition->tablet_count, sizeof(*counts), by_count);
    uint32_t tablets = MAX(partition->tablet_count, 1u);
    system_put_double(visit->rows, sum / tablets);
    uint32_t middle = counts[tablets / 2];
    system_put_double(visit->rows, middle);
    system_put_double(visit->rows, counts[tablets - 1]);
}

static StrView size_text(const PartitionVisit *visit)
{
    uint64_t bytes = partition_byte_count(visit->partition);
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB"};
    double size = (double)bytes;
    uint32_t unit = 0;
    for (; size >= 1024 && unit + 1 < COUNT_OF(units); unit++)
        size /= 1024;
    AUTO_BYTEBUF text = {0};
    bytebuf_printf(&text, "%.*f%s", unit == 0 ? 0 : 1, size, units[unit]);
    return system_keep(visit->rows, &text);
}

static Status put_meta(const PartitionVisit *visit)
{
    SystemRows *rows = visit->rows;
    const CatalogPartition *p = visit->partition;
    system_put_text(rows, visit->database->name);
    system_put_text(rows, visit->table->name);
    system_put_text(rows, p->name);
    system_put_number(rows, (int64_t)p->id);
    system_put_number(rows, 0);
    system_put_number(rows, (int64_t)p->visible_version);
    system_put_time(rows, p->visible_time_us);
    system_put_number(rows, (int64_t)p->visible_version + 1);
    system_put_number(rows, (int64_t)p->visible_version);
    system_put_number(rows, (int64_t)p->data_version);
    system_put_word(rows, "TXN_NORMAL");
    system_put_text(rows, kept(visit, print_key));
    system_put_text(rows, kept(visit, print_bounds));
    system_put_text(rows, kept(visit, print_buckets));
    system_put_number(rows, p->tablet_count);
    system_put_number(rows, 1);
    system_put_word(rows, "HDD");
    system_put_nulls(rows, 2);
    system_put_boolean(rows, false);
    system_put_boolean(rows, visit->is_temporary);
    system_put_text(rows, size_text(visit));
    system_put_number(rows, (int64_t)partition_row_count(p));
    system_put_boolean(rows, true);
    put_scores(visit);
    system_put_null(rows);
    system_put_number(rows, (int64_t)partition_byte_count(p));
    system_put_boolean(rows, true);
    system_put_number(rows, 0);
    system_put_number(rows, 0);
    return system_end_row(rows);
}

static Status produce_meta(const SystemSource *source, SystemRows *rows)
{
    return each_partition(source, rows, put_meta);
}

/* ---- partitions: MySQL's ---- */

static const SystemColumn partitions_columns[] = {
    TEXT("TABLE_CATALOG"), TEXT("TABLE_SCHEMA"), TEXT("TABLE_NAME"), TEXT("PARTITION_NAME"), TEXT("SUBPARTITION_NAME"),
    NUMBER("PARTITION_ORDINAL_POSITION"), NUMBER("SUBPARTITION_ORDINAL_POSITION"), TEXT("PARTITION_METHOD"), TEXT("SUBPARTITION_METHOD"),
    TEXT("PARTITION_EXPRESSION"), TEXT("SUBPARTITION_EXPRESSION"), TEXT("PARTITION_DESCRIPTION"), NUMBER("TABLE_ROWS"), NUMBER("AVG_ROW_LENGTH"),
    NUMBER("DATA_LENGTH"), NUMBER("MAX_DATA_LENGTH"), NUMBER("INDEX_LENGTH"), NUMBER("DATA_FREE"), TIME("CREATE_TIME"), TIME("UPDATE_TIME"),
    TIME("CHECK_TIME"), NUMBER("CHECKSUM"), TEXT("PARTITION_COMMENT"), TEXT("NODEGROUP"), TEXT("TABLESPACE_NAME")};

static Status put_partition(const PartitionVisit *visit)
{
    static const char *const methods[] = {"", "RANGE", "LIST", "EXPRESSION"};
    SystemRows *rows = visit->rows;
    uint64_t count = partition_row_count(visit->partition), bytes = partition_byte_count(visit->partition);
    uint32_t ordinal = 0;
    while (visit->table->partitions[ordinal] != visit->partition)
        ordinal++;
    system_put_word(rows, "def");
    system_put_text(rows, visit->database->name);
    system_put_text(rows, visit->table->name);
    system_put_text(rows, visit->partition->name);
    system_put_null(rows);
    system_put_number(rows, ordinal + 1);
    system_put_null(rows);
    system_put_word(rows, methods[visit->table->schema->scheme]);
    system_put_null(rows);
    system_put_text(rows, kept(visit, print_key));
    system_put_null(rows);
    system_put_text(rows, kept(visit, print_bounds));
    system_put_number(rows, (int64_t)count);
    system_put_number(rows, count == 0 ? 0 : (int64_t)(bytes / count));
    system_put_number(rows, (int64_t)bytes);
    system_put_nulls(rows, 4);
    system_put_time(rows, visit->partition->visible_time_us);
    return system_end_row(rows);
}

static Status produce_partitions(const SystemSource *source, SystemRows *rows)
{
    return each_partition(source, rows, put_partition);
}

/* ---- be_tablets ---- */

static const SystemColumn tablets_columns[] = {
    NUMBER("BE_ID"), NUMBER("TABLE_ID"), NUMBER("PARTITION_ID"), NUMBER("TABLET_ID"), NUMBER("NUM_VERSION"), NUMBER("MAX_VERSION"),
    NUMBER("MIN_VERSION"), NUMBER("NUM_ROWSET"), NUMBER("NUM_ROW"), NUMBER("DATA_SIZE"), NUMBER("INDEX_MEM"), NUMBER("CREATE_TIME"), TEXT("STATE"),
    TEXT("TYPE"), TEXT("DATA_DIR"), NUMBER("SHARD_ID"), NUMBER("SCHEMA_HASH"), NUMBER("INDEX_DISK"), TEXT("MEDIUM_TYPE"), NUMBER("NUM_SEGMENT")};

static Status put_tablets(const PartitionVisit *visit)
{
    static const char *const types[] = {"DUPLICATE", "AGGREGATE", "UNIQUE", "PRIMARY"};
    SystemRows *rows = visit->rows;
    for (uint32_t t = 0; t < visit->partition->tablet_count; t++) {
        const TabletVersion *tablet = &visit->partition->tablets[t];
        uint64_t count = 0, bytes = 0;
        for (uint32_t s = 0; s < tablet->segment_count; s++) {
            count += segment_live_rows(&tablet->segments[s]);
            bytes += tablet->segments[s].length;
        }
        system_put_number(rows, SYSTEM_NODE_ID);
        system_put_number(rows, (int64_t)visit->table->id);
        system_put_number(rows, (int64_t)visit->partition->id);
        system_put_number(rows, (int64_t)tablet->id);
        system_put_number(rows, 1);
        system_put_number(rows, (int64_t)visit->partition->visible_version);
        system_put_number(rows, (int64_t)visit->partition->visible_version);
        system_put_number(rows, tablet->segment_count);
        system_put_number(rows, (int64_t)count);
        system_put_number(rows, (int64_t)bytes);
        system_put_number(rows, 0);
        system_put_number(rows, visit->table->created_us / 1000000);
        system_put_word(rows, "RUNNING");
        system_put_word(rows, types[visit->table->schema->keys_kind]);
        system_put_word(rows, "");
        system_put_number(rows, (int64_t)tablet->id);
        system_put_number(rows, 0);
        system_put_number(rows, 0);
        system_put_word(rows, "HDD");
        system_put_number(rows, tablet->segment_count);
        TRY(system_end_row(rows));
    }
    return OK;
}

static Status produce_tablets(const SystemSource *source, SystemRows *rows)
{
    return each_partition(source, rows, put_tablets);
}

/* ---- what runs on them: nothing that is kept here ---- */

static const SystemColumn compactions_columns[] = {
    NUMBER("BE_ID"), NUMBER("CANDIDATES_NUM"), NUMBER("BASE_COMPACTION_CONCURRENCY"), NUMBER("CUMULATIVE_COMPACTION_CONCURRENCY"),
    DOUBLE("LATEST_COMPACTION_SCORE"), DOUBLE("CANDIDATE_MAX_SCORE"), NUMBER("MANUAL_COMPACTION_CONCURRENCY"),
    NUMBER("MANUAL_COMPACTION_CANDIDATES_NUM")};
static const SystemColumn lake_columns[] = {
    NUMBER("BE_ID"), NUMBER("TXN_ID"), NUMBER("TABLET_ID"), NUMBER("VERSION"), BOOLEAN("SKIPPED"), NUMBER("RUNS"), TIME("START_TIME"),
    TIME("FINISH_TIME"), NUMBER("PROGRESS"), TEXT("STATUS"), TEXT("PROFILE")};
static const SystemColumn transactions_columns[] = {
    NUMBER("BE_ID"), NUMBER("LOAD_ID"), NUMBER("TXN_ID"), NUMBER("PARTITION_ID"), NUMBER("TABLET_ID"), NUMBER("CREATE_TIME"), NUMBER("COMMIT_TIME"),
    NUMBER("PUBLISH_TIME"), TEXT("ROWSET_ID"), NUMBER("NUM_SEGMENT"), NUMBER("NUM_DELFILE"), NUMBER("NUM_ROW"), NUMBER("DATA_SIZE"),
    NUMBER("VERSION")};
static const SystemColumn schedules_columns[] = {
    NUMBER("TABLE_ID"), NUMBER("PARTITION_ID"), NUMBER("TABLET_ID"), TEXT("TYPE"), TEXT("PRIORITY"), TEXT("STATE"), TEXT("TABLET_STATUS"),
    DOUBLE("CREATE_TIME"), DOUBLE("SCHEDULE_TIME"), DOUBLE("FINISH_TIME"), NUMBER("CLONE_SRC"), NUMBER("CLONE_DEST"), NUMBER("CLONE_BYTES"),
    DOUBLE("CLONE_DURATION"), TEXT("MSG")};

static const SystemTable tables[] = {
    {"partitions_meta", SYSTEM_COLUMNS(meta_columns), produce_meta},
    {"partitions", SYSTEM_COLUMNS(partitions_columns), produce_partitions},
    {"be_tablets", SYSTEM_COLUMNS(tablets_columns), produce_tablets},
    {"be_compactions", SYSTEM_COLUMNS(compactions_columns), NULL},
    {"be_cloud_native_compactions", SYSTEM_COLUMNS(lake_columns), NULL},
    {"be_txns", SYSTEM_COLUMNS(transactions_columns), NULL},
    {"fe_tablet_schedules", SYSTEM_COLUMNS(schedules_columns), NULL},
};

const SystemFamily system_storage_family = {"information_schema", tables, COUNT_OF(tables)};
