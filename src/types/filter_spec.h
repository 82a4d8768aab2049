#pragma once
/* What filters a segment keeps for a column beside zone maps: plain data that tables say and writers obey. */

#include <stdbool.h>
#include <stdint.h>

typedef enum SegmentFilterKind {
    SEGMENT_FILTER_VALUES = 1, /* of whole values: = and IN */
    SEGMENT_FILTER_GRAMS = 2,  /* of pieces of gram bytes: LIKE '%text%' */
} SegmentFilterKind;

typedef struct SegmentFilterSpec {
    uint32_t unique_id; /* of the column */
    uint8_t kind;       /* SegmentFilterKind */
    uint8_t gram;
    bool ignores_case; /* pieces are kept in lower case */
    double fpp;        /* how often a page without the value may pass */
} SegmentFilterSpec;
