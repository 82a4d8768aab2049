#include "mv/engine_int.h"

/* Runs of tasks: what a run asks for, the run, what is told of it, and the run that goes on where it ended. */

#include "base/log.h"
#include "mv/state.h"
#include "types/number_text.h"

enum { MOST_ATTEMPTS = 10 };

MvEngine *mv_engine_open(const MvEngineOptions *options)
{
    MvEngine *engine = mem_alloc_zero(sizeof(*engine));
    engine->options = *options;
    arena_init(&engine->triggers_arena, NULL);
    mutex_init(&engine->fresh_lock);
    return engine;
}

void mv_engine_close(MvEngine *engine)
{
    if (engine == NULL)
        return;
    arena_deinit(&engine->triggers_arena);
    mem_free(engine->retries);
    mv_fresh_close(engine);
    mem_free(engine);
}

const MvEngineOptions *mv_engine_options(const MvEngine *engine)
{
    return &engine->options;
}

void mv_engine_session(const MvEngine *engine, const CatalogSnapshot *catalog, Arena *arena, FuncSession *out)
{
    engine->options.session(engine->options.session_context, catalog, arena, out);
}

/* ---- what is asked for ---- */

static bool is_true(const TaskRun *run, const char *key)
{
    return strview_equal_ci(task_run_property(run, key), STR_VIEW("true"));
}

/* PARTITION_VALUES: values divided by MV_VALUE_SEPARATOR. */
static void read_values(StrView text, uint32_t columns, Arena *arena, MvRange *out)
{
    ARRAY_OF(StrView) values = {0};
    while (text.data != NULL) {
        size_t end = strview_find(text, strview(MV_VALUE_SEPARATOR));
        StrView value = strview_n(text.data, end == SIZE_MAX ? text.length : end);
        ARRAY_PUSH(arena, &values, value);
        text = end == SIZE_MAX ? (StrView){0} : strview_n(text.data + end + 1, text.length - end - 1);
    }
    out->values = values.items;
    out->value_rows = values.count / MAX(columns, 1u);
}

static int64_t config_number(const CatalogSnapshot *catalog, const char *key, int64_t missing)
{
    int64_t value;
    StrView text = catalog_setting(catalog, key);
    return text.data != NULL && int64_parse(text, &value) ? value : missing;
}

/* A number of partitions a run, or as many as read so much. A number that the view gives counts more than a strategy that it does not. */
static void read_limits(const CatalogSnapshot *catalog, const MvDefinition *definition, MvRefresh *out)
{
    StrView strategy = mv_property(definition, "partition_refresh_strategy");
    int64_t number = mv_property_number(definition, "partition_refresh_number", 0);
    if (strategy.length == 0 && number == 0)
        strategy = catalog_setting(catalog, "config.default_mv_partition_refresh_strategy");
    if (strview_equal_ci(strategy, STR_VIEW("adaptive"))) {
        out->most_partitions = config_number(catalog, "config.mv_max_partitions_num_per_refresh", 64);
        out->most_rows = config_number(catalog, "config.mv_max_rows_per_refresh", 100000000);
        out->most_bytes = config_number(catalog, "config.mv_max_bytes_per_refresh", 21474836480);
        return;
    }
    out->most_partitions = number != 0 ? number : config_number(catalog, "config.default_mv_partition_refresh_number", 1);
}

static void read_ask(const TaskRun *run, const CatalogSnapshot *catalog, const MvDefinition *definition, Arena *arena, MvRange *range, MvRefresh *out,
                     bool *out_cascades)
{
    StrView start = task_run_property(run, "PARTITION_START"), end = task_run_property(run, "PARTITION_END");
    StrView values = task_run_property(run, "PARTITION_VALUES");
    *range = (MvRange){.has_start = start.length > 0, .has_end = end.length > 0, .start = start, .end = end};
    if (values.data != NULL)
        read_values(values, definition->partition_count, arena, range);
    out->ask = (MvAsk){.is_force = is_true(run, "FORCE"), .is_automatic = task_run_info(run)->is_automatic};
    if (range->has_start || range->has_end || range->value_rows > 0)
        out->ask.range = range;
    out->is_strict = is_true(run, "STRICT");
    *out_cascades = is_true(run, "CASCADE");
    read_limits(catalog, definition, out);
    if (is_true(run, "SYNC") || *out_cascades)
        out->most_partitions = out->most_rows = out->most_bytes = -1;
}

/* ---- the run ---- */

typedef struct Running {
    TaskRun *run;
    _Atomic bool cancelled;
    Status status; /* of task_run_started() */
    Diag *diag;
} Running;

static void cancel_run(void *context)
{
    atomic_store((_Atomic bool *)context, true);
}

static void tell_started(void *context)
{
    Running *running = context;
    running->status = task_run_started(running->run, running->diag);
}

/* Again when another commit came between: the decision is made anew. */
static Status refresh_until_done(MvEngine *engine, MvRefresh *refresh, bool cascades, Arena *arena, Diag *diag, MvRefreshed *out,
                                 CatalogSnapshot **out_snapshot)
{
    Status status = ERR_RETRY;
    for (uint32_t attempt = 0; attempt < MOST_ATTEMPTS && status == ERR_RETRY; attempt++) {
        diag_reset(diag);
        catalog_unref(*out_snapshot);
        *out_snapshot = meta_snapshot(engine->options.store);
        refresh->ask.now_us = env_wall_us(meta_environment(engine->options.store));
        status = cascades ? mv_refresh_tree(engine, refresh, out_snapshot, arena, diag, out)
                          : mv_refresh(engine, refresh, *out_snapshot, arena, diag, out);
    }
    return status;
}

