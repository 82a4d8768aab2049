#include "format/parquet/parquet_column_writer.h"

/* One leaf column of a row group: dictionary, pages. */

#include <zlib.h>

#include "base/hash.h"
#include "codec/bitpack.h"
#include "format/parquet/parquet_hybrid.h"
#include "format/parquet/parquet_thrift.h"

enum {
    PAGE_BYTES = 1 << 20,
    PAGE_ENTRIES = 1 << 16,
    DICTIONARY_ENTRIES = 1 << 16,
    DICTIONARY_BYTES = 1 << 20,
    FIRST_SLOTS = 1 << 10,
    DATA_PAGE = 0,
    DICTIONARY_PAGE = 2,
};

void parquet_column_init(ColumnWriter *column, const WriteNode *node, uint8_t codec)
{
    *column = (ColumnWriter){.node = node, .codec = codec};
    column->dictionary.is_given_up = node->value_class == VALUE_BITS;
}

static void free_dictionary(Dictionary *dictionary)
{
    mem_free(dictionary->slots);
    mem_free(dictionary->words);
    mem_free(dictionary->ends);
    bytebuf_deinit(&dictionary->bytes);
    *dictionary = (Dictionary){0};
}

void parquet_column_deinit(ColumnWriter *column)
{
    free_dictionary(&column->dictionary);
    mem_free(column->codes);
    bytebuf_deinit(&column->defs);
    bytebuf_deinit(&column->reps);
    bytebuf_deinit(&column->plain);
    bytebuf_deinit(&column->pages);
    bytebuf_deinit(&column->scratch);
    bytebuf_deinit(&column->bounds.low_text);
    bytebuf_deinit(&column->bounds.high_text);
}

uint64_t parquet_column_memory(const ColumnWriter *column)
{
    const Dictionary *d = &column->dictionary;
    return column->defs.capacity + column->reps.capacity + column->plain.capacity + column->pages.capacity + column->scratch.capacity +
           d->bytes.capacity + (uint64_t)d->slot_count * sizeof(*d->slots) + (uint64_t)d->capacity * (sizeof(*d->words) + sizeof(*d->ends)) +
           (uint64_t)column->code_capacity * sizeof(*column->codes);
}

void parquet_column_reset(ColumnWriter *column)
{
    free_dictionary(&column->dictionary);
    column->dictionary.is_given_up = column->node->value_class == VALUE_BITS;
    bytebuf_deinit(&column->pages); /* large, and the next row group grows its own */
    column->plain_length = column->entry_count = column->chunk_nulls = 0;
    column->has_coded_page = column->has_plain_page = false;
    parquet_bounds_reset(&column->bounds);
}

/* ---- the dictionary ---- */

static StrView entry_bytes(const Dictionary *d, uint32_t code)
{
    uint32_t begin = code == 0 ? 0 : d->ends[code - 1];
    return (StrView){d->bytes.data + begin, d->ends[code] - begin};
}

static uint64_t entry_hash(const Dictionary *d, const WriteNode *node, uint32_t code)
{
    if (node->value_class == VALUE_WORD)
        return hash_u64((uint64_t)d->words[code]);
    StrView bytes = entry_bytes(d, code);
    return hash_bytes(bytes.data, bytes.length);
}

static void grow_slots(Dictionary *d, const WriteNode *node)
{
    if (d->count * 2 < d->slot_count)
        return;
    d->slot_count = MAX(d->slot_count * 2, (uint32_t)FIRST_SLOTS);
    mem_free(d->slots);
    d->slots = mem_alloc_zero((size_t)d->slot_count * sizeof(*d->slots));
    for (uint32_t code = 0; code < d->count; code++) {
        uint64_t at = entry_hash(d, node, code) & (d->slot_count - 1);
        while (d->slots[at] != 0)
            at = (at + 1) & (d->slot_count - 1);
        d->slots[at] = code + 1;
    }
}

static void grow_entries(Dictionary *d)
{
    if (d->count < d->capacity)
        return;
    d->capacity = MAX(d->capacity * 2, (uint32_t)FIRST_SLOTS);
    d->words = mem_realloc(d->words, (size_t)d->capacity * sizeof(*d->words));
    d->ends = mem_realloc(d->ends, (size_t)d->capacity * sizeof(*d->ends));
}

static uint32_t code_of_word(Dictionary *d, const WriteNode *node, int64_t word)
{
    grow_slots(d, node);
    uint64_t at = hash_u64((uint64_t)word) & (d->slot_count - 1);
    while (d->slots[at] != 0) {
        if (d->words[d->slots[at] - 1] == word)
            return d->slots[at] - 1;
        at = (at + 1) & (d->slot_count - 1);
    }
    grow_entries(d);
    d->words[d->count] = word;
    d->slots[at] = ++d->count;
    return d->count - 1;
}

