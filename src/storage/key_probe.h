#pragma once
/* Looking keys up without an index of the tablet: the batch's keys are a small table, and all rows of the tablet are looked up
 * in it. Costs a pass over the key columns, and no memory. */

#include "storage/primary_index.h"

/* visit: a live row whose key the batch knows (see primary_index_has()). segment: of the input. */
typedef void (*KeyProbeVisit)(void *context, uint32_t segment, uint32_t row, KeyHash key);
Status key_probe(const PrimaryIndexInput *input, const PrimaryIndex *batch, const KeyHash *keys, uint32_t key_count, KeyProbeVisit visit,
                 void *context, Diag *diag);
