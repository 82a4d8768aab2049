#pragma once
/* Merging segments of one tablet into one: the part of compaction that touches data.
 *
 * All rows of the inputs are read into memory, ordered by the sort columns and written as a new segment,
 * so that the caller bounds the rows and bytes of the inputs; at least one row must be left of them. Columns that an input is older than get
 * their missing value. Nothing is published here. Some columns of the same rows can be merged again in the same order: an overlay of the
 * output. */

#include "format/segment.h"
#include "storage/row_moves.h"
#include "volume/volume.h"

typedef struct CompactionInput {
    Volume *volume;
    const SegmentRef *segments;
    uint32_t segment_count;
    const SegmentColumn *columns; /* of the output */
    const Datum *missing;         /* by column */
    uint32_t column_count;
    const uint32_t *sort_columns;
    uint32_t sort_count;
    const SegmentFilterSpec *filters; /* that pages get */
    uint32_t filter_count;
    const RowMoves *order;         /* that an earlier merge of the same rows gave them; NULL: that of the sort columns */
    const _Atomic bool *cancelled; /* looked at between segments; NULL: never */
    MemTracker *memory;
} CompactionInput;

/* Writes the object at path. out_segment: offset, length, row_count and raw_bytes are set; id and path
 * are the caller's. CANCELLED when cancelled. moves: has its arena; NULL: nobody asks. */
Status compaction_merge(const CompactionInput *input, const char *path, Diag *diag, SegmentRef *out_segment, RowMoves *moves);
