#include "job/compaction.h"

/* Which segments: of one tablet, from the smallest on, as long as the next is at most GROWTH times what is
 * there already. So a row is written again about once for every factor GROWTH that its segment grows. A
 * tablet that no one loads into waits for fewer segments, and small ones are merged whole. A segment of which
 * a quarter is deleted is written again alone; one without rows that are left is only dropped. AGGREGATE KEY
 * tables, whose rows are merged when they are read, keep all rows and their order. */

#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/log.h"
#include "meta/table_index.h"
#include "storage/compaction.h"

enum {
    MOST_ROWS = 1 << 20, /* of an output: as many as a load writes at once */
    SMALL_ROWS = MOST_ROWS / 2,
    MOST_BYTES = 192 << 20,
    MOST_SEGMENTS = 2000,
    GROWTH = 4,
    BUSY_SEGMENTS = 10,
    QUIET_SEGMENTS = 4,
    WHOLE_ROWS = 1 << 16,
    QUIET_US = 2000000,
    IDLE_US = 1000000,
    PENALTY_US = 600 * 1000000,
    PENALTIES = 64,
    HELP_SEGMENTS = 48,           /* so many small ones are merged by the load that adds to them */
    WAIT_SEGMENTS = 192,          /* loads that add to so many wait for a merge that is under way */
    STORED_FROM_BYTES = 16 << 20, /* of segments in the catalog, half of what it may hold */
    MOST_OVERLAYS = 4,            /* a segment with more is written again */
    PATIENCE = 3,                 /* merges of a tablet that come too late before one is done under the lock */
    PICKS = 64,                   /* tablets found by one look at all of them */
    LOOK_SHARE = 16,              /* merges go on without a new look for so many times what that took */
};

typedef struct Penalty {
    uint64_t tablet_id;
    int64_t until_us;
} Penalty;

struct Compactor {
    MetaStore *store;
    Volume *volume;
    PrimaryIndexes *keys;
    MemTracker memory;
    Mutex merging; /* one merge at a time; guards penalties */
    _Atomic bool is_merging;
    Penalty penalties[PENALTIES];
    uint32_t next_penalty;
    uint64_t settled_entry; /* of the journal: nothing was there to do, and nobody had just loaded; 0: there may be */
    uint64_t unlucky_id;    /* tablet whose last merges came too late */
    uint32_t unlucky_times;
    CompactionHolds holds;
    CompactionLog log;
    Mutex lock; /* guards stats */
    CompactorStats stats;
};

/* What a merge takes. Points into a snapshot that outlives it. */
typedef struct Pick {
    const CatalogTable *table;
    const CatalogPartition *partition;
    const TabletVersion *tablet;
    SegmentRef *segments;
    uint32_t count;
} Pick;

Compactor *compactor_open(MetaStore *store, Volume *volume, PrimaryIndexes *keys, MemTracker *memory)
{
    Compactor *c = mem_alloc_zero(sizeof(*c));
    c->store = store;
    c->volume = volume;
    c->keys = keys;
    mem_tracker_init(&c->memory, memory, "compaction", 0);
    mutex_init(&c->merging);
    mutex_init(&c->lock);
    compaction_holds_init(&c->holds);
    compaction_log_init(&c->log);
    return c;
}

void compactor_close(Compactor *c)
{
    if (c == NULL)
        return;
    mutex_deinit(&c->merging);
    mutex_deinit(&c->lock);
    compaction_holds_deinit(&c->holds);
    compaction_log_deinit(&c->log);
    mem_free(c);
}

CompactionLog *compactor_log(Compactor *c)
{
    return &c->log;
}

CompactionHolds *compactor_holds(Compactor *c)
{
    return &c->holds;
}

void compactor_stats(Compactor *c, CompactorStats *out_stats)
{
    LOCK_GUARD(&c->lock);
    *out_stats = c->stats;
}

/* ---- choosing ---- */

static int compare_rows(const void *a, const void *b)
{
    uint64_t x = segment_live_rows(a);
    uint64_t y = segment_live_rows(b);
    return (x > y) - (x < y);
}

/* Memory that the rows will take: buffers of small segments are mostly air. */
static uint64_t expanded_bytes(const SegmentRef *segment)
{
    return MIN(segment->raw_bytes, segment->length * 32);
}

