#include "server/mysql_client.h"

/* Greeting, login, framing. Only what a Merak server sends is understood. */

#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { MAX_ANSWER_BYTES = 64 << 20, GREETING_NONCE_BYTES = 20, NONCE_FIRST_BYTES = 8 };

struct MysqlClient {
    TcpStream *stream;
    uint8_t sequence;
    ByteBuf packet, out;
};

const char peer_plugin[] = "merak_peer";

void peer_response(StrView secret, const uint8_t *nonce, size_t nonce_bytes, StrView user, uint8_t out_response[PEER_RESPONSE_BYTES])
{
    AUTO_BYTEBUF signed_text = {0};
    unsigned length = PEER_RESPONSE_BYTES;
    bytebuf_append(&signed_text, nonce, nonce_bytes);
    bytebuf_append_view(&signed_text, user);
    CHECK(HMAC(EVP_sha256(), secret.data, (int)secret.length, (const unsigned char *)signed_text.data, signed_text.length,
               out_response, &length) != NULL);
}

/* Appends one packet; login and commands are far below the size at which packets are split. */
static Status send_packet(MysqlClient *client, StrView payload, const TcpWait *wait, Diag *diag)
{
    size_t at = 0;
    bytebuf_clear(&client->out);
    for (;;) {
        size_t part = MIN(payload.length - at, (size_t)MYSQL_MAX_PACKET);
        bytebuf_put_u32(&client->out, (uint32_t)part | (uint32_t)client->sequence++ << 24);
        bytebuf_append(&client->out, payload.data + at, part);
        at += part;
        if (part < MYSQL_MAX_PACKET)
            return tcp_send(client->stream, bytebuf_view(&client->out), wait, diag);
    }
}

Status mysql_client_packet(MysqlClient *client, const TcpWait *wait, Diag *diag, StrView *out_packet)
{
    bytebuf_clear(&client->packet);
    for (;;) {
        char header[4];
        TRY(tcp_receive(client->stream, header, sizeof(header), wait, diag));
        uint32_t part = load_u32(header) & 0xFFFFFF;
        client->sequence = (uint8_t)((uint8_t)header[3] + 1);
        if (client->packet.length + part > MAX_ANSWER_BYTES)
            return RAISE(diag, MALFORMED_PACKET, "an answer of another node is too long");
        bytebuf_reserve(&client->packet, part + 1);
        TRY(tcp_receive(client->stream, client->packet.data + client->packet.length, part, wait, diag));
        client->packet.length += part;
        if (part < MYSQL_MAX_PACKET)
            break;
    }
    *out_packet = bytebuf_view(&client->packet);
    return OK;
}

static Status same_error(uint16_t number, StrView sqlstate)
{
    for (Status code = (Status)1; code < ERR_COUNT_; code++) {
        if (error_info(code)->mysql_number == number && strview_is(sqlstate, error_info(code)->sqlstate))
            return code;
    }
    return ERR_INTERNAL;
}

Status mysql_client_error(StrView packet, Diag *diag)
{
    ByteReader reader = byte_reader(packet.data, packet.length);
    (void)byte_reader_u8(&reader);
    uint16_t number = byte_reader_u16(&reader);
    StrView state = byte_reader_bytes(&reader, 6);
    if (reader.failed)
        return RAISE(diag, MALFORMED_PACKET, "an answer of another node is malformed");
    StrView text = byte_reader_bytes(&reader, byte_reader_left(&reader));
    Status code = same_error(number, strview_n(state.data + 1, 5));
    return diag_raise(diag, code, "%.*s", SV_ARGS(text));
}

