#include "mv/engine_int.h"

/* VERIFY MATERIALIZED VIEW: every partition that was computed is computed again, from what its entry in the version map names, and compared with
 * the rows that it has.
 *
 * Base tables that are still what the entry says are read as they are. Of the others, the state behind the newest of the versions that it
 * names is taken from the history of the catalog, or that of the time of the refresh: identity and data version of each partition must be those of the
 * entry, else nothing can be told of the view's partition, which is said. So they are where the objects of that state were deleted since. */

#include "meta/snapshots.h"
#include "plan/logical_walk.h"
#include "sql/parser.h"
#include "sql/unparse.h"

/* A state of the past; entry_id or time_us says of when. */
typedef struct Past {
    uint64_t entry_id;
    int64_t time_us;
    CatalogSnapshot *catalog; /* NULL: it can't be read */
} Past;

typedef struct Verify {
    MvEngine *engine;
    const CatalogSnapshot *snapshot;
    const CatalogTable *table;
    MvDefinition definition;
    Arena *arena;
    FuncSession *session;
    Diag *diag;
    MvAsk ask;
    const MvDecision *now; /* NULL: what the definition reads is no longer what it was made for */
    ARRAY_OF(Past) pasts;
    Arena then_arena; /* of the decision at a state of the past, the last one that was needed */
    const CatalogSnapshot *then_catalog;
    MvDecision *then;
} Verify;

/* What one partition is computed from. */
typedef struct Inputs {
    const MvDecision *decision;
    uint32_t cell;
    const SegmentRef **segments; /* a table of the decision */
    uint32_t *counts;
    bool is_past; /* some are read as they were */
    ByteBuf words;
} Inputs;

/* ---- rows ---- */

typedef struct Summing {
    MvFingerprint print;
    uint32_t width;
    const TableSchema *schema;
} Summing;

static Status add_rows(void *context, const Chunk *chunk)
{
    Summing *summing = context;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    Rows rows = chunk_rows(chunk);
    const Vector **columns = ARENA_NEW_ARRAY(&arena, const Vector *, MAX(summing->width, 1u));
    for (uint32_t c = 0; c < summing->width; c++) {
        Vector *dense = ARENA_NEW(&arena, Vector);
        vector_init(dense, &arena, summing->schema->columns[c].type, CHUNK_ROWS);
        vector_gather(&chunk->columns[c], rows, type_is_nested(dense->type) ? &arena : NULL, 0, dense);
        columns[c] = dense;
    }
    mv_fingerprint_add(&summing->print, columns, summing->width, (Rows){NULL, rows.count});
    return OK;
}

static Status sum_plan(Verify *v, const MvDecision *decision, const PhysPlan *plan, MvFingerprint *out)
{
    MemTracker memory;
    Summing summing = {.width = v->table->schema->column_count, .schema = v->table->schema};
    ExecResult result = {.context = &summing, .rows = add_rows};
    mem_tracker_init(&memory, mv_engine_options(v->engine)->memory, "verify", 0);
    TRY(mv_run_plan(v->engine, decision, plan, &result, NULL, &memory, v->diag));
    *out = summing.print;
    return OK;
}

/* The rows that the partition has. */
Status mv_sum_stored(MvEngine *engine, const MvDecision *decision, const CatalogPartition *partition, Arena *arena, Diag *diag,
                     MvFingerprint *out)
{
    AUTO_BYTEBUF sql = {0};
    MvBoundView view = {.arena = arena, .diag = diag, .session = decision->bound.session};
    Verify v = {.engine = engine, .table = decision->table, .diag = diag};
    PhysPlan *plan;
    bytebuf_append_text(&sql, "SELECT * FROM ");
    sql_print_quoted_identifier(decision->table->name, &sql);
    bytebuf_append_text(&sql, " PARTITION (");
    sql_print_quoted_identifier(partition->name, &sql);
    bytebuf_append_char(&sql, ')');
    TRY(mv_bind(decision->snapshot, strview(arena_strndup(arena, sql.data, sql.length)), decision->database->name, &view));
    PlanContext context = {.arena = arena, .diag = diag, .session = view.session, .ids = &view.analyze.ids, .next_cte_id = view.analyze.next_cte_id};
    TRY(plan_query(&context, view.query, &plan));
    return sum_plan(&v, decision, plan, out);
}

