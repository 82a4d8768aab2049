#include "s3/s3_service.h"

/* A thread a connection; one lock over all objects. The control path /_fault takes fault lines, /_stats answers counts. */

#include <microhttpd.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/environment.h"
#include "base/memory.h"
#include "base/thread.h"
#include "volume/s3_sign.h"

enum { MOST_RULES = 32, NAME_BYTES = 1024, PAGE_KEYS = 100, MOST_QUERY = 8 };

typedef struct StoredObject {
    char *key;
    ByteBuf bytes;
    char etag[64];
} StoredObject;

typedef struct StoredUpload {
    struct StoredUpload *next;
    char id[32];
    char *key;
    ByteBuf parts[200];
} StoredUpload;

typedef struct Rule {
    char op[16], key[128], action[32];
    uint32_t nth, times, seen, done;
    double probability;
} Rule;

struct S3Service {
    struct MHD_Daemon *daemon;
    S3ServiceOptions options;
    Mutex lock; /* guards all below */
    StoredObject *objects; /* sorted by key */
    uint32_t object_count, capacity;
    StoredUpload *uploads;
    uint32_t next_upload;
    Rule rules[MOST_RULES];
    uint32_t rule_count;
    Random random;
    _Atomic uint64_t requests;
};

typedef struct Parameter {
    char *name, *value;
} Parameter;

typedef struct Call {
    S3Service *service;
    char *raw; /* path and query as they came */
    char *key; /* decoded; NULL: the bucket */
    Parameter query[MOST_QUERY];
    uint32_t query_count;
    ByteBuf body;
    const char *method, *op;
    struct MHD_Connection *connection;
    Rule rule; /* a copy of the one that fits; action empty: none */
} Call;

typedef struct Answer {
    unsigned status;
    ByteBuf body;
    char etag[64], range[96];
    bool is_xml;
} Answer;

/* ---- texts ---- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static char *decoded(const char *text, size_t length)
{
    char *out = mem_alloc_zero(length + 1);
    size_t at = 0;
    for (size_t i = 0; i < length; i++) {
        bool is_code = text[i] == '%' && i + 2 < length && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
        out[at++] = is_code ? (char)(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])) : text[i];
        i += is_code ? 2 : 0;
    }
    return out;
}

static const char *parameter(const Call *call, const char *name)
{
    for (uint32_t i = 0; i < call->query_count; i++) {
        if (strcmp(call->query[i].name, name) == 0)
            return call->query[i].value;
    }
    return NULL;
}

static const char *header(const Call *call, const char *name)
{
    const char *value = MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, name);
    return value == NULL ? "" : value;
}

static void split_query(Call *call, const char *query)
{
    while (*query != '\0' && call->query_count < MOST_QUERY) {
        size_t length = strcspn(query, "&");
        size_t name = strcspn(query, "=&");
        Parameter *p = &call->query[call->query_count++];
        p->name = decoded(query, name);
        p->value = name < length ? decoded(query + name + 1, length - name - 1) : mem_strdup("");
        query += length + (query[length] == '&');
    }
}

static void put_error(Answer *answer, unsigned status, const char *code)
{
    answer->status = status;
    answer->is_xml = true;
    bytebuf_clear(&answer->body);
    bytebuf_printf(&answer->body, "<?xml version=\"1.0\"?>\n<Error><Code>%s</Code><Message>%s</Message></Error>", code, code);
}

/* ---- signatures ---- */

/* Those that the request says are signed, but for what s3_sign() adds itself. */
static uint32_t named_headers(const Call *call, const char *names, SignedHeader *out, ByteBuf *kept)
{
    uint32_t count = 0;
    while (*names != '\0' && *names != ',' && count < MOST_SIGNED_HEADERS - 3) {
        size_t length = strcspn(names, ";,");
        char name[64];
        snprintf(name, sizeof(name), "%.*s", (int)MIN(length, sizeof(name) - 1), names);
        names += length + (names[length] == ';');
        if (strcmp(name, "x-amz-date") == 0 || strcmp(name, "x-amz-content-sha256") == 0 || strcmp(name, "x-amz-security-token") == 0)
            continue;
        size_t at = kept->length;
        bytebuf_append(kept, name, strlen(name) + 1);
        out[count++] = (SignedHeader){kept->data + at, strview(header(call, name))};
    }
    return count;
}

