#include "load/key_commit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "storage/delete_vector.h"

/* ---- flushes ---- */

/* Positions of the last row of each key: open addressing over row numbers + 1. */
static void mark_last(const KeyHash *hashes, uint32_t rows, const uint8_t *skipped, uint8_t *is_last)
{
    uint64_t capacity = 64;
    while (capacity < (uint64_t)rows * 2)
        capacity *= 2;
    uint32_t *slots = mem_alloc_zero(capacity * sizeof(*slots));
    for (uint32_t row = rows; row > 0; row--) {
        const KeyHash *key = &hashes[row - 1];
        is_last[row - 1] = 0;
        if (skipped != NULL && skipped[row - 1])
            continue;
        uint64_t at = key->low & (capacity - 1);
        while (slots[at] != 0 && (hashes[slots[at] - 1].low != key->low || hashes[slots[at] - 1].high != key->high))
            at = (at + 1) & (capacity - 1);
        is_last[row - 1] = slots[at] == 0;
        if (slots[at] == 0)
            slots[at] = row;
    }
    mem_free(slots);
}

uint32_t *key_flush_fill(KeyFlush *flush, const KeyRows *all, uint32_t *positions, Arena *arena, uint32_t *out_kept)
{
    uint32_t rows = all->count;
    const uint8_t *deletes = all->deletes;
    KeyHash *hashes = mem_alloc(((size_t)rows + 1) * sizeof(*hashes));
    uint8_t *is_last = mem_alloc((size_t)rows + 1);
    key_hashes(all->keys, all->key_count, rows, hashes);
    mark_last(hashes, rows, all->skipped, is_last);
    KeyHash *kept_keys = ARENA_NEW_ARRAY(arena, KeyHash, rows);
    KeyHash *deleted = ARENA_NEW_ARRAY(arena, KeyHash, deletes == NULL ? 1 : rows);
    uint32_t *kept_rows = mem_alloc(((size_t)rows + 1) * sizeof(*kept_rows));
    uint32_t kept = 0;
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t row = positions == NULL ? i : positions[i];
        if (!is_last[row])
            continue;
        if (deletes != NULL && deletes[row]) {
            deleted[flush->deleted_count++] = hashes[row];
            continue;
        }
        kept_keys[kept] = hashes[row];
        kept_rows[kept++] = row;
    }
    mem_free(hashes);
    mem_free(is_last);
    flush->keys = kept_keys;
    flush->deleted = deleted;
    *out_kept = kept;
    if (kept == rows) {
        mem_free(kept_rows);
        return positions;
    }
    mem_free(positions);
    return kept_rows;
}

static Status load_page(Segment *segment, const TableSchema *schema, uint32_t page, Arena *arena, Diag *diag, KeyHash *out)
{
    Vector *columns = ARENA_NEW_ARRAY(arena, Vector, MAX(schema->key_count, 1u));
    const Vector **keys = ARENA_NEW_ARRAY(arena, const Vector *, MAX(schema->key_count, 1u));
    for (uint32_t k = 0; k < schema->key_count; k++) {
        int position = segment_find_column(segment, schema->columns[k].unique_id);
        if (position < 0)
            return RAISE(diag, CORRUPT, "segment in object \"%.*s\" lacks a key column", SV_ARGS(segment_path(segment)));
        TRY(segment_read(segment, page, position, schema->columns[k].type, arena, diag, &columns[k]));
        keys[k] = &columns[k];
    }
    key_hashes(keys, schema->key_count, segment_page_rows(segment, page), out);
    return OK;
}

Status key_flush_load(Volume *volume, const TableSchema *schema, const SegmentRef *ref, Arena *arena, Diag *diag, const KeyHash **out)
{
    Segment *segment;
    AUTO_ARENA scratch;
    arena_init(&scratch, NULL);
    KeyHash *hashes = ARENA_NEW_ARRAY(arena, KeyHash, ref->row_count + 1);
    TRY(segment_open(volume, ref, diag, &segment));
    uint64_t first = 0;
    Status status = segment_row_count(segment) == ref->row_count ? OK
                        : RAISE(diag, CORRUPT, "segment in object \"%.*s\" has other rows than metadata says", SV_ARGS(ref->path));
    for (uint32_t page = 0; page < segment_page_count(segment) && status == OK; page++) {
        arena_reset(&scratch);
        if (first + segment_page_rows(segment, page) > ref->row_count)
            status = RAISE(diag, CORRUPT, "segment in object \"%.*s\" has more rows than metadata says", SV_ARGS(ref->path));
        else
            status = load_page(segment, schema, page, &scratch, diag, hashes + first);
        first += segment_page_rows(segment, page);
    }
    segment_close(segment);
    *out = hashes;
    return status;
}

