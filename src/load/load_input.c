#include "load/load_input.h"

/* Blocks are BLOCK_BYTES or the smallest whole-row prefix above it. When no row ends in what is there,
 * the next try waits for twice the bytes, so that a long row costs linear time. */

#include <bzlib.h>
#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

enum {
    BLOCK_BYTES = 2 << 20,
    WINDOW_BYTES = 256 << 10,
    ROW_LIMIT_BYTES = 128 << 20,
    BIG_JSON_LIMIT_BYTES = 1 << 30,
};

static Status open_zlib(LoadInput *input, Diag *diag)
{
    z_stream *z = mem_alloc_zero(sizeof(*z));
    int bits = input->plan->compression == LOAD_GZIP ? 15 + 16 : 15;
    if (inflateInit2(z, bits) != Z_OK) {
        mem_free(z);
        return RAISE(diag, OUT_OF_MEMORY, "no memory for decompression of a load");
    }
    input->decoder = z;
    return OK;
}

static Status open_bz2(LoadInput *input, Diag *diag)
{
    bz_stream *b = mem_alloc_zero(sizeof(*b));
    if (BZ2_bzDecompressInit(b, 0, 0) != BZ_OK) {
        mem_free(b);
        return RAISE(diag, OUT_OF_MEMORY, "no memory for decompression of a load");
    }
    input->decoder = b;
    return OK;
}

Status load_input_open(LoadInput *input, const LoadPlan *plan, LoadBlockSink sink, void *sink_context, Diag *diag)
{
    *input = (LoadInput){.plan = plan, .sink = sink, .sink_context = sink_context, .try_bytes = BLOCK_BYTES};
    input->rows_to_skip = plan->is_json ? 0 : plan->skip_rows;
    input->json_cut.strip = plan->json.is_stripped;
    input->at_frame_end = true;
    if (plan->compression == LOAD_PLAIN)
        return OK;
    bytebuf_reserve(&input->window, WINDOW_BYTES);
    if (plan->compression == LOAD_GZIP || plan->compression == LOAD_DEFLATE)
        return open_zlib(input, diag);
    if (plan->compression == LOAD_BZ2)
        return open_bz2(input, diag);
    if (plan->compression == LOAD_ZSTD) {
        input->decoder = ZSTD_createDStream();
    } else {
        LZ4F_dctx *context = NULL;
        if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)))
            context = NULL;
        input->decoder = context;
    }
    return input->decoder != NULL ? OK : RAISE(diag, OUT_OF_MEMORY, "no memory for decompression of a load");
}

void load_input_close(LoadInput *input)
{
    bytebuf_deinit(&input->carry);
    bytebuf_deinit(&input->window);
    if (input->decoder == NULL)
        return;
    switch (input->plan->compression) {
    case LOAD_GZIP:
    case LOAD_DEFLATE:
        inflateEnd(input->decoder);
        mem_free(input->decoder);
        break;
    case LOAD_BZ2:
        BZ2_bzDecompressEnd(input->decoder);
        mem_free(input->decoder);
        break;
    case LOAD_LZ4_FRAME:
        LZ4F_freeDecompressionContext(input->decoder);
        break;
    case LOAD_ZSTD:
        ZSTD_freeDStream(input->decoder);
        break;
    case LOAD_PLAIN:
        break;
    }
    input->decoder = NULL;
}

static size_t find_cut(LoadInput *input)
{
    if (input->plan->is_json)
        return json_cut(&input->json_cut, input->carry.data, input->carry.length);
    return csv_cut(&input->plan->csv, input->carry.data, input->carry.length);
}

static Status emit(LoadInput *input, size_t cut, Diag *diag)
{
    ByteBuf block = input->carry;
    input->carry = (ByteBuf){0};
    bytebuf_reserve(&input->carry, BLOCK_BYTES + WINDOW_BYTES);
    bytebuf_append(&input->carry, block.data + cut, block.length - cut);
    block.length = cut;
    input->json_cut.at -= MIN(input->json_cut.at, cut);
    input->json_cut.last = 0;
    input->try_bytes = BLOCK_BYTES;
    bytebuf_reserve(&block, CSV_BLOCK_SLACK_BYTES);
    return input->sink(input->sink_context, &block, diag);
}

static void drop_front(ByteBuf *buf, size_t count)
{
    memmove(buf->data, buf->data + count, buf->length - count);
    buf->length -= count;
}

/* Header rows go before anything else is cut. is_end: nothing follows. */
static void skip_header(LoadInput *input, bool is_end)
{
    size_t whole = is_end ? input->carry.length : csv_cut(&input->plan->csv, input->carry.data, input->carry.length);
    uint64_t skipped = 0;
    size_t end = csv_skip_rows(&input->plan->csv, input->carry.data, whole, input->rows_to_skip, &skipped);
    input->rows_to_skip -= skipped;
    drop_front(&input->carry, end);
}

static Status add_plain(LoadInput *input, const char *data, size_t length, Diag *diag)
{
    size_t limit = input->plan->big_json ? BIG_JSON_LIMIT_BYTES : ROW_LIMIT_BYTES;
    while (length > 0) {
        size_t take = MIN(length, (size_t)BLOCK_BYTES);
        bytebuf_append(&input->carry, data, take);
        data += take;
        length -= take;
        if (input->carry.length < input->try_bytes)
            continue;
        if (input->rows_to_skip > 0) {
            skip_header(input, false);
            if (input->carry.length < input->try_bytes)
                continue;
        }
        size_t cut = find_cut(input);
        if (cut > 0)
            TRY(emit(input, cut, diag));
        else if (input->carry.length > limit)
            return RAISE(diag, LIMIT_EXCEEDED, "a row or JSON document of the load is longer than %zu bytes", limit);
        else
            input->try_bytes = input->carry.length * 2;
    }
    return OK;
}

