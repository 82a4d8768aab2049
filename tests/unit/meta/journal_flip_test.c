/* Damage to the journal: every byte of every object flipped, every truncation, a missing batch. The start is
 * refused with the object's name; a catalog that differs from what was committed never comes out. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "meta/store.h"

enum { MOST_OBJECTS = 16 };

typedef struct Copy {
    char path[96];
    ByteBuf bytes;
} Copy;

typedef struct Fixture {
    Copy objects[MOST_OBJECTS];
    uint32_t count;
} Fixture;

static Status build(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const uint32_t *step = context;
    (void)catalog;
    (void)diag;
    TableColumn column = {.unique_id = 1, .name = STR_VIEW("k"), .type = type_of(TYPE_INT)};
    TableSchema schema = {.columns = &column, .column_count = 1, .next_unique_id = 2, .buckets = 1, .is_random = true};
    TabletVersion tablet = {.id = 44};
    CatalogPartition partition = {.id = 33, .name = STR_VIEW("p"), .tablets = &tablet, .tablet_count = 1};
    SegmentRef segment = {.id = 55, .path = STR_VIEW("data/1/055/000000000055.seg"), .length = 1000, .row_count = 10};
    NewSegments fresh = {33, 44, &segment, 1};
    if (*step == 0) {
        change_put_database(change, 11, STR_VIEW("db"), STR_VIEW("a comment"));
        change_put_table(change, 22, 11, STR_VIEW("t"), &schema);
        change_put_partition(change, 22, &schema, &partition);
    } else if (*step == 1) {
        change_publish(change, 22, &fresh, 1);
        change_put_label(change, 11, STR_VIEW("label"), 7, STR_VIEW("answer"), 123456);
    } else {
        change_put_setting(change, STR_VIEW("variable.x"), STR_VIEW("1"));
    }
    return OK;
}

static Fixture *collecting;
static Volume *collected;

static void collect(void *context, const char *path, uint64_t size)
{
    (void)context;
    (void)size;
    assert_true(collecting->count < MOST_OBJECTS);
    snprintf(collecting->objects[collecting->count++].path, sizeof(collecting->objects[0].path), "%s", path);
}

static int set_up(void **state)
{
    static Fixture fixture;
    MetaStore *store;
    Diag diag = {0};
    collecting = &fixture;
    collected = volume_open_memory(environment_real());
    assert_int_equal(meta_store_open(collected, &diag, &store), OK);
    for (uint32_t step = 0; step < 3; step++)
        assert_int_equal(meta_commit(store, build, &step, &diag), OK);
    meta_store_close(store);
    assert_int_equal(collected->ops->list(collected, "meta", collect, NULL, &diag), OK);
    for (uint32_t i = 0; i < fixture.count; i++)
        assert_int_equal(volume_get(collected, fixture.objects[i].path, &fixture.objects[i].bytes, &diag), OK);
    volume_close(collected);
    assert_true(fixture.count >= 5); /* the incarnation, the epoch and three changes */
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;
    for (uint32_t i = 0; i < fixture->count; i++)
        bytebuf_deinit(&fixture->objects[i].bytes);
    return 0;
}

/* A volume with all objects; number damaged (UINT32_MAX: none) has other bytes, or is left out. */
static Status open_with(const Fixture *f, uint32_t damaged, const StrView *bytes, Diag *diag)
{
    Volume *volume = volume_open_memory(environment_real());
    MetaStore *store;
    for (uint32_t i = 0; i < f->count; i++) {
        StrView content = i == damaged && bytes != NULL ? *bytes : bytebuf_view(&f->objects[i].bytes);
        if (i != damaged || bytes != NULL)
            assert_int_equal(volume_put(volume, f->objects[i].path, content, diag), OK);
    }
    Status status = meta_store_open(volume, diag, &store);
    if (status == OK)
        meta_store_close(store);
    volume_close(volume);
    return status;
}

static void expect_refused(const Fixture *f, uint32_t damaged, const StrView *bytes, size_t position)
{
    Diag diag = {0};
    Status status = open_with(f, damaged, bytes, &diag);
    const char *path = f->objects[damaged].path;
    if (status == OK)
        fail_msg("damage at %zu of %s was not found", position, path);
    if (status != ERR_CORRUPT && status != ERR_FORMAT_TOO_NEW)
        fail_msg("damage at %zu of %s gave status %d: %s", position, path, (int)status, diag.message);
    if (bytes != NULL && strstr(diag.message, path) == NULL)
        fail_msg("damage at %zu of %s gave an error without its name: %s", position, path, diag.message);
}

static void undamaged_opens(void **state)
{
    Diag diag = {0};
    assert_int_equal(open_with(*state, UINT32_MAX, NULL, &diag), OK);
}

static void every_flipped_byte_is_found(void **state)
{
    const Fixture *f = *state;
    static const unsigned char flips[] = {0x01, 0x80, 0xff};
    for (uint32_t i = 0; i < f->count; i++) {
        AUTO_BYTEBUF bytes = {0};
        bytebuf_append_view(&bytes, bytebuf_view(&f->objects[i].bytes));
        for (size_t at = 0; at < bytes.length; at++) {
            for (size_t flip = 0; flip < COUNT_OF(flips); flip++) {
                bytes.data[at] = (char)(bytes.data[at] ^ flips[flip]);
                StrView view = bytebuf_view(&bytes);
                expect_refused(f, i, &view, at);
                bytes.data[at] = (char)(bytes.data[at] ^ flips[flip]);
            }
        }
    }
}

static void every_truncation_is_found(void **state)
{
    const Fixture *f = *state;
    for (uint32_t i = 0; i < f->count; i++) {
        for (size_t length = 0; length < f->objects[i].bytes.length; length++) {
            StrView view = strview_n(f->objects[i].bytes.data, length);
            expect_refused(f, i, &view, length);
        }
    }
}

/* All but the newest: without that one the journal is only shorter. */
static void a_missing_batch_is_found(void **state)
{
    const Fixture *f = *state;
    for (uint32_t i = 0; i < f->count; i++) {
        const char *last = strrchr(f->objects[i].path, '/') + 1;
        if (strstr(f->objects[i].path, "/journal/") == NULL || strcmp(last, "000000000004") >= 0)
            continue;
        Diag diag = {0};
        Status status = open_with(f, i, NULL, &diag);
        assert_int_equal(status, ERR_CORRUPT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(undamaged_opens),
        cmocka_unit_test(every_flipped_byte_is_found),
        cmocka_unit_test(every_truncation_is_found),
        cmocka_unit_test(a_missing_batch_is_found),
    };
    return cmocka_run_group_tests_name("meta.journal_flip", tests, set_up, tear_down);
}
