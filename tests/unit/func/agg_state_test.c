#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "func/agg_state.h"

/* Bytes that are no state, or one of another function, version or length, are refused. */

typedef struct StateTest {
    Arena arena;
    Diag diag;
    FuncSession session;
} StateTest;

static FuncBinding bind(StateTest *test, const char *name, Type type)
{
    FuncBinding binding;
    const Datum *constant = NULL;
    FuncBindRequest request = {.name = strview(name), .types = &type, .constants = &constant, .count = 1, .session = &test->session,
                               .arena = &test->arena, .diag = &test->diag};
    assert_int_equal(func_resolve(&request, &binding), OK);
    return binding;
}

/* The state of one INT. */
static StrView state_of(StateTest *test, const char *name, int32_t value)
{
    FuncBinding binding = bind(test, name, type_of(TYPE_INT));
    Vector argument;
    Vector out;
    const Vector *arguments[] = {&argument};
    FuncContext context = {.binding = &binding, .session = &test->session, .arena = &test->arena, .diag = &test->diag,
                           .newest_block = test->arena.blocks};
    vector_init(&argument, &test->arena, type_of(TYPE_INT), 1);
    vector_init(&out, &test->arena, binding.result, 1);
    ((int32_t *)argument.data)[0] = value;
    assert_int_equal(binding.kernel(&context, arguments, 1, (Rows){NULL, 1}, &out), OK);
    return str_view(&((const Str *)out.data)[0]);
}

static Status merge(StateTest *test, const char *name, StrView bytes, Type state, int64_t *out)
{
    FuncBinding binding = bind(test, name, state);
    AggContext context = {&binding, &test->session, &test->arena, &test->diag};
    Vector argument;
    Vector result;
    const Vector *arguments[] = {&argument};
    uint8_t *group = arena_alloc_zero(&test->arena, binding.aggregate->state_bytes);
    if (binding.aggregate->init != NULL)
        binding.aggregate->init(&context, group);
    vector_init(&argument, &test->arena, state, 1);
    vector_init(&result, &test->arena, binding.result, 1);
    ((Str *)argument.data)[0] = str_make(bytes.data, bytes.length);
    TRY(binding.aggregate->update_one(&context, arguments, 1, (Rows){NULL, 1}, group));
    TRY(binding.aggregate->finish(&context, &group, 1, 0, 0, &result));
    *out = ((const int64_t *)result.data)[0];
    return OK;
}

static void test_bytes(void **unused)
{
    StateTest test = {0};
    int64_t sum = 0;
    Type integer = type_of(TYPE_INT);
    (void)unused;
    arena_init(&test.arena, NULL);
    Type state = type_state(&test.arena, STR_VIEW("sum"), &integer, 1);
    StrView good = state_of(&test, "sum_state", 41);
    assert_int_equal(merge(&test, "sum_merge", good, state, &sum), OK);
    assert_int_equal(sum, 41);
    for (size_t i = 0; i < 5; i++) { /* version and tag */
        char *bad = arena_strndup(&test.arena, good.data, good.length);
        bad[i] ^= 0x40;
        assert_int_not_equal(merge(&test, "sum_merge", strview_n(bad, good.length), state, &sum), OK);
    }
    for (size_t length = 0; length < good.length; length++) {
        assert_int_not_equal(merge(&test, "sum_merge", strview_n(good.data, length), state, &sum), OK);
    }
    assert_int_not_equal(merge(&test, "sum_merge", state_of(&test, "max_state", 41), state, &sum), OK);
    arena_deinit(&test.arena);
}

static void test_fits(void **unused)
{
    Arena arena;
    Type types[] = {type_of(TYPE_INT), type_of(TYPE_BIGINT), type_varchar(10), type_varchar(20)};
    (void)unused;
    arena_init(&arena, NULL);
#define STATE(name, type) type_state(&arena, STR_VIEW(name), &(type), 1)
    assert_true(func_state_fits(STATE("sum", types[0]), STATE("sum", types[1]), &arena));
    assert_true(func_state_fits(STATE("max", types[2]), STATE("max", types[3]), &arena));
    assert_true(func_state_fits(STATE("ndv", types[0]), STATE("ndv", types[3]), &arena));
    assert_false(func_state_fits(STATE("max", types[0]), STATE("max", types[3]), &arena));
    assert_false(func_state_fits(STATE("array_agg", types[0]), STATE("array_agg", types[1]), &arena));
    assert_false(func_state_fits(STATE("sum", types[0]), STATE("avg", types[0]), &arena));
    assert_false(func_state_fits(STATE("sum", types[0]), type_of(TYPE_VARBINARY), &arena));
    assert_null(func_find_form(STR_VIEW("abs_state"), &arena));
    assert_null(func_find_form(STR_VIEW("_merge"), &arena));
    assert_int_equal(func_find_form(STR_VIEW("AVG_STATE_UNION"), &arena)->kind, FUNC_SCALAR);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bytes), cmocka_unit_test(test_fits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
