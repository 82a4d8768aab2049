#include "base/memory.h"

/* The only file that calls malloc. Trackers are plain atomics: a reservation walks up the tree and
 * takes back what it charged when an ancestor refuses. A failed system allocation of a small block
 * is retried from a reserve that is set aside at the first call, so that statements can unwind with
 * an error where the process would otherwise die. */

#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

enum { KEPT_BYTES = 1 << 30, GROWTH_BYTES = 64 * 1024 * 1024, WORTH_GIVING_BYTES = 24 * 1024 * 1024 };
enum { BUFFER_SLACK_BYTES = 64, SMALL_BYTES = 64 * 1024, RESERVE_BYTES = 4 * 1024 * 1024 };

static MemTracker process_tracker = {.label = "process"};
static _Atomic(void *) emergency_reserve;
static _Atomic uint64_t fail_countdown;
static _Atomic uint64_t fail_seen;
static _Atomic bool fail_sticky;
static _Atomic int fail_kind;
static _Atomic bool is_pressed; /* the reserve was used and is not back */

MemTracker *mem_process_tracker(void)
{
    return &process_tracker;
}

void mem_tracker_init(MemTracker *tracker, MemTracker *parent, const char *label,
                      int64_t limit_bytes)
{
    tracker->parent = parent;
    tracker->label = label;
    atomic_init(&tracker->used_bytes, 0);
    atomic_init(&tracker->peak_bytes, 0);
    atomic_init(&tracker->limit_bytes, limit_bytes);
}

static void raise_peak(MemTracker *tracker, int64_t used)
{
    int64_t peak = atomic_load_explicit(&tracker->peak_bytes, memory_order_relaxed);
    while (used > peak && !atomic_compare_exchange_weak_explicit(&tracker->peak_bytes, &peak, used,
                                                                 memory_order_relaxed,
                                                                 memory_order_relaxed)) {
    }
}

static void charge_one(MemTracker *tracker, int64_t bytes)
{
    raise_peak(tracker, atomic_fetch_add_explicit(&tracker->used_bytes, bytes, memory_order_relaxed) + bytes);
}

/* What is refused is never seen as used. */
static bool try_charge_one(MemTracker *tracker, int64_t bytes)
{
    int64_t limit = atomic_load_explicit(&tracker->limit_bytes, memory_order_relaxed);
    int64_t used = atomic_load_explicit(&tracker->used_bytes, memory_order_relaxed);
    do {
        if (limit > 0 && used + bytes > limit)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&tracker->used_bytes, &used, used + bytes, memory_order_relaxed, memory_order_relaxed));
    raise_peak(tracker, used + bytes);
    return true;
}

/* Charges from tracker upward; on refusal undoes and returns the tracker that refused. */
static MemTracker *reserve_upward(MemTracker *tracker, int64_t bytes)
{
    for (MemTracker *t = tracker; t != NULL; t = t->parent) {
        if (try_charge_one(t, bytes))
            continue;
        for (MemTracker *undo = tracker; undo != t; undo = undo->parent)
            atomic_fetch_sub_explicit(&undo->used_bytes, bytes, memory_order_relaxed);
        return t;
    }
    return NULL;
}

bool mem_try_reserve(MemTracker *tracker, int64_t bytes)
{
    return reserve_upward(tracker, bytes) == NULL;
}

Status mem_reserve(MemTracker *tracker, int64_t bytes, Diag *diag)
{
    MemTracker *refused = reserve_upward(tracker, bytes);
    if (refused == NULL)
        return OK;
    return RAISE(diag, MEMORY_LIMIT,
                 "Memory of %s exceed limit. Used: %lld, Limit: %lld, requested: %lld bytes",
                 refused->label, (long long)mem_used(refused),
                 (long long)atomic_load(&refused->limit_bytes), (long long)bytes);
}

void mem_charge(MemTracker *tracker, int64_t bytes)
{
    for (MemTracker *t = tracker; t != NULL; t = t->parent)
        charge_one(t, bytes);
}

void mem_release(MemTracker *tracker, int64_t bytes)
{
    for (MemTracker *t = tracker; t != NULL; t = t->parent)
        atomic_fetch_sub_explicit(&t->used_bytes, bytes, memory_order_relaxed);
}

bool mem_is_pressed(void)
{
    return atomic_load_explicit(&is_pressed, memory_order_relaxed);
}

Status mem_check_room(const MemTracker *tracker, int64_t bytes, Diag *diag)
{
    for (const MemTracker *t = tracker; t != NULL; t = t->parent) {
        int64_t limit = atomic_load_explicit(&t->limit_bytes, memory_order_relaxed);
        if (limit > 0 && mem_used(t) + bytes > limit)
            return RAISE(diag, MEMORY_LIMIT, "Memory of %s exceed limit. Used: %lld, wanted: %lld, Limit: %lld", t->label, (long long)mem_used(t),
                         (long long)bytes, (long long)limit);
    }
    return OK;
}

