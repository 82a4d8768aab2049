#include "mv/engine_int.h"

/* REFRESH .. CASCADE: the views that a view reads first, from the bases up, each from the same state of the base tables. What each refresh
 * commits is applied to a private successor of that state, from which the next one reads: loads that come meanwhile are in none of them. */

typedef struct Tree {
    const CatalogSnapshot *snapshot;
    Arena *arena;
    ARRAY_OF(uint64_t) order;
    uint32_t depth;
} Tree;

enum { DEEPEST_TREE = 64 };

/* Bases before the view; what its property excludes is left alone. */
static Status list_tree(Tree *tree, uint64_t view_id, Diag *diag)
{
    MvDefinition definition;
    for (uint32_t i = 0; i < tree->order.count; i++) {
        if (tree->order.items[i] == view_id)
            return OK;
    }
    if (!mv_find(tree->snapshot, view_id, tree->arena, &definition))
        return RAISE(diag, NO_SUCH_TABLE, "materialized view %llu does not exist", (unsigned long long)view_id);
    if (tree->depth++ >= DEEPEST_TREE)
        return RAISE(diag, LIMIT_EXCEEDED, "views on views are more than %d levels deep", DEEPEST_TREE);
    for (uint32_t b = 0; b < definition.base_count; b++) {
        const MvBase *base = &definition.bases[b];
        if (base->kind == MV_BASE_MATERIALIZED_VIEW && !mv_is_excluded(&definition, base->database, base->name))
            TRY(list_tree(tree, base->id, diag));
    }
    tree->depth--;
    ARRAY_PUSH(tree->arena, &tree->order, view_id);
    return OK;
}

Status mv_list_tree(const CatalogSnapshot *snapshot, uint64_t view_id, Arena *arena, Diag *diag, uint64_t **out_ids, uint32_t *out_count)
{
    Tree tree = {.snapshot = snapshot, .arena = arena};
    TRY(list_tree(&tree, view_id, diag));
    *out_ids = tree.order.items;
    *out_count = tree.order.count;
    return OK;
}

static Status refresh_base(MvEngine *engine, const MvRefresh *refresh, uint64_t view_id, CatalogSnapshot **in_out_snapshot, Arena *arena, Diag *diag)
{
    AUTO_BYTEBUF entry = {0};
    MvRefreshed done;
    CatalogSnapshot *next;
    MvRefresh own = {.view_id = view_id, .is_strict = refresh->is_strict, .cancelled = refresh->cancelled, .started = refresh->started,
                     .started_context = refresh->started_context, .entry = &entry};
    own.ask = (MvAsk){.is_force = refresh->ask.is_force, .now_us = refresh->ask.now_us};
    TRY(mv_refresh(engine, &own, *in_out_snapshot, arena, diag, &done));
    if (entry.length == 0)
        return OK;
    uint64_t entry_id = done.entry_id != 0 ? done.entry_id : (*in_out_snapshot)->entry_id;
    TRY(change_apply(*in_out_snapshot, bytebuf_view(&entry), entry_id, refresh->ask.now_us, NULL, diag, &next));
    catalog_unref(*in_out_snapshot);
    *in_out_snapshot = next;
    return OK;
}

Status mv_refresh_tree(MvEngine *engine, const MvRefresh *refresh, CatalogSnapshot **in_out_snapshot, Arena *arena, Diag *diag, MvRefreshed *out)
{
    uint64_t *ids;
    uint32_t count;
    *out = (MvRefreshed){0};
    TRY(mv_list_tree(*in_out_snapshot, refresh->view_id, arena, diag, &ids, &count));
    for (uint32_t i = 0; i + 1 < count; i++)
        TRY(refresh_base(engine, refresh, ids[i], in_out_snapshot, arena, diag));
    return mv_refresh(engine, refresh, *in_out_snapshot, arena, diag, out);
}
