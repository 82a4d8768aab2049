#pragma once
/* Where a segment lies: plain data that metadata stores and that plans and scans read. */

#include "base/bytes.h"

typedef struct SegmentRef {
    uint64_t id;        /* unique in the cluster */
    uint32_t volume_id; /* 0: home volume */
    StrView path;       /* object, relative to the volume */
    uint64_t offset;    /* of the segment within the object */
    uint64_t length;
    uint64_t row_count;
    uint64_t raw_bytes; /* before encoding */
} SegmentRef;
