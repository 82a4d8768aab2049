#include "codec/stream.h"

/* One function a library, all with the same loop: feed what there is, hand on a window of plain bytes, until the input is used
 * up and the library has no more to give. */

#include <bzlib.h>
#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

#include "base/memory.h"

enum { WINDOW_BYTES = 256 << 10 };

static Status open_zlib(StreamDecoder *d, Diag *diag)
{
    z_stream *z = mem_alloc_zero(sizeof(*z));
    int bits = d->codec == STREAM_GZIP ? 15 + 16 : 15;
    if (inflateInit2(z, bits) != Z_OK) {
        mem_free(z);
        return RAISE(diag, OUT_OF_MEMORY, "no memory for decompression of %s", d->what);
    }
    d->state = z;
    return OK;
}

static Status open_bz2(StreamDecoder *d, Diag *diag)
{
    bz_stream *b = mem_alloc_zero(sizeof(*b));
    if (BZ2_bzDecompressInit(b, 0, 0) != BZ_OK) {
        mem_free(b);
        return RAISE(diag, OUT_OF_MEMORY, "no memory for decompression of %s", d->what);
    }
    d->state = b;
    return OK;
}

Status stream_decoder_open(StreamDecoder *d, StreamCodec codec, const char *what, StreamSink sink, void *sink_context, Diag *diag)
{
    *d = (StreamDecoder){.codec = codec, .what = what, .sink = sink, .sink_context = sink_context, .at_frame_end = true};
    if (codec == STREAM_PLAIN)
        return OK;
    bytebuf_reserve(&d->window, WINDOW_BYTES);
    if (codec == STREAM_GZIP || codec == STREAM_DEFLATE)
        return open_zlib(d, diag);
    if (codec == STREAM_BZ2)
        return open_bz2(d, diag);
    if (codec == STREAM_ZSTD) {
        d->state = ZSTD_createDStream();
    } else {
        LZ4F_dctx *context = NULL;
        if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)))
            context = NULL;
        d->state = context;
    }
    return d->state != NULL ? OK : RAISE(diag, OUT_OF_MEMORY, "no memory for decompression of %s", what);
}

void stream_decoder_close(StreamDecoder *d)
{
    bytebuf_deinit(&d->window);
    if (d->state == NULL)
        return;
    switch (d->codec) {
    case STREAM_GZIP:
    case STREAM_DEFLATE:
        inflateEnd(d->state);
        mem_free(d->state);
        break;
    case STREAM_BZ2:
        BZ2_bzDecompressEnd(d->state);
        mem_free(d->state);
        break;
    case STREAM_LZ4_FRAME:
        LZ4F_freeDecompressionContext(d->state);
        break;
    case STREAM_ZSTD:
        ZSTD_freeDStream(d->state);
        break;
    case STREAM_PLAIN:
        break;
    }
    d->state = NULL;
}

static Status bad_stream(const StreamDecoder *d, const char *name, Diag *diag)
{
    return RAISE(diag, BAD_VALUE, "the %s stream of %s is damaged", name, d->what);
}

static Status feed_zlib(StreamDecoder *d, const uint8_t *data, size_t length, Diag *diag)
{
    z_stream *z = d->state;
    z->next_in = (z_const Bytef *)(uintptr_t)data;
    z->avail_in = (uInt)length;
    do {
        if (d->at_frame_end) { /* a gzip file may be several, one behind the other */
            if (z->avail_in == 0)
                return OK;
            inflateReset(z);
            d->at_frame_end = false;
        }
        z->next_out = (Bytef *)d->window.data;
        z->avail_out = WINDOW_BYTES;
        int result = inflate(z, Z_NO_FLUSH);
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
            return bad_stream(d, "gzip", diag);
        d->at_frame_end = result == Z_STREAM_END;
        TRY(d->sink(d->sink_context, d->window.data, WINDOW_BYTES - z->avail_out, diag));
    } while (z->avail_in > 0 || z->avail_out == 0);
    return OK;
}

