#include "meta/journal.h"

/* Append, read-back and replay of journal batches. */

#include <stdio.h>

#include "base/fault.h"
#include "base/hash.h"
#include "base/log.h"

static const char journal_magic[8] = {'M', 'R', 'K', 'J', 'R', 'N', 'L', '1'};
enum { PATH_BYTES = 96, RETRIES = 20 };

static void batch_path(char out[PATH_BYTES], uint64_t incarnation, uint64_t sequence)
{
    /* Two levels, so that no directory grows without bound. */
    snprintf(out, PATH_BYTES, "meta/%llu/journal/%06llu/%012llu", (unsigned long long)incarnation,
             (unsigned long long)(sequence / 10000), (unsigned long long)sequence);
}

static void incarnation_path(char out[PATH_BYTES], uint64_t incarnation)
{
    snprintf(out, PATH_BYTES, "meta/incarnation/%llu", (unsigned long long)incarnation);
}

void journal_put_entry(ByteBuf *entries, int64_t time_us, StrView change)
{
    bytebuf_put_varint(entries, ENTRY_CHANGE);
    bytebuf_put_u8(entries, ENTRY_READER_VERSION);
    bytebuf_put_u64(entries, (uint64_t)time_us);
    bytebuf_put_sized(entries, change.data, change.length);
}

static void build_batch(const Journal *journal, StrView entries, uint32_t count, uint64_t batch_id, ByteBuf *out)
{
    bytebuf_append(out, journal_magic, sizeof(journal_magic));
    bytebuf_put_u32(out, JOURNAL_FORMAT);
    bytebuf_put_u32(out, count);
    bytebuf_put_u64(out, journal->next_sequence);
    bytebuf_put_u64(out, journal->next_entry_id);
    bytebuf_put_u64(out, journal->incarnation);
    bytebuf_put_u64(out, journal->writer_id);
    bytebuf_put_u64(out, batch_id);
    bytebuf_put_u64(out, journal->previous_hash);
    bytebuf_put_u64(out, journal->epoch);
    bytebuf_append_view(out, entries);
    bytebuf_put_u64(out, checksum_bytes(out->data, out->length));
}

/* The object is there: ours, if it carries our batch id. */
static Status settle(Journal *journal, const char *path, uint64_t batch_id, Diag *diag)
{
    AUTO_BYTEBUF found = {0};
    TRY(volume_get(journal->volume, path, &found, diag));
    if (found.length >= JOURNAL_HEADER_BYTES && load_u64(found.data + 48) == batch_id)
        return OK;
    return RAISE(diag, RETRY, "another node has taken over the metadata journal (object \"%s\")", path);
}

static Status put_until_certain(Journal *journal, const char *path, StrView bytes, uint64_t batch_id, Diag *diag)
{
    for (int attempt = 0; attempt < RETRIES; attempt++) {
        Diag trouble = {0};
        Status status = volume_put_if_absent(journal->volume, path, bytes, &trouble);
        if (status == OK)
            return OK;
        if (status == ERR_OBJECT_EXISTS)
            return settle(journal, path, batch_id, diag);
        LOG_WARN("journal", "append failed, trying again: %s", trouble.message);
        env_sleep_us(journal->volume->environment, 50000);
        if (status == ERR_NO_SPACE && attempt > 2)
            return RAISE(diag, NO_SPACE, "%s", trouble.message);
    }
    return RAISE(diag, OUTCOME_UNKNOWN,
                 "the metadata journal can't be written; whether the statement took effect is unknown: ask by label");
}

Status journal_append(Journal *journal, StrView entries, uint32_t count, Diag *diag)
{
    char path[PATH_BYTES];
    AUTO_BYTEBUF batch = {0};
    uint64_t batch_id = env_random(journal->volume->environment);
    build_batch(journal, entries, count, batch_id, &batch);
    batch_path(path, journal->incarnation, journal->next_sequence);
    FAULT("journal.before_append", diag);
    TRY(put_until_certain(journal, path, bytebuf_view(&batch), batch_id, diag));
    FAULT("journal.after_append", diag);
    journal->previous_hash = checksum_bytes(batch.data, batch.length);
    journal->next_sequence++;
    journal->next_entry_id += count;
    return OK;
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
    if (load_u32(batch->data + 8) > JOURNAL_FORMAT)
        return RAISE(diag, FORMAT_TOO_NEW, "journal object \"%s\" has format %u, this version reads up to %u", path,
                     load_u32(batch->data + 8), JOURNAL_FORMAT);
    if (load_u64(batch->data + 16) != journal->next_sequence || load_u64(batch->data + 32) != journal->incarnation)
        return corrupt(diag, path, "it belongs to another place in the journal");
    if (load_u64(batch->data + 24) != journal->next_entry_id)
        return corrupt(diag, path, "its first entry id is not the one that follows");
    if (load_u64(batch->data + 56) != journal->previous_hash)
        return corrupt(diag, path, "it does not follow the object before it: one of them was replaced or rolled back");
    return OK;
}

