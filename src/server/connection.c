#include "server/connection.h"

/* The loop's side of a connection: reading, packet assembly, writing with back-pressure, closing. */

#include <stdio.h>

#include "base/environment.h"
#include "base/log.h"
#include "cluster/frontends.h"
#include "server/server_int.h"
#include "session/instance.h"

enum {
    READ_BYTES = 64 * 1024,
    MAX_INPUT_BYTES = 1 << 30,         /* one statement */
    MAX_LOGIN_BYTES = 64 * 1024,       /* before authentication */
    BUSY_INPUT_BYTES = 4 << 20,        /* read ahead while a statement runs */
    MAX_PENDING_BYTES = 8 << 20,
};

static char read_buffer[READ_BYTES]; /* loop thread only */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    (void)handle;
    (void)suggested;
    *out = uv_buf_init(read_buffer, sizeof(read_buffer));
}

static void free_connection(uv_handle_t *handle)
{
    Connection *c = handle->data;
    session_close(c->session);
    tls_stream_close(c->tls);
    bytebuf_deinit(&c->input);
    bytebuf_deinit(&c->user);
    bytebuf_deinit(&c->wanted_database);
    bytebuf_deinit(&c->parameter_types);
    bytebuf_deinit(&c->command);
    bytebuf_deinit(&c->pending);
    mutex_deinit(&c->lock);
    condition_deinit(&c->drained);
    atomic_fetch_sub(&c->server->connection_count, 1);
    mem_free(c);
}

/* Marks broken; the memory goes once no worker uses it any more. */
void connection_close_now(Connection *c)
{
    mutex_lock(&c->lock);
    c->is_broken = true;
    condition_broadcast(&c->drained);
    mutex_unlock(&c->lock);
    if (c->session != NULL && c->is_busy)
        session_kill(c->session, true);
    if (c->state == CONNECTION_CLOSING && c->is_busy)
        return;
    c->state = CONNECTION_CLOSING;
    if (c->is_busy || uv_is_closing((uv_handle_t *)&c->handle))
        return;
    if (c->previous != NULL)
        c->previous->next = c->next;
    else
        c->server->connections = c->next;
    if (c->next != NULL)
        c->next->previous = c->previous;
    mutex_lock(&c->server->lock);
    for (Connection **at = &c->server->dirty; *at != NULL; at = &(*at)->next_dirty) {
        if (*at == c) {
            *at = c->next_dirty;
            break;
        }
    }
    mutex_unlock(&c->server->lock);
    uv_close((uv_handle_t *)&c->handle, free_connection);
}

void connection_close_after_flush(Connection *c)
{
    mutex_lock(&c->lock);
    c->close_after_flush = true;
    mutex_unlock(&c->lock);
    connection_mark_dirty(c);
}

bool connection_start_tls(Connection *c)
{
    Diag diag = {0};
    MysqlServer *server = c->server;
    if (server->options.tls_directory == NULL)
        return false;
    if (server->tls == NULL && tls_context_open(server->options.tls_directory, &diag, &server->tls) != OK) {
        LOG_ERROR("mysql", "TLS is not available: %s", diag.message);
        return false;
    }
    return tls_stream_open(server->tls, &diag, &c->tls) == OK;
}

void connection_queue_dirty(Connection *c)
{
    if (c->is_queued)
        return;
    c->is_queued = true;
    c->next_dirty = c->server->dirty;
    c->server->dirty = c;
}

void connection_mark_dirty(Connection *c)
{
    MysqlServer *server = c->server;
    mutex_lock(&server->lock);
    connection_queue_dirty(c);
    mutex_unlock(&server->lock);
    uv_async_send(&server->wake);
}

/* Splits payload into packets of at most 16 MiB - 1; the last one is shorter than that. */
static void frame(Connection *c, StrView payload)
{
    size_t at = 0;
    for (;;) {
        size_t part = MIN(payload.length - at, (size_t)MYSQL_MAX_PACKET);
        uint32_t header = (uint32_t)part | (uint32_t)c->sequence++ << 24;
        bytebuf_put_u32(&c->pending, header);
        bytebuf_append(&c->pending, payload.data + at, part);
        at += part;
        if (part < MYSQL_MAX_PACKET)
            return;
    }
}

Status connection_send(Connection *c, const ByteBuf *payload, bool flush)
{
    mutex_lock(&c->lock);
    while (c->is_busy && !c->is_broken && c->pending.length + c->in_flight > MAX_PENDING_BYTES) {
        mutex_unlock(&c->lock);
        connection_mark_dirty(c);
        mutex_lock(&c->lock);
        if (c->pending.length + c->in_flight > MAX_PENDING_BYTES && !c->is_broken)
            (void)condition_wait_us(&c->drained, &c->lock, 100000);
        if (c->session != NULL && session_is_killed(c->session))
            break;
    }
    bool is_broken = c->is_broken;
    if (!is_broken)
        frame(c, bytebuf_view(payload));
    bool wants_flush = flush || c->pending.length > READ_BYTES;
    mutex_unlock(&c->lock);
    if (wants_flush)
        connection_mark_dirty(c);
    return is_broken ? ERR_NETWORK : OK;
}

