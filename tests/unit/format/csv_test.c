/* CSV and JSON rows: splitting in both forms, cutting, NULL, enclosing, escapes; conversion to types. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/csv.h"
#include "format/json_rows.h"

/* Rows as "a,b;c,d": fields joined by ',', NULL as '~', rows ended by ';', a wrong count as '!'. */
static void print_rows(const TextRows *rows, ByteBuf *out)
{
    for (uint32_t row = 0; row < rows->row_count; row++) {
        for (uint32_t i = 0; i < rows->column_count; i++) {
            TextField f = rows->fields[(size_t)i * CHUNK_ROWS + row];
            if (i > 0)
                bytebuf_append_char(out, ',');
            if (f.length == TEXT_NULL)
                bytebuf_append_char(out, '~');
            else
                bytebuf_append(out, rows->base + f.offset, f.length);
        }
        if (rows->found[row] != rows->column_count)
            bytebuf_append_char(out, '!');
        bytebuf_append_char(out, ';');
    }
}

static void expect_csv(CsvOptions options, const char *text, uint32_t columns, const char *expected)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    AUTO_BYTEBUF data = {0};
    AUTO_BYTEBUF out = {0};
    bytebuf_append_text(&data, text);
    bytebuf_reserve(&data, CSV_BLOCK_SLACK_BYTES);
    TextRows rows;
    text_rows_init(&rows, &arena, columns);
    CsvReader reader;
    csv_reader_init(&reader, &options, data.data, data.length);
    bytebuf_append_text(&out, "");
    while (csv_reader_next(&reader, &rows))
        print_rows(&rows, &out);
    assert_string_equal(out.data, expected);
}

static CsvOptions plain(const char *separator, const char *delimiter)
{
    return (CsvOptions){.separator = strview(separator), .delimiter = strview(delimiter)};
}

static void test_simple(void **state)
{
    (void)state;
    expect_csv(plain("|", "\n"), "a|b\nc|d\n", 2, "a,b;c,d;");
    expect_csv(plain("|", "\n"), "a|b\nc|d", 2, "a,b;c,d;");
    expect_csv(plain("|", "\n"), "|\n\\N|x\r\n\n\r\ny|\n", 2, ",;~,x;y,;");
    expect_csv(plain("|", "\n"), "a\nb|c|d\n", 2, "a,~!;b,c!;");
    expect_csv(plain("\t", "\n"), "a long field with more than a word\t\\Nx\n", 2,
               "a long field with more than a word,\\Nx;");
    CsvOptions trimmed = plain(",", "\n");
    trimmed.trim_space = true;
    expect_csv(trimmed, " a , \\N \n", 2, "a,~;");
}

static void test_general(void **state)
{
    (void)state;
    expect_csv(plain("||", "\r\r"), "a|b||c\r\rd||e\r\r", 2, "a|b,c;d,e;");
    CsvOptions quoted = plain(",", "\n");
    quoted.enclose = '"';
    expect_csv(quoted, "\"a,\"\"b\nc\",d\n\"\\N\",\\N\n", 2, "a,\"b\nc,d;\\N,~;");
    expect_csv(quoted, "\"open", 1, "open;");
    quoted.escape = '\\';
    expect_csv(quoted, "\"a\\\"b\",c\\,d\n\\N,\"\"\n", 2, "a\"b,c,d;~,;");
}

static size_t cut(CsvOptions options, const char *text)
{
    AUTO_BYTEBUF data = {0};
    bytebuf_append_text(&data, text);
    return csv_cut(&options, data.data, data.length);
}

static void test_cut(void **state)
{
    (void)state;
    assert_int_equal(cut(plain(",", "\n"), "a,b\nc"), 4);
    assert_int_equal(cut(plain(",", "\n"), "a,b"), 0);
    assert_int_equal(cut(plain(",", "##"), "a#b##c#"), 5);
    CsvOptions quoted = plain(",", "\n");
    quoted.enclose = '"';
    assert_int_equal(cut(quoted, "a\n\"b\nc"), 2);
    assert_int_equal(cut(quoted, "a\n\"b\nc\"\n"), 8);
    AUTO_BYTEBUF data = {0};
    bytebuf_append_text(&data, "\"h\n1\"\nh2\nrow\n");
    uint64_t skipped;
    assert_int_equal(csv_skip_rows(&quoted, data.data, data.length, 2, &skipped), 9);
    assert_int_equal(skipped, 2);
}

