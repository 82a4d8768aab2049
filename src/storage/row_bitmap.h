#pragma once
/* Bits of rows as a portable roaring bitmap and back, container by container, without a bitmap in between. */

#include "base/bytes.h"

/* words: a bit a row, none set from row_count on. */
void row_bitmap_append(const uint64_t *words, uint32_t row_count, ByteBuf *out);
/* Sets the bits in words; *out_count: how many were not set before. False: the bytes are no such bitmap, or name other rows. */
bool row_bitmap_read(StrView bytes, uint64_t *words, uint32_t row_count, uint32_t *out_count);
