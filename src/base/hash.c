#include "base/hash.h"

/* Wraps xxHash, so that its header stays out of the tree's own headers. */

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash_bytes(const void *data, size_t length)
{
    return XXH3_64bits(data, length);
}

uint64_t checksum_bytes(const void *data, size_t length)
{
    return XXH3_64bits(data, length);
}
