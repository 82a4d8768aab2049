#include "server/http_int.h"

/* Health, metrics, and what connectors and operators ask about tables and the server. */

#include "cluster/frontends.h"
#include "codec/json_text.h"
#include "session/instance.h"

void http_put_metric(ByteBuf *out, const char *name, const char *type, const char *help, uint64_t value)
{
    bytebuf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, type, name, (unsigned long long)value);
}

/* Every frontend computes. Heartbeats go to the leader: another node takes those for online that it never heard of. */
static void count_nodes(const Instance *instance, uint32_t *out_nodes, uint32_t *out_online)
{
    AUTO_ARENA arena;
    FrontendState *states;
    arena_init(&arena, NULL);
    *out_nodes = *out_online = 0;
    uint32_t count = instance == NULL || instance->frontends == NULL ? 0 : frontends_list(instance->frontends, &arena, &states);
    bool leads = count > 0 && meta_is_leading(instance->store);
    for (uint32_t i = 0; i < count; i++) {
        *out_nodes += states[i].has_joined;
        *out_online += states[i].has_joined && (states[i].is_alive || (!leads && states[i].last_heartbeat_us == 0));
    }
    *out_nodes = MAX(*out_nodes, 1u); /* this one answers */
    *out_online = MAX(*out_online, 1u);
}

void http_health(HttpRequest *request)
{
    const Instance *instance = request->server->options.instance;
    uint32_t nodes, online;
    Diag diag = {0};
    if (instance != NULL && instance->store != NULL && meta_check_current(instance->store, &diag) != OK) { /* to be started again */
        http_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, strview(diag.message));
        return;
    }
    count_nodes(instance, &nodes, &online);
    request->status = MHD_HTTP_OK;
    bytebuf_printf(&request->reply,
                   "{\"status\":\"OK\",\"code\":\"0\",\"msg\":\"Success\",\"message\":\"OK\",\"total_backend_num\":%u,"
                   "\"online_backend_num\":%u}\n",
                   nodes, online);
}

/* The first names are those that dashboards and probes made for StarRocks look for. */
static void put_load_metrics(HttpServer *server, ByteBuf *out)
{
    LoadCounters loads = load_hub_counters(server->hub);
    http_put_metric(out, "starrocks_fe_connection_total", "gauge", "sessions",
                    server->options.instance == NULL ? 0 : session_count(server->options.instance));
    http_put_metric(out, "starrocks_fe_txn_success", "counter", "loads that were committed", loads.succeeded);
    http_put_metric(out, "starrocks_fe_txn_failed", "counter", "loads that failed", loads.failed);
    http_put_metric(out, "merak_http_requests_total", "counter", "HTTP requests", atomic_load(&server->requests));
    http_put_metric(out, "merak_stream_load_running", "gauge", "loads that run, open transactions included", loads.running);
    http_put_metric(out, "merak_stream_load_transactions", "gauge", "open transactions over HTTP",
                    load_transactions_open_count(server->transactions));
    http_put_metric(out, "merak_stream_load_succeeded_total", "counter", "loads that were committed", loads.succeeded);
    http_put_metric(out, "merak_stream_load_failed_total", "counter", "loads that failed", loads.failed);
    http_put_metric(out, "merak_stream_load_rows_total", "counter", "rows of committed loads", loads.rows);
    http_put_metric(out, "merak_stream_load_bytes_total", "counter", "bytes that loads sent", loads.bytes);
    int64_t used = mem_used(mem_process_tracker());
    http_put_metric(out, "merak_memory_used_bytes", "gauge", "tracked memory", (uint64_t)MAX(used, 0));
}

void http_metrics(HttpRequest *request)
{
    HttpServer *server = request->server;
    put_load_metrics(server, &request->reply);
    for (uint32_t i = 0; i < server->metrics_count; i++)
        server->metrics[i].write(server->metrics[i].context, &request->reply);
    request->status = MHD_HTTP_OK;
    request->content_type = "text/plain; version=0.0.4; charset=utf-8";
}

/* ---- tables ---- */

