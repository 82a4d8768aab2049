/* Lists as older writers made them: in two levels, as tuples, or as repeated fields without a list around. Files of one leaf of numbers,
 * put together by hand. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/parquet/parquet_hybrid.h"
#include "format/parquet/parquet_thrift.h"
#include "unit/format/parquet_samples.h"

enum { REQUIRED = 0, OPTIONAL = 1, REPEATED = 2, LIST = 3, NONE = -1, INT32 = 1, PLAIN = 0, RLE = 3 };

typedef struct Field {
    const char *name;
    int32_t repetition, children, converted;
} Field;

typedef struct Levels {
    const uint32_t *reps, *defs;
    uint32_t count, highest_rep, highest_def;
    const int32_t *values;
    uint32_t value_count, rows;
} Levels;

static void put_levels(const uint32_t *levels, uint32_t count, uint32_t highest, ByteBuf *out)
{
    AUTO_BYTEBUF runs = {0};
    if (highest == 0)
        return;
    hybrid_append(&runs, levels, count, 32 - (uint32_t)__builtin_clz(highest));
    bytebuf_put_u32(out, (uint32_t)runs.length);
    bytebuf_append_view(out, bytebuf_view(&runs));
}

static void put_page(const Levels *levels, ByteBuf *out)
{
    AUTO_BYTEBUF body = {0};
    put_levels(levels->reps, levels->count, levels->highest_rep, &body);
    put_levels(levels->defs, levels->count, levels->highest_def, &body);
    bytebuf_append(&body, levels->values, levels->value_count * sizeof(*levels->values));
    ThriftWriter header = {.out = out};
    thrift_put_i32(&header, 1, 0);
    thrift_put_i32(&header, 2, (int32_t)body.length);
    thrift_put_i32(&header, 3, (int32_t)body.length);
    ThriftWriter data = thrift_begin(&header, 5);
    thrift_put_i32(&data, 1, (int32_t)levels->count);
    thrift_put_i32(&data, 2, PLAIN);
    thrift_put_i32(&data, 3, RLE);
    thrift_put_i32(&data, 4, RLE);
    thrift_end(&data);
    thrift_end(&header);
    bytebuf_append_view(out, bytebuf_view(&body));
}

static void put_field(const Field *field, ByteBuf *out)
{
    ThriftWriter element = {.out = out};
    if (field->children == 0)
        thrift_put_i32(&element, 1, INT32);
    thrift_put_i32(&element, 3, field->repetition);
    thrift_put_binary(&element, 4, strview(field->name));
    if (field->children > 0)
        thrift_put_i32(&element, 5, field->children);
    if (field->converted != NONE)
        thrift_put_i32(&element, 6, field->converted);
    thrift_end(&element);
}

static void put_footer(const Field *fields, uint32_t count, const Levels *levels, size_t page_length, ByteBuf *out)
{
    ThriftWriter meta = {.out = out};
    thrift_put_i32(&meta, 1, 1);
    thrift_put_list(&meta, 2, THRIFT_STRUCT, count);
    for (uint32_t i = 0; i < count; i++)
        put_field(&fields[i], out);
    thrift_put_i64(&meta, 3, levels->rows);
    thrift_put_list(&meta, 4, THRIFT_STRUCT, 1);
    ThriftWriter group = thrift_begin(&meta, 0);
    thrift_put_list(&group, 1, THRIFT_STRUCT, 1);
    ThriftWriter chunk = thrift_begin(&group, 0);
    thrift_put_i64(&chunk, 2, 4);
    ThriftWriter column = thrift_begin(&chunk, 3);
    thrift_put_i32(&column, 1, INT32);
    thrift_put_i32(&column, 4, 0);
    thrift_put_i64(&column, 5, levels->count);
    thrift_put_i64(&column, 7, (int64_t)page_length);
    thrift_put_i64(&column, 9, 4);
    thrift_end(&column);
    thrift_end(&chunk);
    thrift_put_i64(&group, 3, levels->rows);
    thrift_end(&group);
    thrift_end(&meta);
}

/* All rows of the file's one column, a line each, behind its type. */
static void expect(const Field *fields, uint32_t count, const Levels *levels, const char *expected)
{
    AUTO_BYTEBUF bytes = {0}, footer = {0}, text = {0};
    ParquetFile *file;
    ParquetReader *reader = NULL;
    Vector vector;
    Diag diag = {0};
    uint32_t column = 0, rows = 0;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    bytebuf_append_text(&bytes, "PAR1");
    put_page(levels, &bytes);
    put_footer(fields, count, levels, bytes.length - 4, &footer);
    bytebuf_append_view(&bytes, bytebuf_view(&footer));
    bytebuf_put_u32(&bytes, (uint32_t)footer.length);
    bytebuf_append_text(&bytes, "PAR1");
    if (sample_open(&bytes, "by hand", NULL, &diag, &file) != OK || parquet_reader_open(file, 0, &column, 1, NULL, &diag, &reader) != OK ||
        parquet_reader_next(reader, &vector, &rows, &diag) != OK)
        fail_msg("%s", diag.message);
    assert_int_equal(rows, levels->rows);
    type_print(parquet_column_type(file, 0), &text);
    for (uint32_t r = 0; r < rows; r++) {
        Datum datum = vector_get(&vector, r, &arena);
        bytebuf_append_char(&text, ' ');
        datum_print(vector.type, &datum, &text);
    }
    assert_string_equal(text.data, expected);
    parquet_reader_close(reader);
    parquet_close(file);
}

