#include "load/key_commit.h"

#include <stdlib.h>

#include "base/fault.h"
#include "base/parallel.h"
#include "storage/delete_vector.h"
#include "storage/key_probe.h"

enum { PARALLEL_ROWS = 1 << 14 }; /* of a load, for threads to pay */

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

SegmentColumn *key_segment_columns(const TableSchema *schema, Arena *arena)
{
    SegmentColumn *keys = ARENA_NEW_ARRAY(arena, SegmentColumn, MAX(schema->key_count, 1u));
    for (uint32_t k = 0; k < schema->key_count; k++)
        keys[k] = (SegmentColumn){schema->columns[k].unique_id, schema->columns[k].type};
    return keys;
}

Status key_flush_load(Volume *volume, const TableSchema *schema, const SegmentRef *ref, Arena *arena, Diag *diag, const KeyHash **out)
{
    PrimaryIndexInput input = {volume, 0, ref, 1, key_segment_columns(schema, arena), schema->key_count};
    return key_pages_load(&input, 0, arena, diag, out);
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
    return delete_vector_store(store->store, store->volume, segment, &vector, store->arena, diag, &out->deletes);
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

void dead_rows_add(DeadRows *dead, RowLocation old, Arena *arena)
{
    DeadRow row = {old.segment_id, old.row};
    if (old.segment_id != 0)
        ARRAY_PUSH(arena, dead, row);
}

typedef enum KeyDeadState { DEAD_UNREAD, DEAD_READ, DEAD_CHANGED } KeyDeadState;

static Status note_dead_at(const KeyCommit *commit, KeyTablet *tablet, uint32_t segment, uint32_t row, Diag *diag)
{
    if (tablet->dead_states[segment] == DEAD_UNREAD) {
        TRY(delete_vector_load(commit->volume, &tablet->segments[segment], &tablet->arena, diag, &tablet->dead[segment]));
        tablet->dead_states[segment] = DEAD_READ;
    }
    if (delete_vector_add(&tablet->dead[segment], &tablet->arena, row))
        tablet->dead_states[segment] = DEAD_CHANGED;
    return OK;
}

/* Rows of segments that are no longer there were deleted with them. */
static Status note_dead(const KeyCommit *commit, KeyTablet *tablet, const RowPlace *old, uint32_t count, Diag *diag)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = old[i].segment < tablet->place_count ? tablet->places[old[i].segment] : UINT32_MAX;
        if (place != UINT32_MAX)
            TRY(note_dead_at(commit, tablet, place, old[i].row, diag));
    }
    return OK;
}

