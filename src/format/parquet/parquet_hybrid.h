#pragma once
/* The hybrid of run lengths and bit packing, in which levels, dictionary codes and booleans are stored.
 *
 * A run is a varint head and its body: an even head is head / 2 times one value of whole bytes, an odd one is head / 2 groups of
 * eight values, packed as codec/bitpack.h has them. Bytes have BITPACK_SLACK readable bytes behind them. */

#include "base/bytes.h"

typedef struct HybridReader {
    const uint8_t *cursor, *end;
    uint32_t width;  /* bits of a value, at most 32 */
    uint32_t left;   /* values of the run that are not read yet */
    uint32_t done;   /* of a packed run: values that are */
    const uint8_t *packed; /* where the run's values are; NULL: it is value, repeated */
    uint32_t value;
} HybridReader;

static inline HybridReader hybrid_reader(const uint8_t *bytes, size_t length, uint32_t width)
{
    return (HybridReader){.cursor = bytes, .end = bytes + length, .width = width};
}
/* The next count values, out_width (1, 2, 4) bytes each. False: there are no more, or the bytes are bad. */
bool hybrid_read(HybridReader *reader, uint32_t count, uint32_t out_width, void *out);
/* Are the next count values all this one, as far as one run tells? Steps over them if so. */
bool hybrid_skip_run(HybridReader *reader, uint32_t count, uint32_t value);

/* Appends values as such a hybrid: runs of eight and more by length, the rest packed. */
void hybrid_append(ByteBuf *out, const uint32_t *values, uint32_t count, uint32_t width);
