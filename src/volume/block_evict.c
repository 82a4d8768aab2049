#include "volume/block_cache_int.h"

/* What goes when room is needed: two queues of extents. New ones enter the small queue; at its end, those that were
 * used in more than one second move to the main queue, and the others go. An extent that went from the small queue and
 * comes back soon (its ghost is still there) enters the main queue at once. At the end of the main queue, what was used
 * since it came there goes round again. A scan of everything passes through the small queue, a tenth of the cache, and
 * leaves the main one as it was. */

#include <stdio.h>
#include <sys/mman.h>

enum { SMALL_SHARE = 10, LEAST_ROOM_PERCENT = 97, MOST_LOOKS = 4 };

static ExtentQueue *queue_of(BlockCache *cache, const Extent *extent)
{
    return extent->is_main ? &cache->main : &cache->small;
}

static void take_out(BlockCache *cache, Extent *extent)
{
    ExtentQueue *queue = queue_of(cache, extent);
    if (extent->older != NULL)
        extent->older->newer = extent->newer;
    else
        queue->oldest = extent->newer;
    if (extent->newer != NULL)
        extent->newer->older = extent->older;
    else
        queue->newest = extent->older;
    extent->older = extent->newer = NULL;
    extent->is_queued = false;
    queue->count--;
}

static void put_in(BlockCache *cache, Extent *extent, bool is_main)
{
    extent->is_main = is_main;
    ExtentQueue *queue = queue_of(cache, extent);
    extent->older = queue->newest;
    extent->newer = NULL;
    if (queue->newest != NULL)
        queue->newest->newer = extent;
    else
        queue->oldest = extent;
    queue->newest = extent;
    extent->is_queued = true;
    queue->count++;
}

static uint32_t *ghost_of(BlockCache *cache, const Extent *extent, uint32_t *out_mark)
{
    uint64_t number = (uint64_t)(extent - extent->object->extents);
    uint64_t mixed = (extent->object->key ^ (number + 1) * 0x9E3779B97F4A7C15u) * 0xD6E8FEB86659FD93u;
    *out_mark = (uint32_t)(mixed >> 32) | 1;
    return &cache->ghosts[mixed % GHOSTS];
}

static uint32_t bits_in(uint32_t bits)
{
    return (uint32_t)__builtin_popcount(bits);
}

void block_note_loaded(BlockObject *object, uint64_t first, uint64_t count)
{
    BlockCache *cache = object->cache;
    LOCK_GUARD(&cache->lock);
    for (uint64_t b = first; b < first + count; b++) {
        Extent *extent = block_extent(object, b);
        atomic_fetch_add(&extent->loads, 1); /* before they can be seen */
        uint32_t before = atomic_fetch_or(&extent->present, block_bit(b));
        if ((before & block_bit(b)) != 0)
            continue;
        if (extent->is_memory)
            mem_charge(&cache->memory, BLOCK_BYTES);
        atomic_fetch_add(extent->is_memory ? &cache->memory_bytes : &cache->disk_bytes, BLOCK_BYTES);
        object->is_dirty = true;
        if (extent->is_queued)
            continue;
        uint32_t mark;
        uint32_t *ghost = ghost_of(cache, extent, &mark);
        put_in(cache, extent, *ghost == mark);
    }
}

uint64_t block_empty_extent(Extent *extent)
{
    BlockObject *object = extent->object;
    BlockCache *cache = object->cache;
    int32_t none = 0;
    if (!atomic_compare_exchange_strong(&extent->pins, &none, EMPTYING))
        return 0;
    mutex_lock(&object->lock);
    uint64_t bytes = (uint64_t)bits_in(atomic_load(&extent->present) | extent->stored) * BLOCK_BYTES;
    atomic_store(&extent->present, 0);
    extent->stored = extent->sum_of = 0;
    object->is_dirty = true;
    if (bytes > 0)
        block_file_punch(object, extent);
    mutex_unlock(&object->lock);
    if (extent->is_memory)
        mem_release(&cache->memory, (int64_t)bytes);
    atomic_fetch_sub(extent->is_memory ? &cache->memory_bytes : &cache->disk_bytes, (int64_t)bytes);
    extent->is_memory = cache->directory == NULL;
    if (extent->is_queued)
        take_out(cache, extent);
    atomic_store(&extent->uses, 0);
    atomic_fetch_sub(&extent->pins, EMPTYING);
    return bytes;
}

uint64_t block_empty(BlockObject *object)
{
    uint64_t bytes = 0;
    for (uint32_t e = 0; e < object->extent_count; e++)
        bytes += block_empty_extent(&object->extents[e]);
    return bytes;
}

/* An object of which nothing is left, and that nobody has open, is forgotten. */
static void drop_if_empty(BlockObject *object)
{
    if (object->opens > 0 || object->is_opening)
        return;
    for (uint32_t e = 0; e < object->extent_count; e++) {
        if (object->extents[e].is_queued)
            return;
    }
    block_file_remove(object);
    block_object_unlink(object->cache, object);
    block_object_free(object);
}

/* Looks at the end of a queue; true: bytes were freed. */
static bool look(BlockCache *cache, bool is_main)
{
    Extent *extent = (is_main ? &cache->main : &cache->small)->oldest;
    uint8_t uses = atomic_load(&extent->uses);
    if (is_main ? uses > 0 : uses > 1) {
        take_out(cache, extent);
        atomic_store(&extent->uses, is_main ? (uint8_t)(uses - 1) : 0);
        put_in(cache, extent, true);
        return false;
    }
    BlockObject *object = extent->object;
    uint32_t mark;
    uint32_t *ghost = ghost_of(cache, extent, &mark);
    uint64_t bytes = block_empty_extent(extent);
    if (bytes == 0) { /* somebody reads it just now */
        take_out(cache, extent);
        put_in(cache, extent, is_main);
        return false;
    }
    if (!is_main)
        *ghost = mark;
    atomic_fetch_add(&cache->evicted_bytes, bytes);
    drop_if_empty(object);
    return true;
}

static int64_t excess(const BlockCache *cache, int percent)
{
    int64_t disk = cache->disk_bytes - cache->options.disk_bytes / 100 * percent;
    int64_t memory = cache->memory_bytes - cache->options.memory_bytes / 100 * percent;
    return cache->directory == NULL ? memory : MAX(disk, memory);
}

void block_make_room(BlockCache *cache)
{
    if (excess(cache, 100) <= 0)
        return;
    LOCK_GUARD(&cache->lock);
    uint64_t looks = (uint64_t)MOST_LOOKS * (cache->small.count + cache->main.count);
    while (excess(cache, LEAST_ROOM_PERCENT) > 0 && looks-- > 0) {
        uint32_t all = cache->small.count + cache->main.count;
        if (all == 0)
            return;
        bool is_small = cache->main.count == 0 || (cache->small.count > 0 && cache->small.count * SMALL_SHARE >= all);
        (void)look(cache, !is_small);
    }
}
