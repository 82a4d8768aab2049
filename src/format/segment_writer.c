#include "format/segment_int.h"

/* Writing segments. A row group is collected column by column, then each column chooses: for strings see
 * segment_strings.c; integers that fit 64 bits are packed, doubles that are decimals too; all else is
 * kept plain and compressed. Nested values are stored as the encoded bytes of their datums. */

#include "base/hash.h"
#include "codec/alp.h"

enum { GROUP_ROWS = SEGMENT_PAGE_ROWS * ROW_GROUP_PAGES };


typedef struct ColumnBuffer {
    Type type;
    uint32_t width;
    uint8_t *values; /* GROUP_ROWS * width */
    uint8_t *nulls;
    bool has_nulls;
    ByteBuf footer; /* page infos so far */
    ByteBuf dictionaries;
    StringWriter strings;
    SegmentFilterSpec filter; /* kind 0: none */
    ByteBuf filters;          /* infos of the pages' filters so far */
} ColumnBuffer;

struct SegmentWriter {
    Arena arena;       /* the writer's own */
    Arena strings;     /* of the open row group */
    const SegmentColumn *specs;
    uint32_t column_count;
    ColumnBuffer *columns;
    uint32_t buffered;
    uint64_t rows;
    uint32_t pages;
    ByteBuf page_rows;
    uint64_t offset;
    SegmentSink sink;
    void *context;
    Diag *diag;
    ByteBuf page;
    int64_t *numbers; /* SEGMENT_PAGE_ROWS */
};

/* Nested values travel as strings. */
static Type stored_type(Type type)
{
    type.phys = (uint8_t)type_default_phys(type);
    if (!type_is_nested(type))
        return type;
    Type bytes = type_of(TYPE_VARBINARY);
    return bytes;
}

Status segment_writer_open(const SegmentColumn *columns, uint32_t count, SegmentSink sink, void *context, Diag *diag,
                           SegmentWriter **out_writer)
{
    SegmentWriter *w = mem_alloc_zero(sizeof(*w));
    arena_init(&w->arena, NULL);
    arena_init(&w->strings, NULL);
    SegmentColumn *specs = ARENA_NEW_ARRAY(&w->arena, SegmentColumn, count);
    w->columns = ARENA_NEW_ARRAY(&w->arena, ColumnBuffer, count);
    w->numbers = arena_alloc(&w->arena, SEGMENT_PAGE_ROWS * sizeof(int64_t));
    for (uint32_t c = 0; c < count; c++) {
        specs[c] = columns[c];
        specs[c].type = type_copy(&w->arena, columns[c].type);
        Type stored = stored_type(columns[c].type);
        w->columns[c].type = stored;
        w->columns[c].width = phys_width(stored.phys);
        w->columns[c].values = arena_alloc_aligned(&w->arena, (size_t)GROUP_ROWS * w->columns[c].width + 64, 64);
        w->columns[c].nulls = arena_alloc(&w->arena, GROUP_ROWS);
        w->columns[c].strings.numbers = w->numbers;
        if (stored.phys == PHYS_STR)
            w->columns[c].strings.codes = arena_alloc(&w->arena, GROUP_ROWS * sizeof(uint32_t));
    }
    w->specs = specs;
    w->column_count = count;
    w->sink = sink;
    w->context = context;
    w->diag = diag;
    *out_writer = w;
    return OK;
}

void segment_writer_hurry(SegmentWriter *w)
{
    for (uint32_t c = 0; c < w->column_count; c++)
        w->columns[c].strings.has_given_up = w->columns[c].strings.is_hurried = true;
}

void segment_writer_close(SegmentWriter *w)
{
    if (w == NULL)
        return;
    for (uint32_t c = 0; c < w->column_count; c++) {
        bytebuf_deinit(&w->columns[c].footer);
        bytebuf_deinit(&w->columns[c].dictionaries);
        bytebuf_deinit(&w->columns[c].filters);
        string_writer_deinit(&w->columns[c].strings);
    }
    bytebuf_deinit(&w->page);
    bytebuf_deinit(&w->page_rows);
    arena_deinit(&w->strings);
    arena_deinit(&w->arena);
    mem_free(w);
}

