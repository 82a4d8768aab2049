#include "job/task_int.h"

/* The dispatcher: schedules, events, expiry, and the threads. It compares the newest catalog with the one that it saw last;
 * records that did not change keep their bytes, so that only new ones are parsed. */

#include "base/log.h"

enum { TICK_US = 1000000, CLEAN_US = 60 * 1000000 };

/* ---- schedules ---- */

/* A task that was made while we run starts at its first grid point, also when that is its creation. */
static int64_t first_due(const TaskManager *manager, const TaskDefinition *task, bool is_new, int64_t now)
{
    if (task->type != TASK_PERIODICAL || task->is_paused)
        return INT64_MAX;
    bool since_creation = is_new && task->created_us >= manager->started_us;
    return task_next_time(task->start_us, task->period_us, since_creation ? task->created_us - 1 : now);
}

typedef struct TimerUpdate {
    TaskManager *manager;
    Arena arena;
    TaskTimer *timers;
    uint32_t count;
    uint32_t at; /* position in the old timers */
    int64_t now;
} TimerUpdate;

static void update_timer(void *context, StrView key, StrView value)
{
    TimerUpdate *update = context;
    const TaskManager *manager = update->manager;
    while (update->at < manager->timer_count && strview_compare(manager->timers[update->at].name, key) < 0)
        update->at++;
    bool is_known = update->at < manager->timer_count && strview_equal(manager->timers[update->at].name, key);
    TaskTimer *timer = &update->timers[update->count];
    if (is_known && manager->timers[update->at].record.data == value.data) {
        *timer = manager->timers[update->at];
        timer->name = key;
        update->count++;
        return;
    }
    TaskDefinition task;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    if (!task_parse(value, &arena, &task)) {
        LOG_ERROR("task", "the record of task %.*s can't be read: it does not run", SV_ARGS(key));
        return;
    }
    *timer = (TaskTimer){key, value, first_due(manager, &task, !is_known, update->now), task.expires_us,
                         task.owner_id != 0 ? TASK_PRIORITY_NORMAL : TASK_PRIORITY_LOWEST};
    update->count++;
}

static void update_timers(TaskManager *manager, const CatalogSnapshot *after, int64_t now)
{
    TimerUpdate update = {.manager = manager, .now = now};
    uint32_t most = catalog_record_count(after, "task");
    arena_init(&update.arena, NULL);
    update.timers = ARENA_NEW_ARRAY(&update.arena, TaskTimer, MAX(most, 1u));
    catalog_each_record(after, "task", update_timer, &update);
    arena_deinit(&manager->timer_arena);
    manager->timer_arena = update.arena;
    manager->timers = update.timers;
    manager->timer_count = update.count;
}

static void submit_due(TaskManager *manager, TaskTimer *timer, int64_t now)
{
    TaskDefinition task;
    TaskRunId id;
    Diag diag = {0};
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    timer->due_us = task_parse(timer->record, &arena, &task) ? task_next_time(task.start_us, task.period_us, now) : INT64_MAX;
    TaskRunRequest request = {.task = timer->name, .priority = timer->priority, .is_automatic = true};
    if (task_submit(manager, &request, &diag, &id) != OK)
        LOG_WARN("task", "task %.*s is due, but %s", SV_ARGS(timer->name), diag.message);
}

/* ---- expiry ---- */

typedef struct Expired {
    StrView *names;
    uint32_t count;
} Expired;

static Status drop_tasks(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const Expired *expired = context;
    (void)catalog;
    (void)diag;
    for (uint32_t i = 0; i < expired->count; i++)
        change_drop_task(change, expired->names[i]);
    return OK;
}

static void expire_tasks(TaskManager *manager, int64_t now)
{
    Diag diag = {0};
    Expired expired = {0};
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    for (uint32_t i = 0; i < manager->timer_count; i++) {
        if (manager->timers[i].expires_us == 0 || manager->timers[i].expires_us > now)
            continue;
        if (expired.names == NULL)
            expired.names = ARENA_NEW_ARRAY(&arena, StrView, manager->timer_count);
        expired.names[expired.count++] = manager->timers[i].name;
    }
    if (expired.count > 0 && meta_commit(manager->store, drop_tasks, &expired, &diag) != OK)
        LOG_WARN("task", "expired tasks can't be dropped: %s", diag.message);
}

/* Runs end about in the order of their numbers: the first that stays ends the search. */
typedef struct OldRuns {
    Change *change;
    int64_t now;
    bool is_done;
    uint32_t count;
} OldRuns;

static void drop_old_run(void *context, StrView key, StrView value)
{
    OldRuns *old = context;
    TaskRunInfo run;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    if (old->is_done)
        return;
    bool is_read = task_run_parse(value, &arena, &run);
    old->is_done = is_read && run.expires_us > old->now;
    if (is_read && (old->is_done || run.expires_us == 0))
        return;
    old->count++;
    if (old->change != NULL)
        change_drop_record(old->change, "task_run", key);
}

static Status build_clean(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    OldRuns *old = context;
    (void)diag;
    old->change = change;
    catalog_each_record(catalog, "task_run", drop_old_run, old);
    return OK;
}

static void clean_history(TaskManager *manager, const CatalogSnapshot *catalog, int64_t now)
{
    Diag diag = {0};
    OldRuns look = {.now = now}, old = {.now = now};
    if (now - manager->cleaned_us < CLEAN_US)
        return;
    manager->cleaned_us = now;
    catalog_each_record(catalog, "task_run", drop_old_run, &look);
    if (look.count > 0 && meta_commit(manager->store, build_clean, &old, &diag) != OK)
        LOG_WARN("task", "old runs of tasks can't be forgotten: %s", diag.message);
}

