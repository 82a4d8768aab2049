#include "format/parquet/parquet_snappy.h"

/* A block is the varint of its plain length, then pieces. The low two bits of a piece's first byte tell: bytes as they are, or a copy of
 * what was written some bytes ago, with an offset of one, two or four bytes. */

enum { LITERAL = 0, COPY_1 = 1 };
enum { LONGEST_SHORT_LITERAL = 60, WORD = 16, MOST_COPY = 64 };

typedef struct Piece {
    uint32_t length, offset;
} Piece;

static inline void copy_word(char *to, const char *from)
{
    __builtin_memcpy(to, from, WORD);
}

/* Up to MOST_COPY bytes: one word, which mostly does, or all. */
ALWAYS_INLINE void copy_words(char *to, const char *from, uint32_t length)
{
    copy_word(to, from);
    if (length <= WORD)
        return;
    for (uint32_t i = WORD; i < MOST_COPY; i += WORD)
        copy_word(to + i, from + i);
}

/* The same where what is read may be what was just written. */
ALWAYS_INLINE void copy_back(char *to, uint32_t offset, uint32_t length)
{
    const char *from = to - offset;
    if (LIKELY(offset >= WORD)) {
        copy_words(to, from, length);
    } else if (offset >= WORD / 2) {
        for (uint32_t i = 0; i < length; i += WORD / 2)
            __builtin_memcpy(to + i, from + i, WORD / 2);
    } else {
        for (uint32_t i = 0; i < length; i++)
            to[i] = from[i];
    }
}

/* Length of a literal, behind whose tag cursor is; 0: too long to be true. */
static uint32_t literal_length(uint8_t tag, const uint8_t **cursor)
{
    uint32_t length = tag >> 2;
    if (LIKELY(length < LONGEST_SHORT_LITERAL))
        return length + 1;
    uint32_t bytes = length - LONGEST_SHORT_LITERAL + 1;
    uint32_t stored = load_u32(*cursor) & (bytes == 4 ? UINT32_MAX : (UINT32_C(1) << (8 * bytes)) - 1);
    *cursor += bytes;
    return stored + 1;
}

/* Without branches on the kind, which cannot be foreseen. */
ALWAYS_INLINE Piece copy_piece(uint8_t tag, const uint8_t **cursor)
{
    static const uint32_t masks[] = {0, 0xff, 0xffff, UINT32_MAX};
    static const uint8_t sizes[] = {0, 1, 2, 4};
    uint32_t kind = tag & 3, stored = load_u32(*cursor) & masks[kind];
    uint32_t short_length = (tag >> 2 & 7u) + 4u, long_length = (tag >> 2) + 1u, short_offset = (uint32_t)(tag >> 5) << 8;
    *cursor += sizes[kind];
    return (Piece){kind == COPY_1 ? short_length : long_length, stored | (kind == COPY_1 ? short_offset : 0)};
}

static bool read_pieces(const uint8_t *cursor, const uint8_t *end, char *out, size_t plain_length)
{
    char *to = out, *to_end = out + plain_length;
    while (cursor < end) {
        uint8_t tag = *cursor++;
        if ((tag & 3) != LITERAL) {
            Piece piece = copy_piece(tag, &cursor);
            if (UNLIKELY(piece.offset == 0 || piece.offset > (size_t)(to - out) || piece.length > (size_t)(to_end - to)))
                return false;
            copy_back(to, piece.offset, piece.length);
            to += piece.length;
            continue;
        }
        uint32_t length = literal_length(tag, &cursor);
        if (UNLIKELY(cursor > end || length == 0 || length > (size_t)(end - cursor) || length > (size_t)(to_end - to)))
            return false;
        if (LIKELY(length <= MOST_COPY))
            copy_words(to, (const char *)cursor, length);
        else
            memcpy(to, cursor, length);
        cursor += length;
        to += length;
    }
    return cursor == end && to == to_end;
}

bool snappy_block_read(StrView bytes, char *out, size_t plain_length)
{
    ByteReader reader = byte_reader(bytes.data, bytes.length);
    if (byte_reader_varint(&reader) != plain_length || reader.failed)
        return false;
    return read_pieces(reader.cursor, reader.end, out, plain_length);
}
