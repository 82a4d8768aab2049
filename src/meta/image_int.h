#pragma once
/* What writing and reading of images share. */

#include "meta/image.h"

#define IMAGE_MODULE_PREFIX "record:"
#define IMAGE_LAST_LINE "MRKIMAGE %016zx %016" PRIx64 "\n"
enum { IMAGE_LAST_LINE_BYTES = 8 + 1 + 16 + 1 + 16 + 1 };

/* Over line 1 and the footer's line. */
uint64_t image_head_checksum(StrView image, size_t head_length, size_t footer, size_t end);
