#pragma once
/* Several journal objects, one after another, as one: for copies of the journal beside it.
 *
 *   0 8 magic "MRKRANG1"   8 4 format   12 4 number of objects   16 8 sequence of the first
 *   then each as a sized text; end 8 checksum of all before */

#include "base/bytes.h"
#include "base/status.h"

typedef struct JournalRange {
    uint64_t first_sequence;
    uint32_t count;
    ByteBuf objects; /* sized, one after another */
} JournalRange;

void journal_range_add(JournalRange *range, StrView object);
void journal_range_write(const JournalRange *range, ByteBuf *out);
void journal_range_deinit(JournalRange *range);
/* Calls visit with each object in order; bytes are the caller's. */
typedef Status (*JournalRangeVisit)(void *context, uint64_t sequence, StrView object, Diag *diag);
Status journal_range_read(StrView bytes, const char *name, JournalRangeVisit visit, void *context, Diag *diag);
