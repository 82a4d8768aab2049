/* Random queries against oracles that need no second engine.
 *
 *   merak-query-oracle --server build/release/merak [--seeds 5] [--first N] [--queries 60] [--seconds S] [--verbose]
 *
 * Every seed makes a database of tables, each stored in four layouts, and asks random questions of them in ways that must
 * agree: on all layouts, with one worker, spilling, cut into three by a predicate (TLP), counted by a projection (NoREC), and
 * as derived table, common table expression and view. A seed gives the same tables and questions each time. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query_oracle/query_oracle.h"
#include "sql_runner/server_process.h"

enum { REFUSED_PERCENT_MAX = 5 };

typedef struct Options {
    ServerOptions server;
    uint64_t first, seeds, queries;
    int64_t seconds; /* 0: no limit */
    bool is_verbose;
} Options;

static bool run_statement(void *context, const char *sql)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    Answer answer = client_run(context, sql, &arena);
    if (answer.is_error)
        printf("FAIL %s\n  %.300s;\n", answer.message, sql);
    return !answer.is_error;
}

static bool open_connections(Client *client, uint64_t seed)
{
    static const char *const settings[][2] = {
        {"default", "SET query_timeout = 60"}, {"one worker", "SET pipeline_dop = 1"},
        {"spilling", "SET spill_mode = 'force', enable_spill = true"},
    };
    AUTO_BYTEBUF sql = {0};
    bytebuf_printf(&sql, "CREATE DATABASE oracle_%llu; ", (unsigned long long)seed);
    bool is_good = run_statement(client, sql.data);
    for (size_t i = 0; i < COUNT_OF(settings); i++) {
        client_choose(client, settings[i][0]);
        bytebuf_clear(&sql);
        bytebuf_printf(&sql, "USE oracle_%llu; %s", (unsigned long long)seed, settings[i][1]);
        is_good = is_good && run_statement(client, sql.data);
    }
    client_choose(client, "default");
    return is_good;
}

/* False: the tables could not be made. */
static bool run_seed(const ServerProcess *server, const Options *options, uint64_t seed, Checker *checker)
{
    static void (*const oracles[])(Checker *) = {check_settings, check_layouts, check_partitions, check_partitions, check_count, check_forms, check_table};
    Generator generator = {.random = {seed}, .allows_subqueries = true};
    uint64_t failed = checker->failed;
    checker->client = client_open(server->query_port, "information_schema", NULL, 0);
    checker->generator = &generator;
    generate_tables(&generator);
    bool is_made = open_connections(checker->client, seed) && make_tables(&generator, run_statement, checker->client);
    for (uint64_t i = 0; is_made && i < options->queries; i++)
        oracles[draw(&generator, COUNT_OF(oracles))](checker);
    client_close(checker->client);
    if (checker->failed != failed || !is_made)
        printf("seed %llu\n", (unsigned long long)seed);
    return is_made;
}

static Status run(ServerProcess *server, const Options *options, Checker *checker, Diag *diag)
{
    int64_t end_us = env_monotonic_us(environment_real()) + options->seconds * 1000000;
    TRY(server_start(server, diag));
    for (uint64_t i = 0; i < options->seeds && (options->seconds == 0 || env_monotonic_us(environment_real()) < end_us); i++) {
        if (!run_seed(server, options, options->first + i, checker))
            checker->failed++;
        if (!server_is_alive(server))
            return RAISE(diag, INTERNAL, "seed %llu: the server has ended", (unsigned long long)(options->first + i));
    }
    return server_stop(server, false, diag);
}

static bool parse_options(int argc, char **argv, Options *out)
{
    *out = (Options){.server = {.start_seconds = 60}, .first = 1, .seeds = 5, .queries = 60};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--verbose") == 0) {
            out->is_verbose = true;
            continue;
        }
        if (value == NULL)
            return false;
        if (strcmp(argv[i], "--server") == 0)
            out->server.binary = value;
        else if (strcmp(argv[i], "--seeds") == 0)
            out->seeds = strtoull(value, NULL, 10);
        else if (strcmp(argv[i], "--first") == 0)
            out->first = strtoull(value, NULL, 10);
        else if (strcmp(argv[i], "--queries") == 0)
            out->queries = strtoull(value, NULL, 10);
        else if (strcmp(argv[i], "--seconds") == 0)
            out->seconds = strtoll(value, NULL, 10);
        else
            return false;
        i++;
    }
    return out->server.binary != NULL;
}

/* A run in which most questions were refused has shown nothing. */
static void judge(Checker *checker)
{
    uint64_t asked = checker->passed + checker->failed + checker->refused;
    bool is_refusing = checker->refused * 100 > asked * REFUSED_PERCENT_MAX;
    bool sees = check_self();
    if (is_refusing)
        printf("FAIL %llu of %llu questions were refused\n", (unsigned long long)checker->refused, (unsigned long long)asked);
    if (!sees)
        printf("FAIL a planted difference is not seen\n");
    checker->failed += is_refusing + !sees;
}

int main(int argc, char **argv)
{
    Options options;
    if (!parse_options(argc, argv, &options)) {
        fprintf(stderr, "usage: merak-query-oracle --server BINARY [--seeds N] [--first N] [--queries N] [--seconds S] [--verbose]\n");
        return 2;
    }
    ServerProcess server;
    Diag diag = {0};
    Checker checker = {.is_verbose = options.is_verbose};
    Status status = server_open(&server, &options.server, &diag);
    if (status == OK)
        status = run(&server, &options, &checker, &diag);
    if (status != OK) {
        printf("FAIL %s\n", diag.message);
        checker.failed++;
    }
    server_close(&server);
    judge(&checker);
    printf("%llu refused\n", (unsigned long long)checker.refused);
    printf("%llu passed, %llu failed\n", (unsigned long long)checker.passed, (unsigned long long)checker.failed);
    return checker.failed == 0 ? 0 : 1;
}
