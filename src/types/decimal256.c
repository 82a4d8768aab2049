#include "types/decimal256.h"

#include <math.h>

static Int256 magnitude_of(Int256 value)
{
    return int256_is_negative(value) ? int256_negate(value) : value;
}

Int256 int256_of(Int128 value)
{
    uint64_t sign = value < 0 ? UINT64_MAX : 0;
    return (Int256){{(uint64_t)value, (uint64_t)((UInt128)value >> 64), sign, sign}};
}

bool int256_to_128(Int256 value, Int128 *out)
{
    uint64_t sign = (value.limbs[1] >> 63) != 0 ? UINT64_MAX : 0;
    *out = (Int128)((UInt128)value.limbs[1] << 64 | value.limbs[0]);
    return value.limbs[2] == sign && value.limbs[3] == sign;
}

static int compare_magnitudes(Int256 a, Int256 b)
{
    for (int i = 3; i >= 0; i--) {
        if (a.limbs[i] != b.limbs[i])
            return a.limbs[i] < b.limbs[i] ? -1 : 1;
    }
    return 0;
}

int int256_compare(Int256 a, Int256 b)
{
    if (int256_is_negative(a) != int256_is_negative(b))
        return int256_is_negative(a) ? -1 : 1;
    return compare_magnitudes(a, b);
}

static Int256 add_wrapping(Int256 a, Int256 b)
{
    Int256 sum;
    UInt128 carry = 0;
    for (int i = 0; i < 4; i++) {
        carry += (UInt128)a.limbs[i] + b.limbs[i];
        sum.limbs[i] = (uint64_t)carry;
        carry >>= 64;
    }
    return sum;
}

Int256 int256_negate(Int256 value)
{
    for (int i = 0; i < 4; i++)
        value.limbs[i] = ~value.limbs[i];
    return add_wrapping(value, (Int256){{1, 0, 0, 0}});
}

bool int256_add(Int256 a, Int256 b, Int256 *out)
{
    *out = add_wrapping(a, b);
    bool same_signs = int256_is_negative(a) == int256_is_negative(b);
    return !same_signs || int256_is_negative(*out) == int256_is_negative(a);
}

bool int256_subtract(Int256 a, Int256 b, Int256 *out)
{
    *out = add_wrapping(a, int256_negate(b));
    bool same_signs = int256_is_negative(a) == int256_is_negative(b);
    return same_signs || int256_is_negative(*out) == int256_is_negative(a);
}

/* Product of magnitudes; false when it needs more than 256 bits. */
static bool multiply_magnitudes(Int256 a, Int256 b, Int256 *out)
{
    uint64_t product[8] = {0};
    for (int i = 0; i < 4; i++) {
        UInt128 carry = 0;
        for (int j = 0; j < 4; j++) {
            carry += (UInt128)a.limbs[i] * b.limbs[j] + product[i + j];
            product[i + j] = (uint64_t)carry;
            carry >>= 64;
        }
        product[i + 4] = (uint64_t)carry;
    }
    memcpy(out->limbs, product, sizeof(out->limbs));
    return (product[4] | product[5] | product[6] | product[7]) == 0;
}

/* A magnitude with a sign; false when it is beyond 2^255. */
static bool with_sign(Int256 magnitude, bool is_negative, Int256 *out)
{
    *out = is_negative ? int256_negate(magnitude) : magnitude;
    return int256_is_zero(magnitude) || int256_is_negative(*out) == is_negative;
}

bool int256_multiply(Int256 a, Int256 b, Int256 *out)
{
    Int256 product;
    bool is_negative = int256_is_negative(a) != int256_is_negative(b);
    return multiply_magnitudes(magnitude_of(a), magnitude_of(b), &product) && with_sign(product, is_negative, out);
}

static uint64_t divide_small(Int256 *value, uint64_t divisor)
{
    UInt128 rest = 0;
    for (int i = 3; i >= 0; i--) {
        rest = rest << 64 | value->limbs[i];
        value->limbs[i] = (uint64_t)(rest / divisor);
        rest %= divisor;
    }
    return (uint64_t)rest;
}

static Int256 shift_left_one(Int256 value)
{
    for (int i = 3; i > 0; i--)
        value.limbs[i] = value.limbs[i] << 1 | value.limbs[i - 1] >> 63;
    value.limbs[0] <<= 1;
    return value;
}

