#include "malformed/malformed.h"

/* Requests that break HTTP, and Stream Load bodies that break CSV and JSON. A request is answered with a status of
 * HTTP that is no server error, or its connection ends; a load is answered in any case, with JSON that has a status. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOGIN "Authorization: Basic cm9vdDo=\r\n"
#define LOAD "PUT /api/m/loaded/_stream_load HTTP/1.1\r\nHost: x\r\n" LOGIN

static const char *const requests[] = {
    LOAD "column_separator: ,\r\nContent-Length: 8\r\n\r\n1,2\n3,4\n",
    LOAD "format: json\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"k\": 1}\r\n0\r\n\r\n",
    LOAD "Content-Length: 8\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n1\t2\n3\t4\n\r\n0\r\n\r\n",
    LOAD "Content-Length: 8\r\nContent-Length: 4\r\n\r\n1\t2\n3\t4\n",
    LOAD "Content-Length: -1\r\n\r\n1\t2\n",
    LOAD "Content-Length: 99999999999999999999\r\n\r\n1\t2\n",
    LOAD "Content-Length: 1000000\r\n\r\n1\t2\n",
    LOAD "Transfer-Encoding: chunked\r\n\r\nzz\r\n1\t2\n\r\n0\r\n\r\n",
    LOAD "Transfer-Encoding: chunked\r\n\r\n-5\r\n1\t2\n\r\n0\r\n\r\n",
    LOAD "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n1\t2\n\r\n0\r\n\r\n",
    LOAD "Transfer-Encoding: chunked\r\n\r\n4;a=b\r\n1\t2\n0\r\n\r\n",
    LOAD "Transfer-Encoding: chunked\r\n\r\n4\r\n1\t2\n\r\n",
    LOAD "Transfer-Encoding: gzip, chunked\r\n\r\n4\r\n1\t2\n\r\n0\r\n\r\n",
    LOAD "Expect: 100-continue\r\nContent-Length: 8\r\n\r\n",
    LOAD "Expect: 200-maybe\r\nContent-Length: 4\r\n\r\n1\t2\n",
    LOAD "compression: gzip\r\nContent-Length: 12\r\n\r\n\x1f\x8b\x08\x01\x01\x01\x01\x01\x01\x03KL",
    LOAD "compression: lz4\r\nContent-Length: 7\r\n\r\n\x04\x22\x4d\x18zzz",
    LOAD "compression: zstd\r\nContent-Length: 6\r\n\r\n\x28\xb5\x2f\xfdzz",
    LOAD "columns: k, s = (((\r\nContent-Length: 4\r\n\r\n1\t2\n",
    LOAD "where: k = (SELECT 1\r\nContent-Length: 4\r\n\r\n1\t2\n",
    LOAD "label: '; DROP TABLE t\r\nContent-Length: 4\r\n\r\n1\t2\n",
    LOAD "no colon here\r\nContent-Length: 4\r\n\r\n1\t2\n",
    LOAD " leading: blank\r\nContent-Length: 4\r\n\r\n1\t2\n",
    LOAD "Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 4\r\n\r\n1\t2\n",
    "GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n" LOGIN "\r\n",
    "GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n" LOGIN "\r\n",
    "GET /%252e%252e%252fetc/passwd HTTP/1.1\r\nHost: x\r\n" LOGIN "\r\n",
    "GET /api/m%00/t/_schema HTTP/1.1\r\nHost: x\r\n" LOGIN "\r\n",
    "GET /api/_load_error_log?file=../../../etc/passwd HTTP/1.1\r\nHost: x\r\n" LOGIN "\r\n",
    "GET /api/_load_error_log?file=%00 HTTP/1.1\r\nHost: x\r\n" LOGIN "\r\n",
    "GET /api/m/get_load_state?label=%ff%fe HTTP/1.1\r\nHost: x\r\n" LOGIN "\r\n",
    "GET /metrics HTTP/9.9\r\nHost: x\r\n\r\n",
    "GET /metrics\r\n\r\n",
    "GET  /metrics  HTTP/1.1\r\n\r\n",
    "get /metrics http/1.1\r\nHost: x\r\n\r\n",
    "BREW /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
    "TRACE / HTTP/1.1\r\nHost: x\r\n\r\n",
    "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET http://169.254.169.254/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST /api/transaction/begin HTTP/1.1\r\nHost: x\r\n" LOGIN "label: z\r\ndb: \r\ntable: %\r\nContent-Length: 0\r\n\r\n",
    "POST /api/v1/catalogs/default_catalog/databases/m/sql HTTP/1.1\r\nHost: x\r\n" LOGIN
    "Content-Type: application/json\r\nContent-Length: 24\r\n\r\n{\"query\": \"SELECT 1 +;\"}",
    "POST /api/v1/catalogs/default_catalog/sql HTTP/1.1\r\nHost: x\r\n" LOGIN "Content-Length: 3\r\n\r\n{[}",
    "PUT /api/m/loaded/_stream_load HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ====\r\nContent-Length: 4\r\n\r\n1\t2\n",
    "PUT /api/m/loaded/_stream_load HTTP/1.1\r\nHost: x\r\nAuthorization: Basic\r\nContent-Length: 4\r\n\r\n1\t2\n",
    "PUT /api/m/loaded/_stream_load HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer zzz\r\nContent-Length: 4\r\n\r\n1\t2\n",
    "\r\n\r\n\r\n",
    "\x16\x03\x01\x02\x01\x01\x01\x01\xfc\x03\x03",
};

/* Requests that are long rather than wrong. */
static void long_request(uint32_t kind, ByteBuf *out)
{
    static const char head[] = "GET /metrics HTTP/1.1\r\nHost: x\r\n";
    bytebuf_append_text(out, kind == 0 ? "GET /" : head);
    uint32_t pieces = kind == 0 ? 100000 : kind == 1 ? 1 << 20 : 20000;
    if (kind == 1)
        bytebuf_append_text(out, "X-Long: ");
    for (uint32_t i = 0; i < pieces; i++) {
        if (kind < 2)
            bytebuf_append_char(out, 'a');
        else
            bytebuf_printf(out, "H%u: v\r\n", i);
    }
    bytebuf_append_text(out, kind == 0 ? " HTTP/1.1\r\nHost: x\r\n\r\n" : "\r\n\r\n");
}
enum { LONG_KINDS = 3 };

