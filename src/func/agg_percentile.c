#include "func/families.h"

/* percentile_cont, percentile_disc over numbers and dates of up to 64 bits: the state is an array of the values, eight bytes
 * each, and the result is selected from a copy without sorting it. Other types are kept as rows (agg_list.c). */

#include <math.h>

#include "types/decimal.h"

typedef union Value64 {
    int64_t whole;
    double real;
} Value64;

typedef struct ValueList {
    Value64 *items;
    uint32_t count, capacity;
    double rate; /* -1: NULL, or not known yet */
} ValueList;

static bool is_real(PhysKind phys)
{
    return phys == PHYS_F32 || phys == PHYS_F64;
}

static Value64 value_at(const void *data, PhysKind phys, uint32_t at)
{
    switch (phys) {
    case PHYS_I8:
        return (Value64){.whole = ((const int8_t *)data)[at]};
    case PHYS_I16:
        return (Value64){.whole = ((const int16_t *)data)[at]};
    case PHYS_I32:
        return (Value64){.whole = ((const int32_t *)data)[at]};
    case PHYS_F32:
        return (Value64){.real = (double)((const float *)data)[at]};
    case PHYS_BOOL:
        return (Value64){.whole = ((const uint8_t *)data)[at]};
    default: /* 64 bits of either kind */
        return (Value64){.whole = ((const int64_t *)data)[at]};
    }
}

static Status make_room(AggContext *context, ValueList *list, uint64_t more)
{
    uint64_t needed = (uint64_t)list->count + more;
    if (needed <= list->capacity)
        return OK;
    if (needed > UINT32_MAX / 2)
        return RAISE(context->diag, LIMIT_EXCEEDED, "%s() over more than %u values", context->binding->def->name, UINT32_MAX / 2);
    uint32_t capacity = MAX(list->capacity, 4u);
    while (capacity < needed)
        capacity *= 2;
    TRY(mem_check_room(context->arena->tracker, (int64_t)capacity * (int64_t)sizeof(Value64), context->diag));
    Value64 *items = arena_alloc(context->arena, sizeof(Value64) * capacity);
    if (list->count > 0)
        memcpy(items, list->items, sizeof(Value64) * list->count);
    list->items = items;
    list->capacity = capacity;
    return OK;
}

static Status take_rate(AggContext *context, ValueList *list, const VectorView *rates, uint32_t row)
{
    list->rate = view_is_null(rates, row) ? -1 : ((const double *)rates->data)[view_index(rates, row)];
    if (!(list->rate >= 0 && list->rate <= 1))
        return RAISE(context->diag, INVALID_ARGUMENT, "Percentile rate must be between 0 and 1");
    return OK;
}

static Status values_take(AggContext *context, const Vector *const *arguments, Rows rows, uint8_t *const *groups, uint32_t offset,
                          uint8_t *one)
{
    VectorView values = vector_view(arguments[0]);
    VectorView rates = vector_view(arguments[1]);
    PhysKind phys = (PhysKind)arguments[0]->type.phys;
    for (FOR_ROWS(rows, i, row)) {
        if (view_is_null(&values, row))
            continue;
        ValueList *list = (ValueList *)(void *)(one != NULL ? one : groups[i] + offset);
        if (list->count == list->capacity)
            TRY(make_room(context, list, 1));
        if (list->count == 0 || !rates.is_constant)
            TRY(take_rate(context, list, &rates, row));
        list->items[list->count++] = value_at(values.data, phys, view_index(&values, row));
    }
    return OK;
}
static Status values_update(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *const *groups,
                            uint32_t offset)
{
    (void)count;
    return values_take(context, arguments, rows, groups, offset, NULL);
}
static Status values_update_one(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *state)
{
    (void)count;
    return values_take(context, arguments, rows, NULL, 0, state);
}
static Status values_merge(AggContext *context, uint8_t *const *sources, uint8_t *const *targets, uint32_t count, uint32_t offset)
{
    for (uint32_t i = 0; i < count; i++) {
        const ValueList *from = (const ValueList *)(const void *)(sources[i] + offset);
        ValueList *to = (ValueList *)(void *)(targets[i] + offset);
        if (from->count == 0)
            continue;
        if (to->count == 0) {
            *to = *from;
            continue;
        }
        TRY(make_room(context, to, from->count));
        memcpy(to->items + to->count, from->items, sizeof(Value64) * from->count);
        to->count += from->count;
        to->rate = from->rate;
    }
    return OK;
}

/* ---- the result ---- */

/* Puts the value of that place there, smaller ones before it and greater ones behind it. */
#define DEFINE_SELECT(NAME, MEMBER)                                                 \
    static void NAME(Value64 *items, uint32_t count, uint32_t place)                \
    {                                                                               \
        uint32_t low = 0;                                                           \
        uint32_t high = count - 1;                                                  \
        while (low < high) {                                                        \
            __typeof__(items->MEMBER) pivot = items[low + (high - low) / 2].MEMBER; \
            uint32_t i = low;                                                       \
            uint32_t j = high;                                                      \
            for (;;) {                                                              \
                while (items[i].MEMBER < pivot)                                     \
                    i++;                                                            \
                while (pivot < items[j].MEMBER)                                     \
                    j--;                                                            \
                if (i >= j)                                                         \
                    break;                                                          \
                Value64 swapped = items[i];                                         \
                items[i++] = items[j];                                              \
                items[j--] = swapped;                                               \
            }                                                                       \
            if (place <= j)                                                         \
                high = j;                                                           \
            else                                                                    \
                low = j + 1;                                                        \
        }                                                                           \
    }
