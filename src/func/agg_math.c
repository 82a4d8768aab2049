#include "func/families.h"

/* Aggregates of pairs (covariance, correlation, value of the largest) and of truth values. */

#include <math.h>

#include "base/hash.h"
#include "func/nested.h"

/* ---- covariance and correlation: running moments of rows where neither side is NULL ---- */
typedef struct PairState {
    double mean_x, mean_y, square_x, square_y, product;
    int64_t count;
} PairState;

static void take_pair(PairState *state, double x, double y)
{
    state->count++;
    double n = (double)state->count;
    double dx = x - state->mean_x;
    double dy = y - state->mean_y;
    state->mean_x += dx / n;
    state->mean_y += dy / n;
    state->square_x += dx * (x - state->mean_x);
    state->square_y += dy * (y - state->mean_y);
    state->product += dx * (y - state->mean_y);
}
static void take_pairs(const Vector *const *arguments, Rows rows, uint8_t *const *groups, uint32_t offset, uint8_t *one)
{
    VectorView x = vector_view(arguments[0]);
    VectorView y = vector_view(arguments[1]);
    for (FOR_ROWS(rows, i, row)) {
        if (view_is_null(&x, row) || view_is_null(&y, row))
            continue;
        PairState *state = (PairState *)(void *)(one != NULL ? one : groups[i] + offset);
        take_pair(state, ((const double *)x.data)[view_index(&x, row)], ((const double *)y.data)[view_index(&y, row)]);
    }
}
static Status pair_update(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *const *groups,
                          uint32_t offset)
{
    (void)context;
    (void)count;
    take_pairs(arguments, rows, groups, offset, NULL);
    return OK;
}
static Status pair_update_one(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *state)
{
    (void)context;
    (void)count;
    take_pairs(arguments, rows, NULL, 0, state);
    return OK;
}
static Status pair_merge(AggContext *context, uint8_t *const *sources, uint8_t *const *targets, uint32_t count, uint32_t offset)
{
    (void)context;
    for (uint32_t i = 0; i < count; i++) {
        const PairState *from = (const PairState *)(const void *)(sources[i] + offset);
        PairState *to = (PairState *)(void *)(targets[i] + offset);
        if (from->count == 0)
            continue;
        double a = (double)to->count;
        double b = (double)from->count;
        double dx = from->mean_x - to->mean_x;
        double dy = from->mean_y - to->mean_y;
        double share = a * b / (a + b);
        to->square_x += from->square_x + dx * dx * share;
        to->square_y += from->square_y + dy * dy * share;
        to->product += from->product + dx * dy * share;
        to->mean_x += dx * b / (a + b);
        to->mean_y += dy * b / (a + b);
        to->count += from->count;
    }
    return OK;
}
/* code: 0 covar_pop, 1 covar_samp, 2 corr */
static Status pair_finish(AggContext *context, uint8_t *const *groups, uint32_t count, uint32_t offset, uint32_t first, Vector *out)
{
    int code = context->binding->def->code;
    for (uint32_t i = 0; i < count; i++) {
        const PairState *state = (const PairState *)(const void *)(groups[i] + offset);
        int64_t divisor = state->count - (code == 1);
        double value = code == 2 ? state->product / sqrt(state->square_x * state->square_y) : state->product / (double)divisor;
        if (state->count == 0 || divisor <= 0 || !isfinite(value) || (code == 2 && state->count < 2))
            vector_set_null(out, first + i);
        else
            ((double *)out->data)[first + i] = value;
    }
    return OK;
}
static const AggKernel pair_kernel = {.state_bytes = sizeof(PairState), .update = pair_update, .update_one = pair_update_one,
                                      .merge = pair_merge, .finish = pair_finish};

/* ---- bool_or, bool_and: 1 seen false, 2 seen true, 4 seen NULL ---- */
static void take_truth(const Vector *const *arguments, Rows rows, uint8_t *const *groups, uint32_t offset, uint8_t *one)
{
    VectorView view = vector_view(arguments[0]);
    for (FOR_ROWS(rows, i, row)) {
        int64_t bit = view_is_null(&view, row) ? 4 : ((const uint8_t *)view.data)[view_index(&view, row)] != 0 ? 2 : 1;
        *(int64_t *)(void *)(one != NULL ? one : groups[i] + offset) |= bit;
    }
}
static Status truth_update(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *const *groups,
                           uint32_t offset)
{
    (void)context;
    (void)count;
    take_truth(arguments, rows, groups, offset, NULL);
    return OK;
}
static Status truth_update_one(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *state)
{
    (void)context;
    (void)count;
    take_truth(arguments, rows, NULL, 0, state);
    return OK;
}
static Status truth_merge(AggContext *context, uint8_t *const *sources, uint8_t *const *targets, uint32_t count, uint32_t offset)
{
    (void)context;
    for (uint32_t i = 0; i < count; i++)
        *(int64_t *)(void *)(targets[i] + offset) |= *(const int64_t *)(const void *)(sources[i] + offset);
    return OK;
}
/* code: 1 or, 0 and */
static Status truth_finish(AggContext *context, uint8_t *const *groups, uint32_t count, uint32_t offset, uint32_t first, Vector *out)
{
    int code = context->binding->def->code;
    for (uint32_t i = 0; i < count; i++) {
        int64_t seen = *(const int64_t *)(const void *)(groups[i] + offset);
        if (seen == 0 || (seen == 4 && code == 0)) /* bool_or of NULLs alone is false */
            vector_set_null(out, first + i);
        else
            ((uint8_t *)out->data)[first + i] = code == 1 ? (seen & 2) != 0 : (seen & 1) == 0;
    }
    return OK;
}
static const AggKernel truth_kernel = {.state_bytes = 8, .update = truth_update, .update_one = truth_update_one,
                                       .merge = truth_merge, .finish = truth_finish};

