/* The kill loop: kill -9 at random moments under concurrent loads, statements and DDL; after each restart everything that
 * was acknowledged must be there exactly once, nothing in part, and the server must be back in time.
 *
 *   merak-kill-loop --server build/release/merak [--kills 20] [--seed N] [--self-check]
 *
 * The last line is "N passed, N failed"; what a seed does depends on the moment of each kill as well, so that a
 * seed gives the same mix, not the same run. */

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "recovery/verify.h"
#include "sql_runner/server_process.h"

enum { WRITERS = 13, SHORTEST_LIFE_MS = 30, LONGEST_LIFE_MS = 500, START_LIMIT_MS = 2000 };

typedef struct Loop {
    ServerProcess server;
    Writer *writers[WRITERS];
    Random random;
    Verification verification;
    uint64_t restarts_passed, restarts_failed;
    int64_t slowest_start_us;
} Loop;

static int64_t now_us(void)
{
    return env_monotonic_us(environment_real());
}

static Status start_server(Loop *loop, Diag *diag)
{
    int64_t before = now_us();
    TRY(server_start(&loop->server, diag));
    int64_t taken_us = now_us() - before;
    loop->slowest_start_us = MAX(loop->slowest_start_us, taken_us);
    return OK;
}

static void make_writers(Loop *loop)
{
    static const WriterKind kinds[WRITERS] = {WRITER_STREAM_LOAD, WRITER_STREAM_LOAD, WRITER_STREAM_LOAD, WRITER_INSERT, WRITER_INSERT,
                                              WRITER_TRANSACTION, WRITER_UPSERT,      WRITER_MERGE,       WRITER_COLUMNS, WRITER_MERGED_LOAD,
                                              WRITER_MERGED_LOAD, WRITER_DDL,         WRITER_READER};
    for (int i = 0; i < WRITERS; i++) {
        loop->writers[i] = mem_alloc_zero(sizeof(Writer));
        loop->writers[i]->kind = kinds[i];
        loop->writers[i]->number = i;
    }
}

/* One life of the server: all writers at work, then the kill. */
static Status live(Loop *loop, Diag *diag)
{
    for (int i = 0; i < WRITERS; i++) {
        Writer *writer = loop->writers[i];
        writer->query_port = loop->server.query_port;
        writer->http_port = loop->server.http_port;
        writer->seed = random_next(&loop->random);
        TRY(thread_start(&writer->thread, "writer", writer_main, writer, diag));
    }
    int64_t span = LONGEST_LIFE_MS - SHORTEST_LIFE_MS;
    env_sleep_us(environment_real(), (SHORTEST_LIFE_MS + (int64_t)(random_next(&loop->random) % (uint64_t)span)) * 1000);
    Status status = server_stop(&loop->server, true, diag);
    for (int i = 0; i < WRITERS; i++)
        thread_join(&loop->writers[i]->thread);
    return status;
}

static void verify_all(Loop *loop)
{
    uint64_t failures = loop->verification.failures;
    MYSQL *mysql = peer_connect(loop->server.query_port, "kill_loop");
    if (mysql == NULL) {
        printf("FAIL no connection after the restart\n");
        loop->verification.failures++;
    }
    for (int i = 0; i < WRITERS && mysql != NULL; i++) {
        loop->writers[i]->http_port = loop->server.http_port;
        verify_writer(loop->writers[i], mysql, &loop->verification);
    }
    if (mysql != NULL)
        mysql_close(mysql);
    *(loop->verification.failures == failures ? &loop->restarts_passed : &loop->restarts_failed) += 1;
}

static Status run(Loop *loop, int kills, Diag *diag)
{
    TRY(start_server(loop, diag));
    TRY(workload_create_tables(loop->server.query_port, diag));
    for (int k = 0; k < kills; k++) {
        TRY(live(loop, diag));
        TRY(start_server(loop, diag));
        verify_all(loop);
    }
    return server_stop(&loop->server, false, diag);
}

