#include "format/segment_int.h"

/* Reading segments over a mapped object. The footer is parsed once at open; pages are checked against
 * their checksum the first time they are read, dictionaries are decoded once and shared. Every length is
 * compared with what is left before it is used. */

#include "base/hash.h"
#include "base/log.h"
#include "base/thread.h"
#include "codec/alp.h"
#include "volume/guard.h"

typedef struct ColumnReader {
    uint32_t unique_id;
    Type type;   /* as the table sees it */
    Type stored; /* nested ones: VARBINARY */
    PageInfo *pages;
    PageStats total; /* of all pages; bounds of integers only */
    DictionaryInfo *dictionaries; /* a row group */
    _Atomic(Vector *) *loaded;    /* decoded dictionaries */
    _Atomic(FsstTable *) *tables; /* decoded symbol tables; neighbours may share one */
    _Atomic uint8_t *checked;     /* by page: epoch of the last check; checking twice is harmless */
} ColumnReader;

struct Segment {
    Arena arena;
    VolumeObject *object;
    SegmentRef ref;
    const uint8_t *data; /* of the segment within the object */
    size_t length;
    uint64_t row_count;
    uint32_t page_count;
    uint32_t *page_rows;
    uint32_t group_count;
    uint32_t column_count;
    ColumnReader *columns;
    _Atomic uint8_t epoch;    /* not 0 */
    _Atomic bool is_cut_short; /* bytes were missing: zeros stand for them now, and nothing of it may be used */
    Mutex lock; /* guards the arena once the segment is open (dictionaries) */
};

static _Atomic bool ignores_checksums;

void segment_ignore_checksums(bool ignore)
{
    atomic_store(&ignores_checksums, ignore);
}

static bool is_same_sum(uint64_t found, uint64_t expected)
{
    return found == expected || atomic_load_explicit(&ignores_checksums, memory_order_relaxed);
}

/* What metadata or the footer says against what is there. */
static Status wrong_checksum(const Segment *s, uint64_t offset, int column, const char *what, uint32_t number, uint64_t expected,
                             uint64_t found, Diag *diag)
{
    LOG_ERROR("segment", "damaged object=%.*s offset=%llu column=%u %s=%u", SV_ARGS(s->ref.path),
              (unsigned long long)(s->ref.offset + offset), s->columns[column].unique_id, what, number);
    return RAISE(diag, CORRUPT,
                 "segment in object \"%.*s\" at offset %llu is damaged: %s %u of column %u: checksum %016llx, should be %016llx",
                 SV_ARGS(s->ref.path), (unsigned long long)(s->ref.offset + offset), what, number, s->columns[column].unique_id,
                 (unsigned long long)found, (unsigned long long)expected);
}

static Status corrupt(const Segment *s, uint64_t offset, int column, const char *what, Diag *diag)
{
    LOG_ERROR("segment", "damaged object=%.*s offset=%llu column=%lld: %s", SV_ARGS(s->ref.path),
              (unsigned long long)(s->ref.offset + offset), column < 0 ? -1ll : (long long)s->columns[column].unique_id, what);
    if (column < 0)
        return RAISE(diag, CORRUPT, "segment in object \"%.*s\" at offset %llu is damaged: %s", SV_ARGS(s->ref.path),
                     (unsigned long long)(s->ref.offset + offset), what);
    return RAISE(diag, CORRUPT, "segment in object \"%.*s\" at offset %llu is damaged: column %u: %s",
                 SV_ARGS(s->ref.path), (unsigned long long)(s->ref.offset + offset), s->columns[column].unique_id, what);
}

/* The tail behind is what decoders may read beyond a page. */
_Static_assert((int)SEGMENT_TAIL_BYTES >= (int)BITPACK_SLACK, "unpacking reads behind the packed bytes");
static bool is_inside(const Segment *s, uint64_t offset, uint64_t length)
{
    return offset <= s->length - SEGMENT_TAIL_BYTES && length <= s->length - SEGMENT_TAIL_BYTES - offset;
}

