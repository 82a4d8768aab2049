#include "codec/intpack.h"

/* One pass gathers what the choice needs: bounds, common divisor, bounds of the steps, runs, and how many
 * differences need how many bits. All arithmetic wraps in 64 bits; a range that overflows 63 bits is
 * packed at full width. */

#include "codec/bitpack.h"

typedef struct IntStats {
    int64_t low, high;
    int64_t step_low, step_high;
    bool has_wild_steps; /* a step that does not fit 62 bits */
    uint64_t divisor;    /* of all differences from low */
    uint32_t runs;
    uint32_t bits[65]; /* differences from low, by bits needed */
} IntStats;

typedef struct IntChoice {
    IntEncoding encoding;
    uint32_t width;
    size_t bytes;
} IntChoice;

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static void gather_steps(const int64_t *values, uint32_t count, IntStats *s)
{
    s->runs = 1;
    s->step_low = INT64_MAX;
    s->step_high = INT64_MIN;
    for (uint32_t i = 1; i < count; i++) {
        int64_t step;
        if (__builtin_sub_overflow(values[i], values[i - 1], &step) || step > INT64_MAX / 4 || step < INT64_MIN / 4) {
            s->has_wild_steps = true;
            step = 1;
        }
        s->runs += step != 0;
        s->step_low = MIN(s->step_low, step);
        s->step_high = MAX(s->step_high, step);
    }
}

static void gather(const int64_t *values, uint32_t count, IntStats *s)
{
    *s = (IntStats){.low = INT64_MAX, .high = INT64_MIN};
    for (uint32_t i = 0; i < count; i++) {
        s->low = MIN(s->low, values[i]);
        s->high = MAX(s->high, values[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t difference = (uint64_t)values[i] - (uint64_t)s->low;
        s->bits[bits_needed(difference)]++;
        if (s->divisor != 1 && difference != 0)
            s->divisor = common_divisor(difference, s->divisor);
    }
    gather_steps(values, count, s);
}

static void consider(IntChoice *best, IntEncoding encoding, uint32_t width, size_t bytes, size_t limit)
{
    if (bytes < best->bytes && bytes < limit)
        *best = (IntChoice){encoding, width, bytes};
}

static void consider_patched(const IntStats *s, uint32_t count, IntChoice *best, size_t limit)
{
    uint32_t exceptions = 0;
    for (uint32_t width = 64; width-- > 0;) {
        exceptions += s->bits[width + 1];
        if (exceptions > count / 16)
            return;
        if (width <= 56)
            consider(best, INT_PATCHED, width, bitpack_bytes(count, width) + exceptions * 10 + 11, limit);
    }
}

static IntChoice choose(const IntStats *s, uint32_t count)
{
    uint64_t range = (uint64_t)s->high - (uint64_t)s->low;
    uint32_t width = bits_needed(range);
    size_t packed = bitpack_bytes(count, width) + 9;
    IntChoice best = {INT_PACKED, width, packed};
    if (packed < 64)
        return best;
    consider_patched(s, count, &best, packed - packed / 5);
    if (s->divisor > 1) {
        uint32_t scaled = bits_needed(range / s->divisor);
        consider(&best, INT_SCALED, scaled, bitpack_bytes(count, scaled) + 17, packed - packed / 8);
    }
    if (!s->has_wild_steps) {
        uint32_t steps = bits_needed((uint64_t)s->step_high - (uint64_t)s->step_low);
        consider(&best, INT_DELTA, steps, bitpack_bytes(count, steps) + 17, packed - packed / 3);
    }
    if (s->runs < count / 8)
        consider(&best, INT_RUNS, width, bitpack_bytes(s->runs, width + 13) + 16, packed / 2);
    return best;
}

static void put_packed(const int64_t *values, uint32_t count, int64_t base, uint32_t width, ByteBuf *out)
{
    bytebuf_put_u64(out, (uint64_t)base);
    bytebuf_put_u8(out, (uint8_t)width);
    bitpack_append(out, values, count, base, width);
}

static void put_scaled(const int64_t *values, uint32_t count, const IntStats *s, uint32_t width, ByteBuf *out)
{
    int64_t quotients[INTPACK_MAX_VALUES / 8];
    bytebuf_put_u64(out, (uint64_t)s->low);
    bytebuf_put_u8(out, (uint8_t)width);
    bytebuf_put_u64(out, s->divisor);
    /* Parts of 512 values end on a byte. */
    for (uint32_t first = 0; first < count; first += COUNT_OF(quotients)) {
        uint32_t part = MIN(count - first, (uint32_t)COUNT_OF(quotients));
        for (uint32_t i = 0; i < part; i++)
            quotients[i] = (int64_t)(((uint64_t)values[first + i] - (uint64_t)s->low) / s->divisor);
        bitpack_append(out, quotients, part, 0, width);
    }
}

static void put_delta(const int64_t *values, uint32_t count, const IntStats *s, uint32_t width, ByteBuf *out)
{
    int64_t steps[INTPACK_MAX_VALUES / 8];
    bytebuf_put_u64(out, (uint64_t)values[0]);
    bytebuf_put_u64(out, (uint64_t)s->step_low);
    bytebuf_put_u8(out, (uint8_t)width);
    for (uint32_t first = 0; first < count; first += COUNT_OF(steps)) {
        uint32_t part = MIN(count - first, (uint32_t)COUNT_OF(steps));
        for (uint32_t i = 0; i < part; i++)
            steps[i] = first + i == 0 ? s->step_low : values[first + i] - values[first + i - 1];
        bitpack_append(out, steps, part, s->step_low, width);
    }
}

static void put_runs(const int64_t *values, uint32_t count, const IntStats *s, uint32_t width, ByteBuf *out)
{
    int64_t lengths[INTPACK_MAX_VALUES / 8];
    int64_t heads[INTPACK_MAX_VALUES / 8];
    uint32_t runs = 0;
    int64_t longest = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0 && values[i] == values[i - 1]) {
            lengths[runs - 1]++;
        } else {
            heads[runs] = values[i];
            lengths[runs++] = 0;
        }
        longest = MAX(longest, lengths[runs - 1]);
    }
    uint32_t length_width = bits_needed((uint64_t)longest);
    bytebuf_put_u32(out, runs);
    bytebuf_put_u8(out, (uint8_t)length_width);
    bitpack_append(out, lengths, runs, 0, length_width);
    put_packed(heads, runs, s->low, width, out);
}