static void take_nested(SegmentWriter *w, ColumnBuffer *column, const Vector *vector, uint32_t first, uint32_t count)
{
    AUTO_BYTEBUF bytes = {0};
    AUTO_ARENA scratch;
    arena_init(&scratch, NULL);
    for (uint32_t i = 0; i < count; i++) {
        Datum value = vector_get(vector, first + i, &scratch);
        bytebuf_clear(&bytes);
        datum_encode(vector->type, &value, &bytes);
        Str text = str_make(bytes.data, bytes.length);
        ((Str *)(void *)column->values)[w->buffered + i] = str_copy(&w->strings, &text);
        column->nulls[w->buffered + i] = value.is_null;
        column->has_nulls |= value.is_null;
    }
}

#define GATHER_VALUES(width)                                                                                        \
    case width:                                                                                                     \
        for (uint32_t i = 0; i < count; i++)                                                                        \
            memcpy(target + (size_t)i * (width), data + (size_t)view_index(view, first + i) * (width), width);      \
        break;

/* A width that the compiler knows is a load and a store. What stands under NULLs is copied, too. */
static void gather_values(const VectorView *view, uint32_t width, uint32_t first, uint32_t count, uint8_t *target)
{
    const uint8_t *data = view->data;
    switch (width) {
        GATHER_VALUES(1)
        GATHER_VALUES(2)
        GATHER_VALUES(4)
        GATHER_VALUES(8)
        GATHER_VALUES(16)
    default:
        for (uint32_t i = 0; i < count; i++)
            memcpy(target + (size_t)i * width, data + (size_t)view_index(view, first + i) * width, width);
        break;
    }
}

static void take_column(SegmentWriter *w, ColumnBuffer *column, const Vector *vector, uint32_t first, uint32_t count)
{
    VectorView view = vector_view(vector);
    if (type_is_nested(vector->type)) {
        take_nested(w, column, vector, first, count);
        return;
    }
    uint8_t *target = column->values + (size_t)w->buffered * column->width;
    uint8_t *nulls = column->nulls + w->buffered;
    if (vector->form == VECTOR_FLAT)
        memcpy(target, (const char *)view.data + (size_t)first * column->width, (size_t)count * column->width);
    else
        gather_values(&view, column->width, first, count, target);
    memset(nulls, 0, count);
    for (uint32_t i = 0; i < count && (view.nulls != NULL || view.row_nulls != NULL); i++) {
        if (!view_is_null(&view, first + i))
            continue;
        nulls[i] = 1;
        column->has_nulls = true;
        memset(target + (size_t)i * column->width, 0, column->width);
    }
    if (column->type.phys != PHYS_STR)
        return;
    Str *strings = (Str *)(void *)column->values + w->buffered;
    for (uint32_t i = 0; i < count; i++) {
        if (strings[i].length > STR_INLINE_BYTES)
            strings[i] = str_copy(&w->strings, &strings[i]);
    }
}

static Status emit(SegmentWriter *w, const void *data, size_t length)
{
    w->offset += length;
    return w->sink(w->context, data, length, w->diag);
}

/* ---- dictionaries and symbol tables ---- */

/* bytes: what a row group's pages share. Empty: info as it is. */
static Status write_shared(SegmentWriter *w, ColumnBuffer *column, const ByteBuf *bytes, DictionaryInfo *info)
{
    if (bytes->length > 0) {
        info->offset = w->offset;
        info->length = (uint32_t)bytes->length;
        info->checksum = checksum_bytes(bytes->data, bytes->length);
        TRY(emit(w, bytes->data, bytes->length));
    }
    bytebuf_put_u64(&column->dictionaries, info->offset);
    bytebuf_put_u32(&column->dictionaries, info->length);
    bytebuf_put_u32(&column->dictionaries, info->count);
    bytebuf_put_u64(&column->dictionaries, info->checksum);
    return OK;
}

/* ---- pages ---- */

