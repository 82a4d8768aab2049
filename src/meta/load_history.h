#pragma once
/* The last loads that failed: nothing of them is in the journal, so they are remembered in memory alone, a
 * bounded number of them. Thread-safe. */

#include "base/arena.h"
#include "base/bytes.h"

typedef struct LoadHistory LoadHistory;

typedef struct FailedLoad {
    uint64_t id;   /* of the job: never that of a load that succeeded */
    StrView type;  /* INSERT, STREAM_LOAD */
    StrView database, table, label, user;
    StrView error; /* what the client heard */
    int64_t time_us;
} FailedLoad;

enum { LOAD_HISTORY_ENTRIES = 512, LOAD_HISTORY_ERROR_BYTES = 1024 };

LoadHistory *load_history_open(void);
void load_history_close(LoadHistory *history);
/* Copies; the oldest entry goes when there are LOAD_HISTORY_ENTRIES. history may be NULL: not remembered. */
void load_history_add(LoadHistory *history, const FailedLoad *load);
/* The newest first; texts are in arena. */
uint32_t load_history_list(LoadHistory *history, Arena *arena, FailedLoad **out_loads);
