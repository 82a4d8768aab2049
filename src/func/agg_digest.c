#include "func/families.h"

/* Approximate percentiles: percentile_approx, and PERCENTILE values, which are stored digests. */

#include <math.h>

#include "func/nested.h"
#include "func/tdigest.h"
#include "types/decimal.h"

enum { DIGEST_APPROX, DIGEST_WEIGHTED, DIGEST_UNION };

typedef struct DigestState {
    TDigest digest;
    double *rates; /* asked for; NULL: not known yet */
    uint32_t rate_count;
} DigestState;

static double double_at(const Vector *vector, uint32_t row, double missing)
{
    VectorView view = vector_view(vector);
    return view_is_null(&view, row) ? missing : ((const double *)view.data)[view_index(&view, row)];
}

/* The rate, or the array of rates, of a row; false: NULL. */
static bool take_rates(AggContext *context, const Vector *argument, uint32_t row, DigestState *state)
{
    VectorView view = vector_view(argument);
    if (view_is_null(&view, row))
        return false;
    if (argument->type.kind != TYPE_ARRAY) {
        if (state->rates == NULL)
            state->rates = ARENA_NEW_ARRAY(context->arena, double, 1);
        state->rate_count = 1;
        state->rates[0] = ((const double *)view.data)[view_index(&view, row)];
        return true;
    }
    if (state->rates != NULL)
        return true;
    ListSlice list = list_at(&view, row);
    state->rates = ARENA_NEW_ARRAY(context->arena, double, MAX(list.length, 1u));
    state->rate_count = list.length;
    for (uint32_t i = 0; i < list.length; i++)
        state->rates[i] = double_at(list.child, list.offset + i, (double)NAN);
    return true;
}

static Status check_rates(AggContext *context, const DigestState *state)
{
    for (uint32_t i = 0; i < state->rate_count; i++) {
        if (!(state->rates[i] >= 0 && state->rates[i] <= 1))
            return RAISE(context->diag, INVALID_ARGUMENT, "%s() needs percentiles within 0 and 1", context->binding->def->name);
    }
    return OK;
}

