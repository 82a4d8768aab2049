#include "func/families.h"

/* Texts of bytes (hexadecimal, base64), digests, checksums and encryption. */

#include <openssl/evp.h>
#include <stdio.h>
#include <xxhash.h>
#include <zlib.h>

#include "func/shape.h"
#include "types/decimal.h"

static void put_hex(const uint8_t *bytes, size_t length, bool is_upper, ByteBuf *out)
{
    const char *digits = is_upper ? "0123456789ABCDEF" : "0123456789abcdef";
    bytebuf_reserve(out, length * 2 + 1);
    char *at = out->data + out->length;
    for (size_t i = 0; i < length; i++) {
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
    }
    *at = '\0';
    out->length += length * 2;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char low = (char)(c | 0x20);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

static bool take_hex(StrView text, ByteBuf *out)
{
    bytebuf_clear(out);
    if (text.length % 2 != 0)
        return false;
    for (size_t i = 0; i < text.length; i += 2) {
        int high = hex_value(text.data[i]);
        int low = hex_value(text.data[i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytebuf_append_char(out, (char)(high * 16 + low));
    }
    return true;
}

static bool take_base64(StrView text, ByteBuf *out)
{
    bytebuf_clear(out);
    if (text.length % 4 != 0 || text.length > (1u << 28))
        return false;
    if (text.length == 0)
        return true;
    bytebuf_reserve(out, text.length);
    int length = EVP_DecodeBlock((unsigned char *)out->data, (const unsigned char *)text.data, (int)text.length);
    size_t padding = (size_t)(text.data[text.length - 1] == '=') + (text.data[text.length - 2] == '=');
    if (length < (int)padding)
        return false;
    out->length = (size_t)length - padding;
    return true;
}

static void put_base64(StrView bytes, ByteBuf *out)
{
    bytebuf_reserve(out, bytes.length / 3 * 4 + 8);
    out->length = (size_t)EVP_EncodeBlock((unsigned char *)out->data, (const unsigned char *)bytes.data, (int)bytes.length);
}

static void result_bytes(FuncContext *context, Vector *out, uint32_t row, const ByteBuf *bytes)
{
    result_text(context, out, row, bytes->data == NULL ? "" : bytes->data, bytes->length);
}

/* A wrong text gives the empty string. */
DEFINE_ROWWISE(unhex_kernel, {
    AUTO_BYTEBUF bytes = {0};
    if (!take_hex(ARG_VIEW(0), &bytes))
        bytebuf_clear(&bytes);
    result_bytes(context, out, row, &bytes);
})
DEFINE_ROWWISE(to_base64_kernel, {
    AUTO_BYTEBUF text = {0};
    StrView bytes = ARG_VIEW(0);
    if (bytes.length == 0 || bytes.length > (1u << 24)) {
        RESULT_NULL();
        continue;
    }
    put_base64(bytes, &text);
    result_bytes(context, out, row, &text);
})
DEFINE_ROWWISE(from_base64_kernel, {
    AUTO_BYTEBUF bytes = {0};
    if (take_base64(ARG_VIEW(0), &bytes))
        result_bytes(context, out, row, &bytes);
    else
        RESULT_NULL();
})

/* The format of to_binary and from_binary: hex (the default), encode64, utf8 */
static char binary_format(StrView name)
{
    if (strview_equal_ci(name, STR_VIEW("encode64")))
        return '6';
    return strview_equal_ci(name, STR_VIEW("utf8")) || strview_equal_ci(name, STR_VIEW("utf-8")) ? 'u' : 'h';
}
DEFINE_ROWWISE(to_binary_kernel, {
    AUTO_BYTEBUF bytes = {0};
    char format = count > 1 ? binary_format(ARG_VIEW(1)) : 'h';
    bool ok = true;
    if (format == 'u')
        bytebuf_append_view(&bytes, ARG_VIEW(0));
    else
        ok = format == '6' ? take_base64(ARG_VIEW(0), &bytes) : take_hex(ARG_VIEW(0), &bytes);
    if (ok && (bytes.length > 0 || ARG_STR(0)->length == 0))
        result_bytes(context, out, row, &bytes);
    else
        RESULT_NULL();
})
DEFINE_ROWWISE(from_binary_kernel, {
    AUTO_BYTEBUF text = {0};
    StrView bytes = ARG_VIEW(0);
    char format = count > 1 ? binary_format(ARG_VIEW(1)) : 'h';
    if (format == 'u')
        bytebuf_append_view(&text, bytes);
    else if (format == '6' && bytes.length > 0)
        put_base64(bytes, &text);
    else
        put_hex((const uint8_t *)bytes.data, bytes.length, true, &text);
    result_bytes(context, out, row, &text);
})

/* ---- digests ---- */
static void free_digest(EVP_MD_CTX **state)
{
    EVP_MD_CTX_free(*state);
}
/* kind NULL: the one before, which need not be looked up again. */
static bool digest(EVP_MD_CTX *state, const EVP_MD *kind, const Vector *const *arguments, uint32_t count, uint32_t row, uint8_t *out,
                   uint32_t *out_length)
{
    bool ok = state != NULL && EVP_DigestInit_ex(state, kind, NULL) == 1;
    for (uint32_t a = 0; a < count && ok; a++) {
        VectorView view = vector_view(arguments[a]);
        StrView text = str_view(&((const Str *)view.data)[view_index(&view, row)]);
        ok = EVP_DigestUpdate(state, text.data == NULL ? "" : text.data, text.length) == 1;
    }
    return ok && EVP_DigestFinal_ex(state, out, out_length) == 1;
}
enum { DIGEST_MD5, DIGEST_NUMERIC, DIGEST_SHA2, DIGEST_SM3 };
static const EVP_MD *sha2_of(int32_t bits)
{
    return bits == 224 ? EVP_sha224() : bits == 256 || bits == 0 ? EVP_sha256() : bits == 384 ? EVP_sha384() : bits == 512 ? EVP_sha512() : NULL;
}
static void put_digest(FuncContext *context, Vector *out, uint32_t row, int code, const uint8_t *bytes, uint32_t length, ByteBuf *text)
{
    bytebuf_clear(text);
    if (code == DIGEST_NUMERIC) {
        UInt128 number = 0;
        for (uint32_t i = 0; i < 16; i++)
            number = number << 8 | bytes[i];
        ((Int128 *)out->data)[row] = (Int128)number;
        return;
    }
    for (uint32_t i = 0; i < length && code == DIGEST_SM3; i += 4) {
        if (i > 0)
            bytebuf_append_char(text, ' ');
        put_hex(bytes + i, 4, false, text);
    }
    if (code != DIGEST_SM3)
        put_hex(bytes, length, false, text);
    result_bytes(context, out, row, text);
}
static Status digest_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    int code = context->binding->def->code;
    uint8_t bytes[EVP_MAX_MD_SIZE] = {0};
    uint32_t length = 0;
    AUTO_BYTEBUF text = {0};
    CLEANUP(free_digest) EVP_MD_CTX *state = EVP_MD_CTX_new();
    const EVP_MD *before = NULL, *fixed = code == DIGEST_SM3 ? EVP_sm3() : EVP_md5();
    for (FUNC_ROWS(context, rows, i, row)) {
        if (out->nulls != NULL && out->nulls[row] != 0)
            continue;
        const EVP_MD *kind = fixed;
        if (code == DIGEST_SHA2)
            kind = sha2_of((int32_t)vector_get(arguments[1], row, context->arena).i64);
        if (kind == NULL || !digest(state, kind == before ? NULL : kind, arguments, code == DIGEST_SHA2 ? 1 : count, row, bytes, &length)) {
            vector_set_null(out, row);
            before = NULL;
        } else {
            put_digest(context, out, row, code, bytes, length, &text);
            before = kind;
        }
    }
    return OK;
}

DEFINE_ROWWISE(crc32_kernel, {
    StrView text = ARG_VIEW(0);
    RESULT(int64_t) = (int64_t)crc32(0, (const Bytef *)text.data, (uInt)text.length);
})
static Status xxh64_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    (void)context;
    int64_t *r = out->data;
    for (uint32_t a = 0; a < count; a++) {
        VectorView view = vector_view(arguments[a]);
        for (FUNC_ROWS(context, rows, i, row)) {
            if (out->nulls != NULL && out->nulls[row] != 0)
                continue;
            StrView text = str_view(&((const Str *)view.data)[view_index(&view, row)]);
            r[row] = (int64_t)XXH3_64bits_withSeed(text.data, text.length, a == 0 ? 0 : (uint64_t)r[row]);
        }
    }
    return OK;
}
static Status xxh128_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    AUTO_BYTEBUF text = {0};
    (void)context;
    for (FUNC_ROWS(context, rows, i, row)) {
        if (out->nulls != NULL && out->nulls[row] != 0)
            continue;
        bytebuf_clear(&text);
        for (uint32_t a = 0; a < count; a++) {
            VectorView view = vector_view(arguments[a]);
            bytebuf_append_view(&text, str_view(&((const Str *)view.data)[view_index(&view, row)]));
        }
        XXH128_hash_t hash = XXH3_128bits(text.data == NULL ? "" : text.data, text.length);
        ((Int128 *)out->data)[row] = (Int128)((UInt128)hash.high64 << 64 | hash.low64);
    }
    return OK;
}

