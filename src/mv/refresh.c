#include "mv/engine_int.h"

/* One run of a refresh: decide at one snapshot, compute the partitions that are due, publish them in one entry.
 *
 * The entry drops the partitions that no longer exist, makes new ones, exchanges rows, and puts what they were computed
 * from into the version map. A partition whose new rows are those that it has keeps its segments, identity and data
 * version, so that nothing downstream is touched: only its entry in the map is new. */

#include "base/fault.h"
#include "base/log.h"
#include "load/partition_router.h"
#include "load/table_loader.h"

typedef struct Target {
    const MvChoice *choice;
    CatalogPartition *partition; /* the existing one, or a new one */
    MvMapEntry entry;
    bool is_equal;
    bool is_appended; /* its rows come to those that are there */
} Target;

typedef struct Run {
    MvEngine *engine;
    const MvRefresh *refresh;
    MvRefreshed *out;
    CatalogSnapshot *snapshot;
    Arena *arena;
    Diag *diag;
    MemTracker memory;
    uint8_t *chosen; /* a byte a cell */
    Target *targets;
    uint32_t target_count;
    CatalogTable table; /* the view with the new partitions */
    TableLoader *loader;
    LoaderLane *lane;
    PartitionRouter *router; /* NULL: one target takes all rows */
    PreparedTable written;
    ARRAY_OF(PhysPlan *) delta_plans;
    int64_t now_us;
} Run;

/* ---- which partitions ---- */

static StrView bound_text(Run *run, const Datum *value)
{
    AUTO_BYTEBUF text = {0};
    datum_print(run->out->decision.table->schema->partition_types[0], value, &text);
    return strview_n(arena_strndup(run->arena, text.data, text.length), text.length);
}

/* What the run reads so far. */
typedef struct Reading {
    uint64_t rows, bytes;
} Reading;

/* Is there room for the cell in the run? */
static bool takes_cell(const Run *run, const MvCell *cell, Reading *reading)
{
    const MvRefresh *refresh = run->refresh;
    if (refresh->most_partitions > 0 && run->target_count >= refresh->most_partitions)
        return false;
    for (uint32_t i = 0; i < cell->inputs.count; i++) {
        reading->rows += mv_live_rows(cell->inputs.items[i].partition);
        reading->bytes += partition_byte_count(cell->inputs.items[i].partition);
    }
    bool is_full = (refresh->most_rows > 0 && reading->rows > (uint64_t)refresh->most_rows) ||
                   (refresh->most_bytes > 0 && reading->bytes > (uint64_t)refresh->most_bytes);
    return run->target_count == 0 || !is_full;
}

/* The first that are due, as many as a run may take; the others are left to a following run. */
static void choose(Run *run)
{
    Reading reading = {0};
    MvRefreshed *out = run->out;
    MvDecision *decision = &out->decision;
    run->chosen = ARENA_NEW_ARRAY(run->arena, uint8_t, MAX(decision->cells.count, 1u));
    run->targets = ARENA_NEW_ARRAY(run->arena, Target, MAX(decision->refresh_count, 1u));
    for (uint32_t i = 0; i < decision->cells.count; i++) {
        MvChoice *choice = &decision->choices[i];
        if (!choice->refreshes)
            continue;
        if (out->left > 0 || !takes_cell(run, choice->cell, &reading)) {
            if (out->left == 0 && decision->bound.is_range && choice->cell->has_low)
                out->next_start = bound_text(run, &choice->cell->low);
            if (decision->bound.is_range)
                out->next_end = choice->cell->has_high ? bound_text(run, &choice->cell->high) : STR_VIEW("");
            out->left++;
            choice->refreshes = false;
            continue;
        }
        run->chosen[i] = 1;
        run->targets[run->target_count++].choice = choice;
    }
}

/* ---- partitions ---- */

static CatalogPartition *new_partition(Run *run, const MvCell *cell)
{
    const TableSchema *schema = run->out->decision.table->schema;
    CatalogPartition *p = partition_new(mv_engine_options(run->engine)->store, schema, cell->name, run->now_us, run->arena);
    p->has_low = cell->has_low;
    p->has_high = cell->has_high;
    p->low[0] = cell->low;
    p->high[0] = cell->high;
    p->values = cell->values;
    p->value_rows = cell->value_rows;
    return p;
}