/* Without one, the request is refused. The caller unrefs *out_catalog. */
static const CatalogTable *find_table(HttpRequest *request, StrView database_name, StrView table_name, CatalogSnapshot **out_catalog)
{
    *out_catalog = meta_snapshot(request->server->options.store);
    if (!http_may(request, PRIVILEGE_BIT(SELECT), database_name, table_name))
        return NULL;
    const CatalogDatabase *database = catalog_database(*out_catalog, database_name);
    const CatalogTable *table = database == NULL ? NULL : catalog_table(database, table_name);
    AUTO_BYTEBUF text = {0};
    if (database == NULL)
        bytebuf_printf(&text, "Database [%.*s] does not exists", SV_ARGS(database_name));
    else if (table == NULL)
        bytebuf_printf(&text, "Table [%.*s] does not exists", SV_ARGS(table_name));
    if (text.length > 0)
        http_refuse(request, MHD_HTTP_NOT_FOUND, bytebuf_view(&text));
    return table;
}

static void put_column(const TableColumn *column, ByteBuf *out)
{
    AUTO_BYTEBUF type = {0};
    type_print_sql(column->type, &type);
    size_t bracket = 0;
    while (bracket < type.length && type.data[bracket] != '(')
        bracket++;
    bytebuf_append_text(out, "{\"name\":");
    json_quote(column->name, out);
    bytebuf_append_text(out, ",\"type\":");
    json_quote(type_is_nested(column->type) ? bytebuf_view(&type) : (StrView){type.data, bracket}, out);
    bytebuf_append_text(out, ",\"comment\":");
    json_quote(column->comment, out);
    if (column->type.kind == TYPE_DECIMAL)
        bytebuf_printf(out, ",\"precision\":\"%u\",\"scale\":\"%u\"", column->type.precision, column->type.scale);
    bytebuf_append_text(out, ",\"aggregation_type\":");
    json_quote(column->aggregate, out);
    bytebuf_printf(out, ",\"is_key\":\"%s\",\"is_nullable\":\"%s\"}", column->is_key ? "true" : "false", column->is_nullable ? "Yes" : "No");
}

void http_table_schema(HttpRequest *request)
{
    static const char *const kinds[] = {"DUP_KEYS", "AGG_KEYS", "UNIQUE_KEYS", "PRIMARY_KEYS"};
    _Static_assert(KEYS_DUPLICATE == 0 && KEYS_AGGREGATE == 1 && KEYS_UNIQUE == 2 && KEYS_PRIMARY == 3, "order of KeysKind");
    CatalogSnapshot *catalog;
    const CatalogTable *table = find_table(request, request->parts[1], request->parts[2], &catalog);
    if (table != NULL) {
        const TableSchema *schema = table->schema;
        bytebuf_printf(&request->reply, "{\"status\":200,\"keysType\":\"%s\",\"properties\":[", kinds[schema->keys_kind]);
        for (uint32_t c = 0; c < schema->column_count; c++) {
            if (c > 0)
                bytebuf_append_char(&request->reply, ',');
            put_column(&schema->columns[c], &request->reply);
        }
        bytebuf_append_text(&request->reply, "]}\n");
        request->status = MHD_HTTP_OK;
    }
    catalog_unref(catalog);
}

void http_table_count(HttpRequest *request)
{
    CatalogSnapshot *catalog;
    const CatalogTable *table = find_table(request, request->parts[1], request->parts[2], &catalog);
    if (table != NULL) {
        uint64_t rows = 0;
        for (uint32_t p = 0; p < table->partition_count; p++) {
            for (uint32_t t = 0; t < table->partitions[p]->tablet_count; t++) {
                const TabletVersion *tablet = &table->partitions[p]->tablets[t];
                for (uint32_t s = 0; s < tablet->segment_count; s++)
                    rows += segment_live_rows(&tablet->segments[s]);
            }
        }
        bytebuf_printf(&request->reply, "{\"size\":%llu,\"status\":200}\n", (unsigned long long)rows);
        request->status = MHD_HTTP_OK;
    }
    catalog_unref(catalog);
}

/* ---- what SQL can say too ---- */

typedef struct JsonRows {
    ByteBuf *out;
    Arena arena;
    int only_column; /* -1: each row is an array */
    uint64_t rows;
} JsonRows;

