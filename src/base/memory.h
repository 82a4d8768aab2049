#pragma once
/* Memory trackers and counted buffers.
 *
 * Trackers form a tree: process -> resource group -> query -> operator, plus caches. Memory is
 * charged per block or buffer, never per small allocation. All functions are thread-safe. A limit
 * of 0 means none. Buffers are 64-byte aligned with 64 readable bytes of slack behind them, so
 * that full-width tail reads are legal. */

#include "base/status.h"

typedef struct MemTracker {
    struct MemTracker *parent; /* NULL for the process; must outlive this one */
    const char *label;         /* static text */
    _Atomic int64_t used_bytes;
    _Atomic int64_t peak_bytes;
    _Atomic int64_t limit_bytes; /* 0: no limit */
} MemTracker;

void mem_tracker_init(MemTracker *tracker, MemTracker *parent, const char *label,
                      int64_t limit_bytes);

/* The root of the tree; its limit is mem_limit of the configuration. */
MemTracker *mem_process_tracker(void);

/* Charges the tracker and all above it, or nothing at all and MEMORY_LIMIT. */
Status mem_reserve(MemTracker *tracker, int64_t bytes, Diag *diag);
/* As mem_reserve without a text: an operator that can spill asks so. */
bool mem_try_reserve(MemTracker *tracker, int64_t bytes);
/* Charges without looking at limits (small arena blocks); drivers test mem_over_limit(). */
void mem_charge(MemTracker *tracker, int64_t bytes);
void mem_release(MemTracker *tracker, int64_t bytes);
bool mem_over_limit(const MemTracker *tracker);
/* Would so many bytes more stay within all limits? Asked before something large is taken from an arena. */
Status mem_check_room(const MemTracker *tracker, int64_t bytes, Diag *diag);
bool mem_is_pressed(void); /* the system refused memory, and the emergency reserve is in use */
static inline int64_t mem_used(const MemTracker *tracker)
{
    return atomic_load_explicit(&tracker->used_bytes, memory_order_relaxed);
}

/* Uncounted allocation for base's own use and for objects owned by the process. Aborts only after
 * the emergency reserve is gone; never returns NULL for sizes below 64 KiB. */
void *mem_alloc(size_t bytes);
void *mem_alloc_zero(size_t bytes);
void *mem_realloc(void *old, size_t bytes);
void mem_free(void *pointer);
char *mem_strdup(const char *text);

/* Freed memory stays with the process, so that the next statement finds its pages mapped. Once, at start. */
void mem_keep_freed(void);
/* Gives free memory back to the system when there is a good deal of it: for idle moments. */
void mem_give_back(void);

/* A counted, aligned buffer: hash tables, sort runs, column buffers. */
typedef struct Buffer {
    uint8_t *data;
    size_t size; /* usable bytes */
    MemTracker *tracker;
} Buffer;

/* Contents are not initialised. tracker may be NULL (uncounted). */
Status buffer_alloc(Buffer *buffer, MemTracker *tracker, size_t size, Diag *diag);
/* Keeps the first min(old, new) bytes. */
Status buffer_resize(Buffer *buffer, size_t size, Diag *diag);
void buffer_free(Buffer *buffer); /* safe on a zeroed or freed one */
#define AUTO_BUFFER CLEANUP(buffer_free) Buffer

/* Test hook: the n-th allocation of that kind from now on fails, and, when sticky, all after it. Buffers fail
 * with an error. Blocks are what mem_alloc() and arenas take: they come from the emergency reserve then, and
 * mem_over_limit() says yes of every tracker until the reserve could be set aside again, so that statements
 * unwind. n = 0 turns it off. Returns how many allocations of the kind armed before were seen since. */
typedef enum MemFailKind { MEM_FAIL_BUFFERS, MEM_FAIL_BLOCKS } MemFailKind;
uint64_t mem_fail_nth(MemFailKind kind, uint64_t n, bool sticky);