static bool has_garbage(const SegmentRef *segment)
{
    return segment->overlay_count > MOST_OVERLAYS || (segment->row_count - segment_live_rows(segment)) * 4 >= segment->row_count;
}

/* Where the catalog holds many small segments, those of tablets that nothing is loaded into become objects one by one. */
static bool is_to_store(const SegmentRef *segment)
{
    return segment_is_inline(segment) && catalog_inline_bytes() > STORED_FROM_BYTES;
}

static uint32_t take_smallest(const SegmentRef *segments, uint32_t count, bool is_tiered)
{
    uint64_t rows = 0;
    uint64_t bytes = 0;
    uint32_t taken = 0;
    for (uint32_t s = 0; s < count && taken < MOST_SEGMENTS; s++) {
        rows += segments[s].row_count; /* deleted ones take memory, too */
        bytes += expanded_bytes(&segments[s]);
        if (taken > 0 && (rows > MOST_ROWS || bytes > MOST_BYTES))
            break;
        taken++;
    }
    for (; is_tiered && taken > 1; taken--) {
        uint64_t rest = 0;
        for (uint32_t s = 0; s + 1 < taken; s++)
            rest += segment_live_rows(&segments[s]);
        if (segment_live_rows(&segments[taken - 1]) <= rest * GROWTH)
            break;
    }
    return taken;
}

/* Candidates in ascending order; *out_rows: live ones of them all. */
static uint32_t find_candidates(const TabletVersion *tablet, SegmentRef *out, uint64_t *out_rows)
{
    uint32_t count = 0;
    *out_rows = 0;
    for (uint32_t s = 0; s < tablet->segment_count; s++) {
        const SegmentRef *segment = &tablet->segments[s];
        if (segment->row_count == 0 || (segment->row_count >= SMALL_ROWS && !has_garbage(segment)))
            continue;
        *out_rows += segment_live_rows(segment);
        out[count++] = *segment;
    }
    qsort(out, count, sizeof(*out), compare_rows);
    return count;
}

/* Where rows lie says which is the newest: neighbours alone may be merged. From the newest on, as long as the
 * one before is at most GROWTH times what is taken. */
static bool pick_neighbours(Pick *pick, bool is_forced, int64_t now_us, Arena *arena)
{
    const TabletVersion *tablet = pick->tablet;
    uint64_t rows = 0;
    uint64_t bytes = 0;
    uint32_t first = tablet->segment_count;
    bool is_quiet = now_us - pick->partition->visible_time_us > QUIET_US;
    for (; first > 0; first--) {
        const SegmentRef *next = &tablet->segments[first - 1];
        rows += next->row_count;
        bytes += expanded_bytes(next);
        bool is_cheap = is_forced || (is_quiet && rows <= WHOLE_ROWS) || next->row_count <= (rows - next->row_count) * GROWTH;
        bool is_first = first == tablet->segment_count;
        if (rows > MOST_ROWS || bytes > MOST_BYTES || (!is_first && !is_cheap))
            break;
    }
    pick->count = tablet->segment_count - first;
    pick->segments = ARENA_NEW_ARRAY(arena, SegmentRef, pick->count + 1);
    if (pick->count > 0)
        memcpy(pick->segments, tablet->segments + first, pick->count * sizeof(SegmentRef));
    bool is_whole = is_forced || (is_quiet && rows <= WHOLE_ROWS);
    return pick->count >= (is_whole ? 2u : is_quiet ? (uint32_t)QUIET_SEGMENTS : (uint32_t)BUSY_SEGMENTS);
}

/* Fills pick->segments when the tablet deserves a merge. */
static bool pick_segments(Pick *pick, bool is_forced, int64_t now_us, Arena *arena)
{
    const TabletVersion *tablet = pick->tablet;
    uint64_t rows;
    if (tablet->segment_count == 0)
        return false;
    if (pick->table->schema->keys_kind == KEYS_AGGREGATE)
        return pick_neighbours(pick, is_forced, now_us, arena);
    pick->segments = ARENA_NEW_ARRAY(arena, SegmentRef, tablet->segment_count);
    uint32_t count = find_candidates(tablet, pick->segments, &rows);
    bool is_quiet = now_us - pick->partition->visible_time_us > QUIET_US;
    bool is_whole = is_forced || (is_quiet && rows <= WHOLE_ROWS);
    pick->count = take_smallest(pick->segments, count, !is_whole);
    if (pick->count >= (is_whole ? 2u : is_quiet ? (uint32_t)QUIET_SEGMENTS : (uint32_t)BUSY_SEGMENTS))
        return true;
    for (uint32_t s = 0; s < count && (is_quiet || is_forced); s++) {
        if (!has_garbage(&pick->segments[s]) && !is_to_store(&pick->segments[s]))
            continue;
        pick->segments[0] = pick->segments[s];
        pick->count = 1;
        return true;
    }
    return false;
}

