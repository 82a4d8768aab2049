#include "dml_model/world.h"

/* Operations that change rows by other rows, or partitions as a whole: UPDATE .. FROM, MERGE INTO, INSERT OVERWRITE of the partitions
 * that get rows, temporary partitions. */

enum { SOURCE_ROWS = 20 };

typedef struct Source {
    Row rows[SOURCE_ROWS];
    uint32_t count;
} Source;

static bool has_key(const RefTable *table, const Source *source, const Row *row)
{
    for (uint32_t i = 0; i < source->count; i++) {
        bool is_same = true;
        for (uint32_t k = 0; k < table->key_count; k++)
            is_same &= source->rows[i].cells[k].value == row->cells[k].value;
        if (is_same)
            return true;
    }
    return false;
}

/* Rows of distinct keys, some of which are there. */
static Source random_source(World *world, const RefTable *table)
{
    Source source = {0};
    for (uint32_t i = 1 + pick(world, SOURCE_ROWS); i > 0; i--) {
        Row row = random_row(world, table);
        for (uint32_t k = 0; k < table->key_count && table->row_count > 0 && i % 2 == 0; k++)
            row.cells[k] = table->rows[(i * 31) % table->row_count].cells[k];
        if (!has_key(table, &source, &row))
            source.rows[source.count++] = row;
    }
    return source;
}

/* (SELECT .. UNION ALL SELECT ..) with columns c0, c1, .. */
static void print_source(ByteBuf *sql, const RefTable *table, const Source *source)
{
    static const char *const types[CELL_KINDS] = {"INT", "BIGINT", "DECIMAL(18, 2)", "DATE", "VARCHAR(60)"};
    for (uint32_t i = 0; i < source->count; i++) {
        bytebuf_append_text(sql, i == 0 ? "(SELECT " : " UNION ALL SELECT ");
        for (uint32_t c = 0; c < table->column_count; c++) {
            bytebuf_append_text(sql, c == 0 ? "CAST(" : ", CAST(");
            cell_literal(sql, table->columns[c].kind, source->rows[i].cells[c]);
            bytebuf_printf(sql, " AS %s) AS c%u", types[table->columns[c].kind], c);
        }
    }
    bytebuf_append_char(sql, ')');
}

static void print_key_match(ByteBuf *sql, const RefTable *table)
{
    for (uint32_t k = 0; k < table->key_count; k++)
        bytebuf_printf(sql, "%s%s.%s = s.c%u", k == 0 ? "" : " AND ", table->name, table->columns[k].name, k);
}

static uint32_t random_value_column(World *world, const RefTable *table)
{
    return table->key_count + pick(world, table->column_count - table->key_count);
}

static void update_from(World *world, uint32_t slot)
{
    AUTO_BYTEBUF sql = {0};
    RefTable *table = world_touch(world, slot);
    if (table->keys != TABLE_PRIMARY)
        return;
    Source source = random_source(world, table);
    uint32_t column = random_value_column(world, table);
    bytebuf_printf(&sql, "UPDATE %s SET %s = s.c%u FROM ", table->name, table->columns[column].name, column);
    print_source(&sql, table, &source);
    bytebuf_append_text(&sql, " s WHERE ");
    print_key_match(&sql, table);
    for (uint32_t i = 0; i < source.count; i++) {
        Row *old = ref_find(table, &source.rows[i]);
        if (old != NULL)
            old->cells[column] = source.rows[i].cells[column];
    }
    world_settle(world, world_run(world, sql.data));
}

static void print_insert(ByteBuf *sql, const RefTable *table)
{
    bytebuf_append_text(sql, " WHEN NOT MATCHED THEN INSERT (");
    for (uint32_t c = 0; c < table->column_count; c++)
        bytebuf_printf(sql, "%s%s", c == 0 ? "" : ", ", table->columns[c].name);
    bytebuf_append_text(sql, ") VALUES (");
    for (uint32_t c = 0; c < table->column_count; c++)
        bytebuf_printf(sql, "%ss.c%u", c == 0 ? "" : ", ", c);
    bytebuf_append_char(sql, ')');
}