static const char *check_answer(const ByteBuf *reply, bool *out_refused)
{
    if (reply->length == 0)
        return NULL; /* ended without a word: nothing of the request was a request */
    if (reply->length < 12 || memcmp(reply->data, "HTTP/1.", 7) != 0)
        return "the answer is not HTTP";
    long status = strtol(reply->data + 9, NULL, 10);
    *out_refused = status >= 400;
    if (status < 100 || status > 599)
        return "the answer has no status";
    /* The SQL interface answers 500 where a statement fails, with the statement's error. */
    bool has_text = strview_find(bytebuf_view(reply), STR_VIEW("Getting ")) != SIZE_MAX || strview_find(bytebuf_view(reply), STR_VIEW("\"msg\"")) != SIZE_MAX;
    return status == 500 && !has_text ? "an internal error" : NULL;
}

void http_cases(Trial *trial, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        AUTO_BYTEBUF bytes = {0};
        AUTO_BYTEBUF reply = {0};
        bool refused = false;
        uint32_t fixed = COUNT_OF(requests) + LONG_KINDS;
        if (i < COUNT_OF(requests))
            bytebuf_append_text(&bytes, requests[i]);
        else if (i < fixed)
            long_request(i - (uint32_t)COUNT_OF(requests), &bytes);
        else
            mutate_bytes(trial, strview(requests[trial_below(trial, COUNT_OF(requests))]), &bytes);
        RawRequest request = {bytebuf_view(&bytes), RAW_HALF_CLOSE, false, false};
        if (i >= fixed) {
            request.ending = (RawEnding)trial_below(trial, RAW_ENDINGS);
            request.bytewise = bytes.length < 2000 && trial_below(trial, 8) == 0;
        }
        bool is_ended = raw_exchange(trial->server.http_port, &request, &reply);
        const char *problem = !is_ended ? "the server did not end the connection" : check_answer(&reply, &refused);
        trial->refused += refused;
        trial_case(trial, "http", i, problem, request.bytes);
    }
}

