#include "job/task_int.h"

/* The queue of runs, their execution, and what runners and submitters call. */

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

/* ---- runs as objects ---- */

static StrView keep(Arena *arena, StrView text)
{
    return strview_n(arena_strndup(arena, text.data == NULL ? "" : text.data, text.length), text.length);
}

static TaskRunInfo copy_info(const TaskRunInfo *info, Arena *arena)
{
    TaskRunInfo copy = *info;
    StrView *texts[] = {&copy.id,       &copy.job_id,     &copy.task,    &copy.source,        &copy.catalog,
                        &copy.database, &copy.definition, &copy.creator, &copy.error_message, &copy.extra};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        *texts[i] = keep(arena, *texts[i]);
    copy.properties = task_properties_copy(info->properties, info->property_count, arena);
    return copy;
}

static StrView new_run_id(const Environment *environment, Arena *arena)
{
    uint64_t high = env_random(environment), low = env_random(environment);
    return strview(arena_printf(arena, "%08x-%04x-%04x-%04x-%012llx", (uint32_t)(high >> 32), (uint32_t)(high >> 16) & 0xFFFF,
                                (uint32_t)high & 0xFFFF, (uint32_t)(low >> 48), (unsigned long long)(low & 0xFFFFFFFFFFFF)));
}

static TaskRun *run_new(TaskManager *manager, const TaskDefinition *task, const TaskRunRequest *request)
{
    TaskRun *run = mem_alloc_zero(sizeof(*run));
    run->manager = manager;
    arena_init(&run->arena, NULL);
    mutex_init(&run->cancel_lock);
    TaskRunInfo info = {.number = meta_new_id(manager->store),
                        .id = new_run_id(manager->environment, &run->arena),
                        .task = task->name,
                        .source = task->source,
                        .catalog = task->catalog,
                        .database = task->database,
                        .definition = task->definition,
                        .creator = task->creator,
                        .is_automatic = request->is_automatic,
                        .priority = request->priority,
                        .created_us = env_wall_us(manager->environment),
                        .properties = request->properties,
                        .property_count = request->property_count};
    info.job_id = request->job_id.length > 0 ? request->job_id : info.id;
    run->info = copy_info(&info, &run->arena);
    return run;
}

static void run_free(TaskRun *run)
{
    mutex_deinit(&run->cancel_lock);
    arena_deinit(&run->arena);
    mem_free(run);
}

static bool unlink_run(TaskRun **list, const TaskRun *run)
{
    for (; *list != NULL; list = &(*list)->next) {
        if (*list == run) {
            *list = run->next;
            return true;
        }
    }
    return false;
}

/* ---- the journal ---- */

static Status build_run(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    (void)catalog;
    (void)diag;
    change_put_task_run(change, context);
    return OK;
}

typedef struct Ending {
    const TaskRunInfo *run;
    Change *change;
    uint32_t too_many;
} Ending;

static void drop_oldest(void *context, StrView key, StrView value)
{
    Ending *ending = context;
    (void)value;
    if (ending->too_many == 0)
        return;
    ending->too_many--;
    change_drop_record(ending->change, "task_run", key);
}

static Status build_end(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    Ending *ending = context;
    int64_t most = task_settings_of(catalog).max_history;
    int64_t count = (int64_t)catalog_record_count(catalog, "task_run") + !task_run_is_known(catalog, ending->run->number);
    (void)diag;
    ending->change = change;
    ending->too_many = count > most ? (uint32_t)(count - most) : 0;
    catalog_each_record(catalog, "task_run", drop_oldest, ending);
    change_put_task_run(change, ending->run);
    return OK;
}

static bool save_end(TaskManager *manager, const TaskRunInfo *info)
{
    Diag diag = {0};
    Ending ending = {.run = info};
    Status status = meta_commit(manager->store, build_end, &ending, &diag);
    if (status != OK)
        LOG_WARN("task", "the end of run %.*s of task %.*s can't be journaled: %s", SV_ARGS(info->id), SV_ARGS(info->task), diag.message);
    return status == OK;
}

static TaskRun *take_last(TaskRun **list)
{
    TaskRun *run = *list;
    if (run != NULL)
        *list = run->next;
    return run;
}

