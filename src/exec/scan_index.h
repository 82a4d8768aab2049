#pragma once
/* What predicates ask of the filters that pages have (format/segment_filter.h). */

#include "format/segment.h"

/* = and IN: values of a column. LIKE: the pieces of text that a value must have. */
typedef struct ScanProbe {
    uint32_t slot; /* of the scan's columns */
    Type type;
    const Datum *points; /* NULL: pieces */
    uint64_t *hashes;    /* of the points */
    uint32_t point_count;
    const StrView *pieces;
    uint32_t piece_count;
} ScanProbe;

typedef struct ScanProbes {
    ScanProbe *items;
    uint32_t count;
    uint32_t capacity;
} ScanProbes;

void scan_probes_make(Arena *arena, const ColumnRange *ranges, uint32_t range_count, const Expr *const *conjuncts, uint32_t conjunct_count,
                      ScanProbes *out_probes);
/* Can a row of the page fulfil them? positions: of the scan's columns in the segment, or -1. */
bool scan_probes_may_match(const ScanProbes *probes, Segment *segment, uint32_t page, const int *positions);