static bool load_integers(const ColumnBuffer *column, uint32_t first, uint32_t count, int64_t *out)
{
    const uint8_t *v = column->values + (size_t)first * column->width;
    for (uint32_t i = 0; i < count; i++) {
        switch ((PhysKind)column->type.phys) {
        case PHYS_BOOL:
            out[i] = v[i];
            break;
        case PHYS_I8:
            out[i] = ((const int8_t *)v)[i];
            break;
        case PHYS_I16:
            out[i] = ((const int16_t *)(const void *)v)[i];
            break;
        case PHYS_I32:
            out[i] = ((const int32_t *)(const void *)v)[i];
            break;
        case PHYS_I64:
            out[i] = ((const int64_t *)(const void *)v)[i];
            break;
        case PHYS_I128: {
            Int128 wide;
            memcpy(&wide, v + (size_t)i * 16, 16);
            if (wide > INT64_MAX || wide < INT64_MIN)
                return false;
            out[i] = (int64_t)wide;
            break;
        }
        default:
            return false;
        }
    }
    return true;
}

static void put_bounds(PageInfo *info, const ColumnBuffer *column, uint32_t first, uint32_t count)
{
    Vector values = {.type = column->type, .form = VECTOR_FLAT};
    values.data = column->values + (size_t)first * column->width;
    values.nulls = column->nulls + first;
    for (uint32_t i = 0; i < count; i++) {
        if (column->nulls[first + i] != 0) {
            info->null_count++;
            continue;
        }
        Datum value = vector_get(&values, i, NULL);
        if (!info->has_bounds || datum_compare(column->type, &value, &info->min) < 0)
            info->min = value;
        if (!info->has_bounds || datum_compare(column->type, &value, &info->max) > 0)
            info->max = value;
        info->has_bounds = true;
    }
}

/* The first bytes of a string as a number that orders like them. */
static uint64_t text_head(const Str *text)
{
    char head[8] = {0};
    if (text->length > STR_INLINE_BYTES)
        return __builtin_bswap64(load_u64(text->pointer));
    memcpy(head, text->inlined, sizeof(head)); /* what is behind the end is 0 */
    return __builtin_bswap64(load_u64(head));
}

/* Bounds of strings: most are told apart from both by their first bytes. */
static void put_text_bounds(PageInfo *info, const ColumnBuffer *column, uint32_t first, uint32_t count)
{
    const Str *texts = (const Str *)(const void *)column->values + first;
    const uint8_t *nulls = column->nulls + first;
    uint64_t low = 0;
    uint64_t high = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (nulls[i] != 0) {
            info->null_count++;
            continue;
        }
        uint64_t head = text_head(&texts[i]);
        Datum value = {.str = texts[i]};
        bool is_first = !info->has_bounds;
        if (is_first || (head <= low && datum_compare(column->type, &value, &info->min) < 0)) {
            info->min = value;
            low = head;
        }
        if (is_first || (head >= high && datum_compare(column->type, &value, &info->max) > 0)) {
            info->max = value;
            high = head;
        }
        info->has_bounds = true;
    }
}

/* Bounds of integers without going through datums. */
static void put_integer_bounds(PageInfo *info, const int64_t *numbers, const uint8_t *nulls, uint32_t count)
{
    int64_t low = INT64_MAX;
    int64_t high = INT64_MIN;
    for (uint32_t i = 0; i < count; i++) {
        bool is_null = nulls[i] != 0;
        info->null_count += is_null;
        low = is_null || numbers[i] > low ? low : numbers[i];
        high = is_null || numbers[i] < high ? high : numbers[i];
    }
    info->has_bounds = info->null_count < count;
    info->min = datum_i64(low);
    info->max = datum_i64(high);
}

/* What stands under NULL repeats the value before it, so that it costs nothing. */
static PageEncoding encode_integers(SegmentWriter *w, const PageInfo *info, const uint8_t *nulls, uint32_t count)
{
    int64_t last = info->min.i64;
    for (uint32_t i = 0; i < count && info->null_count > 0; i++)
        w->numbers[i] = last = nulls[i] != 0 ? last : w->numbers[i];
    return (PageEncoding)intpack_encode(w->numbers, count, &w->page);
}

