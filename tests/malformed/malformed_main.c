/* Malformed packets, statements, requests and bodies against a real server: merak-malformed --server PATH
 * [--seed N] [--cases N] [--slow] [--limits]. After all of them the server has as many descriptors, sessions and loads as
 * before, little more memory, and stops without a complaint. --slow: under a sanitizer, which keeps freed memory.
 * --limits: instead, input that is too much of something. */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "malformed/malformed.h"

enum { CASES = 2000, MEMORY_KB = 96 << 10, SETTLE_TRIES = 100, SETTLE_US = 100000, REPORTED_MOST = 20, INPUT_SHOWN = 160 };

uint32_t trial_below(Trial *trial, uint32_t limit)
{
    return random_below(&trial->random, limit);
}

static void show_input(StrView input)
{
    printf("    input: ");
    for (size_t i = 0; i < MIN(input.length, (size_t)INPUT_SHOWN); i++)
        printf(input.data[i] >= ' ' && input.data[i] < 0x7F && input.data[i] != '\\' ? "%c" : "\\x%02x", (unsigned char)input.data[i]);
    printf("%s\n", input.length > INPUT_SHOWN ? "..." : "");
}

void trial_case(Trial *trial, const char *group, uint32_t number, const char *problem, StrView input)
{
    int64_t one = 0;
    if (trial->control == NULL)
        trial->control = peer_connect(trial->server.query_port, NULL);
    if (!server_is_alive(&trial->server))
        problem = "the server has died";
    else if (!peer_number(trial->control, "SELECT 1", &one) || one != 1)
        problem = problem == NULL ? "another session was not answered" : problem;
    if (problem == NULL) {
        trial->passed++;
        return;
    }
    if (trial->failed++ < REPORTED_MOST) {
        printf("FAIL %s %u (seed %llu): %s\n", group, number, (unsigned long long)trial->seed, problem);
        show_input(input);
    }
    if (server_is_alive(&trial->server))
        return;
    AUTO_ARENA arena;
    Diag diag = {0};
    arena_init(&arena, NULL);
    printf("%s\n", server_last_words(&trial->server, &arena));
    status_ignore(server_stop(&trial->server, true, &diag));
    if (trial->control != NULL)
        mysql_close(trial->control);
    trial->control = NULL;
    if (server_start(&trial->server, &diag) != OK) {
        printf("the server does not start again: %s\n%u passed, %u failed\n", diag.message, trial->passed, trial->failed);
        exit(EXIT_FAILURE);
    }
}

void mutate_bytes(Trial *trial, StrView bytes, ByteBuf *out)
{
    size_t begin = out->length;
    bytebuf_append_view(out, bytes);
    for (uint32_t changes = 1 + trial_below(trial, 3); changes > 0 && out->length > begin + 1; changes--) {
        uint32_t length = (uint32_t)(out->length - begin);
        char *data = out->data + begin;
        uint32_t at = trial_below(trial, length), size = 1 + trial_below(trial, MIN(length - at, 24u));
        static const char special[] = {0, '\n', '\r', '"', '\'', '\\', ',', '{', '}', '[', ']', ':', (char)0xFF, (char)0x80, '%', ';'};
        switch (trial_below(trial, 7)) {
        case 0:
            data[at] ^= (char)(1 << trial_below(trial, 8));
            break;
        case 1:
            data[at] = special[trial_below(trial, COUNT_OF(special))];
            break;
        case 2: /* a piece less */
            memmove(data + at, data + at + size, length - at - size);
            out->length -= size;
            break;
        case 3: { /* a piece twice, or many times */
            AUTO_BYTEBUF piece = {0};
            bytebuf_append(&piece, data + at, size);
            for (uint32_t copies = trial_below(trial, 20) == 0 ? 2000 : 1; copies > 0; copies--)
                bytebuf_append_view(out, bytebuf_view(&piece));
            break;
        }
        case 4:
            memset(data + at, data[at], size);
            break;
        case 5:
            out->length = begin + at;
            break;
        default: /* a number that is none */
            for (uint32_t i = at; i < at + size; i++)
                data[i] = data[i] >= '0' && data[i] <= '9' ? '9' : data[i];
            break;
        }
    }
}

/* ---- the server's state before and after ---- */

typedef struct ServerState {
    long descriptors;
    long memory_kb;
    int64_t sessions;
} ServerState;

static long count_descriptors(pid_t pid)
{
    char path[64];
    long count = 0;
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    for (; folder != NULL && readdir(folder) != NULL; count++) {
    }
    if (folder != NULL)
        closedir(folder);
    return count;
}

static long resident_kb(pid_t pid)
{
    char path[64];
    long all = 0, resident = 0;
    snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL || fscanf(file, "%ld %ld", &all, &resident) != 2) /* NOLINT(cert-err34-c) */
        resident = 0;
    if (file != NULL)
        fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static ServerState measure(Trial *trial)
{
    ServerState state = {.descriptors = count_descriptors(trial->server.pid), .memory_kb = resident_kb(trial->server.pid)};
    NumberRow *rows;
    uint32_t count;
    state.sessions = peer_rows(trial->control, "SHOW FULL PROCESSLIST", &rows, &count) ? (int64_t)count : -1;
    mem_free(rows);
    return state;
}