static uint32_t code_of_bytes(ColumnWriter *column, StrView value)
{
    Dictionary *d = &column->dictionary;
    grow_slots(d, column->node);
    uint64_t at = hash_bytes(value.data, value.length) & (d->slot_count - 1);
    while (d->slots[at] != 0) {
        if (strview_equal(entry_bytes(d, d->slots[at] - 1), value))
            return d->slots[at] - 1;
        at = (at + 1) & (d->slot_count - 1);
    }
    grow_entries(d);
    parquet_bounds_bytes(&column->bounds, column->node, value);
    bytebuf_append_view(&d->bytes, value);
    d->ends[d->count] = (uint32_t)d->bytes.length;
    d->slots[at] = ++d->count;
    return d->count - 1;
}

static bool is_full(const Dictionary *d)
{
    return d->count >= DICTIONARY_ENTRIES || d->bytes.length >= DICTIONARY_BYTES;
}

/* ---- values ---- */

static void put_word(const WriteNode *node, int64_t word, ByteBuf *out)
{
    bytebuf_append(out, &word, node->width);
}

static void put_bytes(const WriteNode *node, StrView value, ByteBuf *out)
{
    if (node->physical == PARQUET_BYTE_ARRAY)
        bytebuf_put_u32(out, (uint32_t)value.length);
    bytebuf_append_view(out, value);
}

static void put_entry(const ColumnWriter *column, uint32_t code, ByteBuf *out)
{
    if (column->node->value_class == VALUE_WORD)
        put_word(column->node, column->dictionary.words[code], out);
    else
        put_bytes(column->node, entry_bytes(&column->dictionary, code), out);
}

/* The dictionary takes no more: what the page has becomes plain. */
static void give_up_dictionary(ColumnWriter *column)
{
    column->dictionary.is_given_up = true;
    for (uint32_t i = 0; i < column->code_count; i++)
        put_entry(column, column->codes[i], &column->plain);
    column->code_count = 0;
}

static void reserve_codes(ColumnWriter *column, uint32_t count)
{
    if (column->code_count + count <= column->code_capacity)
        return;
    column->code_capacity = MAX(column->code_count + count, column->code_capacity * 2);
    column->codes = mem_realloc(column->codes, (size_t)column->code_capacity * sizeof(*column->codes));
}

void parquet_column_level(ColumnWriter *column, uint8_t rep, uint8_t def)
{
    bytebuf_put_u8(&column->reps, rep);
    bytebuf_put_u8(&column->defs, def);
    column->entries++;
    column->null_count += def < column->node->max_def;
}

void parquet_column_words(ColumnWriter *column, const int64_t *words, uint32_t count)
{
    uint32_t i = 0;
    parquet_bounds_words(&column->bounds, column->node, words, count);
    if (!column->dictionary.is_given_up) {
        reserve_codes(column, count);
        for (; i < count && !is_full(&column->dictionary); i++)
            column->codes[column->code_count++] = code_of_word(&column->dictionary, column->node, words[i]);
        if (i == count)
            return;
        give_up_dictionary(column);
    }
    bytebuf_reserve(&column->plain, (size_t)(count - i) * column->node->width);
    for (; i < count; i++)
        put_word(column->node, words[i], &column->plain);
}

void parquet_column_bits(ColumnWriter *column, const uint8_t *bits, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        int64_t word = bits[i] != 0;
        parquet_bounds_words(&column->bounds, column->node, &word, 1);
        bytebuf_put_u8(&column->plain, (uint8_t)word);
    }
}

void parquet_column_bytes(ColumnWriter *column, const StrView *values, uint32_t count)
{
    uint32_t i = 0;
    if (!column->dictionary.is_given_up) {
        reserve_codes(column, count);
        for (; i < count && !is_full(&column->dictionary); i++)
            column->codes[column->code_count++] = code_of_bytes(column, values[i]);
        if (i == count)
            return;
        give_up_dictionary(column);
    }
    for (; i < count; i++) {
        parquet_bounds_bytes(&column->bounds, column->node, values[i]);
        put_bytes(column->node, values[i], &column->plain);
    }
}

/* ---- pages ---- */

static void put_levels(ColumnWriter *column, const ByteBuf *levels, uint8_t highest, ByteBuf *out)
{
    uint32_t *wide = mem_alloc((size_t)MAX(column->entries, 1u) * sizeof(*wide));
    for (uint32_t i = 0; i < column->entries; i++)
        wide[i] = (uint8_t)levels->data[i];
    size_t at = out->length;
    bytebuf_put_u32(out, 0);
    hybrid_append(out, wide, column->entries, 32 - (uint32_t)__builtin_clz(highest));
    uint32_t length = (uint32_t)(out->length - at - sizeof(length));
    memcpy(out->data + at, &length, sizeof(length));
    mem_free(wide);
}