static void encode_plain(SegmentWriter *w, const ColumnBuffer *column, uint32_t first, uint32_t count)
{
    StrView bytes = strview_n((const char *)column->values + (size_t)first * column->width, (size_t)count * column->width);
    AUTO_BYTEBUF packed = {0};
    Codec used = compress_append(CODEC_LZ4, bytes, &packed);
    bytebuf_put_u8(&w->page, (uint8_t)used);
    bytebuf_put_u32(&w->page, (uint32_t)bytes.length);
    bytebuf_append(&w->page, packed.data, packed.length);
}

static void put_null_bitmap(ByteBuf *out, const uint8_t *nulls, uint32_t count)
{
    for (uint32_t i = 0; i < count; i += 8) {
        uint8_t bits = 0;
        for (uint32_t b = 0; b < 8 && i + b < count; b++)
            bits |= (uint8_t)((nulls[i + b] != 0) << b);
        bytebuf_put_u8(out, bits);
    }
}

/* Strings are cut to BOUND_BYTES; a cut maximum is rounded up, or given up when it can't be. */
static void encode_bounds(ByteBuf *out, const ColumnBuffer *column, PageInfo *info)
{
    Datum low = info->min;
    Datum high = info->max;
    char rounded[BOUND_BYTES];
    bool has_bounds = info->has_bounds && column->type.kind != TYPE_JSON && column->type.kind != TYPE_VARBINARY;
    if (has_bounds && column->type.phys == PHYS_STR) {
        low.str.length = MIN(low.str.length, (uint32_t)BOUND_BYTES);
        if (low.str.length <= STR_INLINE_BYTES)
            low.str = str_make(str_data(&info->min.str), low.str.length);
        if (high.str.length > BOUND_BYTES) {
            memcpy(rounded, high.str.pointer, BOUND_BYTES);
            uint32_t n = BOUND_BYTES;
            while (n > 0 && (uint8_t)rounded[n - 1] == 0xFF)
                n--;
            has_bounds = n > 0;
            if (n > 0)
                rounded[n - 1] = (char)((uint8_t)rounded[n - 1] + 1);
            high.str = str_make(rounded, n);
        }
    }
    bytebuf_put_u8(out, has_bounds);
    if (!has_bounds)
        return;
    datum_encode(column->type, &low, out);
    datum_encode(column->type, &high, out);
}

static PageEncoding encode_doubles(SegmentWriter *w, const ColumnBuffer *column, uint32_t first, uint32_t count)
{
    if (column->type.phys == PHYS_F64 && alp_encode((const double *)(const void *)column->values + first, count, &w->page))
        return PAGE_ALP;
    encode_plain(w, column, first, count);
    return PAGE_PLAIN;
}

static PageEncoding encode_string_page(SegmentWriter *w, ColumnBuffer *column, uint32_t first, uint32_t count)
{
    string_writer_page(&column->strings, first, count, &w->page);
    StringForm form = column->strings.form;
    return form == STRINGS_DICTIONARY ? PAGE_DICTIONARY : form == STRINGS_SYMBOLS ? PAGE_SYMBOLS : PAGE_STRINGS;
}

static Status write_page(SegmentWriter *w, ColumnBuffer *column, uint32_t first, uint32_t count)
{
    PageInfo info = {.offset = w->offset};
    const uint8_t *nulls = column->nulls + first;
    bool is_integer = load_integers(column, first, count, w->numbers);
    if (is_integer)
        put_integer_bounds(&info, w->numbers, nulls, count);
    else if (type_is_string(column->type))
        put_text_bounds(&info, column, first, count);
    else
        put_bounds(&info, column, first, count);
    bytebuf_clear(&w->page);
    bytebuf_put_u8(&w->page, PAGE_NULL);
    bytebuf_put_u8(&w->page, info.null_count > 0);
    if (info.null_count > 0)
        put_null_bitmap(&w->page, nulls, count);
    PageEncoding encoding = info.null_count == count        ? PAGE_NULL
                            : is_integer                    ? encode_integers(w, &info, nulls, count)
                            : column->type.phys == PHYS_STR ? encode_string_page(w, column, first, count)
                                                            : encode_doubles(w, column, first, count);
    w->page.data[0] = (char)encoding;
    bytebuf_put_u64(&column->footer, info.offset);
    bytebuf_put_u32(&column->footer, (uint32_t)w->page.length);
    bytebuf_put_u32(&column->footer, info.null_count);
    bytebuf_put_u64(&column->footer, checksum_bytes(w->page.data, w->page.length));
    encode_bounds(&column->footer, column, &info);
    return emit(w, w->page.data, w->page.length);
}

