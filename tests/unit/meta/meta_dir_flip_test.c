/* Damage to a meta directory: every byte of every object flipped, every truncation, an object missing. What comes out is the state that
 * was carried away, or an error that names the object; never another state. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "meta/checkpoint.h"
#include "meta/meta_dir.h"
#include "unit/meta/store_fixture.h"

enum { MOST_OBJECTS = 24 };

typedef struct Copy {
    char path[96];
    ByteBuf bytes;
} Copy;

static Copy objects[MOST_OBJECTS];
static uint32_t object_count;
static ByteBuf expected; /* an image of the state */

static void collect(void *context, const char *path, uint64_t size)
{
    (void)context, (void)size;
    assert_true(object_count < MOST_OBJECTS);
    snprintf(objects[object_count++].path, sizeof(objects[0].path), "%s", path);
}

static Status print_content(Volume *directory, ByteBuf *out, Diag *diag)
{
    ImageContent content CLEANUP(image_content_deinit);
    image_content_init(&content);
    TRY(meta_dir_content(directory, diag, &content));
    content.head = (ImageHead){.entry_id = content.head.entry_id};
    image_write(&content, out);
    return OK;
}

static int set_up(void **state)
{
    (void)state;
    Volume *volume = volume_open_memory(&environment), *directory = volume_open_memory(&environment);
    MetaStore *store = open_store(volume);
    Diag diag = {0};
    ImageReport report;
    MetaDirNode node = {"127.0.0.1", 9010};
    assert_int_equal(set(store, "config.a"), OK);
    MetaDir *mirror = meta_dir_open(directory, store, &node);
    assert_int_equal(meta_create_image(store, &diag, &report), OK);
    assert_int_equal(set(store, "config.b"), OK);
    assert_int_equal(set(store, "config.c"), OK);
    assert_int_equal(meta_dir_update(mirror, &diag), OK);
    meta_dir_close(mirror);
    meta_store_close(store);
    assert_int_equal(directory->ops->list(directory, "image", collect, NULL, &diag), OK);
    assert_int_equal(directory->ops->list(directory, "bdb", collect, NULL, &diag), OK);
    for (uint32_t i = 0; i < object_count; i++)
        assert_int_equal(volume_get(directory, objects[i].path, &objects[i].bytes, &diag), OK);
    assert_int_equal(print_content(directory, &expected, &diag), OK);
    volume_close(directory);
    volume_close(volume);
    assert_true(object_count >= 6); /* ROLE, VERSION, the image, its checksum and place, the record, the journal */
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < object_count; i++)
        bytebuf_deinit(&objects[i].bytes);
    bytebuf_deinit(&expected);
    return 0;
}

/* True: an error that names the object. False: the state came out as it was. */
static bool is_refused(uint32_t damaged, const StrView *bytes, size_t position)
{
    Volume *directory = volume_open_memory(&environment);
    AUTO_BYTEBUF found = {0};
    Diag diag = {0};
    for (uint32_t i = 0; i < object_count; i++) {
        StrView content = i == damaged && bytes != NULL ? *bytes : bytebuf_view(&objects[i].bytes);
        if (i != damaged || bytes != NULL)
            assert_int_equal(volume_put(directory, objects[i].path, content, &diag), OK);
    }
    Status status = print_content(directory, &found, &diag);
    const char *path = objects[damaged].path;
    volume_close(directory);
    if (status == OK) {
        if (!strview_equal(bytebuf_view(&found), bytebuf_view(&expected)))
            fail_msg("damage at %zu of %s gave another state", position, path);
        return false;
    }
    const char *name = strrchr(path, '/') + 1; /* records and batches are checked where they would lie in a volume */
    bool is_named = strstr(diag.message, name) != NULL || strstr(diag.message, "meta/") != NULL;
    if ((status != ERR_CORRUPT && status != ERR_FORMAT_TOO_NEW && status != ERR_NO_SUCH_OBJECT) || (bytes != NULL && !is_named))
        fail_msg("damage at %zu of %s gave status %d: %s", position, path, (int)status, diag.message);
    return true;
}

static void every_flip_and_every_cut_is_found_or_does_no_harm(void **state)
{
    (void)state;
    uint32_t refused = 0;
    for (uint32_t i = 0; i < object_count; i++) {
        ByteBuf *bytes = &objects[i].bytes;
        bool decides = strncmp(objects[i].path, "image/v2/image.", 15) == 0 || strncmp(objects[i].path, "bdb/", 4) == 0 ||
                       strncmp(objects[i].path, "image/incarnation.", 18) == 0;
        for (size_t at = 0; at < bytes->length; at++) {
            bytes->data[at] = (char)(bytes->data[at] ^ 1 << at % 8);
            StrView flipped = bytebuf_view(bytes), cut = strview_n(bytes->data, at);
            bool is_found = is_refused(i, &flipped, at);
            bytes->data[at] = (char)(bytes->data[at] ^ 1 << at % 8);
            is_found = is_refused(i, &cut, at) && is_found;
            refused += is_found;
            if (decides && !is_found)
                fail_msg("damage at %zu of %s was not found", at, objects[i].path);
        }
        if (strncmp(objects[i].path, "bdb/", 4) != 0) /* without the last of the journal it is an earlier state */
            (void)is_refused(i, NULL, 0);
    }
    assert_true(refused > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flip_and_every_cut_is_found_or_does_no_harm),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
