#include "func/agg_array.h"

/* array_agg() without DISTINCT and ORDER BY over values that have no parts: the state is the child of the result as it will be,
 * an array of the values and one of their NULLs. */

#include "func/nested.h"

typedef struct PlainArray {
    uint8_t *items;
    uint8_t *nulls; /* a byte each; NULL: none is */
    uint32_t count, capacity;
} PlainArray;

static uint32_t width_of(const AggContext *context)
{
    return phys_width((PhysKind)context->binding->argument_types[0].phys);
}

static Status make_room(AggContext *context, PlainArray *array, uint64_t more)
{
    uint32_t width = width_of(context);
    uint64_t needed = (uint64_t)array->count + more;
    if (needed <= array->capacity)
        return OK;
    if (needed > UINT32_MAX / 2)
        return RAISE(context->diag, LIMIT_EXCEEDED, "array_agg() over more than %u values", UINT32_MAX / 2);
    uint32_t capacity = MAX(array->capacity, 4u);
    while (capacity < needed)
        capacity *= 2;
    TRY(mem_check_room(context->arena->tracker, (int64_t)capacity * (width + 1), context->diag));
    uint8_t *items = arena_alloc(context->arena, (size_t)capacity * width);
    if (array->count > 0)
        memcpy(items, array->items, (size_t)array->count * width);
    if (array->nulls != NULL) {
        uint8_t *nulls = arena_alloc_zero(context->arena, capacity);
        memcpy(nulls, array->nulls, array->count);
        array->nulls = nulls;
    }
    array->items = items;
    array->capacity = capacity;
    return OK;
}

static void add_null(AggContext *context, PlainArray *array, uint32_t width)
{
    if (array->nulls == NULL)
        array->nulls = arena_alloc_zero(context->arena, array->capacity);
    memset(array->items + (size_t)array->count * width, 0, width);
    array->nulls[array->count++] = 1;
}

static Status take(AggContext *context, const Vector *const *arguments, Rows rows, uint8_t *const *groups, uint32_t offset, uint8_t *one)
{
    VectorView view = vector_view(arguments[0]);
    uint32_t width = width_of(context);
    bool is_text = arguments[0]->type.phys == PHYS_STR;
    for (FOR_ROWS(rows, i, row)) {
        PlainArray *array = (PlainArray *)(void *)(one != NULL ? one : groups[i] + offset);
        if (array->count == array->capacity)
            TRY(make_room(context, array, 1));
        if (view_is_null(&view, row)) {
            add_null(context, array, width);
            continue;
        }
        const uint8_t *value = (const uint8_t *)view.data + (size_t)view_index(&view, row) * width;
        uint8_t *target = array->items + (size_t)array->count * width;
        if (is_text)
            *(Str *)(void *)target = str_copy(context->arena, (const Str *)(const void *)value);
        else if (width == 4)
            memcpy(target, value, 4);
        else if (width == 8)
            memcpy(target, value, 8);
        else
            memcpy(target, value, width);
        if (array->nulls != NULL)
            array->nulls[array->count] = 0;
        array->count++;
    }
    return OK;
}
static Status plain_update(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *const *groups,
                           uint32_t offset)
{
    (void)count;
    return take(context, arguments, rows, groups, offset, NULL);
}
static Status plain_update_one(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *state)
{
    (void)count;
    return take(context, arguments, rows, NULL, 0, state);
}

static Status append(AggContext *context, PlainArray *to, const PlainArray *from)
{
    uint32_t width = width_of(context);
    TRY(make_room(context, to, from->count));
    if (from->nulls != NULL && to->nulls == NULL)
        to->nulls = arena_alloc_zero(context->arena, to->capacity);
    memcpy(to->items + (size_t)to->count * width, from->items, (size_t)from->count * width);
    if (from->nulls != NULL)
        memcpy(to->nulls + to->count, from->nulls, from->count);
    else if (to->nulls != NULL)
        memset(to->nulls + to->count, 0, from->count);
    to->count += from->count;
    return OK;
}
static Status plain_merge(AggContext *context, uint8_t *const *sources, uint8_t *const *targets, uint32_t count, uint32_t offset)
{
    for (uint32_t i = 0; i < count; i++) {
        const PlainArray *from = (const PlainArray *)(const void *)(sources[i] + offset);
        PlainArray *to = (PlainArray *)(void *)(targets[i] + offset);
        if (to->count == 0)
            *to = *from;
        else if (from->count > 0)
            TRY(append(context, to, from));
    }
    return OK;
}

