#include "plan/plan_int.h"

/* Narrow types: arithmetic of decimals in 64 bits where value ranges prove that nothing overflows.
 *
 * The bounds of stored columns are exact for the versions that the statement reads; intervals go up
 * through casts, + - * and CASE. A call whose arguments and result fit into 64 bits (and into the digits
 * of its type) gets the 64-bit kernel without overflow checks in place of the one in 128 bits. What is above an expression
 * sees the type that it always had: results are widened again, except below sums, which take either. */

#include "types/decimal.h"

typedef struct ValueRange {
    bool is_known;
    Int128 min, max;
} ValueRange;

typedef struct Narrowing {
    PlanContext *context;
    Status status;
} Narrowing;

static Expr *narrow(Narrowing *n, Expr *expr, ValueRange *out);

static bool is_integral(Type type)
{
    return type_is_integer(type) || (type.kind == TYPE_DECIMAL && !type_is_wide_decimal(type));
}

static bool fits_i64(ValueRange range)
{
    return range.is_known && range.min >= INT64_MIN && range.max <= INT64_MAX;
}

static bool fits_digits(ValueRange range, Type type)
{
    if (type.kind != TYPE_DECIMAL || type_is_wide_decimal(type))
        return true; /* wide ones have more digits than any range of 128 bits */
    Int128 limit = decimal_max(type.precision);
    return range.min >= -limit && range.max <= limit;
}

static Expr *with_phys(Narrowing *n, Expr *expr, PhysKind phys)
{
    Type type = expr->type;
    Expr *cast = expr;
    if (type.phys == phys || n->status != OK)
        return expr;
    type.phys = (uint8_t)phys;
    if (expr->kind == EXPR_CONSTANT)
        return expr_constant(n->context->arena, type, expr->constant.value);
    n->status = expr_cast(n->context->arena, expr, type, true, n->context->diag, &cast);
    return cast;
}

static ValueRange range_scaled(ValueRange range, int digits)
{
    if (!range.is_known || digits < 0 || digits > DECIMAL_MAX_PRECISION)
        return (ValueRange){0};
    if (__builtin_mul_overflow(range.min, decimal_powers[digits], &range.min) ||
        __builtin_mul_overflow(range.max, decimal_powers[digits], &range.max))
        return (ValueRange){0};
    return range;
}

static bool product_range(ValueRange a, ValueRange b, ValueRange *out)
{
    Int128 corners[4];
    if (__builtin_mul_overflow(a.min, b.min, &corners[0]) || __builtin_mul_overflow(a.min, b.max, &corners[1]) ||
        __builtin_mul_overflow(a.max, b.min, &corners[2]) || __builtin_mul_overflow(a.max, b.max, &corners[3]))
        return false;
    out->min = out->max = corners[0];
    for (int i = 1; i < 4; i++) {
        out->min = MIN(out->min, corners[i]);
        out->max = MAX(out->max, corners[i]);
    }
    return true;
}

static ValueRange arithmetic_range(const char *name, ValueRange a, ValueRange b)
{
    ValueRange out = {true, 0, 0};
    bool fits = false;
    if (!a.is_known || !b.is_known)
        return (ValueRange){0};
    if (strcmp(name, "add") == 0)
        fits = !__builtin_add_overflow(a.min, b.min, &out.min) && !__builtin_add_overflow(a.max, b.max, &out.max);
    else if (strcmp(name, "subtract") == 0)
        fits = !__builtin_sub_overflow(a.min, b.max, &out.min) && !__builtin_sub_overflow(a.max, b.min, &out.max);
    else if (strcmp(name, "multiply") == 0)
        fits = product_range(a, b, &out);
    return fits ? out : (ValueRange){0};
}

/* The binary call over 64 bits; NULL when there is no such kernel. */
static Expr *rebound(Narrowing *n, const Expr *expr, Expr *const *arguments, Type result)
{
    FuncBinding *fresh = ARENA_NEW(n->context->arena, FuncBinding);
    Expr **narrowed = ARENA_NEW_ARRAY(n->context->arena, Expr *, 2);
    Type types[2] = {arguments[0]->type, arguments[1]->type};
    types[0].phys = types[1].phys = PHYS_I64;
    if (!func_rebind(expr->call.binding, types, result, n->context->arena, fresh))
        return NULL;
    for (int i = 0; i < 2; i++)
        narrowed[i] = with_phys(n, arguments[i], PHYS_I64);
    Expr *call = expr_call(n->context->arena, fresh, narrowed, 2);
    call->is_nullable = expr->is_nullable;
    return call;
}

/* + - * and comparisons of decimals; others get arguments of the width that they ask for. */
static Expr *narrow_binary(Narrowing *n, Expr *expr, ValueRange *out)
{
    const FuncBinding *binding = expr->call.binding;
    ValueRange sides[2];
    Expr *arguments[2];
    for (int i = 0; i < 2; i++)
        arguments[i] = narrow(n, expr->arguments[i], &sides[i]);
    *out = arithmetic_range(binding->def->name, sides[0], sides[1]);
    Type result = expr->type;
    bool is_wide = binding->argument_types[0].kind == TYPE_DECIMAL && binding->argument_types[0].phys == PHYS_I128 &&
                   binding->argument_types[1].phys == PHYS_I128;
    bool fits = result.kind == TYPE_BOOLEAN || (result.phys == PHYS_I128 && fits_i64(*out) && fits_digits(*out, result));
    if (result.kind != TYPE_BOOLEAN)
        result.phys = PHYS_I64;
    if (is_wide && fits && fits_i64(sides[0]) && fits_i64(sides[1])) {
        Expr *call = rebound(n, expr, arguments, result);
        if (call != NULL)
            return call;
    }
    for (int i = 0; i < 2; i++)
        expr->arguments[i] = with_phys(n, arguments[i], (PhysKind)binding->argument_types[i].phys);
    return expr;
}

