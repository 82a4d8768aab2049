#pragma once
/* Inside of the metadata store: what committing (store.c) and following (follow.c) share. */

#include "meta/journal.h"
#include "meta/store.h"

enum { LABEL_SLOTS = 1 << 14 };

typedef struct LabelNode {
    struct LabelNode *next;
    uint64_t database_id;
    uint64_t txn_id;
    int64_t time_us;
    uint64_t entry_id; /* of its commit */
    struct LabelNode *older; /* of those that may still be dropped */
    StrView label;
    StrView answer;
} LabelNode;

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
    int64_t append_began_us;
    bool is_opening; /* nobody else has a reference to published */
    void (*listener)(void *context); /* NULL: nobody wants to hear of publishes */
    void *listener_context;
    uint64_t next_entry_id; /* of the next change that joins a batch */
    uint64_t next_id;
    uint64_t id_limit; /* journaled */
    CatalogSnapshot **earlier; /* published once and perhaps still held; a reference each */
    uint32_t earlier_count, earlier_room;
    uint64_t *leases;
    uint32_t lease_count, lease_room;
    CatalogSnapshot *uncertain; /* state after the journal's pending batch; NULL: none is */
    bool leads;
    uint64_t epoch; /* of the journal when nobody was appending last */
    bool follows; /* another node leads, or this one waits to; nothing is committed */
    _Atomic bool is_confirmed; /* what the start found is certain to stay */
    Mutex label_lock; /* guards the labels; taken after lock */
    Arena label_arena;
    uint64_t durable_entry_id; /* labels of later entries are tentative */
    LabelNode *newest; /* tentative ones */
    LabelNode *labels[LABEL_SLOTS];
};

/* Lock held. Takes over the caller's reference to next. */
void store_publish(MetaStore *store, CatalogSnapshot *next);
/* The halves of a JournalReader, context: the store. Takes the lock. */
Status store_replay(void *context, const JournalEntry *entry, Diag *diag);
void store_list_unknown(void *context, const JournalEntry *entry, ByteBuf *out_names);
/* Lock held, nothing is appended: behind a claim that succeeded. */
Status store_begin_lead(MetaStore *store, Diag *diag);
/* Lock held: what was built and not appended is forgotten; from here on the store follows. */
void store_depose(MetaStore *store, const Diag *diag);