static void find_bound_below(LogicalNode *node, bool *found);

static void find_bound(void *found, Expr **in_out)
{
    Expr *expr = *in_out;
    if (expr->kind == EXPR_CALL && (expr->call.binding->flags & FUNC_SESSION_BOUND) != 0)
        *(bool *)found = true;
    if (expr->kind == EXPR_SUBQUERY)
        find_bound_below(expr->subquery.query->root, found);
    for (uint32_t i = 0; i < expr->argument_count; i++)
        find_bound(found, &expr->arguments[i]);
}

/* Functions of the time, of the session, of dictionaries: their values are not those of then. */
static void find_bound_below(LogicalNode *node, bool *found)
{
    node_each_expr(node, find_bound, found);
    for (uint32_t i = 0; i < node->child_count; i++)
        find_bound_below(node->children[i], found);
}

static Status sum_computed(Verify *v, const Inputs *inputs, Arena *arena, MvFingerprint *out, bool *out_is_bound)
{
    MvDecision own = *inputs->decision, again;
    PhysPlan *plan;
    own.bound.arena = arena;
    own.bound.diag = v->diag;
    TRY(mv_bind_again(&own, own.bound.analyze.ids, &again));
    *out_is_bound = false;
    find_bound_below(again.bound.query->root, out_is_bound);
    for (uint32_t s = 0; s < again.bound.scan_count; s++) {
        LogicalNode *node = again.bound.scans[s].node;
        for (uint32_t t = 0; t < own.cells.table_count; t++) {
            if (own.cells.tables[t].table != again.bound.scans[s].table)
                continue;
            node->scan.segments = inputs->segments[t]; /* none: not NULL */
            node->scan.segment_count = inputs->counts[t];
        }
    }
    uint8_t *chosen = ARENA_NEW_ARRAY(arena, uint8_t, MAX(own.cells.count, 1u));
    chosen[inputs->cell] = 1;
    TRY(mv_filter_cells(&again, chosen));
    TRY(mv_plan_bound(v->engine, &again, &plan));
    return sum_plan(v, &again, plan, out);
}

/* ---- states of the past ---- */

/* NULL: images and journal don't reach back so far. */
static const CatalogSnapshot *past_of(Verify *v, uint64_t entry_id, int64_t time_us)
{
    Diag diag = {0};
    for (uint32_t i = 0; i < v->pasts.count; i++) {
        if (v->pasts.items[i].entry_id == entry_id && v->pasts.items[i].time_us == time_us)
            return v->pasts.items[i].catalog;
    }
    Past past = {.entry_id = entry_id, .time_us = time_us};
    if (meta_history(mv_engine_options(v->engine)->store, entry_id, time_us, &diag, &past.catalog) != OK)
        past.catalog = NULL;
    ARRAY_PUSH(v->arena, &v->pasts, past);
    return past.catalog;
}

static bool has_sources(const CatalogTable *table, const MvSourceTable *known)
{
    for (uint32_t s = 0; s < known->count; s++) {
        const CatalogPartition *partition = catalog_partition_by_id(table, known->sources[s].partition_id);
        if (partition == NULL || partition->data_version != known->sources[s].data_version)
            return false;
    }
    return true;
}

/* Are the columns that both have of the same types? */
static bool same_types(const TableSchema *a, const TableSchema *b)
{
    for (uint32_t i = 0; i < a->column_count; i++) {
        for (uint32_t k = 0; k < b->column_count; k++) {
            if (a->columns[i].unique_id == b->columns[k].unique_id && !type_equal(a->columns[i].type, b->columns[k].type))
                return false;
        }
    }
    return true;
}