static void widen_total(PageStats *total, const PageInfo *info)
{
    if (!total->has_bounds || info->min.i128 < total->min.i128)
        total->min = info->min;
    if (!total->has_bounds || info->max.i128 > total->max.i128)
        total->max = info->max;
    total->has_bounds = true;
}

static Status read_page_infos(Segment *s, ColumnReader *column, ByteReader *footer, Diag *diag)
{
    bool is_integer = type_default_phys(column->stored) <= PHYS_I128;
    column->total = (PageStats){.row_count = (uint32_t)MIN(s->row_count, (uint64_t)UINT32_MAX)};
    column->pages = ARENA_NEW_ARRAY(&s->arena, PageInfo, s->page_count);
    column->checked = arena_alloc_zero(&s->arena, s->page_count);
    for (uint32_t p = 0; p < s->page_count; p++) {
        PageInfo *info = &column->pages[p];
        info->offset = byte_reader_u64(footer);
        info->length = byte_reader_u32(footer);
        info->null_count = byte_reader_u32(footer);
        info->checksum = byte_reader_u64(footer);
        info->has_bounds = byte_reader_u8(footer) != 0;
        if (footer->failed || !is_inside(s, info->offset, info->length) ||
            info->null_count > s->page_rows[p])
            return corrupt(s, s->length, -1, "a page lies outside", diag);
        column->total.null_count += info->null_count;
        if (!info->has_bounds)
            continue;
        TRY(datum_decode(column->stored, footer, &s->arena, diag, &info->min));
        TRY(datum_decode(column->stored, footer, &s->arena, diag, &info->max));
        if (info->min.is_null || info->max.is_null)
            return corrupt(s, s->length, -1, "a page's bounds are NULL", diag);
        if (is_integer)
            widen_total(&column->total, info);
    }
    return OK;
}

static Status read_dictionary_infos(Segment *s, ColumnReader *column, ByteReader *footer, Diag *diag)
{
    StrView bytes = byte_reader_sized(footer);
    ByteReader reader = byte_reader(bytes.data, bytes.length);
    column->dictionaries = ARENA_NEW_ARRAY(&s->arena, DictionaryInfo, s->group_count);
    column->loaded = arena_alloc_zero(&s->arena, sizeof(*column->loaded) * MAX(s->group_count, 1u));
    column->tables = arena_alloc_zero(&s->arena, sizeof(*column->tables) * MAX(s->group_count, 1u));
    for (uint32_t g = 0; g < s->group_count; g++) {
        DictionaryInfo *info = &column->dictionaries[g];
        info->offset = byte_reader_u64(&reader);
        info->length = byte_reader_u32(&reader);
        info->count = byte_reader_u32(&reader);
        info->checksum = byte_reader_u64(&reader);
        if (reader.failed || !is_inside(s, info->offset, info->length))
            return corrupt(s, s->length, -1, "a dictionary lies outside", diag);
    }
    return OK;
}

static Status read_page_rows(Segment *s, ByteReader *footer, Diag *diag)
{
    uint64_t total = 0;
    s->page_rows = ARENA_NEW_ARRAY(&s->arena, uint32_t, s->page_count);
    for (uint32_t p = 0; p < s->page_count; p++) {
        s->page_rows[p] = byte_reader_u32(footer);
        total += s->page_rows[p];
        if (s->page_rows[p] == 0 || s->page_rows[p] > SEGMENT_PAGE_ROWS)
            return corrupt(s, s->length, -1, "a page has an impossible row count", diag);
    }
    s->group_count = (s->page_count + ROW_GROUP_PAGES - 1) / ROW_GROUP_PAGES;
    return total == s->row_count ? OK : corrupt(s, s->length, -1, "row counts do not add up", diag);
}

/* No memory is taken for sizes that bytes could hardly stand for. */
static bool is_plausible(uint64_t plain_length, uint64_t stored_length)
{
    enum { MOST_TIMES = 16384, ALWAYS = 1 << 16 };
    return plain_length <= (uint64_t)1 << 30 && plain_length <= stored_length * MOST_TIMES + ALWAYS;
}

