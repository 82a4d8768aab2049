/* Several stores on one volume: who follows sees what the leader commits, one candidate of several succeeds, and who
 * was deposed goes on as a follower. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "meta/store.h"
#include "unit/meta/store_fixture.h"

static MetaStore *open_follower(Volume *volume)
{
    MetaStore *store = NULL;
    Diag diag = {0};
    if (meta_store_open_follower(volume, &diag, &store) != OK)
        fail_msg("does not open: %s", diag.message);
    return store;
}

static Status follow(MetaStore *store)
{
    Diag diag = {0};
    return meta_follow(store, &diag);
}

static Status take_lead(MetaStore *store)
{
    Diag diag = {0};
    return meta_take_lead(store, &diag);
}

static void followers_see_what_is_committed(void **state)
{
    (void)state;
    Volume *volume = volume_open_memory(&environment);
    MetaStore *one = open_follower(volume), *two = open_follower(volume);
    assert_int_equal(set(one, "config.a"), ERR_RETRY); /* nobody leads yet */
    assert_int_equal(take_lead(one), OK);
    assert_true(meta_is_leading(one) && !meta_is_leading(two));
    assert_int_equal(set(one, "config.a"), OK);
    assert_int_equal(set(one, "config.b"), OK);
    assert_false(has(two, "config.a"));
    assert_int_equal(follow(two), OK);
    assert_true(has(two, "config.a") && has(two, "config.b"));
    assert_int_equal(meta_journal_entries(two), meta_journal_entries(one));
    assert_int_equal(set(two, "config.c"), ERR_RETRY);
    assert_int_equal(meta_new_id(two), 0);
    meta_store_close(one);
    meta_store_close(two);
    volume_close(volume);
}

static void one_of_two_candidates_leads(void **state)
{
    (void)state;
    Volume *volume = volume_open_memory(&environment);
    MetaStore *old = open_follower(volume), *one = open_follower(volume), *two = open_follower(volume);
    assert_int_equal(take_lead(old), OK);
    assert_int_equal(set(old, "config.a"), OK);
    assert_int_equal(take_lead(one), OK);
    assert_int_equal(set(one, "config.b"), OK);
    assert_int_equal(take_lead(two), OK); /* it reads what the first did before it claims */
    assert_true(has(two, "config.b"));
    assert_int_equal(set(one, "config.c"), ERR_RETRY); /* it finds out by its append */
    assert_int_equal(follow(old), OK);                 /* or by looking */
    assert_false(meta_is_leading(old) || meta_is_leading(one));
    assert_int_equal(set(two, "config.d"), OK);
    assert_int_equal(follow(old), OK);
    assert_int_equal(follow(one), OK);
    assert_true(has(old, "config.d") && has(one, "config.d"));
    assert_false(has(old, "config.c") || has(one, "config.c") || has(two, "config.c"));
    assert_int_equal(take_lead(old), OK); /* and may lead again */
    assert_int_equal(set(old, "config.e"), OK);
    uint64_t id = meta_new_id(old);
    assert_true(id > 0);
    meta_step_down(old);
    assert_int_equal(set(old, "config.f"), ERR_RETRY);
    assert_int_equal(take_lead(one), OK);
    assert_true(meta_new_id(one) > id);
    meta_store_close(old);
    meta_store_close(one);
    meta_store_close(two);
    volume_close(volume);
}

static Status sync_store(MetaStore *store)
{
    Diag diag = {0};
    return meta_sync(store, &diag);
}

/* A leader that does not know what became of its last batch finds out before it says that it has seen everything. */
static void who_is_uncertain_asks(void **state)
{
    (void)state;
    for (int lands = 0; lands < 2; lands++) {
        Volume *volume = volume_open_memory(&environment);
        MetaStore *old = open_follower(volume), *new = open_follower(volume);
        assert_int_equal(take_lead(old), OK);
        assert_int_equal(set(old, "config.a"), OK);
        assert_int_equal(sync_store(old), OK);
        volume_memory_fail(volume, &(VolumeFailure){.nth = 2, .is_sticky = true, .lands_anyway = lands != 0});
        assert_int_equal(set(old, "config.lost"), ERR_OUTCOME_UNKNOWN);
        assert_int_not_equal(sync_store(old), OK); /* nothing can be asked */
        volume_memory_fail(volume, &(VolumeFailure){0});
        assert_int_equal(take_lead(new), OK);
        assert_int_equal(set(new, "config.b"), OK);
        assert_int_equal(sync_store(old), OK);
        assert_false(meta_is_leading(old));
        assert_true(has(old, "config.b"));
        assert_int_equal(has(old, "config.lost"), lands != 0);
        assert_int_equal(has(new, "config.lost"), lands != 0);
        assert_int_equal(sync_store(new), OK);
        assert_true(meta_is_leading(new));
        meta_store_close(old);
        meta_store_close(new);
        volume_close(volume);
    }
}

