#include "format/parquet/parquet_leaf.h"

/* Raw values to those of vectors. Values that a type of ours cannot hold are an error: a flag is collected and looked at once. */

#include "types/datetime.h"
#include "types/decimal.h"
#include "types/json.h"

enum { JULIAN_DAY_OF_1970 = 2440588, INT96_BYTES = 12, UUID_BYTES = 16, UUID_TEXT_BYTES = 36 };
#define NS_PER_US 1000

typedef struct Conversion {
    const ParquetNode *node;
    const TimeZone *zone; /* NULL: no shift */
    Arena *arena;
    uint32_t count;
} Conversion;

static const char DATE_RANGE[] = "a date is outside of the years 0 to 9999";
static const char TIME_RANGE[] = "a timestamp is outside of the years 0 to 9999";
static const char DECIMAL_RANGE[] = "a decimal has more digits than its type";

uint32_t parquet_raw_width(const ParquetNode *node)
{
    switch ((ParquetPhysical)node->physical) {
    case PARQUET_INT32:
    case PARQUET_FLOAT:
        return 4;
    case PARQUET_INT64:
    case PARQUET_DOUBLE:
        return 8;
    case PARQUET_INT96:
        return INT96_BYTES;
    case PARQUET_FIXED:
        return (uint32_t)node->fixed_length;
    case PARQUET_BOOLEAN:
    case PARQUET_BYTE_ARRAY:
        break;
    }
    return 0;
}

static int64_t load_i64(const char *p)
{
    return (int64_t)load_u64(p);
}
static int64_t load_i32(const char *p)
{
    return (int32_t)load_u32(p);
}
static int64_t load_unsigned(const char *p)
{
    return load_u32(p);
}

static const char *convert_date(const Conversion *c, const char *raw, int32_t *out)
{
    int32_t low = 0, high = 0;
    memcpy(out, raw, (size_t)c->count * sizeof(*out));
    for (uint32_t i = 0; i < c->count; i++) {
        low = out[i] < low ? out[i] : low;
        high = out[i] > high ? out[i] : high;
    }
    return low < MIN_DATE || high > MAX_DATE ? DATE_RANGE : NULL;
}

/* Every width of source and target, with the limits of a decimal's digits. */
#define CONVERT_INTEGERS(name, load, step, T)                                                                                     \
    static bool name(const char *raw, uint32_t count, Int128 limit, T *out)                                                       \
    {                                                                                                                             \
        bool is_bad = false;                                                                                                      \
        const int64_t most = limit > INT64_MAX ? INT64_MAX : (int64_t)limit, least = limit > INT64_MAX ? INT64_MIN : -most;       \
        for (uint32_t i = 0; i < count; i++) {                                                                                    \
            int64_t value = load(raw + (size_t)i * (step));                                                                       \
            is_bad |= value > most || value < least;                                                                              \
            out[i] = (T)value;                                                                                                    \
        }                                                                                                                         \
        return is_bad;                                                                                                            \
    }
CONVERT_INTEGERS(narrow_to_i32, load_i32, 4, int32_t)
CONVERT_INTEGERS(narrow_to_i64, load_i32, 4, int64_t)
CONVERT_INTEGERS(narrow_to_i128, load_i32, 4, Int128)
CONVERT_INTEGERS(unsigned_to_i64, load_unsigned, 4, int64_t)
CONVERT_INTEGERS(wide_to_i32, load_i64, 8, int32_t)
CONVERT_INTEGERS(wide_to_i64, load_i64, 8, int64_t)
CONVERT_INTEGERS(wide_to_i128, load_i64, 8, Int128)

static const char *convert_integer(const Conversion *c, const char *raw, void *out)
{
    const ParquetNode *node = c->node;
    bool is_wide = node->physical == PARQUET_INT64, is_bad = false;
    Int128 limit = node->meaning == MEANS_DECIMAL ? decimal_max((uint8_t)node->precision) : (Int128)INT64_MAX + 1;
    if (node->meaning == MEANS_UNSIGNED && is_wide) {
        for (uint32_t i = 0; i < c->count; i++)
            ((Int128 *)out)[i] = (Int128)load_u64(raw + (size_t)i * 8);
    } else if (node->meaning == MEANS_UNSIGNED) {
        is_bad = unsigned_to_i64(raw, c->count, limit, out);
    } else if (node->value_type.phys == PHYS_I32) {
        is_bad = is_wide ? wide_to_i32(raw, c->count, limit, out) : narrow_to_i32(raw, c->count, limit, out);
    } else if (node->value_type.phys == PHYS_I64) {
        is_bad = is_wide ? wide_to_i64(raw, c->count, limit, out) : narrow_to_i64(raw, c->count, limit, out);
    } else {
        is_bad = is_wide ? wide_to_i128(raw, c->count, limit, out) : narrow_to_i128(raw, c->count, limit, out);
    }
    return is_bad ? DECIMAL_RANGE : NULL;
}