DEFINE_SELECT(select_whole, whole)
DEFINE_SELECT(select_real, real)

static Value64 least_from(const Value64 *items, uint32_t first, uint32_t count, bool reals)
{
    Value64 least = items[first];
    for (uint32_t i = first + 1; i < count; i++) {
        bool is_less = reals ? items[i].real < least.real : items[i].whole < least.whole;
        least = is_less ? items[i] : least;
    }
    return least;
}

static double number_of(Type type, Value64 value)
{
    if (type_is_float(type))
        return value.real;
    return type.kind == TYPE_DECIMAL ? decimal_to_double(value.whole, type.scale) : (double)value.whole;
}

/* code: 0 percentile_cont, 1 percentile_disc */
static Datum result_of(Type type, int code, const ValueList *list, Value64 *copy)
{
    bool reals = is_real((PhysKind)type.phys);
    double place = (double)(list->count - 1) * list->rate;
    uint32_t low = (uint32_t)place;
    double share = place - (double)low;
    memcpy(copy, list->items, sizeof(Value64) * list->count);
    if (reals)
        select_real(copy, list->count, low);
    else
        select_whole(copy, list->count, low);
    Value64 a = copy[low];
    Value64 b = low + 1 < list->count ? least_from(copy, low + 1, list->count, reals) : a;
    if (code == 1) {
        Value64 value = share > 0 ? b : a;
        return reals ? datum_f64(value.real) : (Datum){.i128 = value.whole};
    }
    if (type_is_date(type))
        return (Datum){.i128 = a.whole + (int64_t)((double)(b.whole - a.whole) * share)};
    return datum_f64(number_of(type, a) + (number_of(type, b) - number_of(type, a)) * share);
}

static Status values_finish(AggContext *context, uint8_t *const *groups, uint32_t count, uint32_t offset, uint32_t first, Vector *out)
{
    AUTO_ARENA scratch;
    arena_init(&scratch, context->arena->tracker);
    ArenaMark mark = arena_mark(&scratch);
    for (uint32_t i = 0; i < count; i++) {
        const ValueList *list = (const ValueList *)(const void *)(groups[i] + offset);
        if (list->count == 0) {
            vector_set_null(out, first + i);
            continue;
        }
        TRY(mem_check_room(context->arena->tracker, (int64_t)list->count * (int64_t)sizeof(Value64), context->diag));
        Value64 *copy = arena_alloc(&scratch, sizeof(Value64) * list->count);
        Datum value = result_of(context->binding->argument_types[0], context->binding->def->code, list, copy);
        vector_put(out, context->arena, first + i, &value);
        arena_release(&scratch, mark);
    }
    return OK;
}

static void values_serialize(AggContext *context, const uint8_t *bytes, ByteBuf *out)
{
    const ValueList *list = (const ValueList *)(const void *)bytes;
    (void)context;
    bytebuf_put_varint(out, list->count);
    bytebuf_append(out, &list->rate, sizeof(list->rate));
    if (list->count > 0)
        bytebuf_append(out, list->items, sizeof(Value64) * list->count);
}
static Status values_deserialize(AggContext *context, ByteReader *reader, uint8_t *bytes)
{
    ValueList *list = (ValueList *)(void *)bytes;
    *list = (ValueList){0};
    uint64_t count = byte_reader_varint(reader);
    StrView rate = byte_reader_bytes(reader, sizeof(double));
    if (!reader->failed)
        memcpy(&list->rate, rate.data, sizeof(double));
    bool ok =
        !reader->failed && count <= byte_reader_left(reader) / sizeof(Value64) && (count == 0 || (list->rate >= 0 && list->rate <= 1));
    if (!ok)
        return RAISE(context->diag, CORRUPT, "stored state of %s() is damaged", context->binding->def->name);
    TRY(make_room(context, list, count));
    StrView items = byte_reader_bytes(reader, count * sizeof(Value64));
    if (items.length > 0)
        memcpy(list->items, items.data, items.length);
    list->count = (uint32_t)count;
    return OK;
}

static const AggKernel values_kernel = {.state_bytes = sizeof(ValueList),
                                        .update = values_update,
                                        .update_one = values_update_one,
                                        .merge = values_merge,
                                        .finish = values_finish,
                                        .serialize = values_serialize,
                                        .deserialize = values_deserialize};

static Status bind_percentile(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    TRY(func_bind_percentile_rows(request, def, out));
    Type type = out->argument_types[0];
    if (type.phys <= PHYS_I64 || is_real((PhysKind)type.phys))
        out->aggregate = &values_kernel;
    return OK;
}

#define PERCENTILE(NAME, CODE)                                                                                               \
    {                                                                                                                        \
        .name = NAME, .kind = FUNC_AGGREGATE, .min_arguments = 2, .max_arguments = 2, .bind = bind_percentile, .code = CODE, \
        .group = "aggregate"                                                                                                 \
    }
static const FuncDef defs[] = {PERCENTILE("percentile_cont", 0), PERCENTILE("percentile_disc", 1), PERCENTILE("percentile_disc_lc", 1)};
const FuncTable func_table_agg_percentile = {defs, COUNT_OF(defs)};
