/* The task manager without threads and with a clock of our own: the order of runs, merging, cancelling, schedules on
 * their grid, events, history, and what a restart leaves. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "job/table_changes.h"
#include "job/task_manager.h"

enum { SECOND = 1000000, START_S = 1700000000 };

typedef struct Clock {
    int64_t us;
    Random random;
} Clock;

static int64_t clock_now(void *context)
{
    return ((Clock *)context)->us;
}

static uint64_t clock_random(void *context)
{
    return random_next(&((Clock *)context)->random);
}

static void clock_sleep(void *context, int64_t duration_us)
{
    ((Clock *)context)->us += duration_us;
}

typedef struct Fixture {
    Clock clock;
    Environment environment;
    Volume *volume;
    MetaStore *store;
    TaskManager *manager;
    char log[512]; /* names of the tasks that ran */
    Status outcome;
    bool skips, checks_cancel;
    uint32_t events, changed_tables;
} Fixture;

static Status run_logged(void *context, TaskRun *run, Diag *diag)
{
    Fixture *f = context;
    StrView force = task_run_property(run, "FORCE");
    size_t used = strlen(f->log);
    snprintf(f->log + used, sizeof(f->log) - used, "%.*s%s,", SV_ARGS(task_run_info(run)->task), force.length > 0 ? "!" : "");
    if (f->skips)
        task_run_skip(run);
    if (f->checks_cancel && task_cancel(f->manager, task_run_info(run)->task) > 0 && task_run_is_cancelled(run))
        return RAISE(diag, CANCELLED, "stopped");
    return f->outcome == OK ? OK : diag_raise(diag, f->outcome, "it went wrong");
}

static void count_table(void *context, const CatalogTable *before, const CatalogTable *after)
{
    Fixture *f = context;
    (void)before;
    (void)after;
    f->changed_tables++;
}

static void count_event(void *context, TaskManager *manager, const CatalogSnapshot *before, const CatalogSnapshot *after)
{
    Fixture *f = context;
    (void)manager;
    f->events++;
    catalog_each_changed_table(before, after, count_table, f);
}

static void open_manager(Fixture *f)
{
    f->manager = task_manager_open(f->store);
    task_manager_add_runner(f->manager, "TEST", (TaskRunner){f, run_logged});
    task_manager_set_events(f->manager, count_event, f);
    task_manager_tick(f->manager);
}

static void open_all(Fixture *f)
{
    Diag diag = {0};
    *f = (Fixture){.clock = {.us = (int64_t)START_S * SECOND, .random = {7}}};
    f->environment = (Environment){&f->clock, clock_now, clock_now, clock_random, clock_sleep};
    f->volume = volume_open_memory(&f->environment);
    assert_int_equal(meta_store_open(f->volume, &diag, &f->store), OK);
    open_manager(f);
}

static void close_all(Fixture *f)
{
    task_manager_close(f->manager);
    meta_store_close(f->store);
    volume_close(f->volume);
}

static Status build_task(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    (void)catalog;
    (void)diag;
    change_put_task(change, context);
    return OK;
}

static Status build_drop(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    (void)catalog;
    (void)diag;
    change_drop_task(change, strview(context));
    return OK;
}

static Status build_setting(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const char *const *pair = context;
    (void)catalog;
    (void)diag;
    change_put_setting(change, strview(pair[0]), strview(pair[1]));
    return OK;
}

static void commit(Fixture *f, MetaBuild build, void *context)
{
    Diag diag = {0};
    assert_int_equal(meta_commit(f->store, build, context, &diag), OK);
}

static void set(Fixture *f, const char *key, const char *value)
{
    const char *pair[] = {key, value};
    commit(f, build_setting, pair);
    task_manager_tick(f->manager);
}

static void make_task(Fixture *f, const char *name, TaskType type, int64_t start_us, int64_t period_us)
{
    TaskDefinition task = {.id = meta_new_id(f->store),
                           .name = strview(name),
                           .source = STR_VIEW("TEST"),
                           .type = (uint8_t)type,
                           .created_us = f->clock.us,
                           .start_us = start_us,
                           .period_us = period_us,
                           .period_text = STR_VIEW("1 HOURS"),
                           .database = STR_VIEW("db"),
                           .definition = STR_VIEW("a \"definition\"\n"),
                           .creator = STR_VIEW("root")};
    commit(f, build_task, &task);
    task_manager_tick(f->manager);
}

static TaskRunId submit(Fixture *f, const char *task, int priority, bool is_automatic, bool is_forced)
{
    static const Property force = {STR_VIEW("FORCE"), STR_VIEW("true")};
    Diag diag = {0};
    TaskRunId id;
    TaskRunRequest request = {
        .task = strview(task), .priority = priority, .is_automatic = is_automatic, .properties = &force, .property_count = is_forced};
    assert_int_equal(task_submit(f->manager, &request, &diag, &id), OK);
    return id;
}

