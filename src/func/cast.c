#include "func/families.h"

/* Casts between all scalar types.
 *
 * Pairs that widen, and those of cast_number.c and cast_text.c, have loops of their own; the others go value by value
 * through a datum. A value that does not fit becomes NULL, or raises under ALLOW_THROW_EXCEPTION. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "func/cast_int.h"
#include "func/json_value.h"
#include "func/shape.h"
#include "types/datetime.h"
#include "types/decimal.h"
#include "types/decimal256.h"
#include "types/json.h"
#include "types/number_text.h"

static bool fits_integer(Int128 value, TypeKind kind)
{
    switch (kind) {
    case TYPE_TINYINT:
        return value >= INT8_MIN && value <= INT8_MAX;
    case TYPE_SMALLINT:
        return value >= INT16_MIN && value <= INT16_MAX;
    case TYPE_INT:
        return value >= INT32_MIN && value <= INT32_MAX;
    case TYPE_BIGINT:
        return value >= INT64_MIN && value <= INT64_MAX;
    default:
        return true;
    }
}

static int64_t civil_number(const CivilTime *t, bool with_time)
{
    int64_t date = t->year * INT64_C(10000) + t->month * 100 + t->day;
    return with_time ? date * 1000000 + t->hour * 10000 + t->minute * 100 + t->second : date;
}

/* The number that a date, time or boolean stands for. */
static Int128 integer_of(Type source, const Datum *value)
{
    if (source.kind == TYPE_DATE || source.kind == TYPE_DATETIME) {
        CivilTime t = datetime_to_civil(source.kind == TYPE_DATE ? value->i64 * US_PER_DAY : value->i64);
        return civil_number(&t, source.kind == TYPE_DATETIME);
    }
    if (source.kind == TYPE_TIME)
        return value->i64 / US_PER_SECOND;
    return value->i128;
}

/* Between DECIMAL of more than 38 digits and the rest: the other side is a narrower type or a text. */
static bool to_wide_decimal(Type source, Type target, const Datum *in, Arena *arena, Datum *out)
{
    Int256 value;
    *out = datum_null();
    if (type_is_wide_decimal(source)) {
        if (!int256_rescale(int256_of_str(&in->str), source.scale, target.scale, &value))
            return false;
    } else if (source.phys == PHYS_STR) {
        if (!decimal256_parse(str_view(&in->str), target.precision, target.scale, &value))
            return false;
    } else if (type_is_float(source)) {
        if (!decimal256_from_double(in->f64, target.precision, target.scale, &value))
            return false;
    } else {
        int scale = source.kind == TYPE_DECIMAL ? source.scale : 0;
        Int128 narrow = source.kind == TYPE_DECIMAL ? in->i128 : integer_of(source, in);
        if (!int256_rescale(int256_of(narrow), scale, target.scale, &value))
            return false;
    }
    *out = (Datum){.str = int256_str(arena, value)};
    return int256_fits(value, target.precision);
}

/* By way of the whole number, the double or the text that it stands for. */
static bool from_wide_decimal(Type source, Type target, const Datum *in, Arena *arena, Datum *out)
{
    Int256 value = int256_of_str(&in->str);
    Int256 whole, rest;
    Datum narrow = datum_i64(0);
    if (type_is_float(target)) {
        *out = datum_f64(decimal256_to_double(value, source.scale));
        return true;
    }
    if (target.kind == TYPE_DECIMAL) {
        *out = datum_i64(0);
        return int256_rescale(value, source.scale, target.scale, &whole) && int256_fits(whole, target.precision) &&
               int256_to_128(whole, &out->i128);
    }
    if (type_is_string(target) || target.kind == TYPE_VARBINARY) {
        AUTO_BYTEBUF text = {0};
        decimal256_print(value, source.scale, &text);
        *out = datum_str(strview_n(arena_strndup(arena, text.data, text.length), text.length));
        return true;
    }
    if (target.kind == TYPE_BOOLEAN) {
        *out = datum_i64(!int256_is_zero(value));
        return true;
    }
    int256_divide(value, int256_power10(source.scale), &whole, &rest);
    return int256_to_128(whole, &narrow.i128) && cast_datum(type_of(TYPE_LARGEINT), target, &narrow, arena, out);
}

