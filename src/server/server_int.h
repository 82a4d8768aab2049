#pragma once
/* Inside of the MySQL server; only for src/server. */

#include "server/auth_key.h"
#include "server/connection.h"

enum { MAX_STATEMENT_THREADS = 512 };

struct MysqlServer {
    MysqlServerOptions options;
    uv_loop_t loop;
    uv_tcp_t listener;
    uv_async_t wake; /* dirty connections, new work, stop */
    uv_timer_t tick; /* login deadlines */
    Thread loop_thread;
    TlsContext *tls;
    AuthKey *auth_key;
    uint16_t port;
    uint64_t next_id;
    Connection *connections; /* loop thread */
    _Atomic uint32_t connection_count;
    Mutex lock; /* guards the rest */
    Condition work;
    Condition idle;
    Connection *dirty;
    Connection **queue; /* connections with a command to run */
    uint32_t queue_count, queue_capacity;
    uint32_t threads, waiting_threads, running;
    bool is_stopping;
};

/* The server's lock is held. */
void connection_queue_dirty(Connection *connection);
void connection_close_after_flush(Connection *connection);
bool connection_start_tls(Connection *connection);
void connection_accept(MysqlServer *server);
/* Loop: writes what is pending, goes on to the next command. */
void connection_progress(Connection *connection);
void connection_close_now(Connection *connection);
/* Loop: hands connection->command to a statement thread. */
void statement_submit(MysqlServer *server, Connection *connection);
