#include "server/connection.h"

/* Greeting, TLS switch, the client's first packet. mysql_native_password is offered; login.c checks the answer, and switches
 * a client that answers with another plugin than its user's. Bytes that arrive before a TLS handshake is done are never taken
 * as decrypted input: the packet reader hands over exactly one SSLRequest. */

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "server/mysql_client.h"
#include "server/server_int.h"
#include "session/instance.h"

static const char native_plugin[] = "mysql_native_password";

static uint32_t server_capabilities(const Connection *c)
{
    uint32_t flags = CLIENT_LONG_PASSWORD | CLIENT_FOUND_ROWS | CLIENT_LONG_FLAG | CLIENT_CONNECT_WITH_DB |
                     CLIENT_IGNORE_SPACE | CLIENT_PROTOCOL_41 | CLIENT_INTERACTIVE | CLIENT_TRANSACTIONS |
                     CLIENT_SECURE_CONNECTION | CLIENT_MULTI_STATEMENTS | CLIENT_MULTI_RESULTS |
                     CLIENT_PS_MULTI_RESULTS | CLIENT_PLUGIN_AUTH | CLIENT_CONNECT_ATTRS |
                     CLIENT_PLUGIN_AUTH_LENENC | CLIENT_DEPRECATE_EOF;
    if (c->server->options.tls_directory != NULL)
        flags |= CLIENT_SSL;
    return flags;
}

static void new_nonce(uint8_t nonce[NONCE_BYTES])
{
    CHECK(RAND_bytes(nonce, NONCE_BYTES) == 1);
    for (int i = 0; i < NONCE_BYTES; i++) /* clients read it as a C string */
        nonce[i] = (uint8_t)(nonce[i] % 94 + 33);
}

void handshake_start(Connection *c)
{
    AUTO_BYTEBUF out = {0};
    uint32_t flags = server_capabilities(c);
    new_nonce(c->nonce);
    bytebuf_put_u8(&out, 10);
    bytebuf_append(&out, c->server->options.version, strlen(c->server->options.version) + 1);
    bytebuf_put_u32(&out, (uint32_t)c->id);
    bytebuf_append(&out, c->nonce, 8);
    bytebuf_put_u8(&out, 0);
    bytebuf_put_u16(&out, (uint16_t)flags);
    bytebuf_put_u8(&out, 33);
    bytebuf_put_u16(&out, SERVER_STATUS_AUTOCOMMIT);
    bytebuf_put_u16(&out, (uint16_t)(flags >> 16));
    bytebuf_put_u8(&out, NONCE_BYTES + 1);
    for (int i = 0; i < 10; i++)
        bytebuf_put_u8(&out, 0);
    bytebuf_append(&out, c->nonce + 8, NONCE_BYTES - 8);
    bytebuf_put_u8(&out, 0);
    bytebuf_append(&out, native_plugin, sizeof(native_plugin));
    c->sequence = 0;
    status_ignore(connection_send(c, &out, true)); /* a lost client shows at the next read */
}

static void end_step(Connection *c, LoginResult result)
{
    if (result == LOGIN_DONE)
        c->state = CONNECTION_READY;
    else if (result == LOGIN_MORE)
        c->state = c->auth_step == AUTH_ANSWER ? CONNECTION_SWITCHED : CONNECTION_PROVING;
    else
        connection_close_after_flush(c);
}

/* A node of the cluster acts for a user that it has let in itself. */
static bool is_peer_response(const Connection *c, StrView response)
{
    uint8_t expected[PEER_RESPONSE_BYTES];
    StrView secret = meta_cluster_secret(c->server->options.instance->store);
    peer_response(secret, c->nonce, NONCE_BYTES, bytebuf_view(&c->user), expected);
    return secret.length > 0 && response.length == sizeof(expected) && CRYPTO_memcmp(response.data, expected, sizeof(expected)) == 0;
}

static void finish_peer_login(Connection *c, StrView response)
{
    Diag diag = {0};
    AUTO_BYTEBUF out = {0};
    Status status = is_peer_response(c, response) ? login_session(c, bytebuf_view(&c->user), bytebuf_view(&c->wanted_database), true, &diag)
                                                  : RAISE(&diag, ACCESS_DENIED, "the caller is no node of this cluster");
    if (status != OK) {
        connection_send_error(c, &diag);
        connection_close_after_flush(c);
        return;
    }
    c->is_peer = true;
    session_set_peer(c->session);
    mysql_put_ok(&out, 0, &(ResultSummary){0}, c->capabilities);
    status_ignore(connection_send(c, &out, true));
    c->state = CONNECTION_READY;
}

static StrView read_auth_response(ByteReader *reader, uint32_t flags)
{
    if ((flags & CLIENT_PLUGIN_AUTH_LENENC) != 0)
        return read_lenenc_string(reader);
    if ((flags & CLIENT_SECURE_CONNECTION) != 0) {
        uint8_t length = byte_reader_u8(reader);
        return byte_reader_bytes(reader, length);
    }
    return read_nul_string(reader);
}

static void refuse(Connection *c, const char *text)
{
    Diag diag = {0};
    status_ignore(RAISE(&diag, HANDSHAKE, "Bad handshake: %s", text));
    connection_send_error(c, &diag);
    connection_close_after_flush(c);
}

static void handshake_response(Connection *c, StrView packet)
{
    ByteReader reader = byte_reader(packet.data, packet.length);
    uint32_t flags = byte_reader_u32(&reader);
    (void)byte_reader_u32(&reader); /* largest packet */
    (void)byte_reader_u8(&reader);  /* character set */
    (void)byte_reader_bytes(&reader, 23);
    if (reader.failed || (flags & CLIENT_PROTOCOL_41) == 0) {
        refuse(c, "the client does not speak protocol 4.1");
        return;
    }
    if ((flags & CLIENT_SSL) != 0 && c->tls == NULL) {
        if (byte_reader_left(&reader) > 0 || !connection_start_tls(c))
            refuse(c, "TLS is not available");
        return;
    }
    c->capabilities = flags & server_capabilities(c);
    StrView user = read_nul_string(&reader);
    StrView response = read_auth_response(&reader, flags);
    StrView database = STR_VIEW("");
    StrView plugin = strview(native_plugin);
    if ((flags & CLIENT_CONNECT_WITH_DB) != 0 && byte_reader_left(&reader) > 0)
        database = read_nul_string(&reader);
    if ((flags & CLIENT_PLUGIN_AUTH) != 0 && byte_reader_left(&reader) > 0)
        plugin = read_nul_string(&reader);
    if (reader.failed || user.length > 256 || database.length > 512) {
        refuse(c, "the handshake response is malformed");
        return;
    }
    bytebuf_clear(&c->user);
    bytebuf_append_view(&c->user, user);
    bytebuf_clear(&c->wanted_database);
    bytebuf_append_view(&c->wanted_database, database);
    if (strview_is(plugin, peer_plugin))
        finish_peer_login(c, response);
    else
        end_step(c, login_start(c, plugin, response));
}

void handshake_packet(Connection *c, StrView packet)
{
    if (c->state == CONNECTION_SWITCHED)
        end_step(c, login_answer(c, packet));
    else
        handshake_response(c, packet);
}
