#include "exec/exec.h"

/* Opened segments by id: a chained hash table, and a list of those that nobody uses in the order in which
 * they were given back. Footers, dictionaries and symbol tables are memory, charged to the tracker; the
 * mapped bytes are the system's page cache. Unused segments go, oldest first, while the memory or the
 * number of mappings is above its limit. Opening happens outside of the lock, so two readers may open the
 * same segment at once: the second to come back takes the first's. */

#include "base/thread.h"
#include "exec/delete_cache.h"
#include "format/segment.h"

enum {
    DELETES_SHARE = 4, /* delete vectors have a fourth of the limit, on top */
    SLOTS = 1 << 12,
    MOST_MAPPINGS = 20000, /* the system's limit is about 65,000 */
    LOOK_US = 100000,      /* between looks at an object's times */
    EPOCH_US = 600 * 1000000, /* between checks of a page's checksum */
};

typedef struct CacheEntry {
    struct CacheEntry *next; /* of the slot */
    struct CacheEntry *older, *newer; /* of the unused */
    Segment *segment;
    uint64_t id;
    int64_t bytes; /* charged */
    int64_t looked_us; /* when the object was last found unchanged */
    uint32_t pins;
    bool is_forgotten; /* its object is gone or another: not found any more, closed with the last pin */
} CacheEntry;

struct SegmentCache {
    Volume *volume;
    DeleteCache *deletes;
    MemTracker memory;
    int64_t limit_bytes;
    Mutex lock; /* guards all below */
    CacheEntry *slots[SLOTS];
    CacheEntry *oldest, *newest; /* unused ones */
    uint32_t count;
    SegmentCacheStats stats;
};

Volume *segment_cache_volume(const SegmentCache *cache)
{
    return cache->volume;
}

SegmentCache *segment_cache_open(Volume *volume, MemTracker *parent, int64_t limit_bytes)
{
    SegmentCache *cache = mem_alloc_zero(sizeof(*cache));
    cache->volume = volume;
    cache->limit_bytes = limit_bytes;
    mem_tracker_init(&cache->memory, parent, "segment cache", 0);
    cache->deletes = delete_cache_open(parent, limit_bytes / DELETES_SHARE);
    mutex_init(&cache->lock);
    return cache;
}

DeleteCache *segment_cache_deletes(const SegmentCache *cache)
{
    return cache->deletes;
}

static CacheEntry **slot_of(SegmentCache *cache, uint64_t id)
{
    return &cache->slots[(id * 0x9E3779B97F4A7C15u) >> 52];
}
_Static_assert(SLOTS == 1 << 12, "slot_of() takes 12 bits");

static CacheEntry *find(SegmentCache *cache, uint64_t id)
{
    CacheEntry *entry = *slot_of(cache, id);
    while (entry != NULL && (entry->id != id || entry->is_forgotten))
        entry = entry->next;
    return entry;
}

static CacheEntry *find_segment(SegmentCache *cache, const Segment *segment)
{
    CacheEntry *entry = *slot_of(cache, segment_id(segment));
    while (entry != NULL && entry->segment != segment)
        entry = entry->next;
    return entry;
}

static void unlink_unused(SegmentCache *cache, CacheEntry *entry)
{
    if (entry->older != NULL)
        entry->older->newer = entry->newer;
    else
        cache->oldest = entry->newer;
    if (entry->newer != NULL)
        entry->newer->older = entry->older;
    else
        cache->newest = entry->older;
    entry->older = entry->newer = NULL;
}

static void link_unused(SegmentCache *cache, CacheEntry *entry)
{
    entry->older = cache->newest;
    entry->newer = NULL;
    if (cache->newest != NULL)
        cache->newest->newer = entry;
    else
        cache->oldest = entry;
    cache->newest = entry;
}

static void charge(SegmentCache *cache, CacheEntry *entry)
{
    int64_t bytes = (int64_t)segment_memory_bytes(entry->segment);
    mem_charge(&cache->memory, bytes - entry->bytes);
    entry->bytes = bytes;
}

/* An entry without pins that is in no list. */
static void discard(SegmentCache *cache, CacheEntry *entry)
{
    CacheEntry **at = slot_of(cache, entry->id);
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    mem_release(&cache->memory, entry->bytes);
    segment_close(entry->segment);
    mem_free(entry);
    cache->count--;
}

static void shrink(SegmentCache *cache)
{
    while (cache->oldest != NULL && (mem_used(&cache->memory) > cache->limit_bytes || cache->count > MOST_MAPPINGS)) {
        CacheEntry *entry = cache->oldest;
        unlink_unused(cache, entry);
        discard(cache, entry);
        cache->stats.evictions++;
    }
}

