#include "meta/store_int.h"

/* Following and electing. A follower asks for the journal's next object by name, publishes what is there, and asks again.
 * The leader asks too: an object that is not its own says that it was deposed without having appended since. Taking
 * the lead is one epoch entry at the end of what was read; of several candidates one succeeds, the others read its
 * entry and follow. is_appending keeps commits, claims and following apart. */

/* Lock held. Nobody else appends, settles or follows until end_turn(). */
static void begin_turn(MetaStore *store)
{
    while (store->is_appending)
        condition_wait(&store->changed, &store->lock);
    store->is_appending = true;
    mutex_unlock(&store->lock);
}

static void end_turn(MetaStore *store)
{
    mutex_lock(&store->lock);
    store->is_appending = false;
    store->append_count++;
    store->epoch = store->journal.epoch;
    store_note_cut(store);
    condition_broadcast(&store->changed);
}

bool meta_is_leading(MetaStore *store)
{
    LOCK_GUARD(&store->lock);
    return store->leads && !store->follows;
}

/* Lock held. */
static Status check_current(const MetaStore *store, Diag *diag)
{
    if (!store->journal.is_closed)
        return OK;
    return RAISE(diag, READ_ONLY,
                 "incarnation %llu of the cluster has ended, for it was restored: start this server again to go on with the next one",
                 (unsigned long long)store->journal.incarnation);
}

Status meta_check_current(MetaStore *store, Diag *diag)
{
    LOCK_GUARD(&store->lock);
    return check_current(store, diag);
}

uint64_t meta_epoch(MetaStore *store)
{
    LOCK_GUARD(&store->lock);
    return store->epoch;
}

static Status poll_others(MetaStore *store, Diag *diag)
{
    JournalReader reader = {store, store_replay, store_list_unknown};
    return journal_poll(&store->journal, &reader, diag);
}

/* Lock held, released meanwhile. An append that is under way may be seen by followers already: its end is awaited, and it
 * finds out itself who leads. */
static Status watch_as_leader(MetaStore *store, Diag *diag)
{
    uint64_t appends = store->append_count;
    while (store->is_appending && store->append_count == appends)
        condition_wait(&store->changed, &store->lock);
    if (store->append_count != appends || store->is_appending || store->follows || store->uncertain != NULL)
        return OK;
    uint64_t sequence = store->journal.next_sequence;
    bool is_there = false;
    mutex_unlock(&store->lock);
    Status status = journal_has(&store->journal, sequence, &is_there, diag);
    mutex_lock(&store->lock);
    if (status != OK || !is_there || store->follows || store->is_appending || store->journal.next_sequence != sequence)
        return status; /* what is there is an append of this node's own */
    Diag found = {0};
    status_ignore(RAISE(&found, RETRY, "another node has taken over the metadata journal"));
    store->journal.is_leading = false;
    store_depose(store, &found);
    return OK;
}

Status meta_follow(MetaStore *store, Diag *diag)
{
    LOCK_GUARD(&store->lock);
    if (!store->follows)
        TRY(watch_as_leader(store, diag));
    if (!store->follows || store->journal.is_pending) /* a claim of its own is under way: meta_take_lead() settles it */
        return OK;
    TRY(check_current(store, diag));
    begin_turn(store);
    Status status = poll_others(store, diag);
    end_turn(store);
    return status;
}

/* ---- reading what is acknowledged anywhere ---- */

/* Lock held, released meanwhile. True: a batch that began after the call was appended, or the journal has no object behind what is
 * published. RETRY: this node was deposed. */
static Status prove_lead(MetaStore *store, uint64_t begun, bool *out_is_proven, Diag *diag)
{
    Diag found = {0};
    uint64_t appends = store->append_count, sequence = store->journal.next_sequence;
    bool is_there = false;
    *out_is_proven = store->proven_batches > begun;
    if (*out_is_proven)
        return OK;
    if (store->is_appending) {
        while (store->is_appending && store->append_count == appends)
            condition_wait(&store->changed, &store->lock);
        return OK;
    }
    if (store->uncertain != NULL) {
        Status settled = store_settle(store, &found);
        return settled == OK || settled == ERR_RETRY ? OK : diag_raise(diag, settled, "%s", found.message);
    }
    mutex_unlock(&store->lock);
    Status status = journal_has(&store->journal, sequence, &is_there, diag);
    mutex_lock(&store->lock);
    TRY(status);
    *out_is_proven = !is_there;
    if (!is_there || store->follows || store->is_appending || store->uncertain != NULL || store->journal.next_sequence != sequence)
        return OK; /* what is there may be an append of this node's own: once more */
    status_ignore(RAISE(&found, RETRY, "another node has taken over the metadata journal"));
    store->journal.is_leading = false;
    store_depose(store, &found);
    return OK;
}

/* A claim of this node is under way: taking the lead settles it. Lock held, released meanwhile. */
static Status await_claim(MetaStore *store, Diag *diag)
{
    enum { TURNS = 200, TURN_US = 10000 };
    for (int i = 0; i < TURNS && store->follows && store->journal.is_pending; i++)
        condition_wait_us(&store->changed, &store->lock, TURN_US);
    if (store->follows && store->journal.is_pending)
        return RAISE(diag, RETRY, "it is not known yet which node leads: try again");
    return OK;
}

Status meta_sync(MetaStore *store, Diag *diag)
{
    LOCK_GUARD(&store->lock);
    uint64_t begun = store->begun_batches;
    for (;;) {
        bool is_proven;
        if (store->follows)
            TRY(await_claim(store, diag));
        if (store->follows)
            break;
        TRY(prove_lead(store, begun, &is_proven, diag));
        if (is_proven)
            return OK;
    }
    TRY(check_current(store, diag));
    begin_turn(store);
    Status status = poll_others(store, diag);
    end_turn(store);
    return status;
}

/* What this node sent while it led, and never heard of, is no claim. Lock held, released meanwhile. */
static Status settle_first(MetaStore *store, Diag *diag)
{
    while (store->is_appending)
        condition_wait(&store->changed, &store->lock);
    if (store->uncertain == NULL)
        return OK;
    Diag found = {0};
    Status status = store_settle(store, &found);
    return status == OK || status == ERR_RETRY ? OK : diag_raise(diag, status, "%s", found.message); /* either is certain */
}

Status meta_take_lead(MetaStore *store, Diag *diag)
{
    LOCK_GUARD(&store->lock);
    if (!store->follows && store->journal.is_leading)
        return OK;
    TRY(settle_first(store, diag));
    begin_turn(store);
    Status status = store->journal.is_pending ? OK : poll_others(store, diag);
    if (status == OK)
        status = journal_claim(&store->journal, diag);
    Diag trouble = {0};
    if (status == ERR_RETRY && poll_others(store, &trouble) != OK)
        diag_add_context(diag, "and its entry can't be read (%s)", trouble.message);
    end_turn(store);
    TRY(status);
    TRY(store_begin_lead(store, diag));
    store->follows = false;
    return OK;
}

void meta_step_down(MetaStore *store)
{
    Diag told = {0};
    LOCK_GUARD(&store->lock);
    while (store->is_appending)
        condition_wait(&store->changed, &store->lock);
    status_ignore(RAISE(&told, RETRY, "this node hands the lead over"));
    store->journal.is_leading = false;
    store_depose(store, &told);
}
