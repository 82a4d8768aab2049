#include "format/segment_int.h"

/* Reading pages. A page is checked against its checksum the first time it is read and again in every later
 * epoch; dictionaries and symbol tables are decoded once and shared, under the segment's lock. Every length
 * is compared with what is left before it is used. */

#include <stdlib.h>

#include "codec/alp.h"
#include "volume/guard.h"

/* One call of segment_read_rows(), or a dictionary that it needs. */
typedef struct PageReader {
    Segment *segment;
    const SegmentRead *wanted;
    uint64_t offset; /* of the page or dictionary, for errors */
    uint32_t count;  /* rows, entries */
    Arena *arena;
    ByteReader bytes;
} PageReader;

static Status damaged(const PageReader *p, const char *what)
{
    return segment_corrupt(p->segment, p->offset, p->wanted->column, what, p->wanted->diag);
}

static uint32_t group_of(const PageReader *p)
{
    return p->wanted->page / ROW_GROUP_PAGES;
}

/* ---- strings: pages and dictionaries ---- */

/* Bytes stay in the reader's arena. */
static Status decode_strings(PageReader *p, Str *out)
{
    uint8_t codec = byte_reader_u8(&p->bytes);
    uint32_t plain_length = byte_reader_u32(&p->bytes);
    uint8_t width = byte_reader_u8(&p->bytes);
    StrView packed = byte_reader_bytes(&p->bytes, bitpack_bytes(p->count, width));
    if (p->bytes.failed || width > 32 || codec > CODEC_ZSTD)
        return damaged(p, "strings are cut short");
    uint32_t *lengths = arena_alloc(p->arena, (size_t)p->count * 4 + 64);
    bitpack_unpack((const uint8_t *)packed.data, p->count, width, 0, 4, lengths);
    uint64_t total = 0;
    for (uint32_t i = 0; i < p->count; i++)
        total += lengths[i];
    StrView stored = byte_reader_bytes(&p->bytes, byte_reader_left(&p->bytes));
    if (total != plain_length || !segment_is_plausible(total, stored.length))
        return damaged(p, "string lengths do not add up");
    char *bytes = arena_alloc(p->arena, plain_length + 16);
    if (decompress((Codec)codec, stored, bytes, plain_length, NULL) != OK)
        return damaged(p, "compressed strings are damaged");
    for (uint32_t i = 0; i < p->count; i++) {
        out[i] = str_make_padded(bytes, lengths[i]);
        bytes += lengths[i];
    }
    return OK;
}

/* ---- what pages share ---- */

static Status check_shared(const PageReader *p, const DictionaryInfo *info, const char *what)
{
    CheckedBytes bytes = {info->offset, info->length, info->checksum, p->wanted->column, what, group_of(p)};
    return segment_check_sum(p->segment, &bytes, p->wanted->diag);
}

/* Lock held. */
static Status decode_dictionary(const PageReader *p, const DictionaryInfo *info, Vector **out)
{
    static _Atomic uint64_t next_id = 1; /* an address may come back after a segment was closed */
    Segment *s = p->segment;
    TRY(check_shared(p, info, "dictionary of row group"));
    if (info->count == 0 || info->count > 1u << 20)
        return damaged(p, "there is no dictionary for its pages");
    PageReader entries = {.segment = s, .wanted = p->wanted, .offset = info->offset, .count = info->count, .arena = &s->arena};
    entries.bytes = byte_reader(s->data + info->offset, info->length);
    Vector *dictionary = ARENA_NEW(&s->arena, Vector);
    vector_init(dictionary, &s->arena, s->columns[p->wanted->column].stored, info->count);
    TRY(decode_strings(&entries, dictionary->data));
    dictionary->dict_id = atomic_fetch_add(&next_id, 1);
    *out = dictionary;
    return OK;
}

/* Its bytes are pinned. */
static Status decode_dictionary_once(const PageReader *p, Vector **out)
{
    ColumnReader *column = &p->segment->columns[p->wanted->column];
    uint32_t group = group_of(p);
    LOCK_GUARD(&p->segment->lock);
    *out = atomic_load(&column->loaded[group]);
    if (*out == NULL)
        TRY(decode_dictionary(p, &column->dictionaries[group], out));
    atomic_store_explicit(&column->loaded[group], *out, memory_order_release);
    return OK;
}

