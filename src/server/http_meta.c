#include "server/http_int.h"

/* What frontends of StarRocks tell each other of their metadata, and operators ask with curl: /info, /image, /version, /role, /check,
 * /journal_id. They answer hosts of the cluster's frontends, and users who have OPERATE. An image holds users and keys of storage
 * volumes: from the machine itself, where anybody may be, it is for such users alone. */

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/frontends.h"
#include "meta/checkpoint.h"
#include "meta/incarnation.h"
#include "meta/meta_dir.h"
#include "session/instance.h"

/* ---- who may ask ---- */

static bool is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 || strncmp(address, "::ffff:127.", 11) == 0;
}

static bool name_has(const char *name, const char *address)
{
    char text[INET6_ADDRSTRLEN];
    struct addrinfo *all = NULL;
    bool has = false;
    if (strcmp(name, address) == 0)
        return true;
    if (getaddrinfo(name, NULL, &(struct addrinfo){.ai_socktype = SOCK_STREAM}, &all) != 0)
        return false;
    for (const struct addrinfo *at = all; at != NULL && !has; at = at->ai_next)
        has = getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST) == 0 && strcmp(text, address) == 0;
    freeaddrinfo(all);
    return has;
}

static bool is_of_frontend(const HttpRequest *request)
{
    const Instance *instance = request->server->options.instance;
    AUTO_ARENA arena;
    FrontendState *states;
    arena_init(&arena, NULL);
    uint32_t count = instance->frontends == NULL ? 0 : frontends_list(instance->frontends, &arena, &states);
    for (uint32_t i = 0; i < count; i++) {
        if (states[i].info.host[0] != '\0' && name_has(states[i].info.host, request->host))
            return true;
    }
    return false;
}

static bool may_operate(HttpRequest *request)
{
    Diag diag = {0};
    if (!http_login(request))
        return false;
    if (session_authorize_system(request->server->options.instance, bytebuf_view(&request->user), strview(request->host),
                                 PRIVILEGE_BIT(OPERATE), &diag) == OK)
        return true;
    http_refuse(request, MHD_HTTP_FORBIDDEN, strview(diag.message));
    return false;
}

/* On the machine itself a login that is offered has to be right. */
void http_meta_begin(HttpRequest *request)
{
    http_client_host(request, request->host);
    bool has_login = http_header(request, MHD_HTTP_HEADER_AUTHORIZATION).data != NULL;
    bool is_near = is_loopback(request->host);
    if (!has_login && (is_near || is_of_frontend(request)))
        return;
    (void)may_operate(request);
}

void http_image_begin(HttpRequest *request)
{
    http_client_host(request, request->host);
    bool has_login = http_header(request, MHD_HTTP_HEADER_AUTHORIZATION).data != NULL;
    if (!has_login && !is_loopback(request->host) && is_of_frontend(request))
        return;
    (void)may_operate(request);
}

/* ---- answers ---- */

static MetaStore *store_of(const HttpRequest *request)
{
    return request->server->options.store;
}

/* 0: there is none yet. */
static uint64_t newest_image(HttpRequest *request)
{
    AUTO_ARENA arena;
    Diag diag = {0};
    uint64_t *entries = NULL;
    uint32_t count = 0;
    arena_init(&arena, NULL);
    if (image_list(request->server->options.volume, meta_incarnation(store_of(request)), &arena, &diag, &entries, &count) != OK)
        http_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, strview(diag.message));
    return count == 0 ? 0 : entries[0];
}

/* One journal covers what StarRocks keeps in two: images of either kind are at the same entry. */
static bool is_known_folder(HttpRequest *request)
{
    StrView folder = http_argument(request, "subdir");
    if (folder.length == 0 || strview_is(folder, "/") || strview_is(folder, "/starmgr") || strview_is(folder, "/v2"))
        return true;
    http_refuse(request, MHD_HTTP_NOT_FOUND, STR_VIEW("subdir is neither /starmgr nor /v2"));
    return false;
}

/* GET /info[?subdir=/starmgr] */
void http_meta_info(HttpRequest *request)
{
    Incarnation identity;
    uint64_t entry = is_known_folder(request) ? newest_image(request) : 0;
    if (request->status != 0)
        return;
    meta_identity(store_of(request), &identity);
    bytebuf_printf(&request->reply, "{\"clusterId\":%u,\"imageJournalId\":%llu,\"editsSeq\":0}\n", incarnation_cluster_id(&identity),
                   (unsigned long long)entry);
    request->status = MHD_HTTP_OK;
}

