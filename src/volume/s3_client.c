#include "volume/s3_int.h"

/* The operations. What a retry may have done unseen is settled here: a refused put reads back what is there, an
 * upload that is unknown when it is completed again looks for its object. */

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "volume/s3_xml.h"

enum { MOST_ANSWER_BYTES = 16 << 20, CONFLICT_ROUNDS = 5, GET_ROUNDS = 4, MD5_BYTES = 16 };
/* Journal batches and whole small objects; segments are read in ranges. */
#define MOST_OBJECT_BYTES ((uint64_t)1 << 32)

static void response_deinit(HttpResponse *response)
{
    bytebuf_deinit(&response->body);
}
#define AUTO_RESPONSE CLEANUP(response_deinit) HttpResponse

/* ---- reading ---- */

/* The part of an object that the request's range names, moved into out. */
static Status get_part(S3Client *client, const char *key, const char *range, uint64_t most_bytes, HttpResponse *response, Diag *diag)
{
    S3Request request = {.method = "GET", .key = key, .header_name = "range", .header_value = range, .most_bytes = most_bytes};
    TRY(s3_request(client, &request, diag, response));
    if (response->status == 416) /* of an empty object, every range lies outside */
        response->body.length = 0;
    else if (response->status == 200)
        response->range_total = response->body.length;
    else if (response->status != 206)
        return s3_answer_error(client, &request, response, diag);
    return OK;
}

static Status wrong_length(const char *key, uint64_t found, uint64_t wanted, Diag *diag)
{
    return RAISE(diag, IO, "object \"%s\": the service sent %llu bytes where %llu were asked for", key, (unsigned long long)found,
                 (unsigned long long)wanted);
}

Status s3_get_range(S3Client *client, const char *key, uint64_t offset, uint64_t length, ByteBuf *out_bytes, uint64_t *out_total,
                    Diag *diag)
{
    char range[64];
    uint64_t found = 0;
    snprintf(range, sizeof(range), "bytes=%llu-%llu", (unsigned long long)offset, (unsigned long long)(offset + length - 1));
    for (int round = 0; round < GET_ROUNDS; round++) {
        AUTO_RESPONSE response = {0};
        TRY(get_part(client, key, range, length, &response, diag));
        if (out_total != NULL)
            *out_total = response.range_total;
        found = response.body.length;
        if (found != length || (response.status == 200 && offset != 0))
            continue;
        bytebuf_append(out_bytes, response.body.data, length);
        return OK;
    }
    return wrong_length(key, found, length, diag);
}

Status s3_get_tail(S3Client *client, const char *key, uint64_t length, ByteBuf *out_bytes, uint64_t *out_total, Diag *diag)
{
    char range[64];
    uint64_t found = 0, wanted = 0;
    snprintf(range, sizeof(range), "bytes=-%llu", (unsigned long long)length);
    for (int round = 0; round < GET_ROUNDS; round++) {
        AUTO_RESPONSE response = {0};
        TRY(get_part(client, key, range, length, &response, diag));
        *out_total = response.range_total;
        found = response.body.length;
        wanted = MIN(length, response.range_total);
        if (found != wanted)
            continue;
        bytebuf_append(out_bytes, response.body.data, found);
        return OK;
    }
    return wrong_length(key, found, wanted, diag);
}

