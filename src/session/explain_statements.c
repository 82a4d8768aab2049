#include "session/session_int.h"

/* EXPLAIN [LOGICAL | VERBOSE | COSTS | ANALYZE] of what reads: queries, INSERT, UPDATE, DELETE. ANALYZE runs the
 * reading part and drops its rows: nothing is written. ANALYZE TABLE. */

#include "base/environment.h"
#include "base/redact.h"
#include "plan/plan.h"
#include "sql/ast_command.h"

static Status ignore_chunk(void *context, const Chunk *chunk)
{
    (void)context;
    (void)chunk;
    return OK;
}

Status send_lines(StatementContext *context, StrView text)
{
    static const char *const names[] = {"Explain String"};
    ARRAY_OF(StrView) lines = {0};
    while (text.length > 0) {
        size_t end = strview_find(text, STR_VIEW("\n"));
        size_t length = end == SIZE_MAX ? text.length : end;
        ARRAY_PUSH(&context->arena, &lines, strview_n(text.data, length));
        text.data += MIN(length + 1, text.length);
        text.length -= MIN(length + 1, text.length);
    }
    return send_texts(context, names, 1, lines.items, lines.count);
}

static Status bind_inner(StatementContext *context, const AstStatement *inner, BoundQuery **out_query, StrView *out_sink)
{
    BoundInsert target = {0};
    switch ((AstKind)inner->kind) {
    case AST_STATEMENT_QUERY:
        return analyze_query(&context->analyze, inner->query, inner->source, out_query);
    case AST_STATEMENT_INSERT:
        if (inner->insert->is_files) {
            *out_sink = STR_VIEW("FILES");
            return analyze_query(&context->analyze, inner->insert->query, inner->source, out_query);
        }
        TRY(analyze_insert(&context->analyze, inner->insert, inner->source, &target));
        break;
    case AST_STATEMENT_DELETE:
        TRY(analyze_delete(&context->analyze, inner, &target));
        break;
    case AST_STATEMENT_UPDATE:
        TRY(analyze_update(&context->analyze, inner, &target));
        break;
    case AST_STATEMENT_MERGE:
        TRY(analyze_merge(&context->analyze, inner, &target));
        break;
    default:
        return RAISE(context->diag, NOT_SUPPORTED, "EXPLAIN of this kind of statement is not supported");
    }
    *out_query = target.query;
    *out_sink = target.table->name;
    return OK;
}

PlanExplainLevel explain_level(StrView word)
{
    return strview_equal_ci(word, STR_VIEW("LOGICAL"))   ? PLAN_EXPLAIN_LOGICAL
           : strview_equal_ci(word, STR_VIEW("VERBOSE")) ? PLAN_EXPLAIN_VERBOSE
           : strview_equal_ci(word, STR_VIEW("COSTS"))   ? PLAN_EXPLAIN_VERBOSE
                                                         : PLAN_EXPLAIN_NORMAL;
}

static Status run_profiled(StatementContext *context, const PhysPlan *plan, const ExecResult *result, PlanProfile *out)
{
    int64_t started_us = env_monotonic_us(environment_real());
    OperatorProfile *profile = ARENA_NEW_ARRAY(&context->arena, OperatorProfile, plan->node_count + 1);
    out->nodes = ARENA_NEW_ARRAY(&context->arena, PlanNodeProfile, plan->node_count + 1);
    Status status = execute_plan(context, plan, result, profile);
    out->total_us = env_monotonic_us(environment_real()) - started_us;
    out->peak_bytes = atomic_load(&context->memory.peak_bytes);
    for (uint32_t i = 0; i < plan->node_count; i++)
        out->nodes[i] = (PlanNodeProfile){atomic_load(&profile[i].rows), atomic_load(&profile[i].time_us), profile[i].peak_bytes,
                                          profile[i].spilled_bytes, atomic_load(&profile[i].pages_by_bounds),
                                          atomic_load(&profile[i].pages_by_index), profile[i].reads.local_bytes,
                                          profile[i].reads.local_count, profile[i].reads.remote_bytes, profile[i].reads.remote_count,
                                          profile[i].choices};
    return status;
}

Status run_explain(StatementContext *context, const AstStatement *statement)
{
    const AstStatement *inner = statement->inner;
    TRY(authorize_statement(&context->analyze, inner));
    PlanExplain what = {.level = explain_level(statement->text)};
    PlanProfile profile = {0};
    BoundQuery *query;
    PhysPlan *plan;
    AUTO_BYTEBUF text = {0};
    if (inner->kind == AST_STATEMENT_COMMAND && strview_is(inner->command->what, "ADMIN VACUUM"))
        return run_explain_vacuum(context);
    if (inner->kind == AST_STATEMENT_REFRESH_MV)
        return run_explain_refresh(context, statement);
    TRY(bind_inner(context, inner, &query, &what.sink));
    TRY(inner->kind == AST_STATEMENT_QUERY ? plan_read(context, query, &plan) : plan_it(context, query, &plan));
    if (strview_equal_ci(statement->text, STR_VIEW("ANALYZE"))) {
        ExecResult result = {.context = NULL, .rows = ignore_chunk};
        TRY(run_profiled(context, plan, &result, &profile));
        what.profile = &profile;
    }
    plan_explain(plan, &what, &text);
    return send_lines(context, bytebuf_view(&text));
}

/* ---- profiles that are kept ---- */

