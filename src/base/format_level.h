#pragma once
/* Format levels: in which form stored things are written, so that upgrades can be taken back.
 *
 * The stored forms as a whole have a level. A binary reads all levels up to its own, and writes the cluster's, which
 * starts at that of the binary that made it and is raised by ADMIN FINALIZE UPGRADE once every node has a newer binary. Until then the binary can be
 * replaced by the older one, node by node in any order. Each level raises the version number of every format by one:
 * whatever an older binary meets by accident, it refuses by its number, before it writes anything.
 *
 * The written level is one of the process: the metadata store sets it from the catalog. Thread-safe. */

#include "base/compiler.h"

/* What needs a level. */
enum {
    FORMAT_LEVEL_INLINE_SEGMENTS = 2, /* segments within the catalog */
    FORMAT_LEVEL_OVERLAYS = 3,        /* columns of segments in segments of their own */
};

uint32_t format_level_supported(void);
uint32_t format_level_written(void);
void format_level_set_written(uint32_t level);

/* The number of a format that had the version first at level 1. */
static inline uint32_t format_version_written(uint32_t first)
{
    return first + format_level_written() - 1;
}
static inline uint32_t format_version_readable(uint32_t first)
{
    return first + format_level_supported() - 1;
}