/* The run is in the list `unsaved`, where waiters find it, until the journal has it. */
void task_run_end(TaskRun *run, TaskState state, int32_t error_code, const char *message)
{
    TaskManager *manager = run->manager;
    int64_t now = env_wall_us(manager->environment);
    CatalogSnapshot *catalog = meta_snapshot(manager->store);
    mutex_lock(&manager->lock);
    run->info.state = (uint8_t)state;
    run->info.error_code = error_code;
    run->info.error_message = keep(&run->arena, strview(message));
    run->info.finished_us = now;
    run->info.expires_us = now + task_settings_of(catalog).run_ttl_us;
    run->info.progress = state == TASK_SUCCESS || state == TASK_SKIPPED ? 100 : run->info.progress;
    mutex_unlock(&manager->lock);
    catalog_unref(catalog);
    bool is_saved = save_end(manager, &run->info);
    mutex_lock(&manager->lock);
    if (unlink_run(&manager->running, run))
        manager->running_count--;
    if (!is_saved) {
        run->next = manager->unsaved;
        manager->unsaved = run;
    }
    condition_broadcast(&manager->changed);
    condition_broadcast(&manager->work);
    mutex_unlock(&manager->lock);
    if (is_saved)
        run_free(run);
}

void task_save_unsaved(TaskManager *manager)
{
    mutex_lock(&manager->lock);
    TaskRun *run = manager->unsaved; /* only the dispatcher takes from the list; others put in front */
    mutex_unlock(&manager->lock);
    if (run == NULL || !save_end(manager, &run->info))
        return;
    mutex_lock(&manager->lock);
    CHECK(unlink_run(&manager->unsaved, run));
    mutex_unlock(&manager->lock);
    run_free(run);
}

/* ---- submitting ---- */

static TaskRun *find_equal(TaskManager *manager, const TaskRunRequest *request)
{
    for (TaskRun *run = manager->pending; run != NULL; run = run->next) {
        if (run->info.is_automatic && strview_equal(run->info.task, request->task) &&
            task_properties_equal(run->info.properties, run->info.property_count, request->properties, request->property_count))
            return run;
    }
    return NULL;
}

/* Lock held. Behind those of the same priority. */
static void enqueue(TaskManager *manager, TaskRun *run)
{
    TaskRun **at = &manager->pending;
    while (*at != NULL && (*at)->info.priority >= run->info.priority)
        at = &(*at)->next;
    run->next = *at;
    *at = run;
}

static bool merge(TaskManager *manager, const TaskRunRequest *request, TaskRunId *out_id)
{
    TaskRun *run = request->is_automatic ? find_equal(manager, request) : NULL;
    if (run == NULL)
        return false;
    run->info.merged++;
    if (request->priority > run->info.priority) {
        CHECK(unlink_run(&manager->pending, run));
        run->info.priority = request->priority;
        enqueue(manager, run);
    }
    out_id->number = run->info.number;
    snprintf(out_id->text, sizeof(out_id->text), "%.*s", SV_ARGS(run->info.id));
    return true;
}

/* A place in the queue, or an equal run that takes the request in. */
static Status reserve(TaskManager *manager, const TaskRunRequest *request, int64_t queue_length, Diag *diag, TaskRunId *out_id,
                      bool *out_merged)
{
    LOCK_GUARD(&manager->lock);
    *out_merged = merge(manager, request, out_id);
    if (*out_merged)
        return OK;
    if (manager->pending_count >= queue_length)
        return RAISE(diag, LIMIT_EXCEEDED,
                     "submit task run of task %.*s was rejected: %u runs are pending, which is the limit (task_runs_queue_length)",
                     SV_ARGS(request->task), manager->pending_count);
    manager->pending_count++;
    return OK;
}

static Status journal_pending(TaskManager *manager, TaskRun *run, Diag *diag)
{
    if (run->info.number == 0)
        return RAISE(diag, READ_ONLY, "the metadata journal can't be written now: the task was not submitted");
    if (run->info.is_automatic)
        return OK;
    TRY(meta_commit(manager->store, build_run, &run->info, diag));
    run->is_journaled = true;
    return OK;
}

static Status submit(TaskManager *manager, const CatalogSnapshot *catalog, const TaskRunRequest *request, Diag *diag, TaskRunId *out_id)
{
    TaskDefinition task;
    bool is_merged = false;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    if (!task_find(catalog, request->task, &arena, &task))
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: Task %.*s does not exist.", SV_ARGS(request->task));
    TRY(reserve(manager, request, task_settings_of(catalog).queue_length, diag, out_id, &is_merged));
    if (is_merged)
        return OK;
    TaskRun *run = run_new(manager, &task, request);
    Status status = journal_pending(manager, run, diag);
    mutex_lock(&manager->lock);
    if (status == OK) {
        out_id->number = run->info.number;
        snprintf(out_id->text, sizeof(out_id->text), "%.*s", SV_ARGS(run->info.id));
        enqueue(manager, run);
        condition_signal(&manager->work);
    } else {
        manager->pending_count--;
    }
    mutex_unlock(&manager->lock);
    if (status != OK)
        run_free(run);
    return status;
}

