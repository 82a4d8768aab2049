#include "format/parquet/parquet_int.h"

/* The codecs of pages, each by its library. */

#include <lz4.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

enum { LZ4_MOST_RATIO = 255, GZIP_MOST_RATIO = 1040, SNAPPY_MOST_RATIO = 64 };

const char *parquet_codec_name(uint8_t codec)
{
    static const char *const names[] = {"UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4", "ZSTD", "LZ4_RAW"};
    return codec < COUNT_OF(names) ? names[codec] : "unknown";
}

bool parquet_codec_is_known(uint8_t codec)
{
    return codec <= PARQUET_CODEC_LZ4 && codec != PARQUET_CODEC_LZO && codec != PARQUET_CODEC_BROTLI;
}

bool parquet_is_plausible(uint8_t codec, StrView bytes, size_t plain_length)
{
    size_t length = 0;
    switch (codec) {
    case PARQUET_CODEC_NONE:
        return bytes.length == plain_length;
    case PARQUET_CODEC_SNAPPY:
        return snappy_uncompressed_length(bytes.data, bytes.length, &length) == SNAPPY_OK && length == plain_length &&
               plain_length / SNAPPY_MOST_RATIO <= bytes.length;
    case PARQUET_CODEC_GZIP:
        return plain_length / GZIP_MOST_RATIO <= bytes.length;
    case PARQUET_CODEC_ZSTD: {
        unsigned long long known = ZSTD_getFrameContentSize(bytes.data, bytes.length);
        return known == ZSTD_CONTENTSIZE_UNKNOWN || known == plain_length;
    }
    default:
        return plain_length / LZ4_MOST_RATIO <= bytes.length;
    }
}

static bool inflate_all(StrView bytes, void *out, size_t plain_length)
{
    enum { ANY_HEADER = 32 + 15 };
    Bytef *in;
    memcpy(&in, &bytes.data, sizeof(in)); /* zlib does not write there */
    z_stream stream = {.next_in = in, .avail_in = (uInt)bytes.length, .next_out = out, .avail_out = (uInt)plain_length};
    if (inflateInit2(&stream, ANY_HEADER) != Z_OK)
        return false;
    int result = inflate(&stream, Z_FINISH);
    bool is_right = result == Z_STREAM_END && stream.total_out == plain_length;
    inflateEnd(&stream);
    return is_right;
}

static uint32_t load_big_endian(const char *p)
{
    return __builtin_bswap32(load_u32(p));
}

/* Blocks, each behind its plain and its stored length, big-endian. */
static bool lz4_framed(StrView bytes, char *out, size_t plain_length)
{
    size_t at = 0, written = 0;
    while (bytes.length - at >= 8) {
        size_t plain = load_big_endian(bytes.data + at), stored = load_big_endian(bytes.data + at + 4);
        at += 8;
        if (stored > bytes.length - at || plain > plain_length - written || stored > INT32_MAX || plain > INT32_MAX)
            return false;
        if (LZ4_decompress_safe(bytes.data + at, out + written, (int)stored, (int)plain) != (int)plain)
            return false;
        at += stored;
        written += plain;
    }
    return at == bytes.length && written == plain_length;
}

static bool lz4_block(StrView bytes, char *out, size_t plain_length)
{
    return LZ4_decompress_safe(bytes.data, out, (int)bytes.length, (int)plain_length) == (int)plain_length;
}

bool parquet_decompress(uint8_t codec, StrView bytes, void *out, size_t plain_length)
{
    size_t length = plain_length;
    if (bytes.length > INT32_MAX || plain_length > INT32_MAX)
        return false;
    switch (codec) {
    case PARQUET_CODEC_NONE:
        if (bytes.length != plain_length)
            return false;
        memcpy(out, bytes.data, plain_length);
        return true;
    case PARQUET_CODEC_SNAPPY:
        return snappy_uncompress(bytes.data, bytes.length, out, &length) == SNAPPY_OK && length == plain_length;
    case PARQUET_CODEC_GZIP:
        return inflate_all(bytes, out, plain_length);
    case PARQUET_CODEC_ZSTD:
        return ZSTD_decompress(out, plain_length, bytes.data, bytes.length) == plain_length;
    case PARQUET_CODEC_LZ4_FRAMED: /* some writers left the frames out */
        return lz4_framed(bytes, out, plain_length) || lz4_block(bytes, out, plain_length);
    case PARQUET_CODEC_LZ4:
        return lz4_block(bytes, out, plain_length);
    default:
        return false;
    }
}
