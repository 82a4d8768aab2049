#include "func/families.h"
#include "func/wide_decimal.h"

/* Mathematical functions over DOUBLE, and rounding of decimals and integers. A result that is no number
 * (square root of a negative, logarithm of zero) is NULL. */

#include <math.h>

#include "base/environment.h"
#include "func/shape.h"
#include "types/decimal.h"

/* What is no finite number is NULL: looked for once a chunk. */
static void drop_bad_numbers(Vector *out, Rows rows)
{
    for (FOR_ROWS(rows, i, row)) {
        double value = ((const double *)out->data)[row];
        if (isnan(value) || isinf(value))
            vector_set_null(out, row);
    }
}

#define IS_BAD(value) (!(fabs(value) <= (double)INFINITY) || fabs(value) == (double)INFINITY)
#define DOUBLE_1(NAME, BODY)                                                                                                       \
    KERNEL_CLONES static Status NAME(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out) \
    {                                                                                                                              \
        VectorView view = vector_view(arguments[0]);                                                                               \
        const double *a = view.data;                                                                                               \
        double *restrict r = out->data;                                                                                            \
        int64_t bad = 0;                                                                                                           \
        (void)context;                                                                                                             \
        (void)count;                                                                                                               \
        if (rows.sel == NULL && view.codes == NULL && !view.is_constant) {                                                         \
            for (uint32_t i = 0; i < rows.count; i++) {                                                                            \
                double x = a[i];                                                                                                   \
                double value = (BODY);                                                                                             \
                r[i] = value;                                                                                                      \
                bad |= IS_BAD(value);                                                                                              \
            }                                                                                                                      \
        } else {                                                                                                                   \
            for (FOR_ROWS(rows, i, row)) {                                                                                         \
                double x = a[view_index(&view, row)];                                                                              \
                double value = (BODY);                                                                                             \
                r[row] = value;                                                                                                    \
                bad |= IS_BAD(value);                                                                                              \
            }                                                                                                                      \
        }                                                                                                                          \
        if (bad != 0)                                                                                                              \
            drop_bad_numbers(out, rows);                                                                                           \
        return OK;                                                                                                                 \
    }
#define DOUBLE_2(NAME, BODY)                    \
    DEFINE_ROWWISE(NAME, {                      \
        double x = ARG(0, double);              \
        double y = ARG(1, double);              \
        double value = (BODY);                  \
        if (isnan(value) || isinf(value))       \
            RESULT_NULL();                      \
        else                                    \
            RESULT(double) = value;             \
    })
DOUBLE_1(sqrt_d, sqrt(x))
DOUBLE_1(cbrt_d, cbrt(x))
DOUBLE_1(exp_d, exp(x))
DOUBLE_1(ln_d, x > 0 ? log(x) : (double)NAN)
DOUBLE_1(log2_d, x > 0 ? log2(x) : (double)NAN)
DOUBLE_1(log10_d, x > 0 ? log10(x) : (double)NAN)
DOUBLE_1(sin_d, sin(x))
DOUBLE_1(cos_d, cos(x))
DOUBLE_1(tan_d, tan(x))
DOUBLE_1(cot_d, 1 / tan(x))
DOUBLE_1(asin_d, asin(x))
DOUBLE_1(acos_d, acos(x))
DOUBLE_1(atan_d, atan(x))
DOUBLE_1(sinh_d, sinh(x))
DOUBLE_1(cosh_d, cosh(x))
DOUBLE_1(tanh_d, tanh(x))
DOUBLE_1(degrees_d, x * 180 / M_PI)
DOUBLE_1(radians_d, x *M_PI / 180)
DOUBLE_1(square_d, x *x)
DOUBLE_2(pow_d, pow(x, y))
DOUBLE_2(atan2_d, atan2(x, y))
DOUBLE_2(fmod_d, y == 0 ? (double)NAN : fmod(x, y))
DOUBLE_2(log_d, x > 0 && y > 0 && x != 1 ? log(y) / log(x) : (double)NAN)
/* As the processor converts: what does not fit is the least number. */
static inline int64_t whole_number(double x)
{
    return x >= -0x1p63 && x < 0x1p63 ? (int64_t)x : INT64_MIN;
}
DEFINE_UNARY(ceil_d, double, int64_t, whole_number(ceil(x)))
DEFINE_UNARY(floor_d, double, int64_t, whole_number(floor(x)))
DEFINE_ROWWISE(sign_d, {
    double x = ARG(0, double);
    RESULT(float) = (float)((x > 0) - (x < 0));
})
DEFINE_UNARY(abs_i8, int8_t, int16_t, x < 0 ? -x : x)
DEFINE_UNARY(abs_i16, int16_t, int32_t, x < 0 ? -x : x)
DEFINE_UNARY(abs_i32, int32_t, int64_t, x < 0 ? -(int64_t)x : x)
DEFINE_UNARY(abs_i64, int64_t, Int128, x < 0 ? -(Int128)x : x)
DEFINE_UNARY(abs_i128, Int128, Int128, x < 0 ? (Int128)(0 - (UInt128)x) : x) /* the least stays as it is */
DEFINE_UNARY(abs_f32, float, float, fabsf(x))
DEFINE_UNARY(abs_f64, double, double, fabs(x))

