#include "types/decimal.h"

/* 128-bit decimal arithmetic. Multiplication and division go through four 64-bit limbs only when a
 * 128-bit product would not do. */

#include <math.h>

#define E9 1000000000
#define E18 ((Int128)1000000000000000000)
const Int128 decimal_powers[DECIMAL_MAX_PRECISION + 1] = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, E9,
    (Int128)E9 * 10, (Int128)E9 * 100, (Int128)E9 * 1000, (Int128)E9 * 10000, (Int128)E9 * 100000,
    (Int128)E9 * 1000000, (Int128)E9 * 10000000, (Int128)E9 * 100000000, E18,
    E18 * 10, E18 * 100, E18 * 1000, E18 * 10000, E18 * 100000, E18 * 1000000, E18 * 10000000,
    E18 * 100000000, E18 * E9, E18 * E9 * 10, E18 * E9 * 100, E18 * E9 * 1000, E18 * E9 * 10000,
    E18 * E9 * 100000, E18 * E9 * 1000000, E18 * E9 * 10000000, E18 * E9 * 100000000, E18 * E18,
    E18 * E18 * 10, E18 * E18 * 100};

static Int128 div_round(Int128 value, Int128 divisor)
{
    Int128 quotient = value / divisor;
    Int128 rest = value % divisor;
    if (rest < 0)
        rest = -rest;
    if (rest >= divisor - rest)
        quotient += value < 0 ? -1 : 1;
    return quotient;
}

bool decimal_rescale(Int128 value, int from_scale, int to_scale, Int128 *out)
{
    if (to_scale == from_scale) {
        *out = value;
        return true;
    }
    if (to_scale > from_scale) {
        if (to_scale - from_scale > DECIMAL_MAX_PRECISION) {
            *out = 0;
            return value == 0;
        }
        return !__builtin_mul_overflow(value, decimal_powers[to_scale - from_scale], out);
    }
    int drop = from_scale - to_scale;
    *out = drop > DECIMAL_MAX_PRECISION ? 0 : div_round(value, decimal_powers[drop]);
    return true;
}

typedef struct Wide {
    UInt128 high;
    UInt128 low;
} Wide;

static Wide wide_mul(UInt128 a, UInt128 b)
{
    uint64_t a0 = (uint64_t)a, a1 = (uint64_t)(a >> 64);
    uint64_t b0 = (uint64_t)b, b1 = (uint64_t)(b >> 64);
    UInt128 p00 = (UInt128)a0 * b0, p01 = (UInt128)a0 * b1;
    UInt128 p10 = (UInt128)a1 * b0, p11 = (UInt128)a1 * b1;
    UInt128 middle = (p00 >> 64) + (uint64_t)p01 + (uint64_t)p10;
    Wide product;
    product.low = (middle << 64) | (uint64_t)p00;
    product.high = p11 + (p01 >> 64) + (p10 >> 64) + (middle >> 64);
    return product;
}

/* Shift-and-subtract; only for quotients that a 128-bit division can't do. */
static bool wide_div(Wide dividend, UInt128 divisor, UInt128 *out_quotient, UInt128 *out_rest)
{
    if (dividend.high >= divisor)
        return false;
    UInt128 rest = dividend.high;
    UInt128 quotient = 0;
    for (int bit = 127; bit >= 0; bit--) {
        bool carry = (rest >> 127) != 0;
        rest = (rest << 1) | ((dividend.low >> bit) & 1);
        if (carry || rest >= divisor) {
            rest -= divisor;
            quotient |= (UInt128)1 << bit;
        }
    }
    *out_quotient = quotient;
    *out_rest = rest;
    return true;
}

bool decimal_mul_div(Int128 a, Int128 b, Int128 c, Int128 *out)
{
    if (c == 0)
        return false;
    Int128 product;
    if (!__builtin_mul_overflow(a, b, &product)) {
        *out = c < 0 ? div_round(-product, -c) : div_round(product, c);
        return true;
    }
    bool is_negative = ((a < 0) != (b < 0)) != (c < 0);
    UInt128 divisor = c < 0 ? -(UInt128)c : (UInt128)c;
    Wide wide = wide_mul(a < 0 ? -(UInt128)a : (UInt128)a, b < 0 ? -(UInt128)b : (UInt128)b);
    UInt128 quotient, rest;
    if (!wide_div(wide, divisor, &quotient, &rest))
        return false;
    if (rest >= divisor - rest)
        quotient++;
    if ((quotient >> 127) != 0)
        return false;
    *out = is_negative ? -(Int128)quotient : (Int128)quotient;
    return true;
}

bool int128_parse(StrView text, Int128 *out)
{
    size_t i = 0;
    bool is_negative = text.length > 0 && text.data[0] == '-';
    if (text.length > 0 && (text.data[0] == '-' || text.data[0] == '+'))
        i = 1;
    if (i == text.length)
        return false;
    Int128 value = 0;
    for (; i < text.length; i++) {
        unsigned digit = (unsigned char)text.data[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(value, (Int128)10, &value) ||
            __builtin_sub_overflow(value, (Int128)digit, &value))
            return false;
    }
    /* Collected negative, so that the smallest value fits. */
    if (!is_negative && value == -value && value != 0)
        return false;
    *out = is_negative ? value : -value;
    return true;
}

