#include "func/cast_int.h"

/* Casts between integers, decimals of up to 38 digits and floating point, a chunk at a time: all values are converted, and whether
 * one did not fit is looked at once, behind the loop. Then the chunk goes value by value, which says what is wrong with which.
 * What stands under NULLs may be anything. */

#include <math.h>

#include "func/shape.h"
#include "types/decimal.h"

/* FITS and BODY: expressions over x; the BODY of a value that does not fit must be defined, but for its meaning. */
#define CHECKED(NAME, F, T, FITS, BODY)                                                                                            \
    KERNEL_CLONES static Status NAME(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out) \
    {                                                                                                                              \
        VectorView view = vector_view(arguments[0]);                                                                               \
        const CastScale s = ((const CastData *)context->binding->data)->scale;                                                     \
        const F *a = view.data;                                                                                                    \
        const uint8_t *nulls = out->nulls;                                                                                         \
        T *restrict r = out->data;                                                                                                 \
        uint32_t good = 0;                                                                                                         \
        (void)s;                                                                                                                   \
        if (rows.sel == NULL && view.codes == NULL && !view.is_constant && nulls == NULL) {                                        \
            for (uint32_t i = 0; i < rows.count; i++) {                                                                            \
                F x = a[i];                                                                                                        \
                good += (FITS) != 0;                                                                                               \
                r[i] = (T)(BODY);                                                                                                  \
            }                                                                                                                      \
        } else {                                                                                                                   \
            for (FOR_ROWS(rows, i, row)) {                                                                                         \
                F x = a[view_index(&view, row)];                                                                                   \
                good += (FITS) || (nulls != NULL && nulls[row] != 0);                                                              \
                r[row] = (T)(BODY);                                                                                                \
            }                                                                                                                      \
        }                                                                                                                          \
        return good == rows.count ? OK : cast_row_by_row(context, arguments, count, rows, out);                                    \
    }

/* ---- integers ---- */

#define NARROW(FROM, F, TO, T) CHECKED(narrow_##FROM##_##TO, F, T, (F)(T)x == x, x)
NARROW(i16, int16_t, i8, int8_t)
NARROW(i32, int32_t, i8, int8_t)
NARROW(i64, int64_t, i8, int8_t)
NARROW(i32, int32_t, i16, int16_t)
NARROW(i64, int64_t, i16, int16_t)
NARROW(i64, int64_t, i32, int32_t)
NARROW(i128, Int128, i8, int8_t)
NARROW(i128, Int128, i16, int16_t)
NARROW(i128, Int128, i32, int32_t)
NARROW(i128, Int128, i64, int64_t)

static const ScalarKernel narrowing[PHYS_KIND_COUNT][PHYS_KIND_COUNT] = {
    [PHYS_I16] = {[PHYS_I8] = narrow_i16_i8},
    [PHYS_I32] = {[PHYS_I8] = narrow_i32_i8, [PHYS_I16] = narrow_i32_i16},
    [PHYS_I64] = {[PHYS_I8] = narrow_i64_i8, [PHYS_I16] = narrow_i64_i16, [PHYS_I32] = narrow_i64_i32},
    [PHYS_I128] = {[PHYS_I8] = narrow_i128_i8, [PHYS_I16] = narrow_i128_i16, [PHYS_I32] = narrow_i128_i32, [PHYS_I64] = narrow_i128_i64}};

/* ---- floating point ---- */

CHECKED(real_to_i8, double, int8_t, x > -129.0 && x<128.0, x> - 129.0 && x < 128.0 ? x : 0)
CHECKED(real_to_i16, double, int16_t, x > -32769.0 && x<32768.0, x> - 32769.0 && x < 32768.0 ? x : 0)
CHECKED(real_to_i32, double, int32_t, x > -2147483649.0 && x<2147483648.0, x> - 2147483649.0 && x < 2147483648.0 ? x : 0)
CHECKED(real_to_i64, double, int64_t, x > -0x1p63 && x<0x1p63, x> - 0x1p63 && x < 0x1p63 ? x : 0)
DEFINE_UNARY(real_to_float, double, float, x)

static const ScalarKernel from_real[PHYS_KIND_COUNT] = {
    [PHYS_I8] = real_to_i8, [PHYS_I16] = real_to_i16, [PHYS_I32] = real_to_i32, [PHYS_I64] = real_to_i64, [PHYS_F32] = real_to_float};

