#pragma once
/* Looking up a large, sorted batch of integer keys in a tablet without an index: its rows are mostly sorted by key as well, so that
 * a page has to be read only when keys lie between its bounds, and is compared with these keys alone. Costs a pass over
 * the key columns at about the speed of reading them, and no memory. */

#include "storage/primary_index.h"

/* Keys, ascending. */
typedef struct KeyList {
    const int64_t *values;
    uint32_t count;
} KeyList;

/* Rows first_row .. first_row + row_count - 1 of the segment: the bits of those whose keys are in one of the lists. */
typedef Status (*KeyMatchVisit)(void *context, uint32_t segment, uint32_t first_row, const uint64_t *bits, uint32_t row_count, Diag *diag);
/* segment: of the input, whose key is one column. Also rows that are deleted are found. */
Status key_match(const PrimaryIndexInput *input, uint32_t segment, const KeyList *lists, uint32_t list_count, KeyMatchVisit visit,
                 void *context, Diag *diag);
/* Bits of the keys of a list that another list has, too; how many. bits: zeroed, (list->count + 63) / 64 words. */
uint32_t key_lists_meet(const KeyList *list, const KeyList *other, uint64_t *bits);
