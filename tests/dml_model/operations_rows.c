#include "dml_model/world.h"

/* Operations that change rows. */

#include <string.h>

enum { ROWS_FEW = 12, ROWS_SOME = 300, SUM_LIMIT = 1000000000 };

/* ---- INSERT ---- */

static uint32_t random_row_count(World *world, const RefTable *table)
{
    if (table->row_count > ROWS_MANY)
        return 1;
    return 1 + pick(world, chance(world, 10) ? ROWS_SOME : ROWS_FEW);
}

static void print_row(ByteBuf *sql, const RefTable *table, const Row *row)
{
    bytebuf_append_char(sql, '(');
    for (uint32_t c = 0; c < table->column_count; c++) {
        bytebuf_append_text(sql, c == 0 ? "" : ", ");
        cell_literal(sql, table->columns[c].kind, row->cells[c]);
    }
    bytebuf_append_char(sql, ')');
}

static void put_rows(World *world, RefTable *table, uint32_t count, ByteBuf *sql)
{
    for (uint32_t i = 0; i < count; i++) {
        Row row = random_row(world, table);
        bytebuf_append_text(sql, i == 0 ? "" : ", ");
        print_row(sql, table, &row);
        ref_put(table, &row);
    }
}

static void insert_values(World *world, uint32_t slot)
{
    AUTO_BYTEBUF sql = {0};
    RefTable *table = world_touch(world, slot);
    bytebuf_printf(&sql, "INSERT INTO %s VALUES ", table->name);
    put_rows(world, table, random_row_count(world, table), &sql);
    world_settle(world, world_run(world, sql.data));
}

/* A column that is left out gets its default, or what the row of the same primary key has. */
static void insert_columns(World *world, uint32_t slot)
{
    AUTO_BYTEBUF sql = {0};
    RefTable *table = world_touch(world, slot);
    uint32_t left_out = table->key_count + pick(world, table->column_count - table->key_count);
    if (!table->columns[left_out].is_nullable && !table->columns[left_out].has_default)
        return;
    bytebuf_printf(&sql, "INSERT INTO %s (", table->name);
    for (uint32_t c = 0; c < table->column_count; c++) {
        if (c != left_out)
            bytebuf_printf(&sql, "%s%s", c == 0 ? "" : ", ", table->columns[c].name);
    }
    bytebuf_append_text(&sql, ") VALUES (");
    Row row = random_row(world, table);
    const Row *old = table->keys == TABLE_PRIMARY ? ref_find(table, &row) : NULL;
    row.cells[left_out] = old != NULL ? old->cells[left_out] : table->columns[left_out].missing;
    for (uint32_t c = 0; c < table->column_count; c++) {
        if (c == left_out)
            continue;
        bytebuf_append_text(&sql, c == 0 ? "" : ", ");
        cell_literal(&sql, table->columns[c].kind, row.cells[c]);
    }
    bytebuf_append_char(&sql, ')');
    ref_put(table, &row);
    world_settle(world, world_run(world, sql.data));
}

static bool is_near_limit(const RefTable *table)
{
    for (uint32_t i = 0; i < table->row_count; i++) {
        for (uint32_t c = 0; c < table->column_count; c++) {
            int64_t value = table->rows[i].cells[c].value;
            if (value > SUM_LIMIT || value < -SUM_LIMIT)
                return true;
        }
    }
    return false;
}

/* column, or column + delta, as its kind says it. */
static void print_sum(ByteBuf *sql, const RefColumn *column, int64_t delta)
{
    if (delta == 0) {
        bytebuf_append_text(sql, column->name);
    } else if (column->kind == CELL_DATE) {
        bytebuf_printf(sql, "date_add(%s, INTERVAL %lld DAY)", column->name, (long long)delta);
    } else {
        bytebuf_printf(sql, "%s + ", column->name);
        cell_literal(sql, column->kind, (Cell){delta, false});
    }
}

