#include "load/load_input.h"

/* Blocks are BLOCK_BYTES or the smallest whole-row prefix above it. When no row ends in what is there,
 * the next try waits for twice the bytes, so that a long row costs linear time. */

enum {
    BLOCK_BYTES = 2 << 20,
    SLACK_BYTES = 256 << 10, /* what one piece of input may add */
    ROW_LIMIT_BYTES = 128 << 20,
    BIG_JSON_LIMIT_BYTES = 1 << 30,
};

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
    bytebuf_reserve(&input->carry, BLOCK_BYTES + SLACK_BYTES);
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

static Status take_plain(void *context, const char *data, size_t length, Diag *diag)
{
    return add_plain(context, data, length, diag);
}

Status load_input_open(LoadInput *input, const LoadPlan *plan, LoadBlockSink sink, void *sink_context, Diag *diag)
{
    *input = (LoadInput){.plan = plan, .sink = sink, .sink_context = sink_context, .try_bytes = BLOCK_BYTES};
    input->rows_to_skip = plan->is_json ? 0 : plan->skip_rows;
    input->json_cut.strip = plan->json.is_stripped;
    return stream_decoder_open(&input->decoder, plan->compression, "the load", take_plain, input, diag);
}

void load_input_close(LoadInput *input)
{
    bytebuf_deinit(&input->carry);
    stream_decoder_close(&input->decoder);
}

Status load_input_feed(LoadInput *input, const void *data, size_t length, Diag *diag)
{
    return stream_decoder_feed(&input->decoder, data, length, diag);
}

Status load_input_finish(LoadInput *input, Diag *diag)
{
    TRY(stream_decoder_finish(&input->decoder, diag));
    if (input->rows_to_skip > 0 && input->carry.length > 0)
        skip_header(input, true);
    if (input->plan->is_json && input->carry.length > 0) {
        (void)find_cut(input); /* blanks the closing bracket of a stripped array */
        if (input->json_cut.inside)
            return RAISE(diag, BAD_VALUE, "Failed to parse json as document stream. error: the outer array has no end");
    }
    return input->carry.length > 0 ? emit(input, input->carry.length, diag) : OK;
}
