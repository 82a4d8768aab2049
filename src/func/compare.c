#include "func/families.h"

/* =, !=, <, <=, >, >= and <=> for every physical kind. Both sides arrive with the same type. */

#include <math.h>

#include "codec/json_text.h"
#include "func/shape.h"
#include "types/number_text.h"

#define COMPARE_SET(SUFFIX, T)                            \
    DEFINE_BINARY(eq_##SUFFIX, T, T, uint8_t, x == y)     \
    DEFINE_BINARY(ne_##SUFFIX, T, T, uint8_t, x != y)     \
    DEFINE_BINARY(lt_##SUFFIX, T, T, uint8_t, x < y)      \
    DEFINE_BINARY(le_##SUFFIX, T, T, uint8_t, x <= y)     \
    DEFINE_BINARY(gt_##SUFFIX, T, T, uint8_t, x > y)      \
    DEFINE_BINARY(ge_##SUFFIX, T, T, uint8_t, x >= y)
COMPARE_SET(u8, uint8_t)
COMPARE_SET(i8, int8_t)
COMPARE_SET(i16, int16_t)
COMPARE_SET(i32, int32_t)
COMPARE_SET(i64, int64_t)
COMPARE_SET(i128, Int128)
COMPARE_SET(f32, float)
COMPARE_SET(f64, double)
DEFINE_BINARY(eq_str, Str, Str, uint8_t, str_equal(&x, &y))
DEFINE_BINARY(ne_str, Str, Str, uint8_t, !str_equal(&x, &y))
DEFINE_BINARY(lt_str, Str, Str, uint8_t, str_compare(&x, &y) < 0)
DEFINE_BINARY(le_str, Str, Str, uint8_t, str_compare(&x, &y) <= 0)
DEFINE_BINARY(gt_str, Str, Str, uint8_t, str_compare(&x, &y) > 0)
DEFINE_BINARY(ge_str, Str, Str, uint8_t, str_compare(&x, &y) >= 0)

/* Equality with NULLs inside: 1 equal, 0 different, -1 unknown. */
static int nested_equal(Type type, const Datum *a, const Datum *b)
{
    if (a->is_null || b->is_null)
        return -1;
    if (!type_is_nested(type))
        return datum_compare(type, a, b) == 0;
    if (a->list->count != b->list->count)
        return 0;
    bool is_unknown = false;
    for (uint32_t i = 0; i < a->list->count; i++) {
        int same = nested_equal(type.nested->types[i % type.nested->count], &a->list->items[i], &b->list->items[i]);
        if (same == 0)
            return 0;
        is_unknown |= same < 0;
    }
    return is_unknown ? -1 : 1;
}

/* Order of arrays: element by element, NULL above all values, a prefix before what is longer. */
static int nested_order(Type type, const Datum *a, const Datum *b)
{
    if (a->is_null || b->is_null)
        return (int)a->is_null - (int)b->is_null;
    if (type.kind != TYPE_ARRAY)
        return datum_compare(type, a, b);
    for (uint32_t i = 0; i < MIN(a->list->count, b->list->count); i++) {
        int order = nested_order(type.nested->types[0], &a->list->items[i], &b->list->items[i]);
        if (order != 0)
            return order;
    }
    return (a->list->count > b->list->count) - (a->list->count < b->list->count);
}

/* a != b of arrays is never unknown: two NULL elements are equal. */
static Status differ_arrays(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    (void)count;
    for (FOR_ROWS(rows, i, row)) {
        Datum a = vector_get(arguments[0], row, context->arena);
        Datum b = vector_get(arguments[1], row, context->arena);
        if (!a.is_null && !b.is_null)
            ((uint8_t *)out->data)[row] = nested_order(arguments[0]->type, &a, &b) != 0;
    }
    return OK;
}

static Status equal_nested(FuncContext *context, const Vector *const *arguments, Rows rows, Vector *out, bool wanted)
{
    for (FOR_ROWS(rows, i, row)) {
        Datum a = vector_get(arguments[0], row, context->arena);
        Datum b = vector_get(arguments[1], row, context->arena);
        if (a.is_null || b.is_null)
            continue;
        int same = nested_equal(arguments[0]->type, &a, &b);
        if (same < 0)
            vector_set_null(out, row);
        else
            ((uint8_t *)out->data)[row] = (same == 1) == wanted;
    }
    return OK;
}

/* JSON numbers compare as numbers, all else by text. */
static int json_order(StrView a, StrView b)
{
    double x;
    double y;
    bool are_numbers = json_kind(a) == JSON_TEXT_NUMBER && json_kind(b) == JSON_TEXT_NUMBER && double_parse(a, &x) && double_parse(b, &y);
    return are_numbers ? (x > y) - (x < y) : strview_compare(a, b);
}
static Status compare_json(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    VectorView left = vector_view(arguments[0]);
    VectorView right = vector_view(arguments[1]);
    CompareOp op = (CompareOp)context->binding->def->code;
    (void)count;
    for (FOR_ROWS(rows, i, row)) {
        StrView a = str_view(&((const Str *)left.data)[view_index(&left, row)]);
        StrView b = str_view(&((const Str *)right.data)[view_index(&right, row)]);
        int order = json_order(a, b);
        bool holds = op == COMPARE_EQ   ? order == 0
                     : op == COMPARE_NE ? order != 0
                     : op == COMPARE_LT ? order < 0
                     : op == COMPARE_LE ? order <= 0
                     : op == COMPARE_GT ? order > 0
                                        : order >= 0;
        ((uint8_t *)out->data)[row] = holds;
    }
    return OK;
}

/* Nested values compare through datums. */
static Status compare_nested(FuncContext *context, const Vector *const *arguments, Rows rows, Vector *out,
                             CompareOp op)
{
    uint8_t *r = out->data;
    for (FOR_ROWS(rows, i, row)) {
        Datum a = vector_get(arguments[0], row, context->arena);
        Datum b = vector_get(arguments[1], row, context->arena);
        if (a.is_null || b.is_null)
            continue;
        int order = nested_order(arguments[0]->type, &a, &b);
        switch (op) {
        case COMPARE_EQ:
            r[row] = order == 0;
            break;
        case COMPARE_NE:
            r[row] = order != 0;
            break;
        case COMPARE_LT:
            r[row] = order < 0;
            break;
        case COMPARE_LE:
            r[row] = order <= 0;
            break;
        case COMPARE_GT:
            r[row] = order > 0;
            break;
        case COMPARE_GE:
            r[row] = order >= 0;
            break;
        }
    }
    return OK;
}
#define NESTED_KERNEL(name, op)                                                                 \
    static Status name(FuncContext *context, const Vector *const *arguments, uint32_t count,    \
                       Rows rows, Vector *out)                                                  \
    {                                                                                           \
        (void)count;                                                                            \
        return compare_nested(context, arguments, rows, out, op);                               \
    }
#define EQUAL_KERNEL(name, wanted)                                                              \
    static Status name(FuncContext *context, const Vector *const *arguments, uint32_t count,    \
                       Rows rows, Vector *out)                                                  \
    {                                                                                           \
        (void)count;                                                                            \
        return equal_nested(context, arguments, rows, out, wanted);                             \
    }
EQUAL_KERNEL(eq_nested, true)
EQUAL_KERNEL(ne_nested, false)
NESTED_KERNEL(lt_nested, COMPARE_LT)
NESTED_KERNEL(le_nested, COMPARE_LE)
NESTED_KERNEL(gt_nested, COMPARE_GT)
NESTED_KERNEL(ge_nested, COMPARE_GE)

#define KERNEL_ROW(SUFFIX) {eq_##SUFFIX, ne_##SUFFIX, lt_##SUFFIX, le_##SUFFIX, gt_##SUFFIX, ge_##SUFFIX}
static const ScalarKernel kernels[PHYS_KIND_COUNT][6] = {
    [PHYS_BOOL] = KERNEL_ROW(u8),       [PHYS_I8] = KERNEL_ROW(i8),
    [PHYS_I16] = KERNEL_ROW(i16),       [PHYS_I32] = KERNEL_ROW(i32),
    [PHYS_I64] = KERNEL_ROW(i64),       [PHYS_I128] = KERNEL_ROW(i128),
    [PHYS_F32] = KERNEL_ROW(f32),       [PHYS_F64] = KERNEL_ROW(f64),
    [PHYS_STR] = KERNEL_ROW(str),       [PHYS_LIST] = KERNEL_ROW(nested),
    [PHYS_MAP] = KERNEL_ROW(nested),    [PHYS_STRUCT] = KERNEL_ROW(nested),
};

ScalarKernel compare_kernel(CompareOp op, PhysKind phys)
{
    return kernels[phys][op];
}

static Status bind_compare(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    Type common;
    TRY(type_common_comparison(request->types[0], request->types[1], request->arena, request->diag,
                               &common));
    if (common.kind == TYPE_NULL)
        common = type_of(TYPE_BOOLEAN);
    bind_arguments(request, common, out);
    out->result = type_of(TYPE_BOOLEAN);
    out->kernel = common.kind == TYPE_JSON                                   ? compare_json
                  : common.kind == TYPE_ARRAY && def->code == COMPARE_NE ? differ_arrays
                                                                         : compare_kernel((CompareOp)def->code, (PhysKind)common.phys);
    return OK;
}

/* <=>: NULLs are equal to each other. */
static Status null_safe_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count,
                               Rows rows, Vector *out)
{
    ScalarKernel equal = compare_kernel(COMPARE_EQ, (PhysKind)arguments[0]->type.phys);
    TRY(type_is_nested(arguments[0]->type) ? compare_nested(context, arguments, rows, out, COMPARE_EQ)
                                           : equal(context, arguments, count, rows, out));
    VectorView a = vector_view(arguments[0]);
    VectorView b = vector_view(arguments[1]);
    uint8_t *r = out->data;
    for (FOR_ROWS(rows, i, row)) {
        bool a_null = view_is_null(&a, row);
        bool b_null = view_is_null(&b, row);
        if (a_null || b_null)
            r[row] = a_null && b_null;
    }
    return OK;
}

static Status bind_null_safe(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    TRY(bind_compare(request, def, out));
    out->kernel = null_safe_kernel;
    return OK;
}

#define COMPARISON(NAME, CODE)                                                                      \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL | FUNC_HIDDEN | FUNC_CHEAP, \
     .min_arguments = 2, .max_arguments = 2, .bind = bind_compare, .code = CODE, .group = "comparison"}
static const FuncDef defs[] = {
    COMPARISON("eq", COMPARE_EQ), COMPARISON("ne", COMPARE_NE), COMPARISON("lt", COMPARE_LT),
    COMPARISON("le", COMPARE_LE), COMPARISON("gt", COMPARE_GT), COMPARISON("ge", COMPARE_GE),
    {.name = "eq_for_null", .kind = FUNC_SCALAR, .flags = FUNC_NEVER_NULL | FUNC_HIDDEN | FUNC_CHEAP,
     .min_arguments = 2, .max_arguments = 2, .bind = bind_null_safe, .code = COMPARE_EQ,
     .group = "comparison"},
};
const FuncTable func_table_compare = {defs, COUNT_OF(defs)};
