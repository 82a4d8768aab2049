/* The worker goes to the group that is behind its share: with weights 3 and 1, mostly to the first. */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/environment.h"
#include "exec/exec_int.h"

enum { TASKS = 60, TASK_US = 2000, ENOUGH = 40 };

typedef struct Party {
    ExecPool *pool;
    ResourceGroup group;
    pthread_t caller;
    _Atomic uint32_t by_worker;
    _Atomic uint32_t *go; /* 2: both have begun, 3: one has ended */
    Thread thread;
} Party;

static Status spin(void *context, uint32_t worker)
{
    Party *party = context;
    (void)worker;
    int64_t until = env_monotonic_us(environment_real()) + TASK_US;
    while (env_monotonic_us(environment_real()) < until) {
    }
    if (!pthread_equal(pthread_self(), party->caller) && atomic_load(party->go) == 2)
        atomic_fetch_add(&party->by_worker, 1);
    return OK;
}

static void party_main(void *argument)
{
    Party *party = argument;
    ExecOptions options = {.pool = party->pool, .group = party->group};
    ExecContext exec = {.options = &options, .worker_count = TASKS};
    party->caller = pthread_self();
    atomic_fetch_add(party->go, 1);
    while (atomic_load(party->go) < 2) {
    }
    assert_int_equal(exec_parallel(&exec, spin, party), OK);
    atomic_store(party->go, 3);
}

static void workers_are_shared_by_weight(void **state)
{
    (void)state;
    ExecPool *pool;
    Diag diag = {0};
    _Atomic uint32_t go = 0;
    assert_int_equal(exec_pool_open(1, &diag, &pool), OK);
    uint32_t heavy = 0, light = 0;
    /* Workers give way to other threads, so that a busy machine may need some rounds until they have done enough. */
    for (int round = 0; round < 40 && heavy + light < ENOUGH; round++) {
        Party parties[2] = {{.pool = pool, .group = {1, 3072}, .go = &go}, {.pool = pool, .group = {2, 1024}, .go = &go}};
        atomic_store(&go, 0);
        for (int i = 0; i < 2; i++)
            assert_int_equal(thread_start(&parties[i].thread, "party", party_main, &parties[i], &diag), OK);
        for (int i = 0; i < 2; i++)
            thread_join(&parties[i].thread);
        heavy += atomic_load(&parties[0].by_worker);
        light += atomic_load(&parties[1].by_worker);
    }
    exec_pool_close(pool);
    assert_true(heavy + light >= ENOUGH);
    assert_true(heavy > light);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(workers_are_shared_by_weight)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
