#include "volume/block_cache_int.h"

/* Fetching ahead: a queue of claimed blocks and the threads that fetch them. What is queued is claimed already, so
 * that a reader who comes to it waits for the request that is under way instead of sending a second one. A task keeps its
 * object open and its extents pinned. The queue is bounded: beyond it, readers fetch for themselves.
 *
 * Also here: objects while they are written. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "volume/read_scope.h"

enum { MOST_TASKS = 4096, THREADS = 16, IDLE_US = 10 * 1000000 };

/* ---- the queue ---- */

static void add_task(BlockCache *cache, PrefetchTask *task)
{
    LOCK_GUARD(&cache->task_lock);
    if (cache->last_task != NULL)
        cache->last_task->next = task;
    else
        cache->first_task = task;
    cache->last_task = task;
    cache->task_count++;
    condition_signal(&cache->task_ready);
}

static bool has_room(BlockCache *cache)
{
    LOCK_GUARD(&cache->task_lock);
    return cache->task_count < MOST_TASKS && !cache->is_stopping;
}

/* NULL: there was nothing to do for a while, or the cache is closed. */
static PrefetchTask *next_task(BlockCache *cache, bool *out_stopping)
{
    LOCK_GUARD(&cache->task_lock);
    if (cache->first_task == NULL && !cache->is_stopping)
        (void)condition_wait_us(&cache->task_ready, &cache->task_lock, IDLE_US);
    *out_stopping = cache->is_stopping;
    if (cache->first_task == NULL)
        return NULL;
    PrefetchTask *task = cache->first_task;
    cache->first_task = task->next;
    if (cache->first_task == NULL)
        cache->last_task = NULL;
    cache->task_count--;
    return task;
}

static void run_open(BlockCache *cache, const PrefetchTask *task, Diag *diag)
{
    BlockObject *object;
    if (block_object_open(cache, &task->source, task->path, diag, &object) != OK)
        return;
    if (block_object_pin(object, task->offset, task->length, diag) == OK)
        block_object_unpin(object, task->offset, task->length);
    block_object_close(object);
}

/* Errors are for the reader who comes: he fetches again, and tells. */
static void run_task(BlockCache *cache, PrefetchTask *task, bool is_stopping)
{
    Diag diag = {0};
    if (task->object == NULL) {
        if (!is_stopping)
            run_open(cache, task, &diag);
    } else {
        Status status = OK;
        if (is_stopping)
            block_unclaim(task->object, task->first, task->count);
        else
            status = block_fetch(task->object, task->first, task->count, &diag);
        block_unpin(task->object, task->first, task->first + task->count - 1);
        block_object_close(task->object);
        if (status == OK)
            block_make_room(cache);
    }
    if (diag_has_error(&diag))
        LOG_DEBUG("cache", "fetching ahead failed: %s", diag.message);
    mem_free(task->path);
    mem_free(task);
}

/* An object of the slot whose description is out of date, opened; NULL: none. */
static BlockObject *take_dirty(BlockCache *cache, uint32_t slot)
{
    LOCK_GUARD(&cache->lock);
    for (BlockObject *object = cache->slots[slot]; object != NULL; object = object->next) {
        if (!atomic_load(&object->is_dirty) || !object->has_file || object->opens == 0 || object->is_opening || object->is_forgotten)
            continue;
        object->opens++;
        return object;
    }
    return NULL;
}

static void describe_dirty(BlockCache *cache)
{
    for (uint32_t s = 0; s < OBJECT_SLOTS; s++) {
        BlockObject *object;
        while ((object = take_dirty(cache, s)) != NULL) {
            mutex_lock(&object->lock);
            block_file_describe(object);
            mutex_unlock(&object->lock);
            block_object_close(object);
        }
    }
}