void connection_send_error(Connection *c, Diag *diag)
{
    AUTO_BYTEBUF out = {0};
    mysql_put_error(&out, diag->code, diag->message);
    status_ignore(connection_send(c, &out, true)); /* there is nobody to tell */
}

typedef struct WriteRequest {
    uv_write_t request;
    Connection *connection;
    ByteBuf bytes;
    size_t plain_bytes;
} WriteRequest;

static void on_written(uv_write_t *request, int result)
{
    WriteRequest *write = request->data;
    Connection *c = write->connection;
    mutex_lock(&c->lock);
    c->in_flight -= write->plain_bytes;
    condition_broadcast(&c->drained);
    bool close_now = c->close_after_flush && c->in_flight == 0 && c->pending.length == 0;
    mutex_unlock(&c->lock);
    bytebuf_deinit(&write->bytes);
    mem_free(write);
    if ((result < 0 || close_now) && !uv_is_closing((uv_handle_t *)&c->handle))
        connection_close_now(c);
}

static void write_bytes(Connection *c, ByteBuf bytes, size_t plain_bytes)
{
    WriteRequest *write = mem_alloc_zero(sizeof(*write));
    write->request.data = write;
    write->connection = c;
    write->bytes = bytes;
    write->plain_bytes = plain_bytes;
    uv_buf_t buffer = uv_buf_init(bytes.data, (unsigned)bytes.length);
    int result = uv_write(&write->request, (uv_stream_t *)&c->handle, &buffer, 1, on_written);
    if (result < 0) {
        bytebuf_deinit(&write->bytes);
        mem_free(write);
        connection_close_now(c);
    }
}

static void flush_tls_output(Connection *c, size_t plain_bytes)
{
    ByteBuf *output = tls_stream_output(c->tls);
    if (output->length == 0)
        return;
    ByteBuf bytes = *output;
    *output = (ByteBuf){0};
    write_bytes(c, bytes, plain_bytes);
}

static void flush_pending(Connection *c)
{
    mutex_lock(&c->lock);
    ByteBuf plain = c->pending;
    c->pending = (ByteBuf){0};
    c->in_flight += plain.length;
    mutex_unlock(&c->lock);
    if (plain.length == 0) {
        bytebuf_deinit(&plain);
        return;
    }
    if (c->tls == NULL) {
        write_bytes(c, plain, plain.length);
        return;
    }
    bool sent = tls_stream_send(c->tls, bytebuf_view(&plain));
    size_t plain_bytes = plain.length;
    bytebuf_deinit(&plain);
    if (sent)
        flush_tls_output(c, plain_bytes);
    else
        connection_close_now(c);
}

/* Takes one whole logical packet off the input. False: not complete, or malformed (closed). */
static bool take_packet(Connection *c, ByteBuf *out)
{
    bytebuf_clear(out);
    size_t at = 0;
    uint8_t sequence = 0;
    for (;;) {
        if (c->input.length - at < 4)
            return false;
        uint32_t header = load_u32(c->input.data + at);
        size_t length = header & 0xFFFFFF;
        sequence = (uint8_t)(header >> 24);
        if (c->input.length - at - 4 < length)
            return false;
        bytebuf_append(out, c->input.data + at + 4, length);
        at += 4 + length;
        if (length < MYSQL_MAX_PACKET)
            break;
    }
    memmove(c->input.data, c->input.data + at, c->input.length - at);
    c->input.length -= at;
    c->sequence = (uint8_t)(sequence + 1);
    return true;
}

/* What came behind the request for TLS in the same read is the client's first TLS record: wire, never plain input. */
static bool hand_to_tls(Connection *c)
{
    ByteBuf wire = c->input;
    c->input = (ByteBuf){0};
    bool is_alive = wire.length == 0 || tls_stream_receive(c->tls, bytebuf_view(&wire), &c->input);
    flush_tls_output(c, 0);
    bytebuf_deinit(&wire);
    return is_alive;
}

static void dispatch(Connection *c)
{
    while (!c->is_busy && c->state != CONNECTION_CLOSING && take_packet(c, &c->command)) {
        if (c->state == CONNECTION_READY || c->state == CONNECTION_PROVING) {
            c->is_busy = true;
            statement_submit(c->server, c);
            return;
        }
        bool was_plain = c->tls == NULL;
        handshake_packet(c, bytebuf_view(&c->command));
        if (was_plain && c->tls != NULL && !hand_to_tls(c)) {
            connection_close_now(c);
            return;
        }
    }
    /* Give big buffers back while nothing is under way. */
    if (!c->is_busy && c->input.length == 0 && c->input.capacity > READ_BYTES)
        bytebuf_deinit(&c->input);
}

