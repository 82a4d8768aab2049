#pragma once
/* Arenas: memory with one lifetime (statement, fragment, operator, chunk).
 *
 * Allocation cannot fail; blocks are charged to the tracker without a limit check, and drivers test
 * mem_over_limit() between chunks. One thread at a time. Nothing in an arena is freed alone. */

#include <stdarg.h>
#include <string.h>

#include "base/memory.h"

enum { ARENA_BLOCK_BYTES = 1 << 20 }; /* of the largest blocks that small allocations share */

typedef struct ArenaBlock ArenaBlock;

typedef struct Arena {
    uint8_t *cursor; /* next free byte of the current block */
    uint8_t *end;
    ArenaBlock *blocks; /* newest first */
    MemTracker *tracker;
    size_t next_block_bytes;
    size_t total_bytes;
    size_t reserved_bytes; /* charged already, for what is about to be allocated */
} Arena;

typedef struct ArenaMark {
    ArenaBlock *block;
    uint8_t *cursor;
} ArenaMark;

void arena_init(Arena *arena, MemTracker *tracker); /* tracker may be NULL */
void arena_deinit(Arena *arena);
/* The caller's memory is used first; it outlives the arena, and is the caller's to charge. Of a fresh arena. */
void arena_lend(Arena *arena, void *memory, size_t bytes);
/* Charges what large allocations are about to take, or nothing and MEMORY_LIMIT; what they did not take goes back with the end. */
Status arena_reserve(Arena *arena, size_t bytes, Diag *diag);
void arena_reserve_end(Arena *arena);
void arena_reset(Arena *arena); /* keeps the newest block for reuse */
ArenaMark arena_mark(const Arena *arena);
void arena_release(Arena *arena, ArenaMark mark); /* frees all that was allocated after mark */
#define AUTO_ARENA CLEANUP(arena_deinit) Arena

void *arena_alloc_slow(Arena *arena, size_t bytes, size_t alignment);

static inline void *arena_alloc_aligned(Arena *arena, size_t bytes, size_t alignment)
{
    uint8_t *start = (uint8_t *)align_up((uintptr_t)arena->cursor, alignment);
    if (UNLIKELY(start > arena->end || bytes > (size_t)(arena->end - start)))
        return arena_alloc_slow(arena, bytes, alignment);
    arena->cursor = start + bytes;
    return start;
}

static inline void *arena_alloc(Arena *arena, size_t bytes)
{
    return arena_alloc_aligned(arena, bytes, 16);
}

static inline void *arena_alloc_zero(Arena *arena, size_t bytes)
{
    return memset(arena_alloc(arena, bytes), 0, bytes);
}

/* Bytes without alignment: string contents. */
static inline char *arena_alloc_bytes(Arena *arena, size_t bytes)
{
    return arena_alloc_aligned(arena, bytes, 1);
}

#define ARENA_NEW(arena, T) ((T *)arena_alloc_zero((arena), sizeof(T)))
#define ARENA_NEW_ARRAY(arena, T, count) ((T *)arena_alloc_zero((arena), sizeof(T) * (size_t)(count)))

char *arena_strdup(Arena *arena, const char *text);
char *arena_strndup(Arena *arena, const char *text, size_t length); /* NUL-terminated copy */
char *arena_printf(Arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
char *arena_vprintf(Arena *arena, const char *format, va_list args) PRINTF_LIKE(2, 0);

/* A growable array in an arena: ARRAY_OF(Expr *) columns = {0}; ARRAY_PUSH(arena, &columns, e); */
#define ARRAY_OF(T)         \
    struct {                \
        T *items;           \
        uint32_t count;     \
        uint32_t capacity;  \
    }
#define ARRAY_PUSH(arena, array, value)                                                     \
    do {                                                                                    \
        if ((array)->count == (array)->capacity)                                            \
            (array)->items = arena_grow((arena), (array)->items, sizeof(*(array)->items),   \
                                        (array)->count, &(array)->capacity);                \
        (array)->items[(array)->count++] = (value);                                         \
    } while (0)
void *arena_grow(Arena *arena, const void *items, size_t item_bytes, uint32_t count,
                 uint32_t *in_out_capacity);
