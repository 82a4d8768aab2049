#include "meta/journal_audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/hash.h"
#include "meta/journal_int.h"

enum { TEXT_BYTES = JOURNAL_PATH_BYTES + 160, MOST_GAPS = 20 };

typedef struct Audit {
    Volume *volume;
    uint64_t incarnation;
    Arena arena;
    ARRAY_OF(uint64_t) sequences;
    JournalProblem problem;
    void *context;
    uint64_t last; /* that was sound; 0: none */
    uint64_t last_hash;
    uint64_t next_entry; /* behind it */
    uint32_t gaps;
} Audit;

static void note_object(void *context, const char *path, uint64_t size)
{
    Audit *audit = context;
    const char *name = strrchr(path, '/');
    char *end;
    (void)size;
    uint64_t sequence = name == NULL ? 0 : strtoull(name + 1, &end, 10);
    if (sequence > 0 && *end == '\0')
        ARRAY_PUSH(&audit->arena, &audit->sequences, sequence);
}

static int by_number(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void report(Audit *audit, uint64_t sequence, const char *kind, const char *what)
{
    char path[JOURNAL_PATH_BYTES], text[TEXT_BYTES];
    journal_batch_path(path, audit->incarnation, sequence);
    snprintf(text, sizeof(text), "journal object \"%s\" %s", path, what);
    audit->problem(audit->context, kind, text);
}

/* NULL: it is sound. */
static const char *fault_of(const Audit *audit, uint64_t sequence, const ByteBuf *batch)
{
    if (batch->length < JOURNAL_HEADER_BYTES + 8)
        return "is damaged: it is cut short";
    size_t body = batch->length - 8;
    if (load_u64(batch->data + body) != checksum_bytes(batch->data, body))
        return "is damaged: its checksum does not match";
    if (memcmp(batch->data, journal_magic, sizeof(journal_magic)) != 0)
        return "is damaged: it is no journal object";
    if (load_u64(batch->data + 16) != sequence || load_u64(batch->data + 32) != audit->incarnation)
        return "is damaged: it belongs to another place in the journal";
    bool follows = audit->last > 0 && audit->last + 1 == sequence;
    if (follows && (load_u64(batch->data + 56) != audit->last_hash || load_u64(batch->data + 24) != audit->next_entry))
        return "does not follow the object before it: one of them was replaced or rolled back";
    return NULL;
}

static Status audit_object(Audit *audit, uint64_t sequence, Diag *diag)
{
    char path[JOURNAL_PATH_BYTES];
    AUTO_BYTEBUF batch = {0};
    Diag trouble = {0};
    journal_batch_path(path, audit->incarnation, sequence);
    Status status = volume_get(audit->volume, path, &batch, &trouble);
    if (status == ERR_NO_SUCH_OBJECT) /* trimmed meanwhile */
        return OK;
    if (status != OK)
        return diag_raise(diag, status, "%s", trouble.message);
    const char *fault = fault_of(audit, sequence, &batch);
    if (fault != NULL) {
        report(audit, sequence, "DAMAGED", fault);
        return OK;
    }
    audit->last = sequence;
    audit->last_hash = checksum_bytes(batch.data, batch.length);
    audit->next_entry = load_u64(batch.data + 24) + load_u32(batch.data + 12);
    return OK;
}

static void audit_gap(Audit *audit, uint64_t from, uint64_t to)
{
    for (uint64_t sequence = from; sequence < to && audit->gaps < MOST_GAPS; sequence++, audit->gaps++)
        report(audit, sequence, "MISSING", "is missing, and moments of the past need it");
}

static Status audit_all(Audit *audit, uint64_t first_sequence, Diag *diag)
{
    char folder[JOURNAL_PATH_BYTES];
    uint64_t next = first_sequence;
    snprintf(folder, sizeof(folder), "meta/%llu/journal", (unsigned long long)audit->incarnation);
    TRY(audit->volume->ops->list(audit->volume, folder, note_object, audit, diag));
    if (audit->sequences.count > 1)
        qsort(audit->sequences.items, audit->sequences.count, sizeof(uint64_t), by_number);
    for (uint32_t i = 0; i < audit->sequences.count; i++) {
        uint64_t sequence = audit->sequences.items[i];
        if (sequence >= first_sequence) {
            audit_gap(audit, next, sequence);
            next = sequence + 1;
        }
        TRY(audit_object(audit, sequence, diag));
    }
    return OK;
}

Status journal_audit(Volume *volume, uint64_t incarnation, uint64_t first_sequence, JournalProblem problem, void *context, Diag *diag)
{
    Audit audit = {.volume = volume, .incarnation = incarnation, .problem = problem, .context = context};
    arena_init(&audit.arena, NULL);
    Status status = audit_all(&audit, first_sequence, diag);
    arena_deinit(&audit.arena);
    return status;
}