static Status load_dictionary(const PageReader *p, const Vector **out)
{
    const ColumnReader *column = &p->segment->columns[p->wanted->column];
    const DictionaryInfo *info = &column->dictionaries[group_of(p)];
    Vector *ready = atomic_load_explicit(&column->loaded[group_of(p)], memory_order_acquire);
    if (ready == NULL) {
        TRY(segment_pin(p->segment, info->offset, info->length, p->wanted->diag));
        Status status = decode_dictionary_once(p, &ready);
        segment_unpin(p->segment, info->offset, info->length);
        TRY(status);
    }
    *out = ready;
    return OK;
}

/* Lock held. */
static Status decode_symbols(const PageReader *p, const DictionaryInfo *info, FsstTable **out)
{
    enum { MOST_BYTES = FSST_MAX_SYMBOLS * (FSST_SYMBOL_BYTES + 1) + 2 };
    Segment *s = p->segment;
    TRY(check_shared(p, info, "symbol table of row group"));
    ByteReader bytes = byte_reader(s->data + info->offset, info->length);
    uint8_t codec = byte_reader_u8(&bytes);
    uint32_t plain_length = byte_reader_u32(&bytes);
    if (info->count != 0 || bytes.failed || plain_length > MOST_BYTES || codec > CODEC_ZSTD)
        return damaged(p, "there is no symbol table for its pages");
    char *plain = mem_alloc(plain_length + 1);
    FsstTable *table = arena_alloc_aligned(&s->arena, sizeof(*table), 64);
    StrView stored = byte_reader_bytes(&bytes, byte_reader_left(&bytes));
    Status status = decompress((Codec)codec, stored, plain, plain_length, NULL);
    if (status == OK)
        status = fsst_load_table(strview_n(plain, plain_length), table, NULL);
    mem_free(plain);
    *out = table;
    return status == OK ? OK : damaged(p, "the symbol table is damaged");
}

/* Row groups that name the same bytes share one table. Its bytes are pinned. */
static Status decode_symbols_once(const PageReader *p, const DictionaryInfo *info, FsstTable **out)
{
    ColumnReader *column = &p->segment->columns[p->wanted->column];
    LOCK_GUARD(&p->segment->lock);
    *out = NULL;
    for (uint32_t g = 0; g < p->segment->group_count && *out == NULL; g++) {
        if (column->dictionaries[g].offset == info->offset && column->dictionaries[g].length == info->length)
            *out = atomic_load(&column->tables[g]);
    }
    if (*out == NULL)
        TRY(decode_symbols(p, info, out));
    atomic_store_explicit(&column->tables[group_of(p)], *out, memory_order_release);
    return OK;
}

static Status load_symbols(const PageReader *p, const FsstTable **out)
{
    const ColumnReader *column = &p->segment->columns[p->wanted->column];
    const DictionaryInfo *info = &column->dictionaries[group_of(p)];
    FsstTable *ready = atomic_load_explicit(&column->tables[group_of(p)], memory_order_acquire);
    if (ready == NULL) {
        TRY(segment_pin(p->segment, info->offset, info->length, p->wanted->diag));
        Status status = decode_symbols_once(p, info, &ready);
        segment_unpin(p->segment, info->offset, info->length);
        TRY(status);
    }
    *out = ready;
    return OK;
}

/* ---- symbols ---- */

typedef struct SymbolPage {
    const FsstTable *table;
    uint32_t *counts; /* codes of each string */
    uint16_t *codes;
    uint32_t code_count;
    uint32_t plain_length;
    uint8_t *bytes; /* room for plain_length */
} SymbolPage;

static Status unpack_symbols(PageReader *p, SymbolPage *out)
{
    TRY(load_symbols(p, &out->table));
    out->plain_length = byte_reader_u32(&p->bytes);
    out->code_count = byte_reader_u32(&p->bytes);
    uint8_t width = byte_reader_u8(&p->bytes);
    if (p->bytes.failed || width > 32)
        return damaged(p, "codes are cut short");
    StrView counts = byte_reader_bytes(&p->bytes, bitpack_bytes(p->count, width));
    StrView codes = byte_reader_bytes(&p->bytes, bitpack_bytes(out->code_count, out->table->code_bits));
    if (p->bytes.failed || out->plain_length > (uint64_t)out->code_count * FSST_SYMBOL_BYTES)
        return damaged(p, "codes are cut short");
    out->counts = arena_alloc(p->arena, (size_t)p->count * 4 + 64);
    bitpack_unpack((const uint8_t *)counts.data, p->count, width, 0, 4, out->counts);
    uint64_t total = 0;
    for (uint32_t i = 0; i < p->count; i++)
        total += out->counts[i];
    if (total != out->code_count)
        return damaged(p, "code counts do not add up");
    out->codes = arena_alloc(p->arena, (size_t)out->code_count * 2 + 64);
    bitpack_unpack((const uint8_t *)codes.data, out->code_count, out->table->code_bits, 0, 2, out->codes);
    out->bytes = arena_alloc(p->arena, (size_t)out->plain_length + 64);
    return OK;
}

