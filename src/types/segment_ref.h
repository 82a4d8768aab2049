#pragma once
/* Where a segment lies: plain data that metadata stores and that plans and scans read. */

#include "base/bytes.h"

/* Rows of a segment that are deleted. Never changed: another one with another id takes its place. */
typedef struct DeleteVectorRef {
    uint64_t id;
    uint64_t count; /* of deleted rows */
    StrView bytes;  /* the encoded vector when it is small, else empty: */
    StrView path;   /* object that holds it */
} DeleteVectorRef;

typedef struct SegmentRef {
    uint64_t id;        /* unique in the cluster */
    uint32_t volume_id; /* 0: home volume */
    StrView path;       /* object, relative to the volume */
    uint64_t offset;    /* of the segment within the object */
    uint64_t length;
    uint64_t row_count;
    uint64_t raw_bytes; /* before encoding */
    const DeleteVectorRef *deletes; /* NULL: none; row_count counts deleted rows too */
    StrView bytes; /* the segment itself, when it is small: it lies in the catalog, and has no object and no path */
    /* Columns that took the place of its own: segments of the same rows, later ones before earlier ones. They have none themselves. */
    const struct SegmentRef *overlays;
    uint32_t overlay_count;
} SegmentRef;

static inline bool segment_is_inline(const SegmentRef *segment)
{
    return segment->bytes.length > 0;
}

/* Where objects are listed: this one is no segment but a delete vector. */
static inline bool segment_is_deletes(const SegmentRef *segment)
{
    return segment->length == 0;
}

static inline uint64_t segment_live_rows(const SegmentRef *segment)
{
    return segment->row_count - (segment->deletes == NULL ? 0 : segment->deletes->count);
}
