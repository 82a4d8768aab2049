#include "format/segment_overlay.h"

/* Overlays are segments of the same rows in the same pages. Of a column that several have, the last one counts. */

#include "format/segment_int.h"

static bool has_same_pages(const Segment *s, const Segment *overlay)
{
    return overlay->row_count == s->row_count && overlay->page_count == s->page_count &&
           memcmp(overlay->page_rows, s->page_rows, s->page_count * sizeof(*s->page_rows)) == 0;
}

static void take_column(Segment *s, ColumnPlace place)
{
    uint32_t unique_id = place.segment->columns[place.column].unique_id;
    for (uint32_t i = 0; i < s->overlaid_count; i++) {
        const ColumnPlace *other = &s->overlaid[i];
        if (other->segment->columns[other->column].unique_id == unique_id) {
            s->overlaid[i] = place;
            return;
        }
    }
    s->overlaid[s->overlaid_count++] = place;
}

Status segment_open_overlays(Segment *s, Volume *volume, Diag *diag)
{
    uint32_t columns = 0;
    s->overlays = ARENA_NEW_ARRAY(&s->arena, Segment *, s->ref.overlay_count);
    for (uint32_t i = 0; i < s->ref.overlay_count; i++) {
        const SegmentRef *ref = &s->ref.overlays[i];
        if (ref->overlay_count > 0)
            return segment_corrupt(s, 0, -1, "an overlay has overlays", diag);
        TRY(segment_open(volume, ref, diag, &s->overlays[i]));
        s->overlay_count++;
        if (!has_same_pages(s, s->overlays[i]))
            return segment_corrupt(s->overlays[i], 0, -1, "it does not have the rows of the segment that it lies over", diag);
        columns += s->overlays[i]->column_count;
    }
    s->overlaid = ARENA_NEW_ARRAY(&s->arena, ColumnPlace, columns + 1);
    for (uint32_t i = 0; i < s->overlay_count; i++) {
        for (uint32_t c = 0; c < s->overlays[i]->column_count; c++)
            take_column(s, (ColumnPlace){s->overlays[i], (int)c});
    }
    s->ref.overlays = NULL; /* the catalog that it points into may go before the segment */
    return OK;
}

bool segment_overlay_is_hidden(const Segment *s, uint32_t overlay, const SegmentColumn *columns, uint32_t count)
{
    const Segment *other = s->overlays[overlay];
    for (uint32_t c = 0; c < other->column_count; c++) {
        bool is_hidden = false;
        for (uint32_t i = 0; i < count && !is_hidden; i++)
            is_hidden = columns[i].unique_id == other->columns[c].unique_id;
        if (!is_hidden)
            return false;
    }
    return true;
}

bool segment_can_be_overlaid(const Segment *s)
{
    uint64_t left = s->row_count;
    for (uint32_t p = 0; p < s->page_count; p++) {
        if (s->page_rows[p] != MIN(left, (uint64_t)SEGMENT_PAGE_ROWS))
            return false;
        left -= s->page_rows[p];
    }
    return true;
}
