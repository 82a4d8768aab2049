#include "mv/engine_int.h"

/* The decision of a refresh: for each cell its entry in the version map is compared, base table by base table, with the partitions that
 * feed it now; then limits, times to live and the asked range leave some out. */

#include "job/task.h"
#include "mv/retention.h"
#include "types/datetime.h"
#include "types/number_text.h"

static const char never_refreshed[] = "never refreshed";
static const char data_changed[] = "base partition changed";
static const char partition_added[] = "base partition added";
static const char partition_dropped[] = "base partition dropped";
static const char table_changed[] = "base table changed";
static const char rows_appended[] = "rows appended to base partition";
static const char rows_changed[] = "rows appended to and deleted from base partition";
static const char groups_appended[] = "rows appended to base partition: their groups";
static const char groups_changed[] = "rows appended to and deleted from base partition: their groups";
static const char forced[] = "forced";
static const char up_to_date[] = "up to date";
static const char table_excluded[] = "changed, but excluded by excluded_refresh_tables";
static const char out_of_range[] = "changed, but outside of the partitions that this refresh covers";

bool mv_is_excluded(const MvDefinition *definition, StrView database, StrView table)
{
    StrView list = mv_property(definition, "excluded_refresh_tables");
    return list.length > 0 && mv_list_names(list, database, table);
}

bool mv_depends_on_time(const MvDefinition *definition)
{
    return mv_property(definition, "partition_ttl").length > 0 || mv_property(definition, "partition_ttl_number").length > 0 ||
           mv_property(definition, "partition_retention_condition").length > 0;
}

/* ---- what feeds a cell now ---- */

typedef struct Feed {
    const CatalogPartition *const *partitions; /* in the order of their ids */
    uint32_t count;
} Feed;

static Feed feed_of(const MvCells *cells, const MvCell *cell, uint32_t table, Arena *arena)
{
    const MvTable *t = &cells->tables[table];
    if (!t->is_ref)
        return (Feed){(const CatalogPartition *const *)t->table->partitions, t->table->partition_count};
    const CatalogPartition **list = ARENA_NEW_ARRAY(arena, const CatalogPartition *, MAX(cell->inputs.count, 1u));
    Feed feed = {list, 0};
    for (uint32_t i = 0; i < cell->inputs.count; i++) {
        if (cell->inputs.items[i].table == table)
            list[feed.count++] = cell->inputs.items[i].partition;
    }
    return feed;
}

static bool may_be_delta(const MvDecision *decision)
{
    return decision->delta.shape != MV_DELTA_NONE || decision->delta.has_keys;
}

void mv_fill_entry(const MvDecision *decision, const MvCell *cell, uint64_t partition_id, int64_t now_us, Arena *arena, MvMapEntry *out)
{
    const MvCells *cells = &decision->cells;
    *out = (MvMapEntry){.partition_id = partition_id, .refreshed_us = now_us, .table_count = cells->table_count};
    out->tables = ARENA_NEW_ARRAY(arena, MvSourceTable, MAX(cells->table_count, 1u));
    for (uint32_t t = 0; t < cells->table_count; t++) {
        Feed feed = feed_of(cells, cell, t, arena);
        MvSourceTable *table = &out->tables[t];
        *table = (MvSourceTable){.table_id = cells->tables[t].table->id, .sources = ARENA_NEW_ARRAY(arena, MvSource, MAX(feed.count, 1u))};
        for (uint32_t p = 0; p < feed.count; p++) {
            const CatalogPartition *partition = feed.partitions[p];
            if (mv_live_rows(partition) == 0)
                continue;
            MvSource *source = &table->sources[table->count++];
            *source = (MvSource){.partition_id = partition->id, .data_version = partition->data_version, .name = partition->name};
            /* Of tables that all partitions read, the marks would be many. */
            if (may_be_delta(decision) && (cells->tables[t].is_ref || decision->bound.partition_count == 0))
                mv_mark_segments(partition, arena, source);
        }
    }
}

/* ---- comparing ---- */

typedef struct Compare {
    MvDecision *decision;
    MvChoice *choice;
    Arena *arena;
    uint32_t number; /* of the table */
    StrView table;   /* db.table */
    bool is_excluded;
} Compare;

