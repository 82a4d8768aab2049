#pragma once
/* The spill directory and the files in it; only for src/exec.
 *
 * Writes are gathered in a buffer, so that the disk sees large ones. Positions are handed out in order.
 * Thread-safe. */

#include "exec/exec.h"

typedef struct SpillFile SpillFile;

Status spill_file_open(SpillArea *area, MemTracker *memory, Diag *diag, SpillFile **out_file);
void spill_file_close(SpillFile *file);
Status spill_file_append(SpillFile *file, StrView bytes, Diag *diag, uint64_t *out_offset);
Status spill_file_read(SpillFile *file, uint64_t offset, void *out, size_t length, Diag *diag);
/* The bytes are not needed any more. */
void spill_file_discard(SpillFile *file, uint64_t offset, size_t length);
