#pragma once
/* What the writing and the reading half of the journal share. */

#include "meta/journal.h"

enum { JOURNAL_PATH_BYTES = 96 };

extern const char journal_magic[8];
void journal_batch_path(char out[JOURNAL_PATH_BYTES], uint64_t incarnation, uint64_t sequence);
/* What was found may be there without being durable: putting it again makes it so. */
Status journal_confirm(Journal *journal, Diag *diag);
JournalMoment journal_moment(const Journal *journal);
/* It was certain at that moment how far the journal goes: one from before what showed it was asked for, so that a process that is
 * stopped in between does not take what it knew then for what is so now. */
void journal_note_contact(Journal *journal, JournalMoment moment);
/* Has it been so long that the journal may have been trimmed, and does an image cover what comes next here? */
Status journal_slept_through_trim(const Journal *journal, bool *out_slept, Diag *diag);
