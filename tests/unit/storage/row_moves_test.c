/* Rows that go while their segments are merged, against a table of all rows. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/environment.h"
#include "storage/row_moves.h"

enum { INPUTS = 4, MOST_ROWS = 300, MOST_READ = INPUTS * MOST_ROWS };

typedef struct Input {
    DeleteVector then, now;
} Input;

static void make_input(Input *input, Random *random, Arena *arena, uint32_t rows)
{
    *input = (Input){{.rows = rows}, {.rows = rows}};
    for (uint32_t row = 0; row < rows; row++) {
        bool was_gone = random_next(random) % 4 == 0;
        if (was_gone)
            delete_vector_add(&input->then, arena, row);
        if (was_gone || random_next(random) % 5 == 0)
            delete_vector_add(&input->now, arena, row);
    }
}

/* Numbers that the reading order gives to the rows, mixed up. */
static void mix(uint32_t *positions, uint32_t count, Random *random)
{
    for (uint32_t i = 0; i < count; i++)
        positions[i] = i;
    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = (uint32_t)(random_next(random) % i), kept = positions[i - 1];
        positions[i - 1] = positions[other];
        positions[other] = kept;
    }
}

static void check_one(uint64_t seed, bool is_sorted)
{
    static const uint32_t sizes[] = {1, 63, 64, 65, 128, 299};
    Random random = {seed};
    Input inputs[INPUTS];
    uint32_t first_rows[INPUTS], positions[MOST_READ], read = 0, gone = 0;
    bool is_gone[MOST_READ] = {0};
    uint64_t dead[MOST_READ / 64 + 1] = {0};
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    for (uint32_t i = 0; i < INPUTS; i++) {
        make_input(&inputs[i], &random, &arena, sizes[random_next(&random) % COUNT_OF(sizes)]);
        first_rows[i] = read;
        for (uint32_t row = 0; row < inputs[i].then.rows; row++) {
            if (!delete_vector_has(&inputs[i].then, row))
                is_gone[read++] = delete_vector_has(&inputs[i].now, row);
        }
    }
    mix(positions, read, &random);
    RowMoves moves = {&arena, is_sorted ? NULL : positions, first_rows, read};
    for (uint32_t i = 0; i < INPUTS; i++)
        gone += row_moves_mark(&moves, i, &inputs[i].then, &inputs[i].now, dead);
    DeleteVector merged;
    row_moves_follow(&moves, dead, &arena, &merged);
    assert_int_equal(merged.count, gone);
    for (uint32_t i = 0; i < read; i++)
        assert_int_equal(delete_vector_has(&merged, i), is_gone[is_sorted ? i : positions[i]]);
}

static void rows_that_went_are_found(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++)
        check_one(seed, seed % 3 == 0);
}

static void nothing_went(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    uint32_t first_rows[] = {0};
    uint64_t dead[2] = {0};
    RowMoves moves = {&arena, NULL, first_rows, 100};
    DeleteVector none = {.rows = 100}, merged;
    assert_int_equal(row_moves_mark(&moves, 0, &none, &none, dead), 0);
    row_moves_follow(&moves, dead, &arena, &merged);
    assert_int_equal(merged.count, 0);
    assert_null(merged.words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_that_went_are_found),
        cmocka_unit_test(nothing_went),
    };
    return cmocka_run_group_tests_name("storage.row_moves", tests, NULL, NULL);
}
