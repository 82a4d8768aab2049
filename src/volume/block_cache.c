#include "volume/block_cache_int.h"

/* Objects, and reading them.
 *
 * An object is mapped while it is open: from a sparse file in the directory that has the object's size, or from
 * memory. Blocks of 64 KiB arrive by writes to the file, which the mapping shows, so that bytes are read at the same
 * place and speed as those of a local volume. Sixteen blocks are an extent, the unit of pins and of eviction.
 *
 * A pin is one addition to the extent's count and a look at its bits. Who empties an extent puts a large negative number
 * where zero pins were; a reader that sees one steps back and waits for the cache's lock, which is held until the
 * extent is empty. Missing blocks are claimed under the object's lock, so that each is fetched once; others wait for it.
 * Blocks from an earlier process are compared with their checksums before they count. */

#include <stdio.h>
#include <sys/mman.h>

#include "base/fault.h"
#include "base/hash.h"
#include "base/log.h"
#include "volume/guard.h"
#include "volume/read_scope.h"

enum { WAIT_US = 50000, MOST_USES = 3, SECOND_US = 1000000 };

uint64_t block_object_key(uint64_t identity, const char *path)
{
    return hash_combine(identity, checksum_bytes(path, strlen(path)));
}

uint32_t block_bytes(const BlockObject *object, uint64_t block)
{
    return (uint32_t)MIN((uint64_t)BLOCK_BYTES, object->size - block * BLOCK_BYTES);
}

/* ---- objects ---- */

BlockObject *block_object_new(BlockCache *cache, const BlockSource *source, const char *path, uint64_t size)
{
    BlockObject *object = mem_alloc_zero(sizeof(*object));
    object->cache = cache;
    object->source = *source;
    object->key = block_object_key(source->identity, path);
    object->path = mem_strdup(path);
    object->size = size;
    object->extent_count = (uint32_t)((size + EXTENT_BYTES - 1) / EXTENT_BYTES);
    object->extents = mem_alloc_zero(MAX(object->extent_count, 1u) * sizeof(Extent));
    for (uint32_t e = 0; e < object->extent_count; e++) {
        object->extents[e].object = object;
        object->extents[e].is_memory = cache->directory == NULL;
    }
    mutex_init(&object->lock);
    condition_init(&object->loaded);
    return object;
}

void block_object_free(BlockObject *object)
{
    if (object->data != NULL)
        munmap(object->data, object->size);
    condition_deinit(&object->loaded);
    mutex_deinit(&object->lock);
    mem_free(object->extents);
    mem_free(object->path);
    mem_free(object);
}

static BlockObject **slot_of(BlockCache *cache, uint64_t key)
{
    return &cache->slots[(key * 0x9E3779B97F4A7C15u) >> 52];
}
_Static_assert(OBJECT_SLOTS == 1 << 12, "slot_of() takes 12 bits");

BlockObject *block_object_find(BlockCache *cache, uint64_t key)
{
    BlockObject *object = *slot_of(cache, key);
    while (object != NULL && (object->key != key || object->is_forgotten))
        object = object->next;
    return object;
}

void block_object_link(BlockCache *cache, BlockObject *object)
{
    BlockObject **slot = slot_of(cache, object->key);
    object->next = *slot;
    *slot = object;
    cache->object_count++;
}

void block_object_unlink(BlockCache *cache, BlockObject *object)
{
    BlockObject **at = slot_of(cache, object->key);
    while (*at != object)
        at = &(*at)->next;
    *at = object->next;
    cache->object_count--;
}

void block_object_ref(BlockObject *object)
{
    LOCK_GUARD(&object->cache->lock);
    object->opens++;
}

/* Blocks that a request for the end of the object brought along. Object not yet to be found by others. */
static void keep_tail(BlockObject *object, StrView tail)
{
    uint64_t from = object->size - tail.length;
    uint64_t first = (from + BLOCK_BYTES - 1) / BLOCK_BYTES;
    uint64_t end = (object->size + BLOCK_BYTES - 1) / BLOCK_BYTES;
    Diag trouble = {0};
    if (first >= end)
        return;
    block_pin(object, first, end - 1);
    if (block_file_store(object, first, end - first, tail.data + (first * BLOCK_BYTES - from), &trouble) == OK)
        block_note_loaded(object, first, end - first);
    block_unpin(object, first, end - 1);
}

