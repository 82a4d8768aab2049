#include "base/hash.h"

/* Wraps xxHash, so that its header stays out of the tree's own headers. */

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/memory.h"

uint64_t hash_bytes(const void *data, size_t length)
{
    return XXH3_64bits(data, length);
}

uint64_t checksum_bytes(const void *data, size_t length)
{
    return XXH3_64bits(data, length);
}

struct ChecksumStream {
    XXH3_state_t *state;
};

ChecksumStream *checksum_stream_open(void)
{
    ChecksumStream *stream = mem_alloc_zero(sizeof(*stream));
    stream->state = XXH3_createState();
    ASSERT(stream->state != NULL);
    (void)XXH3_64bits_reset(stream->state);
    return stream;
}

void checksum_stream_add(ChecksumStream *stream, const void *data, size_t length)
{
    (void)XXH3_64bits_update(stream->state, data, length);
}

uint64_t checksum_stream_value(const ChecksumStream *stream)
{
    return XXH3_64bits_digest(stream->state);
}

void checksum_stream_close(ChecksumStream *stream)
{
    if (stream == NULL)
        return;
    (void)XXH3_freeState(stream->state);
    mem_free(stream);
}
