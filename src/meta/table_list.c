#include "meta/table_list.h"

#include "base/memory.h"
#include "meta/catalog.h"

enum { CHUNK_TABLES = 256 };

struct TableChunk {
    _Atomic uint32_t references;
    uint32_t count;
    CatalogTable *tables[CHUNK_TABLES];
};

static void chunk_unref(TableChunk *chunk)
{
    if (atomic_fetch_sub_explicit(&chunk->references, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < chunk->count; i++)
        catalog_table_unref(chunk->tables[i]);
    mem_free(chunk);
}

static TableChunk *new_chunk(void)
{
    TableChunk *chunk = mem_alloc(sizeof(*chunk));
    atomic_init(&chunk->references, 1);
    chunk->count = 0;
    return chunk;
}

static void make_room(TableList *list)
{
    if (list->chunk_count < list->chunk_room)
        return;
    list->chunk_room = list->chunk_room * 2 + 2;
    list->chunks = mem_realloc(list->chunks, list->chunk_room * sizeof(*list->chunks));
    list->firsts = mem_realloc(list->firsts, list->chunk_room * sizeof(*list->firsts));
}

void table_list_share(const TableList *from, TableList *out)
{
    *out = (TableList){.chunk_count = from->chunk_count, .chunk_room = from->chunk_count + 1, .count = from->count};
    out->chunks = mem_alloc(out->chunk_room * sizeof(*out->chunks));
    out->firsts = mem_alloc(out->chunk_room * sizeof(*out->firsts));
    for (uint32_t c = 0; c < from->chunk_count; c++) {
        out->chunks[c] = from->chunks[c];
        out->firsts[c] = from->firsts[c];
        atomic_fetch_add_explicit(&out->chunks[c]->references, 1, memory_order_relaxed);
    }
}

void table_list_deinit(TableList *list)
{
    for (uint32_t c = 0; c < list->chunk_count; c++)
        chunk_unref(list->chunks[c]);
    mem_free(list->chunks);
    mem_free(list->firsts);
    *list = (TableList){0};
}

/* The chunk that holds position at; the last one for the end. */
static uint32_t chunk_of(const TableList *list, uint32_t at)
{
    uint32_t low = 0, high = list->chunk_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (list->firsts[middle] <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

CatalogTable *table_list_at(const TableList *list, uint32_t at)
{
    uint32_t c = chunk_of(list, at);
    return list->chunks[c]->tables[at - list->firsts[c]];
}

bool table_list_skip_shared(const TableList *a, uint32_t *in_out_a, const TableList *b, uint32_t *in_out_b)
{
    if (*in_out_a >= a->count || *in_out_b >= b->count)
        return false;
    uint32_t at_a = chunk_of(a, *in_out_a), at_b = chunk_of(b, *in_out_b);
    uint32_t inside = *in_out_a - a->firsts[at_a], begun = at_a;
    if (a->chunks[at_a] != b->chunks[at_b] || inside != *in_out_b - b->firsts[at_b])
        return false;
    while (at_a < a->chunk_count && at_b < b->chunk_count && a->chunks[at_a] == b->chunks[at_b]) {
        at_a++;
        at_b++;
    }
    *in_out_a = at_a < a->chunk_count ? a->firsts[at_a] : a->count;
    *in_out_b = at_b < b->chunk_count ? b->firsts[at_b] : b->count;
    return at_a > begun;
}

uint32_t table_list_find(const TableList *list, StrView name, bool *out_is_there)
{
    uint32_t low = 0, high = list->count;
    *out_is_there = false;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strview_compare(table_list_at(list, middle)->name, name);
        if (order == 0) {
            *out_is_there = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool table_list_find_id(const TableList *list, StrView name, uint64_t id, uint32_t *out_at)
{
    bool is_there;
    uint32_t at = table_list_find(list, name, &is_there);
    while (at > 0 && strview_equal(table_list_at(list, at - 1)->name, name))
        at--;
    for (; is_there && at < list->count && strview_equal(table_list_at(list, at)->name, name); at++) {
        if (table_list_at(list, at)->id != id)
            continue;
        *out_at = at;
        return true;
    }
    return false;
}

static TableChunk *own_chunk(TableList *list, uint32_t c)
{
    TableChunk *old = list->chunks[c];
    if (atomic_load(&old->references) == 1)
        return old;
    TableChunk *copy = new_chunk();
    copy->count = old->count;
    for (uint32_t i = 0; i < old->count; i++) {
        copy->tables[i] = old->tables[i];
        atomic_fetch_add_explicit(&copy->tables[i]->references, 1, memory_order_relaxed);
    }
    list->chunks[c] = copy;
    chunk_unref(old);
    return copy;
}

static void count_from(TableList *list, uint32_t c)
{
    for (; c < list->chunk_count; c++)
        list->firsts[c] = c == 0 ? 0 : list->firsts[c - 1] + list->chunks[c - 1]->count;
}

/* The upper half of a full chunk becomes the next one; behind the last, nothing moves: names often ascend. */
static void split_chunk(TableList *list, uint32_t c, bool is_at_end)
{
    make_room(list);
    TableChunk *full = own_chunk(list, c), *next = new_chunk();
    uint32_t kept = is_at_end ? CHUNK_TABLES : CHUNK_TABLES / 2;
    next->count = CHUNK_TABLES - kept;
    memcpy(next->tables, full->tables + kept, next->count * sizeof(*next->tables));
    full->count = kept;
    memmove(list->chunks + c + 2, list->chunks + c + 1, (list->chunk_count - c - 1) * sizeof(*list->chunks));
    list->chunks[c + 1] = next;
    list->chunk_count++;
    count_from(list, c);
}

void table_list_insert(TableList *list, uint32_t at, CatalogTable *table)
{
    if (list->chunk_count == 0) {
        make_room(list);
        list->chunks[list->chunk_count++] = new_chunk();
        list->firsts[0] = 0;
    }
    uint32_t c = chunk_of(list, at);
    if (list->chunks[c]->count == CHUNK_TABLES) {
        split_chunk(list, c, at == list->count && c + 1 == list->chunk_count);
        c += at > list->firsts[c + 1] || list->chunks[c]->count == CHUNK_TABLES;
    }
    TableChunk *chunk = own_chunk(list, c);
    uint32_t place = at - list->firsts[c];
    memmove(chunk->tables + place + 1, chunk->tables + place, (chunk->count - place) * sizeof(*chunk->tables));
    chunk->tables[place] = table;
    chunk->count++;
    list->count++;
    count_from(list, c + 1);
}

void table_list_remove(TableList *list, uint32_t at)
{
    uint32_t c = chunk_of(list, at);
    TableChunk *chunk = own_chunk(list, c);
    uint32_t place = at - list->firsts[c];
    catalog_table_unref(chunk->tables[place]);
    chunk->count--;
    list->count--;
    memmove(chunk->tables + place, chunk->tables + place + 1, (chunk->count - place) * sizeof(*chunk->tables));
    if (chunk->count == 0) {
        chunk_unref(chunk);
        list->chunk_count--;
        memmove(list->chunks + c, list->chunks + c + 1, (list->chunk_count - c) * sizeof(*list->chunks));
    }
    count_from(list, c);
}

void table_list_replace(TableList *list, uint32_t at, CatalogTable *table)
{
    uint32_t c = chunk_of(list, at);
    TableChunk *chunk = own_chunk(list, c);
    CatalogTable **place = &chunk->tables[at - list->firsts[c]];
    catalog_table_unref(*place);
    *place = table;
}

bool table_list_owns(const TableList *list, uint32_t at)
{
    const TableChunk *chunk = list->chunks[chunk_of(list, at)];
    return atomic_load(&chunk->references) == 1 && atomic_load(&table_list_at(list, at)->references) == 1;
}

void table_list_borrow(TableList *list, Arena *arena, const CatalogTable *table)
{
    bool is_full = list->chunk_count == 0 || list->chunks[list->chunk_count - 1]->count == CHUNK_TABLES;
    if (is_full && list->chunk_count == list->chunk_room) {
        uint32_t room = list->chunk_room;
        list->firsts = arena_grow(arena, list->firsts, sizeof(*list->firsts), list->chunk_count, &room);
        list->chunks = arena_grow(arena, list->chunks, sizeof(*list->chunks), list->chunk_count, &list->chunk_room);
    }
    if (is_full) {
        list->chunks[list->chunk_count] = ARENA_NEW(arena, TableChunk);
        list->firsts[list->chunk_count++] = list->count;
    }
    TableChunk *chunk = list->chunks[list->chunk_count - 1];
    chunk->tables[chunk->count++] = (CatalogTable *)(uintptr_t)table;
    list->count++;
}
