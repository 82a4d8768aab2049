#include "sim/world.h"

/* Fibers, their scheduler, locks, conditions, clocks. A fiber gives way when it sleeps, waits, or, now and then,
 * takes a lock; which of those that can run goes next is drawn. When none can, time moves to the next wake-up
 * or landing. */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"

enum { MOST_FIBERS = 16, STACK_BYTES = 256 * 1024, MOST_LOCKS = 256, MOST_STEPS = 400000 };

typedef enum FiberState { FIBER_FREE, FIBER_READY, FIBER_SLEEPING, FIBER_LOCKING, FIBER_WAITING } FiberState;

struct Fiber {
    ucontext_t context;
    FiberState state;
    void (*run)(void *);
    void *argument;
    Node *node;
    const void *waits_for;
    int64_t wake_us;
    bool timed_out;
    char *stack;
};

typedef struct HeldLock {
    const Mutex *mutex;
    const Fiber *owner; /* NULL: the code outside of fibers */
} HeldLock;

World world;
static Fiber fibers[MOST_FIBERS];
static ucontext_t scheduler;
static HeldLock held[MOST_LOCKS];
static uint32_t held_count;

uint64_t pick(uint64_t below)
{
    return random_next(&world.random) % below;
}

bool chance(uint64_t n)
{
    return pick(n) == 0;
}

void trace(const char *format, ...)
{
    char line[256];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    world.trace_hash = hash_combine(world.trace_hash, hash_bytes(line, strlen(line)));
    if (world.traces)
        fprintf(stderr, "%9lld us  %s\n", (long long)world.now_us, line);
}

void violation(const char *format, ...)
{
    va_list args;
    if (world.has_failed)
        return;
    world.has_failed = true;
    va_start(args, format);
    vsnprintf(world.failure, sizeof(world.failure), format, args);
    va_end(args);
    trace("VIOLATION: %s", world.failure);
}

/* ---- fibers ---- */

static void fiber_entry(void)
{
    Fiber *fiber = world.current;
    fiber->run(fiber->argument);
    fiber->state = FIBER_FREE;
    swapcontext(&fiber->context, &scheduler);
}

void fiber_start(void (*run)(void *), void *argument)
{
    Fiber *fiber = fibers;
    while (fiber->state != FIBER_FREE)
        fiber++;
    CHECK(fiber < fibers + MOST_FIBERS);
    char *stack = fiber->stack != NULL ? fiber->stack : mem_alloc(STACK_BYTES);
    *fiber = (Fiber){.state = FIBER_READY, .run = run, .argument = argument, .stack = stack};
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = stack;
    fiber->context.uc_stack.ss_size = STACK_BYTES;
    makecontext(&fiber->context, fiber_entry, 0);
}

static void give_way(FiberState state)
{
    Fiber *fiber = world.current;
    fiber->state = state;
    swapcontext(&fiber->context, &scheduler);
}

void fiber_set_node(Node *node)
{
    world.current->node = node;
}

static bool is_on_crashed_node(void)
{
    return world.current->node != NULL && world.current->node->is_crashed;
}

void fiber_sleep(int64_t us)
{
    if (world.current == NULL) {
        world.now_us += us;
        return;
    }
    world.current->wake_us = world.now_us + us;
    give_way(is_on_crashed_node() ? FIBER_READY : FIBER_SLEEPING);
}

/* Those whose time has come, and those whose node is gone. */
static void wake_due(void)
{
    for (Fiber *fiber = fibers; fiber < fibers + MOST_FIBERS; fiber++) {
        bool sleeps = fiber->state == FIBER_SLEEPING || (fiber->state == FIBER_WAITING && fiber->wake_us >= 0);
        bool is_gone = fiber->state == FIBER_SLEEPING && fiber->node != NULL && fiber->node->is_crashed;
        if (!sleeps || (fiber->wake_us > world.now_us && !is_gone))
            continue;
        fiber->timed_out = true;
        fiber->state = FIBER_READY;
    }
}

static Fiber *draw_ready(void)
{
    Fiber *ready[MOST_FIBERS];
    uint32_t count = 0;
    for (Fiber *fiber = fibers; fiber < fibers + MOST_FIBERS; fiber++) {
        if (fiber->state == FIBER_READY)
            ready[count++] = fiber;
    }
    return count == 0 ? NULL : ready[pick(count)];
}

