#pragma once
/* Inside of the HTTP server; only for src/server. */

#include <microhttpd.h>

#include "load/stream_load.h"
#include "server/http_server.h"

enum { HTTP_METRICS_SOURCES = 16, HTTP_PATH_PARTS = 8, HTTP_BODY_LIMIT_BYTES = 16 << 20 };

typedef struct HttpMetricsSource {
    void (*write)(void *context, ByteBuf *out);
    void *context;
} HttpMetricsSource;

struct HttpServer {
    HttpServerOptions options;
    struct MHD_Daemon *daemon;
    LoadHub *hub;
    uint16_t port;
    _Atomic uint64_t requests;
    HttpMetricsSource metrics[HTTP_METRICS_SOURCES];
    uint32_t metrics_count;
};

typedef struct HttpRequest HttpRequest;

/* begin runs before the body and may answer at once (status not 0 afterwards); body takes pieces;
 * finish runs behind the body. The reply goes out when finish has returned. */
typedef struct HttpRoute {
    const char *method;
    const char *path; /* parts of {} match anything */
    bool needs_login;
    void (*begin)(HttpRequest *request);
    void (*body)(HttpRequest *request, const char *data, size_t length);
    void (*finish)(HttpRequest *request);
} HttpRoute;

struct HttpRequest {
    HttpServer *server;
    struct MHD_Connection *connection;
    const HttpRoute *route;
    StrView parts[HTTP_PATH_PARTS]; /* of path_text */
    uint32_t part_count;
    ByteBuf path_text, user, body, reply;
    unsigned status;          /* 0: not answered yet */
    const char *content_type; /* NULL: JSON */
    StreamLoad *load;
};

/* Finds the route and splits the path; NULL: there is none. */
const HttpRoute *http_route_find(HttpRequest *request, const char *method, const char *path);
StrView http_header(const HttpRequest *request, const char *name);
StrView http_argument(const HttpRequest *request, const char *name);
