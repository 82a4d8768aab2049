#include "meta/journal.h"

/* Opening and following: every batch is checked for itself and against the one before, then its entries are
 * handed on in order. Entries of kinds that this version does not know are stepped over when they are
 * optional; of the others a list is made, over the whole journal, and the start is refused with it. */

#include <stdio.h>

#include "base/fault.h"
#include "base/hash.h"
#include "base/log.h"
#include "meta/journal_ahead.h"
#include "meta/journal_int.h"

enum { UNKNOWN_BYTES = 600, AHEAD = 3, AHEAD_FROM = 2 };

const char journal_magic[8] = {'M', 'R', 'K', 'J', 'R', 'N', 'L', '1'};

typedef struct Replay {
    Journal *journal;
    const JournalReader *reader;
    JournalAhead *ahead; /* of a replay that goes on for a while; else NULL */
    bool confirms; /* what is there is made durable before it is visited */
    ByteBuf unknown; /* entries that can't be read; nothing is visited after the first */
    uint32_t unknown_count;
} Replay;

void journal_batch_path(char out[JOURNAL_PATH_BYTES], uint64_t incarnation, uint64_t sequence)
{
    /* Two levels, so that no directory grows without bound. */
    snprintf(out, JOURNAL_PATH_BYTES, "meta/%llu/journal/%06llu/%012llu", (unsigned long long)incarnation,
             (unsigned long long)(sequence / 10000), (unsigned long long)sequence);
}

static Status corrupt(Diag *diag, const char *path, const char *what)
{
    return RAISE(diag, CORRUPT, "journal object \"%s\" is damaged: %s", path, what);
}

static Status check_header(const Journal *journal, const ByteBuf *batch, const char *path, Diag *diag)
{
    if (batch->length < JOURNAL_HEADER_BYTES + 8)
        return corrupt(diag, path, "it is cut short");
    size_t body = batch->length - 8;
    if (load_u64(batch->data + body) != checksum_bytes(batch->data, body))
        return corrupt(diag, path, "its checksum does not match");
    if (memcmp(batch->data, journal_magic, sizeof(journal_magic)) != 0)
        return corrupt(diag, path, "it is no journal object");
    if (load_u32(batch->data + 8) > format_version_readable(JOURNAL_FORMAT))
        return RAISE(diag, FORMAT_TOO_NEW, "journal object \"%s\" has format %u, this version reads up to %u", path,
                     load_u32(batch->data + 8), format_version_readable(JOURNAL_FORMAT));
    if (load_u64(batch->data + 16) != journal->next_sequence || load_u64(batch->data + 32) != journal->incarnation)
        return corrupt(diag, path, "it belongs to another place in the journal");
    if (load_u64(batch->data + 24) != journal->next_entry_id)
        return corrupt(diag, path, "its first entry id is not the one that follows");
    if (load_u64(batch->data + 56) != journal->previous_hash)
        return corrupt(diag, path, "it does not follow the object before it: one of them was replaced or rolled back");
    return OK;
}

/* Only the leader of an epoch writes in it. Journals from before epochs existed begin with epoch 0. */
static Status check_epoch(Journal *journal, const ByteBuf *batch, uint64_t first_kind, const char *path, Diag *diag)
{
    uint64_t epoch = load_u64(batch->data + 64);
    uint64_t writer = load_u64(batch->data + 40);
    if (first_kind == ENTRY_EPOCH && epoch == journal->epoch + 1) {
        journal->epoch = epoch;
        journal->epoch_writer = writer;
        return OK;
    }
    if (epoch != journal->epoch || (epoch > 0 && writer != journal->epoch_writer))
        return corrupt(diag, path, "its writer did not lead when it was written");
    return OK;
}

static bool is_known(const JournalEntry *entry, uint8_t reader_version)
{
    return reader_version <= format_version_readable(ENTRY_READER_VERSION) && entry->kind >= ENTRY_CHANGE && entry->kind <= ENTRY_CLOSE;
}

static void note_unknown(Replay *replay, const char *path, const JournalEntry *entry, const char *what)
{
    if (replay->unknown.length < UNKNOWN_BYTES)
        bytebuf_printf(&replay->unknown, "%s\"%s\" entry %llu: %s", replay->unknown_count == 0 ? "" : "; ", path,
                       (unsigned long long)entry->id, what);
    replay->unknown_count++;
}