static Status feed_bz2(StreamDecoder *d, const uint8_t *data, size_t length, Diag *diag)
{
    bz_stream *b = d->state;
    b->next_in = (char *)(uintptr_t)data;
    b->avail_in = (unsigned)length;
    do {
        if (d->at_frame_end) { /* several streams, one behind the other */
            if (b->avail_in == 0)
                return OK;
            if (d->was_fed) {
                bz_stream rest = *b;
                BZ2_bzDecompressEnd(b);
                *b = (bz_stream){.next_in = rest.next_in, .avail_in = rest.avail_in};
                if (BZ2_bzDecompressInit(b, 0, 0) != BZ_OK)
                    return RAISE(diag, OUT_OF_MEMORY, "no memory for decompression of %s", d->what);
            }
            d->at_frame_end = false;
            d->was_fed = true;
        }
        b->next_out = d->window.data;
        b->avail_out = WINDOW_BYTES;
        int result = BZ2_bzDecompress(b);
        if (result != BZ_OK && result != BZ_STREAM_END)
            return bad_stream(d, "bz2", diag);
        d->at_frame_end = result == BZ_STREAM_END;
        TRY(d->sink(d->sink_context, d->window.data, WINDOW_BYTES - b->avail_out, diag));
    } while (b->avail_in > 0 || b->avail_out == 0);
    return OK;
}

static Status feed_lz4(StreamDecoder *d, const uint8_t *data, size_t length, Diag *diag)
{
    size_t produced;
    do {
        size_t taken = length;
        produced = WINDOW_BYTES;
        size_t hint = LZ4F_decompress(d->state, d->window.data, &produced, data, &taken, NULL);
        if (LZ4F_isError(hint))
            return bad_stream(d, "lz4_frame", diag);
        d->at_frame_end = hint == 0;
        data += taken;
        length -= taken;
        TRY(d->sink(d->sink_context, d->window.data, produced, diag));
    } while (length > 0 || produced == WINDOW_BYTES);
    return OK;
}

static Status feed_zstd(StreamDecoder *d, const uint8_t *data, size_t length, Diag *diag)
{
    ZSTD_inBuffer in = {data, length, 0};
    ZSTD_outBuffer out;
    do {
        out = (ZSTD_outBuffer){d->window.data, WINDOW_BYTES, 0};
        size_t hint = ZSTD_decompressStream(d->state, &out, &in);
        if (ZSTD_isError(hint))
            return bad_stream(d, "zstd", diag);
        d->at_frame_end = hint == 0;
        TRY(d->sink(d->sink_context, d->window.data, out.pos, diag));
    } while (in.pos < in.size || out.pos == out.size);
    return OK;
}

static Status feed_piece(StreamDecoder *d, const uint8_t *data, size_t length, Diag *diag)
{
    switch (d->codec) {
    case STREAM_GZIP:
    case STREAM_DEFLATE:
        return feed_zlib(d, data, length, diag);
    case STREAM_BZ2:
        return feed_bz2(d, data, length, diag);
    case STREAM_LZ4_FRAME:
        return feed_lz4(d, data, length, diag);
    case STREAM_ZSTD:
        return feed_zstd(d, data, length, diag);
    case STREAM_PLAIN:
        break;
    }
    return d->sink(d->sink_context, (const char *)data, length, diag);
}

Status stream_decoder_feed(StreamDecoder *d, const void *data, size_t length, Diag *diag)
{
    const uint8_t *bytes = data;
    while (length > 0) {
        size_t take = MIN(length, (size_t)1 << 30);
        TRY(feed_piece(d, bytes, take, diag));
        bytes += take;
        length -= take;
    }
    return OK;
}

Status stream_decoder_finish(const StreamDecoder *d, Diag *diag)
{
    if (!d->at_frame_end && d->codec != STREAM_PLAIN)
        return RAISE(diag, BAD_VALUE, "the compressed stream of %s ends too early", d->what);
    return OK;
}
