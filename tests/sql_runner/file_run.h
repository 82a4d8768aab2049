#pragma once
/* Runs one test file against a server of its own. */

#include "base/bytes.h"
#include "sql_runner/server_process.h"

typedef struct RunOptions {
    ServerOptions server;
    const char *name;                          /* of the configuration, for skipif and onlyif */
    const char *statements[SERVER_SETTINGS_MAX]; /* run on each new connection */
    int statement_count;
    int max_failures; /* of a file; then the rest is not run */
} RunOptions;

typedef struct FileResult {
    int passed;
    int failed;
    ByteBuf report; /* of what failed; the caller's to free */
} FileResult;

void run_file(const char *path, const RunOptions *options, FileResult *out_result);
