#pragma once
/* Named connections to one server through MariaDB Connector/C, and HTTP requests through libcurl. */

#include "sql_runner/script.h"

typedef struct Client Client;

typedef struct Cells {
    uint32_t columns;
    uint32_t rows;
    StrView *values; /* row after row, as they are compared: NULL as text, newlines as \n */
} Cells;

typedef struct Answer {
    bool is_error;
    int error_number;
    const char *message;
    Cells cells; /* of the last result that has columns */
} Answer;

/* Each new connection uses the database, then runs the settings. */
Client *client_open(int query_port, const char *database, const char *const *settings, int setting_count);
void client_close(Client *client);
/* The next statements go to the connection of that name, which is made when it is new. */
void client_choose(Client *client, const char *name);
/* An error of the server is an answer too. The cells live in the arena. */
Answer client_run(Client *client, const char *sql, Arena *arena);

typedef struct HttpRequest {
    const char *method;
    const char *url;
    const Lines *headers;
    const char *body; /* NULL: none */
} HttpRequest;

/* Returns the status, or 0 and the reason as the reply. */
long http_run(const HttpRequest *request, ByteBuf *out_reply);