/* GET /image?version=N[&subdir=/starmgr] */
void http_meta_image(HttpRequest *request)
{
    char path[IMAGE_PATH_BYTES];
    Diag diag = {0};
    StrView version = http_argument(request, "version");
    uint64_t entry = version.length > 0 && version.length < 20 ? strtoull(version.data, NULL, 10) : 0;
    if (!is_known_folder(request))
        return;
    if (entry == 0) {
        http_refuse(request, MHD_HTTP_BAD_REQUEST, STR_VIEW("Miss version parameter"));
        return;
    }
    image_path(path, meta_incarnation(store_of(request)), "image", entry);
    Status status = volume_get(request->server->options.volume, path, &request->reply, &diag);
    if (status != OK) {
        http_refuse(request, status == ERR_NO_SUCH_OBJECT ? MHD_HTTP_NOT_FOUND : MHD_HTTP_SERVICE_UNAVAILABLE, strview(diag.message));
        return;
    }
    if (strview_is(http_argument(request, "subdir"), "/starmgr")) {
        bytebuf_clear(&request->reply);
        meta_print_star_image(entry, &request->reply);
    }
    request->content_type = "application/octet-stream";
    request->status = MHD_HTTP_OK;
}

/* GET /version: the file image/VERSION */
void http_meta_version(HttpRequest *request)
{
    Incarnation identity;
    meta_identity(store_of(request), &identity);
    incarnation_print_version(&identity, &request->reply);
    request->content_type = "text/plain";
    request->status = MHD_HTTP_OK;
}

/* GET /check: is it the same cluster? */
void http_meta_check(HttpRequest *request)
{
    Incarnation identity;
    char token[INCARNATION_TOKEN_BYTES], id[16];
    meta_identity(store_of(request), &identity);
    incarnation_token(&identity, token);
    snprintf(id, sizeof(id), "%u", incarnation_cluster_id(&identity));
    http_put_header(request, "cluster_id", id);
    http_put_header(request, "token", token);
    http_put_header(request, "run_mode", "shared_data");
    request->status = MHD_HTTP_OK;
}

/* GET /role?host=&port=: of the frontend with that edit log port */
void http_meta_role(HttpRequest *request)
{
    AUTO_ARENA arena;
    FrontendState *states;
    const Instance *instance = request->server->options.instance;
    StrView host = http_argument(request, "host"), port = http_argument(request, "port");
    const char *role = "UNKNOWN", *name = NULL;
    arena_init(&arena, NULL);
    if (host.length == 0 || port.length == 0 || port.length > 5) {
        http_refuse(request, MHD_HTTP_BAD_REQUEST, STR_VIEW("Miss parameter"));
        return;
    }
    uint32_t count = instance == NULL || instance->frontends == NULL ? 0 : frontends_list(instance->frontends, &arena, &states);
    for (uint32_t i = 0; i < count; i++) {
        if (!strview_is(host, states[i].info.host) || strtoul(port.data, NULL, 10) != states[i].info.edit_log_port)
            continue;
        role = states[i].info.is_observer ? "OBSERVER" : "FOLLOWER";
        name = states[i].info.name;
    }
    http_put_header(request, "role", role);
    if (name != NULL)
        http_put_header(request, "name", name);
    request->status = MHD_HTTP_OK;
}

/* GET /journal_id[?prefix=starmgr_]: what this node has read */
void http_meta_journal(HttpRequest *request)
{
    char text[24];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)meta_journal_entries(store_of(request)));
    http_put_header(request, "id", text);
    request->status = MHD_HTTP_OK;
}

/* GET /api/bootstrap[?cluster_id=&token=]: is it ready? Requests come in only after it is. Whoever knows the cluster as /check tells it
 * hears more of this node; others only that they are wrong. */
void http_bootstrap(HttpRequest *request)
{
    const Instance *instance = request->server->options.instance;
    StrView id = http_argument(request, "cluster_id"), token = http_argument(request, "token");
    Incarnation identity;
    char right_token[INCARNATION_TOKEN_BYTES], right_id[16];
    request->status = MHD_HTTP_OK;
    if (id.length == 0 && token.length == 0) {
        bytebuf_append_text(&request->reply, "{\"status\":\"OK\",\"msg\":\"Success\"}\n");
        return;
    }
    meta_identity(store_of(request), &identity);
    incarnation_token(&identity, right_token);
    snprintf(right_id, sizeof(right_id), "%u", incarnation_cluster_id(&identity));
    if (!strview_is(id, right_id) || !strview_is(token, right_token)) {
        bytebuf_append_text(&request->reply, "{\"status\":\"FAILED\",\"msg\":\"invalid cluster id or token\"}\n");
        return;
    }
    const FrontendInfo *self = instance == NULL || instance->frontends == NULL ? &(FrontendInfo){0} : frontends_self(instance->frontends);
    bytebuf_printf(&request->reply,
                   "{\"replayedJournalId\":%llu,\"queryPort\":%u,\"rpcPort\":0,\"feStartTime\":%lld,\"feVersion\":\"%s\",\"status\":\"OK\","
                   "\"msg\":\"Success\"}\n",
                   (unsigned long long)meta_journal_entries(store_of(request)), self->query_port, (long long)(self->started_us / 1000),
                   self->version);
}
