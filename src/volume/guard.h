#pragma once
/* Reading mapped files that someone else may cut short: the system answers with SIGBUS. Between begin and end
 * such a read yields zeros instead, and end says so; outside, the process ends as it would have. Guards nest
 * and belong to their thread. */

#include "base/status.h"

void volume_guard_install(void); /* once a process; more often does no harm */
void volume_guard_begin(void);
/* False: some bytes were not there. What was made of them has to be thrown away. */
bool volume_guard_end(void);
/* How many reads of the process met missing bytes: mappings from before a change of it may hold zeros for them. */
uint32_t volume_guard_faults(void);
