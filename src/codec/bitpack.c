#include "codec/bitpack.h"

/* The portable path is one unaligned 8-byte load, shift and mask a value; widths above 56 bits are stored
 * as 64. With AVX2, eight values are taken at once: a byte shuffle brings each value's bytes into its lane,
 * then one variable shift and mask put it in place. The controls depend on the width alone. */

#if defined(__x86_64__)
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2")))
#endif

enum { NARROW_BITS = 25 }; /* a value and its 7 bits of shift fit 32 bits */

static uint32_t stored_width(uint32_t width)
{
    return width > 56 ? 64 : width;
}

void bitpack_append(ByteBuf *out, const int64_t *values, uint32_t count, int64_t base, uint32_t width)
{
    width = stored_width(width);
    size_t bytes = bitpack_bytes(count, width);
    bytebuf_reserve(out, bytes + 8);
    uint8_t *at = (uint8_t *)out->data + out->length;
    uint64_t word = 0; /* bits that do not fill a byte yet, then more */
    uint32_t bits = 0;
    for (uint32_t i = 0; i < count && width == 64; i++, at += 8) {
        word = (uint64_t)values[i] - (uint64_t)base;
        memcpy(at, &word, sizeof(word));
    }
    for (uint32_t i = 0; i < count && width > 0 && width < 64; i++) {
        word |= ((uint64_t)values[i] - (uint64_t)base) << bits;
        bits += width; /* at most 7 + 56 */
        memcpy(at, &word, sizeof(word));
        at += bits / 8;
        word >>= bits & ~7u;
        bits &= 7;
    }
    out->length += bytes;
}

#define UNPACK(T)                                                                             \
    for (uint32_t i = first; i < count; i++) {                                                \
        size_t bit = (size_t)i * width;                                                       \
        ((T *)out)[i] = (T)((uint64_t)base + ((load_u64(in + bit / 8) >> (bit % 8)) & mask)); \
    }

static void unpack_portable(const uint8_t *in, uint32_t first, uint32_t count, uint32_t width, int64_t base,
                            uint32_t out_width, void *restrict out)
{
    uint64_t mask = width == 64 ? UINT64_MAX : ((uint64_t)1 << width) - 1;
    switch (out_width) {
    case 1:
        UNPACK(uint8_t)
        return;
    case 2:
        UNPACK(uint16_t)
        return;
    case 4:
        UNPACK(uint32_t)
        return;
    default:
        UNPACK(uint64_t)
        return;
    }
}

static void fill(uint32_t count, int64_t base, uint32_t out_width, void *out)
{
    if (out_width == 1)
        memset(out, (int)(uint8_t)base, count);
    for (uint32_t i = 0; i < count && out_width == 2; i++)
        ((uint16_t *)out)[i] = (uint16_t)base;
    for (uint32_t i = 0; i < count && out_width == 4; i++)
        ((uint32_t *)out)[i] = (uint32_t)base;
    for (uint32_t i = 0; i < count && out_width == 8; i++)
        ((uint64_t *)out)[i] = (uint64_t)base;
}

#ifdef AVX2
/* Controls for eight values of up to NARROW_BITS bits: four in each half. */
static void narrow_controls(uint32_t width, uint8_t shuffle[32], uint32_t shifts[8])
{
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t bit = (i < 4 ? 0 : 4 * width % 8) + (i % 4) * width;
        shifts[i] = bit % 8;
        for (uint32_t b = 0; b < 4; b++)
            shuffle[i * 4 + b] = (uint8_t)(bit / 8 + b);
    }
}

typedef struct NarrowControls {
    __m256i shuffle, shifts, mask, base;
    size_t second; /* bytes from the first half's to the second half's */
} NarrowControls;

AVX2 static inline __m256i narrow_eight(const uint8_t *in, const NarrowControls *c)
{
    __m128i low = _mm_loadu_si128((const __m128i *)(const void *)in);
    __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(in + c->second));
    __m256i bytes = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), c->shuffle);
    return _mm256_and_si256(_mm256_srlv_epi32(bytes, c->shifts), c->mask);
}

AVX2 static inline __m128i low_words(__m256i eight)
{
    __m256i words = _mm256_and_si256(eight, _mm256_set1_epi32(0xFFFF));
    return _mm_packus_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}

