#include "volume/s3_int.h"

/* Addresses, signing and retries. Credentials can change while requests run: a request takes a copy of the
 * pointer under the lock, and old ones stay until the client is closed.
 *
 * Retries spread out: the n-th waits a random time up to 50 ms * 2^n, at most 3 s. While a service fails as a whole,
 * others than the first to fail need not find out for themselves: the client keeps a level of failures in a row that
 * every answer lowers, and which sets the least wait of all retries. */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"
#include "volume/read_scope.h"
#include "volume/s3_xml.h"

enum {
    REQUEST_TIMEOUT_MS = 15000,
    RETRY_TIMEOUT_MS = 30000,
    FIRST_WAIT_US = 50000,
    LONGEST_WAIT_US = 3000000,
    MOST_LEVEL = 6,
};

typedef struct KeySet {
    struct KeySet *older;
    S3Credentials keys;
} KeySet;

struct S3Client {
    const Environment *environment;
    HttpClient *http;
    char *scheme, *host, *region, *bucket, *prefix; /* prefix: empty or with a slash at its end */
    bool is_path_style;
    int64_t request_timeout_ms, retry_timeout_ms;
    Mutex lock; /* guards the next */
    KeySet *credentials;
    _Atomic uint32_t failing; /* failures in a row, over all threads */
    _Atomic uint64_t requests, retries, failures, read_bytes, written_bytes;
};

StrView s3_prefix(const S3Client *client)
{
    return strview(client->prefix);
}

static char *copy_text(const char *text)
{
    return mem_strdup(text == NULL ? "" : text);
}

/* Names of hosts with dots in them are the kind that take buckets in front. */
static bool wants_path_style(const char *host, const char *bucket)
{
    size_t name = strcspn(host, ":");
    bool has_letter = false;
    for (size_t i = 0; i < name; i++)
        has_letter |= isalpha((unsigned char)host[i]) != 0;
    return !has_letter || host[0] == '[' || memchr(host, '.', name) == NULL || strchr(bucket, '.') != NULL ||
           strncmp(host, "localhost", name) == 0;
}

static Status set_address(S3Client *client, const S3Options *options, Diag *diag)
{
    char aws[256];
    const char *endpoint = options->endpoint == NULL ? "" : options->endpoint;
    const char *region = options->region == NULL || options->region[0] == '\0' ? "us-east-1" : options->region;
    if (endpoint[0] == '\0') {
        snprintf(aws, sizeof(aws), "s3.%s.amazonaws.com", region);
        endpoint = aws;
    }
    const char *scheme = strncmp(endpoint, "http://", 7) == 0 ? "http" : "https";
    const char *colon = strstr(endpoint, "://");
    if (colon != NULL && strncmp(endpoint, "http://", 7) != 0 && strncmp(endpoint, "https://", 8) != 0)
        return RAISE(diag, BAD_VALUE, "S3 endpoint \"%s\" must begin with http:// or https://", endpoint);
    const char *host = colon == NULL ? endpoint : colon + 3;
    size_t length = strcspn(host, "/");
    if (length == 0 || strspn(host + length, "/") != strlen(host + length) || strpbrk(host, "@?# \r\n") != NULL)
        return RAISE(diag, BAD_VALUE, "S3 endpoint \"%s\" is not an address of a host", endpoint);
    client->scheme = copy_text(scheme);
    client->region = copy_text(region);
    client->bucket = copy_text(options->bucket);
    client->host = copy_text(host);
    client->host[length] = '\0';
    client->is_path_style = options->path_style < 0 ? wants_path_style(client->host, client->bucket) : options->path_style > 0;
    return OK;
}

/* Slashes at its ends do not count. */
static char *normal_prefix(const char *prefix)
{
    ByteBuf out = {0};
    StrView text = strview(prefix == NULL ? "" : prefix);
    while (text.length > 0 && text.data[0] == '/')
        text = strview_n(text.data + 1, text.length - 1);
    while (text.length > 0 && text.data[text.length - 1] == '/')
        text.length--;
    bytebuf_append_view(&out, text);
    if (text.length > 0)
        bytebuf_append_char(&out, '/');
    char *prefix_text = mem_strdup(out.data == NULL ? "" : out.data);
    bytebuf_deinit(&out);
    return prefix_text;
}