static bool to_integer(Type source, const Datum *in, TypeKind target, Datum *out)
{
    Int128 value;
    if (type_is_float(source)) {
        if (!(fabs(in->f64) < 1.7e38))
            return false;
        value = (Int128)in->f64;
    } else if (source.kind == TYPE_DECIMAL) {
        value = in->i128 / decimal_powers[source.scale];
    } else if (source.phys == PHYS_STR) {
        StrView text = strview_trim(str_view(&in->str));
        double number;
        if (!int128_parse(text, &value)) {
            if (!double_parse(text, &number) || !(fabs(number) < 1.7e38))
                return false;
            value = (Int128)number;
        }
    } else {
        value = integer_of(source, in);
    }
    out->is_null = false;
    out->i128 = value;
    return fits_integer(value, target);
}

static bool to_boolean(Type source, const Datum *in, Datum *out)
{
    if (source.phys == PHYS_STR) {
        AUTO_ARENA arena;
        Diag diag = {0};
        arena_init(&arena, NULL);
        return datum_parse(type_of(TYPE_BOOLEAN), str_view(&in->str), &arena, &diag, out) == OK;
    }
    *out = datum_i64(type_is_float(source) ? in->f64 != 0 : in->i128 != 0);
    return true;
}

static bool to_float(Type source, const Datum *in, Datum *out)
{
    *out = datum_f64(0);
    if (type_is_float(source))
        out->f64 = in->f64;
    else if (source.kind == TYPE_DECIMAL)
        out->f64 = decimal_to_double(in->i128, source.scale);
    else if (source.phys == PHYS_STR)
        return double_parse(str_view(&in->str), &out->f64) && isfinite(out->f64);
    else
        out->f64 = (double)integer_of(source, in);
    return true;
}

static bool to_decimal(Type source, Type target, const Datum *in, Datum *out)
{
    *out = datum_i64(0);
    if (type_is_float(source))
        return decimal_from_double(in->f64, target.precision, target.scale, &out->i128);
    if (source.phys == PHYS_STR)
        return decimal_parse(str_view(&in->str), target.precision, target.scale, &out->i128);
    Int128 value = source.kind == TYPE_DECIMAL ? in->i128 : integer_of(source, in);
    int scale = source.kind == TYPE_DECIMAL ? source.scale : 0;
    if (!decimal_rescale(value, scale, target.scale, &out->i128))
        return false;
    Int128 limit = decimal_max(target.precision);
    return out->i128 <= limit && out->i128 >= -limit;
}

static bool to_datetime(Type source, TypeKind target, const Datum *in, Datum *out)
{
    CivilTime t;
    if (source.kind == TYPE_DATE)
        *out = datum_i64(target == TYPE_DATE ? in->i64 : in->i64 * US_PER_DAY);
    else if (source.kind == TYPE_DATETIME)
        *out = datum_i64(target == TYPE_DATE ? datetime_date(in->i64) : in->i64);
    else {
        bool parsed = source.phys == PHYS_STR ? datetime_parse(str_view(&in->str), &t)
                      : type_is_float(source) ? datetime_from_number((int64_t)in->f64, &t)
                      : source.kind == TYPE_DECIMAL
                          ? datetime_from_number((int64_t)(in->i128 / decimal_powers[source.scale]), &t)
                          : datetime_from_number(in->i64, &t);
        if (!parsed)
            return false;
        int64_t value = datetime_from_civil(&t);
        *out = datum_i64(target == TYPE_DATE ? datetime_date(value) : value);
    }
    return true;
}

