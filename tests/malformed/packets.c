#include "malformed/malformed.h"

/* Sessions of MariaDB Connector/C are recorded, then replayed with one change each: a bit, a length, a sequence
 * number, packets exchanged, doubled, cut at any byte, sent a byte at a time. */

#include <stdio.h>
#include <string.h>

#include "base/arena.h"

enum { HEADER_BYTES = 4, MOST_PACKETS = 128, SESSIONS = 3 };

typedef struct Recording {
    ByteBuf bytes;
    size_t starts[MOST_PACKETS + 1];
    uint32_t count;
} Recording;

static void bind_value(MYSQL_BIND *bind, enum enum_field_types type, void *value, unsigned long length)
{
    *bind = (MYSQL_BIND){.buffer_type = type, .buffer = value, .buffer_length = length};
}

static void run_prepared(MYSQL *mysql)
{
    static const char sql[] = "SELECT ?, ?, ?, ?, ?, ?, count(*) FROM t WHERE k < ? AND s LIKE ?";
    long long number = -5;
    int small = 7;
    double real = 1.5;
    char text[] = "a%";
    MYSQL_TIME time = {.year = 2024, .month = 2, .day = 29, .hour = 10};
    MYSQL_STMT *statement = mysql_stmt_init(mysql);
    MYSQL_BIND binds[8];
    bind_value(&binds[0], MYSQL_TYPE_LONGLONG, &number, 0);
    bind_value(&binds[1], MYSQL_TYPE_LONG, &small, 0);
    bind_value(&binds[2], MYSQL_TYPE_DOUBLE, &real, 0);
    bind_value(&binds[3], MYSQL_TYPE_STRING, text, 2);
    bind_value(&binds[4], MYSQL_TYPE_DATETIME, &time, 0);
    bind_value(&binds[5], MYSQL_TYPE_NULL, NULL, 0);
    bind_value(&binds[6], MYSQL_TYPE_LONG, &small, 0);
    bind_value(&binds[7], MYSQL_TYPE_STRING, text, 2);
    if (mysql_stmt_prepare(statement, sql, strlen(sql)) == 0 && !mysql_stmt_bind_param(statement, binds)) {
        for (int i = 0; i < 2; i++) {
            (void)mysql_stmt_execute(statement);
            (void)mysql_stmt_store_result(statement);
            (void)mysql_stmt_free_result(statement);
        }
        (void)mysql_stmt_reset(statement);
    }
    mysql_stmt_close(statement);
}

static void run_commands(MYSQL *mysql)
{
    MYSQL_RES *fields = mysql_list_fields(mysql, "t", NULL);
    if (fields != NULL)
        mysql_free_result(fields);
    (void)mysql_select_db(mysql, "m");
    (void)mysql_ping(mysql);
    (void)mysql_stat(mysql);
    (void)mysql_set_server_option(mysql, MYSQL_OPTION_MULTI_STATEMENTS_ON);
    (void)mysql_reset_connection(mysql);
    (void)mysql_change_user(mysql, "root", "", "m");
    (void)peer_run(mysql, "SELECT k, s FROM t ORDER BY k");
}

static void run_queries(MYSQL *mysql)
{
    static const char *const texts[] = {"SET NAMES utf8mb4", "SELECT @@version_comment, @@max_allowed_packet", "SHOW DATABASES",
                                        "SELECT count(*), sum(v) FROM t WHERE s = 'b'", "SELECT no_such FROM t",
                                        "INSERT INTO scratch VALUES (1, 'x')", "SELECT repeat('long ', 5000)"};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        (void)peer_run(mysql, texts[i]);
}

static bool record(int port, uint32_t session, Recording *out)
{
    Relay relay;
    if (!relay_open(&relay, port))
        return false;
    MYSQL *mysql = peer_connect(relay.port, "m");
    if (mysql != NULL) {
        if (session == 0)
            run_queries(mysql);
        else if (session == 1)
            run_prepared(mysql);
        else
            run_commands(mysql);
        mysql_close(mysql);
    }
    relay_finish(&relay);
    out->bytes = relay.sent;
    for (size_t at = 0; at + HEADER_BYTES <= out->bytes.length && out->count < MOST_PACKETS;) {
        out->starts[out->count++] = at;
        at += HEADER_BYTES + (load_u32(out->bytes.data + at) & 0xFFFFFF);
        out->starts[out->count] = MIN(at, out->bytes.length);
    }
    return mysql != NULL && out->count > 4;
}

static StrView packet_of(const Recording *recording, uint32_t i)
{
    return strview_n(recording->bytes.data + recording->starts[i], recording->starts[i + 1] - recording->starts[i]);
}

