#pragma once
/* Overlays: new values of few columns for all rows of a segment, in segments of their own. Readers of a segment see them in
 * place of its own columns; who makes one asks here. */

#include "format/segment.h"

/* Would an overlay of these columns hide all that the segment's overlay (by number in its reference) has? */
bool segment_overlay_is_hidden(const Segment *segment, uint32_t overlay, const SegmentColumn *columns, uint32_t count);
/* Does a writer cut its rows into the same pages? */
bool segment_can_be_overlaid(const Segment *segment);
