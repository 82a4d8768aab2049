#include "func/families.h"
#include "func/wide_decimal.h"

/* count, sum, avg, min, max, any_value, variance family.
 *
 * States are plain bytes next to the group's key. Sums of integers wrap in 64 bits as in StarRocks; sums
 * of decimals run in 128 bits whatever width the values come in. */

#include <math.h>

#include "func/shape.h"
#include "types/decimal.h"

#define STATE(T, i) ((T *)(void *)(groups[i] + offset))

#define DEFINE_UPDATE(NAME, STATE_T, VALUE_T, ...)                                                                                      \
    static Status NAME##_update(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *const *groups, \
                                uint32_t offset)                                                                                        \
    {                                                                                                                                   \
        (void)context;                                                                                                                  \
        (void)count;                                                                                                                    \
        VectorView view = vector_view(arguments[0]);                                                                                    \
        const VALUE_T *values = view.data;                                                                                              \
        bool has_nulls = view.nulls != NULL || view.row_nulls != NULL;                                                                  \
        for (FOR_ROWS(rows, i, row)) {                                                                                                  \
            if (has_nulls && view_is_null(&view, row))                                                                                  \
                continue;                                                                                                               \
            VALUE_T x = values[view_index(&view, row)];                                                                                 \
            STATE_T *state = STATE(STATE_T, i);                                                                                         \
            __VA_ARGS__;                                                                                                                \
        }                                                                                                                               \
        return OK;                                                                                                                      \
    }

/* update from update_one's point of view: every row goes to one state. */
#define DEFINE_UPDATES(NAME, STATE_T, VALUE_T, BODY)                                                                              \
    DEFINE_UPDATE(NAME, STATE_T, VALUE_T, BODY)                                                                                   \
    KERNEL_CLONES static Status NAME##_update_one(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, \
                                                  uint8_t *bytes)                                                                 \
    {                                                                                                                             \
        (void)context;                                                                                                            \
        (void)count;                                                                                                              \
        VectorView view = vector_view(arguments[0]);                                                                              \
        const VALUE_T *values = view.data;                                                                                        \
        bool has_nulls = view.nulls != NULL || view.row_nulls != NULL;                                                            \
        STATE_T local = *(STATE_T *)(void *)bytes;                                                                                \
        STATE_T *state = &local;                                                                                                  \
        if (!has_nulls && rows.sel == NULL && view.codes == NULL && !view.is_constant) {                                          \
            for (uint32_t i = 0; i < rows.count; i++) {                                                                           \
                VALUE_T x = values[i];                                                                                            \
                BODY;                                                                                                             \
            }                                                                                                                     \
        } else {                                                                                                                  \
            for (FOR_ROWS(rows, i, row)) {                                                                                        \
                if (has_nulls && view_is_null(&view, row))                                                                        \
                    continue;                                                                                                     \
                VALUE_T x = values[view_index(&view, row)];                                                                       \
                BODY;                                                                                                             \
            }                                                                                                                     \
        }                                                                                                                         \
        *(STATE_T *)(void *)bytes = local;                                                                                        \
        return OK;                                                                                                                \
    }

/* ---- count ---- */
static Status count_update(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows,
                           uint8_t *const *groups, uint32_t offset)
{
    (void)context;
    for (FOR_ROWS(rows, i, row)) {
        bool is_null = false;
        for (uint32_t a = 0; a < count; a++) {
            VectorView view = vector_view(arguments[a]);
            is_null |= view_is_null(&view, row);
        }
        *STATE(int64_t, i) += !is_null;
    }
    return OK;
}
static Status count_star_update(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows,
                                uint8_t *const *groups, uint32_t offset)
{
    (void)context;
    (void)arguments;
    (void)count;
    for (uint32_t i = 0; i < rows.count; i++)
        ++*STATE(int64_t, i);
    return OK;
}
static Status count_update_one(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows,
                               uint8_t *state)
{
    (void)context;
    int64_t counted = rows.count;
    for (FOR_ROWS(rows, i, row)) {
        for (uint32_t a = 0; a < count; a++) {
            VectorView view = vector_view(arguments[a]);
            if (view.nulls == NULL && view.row_nulls == NULL)
                continue;
            if (view_is_null(&view, row)) {
                counted--;
                break;
            }
        }
        if (count == 0)
            break;
    }
    *(int64_t *)(void *)state += counted;
    return OK;
}
static Status count_retract(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *state)
{
    int64_t counted = 0;
    TRY(count_update_one(context, arguments, count, rows, (uint8_t *)&counted));
    *(int64_t *)(void *)state -= counted;
    return OK;
}
static Status add_i64_merge(AggContext *context, uint8_t *const *sources, uint8_t *const *targets, uint32_t count,
                            uint32_t offset)
{
    (void)context;
    for (uint32_t i = 0; i < count; i++)
        *(int64_t *)(void *)(targets[i] + offset) += *(const int64_t *)(const void *)(sources[i] + offset);
    return OK;
}
static Status count_finish(AggContext *context, uint8_t *const *groups, uint32_t count, uint32_t offset, uint32_t first,
                           Vector *out)
{
    (void)context;
    for (uint32_t i = 0; i < count; i++)
        ((int64_t *)out->data)[first + i] = *STATE(int64_t, i);
    return OK;
}
static const AggKernel count_kernel = {.state_bytes = 8, .update = count_update, .update_one = count_update_one,
                                       .merge = add_i64_merge, .finish = count_finish, .retract = count_retract};
