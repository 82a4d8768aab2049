#include "meta/partition_order.h"

/* References and look-ups of catalog nodes. */

#include <stdio.h>
#include <stdlib.h>

enum { FIRST_ID = 10000 };

static bool drop_reference(_Atomic uint32_t *references)
{
    return atomic_fetch_sub_explicit(references, 1, memory_order_acq_rel) == 1;
}

static void schema_unref(TableSchema *schema)
{
    if (schema == NULL || !drop_reference(&schema->references))
        return;
    arena_deinit(&schema->arena);
    mem_free(schema);
}

static _Atomic uint64_t all_inline_bytes;

uint64_t catalog_inline_bytes(void)
{
    return atomic_load_explicit(&all_inline_bytes, memory_order_relaxed);
}

void partition_count_inline(CatalogPartition *partition, const SegmentRef *segments, uint64_t count, int sign)
{
    uint64_t bytes = 0;
    for (uint64_t s = 0; s < count; s++)
        bytes += segments[s].bytes.length;
    if (sign < 0)
        bytes = 0 - bytes;
    partition->inline_bytes += bytes;
    if (bytes != 0)
        atomic_fetch_add_explicit(&all_inline_bytes, bytes, memory_order_relaxed);
}

void catalog_partition_unref(CatalogPartition *partition)
{
    if (!drop_reference(&partition->references))
        return;
    if (partition->inline_bytes > 0)
        atomic_fetch_sub_explicit(&all_inline_bytes, partition->inline_bytes, memory_order_relaxed);
    arena_deinit(&partition->arena);
    mem_free(partition);
}

void catalog_table_unref(CatalogTable *table)
{
    if (!drop_reference(&table->references))
        return;
    partition_groups_deinit(&table->groups);
    partition_order_unref(table->order);
    schema_unref(table->schema);
    arena_deinit(&table->arena);
    mem_free(table);
}

void catalog_database_unref(CatalogDatabase *database)
{
    if (!drop_reference(&database->references))
        return;
    table_list_deinit(&database->tables);
    arena_deinit(&database->arena);
    mem_free(database);
}

CatalogSnapshot *catalog_new_empty(void)
{
    CatalogSnapshot *snapshot = mem_alloc_zero(sizeof(*snapshot));
    atomic_init(&snapshot->references, 1);
    arena_init(&snapshot->arena, NULL);
    snapshot->next_id = FIRST_ID;
    return snapshot;
}

CatalogSnapshot *catalog_ref(CatalogSnapshot *snapshot)
{
    atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
    return snapshot;
}

void catalog_unref(CatalogSnapshot *snapshot)
{
    if (snapshot == NULL || !drop_reference(&snapshot->references))
        return;
    for (uint32_t i = 0; i < snapshot->database_count; i++)
        catalog_database_unref(snapshot->databases[i]);
    for (uint32_t i = 0; i < snapshot->prepared_count; i++)
        prepared_unref(snapshot->prepared[i]);
    record_set_unref(snapshot->records);
    id_map_unref(snapshot->homes);
    arena_deinit(&snapshot->arena);
    mem_free(snapshot);
}

const CatalogDatabase *catalog_database(const CatalogSnapshot *snapshot, StrView name)
{
    const CatalogDatabase *found = catalog_hidden_database(snapshot, name);
    return found == NULL || catalog_is_hidden(found) ? NULL : found;
}

