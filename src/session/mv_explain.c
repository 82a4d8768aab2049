#include "session/mv_int.h"

/* EXPLAIN REFRESH MATERIALIZED VIEW, and how the engine of the views sees the server. */

#include "base/environment.h"
#include "mv/state.h"
#include "types/time_zone.h"

/* ---- EXPLAIN REFRESH ---- */

static const ResultColumn explain_columns[] = {
    {.name = {"PARTITION_NAME", 14}, .type = {.kind = TYPE_VARCHAR, .phys = PHYS_STR}, .is_nullable = true},
    {.name = {"ACTION", 6}, .type = {.kind = TYPE_VARCHAR, .phys = PHYS_STR}, .is_nullable = true},
    {.name = {"REASON", 6}, .type = {.kind = TYPE_VARCHAR, .phys = PHYS_STR}, .is_nullable = true},
    {.name = {"BASE_TABLE", 10}, .type = {.kind = TYPE_VARCHAR, .phys = PHYS_STR}, .is_nullable = true},
    {.name = {"BASE_PARTITION", 14}, .type = {.kind = TYPE_VARCHAR, .phys = PHYS_STR}, .is_nullable = true},
    {.name = {"FROM_VERSION", 12}, .type = {.kind = TYPE_BIGINT, .phys = PHYS_I64}, .is_nullable = true},
    {.name = {"TO_VERSION", 10}, .type = {.kind = TYPE_BIGINT, .phys = PHYS_I64}, .is_nullable = true},
    {.name = {"ROWS", 4}, .type = {.kind = TYPE_BIGINT, .phys = PHYS_I64}, .is_nullable = true},
    {.name = {"BYTES", 5}, .type = {.kind = TYPE_BIGINT, .phys = PHYS_I64}, .is_nullable = true},
};

typedef struct ExplainRows {
    StatementContext *context;
    Chunk chunk;
} ExplainRows;

static Datum text_or_null(StrView text)
{
    return text.length == 0 ? datum_null() : datum_str(text);
}

static Datum number_or_null(uint64_t number)
{
    return number == 0 ? datum_null() : datum_i64((int64_t)number);
}

static Status put_row(ExplainRows *rows, const Datum *values)
{
    Chunk *chunk = &rows->chunk;
    for (uint32_t c = 0; c < COUNT_OF(explain_columns); c++)
        vector_put(&chunk->columns[c], &rows->context->arena, chunk->row_count, &values[c]);
    if (++chunk->row_count < CHUNK_ROWS)
        return OK;
    Status status = rows->context->sink->rows(rows->context->sink->context, chunk);
    chunk_reset(chunk);
    return status;
}

static Status put_cause(ExplainRows *rows, StrView partition, bool refreshes, const MvCause *cause)
{
    Datum values[] = {datum_str(partition), datum_str(refreshes ? STR_VIEW("REFRESH") : STR_VIEW("KEEP")), datum_str(strview(cause->reason)),
                      text_or_null(cause->table), text_or_null(cause->partition), number_or_null(cause->from), number_or_null(cause->to),
                      datum_i64((int64_t)cause->rows), datum_i64((int64_t)cause->bytes)};
    return put_row(rows, values);
}

static Status put_decision(ExplainRows *rows, const MvDecision *decision)
{
    for (uint32_t i = 0; i < decision->cells.count; i++) {
        const MvChoice *choice = &decision->choices[i];
        for (uint32_t c = 0; c < choice->causes.count && !choice->is_expired; c++)
            TRY(put_cause(rows, choice->cell->name, choice->refreshes, &choice->causes.items[c]));
    }
    for (uint32_t i = 0; i < decision->cells.vanished_count; i++) {
        MvCause cause = {.reason = "no base partition feeds it any more, or its time is over: it is dropped"};
        TRY(put_cause(rows, decision->cells.vanished[i]->name, true, &cause));
    }
    return OK;
}

