#pragma once
/* The rows of a load in the order of their keys, for keys that are one integer column: the last row of each key alone. */

#include "vector/vector.h"

typedef struct KeyOrder {
    int64_t *values; /* the keys, ascending, each once */
    uint32_t *rows;  /* of the keys; NULL: row i has key i */
    uint32_t count;
} KeyOrder;

/* Whole numbers of up to 64 bits, dates and times. */
bool key_sort_takes(Type type);
/* False: the column is no such key. values are in arena, rows the caller's to mem_free(). */
bool key_sort(const Vector *key, uint32_t rows, Arena *arena, KeyOrder *out);
