#include "func/wide_decimal.h"

#include "func/families.h"
#include "func/shape.h"
#include "types/decimal256.h"

/* Operands come with the scale that the operation needs; results are kept as long as 256 bits hold them. */

typedef struct WideOp {
    int code;
    int shift;     /* division: decimal places that the dividend is moved by */
    int from_scale, to_scale; /* rounding */
} WideOp;

static inline Int256 wide_at(const VectorView *view, uint32_t row)
{
    return int256_of_str(&((const Str *)view->data)[view_index(view, row)]);
}

static bool apply(const WideOp *op, Int256 x, Int256 y, Int256 *out)
{
    Int256 unused;
    switch (op->code) {
    case ARITHMETIC_ADD:
        return int256_add(x, y, out);
    case ARITHMETIC_SUBTRACT:
        return int256_subtract(x, y, out);
    case ARITHMETIC_MULTIPLY:
        return int256_multiply(x, y, out);
    case ARITHMETIC_DIVIDE:
        if (!int256_rescale(x, 0, op->shift, out))
            return false;
        *out = int256_divide_round(*out, y);
        return true;
    case ARITHMETIC_INT_DIVIDE:
        int256_divide(x, y, out, &unused);
        return true;
    default:
        int256_divide(x, y, &unused, out);
        return true;
    }
}

static Status wide_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    static const char *const op_names[] = {"add", "sub", "mul", "div", "int_div", "mod"};
    const WideOp *op = context->binding->data;
    VectorView a = vector_view(arguments[0]);
    VectorView b = vector_view(arguments[1]);
    (void)count;
    for (FOR_ROWS(rows, i, row)) {
        if (out->nulls != NULL && out->nulls[row] != 0)
            continue;
        Int256 y = wide_at(&b, row);
        Int256 value;
        Int128 narrow = 0;
        bool is_division = op->code >= ARITHMETIC_DIVIDE;
        if (is_division && int256_is_zero(y)) {
            vector_set_null(out, row);
            continue;
        }
        bool fits = apply(op, wide_at(&a, row), y, &value);
        if (fits && out->type.kind == TYPE_BIGINT)
            fits = int256_to_128(value, &narrow) && narrow == (Int128)(int64_t)narrow;
        if (!fits && (context->session->flags & FUNC_SESSION_OVERFLOW_ERROR) != 0)
            return RAISE(context->diag, NUMERIC_OVERFLOW, "Expr evaluate meet error: The '%s' operation involving decimal values overflows",
                         op_names[op->code]);
        if (!fits)
            vector_set_null(out, row);
        else if (out->type.kind == TYPE_BIGINT)
            ((int64_t *)out->data)[row] = (int64_t)narrow;
        else
            ((Str *)out->data)[row] = int256_str(context->arena, value);
    }
    return OK;
}

Status bind_wide_arithmetic(const FuncBindRequest *request, int code, Type a, Type b, FuncBinding *out)
{
    WideOp *op = ARENA_NEW(request->arena, WideOp);
    int scale = MAX(a.scale, b.scale);
    int precision = MAX(a.precision - a.scale, b.precision - b.scale) + scale + 1;
    Type *types = bind_argument_array(request, out);
    op->code = code;
    if (code == ARITHMETIC_MULTIPLY) {
        scale = a.scale + b.scale;
        precision = a.precision + b.precision;
    } else if (code == ARITHMETIC_DIVIDE) {
        scale = a.scale <= 6 ? a.scale + 6 : MAX(a.scale, (uint8_t)12);
        precision = DECIMAL_WIDE_PRECISION;
        op->shift = scale + b.scale - a.scale;
    } else { /* one scale for both */
        a.scale = b.scale = (uint8_t)scale;
    }
    if (scale > DECIMAL_WIDE_PRECISION)
        return RAISE(request->diag, ANALYSIS, "Getting analyzing error. Detail message: Return scale(%d) exceeds maximum value(76).", scale);
    types[0] = type_decimal(DECIMAL_WIDE_PRECISION, a.scale);
    types[1] = type_decimal(DECIMAL_WIDE_PRECISION, b.scale);
    precision = MAX(MIN(precision, DECIMAL_WIDE_PRECISION), MAX(scale, DECIMAL_MAX_PRECISION + 1));
    out->result = code == ARITHMETIC_INT_DIVIDE ? type_of(TYPE_BIGINT) : type_decimal((uint8_t)precision, (uint8_t)scale);
    out->data = op;
    out->kernel = wide_kernel;
    return OK;
}

/* Keeps to_scale decimal places of the from_scale that x has; in the same scale when to_scale is negative. */
static Int256 drop_places(const WideOp *op, Int256 x)
{
    Int256 power = int256_power10((uint32_t)MIN(op->from_scale - op->to_scale, INT256_DIGITS));
    Int256 whole, rest;
    if (op->code == WIDE_ROUND)
        return int256_divide_round(x, power);
    int256_divide(x, power, &whole, &rest);
    return whole;
}