Status task_submit(TaskManager *manager, const TaskRunRequest *request, Diag *diag, TaskRunId *out_id)
{
    CatalogSnapshot *catalog = meta_snapshot(manager->store);
    Status status = submit(manager, catalog, request, diag, out_id);
    catalog_unref(catalog);
    task_wake(manager);
    return status;
}

/* ---- cancelling ---- */

static void cancel_running(TaskRun *run, const char *reason)
{
    LOCK_GUARD(&run->cancel_lock);
    if (atomic_load(&run->cancelled))
        return;
    run->cancel_reason = reason;
    atomic_store(&run->cancelled, true);
    if (run->cancel != NULL)
        run->cancel(run->cancel_context);
}

typedef bool (*RunFilter)(const TaskRun *run, StrView text);

static bool is_of_task(const TaskRun *run, StrView task)
{
    return strview_equal(run->info.task, task);
}

static bool is_any(const TaskRun *run, StrView text)
{
    (void)run, (void)text;
    return true;
}

static bool has_id(const TaskRun *run, StrView id)
{
    return strview_equal(run->info.id, id);
}

static uint32_t cancel_where(TaskManager *manager, RunFilter filter, StrView text)
{
    uint32_t count = 0;
    TaskRun *ended = NULL;
    mutex_lock(&manager->lock);
    for (TaskRun *run = manager->running; run != NULL; run = run->next) {
        if (!filter(run, text))
            continue;
        cancel_running(run, NULL);
        count++;
    }
    for (TaskRun **at = &manager->pending; *at != NULL;) {
        TaskRun *run = *at;
        if (!filter(run, text)) {
            at = &run->next;
            continue;
        }
        *at = run->next;
        manager->pending_count--;
        run->next = ended;
        ended = run;
        count++;
    }
    mutex_unlock(&manager->lock);
    for (TaskRun *run = take_last(&ended); run != NULL; run = take_last(&ended))
        task_run_end(run, TASK_CANCELED, 0, "the run was cancelled before it started");
    return count;
}

uint32_t task_cancel(TaskManager *manager, StrView task)
{
    return cancel_where(manager, is_of_task, task);
}

void task_cancel_all(TaskManager *manager)
{
    cancel_where(manager, is_any, (StrView){0});
}

bool task_cancel_run(TaskManager *manager, StrView run_id)
{
    return cancel_where(manager, has_id, run_id) > 0;
}

void task_check_deadlines(TaskManager *manager)
{
    int64_t now = env_monotonic_us(manager->environment);
    LOCK_GUARD(&manager->lock);
    for (TaskRun *run = manager->running; run != NULL; run = run->next) {
        if (run->deadline_us != 0 && now >= run->deadline_us)
            cancel_running(run, "the run took longer than task_runs_timeout_second allows");
    }
}

/* ---- executing ---- */

static bool is_task_running(const TaskManager *manager, StrView task)
{
    for (const TaskRun *run = manager->running; run != NULL; run = run->next) {
        if (strview_equal(run->info.task, task))
            return true;
    }
    return false;
}

/* Lock held. */
static TaskRun *take_next(TaskManager *manager)
{
    if (manager->running_count >= manager->concurrency || meta_is_read_only(manager->store))
        return NULL;
    TaskRun *run = manager->pending;
    while (run != NULL && is_task_running(manager, run->info.task))
        run = run->next;
    if (run == NULL)
        return NULL;
    CHECK(unlink_run(&manager->pending, run));
    manager->pending_count--;
    run->info.state = TASK_RUNNING;
    run->info.started_us = env_wall_us(manager->environment);
    run->next = manager->running;
    manager->running = run;
    manager->running_count++;
    return run;
}

static Status call_runner(TaskRun *run, Diag *diag)
{
    const TaskManager *manager = run->manager;
    for (uint32_t i = 0; i < manager->runner_count; i++) {
        if (strview_is(run->info.source, manager->runners[i].source))
            return manager->runners[i].runner.run(manager->runners[i].runner.context, run, diag);
    }
    return RAISE(diag, NOT_SUPPORTED, "nothing here executes tasks of the kind %.*s", SV_ARGS(run->info.source));
}

