#pragma once
/* Doubles that were decimal numbers, after ALP: v = n * 10^f * 10^-e for one pair (e, f) a block and an
 * integer n, checked bit by bit; values for which that fails are kept as they are.
 *
 * Block: u8 e, u8 f, u16 exceptions, i64 base, u8 width, packed n - base, u16 positions, f64 exceptions. */

#include "base/bytes.h"

enum { ALP_MAX_VALUES = 4096 };

/* False, and nothing appended: less than a quarter would be saved. count is 1 .. ALP_MAX_VALUES. */
bool alp_encode(const double *values, uint32_t count, ByteBuf *out);
/* Blocks have BITPACK_SLACK readable bytes behind them. False: the block is damaged. */
bool alp_decode(ByteReader *reader, uint32_t count, double *restrict out);
