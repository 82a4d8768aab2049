#include "func/families.h"

/* Aggregates over BITMAP and of integers into one. A state owns its bitmap outside of the arena, until
 * destroy(). */

#include "func/bitmap_value.h"
#include "func/shape.h"

typedef struct BitmapState {
    BitmapValue *bitmap; /* NULL: nothing came */
} BitmapState;

enum { BITMAP_UNION, BITMAP_UNION_COUNT, BITMAP_UNION_INT, BITMAP_AGG, BITMAP_INTERSECT };

static bool takes_integers(int code)
{
    return code == BITMAP_UNION_INT || code == BITMAP_AGG;
}

static Status take_one(AggContext *context, const VectorView *view, uint32_t row, BitmapState *state)
{
    int code = context->binding->def->code;
    if (takes_integers(code)) {
        Int128 value = ((const Int128 *)view->data)[view_index(view, row)];
        if (state->bitmap == NULL)
            state->bitmap = bitmap_new();
        if (value >= 0 && value <= (Int128)UINT64_MAX)
            bitmap_add(state->bitmap, (uint64_t)value);
        return OK;
    }
    BitmapValue *next = bitmap_decode(str_view(&((const Str *)view->data)[view_index(view, row)]));
    if (next == NULL)
        return RAISE(context->diag, CORRUPT, "a BITMAP value can't be read");
    if (state->bitmap == NULL) {
        state->bitmap = next;
        return OK;
    }
    bitmap_combine(state->bitmap, next, code == BITMAP_INTERSECT ? BITMAP_OP_AND : BITMAP_OP_OR);
    bitmap_free(next);
    return OK;
}
static Status bitmap_update(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *const *groups,
                            uint32_t offset)
{
    VectorView view = vector_view(arguments[0]);
    (void)count;
    for (FOR_ROWS(rows, i, row)) {
        if (!view_is_null(&view, row))
            TRY(take_one(context, &view, row, (BitmapState *)(void *)(groups[i] + offset)));
    }
    return OK;
}
static Status bitmap_update_one(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *state)
{
    VectorView view = vector_view(arguments[0]);
    (void)count;
    for (FOR_ROWS(rows, i, row)) {
        if (!view_is_null(&view, row))
            TRY(take_one(context, &view, row, (BitmapState *)(void *)state));
    }
    return OK;
}
static Status bitmap_merge(AggContext *context, uint8_t *const *sources, uint8_t *const *targets, uint32_t count, uint32_t offset)
{
    BitmapOp op = context->binding->def->code == BITMAP_INTERSECT ? BITMAP_OP_AND : BITMAP_OP_OR;
    for (uint32_t i = 0; i < count; i++) {
        BitmapState *from = (BitmapState *)(void *)(sources[i] + offset);
        BitmapState *to = (BitmapState *)(void *)(targets[i] + offset);
        if (from->bitmap == NULL)
            continue;
        if (to->bitmap == NULL) {
            to->bitmap = from->bitmap;
            from->bitmap = NULL;
        } else {
            bitmap_combine(to->bitmap, from->bitmap, op);
        }
    }
    return OK;
}
static Status bitmap_finish(AggContext *context, uint8_t *const *groups, uint32_t count, uint32_t offset, uint32_t first, Vector *out)
{
    for (uint32_t i = 0; i < count; i++) {
        BitmapState *state = (BitmapState *)(void *)(groups[i] + offset);
        if (out->type.kind == TYPE_BIGINT) {
            ((int64_t *)out->data)[first + i] = state->bitmap == NULL ? 0 : (int64_t)bitmap_cardinality(state->bitmap);
            continue;
        }
        AUTO_BYTEBUF bytes = {0};
        if (state->bitmap == NULL) {
            AUTO_BITMAP *empty = bitmap_new();
            bitmap_encode(empty, &bytes);
        } else {
            bitmap_encode(state->bitmap, &bytes);
        }
        Str value = str_make(bytes.data, bytes.length);
        ((Str *)out->data)[first + i] = str_copy(context->arena, &value);
    }
    return OK;
}
static void bitmap_serialize(AggContext *context, const uint8_t *bytes, ByteBuf *out)
{
    const BitmapState *state = (const BitmapState *)(const void *)bytes;
    AUTO_BYTEBUF encoded = {0};
    (void)context;
    if (state->bitmap != NULL)
        bitmap_encode(state->bitmap, &encoded);
    bytebuf_put_sized(out, encoded.data == NULL ? "" : encoded.data, encoded.length);
}
static Status bitmap_deserialize(AggContext *context, ByteReader *reader, uint8_t *bytes)
{
    BitmapState *state = (BitmapState *)(void *)bytes;
    StrView encoded = byte_reader_sized(reader);
    state->bitmap = encoded.length == 0 ? NULL : bitmap_decode(encoded);
    if (reader->failed || (encoded.length > 0 && state->bitmap == NULL))
        return RAISE(context->diag, CORRUPT, "stored state of %s() can't be read", context->binding->def->name);
    return OK;
}
static void bitmap_destroy(AggContext *context, uint8_t *bytes)
{
    BitmapState *state = (BitmapState *)(void *)bytes;
    (void)context;
    bitmap_free(state->bitmap);
    state->bitmap = NULL;
}
static const AggKernel bitmap_kernel = {.state_bytes = sizeof(BitmapState), .update = bitmap_update, .update_one = bitmap_update_one,
                                        .merge = bitmap_merge, .finish = bitmap_finish, .serialize = bitmap_serialize,
                                        .deserialize = bitmap_deserialize, .destroy = bitmap_destroy};

static Status bind_bitmap(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    Type *types = bind_argument_array(request, out);
    if (takes_integers(def->code)) {
        if (types[0].kind != TYPE_NULL && !type_is_integer(types[0]) && types[0].kind != TYPE_BOOLEAN && !type_is_string(types[0]))
            return bind_error(request);
        types[0] = type_of(TYPE_LARGEINT);
    } else if (types[0].kind != TYPE_BITMAP && types[0].kind != TYPE_NULL) {
        return bind_error(request);
    } else {
        types[0] = type_of(TYPE_BITMAP);
    }
    bool counts = def->code == BITMAP_UNION_COUNT || def->code == BITMAP_UNION_INT;
    out->result = type_of(counts ? TYPE_BIGINT : TYPE_BITMAP);
    out->aggregate = &bitmap_kernel;
    return OK;
}

#define BITMAPA(NAME, CODE)                                                                          \
    {.name = NAME, .kind = FUNC_AGGREGATE, .flags = FUNC_IGNORES_DISTINCT | FUNC_NEVER_NULL, .min_arguments = 1, \
     .max_arguments = 1, .bind = bind_bitmap, .code = CODE, .group = "bitmap"}
static const FuncDef defs[] = {
    BITMAPA("bitmap_union", BITMAP_UNION), BITMAPA("bitmap_union_count", BITMAP_UNION_COUNT),
    BITMAPA("bitmap_union_int", BITMAP_UNION_INT), BITMAPA("bitmap_agg", BITMAP_AGG), BITMAPA("bitmap_intersect", BITMAP_INTERSECT),
};
const FuncTable func_table_agg_bitmap = {defs, COUNT_OF(defs)};
