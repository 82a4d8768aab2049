#include "func/cast_int.h"

/* Numbers, dates and times as text, and plain numbers from text, without a detour by way of datums and buffers. What is not common (a
 * limit of length that could cut, other notations of a number) goes value by value. */

#include "func/shape.h"
#include "types/datetime.h"
#include "types/decimal.h"

/* Decimal digits from the end, two at a time; where they begin. */
static char *put_digits(uint64_t value, char *end)
{
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657"
        "5859606162636465666768697071727374757677787980818283848586878889909192939495969798"
        "99";
    for (; value > UINT32_MAX; value /= 100)
        memcpy(end -= 2, &pairs[value % 100 * 2], 2);
    uint32_t left = (uint32_t)value;
    for (; left >= 100; left /= 100)
        memcpy(end -= 2, &pairs[left % 100 * 2], 2);
    if (left >= 10)
        memcpy(end -= 2, &pairs[left * 2], 2);
    else
        *--end = (char)('0' + left);
    return end;
}

/* The digits of a number below 10^8 in one word, all at once by halves: four, two, one a lane. The first in the lowest byte. */
static Str digits_of(uint32_t value)
{
    uint64_t x = value / 10000 | (uint64_t)(value % 10000) << 32;
    uint64_t high = x * 10486 >> 20 & 0x7f0000007fu;
    x = high | (x - high * 100) << 16;
    high = x * 103 >> 10 & 0x000f000f000f000fu;
    x = high | (x - high * 10) << 8;
    uint32_t zeros = value == 0 ? 7 : (uint32_t)__builtin_ctzll(x) / 8;
    Str text = {.length = 8 - zeros};
    x = (x | 0x3030303030303030u) >> (zeros * 8);
    memcpy(text.inlined, &x, sizeof(x));
    memset(text.inlined + sizeof(x), 0, STR_INLINE_BYTES - sizeof(x));
    return text;
}

/* False: it is wider. */
static bool read_narrow(const VectorView *view, PhysKind phys, uint32_t at, int64_t *out)
{
    switch (phys) {
    case PHYS_I8:
        *out = ((const int8_t *)view->data)[at];
        return true;
    case PHYS_I16:
        *out = ((const int16_t *)view->data)[at];
        return true;
    case PHYS_I32:
        *out = ((const int32_t *)view->data)[at];
        return true;
    case PHYS_I64:
        *out = ((const int64_t *)view->data)[at];
        return true;
    default:
        *out = (int64_t)((const Int128 *)view->data)[at];
        return *out == ((const Int128 *)view->data)[at];
    }
}

/* Integers as text: up to 12 digits lie in the Str itself. */
Status cast_integer_to_text(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    VectorView view = vector_view(arguments[0]);
    PhysKind phys = (PhysKind)arguments[0]->type.phys;
    (void)count;
    for (FUNC_ROWS(context, rows, i, row)) {
        int64_t value;
        (void)read_narrow(&view, phys, view_index(&view, row), &value); /* BIGINT at the most */
        if (LIKELY(value >= 0 && value < 100000000)) {
            ((Str *)out->data)[row] = digits_of((uint32_t)value);
            continue;
        }
        char digits[24 + STR_INLINE_BYTES]; /* the end may be read as a whole Str */
        char *end = digits + 24;
        char *first = put_digits(value < 0 ? 0 - (uint64_t)value : (uint64_t)value, end);
        if (value < 0)
            *--first = '-';
        Str text = str_make_padded(first, (uint32_t)(end - first));
        ((Str *)out->data)[row] = str_copy(context->arena, &text);
    }
    return OK;
}

/* Digits with a point before the last scale ones; ends at end. */
static char *put_decimal(int64_t value, uint8_t scale, char *end)
{
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    char *first = end;
    if (scale > 0) {
        for (uint8_t i = 0; i < scale; i++, left /= 10)
            *--first = (char)('0' + left % 10);
        *--first = '.';
    }
    first = put_digits(left, first);
    if (value < 0)
        *--first = '-';
    return first;
}

static Status decimal_to_text(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    VectorView view = vector_view(arguments[0]);
    PhysKind phys = (PhysKind)arguments[0]->type.phys;
    uint8_t scale = arguments[0]->type.scale;
    (void)count;
    for (FUNC_ROWS(context, rows, i, row)) {
        int64_t value;
        if (!read_narrow(&view, phys, view_index(&view, row), &value)) {
            if (out->nulls == NULL || out->nulls[row] == 0)
                TRY(cast_row(context, arguments[0], row, out));
            continue;
        }
        char digits[64 + STR_INLINE_BYTES]; /* the end may be read as a whole Str */
        char *end = digits + 64;
        char *first = put_decimal(value, scale, end);
        Str text = str_make_padded(first, (uint32_t)(end - first));
        ((Str *)out->data)[row] = str_copy(context->arena, &text);
    }
    return OK;
}

static Status date_to_text(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    VectorView view = vector_view(arguments[0]);
    (void)count;
    for (FUNC_ROWS(context, rows, i, row)) {
        char text[16];
        if (out->nulls == NULL || out->nulls[row] == 0)
            ((Str *)out->data)[row] =
                str_make_padded(text, (uint32_t)date_print(((const int32_t *)view.data)[view_index(&view, row)], text));
    }
    return OK;
}

static Status datetime_to_text(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    VectorView view = vector_view(arguments[0]);
    (void)count;
    for (FUNC_ROWS(context, rows, i, row)) {
        char text[32];
        if (out->nulls == NULL || out->nulls[row] == 0)
            result_text(context, out, row, text, datetime_print(((const int64_t *)view.data)[view_index(&view, row)], text));
    }
    return OK;
}