static const char *const csv_bodies[] = {
    "1,a,2024-01-01,1.5\n2,b,2024-01-02 10:00:00,2.5\n",
    "1,\"a,b\",\"2024-01-01\",1e3\n\"2\",\"c\"\"d\",\\N,\n",
    "9999999999,x,2024-13-01,abc\n-1,\\N,\\N,\\N\n,,,\n1,2\n1,2,3,4,5,6\n",
    "1,\xC3\xA9\xF0\x9F\x98\x80,0000-00-00,-0.0\r\n2,\xFF\xFE,9999-12-31,1e400\r\n",
};
static const char *const csv_properties[] = {"", "enclose: \"\r\n", "enclose: \"\r\nescape: \\\r\n", "row_delimiter: \\r\\n\r\n", "skip_header: 1\r\n",
                                             "max_filter_ratio: 1\r\nlog_rejected_record_num: 10\r\n", "strict_mode: true\r\n",
                                             "columns: k, s, x, v, d = '2024-01-01'\r\n", "trim_space: true\r\nmax_filter_ratio: 0.5\r\n"};
static const char *const json_bodies[] = {
    "{\"k\": 1, \"s\": \"a\", \"d\": \"2024-01-01\", \"v\": 1.5}\n{\"k\": 2}",
    "[{\"k\": 1, \"s\": {\"x\": [1, 2]}}, {\"k\": null, \"v\": 1e3}, {\"K\": true}]",
    "{\"data\": [{\"k\": \"7\", \"s\": \"\\u00e9\\ud83d\\ude00\"}], \"more\": [[[[]]]]}",
    "[[1, 2], {\"k\": 12345678901234567890123}, \"text\", 5, null]",
};
static const char *const json_properties[] = {"", "strip_outer_array: true\r\n", "strip_outer_array: true\r\njson_root: $.data\r\n",
                                              "jsonpaths: [\"$.k\", \"$.s.x[0]\"]\r\ncolumns: k, s\r\n",
                                              "strip_outer_array: true\r\nmax_filter_ratio: 1\r\n", "ignore_json_size: true\r\n"};

void body_cases(Trial *trial, uint32_t count, bool is_json)
{
    for (uint32_t i = 0; i < count; i++) {
        AUTO_BYTEBUF body = {0};
        AUTO_BYTEBUF bytes = {0};
        AUTO_BYTEBUF reply = {0};
        StrView text = strview(is_json ? json_bodies[i % COUNT_OF(json_bodies)] : csv_bodies[i % COUNT_OF(csv_bodies)]);
        for (uint32_t copies = 1 + trial_below(trial, 3); copies > 0; copies--)
            mutate_bytes(trial, text, &body);
        bytebuf_printf(&bytes, LOAD "Connection: close\r\n%s%sContent-Length: %zu\r\n\r\n",
                       is_json ? "format: json\r\n" : "column_separator: ,\r\n",
                       is_json ? json_properties[trial_below(trial, COUNT_OF(json_properties))]
                               : csv_properties[trial_below(trial, COUNT_OF(csv_properties))],
                       body.length);
        bytebuf_append_view(&bytes, bytebuf_view(&body));
        RawRequest request = {bytebuf_view(&bytes), RAW_HALF_CLOSE, false, false};
        bool refused = false, is_ended = raw_exchange(trial->server.http_port, &request, &reply);
        const char *problem = !is_ended ? "the server did not end the connection" : check_answer(&reply, &refused);
        StrView answer = bytebuf_view(&reply);
        if (problem == NULL && strview_find(answer, STR_VIEW("\"Status\": \"")) == SIZE_MAX)
            problem = "the load has no status";
        bool is_success = strview_find(answer, STR_VIEW("\"Status\": \"Success\"")) != SIZE_MAX;
        if (problem == NULL && !is_success && strview_find(answer, STR_VIEW("\"Message\": \"\"")) != SIZE_MAX)
            problem = "the load was refused without a message";
        if (problem == NULL && strview_find(answer, STR_VIEW("internal check")) != SIZE_MAX)
            problem = "an internal check failed";
        trial->refused += !is_success;
        trial_case(trial, is_json ? "json" : "csv", i, problem, request.bytes);
    }
}
