#include "dml_model/world.h"

/* Random tables, rows and conditions. Keys come from small domains, so that they meet. */

#include <stdio.h>

enum { KEY_NUMBERS = 40, KEY_DAYS = 150, LIST_VALUES = 5, VALUE_RANGE = 1000, VALUE_DAYS = 500 };

static const char *const kind_names[CELL_KINDS] = {"INT", "BIGINT", "DECIMAL(18, 2)", "DATE", "VARCHAR(60)"};
static const char *const merging_names[] = {"", " SUM", " MIN", " MAX", " REPLACE", " REPLACE_IF_NOT_NULL"};

static int64_t random_number(World *world, CellKind kind)
{
    switch (kind) {
    case CELL_TEXT:
        return pick(world, chance(world, 50) ? 20 : TEXT_MAX);
    case CELL_DATE:
        return (int64_t)pick(world, VALUE_DAYS) - VALUE_DAYS / 2;
    default:
        return (int64_t)pick(world, VALUE_RANGE) - VALUE_RANGE / 2;
    }
}

Cell random_cell(World *world, const RefTable *table, uint32_t column)
{
    const RefColumn *c = &table->columns[column];
    if (c->is_nullable && chance(world, 15))
        return (Cell){0, true};
    if (column >= table->key_count)
        return (Cell){random_number(world, c->kind), false};
    if (table->parts == PARTS_LIST && column == 0)
        return (Cell){pick(world, LIST_VALUES), false};
    return (Cell){pick(world, c->kind == CELL_DATE ? KEY_DAYS : KEY_NUMBERS), false};
}

Row random_row(World *world, const RefTable *table)
{
    Row row = {0};
    for (uint32_t c = 0; c < table->column_count; c++)
        row.cells[c] = random_cell(world, table, c);
    return row;
}

static Merging random_merging(World *world, CellKind kind)
{
    bool can_sum = kind == CELL_BIGINT || kind == CELL_DECIMAL;
    return can_sum && chance(world, 60) ? MERGE_SUM : (Merging)(MERGE_MIN + pick(world, 4));
}

RefColumn random_column(World *world, RefTable *table, bool is_key)
{
    RefColumn column = {.kind = (CellKind)pick(world, CELL_KINDS), .missing = {0, true}};
    snprintf(column.name, sizeof(column.name), "%s%u", is_key ? "k" : "v", table->next_name++);
    if (is_key && column.kind == CELL_DECIMAL)
        column.kind = CELL_BIGINT;
    if (is_key) {
        column.is_nullable = table->keys != TABLE_PRIMARY && chance(world, 40);
        return column;
    }
    if (table->keys == TABLE_AGGREGATE)
        column.merging = random_merging(world, column.kind);
    column.has_default = column.merging == MERGE_NONE && chance(world, 50);
    column.is_nullable = !column.has_default || chance(world, 60);
    if (column.has_default)
        column.missing = (Cell){random_number(world, column.kind), false};
    return column;
}

void column_print(ByteBuf *sql, const RefColumn *column)
{
    bytebuf_printf(sql, "%s %s%s %sNULL", column->name, kind_names[column->kind], merging_names[column->merging],
                   column->is_nullable ? "" : "NOT ");
    if (column->has_default) {
        bytebuf_append_text(sql, " DEFAULT \"");
        cell_print(sql, column->kind, column->missing);
        bytebuf_append_char(sql, '"');
    }
}

static void add_columns(World *world, RefTable *table)
{
    uint32_t values = 1 + pick(world, 5);
    table->key_count = 1 + pick(world, 3);
    for (uint32_t c = 0; c < table->key_count; c++)
        table->columns[table->column_count++] = random_column(world, table, true);
    if (table->parts != PARTS_NONE) {
        table->columns[0].kind = table->parts == PARTS_MONTH ? CELL_DATE : CELL_INT;
        table->columns[0].is_nullable = false;
    }
    for (uint32_t c = 0; c < values; c++)
        table->columns[table->column_count++] = random_column(world, table, false);
}

