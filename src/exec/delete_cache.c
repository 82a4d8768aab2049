#include "exec/delete_cache.h"

/* A chained hash table; when the memory is above its limit, entries that nobody uses go as they are met. Decoding happens
 * outside of the lock: of two that do the same, the second takes the first's. */

enum { SLOTS = 1 << 10 };

struct DeleteEntry {
    DeleteEntry *next; /* of the slot */
    uint64_t id;
    uint32_t pins;
    uint64_t used; /* the cache's clock when it was last got */
    Arena arena;
    DeleteVector vector;
    DeleteList list;
};

struct DeleteCache {
    MemTracker memory;
    int64_t limit_bytes;
    Mutex lock; /* guards all below */
    DeleteEntry *slots[SLOTS];
    uint64_t clock;
    uint32_t hand; /* slot where the next look for unused ones begins */
};

DeleteCache *delete_cache_open(MemTracker *parent, int64_t limit_bytes)
{
    DeleteCache *cache = mem_alloc_zero(sizeof(*cache));
    mem_tracker_init(&cache->memory, parent, "delete vectors", 0);
    cache->limit_bytes = limit_bytes;
    mutex_init(&cache->lock);
    return cache;
}

static DeleteEntry **slot_of(DeleteCache *cache, uint64_t id)
{
    return &cache->slots[(id * 0x9E3779B97F4A7C15u) >> 54];
}
_Static_assert(SLOTS == 1 << 10, "slot_of() takes 10 bits");

static void drop_entry(DeleteEntry *entry)
{
    arena_deinit(&entry->arena);
    mem_free(entry);
}

/* Once around at most. What was got lately gets a second chance. */
static void shrink(DeleteCache *cache)
{
    for (uint32_t s = 0; s < SLOTS * 2 && mem_used(&cache->memory) > cache->limit_bytes; s++) {
        cache->hand = (cache->hand + 1) % SLOTS;
        for (DeleteEntry **at = &cache->slots[cache->hand]; *at != NULL;) {
            DeleteEntry *entry = *at;
            if (entry->pins > 0 || (s < SLOTS && cache->clock - entry->used < SLOTS / 4)) {
                at = &entry->next;
                continue;
            }
            *at = entry->next;
            drop_entry(entry);
        }
    }
}

void delete_cache_close(DeleteCache *cache)
{
    if (cache == NULL)
        return;
    for (uint32_t s = 0; s < SLOTS; s++) {
        while (cache->slots[s] != NULL) {
            DeleteEntry *entry = cache->slots[s];
            cache->slots[s] = entry->next;
            drop_entry(entry);
        }
    }
    mutex_deinit(&cache->lock);
    mem_free(cache);
}

/* Lock held. */
static DeleteEntry *find(DeleteCache *cache, uint64_t id)
{
    DeleteEntry *entry = *slot_of(cache, id);
    while (entry != NULL && entry->id != id)
        entry = entry->next;
    if (entry == NULL)
        return NULL;
    entry->pins++;
    entry->used = ++cache->clock;
    return entry;
}

Status delete_cache_get(DeleteCache *cache, Volume *volume, const SegmentRef *segment, Diag *diag, DeleteEntry **out_entry)
{
    uint64_t id = segment->deletes->id;
    mutex_lock(&cache->lock);
    *out_entry = find(cache, id);
    mutex_unlock(&cache->lock);
    if (*out_entry != NULL)
        return OK;
    DeleteEntry *fresh = mem_alloc_zero(sizeof(*fresh));
    fresh->id = id;
    arena_init(&fresh->arena, &cache->memory);
    Status status = delete_vector_load(volume, segment, &fresh->arena, diag, &fresh->vector);
    if (status == OK)
        delete_list_make(&fresh->vector, &fresh->arena, &fresh->list);
    LOCK_GUARD(&cache->lock);
    *out_entry = status == OK ? find(cache, id) : NULL;
    if (status != OK || *out_entry != NULL) {
        drop_entry(fresh);
        return status;
    }
    DeleteEntry **slot = slot_of(cache, id);
    fresh->next = *slot;
    *slot = fresh;
    fresh->pins = 1;
    fresh->used = ++cache->clock;
    *out_entry = fresh;
    shrink(cache);
    return OK;
}

const DeleteVector *delete_entry_vector(const DeleteEntry *entry)
{
    return &entry->vector;
}

const DeleteList *delete_entry_list(const DeleteEntry *entry)
{
    return &entry->list;
}

void delete_cache_release(DeleteCache *cache, DeleteEntry *entry)
{
    LOCK_GUARD(&cache->lock);
    CHECK(entry->pins > 0);
    entry->pins--;
}
