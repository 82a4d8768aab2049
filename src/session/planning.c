#include "session/session_int.h"

/* Planning of statements: with statistics, and for what only reads, with the materialized views that may answer parts of
 * it; TRACE of such a query tells which were used, and why others were not. */

#include "base/environment.h"
#include "mv/query_views.h"
#include "plan/plan.h"
#include "types/number_text.h"

static bool column_statistics(void *opaque, const CatalogTable *table, uint32_t ordinal, ColumnStatistics *out)
{
    StatementContext *context = opaque;
    return statistics_cache_column(context->session->instance->statistics, table, ordinal, out);
}

static PlanContext plan_context(StatementContext *context)
{
    PlanStatistics *statistics = ARENA_NEW(&context->arena, PlanStatistics);
    *statistics = (PlanStatistics){context, column_statistics};
    return (PlanContext){.arena = &context->arena, .diag = context->diag, .session = &context->func, .statistics = statistics,
                         .ids = &context->analyze.ids, .next_cte_id = context->analyze.next_cte_id};
}

Status plan_it(StatementContext *context, BoundQuery *query, PhysPlan **out_plan)
{
    PlanContext plan = plan_context(context);
    return plan_query(&plan, query, out_plan);
}

static StrView variable(StatementContext *context, const char *name)
{
    const char *text = variable_text(context->session, name);
    return text == NULL ? STR_VIEW("") : strview(arena_strdup(&context->arena, text));
}

static bool is_on(StatementContext *context, const char *name)
{
    StrView value = variable(context, name);
    return !strview_equal_ci(value, STR_VIEW("false")) && !strview_is(value, "0") && !strview_equal_ci(value, STR_VIEW("off"));
}

/* A transaction reads what it wrote, which no view has. */
static bool uses_views(StatementContext *context, StrView mode)
{
    return context->session->instance->forms != NULL && context->session->transaction == NULL &&
           !strview_equal_ci(mode, STR_VIEW("disable")) && is_on(context, "enable_materialized_view_rewrite") &&
           catalog_record_count(context->catalog, "mv") > 0;
}

static Status plan_with_views(StatementContext *context, BoundQuery *query, StrView mode, ByteBuf *trace, uint32_t *out_used, PhysPlan **out_plan)
{
    PlanContext plan = plan_context(context);
    MvQueryViews views;
    int64_t depth;
    MvQueryOptions options = {.allows_union = is_on(context, "enable_materialized_view_union_rewrite"),
                              .is_forced = strview_starts_with_ci(mode, STR_VIEW("force")),
                              .including = variable(context, "query_including_mv_names"),
                              .excluding = variable(context, "query_excluding_mv_names"),
                              .trace = trace};
    options.max_depth = int64_parse(variable(context, "nested_mv_rewrite_max_level"), &depth) && depth > 0 ? (uint32_t)MIN(depth, (int64_t)16) : 1;
    mv_query_views_open(&views, context->session->instance->forms, context->catalog, &plan, &options);
    plan.views = &views.plan;
    Status status = plan_query(&plan, query, out_plan);
    *out_used = views.plan.used_count;
    mv_query_views_close(&views);
    return status;
}

/* trace and out_used may be NULL. */
static Status plan_traced(StatementContext *context, BoundQuery *query, ByteBuf *trace, uint32_t *out_used, PhysPlan **out_plan)
{
    StrView mode = variable(context, "materialized_view_rewrite_mode");
    *out_used = 0;
    if (uses_views(context, mode))
        TRY(plan_with_views(context, query, mode, trace, out_used, out_plan));
    else
        TRY(plan_it(context, query, out_plan));
    bool must_use = strview_equal_ci(mode, STR_VIEW("default_or_error")) || strview_equal_ci(mode, STR_VIEW("force_or_error"));
    if (must_use && *out_used == 0 && catalog_record_count(context->catalog, "mv") > 0)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: no executable plan with materialized view for this sql in %.*s mode.",
                     SV_ARGS(mode));
    return OK;
}

Status plan_read(StatementContext *context, BoundQuery *query, PhysPlan **out_plan)
{
    uint32_t used;
    return plan_traced(context, query, NULL, &used, out_plan);
}

/* ---- TRACE ---- */

/* REASON: only why a query that no view answered was not answered. */
static void keep_reasons(const ByteBuf *trace, uint32_t used, ByteBuf *out)
{
    static const StrView middle = {": not used: ", 12};
    StrView text = bytebuf_view(trace);
    while (used == 0 && text.length > 0) {
        size_t end = strview_find(text, STR_VIEW("\n"));
        StrView line = strview_n(text.data, end == SIZE_MAX ? text.length : end);
        size_t at = strview_find(line, middle);
        if (at != SIZE_MAX && at > 3)
            bytebuf_printf(out, "    MV rewrite fail for %.*s: %.*s\n", (int)(at - 3), line.data + 3, (int)(line.length - at - middle.length),
                           line.data + at + middle.length);
        text = strview_n(text.data + line.length, text.length - line.length);
        if (text.length > 0)
            text = strview_n(text.data + 1, text.length - 1);
    }
}

Status run_trace(StatementContext *context, const AstStatement *statement)
{
    const AstStatement *inner = statement->inner;
    BoundQuery *query;
    PhysPlan *plan;
    uint32_t used;
    AUTO_BYTEBUF trace = {0}, out = {0};
    if (inner->kind != AST_STATEMENT_QUERY)
        return RAISE(context->diag, NOT_SUPPORTED, "TRACE of this kind of statement is not supported: it traces queries");
    TRY(analyze_query(&context->analyze, inner->query, inner->source, &query));
    int64_t started_us = env_monotonic_us(environment_real());
    TRY(plan_traced(context, query, &trace, &used, &plan));
    int64_t planning_us = env_monotonic_us(environment_real()) - started_us;
    if (strview_is(statement->text, "REASON"))
        keep_reasons(&trace, used, &out);
    else if (strview_is(statement->text, "LOGS"))
        bytebuf_append_view(&out, bytebuf_view(&trace));
    else
        bytebuf_printf(&out, "Optimizer: %.3fms\nMaterialized views used: %u\n%.*s", (double)planning_us / 1000, used, SV_ARGS(bytebuf_view(&trace)));
    return send_lines(context, bytebuf_view(&out));
}
