#pragma once
/* The client's side of the MySQL protocol, for calls from node to node (peer.c): logs in with the secret of the cluster
 * instead of a password, sends commands, reads packets. One thread at a time. */

#include "io/tcp.h"
#include "server/mysql_packet.h"

typedef struct MysqlClient MysqlClient;

typedef struct MysqlClientOptions {
    const char *host;
    uint16_t port;
    StrView user, database;
    StrView secret; /* of the cluster */
} MysqlClientOptions;

Status mysql_client_open(const MysqlClientOptions *options, const TcpWait *wait, Diag *diag, MysqlClient **out_client);
void mysql_client_close(MysqlClient *client); /* NULL: nothing to close */
Status mysql_client_command(MysqlClient *client, uint8_t command, StrView body, const TcpWait *wait, Diag *diag);
/* The next packet of the answer; valid until the next call. */
Status mysql_client_packet(MysqlClient *client, const TcpWait *wait, Diag *diag, StrView *out_packet);
/* Raises what an error packet says. The status is the local one of the same number and SQLSTATE. */
Status mysql_client_error(StrView packet, Diag *diag);

/* How a node proves that it belongs to the cluster: HMAC-SHA256 of the secret over the nonce and the user's name. */
enum { PEER_RESPONSE_BYTES = 32 };
extern const char peer_plugin[]; /* name of the authentication plugin */
void peer_response(StrView secret, const uint8_t *nonce, size_t nonce_bytes, StrView user, uint8_t out_response[PEER_RESPONSE_BYTES]);
