/* Bits of rows as roaring bitmaps: what the library reads and writes, both ways, and bytes that are cut or name rows beyond the end. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/environment.h"
#include "base/memory.h"
#include "storage/row_bitmap.h"

#include <roaring/roaring.h>

enum { ROWS = 400000, WORDS = ROWS / 64 + 1 };

static uint64_t words[WORDS], again[WORDS];

/* kind: how the rows lie in each part of about a container. */
static void fill(Random *random, uint32_t kind)
{
    memset(words, 0, sizeof(words));
    for (uint32_t row = 0; row < ROWS; row++) {
        uint32_t part = row / 70000 + kind;
        bool is_set = part % 5 == 0   ? random_next(random) % 3 == 0
                      : part % 5 == 1 ? random_next(random) % 500 == 0
                      : part % 5 == 2 ? row / 1000 % 3 == 0
                      : part % 5 == 3 ? false
                                      : row % 64 != 5;
        words[row / 64] |= (uint64_t)is_set << (row % 64);
    }
}

static roaring_bitmap_t *bitmap_of(uint32_t row_count)
{
    roaring_bitmap_t *bitmap = roaring_bitmap_create();
    for (uint32_t row = 0; row < row_count; row++) {
        if ((words[row / 64] >> (row % 64) & 1) != 0)
            roaring_bitmap_add(bitmap, row);
    }
    return bitmap;
}

static void clear_behind(uint32_t row_count)
{
    for (uint32_t row = row_count; row < ROWS; row++)
        words[row / 64] &= ~(1ull << (row % 64));
}

static void check(uint32_t row_count)
{
    AUTO_BYTEBUF bytes = {0};
    uint32_t count;
    clear_behind(row_count);
    roaring_bitmap_t *bitmap = bitmap_of(row_count);
    row_bitmap_append(words, row_count, &bytes);
    roaring_bitmap_t *read = roaring_bitmap_portable_deserialize_safe(bytes.data, bytes.length);
    assert_non_null(read);
    assert_true(roaring_bitmap_equals(read, bitmap));
    roaring_bitmap_free(read);
    for (uint32_t runs = 0; runs < 2; runs++) {
        if (runs == 1)
            roaring_bitmap_run_optimize(bitmap);
        bytebuf_clear(&bytes);
        bytebuf_reserve(&bytes, roaring_bitmap_portable_size_in_bytes(bitmap));
        bytes.length = roaring_bitmap_portable_serialize(bitmap, bytes.data);
        memset(again, 0, sizeof(again));
        assert_true(row_bitmap_read(bytebuf_view(&bytes), again, row_count, &count));
        assert_int_equal(count, roaring_bitmap_get_cardinality(bitmap));
        assert_memory_equal(words, again, sizeof(words));
        for (size_t cut = 1; cut < 40 && cut < bytes.length && count > 0; cut++)
            assert_false(row_bitmap_read(strview_n(bytes.data, bytes.length - cut), again, row_count, &count));
        if (roaring_bitmap_get_cardinality(bitmap) > 0)
            assert_false(row_bitmap_read(bytebuf_view(&bytes), again, roaring_bitmap_maximum(bitmap), &count));
    }
    roaring_bitmap_free(bitmap);
}

static void test_as_the_library(void **state)
{
    Random random = {5};
    (void)state;
    for (uint32_t kind = 0; kind < 5; kind++) {
        fill(&random, kind);
        check(ROWS);
        check(ROWS - 1 - kind * 50000);
        check(65536);
        check(100 + kind);
    }
    memset(words, 0, sizeof(words));
    check(ROWS);
    check(0);
    memset(words, 0xff, ROWS / 8);
    check(ROWS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_as_the_library)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
