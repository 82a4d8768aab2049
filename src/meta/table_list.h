#pragma once
/* The tables of a database, ordered by name, as a persistent list: chunks with reference counts, so that a version of the
 * list with another table in one place shares all chunks but one. A list is changed only while it belongs to one database
 * node that nobody else sees; table_list_share() makes the next version. Ids are found through an IdMap. */

#include <stdatomic.h>

#include "base/arena.h"
#include "base/bytes.h"

typedef struct CatalogTable CatalogTable;
typedef struct TableChunk TableChunk;

typedef struct TableList {
    TableChunk **chunks;
    uint32_t *firsts; /* number of tables before each chunk */
    uint32_t chunk_count, chunk_room;
    uint32_t count;
} TableList;

/* A list of the same tables, which shares the chunks. */
void table_list_share(const TableList *from, TableList *out);
void table_list_deinit(TableList *list);
CatalogTable *table_list_at(const TableList *list, uint32_t at);
/* Position of the table of that name, or where it would go. */
uint32_t table_list_find(const TableList *list, StrView name, bool *out_is_there);
/* The table of that name and id: while names are swapped, two may have one name. */
bool table_list_find_id(const TableList *list, StrView name, uint64_t id, uint32_t *out_at);
/* Takes over the reference. */
void table_list_insert(TableList *list, uint32_t at, CatalogTable *table);
void table_list_remove(TableList *list, uint32_t at);
/* Takes over the reference; the one that was there is let go. */
void table_list_replace(TableList *list, uint32_t at, CatalogTable *table);
/* Appends a table to a list that lies in the arena and holds no references; never to be deinitialised. */
void table_list_borrow(TableList *list, Arena *arena, const CatalogTable *table);
/* Is the table at a place that only this list refers to: its chunk, and the table itself? */
bool table_list_owns(const TableList *list, uint32_t at);
/* Steps over what two lists have in common: where both positions are at the same place of a chunk that they share, behind it, and so on.
 * True: it stepped. A comparison of two versions so costs what differs. */
bool table_list_skip_shared(const TableList *a, uint32_t *in_out_a, const TableList *b, uint32_t *in_out_b);
