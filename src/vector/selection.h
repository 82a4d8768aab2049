#pragma once
/* Selections from bits, eight rows at a time: a table says which of eight rows a byte names, and all eight places are written at
 * once. Places behind the last one are overwritten by what comes next. */

#include <string.h>

#include "base/compiler.h"

enum { SELECTION_STEP = 8 };
typedef uint16_t SelectionStep __attribute__((vector_size(SELECTION_STEP * sizeof(uint16_t))));

typedef union SelectionRows {
    uint16_t offsets[SELECTION_STEP];
    SelectionStep rows;
} SelectionRows;
/* By bits: the places that are set, ascending, and how many. */
extern SelectionRows selection_rows[256];
extern uint8_t selection_counts[256];

/* Puts the rows from first on whose bits are set at out, which has room for SELECTION_STEP; how many. */
static inline uint32_t selection_put(uint16_t *out, uint32_t first, uint8_t bits)
{
    SelectionStep rows = selection_rows[bits].rows + (uint16_t)first;
    memcpy(out, &rows, sizeof(rows));
    return selection_counts[bits];
}

/* A bit for each of eight bytes that is not 0, the first one lowest. */
static inline uint8_t selection_bits(const uint8_t *bytes)
{
    const uint64_t low = 0x7f7f7f7f7f7f7f7fu;
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
    uint64_t ones = (((word & low) + low) | word) >> 7 & 0x0101010101010101u;
    return (uint8_t)(ones * 0x0102040810204080u >> 56);
}