/* False: nobody will ever wake up. */
static bool advance(void)
{
    int64_t next = store_next_landing();
    bool has_fibers = false;
    for (const Fiber *fiber = fibers; fiber < fibers + MOST_FIBERS; fiber++) {
        has_fibers |= fiber->state != FIBER_FREE;
        if (fiber->state == FIBER_SLEEPING || (fiber->state == FIBER_WAITING && fiber->wake_us >= 0))
            next = MIN(next, fiber->wake_us);
    }
    if (next == INT64_MAX || !has_fibers)
        return false;
    world.now_us = MAX(world.now_us, next);
    store_land_due();
    wake_due();
    return true;
}

void world_run(void)
{
    while (world.steps < MOST_STEPS) {
        wake_due();
        Fiber *fiber = draw_ready();
        if (fiber == NULL) {
            if (advance())
                continue;
            break;
        }
        world.steps++;
        world.current = fiber;
        swapcontext(&scheduler, &fiber->context);
        world.current = NULL;
    }
    for (const Fiber *fiber = fibers; fiber < fibers + MOST_FIBERS; fiber++) {
        if (fiber->state == FIBER_FREE)
            continue;
        /* Its memory can't be given back: such a seed ends the program. */
        fprintf(stderr, "seed %llu: fibers hang (state %d) after %llu steps\n", (unsigned long long)world.seed, (int)fiber->state,
                (unsigned long long)world.steps);
        exit(1);
    }
}

/* ---- locks and conditions ---- */

static HeldLock *find_held(const Mutex *mutex)
{
    for (uint32_t i = 0; i < held_count; i++) {
        if (held[i].mutex == mutex)
            return &held[i];
    }
    return NULL;
}

static void sim_lock(Mutex *mutex)
{
    if (world.current != NULL && chance(6))
        give_way(FIBER_READY);
    while (find_held(mutex) != NULL) {
        CHECK(world.current != NULL && find_held(mutex)->owner != world.current);
        world.current->waits_for = mutex;
        give_way(FIBER_LOCKING);
    }
    CHECK(held_count < MOST_LOCKS);
    held[held_count++] = (HeldLock){mutex, world.current};
}

static void sim_unlock(Mutex *mutex)
{
    HeldLock *lock = find_held(mutex);
    CHECK(lock != NULL && lock->owner == world.current);
    *lock = held[--held_count];
    for (Fiber *fiber = fibers; fiber < fibers + MOST_FIBERS; fiber++) {
        if (fiber->state == FIBER_LOCKING && fiber->waits_for == mutex)
            fiber->state = FIBER_READY;
    }
}

static bool sim_wait(Condition *condition, Mutex *mutex, int64_t timeout_us)
{
    CHECK(world.current != NULL);
    sim_unlock(mutex);
    world.current->waits_for = condition;
    world.current->wake_us = timeout_us < 0 ? -1 : world.now_us + timeout_us;
    world.current->timed_out = false;
    give_way(FIBER_WAITING);
    bool timed_out = world.current->timed_out;
    sim_lock(mutex);
    return !timed_out;
}

static void sim_wake(Condition *condition, bool all)
{
    for (Fiber *fiber = fibers; fiber < fibers + MOST_FIBERS; fiber++) {
        if (fiber->state != FIBER_WAITING || fiber->waits_for != condition)
            continue;
        fiber->state = FIBER_READY;
        if (!all)
            return;
    }
}

static const ThreadOps sim_threads = {sim_lock, sim_unlock, sim_wait, sim_wake};

/* ---- life ---- */

const char *plant_name(Plant plant)
{
    static const char *const names[PLANT_COUNT] = {"none",          "flush-lies", "put-lies", "put-overwrites", "unknown-is-failed",
                                                   "read-unheld", "load-twice", "delete-early"};
    return names[plant];
}

void world_begin(uint64_t seed, Plant plant, bool traces)
{
    world = (World){.seed = seed, .plant = plant, .traces = traces, .random = {seed * 0x9E3779B97F4A7C15u + 1}};
    world.now_us = 1000000;
    world.has_faults = true;
    world.is_local = chance(2);
    thread_ops = &sim_threads;
    trace("seed %llu %s", (unsigned long long)seed, world.is_local ? "local" : "object store");
}

void world_end(void)
{
    CHECK(held_count == 0);
    store_reset();
    thread_ops = NULL;
}
