#pragma once
/* Looking after quarantined objects: which of those that the catalog names are missing, and which of the
 * quarantined ones can be read again. */

#include "meta/store.h"
#include "volume/quarantine.h"

typedef struct QuarantineCheck {
    MetaStore *store;
    Volume *volume;
} QuarantineCheck;

/* Lists the volume and notes what is named and not there. */
Status quarantine_find_missing(const QuarantineCheck *check, Diag *diag);
/* Reads every quarantined object again and releases those that are whole, or that nothing names any more. */
void quarantine_recheck(const QuarantineCheck *check);
/* The scheduler's job: both. */
int64_t quarantine_job(void *check, const _Atomic bool *stopping);
