#include "func/families.h"

/* Scalar functions over BITMAP. */

#include <openssl/evp.h>

#include "func/bitmap_value.h"
#include "func/nested.h"
#include "types/decimal.h"
#include "types/number_text.h"

static void result_bitmap(FuncContext *context, Vector *out, uint32_t row, BitmapValue *bitmap)
{
    AUTO_BYTEBUF bytes = {0};
    bitmap_encode(bitmap, &bytes);
    result_text(context, out, row, bytes.data, bytes.length);
}

static bool parse_u64(StrView text, uint64_t *out)
{
    Int128 value;
    if (!int128_parse(strview_trim(text), &value) || value < 0 || value > (Int128)UINT64_MAX)
        return false;
    *out = (uint64_t)value;
    return true;
}

DEFINE_ROWWISE(to_bitmap_text, {
    AUTO_BITMAP *bitmap = bitmap_new();
    uint64_t value;
    if (!parse_u64(ARG_VIEW(0), &value)) {
        RESULT_NULL();
        continue;
    }
    bitmap_add(bitmap, value);
    result_bitmap(context, out, row, bitmap);
})
DEFINE_ROWWISE(to_bitmap_integer, {
    AUTO_BITMAP *bitmap = bitmap_new();
    Int128 value = ARG(0, Int128);
    if (value < 0 || value > (Int128)UINT64_MAX) {
        RESULT_NULL();
        continue;
    }
    bitmap_add(bitmap, (uint64_t)value);
    result_bitmap(context, out, row, bitmap);
})
DEFINE_ROWWISE(hash_kernel, {
    AUTO_BITMAP *bitmap = bitmap_new();
    StrView text = ARG_VIEW(0);
    bitmap_add(bitmap, func_murmur3_32(text.data, text.length));
    result_bitmap(context, out, row, bitmap);
})
DEFINE_ROWWISE(empty_kernel, {
    AUTO_BITMAP *bitmap = bitmap_new();
    (void)count;
    result_bitmap(context, out, row, bitmap);
})

DEFINE_ROWWISE(count_kernel, {
    if (view_is_null(&views[0], row)) {
        RESULT(int64_t) = 0;
        continue;
    }
    AUTO_BITMAP *bitmap = bitmap_decode(ARG_VIEW(0));
    RESULT(int64_t) = bitmap == NULL ? 0 : (int64_t)bitmap_cardinality(bitmap);
})

static bool put_number(void *context, uint64_t value)
{
    ByteBuf *text = context;
    bytebuf_printf(text, text->length == 0 ? "%llu" : ",%llu", (unsigned long long)value);
    return true;
}
DEFINE_ROWWISE(to_string_kernel, {
    AUTO_BYTEBUF text = {0};
    AUTO_BITMAP *bitmap = bitmap_decode(ARG_VIEW(0));
    if (bitmap == NULL) {
        RESULT_NULL();
        continue;
    }
    bitmap_each(bitmap, put_number, &text);
    result_text(context, out, row, text.data == NULL ? "" : text.data, text.length);
})
DEFINE_ROWWISE(from_string_kernel, {
    AUTO_BITMAP *bitmap = bitmap_new();
    StrView rest = ARG_VIEW(0);
    bool is_valid = true;
    for (bool more = rest.length > 0; more && is_valid;) {
        size_t comma = strview_find(rest, STR_VIEW(","));
        more = comma != SIZE_MAX;
        uint64_t value = 0;
        is_valid = parse_u64(strview_n(rest.data, more ? comma : rest.length), &value);
        if (is_valid)
            bitmap_add(bitmap, value);
        if (more)
            rest = strview_n(rest.data + comma + 1, rest.length - comma - 1);
    }
    if (is_valid)
        result_bitmap(context, out, row, bitmap);
    else
        RESULT_NULL();
})