static Status fetch_size(BlockObject *opening, Diag *diag, BlockObject **out_object)
{
    AUTO_BYTEBUF tail = {0};
    uint64_t size = 0;
    BlockCache *cache = opening->cache;
    TRY(opening->source.tail(opening->source.context, opening->path, TAIL_BYTES, &tail, &size, diag));
    if (tail.length > size)
        return RAISE(diag, IO, "object \"%s\": more bytes than it has were sent", opening->path);
    atomic_fetch_add(&cache->fetches, 1);
    atomic_fetch_add(&cache->fetched_bytes, tail.length);
    BlockObject *object = block_object_new(cache, &opening->source, opening->path, size);
    Status status = block_object_map(object, diag);
    if (status != OK) {
        block_object_free(object);
        return status;
    }
    keep_tail(object, bytebuf_view(&tail));
    *out_object = object;
    return OK;
}

/* One asks the service, the others wait. Cache locked; unlocked in between. */
static Status open_unknown(BlockCache *cache, const BlockSource *source, const char *path, Diag *diag, BlockObject **out_object)
{
    BlockObject *opening = block_object_new(cache, source, path, 0);
    BlockObject *object = NULL;
    opening->is_opening = true;
    block_object_link(cache, opening);
    mutex_unlock(&cache->lock);
    Status status = fetch_size(opening, diag, &object);
    mutex_lock(&cache->lock);
    block_object_unlink(cache, opening);
    bool is_forgotten = opening->is_forgotten;
    block_object_free(opening);
    condition_broadcast(&cache->opened);
    if (status != OK)
        return status;
    object->opens = 1;
    object->is_forgotten = is_forgotten;
    block_object_link(cache, object);
    *out_object = object;
    return OK;
}

static Status open_locked(BlockCache *cache, const BlockSource *source, const char *path, Diag *diag, BlockObject **out_object)
{
    uint64_t key = block_object_key(source->identity, path);
    BlockObject *object = block_object_find(cache, key);
    while (object != NULL && object->is_opening) {
        condition_wait(&cache->opened, &cache->lock);
        object = block_object_find(cache, key);
    }
    if (object == NULL)
        return open_unknown(cache, source, path, diag, out_object);
    if (strcmp(object->path, path) != 0)
        return RAISE(diag, INTERNAL, "objects \"%s\" and \"%s\" have the same hash", path, object->path);
    if (object->opens == 0) {
        object->source = *source;
        TRY(block_object_map(object, diag));
    }
    object->opens++;
    *out_object = object;
    return OK;
}

Status block_object_open(BlockCache *cache, const BlockSource *source, const char *path, Diag *diag, BlockObject **out_object)
{
    LOCK_GUARD(&cache->lock);
    return open_locked(cache, source, path, diag, out_object);
}

/* Extents that had to be memory go with the mapping; the file stays. */
static void unmap(BlockObject *object)
{
    for (uint32_t e = 0; e < object->extent_count; e++) {
        if (object->extents[e].is_memory)
            (void)block_empty_extent(&object->extents[e]);
    }
    if (object->data != NULL)
        munmap(object->data, object->size);
    object->data = NULL;
}

static void drop(BlockObject *object)
{
    (void)block_empty(object);
    block_file_remove(object);
    block_object_unlink(object->cache, object);
    block_object_free(object);
}

void block_object_close(BlockObject *object)
{
    BlockCache *cache = object->cache;
    LOCK_GUARD(&cache->lock);
    if (--object->opens > 0)
        return;
    if (object->is_forgotten) {
        drop(object);
        return;
    }
    if (cache->directory == NULL)
        return; /* stays mapped: its addresses are what is kept */
    mutex_lock(&object->lock);
    block_file_describe(object);
    mutex_unlock(&object->lock);
    unmap(object);
}

void block_cache_forget(BlockCache *cache, uint64_t identity, const char *path)
{
    LOCK_GUARD(&cache->lock);
    BlockObject *object = block_object_find(cache, block_object_key(identity, path));
    if (object == NULL)
        return;
    object->is_forgotten = true;
    if (object->opens == 0 && !object->is_opening)
        drop(object);
}