static Status digest_take(AggContext *context, const Vector *const *arguments, uint32_t count, uint32_t row, DigestState *state)
{
    int code = context->binding->def->code;
    VectorView values = vector_view(arguments[0]);
    if (view_is_null(&values, row))
        return OK;
    if (code == DIGEST_UNION) {
        StrView bytes = str_view(&((const Str *)values.data)[view_index(&values, row)]);
        ByteReader reader = byte_reader(bytes.data, bytes.length);
        TDigest other;
        if (!tdigest_decode(&reader, context->arena, &other))
            return RAISE(context->diag, CORRUPT, "a PERCENTILE value can't be read");
        tdigest_unite(&state->digest, context->arena, &other);
        return OK;
    }
    uint32_t rate_at = code == DIGEST_WEIGHTED ? 2 : 1;
    bool was_known = state->rates != NULL;
    if (!take_rates(context, arguments[rate_at], row, state))
        return OK;
    if (!was_known || arguments[rate_at]->type.kind != TYPE_ARRAY)
        TRY(check_rates(context, state));
    if (state->digest.compression == 0)
        tdigest_begin(&state->digest, count > rate_at + 1 ? double_at(arguments[rate_at + 1], row, 0) : 0);
    double weight = code == DIGEST_WEIGHTED ? double_at(arguments[1], row, 0) : 1;
    tdigest_add(&state->digest, context->arena, ((const double *)values.data)[view_index(&values, row)], weight);
    return OK;
}
static Status digest_update(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *const *groups,
                            uint32_t offset)
{
    for (FOR_ROWS(rows, i, row))
        TRY(digest_take(context, arguments, count, row, (DigestState *)(void *)(groups[i] + offset)));
    return OK;
}
static Status digest_update_one(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *state)
{
    for (FOR_ROWS(rows, i, row))
        TRY(digest_take(context, arguments, count, row, (DigestState *)(void *)state));
    return OK;
}
static Status digest_merge(AggContext *context, uint8_t *const *sources, uint8_t *const *targets, uint32_t count, uint32_t offset)
{
    for (uint32_t i = 0; i < count; i++) {
        const DigestState *from = (const DigestState *)(const void *)(sources[i] + offset);
        DigestState *to = (DigestState *)(void *)(targets[i] + offset);
        tdigest_unite(&to->digest, context->arena, &from->digest);
        if (from->rates != NULL) {
            to->rates = from->rates;
            to->rate_count = from->rate_count;
        }
    }
    return OK;
}
static Status digest_finish(AggContext *context, uint8_t *const *groups, uint32_t count, uint32_t offset, uint32_t first, Vector *out)
{
    for (uint32_t i = 0; i < count; i++) {
        DigestState *state = (DigestState *)(void *)(groups[i] + offset);
        if (out->type.kind == TYPE_PERCENTILE) {
            AUTO_BYTEBUF bytes = {0};
            tdigest_encode(&state->digest, &bytes);
            Str value = str_make(bytes.data, bytes.length);
            ((Str *)out->data)[first + i] = str_copy(context->arena, &value);
            continue;
        }
        DatumList list = {state->rate_count, ARENA_NEW_ARRAY(context->arena, Datum, MAX(state->rate_count, 1u))};
        bool is_known = state->rates != NULL;
        for (uint32_t r = 0; is_known && r < state->rate_count; r++) {
            list.items[r] = datum_f64(tdigest_quantile(&state->digest, context->arena, state->rates[r]));
            is_known = !isnan(list.items[r].f64);
        }
        Datum value = !is_known ? datum_null() : out->type.kind == TYPE_ARRAY ? (Datum){.list = &list} : list.items[0];
        vector_put(out, context->arena, first + i, &value);
    }
    return OK;
}
static void digest_serialize(AggContext *context, const uint8_t *bytes, ByteBuf *out)
{
    const DigestState *state = (const DigestState *)(const void *)bytes;
    (void)context;
    tdigest_encode(&state->digest, out);
    bytebuf_put_u8(out, state->rates != NULL);
    bytebuf_put_varint(out, state->rate_count);
    if (state->rate_count > 0)
        bytebuf_append(out, state->rates, state->rate_count * sizeof(double));
}
static Status digest_deserialize(AggContext *context, ByteReader *reader, uint8_t *bytes)
{
    DigestState *state = (DigestState *)(void *)bytes;
    *state = (DigestState){0};
    bool ok = tdigest_decode(reader, context->arena, &state->digest);
    bool has_rates = byte_reader_u8(reader) != 0;
    uint64_t count = byte_reader_varint(reader);
    ok = ok && count <= byte_reader_left(reader) / sizeof(double);
    if (!ok || reader->failed)
        return RAISE(context->diag, CORRUPT, "stored state of %s() can't be read", context->binding->def->name);
    StrView rates = byte_reader_bytes(reader, count * sizeof(double));
    state->rate_count = (uint32_t)count;
    if (has_rates)
        state->rates = ARENA_NEW_ARRAY(context->arena, double, MAX(count, (uint64_t)1));
    if (has_rates && count > 0)
        memcpy(state->rates, rates.data, rates.length);
    return OK;
}
static const AggKernel digest_kernel = {.state_bytes = sizeof(DigestState), .update = digest_update, .update_one = digest_update_one,
                                        .merge = digest_merge, .finish = digest_finish, .serialize = digest_serialize,
                                        .deserialize = digest_deserialize};

/* ---- PERCENTILE values ---- */
DEFINE_ROWWISE(hash_value_kernel, {
    TDigest digest;
    AUTO_BYTEBUF bytes = {0};
    tdigest_begin(&digest, 0);
    tdigest_add(&digest, context->arena, ARG(0, double), 1);
    tdigest_encode(&digest, &bytes);
    result_text(context, out, row, bytes.data, bytes.length);
})
DEFINE_ROWWISE(empty_kernel, {
    TDigest digest = {0};
    AUTO_BYTEBUF bytes = {0};
    (void)count;
    tdigest_encode(&digest, &bytes);
    result_text(context, out, row, bytes.data, bytes.length);
})
DEFINE_ROWWISE(quantile_kernel, {
    StrView bytes = ARG_VIEW(0);
    ByteReader reader = byte_reader(bytes.data, bytes.length);
    TDigest digest;
    if (!tdigest_decode(&reader, context->arena, &digest))
        return RAISE(context->diag, CORRUPT, "a PERCENTILE value can't be read");
    RESULT(double) = tdigest_quantile(&digest, context->arena, ARG(1, double));
    if (isnan(RESULT(double)))
        RESULT_NULL();
})

