#pragma once
/* Decompression of streams as they come: gzip, deflate (zlib), bz2, LZ4 frames and ZSTD. Several streams one behind the other
 * count as one, as the command line tools have it. One thread. */

#include "base/bytes.h"
#include "base/status.h"

typedef enum StreamCodec { STREAM_PLAIN, STREAM_GZIP, STREAM_DEFLATE, STREAM_LZ4_FRAME, STREAM_ZSTD, STREAM_BZ2 } StreamCodec;

/* Takes plain bytes, which are gone afterwards. */
typedef Status (*StreamSink)(void *context, const char *data, size_t length, Diag *diag);

typedef struct StreamDecoder {
    StreamCodec codec;
    const char *what; /* "the load", for messages; lives as long as the decoder */
    StreamSink sink;
    void *sink_context;
    void *state;    /* of the compression library */
    ByteBuf window; /* decompressed bytes */
    bool at_frame_end;
    bool was_fed; /* bz2: the decoder has begun a stream */
} StreamDecoder;

Status stream_decoder_open(StreamDecoder *decoder, StreamCodec codec, const char *what, StreamSink sink, void *sink_context, Diag *diag);
Status stream_decoder_feed(StreamDecoder *decoder, const void *data, size_t length, Diag *diag);
/* Did the last stream end? */
Status stream_decoder_finish(const StreamDecoder *decoder, Diag *diag);
void stream_decoder_close(StreamDecoder *decoder); /* safe on a zeroed one */
