#include "types/number_text.h"

/* Integers are scanned by hand; doubles take an exact short cut when mantissa and power of ten are
 * both exact, else the C library. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

bool int64_parse(StrView text, int64_t *out)
{
    text = strview_trim(text);
    size_t i = 0;
    bool is_negative = false;
    if (text.length > 0 && (text.data[0] == '-' || text.data[0] == '+')) {
        is_negative = text.data[0] == '-';
        i = 1;
    }
    if (i == text.length)
        return false;
    uint64_t value = 0;
    size_t first = i;
    for (; i < text.length; i++) {
        unsigned digit = (unsigned char)text.data[i] - '0';
        if (digit > 9)
            return false;
        if (i - first >= 18 && (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
                                __builtin_add_overflow(value, (uint64_t)digit, &value)))
            return false;
        if (i - first < 18)
            value = value * 10 + digit;
    }
    uint64_t limit = (uint64_t)INT64_MAX + is_negative;
    if (value > limit)
        return false;
    *out = is_negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

static bool slow_double(StrView text, double *out)
{
    char copy[512];
    if (text.length == 0 || text.length >= sizeof(copy))
        return false;
    for (size_t i = 0; i < text.length; i++) { /* no hexadecimal floats */
        if (text.data[i] == 'x' || text.data[i] == 'X' || text.data[i] == '\0')
            return false;
    }
    memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    char *end;
    *out = strtod(copy, &end);
    return end == copy + text.length;
}

bool double_parse(StrView text, double *out)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    text = strview_trim(text);
    size_t i = 0;
    bool is_negative = text.length > 0 && text.data[0] == '-';
    if (text.length > 0 && (text.data[0] == '-' || text.data[0] == '+'))
        i = 1;
    uint64_t mantissa = 0;
    unsigned digits = 0, scale = 0;
    bool seen_point = false;
    for (; i < text.length; i++) {
        char c = text.data[i];
        if (c == '.' && !seen_point) {
            seen_point = true;
            continue;
        }
        if (c < '0' || c > '9' || digits == 15)
            return slow_double(text, out);
        mantissa = mantissa * 10 + (uint64_t)(c - '0');
        digits++;
        scale += seen_point;
    }
    if (digits == 0)
        return false;
    double value = (double)mantissa / powers[scale];
    *out = is_negative ? -value : value;
    return true;
}

void int64_print(int64_t value, ByteBuf *out)
{
    char digits[24];
    size_t at = sizeof(digits);
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + (int)(left % 10));
        left /= 10;
    } while (left > 0);
    if (value < 0)
        digits[--at] = '-';
    bytebuf_append(out, digits + at, sizeof(digits) - at);
}

/* Rewrites the C library's "d.ddde+XX" as plain digits or StarRocks' exponent form. */
static void print_shortest(const char *scientific, ByteBuf *out)
{
    char digits[32];
    size_t count = 0;
    const char *p = scientific;
    if (*p == '-') {
        bytebuf_append_char(out, '-');
        p++;
    }
    for (; *p != 'e' && *p != '\0'; p++) {
        if (*p != '.' && count < sizeof(digits))
            digits[count++] = *p;
    }
    long exponent = *p == 'e' ? strtol(p + 1, NULL, 10) : 0;
    while (count > 1 && digits[count - 1] == '0')
        count--;
    if (exponent >= 16 || exponent < -5) {
        bytebuf_append(out, digits, 1);
        if (count > 1) {
            bytebuf_append_char(out, '.');
            bytebuf_append(out, digits + 1, count - 1);
        }
        bytebuf_printf(out, "e%c%02ld", exponent < 0 ? '-' : '+', labs(exponent));
        return;
    }
    if (exponent < 0) {
        bytebuf_append_text(out, "0.");
        for (long i = exponent + 1; i < 0; i++)
            bytebuf_append_char(out, '0');
        bytebuf_append(out, digits, count);
        return;
    }
    for (long i = 0; i <= exponent; i++)
        bytebuf_append_char(out, (size_t)i < count ? digits[i] : '0');
    if (count > (size_t)exponent + 1) {
        bytebuf_append_char(out, '.');
        bytebuf_append(out, digits + exponent + 1, count - (size_t)exponent - 1);
    }
}

static bool print_special(double value, ByteBuf *out)
{
    if (isnan(value))
        bytebuf_append_text(out, "nan");
    else if (isinf(value))
        bytebuf_append_text(out, value < 0 ? "-inf" : "inf");
    else if (value == 0)
        bytebuf_append_text(out, signbit(value) ? "-0" : "0");
    else
        return false;
    return true;
}

/* Values of few decimals: n / 10^k is the value, so that n with a point in it is its shortest text. */
static bool print_few_decimals(double value, ByteBuf *out)
{
    static const double powers[] = {1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    double size = fabs(value);
    for (size_t k = 0; k < COUNT_OF(powers) && size >= 1e-3 && size < 1e8; k++) {
        int64_t n = llrint(size * powers[k]);
        if ((double)n / powers[k] != size)
            continue;
        int64_t whole = n / (int64_t)powers[k], rest = n % (int64_t)powers[k];
        char digits[COUNT_OF(powers)];
        for (size_t i = k + 1; i > 0; i--, rest /= 10)
            digits[i - 1] = (char)('0' + rest % 10);
        if (value < 0)
            bytebuf_append_char(out, '-');
        int64_print(whole, out);
        bytebuf_append_char(out, '.');
        bytebuf_append(out, digits, k + 1);
        return true;
    }
    return false;
}

void double_print(double value, ByteBuf *out)
{
    if (print_special(value, out))
        return;
    if (fabs(value) < 1e15 && value == (double)(int64_t)value) {
        int64_print((int64_t)value, out);
        return;
    }
    if (print_few_decimals(value, out))
        return;
    char text[40];
    for (int precision = 14; precision <= 16; precision++) {
        snprintf(text, sizeof(text), "%.*e", precision, value);
        if (strtod(text, NULL) == value)
            break;
    }
    print_shortest(text, out);
}

void float_print(float value, ByteBuf *out)
{
    if (print_special((double)value, out))
        return;
    char text[40];
    for (int precision = 5; precision <= 8; precision++) {
        snprintf(text, sizeof(text), "%.*e", precision, (double)value);
        if (strtof(text, NULL) == value)
            break;
    }
    print_shortest(text, out);
}