static void print_parts(World *world, RefTable *table, ByteBuf *sql)
{
    const char *column = table->columns[0].name;
    if (table->parts == PARTS_MONTH)
        bytebuf_printf(sql, " PARTITION BY date_trunc('month', %s)", column);
    if (table->parts == PARTS_LIST)
        bytebuf_printf(sql, " PARTITION BY (%s)", column);
    if (table->parts != PARTS_RANGE)
        return;
    table->bound_count = 1 + pick(world, PARTS_MAX - 1);
    bytebuf_printf(sql, " PARTITION BY RANGE(%s) (", column);
    for (uint32_t i = 0; i < table->bound_count; i++) {
        table->bounds[i] = (i == 0 ? 0 : table->bounds[i - 1]) + 1 + pick(world, KEY_NUMBERS / table->bound_count);
        bytebuf_printf(sql, "PARTITION p%u VALUES LESS THAN (\"%lld\"), ", i, (long long)table->bounds[i]);
    }
    bytebuf_printf(sql, "PARTITION p%u VALUES LESS THAN (MAXVALUE))", table->bound_count);
}

RefTable *random_table(World *world, ByteBuf *sql)
{
    static const char *const keys[] = {"DUPLICATE", "AGGREGATE", "UNIQUE", "PRIMARY"};
    RefTable *table = mem_alloc_zero(sizeof(*table));
    table->keys = (TableKeys)pick(world, 4);
    if (chance(world, 25))
        table->keys = TABLE_PRIMARY;
    table->parts = (Partitioning)pick(world, 4);
    snprintf(table->name, sizeof(table->name), "w%d_t%u", world->number, world->next_table++);
    add_columns(world, table);
    bytebuf_printf(sql, "CREATE TABLE %s (", table->name);
    for (uint32_t c = 0; c < table->column_count; c++) {
        bytebuf_append_text(sql, c == 0 ? "" : ", ");
        column_print(sql, &table->columns[c]);
    }
    bytebuf_printf(sql, ") %s KEY (", keys[table->keys]);
    for (uint32_t k = 0; k < table->key_count; k++)
        bytebuf_printf(sql, "%s%s", k == 0 ? "" : ", ", table->columns[k].name);
    bytebuf_append_char(sql, ')');
    print_parts(world, table, sql);
    if (table->keys == TABLE_DUPLICATE && chance(world, 30))
        bytebuf_printf(sql, " DISTRIBUTED BY RANDOM BUCKETS %u", 1 + pick(world, 3));
    else
        bytebuf_printf(sql, " DISTRIBUTED BY HASH(%s) BUCKETS %u", table->columns[pick(world, table->key_count)].name, 1 + pick(world, 3));
    return table;
}

static Term random_term(World *world, const RefTable *table, uint32_t columns)
{
    Term term = {.column = pick(world, columns)};
    const RefColumn *column = &table->columns[term.column];
    bool is_integer = column->kind == CELL_INT || column->kind == CELL_BIGINT;
    do
        term.kind = (TermKind)pick(world, TERM_KINDS);
    while ((term.kind == TERM_MODULO && !is_integer) || (term.kind >= TERM_NOT_NULL && term.kind <= TERM_IS_NULL && chance(world, 70)));
    for (uint32_t i = 0; i < COUNT_OF(term.values); i++) {
        term.values[i] = random_cell(world, table, term.column).value;
        if (table->row_count > 0 && chance(world, 50)) /* one that is there */
            term.values[i] = table->rows[pick(world, table->row_count)].cells[term.column].value;
    }
    if (term.kind == TERM_MODULO) {
        term.values[0] = 2 + pick(world, 4);
        term.values[1] = pick(world, (uint32_t)term.values[0]);
    }
    return term;
}

Where random_where(World *world, const RefTable *table, bool any_column)
{
    Where where = {.count = 1 + pick(world, 2)};
    bool by_keys = !any_column && (table->keys == TABLE_AGGREGATE || table->keys == TABLE_UNIQUE);
    for (uint32_t i = 0; i < where.count; i++)
        where.terms[i] = random_term(world, table, by_keys ? table->key_count : table->column_count);
    return where;
}