typedef struct ArrayTarget {
    Vector *out;
    Arena *arena;
} ArrayTarget;
static bool push_number(void *context, uint64_t value)
{
    ArrayTarget *target = context;
    Datum datum = datum_i64((int64_t)value);
    list_push(target->out, target->arena, &datum);
    return true;
}
DEFINE_ROWWISE(to_array_kernel, {
    ArrayTarget target = {out, context->arena};
    uint32_t first = out->child_rows;
    AUTO_BITMAP *bitmap = bitmap_decode(ARG_VIEW(0));
    if (bitmap != NULL)
        bitmap_each(bitmap, push_number, &target);
    list_end(out, row, first);
})
DEFINE_ROWWISE(from_array_kernel, {
    AUTO_BITMAP *bitmap = bitmap_new();
    ListSlice list = list_at(&views[0], row);
    for (uint32_t e = 0; e < list.length; e++) {
        Datum item = list_get(&list, e, context->arena);
        if (!item.is_null && item.i128 >= 0)
            bitmap_add(bitmap, (uint64_t)item.i128);
    }
    result_bitmap(context, out, row, bitmap);
})

/* bitmap_and, or, xor, andnot over all arguments; code: BitmapOp */
static Status combine_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    for (FUNC_ROWS(context, rows, i, row)) {
        if (out->nulls != NULL && out->nulls[row] != 0)
            continue;
        AUTO_BITMAP *result = NULL;
        bool is_valid = true;
        for (uint32_t a = 0; a < count && is_valid; a++) {
            VectorView view = vector_view(arguments[a]);
            BitmapValue *next = bitmap_decode(str_view(&((const Str *)view.data)[view_index(&view, row)]));
            is_valid = next != NULL;
            if (a == 0) {
                result = next;
                continue;
            }
            if (is_valid)
                bitmap_combine(result, next, (BitmapOp)context->binding->def->code);
            bitmap_free(next);
        }
        if (is_valid)
            result_bitmap(context, out, row, result);
        else
            vector_set_null(out, row);
    }
    return OK;
}
DEFINE_ROWWISE(remove_kernel, {
    AUTO_BITMAP *bitmap = bitmap_decode(ARG_VIEW(0));
    if (bitmap == NULL) {
        RESULT_NULL();
        continue;
    }
    bitmap_remove(bitmap, (uint64_t)ARG(1, int64_t));
    result_bitmap(context, out, row, bitmap);
})
DEFINE_ROWWISE(contains_kernel, {
    AUTO_BITMAP *bitmap = bitmap_decode(ARG_VIEW(0));
    RESULT(uint8_t) = bitmap != NULL && bitmap_contains(bitmap, (uint64_t)ARG(1, int64_t));
})
DEFINE_ROWWISE(has_any_kernel, {
    AUTO_BITMAP *a = bitmap_decode(ARG_VIEW(0));
    AUTO_BITMAP *b = bitmap_decode(ARG_VIEW(1));
    if (a != NULL && b != NULL)
        bitmap_combine(a, b, BITMAP_OP_AND);
    RESULT(uint8_t) = a != NULL && b != NULL && bitmap_cardinality(a) > 0;
})

typedef struct Ends {
    uint64_t low, high;
    bool is_set;
} Ends;
static bool note_end(void *context, uint64_t value)
{
    Ends *ends = context;
    if (!ends->is_set)
        ends->low = value;
    ends->high = value;
    ends->is_set = true;
    return true;
}
/* code: 0 min, 1 max */
DEFINE_ROWWISE(end_kernel, {
    Ends ends = {0};
    AUTO_BITMAP *bitmap = bitmap_decode(ARG_VIEW(0));
    if (bitmap != NULL)
        bitmap_each(bitmap, note_end, &ends);
    if (ends.is_set)
        RESULT(Int128) = (Int128)(context->binding->def->code == 0 ? ends.low : ends.high);
    else
        RESULT_NULL();
})

