#include "volume/read_scope.h"

#include <stddef.h>

/* One scope a thread. */
static _Thread_local const ReadScope *current;

const ReadScope *read_scope_begin(const ReadScope *scope)
{
    const ReadScope *before = current;
    current = scope;
    return before;
}

void read_scope_end(const ReadScope *before)
{
    current = before;
}

const _Atomic bool *read_scope_cancelled(void)
{
    return current == NULL ? NULL : current->cancelled;
}

bool read_scope_is_cancelled(void)
{
    return current != NULL && current->cancelled != NULL && atomic_load_explicit(current->cancelled, memory_order_relaxed);
}

void read_scope_note(uint64_t bytes, bool is_remote)
{
    if (current == NULL || current->counters == NULL)
        return;
    ReadCounters *counters = current->counters;
    atomic_fetch_add_explicit(is_remote ? &counters->remote_bytes : &counters->local_bytes, bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(is_remote ? &counters->remote_count : &counters->local_count, 1, memory_order_relaxed);
}
