/* Trimming: which images stay, what is left of the journal, starts afterwards, and writers that slept through it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/log.h"
#include "meta/checkpoint.h"
#include "unit/meta/store_fixture.h"

#define HOUR_US (INT64_C(3600) * 1000000)

static void make_image(MetaStore *store)
{
    ImageReport report;
    Diag diag = {0};
    if (meta_create_image(store, &diag, &report) != OK)
        fail_msg("image: %s", diag.message);
}

static TrimReport trim(MetaStore *store, int64_t retention_us)
{
    TrimReport report;
    Diag diag = {0};
    if (meta_trim(store, retention_us, &diag, &report) != OK)
        fail_msg("trim: %s", diag.message);
    return report;
}

static uint32_t count_images(Volume *volume)
{
    AUTO_ARENA arena;
    uint64_t *entries;
    uint32_t count = 0;
    Diag diag = {0};
    arena_init(&arena, NULL);
    assert_int_equal(image_list(volume, 1, &arena, &diag, &entries, &count), OK);
    return count;
}

static bool has_batch(Volume *volume, int sequence)
{
    char path[64];
    AUTO_BYTEBUF bytes = {0};
    Diag diag = {0};
    snprintf(path, sizeof(path), "meta/1/journal/000000/%012d", sequence);
    return volume_get(volume, path, &bytes, &diag) == OK;
}

static void what_is_older_than_the_retention_goes(void **state)
{
    (void)state;
    Volume *volume = volume_open_memory(&environment);
    MetaStore *store = open_store(volume);
    for (int i = 0; i < 12; i++) { /* sequence 2 + i, image behind it; four an hour */
        assert_int_equal(set(store, "a"), OK);
        make_image(store);
        fixture_now_us += HOUR_US / 4;
    }
    assert_int_equal(count_images(volume), 12);
    TrimReport report = trim(store, 72 * HOUR_US);
    assert_int_equal(report.objects_deleted, 1 + 1); /* the first image covers the epoch and the first change, and is old */
    assert_true(count_images(volume) <= 5 && count_images(volume) >= 4); /* one an hour, and the newest two */
    uint32_t before = count_images(volume);
    report = trim(store, 72 * HOUR_US); /* again: nothing */
    assert_int_equal(report.objects_deleted, 0);
    assert_int_equal(count_images(volume), before);
    assert_int_equal(set(store, "b"), OK);
    fixture_now_us += 100 * HOUR_US;
    report = trim(store, 72 * HOUR_US);
    assert_int_equal(count_images(volume), 2);
    assert_false(has_batch(volume, 10));
    assert_true(has_batch(volume, 13));
    assert_true(has_batch(volume, 14));
    meta_store_close(store);
    store = open_store(volume);
    assert_true(has(store, "a") && has(store, "b"));
    meta_store_close(store);
    volume_close(volume);
}

static void a_young_image_trims_nothing_and_the_newest_object_stays(void **state)
{
    (void)state;
    Volume *volume = volume_open_memory(&environment);
    MetaStore *store = open_store(volume);
    assert_int_equal(set(store, "a"), OK);
    make_image(store);
    fixture_now_us += HOUR_US / 2;
    assert_int_equal(trim(store, HOUR_US).objects_deleted, 0);
    fixture_now_us += HOUR_US;
    assert_int_equal(trim(store, HOUR_US).objects_deleted, 1);
    assert_false(has_batch(volume, 1));
    assert_true(has_batch(volume, 2)); /* the newest, though the image covers it */
    meta_store_close(store);
    volume_close(volume);
}

/* One leads, and does nothing for hours. Another takes the lead, and trims the place of the first one's next batch. */
static void who_slept_through_a_trim_is_not_told_success(void **state)
{
    (void)state;
    Volume *volume = volume_open_memory(&environment);
    MetaStore *sleeper = open_store(volume);
    assert_int_equal(set(sleeper, "a"), OK);
    MetaStore *other = open_store(volume);
    for (int i = 0; i < 3; i++)
        assert_int_equal(set(other, "b"), OK);
    make_image(other);
    fixture_now_us += 3 * HOUR_US;
    assert_int_equal(set(other, "c"), OK);
    make_image(other);
    fixture_now_us += 3 * HOUR_US;
    make_image(other);
    assert_true(trim(other, HOUR_US).objects_deleted >= 3);
    assert_false(has_batch(volume, 3)); /* where the sleeper would append */
    assert_int_equal(set(sleeper, "lost"), ERR_OUTCOME_UNKNOWN);
    assert_int_equal(set(sleeper, "lost"), ERR_RETRY);
    assert_true(has_batch(volume, 3)); /* it landed, and nobody will read it */
    meta_store_close(sleeper);
    meta_store_close(other);
    other = open_store(volume);
    assert_false(has(other, "lost"));
    assert_true(has(other, "b") && has(other, "c"));
    meta_store_close(other);
    volume_close(volume);
}