/* ---- cuts: sub_bitmap(b, offset, count), bitmap_subset_limit(b, from, count), bitmap_subset_in_range(b, from, to) ---- */
enum { CUT_PLACES, CUT_LIMIT, CUT_RANGE };
typedef struct Cut {
    BitmapValue *result;
    int code;
    uint64_t low, high; /* places or values: [low, high) */
    uint64_t place;
} Cut;
static bool cut_value(void *context, uint64_t value)
{
    Cut *cut = context;
    if (cut->code == CUT_RANGE || cut->code == CUT_PLACES) {
        uint64_t measure = cut->code == CUT_PLACES ? cut->place : value;
        cut->place++;
        if (measure >= cut->low && measure < cut->high)
            bitmap_add(cut->result, value);
        return measure < cut->high;
    }
    if (value < cut->low)
        return true;
    if (cut->place++ < cut->high)
        bitmap_add(cut->result, value);
    return cut->place < cut->high;
}
DEFINE_ROWWISE(cut_kernel, {
    int64_t low = ARG(1, int64_t);
    int64_t high = ARG(2, int64_t);
    AUTO_BITMAP *bitmap = bitmap_decode(ARG_VIEW(0));
    Cut cut = {.code = context->binding->def->code};
    if (bitmap == NULL) {
        RESULT_NULL();
        continue;
    }
    if (cut.code == CUT_PLACES && low < 0)
        low += (int64_t)bitmap_cardinality(bitmap);
    if (low < 0 || high <= 0) {
        RESULT_NULL();
        continue;
    }
    cut.result = bitmap_new();
    cut.low = (uint64_t)low;
    cut.high = cut.code == CUT_PLACES ? (uint64_t)low + (uint64_t)high : (uint64_t)high;
    bitmap_each(bitmap, cut_value, &cut);
    if (bitmap_cardinality(cut.result) == 0)
        RESULT_NULL();
    else
        result_bitmap(context, out, row, cut.result);
    bitmap_free(cut.result);
})

/* ---- stored forms; what comes from outside is built anew value by value ---- */
static bool copy_value(void *context, uint64_t value)
{
    bitmap_add(context, value);
    return true;
}
static void take_foreign(FuncContext *context, Vector *out, uint32_t row, StrView bytes)
{
    AUTO_BITMAP *foreign = bytes.length == 0 ? NULL : bitmap_decode(bytes);
    AUTO_BITMAP *own = bitmap_new();
    if (foreign == NULL) {
        vector_set_null(out, row);
        return;
    }
    bitmap_each(foreign, copy_value, own);
    result_bitmap(context, out, row, own);
}
DEFINE_ROWWISE(to_binary_kernel, { RESULT(Str) = *ARG_STR(0); })
DEFINE_ROWWISE(from_binary_kernel, { take_foreign(context, out, row, ARG_VIEW(0)); })
DEFINE_ROWWISE(to_base64_kernel, {
    StrView bytes = ARG_VIEW(0);
    if (bytes.length > (1u << 24)) {
        RESULT_NULL();
        continue;
    }
    char *text = arena_alloc_bytes(context->arena, bytes.length / 3 * 4 + 8);
    int length = EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)bytes.data, (int)bytes.length);
    RESULT(Str) = str_make(text, (size_t)length);
})
DEFINE_ROWWISE(from_base64_kernel, {
    StrView text = ARG_VIEW(0);
    if (text.length == 0 || text.length % 4 != 0 || text.length > (1u << 24)) {
        RESULT_NULL();
        continue;
    }
    char *bytes = arena_alloc_bytes(context->arena, text.length);
    int length = EVP_DecodeBlock((unsigned char *)bytes, (const unsigned char *)text.data, (int)text.length);
    length -= (text.data[text.length - 1] == '=') + (text.data[text.length - 2] == '=');
    take_foreign(context, out, row, strview_n(bytes, length < 0 ? 0 : (size_t)length));
})

