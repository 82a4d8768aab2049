/* The text of doubles is the shortest that reads back as the same value; values of few decimals take a short way to it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "types/number_text.h"

static void assert_text(double value, const char *expected)
{
    ByteBuf text = {0};
    double_print(value, &text);
    assert_string_equal(text.data, expected);
    assert_true(strtod(text.data, NULL) == value);
    bytebuf_deinit(&text);
}

static void few_decimals(void **state)
{
    (void)state;
    assert_text(0.1, "0.1");
    assert_text(-0.25, "-0.25");
    assert_text(1234567.125, "1234567.125");
    assert_text(99999999.5, "99999999.5");
    assert_text(0.001, "0.001");
    assert_text(0.000001, "1e-06");
    assert_text(0.1 + 0.2, "0.30000000000000004");
    assert_text(1.0 / 3, "0.3333333333333333");
    assert_text(100.05, "100.05");
    assert_text(7.000001, "7.000001");
}

/* n / 10^k prints as n with a point in it. */
static void all_of_a_kind(void **state)
{
    (void)state;
    uint64_t random = 7;
    for (int i = 0; i < 200000; i++) {
        char expected[64];
        random = random * 6364136223846793005u + 1442695040888963407u;
        int decimals = 1 + (int)(random >> 60) % 6;
        int64_t n = (int64_t)(random >> 20) % 100000000000000;
        double value = (double)n / pow(10, decimals);
        snprintf(expected, sizeof(expected), "%.*f", decimals, value);
        while (expected[strlen(expected) - 1] == '0')
            expected[strlen(expected) - 1] = '\0';
        if (expected[strlen(expected) - 1] == '.')
            expected[strlen(expected) - 1] = '\0';
        if (value >= 0.001)
            assert_text(value, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(few_decimals), cmocka_unit_test(all_of_a_kind)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
