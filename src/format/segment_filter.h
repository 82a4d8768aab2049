#pragma once
/* Bloom filters of pages. A filter is u8 number of hash functions, then bits; no bytes at all: the page holds no value.
 * A value stands as a 64-bit hash; its halves give the positions. */

#include "types/datum.h"
#include "types/filter_spec.h"

uint64_t segment_filter_hash_number(Int128 value);
uint64_t segment_filter_hash_text(StrView text);
/* The pieces of a text; out has room for text.length. Returns their number: 0 when the text is shorter than a piece. */
uint32_t segment_filter_grams(const SegmentFilterSpec *spec, StrView text, uint64_t *out);
/* Appends the filter of count hashes (any order, duplicates allowed; reordered). */
void segment_filter_build(uint64_t *hashes, uint32_t count, double fpp, ByteBuf *out);
bool segment_filter_has(const uint8_t *filter, size_t length, uint64_t hash);