static const int32_t values[] = {1, 2, 3, 4, 5};

/* [1, 2], [], [3] */
static void test_repeated_field(void **state)
{
    static const Field fields[] = {{"schema", REQUIRED, 1, NONE}, {"bare", REPEATED, 0, NONE}};
    static const uint32_t reps[] = {0, 1, 0, 0}, defs[] = {1, 1, 0, 1};
    Levels levels = {reps, defs, 4, 1, 1, values, 3, 3};
    (void)state;
    expect(fields, 2, &levels, "array<int(11)> [1,2] [] [3]");
}

static void test_repeated_group(void **state)
{
    static const Field fields[] = {{"schema", REQUIRED, 1, NONE}, {"bare", REPEATED, 1, NONE}, {"a", OPTIONAL, 0, NONE}};
    static const uint32_t reps[] = {0, 1, 0, 0}, defs[] = {2, 1, 0, 2};
    Levels levels = {reps, defs, 4, 1, 2, values, 2, 3};
    (void)state;
    expect(fields, 3, &levels, "array<struct<a int(11)>> [{\"a\":1},{\"a\":null}] [] [{\"a\":2}]");
}

static void test_two_levels(void **state)
{
    static const Field fields[] = {{"schema", REQUIRED, 1, NONE}, {"l", OPTIONAL, 1, LIST}, {"array", REPEATED, 0, NONE}};
    static const uint32_t reps[] = {0, 1, 0, 0, 0}, defs[] = {2, 2, 1, 0, 2};
    Levels levels = {reps, defs, 5, 1, 2, values, 3, 4};
    (void)state;
    expect(fields, 3, &levels, "array<int(11)> [1,2] [] NULL [3]");
}

static void test_tuple(void **state)
{
    static const Field fields[] = {{"schema", REQUIRED, 1, NONE}, {"l", OPTIONAL, 1, LIST}, {"l_tuple", REPEATED, 1, NONE}, {"a", REQUIRED, 0, NONE}};
    static const uint32_t reps[] = {0, 1, 0, 0}, defs[] = {2, 2, 0, 1};
    Levels levels = {reps, defs, 4, 1, 2, values, 2, 3};
    (void)state;
    expect(fields, 4, &levels, "array<struct<a int(11)>> [{\"a\":1},{\"a\":2}] NULL []");
}

static void test_nested_two_levels(void **state)
{
    static const Field fields[] = {{"schema", REQUIRED, 1, NONE}, {"l", OPTIONAL, 1, LIST}, {"array", REPEATED, 1, LIST}, {"array", REPEATED, 0, NONE}};
    static const uint32_t reps[] = {0, 2, 1, 0, 0, 1}, defs[] = {3, 3, 2, 0, 3, 3};
    Levels levels = {reps, defs, 6, 2, 3, values, 4, 3};
    (void)state;
    expect(fields, 4, &levels, "array<array<int(11)>> [[1,2],[]] NULL [[3],[4]]");
}

/* A repeated field within a struct. */
static void test_within_struct(void **state)
{
    static const Field fields[] = {{"schema", REQUIRED, 1, NONE}, {"s", OPTIONAL, 1, NONE}, {"many", REPEATED, 0, NONE}};
    static const uint32_t reps[] = {0, 1, 0, 0}, defs[] = {2, 2, 1, 0};
    Levels levels = {reps, defs, 4, 1, 2, values, 2, 3};
    (void)state;
    expect(fields, 3, &levels, "struct<many array<int(11)>> {\"many\":[1,2]} {\"many\":[]} NULL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_repeated_field), cmocka_unit_test(test_repeated_group),    cmocka_unit_test(test_two_levels),
        cmocka_unit_test(test_tuple),          cmocka_unit_test(test_nested_two_levels), cmocka_unit_test(test_within_struct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
