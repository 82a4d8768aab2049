#include "base/strmap.h"

/* Linear probing at a load of at most one half. */

#include <ctype.h>

#include "base/hash.h"

void strmap_init(StrMap *map, Arena *arena, bool fold_case)
{
    *map = (StrMap){.arena = arena, .fold_case = fold_case};
}

static uint64_t key_hash(const StrMap *map, StrView key)
{
    if (!map->fold_case)
        return hash_bytes(key.data, key.length);
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < key.length; i++)
        hash = (hash ^ (uint64_t)tolower((unsigned char)key.data[i])) * 0x100000001B3u;
    return hash_u64(hash);
}

static bool key_equal(const StrMap *map, StrView a, StrView b)
{
    return map->fold_case ? strview_equal_ci(a, b) : strview_equal(a, b);
}

/* The slot that holds key, or the empty one where it belongs. capacity must not be 0. */
static StrMapSlot *find_slot(const StrMap *map, StrView key, uint64_t hash)
{
    uint32_t mask = map->capacity - 1;
    for (uint32_t i = (uint32_t)hash & mask;; i = (i + 1) & mask) {
        StrMapSlot *slot = &map->slots[i];
        if (slot->key.data == NULL || (slot->hash == hash && key_equal(map, slot->key, key)))
            return slot;
    }
}

static void grow(StrMap *map)
{
    StrMapSlot *old = map->slots;
    uint32_t old_capacity = map->capacity;
    map->capacity = old_capacity == 0 ? 16 : old_capacity * 2;
    map->slots = ARENA_NEW_ARRAY(map->arena, StrMapSlot, map->capacity);
    for (uint32_t i = 0; i < old_capacity; i++) {
        if (old[i].key.data != NULL)
            *find_slot(map, old[i].key, old[i].hash) = old[i];
    }
}

void *strmap_get(const StrMap *map, StrView key)
{
    if (map->capacity == 0)
        return NULL;
    return find_slot(map, key, key_hash(map, key))->value;
}

static StrMapSlot *slot_for_write(StrMap *map, StrView key)
{
    if (map->count * 2 >= map->capacity)
        grow(map);
    uint64_t hash = key_hash(map, key);
    StrMapSlot *slot = find_slot(map, key, hash);
    if (slot->key.data == NULL) {
        slot->key = key.data == NULL ? STR_VIEW("") : key;
        slot->hash = hash;
        map->count++;
    }
    return slot;
}

void *strmap_put_if_absent(StrMap *map, StrView key, void *value)
{
    StrMapSlot *slot = slot_for_write(map, key);
    if (slot->value != NULL)
        return slot->value;
    slot->value = value;
    return NULL;
}

void strmap_set(StrMap *map, StrView key, void *value)
{
    slot_for_write(map, key)->value = value;
}
