#pragma once
/* One client connection; only for src/server.
 *
 * The loop thread owns everything but what `lock` guards. While a statement runs (is_busy) its
 * worker owns the session and appends to `pending`; the loop keeps reading, up to a bound. */

#include <uv.h>

#include "base/thread.h"
#include "server/mysql_packet.h"
#include "server/mysql_server.h"
#include "server/tls.h"

typedef enum ConnectionState {
    CONNECTION_GREETED,     /* waits for the handshake response */
    CONNECTION_SWITCHED,    /* waits for the answer to an auth switch */
    CONNECTION_READY,       /* commands */
    CONNECTION_CLOSING,
} ConnectionState;

enum { NONCE_BYTES = 20 };

typedef struct Connection Connection;
struct Connection {
    MysqlServer *server;
    Connection *previous, *next; /* all connections of the server; loop thread */
    uv_tcp_t handle;
    uint64_t id;
    uint8_t state;
    uint8_t sequence;
    uint32_t capabilities;
    char peer[64];
    uint8_t nonce[NONCE_BYTES];
    ByteBuf input;   /* bytes not yet taken */
    ByteBuf user;
    ByteBuf wanted_database;
    ByteBuf parameter_types; /* of the last COM_STMT_EXECUTE with types, by statement */
    uint32_t parameter_types_of;
    TlsStream *tls;
    Session *session;
    bool is_peer;    /* another node of the cluster: it has logged in with the secret */
    ByteBuf command; /* the packet being worked on */
    bool is_busy;
    bool is_reading;
    int64_t opened_us;
    Mutex lock;          /* guards the rest */
    Condition drained;   /* signalled when pending shrank or the connection broke */
    ByteBuf pending;     /* plain bytes to send */
    size_t in_flight;    /* bytes handed to the socket, not yet written */
    bool command_done;
    bool close_after_flush;
    bool is_broken;
    bool is_queued; /* on the server's dirty list */
    Connection *next_dirty;
};

/* Worker or loop: frames payload into packets and appends it; flush: wake the loop. Waits while too
 * much is unsent. ERR_NETWORK when the client is gone. */
Status connection_send(Connection *connection, const ByteBuf *payload, bool flush);
void connection_send_error(Connection *connection, Diag *diag);
void connection_mark_dirty(Connection *connection);
/* Loop: greets; takes one packet in the handshake states. */
void handshake_start(Connection *connection);
void handshake_packet(Connection *connection, StrView packet);
/* Worker: runs the packet in connection->command. False: close afterwards. */
bool command_run(Connection *connection);
/* is_peer: user is the identity of who has logged in on another node. */
Status login_session(Connection *connection, StrView user, StrView database, bool is_peer, Diag *diag);
