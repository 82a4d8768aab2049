#include "meta/journal.h"

/* Append, read-back and claims. Replay is in journal_replay.c. */

#include "base/fault.h"
#include "base/hash.h"
#include "base/log.h"
#include "meta/checkpoint.h"
#include "meta/journal_int.h"

enum { RETRIES = 20, RETRY_US = 50000, NO_SPACE_RETRIES = 3 };

void journal_put_entry(ByteBuf *entries, uint64_t kind, int64_t time_us, StrView bytes)
{
    bytebuf_put_varint(entries, kind);
    bytebuf_put_u8(entries, (uint8_t)format_version_written(ENTRY_READER_VERSION));
    bytebuf_put_u64(entries, (uint64_t)time_us);
    bytebuf_put_sized(entries, bytes.data, bytes.length);
}

static void build_batch(Journal *journal, StrView entries, uint32_t count, uint64_t epoch)
{
    ByteBuf *out = &journal->pending;
    journal->pending_id = env_random(journal->volume->environment);
    journal->pending_count = count;
    bytebuf_clear(out);
    bytebuf_append(out, journal_magic, sizeof(journal_magic));
    bytebuf_put_u32(out, format_version_written(JOURNAL_FORMAT));
    bytebuf_put_u32(out, count);
    bytebuf_put_u64(out, journal->next_sequence);
    bytebuf_put_u64(out, journal->next_entry_id);
    bytebuf_put_u64(out, journal->incarnation);
    bytebuf_put_u64(out, journal->writer_id);
    bytebuf_put_u64(out, journal->pending_id);
    bytebuf_put_u64(out, journal->previous_hash);
    bytebuf_put_u64(out, epoch);
    bytebuf_append_view(out, entries);
    bytebuf_put_u64(out, checksum_bytes(out->data, out->length));
}

/* The object is there: ours, if it carries our batch id. An error: it could not be read. */
static Status read_back(const Journal *journal, const char *path, bool *out_is_ours, Diag *diag)
{
    AUTO_BYTEBUF found = {0};
    TRY(volume_get(journal->volume, path, &found, diag));
    *out_is_ours = found.length >= JOURNAL_HEADER_BYTES && load_u64(found.data + 48) == journal->pending_id;
    return OK;
}

/* One try. OK, RETRY and NO_SPACE are certain; with any other status nothing is known. */
static Status put_once(Journal *journal, const char *path, Diag *trouble, Diag *diag)
{
    bool is_ours = false;
    Status status = volume_put_if_absent(journal->volume, path, bytebuf_view(&journal->pending), trouble);
    if (status != ERR_OBJECT_EXISTS)
        return status;
    diag_reset(trouble);
    status = read_back(journal, path, &is_ours, trouble);
    if (status != OK)
        return ERR_IO; /* somebody's is there */
    return is_ours ? OK : RAISE(diag, RETRY, "another node has taken over the metadata journal (object \"%s\")", path);
}

JournalMoment journal_moment(const Journal *journal)
{
    const Environment *environment = journal->volume->environment;
    return (JournalMoment){env_wall_us(environment), env_monotonic_us(environment)};
}

void journal_note_contact(Journal *journal, JournalMoment moment)
{
    journal->contact = moment;
}

/* Either clock: one may stand still while a machine sleeps, the other may be set back. */
Status journal_slept_through_trim(const Journal *journal, bool *out_slept, Diag *diag)
{
    JournalMoment now = journal_moment(journal);
    int64_t away_us = MAX(now.wall_us - journal->contact.wall_us, now.ticked_us - journal->contact.ticked_us);
    AUTO_ARENA arena;
    uint64_t *entries = NULL;
    uint32_t count = 0;
    arena_init(&arena, NULL);
    *out_slept = false;
    if (away_us < JOURNAL_SLEEP_US)
        return OK;
    TRY(image_list(journal->volume, journal->incarnation, &arena, diag, &entries, &count));
    *out_slept = count > 0 && entries[0] >= journal->next_entry_id;
    return OK;
}

/* The answer to a put that may have come to a place which was trimmed meanwhile is worth nothing. */
static Status check_answer(Journal *journal, Status answer, JournalMoment asked, Diag *diag)
{
    Diag trouble = {0};
    bool slept = false;
    Status status = journal_slept_through_trim(journal, &slept, &trouble);
    if (status == OK && !slept) {
        journal_note_contact(journal, asked);
        return answer;
    }
    journal->is_pending = true;
    journal->is_lost = slept;
    diag_reset(diag);
    return RAISE(diag, OUTCOME_UNKNOWN, "whether the statement took effect is unknown: this node did not look at the metadata journal for too long%s%s",
                 trouble.message[0] == '\0' ? "" : ": ", trouble.message);
}