/* ---- delete vectors ---- */

static int compare_dead(const void *a, const void *b)
{
    const DeadRow *x = a;
    const DeadRow *y = b;
    if (x->segment_id != y->segment_id)
        return x->segment_id < y->segment_id ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

Status delete_vector_store(MetaStore *store, Volume *volume, const DeleteVector *vector, Arena *arena, Diag *diag,
                           DeleteVectorRef *out)
{
    AUTO_BYTEBUF bytes = {0};
    delete_vector_encode(vector, &bytes);
    *out = (DeleteVectorRef){.id = meta_new_id(store), .count = vector->count};
    if (out->id == 0)
        return RAISE(diag, IO, "no ids can be had for new objects: the metadata journal can't be written");
    FAULT("deletes.before_put", diag);
    if (bytes.length <= DELETE_VECTOR_INLINE_BYTES) {
        out->bytes = strview_n(arena_strndup(arena, bytes.data, bytes.length), bytes.length);
        return OK;
    }
    const char *path = arena_printf(arena, "data/%llu/%03llu/%012llu.del", (unsigned long long)meta_incarnation(store),
                                    (unsigned long long)(out->id % 512), (unsigned long long)out->id);
    out->path = strview(path);
    return volume_put(volume, path, bytebuf_view(&bytes), diag);
}

static Status make_vector(const DeadRowStore *store, const SegmentRef *segment, const DeadRow *dead, uint32_t count, Diag *diag,
                          NewDeletes *out, bool *out_changed)
{
    AUTO_ARENA arena;
    DeleteVector vector;
    arena_init(&arena, NULL);
    TRY(delete_vector_load(store->volume, segment, &arena, diag, &vector));
    *out_changed = false;
    for (uint32_t i = 0; i < count; i++)
        *out_changed |= delete_vector_add(&vector, &arena, dead[i].row);
    if (!*out_changed)
        return OK;
    out->segment_id = segment->id;
    return delete_vector_store(store->store, store->volume, &vector, store->arena, diag, &out->deletes);
}

/* The first of the sorted dead rows that lies in the segment, or behind where it would be. */
static uint32_t first_dead(const DeadRows *dead, uint64_t segment_id)
{
    DeadRow low = {segment_id, 0};
    uint32_t first = 0;
    uint32_t end = dead->count;
    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        if (compare_dead(&dead->items[middle], &low) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

Status dead_rows_store(const DeadRowStore *store, DeadRows *dead, const SegmentRef *segments, uint32_t segment_count, Diag *diag,
                       NewDeletes **out, uint32_t *out_count)
{
    *out_count = 0;
    if (dead->count == 0)
        return OK;
    qsort(dead->items, dead->count, sizeof(DeadRow), compare_dead);
    *out = ARENA_NEW_ARRAY(store->arena, NewDeletes, segment_count);
    for (uint32_t s = 0; s < segment_count; s++) {
        uint32_t first = first_dead(dead, segments[s].id);
        uint32_t end = first;
        while (end < dead->count && dead->items[end].segment_id == segments[s].id)
            end++;
        bool has_changed;
        if (end == first)
            continue;
        TRY(make_vector(store, &segments[s], dead->items + first, end - first, diag, &(*out)[*out_count], &has_changed));
        *out_count += has_changed;
    }
    return OK;
}

/* ---- commits ---- */

const TabletVersion *partition_tablet(const CatalogPartition *partition, uint64_t tablet_id)
{
    for (uint32_t t = 0; partition != NULL && t < partition->tablet_count; t++) {
        if (partition->tablets[t].id == tablet_id)
            return &partition->tablets[t];
    }
    return NULL;
}

bool tablet_is_same(const TabletVersion *a, const TabletVersion *b)
{
    if (a->segment_count != b->segment_count)
        return false;
    for (uint32_t s = 0; s < a->segment_count; s++) {
        const DeleteVectorRef *x = a->segments[s].deletes;
        const DeleteVectorRef *y = b->segments[s].deletes;
        if (a->segments[s].id != b->segments[s].id || (x == NULL) != (y == NULL) || (x != NULL && x->id != y->id))
            return false;
    }
    return true;
}

SegmentColumn *key_segment_columns(const TableSchema *schema, Arena *arena)
{
    SegmentColumn *keys = ARENA_NEW_ARRAY(arena, SegmentColumn, MAX(schema->key_count, 1u));
    for (uint32_t k = 0; k < schema->key_count; k++)
        keys[k] = (SegmentColumn){schema->columns[k].unique_id, schema->columns[k].type};
    return keys;
}

static Status open_tablet(KeyCommit *commit, const KeyFlush *flush, const CatalogTable *table, bool replaces, uint32_t room,
                          Diag *diag, KeyTablet *tablet)
{
    const TableSchema *schema = commit->schema;
    const TabletVersion *seen = partition_tablet(catalog_partition_by_id(table, flush->partition_id), flush->tablet_id);
    if (seen == NULL)
        return RAISE(diag, INVALID_ARGUMENT, "a partition of table '%.*s' was dropped meanwhile", SV_ARGS(table->name));
    *tablet = (KeyTablet){.partition_id = flush->partition_id, .tablet_id = flush->tablet_id, .seen = replaces ? NULL : seen};
    tablet->segment_count = replaces ? 0 : seen->segment_count;
    tablet->segments = ARENA_NEW_ARRAY(&commit->arena, SegmentRef, tablet->segment_count + room);
    memcpy(tablet->segments, seen->segments, tablet->segment_count * sizeof(SegmentRef));
    PrimaryIndexInput input = {commit->volume, flush->tablet_id, tablet->segments, tablet->segment_count,
                               key_segment_columns(schema, &commit->arena), schema->key_count};
    return primary_index_get(commit->indexes, &input, diag, &tablet->index);
}

void dead_rows_add(DeadRows *dead, RowLocation old, Arena *arena)
{
    DeadRow row = {old.segment_id, old.row};
    if (old.segment_id != 0)
        ARRAY_PUSH(arena, dead, row);
}

static void upsert_flush(KeyTablet *tablet, const KeyFlush *flush, Arena *arena, DeadRows *dead)
{
    for (uint32_t i = 0; i < flush->deleted_count; i++)
        dead_rows_add(dead, primary_index_remove(tablet->index, flush->deleted[i]), arena);
    if (flush->segment == NULL)
        return;
    tablet->segments[tablet->segment_count++] = *flush->segment;
    for (uint32_t row = 0; row < flush->segment->row_count; row++)
        dead_rows_add(dead, primary_index_set(tablet->index, flush->keys[row], (RowLocation){flush->segment->id, row}), arena);
}

static Status make_tablet(KeyCommit *commit, const CatalogTable *table, const KeyFlushes *flushes, uint32_t first, bool replaces,
                          Diag *diag)
{
    KeyTablet tablet;
    DeadRows dead = {0};
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    const KeyFlush *head = &flushes->items[first];
    TRY(open_tablet(commit, head, table, replaces, flushes->count, diag, &tablet));
    for (uint32_t i = first; i < flushes->count; i++) {
        if (flushes->items[i].tablet_id == head->tablet_id)
            upsert_flush(&tablet, &flushes->items[i], &arena, &dead);
    }
    DeadRowStore store = {commit->store, commit->volume, &commit->arena};
    Status status = dead_rows_store(&store, &dead, tablet.segments, tablet.segment_count, diag, &tablet.deletes, &tablet.delete_count);
    ARRAY_PUSH(&commit->arena, &commit->tablets, tablet);
    return status;
}

Status key_commit_make(KeyCommit *commit, const CatalogTable *table, const KeyFlushes *flushes, bool replaces, Diag *diag)
{
    for (uint32_t i = 0; i < flushes->count; i++) {
        bool is_done = false;
        for (uint32_t t = 0; t < commit->tablets.count && !is_done; t++)
            is_done = commit->tablets.items[t].tablet_id == flushes->items[i].tablet_id;
        if (!is_done)
            TRY(make_tablet(commit, table, flushes, i, replaces, diag));
    }
    return OK;
}

Status key_commit_put(const KeyCommit *commit, const CatalogTable *now, bool replaces, Change *change, Diag *diag)
{
    for (uint32_t t = 0; t < commit->tablets.count; t++) {
        const KeyTablet *tablet = &commit->tablets.items[t];
        const TabletVersion *current = partition_tablet(catalog_partition_by_id(now, tablet->partition_id), tablet->tablet_id);
        if (current == NULL || (!replaces && !tablet_is_same(current, tablet->seen)))
            return RAISE(diag, RETRY, "table '%.*s' changed while rows were loaded into it", SV_ARGS(now->name));
        if (tablet->delete_count > 0)
            change_put_deletes(change, now->id, tablet->partition_id, tablet->tablet_id, tablet->deletes, tablet->delete_count);
    }
    return OK;
}

void key_commit_close(KeyCommit *commit, bool succeeded)
{
    for (uint32_t t = 0; t < commit->tablets.count; t++) {
        KeyTablet *tablet = &commit->tablets.items[t];
        if (succeeded)
            primary_index_put_back(commit->indexes, tablet->index, tablet->segments, tablet->segment_count);
        else
            primary_index_drop(tablet->index);
    }
    arena_deinit(&commit->arena);
}
