#include "job/memory_trim.h"

/* Idle: what the process uses is the same at two runs. Taking pages back from a busy server would only make
 * it fault them in again. */

#include "base/memory.h"

enum { PERIOD_US = 5 * 1000 * 1000 };

int64_t memory_trim_run(void *context, const _Atomic bool *stopping)
{
    (void)stopping;
    MemoryTrim *trim = context;
    int64_t used = mem_used(mem_process_tracker());
    bool is_idle = used == trim->used_before;
    if (is_idle && !trim->is_done)
        mem_give_back();
    trim->is_done = is_idle;
    trim->used_before = used;
    return PERIOD_US;
}
