#include "storage/key_probe.h"

/* A bit map of the batch's hashes, small enough for the cache, answers for most rows. */

enum {
    FILTER_SHARE = 16, /* bits a key, at least */
    AHEAD = 12,
};

typedef struct Probe {
    const PrimaryIndex *batch;
    uint64_t *filter;
    uint64_t mask;
    KeyProbeVisit visit;
    void *context;
} Probe;

static inline uint64_t filter_bit(const Probe *probe, KeyHash key)
{
    return key.high >> 16 & probe->mask;
}

static Status look_up_page(void *context, const KeyPage *page, Diag *diag)
{
    const Probe *probe = context;
    uint16_t hits[CHUNK_ROWS];
    (void)diag;
    for (uint32_t first = 0; first < page->count; first += CHUNK_ROWS) {
        uint32_t end = MIN(page->count, first + (uint32_t)CHUNK_ROWS);
        uint32_t count = 0;
        for (uint32_t i = first; i < end; i++) {
            uint64_t bit = filter_bit(probe, page->keys[i]);
            hits[count] = (uint16_t)(i - first);
            count += probe->filter[bit / 64] >> (bit % 64) & 1;
        }
        for (uint32_t h = 0; h < count; h++) {
            uint32_t at = first + hits[h];
            if (h + AHEAD < count)
                primary_index_fetch(probe->batch, page->keys[first + hits[h + AHEAD]]);
            uint32_t row = page->first_row + at;
            if (!delete_vector_has(page->deletes, row) && primary_index_has(probe->batch, page->keys[at]))
                probe->visit(probe->context, page->segment, row, page->keys[at]);
        }
    }
    return OK;
}

Status key_probe(const PrimaryIndexInput *input, const PrimaryIndex *batch, const KeyHash *keys, uint32_t key_count, KeyProbeVisit visit,
                 void *context, Diag *diag)
{
    Probe probe = {.batch = batch, .mask = 63, .visit = visit, .context = context};
    while (probe.mask + 1 < (uint64_t)key_count * FILTER_SHARE)
        probe.mask = probe.mask * 2 + 1;
    probe.filter = mem_alloc_zero((probe.mask + 1) / 8);
    for (uint32_t i = 0; i < key_count; i++)
        probe.filter[filter_bit(&probe, keys[i]) / 64] |= 1ull << (filter_bit(&probe, keys[i]) % 64);
    Status status = OK;
    for (uint32_t s = 0; s < input->segment_count && status == OK; s++)
        status = key_pages_read(input, s, look_up_page, &probe, diag);
    mem_free(probe.filter);
    return status;
}
