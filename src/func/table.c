#include "func/families.h"

/* Table functions: generate_series, unnest, and subdivide_bitmap. */

#include "func/bitmap_value.h"

/* An argument of a row as a wide integer; false: NULL. */
static bool series_argument(FuncContext *context, const Vector *argument, uint32_t row, Int128 *out)
{
    Datum value = vector_get(argument, row, context->arena);
    *out = value.i128;
    return !value.is_null;
}

static Status series_count(FuncContext *context, const Vector *const *arguments, uint32_t count, uint32_t row, uint64_t *out)
{
    Int128 first, last, span;
    Int128 step = 1;
    *out = 0;
    bool is_known = series_argument(context, arguments[0], row, &first) && series_argument(context, arguments[1], row, &last) &&
                    (count < 3 || series_argument(context, arguments[2], row, &step));
    if (!is_known)
        return OK;
    if (step == 0)
        return RAISE(context->diag, INVALID_ARGUMENT, "generate_series() step size cannot equal zero");
    bool too_wide = step > 0 ? __builtin_sub_overflow(last, first, &span) : __builtin_sub_overflow(first, last, &span);
    Int128 steps = too_wide ? INT64_MAX : span / (step > 0 ? step : -step);
    if (span >= 0 || too_wide)
        *out = (uint64_t)MIN(steps, (Int128)INT64_MAX - 1) + 1;
    return OK;
}

static Status series_produce(FuncContext *context, const Vector *const *arguments, uint32_t count, uint32_t row,
                             uint64_t skip, uint32_t limit, uint32_t offset, Vector *out)
{
    Int128 first = 0;
    Int128 step = 1;
    series_argument(context, arguments[0], row, &first);
    if (count > 2)
        series_argument(context, arguments[2], row, &step);
    UInt128 value = (UInt128)first + (UInt128)skip * (UInt128)step;
    for (uint32_t i = 0; i < limit; i++, value += (UInt128)step) {
        if (out[0].type.phys == PHYS_I128)
            ((Int128 *)out[0].data)[offset + i] = (Int128)value;
        else
            ((int64_t *)out[0].data)[offset + i] = (int64_t)value;
    }
    return OK;
}

static const TableKernel series_kernel = {series_count, series_produce};

static Status bind_series(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    TypeKind kind = TYPE_BIGINT;
    for (uint32_t i = 0; i < request->count; i++) {
        bool is_null = request->types[i].kind == TYPE_NULL || (request->constants[i] != NULL && request->constants[i]->is_null);
        if (is_null)
            return RAISE(request->diag, INVALID_ARGUMENT, "generate_series() arguments must not be NULL");
        if (request->types[i].kind == TYPE_LARGEINT)
            kind = TYPE_LARGEINT;
    }
    bind_arguments(request, type_of(kind), out);
    Type *columns = ARENA_NEW_ARRAY(request->arena, Type, 1);
    StrView *names = ARENA_NEW_ARRAY(request->arena, StrView, 1);
    columns[0] = type_of(kind);
    names[0] = STR_VIEW("generate_series");
    out->table = &series_kernel;
    out->table_columns = columns;
    out->table_names = names;
    out->table_column_count = 1;
    return OK;
}

/* Several arrays side by side; the shorter ones are filled with NULL. */
static Status unnest_count(FuncContext *context, const Vector *const *arguments, uint32_t count, uint32_t row, uint64_t *out)
{
    (void)context;
    *out = 0;
    for (uint32_t a = 0; a < count; a++) {
        VectorView view = vector_view(arguments[a]);
        if (view_is_null(&view, row))
            continue;
        uint64_t length = ((const ListEntry *)view.data)[view_index(&view, row)].length;
        *out = MAX(*out, length);
    }
    return OK;
}

static Status unnest_produce(FuncContext *context, const Vector *const *arguments, uint32_t count, uint32_t row,
                             uint64_t skip, uint32_t limit, uint32_t offset, Vector *out)
{
    for (uint32_t a = 0; a < count; a++) {
        VectorView view = vector_view(arguments[a]);
        ListEntry entry = {0, 0};
        if (!view_is_null(&view, row))
            entry = ((const ListEntry *)view.data)[view_index(&view, row)];
        for (uint32_t i = 0; i < limit; i++) {
            Datum value = skip + i < entry.length
                              ? vector_get(&view.values->children[0], entry.offset + (uint32_t)(skip + i), context->arena)
                              : datum_null();
            vector_put(&out[a], context->arena, offset + i, &value);
        }
    }
    return OK;
}

static const TableKernel unnest_kernel = {unnest_count, unnest_produce};

