/* The order of rows: against a plain comparison of datums, for every kind of key. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/environment.h"
#include "storage/row_sort.h"

enum { ROWS = 3000, COLUMNS = 7 };

static Datum make_value(Arena *arena, uint32_t column, uint64_t mix)
{
    Datum value = datum_i64((int64_t)(mix % 200) - 100);
    value.is_null = column != 1 && mix % 13 == 0;
    if (column == 2)
        value.str = (Str)str_make(arena_printf(arena, "%s%llu", mix % 2 == 0 ? "" : "a long prefix ", (unsigned long long)mix % 300),
                                  strlen(arena_printf(arena, "%s%llu", mix % 2 == 0 ? "" : "a long prefix ",
                                                      (unsigned long long)mix % 300)));
    if (column == 3)
        value.f64 = (double)(int64_t)(mix % 100) - 50;
    if (column == 4)
        value.i128 = (Int128)(int64_t)mix * 1000;
    return value;
}

static void order_is_that_of_datums(void **state)
{
    static const TypeKind kinds[COLUMNS] = {TYPE_INT, TYPE_BIGINT, TYPE_VARCHAR, TYPE_DOUBLE, TYPE_LARGEINT, TYPE_TINYINT, TYPE_DATE};
    (void)state;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    Random random = {9};
    Vector columns[COLUMNS];
    for (uint32_t c = 0; c < COLUMNS; c++) {
        vector_init(&columns[c], &arena, type_of(kinds[c]), ROWS);
        for (uint32_t i = 0; i < ROWS; i++) {
            Datum value = make_value(&arena, c, random_next(&random));
            vector_put(&columns[c], &arena, i, &value);
        }
    }
    for (uint32_t first = 0; first < COLUMNS; first++) {
        uint32_t sort[2] = {first, (first + 1) % COLUMNS};
        for (uint32_t count = 1; count <= 2; count++) {
            uint8_t seen[ROWS] = {0};
            uint32_t *positions = row_sort_positions(columns, ROWS, sort, count);
            assert_non_null(positions);
            for (uint32_t i = 0; i < ROWS; i++) {
                assert_false(seen[positions[i]]);
                seen[positions[i]] = 1;
                int order = 0;
                for (uint32_t s = 0; s < count && i > 0 && order == 0; s++) {
                    Datum a = vector_get(&columns[sort[s]], positions[i - 1], NULL);
                    Datum b = vector_get(&columns[sort[s]], positions[i], NULL);
                    order = datum_compare(columns[sort[s]].type, &a, &b);
                }
                assert_true(order <= 0);
                assert_true(i == 0 || order < 0 || positions[i - 1] < positions[i]); /* stable */
            }
            mem_free(positions);
        }
    }
}

static void sorted_rows_need_no_permutation(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    Vector column;
    uint32_t sort = 0;
    vector_init(&column, &arena, type_of(TYPE_INT), 100);
    for (uint32_t i = 0; i < 100; i++) {
        Datum value = datum_i64(i / 2);
        value.is_null = i < 3;
        vector_put(&column, &arena, i, &value);
    }
    assert_null(row_sort_positions(&column, 100, &sort, 1));
    assert_null(row_sort_positions(&column, 1, &sort, 1));
    assert_null(row_sort_positions(&column, 100, &sort, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_that_of_datums),
        cmocka_unit_test(sorted_rows_need_no_permutation),
    };
    return cmocka_run_group_tests_name("storage.row_sort", tests, NULL, NULL);
}
