/* Three servers on one volume. Writers insert numbered rows through any of them, readers ask any of them, while the leader is
 * killed, paused or cut off again and again. Nothing acknowledged may be lost or doubled, nothing refused may be there, no reader may
 * see less than what was acknowledged before it asked or than what anybody saw before, and writes go on within seconds.
 *
 *   own_network.sh merak-failover --server build/release/merak [--rounds 6] [--seed N]
 *
 * With S3_ENDPOINT and its like in the environment (tests/s3/with_service.sh) the volume lies there, and readers SYNC first.
 *
 * Cutting off drops the packets to and from the leader's port, while it still reaches the volume; it needs the network of its own
 * that own_network.sh gives and iptables, and is left out, with a line that says so, where they are not there. In network namespaces
 * (with_namespaces.sh) every node is a host of its own, and cut off it reaches nobody: neither others nor clients nor a volume on a service.
 *
 * The last line is "N passed, N failed". */

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/thread.h"
#include "failover/cut.h"
#include "recovery/peer.h"
#include "sql_runner/server_process.h"

typedef enum Blow { BLOW_KILLED, BLOW_PAUSED, BLOW_CUT_OFF } Blow;

enum {
    NODES = 3,
    BLOWS = 3,
    WRITERS = 4,
    READERS = 2,
    OPERATIONS_MAX = 1 << 20,
    ROUND_MS = 1500,
    PAUSE_MS = 2500,
    GAP_LIMIT_MS = 3000,
    SETTLE_MS = 15000
};

typedef struct Writer {
    int number;
    Thread thread;
    uint64_t seed;
    uint8_t *outcomes; /* Outcome + 1 by operation */
    _Atomic int64_t count;
    _Atomic int64_t acknowledged; /* the last one; -1: none */
} Writer;

typedef struct Reader {
    Thread thread;
    uint64_t seed;
    uint64_t checks, failures, unanswered;
} Reader;

static ServerProcess nodes[NODES];
static _Atomic int ports[NODES];
static Writer writers[WRITERS];
static Reader readers[READERS];
static _Atomic int64_t seen[WRITERS]; /* the most that any reader saw */
static _Atomic int64_t last_write_us;
static _Atomic bool stopping;
static uint64_t passed, failed;
static bool may_cut, is_remote;

static int64_t now_us(void)
{
    return env_monotonic_us(environment_real());
}

static void check(bool is_right, const char *what)
{
    if (!is_right)
        printf("FAIL %s\n", what);
    *(is_right ? &passed : &failed) += 1;
}

/* ---- writers and readers ---- */

static MYSQL *connect_to(uint64_t node)
{
    int port = atomic_load(&ports[node % NODES]);
    return port == 0 ? NULL : peer_connect_to(cut_host((int)(node % NODES)), port, NULL);
}

static void note_outcome(Writer *writer, int64_t op, Outcome outcome)
{
    writer->outcomes[op] = (uint8_t)(outcome + 1);
    atomic_store(&writer->count, op + 1);
    if (outcome != OUTCOME_DONE)
        return;
    atomic_store(&writer->acknowledged, op);
    atomic_store(&last_write_us, now_us());
}

static void writer_main(void *argument)
{
    Writer *writer = argument;
    Random random = {writer->seed};
    uint64_t node = random_next(&random);
    MYSQL *mysql = NULL;
    while (!atomic_load(&stopping) && atomic_load(&writer->count) < OPERATIONS_MAX) {
        char sql[120];
        if (mysql == NULL)
            mysql = connect_to(++node);
        if (mysql == NULL) {
            env_sleep_us(environment_real(), 20000);
            continue;
        }
        int64_t op = atomic_load(&writer->count);
        snprintf(sql, sizeof(sql), "INSERT INTO d.log VALUES (%d, %lld)", writer->number, (long long)op);
        Outcome outcome = peer_run(mysql, sql);
        note_outcome(writer, op, outcome);
        if (outcome == OUTCOME_DONE && random_next(&random) % 20 != 0)
            continue;
        mysql_close(mysql);
        mysql = NULL;
    }
    if (mysql != NULL)
        mysql_close(mysql);
}

static void raise_to(_Atomic int64_t *value, int64_t least)
{
    int64_t now = atomic_load(value);
    while (now < least && !atomic_compare_exchange_weak(value, &now, least)) {
    }
}

