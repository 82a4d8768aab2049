/* The order of rows: of random keys of every type, also in parallel, is that of comparing them, and equal rows keep theirs. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "exec/sort_rows.h"

enum { ROWS = 3000, MANY_ROWS = 150000, MAX_KEYS = 3 };

static uint64_t random_state = 1;

static uint64_t next_random(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return random_state >> 17;
}

static Type key_type(uint32_t kind)
{
    static const TypeKind kinds[] = {TYPE_BOOLEAN, TYPE_TINYINT, TYPE_SMALLINT, TYPE_INT, TYPE_BIGINT, TYPE_LARGEINT, TYPE_FLOAT, TYPE_DOUBLE, TYPE_VARCHAR};
    return type_of(kinds[kind % COUNT_OF(kinds)]);
}

/* spread: bits of the values; few make many equal ones, 64 reach the ends of the type. */
static Datum random_value(Type type, uint32_t spread, Arena *arena)
{
    uint64_t bits = (next_random() << 40 ^ next_random()) & (spread >= 64 ? UINT64_MAX : ((uint64_t)1 << spread) - 1);
    char text[64];
    switch ((PhysKind)type.phys) {
    case PHYS_BOOL:
        return datum_i64((int64_t)(bits & 1));
    case PHYS_I8:
        return datum_i64((int8_t)bits);
    case PHYS_I16:
        return datum_i64((int16_t)bits);
    case PHYS_I32:
        return datum_i64((int32_t)bits);
    case PHYS_I64:
        return datum_i64((int64_t)bits);
    case PHYS_I128:
        return (Datum){.i128 = spread >= 64 ? (Int128)(((UInt128)bits << 64) ^ next_random()) : (Int128)bits - 5};
    case PHYS_F32:
        return datum_f64((double)(float)(((int64_t)bits % 1000) - 500) / 4);
    case PHYS_F64:
        return datum_f64((double)(int64_t)bits / 3 - 100);
    default:
        snprintf(text, sizeof(text), spread < 20 ? "key%llu" : "a common beginning %llu", (unsigned long long)bits);
        return datum_str(strview(arena_strndup(arena, text, strlen(text) - (bits % 3 == 0 && strlen(text) > 4))));
    }
}

static void fill(Vector *key, Type type, uint32_t rows, uint32_t spread, bool has_nulls, Arena *arena)
{
    vector_init(key, arena, type, rows);
    for (uint32_t row = 0; row < rows; row++) {
        Datum value = has_nulls && next_random() % 7 == 0 ? datum_null() : random_value(type, spread, arena);
        vector_put(key, arena, row, &value);
    }
}

static void check_order(const Vector *keys, const PhysSortKey *specs, uint32_t key_count, const uint32_t *sorted, uint32_t rows)
{
    bool *seen = test_calloc(rows, sizeof(bool));
    for (uint32_t i = 0; i < rows; i++) {
        assert_true(sorted[i] < rows && !seen[sorted[i]]);
        seen[sorted[i]] = true;
        int order = i == 0 ? -1 : compare_rows(keys, specs, key_count, sorted[i - 1], sorted[i]);
        assert_true(order < 0 || (order == 0 && sorted[i - 1] < sorted[i]));
    }
    test_free(seen);
}

static void sort_and_check(ExecContext *exec, uint32_t seed, uint32_t rows)
{
    static const uint32_t spreads[] = {0, 1, 4, 9, 24, 40, 64};
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    random_state = seed;
    uint32_t key_count = 1 + (uint32_t)(next_random() % MAX_KEYS);
    Vector keys[MAX_KEYS];
    PhysSortKey specs[MAX_KEYS] = {0};
    MemTracker memory;
    mem_tracker_init(&memory, NULL, "test", 0);
    for (uint32_t k = 0; k < key_count; k++) {
        uint64_t choice = next_random();
        specs[k].is_descending = choice & 1;
        specs[k].nulls_first = choice & 2;
        fill(&keys[k], key_type((uint32_t)(choice >> 8)), rows, spreads[(choice >> 16) % COUNT_OF(spreads)], choice & 4, &arena);
    }
    uint32_t *sorted = test_calloc(rows + 1, sizeof(uint32_t));
    assert_int_equal(sort_rows(exec, &memory, keys, specs, key_count, rows, sorted), OK);
    check_order(keys, specs, key_count, sorted, rows);
    assert_int_equal(mem_used(&memory), 0);
    uint64_t before = 0, code;
    for (uint32_t i = 0; i < rows; i++, before = code) {
        Vector one = keys[0];
        vector_advance(&one, sorted[i]);
        sort_codes(&one, &specs[0], (Rows){NULL, 1}, &code);
        assert_true(code >= before);
    }
    test_free(sorted);
}

static void alone(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 300; seed++)
        sort_and_check(NULL, seed, seed % 9 == 0 ? seed % 40 : ROWS);
}

static void in_parallel(void **state)
{
    (void)state;
    Diag diag = {0};
    MemTracker memory;
    mem_tracker_init(&memory, NULL, "test", 0);
    ExecOptions options = {.memory = &memory};
    ExecContext exec = {.options = &options, .diag = &diag, .worker_count = 3};
    assert_int_equal(exec_pool_open(3, &diag, &options.pool), OK);
    for (uint32_t seed = 1; seed <= 12; seed++)
        sort_and_check(&exec, seed, MANY_ROWS);
    exec_pool_close(options.pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(alone), cmocka_unit_test(in_parallel)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
