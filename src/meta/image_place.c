#include "meta/image_place.h"

#include <inttypes.h>
#include <stdio.h>

#include "meta/image.h"

enum { LINE_BYTES = 128 };
static const char FORM[] = "%" SCNu32 "\nsequence=%" SCNu64 " time=%" SCNd64 " sum=%" SCNx32;

static void write_unsummed(const ImagePlace *place, ByteBuf *out)
{
    bytebuf_printf(out, "%" PRIu32 "\nsequence=%" PRIu64 " time=%" PRId64, place->checksum, place->next_sequence, place->time_us);
}

void image_place_write(const ImagePlace *place, ByteBuf *out)
{
    write_unsummed(place, out);
    bytebuf_printf(out, " sum=%08" PRIx32 "\n", image_checksum(bytebuf_view(out)));
}

bool image_place_read(StrView text, ImagePlace *out)
{
    char line[LINE_BYTES];
    uint32_t sum;
    AUTO_BYTEBUF again = {0};
    if (text.length >= sizeof(line))
        return false;
    snprintf(line, sizeof(line), "%.*s", SV_ARGS(text));
    /* NOLINTNEXTLINE(cert-err34-c): what was read is written again and compared */
    if (sscanf(line, FORM, &out->checksum, &out->next_sequence, &out->time_us, &sum) != 4)
        return false;
    image_place_write(out, &again);
    return strview_equal(bytebuf_view(&again), text);
}

bool image_place_matches(StrView text, const ImagePlace *place)
{
    AUTO_BYTEBUF full = {0};
    AUTO_BYTEBUF earlier = {0};
    AUTO_BYTEBUF alone = {0};
    image_place_write(place, &full);
    write_unsummed(place, &earlier);
    bytebuf_append_char(&earlier, '\n');
    bytebuf_printf(&alone, "%" PRIu32 "\n", place->checksum);
    return strview_equal(text, bytebuf_view(&full)) || strview_equal(text, bytebuf_view(&earlier)) ||
           strview_equal(text, bytebuf_view(&alone));
}