uint64_t block_object_size(const BlockObject *object)
{
    return object->size;
}

const uint8_t *block_object_data(const BlockObject *object)
{
    return object->data;
}

/* ---- pins ---- */

static void pin_extent(BlockCache *cache, Extent *extent)
{
    while (atomic_fetch_add(&extent->pins, 1) < 0) {
        atomic_fetch_sub(&extent->pins, 1);
        mutex_lock(&cache->lock); /* held while an extent is emptied */
        mutex_unlock(&cache->lock);
    }
}

void block_pin(BlockObject *object, uint64_t first, uint64_t last)
{
    for (uint64_t e = first / EXTENT_BLOCKS; e <= last / EXTENT_BLOCKS; e++)
        pin_extent(object->cache, &object->extents[e]);
}

void block_unpin(BlockObject *object, uint64_t first, uint64_t last)
{
    for (uint64_t e = first / EXTENT_BLOCKS; e <= last / EXTENT_BLOCKS; e++)
        atomic_fetch_sub(&object->extents[e].pins, 1);
}

static void note_use(Extent *extent, uint32_t second)
{
    if (atomic_load_explicit(&extent->second, memory_order_relaxed) == second)
        return;
    atomic_store_explicit(&extent->second, second, memory_order_relaxed);
    uint8_t uses = atomic_load_explicit(&extent->uses, memory_order_relaxed);
    if (uses < MOST_USES)
        atomic_store_explicit(&extent->uses, (uint8_t)(uses + 1), memory_order_relaxed);
}

/* Whether all blocks are there. */
static bool is_present(BlockObject *object, uint64_t first, uint64_t last)
{
    uint32_t second = (uint32_t)(env_monotonic_us(object->cache->options.environment) / SECOND_US) + 1;
    bool is_whole = true;
    for (uint64_t e = first / EXTENT_BLOCKS; e <= last / EXTENT_BLOCKS; e++) {
        uint32_t from = (uint32_t)(e * EXTENT_BLOCKS < first ? first % EXTENT_BLOCKS : 0);
        uint32_t to = (uint32_t)((e + 1) * EXTENT_BLOCKS > last ? last % EXTENT_BLOCKS : EXTENT_BLOCKS - 1);
        uint32_t wanted = (2u << to) - (1u << from);
        note_use(&object->extents[e], second);
        is_whole &= (atomic_load_explicit(&object->extents[e].present, memory_order_acquire) & wanted) == wanted;
    }
    return is_whole;
}

Status block_object_pin(BlockObject *object, uint64_t offset, uint64_t length, Diag *diag)
{
    BlockCache *cache = object->cache;
    if (length == 0)
        return OK;
    if (offset > object->size || length > object->size - offset)
        return RAISE(diag, CORRUPT, "object \"%s\" has %llu bytes only", object->path, (unsigned long long)object->size);
    uint64_t first = offset / BLOCK_BYTES, last = (offset + length - 1) / BLOCK_BYTES;
    block_pin(object, first, last);
    if (is_present(object, first, last)) {
        atomic_fetch_add_explicit(&cache->hits, 1, memory_order_relaxed);
        return OK;
    }
    atomic_fetch_add_explicit(&cache->misses, 1, memory_order_relaxed);
    read_scope_note(length, true);
    Status status = block_load(object, first, last, diag);
    if (status != OK)
        block_unpin(object, first, last);
    else
        block_make_room(cache);
    return status;
}

uint32_t block_object_generation(const BlockObject *object, uint64_t offset, uint64_t length)
{
    uint32_t sum = 0;
    if (length == 0)
        return 0;
    uint64_t last = (offset + length - 1) / EXTENT_BYTES;
    for (uint64_t e = offset / EXTENT_BYTES; e <= last; e++)
        sum += atomic_load_explicit(&object->extents[e].loads, memory_order_relaxed);
    return sum;
}

void block_object_unpin(BlockObject *object, uint64_t offset, uint64_t length)
{
    if (length > 0)
        block_unpin(object, offset / BLOCK_BYTES, (offset + length - 1) / BLOCK_BYTES);
}

