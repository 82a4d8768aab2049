#pragma once
/* Snappy's blocks, decompressed with whole-word copies: both sides have slack behind them, so short pieces need no loops.
 * The format: github.com/google/snappy, format_description.txt. */

#include "base/bytes.h"

enum { SNAPPY_SLACK = 64 };

/* out takes exactly plain_length bytes. Behind both bytes and out SNAPPY_SLACK bytes may be read, behind out they are overwritten.
 * False: the bytes are damaged, or are of another length. */
bool snappy_block_read(StrView bytes, char *out, size_t plain_length);