static void keep_profile(StatementContext *context, const AstStatement *statement, const PhysPlan *plan, const PlanProfile *profile, Status status)
{
    AUTO_BYTEBUF text = {0};
    PlanExplain what = {.profile = profile};
    plan_explain(plan, &what, &text);
    QueryProfile kept = {.id = context->func.query_id,
                         .user = strview(context->session->user),
                         .statement = redact_keys(strview_n(statement->source.data + statement->begin, statement->end - statement->begin),
                                                  &context->arena),
                         .text = bytebuf_view(&text),
                         .started_us = env_wall_us(environment_real()) - profile->total_us,
                         .ran_us = profile->total_us,
                         .has_failed = status != OK};
    query_profiles_add(context->session->instance->profiles, &kept);
}

Status run_profiled_query(StatementContext *context, const AstStatement *statement, BoundQuery *query)
{
    const char *enabled = variable_text(context->session, "enable_profile");
    PlanProfile profile = {0};
    PhysPlan *plan;
    if (enabled == NULL || strcmp(enabled, "true") != 0)
        return run_query(context, query);
    TRY(plan_read(context, query, &plan));
    TRY(send_query_columns(context, query));
    ExecResult result = {.context = context, .rows = send_query_chunk};
    Status status = run_profiled(context, plan, &result, &profile);
    keep_profile(context, statement, plan, &profile, status);
    TRY(status);
    return send_ok(context, 0, STR_VIEW(""));
}

bool find_profile_text(void *context, StrView query_id, Arena *arena, StrView *out_text)
{
    const StatementContext *statement = context;
    QueryProfile profile;
    if (!query_profiles_find(statement->session->instance->profiles, query_id, arena, &profile) || !sees_user(statement, profile.user))
        return false;
    *out_text = profile.text;
    return true;
}

/* ANALYZE PROFILE FROM 'id' */
Status run_analyze_profile(StatementContext *context, const AstCommand *command)
{
    QueryProfile profile;
    StrView id = command->text;
    Type type;
    Datum value;
    AUTO_BYTEBUF text = {0};
    if (id.length == 0 && command->values.count > 0) {
        TRY(evaluate_value(context, command->values.items[0], STR_VIEW(""), &type, &value));
        datum_print(type, &value, &text);
        id = bytebuf_view(&text);
    }
    bool is_there = query_profiles_find(context->session->instance->profiles, id, &context->arena, &profile);
    if (!is_there || !sees_user(context, profile.user))
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: there is no profile of query '%.*s': see SHOW PROFILELIST.",
                     SV_ARGS(id));
    return send_lines(context, profile.text);
}

/* ---- ANALYZE ---- */

static Status send_analyzed(StatementContext *context, const CatalogDatabase *database, const CatalogTable *table, const char *operation)
{
    static const char *const names[] = {"Table", "Op", "Msg_type", "Msg_text"};
    const char *full = arena_printf(&context->arena, "%.*s.%.*s", SV_ARGS(database->name), SV_ARGS(table->name));
    StrView row[] = {strview(full), strview(operation), STR_VIEW("status"), STR_VIEW("OK")};
    return send_texts(context, names, COUNT_OF(names), row, 1);
}

/* Bounds, nulls and distinct counts are in the segments; they are read now instead of with the first query. */
static Status read_statistics(StatementContext *context, const CatalogTable *table)
{
    for (uint32_t i = 0; i < table->schema->column_count; i++) {
        ColumnStatistics statistics;
        if (!statistics_cache_column(context->session->instance->statistics, table, i, &statistics))
            return RAISE(context->diag, IO, "the statistics of table '%.*s' can't be read: see SHOW PROC '/quarantine'", SV_ARGS(table->name));
    }
    return OK;
}

static Status check_columns(StatementContext *context, const AstAnalyze *analyze, const CatalogTable *table)
{
    for (uint32_t i = 0; i < analyze->columns.count; i++) {
        const AstExpr *column = analyze->columns.items[i];
        if (column->kind == AST_NAME && table_column_index(table->schema, column->name.parts[column->name.count - 1]) < 0)
            return RAISE(context->diag, NO_SUCH_COLUMN, "Unknown column '%.*s' in '%.*s'",
                         SV_ARGS(column->name.parts[column->name.count - 1]), SV_ARGS(table->name));
    }
    return OK;
}

static Status analyze_table(StatementContext *context, const AstAnalyze *analyze, const char *operation)
{
    const CatalogDatabase *database;
    const CatalogTable *table;
    TRY(analyze_find_table(&context->analyze, &analyze->table, &database, &table));
    if (table->schema->kind == TABLE_VIEW)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: Can't statistic view: %.*s.", SV_ARGS(table->name));
    TRY(check_columns(context, analyze, table));
    TRY(read_statistics(context, table));
    return send_analyzed(context, database, table, operation);
}

Status run_analyze(StatementContext *context, const AstStatement *statement)
{
    const AstAnalyze *analyze = statement->analyze;
    if (strview_is(analyze->action, "ANALYZE"))
        return analyze_table(context, analyze, analyze->is_sample ? "sample" : "analyze");
    if (strview_is(analyze->action, "UPDATE HISTOGRAM"))
        return analyze_table(context, analyze, "histogram");
    if (strview_is(analyze->action, "DROP STATS") || strview_is(analyze->action, "DROP HISTOGRAM") ||
        strview_is(analyze->action, "DROP MULTIPLE COLUMNS STATS") || strview_is(analyze->action, "DROP ALL ANALYZE"))
        return send_ok(context, 0, STR_VIEW("")); /* nothing is kept outside of the segments */
    if (strview_is(analyze->action, "CREATE ANALYZE"))
        return RAISE(context->diag, NOT_SUPPORTED, "CREATE ANALYZE is not needed: statistics are written with the data and are always up to date");
    return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: there is no analyze job %llu.",
                 (unsigned long long)analyze->job_id);
}