static bool is_printable(const char *text)
{
    while (text != NULL && *text > ' ' && *text < 127)
        text++;
    return text == NULL || *text == '\0';
}

Status s3_client_open(const S3Options *options, const Environment *environment, Diag *diag, S3Client **out_client)
{
    if (options->bucket == NULL || options->bucket[0] == '\0' || strchr(options->bucket, '/') != NULL)
        return RAISE(diag, BAD_VALUE, "an S3 volume needs the name of a bucket");
    if (!is_printable(options->access_key) || !is_printable(options->secret_key) || !is_printable(options->session_token) ||
        !is_printable(options->region) || !is_printable(options->bucket))
        return RAISE(diag, BAD_VALUE, "region, bucket and keys of an S3 volume are printable ASCII characters");
    S3Client *client = mem_alloc_zero(sizeof(*client));
    mutex_init(&client->lock);
    client->environment = environment;
    Status status = set_address(client, options, diag);
    if (status != OK) {
        s3_client_close(client);
        return status;
    }
    client->prefix = normal_prefix(options->prefix);
    client->request_timeout_ms = options->request_timeout_ms > 0 ? options->request_timeout_ms : REQUEST_TIMEOUT_MS;
    client->retry_timeout_ms = options->retry_timeout_ms > 0 ? options->retry_timeout_ms : RETRY_TIMEOUT_MS;
    client->http = http_client_open(&(HttpClientOptions){options->connect_timeout_ms, options->ca_file});
    s3_client_set_credentials(client, &(S3Credentials){options->access_key, options->secret_key, options->session_token});
    *out_client = client;
    return OK;
}

static void wipe(const char *text)
{
    char *bytes = (char *)(uintptr_t)text;
    explicit_bzero(bytes, strlen(bytes));
    mem_free(bytes);
}

void s3_client_close(S3Client *client)
{
    if (client == NULL)
        return;
    http_client_close(client->http);
    while (client->credentials != NULL) {
        KeySet *set = client->credentials;
        client->credentials = set->older;
        wipe(set->keys.access_key);
        wipe(set->keys.secret_key);
        wipe(set->keys.session_token);
        mem_free(set);
    }
    mutex_deinit(&client->lock);
    mem_free(client->scheme);
    mem_free(client->host);
    mem_free(client->region);
    mem_free(client->bucket);
    mem_free(client->prefix);
    mem_free(client);
}

void s3_client_set_credentials(S3Client *client, const S3Credentials *credentials)
{
    const char *token = credentials->session_token == NULL ? "" : credentials->session_token;
    mutex_lock(&client->lock);
    const KeySet *now = client->credentials;
    bool is_same = now != NULL && credentials->access_key != NULL && credentials->secret_key != NULL &&
                   strcmp(now->keys.access_key, credentials->access_key) == 0 &&
                   strcmp(now->keys.secret_key, credentials->secret_key) == 0 && strcmp(now->keys.session_token, token) == 0;
    mutex_unlock(&client->lock);
    if (is_same)
        return;
    KeySet *set = mem_alloc_zero(sizeof(*set));
    set->keys = (S3Credentials){copy_text(credentials->access_key), copy_text(credentials->secret_key),
                                copy_text(credentials->session_token)};
    LOCK_GUARD(&client->lock);
    set->older = client->credentials;
    client->credentials = set;
}

static const S3Credentials *current_credentials(S3Client *client)
{
    LOCK_GUARD(&client->lock);
    return &client->credentials->keys;
}

void s3_client_stats(const S3Client *client, S3Stats *out_stats)
{
    *out_stats = (S3Stats){client->requests, client->retries, client->failures, client->read_bytes, client->written_bytes};
}

/* ---- one try ---- */

typedef struct Address {
    ByteBuf host, path, url;
} Address;

static void address_deinit(Address *address)
{
    bytebuf_deinit(&address->host);
    bytebuf_deinit(&address->path);
    bytebuf_deinit(&address->url);
}