/* A candidate that cannot read the journal claims nothing, and the leader stays. */
static void a_blind_candidate_claims_nothing(void **state)
{
    (void)state;
    Volume *volume = volume_open_memory(&environment);
    MetaStore *one = open_follower(volume), *two = open_follower(volume);
    assert_int_equal(take_lead(one), OK);
    volume_memory_fail(volume, &(VolumeFailure){.nth = 1});
    assert_int_not_equal(take_lead(two), OK);
    assert_false(meta_is_leading(two));
    volume_memory_fail(volume, &(VolumeFailure){0});
    assert_int_equal(set(one, "config.a"), OK);
    assert_int_equal(follow(two), OK);
    assert_true(has(two, "config.a"));
    meta_store_close(one);
    meta_store_close(two);
    volume_close(volume);
}

static const VolumeOps *sound_ops;

/* As a bucket does on which versioning was enabled. */
static Status put_over(Volume *volume, const char *path, StrView bytes, Diag *diag)
{
    Status status = sound_ops->put_if_absent(volume, path, bytes, diag);
    diag_reset(diag);
    return status == ERR_OBJECT_EXISTS ? OK : status;
}

static void on_a_volume_that_stops_to_exclude_nothing_is_committed(void **state)
{
    (void)state;
    _Atomic bool stopping = false;
    Volume *volume = volume_open_memory(&environment);
    MetaStore *store = open_follower(volume);
    sound_ops = volume->ops;
    VolumeOps ops = *sound_ops;
    ops.put_if_absent = put_over;
    assert_int_equal(take_lead(store), OK);
    int64_t pause_us = meta_probe_job(store, &stopping);
    assert_int_equal(set(store, "config.a"), OK);
    volume->ops = &ops;
    assert_true(meta_probe_job(store, &stopping) < pause_us);
    assert_int_equal(set(store, "config.b"), ERR_VOLUME_UNSAFE);
    volume->ops = sound_ops;
    assert_int_equal(meta_probe_job(store, &stopping), pause_us);
    assert_int_equal(set(store, "config.c"), OK);
    assert_true(has(store, "config.a") && has(store, "config.c") && !has(store, "config.b"));
    meta_store_close(store);
    volume_close(volume);
}

static const VolumeOps *idle_ops;
static MetaStore *busy_leader;
static uint32_t appends_left, listings;

/* A listing takes so long that the leader appends meanwhile. */
static Status list_slowly(Volume *volume, const char *prefix, void (*visit)(void *context, const char *path, uint64_t size), void *context,
                          Diag *diag)
{
    if (strstr(prefix, "/journal") != NULL && appends_left > 0) {
        appends_left--;
        listings++;
        assert_int_equal(set(busy_leader, "config.a"), OK);
        assert_int_equal(set(busy_leader, "config.b"), OK);
    }
    return idle_ops->list(volume, prefix, visit, context, diag);
}

static void a_follower_starts_while_the_leader_never_pauses(void **state)
{
    (void)state;
    Volume *volume = volume_open_memory(&environment);
    busy_leader = open_follower(volume);
    assert_int_equal(take_lead(busy_leader), OK);
    idle_ops = volume->ops;
    VolumeOps ops = *idle_ops;
    ops.list = list_slowly;
    volume->ops = &ops;
    appends_left = 100;
    MetaStore *follower = open_follower(volume);
    assert_true(listings >= 1 && listings <= 4);
    appends_left = 0;
    assert_int_equal(follow(follower), OK);
    assert_true(has(follower, "config.b"));
    volume->ops = idle_ops;
    meta_store_close(follower);
    meta_store_close(busy_leader);
    volume_close(volume);
}

int main(void)
{
    if (log_open("/dev/null", LOG_LEVEL_ERROR, NULL) != OK)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(followers_see_what_is_committed),
        cmocka_unit_test(one_of_two_candidates_leads),
        cmocka_unit_test(a_blind_candidate_claims_nothing),
        cmocka_unit_test(who_is_uncertain_asks),
        cmocka_unit_test(a_follower_starts_while_the_leader_never_pauses),
        cmocka_unit_test(on_a_volume_that_stops_to_exclude_nothing_is_committed),
    };
    return cmocka_run_group_tests_name("meta.follow", tests, NULL, NULL);
}