static void run_all(Fixture *f, const char *wanted)
{
    f->log[0] = '\0';
    while (task_manager_run_next(f->manager))
        ;
    assert_string_equal(f->log, wanted);
}

/* "task=STATE message;" of all runs, the newest first. */
static void check_runs(Fixture *f, const char *wanted)
{
    AUTO_ARENA arena;
    AUTO_BYTEBUF text = {0};
    TaskRunInfo *runs;
    arena_init(&arena, NULL);
    CatalogSnapshot *catalog = meta_snapshot(f->store);
    uint32_t count = task_run_list(f->manager, catalog, &arena, &runs);
    bytebuf_append_text(&text, "");
    for (uint32_t i = 0; i < count; i++)
        bytebuf_printf(&text, "%.*s=%s %.*s;", SV_ARGS(runs[i].task), task_state_name((TaskState)runs[i].state),
                       SV_ARGS(runs[i].error_message));
    catalog_unref(catalog);
    assert_string_equal(text.data == NULL ? "" : text.data, wanted);
}

static void test_order_and_merging(void **state)
{
    Fixture f;
    (void)state;
    open_all(&f);
    make_task(&f, "a", TASK_MANUAL, 0, 0);
    make_task(&f, "b", TASK_MANUAL, 0, 0);
    submit(&f, "a", TASK_PRIORITY_LOWEST, false, false);
    submit(&f, "a", TASK_PRIORITY_LOWEST, false, false); /* manual runs are not merged */
    submit(&f, "b", TASK_PRIORITY_HIGH, false, false);
    run_all(&f, "b,a,a,");
    TaskRunId one = submit(&f, "a", TASK_PRIORITY_NORMAL, true, false);
    submit(&f, "b", TASK_PRIORITY_HIGH, true, false);
    TaskRunId two = submit(&f, "a", TASK_PRIORITY_HIGHEST, true, false); /* merged: the higher priority counts */
    submit(&f, "a", TASK_PRIORITY_NORMAL, true, true);                   /* FORCE never is */
    submit(&f, "a", TASK_PRIORITY_NORMAL, false, false);
    assert_true(one.number == two.number);
    assert_string_equal(one.text, two.text);
    run_all(&f, "a,b,a!,a,");
    check_runs(&f, "a=SUCCESS ;a=SUCCESS ;b=SUCCESS ;a=SUCCESS ;b=SUCCESS ;a=SUCCESS ;a=SUCCESS ;");
    close_all(&f);
}

static void test_outcomes(void **state)
{
    Fixture f;
    Diag diag = {0};
    AUTO_ARENA arena;
    TaskRunInfo info;
    (void)state;
    arena_init(&arena, NULL);
    open_all(&f);
    make_task(&f, "a", TASK_MANUAL, 0, 0);
    f.outcome = ERR_NO_SUCH_TABLE;
    TaskRunId id = submit(&f, "a", 0, false, true);
    run_all(&f, "a!,");
    assert_int_equal(task_wait(f.manager, &id, NULL, &arena, &diag, &info), OK);
    assert_int_equal(info.state, TASK_FAILED);
    assert_int_equal(info.error_code, 5502);
    assert_true(strview_is(info.error_message, "it went wrong"));
    assert_true(strview_is(info.definition, "a \"definition\"\n"));
    assert_true(strview_is(task_properties_json(info.properties, info.property_count, &arena), "{\"FORCE\":\"true\"}"));
    f.outcome = OK;
    f.skips = true;
    submit(&f, "a", 0, true, false);
    run_all(&f, "a,");
    f.skips = false;
    f.checks_cancel = true;
    submit(&f, "a", 0, false, false);
    submit(&f, "a", 0, false, false);
    run_all(&f, "a,");
    check_runs(&f, "a=CANCELED the run was cancelled before it started;a=CANCELED stopped;a=SKIPPED ;a=FAILED it went wrong;");
    f.checks_cancel = false;
    submit(&f, "a", 0, false, false);
    char name[] = "a";
    commit(&f, build_drop, name);
    run_all(&f, "");
    TaskRunRequest request = {.task = STR_VIEW("a")};
    assert_int_equal(task_submit(f.manager, &request, &diag, &id), ERR_ANALYSIS);
    close_all(&f);
}

