#include "format/text_rows.h"

/* Text fields to typed vectors. Integers, decimals and dates have short paths for their usual form
 * (few digits, no exponent, "YYYY-MM-DD"); everything else goes through the parsers of types/. */

#include "types/text_nested.h"
#include "types/datetime.h"
#include "types/decimal.h"
#include "types/number_text.h"

void text_rows_init(TextRows *rows, Arena *arena, uint32_t column_count)
{
    *rows = (TextRows){.column_count = column_count};
    rows->fields = ARENA_NEW_ARRAY(arena, TextField, (size_t)column_count * CHUNK_ROWS);
    rows->rows = ARENA_NEW_ARRAY(arena, TextField, CHUNK_ROWS);
    rows->lines = ARENA_NEW_ARRAY(arena, uint32_t, CHUNK_ROWS);
    rows->found = ARENA_NEW_ARRAY(arena, uint32_t, CHUNK_ROWS);
}

/* Up to 18 digits with an optional minus; false sends the text to the full parser. */
ALWAYS_INLINE bool short_integer(const char *text, uint32_t length, int64_t *out)
{
    bool is_negative = length > 0 && text[0] == '-';
    uint32_t i = is_negative;
    if (i == length || length > 18)
        return false;
    int64_t value = 0;
    for (; i < length; i++) {
        unsigned digit = (unsigned char)text[i] - (unsigned)'0';
        if (digit > 9)
            return false;
        value = value * 10 + (int64_t)digit;
    }
    *out = is_negative ? -value : value;
    return true;
}

static const int64_t powers[19] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000,
                                   10000000000, 100000000000, 1000000000000, 10000000000000, 100000000000000,
                                   1000000000000000, 10000000000000000, 100000000000000000, 1000000000000000000};

/* [-]digits[.digits] that needs no rounding and stays within 18 digits after scaling. */
ALWAYS_INLINE bool short_decimal(const char *text, uint32_t length, uint32_t scale, int64_t *out)
{
    bool is_negative = length > 0 && text[0] == '-';
    uint32_t i = is_negative, point = UINT32_MAX;
    int64_t value = 0;
    if (i == length || length > 18)
        return false;
    for (; i < length; i++) {
        unsigned digit = (unsigned char)text[i] - (unsigned)'0';
        if (digit <= 9)
            value = value * 10 + (int64_t)digit;
        else if (text[i] == '.' && point == UINT32_MAX)
            point = i;
        else
            return false;
    }
    if (point != UINT32_MAX && length - is_negative == 1)
        return false;
    uint32_t fraction = point == UINT32_MAX ? 0 : length - point - 1;
    uint32_t digits = length - is_negative - (point != UINT32_MAX);
    if (fraction > scale || digits + scale - fraction > 18)
        return false;
    value *= powers[scale - fraction];
    *out = is_negative ? -value : value;
    return true;
}

typedef struct Column {
    const char *base;
    const TextField *fields;
    uint32_t count;
    Vector *out;
    uint8_t *failed;
    bool takes_fractions;
} Column;

NOINLINE static void fail_row(const Column *c, uint32_t row, uint8_t code)
{
    vector_set_null(c->out, row);
    if (code != 0)
        c->failed[row] = code;
}

ALWAYS_INLINE StrView field_text(const Column *c, uint32_t row)
{
    return (StrView){c->base + c->fields[row].offset, c->fields[row].length};
}

/* Runs `parse` (sets value from text, tells if it could) over all rows. */
#define PARSE_COLUMN(c, T, V, parse)                        \
    do {                                                    \
        T *data = (c)->out->data;                           \
        for (uint32_t row = 0; row < (c)->count; row++) {   \
            V value = 0;                                    \
            StrView text = field_text((c), row);            \
            if (UNLIKELY(text.length == TEXT_NULL)) {       \
                fail_row((c), row, 0);                      \
                data[row] = 0;                              \
            } else if (LIKELY(parse)) {                     \
                data[row] = (T)value;                       \
            } else {                                        \
                fail_row((c), row, TEXT_BAD_VALUE);         \
                data[row] = 0;                              \
            }                                               \
        }                                                   \
    } while (0)

/* 2^63 and beyond has no place, which a double can tell exactly. */
NOINLINE static bool fraction_to_integer(StrView text, int64_t *out)
{
    double value;
    if (!double_parse(text, &value) || !(value >= -0x1p63 && value < 0x1p63))
        return false;
    *out = (int64_t)value;
    return true;
}

ALWAYS_INLINE bool parse_integer(const Column *c, StrView text, int64_t low, int64_t high, int64_t *out)
{
    if (UNLIKELY(!short_integer(text.data, (uint32_t)text.length, out)) && !int64_parse(text, out) &&
        !(c->takes_fractions && fraction_to_integer(text, out)))
        return false;
    return *out >= low && *out <= high;
}

static bool parse_boolean(StrView text, int64_t *out)
{
    if (text.length == 1 && (text.data[0] == '0' || text.data[0] == '1')) {
        *out = text.data[0] == '1';
        return true;
    }
    if (strview_equal_ci(text, STR_VIEW("true")) || strview_equal_ci(text, STR_VIEW("false"))) {
        *out = text.length == 4;
        return true;
    }
    int64_t number;
    if (!int64_parse(text, &number))
        return false;
    *out = number != 0;
    return true;
}