static Status constant_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    (void)arguments;
    (void)count;
    double value = context->binding->def->code == 0 ? M_PI : M_E;
    for (FOR_ROWS(rows, i, row))
        ((double *)out->data)[row] = value;
    return OK;
}

/* round, truncate: DOUBLE by scaling, decimals exactly. */
static double round_double(double x, int64_t digits, bool truncates)
{
    double scale = pow(10, (double)(digits < 0 ? -digits : digits));
    double shifted = digits < 0 ? x / scale : x * scale;
    if (isinf(shifted) || isnan(shifted))
        return x;
    double whole = truncates ? trunc(shifted) : round(shifted);
    return digits < 0 ? whole * scale : whole / scale;
}

static Status round_double_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows,
                                  Vector *out)
{
    VectorView x = vector_view(arguments[0]);
    bool truncates = context->binding->def->code == 1;
    for (FOR_ROWS(rows, i, row)) {
        int64_t digits = 0;
        if (count > 1) {
            VectorView d = vector_view(arguments[1]);
            digits = ((const int32_t *)d.data)[view_index(&d, row)];
        }
        double value = ((const double *)x.data)[view_index(&x, row)];
        ((double *)out->data)[row] = round_double(value, digits, truncates);
    }
    return OK;
}

typedef struct RoundData {
    uint8_t from_scale, to_scale;
    int code; /* 0 round, 1 truncate, 2 ceil, 3 floor */
} RoundData;

static Int128 drop_digits(Int128 value, int digits, int code)
{
    if (digits <= 0)
        return value;
    if (digits > DECIMAL_MAX_PRECISION)
        return 0;
    Int128 power = decimal_powers[digits];
    Int128 whole = value / power;
    Int128 rest = value % power;
    if (code == 0 && (rest < 0 ? -rest : rest) * 2 >= power)
        whole += value < 0 ? -1 : 1;
    if (code == 2 && rest > 0)
        whole++;
    if (code == 3 && rest < 0)
        whole--;
    return whole;
}

static Status round_decimal_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows,
                                   Vector *out)
{
    const RoundData *data = context->binding->data;
    VectorView x = vector_view(arguments[0]);
    (void)count;
    for (FOR_ROWS(rows, i, row)) {
        Int128 value = ((const Int128 *)x.data)[view_index(&x, row)];
        value = drop_digits(value, data->from_scale - data->to_scale, data->code);
        if (out->type.kind == TYPE_BIGINT)
            ((int64_t *)out->data)[row] = (int64_t)value;
        else
            ((Int128 *)out->data)[row] = value;
    }
    return OK;
}

static Status bind_round_double(const FuncBindRequest *request, FuncBinding *out)
{
    Type *types = bind_argument_array(request, out);
    types[0] = type_of(TYPE_DOUBLE);
    if (request->count > 1)
        types[1] = type_of(TYPE_INT);
    out->result = type_of(TYPE_DOUBLE);
    out->kernel = round_double_kernel;
    return OK;
}

static Status bind_round(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    Type type = request->types[0];
    const Datum *digits = request->count > 1 && request->constants != NULL ? request->constants[1] : NULL;
    bool known = request->count == 1 || (digits != NULL && !digits->is_null);
    if (type.kind != TYPE_DECIMAL || !known)
        return bind_round_double(request, out);
    if (type_is_wide_decimal(type)) {
        int64_t places = request->count == 1 ? 0 : digits->i64;
        return bind_wide_unary(request, def->code == 0 ? WIDE_ROUND : WIDE_TRUNCATE, places, out);
    }
    RoundData *data = ARENA_NEW(request->arena, RoundData);
    int64_t wanted = request->count == 1 ? 0 : digits->i64;
    data->from_scale = type.scale;
    data->to_scale = (uint8_t)MIN(MAX(wanted, 0), type.scale);
    data->code = def->code;
    type.phys = PHYS_I128;
    Type *types = bind_argument_array(request, out);
    types[0] = type;
    if (request->count > 1)
        types[1] = type_of(TYPE_INT);
    out->data = data;
    out->result = type_decimal(DECIMAL_MAX_PRECISION, data->to_scale);
    out->kernel = round_decimal_kernel;
    return OK;
}

