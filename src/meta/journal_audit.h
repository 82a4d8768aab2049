#pragma once
/* All objects of an incarnation's journal, those that no start reads included: moments of the past need them. Each is checked for itself
 * and against the one before it, and from first_sequence on none may be missing. */

#include "meta/journal.h"

typedef void (*JournalProblem)(void *context, const char *kind, const char *text);

/* first_sequence: where the oldest image goes on; 1 without one. */
Status journal_audit(Volume *volume, uint64_t incarnation, uint64_t first_sequence, JournalProblem problem, void *context, Diag *diag);