static const CatalogTable *table_at(const CatalogSnapshot *catalog, const CatalogTable *now, const MvSourceTable *known)
{
    const CatalogTable *table = catalog == NULL ? NULL : catalog_table_by_id(catalog, known->table_id);
    return table != NULL && same_types(table->schema, now->schema) && has_sources(table, known) ? table : NULL;
}

/* The table with the partitions that the entry names; NULL: there is none any more. */
static const CatalogTable *find_table(Verify *v, const CatalogTable *now, const MvMapEntry *entry, const MvSourceTable *known)
{
    uint64_t newest = 0;
    if (has_sources(now, known))
        return now;
    for (uint32_t s = 0; s < known->count; s++)
        newest = MAX(newest, known->sources[s].data_version);
    const CatalogTable *table = table_at(past_of(v, newest, 0), now, known);
    return table != NULL ? table : table_at(past_of(v, 0, entry->refreshed_us), now, known);
}

static void take_segments(Inputs *inputs, uint32_t number, const CatalogTable *table, const MvSourceTable *known, Arena *arena)
{
    ARRAY_OF(SegmentRef) all = {0};
    for (uint32_t s = 0; s < known->count; s++) {
        const CatalogPartition *partition = catalog_partition_by_id(table, known->sources[s].partition_id);
        for (uint32_t t = 0; t < partition->tablet_count; t++) {
            for (uint32_t i = 0; i < partition->tablets[t].segment_count; i++)
                ARRAY_PUSH(arena, &all, partition->tablets[t].segments[i]);
        }
    }
    inputs->segments[number] = all.count > 0 ? all.items : ARENA_NEW(arena, SegmentRef);
    inputs->counts[number] = all.count;
}

static void say_source(const Verify *v, Inputs *inputs, const MvTable *table, const CatalogTable *found, const MvSourceTable *known)
{
    uint64_t newest = 0;
    for (uint32_t s = 0; s < known->count; s++)
        newest = MAX(newest, known->sources[s].data_version);
    bytebuf_printf(&inputs->words, "%s%.*s.%.*s ", inputs->words.length > 0 ? ", " : "", SV_ARGS(table->database->name),
                   SV_ARGS(table->table->name));
    if (found == NULL)
        bytebuf_printf(&inputs->words, "as of version %llu: that state is gone", (unsigned long long)newest);
    else if (found != table->table || inputs->decision != v->now)
        bytebuf_printf(&inputs->words, "as of version %llu", (unsigned long long)newest);
    else
        bytebuf_append_text(&inputs->words, "as it is");
}

/* False: something is gone; the words say what. */
static bool find_inputs(Verify *v, const MvMapEntry *entry, Arena *arena, Inputs *inputs)
{
    const MvCells *cells = &inputs->decision->cells;
    inputs->segments = ARENA_NEW_ARRAY(arena, const SegmentRef *, cells->table_count + 1);
    inputs->counts = ARENA_NEW_ARRAY(arena, uint32_t, cells->table_count + 1);
    inputs->is_past = inputs->decision != v->now;
    bytebuf_clear(&inputs->words);
    for (uint32_t t = 0; t < cells->table_count; t++) {
        const CatalogTable *table = cells->tables[t].table;
        const MvSourceTable *known = mv_map_table(entry, table->id);
        if (known == NULL) {
            bytebuf_clear(&inputs->words);
            bytebuf_printf(&inputs->words, "another table than %.*s.%.*s", SV_ARGS(cells->tables[t].database->name), SV_ARGS(table->name));
            return false;
        }
        const CatalogTable *found = find_table(v, table, entry, known);
        say_source(v, inputs, &cells->tables[t], found, known);
        if (found == NULL)
            return false;
        inputs->is_past |= found != table;
        take_segments(inputs, t, found, known, arena);
    }
    return cells->table_count == entry->table_count;
}

/* ---- the definition ---- */

