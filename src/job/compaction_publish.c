#include "job/compaction_publish.h"

#include "base/fault.h"
#include "format/segment.h"
#include "job/delete_vector_store.h"

/* A look at the tablet, with the lock held, in which all that is new since the merge has been made ready. */
typedef struct Look {
    const CompactionPublish *publish;
    Diag *diag;
    Arena arena;
    const TabletVersion *tablet; /* of the catalog that was looked at */
    SegmentRef *current;         /* what the picked segments are by now */
    SegmentRef merged;           /* with an overlay, when there are new ones */
    DeleteVector deletes;        /* of its rows */
    NewDeletes stored;
} Look;

static Status too_late(const Look *look)
{
    return RAISE(look->diag, RETRY, "table '%.*s' changed while it was compacted", SV_ARGS(look->publish->pick->table->name));
}

static const CatalogPartition *partition_in(const CatalogSnapshot *catalog, const CompactionPick *pick)
{
    const CatalogTable *table = catalog_table_by_id(catalog, pick->table->id);
    return table == NULL || table->schema != pick->table->schema ? NULL : catalog_partition_by_id(table, pick->partition->id);
}

static const TabletVersion *tablet_in(const CatalogSnapshot *catalog, const CompactionPick *pick)
{
    const CatalogPartition *partition = partition_in(catalog, pick);
    for (uint32_t t = 0; partition != NULL && t < partition->tablet_count; t++) {
        if (partition->tablets[t].id == pick->tablet->id)
            return &partition->tablets[t];
    }
    return NULL;
}

/* A column update gives a segment another id: it is the same place with more overlays. */
static bool is_same_rows(const SegmentRef *a, const SegmentRef *b)
{
    bool is_same_place = a->path.length > 0 && a->volume_id == b->volume_id && a->offset == b->offset && strview_equal(a->path, b->path);
    return a->id == b->id || is_same_place;
}

/* They mostly come in the order in which the tablet has them. */
static Status find_current(Look *look)
{
    const CompactionPick *pick = look->publish->pick;
    const TabletVersion *tablet = look->tablet;
    look->current = ARENA_NEW_ARRAY(&look->arena, SegmentRef, pick->count + 1);
    uint32_t at = 0;
    for (uint32_t i = 0; i < pick->count; i++) {
        uint32_t tried = 0;
        for (; tried < tablet->segment_count && !is_same_rows(&tablet->segments[at], &pick->segments[i]); tried++)
            at = at + 1 < tablet->segment_count ? at + 1 : 0;
        if (tried == tablet->segment_count)
            return too_late(look);
        look->current[i] = tablet->segments[at];
    }
    return OK;
}

/* ---- rows that went ---- */

static uint64_t deletes_id(const SegmentRef *segment)
{
    return segment->deletes == NULL ? 0 : segment->deletes->id;
}

static Status mark_input(const Look *look, uint32_t i, uint64_t *dead, uint32_t *in_out_count)
{
    AUTO_ARENA arena;
    DeleteVector then, now;
    Volume *volume = look->publish->volume;
    arena_init(&arena, look->publish->memory);
    TRY(delete_vector_load(volume, &look->publish->pick->segments[i], &arena, look->diag, &then));
    TRY(delete_vector_load(volume, &look->current[i], &arena, look->diag, &now));
    *in_out_count += row_moves_mark(look->publish->moves, i, &then, &now, dead);
    return OK;
}

static Status carry_deletes(Look *look)
{
    const CompactionPublish *publish = look->publish;
    uint64_t *dead = NULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < publish->pick->count; i++) {
        if (deletes_id(&look->current[i]) == deletes_id(&publish->pick->segments[i]))
            continue;
        if (dead == NULL)
            dead = ARENA_NEW_ARRAY(&look->arena, uint64_t, publish->moves->rows / 64 + 1);
        TRY(mark_input(look, i, dead, &count));
    }
    if (count == 0)
        return OK;
    row_moves_follow(publish->moves, dead, &look->arena, &look->deletes);
    look->stored.segment_id = look->merged.id;
    return delete_vector_store(publish->store, publish->volume, &look->merged, &look->deletes, &look->arena, look->diag,
                               &look->stored.deletes);
}