static void merge_into(World *world, uint32_t slot)
{
    AUTO_BYTEBUF sql = {0};
    RefTable *table = world_touch(world, slot);
    if (table->keys != TABLE_PRIMARY)
        return;
    Source source = random_source(world, table);
    uint32_t column = random_value_column(world, table);
    bool deletes = chance(world, 30), inserts = chance(world, 70);
    bytebuf_printf(&sql, "MERGE INTO %s USING ", table->name);
    print_source(&sql, table, &source);
    bytebuf_append_text(&sql, " s ON ");
    print_key_match(&sql, table);
    if (deletes)
        bytebuf_append_text(&sql, " WHEN MATCHED THEN DELETE");
    else
        bytebuf_printf(&sql, " WHEN MATCHED THEN UPDATE SET %s = s.c%u", table->columns[column].name, column);
    if (inserts)
        print_insert(&sql, table);
    for (uint32_t i = 0; i < source.count; i++) {
        Row *old = ref_find(table, &source.rows[i]);
        if (old != NULL && deletes)
            ref_delete_key(table, &source.rows[i]);
        else if (old != NULL)
            old->cells[column] = source.rows[i].cells[column];
        else if (inserts)
            ref_put(table, &source.rows[i]);
    }
    world_settle(world, world_run(world, sql.data));
}

static void print_values(ByteBuf *sql, const RefTable *table, const Source *source)
{
    for (uint32_t i = 0; i < source->count; i++) {
        bytebuf_append_text(sql, i == 0 ? " VALUES (" : ", (");
        for (uint32_t c = 0; c < table->column_count; c++) {
            bytebuf_append_text(sql, c == 0 ? "" : ", ");
            cell_literal(sql, table->columns[c].kind, source->rows[i].cells[c]);
        }
        bytebuf_append_char(sql, ')');
    }
}

/* The partitions that get rows lose those that they had. */
static void overwrite_partitions(World *world, uint32_t slot)
{
    AUTO_BYTEBUF sql = {0};
    RefTable *table = world_touch(world, slot);
    if (table->parts == PARTS_NONE || table->has_merged)
        return;
    Source source = random_source(world, table);
    bytebuf_printf(&sql, "INSERT /*+ SET_VAR(dynamic_overwrite = true) */ OVERWRITE %s", table->name);
    print_values(&sql, table, &source);
    for (uint32_t i = 0; i < source.count; i++)
        ref_drop_part(table, ref_part_of(table, &source.rows[i]));
    for (uint32_t i = 0; i < source.count; i++)
        ref_put(table, &source.rows[i]);
    world_settle(world, world_run(world, sql.data));
}

/* Rows go into a temporary partition, which nobody sees, and which then takes the place of one. */
static void exchange_partition(World *world, uint32_t slot)
{
    AUTO_BYTEBUF sql = {0}, add = {0}, replace = {0};
    const RefTable *now = world->tables[slot];
    if (now->parts != PARTS_RANGE || now->bound_count < 2)
        return;
    int64_t part = 1 + pick(world, now->bound_count - 1);
    Source source = random_source(world, now), kept = {0};
    for (uint32_t i = 0; i < source.count; i++) {
        if (ref_part_of(now, &source.rows[i]) == part)
            kept.rows[kept.count++] = source.rows[i];
    }
    bytebuf_printf(&add, "ALTER TABLE %s ADD TEMPORARY PARTITION tp VALUES [(\"%lld\"), (\"%lld\"))", now->name,
                   (long long)now->bounds[part - 1], (long long)now->bounds[part]);
    if (!world_run(world, add.data))
        return;
    bytebuf_printf(&sql, "INSERT INTO %s TEMPORARY PARTITION (tp)", now->name);
    print_values(&sql, now, &kept);
    if (kept.count > 0 && !world_run(world, sql.data))
        return;
    RefTable *table = world_touch(world, slot);
    ref_drop_part(table, part);
    for (uint32_t i = 0; i < kept.count; i++)
        ref_put(table, &kept.rows[i]);
    bytebuf_printf(&replace, "ALTER TABLE %s REPLACE PARTITION (p%lld) WITH TEMPORARY PARTITION (tp)", now->name, (long long)part);
    world_settle(world, world_run(world, replace.data));
}

void operation_merge(World *world)
{
    static void (*const operations[])(World * world, uint32_t slot) = {update_from, merge_into, merge_into, overwrite_partitions,
                                                                       exchange_partition};
    operations[pick(world, COUNT_OF(operations))](world, pick(world, WORLD_TABLES));
    world_settle(world, false);
}