static void read_once(Reader *reader, MYSQL *mysql, int number)
{
    NumberRow *rows = NULL;
    uint32_t count;
    char sql[120];
    int64_t acknowledged = atomic_load(&writers[number].acknowledged), seen_before = atomic_load(&seen[number]);
    snprintf(sql, sizeof(sql), "SELECT max(n), count(*), count(DISTINCT n) FROM d.log WHERE writer = %d", number);
    bool is_asked = !is_remote || peer_run(mysql, "SYNC") == OUTCOME_DONE;
    if (!is_asked || !peer_rows(mysql, sql, &rows, &count) || count != 1) {
        mem_free(rows);
        reader->unanswered++;
        if (strstr(mysql_error(mysql), "object") != NULL) { /* one that was deleted although this node reads it */
            printf("FAIL reader: %s\n", mysql_error(mysql));
            reader->failures++;
        }
        return;
    }
    int64_t most = rows[0].cells[1] == 0 ? -1 : rows[0].cells[0];
    bool is_right = most >= acknowledged && most >= seen_before && rows[0].cells[1] == rows[0].cells[2];
    if (!is_right)
        printf("reader: writer %d has up to %lld (%lld rows, %lld distinct), acknowledged were %lld, seen were %lld\n", number,
               (long long)most, (long long)rows[0].cells[1], (long long)rows[0].cells[2], (long long)acknowledged, (long long)seen_before);
    raise_to(&seen[number], most);
    reader->checks++;
    reader->failures += !is_right;
    mem_free(rows);
}

static void reader_main(void *argument)
{
    Reader *reader = argument;
    Random random = {reader->seed};
    while (!atomic_load(&stopping)) {
        MYSQL *mysql = connect_to(random_next(&random));
        for (int i = 0; i < 5 && mysql != NULL; i++)
            read_once(reader, mysql, (int)(random_next(&random) % WRITERS));
        if (mysql != NULL)
            mysql_close(mysql);
        env_sleep_us(environment_real(), 5000);
    }
}

/* ---- the nodes ---- */

static Status start_node(int node, Diag *diag)
{
    TRY(server_start(&nodes[node], diag));
    atomic_store(&ports[node], nodes[node].query_port);
    return OK;
}

/* -1: nobody leads as far as anybody knows. */
static int find_leader(void)
{
    for (int i = 0; i < NODES; i++) {
        MYSQL *mysql = connect_to((uint64_t)i);
        MYSQL_RES *result = NULL;
        int port = 0;
        if (mysql != NULL && mysql_query(mysql, "SHOW FRONTENDS") == 0)
            result = mysql_store_result(mysql);
        for (MYSQL_ROW row; result != NULL && (row = mysql_fetch_row(result)) != NULL;)
            port = strcmp(row[6], "LEADER") == 0 ? (int)strtol(row[4], NULL, 10) : port;
        mysql_free_result(result);
        if (mysql != NULL)
            mysql_close(mysql);
        for (int n = 0; n < NODES; n++) {
            if (port != 0 && port == nodes[n].query_port)
                return n;
        }
    }
    return -1;
}

static int await_leader(void)
{
    int64_t deadline = now_us() + (int64_t)SETTLE_MS * 1000;
    int leader;
    while ((leader = find_leader()) < 0 && now_us() < deadline)
        env_sleep_us(environment_real(), 50000);
    return leader;
}

/* How long no write was acknowledged after the blow. */
static int64_t await_write(int64_t since_us)
{
    int64_t deadline = since_us + (int64_t)SETTLE_MS * 1000;
    while (atomic_load(&last_write_us) <= since_us + 1000 && now_us() < deadline)
        env_sleep_us(environment_real(), 2000);
    return atomic_load(&last_write_us) - since_us;
}

/* ---- blows ---- */

static Blow blow_of(int round)
{
    Blow blow = (Blow)(round % BLOWS);
    return blow == BLOW_CUT_OFF && !may_cut ? BLOW_PAUSED : blow;
}