/* Does it mean what it meant when it was bound? Tables of other ids are found by the entry. */
static bool same_views(const CatalogSnapshot *catalog, const MvDefinition *definition)
{
    for (uint32_t b = 0; b < definition->base_count; b++) {
        const MvBase *base = &definition->bases[b];
        const CatalogTable *table = catalog_table_by_id(catalog, base->id);
        if (base->kind == MV_BASE_VIEW && (table == NULL || !strview_equal(table->schema->view_sql, base->view_sql)))
            return false;
    }
    return true;
}

static bool same_columns(const TableSchema *a, const TableSchema *b)
{
    bool is_same = a->column_count == b->column_count;
    for (uint32_t i = 0; i < a->column_count && is_same; i++)
        is_same = a->columns[i].unique_id == b->columns[i].unique_id && type_equal(a->columns[i].type, b->columns[i].type);
    return is_same;
}

/* The definition at the time of the refresh; NULL: it can't be had. */
static const MvDecision *decide_then(Verify *v, int64_t time_us)
{
    Diag diag = {0};
    const CatalogSnapshot *catalog = past_of(v, 0, time_us);
    if (catalog == NULL || catalog == v->then_catalog)
        return catalog == NULL ? NULL : v->then;
    v->then_catalog = catalog;
    v->then = NULL;
    arena_reset(&v->then_arena);
    MvDecision *then = ARENA_NEW(&v->then_arena, MvDecision);
    MvAsk force = {.is_force = true, .now_us = v->ask.now_us};
    if (mv_decide(catalog, v->table->id, &force, &v->then_arena, v->session, &diag, then) == OK && same_views(catalog, &then->definition) &&
        same_columns(then->table->schema, v->table->schema))
        v->then = then;
    return v->then;
}

/* The partition's cell; false: it is none. */
static bool find_cell(const MvDecision *decision, const CatalogPartition *partition, uint32_t *out)
{
    for (uint32_t c = 0; decision != NULL && c < decision->cells.count; c++) {
        const MvCell *cell = &decision->cells.items[c];
        bool is_it = cell->existing != NULL ? cell->existing->id == partition->id : strview_equal(cell->name, partition->name);
        if (!is_it && decision->bound.partition_count > 0)
            continue;
        *out = c;
        return true;
    }
    return false;
}

/* ---- one partition ---- */

static StrView keep_words(Verify *v, const ByteBuf *words)
{
    return strview_n(arena_strndup(v->arena, words->data, words->length), words->length);
}

/* As the definition is now, else as it was then. */
static bool find_way(Verify *v, const CatalogPartition *partition, const MvMapEntry *entry, Arena *arena, Inputs *inputs)
{
    inputs->decision = v->now;
    if (find_cell(v->now, partition, &inputs->cell) && find_inputs(v, entry, arena, inputs))
        return true;
    inputs->decision = decide_then(v, entry->refreshed_us);
    if (find_cell(inputs->decision, partition, &inputs->cell))
        return find_inputs(v, entry, arena, inputs);
    if (inputs->words.length == 0)
        bytebuf_append_text(&inputs->words, "the definition of then is gone");
    return false;
}

/* What can't be read because it was deleted since is no error. */
static Status compute(Verify *v, const Inputs *inputs, const MvFingerprint *stored, Arena *arena, MvVerified *out)
{
    MvFingerprint computed;
    bool is_bound;
    Status status = sum_computed(v, inputs, arena, &computed, &is_bound);
    if (status == ERR_NO_SUCH_OBJECT && inputs->is_past) {
        out->result = "UNAVAILABLE";
        out->inputs = strview(arena_printf(v->arena, "%.*s: its rows were deleted since", SV_ARGS(out->inputs)));
        diag_reset(v->diag);
        return OK;
    }
    TRY(status);
    out->has_computed = true;
    out->computed_rows = computed.rows;
    out->result = mv_fingerprint_equal(stored, &computed) ? "OK" : is_bound ? "UNAVAILABLE" : "DIFFERENT";
    if (strcmp(out->result, "UNAVAILABLE") == 0)
        out->inputs =
            strview(arena_printf(v->arena, "%.*s, and a function of the time, the session or a dictionary", SV_ARGS(out->inputs)));
    return OK;
}

