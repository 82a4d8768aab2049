#include "meta/store.h"

/* Group commit. A committer builds its change against the tentative catalog and joins the open batch.
 * Whoever finds no append under way becomes the batch's writer: it takes the batch, appends it without
 * the lock, publishes the catalog that the batch led to, and wakes the others. If an append fails,
 * the tentative catalog is dropped and everyone in it hears the error. */

#include "base/hash.h"
#include "meta/journal.h"

enum { ID_BLOCK = 1000000, LABEL_SLOTS = 1 << 16 };

typedef struct LabelNode {
    struct LabelNode *next;
    uint64_t database_id;
    uint64_t txn_id;
    int64_t time_us;
    StrView label;
    StrView answer;
} LabelNode;

typedef struct Batch {
    ByteBuf entries;
    uint32_t count;
    CatalogSnapshot *result; /* tentative state after the batch */
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
    uint64_t next_entry_id; /* of the next change that joins a batch */
    uint64_t next_id;
    uint64_t id_limit; /* journaled */
    CatalogSnapshot **earlier; /* published once and perhaps still held; a reference each */
    uint32_t earlier_count, earlier_room;
    uint64_t *leases;
    uint32_t lease_count, lease_room;
    bool is_uncertain; /* an append may have landed without our knowing */
    Mutex label_lock;  /* guards the labels */
    Arena label_arena;
    LabelNode *labels[LABEL_SLOTS];
};

static uint32_t label_slot(uint64_t database_id, StrView label)
{
    return (uint32_t)(hash_combine(database_id, hash_bytes(label.data, label.length)) % LABEL_SLOTS);
}

static StrView keep(Arena *arena, StrView text)
{
    return strview_n(arena_strndup(arena, text.data, text.length), text.length);
}

static void remember_label(void *context, uint64_t database_id, StrView label, uint64_t txn_id, StrView answer,
                           int64_t time_us)
{
    MetaStore *store = context;
    LOCK_GUARD(&store->label_lock);
    LabelNode *node = ARENA_NEW(&store->label_arena, LabelNode);
    uint32_t slot = label_slot(database_id, label);
    *node = (LabelNode){store->labels[slot], database_id, txn_id, time_us, keep(&store->label_arena, label),
                        keep(&store->label_arena, answer)};
    store->labels[slot] = node;
}

bool meta_label_find(MetaStore *store, uint64_t database_id, StrView label, Arena *arena, LabelRecord *out_record)
{
    LOCK_GUARD(&store->label_lock);
    for (const LabelNode *n = store->labels[label_slot(database_id, label)]; n != NULL; n = n->next) {
        if (n->database_id == database_id && strview_equal(n->label, label)) {
            *out_record = (LabelRecord){n->txn_id, n->time_us, keep(arena, n->answer)};
            return true;
        }
    }
    return false;
}

static Status replay_entry(void *context, const JournalEntry *entry, Diag *diag)
{
    MetaStore *store = context;
    ChangeListener listener = {store, remember_label};
    CatalogSnapshot *next;
    TRY(change_apply(store->published, entry->bytes, entry->id, entry->time_us, &listener, diag, &next));
    catalog_unref(store->published);
    store->published = next;
    return OK;
}

static CatalogSnapshot *empty_catalog(void)
{
    CatalogSnapshot *snapshot = mem_alloc_zero(sizeof(*snapshot));
    atomic_init(&snapshot->references, 1);
    arena_init(&snapshot->arena, NULL);
    snapshot->next_id = 10000;
    return snapshot;
}

Status meta_store_open(Volume *volume, Diag *diag, MetaStore **out_store)
{
    MetaStore *store = mem_alloc_zero(sizeof(*store));
    mutex_init(&store->lock);
    mutex_init(&store->label_lock);
    condition_init(&store->changed);
    arena_init(&store->label_arena, NULL);
    store->published = empty_catalog();
    Status status = journal_open(&store->journal, volume, replay_entry, store, diag);
    if (status != OK) {
        meta_store_close(store);
        return status;
    }
    store->tentative = catalog_ref(store->published);
    store->next_entry_id = store->journal.next_entry_id;
    store->next_id = store->id_limit = store->published->next_id;
    *out_store = store;
    return OK;
}

