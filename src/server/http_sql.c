#include "server/http_int.h"

/* SQL over HTTP: POST {"query": "...", "sessionVariables": {"x": 1}} answers a JSON object a line:
 * connectionId, meta, data (a line a row), statistics; "onlyOutputResultRaw" leaves the first and the last away.
 * Statements that are no queries (SHOW, DESC, EXPLAIN, KILL) answer one object with rows by name. Reading
 * statements only, one a request. The answer is kept in memory up to ANSWER_LIMIT_BYTES. */

#include "codec/json_text.h"

enum { ANSWER_LIMIT_BYTES = 256 << 20 };
#define FIRST_HTTP_CONNECTION (UINT64_C(1) << 30)

typedef struct SqlAnswer {
    ByteBuf *out;
    Arena arena;
    StrView *names;
    Type *types;
    uint32_t column_count;
    uint64_t rows;
    bool by_name; /* one object, rows by name */
    const char *problem; /* why a callback stopped the statement */
} SqlAnswer;

static void put_type(Type type, bool is_inside, ByteBuf *out);

static void put_nested_type(Type type, ByteBuf *out)
{
    const TypeChildren *children = type.nested;
    bytebuf_append_text(out, type.kind == TYPE_ARRAY ? "array<" : type.kind == TYPE_MAP ? "map<" : "struct<");
    for (uint32_t i = 0; i < children->count; i++) {
        if (i > 0)
            bytebuf_append_text(out, type.kind == TYPE_STRUCT ? ", " : ",");
        if (type.kind == TYPE_STRUCT)
            bytebuf_printf(out, "`%.*s` ", SV_ARGS(children->names[i]));
        put_type(children->types[i], true, out);
    }
    bytebuf_append_char(out, '>');
}

/* As StarRocks names types here, which is not the same at every depth. */
static void put_type(Type type, bool is_inside, ByteBuf *out)
{
    if (type_is_nested(type))
        put_nested_type(type, out);
    else if (type.kind == TYPE_DECIMAL && is_inside)
        bytebuf_printf(out, "DECIMAL%u(%u,%u)", type.precision <= 9 ? 32u : type.precision <= 18 ? 64u : 128u, type.precision, type.scale);
    else if (type.kind == TYPE_DECIMAL)
        bytebuf_printf(out, "decimal(%u, %u)", type.precision, type.scale);
    else if (type.kind == TYPE_CHAR)
        bytebuf_append_text(out, "varchar");
    else
        type_print(type, out);
}

static Status put_columns(void *context, const ResultColumn *columns, uint32_t count)
{
    SqlAnswer *answer = context;
    answer->types = ARENA_NEW_ARRAY(&answer->arena, Type, count);
    answer->names = ARENA_NEW_ARRAY(&answer->arena, StrView, count);
    answer->column_count = count;
    bytebuf_append_text(answer->out, "{\"meta\":[");
    for (uint32_t i = 0; i < count; i++) {
        answer->types[i] = type_copy(&answer->arena, columns[i].type);
        answer->names[i] = (StrView){arena_strndup(&answer->arena, columns[i].name.data, columns[i].name.length), columns[i].name.length};
        AUTO_BYTEBUF type = {0};
        put_type(columns[i].type, false, &type);
        bytebuf_append_text(answer->out, i > 0 ? ",{\"name\":" : "{\"name\":");
        json_quote(columns[i].name, answer->out);
        bytebuf_append_text(answer->out, ",\"type\":");
        json_quote(bytebuf_view(&type), answer->out);
        bytebuf_append_char(answer->out, '}');
    }
    bytebuf_append_text(answer->out, answer->by_name ? "],\"data\":[" : "]}\n");
    return OK;
}

static void put_value(Type type, const Datum *value, bool is_inside, ByteBuf *out);

/* Names of members, keys of maps. */
static void put_key(Type type, const Datum *key, ByteBuf *out)
{
    AUTO_BYTEBUF text = {0};
    datum_print(type, key, &text);
    json_quote(bytebuf_view(&text), out);
    bytebuf_append_text(out, ": ");
}