void segment_cache_close(SegmentCache *cache)
{
    if (cache == NULL)
        return;
    for (uint32_t s = 0; s < SLOTS; s++) {
        while (cache->slots[s] != NULL)
            discard(cache, cache->slots[s]);
    }
    delete_cache_close(cache->deletes);
    mutex_deinit(&cache->lock);
    mem_free(cache);
}

static void forget(SegmentCache *cache, CacheEntry *entry)
{
    entry->is_forgotten = true;
    if (entry->pins > 0)
        return;
    unlink_unused(cache, entry);
    discard(cache, entry);
}

static void begin_epoch(Segment *segment, int64_t now_us)
{
    segment_set_epoch(segment, (uint8_t)(now_us / EPOCH_US % 255 + 1));
}

/* Objects never change; if one did, what was checked of it says nothing any more. */
static bool is_still_good(CacheEntry *entry, int64_t now_us)
{
    if (now_us - entry->looked_us < LOOK_US)
        return true;
    entry->looked_us = now_us;
    begin_epoch(entry->segment, now_us);
    return segment_is_unchanged(entry->segment);
}

/* Lock held. NULL: not there. */
static Segment *take(SegmentCache *cache, uint64_t id)
{
    CacheEntry *entry = find(cache, id);
    if (entry == NULL)
        return NULL;
    if (!is_still_good(entry, env_monotonic_us(cache->volume->environment))) {
        forget(cache, entry);
        return NULL;
    }
    if (entry->pins++ == 0)
        unlink_unused(cache, entry);
    return entry->segment;
}

static Segment *take_locked(SegmentCache *cache, uint64_t id)
{
    LOCK_GUARD(&cache->lock);
    Segment *segment = take(cache, id);
    cache->stats.hits += segment != NULL;
    return segment;
}

Status segment_cache_get(SegmentCache *cache, const SegmentRef *ref, Diag *diag, Segment **out_segment)
{
    *out_segment = take_locked(cache, ref->id);
    if (*out_segment != NULL)
        return OK;
    Segment *opened;
    TRY(segment_open(cache->volume, ref, diag, &opened));
    LOCK_GUARD(&cache->lock);
    cache->stats.misses++;
    *out_segment = take(cache, ref->id);
    if (*out_segment != NULL) {
        segment_close(opened);
        return OK;
    }
    CacheEntry *entry = mem_alloc_zero(sizeof(*entry));
    CacheEntry **slot = slot_of(cache, ref->id);
    *entry = (CacheEntry){.next = *slot, .segment = opened, .id = ref->id, .pins = 1,
                          .looked_us = env_monotonic_us(cache->volume->environment)};
    *slot = entry;
    begin_epoch(opened, entry->looked_us);
    cache->count++;
    charge(cache, entry);
    shrink(cache);
    *out_segment = opened;
    return OK;
}

static bool is_open(SegmentCache *cache, uint64_t id)
{
    LOCK_GUARD(&cache->lock);
    return find(cache, id) != NULL;
}

void segment_cache_prepare(SegmentCache *cache, const SegmentRef *refs, uint32_t count)
{
    bool is_local = !volume_can_prefetch(cache->volume);
    for (uint32_t i = 0; i < count; i++) {
        if (is_local && refs[i].volume_id == 0)
            continue;
        if (!is_open(cache, refs[i].id))
            segment_prepare(cache->volume, &refs[i]);
    }
}

void segment_cache_release(SegmentCache *cache, const Segment *segment)
{
    LOCK_GUARD(&cache->lock);
    CacheEntry *entry = find_segment(cache, segment);
    CHECK(entry != NULL && entry->pins > 0);
    if (--entry->pins > 0)
        return;
    charge(cache, entry);
    if (entry->is_forgotten) {
        discard(cache, entry);
        return;
    }
    link_unused(cache, entry);
    shrink(cache);
}

void segment_cache_forget(SegmentCache *cache, StrView path)
{
    LOCK_GUARD(&cache->lock);
    for (uint32_t s = 0; s < SLOTS; s++) {
        for (CacheEntry *entry = cache->slots[s], *next; entry != NULL; entry = next) {
            next = entry->next;
            if (entry->is_forgotten || !strview_equal(segment_path(entry->segment), path))
                continue;
            forget(cache, entry);
        }
    }
}

void segment_cache_stats(SegmentCache *cache, SegmentCacheStats *out_stats)
{
    LOCK_GUARD(&cache->lock);
    *out_stats = cache->stats;
    out_stats->segments = cache->count;
    out_stats->bytes = mem_used(&cache->memory);
}
