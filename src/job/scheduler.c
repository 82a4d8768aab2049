#include "job/scheduler.h"

#include "base/memory.h"
#include "base/thread.h"

enum { MAX_JOBS = 16, LONGEST_SLEEP_US = 60 * 1000000, FOLLOWER_SLEEP_US = 1000000 };

typedef struct Job {
    const char *name;
    JobRun run;
    void *context;
    bool needs_lead;
    int64_t due_us;
} Job;

struct Scheduler {
    const Environment *environment;
    Mutex lock; /* guards due times */
    Condition changed;
    Job jobs[MAX_JOBS];
    uint32_t count;
    bool (*leads)(void *context); /* NULL: always */
    void *leads_context;
    _Atomic bool stopping;
    bool is_started;
    Thread thread;
};

Scheduler *scheduler_open(const Environment *environment)
{
    Scheduler *s = mem_alloc_zero(sizeof(*s));
    s->environment = environment;
    mutex_init(&s->lock);
    condition_init(&s->changed);
    return s;
}

void scheduler_add(Scheduler *s, const char *name, JobRun run, void *context)
{
    CHECK(s->count < MAX_JOBS && !s->is_started);
    s->jobs[s->count++] = (Job){.name = name, .run = run, .context = context};
}

void scheduler_add_leading(Scheduler *s, const char *name, JobRun run, void *context)
{
    scheduler_add(s, name, run, context);
    s->jobs[s->count - 1].needs_lead = true;
}

void scheduler_set_leading(Scheduler *s, bool (*leads)(void *context), void *context)
{
    s->leads = leads;
    s->leads_context = context;
}

static int64_t run_job(Scheduler *s, const Job *job)
{
    if (job->needs_lead && s->leads != NULL && !s->leads(s->leads_context))
        return FOLLOWER_SLEEP_US;
    return job->run(job->context, &s->stopping);
}

/* Lock held. NULL: none is due; *out_wait_us says for how long. */
static Job *next_due(Scheduler *s, int64_t *out_wait_us)
{
    int64_t now = env_monotonic_us(s->environment);
    *out_wait_us = LONGEST_SLEEP_US;
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->jobs[i].due_us <= now)
            return &s->jobs[i];
        *out_wait_us = MIN(*out_wait_us, s->jobs[i].due_us - now);
    }
    return NULL;
}

static void scheduler_main(void *argument)
{
    Scheduler *s = argument;
    thread_lower_priority();
    mutex_lock(&s->lock);
    while (!atomic_load(&s->stopping)) {
        int64_t wait_us;
        Job *job = next_due(s, &wait_us);
        if (job == NULL) {
            condition_wait_us(&s->changed, &s->lock, wait_us);
            continue;
        }
        job->due_us = INT64_MAX;
        mutex_unlock(&s->lock);
        int64_t again_us = run_job(s, job);
        mutex_lock(&s->lock);
        job->due_us = env_monotonic_us(s->environment) + MAX(again_us, (int64_t)1000);
    }
    mutex_unlock(&s->lock);
}

Status scheduler_start(Scheduler *s, Diag *diag)
{
    TRY(thread_start(&s->thread, "merak-jobs", scheduler_main, s, diag));
    s->is_started = true;
    return OK;
}

void scheduler_wake(Scheduler *s)
{
    LOCK_GUARD(&s->lock);
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->jobs[i].due_us != INT64_MAX) /* not the one that runs */
            s->jobs[i].due_us = 0;
    }
    condition_broadcast(&s->changed);
}

void scheduler_close(Scheduler *s)
{
    if (s == NULL)
        return;
    atomic_store(&s->stopping, true);
    if (s->is_started) {
        mutex_lock(&s->lock);
        condition_broadcast(&s->changed);
        mutex_unlock(&s->lock);
        thread_join(&s->thread);
    }
    mutex_deinit(&s->lock);
    condition_deinit(&s->changed);
    mem_free(s);
}
