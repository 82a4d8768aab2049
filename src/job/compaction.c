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
#include "job/compaction_publish.h"
#include "meta/table_index.h"

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

typedef CompactionPick Pick;

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

/* ---- merging ---- */

static Status merge_picked(Compactor *c, const Pick *pick, const _Atomic bool *cancelled, Diag *diag)
{
    char path[META_OBJECT_PATH_BYTES];
    AUTO_ARENA arena, kept;
    arena_init(&arena, NULL);
    arena_init(&kept, &c->memory);
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
    RowMoves moves = {.arena = &kept};
    FAULT("compaction.before_merge", diag);
    if (live > 0)
        TRY(compaction_merge(&input, path, diag, &merged, &moves));
    FAULT("compaction.before_publish", diag);
    CompactionPublish publish = {c->store, c->volume, c->keys, &c->holds, &c->memory, pick, &input, live > 0 ? &merged : NULL, &moves};
    TRY(compaction_publish(&publish, diag));
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

/* With the merging lock held. */
static Status merge(Compactor *c, const Pick *pick, const _Atomic bool *cancelled, Diag *diag)
{
    const Environment *env = c->volume->environment;
    int64_t start_us = env_monotonic_us(env);
    uint64_t lease = meta_lease_open(c->store);
    CompactionRun run = {.table_id = pick->table->id, .partition_id = pick->partition->id, .id = meta_new_id(c->store),
                         .start_us = env_wall_us(env), .segments = pick->count};
    uint64_t number = compaction_log_begin(&c->log, &run);
    atomic_store(&c->is_merging, true);
    CompactorStats before = c->stats;
    Status status = merge_picked(c, pick, cancelled, diag);
    meta_lease_close(c->store, lease);
    atomic_store(&c->is_merging, false);
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
        status_ignore(merge(c, &pick, stopping, &diag)); /* logged and counted there */
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
        status_ignore(merge(c, &pick, NULL, &diag)); /* logged and counted there */
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

/* What COMPACT was asked for: what there was then. */
typedef struct Asked {
    const uint64_t *partition_ids; /* NULL: all */
    uint32_t partition_count;
    uint64_t entry_id;     /* of the catalog then */
    uint64_t first_new_id; /* segments from here on came later */
    const _Atomic bool *cancelled;
} Asked;

/* Under a stream of loads there is always something to merge, but not always something that was there. */
static bool was_asked_for(const Asked *asked, const Pick *pick)
{
    bool was_there = pick->partition->data_version <= asked->entry_id;
    for (uint32_t s = 0; s < pick->count && !was_there; s++)
        was_there = pick->segments[s].id < asked->first_new_id;
    return was_there;
}

/* One merge in the first tablet that can have one. */
static Status compact_step(Compactor *c, const CatalogTable *table, const Asked *asked, Diag *diag, bool *out_did)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    *out_did = false;
    for (uint32_t p = 0; p < table->partition_count; p++) {
        const CatalogPartition *partition = table->partitions[p];
        for (uint32_t t = 0; is_wanted(partition->id, asked->partition_ids, asked->partition_count) && t < partition->tablet_count; t++) {
            Pick pick = {.table = table, .partition = partition, .tablet = &partition->tablets[t]};
            if (!pick_segments(&pick, true, 0, &arena) || !was_asked_for(asked, &pick))
                continue;
            *out_did = true;
            return merge(c, &pick, asked->cancelled, diag);
        }
    }
    return OK;
}

Status compactor_compact_table(Compactor *c, uint64_t table_id, const uint64_t *partition_ids, uint32_t partition_count,
                               const _Atomic bool *cancelled, Diag *diag)
{
    Asked asked = {
        .partition_ids = partition_ids, .partition_count = partition_count, .first_new_id = meta_new_id(c->store), .cancelled = cancelled};
    LOCK_GUARD(&c->merging);
    for (bool did = true; did;) {
        CatalogSnapshot *catalog = meta_snapshot(c->store);
        const CatalogTable *table = catalog_table_by_id(catalog, table_id);
        Status status = OK;
        did = false;
        if (asked.entry_id == 0)
            asked.entry_id = catalog->entry_id;
        if (table != NULL && !can_merge(table))
            status = RAISE(diag, NOT_SUPPORTED, "'%.*s' is not a table that can be compacted",
                           SV_ARGS(table->name));
        else if (table != NULL && may_merge(c, table))
            status = compact_step(c, table, &asked, diag, &did);
        catalog_unref(catalog);
        if (status == ERR_RETRY) { /* what there is now, if anything */
            diag_reset(diag);
            continue;
        }
        TRY(status);
    }
    return OK;
}