static bool is_signed(const Call *call)
{
    const char *authorization = header(call, "authorization");
    const char *names = strstr(authorization, "SignedHeaders=");
    const char *given = strstr(authorization, "Signature=");
    char scope[256];
    struct tm utc = {0};
    if (names == NULL || given == NULL || strptime(header(call, "x-amz-date"), "%Y%m%dT%H%M%SZ", &utc) == NULL)
        return false;
    snprintf(scope, sizeof(scope), "Credential=%s/", call->service->options.access_key);
    const char *region = strstr(authorization, scope);
    if (region == NULL)
        return false;
    region += strlen(scope) + 9; /* the day and a slash */
    char region_name[64];
    snprintf(region_name, sizeof(region_name), "%.*s", (int)strcspn(region, "/"), region);
    S3Credentials keys = {call->service->options.access_key, call->service->options.secret_key, header(call, "x-amz-security-token")};
    SignedParameter parameters[MOST_QUERY];
    for (uint32_t i = 0; i < call->query_count; i++)
        parameters[i] = (SignedParameter){strview(call->query[i].name), strview(call->query[i].value)};
    SignedHeader headers[MOST_SIGNED_HEADERS];
    AUTO_BYTEBUF kept = {0};
    bytebuf_reserve(&kept, 1024); /* names stay where they are */
    SignRequest wanted = {.credentials = &keys, .region = region_name, .service = "s3", .method = call->method,
                          .path = strview_n(call->raw, strcspn(call->raw, "?")), .parameters = parameters,
                          .parameter_count = call->query_count, .headers = headers, .body = bytebuf_view(&call->body),
                          .time_us = (int64_t)timegm(&utc) * 1000000};
    wanted.header_count = named_headers(call, names + strlen("SignedHeaders="), headers, &kept);
    Signature signature = {0};
    s3_sign(&wanted, &signature);
    bytebuf_deinit(&signature.authorization);
    return strcmp(signature.signature, given + strlen("Signature=")) == 0 && strcmp(signature.payload, header(call, "x-amz-content-sha256")) == 0;
}

/* ---- objects; the lock is held ---- */

static uint32_t place_of(const S3Service *service, const char *key, bool *out_found)
{
    uint32_t low = 0, high = service->object_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = strcmp(service->objects[middle].key, key);
        if (order == 0) {
            *out_found = true;
            return middle;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    *out_found = false;
    return low;
}

static StoredObject *find_object(S3Service *service, const char *key)
{
    bool found;
    uint32_t at = place_of(service, key, &found);
    return found ? &service->objects[at] : NULL;
}

static void remove_object(S3Service *service, const char *key)
{
    bool found;
    uint32_t at = place_of(service, key, &found);
    if (!found)
        return;
    mem_free(service->objects[at].key);
    bytebuf_deinit(&service->objects[at].bytes);
    memmove(&service->objects[at], &service->objects[at + 1], (service->object_count - at - 1) * sizeof(StoredObject));
    service->object_count--;
}

static void store_object(S3Service *service, const char *key, StrView bytes, char etag[64])
{
    bool found;
    remove_object(service, key);
    uint32_t at = place_of(service, key, &found);
    if (service->object_count == service->capacity) {
        service->capacity = MAX(service->capacity * 2, 64u);
        service->objects = mem_realloc(service->objects, service->capacity * sizeof(StoredObject));
    }
    memmove(&service->objects[at + 1], &service->objects[at], (service->object_count - at) * sizeof(StoredObject));
    service->objects[at] = (StoredObject){.key = mem_strdup(key)};
    bytebuf_append_view(&service->objects[at].bytes, bytes);
    uint8_t digest[16];
    char *etag_text = service->objects[at].etag;
    CHECK(EVP_Digest(bytes.data == NULL ? "" : bytes.data, bytes.length, digest, NULL, EVP_md5(), NULL) == 1);
    etag_text[0] = '"';
    for (int i = 0; i < 16; i++)
        snprintf(etag_text + 1 + 2 * i, 4, "%02x\"", digest[i]);
    memcpy(etag, service->objects[at].etag, 64);
    service->object_count++;
}

static void do_put(Call *call, Answer *answer)
{
    bool is_conditional = strcmp(header(call, "if-none-match"), "*") == 0 && strcmp(call->rule.action, "noexclude") != 0;
    if (is_conditional && find_object(call->service, call->key) != NULL) {
        put_error(answer, 412, "PreconditionFailed");
        return;
    }
    store_object(call->service, call->key, bytebuf_view(&call->body), answer->etag);
}

static void do_get(Call *call, Answer *answer)
{
    const StoredObject *object = find_object(call->service, call->key);
    const char *range = header(call, "range");
    if (object == NULL) {
        put_error(answer, 404, "NoSuchKey");
        return;
    }
    uint64_t size = object->bytes.length, first = 0, last = size - 1;
    memcpy(answer->etag, object->etag, sizeof(answer->etag));
    if (strncmp(range, "bytes=", 6) == 0) {
        const char *dash = strchr(range, '-');
        uint64_t number = strtoull(dash + 1, NULL, 10);
        if (dash == range + 6)
            first = size - MIN(number, size);
        else
            first = strtoull(range + 6, NULL, 10);
        if (dash != range + 6 && dash[1] != '\0')
            last = MIN(number, size - 1);
        if (size == 0 || first > last) {
            put_error(answer, 416, "InvalidRange");
            return;
        }
        answer->status = 206;
        snprintf(answer->range, sizeof(answer->range), "bytes %llu-%llu/%llu", (unsigned long long)first, (unsigned long long)last,
                 (unsigned long long)size);
    }
    bytebuf_append(&answer->body, object->bytes.data + first, size == 0 ? 0 : last - first + 1);
}

static void append_escaped(ByteBuf *out, const char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '<' || *text == '>' || *text == '&')
            bytebuf_printf(out, "&#%d;", *text);
        else
            bytebuf_append_char(out, *text);
}

