#pragma once
/* The keys of a tablet's segments, hashed, a page at a time. */

#include "format/segment.h"
#include "storage/delete_vector.h"
#include "volume/volume.h"

typedef struct KeyHash {
    uint64_t low, high;
} KeyHash;

/* keys: one a key column; out_hashes: dense, one a row. */
void key_hashes(const Vector *const *keys, uint32_t key_count, uint32_t row_count, KeyHash *out_hashes);
/* The same of one integer column. */
void key_hashes_of_integers(const int64_t *values, uint32_t count, KeyHash *out_hashes);

typedef struct PrimaryIndexInput {
    Volume *volume;
    uint64_t tablet_id;
    const SegmentRef *segments;
    uint32_t segment_count;
    const SegmentColumn *keys;
    uint32_t key_count;
} PrimaryIndexInput;

typedef struct KeyPage {
    uint64_t segment_id;
    uint32_t segment; /* of the input */
    uint32_t first_row;
    uint32_t count;
    const KeyHash *keys;
    const DeleteVector *deletes; /* of the segment */
} KeyPage;

/* Calls visit for the pages of one segment, in order. */
Status key_pages_read(const PrimaryIndexInput *input, uint32_t segment, Status (*visit)(void *context, const KeyPage *page, Diag *diag),
                      void *context, Diag *diag);
/* All keys of a segment; in arena. */
Status key_pages_load(const PrimaryIndexInput *input, uint32_t segment, Arena *arena, Diag *diag, const KeyHash **out_keys);