static Status plain_finish(AggContext *context, uint8_t *const *groups, uint32_t count, uint32_t offset, uint32_t first, Vector *out)
{
    uint32_t width = width_of(context);
    for (uint32_t i = 0; i < count; i++) {
        const PlainArray *array = (const PlainArray *)(const void *)(groups[i] + offset);
        uint32_t at = out->child_rows;
        if (array->count == 0) {
            ((ListEntry *)out->data)[first + i] = (ListEntry){at, 0};
            vector_set_null(out, first + i);
            continue;
        }
        TRY(mem_check_room(context->arena->tracker, (int64_t)array->count * (width + 1), context->diag));
        vector_reserve_children(out, context->arena, at + array->count);
        Vector *child = &out->children[0];
        memcpy((uint8_t *)child->data + (size_t)at * width, array->items, (size_t)array->count * width);
        if (array->nulls != NULL)
            memcpy(vector_nulls(child) + at, array->nulls, array->count);
        else if (child->nulls != NULL)
            memset(child->nulls + at, 0, array->count);
        ((ListEntry *)out->data)[first + i] = (ListEntry){at, array->count};
        out->child_rows = at + array->count;
    }
    return OK;
}

static void plain_serialize(AggContext *context, const uint8_t *bytes, ByteBuf *out)
{
    const PlainArray *array = (const PlainArray *)(const void *)bytes;
    uint32_t width = width_of(context);
    bool is_text = context->binding->argument_types[0].phys == PHYS_STR;
    bytebuf_put_varint(out, array->count);
    bytebuf_put_u8(out, array->nulls != NULL);
    if (array->nulls != NULL)
        bytebuf_append(out, array->nulls, array->count);
    if (!is_text && array->count > 0)
        bytebuf_append(out, array->items, (size_t)array->count * width);
    for (uint32_t i = 0; is_text && i < array->count; i++) {
        const Str *text = &((const Str *)(const void *)array->items)[i];
        bytebuf_put_sized(out, str_data(text), text->length);
    }
}

static Status read_texts(AggContext *context, ByteReader *reader, PlainArray *array, uint64_t count)
{
    for (uint64_t i = 0; i < count && !reader->failed; i++) {
        StrView text = byte_reader_sized(reader);
        ((Str *)(void *)array->items)[i] = str_make(arena_strndup(context->arena, text.data, text.length), text.length);
    }
    return OK;
}
static Status plain_deserialize(AggContext *context, ByteReader *reader, uint8_t *bytes)
{
    PlainArray *array = (PlainArray *)(void *)bytes;
    uint32_t width = width_of(context);
    bool is_text = context->binding->argument_types[0].phys == PHYS_STR;
    *array = (PlainArray){0};
    uint64_t count = byte_reader_varint(reader);
    bool has_nulls = byte_reader_u8(reader) != 0;
    bool fits = !reader->failed && count <= byte_reader_left(reader) / (is_text ? 1 : width);
    if (!fits)
        return RAISE(context->diag, CORRUPT, "stored state of array_agg() is damaged");
    TRY(make_room(context, array, count));
    if (has_nulls && count > 0) {
        StrView nulls = byte_reader_bytes(reader, count);
        array->nulls = arena_alloc_zero(context->arena, array->capacity);
        memcpy(array->nulls, nulls.data == NULL ? "" : nulls.data, nulls.length);
    }
    if (is_text)
        TRY(read_texts(context, reader, array, count));
    else if (count > 0) {
        StrView items = byte_reader_bytes(reader, count * width);
        if (items.length == count * width)
            memcpy(array->items, items.data, items.length);
    }
    array->count = (uint32_t)count;
    return reader->failed ? RAISE(context->diag, CORRUPT, "stored state of array_agg() is cut short") : OK;
}

static const AggKernel plain_kernel = {.state_bytes = sizeof(PlainArray),
                                       .update = plain_update,
                                       .update_one = plain_update_one,
                                       .merge = plain_merge,
                                       .finish = plain_finish,
                                       .serialize = plain_serialize,
                                       .deserialize = plain_deserialize};

const AggKernel *func_plain_array_kernel(Type element)
{
    return element.phys <= PHYS_STR ? &plain_kernel : NULL;
}