static bool can_merge(const CatalogTable *table)
{
    return table->schema->kind != TABLE_VIEW;
}

static bool may_merge(Compactor *c, const CatalogTable *table)
{
    return can_merge(table) && !compaction_is_held(&c->holds, table->id);
}

static bool is_penalised(const Compactor *c, uint64_t tablet_id, int64_t now_us)
{
    for (uint32_t i = 0; i < PENALTIES; i++) {
        if (c->penalties[i].tablet_id == tablet_id && c->penalties[i].until_us > now_us)
            return true;
    }
    return false;
}

/* The tablets with most segments to merge, in one look at all of them. */
typedef struct Look {
    Compactor *compactor;
    int64_t now_us;
    Arena *arena;
    bool is_settled; /* nothing to do until something is committed */
    uint32_t count;
    Pick picks[PICKS];
} Look;

static void add_pick(Look *look, const Pick *pick)
{
    if (look->count < PICKS) {
        look->picks[look->count++] = *pick;
        return;
    }
    uint32_t least = 0;
    for (uint32_t i = 1; i < PICKS; i++)
        least = look->picks[i].count < look->picks[least].count ? i : least;
    if (pick->count > look->picks[least].count)
        look->picks[least] = *pick;
}

/* Most have nothing: they are passed over first. */
static void look_at_table(Look *look, const CatalogTable *table)
{
    for (uint32_t p = 0; p < table->partition_count; p++) {
        const CatalogPartition *partition = table->partitions[p];
        look->is_settled &= partition->visible_time_us + QUIET_US < look->now_us;
        for (uint32_t t = 0; t < partition->tablet_count; t++) {
            const TabletVersion *tablet = &partition->tablets[t];
            Pick pick = {.table = table, .partition = partition, .tablet = tablet};
            if (tablet->segment_count == 0 || (tablet->segment_count == 1 && !has_garbage(&tablet->segments[0]) && !is_to_store(&tablet->segments[0])))
                continue;
            if (is_penalised(look->compactor, tablet->id, look->now_us))
                look->is_settled = false;
            else if (pick_segments(&pick, false, look->now_us, look->arena))
                add_pick(look, &pick);
        }
    }
}

static int compare_picks(const void *a, const void *b)
{
    uint32_t x = ((const Pick *)a)->count;
    uint32_t y = ((const Pick *)b)->count;
    return (x < y) - (x > y);
}

/* Most segments first. */
static void look_at_all(Look *look, const CatalogSnapshot *catalog)
{
    look->is_settled = true;
    for (uint32_t d = 0; d < catalog->database_count; d++) {
        const CatalogDatabase *database = catalog->databases[d];
        for (uint32_t t = 0; t < catalog_table_count(database); t++) {
            const CatalogTable *table = catalog_table_at(database, t);
            bool is_held = compaction_is_held(&look->compactor->holds, table->id);
            look->is_settled &= !is_held;
            if (!is_held && can_merge(table))
                look_at_table(look, table);
        }
    }
    look->is_settled &= look->count == 0;
    qsort(look->picks, look->count, sizeof(Pick), compare_picks);
}

/* ---- publishing ---- */

typedef struct Exchange {
    CompactionHolds *holds;
    const Pick *pick;
    const SegmentRef *merged; /* NULL: no row was left */
} Exchange;

