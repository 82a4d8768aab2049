/* The journal and the store over it: versions of entries, appends whose outcome is unknown, the change of leaders. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/log.h"
#include "meta/journal.h"
#include "meta/store.h"
#include "unit/meta/store_fixture.h"

typedef struct Setting {
    const char *key;
    const char *label; /* NULL: none */
    MetaStore *store;
} Setting;

static Status build_labelled(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const Setting *setting = context;
    AUTO_ARENA arena;
    LabelRecord record;
    (void)catalog;
    arena_init(&arena, NULL);
    if (setting->label != NULL && meta_label_find(setting->store, 7, strview(setting->label), &arena, &record))
        return RAISE(diag, LABEL_EXISTS, "the label was used");
    change_put_setting(change, strview(setting->key), STR_VIEW("1"));
    if (setting->label != NULL)
        change_put_label(change, 7, strview(setting->label), 8, STR_VIEW("answer"), 9);
    return OK;
}

static Status set_labelled(MetaStore *store, const char *key, const char *label)
{
    Diag diag = {0};
    Setting setting = {key, label, store};
    return meta_commit(store, build_labelled, &setting, &diag);
}

/* 0: unknown, 1: not certain, 2: durable */
static int label_state(MetaStore *store, const char *label)
{
    AUTO_ARENA arena;
    LabelRecord record;
    arena_init(&arena, NULL);
    return meta_label_find(store, 7, strview(label), &arena, &record) ? 1 + record.is_durable : 0;
}

/* ---- versions ---- */

static Status visit_nothing(void *context, const JournalEntry *entry, Diag *diag)
{
    (void)context, (void)entry, (void)diag;
    return OK;
}

static void know_all(void *context, const JournalEntry *entry, ByteBuf *out_names)
{
    (void)context, (void)entry, (void)out_names;
}

static void count_object(void *context, const char *path, uint64_t size)
{
    (void)path, (void)size;
    ++*(uint32_t *)context;
}

static uint32_t objects(Volume *volume)
{
    uint32_t count = 0;
    Diag diag = {0};
    assert_int_equal(volume->ops->list(volume, "", count_object, &count, &diag), OK);
    return count;
}

/* A volume with a journal that a later version wrote into. */
static Volume *volume_with(StrView entries, uint32_t count)
{
    Journal journal;
    JournalReader reader = {NULL, visit_nothing, know_all};
    Diag diag = {0};
    Volume *volume = volume_open_memory(&environment);
    assert_int_equal(journal_open(&journal, volume, &reader, &diag), OK);
    assert_int_equal(journal_claim(&journal, &diag), OK);
    assert_int_equal(journal_append(&journal, entries, count, &diag), OK);
    journal_close(&journal);
    return volume;
}

static void optional_entries_are_stepped_over(void **state)
{
    (void)state;
    AUTO_BYTEBUF entries = {0};
    AUTO_CHANGE change = {0};
    bytebuf_put_u8(&change.bytes, 0x80 | 77); /* an optional operation */
    bytebuf_put_sized(&change.bytes, "what", 4);
    change_put_setting(&change, STR_VIEW("config.a"), STR_VIEW("1"));
    journal_put_entry(&entries, ENTRY_OPTIONAL_BIT | 9, 1, STR_VIEW("of a later version"));
    journal_put_entry(&entries, ENTRY_CHANGE, 1, bytebuf_view(&change.bytes));
    Volume *volume = volume_with(bytebuf_view(&entries), 2);
    MetaStore *store = open_store(volume);
    assert_true(has(store, "config.a"));
    assert_int_equal(set_labelled(store, "config.b", NULL), OK);
    meta_store_close(store);
    store = open_store(volume); /* both are still there */
    assert_true(has(store, "config.a") && has(store, "config.b"));
    meta_store_close(store);
    volume_close(volume);
}

static void required_entries_stop_the_start(void **state)
{
    (void)state;
    AUTO_BYTEBUF entries = {0};
    AUTO_CHANGE change = {0};
    bytebuf_put_u8(&change.bytes, 55); /* an operation that must be understood */
    bytebuf_put_sized(&change.bytes, "what", 4);
    journal_put_entry(&entries, 9, 1, STR_VIEW("of a later version"));
    journal_put_entry(&entries, ENTRY_CHANGE, 1, bytebuf_view(&change.bytes));
    Volume *volume = volume_with(bytebuf_view(&entries), 2);
    uint32_t before = objects(volume);
    MetaStore *store;
    Diag diag = {0};
    assert_int_equal(meta_store_open(volume, &diag, &store), ERR_FORMAT_TOO_NEW);
    assert_non_null(strstr(diag.message, "2 entries"));
    assert_non_null(strstr(diag.message, "\"meta/1/journal/000000/000000000002\" entry 2: kind 9 of reader version 1"));
    assert_non_null(strstr(diag.message, "entry 3: operation 55"));
    assert_int_equal(objects(volume), before); /* nothing was touched */
    volume_close(volume);
}