static void fetch_thread(void *context)
{
    BlockCache *cache = context;
    bool is_stopping = false;
    for (;;) {
        PrefetchTask *task = next_task(cache, &is_stopping);
        if (task != NULL)
            run_task(cache, task, is_stopping);
        else if (is_stopping)
            return;
        else if (!atomic_flag_test_and_set(&cache->is_describing)) { /* one of them is enough */
            describe_dirty(cache);
            atomic_flag_clear(&cache->is_describing);
        }
    }
}

Status block_prefetch_start(BlockCache *cache, Diag *diag)
{
    uint32_t count = cache->options.threads == 0 ? THREADS : cache->options.threads;
    cache->threads = mem_alloc_zero(count * sizeof(Thread));
    while (cache->thread_count < count) {
        TRY(thread_start(&cache->threads[cache->thread_count], "fetch", fetch_thread, cache, diag));
        cache->thread_count++;
    }
    return OK;
}

void block_prefetch_stop(BlockCache *cache)
{
    mutex_lock(&cache->task_lock);
    cache->is_stopping = true;
    condition_broadcast(&cache->task_ready);
    mutex_unlock(&cache->task_lock);
    for (uint32_t i = 0; i < cache->thread_count; i++)
        thread_join(&cache->threads[i]);
    cache->thread_count = 0;
    mem_free(cache->threads);
    cache->threads = NULL;
}

void block_cache_prepare(BlockCache *cache, const BlockSource *source, const char *path, uint64_t offset, uint64_t length)
{
    if (!has_room(cache))
        return;
    PrefetchTask *task = mem_alloc_zero(sizeof(*task));
    task->source = *source;
    task->path = mem_strdup(path);
    task->offset = offset;
    task->length = length;
    add_task(cache, task);
}

/* ---- ranges ---- */

/* Blocks that nobody has or fetches. Object locked. */
static bool is_missing(const BlockObject *object, uint64_t block)
{
    const Extent *extent = block_extent(object, block);
    return ((atomic_load(&extent->present) | extent->loading | extent->stored) & block_bit(block)) == 0;
}

static uint64_t claim_missing(BlockObject *object, uint64_t first, uint64_t end)
{
    uint64_t b = first;
    LOCK_GUARD(&object->lock);
    for (; b < end && is_missing(object, b); b++)
        block_extent(object, b)->loading |= block_bit(b);
    return b - first;
}

/* Tasks for what is missing of blocks first to end. */
static void queue_run(BlockObject *object, uint64_t first, uint64_t end)
{
    BlockCache *cache = object->cache;
    for (uint64_t b = first; b < end;) {
        uint64_t most = MIN(end, b + MOST_RUN_BLOCKS);
        block_pin(object, b, most - 1);
        uint64_t count = has_room(cache) ? claim_missing(object, b, most) : 0;
        if (count == 0) {
            block_unpin(object, b, most - 1);
            b++;
            continue;
        }
        block_pin(object, b, b + count - 1);
        block_unpin(object, b, most - 1);
        block_object_ref(object);
        PrefetchTask *task = mem_alloc_zero(sizeof(*task));
        task->object = object;
        task->first = b;
        task->count = count;
        atomic_fetch_add(&cache->prefetched_bytes, count * BLOCK_BYTES);
        add_task(cache, task);
        b += count;
    }
}

static bool is_known(const BlockObject *object, uint64_t block)
{
    return (atomic_load_explicit(&block_extent(object, block)->present, memory_order_relaxed) & block_bit(block)) != 0;
}

