#include "codec/alp.h"

/* The pair of exponents is tried on a sample, then all values are encoded with the best one. */

#include <math.h>

#include "base/memory.h"
#include "codec/bitpack.h"

enum { MAX_EXPONENT = 18, SAMPLE = 32, EXCEPTION_BITS = 80 };

static const double powers[MAX_EXPONENT + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                                1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
static const double fractions[MAX_EXPONENT + 1] = {1e0,   1e-1,  1e-2,  1e-3,  1e-4,  1e-5,  1e-6,  1e-7,  1e-8, 1e-9,
                                                   1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15, 1e-16, 1e-17, 1e-18};

static double to_double(int64_t number, uint32_t e, uint32_t f)
{
    return (double)number * powers[f] * fractions[e];
}

static bool to_number(double value, uint32_t e, uint32_t f, int64_t *out)
{
    double scaled = value * powers[e] * fractions[f];
    if (!(scaled > -9e15 && scaled < 9e15))
        return false;
    *out = (int64_t)nearbyint(scaled);
    double back = to_double(*out, e, f);
    return load_u64(&back) == load_u64(&value); /* bits: -0.0 is not 0.0 */
}

static uint64_t sample_bits(const double *values, uint32_t count, uint32_t e, uint32_t f)
{
    uint32_t step = MAX(count / SAMPLE, 1u);
    uint64_t failed = 0;
    uint64_t tried = 0;
    int64_t low = INT64_MAX;
    int64_t high = INT64_MIN;
    for (uint32_t i = 0; i < count; i += step) {
        int64_t number;
        tried++;
        if (!to_number(values[i], e, f, &number)) {
            failed++;
            continue;
        }
        low = MIN(low, number);
        high = MAX(high, number);
    }
    uint64_t width = low <= high ? bits_needed((uint64_t)high - (uint64_t)low) : 0;
    return tried * width + failed * EXCEPTION_BITS;
}

static void choose_exponents(const double *values, uint32_t count, uint32_t *out_e, uint32_t *out_f)
{
    uint64_t best = UINT64_MAX;
    for (uint32_t e = 0; e <= MAX_EXPONENT; e++) {
        for (uint32_t f = 0; f <= e; f++) {
            uint64_t bits = sample_bits(values, count, e, f);
            if (bits >= best)
                continue;
            best = bits;
            *out_e = e;
            *out_f = f;
        }
    }
}

bool alp_encode(const double *values, uint32_t count, ByteBuf *out)
{
    uint32_t e = 0, f = 0;
    choose_exponents(values, count, &e, &f);
    int64_t *numbers = mem_alloc(count * sizeof(*numbers));
    AUTO_BYTEBUF positions = {0};
    AUTO_BYTEBUF exceptions = {0};
    int64_t low = INT64_MAX;
    int64_t high = INT64_MIN;
    for (uint32_t i = 0; i < count; i++) {
        if (!to_number(values[i], e, f, &numbers[i])) {
            bytebuf_put_u16(&positions, (uint16_t)i);
            bytebuf_append(&exceptions, &values[i], sizeof(double));
            numbers[i] = INT64_MIN; /* no number: those are within 9e15 */
            continue;
        }
        low = MIN(low, numbers[i]);
        high = MAX(high, numbers[i]);
    }
    uint32_t width = low <= high ? bits_needed((uint64_t)high - (uint64_t)low) : 0;
    size_t bytes = bitpack_bytes(count, width) + positions.length + exceptions.length;
    bool is_worth = bytes < (size_t)count * 6;
    if (is_worth) {
        int64_t base = low <= high ? low : 0;
        for (uint32_t i = 0; i < count; i++)
            numbers[i] = numbers[i] == INT64_MIN ? base : numbers[i];
        bytebuf_put_u8(out, (uint8_t)e);
        bytebuf_put_u8(out, (uint8_t)f);
        bytebuf_put_u16(out, (uint16_t)(positions.length / 2));
        bytebuf_put_u64(out, (uint64_t)base);
        bytebuf_put_u8(out, (uint8_t)width);
        bitpack_append(out, numbers, count, base, width);
        bytebuf_append(out, positions.data, positions.length);
        bytebuf_append(out, exceptions.data, exceptions.length);
    }
    mem_free(numbers);
    return is_worth;
}

KERNEL_CLONES static void scale_numbers(double *out, uint32_t count, double power, double fraction)
{
    for (uint32_t i = 0; i < count; i++) {
        int64_t number;
        memcpy(&number, &out[i], sizeof(number));
        out[i] = (double)number * power * fraction;
    }
}

bool alp_decode(ByteReader *reader, uint32_t count, double *restrict out)
{
    uint8_t e = byte_reader_u8(reader);
    uint8_t f = byte_reader_u8(reader);
    uint32_t exceptions = byte_reader_u16(reader);
    int64_t base = (int64_t)byte_reader_u64(reader);
    uint8_t width = byte_reader_u8(reader);
    if (e > MAX_EXPONENT || f > MAX_EXPONENT || width > 64)
        return false;
    StrView packed = byte_reader_bytes(reader, bitpack_bytes(count, width));
    StrView positions = byte_reader_bytes(reader, (size_t)exceptions * 2);
    StrView values = byte_reader_bytes(reader, (size_t)exceptions * 8);
    if (reader->failed)
        return false;
    bitpack_unpack((const uint8_t *)packed.data, count, width, base, 8, out);
    scale_numbers(out, count, powers[f], fractions[e]);
    for (uint32_t i = 0; i < exceptions; i++) {
        uint32_t at = load_u16(positions.data + i * 2);
        if (at >= count)
            return false;
        memcpy(&out[at], values.data + i * 8, sizeof(double));
    }
    return true;
}