/* Few rows of many: strings one by one. False: the page is damaged. */
static bool pick_strings(const SymbolPage *page, Rows rows, Str *out)
{
    uint32_t code = 0;
    uint32_t next = 0;
    uint32_t used = 0;
    for (uint32_t i = 0; i < rows.count; i++) {
        for (; next < rows.sel[i]; next++)
            code += page->counts[next];
        uint32_t length = fsst_decode_one(page->table, page->codes + code, page->counts[next], page->bytes + used,
                                          page->plain_length - used);
        if (length == UINT32_MAX)
            return false;
        out[next] = str_make_padded((const char *)page->bytes + used, length);
        used += length;
    }
    return true;
}

/* starts: by code. */
static void make_strings(const SymbolPage *page, const uint32_t *starts, uint32_t count, Str *out)
{
    uint32_t at = 0;
    uint32_t begin = starts[0];
    for (uint32_t i = 0; i < count; i++) {
        at += page->counts[i];
        uint32_t end = starts[at];
        out[i] = str_make_padded((const char *)page->bytes + begin, end - begin);
        begin = end;
    }
}

static Status read_symbols(PageReader *p, Vector *out)
{
    SymbolPage page = {0};
    Rows rows = p->wanted->rows;
    TRY(unpack_symbols(p, &page));
    if (rows.sel != NULL && rows.count < p->count / 4) {
        memset(out->data, 0, p->count * sizeof(Str));
        return pick_strings(&page, rows, out->data) ? OK : damaged(p, "decoded strings are too long");
    }
    uint32_t *starts = arena_alloc(p->arena, ((size_t)page.code_count + 1) * 4);
    if (!fsst_decode(page.table, page.codes, page.code_count, page.bytes, page.plain_length, starts) ||
        starts[page.code_count] != page.plain_length)
        return damaged(p, "decoded strings have another length");
    make_strings(&page, starts, p->count, out->data);
    return OK;
}

/* ---- the other encodings ---- */

static void expand_nulls(StrView bitmap, uint32_t count, uint8_t *out)
{
    for (uint32_t i = 0; i < count; i++)
        out[i] = ((uint8_t)bitmap.data[i / 8] >> (i % 8)) & 1;
}

static Status read_integers(PageReader *p, IntEncoding encoding, Vector *out)
{
    bool is_wide = out->type.phys == PHYS_I128;
    int64_t *narrow = is_wide ? arena_alloc_aligned(p->arena, (size_t)p->count * 8 + 64, 64) : NULL;
    if (out->type.phys > PHYS_I128 || !intpack_decode(encoding, &p->bytes, p->count, is_wide ? 8 : phys_width(out->type.phys),
                                                      is_wide ? (void *)narrow : out->data))
        return damaged(p, "packed values are damaged");
    for (uint32_t i = 0; i < p->count && is_wide; i++)
        ((Int128 *)out->data)[i] = narrow[i];
    return OK;
}

static Status read_codes(PageReader *p, Vector *out)
{
    const Vector *dictionary = NULL;
    TRY(load_dictionary(p, &dictionary));
    uint8_t width = byte_reader_u8(&p->bytes);
    StrView packed = byte_reader_bytes(&p->bytes, bitpack_bytes(p->count, width));
    uint32_t limit = p->segment->columns[p->wanted->column].dictionaries[group_of(p)].count;
    if (p->bytes.failed || width > 31)
        return damaged(p, "codes are cut short");
    uint32_t *codes = arena_alloc_aligned(p->arena, (size_t)p->count * 4 + 64, 64);
    bitpack_unpack((const uint8_t *)packed.data, p->count, width, 0, 4, codes);
    if (limit >> width == 0 && highest_u32(codes, p->count) >= limit)
        return damaged(p, "a code is outside of its dictionary");
    out->form = VECTOR_DICTIONARY;
    out->codes = codes;
    out->dictionary = dictionary;
    out->dict_size = limit;
    out->dict_id = dictionary->dict_id;
    return OK;
}

