#include "server/http_int.h"

/* What the HTTP port answers. Load routes answer 200 with the outcome inside, as StarRocks does. */

#include "codec/json_text.h"
#include "session/instance.h"

static void reply_bad(HttpRequest *request, unsigned status, const char *text)
{
    request->status = status;
    bytebuf_append_text(&request->reply, "{\"status\":\"FAILED\",\"msg\":");
    json_quote(strview(text), &request->reply);
    bytebuf_append_text(&request->reply, "}\n");
}

static StrView load_property(void *context, const char *name)
{
    return http_header(context, name);
}

static void load_begin(HttpRequest *request)
{
    HttpServer *server = request->server;
    AUTO_BYTEBUF url = {0};
    StrView host = http_header(request, MHD_HTTP_HEADER_HOST);
    if (host.length > 0)
        bytebuf_printf(&url, "http://%.*s/api/_load_error_log?file=", SV_ARGS(host));
    else
        bytebuf_printf(&url, "http://127.0.0.1:%u/api/_load_error_log?file=", server->port);
    StreamLoadOptions options = {.store = server->options.store,
                                 .volume = server->options.volume,
                                 .tracker = server->options.tracker,
                                 .hub = server->hub,
                                 .increments = server->options.instance == NULL ? NULL : server->options.instance->increments,
                                 .keys = server->options.instance == NULL ? NULL : server->options.instance->keys,
                                 .database = request->parts[1],
                                 .table = request->parts[2],
                                 .user = bytebuf_view(&request->user),
                                 .zone_offset_us = server->options.zone_offset_us,
                                 .error_url = bytebuf_view(&url),
                                 .property = load_property,
                                 .property_context = request};
    request->load = stream_load_begin(&options);
}

static void load_body(HttpRequest *request, const char *data, size_t length)
{
    (void)stream_load_feed(request->load, data, length); /* after a failure the rest is read and dropped */
}

static void load_finish(HttpRequest *request)
{
    StreamLoad *load = request->load;
    request->load = NULL;
    stream_load_finish(load, &request->reply);
    request->status = MHD_HTTP_OK;
}

static void load_state(HttpRequest *request)
{
    StrView label = http_argument(request, "label");
    if (label.length == 0) {
        reply_bad(request, MHD_HTTP_OK, "No label selected");
        return;
    }
    MetaStore *store = request->server->options.store;
    CatalogSnapshot *catalog = meta_snapshot(store);
    const CatalogDatabase *database = catalog_database(catalog, request->parts[1]);
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    LabelRecord record;
    const char *state = "UNKNOWN";
    bool is_found = database != NULL && meta_label_find(store, database->id, label, &arena, &record);
    if (is_found && !record.is_durable) { /* what is not certain yet is found out now, if it can be */
        Diag unsettled = {0};
        status_ignore(meta_settle(store, &unsettled));
        is_found = meta_label_find(store, database->id, label, &arena, &record);
    }
    if (is_found)
        state = record.is_durable ? "VISIBLE" : "PREPARE";
    else if (database != NULL && load_hub_is_running(request->server->hub, database->id, label))
        state = "PREPARE";
    bool is_known = database != NULL;
    catalog_unref(catalog);
    if (!is_known) {
        reply_bad(request, MHD_HTTP_OK, "unknown database");
        return;
    }
    request->status = MHD_HTTP_OK;
    bytebuf_printf(&request->reply, "{\"state\":\"%s\",\"status\":\"OK\",\"msg\":\"Success\"}\n", state);
}

static void health(HttpRequest *request)
{
    request->status = MHD_HTTP_OK;
    bytebuf_append_text(&request->reply,
                        "{\"status\":\"OK\",\"total_backend_num\":1,\"online_backend_num\":1}\n");
}

static void put_metric(ByteBuf *out, const char *name, const char *type, uint64_t value)
{
    bytebuf_printf(out, "# TYPE %s %s\n%s %llu\n", name, type, name, (unsigned long long)value);
}

static void metrics(HttpRequest *request)
{
    HttpServer *server = request->server;
    ByteBuf *out = &request->reply;
    LoadCounters loads = load_hub_counters(server->hub);
    put_metric(out, "merak_http_requests_total", "counter", atomic_load(&server->requests));
    put_metric(out, "merak_stream_load_running", "gauge", loads.running);
    put_metric(out, "merak_stream_load_succeeded_total", "counter", loads.succeeded);
    put_metric(out, "merak_stream_load_failed_total", "counter", loads.failed);
    put_metric(out, "merak_stream_load_rows_total", "counter", loads.rows);
    put_metric(out, "merak_stream_load_bytes_total", "counter", loads.bytes);
    int64_t used = mem_used(mem_process_tracker());
    put_metric(out, "merak_memory_used_bytes", "gauge", (uint64_t)MAX(used, 0));
    for (uint32_t i = 0; i < server->metrics_count; i++)
        server->metrics[i].write(server->metrics[i].context, out);
    request->status = MHD_HTTP_OK;
    request->content_type = "text/plain; version=0.0.4";
}

static void error_log(HttpRequest *request)
{
    if (!load_hub_error_log(request->server->hub, http_argument(request, "file"), &request->reply)) {
        reply_bad(request, MHD_HTTP_NOT_FOUND, "no such error log");
        return;
    }
    request->status = MHD_HTTP_OK;
    request->content_type = "text/plain; charset=utf-8";
}

static const HttpRoute routes[] = {
    {"PUT", "/api/{}/{}/_stream_load", true, load_begin, load_body, load_finish},
    {"GET", "/api/{}/get_load_state", true, NULL, NULL, load_state},
    {"POST", "/api/v1/catalogs/{}/sql", true, NULL, NULL, http_sql},
    {"POST", "/api/v1/catalogs/{}/databases/{}/sql", true, NULL, NULL, http_sql},
    {"GET", "/api/health", false, NULL, NULL, health},
    {"GET", "/metrics", false, NULL, NULL, metrics},
    {"GET", "/api/_load_error_log", false, NULL, NULL, error_log},
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

static bool route_matches(const HttpRoute *route, const char *method, const StrView *parts, uint32_t count)
{
    StrView wanted[HTTP_PATH_PARTS];
    bool is_method = strcmp(route->method, method) == 0 || (strcmp(route->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
    if (!is_method || split_path(strview(route->path), wanted) != count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!strview_is(wanted[i], "{}") && !strview_equal(wanted[i], parts[i]))
            return false;
    }
    return true;
}

const HttpRoute *http_route_find(HttpRequest *request, const char *method, const char *path)
{
    bytebuf_append_text(&request->path_text, path);
    request->part_count = split_path(bytebuf_view(&request->path_text), request->parts);
    for (size_t i = 0; i < COUNT_OF(routes) && request->part_count <= HTTP_PATH_PARTS; i++) {
        if (route_matches(&routes[i], method, request->parts, request->part_count))
            return &routes[i];
    }
    return NULL;
}
