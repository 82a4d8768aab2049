/* What every volume promises, for each kind of it; and the failures that the memory volume plays. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "volume/volume.h"

static void count_path(void *context, const char *path, uint64_t size)
{
    uint64_t *total = context;
    assert_non_null(strstr(path, "/"));
    *total += size;
}

static void check_promises(Volume *v)
{
    Diag diag = {0};
    AUTO_BYTEBUF bytes = {0};
    VolumeObject *object;
    VolumeWriter *writer;
    uint64_t total = 0;
    assert_int_equal(volume_put_if_absent(v, "a/one", STR_VIEW("first"), &diag), OK);
    assert_int_equal(volume_put_if_absent(v, "a/one", STR_VIEW("second"), NULL), ERR_OBJECT_EXISTS);
    assert_int_equal(volume_get(v, "a/one", &bytes, &diag), OK);
    assert_true(strview_is(bytebuf_view(&bytes), "first"));
    assert_int_equal(volume_get(v, "a/none", &bytes, NULL), ERR_NO_SUCH_OBJECT);
    assert_int_equal(volume_open_object(v, "none", NULL, &object), ERR_NO_SUCH_OBJECT);
    assert_int_equal(v->ops->open_writer(v, "a/b/two", &diag, &writer), OK);
    assert_int_equal(v->ops->append(writer, "12", 2, &diag), OK);
    assert_int_equal(volume_open_object(v, "a/b/two", NULL, &object), ERR_NO_SUCH_OBJECT); /* not before the commit */
    assert_int_equal(v->ops->append(writer, "345", 3, &diag), OK);
    assert_int_equal(v->ops->commit(writer, &diag), OK);
    assert_int_equal(v->ops->open_writer(v, "a/b/three", &diag, &writer), OK);
    assert_int_equal(v->ops->append(writer, "x", 1, &diag), OK);
    v->ops->abort(writer);
    assert_int_equal(volume_flush(v, &diag), OK);
    assert_int_equal(v->ops->list(v, "a", count_path, &total, &diag), OK);
    assert_int_equal(total, 10);
    total = 0;
    assert_int_equal(v->ops->list(v, "none", count_path, &total, &diag), OK);
    assert_int_equal(total, 0);
    assert_int_equal(volume_open_object(v, "a/b/two", &diag, &object), OK);
    assert_true(volume_object_is_unchanged(object));
    assert_int_equal(volume_remove(v, "a/b/two", &diag), OK);
    assert_int_equal(object->size, 5);
    assert_memory_equal(object->data, "12345", 5); /* readable as long as it is open */
    volume_close_object(object);
    assert_int_equal(volume_open_object(v, "a/b/two", NULL, &object), ERR_NO_SUCH_OBJECT);
    assert_int_equal(volume_remove(v, "a/b/two", &diag), OK); /* gone is gone */
    assert_int_equal(volume_put(v, "a/b/two", STR_VIEW("again"), &diag), OK);
}

static void memory_keeps_the_promises(void **state)
{
    (void)state;
    Volume *v = volume_open_memory(environment_real());
    check_promises(v);
    volume_close(v);
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *position)
{
    (void)info, (void)kind, (void)position;
    return remove(path);
}

static void local_keeps_the_promises(void **state)
{
    (void)state;
    char directory[] = "/tmp/volume_test.XXXXXX";
    Diag diag = {0};
    Volume *v;
    assert_non_null(mkdtemp(directory));
    assert_int_equal(volume_open_local(directory, environment_real(), &diag, &v), OK);
    check_promises(v);
    assert_int_equal(volume_put(v, "../outside", STR_VIEW("x"), NULL), ERR_IO);
    assert_int_equal(volume_put(v, "/outside", STR_VIEW("x"), NULL), ERR_IO);
    volume_close(v);
    nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static bool exists(Volume *v, const char *path)
{
    AUTO_BYTEBUF bytes = {0};
    return volume_get(v, path, &bytes, NULL) == OK;
}

static void crashes_lose_what_was_not_flushed(void **state)
{
    (void)state;
    Random random = {3};
    uint32_t lost = 0;
    for (uint32_t round = 0; round < 50; round++) {
        Diag diag = {0};
        Volume *v = volume_open_memory(environment_real());
        assert_int_equal(volume_put(v, "flushed", STR_VIEW("x"), &diag), OK);
        assert_int_equal(volume_flush(v, &diag), OK);
        assert_int_equal(volume_put(v, "not", STR_VIEW("x"), &diag), OK);
        assert_int_equal(volume_put_if_absent(v, "durable", STR_VIEW("x"), &diag), OK);
        volume_memory_crash(v, &random);
        assert_true(exists(v, "flushed"));
        assert_true(exists(v, "durable"));
        lost += !exists(v, "not");
        volume_close(v);
    }
    assert_in_range(lost, 1, 49);
}

static void writes_fail_on_demand(void **state)
{
    (void)state;
    Diag diag = {0};
    Volume *v = volume_open_memory(environment_real());
    volume_memory_fail(v, &(VolumeFailure){.nth = 2});
    assert_int_equal(volume_put(v, "one", STR_VIEW("x"), &diag), OK);
    assert_int_equal(volume_put(v, "two", STR_VIEW("x"), NULL), ERR_IO);
    assert_false(exists(v, "two"));
    assert_int_equal(volume_put(v, "two", STR_VIEW("x"), &diag), OK);
    volume_memory_fail(v, &(VolumeFailure){.nth = 1, .lands_anyway = true});
    assert_int_equal(volume_put(v, "three", STR_VIEW("x"), NULL), ERR_IO);
    assert_true(exists(v, "three"));
    volume_close(v);
}

static uint32_t mappings(void)
{
    char line[4096];
    uint32_t count = 0;
    FILE *file = fopen("/proc/self/maps", "re");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL)
        count++;
    fclose(file);
    return count;
}

