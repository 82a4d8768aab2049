#include "server/mysql_server.h"

/* Listening socket, event loop, statement threads. A statement thread is started when work waits and
 * none is free, and ends after ten idle seconds. */

#include "base/environment.h"
#include "base/log.h"
#include "server/server_int.h"

enum { LOGIN_DEADLINE_US = 10 * 1000000, IDLE_THREAD_US = 10 * 1000000 };

/* Done and queued in one step under the server's lock: as soon as the loop sees "done" it may close the
 * connection, so it must not be touched afterwards. */
static void finish_command(Connection *c, bool keep_open)
{
    MysqlServer *server = c->server;
    mutex_lock(&server->lock);
    mutex_lock(&c->lock);
    c->command_done = true;
    c->close_after_flush |= !keep_open;
    mutex_unlock(&c->lock);
    connection_queue_dirty(c);
    mutex_unlock(&server->lock);
    uv_async_send(&server->wake);
}

static Connection *next_work(MysqlServer *server)
{
    while (server->queue_count == 0 && !server->is_stopping) {
        server->waiting_threads++;
        bool woken = condition_wait_us(&server->work, &server->lock, IDLE_THREAD_US);
        server->waiting_threads--;
        if (!woken && server->queue_count == 0)
            return NULL;
    }
    if (server->queue_count == 0)
        return NULL;
    Connection *c = server->queue[0];
    server->queue_count--;
    memmove(server->queue, server->queue + 1, server->queue_count * sizeof(*server->queue));
    return c;
}

static bool start_statement_thread(MysqlServer *server);

static void statement_thread(void *argument)
{
    MysqlServer *server = argument;
    mutex_lock(&server->lock);
    Connection *c;
    while ((c = next_work(server)) != NULL) {
        server->running++;
        mutex_unlock(&server->lock);
        bool keep_open = command_run(c);
        finish_command(c, keep_open);
        mutex_lock(&server->lock);
        server->running--;
        condition_broadcast(&server->idle);
        if (thread_is_lowered())
            break; /* the system does not let it be fast again */
    }
    if (server->queue_count > 0 && !server->is_stopping && server->waiting_threads == 0 && start_statement_thread(server))
        server->threads++;
    server->threads--;
    condition_broadcast(&server->idle);
    mutex_unlock(&server->lock);
}

static bool start_statement_thread(MysqlServer *server)
{
    Thread thread;
    Diag diag = {0};
    if (thread_start(&thread, "statement", statement_thread, server, &diag) != OK) {
        LOG_WARN("mysql", "%s", diag.message);
        return false;
    }
    pthread_detach(thread.handle);
    return true;
}

void statement_submit(MysqlServer *server, Connection *c)
{
    LOCK_GUARD(&server->lock);
    if (server->is_stopping)
        return; /* no thread may start any more; the loop is about to close all connections */
    if (server->queue_count == server->queue_capacity) {
        server->queue_capacity = MAX(server->queue_capacity * 2, 64u);
        server->queue = mem_realloc(server->queue, server->queue_capacity * sizeof(*server->queue));
    }
    server->queue[server->queue_count++] = c;
    if (server->waiting_threads >= server->queue_count || server->threads >= MAX_STATEMENT_THREADS) {
        condition_signal(&server->work);
        return;
    }
    if (start_statement_thread(server))
        server->threads++;
}

static void on_connection(uv_stream_t *listener, int status)
{
    if (status == 0)
        connection_accept(listener->data);
}

static void stop_loop(MysqlServer *server)
{
    if (!uv_is_closing((uv_handle_t *)&server->listener))
        uv_close((uv_handle_t *)&server->listener, NULL);
}

/* One at a time under the lock: a worker may mark a connection again while an earlier one is served. */
static Connection *pop_dirty(MysqlServer *server)
{
    LOCK_GUARD(&server->lock);
    Connection *c = server->dirty;
    if (c != NULL) {
        server->dirty = c->next_dirty;
        c->next_dirty = NULL;
        c->is_queued = false;
    }
    return c;
}

static bool is_stopping(MysqlServer *server)
{
    LOCK_GUARD(&server->lock);
    return server->is_stopping;
}

static void on_wake(uv_async_t *handle)
{
    MysqlServer *server = handle->data;
    Connection *c;
    while ((c = pop_dirty(server)) != NULL)
        connection_progress(c);
    if (is_stopping(server)) {
        stop_loop(server);
        uv_stop(&server->loop);
    }
}