static const AggKernel count_star_kernel = {.state_bytes = 8, .update = count_star_update,
                                            .update_one = count_update_one, .merge = add_i64_merge, .finish = count_finish,
                                            .retract = count_retract};

static Status bind_count(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    (void)bind_argument_array(request, out);
    out->result = type_of(TYPE_BIGINT);
    out->aggregate = request->count == 0 ? &count_star_kernel : &count_kernel;
    return OK;
}

/* ---- sum and avg share a state: the sum and how many ---- */
typedef struct SumState {
    Int128 sum;
    int64_t count;
    int64_t unused;
} SumState;
typedef struct SumDouble {
    double sum;
    int64_t count;
} SumDouble;
/* Integers of up to 64 bits: halves are added up in 64 bits each, which a chunk can't overflow, in loops that
 * the compiler vectorises. */
#define SUM_HALVES(x) low += (uint32_t)(x), high += (int64_t)(x) >> 32
#define DEFINE_SUM(SUFFIX, T)                                                                         \
    static Status sum_##SUFFIX##_update(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows,       \
                                        uint8_t *const *groups, uint32_t offset)                      \
    {                                                                                                 \
        VectorView view = vector_view(arguments[0]);                                                  \
        bool has_nulls = view.nulls != NULL || view.row_nulls != NULL;                                \
        (void)context;                                                                                \
        (void)count;                                                                                  \
        for (FOR_ROWS(rows, i, row)) {                                                                \
            if (has_nulls && view_is_null(&view, row))                                                \
                continue;                                                                             \
            SumState *state = STATE(SumState, i);                                                     \
            state->sum += ((const T *)view.data)[view_index(&view, row)];                             \
            state->count++;                                                                           \
        }                                                                                             \
        return OK;                                                                                    \
    }                                                                                                 \
    KERNEL_CLONES static Status sum_##SUFFIX##_update_one(AggContext *context, const Vector *const *arguments, uint32_t count, \
                                                          Rows rows, uint8_t *bytes)                  \
    {                                                                                                 \
        VectorView view = vector_view(arguments[0]);                                                  \
        const T *values = view.data;                                                                  \
        SumState *state = (SumState *)(void *)bytes;                                                  \
        uint64_t low = 0;                                                                             \
        int64_t high = 0;                                                                             \
        uint32_t counted = rows.count;                                                                \
        (void)context;                                                                                \
        (void)count;                                                                                  \
        if (view.nulls != NULL || view.row_nulls != NULL) {                                           \
            counted = 0;                                                                              \
            for (FOR_ROWS(rows, i, row)) {                                                            \
                if (view_is_null(&view, row))                                                         \
                    continue;                                                                         \
                SUM_HALVES(values[view_index(&view, row)]);                                           \
                counted++;                                                                            \
            }                                                                                         \
        } else if (view.codes != NULL || view.is_constant) {                                          \
            for (FOR_ROWS(rows, i, row))                                                              \
                SUM_HALVES(values[view_index(&view, row)]);                                           \
        } else if (rows.sel == NULL) {                                                                \
            for (uint32_t i = 0; i < rows.count; i++)                                                 \
                SUM_HALVES(values[i]);                                                                \
        } else {                                                                                      \
            for (uint32_t i = 0; i < rows.count; i++)                                                 \
                SUM_HALVES(values[rows.sel[i]]);                                                      \
        }                                                                                             \
        state->sum += (Int128)high * ((Int128)1 << 32) + low;                                         \
        state->count += counted;                                                                      \
        return OK;                                                                                    \
    }