void meta_store_close(MetaStore *store)
{
    if (store == NULL)
        return;
    catalog_unref(store->published);
    catalog_unref(store->tentative);
    for (uint32_t i = 0; i < store->earlier_count; i++)
        catalog_unref(store->earlier[i]);
    mem_free(store->earlier);
    mem_free(store->leases);
    arena_deinit(&store->label_arena);
    mutex_deinit(&store->lock);
    mutex_deinit(&store->label_lock);
    condition_deinit(&store->changed);
    mem_free(store);
}

/* Lock held: lets go of earlier snapshots that nobody else holds; only the published one can gain holders. */
static void prune_earlier(MetaStore *store)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < store->earlier_count; i++) {
        if (atomic_load(&store->earlier[i]->references) == 1)
            catalog_unref(store->earlier[i]);
        else
            store->earlier[kept++] = store->earlier[i];
    }
    store->earlier_count = kept;
}

/* Lock held. Takes over the caller's reference to next. */
static void publish(MetaStore *store, CatalogSnapshot *next)
{
    prune_earlier(store);
    if (store->earlier_count == store->earlier_room) {
        store->earlier_room = MAX(store->earlier_room * 2, 16u);
        store->earlier = mem_realloc(store->earlier, store->earlier_room * sizeof(*store->earlier));
    }
    store->earlier[store->earlier_count++] = store->published;
    store->published = next;
}

uint32_t meta_live_snapshots(MetaStore *store, CatalogSnapshot ***out_snapshots)
{
    LOCK_GUARD(&store->lock);
    prune_earlier(store);
    CatalogSnapshot **all = mem_alloc((store->earlier_count + 1) * sizeof(*all));
    for (uint32_t i = 0; i < store->earlier_count; i++)
        all[i] = catalog_ref(store->earlier[i]);
    all[store->earlier_count] = catalog_ref(store->published);
    *out_snapshots = all;
    return store->earlier_count + 1;
}

uint64_t meta_lease_open(MetaStore *store)
{
    LOCK_GUARD(&store->lock);
    if (store->lease_count == store->lease_room) {
        store->lease_room = MAX(store->lease_room * 2, 16u);
        store->leases = mem_realloc(store->leases, store->lease_room * sizeof(*store->leases));
    }
    store->leases[store->lease_count++] = store->next_id;
    return store->next_id;
}

void meta_lease_close(MetaStore *store, uint64_t lease)
{
    LOCK_GUARD(&store->lock);
    for (uint32_t i = 0; i < store->lease_count; i++) {
        if (store->leases[i] != lease)
            continue;
        store->leases[i] = store->leases[--store->lease_count];
        return;
    }
}

void meta_lease_horizon(MetaStore *store, uint64_t *out_horizon)
{
    LOCK_GUARD(&store->lock);
    *out_horizon = store->is_uncertain ? 0 : store->next_id;
    for (uint32_t i = 0; i < store->lease_count; i++)
        *out_horizon = MIN(*out_horizon, store->leases[i]);
}

CatalogSnapshot *meta_snapshot(MetaStore *store)
{
    LOCK_GUARD(&store->lock);
    return catalog_ref(store->published);
}

static Batch *open_batch(MetaStore *store)
{
    if (store->open == NULL)
        store->open = mem_alloc_zero(sizeof(Batch));
    return store->open;
}

