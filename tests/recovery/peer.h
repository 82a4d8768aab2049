#pragma once
/* What the writers of the recovery tests talk to a server with: SQL through MariaDB Connector/C, loads through libcurl. */

#include <mysql.h>

#include "base/bytes.h"
#include "base/memory.h"

typedef enum Outcome {
    OUTCOME_DONE,    /* acknowledged */
    OUTCOME_REFUSED, /* the server says that nothing has happened */
    OUTCOME_UNKNOWN, /* no answer, or the server does not know */
} Outcome;

/* NULL when there is no server. */
MYSQL *peer_connect(int query_port, const char *database);
MYSQL *peer_connect_to(const char *host, int query_port, const char *database);
Outcome peer_run(MYSQL *mysql, const char *sql);
/* First cell of the first row as a number; false when the statement failed. An empty result is 0. */
bool peer_number(MYSQL *mysql, const char *sql, int64_t *out_value);
/* Like peer_number() for rows of up to 4 numbers; mem_free() *out_rows. */
typedef struct NumberRow {
    int64_t cells[4];
} NumberRow;
bool peer_rows(MYSQL *mysql, const char *sql, NumberRow **out_rows, uint32_t *out_count);

typedef struct LoadReply {
    Outcome outcome;
    char status[40];   /* "Success", "Label Already Exists", ... */
    char existing[40]; /* ExistingJobStatus */
    int64_t loaded;
} LoadReply;
LoadReply peer_load(int http_port, const char *database, const char *table, const char *label, StrView body);
LoadReply peer_load_to(const char *host, int http_port, const char *database, const char *table, const char *label, StrView body);
/* State of a label as get_load_state tells it, "" without an answer. */
void peer_load_state(int http_port, const char *database, const char *label, char out_state[40]);
