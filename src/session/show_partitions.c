#include "session/show_int.h"

/* SHOW PARTITIONS, TABLET, DATA, DYNAMIC PARTITION TABLES. */

#include <stdlib.h>

#include "meta/quota.h"
#include "meta/catalog_text.h"

/* ---- partitions ---- */

static const SystemColumn partitions_columns[] = {
    NUMBER("PartitionId"), TEXT("PartitionName"), NUMBER("CompactVersion"), NUMBER("VisibleVersion"), NUMBER("NextVersion"), TEXT("State"),
    TEXT("PartitionKey"), TEXT("Range"), TEXT("DistributionKey"), NUMBER("Buckets"), TEXT("DataSize"), NUMBER("RowCount"),
    TEXT("EnableDataCache"), TEXT("AsyncWrite"), DOUBLE("AvgCS"), DOUBLE("P50CS"), DOUBLE("MaxCS"), NUMBER("DataVersion"),
    NUMBER("VersionEpoch"), TEXT("VersionTxnType"), TEXT("StorageSize")};
enum { BOUNDS_COLUMN = 7 };

static int by_count(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static void put_scores(StatementContext *context, SystemRows *rows, const CatalogPartition *partition)
{
    uint32_t count = partition->tablet_count;
    uint32_t *segments = ARENA_NEW_ARRAY(&context->arena, uint32_t, count + 1);
    double sum = 0;
    for (uint32_t t = 0; t < count; t++) {
        segments[t] = partition->tablets[t].segment_count;
        sum += segments[t];
    }
    qsort(segments, count, sizeof(*segments), by_count);
    system_put_double(rows, count == 0 ? 0 : sum / count);
    uint32_t middle = segments[count / 2];
    system_put_double(rows, middle);
    system_put_double(rows, count == 0 ? 0 : segments[count - 1]);
}

static void put_distribution(SystemRows *rows, const TableSchema *schema)
{
    AUTO_BYTEBUF text = {0};
    for (uint32_t i = 0; !schema->is_random && i < schema->bucket_column_count; i++)
        bytebuf_printf(&text, "%s%.*s", i > 0 ? ", " : "", SV_ARGS(schema->columns[schema->bucket_columns[i]].name));
    system_put_text(rows, schema->is_random ? STR_VIEW("ALL KEY") : system_keep(rows, &text));
}

static void put_keys(SystemRows *rows, const TableSchema *schema, const CatalogPartition *partition)
{
    AUTO_BYTEBUF key = {0};
    AUTO_BYTEBUF bounds = {0};
    for (uint32_t i = 0; i < schema->partition_column_count; i++)
        bytebuf_printf(&key, "%s%.*s", i > 0 ? ", " : "", SV_ARGS(schema->partition_exprs[i]));
    catalog_print_bounds(schema, partition, &bounds);
    system_put_text(rows, system_keep(rows, &key));
    system_put_text(rows, system_keep(rows, &bounds));
}

static Status put_partition(StatementContext *context, SystemRows *rows, const CatalogTable *table, const CatalogPartition *p)
{
    StrView size = show_size(context, partition_byte_count(p));
    system_put_number(rows, (int64_t)p->id);
    system_put_text(rows, p->name);
    system_put_number(rows, 0);
    system_put_number(rows, (int64_t)p->visible_version);
    system_put_number(rows, (int64_t)p->visible_version + 1);
    system_put_word(rows, "NORMAL");
    put_keys(rows, table->schema, p);
    put_distribution(rows, table->schema);
    system_put_number(rows, p->tablet_count);
    system_put_text(rows, size);
    system_put_number(rows, (int64_t)partition_row_count(p));
    system_put_word(rows, "true");
    system_put_word(rows, "false");
    put_scores(context, rows, p);
    system_put_number(rows, (int64_t)p->visible_version);
    system_put_number(rows, (int64_t)p->data_version);
    system_put_word(rows, "TXN_NORMAL");
    system_put_text(rows, size);
    return system_end_row(rows);
}

static int by_range(const void *a, const void *b, void *context)
{
    const TableSchema *schema = context;
    const CatalogPartition *x = *(const CatalogPartition *const *)a;
    const CatalogPartition *y = *(const CatalogPartition *const *)b;
    if (x->has_low != y->has_low)
        return x->has_low ? 1 : -1;
    for (uint32_t i = 0; i < schema->partition_column_count && x->has_low; i++) {
        int order = datum_compare(schema->partition_types[i], &x->low[i], &y->low[i]);
        if (order != 0)
            return order;
    }
    return (x->id > y->id) - (x->id < y->id);
}

/* Ranges in their order, others in that of their making. */
static const CatalogPartition **partitions_in_order(const SystemSource *source, const CatalogTable *table)
{
    const CatalogPartition **all = ARENA_NEW_ARRAY(source->arena, const CatalogPartition *, table->partition_count + 1);
    for (uint32_t i = 0; i < table->partition_count; i++)
        all[i] = table->partitions[i];
    if (table_has_ranges(table->schema) && table->partition_count > 1)
        qsort_r(all, table->partition_count, sizeof(*all), by_range, table->schema);
    return all;
}

static Status produce_partitions(const SystemSource *source, SystemRows *rows)
{
    const CatalogDatabase *database;
    const CatalogTable *table;
    TRY(show_find_table(show_context(source), &database, &table));
    const CatalogPartition **all = partitions_in_order(source, table);
    for (uint32_t i = 0; i < table->partition_count; i++)
        TRY(put_partition(show_context(source), rows, table, all[i]));
    return OK;
}

static Status produce_temporary(const SystemSource *source, SystemRows *rows)
{
    const CatalogDatabase *database;
    const CatalogTable *table;
    TRY(show_find_table(show_context(source), &database, &table));
    table = catalog_temporary_partitions(source->catalog, table);
    for (uint32_t i = 0; table != NULL && i < table->partition_count; i++)
        TRY(put_partition(show_context(source), rows, table, table->partitions[i]));
    return OK;
}

static Status run_partitions(StatementContext *context, const AstStatement *statement)
{
    const CatalogDatabase *database;
    const CatalogTable *table;
    SystemColumn columns[COUNT_OF(partitions_columns)];
    memcpy(columns, partitions_columns, sizeof(columns));
    TRY(show_find_table(context, &database, &table));
    bool is_list = table->schema->scheme != PARTITION_NONE && !table_has_ranges(table->schema);
    columns[BOUNDS_COLUMN].name = is_list ? "List" : "Range";
    bool is_temporary = strview_is(context->show->what, "TEMPORARY PARTITIONS");
    SystemTable rows = {"rows", columns, COUNT_OF(columns), is_temporary ? produce_temporary : produce_partitions};
    return show_rows(context, statement, &rows, 1);
}

/* ---- tablets ---- */

static const SystemColumn tablets_columns[] = {
    NUMBER("TabletId"), NUMBER("BackendId"), NUMBER("PartitionId"), NUMBER("Bucket"), NUMBER("Version"), TEXT("DataSize"), NUMBER("RowCount"),
    NUMBER("Segments"), TEXT("State")};

static Status put_tablet(StatementContext *context, SystemRows *rows, const CatalogPartition *partition, const TabletVersion *tablet)
{
    uint64_t bytes = 0, count = 0;
    for (uint32_t s = 0; s < tablet->segment_count; s++) {
        bytes += tablet->segments[s].length;
        count += segment_live_rows(&tablet->segments[s]);
    }
    system_put_number(rows, (int64_t)tablet->id);
    system_put_number(rows, SYSTEM_NODE_ID);
    system_put_number(rows, (int64_t)partition->id);
    system_put_number(rows, tablet->bucket);
    system_put_number(rows, (int64_t)partition->visible_version);
    system_put_text(rows, show_size(context, bytes));
    system_put_number(rows, (int64_t)count);
    system_put_number(rows, tablet->segment_count);
    system_put_word(rows, "NORMAL");
    return system_end_row(rows);
}

static Status produce_tablets(const SystemSource *source, SystemRows *rows)
{
    const CatalogDatabase *database;
    const CatalogTable *table;
    TRY(show_find_table(show_context(source), &database, &table));
    for (uint32_t p = 0; p < table->partition_count; p++) {
        const CatalogPartition *partition = table->partitions[p];
        for (uint32_t t = 0; t < partition->tablet_count; t++)
            TRY(put_tablet(show_context(source), rows, partition, &partition->tablets[t]));
    }
    return OK;
}

/* ---- data ---- */

static const SystemColumn data_columns[] = {TEXT("TableName"), TEXT("Size"), TEXT("ReplicaCount")};
static const SystemColumn table_data_columns[] = {TEXT("TableName"), TEXT("IndexName"), TEXT("Size"), TEXT("ReplicaCount"), TEXT("RowCount")};

static uint64_t tablet_count(const CatalogTable *table)
{
    uint64_t count = 0;
    for (uint32_t p = 0; p < table->partition_count; p++)
        count += table->partitions[p]->tablet_count;
    return count;
}

static Status put_data(SystemRows *rows, StrView name, StrView size, int64_t count)
{
    system_put_text(rows, name);
    system_put_text(rows, size);
    if (count >= 0)
        system_put_number(rows, count);
    else
        system_put_word(rows, "unlimited");
    return system_end_row(rows);
}

/* What may be, or may come yet. */
static Status put_quota(StatementContext *context, SystemRows *rows, StrView name, const Quota *quota)
{
    bool has_bytes = quota->data_bytes != UINT64_MAX, has_tablets = quota->replicas != UINT64_MAX;
    StrView size = has_bytes ? show_size(context, quota->data_bytes) : STR_VIEW("unlimited");
    return put_data(rows, name, size, has_tablets ? (int64_t)MIN(quota->replicas, (uint64_t)INT64_MAX) : -1);
}

static Status produce_data(const SystemSource *source, SystemRows *rows)
{
    StatementContext *context = show_context(source);
    const CatalogDatabase *database;
    uint64_t bytes = 0, tablets = 0;
    TRY(show_database(context, &database));
    for (uint32_t i = 0; i < catalog_table_count(database); i++) {
        const CatalogTable *table = catalog_table_at(database, i);
        if (table->schema->kind == TABLE_VIEW)
            continue;
        bytes += table_byte_count(table);
        tablets += tablet_count(table);
        TRY(put_data(rows, table->name, show_size(context, table_byte_count(table)), (int64_t)tablet_count(table)));
    }
    TRY(put_data(rows, STR_VIEW("Total"), show_size(context, bytes), (int64_t)tablets));
    Quota quota = quota_of(source->catalog, database->id);
    uint64_t bytes_left = quota.data_bytes - MIN(quota.data_bytes, bytes), tablets_left = quota.replicas - MIN(quota.replicas, tablets);
    TRY(put_quota(context, rows, STR_VIEW("Quota"), &quota));
    if (quota.data_bytes == UINT64_MAX)
        bytes_left = UINT64_MAX;
    if (quota.replicas == UINT64_MAX)
        tablets_left = UINT64_MAX;
    return put_quota(context, rows, STR_VIEW("Left"), &(Quota){bytes_left, tablets_left});
}

static Status produce_table_data(const SystemSource *source, SystemRows *rows)
{
    StatementContext *context = show_context(source);
    const CatalogDatabase *database;
    const CatalogTable *table;
    TRY(show_find_table(context, &database, &table));
    for (int i = 0; i < 2; i++) {
        system_put_text(rows, i == 0 ? table->name : STR_VIEW(""));
        system_put_text(rows, i == 0 ? table->name : STR_VIEW("Total"));
        system_put_text(rows, show_size(context, table_byte_count(table)));
        system_put_number(rows, (int64_t)tablet_count(table));
        if (i == 0)
            system_put_number(rows, (int64_t)table_row_count(table));
        else
            system_put_word(rows, "");
        TRY(system_end_row(rows));
    }
    return OK;
}

static Status run_data(StatementContext *context, const AstStatement *statement)
{
    SystemTable all = {"rows", SYSTEM_COLUMNS(data_columns), produce_data};
    SystemTable one = {"rows", SYSTEM_COLUMNS(table_data_columns), produce_table_data};
    return show_rows(context, statement, context->show->name.count > 0 ? &one : &all, SHOW_NO_PATTERN);
}

/* ---- tables whose partitions come and go by themselves ---- */

static const SystemColumn dynamic_columns[] = {
    TEXT("TableName"), TEXT("Enable"), TEXT("TimeUnit"), TEXT("Start"), TEXT("End"), TEXT("Prefix"), TEXT("Buckets"), TEXT("ReplicationNum"),
    TEXT("StartOf"), TEXT("LastUpdateTime"), TEXT("LastSchedulerTime"), TEXT("State"), TEXT("LastCreatePartitionMsg"),
    TEXT("LastDropPartitionMsg"), TEXT("InScheduler")};

static void put_property(SystemRows *rows, const TableSchema *schema, const char *key, const char *missing)
{
    const char *value = table_property(schema, key);
    system_put_word(rows, value != NULL ? value : missing);
}

static Status produce_dynamic(const SystemSource *source, SystemRows *rows)
{
    const CatalogDatabase *database;
    TRY(show_database(show_context(source), &database));
    for (uint32_t i = 0; i < catalog_table_count(database); i++) {
        const TableSchema *schema = catalog_table_at(database, i)->schema;
        if (table_property(schema, "dynamic_partition.time_unit") == NULL)
            continue;
        system_put_text(rows, catalog_table_at(database, i)->name);
        put_property(rows, schema, "dynamic_partition.enable", "true");
        put_property(rows, schema, "dynamic_partition.time_unit", "");
        put_property(rows, schema, "dynamic_partition.start", "-2147483648");
        put_property(rows, schema, "dynamic_partition.end", "0");
        put_property(rows, schema, "dynamic_partition.prefix", "p");
        put_property(rows, schema, "dynamic_partition.buckets", "0");
        put_property(rows, schema, "dynamic_partition.replication_num", "1");
        system_put_word(rows, "");
        system_put_nulls(rows, 2);
        system_put_word(rows, "NORMAL");
        system_put_nulls(rows, 2);
        system_put_word(rows, "false");
        TRY(system_end_row(rows));
    }
    return OK;
}

static const ShowForm forms[] = {
    {"PARTITIONS", {0}, 1, run_partitions},
    {"TEMPORARY PARTITIONS", {0}, 1, run_partitions},
    {"TABLET", {"", SYSTEM_COLUMNS(tablets_columns), produce_tablets}, SHOW_NO_PATTERN, NULL},
    {"TABLETS", {"", SYSTEM_COLUMNS(tablets_columns), produce_tablets}, SHOW_NO_PATTERN, NULL},
    {"DATA", {0}, SHOW_NO_PATTERN, run_data},
    {"DYNAMIC PARTITION TABLES", {"", SYSTEM_COLUMNS(dynamic_columns), produce_dynamic}, 0, NULL},
};

const ShowForms show_partition_forms = {forms, COUNT_OF(forms)};
