#include "server/http_server.h"

/* libmicrohttpd with a thread a connection. Its handler is called once before the body, once a piece,
 * once behind it; answering at the first call closes the connection, which is wanted only for a refused
 * upload. A request that ends early, for whatever reason, comes to on_completed() with its load still
 * open, and the load is aborted there. */

#include <stdio.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include "cluster/frontends.h"
#include "codec/json_text.h"
#include "server/http_int.h"
#include "session/instance.h"

enum { CONNECTION_MEMORY_BYTES = 160 << 10, DEFAULT_CONNECTIONS = 1024 };

StrView http_header(const HttpRequest *request, const char *name)
{
    return strview(MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name));
}

StrView http_argument(const HttpRequest *request, const char *name)
{
    return strview(MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name));
}

static void free_request(HttpRequest *request)
{
    bytebuf_deinit(&request->path_text);
    bytebuf_deinit(&request->user);
    bytebuf_deinit(&request->body);
    bytebuf_deinit(&request->reply);
    bytebuf_deinit(&request->location);
    mem_free(request);
}

void http_client_host(const HttpRequest *request, char out[INET6_ADDRSTRLEN])
{
    out[0] = '\0';
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info == NULL || info->client_addr == NULL)
        return;
    const struct sockaddr *address = info->client_addr;
    if (address->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, out, INET6_ADDRSTRLEN);
    else if (address->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, out, INET6_ADDRSTRLEN);
}

/* Loads answer in their own form. */
static void refuse_login(HttpRequest *request, bool user_given)
{
    AUTO_BYTEBUF text = {0};
    if (user_given)
        bytebuf_printf(&text, "Access denied for user '%.*s'@'%s' (using password: YES)", SV_ARGS(bytebuf_view(&request->user)), request->host);
    else
        bytebuf_append_text(&text, "Need auth information.");
    if (request->route->body == NULL) {
        http_refuse(request, MHD_HTTP_UNAUTHORIZED, bytebuf_view(&text));
        return;
    }
    request->status = MHD_HTTP_UNAUTHORIZED;
    bytebuf_append_text(&request->reply, "{\"Status\":\"FAILED\",\"Message\":");
    json_quote(bytebuf_view(&text), &request->reply);
    bytebuf_append_text(&request->reply, "}\n");
}

bool http_login(HttpRequest *request)
{
    char *password = NULL;
    char *user = MHD_basic_auth_get_username_password(request->connection, &password);
    bool ok = false;
    bool user_given = user != NULL;
    char *host = request->host;
    http_client_host(request, host);
    if (user != NULL) {
        Instance *instance = request->server->options.instance;
        SessionLogin login = {0};
        AUTO_ARENA arena;
        arena_init(&arena, NULL);
        bytebuf_append_text(&request->user, user);
        ok = session_find_login(instance, strview(user), strview(host), &arena, &login) &&
             password_is(instance->passwords, login.plugin, strview(password), login.stored);
    }
    MHD_free(user);
    MHD_free(password);
    if (ok)
        return true;
    refuse_login(request, user_given);
    return false;
}

void http_put_header(HttpRequest *request, const char *name, const char *value)
{
    CHECK(request->header_count < HTTP_HEADERS);
    HttpHeader *header = &request->headers[request->header_count++];
    header->name = name;
    snprintf(header->value, sizeof(header->value), "%s", value);
}

static enum MHD_Result send_reply(HttpRequest *request)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        request->reply.length, request->reply.data, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO;
    const char *type = request->content_type != NULL ? request->content_type : "application/json";
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    if (request->status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Basic realm=\"\"");
    for (uint32_t i = 0; i < request->header_count; i++)
        MHD_add_response_header(response, request->headers[i].name, request->headers[i].value);
    if (request->location.length > 0)
        MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION, request->location.data);
    enum MHD_Result result = MHD_queue_response(request->connection, request->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result add_argument(void *context, enum MHD_ValueKind kind, const char *key, const char *value)
{
    ByteBuf *out = context;
    bool is_first = memchr(out->data, '?', out->length) == NULL;
    (void)kind;
    bytebuf_printf(out, "%c%s%s%s", is_first ? '?' : '&', key, value == NULL ? "" : "=", value == NULL ? "" : value);
    return MHD_YES;
}

/* 307: the client sends the same request there, body and all. */
static void redirect_to_leader(HttpRequest *request, const char *path)
{
    const Instance *instance = request->server->options.instance;
    FrontendInfo leader;
    bool is_self;
    Diag diag = {0};
    if (meta_check_current(instance->store, &diag) != OK) {
        http_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, strview(diag.message));
        return;
    }
    if (!frontends_leader(instance->frontends, &leader, &is_self)) {
        http_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, STR_VIEW("no node leads at the moment: try again"));
        return;
    }
    request->status = MHD_HTTP_TEMPORARY_REDIRECT;
    bytebuf_printf(&request->location, "http://%s:%u%s", leader.host, leader.http_port, path);
    MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, add_argument, &request->location);
}

/* Does this node lead? Prepared transactions of an earlier leader are its own from then on. */
static bool leads(HttpServer *server)
{
    const Instance *instance = server->options.instance;
    if (instance == NULL || instance->frontends == NULL)
        return true;
    if (!meta_is_leading(instance->store))
        return false;
    uint64_t epoch = meta_epoch(instance->store);
    if (atomic_exchange(&server->epoch, epoch) != epoch)
        load_transactions_take_up(server->transactions);
    return true;
}

