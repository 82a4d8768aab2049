#pragma once
/* Deleting rows by where they lie: DELETE on tables of every kind that stores rows as they came.
 *
 * The rows were found in one snapshot. Segments that were compacted away since make the commit RETRY: then
 * the statement looks for the rows again. */

#include "meta/store.h"
#include "storage/primary_index.h"

typedef struct TableDeleter {
    MetaStore *store;
    Volume *volume;
    uint64_t table_id;
    StrView label;
    const SegmentRef *segments; /* that were scanned */
    uint32_t segment_count;
    uint64_t *rows;             /* number of the segment << 32 | row; reordered */
    uint64_t row_count;
} TableDeleter;

/* With the table's lock held. out_count: rows that were not deleted before. */
Status table_delete_rows(TableDeleter *deleter, Diag *diag, uint64_t *out_count, uint64_t *out_txn_id);
