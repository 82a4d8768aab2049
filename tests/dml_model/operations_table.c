#include "dml_model/world.h"

/* Operations on tables: ALTER, TRUNCATE, DROP and CREATE, COMPACT. */

#include <stdio.h>
#include <string.h>

static void add_column(World *world, uint32_t slot)
{
    AUTO_BYTEBUF sql = {0};
    RefTable *table = world_touch(world, slot);
    if (table->column_count == COLUMNS_MAX)
        return;
    RefColumn column = random_column(world, table, false);
    uint32_t at = table->key_count + pick(world, table->column_count - table->key_count + 1);
    bytebuf_printf(&sql, "ALTER TABLE %s ADD COLUMN ", table->name);
    column_print(&sql, &column);
    if (at < table->column_count)
        bytebuf_printf(&sql, " AFTER %s", table->columns[at - 1].name);
    ref_add_column(table, at, &column);
    world_settle(world, world_run(world, sql.data));
}

static void drop_column(World *world, uint32_t slot)
{
    AUTO_BYTEBUF sql = {0};
    RefTable *table = world_touch(world, slot);
    if (table->column_count < table->key_count + 2)
        return;
    uint32_t at = table->key_count + pick(world, table->column_count - table->key_count);
    bytebuf_printf(&sql, "ALTER TABLE %s DROP COLUMN %s", table->name, table->columns[at].name);
    ref_drop_column(table, at);
    world_settle(world, world_run(world, sql.data));
}

static void rename_column(World *world, uint32_t slot)
{
    AUTO_BYTEBUF sql = {0};
    RefTable *table = world_touch(world, slot);
    RefColumn *column = &table->columns[pick(world, table->column_count)];
    if (table->parts != PARTS_NONE && column == &table->columns[0])
        return;
    bytebuf_printf(&sql, "ALTER TABLE %s RENAME COLUMN %s TO r%u", table->name, column->name, table->next_name);
    snprintf(column->name, sizeof(column->name), "r%u", table->next_name++);
    world_settle(world, world_run(world, sql.data));
}

static void widen_column(World *world, uint32_t slot)
{
    AUTO_BYTEBUF sql = {0};
    RefTable *table = world_touch(world, slot);
    RefColumn *column = &table->columns[table->key_count + pick(world, table->column_count - table->key_count)];
    if (column->kind != CELL_INT)
        return;
    column->kind = CELL_BIGINT;
    bytebuf_printf(&sql, "ALTER TABLE %s MODIFY COLUMN ", table->name);
    column_print(&sql, column);
    world_settle(world, world_run(world, sql.data));
}

static void rename_table(World *world, uint32_t slot)
{
    AUTO_BYTEBUF sql = {0};
    RefTable *table = world_touch(world, slot);
    uint32_t number = world->next_table++;
    bytebuf_printf(&sql, "ALTER TABLE %s RENAME w%d_t%u", table->name, world->number, number);
    snprintf(table->name, sizeof(table->name), "w%d_t%u", world->number, number);
    world_settle(world, world_run(world, sql.data));
}

static void swap_tables(World *world, uint32_t slot)
{
    AUTO_BYTEBUF sql = {0};
    uint32_t with = (slot + 1 + pick(world, WORLD_TABLES - 1)) % WORLD_TABLES;
    RefTable *a = world_touch(world, slot);
    RefTable *b = world_touch(world, with);
    bytebuf_printf(&sql, "ALTER TABLE %s SWAP WITH %s", a->name, b->name);
    snprintf(a->name, sizeof(a->name), "%s", world->tables[with]->name);
    snprintf(b->name, sizeof(b->name), "%s", world->tables[slot]->name);
    world_settle(world, world_run(world, sql.data));
}

static void truncate_table(World *world, uint32_t slot)
{
    AUTO_BYTEBUF sql = {0};
    RefTable *table = world_touch(world, slot);
    bytebuf_printf(&sql, "TRUNCATE TABLE %s", table->name);
    ref_clear(table);
    world_settle(world, world_run(world, sql.data));
}

/* Only partitions that hold rows: others need not be there. */
static void empty_partition(World *world, uint32_t slot)
{
    AUTO_BYTEBUF sql = {0};
    RefTable *table = world_touch(world, slot);
    if (table->row_count == 0 || table->parts == PARTS_NONE || table->has_merged)
        return;
    int64_t part = ref_part_of(table, &table->rows[pick(world, table->row_count)]);
    bool is_dropped = table->parts != PARTS_RANGE && chance(world, 50); /* it comes again with the next row */
    if (is_dropped)
        bytebuf_printf(&sql, "ALTER TABLE %s DROP PARTITION p%lld FORCE", table->name, (long long)part);
    else
        bytebuf_printf(&sql, "TRUNCATE TABLE %s PARTITION (p%lld)", table->name, (long long)part);
    ref_drop_part(table, part);
    world_settle(world, world_run(world, sql.data));
}

/* Months to years, of some or of all. */
static void merge_partitions(World *world, uint32_t slot)
{
    AUTO_BYTEBUF sql = {0};
    RefTable *table = world_touch(world, slot);
    if (table->parts != PARTS_MONTH)
        return;
    bytebuf_printf(&sql, "ALTER TABLE %s PARTITION BY date_trunc('year', %s)%s", table->name, table->columns[0].name,
                   chance(world, 70) ? " BETWEEN '2020-01-01' AND '2020-12-31'" : "");
    table->has_merged = true;
    world_settle(world, world_run(world, sql.data));
}

/* The rows are written again. */
static void distribute_anew(World *world, uint32_t slot)
{
    AUTO_BYTEBUF sql = {0};
    RefTable *table = world_touch(world, slot);
    bytebuf_printf(&sql, "ALTER TABLE %s DISTRIBUTED BY HASH(%s) BUCKETS %u", table->name, table->columns[pick(world, table->key_count)].name,
                   1 + pick(world, 3));
    world_settle(world, world_run(world, sql.data));
}

static void compact(World *world, uint32_t slot)
{
    static const Where everything = {0};
    AUTO_BYTEBUF sql = {0};
    bytebuf_printf(&sql, "ALTER TABLE %s COMPACT", world->tables[slot]->name);
    if (world_run(world, sql.data))
        (void)world_compare(world, world->tables[slot], &everything, false);
}

/* The new one is made first, so that what an answer that never came leaves is a table that nobody looks at. */
static void make_anew(World *world, uint32_t slot)
{
    AUTO_BYTEBUF create = {0}, drop = {0};
    RefTable *table = random_table(world, &create);
    if (!world_run(world, create.data)) {
        ref_free(table);
        return;
    }
    bytebuf_printf(&drop, "DROP TABLE %s%s", world->tables[slot]->name, chance(world, 50) ? " FORCE" : "");
    ref_free(world->tables[slot]);
    world->tables[slot] = table;
    (void)world_run(world, drop.data);
}

void operation_table(World *world)
{
    static void (*const operations[])(World * world, uint32_t slot) = {
        add_column,     add_column,      drop_column,     rename_column, widen_column, rename_table, swap_tables,
        truncate_table, empty_partition, empty_partition, compact,       compact,      compact,      make_anew,
        merge_partitions, merge_partitions, distribute_anew,
    };
    operations[pick(world, COUNT_OF(operations))](world, pick(world, WORLD_TABLES));
    world_settle(world, false);
}
