/* Any bytes are opened as a segment and read whole, with checksums ignored: nothing may be read outside of
 * them, and what decodes has to be well-formed vectors. */

#include <stdint.h>
#include <stdlib.h>

#include "base/environment.h"
#include "format/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Looks at every value, so that a bad pointer is found. */
static uint64_t touch(const Vector *vector, uint32_t rows)
{
    uint64_t sum = 0;
    VectorView view = vector_view(vector);
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    for (uint32_t i = 0; i < rows; i++) {
        if (view_is_null(&view, i))
            continue;
        Datum value = vector_get(vector, i, &arena);
        if (vector->type.phys == PHYS_STR && value.str.length > 0)
            sum += (uint8_t)str_data(&value.str)[0] + (uint8_t)str_data(&value.str)[value.str.length - 1];
        else
            sum += (uint64_t)value.i64;
    }
    return sum;
}

static void read_all(Segment *segment)
{
    volatile uint64_t sum = 0;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    for (uint32_t page = 0; page < segment_page_count(segment) && page < 64; page++) {
        for (int column = 0; column < (int)segment_column_count(segment); column++) {
            Vector out;
            Diag diag = {0};
            PageStats stats;
            arena_reset(&arena);
            segment_page_stats(segment, page, column, &stats);
            if (segment_read(segment, page, column, segment_column_type(segment, column), &arena, &diag, &out) == OK)
                sum += touch(&out, segment_page_rows(segment, page));
        }
    }
    (void)sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Volume *volume = volume_open_memory(environment_real());
    SegmentRef ref = {.id = 1, .path = STR_VIEW("data/1/fuzz.seg"), .length = size};
    Segment *segment;
    Diag diag = {0};
    segment_ignore_checksums(true);
    if (volume_put(volume, "data/1/fuzz.seg", strview_n((const char *)data, size), &diag) != OK)
        abort();
    if (segment_open(volume, &ref, &diag, &segment) == OK) {
        read_all(segment);
        segment_close(segment);
    }
    volume_close(volume);
    segment_ignore_checksums(false);
    return 0;
}