static uint32_t bit_length(Int256 value)
{
    for (uint32_t i = 4; i-- > 0;) {
        if (value.limbs[i] != 0)
            return i * 64 + 64 - (uint32_t)__builtin_clzll(value.limbs[i]);
    }
    return 0;
}

/* Shift and subtract; one limb by hardware division. */
static void divide_magnitudes(Int256 a, Int256 b, Int256 *out_quotient, Int256 *out_rest)
{
    *out_quotient = a;
    *out_rest = (Int256){{0}};
    if ((b.limbs[1] | b.limbs[2] | b.limbs[3]) == 0) {
        out_rest->limbs[0] = divide_small(out_quotient, b.limbs[0]);
        return;
    }
    *out_quotient = (Int256){{0}};
    for (uint32_t bit = bit_length(a); bit-- > 0;) {
        bool carry = (out_rest->limbs[3] >> 63) != 0;
        *out_rest = shift_left_one(*out_rest);
        out_rest->limbs[0] |= a.limbs[bit / 64] >> (bit % 64) & 1;
        if (carry || compare_magnitudes(*out_rest, b) >= 0) {
            *out_rest = add_wrapping(*out_rest, int256_negate(b));
            out_quotient->limbs[bit / 64] |= (uint64_t)1 << (bit % 64);
        }
    }
}

void int256_divide(Int256 a, Int256 b, Int256 *out_quotient, Int256 *out_rest)
{
    divide_magnitudes(magnitude_of(a), magnitude_of(b), out_quotient, out_rest);
    if (int256_is_negative(a) != int256_is_negative(b))
        *out_quotient = int256_negate(*out_quotient);
    if (int256_is_negative(a))
        *out_rest = int256_negate(*out_rest);
}

Int256 int256_divide_round(Int256 a, Int256 b)
{
    Int256 quotient, rest;
    Int256 divisor = magnitude_of(b);
    divide_magnitudes(magnitude_of(a), divisor, &quotient, &rest);
    if (compare_magnitudes(rest, add_wrapping(divisor, int256_negate(rest))) >= 0)
        quotient = add_wrapping(quotient, (Int256){{1, 0, 0, 0}});
    return int256_is_negative(a) != int256_is_negative(b) ? int256_negate(quotient) : quotient;
}

Int256 int256_power10(uint32_t exponent)
{
    Int256 power = {{1, 0, 0, 0}};
    for (uint32_t i = 0; i < exponent; i++)
        multiply_magnitudes(power, (Int256){{10, 0, 0, 0}}, &power);
    return power;
}

bool int256_rescale(Int256 value, int from_scale, int to_scale, Int256 *out)
{
    *out = value;
    if (to_scale == from_scale || int256_is_zero(value))
        return true;
    if (to_scale > from_scale)
        return to_scale - from_scale <= INT256_DIGITS &&
               int256_multiply(value, int256_power10((uint32_t)(to_scale - from_scale)), out);
    bool drops_all = from_scale - to_scale > INT256_DIGITS;
    *out = drops_all ? (Int256){{0}} : int256_divide_round(value, int256_power10((uint32_t)(from_scale - to_scale)));
    return true;
}

bool int256_fits(Int256 value, uint8_t precision)
{
    return compare_magnitudes(magnitude_of(value), int256_power10(precision)) < 0;
}

void int256_store(Int256 value, uint8_t bytes[INT256_BYTES])
{
    for (int i = 0; i < 4; i++) {
        uint64_t limb = __builtin_bswap64(value.limbs[3 - i] ^ (i == 0 ? UINT64_C(1) << 63 : 0));
        memcpy(bytes + i * 8, &limb, 8);
    }
}

Int256 int256_load(const void *bytes)
{
    Int256 value;
    for (int i = 0; i < 4; i++)
        value.limbs[3 - i] = __builtin_bswap64(load_u64((const uint8_t *)bytes + i * 8));
    value.limbs[3] ^= UINT64_C(1) << 63;
    return value;
}

Str int256_str(Arena *arena, Int256 value)
{
    uint8_t *bytes = (uint8_t *)arena_alloc_bytes(arena, INT256_BYTES);
    int256_store(value, bytes);
    return str_make((const char *)bytes, INT256_BYTES);
}

