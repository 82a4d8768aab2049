#include "format/parquet/parquet_leaf.h"

/* The encodings of values. */

#include "codec/bitpack.h"

#define MOST_BUILT_BYTES (UINT64_C(1) << 30) /* of strings that are put together for one batch */

static Status damaged(const LeafReader *leaf, Diag *diag)
{
    return parquet_leaf_error(leaf, ERR_CORRUPT, diag, "the values of a page are damaged");
}

static size_t values_left(const LeafReader *leaf)
{
    return (size_t)(leaf->values_end - leaf->values);
}

static void *stage(LeafReader *leaf, uint32_t count, uint32_t width)
{
    return arena_alloc_aligned(&leaf->batch, (size_t)count * width + LEAF_SLACK_BYTES, LEAF_SLACK_BYTES);
}

/* ---- opening a page ---- */

static bool open_codes(LeafReader *leaf)
{
    uint32_t width = *leaf->values;
    leaf->codes = hybrid_reader(leaf->values + 1, values_left(leaf) - 1, width);
    return leaf->has_dictionary && width <= 32;
}

static bool open_booleans(LeafReader *leaf)
{
    if (leaf->encoding == PARQUET_RLE) {
        ByteReader bytes = byte_reader(leaf->values, values_left(leaf));
        StrView runs = byte_reader_bytes(&bytes, byte_reader_u32(&bytes));
        leaf->codes = hybrid_reader((const uint8_t *)runs.data, runs.length, 1);
        return !bytes.failed;
    }
    /* Plain bits are one packed run. */
    leaf->codes = hybrid_reader(leaf->values_end, 0, 1);
    leaf->codes.packed = leaf->values;
    size_t bits = values_left(leaf) * 8;
    leaf->codes.left = (uint32_t)MIN(bits, (size_t)UINT32_MAX);
    return leaf->encoding == PARQUET_PLAIN;
}

/* Lengths, then the bytes. */
static bool open_lengths(LeafReader *leaf)
{
    const uint8_t *end = delta_end(leaf->values, values_left(leaf));
    bool is_right = end != NULL && delta_open(&leaf->delta, leaf->values, values_left(leaf));
    leaf->values = is_right ? end : leaf->values;
    return is_right;
}

static bool open_prefixes(LeafReader *leaf)
{
    const uint8_t *end = delta_end(leaf->values, values_left(leaf));
    if (end == NULL || !delta_open(&leaf->prefixes, leaf->values, values_left(leaf)))
        return false;
    leaf->values = end;
    bytebuf_clear(&leaf->previous);
    return open_lengths(leaf);
}

Status parquet_values_open(LeafReader *leaf, Diag *diag)
{
    uint8_t physical = leaf->node->physical;
    bool is_bytes = physical == PARQUET_BYTE_ARRAY, is_right = true;
    if (values_left(leaf) == 0) { /* all are NULL */
        leaf->encoding = PARQUET_PLAIN;
        leaf->codes = (HybridReader){.width = 1, .cursor = leaf->values, .end = leaf->values};
        return OK;
    }
    if (parquet_page_has_codes(leaf)) {
        is_right = open_codes(leaf);
    } else if (physical == PARQUET_BOOLEAN) {
        is_right = open_booleans(leaf);
    } else if (leaf->encoding == PARQUET_DELTA_BINARY_PACKED && (physical == PARQUET_INT32 || physical == PARQUET_INT64)) {
        is_right = delta_open(&leaf->delta, leaf->values, values_left(leaf));
    } else if (leaf->encoding == PARQUET_DELTA_LENGTH_BYTE_ARRAY && is_bytes) {
        is_right = open_lengths(leaf);
    } else if (leaf->encoding == PARQUET_DELTA_BYTE_ARRAY && (is_bytes || physical == PARQUET_FIXED)) {
        is_right = open_prefixes(leaf);
    } else if (leaf->encoding == PARQUET_BYTE_STREAM_SPLIT && parquet_raw_width(leaf->node) > 0) {
        leaf->values_done = 0;
        leaf->value_count = (uint32_t)(values_left(leaf) / parquet_raw_width(leaf->node));
    } else if (leaf->encoding != PARQUET_PLAIN) {
        return parquet_leaf_error(leaf, ERR_NOT_SUPPORTED, diag, "a page has an encoding that is not supported for its type");
    }
    return is_right ? OK : damaged(leaf, diag);
}

/* ---- strings ---- */

static bool read_plain_strings(const uint8_t **cursor, const uint8_t *end, uint32_t count, Str *out)
{
    const uint8_t *at = *cursor;
    for (uint32_t i = 0; i < count; i++) {
        if (end - at < 4)
            return false;
        uint32_t length = load_u32(at);
        at += 4;
        if (length > (size_t)(end - at))
            return false;
        out[i] = str_make_padded((const char *)at, length);
        at += length;
    }
    *cursor = at;
    return true;
}