/* 123456 and '12:34:56' are 12 hours, 34 minutes, 56 seconds. */
static bool to_time(Type source, const Datum *in, Datum *out)
{
    if (source.kind == TYPE_DATETIME || source.kind == TYPE_DATE) {
        *out = datum_i64(source.kind == TYPE_DATE ? 0 : in->i64 - datetime_date(in->i64) * US_PER_DAY);
        return true;
    }
    if (source.phys == PHYS_STR) {
        int64_t parts[3] = {0, 0, 0};
        uint32_t part = 0;
        StrView text = strview_trim(str_view(&in->str));
        bool is_negative = text.length > 0 && text.data[0] == '-';
        for (size_t i = is_negative; i < text.length; i++) {
            char c = text.data[i];
            if (c == ':' && ++part < 3)
                continue;
            if (c < '0' || c > '9' || part > 2 || parts[part] > 9999)
                return false;
            parts[part] = parts[part] * 10 + (c - '0');
        }
        if (part != 2 || parts[1] > 59 || parts[2] > 59)
            return false;
        int64_t seconds = parts[0] * 3600 + parts[1] * 60 + parts[2];
        *out = datum_i64((is_negative ? -seconds : seconds) * US_PER_SECOND);
        return true;
    }
    Datum number;
    if (!to_integer(source, in, TYPE_BIGINT, &number))
        return false;
    int64_t size = number.i64 < 0 ? -number.i64 : number.i64;
    if (size / 100 % 100 > 59 || size % 100 > 59 || size > 99999999)
        return false;
    int64_t seconds = size / 10000 * 3600 + size / 100 % 100 * 60 + size % 100;
    *out = datum_i64((number.i64 < 0 ? -seconds : seconds) * US_PER_SECOND);
    return true;
}

/* FLOAT as text: shortest digits, with an exponent from 1e7 on. */
static void print_float(double value, ByteBuf *out)
{
    char text[40];
    double size = fabs(value);
    if (!(size >= 1e7) || isinf(value)) {
        datum_print(type_of(TYPE_FLOAT), &(Datum){.f64 = value}, out);
        return;
    }
    for (int digits = 0; digits < 9; digits++) {
        snprintf(text, sizeof(text), "%.*e", digits, value);
        if (strtof(text, NULL) == (float)value)
            break;
    }
    bytebuf_append_text(out, text);
}

static bool to_text(Type source, Type target, const Datum *in, Arena *arena, Datum *out)
{
    if (source.phys == PHYS_STR) {
        *out = *in;
    } else {
        AUTO_BYTEBUF text = {0};
        if (source.kind == TYPE_FLOAT)
            print_float(in->f64, &text);
        else
            datum_print(source, in, &text);
        *out = datum_str(strview_n(arena_strndup(arena, text.data == NULL ? "" : text.data, text.length), text.length));
    }
    bool is_cut = target.length > 0 && out->str.length > target.length && target.kind == TYPE_CHAR;
    if (is_cut)
        out->str = str_make(str_data(&out->str), target.length);
    return true;
}

static bool to_json(Type source, const Datum *in, Arena *arena, Datum *out)
{
    AUTO_BYTEBUF text = {0};
    if (source.kind == TYPE_JSON) {
        *out = *in;
        return true;
    }
    if (type_is_string(source)) {
        if (!json_from_text(str_view(&in->str), &text))
            return false;
    } else {
        AUTO_BYTEBUF raw = {0};
        json_put_datum(source, in, &raw);
        if (!json_canonical(bytebuf_view(&raw), &text))
            return false;
    }
    *out = datum_str(strview_n(arena_strndup(arena, text.data, text.length), text.length));
    return true;
}

static bool to_nested(Type source, Type target, const Datum *in, Arena *arena, Datum *out);

bool cast_datum(Type source, Type target, const Datum *in, Arena *arena, Datum *out)
{
    *out = datum_null();
    if (in->is_null)
        return true;
    if (target.kind == TYPE_JSON)
        return to_json(source, in, arena, out);
    if (source.kind != TYPE_JSON && type_is_wide_decimal(target))
        return to_wide_decimal(source, target, in, arena, out);
    if (type_is_wide_decimal(source))
        return from_wide_decimal(source, target, in, arena, out);
    if (source.kind == TYPE_JSON)
        return json_to_datum(str_view(&in->str), target, arena, out);
    switch ((TypeKind)target.kind) {
    case TYPE_BOOLEAN:
        return to_boolean(source, in, out);
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_LARGEINT:
        return to_integer(source, in, (TypeKind)target.kind, out);
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        return to_float(source, in, out);
    case TYPE_DECIMAL:
        return to_decimal(source, target, in, out);
    case TYPE_DATE:
    case TYPE_DATETIME:
        return to_datetime(source, (TypeKind)target.kind, in, out);
    case TYPE_TIME:
        return to_time(source, in, out);
    case TYPE_CHAR:
    case TYPE_VARCHAR:
    case TYPE_VARBINARY:
    case TYPE_JSON:
        return to_text(source, target, in, arena, out);
    case TYPE_ARRAY:
    case TYPE_MAP:
    case TYPE_STRUCT:
        return to_nested(source, target, in, arena, out);
    default:
        *out = *in;
        return source.kind == target.kind;
    }
}

