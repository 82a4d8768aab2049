#include "base/arena.h"

/* Blocks double from 4 KiB to 1 MiB; a larger request gets a block of its own. Builds with
 * AddressSanitizer give every request a block of its own, so that overruns show. Debug builds fill
 * fresh memory with a pattern. */

#include <stdio.h>

enum { FIRST_BLOCK_BYTES = 4096 };

struct ArenaBlock {
    ArenaBlock *next; /* older */
    size_t bytes;     /* of data[] */
    uint8_t data[] ALIGNED(16);
};

void arena_init(Arena *arena, MemTracker *tracker)
{
    *arena = (Arena){.tracker = tracker, .next_block_bytes = FIRST_BLOCK_BYTES};
}

void arena_lend(Arena *arena, void *memory, size_t bytes)
{
    CHECK(arena->blocks == NULL && arena->cursor == NULL);
    arena->total_bytes += bytes;
#if !defined(__SANITIZE_ADDRESS__)
    arena->cursor = memory;
    arena->end = arena->cursor + bytes;
#else
    (void)memory;
#endif
}

static void free_block(Arena *arena, ArenaBlock *block)
{
    if (arena->tracker != NULL)
        mem_release(arena->tracker, (int64_t)block->bytes);
    arena->total_bytes -= block->bytes;
    mem_free(block);
}

void arena_deinit(Arena *arena)
{
    while (arena->blocks != NULL) {
        ArenaBlock *next = arena->blocks->next;
        free_block(arena, arena->blocks);
        arena->blocks = next;
    }
    arena->cursor = arena->end = NULL;
}

static void use_block(Arena *arena, ArenaBlock *block, uint8_t *cursor)
{
    arena->blocks = block;
    arena->cursor = cursor;
    arena->end = block == NULL ? NULL : block->data + block->bytes;
}

Status arena_reserve(Arena *arena, size_t bytes, Diag *diag)
{
    if (arena->tracker == NULL)
        return OK;
    TRY(mem_reserve(arena->tracker, (int64_t)bytes, diag));
    arena->reserved_bytes += bytes;
    return OK;
}

void arena_reserve_end(Arena *arena)
{
    if (arena->tracker != NULL)
        mem_release(arena->tracker, (int64_t)arena->reserved_bytes);
    arena->reserved_bytes = 0;
}

void arena_reset(Arena *arena)
{
    ArenaBlock *keep = arena->blocks;
    if (keep == NULL)
        return;
    while (keep->next != NULL) {
        ArenaBlock *older = keep->next;
        keep->next = older->next;
        free_block(arena, older);
    }
    use_block(arena, keep, keep->data);
}

ArenaMark arena_mark(const Arena *arena)
{
    return (ArenaMark){arena->blocks, arena->cursor};
}

void arena_release(Arena *arena, ArenaMark mark)
{
    while (arena->blocks != mark.block) {
        ArenaBlock *next = arena->blocks->next;
        free_block(arena, arena->blocks);
        arena->blocks = next;
    }
    use_block(arena, mark.block, mark.cursor);
}

void *arena_alloc_slow(Arena *arena, size_t bytes, size_t alignment)
{
    size_t need = bytes + alignment;
#if defined(__SANITIZE_ADDRESS__)
    size_t block_bytes = need;
#else
    size_t block_bytes = MAX(need, arena->next_block_bytes);
#endif
    arena->next_block_bytes = MIN(arena->next_block_bytes * 2, (size_t)ARENA_BLOCK_BYTES);
    ArenaBlock *block = mem_alloc(sizeof(ArenaBlock) + block_bytes);
    block->bytes = block_bytes;
    block->next = arena->blocks;
    arena->total_bytes += block_bytes;
    size_t reserved = MIN(arena->reserved_bytes, block_bytes);
    arena->reserved_bytes -= reserved;
    if (arena->tracker != NULL && block_bytes > reserved)
        mem_charge(arena->tracker, (int64_t)(block_bytes - reserved));
#ifdef MERAK_DEBUG
    memset(block->data, 0xA5, block_bytes);
#endif
    arena->blocks = block;
    arena->cursor = block->data;
    arena->end = block->data + block_bytes;
    uint8_t *result = (uint8_t *)align_up((uintptr_t)arena->cursor, alignment);
#if defined(__SANITIZE_ADDRESS__)
    arena->cursor = arena->end; /* the rest of the block is a red zone in effect */
#else
    arena->cursor = result + bytes;
#endif
    return result;
}

char *arena_strndup(Arena *arena, const char *text, size_t length)
{
    char *copy = arena_alloc_bytes(arena, length + 1);
    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *arena_strdup(Arena *arena, const char *text)
{
    return arena_strndup(arena, text, strlen(text));
}

char *arena_vprintf(Arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    char *text = arena_alloc_bytes(arena, (size_t)MAX(length, 0) + 1);
    vsnprintf(text, (size_t)MAX(length, 0) + 1, format, again);
    va_end(again);
    return text;
}

char *arena_printf(Arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

void *arena_grow(Arena *arena, const void *items, size_t item_bytes, uint32_t count,
                 uint32_t *in_out_capacity)
{
    uint32_t capacity = *in_out_capacity == 0 ? 8 : *in_out_capacity * 2;
    void *grown = arena_alloc(arena, item_bytes * capacity);
    if (count > 0)
        memcpy(grown, items, item_bytes * count);
    *in_out_capacity = capacity;
    return grown;
}
