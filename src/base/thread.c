#include "base/thread.h"

/* Thin wrappers over pthreads: names, signal masks (only the main thread takes signals) and
 * monotonic time-outs. */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/memory.h"

const ThreadOps *thread_ops;

void mutex_init(Mutex *mutex)
{
    pthread_mutex_init(&mutex->handle, NULL);
}

void mutex_deinit(Mutex *mutex)
{
    pthread_mutex_destroy(&mutex->handle);
}

void condition_init(Condition *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&condition->handle, &attributes);
    pthread_condattr_destroy(&attributes);
}

void condition_deinit(Condition *condition)
{
    pthread_cond_destroy(&condition->handle);
}

void condition_wait(Condition *condition, Mutex *mutex)
{
    if (thread_ops != NULL)
        thread_ops->wait(condition, mutex, -1);
    else
        pthread_cond_wait(&condition->handle, &mutex->handle);
}

bool condition_wait_us(Condition *condition, Mutex *mutex, int64_t timeout_us)
{
    struct timespec until;
    if (thread_ops != NULL)
        return thread_ops->wait(condition, mutex, timeout_us);
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t nanoseconds = until.tv_nsec + (timeout_us % 1000000) * 1000;
    until.tv_sec += timeout_us / 1000000 + nanoseconds / 1000000000;
    until.tv_nsec = nanoseconds % 1000000000;
    return pthread_cond_timedwait(&condition->handle, &mutex->handle, &until) != ETIMEDOUT;
}

void condition_signal(Condition *condition)
{
    if (thread_ops != NULL)
        thread_ops->wake(condition, false);
    else
        pthread_cond_signal(&condition->handle);
}

void condition_broadcast(Condition *condition)
{
    if (thread_ops != NULL)
        thread_ops->wake(condition, true);
    else
        pthread_cond_broadcast(&condition->handle);
}

typedef struct ThreadStart {
    ThreadMain main;
    void *argument;
    char name[16];
} ThreadStart;

static void *thread_entry(void *argument)
{
    ThreadStart start = *(ThreadStart *)argument;
    mem_free(argument);
    pthread_setname_np(pthread_self(), start.name);
    start.main(start.argument);
    return NULL;
}

Status thread_start(Thread *thread, const char *name, ThreadMain main, void *argument, Diag *diag)
{
    ThreadStart *start = mem_alloc_zero(sizeof(*start));
    start->main = main;
    start->argument = argument;
    strncpy(start->name, name, sizeof(start->name) - 1);
    sigset_t all;
    sigset_t old;
    sigfillset(&all);
    static const int own[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL}; /* of a thread's own doing: can't wait */
    for (size_t i = 0; i < COUNT_OF(own); i++)
        sigdelset(&all, own[i]);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int error = pthread_create(&thread->handle, NULL, thread_entry, start);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (error == 0)
        return OK;
    mem_free(start);
    return RAISE(diag, LIMIT_EXCEEDED, "could not start thread \"%s\": error %d", name, error);
}

void thread_join(Thread *thread)
{
    pthread_join(thread->handle, NULL);
}

enum { LOWERED_BY = 10, LOWERED_SLICE_NS = 50 * 1000 * 1000 };
static _Thread_local bool is_lowered;

/* As linux/sched/types.h has it; the C library has no name for the call. */
typedef struct SchedulerAttributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t slice_ns, deadline, period; /* slice: 0 is the system's own */
} SchedulerAttributes;

/* How long the calling thread may go on while others wait. Since Linux 6.12 a thread that wakes and has a shorter slice goes first at
 * once; with slices of the same length it waits for the end of a running one, whatever its priority. Others ignore it or refuse. */
static void set_slice(uint64_t slice_ns)
{
    SchedulerAttributes attributes = {.size = sizeof(attributes), .nice = getpriority(PRIO_PROCESS, 0), .slice_ns = slice_ns};
    (void)syscall(SYS_sched_setattr, 0, &attributes, 0);
}

/* On Linux, 0 is the calling thread alone. A refusal leaves it as it was. */
void thread_lower_priority(void)
{
    if (is_lowered)
        return;
    is_lowered = true;
    if (setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + LOWERED_BY) == 0)
        set_slice(LOWERED_SLICE_NS);
}

bool thread_is_lowered(void)
{
    return is_lowered;
}

bool thread_restore_priority(void)
{
    if (is_lowered && setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) - LOWERED_BY) != 0)
        return false;
    if (is_lowered)
        set_slice(0);
    is_lowered = false;
    return true;
}

int64_t thread_cpu_us(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * 1000000 + used.tv_nsec / 1000;
}

unsigned cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        return (unsigned)MAX(CPU_COUNT(&set), 1);
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return (unsigned)MAX(count, 1);
}
