/* The block cache over a source whose bytes are known: what is fetched, how often, what stays, what a restart finds,
 * and readers on many threads while blocks come and go. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/thread.h"
#include "volume/block_cache.h"

enum { BLOCK = 64 << 10, MIB = 1 << 20, OBJECT_BYTES = 5 * MIB + 1000 };

typedef struct Fixture {
    BlockCache *cache;
    BlockSource source;
    char directory[64];
    _Atomic uint32_t tails, ranges;
    _Atomic uint64_t bytes;
    _Atomic bool fails;
} Fixture;

/* What object p has at offset i. */
static char byte_of(const char *path, uint64_t i)
{
    return (char)(i * 31 + i / 251 + (uint64_t)path[strlen(path) - 1]);
}

static void fill(const char *path, uint64_t offset, uint64_t length, ByteBuf *out)
{
    for (uint64_t i = 0; i < length; i++)
        bytebuf_append_char(out, byte_of(path, offset + i));
}

static Status tail(void *context, const char *path, uint64_t length, ByteBuf *out_bytes, uint64_t *out_size, Diag *diag)
{
    Fixture *f = context;
    f->tails++;
    if (f->fails || path[0] == '-')
        return RAISE(diag, NO_SUCH_OBJECT, "no object");
    *out_size = path[0] == 's' ? 100 : path[0] == '0' ? 0 : OBJECT_BYTES;
    length = MIN(length, *out_size);
    fill(path, *out_size - length, length, out_bytes);
    return OK;
}

static Status range(void *context, const char *path, uint64_t offset, uint64_t length, ByteBuf *out_bytes, Diag *diag)
{
    Fixture *f = context;
    f->ranges++;
    f->bytes += length;
    if (f->fails)
        return RAISE(diag, IO, "an error was asked for");
    fill(path, offset, length, out_bytes);
    return OK;
}

static void open_cache(Fixture *f, int64_t disk_bytes, int64_t memory_bytes)
{
    Diag diag = {0};
    BlockCacheOptions options = {.directory = f->directory, .disk_bytes = disk_bytes, .memory_bytes = memory_bytes, .threads = 4,
                                 .memory = mem_process_tracker(), .environment = environment_real()};
    f->source = (BlockSource){f, tail, range, 77};
    if (block_cache_open(&options, &diag, &f->cache) != OK)
        fail_msg("%s", diag.message);
}

