#include "format/parquet/parquet_leaf.h"

/* Pages: header, checksum, decompression, and where levels and values lie. */

#include <zlib.h>

#include "format/parquet/parquet_thrift.h"

enum { DATA_PAGE = 0, DICTIONARY_PAGE = 2, DATA_PAGE_V2 = 3 };
enum { MOST_PAGE_BYTES = 1 << 30, MOST_HEADER_BYTES = 16 << 20, FIRST_HEADER_BYTES = 4 << 10, MOST_PAGE_VALUES = INT32_MAX };

typedef struct PageHeader {
    int32_t kind, plain_length, stored_length;
    bool has_checksum, is_compressed;
    uint32_t checksum;
    int32_t value_count, encoding, def_encoding, rep_encoding;
    int32_t def_bytes, rep_bytes; /* of v2 */
    size_t header_length;
} PageHeader;

static Status damaged(const LeafReader *leaf, Diag *diag, const char *what)
{
    return parquet_leaf_error(leaf, ERR_CORRUPT, diag, what);
}

/* That of a dictionary page has a count and an encoding only. */
static void read_data_header(ByteReader *reader, ThriftField outer, bool is_dictionary, PageHeader *out)
{
    if (!thrift_enter(reader, outer))
        return;
    for (ThriftField field = {0}; thrift_next(reader, &field);) {
        if (field.id == 1)
            out->value_count = thrift_i32(reader, field);
        else if (field.id == 2)
            out->encoding = thrift_i32(reader, field);
        else if (field.id == 3 && !is_dictionary)
            out->def_encoding = thrift_i32(reader, field);
        else if (field.id == 4 && !is_dictionary)
            out->rep_encoding = thrift_i32(reader, field);
        else
            thrift_skip(reader, field);
    }
}

static void read_data_header_v2(ByteReader *reader, ThriftField outer, PageHeader *out)
{
    if (!thrift_enter(reader, outer))
        return;
    for (ThriftField field = {0}; thrift_next(reader, &field);) {
        if (field.id == 1)
            out->value_count = thrift_i32(reader, field);
        else if (field.id == 4)
            out->encoding = thrift_i32(reader, field);
        else if (field.id == 5)
            out->def_bytes = thrift_i32(reader, field);
        else if (field.id == 6)
            out->rep_bytes = thrift_i32(reader, field);
        else if (field.id == 7)
            out->is_compressed = thrift_bool(reader, field);
        else
            thrift_skip(reader, field);
    }
}

static bool parse_header(const uint8_t *bytes, size_t length, PageHeader *out)
{
    ByteReader reader = byte_reader(bytes, length);
    *out = (PageHeader){.kind = -1, .plain_length = -1, .stored_length = -1, .value_count = -1, .is_compressed = true};
    for (ThriftField field = {0}; thrift_next(&reader, &field);) {
        switch (field.id) {
        case 1:
            out->kind = thrift_i32(&reader, field);
            break;
        case 2:
            out->plain_length = thrift_i32(&reader, field);
            break;
        case 3:
            out->stored_length = thrift_i32(&reader, field);
            break;
        case 4:
            out->checksum = (uint32_t)thrift_integer(&reader, field);
            out->has_checksum = true;
            break;
        case 5:
            read_data_header(&reader, field, false, out);
            break;
        case 7:
            read_data_header(&reader, field, true, out);
            break;
        case 8:
            read_data_header_v2(&reader, field, out);
            break;
        default:
            thrift_skip(&reader, field);
        }
    }
    out->header_length = (size_t)(reader.cursor - bytes);
    return !reader.failed;
}

static Status read_header(LeafReader *leaf, PageHeader *out, Diag *diag)
{
    uint64_t left = leaf->window.end - leaf->window.at;
    uint64_t ready = parquet_window_ready(&leaf->window), length = MIN(MAX(ready, (uint64_t)FIRST_HEADER_BYTES), left);
    for (;;) {
        const uint8_t *bytes;
        TRY(parquet_window_get(leaf->file, &leaf->window, length, leaf->tracker, diag, &bytes));
        if (parse_header(bytes, length, out))
            break;
        if (length == left || length >= MOST_HEADER_BYTES)
            return damaged(leaf, diag, "the header of a page is damaged");
        length = MIN(length * 4, left);
    }
    leaf->window.at += out->header_length;
    left -= out->header_length;
    if (out->plain_length < 0 || out->stored_length < 0 || (uint64_t)out->stored_length > left)
        return damaged(leaf, diag, "a page is cut short");
    if (out->plain_length > MOST_PAGE_BYTES)
        return parquet_leaf_error(leaf, ERR_LIMIT_EXCEEDED, diag, "a page is larger than 1 GiB");
    return OK;
}

static Status check_sum(const LeafReader *leaf, const PageHeader *header, const uint8_t *bytes, Diag *diag)
{
    if (!header->has_checksum || crc32(0, bytes, (uInt)header->stored_length) == header->checksum)
        return OK;
    return damaged(leaf, diag, "the checksum of a page is wrong");
}