static void make_targets(Run *run)
{
    const CatalogTable *table = run->out->decision.table;
    run->table = *table;
    run->table.partitions = ARENA_NEW_ARRAY(run->arena, CatalogPartition *, run->target_count + 1);
    run->table.partition_count = 0;
    run->table.groups = (PartitionGroups){0};
    run->table.order = NULL;
    for (uint32_t i = 0; i < run->target_count; i++) {
        Target *target = &run->targets[i];
        const MvCell *cell = target->choice->cell;
        target->partition = cell->existing != NULL ? (CatalogPartition *)(uintptr_t)cell->existing : new_partition(run, cell);
        run->table.partitions[run->table.partition_count++] = target->partition;
        mv_fill_entry(&run->out->decision, cell, target->partition->id, run->now_us, run->arena, &target->entry);
    }
}

/* ---- rows ---- */

static Status add_fingerprints(Run *run, const Vector *const *columns, uint32_t rows)
{
    uint32_t width = run->table.schema->column_count;
    if (run->target_count == 1) {
        mv_fingerprint_add(&run->targets[0].entry.rows, columns, width, (Rows){NULL, rows});
        return OK;
    }
    AUTO_ARENA scratch;
    arena_init(&scratch, NULL);
    uint32_t *numbers = ARENA_NEW_ARRAY(&scratch, uint32_t, MAX(rows, 1u));
    uint16_t *sel = ARENA_NEW_ARRAY(&scratch, uint16_t, MAX(rows, 1u));
    TRY(partition_router_route(run->router, columns, rows, run->diag, numbers));
    for (uint32_t first = 0; first < rows; first++) {
        uint32_t number = numbers[first], count = 0;
        if (number == PARTITION_NOT_FOUND)
            continue; /* done, or the loader says what is wrong */
        for (uint32_t row = first; row < rows; row++) {
            if (numbers[row] != number)
                continue;
            sel[count++] = (uint16_t)row;
            numbers[row] = PARTITION_NOT_FOUND;
        }
        mv_fingerprint_add(&run->targets[number].entry.rows, columns, width, (Rows){sel, count});
    }
    return OK;
}

static Status take_chunk(void *context, const Chunk *chunk)
{
    Run *run = context;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    Rows rows = chunk_rows(chunk);
    const Vector **columns = ARENA_NEW_ARRAY(&arena, const Vector *, MAX(chunk->column_count, 1u));
    for (uint32_t c = 0; c < chunk->column_count; c++) {
        Vector *dense = ARENA_NEW(&arena, Vector);
        vector_init(dense, &arena, run->table.schema->columns[c].type, CHUNK_ROWS);
        vector_gather(&chunk->columns[c], rows, type_is_nested(dense->type) ? &arena : NULL, 0, dense);
        columns[c] = dense;
    }
    TRY(add_fingerprints(run, columns, rows.count));
    return loader_lane_append(run->lane, columns, rows.count, run->diag);
}

static Status run_plan(Run *run, const PhysPlan *plan)
{
    ExecResult result = {.context = run, .rows = take_chunk};
    return mv_run_plan(run->engine, &run->out->decision, plan, &result, run->refresh->cancelled, &run->memory, run->diag);
}

/* The partitions whose differences are computed together with those of the first that is left. False: none is left. */
static bool next_group(const MvDecision *decision, uint8_t *left, uint8_t *out_group)
{
    const MvChoice *first = NULL;
    uint32_t count = decision->cells.count, at = 0;
    memset(out_group, 0, count);
    for (uint32_t c = 0; c < count; c++) {
        const MvChoice *choice = &decision->choices[c];
        if (left[c] == 0 || (first != NULL && (choice->changed != first->changed || choice->has_deletes != first->has_deletes ||
                                                  choice->by_groups != first->by_groups)))
            continue;
        if (first == NULL)
            at = c;
        first = first == NULL ? choice : first;
        out_group[c] = 1;
    }
    if (first != NULL && mv_differences_conflict(decision, out_group)) {
        memset(out_group, 0, count);
        out_group[at] = 1;
    }
    for (uint32_t c = 0; c < count; c++)
        left[c] &= out_group[c] == 0;
    return first != NULL;
}

