#pragma once
/* A server of one test file: a child process with a data folder and ports of its own. */

#include <sys/types.h>

#include "base/arena.h"

enum { SERVER_SETTINGS_MAX = 16, SERVER_RUNNER_MAX = 4, SERVER_PATH_BYTES = 512 };

typedef struct ServerOptions {
    const char *binary;
    const char *runner[SERVER_RUNNER_MAX];     /* words before the binary: a command that becomes it */
    const char *settings[SERVER_SETTINGS_MAX]; /* key=value */
    int setting_count;
    int start_seconds; /* until the ready line */
} ServerOptions;

typedef struct ServerProcess {
    const ServerOptions *options;
    char folder[SERVER_PATH_BYTES];
    pid_t pid; /* 0: not running */
    int query_port;
    int http_port;
} ServerProcess;

/* Makes an empty folder; server_close() removes it. */
Status server_open(ServerProcess *server, const ServerOptions *options, Diag *diag);
void server_close(ServerProcess *server);

/* Returns when the ready line was read. */
Status server_start(ServerProcess *server, Diag *diag);
/* Fails when the server did not end as it should: a crash, a leak report of a sanitizer. */
Status server_stop(ServerProcess *server, bool has_kill, Diag *diag);
/* After it has stopped: `merak fsck` finds nothing wrong with what it left. */
Status server_check(const ServerProcess *server, Diag *diag);
bool server_is_alive(const ServerProcess *server);
/* The last lines that it wrote to standard error. */
const char *server_last_words(const ServerProcess *server, Arena *arena);