static int64_t floor_div(int64_t value, int64_t divisor)
{
    return value / divisor - (value % divisor < 0);
}

static void shift_to_zone(const Conversion *c, int64_t *values)
{
    for (uint32_t i = 0; c->zone != NULL && c->node->is_instant && i < c->count; i++)
        values[i] = time_zone_to_local(c->zone, values[i]);
}

static bool has_bad_datetime(const int64_t *values, uint32_t count)
{
    int64_t low = 0, high = 0;
    for (uint32_t i = 0; i < count; i++) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    return !datetime_in_range(low) || !datetime_in_range(high);
}

/* Microseconds of any unit; those that do not fit become the greatest number, which no range takes. */
static void to_microseconds(const Conversion *c, const char *raw, int64_t *out)
{
    bool is_wide = c->node->physical == PARQUET_INT64;
    if (c->node->unit == PARQUET_MICROS && is_wide) {
        memcpy(out, raw, (size_t)c->count * sizeof(*out));
        return;
    }
    for (uint32_t i = 0; i < c->count; i++) {
        int64_t value = is_wide ? load_i64(raw + (size_t)i * 8) : load_i32(raw + (size_t)i * 4), us;
        if (c->node->unit == PARQUET_NANOS)
            us = floor_div(value, NS_PER_US);
        else if (c->node->unit == PARQUET_MICROS)
            us = value;
        else if (__builtin_mul_overflow(value, 1000, &us))
            us = INT64_MAX;
        out[i] = us;
    }
}

static const char *check_datetime(const Conversion *c, int64_t *out)
{
    if (has_bad_datetime(out, c->count))
        return TIME_RANGE;
    shift_to_zone(c, out);
    return has_bad_datetime(out, c->count) ? TIME_RANGE : NULL;
}

static const char *convert_time(const Conversion *c, const char *raw, int64_t *out)
{
    to_microseconds(c, raw, out);
    for (uint32_t i = 0; i < c->count; i++) {
        if (out[i] < 0 || out[i] > US_PER_DAY)
            return "a time is outside of a day";
    }
    return NULL;
}

static const char *convert_int96(const Conversion *c, const char *raw, int64_t *out)
{
    for (uint32_t i = 0; i < c->count; i++, raw += INT96_BYTES) {
        int64_t ns = load_i64(raw), day = (int64_t)load_u32(raw + 8) - JULIAN_DAY_OF_1970;
        out[i] = date_in_range(day) ? day * US_PER_DAY + floor_div(ns, NS_PER_US) : INT64_MAX;
    }
    return check_datetime(c, out);
}

/* Big-endian two's complement of up to 16 bytes, with slack behind. */
static Int128 load_decimal(const char *p, uint32_t bytes)
{
    if (bytes == 0)
        return 0;
    UInt128 high = __builtin_bswap64(load_u64(p)), low = __builtin_bswap64(load_u64(p + 8));
    return (Int128)(high << 64 | low) >> (128 - 8 * bytes);
}

static bool put_decimal(const ParquetNode *node, Int128 value, uint32_t i, void *out)
{
    Int128 limit = decimal_max((uint8_t)node->precision);
    if (node->value_type.phys == PHYS_I32)
        ((int32_t *)out)[i] = (int32_t)value;
    else if (node->value_type.phys == PHYS_I64)
        ((int64_t *)out)[i] = (int64_t)value;
    else
        ((Int128 *)out)[i] = value;
    return value > limit || value < -limit;
}

static const char *convert_fixed_decimal(const Conversion *c, const char *raw, void *out)
{
    uint32_t width = (uint32_t)c->node->fixed_length;
    bool is_bad = false;
    for (uint32_t i = 0; i < c->count; i++)
        is_bad |= put_decimal(c->node, load_decimal(raw + (size_t)i * width, width), i, out);
    return is_bad ? DECIMAL_RANGE : NULL;
}

static const char *convert_binary_decimal(const Conversion *c, const Str *raw, void *out)
{
    bool is_bad = false;
    for (uint32_t i = 0; i < c->count; i++) {
        char bytes[32] = {0};
        if (raw[i].length > 16)
            return DECIMAL_RANGE;
        memcpy(bytes, str_data(&raw[i]), raw[i].length);
        is_bad |= put_decimal(c->node, load_decimal(bytes, raw[i].length), i, out);
    }
    return is_bad ? DECIMAL_RANGE : NULL;
}

