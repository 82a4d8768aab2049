#include "mv/engine.h"

/* VERIFY MATERIALIZED VIEW: every partition that is up to date is computed again, and compared with the rows that it has. One
 * that is stale is only told: its rows are those of versions of the bases that may be gone. */

#include "sql/parser.h"
#include "sql/unparse.h"

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

static Status sum_plan(MvEngine *engine, const MvDecision *decision, const PhysPlan *plan, Diag *diag, MvFingerprint *out)
{
    MemTracker memory;
    Summing summing = {.width = decision->table->schema->column_count, .schema = decision->table->schema};
    ExecResult result = {.context = &summing, .rows = add_rows};
    mem_tracker_init(&memory, mv_engine_options(engine)->memory, "verify", 0);
    TRY(mv_run_plan(engine, decision, plan, &result, NULL, &memory, diag));
    *out = summing.print;
    return OK;
}

/* The rows that the partition has. */
static Status sum_stored(MvEngine *engine, const MvDecision *decision, const CatalogPartition *partition, Arena *arena, Diag *diag,
                         MvFingerprint *out)
{
    AUTO_BYTEBUF sql = {0};
    MvBoundView view = {.arena = arena, .diag = diag, .session = decision->bound.session};
    PhysPlan *plan;
    bytebuf_append_text(&sql, "SELECT * FROM ");
    sql_print_quoted_identifier(decision->table->name, &sql);
    bytebuf_append_text(&sql, " PARTITION (");
    sql_print_quoted_identifier(partition->name, &sql);
    bytebuf_append_char(&sql, ')');
    TRY(mv_bind(decision->snapshot, strview(arena_strndup(arena, sql.data, sql.length)), decision->database->name, &view));
    PlanContext context = {.arena = arena, .diag = diag, .session = view.session, .ids = &view.analyze.ids, .next_cte_id = view.analyze.next_cte_id};
    TRY(plan_query(&context, view.query, &plan));
    return sum_plan(engine, decision, plan, diag, out);
}

static Status sum_computed(MvEngine *engine, const MvDecision *decision, uint32_t cell, const MvAsk *ask, Arena *arena, Diag *diag, MvFingerprint *out)
{
    MvDecision again;
    PhysPlan *plan;
    TRY(mv_decide(decision->snapshot, decision->table->id, ask, arena, decision->bound.session, diag, &again));
    uint8_t *chosen = ARENA_NEW_ARRAY(arena, uint8_t, MAX(again.cells.count, 1u));
    chosen[cell] = 1;
    TRY(mv_plan_cells(engine, &again, chosen, &plan));
    return sum_plan(engine, &again, plan, diag, out);
}

static Status verify_cell(MvEngine *engine, const MvDecision *decision, uint32_t cell, const MvAsk *ask, Diag *diag, MvVerified *out)
{
    AUTO_ARENA arena;
    MvFingerprint stored, computed;
    const MvChoice *choice = &decision->choices[cell];
    arena_init(&arena, NULL);
    *out = (MvVerified){.partition = choice->cell->name, .result = "STALE"};
    if (choice->cell->existing != NULL)
        out->stored_rows = mv_live_rows(choice->cell->existing);
    if (!choice->has_entry)
        out->result = choice->refreshes ? "NEVER REFRESHED" : "OK";
    if (!choice->has_entry || choice->refreshes || choice->causes.items[0].table.length > 0) /* an excluded table changed */
        return OK;
    TRY(sum_stored(engine, decision, choice->cell->existing, &arena, diag, &stored));
    TRY(sum_computed(engine, decision, cell, ask, &arena, diag, &computed));
    out->stored_rows = stored.rows;
    out->computed_rows = computed.rows;
    out->result = mv_fingerprint_equal(&stored, &computed) ? "OK" : "DIFFERENT";
    return OK;
}

Status mv_verify(MvEngine *engine, const CatalogSnapshot *snapshot, uint64_t view_id, Arena *arena, Diag *diag, MvVerified **out, uint32_t *out_count)
{
    FuncSession *session = ARENA_NEW(arena, FuncSession);
    MvDecision *decision = ARENA_NEW(arena, MvDecision);
    mv_engine_session(engine, snapshot, arena, session);
    MvAsk ask = {.now_us = session->now_us};
    TRY(mv_decide(snapshot, view_id, &ask, arena, session, diag, decision));
    *out_count = decision->cells.count;
    *out = ARENA_NEW_ARRAY(arena, MvVerified, MAX(decision->cells.count, 1u));
    for (uint32_t i = 0; i < decision->cells.count; i++)
        TRY(verify_cell(engine, decision, i, &ask, diag, &(*out)[i]));
    return OK;
}