DEFINE_SUM(u8, uint8_t)
DEFINE_SUM(i8, int8_t)
DEFINE_SUM(i16, int16_t)
DEFINE_SUM(i32, int32_t)
DEFINE_SUM(i64, int64_t)
#define SUM_BODY state->sum += x, state->count++
DEFINE_UPDATES(sum_i128, SumState, Int128, SUM_BODY)
DEFINE_UPDATES(sum_f32, SumDouble, float, (state->sum += (double)x, state->count++))
DEFINE_UPDATES(sum_f64, SumDouble, double, SUM_BODY)

/* Takes rows out again, for sliding frames and deleted rows; not for floating point, where errors would add up. */
#define DEFINE_SUM_RETRACT(SUFFIX, T)                                                                                              \
    static Status retract_##SUFFIX(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *bytes) \
    {                                                                                                                              \
        SumState *state = (SumState *)(void *)bytes;                                                                               \
        SumState taken = {0};                                                                                                      \
        TRY(sum_##SUFFIX##_update_one(context, arguments, count, rows, (uint8_t *)&taken));                                        \
        state->sum -= taken.sum;                                                                                                   \
        state->count -= taken.count;                                                                                               \
        return OK;                                                                                                                 \
    }
DEFINE_SUM_RETRACT(u8, uint8_t)
DEFINE_SUM_RETRACT(i8, int8_t)
DEFINE_SUM_RETRACT(i16, int16_t)
DEFINE_SUM_RETRACT(i32, int32_t)
DEFINE_SUM_RETRACT(i64, int64_t)
DEFINE_SUM_RETRACT(i128, Int128)

static Status sum_merge(AggContext *context, uint8_t *const *sources, uint8_t *const *targets, uint32_t count,
                        uint32_t offset)
{
    (void)context;
    for (uint32_t i = 0; i < count; i++) {
        const SumState *from = (const SumState *)(const void *)(sources[i] + offset);
        SumState *to = (SumState *)(void *)(targets[i] + offset);
        to->sum += from->sum;
        to->count += from->count;
    }
    return OK;
}
static Status sum_double_merge(AggContext *context, uint8_t *const *sources, uint8_t *const *targets, uint32_t count,
                               uint32_t offset)
{
    (void)context;
    for (uint32_t i = 0; i < count; i++) {
        const SumDouble *from = (const SumDouble *)(const void *)(sources[i] + offset);
        SumDouble *to = (SumDouble *)(void *)(targets[i] + offset);
        to->sum += from->sum;
        to->count += from->count;
    }
    return OK;
}

typedef struct AvgData {
    uint8_t scale; /* of the argument */
} AvgData;

static bool decimal_average(Int128 sum, int64_t count, uint8_t scale, uint8_t result_scale, Int128 *out)
{
    if (result_scale >= scale)
        return decimal_mul_div(sum, decimal_powers[result_scale - scale], count, out);
    Int128 divisor;
    return !__builtin_mul_overflow((Int128)count, decimal_powers[scale - result_scale], &divisor) &&
           decimal_mul_div(sum, 1, divisor, out);
}

static Status sum_finish(AggContext *context, uint8_t *const *groups, uint32_t count, uint32_t offset, uint32_t first,
                         Vector *out)
{
    const AvgData *avg = context->binding->data; /* NULL: sum */
    for (uint32_t i = 0; i < count; i++) {
        const SumState *state = STATE(SumState, i);
        if (state->count == 0) {
            vector_set_null(out, first + i);
        } else if (avg == NULL) {
            if (out->type.phys == PHYS_I64)
                ((int64_t *)out->data)[first + i] = (int64_t)state->sum;
            else
                ((Int128 *)out->data)[first + i] = state->sum;
        } else if (out->type.phys == PHYS_F64) {
            ((double *)out->data)[first + i] = (double)state->sum / (double)state->count;
        } else if (!decimal_average(state->sum, state->count, avg->scale, out->type.scale, &((Int128 *)out->data)[first + i])) {
            vector_set_null(out, first + i);
        }
    }
    return OK;
}
static Status sum_double_finish(AggContext *context, uint8_t *const *groups, uint32_t count, uint32_t offset,
                                uint32_t first, Vector *out)
{
    bool is_avg = context->binding->data != NULL;
    for (uint32_t i = 0; i < count; i++) {
        const SumDouble *state = STATE(SumDouble, i);
        if (state->count == 0)
            vector_set_null(out, first + i);
        else
            ((double *)out->data)[first + i] = is_avg ? state->sum / (double)state->count : state->sum;
    }
    return OK;
}
#define SUM_KERNEL(SUFFIX) {.state_bytes = sizeof(SumState), .update = sum_##SUFFIX##_update, .update_one = sum_##SUFFIX##_update_one, \
                            .merge = sum_merge, .finish = sum_finish, .retract = retract_##SUFFIX}
#define SUM_DOUBLE_KERNEL(NAME) {.state_bytes = sizeof(SumDouble), .update = NAME##_update, .update_one = NAME##_update_one, \
                                 .merge = sum_double_merge, .finish = sum_double_finish}