static Status read_footer(Segment *s, ByteReader *footer, Diag *diag)
{
    uint64_t columns = byte_reader_varint(footer);
    s->row_count = byte_reader_varint(footer);
    uint64_t pages = byte_reader_varint(footer);
    if (footer->failed || columns > byte_reader_left(footer) || pages > byte_reader_left(footer) / 4)
        return corrupt(s, s->length, -1, "the footer is cut short", diag);
    s->column_count = (uint32_t)columns;
    s->page_count = (uint32_t)pages;
    TRY(read_page_rows(s, footer, diag));
    s->columns = ARENA_NEW_ARRAY(&s->arena, ColumnReader, columns);
    for (uint32_t c = 0; c < s->column_count; c++) {
        ColumnReader *column = &s->columns[c];
        column->unique_id = (uint32_t)byte_reader_varint(footer);
        TRY(type_decode(footer, &s->arena, diag, &column->type));
        column->stored = type_is_nested(column->type) ? type_of(TYPE_VARBINARY) : column->type;
        TRY(read_dictionary_infos(s, column, footer, diag));
        TRY(read_page_infos(s, column, footer, diag));
    }
    return footer->failed ? corrupt(s, s->length, -1, "the footer is cut short", diag) : OK;
}

static Status open_footer(Segment *s, Diag *diag)
{
    if (s->length < SEGMENT_TAIL_BYTES)
        return corrupt(s, 0, -1, "it is cut short", diag);
    const uint8_t *tail = s->data + s->length - SEGMENT_TAIL_BYTES;
    uint64_t length = load_u64(tail);
    if (memcmp(tail + 24, segment_magic, sizeof(segment_magic)) != 0)
        return corrupt(s, s->length - 8, -1, "it does not end like a segment", diag);
    if (load_u32(tail + 16) > SEGMENT_VERSION)
        return RAISE(diag, FORMAT_TOO_NEW, "segment in object \"%.*s\" has format %u, this version reads up to %u",
                     SV_ARGS(s->ref.path), load_u32(tail + 16), SEGMENT_VERSION);
    if (load_u32(tail + 16) == 0 || load_u32(tail + 20) != 0)
        return corrupt(s, s->length - 16, -1, "its tail is not valid", diag);
    if (length > s->length - SEGMENT_TAIL_BYTES || length < 9)
        return corrupt(s, s->length - SEGMENT_TAIL_BYTES, -1, "the footer length is impossible", diag);
    const uint8_t *footer = tail - length;
    if (!is_same_sum(checksum_bytes(footer, length), load_u64(tail + 8)))
        return corrupt(s, (uint64_t)(footer - s->data), -1, "the footer's checksum does not match", diag);
    uint64_t plain_length = load_u64(footer + 1);
    if (!is_plausible(plain_length, length))
        return corrupt(s, (uint64_t)(footer - s->data), -1, "the footer is too long", diag);
    char *plain = mem_alloc(plain_length + 1);
    Status status = decompress((Codec)footer[0], strview_n((const char *)footer + 9, length - 9), plain, plain_length, diag);
    ByteReader reader = byte_reader(plain, plain_length);
    if (status == OK)
        status = read_footer(s, &reader, diag);
    mem_free(plain);
    return status;
}

Status segment_open(Volume *volume, const SegmentRef *ref, Diag *diag, Segment **out_segment)
{
    char path[4096];
    if (ref->path.length >= sizeof(path))
        return RAISE(diag, CORRUPT, "object path of %zu bytes is too long", ref->path.length);
    memcpy(path, ref->path.data, ref->path.length);
    path[ref->path.length] = '\0';
    Segment *s = mem_alloc_zero(sizeof(*s));
    arena_init(&s->arena, NULL);
    mutex_init(&s->lock);
    s->ref = *ref;
    s->ref.path = strview_n(arena_strndup(&s->arena, path, ref->path.length), ref->path.length);
    Status status = volume_open_object(volume, path, diag, &s->object);
    if (status == OK && (ref->offset > s->object->size || ref->length > s->object->size - ref->offset))
        status = corrupt(s, 0, -1, "the object is shorter than the segment", diag);
    if (status == OK) {
        s->data = s->object->data + ref->offset;
        s->length = ref->length;
        atomic_store(&s->epoch, 1);
        volume_guard_begin();
        status = open_footer(s, diag);
        if (!volume_guard_end())
            status = corrupt(s, 0, -1, "the object became shorter", diag);
    }
    if (status != OK) {
        segment_close(s);
        return status;
    }
    *out_segment = s;
    return OK;
}

