/* The cache of segments: limits, pins, forgotten objects, and readers that come together. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/thread.h"
#include "exec/exec.h"
#include "unit/format/segment_samples.h"

enum { SEGMENTS = 20 };

typedef struct Fixture {
    Volume *volume;
    SegmentRef refs[SEGMENTS];
    char paths[SEGMENTS][32];
} Fixture;

static int set_up(void **state)
{
    static Fixture f;
    Diag diag = {0};
    f.volume = volume_open_memory(environment_real());
    for (uint32_t i = 0; i < SEGMENTS; i++) {
        AUTO_BYTEBUF bytes = {0};
        assert_int_equal(sample_write(100, &bytes, &f.refs[i], &diag), OK);
        snprintf(f.paths[i], sizeof(f.paths[i]), "data/1/%03u.seg", i);
        f.refs[i].id = i + 1;
        f.refs[i].path = strview(f.paths[i]);
        assert_int_equal(volume_put(f.volume, f.paths[i], bytebuf_view(&bytes), &diag), OK);
    }
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    volume_close(((Fixture *)*state)->volume);
    return 0;
}

static void unused_ones_go_at_the_limit(void **state)
{
    Fixture *f = *state;
    MemTracker parent;
    SegmentCacheStats stats;
    Segment *segment;
    Diag diag = {0};
    mem_tracker_init(&parent, NULL, "test", 0);
    SegmentCache *cache = segment_cache_open(f->volume, &parent, 1); /* nothing unused fits */
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < SEGMENTS; i++) {
            assert_int_equal(segment_cache_get(cache, &f->refs[i], &diag, &segment), OK);
            segment_cache_release(cache, segment);
        }
    }
    segment_cache_stats(cache, &stats);
    assert_int_equal(stats.segments, 0);
    assert_int_equal(stats.bytes, 0);
    assert_int_equal(stats.misses, 2 * SEGMENTS);
    assert_int_equal(stats.evictions, 2 * SEGMENTS);
    assert_int_equal(mem_used(&parent), 0);
    segment_cache_close(cache);
}

static void pins_hold_and_hits_share(void **state)
{
    Fixture *f = *state;
    SegmentCacheStats stats;
    Segment *segments[SEGMENTS];
    Segment *again;
    Diag diag = {0};
    uint64_t rows, wrong;
    SegmentCache *cache = segment_cache_open(f->volume, NULL, 1);
    for (uint32_t i = 0; i < SEGMENTS; i++)
        assert_int_equal(segment_cache_get(cache, &f->refs[i], &diag, &segments[i]), OK);
    assert_int_equal(segment_cache_get(cache, &f->refs[3], &diag, &again), OK);
    assert_ptr_equal(again, segments[3]);
    for (uint32_t i = 0; i < SEGMENTS; i++) {
        assert_int_equal(sample_check(segments[i], &rows, &wrong, &diag), OK);
        assert_int_equal(rows, 100);
        assert_int_equal(wrong, 0);
        segment_cache_release(cache, segments[i]);
    }
    segment_cache_stats(cache, &stats);
    assert_int_equal(stats.segments, 1); /* number 3 is still in use */
    assert_true(stats.bytes > 0);
    assert_int_equal(sample_check(again, &rows, &wrong, &diag), OK);
    segment_cache_release(cache, again);
    segment_cache_stats(cache, &stats);
    assert_int_equal(stats.segments, 0);
    assert_int_equal(stats.hits, 1);
    segment_cache_close(cache);
}

static void forgotten_ones_close_with_the_last_pin(void **state)
{
    Fixture *f = *state;
    SegmentCacheStats stats;
    Segment *a, *b;
    Diag diag = {0};
    uint64_t rows, wrong;
    SegmentCache *cache = segment_cache_open(f->volume, NULL, 1 << 30);
    assert_int_equal(segment_cache_get(cache, &f->refs[0], &diag, &a), OK);
    assert_int_equal(segment_cache_get(cache, &f->refs[1], &diag, &b), OK);
    segment_cache_release(cache, b);
    segment_cache_forget(cache, f->refs[0].path);
    segment_cache_forget(cache, f->refs[1].path);
    segment_cache_stats(cache, &stats);
    assert_int_equal(stats.segments, 1);
    assert_int_equal(sample_check(a, &rows, &wrong, &diag), OK);
    segment_cache_release(cache, a);
    segment_cache_stats(cache, &stats);
    assert_int_equal(stats.segments, 0);
    segment_cache_close(cache);
}

typedef struct Reader {
    Fixture *fixture;
    SegmentCache *cache;
    uint32_t seed;
    uint64_t wrong;
} Reader;

static void read_many(void *argument)
{
    Reader *reader = argument;
    Random random = {reader->seed};
    for (uint32_t i = 0; i < 300; i++) {
        Segment *segment;
        Diag diag = {0};
        uint64_t rows, wrong;
        const SegmentRef *ref = &reader->fixture->refs[random_next(&random) % SEGMENTS];
        if (segment_cache_get(reader->cache, ref, &diag, &segment) != OK) {
            reader->wrong++;
            continue;
        }
        if (sample_check(segment, &rows, &wrong, &diag) != OK || rows != 100)
            wrong = 1;
        reader->wrong += wrong;
        segment_cache_release(reader->cache, segment);
    }
}

