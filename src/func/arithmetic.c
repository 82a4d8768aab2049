#include "func/families.h"
#include "func/wide_decimal.h"

/* + - * / DIV % and unary minus, bit operations.
 *
 * Integers: the result is one size up to BIGINT and wraps there, as in StarRocks. Decimals: the
 * result type follows the scale rules; a value outside of 38 digits becomes NULL, or raises under
 * ERROR_IF_OVERFLOW. The kernel is chosen by the physical kinds, so that the planner can rebind a
 * DECIMAL multiplication into 64 bits where ranges prove that it fits. */

#include <math.h>

#include "func/shape.h"
#include "types/decimal.h"

#define WRAP_SET(SUFFIX, T, U)                                       \
    DEFINE_BINARY(add_##SUFFIX, T, T, T, (T)((U)x + (U)y))           \
    DEFINE_BINARY(subtract_##SUFFIX, T, T, T, (T)((U)x - (U)y))      \
    DEFINE_BINARY(multiply_##SUFFIX, T, T, T, (T)((U)x * (U)y))
WRAP_SET(i16, int16_t, uint32_t)
WRAP_SET(i32, int32_t, uint32_t)
WRAP_SET(i64, int64_t, uint64_t)
WRAP_SET(i128, Int128, UInt128)
WRAP_SET(f32, float, float)
WRAP_SET(f64, double, double)
DEFINE_BINARY(bitand_i64, int64_t, int64_t, int64_t, x &y)
DEFINE_BINARY(bitor_i64, int64_t, int64_t, int64_t, x | y)
DEFINE_BINARY(bitxor_i64, int64_t, int64_t, int64_t, x ^ y)
DEFINE_UNARY(bitnot_i64, int64_t, int64_t, ~x)
DEFINE_BINARY(shift_left_i64, int64_t, int64_t, int64_t, (uint64_t)y > 63 ? 0 : (int64_t)((uint64_t)x << (y & 63)))
DEFINE_BINARY(shift_right_i64, int64_t, int64_t, int64_t, x >> (y & 63))
DEFINE_BINARY(shift_right_logical_i64, int64_t, int64_t, int64_t, (int64_t)((uint64_t)x >> (y & 63)))
DEFINE_BINARY(shift_left_i128, Int128, int64_t, Int128, (uint64_t)y > 127 ? 0 : (Int128)((UInt128)x << (y & 127)))
DEFINE_BINARY(shift_right_i128, Int128, int64_t, Int128, (uint64_t)y > 127 ? (x < 0 ? -1 : 0) : x >> (y & 127))
DEFINE_BINARY(shift_right_logical_i128, Int128, int64_t, Int128, (uint64_t)y > 127 ? 0 : (Int128)((UInt128)x >> (y & 127)))
DEFINE_UNARY(bitnot_i128, Int128, Int128, ~x)
DEFINE_BINARY(bitand_i128, Int128, Int128, Int128, x &y)
DEFINE_BINARY(bitor_i128, Int128, Int128, Int128, x | y)
DEFINE_BINARY(bitxor_i128, Int128, Int128, Int128, x ^ y)

/* Division: a zero divisor gives NULL. A constant one is looked at once: BODY is over x and a y that is not 0 nor -1. */
#define DEFINE_DIVISION(NAME, T, BODY, ROW)                                                                                        \
    DEFINE_ROWWISE(NAME##_rows, {                                                                                                  \
        T x = ARG(0, T);                                                                                                           \
        T y = ARG(1, T);                                                                                                           \
        if (y == 0)                                                                                                                \
            RESULT_NULL();                                                                                                         \
        else                                                                                                                       \
            RESULT(T) = (T)(ROW);                                                                                                  \
    })                                                                                                                             \
    KERNEL_CLONES static Status NAME(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out) \
    {                                                                                                                              \
        VectorView left = vector_view(arguments[0]);                                                                               \
        VectorView right = vector_view(arguments[1]);                                                                              \
        const T *a = left.data;                                                                                                    \
        T *restrict r = out->data;                                                                                                 \
        bool is_dense = rows.sel == NULL && left.codes == NULL && !left.is_constant && right.is_constant;                          \
        T y = is_dense ? ((const T *)right.data)[0] : 0;                                                                           \
        if (y == 0 || y == -1)                                                                                                     \
            return NAME##_rows(context, arguments, count, rows, out);                                                              \
        for (uint32_t i = 0; i < rows.count; i++) {                                                                                \
            T x = a[i];                                                                                                            \
            r[i] = (T)(BODY);                                                                                                      \
        }                                                                                                                          \
        return OK;                                                                                                                 \
    }
DEFINE_DIVISION(divide_f64, double, x / y, x / y)
DEFINE_DIVISION(mod_f64, double, fmod(x, y), fmod(x, y))
#define INTEGER_DIVISIONS(SUFFIX, T)                                                      \
    DEFINE_DIVISION(int_divide_##SUFFIX, T, x / y, y == -1 ? (T)(0 - (UInt128)x) : x / y) \
    DEFINE_DIVISION(mod_##SUFFIX, T, x % y, y == -1 ? 0 : x % y)
INTEGER_DIVISIONS(i8, int8_t)
INTEGER_DIVISIONS(i16, int16_t)
INTEGER_DIVISIONS(i32, int32_t)
INTEGER_DIVISIONS(i64, int64_t)
INTEGER_DIVISIONS(i128, Int128)

/* x % y by division of doubles, which processors do several at a time, where all x are 0 to 2^52 and y is 1 to 2^52: the quotient
 * rounds to a whole number only if it is one, and its product with y is exact. DOUBLE_OF_0 + x, read as a double, is 2^52 + x. */
#define DOUBLE_OF_0 0x4330000000000000u
#define SMALL_LIMIT (1ull << 52)
KERNEL_CLONES static void mod_small(const int64_t *restrict a, uint32_t count, int64_t y, int64_t *restrict out)
{
    const double divisor = (double)y;
    for (uint32_t i = 0; i < count; i++) {
        double x;
        uint64_t bits = (uint64_t)a[i] + DOUBLE_OF_0;
        memcpy(&x, &bits, sizeof(x));
        x -= 0x1p52;
        double left = x - __builtin_trunc(x / divisor) * divisor + 0x1p52;
        memcpy(&bits, &left, sizeof(bits));
        out[i] = (int64_t)(bits - DOUBLE_OF_0);
    }
}

static Status mod_wide(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    VectorView left = vector_view(arguments[0]);
    VectorView right = vector_view(arguments[1]);
    bool is_dense = rows.sel == NULL && left.codes == NULL && !left.is_constant && right.is_constant;
    int64_t y = is_dense ? ((const int64_t *)right.data)[0] : 0;
    uint64_t all = 0;
    for (uint32_t i = 0; is_dense && i < rows.count; i++)
        all |= (uint64_t)((const int64_t *)left.data)[i];
    if (y < 1 || (uint64_t)y >= SMALL_LIMIT || all >= SMALL_LIMIT)
        return mod_i64(context, arguments, count, rows, out);
    mod_small(left.data, rows.count, y, out->data);
    return OK;
}

ScalarKernel arithmetic_kernel(int code, PhysKind left, PhysKind right, PhysKind result)
{
    static const ScalarKernel wrapping[3][PHYS_KIND_COUNT] = {
        [ARITHMETIC_ADD] = {[PHYS_I16] = add_i16, [PHYS_I32] = add_i32, [PHYS_I64] = add_i64,
                            [PHYS_I128] = add_i128, [PHYS_F32] = add_f32, [PHYS_F64] = add_f64},
        [ARITHMETIC_SUBTRACT] = {[PHYS_I16] = subtract_i16, [PHYS_I32] = subtract_i32,
                                 [PHYS_I64] = subtract_i64, [PHYS_I128] = subtract_i128,
                                 [PHYS_F32] = subtract_f32, [PHYS_F64] = subtract_f64},
        [ARITHMETIC_MULTIPLY] = {[PHYS_I16] = multiply_i16, [PHYS_I32] = multiply_i32,
                                 [PHYS_I64] = multiply_i64, [PHYS_I128] = multiply_i128,
                                 [PHYS_F32] = multiply_f32, [PHYS_F64] = multiply_f64}};
    if (code > ARITHMETIC_MULTIPLY || left != right || left != result)
        return NULL;
    return wrapping[code][result];
}

/* Decimal operations in 128 bits with every overflow noticed. */
typedef struct DecimalOp {
    int code;
    uint8_t left_scale, right_scale;
    Type result;
} DecimalOp;

static bool decimal_apply(const DecimalOp *op, Int128 x, Int128 y, Int128 *out)
{
    switch (op->code) {
    case ARITHMETIC_ADD:
        return !__builtin_add_overflow(x, y, out);
    case ARITHMETIC_SUBTRACT:
        return !__builtin_sub_overflow(x, y, out);
    case ARITHMETIC_MULTIPLY:
        return !__builtin_mul_overflow(x, y, out);
    case ARITHMETIC_DIVIDE: {
        /* x / 10^ls / (y / 10^rs) * 10^s */
        int shift = op->result.scale + op->right_scale - op->left_scale;
        return shift >= 0 && shift <= DECIMAL_MAX_PRECISION && decimal_mul_div(x, decimal_powers[shift], y, out);
    }
    case ARITHMETIC_INT_DIVIDE:
        *out = x / y;
        return true;
    default:
        *out = x % y;
        return true;
    }
}

static Status decimal_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count,
                             Rows rows, Vector *out)
{
    (void)count;
    static const char *const op_names[] = {"add", "sub", "mul", "div", "int_div", "mod"};
    const DecimalOp *op = context->binding->data;
    VectorView a = vector_view(arguments[0]);
    VectorView b = vector_view(arguments[1]);
    const Int128 *left = a.data;
    const Int128 *right = b.data;
    Int128 *r = out->data;
    bool divides = op->code >= ARITHMETIC_DIVIDE;
    Int128 limit = decimal_max(op->result.precision);
    for (FOR_ROWS(rows, i, row)) {
        if (out->nulls != NULL && out->nulls[row] != 0)
            continue;
        Int128 y = right[view_index(&b, row)];
        Int128 value;
        if (divides && y == 0) {
            vector_set_null(out, row);
            continue;
        }
        bool fits = decimal_apply(op, left[view_index(&a, row)], y, &value);
        if (LIKELY(fits && value <= limit && value >= -limit)) {
            r[row] = value;
            continue;
        }
        if ((context->session->flags & FUNC_SESSION_OVERFLOW_ERROR) != 0)
            return RAISE(context->diag, NUMERIC_OVERFLOW,
                         "Expr evaluate meet error: The '%s' operation involving decimal values overflows",
                         op_names[op->code]);
        vector_set_null(out, row);
    }
    return OK;
}

static Type decimal_side(Type type)
{
    static const uint8_t digits[] = {[TYPE_BOOLEAN] = 1, [TYPE_TINYINT] = 3,  [TYPE_SMALLINT] = 5,
                                     [TYPE_INT] = 10,    [TYPE_BIGINT] = 19, [TYPE_LARGEINT] = 38};
    return type.kind == TYPE_DECIMAL ? type : type_decimal(digits[type.kind], 0);
}

static Status decimal_result(const FuncBindRequest *request, int code, Type a, Type b, Type *out)
{
    int scale = MAX(a.scale, b.scale);
    int whole = MAX(a.precision - a.scale, b.precision - b.scale);
    int precision = DECIMAL_MAX_PRECISION;
    switch (code) {
    case ARITHMETIC_ADD:
    case ARITHMETIC_SUBTRACT:
        precision = whole + scale + 1;
        break;
    case ARITHMETIC_MULTIPLY:
        scale = a.scale + b.scale;
        precision = a.precision + b.precision;
        break;
    case ARITHMETIC_DIVIDE:
        scale = a.scale <= 6 ? a.scale + 6 : a.scale <= 12 ? 12 : a.scale;
        break;
    case ARITHMETIC_INT_DIVIDE:
        *out = type_of(TYPE_BIGINT);
        return OK;
    default:
        precision = MAX(a.precision, b.precision);
        break;
    }
    if (scale > DECIMAL_MAX_PRECISION)
        return RAISE(request->diag, ANALYSIS,
                     "Getting analyzing error. Detail message: Return scale(%d) exceeds maximum value(38).",
                     scale);
    *out = type_decimal((uint8_t)MAX(MIN(precision, DECIMAL_MAX_PRECISION), scale), (uint8_t)scale);
    return OK;
}

/* Operands of + - % share the result's scale, so the kernel needs no scaling. All run in 128 bits;
 * narrower kernels come by func_rebind(). */
static Status bind_decimal(const FuncBindRequest *request, int code, FuncBinding *out)
{
    Type a = decimal_side(request->types[0]);
    Type b = decimal_side(request->types[1]);
    if (type_is_wide_decimal(a) || type_is_wide_decimal(b))
        return bind_wide_arithmetic(request, code, a, b, out);
    DecimalOp *op = ARENA_NEW(request->arena, DecimalOp);
    TRY(decimal_result(request, code, a, b, &op->result));
    bool aligns = code != ARITHMETIC_MULTIPLY && code != ARITHMETIC_DIVIDE;
    uint8_t scale = (uint8_t)MAX(a.scale, b.scale);
    if (aligns) {
        a = type_decimal((uint8_t)MIN(a.precision + scale - a.scale, DECIMAL_MAX_PRECISION), scale);
        b = type_decimal((uint8_t)MIN(b.precision + scale - b.scale, DECIMAL_MAX_PRECISION), scale);
    }
    a.phys = b.phys = PHYS_I128;
    Type *types = bind_argument_array(request, out);
    types[0] = a;
    types[1] = b;
    op->code = code;
    op->left_scale = a.scale;
    op->right_scale = b.scale;
    out->result = op->result;
    out->result.phys = PHYS_I128;
    if (code == ARITHMETIC_INT_DIVIDE) {
        op->result = type_decimal(DECIMAL_MAX_PRECISION, 0);
        out->result = op->result;
    }
    out->data = op;
    out->kernel = decimal_kernel;
    return OK;
}

static Type integer_result(Type a, Type b, int code)
{
    TypeKind widest = (TypeKind)MAX(a.kind, b.kind);
    if (code > ARITHMETIC_MULTIPLY)
        return type_of(MAX(widest, TYPE_TINYINT));
    switch (widest) {
    case TYPE_BOOLEAN:
    case TYPE_TINYINT:
        return type_of(TYPE_SMALLINT);
    case TYPE_SMALLINT:
        return type_of(TYPE_INT);
    case TYPE_LARGEINT:
        return type_of(TYPE_LARGEINT);
    default:
        return type_of(TYPE_BIGINT);
    }
}

static ScalarKernel division_kernel(int code, PhysKind phys)
{
    static const ScalarKernel divisions[2][PHYS_KIND_COUNT] = {{[PHYS_I8] = int_divide_i8,
                                                                [PHYS_I16] = int_divide_i16,
                                                                [PHYS_I32] = int_divide_i32,
                                                                [PHYS_I64] = int_divide_i64,
                                                                [PHYS_I128] = int_divide_i128},
                                                               {[PHYS_I8] = mod_i8,
                                                                [PHYS_I16] = mod_i16,
                                                                [PHYS_I32] = mod_i32,
                                                                [PHYS_I64] = mod_wide,
                                                                [PHYS_I128] = mod_i128,
                                                                [PHYS_F64] = mod_f64}};
    return divisions[code - ARITHMETIC_INT_DIVIDE][phys];
}

/* Where the session wants it so, for products that the digits of a decimal may not hold. */
static bool product_is_double(const FuncBindRequest *request, Type a, Type b)
{
    bool is_wide = type_is_wide_decimal(a) || type_is_wide_decimal(b);
    return (request->session->flags & FUNC_SESSION_DECIMAL_DOUBLE) != 0 &&
           a.precision + b.precision > (is_wide ? DECIMAL_WIDE_PRECISION : DECIMAL_MAX_PRECISION);
}

static Status bind_arithmetic(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    int code = def->code;
    Type a = request->types[0].kind == TYPE_NULL ? request->types[1] : request->types[0];
    Type b = request->types[1].kind == TYPE_NULL ? a : request->types[1];
    if (a.kind == TYPE_NULL)
        a = b = type_of(TYPE_TINYINT);
    bool has_float = type_is_float(a) || type_is_float(b);
    bool all_numeric = type_is_numeric(a) && type_is_numeric(b);
    bool has_decimal = a.kind == TYPE_DECIMAL || b.kind == TYPE_DECIMAL;
    bool has_nested = a.kind >= TYPE_ARRAY || b.kind >= TYPE_ARRAY;
    if (has_nested)
        return bind_error(request);
    if (all_numeric && has_decimal && !has_float && code == ARITHMETIC_MULTIPLY)
        has_float = product_is_double(request, decimal_side(a), decimal_side(b));
    FuncBindRequest typed = *request;
    Type types[] = {a, b};
    typed.types = types;
    if (all_numeric && has_decimal && !has_float)
        return bind_decimal(&typed, code, out);
    Type result = type_of(TYPE_DOUBLE);
    if (all_numeric && !has_float && code != ARITHMETIC_DIVIDE)
        result = integer_result(a, b, code);
    if (code == ARITHMETIC_INT_DIVIDE && !type_is_integer(result))
        result = type_of(TYPE_BIGINT);
    bind_arguments(&typed, result, out);
    out->result = result;
    PhysKind phys = (PhysKind)result.phys;
    out->kernel = code == ARITHMETIC_DIVIDE      ? divide_f64
                  : code > ARITHMETIC_DIVIDE ? division_kernel(code, phys)
                                             : arithmetic_kernel(code, phys, phys, phys);
    return OK;
}

bool func_rebind(const FuncBinding *binding, const Type *argument_types, Type result, Arena *arena,
                 FuncBinding *out_binding)
{
    ScalarKernel kernel = NULL;
    if (binding->def->kind == FUNC_AGGREGATE)
        return aggregate_rebind(binding, argument_types, result, arena, out_binding);
    PhysKind left = (PhysKind)argument_types[0].phys;
    PhysKind right = binding->argument_count > 1 ? (PhysKind)argument_types[1].phys : left;
    if (binding->def->bind == bind_arithmetic)
        kernel = arithmetic_kernel(binding->def->code, left, right, (PhysKind)result.phys);
    else if (binding->def == func_find(strview(binding->def->name)) && binding->argument_count == 2 &&
             left == right && binding->kernel == compare_kernel((CompareOp)binding->def->code,
                                                                (PhysKind)binding->argument_types[0].phys))
        kernel = compare_kernel((CompareOp)binding->def->code, left);
    if (kernel == NULL)
        return false;
    *out_binding = *binding;
    Type *types = ARENA_NEW_ARRAY(arena, Type, binding->argument_count);
    for (uint32_t i = 0; i < binding->argument_count; i++)
        types[i] = argument_types[i];
    out_binding->argument_types = types;
    out_binding->result = result;
    out_binding->kernel = kernel;
    return true;
}

static Status negate_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count,
                            Rows rows, Vector *out)
{
    (void)context;
    (void)count;
    VectorView a = vector_view(arguments[0]);
    for (FOR_ROWS(rows, i, row)) {
        uint32_t index = view_index(&a, row);
        if (out->type.phys == PHYS_F64)
            ((double *)out->data)[row] = -((const double *)a.data)[index];
        else if (out->type.phys == PHYS_I64)
            ((int64_t *)out->data)[row] = (int64_t)(0 - (uint64_t)((const int64_t *)a.data)[index]);
        else
            ((Int128 *)out->data)[row] = (Int128)(0 - (UInt128)((const Int128 *)a.data)[index]);
    }
    return OK;
}

static Status bind_negate(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    Type type = request->types[0];
    if (type_is_wide_decimal(type))
        return bind_wide_unary(request, WIDE_NEGATE, 0, out);
    if (type.kind == TYPE_DECIMAL)
        type.phys = PHYS_I128;
    else if (type_is_float(type) || !type_is_numeric(type))
        type = type_of(TYPE_DOUBLE);
    else
        type = type_of(type.kind == TYPE_LARGEINT ? TYPE_LARGEINT : TYPE_BIGINT);
    bind_arguments(request, type, out);
    out->result = type;
    out->kernel = negate_kernel;
    return OK;
}

#define ARITHMETIC(NAME, CODE, FLAGS)                                                              \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL | FUNC_CHEAP | (FLAGS),     \
     .min_arguments = 2, .max_arguments = 2, .bind = bind_arithmetic, .code = CODE, .group = "math"}
#define BITS(NAME, KERNEL, WIDE) \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL, .min_arguments = 2, \
     .max_arguments = 2, .overloads = (const FuncOverload[]){{"ll", 'l', KERNEL, NULL}, {"Ll", 'L', WIDE, NULL}}, .overload_count = 2, .group = "bit"}