/* The table's own rows again, moved. */
static void insert_select(World *world, uint32_t slot)
{
    AUTO_BYTEBUF sql = {0};
    RefTable *table = world_touch(world, slot);
    RefTable *source = world->tables[slot];
    int64_t deltas[COLUMNS_MAX] = {0};
    if (table->row_count > ROWS_MANY / 2 || is_near_limit(table))
        return;
    bytebuf_printf(&sql, "INSERT INTO %s SELECT ", table->name);
    for (uint32_t c = 0; c < table->column_count; c++) {
        bool is_fixed = table->columns[c].kind == CELL_TEXT || (c == 0 && table->parts == PARTS_LIST);
        deltas[c] = is_fixed || chance(world, 50) ? 0 : 1 + pick(world, 9);
        bytebuf_append_text(&sql, c == 0 ? "" : ", ");
        print_sum(&sql, &table->columns[c], deltas[c]);
    }
    Where where = random_where(world, table, true);
    bytebuf_printf(&sql, " FROM %s WHERE ", table->name);
    where_print(&sql, table, &where);
    for (uint32_t i = 0; i < source->row_count; i++) {
        Row row = source->rows[i];
        for (uint32_t c = 0; c < table->column_count; c++)
            row.cells[c].value += row.cells[c].is_null ? 0 : deltas[c];
        if (where_holds(&where, &source->rows[i]))
            ref_put(table, &row);
    }
    world_settle(world, world_run(world, sql.data));
}

static void insert_overwrite(World *world, uint32_t slot)
{
    AUTO_BYTEBUF sql = {0};
    RefTable *table = world_touch(world, slot);
    bytebuf_printf(&sql, "INSERT OVERWRITE %s VALUES ", table->name);
    ref_clear(table);
    put_rows(world, table, 1 + pick(world, ROWS_SOME), &sql);
    world_settle(world, world_run(world, sql.data));
}

/* ---- loads ---- */

typedef enum LoadKind { LOAD_CSV, LOAD_JSON, LOAD_DELETES, LOAD_PARTIAL, LOAD_CONDITION, LOAD_KINDS } LoadKind;

typedef struct Load {
    LoadKind kind;
    bool takes[COLUMNS_MAX];
    uint32_t condition; /* the column */
    uint32_t count;     /* of columns that are taken */
} Load;

static void print_field(ByteBuf *body, const RefColumn *column, Cell cell, bool is_json)
{
    if (!is_json && cell.is_null) {
        bytebuf_append_text(body, "\\N");
        return;
    }
    bool is_quoted = is_json && !cell.is_null && (column->kind == CELL_DATE || column->kind == CELL_TEXT);
    bytebuf_append_text(body, is_quoted ? "\"" : "");
    if (cell.is_null)
        bytebuf_append_text(body, "null");
    else
        cell_print(body, column->kind, cell);
    bytebuf_append_text(body, is_quoted ? "\"" : "");
}

static void print_load_row(ByteBuf *body, const RefTable *table, const Load *load, const Row *row, int op)
{
    bool is_json = load->kind == LOAD_JSON;
    uint32_t written = 0;
    bytebuf_append_text(body, is_json ? "{" : "");
    for (uint32_t c = 0; c < table->column_count; c++) {
        if (!load->takes[c])
            continue;
        bytebuf_append_text(body, written++ == 0 ? "" : ",");
        if (is_json)
            bytebuf_printf(body, "\"%s\":", table->columns[c].name);
        print_field(body, &table->columns[c], row->cells[c], is_json);
    }
    if (load->kind == LOAD_DELETES)
        bytebuf_printf(body, ",%d", op);
    bytebuf_append_text(body, is_json ? "}\n" : "\n");
}