/* ---- loading ---- */

/* Object locked. */
static void end_claim(BlockObject *object, uint64_t first, uint64_t count)
{
    for (uint64_t b = first; b < first + count; b++)
        block_extent(object, b)->loading &= ~block_bit(b);
    condition_broadcast(&object->loaded);
}

void block_unclaim(BlockObject *object, uint64_t first, uint64_t count)
{
    LOCK_GUARD(&object->lock);
    end_claim(object, first, count);
}

Status block_fetch(BlockObject *object, uint64_t first, uint64_t count, Diag *diag)
{
    AUTO_BYTEBUF bytes = {0};
    uint64_t offset = first * BLOCK_BYTES;
    uint64_t length = MIN(count * BLOCK_BYTES, object->size - offset);
    Status status = object->source.range(object->source.context, object->path, offset, length, &bytes, diag);
    if (status == OK && bytes.length != length)
        status = RAISE(diag, IO, "object \"%s\": %zu bytes came where %llu were asked for", object->path, bytes.length,
                       (unsigned long long)length);
    if (status == OK) {
        atomic_fetch_add(&object->cache->fetches, 1);
        atomic_fetch_add(&object->cache->fetched_bytes, length);
        status = block_file_store(object, first, count, bytes.data, diag);
    }
    if (status == OK)
        block_note_loaded(object, first, count);
    block_unclaim(object, first, count);
    return status;
}

/* Claimed blocks of an earlier process: those that have their sums are there. */
static void check_stored(BlockObject *object, uint64_t first, uint64_t count)
{
    for (uint64_t b = first; b < first + count; b++) {
        Extent *extent = block_extent(object, b);
        volume_guard_begin();
        uint64_t sum = checksum_bytes(object->data + b * BLOCK_BYTES, block_bytes(object, b));
        bool is_good = volume_guard_end() && sum == extent->sums[b % EXTENT_BLOCKS];
        LOCK_GUARD(&object->lock);
        extent->stored &= ~block_bit(b);
        if (is_good) {
            atomic_fetch_add(&extent->loads, 1);
            atomic_fetch_or(&extent->present, block_bit(b));
        } else {
            atomic_fetch_add(&object->cache->damaged_blocks, 1);
            atomic_fetch_sub(&object->cache->disk_bytes, BLOCK_BYTES);
        }
    }
    block_unclaim(object, first, count);
}

static Status wait_for_others(BlockObject *object, uint64_t block, Diag *diag)
{
    while ((block_extent(object, block)->loading & block_bit(block)) != 0) {
        if (read_scope_is_cancelled())
            return RAISE(diag, CANCELLED, "the statement was cancelled while it waited for object \"%s\"", object->path);
        (void)condition_wait_us(&object->loaded, &object->lock, WAIT_US);
    }
    return OK;
}

/* Claims blocks from first on that are alike; object locked. Returns how many, 0: the first is there. */
static uint64_t claim(BlockObject *object, uint64_t first, uint64_t last, bool *out_stored)
{
    uint64_t count = 0;
    *out_stored = (block_extent(object, first)->stored & block_bit(first)) != 0;
    for (uint64_t b = first; b <= last && count < MOST_RUN_BLOCKS; b++, count++) {
        Extent *extent = block_extent(object, b);
        bool is_stored = (extent->stored & block_bit(b)) != 0;
        bool is_busy = ((atomic_load(&extent->present) | extent->loading) & block_bit(b)) != 0;
        if (is_busy || is_stored != *out_stored)
            break;
        extent->loading |= block_bit(b);
    }
    return count;
}

Status block_load(BlockObject *object, uint64_t first, uint64_t last, Diag *diag)
{
    for (uint64_t b = first; b <= last;) {
        bool is_stored;
        mutex_lock(&object->lock);
        Status status = wait_for_others(object, b, diag);
        bool is_there = (atomic_load(&block_extent(object, b)->present) & block_bit(b)) != 0;
        uint64_t count = is_there || status != OK ? 0 : claim(object, b, last, &is_stored);
        mutex_unlock(&object->lock);
        TRY(status);
        if (count == 0)
            b++;
        else if (is_stored)
            check_stored(object, b, count); /* and again: those that were damaged are fetched */
        else
            TRY(block_fetch(object, b, count, diag));
    }
    return OK;
}

