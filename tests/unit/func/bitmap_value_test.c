#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "func/bitmap_value.h"
#include "types/time_zone.h"

/* Stored bitmaps: what is written reads back, and damaged bytes are refused without harm. Time zones. */

static bool sum_value(void *context, uint64_t value)
{
    *(uint64_t *)context += value;
    return true;
}

static void check_round_trip(const uint64_t *values, uint32_t count)
{
    AUTO_BITMAP *bitmap = bitmap_new();
    AUTO_BYTEBUF bytes = {0};
    uint64_t expected = 0;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        bitmap_add(bitmap, values[i]);
        expected += values[i];
    }
    bitmap_encode(bitmap, &bytes);
    AUTO_BITMAP *again = bitmap_decode(bytebuf_view(&bytes));
    assert_non_null(again);
    assert_int_equal(bitmap_cardinality(again), count);
    bitmap_each(again, sum_value, &sum);
    assert_int_equal(sum, expected);
    for (size_t cut = 0; cut < bytes.length; cut++) {
        AUTO_BITMAP *damaged = bitmap_decode(strview_n(bytes.data, cut));
        assert_true(damaged == NULL || bitmap_cardinality(damaged) <= count);
    }
}

static void test_round_trips(void **state)
{
    (void)state;
    uint64_t many[1000];
    uint64_t few[] = {1, 1000000, (uint64_t)5 << 32, UINT64_MAX - 7};
    for (uint32_t i = 0; i < 1000; i++)
        many[i] = (uint64_t)i * 77777777;
    check_round_trip(few, 0);
    check_round_trip(few, 1);
    check_round_trip(few + 2, 1);
    check_round_trip(few, 4);
    check_round_trip(many, 1000);
}

static void test_flipped_bits(void **state)
{
    (void)state;
    AUTO_BITMAP *bitmap = bitmap_new();
    AUTO_BYTEBUF bytes = {0};
    for (uint64_t i = 0; i < 200; i++)
        bitmap_add(bitmap, i * 3);
    bitmap_encode(bitmap, &bytes);
    for (size_t bit = 0; bit < bytes.length * 8 && bit < 2000; bit++) {
        bytes.data[bit / 8] ^= (char)(1 << (bit % 8));
        AUTO_BITMAP *damaged = bitmap_decode(bytebuf_view(&bytes));
        uint64_t sum = 0;
        if (damaged != NULL)
            bitmap_each(damaged, sum_value, &sum);
        bytes.data[bit / 8] ^= (char)(1 << (bit % 8));
    }
    AUTO_BITMAP *whole = bitmap_decode(bytebuf_view(&bytes));
    assert_int_equal(bitmap_cardinality(whole), 200);
}

static void test_time_zones(void **state)
{
    (void)state;
    const TimeZone *fixed = time_zone_find(STR_VIEW("-03:30"));
    const TimeZone *city = time_zone_find(STR_VIEW("Europe/Berlin"));
    assert_non_null(fixed);
    assert_int_equal(time_zone_to_local(fixed, 0), -(3 * 3600 + 1800) * US_PER_SECOND);
    assert_null(time_zone_find(STR_VIEW("../etc/passwd")));
    assert_null(time_zone_find(STR_VIEW("No/Where")));
    if (city == NULL) /* no zone database on this machine */
        return;
    int64_t winter = (int64_t)date_from_civil(2024, 1, 15) * US_PER_DAY;
    int64_t summer = (int64_t)date_from_civil(2024, 7, 15) * US_PER_DAY;
    assert_int_equal(time_zone_to_local(city, winter) - winter, 3600 * US_PER_SECOND);
    assert_int_equal(time_zone_to_local(city, summer) - summer, 7200 * US_PER_SECOND);
    assert_int_equal(time_zone_to_utc(city, time_zone_to_local(city, summer)), summer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trips), cmocka_unit_test(test_flipped_bits),
                                       cmocka_unit_test(test_time_zones)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