/* ---- max_by, min_by ---- */
typedef struct ByState {
    Datum *pair; /* value, key; NULL: none yet */
} ByState;
static void take_by(AggContext *context, const Vector *const *arguments, Rows rows, uint8_t *const *groups, uint32_t offset, uint8_t *one)
{
    const Type *types = context->binding->argument_types;
    int code = context->binding->def->code;
    AUTO_ARENA scratch;
    arena_init(&scratch, NULL);
    ArenaMark mark = arena_mark(&scratch);
    for (FOR_ROWS(rows, i, row)) {
        ByState *state = (ByState *)(void *)(one != NULL ? one : groups[i] + offset);
        Datum key = vector_get(arguments[1], row, &scratch);
        if (!key.is_null && (state->pair == NULL || datum_compare(types[1], &key, &state->pair[1]) * code > 0)) {
            if (state->pair == NULL)
                state->pair = ARENA_NEW_ARRAY(context->arena, Datum, 2);
            Datum value = vector_get(arguments[0], row, &scratch);
            state->pair[0] = datum_copy(context->arena, types[0], &value);
            state->pair[1] = datum_copy(context->arena, types[1], &key);
        }
        arena_release(&scratch, mark);
    }
}
static Status by_update(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *const *groups,
                        uint32_t offset)
{
    (void)count;
    take_by(context, arguments, rows, groups, offset, NULL);
    return OK;
}
static Status by_update_one(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *state)
{
    (void)count;
    take_by(context, arguments, rows, NULL, 0, state);
    return OK;
}
static Status by_merge(AggContext *context, uint8_t *const *sources, uint8_t *const *targets, uint32_t count, uint32_t offset)
{
    for (uint32_t i = 0; i < count; i++) {
        const ByState *from = (const ByState *)(const void *)(sources[i] + offset);
        ByState *to = (ByState *)(void *)(targets[i] + offset);
        bool wins = from->pair != NULL &&
                    (to->pair == NULL || datum_compare(context->binding->argument_types[1], &from->pair[1], &to->pair[1]) * context->binding->def->code > 0);
        if (wins)
            to->pair = from->pair;
    }
    return OK;
}
static Status by_finish(AggContext *context, uint8_t *const *groups, uint32_t count, uint32_t offset, uint32_t first, Vector *out)
{
    for (uint32_t i = 0; i < count; i++) {
        const ByState *state = (const ByState *)(const void *)(groups[i] + offset);
        Datum value = state->pair == NULL ? datum_null() : state->pair[0];
        vector_put(out, context->arena, first + i, &value);
    }
    return OK;
}
static void by_serialize(AggContext *context, const uint8_t *bytes, ByteBuf *out)
{
    const ByState *state = (const ByState *)(const void *)bytes;
    bytebuf_put_u8(out, state->pair != NULL);
    for (uint32_t p = 0; state->pair != NULL && p < 2; p++)
        datum_encode(context->binding->argument_types[p], &state->pair[p], out);
}
static Status by_deserialize(AggContext *context, ByteReader *reader, uint8_t *bytes)
{
    ByState *state = (ByState *)(void *)bytes;
    state->pair = NULL;
    if (byte_reader_u8(reader) == 0)
        return OK;
    state->pair = ARENA_NEW_ARRAY(context->arena, Datum, 2);
    for (uint32_t p = 0; p < 2; p++)
        TRY(datum_decode(context->binding->argument_types[p], reader, context->arena, context->diag, &state->pair[p]));
    return OK;
}
static const AggKernel by_kernel = {.state_bytes = sizeof(ByState), .update = by_update, .update_one = by_update_one,
                                    .merge = by_merge, .finish = by_finish, .serialize = by_serialize, .deserialize = by_deserialize};

