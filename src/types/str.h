#pragma once
/* The 16-byte string reference that vectors hold.
 *
 * Up to 12 bytes live inline; longer ones keep a 4-byte prefix and a pointer. Bytes behind an inline
 * string's length are zero, so that equality of short strings is a comparison of two words. The
 * pointed-to bytes belong to a page, a dictionary or an arena; who keeps a Str longer than the chunk
 * that carried it copies the bytes. */

#include "base/arena.h"
#include "base/bytes.h"

enum { STR_INLINE_BYTES = 12 };

typedef struct Str {
    uint32_t length;
    union {
        char inlined[STR_INLINE_BYTES];
        struct {
            char prefix[4];
            const char *pointer __attribute__((packed));
        };
    };
} ALIGNED(8) Str;
_Static_assert(sizeof(Str) == 16, "vectors of strings are arrays of 16-byte references");

static inline const char *str_data(const Str *s)
{
    return s->length <= STR_INLINE_BYTES ? s->inlined : s->pointer;
}
static inline StrView str_view(const Str *s)
{
    return (StrView){str_data(s), s->length};
}
/* data must outlive the result when length > STR_INLINE_BYTES. */
static inline Str str_make(const char *data, size_t length)
{
    Str s = {.length = (uint32_t)length};
    if (length <= STR_INLINE_BYTES) {
        __builtin_memset(s.inlined, 0, STR_INLINE_BYTES);
        if (length > 0)
            __builtin_memcpy(s.inlined, data, length);
    } else {
        __builtin_memcpy(s.prefix, data, 4);
        s.pointer = data;
    }
    return s;
}
/* The same where STR_INLINE_BYTES bytes are readable at data whatever the length: no call, one branch. */
static inline Str str_make_padded(const char *data, uint32_t length)
{
    Str s = {.length = length};
    uint64_t head = load_u64(data);
    uint32_t tail = load_u32(data + 8);
    __builtin_memcpy(s.prefix, &head, 4);
    if (length > STR_INLINE_BYTES) {
        s.pointer = data;
        return s;
    }
    head &= length >= 8 ? UINT64_MAX : ((uint64_t)1 << (length * 8)) - 1;
    tail &= length <= 8 ? 0 : UINT32_MAX >> ((STR_INLINE_BYTES - length) * 8);
    __builtin_memcpy(s.inlined, &head, 8);
    __builtin_memcpy(s.inlined + 8, &tail, 4);
    return s;
}
static inline Str str_copy(Arena *arena, const Str *s)
{
    if (s->length <= STR_INLINE_BYTES)
        return *s;
    char *copy = arena_alloc_bytes(arena, s->length);
    memcpy(copy, s->pointer, s->length);
    return str_make(copy, s->length);
}
static inline bool str_equal(const Str *a, const Str *b)
{
    uint64_t a_head, b_head, a_tail, b_tail;
    __builtin_memcpy(&a_head, a, 8); /* length and prefix */
    __builtin_memcpy(&b_head, b, 8);
    if (a_head != b_head)
        return false;
    __builtin_memcpy(&a_tail, (const char *)a + 8, 8);
    __builtin_memcpy(&b_tail, (const char *)b + 8, 8);
    if (a_tail == b_tail)
        return true;
    return a->length > STR_INLINE_BYTES && memcmp(a->pointer, b->pointer, a->length) == 0;
}
static inline int str_compare(const Str *a, const Str *b)
{
    uint32_t a_prefix = __builtin_bswap32(load_u32(a->prefix));
    uint32_t b_prefix = __builtin_bswap32(load_u32(b->prefix));
    if (a_prefix != b_prefix)
        return a_prefix < b_prefix ? -1 : 1;
    size_t common = MIN(a->length, b->length);
    int order = common == 0 ? 0 : memcmp(str_data(a), str_data(b), common);
    return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}