static void make_address(const S3Client *client, const S3Request *request, Address *out)
{
    if (!client->is_path_style)
        bytebuf_printf(&out->host, "%s.", client->bucket);
    bytebuf_append_text(&out->host, client->host);
    bytebuf_append_char(&out->path, '/');
    if (client->is_path_style) {
        s3_encode(strview(client->bucket), false, &out->path);
        bytebuf_append_text(&out->path, request->key == NULL ? "" : "/");
    }
    if (request->key != NULL) {
        s3_encode(strview(client->prefix), true, &out->path);
        s3_encode(strview(request->key), true, &out->path);
    }
    bytebuf_printf(&out->url, "%s://%s%s%s", client->scheme, out->host.data, out->path.data, request->parameter_count > 0 ? "?" : "");
    s3_query(request->parameters, request->parameter_count, &out->url);
}

static uint32_t signed_headers(const S3Request *request, const Address *address, SignedHeader *out)
{
    uint32_t count = 0;
    out[count++] = (SignedHeader){"host", bytebuf_view(&address->host)};
    if (request->header_name != NULL)
        out[count++] = (SignedHeader){request->header_name, strview(request->header_value)};
    if (request->second_name != NULL)
        out[count++] = (SignedHeader){request->second_name, strview(request->second_value)};
    return count;
}

/* Lines as they are sent, one after the other with a NUL between. */
static void add_line(ByteBuf *lines, uint32_t *offsets, uint32_t *count, const char *name, StrView value)
{
    offsets[(*count)++] = (uint32_t)lines->length;
    bytebuf_printf(lines, "%s: %.*s", name, SV_ARGS(value));
    bytebuf_append_char(lines, '\0');
}

static Status send_once(S3Client *client, const S3Request *request, Diag *diag, HttpResponse *response)
{
    CLEANUP(address_deinit) Address address = {0};
    CLEANUP(bytebuf_deinit) ByteBuf lines = {0};
    SignedHeader headers[MOST_SIGNED_HEADERS];
    Signature signature = {0};
    uint32_t offsets[MOST_SIGNED_HEADERS + 4], count = 0;
    const char *pointers[MOST_SIGNED_HEADERS + 4];
    make_address(client, request, &address);
    const S3Credentials *credentials = current_credentials(client);
    SignRequest wanted = {.credentials = credentials, .region = client->region, .service = "s3", .method = request->method,
                          .path = bytebuf_view(&address.path), .parameters = request->parameters,
                          .parameter_count = request->parameter_count, .headers = headers, .body = request->body,
                          .time_us = env_wall_us(client->environment)};
    wanted.header_count = signed_headers(request, &address, headers);
    for (uint32_t i = 0; i < wanted.header_count; i++)
        add_line(&lines, offsets, &count, headers[i].name, headers[i].value);
    if (credentials->access_key[0] != '\0') { /* a public bucket wants none */
        s3_sign(&wanted, &signature);
        add_line(&lines, offsets, &count, "x-amz-date", strview(signature.time));
        add_line(&lines, offsets, &count, "x-amz-content-sha256", strview(signature.payload));
        add_line(&lines, offsets, &count, "authorization", bytebuf_view(&signature.authorization));
        if (credentials->session_token[0] != '\0')
            add_line(&lines, offsets, &count, "x-amz-security-token", strview(credentials->session_token));
    }
    bytebuf_deinit(&signature.authorization);
    for (uint32_t i = 0; i < count; i++)
        pointers[i] = lines.data + offsets[i];
    HttpRequest http = {.method = request->method, .url = address.url.data, .headers = pointers, .header_count = count,
                        .body = request->body, .most_bytes = request->most_bytes, .timeout_ms = client->request_timeout_ms};
    if (strcmp(request->method, "GET") == 0) /* what a write has done must be known */
        http.cancelled = read_scope_cancelled();
    return http_client_perform(client->http, &http, diag, response);
}

/* ---- answers ---- */

static void read_error(const HttpResponse *response, ByteBuf *out_code, ByteBuf *out_message)
{
    XmlReader xml;
    StrView name;
    xml_reader_init(&xml, bytebuf_view(&response->body));
    while (xml_reader_next(&xml, &name) != XML_DONE) {
        if (xml.depth != 1 || !strview_is(xml.path[0], "Error"))
            continue;
        if (strview_is(name, "Code"))
            bytebuf_append_view(out_code, bytebuf_view(&xml.value));
        if (strview_is(name, "Message"))
            bytebuf_append_view(out_message, bytebuf_view(&xml.value));
    }
    xml_reader_deinit(&xml);
}