static void put_patched(const int64_t *values, uint32_t count, const IntStats *s, uint32_t width, ByteBuf *out)
{
    int64_t low_bits[INTPACK_MAX_VALUES / 8];
    uint64_t mask = ((uint64_t)1 << width) - 1;
    AUTO_BYTEBUF positions = {0};
    AUTO_BYTEBUF highs = {0};
    AUTO_BYTEBUF packed = {0};
    for (uint32_t first = 0; first < count; first += COUNT_OF(low_bits)) {
        uint32_t part = MIN(count - first, (uint32_t)COUNT_OF(low_bits));
        for (uint32_t i = 0; i < part; i++) {
            uint64_t difference = (uint64_t)values[first + i] - (uint64_t)s->low;
            low_bits[i] = (int64_t)(difference & mask);
            if (difference <= mask)
                continue;
            bytebuf_put_u16(&positions, (uint16_t)(first + i));
            bytebuf_put_u64(&highs, difference & ~mask);
        }
        bitpack_append(&packed, low_bits, part, 0, width);
    }
    bytebuf_put_u64(out, (uint64_t)s->low);
    bytebuf_put_u8(out, (uint8_t)width);
    bytebuf_put_u16(out, (uint16_t)(positions.length / 2));
    bytebuf_append(out, packed.data, packed.length);
    bytebuf_append(out, positions.data, positions.length);
    bytebuf_append(out, highs.data, highs.length);
}

IntEncoding intpack_encode(const int64_t *values, uint32_t count, ByteBuf *out)
{
    IntStats stats;
    gather(values, count, &stats);
    IntChoice choice = choose(&stats, count);
    switch (choice.encoding) {
    case INT_PACKED:
        put_packed(values, count, stats.low, choice.width, out);
        break;
    case INT_SCALED:
        put_scaled(values, count, &stats, choice.width, out);
        break;
    case INT_DELTA:
        put_delta(values, count, &stats, choice.width, out);
        break;
    case INT_RUNS:
        put_runs(values, count, &stats, choice.width, out);
        break;
    case INT_PATCHED:
        put_patched(values, count, &stats, choice.width, out);
        break;
    }
    return choice.encoding;
}

/* ---- decoding ---- */

/* DO_WIDTH(F, ...) calls F for the unsigned type of out_width bytes. */
#define DO_WIDTH(out_width, LOOP)  \
    switch (out_width) {           \
    case 1:                        \
        LOOP(uint8_t) break;       \
    case 2:                        \
        LOOP(uint16_t) break;      \
    case 4:                        \
        LOOP(uint32_t) break;      \
    default:                       \
        LOOP(uint64_t) break;      \
    }

static bool decode_packed(ByteReader *reader, uint32_t count, uint32_t out_width, void *restrict out)
{
    int64_t base = (int64_t)byte_reader_u64(reader);
    uint8_t width = byte_reader_u8(reader);
    if (width > 64)
        return false;
    StrView packed = byte_reader_bytes(reader, bitpack_bytes(count, width));
    if (reader->failed)
        return false;
    bitpack_unpack((const uint8_t *)packed.data, count, width, base, out_width, out);
    return true;
}

#define SCALE(T)                            \
    for (uint32_t i = 0; i < count; i++)    \
        ((T *)out)[i] = (T)(1u * ((T *)out)[i] * (T)scale + (T)base); /* 1u: a narrow T would become int */

KERNEL_CLONES static void scale_values(uint32_t count, uint64_t scale, uint64_t base, uint32_t out_width, void *restrict out)
{
    DO_WIDTH(out_width, SCALE)
}