void segment_close(Segment *s)
{
    if (s == NULL)
        return;
    volume_close_object(s->object);
    mutex_deinit(&s->lock);
    arena_deinit(&s->arena);
    mem_free(s);
}

uint64_t segment_id(const Segment *s)
{
    return s->ref.id;
}

StrView segment_path(const Segment *s)
{
    return s->ref.path;
}

bool segment_is_unchanged(Segment *s)
{
    return !atomic_load(&s->is_cut_short) && volume_object_is_unchanged(s->object);
}

void segment_set_epoch(Segment *s, uint8_t epoch)
{
    atomic_store_explicit(&s->epoch, MAX(epoch, 1), memory_order_relaxed);
}

uint64_t segment_row_count(const Segment *s)
{
    return s->row_count;
}

uint64_t segment_memory_bytes(Segment *s)
{
    LOCK_GUARD(&s->lock);
    return sizeof(*s) + s->arena.total_bytes;
}

void segment_column_stats(const Segment *s, int column, PageStats *out)
{
    *out = s->columns[column].total;
}

uint32_t segment_page_count(const Segment *s)
{
    return s->page_count;
}

uint32_t segment_page_rows(const Segment *s, uint32_t page)
{
    return s->page_rows[page];
}

uint32_t segment_column_count(const Segment *s)
{
    return s->column_count;
}

Type segment_column_type(const Segment *s, int column)
{
    return s->columns[column].type;
}

int segment_find_column(const Segment *s, uint32_t unique_id)
{
    for (uint32_t c = 0; c < s->column_count; c++) {
        if (s->columns[c].unique_id == unique_id)
            return (int)c;
    }
    return -1;
}

void segment_page_stats(const Segment *s, uint32_t page, int column, PageStats *out)
{
    const PageInfo *info = &s->columns[column].pages[page];
    *out = (PageStats){info->has_bounds, info->min, info->max, info->null_count, s->page_rows[page]};
}

uint32_t segment_dictionary_size(const Segment *s, int column)
{
    uint32_t most = 0;
    for (uint32_t g = 0; g < s->group_count; g++) {
        if (s->columns[column].dictionaries[g].count == 0)
            return 0;
        most = MAX(most, s->columns[column].dictionaries[g].count);
    }
    return most;
}

uint64_t segment_page_bytes(const Segment *s, uint32_t page, int column)
{
    return s->columns[column].pages[page].length;
}

uint64_t segment_page_offset(const Segment *s, uint32_t page, int column)
{
    return s->columns[column].pages[page].offset;
}

uint32_t segment_page_encoding(const Segment *s, uint32_t page, int column)
{
    const PageInfo *info = &s->columns[column].pages[page];
    return info->length == 0 ? 0 : s->data[info->offset] % SEGMENT_ENCODINGS;
}

const char *segment_encoding_name(uint32_t encoding)
{
    static const char *const names[SEGMENT_ENCODINGS] = {
        [PAGE_PACKED] = "packed", [PAGE_DICTIONARY] = "dictionary", [PAGE_STRINGS] = "strings", [PAGE_PLAIN] = "plain",
        [PAGE_NULL] = "null", [PAGE_SYMBOLS] = "symbols", [PAGE_SCALED] = "scaled", [PAGE_DELTA] = "delta",
        [PAGE_RUNS] = "runs", [PAGE_PATCHED] = "patched", [PAGE_ALP] = "alp",
    };
    return encoding < SEGMENT_ENCODINGS && names[encoding] != NULL ? names[encoding] : "unknown";
}

uint64_t segment_dictionary_bytes(const Segment *s, int column)
{
    uint64_t total = 0;
    const DictionaryInfo *infos = s->columns[column].dictionaries;
    for (uint32_t g = 0; g < s->group_count; g++)
        total += g > 0 && infos[g].offset == infos[g - 1].offset ? 0 : infos[g].length;
    return total;
}