static void add_cause(Compare *c, const char *reason, StrView partition_name, const MvSource *from, const CatalogPartition *to)
{
    MvCause cause = {.reason = c->is_excluded ? table_excluded : reason, .table = c->table, .partition = partition_name};
    if (from != NULL)
        cause.from = from->data_version;
    if (to != NULL) {
        cause.to = to->data_version;
        cause.rows = mv_live_rows(to);
        cause.bytes = partition_byte_count(to);
    }
    ARRAY_PUSH(c->arena, &c->choice->causes, cause);
    c->choice->refreshes |= !c->is_excluded;
}

/* A base partition that is new or changed: by rows that can be told, as far as that goes? */
static void add_change(Compare *c, const char *reason, const MvSource *from, const CatalogPartition *to)
{
    MvChoice *choice = c->choice;
    uint64_t before = choice->delta_rows;
    uint32_t first = choice->parts.count;
    bool has_deletes = false;
    if (choice->is_delta && !c->is_excluded)
        choice->is_delta = mv_add_difference(c->number, from, to, c->arena, choice);
    add_cause(c, reason, to->name, from, to);
    if (!choice->is_delta || c->is_excluded)
        return;
    choice->changed |= 1ull << c->number;
    MvCause *cause = &choice->causes.items[choice->causes.count - 1];
    cause->rows = choice->delta_rows - before;
    cause->bytes = 0;
    for (uint32_t i = first; i < choice->parts.count; i++) {
        has_deletes |= choice->parts.items[i].since != NULL;
        cause->bytes += choice->parts.items[i].segment->length;
    }
    cause->reason = from == NULL ? reason : has_deletes ? rows_changed : rows_appended;
}

/* Both sides are in the order of ids. */
static void compare_table(Compare *c, const MvSourceTable *known, Feed feed)
{
    uint32_t k = 0, f = 0;
    while (k < known->count || f < feed.count) {
        const MvSource *source = k < known->count ? &known->sources[k] : NULL;
        const CatalogPartition *now = f < feed.count ? feed.partitions[f] : NULL;
        bool is_gone = source != NULL && (now == NULL || source->partition_id < now->id);
        bool is_new = now != NULL && (source == NULL || now->id < source->partition_id);
        if (is_gone) {
            c->choice->is_delta = false;
            add_cause(c, partition_dropped, source->name, source, NULL);
        } else if (is_new && mv_live_rows(now) > 0) {
            add_change(c, partition_added, NULL, now);
        } else if (!is_new && source->data_version != now->data_version) {
            add_change(c, data_changed, source, now);
        }
        k += !is_new;
        f += !is_gone;
    }
}

/* What is read one way and the other. Tables that did not change are read both ways, as far as joins need them. By groups, what
 * changed is read as well, but most of its rows meet no key. */
static bool delta_is_cheaper(const MvDecision *decision, const MvChoice *choice, Arena *arena)
{
    enum { GROUPS_FACTOR = 4 };
    bool rewrites = choice->by_groups || decision->delta.shape == MV_DELTA_MERGE;
    uint64_t whole = 0, merged = rewrites ? mv_live_rows(choice->cell->existing) : 0;
    for (uint32_t t = 0; t < decision->cells.table_count; t++) {
        Feed feed = feed_of(&decision->cells, choice->cell, t, arena);
        for (uint32_t p = 0; (choice->changed >> t & 1) != 0 && p < feed.count; p++)
            whole += mv_live_rows(feed.partitions[p]);
    }
    return (choice->delta_rows + merged) * (choice->by_groups ? GROUPS_FACTOR : 1) < whole;
}

/* Merged, where that is exact, else by groups. */
static bool find_way(MvDecision *decision, MvChoice *choice)
{
    bool is_linear = mv_is_linear(decision, choice->changed) || mv_is_linear_in_each(decision, choice->changed);
    if (!is_linear)
        return false;
    choice->by_groups = decision->delta.shape == MV_DELTA_NONE || (choice->has_deletes && !decision->delta.takes_deletes);
    for (uint32_t i = 0; i < choice->causes.count && choice->by_groups; i++) {
        const char **reason = &choice->causes.items[i].reason;
        *reason = *reason == rows_appended ? groups_appended : *reason == rows_changed ? groups_changed : *reason;
    }
    return !choice->by_groups || decision->delta.has_keys;
}