static int set_up(void **state)
{
    Fixture *f = mem_alloc_zero(sizeof(*f));
    snprintf(f->directory, sizeof(f->directory), "/tmp/block-cache.XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    open_cache(f, 100 * MIB, 100 * MIB);
    *state = f;
    return 0;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

static int tear_down(void **state)
{
    Fixture *f = *state;
    block_cache_close(f->cache);
    nftw(f->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    mem_free(f);
    return 0;
}

static BlockObject *open_object(Fixture *f, const char *path)
{
    BlockObject *object;
    Diag diag = {0};
    if (block_object_open(f->cache, &f->source, path, &diag, &object) != OK)
        fail_msg("%s", diag.message);
    return object;
}

static void assert_bytes(BlockObject *object, const char *path, uint64_t offset, uint64_t length)
{
    Diag diag = {0};
    if (block_object_pin(object, offset, length, &diag) != OK)
        fail_msg("%s", diag.message);
    for (uint64_t i = 0; i < length; i++) {
        if ((char)block_object_data(object)[offset + i] != byte_of(path, offset + i))
            fail_msg("byte %llu of %s is wrong", (unsigned long long)(offset + i), path);
    }
    block_object_unpin(object, offset, length);
}

static void blocks_are_fetched_once(void **state)
{
    Fixture *f = *state;
    BlockObject *a = open_object(f, "a"), *again = open_object(f, "a");
    assert_ptr_equal(a, again);
    assert_int_equal(f->tails, 1);
    assert_int_equal(block_object_size(a), OBJECT_BYTES);
    assert_bytes(a, "a", OBJECT_BYTES - 50, 50); /* came with the size */
    assert_int_equal(f->ranges, 0);
    assert_bytes(a, "a", 3 * BLOCK - 10, 20);
    assert_int_equal(f->ranges, 1);
    assert_int_equal(f->bytes, 2 * BLOCK);
    assert_bytes(a, "a", 2 * BLOCK, 2 * BLOCK);
    assert_int_equal(f->ranges, 1);
    assert_bytes(a, "a", 0, OBJECT_BYTES);
    uint32_t requests = f->ranges;
    assert_in_range(requests, 3, 4); /* around what is there, at most 4 MiB at once */
    assert_bytes(a, "a", 0, OBJECT_BYTES);
    assert_int_equal(f->ranges, requests);
    assert_int_equal(block_object_pin(a, OBJECT_BYTES - 1, 2, NULL), ERR_CORRUPT);
    block_object_close(a);
    block_object_close(again);
    a = open_object(f, "a"); /* and the closed object is still known */
    assert_bytes(a, "a", 0, OBJECT_BYTES);
    assert_int_equal(f->tails, 1);
    assert_int_equal(f->ranges, requests);
    block_object_close(a);
}

static void small_empty_and_missing_objects(void **state)
{
    Fixture *f = *state;
    BlockObject *object;
    BlockObject *small = open_object(f, "s"), *empty = open_object(f, "0");
    assert_bytes(small, "s", 0, 100);
    assert_bytes(empty, "0", 0, 0);
    assert_int_equal(f->ranges, 0);
    assert_int_equal(block_object_open(f->cache, &f->source, "-", NULL, &object), ERR_NO_SUCH_OBJECT);
    block_object_close(small);
    block_object_close(empty);
}

static void failures_reach_the_reader_and_pass(void **state)
{
    Fixture *f = *state;
    VolumeRange ahead = {0, MIB};
    BlockObject *a = open_object(f, "a");
    f->fails = true;
    block_object_prefetch(a, &ahead, 1);
    assert_int_equal(block_object_pin(a, 0, 100, NULL), ERR_IO);
    f->fails = false;
    assert_bytes(a, "a", 0, MIB);
    block_object_close(a);
}

static void ranges_ahead_are_merged(void **state)
{
    Fixture *f = *state;
    /* Gaps of up to four blocks are fetched as well. */
    VolumeRange ranges[] = {{0, 10}, {3 * BLOCK, BLOCK}, {4 * BLOCK, 10}, {20 * BLOCK, BLOCK}, {OBJECT_BYTES + 5, 10}};
    BlockObject *a = open_object(f, "a");
    block_object_prefetch(a, ranges, 5);
    assert_bytes(a, "a", 0, 5 * BLOCK);
    assert_bytes(a, "a", 20 * BLOCK, BLOCK);
    assert_int_equal(f->ranges, 2);
    assert_int_equal(f->bytes, 6 * BLOCK);
    block_object_prefetch(a, ranges, 5); /* all there */
    assert_bytes(a, "a", 0, 5 * BLOCK);
    assert_int_equal(f->ranges, 2);
    block_object_close(a);
}

static void objects_are_prepared(void **state)
{
    Fixture *f = *state;
    block_cache_prepare(f->cache, &f->source, "a", MIB, 100);
    for (int i = 0; i < 500 && f->ranges == 0; i++)
        usleep(10000);
    BlockObject *a = open_object(f, "a");
    assert_bytes(a, "a", MIB, 100);
    assert_int_equal(f->tails, 1);
    assert_int_equal(f->ranges, 1);
    block_object_close(a);
}

static void reopen(Fixture *f)
{
    block_cache_close(f->cache);
    open_cache(f, 100 * MIB, 100 * MIB);
}

static void a_restart_finds_blocks(void **state)
{
    Fixture *f = *state;
    BlockCacheStats stats;
    BlockObject *a = open_object(f, "a");
    assert_bytes(a, "a", MIB, 2 * MIB);
    block_object_close(a);
    reopen(f);
    block_cache_stats(f->cache, &stats);
    assert_int_equal(stats.objects, 1);
    assert_in_range(stats.disk_bytes, 2 * MIB, 3 * MIB);
    uint32_t before = f->ranges;
    a = open_object(f, "a");
    assert_bytes(a, "a", MIB, 2 * MIB);
    assert_int_equal(f->tails, 1);
    assert_int_equal(f->ranges, before);
    block_object_close(a);
    f->source.identity = 78; /* another cluster's object of that name is another object */
    a = open_object(f, "a");
    assert_bytes(a, "a", MIB, 10);
    assert_int_equal(f->ranges, before + 1);
    block_object_close(a);
}

static char *found_file;
static int find_blocks(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)where;
    if (kind == FTW_F && strstr(path, ".blocks") != NULL)
        found_file = mem_strdup(path);
    return 0;
}

static void damaged_files_are_fetched_again(void **state)
{
    Fixture *f = *state;
    BlockCacheStats stats;
    BlockObject *a = open_object(f, "a");
    assert_bytes(a, "a", 0, 2 * MIB);
    block_object_close(a);
    block_cache_close(f->cache);
    nftw(f->directory, find_blocks, 16, FTW_PHYS);
    int fd = open(found_file, O_WRONLY);
    assert_int_equal(pwrite(fd, "damage", 6, MIB + 100), 6);
    close(fd);
    open_cache(f, 100 * MIB, 100 * MIB);
    uint64_t before = f->bytes;
    a = open_object(f, "a");
    assert_bytes(a, "a", 0, 2 * MIB);
    assert_int_equal(f->bytes - before, BLOCK);
    block_object_close(a);
    block_cache_close(f->cache);
    assert_int_equal(truncate(found_file, MIB), 0); /* the rest is gone */
    open_cache(f, 100 * MIB, 100 * MIB);
    a = open_object(f, "a");
    assert_bytes(a, "a", 0, 2 * MIB);
    block_cache_stats(f->cache, &stats);
    assert_int_equal(stats.damaged_blocks, 16);
    block_object_close(a);
    mem_free(found_file);
}

/* Changes one byte of a file, or cuts it there. */
static void damage(const char *path, off_t at, bool is_cut)
{
    int fd = open(path, O_RDWR);
    char byte;
    assert_true(fd >= 0);
    if (is_cut) {
        assert_int_equal(ftruncate(fd, at), 0);
    } else {
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte = (char)(byte ^ (1 << (at % 8)));
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    close(fd);
}

static char *found_index;
static int find_index(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info, (void)kind, (void)where;
    if (strstr(path, ".index") != NULL)
        found_index = mem_strdup(path);
    return 0;
}

/* Every byte of a small object's two files, flipped and cut: what is read is right, and was fetched again where it had to be. */
static void every_flip_of_its_files_is_found(void **state)
{
    enum { SMALL = 700 };
    Fixture *f = *state;
    struct stat info;
    BlockObject *a = open_object(f, "a");
    assert_bytes(a, "a", 0, SMALL);
    block_object_close(a);
    block_cache_close(f->cache);
    nftw(f->directory, find_blocks, 16, FTW_PHYS);
    nftw(f->directory, find_index, 16, FTW_PHYS);
    for (int file = 0; file < 2; file++) {
        const char *path = file == 0 ? found_index : found_file;
        assert_int_equal(stat(path, &info), 0);
        off_t size = file == 0 ? info.st_size : SMALL;
        for (off_t at = 0; at < 2 * size; at++) {
            damage(path, at / 2, at % 2 != 0);
            open_cache(f, 100 * MIB, 100 * MIB);
            uint64_t before = f->bytes;
            a = open_object(f, "a");
            assert_bytes(a, "a", 0, SMALL);
            assert_true(f->bytes > before); /* it did not come from the damaged file */
            block_object_close(a);
            block_cache_close(f->cache);
        }
    }
    open_cache(f, 100 * MIB, 100 * MIB);
    uint64_t before = f->bytes;
    a = open_object(f, "a"); /* sound again: nothing is fetched */
    assert_bytes(a, "a", 0, SMALL);
    assert_int_equal(f->bytes, before);
    block_object_close(a);
    mem_free(found_file);
    mem_free(found_index);
}

static void wrong_bytes_are_read_again(void **state)
{
    Fixture *f = *state;
    Diag diag = {0};
    BlockObject *a = open_object(f, "a");
    assert_bytes(a, "a", 0, BLOCK);
    assert_int_equal(block_object_pin(a, 10, 10, &diag), OK);
    uint32_t generation = block_object_generation(a, 10, 10);
    assert_int_equal(block_object_reread(a, 10, 10, &diag), OK);
    assert_int_not_equal(block_object_generation(a, 10, 10), generation);
    generation = block_object_generation(a, 10, 10);
    block_object_unpin(a, 10, 10);
    assert_bytes(a, "a", 0, BLOCK);
    assert_int_equal(block_object_generation(a, 10, 10), generation);
    (void)block_cache_clear(f->cache); /* what comes back may be other bytes */
    assert_bytes(a, "a", 0, BLOCK);
    assert_int_not_equal(block_object_generation(a, 10, 10), generation);
    assert_int_equal(f->ranges, 3);
    block_object_close(a);
}

/* The small one is used again and again, the others pass by. */
static void scans_do_not_push_out_what_is_used(void **state)
{
    Fixture *f = *state;
    BlockCacheStats stats;
    char path[] = "b?";
    block_cache_close(f->cache);
    open_cache(f, 12 * MIB, MIB);
    BlockObject *a = open_object(f, "a");
    for (int second = 0; second < 3; second++) {
        assert_bytes(a, "a", 0, 3 * MIB);
        usleep(1050000);
    }
    for (char c = 'a'; c < 'k'; c++) {
        path[1] = c;
        BlockObject *b = open_object(f, path);
        assert_bytes(b, path, 0, OBJECT_BYTES);
        block_object_close(b);
    }
    uint32_t before = f->ranges;
    assert_bytes(a, "a", 0, 3 * MIB);
    assert_int_equal(f->ranges, before);
    block_cache_stats(f->cache, &stats);
    assert_in_range(stats.disk_bytes, 3 * MIB, 12 * MIB);
    assert_true(stats.evicted_bytes > 40 * MIB);
    block_object_close(a);
}

static void what_is_pinned_stays(void **state)
{
    Fixture *f = *state;
    Diag diag = {0};
    block_cache_close(f->cache);
    open_cache(f, MIB, MIB);
    BlockObject *a = open_object(f, "a"), *b = open_object(f, "b");
    assert_int_equal(block_object_pin(a, 0, 2 * MIB, &diag), OK);
    assert_bytes(b, "b", 0, OBJECT_BYTES);
    (void)block_cache_clear(f->cache);
    for (uint64_t i = 0; i < 2 * MIB; i += 4097)
        assert_int_equal((char)block_object_data(a)[i], byte_of("a", i));
    block_object_unpin(a, 0, 2 * MIB);
    block_object_close(a);
    block_object_close(b);
}

static void dropped_and_forgotten(void **state)
{
    Fixture *f = *state;
    BlockCacheStats stats;
    BlockObject *a = open_object(f, "a"), *b = open_object(f, "b");
    assert_bytes(a, "a", 0, MIB);
    assert_bytes(b, "b", 0, MIB);
    block_object_close(b);
    assert_true(block_cache_clear(f->cache) >= 2 * MIB);
    block_cache_stats(f->cache, &stats);
    assert_int_equal(stats.disk_bytes, 0);
    assert_int_equal(stats.objects, 1); /* a is open */
    assert_bytes(a, "a", 0, MIB);
    block_cache_forget(f->cache, f->source.identity, "a");
    assert_bytes(a, "a", 2 * MIB, MIB); /* readers go on */
    block_object_close(a);
    block_cache_stats(f->cache, &stats);
    assert_int_equal(stats.objects, 0);
    a = open_object(f, "a");
    assert_int_equal(f->tails, 3);
    block_object_close(a);
}

static void written_objects_are_there(void **state)
{
    Fixture *f = *state;
    AUTO_BYTEBUF bytes = {0};
    fill("w", 0, 2 * MIB + 500, &bytes);
    BlockStage *stage = block_stage_open(f->cache);
    block_stage_write(stage, strview_n(bytes.data, MIB));
    block_stage_write(stage, strview_n(bytes.data + MIB, MIB + 500));
    block_stage_commit(stage, &f->source, "w");
    block_stage_abort(block_stage_open(f->cache));
    reopen(f);
    BlockObject *w = open_object(f, "w");
    assert_int_equal(block_object_size(w), 2 * MIB + 500);
    assert_bytes(w, "w", 0, 2 * MIB + 500);
    assert_int_equal(f->tails + f->ranges, 0);
    block_object_close(w);
}

static void memory_without_a_disk(void **state)
{
    Fixture *f = *state;
    BlockCacheStats stats;
    block_cache_close(f->cache);
    open_cache(f, 0, 4 * MIB);
    BlockObject *a = open_object(f, "a"), *b = open_object(f, "b");
    assert_bytes(a, "a", 0, OBJECT_BYTES);
    assert_bytes(b, "b", 0, OBJECT_BYTES);
    for (uint64_t offset = 0; offset < 5 * MIB; offset += MIB)
        assert_bytes(a, "a", offset, MIB);
    block_cache_stats(f->cache, &stats);
    assert_int_equal(stats.disk_bytes, 0);
    assert_in_range(stats.memory_bytes, 1, 4 * MIB);
    block_object_close(a);
    block_object_close(b);
}

static void a_lost_disk_is_replaced_by_memory(void **state)
{
    Fixture *f = *state;
    BlockCacheStats stats;
    BlockObject *a = open_object(f, "a");
    assert_bytes(a, "a", 0, MIB + BLOCK);
    nftw(f->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    assert_bytes(a, "a", 0, OBJECT_BYTES);
    BlockObject *b = open_object(f, "b");
    assert_bytes(b, "b", 0, OBJECT_BYTES);
    block_cache_stats(f->cache, &stats);
    assert_true(stats.memory_bytes >= OBJECT_BYTES);
    block_object_close(a);
    block_object_close(b);
}

typedef struct Reader {
    Fixture *fixture;
    Random random;
    Thread thread;
} Reader;

static void read_at_random(void *context)
{
    Reader *reader = context;
    static const char *const paths[] = {"a", "b", "c", "d"};
    for (int i = 0; i < 300; i++) {
        const char *path = paths[random_next(&reader->random) % 4];
        BlockObject *object = open_object(reader->fixture, path);
        uint64_t offset = random_next(&reader->random) % (OBJECT_BYTES - 300000);
        VolumeRange ahead = {random_next(&reader->random) % OBJECT_BYTES, 500000};
        if (i % 4 == 0)
            block_object_prefetch(object, &ahead, 1);
        assert_bytes(object, path, offset, random_next(&reader->random) % 300000);
        if (i % 50 == 49)
            (void)block_cache_clear(reader->fixture->cache);
        block_object_close(object);
    }
}

static void readers_and_eviction_side_by_side(void **state)
{
    Fixture *f = *state;
    Reader readers[4];
    block_cache_close(f->cache);
    open_cache(f, 6 * MIB, 6 * MIB);
    for (int i = 0; i < 4; i++) {
        readers[i] = (Reader){f, {(uint64_t)i}, {0}};
        assert_int_equal(thread_start(&readers[i].thread, "reader", read_at_random, &readers[i], NULL), OK);
    }
    for (int i = 0; i < 4; i++)
        thread_join(&readers[i].thread);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(blocks_are_fetched_once),
        TEST(small_empty_and_missing_objects),
        TEST(failures_reach_the_reader_and_pass),
        TEST(ranges_ahead_are_merged),
        TEST(objects_are_prepared),
        TEST(a_restart_finds_blocks),
        TEST(damaged_files_are_fetched_again),
        TEST(every_flip_of_its_files_is_found),
        TEST(wrong_bytes_are_read_again),
        TEST(scans_do_not_push_out_what_is_used),
        TEST(what_is_pinned_stays),
        TEST(dropped_and_forgotten),
        TEST(written_objects_are_there),
        TEST(memory_without_a_disk),
        TEST(a_lost_disk_is_replaced_by_memory),
        TEST(readers_and_eviction_side_by_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
