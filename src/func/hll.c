#include "func/families.h"

/* Estimates of the number of distinct values: the aggregates, and HLL values, which are stored states.
 *
 * Up to 160 hashes are kept as they are and counted exactly; beyond that they go into the 2^14 registers
 * of a HyperLogLog. A stored state is the number of hashes (161: registers) and then those. */

#include <math.h>

#include "base/hash.h"
#include "func/nested.h"

enum { NDV_EXACT = 160, NDV_BITS = 14, NDV_REGISTERS = 1 << NDV_BITS };
typedef struct NdvState {
    uint64_t *hashes;   /* exact, unsorted */
    uint8_t *registers; /* NULL while exact */
    uint64_t count;     /* of hashes */
} NdvState;

static void set_register(uint8_t *registers, uint64_t hash)
{
    uint32_t place = (uint32_t)(hash >> (64 - NDV_BITS));
    uint64_t rest = hash << NDV_BITS;
    uint8_t rank = (uint8_t)(rest == 0 ? 64 - NDV_BITS + 1 : __builtin_clzll(rest) + 1);
    if (rank > registers[place])
        registers[place] = rank;
}
static void ndv_add(Arena *arena, NdvState *state, uint64_t hash)
{
    if (state->registers == NULL) {
        if (state->hashes == NULL)
            state->hashes = ARENA_NEW_ARRAY(arena, uint64_t, NDV_EXACT);
        for (uint64_t i = 0; i < state->count; i++) {
            if (state->hashes[i] == hash)
                return;
        }
        if (state->count < NDV_EXACT) {
            state->hashes[state->count++] = hash;
            return;
        }
        state->registers = arena_alloc_zero(arena, NDV_REGISTERS);
        for (uint64_t i = 0; i < state->count; i++)
            set_register(state->registers, state->hashes[i]);
    }
    set_register(state->registers, hash);
}
static void take_ndv(AggContext *context, const Vector *const *arguments, Rows rows, uint8_t *const *groups, uint32_t offset, uint8_t *one)
{
    Type type = arguments[0]->type;
    VectorView view = vector_view(arguments[0]);
    AUTO_ARENA scratch;
    arena_init(&scratch, NULL);
    for (FOR_ROWS(rows, i, row)) {
        if (view_is_null(&view, row))
            continue;
        Datum value = vector_get(arguments[0], row, &scratch);
        uint64_t hash = hash_u64(datum_hash(type, &value));
        ndv_add(context->arena, (NdvState *)(void *)(one != NULL ? one : groups[i] + offset), hash);
    }
}
static Status ndv_update(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *const *groups,
                         uint32_t offset)
{
    (void)count;
    take_ndv(context, arguments, rows, groups, offset, NULL);
    return OK;
}
static Status ndv_update_one(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *state)
{
    (void)count;
    take_ndv(context, arguments, rows, NULL, 0, state);
    return OK;
}
static void ndv_unite(Arena *arena, NdvState *to, const NdvState *from)
{
    if (from->registers != NULL && to->registers == NULL) {
        to->registers = arena_alloc_zero(arena, NDV_REGISTERS);
        for (uint64_t h = 0; h < to->count; h++)
            set_register(to->registers, to->hashes[h]);
    }
    for (uint64_t h = 0; from->registers == NULL && h < from->count; h++)
        ndv_add(arena, to, from->hashes[h]);
    for (uint32_t r = 0; from->registers != NULL && r < NDV_REGISTERS; r++)
        to->registers[r] = MAX(to->registers[r], from->registers[r]);
}
static Status ndv_merge(AggContext *context, uint8_t *const *sources, uint8_t *const *targets, uint32_t count, uint32_t offset)
{
    for (uint32_t i = 0; i < count; i++)
        ndv_unite(context->arena, (NdvState *)(void *)(targets[i] + offset), (const NdvState *)(const void *)(sources[i] + offset));
    return OK;
}
static int64_t ndv_estimate(const NdvState *state)
{
    if (state->registers == NULL)
        return (int64_t)state->count;
    double sum = 0;
    uint32_t zeros = 0;
    for (uint32_t r = 0; r < NDV_REGISTERS; r++) {
        sum += 1.0 / (double)(UINT64_C(1) << state->registers[r]);
        zeros += state->registers[r] == 0;
    }
    double registers = NDV_REGISTERS;
    double estimate = 0.7213 / (1 + 1.079 / registers) * registers * registers / sum;
    if (estimate <= 2.5 * registers && zeros > 0)
        estimate = registers * log(registers / zeros);
    return (int64_t)(estimate + 0.5);
}
static Status ndv_finish(AggContext *context, uint8_t *const *groups, uint32_t count, uint32_t offset, uint32_t first, Vector *out)
{
    (void)context;
    for (uint32_t i = 0; i < count; i++)
        ((int64_t *)out->data)[first + i] = ndv_estimate((const NdvState *)(const void *)(groups[i] + offset));
    return OK;
}
static void ndv_encode(const NdvState *state, ByteBuf *out)
{
    bytebuf_put_varint(out, state->registers != NULL ? NDV_EXACT + 1 : state->count);
    if (state->registers != NULL)
        bytebuf_append(out, state->registers, NDV_REGISTERS);
    else if (state->count > 0)
        bytebuf_append(out, state->hashes, state->count * sizeof(uint64_t));
}
static bool ndv_decode(ByteReader *reader, Arena *arena, NdvState *state)
{
    uint64_t count = byte_reader_varint(reader);
    bool is_exact = count <= NDV_EXACT;
    *state = (NdvState){.count = is_exact ? count : 0};
    StrView stored = byte_reader_bytes(reader, is_exact ? count * sizeof(uint64_t) : NDV_REGISTERS);
    if (reader->failed)
        return false;
    if (is_exact)
        state->hashes = ARENA_NEW_ARRAY(arena, uint64_t, NDV_EXACT);
    else
        state->registers = arena_alloc_zero(arena, NDV_REGISTERS);
    void *target = is_exact ? (void *)state->hashes : (void *)state->registers;
    if (stored.length > 0)
        memcpy(target, stored.data, stored.length);
    for (uint32_t r = 0; !is_exact && r < NDV_REGISTERS; r++)
        state->registers[r] = MIN(state->registers[r], (uint8_t)(64 - NDV_BITS + 1));
    return true;
}
static void ndv_serialize(AggContext *context, const uint8_t *bytes, ByteBuf *out)
{
    (void)context;
    ndv_encode((const NdvState *)(const void *)bytes, out);
}
static Status ndv_deserialize(AggContext *context, ByteReader *reader, uint8_t *bytes)
{
    if (!ndv_decode(reader, context->arena, (NdvState *)(void *)bytes))
        return RAISE(context->diag, CORRUPT, "stored state of %s() is cut short", context->binding->def->name);
    return OK;
}
static const AggKernel ndv_kernel = {.state_bytes = sizeof(NdvState), .update = ndv_update, .update_one = ndv_update_one,
                                     .merge = ndv_merge, .finish = ndv_finish, .serialize = ndv_serialize,
                                     .deserialize = ndv_deserialize};
