#include "meta/store.h"

/* Group commit. A committer builds its change against the tentative catalog and joins the open batch.
 * Whoever finds no append under way becomes the batch's writer: it takes the batch, appends it without
 * the lock, publishes the catalog that the batch led to, and wakes the others. If it is certain that the
 * append failed, the tentative catalog is dropped and everyone in it hears the error. If not, they hear
 * "unknown", and the tentative catalog stays: nothing else is appended before the batch is settled. */

#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/hash.h"
#include "base/log.h"
#include "meta/store_int.h"
#include "types/datetime.h"
#include "volume/probe.h"

enum { ID_BLOCK = 1000000, CLAIMS = 10, SETTLE_US = 1000000, OPENINGS = 5 };
enum { DUE_OBJECTS = 1000, DUE_BYTES = 64 << 20, DUE_US = 600 * 1000000 }; /* a checkpoint, unless told otherwise */

typedef struct LabelKeeper {
    MetaStore *store;
    uint64_t entry_id;
} LabelKeeper;

static void remember_label(void *context, uint64_t database_id, StrView label, uint64_t txn_id, StrView answer,
                           int64_t time_us)
{
    const LabelKeeper *keeper = context;
    label_set_add(keeper->store->labels, &(LabelEntry){database_id, txn_id, time_us, label, answer}, keeper->entry_id);
}

static void forget_labels(void *context, int64_t before_us)
{
    const LabelKeeper *keeper = context;
    label_set_forget(keeper->store->labels, before_us, keeper->entry_id);
}

static void drop_label(void *context, uint64_t database_id, StrView label)
{
    const LabelKeeper *keeper = context;
    label_set_remove(keeper->store->labels, database_id, label, keeper->entry_id);
}