/* The same bytes at the same place until it is certain whether they are there. A put that failed may land
 * later, so that "no space" is certain only while nothing else was heard before. */
static Status put_until_certain(Journal *journal, Diag *diag)
{
    char path[JOURNAL_PATH_BYTES];
    CHECK(load_u64(journal->pending.data + 16) == journal->next_sequence); /* what is pending belongs to this place and no other */
    journal_batch_path(path, journal->incarnation, journal->next_sequence);
    for (int attempt = 0; attempt < RETRIES; attempt++) {
        Diag trouble = {0};
        JournalMoment asked = journal_moment(journal);
        Status status = put_once(journal, path, &trouble, diag);
        if (status == OK || status == ERR_RETRY) {
            status = check_answer(journal, status, asked, diag);
            if (status == ERR_RETRY)
                journal->is_pending = journal->is_leading = false;
            return status;
        }
        LOG_WARN("journal", "append failed, trying again: %s", trouble.message);
        journal->is_pending |= status != ERR_NO_SPACE;
        if (!journal->is_pending && attempt >= NO_SPACE_RETRIES)
            return RAISE(diag, NO_SPACE, "%s", trouble.message);
        env_sleep_us(journal->volume->environment, RETRY_US);
    }
    journal->is_pending = true;
    return RAISE(diag, OUTCOME_UNKNOWN,
                 "the metadata journal can't be written; whether the statement took effect is unknown: ask by label");
}

static void step_over_pending(Journal *journal)
{
    journal->previous_hash = checksum_bytes(journal->pending.data, journal->pending.length);
    journal->seen_bytes += journal->pending.length;
    journal->next_sequence++;
    journal->next_entry_id += journal->pending_count;
    journal->is_pending = false;
}

static Status after_append(Diag *diag)
{
    FAULT("journal.after_append", diag);
    return OK;
}

Status journal_settle(Journal *journal, Diag *diag)
{
    FAULT("journal.settle", diag);
    if (journal->is_lost) {
        journal->is_pending = journal->is_leading = false;
        return RAISE(diag, RETRY, "another node has taken over the metadata journal while this one slept: start it again");
    }
    TRY(put_until_certain(journal, diag));
    if (after_append(NULL) != OK) { /* there, but we did not hear of it */
        journal->is_pending = true;
        return RAISE(diag, OUTCOME_UNKNOWN, "whether the statement took effect is unknown: ask by label");
    }
    step_over_pending(journal);
    return OK;
}

Status journal_append(Journal *journal, StrView entries, uint32_t count, Diag *diag)
{
    CHECK(!journal->is_pending && journal->is_leading);
    build_batch(journal, entries, count, journal->epoch);
    FAULT("journal.before_append", diag);
    return journal_settle(journal, diag);
}

Status journal_close_incarnation(Journal *journal, StrView record, Diag *diag)
{
    AUTO_BYTEBUF entries = {0};
    journal_put_entry(&entries, ENTRY_CLOSE, env_wall_us(journal->volume->environment), record);
    TRY(journal_append(journal, bytebuf_view(&entries), 1, diag));
    journal->is_closed = true;
    journal->is_leading = false;
    return OK;
}

/* A pending batch here is an earlier claim. */
Status journal_claim(Journal *journal, Diag *diag)
{
    AUTO_BYTEBUF body = {0};
    AUTO_BYTEBUF entries = {0};
    if (journal->is_closed || journal->is_read_only)
        return RAISE(diag, READ_ONLY, "incarnation %llu of the cluster has ended", (unsigned long long)journal->incarnation);
    if (!journal->is_pending) {
        bytebuf_put_varint(&body, journal->epoch + 1);
        bytebuf_put_u64(&body, journal->writer_id);
        journal_put_entry(&entries, ENTRY_EPOCH, env_wall_us(journal->volume->environment), bytebuf_view(&body));
        build_batch(journal, bytebuf_view(&entries), 1, journal->epoch + 1);
    }
    FAULT("journal.claim", diag);
    TRY(journal_confirm(journal, diag));
    TRY(journal_settle(journal, diag));
    journal->epoch++;
    journal->epoch_writer = journal->writer_id;
    journal->is_leading = true;
    return OK;
}

void journal_close(Journal *journal)
{
    bytebuf_deinit(&journal->pending);
    bytebuf_deinit(&journal->next_record);
    bytebuf_deinit(&journal->unconfirmed);
    bytebuf_deinit(&journal->unconfirmed_record);
}
