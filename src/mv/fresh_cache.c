#include "mv/engine_int.h"

/* Views that were found fresh. A view stays it as long as its definition and the nodes of its own table and of its bases in the catalog
 * are the same: every change makes new nodes. So deciding again costs a few comparisons a view, whatever its number of
 * partitions. The nodes are held by references, which keep no snapshot alive. */

#include "base/hash.h"

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

static void release(MvFresh *fresh)
{
    for (uint32_t i = 0; i < fresh->table_count; i++)
        catalog_table_unref(fresh->tables[i]);
    mem_free(fresh->tables);
    fresh->tables = NULL;
    fresh->table_count = 0;
}

void mv_fresh_close(MvEngine *engine)
{
    for (uint32_t i = 0; i < engine->fresh_count; i++)
        release(&engine->fresh[i]);
    mem_free(engine->fresh);
    mutex_deinit(&engine->fresh_lock);
}

static void hold(MvFresh *fresh, const CatalogTable *table)
{
    CatalogTable *node = (CatalogTable *)(uintptr_t)table;
    atomic_fetch_add(&node->references, 1);
    fresh->tables[fresh->table_count++] = node;
}

void mv_fresh_note(MvEngine *engine, const MvDecision *decision)
{
    const MvCells *cells = &decision->cells;
    LOCK_GUARD(&engine->fresh_lock);
    bool found;
    uint32_t at = find(engine, decision->table->id, &found);
    if (!found) {
        if (engine->fresh_count == engine->fresh_room) {
            engine->fresh_room = engine->fresh_room * 2 + 16;
            engine->fresh = mem_realloc(engine->fresh, engine->fresh_room * sizeof(MvFresh));
        }
        memmove(engine->fresh + at + 1, engine->fresh + at, (engine->fresh_count - at) * sizeof(MvFresh));
        engine->fresh[at] = (MvFresh){.id = decision->table->id};
        engine->fresh_count++;
    }
    MvFresh *fresh = &engine->fresh[at];
    release(fresh);
    fresh->record_hash = mv_record_hash(decision->snapshot, fresh->id);
    fresh->tables = mem_alloc_zero((cells->table_count + 1) * sizeof(CatalogTable *));
    hold(fresh, decision->table);
    for (uint32_t t = 0; t < cells->table_count; t++)
        hold(fresh, cells->tables[t].table);
}

bool mv_fresh_holds(MvEngine *engine, const CatalogSnapshot *snapshot, uint64_t view_id)
{
    LOCK_GUARD(&engine->fresh_lock);
    bool found;
    uint32_t at = find(engine, view_id, &found);
    if (!found)
        return false;
    const MvFresh *fresh = &engine->fresh[at];
    bool holds = fresh->record_hash == mv_record_hash(snapshot, view_id);
    for (uint32_t i = 0; i < fresh->table_count && holds; i++)
        holds = catalog_table_by_id(snapshot, fresh->tables[i]->id) == fresh->tables[i];
    return holds;
}
