#include "io/http_client.h"

/* Easy handles in a pool, the one used last first, so that few connections do most of the work and the others
 * go idle. Redirects are not followed and nothing is retried here: who signs requests has to know of both. */

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/environment.h"
#include "base/memory.h"
#include "base/thread.h"

enum { MOST_IDLE = 64, CONNECT_MS = 3000, SLOWEST_BYTES_MS = 64 };

typedef struct IdleHandle {
    struct IdleHandle *next;
    CURL *curl;
} IdleHandle;

struct HttpClient {
    HttpClientOptions options;
    Mutex lock; /* guards the rest */
    IdleHandle *idle;
    uint32_t idle_count;
};

/* One request under way. */
typedef struct Transfer {
    const HttpRequest *request;
    HttpResponse *response;
    size_t sent;
    int64_t started_us;
    bool is_too_long, is_too_slow;
} Transfer;

static void init_library(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

HttpClient *http_client_open(const HttpClientOptions *options)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_library);
    HttpClient *client = mem_alloc_zero(sizeof(*client));
    client->options = *options;
    if (client->options.connect_timeout_ms <= 0)
        client->options.connect_timeout_ms = CONNECT_MS;
    if (options->ca_file != NULL)
        client->options.ca_file = mem_strdup(options->ca_file);
    mutex_init(&client->lock);
    return client;
}

void http_client_close(HttpClient *client)
{
    if (client == NULL)
        return;
    while (client->idle != NULL) {
        IdleHandle *handle = client->idle;
        client->idle = handle->next;
        curl_easy_cleanup(handle->curl);
        mem_free(handle);
    }
    mutex_deinit(&client->lock);
    mem_free((void *)(uintptr_t)client->options.ca_file);
    mem_free(client);
}

static CURL *take_handle(HttpClient *client)
{
    mutex_lock(&client->lock);
    IdleHandle *handle = client->idle;
    if (handle != NULL) {
        client->idle = handle->next;
        client->idle_count--;
    }
    mutex_unlock(&client->lock);
    if (handle == NULL)
        return curl_easy_init();
    CURL *curl = handle->curl;
    mem_free(handle);
    curl_easy_reset(curl); /* keeps connections */
    return curl;
}

static void give_back(HttpClient *client, CURL *curl)
{
    IdleHandle *handle = mem_alloc_zero(sizeof(*handle));
    handle->curl = curl;
    mutex_lock(&client->lock);
    bool is_kept = client->idle_count < MOST_IDLE;
    if (is_kept) {
        handle->next = client->idle;
        client->idle = handle;
        client->idle_count++;
    }
    mutex_unlock(&client->lock);
    if (is_kept)
        return;
    curl_easy_cleanup(curl);
    mem_free(handle);
}

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    Transfer *transfer = context;
    size_t length = size * count;
    if (transfer->response->body.length + length > transfer->request->most_bytes) {
        transfer->is_too_long = true;
        return 0;
    }
    bytebuf_append(&transfer->response->body, data, length);
    return length;
}

static size_t give_body(char *out, size_t size, size_t count, void *context)
{
    Transfer *transfer = context;
    StrView body = transfer->request->body;
    size_t length = MIN(size * count, body.length - transfer->sent);
    memcpy(out, body.data + transfer->sent, length);
    transfer->sent += length;
    return length;
}