/* Any database of that name. */
const CatalogDatabase *catalog_hidden_database(const CatalogSnapshot *snapshot, StrView name)
{
    uint32_t low = 0;
    uint32_t high = snapshot->database_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = strview_compare(name, snapshot->databases[middle]->name);
        if (order == 0)
            return snapshot->databases[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const CatalogDatabase *catalog_database_by_id(const CatalogSnapshot *snapshot, uint64_t id)
{
    for (uint32_t i = 0; i < snapshot->database_count; i++) {
        if (snapshot->databases[i]->id == id)
            return snapshot->databases[i];
    }
    return NULL;
}

const CatalogTable *catalog_temporary_table(const CatalogSnapshot *snapshot, StrView owner, uint64_t database_id, StrView name)
{
    AUTO_BYTEBUF whole = {0};
    const CatalogDatabase *home = catalog_hidden_database(snapshot, STR_VIEW(CATALOG_TEMPORARY_TABLES));
    if (home == NULL || owner.length == 0)
        return NULL;
    bytebuf_printf(&whole, "\x02%.*s.%llu\x02%.*s", SV_ARGS(owner), (unsigned long long)database_id, SV_ARGS(name));
    return catalog_table(home, bytebuf_view(&whole));
}

StrView catalog_shown_name(const CatalogTable *table)
{
    if (!catalog_table_is_temporary(table))
        return table->name;
    size_t at = 1;
    while (at < table->name.length && table->name.data[at] != '\x02')
        at++;
    at = MIN(at + 1, table->name.length);
    return strview_n(table->name.data + at, table->name.length - at);
}

const CatalogTable *catalog_temporary_partitions(const CatalogSnapshot *snapshot, const CatalogTable *table)
{
    char name[32];
    const CatalogDatabase *home = catalog_hidden_database(snapshot, STR_VIEW(CATALOG_TEMPORARY_PARTITIONS));
    snprintf(name, sizeof(name), "%llu", (unsigned long long)table->id);
    return home == NULL ? NULL : catalog_table(home, strview(name));
}

const CatalogTable *catalog_table(const CatalogDatabase *database, StrView name)
{
    bool is_there;
    uint32_t at = table_list_find(&database->tables, name, &is_there);
    return is_there ? table_list_at(&database->tables, at) : NULL;
}

const CatalogTable *catalog_table_by_id(const CatalogSnapshot *snapshot, uint64_t id)
{
    IdHome home;
    if (!id_map_find(snapshot->homes, id, &home))
        return NULL;
    const CatalogDatabase *database = catalog_database_by_id(snapshot, home.database_id);
    uint32_t at;
    bool is_there = database != NULL && !catalog_is_dropped(database) && table_list_find_id(&database->tables, home.name, id, &at);
    return is_there ? table_list_at(&database->tables, at) : NULL;
}

const CatalogPartition *catalog_partition(const CatalogTable *table, StrView name)
{
    for (uint32_t i = 0; i < table->partition_count; i++) {
        if (strview_equal_ci(table->partitions[i]->name, name))
            return table->partitions[i];
    }
    return NULL;
}

uint32_t catalog_partition_place(const CatalogTable *table, uint64_t id)
{
    uint32_t low = 0;
    uint32_t high = table->partition_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (table->partitions[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void catalog_forget_order(CatalogTable *table)
{
    partition_order_unref(table->order);
    table->order = NULL;
}

void catalog_put_partition(CatalogTable *table, CatalogPartition *partition)
{
    uint32_t at = catalog_partition_place(table, partition->id);
    bool is_at_end = at == table->partition_count;
    if (!is_at_end && table->partitions[at]->id == partition->id) {
        catalog_forget_order(table); /* its bounds may be others */
        table->partitions[at] = partition;
        partition_groups_replace(&table->groups, at, partition);
        return;
    }
    if (table->partition_count >= table->partition_room)
        table->partitions = arena_grow(&table->arena, table->partitions, sizeof(*table->partitions), table->partition_count,
                                       &table->partition_room);
    memmove(table->partitions + at + 1, table->partitions + at, (table->partition_count - at) * sizeof(*table->partitions));
    table->partitions[at] = partition;
    table->partition_count++;
    partition_groups_insert(&table->groups, at, partition);
    if (is_at_end && table->order != NULL)
        table->order = partition_order_with_last(table->order, table);
    else
        catalog_forget_order(table);
}

void catalog_remove_partition(CatalogTable *table, uint32_t at)
{
    catalog_forget_order(table);
    partition_groups_remove(&table->groups, at);
    table->partition_count--;
    memmove(table->partitions + at, table->partitions + at + 1, (table->partition_count - at) * sizeof(*table->partitions));
}

void catalog_share_partitions(CatalogTable *target, const CatalogTable *source, uint32_t extra)
{
    uint32_t count = source->partition_count;
    target->partition_room = count + extra;
    target->partitions = arena_alloc(&target->arena, (size_t)target->partition_room * sizeof(*target->partitions));
    if (count > 0)
        memcpy(target->partitions, source->partitions, count * sizeof(*target->partitions));
    target->partition_count = count;
    partition_groups_share(&source->groups, &target->groups);
    target->order = partition_order_ref(source->order);
}

const CatalogPartition *catalog_partition_by_id(const CatalogTable *table, uint64_t id)
{
    uint32_t at = catalog_partition_place(table, id);
    return at < table->partition_count && table->partitions[at]->id == id ? table->partitions[at] : NULL;
}

int table_column_index(const TableSchema *schema, StrView name)
{
    for (uint32_t i = 0; i < schema->column_count; i++) {
        if (strview_equal_ci(schema->columns[i].name, name))
            return (int)i;
    }
    return -1;
}

bool table_has_ranges(const TableSchema *schema)
{
    if (schema->scheme != PARTITION_EXPRESSION)
        return schema->scheme == PARTITION_RANGE;
    return schema->partition_column_count == 1 && (strview_starts_with_ci(schema->partition_exprs[0], STR_VIEW("date_trunc(")) ||
                                                   strview_starts_with_ci(schema->partition_exprs[0], STR_VIEW("time_slice(")));
}

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (unsigned char)c >= 0x80;
}

/* The next column that the text of an expression names from *in_out_at on; -1: none. */
static int next_column(const TableSchema *schema, StrView text, size_t *in_out_at)
{
    int column = -1;
    size_t at = *in_out_at;
    while (column < 0 && at < text.length) {
        size_t end = at;
        if (text.data[at] == '\'' || text.data[at] == '"') { /* a literal */
            for (end = at + 1; end < text.length && text.data[end] != text.data[at]; end++) {
            }
            at = end + 1;
            continue;
        }
        while (end < text.length && is_word_byte(text.data[end]))
            end++;
        bool is_call = end < text.length && text.data[end] == '(';
        if (end > at && !is_call)
            column = table_column_index(schema, strview_n(text.data + at, end - at));
        at = MAX(end, at + 1);
    }
    *in_out_at = at;
    return column;
}

int table_partition_column(const TableSchema *schema, uint32_t i, bool *out_is_plain)
{
    StrView text = schema->partition_exprs[i];
    int column = table_column_index(schema, text);
    size_t at = 0;
    *out_is_plain = column >= 0;
    return column >= 0 ? column : next_column(schema, text, &at);
}

bool table_partitions_use(const TableSchema *schema, uint32_t column)
{
    for (uint32_t i = 0; i < schema->partition_column_count; i++) {
        StrView text = schema->partition_exprs[i];
        size_t at = 0;
        if (table_column_index(schema, text) == (int)column)
            return true;
        for (int found = next_column(schema, text, &at); found >= 0; found = next_column(schema, text, &at)) {
            if (found == (int)column)
                return true;
        }
    }
    return false;
}

Datum table_column_missing(const TableColumn *column, Arena *arena)
{
    Datum value = datum_null();
    /* CURRENT_TIMESTAMP: the text is when the column was added. */
    bool has_value = column->default_kind == DEFAULT_LITERAL || (column->default_kind == DEFAULT_NOW && column->default_text.length > 0);
    if (has_value && datum_parse(column->type, column->default_text, arena, NULL, &value) != OK)
        value = datum_null();
    return value;
}

const char *table_property(const TableSchema *schema, const char *key)
{
    for (uint32_t i = 0; i < schema->property_count; i++) {
        if (strview_is(schema->properties[i].key, key))
            return schema->properties[i].value.data;
    }
    return NULL;
}

bool view_is_invoker(const TableSchema *schema)
{
    const char *security = table_property(schema, "security");
    return security != NULL && strview_equal_ci(strview(security), STR_VIEW("INVOKER"));
}

StrView catalog_setting(const CatalogSnapshot *snapshot, const char *key)
{
    for (uint32_t i = 0; i < snapshot->setting_count; i++) {
        if (strview_is(snapshot->settings[i].key, key))
            return snapshot->settings[i].value;
    }
    return (StrView){NULL, 0};
}

uint64_t partition_row_count(const CatalogPartition *partition)
{
    uint64_t rows = 0;
    for (uint32_t t = 0; t < partition->tablet_count; t++) {
        for (uint32_t s = 0; s < partition->tablets[t].segment_count; s++)
            rows += segment_live_rows(&partition->tablets[t].segments[s]);
    }
    return rows;
}

static uint64_t stored_bytes(const SegmentRef *segment)
{
    uint64_t bytes = segment->length;
    for (uint32_t o = 0; o < segment->overlay_count; o++)
        bytes += segment->overlays[o].length;
    return bytes;
}

uint64_t partition_byte_count(const CatalogPartition *partition)
{
    uint64_t bytes = 0;
    for (uint32_t t = 0; t < partition->tablet_count; t++) {
        for (uint32_t s = 0; s < partition->tablets[t].segment_count; s++)
            bytes += stored_bytes(&partition->tablets[t].segments[s]);
    }
    return bytes;
}

PartitionSums table_sums(const CatalogTable *table)
{
    PartitionSums sums = {0};
    if (table->groups.count > 0)
        return partition_groups_sums(&table->groups);
    for (uint32_t i = 0; i < table->partition_count; i++)
        partition_add_sums(table->partitions[i], &sums);
    return sums;
}

uint64_t table_row_count(const CatalogTable *table)
{
    return table_sums(table).rows;
}

uint64_t table_byte_count(const CatalogTable *table)
{
    return table_sums(table).bytes;
}

static void each_segment_of_table(const CatalogTable *table, void (*visit)(void *context, const SegmentRef *segment),
                                  void *context)
{
    for (uint32_t p = 0; p < table->partition_count; p++) {
        const CatalogPartition *partition = table->partitions[p];
        for (uint32_t t = 0; t < partition->tablet_count; t++) {
            for (uint32_t s = 0; s < partition->tablets[t].segment_count; s++) {
                const SegmentRef *segment = &partition->tablets[t].segments[s];
                visit(context, segment);
                for (uint32_t o = 0; o < segment->overlay_count; o++)
                    visit(context, &segment->overlays[o]);
                if (segment->deletes == NULL || segment->deletes->path.length == 0)
                    continue;
                SegmentRef deletes = {.id = segment->deletes->id, .volume_id = segment->volume_id, .path = segment->deletes->path};
                visit(context, &deletes);
            }
        }
    }
}

void catalog_each_segment(const CatalogSnapshot *snapshot, void (*visit)(void *context, const SegmentRef *segment),
                          void *context)
{
    for (uint32_t d = 0; d < snapshot->database_count; d++) {
        for (uint32_t t = 0; t < catalog_table_count(snapshot->databases[d]); t++)
            each_segment_of_table(catalog_table_at(snapshot->databases[d], t), visit, context);
    }
    for (uint32_t p = 0; p < snapshot->prepared_count; p++) {
        const PreparedTransaction *prepared = snapshot->prepared[p];
        for (uint32_t t = 0; t < prepared->table_count; t++) {
            for (uint32_t i = 0; i < prepared->tables[t].count; i++) {
                if (prepared->tables[t].flushes[i].has_segment)
                    visit(context, &prepared->tables[t].flushes[i].segment);
            }
        }
    }
}
