#pragma once
/* DELTA_BINARY_PACKED: integers as differences from the one before, in blocks of miniblocks.
 *
 * Head: varints values a block, miniblocks a block, values in all, and zigzag the first value. A block: zigzag its least difference,
 * a byte of width a miniblock, then the miniblocks, packed. Bytes have BITPACK_SLACK readable bytes behind them. */

#include "base/bytes.h"

enum { DELTA_STEP = 32 }; /* values of a miniblock come in multiples of it */

typedef struct DeltaReader {
    ByteReader bytes;
    uint32_t mini_count, mini_values;
    uint64_t left;          /* values to come, of all */
    uint64_t last;          /* the value before */
    int64_t least;          /* of the block */
    bool is_first;
    const uint8_t *widths;  /* of the block's miniblocks that follow */
    uint32_t minis_left;    /* of the block */
    uint32_t mini_left;     /* values of the miniblock */
    uint32_t width;         /* of the miniblock */
    uint32_t ready_at, ready_count;
    uint64_t ready[DELTA_STEP]; /* values that are decoded and not taken */
} DeltaReader;

/* False: the head is bad. */
bool delta_open(DeltaReader *reader, const uint8_t *bytes, size_t length);
/* The next count values, as 64 or (cut) 32 bits. False: there are no more, or the bytes are bad. */
bool delta_read_i64(DeltaReader *reader, uint32_t count, int64_t *out);
bool delta_read_i32(DeltaReader *reader, uint32_t count, int32_t *out);
/* Where the bytes of such a sequence end, without decoding it; NULL: it is bad. */
const uint8_t *delta_end(const uint8_t *bytes, size_t length);