static Status skip_columns(void *context, const ResultColumn *columns, uint32_t count)
{
    (void)context, (void)columns, (void)count;
    return OK;
}

static void put_text_value(JsonRows *rows, const Vector *column, uint32_t row)
{
    AUTO_BYTEBUF text = {0};
    Datum value = vector_get(column, row, &rows->arena);
    if (value.is_null) {
        bytebuf_append_text(rows->out, "null");
        return;
    }
    datum_print(column->type, &value, &text);
    json_quote(bytebuf_view(&text), rows->out);
}

static Status put_json_rows(void *context, const Chunk *chunk)
{
    JsonRows *rows = context;
    Rows all = chunk_rows(chunk);
    for (FOR_ROWS(all, i, row)) {
        if (rows->rows++ > 0)
            bytebuf_append_char(rows->out, ',');
        if (rows->only_column < 0)
            bytebuf_append_char(rows->out, '[');
        for (uint32_t c = 0; c < chunk->column_count; c++) {
            if (rows->only_column >= 0 && (int)c != rows->only_column)
                continue;
            if (rows->only_column < 0 && c > 0)
                bytebuf_append_char(rows->out, ',');
            put_text_value(rows, &chunk->columns[c], row);
        }
        if (rows->only_column < 0)
            bytebuf_append_char(rows->out, ']');
    }
    return OK;
}

static Status skip_done(void *context, const ResultSummary *summary)
{
    (void)context, (void)summary;
    return OK;
}

/* Appends "row,row"; false: refused. */
static bool put_query(HttpRequest *request, StrView sql, int only_column, ByteBuf *out)
{
    JsonRows rows = {.out = out, .only_column = only_column};
    Diag diag = {0};
    ResultSink sink = {&rows, skip_columns, put_json_rows, skip_done};
    arena_init(&rows.arena, NULL);
    Status status = http_execute(request, (StrView){0}, sql, &sink, &diag);
    arena_deinit(&rows.arena);
    if (status != OK)
        http_refuse(request, MHD_HTTP_BAD_REQUEST, strview(diag.message));
    return status == OK;
}

static void put_quoted(StrView text, char quote, ByteBuf *out)
{
    bytebuf_append_char(out, quote);
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == quote)
            bytebuf_append_char(out, quote);
        if (text.data[i] == '\\' && quote == '\'')
            bytebuf_append_char(out, '\\');
        bytebuf_append_char(out, text.data[i]);
    }
    bytebuf_append_char(out, quote);
}

/* GET /api/_get_ddl?db=&table= */
void http_table_ddl(HttpRequest *request)
{
    AUTO_BYTEBUF sql = {0};
    AUTO_BYTEBUF rows = {0};
    bytebuf_append_text(&sql, "SHOW CREATE TABLE ");
    put_quoted(http_argument(request, "db"), '`', &sql);
    bytebuf_append_char(&sql, '.');
    put_quoted(http_argument(request, "table"), '`', &sql);
    if (!put_query(request, bytebuf_view(&sql), 1, &rows))
        return;
    bytebuf_printf(&request->reply, "{\"TABLE\":[%s],\"PARTITION\":[],\"ROLLUP\":[]}\n", rows.data);
    request->status = MHD_HTTP_OK;
}

/* GET /api/show_proc?path=/... */
void http_show_proc(HttpRequest *request)
{
    AUTO_BYTEBUF sql = {0};
    AUTO_BYTEBUF rows = {0};
    bytebuf_append_text(&sql, "SHOW PROC ");
    put_quoted(http_argument(request, "path"), '\'', &sql);
    if (!put_query(request, bytebuf_view(&sql), -1, &rows))
        return;
    bytebuf_printf(&request->reply, "[%s]\n", rows.length > 0 ? rows.data : "");
    request->status = MHD_HTTP_OK;
}

/* Details of queries are collected on demand only (enable_collect_query_detail_info), which is off. */
void http_query_detail(HttpRequest *request)
{
    request->status = MHD_HTTP_OK;
    bytebuf_append_text(&request->reply, "[]\n");
}
