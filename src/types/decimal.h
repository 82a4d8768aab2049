#pragma once
/* Decimals are unscaled integers: 12.34 with scale 2 is 1234. Rounding is half away from zero. */

#include "types/type.h"

/* Up to these a number, a power of ten, and their quotient are what they should be in a double. */
#define DECIMAL_EXACT_DOUBLE ((int64_t)1 << 53)
enum { DECIMAL_EXACT_SCALE = 22 };

extern const Int128 decimal_powers[DECIMAL_MAX_PRECISION + 1]; /* 10^i */

static inline Int128 decimal_max(uint8_t precision)
{
    return decimal_powers[precision] - 1;
}
/* Moves from one scale to another; false on overflow of 128 bits. */
bool decimal_rescale(Int128 value, int from_scale, int to_scale, Int128 *out);
/* a * b / c with a 256-bit intermediate, rounded; false when c is 0 or the result overflows. */
bool decimal_mul_div(Int128 a, Int128 b, Int128 c, Int128 *out);
bool int128_parse(StrView text, Int128 *out);
void int128_print(Int128 value, ByteBuf *out);
void decimal_print(Int128 value, uint8_t scale, ByteBuf *out);
/* Accepts sign, digits, point, exponent; rounds to scale. False: no number or too large. */
bool decimal_parse(StrView text, uint8_t precision, uint8_t scale, Int128 *out);
double decimal_to_double(Int128 value, uint8_t scale);
bool decimal_from_double(double value, uint8_t precision, uint8_t scale, Int128 *out);
