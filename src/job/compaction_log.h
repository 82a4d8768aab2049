#pragma once
/* What compaction did lately, for SHOW PROC '/compactions'. Thread-safe. */

#include "base/thread.h"
#include "base/bytes.h"

enum { COMPACTION_LOG_RUNS = 100 };

typedef struct CompactionRun {
    uint64_t table_id, partition_id;
    uint64_t id;
    int64_t start_us, finish_us; /* finish 0: under way */
    uint32_t segments;           /* merged */
    uint64_t rows, bytes;        /* written */
    char error[160];             /* "": none */
} CompactionRun;

typedef struct CompactionLog {
    Mutex lock;
    CompactionRun runs[COMPACTION_LOG_RUNS];
    uint64_t count; /* of all times */
} CompactionLog;

void compaction_log_init(CompactionLog *log);
void compaction_log_deinit(CompactionLog *log);
/* Returns its number, for the end. */
uint64_t compaction_log_begin(CompactionLog *log, const CompactionRun *run);
void compaction_log_end(CompactionLog *log, uint64_t number, int64_t finish_us, uint64_t rows, uint64_t bytes, const char *error);
/* Newest first; returns how many. */
uint32_t compaction_log_read(CompactionLog *log, CompactionRun out_runs[COMPACTION_LOG_RUNS]);