static const AggKernel sum_kernels[PHYS_KIND_COUNT] = {
    [PHYS_BOOL] = SUM_KERNEL(u8), [PHYS_I8] = SUM_KERNEL(i8),   [PHYS_I16] = SUM_KERNEL(i16),
    [PHYS_I32] = SUM_KERNEL(i32), [PHYS_I64] = SUM_KERNEL(i64), [PHYS_I128] = SUM_KERNEL(i128),
    [PHYS_F32] = SUM_DOUBLE_KERNEL(sum_f32), [PHYS_F64] = SUM_DOUBLE_KERNEL(sum_f64),
};

static Status bind_sum(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    static const AvgData any_scale = {0};
    bool is_avg = def->code == 1;
    Type type = request->types[0];
    if (type_is_nested(type) || type.kind >= TYPE_JSON)
        return bind_error(request);
    if (!type_is_numeric(type))
        type = type_of(TYPE_DOUBLE);
    if (type_is_wide_decimal(type))
        return bind_wide_sum(request, is_avg, out);
    bind_arguments(request, type, out);
    out->aggregate = &sum_kernels[type.phys];
    if (type.kind == TYPE_DECIMAL) {
        AvgData *data = ARENA_NEW(request->arena, AvgData);
        data->scale = type.scale;
        uint8_t scale = type.scale <= 6 ? (uint8_t)(type.scale + 6) : MIN(MAX(type.scale, (uint8_t)12), (uint8_t)18);
        out->result = type_decimal(DECIMAL_MAX_PRECISION, is_avg ? scale : type.scale);
        out->data = is_avg ? data : NULL;
        return OK;
    }
    out->data = is_avg ? &any_scale : NULL;
    out->result = is_avg || type_is_float(type)  ? type_of(TYPE_DOUBLE)
                  : type.kind == TYPE_LARGEINT ? type
                                               : type_of(TYPE_BIGINT);
    return OK;
}

/* sum() and avg() take a column in any width: the state is the same. */
bool aggregate_rebind(const FuncBinding *binding, const Type *argument_types, Type result, Arena *arena, FuncBinding *out_binding)
{
    if (binding->def->bind != bind_sum || argument_types[0].phys > PHYS_I128 || binding->argument_types[0].phys > PHYS_I128)
        return false;
    Type *types = ARENA_NEW(arena, Type);
    types[0] = argument_types[0];
    *out_binding = *binding;
    out_binding->argument_types = types;
    out_binding->result = result;
    out_binding->aggregate = &sum_kernels[types[0].phys];
    return true;
}