static Status strike(Blow blow, int leader, int64_t *out_gap_us, Diag *diag)
{
    int64_t since_us = now_us();
    if (blow == BLOW_CUT_OFF) {
        int port = atomic_exchange(&ports[leader], 0);
        check(cut_set(leader, port, true), "the leader is cut off");
        since_us = now_us(); /* until then writes go on */
        *out_gap_us = await_write(since_us);
        env_sleep_us(environment_real(), (int64_t)PAUSE_MS * 500);
        check(cut_set(leader, port, false), "the leader is back");
        atomic_store(&ports[leader], port);
        return OK;
    }
    if (blow == BLOW_KILLED) {
        atomic_store(&ports[leader], 0);
        TRY(server_stop(&nodes[leader], true, diag));
        *out_gap_us = await_write(since_us);
        return start_node(leader, diag);
    }
    kill(nodes[leader].pid, SIGSTOP);
    int port = atomic_exchange(&ports[leader], 0);
    *out_gap_us = await_write(since_us);
    int64_t left_us = since_us + (int64_t)PAUSE_MS * 1000 - now_us();
    if (left_us > 0)
        env_sleep_us(environment_real(), left_us);
    kill(nodes[leader].pid, SIGCONT);
    atomic_store(&ports[leader], port);
    return OK;
}

static int by_value(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* gaps: of all rounds, in their order. */
static void report_gaps(const int64_t *gaps, int rounds, Blow blow)
{
    static const char *const names[] = {"killed", "paused", "cut off"};
    int64_t *own = mem_alloc_zero(((size_t)rounds + 1) * sizeof(int64_t));
    int count = 0;
    for (int i = 0; i < rounds; i++) {
        if (blow_of(i) == blow)
            own[count++] = gaps[i];
    }
    qsort(own, (size_t)count, sizeof(*own), by_value);
    if (count > 0) {
        printf("the leader %s %d times; without a write: median %lld ms, longest %lld ms\n", names[blow], count,
               (long long)(own[count / 2] / 1000), (long long)(own[count - 1] / 1000));
        check(own[count / 2] < (int64_t)GAP_LIMIT_MS * 1000, "a new leader writes within 3 s (median)");
    }
    mem_free(own);
}

static Status run_rounds(int rounds, Diag *diag)
{
    int64_t *gaps = mem_alloc_zero(((size_t)rounds + 1) * sizeof(int64_t));
    Status status = OK;
    int done = 0;
    for (; done < rounds && status == OK; done++) {
        env_sleep_us(environment_real(), (int64_t)ROUND_MS * 1000);
        int leader = await_leader();
        check(leader >= 0, "a node leads");
        if (leader < 0)
            break;
        status = strike(blow_of(done), leader, &gaps[done], diag);
    }
    check(done == rounds, "every round is run");
    for (int blow = 0; blow < BLOWS; blow++)
        report_gaps(gaps, done, (Blow)blow);
    mem_free(gaps);
    return status;
}

/* ---- the end ---- */

static uint8_t *read_rows(MYSQL *mysql, const Writer *writer)
{
    NumberRow *rows;
    uint32_t count;
    char sql[80];
    uint8_t *times = mem_alloc_zero(OPERATIONS_MAX);
    snprintf(sql, sizeof(sql), "SELECT n FROM d.log WHERE writer = %d", writer->number);
    bool is_answered = peer_rows(mysql, sql, &rows, &count);
    check(is_answered, "the rows can be read");
    for (uint32_t i = 0; i < count; i++)
        times[rows[i].cells[0] % OPERATIONS_MAX]++;
    mem_free(rows);
    return times;
}

/* Operations of the writer that are there more or less often than their outcomes allow. */
static int64_t count_wrong(MYSQL *mysql, const Writer *writer, bool says)
{
    static const char *const names[] = {"done", "refused", "unknown"};
    uint8_t *times = read_rows(mysql, writer);
    int64_t wrong = 0, count = atomic_load(&writer->count);
    for (int64_t op = 0; op < count; op++) {
        int outcome = writer->outcomes[op] - 1;
        bool is_right = outcome == OUTCOME_DONE ? times[op] == 1 : outcome == OUTCOME_REFUSED ? times[op] == 0 : times[op] <= 1;
        if (!is_right && wrong++ < 5 && says)
            printf("FAIL row %lld of writer %d, whose insert was %s, is there %u times\n", (long long)op, writer->number, names[outcome],
                   times[op]);
    }
    mem_free(times);
    return wrong;
}

static void verify(int node)
{
    MYSQL *mysql = connect_to((uint64_t)node);
    check(mysql != NULL && (!is_remote || peer_run(mysql, "SYNC") == OUTCOME_DONE), "every node answers at the end");
    for (int w = 0; w < WRITERS && mysql != NULL; w++)
        check(count_wrong(mysql, &writers[w], true) == 0, "acknowledged rows are there once, refused ones are not");
    if (mysql != NULL)
        mysql_close(mysql);
}

/* The judgement itself: a history that lost a row, doubled one, or has one that was refused is found; so is a reader that sees
 * less than was acknowledged. Comes last, for it spoils the rows. */
static void verify_judgement(void)
{
    char sql[120];
    Reader reader = {0};
    MYSQL *mysql = connect_to(0);
    Writer *first = &writers[0], *second = &writers[1];
    int64_t last = atomic_load(&first->acknowledged), other = atomic_load(&second->acknowledged);
    check(mysql != NULL && last >= 0 && other >= 0, "there is a history to judge");
    if (mysql == NULL)
        return;
    snprintf(sql, sizeof(sql), "DELETE FROM d.log WHERE writer = 0 AND n = %lld", (long long)last);
    check(peer_run(mysql, sql) == OUTCOME_DONE && count_wrong(mysql, first, false) == 1, "a lost row is found");
    read_once(&reader, mysql, 0);
    check(reader.failures == 1, "a reader that sees too little is found (the line above is meant)");
    snprintf(sql, sizeof(sql), "INSERT INTO d.log VALUES (1, %lld)", (long long)other);
    check(peer_run(mysql, sql) == OUTCOME_DONE && count_wrong(mysql, second, false) == 1, "a doubled row is found");
    second->outcomes[other] = OUTCOME_REFUSED + 1;
    check(count_wrong(mysql, second, false) == 1, "a refused row that is there is found");
    mysql_close(mysql);
}

static Status start_threads(uint64_t seed, Diag *diag)
{
    Random random = {seed};
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (Writer){.number = i, .seed = random_next(&random), .outcomes = mem_alloc_zero(OPERATIONS_MAX)};
        atomic_init(&writers[i].acknowledged, -1);
        atomic_init(&seen[i], -1);
        TRY(thread_start(&writers[i].thread, "writer", writer_main, &writers[i], diag));
    }
    for (int i = 0; i < READERS; i++) {
        readers[i] = (Reader){.seed = random_next(&random)};
        TRY(thread_start(&readers[i].thread, "reader", reader_main, &readers[i], diag));
    }
    return OK;
}

