#pragma once
/* Threads, locks and condition variables. Lock helpers exist so that a lock is released on every
 * return path: LOCK_GUARD(&mutex); holds it to the end of the scope. */

#include <pthread.h>

#include "base/status.h"

typedef struct Mutex Mutex;
typedef struct Condition Condition;

/* Who runs when, behind a function table: NULL is the system's threads. The simulator runs all on one thread
 * and decides itself; it sets the table before anything else runs. */
typedef struct ThreadOps {
    void (*lock)(Mutex *mutex);
    void (*unlock)(Mutex *mutex);
    bool (*wait)(Condition *condition, Mutex *mutex, int64_t timeout_us); /* < 0: for ever; false on time-out */
    void (*wake)(Condition *condition, bool all);
} ThreadOps;
extern const ThreadOps *thread_ops;

struct Mutex {
    pthread_mutex_t handle;
};
#define MUTEX_INIT {PTHREAD_MUTEX_INITIALIZER}

struct Condition {
    pthread_cond_t handle; /* on the monotonic clock */
};

void mutex_init(Mutex *mutex);
void mutex_deinit(Mutex *mutex);
static inline void mutex_lock(Mutex *mutex)
{
    if (UNLIKELY(thread_ops != NULL))
        thread_ops->lock(mutex);
    else
        pthread_mutex_lock(&mutex->handle);
}
static inline void mutex_unlock(Mutex *mutex)
{
    if (UNLIKELY(thread_ops != NULL))
        thread_ops->unlock(mutex);
    else
        pthread_mutex_unlock(&mutex->handle);
}
static inline void mutex_unlock_guard(Mutex **mutex)
{
    mutex_unlock(*mutex);
}
#define LOCK_NAME_(a, b) a##b
#define LOCK_NAME(line) LOCK_NAME_(lock_guard_, line)
#define LOCK_GUARD(mutex)                                                           \
    CLEANUP(mutex_unlock_guard) UNUSED Mutex *LOCK_NAME(__LINE__) = (mutex);        \
    mutex_lock(LOCK_NAME(__LINE__))

void condition_init(Condition *condition);
void condition_deinit(Condition *condition);
void condition_wait(Condition *condition, Mutex *mutex);
/* False on time-out. */
bool condition_wait_us(Condition *condition, Mutex *mutex, int64_t timeout_us);
void condition_signal(Condition *condition);
void condition_broadcast(Condition *condition);

typedef void (*ThreadMain)(void *argument);
typedef struct Thread {
    pthread_t handle;
} Thread;
/* name: at most 15 bytes are shown by the system. */
Status thread_start(Thread *thread, const char *name, ThreadMain main, void *argument, Diag *diag);
void thread_join(Thread *thread);
/* The calling thread gives way to others. thread_is_lowered(): it has been told so. */
void thread_lower_priority(void);
bool thread_is_lowered(void);
/* Undoes it; false when the system does not allow that: let the thread end then. */
bool thread_restore_priority(void);
int64_t thread_cpu_us(void); /* processor time of the calling thread */
unsigned cpu_count(void);