static void a_follower_that_slept_starts_again(void **state)
{
    (void)state;
    Volume *volume = volume_open_memory(&environment);
    MetaStore *leader = open_store(volume), *follower;
    Diag diag = {0};
    assert_int_equal(meta_store_open_follower(volume, &diag, &follower), OK);
    assert_int_equal(set(leader, "a"), OK);
    make_image(leader);
    fixture_now_us += 3 * HOUR_US;
    assert_int_equal(set(leader, "b"), OK);
    make_image(leader);
    fixture_now_us += 3 * HOUR_US;
    trim(leader, HOUR_US);
    assert_int_equal(meta_follow(follower, &diag), ERR_READ_ONLY);
    meta_store_close(follower);
    meta_store_close(leader);
    volume_close(volume);
}

/* ---- a process that is stopped anywhere ---- */

static MetaStore *meanwhile_store;
static int jump_at; /* that reading of the clock is the last thing before the process is stopped for hours; 0: none is */

/* Another node leads, appends, and trims all that the images cover. */
static void hours_pass(void)
{
    MetaStore *other = meanwhile_store;
    Diag diag = {0};
    assert_int_equal(meta_take_lead(other, &diag), OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(set(other, "b"), OK);
    for (int i = 0; i < 3; i++) {
        make_image(other);
        fixture_now_us += 3 * HOUR_US;
        assert_int_equal(set(other, "c"), OK);
    }
    make_image(other);
    fixture_now_us += 3 * HOUR_US;
    assert_true(trim(other, HOUR_US).objects_deleted >= 3);
}

static int64_t stopping_clock(void *context)
{
    int64_t read_us = fixture_clock(context);
    if (jump_at > 0 && --jump_at == 0)
        hours_pass();
    return read_us;
}

static const Environment stopping = {&randomness, stopping_clock, stopping_clock, fixture_count, fixture_no_sleep};

static void who_is_stopped_anywhere_in_a_commit_is_not_told_success_of_what_is_lost(void **state)
{
    (void)state;
    static const char *const keys[] = {"x", "y", "z"};
    bool was_stopped = true;
    for (int at = 1; was_stopped; at++) {
        Volume *volume = volume_open_memory(&stopping);
        Status answers[3];
        MetaStore *sleeper = open_store(volume);
        assert_int_equal(set(sleeper, "a"), OK);
        Diag diag = {0};
        assert_int_equal(meta_store_open_follower(volume, &diag, &meanwhile_store), OK);
        jump_at = at;
        for (int i = 0; i < 3; i++) {
            if (i == 1 && jump_at == 0)
                assert_true(answers[0] == OK || answers[0] == ERR_RETRY || answers[0] == ERR_OUTCOME_UNKNOWN);
            answers[i] = set(sleeper, keys[i]);
        }
        was_stopped = jump_at == 0;
        jump_at = 0;
        meta_store_close(sleeper);
        meta_store_close(meanwhile_store);
        MetaStore *after = open_store(volume);
        for (int i = 0; i < 3; i++) {
            if (answers[i] == OK && !has(after, keys[i]))
                fail_msg("stopped at reading %d of the clock: '%s' was acknowledged and is lost", at, keys[i]);
        }
        meta_store_close(after);
        volume_close(volume);
    }
}

static Status (*plain_get)(Volume *volume, const char *path, ByteBuf *out_bytes, Diag *diag);
static bool is_armed;

static Status get_after_hours(Volume *volume, const char *path, ByteBuf *out_bytes, Diag *diag)
{
    if (is_armed && strstr(path, "/journal/") != NULL) {
        is_armed = false;
        hours_pass();
    }
    return plain_get(volume, path, out_bytes, diag);
}

static void a_follower_that_is_stopped_while_it_reads_starts_again(void **state)
{
    (void)state;
    Volume *volume = volume_open_memory(&environment);
    VolumeOps ops = *volume->ops;
    plain_get = ops.get;
    ops.get = get_after_hours;
    volume->ops = &ops;
    meanwhile_store = open_store(volume);
    MetaStore *follower;
    Diag diag = {0};
    assert_int_equal(meta_store_open_follower(volume, &diag, &follower), OK);
    assert_int_equal(meta_follow(follower, &diag), OK);
    is_armed = true;
    assert_int_equal(meta_follow(follower, &diag), ERR_READ_ONLY);
    meta_store_close(follower);
    meta_store_close(meanwhile_store);
    volume_close(volume);
}

static bool is_unlistable;
static Status (*plain_list)(Volume *volume, const char *prefix, void (*visit)(void *context, const char *path, uint64_t size), void *context, Diag *diag);

static Status list_or_fail(Volume *volume, const char *prefix, void (*visit)(void *context, const char *path, uint64_t size), void *context,
                           Diag *diag)
{
    return is_unlistable ? RAISE(diag, IO, "not now") : plain_list(volume, prefix, visit, context, diag);
}

/* Another's batch is at its place, and after a sleep that alone is not certain: what it sent is still pending, and is neither a claim
 * nor to be put at another place. */
static void what_is_uncertain_after_a_sleep_is_settled_before_a_claim(void **state)
{
    (void)state;
    Volume *volume = volume_open_memory(&environment);
    VolumeOps ops = *volume->ops;
    plain_list = ops.list;
    ops.list = list_or_fail;
    volume->ops = &ops;
    MetaStore *sleeper = open_store(volume), *other;
    Diag diag = {0};
    assert_int_equal(set(sleeper, "a"), OK);
    assert_int_equal(meta_store_open_follower(volume, &diag, &other), OK);
    assert_int_equal(meta_take_lead(other, &diag), OK);
    assert_int_equal(set(other, "b"), OK);
    fixture_now_us += HOUR_US;
    is_unlistable = true;
    assert_int_equal(set(sleeper, "x"), ERR_OUTCOME_UNKNOWN);
    is_unlistable = false;
    assert_int_equal(set(sleeper, "y"), ERR_RETRY);
    assert_int_equal(meta_take_lead(sleeper, &diag), OK);
    assert_int_equal(set(sleeper, "z"), OK);
    meta_store_close(sleeper);
    meta_store_close(other);
    other = open_store(volume);
    assert_true(has(other, "a") && has(other, "b") && has(other, "z"));
    assert_false(has(other, "x") || has(other, "y"));
    meta_store_close(other);
    volume_close(volume);
}

static bool is_deaf;
static Status (*plain_put)(Volume *volume, const char *path, StrView bytes, Diag *diag);

/* It takes effect, and nobody hears of it. */
static Status put_unheard(Volume *volume, const char *path, StrView bytes, Diag *diag)
{
    Status status = plain_put(volume, path, bytes, is_deaf ? NULL : diag);
    return is_deaf ? RAISE(diag, IO, "no answer") : status;
}

/* A leader that hands over while it does not know what became of its batch, and takes the lead again. */
static void what_is_uncertain_at_a_hand_over_is_settled_before_a_claim(void **state)
{
    (void)state;
    Volume *volume = volume_open_memory(&environment);
    VolumeOps ops = *volume->ops;
    plain_put = ops.put_if_absent;
    ops.put_if_absent = put_unheard;
    volume->ops = &ops;
    MetaStore *store = open_store(volume);
    Diag diag = {0};
    assert_int_equal(set(store, "a"), OK);
    is_deaf = true;
    assert_int_equal(set(store, "x"), ERR_OUTCOME_UNKNOWN);
    meta_step_down(store);
    is_deaf = false;
    assert_int_equal(meta_take_lead(store, &diag), OK);
    assert_true(has(store, "x"));
    assert_int_equal(set(store, "z"), OK);
    meta_store_close(store);
    store = open_store(volume);
    assert_true(has(store, "a") && has(store, "x") && has(store, "z"));
    meta_store_close(store);
    volume_close(volume);
}

int main(void)
{
    if (log_open("/dev/null", LOG_LEVEL_ERROR, NULL) != OK)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_older_than_the_retention_goes),
        cmocka_unit_test(a_young_image_trims_nothing_and_the_newest_object_stays),
        cmocka_unit_test(who_slept_through_a_trim_is_not_told_success),
        cmocka_unit_test(a_follower_that_slept_starts_again),
        cmocka_unit_test(who_is_stopped_anywhere_in_a_commit_is_not_told_success_of_what_is_lost),
        cmocka_unit_test(a_follower_that_is_stopped_while_it_reads_starts_again),
        cmocka_unit_test(what_is_uncertain_after_a_sleep_is_settled_before_a_claim),
        cmocka_unit_test(what_is_uncertain_at_a_hand_over_is_settled_before_a_claim),
    };
    return cmocka_run_group_tests_name("meta.trim", tests, NULL, NULL);
}