static Status bind_ndv(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    Type *types = bind_argument_array(request, out);
    if (type_is_nested(types[0]) || types[0].kind == TYPE_JSON)
        return bind_error(request);
    if (types[0].kind == TYPE_NULL)
        types[0] = type_of(TYPE_BOOLEAN);
    out->result = type_of(TYPE_BIGINT);
    out->aggregate = &ndv_kernel;
    return OK;
}

/* ---- HLL values ---- */
static void result_state(FuncContext *context, Vector *out, uint32_t row, const NdvState *state)
{
    AUTO_BYTEBUF bytes = {0};
    ndv_encode(state, &bytes);
    result_text(context, out, row, bytes.data, bytes.length);
}
DEFINE_ROWWISE(hll_hash_kernel, {
    NdvState state = {0};
    StrView text = ARG_VIEW(0);
    ndv_add(context->arena, &state, hash_u64(hash_bytes(text.data == NULL ? "" : text.data, text.length)));
    result_state(context, out, row, &state);
})
DEFINE_ROWWISE(hll_empty_kernel, {
    NdvState state = {0};
    (void)count;
    result_state(context, out, row, &state);
})
DEFINE_ROWWISE(hll_cardinality_kernel, {
    NdvState state = {0};
    if (!view_is_null(&views[0], row)) {
        StrView bytes = ARG_VIEW(0);
        ByteReader reader = byte_reader(bytes.data, bytes.length);
        if (!ndv_decode(&reader, context->arena, &state))
            state = (NdvState){0};
    }
    RESULT(int64_t) = ndv_estimate(&state);
})
DEFINE_ROWWISE(hll_same_kernel, { RESULT(Str) = *ARG_STR(0); })