void int128_print(Int128 value, ByteBuf *out)
{
    char digits[48];
    size_t at = sizeof(digits);
    UInt128 left = value < 0 ? -(UInt128)value : (UInt128)value;
    do {
        digits[--at] = (char)('0' + (int)(left % 10));
        left /= 10;
    } while (left > 0);
    if (value < 0)
        digits[--at] = '-';
    bytebuf_append(out, digits + at, sizeof(digits) - at);
}

void decimal_print(Int128 value, uint8_t scale, ByteBuf *out)
{
    char digits[64];
    size_t at = sizeof(digits);
    UInt128 left = value < 0 ? -(UInt128)value : (UInt128)value;
    unsigned count = 0;
    do {
        if (count == scale && scale > 0)
            digits[--at] = '.';
        if (left <= UINT64_MAX) {
            uint64_t small = (uint64_t)left;
            digits[--at] = (char)('0' + (char)(small % 10));
            left = small / 10;
        } else {
            digits[--at] = (char)('0' + (int)(left % 10));
            left /= 10;
        }
        count++;
    } while (left > 0 || count <= scale);
    if (value < 0)
        digits[--at] = '-';
    bytebuf_append(out, digits + at, sizeof(digits) - at);
}

typedef struct DecimalText {
    Int128 digits;      /* unscaled */
    int scale;          /* of digits */
    bool round_up;      /* first dropped digit was 5 or more */
    bool is_negative;
} DecimalText;

/* Collects at most 38 significant digits; later ones only matter by the first of them. */
static bool scan_digits(StrView text, size_t *in_out_at, DecimalText *out)
{
    size_t i = *in_out_at;
    bool seen_point = false, seen_digit = false, dropped = false;
    for (; i < text.length; i++) {
        char c = text.data[i];
        if (c == '.' && !seen_point) {
            seen_point = true;
            continue;
        }
        if (c < '0' || c > '9')
            break;
        seen_digit = true;
        if (out->digits < decimal_powers[37]) {
            out->digits = out->digits * 10 + (c - '0');
            out->scale += seen_point;
        } else {
            if (!dropped)
                out->round_up = c >= '5';
            dropped = true;
            out->scale -= !seen_point;
        }
    }
    *in_out_at = i;
    return seen_digit;
}

static bool scan_exponent(StrView text, size_t *in_out_at, DecimalText *out)
{
    size_t i = *in_out_at;
    if (i == text.length || (text.data[i] != 'e' && text.data[i] != 'E'))
        return true;
    i++;
    bool is_negative = i < text.length && text.data[i] == '-';
    if (i < text.length && (text.data[i] == '-' || text.data[i] == '+'))
        i++;
    int exponent = 0;
    size_t first = i;
    for (; i < text.length && text.data[i] >= '0' && text.data[i] <= '9'; i++)
        exponent = MIN(exponent * 10 + (text.data[i] - '0'), 10000);
    if (i == first)
        return false;
    out->scale += is_negative ? exponent : -exponent;
    *in_out_at = i;
    return true;
}

bool decimal_parse(StrView text, uint8_t precision, uint8_t scale, Int128 *out)
{
    text = strview_trim(text);
    DecimalText parsed = {0};
    size_t i = 0;
    if (text.length > 0 && (text.data[0] == '-' || text.data[0] == '+')) {
        parsed.is_negative = text.data[0] == '-';
        i = 1;
    }
    if (!scan_digits(text, &i, &parsed) || !scan_exponent(text, &i, &parsed) || i != text.length)
        return false;
    if (parsed.round_up)
        parsed.digits++;
    Int128 value;
    if (!decimal_rescale(parsed.digits, parsed.scale, scale, &value) ||
        value > decimal_max(precision))
        return false;
    *out = parsed.is_negative ? -value : value;
    return true;
}

double decimal_to_double(Int128 value, uint8_t scale)
{
    if (value >= -DECIMAL_EXACT_DOUBLE && value <= DECIMAL_EXACT_DOUBLE && scale <= DECIMAL_EXACT_SCALE)
        return (double)(int64_t)value / (double)decimal_powers[scale];
    /* 64 bits of mantissa: both sides of the division are exact up to 10^19, so the result is right. */
    return (double)((long double)value / (long double)decimal_powers[scale]);
}

bool decimal_from_double(double value, uint8_t precision, uint8_t scale, Int128 *out)
{
    double scaled = round(value * (double)decimal_powers[scale]);
    if (!(fabs(scaled) <= (double)decimal_max(precision)))
        return false;
    *out = (Int128)scaled;
    return *out <= decimal_max(precision) && *out >= -decimal_max(precision);
}