/* ---- encryption: AES; the key is folded to its length as MySQL does ---- */
typedef struct AesMode {
    const EVP_CIPHER *cipher;
    int key_bytes;
} AesMode;
static bool aes_mode(StrView name, AesMode *out)
{
    char text[32];
    snprintf(text, sizeof(text), "%.*s", (int)MIN(name.length, (size_t)20), name.data);
    int bits = 0;
    char kind[8] = "";
    for (char *c = text; *c != '\0'; c++)
        *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
    /* NOLINTNEXTLINE(cert-err34-c): only three numbers pass */
    if (sscanf(text, "AES_%d_%7s", &bits, kind) != 2 || (bits != 128 && bits != 192 && bits != 256))
        return false;
    char cipher[32];
    snprintf(cipher, sizeof(cipher), "AES-%d-%s", bits, kind);
    bool is_known = strcmp(kind, "ECB") == 0 || strcmp(kind, "CBC") == 0 || strcmp(kind, "CFB") == 0 || strcmp(kind, "OFB") == 0 ||
                    strcmp(kind, "CTR") == 0 || strcmp(kind, "CFB1") == 0 || strcmp(kind, "CFB8") == 0;
    out->cipher = is_known ? EVP_get_cipherbyname(cipher) : NULL;
    out->key_bytes = bits / 8;
    return out->cipher != NULL;
}
static bool aes_run(const AesMode *mode, bool encrypts, StrView data, StrView key, StrView iv, ByteBuf *out)
{
    uint8_t folded[32] = {0};
    uint8_t vector[16] = {0};
    int first = 0;
    int rest = 0;
    for (size_t i = 0; i < key.length; i++)
        folded[i % (size_t)mode->key_bytes] ^= (uint8_t)key.data[i];
    memcpy(vector, iv.length > 0 ? iv.data : "", MIN(iv.length, sizeof(vector)));
    bytebuf_reserve(out, data.length + 64);
    EVP_CIPHER_CTX *state = EVP_CIPHER_CTX_new();
    uint8_t *target = (uint8_t *)out->data;
    bool ok = state != NULL && EVP_CipherInit_ex(state, mode->cipher, NULL, folded, vector, encrypts) == 1 &&
              EVP_CipherUpdate(state, target, &first, (const uint8_t *)(data.data == NULL ? "" : data.data), (int)data.length) == 1 &&
              EVP_CipherFinal_ex(state, target + first, &rest) == 1;
    EVP_CIPHER_CTX_free(state);
    out->length = ok ? (size_t)(first + rest) : 0;
    return ok;
}
/* code: 1 encrypts */
DEFINE_ROWWISE(aes_kernel, {
    AUTO_BYTEBUF result = {0};
    AesMode mode;
    StrView iv = STR_VIEW("");
    StrView name = STR_VIEW("AES_128_ECB");
    if (count > 2)
        iv = ARG_VIEW(2);
    if (count > 3)
        name = ARG_VIEW(3);
    if (aes_mode(name, &mode) && aes_run(&mode, context->binding->def->code == 1, ARG_VIEW(0), ARG_VIEW(1), iv, &result))
        result_bytes(context, out, row, &result);
    else
        RESULT_NULL();
})