/* ---- columns that changed ---- */

static bool has_overlay(const SegmentRef *segment, uint64_t id)
{
    for (uint32_t i = 0; i < segment->overlay_count; i++) {
        if (segment->overlays[i].id == id)
            return true;
    }
    return false;
}

/* Sets changed for the columns of the overlays that came since. */
static Status find_changed(const Look *look, uint8_t *changed, uint32_t *in_out_count)
{
    const CompactionPublish *publish = look->publish;
    for (uint32_t i = 0; i < publish->pick->count; i++) {
        for (uint32_t o = 0; o < look->current[i].overlay_count; o++) {
            Segment *overlay;
            if (has_overlay(&publish->pick->segments[i], look->current[i].overlays[o].id))
                continue;
            TRY(segment_open(publish->volume, &look->current[i].overlays[o], look->diag, &overlay));
            for (uint32_t c = 0; c < publish->input->column_count; c++) {
                bool has = segment_find_column(overlay, publish->input->columns[c].unique_id) >= 0;
                *in_out_count += has && !changed[c];
                changed[c] |= has;
            }
            segment_close(overlay);
        }
    }
    return OK;
}

/* What the overlay of the merged segment is made of: the changed columns of the rows that were merged. */
static CompactionInput overlay_input(Look *look, const uint8_t *changed, uint32_t count)
{
    const CompactionPublish *publish = look->publish;
    CompactionInput input = *publish->input;
    SegmentRef *segments = ARENA_NEW_ARRAY(&look->arena, SegmentRef, publish->pick->count);
    SegmentColumn *columns = ARENA_NEW_ARRAY(&look->arena, SegmentColumn, count);
    Datum *missing = ARENA_NEW_ARRAY(&look->arena, Datum, count);
    for (uint32_t i = 0; i < publish->pick->count; i++) {
        segments[i] = look->current[i];
        segments[i].deletes = publish->pick->segments[i].deletes;
    }
    input.column_count = 0;
    for (uint32_t c = 0; c < publish->input->column_count; c++) {
        if (!changed[c])
            continue;
        columns[input.column_count] = publish->input->columns[c];
        missing[input.column_count++] = publish->input->missing[c];
    }
    input.segments = segments;
    input.columns = columns;
    input.missing = missing;
    input.order = publish->moves;
    input.cancelled = NULL;
    return input;
}

static Status carry_overlays(Look *look)
{
    const CompactionPublish *publish = look->publish;
    char path[META_OBJECT_PATH_BYTES];
    uint32_t count = 0;
    uint8_t *changed = ARENA_NEW_ARRAY(&look->arena, uint8_t, publish->input->column_count + 1);
    TRY(find_changed(look, changed, &count));
    if (count == 0)
        return OK;
    SegmentRef *overlay = ARENA_NEW(&look->arena, SegmentRef);
    *overlay = (SegmentRef){.id = meta_new_id(publish->store), .volume_id = look->merged.volume_id};
    if (overlay->id == 0)
        return RAISE(look->diag, IO, "no ids can be had for new objects: the metadata journal can't be written");
    meta_object_path(publish->store, overlay->id, "seg", path);
    overlay->path = strview(arena_strdup(&look->arena, path));
    CompactionInput input = overlay_input(look, changed, count);
    FAULT("compaction.before_overlay", look->diag);
    TRY(compaction_merge(&input, path, look->diag, overlay, NULL));
    look->merged.overlays = overlay;
    look->merged.overlay_count = 1;
    return OK;
}

/* ---- the exchange ---- */

/* Nothing but this has changed the rows since they were looked at: who changes rows has the lock. */
static bool is_as_seen(const Look *look, const CatalogSnapshot *catalog)
{
    const TabletVersion *now = tablet_in(catalog, look->publish->pick);
    uint32_t at = 0;
    for (uint32_t i = 0; now != NULL && i < look->publish->pick->count; i++) {
        uint32_t tried = 0;
        for (; tried < now->segment_count && now->segments[at].id != look->current[i].id; tried++)
            at = at + 1 < now->segment_count ? at + 1 : 0;
        if (tried == now->segment_count || deletes_id(&now->segments[at]) != deletes_id(&look->current[i]))
            return false;
    }
    return now != NULL;
}

