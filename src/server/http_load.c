#include "server/http_int.h"

/* Stream Load, transactions over HTTP, and questions about loads. These answer 200 with the outcome inside. */

#include "codec/json_text.h"
#include "session/dictionaries.h"
#include "session/instance.h"
#include "types/number_text.h"

static StrView load_property(void *context, const char *name)
{
    return http_header(context, name);
}

/* A client that sends nothing for as long as the whole load may take is gone. */
static void limit_silence(HttpRequest *request)
{
    int64_t seconds;
    StrView timeout = http_header(request, "timeout");
    if (timeout.length > 0 && int64_parse(timeout, &seconds) && seconds > 0 && seconds < HTTP_IDLE_TIMEOUT_S)
        MHD_set_connection_option(request->connection, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)seconds);
}

static void begin_load(HttpRequest *request, StrView database, StrView table, LoadTransaction *transaction)
{
    HttpServer *server = request->server;
    const Instance *instance = server->options.instance;
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
                                 .increments = instance == NULL ? NULL : instance->increments,
                                 .history = instance == NULL ? NULL : instance->history,
                                 .keys = instance == NULL ? NULL : instance->keys,
                                 .compactor = instance == NULL ? NULL : instance->compactor,
                                 .dictionaries = instance == NULL ? NULL : dictionaries_source(instance->dictionaries),
                                 .database = database,
                                 .table = table,
                                 .user = bytebuf_view(&request->user),
                                 .zone_offset_us = server->options.zone_offset_us,
                                 .error_url = bytebuf_view(&url),
                                 .property = load_property,
                                 .property_context = request,
                                 .merges = server->merges,
                                 .transaction = transaction};
    limit_silence(request);
    request->load = stream_load_begin(&options);
}

void http_load_begin(HttpRequest *request)
{
    if (http_may(request, PRIVILEGE_BIT(INSERT), request->parts[1], request->parts[2]))
        begin_load(request, request->parts[1], request->parts[2], NULL);
}

void http_load_body(HttpRequest *request, const char *data, size_t length)
{
    (void)stream_load_feed(request->load, data, length); /* after a failure the rest is read and dropped */
}

void http_load_finish(HttpRequest *request)
{
    StreamLoad *load = request->load;
    request->load = NULL;
    stream_load_finish(load, &request->reply);
    request->status = MHD_HTTP_OK;
}

static TransactionRequest transaction_request(HttpRequest *request)
{
    return (TransactionRequest){.database = http_header(request, "db"),
                                .table = http_header(request, "table"),
                                .label = http_header(request, "label"),
                                .timeout = http_header(request, "timeout"),
                                .idle_timeout = http_header(request, "idle_transaction_timeout"),
                                .prepared_timeout = http_header(request, "prepared_timeout"),
                                .is_multi = strview_equal_ci(http_header(request, "transaction_type"), STR_VIEW("multi"))};
}

/* PUT /api/transaction/load */
void http_load_part_begin(HttpRequest *request)
{
    TransactionRequest wanted = transaction_request(request);
    if (!http_may(request, PRIVILEGE_BIT(INSERT), wanted.database, wanted.table))
        return;
    LoadTransaction *transaction = load_transaction_enter(request->server->transactions, &wanted, &request->reply);
    if (transaction != NULL)
        begin_load(request, wanted.database, wanted.table, transaction);
    else
        request->status = MHD_HTTP_OK;
}

/* POST /api/transaction/{begin|prepare|commit|rollback} */
void http_transaction(HttpRequest *request)
{
    static const struct {
        const char *name;
        TransactionOp op;
    } ops[] = {{"begin", TRANSACTION_BEGIN}, {"prepare", TRANSACTION_PREPARE}, {"commit", TRANSACTION_COMMIT}, {"rollback", TRANSACTION_ROLLBACK}};
    for (size_t i = 0; i < COUNT_OF(ops); i++) {
        if (!strview_is(request->parts[2], ops[i].name))
            continue;
        TransactionRequest wanted = transaction_request(request);
        if (!http_may(request, PRIVILEGE_BIT(INSERT), wanted.database, wanted.table) || !http_may_end(request, wanted.database, wanted.label))
            return;
        request->status = MHD_HTTP_OK;
        load_transactions_run(request->server->transactions, ops[i].op, &wanted, &request->reply);
        return;
    }
    http_refuse(request, MHD_HTTP_NOT_FOUND, STR_VIEW("Not implemented"));
}

typedef struct LabelState {
    const char *state; /* of a transaction */
    const char *job;   /* of a load job */
    uint64_t txn_id;
} LabelState;