static Status wide_unary_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    const WideOp *op = context->binding->data;
    VectorView view = vector_view(arguments[0]);
    (void)count;
    for (FOR_ROWS(rows, i, row)) {
        if (out->nulls != NULL && out->nulls[row] != 0)
            continue;
        Int256 value = wide_at(&view, row);
        if (op->code == WIDE_NEGATE || (op->code == WIDE_ABS && int256_is_negative(value)))
            value = int256_negate(value);
        if (op->code >= WIDE_ROUND && op->to_scale < op->from_scale) {
            value = drop_places(op, value);
            if (op->to_scale < 0 && !int256_rescale(value, 0, -op->to_scale, &value)) {
                vector_set_null(out, row);
                continue;
            }
        }
        ((Str *)out->data)[row] = int256_str(context->arena, value);
    }
    return OK;
}

Status bind_wide_unary(const FuncBindRequest *request, WideUnary code, int64_t places, FuncBinding *out)
{
    WideOp *op = ARENA_NEW(request->arena, WideOp);
    Type type = request->types[0];
    Type *types = bind_argument_array(request, out);
    bool rounds = code == WIDE_ROUND || code == WIDE_TRUNCATE;
    op->code = code;
    op->from_scale = type.scale;
    op->to_scale = rounds ? (int)MAX(MIN(places, (int64_t)type.scale), (int64_t)-INT256_DIGITS) : type.scale;
    if (request->count > 1)
        types[1] = type_of(TYPE_INT);
    out->result = rounds ? type_decimal(DECIMAL_WIDE_PRECISION, (uint8_t)MAX(op->to_scale, 0)) : type;
    out->data = op;
    out->kernel = wide_unary_kernel;
    return OK;
}

/* ---- sum, avg ---- */
typedef struct WideSum {
    Int256 sum;
    int64_t count;
    int64_t overflows; /* not 0: 256 bits did not do */
} WideSum;

static void take_wide(const Vector *argument, Rows rows, uint8_t *const *groups, uint32_t offset, uint8_t *one)
{
    VectorView view = vector_view(argument);
    for (FOR_ROWS(rows, i, row)) {
        WideSum *state = (WideSum *)(void *)(one != NULL ? one : groups[i] + offset);
        if (view_is_null(&view, row))
            continue;
        state->overflows |= !int256_add(state->sum, wide_at(&view, row), &state->sum);
        state->count++;
    }
}
static Status wide_update(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *const *groups,
                          uint32_t offset)
{
    (void)context;
    (void)count;
    take_wide(arguments[0], rows, groups, offset, NULL);
    return OK;
}
static Status wide_update_one(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *state)
{
    (void)context;
    (void)count;
    take_wide(arguments[0], rows, NULL, 0, state);
    return OK;
}
static Status wide_merge(AggContext *context, uint8_t *const *sources, uint8_t *const *targets, uint32_t count, uint32_t offset)
{
    (void)context;
    for (uint32_t i = 0; i < count; i++) {
        const WideSum *from = (const WideSum *)(const void *)(sources[i] + offset);
        WideSum *to = (WideSum *)(void *)(targets[i] + offset);
        to->overflows |= from->overflows | !int256_add(to->sum, from->sum, &to->sum);
        to->count += from->count;
    }
    return OK;
}
static Status wide_finish(AggContext *context, uint8_t *const *groups, uint32_t count, uint32_t offset, uint32_t first, Vector *out)
{
    const WideOp *average = context->binding->data; /* NULL: sum */
    for (uint32_t i = 0; i < count; i++) {
        const WideSum *state = (const WideSum *)(const void *)(groups[i] + offset);
        Int256 value = state->sum;
        bool fits = state->count > 0 && state->overflows == 0;
        if (fits && average != NULL) {
            fits = int256_rescale(value, average->from_scale, average->to_scale, &value);
            value = int256_divide_round(value, int256_of(state->count));
        }
        if (fits)
            ((Str *)out->data)[first + i] = int256_str(context->arena, value);
        else
            vector_set_null(out, first + i);
    }
    return OK;
}
static const AggKernel wide_sum_kernel = {.state_bytes = sizeof(WideSum), .update = wide_update, .update_one = wide_update_one,
                                          .merge = wide_merge, .finish = wide_finish};

Status bind_wide_sum(const FuncBindRequest *request, bool is_average, FuncBinding *out)
{
    Type type = request->types[0];
    WideOp *op = ARENA_NEW(request->arena, WideOp);
    op->from_scale = type.scale;
    op->to_scale = type.scale <= 6 ? type.scale + 6 : MAX(type.scale, (uint8_t)12);
    bind_arguments(request, type, out);
    out->result = type_decimal(DECIMAL_WIDE_PRECISION, is_average ? (uint8_t)op->to_scale : type.scale);
    out->data = is_average ? op : NULL;
    out->aggregate = &wide_sum_kernel;
    return OK;
}