/* Strings of a dictionary or page into out[0..count). bytes keep living in arena. */
static Status decode_strings(const Segment *s, ByteReader *reader, uint32_t count, int column, Arena *arena, Diag *diag,
                             Str *out)
{
    uint8_t codec = byte_reader_u8(reader);
    uint32_t plain_length = byte_reader_u32(reader);
    uint8_t width = byte_reader_u8(reader);
    size_t packed_length = bitpack_bytes(count, width);
    StrView packed = byte_reader_bytes(reader, packed_length);
    if (reader->failed || width > 32 || codec > CODEC_ZSTD)
        return corrupt(s, 0, column, "strings are cut short", diag);
    uint32_t *lengths = arena_alloc(arena, (size_t)count * 4 + 64);
    bitpack_unpack((const uint8_t *)packed.data, count, width, 0, 4, lengths);
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; i++)
        total += lengths[i];
    if (total != plain_length || !is_plausible(total, byte_reader_left(reader)))
        return corrupt(s, 0, column, "string lengths do not add up", diag);
    char *bytes = arena_alloc(arena, plain_length + 16);
    StrView left = byte_reader_bytes(reader, byte_reader_left(reader));
    TRY(decompress((Codec)codec, left, bytes, plain_length, diag));
    for (uint32_t i = 0; i < count; i++) {
        out[i] = str_make_padded(bytes, lengths[i]);
        bytes += lengths[i];
    }
    return OK;
}

static Status load_dictionary(Segment *s, int column, uint32_t group, Diag *diag, const Vector **out)
{
    ColumnReader *reader = &s->columns[column];
    Vector *ready = atomic_load_explicit(&reader->loaded[group], memory_order_acquire);
    if (ready != NULL) {
        *out = ready;
        return OK;
    }
    LOCK_GUARD(&s->lock);
    ready = atomic_load(&reader->loaded[group]);
    const DictionaryInfo *info = &reader->dictionaries[group];
    if (ready == NULL) {
        uint64_t found = checksum_bytes(s->data + info->offset, info->length);
        if (!is_same_sum(found, info->checksum))
            return wrong_checksum(s, info->offset, column, "dictionary of row group", group, info->checksum, found, diag);
        if (info->count == 0 || info->count > 1u << 20)
            return corrupt(s, info->offset, column, "there is no dictionary for its pages", diag);
        ByteReader bytes = byte_reader(s->data + info->offset, info->length);
        Vector *dictionary = ARENA_NEW(&s->arena, Vector);
        vector_init(dictionary, &s->arena, reader->stored, info->count);
        TRY(decode_strings(s, &bytes, info->count, column, &s->arena, diag, dictionary->data));
        static _Atomic uint64_t next_id = 1; /* an address may come back after a segment was closed */
        dictionary->dict_id = atomic_fetch_add(&next_id, 1);
        ready = dictionary;
        atomic_store_explicit(&reader->loaded[group], ready, memory_order_release);
    }
    *out = ready;
    return OK;
}

static void expand_nulls(StrView bitmap, uint32_t count, uint8_t *out)
{
    for (uint32_t i = 0; i < count; i++)
        out[i] = ((uint8_t)bitmap.data[i / 8] >> (i % 8)) & 1;
}