static Status bind_ceil(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    Type type = request->types[0];
    bool is_ceil = def->code == 2;
    out->result = type_of(TYPE_BIGINT);
    if (type.kind != TYPE_DECIMAL || type_is_wide_decimal(type)) {
        bind_arguments(request, type_of(TYPE_DOUBLE), out);
        out->kernel = is_ceil ? ceil_d : floor_d;
        return OK;
    }
    RoundData *data = ARENA_NEW(request->arena, RoundData);
    *data = (RoundData){type.scale, 0, def->code};
    type.phys = PHYS_I128;
    bind_arguments(request, type, out);
    out->data = data;
    out->kernel = round_decimal_kernel;
    return OK;
}

static Status decimal_abs_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows,
                                 Vector *out)
{
    return abs_i128(context, arguments, count, rows, out);
}

static Status bind_abs(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    static const struct {
        TypeKind from, to;
        ScalarKernel kernel;
    } forms[] = {{TYPE_TINYINT, TYPE_SMALLINT, abs_i8}, {TYPE_SMALLINT, TYPE_INT, abs_i16},
                 {TYPE_INT, TYPE_BIGINT, abs_i32},      {TYPE_BIGINT, TYPE_LARGEINT, abs_i64},
                 {TYPE_LARGEINT, TYPE_LARGEINT, abs_i128}, {TYPE_FLOAT, TYPE_FLOAT, abs_f32}};
    (void)def;
    Type type = request->types[0];
    if (type_is_wide_decimal(type))
        return bind_wide_unary(request, WIDE_ABS, 0, out);
    if (type.kind == TYPE_DECIMAL) {
        type.phys = PHYS_I128;
        bind_arguments(request, type, out);
        out->result = type;
        out->kernel = decimal_abs_kernel;
        return OK;
    }
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        if (type.kind != forms[i].from)
            continue;
        bind_arguments(request, type, out);
        out->result = type_of(forms[i].to);
        out->kernel = forms[i].kernel;
        return OK;
    }
    bind_arguments(request, type_of(TYPE_DOUBLE), out);
    out->result = type_of(TYPE_DOUBLE);
    out->kernel = abs_f64;
    return OK;
}

static Status rand_open(FuncContext *context, void **out_state)
{
    Random *random = mem_alloc_zero(sizeof(*random));
    random->state = context->session->random_seed ^ (uint64_t)(uintptr_t)random;
    *out_state = random;
    return OK;
}

static Status rand_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    (void)arguments;
    (void)count;
    for (FOR_ROWS(rows, i, row))
        ((double *)out->data)[row] = (double)(random_next(context->state) >> 11) * 0x1.0p-53;
    return OK;
}

static Status bind_rand(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    bind_arguments(request, type_of(TYPE_BIGINT), out);
    out->result = type_of(TYPE_DOUBLE);
    out->kernel = rand_kernel;
    out->open = rand_open;
    out->close = mem_free;
    return OK;
}

DEFINE_ROWWISE(bin_i64, {
    uint64_t value = (uint64_t)ARG(0, int64_t);
    char text[64];
    size_t at = sizeof(text);
    do {
        text[--at] = (char)('0' + (char)(value & 1));
        value >>= 1;
    } while (value != 0);
    result_text(context, out, row, text + at, sizeof(text) - at);
})
DEFINE_ROWWISE(pmod_i64, {
    int64_t x = ARG(0, int64_t);
    int64_t y = ARG(1, int64_t);
    if (y == 0 || y == -1)
        RESULT(int64_t) = 0;
    else
        RESULT(int64_t) = x % y == 0 || (x % y < 0) == (y < 0) ? x % y : x % y + y;
})

#define D1(NAME, KERNEL)                                                                       \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL, .min_arguments = 1,    \
     .max_arguments = 1, .overloads = (const FuncOverload[]){{"d", 'd', KERNEL, NULL}}, .overload_count = 1, .group = "math"}