static void readers_come_together(void **state)
{
    Fixture *f = *state;
    Thread threads[4];
    Reader readers[4];
    Diag diag = {0};
    SegmentCacheStats stats;
    SegmentCache *cache = segment_cache_open(f->volume, NULL, 100000);
    for (uint32_t t = 0; t < 4; t++) {
        readers[t] = (Reader){f, cache, t + 1, 0};
        assert_int_equal(thread_start(&threads[t], "reader", read_many, &readers[t], &diag), OK);
    }
    for (uint32_t t = 0; t < 4; t++) {
        thread_join(&threads[t]);
        assert_int_equal(readers[t].wrong, 0);
    }
    segment_cache_stats(cache, &stats);
    assert_true(stats.bytes <= 100000);
    assert_true(stats.hits > 0);
    segment_cache_close(cache);
}

/* A local volume whose files someone else changes while they are open. */
static void files_changed_underneath_are_noticed(void **state)
{
    (void)state;
    char directory[] = "/tmp/segment_cache_test.XXXXXX";
    char file[128];
    Volume *volume;
    Diag diag = {0};
    SegmentRef ref;
    Segment *segment, *again;
    uint64_t rows, wrong;
    AUTO_BYTEBUF bytes = {0};
    assert_non_null(mkdtemp(directory));
    assert_int_equal(volume_open_local(directory, environment_real(), &diag, &volume), OK);
    assert_int_equal(sample_write(9000, &bytes, &ref, &diag), OK);
    assert_int_equal(volume_put(volume, "data/1/sample.seg", bytebuf_view(&bytes), &diag), OK);
    snprintf(file, sizeof(file), "%s/data/1/sample.seg", directory);
    SegmentCache *cache = segment_cache_open(volume, NULL, 1 << 30);
    assert_int_equal(segment_cache_get(cache, &ref, &diag, &segment), OK);
    assert_int_equal(sample_check(segment, &rows, &wrong, &diag), OK);
    /* A flipped byte: whoever gets the segment from now on reads it anew. */
    int fd = open(file, O_RDWR);
    char byte = (char)(bytes.data[5] ^ 1);
    assert_int_equal(pwrite(fd, &byte, 1, 5), 1);
    env_sleep_us(environment_real(), 150000);
    assert_int_equal(segment_cache_get(cache, &ref, &diag, &again), OK);
    assert_ptr_not_equal(again, segment);
    assert_int_equal(sample_check(again, &rows, &wrong, &diag), ERR_CORRUPT);
    segment_cache_release(cache, again);
    assert_int_equal(pwrite(fd, &bytes.data[5], 1, 5), 1);
    /* Cut short: whoever has it open hears so. */
    diag_reset(&diag);
    env_sleep_us(environment_real(), 150000);
    assert_int_equal(segment_cache_get(cache, &ref, &diag, &again), OK);
    assert_int_equal(sample_check(again, &rows, &wrong, &diag), OK);
    Segment *beside; /* in the same mapping */
    assert_int_equal(segment_open(volume, &ref, &diag, &beside), OK);
    assert_int_equal(sample_check(beside, &rows, &wrong, &diag), OK);
    assert_int_equal(ftruncate(fd, 100), 0);
    assert_int_equal(sample_check(again, &rows, &wrong, &diag), ERR_CORRUPT);
    assert_non_null(strstr(diag.message, "data/1/sample.seg"));
    diag_reset(&diag);
    assert_int_equal(sample_check(beside, &rows, &wrong, &diag), ERR_CORRUPT);
    assert_non_null(strstr(diag.message, "became shorter"));
    segment_close(beside);
    segment_cache_release(cache, again);
    segment_cache_release(cache, segment);
    env_sleep_us(environment_real(), 150000);
    diag_reset(&diag);
    assert_int_equal(segment_cache_get(cache, &ref, &diag, &again), ERR_CORRUPT);
    segment_cache_close(cache);
    close(fd);
    assert_int_equal(volume_remove(volume, "data/1/sample.seg", &diag), OK);
    volume_close(volume);
    snprintf(file, sizeof(file), "%s/data/1", directory);
    assert_int_equal(rmdir(file), 0);
    snprintf(file, sizeof(file), "%s/data", directory);
    assert_int_equal(rmdir(file), 0);
    assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unused_ones_go_at_the_limit),
        cmocka_unit_test(pins_hold_and_hits_share),
        cmocka_unit_test(forgotten_ones_close_with_the_last_pin),
        cmocka_unit_test(readers_come_together),
        cmocka_unit_test(files_changed_underneath_are_noticed),
    };
    return cmocka_run_group_tests_name("exec.segment_cache", tests, set_up, tear_down);
}