/* [+-]digits[.digits], up to 18 of them: what they are without the point, and how many stand behind it. */
static bool read_plain(StrView text, int64_t *out_digits, uint32_t *out_scale)
{
    size_t at = text.length > 0 && (text.data[0] == '-' || text.data[0] == '+');
    size_t first = at;
    size_t point = text.length;
    uint64_t value = 0;
    if (text.length == at || text.length - at > 19)
        return false;
    for (; at < text.length; at++) {
        uint32_t digit = (uint8_t)text.data[at] - (uint32_t)'0';
        if (digit <= 9) {
            value = value * 10 + digit;
        } else if (text.data[at] == '.' && point == text.length && at > first && at + 1 < text.length) {
            point = at;
        } else {
            return false;
        }
    }
    *out_digits = text.data[0] == '-' ? -(int64_t)value : (int64_t)value;
    *out_scale = point == text.length ? 0 : (uint32_t)(text.length - point - 1);
    return point < text.length || text.length - first <= 18;
}

static bool read_integer(StrView text, int64_t *out)
{
    uint32_t scale;
    return read_plain(text, out, &scale) && scale == 0;
}

static Status text_to_double(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    VectorView view = vector_view(arguments[0]);
    (void)count;
    for (FUNC_ROWS(context, rows, i, row)) {
        int64_t digits;
        uint32_t scale;
        if (out->nulls != NULL && out->nulls[row] != 0)
            continue;
        bool is_plain = read_plain(str_view(&((const Str *)view.data)[view_index(&view, row)]), &digits, &scale);
        if (is_plain && digits != 0 && digits >= -DECIMAL_EXACT_DOUBLE && digits <= DECIMAL_EXACT_DOUBLE) /* -0 is a number of its own */
            ((double *)out->data)[row] = (double)digits / (double)decimal_powers[scale];
        else
            TRY(cast_row(context, arguments[0], row, out));
    }
    return OK;
}

#define TEXT_TO_DECIMAL(NAME, T)                                                                                                           \
    static Status NAME(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)                       \
    {                                                                                                                                      \
        VectorView view = vector_view(arguments[0]);                                                                                       \
        Type type = ((const CastData *)context->binding->data)->target;                                                                    \
        (void)count;                                                                                                                       \
        for (FUNC_ROWS(context, rows, i, row)) {                                                                                           \
            int64_t digits;                                                                                                                \
            uint32_t scale;                                                                                                                \
            Int128 value;                                                                                                                  \
            if (out->nulls != NULL && out->nulls[row] != 0)                                                                                \
                continue;                                                                                                                  \
            bool fits = read_plain(str_view(&((const Str *)view.data)[view_index(&view, row)]), &digits, &scale) && scale <= type.scale && \
                        decimal_rescale(digits, (int)scale, type.scale, &value) && value <= decimal_max(type.precision) &&                 \
                        value >= -decimal_max(type.precision) && value == (T)value;                                                        \
            if (fits)                                                                                                                      \
                ((T *)out->data)[row] = (T)value;                                                                                          \
            else                                                                                                                           \
                TRY(cast_row(context, arguments[0], row, out));                                                                            \
        }                                                                                                                                  \
        return OK;                                                                                                                         \
    }
TEXT_TO_DECIMAL(text_to_decimal_i32, int32_t)
TEXT_TO_DECIMAL(text_to_decimal_i64, int64_t)
TEXT_TO_DECIMAL(text_to_decimal_i128, Int128)

#define TEXT_TO_INTEGER(NAME, T)                                                                                        \
    static Status NAME(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)    \
    {                                                                                                                   \
        VectorView view = vector_view(arguments[0]);                                                                    \
        (void)count;                                                                                                    \
        for (FUNC_ROWS(context, rows, i, row)) {                                                                        \
            int64_t value;                                                                                              \
            if (out->nulls != NULL && out->nulls[row] != 0)                                                             \
                continue;                                                                                               \
            if (read_integer(str_view(&((const Str *)view.data)[view_index(&view, row)]), &value) && value == (T)value) \
                ((T *)out->data)[row] = (T)value;                                                                       \
            else                                                                                                        \
                TRY(cast_row(context, arguments[0], row, out));                                                         \
        }                                                                                                               \
        return OK;                                                                                                      \
    }
TEXT_TO_INTEGER(text_to_i8, int8_t)
TEXT_TO_INTEGER(text_to_i16, int16_t)
TEXT_TO_INTEGER(text_to_i32, int32_t)
TEXT_TO_INTEGER(text_to_i64, int64_t)

ScalarKernel cast_text_kernel(Type source, Type target)
{
    static const ScalarKernel to_integer[PHYS_KIND_COUNT] = {
        [PHYS_I8] = text_to_i8, [PHYS_I16] = text_to_i16, [PHYS_I32] = text_to_i32, [PHYS_I64] = text_to_i64};
    static const ScalarKernel to_decimal[PHYS_KIND_COUNT] = {
        [PHYS_I32] = text_to_decimal_i32, [PHYS_I64] = text_to_decimal_i64, [PHYS_I128] = text_to_decimal_i128};
    if (type_is_string(source) && type_is_integer(target))
        return to_integer[target.phys];
    if (type_is_string(source) && target.kind == TYPE_DECIMAL)
        return type_is_wide_decimal(target) ? NULL : to_decimal[target.phys];
    if (type_is_string(source) && target.kind == TYPE_DOUBLE)
        return text_to_double;
    if (target.kind != TYPE_VARCHAR)
        return NULL;
    switch ((TypeKind)source.kind) {
    case TYPE_DECIMAL:
        return source.phys == PHYS_STR ? NULL : decimal_to_text;
    case TYPE_DATE:
        return date_to_text;
    case TYPE_DATETIME:
        return datetime_to_text;
    default:
        return NULL;
    }
}
