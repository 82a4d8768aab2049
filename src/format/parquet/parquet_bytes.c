#include "format/parquet/parquet_int.h"

/* Column chunks come in windows. Small chunks that lie close together share one, which is read with one request; a large chunk
 * has a window of its own that moves along, so that memory does not grow with the row group. */

#include <stdlib.h>

enum {
    WINDOW_BYTES = 2 << 20, /* chunks up to that size are read whole */
    GROUP_BYTES = 8 << 20,
    GAP_BYTES = 64 << 10,   /* rather read than asked around */
};

static int compare_ranges(const void *a, const void *b)
{
    uint64_t left = ((const ByteRange *)a)->offset, right = ((const ByteRange *)b)->offset;
    return (left > right) - (left < right);
}

void parquet_plan_reads(ByteRange *ranges, uint32_t count, ByteGroup *groups, uint32_t *out_group_count)
{
    ByteGroup *group = NULL;
    *out_group_count = 0;
    qsort(ranges, count, sizeof(*ranges), compare_ranges);
    for (uint32_t i = 0; i < count; i++) {
        const ByteRange *range = &ranges[i];
        *range->window = (ByteWindow){.at = range->offset, .end = range->offset + range->length};
        if (range->length > WINDOW_BYTES)
            continue;
        bool fits = group != NULL && range->offset <= group->offset + group->length + GAP_BYTES &&
                    range->offset + range->length <= group->offset + GROUP_BYTES;
        if (!fits) {
            group = &groups[(*out_group_count)++];
            *group = (ByteGroup){.offset = range->offset};
        }
        group->length = MAX(group->length, range->offset + range->length - group->offset);
        range->window->group = group;
    }
}

static Status load_group(const ParquetFile *file, ByteGroup *group, MemTracker *tracker, Diag *diag)
{
    if (group->is_loaded)
        return OK;
    TRY(buffer_alloc(&group->buffer, tracker, MAX(group->length, (uint64_t)1), diag));
    TRY(file->source.read(file->source.context, group->offset, group->length, group->buffer.data, diag));
    group->is_loaded = true;
    return OK;
}

uint64_t parquet_window_ready(const ByteWindow *window)
{
    if (window->group != NULL)
        return window->end - window->at;
    return window->at < window->buffer_at + window->buffer_length && window->at >= window->buffer_at
               ? window->buffer_at + window->buffer_length - window->at
               : 0;
}

static Status move_window(const ParquetFile *file, ByteWindow *window, uint64_t length, MemTracker *tracker, Diag *diag)
{
    uint64_t wanted = MIN(MAX(length, (uint64_t)WINDOW_BYTES), window->end - window->at);
    if (window->buffer.size < wanted) {
        buffer_free(&window->buffer);
        window->buffer_length = 0;
        TRY(buffer_alloc(&window->buffer, tracker, wanted, diag));
    }
    uint64_t kept = parquet_window_ready(window);
    if (kept > 0)
        memmove(window->buffer.data, window->buffer.data + (window->at - window->buffer_at), kept);
    window->buffer_at = window->at;
    window->buffer_length = kept;
    TRY(file->source.read(file->source.context, window->at + kept, wanted - kept, window->buffer.data + kept, diag));
    window->buffer_length = wanted;
    return OK;
}

Status parquet_window_get(const ParquetFile *file, ByteWindow *window, uint64_t length, MemTracker *tracker, Diag *diag, const uint8_t **out)
{
    ENSURE(length <= window->end - window->at, diag);
    if (window->group != NULL) {
        TRY(load_group(file, window->group, tracker, diag));
        *out = window->group->buffer.data + (window->at - window->group->offset);
        return OK;
    }
    if (parquet_window_ready(window) < length)
        TRY(move_window(file, window, length, tracker, diag));
    *out = window->buffer.data + (window->at - window->buffer_at);
    return OK;
}
