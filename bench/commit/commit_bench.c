/* Small transactions: clients that insert one row each, or that create and drop tables, as fast as they are answered.
 *
 *   merak-commit-bench --port 9030 [--clients 64] [--seconds 5] [--kind insert|ddl]
 *   merak-commit-bench --port 9030 --kind tables [--count 100000] [--rows 0]     a catalog: tables of ten tablets, in databases of 1,000
 *
 * Prints operations a second. The server's /metrics has the batches of the journal (merak_journal_*). */

#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/environment.h"
#include "base/memory.h"
#include "base/thread.h"

enum { CLIENTS_MAX = 512, DATABASE_TABLES = 1000 };
typedef enum Kind { KIND_INSERT, KIND_DDL, KIND_TABLES } Kind;
static const char *const kind_names[] = {"insert", "ddl", "tables"};

typedef struct Client {
    Thread thread;
    MYSQL *mysql;
    int number;
    uint64_t done, failed;
} Client;

static _Atomic bool stopping;
static Kind kind;
static int table_count = 100000, row_count;
static _Atomic int next_table;
static Client clients[CLIENTS_MAX];

static bool run(MYSQL *mysql, const char *sql)
{
    return mysql_real_query(mysql, sql, strlen(sql)) == 0;
}

/* A table and its first rows. */
static bool make_table(MYSQL *mysql, int number)
{
    char sql[512];
    snprintf(sql, sizeof(sql),
             "CREATE TABLE catalog_bench_%d.table_%d (k INT NOT NULL, day DATE, name VARCHAR(100) COMMENT 'of it', price DECIMAL(12, 2), n "
             "BIGINT) "
             "DUPLICATE KEY (k) DISTRIBUTED BY HASH (k) BUCKETS 10",
             number / DATABASE_TABLES, number);
    if (!run(mysql, sql) || row_count == 0)
        return row_count == 0 && mysql_errno(mysql) == 0;
    snprintf(sql, sizeof(sql),
             "INSERT INTO catalog_bench_%d.table_%d SELECT generate_series, '2024-01-01', md5(generate_series), 1.5, %d FROM "
             "TABLE(generate_series(1, %d))",
             number / DATABASE_TABLES, number, number, row_count);
    return run(mysql, sql);
}

static void make_tables(Client *client)
{
    for (int number; (number = atomic_fetch_add(&next_table, 1)) < table_count;)
        *(make_table(client->mysql, number) ? &client->done : &client->failed) += 1;
}

static void client_main(void *argument)
{
    Client *client = argument;
    if (kind == KIND_TABLES) {
        make_tables(client);
        return;
    }
    for (uint64_t i = 0; !atomic_load(&stopping); i++) {
        char sql[128];
        if (kind == KIND_INSERT)
            snprintf(sql, sizeof(sql), "INSERT INTO commit_bench.t VALUES (%d, %llu)", client->number, (unsigned long long)i);
        else if (i % 2 == 0)
            snprintf(sql, sizeof(sql), "CREATE TABLE commit_bench.c%d (k INT) DUPLICATE KEY (k)", client->number);
        else
            snprintf(sql, sizeof(sql), "DROP TABLE commit_bench.c%d FORCE", client->number);
        *(run(client->mysql, sql) ? &client->done : &client->failed) += 1;
    }
}

static MYSQL *connect_to(unsigned port)
{
    MYSQL *mysql = mysql_init(NULL);
    if (mysql_real_connect(mysql, "127.0.0.1", "root", "", NULL, port, NULL, 0) != NULL)
        return mysql;
    fprintf(stderr, "cannot connect: %s\n", mysql_error(mysql));
    exit(1);
}

static bool prepare(unsigned port)
{
    MYSQL *mysql = connect_to(port);
    bool is_ready = true;
    for (int d = 0; kind == KIND_TABLES && is_ready && d * DATABASE_TABLES < table_count; d++) {
        char sql[128];
        snprintf(sql, sizeof(sql), "CREATE DATABASE catalog_bench_%d", d);
        is_ready = run(mysql, sql);
    }
    if (kind != KIND_TABLES)
        is_ready = run(mysql, "DROP DATABASE IF EXISTS commit_bench FORCE") && run(mysql, "CREATE DATABASE commit_bench") &&
                   run(mysql, "CREATE TABLE commit_bench.t (k INT, n BIGINT) DUPLICATE KEY (k) DISTRIBUTED BY HASH (k) BUCKETS 1");
    if (!is_ready)
        fprintf(stderr, "cannot prepare: %s\n", mysql_error(mysql));
    mysql_close(mysql);
    return is_ready;
}

static void report(int count, int64_t taken_us)
{
    uint64_t done = 0, failed = 0;
    for (int i = 0; i < count; i++) {
        done += clients[i].done;
        failed += clients[i].failed;
    }
    printf("%s: %d clients, %.0f a second, %llu failed\n", kind_names[kind], count, (double)done * 1e6 / (double)taken_us,
           (unsigned long long)failed);
}

int main(int argc, char **argv)
{
    int count = 64, seconds = 5;
    unsigned port = 9030;
    Diag diag = {0};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--clients") == 0)
            count = (int)strtol(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--seconds") == 0)
            seconds = (int)strtol(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--port") == 0)
            port = (unsigned)strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--kind") == 0)
            kind = strcmp(argv[i + 1], "ddl") == 0 ? KIND_DDL : strcmp(argv[i + 1], "tables") == 0 ? KIND_TABLES : KIND_INSERT;
        else if (strcmp(argv[i], "--count") == 0)
            table_count = (int)strtol(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--rows") == 0)
            row_count = (int)strtol(argv[i + 1], NULL, 10);
    }
    if (count < 1 || count > CLIENTS_MAX || !prepare(port))
        return 1;
    for (int i = 0; i < count; i++)
        clients[i] = (Client){.mysql = connect_to(port), .number = i};
    int64_t began_us = env_monotonic_us(environment_real());
    for (int i = 0; i < count; i++) {
        if (thread_start(&clients[i].thread, "client", client_main, &clients[i], &diag) != OK)
            return 1;
    }
    if (kind != KIND_TABLES)
        env_sleep_us(environment_real(), (int64_t)seconds * 1000000);
    atomic_store(&stopping, true);
    for (int i = 0; i < count; i++)
        thread_join(&clients[i].thread);
    report(count, env_monotonic_us(environment_real()) - began_us);
    return 0;
}