/* Changes the header of a packet: its length by one, to the most, or its sequence number. */
static void change_header(Trial *trial, char *header)
{
    uint32_t length = load_u32(header) & 0xFFFFFF;
    static const uint32_t lengths[] = {0, 1, 0xFFFFFF, 0xFFFFFE, 0x7FFFFF};
    uint32_t kind = trial_below(trial, 9);
    if (kind == 0) {
        header[3] = (char)trial_below(trial, 256);
        return;
    }
    length = kind == 1 ? length + 1 : kind == 2 ? length - 1 : lengths[trial_below(trial, COUNT_OF(lengths))];
    memcpy(header, &length, 3);
}

static void mutate_session(Trial *trial, const Recording *recording, uint32_t kind, ByteBuf *out)
{
    uint32_t chosen = trial_below(trial, recording->count), other = trial_below(trial, recording->count);
    AUTO_BYTEBUF changed = {0};
    for (uint32_t i = 0; i < recording->count; i++) {
        StrView packet = packet_of(recording, kind == 3 && i == chosen ? other : kind == 3 && i == other ? chosen : i);
        bytebuf_clear(&changed);
        bytebuf_append_view(&changed, packet);
        if (i == chosen && kind == 0)
            change_header(trial, changed.data);
        if (i == chosen && kind == 1 && changed.length > HEADER_BYTES)
            changed.data[HEADER_BYTES + trial_below(trial, (uint32_t)changed.length - HEADER_BYTES)] ^= (char)(1 << trial_below(trial, 8));
        if (i == chosen && kind == 2) { /* the payload changed, the header right for it */
            AUTO_BYTEBUF payload = {0};
            mutate_bytes(trial, strview_n(packet.data + HEADER_BYTES, packet.length - HEADER_BYTES), &payload);
            uint32_t length = (uint32_t)MIN(payload.length, (size_t)0xFFFFFE);
            memcpy(changed.data, &length, 3);
            changed.length = HEADER_BYTES;
            bytebuf_append(&changed, payload.data, length);
        }
        bytebuf_append_view(out, bytebuf_view(&changed));
        if (i == chosen && kind == 4)
            bytebuf_append_view(out, bytebuf_view(&changed));
    }
    if (kind == 5)
        out->length = trial_below(trial, (uint32_t)out->length);
}

/* What came back is packets; errors have a number and a text. NULL: all is well. */
static const char *check_reply(const ByteBuf *reply, bool *out_refused)
{
    size_t at = 0;
    while (at + HEADER_BYTES < reply->length) {
        size_t length = load_u32(reply->data + at) & 0xFFFFFF;
        StrView packet = strview_n(reply->data + at + HEADER_BYTES, MIN(length, reply->length - at - HEADER_BYTES));
        if (packet.length == length && length > 0 && (uint8_t)packet.data[0] == 0xFF) {
            *out_refused = true;
            if (length < 10 || load_u16(packet.data + 1) == 0)
                return "an error without a number or a text";
            if (strview_find(packet, STR_VIEW("internal check")) != SIZE_MAX)
                return "an internal check failed";
        }
        at += HEADER_BYTES + length;
    }
    if (reply->length < HEADER_BYTES + 10)
        return "no greeting";
    return NULL;
}

void packet_cases(Trial *trial, uint32_t count)
{
    enum { KINDS = 7 };
    Recording recordings[SESSIONS] = {0};
    for (uint32_t i = 0; i < SESSIONS; i++) {
        if (!record(trial->server.query_port, i, &recordings[i]))
            trial_case(trial, "packets", i, "a session could not be recorded", STR_VIEW(""));
    }
    for (uint32_t i = 0; i < count; i++) {
        AUTO_BYTEBUF bytes = {0};
        AUTO_BYTEBUF reply = {0};
        bool refused = false;
        const Recording *recording = &recordings[i % SESSIONS];
        uint32_t kind = trial_below(trial, KINDS);
        if (recording->count == 0)
            continue;
        mutate_session(trial, recording, kind, &bytes);
        RawRequest request = {bytebuf_view(&bytes), (RawEnding)trial_below(trial, RAW_ENDINGS), kind == 6 && bytes.length < 4000, true};
        bool is_ended = raw_exchange(trial->server.query_port, &request, &reply);
        const char *problem = !is_ended ? "the server did not end the connection"
                              : request.ending == RAW_WAIT ? check_reply(&reply, &refused)
                                                           : NULL;
        trial->refused += refused;
        trial_case(trial, "packets", i, problem, request.bytes);
    }
    for (uint32_t i = 0; i < SESSIONS; i++)
        bytebuf_deinit(&recordings[i].bytes);
}