static void do_list(Call *call, Answer *answer)
{
    const char *prefix = parameter(call, "prefix"), *after = parameter(call, "continuation-token");
    S3Service *service = call->service;
    uint32_t count = 0;
    const char *last = NULL;
    bool is_truncated = false;
    bytebuf_append_text(&answer->body, "<?xml version=\"1.0\"?><ListBucketResult>");
    for (uint32_t i = 0; i < service->object_count; i++) {
        const StoredObject *object = &service->objects[i];
        if (strncmp(object->key, prefix == NULL ? "" : prefix, strlen(prefix == NULL ? "" : prefix)) != 0 ||
            (after != NULL && strcmp(object->key, after) <= 0))
            continue;
        is_truncated = count++ == PAGE_KEYS;
        if (is_truncated)
            break;
        last = object->key;
        bytebuf_append_text(&answer->body, "<Contents><Key>");
        append_escaped(&answer->body, object->key);
        bytebuf_printf(&answer->body, "</Key><LastModified>2025-01-02T03:04:05.000Z</LastModified><Size>%zu</Size><Owner><ID>x</ID></Owner></Contents>",
                       object->bytes.length);
    }
    bytebuf_printf(&answer->body, "<IsTruncated>%s</IsTruncated>", is_truncated ? "true" : "false");
    if (is_truncated) {
        bytebuf_append_text(&answer->body, "<NextContinuationToken>");
        append_escaped(&answer->body, last);
        bytebuf_append_text(&answer->body, "</NextContinuationToken>");
    }
    bytebuf_append_text(&answer->body, "</ListBucketResult>");
    answer->is_xml = true;
}

static void do_deletes(Call *call, Answer *answer)
{
    const char *at = call->body.data == NULL ? "" : call->body.data;
    while ((at = strstr(at, "<Key>")) != NULL) {
        char key[NAME_BYTES];
        at += 5;
        snprintf(key, sizeof(key), "%.*s", (int)strcspn(at, "<"), at);
        remove_object(call->service, key);
    }
    bytebuf_append_text(&answer->body, "<DeleteResult/>");
    answer->is_xml = true;
}

static void do_create(Call *call, Answer *answer)
{
    StoredUpload *upload = mem_alloc_zero(sizeof(*upload));
    snprintf(upload->id, sizeof(upload->id), "upload-%u", ++call->service->next_upload);
    upload->key = mem_strdup(call->key);
    upload->next = call->service->uploads;
    call->service->uploads = upload;
    bytebuf_printf(&answer->body, "<InitiateMultipartUploadResult><UploadId>%s</UploadId></InitiateMultipartUploadResult>", upload->id);
    answer->is_xml = true;
}

