/* The scheduler: jobs run when they are due, one at a time; waking makes all due; closing waits. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/thread.h"
#include "job/scheduler.h"

typedef struct Counted {
    _Atomic uint32_t runs;
    _Atomic uint32_t inside; /* jobs that run now, of all */
    _Atomic bool overlapped;
    int64_t again_us;
    struct Counted *shared;
} Counted;

static int64_t count_run(void *context, const _Atomic bool *stopping)
{
    Counted *job = context;
    if (atomic_fetch_add(&job->shared->inside, 1) != 0)
        atomic_store(&job->shared->overlapped, true);
    env_sleep_us(environment_real(), 1000);
    atomic_fetch_sub(&job->shared->inside, 1);
    atomic_fetch_add(&job->runs, 1);
    (void)stopping;
    return job->again_us;
}

static bool reaches(Counted *job, uint32_t runs)
{
    for (int i = 0; i < 400 && atomic_load(&job->runs) < runs; i++)
        env_sleep_us(environment_real(), 5000);
    return atomic_load(&job->runs) >= runs;
}

static void jobs_run_when_due(void **state)
{
    (void)state;
    Diag diag = {0};
    Counted often = {.again_us = 2000};
    Counted rarely = {.again_us = 3600LL * 1000000, .shared = &often};
    often.shared = &often;
    Scheduler *scheduler = scheduler_open(environment_real());
    scheduler_add(scheduler, "often", count_run, &often);
    scheduler_add(scheduler, "rarely", count_run, &rarely);
    assert_int_equal(scheduler_start(scheduler, &diag), OK);
    assert_true(reaches(&often, 5));
    assert_int_equal(atomic_load(&rarely.runs), 1);
    scheduler_wake(scheduler);
    assert_true(reaches(&rarely, 2));
    scheduler_close(scheduler);
    uint32_t runs = atomic_load(&often.runs);
    env_sleep_us(environment_real(), 20000);
    assert_int_equal(atomic_load(&often.runs), runs);
    assert_false(atomic_load(&often.overlapped));
}

static int64_t wait_for_stop(void *context, const _Atomic bool *stopping)
{
    _Atomic bool *has_begun = context;
    atomic_store(has_begun, true);
    while (!atomic_load(stopping))
        env_sleep_us(environment_real(), 1000);
    return 0;
}

static void closing_stops_a_long_job(void **state)
{
    (void)state;
    Diag diag = {0};
    _Atomic bool has_begun = false;
    Scheduler *scheduler = scheduler_open(environment_real());
    scheduler_add(scheduler, "long", wait_for_stop, &has_begun);
    assert_int_equal(scheduler_start(scheduler, &diag), OK);
    while (!atomic_load(&has_begun))
        env_sleep_us(environment_real(), 1000);
    scheduler_close(scheduler);
    scheduler = scheduler_open(environment_real());
    scheduler_close(scheduler); /* never started */
}

static bool is_leader(void *context)
{
    return atomic_load((_Atomic bool *)context);
}

static void some_jobs_need_the_lead(void **state)
{
    (void)state;
    Diag diag = {0};
    _Atomic bool leads = false;
    Counted any = {.again_us = 2000}, led = {.again_us = 2000, .shared = &any};
    any.shared = &any;
    Scheduler *scheduler = scheduler_open(environment_real());
    scheduler_add(scheduler, "any", count_run, &any);
    scheduler_add_leading(scheduler, "led", count_run, &led);
    scheduler_set_leading(scheduler, is_leader, &leads);
    assert_int_equal(scheduler_start(scheduler, &diag), OK);
    assert_true(reaches(&any, 5));
    assert_int_equal(atomic_load(&led.runs), 0);
    atomic_store(&leads, true);
    assert_true(reaches(&led, 2));
    scheduler_close(scheduler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_run_when_due),
        cmocka_unit_test(some_jobs_need_the_lead),
        cmocka_unit_test(closing_stops_a_long_job),
    };
    return cmocka_run_group_tests_name("job.scheduler", tests, NULL, NULL);
}
