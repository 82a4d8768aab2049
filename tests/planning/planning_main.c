/* How long parsing, binding and planning of the 22 TPC-H queries take: EXPLAIN of each, answered by a server that holds
 * the data, so that estimates are made from real statistics. The journey to the server and the text of the plan are in
 * the figure.
 *
 *   merak-planning --server BINARY --generator MERAK-TPCH --bench bench/tpch [--sf 0.01] [--most-us 4000]
 *
 * Of each query's runs the fastest counts: the others have waited for something else. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/environment.h"
#include "recovery/peer.h"
#include "sql_runner/server_process.h"

enum { QUERIES = 22, RUNS = 25 };

typedef struct Options {
    const char *server, *generator, *bench, *scale;
    int64_t most_us;
} Options;

static Status read_file(const char *path, ByteBuf *out, Diag *diag)
{
    char part[4096];
    size_t count;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return RAISE(diag, IO, "cannot read %s", path);
    while ((count = fread(part, 1, sizeof(part), file)) > 0)
        bytebuf_append(out, part, count);
    fclose(file);
    bytebuf_append(out, "", 1);
    out->length--;
    return OK;
}

static Status run_sql(MYSQL *mysql, const char *sql, Diag *diag)
{
    return peer_run(mysql, sql) == OUTCOME_DONE ? OK : RAISE(diag, INTERNAL, "%s: %s", sql, mysql == NULL ? "no connection" : mysql_error(mysql));
}

static bool has_words(const char *text)
{
    return text[strspn(text, " \n\t\r")] != '\0';
}

static Status make_tables(MYSQL *mysql, const Options *options, Diag *diag)
{
    AUTO_BYTEBUF schema = {0};
    char path[512];
    char *rest = NULL;
    snprintf(path, sizeof(path), "%s/schema.sql", options->bench);
    TRY(run_sql(mysql, "CREATE DATABASE IF NOT EXISTS tpch", diag));
    TRY(run_sql(mysql, "USE tpch", diag));
    TRY(read_file(path, &schema, diag));
    for (char *part = strtok_r((char *)schema.data, ";", &rest); part != NULL; part = strtok_r(NULL, ";", &rest)) {
        if (has_words(part))
            TRY(run_sql(mysql, part, diag));
    }
    return OK;
}

static Status load(const ServerProcess *server, const Options *options, Diag *diag)
{
    char url[64];
    int state = 0;
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", server->http_port);
    pid_t pid = fork();
    if (pid == 0) {
        if (freopen("/dev/null", "w", stdout) != NULL)
            execl(options->generator, options->generator, "--sf", options->scale, "--load", url, "--database", "tpch", (char *)NULL);
        _exit(127);
    }
    bool has_ended = pid > 0 && waitpid(pid, &state, 0) == pid;
    return has_ended && WIFEXITED(state) && WEXITSTATUS(state) == 0 ? OK : RAISE(diag, INTERNAL, "%s did not load the data", options->generator);
}

/* The fastest of some runs. */
static Status measure(MYSQL *mysql, const Options *options, int number, int64_t *out_us, Diag *diag)
{
    AUTO_BYTEBUF sql = {0};
    char path[512];
    snprintf(path, sizeof(path), "%s/queries/q%02d.sql", options->bench, number);
    bytebuf_append_text(&sql, "EXPLAIN ");
    TRY(read_file(path, &sql, diag));
    *out_us = INT64_MAX;
    for (int i = 0; i < RUNS; i++) {
        int64_t before = env_monotonic_us(environment_real());
        TRY(run_sql(mysql, (const char *)sql.data, diag));
        int64_t took_us = env_monotonic_us(environment_real()) - before;
        *out_us = MIN(*out_us, took_us);
    }
    return OK;
}

static Status run(ServerProcess *server, const Options *options, int *passed, Diag *diag)
{
    TRY(server_start(server, diag));
    MYSQL *mysql = peer_connect(server->query_port, NULL);
    Status status = make_tables(mysql, options, diag);
    if (status == OK)
        status = load(server, options, diag);
    for (int q = 1; q <= QUERIES && status == OK; q++) {
        int64_t us = 0;
        status = measure(mysql, options, q, &us, diag);
        bool is_quick = status == OK && us <= options->most_us;
        printf("q%02d %5lld us%s\n", q, (long long)us, is_quick ? "" : " (FAILED)");
        *passed += is_quick;
    }
    if (mysql != NULL)
        mysql_close(mysql);
    TRY(status);
    return server_stop(server, false, diag);
}

int main(int argc, char **argv)
{
    Options options = {.scale = "0.01", .most_us = 4000};
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *key = argv[i], *value = argv[i + 1];
        if (strcmp(key, "--server") == 0)
            options.server = value;
        else if (strcmp(key, "--generator") == 0)
            options.generator = value;
        else if (strcmp(key, "--bench") == 0)
            options.bench = value;
        else if (strcmp(key, "--sf") == 0)
            options.scale = value;
        else if (strcmp(key, "--most-us") == 0)
            options.most_us = strtoll(value, NULL, 10);
    }
    if (options.server == NULL || options.generator == NULL || options.bench == NULL) {
        fprintf(stderr, "usage: merak-planning --server BINARY --generator MERAK-TPCH --bench bench/tpch [--sf 0.01] [--most-us 4000]\n");
        return 2;
    }
    ServerOptions server_options = {.binary = options.server, .start_seconds = 30};
    ServerProcess server;
    Diag diag = {0};
    int passed = 0;
    Status status = server_open(&server, &server_options, &diag);
    if (status == OK)
        status = run(&server, &options, &passed, &diag);
    if (status != OK)
        printf("FAIL %s\n", diag.message);
    server_close(&server);
    printf("%d passed, %d failed\n", passed, QUERIES - passed);
    return passed == QUERIES && status == OK ? 0 : 1;
}