/* ---- binding ---- */
static Status check_constant_rate(const FuncBindRequest *request, const FuncDef *def, uint32_t at)
{
    const Datum *rate = request->constants[at];
    Type type = request->types[at];
    if (rate == NULL || rate->is_null || !type_is_numeric(type) || type_is_wide_decimal(type))
        return OK;
    double value = type_is_float(type) ? rate->f64
                   : type.kind == TYPE_DECIMAL ? decimal_to_double(rate->i128, type.scale) : (double)rate->i64;
    if (value >= 0 && value <= 1)
        return OK;
    return RAISE(request->diag, ANALYSIS, "Getting analyzing error. Detail message: %s: percentile should be between 0 and 1.", def->name);
}

static Status bind_approx(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    uint32_t rate_at = def->code == DIGEST_WEIGHTED ? 2 : 1;
    bool is_array = request->types[rate_at].kind == TYPE_ARRAY;
    Type rate = is_array ? type_array(request->arena, type_of(TYPE_DOUBLE)) : type_of(TYPE_DOUBLE);
    if (type_is_nested(request->types[0]) || request->types[0].kind == TYPE_JSON)
        return bind_error(request);
    TRY(check_constant_rate(request, def, rate_at));
    bind_arguments(request, type_of(TYPE_DOUBLE), out);
    ((Type *)(uintptr_t)out->argument_types)[rate_at] = rate;
    out->result = rate;
    out->aggregate = &digest_kernel;
    return OK;
}
static bool is_percentile(Type type)
{
    return type.kind == TYPE_PERCENTILE || type.kind == TYPE_NULL;
}
static Status bind_union(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    if (!is_percentile(request->types[0]))
        return bind_error(request);
    bind_arguments(request, type_of(TYPE_PERCENTILE), out);
    out->result = type_of(TYPE_PERCENTILE);
    out->aggregate = &digest_kernel;
    return OK;
}
enum { VALUE_HASH, VALUE_EMPTY, VALUE_QUANTILE };
static Status bind_value(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    static const ScalarKernel kernels[] = {hash_value_kernel, empty_kernel, quantile_kernel};
    if (def->code == VALUE_QUANTILE && !is_percentile(request->types[0]))
        return bind_error(request);
    bind_arguments(request, type_of(TYPE_DOUBLE), out);
    if (def->code == VALUE_QUANTILE)
        ((Type *)(uintptr_t)out->argument_types)[0] = type_of(TYPE_PERCENTILE);
    out->result = type_of(def->code == VALUE_QUANTILE ? TYPE_DOUBLE : TYPE_PERCENTILE);
    out->kernel = kernels[def->code];
    return OK;
}

#define APPROX(NAME, MIN_ARGS, MAX_ARGS, CODE)                                                          \
    {.name = NAME, .kind = FUNC_AGGREGATE, .min_arguments = MIN_ARGS, .max_arguments = MAX_ARGS, .bind = bind_approx, \
     .code = CODE, .group = "percentile"}
#define PERCENTILE(NAME, FLAGS, COUNT, CODE)                                                            \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FLAGS, .min_arguments = COUNT, .max_arguments = COUNT, .bind = bind_value, \
     .code = CODE, .group = "percentile"}
static const FuncDef defs[] = {
    APPROX("percentile_approx", 2, 3, DIGEST_APPROX),
    APPROX("percentile_approx_weighted", 3, 4, DIGEST_WEIGHTED),
    {.name = "percentile_union", .kind = FUNC_AGGREGATE, .flags = FUNC_NEVER_NULL | FUNC_IGNORES_DISTINCT, .min_arguments = 1,
     .max_arguments = 1, .bind = bind_union, .code = DIGEST_UNION, .group = "percentile"},
    PERCENTILE("percentile_hash", FUNC_NULL_IF_ANY_NULL, 1, VALUE_HASH),
    PERCENTILE("percentile_empty", 0, 0, VALUE_EMPTY),
    PERCENTILE("percentile_approx_raw", FUNC_NULL_IF_ANY_NULL | FUNC_CAN_RAISE, 2, VALUE_QUANTILE),
};
const FuncTable func_table_agg_digest = {defs, COUNT_OF(defs)};