void block_object_prefetch(BlockObject *object, const VolumeRange *ranges, uint32_t count)
{
    uint64_t first = 0, end = 0; /* of the run that grows; empty: none */
    for (uint32_t i = 0; i < count; i++) {
        if (ranges[i].length == 0 || ranges[i].offset >= object->size)
            continue;
        uint64_t from = ranges[i].offset / BLOCK_BYTES;
        uint64_t last_byte = MIN(ranges[i].offset + ranges[i].length, object->size) - 1;
        bool is_remote = from < end && end > first;
        for (uint64_t b = MAX(from, end); b <= last_byte / BLOCK_BYTES; b++) {
            if (is_known(object, b))
                continue;
            is_remote = true;
            if (end > first && b - end > MOST_GAP_BLOCKS) {
                queue_run(object, first, end);
                first = b;
            }
            first = end > first ? first : b;
            end = b + 1;
        }
        read_scope_note(ranges[i].length, is_remote);
    }
    if (end > first)
        queue_run(object, first, end);
}

/* ---- writing ---- */

struct BlockStage {
    BlockCache *cache;
    int fd; /* -1: blocks can't be kept */
    uint64_t written;
    uint64_t *sums;
    uint64_t sum_count;
    char path[CACHE_PATH_BYTES];
};

BlockStage *block_stage_open(BlockCache *cache)
{
    BlockStage *stage = mem_alloc_zero(sizeof(*stage));
    stage->cache = cache;
    stage->fd = -1;
    if (cache->directory == NULL)
        return stage;
    uint64_t number = env_random(cache->options.environment);
    block_file_path(cache, number, "stage", stage->path);
    stage->fd = open(stage->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    return stage;
}

static void give_up(BlockStage *stage)
{
    if (stage->fd < 0)
        return;
    close(stage->fd);
    (void)unlink(stage->path);
    stage->fd = -1;
}

void block_stage_write(BlockStage *stage, StrView bytes)
{
    if (stage->fd < 0)
        return;
    if (stage->written % BLOCK_BYTES != 0 || pwrite(stage->fd, bytes.data, bytes.length, (off_t)stage->written) != (ssize_t)bytes.length) {
        give_up(stage);
        return;
    }
    uint64_t count = (bytes.length + BLOCK_BYTES - 1) / BLOCK_BYTES;
    stage->sums = mem_realloc(stage->sums, MAX((stage->sum_count + count) * 8, (uint64_t)8));
    for (uint64_t b = 0; b < count; b++) {
        size_t at = (size_t)b * BLOCK_BYTES;
        stage->sums[stage->sum_count++] = checksum_bytes(bytes.data + at, MIN((size_t)BLOCK_BYTES, bytes.length - at));
    }
    stage->written += bytes.length;
}

void block_stage_abort(BlockStage *stage)
{
    if (stage == NULL)
        return;
    give_up(stage);
    mem_free(stage->sums);
    mem_free(stage);
}

/* The object, found by nobody yet, with all of its blocks. False: somebody was faster. */
static bool adopt(BlockStage *stage, BlockObject *object)
{
    for (uint64_t b = 0; b < stage->sum_count; b++) {
        block_extent(object, b)->sums[b % EXTENT_BLOCKS] = stage->sums[b];
        block_extent(object, b)->sum_of |= block_bit(b);
    }
    object->has_file = true;
    LOCK_GUARD(&object->cache->lock);
    if (block_object_find(object->cache, object->key) != NULL)
        return false;
    block_object_link(object->cache, object);
    return true;
}

void block_stage_commit(BlockStage *stage, const BlockSource *source, const char *path)
{
    char name[CACHE_PATH_BYTES];
    BlockCache *cache = stage->cache;
    if (stage->fd < 0 || stage->written == 0) {
        block_stage_abort(stage);
        return;
    }
    BlockObject *object = block_object_new(cache, source, path, stage->written);
    block_file_path(cache, object->key, "blocks", name);
    object->opens = 1; /* so that it stays until all is noted */
    if (rename(stage->path, name) == 0 && adopt(stage, object)) {
        close(stage->fd);
        stage->fd = -1;
        block_note_loaded(object, 0, stage->sum_count);
        atomic_fetch_add(&cache->written_bytes, stage->written);
        block_object_close(object);
        block_make_room(cache);
    } else {
        block_object_free(object);
    }
    block_stage_abort(stage);
}