/* A connection that was kept may turn out to be dead: libcurl begins anew on another then. */
static int rewind_body(void *context, curl_off_t offset, int origin)
{
    Transfer *transfer = context;
    if (origin != SEEK_SET || offset < 0 || (size_t)offset > transfer->request->body.length)
        return CURL_SEEKFUNC_FAIL;
    transfer->sent = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static void copy_value(StrView value, char out[HTTP_HEADER_BYTES])
{
    size_t length = MIN(value.length, (size_t)HTTP_HEADER_BYTES - 1);
    memcpy(out, value.data, length);
    out[length] = '\0';
}

static size_t take_header(char *data, size_t size, size_t count, void *context)
{
    Transfer *transfer = context;
    StrView line = strview_trim(strview_n(data, size * count));
    if (strview_starts_with_ci(line, STR_VIEW("HTTP/"))) { /* another answer begins: 100 Continue, a retry */
        transfer->response->body.length = 0;
        transfer->response->range_total = 0;
        transfer->response->etag[0] = '\0';
    } else if (strview_starts_with_ci(line, STR_VIEW("etag:"))) {
        copy_value(strview_trim(strview_n(line.data + 5, line.length - 5)), transfer->response->etag);
    } else if (strview_starts_with_ci(line, STR_VIEW("content-range:"))) {
        char text[HTTP_HEADER_BYTES];
        copy_value(line, text);
        const char *slash = strchr(text, '/');
        transfer->response->range_total = slash == NULL ? 0 : strtoull(slash + 1, NULL, 10);
    }
    return size * count;
}

/* Whoever sends 64 bytes a millisecond gets the time that this takes on top: a deadline for answers of any length. */
static int look(void *context, curl_off_t download_total, curl_off_t downloaded, curl_off_t upload_total, curl_off_t uploaded)
{
    Transfer *transfer = context;
    int64_t now_us = env_monotonic_us(environment_real());
    int64_t allowed_ms = transfer->request->timeout_ms + (int64_t)(downloaded + uploaded) / SLOWEST_BYTES_MS;
    (void)download_total;
    (void)upload_total;
    transfer->is_too_slow = now_us - transfer->started_us > allowed_ms * 1000;
    return transfer->is_too_slow || (transfer->request->cancelled != NULL && atomic_load(transfer->request->cancelled));
}

static struct curl_slist *header_list(const HttpRequest *request)
{
    struct curl_slist *list = curl_slist_append(NULL, "Expect:"); /* else a PUT waits a second for permission */
    for (uint32_t i = 0; i < request->header_count; i++)
        list = curl_slist_append(list, request->headers[i]);
    return list;
}

static void set_method(CURL *curl, const HttpRequest *request, Transfer *transfer)
{
    bool is_put = strcmp(request->method, "PUT") == 0;
    if (is_put || strcmp(request->method, "POST") == 0) {
        curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_body);
        curl_easy_setopt(curl, CURLOPT_READDATA, transfer);
        curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, rewind_body);
        curl_easy_setopt(curl, CURLOPT_SEEKDATA, transfer);
        curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body.length);
    }
    if (strcmp(request->method, "HEAD") == 0)
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    else if (!is_put)
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_options(CURL *curl, const HttpClient *client, const HttpRequest *request, Transfer *transfer)
{
    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 256L * 1024);
    curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)client->options.connect_timeout_ms);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer);
    if (client->options.ca_file != NULL)
        curl_easy_setopt(curl, CURLOPT_CAINFO, client->options.ca_file);
    set_method(curl, request, transfer);
}

/* Scheme, host and path: what follows the question mark may be a secret. */
static Status no_answer(const HttpRequest *request, const char *why, Diag *diag)
{
    return RAISE(diag, NETWORK, "%s %.*s: %s", request->method, (int)strcspn(request->url, "?"), request->url, why);
}

Status http_client_perform(HttpClient *client, const HttpRequest *request, Diag *diag, HttpResponse *response)
{
    char detail[CURL_ERROR_SIZE] = "";
    long status = 0;
    response->body.length = 0;
    response->status = 0;
    response->range_total = 0;
    response->etag[0] = '\0';
    CURL *curl = take_handle(client);
    if (curl == NULL)
        return no_answer(request, "no handle could be made", diag);
    Transfer transfer = {.request = request, .response = response, .started_us = env_monotonic_us(environment_real())};
    struct curl_slist *headers = header_list(request);
    set_options(curl, client, request, &transfer);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
    curl_slist_free_all(headers);
    give_back(client, curl);
    response->status = (int)status;
    if (transfer.is_too_long)
        return no_answer(request, "the answer is longer than it may be", diag);
    if (transfer.is_too_slow)
        return no_answer(request, "the answer did not come in time", diag);
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return RAISE(diag, CANCELLED, "the request was cancelled");
    if (code != CURLE_OK)
        return no_answer(request, detail[0] != '\0' ? detail : curl_easy_strerror(code), diag);
    return OK;
}
