#pragma once
/* Blocks of integers: the smallest of several encodings, chosen by the values.
 *
 *   packed   i64 base, u8 width, packed differences from base (frame of reference)
 *   scaled   i64 base, u8 width, u64 scale, packed quotients: all differences are multiples of scale
 *   delta    i64 first, i64 step, u8 width, packed (difference from the value before - step)
 *   runs     u32 runs, u8 length width, packed lengths - 1, then the values of the runs as packed
 *   patched  i64 base, u8 width, u16 n, packed low bits, n u16 positions, n u64 high parts
 *
 * Anything but packed has to be clearly smaller, since packed decodes fastest. */

#include "base/bytes.h"

typedef enum IntEncoding {
    INT_PACKED = 1,
    INT_SCALED = 7,
    INT_DELTA = 8,
    INT_RUNS = 9,
    INT_PATCHED = 10,
} IntEncoding;

enum { INTPACK_MAX_VALUES = 4096 };

/* count is 1 .. INTPACK_MAX_VALUES. */
IntEncoding intpack_encode(const int64_t *values, uint32_t count, ByteBuf *out);
/* out_width: bytes of an output element, 1, 2, 4, 8: values are cut to it. Blocks have BITPACK_SLACK
 * readable bytes behind them. False: the block is damaged. */
bool intpack_decode(IntEncoding encoding, ByteReader *reader, uint32_t count, uint32_t out_width, void *restrict out);