static bool read_length_strings(LeafReader *leaf, uint32_t count, Str *out)
{
    int32_t *lengths = stage(leaf, count, sizeof(*lengths));
    if (!delta_read_i32(&leaf->delta, count, lengths))
        return false;
    const uint8_t *at = leaf->values;
    for (uint32_t i = 0; i < count; i++) {
        if (lengths[i] < 0 || (size_t)lengths[i] > (size_t)(leaf->values_end - at))
            return false;
        out[i] = str_make_padded((const char *)at, (uint32_t)lengths[i]);
        at += lengths[i];
    }
    leaf->values = at;
    return true;
}

/* How many bytes the strings take that begin like the one before; UINT64_MAX: the lengths are bad. */
static uint64_t built_bytes(const LeafReader *leaf, const int32_t *prefixes, const int32_t *suffixes, uint32_t count)
{
    uint64_t total = 0, left = values_left(leaf);
    int64_t before = (int64_t)leaf->previous.length;
    for (uint32_t i = 0; i < count; i++) {
        if (prefixes[i] < 0 || suffixes[i] < 0 || prefixes[i] > before || (uint64_t)suffixes[i] > left)
            return UINT64_MAX;
        before = (int64_t)prefixes[i] + suffixes[i];
        left -= (uint64_t)suffixes[i];
        total += (uint64_t)before;
    }
    return total;
}

static Status read_prefixed_strings(LeafReader *leaf, uint32_t count, Str *out, Diag *diag)
{
    int32_t *prefixes = stage(leaf, count, sizeof(*prefixes)), *suffixes = stage(leaf, count, sizeof(*suffixes));
    if (!delta_read_i32(&leaf->prefixes, count, prefixes) || !delta_read_i32(&leaf->delta, count, suffixes))
        return damaged(leaf, diag);
    uint64_t total = built_bytes(leaf, prefixes, suffixes, count);
    if (total == UINT64_MAX)
        return damaged(leaf, diag);
    if (total > MOST_BUILT_BYTES)
        return parquet_leaf_error(leaf, ERR_LIMIT_EXCEEDED, diag, "the strings of one chunk take more than 1 GiB");
    if (leaf->tracker != NULL)
        TRY(mem_check_room(leaf->tracker, (int64_t)total, diag));
    char *at = stage(leaf, (uint32_t)total, 1);
    const char *before = leaf->previous.data;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t prefix = (uint32_t)prefixes[i], suffix = (uint32_t)suffixes[i];
        memmove(at, before, prefix);
        memcpy(at + prefix, leaf->values, suffix);
        leaf->values += suffix;
        out[i] = str_make(at, prefix + suffix);
        before = at;
        at += prefix + suffix;
    }
    size_t last = count == 0 ? 0 : out[count - 1].length;
    bytebuf_clear(&leaf->previous);
    bytebuf_append(&leaf->previous, at - last, last);
    return OK;
}

static Status read_strings(LeafReader *leaf, uint32_t count, Str *out, Diag *diag)
{
    bool is_right;
    if (leaf->encoding == PARQUET_DELTA_BYTE_ARRAY)
        return read_prefixed_strings(leaf, count, out, diag);
    if (leaf->encoding == PARQUET_DELTA_LENGTH_BYTE_ARRAY)
        is_right = read_length_strings(leaf, count, out);
    else
        is_right = read_plain_strings(&leaf->values, leaf->values_end, count, out);
    return is_right ? OK : damaged(leaf, diag);
}

/* ---- fixed widths ---- */

static void read_split(LeafReader *leaf, uint32_t count, uint32_t width, uint8_t *out)
{
    for (uint32_t b = 0; b < width; b++) {
        const uint8_t *from = leaf->values + (size_t)b * leaf->value_count + leaf->values_done;
        for (uint32_t i = 0; i < count; i++)
            out[(size_t)i * width + b] = from[i];
    }
    leaf->values_done += count;
}

static Status read_fixed_prefixed(LeafReader *leaf, uint32_t count, uint32_t width, uint8_t *out, Diag *diag)
{
    Str *strings = stage(leaf, count, sizeof(*strings));
    TRY(read_prefixed_strings(leaf, count, strings, diag));
    for (uint32_t i = 0; i < count; i++) {
        if (strings[i].length != width)
            return damaged(leaf, diag);
        memcpy(out + (size_t)i * width, str_data(&strings[i]), width);
    }
    return OK;
}

