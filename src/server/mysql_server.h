#pragma once
/* The MySQL protocol server: one event-loop thread moves bytes, statements run on a pool of
 * threads that grows with demand, so that an idle connection costs its buffers and nothing else. */

#include "session/session.h"

typedef struct MysqlServer MysqlServer;

typedef struct MysqlServerOptions {
    Instance *instance;
    const char *address; /* "127.0.0.1" */
    uint16_t port;       /* 0: any free one */
    uint32_t max_connections;
    const char *version; /* in the greeting */
    const char *tls_directory; /* where the key pair of the server lives or is made; NULL: no TLS */
} MysqlServerOptions;

Status mysql_server_start(const MysqlServerOptions *options, Diag *diag, MysqlServer **out_server);
uint16_t mysql_server_port(const MysqlServer *server);
/* Stops accepting, lets running statements end until the deadline, closes everything. */
void mysql_server_stop(MysqlServer *server, int64_t drain_us);
uint32_t mysql_server_connections(MysqlServer *server);
