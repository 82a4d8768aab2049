#include "sql_runner/client.h"

/* A connection is made by its first statement, and again by the first one after it was lost. */

#include <curl/curl.h>
#include <mysql.h>
#include <stdio.h>

enum { CONNECTIONS_MAX = 16, NAME_BYTES = 64, SECONDS_MAX = 300, LOST_CONNECTION = 2013 };

typedef struct NamedConnection {
    char name[NAME_BYTES];
    MYSQL *mysql; /* NULL: connected by the next statement */
} NamedConnection;

struct Client {
    int query_port;
    const char *database;
    const char *const *settings;
    int setting_count;
    NamedConnection connections[CONNECTIONS_MAX];
    int count;
    int chosen;
};

Client *client_open(int query_port, const char *database, const char *const *settings, int setting_count)
{
    Client *client = mem_alloc_zero(sizeof(*client));
    *client = (Client){.query_port = query_port, .database = database, .settings = settings, .setting_count = setting_count};
    client_choose(client, "default");
    return client;
}

void client_close(Client *client)
{
    if (client == NULL)
        return;
    for (int i = 0; i < client->count; i++) {
        if (client->connections[i].mysql != NULL)
            mysql_close(client->connections[i].mysql);
    }
    mem_free(client);
}

void client_choose(Client *client, const char *name)
{
    for (int i = 0; i < client->count; i++) {
        if (strcmp(client->connections[i].name, name) == 0) {
            client->chosen = i;
            return;
        }
    }
    CHECK(client->count < CONNECTIONS_MAX);
    client->chosen = client->count++;
    snprintf(client->connections[client->chosen].name, NAME_BYTES, "%s", name);
}

static Answer failure(MYSQL *mysql, Arena *arena)
{
    return (Answer){.is_error = true, .error_number = (int)mysql_errno(mysql), .message = arena_strdup(arena, mysql_error(mysql))};
}

/* Rows are lines and cells are divided by tabs, so neither may be in a cell. */
static StrView shown(const char *data, size_t length, Arena *arena)
{
    AUTO_BYTEBUF text = {0};
    if (data == NULL)
        return STR_VIEW("NULL");
    for (size_t i = 0; i < length; i++) {
        if (data[i] == '\n')
            bytebuf_append_text(&text, "\\n");
        else if (data[i] == '\t')
            bytebuf_append_text(&text, "\\t");
        else if (data[i] == '\0')
            bytebuf_append_text(&text, "\\0");
        else
            bytebuf_append_char(&text, data[i]);
    }
    return strview_n(arena_strndup(arena, text.data == NULL ? "" : text.data, text.length), text.length);
}

static Cells take_cells(MYSQL_RES *result, Arena *arena)
{
    Cells cells = {.columns = mysql_num_fields(result), .rows = (uint32_t)mysql_num_rows(result)};
    cells.values = ARENA_NEW_ARRAY(arena, StrView, (size_t)cells.columns * cells.rows + 1);
    StrView *next = cells.values;
    for (MYSQL_ROW row; (row = mysql_fetch_row(result)) != NULL;) {
        const unsigned long *lengths = mysql_fetch_lengths(result);
        for (uint32_t c = 0; c < cells.columns; c++)
            *next++ = shown(row[c], lengths[c], arena);
    }
    return cells;
}

/* All results of a text of several statements. */
static Answer take_results(MYSQL *mysql, Arena *arena)
{
    Answer answer = {0};
    for (int more = 0; more == 0;) {
        MYSQL_RES *result = mysql_store_result(mysql);
        if (result != NULL) {
            answer.cells = take_cells(result, arena);
            mysql_free_result(result);
        } else if (mysql_errno(mysql) != 0) {
            return failure(mysql, arena);
        }
        more = mysql_next_result(mysql);
        if (more > 0)
            return failure(mysql, arena);
    }
    return answer;
}

static Answer query(MYSQL *mysql, const char *sql, Arena *arena)
{
    if (mysql_real_query(mysql, sql, strlen(sql)) != 0)
        return failure(mysql, arena);
    return take_results(mysql, arena);
}

static Answer connect_now(const Client *client, MYSQL *mysql, Arena *arena)
{
    unsigned int seconds = SECONDS_MAX;
    mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &seconds);
    mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (mysql_real_connect(mysql, "127.0.0.1", "root", "", client->database, (unsigned int)client->query_port, NULL,
                           CLIENT_MULTI_STATEMENTS) == NULL)
        return failure(mysql, arena);
    for (int i = 0; i < client->setting_count; i++) {
        Answer answer = query(mysql, client->settings[i], arena);
        if (answer.is_error)
            return answer;
    }
    return (Answer){0};
}

Answer client_run(Client *client, const char *sql, Arena *arena)
{
    NamedConnection *connection = &client->connections[client->chosen];
    if (connection->mysql == NULL) {
        MYSQL *mysql = mysql_init(NULL);
        CHECK(mysql != NULL);
        Answer answer = connect_now(client, mysql, arena);
        if (answer.is_error) {
            mysql_close(mysql);
            return answer;
        }
        connection->mysql = mysql;
    }
    Answer answer = query(connection->mysql, sql, arena);
    if (answer.is_error && (answer.error_number == LOST_CONNECTION || answer.error_number == LOST_CONNECTION - 7)) {
        mysql_close(connection->mysql); /* killed, or the server has gone */
        connection->mysql = NULL;
    }
    return answer;
}

static size_t take_reply(char *data, size_t size, size_t count, void *argument)
{
    bytebuf_append(argument, data, size * count);
    return size * count;
}

long http_run(const HttpRequest *request, ByteBuf *out_reply)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = NULL;
    long http_status = 0;
    CHECK(curl != NULL);
    for (uint32_t i = 0; i < request->headers->count; i++) {
        char line[1024];
        snprintf(line, sizeof(line), "%.*s", SV_ARGS(request->headers->items[i]));
        headers = curl_slist_append(headers, line);
    }
    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_USERPWD, "root:");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)SECONDS_MAX);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_reply);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, out_reply);
    if (request->body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(request->body));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
    }
    CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK)
        bytebuf_printf(out_reply, "%s", curl_easy_strerror(code));
    else
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &http_status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return http_status;
}
