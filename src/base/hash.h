#pragma once
/* Hashing for in-memory tables (seeded, never stored) and XXH3 for stored checksums. */

#include "base/compiler.h"

uint64_t hash_bytes(const void *data, size_t length);          /* XXH3 64 */
uint64_t checksum_bytes(const void *data, size_t length);      /* XXH3 64, the stored checksum */

/* The checksum of bytes that come in pieces: the same however they are cut. */
typedef struct ChecksumStream ChecksumStream;
ChecksumStream *checksum_stream_open(void);
void checksum_stream_add(ChecksumStream *stream, const void *data, size_t length);
uint64_t checksum_stream_value(const ChecksumStream *stream);
void checksum_stream_close(ChecksumStream *stream);
static inline void checksum_stream_close_guard(ChecksumStream **stream)
{
    checksum_stream_close(*stream);
}
#define AUTO_CHECKSUM_STREAM CLEANUP(checksum_stream_close_guard) ChecksumStream

/* Multiply-fold of one 64-bit value: two multiplications' worth of mixing in about 4 cycles. */
static inline uint64_t hash_u64(uint64_t value)
{
    __uint128_t product = (__uint128_t)(value ^ 0x9E3779B97F4A7C15u) * 0xD6E8FEB86659FD93u;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}
static inline uint64_t hash_combine(uint64_t seed, uint64_t hash)
{
    return hash_u64(seed * 0x9FB21C651E98DF25u ^ hash);
}