static void take_hll(AggContext *context, const Vector *const *arguments, Rows rows, uint8_t *const *groups, uint32_t offset, uint8_t *one)
{
    VectorView view = vector_view(arguments[0]);
    AUTO_ARENA scratch;
    arena_init(&scratch, NULL);
    for (FOR_ROWS(rows, i, row)) {
        if (view_is_null(&view, row))
            continue;
        StrView bytes = str_view(&((const Str *)view.data)[view_index(&view, row)]);
        ByteReader reader = byte_reader(bytes.data, bytes.length);
        NdvState state;
        arena_reset(&scratch);
        if (ndv_decode(&reader, &scratch, &state))
            ndv_unite(context->arena, (NdvState *)(void *)(one != NULL ? one : groups[i] + offset), &state);
    }
}
static Status hll_update(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *const *groups,
                         uint32_t offset)
{
    (void)count;
    take_hll(context, arguments, rows, groups, offset, NULL);
    return OK;
}
static Status hll_update_one(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *state)
{
    (void)count;
    take_hll(context, arguments, rows, NULL, 0, state);
    return OK;
}
/* code: 0 the union, 1 its estimate */
static Status hll_finish(AggContext *context, uint8_t *const *groups, uint32_t count, uint32_t offset, uint32_t first, Vector *out)
{
    if (context->binding->def->code == 1)
        return ndv_finish(context, groups, count, offset, first, out);
    for (uint32_t i = 0; i < count; i++) {
        AUTO_BYTEBUF bytes = {0};
        ndv_encode((const NdvState *)(const void *)(groups[i] + offset), &bytes);
        Str value = str_make(bytes.data, bytes.length);
        ((Str *)out->data)[first + i] = str_copy(context->arena, &value);
    }
    return OK;
}
static const AggKernel hll_kernel = {.state_bytes = sizeof(NdvState), .update = hll_update, .update_one = hll_update_one,
                                     .merge = ndv_merge, .finish = hll_finish, .serialize = ndv_serialize,
                                     .deserialize = ndv_deserialize};

static bool is_hll(Type type)
{
    return type.kind == TYPE_HLL || type.kind == TYPE_NULL;
}
static Status bind_hll_agg(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    if (!is_hll(request->types[0]))
        return bind_error(request);
    bind_arguments(request, type_of(TYPE_HLL), out);
    out->result = type_of(def->code == 1 ? TYPE_BIGINT : TYPE_HLL);
    out->aggregate = &hll_kernel;
    return OK;
}
enum { HLL_HASH, HLL_EMPTY, HLL_CARDINALITY, HLL_SERIALIZE, HLL_DESERIALIZE };
static Status bind_hll(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    static const struct {
        TypeKind argument, result;
        ScalarKernel kernel;
    } forms[] = {[HLL_HASH] = {TYPE_VARCHAR, TYPE_HLL, hll_hash_kernel},
                 [HLL_EMPTY] = {TYPE_VARCHAR, TYPE_HLL, hll_empty_kernel},
                 [HLL_CARDINALITY] = {TYPE_HLL, TYPE_BIGINT, hll_cardinality_kernel},
                 [HLL_SERIALIZE] = {TYPE_HLL, TYPE_VARBINARY, hll_same_kernel},
                 [HLL_DESERIALIZE] = {TYPE_VARBINARY, TYPE_HLL, hll_same_kernel}};
    if (forms[def->code].argument == TYPE_HLL && !is_hll(request->types[0]))
        return bind_error(request);
    bind_arguments(request, type_of(forms[def->code].argument), out);
    out->result = type_of(forms[def->code].result);
    out->kernel = forms[def->code].kernel;
    return OK;
}

#define NDV(NAME, MAX_ARGS)                                                                            \
    {.name = NAME, .kind = FUNC_AGGREGATE, .flags = FUNC_NEVER_NULL | FUNC_IGNORES_DISTINCT | FUNC_STATE_UNTYPED, .min_arguments = 1, \
     .max_arguments = MAX_ARGS, .bind = bind_ndv, .group = "aggregate"}
#define HLLA(NAME, CODE)                                                                               \
    {.name = NAME, .kind = FUNC_AGGREGATE, .flags = FUNC_NEVER_NULL | FUNC_IGNORES_DISTINCT, .min_arguments = 1, \
     .max_arguments = 1, .bind = bind_hll_agg, .code = CODE, .group = "hll"}
#define HLLF(NAME, FLAGS, COUNT, CODE)                                                                 \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FLAGS, .min_arguments = COUNT, .max_arguments = COUNT, .bind = bind_hll, \
     .code = CODE, .group = "hll"}
static const FuncDef defs[] = {
    NDV("ndv", 1), NDV("approx_count_distinct", 1), NDV("ds_hll_count_distinct", 3), NDV("ds_theta_count_distinct", 1),
    HLLA("hll_union", 0), HLLA("hll_raw_agg", 0), HLLA("hll_union_agg", 1),
    HLLF("hll_hash", FUNC_NULL_IF_ANY_NULL, 1, HLL_HASH), HLLF("hll_empty", 0, 0, HLL_EMPTY),
    HLLF("hll_cardinality", FUNC_NEVER_NULL, 1, HLL_CARDINALITY), HLLF("hll_serialize", FUNC_NULL_IF_ANY_NULL, 1, HLL_SERIALIZE),
    HLLF("hll_deserialize", FUNC_NULL_IF_ANY_NULL, 1, HLL_DESERIALIZE),
};
const FuncTable func_table_hll = {defs, COUNT_OF(defs)};
