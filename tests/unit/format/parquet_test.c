/* Parquet files of another writer: every column NAME is compared with the text that its writer put into the column NAME_text. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/format/parquet_samples.h"

/* Compares all rows of the pairs of columns; how many rows there are. */
static uint64_t compare(const char *name)
{
    ByteBuf bytes;
    ParquetFile *file;
    uint64_t rows = 0;
    sample_load(name, &bytes);
    Diag diag = {0};
    if (sample_open(&bytes, name, NULL, &diag, &file) != OK)
        fail_msg("%s", diag.message);
    uint32_t pairs = parquet_column_count(file) / 2;
    for (uint32_t group = 0; group < parquet_row_group_count(file); group++) {
        for (uint32_t pair = 0; pair < pairs; pair++)
            sample_compare(file, group, pair * 2);
        rows += parquet_row_group_rows(file, group);
    }
    assert_int_equal(rows, parquet_row_count(file));
    parquet_close(file);
    bytebuf_deinit(&bytes);
    return rows;
}

static void test_numbers(void **state)
{
    (void)state;
    assert_int_equal(compare("numbers"), 120);
    assert_int_equal(compare("numbers_v2"), 120);
    assert_int_equal(compare("numbers_required"), 120);
    assert_int_equal(compare("plain"), 100);
}

static void test_times(void **state)
{
    (void)state;
    assert_int_equal(compare("times"), 120);
}

static void test_decimals(void **state)
{
    (void)state;
    assert_int_equal(compare("decimals"), 200);
    assert_int_equal(compare("decimals_v2"), 200);
}

static void test_texts(void **state)
{
    (void)state;
    assert_int_equal(compare("texts"), 200);
    assert_int_equal(compare("texts_v2"), 200);
}

static void test_row_groups(void **state)
{
    ByteBuf bytes;
    ParquetFile *file;
    Diag diag = {0};
    PageStats stats;
    (void)state;
    assert_int_equal(compare("groups"), 4500);
    assert_int_equal(compare("empty"), 0);
    sample_load("groups", &bytes);
    assert_int_equal(sample_open(&bytes, "groups", NULL, &diag, &file), OK);
    assert_int_equal(parquet_row_group_count(file), 3);
    parquet_row_group_stats(file, 0, 0, &stats);
    assert_true(stats.has_bounds);
    assert_int_equal(stats.min.i64, 0);
    assert_int_equal(stats.max.i64, 99);
    assert_true(stats.null_count > 0 && stats.null_count < 2048);
    parquet_row_group_stats(file, 0, 1, &stats);
    assert_true(stats.has_bounds);
    assert_true(strview_is(str_view(&stats.min.str), "0"));
    assert_true(strview_is(str_view(&stats.max.str), "99"));
    parquet_close(file);
    bytebuf_deinit(&bytes);
}

/* Instants move with the zone, and their bounds are wide enough for it. */
static void test_zone(void **state)
{
    ByteBuf bytes;
    ParquetFile *utc, *east;
    Diag diag = {0};
    PageStats stats;
    (void)state;
    sample_load("times", &bytes);
    assert_int_equal(sample_open(&bytes, "times", NULL, &diag, &utc), OK);
    assert_int_equal(sample_open(&bytes, "times", time_zone_find(STR_VIEW("+08:00")), &diag, &east), OK);
    uint32_t column = sample_column(utc, "tstz"), other = sample_column(utc, "ts");
    int64_t in_utc = sample_number(utc, 0, column, 0), in_east = sample_number(east, 0, column, 0);
    assert_int_equal(in_east - in_utc, INT64_C(8) * 3600 * US_PER_SECOND);
    assert_int_equal(sample_number(utc, 0, other, 1), sample_number(east, 0, other, 1));
    parquet_row_group_stats(east, 0, column, &stats);
    assert_true(stats.has_bounds && stats.min.i64 <= in_east && stats.max.i64 >= in_east);
    parquet_close(utc);
    parquet_close(east);
    bytebuf_deinit(&bytes);
}

/* What cannot be read says so, with the place. */
static void test_errors(void **state)
{
    ByteBuf bytes;
    ParquetFile *file = NULL;
    ParquetReader *reader = NULL;
    Diag diag = {0};
    uint32_t column = 0;
    (void)state;
    sample_load("brotli", &bytes);
    assert_int_equal(sample_open(&bytes, "brotli", NULL, &diag, &file), OK);
    assert_int_equal(parquet_reader_open(file, 0, &column, 1, NULL, &diag, &reader), ERR_NOT_SUPPORTED);
    assert_string_equal(diag.message, "brotli: row group 0, column i32 is compressed by BROTLI, which is not supported");
    parquet_close(file);
    diag_reset(&diag);
    bytes.length--;
    assert_int_equal(sample_open(&bytes, "brotli", NULL, &diag, &file), ERR_BAD_VALUE);
    assert_string_equal(diag.message, "brotli is not a Parquet file: it does not end with PAR1");
    diag_reset(&diag);
    bytes.length = 11;
    assert_int_equal(sample_open(&bytes, "brotli", NULL, &diag, &file), ERR_BAD_VALUE);
    bytebuf_deinit(&bytes);
}

/* Rows without columns are counted. */
static void test_no_columns(void **state)
{
    ByteBuf bytes;
    ParquetFile *file;
    ParquetReader *reader;
    Diag diag = {0};
    uint32_t rows, total = 0;
    (void)state;
    sample_load("groups", &bytes);
    assert_int_equal(sample_open(&bytes, "groups", NULL, &diag, &file), OK);
    assert_int_equal(parquet_reader_open(file, 1, NULL, 0, NULL, &diag, &reader), OK);
    do {
        assert_int_equal(parquet_reader_next(reader, NULL, &rows, &diag), OK);
        total += rows;
    } while (rows > 0);
    assert_int_equal(total, 2048);
    parquet_reader_close(reader);
    parquet_close(file);
    bytebuf_deinit(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),    cmocka_unit_test(test_times), cmocka_unit_test(test_decimals), cmocka_unit_test(test_texts),
        cmocka_unit_test(test_row_groups), cmocka_unit_test(test_zone),  cmocka_unit_test(test_errors),   cmocka_unit_test(test_no_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