static void put_loaded(RefTable *table, const Load *load, Row *row, bool is_delete)
{
    Row *old = load->kind == LOAD_CSV || load->kind == LOAD_JSON ? NULL : ref_find(table, row);
    if (is_delete) {
        ref_delete_key(table, row);
        return;
    }
    const Cell *stored = old == NULL ? NULL : &old->cells[load->condition];
    if (load->kind == LOAD_CONDITION && old != NULL && !stored->is_null && row->cells[load->condition].value < stored->value)
        return;
    for (uint32_t c = 0; c < table->column_count; c++) {
        if (!load->takes[c])
            row->cells[c] = old != NULL ? old->cells[c] : table->columns[c].missing;
    }
    ref_put(table, row);
}

/* False: the table can't take such a load. */
static bool choose_load(World *world, const RefTable *table, Load *load)
{
    *load = (Load){.kind = (LoadKind)pick(world, table->keys == TABLE_PRIMARY ? LOAD_KINDS : LOAD_DELETES)};
    memset(load->takes, 1, sizeof(load->takes));
    load->condition = table->key_count + pick(world, table->column_count - table->key_count);
    for (uint32_t c = table->key_count; c < table->column_count && load->kind == LOAD_PARTIAL; c++)
        load->takes[c] = chance(world, 50);
    uint32_t values = 0;
    for (uint32_t c = table->key_count; c < table->column_count; c++)
        values += load->takes[c];
    return values > 0 && (load->kind != LOAD_CONDITION || table->columns[load->condition].kind != CELL_TEXT);
}

static void print_headers(World *world, const RefTable *table, const Load *load, Lines *headers, Arena *arena)
{
    AUTO_BYTEBUF columns = {0};
    for (uint32_t c = 0, written = 0; c < table->column_count; c++) {
        if (load->takes[c])
            bytebuf_printf(&columns, "%s%s", written++ == 0 ? "columns: " : ",", table->columns[c].name);
    }
    bytebuf_append_text(&columns, load->kind == LOAD_DELETES ? ",__op" : "");
    ARRAY_PUSH(arena, headers, strview(arena_strdup(arena, columns.data)));
    ARRAY_PUSH(arena, headers, strview(arena_printf(arena, "label: w%d_l%u", world->number, world->next_label++)));
    ARRAY_PUSH(arena, headers, strview(load->kind == LOAD_JSON ? "format: json" : "column_separator: ,"));
    ARRAY_PUSH(arena, headers, strview("Expect: 100-continue"));
    if (chance(world, 25)) {
        ARRAY_PUSH(arena, headers, strview("enable_merge_commit: true"));
        ARRAY_PUSH(arena, headers, strview("merge_commit_interval_ms: 5"));
    }
    if (load->kind == LOAD_PARTIAL)
        ARRAY_PUSH(arena, headers, strview("partial_update: true"));
    if (load->kind == LOAD_PARTIAL && chance(world, 50))
        ARRAY_PUSH(arena, headers, strview("partial_update_mode: column"));
    if (load->kind == LOAD_CONDITION)
        ARRAY_PUSH(arena, headers, strview(arena_printf(arena, "merge_condition: %s", table->columns[load->condition].name)));
}

static void stream_load(World *world, uint32_t slot)
{
    AUTO_ARENA arena;
    AUTO_BYTEBUF body = {0};
    Lines headers = {0};
    Load load;
    arena_init(&arena, NULL);
    RefTable *table = world_touch(world, slot);
    if (!choose_load(world, table, &load))
        return;
    for (uint32_t i = random_row_count(world, table); i > 0; i--) {
        Row row = random_row(world, table);
        bool is_delete = load.kind == LOAD_DELETES && chance(world, 40);
        if (load.kind == LOAD_CONDITION) /* NULLs have no order */
            row.cells[load.condition].is_null = false;
        print_load_row(&body, table, &load, &row, is_delete);
        put_loaded(table, &load, &row, is_delete);
    }
    print_headers(world, table, &load, &headers, &arena);
    world_settle(world, world_load(world, table, &headers, &body, &arena));
}

/* ---- DELETE, UPDATE ---- */

