/* Segments: all columns of several sizes come back, encodings are the expected ones, narrow targets,
 * page statistics, symbol tables shared by row groups. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/format/segment_samples.h"

typedef struct Fixture {
    Volume *volume;
    ByteBuf bytes;
    Segment *segment;
} Fixture;

static void open_sample(Fixture *f, uint32_t rows)
{
    SegmentRef ref;
    Diag diag = {0};
    *f = (Fixture){.volume = volume_open_memory(environment_real())};
    assert_int_equal(sample_write(rows, &f->bytes, &ref, &diag), OK);
    assert_int_equal(ref.length, f->bytes.length);
    assert_int_equal(ref.row_count, rows);
    assert_int_equal(volume_put(f->volume, "data/1/sample.seg", bytebuf_view(&f->bytes), &diag), OK);
    assert_int_equal(segment_open(f->volume, &ref, &diag, &f->segment), OK);
}

static void close_sample(Fixture *f)
{
    segment_close(f->segment);
    volume_close(f->volume);
    bytebuf_deinit(&f->bytes);
}

static void all_sizes_come_back(void **state)
{
    static const uint32_t sizes[] = {1, 7, 100, 4095, 4096, 4097, 30000, 65536, 150001};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        Fixture f;
        Diag diag = {0};
        uint64_t rows, wrong;
        open_sample(&f, sizes[i]);
        assert_int_equal(sample_check(f.segment, &rows, &wrong, &diag), OK);
        assert_int_equal(rows, sizes[i]);
        assert_int_equal(wrong, 0);
        assert_int_equal(segment_verify(f.segment, &diag), OK);
        close_sample(&f);
    }
}

/* The bytes are in the reference, which goes before the segment. */
static void segments_without_objects_are_read(void **state)
{
    (void)state;
    SegmentRef ref;
    Segment *segment;
    Diag diag = {0};
    uint64_t rows, wrong;
    ByteBuf bytes = {0};
    Volume *volume = volume_open_memory(environment_real());
    assert_int_equal(sample_write(100, &bytes, &ref, &diag), OK);
    ref.path = STR_VIEW("");
    ref.bytes = bytebuf_view(&bytes);
    ref.volume_id = 77; /* of its delete vectors; it need not be there */
    segment_prepare(volume, &ref);
    assert_int_equal(segment_open(volume, &ref, &diag, &segment), OK);
    memset(bytes.data, 0, bytes.length);
    assert_int_equal(sample_check(segment, &rows, &wrong, &diag), OK);
    assert_int_equal(rows, 100);
    assert_int_equal(wrong, 0);
    assert_int_equal(segment_verify(segment, &diag), OK);
    assert_true(segment_is_unchanged(segment));
    assert_false(segment_is_remote(segment));
    assert_true(segment_memory_bytes(segment) > ref.length);
    segment_close(segment);
    assert_int_equal(segment_open(volume, &ref, &diag, &segment), ERR_CORRUPT); /* zeros now */
    assert_non_null(strstr(diag.message, "in the catalog"));
    bytebuf_deinit(&bytes);
    volume_close(volume);
}

static void encodings_follow_the_data(void **state)
{
    static const char *const expected[SAMPLE_COLUMNS] = {"packed", "delta",   "runs",    "packed", "alp",     "plain", "dictionary",
                                                         "symbols", NULL, "scaled", NULL, "plain", "null", NULL};
    (void)state;
    Fixture f;
    open_sample(&f, 150001);
    for (uint32_t c = 0; c < SAMPLE_COLUMNS; c++) {
        if (expected[c] != NULL)
            assert_string_equal(segment_encoding_name(segment_page_encoding(f.segment, 1, (int)c)), expected[c]);
    }
    assert_in_range(segment_dictionary_size(f.segment, 6), 2, 21);
    assert_int_equal(segment_dictionary_size(f.segment, 7), 0);
    /* Three row groups share one table of at most 4,096 symbols. */
    assert_true(segment_dictionary_bytes(f.segment, 7) > 0);
    assert_true(segment_dictionary_bytes(f.segment, 7) < 4096 * 17);
    close_sample(&f);
}

static void narrow_targets_get_the_same_values(void **state)
{
    (void)state;
    Fixture f;
    Diag diag = {0};
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    open_sample(&f, 5000);
    for (int column = 9; column <= 9; column++) {
        for (uint8_t phys = PHYS_I16; phys <= PHYS_I64; phys++) {
            Vector out;
            Type type = type_of(TYPE_DATE);
            type.phys = phys;
            assert_int_equal(segment_read(f.segment, 0, column, type, &arena, &diag, &out), OK);
            for (uint32_t i = 0; i < segment_page_rows(f.segment, 0); i++)
                assert_int_equal(vector_get(&out, i, &arena).i64, sample_value(&arena, 9, i).i64);
        }
    }
    close_sample(&f);
}

static void page_statistics_are_exact(void **state)
{
    (void)state;
    Fixture f;
    AUTO_ARENA arena;
    PageStats stats;
    arena_init(&arena, NULL);
    open_sample(&f, 9000);
    segment_page_stats(f.segment, 2, 1, &stats);
    assert_true(stats.has_bounds);
    assert_int_equal(stats.row_count, 9000 - 8192);
    assert_int_equal(stats.min.i64, sample_value(&arena, 1, 8192).i64);
    assert_int_equal(stats.max.i64, sample_value(&arena, 1, 8999).i64);
    segment_page_stats(f.segment, 0, 2, &stats);
    assert_int_equal(stats.null_count, 5); /* rows 3, 1003, 2003, 3003, 4003 */
    segment_page_stats(f.segment, 0, 12, &stats);
    assert_false(stats.has_bounds);
    assert_int_equal(stats.null_count, 4096);
    close_sample(&f);
}

/* Whatever is selected comes back; the rest may be anything. */
static void selected_rows_come_back(void **state)
{
    (void)state;
    Fixture f;
    Diag diag = {0};
    SegmentColumn columns[SAMPLE_COLUMNS];
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    sample_columns(columns);
    open_sample(&f, 9000);
    for (uint32_t step = 1; step < 4000; step = step * 3 + 1) {
        uint16_t sel[4096];
        Rows rows = {sel, 0};
        for (uint32_t row = step / 2; row < 4096; row += step)
            sel[rows.count++] = (uint16_t)row;
        for (int c = 0; c < SAMPLE_COLUMNS; c++) {
            Vector out;
            assert_int_equal(segment_read_rows(f.segment, &(SegmentRead){1, c, columns[c].type, rows, &arena, &diag}, &out), OK);
            for (uint32_t i = 0; i < rows.count; i++) {
                Datum want = sample_value(&arena, (uint32_t)c, 4096u + sel[i]);
                Datum have = vector_get(&out, sel[i], &arena);
                assert_int_equal(want.is_null, have.is_null);
                assert_true(want.is_null || datum_compare(columns[c].type, &want, &have) == 0);
            }
        }
    }
    close_sample(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_sizes_come_back),
        cmocka_unit_test(segments_without_objects_are_read),
        cmocka_unit_test(encodings_follow_the_data),
        cmocka_unit_test(narrow_targets_get_the_same_values),
        cmocka_unit_test(selected_rows_come_back),
        cmocka_unit_test(page_statistics_are_exact),
    };
    return cmocka_run_group_tests_name("format.segment", tests, NULL, NULL);
}