/* ---- leftovers of a crash ---- */

typedef struct Leftovers {
    Change *change;
    int64_t now, ttl_us;
    uint32_t count;
} Leftovers;

static void fail_leftover(void *context, StrView key, StrView value)
{
    Leftovers *left = context;
    TaskRunInfo run;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    (void)key;
    if (!task_run_parse(value, &arena, &run) || run.state > TASK_RUNNING)
        return;
    run.state = TASK_FAILED;
    run.error_code = -1;
    run.error_message = STR_VIEW("Fe abort the task");
    run.finished_us = left->now;
    run.expires_us = left->now + left->ttl_us;
    left->count++;
    change_put_task_run(left->change, &run);
}

static Status build_leftovers(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    Leftovers *left = context;
    (void)diag;
    left->change = change;
    left->ttl_us = task_settings_of(catalog).run_ttl_us;
    catalog_each_record(catalog, "task_run", fail_leftover, left);
    return OK;
}

void task_fail_leftovers(TaskManager *manager)
{
    Diag diag = {0};
    AUTO_CHANGE change = {0};
    Leftovers look = {.change = &change, .now = env_wall_us(manager->environment)}, left = look;
    CatalogSnapshot *catalog = meta_snapshot(manager->store);
    catalog_each_record(catalog, "task_run", fail_leftover, &look);
    catalog_unref(catalog);
    if (look.count > 0 && meta_commit(manager->store, build_leftovers, &left, &diag) != OK)
        LOG_WARN("task", "runs that the last stop left can't be failed: %s", diag.message);
}

/* ---- the thread ---- */

void task_wake(void *context)
{
    TaskManager *manager = context;
    LOCK_GUARD(&manager->lock);
    manager->is_woken = true;
    condition_signal(&manager->wake);
}

static void worker_main(void *context)
{
    TaskManager *manager = context;
    while (!atomic_load(&manager->stopping)) {
        if (task_manager_run_next(manager))
            continue;
        LOCK_GUARD(&manager->lock);
        if (!atomic_load(&manager->stopping))
            condition_wait_us(&manager->work, &manager->lock, TICK_US);
    }
}

/* As many threads as runs may be executed at once, from when they are first needed. */
static void start_workers(TaskManager *manager)
{
    Diag diag = {0};
    mutex_lock(&manager->lock);
    bool needs = manager->is_started && manager->pending != NULL && manager->worker_count < manager->concurrency;
    uint32_t wanted = needs ? MIN(manager->concurrency, manager->running_count + manager->pending_count) : 0;
    mutex_unlock(&manager->lock);
    while (manager->worker_count < wanted) {
        if (thread_start(&manager->workers[manager->worker_count], "merak-task", worker_main, manager, &diag) != OK) {
            LOG_WARN("task", "%s", diag.message);
            return;
        }
        manager->worker_count++;
    }
}

static void take_settings(TaskManager *manager, const CatalogSnapshot *catalog)
{
    TaskSettings settings = task_settings_of(catalog);
    uint32_t concurrency = (uint32_t)MIN(settings.concurrency, (int64_t)MAX_WORKERS);
    LOCK_GUARD(&manager->lock);
    if (manager->concurrency != concurrency)
        condition_broadcast(&manager->work);
    manager->concurrency = concurrency;
}

static void tell_events(TaskManager *manager, const CatalogSnapshot *after)
{
    if (manager->events != NULL && (manager->seen == NULL || manager->seen->entry_id != after->entry_id))
        manager->events(manager->events_context, manager, manager->seen, after);
}

/* Only the leader has tasks run. Who loses the lead gives up what it has: the next leader fails what is left of it, and
 * goes by the schedules anew. */
static bool has_turn(TaskManager *manager)
{
    bool leads = meta_is_leading(manager->store), led = manager->leads;
    manager->leads = leads;
    if (leads && !led)
        task_fail_leftovers(manager);
    if (leads)
        return true;
    if (led)
        task_cancel_all(manager);
    catalog_unref(manager->seen);
    manager->seen = NULL;
    manager->timer_count = 0;
    return false;
}

int64_t task_manager_tick(TaskManager *manager)
{
    if (!has_turn(manager))
        return TICK_US;
    int64_t now = env_wall_us(manager->environment), next = now + TICK_US;
    CatalogSnapshot *after = meta_snapshot(manager->store);
    take_settings(manager, after);
    if (manager->seen == NULL || manager->seen->records != after->records)
        update_timers(manager, after, now);
    tell_events(manager, after);
    catalog_unref(manager->seen); /* the timers lie in the newer one */
    manager->seen = after;
    for (uint32_t i = 0; i < manager->timer_count; i++) {
        if (manager->timers[i].due_us <= now)
            submit_due(manager, &manager->timers[i], now);
        next = MIN(next, manager->timers[i].due_us);
    }
    expire_tasks(manager, now);
    clean_history(manager, after, now);
    task_check_deadlines(manager);
    task_save_unsaved(manager);
    start_workers(manager);
    return MAX(next - now, (int64_t)1000);
}

void task_dispatcher_main(void *context)
{
    TaskManager *manager = context;
    while (!atomic_load(&manager->stopping)) {
        int64_t wait_us = task_manager_tick(manager);
        LOCK_GUARD(&manager->lock);
        if (!manager->is_woken && !atomic_load(&manager->stopping))
            condition_wait_us(&manager->wake, &manager->lock, wait_us);
        manager->is_woken = false;
    }
}