/* Version, connection id, nonce in two parts; the rest says what the server can do, which is known. */
static Status read_greeting(StrView packet, uint8_t out_nonce[GREETING_NONCE_BYTES], Diag *diag)
{
    ByteReader reader = byte_reader(packet.data, packet.length);
    if (byte_reader_u8(&reader) == 0xFF)
        return mysql_client_error(packet, diag);
    (void)read_nul_string(&reader);
    (void)byte_reader_u32(&reader);
    StrView first = byte_reader_bytes(&reader, NONCE_FIRST_BYTES);
    (void)byte_reader_bytes(&reader, 1 + 2 + 1 + 2 + 2 + 1 + 10);
    StrView second = byte_reader_bytes(&reader, GREETING_NONCE_BYTES - NONCE_FIRST_BYTES);
    if (reader.failed)
        return RAISE(diag, MALFORMED_PACKET, "the greeting of another node is malformed");
    memcpy(out_nonce, first.data, first.length);
    memcpy(out_nonce + first.length, second.data, second.length);
    return OK;
}

static void put_login(const MysqlClientOptions *options, const uint8_t *nonce, ByteBuf *out)
{
    uint8_t response[PEER_RESPONSE_BYTES];
    uint32_t flags = CLIENT_LONG_PASSWORD | CLIENT_PROTOCOL_41 | CLIENT_SECURE_CONNECTION | CLIENT_MULTI_STATEMENTS |
                     CLIENT_MULTI_RESULTS | CLIENT_PLUGIN_AUTH | CLIENT_DEPRECATE_EOF;
    if (options->database.length > 0)
        flags |= CLIENT_CONNECT_WITH_DB;
    peer_response(options->secret, nonce, GREETING_NONCE_BYTES, options->user, response);
    bytebuf_put_u32(out, flags);
    bytebuf_put_u32(out, MYSQL_MAX_PACKET);
    bytebuf_put_u8(out, 33);
    for (int i = 0; i < 23; i++)
        bytebuf_put_u8(out, 0);
    bytebuf_append_view(out, options->user);
    bytebuf_put_u8(out, 0);
    bytebuf_put_u8(out, sizeof(response));
    bytebuf_append(out, response, sizeof(response));
    if (options->database.length > 0) {
        bytebuf_append_view(out, options->database);
        bytebuf_put_u8(out, 0);
    }
    bytebuf_append(out, peer_plugin, strlen(peer_plugin) + 1);
}

static Status log_in(MysqlClient *client, const MysqlClientOptions *options, const TcpWait *wait, Diag *diag)
{
    StrView packet;
    uint8_t nonce[GREETING_NONCE_BYTES];
    AUTO_BYTEBUF login = {0};
    TRY(mysql_client_packet(client, wait, diag, &packet));
    TRY(read_greeting(packet, nonce, diag));
    put_login(options, nonce, &login);
    TRY(send_packet(client, bytebuf_view(&login), wait, diag));
    TRY(mysql_client_packet(client, wait, diag, &packet));
    if (packet.length > 0 && (uint8_t)packet.data[0] == 0xFF)
        return mysql_client_error(packet, diag);
    if (packet.length == 0 || packet.data[0] != 0)
        return RAISE(diag, ACCESS_DENIED, "the server there is no node of this cluster");
    return OK;
}

Status mysql_client_open(const MysqlClientOptions *options, const TcpWait *wait, Diag *diag, MysqlClient **out_client)
{
    MysqlClient *client = mem_alloc_zero(sizeof(*client));
    Status status = tcp_connect(options->host, options->port, wait, diag, &client->stream);
    if (status == OK)
        status = log_in(client, options, wait, diag);
    if (status != OK) {
        mysql_client_close(client);
        return status;
    }
    *out_client = client;
    return OK;
}

void mysql_client_close(MysqlClient *client)
{
    if (client == NULL)
        return;
    tcp_close(client->stream);
    bytebuf_deinit(&client->packet);
    bytebuf_deinit(&client->out);
    mem_free(client);
}

Status mysql_client_command(MysqlClient *client, uint8_t command, StrView body, const TcpWait *wait, Diag *diag)
{
    AUTO_BYTEBUF payload = {0};
    bytebuf_put_u8(&payload, command);
    bytebuf_append_view(&payload, body);
    client->sequence = 0;
    return send_packet(client, bytebuf_view(&payload), wait, diag);
}