static Status replay_entry(Replay *replay, const char *path, const JournalEntry *entry, uint8_t version, Diag *diag)
{
    if (!is_known(entry, version)) {
        char what[64];
        if ((entry->kind & ENTRY_OPTIONAL_BIT) != 0)
            return OK;
        snprintf(what, sizeof(what), "kind %llu of reader version %u", (unsigned long long)entry->kind, version);
        note_unknown(replay, path, entry, what);
        return OK;
    }
    AUTO_BYTEBUF names = {0};
    replay->reader->unknown(replay->reader->context, entry, &names);
    if (names.length > 0)
        note_unknown(replay, path, entry, names.data);
    if (replay->unknown_count > 0)
        return OK;
    if (entry->kind == ENTRY_CLOSE) {
        replay->journal->is_closed = true;
        bytebuf_clear(&replay->journal->next_record);
        bytebuf_append_view(&replay->journal->next_record, entry->bytes);
    }
    Status status = replay->reader->visit(replay->reader->context, entry, diag);
    if (status != OK)
        diag_add_context(diag, "while replaying journal object \"%s\"", path);
    return status;
}

static Status replay_entries(Replay *replay, const ByteBuf *batch, const char *path, Diag *diag)
{
    Journal *journal = replay->journal;
    uint32_t count = load_u32(batch->data + 12);
    if (count == 0)
        return corrupt(diag, path, "it has no entries");
    ByteReader reader = byte_reader(batch->data + JOURNAL_HEADER_BYTES, batch->length - JOURNAL_HEADER_BYTES - 8);
    for (uint32_t i = 0; i < count; i++) {
        JournalEntry entry = {.id = journal->next_entry_id + i, .kind = byte_reader_varint(&reader)};
        uint8_t version = byte_reader_u8(&reader);
        entry.time_us = (int64_t)byte_reader_u64(&reader);
        entry.bytes = byte_reader_sized(&reader);
        if (reader.failed)
            return corrupt(diag, path, "an entry is cut short");
        if (journal->is_closed)
            return corrupt(diag, path, "it follows the entry that closed this incarnation");
        if (i == 0)
            TRY(check_epoch(journal, batch, entry.kind, path, diag));
        TRY(replay_entry(replay, path, &entry, version, diag));
    }
    if (byte_reader_left(&reader) > 0)
        return corrupt(diag, path, "bytes follow its last entry");
    journal->next_entry_id += count;
    return OK;
}

/* A name can be there before it is certain to stay: whoever acts on it puts it again. */
static Status confirm_batch(const Journal *journal, const char *path, const ByteBuf *batch, Diag *diag)
{
    Diag trouble = {0};
    Status status = volume_put_if_absent(journal->volume, path, bytebuf_view(batch), &trouble);
    return status == OK || status == ERR_OBJECT_EXISTS ? OK : diag_raise(diag, status, "%s", trouble.message);
}

/* What was read at a place counts only if no image covers it by now: a late put may have filled it after a trim. */
static Status check_place(Journal *journal, Diag *diag)
{
    bool slept = false;
    if (journal->is_read_only)
        return OK;
    TRY(journal_slept_through_trim(journal, &slept, diag));
    if (slept || journal->is_lost)
        return RAISE(diag, READ_ONLY, "this node did not look at the metadata journal for too long: start it again");
    return OK;
}

/* What was read ahead, which says nothing of now, else what is there now. */
static Status get_batch(const Replay *replay, const char *path, ByteBuf *out_batch, Diag *diag)
{
    Journal *journal = replay->journal;
    FAULT("journal.replay", diag);
    if (replay->ahead != NULL && journal_ahead_take(replay->ahead, journal->next_sequence, out_batch))
        return check_place(journal, diag);
    Diag missing = {0};
    JournalMoment asked = journal_moment(journal);
    Status status = volume_get(journal->volume, path, out_batch, &missing);
    if (status != OK && status != ERR_NO_SUCH_OBJECT)
        return RAISE(diag, IO, "%s", missing.message);
    TRY(check_place(journal, diag));
    journal_note_contact(journal, asked);
    return status;
}

static Status replay_in_order(Replay *replay, Diag *diag)
{
    Journal *journal = replay->journal;
    for (uint32_t count = 0;; count++) {
        char path[JOURNAL_PATH_BYTES];
        AUTO_BYTEBUF batch = {0};
        if (count == AHEAD_FROM)
            replay->ahead = journal_ahead_open(journal->volume, journal->incarnation, journal->next_sequence);
        journal_batch_path(path, journal->incarnation, journal->next_sequence);
        Status status = get_batch(replay, path, &batch, diag);
        if (status == ERR_NO_SUCH_OBJECT)
            return OK;
        TRY(status);
        TRY(check_header(journal, &batch, path, diag));
        if (replay->confirms)
            TRY(confirm_batch(journal, path, &batch, diag));
        TRY(replay_entries(replay, &batch, path, diag));
        journal->previous_hash = checksum_bytes(batch.data, batch.length);
        journal->seen_bytes += batch.length;
        journal->next_sequence++;
        bytebuf_clear(&journal->unconfirmed);
        bytebuf_append_view(&journal->unconfirmed, bytebuf_view(&batch));
    }
}