/* ---- min, max, any_value ---- */
typedef struct ExtremeState {
    union {
        Int128 number;
        double real;
        Str text;
    };
    int64_t is_set;
    int64_t unused;
} ExtremeState;
#define KEEP_NUMBER(OP) (state->number = !state->is_set || (Int128)x OP state->number ? (Int128)x : state->number, state->is_set = 1)
#define KEEP_REAL(OP) (state->real = !state->is_set || (double)x OP state->real ? (double)x : state->real, state->is_set = 1)
/* Of up to 64 bits: compared in their own width, in loops that the compiler vectorises where it can. */
#define DEFINE_EXTREME(NAME, T, OP)                                                                                               \
    DEFINE_UPDATE(NAME, ExtremeState, T, KEEP_NUMBER(OP))                                                                         \
    KERNEL_CLONES static Status NAME##_update_one(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, \
                                                  uint8_t *bytes)                                                                 \
    {                                                                                                                             \
        VectorView view = vector_view(arguments[0]);                                                                              \
        const T *values = view.data;                                                                                              \
        ExtremeState *state = (ExtremeState *)(void *)bytes;                                                                      \
        uint32_t i = 0;                                                                                                           \
        (void)context;                                                                                                            \
        (void)count;                                                                                                              \
        while (i < rows.count && view_is_null(&view, rows_at(rows, i)))                                                           \
            i++;                                                                                                                  \
        if (i == rows.count)                                                                                                      \
            return OK;                                                                                                            \
        T best = values[view_index(&view, rows_at(rows, i))];                                                                     \
        if (view.nulls != NULL || view.row_nulls != NULL || view.codes != NULL) {                                                 \
            for (; i < rows.count; i++) {                                                                                         \
                uint32_t row = rows_at(rows, i);                                                                                  \
                T x = values[view_index(&view, row)];                                                                             \
                best = x OP best && !view_is_null(&view, row) ? x : best;                                                         \
            }                                                                                                                     \
        } else if (rows.sel == NULL && !view.is_constant) {                                                                       \
            for (i = 0; i < rows.count; i++)                                                                                      \
                best = values[i] OP best ? values[i] : best;                                                                      \
        } else if (!view.is_constant) {                                                                                           \
            for (; i < rows.count; i++)                                                                                           \
                best = values[rows.sel[i]] OP best ? values[rows.sel[i]] : best;                                                  \
        }                                                                                                                         \
        T x = best;                                                                                                               \
        KEEP_NUMBER(OP);                                                                                                          \
        return OK;                                                                                                                \
    }
