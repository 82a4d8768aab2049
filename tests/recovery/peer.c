#include "recovery/peer.h"

/* Every call has a time limit: a server that hangs is a failure, not a test that never ends. */

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECONDS_MAX = 20, CLIENT_ERRORS = 2000, CLIENT_ERRORS_END = 3000 };

MYSQL *peer_connect(int query_port, const char *database)
{
    return peer_connect_to("127.0.0.1", query_port, database);
}

MYSQL *peer_connect_to(const char *host, int query_port, const char *database)
{
    MYSQL *mysql = mysql_init(NULL);
    unsigned int seconds = SECONDS_MAX;
    mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &seconds);
    mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    if (mysql_real_connect(mysql, host, "root", "", database, (unsigned int)query_port, NULL, 0) != NULL)
        return mysql;
    mysql_close(mysql);
    return NULL;
}

static Outcome failure_of(MYSQL *mysql)
{
    unsigned int number = mysql_errno(mysql);
    bool is_unknown = (number >= CLIENT_ERRORS && number < CLIENT_ERRORS_END) || strcmp(mysql_sqlstate(mysql), "40003") == 0;
    return is_unknown ? OUTCOME_UNKNOWN : OUTCOME_REFUSED;
}

Outcome peer_run(MYSQL *mysql, const char *sql)
{
    if (mysql == NULL || mysql_real_query(mysql, sql, strlen(sql)) != 0)
        return mysql == NULL ? OUTCOME_REFUSED : failure_of(mysql);
    MYSQL_RES *result = mysql_store_result(mysql);
    if (result == NULL && mysql_errno(mysql) != 0)
        return failure_of(mysql);
    if (result != NULL)
        mysql_free_result(result);
    return OUTCOME_DONE;
}

bool peer_rows(MYSQL *mysql, const char *sql, NumberRow **out_rows, uint32_t *out_count)
{
    *out_rows = NULL;
    *out_count = 0;
    if (mysql == NULL || mysql_real_query(mysql, sql, strlen(sql)) != 0)
        return false;
    MYSQL_RES *result = mysql_store_result(mysql);
    if (result == NULL)
        return false;
    unsigned int columns = mysql_num_fields(result);
    *out_rows = mem_alloc_zero((mysql_num_rows(result) + 1) * sizeof(NumberRow));
    for (MYSQL_ROW row; (row = mysql_fetch_row(result)) != NULL; ++*out_count) {
        for (unsigned int c = 0; c < columns && c < 4; c++)
            (*out_rows)[*out_count].cells[c] = row[c] == NULL ? 0 : strtoll(row[c], NULL, 10);
    }
    mysql_free_result(result);
    return true;
}

bool peer_number(MYSQL *mysql, const char *sql, int64_t *out_value)
{
    NumberRow *rows;
    uint32_t count;
    bool is_answered = peer_rows(mysql, sql, &rows, &count);
    *out_value = count > 0 ? rows[0].cells[0] : 0;
    mem_free(rows);
    return is_answered;
}

static size_t keep_reply(char *data, size_t size, size_t count, void *reply)
{
    bytebuf_append(reply, data, size * count);
    return size * count;
}

static long request(CURL *curl, ByteBuf *reply)
{
    long status = 0;
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_reply);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
    curl_easy_setopt(curl, CURLOPT_USERPWD, "root:");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)SECONDS_MAX);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L); /* a follower sends loads to the leader */
    curl_easy_setopt(curl, CURLOPT_UNRESTRICTED_AUTH, 1L);
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    bytebuf_append_char(reply, '\0');
    return status;
}

/* The text behind "name": in a reply of one level. */
static void json_text(const char *json, const char *name, char out[40])
{
    char key[64];
    snprintf(key, sizeof(key), "\"%s\":", name);
    const char *at = strstr(json, key);
    out[0] = '\0';
    if (at == NULL)
        return;
    at += strlen(key);
    at += strspn(at, " \"");
    size_t length = strcspn(at, "\",}\n");
    snprintf(out, 40, "%.*s", (int)MIN(length, (size_t)39), at);
}

LoadReply peer_load(int http_port, const char *database, const char *table, const char *label, StrView body)
{
    return peer_load_to("127.0.0.1", http_port, database, table, label, body);
}

LoadReply peer_load_to(const char *host, int http_port, const char *database, const char *table, const char *label, StrView body)
{
    LoadReply reply = {.outcome = OUTCOME_UNKNOWN};
    AUTO_BYTEBUF text = {0};
    char url[256], header[128], loaded[40];
    CURL *curl = curl_easy_init();
    snprintf(url, sizeof(url), "http://%s:%d/api/%s/%s/_stream_load", host, http_port, database, table);
    snprintf(header, sizeof(header), "label: %s", label);
    struct curl_slist *headers = curl_slist_append(NULL, header);
    headers = curl_slist_append(headers, "column_separator: ,");
    headers = curl_slist_append(headers, "Expect: 100-continue");
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "PUT");
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body.length);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (request(curl, &text) == 200) {
        json_text((const char *)text.data, "Status", reply.status);
        json_text((const char *)text.data, "ExistingJobStatus", reply.existing);
        json_text((const char *)text.data, "NumberLoadedRows", loaded);
        reply.loaded = strtoll(loaded, NULL, 10);
        bool is_unknown = strstr((const char *)text.data, "ask by label") != NULL || reply.status[0] == '\0';
        reply.outcome = strcmp(reply.status, "Success") == 0 ? OUTCOME_DONE : is_unknown ? OUTCOME_UNKNOWN : OUTCOME_REFUSED;
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return reply;
}

void peer_load_state(int http_port, const char *database, const char *label, char out_state[40])
{
    AUTO_BYTEBUF text = {0};
    char url[256];
    CURL *curl = curl_easy_init();
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/api/%s/get_load_state?label=%s", http_port, database, label);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    out_state[0] = '\0';
    if (request(curl, &text) == 200)
        json_text((const char *)text.data, "state", out_state);
    curl_easy_cleanup(curl);
}