/* ---- outcomes ---- */

static void an_unknown_outcome_is_settled_by_the_next_commit(void **state)
{
    const bool *lands = *state;
    Volume *volume = volume_open_memory(&environment);
    MetaStore *store = open_store(volume);
    uint64_t horizon;
    assert_int_equal(set_labelled(store, "config.a", NULL), OK);
    volume_memory_fail(volume, &(VolumeFailure){.nth = 2, .is_sticky = true, .lands_anyway = *lands}); /* the flush passes */
    assert_int_equal(set_labelled(store, "config.b", "label"), ERR_OUTCOME_UNKNOWN);
    assert_int_equal(label_state(store, "label"), 1);
    assert_false(has(store, "config.b"));
    meta_lease_horizon(store, &horizon);
    assert_int_equal(horizon, 0); /* vacuum must not judge */
    assert_int_equal(set_labelled(store, "config.c", NULL), ERR_IO); /* certainly not there */
    volume_memory_fail(volume, &(VolumeFailure){0});
    assert_int_equal(set_labelled(store, "config.d", NULL), OK);
    assert_int_equal(label_state(store, "label"), 2);
    assert_true(has(store, "config.b") && has(store, "config.d") && !has(store, "config.c"));
    assert_int_equal(set_labelled(store, "config.e", "label"), ERR_LABEL_EXISTS);
    meta_store_close(store);
    store = open_store(volume);
    assert_true(has(store, "config.b") && has(store, "config.d") && !has(store, "config.c"));
    meta_store_close(store);
    volume_close(volume);
}

static Status build_if_missing(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const char *key = context;
    (void)diag;
    if (catalog_setting(catalog, key).data == NULL)
        change_put_setting(change, strview(key), STR_VIEW("1"));
    return OK;
}

static Status set_if_missing(MetaStore *store, const char *key)
{
    Diag diag = {0};
    char name[32];
    snprintf(name, sizeof(name), "%s", key);
    return meta_commit(store, build_if_missing, name, &diag);
}

/* "It is there already" must be as certain as "it was made". */
static void what_needs_no_change_is_durable_too(void **state)
{
    const bool *lands = *state;
    Volume *volume = volume_open_memory(&environment);
    MetaStore *store = open_store(volume);
    volume_memory_fail(volume, &(VolumeFailure){.nth = 2, .is_sticky = true, .lands_anyway = *lands});
    assert_int_equal(set_labelled(store, "config.b", NULL), ERR_OUTCOME_UNKNOWN);
    assert_int_equal(set_if_missing(store, "config.b"), ERR_OUTCOME_UNKNOWN);
    volume_memory_fail(volume, &(VolumeFailure){0});
    assert_int_equal(set_if_missing(store, "config.b"), OK);
    assert_true(has(store, "config.b"));
    meta_store_close(store);
    store = open_store(volume);
    assert_true(has(store, "config.b"));
    meta_store_close(store);
    volume_close(volume);
}

static void a_label_is_free_again_after_a_failure(void **state)
{
    (void)state;
    Volume *volume = volume_open_memory(&environment);
    MetaStore *store = open_store(volume);
    volume_memory_fail(volume, &(VolumeFailure){.nth = 1}); /* the flush before the append */
    assert_int_equal(set_labelled(store, "config.a", "label"), ERR_IO);
    assert_int_equal(label_state(store, "label"), 0);
    assert_int_equal(set_labelled(store, "config.a", "label"), OK);
    assert_int_equal(label_state(store, "label"), 2);
    meta_store_close(store);
    volume_close(volume);
}

static Status forget(MetaStore *store, int64_t before_us)
{
    Diag diag = {0};
    return meta_forget_labels(store, before_us, &diag);
}

/* The label's time is 9. */
static void labels_are_forgotten_by_time(void **state)
{
    (void)state;
    Volume *volume = volume_open_memory(&environment);
    MetaStore *store = open_store(volume);
    assert_int_equal(set_labelled(store, "config.a", "label"), OK);
    uint64_t entries = meta_journal_entries(store);
    assert_int_equal(forget(store, 9), OK);
    assert_int_equal(meta_journal_entries(store), entries); /* none is that old: nothing is journaled */
    volume_memory_fail(volume, &(VolumeFailure){.nth = 1});
    assert_int_equal(forget(store, 10), ERR_IO);
    assert_int_equal(label_state(store, "label"), 2);
    volume_memory_fail(volume, &(VolumeFailure){.nth = 2, .is_sticky = true, .lands_anyway = true});
    assert_int_equal(forget(store, 10), ERR_OUTCOME_UNKNOWN);
    assert_int_equal(label_state(store, "label"), 2); /* used until it is certain */
    volume_memory_fail(volume, &(VolumeFailure){0});
    assert_int_equal(set_labelled(store, "config.b", NULL), OK);
    assert_int_equal(label_state(store, "label"), 0);
    assert_int_equal(set_labelled(store, "config.c", "label"), OK);
    meta_store_close(store);
    store = open_store(volume);
    assert_int_equal(label_state(store, "label"), 2); /* the second one */
    meta_store_close(store);
    volume_close(volume);
}