bool s3_is_error_code(const HttpResponse *response, const char *code)
{
    AUTO_BYTEBUF found = {0};
    AUTO_BYTEBUF message = {0};
    read_error(response, &found, &message);
    return strview_is(bytebuf_view(&found), code);
}

Status s3_answer_error(const S3Client *client, const S3Request *request, const HttpResponse *response, Diag *diag)
{
    AUTO_BYTEBUF code = {0};
    AUTO_BYTEBUF message = {0};
    const char *key = request->key == NULL ? "" : request->key;
    read_error(response, &code, &message);
    StrView name = bytebuf_view(&code);
    if (response->status == 404 && !strview_is(name, "NoSuchBucket") && request->key != NULL)
        return RAISE(diag, NO_SUCH_OBJECT, "object \"%s\" does not exist", key);
    if (strview_is(name, "QuotaExceeded") || response->status == 507)
        return RAISE(diag, NO_SPACE, "could not write object \"%s\": the quota of bucket \"%s\" is used up", key, client->bucket);
    if (response->status == 501)
        return RAISE(diag, VOLUME_UNSAFE, "the S3 service at \"%s\" does not know an operation that is needed (%s of \"%s\"): %.*s",
                     client->host, request->method, key, SV_ARGS(bytebuf_view(&message)));
    return RAISE(diag, IO, "S3 %s of \"%s\" in bucket \"%s\" at \"%s\" failed with status %d%s%.*s%s%.*s", request->method, key,
                 client->bucket, client->host, response->status, name.length > 0 ? " " : "", SV_ARGS(name), message.length > 0 ? ": " : "",
                 SV_ARGS(bytebuf_view(&message)));
}

static bool asks_for_another_try(const S3Request *request, const HttpResponse *response)
{
    switch (response->status) {
    case 408:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
        return true;
    case 409:
        return request->is_conditional;
    case 400:
        return s3_is_error_code(response, "RequestTimeout");
    default:
        return false;
    }
}

/* ---- retries ---- */

static void wait_before(S3Client *client, uint32_t tries)
{
    uint32_t failing = atomic_load(&client->failing);
    uint32_t level = MIN(failing, (uint32_t)MOST_LEVEL);
    uint64_t most = MIN((uint64_t)FIRST_WAIT_US << MIN(tries, 10u), (uint64_t)LONGEST_WAIT_US);
    uint64_t least = MIN((uint64_t)FIRST_WAIT_US << level, (uint64_t)LONGEST_WAIT_US) / 2;
    uint64_t wait = env_random(client->environment) % most + (level > 2 ? least : 0);
    env_sleep_us(client->environment, (int64_t)MIN(wait, (uint64_t)LONGEST_WAIT_US));
}

static void note_answer(S3Client *client, const S3Request *request, const HttpResponse *response)
{
    atomic_store(&client->failing, 0);
    atomic_fetch_add(&client->read_bytes, response->body.length);
    atomic_fetch_add(&client->written_bytes, request->body.length);
}

Status s3_request(S3Client *client, S3Request *request, Diag *diag, HttpResponse *response)
{
    int64_t until_us = env_monotonic_us(client->environment) + client->retry_timeout_ms * 1000;
    for (request->tries = 1;; request->tries++) {
        Diag trouble = {0};
        atomic_fetch_add(&client->requests, 1);
        Status status = send_once(client, request, &trouble, response);
        if (status == OK && !asks_for_another_try(request, response)) {
            note_answer(client, request, response);
            return OK;
        }
        if (status == OK)
            status = s3_answer_error(client, request, response, &trouble);
        atomic_fetch_add(&client->failing, 1);
        if (read_scope_is_cancelled() && strcmp(request->method, "GET") == 0)
            status = ERR_CANCELLED;
        if (status == ERR_CANCELLED || env_monotonic_us(client->environment) >= until_us) {
            atomic_fetch_add(&client->failures, 1);
            return diag_raise(diag, status == ERR_CANCELLED ? status : ERR_IO, "%s (given up after %u tries)", trouble.message,
                              request->tries);
        }
        LOG_DEBUG("s3", "trying again: %s", trouble.message);
        atomic_fetch_add(&client->retries, 1);
        wait_before(client, request->tries);
    }
}
