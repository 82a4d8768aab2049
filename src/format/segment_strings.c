#include "format/segment_int.h"

/* How a row group of strings is written: few distinct values get a dictionary; else codes of a symbol
 * table, which later row groups keep as long as it fits them; else, for what is too short to learn from
 * or too different, compressed bytes. */

#include "base/hash.h"

enum {
    MAX_DICTIONARY = 16384,
    MAX_DICTIONARY_BYTES = 1 << 20,
    SAMPLE_BYTES = 128 << 10,
    LEAST_BYTES = 64 << 10,     /* of a row group, for a table to pay */
    LONGEST_AVERAGE = 4096,     /* documents: better compressed as a whole */
    TEST_BYTES = 32 << 10,
};

void string_writer_deinit(StringWriter *writer)
{
    fsst_encoder_free(writer->encoder);
    writer->encoder = NULL;
    bytebuf_deinit(&writer->symbols);
}

/* ---- dictionary ---- */

typedef struct DictionaryBuilder {
    uint32_t *slots; /* entry + 1; 0 empty */
    uint32_t mask;
    Str *entries;
    uint32_t count;
    size_t bytes;
} DictionaryBuilder;

static bool build_dictionary(StringWriter *w, const Str *values, uint32_t rows, Arena *arena, DictionaryBuilder *out)
{
    uint32_t limit = MIN((uint32_t)MAX_DICTIONARY, rows / 4 + 16);
    uint32_t slots = 64; /* as the rows need them: most loads of single rows are tiny */
    while (slots < limit * 2)
        slots *= 2;
    *out = (DictionaryBuilder){.mask = slots - 1};
    out->slots = ARENA_NEW_ARRAY(arena, uint32_t, slots);
    out->entries = arena_alloc(arena, limit * sizeof(Str));
    for (uint32_t i = 0; i < rows; i++) {
        const Str *value = &values[i];
        uint64_t hash = value->length <= STR_INLINE_BYTES
                            ? hash_combine(load_u64(value), load_u64((const char *)value + 8))
                            : hash_bytes(value->pointer, value->length);
        uint32_t slot = (uint32_t)hash & out->mask;
        while (out->slots[slot] != 0 && !str_equal(&out->entries[out->slots[slot] - 1], value))
            slot = (slot + 1) & out->mask;
        if (out->slots[slot] == 0) {
            if (out->count == limit || out->bytes > MAX_DICTIONARY_BYTES)
                return false;
            out->entries[out->count++] = *value;
            out->slots[slot] = out->count;
            out->bytes += value->length;
        }
        w->codes[i] = out->slots[slot] - 1;
    }
    return true;
}

/* ---- compressed bytes: also the form of dictionaries ---- */

/* All strings one behind the other. Short ones are copied with what lies behind them, which the next one covers. */
static void join_strings(const Str *values, uint32_t count, ByteBuf *out, uint32_t *out_longest)
{
    size_t total = 0;
    uint32_t longest = 0;
    for (uint32_t i = 0; i < count; i++) {
        total += values[i].length;
        longest = MAX(longest, values[i].length);
    }
    bytebuf_reserve(out, total + STR_INLINE_BYTES);
    char *to = out->data;
    for (uint32_t i = 0; i < count; i++) {
        if (values[i].length <= STR_INLINE_BYTES)
            memcpy(to, values[i].inlined, STR_INLINE_BYTES);
        else
            memcpy(to, values[i].pointer, values[i].length);
        to += values[i].length;
    }
    out->length = total;
    *to = '\0';
    *out_longest = longest;
}

static void put_strings(ByteBuf *out, const Str *values, uint32_t count, Codec codec)
{
    int64_t lengths[512];
    AUTO_BYTEBUF bytes = {0};
    AUTO_BYTEBUF packed = {0};
    uint32_t longest;
    join_strings(values, count, &bytes, &longest);
    uint32_t width = bits_needed(longest);
    Codec used = compress_append(codec, bytebuf_view(&bytes), &packed);
    bytebuf_put_u8(out, (uint8_t)used);
    bytebuf_put_u32(out, (uint32_t)bytes.length);
    bytebuf_put_u8(out, (uint8_t)width);
    /* Parts of 512 end on a byte. */
    for (uint32_t first = 0; first < count; first += COUNT_OF(lengths)) {
        uint32_t part = MIN(count - first, (uint32_t)COUNT_OF(lengths));
        for (uint32_t i = 0; i < part; i++)
            lengths[i] = values[first + i].length;
        bitpack_append(out, lengths, part, 0, width);
    }
    bytebuf_append(out, packed.data, packed.length);
}

/* ---- symbol tables ---- */

/* Strings from all over the row group, about limit bytes of them. */
static uint32_t take_sample(const Str *values, uint32_t rows, uint64_t total, size_t limit, StrView *out)
{
    uint64_t step = MAX(total * 16 / limit, (uint64_t)16); /* in sixteenths of a row */
    uint32_t count = 0;
    size_t bytes = 0;
    for (uint64_t at = 0; at / 16 < rows && bytes < limit; at += step) {
        const Str *value = &values[at / 16];
        out[count] = strview_n(str_data(value), MIN(value->length, (size_t)LONGEST_AVERAGE));
        bytes += out[count++].length;
    }
    return count;
}

