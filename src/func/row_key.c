#include "func/families.h"

/* Rows as bytes: keys that sort as the row does, and fingerprints.
 *
 * Sort key: for each value a byte 1 and its bytes, or a byte 0 for NULL; a byte 0 between values. Numbers
 * are big-endian with the sign bit flipped, texts that are not last escape 00 as 00 01 and end with 00 00.
 * Fingerprint: SHA-256 over a type byte and the little-endian value of each argument; 0 for NULL. */

#include <openssl/evp.h>

#include "func/shape.h"

enum { TAG_NULL = 0, TAG_VARCHAR = 8 };
/* INT8 .. FLOAT64, as PhysKind; texts have TAG_VARCHAR. */
static uint8_t tag_of(PhysKind phys)
{
    static const uint8_t tags[PHYS_KIND_COUNT] = {[PHYS_BOOL] = 9, [PHYS_I8] = 1,   [PHYS_I16] = 2, [PHYS_I32] = 3, [PHYS_I64] = 4,
                                                  [PHYS_I128] = 5, [PHYS_F32] = 6, [PHYS_F64] = 7, [PHYS_STR] = TAG_VARCHAR};
    return tags[phys];
}

static void put_sort_number(const uint8_t *bytes, PhysKind phys, ByteBuf *out)
{
    uint32_t width = phys_width(phys);
    bool is_float = phys == PHYS_F32 || phys == PHYS_F64;
    bool is_negative = (bytes[width - 1] & 0x80) != 0;
    for (uint32_t i = width; i-- > 0;) {
        uint8_t byte = bytes[i];
        if (is_float && is_negative)
            byte = (uint8_t)~byte;
        else if (i == width - 1 && phys != PHYS_BOOL)
            byte ^= 0x80;
        bytebuf_put_u8(out, byte);
    }
}

static void put_sort_text(StrView text, bool is_last, ByteBuf *out)
{
    if (is_last) {
        bytebuf_append_view(out, text);
        return;
    }
    for (size_t i = 0; i < text.length; i++) {
        bytebuf_append_char(out, text.data[i]);
        if (text.data[i] == '\0')
            bytebuf_put_u8(out, 1);
    }
    bytebuf_append(out, "\0\0", 2);
}

static void put_sort_value(const VectorView *view, PhysKind phys, uint32_t row, bool is_last, ByteBuf *out)
{
    uint32_t index = view_index(view, row);
    bool is_null = view_is_null(view, row);
    bytebuf_put_u8(out, !is_null);
    if (!is_null && phys == PHYS_STR)
        put_sort_text(str_view(&((const Str *)view->data)[index]), is_last, out);
    else if (!is_null)
        put_sort_number((const uint8_t *)view->data + (size_t)index * phys_width(phys), phys, out);
    if (!is_last)
        bytebuf_put_u8(out, 0);
}

static void put_tagged(const VectorView *view, PhysKind phys, uint32_t row, ByteBuf *out)
{
    uint32_t index = view_index(view, row);
    if (view_is_null(view, row)) {
        bytebuf_put_u8(out, TAG_NULL);
        return;
    }
    bytebuf_put_u8(out, tag_of(phys));
    if (phys == PHYS_STR)
        bytebuf_append_view(out, str_view(&((const Str *)view->data)[index]));
    else
        bytebuf_append(out, (const uint8_t *)view->data + (size_t)index * phys_width(phys), phys_width(phys));
}

static Status sort_key_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    AUTO_BYTEBUF key = {0};
    VectorView *views = ARENA_NEW_ARRAY(context->arena, VectorView, count);
    for (uint32_t a = 0; a < count; a++)
        views[a] = vector_view(arguments[a]);
    for (FOR_ROWS(rows, i, row)) {
        bytebuf_clear(&key);
        for (uint32_t a = 0; a < count; a++)
            put_sort_value(&views[a], (PhysKind)arguments[a]->type.phys, row, a + 1 == count, &key);
        result_text(context, out, row, key.data, key.length);
    }
    return OK;
}

static Status fingerprint_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    AUTO_BYTEBUF bytes = {0};
    uint8_t digest[EVP_MAX_MD_SIZE];
    uint32_t length = 0;
    VectorView *views = ARENA_NEW_ARRAY(context->arena, VectorView, count);
    for (uint32_t a = 0; a < count; a++)
        views[a] = vector_view(arguments[a]);
    for (FOR_ROWS(rows, i, row)) {
        bytebuf_clear(&bytes);
        for (uint32_t a = 0; a < count; a++) {
            if (!type_is_nested(arguments[a]->type))
                put_tagged(&views[a], (PhysKind)arguments[a]->type.phys, row, &bytes);
        }
        if (EVP_Digest(bytes.data == NULL ? "" : bytes.data, bytes.length, digest, &length, EVP_sha256(), NULL) != 1)
            return RAISE(context->diag, INTERNAL, "SHA-256 failed");
        result_text(context, out, row, (const char *)digest, length);
    }
    return OK;
}

/* code: 0 a sort key, which has no form for nested values, JSON and sketches */
static Status bind_row(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    Type *types = bind_argument_array(request, out);
    for (uint32_t i = 0; i < request->count; i++) {
        if (types[i].kind == TYPE_NULL)
            types[i] = type_of(TYPE_BOOLEAN);
        types[i].phys = (uint8_t)type_default_phys(types[i]);
        if (def->code == 0 && types[i].kind >= TYPE_JSON)
            return bind_error(request);
    }
    out->result = type_of(TYPE_VARBINARY);
    out->kernel = def->code == 0 ? sort_key_kernel : fingerprint_kernel;
    return OK;
}

#define ROW_KEY(NAME, CODE)                                                           \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FUNC_NEVER_NULL, .min_arguments = 1,                  \
     .max_arguments = FUNC_ANY_ARGUMENTS, .bind = bind_row, .code = CODE, .group = "hash"}
static const FuncDef defs[] = {
    ROW_KEY("encode_sort_key", 0),
    ROW_KEY("encode_row_id", 1),
    ROW_KEY("encode_fingerprint_sha256", 1),
};
const FuncTable func_table_row_key = {defs, COUNT_OF(defs)};