static Status read_plain(PageReader *p, Vector *out)
{
    uint8_t codec = byte_reader_u8(&p->bytes);
    uint32_t plain = byte_reader_u32(&p->bytes);
    size_t wanted = (size_t)p->count * phys_width(out->type.phys);
    StrView stored = byte_reader_bytes(&p->bytes, byte_reader_left(&p->bytes));
    if (p->bytes.failed || plain != wanted || codec > CODEC_ZSTD)
        return damaged(p, "values are cut short");
    return decompress((Codec)codec, stored, out->data, plain, NULL) == OK ? OK : damaged(p, "compressed values are damaged");
}

/* Nested values are datums in a column of bytes. */
static Status read_nested(PageReader *p, const Vector *bytes, Vector *out)
{
    VectorView view = vector_view(bytes);
    vector_init(out, p->arena, p->wanted->type, p->count);
    for (uint32_t i = 0; i < p->count; i++) {
        if (view_is_null(&view, i)) {
            vector_set_null(out, i);
            continue;
        }
        const Str *text = &((const Str *)view.data)[view_index(&view, i)];
        ByteReader reader = byte_reader(str_data(text), text->length);
        Datum value;
        TRY(datum_decode(p->wanted->type, &reader, p->arena, p->wanted->diag, &value));
        vector_put(out, p->arena, i, &value);
    }
    return OK;
}

/* ---- dispatch ---- */

static Status read_string_page(PageReader *p, uint8_t encoding, Vector *out)
{
    if (encoding == PAGE_DICTIONARY)
        return read_codes(p, out);
    return encoding == PAGE_STRINGS ? decode_strings(p, out->data) : read_symbols(p, out);
}

static Status decode_page(PageReader *p, Vector *out)
{
    uint8_t encoding = byte_reader_u8(&p->bytes);
    bool has_nulls = byte_reader_u8(&p->bytes) != 0;
    StrView bitmap = byte_reader_bytes(&p->bytes, has_nulls ? (p->count + 7) / 8 : 0);
    if (p->bytes.failed)
        return damaged(p, "the page is cut short");
    if (has_nulls)
        expand_nulls(bitmap, p->count, vector_nulls(out));
    bool is_string = out->type.phys == PHYS_STR;
    switch (encoding) {
    case PAGE_PACKED:
    case PAGE_SCALED:
    case PAGE_DELTA:
    case PAGE_RUNS:
    case PAGE_PATCHED:
        return read_integers(p, (IntEncoding)encoding, out);
    case PAGE_DICTIONARY:
    case PAGE_STRINGS:
    case PAGE_SYMBOLS:
        return is_string ? read_string_page(p, encoding, out) : damaged(p, "the page's encoding is one of strings");
    case PAGE_ALP:
        if (out->type.phys == PHYS_F64 && alp_decode(&p->bytes, p->count, out->data))
            return OK;
        return damaged(p, "packed doubles are damaged");
    case PAGE_PLAIN:
        return read_plain(p, out);
    case PAGE_NULL:
        if (is_string)
            memset(out->data, 0, (size_t)p->count * sizeof(Str));
        return OK;
    default:
        return damaged(p, "the page's encoding is unknown");
    }
}

static Status check_page(const PageReader *p)
{
    Segment *s = p->segment;
    const SegmentRead *wanted = p->wanted;
    _Atomic uint32_t *checked = &s->columns[wanted->column].checked[wanted->page];
    const PageInfo *info = &s->columns[wanted->column].pages[wanted->page];
    uint8_t epoch = atomic_load_explicit(&s->epoch, memory_order_relaxed);
    /* Bytes that were fetched again may be other ones. */
    uint32_t mark = epoch | volume_generation(s->object, s->ref.offset + info->offset, info->length) << 8;
    if (atomic_load_explicit(checked, memory_order_relaxed) == mark)
        return OK;
    CheckedBytes bytes = {info->offset, info->length, info->checksum, wanted->column, "page", wanted->page};
    TRY(segment_check_sum(s, &bytes, wanted->diag));
    atomic_store_explicit(checked, mark, memory_order_relaxed);
    return OK;
}

