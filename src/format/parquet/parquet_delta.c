#include "format/parquet/parquet_delta.h"

#include "codec/bitpack.h"

enum { MOST_BLOCK_VALUES = 1 << 20 };

static int64_t zigzag(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

bool delta_open(DeltaReader *reader, const uint8_t *bytes, size_t length)
{
    *reader = (DeltaReader){.bytes = byte_reader(bytes, length), .is_first = true};
    uint64_t block = byte_reader_varint(&reader->bytes), minis = byte_reader_varint(&reader->bytes);
    reader->left = byte_reader_varint(&reader->bytes);
    reader->last = (uint64_t)zigzag(byte_reader_varint(&reader->bytes));
    if (reader->bytes.failed || minis == 0 || block == 0 || block > MOST_BLOCK_VALUES || block % minis != 0 || block / minis % DELTA_STEP != 0)
        return false;
    reader->mini_count = (uint32_t)minis;
    reader->mini_values = (uint32_t)(block / minis);
    return true;
}

static bool next_miniblock(DeltaReader *reader)
{
    if (reader->minis_left == 0) {
        reader->least = zigzag(byte_reader_varint(&reader->bytes));
        reader->widths = (const uint8_t *)byte_reader_bytes(&reader->bytes, reader->mini_count).data;
        reader->minis_left = reader->mini_count;
        if (reader->bytes.failed)
            return false;
    }
    reader->width = *reader->widths++;
    reader->minis_left--;
    reader->mini_left = reader->mini_values;
    return reader->width <= 64;
}

/* 32 values of any width, which take 4 * width bytes. */
static void unpack_step(const uint8_t *in, uint32_t width, uint64_t base, uint64_t *out)
{
    if (width <= 56) {
        bitpack_unpack(in, DELTA_STEP, width, (int64_t)base, 8, out);
        return;
    }
    for (uint32_t i = 0; i < DELTA_STEP; i++) {
        size_t bit = (size_t)i * width;
        uint64_t low = load_u64(in + bit / 8) >> (bit % 8);
        uint64_t high = bit % 8 == 0 ? 0 : (uint64_t)in[bit / 8 + 8] << (64 - bit % 8);
        uint64_t mask = width == 64 ? UINT64_MAX : ((uint64_t)1 << width) - 1;
        out[i] = base + ((low | high) & mask);
    }
}

/* Decodes the next step into ready. */
static bool next_step(DeltaReader *reader)
{
    if (reader->mini_left == 0 && !next_miniblock(reader))
        return false;
    size_t bytes = (size_t)reader->width * DELTA_STEP / 8;
    /* Writers may leave out the end of the last miniblock; the slack stands in for it when it is short enough. */
    if (byte_reader_left(&reader->bytes) < bytes) {
        uint64_t needed = MIN(reader->left, (uint64_t)DELTA_STEP) * reader->width;
        uint8_t rest[64 * DELTA_STEP / 8 + BITPACK_SLACK] = {0};
        size_t there = byte_reader_left(&reader->bytes);
        if (there < (needed + 7) / 8)
            return false;
        memcpy(rest, reader->bytes.cursor, there);
        reader->bytes.cursor = reader->bytes.end;
        unpack_step(rest, reader->width, (uint64_t)reader->least, reader->ready);
    } else {
        unpack_step(reader->bytes.cursor, reader->width, (uint64_t)reader->least, reader->ready);
        reader->bytes.cursor += bytes;
    }
    uint64_t last = reader->last;
    for (uint32_t i = 0; i < DELTA_STEP; i++)
        reader->ready[i] = last += reader->ready[i];
    reader->last = last;
    reader->mini_left -= DELTA_STEP;
    reader->ready_at = 0;
    reader->ready_count = DELTA_STEP;
    return true;
}

/* The next values that are ready, at most count; NULL: there are none. */
static const uint64_t *take(DeltaReader *reader, uint32_t count, uint32_t *out_taken)
{
    if (reader->left == 0)
        return NULL;
    if (reader->is_first) {
        reader->is_first = false;
        reader->ready[0] = reader->last;
        reader->ready_at = 0;
        reader->ready_count = 1;
    } else if (reader->ready_at == reader->ready_count && !next_step(reader)) {
        return NULL;
    }
    uint32_t taken = MIN(count, reader->ready_count - reader->ready_at);
    if (taken > reader->left)
        taken = (uint32_t)reader->left;
    const uint64_t *values = reader->ready + reader->ready_at;
    reader->ready_at += taken;
    reader->left -= taken;
    *out_taken = taken;
    return values;
}

bool delta_read_i64(DeltaReader *reader, uint32_t count, int64_t *out)
{
    for (uint32_t taken = 0; count > 0; count -= taken, out += taken) {
        const uint64_t *values = take(reader, count, &taken);
        if (values == NULL)
            return false;
        memcpy(out, values, (size_t)taken * sizeof(*values));
    }
    return true;
}

bool delta_read_i32(DeltaReader *reader, uint32_t count, int32_t *out)
{
    for (uint32_t taken = 0; count > 0; count -= taken, out += taken) {
        const uint64_t *values = take(reader, count, &taken);
        if (values == NULL)
            return false;
        for (uint32_t i = 0; i < taken; i++)
            out[i] = (int32_t)values[i];
    }
    return true;
}

const uint8_t *delta_end(const uint8_t *bytes, size_t length)
{
    DeltaReader reader;
    if (!delta_open(&reader, bytes, length))
        return NULL;
    uint64_t left = reader.left > 0 ? reader.left - 1 : 0;
    while (left > 0) {
        if (!next_miniblock(&reader))
            return NULL;
        byte_reader_bytes(&reader.bytes, (size_t)reader.width * (reader.mini_values / 8));
        if (reader.bytes.failed)
            return NULL;
        left -= MIN(left, (uint64_t)reader.mini_values); /* miniblocks that hold no value have no bytes */
    }
    return reader.bytes.cursor;
}