/* The picked ones, with the rows deleted that were. They mostly come in the order in which the tablet has them. */
static bool holds_all(const TabletVersion *tablet, const Pick *pick)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < pick->count; i++) {
        uint32_t tried = 0;
        for (; tried < tablet->segment_count && tablet->segments[at].id != pick->segments[i].id; tried++)
            at = at + 1 < tablet->segment_count ? at + 1 : 0;
        if (tried == tablet->segment_count)
            return false;
        const DeleteVectorRef *now = tablet->segments[at].deletes;
        const DeleteVectorRef *then = pick->segments[i].deletes;
        if ((now == NULL ? 0 : now->id) != (then == NULL ? 0 : then->id))
            return false;
    }
    return true;
}

static const TabletVersion *tablet_in(const CatalogSnapshot *catalog, const Pick *pick)
{
    const CatalogTable *table = catalog_table_by_id(catalog, pick->table->id);
    const CatalogPartition *partition = table == NULL ? NULL : catalog_partition_by_id(table, pick->partition->id);
    for (uint32_t t = 0; partition != NULL && t < partition->tablet_count; t++) {
        if (partition->tablets[t].id == pick->tablet->id)
            return &partition->tablets[t];
    }
    return NULL;
}

static Status build_exchange(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const Exchange *exchange = context;
    const Pick *pick = exchange->pick;
    const CatalogTable *table = catalog_table_by_id(catalog, pick->table->id);
    const TabletVersion *tablet = tablet_in(catalog, pick);
    if (tablet == NULL || table->schema != pick->table->schema || !holds_all(tablet, pick) || compaction_is_held(exchange->holds, table->id))
        return RAISE(diag, RETRY, "table '%.*s' changed while it was compacted", SV_ARGS(pick->table->name));
    uint64_t *old_ids = mem_alloc(pick->count * sizeof(*old_ids));
    for (uint32_t i = 0; i < pick->count; i++)
        old_ids[i] = pick->segments[i].id;
    NewSegments fresh = {pick->partition->id, tablet->id, exchange->merged, exchange->merged == NULL ? 0 : 1};
    change_compact_segments(change, table->id, &fresh, old_ids, pick->count);
    mem_free(old_ids);
    return OK;
}

static void lock_table(const Compactor *c, const CatalogTable *table)
{
    if (c->keys != NULL)
        primary_indexes_lock(c->keys, table->id);
}

static void unlock_table(const Compactor *c, const CatalogTable *table)
{
    if (c->keys != NULL)
        primary_indexes_unlock(c->keys, table->id);
}

/* Commits; an index of the tablet's keys learns where the rows are now. keys: of the merged rows; NULL: there is no index. */
static Status commit_locked(Compactor *c, const Pick *pick, const SegmentRef *merged, const KeyHash *keys, Diag *diag)
{
    Exchange exchange = {&c->holds, pick, merged};
    CatalogSnapshot *before = meta_snapshot(c->store);
    Status status = meta_commit(c->store, build_exchange, &exchange, diag);
    CatalogSnapshot *after = meta_snapshot(c->store);
    const TabletVersion *old = tablet_in(before, pick);
    const TabletVersion *new = tablet_in(after, pick);
    if (status == OK && keys != NULL && old != NULL && new != NULL) {
        PrimaryIndexMove move = {pick->tablet->id, old->segments, new->segments, old->segment_count, new->segment_count, merged, keys};
        primary_index_follow(c->keys, &move);
    }
    catalog_unref(after);
    catalog_unref(before);
    return status;
}

/* The keys of the merged rows, where an index waits for them. */
static Status read_keys(Compactor *c, const Pick *pick, const SegmentRef *merged, Arena *arena, Diag *diag, const KeyHash **out_keys)
{
    static const KeyHash none;
    const TableSchema *schema = pick->table->schema;
    bool is_keyed = schema->keys_kind == KEYS_PRIMARY || schema->keys_kind == KEYS_UNIQUE;
    *out_keys = NULL;
    if (c->keys == NULL || !is_keyed || !primary_index_is_there(c->keys, pick->tablet->id))
        return OK;
    *out_keys = &none;
    if (merged == NULL)
        return OK;
    SegmentColumn *columns = ARENA_NEW_ARRAY(arena, SegmentColumn, MAX(schema->key_count, 1u));
    for (uint32_t k = 0; k < schema->key_count; k++)
        columns[k] = (SegmentColumn){schema->columns[k].unique_id, schema->columns[k].type};
    PrimaryIndexInput input = {c->volume, pick->tablet->id, merged, 1, columns, schema->key_count};
    return key_pages_load(&input, 0, arena, diag, out_keys);
}