bool mem_over_limit(const MemTracker *tracker)
{
    if (UNLIKELY(mem_is_pressed()))
        return true;
    for (const MemTracker *t = tracker; t != NULL; t = t->parent) {
        int64_t limit = atomic_load_explicit(&t->limit_bytes, memory_order_relaxed);
        if (limit > 0 && mem_used(t) > limit)
            return true;
    }
    return false;
}

uint64_t mem_fail_nth(MemFailKind kind, uint64_t n, bool sticky)
{
    atomic_store(&fail_sticky, sticky);
    atomic_store(&fail_kind, (int)kind);
    atomic_store(&fail_countdown, n);
    return atomic_exchange(&fail_seen, 0);
}

/* True when the armed test hook wants this allocation to fail. */
static bool injected_failure(MemFailKind kind)
{
    uint64_t armed = atomic_load_explicit(&fail_countdown, memory_order_relaxed);
    if (LIKELY(armed == 0) || atomic_load(&fail_kind) != (int)kind)
        return false;
    uint64_t seen = atomic_fetch_add(&fail_seen, 1) + 1;
    return seen == armed || (seen > armed && atomic_load(&fail_sticky));
}

/* As long as every block fails, so does the reserve. */
static bool reserve_must_fail(void)
{
    uint64_t armed = atomic_load_explicit(&fail_countdown, memory_order_relaxed);
    return UNLIKELY(armed != 0) && atomic_load(&fail_kind) == MEM_FAIL_BLOCKS && atomic_load(&fail_sticky) &&
           atomic_load(&fail_seen) >= armed;
}

static void keep_reserve(void)
{
    if (LIKELY(atomic_load_explicit(&emergency_reserve, memory_order_relaxed) != NULL) || reserve_must_fail())
        return;
    void *fresh = malloc(RESERVE_BYTES);
    void *expected = NULL;
    if (fresh != NULL)
        atomic_store(&is_pressed, false);
    if (!atomic_compare_exchange_strong(&emergency_reserve, &expected, fresh))
        free(fresh);
}

/* Gives the reserve back to the allocator and tries once more. */
static void *retry_from_reserve(void *old, size_t bytes)
{
    atomic_store(&is_pressed, true);
    free(atomic_exchange(&emergency_reserve, NULL));
    void *result = realloc(old, bytes);
    if (result == NULL)
        check_failed(__FILE__, __LINE__, "out of memory");
    return result;
}

void *mem_realloc(void *old, size_t bytes)
{
    keep_reserve();
    void *result = injected_failure(MEM_FAIL_BLOCKS) ? NULL : realloc(old, bytes == 0 ? 1 : bytes);
    return LIKELY(result != NULL) ? result : retry_from_reserve(old, bytes == 0 ? 1 : bytes);
}

void *mem_alloc(size_t bytes)
{
    return mem_realloc(NULL, bytes);
}

void *mem_alloc_zero(size_t bytes)
{
    return memset(mem_alloc(bytes), 0, bytes);
}

void mem_free(void *pointer)
{
    free(pointer);
}

/* A query that maps and unmaps its hash tables spends up to a third of its time on page faults. The growth step is that of
 * the heaps of threads, which would be unmapped whenever one is free as a whole. */
void mem_keep_freed(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
    mallopt(M_TOP_PAD, GROWTH_BYTES);
#endif
}

void mem_give_back(void)
{
#ifdef __GLIBC__
    if (mallinfo2().fordblks > WORTH_GIVING_BYTES)
        malloc_trim(0);
#endif
}

char *mem_strdup(const char *text)
{
    size_t bytes = strlen(text) + 1;
    return memcpy(mem_alloc(bytes), text, bytes);
}

static uint8_t *aligned_block(size_t size)
{
    if (injected_failure(MEM_FAIL_BUFFERS) || size > SIZE_MAX / 2)
        return NULL;
    return aligned_alloc(64, align_up(size + BUFFER_SLACK_BYTES, 64));
}

Status buffer_alloc(Buffer *buffer, MemTracker *tracker, size_t size, Diag *diag)
{
    *buffer = (Buffer){.tracker = tracker};
    if (tracker != NULL)
        TRY(mem_reserve(tracker, (int64_t)size, diag));
    uint8_t *data = aligned_block(size);
    if (data == NULL) {
        if (tracker != NULL)
            mem_release(tracker, (int64_t)size);
        return RAISE(diag, OUT_OF_MEMORY, "out of memory: could not allocate %zu bytes", size);
    }
#ifdef MERAK_DEBUG
    memset(data, 0xA5, size);
#endif
    buffer->data = data;
    buffer->size = size;
    return OK;
}

Status buffer_resize(Buffer *buffer, size_t size, Diag *diag)
{
    Buffer fresh;
    TRY(buffer_alloc(&fresh, buffer->tracker, size, diag));
    if (buffer->size > 0)
        memcpy(fresh.data, buffer->data, MIN(size, buffer->size));
    buffer_free(buffer);
    *buffer = fresh;
    return OK;
}

void buffer_free(Buffer *buffer)
{
    if (buffer->data == NULL)
        return;
    free(buffer->data);
    if (buffer->tracker != NULL)
        mem_release(buffer->tracker, (int64_t)buffer->size);
    buffer->data = NULL;
    buffer->size = 0;
}
