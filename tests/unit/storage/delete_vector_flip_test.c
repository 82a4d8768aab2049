/* Damage to delete vectors: every byte flipped, every truncation, a missing object, another vector in its place.
 * Each is found and named, and noted in the quarantine of the volume. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "storage/delete_vector.h"
#include "volume/quarantine.h"

static const char path[] = "data/1/007/000000000007.del";

/* bytes NULL: there is no object. */
static Status load(const ByteBuf *bytes, uint64_t count, Diag *diag, uint32_t *out_quarantined)
{
    AUTO_ARENA arena;
    DeleteVector vector;
    QuarantinedObject *objects;
    arena_init(&arena, NULL);
    Volume *volume = volume_open_memory(environment_real());
    volume->quarantine = quarantine_open(environment_real());
    if (bytes != NULL)
        assert_int_equal(volume_put(volume, path, bytebuf_view(bytes), diag), OK);
    DeleteVectorRef deletes = {.id = 7, .count = count, .path = strview(path)};
    SegmentRef segment = {.id = 5, .path = STR_VIEW("data/1/005/000000000005.seg"), .row_count = 9000, .deletes = &deletes};
    Status status = delete_vector_load(volume, &segment, &arena, diag, &vector);
    *out_quarantined = quarantine_list(volume->quarantine, &arena, &objects);
    if (*out_quarantined > 0)
        assert_true(strview_is(objects[0].path, path));
    quarantine_close(volume->quarantine);
    volume_close(volume);
    return status;
}

static void expect_found(const ByteBuf *bytes, uint64_t count, size_t position)
{
    Diag diag = {0};
    uint32_t quarantined;
    if (load(bytes, count, &diag, &quarantined) != ERR_CORRUPT)
        fail_msg("damage at %zu was not found", position);
    assert_non_null(strstr(diag.message, path));
    assert_int_equal(quarantined, 1);
}

static void make_vector(ByteBuf *out, uint32_t step, uint64_t *out_count)
{
    AUTO_ARENA arena;
    DeleteVector vector = {.rows = 9000};
    arena_init(&arena, NULL);
    for (uint32_t row = 0; row < 9000; row += 1 + row % step)
        delete_vector_add(&vector, &arena, row);
    delete_vector_encode(&vector, out);
    *out_count = vector.count;
}

static void undamaged_loads(void **state)
{
    (void)state;
    AUTO_BYTEBUF bytes = {0};
    Diag diag = {0};
    uint64_t count;
    uint32_t quarantined;
    make_vector(&bytes, 7, &count);
    assert_true(bytes.length > DELETE_VECTOR_INLINE_BYTES);
    assert_int_equal(load(&bytes, count, &diag, &quarantined), OK);
    assert_int_equal(quarantined, 0);
}

static void every_flipped_byte_is_found(void **state)
{
    static const unsigned char flips[] = {0x01, 0x80, 0xff};
    (void)state;
    AUTO_BYTEBUF bytes = {0};
    uint64_t count;
    make_vector(&bytes, 7, &count);
    for (size_t at = 0; at < bytes.length; at++) {
        for (size_t f = 0; f < COUNT_OF(flips); f++) {
            bytes.data[at] = (char)(bytes.data[at] ^ flips[f]);
            expect_found(&bytes, count, at);
            bytes.data[at] = (char)(bytes.data[at] ^ flips[f]);
        }
    }
}

static void every_truncation_is_found(void **state)
{
    (void)state;
    AUTO_BYTEBUF bytes = {0};
    uint64_t count;
    make_vector(&bytes, 7, &count);
    for (size_t whole = bytes.length; bytes.length > 0;) {
        bytes.length--;
        expect_found(&bytes, count, whole - bytes.length);
    }
}

static void another_vector_is_found(void **state)
{
    (void)state;
    AUTO_BYTEBUF bytes = {0};
    uint64_t count, other;
    AUTO_BYTEBUF ours = {0};
    make_vector(&ours, 7, &count);
    make_vector(&bytes, 9, &other);
    assert_true(count != other);
    expect_found(&bytes, count, 0);
}

static void a_missing_object_is_named(void **state)
{
    (void)state;
    Diag diag = {0};
    uint32_t quarantined;
    assert_int_equal(load(NULL, 5, &diag, &quarantined), ERR_NO_SUCH_OBJECT);
    assert_non_null(strstr(diag.message, path));
    assert_int_equal(quarantined, 1);
}

int main(void)
{
    if (log_open("/dev/null", LOG_LEVEL_ERROR, NULL) != OK)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(undamaged_loads),           cmocka_unit_test(every_flipped_byte_is_found),
        cmocka_unit_test(every_truncation_is_found), cmocka_unit_test(another_vector_is_found),
        cmocka_unit_test(a_missing_object_is_named),
    };
    return cmocka_run_group_tests_name("storage.delete_vector_flip", tests, NULL, NULL);
}
