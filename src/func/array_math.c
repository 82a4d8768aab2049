#include "func/families.h"

/* Functions over ARRAY that compute with elements: sums, extremes, running sums, joins, series. NULL
 * elements are left out; without any other element the result is NULL. */

#include <math.h>

#include "func/nested.h"
#include "types/datetime.h"
#include "types/decimal.h"

/* Sum in 128 bits or as DOUBLE; false: no element that is not NULL. */
static bool sum_of(const ListSlice *list, bool is_real, Arena *arena, Datum *out, int64_t *out_count)
{
    *out = is_real ? datum_f64(0) : datum_i64(0);
    *out_count = 0;
    for (uint32_t e = 0; e < list->length; e++) {
        Datum item = list_get(list, e, arena);
        if (item.is_null)
            continue;
        if (is_real)
            out->f64 += item.f64;
        else
            out->i128 += item.i128;
        ++*out_count;
    }
    return *out_count > 0;
}
DEFINE_ROWWISE(sum_kernel, {
    ListSlice list = list_at(&views[0], row);
    Datum sum;
    int64_t counted;
    bool has_any = sum_of(&list, out->type.phys == PHYS_F64, context->arena, &sum, &counted);
    if (has_any && out->type.kind == TYPE_DECIMAL && list.child->type.scale > out->type.scale)
        has_any = decimal_rescale(sum.i128, list.child->type.scale, out->type.scale, &sum.i128);
    if (has_any)
        vector_put(out, context->arena, row, &sum);
    else
        RESULT_NULL();
})
DEFINE_ROWWISE(avg_kernel, {
    ListSlice list = list_at(&views[0], row);
    Type element = list.child->type;
    Datum sum;
    int64_t counted;
    bool has_any = sum_of(&list, type_is_float(element), context->arena, &sum, &counted);
    counted = list.length; /* NULLs count here */
    if (!has_any) {
        RESULT_NULL();
    } else if (out->type.kind == TYPE_DECIMAL) {
        int shift = out->type.scale - element.scale;
        if (!decimal_mul_div(sum.i128, decimal_powers[shift], counted, &RESULT(Int128)))
            RESULT_NULL();
    } else {
        RESULT(double) = (type_is_float(element) ? sum.f64 : (double)sum.i128) / (double)counted;
    }
})
/* code: -1 min, 1 max */
DEFINE_ROWWISE(extreme_kernel, {
    ListSlice list = list_at(&views[0], row);
    int code = context->binding->def->code;
    Datum best = datum_null();
    for (uint32_t e = 0; e < list.length; e++) {
        Datum item = list_get(&list, e, context->arena);
        if (!item.is_null && (best.is_null || datum_compare(list.child->type, &item, &best) * code > 0))
            best = item;
    }
    vector_put(out, context->arena, row, &best);
})
DEFINE_ROWWISE(cum_sum_kernel, {
    ListSlice list = list_at(&views[0], row);
    bool is_real = type_is_float(element_type(out->type));
    uint32_t first = out->child_rows;
    Datum sum = is_real ? datum_f64(0) : datum_i64(0);
    bool has_any = false;
    for (uint32_t e = 0; e < list.length; e++) {
        Datum item = list_get(&list, e, context->arena);
        has_any |= !item.is_null;
        if (!item.is_null && is_real)
            sum.f64 += item.f64;
        else if (!item.is_null)
            sum = datum_i64((int64_t)((uint64_t)sum.i64 + (uint64_t)item.i64));
        Datum value = has_any ? sum : datum_null();
        list_push(out, context->arena, &value);
    }
    list_end(out, row, first);
})
DEFINE_ROWWISE(difference_kernel, {
    ListSlice list = list_at(&views[0], row);
    bool is_real = type_is_float(element_type(out->type));
    uint32_t first = out->child_rows;
    Datum before = datum_null();
    for (uint32_t e = 0; e < list.length; e++) {
        Datum item = list_get(&list, e, context->arena);
        Datum value = datum_null();
        if (e == 0 && !item.is_null)
            value = is_real ? datum_f64(0) : datum_i64(0);
        else if (!item.is_null && !before.is_null)
            value = is_real ? datum_f64(item.f64 - before.f64) : (Datum){.i128 = item.i128 - before.i128};
        list_push(out, context->arena, &value);
        before = item;
    }
    list_end(out, row, first);
})
DEFINE_ROWWISE(join_kernel, {
    ListSlice list = list_at(&views[0], row);
    AUTO_BYTEBUF text = {0};
    bool is_first = true;
    for (uint32_t e = 0; e < list.length; e++) {
        Datum item = list_get(&list, e, context->arena);
        if (item.is_null && count < 3)
            continue;
        if (!is_first)
            bytebuf_append_view(&text, ARG_VIEW(1));
        is_first = false;
        bytebuf_append_view(&text, item.is_null ? ARG_VIEW(2) : str_view(&item.str));
    }
    result_text(context, out, row, text.data == NULL ? "" : text.data, text.length);
})

