#pragma once
/* Inside of the HTTP server; only for src/server. */

#include <microhttpd.h>
#include <netinet/in.h>

#include "load/load_transaction.h"
#include "load/merge_commit.h"
#include "load/stream_load.h"
#include "server/http_server.h"

enum { HTTP_METRICS_SOURCES = 16, HTTP_PATH_PARTS = 8, HTTP_BODY_LIMIT_BYTES = 16 << 20, HTTP_HEADERS = 4, HTTP_IDLE_TIMEOUT_S = 300 };

typedef struct HttpMetricsSource {
    void (*write)(void *context, ByteBuf *out);
    void *context;
} HttpMetricsSource;

struct HttpServer {
    HttpServerOptions options;
    struct MHD_Daemon *daemon;
    LoadHub *hub; /* the instance's, if that has one */
    LoadTransactions *transactions;
    MergeCommits *merges;
    uint16_t port;
    _Atomic uint64_t requests;
    _Atomic uint64_t next_session;
    _Atomic uint64_t epoch; /* of the lead that transactions were taken up in */
    HttpMetricsSource metrics[HTTP_METRICS_SOURCES];
    uint32_t metrics_count;
};

typedef struct HttpRequest HttpRequest;

typedef struct HttpHeader {
    const char *name;
    char value[256];
} HttpHeader;

/* begin runs before the body and may answer at once (status not 0 afterwards); body takes pieces;
 * finish runs behind the body. The reply goes out when finish has returned. */
typedef struct HttpRoute {
    const char *method;
    const char *path; /* parts of {} match anything */
    bool needs_login;
    bool needs_leader; /* a node that follows sends the client there */
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
    char host[INET6_ADDRSTRLEN]; /* the client's address; set by the login */
    ByteBuf path_text, user, body, reply, location;
    unsigned status;          /* 0: not answered yet */
    const char *content_type; /* NULL: JSON */
    HttpHeader headers[HTTP_HEADERS]; /* of the reply, beside the usual ones */
    uint32_t header_count;
    StreamLoad *load;
};

/* Finds the route and splits the path; NULL: there is none, and *out_other tells whether one of another method is. */
const HttpRoute *http_route_find(HttpRequest *request, const char *method, const char *path, bool *out_other);
/* The answer of most interfaces when they refuse. */
void http_refuse(HttpRequest *request, unsigned status, StrView text);
void http_put_metric(ByteBuf *out, const char *name, const char *type, const char *help, uint64_t value);
StrView http_header(const HttpRequest *request, const char *name);
StrView http_argument(const HttpRequest *request, const char *name);
/* POST /api/v1/catalogs/{}[/databases/{}]/sql */
void http_sql(HttpRequest *request);
/* Runs a statement of our own as the request's user. */
Status http_execute(HttpRequest *request, StrView database, StrView sql, const ResultSink *sink, Diag *diag);

/* http_access.c: false: refused with what the user lacks. table empty: anything in the database. */
bool http_may(HttpRequest *request, PrivilegeSet any_of, StrView database, StrView table);
bool http_may_end(HttpRequest *request, StrView database, StrView label); /* a load or a transaction */

/* http_load.c */
void http_load_begin(HttpRequest *request);
void http_load_part_begin(HttpRequest *request); /* of a transaction */
void http_load_body(HttpRequest *request, const char *data, size_t length);
void http_load_finish(HttpRequest *request);
void http_load_state(HttpRequest *request);
void http_load_info(HttpRequest *request);
void http_load_cancel(HttpRequest *request);
void http_load_errors(HttpRequest *request);
void http_transaction(HttpRequest *request);
/* Of the request's Authorization; false: refused. */
bool http_login(HttpRequest *request);
void http_client_host(const HttpRequest *request, char out[INET6_ADDRSTRLEN]);
void http_put_header(HttpRequest *request, const char *name, const char *value);
/* http_meta.c */
void http_meta_begin(HttpRequest *request);
void http_image_begin(HttpRequest *request);
void http_meta_info(HttpRequest *request);
void http_meta_image(HttpRequest *request);
void http_meta_version(HttpRequest *request);
void http_meta_check(HttpRequest *request);
void http_meta_role(HttpRequest *request);
void http_meta_journal(HttpRequest *request);
/* http_admin.c */
void http_health(HttpRequest *request);
void http_bootstrap(HttpRequest *request);
void http_metrics(HttpRequest *request);
void http_table_schema(HttpRequest *request);
void http_table_count(HttpRequest *request);
void http_table_ddl(HttpRequest *request);
void http_show_proc(HttpRequest *request);
void http_query_detail(HttpRequest *request);
