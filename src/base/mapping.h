#pragma once
/* Large zeroed tables as mappings of their own: in memory with large pages, or in an unlinked file, whose pages the system may
 * write out and take back when memory is short. */

#include "base/status.h"

typedef struct Mapping {
    void *data;
    size_t bytes;
} Mapping;

/* folder NULL: in memory. */
Status mapping_open(Mapping *mapping, size_t bytes, const char *folder, Diag *diag);
void mapping_close(Mapping *mapping); /* safe on a zeroed or closed one */