static void put_values(const ColumnWriter *column, bool is_coded, ByteBuf *out)
{
    if (is_coded) {
        uint32_t last = MAX(column->dictionary.count, 2u) - 1, width = bits_needed(last);
        bytebuf_put_u8(out, (uint8_t)width);
        hybrid_append(out, column->codes, column->code_count, width);
    } else if (column->node->value_class == VALUE_BITS) {
        for (size_t i = 0; i < column->plain.length; i += 8) {
            uint8_t byte = 0;
            for (size_t bit = 0; bit < 8 && i + bit < column->plain.length; bit++)
                byte |= (uint8_t)((uint8_t)column->plain.data[i + bit] << bit);
            bytebuf_put_u8(out, byte);
        }
    } else {
        bytebuf_append_view(out, bytebuf_view(&column->plain));
    }
}

typedef struct PageForm {
    int32_t kind, encoding;
    uint32_t value_count;
} PageForm;

static void put_header(const PageForm *form, size_t plain_length, StrView stored, ByteBuf *out)
{
    ThriftWriter header = {.out = out};
    thrift_put_i32(&header, 1, form->kind);
    thrift_put_i32(&header, 2, (int32_t)plain_length);
    thrift_put_i32(&header, 3, (int32_t)stored.length);
    thrift_put_i32(&header, 4, (int32_t)crc32(0, (const Bytef *)stored.data, (uInt)stored.length));
    ThriftWriter inner = thrift_begin(&header, form->kind == DATA_PAGE ? 5 : 7);
    thrift_put_i32(&inner, 1, (int32_t)form->value_count);
    thrift_put_i32(&inner, 2, form->encoding);
    if (form->kind == DATA_PAGE) {
        thrift_put_i32(&inner, 3, PARQUET_RLE);
        thrift_put_i32(&inner, 4, PARQUET_RLE);
    }
    thrift_end(&inner);
    thrift_end(&header);
}

/* Header and body; how many bytes they would be without compression. */
static Status put_page(const ColumnWriter *column, const PageForm *form, StrView plain, ByteBuf *out, uint64_t *out_plain, Diag *diag)
{
    AUTO_BYTEBUF stored = {0};
    size_t before = out->length;
    if (plain.length > INT32_MAX)
        return RAISE(diag, LIMIT_EXCEEDED, "column %.*s: a page of a Parquet file is larger than 2 GiB", SV_ARGS(column->node->name));
    TRY(parquet_compress(column->codec, plain, &stored, diag));
    put_header(form, plain.length, bytebuf_view(&stored), out);
    *out_plain += out->length - before + plain.length;
    bytebuf_append_view(out, bytebuf_view(&stored));
    return OK;
}

/* A dictionary that hardly repeats is given up before its first page. */
static bool pays(const ColumnWriter *column)
{
    return column->has_coded_page || column->dictionary.count <= column->code_count / 2;
}

Status parquet_column_page(ColumnWriter *column, bool is_last, Diag *diag)
{
    size_t values = column->plain.length + column->code_count * sizeof(uint32_t);
    bool ends = is_last ? column->entries > 0 : values >= PAGE_BYTES || column->entries >= PAGE_ENTRIES;
    if (!ends)
        return OK;
    if (!column->dictionary.is_given_up && !pays(column))
        give_up_dictionary(column);
    bool is_coded = !column->dictionary.is_given_up;
    ByteBuf *body = &column->scratch;
    bytebuf_clear(body);
    if (column->node->max_rep > 0)
        put_levels(column, &column->reps, column->node->max_rep, body);
    put_levels(column, &column->defs, column->node->max_def, body);
    put_values(column, is_coded, body);
    PageForm form = {DATA_PAGE, is_coded ? PARQUET_RLE_DICTIONARY : PARQUET_PLAIN, column->entries};
    TRY(put_page(column, &form, bytebuf_view(body), &column->pages, &column->plain_length, diag));
    column->has_coded_page |= is_coded;
    column->has_plain_page |= !is_coded;
    column->entry_count += column->entries;
    column->chunk_nulls += column->null_count;
    column->entries = column->null_count = column->code_count = 0;
    bytebuf_clear(&column->plain);
    bytebuf_clear(&column->defs);
    bytebuf_clear(&column->reps);
    return OK;
}

Status parquet_column_dictionary(ColumnWriter *column, ByteBuf *out, uint64_t *out_plain, Diag *diag)
{
    PageForm form = {DICTIONARY_PAGE, PARQUET_PLAIN, column->dictionary.count};
    if (!column->has_coded_page)
        return OK;
    bytebuf_clear(&column->scratch);
    for (uint32_t code = 0; code < column->dictionary.count; code++)
        put_entry(column, code, &column->scratch);
    return put_page(column, &form, bytebuf_view(&column->scratch), out, out_plain, diag);
}
