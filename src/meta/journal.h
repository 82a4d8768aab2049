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
 * docs/formats.md says it in full. Append is a put-if-absent of the next sequence. "Exists" is settled by
 * reading back and comparing the batch id; after an error the same bytes are put again until the answer is
 * certain. An append whose fate is not known stays pending: nothing else is appended before it is settled.
 *
 * A writer that has read to the end claims the journal with an epoch entry. Whoever succeeds leads; the
 * first append that finds another's batch in its place deposes the writer for good. No clock is needed. */

#include "base/format_level.h"
#include "meta/incarnation.h"

enum {
    JOURNAL_HEADER_BYTES = 72,
    JOURNAL_FORMAT = 1,
    ENTRY_CHANGE = 1, /* operations on the catalog (change.h) */
    ENTRY_EPOCH = 2,  /* a new leader: varint epoch, u64 writer id */
    ENTRY_CLOSE = 3,  /* ends the incarnation: the record of the next one. Nothing follows it */
    ENTRY_OPTIONAL_BIT = 0x40, /* of the kind: readers that don't know it step over it */
    ENTRY_READER_VERSION = 1,
};

/* By both clocks. */
typedef struct JournalMoment {
    int64_t wall_us, ticked_us;
} JournalMoment;

typedef struct Journal {
    Volume *volume;
    uint64_t incarnation;
    Incarnation record;    /* of it */
    bool is_read_only;     /* nothing is written, not even to make sure of what was found */
    bool is_closed;        /* the next incarnation has begun, or may: */
    ByteBuf next_record;   /* what the closing entry says of it */
    uint64_t next_sequence;
    uint64_t next_entry_id;
    uint64_t previous_hash;
    uint64_t writer_id;
    uint64_t epoch;        /* of the newest batch read or written */
    uint64_t epoch_writer; /* who leads in it */
    bool is_leading;       /* this writer claimed the journal and was not deposed since */
    bool is_lost;          /* the journal was trimmed while this writer slept: nobody knows what became of its batch */
    JournalMoment contact; /* when it was last certain how far the journal goes */
    bool is_pending;       /* the batch below was sent, and nobody knows whether it is there */
    uint64_t seen_bytes;   /* of batches read and appended */
    ByteBuf pending;
    uint64_t pending_id;
    uint32_t pending_count;
    /* What was found and decides something, until it is certain that it stays: the record of the incarnation and
     * the newest batch that was read. */
    ByteBuf unconfirmed_record, unconfirmed;
} Journal;

typedef struct JournalEntry {
    uint64_t id;
    uint64_t kind;
    int64_t time_us;
    StrView bytes;
} JournalEntry;

typedef struct JournalReader {
    void *context;
    Status (*visit)(void *context, const JournalEntry *entry, Diag *diag);
    /* Appends the names of what an entry holds that this version can't do without and does not know. */
    void (*unknown)(void *context, const JournalEntry *entry, ByteBuf *out_names);
} JournalReader;

/* incarnation 0: the newest; it creates the first one on an empty volume unless it is only to read. Nothing is read of
 * its journal: who has a later state than none sets next_sequence and what goes with it, and follows from there. */
Status journal_find(Journal *journal, Volume *volume, uint64_t incarnation, bool is_read_only, Diag *diag);
/* The same, and checks and replays all batches. */
Status journal_open(Journal *journal, Volume *volume, const JournalReader *reader, Diag *diag);
void journal_close(Journal *journal);
/* Reads what was appended since by others. */
Status journal_follow(Journal *journal, const JournalReader *reader, Diag *diag);
/* The same without a listing, for who asks again and again: a hole behind the end stays unseen. */
Status journal_poll(Journal *journal, const JournalReader *reader, Diag *diag);
/* Is there an object at that place? */
Status journal_has(const Journal *journal, uint64_t sequence, bool *out_is_there, Diag *diag);
/* Appends an epoch entry. RETRY: somebody else's batch is there; follow and try again. */
Status journal_claim(Journal *journal, Diag *diag);
/* entries: as laid out above, count of them. Returns OK once durable. RETRY: another leads, and the batch is
 * not in the journal. OUTCOME_UNKNOWN: the batch is pending. Any other error: it is not in the journal. */
Status journal_append(Journal *journal, StrView entries, uint32_t count, Diag *diag);
/* Appends the entry that closes the incarnation; record is that of the next one. Outcomes as for journal_append(). */
Status journal_close_incarnation(Journal *journal, StrView record, Diag *diag);
/* Puts the pending batch again: OK and RETRY are certain, OUTCOME_UNKNOWN leaves it pending. */
Status journal_settle(Journal *journal, Diag *diag);
/* Objects of the journal are deleted only when an image has covered them for at least JOURNAL_TRIM_US. Whoever has not looked
 * at the journal for JOURNAL_SLEEP_US asks for such an image before it trusts what it finds, or put, at a place:
 * a late put can refill one that was trimmed. */
#define JOURNAL_TRIM_US (INT64_C(3600) * 1000000)
#define JOURNAL_SLEEP_US (INT64_C(1800) * 1000000)
void journal_put_entry(ByteBuf *entries, uint64_t kind, int64_t time_us, StrView bytes);