#define ENCF(NAME, FLAGS, MIN_ARGS, MAX_ARGS, CODE, ...)                                             \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL | (FLAGS), .min_arguments = MIN_ARGS, \
     .max_arguments = MAX_ARGS, .code = CODE, .overloads = (const FuncOverload[]){__VA_ARGS__},      \
     .overload_count = sizeof((const FuncOverload[]){__VA_ARGS__}) / sizeof(FuncOverload), .group = "crypto"}
static const FuncDef defs[] = {
    ENCF("unhex", 0, 1, 1, 0, {"S", 'S', unhex_kernel, NULL}),
    ENCF("hex_decode_string", 0, 1, 1, 0, {"S", 'S', unhex_kernel, NULL}),
    ENCF("hex_decode_binary", 0, 1, 1, 0, {"S", 'B', unhex_kernel, NULL}),
    ENCF("to_base64", 0, 1, 1, 0, {"S", 'S', to_base64_kernel, NULL}),
    ENCF("from_base64", 0, 1, 1, 0, {"S", 'S', from_base64_kernel, NULL}),
    ENCF("base64_decode_string", 0, 1, 1, 0, {"S", 'S', from_base64_kernel, NULL}),
    ENCF("base64_decode_binary", 0, 1, 1, 0, {"S", 'B', from_base64_kernel, NULL}),
    ENCF("to_binary", 0, 1, 2, 0, {"S", 'B', to_binary_kernel, NULL}, {"SS", 'B', to_binary_kernel, NULL}),
    ENCF("from_binary", 0, 1, 2, 0, {"B", 'S', from_binary_kernel, NULL}, {"BS", 'S', from_binary_kernel, NULL}),
    ENCF("md5", 0, 1, 1, DIGEST_MD5, {"S", 'S', digest_kernel, NULL}),
    ENCF("md5sum", 0, 1, FUNC_ANY_ARGUMENTS, DIGEST_MD5, {"S*", 'S', digest_kernel, NULL}),
    ENCF("md5sum_numeric", 0, 1, FUNC_ANY_ARGUMENTS, DIGEST_NUMERIC, {"S*", 'L', digest_kernel, NULL}),
    ENCF("sha2", 0, 2, 2, DIGEST_SHA2, {"Si", 'S', digest_kernel, NULL}),
    ENCF("sm3", 0, 1, 1, DIGEST_SM3, {"S", 'S', digest_kernel, NULL}),
    ENCF("crc32", 0, 1, 1, 0, {"S", 'l', crc32_kernel, NULL}),
    ENCF("xx_hash3_64", 0, 1, FUNC_ANY_ARGUMENTS, 0, {"S*", 'l', xxh64_kernel, NULL}),
    ENCF("xx_hash3_128", 0, 1, FUNC_ANY_ARGUMENTS, 0, {"S*", 'L', xxh128_kernel, NULL}),
    ENCF("aes_encrypt", 0, 2, 4, 1, {"SS", 'S', aes_kernel, NULL}, {"SSS", 'S', aes_kernel, NULL}, {"SSSS", 'S', aes_kernel, NULL}),
    ENCF("aes_decrypt", 0, 2, 4, 0, {"SS", 'S', aes_kernel, NULL}, {"SSS", 'S', aes_kernel, NULL}, {"SSSS", 'S', aes_kernel, NULL}),
};
const FuncTable func_table_encode = {defs, COUNT_OF(defs)};