/* Returns how many values it did: a multiple of eight. */
AVX2 static uint32_t unpack_narrow(const uint8_t *in, uint32_t count, uint32_t width, int64_t base, uint32_t out_width,
                                   void *restrict out)
{
    uint8_t shuffle[32];
    uint32_t shifts[8];
    uint32_t done = 0;
    narrow_controls(width, shuffle, shifts);
    NarrowControls c = {_mm256_loadu_si256((const __m256i *)(const void *)shuffle),
                        _mm256_loadu_si256((const __m256i *)(const void *)shifts),
                        _mm256_set1_epi32((int)((1u << width) - 1)), _mm256_set1_epi32((int)(uint32_t)base), width / 2};
    __m256i base64 = _mm256_set1_epi64x(base);
    for (; out_width == 4 && done + 8 <= count; done += 8, in += width)
        _mm256_storeu_si256((__m256i *)(void *)((uint32_t *)out + done), _mm256_add_epi32(narrow_eight(in, &c), c.base));
    for (; out_width == 8 && done + 8 <= count; done += 8, in += width) {
        __m256i eight = narrow_eight(in, &c);
        __m256i low = _mm256_cvtepu32_epi64(_mm256_castsi256_si128(eight));
        __m256i high = _mm256_cvtepu32_epi64(_mm256_extracti128_si256(eight, 1));
        uint64_t *target = (uint64_t *)out + done;
        _mm256_storeu_si256((__m256i *)(void *)target, _mm256_add_epi64(low, base64));
        _mm256_storeu_si256((__m256i *)(void *)(target + 4), _mm256_add_epi64(high, base64));
    }
    for (; out_width == 2 && done + 8 <= count; done += 8, in += width) {
        __m128i words = low_words(_mm256_add_epi32(narrow_eight(in, &c), c.base));
        _mm_storeu_si128((__m128i *)(void *)((uint16_t *)out + done), words);
    }
    for (; out_width == 1 && done + 8 <= count; done += 8, in += width) {
        __m128i words = low_words(_mm256_add_epi32(narrow_eight(in, &c), c.base));
        words = _mm_and_si128(words, _mm_set1_epi16(0xFF));
        _mm_storel_epi64((__m128i *)(void *)((uint8_t *)out + done), _mm_packus_epi16(words, words));
    }
    return done;
}

/* 26 to 56 bits into 8 bytes: pairs of values, two pairs a register. */
AVX2 static uint32_t unpack_wide(const uint8_t *in, uint32_t count, uint32_t width, int64_t base, uint64_t *restrict out)
{
    uint8_t shuffle[2][32];
    uint64_t shifts[2][4];
    size_t starts[4];
    uint32_t done = 0;
    for (uint32_t pair = 0; pair < 4; pair++) {
        starts[pair] = 2 * width * pair / 8;
        for (uint32_t i = 0; i < 2; i++) {
            uint32_t bit = 2 * width * pair % 8 + i * width;
            shifts[pair / 2][(pair % 2) * 2 + i] = bit % 8;
            for (uint32_t b = 0; b < 8; b++)
                shuffle[pair / 2][(pair % 2) * 16 + i * 8 + b] = (uint8_t)(bit / 8 + b);
        }
    }
    __m256i mask = _mm256_set1_epi64x((int64_t)(((uint64_t)1 << width) - 1));
    __m256i add = _mm256_set1_epi64x(base);
    for (; done + 8 <= count; done += 8, in += width) {
        for (uint32_t half = 0; half < 2; half++) {
            __m128i low = _mm_loadu_si128((const __m128i *)(const void *)(in + starts[half * 2]));
            __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(in + starts[half * 2 + 1]));
            __m256i bytes = _mm256_shuffle_epi8(_mm256_set_m128i(high, low),
                                                _mm256_loadu_si256((const __m256i *)(const void *)shuffle[half]));
            __m256i values = _mm256_srlv_epi64(bytes, _mm256_loadu_si256((const __m256i *)(const void *)shifts[half]));
            values = _mm256_add_epi64(_mm256_and_si256(values, mask), add);
            _mm256_storeu_si256((__m256i *)(void *)(out + done + half * 4), values);
        }
    }
    return done;
}
#endif

void bitpack_unpack(const uint8_t *in, uint32_t count, uint32_t width, int64_t base, uint32_t out_width,
                    void *restrict out)
{
    uint32_t done = 0;
    width = stored_width(width);
    if (width == 0) {
        fill(count, base, out_width, out);
        return;
    }
#ifdef AVX2
    if (__builtin_cpu_supports("avx2")) {
        if (width <= NARROW_BITS)
            done = unpack_narrow(in, count, width, base, out_width, out);
        else if (width <= 56 && out_width == 8)
            done = unpack_wide(in, count, width, base, out);
    }
#endif
    unpack_portable(in, done, count, width, base, out_width, out);
}

void bitpack_unpack_portable(const uint8_t *in, uint32_t count, uint32_t width, int64_t base, uint32_t out_width,
                             void *restrict out)
{
    unpack_portable(in, 0, count, stored_width(width), base, out_width, out);
}

KERNEL_CLONES uint32_t highest_u32(const uint32_t *values, uint32_t count)
{
    uint32_t highest = 0;
    for (uint32_t i = 0; i < count; i++)
        highest = MAX(highest, values[i]);
    return highest;
}
