#include "base/radix_sort.h"

enum { DIGITS = 256, PASSES = 8 };

static uint32_t digit(const RadixItem *item, uint32_t pass)
{
    return (uint32_t)(item->key >> (8 * pass)) & (DIGITS - 1);
}

static void move_by_digit(const RadixItem *from, RadixItem *to, uint32_t count, uint32_t pass, uint32_t counts[DIGITS])
{
    uint32_t place = 0;
    for (uint32_t v = 0; v < DIGITS; v++) {
        uint32_t here = counts[v];
        counts[v] = place;
        place += here;
    }
    for (uint32_t i = 0; i < count; i++)
        to[counts[digit(&from[i], pass)]++] = from[i];
}

RadixItem *radix_sort(RadixItem *items, RadixItem *scratch, uint32_t count)
{
    uint32_t counts[PASSES][DIGITS] = {0};
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t pass = 0; pass < PASSES; pass++)
            counts[pass][digit(&items[i], pass)]++;
    }
    for (uint32_t pass = 0; pass < PASSES && count > 0; pass++) {
        if (counts[pass][digit(&items[0], pass)] == count)
            continue;
        move_by_digit(items, scratch, count, pass, counts[pass]);
        RadixItem *sorted = scratch;
        scratch = items;
        items = sorted;
    }
    return items;
}