static float half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half >> 15) << 31, exponent = half >> 10 & 31, fraction = half & 1023;
    float value;
    if (exponent == 0) { /* zero and what is below the normal numbers: fraction * 2^-24 */
        value = (float)fraction * 0x1p-24f;
        return sign != 0 ? -value : value;
    }
    uint32_t bits = sign | (exponent == 31 ? 255 : exponent + 112) << 23 | fraction << 13;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static const char *convert_strings(const Conversion *c, const Str *raw, Str *out)
{
    uint32_t longest = 0;
    for (uint32_t i = 0; i < c->count; i++)
        longest = raw[i].length > longest ? raw[i].length : longest;
    if (raw != out)
        memcpy(out, raw, (size_t)c->count * sizeof(*out));
    return longest > VARCHAR_MAX_BYTES ? "a value is longer than 1048576 bytes" : NULL;
}

static void convert_uuid(const Conversion *c, const char *raw, Str *out)
{
    static const char digits[] = "0123456789abcdef";
    for (uint32_t i = 0; i < c->count; i++, raw += UUID_BYTES) {
        char *text = arena_alloc_bytes(c->arena, UUID_TEXT_BYTES), *at = text;
        for (uint32_t b = 0; b < UUID_BYTES; b++) {
            if (b == 4 || b == 6 || b == 8 || b == 10)
                *at++ = '-';
            *at++ = digits[(uint8_t)raw[b] >> 4];
            *at++ = digits[(uint8_t)raw[b] & 15];
        }
        out[i] = str_make(text, UUID_TEXT_BYTES);
    }
}

static const char *convert_json(const Conversion *c, const Str *raw, Str *out)
{
    AUTO_BYTEBUF text = {0};
    for (uint32_t i = 0; i < c->count; i++) {
        bytebuf_clear(&text);
        if (raw[i].length > VARCHAR_MAX_BYTES || !json_canonical(str_view(&raw[i]), &text))
            return "a value is no JSON";
        Str made = str_make(text.data, text.length);
        out[i] = str_copy(c->arena, &made);
    }
    return NULL;
}

const char *parquet_convert_values(const ParquetNode *node, const TimeZone *zone, const void *raw, uint32_t count, Arena *arena, void *out)
{
    Conversion c = {node, zone, arena, count};
    switch ((ParquetConvert)node->convert) {
    case CONVERT_BOOL:
    case CONVERT_COPY:
        memcpy(out, raw, (size_t)count * phys_width(node->value_type.phys));
        return NULL;
    case CONVERT_DATE:
        return convert_date(&c, raw, out);
    case CONVERT_INTEGER:
        return convert_integer(&c, raw, out);
    case CONVERT_MICROSECONDS:
        return convert_time(&c, raw, out);
    case CONVERT_DATETIME:
        to_microseconds(&c, raw, out);
        return check_datetime(&c, out);
    case CONVERT_INT96:
        return convert_int96(&c, raw, out);
    case CONVERT_FIXED_DECIMAL:
        return convert_fixed_decimal(&c, raw, out);
    case CONVERT_BINARY_DECIMAL:
        return convert_binary_decimal(&c, raw, out);
    case CONVERT_FLOAT16:
        for (uint32_t i = 0; i < count; i++)
            ((float *)out)[i] = half_to_float(load_u16((const char *)raw + (size_t)i * 2));
        return NULL;
    case CONVERT_STRING:
        return convert_strings(&c, raw, out);
    case CONVERT_FIXED_STRING:
        for (uint32_t i = 0; i < count; i++)
            ((Str *)out)[i] = str_make_padded((const char *)raw + (size_t)i * (size_t)node->fixed_length, (uint32_t)node->fixed_length);
        return NULL;
    case CONVERT_UUID:
        convert_uuid(&c, raw, out);
        return NULL;
    case CONVERT_JSON:
        return convert_json(&c, raw, out);
    }
    UNREACHABLE();
}

Status parquet_convert(const LeafReader *leaf, const void *raw, uint32_t count, Arena *arena, void *out, Diag *diag)
{
    const char *problem = parquet_convert_values(leaf->node, leaf->file->zone, raw, count, arena, out);
    return problem == NULL ? OK : parquet_leaf_error(leaf, ERR_BAD_VALUE, diag, problem);
}