/* code: 0 cosine_similarity, 1 of vectors of length 1 */
DEFINE_ROWWISE(cosine_kernel, {
    ListSlice a = list_at(&views[0], row);
    ListSlice b = list_at(&views[1], row);
    double product = 0;
    double a_square = 0;
    double b_square = 0;
    if (a.length != b.length || a.length == 0)
        return RAISE(context->diag, INVALID_ARGUMENT, "cosine_similarity requires equal length arrays in each row, got %u and %u", a.length, b.length);
    bool has_null = false;
    for (uint32_t e = 0; e < a.length; e++) {
        Datum x = list_get(&a, e, context->arena);
        Datum y = list_get(&b, e, context->arena);
        has_null |= x.is_null || y.is_null;
        if (has_null)
            break;
        product += x.f64 * y.f64;
        a_square += x.f64 * x.f64;
        b_square += y.f64 * y.f64;
    }
    bool is_unit = context->binding->def->code == 1;
    double length = is_unit ? 1 : sqrt(a_square) * sqrt(b_square);
    if (has_null || length == 0)
        RESULT_NULL();
    else
        RESULT(float) = (float)(product / length);
})

enum { MAX_SERIES = 10000000 };
static Status series_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    Arena *arena = context->arena;
    for (LIST_ROWS(context, out, rows, i, row)) {
        if (out->nulls != NULL && out->nulls[row] != 0)
            continue;
        Datum low = count == 1 ? datum_i64(1) : vector_get(arguments[0], row, arena);
        Datum high = vector_get(arguments[count == 1 ? 0 : 1], row, arena);
        Int128 step = count > 2 ? vector_get(arguments[2], row, arena).i128 : low.i128 > high.i128 ? -1 : 1;
        uint32_t first = out->child_rows;
        Int128 span;
        bool is_too_wide = step > 0 ? __builtin_sub_overflow(high.i128, low.i128, &span) : __builtin_sub_overflow(low.i128, high.i128, &span);
        bool goes_on = step > 0 ? high.i128 >= low.i128 : low.i128 >= high.i128;
        if (step != 0 && goes_on) {
            Int128 steps = is_too_wide ? MAX_SERIES : span / step; /* of the size of span / |step| */
            steps = steps < 0 ? -steps : steps;
            if (steps >= MAX_SERIES)
                return RAISE(context->diag, LIMIT_EXCEEDED, "array_generate() makes at most %d elements", MAX_SERIES);
            for (Int128 n = 0; n <= steps; n++) {
                Datum value = {.i128 = low.i128 + n * step};
                list_push(out, arena, &value);
            }
        }
        list_end(out, row, first);
    }
    return OK;
}