void mv_compute_whole(MvChoice *choice)
{
    choice->is_delta = choice->by_groups = false;
    for (uint32_t i = 0; i < choice->causes.count; i++) {
        const char **reason = &choice->causes.items[i].reason;
        bool is_of_rows = *reason == rows_appended || *reason == rows_changed || *reason == groups_appended || *reason == groups_changed;
        *reason = is_of_rows ? data_changed : *reason;
    }
}

static void compare_cell(MvDecision *decision, MvChoice *choice, Arena *arena)
{
    const MvCells *cells = &decision->cells;
    choice->is_delta = may_be_delta(decision);
    for (uint32_t t = 0; t < cells->table_count; t++) {
        const MvTable *table = &cells->tables[t];
        Compare c = {.decision = decision, .choice = choice, .arena = arena, .number = t};
        c.table = strview(arena_printf(arena, "%.*s.%.*s", SV_ARGS(table->database->name), SV_ARGS(table->table->name)));
        c.is_excluded = mv_is_excluded(&decision->definition, table->database->name, table->table->name);
        const MvSourceTable *known = mv_map_table(&choice->entry, table->table->id);
        uint32_t causes = choice->causes.count;
        if (known != NULL)
            compare_table(&c, known, feed_of(cells, choice->cell, t, arena));
        else
            add_cause(&c, table_changed, STR_VIEW(""), NULL, NULL);
        /* Rows that are there were computed from another state of an excluded table than new ones would be. */
        choice->is_delta &= known != NULL && (!c.is_excluded || choice->causes.count == causes);
    }
    if (!choice->refreshes || !choice->is_delta || !find_way(decision, choice) || !delta_is_cheaper(decision, choice, arena))
        mv_compute_whole(choice);
}

static void add_whole_cause(MvChoice *choice, const char *reason, bool refreshes, Arena *arena)
{
    MvCause cause = {.reason = reason};
    ARRAY_PUSH(arena, &choice->causes, cause);
    choice->refreshes |= refreshes;
}

static void decide_cell(MvDecision *decision, const MvAsk *ask, MvChoice *choice, Arena *arena)
{
    const MvCell *cell = choice->cell;
    choice->has_entry = cell->existing != NULL &&
                        mv_map_find(decision->snapshot, decision->definition.id, cell->existing->id, arena, &choice->entry);
    bool is_empty = decision->bound.partition_count > 0 && !cell->has_rows;
    if (ask->is_force) {
        add_whole_cause(choice, forced, true, arena);
    } else if (choice->has_entry) {
        compare_cell(decision, choice, arena);
    } else if (!is_empty || (cell->existing != NULL && mv_live_rows(cell->existing) > 0)) {
        StrView cleared = decision->definition.cleared_cause;
        bool was_cleared = cleared.length > 0 && cell->existing != NULL && mv_live_rows(cell->existing) > 0;
        choice->entry = (MvMapEntry){0};
        add_whole_cause(choice, was_cleared ? arena_strndup(arena, cleared.data, cleared.length) : never_refreshed, true, arena);
    }
    if (choice->causes.count == 0)
        add_whole_cause(choice, up_to_date, false, arena);
    for (uint32_t c = 0; c < choice->causes.count && choice->refreshes;) { /* what is ignored is told of what is kept alone */
        if (choice->causes.items[c].reason == table_excluded)
            choice->causes.items[c] = choice->causes.items[--choice->causes.count];
        else
            c++;
    }
}

/* ---- what is asked for ---- */

static Status parse_bound(MvDecision *decision, StrView text, Datum *out)
{
    Type type = decision->table->schema->partition_types[0];
    if (datum_parse(type, text, decision->bound.arena, NULL, out) == OK)
        return OK;
    return RAISE(decision->bound.diag, ANALYSIS, "Getting analyzing error. Detail message: The partition bound '%.*s' is not a value of the partition "
                 "column.", SV_ARGS(text));
}

