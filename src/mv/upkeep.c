#include "mv/engine_int.h"

/* The scheduler's job of the views: activates again what became inactive by itself, and drops partitions that are beyond
 * their time to live. Activation forces nothing: the run behind it computes what changed. */

#include "base/log.h"
#include "mv/state.h"
#include "types/number_text.h"

enum { LONGEST_BACKOFF_MINUTES = 60, TTL_SECONDS = 600 };

static int64_t setting_number(const CatalogSnapshot *catalog, const char *key, int64_t missing)
{
    int64_t value;
    StrView text = catalog_setting(catalog, key);
    return text.data != NULL && int64_parse(text, &value) ? value : missing;
}

/* ---- activation ---- */

static MvRetry *retry_of(MvEngine *engine, uint64_t id)
{
    for (uint32_t i = 0; i < engine->retry_count; i++) {
        if (engine->retries[i].id == id)
            return &engine->retries[i];
    }
    if (engine->retry_count == engine->retry_room) {
        engine->retry_room = engine->retry_room * 2 + 8;
        engine->retries = mem_realloc(engine->retries, engine->retry_room * sizeof(MvRetry));
    }
    engine->retries[engine->retry_count] = (MvRetry){.id = id};
    return &engine->retries[engine->retry_count++];
}

bool mv_may_activate(const MvDefinition *definition)
{
    static const char *const lasting[] = {MV_REASON_MANUAL, MV_REASON_DAMAGED, "mv consecutive failures: ", "it's in backup", "base-table optimized:"};
    for (size_t i = 0; i < COUNT_OF(lasting); i++) {
        if (strview_starts_with(definition->inactive_reason, strview(lasting[i])))
            return false;
    }
    return !definition->is_active;
}

/* Its turn comes when they are active: no attempt, and no failure. */
static bool waits_for_base(const MvDefinition *definition, const MvDefinition *all, uint32_t count)
{
    for (uint32_t b = 0; b < definition->base_count; b++) {
        for (uint32_t i = 0; i < count; i++) {
            if (all[i].id == definition->bases[b].id && !all[i].is_active)
                return true;
        }
    }
    return false;
}

static bool activate(MvEngine *engine, const MvDefinition *definition, int64_t now_us)
{
    Diag diag = {0};
    TaskRunId id;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    MvRetry *retry = retry_of(engine, definition->id);
    if (retry->next_us > now_us)
        return false;
    if (mv_activate(engine, definition->id, true, &diag) != OK) {
        int64_t minutes = MIN((int64_t)1 << MIN(retry->failures, 10u), (int64_t)LONGEST_BACKOFF_MINUTES);
        retry->failures++;
        retry->next_us = now_us + minutes * 60 * 1000000;
        return false;
    }
    retry->failures = 0;
    retry->next_us = 0;
    LOG_INFO("mv", "view %llu is active again: %.*s", (unsigned long long)definition->id, SV_ARGS(definition->inactive_reason));
    TaskRunRequest request = {.task = mv_task_name(definition->id, &arena), .priority = TASK_PRIORITY_NORMAL, .is_automatic = true};
    if (definition->scheme != MV_MANUAL && task_submit(engine->options.tasks, &request, &diag, &id) != OK)
        LOG_WARN("mv", "no refresh after the activation of %.*s: %s", SV_ARGS(request.task), diag.message);
    return true;
}

/* Bases first: as long as one pass activates something, another may find more. */
static void activate_all(MvEngine *engine, const _Atomic bool *stopping)
{
    bool found = true;
    for (uint32_t pass = 0; found && pass < 64 && !atomic_load(stopping); pass++) {
        AUTO_ARENA arena;
        MvDefinition *all;
        arena_init(&arena, NULL);
        CatalogSnapshot *catalog = meta_snapshot(engine->options.store);
        uint32_t count = mv_list(catalog, &arena, &all);
        int64_t now_us = env_wall_us(meta_environment(engine->options.store));
        found = false;
        for (uint32_t i = 0; i < count && !atomic_load(stopping); i++) {
            if (catalog_table_by_id(catalog, all[i].id) != NULL && mv_may_activate(&all[i]) && !waits_for_base(&all[i], all, count))
                found |= activate(engine, &all[i], now_us);
        }
        catalog_unref(catalog);
    }
}

/* ---- time to live ---- */

static Status build_expire(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const MvDecision *decision = context;
    const CatalogTable *now = catalog_table_by_id(catalog, decision->table->id);
    (void)diag;
    for (uint32_t i = 0; now != NULL && i < decision->cells.vanished_count; i++) {
        uint64_t id = decision->cells.vanished[i]->id;
        if (catalog_partition_by_id(now, id) == NULL)
            continue;
        change_drop_partition(change, now->id, id);
        change_drop_mv_map(change, now->id, id);
    }
    return OK;
}

static Status expire(MvEngine *engine, const CatalogSnapshot *catalog, uint64_t view_id, Diag *diag)
{
    AUTO_ARENA arena;
    FuncSession session;
    MvDecision decision;
    arena_init(&arena, NULL);
    mv_engine_session(engine, catalog, &arena, &session);
    MvAsk ask = {.now_us = env_wall_us(meta_environment(engine->options.store))};
    TRY(mv_decide(catalog, view_id, &ask, &arena, &session, diag, &decision));
    return decision.cells.vanished_count == 0 ? OK : meta_commit(engine->options.store, build_expire, &decision, diag);
}

static void expire_all(MvEngine *engine, const _Atomic bool *stopping)
{
    AUTO_ARENA arena;
    MvDefinition *all;
    arena_init(&arena, NULL);
    CatalogSnapshot *catalog = meta_snapshot(engine->options.store);
    uint32_t count = mv_list(catalog, &arena, &all);
    for (uint32_t i = 0; i < count && !atomic_load(stopping); i++) {
        Diag diag = {0};
        if (mv_depends_on_time(&all[i]) && all[i].is_active && expire(engine, catalog, all[i].id, &diag) != OK)
            LOG_WARN("mv", "partitions of view %llu can't expire: %s", (unsigned long long)all[i].id, diag.message);
    }
    catalog_unref(catalog);
}

int64_t mv_upkeep_job(void *context, const _Atomic bool *stopping)
{
    MvEngine *engine = context;
    CatalogSnapshot *catalog = meta_snapshot(engine->options.store);
    bool is_on = !strview_equal_ci(catalog_setting(catalog, "config.enable_mv_automatic_active_check"), STR_VIEW("false"));
    int64_t seconds = setting_number(catalog, "config.mv_active_checker_interval_seconds", 60);
    int64_t ttl_seconds = setting_number(catalog, "config.dynamic_partition_check_interval_seconds", TTL_SECONDS);
    int64_t now_us = env_monotonic_us(meta_environment(engine->options.store));
    if (now_us >= engine->last_expiry_us + MAX(ttl_seconds, 1) * 1000000)
        mv_fresh_sweep(engine, catalog);
    catalog_unref(catalog);
    /* Settings count at once: what is remembered is the last time. */
    if (is_on && now_us >= engine->last_activation_us + MAX(seconds, 1) * 1000000) {
        activate_all(engine, stopping);
        engine->last_activation_us = now_us;
    }
    if (now_us >= engine->last_expiry_us + MAX(ttl_seconds, 1) * 1000000) {
        expire_all(engine, stopping);
        engine->last_expiry_us = now_us;
    }
    return 1000000;
}