static Status build_exchange(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const Look *look = context;
    const CompactionPick *pick = look->publish->pick;
    uint64_t table_id = pick->table->id;
    (void)diag;
    if (!is_as_seen(look, catalog) || compaction_is_held(look->publish->holds, table_id))
        return too_late(look);
    uint64_t *old_ids = mem_alloc(pick->count * sizeof(*old_ids));
    for (uint32_t i = 0; i < pick->count; i++)
        old_ids[i] = look->current[i].id;
    NewSegments fresh = {pick->partition->id, pick->tablet->id, &look->merged, look->publish->merged == NULL ? 0 : 1};
    change_compact_segments(change, table_id, &fresh, old_ids, pick->count);
    mem_free(old_ids);
    if (look->deletes.count == 0)
        return OK;
    change_put_deletes(change, table_id, pick->partition->id, pick->tablet->id, &look->stored, 1);
    change_keep_data_version(change, table_id, pick->partition->id, partition_in(catalog, pick)->data_version);
    return OK;
}

/* An index of the tablet's keys learns where the rows are now. keys: of the merged rows; NULL: there is no index. */
static void tell_index(const Look *look, const KeyHash *keys)
{
    const CompactionPublish *publish = look->publish;
    CatalogSnapshot *after = meta_snapshot(publish->store);
    const TabletVersion *new = tablet_in(after, publish->pick);
    if (keys != NULL && new != NULL) {
        PrimaryIndexMove move = {publish->pick->tablet->id, look->tablet->segments, new->segments, look->tablet->segment_count,
                                 new->segment_count,        publish->merged,        keys,          &look->deletes};
        primary_index_follow(publish->keys, &move);
    }
    catalog_unref(after);
}

static Status publish_in(Look *look, const CatalogSnapshot *catalog, const KeyHash *keys)
{
    const CompactionPublish *publish = look->publish;
    look->tablet = tablet_in(catalog, publish->pick);
    if (look->tablet == NULL)
        return too_late(look);
    TRY(find_current(look));
    if (publish->merged != NULL) {
        look->merged = *publish->merged;
        TRY(carry_deletes(look));
        TRY(carry_overlays(look));
    }
    TRY(meta_commit(publish->store, build_exchange, look, look->diag));
    tell_index(look, keys);
    return OK;
}

/* The keys of the merged rows, where an index waits for them. */
static Status read_keys(const CompactionPublish *publish, Arena *arena, Diag *diag, const KeyHash **out_keys)
{
    static const KeyHash none;
    const TableSchema *schema = publish->pick->table->schema;
    bool is_keyed = schema->keys_kind == KEYS_PRIMARY || schema->keys_kind == KEYS_UNIQUE;
    *out_keys = NULL;
    if (publish->keys == NULL || !is_keyed || !primary_index_is_there(publish->keys, publish->pick->tablet->id))
        return OK;
    *out_keys = &none;
    if (publish->merged == NULL)
        return OK;
    SegmentColumn *columns = ARENA_NEW_ARRAY(arena, SegmentColumn, MAX(schema->key_count, 1u));
    for (uint32_t k = 0; k < schema->key_count; k++)
        columns[k] = (SegmentColumn){schema->columns[k].unique_id, schema->columns[k].type};
    PrimaryIndexInput input = {publish->volume, publish->pick->tablet->id, publish->merged, 1, columns, schema->key_count};
    return key_pages_load(&input, 0, arena, diag, out_keys);
}

Status compaction_publish(const CompactionPublish *publish, Diag *diag)
{
    const KeyHash *keys;
    Look look = {.publish = publish, .diag = diag};
    AUTO_ARENA arena;
    arena_init(&arena, publish->memory);
    TRY(read_keys(publish, &arena, diag, &keys));
    arena_init(&look.arena, publish->memory);
    if (publish->keys != NULL)
        primary_indexes_lock(publish->keys, publish->pick->table->id);
    CatalogSnapshot *catalog = meta_snapshot(publish->store);
    Status status = publish_in(&look, catalog, keys);
    catalog_unref(catalog);
    if (publish->keys != NULL)
        primary_indexes_unlock(publish->keys, publish->pick->table->id);
    arena_deinit(&look.arena);
    return status;
}
