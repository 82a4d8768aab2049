/* Filters of pages: they never miss a value, seldom pass one that is not there, and damage is not taken for an answer. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "format/segment.h"
#include "format/segment_filter.h"

enum { ROWS = 20000, TEXT_ID = 1, NUMBER_ID = 2 };

static Status append(void *context, const void *data, size_t length, Diag *diag)
{
    (void)diag;
    bytebuf_append(context, data, length);
    return OK;
}

/* Rows i: text "Row<i * 7>", number i * i; NULL where i % 100 is 0. */
static void write_rows(ByteBuf *bytes, SegmentRef *ref)
{
    static const SegmentFilterSpec specs[] = {{TEXT_ID, SEGMENT_FILTER_GRAMS, 4, true, 0.01}, {NUMBER_ID, SEGMENT_FILTER_VALUES, 0, false, 0.01},
                                              {99, SEGMENT_FILTER_VALUES, 0, false, 0.01}};
    SegmentColumn columns[] = {{TEXT_ID, type_varchar(100)}, {NUMBER_ID, type_of(TYPE_BIGINT)}};
    Diag diag = {0};
    AUTO_ARENA arena;
    SegmentWriter *writer;
    arena_init(&arena, NULL);
    assert_int_equal(segment_writer_open(columns, 2, append, bytes, &diag, &writer), OK);
    segment_writer_filter(writer, specs, COUNT_OF(specs));
    for (uint32_t first = 0; first < ROWS; first += CHUNK_ROWS) {
        uint32_t count = MIN((uint32_t)CHUNK_ROWS, ROWS - first);
        Vector vectors[2];
        const Vector *pointers[2] = {&vectors[0], &vectors[1]};
        for (int c = 0; c < 2; c++)
            vector_init(&vectors[c], &arena, columns[c].type, CHUNK_ROWS);
        for (uint32_t i = 0; i < count; i++) {
            uint32_t row = first + i;
            Datum text = row % 100 == 0 ? datum_null() : datum_str(strview(arena_printf(&arena, "Row%u", row * 7)));
            Datum number = row % 100 == 0 ? datum_null() : datum_i64((int64_t)row * row);
            vector_put(&vectors[0], &arena, i, &text);
            vector_put(&vectors[1], &arena, i, &number);
        }
        assert_int_equal(segment_writer_append(writer, pointers, count), OK);
    }
    *ref = (SegmentRef){.id = 1, .path = STR_VIEW("data/1/filter.seg")};
    assert_int_equal(segment_writer_finish(writer, &ref->length, &ref->row_count), OK);
    segment_writer_close(writer);
}

static bool has_text(Segment *segment, uint32_t page, const char *text)
{
    uint64_t grams[64];
    uint32_t count = segment_filter_grams(segment_filter(segment, 0), strview(text), grams);
    return segment_page_may_hold(segment, page, 0, grams, count, true);
}

static void values_are_found(void **state)
{
    AUTO_BYTEBUF bytes = {0};
    Diag diag = {0};
    SegmentRef ref;
    Segment *segment;
    (void)state;
    Volume *volume = volume_open_memory(environment_real());
    write_rows(&bytes, &ref);
    assert_int_equal(volume_put(volume, "data/1/filter.seg", bytebuf_view(&bytes), &diag), OK);
    assert_int_equal(segment_open(volume, &ref, &diag, &segment), OK);
    assert_int_equal(segment_filter(segment, 0)->kind, SEGMENT_FILTER_GRAMS);
    assert_int_equal(segment_filter(segment, 1)->kind, SEGMENT_FILTER_VALUES);
    uint32_t passed = 0, asked = 0, pages = segment_page_count(segment);
    for (uint32_t row = 0; row < ROWS; row++) {
        char text[32];
        uint32_t page = row / SEGMENT_PAGE_ROWS;
        uint64_t there = segment_filter_hash_number((Int128)row * row), missing = segment_filter_hash_number((Int128)row * row + 500000000000);
        snprintf(text, sizeof(text), "rOW%u", row * 7); /* case does not matter */
        if (row % 100 != 0) {
            assert_true(segment_page_may_hold(segment, page, 1, &there, 1, false));
            assert_true(has_text(segment, page, text));
        }
        asked++;
        passed += segment_page_may_hold(segment, page, 1, &missing, 1, false);
    }
    assert_true(passed * 20 < asked); /* one in a hundred was asked for */
    assert_false(has_text(segment, pages - 1, "zzzz"));
    assert_int_equal(segment_verify(segment, &diag), OK);
    segment_close(segment);
    volume_close(volume);
}

static void damage_passes_everything(void **state)
{
    AUTO_BYTEBUF bytes = {0};
    Diag diag = {0};
    SegmentRef ref;
    uint32_t refused = 0, passing = 0, flips = 0;
    uint64_t missing = segment_filter_hash_number(-77);
    (void)state;
    write_rows(&bytes, &ref);
    for (size_t at = 100; at + 400 < bytes.length; at += bytes.length / 97) {
        Segment *segment;
        bytes.data[at] = (char)(bytes.data[at] ^ 0x55);
        Volume *volume = volume_open_memory(environment_real());
        assert_int_equal(volume_put(volume, "data/1/filter.seg", bytebuf_view(&bytes), &diag), OK);
        flips++;
        if (segment_open(volume, &ref, &diag, &segment) != OK) {
            refused++;
        } else {
            bool passes = false;
            for (uint32_t p = 0; p < segment_page_count(segment); p++)
                passes |= segment_page_may_hold(segment, p, 1, &missing, 1, false);
            passing += passes;
            assert_int_not_equal(segment_verify(segment, &diag), OK); /* whatever was hit */
            segment_close(segment);
        }
        volume_close(volume);
        bytes.data[at] = (char)(bytes.data[at] ^ 0x55);
    }
    assert_true(refused < flips);
    assert_true(passing > 0);
}

static void filters_of_nothing(void **state)
{
    AUTO_BYTEBUF bytes = {0};
    uint64_t hash = 5;
    (void)state;
    segment_filter_build(&hash, 0, 0.05, &bytes);
    assert_int_equal(bytes.length, 0);
    assert_false(segment_filter_has((const uint8_t *)"", 0, 5));
    segment_filter_build(&hash, 1, 0.05, &bytes);
    assert_true(segment_filter_has((const uint8_t *)bytes.data, bytes.length, 5));
    assert_false(segment_filter_has((const uint8_t *)bytes.data, bytes.length, 6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(values_are_found), cmocka_unit_test(damage_passes_everything), cmocka_unit_test(filters_of_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