static uint32_t field_named(Type type, StrView name)
{
    uint32_t f = 0;
    while (f < type.nested->count && !strview_equal_ci(type.nested->names[f], name))
        f++;
    return f;
}

/* Structs with the same field names in another order are matched by name, all others by place. */
static bool fields_by_name(Type source, Type target)
{
    for (uint32_t f = 0; f < target.nested->count; f++) {
        if (field_named(source, target.nested->names[f]) == source.nested->count)
            return false;
    }
    return true;
}

/* Elements; integers become decimals of any size that their width holds, as the precision of an element
 * is not enforced. */
static bool cast_element(Type source, Type target, const Datum *in, Arena *arena, Datum *out)
{
    bool is_wide_number = !in->is_null && type_is_integer(source) && target.kind == TYPE_DECIMAL && target.phys != PHYS_STR;
    if (!is_wide_number)
        return cast_datum(source, target, in, arena, out);
    *out = datum_i64(0);
    TypeKind width = target.phys == PHYS_I32 ? TYPE_INT : target.phys == PHYS_I64 ? TYPE_BIGINT : TYPE_LARGEINT;
    return decimal_rescale(in->i128, 0, target.scale, &out->i128) && fits_integer(out->i128, width);
}

static bool to_nested(Type source, Type target, const Datum *in, Arena *arena, Datum *out)
{
    if (source.phys == PHYS_STR) {
        AUTO_BYTEBUF text = {0};
        if (!json_canonical(str_view(&in->str), &text))
            return false;
        return json_to_datum(strview_n(arena_strndup(arena, text.data, text.length), text.length), target, arena, out);
    }
    if (source.kind != target.kind)
        return false;
    DatumList *list = ARENA_NEW(arena, DatumList);
    uint32_t per_entry = target.nested->count;
    list->count = in->list->count;
    list->items = ARENA_NEW_ARRAY(arena, Datum, list->count);
    if (source.kind == TYPE_STRUCT && fields_by_name(source, target)) {
        for (uint32_t i = 0; i < list->count; i++) {
            uint32_t from = field_named(source, target.nested->names[i]);
            if (!cast_element(source.nested->types[from], target.nested->types[i], &in->list->items[from], arena, &list->items[i]))
                list->items[i] = datum_null();
        }
        *out = (Datum){.list = list};
        return true;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        if (!cast_element(source.nested->types[i % per_entry], target.nested->types[i % per_entry], &in->list->items[i],
                        arena, &list->items[i]))
            list->items[i] = datum_null();
    }
    *out = (Datum){.list = list};
    return true;
}

static Status bad_value(FuncContext *context, const CastData *cast, const Datum *value)
{
    AUTO_BYTEBUF text = {0};
    AUTO_BYTEBUF type = {0};
    datum_print(cast->source, value, &text);
    type_print_sql(cast->target, &type);
    if (cast->target.kind == TYPE_DECIMAL && type_is_numeric(cast->source))
        return RAISE(context->diag, NUMERIC_OVERFLOW, "Expr evaluate meet error: The type cast from %s to decimal overflows",
                     cast->source.kind == TYPE_DECIMAL ? "decimal" : type_is_float(cast->source) ? "float" : "integer");
    if (type_is_integer(cast->target) && type_is_numeric(cast->source))
        return RAISE(context->diag, OUT_OF_RANGE, "Expr evaluate meet error: %s conflict with range of %s", text.data, type.data);
    return RAISE(context->diag, BAD_VALUE, "Expr evaluate meet error: cannot cast '%s' to %s",
                 text.data == NULL ? "" : text.data, type.data);
}

