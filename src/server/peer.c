#include "server/peer.h"

/* A statement waits for a leader as long as an election may take; once it was sent, a lost link means that nobody knows. */

#include <stdio.h>

#include "server/mysql_client.h"
#include "vector/vector.h"

enum {
    LEADER_WAIT_US = 10000000,
    LEADER_PAUSE_US = 50000,
    CONNECT_US = 2000000,
    MAX_COLUMNS = 4096,
};

struct ForwardLink {
    MysqlClient *client;
    char leader[FRONTEND_TEXT_BYTES];
};

struct Peers {
    MetaStore *store;
    Frontends *frontends;
    ForwardOps forward;
    Mutex lock; /* guards the connection of the calls */
    MysqlClient *client;
    char host[FRONTEND_TEXT_BYTES];
    uint32_t port;
};

/* ---- answers ---- */

typedef struct Answer {
    MysqlClient *client;
    const TcpWait *wait;
    const ResultSink *sink; /* NULL: it is read and dropped */
    bool has_more;          /* what the summary says */
    bool more_follow;       /* what the answer said */
    Diag *diag;
} Answer;

static Status malformed(Diag *diag)
{
    return RAISE(diag, MALFORMED_PACKET, "the answer of the leader is malformed");
}

/* An OK packet, or the end of a result. */
static Status read_summary(Answer *answer, StrView packet)
{
    ByteReader reader = byte_reader(packet.data, packet.length);
    ResultSummary summary = {.has_more = answer->has_more};
    (void)byte_reader_u8(&reader);
    summary.affected_rows = read_lenenc(&reader);
    summary.last_insert_id = read_lenenc(&reader);
    answer->more_follow = (byte_reader_u16(&reader) & SERVER_MORE_RESULTS_EXISTS) != 0;
    summary.warning_count = byte_reader_u16(&reader);
    if (byte_reader_left(&reader) > 0)
        summary.info = read_lenenc_string(&reader);
    if (reader.failed)
        return malformed(answer->diag);
    return answer->sink == NULL ? OK : answer->sink->done(answer->sink->context, &summary);
}

static Status read_column(Answer *answer, Arena *arena, ResultColumn *out)
{
    StrView packet;
    TRY(mysql_client_packet(answer->client, answer->wait, answer->diag, &packet));
    char *kept = arena_strndup(arena, packet.data, packet.length);
    ByteReader reader = byte_reader(kept, packet.length);
    if (!mysql_read_column(&reader, out))
        return malformed(answer->diag);
    return OK;
}

static Status put_row(Answer *answer, StrView packet, Chunk *chunk, Arena *arena)
{
    ByteReader reader = byte_reader(packet.data, packet.length);
    for (uint32_t c = 0; c < chunk->column_count; c++) {
        Datum value = datum_null();
        if (byte_reader_left(&reader) > 0 && *(const uint8_t *)reader.cursor == 0xFB)
            (void)byte_reader_u8(&reader);
        else
            TRY(datum_parse(chunk->columns[c].type, read_lenenc_string(&reader), arena, answer->diag, &value));
        if (reader.failed)
            return malformed(answer->diag);
        vector_put(&chunk->columns[c], arena, chunk->row_count, &value);
    }
    chunk->row_count++;
    return OK;
}

static Status pass_rows(Answer *answer, Chunk *chunk)
{
    if (chunk->row_count == 0 || answer->sink == NULL)
        return OK;
    TRY(answer->sink->rows(answer->sink->context, chunk));
    chunk_reset(chunk);
    return OK;
}

static Status read_rows(Answer *answer, const ResultColumn *columns, uint32_t count)
{
    AUTO_ARENA arena;
    Chunk chunk;
    arena_init(&arena, NULL);
    Type *types = ARENA_NEW_ARRAY(&arena, Type, count);
    for (uint32_t i = 0; i < count; i++)
        types[i] = columns[i].type;
    chunk_init(&chunk, &arena, types, count);
    for (;;) {
        StrView packet;
        TRY(mysql_client_packet(answer->client, answer->wait, answer->diag, &packet));
        uint8_t first = packet.length == 0 ? 0 : (uint8_t)packet.data[0];
        if (first == 0xFF)
            return mysql_client_error(packet, answer->diag);
        if (first == 0xFE && packet.length < MYSQL_MAX_PACKET) {
            TRY(pass_rows(answer, &chunk));
            return read_summary(answer, packet);
        }
        TRY(put_row(answer, packet, &chunk, &arena));
        if (chunk.row_count == CHUNK_ROWS)
            TRY(pass_rows(answer, &chunk));
    }
}