static void test_separators(void **state)
{
    (void)state;
    AUTO_BYTEBUF out = {0};
    csv_unescape(STR_VIEW("\\x01\\t|\\\\x0A"), &out);
    assert_int_equal(out.length, 4);
    assert_memory_equal(out.data, "\x01\t|\n", 4);
}

static void test_convert(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    static char text[] = "12\n-7.25\n\\N\nx\n1e2\n999.999\n                ";
    TextRows rows;
    text_rows_init(&rows, &arena, 1);
    CsvOptions options = plain(",", "\n");
    CsvReader reader;
    csv_reader_init(&reader, &options, text, sizeof(text) - 17);
    assert_true(csv_reader_next(&reader, &rows));
    assert_int_equal(rows.row_count, 6);
    Vector vector;
    vector_init(&vector, &arena, type_decimal(5, 2), CHUNK_ROWS);
    uint8_t failed[CHUNK_ROWS] = {0};
    text_column_parse(&rows, 0, &arena, &vector, failed);
    const int32_t *values = vector.data;
    assert_int_equal(values[0], 1200);
    assert_int_equal(values[1], -725);
    assert_int_equal(vector.nulls[2], 1);
    assert_int_equal(failed[2], 0);
    assert_int_equal(failed[3], TEXT_BAD_VALUE);
    assert_int_equal(values[4], 10000);
    assert_int_equal(failed[5], TEXT_BAD_VALUE);
}

static void expect_json(const JsonRowsOptions *options, const char *text, const char *expected)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    AUTO_BYTEBUF data = {0};
    AUTO_BYTEBUF out = {0};
    bytebuf_append_text(&data, text);
    JsonCut scan = {.strip = options->is_stripped};
    (void)json_cut(&scan, data.data, data.length);
    TextRows rows;
    text_rows_init(&rows, &arena, options->column_count);
    JsonRowsReader reader;
    json_rows_init(&reader, options, bytebuf_view(&data));
    Diag diag = {0};
    bytebuf_append_text(&out, "");
    do {
        if (json_rows_next(&reader, &rows, &diag) != OK) {
            bytebuf_append_text(&out, "error");
            break;
        }
        print_rows(&rows, &out);
    } while (rows.row_count > 0);
    json_rows_deinit(&reader);
    assert_string_equal(out.data, expected);
}

static void test_json(void **state)
{
    (void)state;
    StrView names[] = {STR_VIEW("a"), STR_VIEW("b")};
    uint8_t raw[] = {0, 1};
    JsonRowsOptions options = {.names = names, .raw = raw, .column_count = 2};
    expect_json(&options, "{\"a\":1,\"b\":\"x\"}\n{\"b\":{\"c\": [1]},\"a\":\"\\u00e4\\n\"} 5",
                "1,\"x\";\xc3\xa4\n,{\"c\": [1]};~,~!;");
    expect_json(&options, "[{\"a\":1}]", "error");
    expect_json(&options, "{\"a\":", "error");
    options.is_stripped = true;
    expect_json(&options, "[{\"a\":null,\"b\":2}, {\"a\":true}]", "~,2;true,~;");
    JsonPath paths[2];
    assert_true(json_path_parse(STR_VIEW("$.x.y[1]"), &paths[0]));
    assert_true(json_path_parse(STR_VIEW("$.z"), &paths[1]));
    assert_false(json_path_parse(STR_VIEW("$.z["), &(JsonPath){0}));
    options.is_stripped = false;
    options.strip_array = true;
    options.paths = paths;
    assert_true(json_path_parse(STR_VIEW("$.data"), &options.root));
    expect_json(&options, "{\"data\":[{\"x\":{\"y\":[1,2]},\"z\":3},{\"z\":4}]}", "2,3;~,4;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simple),  cmocka_unit_test(test_general), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_separators), cmocka_unit_test(test_convert), cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
