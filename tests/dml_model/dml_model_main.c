/* Random statements, transactions, loads, schema changes, compactions and restarts against a server, compared with a
 * reference in memory that does the same by plain loops.
 *
 *   merak-dml-model --server build/release/merak [--seconds 20] [--seed N] [--log FOLDER]
 *
 * Several worlds work at once, each on tables of its own. A life of the server ends by kill -9 in the middle of whatever is under
 * way, or by a stop; after each start everything is compared. What a seed does depends on the moment of each kill as well: it gives
 * the same mix, not the same run. The last line is "N passed, N failed". */

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dml_model/world.h"
#include "sql_runner/server_process.h"

enum { WORLDS = 3, SHORTEST_LIFE_MS = 300, LONGEST_LIFE_MS = 4000 };

typedef struct Loop {
    ServerProcess server;
    World worlds[WORLDS];
    Random random;
    uint64_t lives;
} Loop;

static int64_t now_us(void)
{
    return env_monotonic_us(environment_real());
}

static Status make_database(const Loop *loop, Diag *diag)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    Client *client = client_open(loop->server.query_port, "information_schema", NULL, 0);
    Answer answer = client_run(client, "CREATE DATABASE IF NOT EXISTS dml_model", &arena);
    client_close(client);
    return answer.is_error ? RAISE(diag, INTERNAL, "no database: %s", answer.message) : OK;
}

static Status live(Loop *loop, Diag *diag)
{
    int64_t life_us = (SHORTEST_LIFE_MS + (int64_t)(random_next(&loop->random) % (LONGEST_LIFE_MS - SHORTEST_LIFE_MS))) * 1000;
    bool has_kill = random_next(&loop->random) % 4 != 0;
    for (int i = 0; i < WORLDS; i++) {
        loop->worlds[i].end_us = now_us() + life_us + (has_kill ? 1000000 : 0); /* the kill comes first */
        TRY(thread_start(&loop->worlds[i].thread, "world", world_main, &loop->worlds[i], diag));
    }
    Status status = OK;
    if (has_kill) {
        env_sleep_us(environment_real(), life_us);
        status = server_stop(&loop->server, true, diag);
    }
    for (int i = 0; i < WORLDS; i++)
        thread_join(&loop->worlds[i].thread);
    if (!has_kill)
        status = server_stop(&loop->server, false, diag);
    loop->lives++;
    return status;
}

static uint64_t failures(const Loop *loop)
{
    uint64_t sum = 0;
    for (int i = 0; i < WORLDS; i++)
        sum += loop->worlds[i].failures;
    return sum;
}

static Status start(Loop *loop, Diag *diag)
{
    TRY(server_start(&loop->server, diag));
    for (int i = 0; i < WORLDS; i++) {
        loop->worlds[i].query_port = loop->server.query_port;
        loop->worlds[i].http_port = loop->server.http_port;
    }
    return make_database(loop, diag);
}

static Status run(Loop *loop, int64_t seconds, Diag *diag)
{
    int64_t end_us = now_us() + seconds * 1000000;
    TRY(start(loop, diag));
    while (now_us() < end_us && failures(loop) == 0) {
        TRY(live(loop, diag));
        if (failures(loop) > 0) /* what was found is not to be hidden by what follows */
            return OK;
        TRY(start(loop, diag));
        for (int i = 0; i < WORLDS; i++)
            world_verify(&loop->worlds[i]);
    }
    return server_stop(&loop->server, false, diag);
}

/* The comparison can fail: each change behind a world's back must be found. */
static Status check_checks(Loop *loop, Diag *diag)
{
    static const char *const changes[] = {"INSERT INTO t VALUES (7, 7)", "DELETE FROM t WHERE k = 2", "UPDATE t SET v = NULL WHERE k = 1"};
    World *world = &loop->worlds[0];
    RefTable table = {.name = "t", .keys = TABLE_PRIMARY, .column_count = 2, .key_count = 1};
    table.columns[0] = (RefColumn){.name = "k"};
    table.columns[1] = (RefColumn){.name = "v", .is_nullable = true};
    Where everything = {0};
    bool is_right = true;
    TRY(start(loop, diag));
    world->client = client_open(loop->server.query_port, "dml_model", NULL, 0);
    is_right &= world_run(world, "CREATE TABLE t (k INT NOT NULL, v INT) PRIMARY KEY (k) DISTRIBUTED BY HASH(k) BUCKETS 1");
    for (int64_t i = 0; i < 3; i++)
        ref_put(&table, &(Row){{{i, false}, {i * 10, false}}});
    for (size_t i = 0; i < COUNT_OF(changes) && is_right; i++) {
        is_right &= world_run(world, "INSERT OVERWRITE t VALUES (0, 0), (1, 10), (2, 20)");
        is_right &= world_compare(world, &table, &everything, false);
        is_right &= world_run(world, changes[i]);
        is_right &= !world_compare(world, &table, &everything, true);
    }
    mem_free(table.rows);
    client_close(world->client);
    TRY(server_stop(&loop->server, false, diag));
    return is_right ? OK : RAISE(diag, INTERNAL, "a planted change was not found");
}

static int report(const Loop *loop, Status status, const Diag *diag)
{
    uint64_t operations = 0, comparisons = 0;
    for (int i = 0; i < WORLDS; i++) {
        operations += loop->worlds[i].operations;
        comparisons += loop->worlds[i].comparisons;
    }
    uint64_t failed = failures(loop) + (status != OK);
    if (status != OK) {
        AUTO_ARENA arena;
        arena_init(&arena, NULL);
        printf("FAIL %s\n%s\n", diag->message, server_last_words(&loop->server, &arena));
    }
    printf("%llu operations, %llu comparisons in %llu lives\n", (unsigned long long)operations, (unsigned long long)comparisons,
           (unsigned long long)loop->lives);
    printf("%llu passed, %llu failed\n", (unsigned long long)(comparisons - MIN(failed, comparisons)), (unsigned long long)failed);
    return failed == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    ServerOptions options = {.start_seconds = 30, .settings = {"lake_autovacuum_grace_period_minutes=0"}, .setting_count = 1};
    int64_t seconds = 20;
    const char *log_folder = NULL; /* every statement of each world goes there */
    uint64_t seed = env_random(environment_real()) % 1000000;
    bool is_self_check = argc > 1 && strcmp(argv[argc - 1], "--self-check") == 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--server") == 0)
            options.binary = argv[i + 1];
        else if (strcmp(argv[i], "--seconds") == 0)
            seconds = strtoll(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--log") == 0)
            log_folder = argv[i + 1];
    }
    if (options.binary == NULL) {
        fprintf(stderr, "usage: merak-dml-model --server BINARY [--seconds N] [--seed N] [--log FOLDER] [--self-check]\n");
        return 2;
    }
    static Loop loop;
    Diag diag = {0};
    curl_global_init(CURL_GLOBAL_DEFAULT);
    loop.random = (Random){seed};
    printf("random statements: %s--seconds %lld --seed %llu\n", is_self_check ? "--self-check " : "", (long long)seconds,
           (unsigned long long)seed);
    fflush(stdout);
    for (int i = 0; i < WORLDS; i++)
        world_open(&loop.worlds[i], i, seed, log_folder);
    Status status = server_open(&loop.server, &options, &diag);
    if (status == OK)
        status = is_self_check ? check_checks(&loop, &diag) : run(&loop, seconds, &diag);
    int code = report(&loop, status, &diag);
    for (int i = 0; i < WORLDS; i++)
        world_close(&loop.worlds[i]);
    server_close(&loop.server);
    return code;
}
