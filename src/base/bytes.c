#include "base/bytes.h"

/* Views, growable buffers and the bounds-checked reader. Multi-byte values are little-endian; this
 * code and the formats above it are built for little-endian machines only. */

#include <stdio.h>
#include <strings.h>

#include "base/memory.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Merak's stored formats are read in place: little-endian machines only"
#endif

int strview_compare(StrView a, StrView b)
{
    size_t common = MIN(a.length, b.length);
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

bool strview_equal_ci(StrView a, StrView b)
{
    return a.length == b.length && (a.length == 0 || strncasecmp(a.data, b.data, a.length) == 0);
}

bool strview_starts_with(StrView text, StrView prefix)
{
    return text.length >= prefix.length &&
           strview_equal(strview_n(text.data, prefix.length), prefix);
}

bool strview_starts_with_ci(StrView text, StrView prefix)
{
    return text.length >= prefix.length &&
           strview_equal_ci(strview_n(text.data, prefix.length), prefix);
}

bool strview_ends_with(StrView text, StrView suffix)
{
    return text.length >= suffix.length &&
           strview_equal(strview_n(text.data + text.length - suffix.length, suffix.length), suffix);
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

StrView strview_trim(StrView text)
{
    while (text.length > 0 && is_blank(text.data[0])) {
        text.data++;
        text.length--;
    }
    while (text.length > 0 && is_blank(text.data[text.length - 1]))
        text.length--;
    return text;
}

size_t strview_find(StrView text, StrView needle)
{
    if (needle.length == 0)
        return 0;
    if (text.length < needle.length)
        return SIZE_MAX;
    const char *hit = memmem(text.data, text.length, needle.data, needle.length);
    return hit == NULL ? SIZE_MAX : (size_t)(hit - text.data);
}

void bytebuf_deinit(ByteBuf *buf)
{
    mem_free(buf->data);
    *buf = (ByteBuf){0};
}

void bytebuf_reserve(ByteBuf *buf, size_t extra)
{
    size_t need = buf->length + extra + 1;
    if (need <= buf->capacity)
        return;
    size_t capacity = MAX(MAX(need, buf->capacity * 2), (size_t)64);
    buf->data = mem_realloc(buf->data, capacity);
    buf->capacity = capacity;
}

void bytebuf_append(ByteBuf *buf, const void *data, size_t length)
{
    bytebuf_reserve(buf, length);
    if (length > 0)
        memcpy(buf->data + buf->length, data, length);
    buf->length += length;
    buf->data[buf->length] = '\0';
}

void bytebuf_append_view(ByteBuf *buf, StrView view)
{
    bytebuf_append(buf, view.data, view.length);
}

void bytebuf_append_text(ByteBuf *buf, const char *text)
{
    bytebuf_append(buf, text, strlen(text));
}

void bytebuf_append_char(ByteBuf *buf, char c)
{
    bytebuf_append(buf, &c, 1);
}

void bytebuf_append_quoted(ByteBuf *buf, StrView text, char quote)
{
    bytebuf_append_char(buf, quote);
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == quote || text.data[i] == '\\')
            bytebuf_append_char(buf, '\\');
        bytebuf_append_char(buf, text.data[i]);
    }
    bytebuf_append_char(buf, quote);
}

void bytebuf_vprintf(ByteBuf *buf, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    if (length > 0) {
        bytebuf_reserve(buf, (size_t)length);
        vsnprintf(buf->data + buf->length, (size_t)length + 1, format, again);
        buf->length += (size_t)length;
    }
    va_end(again);
}

void bytebuf_printf(ByteBuf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bytebuf_vprintf(buf, format, args);
    va_end(args);
}

void bytebuf_put_u8(ByteBuf *buf, uint8_t value)
{
    bytebuf_append(buf, &value, sizeof(value));
}

void bytebuf_put_u16(ByteBuf *buf, uint16_t value)
{
    bytebuf_append(buf, &value, sizeof(value));
}

void bytebuf_put_u32(ByteBuf *buf, uint32_t value)
{
    bytebuf_append(buf, &value, sizeof(value));
}

void bytebuf_put_u64(ByteBuf *buf, uint64_t value)
{
    bytebuf_append(buf, &value, sizeof(value));
}

void bytebuf_put_varint(ByteBuf *buf, uint64_t value)
{
    uint8_t bytes[10];
    size_t count = 0;
    do {
        bytes[count] = (uint8_t)((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
        value >>= 7;
        count++;
    } while (value != 0);
    bytebuf_append(buf, bytes, count);
}

void bytebuf_put_sized(ByteBuf *buf, const void *data, size_t length)
{
    bytebuf_put_varint(buf, length);
    bytebuf_append(buf, data, length);
}

StrView byte_reader_bytes(ByteReader *reader, size_t length)
{
    if (reader->failed || length > byte_reader_left(reader)) {
        reader->failed = true;
        return (StrView){"", 0};
    }
    StrView view = {(const char *)reader->cursor, length};
    reader->cursor += length;
    return view;
}

static void read_fixed(ByteReader *reader, void *out_value, size_t length)
{
    StrView bytes = byte_reader_bytes(reader, length);
    memset(out_value, 0, length);
    memcpy(out_value, bytes.data, bytes.length);
}

uint8_t byte_reader_u8(ByteReader *reader)
{
    uint8_t value;
    read_fixed(reader, &value, sizeof(value));
    return value;
}

uint16_t byte_reader_u16(ByteReader *reader)
{
    uint16_t value;
    read_fixed(reader, &value, sizeof(value));
    return value;
}

uint32_t byte_reader_u32(ByteReader *reader)
{
    uint32_t value;
    read_fixed(reader, &value, sizeof(value));
    return value;
}

uint64_t byte_reader_u64(ByteReader *reader)
{
    uint64_t value;
    read_fixed(reader, &value, sizeof(value));
    return value;
}

uint64_t byte_reader_varint(ByteReader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = byte_reader_u8(reader);
        value |= (uint64_t)(byte & 0x7F) << shift;
        if ((byte & 0x80) == 0)
            return reader->failed ? 0 : value;
    }
    reader->failed = true;
    return 0;
}

StrView byte_reader_sized(ByteReader *reader)
{
    uint64_t length = byte_reader_varint(reader);
    return byte_reader_bytes(reader, length);
}
