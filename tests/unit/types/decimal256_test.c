#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "types/decimal.h"
#include "types/decimal256.h"

/* 256-bit decimals: text, order of the stored bytes, arithmetic against 128 bits and at the ends of the range. */

static uint64_t seed = 7;
static uint64_t next_random(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return seed >> 1;
}

static Int256 parse(const char *text, uint8_t scale)
{
    Int256 value;
    assert_true(decimal256_parse(strview(text), 76, scale, &value));
    return value;
}

static void check_text(const char *text, uint8_t scale, const char *expected)
{
    AUTO_BYTEBUF printed = {0};
    decimal256_print(parse(text, scale), scale, &printed);
    assert_string_equal(printed.data, expected);
}

static void test_text(void **state)
{
    Int256 value;
    (void)state;
    check_text("0", 0, "0");
    check_text("-1.5", 3, "-1.500");
    check_text("0.125", 2, "0.13");
    check_text("-0.125", 2, "-0.13");
    check_text("1e10", 1, "10000000000.0");
    check_text("12345e-4", 2, "1.23");
    check_text("9999999999999999999999999999999999999999999999999999999999999999999999999999", 0,
               "9999999999999999999999999999999999999999999999999999999999999999999999999999");
    check_text("0.00000000000000000000000000000000000000000000000000000000000000000000000000001", 76,
               "0.0000000000000000000000000000000000000000000000000000000000000000000000000000");
    assert_false(decimal256_parse(STR_VIEW("1e76"), 76, 0, &value));
    assert_false(decimal256_parse(STR_VIEW("10"), 1, 0, &value));
    assert_false(decimal256_parse(STR_VIEW("1x"), 76, 0, &value));
    assert_false(decimal256_parse(STR_VIEW(""), 76, 0, &value));
    assert_false(decimal256_parse(STR_VIEW("1e"), 76, 0, &value));
}

static Int128 random_number(void)
{
    int shift = (int)(next_random() % 126);
    Int128 value = (Int128)(((UInt128)next_random() << 64 | next_random()) >> shift >> 2);
    return next_random() % 2 == 0 ? value : -value;
}

/* What 128 bits can do comes out the same. */
static void test_against_128(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        Int128 a = random_number();
        Int128 b = random_number();
        Int256 x = int256_of(a);
        Int256 y = int256_of(b);
        Int256 result, rest;
        Int128 narrow, product;
        uint8_t left[INT256_BYTES], right[INT256_BYTES];
        int256_store(x, left);
        int256_store(y, right);
        int order = memcmp(left, right, INT256_BYTES);
        assert_int_equal((order > 0) - (order < 0), (a > b) - (a < b));
        assert_int_equal(int256_compare(x, y), (a > b) - (a < b));
        assert_int_equal(int256_compare(int256_load(left), x), 0);
        assert_true(int256_add(x, y, &result) && int256_to_128(result, &narrow) && narrow == a + b);
        assert_true(int256_subtract(x, y, &result) && int256_to_128(result, &narrow) && narrow == a - b);
        assert_true(int256_multiply(x, y, &result));
        if (!__builtin_mul_overflow(a, b, &product))
            assert_true(int256_to_128(result, &narrow) && narrow == product);
        if (b == 0)
            continue;
        assert_int_equal(int256_compare(int256_divide_round(result, y), x), 0);
        int256_divide(x, y, &result, &rest);
        assert_true(int256_to_128(result, &narrow) && narrow == a / b);
        assert_true(int256_to_128(rest, &narrow) && narrow == a % b);
    }
}

static void test_range(void **state)
{
    Int256 least = {{0, 0, 0, UINT64_C(1) << 63}};
    Int256 most = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX >> 1}};
    Int256 one = int256_of(1);
    Int256 result, rest;
    (void)state;
    assert_false(int256_add(most, one, &result));
    assert_false(int256_subtract(least, one, &result));
    assert_true(int256_add(most, least, &result) && int256_compare(result, int256_of(-1)) == 0);
    assert_false(int256_multiply(most, int256_of(2), &result));
    assert_false(int256_multiply(least, int256_of(-1), &result));
    assert_true(int256_multiply(least, one, &result) && int256_compare(result, least) == 0);
    int256_divide(least, int256_of(10), &result, &rest);
    assert_true(int256_compare(rest, int256_of(-8)) == 0);
    int256_divide(most, most, &result, &rest);
    assert_true(int256_compare(result, one) == 0 && int256_is_zero(rest));
    assert_false(int256_rescale(most, 0, 1, &result));
    assert_false(int256_fits(int256_power10(76), 76));
    assert_true(int256_fits(int256_power10(75), 76));
}

static void test_doubles(void **state)
{
    Int256 value;
    (void)state;
    assert_true(decimal256_from_double(-1234.5, 40, 2, &value));
    assert_true(decimal256_to_double(value, 2) == -1234.5);
    assert_true(decimal256_from_double(1e60, 76, 0, &value));
    assert_true(decimal256_to_double(value, 0) == 1e60);
    assert_false(decimal256_from_double(1e77, 76, 0, &value));
    assert_false(decimal256_from_double(1e40, 40, 0, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_text), cmocka_unit_test(test_against_128), cmocka_unit_test(test_range),
                                       cmocka_unit_test(test_doubles)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
