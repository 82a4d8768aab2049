#pragma once
/* Inside of transactions of several statements: write_transaction.c, write_commit.c. */

#include "load/key_commit.h"
#include "load/write_transaction.h"

struct WriteTransaction {
    WriteTransactionOptions options;
    CatalogSnapshot *base, *view;
    uint64_t lease;
    PrimaryIndexes *own; /* by tablet: keys of its own rows; NULL: none were needed yet */
    PrimaryIndexes *old; /* by tablet: keys of the base's rows, where others have changed the tablet since */
    Arena arena;
    ARRAY_OF(uint64_t) tables; /* ids of those it wrote to */
};

/* Segments of a tablet of the view that the base does not have; in arena. base NULL: all. */
SegmentRef *write_own_segments(const TabletVersion *base, const TabletVersion *view, Arena *arena, uint32_t *out_count);
/* The tablet of a table of any catalog, or NULL. */
const TabletVersion *write_find_tablet(const CatalogSnapshot *catalog, uint64_t table_id, uint64_t partition_id, uint64_t tablet_id);
