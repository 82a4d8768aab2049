/* Any bytes as what a client sends: packets of a two-byte length and a payload. The first is the handshake
 * response, what follows are commands. Text of queries is left out, since other targets read it: prepared
 * statements are there for COM_STMT_EXECUTE. Every packet is answered or ends the connection. */

#include <stdint.h>
#include <stdlib.h>

#include "failure/fixture.h"
#include "server/server_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Fixture fixture;
static MysqlServer server;

static void close_fixture(void)
{
    fixture_close(&fixture);
}

static void make_server(void)
{
    fixture_open(&fixture, false);
    (void)atexit(close_fixture);
    server.options = (MysqlServerOptions){.instance = &fixture.instance, .version = "8.0.33"};
    mutex_init(&server.lock);
    condition_init(&server.work);
    condition_init(&server.idle);
    if (uv_loop_init(&server.loop) != 0 || uv_async_init(&server.loop, &server.wake, NULL) != 0)
        abort();
}

static StrView next_packet(ByteReader *reader)
{
    size_t length = byte_reader_u16(reader), left = byte_reader_left(reader);
    return byte_reader_bytes(reader, MIN(length, left));
}

static void prepare_statements(Session *session)
{
    static const char *const texts[] = {"SELECT ?, ?, ?", "SELECT count(*) FROM d.dup WHERE k = ? AND s LIKE ? AND p > ?", "SELECT 1"};
    Diag diag = {0};
    PreparedInfo info;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (session_prepare(session, strview(texts[i]), &diag, &info) != OK)
            abort();
    }
}

static void run_commands(Connection *c, ByteReader *reader)
{
    bool is_open = true;
    prepare_statements(c->session);
    for (int i = 0; i < 32 && is_open && byte_reader_left(reader) > 0; i++) {
        StrView packet = next_packet(reader);
        if (packet.length > 0 && (packet.data[0] == COM_QUERY || packet.data[0] == COM_STMT_PREPARE))
            continue;
        bytebuf_clear(&c->command);
        bytebuf_append_view(&c->command, packet);
        bytebuf_clear(&c->pending);
        is_open = command_run(c);
        bool has_answer = packet.length == 0 || packet.data[0] != COM_STMT_CLOSE;
        if (is_open && has_answer && c->pending.length == 0)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (fixture.session == NULL)
        make_server();
    Connection *c = mem_alloc_zero(sizeof(*c));
    c->server = &server;
    c->id = 7;
    snprintf(c->peer, sizeof(c->peer), "127.0.0.1");
    mutex_init(&c->lock);
    condition_init(&c->drained);
    ByteReader reader = byte_reader(data, size);
    for (int i = 0; i < 2 && c->state != CONNECTION_READY && !c->close_after_flush; i++)
        handshake_packet(c, next_packet(&reader));
    if (c->state == CONNECTION_READY && !c->close_after_flush)
        run_commands(c, &reader);
    server.dirty = NULL;
    session_close(c->session);
    ByteBuf *buffers[] = {&c->input, &c->user, &c->wanted_database, &c->parameter_types, &c->command, &c->pending};
    for (size_t i = 0; i < COUNT_OF(buffers); i++)
        bytebuf_deinit(buffers[i]);
    mutex_deinit(&c->lock);
    condition_deinit(&c->drained);
    mem_free(c);
    return 0;
}
