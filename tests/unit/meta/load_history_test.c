/* Failed loads are remembered in order, and a bounded number of them. */

#include "meta/load_history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void oldest_go_first(void **state)
{
    (void)state;
    LoadHistory *history = load_history_open();
    AUTO_ARENA arena;
    FailedLoad *loads;
    arena_init(&arena, NULL);
    assert_int_equal(load_history_list(history, &arena, &loads), 0);
    for (uint64_t i = 1; i <= LOAD_HISTORY_ENTRIES + 10; i++) {
        FailedLoad load = {.id = i, .label = STR_VIEW("a label that is longer than twelve bytes"), .error = STR_VIEW("no")};
        load_history_add(history, &load);
    }
    assert_int_equal(load_history_list(history, &arena, &loads), LOAD_HISTORY_ENTRIES);
    assert_int_equal(loads[0].id, LOAD_HISTORY_ENTRIES + 10);
    assert_int_equal(loads[LOAD_HISTORY_ENTRIES - 1].id, 11);
    load_history_close(history);
    assert_true(strview_is(loads[0].label, "a label that is longer than twelve bytes"));
}

static void without_a_history_nothing_happens(void **state)
{
    (void)state;
    FailedLoad load = {.id = 1}, *loads;
    load_history_add(NULL, &load);
    assert_int_equal(load_history_list(NULL, NULL, &loads), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(oldest_go_first),
        cmocka_unit_test(without_a_history_nothing_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
