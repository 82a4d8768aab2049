#include "server/connection.h"

/* Commands: runs one packet on a statement thread and sends what comes of it. */

#include <openssl/crypto.h>

#include "base/log.h"
#include "server/peer.h"
#include "server/server_int.h"
#include "session/instance.h"

typedef struct Reply {
    Connection *connection;
    bool is_binary;
    Arena scratch;
    ByteBuf packet;
} Reply;

static bool has_eof(const Connection *c)
{
    return (c->capabilities & CLIENT_DEPRECATE_EOF) == 0;
}

static Status send_columns(void *context, const ResultColumn *columns, uint32_t count)
{
    Reply *reply = context;
    Connection *c = reply->connection;
    bytebuf_clear(&reply->packet);
    put_lenenc(&reply->packet, count);
    TRY(connection_send(c, &reply->packet, false));
    for (uint32_t i = 0; i < count; i++) {
        bytebuf_clear(&reply->packet);
        mysql_put_column(&reply->packet, &columns[i], false);
        TRY(connection_send(c, &reply->packet, false));
    }
    if (!has_eof(c))
        return OK;
    bytebuf_clear(&reply->packet);
    mysql_put_eof(&reply->packet, false);
    return connection_send(c, &reply->packet, false);
}

static Status send_rows(void *context, const Chunk *chunk)
{
    Reply *reply = context;
    Rows rows = chunk_rows(chunk);
    for (FOR_ROWS(rows, i, row)) {
        arena_reset(&reply->scratch);
        bytebuf_clear(&reply->packet);
        if (reply->is_binary)
            mysql_put_binary_row(&reply->packet, chunk, row, &reply->scratch);
        else
            mysql_put_text_row(&reply->packet, chunk, row, &reply->scratch);
        TRY(connection_send(reply->connection, &reply->packet, false));
    }
    return OK;
}

static Status send_done(void *context, const ResultSummary *summary)
{
    Reply *reply = context;
    bytebuf_clear(&reply->packet);
    mysql_put_ok(&reply->packet, 0, summary, reply->connection->capabilities);
    return connection_send(reply->connection, &reply->packet, !summary->has_more);
}

static Status send_result_end(void *context, const ResultSummary *summary)
{
    Reply *reply = context;
    bytebuf_clear(&reply->packet);
    if (has_eof(reply->connection))
        mysql_put_eof(&reply->packet, summary->has_more);
    else
        mysql_put_ok(&reply->packet, 0xFE, summary, reply->connection->capabilities);
    return connection_send(reply->connection, &reply->packet, !summary->has_more);
}

/* The end of a result set differs from an OK without one. */
typedef struct ReplySink {
    Reply reply;
    bool in_result;
} ReplySink;

static Status sink_columns(void *context, const ResultColumn *columns, uint32_t count)
{
    ReplySink *sink = context;
    sink->in_result = true;
    return send_columns(&sink->reply, columns, count);
}

static Status sink_rows(void *context, const Chunk *chunk)
{
    ReplySink *sink = context;
    return send_rows(&sink->reply, chunk);
}

static Status sink_done(void *context, const ResultSummary *summary)
{
    ReplySink *sink = context;
    bool in_result = sink->in_result;
    sink->in_result = false;
    return in_result ? send_result_end(&sink->reply, summary) : send_done(&sink->reply, summary);
}

static void open_reply(ReplySink *sink, Connection *c, bool is_binary, ResultSink *out)
{
    *sink = (ReplySink){.reply = {.connection = c, .is_binary = is_binary}};
    arena_init(&sink->reply.scratch, NULL);
    *out = (ResultSink){sink, sink_columns, sink_rows, sink_done};
}

static void close_reply(ReplySink *sink)
{
    arena_deinit(&sink->reply.scratch);
    bytebuf_deinit(&sink->reply.packet);
}

static void send_ok(Connection *c)
{
    AUTO_BYTEBUF out = {0};
    mysql_put_ok(&out, 0, &(ResultSummary){0}, c->capabilities);
    status_ignore(connection_send(c, &out, true));
}

static void run_query(Connection *c, StrView sql)
{
    Diag diag = {0};
    ReplySink sink;
    ResultSink out;
    open_reply(&sink, c, false, &out);
    if (session_execute(c->session, sql, &out, &diag) != OK)
        connection_send_error(c, &diag);
    close_reply(&sink);
}

static void run_use(Connection *c, StrView database)
{
    Diag diag = {0};
    if (session_use(c->session, database, &diag) != OK)
        connection_send_error(c, &diag);
    else
        send_ok(c);
}