/* EXPLAIN LOGICAL | VERBOSE | COSTS REFRESH: the query of all partitions that are due; of all when none is. */
static Status explain_plan(StatementContext *context, const AstStatement *statement, MvDecision *decision)
{
    PhysPlan *plan;
    PlanExplain what = {.level = explain_level(statement->text), .sink = decision->table->name};
    AUTO_BYTEBUF text = {0};
    uint8_t *chosen = ARENA_NEW_ARRAY(&context->arena, uint8_t, MAX(decision->cells.count, 1u));
    for (uint32_t i = 0; i < decision->cells.count; i++)
        chosen[i] = decision->refresh_count == 0 || decision->choices[i].refreshes;
    TRY(mv_plan_cells(context->session->instance->views, decision, chosen, &plan));
    plan_explain(plan, &what, &text);
    return send_lines(context, bytebuf_view(&text));
}

Status run_explain_refresh(StatementContext *context, const AstStatement *statement)
{
    const AstRefreshView *ast = statement->inner->refresh_mv;
    const CatalogDatabase *database;
    const CatalogTable *table;
    MvDefinition definition;
    MvDecision decision;
    ExplainRows rows = {.context = context};
    Type types[COUNT_OF(explain_columns)];
    TRY(mv_find_view(context, &ast->name, &database, &table, &definition));
    MvRange range = {.has_start = ast->has_range, .has_end = ast->has_range, .start = ast->start, .end = ast->end};
    MvAsk ask = {.is_force = ast->is_force, .range = ast->has_range ? &range : NULL, .now_us = context->func.now_us};
    TRY(mv_decide(context->catalog, table->id, &ask, &context->arena, &context->func, context->diag, &decision));
    if (statement->text.length > 0)
        return explain_plan(context, statement, &decision);
    for (uint32_t c = 0; c < COUNT_OF(explain_columns); c++)
        types[c] = explain_columns[c].type;
    chunk_init(&rows.chunk, &context->arena, types, COUNT_OF(explain_columns));
    TRY(context->sink->columns(context->sink->context, explain_columns, COUNT_OF(explain_columns)));
    TRY(put_decision(&rows, &decision));
    if (rows.chunk.row_count > 0)
        TRY(context->sink->rows(context->sink->context, &rows.chunk));
    return send_ok(context, 0, STR_VIEW(""));
}

/* ---- the engine ---- */

static bool view_statistics(void *opaque, const CatalogTable *table, uint32_t ordinal, ColumnStatistics *out)
{
    return statistics_cache_column(((Instance *)opaque)->statistics, table, ordinal, out);
}

/* Refreshes run as the server does, whoever made the view: in its zone, with its settings. */
static void view_session(void *opaque, const CatalogSnapshot *catalog, Arena *arena, FuncSession *out)
{
    const Instance *instance = opaque;
    const Environment *env = environment_real();
    StrView zone = global_variable(catalog, STR_VIEW("time_zone"));
    (void)arena;
    *out = (FuncSession){.now_us = env_wall_us(env), .user = STR_VIEW("'root'@'%'"), .current_role = STR_VIEW("root"),
                         .catalog = STR_VIEW("default_catalog"), .version = strview(instance->version), .host = STR_VIEW("127.0.0.1"),
                         .random_seed = env_random(env), .group_concat_max_bytes = 1024};
    out->zone = time_zone_find(zone.data != NULL ? zone : strview(variable_default("time_zone")));
    out->zone_offset_us = out->zone == NULL ? 0 : time_zone_to_local(out->zone, out->now_us) - out->now_us;
}

void session_open_views(Instance *instance)
{
    MvEngineOptions options = {.store = instance->store, .volume = instance->volume, .pool = instance->pool, .segments = instance->segments,
                               .spill = instance->spill, .tasks = instance->tasks, .memory = instance->memory, .statistics_context = instance,
                               .statistics = view_statistics, .session_context = instance, .session = view_session};
    instance->views = mv_engine_open(&options);
    mv_engine_attach(instance->views);
    meta_set_commit_observer(instance->store, mv_follow_definitions, instance->views);
}
