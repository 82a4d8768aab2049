#include "func/families.h"

/* NOT, IS NULL, IS NOT NULL and their function forms; greatest and least. */

#include "func/shape.h"

DEFINE_UNARY(not_bool, uint8_t, uint8_t, x == 0)

static Status null_test(const Vector *const *arguments, Rows rows, bool wanted, Vector *out)
{
    VectorView view = vector_view(arguments[0]);
    uint8_t *r = out->data;
    for (FOR_ROWS(rows, i, row))
        r[row] = view_is_null(&view, row) == wanted;
    if (arguments[0]->type.kind != TYPE_JSON)
        return OK;
    for (FOR_ROWS(rows, i, row)) { /* JSON null counts as NULL */
        if (!view_is_null(&view, row) && strview_is(str_view(&((const Str *)view.data)[view_index(&view, row)]), "null"))
            r[row] = wanted;
    }
    return OK;
}

static Status is_null_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows,
                             Vector *out)
{
    (void)context;
    (void)count;
    return null_test(arguments, rows, true, out);
}

static Status is_not_null_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows,
                                 Vector *out)
{
    (void)context;
    (void)count;
    return null_test(arguments, rows, false, out);
}

static Status bind_null_test(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)bind_argument_array(request, out);
    out->result = type_of(TYPE_BOOLEAN);
    out->kernel = def->code == 1 ? is_null_kernel : is_not_null_kernel;
    return OK;
}

/* greatest, least: all arguments of one type, NULL if any is. */
static Status extreme_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows,
                             Vector *out)
{
    int sign = context->binding->def->code;
    for (FOR_ROWS(rows, i, row)) {
        if (out->nulls != NULL && out->nulls[row] != 0)
            continue;
        Datum best = vector_get(arguments[0], row, context->arena);
        for (uint32_t a = 1; a < count; a++) {
            Datum value = vector_get(arguments[a], row, context->arena);
            if (datum_compare(out->type, &value, &best) * sign > 0)
                best = value;
        }
        vector_put(out, context->arena, row, &best);
    }
    return OK;
}

#define EXTREME_OF(NAME, T)                                                                                                        \
    KERNEL_CLONES static Status NAME(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out) \
    {                                                                                                                              \
        bool is_greatest = context->binding->def->code > 0;                                                                        \
        T *restrict r = out->data;                                                                                                 \
        for (uint32_t a = 0; a < count; a++) {                                                                                     \
            VectorView view = vector_view(arguments[a]);                                                                           \
            const T *values = view.data;                                                                                           \
            if (rows.sel == NULL && view.codes == NULL && a > 0) {                                                                 \
                uint32_t step = view.is_constant ? 0 : 1;                                                                          \
                for (uint32_t i = 0; i < rows.count; i++) {                                                                        \
                    T value = values[i * step];                                                                                    \
                    r[i] = (is_greatest ? value > r[i] : value < r[i]) ? value : r[i];                                             \
                }                                                                                                                  \
                continue;                                                                                                          \
            }                                                                                                                      \
            for (FOR_ROWS(rows, i, row)) {                                                                                         \
                T value = values[view_index(&view, row)];                                                                          \
                r[row] = a == 0 || (is_greatest ? value > r[row] : value < r[row]) ? value : r[row];                               \
            }                                                                                                                      \
        }                                                                                                                          \
        return OK;                                                                                                                 \
    }
EXTREME_OF(extreme_u8, uint8_t)
EXTREME_OF(extreme_i8, int8_t)
EXTREME_OF(extreme_i16, int16_t)
EXTREME_OF(extreme_i32, int32_t)
EXTREME_OF(extreme_i64, int64_t)
EXTREME_OF(extreme_i128, Int128)
static const ScalarKernel extreme_kernels[PHYS_KIND_COUNT] = {
    [PHYS_BOOL] = extreme_u8, [PHYS_I8] = extreme_i8,   [PHYS_I16] = extreme_i16,
    [PHYS_I32] = extreme_i32, [PHYS_I64] = extreme_i64, [PHYS_I128] = extreme_i128,
};

static Status bind_extreme(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    Type common = request->types[0];
    for (uint32_t i = 1; i < request->count; i++)
        TRY(type_common(common, request->types[i], request->arena, request->diag, &common));
    if (common.kind == TYPE_NULL)
        common = type_of(TYPE_BOOLEAN);
    if (common.kind == TYPE_DATE)
        common = type_of(TYPE_DATETIME);
    bind_arguments(request, common, out);
    out->result = common;
    out->kernel = extreme_kernels[common.phys] != NULL ? extreme_kernels[common.phys] : extreme_kernel;
    return OK;
}

#define NULL_TEST(NAME, CODE)                                                                         \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FUNC_NEVER_NULL | FUNC_CHEAP, .min_arguments = 1,    \
     .max_arguments = 1, .bind = bind_null_test, .code = CODE, .group = "condition"}
static const FuncDef defs[] = {
    {.name = "not", .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL | FUNC_HIDDEN | FUNC_CHEAP, .group = "logic", .min_arguments = 1,
     .max_arguments = 1, .overloads = (const FuncOverload[]){{"b", 'b', not_bool, NULL}}, .overload_count = 1},
    NULL_TEST("is_null", 1),
    NULL_TEST("is_not_null", 0),
    NULL_TEST("isnull", 1),
    NULL_TEST("isnotnull", 0),
    {.name = "greatest", .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL, .min_arguments = 1,
     .max_arguments = FUNC_ANY_ARGUMENTS, .bind = bind_extreme, .code = 1, .group = "math"},
    {.name = "least", .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL, .min_arguments = 1,
     .max_arguments = FUNC_ANY_ARGUMENTS, .bind = bind_extreme, .code = -1, .group = "math"},
};
const FuncTable func_table_logic = {defs, COUNT_OF(defs)};
