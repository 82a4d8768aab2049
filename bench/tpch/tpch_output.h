#pragma once
/* Where a table goes: a file, or a server's Stream Load. Each call generates and delivers one whole
 * table and reports the number of its bytes. */

#include "tpch/tpch_source.h"

/* Writes DIRECTORY/NAME.tbl; makes the directory if it is missing. */
Status tpch_write_file(const TpchTable *table, TpchSource *source, const char *directory,
                       uint64_t *out_bytes, Diag *diag);

typedef struct TpchServer {
    const char *url; /* "http://host:port" */
    const char *database;
    const char *user;
    const char *password;
} TpchServer;

/* Appends the server's answer to `reply`, also when the load failed. */
Status tpch_load_server(const TpchTable *table, TpchSource *source, const TpchServer *server,
                        ByteBuf *reply, uint64_t *out_bytes, Diag *diag);