static Status replay_entries(Journal *journal, const ByteBuf *batch, const char *path, JournalVisit visit, void *context,
                             Diag *diag)
{
    uint32_t count = load_u32(batch->data + 12);
    ByteReader reader = byte_reader(batch->data + JOURNAL_HEADER_BYTES, batch->length - JOURNAL_HEADER_BYTES - 8);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t kind = byte_reader_varint(&reader);
        uint8_t version = byte_reader_u8(&reader);
        JournalEntry entry = {.id = journal->next_entry_id, .time_us = (int64_t)byte_reader_u64(&reader)};
        entry.bytes = byte_reader_sized(&reader);
        if (reader.failed)
            return corrupt(diag, path, "an entry is cut short");
        if (version > ENTRY_READER_VERSION || kind != ENTRY_CHANGE)
            return RAISE(diag, FORMAT_TOO_NEW, "journal object \"%s\" holds an entry of kind %llu that this version can't read",
                         path, (unsigned long long)kind);
        Status status = visit(context, &entry, diag);
        if (status != OK) {
            diag_add_context(diag, "while replaying journal object \"%s\"", path);
            return status;
        }
        journal->next_entry_id++;
    }
    return OK;
}

static Status replay(Journal *journal, JournalVisit visit, void *context, Diag *diag)
{
    for (;;) {
        char path[PATH_BYTES];
        AUTO_BYTEBUF batch = {0};
        Diag missing = {0};
        batch_path(path, journal->incarnation, journal->next_sequence);
        Status status = volume_get(journal->volume, path, &batch, &missing);
        if (status == ERR_NO_SUCH_OBJECT)
            return OK;
        if (status != OK)
            return RAISE(diag, IO, "%s", missing.message);
        TRY(check_header(journal, &batch, path, diag));
        TRY(replay_entries(journal, &batch, path, visit, context, diag));
        journal->previous_hash = checksum_bytes(batch.data, batch.length);
        journal->next_sequence++;
    }
}

/* A gap would look like the end: the objects right behind it prove the hole. */
static Status check_no_gap(const Journal *journal, Diag *diag)
{
    for (uint64_t ahead = 1; ahead <= 3; ahead++) {
        char path[PATH_BYTES];
        char missing[PATH_BYTES];
        AUTO_BYTEBUF batch = {0};
        Diag unused = {0};
        batch_path(path, journal->incarnation, journal->next_sequence + ahead);
        if (volume_get(journal->volume, path, &batch, &unused) != OK)
            continue;
        batch_path(missing, journal->incarnation, journal->next_sequence);
        return RAISE(diag, CORRUPT, "journal object \"%s\" is missing, but \"%s\" is there", missing, path);
    }
    return OK;
}

/* An incarnation is a line of JSON and a line with its checksum. */
static Status check_incarnation(const ByteBuf *bytes, const char *path, Diag *diag)
{
    enum { SUM_LINE = 17 };
    char expected[SUM_LINE + 1];
    size_t body = bytes->length < SUM_LINE ? 0 : bytes->length - SUM_LINE;
    snprintf(expected, sizeof(expected), "%016llx\n", (unsigned long long)checksum_bytes(bytes->data, body));
    if (body == 0 || memcmp(bytes->data + body, expected, SUM_LINE) != 0)
        return RAISE(diag, CORRUPT, "object \"%s\" is damaged: its checksum does not match", path);
    return OK;
}

static Status find_incarnation(Journal *journal, Diag *diag)
{
    uint64_t newest = 0;
    for (;;) {
        char path[PATH_BYTES];
        AUTO_BYTEBUF bytes = {0};
        Diag missing = {0};
        incarnation_path(path, newest + 1);
        Status status = volume_get(journal->volume, path, &bytes, &missing);
        if (status == ERR_NO_SUCH_OBJECT)
            break;
        if (status != OK)
            return RAISE(diag, IO, "%s", missing.message);
        TRY(check_incarnation(&bytes, path, diag));
        newest++;
    }
    journal->incarnation = newest;
    if (newest > 0)
        return OK;
    char path[PATH_BYTES];
    AUTO_BYTEBUF record = {0};
    incarnation_path(path, 1);
    bytebuf_printf(&record, "{\"incarnation\":1,\"parent\":0,\"entry\":0,\"cluster\":\"%016llx\"}\n",
                   (unsigned long long)env_random(journal->volume->environment));
    bytebuf_printf(&record, "%016llx\n", (unsigned long long)checksum_bytes(record.data, record.length));
    Status status = volume_put_if_absent(journal->volume, path, bytebuf_view(&record), diag);
    journal->incarnation = 1;
    return status;
}

Status journal_open(Journal *journal, Volume *volume, JournalVisit visit, void *context, Diag *diag)
{
    *journal = (Journal){.volume = volume, .next_sequence = 1, .next_entry_id = 1};
    journal->writer_id = env_random(volume->environment);
    TRY(find_incarnation(journal, diag));
    TRY(replay(journal, visit, context, diag));
    return check_no_gap(journal, diag);
}