static void test_schedules(void **state)
{
    Fixture f;
    (void)state;
    open_all(&f);
    int64_t now = f.clock.us, hour = 3600LL * SECOND;
    make_task(&f, "now", TASK_PERIODICAL, now, hour);
    make_task(&f, "past", TASK_PERIODICAL, now - 90 * 60LL * SECOND, hour); /* next: in half an hour */
    make_task(&f, "ahead", TASK_PERIODICAL, now + 2 * hour, hour);
    run_all(&f, "now,");
    f.clock.us = now + hour / 2 - 1;
    task_manager_tick(f.manager);
    run_all(&f, "");
    f.clock.us = now + hour / 2;
    task_manager_tick(f.manager);
    run_all(&f, "past,");
    f.clock.us = now + 5 * hour; /* what was missed is done once */
    task_manager_tick(f.manager);
    task_manager_tick(f.manager);
    run_all(&f, "ahead,now,past,");
    task_manager_close(f.manager);
    open_manager(&f); /* a restart waits for the next points of the grids */
    run_all(&f, "");
    f.clock.us = now + 5 * hour + hour / 2;
    task_manager_tick(f.manager);
    run_all(&f, "past,");
    assert_true(task_next_time(100, 10, 99) == 100 && task_next_time(100, 10, 100) == 110 && task_next_time(100, 10, 119) == 120);
    close_all(&f);
}

static void test_limits(void **state)
{
    Fixture f;
    Diag diag = {0};
    TaskRunId id;
    (void)state;
    open_all(&f);
    make_task(&f, "a", TASK_MANUAL, 0, 0);
    make_task(&f, "b", TASK_MANUAL, 0, 0);
    set(&f, "config.task_runs_queue_length", "2");
    set(&f, "config.task_runs_concurrency", "0");
    submit(&f, "a", 0, true, false);
    submit(&f, "a", 0, false, false);
    submit(&f, "a", 0, true, false); /* merged: needs no place */
    TaskRunRequest request = {.task = STR_VIEW("b")};
    assert_int_equal(task_submit(f.manager, &request, &diag, &id), ERR_LIMIT_EXCEEDED);
    run_all(&f, "");
    set(&f, "config.task_runs_concurrency", "1");
    run_all(&f, "a,a,");
    set(&f, "config.task_runs_max_history_number", "3");
    set(&f, "config.task_runs_queue_length", "5");
    for (int i = 0; i < 5; i++)
        submit(&f, "b", 0, i % 2 == 0, i % 2 == 0);
    run_all(&f, "b!,b,b,");
    check_runs(&f, "b=SUCCESS ;b=SUCCESS ;b=SUCCESS ;");
    f.clock.us += 8LL * 86400 * SECOND;
    task_manager_tick(f.manager);
    check_runs(&f, "");
    close_all(&f);
}

static void test_leftovers(void **state)
{
    Fixture f;
    Diag diag = {0};
    (void)state;
    open_all(&f);
    make_task(&f, "a", TASK_MANUAL, 0, 0);
    submit(&f, "a", 0, false, false);
    submit(&f, "a", 0, true, true); /* automatic and not begun: never journaled */
    task_manager_close(f.manager);
    f.manager = task_manager_open(f.store);
    assert_int_equal(task_manager_start(f.manager, &diag), OK);
    check_runs(&f, "a=FAILED Fe abort the task;");
    close_all(&f);
}

static Status build_table(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    TableColumn column = {.unique_id = 1, .name = STR_VIEW("k"), .type = type_of(TYPE_INT), .is_key = true};
    uint32_t sort[] = {0};
    TableSchema schema = {.columns = &column,
                          .column_count = 1,
                          .next_unique_id = 2,
                          .key_count = 1,
                          .sort_columns = sort,
                          .sort_count = 1,
                          .buckets = 1,
                          .is_random = true};
    TabletVersion tablet = {.id = 5003};
    CatalogPartition partition = {.id = 5002, .name = STR_VIEW("t"), .tablets = &tablet, .tablet_count = 1, .data_version = 1};
    const int *step = context;
    (void)catalog;
    (void)diag;
    if (*step == 0)
        change_put_database(change, 5000, STR_VIEW("db"), STR_VIEW(""));
    if (*step == 0)
        change_put_table(change, 5001, 5000, STR_VIEW("t"), &schema);
    if (*step == 1)
        change_put_partition(change, 5001, &schema, &partition);
    if (*step == 2)
        change_drop_table(change, 5001);
    return OK;
}

static void test_events(void **state)
{
    Fixture f;
    (void)state;
    open_all(&f);
    assert_int_equal(f.events, 1);
    task_manager_tick(f.manager);
    assert_int_equal(f.events, 1); /* nothing was published */
    for (int step = 0; step < 3; step++) {
        commit(&f, build_table, &step);
        task_manager_tick(f.manager);
        assert_int_equal(f.changed_tables, step + 1);
    }
    make_task(&f, "a", TASK_MANUAL, 0, 0);
    assert_int_equal(f.changed_tables, 3);
    close_all(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_merging), cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_schedules),         cmocka_unit_test(test_limits),
        cmocka_unit_test(test_leftovers),         cmocka_unit_test(test_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
