#include "meta/id_map.h"

/* Sixteen ways a level, least digit at the leaves; a tree is as high as its greatest id needs. Empty branches stay: ids
 * are given out in ascending order and rarely all go. */

#include <stdatomic.h>

#include "base/memory.h"

enum { BITS = 4, WAYS = 1 << BITS };

typedef struct HomeNode {
    _Atomic uint32_t references;
    IdHome home; /* name: in the bytes behind */
    char bytes[];
} HomeNode;

struct IdMap {
    _Atomic uint32_t references;
    uint32_t height; /* 0: the children are homes */
    void *children[WAYS];
};

static bool is_last(_Atomic uint32_t *references)
{
    return atomic_fetch_sub_explicit(references, 1, memory_order_acq_rel) == 1;
}

static void home_unref(HomeNode *node)
{
    if (is_last(&node->references))
        mem_free(node);
}

IdMap *id_map_ref(IdMap *map)
{
    if (map != NULL)
        atomic_fetch_add_explicit(&map->references, 1, memory_order_relaxed);
    return map;
}

/* As deep as an id has digits. */
void id_map_unref(IdMap *map)
{
    if (map == NULL || !is_last(&map->references))
        return;
    for (uint32_t i = 0; i < WAYS; i++) {
        if (map->children[i] == NULL)
            continue;
        if (map->height == 0)
            home_unref(map->children[i]);
        else
            id_map_unref(map->children[i]);
    }
    mem_free(map);
}

static uint32_t digit(uint64_t id, uint32_t height)
{
    return (uint32_t)(id >> (height * BITS)) & (WAYS - 1);
}

static bool fits(const IdMap *map, uint64_t id)
{
    uint32_t bits = (map->height + 1) * BITS;
    return bits >= 64 || id >> bits == 0;
}

bool id_map_find(const IdMap *map, uint64_t id, IdHome *out)
{
    if (map == NULL || !fits(map, id))
        return false;
    while (map != NULL && map->height > 0)
        map = map->children[digit(id, map->height)];
    const HomeNode *node = map == NULL ? NULL : map->children[digit(id, 0)];
    if (node != NULL)
        *out = node->home;
    return node != NULL;
}

static IdMap *new_node(uint32_t height)
{
    IdMap *node = mem_alloc_zero(sizeof(*node));
    atomic_init(&node->references, 1);
    node->height = height;
    return node;
}

/* A node that only its parent refers to, for the one at *place. */
static IdMap *own_node(IdMap **place)
{
    IdMap *old = *place;
    if (atomic_load(&old->references) == 1)
        return old;
    IdMap *copy = new_node(old->height);
    for (uint32_t i = 0; i < WAYS; i++) {
        copy->children[i] = old->children[i];
        if (copy->children[i] == NULL)
            continue;
        if (old->height == 0)
            atomic_fetch_add_explicit(&((HomeNode *)copy->children[i])->references, 1, memory_order_relaxed);
        else
            id_map_ref(copy->children[i]);
    }
    id_map_unref(old);
    *place = copy;
    return copy;
}

static HomeNode *new_home(const IdHome *home)
{
    HomeNode *node = mem_alloc(sizeof(*node) + home->name.length + 1);
    atomic_init(&node->references, 1);
    node->home = (IdHome){home->database_id, {node->bytes, home->name.length}};
    memcpy(node->bytes, home->name.data, home->name.length);
    node->bytes[home->name.length] = '\0';
    return node;
}

void id_map_put(IdMap **in_out_map, uint64_t id, const IdHome *home)
{
    if (*in_out_map == NULL)
        *in_out_map = new_node(0);
    while (!fits(*in_out_map, id)) {
        IdMap *higher = new_node((*in_out_map)->height + 1);
        higher->children[0] = *in_out_map;
        *in_out_map = higher;
    }
    IdMap *node = own_node(in_out_map);
    while (node->height > 0) {
        IdMap **child = (IdMap **)&node->children[digit(id, node->height)];
        if (*child == NULL)
            *child = new_node(node->height - 1);
        node = own_node(child);
    }
    HomeNode **place = (HomeNode **)&node->children[digit(id, 0)];
    if (*place != NULL)
        home_unref(*place);
    *place = new_home(home);
}

void id_map_remove(IdMap **in_out_map, uint64_t id)
{
    IdHome unused;
    if (!id_map_find(*in_out_map, id, &unused))
        return;
    IdMap *node = own_node(in_out_map);
    while (node->height > 0)
        node = own_node((IdMap **)&node->children[digit(id, node->height)]);
    HomeNode **place = (HomeNode **)&node->children[digit(id, 0)];
    home_unref(*place);
    *place = NULL;
}