static void stop_threads(void)
{
    int64_t operations = 0;
    uint64_t reads = 0, failures = 0;
    atomic_store(&stopping, true);
    for (int i = 0; i < WRITERS; i++) {
        thread_join(&writers[i].thread);
        operations += atomic_load(&writers[i].count);
    }
    for (int i = 0; i < READERS; i++) {
        thread_join(&readers[i].thread);
        reads += readers[i].checks;
        failures += readers[i].failures;
    }
    printf("%lld inserts, %llu reads\n", (long long)operations, (unsigned long long)reads);
    check(reads > 0 && failures == 0, "no reader saw too little");
}

static Status run(const ServerOptions *options, int rounds, uint64_t seed, Diag *diag)
{
    static ServerOptions own[NODES];
    for (int i = 0; i < NODES; i++) {
        own[i] = *options;
        cut_place(i, &own[i]);
        TRY(server_open(&nodes[i], &own[i], diag));
        TRY(start_node(i, diag));
    }
    MYSQL *mysql = connect_to(1); /* a follower */
    check(peer_run(mysql, "CREATE DATABASE d") == OUTCOME_DONE, "a follower takes DDL");
    check(peer_run(mysql, "CREATE TABLE d.log (writer INT, n BIGINT) DUPLICATE KEY (writer)") == OUTCOME_DONE, "a table is made");
    int64_t rows = 0;
    bool is_run = peer_run(mysql, "CREATE TEMPORARY TABLE d.own (k INT)") == OUTCOME_DONE && peer_run(mysql, "BEGIN") == OUTCOME_DONE &&
                  peer_run(mysql, "INSERT INTO d.own VALUES (1), (2)") == OUTCOME_DONE && peer_run(mysql, "COMMIT") == OUTCOME_DONE;
    check(is_run && peer_number(mysql, "SELECT count(*) FROM d.own", &rows) && rows == 2, "a temporary table is seen through a follower");
    mysql_close(mysql);
    LoadReply load = peer_load_to(cut_host(2), nodes[2].http_port, "d", "log", "through_a_follower", STR_VIEW("99,1\n99,2\n"));
    check(load.outcome == OUTCOME_DONE && load.loaded == 2, "a load is sent on to the leader");
    TRY(start_threads(seed, diag));
    Status status = run_rounds(rounds, diag);
    stop_threads();
    TRY(status);
    check(await_leader() >= 0, "a node leads at the end");
    for (int i = 0; i < NODES; i++)
        verify(i);
    verify_judgement();
    for (int i = 0; i < NODES; i++)
        TRY(server_stop(&nodes[i], false, diag));
    return OK;
}