/* ---- filters ---- */

void segment_writer_filter(SegmentWriter *w, const SegmentFilterSpec *specs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t c = 0; c < w->column_count; c++) {
            bool is_text = w->columns[c].type.phys == PHYS_STR;
            bool fits = specs[i].kind == SEGMENT_FILTER_GRAMS ? is_text : is_text || w->columns[c].type.phys <= PHYS_I128;
            if (w->specs[c].unique_id == specs[i].unique_id && fits && !type_is_nested(w->specs[c].type))
                w->columns[c].filter = specs[i];
        }
    }
}

static uint32_t collect_hashes(SegmentWriter *w, const ColumnBuffer *column, uint32_t first, uint32_t count, Arena *arena, uint64_t **out)
{
    const Str *texts = (const Str *)(const void *)column->values + first;
    bool is_text = column->type.phys == PHYS_STR;
    Vector values = {.type = column->type, .form = VECTOR_FLAT, .data = column->values + (size_t)first * column->width};
    size_t room = count;
    for (uint32_t i = 0; i < count && is_text && column->filter.kind == SEGMENT_FILTER_GRAMS; i++)
        room += texts[i].length;
    uint64_t *hashes = ARENA_NEW_ARRAY(arena, uint64_t, room + 1);
    uint32_t taken = 0;
    (void)w;
    for (uint32_t i = 0; i < count; i++) {
        if (column->nulls[first + i] != 0)
            continue;
        if (column->filter.kind == SEGMENT_FILTER_GRAMS)
            taken += segment_filter_grams(&column->filter, str_view(&texts[i]), hashes + taken);
        else if (is_text)
            hashes[taken++] = segment_filter_hash_text(str_view(&texts[i]));
        else
            hashes[taken++] = segment_filter_hash_number(vector_get(&values, i, NULL).i128);
    }
    *out = hashes;
    return taken;
}

static Status write_filter(SegmentWriter *w, ColumnBuffer *column, uint32_t first, uint32_t count)
{
    AUTO_ARENA arena;
    AUTO_BYTEBUF filter = {0};
    uint64_t *hashes;
    arena_init(&arena, NULL);
    uint32_t taken = collect_hashes(w, column, first, count, &arena, &hashes);
    segment_filter_build(hashes, taken, column->filter.fpp, &filter);
    bytebuf_put_u64(&column->filters, w->offset);
    bytebuf_put_u32(&column->filters, (uint32_t)filter.length);
    bytebuf_put_u64(&column->filters, checksum_bytes(filter.data, filter.length));
    return filter.length == 0 ? OK : emit(w, filter.data, filter.length);
}

static void put_filters(const SegmentWriter *w, ByteBuf *footer)
{
    uint32_t count = 0;
    for (uint32_t c = 0; c < w->column_count; c++)
        count += w->columns[c].filter.kind != 0;
    bytebuf_put_varint(footer, count);
    for (uint32_t c = 0; c < w->column_count; c++) {
        const ColumnBuffer *column = &w->columns[c];
        AUTO_BYTEBUF body = {0};
        if (column->filter.kind == 0)
            continue;
        bytebuf_put_varint(&body, c);
        bytebuf_put_u8(&body, column->filter.kind);
        bytebuf_put_u8(&body, column->filter.gram);
        bytebuf_put_u8(&body, column->filter.ignores_case);
        bytebuf_append(&body, column->filters.data, column->filters.length);
        bytebuf_put_sized(footer, body.data, body.length);
    }
}