void decimal256_print(Int256 value, uint8_t scale, ByteBuf *out)
{
    char digits[96];
    size_t at = sizeof(digits);
    uint32_t count = 0;
    Int256 left = magnitude_of(value);
    do {
        if (count == scale && scale > 0)
            digits[--at] = '.';
        digits[--at] = (char)('0' + (char)divide_small(&left, 10));
        count++;
    } while (!int256_is_zero(left) || count <= scale);
    if (int256_is_negative(value))
        digits[--at] = '-';
    bytebuf_append(out, digits + at, sizeof(digits) - at);
}

/* Up to 76 digits and the exponent of the last; later digits matter by the first of them only. */
typedef struct WideText {
    Int256 digits;
    int scale;
    bool rounds_up, seen_digit;
} WideText;

static size_t scan_wide(StrView text, size_t at, WideText *out)
{
    bool seen_point = false, is_full = false;
    const Int256 most = int256_power10(INT256_DIGITS - 1);
    for (; at < text.length; at++) {
        char c = text.data[at];
        if (c == '.' && !seen_point) {
            seen_point = true;
            continue;
        }
        if (c < '0' || c > '9')
            break;
        out->seen_digit = true;
        if (!is_full && compare_magnitudes(out->digits, most) < 0) {
            multiply_magnitudes(out->digits, (Int256){{10, 0, 0, 0}}, &out->digits);
            out->digits = add_wrapping(out->digits, (Int256){{(uint64_t)(c - '0'), 0, 0, 0}});
            out->scale += seen_point;
            continue;
        }
        out->rounds_up |= !is_full && c >= '5';
        is_full = true;
        out->scale -= !seen_point;
    }
    return at;
}

static bool scan_exponent(StrView text, size_t at, int *in_out_scale)
{
    if (at == text.length)
        return true;
    if (text.data[at] != 'e' && text.data[at] != 'E')
        return false;
    at++;
    bool is_negative = at < text.length && text.data[at] == '-';
    at += at < text.length && (text.data[at] == '-' || text.data[at] == '+');
    int exponent = 0;
    size_t first = at;
    for (; at < text.length && text.data[at] >= '0' && text.data[at] <= '9'; at++)
        exponent = MIN(exponent * 10 + (text.data[at] - '0'), 10000);
    *in_out_scale += is_negative ? exponent : -exponent;
    return at > first && at == text.length;
}

bool decimal256_parse(StrView text, uint8_t precision, uint8_t scale, Int256 *out)
{
    WideText parsed = {0};
    text = strview_trim(text);
    bool has_sign = text.length > 0 && (text.data[0] == '-' || text.data[0] == '+');
    size_t at = scan_wide(text, has_sign, &parsed);
    if (!parsed.seen_digit || !scan_exponent(text, at, &parsed.scale))
        return false;
    if (parsed.rounds_up)
        parsed.digits = add_wrapping(parsed.digits, (Int256){{1, 0, 0, 0}});
    if (int256_is_negative(parsed.digits) || !int256_rescale(parsed.digits, parsed.scale, scale, out) || !int256_fits(*out, precision))
        return false;
    if (has_sign && text.data[0] == '-')
        *out = int256_negate(*out);
    return true;
}

double decimal256_to_double(Int256 value, uint8_t scale)
{
    Int256 magnitude = magnitude_of(value);
    long double number = 0;
    for (int i = 3; i >= 0; i--)
        number = number * 18446744073709551616.0L + (long double)magnitude.limbs[i];
    number /= powl(10, scale);
    return (double)(int256_is_negative(value) ? -number : number);
}

bool decimal256_from_double(double value, uint8_t precision, uint8_t scale, Int256 *out)
{
    double scaled = round(fabs(value) * pow(10, scale));
    *out = (Int256){{0}};
    if (!(scaled < 5e76))
        return false;
    for (int i = 3; i >= 0; i--) {
        double unit = ldexp(1, 64 * i);
        double limb = floor(scaled / unit);
        out->limbs[i] = (uint64_t)limb;
        scaled -= limb * unit;
    }
    if (value < 0)
        *out = int256_negate(*out);
    return int256_fits(*out, precision);
}
