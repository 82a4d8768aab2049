#pragma once
/* What reading and keeping of a meta directory share. */

#include "base/arena.h"
#include "meta/meta_dir.h"

enum { META_DIR_PATH_BYTES = 256 };

/* Numbers in the names of a folder's objects: image.<n>, <n>.jdb. */
typedef struct MetaDirNumbers {
    Arena *arena;
    ARRAY_OF(uint64_t) all;
} MetaDirNumbers;

Status meta_dir_numbers(Volume *directory, const char *folder, MetaDirNumbers *out, Diag *diag); /* ascending */
void meta_dir_range_path(char out[META_DIR_PATH_BYTES], uint64_t first_sequence);
