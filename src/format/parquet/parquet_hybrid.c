#include "format/parquet/parquet_hybrid.h"

#include "codec/bitpack.h"

static bool next_run(HybridReader *reader)
{
    ByteReader bytes = {reader->cursor, reader->end, false};
    uint64_t head = byte_reader_varint(&bytes);
    size_t value_bytes = (reader->width + 7) / 8;
    if (bytes.failed || head >> 1 == 0 || head >> 1 > UINT32_MAX / 8)
        return false;
    if ((head & 1) == 0) {
        StrView value = byte_reader_bytes(&bytes, value_bytes);
        reader->value = 0;
        for (size_t i = 0; i < value.length; i++)
            reader->value |= (uint32_t)(uint8_t)value.data[i] << (8 * i);
        reader->packed = NULL;
        reader->left = (uint32_t)(head >> 1);
    } else {
        /* The last group may be cut where its values end. */
        uint64_t values = (head >> 1) * 8, most = reader->width == 0 ? values : byte_reader_left(&bytes) * 8 / reader->width;
        reader->left = (uint32_t)MIN(values, most);
        reader->packed = bytes.cursor;
        size_t wanted = bitpack_bytes(reader->left, reader->width);
        byte_reader_bytes(&bytes, values > most ? byte_reader_left(&bytes) : wanted);
        reader->done = 0;
    }
    reader->cursor = bytes.cursor;
    return !bytes.failed && reader->left > 0;
}

static void fill(void *out, uint32_t count, uint32_t out_width, uint32_t value)
{
    if (out_width == 1) {
        memset(out, (int)value, count);
    } else if (out_width == 2) {
        for (uint32_t i = 0; i < count; i++)
            ((uint16_t *)out)[i] = (uint16_t)value;
    } else {
        for (uint32_t i = 0; i < count; i++)
            ((uint32_t *)out)[i] = value;
    }
}

/* Unpacking begins at bytes, so the values before the next group of eight go through a group of their own. */
static uint32_t read_packed(const HybridReader *reader, uint32_t count, uint32_t out_width, void *out)
{
    uint32_t into = reader->done % 8;
    const uint8_t *at = reader->packed + (size_t)(reader->done / 8) * reader->width;
    if (into > 0) {
        uint8_t group[8 * sizeof(uint32_t)];
        uint32_t taken = MIN(count, 8 - into);
        uint32_t there = MIN(8u, into + reader->left);
        bitpack_unpack(at, there, reader->width, 0, out_width, group);
        memcpy(out, group + (size_t)into * out_width, (size_t)taken * out_width);
        return taken;
    }
    bitpack_unpack(at, count, reader->width, 0, out_width, out);
    return count;
}

bool hybrid_read(HybridReader *reader, uint32_t count, uint32_t out_width, void *out)
{
    char *to = out;
    while (count > 0) {
        if (reader->left == 0 && !next_run(reader))
            return false;
        uint32_t taken = MIN(count, reader->left);
        if (reader->packed == NULL)
            fill(to, taken, out_width, reader->value);
        else
            taken = read_packed(reader, taken, out_width, to);
        reader->left -= taken;
        reader->done += taken;
        count -= taken;
        to += (size_t)taken * out_width;
    }
    return true;
}

bool hybrid_skip_run(HybridReader *reader, uint32_t count, uint32_t value)
{
    if (reader->left == 0 && !next_run(reader))
        return false;
    if (reader->packed != NULL || reader->value != value || reader->left < count)
        return false;
    reader->left -= count;
    return true;
}

static void append_packed(ByteBuf *out, const uint32_t *values, uint32_t count, uint32_t width)
{
    enum { AT_ONCE = 512 };
    int64_t wide[AT_ONCE];
    bytebuf_put_varint(out, (uint64_t)((count + 7) / 8) << 1 | 1);
    for (uint32_t first = 0; first < count; first += AT_ONCE) {
        uint32_t part = MIN(count - first, (uint32_t)AT_ONCE), padded = (part + 7) / 8 * 8;
        for (uint32_t i = 0; i < padded; i++)
            wide[i] = i < part ? values[first + i] : 0;
        bitpack_append(out, wide, padded, 0, width);
    }
}

static void append_run(ByteBuf *out, uint32_t value, uint32_t count, uint32_t width)
{
    bytebuf_put_varint(out, (uint64_t)count << 1);
    for (uint32_t i = 0; i < (width + 7) / 8; i++)
        bytebuf_put_u8(out, (uint8_t)(value >> (8 * i)));
}

static uint32_t run_length(const uint32_t *values, uint32_t count)
{
    uint32_t length = 1;
    while (length < count && values[length] == values[0])
        length++;
    return length;
}

void hybrid_append(ByteBuf *out, const uint32_t *values, uint32_t count, uint32_t width)
{
    enum { SHORTEST_RUN = 16 };
    uint32_t packed = 0; /* values since the last run that go packed */
    uint32_t at = 0;
    while (at < count) {
        uint32_t length = run_length(values + at, count - at);
        uint32_t pad = (8 - packed % 8) % 8; /* a packed run is whole groups: the run gives what is missing */
        if (length < SHORTEST_RUN + pad) {
            packed += length;
            at += length;
            continue;
        }
        packed += pad;
        if (packed > 0)
            append_packed(out, values + at + pad - packed, packed, width);
        append_run(out, values[at], length - pad, width);
        at += length;
        packed = 0;
    }
    if (packed > 0)
        append_packed(out, values + count - packed, packed, width);
}
