#pragma once
/* A TCP connection that blocks its thread, with a deadline for every operation. For calls between nodes; the servers
 * themselves are event-driven. One thread at a time. Errors: NETWORK (refused, closed, timed out), CANCELLED. */

#include <stdatomic.h>

#include "base/bytes.h"
#include "base/environment.h"
#include "base/status.h"

typedef struct TcpStream TcpStream;

typedef struct TcpWait {
    int64_t deadline_us;            /* monotonic */
    const _Atomic bool *cancelled;  /* looked at every tenth of a second; NULL: nobody cancels */
    bool (*is_lost)(void *context); /* as often: nobody waits for this connection any more (NETWORK); NULL: never */
    void *context;
} TcpWait;

/* host: a name or an address. */
Status tcp_connect(const char *host, uint16_t port, const TcpWait *wait, Diag *diag, TcpStream **out_stream);
void tcp_close(TcpStream *stream); /* NULL: nothing to close */
Status tcp_send(TcpStream *stream, StrView bytes, const TcpWait *wait, Diag *diag);
/* Exactly length bytes. */
Status tcp_receive(TcpStream *stream, void *out_bytes, size_t length, const TcpWait *wait, Diag *diag);