/* Symbol tables are decoded once; row groups that name the same bytes share one. */
static Status load_symbols(Segment *s, int column, uint32_t group, Diag *diag, const FsstTable **out)
{
    ColumnReader *reader = &s->columns[column];
    FsstTable *ready = atomic_load_explicit(&reader->tables[group], memory_order_acquire);
    if (ready != NULL) {
        *out = ready;
        return OK;
    }
    LOCK_GUARD(&s->lock);
    const DictionaryInfo *info = &reader->dictionaries[group];
    for (uint32_t g = 0; g < s->group_count && ready == NULL; g++) {
        if (reader->dictionaries[g].offset == info->offset && reader->dictionaries[g].length == info->length)
            ready = atomic_load(&reader->tables[g]);
    }
    if (ready == NULL) {
        enum { MOST_BYTES = FSST_MAX_SYMBOLS * (FSST_SYMBOL_BYTES + 1) + 2 };
        ByteReader bytes = byte_reader(s->data + info->offset, info->length);
        uint8_t codec = byte_reader_u8(&bytes);
        uint32_t plain_length = byte_reader_u32(&bytes);
        uint64_t found = checksum_bytes(s->data + info->offset, info->length);
        if (!is_same_sum(found, info->checksum))
            return wrong_checksum(s, info->offset, column, "symbol table of row group", group, info->checksum, found, diag);
        if (info->count != 0 || bytes.failed || plain_length > MOST_BYTES || codec > CODEC_ZSTD)
            return corrupt(s, info->offset, column, "there is no symbol table for its pages", diag);
        char *plain = mem_alloc(plain_length + 1);
        Status status = decompress((Codec)codec, byte_reader_bytes(&bytes, byte_reader_left(&bytes)), plain, plain_length, diag);
        ready = arena_alloc_aligned(&s->arena, sizeof(*ready), 64);
        if (status == OK)
            status = fsst_load_table(strview_n(plain, plain_length), ready, diag);
        mem_free(plain);
        TRY(status);
    }
    atomic_store_explicit(&reader->tables[group], ready, memory_order_release);
    *out = ready;
    return OK;
}

/* codes[i] .. codes of string i, starts by code. */
static void make_strings(const char *bytes, const uint32_t *starts, const uint32_t *codes, uint32_t count, Str *out)
{
    uint32_t at = 0;
    uint32_t begin = starts[0];
    for (uint32_t i = 0; i < count; i++) {
        at += codes[i];
        uint32_t end = starts[at];
        out[i] = str_make_padded(bytes + begin, end - begin);
        begin = end;
    }
}

typedef struct SymbolPage {
    const FsstTable *table;
    const uint32_t *counts; /* codes of each string */
    const uint16_t *codes;
    uint32_t code_count;
    uint32_t plain_length;
    uint8_t *bytes; /* room for plain_length */
} SymbolPage;

/* Few rows of many: strings one by one. False: the page is damaged. */
static bool pick_strings(const SymbolPage *p, Rows rows, uint32_t count, Str *out)
{
    uint32_t code = 0;
    uint32_t next = 0;
    uint32_t used = 0;
    memset(out, 0, count * sizeof(*out));
    for (uint32_t i = 0; i < rows.count; i++) {
        for (; next < rows.sel[i]; next++)
            code += p->counts[next];
        uint32_t length = fsst_decode_one(p->table, p->codes + code, p->counts[next], p->bytes + used, p->plain_length - used);
        if (length == UINT32_MAX)
            return false;
        out[next] = str_make_padded((const char *)p->bytes + used, length);
        used += length;
    }
    return true;
}

static Status read_symbols(Segment *s, ByteReader *reader, uint32_t page, uint32_t count, int column, Rows rows, Arena *arena,
                           Diag *diag, Vector *out)
{
    const FsstTable *table = NULL;
    TRY(load_symbols(s, column, page / ROW_GROUP_PAGES, diag, &table));
    uint32_t plain_length = byte_reader_u32(reader);
    uint32_t code_count = byte_reader_u32(reader);
    uint8_t width = byte_reader_u8(reader);
    if (reader->failed || width > 32)
        return corrupt(s, 0, column, "codes are cut short", diag);
    StrView packed_counts = byte_reader_bytes(reader, bitpack_bytes(count, width));
    StrView packed_codes = byte_reader_bytes(reader, bitpack_bytes(code_count, table->code_bits));
    if (reader->failed || plain_length > (uint64_t)code_count * FSST_SYMBOL_BYTES)
        return corrupt(s, 0, column, "codes are cut short", diag);
    uint32_t *counts = arena_alloc(arena, (size_t)count * 4 + 64);
    bitpack_unpack((const uint8_t *)packed_counts.data, count, width, 0, 4, counts);
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; i++)
        total += counts[i];
    if (total != code_count)
        return corrupt(s, 0, column, "code counts do not add up", diag);
    uint16_t *codes = arena_alloc(arena, (size_t)code_count * 2 + 64);
    bitpack_unpack((const uint8_t *)packed_codes.data, code_count, table->code_bits, 0, 2, codes);
    SymbolPage p = {table, counts, codes, code_count, plain_length, arena_alloc(arena, (size_t)plain_length + 64)};
    if (rows.sel != NULL && rows.count < count / 4) {
        if (!pick_strings(&p, rows, count, out->data))
            return corrupt(s, 0, column, "decoded strings are too long", diag);
        return OK;
    }
    uint32_t *starts = arena_alloc(arena, ((size_t)code_count + 1) * 4);
    if (!fsst_decode(table, codes, code_count, p.bytes, plain_length, starts) || starts[code_count] != plain_length)
        return corrupt(s, 0, column, "decoded strings have another length", diag);
    make_strings((const char *)p.bytes, starts, counts, count, out->data);
    return OK;
}