static StoredUpload **find_upload(const Call *call)
{
    StoredUpload **at = &call->service->uploads;
    while (*at != NULL && strcmp((*at)->id, parameter(call, "uploadId")) != 0)
        at = &(*at)->next;
    return at;
}

static void drop_upload(StoredUpload **at)
{
    StoredUpload *upload = *at;
    *at = upload->next;
    for (size_t i = 0; i < COUNT_OF(upload->parts); i++)
        bytebuf_deinit(&upload->parts[i]);
    mem_free(upload->key);
    mem_free(upload);
}

static void do_part(Call *call, Answer *answer)
{
    StoredUpload *upload = *find_upload(call);
    int number = (int)strtol(parameter(call, "partNumber"), NULL, 10);
    if (upload == NULL || number < 1 || number >= (int)COUNT_OF(upload->parts)) {
        put_error(answer, 404, "NoSuchUpload");
        return;
    }
    bytebuf_clear(&upload->parts[number]);
    bytebuf_append_view(&upload->parts[number], bytebuf_view(&call->body));
    snprintf(answer->etag, sizeof(answer->etag), "\"part-%d\"", number);
}

static void do_complete(Call *call, Answer *answer)
{
    StoredUpload **at = find_upload(call);
    AUTO_BYTEBUF whole = {0};
    if (*at == NULL) {
        put_error(answer, 404, "NoSuchUpload");
        return;
    }
    for (size_t i = 1; i < COUNT_OF((*at)->parts) && (*at)->parts[i].length > 0; i++) {
        bool is_last = (*at)->parts[i + 1].length == 0;
        if (!is_last && (*at)->parts[i].length < 5 << 20) {
            put_error(answer, 400, "EntityTooSmall");
            return;
        }
        bytebuf_append_view(&whole, bytebuf_view(&(*at)->parts[i]));
    }
    store_object(call->service, call->key, bytebuf_view(&whole), answer->etag);
    drop_upload(at);
    bytebuf_append_text(&answer->body, "<CompleteMultipartUploadResult/>");
    answer->is_xml = true;
}

static void do_delete(Call *call, Answer *answer)
{
    if (parameter(call, "uploadId") == NULL)
        remove_object(call->service, call->key);
    else if (*find_upload(call) != NULL)
        drop_upload(find_upload(call));
    answer->status = 204;
}

/* ---- calls ---- */

static const char *operation_of(const Call *call)
{
    if (strcmp(call->method, "PUT") == 0)
        return parameter(call, "partNumber") != NULL ? "PART" : "PUT";
    if (strcmp(call->method, "POST") == 0)
        return parameter(call, "delete") != NULL ? "DELETES" : parameter(call, "uploads") != NULL ? "CREATE" : "COMPLETE";
    if (strcmp(call->method, "GET") == 0 && call->key == NULL)
        return "LIST";
    return call->method;
}

static void act(Call *call, Answer *answer)
{
    static const struct {
        const char *op;
        void (*run)(Call *call, Answer *answer);
    } operations[] = {{"PUT", do_put}, {"GET", do_get}, {"DELETE", do_delete}, {"LIST", do_list}, {"DELETES", do_deletes},
                      {"CREATE", do_create}, {"PART", do_part}, {"COMPLETE", do_complete}};
    LOCK_GUARD(&call->service->lock);
    for (size_t i = 0; i < COUNT_OF(operations); i++) {
        if (strcmp(operations[i].op, call->op) == 0)
            operations[i].run(call, answer);
    }
}

static void choose_rule(Call *call)
{
    S3Service *service = call->service;
    const char *name = call->key != NULL ? call->key : parameter(call, "prefix");
    LOCK_GUARD(&service->lock);
    for (uint32_t i = 0; i < service->rule_count; i++) {
        Rule *rule = &service->rules[i];
        bool fits = (rule->op[0] == '*' || strcmp(rule->op, call->op) == 0) &&
                    (rule->key[0] == '*' || (name != NULL && strstr(name, rule->key) != NULL));
        if (!fits || (rule->times > 0 && rule->done == rule->times) || ++rule->seen < rule->nth)
            continue;
        if ((double)(random_next(&service->random) >> 11) / 9007199254740992.0 >= rule->probability)
            continue;
        rule->done++;
        call->rule = *rule;
        return;
    }
}

