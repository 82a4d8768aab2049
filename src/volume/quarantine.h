#pragma once
/* Objects that could not be read: which, why, since when.
 *
 * Readers note what they find damaged or missing at the volume; a volume without a quarantine (tools, tests)
 * drops the note. An object leaves it when a later check reads it whole, or nothing names it any more.
 * Thread-safe. */

#include "base/arena.h"
#include "volume/volume.h"

typedef struct QuarantinedObject {
    StrView path;
    StrView reason; /* of the first failure */
    int64_t since_us;
    uint64_t times; /* that a reader ran into it */
} QuarantinedObject;

Quarantine *quarantine_open(const Environment *environment);
void quarantine_close(Quarantine *quarantine);
void quarantine_note(Volume *volume, StrView path, const char *reason);
void quarantine_release(Quarantine *quarantine, StrView path);
/* Copies in arena, in the order in which they were found. */
uint32_t quarantine_list(Quarantine *quarantine, Arena *arena, QuarantinedObject **out_objects);
