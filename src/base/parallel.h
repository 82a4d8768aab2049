#pragma once
/* A loop whose rounds are independent, on the calling thread and others that live as long as the loop. */

#include "base/status.h"

typedef Status (*ParallelWork)(void *context, uint32_t round, Diag *diag);

/* Rounds 0 .. count - 1, each once and in any order, on at most as many threads as there are processors. The first error
 * ends it: rounds that have not begun then don't. */
Status parallel_for(uint32_t count, ParallelWork work, void *context, Diag *diag);
