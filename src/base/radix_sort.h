#pragma once
/* Sorting rows by a key of 64 bits: least significant digits first, so that rows with equal keys keep their order. Digits that
 * all keys share cost nothing. */

#include "base/compiler.h"

typedef struct RadixItem {
    uint64_t key;
    uint32_t row;
} RadixItem;

/* Both arrays have count items; the contents of scratch do not matter. Returns the one that holds the result. */
RadixItem *radix_sort(RadixItem *items, RadixItem *scratch, uint32_t count);
