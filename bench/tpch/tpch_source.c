#include "tpch/tpch_source.h"

#include "base/thread.h"

/* Chunk n lives in slot n modulo the number of slots. A thread takes the next chunk number, waits
 * until the reader is done with the slot's former chunk, and fills it; the reader waits for the
 * chunk it wants. One mutex guards the counters and the flags; buffers are filled and read outside
 * of it. Chunks are taken in order and the oldest always has its slot, so neither side can wait for
 * ever. */

enum {
    CHUNK_MAX_BYTES = 1 << 20, /* what its keys can take at most; fits the second-level cache */
    SLOTS_PER_THREAD = 2,
    SOURCE_MAX_THREADS = 64,
};

typedef struct SourceSlot {
    char *data;
    size_t length;
    bool ready;
} SourceSlot;

struct TpchSource {
    const TpchTable *table;
    const TpchContext *context;
    int64_t num_keys;
    int64_t keys_per_chunk;
    int64_t num_chunks;
    uint32_t num_threads; /* that run */
    uint32_t num_slots;
    SourceSlot *slots;
    Mutex mutex; /* guards all below and `ready` of the slots */
    Condition slot_ready;
    Condition slot_free;
    int64_t next_taken; /* by a thread */
    int64_t num_read;   /* chunks the reader is done with */
    bool reading;       /* the reader holds chunk num_read */
    bool closed;
    Thread threads[SOURCE_MAX_THREADS];
};

/* Takes a chunk number and waits for its slot; false when there is nothing left to do. */
static bool source_take(TpchSource *source, int64_t *out_chunk)
{
    LOCK_GUARD(&source->mutex);
    if (source->next_taken == source->num_chunks)
        return false;
    *out_chunk = source->next_taken++;
    while (!source->closed && *out_chunk >= source->num_read + source->num_slots)
        condition_wait(&source->slot_free, &source->mutex);
    return !source->closed;
}

static void source_run(void *argument)
{
    TpchSource *source = argument;
    int64_t chunk;
    while (source_take(source, &chunk)) {
        SourceSlot *slot = &source->slots[chunk % source->num_slots];
        int64_t done = chunk * source->keys_per_chunk;
        int64_t left = source->num_keys - done;
        int64_t count = left < source->keys_per_chunk ? left : source->keys_per_chunk;
        char *end = source->table->generate(source->context, done + 1, count, slot->data);
        slot->length = (size_t)(end - slot->data);
        LOCK_GUARD(&source->mutex);
        slot->ready = true;
        condition_signal(&source->slot_ready);
    }
}

static TpchSource *source_new(const TpchTable *table, const TpchContext *context,
                              uint32_t num_threads)
{
    TpchSource *source = mem_alloc_zero(sizeof(*source));
    source->table = table;
    source->context = context;
    source->num_keys = table->num_keys(&context->scale);
    source->keys_per_chunk = (int64_t)(CHUNK_MAX_BYTES / table->key_max_bytes);
    source->num_chunks =
        (source->num_keys + source->keys_per_chunk - 1) / source->keys_per_chunk;
    source->num_slots = num_threads * SLOTS_PER_THREAD;
    source->slots = mem_alloc_zero(source->num_slots * sizeof(SourceSlot));
    mutex_init(&source->mutex);
    condition_init(&source->slot_ready);
    condition_init(&source->slot_free);
    return source;
}

Status tpch_source_open(const TpchTable *table, const TpchContext *context, uint32_t num_threads,
                        TpchSource **out_source, Diag *diag)
{
    if (num_threads > SOURCE_MAX_THREADS)
        num_threads = SOURCE_MAX_THREADS;
    TpchSource *source = source_new(table, context, num_threads);
    for (uint32_t i = 0; i < source->num_slots; i++)
        source->slots[i].data = mem_alloc(CHUNK_MAX_BYTES);
    for (; source->num_threads < num_threads; source->num_threads++) {
        Thread *thread = &source->threads[source->num_threads];
        Status status = thread_start(thread, "tpch-rows", source_run, source, diag);
        if (status == OK)
            continue;
        tpch_source_close(source);
        return status;
    }
    *out_source = source;
    return OK;
}

StrView tpch_source_next(TpchSource *source)
{
    LOCK_GUARD(&source->mutex);
    if (source->reading) {
        source->reading = false;
        source->slots[source->num_read % source->num_slots].ready = false;
        source->num_read++;
        condition_broadcast(&source->slot_free);
    }
    if (source->num_read == source->num_chunks)
        return (StrView){0};
    SourceSlot *slot = &source->slots[source->num_read % source->num_slots];
    while (!slot->ready)
        condition_wait(&source->slot_ready, &source->mutex);
    source->reading = true;
    return strview_n(slot->data, slot->length);
}

void tpch_source_close(TpchSource *source)
{
    if (source == NULL)
        return;
    mutex_lock(&source->mutex);
    source->closed = true;
    condition_broadcast(&source->slot_free);
    mutex_unlock(&source->mutex);
    for (uint32_t i = 0; i < source->num_threads; i++)
        thread_join(&source->threads[i]);
    for (uint32_t i = 0; i < source->num_slots; i++)
        mem_free(source->slots[i].data);
    mem_free(source->slots);
    condition_deinit(&source->slot_ready);
    condition_deinit(&source->slot_free);
    mutex_deinit(&source->mutex);
    mem_free(source);
}