static Status publish(Compactor *c, const Pick *pick, const SegmentRef *merged, bool is_locked, Diag *diag)
{
    const KeyHash *keys;
    AUTO_ARENA arena;
    arena_init(&arena, &c->memory);
    TRY(read_keys(c, pick, merged, &arena, diag, &keys));
    if (!is_locked)
        lock_table(c, pick->table);
    Status status = commit_locked(c, pick, merged, keys, diag);
    if (!is_locked)
        unlock_table(c, pick->table);
    return status;
}

/* ---- merging ---- */

static Status merge_picked(Compactor *c, const Pick *pick, bool is_locked, const _Atomic bool *cancelled, Diag *diag)
{
    char path[META_OBJECT_PATH_BYTES];
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    const TableSchema *schema = pick->table->schema;
    SegmentColumn *columns = ARENA_NEW_ARRAY(&arena, SegmentColumn, schema->column_count);
    Datum *missing = ARENA_NEW_ARRAY(&arena, Datum, schema->column_count);
    for (uint32_t i = 0; i < schema->column_count; i++) {
        columns[i] = (SegmentColumn){schema->columns[i].unique_id, schema->columns[i].type};
        missing[i] = table_column_missing(&schema->columns[i], &arena);
    }
    Volume *volume;
    TRY(volume_by_id(c->volume, pick->segments[0].volume_id, diag, &volume));
    CompactionInput input = {.volume = volume, .segments = pick->segments, .segment_count = pick->count, .columns = columns,
                             .missing = missing, .column_count = schema->column_count, .sort_columns = schema->sort_columns,
                             .sort_count = schema->sort_count, .cancelled = cancelled, .memory = &c->memory};
    SegmentFilterSpec *filters;
    input.filter_count = table_filters(schema, &arena, &filters);
    input.filters = filters;
    uint64_t id = meta_new_id(c->store);
    SegmentRef merged = {.id = id, .volume_id = volume->id, .path = strview(path)};
    meta_object_path(c->store, id, "seg", path);
    merged.path = strview(path);
    if (id == 0)
        return RAISE(diag, IO, "no id could be taken for an object: the metadata journal can't be written");
    uint64_t live = 0;
    for (uint32_t i = 0; i < pick->count; i++)
        live += segment_live_rows(&pick->segments[i]);
    FAULT("compaction.before_merge", diag);
    if (live > 0)
        TRY(compaction_merge(&input, path, diag, &merged));
    FAULT("compaction.before_publish", diag);
    TRY(publish(c, pick, live > 0 ? &merged : NULL, is_locked, diag));
    FAULT_STEP("compaction.after_publish");
    LOCK_GUARD(&c->lock);
    c->stats.merges++;
    c->stats.segments_in += pick->count;
    c->stats.rows += merged.row_count;
    c->stats.bytes_out += merged.length;
    for (uint32_t i = 0; i < pick->count; i++)
        c->stats.bytes_in += pick->segments[i].length;
    return OK;
}

/* The same tablet in a newer snapshot. False: there is nothing to merge any more. */
static bool pick_again(const CatalogSnapshot *catalog, const Pick *before, bool is_forced, int64_t now_us, Arena *arena, Pick *out)
{
    const CatalogTable *table = catalog_table_by_id(catalog, before->table->id);
    const CatalogPartition *partition = table == NULL ? NULL : catalog_partition_by_id(table, before->partition->id);
    for (uint32_t t = 0; partition != NULL && t < partition->tablet_count; t++) {
        *out = (Pick){.table = table, .partition = partition, .tablet = &partition->tablets[t]};
        if (out->tablet->id == before->tablet->id)
            return pick_segments(out, is_forced, now_us, arena);
    }
    return false;
}

static Status merge_locked(Compactor *c, const Pick *before, bool is_forced, const _Atomic bool *cancelled, Diag *diag)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    lock_table(c, before->table);
    CatalogSnapshot *catalog = meta_snapshot(c->store);
    Pick pick;
    Status status = OK;
    if (pick_again(catalog, before, is_forced, env_wall_us(c->volume->environment), &arena, &pick))
        status = merge_picked(c, &pick, true, cancelled, diag);
    catalog_unref(catalog);
    unlock_table(c, before->table);
    return status;
}

