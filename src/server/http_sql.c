#include "server/http_int.h"

/* SQL over HTTP: POST {"query": "...", "sessionVariables": {"x": 1}} answers a JSON object a line:
 * connectionId, meta, data (a line a row), statistics. Reading statements only, one a request. The
 * answer is kept in memory up to ANSWER_LIMIT_BYTES. */

#include "codec/json_text.h"

enum { ANSWER_LIMIT_BYTES = 256 << 20 };
#define FIRST_HTTP_CONNECTION (UINT64_C(1) << 30)

typedef struct SqlAnswer {
    ByteBuf *out;
    Arena arena;
    Type *types;
    uint32_t column_count;
    uint64_t rows;
    const char *problem; /* why a callback stopped the statement */
} SqlAnswer;

static Status put_columns(void *context, const ResultColumn *columns, uint32_t count)
{
    SqlAnswer *answer = context;
    answer->types = ARENA_NEW_ARRAY(&answer->arena, Type, count);
    answer->column_count = count;
    bytebuf_append_text(answer->out, "{\"meta\":[");
    for (uint32_t i = 0; i < count; i++) {
        answer->types[i] = type_copy(&answer->arena, columns[i].type);
        AUTO_BYTEBUF type = {0};
        type_print(columns[i].type, &type);
        bytebuf_append_text(answer->out, i > 0 ? ",{\"name\":" : "{\"name\":");
        json_quote(columns[i].name, answer->out);
        bytebuf_append_text(answer->out, ",\"type\":");
        json_quote(bytebuf_view(&type), answer->out);
        bytebuf_append_char(answer->out, '}');
    }
    bytebuf_append_text(answer->out, "]}\n");
    return OK;
}

static void put_value(Type type, const Datum *value, ByteBuf *out)
{
    if (value->is_null) {
        bytebuf_append_text(out, "null");
        return;
    }
    AUTO_BYTEBUF text = {0};
    datum_print(type, value, &text);
    bool is_plain = type_is_numeric(type) && (!type_is_float(type) || __builtin_isfinite(value->f64));
    if (is_plain)
        bytebuf_append_view(out, bytebuf_view(&text));
    else
        json_quote(bytebuf_view(&text), out);
}

static Status put_rows(void *context, const Chunk *chunk)
{
    SqlAnswer *answer = context;
    Rows rows = chunk_rows(chunk);
    ArenaMark mark = arena_mark(&answer->arena);
    for (FOR_ROWS(rows, i, row)) {
        bytebuf_append_text(answer->out, "{\"data\":[");
        for (uint32_t c = 0; c < chunk->column_count; c++) {
            Datum value = vector_get(&chunk->columns[c], row, &answer->arena);
            if (c > 0)
                bytebuf_append_char(answer->out, ',');
            put_value(chunk->columns[c].type, &value, answer->out);
        }
        bytebuf_append_text(answer->out, "]}\n");
    }
    arena_release(&answer->arena, mark);
    answer->rows += rows.count;
    if (answer->out->length <= ANSWER_LIMIT_BYTES)
        return OK;
    answer->problem = "the answer is too long for SQL over HTTP: use the MySQL protocol";
    return ERR_LIMIT_EXCEEDED;
}

static Status put_done(void *context, const ResultSummary *summary)
{
    SqlAnswer *answer = context;
    if (!summary->has_more)
        return OK;
    answer->problem = "/api/v1/sql not support execute multiple query";
    return ERR_NOT_SUPPORTED;
}

static bool is_reading(StrView query)
{
    static const char *const words[] = {"select", "with", "show", "explain", "desc", "describe", "kill"};
    size_t at = 0;
    while (at < query.length && (query.data[at] == '(' || query.data[at] <= ' '))
        at++;
    size_t end = at;
    while (end < query.length && ((query.data[end] | 0x20) >= 'a' && (query.data[end] | 0x20) <= 'z'))
        end++;
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (strview_equal_ci((StrView){query.data + at, end - at}, strview(words[i])))
            return true;
    }
    return false;
}

static void refuse(HttpRequest *request, unsigned status, const char *text)
{
    bytebuf_clear(&request->reply);
    request->status = status;
    bytebuf_append_text(&request->reply, "{\"status\":\"FAILED\",\"msg\":");
    json_quote(strview(text), &request->reply);
    bytebuf_append_text(&request->reply, "}\n");
}

