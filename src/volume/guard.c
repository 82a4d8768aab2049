#include "volume/guard.h"

/* The handler puts a page of zeros where the file has none any more, so that the read goes on. */

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct GuardState {
    uint32_t depth;
    uint32_t faults;
} GuardState;

static _Thread_local volatile GuardState guard;
static uintptr_t page_bytes;
static _Atomic uint32_t all_faults;

static void on_bus_error(int number, siginfo_t *info, void *context)
{
    (void)context;
    uintptr_t page = (uintptr_t)info->si_addr & ~(page_bytes - 1);
    guard.faults++;
    atomic_fetch_add_explicit(&all_faults, 1, memory_order_relaxed);
    if (guard.depth > 0 &&
        mmap((void *)page, page_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED)
        return;
    signal(number, SIG_DFL); /* the read is tried again and ends the process */
}

static void install(void)
{
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};
    page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, NULL);
}

void volume_guard_install(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
}

void volume_guard_begin(void)
{
    if (guard.depth++ == 0)
        guard.faults = 0;
}

bool volume_guard_end(void)
{
    guard.depth--;
    return guard.faults == 0;
}

uint32_t volume_guard_faults(void)
{
    return atomic_load_explicit(&all_faults, memory_order_relaxed);
}
