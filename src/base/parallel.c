#include "base/parallel.h"

#include "base/memory.h"
#include "base/thread.h"

typedef struct Loop {
    ParallelWork work;
    void *context;
    uint32_t count;
    _Atomic uint32_t next;
    Mutex lock; /* guards status */
    Status status;
    Diag *diag;
} Loop;

static void run_rounds(void *argument)
{
    Loop *loop = argument;
    for (;;) {
        uint32_t round = atomic_fetch_add(&loop->next, 1);
        if (round >= loop->count)
            return;
        Status status = loop->work(loop->context, round, loop->diag);
        if (status == OK)
            continue;
        LOCK_GUARD(&loop->lock);
        if (loop->status == OK)
            loop->status = status;
        atomic_store(&loop->next, loop->count);
    }
}

Status parallel_for(uint32_t count, ParallelWork work, void *context, Diag *diag)
{
    enum { MOST_THREADS = 64 };
    Thread threads[MOST_THREADS];
    uint32_t processors = cpu_count();
    uint32_t most = MIN(processors, (uint32_t)MOST_THREADS + 1);
    uint32_t wanted = MIN(most, count);
    uint32_t started = 0;
    Loop loop = {.work = work, .context = context, .count = count, .diag = diag};
    mutex_init(&loop.lock);
    if (thread_ops != NULL) /* simulated: on this thread alone */
        wanted = 1;
    for (; started + 1 < wanted; started++) {
        if (thread_start(&threads[started], "parallel", run_rounds, &loop, NULL) != OK)
            break; /* the others do it all */
    }
    run_rounds(&loop);
    for (uint32_t i = 0; i < started; i++)
        thread_join(&threads[i]);
    mutex_deinit(&loop.lock);
    return loop.status;
}
