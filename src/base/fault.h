#pragma once
/* Named fault points in every durable step: FAULT("load.after_upload").
 *
 * Compiled in by -DMERAK_FAULTS (debug and test builds). The environment variable
 * MERAK_FAULT="name:action@n[,...]" arms points: on the n-th pass (default 1) the action kill
 * (SIGKILL), fail (the step returns ERR_IO), pause (10 s) or delay (100 ms) happens. */

#include "base/status.h"

#ifdef MERAK_FAULTS
Status fault_point(const char *name, Diag *diag);
/* Number of passes of each point so far, for SHOW FAULT POINTS and the coverage test. */
void fault_point_counts(void (*visit)(void *context, const char *name, uint64_t passes),
                        void *context);
void fault_arm(const char *specification); /* replaces what the environment armed; NULL: none */
#define FAULT(name, diag) TRY(fault_point((name), (diag)))
/* Where nothing can fail any more: "fail" passes. */
#define FAULT_STEP(name) status_ignore(fault_point((name), NULL))
#else
#define FAULT(name, diag) ((void)(diag))
#define FAULT_STEP(name) ((void)0)
#endif