static Status write_column(SegmentWriter *w, ColumnBuffer *column, uint32_t rows)
{
    StringWriter *strings = &column->strings;
    DictionaryInfo info = {0};
    bytebuf_clear(&w->page);
    if (column->type.phys == PHYS_STR) {
        string_writer_begin(strings, (const Str *)(const void *)column->values, rows, &w->strings, &w->page);
        if (strings->form == STRINGS_SYMBOLS)
            info = strings->table;
        info.count = strings->entries;
    }
    TRY(write_shared(w, column, &w->page, &info));
    if (strings->form == STRINGS_SYMBOLS)
        strings->table = info;
    for (uint32_t first = 0; first < rows; first += SEGMENT_PAGE_ROWS)
        TRY(write_page(w, column, first, MIN(rows - first, (uint32_t)SEGMENT_PAGE_ROWS)));
    for (uint32_t first = 0; first < rows && column->filter.kind != 0; first += SEGMENT_PAGE_ROWS)
        TRY(write_filter(w, column, first, MIN(rows - first, (uint32_t)SEGMENT_PAGE_ROWS)));
    return OK;
}

static Status flush_group(SegmentWriter *w)
{
    uint32_t rows = w->buffered;
    if (rows == 0)
        return OK;
    for (uint32_t c = 0; c < w->column_count; c++)
        TRY(write_column(w, &w->columns[c], rows));
    for (uint32_t first = 0; first < rows; first += SEGMENT_PAGE_ROWS) {
        bytebuf_put_u32(&w->page_rows, MIN(rows - first, (uint32_t)SEGMENT_PAGE_ROWS));
        w->pages++;
    }
    w->rows += rows;
    w->buffered = 0;
    arena_reset(&w->strings);
    return OK;
}

Status segment_writer_append(SegmentWriter *w, const Vector *const *columns, uint32_t row_count)
{
    for (uint32_t done = 0; done < row_count;) {
        uint32_t part = MIN(row_count - done, GROUP_ROWS - w->buffered);
        for (uint32_t c = 0; c < w->column_count; c++)
            take_column(w, &w->columns[c], columns[c], done, part);
        w->buffered += part;
        done += part;
        if (w->buffered == GROUP_ROWS)
            TRY(flush_group(w));
    }
    return OK;
}

Status segment_writer_finish(SegmentWriter *w, uint64_t *out_length, uint64_t *out_rows)
{
    TRY(flush_group(w));
    AUTO_BYTEBUF footer = {0};
    bytebuf_put_varint(&footer, w->column_count);
    bytebuf_put_varint(&footer, w->rows);
    bytebuf_put_varint(&footer, w->pages);
    bytebuf_append(&footer, w->page_rows.data, w->page_rows.length);
    for (uint32_t c = 0; c < w->column_count; c++) {
        bytebuf_put_varint(&footer, w->specs[c].unique_id);
        type_encode(w->specs[c].type, &footer);
        bytebuf_put_sized(&footer, w->columns[c].dictionaries.data, w->columns[c].dictionaries.length);
        bytebuf_append(&footer, w->columns[c].footer.data, w->columns[c].footer.length);
    }
    put_filters(w, &footer);
    AUTO_BYTEBUF packed = {0};
    Codec used = compress_append(CODEC_ZSTD, bytebuf_view(&footer), &packed);
    AUTO_BYTEBUF tail = {0};
    bytebuf_put_u8(&tail, (uint8_t)used);
    bytebuf_put_u64(&tail, footer.length);
    bytebuf_append(&tail, packed.data, packed.length);
    size_t footer_length = tail.length;
    uint64_t checksum = checksum_bytes(tail.data, tail.length);
    bytebuf_put_u64(&tail, footer_length);
    bytebuf_put_u64(&tail, checksum);
    uint32_t version = format_version_written(SEGMENT_VERSION);
    bytebuf_put_u32(&tail, version);
    bytebuf_put_u32(&tail, segment_version_check(version));
    bytebuf_append(&tail, segment_magic, sizeof(segment_magic));
    TRY(emit(w, tail.data, tail.length));
    *out_length = w->offset;
    *out_rows = w->rows;
    return OK;
}
