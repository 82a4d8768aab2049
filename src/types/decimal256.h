#pragma once
/* DECIMAL of 39 to 76 digits: 256-bit two's complement integers.
 *
 * In vectors, segments and datums such a value is a string of 32 bytes, big-endian with the sign bit flipped, so
 * that bytes compare as the numbers do: sorting, grouping, joining, zone maps and storage need to know nothing
 * about it. Only arithmetic, casts and text do. Results are checked against 256 bits, not against the
 * precision; casts check the precision. Rounding is half away from zero. */

#include "types/datum.h"

enum { INT256_BYTES = 32, INT256_DIGITS = 76 };

typedef struct Int256 {
    uint64_t limbs[4]; /* low first */
} Int256;

static inline bool int256_is_negative(Int256 value)
{
    return (value.limbs[3] >> 63) != 0;
}
static inline bool int256_is_zero(Int256 value)
{
    return (value.limbs[0] | value.limbs[1] | value.limbs[2] | value.limbs[3]) == 0;
}
Int256 int256_of(Int128 value);
bool int256_to_128(Int256 value, Int128 *out);
int int256_compare(Int256 a, Int256 b);
Int256 int256_negate(Int256 value); /* the least value stays */
/* False: the result needs more than 256 bits. */
bool int256_add(Int256 a, Int256 b, Int256 *out);
bool int256_subtract(Int256 a, Int256 b, Int256 *out);
bool int256_multiply(Int256 a, Int256 b, Int256 *out);
/* Towards zero; b is not 0. */
void int256_divide(Int256 a, Int256 b, Int256 *out_quotient, Int256 *out_rest);
/* Half away from zero; b is not 0. */
Int256 int256_divide_round(Int256 a, Int256 b);
Int256 int256_power10(uint32_t exponent); /* up to 76 */
bool int256_rescale(Int256 value, int from_scale, int to_scale, Int256 *out);
/* |value| < 10^precision */
bool int256_fits(Int256 value, uint8_t precision);

void int256_store(Int256 value, uint8_t bytes[INT256_BYTES]);
Int256 int256_load(const void *bytes);
static inline Int256 int256_of_str(const Str *value)
{
    return value->length == INT256_BYTES ? int256_load(str_data(value)) : (Int256){{0}};
}
Str int256_str(Arena *arena, Int256 value);

void decimal256_print(Int256 value, uint8_t scale, ByteBuf *out);
/* As decimal_parse(). */
bool decimal256_parse(StrView text, uint8_t precision, uint8_t scale, Int256 *out);
double decimal256_to_double(Int256 value, uint8_t scale);
bool decimal256_from_double(double value, uint8_t precision, uint8_t scale, Int256 *out);