static void add_setting(ServerOptions *options, const char *key, const char *value)
{
    static char texts[SERVER_SETTINGS_MAX][SERVER_PATH_BYTES + 40];
    char *text = texts[options->setting_count];
    snprintf(text, sizeof(texts[0]), "%s=%s", key, value);
    options->settings[options->setting_count++] = text;
}

/* The end of what the node logged. */
static void say_log(const ServerProcess *node)
{
    enum { LINES_BYTES = 2000 };
    char path[SERVER_PATH_BYTES + 40], text[LINES_BYTES + 1];
    snprintf(path, sizeof(path), "%s/data/log/merak.log", node->folder);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    if (fseek(file, -LINES_BYTES, SEEK_END) != 0)
        rewind(file);
    text[fread(text, 1, LINES_BYTES, file)] = '\0';
    fclose(file);
    printf("%s\n", text);
}

static void say_last_words(const char *trouble)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    printf("FAIL %s\n", trouble);
    for (int i = 0; i < NODES; i++) {
        printf("node %d: %s\n", i, server_last_words(&nodes[i], &arena));
        say_log(&nodes[i]);
    }
}

static void choose_volume(ServerOptions *options, const char *folder)
{
    static const char *const keys[][2] = {{"aws_s3_endpoint", "S3_ENDPOINT"},
                                          {"aws_s3_access_key", "S3_ACCESS_KEY"},
                                          {"aws_s3_secret_key", "S3_SECRET_KEY"},
                                          {"aws_s3_region", "S3_REGION"}};
    char path[SERVER_PATH_BYTES + 40];
    is_remote = getenv("S3_ENDPOINT") != NULL;
    if (!is_remote) {
        snprintf(path, sizeof(path), "file://%s/volume", folder);
        add_setting(options, "home_volume", path);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        if (getenv(keys[i][1]) != NULL)
            add_setting(options, keys[i][0], getenv(keys[i][1]));
    }
    snprintf(path, sizeof(path), "%s/failover", getenv("S3_BUCKET"));
    add_setting(options, "aws_s3_path", path);
    add_setting(options, "cloud_native_storage_type", "S3");
}

int main(int argc, char **argv)
{
    ServerOptions options = {.start_seconds = 120, .settings = {"lake_autovacuum_grace_period_minutes=0"}, .setting_count = 1};
    ServerProcess shared = {0};
    int rounds = 6;
    uint64_t seed = env_random(environment_real()) % 1000000;
    Diag diag = {0};
    curl_global_init(CURL_GLOBAL_DEFAULT);
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--server") == 0)
            options.binary = argv[i + 1];
        else if (strcmp(argv[i], "--rounds") == 0)
            rounds = (int)strtol(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 10);
    }
    if (options.binary == NULL || rounds < 1 || server_open(&shared, &options, &diag) != OK) {
        fprintf(stderr, "usage: merak-failover --server BINARY [--rounds N] [--seed N]\n");
        return 2;
    }
    may_cut = cut_is_possible();
    printf("failover: %d rounds, --seed %llu%s%s\n", rounds, (unsigned long long)seed,
           cut_has_namespaces() ? ", in network namespaces" : "",
           may_cut ? "" : "; cutting off is not tried: it needs own_network.sh and iptables");
    choose_volume(&options, shared.folder);
    Status status = run(&options, rounds, seed, &diag);
    if (status != OK)
        say_last_words(diag.message);
    for (int i = 0; i < NODES; i++)
        server_close(&nodes[i]);
    server_close(&shared);
    printf("%llu passed, %llu failed\n", (unsigned long long)passed, (unsigned long long)(failed + (status != OK)));
    return failed == 0 && status == OK ? 0 : 1;
}