/* Reads the page's bytes into buffer, plain. The first copied bytes are not compressed. */
static Status read_body(LeafReader *leaf, const PageHeader *header, uint32_t copied, Buffer *buffer, Diag *diag)
{
    const uint8_t *bytes;
    uint8_t codec = header->is_compressed ? leaf->chunk->codec : (uint8_t)PARQUET_CODEC_NONE;
    TRY(parquet_window_get(leaf->file, &leaf->window, (uint64_t)header->stored_length, leaf->tracker, diag, &bytes));
    TRY(check_sum(leaf, header, bytes, diag));
    StrView stored = {(const char *)bytes + copied, (size_t)header->stored_length - copied};
    size_t plain_length = (size_t)header->plain_length - copied;
    if (plain_length == 0 && header->kind == DATA_PAGE_V2) { /* nothing is not compressed */
        codec = PARQUET_CODEC_NONE;
        stored.length = 0;
    }
    if (!parquet_is_plausible(codec, stored, plain_length))
        return damaged(leaf, diag, "a page cannot be decompressed");
    if (buffer->size < (size_t)header->plain_length || buffer->data == NULL) {
        buffer_free(buffer);
        TRY(buffer_alloc(buffer, leaf->tracker, MAX((size_t)header->plain_length, (size_t)1), diag));
    }
    memcpy(buffer->data, bytes, copied);
    if (!parquet_decompress(codec, stored, buffer->data + copied, plain_length))
        return damaged(leaf, diag, "a page cannot be decompressed");
    leaf->window.at += (uint64_t)header->stored_length;
    return OK;
}

static uint32_t level_bits(uint32_t level)
{
    return level == 0 ? 0 : 32 - (uint32_t)__builtin_clz(level);
}

/* Levels of a page of the first version: behind their length, if there are any. */
static Status open_levels(const LeafReader *leaf, uint32_t highest, int32_t encoding, ByteReader *page, HybridReader *out, Diag *diag)
{
    if (highest == 0)
        return OK;
    if (encoding != PARQUET_RLE)
        return parquet_leaf_error(leaf, ERR_NOT_SUPPORTED, diag, "its levels have an encoding that is not supported (BIT_PACKED)");
    StrView levels = byte_reader_bytes(page, byte_reader_u32(page));
    *out = hybrid_reader((const uint8_t *)levels.data, levels.length, level_bits(highest));
    return page->failed ? damaged(leaf, diag, "the levels of a page are cut short") : OK;
}

/* The page before it may still be looked at: it is kept until the next batch. */
static void retire_body(LeafReader *leaf)
{
    bool is_looked_at = leaf->node->physical == PARQUET_BYTE_ARRAY || leaf->node->physical == PARQUET_FIXED;
    if (!is_looked_at || leaf->body.data == NULL)
        return;
    ARRAY_PUSH(&leaf->batch, &leaf->retired, leaf->body);
    leaf->body = leaf->spare;
    leaf->spare = (Buffer){0};
}

static Status open_data_page(LeafReader *leaf, const PageHeader *header, Diag *diag)
{
    bool is_v2 = header->kind == DATA_PAGE_V2;
    uint32_t copied = 0;
    if (header->value_count < 0 || (uint64_t)header->value_count > leaf->unread)
        return damaged(leaf, diag, "its pages have more values than the footer says");
    if (is_v2) {
        uint64_t levels = (uint64_t)(uint32_t)header->def_bytes + (uint32_t)header->rep_bytes;
        if (header->def_bytes < 0 || header->rep_bytes < 0 || levels > (uint64_t)MIN(header->plain_length, header->stored_length))
            return damaged(leaf, diag, "the levels of a page are cut short");
        copied = (uint32_t)levels;
    }
    retire_body(leaf);
    TRY(read_body(leaf, header, copied, &leaf->body, diag));
    leaf->unread -= (uint32_t)header->value_count;
    ByteReader page = byte_reader(leaf->body.data, (size_t)header->plain_length);
    if (is_v2) {
        StrView reps = byte_reader_bytes(&page, (size_t)header->rep_bytes), defs = byte_reader_bytes(&page, (size_t)header->def_bytes);
        leaf->reps = hybrid_reader((const uint8_t *)reps.data, reps.length, level_bits(leaf->node->max_rep));
        leaf->defs = hybrid_reader((const uint8_t *)defs.data, defs.length, level_bits(leaf->node->max_def));
    } else {
        TRY(open_levels(leaf, leaf->node->max_rep, header->rep_encoding, &page, &leaf->reps, diag));
        TRY(open_levels(leaf, leaf->node->max_def, header->def_encoding, &page, &leaf->defs, diag));
    }
    leaf->page_left = (uint32_t)header->value_count;
    leaf->encoding = header->encoding < 0 || header->encoding > UINT8_MAX ? UINT8_MAX : (uint8_t)header->encoding;
    leaf->values = page.cursor;
    leaf->values_end = page.end;
    return parquet_values_open(leaf, diag);
}

static Status open_dictionary_page(LeafReader *leaf, const PageHeader *header, Diag *diag)
{
    if (leaf->has_dictionary)
        return damaged(leaf, diag, "it has two dictionaries");
    if (header->value_count < 0 || (header->encoding != PARQUET_PLAIN && header->encoding != PARQUET_PLAIN_DICTIONARY))
        return damaged(leaf, diag, "its dictionary has an encoding that is not supported");
    TRY(read_body(leaf, header, 0, &leaf->dictionary_body, diag));
    TRY(parquet_dictionary_open(leaf, (uint32_t)header->value_count, (size_t)header->plain_length, diag));
    leaf->has_dictionary = true;
    return OK;
}

Status parquet_next_page(LeafReader *leaf, Diag *diag)
{
    while (leaf->page_left == 0) {
        PageHeader header;
        if (leaf->unread == 0 || leaf->window.at >= leaf->window.end)
            return damaged(leaf, diag, "it has fewer values than rows");
        TRY(read_header(leaf, &header, diag));
        if (header.kind == DICTIONARY_PAGE)
            TRY(open_dictionary_page(leaf, &header, diag));
        else if (header.kind == DATA_PAGE || header.kind == DATA_PAGE_V2)
            TRY(open_data_page(leaf, &header, diag));
        else
            leaf->window.at += (uint64_t)header.stored_length; /* a page of another kind, which readers pass over */
    }
    return OK;
}
