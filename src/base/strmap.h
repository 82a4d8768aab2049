#pragma once
/* Hash map from byte strings to pointers, in an arena. Open addressing, no deletion; keys are not
 * copied and must live as long as the map. One thread at a time. */

#include "base/arena.h"
#include "base/bytes.h"

typedef struct StrMapSlot {
    StrView key; /* data == NULL: empty */
    void *value;
    uint64_t hash;
} StrMapSlot;

typedef struct StrMap {
    Arena *arena;
    StrMapSlot *slots;
    uint32_t count;
    uint32_t capacity; /* power of two, or 0 */
    bool fold_case;    /* ASCII case-insensitive keys */
} StrMap;

void strmap_init(StrMap *map, Arena *arena, bool fold_case);
void *strmap_get(const StrMap *map, StrView key); /* NULL when absent */
/* Returns the value that was there before (which stays), or NULL when value was put in. */
void *strmap_put_if_absent(StrMap *map, StrView key, void *value);
void strmap_set(StrMap *map, StrView key, void *value);
