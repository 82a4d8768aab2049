/* Delete vectors: rows that are alive, at any offset and length, and the stored form. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/environment.h"
#include "storage/delete_vector.h"

enum { ROWS = 10007 };

static void fill(DeleteVector *vector, Arena *arena, uint64_t seed, uint32_t percent)
{
    Random random = {seed};
    *vector = (DeleteVector){.rows = ROWS};
    (void)delete_vector_add(vector, arena, 0);
    for (uint32_t row = 0; row < ROWS; row++) {
        if (random_next(&random) % 100 < percent)
            (void)delete_vector_add(vector, arena, row);
    }
}

static void test_alive(void **state)
{
    (void)state;
    static uint16_t found[4096];
    Random random = {7};
    for (uint32_t round = 0; round < 500; round++) {
        AUTO_ARENA arena;
        DeleteVector vector;
        arena_init(&arena, NULL);
        fill(&vector, &arena, round, round % 101);
        uint32_t first = (uint32_t)(random_next(&random) % ROWS);
        uint32_t count = MIN((uint32_t)(ROWS - first), (uint32_t)4096);
        uint32_t expected = 0;
        uint32_t alive = delete_vector_alive(&vector, first, count, found);
        for (uint32_t row = 0; row < count; row++) {
            if (delete_vector_has(&vector, first + row))
                continue;
            assert_true(expected < alive);
            assert_int_equal(found[expected++], row);
        }
        assert_int_equal(expected, alive);
    }
}

static void test_list(void **state)
{
    (void)state;
    Random random = {11};
    for (uint32_t round = 0; round < 500; round++) {
        AUTO_ARENA arena;
        DeleteVector vector;
        DeleteList list;
        arena_init(&arena, NULL);
        fill(&vector, &arena, round, round % 101);
        delete_list_make(&vector, &arena, &list);
        uint32_t first = round % 3 == 0 ? round % 2 * 4096 : (uint32_t)(random_next(&random) % ROWS);
        uint32_t count = MIN((uint32_t)(ROWS - first), round % 5 == 0 ? (uint32_t)77 : (uint32_t)4096);
        uint32_t expected = 0;
        static uint16_t buffer[4096];
        const uint16_t *rows;
        uint32_t found = delete_list_slice(&list, first, count, buffer, &rows);
        for (uint32_t row = 0; row < count; row++) {
            if (!delete_vector_has(&vector, first + row))
                continue;
            assert_true(expected < found);
            assert_int_equal(rows[expected++], row);
        }
        assert_int_equal(expected, found);
    }
}

static void test_stored_form(void **state)
{
    (void)state;
    for (uint32_t percent = 0; percent <= 100; percent += 5) {
        AUTO_ARENA arena;
        AUTO_BYTEBUF bytes = {0};
        DeleteVector vector, again;
        Diag diag = {0};
        arena_init(&arena, NULL);
        fill(&vector, &arena, percent, percent);
        delete_vector_encode(&vector, &bytes);
        DeleteVectorRef deletes = {.id = 1, .count = vector.count, .bytes = bytebuf_view(&bytes)};
        SegmentRef segment = {.id = 2, .row_count = ROWS, .deletes = &deletes};
        assert_int_equal(delete_vector_load(NULL, &segment, &arena, &diag, &again), OK);
        assert_int_equal(again.count, vector.count);
        assert_memory_equal(again.words, vector.words, (ROWS / 64 + 1) * sizeof(uint64_t));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_alive), cmocka_unit_test(test_list), cmocka_unit_test(test_stored_form)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