static Status bind_unnest(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    (void)bind_argument_array(request, out);
    Type *columns = ARENA_NEW_ARRAY(request->arena, Type, request->count);
    StrView *names = ARENA_NEW_ARRAY(request->arena, StrView, request->count);
    for (uint32_t i = 0; i < request->count; i++) {
        if (request->types[i].kind != TYPE_ARRAY)
            return bind_error(request);
        columns[i] = request->types[i].nested->types[0];
        names[i] = STR_VIEW("unnest");
    }
    out->table = &unnest_kernel;
    out->table_columns = columns;
    out->table_names = names;
    out->table_column_count = request->count;
    return OK;
}

/* ---- subdivide_bitmap(bitmap, size): bitmaps of up to size values each ---- */

static uint64_t part_size(const Vector *const *arguments, uint32_t row, Arena *arena)
{
    Datum size = vector_get(arguments[1], row, arena);
    return size.is_null || size.i64 <= 0 ? 0 : (uint64_t)size.i64;
}

static BitmapValue *bitmap_of(const Vector *argument, uint32_t row, Arena *arena)
{
    Datum value = vector_get(argument, row, arena);
    return value.is_null ? NULL : bitmap_decode(str_view(&value.str));
}

static Status parts_count(FuncContext *context, const Vector *const *arguments, uint32_t count, uint32_t row, uint64_t *out)
{
    uint64_t size = part_size(arguments, row, context->arena);
    AUTO_BITMAP *bitmap = bitmap_of(arguments[0], row, context->arena);
    (void)count;
    *out = bitmap == NULL || size == 0 ? 0 : (bitmap_cardinality(bitmap) + size - 1) / size;
    return OK;
}

typedef struct Parts {
    BitmapValue *part;
    uint64_t size, place, first, end; /* values by place: those of the wanted parts are first .. end-1 */
    uint32_t at;
    Arena *arena;
    Vector *out;
} Parts;

static void end_part(Parts *parts)
{
    AUTO_BYTEBUF bytes = {0};
    bitmap_encode(parts->part, &bytes);
    Str value = str_make(bytes.data, bytes.length);
    ((Str *)parts->out->data)[parts->at++] = str_copy(parts->arena, &value);
    bitmap_free(parts->part);
    parts->part = NULL;
}

static bool take_part_value(void *context, uint64_t value)
{
    Parts *parts = context;
    uint64_t place = parts->place++;
    if (place < parts->first)
        return true;
    if (place >= parts->end)
        return false;
    if (parts->part == NULL)
        parts->part = bitmap_new();
    bitmap_add(parts->part, value);
    if ((place + 1) % parts->size == 0)
        end_part(parts);
    return true;
}

static Status parts_produce(FuncContext *context, const Vector *const *arguments, uint32_t count, uint32_t row, uint64_t skip, uint32_t limit,
                            uint32_t offset, Vector *out)
{
    uint64_t size = part_size(arguments, row, context->arena);
    AUTO_BITMAP *bitmap = bitmap_of(arguments[0], row, context->arena);
    Parts parts = {.size = size, .at = offset, .arena = context->arena, .out = &out[0]};
    (void)count;
    if (bitmap == NULL || size == 0 || __builtin_mul_overflow(skip, size, &parts.first) ||
        __builtin_mul_overflow(skip + limit, size, &parts.end))
        parts.end = bitmap == NULL || size == 0 ? 0 : UINT64_MAX;
    if (bitmap != NULL)
        bitmap_each(bitmap, take_part_value, &parts);
    if (parts.part != NULL)
        end_part(&parts);
    return OK;
}

static const TableKernel parts_kernel = {parts_count, parts_produce};

static Status bind_parts(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    if (request->types[0].kind != TYPE_BITMAP)
        return bind_error(request);
    Type *types = ARENA_NEW_ARRAY(request->arena, Type, 2);
    StrView *names = ARENA_NEW_ARRAY(request->arena, StrView, 1);
    types[0] = request->types[0];
    types[1] = type_of(TYPE_BIGINT);
    names[0] = STR_VIEW("subdivide_bitmap");
    out->argument_types = types;
    out->table = &parts_kernel;
    out->table_columns = types;
    out->table_names = names;
    out->table_column_count = 1;
    return OK;
}

static const FuncDef defs[] = {
    {.name = "generate_series", .kind = FUNC_TABLE, .min_arguments = 2, .max_arguments = 3, .bind = bind_series, .group = "table"},
    {.name = "subdivide_bitmap", .kind = FUNC_TABLE, .min_arguments = 2, .max_arguments = 2, .bind = bind_parts, .group = "table"},
    {.name = "unnest", .kind = FUNC_TABLE, .min_arguments = 1, .max_arguments = FUNC_ANY_ARGUMENTS, .bind = bind_unnest, .group = "table"},
};
const FuncTable func_table_table = {defs, COUNT_OF(defs)};