static void go_on(MvEngine *engine, const TaskRun *run, const MvRefreshed *done, bool is_force)
{
    const TaskRunInfo *info = task_run_info(run);
    Property properties[8];
    TaskRunId id;
    Diag diag = {0};
    TaskRunRequest request = {.task = info->task, .priority = TASK_PRIORITY_HIGHEST, .is_automatic = info->is_automatic, .properties = properties,
                              .job_id = info->job_id};
    for (uint32_t i = 0; i < info->property_count && request.property_count < 6; i++) {
        if (!is_force || !strview_is(info->properties[i].key, "PARTITION_START"))
            properties[request.property_count++] = info->properties[i];
    }
    if (is_force)
        properties[request.property_count++] = (Property){STR_VIEW("PARTITION_START"), done->next_start};
    if (task_submit(engine->options.tasks, &request, &diag, &id) != OK)
        LOG_WARN("mv", "the next partitions of %.*s can't be refreshed: %s", SV_ARGS(info->task), diag.message);
}

static Status run_refresh(MvEngine *engine, TaskRun *run, const MvDefinition *definition, Arena *arena, Diag *diag)
{
    Running running = {.run = run, .diag = diag};
    MvRange range;
    MvRefreshed done;
    CatalogSnapshot *snapshot = NULL;
    bool cascades;
    MvRefresh refresh = {.view_id = definition->id, .cancelled = &running.cancelled, .started = tell_started,
                         .started_context = &running};
    CatalogSnapshot *now = meta_snapshot(engine->options.store);
    read_ask(run, now, definition, arena, &range, &refresh, &cascades);
    const CatalogTable *table = catalog_table_by_id(now, definition->id);
    /* By force, of lists: what is done can't be told from what is left. */
    if (refresh.ask.is_force && table != NULL && table->schema->scheme == PARTITION_LIST)
        refresh.most_partitions = refresh.most_rows = refresh.most_bytes = -1;
    catalog_unref(now);
    task_run_on_cancel(run, cancel_run, &running.cancelled);
    Status status = refresh_until_done(engine, &refresh, cascades, arena, diag, &done, &snapshot);
    task_run_on_cancel(run, NULL, NULL);
    if (status == OK)
        status = running.status;
    if (status == OK || done.decision.choices != NULL)
        mv_tell_run(run, &refresh, &done, arena);
    if (status == OK && done.did_nothing)
        task_run_skip(run);
    if (status == OK && done.left > 0)
        go_on(engine, run, &done, refresh.ask.is_force);
    catalog_unref(snapshot);
    return status;
}

/* ---- failures ---- */

typedef struct Outcome {
    const MvEngine *engine;
    uint64_t view_id;
    bool has_failed;
    int64_t most_failures;
} Outcome;

static Status build_outcome(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const Outcome *outcome = context;
    AUTO_ARENA arena;
    MvDefinition definition;
    arena_init(&arena, NULL);
    const CatalogTable *table = catalog_table_by_id(catalog, outcome->view_id);
    (void)diag;
    if (table == NULL || !mv_find(catalog, outcome->view_id, &arena, &definition))
        return OK;
    definition.failures = outcome->has_failed ? definition.failures + 1 : 0;
    change_put_mv(change, &definition);
    if (outcome->has_failed && definition.is_active && definition.failures >= outcome->most_failures)
        mv_put_inactive(catalog, definition.id, strview(arena_printf(&arena, "mv consecutive failures: %.*s", SV_ARGS(table->name))), change);
    return OK;
}

/* Counts runs that fail one after the other; too many make the view inactive. */
static void count_failures(MvEngine *engine, const MvDefinition *definition, bool has_failed)
{
    Diag diag = {0};
    int64_t most;
    Outcome outcome = {engine, definition->id, has_failed, 10};
    if (!has_failed && definition->failures == 0)
        return;
    CatalogSnapshot *catalog = meta_snapshot(engine->options.store);
    if (int64_parse(catalog_setting(catalog, "config.max_task_consecutive_fail_count"), &most) && most > 0)
        outcome.most_failures = most;
    catalog_unref(catalog);
    if (meta_commit(engine->options.store, build_outcome, &outcome, &diag) != OK)
        LOG_WARN("mv", "the outcome of a refresh can't be counted: %s", diag.message);
}

static Status run_task(void *context, TaskRun *run, Diag *diag)
{
    MvEngine *engine = context;
    const TaskRunInfo *info = task_run_info(run);
    AUTO_ARENA arena;
    MvDefinition definition;
    arena_init(&arena, NULL);
    CatalogSnapshot *snapshot = meta_snapshot(engine->options.store);
    uint64_t id = mv_task_view(info->task);
    bool is_there = mv_find(snapshot, id, &arena, &definition);
    const CatalogTable *table = catalog_table_by_id(snapshot, id);
    StrView name = table == NULL ? STR_VIEW("") : strview_n(arena_strndup(&arena, table->name.data, table->name.length), table->name.length);
    catalog_unref(snapshot);
    if (!is_there || table == NULL)
        return RAISE(diag, NO_SUCH_TABLE, "the materialized view of task %.*s does not exist", SV_ARGS(info->task));
    if (!definition.is_active)
        return RAISE(diag, INVALID_ARGUMENT, "Materialized view: %.*s, id: %llu is not active, skip sync partition and data with base tables",
                     SV_ARGS(name), (unsigned long long)id);
    Status status = run_refresh(engine, run, &definition, &arena, diag);
    if (!task_run_is_cancelled(run))
        count_failures(engine, &definition, status != OK);
    return status;
}

void mv_engine_attach(MvEngine *engine)
{
    task_manager_add_runner(engine->options.tasks, "MV", (TaskRunner){engine, run_task});
    task_manager_set_events(engine->options.tasks, mv_follow_changes, engine);
}