static void execute(TaskRun *run)
{
    TaskManager *manager = run->manager;
    Diag diag = {0};
    CatalogSnapshot *catalog = meta_snapshot(manager->store);
    int64_t timeout = task_settings_of(catalog).run_timeout_us;
    bool is_there = catalog_record(catalog, "task", run->info.task).data != NULL;
    catalog_unref(catalog);
    run->deadline_us = timeout > 0 ? env_monotonic_us(manager->environment) + timeout : 0;
    if (!is_there) {
        task_run_end(run, TASK_CANCELED, 0, "the task was dropped");
        return;
    }
    Status status = call_runner(run, &diag);
    task_run_on_cancel(run, NULL, NULL);
    if (status == OK)
        task_run_end(run, run->is_skipped ? TASK_SKIPPED : TASK_SUCCESS, 0, "");
    else if (atomic_load(&manager->stopping))
        task_run_end(run, TASK_FAILED, -1, "Fe abort the task");
    else if (task_run_is_cancelled(run) && run->cancel_reason == NULL)
        task_run_end(run, TASK_CANCELED, error_info(status)->mysql_number, diag.message);
    else
        task_run_end(run, TASK_FAILED, error_info(status)->mysql_number, run->cancel_reason != NULL ? run->cancel_reason : diag.message);
}

bool task_manager_run_next(TaskManager *manager)
{
    mutex_lock(&manager->lock);
    TaskRun *run = take_next(manager);
    mutex_unlock(&manager->lock);
    if (run != NULL)
        execute(run);
    return run != NULL;
}

/* ---- for runners ---- */

const TaskRunInfo *task_run_info(const TaskRun *run)
{
    return &run->info;
}

StrView task_run_property(const TaskRun *run, const char *key)
{
    return task_property(run->info.properties, run->info.property_count, key);
}

bool task_run_is_cancelled(const TaskRun *run)
{
    return atomic_load(&run->cancelled);
}

void task_run_on_cancel(TaskRun *run, void (*cancel)(void *context), void *context)
{
    LOCK_GUARD(&run->cancel_lock);
    run->cancel = cancel;
    run->cancel_context = context;
    if (cancel != NULL && atomic_load(&run->cancelled))
        cancel(context);
}

Status task_run_started(TaskRun *run, Diag *diag)
{
    if (run->is_journaled)
        return OK;
    TRY(meta_commit(run->manager->store, build_run, &run->info, diag));
    run->is_journaled = true;
    return OK;
}

void task_run_skip(TaskRun *run)
{
    run->is_skipped = true;
}

void task_run_set_extra(TaskRun *run, StrView json)
{
    LOCK_GUARD(&run->manager->lock);
    run->info.extra = keep(&run->arena, json);
}

void task_run_set_progress(TaskRun *run, uint32_t percent)
{
    LOCK_GUARD(&run->manager->lock);
    run->info.progress = MIN(percent, 100u);
}

/* ---- for submitters ---- */

static const TaskRun *find_number(const TaskRun *list, uint64_t number)
{
    while (list != NULL && list->info.number != number)
        list = list->next;
    return list;
}

/* False: the journal knows it. */
static bool wait_live(TaskManager *manager, uint64_t number, const _Atomic bool *cancelled, Arena *arena, TaskRunInfo *out_info)
{
    enum { LOOK_US = 50000 };
    LOCK_GUARD(&manager->lock);
    for (;;) {
        const TaskRun *ended = find_number(manager->unsaved, number);
        const TaskRun *live = ended != NULL ? ended : find_number(manager->running, number);
        live = live != NULL ? live : find_number(manager->pending, number);
        bool gives_up = atomic_load(&manager->stopping) || (cancelled != NULL && atomic_load(cancelled));
        if (live == NULL)
            return false;
        if (ended != NULL || gives_up) {
            *out_info = copy_info(&live->info, arena);
            return true;
        }
        condition_wait_us(&manager->changed, &manager->lock, LOOK_US);
    }
}

Status task_wait(TaskManager *manager, const TaskRunId *id, const _Atomic bool *cancelled, Arena *arena, Diag *diag, TaskRunInfo *out_info)
{
    if (wait_live(manager, id->number, cancelled, arena, out_info))
        return out_info->state > TASK_RUNNING ? OK : RAISE(diag, CANCELLED, "waiting for run %s of the task was interrupted", id->text);
    CatalogSnapshot *catalog = meta_snapshot(manager->store);
    bool found = task_run_find(catalog, id->number, arena, out_info);
    catalog_unref(catalog);
    return found ? OK : RAISE(diag, NO_SUCH_OBJECT, "run %s of the task is not remembered any more", id->text);
}

typedef struct RunCollector {
    Arena *arena;
    TaskRunInfo *runs;
    uint32_t count, live_count;
} RunCollector;