/* SET for each member of sessionVariables; names are checked, values are literals of JSON. */
static Status set_variables(Session *session, StrView variables, const ResultSink *sink, Diag *diag)
{
    size_t at = 0;
    StrView name, value;
    while (json_next_member(variables, &at, &name, &value)) {
        for (size_t i = 0; i < name.length; i++) {
            char low = (char)(name.data[i] | 0x20);
            if (name.data[i] != '_' && (low < 'a' || low > 'z') && (name.data[i] < '0' || name.data[i] > '9'))
                return RAISE(diag, UNKNOWN_VARIABLE, "Unknown system variable '%.*s'", SV_ARGS(name));
        }
        JsonTextKind kind = json_kind(value);
        if (kind == JSON_TEXT_OBJECT || kind == JSON_TEXT_ARRAY)
            return RAISE(diag, WRONG_TYPE_FOR_VAR, "Incorrect argument type to variable '%.*s'", SV_ARGS(name));
        AUTO_BYTEBUF sql = {0};
        bytebuf_printf(&sql, "SET %.*s = %.*s", SV_ARGS(name), SV_ARGS(value));
        TRY(session_execute(session, bytebuf_view(&sql), sink, diag));
    }
    return OK;
}

typedef struct SqlRequest {
    ByteBuf query;
    StrView variables;
    bool hide_connection;
} SqlRequest;

static bool read_request(StrView body, SqlRequest *out)
{
    size_t at = 0, member_at = 0;
    StrView object, name, value;
    if (json_value(body, &at, &object) != JSON_TEXT_OBJECT)
        return false;
    while (json_next_member(object, &member_at, &name, &value)) {
        JsonTextKind kind = json_kind(value);
        if (strview_is(name, "query") && kind == JSON_TEXT_STRING) {
            if (!json_unescape((StrView){value.data + 1, value.length - 2}, &out->query))
                return false;
        } else if (strview_is(name, "sessionVariables") && kind == JSON_TEXT_OBJECT) {
            out->variables = value;
        } else if (strview_is(name, "disablePrintConnectionId")) {
            out->hide_connection = strview_is(value, "true");
        }
    }
    return out->query.length > 0;
}

static Status no_columns(void *context, const ResultColumn *columns, uint32_t count)
{
    (void)context, (void)columns, (void)count;
    return OK;
}
static Status no_rows(void *context, const Chunk *chunk)
{
    (void)context, (void)chunk;
    return OK;
}
static Status no_end(void *context, const ResultSummary *summary)
{
    (void)context, (void)summary;
    return OK;
}

static Status run(HttpRequest *request, Session *session, const SqlRequest *sql, SqlAnswer *answer, Diag *diag)
{
    ResultSink ignore = {NULL, no_columns, no_rows, no_end};
    ResultSink sink = {answer, put_columns, put_rows, put_done};
    if (request->part_count == 7) /* api v1 catalogs C databases D sql */
        TRY(session_use(session, request->parts[5], diag));
    TRY(set_variables(session, sql->variables, &ignore, diag));
    if (!sql->hide_connection)
        bytebuf_printf(&request->reply, "{\"connectionId\":%llu}\n",
                       (unsigned long long)session_connection_id(session));
    TRY(session_execute(session, bytebuf_view(&sql->query), &sink, diag));
    bytebuf_printf(&request->reply, "{\"statistics\":{\"scanRows\":0,\"scanBytes\":0,\"returnRows\":%llu}}\n",
                   (unsigned long long)answer->rows);
    return OK;
}

static void execute(HttpRequest *request, const SqlRequest *sql)
{
    HttpServer *server = request->server;
    Session *session;
    Diag diag = {0};
    uint64_t id = FIRST_HTTP_CONNECTION + atomic_fetch_add(&server->next_session, 1);
    if (session_open(server->options.instance, bytebuf_view(&request->user), strview(request->host), id, &diag,
                     &session) != OK) {
        refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, diag.message);
        return;
    }
    SqlAnswer answer = {.out = &request->reply};
    arena_init(&answer.arena, server->options.tracker);
    if (run(request, session, sql, &answer, &diag) == OK)
        request->status = MHD_HTTP_OK;
    else
        refuse(request, answer.problem != NULL ? MHD_HTTP_BAD_REQUEST : MHD_HTTP_INTERNAL_SERVER_ERROR,
               answer.problem != NULL ? answer.problem : diag.message);
    arena_deinit(&answer.arena);
    session_close(session);
}

void http_sql(HttpRequest *request)
{
    SqlRequest sql = {0};
    request->content_type = "application/x-ndjson; charset=utf-8";
    if (!strview_equal_ci(request->parts[3], STR_VIEW("default_catalog")))
        refuse(request, MHD_HTTP_NOT_FOUND, "unknown catalog");
    else if (!read_request(bytebuf_view(&request->body), &sql))
        refuse(request, MHD_HTTP_BAD_REQUEST, "malformed json [ no field query ]");
    else if (!is_reading(bytebuf_view(&sql.query)))
        refuse(request, MHD_HTTP_FORBIDDEN, "http sql only support SELECT, SHOW, EXPLAIN, DESC, KILL statement");
    else
        execute(request, &sql);
    bytebuf_deinit(&sql.query);
}