static Status leave_out_of_range(MvDecision *decision, const MvRange *range)
{
    Datum start = datum_null(), end = datum_null();
    const TableSchema *schema = decision->table->schema;
    if (decision->bound.partition_count == 0)
        return RAISE(decision->bound.diag, ANALYSIS, "Getting analyzing error. Detail message: Not support refresh by partition for single partition mv.");
    if (range->has_start)
        TRY(parse_bound(decision, range->start, &start));
    if (range->has_end)
        TRY(parse_bound(decision, range->end, &end));
    for (uint32_t i = 0; i < decision->cells.count; i++) {
        const MvCell *cell = decision->choices[i].cell;
        bool *is_out = &decision->choices[i].is_excluded;
        for (uint32_t v = 0; decision->bound.is_range && v < 1; v++) {
            *is_out = (range->has_start && cell->has_high && datum_compare(schema->partition_types[0], &cell->high, &start) <= 0) ||
                      (range->has_end && cell->has_low && datum_compare(schema->partition_types[0], &cell->low, &end) >= 0);
        }
        if (decision->bound.is_range)
            continue;
        bool is_in = false;
        for (uint32_t v = 0; v < cell->value_rows; v++) {
            const Datum *row = &cell->values[v * schema->partition_column_count];
            if (range->value_rows == 0)
                is_in |= (!range->has_start || datum_compare(schema->partition_types[0], row, &start) >= 0) &&
                         (!range->has_end || datum_compare(schema->partition_types[0], row, &end) < 0);
            for (uint32_t r = 0; r < range->value_rows; r++) {
                bool is_equal = true;
                for (uint32_t c = 0; c < schema->partition_column_count; c++) {
                    AUTO_BYTEBUF text = {0};
                    datum_print(schema->partition_types[c], &row[c], &text);
                    is_equal &= strview_equal(bytebuf_view(&text), range->values[r * schema->partition_column_count + c]);
                }
                is_in |= is_equal;
            }
        }
        *is_out = !is_in;
    }
    return OK;
}

/* Cells that begin in the future don't count. */
static bool is_future(const MvDecision *decision, const MvCell *cell, int64_t now_us)
{
    Type type = decision->table->schema->partition_types[0];
    if (!type_is_date(type) || !cell->has_low)
        return false;
    int64_t us = type.kind == TYPE_DATE ? cell->low.i64 * US_PER_DAY : cell->low.i64;
    return us > now_us + decision->bound.session->zone_offset_us;
}

static void keep_newest(MvDecision *decision, int64_t limit, const MvAsk *ask)
{
    int64_t kept = 0;
    for (uint32_t i = decision->cells.count; limit > 0 && i > 0; i--) {
        MvChoice *choice = &decision->choices[i - 1];
        if (is_future(decision, choice->cell, ask->now_us))
            continue;
        choice->is_excluded |= kept >= limit;
        kept++;
    }
}

/* partition_ttl: "2 MONTH". */
static bool ttl_cutoff(const MvDecision *decision, const MvAsk *ask, int64_t *out_us)
{
    StrView text = strview_trim(mv_property(&decision->definition, "partition_ttl"));
    size_t blank = strview_find(text, STR_VIEW(" "));
    int64_t count;
    StepUnit unit;
    if (blank == SIZE_MAX || !int64_parse(strview_n(text.data, blank), &count) || count <= 0)
        return false;
    if (!step_unit_parse(strview_trim(strview_n(text.data + blank, text.length - blank)), &unit))
        return false;
    PartitionStep step = {.unit = unit, .count = -count};
    Datum now = datum_i64(ask->now_us + decision->bound.session->zone_offset_us);
    *out_us = step_next(&step, type_of(TYPE_DATETIME), now).i64;
    return true;
}