typedef struct Stream {
    ByteBuf body;
    uint64_t bytes_per_second; /* 0: at once */
    uint64_t stop_at; /* cuts there */
} Stream;

static ssize_t stream_body(void *context, uint64_t position, char *out, size_t most)
{
    Stream *stream = context;
    if (position >= stream->stop_at)
        return position >= stream->body.length ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
    size_t length = MIN(most, (size_t)(stream->stop_at - position));
    if (stream->bytes_per_second > 0) {
        length = MIN(length, (size_t)MAX(stream->bytes_per_second / 10, (uint64_t)1));
        usleep((useconds_t)(length * 1000000 / stream->bytes_per_second));
    }
    memcpy(out, stream->body.data + position, length);
    return (ssize_t)length;
}

static void free_stream(void *context)
{
    bytebuf_deinit(&((Stream *)context)->body);
    mem_free(context);
}

static enum MHD_Result send_answer(const Call *call, Answer *answer)
{
    Stream *stream = mem_alloc_zero(sizeof(*stream));
    const char *action = call->rule.action;
    size_t whole = answer->body.length;
    stream->body = answer->body;
    stream->bytes_per_second = call->service->options.bytes_per_second;
    stream->stop_at = whole;
    if (strcmp(action, "half") == 0)
        stream->stop_at = whole / 2;
    if (strcmp(action, "short") == 0)
        stream->stop_at = whole = stream->body.length = whole / 2;
    if (strcmp(action, "flip") == 0 && whole > 0)
        stream->body.data[whole / 3] ^= 4;
    if (strncmp(action, "slow:", 5) == 0)
        stream->bytes_per_second = strtoull(action + 5, NULL, 10);
    struct MHD_Response *response = MHD_create_response_from_callback(answer->status == 204 ? 0 : whole, 64 * 1024, stream_body, stream, free_stream);
    if (answer->etag[0] != '\0')
        MHD_add_response_header(response, "ETag", answer->etag);
    if (answer->range[0] != '\0')
        MHD_add_response_header(response, "Content-Range", answer->range);
    MHD_add_response_header(response, "Content-Type", answer->is_xml ? "application/xml" : "application/octet-stream");
    enum MHD_Result result = MHD_queue_response(call->connection, answer->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result serve(Call *call)
{
    Answer answer = {.status = 200};
    const char *action = call->rule.action;
    int64_t number = strchr(action, ':') == NULL ? 0 : strtoll(strchr(action, ':') + 1, NULL, 10);
    usleep((useconds_t)call->service->options.delay_us);
    if (strcmp(action, "reset") == 0)
        return MHD_NO;
    if (action[0] >= '4' && action[0] <= '5') {
        put_error(&answer, (unsigned)(int)strtol(action, NULL, 10), strcmp(action, "503") == 0 ? "SlowDown" : "InternalError");
        return send_answer(call, &answer);
    }
    if (strncmp(action, "hang:", 5) == 0)
        usleep((useconds_t)(number * 1000));
    if (!is_signed(call))
        put_error(&answer, 403, "SignatureDoesNotMatch");
    else
        act(call, &answer);
    if (strcmp(action, "reset-after") != 0)
        return send_answer(call, &answer);
    bytebuf_deinit(&answer.body);
    return MHD_NO;
}

static void free_call(Call *call)
{
    for (uint32_t i = 0; i < call->query_count; i++) {
        mem_free(call->query[i].name);
        mem_free(call->query[i].value);
    }
    bytebuf_deinit(&call->body);
    mem_free(call->key);
    mem_free(call->raw);
    mem_free(call);
}

/* A request that acts after its caller has given up: signed while it can still be seen. */
static void act_late(void *context)
{
    Call *call = context;
    Answer answer = {0};
    usleep((useconds_t)(strtoll(call->rule.action + 5, NULL, 10) * 1000));
    act(call, &answer);
    bytebuf_deinit(&answer.body);
    free_call(call);
}

static enum MHD_Result control(Call *call)
{
    Answer answer = {.status = 200};
    if (strncmp(call->raw, "/_fault", 7) == 0)
        s3_service_faults(call->service, call->body.data == NULL ? "" : call->body.data);
    bytebuf_printf(&answer.body, "requests %llu objects %u uploads %u\n", (unsigned long long)s3_service_requests(call->service),
                   s3_service_objects(call->service), s3_service_uploads(call->service));
    return send_answer(call, &answer);
}

static enum MHD_Result answer_call(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                   const char *version, const char *data, size_t *length, void **state)
{
    S3Service *service = context;
    Call *call = *state;
    (void)url;
    (void)version;
    if (call->connection == NULL) {
        call->service = service;
        call->connection = connection;
        return MHD_YES;
    }
    if (*length > 0) {
        bytebuf_append(&call->body, data, *length);
        *length = 0;
        return MHD_YES;
    }
    if (strncmp(call->raw, "/_", 2) == 0)
        return control(call);
    const char *query = strchr(call->raw, '?');
    split_query(call, query == NULL ? "" : query + 1);
    size_t bucket = strlen(service->options.bucket), path = strcspn(call->raw, "?");
    bool is_ours = strncmp(call->raw + 1, service->options.bucket, bucket) == 0 && path > bucket;
    if (path > bucket + 2)
        call->key = decoded(call->raw + bucket + 2, path - bucket - 2);
    call->method = method;
    call->op = operation_of(call);
    atomic_fetch_add(&service->requests, 1);
    if (!is_ours) {
        Answer answer = {0};
        put_error(&answer, 404, "NoSuchBucket");
        return send_answer(call, &answer);
    }
    choose_rule(call);
    if (strncmp(call->rule.action, "late:", 5) != 0)
        return serve(call);
    Thread thread;
    *state = NULL;
    call->connection = NULL;
    call->method = "";
    if (strcmp(call->op, "PUT") != 0 || thread_start(&thread, "late", act_late, call, NULL) != OK)
        free_call(call);
    else
        pthread_detach(thread.handle);
    return MHD_NO;
}

static void *begin_call(void *context, const char *uri, struct MHD_Connection *connection)
{
    Call *call = mem_alloc_zero(sizeof(*call));
    (void)context;
    (void)connection;
    call->raw = mem_strdup(uri);
    return call;
}

static void end_call(void *context, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why)
{
    (void)context;
    (void)connection;
    (void)why;
    if (*state != NULL)
        free_call(*state);
    *state = NULL;
}

/* ---- life ---- */

Status s3_service_start(const S3ServiceOptions *options, Diag *diag, S3Service **out_service)
{
    S3Service *service = mem_alloc_zero(sizeof(*service));
    service->options = *options;
    service->random.state = options->seed;
    mutex_init(&service->lock);
    service->daemon = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD, options->port, NULL, NULL, answer_call,
                                       service, MHD_OPTION_URI_LOG_CALLBACK, begin_call, service, MHD_OPTION_NOTIFY_COMPLETED, end_call,
                                       service, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)256 * 1024, MHD_OPTION_END);
    if (service->daemon == NULL) {
        mem_free(service);
        return RAISE(diag, NETWORK, "the S3 service could not listen on port %u", options->port);
    }
    *out_service = service;
    return OK;
}

