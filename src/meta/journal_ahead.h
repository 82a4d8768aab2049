#pragma once
/* Reading ahead in the journal of a remote volume: threads that get the next batches while earlier ones are replayed.
 *
 * What is got ahead is a hint: a batch that is not there, or could not be read, is asked for again by who comes to it. */

#include "volume/volume.h"

typedef struct JournalAhead JournalAhead;
/* From that sequence on, in order. NULL: nothing would be won, or nothing can be had. */
JournalAhead *journal_ahead_open(Volume *volume, uint64_t incarnation, uint64_t sequence);
/* The next one, appended to out_batch. False: not got. Sequences come one after the other. */
bool journal_ahead_take(JournalAhead *ahead, uint64_t sequence, ByteBuf *out_batch);
void journal_ahead_close(JournalAhead *ahead);
