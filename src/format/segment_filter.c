#include "format/segment_filter.h"

#include <math.h>
#include <stdlib.h>

#include "base/hash.h"

uint64_t segment_filter_hash_number(Int128 value)
{
    uint64_t low = hash_u64((uint64_t)value);
    return value >= INT64_MIN && value <= INT64_MAX ? low : hash_combine(low, (uint64_t)(value >> 64));
}

uint64_t segment_filter_hash_text(StrView text)
{
    return hash_bytes(text.data, text.length);
}

uint32_t segment_filter_grams(const SegmentFilterSpec *spec, StrView text, uint64_t *out)
{
    char gram[256];
    uint32_t count = 0;
    for (size_t at = 0; at + spec->gram <= text.length; at++) {
        for (uint32_t i = 0; i < spec->gram; i++) {
            char c = text.data[at + i];
            gram[i] = spec->ignores_case && c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        }
        out[count++] = hash_bytes(gram, spec->gram);
    }
    return count;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static uint64_t position(uint64_t hash, uint32_t function, uint64_t bits)
{
    uint64_t step = (hash >> 32) | 1;
    return ((hash & UINT32_MAX) + function * step) % bits;
}

void segment_filter_build(uint64_t *hashes, uint32_t count, double fpp, ByteBuf *out)
{
    if (count == 0)
        return;
    qsort(hashes, count, sizeof(*hashes), compare);
    uint32_t distinct = 1;
    for (uint32_t i = 1; i < count; i++) {
        if (hashes[i] != hashes[distinct - 1])
            hashes[distinct++] = hashes[i];
    }
    double per_value = -log(fpp) / (M_LN2 * M_LN2);
    size_t bytes = MAX((size_t)(distinct * per_value / 8) + 1, 8u);
    uint32_t functions = (uint32_t)MAX(1.0, MIN(16.0, per_value * M_LN2 + 0.5));
    bytebuf_put_u8(out, (uint8_t)functions);
    size_t first = out->length;
    for (size_t i = 0; i < bytes; i++)
        bytebuf_put_u8(out, 0);
    for (uint32_t i = 0; i < distinct; i++) {
        for (uint32_t f = 0; f < functions; f++) {
            uint64_t bit = position(hashes[i], f, bytes * 8);
            out->data[first + bit / 8] = (char)((uint8_t)out->data[first + bit / 8] | 1u << (bit % 8));
        }
    }
}

bool segment_filter_has(const uint8_t *filter, size_t length, uint64_t hash)
{
    if (length < 2)
        return false;
    uint32_t functions = filter[0];
    uint64_t bits = (length - 1) * 8;
    for (uint32_t f = 0; f < functions; f++) {
        uint64_t bit = position(hash, f, bits);
        if ((filter[1 + bit / 8] >> (bit % 8) & 1) == 0)
            return false;
    }
    return true;
}