/* What can't be read of a difference any more is computed as a whole. */
static Status plan_deltas(Run *run)
{
    MvDecision *decision = &run->out->decision;
    uint32_t count = decision->cells.count;
    uint8_t *left = ARENA_NEW_ARRAY(run->arena, uint8_t, count + 1), *group = ARENA_NEW_ARRAY(run->arena, uint8_t, count + 1);
    for (uint32_t c = 0; c < count; c++)
        left[c] = run->chosen[c] != 0 && decision->choices[c].is_delta;
    while (next_group(decision, left, group)) {
        PhysPlan *plan;
        Status status = mv_plan_delta(run->engine, decision, group, &plan);
        if (status == OK) {
            ARRAY_PUSH(run->arena, &run->delta_plans, plan);
            continue;
        }
        if (run->refresh->is_strict)
            return status;
        LOG_INFO("mv", "%.*s is computed as a whole: %s", SV_ARGS(decision->table->name), run->diag->message);
        diag_reset(run->diag);
        for (uint32_t c = 0; c < count; c++) {
            if (group[c] != 0)
                mv_compute_whole(&decision->choices[c]);
        }
    }
    return OK;
}

/* The targets that are computed as a whole, then the differences of the others. */
static Status compute_targets(Run *run)
{
    MvDecision *decision = &run->out->decision;
    uint8_t *whole = ARENA_NEW_ARRAY(run->arena, uint8_t, decision->cells.count + 1);
    bool has_any = false;
    TRY(plan_deltas(run));
    for (uint32_t c = 0; c < decision->cells.count; c++) {
        whole[c] = run->chosen[c] != 0 && !decision->choices[c].is_delta;
        has_any |= whole[c] != 0;
    }
    if (has_any) {
        PhysPlan *plan;
        TRY(mv_plan_cells(run->engine, decision, whole, &plan));
        TRY(run_plan(run, plan));
    }
    for (uint32_t i = 0; i < run->delta_plans.count; i++)
        TRY(run_plan(run, run->delta_plans.items[i]));
    return OK;
}

static bool is_known(const MvFingerprint *rows)
{
    return rows->rows == 0 || rows->sums[0] != 0 || rows->sums[1] != 0;
}

/* Has the partition the rows that were computed for it? Where the map does not know, they are read. */
static Status compare_rows(Run *run, Target *target)
{
    MvFingerprint old = target->choice->entry.rows;
    const MvFingerprint *rows = &target->entry.rows;
    target->is_equal = target->choice->has_entry && old.rows == rows->rows && mv_live_rows(target->partition) == rows->rows;
    if (target->is_equal && !is_known(&old))
        TRY(mv_sum_stored(run->engine, &run->out->decision, target->partition, run->arena, run->diag, &old));
    target->is_equal = target->is_equal && mv_fingerprint_equal(rows, &old);
    return OK;
}

static Status count_rows(Run *run)
{
    for (uint32_t i = 0; i < run->target_count; i++) {
        Target *target = &run->targets[i];
        MvFingerprint *rows = &target->entry.rows;
        const MvFingerprint *old = &target->choice->entry.rows;
        target->is_appended = target->choice->is_delta && !target->choice->by_groups && run->out->decision.delta.shape == MV_DELTA_APPEND;
        run->out->rows += rows->rows;
        if (target->is_appended) {
            target->is_equal = rows->rows == 0;
            *rows = (MvFingerprint){rows->rows + old->rows, {rows->sums[0] + old->sums[0], rows->sums[1] + old->sums[1]}};
            if (!is_known(old))
                rows->sums[0] = rows->sums[1] = 0;
        } else {
            TRY(compare_rows(run, target));
        }
        run->out->touched += !target->is_equal;
    }
    return OK;
}

