#pragma once
/* HTTP requests to other servers, over libcurl.
 *
 * A client keeps connections for reuse and may be used by any number of threads at once; a request blocks its
 * thread. Every request ends: by its deadline, when bytes come too slowly, or when it is cancelled. An answer
 * of any status is OK; NETWORK means that there is none, or not all of it: whether the other side has acted is
 * unknown then. Lengths that the answer announces are checked. */

#include "base/bytes.h"
#include "base/status.h"

typedef struct HttpClient HttpClient;

typedef struct HttpClientOptions {
    int64_t connect_timeout_ms; /* 0: 3 s */
    const char *ca_file;        /* of trusted authorities; NULL: the system's */
} HttpClientOptions;

typedef struct HttpRequest {
    const char *method;
    const char *url;
    const char *const *headers; /* "name: value" */
    uint32_t header_count;
    StrView body;       /* sent with PUT and POST */
    int64_t timeout_ms; /* from start to end; the bytes of bodies extend it, by 64 a millisecond */
    uint64_t most_bytes; /* of the answer's body; more is an error */
    const _Atomic bool *cancelled; /* may be NULL */
} HttpRequest;

enum { HTTP_HEADER_BYTES = 128 };
typedef struct HttpResponse {
    int status;
    ByteBuf body;
    uint64_t range_total; /* the whole length that Content-Range tells; 0: none */
    char etag[HTTP_HEADER_BYTES];
} HttpResponse;

HttpClient *http_client_open(const HttpClientOptions *options);
void http_client_close(HttpClient *client);
/* response->body is cleared first and keeps its memory; the caller frees it in any case. */
Status http_client_perform(HttpClient *client, const HttpRequest *request, Diag *diag, HttpResponse *response);
