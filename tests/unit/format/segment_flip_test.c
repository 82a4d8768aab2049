/* Damage to segments: every byte flipped, every truncation. Each is found before a wrong value gets out,
 * the error names the object, and nothing is read outside (the asan variant sees to that). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/format_level.h"
#include "base/log.h"
#include "unit/format/segment_samples.h"

typedef struct Outcome {
    uint32_t refused_at_open;
    uint32_t refused_at_read;
} Outcome;

/* bytes: what lies on the volume; ref: what metadata says. */
static void expect_found(const ByteBuf *bytes, const SegmentRef *ref, size_t position, Outcome *outcome)
{
    Volume *volume = volume_open_memory(environment_real());
    Segment *segment;
    Diag diag = {0};
    uint64_t rows, wrong;
    assert_int_equal(volume_put(volume, "data/1/sample.seg", bytebuf_view(bytes), &diag), OK);
    Status status = segment_open(volume, ref, &diag, &segment);
    if (status == OK) {
        status = sample_check(segment, &rows, &wrong, &diag);
        segment_close(segment);
        outcome->refused_at_read += status != OK;
    } else {
        outcome->refused_at_open++;
    }
    if (status == OK)
        fail_msg("damage at %zu of %zu was not found", position, bytes->length);
    if (status != ERR_CORRUPT && status != ERR_FORMAT_TOO_NEW)
        fail_msg("damage at %zu gave status %d: %s", position, (int)status, diag.message);
    assert_non_null(strstr(diag.message, "data/1/sample.seg"));
    volume_close(volume);
}

static void flip_all(uint32_t rows, size_t step, Outcome *outcome)
{
    AUTO_BYTEBUF bytes = {0};
    SegmentRef ref;
    Diag diag = {0};
    static const unsigned char flips[] = {0x01, 0x80, 0xff};
    assert_int_equal(sample_write(rows, &bytes, &ref, &diag), OK);
    for (size_t i = 0; i < bytes.length; i += step) {
        for (size_t f = 0; f < COUNT_OF(flips); f++) {
            bytes.data[i] = (char)(bytes.data[i] ^ flips[f]);
            expect_found(&bytes, &ref, i, outcome);
            bytes.data[i] = (char)(bytes.data[i] ^ flips[f]);
        }
    }
}

static void every_flipped_byte_is_found(void **state)
{
    (void)state;
    Outcome outcome = {0};
    flip_all(40, 1, &outcome);
    assert_true(outcome.refused_at_open > 100); /* footer and tail */
    assert_true(outcome.refused_at_read > 100); /* pages and dictionaries */
}

/* No version of the tail becomes another one that is read. */
static void flips_at_the_newest_level_are_found(void **state)
{
    (void)state;
    Outcome outcome = {0};
    format_level_set_written(format_level_supported());
    flip_all(40, 1, &outcome);
    format_level_set_written(1);
    assert_true(outcome.refused_at_open > 100);
}

static void flips_in_all_encodings_are_found(void **state)
{
    (void)state;
    Outcome outcome = {0};
    flip_all(9000, 3989, &outcome);
    assert_true(outcome.refused_at_read > 50);
}

static void every_truncation_is_found(void **state)
{
    (void)state;
    AUTO_BYTEBUF bytes = {0};
    SegmentRef ref;
    Diag diag = {0};
    Outcome outcome = {0};
    assert_int_equal(sample_write(40, &bytes, &ref, &diag), OK);
    size_t whole = bytes.length;
    for (size_t length = 0; length < whole; length++) {
        SegmentRef short_ref = ref;
        short_ref.length = length;
        bytes.length = length;
        expect_found(&bytes, &ref, length, &outcome);
        expect_found(&bytes, &short_ref, length, &outcome);
    }
    assert_int_equal(outcome.refused_at_open, whole * 2);
}

static void a_missing_object_is_named(void **state)
{
    (void)state;
    Volume *volume = volume_open_memory(environment_real());
    SegmentRef ref = {.id = 1, .path = STR_VIEW("data/1/sample.seg"), .length = 1000, .row_count = 1};
    Segment *segment;
    Diag diag = {0};
    assert_int_equal(segment_open(volume, &ref, &diag, &segment), ERR_NO_SUCH_OBJECT);
    assert_non_null(strstr(diag.message, "data/1/sample.seg"));
    volume_close(volume);
}

int main(void)
{
    if (log_open("/dev/null", LOG_LEVEL_ERROR, NULL) != OK) /* a line for each damage */
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_byte_is_found),
        cmocka_unit_test(flips_at_the_newest_level_are_found),
        cmocka_unit_test(flips_in_all_encodings_are_found),
        cmocka_unit_test(every_truncation_is_found),
        cmocka_unit_test(a_missing_object_is_named),
    };
    return cmocka_run_group_tests_name("format.segment_flip", tests, NULL, NULL);
}
