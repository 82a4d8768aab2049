#include "exec/exec_int.h"

/* The worker pool: parallel sections of all queries share its threads. A section puts one task a worker
 * into a queue; the calling thread works as well, so a section always makes progress. Workers go to the resource
 * group that is furthest behind its share. */

#include "base/environment.h"

/* A statement that has worked this long is not a short one. */
enum { SHORT_US = 3 * 1000 };

typedef struct Section Section;

typedef struct PoolTask {
    struct PoolTask *next;
    Section *section;
    uint32_t worker;
} PoolTask;

struct Section {
    Status (*fn)(void *context, uint32_t worker);
    void *context;
    uint32_t left;
    Status status;
    ResourceGroup group;
};

struct ExecPool {
    Thread *threads;
    uint32_t count;
    Mutex lock; /* guards all below */
    Condition work;
    Condition done;
    PoolTask *first, *last;
    int64_t passes[RESOURCE_GROUPS]; /* work done for a group, in microseconds at the common weight (stride scheduling) */
    bool is_stopping;
};

/* Lock held on entry and exit. */
static void run_task(ExecPool *pool, PoolTask *task)
{
    mutex_unlock(&pool->lock);
    int64_t before = env_monotonic_us(environment_real());
    Status status = task->section->fn(task->section->context, task->worker);
    int64_t worked = env_monotonic_us(environment_real()) - before;
    mutex_lock(&pool->lock);
    ResourceGroup group = task->section->group;
    pool->passes[group.id] += worked * RESOURCE_GROUP_WEIGHT / MAX(group.weight, 1u);
    if (status != OK && task->section->status == OK)
        task->section->status = status;
    task->section->left--;
    condition_broadcast(&pool->done);
}

static PoolTask *take_task_of(ExecPool *pool, const Section *section)
{
    PoolTask *previous = NULL;
    for (PoolTask *task = pool->first; task != NULL; previous = task, task = task->next) {
        if (task->section != section)
            continue;
        if (previous == NULL)
            pool->first = task->next;
        else
            previous->next = task->next;
        if (pool->last == task)
            pool->last = previous;
        return task;
    }
    return NULL;
}

/* The oldest task of the group that is furthest behind its share. */
static PoolTask *take_task(ExecPool *pool)
{
    const PoolTask *best = pool->first;
    for (const PoolTask *task = pool->first; task != NULL; task = task->next) {
        if (pool->passes[task->section->group.id] < pool->passes[best->section->group.id])
            best = task;
    }
    return best == NULL ? NULL : take_task_of(pool, best->section);
}

/* A group without work does not save up: it begins where the group that has had least of those at work stands. */
static void join_groups(ExecPool *pool, uint32_t id)
{
    int64_t least = INT64_MAX;
    for (const PoolTask *task = pool->first; task != NULL; task = task->next)
        least = MIN(least, task->section->group.id == id ? INT64_MAX : pool->passes[task->section->group.id]);
    if (least != INT64_MAX && pool->passes[id] < least)
        pool->passes[id] = least;
}

static void worker_main(void *argument)
{
    ExecPool *pool = argument;
    thread_lower_priority(); /* the threads of statements come first: see exec_give_way() */
    mutex_lock(&pool->lock);
    while (!pool->is_stopping) {
        PoolTask *task = take_task(pool);
        if (task != NULL)
            run_task(pool, task);
        else
            condition_wait(&pool->work, &pool->lock);
    }
    mutex_unlock(&pool->lock);
}

Status exec_pool_open(uint32_t threads, Diag *diag, ExecPool **out_pool)
{
    ExecPool *pool = mem_alloc_zero(sizeof(*pool));
    mutex_init(&pool->lock);
    condition_init(&pool->work);
    condition_init(&pool->done);
    pool->threads = mem_alloc_zero(sizeof(Thread) * threads);
    for (; pool->count < threads; pool->count++) {
        Status status = thread_start(&pool->threads[pool->count], "worker", worker_main, pool, diag);
        if (status != OK) {
            exec_pool_close(pool);
            return status;
        }
    }
    *out_pool = pool;
    return OK;
}

void exec_pool_close(ExecPool *pool)
{
    if (pool == NULL)
        return;
    mutex_lock(&pool->lock);
    pool->is_stopping = true;
    condition_broadcast(&pool->work);
    mutex_unlock(&pool->lock);
    for (uint32_t i = 0; i < pool->count; i++)
        thread_join(&pool->threads[i]);
    mem_free(pool->threads);
    mem_free(pool);
}

uint32_t exec_pool_threads(const ExecPool *pool)
{
    return pool->count;
}

Status exec_parallel(ExecContext *exec, Status (*fn)(void *context, uint32_t worker), void *context)
{
    ExecPool *pool = exec->options->pool;
    if (exec->worker_count == 1)
        return fn(context, 0);
    PoolTask tasks[64];
    ResourceGroup group = exec->options->group;
    group.id = MIN(group.id, (uint32_t)RESOURCE_GROUPS - 1);
    group.weight = group.weight == 0 ? RESOURCE_GROUP_WEIGHT : group.weight;
    Section section = {fn, context, exec->worker_count, OK, group};
    LOCK_GUARD(&pool->lock);
    join_groups(pool, group.id);
    for (uint32_t w = 0; w < exec->worker_count; w++) {
        tasks[w] = (PoolTask){NULL, &section, w};
        if (pool->last == NULL)
            pool->first = &tasks[w];
        else
            pool->last->next = &tasks[w];
        pool->last = &tasks[w];
    }
    condition_broadcast(&pool->work);
    while (section.left > 0) {
        PoolTask *task = take_task_of(pool, &section);
        if (task != NULL)
            run_task(pool, task);
        else
            condition_wait(&pool->done, &pool->lock);
    }
    return section.status;
}

void exec_give_way(ExecContext *exec)
{
    if (thread_is_lowered() || env_monotonic_us(environment_real()) - exec->started_us < SHORT_US)
        return;
    if (thread_cpu_us() - exec->cpu_before_us > SHORT_US)
        thread_lower_priority();
}
