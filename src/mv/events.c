#include "mv/engine_int.h"

/* Runs that follow from commits. Every commit that moves a data version of a base table, by whichever path it came, and
 * also those of refreshes of base views, ends here: views that are due get a run, which decides what there is to do. A refresh
 * that found nothing, or the rows that were there, moves no data version, and so starts nothing. */

#include "base/hash.h"
#include "base/log.h"
#include "job/table_changes.h"
#include "types/number_text.h"

/* ---- which views there are ---- */

typedef struct Reading {
    MvEngine *engine;
    const CatalogSnapshot *snapshot;
    bool changed;
    uint32_t at;
} Reading;

static void compare_record(void *context, StrView key, StrView value)
{
    Reading *reading = context;
    const MvEngine *engine = reading->engine;
    (void)key;
    if (reading->at >= engine->trigger_count || engine->triggers[reading->at].record_hash != hash_bytes(value.data, value.length))
        reading->changed = true;
    reading->at++;
}

static void read_record(void *context, StrView key, StrView value)
{
    Reading *reading = context;
    MvEngine *engine = reading->engine;
    MvTrigger *trigger = &engine->triggers[engine->trigger_count++];
    int64_t id = 0;
    *trigger = (MvTrigger){.record_hash = hash_bytes(value.data, value.length)};
    if (!int64_parse(key, &id))
        return;
    if (!mv_find(reading->snapshot, (uint64_t)id, &engine->triggers_arena, &trigger->definition)) {
        LOG_WARN("mv", "the definition of the materialized view %lld is damaged: the view is quarantined", (long long)id);
        return;
    }
    trigger->id = (uint64_t)id;
    trigger->is_due = trigger->definition.is_active && trigger->definition.scheme == MV_EVENT_TRIGGERED;
}

/* Records are read again when one of them changed. */
static void read_triggers(MvEngine *engine, const CatalogSnapshot *snapshot)
{
    Reading reading = {.engine = engine, .snapshot = snapshot};
    catalog_each_record(snapshot, "mv", compare_record, &reading);
    if (!reading.changed && reading.at == engine->trigger_count)
        return;
    arena_reset(&engine->triggers_arena);
    engine->trigger_count = 0;
    engine->triggers = ARENA_NEW_ARRAY(&engine->triggers_arena, MvTrigger, MAX(reading.at, 1u));
    catalog_each_record(snapshot, "mv", read_record, &reading);
}

/* ---- what follows ---- */

static void submit(TaskManager *manager, uint64_t view_id)
{
    AUTO_ARENA arena;
    Diag diag = {0};
    TaskRunId id;
    arena_init(&arena, NULL);
    TaskRunRequest request = {.task = mv_task_name(view_id, &arena), .priority = TASK_PRIORITY_NORMAL, .is_automatic = true};
    if (task_submit(manager, &request, &diag, &id) != OK)
        LOG_WARN("mv", "no refresh of %.*s after a commit: %s", SV_ARGS(request.task), diag.message);
}

typedef struct Following {
    MvEngine *engine;
    TaskManager *manager;
    uint8_t *is_due; /* by trigger */
} Following;

static bool follows(const MvTrigger *trigger, uint64_t table_id)
{
    StrView excluded = mv_property(&trigger->definition, "excluded_trigger_tables");
    for (uint32_t b = 0; trigger->is_due && b < trigger->definition.base_count; b++) {
        const MvBase *base = &trigger->definition.bases[b];
        if (base->id == table_id)
            return excluded.length == 0 || !mv_list_names(excluded, base->database, base->name);
    }
    return false;
}

static void follow_table(void *context, const CatalogTable *before, const CatalogTable *after)
{
    const Following *following = context;
    if (before == NULL || after == NULL || !table_rows_changed(before, after))
        return;
    for (uint32_t i = 0; i < following->engine->trigger_count; i++)
        following->is_due[i] |= follows(&following->engine->triggers[i], after->id);
}

static bool was_refreshed(const CatalogSnapshot *snapshot, uint64_t view_id, Arena *arena)
{
    return catalog_record_count(snapshot, arena_printf(arena, "mv_map.%llu", (unsigned long long)view_id)) > 0;
}

void mv_follow_changes(void *context, TaskManager *manager, const CatalogSnapshot *before, const CatalogSnapshot *after)
{
    MvEngine *engine = context;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    read_triggers(engine, after);
    Following following = {engine, manager, ARENA_NEW_ARRAY(&arena, uint8_t, MAX(engine->trigger_count, 1u))};
    if (before != NULL)
        catalog_each_changed_table(before, after, follow_table, &following);
    for (uint32_t i = 0; i < engine->trigger_count; i++) {
        /* At the start: a commit before a crash may not have been followed. What is fresh decides so and does nothing. */
        bool is_due = before != NULL ? following.is_due[i] != 0
                                     : engine->triggers[i].is_due && was_refreshed(after, engine->triggers[i].id, &arena);
        if (is_due)
            submit(manager, engine->triggers[i].id);
    }
}
