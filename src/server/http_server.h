#pragma once
/* The HTTP server: Stream Load, load states, health, metrics. A thread a connection, so a request may
 * block. Bodies stream to their handler. */

#include "meta/store.h"
#include "session/session.h"

typedef struct HttpServer HttpServer;

typedef struct HttpServerOptions {
    Instance *instance;
    const char *address; /* "0.0.0.0" */
    uint16_t port;       /* 0: any free one */
    uint32_t max_connections; /* 0: 1024 */
    MetaStore *store;
    Volume *volume;
    MemTracker *tracker;
    int64_t zone_offset_us; /* of the server's time zone */
} HttpServerOptions;

Status http_server_start(const HttpServerOptions *options, Diag *diag, HttpServer **out_server);
uint16_t http_server_port(const HttpServer *server);
/* Stops accepting, waits for the requests that run. */
void http_server_stop(HttpServer *server);
/* write() appends Prometheus text at every GET /metrics; add before requests come in. */
void http_metrics_add(HttpServer *server, void (*write)(void *context, ByteBuf *out), void *context);