static int64_t step_date(int64_t value, int64_t steps, StrView unit)
{
    static const struct {
        const char *name;
        int64_t us;
    } units[] = {{"microsecond", 1}, {"millisecond", 1000}, {"second", US_PER_SECOND}, {"minute", 60 * US_PER_SECOND},
                 {"hour", 3600 * US_PER_SECOND}, {"day", US_PER_DAY}, {"week", 7 * US_PER_DAY}};
    for (size_t u = 0; u < COUNT_OF(units); u++) {
        if (strview_equal_ci(unit, strview(units[u].name)))
            return value + steps * units[u].us;
    }
    int64_t months = strview_equal_ci(unit, STR_VIEW("year")) ? 12 : strview_equal_ci(unit, STR_VIEW("quarter")) ? 3 : 1;
    int32_t days;
    if (!date_add_months(datetime_date(value), steps * months, &days))
        return INT64_MAX;
    return (int64_t)days * US_PER_DAY + (value - (int64_t)datetime_date(value) * US_PER_DAY);
}
/* array_generate(from, to, n, unit) over DATETIME or DATE */
static Status date_series_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    Arena *arena = context->arena;
    bool is_date = element_type(out->type).kind == TYPE_DATE;
    (void)count;
    for (LIST_ROWS(context, out, rows, i, row)) {
        if (out->nulls != NULL && out->nulls[row] != 0)
            continue;
        int64_t low = vector_get(arguments[0], row, arena).i64;
        int64_t high = vector_get(arguments[1], row, arena).i64;
        int64_t step = vector_get(arguments[2], row, arena).i64;
        Datum unit = vector_get(arguments[3], row, arena);
        uint32_t first = out->child_rows;
        bool is_up = low <= high;
        if (step < 0 || step > 1000000000)
            return RAISE(context->diag, INVALID_ARGUMENT, "array_generate requires step parameter must be non-negative.");
        int64_t value = low;
        for (int64_t n = 0; step > 0 && (is_up ? value <= high : value >= high); n++) {
            if (n > MAX_SERIES)
                return RAISE(context->diag, LIMIT_EXCEEDED, "array_generate() makes at most %d elements", MAX_SERIES);
            Datum item = datum_i64(is_date ? datetime_date(value) : value);
            list_push(out, arena, &item);
            value = step_date(low, (n + 1) * (is_up ? step : -step), str_view(&unit.str));
            if (!datetime_in_range(value))
                break;
        }
        list_end(out, row, first);
    }
    return OK;
}

enum { MATH_SUM, MATH_AVG, MATH_CUM_SUM, MATH_DIFFERENCE };

static Type sum_type(Type element, int code)
{
    if (code == MATH_AVG && element.kind != TYPE_DECIMAL)
        return type_of(TYPE_DOUBLE);
    if (element.kind == TYPE_DECIMAL) {
        uint8_t scale = element.scale <= 6 ? (uint8_t)(element.scale + 6) : MAX(element.scale, (uint8_t)12);
        return type_decimal(DECIMAL_MAX_PRECISION, code == MATH_AVG ? scale : code == MATH_SUM ? MIN(element.scale, (uint8_t)18) : element.scale);
    }
    if (type_is_float(element))
        return type_of(TYPE_DOUBLE);
    return type_of(element.kind == TYPE_LARGEINT && code != MATH_CUM_SUM ? TYPE_LARGEINT : TYPE_BIGINT);
}

static Status bind_math(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    static const ScalarKernel kernels[] = {sum_kernel, avg_kernel, cum_sum_kernel, difference_kernel};
    Type element;
    Type *types = bind_argument_array(request, out);
    if (!bind_same_arrays(request, 0, 1, types, &element) || type_is_nested(element) || element.kind >= TYPE_JSON)
        return bind_error(request);
    if (!type_is_numeric(element) && def->code == MATH_DIFFERENCE)
        return RAISE(request->diag, ANALYSIS, "Getting analyzing error. Detail message: array_difference function only support numeric array types.");
    if (!type_is_numeric(element) || type_is_wide_decimal(element) || (element.kind == TYPE_DECIMAL && def->code == MATH_CUM_SUM))
        element = type_of(TYPE_DOUBLE);
    types[0] = type_array(request->arena, element);
    out->result = sum_type(element, def->code);
    if (def->code >= MATH_CUM_SUM) {
        if (element.kind < TYPE_BIGINT)
            types[0] = type_array(request->arena, type_of(TYPE_BIGINT));
        if (def->code == MATH_CUM_SUM)
            types[0] = type_array(request->arena, out->result);
        out->result = type_array(request->arena, out->result);
    }
    out->kernel = kernels[def->code];
    return OK;
}