static Status verify_partition(Verify *v, const CatalogPartition *partition, MvVerified *out)
{
    AUTO_ARENA arena;
    MvMapEntry entry;
    MvFingerprint stored;
    Inputs inputs = {0};
    arena_init(&arena, NULL);
    if (!mv_map_find(v->snapshot, v->table->id, partition->id, &arena, &entry)) {
        out->stored_rows = mv_live_rows(partition);
        if (out->stored_rows > 0) {
            out->result = "UNAVAILABLE";
            out->inputs = STR_VIEW("that is no longer recorded");
        }
        return OK;
    }
    bool is_there = find_way(v, partition, &entry, &arena, &inputs);
    out->inputs = keep_words(v, &inputs.words);
    bytebuf_deinit(&inputs.words);
    MvDecision own = {.table = v->table,
                      .snapshot = v->snapshot,
                      .definition = v->definition,
                      .bound.session = v->session,
                      .database = catalog_database_by_id(v->snapshot, v->table->database_id)};
    TRY(mv_sum_stored(v->engine, &own, partition, &arena, v->diag, &stored));
    out->stored_rows = stored.rows;
    out->result = "UNAVAILABLE";
    return is_there ? compute(v, &inputs, &stored, &arena, out) : OK;
}

/* ---- all ---- */

static Status verify_all(Verify *v, MvVerified **out, uint32_t *out_count)
{
    ARRAY_OF(MvVerified) all = {0};
    const char *inactive = arena_printf(v->arena, "inactive: %.*s", SV_ARGS(v->definition.inactive_reason));
    for (uint32_t c = 0; v->now != NULL && c < v->now->cells.count; c++) {
        const MvChoice *choice = &v->now->choices[c];
        MvVerified verified = {.partition = choice->cell->name, .reason = choice->causes.items[0].reason};
        verified.result = choice->refreshes ? "NEVER REFRESHED" : "OK";
        if (choice->cell->existing != NULL)
            TRY(verify_partition(v, choice->cell->existing, &verified));
        ARRAY_PUSH(v->arena, &all, verified);
    }
    for (uint32_t p = 0; p < v->table->partition_count; p++) {
        const CatalogPartition *partition = v->table->partitions[p];
        uint32_t cell;
        if (find_cell(v->now, partition, &cell) && v->now->cells.items[cell].existing == partition)
            continue;
        MvVerified verified = {.partition = partition->name, .reason = v->now != NULL ? "base partition dropped" : inactive};
        TRY(verify_partition(v, partition, &verified));
        ARRAY_PUSH(v->arena, &all, verified);
    }
    *out = all.items;
    *out_count = all.count;
    return OK;
}

Status mv_verify(MvEngine *engine, const CatalogSnapshot *snapshot, uint64_t view_id, Arena *arena, Diag *diag, MvVerified **out, uint32_t *out_count)
{
    MvDecision *decision = ARENA_NEW(arena, MvDecision);
    Verify v = {.engine = engine, .snapshot = snapshot, .table = catalog_table_by_id(snapshot, view_id), .arena = arena, .diag = diag};
    v.session = ARENA_NEW(arena, FuncSession);
    if (v.table == NULL || !mv_find(snapshot, view_id, arena, &v.definition))
        return RAISE(diag, NO_SUCH_TABLE, "materialized view %llu does not exist", (unsigned long long)view_id);
    mv_engine_session(engine, snapshot, arena, v.session);
    v.ask.now_us = v.session->now_us;
    Status status = mv_decide(snapshot, view_id, &v.ask, arena, v.session, diag, decision);
    if (status != OK && v.definition.is_active)
        return status;
    diag_reset(diag);
    if (status == OK && same_views(snapshot, &v.definition))
        v.now = decision;
    arena_init(&v.then_arena, NULL);
    status = verify_all(&v, out, out_count);
    arena_deinit(&v.then_arena);
    for (uint32_t i = 0; i < v.pasts.count; i++)
        catalog_unref(v.pasts.items[i].catalog);
    return status;
}