static double bytes_per_code(StringWriter *w, const StrView *sample, uint32_t count)
{
    uint64_t bytes = 0;
    uint64_t codes = 0;
    for (uint32_t i = 0; i < count; i++) {
        bytebuf_clear(&w->symbols);
        bytebuf_reserve(&w->symbols, sample[i].length * 2 + 2);
        codes += fsst_encode(w->encoder, sample[i], (uint16_t *)(void *)w->symbols.data);
        bytes += sample[i].length;
    }
    return codes == 0 ? 1.0 : (double)bytes / (double)codes;
}

/* Against whole-page compression, which decodes several times slower: a little more is accepted. */
static bool beats_compression(StringWriter *w, const StrView *sample, uint32_t count)
{
    AUTO_BYTEBUF plain = {0};
    AUTO_BYTEBUF packed = {0};
    for (uint32_t i = 0; i < count; i++)
        bytebuf_append_view(&plain, sample[i]);
    compress_append(CODEC_ZSTD, bytebuf_view(&plain), &packed);
    double symbols = (double)plain.length / bytes_per_code(w, sample, count) * fsst_code_bits(w->encoder) / 8;
    return symbols < (double)packed.length * 1.25 && symbols < (double)plain.length * 0.85;
}

static void put_table(const FsstEncoder *encoder, ByteBuf *out)
{
    AUTO_BYTEBUF plain = {0};
    AUTO_BYTEBUF packed = {0};
    fsst_store_table(encoder, &plain);
    Codec used = compress_append(CODEC_ZSTD, bytebuf_view(&plain), &packed);
    bytebuf_put_u8(out, (uint8_t)used);
    bytebuf_put_u32(out, (uint32_t)plain.length);
    bytebuf_append(out, packed.data, packed.length);
}

static bool begin_symbols(StringWriter *w, const Str *values, uint32_t rows, Arena *arena, ByteBuf *shared)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < rows; i++)
        total += values[i].length;
    if (w->has_given_up || total < LEAST_BYTES || total / rows > LONGEST_AVERAGE)
        return false;
    StrView *sample = ARENA_NEW_ARRAY(arena, StrView, rows);
    uint32_t count = take_sample(values, rows, total, TEST_BYTES, sample);
    if (w->encoder != NULL && w->table.length > 0 && bytes_per_code(w, sample, count) > w->expected * 0.9)
        return true;
    count = take_sample(values, rows, total, MIN((size_t)total / 8 + 8192, (size_t)SAMPLE_BYTES), sample);
    fsst_encoder_free(w->encoder);
    w->encoder = fsst_train(sample, count);
    w->table = (DictionaryInfo){0};
    count = take_sample(values, rows, total, TEST_BYTES, sample);
    w->expected = bytes_per_code(w, sample, count);
    w->has_given_up = !beats_compression(w, sample, count);
    if (w->has_given_up)
        return false;
    put_table(w->encoder, shared);
    return true;
}

static void put_symbols(StringWriter *w, const Str *values, uint32_t count, int64_t *numbers, ByteBuf *out)
{
    uint64_t plain = 0;
    int64_t most = 0;
    bytebuf_clear(&w->symbols);
    for (uint32_t i = 0; i < count; i++) {
        bytebuf_reserve(&w->symbols, (size_t)values[i].length * 2 + 2);
        uint32_t codes = fsst_encode(w->encoder, str_view(&values[i]), (uint16_t *)(void *)(w->symbols.data + w->symbols.length));
        w->symbols.length += (size_t)codes * 2;
        plain += values[i].length;
        numbers[i] = codes;
        most = MAX(most, numbers[i]);
    }
    uint32_t width = bits_needed((uint64_t)most);
    uint32_t total = (uint32_t)(w->symbols.length / 2);
    bytebuf_put_u32(out, (uint32_t)plain);
    bytebuf_put_u32(out, total);
    bytebuf_put_u8(out, (uint8_t)width);
    bitpack_append(out, numbers, count, 0, width);
    for (uint32_t first = 0; first < total; first += SEGMENT_PAGE_ROWS) {
        uint32_t part = MIN(total - first, (uint32_t)SEGMENT_PAGE_ROWS);
        for (uint32_t i = 0; i < part; i++)
            numbers[i] = load_u16(w->symbols.data + ((size_t)first + i) * 2);
        bitpack_append(out, numbers, part, 0, fsst_code_bits(w->encoder));
    }
}

/* ---- the writer's calls ---- */

void string_writer_begin(StringWriter *w, const Str *values, uint32_t rows, Arena *arena, ByteBuf *shared)
{
    DictionaryBuilder dictionary;
    w->values = values;
    w->entries = 0;
    if (build_dictionary(w, values, rows, arena, &dictionary)) {
        put_strings(shared, dictionary.entries, dictionary.count, w->is_hurried ? CODEC_LZ4 : CODEC_ZSTD);
        w->entries = dictionary.count;
        w->form = STRINGS_DICTIONARY;
        return;
    }
    w->form = begin_symbols(w, values, rows, arena, shared) ? STRINGS_SYMBOLS : STRINGS_PLAIN;
}

void string_writer_page(StringWriter *w, uint32_t first, uint32_t count, ByteBuf *out)
{
    if (w->form == STRINGS_SYMBOLS) {
        put_symbols(w, w->values + first, count, w->numbers, out);
    } else if (w->form == STRINGS_DICTIONARY) {
        uint32_t width = bits_needed(w->entries - 1);
        for (uint32_t i = 0; i < count; i++)
            w->numbers[i] = w->codes[first + i];
        bytebuf_put_u8(out, (uint8_t)width);
        bitpack_append(out, w->numbers, count, 0, width);
    } else {
        put_strings(out, w->values + first, count, w->is_hurried ? CODEC_LZ4 : CODEC_ZSTD);
    }
}