/* False: refused. */
static bool find_label(HttpRequest *request, StrView label, uint64_t *out_database, LabelState *out)
{
    HttpServer *server = request->server;
    CatalogSnapshot *catalog = meta_snapshot(server->options.store);
    const CatalogDatabase *database = catalog_database(catalog, request->parts[1]);
    uint64_t id = database == NULL ? 0 : database->id;
    catalog_unref(catalog);
    *out = (LabelState){"UNKNOWN", "UNKNOWN", 0};
    *out_database = id;
    if (label.length == 0 || database == NULL) {
        http_refuse(request, MHD_HTTP_OK, label.length == 0 ? STR_VIEW("No label selected.") : STR_VIEW("unknown database"));
        return false;
    }
    AUTO_ARENA arena;
    LabelRecord record;
    arena_init(&arena, NULL);
    const char *open = load_transactions_state(server->transactions, id, label);
    bool is_found = meta_label_find(server->options.store, id, label, &arena, &record);
    if (is_found && !record.is_durable) { /* what is not certain yet is found out now, if it can be */
        Diag unsettled = {0};
        status_ignore(meta_settle(server->options.store, &unsettled));
        is_found = meta_label_find(server->options.store, id, label, &arena, &record);
    }
    if (is_found && record.is_durable)
        *out = (LabelState){"VISIBLE", "FINISHED", record.txn_id};
    else if (is_found)
        *out = (LabelState){"PREPARE", "LOADING", record.txn_id};
    else if (open != NULL)
        *out = (LabelState){open, strcmp(open, "PREPARED") == 0 ? "PREPARED" : "LOADING", 0};
    else if (load_hub_is_running(server->hub, id, label))
        *out = (LabelState){"PREPARE", "LOADING", 0};
    return true;
}

void http_load_state(HttpRequest *request)
{
    uint64_t database;
    LabelState state;
    StrView label = http_argument(request, "label");
    if (!http_may(request, PRIVILEGE_ANY, request->parts[1], (StrView){0}) || !find_label(request, label, &database, &state))
        return;
    request->status = MHD_HTTP_OK;
    bytebuf_printf(&request->reply, "{\"state\":\"%s\",\"status\":\"OK\",\"code\":\"0\",\"msg\":\"Success\",\"message\":\"OK\",\"label\":",
                   state.state);
    json_quote(label, &request->reply);
    bytebuf_printf(&request->reply, ",\"txnId\":%llu}\n", (unsigned long long)state.txn_id);
}

void http_load_info(HttpRequest *request)
{
    uint64_t database;
    LabelState state;
    StrView label = http_argument(request, "label");
    if (!http_may(request, PRIVILEGE_ANY, request->parts[1], (StrView){0}) || !find_label(request, label, &database, &state))
        return;
    if (strcmp(state.job, "UNKNOWN") == 0) {
        http_refuse(request, MHD_HTTP_OK, STR_VIEW("label does not exist"));
        return;
    }
    request->status = MHD_HTTP_OK;
    bytebuf_append_text(&request->reply, "{\"jobInfo\":{\"dbName\":");
    json_quote(request->parts[1], &request->reply);
    bytebuf_append_text(&request->reply, ",\"tblNames\":[],\"label\":");
    json_quote(label, &request->reply);
    bytebuf_printf(&request->reply,
                   ",\"state\":\"%s\",\"failMsg\":\"\",\"trackingUrl\":\"\"},\"status\":\"OK\",\"code\":\"0\",\"msg\":\"Success\",\"message\":\"OK\"}\n",
                   state.job);
}

/* POST /api/{db}/{label}/_cancel */
void http_load_cancel(HttpRequest *request)
{
    uint64_t database;
    LabelState state;
    StrView label = request->parts[2];
    bool may = http_may(request, PRIVILEGE_ANY, request->parts[1], (StrView){0}) && http_may_end(request, request->parts[1], label);
    if (!may || !find_label(request, label, &database, &state))
        return;
    if (load_transactions_cancel(request->server->transactions, database, label) || load_hub_cancel(request->server->hub, database, label)) {
        request->status = MHD_HTTP_OK;
        bytebuf_append_text(&request->reply, "{\"status\":\"OK\",\"code\":\"0\",\"msg\":\"Success\",\"message\":\"OK\"}\n");
        return;
    }
    AUTO_BYTEBUF text = {0};
    if (strcmp(state.state, "VISIBLE") == 0)
        bytebuf_printf(&text, "transaction with label %.*s is already visible and can't be cancelled", SV_ARGS(label));
    else
        bytebuf_printf(&text, "transaction with label %.*s does not exist", SV_ARGS(label));
    http_refuse(request, MHD_HTTP_OK, bytebuf_view(&text));
}

void http_load_errors(HttpRequest *request)
{
    if (!load_hub_error_log(request->server->hub, http_argument(request, "file"), &request->reply)) {
        http_refuse(request, MHD_HTTP_NOT_FOUND, STR_VIEW("no such error log"));
        return;
    }
    request->status = MHD_HTTP_OK;
    request->content_type = "text/plain; charset=utf-8";
}