static Status compute_rows(Run *run)
{
    const MvEngineOptions *options = mv_engine_options(run->engine);
    MvDecision *decision = &run->out->decision;
    TableLoaderOptions load = {.store = options->store, .volume = options->volume, .catalog = run->snapshot, .table = &run->table,
                               .session = decision->bound.session, .tracker = &run->memory};
    TRY(table_loader_open(&load, run->diag, &run->loader));
    if (run->target_count > 1)
        TRY(partition_router_open(options->store, &run->table, decision->bound.session, NULL, 0, NULL, run->diag, &run->router));
    TRY(table_loader_lane(run->loader, run->diag, &run->lane));
    Status status = compute_targets(run);
    if (status == OK)
        status = loader_lane_finish(run->lane, run->diag);
    else
        loader_lane_abort(run->lane);
    TRY(status);
    TRY(count_rows(run));
    return table_loader_prepare(run->loader, run->arena, run->diag, &run->written);
}

/* ---- the entry ---- */

static void exchange_tablet(const Run *run, const CatalogPartition *now, const TabletVersion *tablet, bool is_appended, Change *change)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    SegmentRef *segments = ARENA_NEW_ARRAY(&arena, SegmentRef, run->written.count + 1);
    uint64_t *old = ARENA_NEW_ARRAY(&arena, uint64_t, tablet->segment_count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < run->written.count; i++) {
        const PreparedFlush *flush = &run->written.flushes[i];
        if (flush->tablet_id == tablet->id && flush->has_segment)
            segments[count++] = flush->segment;
    }
    for (uint32_t s = 0; s < tablet->segment_count; s++)
        old[s] = tablet->segments[s].id;
    NewSegments fresh = {now->id, tablet->id, segments, count};
    if (tablet->segment_count > 0 && !is_appended)
        change_replace_segments(change, run->table.id, &fresh, old, tablet->segment_count);
    else if (count > 0)
        change_publish(change, run->table.id, &fresh, 1);
}

static Status put_target(const Run *run, const CatalogTable *now, const Target *target, Change *change, Diag *diag)
{
    const CatalogPartition *partition = target->partition;
    if (target->choice->cell->existing == NULL)
        change_put_partition(change, now->id, now->schema, partition);
    else if ((partition = catalog_partition_by_id(now, target->partition->id)) == NULL)
        return RAISE(diag, RETRY, "partition '%.*s' of the materialized view was dropped meanwhile", SV_ARGS(target->partition->name));
    for (uint32_t t = 0; t < partition->tablet_count && !target->is_equal; t++)
        exchange_tablet(run, partition, &partition->tablets[t], target->is_appended, change);
    change_put_mv_map(change, now->id, &target->entry);
    return OK;
}

/* Only what other commits may have changed meanwhile is looked at again: the bases may be newer by now, which the
 * next decision sees. */
static Status build_entry(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const Run *run = context;
    const MvDecision *decision = &run->out->decision;
    MvDefinition definition;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    const CatalogTable *now = catalog_table_by_id(catalog, decision->table->id);
    if (now == NULL || !mv_find(catalog, now->id, &arena, &definition))
        return RAISE(diag, NO_SUCH_TABLE, "the materialized view '%.*s' was dropped meanwhile", SV_ARGS(decision->table->name));
    if (!definition.is_active)
        return RAISE(diag, RETRY, "the materialized view '%.*s' became inactive meanwhile", SV_ARGS(now->name));
    if (!strview_equal(now->schema->view_sql, decision->table->schema->view_sql))
        return RAISE(diag, RETRY, "the materialized view '%.*s' was defined anew meanwhile", SV_ARGS(now->name));
    for (uint32_t i = 0; i < decision->cells.vanished_count; i++) {
        uint64_t id = decision->cells.vanished[i]->id;
        if (catalog_partition_by_id(now, id) == NULL)
            continue;
        change_drop_partition(change, now->id, id);
        change_drop_mv_map(change, now->id, id);
    }
    for (uint32_t i = 0; i < run->target_count; i++)
        TRY(put_target(run, now, &run->targets[i], change, diag));
    if (run->refresh->entry != NULL) {
        bytebuf_clear(run->refresh->entry);
        bytebuf_append_view(run->refresh->entry, bytebuf_view(&change->bytes));
    }
    return OK;
}