static Status bad_stream(const LoadInput *input, const char *name, Diag *diag)
{
    (void)input;
    return RAISE(diag, BAD_VALUE, "the %s stream of the load is damaged", name);
}

static Status feed_zlib(LoadInput *input, const uint8_t *data, size_t length, Diag *diag)
{
    z_stream *z = input->decoder;
    z->next_in = (z_const Bytef *)(uintptr_t)data;
    z->avail_in = (uInt)length;
    do {
        if (input->at_frame_end) { /* a gzip file may be several, one behind the other */
            if (z->avail_in == 0)
                return OK;
            inflateReset(z);
            input->at_frame_end = false;
        }
        z->next_out = (Bytef *)input->window.data;
        z->avail_out = WINDOW_BYTES;
        int result = inflate(z, Z_NO_FLUSH);
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
            return bad_stream(input, "gzip", diag);
        input->at_frame_end = result == Z_STREAM_END;
        TRY(add_plain(input, input->window.data, WINDOW_BYTES - z->avail_out, diag));
    } while (z->avail_in > 0 || z->avail_out == 0);
    return OK;
}

static Status feed_bz2(LoadInput *input, const uint8_t *data, size_t length, Diag *diag)
{
    bz_stream *b = input->decoder;
    b->next_in = (char *)(uintptr_t)data;
    b->avail_in = (unsigned)length;
    do {
        if (input->at_frame_end) { /* several streams, one behind the other */
            if (b->avail_in == 0)
                return OK;
            if (input->was_fed) {
                bz_stream rest = *b;
                BZ2_bzDecompressEnd(b);
                *b = (bz_stream){.next_in = rest.next_in, .avail_in = rest.avail_in};
                if (BZ2_bzDecompressInit(b, 0, 0) != BZ_OK)
                    return RAISE(diag, OUT_OF_MEMORY, "no memory for decompression of a load");
            }
            input->at_frame_end = false;
            input->was_fed = true;
        }
        b->next_out = input->window.data;
        b->avail_out = WINDOW_BYTES;
        int result = BZ2_bzDecompress(b);
        if (result != BZ_OK && result != BZ_STREAM_END)
            return bad_stream(input, "bz2", diag);
        input->at_frame_end = result == BZ_STREAM_END;
        TRY(add_plain(input, input->window.data, WINDOW_BYTES - b->avail_out, diag));
    } while (b->avail_in > 0 || b->avail_out == 0);
    return OK;
}

static Status feed_lz4(LoadInput *input, const uint8_t *data, size_t length, Diag *diag)
{
    size_t produced;
    do {
        size_t taken = length;
        produced = WINDOW_BYTES;
        size_t hint = LZ4F_decompress(input->decoder, input->window.data, &produced, data, &taken, NULL);
        if (LZ4F_isError(hint))
            return bad_stream(input, "lz4_frame", diag);
        input->at_frame_end = hint == 0;
        data += taken;
        length -= taken;
        TRY(add_plain(input, input->window.data, produced, diag));
    } while (length > 0 || produced == WINDOW_BYTES);
    return OK;
}

static Status feed_zstd(LoadInput *input, const uint8_t *data, size_t length, Diag *diag)
{
    ZSTD_inBuffer in = {data, length, 0};
    ZSTD_outBuffer out;
    do {
        out = (ZSTD_outBuffer){input->window.data, WINDOW_BYTES, 0};
        size_t hint = ZSTD_decompressStream(input->decoder, &out, &in);
        if (ZSTD_isError(hint))
            return bad_stream(input, "zstd", diag);
        input->at_frame_end = hint == 0;
        TRY(add_plain(input, input->window.data, out.pos, diag));
    } while (in.pos < in.size || out.pos == out.size);
    return OK;
}

static Status feed_piece(LoadInput *input, const uint8_t *data, size_t length, Diag *diag)
{
    switch (input->plan->compression) {
    case LOAD_GZIP:
    case LOAD_DEFLATE:
        return feed_zlib(input, data, length, diag);
    case LOAD_BZ2:
        return feed_bz2(input, data, length, diag);
    case LOAD_LZ4_FRAME:
        return feed_lz4(input, data, length, diag);
    case LOAD_ZSTD:
        return feed_zstd(input, data, length, diag);
    case LOAD_PLAIN:
        break;
    }
    return add_plain(input, (const char *)data, length, diag);
}

Status load_input_feed(LoadInput *input, const void *data, size_t length, Diag *diag)
{
    const uint8_t *bytes = data;
    while (length > 0) {
        size_t take = MIN(length, (size_t)1 << 30);
        TRY(feed_piece(input, bytes, take, diag));
        bytes += take;
        length -= take;
    }
    return OK;
}

Status load_input_finish(LoadInput *input, Diag *diag)
{
    if (!input->at_frame_end && input->plan->compression != LOAD_PLAIN)
        return RAISE(diag, BAD_VALUE, "the compressed stream of the load ends too early");
    if (input->rows_to_skip > 0 && input->carry.length > 0)
        skip_header(input, true);
    if (input->plan->is_json && input->carry.length > 0) {
        (void)find_cut(input); /* blanks the closing bracket of a stripped array */
        if (input->json_cut.inside)
            return RAISE(diag, BAD_VALUE, "Failed to parse json as document stream. error: the outer array has no end");
    }
    return input->carry.length > 0 ? emit(input, input->carry.length, diag) : OK;
}
