#include "mv/fresh_cache.h"

#include "mv/engine_int.h"

/* Deciding again costs a few comparisons a view while nothing was committed to its bases, and one a partition where what was
 * committed changed no rows. */

/* ---- nodes ---- */

void mv_nodes_release(MvFreshNodes *nodes)
{
    for (uint32_t i = 0; i < nodes->count; i++)
        catalog_table_unref(nodes->tables[i]);
    mem_free(nodes->tables);
    *nodes = (MvFreshNodes){0};
}

static CatalogTable *hold(const CatalogTable *table)
{
    CatalogTable *node = (CatalogTable *)(uintptr_t)table;
    atomic_fetch_add(&node->references, 1);
    return node;
}

void mv_nodes_hold(MvFreshNodes *nodes, const MvDecision *decision, const CatalogTable *own)
{
    const MvCells *cells = &decision->cells;
    mv_nodes_release(nodes);
    nodes->record_hash = mv_record_hash(decision->snapshot, own->id);
    nodes->tables = mem_alloc_zero((cells->table_count + 1) * sizeof(CatalogTable *));
    nodes->tables[nodes->count++] = hold(own);
    for (uint32_t t = 0; t < cells->table_count; t++)
        nodes->tables[nodes->count++] = hold(cells->tables[t].table);
}

static bool same_rows(const CatalogTable *a, const CatalogTable *b)
{
    if (a == b)
        return true;
    if (b == NULL || a->schema != b->schema || !strview_equal(a->name, b->name) || a->database_id != b->database_id ||
        a->partition_count != b->partition_count)
        return false;
    for (uint32_t p = 0; p < a->partition_count; p++) {
        const CatalogPartition *x = a->partitions[p], *y = b->partitions[p];
        if (x != y && (x->id != y->id || x->data_version != y->data_version))
            return false;
    }
    return true;
}

bool mv_nodes_are_fresh(MvFreshNodes *nodes, const CatalogSnapshot *snapshot)
{
    if (nodes->tables == NULL || nodes->record_hash != mv_record_hash(snapshot, nodes->tables[0]->id))
        return false;
    for (uint32_t i = 0; i < nodes->count; i++) {
        const CatalogTable *now = catalog_table_by_id(snapshot, nodes->tables[i]->id);
        if (now == nodes->tables[i])
            continue;
        if (!same_rows(nodes->tables[i], now))
            return false;
        catalog_table_unref(nodes->tables[i]);
        nodes->tables[i] = hold(now);
    }
    return true;
}

/* ---- of the engine, by view ---- */

/* Where the view is, or would go. With the lock. */
static uint32_t find(const MvEngine *engine, uint64_t id, bool *out_found)
{
    uint32_t low = 0, high = engine->fresh_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (engine->fresh[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    *out_found = low < engine->fresh_count && engine->fresh[low].id == id;
    return low;
}

void mv_fresh_close(MvEngine *engine)
{
    for (uint32_t i = 0; i < engine->fresh_count; i++)
        mv_nodes_release(&engine->fresh[i].nodes);
    mem_free(engine->fresh);
    mutex_deinit(&engine->fresh_lock);
}

void mv_fresh_note(MvEngine *engine, const MvDecision *decision, const CatalogTable *own)
{
    LOCK_GUARD(&engine->fresh_lock);
    bool found;
    uint32_t at = find(engine, own->id, &found);
    if (!found) {
        if (engine->fresh_count == engine->fresh_room) {
            engine->fresh_room = engine->fresh_room * 2 + 16;
            engine->fresh = mem_realloc(engine->fresh, engine->fresh_room * sizeof(MvFresh));
        }
        memmove(engine->fresh + at + 1, engine->fresh + at, (engine->fresh_count - at) * sizeof(MvFresh));
        engine->fresh[at] = (MvFresh){.id = own->id};
        engine->fresh_count++;
    }
    mv_nodes_hold(&engine->fresh[at].nodes, decision, own);
}

bool mv_fresh_holds(MvEngine *engine, const CatalogSnapshot *snapshot, uint64_t view_id)
{
    LOCK_GUARD(&engine->fresh_lock);
    bool found;
    uint32_t at = find(engine, view_id, &found);
    return found && mv_nodes_are_fresh(&engine->fresh[at].nodes, snapshot);
}

void mv_fresh_sweep(MvEngine *engine, const CatalogSnapshot *snapshot)
{
    uint32_t kept = 0;
    LOCK_GUARD(&engine->fresh_lock);
    for (uint32_t i = 0; i < engine->fresh_count; i++) {
        if (mv_record_hash(snapshot, engine->fresh[i].id) != 0)
            engine->fresh[kept++] = engine->fresh[i];
        else
            mv_nodes_release(&engine->fresh[i].nodes);
    }
    engine->fresh_count = kept;
}
