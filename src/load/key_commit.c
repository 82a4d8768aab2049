#include "load/key_commit.h"

#include <stdlib.h>

#include "base/fault.h"
#include "base/parallel.h"
#include "storage/delete_vector.h"
#include "storage/key_match.h"
#include "storage/key_probe.h"

enum {
    PARALLEL_ROWS = 1 << 14, /* of a load, for threads to pay */
    MATCH_ROWS = 1 << 15,    /* of a tablet, to be matched without an index */
    MATCH_SHARE = 64,        /* of the tablet's rows, that are matched with a batch of one row; with an index: */
    MATCH_INDEXED_SHARE = 16,
    MOST_MATCHED_FLUSHES = 16,
};

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

static Status open_dead(const KeyCommit *commit, KeyTablet *tablet, uint32_t segment, Diag *diag)
{
    if (tablet->dead_states[segment] != DEAD_UNREAD)
        return OK;
    TRY(delete_vector_load(commit->volume, &tablet->segments[segment], &tablet->arena, diag, &tablet->dead[segment]));
    tablet->dead_states[segment] = DEAD_READ;
    return OK;
}

static Status note_dead_at(const KeyCommit *commit, KeyTablet *tablet, uint32_t segment, uint32_t row, Diag *diag)
{
    TRY(open_dead(commit, tablet, segment, diag));
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

/* ---- without an index, by sorted keys ---- */

typedef struct Matching {
    const KeyCommit *commit;
    KeyTablet *tablet;
} Matching;

static Status note_matched(void *context, uint32_t segment, uint32_t first_row, const uint64_t *bits, uint32_t row_count, Diag *diag)
{
    const Matching *matching = context;
    KeyTablet *tablet = matching->tablet;
    TRY(open_dead(matching->commit, tablet, segment, diag));
    if (delete_vector_add_bits(&tablet->dead[segment], &tablet->arena, first_row, bits, row_count) > 0)
        tablet->dead_states[segment] = DEAD_CHANGED;
    return OK;
}

/* The tablet's flushes in order. False: there are too many, or one of them has hashes only. */
static bool matched_flushes(const TabletWork *work, const KeyTablet *tablet, const KeyFlush **out, uint32_t *out_count)
{
    *out_count = 0;
    for (uint32_t i = 0; i < work->flushes->count; i++) {
        const KeyFlush *flush = &work->flushes->items[i];
        if (flush->tablet_id != tablet->tablet_id)
            continue;
        if (*out_count == MOST_MATCHED_FLUSHES || flush->values == NULL)
            return false;
        out[(*out_count)++] = flush;
    }
    return true;
}

static bool pays_to_match(const TabletWork *work, const KeyTablet *tablet, uint32_t old_count, uint64_t key_count)
{
    uint64_t rows = 0;
    for (uint32_t s = 0; s < old_count; s++)
        rows += tablet->segments[s].row_count;
    if (key_count < MATCH_ROWS)
        return false;
    bool has_index = primary_index_is_there(work->commit->indexes, tablet->tablet_id);
    return key_count * (has_index ? MATCH_INDEXED_SHARE : MATCH_SHARE) >= rows;
}

/* Rows of an earlier flush whose keys a later one writes or deletes. */
static Status match_earlier(const TabletWork *work, KeyTablet *tablet, const KeyFlush *earlier, uint32_t place, const KeyFlush *later,
                            Diag *diag)
{
    Matching matching = {work->commit, tablet};
    KeyList list = {earlier->values, (uint32_t)earlier->segment->row_count};
    KeyList written = {later->values, later->segment == NULL ? 0 : (uint32_t)later->segment->row_count};
    KeyList deleted = {later->deleted_values, later->deleted_count};
    uint64_t *bits = mem_alloc_zero((size_t)list.count / 8 + sizeof(*bits));
    uint32_t met = key_lists_meet(&list, &written, bits) + key_lists_meet(&list, &deleted, bits);
    Status status = met == 0 ? OK : note_matched(&matching, place, 0, bits, list.count, diag);
    mem_free(bits);
    return status;
}

static Status match_flushes(const TabletWork *work, KeyTablet *tablet, const KeyFlush *const *flushes, uint32_t count, uint32_t old_count,
                            Diag *diag)
{
    uint32_t place = old_count;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t later = i + 1; later < count && flushes[i]->segment != NULL; later++)
            TRY(match_earlier(work, tablet, flushes[i], place, flushes[later], diag));
        place += flushes[i]->segment != NULL;
    }
    return OK;
}

/* *out_done: whether it was done this way. */
static Status match_tablet(const TabletWork *work, KeyTablet *tablet, uint32_t old_count, uint64_t key_count, Diag *diag, bool *out_done)
{
    const KeyFlush *flushes[MOST_MATCHED_FLUSHES];
    KeyList lists[2 * MOST_MATCHED_FLUSHES];
    uint32_t count;
    uint32_t list_count = 0;
    Matching matching = {work->commit, tablet};
    *out_done = pays_to_match(work, tablet, old_count, key_count) && matched_flushes(work, tablet, flushes, &count);
    if (!*out_done)
        return OK;
    tablet->has_no_index = true;
    for (uint32_t i = 0; i < count; i++) {
        lists[list_count++] = (KeyList){flushes[i]->values, flushes[i]->segment == NULL ? 0 : (uint32_t)flushes[i]->segment->row_count};
        lists[list_count++] = (KeyList){flushes[i]->deleted_values, flushes[i]->deleted_count};
    }
    PrimaryIndexInput input = index_input(work->commit, tablet, old_count);
    for (uint32_t s = 0; s < old_count; s++)
        TRY(key_match(&input, s, lists, list_count, note_matched, &matching, diag));
    return match_flushes(work, tablet, flushes, count, old_count, diag);
}

static Status make_tablet(void *context, uint32_t round, Diag *diag)
{
    const TabletWork *work = context;
    const KeyCommit *commit = work->commit;
    KeyTablet *tablet = &commit->tablets.items[round];
    uint32_t old_count = 0;
    uint64_t key_count = 0;
    bool is_done;
    TRY(open_tablet(work, tablet, &old_count, &key_count, diag));
    TRY(match_tablet(work, tablet, old_count, key_count, diag, &is_done));
    if (is_done)
        return make_vectors(commit, tablet, diag);
    for (uint32_t i = 0; i < work->flushes->count; i++) {
        if (work->flushes->items[i].tablet_id == tablet->tablet_id)
            key_flush_hash(&work->flushes->items[i], &tablet->arena);
    }
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
