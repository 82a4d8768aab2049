#include "query_oracle/query_oracle.h"

/* Random tables. Every layout of a table holds the same rows: in one tablet, in partitions filled by several loads, as a
 * primary-key table with replaced and deleted rows, and as a unique-key table with deletes by condition. */

#include <stdio.h>

enum { SMALL_ROWS = 60, LARGE_ROWS = 6000, LARGE_TABLE = 3, ROWS_A_STATEMENT = 700, JUNK_IDS = 1000000 };

static const char *const type_names[VALUE_KINDS] = {
    "INT", "BIGINT", "DOUBLE", "DECIMAL(18, 3)", "VARCHAR(40)", "DATE", "DATETIME", "BOOLEAN",
};

uint32_t draw(Generator *g, uint32_t count)
{
    return (uint32_t)(random_next(&g->random) % count);
}

bool lucky(Generator *g, uint32_t percent)
{
    return draw(g, 100) < percent;
}

static void text_literal_print(Generator *g, ByteBuf *sql, uint32_t value)
{
    static const char *const words[] = {"", "a", "A", "ab", "b%", "_x", "naïve", "0", "12", " pad ", "zebra", "Ünder"};
    (void)g;
    if (value < COUNT_OF(words))
        bytebuf_printf(sql, "'%s'", words[value]);
    else
        bytebuf_printf(sql, "'w%u some text'", value);
}

static void number_literal_print(ByteBuf *sql, ValueKind kind, uint32_t value)
{
    int64_t number = (int64_t)(value / 2 + value % 2) * (value % 2 == 0 ? 1 : -1);
    if (kind == KIND_INT)
        bytebuf_printf(sql, "%lld", (long long)number);
    else if (kind == KIND_BIGINT)
        bytebuf_printf(sql, "%lld", (long long)number * (value % 5 == 4 ? 3000000019LL : 1));
    else if (kind == KIND_DOUBLE)
        bytebuf_printf(sql, "%.2f", (double)number / 4);
    else
        bytebuf_printf(sql, "%s%lld.%03lld", number < 0 ? "-" : "", (long long)(number < 0 ? -number : number) / 7,
                       (long long)(number < 0 ? -number : number) * 125 % 1000);
}

void literal_print(Generator *g, ByteBuf *sql, ValueKind kind, uint32_t distinct)
{
    uint32_t value = draw(g, distinct);
    switch (kind) {
    case KIND_TEXT:
        text_literal_print(g, sql, value);
        break;
    case KIND_DATE:
        bytebuf_printf(sql, "'20%02u-%02u-%02u'", 20 + value % 5, 1 + value / 5 % 12, 1 + value / 3 % 28);
        break;
    case KIND_DATETIME:
        bytebuf_printf(sql, "'20%02u-%02u-%02u %02u:%02u:00'", 20 + value % 5, 1 + value / 5 % 12, 1 + value / 3 % 28, value % 24, value % 60);
        break;
    case KIND_BOOLEAN:
        bytebuf_append_text(sql, value % 2 == 0 ? "true" : "false");
        break;
    default:
        number_literal_print(sql, kind, value);
    }
}

void generate_tables(Generator *g)
{
    static const uint32_t domains[] = {1, 2, 5, 12, 40, 1000};
    for (uint32_t t = 0; t < TABLES; t++) {
        TestTable *table = &g->tables[t];
        table->rows = t == LARGE_TABLE ? LARGE_ROWS / 2 + draw(g, LARGE_ROWS / 2) : lucky(g, 10) ? 0 : 1 + draw(g, SMALL_ROWS);
        table->column_count = 4 + draw(g, COLUMNS_MAX - 3);
        table->columns[0] = (TableColumn){.kind = KIND_INT, .distinct = table->rows + 1};
        for (uint32_t c = 1; c < table->column_count; c++) {
            table->columns[c] = (TableColumn){
                .kind = (ValueKind)draw(g, VALUE_KINDS),
                .distinct = domains[draw(g, COUNT_OF(domains))],
                .null_percent = lucky(g, 50) ? 0 : lucky(g, 20) ? 100 : 5 + draw(g, 50),
            };
        }
    }
}