static Status read_answer(Answer *answer)
{
    StrView packet;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    TRY(mysql_client_packet(answer->client, answer->wait, answer->diag, &packet));
    uint8_t first = packet.length == 0 ? 0xFF : (uint8_t)packet.data[0];
    if (first == 0xFF)
        return mysql_client_error(packet, answer->diag);
    if (first == 0)
        return read_summary(answer, packet);
    ByteReader reader = byte_reader(packet.data, packet.length);
    uint64_t count = read_lenenc(&reader);
    if (reader.failed || count > MAX_COLUMNS)
        return malformed(answer->diag);
    ResultColumn *columns = ARENA_NEW_ARRAY(&arena, ResultColumn, count);
    for (uint64_t i = 0; i < count; i++)
        TRY(read_column(answer, &arena, &columns[i]));
    if (answer->sink != NULL)
        TRY(answer->sink->columns(answer->sink->context, columns, (uint32_t)count));
    return read_rows(answer, columns, (uint32_t)count);
}

/* ---- statements ---- */

static void close_link(void *context, ForwardLink *link)
{
    (void)context;
    mysql_client_close(link->client);
    mem_free(link);
}

static Status open_link(Peers *peers, const FrontendInfo *leader, const ForwardRequest *request, Diag *diag, ForwardLink **out_link)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    MysqlClientOptions options = {.host = leader->host, .port = (uint16_t)leader->query_port, .user = request->user,
                                  .database = request->database, .secret = meta_cluster_secret(peers->store)};
    TcpWait wait = {.deadline_us = env_monotonic_us(environment_real()) + CONNECT_US, .cancelled = request->cancelled};
    MysqlClient *client;
    TRY(mysql_client_open(&options, &wait, diag, &client));
    ForwardLink *link = mem_alloc_zero(sizeof(*link));
    link->client = client;
    memcpy(link->leader, leader->name, sizeof(link->leader));
    *out_link = link;
    return OK;
}

/* The kept link, or a new one. Nothing was sent when this fails. */
static Status link_to_leader(Peers *peers, ForwardLink **in_out_link, const ForwardRequest *request, Diag *diag)
{
    int64_t deadline_us = env_monotonic_us(environment_real()) + LEADER_WAIT_US;
    for (;;) {
        FrontendInfo leader;
        bool is_self = false;
        Diag trouble = {0};
        bool is_known = frontends_leader(peers->frontends, &leader, &is_self) && !is_self;
        ForwardLink *link = *in_out_link;
        if (link != NULL && (request->keeps_link || (is_known && strcmp(link->leader, leader.name) == 0)))
            return OK;
        if (link != NULL)
            close_link(peers, link);
        *in_out_link = NULL;
        if (is_self)
            return RAISE(diag, RETRY, "this node has just become the leader: try again");
        TRY(meta_check_current(peers->store, diag));
        if (is_known && open_link(peers, &leader, request, &trouble, in_out_link) == OK)
            return OK;
        if (request->cancelled != NULL && atomic_load(request->cancelled))
            return RAISE(diag, CANCELLED, "the statement was cancelled");
        if (env_monotonic_us(environment_real()) > deadline_us)
            return RAISE(diag, RETRY, "no leader can be reached%s%s", trouble.message[0] != '\0' ? ": " : "", trouble.message);
        env_sleep_us(environment_real(), LEADER_PAUSE_US);
    }
}

static Status send_text(const ForwardLink *link, StrView text, Answer *answer)
{
    TRY(mysql_client_command(link->client, COM_QUERY, text, answer->wait, answer->diag));
    do {
        TRY(read_answer(answer));
    } while (answer->more_follow && answer->sink == NULL);
    return OK;
}

static Status use_database(const ForwardLink *link, const ForwardRequest *request, Answer *answer)
{
    if (request->database.length == 0)
        return OK;
    TRY(mysql_client_command(link->client, COM_INIT_DB, request->database, answer->wait, answer->diag));
    return read_answer(answer);
}

static bool is_link_lost(Status status)
{
    return status == ERR_NETWORK || status == ERR_MALFORMED_PACKET || status == ERR_CANCELLED;
}

typedef struct LeaderWatch {
    const Peers *peers;
    uint64_t epoch;
} LeaderWatch;

/* A leader that sleeps, or was cut off, never answers: the statement ends with its lead. */
static bool has_lead_moved(void *context)
{
    const LeaderWatch *watch = context;
    return meta_epoch(watch->peers->store) != watch->epoch;
}

/* What makes the session there like the one here. A kept link may be dead by now: nothing was lost with it, unless a
 * transaction was open there. */
static Status prepare_link(Peers *peers, ForwardLink **in_out_link, const ForwardRequest *request, const TcpWait *wait, LeaderWatch *watch,
                           Diag *diag)
{
    for (int attempt = 0;; attempt++) {
        bool was_kept = *in_out_link != NULL;
        Diag trouble = {0};
        TRY(link_to_leader(peers, in_out_link, request, diag));
        watch->epoch = meta_epoch(peers->store);
        Answer answer = {.client = (*in_out_link)->client, .wait = wait, .diag = &trouble};
        Status status = use_database(*in_out_link, request, &answer);
        if (status == OK && request->preparation.length > 0)
            status = send_text(*in_out_link, request->preparation, &answer);
        if (status == OK)
            return OK;
        if (is_link_lost(status)) {
            close_link(peers, *in_out_link);
            *in_out_link = NULL;
            if (status == ERR_NETWORK && was_kept && !request->keeps_link && attempt == 0)
                continue;
        }
        return diag_raise(diag, status, "%s", trouble.message);
    }
}