static void put_nested(Type type, const Datum *value, ByteBuf *out)
{
    bool is_array = type.kind == TYPE_ARRAY, is_map = type.kind == TYPE_MAP;
    uint32_t step = is_map ? 2 : 1;
    bytebuf_append_char(out, is_array ? '[' : '{');
    for (uint32_t i = 0; i < value->list->count; i += step) {
        if (i > 0)
            bytebuf_append_text(out, ", ");
        if (is_map) {
            put_key(type.nested->types[0], &value->list->items[i], out);
        } else if (!is_array) {
            json_quote(type.nested->names[i], out);
            bytebuf_append_text(out, ": ");
        }
        put_value(type.nested->types[is_array ? 0 : is_map ? 1 : i], &value->list->items[i + step - 1], true, out);
    }
    bytebuf_append_char(out, is_array ? ']' : '}');
}

static void put_value(Type type, const Datum *value, bool is_inside, ByteBuf *out)
{
    if (value->is_null) {
        bytebuf_append_text(out, "null");
        return;
    }
    if (type_is_nested(type)) {
        put_nested(type, value, out);
        return;
    }
    AUTO_BYTEBUF text = {0};
    datum_print(type, value, &text);
    bool is_plain = type_is_numeric(type) && (!type_is_float(type) || __builtin_isfinite(value->f64)) &&
                    !(is_inside && type.kind == TYPE_DECIMAL);
    if (is_plain)
        bytebuf_append_view(out, bytebuf_view(&text));
    else
        json_quote(bytebuf_view(&text), out);
}

static void put_row(SqlAnswer *answer, const Chunk *chunk, uint32_t row)
{
    bytebuf_append_text(answer->out, !answer->by_name ? "{\"data\":[" : answer->rows > 0 ? ",{" : "{");
    for (uint32_t c = 0; c < chunk->column_count; c++) {
        Datum value = vector_get(&chunk->columns[c], row, &answer->arena);
        if (c > 0)
            bytebuf_append_char(answer->out, ',');
        if (answer->by_name && c < answer->column_count) {
            json_quote(answer->names[c], answer->out);
            bytebuf_append_char(answer->out, ':');
        }
        put_value(chunk->columns[c].type, &value, false, answer->out);
    }
    bytebuf_append_text(answer->out, answer->by_name ? "}" : "]}\n");
    answer->rows++;
}

static Status put_rows(void *context, const Chunk *chunk)
{
    SqlAnswer *answer = context;
    Rows rows = chunk_rows(chunk);
    ArenaMark mark = arena_mark(&answer->arena);
    for (FOR_ROWS(rows, i, row))
        put_row(answer, chunk, row);
    arena_release(&answer->arena, mark);
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
    answer->problem = "http query does not support execute multiple query"; /* the first has run */
    return ERR_NOT_SUPPORTED;
}

/* Behind a semicolon outside of quotes and comments only blanks may follow. */
static bool is_single(StrView query)
{
    char quote = 0;
    bool has_ended = false, is_comment = false;
    for (size_t i = 0; i < query.length; i++) {
        char c = query.data[i];
        char next = i + 1 < query.length ? query.data[i + 1] : '\0';
        is_comment = quote == '-' || quote == '*' || (quote == 0 && ((c == '-' && next == '-') || (c == '/' && next == '*')));
        if (quote == '-' || quote == '*') {
            bool is_over = (quote == '-' && c == '\n') || (quote == '*' && c == '*' && next == '/');
            i += is_over && quote == '*';
            quote = is_over ? 0 : quote;
        } else if (quote != 0) {
            i += c == '\\' && quote != '`';
            quote = c == quote ? 0 : quote;
        } else if (c == '\'' || c == '"' || c == '`') {
            quote = c;
        } else if ((c == '-' && next == '-') || (c == '/' && next == '*')) {
            quote = next;
        } else if (c == ';') {
            has_ended = true;
            continue;
        }
        if (has_ended && !is_comment && (unsigned char)c > ' ')
            return false;
    }
    return true;
}

typedef enum StatementClass { STATEMENT_REFUSED, STATEMENT_QUERY, STATEMENT_OTHER } StatementClass;

