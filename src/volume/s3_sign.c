#include "volume/s3_sign.h"

/* The canonical request has sorted parameters and headers; what is hashed with a key derived from day, region and
 * service. Bare parameters (`?uploads`) are signed, and sent, with an equals sign. */

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SHA256_BYTES = 32 };

static void to_hex(const uint8_t *bytes, size_t count, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * count] = '\0';
}

static void sha256_hex(StrView text, char out[SHA256_HEX_BYTES])
{
    uint8_t digest[SHA256_BYTES];
    CHECK(EVP_Digest(text.data == NULL ? "" : text.data, text.length, digest, NULL, EVP_sha256(), NULL) == 1);
    to_hex(digest, sizeof(digest), out);
}

static void hmac(const void *key, size_t key_length, StrView text, uint8_t out[SHA256_BYTES])
{
    unsigned length = 0;
    CHECK(HMAC(EVP_sha256(), key, (int)key_length, (const unsigned char *)text.data, text.length, out, &length) != NULL);
}

void s3_encode(StrView text, bool keep_slash, ByteBuf *out)
{
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        bool is_plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                        c == '.' || c == '~' || (c == '/' && keep_slash);
        if (is_plain)
            bytebuf_append_char(out, c);
        else
            bytebuf_printf(out, "%%%02X", (unsigned)(uint8_t)c);
    }
}

static int by_name(const void *a, const void *b)
{
    const SignedParameter *left = a, *right = b;
    int order = strview_compare(left->name, right->name);
    return order != 0 ? order : strview_compare(left->value, right->value);
}

void s3_query(const SignedParameter *parameters, uint32_t count, ByteBuf *out)
{
    SignedParameter sorted[MOST_PARAMETERS];
    CHECK(count <= MOST_PARAMETERS);
    if (count == 0)
        return;
    memcpy(sorted, parameters, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), by_name);
    for (uint32_t i = 0; i < count; i++) {
        bytebuf_append_text(out, i == 0 ? "" : "&");
        s3_encode(sorted[i].name, false, out);
        bytebuf_append_char(out, '=');
        s3_encode(sorted[i].value, false, out);
    }
}

static int by_header(const void *a, const void *b)
{
    return strcmp(((const SignedHeader *)a)->name, ((const SignedHeader *)b)->name);
}

/* All that are signed, sorted. */
static uint32_t all_headers(const SignRequest *request, const Signature *signature, SignedHeader *out)
{
    uint32_t count = request->header_count;
    CHECK(count + 3 <= MOST_SIGNED_HEADERS);
    memcpy(out, request->headers, count * sizeof(*out));
    const char *token = request->credentials->session_token;
    out[count++] = (SignedHeader){"x-amz-content-sha256", strview(signature->payload)};
    out[count++] = (SignedHeader){"x-amz-date", strview(signature->time)};
    if (token != NULL && token[0] != '\0')
        out[count++] = (SignedHeader){"x-amz-security-token", strview(token)};
    qsort(out, count, sizeof(*out), by_header);
    return count;
}

static void canonical_request(const SignRequest *request, const Signature *signature, StrView names, const SignedHeader *headers,
                              uint32_t count, ByteBuf *out)
{
    bytebuf_printf(out, "%s\n%.*s\n", request->method, SV_ARGS(request->path));
    s3_query(request->parameters, request->parameter_count, out);
    bytebuf_append_char(out, '\n');
    for (uint32_t i = 0; i < count; i++) {
        StrView value = strview_trim(headers[i].value);
        bytebuf_printf(out, "%s:%.*s\n", headers[i].name, SV_ARGS(value));
    }
    bytebuf_printf(out, "\n%.*s\n%s", SV_ARGS(names), signature->payload);
}

static void sign_text(const SignRequest *request, StrView day, StrView text, char out[SHA256_HEX_BYTES])
{
    uint8_t key[SHA256_BYTES], next[SHA256_BYTES];
    AUTO_BYTEBUF first = {0};
    bytebuf_printf(&first, "AWS4%s", request->credentials->secret_key);
    hmac(first.data, first.length, day, key);
    memset(first.data, 0, first.length);
    hmac(key, sizeof(key), strview(request->region), next);
    hmac(next, sizeof(next), strview(request->service), key);
    hmac(key, sizeof(key), STR_VIEW("aws4_request"), next);
    hmac(next, sizeof(next), text, key);
    to_hex(key, sizeof(key), out);
}

void s3_sign(const SignRequest *request, Signature *out)
{
    AUTO_BYTEBUF canonical = {0};
    AUTO_BYTEBUF text = {0};
    AUTO_BYTEBUF names = {0};
    SignedHeader headers[MOST_SIGNED_HEADERS];
    char digest[SHA256_HEX_BYTES];
    time_t seconds = (time_t)(request->time_us / 1000000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    strftime(out->time, sizeof(out->time), "%Y%m%dT%H%M%SZ", &utc);
    StrView day = strview_n(out->time, 8);
    sha256_hex(request->body, out->payload);
    uint32_t count = all_headers(request, out, headers);
    for (uint32_t i = 0; i < count; i++)
        bytebuf_printf(&names, "%s%s", i == 0 ? "" : ";", headers[i].name);
    canonical_request(request, out, bytebuf_view(&names), headers, count, &canonical);
    sha256_hex(bytebuf_view(&canonical), digest);
    bytebuf_printf(&text, "AWS4-HMAC-SHA256\n%s\n%.*s/%s/%s/aws4_request\n%s", out->time, SV_ARGS(day), request->region, request->service,
                   digest);
    sign_text(request, day, bytebuf_view(&text), out->signature);
    bytebuf_clear(&out->authorization);
    bytebuf_printf(&out->authorization, "AWS4-HMAC-SHA256 Credential=%s/%.*s/%s/%s/aws4_request, SignedHeaders=%.*s, Signature=%s",
                   request->credentials->access_key, SV_ARGS(day), request->region, request->service, SV_ARGS(bytebuf_view(&names)),
                   out->signature);
}