static void md5_hex(StrView bytes, char out[2 * MD5_BYTES + 1])
{
    uint8_t digest[MD5_BYTES];
    CHECK(EVP_Digest(bytes.data == NULL ? "" : bytes.data, bytes.length, digest, NULL, EVP_md5(), NULL) == 1);
    for (int i = 0; i < MD5_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* Most services make the MD5 sum of a plain object its tag; with some encryptions it is something else. */
static bool is_other_sum(const HttpResponse *response, char sum[2 * MD5_BYTES + 1])
{
    StrView tag = strview(response->etag);
    if (tag.length >= 2 && tag.data[0] == '"')
        tag = strview_n(tag.data + 1, tag.length - 2);
    md5_hex(bytebuf_view(&response->body), sum);
    return tag.length == 2 * MD5_BYTES && strview_find(tag, STR_VIEW("-")) == SIZE_MAX && !strview_equal_ci(tag, strview(sum));
}

Status s3_get(S3Client *client, const char *key, ByteBuf *out_bytes, Diag *diag)
{
    char before[2 * MD5_BYTES + 1] = "", sum[2 * MD5_BYTES + 1];
    uint64_t found = 0, wanted = 0;
    for (int round = 0; round < GET_ROUNDS; round++) {
        AUTO_RESPONSE response = {0};
        TRY(get_part(client, key, "bytes=0-", MOST_OBJECT_BYTES, &response, diag));
        found = response.body.length;
        wanted = response.range_total;
        if (found != wanted)
            continue;
        /* The same bytes twice are what is stored; readers check them once more. */
        bool is_other = is_other_sum(&response, sum) && strcmp(sum, before) != 0;
        memcpy(before, sum, sizeof(before));
        if (is_other && round + 1 < GET_ROUNDS)
            continue;
        bytebuf_append_view(out_bytes, bytebuf_view(&response.body));
        return OK;
    }
    return wrong_length(key, found, wanted, diag);
}

/* ---- writing ---- */

/* Something is there: ours, when it has the same bytes. NO_SUCH_OBJECT: it is gone again. */
static Status read_back(S3Client *client, const char *key, StrView bytes, Diag *diag)
{
    AUTO_BYTEBUF found = {0};
    TRY(s3_get(client, key, &found, diag));
    if (strview_equal(bytebuf_view(&found), bytes))
        return OK;
    return RAISE(diag, OBJECT_EXISTS, "object \"%s\" exists already", key);
}

Status s3_put_if_absent(S3Client *client, const char *key, StrView bytes, Diag *diag)
{
    for (int round = 0;; round++) {
        AUTO_RESPONSE response = {0};
        S3Request request = {.method = "PUT", .key = key, .header_name = "if-none-match", .header_value = "*", .body = bytes,
                             .most_bytes = MOST_ANSWER_BYTES, .is_conditional = true};
        TRY(s3_request(client, &request, diag, &response));
        if (response.status == 200)
            return OK;
        if (response.status != 412)
            return s3_answer_error(client, &request, &response, diag);
        Diag trouble = {0};
        Status status = read_back(client, key, bytes, &trouble);
        if (status != ERR_NO_SUCH_OBJECT || round == CONFLICT_ROUNDS)
            return status == OK ? OK : diag_raise(diag, status == ERR_NO_SUCH_OBJECT ? ERR_IO : status, "%s", trouble.message);
    }
}

Status s3_remove(S3Client *client, const char *key, Diag *diag)
{
    AUTO_RESPONSE response = {0};
    S3Request request = {.method = "DELETE", .key = key, .most_bytes = MOST_ANSWER_BYTES};
    TRY(s3_request(client, &request, diag, &response));
    if (response.status == 404 && !s3_is_error_code(&response, "NoSuchBucket"))
        return OK;
    return response.status / 100 == 2 ? OK : s3_answer_error(client, &request, &response, diag);
}

static void append_xml(ByteBuf *out, StrView text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (strchr("<>&\"'", text.data[i]) != NULL)
            bytebuf_printf(out, "&#%u;", (unsigned)(uint8_t)text.data[i]);
        else
            bytebuf_append_char(out, text.data[i]);
    }
}

static void base64_md5(StrView bytes, char out[25])
{
    uint8_t digest[MD5_BYTES];
    CHECK(EVP_Digest(bytes.data, bytes.length, digest, NULL, EVP_md5(), NULL) == 1);
    EVP_EncodeBlock((unsigned char *)out, digest, MD5_BYTES);
}

/* Those that the answer tells errors of. */
static uint32_t mark_failed(const S3Client *client, StrView answer, const char *const *keys, uint32_t count, bool *out_failed)
{
    XmlReader xml;
    StrView name;
    uint32_t failed = 0;
    StrView prefix = s3_prefix(client);
    xml_reader_init(&xml, answer);
    while (xml_reader_next(&xml, &name) != XML_DONE) {
        if (!strview_is(name, "Key") || xml.depth != 2 || !strview_is(xml.path[1], "Error") || xml.value.length < prefix.length)
            continue;
        StrView key = strview_n(xml.value.data + prefix.length, xml.value.length - prefix.length);
        for (uint32_t i = 0; i < count; i++) {
            if (!strview_is(key, keys[i]) || out_failed[i])
                continue;
            out_failed[i] = true;
            failed++;
        }
    }
    if (xml.is_malformed)
        failed++;
    xml_reader_deinit(&xml);
    return failed;
}

Status s3_remove_many(S3Client *client, const char *const *keys, uint32_t count, bool *out_failed, Diag *diag)
{
    AUTO_RESPONSE response = {0};
    AUTO_BYTEBUF body = {0};
    char sum[32];
    CHECK(count <= S3_MOST_DELETES);
    bytebuf_append_text(&body, "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>");
    for (uint32_t i = 0; i < count; i++) {
        out_failed[i] = true;
        bytebuf_append_text(&body, "<Object><Key>");
        append_xml(&body, s3_prefix(client));
        append_xml(&body, strview(keys[i]));
        bytebuf_append_text(&body, "</Key></Object>");
    }
    bytebuf_append_text(&body, "</Delete>");
    base64_md5(bytebuf_view(&body), sum);
    S3Request request = {.method = "POST", .parameters = {{STR_VIEW("delete"), STR_VIEW("")}}, .parameter_count = 1,
                         .header_name = "content-md5", .header_value = sum, .second_name = "content-type",
                         .second_value = "application/xml", .body = bytebuf_view(&body), .most_bytes = MOST_ANSWER_BYTES};
    TRY(s3_request(client, &request, diag, &response));
    if (response.status != 200)
        return s3_answer_error(client, &request, &response, diag);
    memset(out_failed, 0, count * sizeof(bool));
    uint32_t failed = mark_failed(client, bytebuf_view(&response.body), keys, count, out_failed);
    return failed == 0 ? OK : RAISE(diag, IO, "%u of %u objects could not be deleted", failed, count);
}

/* ---- lists ---- */

typedef struct ListPage {
    void (*visit)(void *context, const S3Listed *object);
    void *context;
    ByteBuf key, token, modified;
    uint64_t size;
    bool is_truncated;
} ListPage;

static void read_entry(ListPage *page, const XmlReader *xml, StrView name, StrView prefix)
{
    StrView value = bytebuf_view(&xml->value);
    if (strview_is(name, "Key") && strview_starts_with(value, prefix)) {
        bytebuf_clear(&page->key);
        bytebuf_append(&page->key, value.data + prefix.length, value.length - prefix.length);
    } else if (strview_is(name, "Size")) {
        page->size = strtoull(value.data == NULL ? "" : value.data, NULL, 10);
    } else if (strview_is(name, "LastModified")) {
        bytebuf_clear(&page->modified);
        bytebuf_append_view(&page->modified, value);
    }
}

static bool read_page(ListPage *page, StrView answer, StrView prefix)
{
    XmlReader xml;
    StrView name;
    XmlEvent event;
    xml_reader_init(&xml, answer);
    while ((event = xml_reader_next(&xml, &name)) != XML_DONE) {
        if (event == XML_LEAF && xml.depth == 2 && strview_is(xml.path[1], "Contents"))
            read_entry(page, &xml, name, prefix);
        if (event == XML_END && strview_is(name, "Contents") && page->key.length > 0) {
            S3Listed object = {page->key.data, page->size, page->modified.length > 0 ? page->modified.data : ""};
            page->visit(page->context, &object);
            bytebuf_clear(&page->key);
            bytebuf_clear(&page->modified);
        }
        if (event != XML_LEAF || xml.depth != 1)
            continue;
        if (strview_is(name, "IsTruncated"))
            page->is_truncated = strview_is(bytebuf_view(&xml.value), "true");
        if (strview_is(name, "NextContinuationToken"))
            bytebuf_append_view(&page->token, bytebuf_view(&xml.value));
    }
    bool is_read = !xml.is_malformed;
    xml_reader_deinit(&xml);
    return is_read;
}

static Status list_page(S3Client *client, ListPage *page, const char *prefix, Diag *diag)
{
    AUTO_RESPONSE response = {0};
    AUTO_BYTEBUF whole = {0};
    AUTO_BYTEBUF token = page->token;
    page->token = (ByteBuf){0};
    page->is_truncated = false;
    bytebuf_append_view(&whole, s3_prefix(client));
    bytebuf_append_text(&whole, prefix);
    S3Request request = {.method = "GET", .most_bytes = MOST_ANSWER_BYTES,
                         .parameters = {{STR_VIEW("list-type"), STR_VIEW("2")}, {STR_VIEW("prefix"), bytebuf_view(&whole)}},
                         .parameter_count = 2};
    if (token.length > 0)
        request.parameters[request.parameter_count++] = (SignedParameter){STR_VIEW("continuation-token"), bytebuf_view(&token)};
    TRY(s3_request(client, &request, diag, &response));
    if (response.status != 200)
        return s3_answer_error(client, &request, &response, diag);
    if (!read_page(page, bytebuf_view(&response.body), s3_prefix(client)) || (page->is_truncated && page->token.length == 0))
        return RAISE(diag, IO, "the list of \"%s\" that the service sent can't be read", prefix);
    return OK;
}

Status s3_list_objects(S3Client *client, const char *prefix, void (*visit)(void *context, const S3Listed *object), void *context, Diag *diag)
{
    ListPage page = {.visit = visit, .context = context};
    Status status;
    do
        status = list_page(client, &page, prefix, diag);
    while (status == OK && page.is_truncated);
    bytebuf_deinit(&page.key);
    bytebuf_deinit(&page.token);
    bytebuf_deinit(&page.modified);
    return status;
}

typedef struct SizeVisit {
    void (*visit)(void *context, const char *key, uint64_t size);
    void *context;
} SizeVisit;

static void visit_size(void *context, const S3Listed *object)
{
    const SizeVisit *to = context;
    to->visit(to->context, object->key, object->size);
}

Status s3_list(S3Client *client, const char *prefix, void (*visit)(void *context, const char *key, uint64_t size), void *context,
               Diag *diag)
{
    SizeVisit to = {visit, context};
    return s3_list_objects(client, prefix, visit_size, &to, diag);
}

/* ---- uploads in parts ---- */

Status s3_upload_begin(S3Client *client, const char *key, char out_id[S3_UPLOAD_ID_BYTES], Diag *diag)
{
    AUTO_RESPONSE response = {0};
    XmlReader xml;
    StrView name;
    S3Request request = {.method = "POST", .key = key, .parameters = {{STR_VIEW("uploads"), STR_VIEW("")}}, .parameter_count = 1,
                         .most_bytes = MOST_ANSWER_BYTES};
    TRY(s3_request(client, &request, diag, &response));
    if (response.status != 200)
        return s3_answer_error(client, &request, &response, diag);
    out_id[0] = '\0';
    xml_reader_init(&xml, bytebuf_view(&response.body));
    while (xml_reader_next(&xml, &name) != XML_DONE) {
        if (strview_is(name, "UploadId") && xml.value.length < S3_UPLOAD_ID_BYTES)
            memcpy(out_id, xml.value.data, xml.value.length + 1);
    }
    xml_reader_deinit(&xml);
    return out_id[0] != '\0' ? OK : RAISE(diag, IO, "the service named no upload for object \"%s\"", key);
}

Status s3_upload_part(S3Client *client, const char *key, const char *id, uint32_t number, StrView bytes, char out_etag[S3_ETAG_BYTES],
                      Diag *diag)
{
    AUTO_RESPONSE response = {0};
    char text[16];
    snprintf(text, sizeof(text), "%u", number);
    S3Request request = {.method = "PUT", .key = key,
                         .parameters = {{STR_VIEW("partNumber"), strview(text)}, {STR_VIEW("uploadId"), strview(id)}},
                         .parameter_count = 2, .body = bytes, .most_bytes = MOST_ANSWER_BYTES};
    TRY(s3_request(client, &request, diag, &response));
    if (response.status != 200)
        return s3_answer_error(client, &request, &response, diag);
    snprintf(out_etag, S3_ETAG_BYTES, "%s", response.etag);
    return out_etag[0] != '\0' ? OK : RAISE(diag, IO, "the service named no tag for part %u of object \"%s\"", number, key);
}

/* The upload is unknown: because a try before completed it, or because somebody ended it. */
static Status look_for_object(S3Client *client, const char *key, uint64_t length, Diag *diag)
{
    AUTO_BYTEBUF last = {0};
    uint64_t total = 0;
    TRY(s3_get_tail(client, key, 1, &last, &total, diag));
    return total == length ? OK : RAISE(diag, IO, "object \"%s\" has %llu bytes instead of %llu", key, (unsigned long long)total,
                                        (unsigned long long)length);
}

Status s3_upload_complete(S3Client *client, const char *key, const char *id, const char (*etags)[S3_ETAG_BYTES], uint32_t count,
                          uint64_t length, Diag *diag)
{
    AUTO_RESPONSE response = {0};
    AUTO_BYTEBUF body = {0};
    bytebuf_append_text(&body, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (uint32_t i = 0; i < count; i++) {
        bytebuf_printf(&body, "<Part><PartNumber>%u</PartNumber><ETag>", i + 1);
        append_xml(&body, strview(etags[i]));
        bytebuf_append_text(&body, "</ETag></Part>");
    }
    bytebuf_append_text(&body, "</CompleteMultipartUpload>");
    S3Request request = {.method = "POST", .key = key, .parameters = {{STR_VIEW("uploadId"), strview(id)}}, .parameter_count = 1,
                         .header_name = "content-type", .header_value = "application/xml", .body = bytebuf_view(&body),
                         .most_bytes = MOST_ANSWER_BYTES, .is_conditional = true};
    TRY(s3_request(client, &request, diag, &response));
    if (response.status == 404)
        return look_for_object(client, key, length, diag);
    /* The service may find out that it failed after it has sent the status. */
    if (response.status != 200 || strview_find(bytebuf_view(&response.body), STR_VIEW("<Error>")) != SIZE_MAX)
        return s3_answer_error(client, &request, &response, diag);
    return OK;
}

Status s3_upload_abort(S3Client *client, const char *key, const char *id, Diag *diag)
{
    AUTO_RESPONSE response = {0};
    S3Request request = {.method = "DELETE", .key = key, .parameters = {{STR_VIEW("uploadId"), strview(id)}}, .parameter_count = 1,
                         .most_bytes = MOST_ANSWER_BYTES};
    TRY(s3_request(client, &request, diag, &response));
    return response.status / 100 == 2 || response.status == 404 ? OK : s3_answer_error(client, &request, &response, diag);
}