/* Builds, applies tentatively, and puts the entry into the open batch. Lock held. */
static Status join_batch(MetaStore *store, MetaBuild build, void *context, Diag *diag, Batch **out_batch)
{
    AUTO_CHANGE change = {0};
    ChangeListener listener = {store, remember_label};
    TRY(build(context, store->tentative, &change, diag));
    *out_batch = NULL;
    if (change.bytes.length == 0)
        return OK;
    int64_t now = env_wall_us(store->journal.volume->environment);
    uint64_t entry_id = store->next_entry_id;
    CatalogSnapshot *next;
    TRY(change_apply(store->tentative, bytebuf_view(&change.bytes), entry_id, now, &listener, diag, &next));
    Batch *batch = open_batch(store);
    journal_put_entry(&batch->entries, now, bytebuf_view(&change.bytes));
    batch->count++;
    store->next_entry_id++;
    catalog_unref(store->tentative);
    store->tentative = next;
    *out_batch = batch;
    return OK;
}

static void fail_open_batch(MetaStore *store, const Batch *failed)
{
    Batch *open = store->open;
    if (open == NULL)
        return;
    open->status = failed->status;
    open->diag = failed->diag;
    open->is_done = true;
    store->open = NULL;
}

/* Appends the batch; the lock is released meanwhile. */
static void write_batch(MetaStore *store, Batch *batch)
{
    store->open = NULL;
    store->is_appending = true;
    batch->result = catalog_ref(store->tentative);
    mutex_unlock(&store->lock);
    Status status = volume_flush(store->journal.volume, &batch->diag);
    if (status == OK)
        status = journal_append(&store->journal, bytebuf_view(&batch->entries), batch->count, &batch->diag);
    mutex_lock(&store->lock);
    batch->status = status;
    store->is_appending = false;
    if (status == OK) {
        publish(store, catalog_ref(batch->result));
    } else {
        store->is_uncertain |= status != ERR_NO_SPACE;
        fail_open_batch(store, batch);
        store->next_entry_id = store->journal.next_entry_id;
        catalog_unref(store->tentative);
        store->tentative = catalog_ref(store->published);
    }
    catalog_unref(batch->result);
    batch->is_done = true;
    condition_broadcast(&store->changed);
}

static void leave_batch(Batch *batch)
{
    if (--batch->waiters > 0)
        return;
    bytebuf_deinit(&batch->entries);
    mem_free(batch);
}

Status meta_commit(MetaStore *store, MetaBuild build, void *context, Diag *diag)
{
    Batch *batch;
    LOCK_GUARD(&store->lock);
    TRY(join_batch(store, build, context, diag, &batch));
    if (batch == NULL)
        return OK;
    batch->waiters++;
    while (!batch->is_done) {
        if (!store->is_appending && store->open == batch)
            write_batch(store, batch);
        else
            condition_wait(&store->changed, &store->lock);
    }
    Status status = batch->status;
    if (status != OK)
        status = diag_raise(diag, batch->status, "%s", batch->diag.message);
    leave_batch(batch);
    return status;
}

typedef struct IdBlock {
    uint64_t limit;
} IdBlock;

static Status build_id_block(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    IdBlock *block = context;
    (void)diag;
    block->limit = catalog->next_id + ID_BLOCK;
    change_reserve_ids(change, block->limit);
    return OK;
}

/* Blocks of ids are journaled before the first of them is used, so a crash only leaves a gap. */
uint64_t meta_new_id(MetaStore *store)
{
    for (;;) {
        mutex_lock(&store->lock);
        if (store->next_id < store->id_limit) {
            uint64_t id = store->next_id++;
            mutex_unlock(&store->lock);
            return id;
        }
        mutex_unlock(&store->lock);
        IdBlock block = {0};
        Diag diag = {0};
        Status status = meta_commit(store, build_id_block, &block, &diag);
        mutex_lock(&store->lock);
        if (status == OK && block.limit > store->id_limit) {
            store->next_id = MAX(store->next_id, block.limit - ID_BLOCK);
            store->id_limit = block.limit;
        }
        mutex_unlock(&store->lock);
        if (status != OK)
            return 0;
    }
}

uint64_t meta_incarnation(const MetaStore *store)
{
    return store->journal.incarnation;
}

uint64_t meta_journal_entries(MetaStore *store)
{
    LOCK_GUARD(&store->lock);
    return store->next_entry_id - 1;
}
