#include "session/session_int.h"

/* CACHE SELECT: the query reads what it reads, its rows go nowhere; what it fetched of remote volumes is in the block cache
 * then. A local volume needs no cache. */

#include "base/environment.h"

static Status ignore_chunk(void *context, const Chunk *chunk)
{
    (void)context, (void)chunk;
    return OK;
}

static StrView size_text(StatementContext *context, uint64_t bytes)
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB"};
    double size = (double)bytes;
    uint32_t unit = 0;
    for (; size >= 1024 && unit + 1 < COUNT_OF(units); unit++)
        size /= 1024;
    return strview(arena_printf(&context->arena, unit == 0 ? "%.0f%s" : "%.1f%s", size, units[unit]));
}

static BlockCacheStats cache_stats(StatementContext *context)
{
    BlockCacheStats stats = {0};
    if (context->session->instance->blocks != NULL)
        block_cache_stats(context->session->instance->blocks, &stats);
    return stats;
}

Status run_cache_select(StatementContext *context, const AstCommand *command)
{
    static const char *const names[] = {"READ_CACHE_SIZE", "WRITE_CACHE_SIZE", "AVG_WRITE_CACHE_TIME", "TOTAL_CACHE_USAGE"};
    const AstStatement *inner = command->inner;
    BoundQuery *query;
    PhysPlan *plan;
    if (inner->kind != AST_STATEMENT_QUERY)
        return RAISE(context->diag, ANALYSIS, "Getting analyzing error. Detail message: CACHE needs a SELECT.");
    TRY(analyze_query(&context->analyze, inner->query, inner->source, &query));
    TRY(plan_it(context, query, &plan));
    BlockCacheStats before = cache_stats(context);
    int64_t started_us = env_monotonic_us(environment_real());
    ExecResult result = {context, ignore_chunk};
    TRY(execute_plan(context, plan, &result, NULL));
    double ran_ms = (double)(env_monotonic_us(environment_real()) - started_us) / 1000;
    BlockCacheStats after = cache_stats(context);
    double usage = after.limit_bytes > 0 ? 100.0 * (double)after.disk_bytes / (double)after.limit_bytes : 0;
    uint64_t fetches = after.fetches - before.fetches;
    StrView row[] = {{0}, /* how much was there already is not counted */
                     size_text(context, after.fetched_bytes - before.fetched_bytes),
                     strview(arena_printf(&context->arena, "%.1fms", fetches > 0 ? ran_ms / (double)fetches : 0.0)),
                     strview(arena_printf(&context->arena, "%.2f%%", usage))};
    return send_texts(context, names, COUNT_OF(names), row, 1);
}
