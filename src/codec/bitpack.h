#pragma once
/* Bit-packing of unsigned differences: value i takes bits [i*width, (i+1)*width), little-endian.
 * Packed buffers have BITPACK_SLACK readable bytes behind them. */

#include "base/bytes.h"

enum { BITPACK_SLACK = 32 };

static inline uint32_t bits_needed(uint64_t range)
{
    return range == 0 ? 0 : 64 - (uint32_t)__builtin_clzll(range);
}
/* Widths above 56 bits take 64. */
static inline size_t bitpack_bytes(uint32_t count, uint32_t width)
{
    return ((size_t)count * (width > 56 ? 64 : width) + 7) / 8;
}
/* Appends bitpack_bytes() bytes. values[i] - base must fit into width bits. */
void bitpack_append(ByteBuf *out, const int64_t *values, uint32_t count, int64_t base, uint32_t width);
/* out_width: bytes of an output element, 1, 2, 4, 8. Adds base. in must hold what count and width
 * ask for, plus BITPACK_SLACK bytes. */
void bitpack_unpack(const uint8_t *in, uint32_t count, uint32_t width, int64_t base, uint32_t out_width,
                    void *restrict out);
/* The same without vector instructions: the oracle of tests. */
void bitpack_unpack_portable(const uint8_t *in, uint32_t count, uint32_t width, int64_t base, uint32_t out_width,
                             void *restrict out);
uint32_t highest_u32(const uint32_t *values, uint32_t count); /* 0 for none */