static void check_state(Trial *trial, ServerState before, long memory_kb)
{
    ServerState after = measure(trial);
    for (int i = 0; i < SETTLE_TRIES && (after.descriptors > before.descriptors || after.sessions > before.sessions); i++) {
        usleep(SETTLE_US); /* connections that were closed are noticed a little later */
        after = measure(trial);
    }
    char text[160];
    snprintf(text, sizeof(text), "descriptors %ld then %ld, sessions %lld then %lld, memory %ld KiB then %ld KiB", before.descriptors,
             after.descriptors, (long long)before.sessions, (long long)after.sessions, before.memory_kb, after.memory_kb);
    bool is_right = after.descriptors <= before.descriptors && after.sessions <= before.sessions && after.sessions > 0 &&
                    after.memory_kb - before.memory_kb <= memory_kb;
    printf("%s\n", text);
    trial_case(trial, "state", 0, is_right ? NULL : "something was not given back", strview(text));
}

static bool prepare(Trial *trial)
{
    static const char *const statements[] = {
        "CREATE DATABASE m",
        "USE m",
        "CREATE TABLE t (k INT, s VARCHAR(20), d DATE, v BIGINT) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1",
        "INSERT INTO t VALUES (1, 'a', '2024-01-01', 5), (2, 'b', '2024-02-01', NULL), (3, NULL, NULL, 7)",
        "CREATE TABLE scratch (k INT, s VARCHAR(20)) DUPLICATE KEY(k)",
        "CREATE TABLE loaded (k INT, s VARCHAR(20), d DATE, v DOUBLE) DUPLICATE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1",
    };
    trial->control = peer_connect(trial->server.query_port, NULL);
    for (size_t i = 0; i < COUNT_OF(statements); i++) {
        if (peer_run(trial->control, statements[i]) != OUTCOME_DONE)
            return false;
    }
    return true;
}

static void run_groups(Trial *trial, uint32_t cases)
{
    packet_cases(trial, cases * 2 / 5);
    statement_cases(trial, cases / 4);
    http_cases(trial, cases * 3 / 20);
    body_cases(trial, cases / 10, false);
    body_cases(trial, cases / 10, true);
}

int main(int argc, char **argv)
{
    ServerOptions options = {.settings = {"worker_threads=2", "mem_limit=1G"}, .setting_count = 2, .start_seconds = 10};
    Trial trial = {.seed = (uint64_t)time(NULL)};
    uint32_t cases = CASES;
    bool is_slow = false, has_limits = false;
    Diag diag = {0};
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--slow") == 0)
            is_slow = true;
        else if (strcmp(argv[i], "--limits") == 0)
            has_limits = true;
        else if (i + 1 < argc && strcmp(argv[i], "--server") == 0)
            options.binary = argv[++i];
        else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0)
            trial.seed = strtoull(argv[++i], NULL, 10);
        else if (i + 1 < argc && strcmp(argv[i], "--cases") == 0)
            cases = (uint32_t)strtoul(argv[++i], NULL, 10);
    }
    if (options.binary == NULL) {
        fprintf(stderr, "usage: %s --server PATH [--seed N] [--cases N] [--slow]\n", argv[0]);
        return EXIT_FAILURE;
    }
    options.start_seconds = is_slow ? 60 : 10;
    trial.random = trial.seed * 2654435761u + 1;
    if (server_open(&trial.server, &options, &diag) != OK || server_start(&trial.server, &diag) != OK || !prepare(&trial)) {
        printf("the server is not ready: %s\n0 passed, 1 failed\n", diag.message);
        server_close(&trial.server);
        return EXIT_FAILURE;
    }
    if (has_limits) {
        limit_cases(&trial, is_slow);
        cases = 0;
    } else {
        run_groups(&trial, cases / 10); /* so that what is made on first use is there */
        ServerState before = measure(&trial);
        run_groups(&trial, cases);
        check_state(&trial, before, is_slow ? 10 * MEMORY_KB : MEMORY_KB);
    }
    mysql_close(trial.control);
    Status status = server_stop(&trial.server, false, &diag);
    if (status != OK) {
        AUTO_ARENA arena;
        arena_init(&arena, NULL);
        printf("FAIL stop: %s\n%s\n", diag.message, server_last_words(&trial.server, &arena));
        trial.failed++;
    }
    server_close(&trial.server);
    printf("seed %llu: %u cases were refused\n", (unsigned long long)trial.seed, trial.refused);
    if (trial.refused < cases / 4) { /* or the cases are not malformed any more */
        printf("FAIL: too few cases were refused\n");
        trial.failed++;
    }
    printf("%u passed, %u failed\n", trial.passed, trial.failed);
    return trial.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
