#include "meta/journal_ahead.h"

/* A ring of slots, of consecutive sequences from the next one to be taken on. Threads claim slots in order; nothing is claimed behind a
 * batch that was not there, nor while what lies in the ring is large. */

#include "base/thread.h"
#include "meta/journal.h"
#include "meta/journal_int.h"

enum { SLOTS = 64, THREADS = 32, MOST_BYTES = 64 << 20 };

typedef struct Slot {
    ByteBuf batch;
    bool is_done, is_there;
} Slot;

struct JournalAhead {
    Volume *volume;
    uint64_t incarnation;
    Mutex lock; /* guards all below */
    Condition has_room, has_news;
    Slot slots[SLOTS];   /* by sequence % SLOTS */
    uint64_t taken;      /* next to be taken */
    uint64_t claimed;    /* next to be got */
    uint64_t held_bytes; /* in slots */
    bool is_over;        /* nothing more is claimed */
    Thread threads[THREADS];
    uint32_t thread_count;
};

/* Lock held. */
static bool wait_for_room(JournalAhead *ahead)
{
    while (!ahead->is_over && (ahead->claimed - ahead->taken >= SLOTS || ahead->held_bytes > MOST_BYTES))
        condition_wait(&ahead->has_room, &ahead->lock);
    return !ahead->is_over;
}

static void get_batches(void *argument)
{
    JournalAhead *ahead = argument;
    LOCK_GUARD(&ahead->lock);
    while (wait_for_room(ahead)) {
        char path[JOURNAL_PATH_BYTES];
        Diag unused = {0};
        uint64_t sequence = ahead->claimed++;
        Slot *slot = &ahead->slots[sequence % SLOTS];
        mutex_unlock(&ahead->lock);
        journal_batch_path(path, ahead->incarnation, sequence);
        Status status = volume_get(ahead->volume, path, &slot->batch, &unused);
        mutex_lock(&ahead->lock);
        slot->is_done = true;
        slot->is_there = status == OK;
        ahead->held_bytes += slot->batch.length;
        ahead->is_over |= status != OK;
        condition_broadcast(&ahead->has_news);
        if (ahead->is_over)
            condition_broadcast(&ahead->has_room);
    }
}

JournalAhead *journal_ahead_open(Volume *volume, uint64_t incarnation, uint64_t sequence)
{
    if (!volume_can_prefetch(volume) || thread_ops != NULL)
        return NULL;
    JournalAhead *ahead = mem_alloc_zero(sizeof(*ahead));
    ahead->volume = volume;
    ahead->incarnation = incarnation;
    ahead->taken = ahead->claimed = sequence;
    mutex_init(&ahead->lock);
    condition_init(&ahead->has_room);
    condition_init(&ahead->has_news);
    Diag unused = {0};
    while (ahead->thread_count < THREADS &&
           thread_start(&ahead->threads[ahead->thread_count], "journal ahead", get_batches, ahead, &unused) == OK)
        ahead->thread_count++;
    if (ahead->thread_count > 0)
        return ahead;
    journal_ahead_close(ahead);
    return NULL;
}

bool journal_ahead_take(JournalAhead *ahead, uint64_t sequence, ByteBuf *out_batch)
{
    LOCK_GUARD(&ahead->lock);
    CHECK(sequence == ahead->taken);
    Slot *slot = &ahead->slots[sequence % SLOTS];
    while (!slot->is_done && !(ahead->is_over && ahead->claimed <= sequence))
        condition_wait(&ahead->has_news, &ahead->lock);
    bool is_there = slot->is_done && slot->is_there;
    if (is_there)
        bytebuf_append_view(out_batch, bytebuf_view(&slot->batch));
    ahead->held_bytes -= slot->batch.length;
    bytebuf_deinit(&slot->batch);
    *slot = (Slot){0};
    ahead->taken++;
    ahead->claimed = MAX(ahead->claimed, ahead->taken);
    condition_signal(&ahead->has_room);
    return is_there;
}

void journal_ahead_close(JournalAhead *ahead)
{
    if (ahead == NULL)
        return;
    mutex_lock(&ahead->lock);
    ahead->is_over = true;
    condition_broadcast(&ahead->has_room);
    mutex_unlock(&ahead->lock);
    for (uint32_t t = 0; t < ahead->thread_count; t++)
        thread_join(&ahead->threads[t]);
    for (uint32_t s = 0; s < SLOTS; s++)
        bytebuf_deinit(&ahead->slots[s].batch);
    condition_deinit(&ahead->has_room);
    condition_deinit(&ahead->has_news);
    mutex_deinit(&ahead->lock);
    mem_free(ahead);
}
