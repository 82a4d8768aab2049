#pragma once
/* Inside of the metadata store: what committing (store.c) and following (follow.c) share. */

#include "meta/image.h"
#include "meta/journal.h"
#include "meta/snapshots_int.h"
#include "meta/labels.h"
#include "meta/checkpoint.h"

typedef struct Batch {
    ByteBuf entries;
    uint32_t count;
    bool is_done;
    Status status;
    Diag diag;
    uint32_t waiters;
} Batch;

struct MetaStore {
    Journal journal;
    Mutex lock; /* guards all below */
    Condition changed;
    CatalogSnapshot *published;
    CatalogSnapshot *tentative;
    Batch *open;
    bool is_appending;
    uint64_t append_count; /* that ended */
    uint64_t begun_batches;  /* batches whose append began, numbered from 1 */
    uint64_t proven_batches; /* the newest that was appended: while it began, and later, nobody else had */
    MetaCounts counts;
    bool was_overtaken; /* while it was opened, what was to be read may have been trimmed: a newer image is there, or will be listed */
    bool is_opening; /* nobody else has a reference to published */
    void (*listener)(void *context); /* NULL: nobody wants to hear of publishes */
    void *listener_context;
    MetaObserve observe; /* NULL: none */
    void *observe_context;
    uint64_t next_entry_id; /* of the next change that joins a batch */
    uint64_t next_id;
    uint64_t id_limit; /* journaled */
    CatalogSnapshot **earlier; /* published once and perhaps still held; a reference each */
    uint32_t earlier_count, earlier_room;
    uint64_t *leases;
    uint32_t lease_count, lease_room;
    CatalogSnapshot *uncertain; /* state after the journal's pending batch; NULL: none is */
    MetaOpen options;
    bool is_past;            /* what was read lies behind options.until_x */
    int64_t first_behind_us; /* when the first of that was written */
    bool leads;
    uint64_t epoch; /* of the journal when nobody was appending last */
    bool follows; /* another node leads, or this one waits to; nothing is committed */
    ImageHead cut; /* where the journal goes on behind the state of cut.entry_id; the published one unless it is being read */
    uint64_t image_sequence, image_bytes; /* next_sequence and seen_bytes of the journal at the newest image */
    int64_t image_time_us;                /* of the newest image, or of the start */
    uint64_t image_entry_id;              /* 0: there is none */
    CheckpointLimits limits;
    int64_t retention_us;
    Mutex image_lock; /* one image at a time; taken before lock */
    ImageBlock *kept; /* blocks of the image that this version does not know */
    uint32_t kept_count;
    Arena kept_arena;
    SnapshotPins *pins;
    char unsafe[DIAG_MESSAGE_BYTES]; /* why nothing may be committed on the volume; empty: it may */
    _Atomic int freeze; /* read_only.c */
    _Atomic bool is_confirmed; /* what the start found is certain to stay */
    LabelSet *labels;
    TableGates *gates;
};

/* Lock held. Takes over the caller's reference to next. */
void store_publish(MetaStore *store, CatalogSnapshot *next);
/* Lock held, nothing is appended: notes where the journal goes on behind the published state. */
void store_note_cut(MetaStore *store);
/* Lock held: whether the published state is read only, for who asks without the lock. */
void store_note_freeze(MetaStore *store);
/* Is it refused to commit the change now? */
Status store_check_frozen(const CatalogSnapshot *catalog, StrView change, Diag *diag);

/* ---- checkpoint.c ---- */

/* What the start found of images: the newest there is, and those that can't be used. */
typedef struct ImageSearch {
    uint64_t newest_entry_id; /* of all names; 0: none */
    ByteBuf damaged; /* names and reasons */
    bool is_unread;  /* one could not be read, and may be sound */
} ImageSearch;
/* Before the journal is read: begins with the newest image that is sound. */
Status store_load_image(MetaStore *store, ImageSearch *search, Diag *diag);
/* After it was read: says what is missing when it did not reach the newest image. */
Status store_check_reached(MetaStore *store, const ImageSearch *search, Status status, Diag *diag);

/* Finds out about the pending batch. Lock held, released meanwhile; nobody appends. */
Status store_settle(MetaStore *store, Diag *diag);

/* The halves of a JournalReader, context: the store. Takes the lock. */
/* A look at the store as it was, at an entry or, entry_id 0, at a time. */
Status store_open_moment(MetaStore *store, uint64_t entry_id, int64_t time_us, Diag *diag, MetaStore **out);
Status store_replay(void *context, const JournalEntry *entry, Diag *diag);
void store_list_unknown(void *context, const JournalEntry *entry, ByteBuf *out_names);
/* Lock held, nothing is appended: behind a claim that succeeded. */
Status store_begin_lead(MetaStore *store, Diag *diag);
/* Lock held: what was built and not appended is forgotten; from here on the store follows. */
void store_depose(MetaStore *store, const Diag *diag);
