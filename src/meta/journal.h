#pragma once
/* The journal: batches of entries as objects meta/<incarnation>/journal/<sequence>.
 *
 * Object layout, little-endian:
 *   0  8  magic "MRKJRNL1"          40  8  writer id (random a process start)
 *   8  4  format version            48  8  random batch id
 *  12  4  entry count               56  8  hash of the previous batch object (0: first)
 *  16  8  sequence                  64  8  leader epoch
 *  24  8  first entry id            72  .. entries: varint kind, u8 reader version, u64 time_us, sized bytes
 *  32  8  incarnation               end 8  checksum of all before
 * Append is a put-if-absent of the next sequence. "Exists" is settled by reading back and comparing
 * the batch id; after an error the same bytes are put again until the answer is certain. */

#include "volume/volume.h"

enum { JOURNAL_HEADER_BYTES = 72, JOURNAL_FORMAT = 1, ENTRY_CHANGE = 1, ENTRY_READER_VERSION = 1 };

typedef struct Journal {
    Volume *volume;
    uint64_t incarnation;
    uint64_t next_sequence;
    uint64_t next_entry_id;
    uint64_t previous_hash;
    uint64_t writer_id;
    uint64_t epoch;
} Journal;

typedef struct JournalEntry {
    uint64_t id;
    int64_t time_us;
    StrView bytes;
} JournalEntry;

typedef Status (*JournalVisit)(void *context, const JournalEntry *entry, Diag *diag);

/* Finds the newest incarnation or creates the first, checks and replays all batches. */
Status journal_open(Journal *journal, Volume *volume, JournalVisit visit, void *context, Diag *diag);
/* entries: as laid out above, count of them. Returns once durable. */
Status journal_append(Journal *journal, StrView entries, uint32_t count, Diag *diag);
void journal_put_entry(ByteBuf *entries, int64_t time_us, StrView change);