static void note_luck(Compactor *c, uint64_t tablet_id, bool is_too_late)
{
    c->unlucky_times = !is_too_late ? 0 : c->unlucky_id == tablet_id ? c->unlucky_times + 1 : 1;
    c->unlucky_id = tablet_id;
}

/* With the merging lock held. */
static Status merge(Compactor *c, const Pick *pick, bool is_forced, const _Atomic bool *cancelled, Diag *diag)
{
    const Environment *env = c->volume->environment;
    int64_t start_us = env_monotonic_us(env);
    uint64_t lease = meta_lease_open(c->store);
    bool is_locked = c->unlucky_id == pick->tablet->id && c->unlucky_times >= PATIENCE;
    CompactionRun run = {.table_id = pick->table->id, .partition_id = pick->partition->id, .id = meta_new_id(c->store),
                         .start_us = env_wall_us(env), .segments = pick->count};
    uint64_t number = compaction_log_begin(&c->log, &run);
    atomic_store(&c->is_merging, true);
    CompactorStats before = c->stats;
    Status status = is_locked ? merge_locked(c, pick, is_forced, cancelled, diag) : merge_picked(c, pick, false, cancelled, diag);
    meta_lease_close(c->store, lease);
    atomic_store(&c->is_merging, false);
    note_luck(c, pick->tablet->id, status == ERR_RETRY && !is_locked);
    int64_t took_us = env_monotonic_us(env) - start_us;
    compaction_log_end(&c->log, number, env_wall_us(env), c->stats.rows - before.rows, c->stats.bytes_out - before.bytes_out,
                       status == OK ? "" : status == ERR_RETRY ? "the tablet changed meanwhile" : diag->message);
    if (status == OK) {
        LOG_INFO("compaction", "merged table=%.*s tablet=%llu segments=%u ms=%lld", SV_ARGS(pick->table->name),
                 (unsigned long long)pick->tablet->id, pick->count, (long long)took_us / 1000);
        return OK;
    }
    if (status == ERR_CANCELLED || status == ERR_RETRY)
        return status;
    c->penalties[c->next_penalty++ % PENALTIES] = (Penalty){pick->tablet->id, env_wall_us(env) + PENALTY_US};
    LOG_WARN("compaction", "failed table=%.*s tablet=%llu segments=%u: %s", SV_ARGS(pick->table->name),
             (unsigned long long)pick->tablet->id, pick->count, diag->message);
    LOCK_GUARD(&c->lock);
    c->stats.failures++;
    return status;
}

/* ADMIN SET FRONTEND CONFIG ("lake_compaction_max_tasks" = "0"). */
static bool is_switched_off(const CatalogSnapshot *catalog)
{
    return strview_is(strview_trim(catalog_setting(catalog, "config.lake_compaction_max_tasks")), "0");
}

/* One that the look has found, as it is now. */
static void merge_found(Compactor *c, const Pick *found, const _Atomic bool *stopping)
{
    AUTO_ARENA arena;
    Pick pick;
    Diag diag = {0};
    arena_init(&arena, NULL);
    LOCK_GUARD(&c->merging);
    CatalogSnapshot *catalog = meta_snapshot(c->store);
    if (pick_again(catalog, found, false, env_wall_us(c->volume->environment), &arena, &pick) && may_merge(c, pick.table))
        status_ignore(merge(c, &pick, false, stopping, &diag)); /* logged and counted there */
    catalog_unref(catalog);
}

static void look_for_work(Compactor *c, const CatalogSnapshot *catalog, Look *look)
{
    LOCK_GUARD(&c->merging);
    if (c->settled_entry == catalog->entry_id)
        return;
    look_at_all(look, catalog);
    c->settled_entry = look->is_settled ? catalog->entry_id : 0;
}

int64_t compactor_run(void *context, const _Atomic bool *stopping)
{
    Compactor *c = context;
    const Environment *env = c->volume->environment;
    int64_t start_us = env_monotonic_us(env);
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    CatalogSnapshot *catalog = meta_snapshot(c->store);
    Look *look = ARENA_NEW(&arena, Look);
    *look = (Look){.compactor = c, .now_us = env_wall_us(env), .arena = &arena};
    if (!is_switched_off(catalog))
        look_for_work(c, catalog, look);
    int64_t looked_us = env_monotonic_us(env);
    int64_t until_us = looked_us + (looked_us - start_us) * LOOK_SHARE;
    for (uint32_t i = 0; i < look->count && !atomic_load(stopping) && (i == 0 || env_monotonic_us(env) < until_us); i++)
        merge_found(c, &look->picks[i], stopping);
    catalog_unref(catalog);
    return look->count > 0 ? env_monotonic_us(env) - start_us : IDLE_US;
}