/* Quotients and scale of up to 32 bits: one multiplication that processors have for vectors. */
KERNEL_CLONES static void scale_halves(uint32_t count, uint64_t scale, uint64_t base, uint64_t *restrict out)
{
    for (uint32_t i = 0; i < count; i++)
        out[i] = (uint64_t)(uint32_t)out[i] * (uint32_t)scale + base;
}

static bool decode_scaled(ByteReader *reader, uint32_t count, uint32_t out_width, void *restrict out)
{
    uint64_t base = byte_reader_u64(reader);
    uint8_t width = byte_reader_u8(reader);
    uint64_t scale = byte_reader_u64(reader);
    if (width > 64)
        return false;
    StrView packed = byte_reader_bytes(reader, bitpack_bytes(count, width));
    if (reader->failed)
        return false;
    bitpack_unpack((const uint8_t *)packed.data, count, width, 0, out_width, out);
    if (out_width == 8 && width <= 32 && scale <= UINT32_MAX)
        scale_halves(count, scale, base, out);
    else
        scale_values(count, scale, base, out_width, out);
    return true;
}

#define SUM_UP(T)                                \
    {                                            \
        T value = (T)first;                      \
        ((T *)out)[0] = value;                   \
        for (uint32_t i = 1; i < count; i++)     \
            ((T *)out)[i] = value = (T)(value + ((T *)out)[i]); \
    }

static bool decode_delta(ByteReader *reader, uint32_t count, uint32_t out_width, void *restrict out)
{
    uint64_t first = byte_reader_u64(reader);
    if (!decode_packed(reader, count, out_width, out))
        return false;
    DO_WIDTH(out_width, SUM_UP)
    return true;
}

#define EXPAND(T)                                    \
    for (uint32_t r = 0; r < runs; r++) {            \
        T *target = (T *)out + at;                   \
        T head = ((T *)(void *)heads)[r];            \
        for (uint32_t i = 0; i <= lengths[r]; i++)   \
            target[i] = head;                        \
        at += lengths[r] + 1;                        \
    }

static bool decode_runs(ByteReader *reader, uint32_t count, uint32_t out_width, void *restrict out)
{
    uint16_t lengths[INTPACK_MAX_VALUES / 8];
    uint64_t heads[INTPACK_MAX_VALUES / 8];
    uint32_t runs = byte_reader_u32(reader);
    uint8_t width = byte_reader_u8(reader);
    if (runs > COUNT_OF(lengths) || width > 12)
        return false;
    StrView packed = byte_reader_bytes(reader, bitpack_bytes(runs, width));
    if (reader->failed || !decode_packed(reader, runs, out_width, heads))
        return false;
    bitpack_unpack((const uint8_t *)packed.data, runs, width, 0, 2, lengths);
    uint32_t total = runs;
    for (uint32_t r = 0; r < runs; r++)
        total += lengths[r];
    if (total != count)
        return false;
    uint32_t at = 0;
    DO_WIDTH(out_width, EXPAND)
    return true;
}

#define PATCH(T)                                             \
    for (uint32_t i = 0; i < exceptions; i++)                \
        ((T *)out)[load_u16(positions.data + i * 2)] =       \
            (T)(((T *)out)[load_u16(positions.data + i * 2)] + (T)load_u64(highs.data + i * 8));

static bool decode_patched(ByteReader *reader, uint32_t count, uint32_t out_width, void *restrict out)
{
    int64_t base = (int64_t)byte_reader_u64(reader);
    uint8_t width = byte_reader_u8(reader);
    uint32_t exceptions = byte_reader_u16(reader);
    if (width > 64)
        return false;
    StrView packed = byte_reader_bytes(reader, bitpack_bytes(count, width));
    StrView positions = byte_reader_bytes(reader, (size_t)exceptions * 2);
    StrView highs = byte_reader_bytes(reader, (size_t)exceptions * 8);
    if (reader->failed)
        return false;
    for (uint32_t i = 0; i < exceptions; i++) {
        if (load_u16(positions.data + i * 2) >= count)
            return false;
    }
    bitpack_unpack((const uint8_t *)packed.data, count, width, base, out_width, out);
    DO_WIDTH(out_width, PATCH)
    return true;
}

bool intpack_decode(IntEncoding encoding, ByteReader *reader, uint32_t count, uint32_t out_width, void *restrict out)
{
    if (count == 0 || count > INTPACK_MAX_VALUES)
        return false;
    switch (encoding) {
    case INT_PACKED:
        return decode_packed(reader, count, out_width, out);
    case INT_SCALED:
        return decode_scaled(reader, count, out_width, out);
    case INT_DELTA:
        return decode_delta(reader, count, out_width, out);
    case INT_RUNS:
        return decode_runs(reader, count, out_width, out);
    case INT_PATCHED:
        return decode_patched(reader, count, out_width, out);
    default:
        return false;
    }
}
