/* Sorting by radix: the order of a comparison sort, rows of equal keys in the order they came, whatever digits the keys share. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/environment.h"
#include "base/radix_sort.h"

enum { MOST = 3000 };

static void check(uint32_t count, uint64_t mask)
{
    static RadixItem items[MOST], scratch[MOST];
    static uint64_t keys[MOST];
    static bool seen[MOST];
    Random random = {count + mask};
    for (uint32_t i = 0; i < count; i++) {
        keys[i] = random_next(&random) & mask;
        items[i] = (RadixItem){keys[i], i};
        seen[i] = false;
    }
    const RadixItem *sorted = radix_sort(items, scratch, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(sorted[i].row < count && !seen[sorted[i].row]);
        seen[sorted[i].row] = true;
        assert_true(sorted[i].key == keys[sorted[i].row]);
        if (i > 0)
            assert_true(sorted[i - 1].key < sorted[i].key || (sorted[i - 1].key == sorted[i].key && sorted[i - 1].row < sorted[i].row));
    }
}

static void keys_come_in_order(void **state)
{
    static const uint64_t masks[] = {0, 1, 0xFF, 0xFF00, 0xFFFF000000000000, 0x0101010101010101, UINT64_MAX};
    static const uint32_t counts[] = {0, 1, 2, 33, 256, MOST};
    (void)state;
    for (size_t m = 0; m < COUNT_OF(masks); m++) {
        for (size_t c = 0; c < COUNT_OF(counts); c++)
            check(counts[c], masks[m]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(keys_come_in_order)};
    return cmocka_run_group_tests_name("radix_sort", tests, NULL, NULL);
}