/* Raw values: where they lie, or staged. */
static Status read_fixed(LeafReader *leaf, uint32_t count, const void **out, Diag *diag)
{
    uint32_t width = parquet_raw_width(leaf->node);
    uint8_t *staged = NULL;
    bool is_right = true;
    if (leaf->encoding == PARQUET_PLAIN) {
        if ((uint64_t)count * width > values_left(leaf))
            return damaged(leaf, diag);
        *out = leaf->values;
        leaf->values += (size_t)count * width;
        return OK;
    }
    if (leaf->encoding == PARQUET_BYTE_STREAM_SPLIT && count > leaf->value_count - leaf->values_done)
        return damaged(leaf, diag);
    staged = stage(leaf, count, width);
    *out = staged;
    if (leaf->encoding == PARQUET_BYTE_STREAM_SPLIT)
        read_split(leaf, count, width, staged);
    else if (leaf->encoding == PARQUET_DELTA_BYTE_ARRAY)
        return read_fixed_prefixed(leaf, count, width, staged, diag);
    else
        is_right = width == 4 ? delta_read_i32(&leaf->delta, count, (int32_t *)staged) : delta_read_i64(&leaf->delta, count, (int64_t *)staged);
    return is_right ? OK : damaged(leaf, diag);
}

/* ---- dictionaries ---- */

static void gather_u32(uint32_t *restrict out, const uint32_t *dictionary, const uint32_t *codes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        out[i] = dictionary[codes[i]];
}

static void gather_u64(uint64_t *restrict out, const uint64_t *dictionary, const uint32_t *codes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        out[i] = dictionary[codes[i]];
}

static void gather_str(Str *restrict out, const Str *dictionary, const uint32_t *codes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        out[i] = dictionary[codes[i]];
}

void parquet_gather(void *out, const void *dictionary, const uint32_t *codes, uint32_t count, uint32_t width)
{
    if (width == 4)
        gather_u32(out, dictionary, codes, count);
    else if (width == 8)
        gather_u64(out, dictionary, codes, count);
    else /* 16: strings and wide integers alike */
        gather_str(out, dictionary, codes, count);
}

Status parquet_codes_read(LeafReader *leaf, uint32_t count, uint32_t *codes, Diag *diag)
{
    if (!hybrid_read(&leaf->codes, count, sizeof(*codes), codes))
        return damaged(leaf, diag);
    if (count > 0 && highest_u32(codes, count) >= leaf->dictionary.dict_size)
        return parquet_leaf_error(leaf, ERR_CORRUPT, diag, "a code is outside of its dictionary");
    return OK;
}

static Status read_dictionary_values(LeafReader *leaf, uint32_t count, size_t length, const void **out, Diag *diag)
{
    const uint8_t *at = leaf->dictionary_body.data, *end = at + length;
    uint32_t width = parquet_raw_width(leaf->node);
    *out = at;
    if (width > 0)
        return (uint64_t)count * width > length ? damaged(leaf, diag) : OK;
    if (leaf->node->physical != PARQUET_BYTE_ARRAY || (uint64_t)count * 4 > length)
        return damaged(leaf, diag);
    Str *strings = (Str *)leaf->dictionary_values.data;
    *out = strings;
    return read_plain_strings(&at, end, count, strings) ? OK : damaged(leaf, diag);
}

Status parquet_dictionary_open(LeafReader *leaf, uint32_t count, size_t length, Diag *diag)
{
    static _Atomic uint64_t next_id = UINT64_C(1) << 62; /* not those of segments */
    const void *raw;
    if (length < count) /* an entry takes a byte at least */
        return damaged(leaf, diag);
    TRY(buffer_alloc(&leaf->dictionary_values, leaf->tracker, (size_t)count * sizeof(Str) + LEAF_SLACK_BYTES, diag));
    TRY(read_dictionary_values(leaf, count, length, &raw, diag));
    TRY(parquet_convert(leaf, raw, count, &leaf->kept, leaf->dictionary_values.data, diag));
    leaf->dictionary = (Vector){.type = leaf->node->value_type,
                                .form = VECTOR_FLAT,
                                .data = leaf->dictionary_values.data,
                                .dict_size = count,
                                .dict_id = atomic_fetch_add(&next_id, 1)};
    return OK;
}

Status parquet_values_read(LeafReader *leaf, uint32_t count, void *out, Diag *diag)
{
    const void *raw = NULL;
    ASSERT(count <= CHUNK_ROWS);
    if (count == 0)
        return OK;
    if (parquet_page_has_codes(leaf)) {
        TRY(parquet_codes_read(leaf, count, leaf->code_block, diag));
        parquet_gather(out, leaf->dictionary.data, leaf->code_block, count, phys_width(leaf->node->value_type.phys));
        return OK;
    }
    if (leaf->node->physical == PARQUET_BOOLEAN)
        return hybrid_read(&leaf->codes, count, 1, out) ? OK : damaged(leaf, diag);
    if (leaf->node->physical == PARQUET_BYTE_ARRAY) {
        Str *strings = leaf->node->convert == CONVERT_STRING ? out : stage(leaf, count, sizeof(*strings));
        TRY(read_strings(leaf, count, strings, diag));
        raw = strings;
    } else {
        TRY(read_fixed(leaf, count, &raw, diag));
    }
    return parquet_convert(leaf, raw, count, &leaf->batch, out, diag);
}