static Volume *open_scratch(char *directory)
{
    Diag diag = {0};
    Volume *v;
    assert_non_null(mkdtemp(directory));
    assert_int_equal(volume_open_local(directory, environment_real(), &diag, &v), OK);
    return v;
}

/* More objects than a process may have mappings. */
static void many_objects_are_open_at_once(void **state)
{
    enum { OBJECTS = 33000 };
    static VolumeObject *objects[OBJECTS];
    (void)state;
    Diag diag = {0};
    char directory[] = "/tmp/volume_test.XXXXXX";
    Volume *v = open_scratch(directory);
    for (uint32_t i = 0; i < OBJECTS; i++) {
        char path[64];
        snprintf(path, sizeof(path), "%s/small%u", directory, i);
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        assert_int_equal(fputs("small bytes", file) >= 0, 1);
        fclose(file);
        assert_int_equal(volume_open_object(v, strrchr(path, '/') + 1, &diag, &objects[i]), OK);
    }
    assert_in_range(mappings(), 29000, 31000);
    for (uint32_t i = 0; i < OBJECTS; i++) {
        assert_int_equal(objects[i]->size, 11);
        assert_memory_equal(objects[i]->data, "small bytes", 11);
        assert_true(volume_object_is_unchanged(objects[i]));
        volume_close_object(objects[i]);
    }
    assert_true(mappings() < 2000);
    volume_close(v);
    nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* Segments of many tablets lie in one object, which is too large to be copied. */
static void an_object_is_mapped_once(void **state)
{
    enum { OPENS = 100000 };
    static VolumeObject *objects[OPENS];
    (void)state;
    Diag diag = {0};
    char directory[] = "/tmp/volume_test.XXXXXX";
    Volume *v = open_scratch(directory);
    char *large = mem_alloc_zero(1 << 20);
    memcpy(large, "large bytes", 11);
    assert_int_equal(volume_put(v, "large", strview_n(large, 1 << 20), &diag), OK);
    for (uint32_t i = 0; i < OPENS; i++)
        assert_int_equal(volume_open_object(v, "large", &diag, &objects[i]), OK);
    assert_true(mappings() < 2000);
    for (uint32_t i = 0; i < OPENS; i++) {
        assert_memory_equal(objects[i]->data, "large bytes", 11);
        volume_close_object(objects[i]);
    }
    mem_free(large);
    volume_close(v);
    nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* A file that was replaced under its name is another object. */
static void another_file_is_not_shared(void **state)
{
    (void)state;
    Diag diag = {0};
    VolumeObject *old, *new;
    char directory[] = "/tmp/volume_test.XXXXXX";
    Volume *v = open_scratch(directory);
    assert_int_equal(volume_put(v, "o", STR_VIEW("first"), &diag), OK);
    assert_int_equal(volume_open_object(v, "o", &diag, &old), OK);
    assert_int_equal(volume_remove(v, "o", &diag), OK);
    assert_int_equal(volume_put(v, "o", STR_VIEW("other"), &diag), OK);
    assert_int_equal(volume_open_object(v, "o", &diag, &new), OK);
    assert_memory_equal(old->data, "first", 5);
    assert_memory_equal(new->data, "other", 5);
    assert_false(volume_object_is_unchanged(old));
    volume_close_object(old);
    assert_memory_equal(new->data, "other", 5);
    volume_close_object(new);
    volume_close(v);
    nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_keeps_the_promises),
        cmocka_unit_test(local_keeps_the_promises),
        cmocka_unit_test(crashes_lose_what_was_not_flushed),
        cmocka_unit_test(writes_fail_on_demand),
        cmocka_unit_test(many_objects_are_open_at_once),
        cmocka_unit_test(an_object_is_mapped_once),
        cmocka_unit_test(another_file_is_not_shared),
    };
    return cmocka_run_group_tests_name("volume", tests, NULL, NULL);
}