/* ---- binding ---- */
typedef struct Shape {
    const char *arguments; /* M: BITMAP, N: array of BIGINT, else as in FuncOverload */
    char result;
    ScalarKernel kernel;
} Shape;
enum { SHAPE_TEXT, SHAPE_HASH, SHAPE_EMPTY, SHAPE_COUNT, SHAPE_TO_STRING, SHAPE_FROM_STRING, SHAPE_TO_ARRAY, SHAPE_FROM_ARRAY,
       SHAPE_REMOVE, SHAPE_CONTAINS, SHAPE_HAS_ANY, SHAPE_END, SHAPE_CUT, SHAPE_TO_BINARY, SHAPE_FROM_BINARY, SHAPE_TO_BASE64,
       SHAPE_FROM_BASE64, SHAPE_COMBINE };
static const Shape shapes[] = {
    [SHAPE_TEXT] = {"S", 'M', to_bitmap_text},          [SHAPE_HASH] = {"S", 'M', hash_kernel},
    [SHAPE_EMPTY] = {"", 'M', empty_kernel},            [SHAPE_COUNT] = {"M", 'l', count_kernel},
    [SHAPE_TO_STRING] = {"M", 'S', to_string_kernel},   [SHAPE_FROM_STRING] = {"S", 'M', from_string_kernel},
    [SHAPE_TO_ARRAY] = {"M", 'N', to_array_kernel},     [SHAPE_FROM_ARRAY] = {"N", 'M', from_array_kernel},
    [SHAPE_REMOVE] = {"Ml", 'M', remove_kernel},        [SHAPE_CONTAINS] = {"Ml", 'b', contains_kernel},
    [SHAPE_HAS_ANY] = {"MM", 'b', has_any_kernel},      [SHAPE_END] = {"M", 'L', end_kernel},
    [SHAPE_CUT] = {"Mll", 'M', cut_kernel},             [SHAPE_TO_BINARY] = {"M", 'B', to_binary_kernel},
    [SHAPE_FROM_BINARY] = {"B", 'M', from_binary_kernel}, [SHAPE_TO_BASE64] = {"M", 'S', to_base64_kernel},
    [SHAPE_FROM_BASE64] = {"S", 'M', from_base64_kernel}, [SHAPE_COMBINE] = {"M", 'M', combine_kernel},
};

static Type letter_type(const FuncBindRequest *request, char letter)
{
    if (letter == 'M')
        return type_of(TYPE_BITMAP);
    return letter == 'N' ? type_array(request->arena, type_of(TYPE_BIGINT)) : type_of_letter(letter);
}

static Status bind_bitmap(const FuncBindRequest *request, FuncBinding *out, const Shape *shape)
{
    Type *types = bind_argument_array(request, out);
    size_t letters = strlen(shape->arguments);
    for (uint32_t i = 0; i < request->count; i++) {
        Type wanted = letter_type(request, shape->arguments[MIN((size_t)i, letters - 1)]);
        if (wanted.kind == TYPE_BITMAP && types[i].kind != TYPE_BITMAP && types[i].kind != TYPE_NULL)
            return bind_error(request);
        if (wanted.kind == TYPE_ARRAY && types[i].kind != TYPE_ARRAY && types[i].kind != TYPE_NULL)
            return bind_error(request);
        types[i] = wanted;
    }
    out->result = letter_type(request, shape->result);
    out->kernel = shape->kernel;
    return OK;
}
static Status bind_to_bitmap(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    Type type = request->types[0];
    bool is_integer = type_is_integer(type) || type.kind == TYPE_BOOLEAN;
    TRY(bind_bitmap(request, out, &shapes[SHAPE_TEXT]));
    if (is_integer) {
        bind_arguments(request, type_of(TYPE_LARGEINT), out);
        out->kernel = to_bitmap_integer;
    }
    return OK;
}
#define BINDER(NAME, SHAPE)                                                                          \
    static Status NAME(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)         \
    {                                                                                                \
        (void)def;                                                                                   \
        return bind_bitmap(request, out, &shapes[SHAPE]);                                            \
    }