static Status make_vectors(const KeyCommit *commit, KeyTablet *tablet, Diag *diag)
{
    tablet->deletes = ARENA_NEW_ARRAY(&tablet->arena, NewDeletes, tablet->segment_count);
    for (uint32_t s = 0; s < tablet->segment_count; s++) {
        NewDeletes *fresh = &tablet->deletes[tablet->delete_count];
        if (tablet->dead_states[s] != DEAD_CHANGED)
            continue;
        fresh->segment_id = tablet->segments[s].id;
        TRY(delete_vector_store(commit->store, commit->volume, &tablet->segments[s], &tablet->dead[s], &tablet->arena, diag, &fresh->deletes));
        tablet->delete_count++;
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

/* Where the index's segments are among the tablet's, and the new ones', which get numbers here. */
static void find_places(KeyTablet *tablet)
{
    for (uint32_t s = 0; s < tablet->segment_count; s++)
        (void)primary_index_segment(tablet->index, tablet->segments[s].id);
    tablet->place_count = primary_index_segment_count(tablet->index);
    tablet->places = ARENA_NEW_ARRAY(&tablet->arena, uint32_t, tablet->place_count);
    memset(tablet->places, 0xff, tablet->place_count * sizeof(uint32_t));
    for (uint32_t s = 0; s < tablet->segment_count; s++)
        tablet->places[primary_index_segment(tablet->index, tablet->segments[s].id)] = s;
}

typedef struct TabletWork {
    KeyCommit *commit;
    const CatalogTable *table;
    const KeyFlushes *flushes;
    bool replaces;
} TabletWork;

static PrimaryIndexInput index_input(const KeyCommit *commit, KeyTablet *tablet, uint32_t segment_count)
{
    return (PrimaryIndexInput){commit->volume, tablet->tablet_id, tablet->segments, segment_count,
                               key_segment_columns(commit->schema, &tablet->arena), commit->schema->key_count};
}

/* The tablet's segments, then those of the flushes. */
static Status open_tablet(const TabletWork *work, KeyTablet *tablet, uint32_t *out_old_count, uint64_t *out_keys, Diag *diag)
{
    const TabletVersion *seen = partition_tablet(catalog_partition_by_id(work->table, tablet->partition_id), tablet->tablet_id);
    if (seen == NULL)
        return RAISE(diag, INVALID_ARGUMENT, "a partition of table '%.*s' was dropped meanwhile", SV_ARGS(work->table->name));
    tablet->seen = work->replaces ? NULL : seen;
    *out_old_count = work->replaces ? 0 : seen->segment_count;
    uint32_t room = *out_old_count + work->flushes->count;
    tablet->segments = ARENA_NEW_ARRAY(&tablet->arena, SegmentRef, room + 1);
    memcpy(tablet->segments, seen->segments, *out_old_count * sizeof(SegmentRef));
    tablet->segment_count = *out_old_count;
    for (uint32_t i = 0; i < work->flushes->count; i++) {
        const KeyFlush *flush = &work->flushes->items[i];
        if (flush->tablet_id != tablet->tablet_id)
            continue;
        *out_keys += flush->deleted_count + (flush->segment == NULL ? 0 : flush->segment->row_count);
        if (flush->segment != NULL)
            tablet->segments[tablet->segment_count++] = *flush->segment;
    }
    tablet->dead = ARENA_NEW_ARRAY(&tablet->arena, DeleteVector, tablet->segment_count + 1);
    tablet->dead_states = ARENA_NEW_ARRAY(&tablet->arena, uint8_t, tablet->segment_count + 1);
    return OK;
}

static Status upsert_flush(const KeyCommit *commit, KeyTablet *tablet, const KeyFlush *flush, Diag *diag)
{
    for (uint32_t i = 0; i < flush->deleted_count; i++) {
        RowPlace old = tablet->has_no_index ? primary_index_put_gone(tablet->index, flush->deleted[i])
                                            : primary_index_take_out(tablet->index, flush->deleted[i]);
        TRY(note_dead(commit, tablet, &old, 1, diag));
    }
    if (flush->segment == NULL)
        return OK;
    uint32_t rows = (uint32_t)flush->segment->row_count;
    RowPlace *old = mem_alloc(((size_t)rows + 1) * sizeof(*old));
    RowPlace first = {primary_index_segment(tablet->index, flush->segment->id), 0};
    primary_index_put_rows(tablet->index, flush->keys, rows, first, old);
    Status status = note_dead(commit, tablet, old, rows, diag);
    mem_free(old);
    return status;
}

typedef struct DeadProbe {
    const KeyCommit *commit;
    KeyTablet *tablet;
    Status status;
    Diag *diag;
} DeadProbe;

static void note_probed(void *context, uint32_t segment, uint32_t row, KeyHash key)
{
    DeadProbe *probe = context;
    (void)key;
    if (probe->status == OK)
        probe->status = note_dead_at(probe->commit, probe->tablet, segment, row, probe->diag);
}

/* Without an index: the tablet's rows whose keys are loaded or deleted. */
static Status probe_tablet(const TabletWork *work, KeyTablet *tablet, uint32_t old_count, uint64_t key_count, Diag *diag)
{
    DeadProbe probe = {work->commit, tablet, OK, diag};
    KeyHash *keys = mem_alloc((key_count + 1) * sizeof(*keys));
    uint32_t count = 0;
    for (uint32_t i = 0; i < work->flushes->count; i++) {
        const KeyFlush *flush = &work->flushes->items[i];
        uint32_t rows = flush->segment == NULL ? 0 : (uint32_t)flush->segment->row_count;
        if (flush->tablet_id != tablet->tablet_id)
            continue;
        if (rows > 0)
            memcpy(keys + count, flush->keys, rows * sizeof(*keys));
        if (flush->deleted_count > 0)
            memcpy(keys + count + rows, flush->deleted, flush->deleted_count * sizeof(*keys));
        count += rows + flush->deleted_count;
    }
    PrimaryIndexInput input = index_input(work->commit, tablet, old_count);
    Status status = key_probe(&input, tablet->index, keys, count, note_probed, &probe, diag);
    mem_free(keys);
    return status != OK ? status : probe.status;
}

static Status make_tablet(void *context, uint32_t round, Diag *diag)
{
    const TabletWork *work = context;
    const KeyCommit *commit = work->commit;
    KeyTablet *tablet = &commit->tablets.items[round];
    uint32_t old_count = 0;
    uint64_t key_count = 0;
    TRY(open_tablet(work, tablet, &old_count, &key_count, diag));
    PrimaryIndexInput input = index_input(commit, tablet, old_count);
    TRY(primary_index_get_for(commit->indexes, &input, key_count, diag, &tablet->index));
    tablet->has_no_index = tablet->index == NULL;
    if (tablet->has_no_index)
        tablet->index = primary_index_new(commit->indexes, tablet->tablet_id);
    find_places(tablet);
    for (uint32_t i = 0; i < work->flushes->count; i++) {
        if (work->flushes->items[i].tablet_id == tablet->tablet_id)
            TRY(upsert_flush(commit, tablet, &work->flushes->items[i], diag));
    }
    if (tablet->has_no_index)
        TRY(probe_tablet(work, tablet, old_count, key_count, diag));
    return make_vectors(commit, tablet, diag);
}

Status key_commit_make(KeyCommit *commit, const CatalogTable *table, const KeyFlushes *flushes, bool replaces, Diag *diag)
{
    for (uint32_t i = 0; i < flushes->count; i++) {
        const KeyFlush *flush = &flushes->items[i];
        bool is_there = false;
        for (uint32_t t = 0; t < commit->tablets.count && !is_there; t++)
            is_there = commit->tablets.items[t].tablet_id == flush->tablet_id;
        KeyTablet tablet = {.partition_id = flush->partition_id, .tablet_id = flush->tablet_id};
        if (!is_there)
            ARRAY_PUSH(&commit->arena, &commit->tablets, tablet);
    }
    for (uint32_t t = 0; t < commit->tablets.count; t++)
        arena_init(&commit->tablets.items[t].arena, commit->arena.tracker);
    TabletWork work = {commit, table, flushes, replaces};
    uint64_t rows = 0;
    for (uint32_t i = 0; i < flushes->count; i++)
        rows += flushes->items[i].segment == NULL ? 0 : flushes->items[i].segment->row_count;
    if (rows >= PARALLEL_ROWS)
        return parallel_for(commit->tablets.count, make_tablet, &work, diag);
    for (uint32_t t = 0; t < commit->tablets.count; t++)
        TRY(make_tablet(&work, t, diag));
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
        if (succeeded && !tablet->has_no_index)
            primary_index_put_back(commit->indexes, tablet->index, tablet->segments, tablet->segment_count);
        else
            primary_index_drop(tablet->index);
        arena_deinit(&tablet->arena);
    }
    arena_deinit(&commit->arena);
}