/* The checks can fail: each change behind the writers' backs must be found. */
static Status check_checks(Loop *loop, Diag *diag)
{
    static const char *const changes[] = {
        "INSERT INTO loads SELECT * FROM loads ORDER BY writer, op, n LIMIT 1",
        "DELETE FROM inserts WHERE n = 0",
        "INSERT INTO left_side SELECT * FROM left_side ORDER BY writer, op, n LIMIT 1",
        "UPDATE upserts SET op = op - 1 WHERE id = 3",
        "UPDATE merges SET op = op - 1 WHERE id = 3",
        "UPDATE columns SET op = op - 1 WHERE id = 209",
        "DELETE FROM merged_loads WHERE n = 0",
        "DROP TABLE loads",
    };
    TRY(start_server(loop, diag));
    TRY(workload_create_tables(loop->server.query_port, diag));
    TRY(live(loop, diag));
    TRY(start_server(loop, diag));
    verify_all(loop);
    if (loop->verification.failures != 0)
        return RAISE(diag, INTERNAL, "there are failures before anything was changed");
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        MYSQL *mysql = peer_connect(loop->server.query_port, "kill_loop");
        Outcome outcome = peer_run(mysql, changes[i]);
        mysql_close(mysql);
        uint64_t before = loop->verification.failures;
        verify_all(loop);
        if (outcome != OUTCOME_DONE || loop->verification.failures == before)
            return RAISE(diag, INTERNAL, "not found: %s", changes[i]);
    }
    printf("%zu planted changes found\n", COUNT_OF(changes));
    loop->restarts_passed = COUNT_OF(changes);
    loop->restarts_failed = loop->verification.failures = 0;
    return server_stop(&loop->server, false, diag);
}

static void report(const Loop *loop, bool has_ended)
{
    const Verification *v = &loop->verification;
    uint32_t operations = 0, acknowledged = 0;
    for (int i = 0; i < WRITERS; i++) {
        operations += loop->writers[i]->count;
        for (uint32_t op = 0; op < loop->writers[i]->count; op++)
            acknowledged += loop->writers[i]->operations[op].outcome == OUTCOME_DONE;
    }
    bool is_fast = loop->slowest_start_us < (int64_t)START_LIMIT_MS * 1000;
    printf("%u operations, %u of them done; %llu without an answer turned out done, %llu not; %llu checks; slowest start %lld ms\n",
           operations, acknowledged, (unsigned long long)v->unknown_present, (unsigned long long)v->unknown_absent,
           (unsigned long long)v->checks, (long long)(loop->slowest_start_us / 1000));
    if (!is_fast)
        printf("FAIL a start took longer than %d ms\n", START_LIMIT_MS);
    printf("%llu passed, %llu failed\n", (unsigned long long)(loop->restarts_passed + is_fast),
           (unsigned long long)(loop->restarts_failed + !is_fast + !has_ended));
}

int main(int argc, char **argv)
{
    ServerOptions options = {.start_seconds = 30, .settings = {"lake_autovacuum_grace_period_minutes=0"}, .setting_count = 1};
    int kills = 20;
    bool is_self_check = argc > 1 && strcmp(argv[argc - 1], "--self-check") == 0;
    uint64_t seed = env_random(environment_real()) % 1000000;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--server") == 0)
            options.binary = argv[i + 1];
        else if (strcmp(argv[i], "--kills") == 0)
            kills = (int)strtol(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 10);
    }
    if (options.binary == NULL) {
        fprintf(stderr, "usage: merak-kill-loop --server BINARY [--kills N] [--seed N] [--self-check]\n");
        return 2;
    }
    Loop loop = {.random = {seed}};
    Diag diag = {0};
    curl_global_init(CURL_GLOBAL_DEFAULT);
    printf("kill loop: %d kills, --seed %llu\n", kills, (unsigned long long)seed);
    make_writers(&loop);
    Status status = server_open(&loop.server, &options, &diag);
    if (status == OK)
        status = is_self_check ? check_checks(&loop, &diag) : run(&loop, kills, &diag);
    if (status != OK) {
        AUTO_ARENA arena;
        arena_init(&arena, NULL);
        printf("FAIL %s\n%s\n", diag.message, server_last_words(&loop.server, &arena));
    }
    report(&loop, status == OK);
    server_close(&loop.server);
    return status == OK && loop.verification.failures == 0 && loop.slowest_start_us < (int64_t)START_LIMIT_MS * 1000 ? 0 : 1;
}