#define WIDE_BITS(NAME, KERNEL, WIDE) \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL, .min_arguments = 2, \
     .max_arguments = 2, .overloads = (const FuncOverload[]){{"ll", 'l', KERNEL, NULL}, {"LL", 'L', WIDE, NULL}}, .overload_count = 2, .group = "bit"}
static const FuncDef defs[] = {
    ARITHMETIC("add", ARITHMETIC_ADD, FUNC_COMMUTATIVE),
    ARITHMETIC("subtract", ARITHMETIC_SUBTRACT, 0),
    ARITHMETIC("multiply", ARITHMETIC_MULTIPLY, FUNC_COMMUTATIVE),
    ARITHMETIC("divide", ARITHMETIC_DIVIDE, 0),
    ARITHMETIC("int_divide", ARITHMETIC_INT_DIVIDE, 0),
    ARITHMETIC("mod", ARITHMETIC_MOD, 0),
    {.name = "negative", .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL | FUNC_CHEAP,
     .min_arguments = 1, .max_arguments = 1, .bind = bind_negate, .group = "math"},
    WIDE_BITS("bitand", bitand_i64, bitand_i128),
    WIDE_BITS("bitor", bitor_i64, bitor_i128),
    WIDE_BITS("bitxor", bitxor_i64, bitxor_i128),
    {.name = "bitnot", .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL, .min_arguments = 1,
     .max_arguments = 1, .overloads = (const FuncOverload[]){{"l", 'l', bitnot_i64, NULL}, {"L", 'L', bitnot_i128, NULL}}, .overload_count = 2, .group = "bit"},
    BITS("bit_shift_left", shift_left_i64, shift_left_i128),
    BITS("bit_shift_right", shift_right_i64, shift_right_i128),
    BITS("bit_shift_right_logical", shift_right_logical_i64, shift_right_logical_i128),
};
const FuncTable func_table_arithmetic = {defs, COUNT_OF(defs)};
