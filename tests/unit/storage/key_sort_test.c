/* Sorting a load by an integer key, lists of keys against each other, and bits into delete vectors: against the plain way. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/environment.h"
#include "storage/delete_vector.h"
#include "storage/key_match.h"
#include "storage/key_sort.h"

enum { ROWS = 5000 };

/* The rows of each key that are last, in the order of the keys, found by looking at all pairs of neighbours in a copy. */
static int compare_pairs(const void *a, const void *b)
{
    const int64_t *x = a;
    const int64_t *y = b;
    return x[0] != y[0] ? (x[0] > y[0]) - (x[0] < y[0]) : (x[1] > y[1]) - (x[1] < y[1]);
}

static void check_order(const int64_t *keys, uint32_t count, PhysKind phys)
{
    static int64_t pairs[ROWS][2];
    static int32_t narrow[ROWS];
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    for (uint32_t i = 0; i < count; i++) {
        narrow[i] = (int32_t)keys[i];
        pairs[i][0] = phys == PHYS_I32 ? narrow[i] : keys[i];
        pairs[i][1] = i;
    }
    qsort(pairs, count, sizeof(pairs[0]), compare_pairs);
    Vector column = {.type = type_of(phys == PHYS_I32 ? TYPE_INT : TYPE_BIGINT), .form = VECTOR_FLAT, .capacity = count};
    column.data = phys == PHYS_I32 ? (void *)narrow : (void *)(uintptr_t)keys;
    KeyOrder order;
    assert_true(key_sort(&column, count, &arena, &order));
    uint32_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i + 1 < count && pairs[i + 1][0] == pairs[i][0])
            continue;
        assert_true(at < order.count);
        assert_int_equal(order.values[at], pairs[i][0]);
        assert_int_equal(order.rows == NULL ? at : order.rows[at], pairs[i][1]);
        at++;
    }
    assert_int_equal(order.count, at);
    mem_free(order.rows);
}

static void test_sorts_keys(void **state)
{
    static int64_t keys[ROWS];
    Random random = {7};
    (void)state;
    const uint64_t masks[] = {0, 1, 0xff, 0x7ff, 0x800, 0xfffff, 0xffffffffff, INT64_MAX, UINT64_MAX};
    for (uint32_t m = 0; m < COUNT_OF(masks); m++) {
        for (uint32_t count = 1; count <= ROWS; count = count * 3 + 1) {
            for (uint32_t i = 0; i < count; i++)
                keys[i] = (int64_t)((random_next(&random) & masks[m]) - masks[m] / 3);
            check_order(keys, count, PHYS_I64);
            check_order(keys, count, PHYS_I32);
        }
    }
    for (uint32_t i = 0; i < ROWS; i++)
        keys[i] = (int64_t)i * 3 - 100;
    check_order(keys, ROWS, PHYS_I64);
    keys[ROWS - 1] = keys[ROWS - 2];
    check_order(keys, ROWS, PHYS_I64);
    keys[0] = INT64_MAX;
    keys[1] = INT64_MIN;
    check_order(keys, ROWS, PHYS_I64);
}

static void test_refuses_other_keys(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    KeyOrder order;
    int64_t values[] = {2, 1};
    uint8_t nulls[] = {0, 1};
    Vector column = {.type = type_of(TYPE_BIGINT), .form = VECTOR_FLAT, .data = values, .nulls = nulls, .capacity = 2};
    assert_false(key_sort(&column, 2, &arena, &order));
    nulls[1] = 0;
    assert_true(key_sort(&column, 2, &arena, &order));
    assert_int_equal(order.rows[0], 1);
    mem_free(order.rows);
    column.type = type_of(TYPE_DOUBLE);
    assert_false(key_sort(&column, 2, &arena, &order));
}

static void test_lists_meet(void **state)
{
    int64_t left[300], right[300];
    uint64_t bits[6] = {0};
    (void)state;
    for (int64_t i = 0; i < 300; i++) {
        left[i] = i * 2;
        right[i] = i * 3 - 30;
    }
    assert_int_equal(key_lists_meet(&(KeyList){left, 300}, &(KeyList){right, 300}, bits), 100);
    for (uint32_t i = 0; i < 300; i++)
        assert_int_equal(bits[i / 64] >> (i % 64) & 1, left[i] % 3 == 0);
    assert_int_equal(key_lists_meet(&(KeyList){left, 300}, &(KeyList){right, 0}, bits), 0);
    assert_int_equal(key_lists_meet(&(KeyList){left, 0}, &(KeyList){right, 300}, bits), 0);
}

static void test_adds_bits(void **state)
{
    enum { VECTOR_ROWS = 1000 };
    Random random = {3};
    (void)state;
    for (uint32_t round = 0; round < 200; round++) {
        AUTO_ARENA arena;
        arena_init(&arena, NULL);
        DeleteVector whole = {.rows = VECTOR_ROWS};
        DeleteVector single = {.rows = VECTOR_ROWS};
        for (uint32_t part = 0; part < 4; part++) {
            uint64_t bits[5];
            uint32_t first = (uint32_t)(random_next(&random) % (VECTOR_ROWS + 50)) & (round % 2 == 0 ? ~63u : ~0u);
            uint32_t count = (uint32_t)(random_next(&random) % (5 * 64));
            uint32_t added = 0;
            for (uint32_t w = 0; w < COUNT_OF(bits); w++)
                bits[w] = random_next(&random);
            for (uint32_t i = 0; i < count; i++)
                added += (bits[i / 64] >> (i % 64) & 1) != 0 && delete_vector_add(&single, &arena, first + i);
            assert_int_equal(delete_vector_add_bits(&whole, &arena, first, bits, count), added);
        }
        assert_int_equal(whole.count, single.count);
        for (uint32_t row = 0; row < VECTOR_ROWS; row++)
            assert_int_equal(delete_vector_has(&whole, row), delete_vector_has(&single, row));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sorts_keys),
        cmocka_unit_test(test_refuses_other_keys),
        cmocka_unit_test(test_lists_meet),
        cmocka_unit_test(test_adds_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
