#include "base/format_level.h"

/* The upgrade test builds this file once more with a higher level, and has a binary of the next version. */

#include <stdatomic.h>

#ifndef MERAK_FORMAT_LEVEL
#define MERAK_FORMAT_LEVEL 3
#endif

static _Atomic uint32_t written_level = 1;

uint32_t format_level_supported(void)
{
    return MERAK_FORMAT_LEVEL;
}

uint32_t format_level_written(void)
{
    return atomic_load_explicit(&written_level, memory_order_relaxed);
}

void format_level_set_written(uint32_t level)
{
    atomic_store_explicit(&written_level, level, memory_order_relaxed);
}
