#include "storage/row_bitmap.h"

/* The layout is that of the roaring bitmaps' format specification: a cookie, key and cardinality of each container of 65,536 rows,
 * offsets, and containers that are lists of rows, bits, or runs. Which form a container takes is what is smallest. */

#include "base/memory.h"

enum {
    COOKIE_PLAIN = 12346, /* no container of runs */
    COOKIE_RUNS = 12347,
    CONTAINER_ROWS = 1 << 16,
    CONTAINER_WORDS = CONTAINER_ROWS / 64,
    CONTAINER_BYTES = CONTAINER_ROWS / 8,
    MOST_LISTED = 4096,
    LEAST_OFFSETS = 4, /* with runs: fewer containers have no offsets */
};

/* ---- writing ---- */

typedef struct Container {
    uint32_t key;
    uint32_t words; /* that there are */
    uint32_t count; /* bits that are set */
    uint32_t runs;
    bool is_runs;
    uint32_t bytes;
} Container;

static void measure(const uint64_t *words, Container *c)
{
    uint64_t carry = 0;
    c->count = c->runs = 0;
    for (uint32_t w = 0; w < c->words; w++) {
        uint64_t word = words[w];
        c->count += (uint32_t)__builtin_popcountll(word);
        c->runs += (uint32_t)__builtin_popcountll(word & ~(word << 1 | carry));
        carry = word >> 63;
    }
    uint32_t plain = c->count <= MOST_LISTED ? c->count * 2 : CONTAINER_BYTES;
    c->is_runs = 2 + c->runs * 4 < plain;
    c->bytes = c->is_runs ? 2 + c->runs * 4 : plain;
}

static void append_list(const uint64_t *words, const Container *c, ByteBuf *out)
{
    bytebuf_reserve(out, (size_t)c->count * 2);
    char *to = out->data + out->length;
    for (uint32_t w = 0; w < c->words; w++) {
        for (uint64_t bits = words[w]; bits != 0; bits &= bits - 1, to += 2) {
            uint16_t row = (uint16_t)(w * 64 + (uint32_t)__builtin_ctzll(bits));
            memcpy(to, &row, sizeof(row));
        }
    }
    out->length += (size_t)c->count * 2;
}

static void append_runs(const uint64_t *words, const Container *c, ByteBuf *out)
{
    bytebuf_put_u16(out, (uint16_t)c->runs);
    uint32_t row = 0;
    uint32_t end = c->words * 64;
    while (row < end) {
        uint64_t ahead = words[row / 64] >> (row % 64);
        if (ahead == 0) {
            row = (row / 64 + 1) * 64;
            continue;
        }
        row += (uint32_t)__builtin_ctzll(ahead);
        uint32_t first = row;
        while (row < end && (words[row / 64] >> (row % 64) & 1) != 0)
            row += row % 64 == 0 && words[row / 64] == UINT64_MAX ? 64 : 1;
        bytebuf_put_u16(out, (uint16_t)first);
        bytebuf_put_u16(out, (uint16_t)(row - first - 1));
    }
}

static void append_container(const uint64_t *words, const Container *c, ByteBuf *out)
{
    if (c->is_runs) {
        append_runs(words, c, out);
    } else if (c->count <= MOST_LISTED) {
        append_list(words, c, out);
    } else {
        static const char zeros[CONTAINER_BYTES];
        bytebuf_append(out, words, (size_t)c->words * 8);
        bytebuf_append(out, zeros, CONTAINER_BYTES - (size_t)c->words * 8);
    }
}

static Container container_at(const uint64_t *words, uint32_t row_count, uint32_t key)
{
    uint32_t all = (uint32_t)(((uint64_t)row_count + 63) / 64);
    Container c = {.key = key, .words = MIN(all - key * CONTAINER_WORDS, (uint32_t)CONTAINER_WORDS)};
    measure(words + (size_t)key * CONTAINER_WORDS, &c);
    return c;
}

