/* The index of keys: against plain arrays, growing, in memory and in a file. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/environment.h"
#include "storage/primary_index.h"

enum { KEYS = 20000 };

static KeyHash key_of(uint32_t i)
{
    int64_t value = i;
    Vector vector = {.type = type_of(TYPE_BIGINT), .form = VECTOR_FLAT, .data = &value, .capacity = 1};
    const Vector *keys[] = {&vector};
    KeyHash hash;
    key_hashes(keys, 1, 1, &hash);
    return hash;
}

static void check_random_changes(PrimaryIndexes *indexes)
{
    static RowLocation expected[KEYS];
    PrimaryIndex *index = primary_index_new(indexes, 1);
    Random random = {42};
    memset(expected, 0, sizeof(expected));
    for (uint32_t step = 0; step < KEYS * 5; step++) {
        uint32_t i = (uint32_t)(random_next(&random) % KEYS);
        RowLocation location = {1000 + random_next(&random) % 50, (uint32_t)(random_next(&random) % 100000)};
        RowLocation old = expected[i];
        RowLocation found = primary_index_find(index, key_of(i));
        assert_true(found.segment_id == old.segment_id && found.row == old.row);
        bool is_removed = random_next(&random) % 4 == 0;
        found = is_removed ? primary_index_remove(index, key_of(i)) : primary_index_set(index, key_of(i), location);
        assert_true(found.segment_id == old.segment_id && found.row == old.row);
        expected[i] = is_removed ? (RowLocation){0, 0} : location;
    }
    primary_index_drop(index);
}

static void test_in_memory(void **state)
{
    (void)state;
    PrimaryIndexes *indexes = primary_indexes_open(NULL, 0, NULL);
    check_random_changes(indexes);
    primary_indexes_close(indexes);
}

static void test_in_a_file(void **state)
{
    (void)state;
    PrimaryIndexes *indexes = primary_indexes_open(NULL, 128 << 10, "/tmp");
    check_random_changes(indexes);
    primary_indexes_close(indexes);
}

/* A key that was taken out stays known while the table grows. */
static void test_gone_keys_stay_known(void **state)
{
    (void)state;
    PrimaryIndexes *indexes = primary_indexes_open(NULL, 0, NULL);
    PrimaryIndex *index = primary_index_new(indexes, 1);
    for (uint32_t i = 0; i < 100; i++)
        (void)primary_index_put_gone(index, key_of(i));
    RowPlace first = {primary_index_segment(index, 7), 0};
    KeyHash *keys = mem_alloc(KEYS * sizeof(*keys));
    RowPlace *old = mem_alloc(KEYS * sizeof(*old));
    for (uint32_t i = 0; i < KEYS; i++)
        keys[i] = key_of(1000 + i);
    primary_index_put_rows(index, keys, KEYS, first, old);
    for (uint32_t i = 0; i < 100; i++) {
        assert_true(primary_index_has(index, key_of(i)));
        assert_int_equal(primary_index_look_up(index, key_of(i)).segment, 0);
    }
    assert_false(primary_index_has(index, key_of(100)));
    primary_index_put_rows(index, keys, KEYS, first, old);
    for (uint32_t i = 0; i < KEYS; i++)
        assert_true(old[i].segment == first.segment && old[i].row == i);
    mem_free(old);
    mem_free(keys);
    primary_index_drop(index);
    primary_indexes_close(indexes);
}

/* Flat, constant and with NULLs: one value has one hash. */
static void test_hashes_of_all_forms(void **state)
{
    (void)state;
    int64_t values[] = {5, 5, 0};
    uint8_t nulls[] = {0, 0, 1};
    Vector with_nulls = {.type = type_of(TYPE_BIGINT), .form = VECTOR_FLAT, .data = values, .nulls = nulls, .capacity = 3};
    Vector constant = {.type = type_of(TYPE_BIGINT), .form = VECTOR_CONSTANT, .data = values, .capacity = 1};
    const Vector *keys[] = {&with_nulls};
    KeyHash hashes[3], again[2];
    key_hashes(keys, 1, 3, hashes);
    keys[0] = &constant;
    key_hashes(keys, 1, 2, again);
    KeyHash plain = key_of(5);
    assert_memory_equal(&hashes[0], &plain, sizeof(plain));
    assert_memory_equal(&hashes[1], &plain, sizeof(plain));
    assert_memory_equal(&again[1], &plain, sizeof(plain));
    plain = key_of(0);
    assert_memory_not_equal(&hashes[2], &plain, sizeof(plain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_memory),
        cmocka_unit_test(test_in_a_file),
        cmocka_unit_test(test_gone_keys_stay_known),
        cmocka_unit_test(test_hashes_of_all_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