/* The page is pinned. */
static Status read_guarded(Segment *s, const SegmentRead *read, Vector *out)
{
    const ColumnReader *column = &s->columns[read->column];
    const PageInfo *info = &column->pages[read->page];
    SegmentRead whole = *read;
    whole.rows = (Rows){NULL, s->page_rows[read->page]};
    bool is_nested = type_is_nested(column->type);
    PageReader p = {.segment = s, .wanted = is_nested ? &whole : read, .offset = info->offset, .count = whole.rows.count,
                    .arena = read->arena, .bytes = byte_reader(s->data + info->offset, info->length)};
    TRY(check_page(&p));
    Type stored = column->stored;
    if (!is_nested && stored.phys != PHYS_STR && stored.phys < PHYS_F32)
        stored.phys = read->type.phys; /* narrower, as the caller proved */
    Vector raw;
    Vector *into = is_nested ? &raw : out;
    vector_init(into, read->arena, is_nested ? stored : read->type, SEGMENT_PAGE_ROWS);
    into->type.phys = stored.phys;
    TRY(decode_page(&p, into));
    return is_nested ? read_nested(&p, &raw, out) : OK;
}

/* Another reader of the object may have met its end in the mapping that they share: zeros are there from then on. */
static bool is_still_whole(Segment *s)
{
    uint32_t faults = volume_guard_faults();
    if (faults == atomic_load_explicit(&s->faults, memory_order_relaxed))
        return true;
    if (!volume_object_is_unchanged(s->object))
        return false;
    atomic_store_explicit(&s->faults, faults, memory_order_relaxed);
    return true;
}

Status segment_read_rows(Segment *s, const SegmentRead *read, Vector *out)
{
    const PageInfo *page = &s->columns[read->column].pages[read->page];
    TRY(segment_pin(s, page->offset, page->length, read->diag));
    volume_guard_begin();
    Status status = read_guarded(s, read, out);
    if (!volume_guard_end() || !is_still_whole(s))
        atomic_store(&s->is_cut_short, true);
    segment_unpin(s, page->offset, page->length);
    if (atomic_load_explicit(&s->is_cut_short, memory_order_relaxed))
        return segment_corrupt(s, page->offset, read->column, "the object became shorter", read->diag);
    return status;
}

Status segment_read(Segment *s, uint32_t page, int column, Type target, Arena *arena, Diag *diag, Vector *out)
{
    SegmentRead read = {page, column, target, {NULL, s->page_rows[page]}, arena, diag};
    return segment_read_rows(s, &read, out);
}

static int by_offset(const void *a, const void *b)
{
    const VolumeRange *left = a, *right = b;
    return left->offset < right->offset ? -1 : left->offset > right->offset;
}

/* Pages of a column lie one behind the other within a row group, behind what they share. */
static VolumeRange range_of(const Segment *s, const ColumnReader *column, uint32_t first, uint32_t last)
{
    const DictionaryInfo *shared = &column->dictionaries[first / ROW_GROUP_PAGES];
    uint64_t from = column->pages[first].offset, to = column->pages[last].offset + column->pages[last].length;
    bool is_before = shared->length > 0 && shared->offset < from && from - shared->offset <= shared->length + to - from;
    if (is_before)
        from = shared->offset;
    return (VolumeRange){s->ref.offset + from, to > from ? to - from : 0};
}

void segment_prefetch(const Segment *s, uint32_t first_page, uint32_t last_page, const int *columns, uint32_t column_count)
{
    VolumeRange ranges[MOST_PREFETCH_COLUMNS];
    uint32_t count = 0;
    if (!volume_can_prefetch(s->object->volume))
        return;
    for (uint32_t c = 0; c < column_count && count < MOST_PREFETCH_COLUMNS; c++) {
        if (columns[c] >= 0)
            ranges[count++] = range_of(s, &s->columns[columns[c]], first_page, last_page);
    }
    qsort(ranges, count, sizeof(*ranges), by_offset);
    s->object->volume->ops->prefetch(s->object, ranges, count);
}

Status segment_verify(Segment *s, Diag *diag)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    for (uint32_t c = 0; c < s->column_count; c++) {
        for (uint32_t p = 0; p < s->page_count; p++) {
            Vector out;
            arena_reset(&arena);
            atomic_store_explicit(&s->columns[c].checked[p], 0, memory_order_relaxed);
            TRY(segment_read(s, p, (int)c, s->columns[c].type, &arena, diag, &out));
        }
    }
    return segment_verify_filters(s, diag);
}
