#pragma once
/* What the writing and the reading half of the journal share. */

#include "meta/journal.h"

enum { JOURNAL_PATH_BYTES = 96 };

extern const char journal_magic[8];
void journal_batch_path(char out[JOURNAL_PATH_BYTES], uint64_t incarnation, uint64_t sequence);
/* What was found may be there without being durable: putting it again makes it so. */
Status journal_confirm(Journal *journal, Diag *diag);
/* It is certain now how far the journal goes. */
void journal_note_contact(Journal *journal);
/* Has it been so long that the journal may have been trimmed, and does an image cover what comes next here? */
Status journal_slept_through_trim(const Journal *journal, bool *out_slept, Diag *diag);