ALWAYS_INLINE bool parse_decimal64(StrView text, Type type, int64_t limit, int64_t *out)
{
    if (LIKELY(short_decimal(text.data, (uint32_t)text.length, type.scale, out)))
        return *out <= limit && *out >= -limit;
    Int128 wide;
    if (!decimal_parse(strview_trim(text), type.precision, type.scale, &wide))
        return false;
    *out = (int64_t)wide;
    return true;
}

static bool parse_decimal128(StrView text, Type type, Int128 *out)
{
    int64_t narrow;
    if (type.precision >= 18 && short_decimal(text.data, (uint32_t)text.length, type.scale, &narrow)) {
        *out = narrow;
        return true;
    }
    return decimal_parse(strview_trim(text), type.precision, type.scale, out);
}

static void parse_decimals(const Column *c, Type type)
{
    int64_t limit = type.precision <= 18 ? powers[type.precision] - 1 : INT64_MAX;
    if (type.phys == PHYS_I32)
        PARSE_COLUMN(c, int32_t, int64_t, parse_decimal64(text, type, limit, &value));
    else if (type.phys == PHYS_I64)
        PARSE_COLUMN(c, int64_t, int64_t, parse_decimal64(text, type, limit, &value));
    else
        PARSE_COLUMN(c, Int128, Int128, parse_decimal128(text, type, &value));
}

static void parse_strings(const Column *c, Type type)
{
    Str *data = c->out->data;
    uint32_t limit = type.length == 0 ? UINT32_MAX - 1 : type.length;
    for (uint32_t row = 0; row < c->count; row++) {
        StrView text = field_text(c, row);
        if (UNLIKELY(text.length > limit)) {
            fail_row(c, row, text.length == TEXT_NULL ? 0 : TEXT_TOO_LONG);
            text = (StrView){NULL, 0};
        }
        data[row] = str_make(text.data, text.length);
    }
}

static bool parse_other(Type type, StrView text, Arena *arena, Datum *out)
{
    if (type_is_nested(type))
        return nested_from_json(type, text, arena, out);
    return datum_parse(type, text, arena, NULL, out) == OK;
}

/* JSON and nested types, value by value. */
static void parse_others(const Column *c, Type type, Arena *arena)
{
    for (uint32_t row = 0; row < c->count; row++) {
        StrView text = field_text(c, row);
        Datum value = datum_null();
        if (text.length != TEXT_NULL && !parse_other(type, text, arena, &value)) {
            value = datum_null();
            c->failed[row] = TEXT_BAD_VALUE;
        }
        vector_put(c->out, arena, row, &value);
    }
}

void text_column_parse(const TextRows *rows, uint32_t column, Arena *arena, Vector *out, uint8_t *failed)
{
    Column each = {rows->base, rows->fields + (size_t)column * CHUNK_ROWS, rows->row_count, out, failed, rows->takes_fractions};
    const Column *c = &each;
    Type type = out->type;
    switch (type.kind) {
    case TYPE_BOOLEAN:
        PARSE_COLUMN(c, uint8_t, int64_t, parse_boolean(text, &value));
        break;
    case TYPE_TINYINT:
        PARSE_COLUMN(c, int8_t, int64_t, parse_integer(c, text, INT8_MIN, INT8_MAX, &value));
        break;
    case TYPE_SMALLINT:
        PARSE_COLUMN(c, int16_t, int64_t, parse_integer(c, text, INT16_MIN, INT16_MAX, &value));
        break;
    case TYPE_INT:
        PARSE_COLUMN(c, int32_t, int64_t, parse_integer(c, text, INT32_MIN, INT32_MAX, &value));
        break;
    case TYPE_BIGINT:
        PARSE_COLUMN(c, int64_t, int64_t, parse_integer(c, text, INT64_MIN, INT64_MAX, &value));
        break;
    case TYPE_LARGEINT:
        PARSE_COLUMN(c, Int128, Int128, int128_parse(strview_trim(text), &value));
        break;
    case TYPE_FLOAT:
        PARSE_COLUMN(c, float, double, double_parse(text, &value));
        break;
    case TYPE_DOUBLE:
        PARSE_COLUMN(c, double, double, double_parse(text, &value));
        break;
    case TYPE_DECIMAL:
        if (type_is_wide_decimal(type))
            parse_others(c, type, arena);
        else
            parse_decimals(c, type);
        break;
    case TYPE_DATE:
        PARSE_COLUMN(c, int32_t, int32_t, date_parse(text, &value));
        break;
    case TYPE_DATETIME:
        PARSE_COLUMN(c, int64_t, int64_t, datetime_parse_us(text, &value));
        break;
    case TYPE_CHAR:
    case TYPE_VARCHAR:
    case TYPE_VARBINARY:
        parse_strings(c, type);
        break;
    default:
        parse_others(c, type, arena);
    }
}