static size_t input_limit(const Connection *c)
{
    if (c->state < CONNECTION_READY)
        return MAX_LOGIN_BYTES;
    return c->is_busy ? BUSY_INPUT_BYTES : (size_t)MAX_INPUT_BYTES + 1024;
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    Connection *c = stream->data;
    if (count == 0)
        return;
    if (count < 0) {
        connection_close_now(c);
        return;
    }
    StrView bytes = strview_n(buffer->base, (size_t)count);
    if (c->tls != NULL) {
        bool is_alive = tls_stream_receive(c->tls, bytes, &c->input);
        flush_tls_output(c, 0);
        if (!is_alive) {
            connection_close_now(c);
            return;
        }
    } else {
        bytebuf_append_view(&c->input, bytes);
    }
    dispatch(c);
    if (c->state == CONNECTION_CLOSING)
        return;
    if (c->input.length > input_limit(c)) {
        if (c->is_busy) {
            c->is_reading = false;
            uv_read_stop(stream);
        } else {
            connection_close_now(c);
        }
    }
}

static bool take_command_end(Connection *c, bool *out_close)
{
    mutex_lock(&c->lock);
    bool done = c->command_done;
    c->command_done = false;
    *out_close = c->is_broken;
    mutex_unlock(&c->lock);
    return done;
}

void connection_progress(Connection *c)
{
    bool is_broken;
    if (take_command_end(c, &is_broken)) {
        c->is_busy = false;
        if (c->state == CONNECTION_PROVING && c->auth_step == AUTH_NONE)
            c->state = CONNECTION_READY;
        if (c->command.capacity > READ_BYTES)
            bytebuf_deinit(&c->command);
    }
    if (is_broken || c->state == CONNECTION_CLOSING) {
        connection_close_now(c);
        return;
    }
    flush_pending(c);
    mutex_lock(&c->lock);
    bool close_now = c->close_after_flush && c->in_flight == 0 && c->pending.length == 0;
    mutex_unlock(&c->lock);
    if (close_now) {
        connection_close_now(c);
        return;
    }
    if (!c->is_reading && c->input.length <= input_limit(c)) {
        c->is_reading = true;
        uv_read_start((uv_stream_t *)&c->handle, on_alloc, on_read);
    }
    dispatch(c);
}

static void describe_peer(Connection *c)
{
    struct sockaddr_storage address;
    int length = sizeof(address);
    uv_tcp_getpeername(&c->handle, (struct sockaddr *)&address, &length);
    if (address.ss_family == AF_INET)
        uv_ip4_name((const struct sockaddr_in *)(const void *)&address, c->peer, sizeof(c->peer));
    else
        uv_ip6_name((const struct sockaddr_in6 *)(const void *)&address, c->peer, sizeof(c->peer));
}

static void refuse_connection(Connection *c)
{
    Diag diag = {0};
    status_ignore(RAISE(&diag, TOO_MANY_CONNECTIONS, "Too many connections"));
    connection_send_error(c, &diag);
    connection_close_after_flush(c);
}

/* Which node, and which of its connections: no two of the cluster have the same. Clients take 32 bits. */
static uint64_t new_id(MysqlServer *server)
{
    enum { BITS = 24 };
    Frontends *frontends = server->options.instance->frontends;
    uint32_t number = frontends == NULL ? 0 : frontends_number(frontends);
    uint64_t id = server->next_id++ & (((uint64_t)1 << BITS) - 1);
    return id | (uint64_t)(number == 0 ? 0 : number - 1) << BITS;
}

void connection_accept(MysqlServer *server)
{
    Connection *c = mem_alloc_zero(sizeof(*c));
    c->server = server;
    c->id = new_id(server);
    c->handle.data = c;
    c->opened_us = env_monotonic_us(environment_real());
    mutex_init(&c->lock);
    condition_init(&c->drained);
    atomic_fetch_add(&server->connection_count, 1);
    uv_tcp_init(&server->loop, &c->handle);
    c->next = server->connections;
    if (c->next != NULL)
        c->next->previous = c;
    server->connections = c;
    if (uv_accept((uv_stream_t *)&server->listener, (uv_stream_t *)&c->handle) < 0) {
        connection_close_now(c);
        return;
    }
    uv_tcp_nodelay(&c->handle, 1);
    describe_peer(c);
    c->is_reading = true;
    uv_read_start((uv_stream_t *)&c->handle, on_alloc, on_read);
    if (atomic_load(&server->connection_count) > server->options.max_connections)
        refuse_connection(c);
    else
        handshake_start(c);
}
