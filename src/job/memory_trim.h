#pragma once
/* Gives memory that statements have freed back to the system once the server has been idle for a while. */

#include "job/scheduler.h"

typedef struct MemoryTrim {
    int64_t used_before; /* by the process, at the last run */
    bool is_done;        /* nothing has changed since memory was given back */
} MemoryTrim;

int64_t memory_trim_run(void *trim, const _Atomic bool *stopping); /* a JobRun */