static void on_tick(uv_timer_t *timer)
{
    MysqlServer *server = timer->data;
    int64_t now = env_monotonic_us(environment_real());
    for (Connection *c = server->connections; c != NULL;) {
        Connection *next = c->next;
        if (c->state < CONNECTION_READY && now - c->opened_us > LOGIN_DEADLINE_US)
            connection_close_now(c);
        else if (c->session != NULL && !c->is_busy && session_is_killed(c->session))
            connection_close_now(c);
        c = next;
    }
}

static void loop_main(void *argument)
{
    MysqlServer *server = argument;
    uv_run(&server->loop, UV_RUN_DEFAULT);
    while (server->connections != NULL) {
        Connection *c = server->connections;
        c->is_busy = false;
        connection_close_now(c);
    }
    uv_close((uv_handle_t *)&server->wake, NULL);
    uv_close((uv_handle_t *)&server->tick, NULL);
    uv_run(&server->loop, UV_RUN_DEFAULT);
}

static Status listen_on(MysqlServer *server, Diag *diag)
{
    struct sockaddr_storage address;
    const MysqlServerOptions *options = &server->options;
    int result = uv_ip4_addr(options->address, options->port, (struct sockaddr_in *)(void *)&address);
    if (result < 0)
        result = uv_ip6_addr(options->address, options->port, (struct sockaddr_in6 *)(void *)&address);
    if (result < 0)
        return RAISE(diag, BAD_CONFIG, "bad address to listen on: \"%s\"", options->address);
    uv_tcp_init(&server->loop, &server->listener);
    server->listener.data = server;
    result = uv_tcp_bind(&server->listener, (const struct sockaddr *)&address, 0);
    if (result == 0)
        result = uv_listen((uv_stream_t *)&server->listener, 1024, on_connection);
    if (result < 0)
        return RAISE(diag, NETWORK, "could not listen on %s:%u (query_port): %s", options->address,
                     options->port, uv_strerror(result));
    int length = sizeof(address);
    uv_tcp_getsockname(&server->listener, (struct sockaddr *)&address, &length);
    server->port = ntohs(((const struct sockaddr_in *)(const void *)&address)->sin_port);
    return OK;
}

Status mysql_server_start(const MysqlServerOptions *options, Diag *diag, MysqlServer **out_server)
{
    MysqlServer *server = mem_alloc_zero(sizeof(*server));
    server->options = *options;
    server->auth_key = auth_key_new();
    server->next_id = 1;
    mutex_init(&server->lock);
    condition_init(&server->work);
    condition_init(&server->idle);
    uv_loop_init(&server->loop);
    uv_async_init(&server->loop, &server->wake, on_wake);
    server->wake.data = server;
    uv_timer_init(&server->loop, &server->tick);
    server->tick.data = server;
    uv_timer_start(&server->tick, on_tick, 1000, 1000);
    TRY(listen_on(server, diag));
    TRY(thread_start(&server->loop_thread, "mysql", loop_main, server, diag));
    *out_server = server;
    return OK;
}

uint16_t mysql_server_port(const MysqlServer *server)
{
    return server->port;
}

uint32_t mysql_server_connections(MysqlServer *server)
{
    return atomic_load(&server->connection_count);
}

void mysql_server_stop(MysqlServer *server, int64_t drain_us)
{
    int64_t deadline = env_monotonic_us(environment_real()) + drain_us;
    mutex_lock(&server->lock);
    while (server->running + server->queue_count > 0 && env_monotonic_us(environment_real()) < deadline)
        (void)condition_wait_us(&server->idle, &server->lock, 50000);
    server->is_stopping = true;
    condition_broadcast(&server->work);
    while (server->threads > 0 && env_monotonic_us(environment_real()) < deadline + 1000000)
        (void)condition_wait_us(&server->idle, &server->lock, 50000);
    bool all_ended = server->threads == 0;
    mutex_unlock(&server->lock);
    uv_async_send(&server->wake);
    thread_join(&server->loop_thread);
    if (!all_ended)
        return; /* a statement thread still uses the server; the process is about to end */
    tls_context_close(server->tls);
    auth_key_free(server->auth_key);
    uv_loop_close(&server->loop);
    mem_free(server->queue);
    mem_free(server);
}