/* Half away from zero, as decimal_from_double(). limit: half a unit below what does not fit, and small enough to be exact. */
#define REAL_TO_DECIMAL(TO, T) \
    CHECKED(real_to_decimal_##TO, double, T, fabs(x *s.power) < s.limit, fabs(x * s.power) < s.limit ? round(x * s.power) : 0)
REAL_TO_DECIMAL(i32, int32_t)
REAL_TO_DECIMAL(i64, int64_t)
REAL_TO_DECIMAL(i128, Int128)

static const ScalarKernel real_to_decimal[PHYS_KIND_COUNT] = {
    [PHYS_I32] = real_to_decimal_i32, [PHYS_I64] = real_to_decimal_i64, [PHYS_I128] = real_to_decimal_i128};

/* Both sides of the division are exact, so that its result is the nearest; as decimal_to_double(). */
#define DECIMAL_TO_REAL(FROM, F, FITS) CHECKED(decimal_##FROM##_to_f64, F, double, FITS, (double)(int64_t)x / s.power)
DECIMAL_TO_REAL(i8, int8_t, true)
DECIMAL_TO_REAL(i16, int16_t, true)
DECIMAL_TO_REAL(i32, int32_t, true)
DECIMAL_TO_REAL(i64, int64_t, x >= -DECIMAL_EXACT_DOUBLE && x <= DECIMAL_EXACT_DOUBLE)
DECIMAL_TO_REAL(i128, Int128, x >= -DECIMAL_EXACT_DOUBLE && x <= DECIMAL_EXACT_DOUBLE)

static const ScalarKernel decimal_to_real[PHYS_KIND_COUNT] = {[PHYS_I8] = decimal_i8_to_f64,
                                                              [PHYS_I16] = decimal_i16_to_f64,
                                                              [PHYS_I32] = decimal_i32_to_f64,
                                                              [PHYS_I64] = decimal_i64_to_f64,
                                                              [PHYS_I128] = decimal_i128_to_f64};

/* ---- decimals ---- */

#define RAISE_SCALE(FROM, F, TO, T) CHECKED(raise_##FROM##_##TO, F, T, x >= s.low && x <= s.high, (uint64_t)x * (uint64_t)s.factor)
#define RAISE_SCALE_WIDE(FROM, F, TO, T) \
    CHECKED(raise_##FROM##_##TO, F, T, x >= s.wide_low && x <= s.wide_high, (UInt128)x * (UInt128)s.wide_factor)
#define RAISE_SCALES(FROM, F)          \
    RAISE_SCALE(FROM, F, i32, int32_t) \
    RAISE_SCALE(FROM, F, i64, int64_t) \
    RAISE_SCALE_WIDE(FROM, F, i128, Int128)
RAISE_SCALES(i8, int8_t)
RAISE_SCALES(i16, int16_t)
RAISE_SCALES(i32, int32_t)
RAISE_SCALES(i64, int64_t)
RAISE_SCALE_WIDE(i128, Int128, i32, int32_t)
RAISE_SCALE_WIDE(i128, Int128, i64, int64_t)
RAISE_SCALE_WIDE(i128, Int128, i128, Int128)

#define RAISING_ROW(FROM)                                                                                   \
    {                                                                                                       \
        [PHYS_I32] = raise_##FROM##_i32, [PHYS_I64] = raise_##FROM##_i64, [PHYS_I128] = raise_##FROM##_i128 \
    }
static const ScalarKernel raising[PHYS_KIND_COUNT][PHYS_KIND_COUNT] = {[PHYS_I8] = RAISING_ROW(i8),
                                                                       [PHYS_I16] = RAISING_ROW(i16),
                                                                       [PHYS_I32] = RAISING_ROW(i32),
                                                                       [PHYS_I64] = RAISING_ROW(i64),
                                                                       [PHYS_I128] = RAISING_ROW(i128)};

static inline int64_t divide(int64_t value, const CastScale *s)
{
    int64_t quotient = value / s->factor;
    int64_t rest = value - quotient * s->factor;
    return quotient + (rest >= s->half) - (rest <= -s->half);
}

/* Most values of wide columns are narrow. */
static inline Int128 divide_wide(Int128 value, const CastScale *s)
{
    if ((int64_t)value == value && (int64_t)s->wide_factor == s->wide_factor)
        return divide((int64_t)value, s);
    Int128 quotient = value / s->wide_factor;
    Int128 rest = value - quotient * s->wide_factor;
    return quotient + (rest >= s->wide_half) - (rest <= -s->wide_half);
}

#define LOWER_SCALE(FROM, F, TO, T) CHECKED(lower_##FROM##_##TO, F, T, divide(x, &s) >= s.low && divide(x, &s) <= s.high, divide(x, &s))
#define LOWER_SCALE_WIDE(TO, T) \
    CHECKED(lower_i128_##TO, Int128, T, divide_wide(x, &s) >= s.wide_low && divide_wide(x, &s) <= s.wide_high, divide_wide(x, &s))
#define LOWER_SCALES(FROM, F)          \
    LOWER_SCALE(FROM, F, i8, int8_t)   \
    LOWER_SCALE(FROM, F, i16, int16_t) \
    LOWER_SCALE(FROM, F, i32, int32_t) \
    LOWER_SCALE(FROM, F, i64, int64_t) \
    LOWER_SCALE(FROM, F, i128, Int128)
LOWER_SCALES(i16, int16_t)
LOWER_SCALES(i32, int32_t)
LOWER_SCALES(i64, int64_t)
LOWER_SCALE_WIDE(i32, int32_t)
LOWER_SCALE_WIDE(i64, int64_t)
LOWER_SCALE_WIDE(i128, Int128)

#define LOWERING_ROW(FROM)                                                                                                                \
    {                                                                                                                                     \
        [PHYS_I8] = lower_##FROM##_i8, [PHYS_I16] = lower_##FROM##_i16, [PHYS_I32] = lower_##FROM##_i32, [PHYS_I64] = lower_##FROM##_i64, \
        [PHYS_I128] = lower_##FROM##_i128                                                                                                 \
    }
static const ScalarKernel lowering[PHYS_KIND_COUNT][PHYS_KIND_COUNT] = {
    [PHYS_I16] = LOWERING_ROW(i16),
    [PHYS_I32] = LOWERING_ROW(i32),
    [PHYS_I64] = LOWERING_ROW(i64),
    [PHYS_I128] = {[PHYS_I32] = lower_i128_i32, [PHYS_I64] = lower_i128_i64, [PHYS_I128] = lower_i128_i128}};

/* ---- choosing ---- */

static Int128 width_max(PhysKind phys)
{
    switch (phys) {
    case PHYS_I8:
        return INT8_MAX;
    case PHYS_I16:
        return INT16_MAX;
    case PHYS_I32:
        return INT32_MAX;
    case PHYS_I64:
        return INT64_MAX;
    default:
        return (Int128)(~(UInt128)0 >> 1);
    }
}

static int64_t narrow_bound(Int128 value)
{
    return value > INT64_MAX ? INT64_MAX : value < INT64_MIN ? INT64_MIN : (int64_t)value;
}

/* The numbers that the target can hold. */
static void set_bounds(Type target, CastScale *out)
{
    Int128 most = width_max((PhysKind)target.phys);
    Int128 least = -most - 1;
    if (target.kind == TYPE_DECIMAL) {
        Int128 of_digits = decimal_max(target.precision);
        most = MIN(most, of_digits);
        least = -most;
    }
    out->wide_low = least;
    out->wide_high = most;
}

static void finish_scale(int digits, Int128 half, CastScale *out)
{
    out->wide_factor = decimal_powers[digits];
    out->wide_half = half;
    out->low = narrow_bound(out->wide_low);
    out->high = narrow_bound(out->wide_high);
    out->factor = narrow_bound(out->wide_factor);
    out->half = narrow_bound(half);
}

static ScalarKernel raise_scale(Type source, Type target, int digits, CastScale *out)
{
    set_bounds(target, out);
    out->wide_low /= decimal_powers[digits];
    out->wide_high /= decimal_powers[digits];
    finish_scale(digits, 0, out);
    return raising[source.phys][target.phys];
}

/* rounds: half away from zero; else the rest is dropped. */
static ScalarKernel lower_scale(Type source, Type target, int digits, bool rounds, CastScale *out)
{
    if (digits > 18 && source.phys != PHYS_I128) /* the factor is wider than the values: rare */
        return NULL;
    set_bounds(target, out);
    finish_scale(digits, rounds ? decimal_powers[digits] / 2 : width_max(PHYS_I128), out);
    return lowering[source.phys][target.phys];
}

static ScalarKernel to_decimal(Type source, Type target, CastScale *out)
{
    int scale = source.kind == TYPE_DECIMAL ? source.scale : 0;
    if (source.kind == TYPE_DOUBLE) {
        Int128 most = decimal_max(target.precision);
        out->power = (double)decimal_powers[target.scale];
        out->limit = most > (Int128)1 << 53 ? 0x1p53 : (double)most + 0.5;
        return real_to_decimal[target.phys];
    }
    if (!type_is_integer(source) && source.kind != TYPE_DECIMAL)
        return NULL;
    return target.scale >= scale ? raise_scale(source, target, target.scale - scale, out)
                                 : lower_scale(source, target, scale - target.scale, true, out);
}

ScalarKernel cast_number_kernel(Type source, Type target, CastScale *out_scale)
{
    if (source.phys >= PHYS_KIND_COUNT || target.phys >= PHYS_KIND_COUNT || type_is_wide_decimal(source) || type_is_wide_decimal(target))
        return NULL;
    if (target.kind == TYPE_DECIMAL)
        return to_decimal(source, target, out_scale);
    if (source.kind == TYPE_DOUBLE && (type_is_integer(target) || target.kind == TYPE_FLOAT))
        return from_real[target.phys];
    if (source.kind == TYPE_DECIMAL && type_is_integer(target))
        return source.scale == 0 ? narrowing[source.phys][target.phys] : lower_scale(source, target, source.scale, false, out_scale);
    if (source.kind == TYPE_DECIMAL && target.kind == TYPE_DOUBLE && source.scale <= DECIMAL_EXACT_SCALE) {
        out_scale->power = (double)decimal_powers[source.scale];
        return decimal_to_real[source.phys];
    }
    return type_is_integer(source) && type_is_integer(target) ? narrowing[source.phys][target.phys] : NULL;
}