/* The first tablet that has too many. is_looking: without the merging lock, which guards the penalties. */
static bool pick_urgent(Compactor *c, const CatalogTable *table, const CatalogPartition *partition, bool is_looking, Arena *arena, Pick *out)
{
    int64_t now_us = env_wall_us(c->volume->environment);
    uint32_t least = is_looking && atomic_load(&c->is_merging) ? WAIT_SEGMENTS : HELP_SEGMENTS;
    for (uint32_t t = 0; partition != NULL && t < partition->tablet_count; t++) {
        *out = (Pick){.table = table, .partition = partition, .tablet = &partition->tablets[t]};
        if (out->tablet->segment_count >= least && (is_looking || !is_penalised(c, out->tablet->id, now_us)) &&
            pick_segments(out, false, now_us, arena) && out->count >= HELP_SEGMENTS / 2)
            return true;
    }
    return false;
}

static bool help_once(Compactor *c, uint64_t table_id, uint64_t partition_id, bool is_looking)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    CatalogSnapshot *catalog = meta_snapshot(c->store);
    const CatalogTable *table = catalog_table_by_id(catalog, table_id);
    Pick pick;
    bool is_urgent = table != NULL && may_merge(c, table) &&
                     pick_urgent(c, table, catalog_partition_by_id(table, partition_id), is_looking, &arena, &pick);
    if (is_urgent && !is_looking) {
        Diag diag = {0};
        status_ignore(merge(c, &pick, false, NULL, &diag)); /* logged and counted there */
    }
    catalog_unref(catalog);
    return is_urgent;
}

void compactor_help(Compactor *c, uint64_t table_id, uint64_t partition_id)
{
    if (c == NULL || !help_once(c, table_id, partition_id, true))
        return;
    LOCK_GUARD(&c->merging); /* behind the one that is under way, which may be the one that is needed */
    (void)help_once(c, table_id, partition_id, false);
}

static bool is_wanted(uint64_t id, const uint64_t *ids, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (ids[i] == id)
            return true;
    }
    return ids == NULL;
}

/* One merge in the first tablet that can have one. */
static Status compact_step(Compactor *c, const CatalogTable *table, const uint64_t *partition_ids, uint32_t partition_count,
                           const _Atomic bool *cancelled, Diag *diag, bool *out_did)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    *out_did = false;
    for (uint32_t p = 0; p < table->partition_count; p++) {
        const CatalogPartition *partition = table->partitions[p];
        for (uint32_t t = 0; is_wanted(partition->id, partition_ids, partition_count) && t < partition->tablet_count; t++) {
            Pick pick = {.table = table, .partition = partition, .tablet = &partition->tablets[t]};
            if (!pick_segments(&pick, true, 0, &arena))
                continue;
            *out_did = true;
            return merge(c, &pick, true, cancelled, diag);
        }
    }
    return OK;
}

Status compactor_compact_table(Compactor *c, uint64_t table_id, const uint64_t *partition_ids, uint32_t partition_count,
                               const _Atomic bool *cancelled, Diag *diag)
{
    LOCK_GUARD(&c->merging);
    for (bool did = true; did;) {
        CatalogSnapshot *catalog = meta_snapshot(c->store);
        const CatalogTable *table = catalog_table_by_id(catalog, table_id);
        Status status = OK;
        did = false;
        if (table != NULL && !can_merge(table))
            status = RAISE(diag, NOT_SUPPORTED, "'%.*s' is not a table that can be compacted",
                           SV_ARGS(table->name));
        else if (table != NULL && may_merge(c, table))
            status = compact_step(c, table, partition_ids, partition_count, cancelled, diag, &did);
        catalog_unref(catalog);
        if (status == ERR_RETRY) { /* under the table's lock at last */
            diag_reset(diag);
            continue;
        }
        TRY(status);
    }
    return OK;
}
