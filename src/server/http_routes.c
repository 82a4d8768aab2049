#include "server/http_int.h"

/* What the HTTP port answers, and how a path finds its handler. */

#include "codec/json_text.h"

void http_refuse(HttpRequest *request, unsigned status, StrView text)
{
    ByteBuf *out = &request->reply;
    bytebuf_clear(out);
    request->status = status;
    bytebuf_append_text(out, "{\"status\":\"FAILED\",\"code\":\"1\",\"msg\":");
    json_quote(text, out);
    bytebuf_append_text(out, ",\"message\":");
    json_quote(text, out);
    bytebuf_append_text(out, "}\n");
}

static const HttpRoute routes[] = {
    {"PUT", "/api/{}/{}/_stream_load", true, true, http_load_begin, http_load_body, http_load_finish},
    {"PUT", "/api/transaction/load", true, true, http_load_part_begin, http_load_body, http_load_finish},
    {"POST", "/api/transaction/{}", true, true, NULL, NULL, http_transaction},
    {"GET", "/api/{}/get_load_state", true, true, NULL, NULL, http_load_state},
    {"GET", "/api/{}/_load_info", true, false, NULL, NULL, http_load_info},
    {"POST", "/api/{}/{}/_cancel", true, true, NULL, NULL, http_load_cancel},
    {"GET", "/api/_load_error_log", false, false, NULL, NULL, http_load_errors},
    {"POST", "/api/v1/catalogs/{}/sql", true, false, NULL, NULL, http_sql},
    {"POST", "/api/v1/catalogs/{}/databases/{}/sql", true, false, NULL, NULL, http_sql},
    {"GET", "/api/health", false, false, NULL, NULL, http_health},
    {"GET", "/api/bootstrap", false, false, NULL, NULL, http_bootstrap},
    {"GET", "/info", false, false, http_meta_begin, NULL, http_meta_info},
    {"GET", "/image", false, false, http_image_begin, NULL, http_meta_image},
    {"GET", "/version", false, false, http_meta_begin, NULL, http_meta_version},
    {"GET", "/check", false, false, http_meta_begin, NULL, http_meta_check},
    {"GET", "/role", false, false, http_meta_begin, NULL, http_meta_role},
    {"GET", "/journal_id", false, false, http_meta_begin, NULL, http_meta_journal},
    {"GET", "/metrics", false, false, NULL, NULL, http_metrics},
    {"GET", "/api/{}/{}/_schema", true, false, NULL, NULL, http_table_schema},
    {"GET", "/api/{}/{}/_count", true, false, NULL, NULL, http_table_count},
    {"GET", "/api/_get_ddl", true, false, NULL, NULL, http_table_ddl},
    {"GET", "/api/show_proc", true, false, NULL, NULL, http_show_proc},
    {"GET", "/api/query_detail", true, false, NULL, NULL, http_query_detail},
};

static uint32_t split_path(StrView path, StrView parts[HTTP_PATH_PARTS])
{
    uint32_t count = 0;
    for (size_t at = 0; at < path.length;) {
        const char *slash = memchr(path.data + at, '/', path.length - at);
        size_t end = slash == NULL ? path.length : (size_t)(slash - path.data);
        if (end > at && count == HTTP_PATH_PARTS)
            return HTTP_PATH_PARTS + 1;
        if (end > at)
            parts[count++] = (StrView){path.data + at, end - at};
        at = end + 1;
    }
    return count;
}

static bool path_matches(const HttpRoute *route, const StrView *parts, uint32_t count)
{
    StrView wanted[HTTP_PATH_PARTS];
    if (split_path(strview(route->path), wanted) != count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!strview_is(wanted[i], "{}") && !strview_equal(wanted[i], parts[i]))
            return false;
    }
    return true;
}

const HttpRoute *http_route_find(HttpRequest *request, const char *method, const char *path, bool *out_other)
{
    *out_other = false;
    bytebuf_append_text(&request->path_text, path);
    request->part_count = split_path(bytebuf_view(&request->path_text), request->parts);
    for (size_t i = 0; i < COUNT_OF(routes) && request->part_count <= HTTP_PATH_PARTS; i++) {
        const HttpRoute *route = &routes[i];
        if (!path_matches(route, request->parts, request->part_count))
            continue;
        if (strcmp(route->method, method) == 0 || (strcmp(route->method, "GET") == 0 && strcmp(method, "HEAD") == 0))
            return route;
        *out_other = true;
    }
    return NULL;
}
