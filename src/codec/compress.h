#pragma once
/* ZSTD and LZ4 behind one call. A compressed block says nothing about itself: the caller keeps the
 * codec and both sizes. */

#include "base/bytes.h"
#include "base/status.h"

typedef enum Codec { CODEC_NONE = 0, CODEC_LZ4 = 1, CODEC_ZSTD = 2 } Codec;

/* Appends the compressed bytes; keeps them plain and returns CODEC_NONE when that is not at least an
 * eighth smaller. */
Codec compress_append(Codec wanted, StrView plain, ByteBuf *out);
/* out holds exactly plain_length bytes afterwards; CORRUPT otherwise. */
Status decompress(Codec codec, StrView bytes, void *out, size_t plain_length, Diag *diag);