static Status run_at(void *context, const char *host, uint32_t query_port, const ForwardRequest *request, const ResultSink *sink,
                     Diag *diag)
{
    Peers *peers = context;
    ForwardLink *link;
    FrontendInfo node = {.query_port = query_port};
    TcpWait wait = {.deadline_us = env_monotonic_us(environment_real()) + request->timeout_us, .cancelled = request->cancelled};
    snprintf(node.host, sizeof(node.host), "%s", host);
    TRY(open_link(peers, &node, request, diag, &link));
    Answer answer = {.client = link->client, .wait = &wait, .sink = sink, .has_more = request->has_more, .diag = diag};
    Status status = send_text(link, request->sql, &answer);
    close_link(peers, link);
    return status;
}

static Status forward_statement(void *context, ForwardLink **in_out_link, const ForwardRequest *request, const ResultSink *sink, Diag *diag)
{
    Peers *peers = context;
    Diag trouble = {0};
    LeaderWatch watch = {peers, meta_epoch(peers->store)};
    TcpWait wait = {.deadline_us = env_monotonic_us(environment_real()) + request->timeout_us, .cancelled = request->cancelled,
                    .is_lost = has_lead_moved, .context = &watch};
    TRY(prepare_link(peers, in_out_link, request, &wait, &watch, diag));
    Answer answer = {.client = (*in_out_link)->client, .wait = &wait, .sink = sink, .has_more = request->has_more, .diag = &trouble};
    Status status = send_text(*in_out_link, request->sql, &answer);
    if (status == OK)
        return OK;
    if (!is_link_lost(status))
        return diag_raise(diag, status, "%s", trouble.message);
    close_link(peers, *in_out_link); /* closing cancels what runs there */
    *in_out_link = NULL;
    if (status == ERR_CANCELLED)
        return diag_raise(diag, status, "%s", trouble.message);
    return RAISE(diag, OUTCOME_UNKNOWN, "the leader was lost while the statement ran; whether it took effect is unknown: ask by label (%s)",
                 trouble.message);
}

/* ---- heartbeats ---- */

static void drop_call_client(void *context)
{
    Peers *peers = context;
    LOCK_GUARD(&peers->lock);
    mysql_client_close(peers->client);
    peers->client = NULL;
}

static Status call_kept(Peers *peers, const char *host, uint32_t port, StrView request, const TcpWait *wait, ByteBuf *reply, Diag *diag)
{
    StrView packet;
    bool is_same = peers->client != NULL && peers->port == port && strcmp(peers->host, host) == 0;
    if (!is_same) {
        mysql_client_close(peers->client);
        peers->client = NULL;
        MysqlClientOptions options = {.host = host, .port = (uint16_t)port, .user = STR_VIEW("root"),
                                      .secret = meta_cluster_secret(peers->store)};
        TRY(mysql_client_open(&options, wait, diag, &peers->client));
        snprintf(peers->host, sizeof(peers->host), "%s", host);
        peers->port = port;
    }
    TRY(mysql_client_command(peers->client, COM_PEER, request, wait, diag));
    TRY(mysql_client_packet(peers->client, wait, diag, &packet));
    if (packet.length > 0 && (uint8_t)packet.data[0] == 0xFF)
        return mysql_client_error(packet, diag);
    bytebuf_append_view(reply, packet);
    return OK;
}

static Status call_peer(void *context, const char *host, uint32_t port, StrView request, int64_t timeout_us, ByteBuf *reply, Diag *diag)
{
    Peers *peers = context;
    TcpWait wait = {.deadline_us = env_monotonic_us(environment_real()) + timeout_us};
    LOCK_GUARD(&peers->lock);
    Status status = call_kept(peers, host, port, request, &wait, reply, diag);
    if (status != OK) {
        mysql_client_close(peers->client);
        peers->client = NULL;
    }
    return status;
}

/* ---- life ---- */

Peers *peers_open(MetaStore *store)
{
    Peers *peers = mem_alloc_zero(sizeof(*peers));
    peers->store = store;
    peers->forward = (ForwardOps){peers, forward_statement, close_link, run_at};
    mutex_init(&peers->lock);
    return peers;
}

void peers_set_frontends(Peers *peers, Frontends *frontends)
{
    peers->frontends = frontends;
}

void peers_close(Peers *peers)
{
    if (peers == NULL)
        return;
    drop_call_client(peers);
    mutex_deinit(&peers->lock);
    mem_free(peers);
}

const ForwardOps *peers_forward_ops(const Peers *peers)
{
    return &peers->forward;
}

FrontendCalls peers_frontend_calls(Peers *peers)
{
    return (FrontendCalls){peers, call_peer, drop_call_client};
}