static void delete_rows(World *world, uint32_t slot)
{
    AUTO_BYTEBUF sql = {0};
    RefTable *table = world_touch(world, slot);
    Where where = random_where(world, table, false);
    bytebuf_printf(&sql, "DELETE FROM %s WHERE ", table->name);
    where_print(&sql, table, &where);
    ref_delete(table, &where);
    world_settle(world, world_run(world, sql.data));
}

static void update_rows(World *world, uint32_t slot)
{
    AUTO_BYTEBUF sql = {0};
    RefTable *table = world_touch(world, slot);
    if (table->keys != TABLE_PRIMARY)
        return;
    Where where = random_where(world, table, true);
    uint32_t c = table->key_count + pick(world, table->column_count - table->key_count);
    const RefColumn *column = &table->columns[c];
    bytebuf_printf(&sql, "UPDATE %s SET %s = ", table->name, column->name);
    if (column->kind == CELL_TEXT || chance(world, 40)) {
        Cell value = random_cell(world, table, c);
        cell_literal(&sql, column->kind, value);
        ref_set(table, &where, c, value);
    } else {
        int64_t delta = 1 + pick(world, 50);
        print_sum(&sql, column, delta);
        ref_add(table, &where, c, delta);
    }
    bytebuf_append_text(&sql, " WHERE ");
    where_print(&sql, table, &where);
    world_settle(world, world_run(world, sql.data));
}

/* Only what is set is written, over segments that are objects. */
static void update_columns(World *world, uint32_t slot)
{
    AUTO_BYTEBUF sql = {0};
    if (world->tables[slot]->keys != TABLE_PRIMARY)
        return;
    bytebuf_printf(&sql, "ALTER TABLE %s COMPACT", world->tables[slot]->name);
    if (!world_run(world, sql.data) || !world_run(world, "SET partial_update_mode = 'column'"))
        return;
    update_rows(world, slot);
    if (!world->is_cut)
        (void)world_run(world, "SET partial_update_mode = 'auto'");
}

/* ---- transactions ---- */

/* Another session sees nothing of it before COMMIT. */
static void look_from_outside(World *world, uint32_t slot)
{
    static const Where everything = {0};
    client_choose(world->client, "other");
    (void)world_compare(world, world->tables[slot], &everything, false);
    client_choose(world->client, "default");
}

static void transaction(World *world, uint32_t slot)
{
    bool commits = chance(world, 75);
    bool goes_on = world_run(world, "BEGIN");
    for (uint32_t i = 1 + pick(world, 4); i > 0 && goes_on; i--) {
        AUTO_BYTEBUF sql = {0};
        RefTable *table = world_touch(world, slot);
        bytebuf_printf(&sql, "INSERT INTO %s VALUES ", table->name);
        put_rows(world, table, random_row_count(world, table), &sql);
        goes_on = world_run(world, sql.data);
        if (goes_on && chance(world, 30))
            look_from_outside(world, slot);
        slot = chance(world, 50) ? slot : pick(world, WORLD_TABLES);
        goes_on = goes_on && !world->is_cut;
    }
    if (!goes_on && world->is_cut) { /* before COMMIT was sent: nothing has happened */
        world->is_cut = false;
        world_settle(world, false);
        world->is_cut = true;
        return;
    }
    bool is_committed = commits && goes_on ? world_commit(world) : world_run(world, "ROLLBACK") && false;
    world_settle(world, is_committed);
    if (world->is_cut && !commits) {
        world->is_cut = false;
        world_settle(world, false);
        world->is_cut = true;
    }
}

void operation_rows(World *world)
{
    static void (*const operations[])(World *world, uint32_t slot) = {
        insert_values, insert_values, insert_values, insert_columns, insert_select, insert_overwrite, stream_load,
        stream_load,   stream_load,   delete_rows,   delete_rows,    update_rows,   update_rows,      transaction,
        update_columns, update_columns,
    };
    operations[pick(world, COUNT_OF(operations))](world, pick(world, WORLD_TABLES));
    world_settle(world, false);
}