/* A cast to a decimal of no fewer digits behind the point multiplies; without any more, values stay as they are. */
static Expr *narrow_cast(Narrowing *n, Expr *expr, ValueRange *out)
{
    ValueRange inner;
    Expr *argument = narrow(n, expr->arguments[0], &inner);
    Type from = argument->type;
    Type target = expr->type;
    bool is_exact = is_integral(from) && target.kind == TYPE_DECIMAL && target.scale >= from.scale;
    *out = is_exact ? range_scaled(inner, target.scale - from.scale) : (ValueRange){0};
    if (!fits_i64(*out) || !fits_digits(*out, target) || target.phys != PHYS_I128) {
        if (!is_exact || (out->is_known && !fits_digits(*out, target)))
            *out = (ValueRange){0};
        expr->arguments[0] = with_phys(n, argument, (PhysKind)expr->call.binding->argument_types[0].phys);
        return expr;
    }
    target.phys = PHYS_I64;
    if (argument->kind == EXPR_CONSTANT)
        return expr_constant(n->context->arena, target, (Datum){.i128 = out->min});
    if (from.kind == TYPE_DECIMAL && from.scale == target.scale)
        return with_phys(n, argument, PHYS_I64);
    Expr *cast = expr;
    n->status = expr_cast(n->context->arena, argument, target, true, n->context->diag, &cast);
    return cast;
}

static void widen_arguments(Narrowing *n, Expr *expr)
{
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        ValueRange ignored;
        PhysKind phys = (PhysKind)expr->arguments[i]->type.phys;
        expr->arguments[i] = with_phys(n, narrow(n, expr->arguments[i], &ignored), phys);
    }
}

/* One of the branches, or NULL. */
static void narrow_case(Narrowing *n, Expr *expr, ValueRange *out)
{
    bool first = true;
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        ValueRange branch;
        bool is_value = i % 2 == 1 || i + 1 == expr->argument_count;
        PhysKind phys = (PhysKind)expr->arguments[i]->type.phys;
        bool is_null = expr->arguments[i]->kind == EXPR_CONSTANT && expr->arguments[i]->constant.value.is_null;
        expr->arguments[i] = with_phys(n, narrow(n, expr->arguments[i], &branch), phys);
        if (!is_value || is_null)
            continue;
        if (first)
            *out = branch;
        out->is_known &= branch.is_known;
        out->min = MIN(out->min, branch.min);
        out->max = MAX(out->max, branch.max);
        first = false;
    }
}

/* The expression with 64-bit arithmetic inside; its own phys may be narrower than before. */
static Expr *narrow(Narrowing *n, Expr *expr, ValueRange *out)
{
    *out = (ValueRange){0};
    if (expr->kind == EXPR_CONSTANT && is_integral(expr->type) && !expr->constant.value.is_null)
        *out = (ValueRange){true, expr->constant.value.i128, expr->constant.value.i128};
    if (expr->kind == EXPR_COLUMN && is_integral(expr->type)) {
        const ColumnFacts *facts = column_facts(n->context, expr->column.id);
        *out = (ValueRange){facts->has_bounds, facts->min, facts->max};
    }
    if (expr->kind == EXPR_CASE)
        narrow_case(n, expr, out);
    else if (expr->kind == EXPR_CALL && expr->call.is_cast)
        return narrow_cast(n, expr, out);
    else if (expr->kind == EXPR_CALL && expr->argument_count == 2)
        return narrow_binary(n, expr, out);
    else if (expr->kind == EXPR_CALL && expr->argument_count > 0)
        widen_arguments(n, expr);
    return expr;
}

Status narrow_expr(PlanContext *context, Expr **in_out)
{
    Narrowing n = {context, OK};
    ValueRange range;
    PhysKind phys = (PhysKind)(*in_out)->type.phys;
    *in_out = with_phys(&n, narrow(&n, *in_out, &range), phys);
    return n.status;
}

Status narrow_aggregate(PlanContext *context, PhysAggCall *call)
{
    for (uint32_t i = 0; i < call->argument_count; i++) {
        Narrowing n = {context, OK};
        ValueRange range;
        Type before = call->arguments[i]->type;
        Expr *argument = narrow(&n, call->arguments[i], &range);
        Type after = before;
        after.phys = argument->type.phys;
        FuncBinding *fresh = ARENA_NEW(context->arena, FuncBinding);
        bool takes = after.phys == before.phys ||
                     (call->argument_count == 1 && func_rebind(call->binding, &after, call->binding->result, context->arena, fresh));
        if (takes && after.phys != before.phys)
            call->binding = fresh;
        call->arguments[i] = takes ? argument : with_phys(&n, argument, (PhysKind)before.phys);
        TRY(n.status);
    }
    return OK;
}