static Status replay_batches(Replay *replay, Diag *diag)
{
    Status status = replay_in_order(replay, diag);
    journal_ahead_close(replay->ahead);
    replay->ahead = NULL;
    return status;
}

static Status confirm(Journal *journal, const char *path, ByteBuf *bytes, Diag *diag)
{
    Diag trouble = {0};
    if (bytes->length == 0)
        return OK;
    Status status = volume_put_if_absent(journal->volume, path, bytebuf_view(bytes), &trouble);
    if (status != OK && status != ERR_OBJECT_EXISTS)
        return diag_raise(diag, status, "%s", trouble.message);
    bytebuf_deinit(bytes);
    return OK;
}

Status journal_confirm(Journal *journal, Diag *diag)
{
    char path[JOURNAL_PATH_BYTES];
    if (journal->is_read_only)
        return OK;
    incarnation_path(path, journal->incarnation);
    TRY(confirm(journal, path, &journal->unconfirmed_record, diag));
    CHECK(journal->unconfirmed.length == 0 || load_u64(journal->unconfirmed.data + 16) == journal->next_sequence - 1);
    journal_batch_path(path, journal->incarnation, journal->next_sequence - 1);
    return confirm(journal, path, &journal->unconfirmed, diag);
}

typedef struct Newest {
    char path[JOURNAL_PATH_BYTES]; /* of a batch beyond the end; the least of them */
    char last[JOURNAL_PATH_BYTES]; /* the greatest of them */
    const char *end;
} Newest;

static void note_batch(void *context, const char *path, uint64_t size)
{
    Newest *newest = context;
    (void)size;
    if (strlen(path) != strlen(newest->end) || strcmp(path, newest->end) <= 0)
        return;
    if (newest->path[0] == '\0' || strcmp(path, newest->path) < 0)
        snprintf(newest->path, sizeof(newest->path), "%s", path);
    if (strcmp(path, newest->last) > 0)
        snprintf(newest->last, sizeof(newest->last), "%s", path);
}

/* A gap would look like the end: objects behind it prove the hole. A listing can be stale, so that the next
 * names are asked for as well. RETRY: others append, and out_last was there behind the end. Once that is read there was no hole
 * before it. To look again would never end where they append faster than a listing takes. */
static Status check_no_gap(const Journal *journal, char out_last[JOURNAL_PATH_BYTES], Diag *diag)
{
    char end[JOURNAL_PATH_BYTES];
    char folder[JOURNAL_PATH_BYTES];
    journal_batch_path(end, journal->incarnation, journal->next_sequence);
    Newest newest = {.end = end};
    snprintf(folder, sizeof(folder), "meta/%llu/journal", (unsigned long long)journal->incarnation);
    Diag unlisted = {0}; /* only a hint is lost */
    status_ignore(journal->volume->ops->list(journal->volume, folder, note_batch, &newest, &unlisted));
    for (uint64_t ahead = 1; ahead <= AHEAD && newest.path[0] == '\0'; ahead++) {
        char path[JOURNAL_PATH_BYTES];
        AUTO_BYTEBUF batch = {0};
        Diag unused = {0};
        journal_batch_path(path, journal->incarnation, journal->next_sequence + ahead);
        if (volume_get(journal->volume, path, &batch, &unused) == OK)
            note_batch(&newest, path, batch.length);
    }
    if (newest.path[0] == '\0')
        return OK;
    /* It may have been appended between our reading and our listing. */
    AUTO_BYTEBUF late = {0};
    Diag unused = {0};
    Status status = volume_get(journal->volume, end, &late, &unused);
    memcpy(out_last, newest.last, sizeof(newest.last));
    if (status == OK)
        return ERR_RETRY;
    if (status != ERR_NO_SUCH_OBJECT) /* nothing is known of it */
        return RAISE(diag, IO, "%s", unused.message);
    return RAISE(diag, CORRUPT, "journal object \"%s\" is missing, but \"%s\" is there", end, newest.path);
}

static Status refuse_unknown(Replay *replay, Diag *diag)
{
    if (replay->unknown_count == 0)
        return OK;
    return RAISE(diag, FORMAT_TOO_NEW, "the journal holds %u entries that this version can't read: %s%s", replay->unknown_count,
                 replay->unknown.data, replay->unknown.length < UNKNOWN_BYTES ? "" : "; ...");
}