static void collect_live(RunCollector *all, const TaskRun *list)
{
    for (; list != NULL; list = list->next)
        all->runs[all->count++] = copy_info(&list->info, all->arena);
}

/* A live run is newer than its record. */
static void collect_journaled(void *context, StrView key, StrView value)
{
    RunCollector *all = context;
    TaskRunInfo *run = &all->runs[all->count];
    (void)key;
    if (!task_run_parse(value, all->arena, run))
        return;
    for (uint32_t i = 0; i < all->live_count; i++) {
        if (all->runs[i].number == run->number)
            return;
    }
    all->count++;
}

static int compare_newest(const void *left, const void *right)
{
    const TaskRunInfo *a = left, *b = right;
    return a->number < b->number ? 1 : a->number > b->number ? -1 : 0;
}

static uint32_t list_length(const TaskRun *list)
{
    uint32_t count = 0;
    for (; list != NULL; list = list->next)
        count++;
    return count;
}

uint32_t task_run_list(TaskManager *manager, const CatalogSnapshot *snapshot, Arena *arena, TaskRunInfo **out_runs)
{
    RunCollector all = {.arena = arena};
    mutex_lock(&manager->lock);
    uint32_t most = list_length(manager->pending) + list_length(manager->running) + list_length(manager->unsaved) +
                    catalog_record_count(snapshot, "task_run");
    all.runs = ARENA_NEW_ARRAY(arena, TaskRunInfo, most + 1);
    collect_live(&all, manager->pending);
    collect_live(&all, manager->running);
    collect_live(&all, manager->unsaved);
    mutex_unlock(&manager->lock);
    all.live_count = all.count;
    catalog_each_record(snapshot, "task_run", collect_journaled, &all);
    qsort(all.runs, all.count, sizeof(*all.runs), compare_newest);
    *out_runs = all.runs;
    return all.count;
}

/* ---- life ---- */

TaskManager *task_manager_open(MetaStore *store)
{
    TaskManager *manager = mem_alloc_zero(sizeof(*manager));
    manager->store = store;
    manager->environment = meta_environment(store);
    mutex_init(&manager->lock);
    condition_init(&manager->work);
    condition_init(&manager->wake);
    condition_init(&manager->changed);
    arena_init(&manager->timer_arena, NULL);
    manager->started_us = env_wall_us(manager->environment);
    return manager;
}

void task_manager_add_runner(TaskManager *manager, const char *source, TaskRunner runner)
{
    CHECK(manager->runner_count < MAX_RUNNERS && !manager->is_started);
    manager->runners[manager->runner_count].source = source;
    manager->runners[manager->runner_count++].runner = runner;
}

void task_manager_set_events(TaskManager *manager, TaskEvents events, void *context)
{
    CHECK(!manager->is_started);
    manager->events = events;
    manager->events_context = context;
}

Status task_manager_start(TaskManager *manager, Diag *diag)
{
    manager->leads = meta_is_leading(manager->store);
    if (manager->leads)
        task_fail_leftovers(manager);
    meta_set_publish_listener(manager->store, task_wake, manager);
    TRY(thread_start(&manager->dispatcher, "merak-tasks", task_dispatcher_main, manager, diag));
    manager->is_started = true;
    return OK;
}

static void stop(TaskManager *manager)
{
    meta_set_publish_listener(manager->store, NULL, NULL);
    mutex_lock(&manager->lock);
    atomic_store(&manager->stopping, true);
    for (TaskRun *run = manager->running; run != NULL; run = run->next)
        cancel_running(run, NULL);
    condition_broadcast(&manager->wake);
    condition_broadcast(&manager->work);
    condition_broadcast(&manager->changed);
    mutex_unlock(&manager->lock);
    thread_join(&manager->dispatcher);
    for (uint32_t i = 0; i < manager->worker_count; i++)
        thread_join(&manager->workers[i]);
}

void task_manager_close(TaskManager *manager)
{
    if (manager == NULL)
        return;
    if (manager->is_started)
        stop(manager);
    for (TaskRun *run = take_last(&manager->pending); run != NULL; run = take_last(&manager->pending))
        run_free(run);
    for (TaskRun *run = take_last(&manager->unsaved); run != NULL; run = take_last(&manager->unsaved))
        run_free(run);
    catalog_unref(manager->seen);
    arena_deinit(&manager->timer_arena);
    condition_deinit(&manager->work);
    condition_deinit(&manager->wake);
    condition_deinit(&manager->changed);
    mutex_deinit(&manager->lock);
    mem_free(manager);
}
