#pragma once
/* On whose behalf a thread reads from volumes: what cancels it, and where reads are counted. A worker of a statement
 * begins a scope and ends it; without one nothing is counted and nothing cancels. */

#include "base/status.h"

typedef struct ReadCounters {
    _Atomic uint64_t local_bytes, local_count;   /* found in the cache */
    _Atomic uint64_t remote_bytes, remote_count; /* that had to be fetched */
} ReadCounters;

typedef struct ReadScope {
    const _Atomic bool *cancelled; /* may be NULL */
    ReadCounters *counters;        /* may be NULL */
} ReadScope;

/* scope stays where it is until read_scope_end(), which gets what read_scope_begin() returned. */
const ReadScope *read_scope_begin(const ReadScope *scope);
void read_scope_end(const ReadScope *before);
bool read_scope_is_cancelled(void);
const _Atomic bool *read_scope_cancelled(void);
void read_scope_note(uint64_t bytes, bool is_remote);