static void send_parameter_columns(Connection *c, uint32_t count)
{
    ResultColumn column = {.name = STR_VIEW("?"), .type = type_varchar(65533), .is_nullable = true};
    AUTO_BYTEBUF out = {0};
    for (uint32_t i = 0; i < count; i++) {
        bytebuf_clear(&out);
        mysql_put_column(&out, &column, false);
        status_ignore(connection_send(c, &out, false));
    }
    if (count > 0 && has_eof(c)) {
        bytebuf_clear(&out);
        mysql_put_eof(&out, false);
        status_ignore(connection_send(c, &out, false));
    }
}

static void run_prepare(Connection *c, StrView sql)
{
    Diag diag = {0};
    PreparedInfo info = {0};
    if (session_prepare(c->session, sql, &diag, &info) != OK) {
        connection_send_error(c, &diag);
        return;
    }
    AUTO_BYTEBUF out = {0};
    bytebuf_put_u8(&out, 0);
    bytebuf_put_u32(&out, info.id);
    bytebuf_put_u16(&out, (uint16_t)info.column_count);
    bytebuf_put_u16(&out, (uint16_t)info.parameter_count);
    bytebuf_put_u8(&out, 0);
    bytebuf_put_u16(&out, 0);
    bool has_more = info.parameter_count > 0 || info.column_count > 0;
    status_ignore(connection_send(c, &out, !has_more));
    send_parameter_columns(c, info.parameter_count);
    for (uint32_t i = 0; i < info.column_count; i++) {
        bytebuf_clear(&out);
        mysql_put_column(&out, &info.columns[i], false);
        status_ignore(connection_send(c, &out, false));
    }
    if (info.column_count > 0 && has_eof(c)) {
        bytebuf_clear(&out);
        mysql_put_eof(&out, false);
        status_ignore(connection_send(c, &out, true));
    }
    connection_mark_dirty(c);
}

static void run_execute(Connection *c, StrView packet)
{
    Diag diag = {0};
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    ByteReader reader = byte_reader(packet.data, packet.length);
    uint32_t id = byte_reader_u32(&reader);
    (void)byte_reader_u8(&reader);  /* cursor flags: none are offered */
    (void)byte_reader_u32(&reader); /* iteration count */
    uint32_t count = session_prepared_parameters(c->session, id);
    Status status = OK;
    if (reader.failed || count == UINT32_MAX)
        status = RAISE(&diag, NO_SUCH_PREPARED, "Unknown prepared statement handler (%u) given to EXECUTE", id);
    count = status == OK ? count : 0;
    Type *types = ARENA_NEW_ARRAY(&arena, Type, MAX(count, 1u));
    Datum *values = ARENA_NEW_ARRAY(&arena, Datum, MAX(count, 1u));
    if (c->parameter_types_of != id)
        bytebuf_clear(&c->parameter_types);
    c->parameter_types_of = id;
    if (status == OK)
        status = mysql_read_parameters(&reader, count, &c->parameter_types, &arena, &diag, types, values);
    ReplySink sink;
    ResultSink out;
    open_reply(&sink, c, true, &out);
    if (status == OK)
        status = session_execute_prepared(c->session, id, types, values, count, &out, &diag);
    if (status != OK)
        connection_send_error(c, &diag);
    close_reply(&sink);
}

static Status field_columns(void *context, const ResultColumn *columns, uint32_t count)
{
    Connection *c = context;
    AUTO_BYTEBUF out = {0};
    for (uint32_t i = 0; i < count; i++) {
        bytebuf_clear(&out);
        mysql_put_column(&out, &columns[i], true);
        TRY(connection_send(c, &out, false));
    }
    return OK;
}

static Status field_rows(void *context, const Chunk *chunk)
{
    (void)context;
    (void)chunk;
    return OK;
}

static Status field_done(void *context, const ResultSummary *summary)
{
    Connection *c = context;
    AUTO_BYTEBUF out = {0};
    mysql_put_eof(&out, summary->has_more);
    return connection_send(c, &out, true);
}

/* COM_FIELD_LIST: the columns of a table, each with its default. */
static void run_field_list(Connection *c, StrView packet)
{
    ByteReader reader = byte_reader(packet.data, packet.length);
    StrView table = read_nul_string(&reader);
    Diag diag = {0};
    AUTO_BYTEBUF sql = {0};
    bytebuf_append_text(&sql, "SELECT * FROM `");
    for (size_t i = 0; i < table.length; i++) {
        if (table.data[i] == '`')
            bytebuf_append_char(&sql, '`');
        bytebuf_append_char(&sql, table.data[i]);
    }
    bytebuf_append_text(&sql, "` LIMIT 0");
    ResultSink out = {c, field_columns, field_rows, field_done};
    if (session_execute(c->session, bytebuf_view(&sql), &out, &diag) != OK)
        connection_send_error(c, &diag);
}

Status login_session(Connection *c, StrView user, StrView database, bool is_peer, Diag *diag)
{
    Session *session;
    Instance *instance = c->server->options.instance;
    TRY(is_peer ? session_open_for(instance, user, strview(c->peer), c->id, diag, &session)
                : session_open(instance, user, strview(c->peer), c->id, diag, &session));
    if (database.length > 0) {
        Status status = session_use(session, database, diag);
        if (status != OK) {
            session_close(session);
            return status;
        }
    }
    session_close(c->session);
    c->session = session;
    return OK;
}

