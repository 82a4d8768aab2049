#include "tpch/tpch_output.h"

/* Loading a table by Stream Load: one PUT whose body is generated while it is sent.
 *
 * The body's size is not known beforehand, so it goes out in HTTP chunks. The server is asked with
 * Expect: 100-continue first; one that answers with a redirect is followed, with the credentials,
 * before any of the body is sent. The answer is JSON; only Status "Success" counts. */

#include <curl/curl.h>
#include <jansson.h>

#include "base/environment.h"

enum {
    REPLY_MAX_BYTES = 1 << 20,
    UPLOAD_BUFFER_BYTES = 1 << 20,
    CONTINUE_TIMEOUT_MS = 10000, /* then the body is sent unasked */
};

typedef struct LoadTransfer {
    TpchSource *source;
    StrView left; /* of the chunk being sent */
    uint64_t sent_bytes;
    ByteBuf *reply;
    bool reply_too_long;
} LoadTransfer;

static size_t load_read(char *buffer, size_t size, size_t count, void *argument)
{
    LoadTransfer *transfer = argument;
    if (transfer->left.length == 0)
        transfer->left = tpch_source_next(transfer->source);
    size_t length = MIN(size * count, transfer->left.length);
    if (length == 0)
        return 0;
    memcpy(buffer, transfer->left.data, length);
    transfer->left = strview_n(transfer->left.data + length, transfer->left.length - length);
    transfer->sent_bytes += length;
    return length;
}

static size_t load_reply(char *data, size_t size, size_t count, void *argument)
{
    LoadTransfer *transfer = argument;
    if (transfer->reply->length + size * count > REPLY_MAX_BYTES) {
        transfer->reply_too_long = true;
        return 0;
    }
    bytebuf_append(transfer->reply, data, size * count);
    return size * count;
}

static struct curl_slist *header_add(struct curl_slist *list, ByteBuf *line)
{
    struct curl_slist *longer = curl_slist_append(list, line->data);
    bytebuf_clear(line);
    CHECK(longer != NULL);
    return longer;
}

/* Lines end with a separator, which StarRocks takes for an empty last column: it is named here and
 * so skipped. */
static struct curl_slist *load_headers(const TpchTable *table)
{
    AUTO_BYTEBUF line = {0};
    struct curl_slist *list = NULL;
    bytebuf_append_text(&line, "Expect: 100-continue");
    list = header_add(list, &line);
    bytebuf_append_text(&line, "column_separator: |");
    list = header_add(list, &line);
    bytebuf_printf(&line, "columns: %s,trailing", table->columns);
    list = header_add(list, &line);
    bytebuf_printf(&line, "label: tpch_%s_%lld", table->name,
                   (long long)env_wall_us(environment_real()));
    return header_add(list, &line);
}

static Status check_reply(const TpchTable *table, long http_status, const ByteBuf *reply,
                          Diag *diag)
{
    if (http_status != 200)
        return RAISE(diag, NETWORK, "load of table \"%s\": the server answered HTTP %ld",
                     table->name, http_status);
    json_error_t error;
    json_t *root = json_loadb(reply->data == NULL ? "" : reply->data, reply->length, 0, &error);
    const char *status = json_string_value(json_object_get(root, "Status"));
    const char *message = json_string_value(json_object_get(root, "Message"));
    Status result = OK;
    if (status == NULL)
        result = RAISE(diag, NETWORK, "load of table \"%s\": the answer is not that of a load",
                       table->name);
    else if (strcmp(status, "Success") != 0)
        result = RAISE(diag, BAD_VALUE, "load of table \"%s\" ended with status \"%s\": %s",
                       table->name, status, message == NULL ? "" : message);
    json_decref(root);
    return result;
}

static Status load_perform(CURL *curl, const TpchTable *table, LoadTransfer *transfer, Diag *diag)
{
    char text[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, text);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
    if (transfer->reply_too_long)
        return RAISE(diag, NETWORK, "load of table \"%s\": the answer exceeds %d bytes",
                     table->name, REPLY_MAX_BYTES);
    if (code != CURLE_OK)
        return RAISE(diag, NETWORK, "load of table \"%s\": %s", table->name,
                     text[0] != '\0' ? text : curl_easy_strerror(code));
    long http_status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &http_status);
    return check_reply(table, http_status, transfer->reply, diag);
}

Status tpch_load_server(const TpchTable *table, TpchSource *source, const TpchServer *server,
                        ByteBuf *reply, uint64_t *out_bytes, Diag *diag)
{
    LoadTransfer transfer = {.source = source, .reply = reply};
    AUTO_BYTEBUF url = {0};
    bytebuf_printf(&url, "%s/api/%s/%s/_stream_load", server->url, server->database, table->name);
    CURL *curl = curl_easy_init();
    if (curl == NULL)
        return RAISE(diag, OUT_OF_MEMORY, "could not start an HTTP transfer");
    struct curl_slist *headers = load_headers(table);
    curl_easy_setopt(curl, CURLOPT_URL, url.data);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER_BYTES);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, load_read);
    curl_easy_setopt(curl, CURLOPT_READDATA, &transfer);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, load_reply);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(curl, CURLOPT_USERNAME, server->user);
    curl_easy_setopt(curl, CURLOPT_PASSWORD, server->password);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_UNRESTRICTED_AUTH, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 3L);
    curl_easy_setopt(curl, CURLOPT_EXPECT_100_TIMEOUT_MS, (long)CONTINUE_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    Status status = load_perform(curl, table, &transfer, diag);
    *out_bytes = transfer.sent_bytes;
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return status;
}
