#pragma once
/* Sets of 64-bit integers as BITMAP values hold them. Only for src/func.
 *
 * The stored form is that of StarRocks: a byte of kind, then nothing (empty), one integer of 32 or 64 bits,
 * a list of up to 32 integers, or roaring bitmaps in their portable form, one for 32 bits, several by
 * the upper halves for 64 bits. Values are read with every bound checked. */

#include "base/bytes.h"

typedef struct BitmapValue BitmapValue;
typedef enum BitmapOp { BITMAP_OP_OR, BITMAP_OP_AND, BITMAP_OP_XOR, BITMAP_OP_ANDNOT } BitmapOp;

BitmapValue *bitmap_new(void);
void bitmap_free(BitmapValue *bitmap); /* NULL is fine */
static inline void bitmap_free_guard(BitmapValue **bitmap)
{
    bitmap_free(*bitmap);
}
#define AUTO_BITMAP CLEANUP(bitmap_free_guard) BitmapValue
/* NULL: no stored bitmap. */
BitmapValue *bitmap_decode(StrView stored);
void bitmap_encode(BitmapValue *bitmap, ByteBuf *out);
void bitmap_add(BitmapValue *bitmap, uint64_t value);
void bitmap_remove(BitmapValue *bitmap, uint64_t value);
bool bitmap_contains(const BitmapValue *bitmap, uint64_t value);
uint64_t bitmap_cardinality(const BitmapValue *bitmap);
void bitmap_combine(BitmapValue *target, const BitmapValue *other, BitmapOp op);
/* Ascending; false from visit stops. */
void bitmap_each(const BitmapValue *bitmap, bool (*visit)(void *context, uint64_t value), void *context);