static Status bind_extreme(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    Type *types = bind_argument_array(request, out);
    if (!bind_same_arrays(request, 0, 1, types, &out->result) || type_is_nested(out->result))
        return bind_error(request);
    out->kernel = extreme_kernel;
    return OK;
}

static Status bind_join(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    bind_arguments(request, type_varchar(0), out);
    Type *types = bind_argument_array(request, out);
    if (types[0].kind != TYPE_ARRAY && types[0].kind != TYPE_NULL)
        return bind_error(request);
    types[0] = type_array(request->arena, type_varchar(0));
    for (uint32_t i = 1; i < request->count; i++)
        types[i] = type_varchar(0);
    out->result = type_varchar(0);
    out->kernel = join_kernel;
    return OK;
}

static Status bind_cosine(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    Type *types = bind_argument_array(request, out);
    for (uint32_t i = 0; i < 2; i++) {
        bool fits = types[i].kind == TYPE_NULL || (types[i].kind == TYPE_ARRAY && (type_is_numeric(element_type(types[i])) || type_is_string(element_type(types[i]))));
        if (!fits)
            return bind_error(request);
        types[i] = type_array(request->arena, type_of(TYPE_DOUBLE));
    }
    out->result = type_of(TYPE_FLOAT);
    out->kernel = cosine_kernel;
    return OK;
}

static Status bind_series(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    Type *types = bind_argument_array(request, out);
    bool is_date = request->count == 4 || type_is_date(types[0]);
    if (is_date) {
        if (request->count < 2)
            return bind_error(request);
        bool are_dates = types[0].kind == TYPE_DATE && types[1].kind == TYPE_DATE;
        types[0] = types[1] = type_of(TYPE_DATETIME);
        if (request->count != 4)
            return bind_error(request);
        types[2] = type_of(TYPE_INT);
        types[3] = type_varchar(0);
        out->result = type_array(request->arena, type_of(are_dates ? TYPE_DATE : TYPE_DATETIME));
        out->kernel = date_series_kernel;
        return OK;
    }
    Type common = type_of(TYPE_TINYINT);
    for (uint32_t i = 0; i < request->count; i++) {
        if (types[i].kind != TYPE_NULL && !type_is_integer(types[i]))
            types[i] = type_of(TYPE_BIGINT);
        if (types[i].kind > common.kind)
            common = types[i];
    }
    bind_arguments(request, common, out);
    out->result = type_array(request->arena, common);
    out->kernel = series_kernel;
    return OK;
}

#define MATHF(NAME, FLAGS, MIN_ARGS, MAX_ARGS, BIND, CODE)                                          \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL | (FLAGS), .min_arguments = MIN_ARGS, \
     .max_arguments = MAX_ARGS, .bind = BIND, .code = CODE, .group = "array"}
static const FuncDef defs[] = {
    MATHF("array_sum", 0, 1, 1, bind_math, MATH_SUM),
    MATHF("array_avg", 0, 1, 1, bind_math, MATH_AVG),
    MATHF("array_cum_sum", 0, 1, 1, bind_math, MATH_CUM_SUM),
    MATHF("array_difference", 0, 1, 1, bind_math, MATH_DIFFERENCE),
    MATHF("array_min", 0, 1, 1, bind_extreme, -1),
    MATHF("array_max", 0, 1, 1, bind_extreme, 1),
    MATHF("cosine_similarity", FUNC_CAN_RAISE, 2, 2, bind_cosine, 0),
    MATHF("cosine_similarity_norm", FUNC_CAN_RAISE, 2, 2, bind_cosine, 1),
    MATHF("array_join", 0, 2, 3, bind_join, 0),
    MATHF("array_generate", FUNC_CAN_RAISE, 1, 4, bind_series, 0),
};
const FuncTable func_table_array_math = {defs, COUNT_OF(defs)};