void row_bitmap_append(const uint64_t *words, uint32_t row_count, ByteBuf *out)
{
    uint32_t places = (uint32_t)(((uint64_t)row_count + CONTAINER_ROWS - 1) / CONTAINER_ROWS);
    Container *containers = mem_alloc_zero(((size_t)places + 1) * sizeof(*containers));
    uint8_t *flags = mem_alloc_zero(places / 8 + 1);
    uint32_t count = 0;
    bool has_runs = false;
    for (uint32_t key = 0; key < places; key++) {
        containers[count] = container_at(words, row_count, key);
        if (containers[count].count == 0)
            continue;
        has_runs |= containers[count].is_runs;
        flags[count / 8] |= (uint8_t)(containers[count].is_runs << (count % 8));
        count++;
    }
    size_t begin = out->length;
    bytebuf_put_u32(out, has_runs ? COOKIE_RUNS | (count - 1) << 16 : COOKIE_PLAIN);
    if (has_runs)
        bytebuf_append(out, flags, (count + 7) / 8);
    else
        bytebuf_put_u32(out, count);
    for (uint32_t i = 0; i < count; i++) {
        bytebuf_put_u16(out, (uint16_t)containers[i].key);
        bytebuf_put_u16(out, (uint16_t)(containers[i].count - 1));
    }
    bool has_offsets = !has_runs || count >= LEAST_OFFSETS;
    uint32_t offset = (uint32_t)(out->length - begin) + count * 4;
    for (uint32_t i = 0; i < count && has_offsets; i++) {
        bytebuf_put_u32(out, offset);
        offset += containers[i].bytes;
    }
    for (uint32_t i = 0; i < count; i++)
        append_container(words + (size_t)containers[i].key * CONTAINER_WORDS, &containers[i], out);
    mem_free(flags);
    mem_free(containers);
}

/* ---- reading ---- */

typedef struct Rows16 {
    uint64_t *words; /* of all rows */
    uint32_t row_count;
    uint32_t first; /* row of the container */
    uint32_t set;   /* bits that were not set before */
} Rows16;

static bool read_list(ByteReader *reader, uint32_t count, Rows16 *rows)
{
    StrView list = byte_reader_bytes(reader, (size_t)count * 2);
    if (reader->failed)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t row = (uint64_t)rows->first + load_u16(list.data + (size_t)i * 2);
        if (row >= rows->row_count)
            return false;
        uint64_t bit = 1ull << (row % 64);
        rows->set += (rows->words[row / 64] & bit) == 0;
        rows->words[row / 64] |= bit;
    }
    return true;
}

static bool read_bits(ByteReader *reader, Rows16 *rows)
{
    StrView bits = byte_reader_bytes(reader, CONTAINER_BYTES);
    if (reader->failed)
        return false;
    for (uint32_t w = 0; w < CONTAINER_WORDS; w++) {
        uint64_t word = load_u64(bits.data + (size_t)w * 8);
        uint64_t row = (uint64_t)rows->first + w * 64;
        if (word == 0)
            continue;
        if (row + 63 - (uint32_t)__builtin_clzll(word) >= rows->row_count)
            return false;
        rows->set += (uint32_t)__builtin_popcountll(word & ~rows->words[row / 64]);
        rows->words[row / 64] |= word;
    }
    return true;
}

static bool read_runs(ByteReader *reader, Rows16 *rows)
{
    uint32_t count = byte_reader_u16(reader);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t row = (uint64_t)rows->first + byte_reader_u16(reader);
        uint64_t end = row + byte_reader_u16(reader) + 1;
        if (reader->failed || end > rows->row_count)
            return false;
        while (row < end) {
            uint64_t left = MIN(end - row, 64 - row % 64);
            uint64_t bits = (left == 64 ? UINT64_MAX : (1ull << left) - 1) << (row % 64);
            rows->set += (uint32_t)__builtin_popcountll(bits & ~rows->words[row / 64]);
            rows->words[row / 64] |= bits;
            row += left;
        }
    }
    return !reader->failed;
}

bool row_bitmap_read(StrView bytes, uint64_t *words, uint32_t row_count, uint32_t *out_count)
{
    ByteReader reader = byte_reader(bytes.data, bytes.length);
    uint32_t cookie = byte_reader_u32(&reader);
    bool has_runs = (cookie & UINT16_MAX) == COOKIE_RUNS;
    uint32_t count = has_runs ? (cookie >> 16) + 1 : byte_reader_u32(&reader);
    Rows16 rows = {words, row_count, 0, 0};
    if (reader.failed || (!has_runs && cookie != COOKIE_PLAIN) || count > CONTAINER_ROWS)
        return false;
    StrView flags = byte_reader_bytes(&reader, has_runs ? (count + 7) / 8 : 0);
    StrView heads = byte_reader_bytes(&reader, (size_t)count * 4);
    (void)byte_reader_bytes(&reader, !has_runs || count >= LEAST_OFFSETS ? (size_t)count * 4 : 0);
    if (reader.failed)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t listed = load_u16(heads.data + (size_t)i * 4 + 2) + 1u;
        bool is_runs = has_runs && ((uint8_t)flags.data[i / 8] >> (i % 8) & 1) != 0;
        rows.first = (uint32_t)load_u16(heads.data + (size_t)i * 4) * CONTAINER_ROWS;
        bool is_good = is_runs                 ? read_runs(&reader, &rows)
                       : listed <= MOST_LISTED ? read_list(&reader, listed, &rows)
                                               : read_bits(&reader, &rows);
        if (!is_good)
            return false;
    }
    *out_count = rows.set;
    return true;
}
