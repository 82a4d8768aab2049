/* Flipped bits and cut ends of small Parquet files: an error or other values, never a crash (the sanitizers look on). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/format/parquet_samples.h"

enum { MEMORY_BYTES = 64 << 20 };

/* Whether all could be read. */
static bool read_all(ByteBuf *bytes, uint64_t *out_values)
{
    ParquetSource source = {"flip", bytes->length, bytes, sample_read};
    MemTracker tracker;
    ParquetFile *file;
    Diag diag = {0};
    bool is_right = true;
    mem_tracker_init(&tracker, NULL, "flip", MEMORY_BYTES);
    if (parquet_open(&source, NULL, &tracker, &diag, &file) != OK)
        return false;
    for (uint32_t i = 0; i < parquet_column_count(file) * parquet_row_group_count(file); i++) {
        uint32_t column = i % parquet_column_count(file), rows = 0;
        ParquetReader *reader = NULL;
        Vector vector;
        AUTO_ARENA arena;
        AUTO_BYTEBUF text = {0};
        arena_init(&arena, NULL);
        bool is_read = parquet_reader_open(file, i / parquet_column_count(file), &column, 1, &tracker, &diag, &reader) == OK;
        for (uint32_t chunk = 0; chunk < 4 && is_read && (is_read = parquet_reader_next(reader, &vector, &rows, &diag) == OK) && rows > 0; chunk++) {
            for (uint32_t r = 0; r < rows; r++) {
                sample_print(&vector, r, &arena, &text);
                *out_values += text.length > 0;
            }
        }
        parquet_reader_close(reader);
        is_right &= is_read;
    }
    parquet_close(file);
    assert_int_equal(mem_used(&tracker), 0);
    return is_right;
}

static void flip_all(const char *name, size_t step)
{
    ByteBuf bytes;
    uint64_t values = 0, refused = 0;
    sample_load(name, &bytes);
    assert_true(read_all(&bytes, &values));
    assert_true(values > 0);
    for (size_t at = 0; at < bytes.length; at += step) {
        bytes.data[at] ^= (char)(1 << (at % 8));
        refused += !read_all(&bytes, &values);
        bytes.data[at] ^= (char)(1 << (at % 8));
        bytes.data[at] = (char)~bytes.data[at];
        refused += !read_all(&bytes, &values);
        bytes.data[at] = (char)~bytes.data[at];
    }
    assert_true(refused > bytes.length / step / 8);
    size_t length = bytes.length;
    for (bytes.length = 0; bytes.length < length; bytes.length += step)
        assert_false(read_all(&bytes, &values));
    bytebuf_deinit(&bytes);
}

static void test_flips(void **state)
{
    static const char *const names[] = {"numbers", "numbers_v2", "numbers_required", "times", "decimals", "texts", "texts_v2", "plain"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        flip_all(names[i], 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