static enum MHD_Result begin_request(HttpServer *server, struct MHD_Connection *connection, const char *path,
                                     const char *method, HttpRequest *request)
{
    atomic_fetch_add_explicit(&server->requests, 1, memory_order_relaxed);
    request->server = server;
    request->connection = connection;
    bool has_other;
    request->route = http_route_find(request, method, path, &has_other);
    if (request->route == NULL && has_other) {
        http_refuse(request, MHD_HTTP_METHOD_NOT_ALLOWED, STR_VIEW("HTTP method is not allowed."));
    } else if (request->route == NULL) {
        http_refuse(request, MHD_HTTP_NOT_FOUND, STR_VIEW("Not implemented"));
    } else if (!request->route->needs_login || http_login(request)) {
        if (request->route->needs_leader && !leads(server))
            redirect_to_leader(request, path);
        else if (request->route->begin != NULL)
            request->route->begin(request);
    }
    bool has_body = http_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH).data != NULL ||
                    http_header(request, MHD_HTTP_HEADER_TRANSFER_ENCODING).data != NULL;
    return request->status != 0 && has_body ? send_reply(request) : MHD_YES;
}

static void take_body(HttpRequest *request, const char *data, size_t length)
{
    if (request->status != 0 || request->route == NULL)
        return;
    if (request->route->body != NULL)
        request->route->body(request, data, length);
    else if (request->body.length + length <= HTTP_BODY_LIMIT_BYTES)
        bytebuf_append(&request->body, data, length);
    else
        http_refuse(request, MHD_HTTP_CONTENT_TOO_LARGE, STR_VIEW("the body is too long"));
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data, size_t *length,
                                  void **in_out_state)
{
    (void)version;
    HttpRequest *request = *in_out_state;
    if (request == NULL) {
        *in_out_state = request = mem_alloc_zero(sizeof(*request));
        return begin_request(context, connection, url, method, request);
    }
    if (*length > 0) {
        take_body(request, data, *length);
        *length = 0;
        return MHD_YES;
    }
    if (request->status == 0)
        request->route->finish(request);
    return send_reply(request);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **in_out_state,
                         enum MHD_RequestTerminationCode code)
{
    (void)context, (void)connection, (void)code;
    HttpRequest *request = *in_out_state;
    if (request == NULL)
        return;
    if (request->load != NULL)
        stream_load_abort(request->load);
    free_request(request);
    *in_out_state = NULL;
}

static Status parse_address(const HttpServerOptions *options, struct sockaddr_storage *out, Diag *diag)
{
    memset(out, 0, sizeof(*out));
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)out;
    if (inet_pton(AF_INET, options->address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(options->port);
        return OK;
    }
    if (inet_pton(AF_INET6, options->address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(options->port);
        return OK;
    }
    return RAISE(diag, BAD_CONFIG, "bad address to listen on: \"%s\"", options->address);
}

static void close_hub(HttpServer *server)
{
    const Instance *instance = server->options.instance;
    if (instance == NULL || server->hub != instance->loads)
        load_hub_close(server->hub);
}

Status http_server_start(const HttpServerOptions *options, Diag *diag, HttpServer **out_server)
{
    struct sockaddr_storage address;
    TRY(parse_address(options, &address, diag));
    HttpServer *server = mem_alloc_zero(sizeof(*server));
    server->options = *options;
    bool has_hub = options->instance != NULL && options->instance->loads != NULL;
    server->hub = has_hub ? options->instance->loads : load_hub_open();
    LoadTransactionsOptions transactions = {.store = options->store,
                                            .volume = options->volume,
                                            .hub = server->hub,
                                            .keys = options->instance == NULL ? NULL : options->instance->keys,
                                            .compactor = options->instance == NULL ? NULL : options->instance->compactor,
                                            .tracker = options->tracker};
    server->transactions = load_transactions_open(&transactions);
    server->merges = merge_commits_open();
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL;
    if (address.ss_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    unsigned connections = options->max_connections != 0 ? options->max_connections : DEFAULT_CONNECTIONS;
    server->daemon = MHD_start_daemon(
        flags, options->port, NULL, NULL, on_request, server, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT, connections,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)HTTP_IDLE_TIMEOUT_S, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_END);
    if (server->daemon == NULL) {
        merge_commits_close(server->merges);
        load_transactions_close(server->transactions);
        close_hub(server);
        mem_free(server);
        return RAISE(diag, NETWORK, "could not listen on %s:%u (http_port)", options->address, options->port);
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    server->port = info != NULL && info->port != 0 ? info->port : options->port;
    *out_server = server;
    return OK;
}

uint16_t http_server_port(const HttpServer *server)
{
    return server->port;
}

void http_metrics_add(HttpServer *server, void (*write)(void *context, ByteBuf *out), void *context)
{
    CHECK(server->metrics_count < HTTP_METRICS_SOURCES);
    server->metrics[server->metrics_count++] = (HttpMetricsSource){write, context};
}

void http_server_stop(HttpServer *server)
{
    merge_commits_hurry(server->merges);
    MHD_stop_daemon(server->daemon);
    merge_commits_close(server->merges);
    load_transactions_close(server->transactions);
    close_hub(server);
    mem_free(server);
}
