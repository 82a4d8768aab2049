#pragma once
/* A persistent map from ids to small things: a radix tree of counted nodes. A version with another entry shares all nodes
 * but those on one path. Values are the id of a database and a name: where a table is. */

#include "base/bytes.h"

typedef struct IdMap IdMap; /* NULL: empty */

typedef struct IdHome {
    uint64_t database_id;
    StrView name; /* as long as the map */
} IdHome;

IdMap *id_map_ref(IdMap *map);
void id_map_unref(IdMap *map);
bool id_map_find(const IdMap *map, uint64_t id, IdHome *out);
/* *in_out_map is replaced by a version that has the entry; a node that only this version has is changed in place. */
void id_map_put(IdMap **in_out_map, uint64_t id, const IdHome *home);
void id_map_remove(IdMap **in_out_map, uint64_t id);