static void create_print(const TestTable *table, uint32_t t, int layout, ByteBuf *sql)
{
    static const char *const keys[LAYOUTS] = {"DUPLICATE", "DUPLICATE", "PRIMARY", "UNIQUE"};
    bytebuf_printf(sql, "CREATE TABLE t%u_%d (id INT NOT NULL", t, layout);
    for (uint32_t c = 1; c < table->column_count; c++)
        bytebuf_printf(sql, ", c%u %s NULL", c, type_names[table->columns[c].kind]);
    bytebuf_printf(sql, ") %s KEY (id)", keys[layout]);
    if (layout == 1)
        bytebuf_printf(sql,
                       " PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (\"5\"), PARTITION b VALUES LESS THAN (\"30\"), "
                       "PARTITION c VALUES LESS THAN (\"900\"), PARTITION d VALUES LESS THAN MAXVALUE)");
    bytebuf_printf(sql, " DISTRIBUTED BY HASH (id) BUCKETS %d", layout == 0 ? 1 : 3);
}

static void row_print(Generator *g, const TestTable *table, uint32_t id, ByteBuf *sql)
{
    bytebuf_printf(sql, "(%u", id);
    for (uint32_t c = 1; c < table->column_count; c++) {
        bytebuf_append_text(sql, ", ");
        if (lucky(g, table->columns[c].null_percent))
            bytebuf_append_text(sql, "NULL");
        else
            literal_print(g, sql, table->columns[c].kind, table->columns[c].distinct);
    }
    bytebuf_append_char(sql, ')');
}

typedef struct Maker {
    bool (*run)(void *context, const char *sql);
    void *context;
    bool is_good;
} Maker;

static void maker_run(Maker *maker, const char *sql)
{
    maker->is_good = maker->is_good && maker->run(maker->context, sql);
}

/* Rows that are replaced or deleted again: some under ids that come later, some under ids that never do. */
static void fill_with_junk(Generator *g, Maker *maker, uint32_t t, int layout)
{
    AUTO_BYTEBUF sql = {0};
    bytebuf_printf(&sql, "INSERT INTO t%u_%d VALUES ", t, layout);
    for (uint32_t i = 0; i < 40; i++) {
        bytebuf_append_text(&sql, i == 0 ? "" : ", ");
        row_print(g, &g->tables[t], i % 2 == 0 && i < g->tables[t].rows ? i : JUNK_IDS + i, &sql);
    }
    maker_run(maker, sql.data);
}

static void remove_junk(Maker *maker, uint32_t t, int layout)
{
    AUTO_BYTEBUF sql = {0};
    bytebuf_printf(&sql, "DELETE FROM t%u_%d WHERE id >= %d", t, layout, JUNK_IDS);
    maker_run(maker, sql.data);
}

/* One statement's rows, into every layout. Layout 1 gets them in smaller statements. */
static void fill_print(Generator *g, uint32_t t, uint32_t first, uint32_t end, Maker *maker)
{
    AUTO_BYTEBUF rows = {0};
    for (uint32_t id = first; id < end; id++) {
        bytebuf_append_text(&rows, id == first ? "" : ", ");
        row_print(g, &g->tables[t], id, &rows);
    }
    for (int layout = 0; layout < LAYOUTS; layout++) {
        AUTO_BYTEBUF sql = {0};
        bytebuf_printf(&sql, "INSERT INTO t%u_%d VALUES %s", t, layout, rows.data);
        maker_run(maker, sql.data);
    }
}

static void fill(Generator *g, uint32_t t, Maker *maker)
{
    const TestTable *table = &g->tables[t];
    uint32_t at_once = table->rows <= SMALL_ROWS ? 1 + draw(g, SMALL_ROWS) : ROWS_A_STATEMENT;
    fill_with_junk(g, maker, t, 2);
    fill_with_junk(g, maker, t, 3);
    for (uint32_t first = 0; first < table->rows; first += at_once)
        fill_print(g, t, first, MIN(first + at_once, table->rows), maker);
    remove_junk(maker, t, 2);
    remove_junk(maker, t, 3);
}

bool make_tables(Generator *g, bool (*run)(void *context, const char *sql), void *context)
{
    Maker maker = {run, context, true};
    for (uint32_t t = 0; t < TABLES; t++) {
        for (int layout = 0; layout < LAYOUTS; layout++) {
            AUTO_BYTEBUF sql = {0};
            create_print(&g->tables[t], t, layout, &sql);
            maker_run(&maker, sql.data);
        }
        fill(g, t, &maker);
    }
    return maker.is_good;
}

void layout_print(ByteBuf *sql, StrView text, int layout)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '@' && i + 2 < text.length && text.data[i + 2] == '@') {
            bytebuf_printf(sql, "t%c_%d", text.data[i + 1], layout);
            i += 2;
        } else {
            bytebuf_append_char(sql, text.data[i]);
        }
    }
}