#define D2(NAME, KERNEL)                                                                       \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL, .min_arguments = 2,    \
     .max_arguments = 2, .overloads = (const FuncOverload[]){{"dd", 'd', KERNEL, NULL}}, .overload_count = 1, .group = "math"}
#define BOUND(NAME, MIN_ARGS, MAX_ARGS, BIND, CODE, FLAGS)                                     \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FLAGS, .min_arguments = MIN_ARGS,             \
     .max_arguments = MAX_ARGS, .bind = BIND, .code = CODE, .group = "math"}
static const FuncDef defs[] = {
    D1("sqrt", sqrt_d), D1("dsqrt", sqrt_d), D1("cbrt", cbrt_d), D1("exp", exp_d), D1("dexp", exp_d), D1("ln", ln_d),
    D1("dlog1", ln_d), D1("log2", log2_d), D1("log10", log10_d), D1("dlog10", log10_d), D1("sin", sin_d), D1("cos", cos_d),
    D1("tan", tan_d), D1("cot", cot_d), D1("asin", asin_d), D1("acos", acos_d), D1("atan", atan_d), D1("sinh", sinh_d),
    D1("cosh", cosh_d), D1("tanh", tanh_d), D1("degrees", degrees_d), D1("radians", radians_d), D1("square", square_d),
    D2("pow", pow_d), D2("power", pow_d), D2("fpow", pow_d), D2("dpow", pow_d), D2("atan2", atan2_d), D2("fmod", fmod_d),
    {.name = "log", .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL, .min_arguments = 1, .max_arguments = 2,
     .overloads = (const FuncOverload[]){{"d", 'd', ln_d, NULL}, {"dd", 'd', log_d, NULL}}, .overload_count = 2, .group = "math"},
    {.name = "sign", .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL, .min_arguments = 1, .max_arguments = 1,
     .overloads = (const FuncOverload[]){{"d", 'f', sign_d, NULL}}, .overload_count = 1, .group = "math"},
    {.name = "bin", .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL, .min_arguments = 1, .max_arguments = 1,
     .overloads = (const FuncOverload[]){{"l", 'S', bin_i64, NULL}}, .overload_count = 1, .group = "math"},
    {.name = "pmod", .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL, .min_arguments = 2, .max_arguments = 2,
     .overloads = (const FuncOverload[]){{"ll", 'l', pmod_i64, NULL}}, .overload_count = 1, .group = "math"},
    {.name = "pi", .kind = FUNC_SCALAR, .min_arguments = 0, .max_arguments = 0, .flags = FUNC_NEVER_NULL,
     .overloads = (const FuncOverload[]){{"", 'd', constant_kernel, NULL}}, .overload_count = 1, .code = 0, .group = "math"},
    {.name = "e", .kind = FUNC_SCALAR, .min_arguments = 0, .max_arguments = 0, .flags = FUNC_NEVER_NULL,
     .overloads = (const FuncOverload[]){{"", 'd', constant_kernel, NULL}}, .overload_count = 1, .code = 1, .group = "math"},
    BOUND("round", 1, 2, bind_round, 0, FUNC_NULL_IF_ANY_NULL),
    BOUND("dround", 1, 2, bind_round, 0, FUNC_NULL_IF_ANY_NULL),
    BOUND("truncate", 2, 2, bind_round, 1, FUNC_NULL_IF_ANY_NULL),
    BOUND("ceil", 1, 1, bind_ceil, 2, FUNC_NULL_IF_ANY_NULL),
    BOUND("ceiling", 1, 1, bind_ceil, 2, FUNC_NULL_IF_ANY_NULL),
    BOUND("dceil", 1, 1, bind_ceil, 2, FUNC_NULL_IF_ANY_NULL),
    BOUND("floor", 1, 1, bind_ceil, 3, FUNC_NULL_IF_ANY_NULL),
    BOUND("dfloor", 1, 1, bind_ceil, 3, FUNC_NULL_IF_ANY_NULL),
    BOUND("abs", 1, 1, bind_abs, 0, FUNC_NULL_IF_ANY_NULL | FUNC_CHEAP),
    BOUND("rand", 0, 1, bind_rand, 0, FUNC_VOLATILE),
    BOUND("random", 0, 1, bind_rand, 0, FUNC_VOLATILE),
};
const FuncTable func_table_math = {defs, COUNT_OF(defs)};
