#include "format/parquet/parquet_column_writer.h"

/* The least and the greatest value of a column chunk. Floats with a NaN have none; long strings are cut, the greatest rounded up. */

#include "format/parquet/parquet_thrift.h"

enum { MOST_TEXT_BYTES = 64, WIDE_BYTES = 16 };

void parquet_bounds_reset(ValueBounds *bounds)
{
    ByteBuf low = bounds->low_text, high = bounds->high_text;
    bytebuf_clear(&low);
    bytebuf_clear(&high);
    *bounds = (ValueBounds){.low_text = low, .high_text = high};
}

static double float_of(const WriteNode *node, int64_t word)
{
    float narrow;
    double wide;
    if (node->physical == PARQUET_FLOAT) {
        memcpy(&narrow, &word, sizeof(narrow));
        return (double)narrow;
    }
    memcpy(&wide, &word, sizeof(wide));
    return wide;
}

static void bound_floats(ValueBounds *bounds, const WriteNode *node, const int64_t *words, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        double value = float_of(node, words[i]);
        bounds->has_nan |= value != value;
        bool is_first = !bounds->has_any;
        bounds->low_float = is_first || value < bounds->low_float ? value : bounds->low_float;
        bounds->high_float = is_first || value > bounds->high_float ? value : bounds->high_float;
        bounds->has_any = true;
    }
}

void parquet_bounds_words(ValueBounds *bounds, const WriteNode *node, const int64_t *words, uint32_t count)
{
    if (count == 0)
        return;
    if (node->physical == PARQUET_FLOAT || node->physical == PARQUET_DOUBLE) {
        bound_floats(bounds, node, words, count);
        return;
    }
    int64_t low = bounds->has_any ? bounds->low : words[0], high = bounds->has_any ? bounds->high : words[0];
    for (uint32_t i = 0; i < count; i++) {
        low = words[i] < low ? words[i] : low;
        high = words[i] > high ? words[i] : high;
    }
    bounds->low = low;
    bounds->high = high;
    bounds->has_any = true;
}

static Int128 wide_of(StrView value)
{
    UInt128 high = __builtin_bswap64(load_u64(value.data)), low = __builtin_bswap64(load_u64(value.data + 8));
    return (Int128)(high << 64 | low);
}

static void keep(ByteBuf *kept, StrView value)
{
    bytebuf_clear(kept);
    bytebuf_append_view(kept, value);
}

void parquet_bounds_bytes(ValueBounds *bounds, const WriteNode *node, StrView value)
{
    bool is_first = !bounds->has_any;
    if (node->physical == PARQUET_FIXED) {
        Int128 wide = wide_of(value);
        bounds->low_wide = is_first || wide < bounds->low_wide ? wide : bounds->low_wide;
        bounds->high_wide = is_first || wide > bounds->high_wide ? wide : bounds->high_wide;
    } else {
        if (is_first || strview_compare(value, bytebuf_view(&bounds->low_text)) < 0)
            keep(&bounds->low_text, value);
        if (is_first || strview_compare(value, bytebuf_view(&bounds->high_text)) > 0)
            keep(&bounds->high_text, value);
    }
    bounds->has_any = true;
}

/* The shortest text of at most that many bytes that is above all that begin so; false: there is none. */
static bool round_up(ByteBuf *text)
{
    text->length = MOST_TEXT_BYTES;
    while (text->length > 0 && (uint8_t)text->data[text->length - 1] >= 0x7f)
        text->length--; /* stays within ASCII, so that it stays text */
    if (text->length == 0)
        return false;
    text->data[text->length - 1]++;
    return true;
}

static void put_bound(ThriftWriter *out, int32_t id, const ColumnWriter *column, bool is_high)
{
    const WriteNode *node = column->node;
    const ValueBounds *b = &column->bounds;
    char bytes[WIDE_BYTES];
    size_t width = node->width;
    if (node->physical == PARQUET_FLOAT || node->physical == PARQUET_DOUBLE) {
        double wide = is_high ? b->high_float : b->low_float;
        if (wide == 0) /* both zeros lie within */
            wide = is_high ? 0.0 : -0.0;
        float narrow = (float)wide;
        memcpy(bytes, node->physical == PARQUET_FLOAT ? (const void *)&narrow : &wide, width);
    } else if (node->physical == PARQUET_FIXED) {
        UInt128 wide = (UInt128)(is_high ? b->high_wide : b->low_wide);
        for (size_t i = 0; i < WIDE_BYTES; i++)
            bytes[i] = (char)(wide >> (8 * (WIDE_BYTES - 1 - i)));
    } else {
        int64_t word = is_high ? b->high : b->low;
        width = node->physical == PARQUET_BOOLEAN ? 1 : width;
        memcpy(bytes, &word, width);
    }
    thrift_put_binary(out, id, (StrView){bytes, width});
}

static void put_text_bounds(ThriftWriter *out, const ColumnWriter *column)
{
    AUTO_BYTEBUF low = {0}, high = {0};
    bytebuf_append_view(&low, bytebuf_view(&column->bounds.low_text));
    bytebuf_append_view(&high, bytebuf_view(&column->bounds.high_text));
    bool is_low_cut = low.length > MOST_TEXT_BYTES, is_high_cut = high.length > MOST_TEXT_BYTES;
    if (is_low_cut) {
        low.length = MOST_TEXT_BYTES;
        while (low.length > 0 && ((uint8_t)low.data[low.length] & 0xc0) == 0x80)
            low.length--; /* not within a character */
    }
    if (is_high_cut && !round_up(&high))
        return;
    thrift_put_binary(out, 5, bytebuf_view(&high));
    thrift_put_binary(out, 6, bytebuf_view(&low));
    thrift_put_bool(out, 7, !is_high_cut);
    thrift_put_bool(out, 8, !is_low_cut);
}

void parquet_put_statistics(const ColumnWriter *column, ByteBuf *out)
{
    ThriftWriter statistics = {.out = out};
    bool has_order = column->node->meaning != MEANS_JSON;
    thrift_put_i64(&statistics, 3, (int64_t)column->chunk_nulls);
    if (column->bounds.has_any && !column->bounds.has_nan && has_order) {
        if (column->node->physical == PARQUET_BYTE_ARRAY) {
            put_text_bounds(&statistics, column);
        } else {
            put_bound(&statistics, 5, column, true);
            put_bound(&statistics, 6, column, false);
        }
    }
    thrift_end(&statistics);
}