static bool run_change_user(Connection *c, StrView packet)
{
    ByteReader reader = byte_reader(packet.data, packet.length);
    StrView user = read_nul_string(&reader);
    uint8_t length = byte_reader_u8(&reader);
    StrView response = byte_reader_bytes(&reader, length);
    StrView database = read_nul_string(&reader);
    StrView plugin = strview(login_plugin_name(AUTH_NATIVE));
    Diag diag = {0};
    if (reader.failed || user.length > 256 || database.length > 512) {
        status_ignore(RAISE(&diag, MALFORMED_PACKET, "Malformed packet: COM_CHANGE_USER"));
        connection_send_error(c, &diag);
        return false;
    }
    if (byte_reader_left(&reader) > 2) {
        (void)byte_reader_u16(&reader); /* character set */
        plugin = read_nul_string(&reader);
    }
    bytebuf_clear(&c->user);
    bytebuf_append_view(&c->user, user);
    bytebuf_clear(&c->wanted_database);
    bytebuf_append_view(&c->wanted_database, database);
    return login_start(c, plugin, response) != LOGIN_REFUSED;
}

static void run_peer_call(Connection *c, StrView body)
{
    Diag diag = {0};
    AUTO_BYTEBUF reply = {0};
    Frontends *frontends = c->server->options.instance->frontends;
    if (frontends == NULL || frontends_answer(frontends, body, &reply, &diag) != OK)
        connection_send_error(c, &diag);
    else
        status_ignore(connection_send(c, &reply, true));
}

static void run_unknown(Connection *c, uint8_t command)
{
    Diag diag = {0};
    status_ignore(RAISE(&diag, UNKNOWN_COMMAND, "Unsupported command: %u", command));
    connection_send_error(c, &diag);
}

static void run_statistics(Connection *c)
{
    AUTO_BYTEBUF out = {0};
    bytebuf_printf(&out, "Threads: %u", mysql_server_connections(c->server));
    status_ignore(connection_send(c, &out, true));
}

static void run_set_option(Connection *c)
{
    AUTO_BYTEBUF out = {0};
    mysql_put_eof(&out, false);
    status_ignore(connection_send(c, &out, true));
}

static void run_statement_reset(Connection *c, StrView body)
{
    ByteReader reader = byte_reader(body.data, body.length);
    uint32_t id = byte_reader_u32(&reader);
    if (session_prepared_parameters(c->session, id) != UINT32_MAX) {
        send_ok(c);
        return;
    }
    Diag diag = {0};
    status_ignore(RAISE(&diag, NO_SUCH_PREPARED, "Unknown prepared statement handler (%u) given to RESET", id));
    connection_send_error(c, &diag);
}

/* A packet of a login, which may hold a password. */
static bool run_login(Connection *c)
{
    LoginResult result = login_more(c, bytebuf_view(&c->command));
    OPENSSL_cleanse(c->command.data, c->command.length);
    return result != LOGIN_REFUSED;
}

bool command_run(Connection *c)
{
    if (c->auth_step != AUTH_NONE && c->command.length > 0)
        return run_login(c);
    c->auth_step = AUTH_NONE;
    if (c->command.length == 0) {
        run_unknown(c, 0);
        return true;
    }
    uint8_t command = (uint8_t)c->command.data[0];
    StrView body = strview_n(c->command.data + 1, c->command.length - 1);
    switch (command) {
    case COM_QUIT:
        return false;
    case COM_INIT_DB:
        run_use(c, body);
        break;
    case COM_QUERY:
        run_query(c, body);
        break;
    case COM_FIELD_LIST:
        run_field_list(c, body);
        break;
    case COM_STATISTICS:
        run_statistics(c);
        break;
    case COM_PING:
        send_ok(c);
        break;
    case COM_CHANGE_USER:
        return run_change_user(c, body);
    case COM_STMT_PREPARE:
        run_prepare(c, body);
        break;
    case COM_STMT_EXECUTE:
        run_execute(c, body);
        break;
    case COM_STMT_CLOSE:
        if (body.length >= 4)
            session_close_prepared(c->session, load_u32(body.data));
        break;
    case COM_STMT_RESET:
        run_statement_reset(c, body);
        break;
    case COM_SET_OPTION:
        run_set_option(c);
        break;
    case COM_RESET_CONNECTION:
        session_reset(c->session);
        send_ok(c);
        break;
    case COM_PEER:
        if (c->is_peer)
            run_peer_call(c, body);
        else
            run_unknown(c, command);
        break;
    default:
        run_unknown(c, command);
        break;
    }
    return !session_is_killed(c->session);
}