void meta_store_close(MetaStore *store)
{
    if (store == NULL)
        return;
    journal_close(&store->journal);
    catalog_unref(store->published);
    catalog_unref(store->tentative);
    catalog_unref(store->uncertain);
    for (uint32_t i = 0; i < store->earlier_count; i++)
        catalog_unref(store->earlier[i]);
    mem_free(store->earlier);
    mem_free(store->leases);
    label_set_close(store->labels);
    snapshot_pins_close(store->pins);
    table_gates_free(store->gates);
    arena_deinit(&store->kept_arena);
    mutex_deinit(&store->lock);
    mutex_deinit(&store->image_lock);
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

/* What is written from now on has the level that the catalog says. */
static void take_format_level(const CatalogSnapshot *catalog)
{
    uint32_t level = meta_format_level(catalog), most = format_level_supported();
    format_level_set_written(MIN(level, most));
}

void store_publish(MetaStore *store, CatalogSnapshot *next)
{
    prune_earlier(store);
    if (store->earlier_count == store->earlier_room) {
        store->earlier_room = MAX(store->earlier_room * 2, 16u);
        store->earlier = mem_realloc(store->earlier, store->earlier_room * sizeof(*store->earlier));
    }
    store->earlier[store->earlier_count++] = store->published;
    if (next->records != store->published->records)
        take_format_level(next);
    store->published = next;
    store_note_cut(store);
    label_set_settle(store->labels, next->entry_id);
    if (store->listener != NULL)
        store->listener(store->listener_context);
}

void meta_set_publish_listener(MetaStore *store, void (*published)(void *context), void *context)
{
    LOCK_GUARD(&store->lock);
    store->listener = published;
    store->listener_context = context;
}

void store_note_cut(MetaStore *store)
{
    const Journal *journal = &store->journal;
    uint64_t entry_id = store->published->entry_id;
    store_note_freeze(store);
    if (journal->next_entry_id == entry_id + 1 && !journal->is_pending)
        store->cut = (ImageHead){entry_id, journal->incarnation, journal->next_sequence, journal->previous_hash, journal->epoch,
                                 journal->epoch_writer, 0};
}

static StrView change_of(const JournalEntry *entry)
{
    return entry->kind == ENTRY_CHANGE ? entry->bytes : (StrView){"", 0};
}

/* Entries of other kinds change nothing but the entry id. */
static Status apply_entry(MetaStore *store, CatalogSnapshot *base, const JournalEntry *entry, Diag *diag, CatalogSnapshot **out_next)
{
    LabelKeeper keeper = {store, entry->id};
    ChangeListener listener = {&keeper, remember_label, forget_labels, drop_label};
    return change_apply(base, change_of(entry), entry->id, entry->time_us, &listener, diag, out_next);
}

void store_list_unknown(void *context, const JournalEntry *entry, ByteBuf *out_names)
{
    (void)context;
    if (entry->kind == ENTRY_CHANGE)
        change_list_unknown(entry->bytes, out_names);
}

static bool lies_behind(const MetaOpen *options, const JournalEntry *entry)
{
    return (options->until_entry != 0 && entry->id > options->until_entry) ||
           (options->until_time_us != 0 && entry->time_us > options->until_time_us);
}

Status store_replay(void *context, const JournalEntry *entry, Diag *diag)
{
    MetaStore *store = context;
    CatalogSnapshot *next;
    LOCK_GUARD(&store->lock);
    if (entry->id <= store->published->entry_id)
        return OK; /* an earlier reading of the batch came to it, and failed behind it */
    if (store->is_past || lies_behind(&store->options, entry)) {
        if (!store->is_past)
            store->first_behind_us = entry->time_us;
        store->is_past = true;
        return OK;
    }
    if (store->is_opening) {
        LabelKeeper keeper = {store, entry->id};
        ChangeListener listener = {&keeper, remember_label, forget_labels, drop_label};
        TRY(change_apply_in_place(store->published, change_of(entry), entry->id, entry->time_us, &listener, diag));
        label_set_settle(store->labels, entry->id);
        return OK;
    }
    TRY(apply_entry(store, store->published, entry, diag, &next));
    store_publish(store, next);
    return OK;
}

/* No append is under way and nobody else may begin one. Whatever others appended meanwhile is taken over first:
 * a put of a process that is gone can land late. */
static Status take_lead(MetaStore *store, Diag *diag)
{
    JournalReader reader = {store, store_replay, store_list_unknown};
    Status status = ERR_RETRY;
    for (int claim = 0; claim < CLAIMS && status == ERR_RETRY; claim++) {
        diag_reset(diag);
        status = journal_claim(&store->journal, diag);
        if (status != ERR_RETRY)
            break;
        Diag trouble = {0};
        Status followed = journal_follow(&store->journal, &reader, &trouble);
        if (followed != OK) {
            diag_reset(diag);
            return diag_raise(diag, followed, "%s", trouble.message);
        }
    }
    return status;
}

/* The tentative catalog starts again from the published one; ids from beyond what the journal knows. */
Status store_begin_lead(MetaStore *store, Diag *diag)
{
    atomic_store(&store->is_confirmed, true); /* a claim confirms first */
    JournalEntry epoch = {.id = store->journal.next_entry_id - 1, .kind = ENTRY_EPOCH};
    CatalogSnapshot *next;
    TRY(apply_entry(store, store->published, &epoch, diag, &next));
    store_publish(store, next);
    catalog_unref(store->tentative);
    store->tentative = catalog_ref(store->published);
    store->next_entry_id = store->journal.next_entry_id;
    store->next_id = store->id_limit = store->published->next_id;
    store->leads = true;
    store->epoch = store->journal.epoch;
    return OK;
}

/* The newest image, and the journal from there. */
static Status read_state(MetaStore *store, Volume *volume, const JournalReader *reader, Diag *diag)
{
    ImageSearch search = {0};
    TRY(journal_find(&store->journal, volume, store->options.incarnation, store->options.is_read_only, diag));
    Status status = store_load_image(store, &search, diag);
    if (status == OK)
        status = store_check_reached(store, &search, journal_follow(&store->journal, reader, diag), diag);
    bytebuf_deinit(&search.damaged);
    return status;
}

static Status check_format_level(const CatalogSnapshot *catalog, Diag *diag)
{
    uint32_t level = meta_format_level(catalog);
    if (level <= format_level_supported())
        return OK;
    return RAISE(diag, FORMAT_TOO_NEW, "this cluster was finalized at format level %u, this version reads up to %u: nothing was changed", level,
                 format_level_supported());
}

/* A time before the first entry is a slip: the state of nothing is not what anybody wants. */
static Status check_begun(const MetaStore *store, Diag *diag)
{
    char began[32];
    if (store->options.until_time_us == 0 || store->published->entry_id > 0 || !store->is_past)
        return OK;
    began[datetime_print(store->first_behind_us - store->first_behind_us % 1000000, began)] = '\0';
    return RAISE(diag, BAD_VALUE, "nothing is known of that time: the cluster began at %s UTC", began);
}

static Status open_store(MetaStore *store, Volume *volume, Diag *diag)
{
    JournalReader reader = {store, store_replay, store_list_unknown};
    FAULT("start.before_replay", diag);
    store->is_opening = true;
    Status opened = read_state(store, volume, &reader, diag);
    store->is_opening = false;
    TRY(opened);
    TRY(check_begun(store, diag));
    if (!store->options.is_read_only) /* a look at history, beside a store that writes */
        take_format_level(store->published);
    TRY(check_format_level(store->published, diag));
    store_note_cut(store);
    FAULT("start.after_replay", diag);
    atomic_store(&store->is_confirmed, store->journal.unconfirmed.length == 0 && store->journal.unconfirmed_record.length == 0);
    store->tentative = catalog_ref(store->published);
    store->next_entry_id = store->journal.next_entry_id;
    store->next_id = store->id_limit = store->published->next_id;
    store->epoch = store->journal.epoch;
    if (store->follows)
        return OK;
    Diag trouble = {0};
    Status status = take_lead(store, &trouble);
    if (status == OK)
        return store_begin_lead(store, diag);
    ImageSearch begun = {.newest_entry_id = store->image_entry_id};
    if (status == ERR_CORRUPT) /* trimmed between the reading and the claim? */
        status = store_check_reached(store, &begun, status, &trouble);
    if (status == ERR_RETRY || status == ERR_READ_ONLY || error_info(status)->error_class == ERROR_CLASS_CORRUPT)
        return diag_raise(diag, status, "%s", trouble.message);
    LOG_WARN("meta", "nothing can be written now: %s", trouble.message);
    return OK;
}

static MetaStore *new_store(const MetaOpen *options)
{
    MetaStore *store = mem_alloc_zero(sizeof(*store));
    store->options = *options;
    store->follows = options->follows || options->is_read_only;
    store->gates = table_gates_open();
    mutex_init(&store->lock);
    mutex_init(&store->image_lock);
    store->retention_us = RETENTION_HOURS * INT64_C(3600) * 1000000;
    store->limits = (CheckpointLimits){DUE_OBJECTS, DUE_BYTES, DUE_US};
    condition_init(&store->changed);
    store->pins = snapshot_pins_open();
    store->labels = label_set_open();
    arena_init(&store->kept_arena, NULL);
    store->published = catalog_new_empty();
    return store;
}

/* The incarnation that was read is closed, and the next one not there yet: who closed it did not come to that. */
static Status finish_closing(const Journal *journal, Diag *diag)
{
    if (journal->is_read_only)
        return OK;
    FAULT("meta.finish_closing", diag);
    return incarnation_put(journal->volume, journal->incarnation + 1, bytebuf_view(&journal->next_record), diag);
}

Status meta_store_open_as(Volume *volume, const MetaOpen *options, Diag *diag, MetaStore **out_store)
{
    uint32_t again = 0;
    for (;;) {
        MetaStore *store = new_store(options);
        Status status = open_store(store, volume, diag);
        bool is_over = store->journal.is_closed && options->incarnation == 0 && !options->is_read_only;
        if (is_over && (status == OK || status == ERR_READ_ONLY)) {
            diag_reset(diag);
            status = finish_closing(&store->journal, diag);
        }
        if (status == OK && !is_over) {
            *out_store = store;
            return OK;
        }
        bool is_again = status != OK && store->was_overtaken && again++ < OPENINGS;
        meta_store_close(store);
        if (is_again) {
            LOG_WARN("meta", "what was to be read may have been trimmed: %s", diag->message);
            diag_reset(diag);
            continue;
        }
        TRY(status);
    }
}

Status meta_store_open(Volume *volume, Diag *diag, MetaStore **out_store)
{
    return meta_store_open_as(volume, &(MetaOpen){0}, diag, out_store);
}

Status meta_store_open_follower(Volume *volume, Diag *diag, MetaStore **out_store)
{
    return meta_store_open_as(volume, &(MetaOpen){.follows = true}, diag, out_store);
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

uint64_t meta_oldest_held(MetaStore *store)
{
    LOCK_GUARD(&store->lock);
    prune_earlier(store);
    uint64_t oldest = store->published->entry_id;
    for (uint32_t i = 0; i < store->earlier_count; i++)
        oldest = MIN(oldest, store->earlier[i]->entry_id);
    return oldest;
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
    *out_horizon = store->uncertain != NULL || !store->journal.is_leading ? 0 : store->next_id;
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

void meta_set_commit_observer(MetaStore *store, MetaObserve observe, void *context)
{
    LOCK_GUARD(&store->lock);
    store->observe = observe;
    store->observe_context = context;
}

/* Applies the change; where the observer adds to it, from the start. */
static Status apply_observed(MetaStore *store, Change *change, JournalEntry *entry, Diag *diag, CatalogSnapshot **out_next)
{
    size_t length = change->bytes.length;
    entry->bytes = bytebuf_view(&change->bytes);
    TRY(apply_entry(store, store->tentative, entry, diag, out_next));
    if (store->observe == NULL || change->is_whole_state || !change_has_definitions(change))
        return OK;
    store->observe(store->observe_context, store->tentative, *out_next, change);
    if (change->bytes.length == length)
        return OK;
    catalog_unref(*out_next);
    label_set_drop(store->labels, store->next_entry_id - 1);
    entry->bytes = bytebuf_view(&change->bytes);
    return apply_entry(store, store->tentative, entry, diag, out_next);
}

/* Builds, applies tentatively, and puts the entry into the open batch. Lock held. */
static Status join_batch(MetaStore *store, MetaBuild build, void *context, Diag *diag, Batch **out_batch)
{
    AUTO_CHANGE change = {0};
    TRY(build(context, store->tentative, &change, diag));
    *out_batch = NULL;
    if (change.bytes.length == 0)
        return OK;
    TRY(store_check_frozen(store->tentative, bytebuf_view(&change.bytes), diag));
    if (store->unsafe[0] != '\0')
        return RAISE(diag, VOLUME_UNSAFE, "%s", store->unsafe);
    JournalEntry entry = {.id = store->next_entry_id, .kind = ENTRY_CHANGE, .time_us = env_wall_us(store->journal.volume->environment)};
    CatalogSnapshot *next;
    Status status = apply_observed(store, &change, &entry, diag, &next);
    if (status != OK) {
        label_set_drop(store->labels, store->next_entry_id - 1);
        return status;
    }
    Batch *batch = open_batch(store);
    journal_put_entry(&batch->entries, ENTRY_CHANGE, entry.time_us, entry.bytes);
    batch->count++;
    store->next_entry_id++;
    catalog_unref(store->tentative);
    store->tentative = next;
    *out_batch = batch;
    return OK;
}

/* Forgets all that was built on top of what is published, or will be once the pending batch is settled. */
static void drop_tentative(MetaStore *store, Status status, const char *message)
{
    Batch *open = store->open;
    CatalogSnapshot *base = store->uncertain != NULL ? store->uncertain : store->published;
    if (open != NULL) {
        open->status = diag_raise(&open->diag, status, "%s", message);
        open->is_done = true;
        store->open = NULL;
    }
    catalog_unref(store->tentative);
    store->tentative = catalog_ref(base);
    store->next_entry_id = base->entry_id + 1;
    label_set_drop(store->labels, base->entry_id);
}

void store_depose(MetaStore *store, const Diag *diag)
{
    LOG_ERROR("meta", "deposed: %s", diag->message);
    store->follows = true;
    store->leads = false;
    drop_tentative(store, ERR_RETRY, diag->message);
}

static Status flush_and_append(MetaStore *store, Batch *batch)
{
    FAULT("meta.before_flush", &batch->diag);
    TRY(volume_flush(store->journal.volume, &batch->diag));
    FAULT("meta.after_flush", &batch->diag);
    return journal_append(&store->journal, bytebuf_view(&batch->entries), batch->count, &batch->diag);
}

static void count_batch(MetaCounts *counts, uint32_t entries)
{
    uint32_t size = 0;
    while (entries > meta_batch_sizes[size])
        size++;
    counts->batches++;
    counts->entries += entries;
    counts->by_size[size]++;
}

/* Appends the batch; the lock is released meanwhile. */
static void write_batch(MetaStore *store, Batch *batch)
{
    store->open = NULL;
    store->is_appending = true;
    uint64_t number = ++store->begun_batches;
    CatalogSnapshot *result = catalog_ref(store->tentative);
    mutex_unlock(&store->lock);
    Status status = flush_and_append(store, batch);
    FAULT_STEP("meta.before_publish");
    mutex_lock(&store->lock);
    store->is_appending = false;
    store->append_count++;
    batch->status = status;
    batch->is_done = true;
    if (status == OK) {
        store->proven_batches = number;
        count_batch(&store->counts, batch->count);
        store_publish(store, catalog_ref(result));
        FAULT_STEP("meta.after_publish");
    } else if (status == ERR_OUTCOME_UNKNOWN) {
        store->uncertain = catalog_ref(result); /* what was built on it since still holds */
    } else if (status == ERR_RETRY) {
        store_depose(store, &batch->diag);
    } else {
        drop_tentative(store, status, batch->diag.message);
    }
    catalog_unref(result);
    condition_broadcast(&store->changed);
}

Status store_settle(MetaStore *store, Diag *diag)
{
    store->is_appending = true;
    mutex_unlock(&store->lock);
    Status status = journal_settle(&store->journal, diag);
    mutex_lock(&store->lock);
    store->is_appending = false;
    store->append_count++;
    CatalogSnapshot *result = store->uncertain;
    if (status == OK || status == ERR_RETRY)
        store->uncertain = NULL;
    if (status == OK) {
        store_publish(store, result);
    } else if (status == ERR_RETRY) {
        catalog_unref(result);
        store_depose(store, diag);
    } else {
        drop_tentative(store, ERR_IO, "the metadata journal can't be written: nothing was changed");
    }
    condition_broadcast(&store->changed);
    return status;
}

Status meta_settle(MetaStore *store, Diag *diag)
{
    LOCK_GUARD(&store->lock);
    while (store->is_appending)
        condition_wait(&store->changed, &store->lock);
    return store->uncertain == NULL ? OK : store_settle(store, diag);
}

int64_t meta_settle_job(void *context, const _Atomic bool *stopping)
{
    Diag diag = {0};
    (void)stopping;
    if (meta_settle(context, &diag) != OK)
        LOG_WARN("meta", "the outcome of an append is still unknown: %s", diag.message);
    return SETTLE_US;
}

int64_t meta_probe_job(void *context, const _Atomic bool *stopping)
{
    enum { PROBE_US = 60 * 60 * 1000000LL, AGAIN_US = 60 * 1000000LL };
    MetaStore *store = context;
    Diag diag = {0};
    (void)stopping;
    Status status = volume_probe(store->journal.volume, &diag);
    if (status != OK)
        LOG_ERROR("meta", "probe of the volume: %s", diag.message);
    if (status != OK && status != ERR_VOLUME_UNSAFE) /* nothing is known */
        return AGAIN_US;
    LOCK_GUARD(&store->lock);
    snprintf(store->unsafe, sizeof(store->unsafe), "%s", status == OK ? "" : diag.message);
    return status == OK ? PROBE_US : AGAIN_US;
}

/* Takes the lead where that was not possible at the start. Lock held, released meanwhile. */
static Status need_lead(MetaStore *store, Diag *diag)
{
    while (store->is_appending)
        condition_wait(&store->changed, &store->lock);
    if (store->follows)
        return RAISE(diag, RETRY, "another node leads the metadata journal: this node only reads");
    if (store->journal.is_leading)
        return OK;
    if (store->uncertain != NULL) /* a claim would take what is pending for its own */
        TRY(store_settle(store, diag));
    store->is_appending = true;
    mutex_unlock(&store->lock);
    Diag trouble = {0};
    Status status = take_lead(store, &trouble);
    mutex_lock(&store->lock);
    store->is_appending = false;
    store->append_count++;
    if (status == OK)
        status = store_begin_lead(store, &trouble);
    condition_broadcast(&store->changed);
    if (status == ERR_OUTCOME_UNKNOWN) /* nothing of the statement was sent */
        status = ERR_IO;
    return status == OK ? OK : diag_raise(diag, status, "nothing was changed: %s", trouble.message);
}

static void leave_batch(Batch *batch)
{
    if (--batch->waiters > 0)
        return;
    bytebuf_deinit(&batch->entries);
    mem_free(batch);
}

/* Waits for the batch, or does what there is to do for it. Lock held. */
static void push_batch(MetaStore *store, const Batch *batch)
{
    Diag trouble = {0};
    if (store->is_appending || store->open != batch)
        condition_wait(&store->changed, &store->lock);
    else if (store->uncertain != NULL)
        status_ignore(store_settle(store, &trouble)); /* what goes wrong is told to the batch */
    else
        write_batch(store, store->open);
}

/* Nothing had to be changed; but what that rests on may not be durable yet. Waits until it is, or is no more. */
static Status push_tentative(MetaStore *store, Diag *diag)
{
    if (store->uncertain != NULL && !store->is_appending)
        return store_settle(store, diag);
    if (store->is_appending)
        condition_wait(&store->changed, &store->lock);
    else if (store->open != NULL)
        write_batch(store, store->open); /* what goes wrong is told to those who wait for it */
    return OK;
}

Status meta_commit(MetaStore *store, MetaBuild build, void *context, Diag *diag)
{
    Batch *batch;
    LOCK_GUARD(&store->lock);
    for (;;) {
        if (store->follows || !store->journal.is_leading)
            TRY(need_lead(store, diag));
        TRY(join_batch(store, build, context, diag, &batch));
        if (batch != NULL)
            break;
        if (store->tentative->entry_id == store->published->entry_id)
            return OK;
        TRY(push_tentative(store, diag));
    }
    batch->waiters++;
    while (!batch->is_done)
        push_batch(store, batch);
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
    FAULT("meta.id_block", diag);
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

const Environment *meta_environment(const MetaStore *store)
{
    return store->journal.volume->environment;
}

void meta_object_path(const MetaStore *store, uint64_t id, const char *suffix, char out_path[META_OBJECT_PATH_BYTES])
{
    enum { IDS_A_DIRECTORY = 1024, DIRECTORIES = 512 };
    snprintf(out_path, META_OBJECT_PATH_BYTES, "data/%llu/%03llu/%012llu.%s", (unsigned long long)meta_incarnation(store),
             (unsigned long long)(id / IDS_A_DIRECTORY % DIRECTORIES), (unsigned long long)id, suffix);
}

uint64_t meta_incarnation(const MetaStore *store)
{
    return store->journal.incarnation;
}

void meta_identity(const MetaStore *store, Incarnation *out)
{
    *out = store->journal.record;
}

StrView meta_cluster_secret(const MetaStore *store)
{
    return strview(store->journal.record.cluster);
}

MetaCounts meta_counts(MetaStore *store)
{
    LOCK_GUARD(&store->lock);
    return store->counts;
}

uint64_t meta_journal_entries(MetaStore *store)
{
    LOCK_GUARD(&store->lock);
    return store->follows ? store->published->entry_id : store->next_entry_id - 1;
}

TableGates *meta_gates(const MetaStore *store)
{
    return store->gates;
}