/* Numbers that overflow a decimal raise under either. */
static bool is_throwing(const FuncContext *context, const CastData *cast)
{
    uint32_t flags = cast->target.kind == TYPE_DECIMAL && type_is_numeric(cast->source)
                         ? FUNC_SESSION_THROW | FUNC_SESSION_OVERFLOW_ERROR : FUNC_SESSION_THROW;
    return !cast->is_try && (context->session->flags & flags) != 0;
}

Status cast_row(FuncContext *context, const Vector *argument, uint32_t row, Vector *out)
{
    const CastData *cast = context->binding->data;
    Datum in = vector_get(argument, row, context->arena);
    Datum value;
    if (cast_datum(cast->source, cast->target, &in, context->arena, &value)) {
        vector_put(out, context->arena, row, &value);
        return OK;
    }
    if (is_throwing(context, cast))
        return bad_value(context, cast, &in);
    vector_set_null(out, row);
    return OK;
}

Status cast_row_by_row(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    (void)count;
    for (FUNC_ROWS(context, rows, i, row)) {
        if (out->nulls == NULL || out->nulls[row] == 0)
            TRY(cast_row(context, arguments[0], row, out));
    }
    return OK;
}

/* Widening between signed widths, and to floating point: no value can fail. */
#define WIDEN(FROM, TF, TO, TT) DEFINE_UNARY(widen_##FROM##_##TO, TF, TT, x)
#define WIDEN_ALL(FROM, TF)             \
    WIDEN(FROM, TF, i8, int8_t)         \
    WIDEN(FROM, TF, i16, int16_t)       \
    WIDEN(FROM, TF, i32, int32_t)       \
    WIDEN(FROM, TF, i64, int64_t)       \
    WIDEN(FROM, TF, i128, Int128)       \
    WIDEN(FROM, TF, f32, float)         \
    WIDEN(FROM, TF, f64, double)
WIDEN_ALL(u8, uint8_t)
WIDEN_ALL(i8, int8_t)
WIDEN_ALL(i16, int16_t)
WIDEN_ALL(i32, int32_t)
WIDEN_ALL(i64, int64_t)
WIDEN_ALL(i128, Int128)
DEFINE_UNARY(widen_f32_f64, float, double, x)

#define WIDEN_ROW(FROM)                                                                      \
    {[PHYS_I8] = widen_##FROM##_i8,   [PHYS_I16] = widen_##FROM##_i16,                       \
     [PHYS_I32] = widen_##FROM##_i32, [PHYS_I64] = widen_##FROM##_i64,                       \
     [PHYS_I128] = widen_##FROM##_i128, [PHYS_F32] = widen_##FROM##_f32, [PHYS_F64] = widen_##FROM##_f64}
static const ScalarKernel widen_kernels[PHYS_KIND_COUNT][PHYS_KIND_COUNT] = {
    [PHYS_BOOL] = WIDEN_ROW(u8),  [PHYS_I8] = WIDEN_ROW(i8),   [PHYS_I16] = WIDEN_ROW(i16),
    [PHYS_I32] = WIDEN_ROW(i32),  [PHYS_I64] = WIDEN_ROW(i64), [PHYS_I128] = WIDEN_ROW(i128),
    [PHYS_F32] = {[PHYS_F64] = widen_f32_f64},
};

static Status pass_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    (void)context;
    (void)count;
    (void)rows;
    Type type = out->type;
    vector_reference(out, arguments[0]);
    out->type = type;
    return OK;
}

DEFINE_UNARY(date_to_datetime, int32_t, int64_t, (uint64_t)x *(uint64_t)US_PER_DAY) /* NULL rows hold anything */
DEFINE_UNARY(datetime_to_date, int64_t, int32_t, datetime_date(x))

/* A kernel that cannot fail for any value of the source, or NULL. Also for the planner's narrowing,
 * where ranges are proven: same logical type, other width. */
