#pragma once
/* A sketch of a distribution: centroids (mean, weight), small ones at the ends, from which quantiles are
 * read. Only for src/func.
 *
 * This is the merging t-digest of Dunning and Ertl with the arcsine scale: values collect in a buffer;
 * a full one is sorted and merged with the centroids so that each spans at most one unit of the scale.
 * Up to 8 * compression values the answer does not depend on how they were divided among sketches. Values
 * are kept in single precision. All memory comes from the arena given. */

#include "base/arena.h"
#include "base/bytes.h"

typedef struct Centroid {
    float mean, weight;
} Centroid;

typedef struct TDigest {
    Centroid *merged; /* ascending */
    Centroid *fresh;  /* not yet merged */
    uint32_t merged_count, merged_capacity;
    uint32_t fresh_count, fresh_capacity;
    float compression; /* 0: not begun */
    float weight;      /* of merged */
    float low, high;   /* ends of what was merged */
} TDigest;

enum { TDIGEST_COMPRESSION = 10000 };

void tdigest_begin(TDigest *digest, double compression); /* outside of 2048 .. 10000: the default */
void tdigest_add(TDigest *digest, Arena *arena, double value, double weight);
void tdigest_unite(TDigest *target, Arena *arena, const TDigest *other);
/* NaN when empty or rate is not within 0 .. 1. */
double tdigest_quantile(TDigest *digest, Arena *arena, double rate);
void tdigest_encode(const TDigest *digest, ByteBuf *out);
bool tdigest_decode(ByteReader *reader, Arena *arena, TDigest *out);