static StatementClass classify(StrView query)
{
    static const char *const words[] = {"select", "with", "values", "show", "explain", "desc", "describe", "kill"};
    enum { QUERY_WORDS = 3 };
    size_t at = 0;
    while (at < query.length && (query.data[at] == '(' || query.data[at] <= ' '))
        at++;
    size_t end = at;
    while (end < query.length && ((query.data[end] | 0x20) >= 'a' && (query.data[end] | 0x20) <= 'z'))
        end++;
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (strview_equal_ci((StrView){query.data + at, end - at}, strview(words[i])))
            return i < QUERY_WORDS ? STATEMENT_QUERY : STATEMENT_OTHER;
    }
    return STATEMENT_REFUSED;
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
    bool is_raw; /* meta and data alone */
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
        } else if (strview_is(name, "onlyOutputResultRaw")) {
            out->is_raw = strview_is(value, "true");
        }
    }
    return json_skip_blanks(body, at) == body.length && json_skip_blanks(object, member_at) + 1 >= object.length;
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
    if (!sql->hide_connection && !sql->is_raw && !answer->by_name)
        bytebuf_printf(&request->reply, "{\"connectionId\":%llu}\n", (unsigned long long)session_connection_id(session));
    TRY(session_execute(session, bytebuf_view(&sql->query), &sink, diag));
    if (answer->by_name && answer->types == NULL) /* KILL */
        bytebuf_append_text(&request->reply, "{\"meta\":[],\"data\":[");
    if (answer->by_name || !sql->is_raw)
        bytebuf_printf(&request->reply, "%s\"statistics\":{\"scanRows\":0,\"scanBytes\":0,\"returnRows\":%llu}}\n",
                       answer->by_name ? "]," : "{", (unsigned long long)answer->rows);
    return OK;
}

static Status open_session(HttpRequest *request, Diag *diag, Session **out_session)
{
    HttpServer *server = request->server;
    uint64_t id = FIRST_HTTP_CONNECTION + atomic_fetch_add(&server->next_session, 1);
    return session_open(server->options.instance, bytebuf_view(&request->user), strview(request->host), id, diag, out_session);
}

Status http_execute(HttpRequest *request, StrView database, StrView sql, const ResultSink *sink, Diag *diag)
{
    Session *session;
    TRY(open_session(request, diag, &session));
    Status status = database.length > 0 ? session_use(session, database, diag) : OK;
    if (status == OK)
        status = session_execute(session, sql, sink, diag);
    session_close(session);
    return status;
}

static void execute(HttpRequest *request, const SqlRequest *sql)
{
    Session *session;
    Diag diag = {0};
    if (open_session(request, &diag, &session) != OK) {
        http_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, strview(diag.message));
        return;
    }
    SqlAnswer answer = {.out = &request->reply, .by_name = classify(bytebuf_view(&sql->query)) == STATEMENT_OTHER};
    arena_init(&answer.arena, request->server->options.tracker);
    if (run(request, session, sql, &answer, &diag) == OK)
        request->status = MHD_HTTP_OK;
    else
        http_refuse(request, answer.problem != NULL ? MHD_HTTP_BAD_REQUEST : MHD_HTTP_INTERNAL_SERVER_ERROR,
                    strview(answer.problem != NULL ? answer.problem : diag.message));
    arena_deinit(&answer.arena);
    session_close(session);
}

static void refuse_malformed(HttpRequest *request)
{
    AUTO_BYTEBUF text = {0};
    bytebuf_append_text(&text, "malformed json [ ");
    bytebuf_append_view(&text, bytebuf_view(&request->body));
    bytebuf_append_text(&text, " ]");
    http_refuse(request, MHD_HTTP_BAD_REQUEST, bytebuf_view(&text));
}

void http_sql(HttpRequest *request)
{
    SqlRequest sql = {0};
    request->content_type = "application/x-ndjson; charset=utf-8";
    if (!strview_equal_ci(request->parts[3], STR_VIEW("default_catalog")))
        http_refuse(request, MHD_HTTP_NOT_FOUND, STR_VIEW("unknown catalog"));
    else if (!read_request(bytebuf_view(&request->body), &sql))
        refuse_malformed(request);
    else if (sql.query.length == 0)
        http_refuse(request, MHD_HTTP_BAD_REQUEST, STR_VIEW("\"query can not be empty\""));
    else if (classify(bytebuf_view(&sql.query)) == STATEMENT_REFUSED)
        http_refuse(request, MHD_HTTP_FORBIDDEN, STR_VIEW("http query only support SELECT, SHOW, EXPLAIN, DESC, KILL statement"));
    else if (!is_single(bytebuf_view(&sql.query)))
        http_refuse(request, MHD_HTTP_BAD_REQUEST, STR_VIEW("http query does not support execute multiple query"));
    else
        execute(request, &sql);
    bytebuf_deinit(&sql.query);
}
