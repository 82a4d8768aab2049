#include "codec/compress.h"

/* Wraps liblz4 and libzstd. */

#include <lz4.h>
#include <zstd.h>

static size_t run_codec(Codec codec, StrView plain, char *out, size_t capacity)
{
    if (codec == CODEC_LZ4) {
        int written = LZ4_compress_default(plain.data, out, (int)plain.length, (int)capacity);
        return written <= 0 ? 0 : (size_t)written;
    }
    size_t written = ZSTD_compress(out, capacity, plain.data, plain.length, 3);
    return ZSTD_isError(written) ? 0 : written;
}

Codec compress_append(Codec wanted, StrView plain, ByteBuf *out)
{
    if (wanted != CODEC_NONE && plain.length >= 64 && plain.length < (1u << 30)) {
        size_t capacity = wanted == CODEC_LZ4 ? (size_t)LZ4_compressBound((int)plain.length)
                                              : ZSTD_compressBound(plain.length);
        bytebuf_reserve(out, capacity);
        size_t written = run_codec(wanted, plain, out->data + out->length, capacity);
        if (written > 0 && written < plain.length - plain.length / 8) {
            out->length += written;
            return wanted;
        }
    }
    bytebuf_append_view(out, plain);
    return CODEC_NONE;
}

Status decompress(Codec codec, StrView bytes, void *out, size_t plain_length, Diag *diag)
{
    bool is_right = false;
    if (codec == CODEC_NONE && bytes.length == plain_length) {
        if (plain_length > 0)
            memcpy(out, bytes.data, plain_length);
        is_right = true;
    } else if (codec == CODEC_LZ4 && plain_length < (1u << 30) && bytes.length < (1u << 30)) {
        is_right = LZ4_decompress_safe(bytes.data, out, (int)bytes.length, (int)plain_length) == (int)plain_length;
    } else if (codec == CODEC_ZSTD) {
        is_right = ZSTD_decompress(out, plain_length, bytes.data, bytes.length) == plain_length;
    }
    return is_right ? OK : RAISE(diag, CORRUPT, "compressed block is damaged");
}