Status block_object_reread(BlockObject *object, uint64_t offset, uint64_t length, Diag *diag)
{
    uint64_t first = offset / BLOCK_BYTES, last = (offset + length - 1) / BLOCK_BYTES;
    uint64_t count = last - first + 1;
    AUTO_BYTEBUF bytes = {0};
    uint64_t wanted = MIN(count * BLOCK_BYTES, object->size - first * BLOCK_BYTES);
    LOG_WARN("cache", "object=%s offset=%llu bytes=%llu are wrong, fetching them anew", object->path, (unsigned long long)offset,
             (unsigned long long)length);
    atomic_fetch_add(&object->cache->damaged_blocks, count);
    TRY(object->source.range(object->source.context, object->path, first * BLOCK_BYTES, wanted, &bytes, diag));
    if (bytes.length != wanted)
        return RAISE(diag, IO, "object \"%s\": fewer bytes came than were asked for", object->path);
    for (uint64_t b = first; b <= last; b++)
        atomic_fetch_add(&block_extent(object, b)->loads, 1);
    return block_file_store(object, first, count, bytes.data, diag);
}

/* ---- the cache ---- */

Status block_cache_open(const BlockCacheOptions *options, Diag *diag, BlockCache **out_cache)
{
    BlockCache *cache = mem_alloc_zero(sizeof(*cache));
    cache->options = *options;
    cache->directory = options->directory == NULL || options->disk_bytes <= 0 ? NULL : mem_strdup(options->directory);
    mem_tracker_init(&cache->memory, options->memory, "block cache", 0);
    mutex_init(&cache->lock);
    mutex_init(&cache->task_lock);
    condition_init(&cache->opened);
    condition_init(&cache->task_ready);
    *out_cache = cache;
    Status status = cache->directory == NULL ? OK : block_file_find_all(cache, diag);
    if (status == OK)
        status = block_prefetch_start(cache, diag);
    if (status == OK) {
        block_make_room(cache);
        return OK;
    }
    block_cache_close(cache);
    return status;
}

void block_cache_close(BlockCache *cache)
{
    if (cache == NULL)
        return;
    block_prefetch_stop(cache);
    for (uint32_t s = 0; s < OBJECT_SLOTS; s++) {
        while (cache->slots[s] != NULL) {
            BlockObject *object = cache->slots[s];
            cache->slots[s] = object->next;
            block_file_describe(object);
            block_object_free(object);
        }
    }
    mem_release(&cache->memory, atomic_load(&cache->memory_bytes));
    condition_deinit(&cache->task_ready);
    condition_deinit(&cache->opened);
    mutex_deinit(&cache->task_lock);
    mutex_deinit(&cache->lock);
    mem_free(cache->directory);
    mem_free(cache);
}

uint64_t block_cache_clear(BlockCache *cache)
{
    uint64_t bytes = 0;
    LOCK_GUARD(&cache->lock);
    for (uint32_t s = 0; s < OBJECT_SLOTS; s++) {
        for (BlockObject *object = cache->slots[s], *next; object != NULL; object = next) {
            next = object->next;
            bytes += block_empty(object);
            bool is_idle = object->opens == 0 && !object->is_opening;
            if (is_idle)
                drop(object);
        }
    }
    return bytes;
}

void block_cache_stats(BlockCache *cache, BlockCacheStats *out_stats)
{
    LOCK_GUARD(&cache->lock);
    *out_stats = (BlockCacheStats){
        .disk_bytes = cache->disk_bytes,
        .memory_bytes = cache->memory_bytes,
        .limit_bytes = cache->directory == NULL ? cache->options.memory_bytes : cache->options.disk_bytes,
        .objects = cache->object_count,
        .hits = cache->hits,
        .misses = cache->misses,
        .fetches = cache->fetches,
        .fetched_bytes = cache->fetched_bytes,
        .prefetched_bytes = cache->prefetched_bytes,
        .written_bytes = cache->written_bytes,
        .evicted_bytes = cache->evicted_bytes,
        .damaged_blocks = cache->damaged_blocks,
    };
}
