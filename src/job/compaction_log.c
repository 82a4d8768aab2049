#include "job/compaction_log.h"

#include <stdio.h>

void compaction_log_init(CompactionLog *log)
{
    mutex_init(&log->lock);
}

void compaction_log_deinit(CompactionLog *log)
{
    mutex_deinit(&log->lock);
}

uint64_t compaction_log_begin(CompactionLog *log, const CompactionRun *run)
{
    LOCK_GUARD(&log->lock);
    log->runs[log->count % COMPACTION_LOG_RUNS] = *run;
    return log->count++;
}

void compaction_log_end(CompactionLog *log, uint64_t number, int64_t finish_us, uint64_t rows, uint64_t bytes, const char *error)
{
    LOCK_GUARD(&log->lock);
    if (log->count - number > COMPACTION_LOG_RUNS)
        return; /* so many others began meanwhile */
    CompactionRun *run = &log->runs[number % COMPACTION_LOG_RUNS];
    run->finish_us = finish_us;
    run->rows = rows;
    run->bytes = bytes;
    snprintf(run->error, sizeof(run->error), "%s", error);
}

uint32_t compaction_log_read(CompactionLog *log, CompactionRun out_runs[COMPACTION_LOG_RUNS])
{
    LOCK_GUARD(&log->lock);
    uint32_t count = (uint32_t)MIN(log->count, (uint64_t)COMPACTION_LOG_RUNS);
    for (uint32_t i = 0; i < count; i++)
        out_runs[i] = log->runs[(log->count - 1 - i) % COMPACTION_LOG_RUNS];
    return count;
}