/* any_value over nested types: the first value, kept as the value of a pair with a constant key. */
static void take_any(AggContext *context, const Vector *const *arguments, Rows rows, uint8_t *const *groups, uint32_t offset, uint8_t *one)
{
    AUTO_ARENA scratch;
    arena_init(&scratch, NULL);
    VectorView view = vector_view(arguments[0]);
    for (FOR_ROWS(rows, i, row)) {
        ByState *state = (ByState *)(void *)(one != NULL ? one : groups[i] + offset);
        if (state->pair != NULL || view_is_null(&view, row))
            continue;
        Datum value = vector_get(arguments[0], row, &scratch);
        state->pair = ARENA_NEW_ARRAY(context->arena, Datum, 2);
        state->pair[0] = datum_copy(context->arena, arguments[0]->type, &value);
    }
}
static Status any_update(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *const *groups,
                         uint32_t offset)
{
    (void)count;
    take_any(context, arguments, rows, groups, offset, NULL);
    return OK;
}
static Status any_update_one(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *state)
{
    (void)count;
    take_any(context, arguments, rows, NULL, 0, state);
    return OK;
}
static Status any_merge(AggContext *context, uint8_t *const *sources, uint8_t *const *targets, uint32_t count, uint32_t offset)
{
    (void)context;
    for (uint32_t i = 0; i < count; i++) {
        ByState *to = (ByState *)(void *)(targets[i] + offset);
        if (to->pair == NULL)
            *to = *(const ByState *)(const void *)(sources[i] + offset);
    }
    return OK;
}
static void any_serialize(AggContext *context, const uint8_t *bytes, ByteBuf *out)
{
    const ByState *state = (const ByState *)(const void *)bytes;
    bytebuf_put_u8(out, state->pair != NULL);
    if (state->pair != NULL)
        datum_encode(context->binding->argument_types[0], &state->pair[0], out);
}
static Status any_deserialize(AggContext *context, ByteReader *reader, uint8_t *bytes)
{
    ByState *state = (ByState *)(void *)bytes;
    state->pair = NULL;
    if (byte_reader_u8(reader) == 0)
        return OK;
    state->pair = ARENA_NEW_ARRAY(context->arena, Datum, 2);
    return datum_decode(context->binding->argument_types[0], reader, context->arena, context->diag, &state->pair[0]);
}
const AggKernel func_any_nested_kernel = {.state_bytes = sizeof(ByState), .update = any_update, .update_one = any_update_one,
                                          .merge = any_merge, .finish = by_finish, .serialize = any_serialize,
                                          .deserialize = any_deserialize};

static Status bind_by(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    Type *types = bind_argument_array(request, out);
    for (uint32_t i = 0; i < 2; i++) {
        if (types[i].kind == TYPE_NULL)
            types[i] = type_of(TYPE_BOOLEAN);
        types[i].phys = (uint8_t)type_default_phys(types[i]);
    }
    if (type_is_nested(types[1]) || types[1].kind == TYPE_JSON)
        return bind_error(request);
    out->result = types[0];
    out->aggregate = &by_kernel;
    return OK;
}

#define PAIR(NAME, CODE)                                                                               \
    {.name = NAME, .kind = FUNC_AGGREGATE, .min_arguments = 2, .max_arguments = 2, .code = CODE,       \
     .overloads = (const FuncOverload[]){{"dd", 'd', NULL, &pair_kernel}}, .overload_count = 1, .group = "aggregate"}
#define TRUTH(NAME, CODE)                                                                              \
    {.name = NAME, .kind = FUNC_AGGREGATE, .min_arguments = 1, .max_arguments = 1, .code = CODE, .flags = FUNC_IGNORES_DISTINCT, \
     .overloads = (const FuncOverload[]){{"b", 'b', NULL, &truth_kernel}}, .overload_count = 1, .group = "aggregate"}
#define BOUND(NAME, FLAGS, MIN_ARGS, MAX_ARGS, BIND, CODE)                                             \
    {.name = NAME, .kind = FUNC_AGGREGATE, .flags = (FLAGS) | FUNC_IGNORES_DISTINCT, .min_arguments = MIN_ARGS, \
     .max_arguments = MAX_ARGS, .bind = BIND, .code = CODE, .group = "aggregate"}
static const FuncDef defs[] = {
    PAIR("covar_pop", 0), PAIR("covar_samp", 1), PAIR("corr", 2),
    TRUTH("bool_or", 1), TRUTH("boolor_agg", 1), TRUTH("bool_and", 0), TRUTH("booland_agg", 0), TRUTH("every", 0),
    BOUND("max_by", 0, 2, 2, bind_by, 1), BOUND("min_by", 0, 2, 2, bind_by, -1),
};
const FuncTable func_table_agg_math = {defs, COUNT_OF(defs)};