#define EXTREMES(SUFFIX, T)            \
    DEFINE_EXTREME(min_##SUFFIX, T, <) \
    DEFINE_EXTREME(max_##SUFFIX, T, >)
EXTREMES(u8, uint8_t)
EXTREMES(i8, int8_t)
EXTREMES(i16, int16_t)
EXTREMES(i32, int32_t)
EXTREMES(i64, int64_t)
DEFINE_UPDATES(min_i128, ExtremeState, Int128, KEEP_NUMBER(<))
DEFINE_UPDATES(max_i128, ExtremeState, Int128, KEEP_NUMBER(>))
DEFINE_UPDATES(min_f32, ExtremeState, float, KEEP_REAL(<))
DEFINE_UPDATES(max_f32, ExtremeState, float, KEEP_REAL(>))
DEFINE_UPDATES(min_f64, ExtremeState, double, KEEP_REAL(<))
DEFINE_UPDATES(max_f64, ExtremeState, double, KEEP_REAL(>))

/* code of the definition: -1 min, 1 max, 0 any value */
static bool replaces(int code, int order)
{
    return code == 0 ? false : code < 0 ? order < 0 : order > 0;
}

static void keep_text(AggContext *context, ExtremeState *state, const Str *value)
{
    int code = context->binding->def->code;
    if (state->is_set && !replaces(code, str_compare(value, &state->text)))
        return;
    state->text = str_copy(context->arena, value);
    state->is_set = 1;
}
static Status text_update(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows,
                          uint8_t *const *groups, uint32_t offset)
{
    (void)count;
    VectorView view = vector_view(arguments[0]);
    for (FOR_ROWS(rows, i, row)) {
        if (!view_is_null(&view, row))
            keep_text(context, STATE(ExtremeState, i), &((const Str *)view.data)[view_index(&view, row)]);
    }
    return OK;
}
static Status text_update_one(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *state)
{
    (void)count;
    VectorView view = vector_view(arguments[0]);
    for (FOR_ROWS(rows, i, row)) {
        if (!view_is_null(&view, row))
            keep_text(context, (ExtremeState *)(void *)state, &((const Str *)view.data)[view_index(&view, row)]);
    }
    return OK;
}

static Status extreme_merge(AggContext *context, uint8_t *const *sources, uint8_t *const *targets, uint32_t count,
                            uint32_t offset)
{
    int code = context->binding->def->code;
    PhysKind phys = (PhysKind)context->binding->argument_types[0].phys;
    for (uint32_t i = 0; i < count; i++) {
        const ExtremeState *from = (const ExtremeState *)(const void *)(sources[i] + offset);
        ExtremeState *to = (ExtremeState *)(void *)(targets[i] + offset);
        if (!from->is_set)
            continue;
        int order = phys == PHYS_STR    ? (to->is_set ? str_compare(&from->text, &to->text) : 0)
                    : phys == PHYS_F32 || phys == PHYS_F64 ? (from->real > to->real) - (from->real < to->real)
                                        : (from->number > to->number) - (from->number < to->number);
        if (!to->is_set || replaces(code, order))
            *to = *from;
    }
    return OK;
}
static Status extreme_finish(AggContext *context, uint8_t *const *groups, uint32_t count, uint32_t offset, uint32_t first,
                             Vector *out)
{
    for (uint32_t i = 0; i < count; i++) {
        const ExtremeState *state = STATE(ExtremeState, i);
        Datum value = datum_null();
        if (state->is_set) {
            value = (Datum){.i128 = state->number};
            if (out->type.phys == PHYS_STR)
                value.str = state->text;
            else if (out->type.phys == PHYS_F32 || out->type.phys == PHYS_F64)
                value.f64 = state->real;
        }
        vector_put(out, context->arena, first + i, &value);
    }
    return OK;
}
static void text_serialize(AggContext *context, const uint8_t *bytes, ByteBuf *out)
{
    const ExtremeState *state = (const ExtremeState *)(const void *)bytes;
    (void)context;
    bytebuf_put_u8(out, state->is_set != 0);
    if (state->is_set)
        bytebuf_put_sized(out, str_data(&state->text), state->text.length);
}
static Status text_deserialize(AggContext *context, ByteReader *reader, uint8_t *bytes)
{
    ExtremeState *state = (ExtremeState *)(void *)bytes;
    state->is_set = byte_reader_u8(reader);
    if (!state->is_set)
        return OK;
    StrView text = byte_reader_sized(reader);
    state->text = str_make(arena_strndup(context->arena, text.data, text.length), text.length);
    return OK;
}
#define EXTREME_KERNEL(NAME)                                                                                                   \
    {                                                                                                                          \
        .state_bytes = sizeof(ExtremeState), .update = NAME##_update, .update_one = NAME##_update_one, .merge = extreme_merge, \
        .finish = extreme_finish, .is_extreme = true                                                                           \
    }
#define TEXT_KERNEL {.state_bytes = sizeof(ExtremeState), .update = text_update, .update_one = text_update_one, \
                     .merge = extreme_merge, .finish = extreme_finish, .serialize = text_serialize, .deserialize = text_deserialize}
#define EXTREME_ROW(OP)                                                                                  \
    {[PHYS_BOOL] = EXTREME_KERNEL(OP##_u8), [PHYS_I8] = EXTREME_KERNEL(OP##_i8), [PHYS_I16] = EXTREME_KERNEL(OP##_i16), \
     [PHYS_I32] = EXTREME_KERNEL(OP##_i32), [PHYS_I64] = EXTREME_KERNEL(OP##_i64), [PHYS_I128] = EXTREME_KERNEL(OP##_i128), \
     [PHYS_F32] = EXTREME_KERNEL(OP##_f32), [PHYS_F64] = EXTREME_KERNEL(OP##_f64), [PHYS_STR] = TEXT_KERNEL}
static const AggKernel min_kernels[PHYS_KIND_COUNT] = EXTREME_ROW(min);
static const AggKernel max_kernels[PHYS_KIND_COUNT] = EXTREME_ROW(max);

static Status bind_extreme(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    Type type = request->types[0];
    bool is_any = def->code == 0;
    if (!is_any && (type_is_nested(type) || type.kind >= TYPE_JSON))
        return bind_error(request);
    if (type.kind == TYPE_NULL)
        type = type_of(TYPE_BOOLEAN);
    if (type_is_nested(type)) {
        bind_arguments(request, type, out);
        out->result = type;
        out->aggregate = &func_any_nested_kernel;
        return OK;
    }
    bind_arguments(request, type, out);
    out->result = type;
    out->aggregate = def->code <= 0 ? &min_kernels[type.phys] : &max_kernels[type.phys];
    return OK;
}

/* ---- variance family: Welford's running moments ---- */
typedef struct VarianceState {
    double mean;
    double squares;
    int64_t count;
} VarianceState;
static void take_value(VarianceState *state, double x)
{
    state->count++;
    double delta = x - state->mean;
    state->mean += delta / (double)state->count;
    state->squares += delta * (x - state->mean);
}
DEFINE_UPDATES(variance, VarianceState, double, take_value(state, x))
static Status variance_merge(AggContext *context, uint8_t *const *sources, uint8_t *const *targets, uint32_t count,
                             uint32_t offset)
{
    (void)context;
    for (uint32_t i = 0; i < count; i++) {
        const VarianceState *from = (const VarianceState *)(const void *)(sources[i] + offset);
        VarianceState *to = (VarianceState *)(void *)(targets[i] + offset);
        int64_t total = from->count + to->count;
        if (from->count == 0)
            continue;
        double delta = from->mean - to->mean;
        to->squares += from->squares + delta * delta * (double)from->count * (double)to->count / (double)total;
        to->mean += delta * (double)from->count / (double)total;
        to->count = total;
    }
    return OK;
}
/* code: 0 variance, 1 sample variance, 2 deviation, 3 sample deviation */
static Status variance_finish(AggContext *context, uint8_t *const *groups, uint32_t count, uint32_t offset, uint32_t first,
                              Vector *out)
{
    int code = context->binding->def->code;
    for (uint32_t i = 0; i < count; i++) {
        const VarianceState *state = STATE(VarianceState, i);
        int64_t divisor = state->count - code % 2;
        if (state->count == 0 || divisor <= 0) {
            vector_set_null(out, first + i);
            continue;
        }
        double value = state->squares / (double)divisor;
        ((double *)out->data)[first + i] = code >= 2 ? sqrt(value) : value;
    }
    return OK;
}
static const AggKernel variance_kernel = {.state_bytes = sizeof(VarianceState), .update = variance_update,
                                          .update_one = variance_update_one, .merge = variance_merge, .finish = variance_finish};

/* ---- count_if ---- */
DEFINE_UPDATES(count_if, int64_t, uint8_t, *state += x != 0)
static const AggKernel count_if_kernel = {.state_bytes = 8, .update = count_if_update, .update_one = count_if_update_one,
                                          .merge = add_i64_merge, .finish = count_finish};

#define AGG(NAME, MIN_ARGS, MAX_ARGS, BIND, CODE, FLAGS)                                               \
    {.name = NAME, .kind = FUNC_AGGREGATE, .flags = FLAGS, .min_arguments = MIN_ARGS, .max_arguments = MAX_ARGS, \
     .bind = BIND, .code = CODE, .group = "aggregate"}
#define VARIANCE(NAME, CODE)                                                                           \
    {.name = NAME, .kind = FUNC_AGGREGATE, .min_arguments = 1, .max_arguments = 1, .code = CODE,       \
     .overloads = (const FuncOverload[]){{"d", 'd', NULL, &variance_kernel}}, .overload_count = 1, .group = "aggregate"}
static const FuncDef defs[] = {
    AGG("count", 0, FUNC_ANY_ARGUMENTS, bind_count, 0, FUNC_NEVER_NULL | FUNC_STATE_UNTYPED),
    AGG("sum", 1, 1, bind_sum, 0, 0),
    AGG("avg", 1, 1, bind_sum, 1, 0),
    AGG("min", 1, 1, bind_extreme, -1, FUNC_IGNORES_DISTINCT),
    AGG("max", 1, 1, bind_extreme, 1, FUNC_IGNORES_DISTINCT),
    AGG("any_value", 1, 1, bind_extreme, 0, FUNC_IGNORES_DISTINCT),
    VARIANCE("variance", 0), VARIANCE("var_pop", 0), VARIANCE("variance_pop", 0), VARIANCE("var_samp", 1),
    VARIANCE("variance_samp", 1), VARIANCE("std", 2), VARIANCE("stddev", 2), VARIANCE("stddev_pop", 2),
    VARIANCE("stddev_samp", 3),
    {.name = "count_if", .kind = FUNC_AGGREGATE, .flags = FUNC_NEVER_NULL, .min_arguments = 1, .max_arguments = 1,
     .overloads = (const FuncOverload[]){{"b", 'l', NULL, &count_if_kernel}}, .overload_count = 1, .group = "aggregate"},
};
const FuncTable func_table_aggregate = {defs, COUNT_OF(defs)};