/* Has everything up to that batch been read? */
static bool is_behind(const Journal *journal, const char *last)
{
    char end[JOURNAL_PATH_BYTES];
    journal_batch_path(end, journal->incarnation, journal->next_sequence);
    return last[0] != '\0' && strcmp(end, last) > 0;
}

Status journal_follow(Journal *journal, const JournalReader *reader, Diag *diag)
{
    Replay replay = {.journal = journal, .reader = reader};
    char last[JOURNAL_PATH_BYTES] = "";
    Status status;
    do {
        status = replay_batches(&replay, diag);
        if (status == OK && !is_behind(journal, last))
            status = check_no_gap(journal, last, diag);
    } while (status == ERR_RETRY && !diag_has_error(diag));
    if (status == OK)
        status = refuse_unknown(&replay, diag);
    bytebuf_deinit(&replay.unknown);
    TRY(status);
    Diag trouble = {0};
    if (journal_confirm(journal, &trouble) != OK) /* a full volume can still be read; claims try again */
        LOG_WARN("journal", "the newest batch could not be confirmed: %s", trouble.message);
    return OK;
}

Status journal_poll(Journal *journal, const JournalReader *reader, Diag *diag)
{
    Replay replay = {.journal = journal, .reader = reader, .confirms = true};
    Status status = replay_batches(&replay, diag);
    if (status == OK)
        status = refuse_unknown(&replay, diag);
    bytebuf_deinit(&replay.unknown);
    return status;
}

Status journal_has(const Journal *journal, uint64_t sequence, bool *out_is_there, Diag *diag)
{
    char path[JOURNAL_PATH_BYTES];
    AUTO_BYTEBUF batch = {0};
    Diag missing = {0};
    journal_batch_path(path, journal->incarnation, sequence);
    Status status = volume_get(journal->volume, path, &batch, &missing);
    *out_is_there = status == OK;
    return status == OK || status == ERR_NO_SUCH_OBJECT ? OK : diag_raise(diag, status, "%s", missing.message);
}

static Status find_incarnation(Journal *journal, uint64_t wanted, Diag *diag)
{
    journal->incarnation = 0;
    for (uint64_t number = wanted == 0 ? 1 : wanted; wanted == 0 || number == wanted; number++) {
        Diag missing = {0};
        Status status = incarnation_get(journal->volume, number, &missing, &journal->unconfirmed_record, &journal->record);
        if (status == ERR_NO_SUCH_OBJECT)
            return OK;
        if (status != OK)
            return diag_raise(diag, status, "%s", missing.message);
        journal->incarnation = number;
    }
    return OK;
}

/* Without a record of an incarnation there must be no journal either. */
static Status make_incarnation(const Journal *journal, Diag *diag)
{
    char path[JOURNAL_PATH_BYTES];
    AUTO_BYTEBUF bytes = {0};
    AUTO_BYTEBUF batch = {0};
    Diag unused = {0};
    Incarnation first = {.number = 1};
    journal_batch_path(path, 1, 1);
    if (volume_get(journal->volume, path, &batch, &unused) == OK)
        return RAISE(diag, CORRUPT, "object \"meta/incarnation/1\" is missing, but \"%s\" is there", path);
    snprintf(first.cluster, sizeof(first.cluster), "%016llx", (unsigned long long)env_random(journal->volume->environment));
    incarnation_write(&first, &bytes);
    FAULT("journal.make_incarnation", diag);
    return incarnation_put(journal->volume, 1, bytebuf_view(&bytes), diag);
}

static Status need_incarnation(Journal *journal, uint64_t wanted, Diag *diag)
{
    if (wanted != 0)
        return RAISE(diag, NO_SUCH_OBJECT, "the volume has no incarnation %llu", (unsigned long long)wanted);
    if (journal->is_read_only)
        return RAISE(diag, NO_SUCH_OBJECT, "volume \"%s\" holds no metadata", journal->volume->url);
    TRY(make_incarnation(journal, diag));
    return find_incarnation(journal, 0, diag);
}

Status journal_find(Journal *journal, Volume *volume, uint64_t incarnation, bool is_read_only, Diag *diag)
{
    *journal = (Journal){.volume = volume, .next_sequence = 1, .next_entry_id = 1, .is_read_only = is_read_only};
    journal->contact = journal_moment(journal);
    journal->writer_id = env_random(volume->environment);
    TRY(find_incarnation(journal, incarnation, diag));
    if (journal->incarnation == 0)
        TRY(need_incarnation(journal, incarnation, diag));
    return OK;
}

Status journal_open(Journal *journal, Volume *volume, const JournalReader *reader, Diag *diag)
{
    TRY(journal_find(journal, volume, 0, false, diag));
    return journal_follow(journal, reader, diag);
}