void s3_service_stop(S3Service *service)
{
    MHD_stop_daemon(service->daemon);
    while (service->object_count > 0)
        remove_object(service, service->objects[0].key);
    while (service->uploads != NULL)
        drop_upload(&service->uploads);
    mem_free(service->objects);
    mutex_deinit(&service->lock);
    mem_free(service);
}

uint16_t s3_service_port(const S3Service *service)
{
    return MHD_get_daemon_info(service->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void s3_service_faults(S3Service *service, const char *lines)
{
    LOCK_GUARD(&service->lock);
    service->rule_count = 0;
    while (*lines != '\0' && service->rule_count < MOST_RULES) {
        Rule rule = {0};
        int fields = sscanf(lines, "%15s %127s %u %u %lf %31s", rule.op, rule.key, &rule.nth, &rule.times, &rule.probability, rule.action);
        if (fields == 6)
            service->rules[service->rule_count++] = rule;
        lines += strcspn(lines, "\n");
        lines += *lines == '\n';
    }
}

uint64_t s3_service_requests(const S3Service *service)
{
    return atomic_load(&service->requests);
}

uint32_t s3_service_objects(S3Service *service)
{
    LOCK_GUARD(&service->lock);
    return service->object_count;
}

uint32_t s3_service_uploads(S3Service *service)
{
    uint32_t count = 0;
    LOCK_GUARD(&service->lock);
    for (const StoredUpload *upload = service->uploads; upload != NULL; upload = upload->next)
        count++;
    return count;
}