static ScalarKernel safe_kernel(Type source, Type target)
{
    bool same_logical = source.kind == target.kind && (source.kind != TYPE_DECIMAL || source.scale == target.scale);
    bool both_text = source.phys == PHYS_STR && target.phys == PHYS_STR && target.kind != TYPE_CHAR &&
                     source.kind != TYPE_DECIMAL && target.kind != TYPE_DECIMAL &&
                     (source.kind == TYPE_JSON) == (target.kind == TYPE_JSON);
    if (both_text || (same_logical && source.phys == target.phys && source.precision <= target.precision &&
                      !type_is_nested(source)))
        return pass_kernel;
    if (type_is_integer(source) && source.phys <= PHYS_I64 && target.kind == TYPE_VARCHAR && (target.length == 0 || target.length >= 20))
        return cast_integer_to_text;
    if (source.kind == TYPE_DATE && target.kind == TYPE_DATETIME)
        return date_to_datetime;
    if (source.kind == TYPE_DATETIME && target.kind == TYPE_DATE)
        return datetime_to_date;
    if (same_logical && source.precision <= target.precision)
        return widen_kernels[source.phys][target.phys];
    bool from_integer = type_is_integer(source) || source.kind == TYPE_BOOLEAN;
    if (from_integer && (type_is_float(target) || (type_is_integer(target) && target.kind > source.kind)))
        return widen_kernels[source.phys][target.phys];
    return source.kind == TYPE_FLOAT && target.kind == TYPE_DOUBLE ? widen_f32_f64 : NULL;
}

static ScalarKernel checked_kernel(CastData *data)
{
    ScalarKernel of_numbers = cast_number_kernel(data->source, data->target, &data->scale);
    ScalarKernel of_texts = cast_text_kernel(data->source, data->target);
    return of_numbers != NULL ? of_numbers : of_texts != NULL ? of_texts : cast_row_by_row;
}

static const FuncDef cast_def = {.name = "cast", .kind = FUNC_SCALAR, .flags = FUNC_HIDDEN, .min_arguments = 1,
                                 .max_arguments = 1, .group = "cast"};

static bool cast_allowed(Type source, Type target)
{
    if (type_is_nested(source) && source.kind == target.kind) {
        if (source.nested->count != target.nested->count)
            return false;
        bool by_name = source.kind == TYPE_STRUCT && fields_by_name(source, target);
        for (uint32_t i = 0; i < source.nested->count; i++) {
            uint32_t from = by_name ? field_named(source, target.nested->names[i]) : i;
            if (!cast_allowed(source.nested->types[from], target.nested->types[i]))
                return false;
        }
        return true;
    }
    if (source.kind == TYPE_BITMAP || source.kind == TYPE_HLL || source.kind == TYPE_PERCENTILE)
        return source.kind == target.kind;
    return cast_implicit_cost(source, target) >= 0 || (type_is_string(source) && type_is_nested(target)) ||
           source.kind == TYPE_TIME || target.kind == TYPE_TIME || type_is_string(target) || source.kind == target.kind;
}

Status cast_resolve(Type source, Type target, bool is_try, Arena *arena, Diag *diag, FuncBinding *out)
{
    bool allowed = cast_allowed(source, target);
    if (!allowed) {
        AUTO_BYTEBUF from = {0};
        AUTO_BYTEBUF to = {0};
        type_print_sql(source, &from);
        type_print_sql(target, &to);
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: Invalid type cast from %s to %s.",
                     from.data, to.data);
    }
    CastData *data = ARENA_NEW(arena, CastData);
    *data = (CastData){.source = source, .target = target, .is_try = is_try};
    Type *types = ARENA_NEW_ARRAY(arena, Type, 1);
    types[0] = source;
    ScalarKernel safe = safe_kernel(source, target);
    *out = (FuncBinding){.def = &cast_def,
                         .argument_count = 1,
                         .argument_types = types,
                         .result = target,
                         .flags = FUNC_NULL_IF_ANY_NULL | FUNC_CHEAP | FUNC_HIDDEN,
                         .kernel = safe != NULL ? safe : checked_kernel(data),
                         .data = data};
    if (safe != NULL)
        out->flags |= FUNC_NEVER_NULL; /* nullable only when the argument is: see expr_cast() */
    else if (!is_try)
        out->flags |= FUNC_CAN_RAISE;
    return OK;
}