static Status read_integers(const Segment *s, IntEncoding encoding, ByteReader *reader, uint32_t count, int column, Arena *arena,
                            Diag *diag, Vector *out)
{
    bool is_wide = out->type.phys == PHYS_I128;
    int64_t *narrow = is_wide ? arena_alloc_aligned(arena, (size_t)count * 8 + 64, 64) : NULL;
    if (out->type.phys > PHYS_I128 ||
        !intpack_decode(encoding, reader, count, is_wide ? 8 : phys_width(out->type.phys), is_wide ? (void *)narrow : out->data))
        return corrupt(s, 0, column, "packed values are damaged", diag);
    for (uint32_t i = 0; i < count && is_wide; i++)
        ((Int128 *)out->data)[i] = narrow[i];
    return OK;
}

static Status read_codes(Segment *s, ByteReader *reader, uint32_t page, uint32_t count, int column, Arena *arena, Diag *diag,
                         Vector *out)
{
    const Vector *dictionary = NULL;
    uint32_t group = page / ROW_GROUP_PAGES;
    TRY(load_dictionary(s, column, group, diag, &dictionary));
    uint8_t width = byte_reader_u8(reader);
    StrView packed = byte_reader_bytes(reader, bitpack_bytes(count, width));
    if (reader->failed || width > 32)
        return corrupt(s, 0, column, "codes are cut short", diag);
    uint32_t *codes = arena_alloc_aligned(arena, (size_t)count * 4 + 64, 64);
    bitpack_unpack((const uint8_t *)packed.data, count, width, 0, 4, codes);
    uint32_t limit = s->columns[column].dictionaries[group].count;
    if (width > 31 || (limit >> width == 0 && highest_u32(codes, count) >= limit))
        return corrupt(s, 0, column, "a code is outside of its dictionary", diag);
    out->form = VECTOR_DICTIONARY;
    out->codes = codes;
    out->dictionary = dictionary;
    out->dict_size = limit;
    out->dict_id = dictionary->dict_id;
    return OK;
}

static Status read_plain(const Segment *s, ByteReader *reader, uint32_t count, int column, Diag *diag, Vector *out)
{
    uint8_t codec = byte_reader_u8(reader);
    uint32_t plain = byte_reader_u32(reader);
    size_t wanted = (size_t)count * phys_width(out->type.phys);
    if (reader->failed || plain != wanted || codec > CODEC_ZSTD)
        return corrupt(s, 0, column, "values are cut short", diag);
    return decompress((Codec)codec, byte_reader_bytes(reader, byte_reader_left(reader)), out->data, plain, diag);
}

static Status read_nested(Type target, const Vector *bytes, uint32_t count, Arena *arena, Diag *diag, Vector *out)
{
    VectorView view = vector_view(bytes);
    vector_init(out, arena, target, count);
    for (uint32_t i = 0; i < count; i++) {
        if (view_is_null(&view, i)) {
            vector_set_null(out, i);
            continue;
        }
        const Str *text = &((const Str *)view.data)[view_index(&view, i)];
        ByteReader reader = byte_reader(str_data(text), text->length);
        Datum value;
        TRY(datum_decode(target, &reader, arena, diag, &value));
        vector_put(out, arena, i, &value);
    }
    return OK;
}