static void an_id_of_zero_is_never_committed(void **state)
{
    (void)state;
    Volume *volume = volume_open_memory(&environment);
    MetaStore *store = open_store(volume);
    volume_memory_fail(volume, &(VolumeFailure){.nth = 1, .is_sticky = true});
    assert_int_equal(meta_new_id(store), 0);
    volume_memory_fail(volume, &(VolumeFailure){0});
    CatalogSnapshot *catalog = meta_snapshot(store);
    CatalogSnapshot *next;
    AUTO_CHANGE change = {0};
    Diag diag = {0};
    change_put_database(&change, 0, STR_VIEW("d"), STR_VIEW(""));
    assert_int_equal(change_apply(catalog, bytebuf_view(&change.bytes), 99, 1, NULL, &diag, &next), ERR_IO);
    catalog_unref(catalog);
    assert_true(meta_new_id(store) > 0);
    meta_store_close(store);
    volume_close(volume);
}

/* ---- leaders ---- */

static void the_newer_store_leads(void **state)
{
    (void)state;
    Volume *volume = volume_open_memory(&environment);
    MetaStore *old = open_store(volume);
    uint64_t horizon;
    assert_int_equal(set_labelled(old, "config.a", NULL), OK);
    MetaStore *new = open_store(volume);
    assert_true(has(new, "config.a"));
    assert_int_equal(set_labelled(old, "config.b", "label"), ERR_RETRY);
    assert_int_equal(set_labelled(old, "config.b", "label"), ERR_RETRY); /* for good */
    assert_int_equal(label_state(old, "label"), 0);
    meta_lease_horizon(old, &horizon);
    assert_int_equal(horizon, 0);
    assert_true(has(old, "config.a")); /* it can still be read */
    assert_int_equal(set_labelled(new, "config.c", NULL), OK);
    meta_store_close(old);
    meta_store_close(new);
    new = open_store(volume);
    assert_true(has(new, "config.c") && !has(new, "config.b"));
    meta_store_close(new);
    volume_close(volume);
}

static void a_volume_that_refuses_writes_is_read(void **state)
{
    (void)state;
    Volume *volume = volume_open_memory(&environment);
    MetaStore *store = open_store(volume);
    assert_int_equal(set_labelled(store, "config.a", NULL), OK);
    meta_store_close(store);
    volume_memory_fail(volume, &(VolumeFailure){.nth = 1, .is_sticky = true, .spares_reads = true});
    store = open_store(volume);
    assert_true(has(store, "config.a"));
    assert_int_equal(set_labelled(store, "config.b", NULL), ERR_IO);
    volume_memory_fail(volume, &(VolumeFailure){0});
    assert_int_equal(set_labelled(store, "config.b", NULL), OK);
    meta_store_close(store);
    store = open_store(volume);
    assert_true(has(store, "config.a") && has(store, "config.b"));
    meta_store_close(store);
    volume_close(volume);
}

int main(void)
{
    static bool lands = true;
    static bool is_lost = false;
    if (log_open("/dev/null", LOG_LEVEL_ERROR, NULL) != OK)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(optional_entries_are_stepped_over),
        cmocka_unit_test(required_entries_stop_the_start),
        cmocka_unit_test_prestate(an_unknown_outcome_is_settled_by_the_next_commit, &lands),
        cmocka_unit_test_prestate(an_unknown_outcome_is_settled_by_the_next_commit, &is_lost),
        cmocka_unit_test_prestate(what_needs_no_change_is_durable_too, &lands),
        cmocka_unit_test_prestate(what_needs_no_change_is_durable_too, &is_lost),
        cmocka_unit_test(a_label_is_free_again_after_a_failure),
        cmocka_unit_test(labels_are_forgotten_by_time),
        cmocka_unit_test(an_id_of_zero_is_never_committed),
        cmocka_unit_test(the_newer_store_leads),
        cmocka_unit_test(a_volume_that_refuses_writes_is_read),
    };
    return cmocka_run_group_tests_name("meta.journal", tests, NULL, NULL);
}