static void expire_ranges(MvDecision *decision, const MvAsk *ask)
{
    int64_t number = mv_property_number(&decision->definition, "partition_ttl_number", -1), kept = 0, cutoff_us = 0;
    bool has_cutoff = ttl_cutoff(decision, ask, &cutoff_us);
    Type type = decision->table->schema->partition_types[0];
    for (uint32_t i = decision->cells.count; i > 0; i--) {
        MvChoice *choice = &decision->choices[i - 1];
        const MvCell *cell = choice->cell;
        int64_t high_us = type.kind == TYPE_DATE ? cell->high.i64 * US_PER_DAY : cell->high.i64;
        choice->is_expired = has_cutoff && type_is_date(type) && cell->has_high && high_us <= cutoff_us;
        if (number > 0 && !is_future(decision, cell, ask->now_us))
            choice->is_expired |= kept++ >= number;
    }
}

static Status expire_by_condition(MvDecision *decision)
{
    const MvBoundView *bound = &decision->bound;
    StrView text = mv_property(&decision->definition, "partition_retention_condition");
    MvRetention *retention;
    if (text.length == 0 || bound->partition_count == 0)
        return OK;
    TRY(mv_retention_bind(decision->snapshot, decision->table->schema, text, bound->arena, bound->session, bound->diag, &retention));
    for (uint32_t i = 0; i < decision->cells.count; i++) {
        bool keeps;
        TRY(mv_retention_keeps(retention, &decision->cells.items[i], bound->diag, &keeps));
        decision->choices[i].is_expired |= !keeps;
    }
    return OK;
}

static void drop_expired(MvDecision *decision)
{
    for (uint32_t i = 0; i < decision->cells.count; i++) {
        MvChoice *choice = &decision->choices[i];
        choice->is_excluded |= choice->is_expired;
        if (choice->is_expired && choice->cell->existing != NULL)
            decision->cells.vanished[decision->cells.vanished_count++] = choice->cell->existing;
    }
}

static Status apply_limits(MvDecision *decision, const MvAsk *ask)
{
    if (ask->range != NULL)
        TRY(leave_out_of_range(decision, ask->range));
    if (decision->bound.is_range)
        expire_ranges(decision, ask);
    TRY(expire_by_condition(decision));
    drop_expired(decision);
    int64_t limit = mv_property_number(&decision->definition, "auto_refresh_partitions_limit", -1);
    if (decision->bound.is_range && ask->is_automatic)
        keep_newest(decision, limit, ask);
    return OK;
}

/* ---- all ---- */

static Status bind_view(MvDecision *out, const CatalogSnapshot *snapshot, uint64_t view_id)
{
    MvBoundView *bound = &out->bound;
    out->table = catalog_table_by_id(snapshot, view_id);
    if (out->table == NULL || !mv_find(snapshot, view_id, bound->arena, &out->definition))
        return RAISE(bound->diag, NO_SUCH_TABLE, "materialized view %llu does not exist", (unsigned long long)view_id);
    out->database = catalog_database_by_id(snapshot, out->table->database_id);
    const TableSchema *schema = out->table->schema;
    TRY(mv_bind(snapshot, schema->view_sql, schema->view_database, bound));
    return mv_trace(bound, schema, &out->definition);
}

Status mv_decide(const CatalogSnapshot *snapshot, uint64_t view_id, const MvAsk *ask, Arena *arena, FuncSession *session, Diag *diag,
                 MvDecision *out)
{
    *out = (MvDecision){.snapshot = snapshot, .bound = {.arena = arena, .diag = diag, .session = session}};
    TRY(bind_view(out, snapshot, view_id));
    out->delta = mv_delta_shape(out);
    TRY(mv_make_cells(&out->bound, out->table, &out->cells));
    out->choices = ARENA_NEW_ARRAY(arena, MvChoice, MAX(out->cells.count, 1u));
    for (uint32_t i = 0; i < out->cells.count; i++)
        out->choices[i] = (MvChoice){.cell = &out->cells.items[i]};
    TRY(apply_limits(out, ask));
    for (uint32_t i = 0; i < out->cells.count; i++) {
        MvChoice *choice = &out->choices[i];
        decide_cell(out, ask, choice, arena);
        if (choice->refreshes && choice->is_excluded) {
            choice->refreshes = false;
            for (uint32_t c = 0; c < choice->causes.count; c++)
                choice->causes.items[c].reason = out_of_range;
        }
        out->refresh_count += choice->refreshes;
    }
    return OK;
}
