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
    CONNECTION_PROVING,     /* in the full exchange of caching_sha2_password, on statement threads */
    CONNECTION_READY,       /* commands */
    CONNECTION_CLOSING,
} ConnectionState;

/* What the next packet of the client is, while it proves its password. */
typedef enum AuthStep {
    AUTH_NONE,
    AUTH_ANSWER, /* to an auth switch */
    AUTH_FULL,   /* the password over TLS, or a request for the public key */
    AUTH_KEY,    /* the password, encrypted with it */
} AuthStep;

enum { NONCE_BYTES = PASSWORD_NONCE_BYTES };

typedef struct Connection Connection;
struct Connection {
    MysqlServer *server;
    Connection *previous, *next; /* all connections of the server; loop thread */
    uv_tcp_t handle;
    uint64_t id;
    uint8_t state;
    uint8_t auth_step; /* AuthStep; of whoever has the connection: the loop, or the statement thread while it is busy */
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
typedef enum LoginResult { LOGIN_DONE, LOGIN_MORE, LOGIN_REFUSED } LoginResult;
/* Loop, or worker in COM_CHANGE_USER: the first answer, by the plugin that the client has used for it. What refuses has sent
 * the error. */
LoginResult login_start(Connection *connection, StrView plugin, StrView answer);
LoginResult login_answer(Connection *connection, StrView answer); /* to an auth switch */
/* Worker: the next packet, auth_step says of what. */
LoginResult login_more(Connection *connection, StrView packet);
const char *login_plugin_name(AuthPlugin plugin);
/* Worker: runs the packet in connection->command. False: close afterwards. */
bool command_run(Connection *connection);
/* is_peer: user is the identity of who has logged in on another node. */
Status login_session(Connection *connection, StrView user, StrView database, bool is_peer, Diag *diag);