BINDER(bind_hash, SHAPE_HASH)
BINDER(bind_empty, SHAPE_EMPTY)
BINDER(bind_count, SHAPE_COUNT)
BINDER(bind_to_string, SHAPE_TO_STRING)
BINDER(bind_from_string, SHAPE_FROM_STRING)
BINDER(bind_to_array, SHAPE_TO_ARRAY)
BINDER(bind_from_array, SHAPE_FROM_ARRAY)
BINDER(bind_remove, SHAPE_REMOVE)
BINDER(bind_contains, SHAPE_CONTAINS)
BINDER(bind_has_any, SHAPE_HAS_ANY)
BINDER(bind_end, SHAPE_END)
BINDER(bind_cut, SHAPE_CUT)
BINDER(bind_to_binary, SHAPE_TO_BINARY)
BINDER(bind_from_binary, SHAPE_FROM_BINARY)
BINDER(bind_to_base64, SHAPE_TO_BASE64)
BINDER(bind_from_base64, SHAPE_FROM_BASE64)
BINDER(bind_combine, SHAPE_COMBINE)

#define BITMAPF(NAME, FLAGS, MIN_ARGS, MAX_ARGS, BIND, CODE)                                         \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FLAGS, .min_arguments = MIN_ARGS, .max_arguments = MAX_ARGS, \
     .bind = BIND, .code = CODE, .group = "bitmap"}
#define BITMAPN(NAME, COUNT, BIND, CODE) BITMAPF(NAME, FUNC_NULL_IF_ANY_NULL, COUNT, COUNT, BIND, CODE)
static const FuncDef defs[] = {
    BITMAPN("to_bitmap", 1, bind_to_bitmap, 0), BITMAPN("bitmap_hash", 1, bind_hash, 0), BITMAPF("bitmap_empty", 0, 0, 0, bind_empty, 0),
    BITMAPF("bitmap_count", FUNC_NEVER_NULL, 1, 1, bind_count, 0), BITMAPN("bitmap_to_string", 1, bind_to_string, 0),
    BITMAPN("bitmap_from_string", 1, bind_from_string, 0), BITMAPN("bitmap_to_array", 1, bind_to_array, 0),
    BITMAPN("array_to_bitmap", 1, bind_from_array, 0), BITMAPN("bitmap_remove", 2, bind_remove, 0),
    BITMAPN("bitmap_contains", 2, bind_contains, 0), BITMAPN("bitmap_has_any", 2, bind_has_any, 0),
    BITMAPN("bitmap_min", 1, bind_end, 0), BITMAPN("bitmap_max", 1, bind_end, 1), BITMAPN("sub_bitmap", 3, bind_cut, CUT_PLACES),
    BITMAPN("bitmap_subset_limit", 3, bind_cut, CUT_LIMIT), BITMAPN("bitmap_subset_in_range", 3, bind_cut, CUT_RANGE),
    BITMAPN("bitmap_to_binary", 1, bind_to_binary, 0), BITMAPN("bitmap_from_binary", 1, bind_from_binary, 0),
    BITMAPN("bitmap_to_base64", 1, bind_to_base64, 0), BITMAPN("base64_to_bitmap", 1, bind_from_base64, 0),
    BITMAPF("bitmap_or", FUNC_NULL_IF_ANY_NULL, 2, FUNC_ANY_ARGUMENTS, bind_combine, BITMAP_OP_OR),
    BITMAPF("bitmap_and", FUNC_NULL_IF_ANY_NULL, 2, FUNC_ANY_ARGUMENTS, bind_combine, BITMAP_OP_AND),
    BITMAPN("bitmap_xor", 2, bind_combine, BITMAP_OP_XOR), BITMAPN("bitmap_andnot", 2, bind_combine, BITMAP_OP_ANDNOT),
};
const FuncTable func_table_bitmap = {defs, COUNT_OF(defs)};
