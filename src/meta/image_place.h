#pragma once
/* checksum.<entry>, the small object beside an image: its checksum on a line of its own, for people; and where the journal goes on
 * behind it and when it was made, so that trimming does without reading the image. That line carries a sum of the text: what it says
 * decides what is deleted. */

#include "base/bytes.h"

typedef struct ImagePlace {
    uint32_t checksum;      /* of the image */
    uint64_t next_sequence; /* of the journal behind it */
    int64_t time_us;
} ImagePlace;

void image_place_write(const ImagePlace *place, ByteBuf *out);
/* False: the image itself has to be asked. */
bool image_place_read(StrView text, ImagePlace *out);
/* Whether the text says that, as this version or an earlier one writes it, or gives the checksum alone. */
bool image_place_matches(StrView text, const ImagePlace *place);
