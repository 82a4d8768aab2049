#pragma once
/* Byte views and growable byte buffers.
 *
 * A StrView never owns. A ByteBuf owns its bytes until bytebuf_deinit(); appending cannot fail
 * (see memory.h), so growth from user input is bounded by the caller before it appends. */

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "base/compiler.h"

typedef struct StrView {
    const char *data; /* not NUL-terminated in general; may be NULL when length is 0 */
    size_t length;
} StrView;

#define STR_VIEW(literal) ((StrView){(literal), sizeof(literal) - 1})
/* For printf("%.*s"). */
#define SV_ARGS(view) (int)(view).length, (view).data

static inline StrView strview(const char *text)
{
    return (StrView){text, text == NULL ? 0 : strlen(text)};
}
static inline StrView strview_n(const char *data, size_t length)
{
    return (StrView){data, length};
}
static inline bool strview_equal(StrView a, StrView b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}
static inline bool strview_is(StrView a, const char *text)
{
    return strview_equal(a, strview(text));
}
int strview_compare(StrView a, StrView b);            /* bytes, shorter first */
bool strview_equal_ci(StrView a, StrView b);          /* ASCII case folded */
bool strview_starts_with(StrView text, StrView prefix);
bool strview_starts_with_ci(StrView text, StrView prefix);
bool strview_ends_with(StrView text, StrView suffix);
StrView strview_trim(StrView text);                   /* ASCII blanks at both ends */
/* Position of the first occurrence, or SIZE_MAX. */
size_t strview_find(StrView text, StrView needle);

typedef struct ByteBuf {
    char *data; /* always NUL-terminated behind length when not NULL */
    size_t length;
    size_t capacity;
} ByteBuf;

void bytebuf_deinit(ByteBuf *buf); /* a zeroed one is valid and empty */
#define AUTO_BYTEBUF CLEANUP(bytebuf_deinit) ByteBuf
void bytebuf_reserve(ByteBuf *buf, size_t extra);
void bytebuf_append(ByteBuf *buf, const void *data, size_t length);
void bytebuf_append_view(ByteBuf *buf, StrView view);
void bytebuf_append_text(ByteBuf *buf, const char *text);
void bytebuf_append_char(ByteBuf *buf, char c);
/* The text between quotes; the quote itself and backslashes get a backslash in front. */
void bytebuf_append_quoted(ByteBuf *buf, StrView text, char quote);
void bytebuf_printf(ByteBuf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
void bytebuf_vprintf(ByteBuf *buf, const char *format, va_list args) PRINTF_LIKE(2, 0);
static inline void bytebuf_clear(ByteBuf *buf)
{
    buf->length = 0;
}
static inline StrView bytebuf_view(const ByteBuf *buf)
{
    return (StrView){buf->data, buf->length};
}
/* Fixed-width little-endian, the byte order of every stored and wire format of ours. */
void bytebuf_put_u8(ByteBuf *buf, uint8_t value);
void bytebuf_put_u16(ByteBuf *buf, uint16_t value);
void bytebuf_put_u32(ByteBuf *buf, uint32_t value);
void bytebuf_put_u64(ByteBuf *buf, uint64_t value);
void bytebuf_put_varint(ByteBuf *buf, uint64_t value);                 /* LEB128 */
void bytebuf_put_sized(ByteBuf *buf, const void *data, size_t length); /* varint length, bytes */

/* A bounds-checked reader of foreign bytes. A read past the end returns zero or an empty view and
 * sets failed; test it once after a group of reads. */
typedef struct ByteReader {
    const uint8_t *cursor;
    const uint8_t *end;
    bool failed;
} ByteReader;

static inline ByteReader byte_reader(const void *data, size_t length)
{
    return (ByteReader){data, (const uint8_t *)data + length, false};
}
static inline size_t byte_reader_left(const ByteReader *reader)
{
    return (size_t)(reader->end - reader->cursor);
}
uint8_t byte_reader_u8(ByteReader *reader);
uint16_t byte_reader_u16(ByteReader *reader);
uint32_t byte_reader_u32(ByteReader *reader);
uint64_t byte_reader_u64(ByteReader *reader);
uint64_t byte_reader_varint(ByteReader *reader);
StrView byte_reader_bytes(ByteReader *reader, size_t length);
StrView byte_reader_sized(ByteReader *reader);

static inline uint16_t load_u16(const void *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}
static inline uint32_t load_u32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}
static inline uint64_t load_u64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}