static void find_entry(const Run *run)
{
    CatalogSnapshot *now = meta_snapshot(mv_engine_options(run->engine)->store);
    const CatalogTable *own = catalog_table_by_id(now, run->out->decision.table->id);
    for (uint32_t i = 0; i < run->target_count && own != NULL; i++) {
        const CatalogPartition *partition = catalog_partition_by_id(own, run->targets[i].partition->id);
        if (partition != NULL && !run->targets[i].is_equal)
            run->out->entry_id = MAX(run->out->entry_id, partition->data_version);
    }
    catalog_unref(now);
}

static Status run_all(Run *run)
{
    MvDecision *decision = &run->out->decision;
    choose(run);
    if (run->target_count == 0 && decision->cells.vanished_count == 0) {
        run->out->did_nothing = true;
        return OK;
    }
    for (uint32_t i = 0; run->refresh->is_strict && i < run->target_count; i++) {
        if (!run->targets[i].choice->is_delta)
            return RAISE(run->diag, NOT_SUPPORTED, "REFRESH .. STRICT: partition '%.*s' of '%.*s' can only be computed as a whole: %s",
                         SV_ARGS(run->targets[i].choice->cell->name), SV_ARGS(decision->table->name), run->targets[i].choice->causes.items[0].reason);
    }
    if (run->refresh->started != NULL)
        run->refresh->started(run->refresh->started_context);
    make_targets(run);
    if (run->target_count > 0)
        TRY(compute_rows(run));
    FAULT("mv.before_commit", run->diag);
    TRY(meta_commit(mv_engine_options(run->engine)->store, build_entry, run, run->diag));
    find_entry(run);
    return OK;
}

/* What depends on the time, or on who asks, is decided each time. */
static bool is_plain(const MvRefresh *refresh, const MvDefinition *definition)
{
    bool has_limit = mv_property(definition, "auto_refresh_partitions_limit").length > 0;
    return !refresh->ask.is_force && refresh->ask.range == NULL && !has_limit && !mv_depends_on_time(definition);
}

/* After a run that left nothing stale; its own partitions are compared with those that it made. */
static void note_fresh(const Run *run)
{
    const MvDecision *decision = &run->out->decision;
    CatalogSnapshot *now = meta_snapshot(mv_engine_options(run->engine)->store);
    const CatalogTable *own = catalog_table_by_id(now, decision->table->id);
    uint32_t made = 0;
    bool is_whole = own != NULL && run->out->left == 0;
    for (uint32_t i = 0; i < decision->cells.count && is_whole; i++)
        is_whole = !decision->choices[i].is_excluded;
    for (uint32_t i = 0; i < run->target_count && is_whole; i++) {
        made += run->targets[i].choice->cell->existing == NULL;
        is_whole = catalog_partition_by_id(own, run->targets[i].partition->id) != NULL;
    }
    if (is_whole && own->schema == decision->table->schema &&
        own->partition_count + decision->cells.vanished_count == decision->table->partition_count + made)
        mv_fresh_note(run->engine, decision, own);
    catalog_unref(now);
}

Status mv_refresh(MvEngine *engine, const MvRefresh *refresh, CatalogSnapshot *snapshot, Arena *arena, Diag *diag, MvRefreshed *out)
{
    const MvEngineOptions *options = mv_engine_options(engine);
    FuncSession *session = ARENA_NEW(arena, FuncSession);
    mv_engine_session(engine, snapshot, arena, session);
    *out = (MvRefreshed){0};
    Run run = {.engine = engine, .refresh = refresh, .out = out, .snapshot = snapshot, .arena = arena, .diag = diag};
    run.now_us = env_wall_us(meta_environment(options->store));
    if (!refresh->ask.is_force && refresh->ask.range == NULL && mv_fresh_holds(engine, snapshot, refresh->view_id)) {
        out->did_nothing = true;
        return OK;
    }
    TRY(mv_decide(snapshot, refresh->view_id, &refresh->ask, arena, session, diag, &out->decision));
    mem_tracker_init(&run.memory, options->memory, "refresh", mv_property_number(&out->decision.definition, "session.query_mem_limit", 0));
    Status status = run_all(&run);
    if (status == OK && is_plain(refresh, &out->decision.definition))
        note_fresh(&run);
    table_loader_close(run.loader);
    partition_router_close(run.router);
    return status;
}
