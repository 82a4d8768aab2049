#include "session/session_int.h"

/* CACHE SELECT reads what a query would read, so that it lies in the cache of blocks, and gives no rows but a line about
 * it. ADMIN CLEAR DATACACHE empties the cache: what comes behind it is cold. */

#include "base/environment.h"

typedef struct CacheTotals {
    uint64_t local, remote; /* bytes */
    int64_t elapsed_us;
} CacheTotals;

static Status drop_chunk(void *context, const Chunk *chunk)
{
    (void)context;
    (void)chunk;
    return OK;
}

static const char *size_text(Arena *arena, double bytes)
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB"};
    size_t unit = 0;
    while (bytes >= 1024 && unit + 1 < COUNT_OF(units)) {
        bytes /= 1024;
        unit++;
    }
    return unit == 0 ? arena_printf(arena, "%.0f%s", bytes, units[unit]) : arena_printf(arena, "%.1f%s", bytes, units[unit]);
}

static const char *usage_text(StatementContext *context)
{
    BlockCache *blocks = atomic_load(&context->session->instance->blocks);
    BlockCacheStats stats = {0};
    if (blocks != NULL)
        block_cache_stats(blocks, &stats);
    double used = stats.limit_bytes <= 0 ? 0 : (double)(stats.disk_bytes + stats.memory_bytes) / (double)stats.limit_bytes;
    return arena_printf(&context->arena, "%.2f%%", used * 100);
}

static Status send_totals(StatementContext *context, const CacheTotals *totals)
{
    static const char *const names[] = {"READ_CACHE_SIZE", "WRITE_CACHE_SIZE", "AVG_WRITE_CACHE_TIME", "TOTAL_CACHE_USAGE"};
    Arena *arena = &context->arena;
    const StrView values[] = {strview(size_text(arena, (double)totals->local)), strview(size_text(arena, (double)totals->remote)),
                              strview(arena_printf(arena, "%.3fms", totals->remote == 0 ? 0 : (double)totals->elapsed_us / 1000)),
                              strview(usage_text(context))};
    return send_texts(context, names, COUNT_OF(values), values, 1);
}

static Status run_cache_select(StatementContext *context, const AstStatement *inner)
{
    BoundQuery *query;
    PhysPlan *plan;
    CacheTotals totals = {0};
    ExecResult result = {.context = context, .rows = drop_chunk};
    int64_t started_us = env_monotonic_us(environment_real());
    TRY(analyze_query(&context->analyze, inner->query, inner->source, &query));
    TRY(plan_it(context, query, &plan));
    OperatorProfile *profile = ARENA_NEW_ARRAY(&context->arena, OperatorProfile, plan->node_count + 1);
    TRY(execute_plan(context, plan, &result, profile));
    totals.elapsed_us = env_monotonic_us(environment_real()) - started_us;
    for (uint32_t i = 0; i < plan->node_count; i++) {
        totals.local += profile[i].reads.local_bytes;
        totals.remote += profile[i].reads.remote_bytes;
    }
    return send_totals(context, &totals);
}

static Status run_clear(StatementContext *context)
{
    BlockCache *blocks = atomic_load(&context->session->instance->blocks);
    static const char *const names[] = {"DROPPED_CACHE_SIZE"};
    double bytes = blocks == NULL ? 0 : (double)block_cache_clear(blocks);
    const StrView value = strview(size_text(&context->arena, bytes));
    return send_texts(context, names, 1, &value, 1);
}

bool run_cache_command(StatementContext *context, const AstStatement *statement, Status *out_status)
{
    const AstCommand *command = statement->command;
    if (strview_is(command->what, "CACHE SELECT"))
        *out_status = run_cache_select(context, command->inner);
    else if (strview_is(command->what, "ADMIN CLEAR DATACACHE"))
        *out_status = run_clear(context);
    else
        return false;
    return true;
}