static Status decode_page(Segment *s, uint32_t page, int column, ByteReader *reader, Rows rows, Arena *arena, Diag *diag,
                          Vector *out)
{
    uint32_t count = s->page_rows[page];
    uint8_t encoding = byte_reader_u8(reader);
    uint8_t has_nulls = byte_reader_u8(reader);
    if (has_nulls != 0) {
        StrView bitmap = byte_reader_bytes(reader, (count + 7) / 8);
        if (reader->failed)
            return corrupt(s, s->columns[column].pages[page].offset, column, "the null bitmap is cut short", diag);
        expand_nulls(bitmap, count, vector_nulls(out));
    }
    switch (encoding) {
    case PAGE_PACKED:
    case PAGE_SCALED:
    case PAGE_DELTA:
    case PAGE_RUNS:
    case PAGE_PATCHED:
        return read_integers(s, (IntEncoding)encoding, reader, count, column, arena, diag, out);
    case PAGE_DICTIONARY:
        if (out->type.phys != PHYS_STR)
            break;
        return read_codes(s, reader, page, count, column, arena, diag, out);
    case PAGE_STRINGS:
        if (out->type.phys != PHYS_STR)
            break;
        return decode_strings(s, reader, count, column, arena, diag, out->data);
    case PAGE_SYMBOLS:
        if (out->type.phys != PHYS_STR)
            break;
        return read_symbols(s, reader, page, count, column, rows, arena, diag, out);
    case PAGE_ALP:
        if (out->type.phys == PHYS_F64 && alp_decode(reader, count, out->data))
            return OK;
        break;
    case PAGE_PLAIN:
        return read_plain(s, reader, count, column, diag, out);
    case PAGE_NULL:
        if (out->type.phys == PHYS_STR)
            memset(out->data, 0, (size_t)count * sizeof(Str));
        return OK;
    default:
        break;
    }
    return corrupt(s, s->columns[column].pages[page].offset, column, "the page's encoding does not fit the column", diag);
}

Status segment_read(Segment *s, uint32_t page, int column, Type target, Arena *arena, Diag *diag, Vector *out)
{
    return segment_read_rows(s, page, column, target, (Rows){NULL, s->page_rows[page]}, arena, diag, out);
}

static Status read_checked(Segment *s, uint32_t page, int column, Type target, Rows rows, Arena *arena, Diag *diag, Vector *out)
{
    ColumnReader *reader = &s->columns[column];
    const PageInfo *info = &reader->pages[page];
    uint8_t epoch = atomic_load_explicit(&s->epoch, memory_order_relaxed);
    if (atomic_load_explicit(&reader->checked[page], memory_order_relaxed) != epoch) {
        uint64_t found = checksum_bytes(s->data + info->offset, info->length);
        if (!is_same_sum(found, info->checksum))
            return wrong_checksum(s, info->offset, column, "page", page, info->checksum, found, diag);
        atomic_store_explicit(&reader->checked[page], epoch, memory_order_relaxed);
    }
    ByteReader bytes = byte_reader(s->data + info->offset, info->length);
    Type stored = reader->stored;
    bool is_nested = type_is_nested(reader->type);
    if (!is_nested && stored.phys != PHYS_STR && stored.phys < PHYS_F32)
        stored.phys = target.phys; /* narrower, as the caller proved */
    Vector raw;
    Vector *into = is_nested ? &raw : out;
    vector_init(into, arena, is_nested ? stored : target, SEGMENT_PAGE_ROWS);
    into->type.phys = stored.phys;
    TRY(decode_page(s, page, column, &bytes, is_nested ? (Rows){NULL, s->page_rows[page]} : rows, arena, diag, into));
    return is_nested ? read_nested(target, &raw, s->page_rows[page], arena, diag, out) : OK;
}

Status segment_read_rows(Segment *s, uint32_t page, int column, Type target, Rows rows, Arena *arena, Diag *diag, Vector *out)
{
    volume_guard_begin();
    Status status = read_checked(s, page, column, target, rows, arena, diag, out);
    if (!volume_guard_end())
        atomic_store(&s->is_cut_short, true);
    if (atomic_load_explicit(&s->is_cut_short, memory_order_relaxed))
        return corrupt(s, s->columns[column].pages[page].offset, column, "the object became shorter", diag);
    return status;
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
    return OK;
}
