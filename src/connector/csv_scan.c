#include "connector/file_table_int.h"

/* Scans of CSV files.
 *
 * A morsel is a file or, when rows can be told without reading from the start (no enclosing, no escapes, one-byte delimiter, not
 * compressed), a range of one: the rows that begin in it. Bytes come in blocks of whole rows; a chunk of rows is split into fields,
 * and the wanted columns are converted one by one, as loads do. */

#include <string.h>

#include "base/memory.h"

enum {
    BLOCK_BYTES = 1 << 20,
    REMOTE_BLOCK_BYTES = 8 << 20,
    RANGE_BYTES = 16 << 20,
    PIECE_BYTES = 16 << 10, /* of compressed bytes */
    ROW_LIMIT_BYTES = 128 << 20,
};

typedef struct CsvMorsel {
    const FileEntry *file;
    uint64_t begin, end;
    bool is_range;
} CsvMorsel;

typedef struct CsvScan CsvScan;
typedef struct CsvWorker {
    CsvScan *scan;
    uint32_t number;
    Arena arena;   /* as long as the scan */
    Arena file;    /* as long as the file */
    Arena scratch; /* as long as a chunk */
    TextRows rows;
    Vector *columns; /* as wanted */
    uint8_t *failed, *rejected;
    uint16_t *sel;
    const CsvMorsel *morsel;
    FileReader *reader;
    ByteBuf carry;
    size_t try_bytes;      /* cut again when carry is that long */
    uint64_t rows_to_skip; /* of the header */
    uint64_t line;         /* of the first row of the next block, from the morsel's first */
    bool is_full, has_rejects;
} CsvWorker;

struct CsvScan {
    ConnectorScan scan;
    Arena arena;
    CsvMorsel *morsels;
    uint32_t morsel_count;
    _Atomic uint32_t next;
    CsvWorker *workers;
};

/* ---- rows that are left out ---- */

/* Rows of the file before the morsel: only asked for when one is bad. 0: cannot be told cheaply. */
static uint64_t rows_before(CsvWorker *w)
{
    const CsvMorsel *morsel = w->morsel;
    uint64_t rows = 0;
    AUTO_BYTEBUF step = {0};
    Diag ignored = {0};
    if (file_is_remote(morsel->file))
        return 0;
    bytebuf_reserve(&step, BLOCK_BYTES);
    for (uint64_t at = 0; at < morsel->begin; at += BLOCK_BYTES) {
        size_t length = (size_t)MIN(morsel->begin - at, (uint64_t)BLOCK_BYTES);
        if (file_reader_read(w->reader, at, length, step.data, &ignored) != OK)
            return 0;
        for (size_t i = 0; i < length; i++)
            rows += step.data[i] == w->scan->scan.table->options.csv.delimiter.data[0];
    }
    return rows;
}

/* "row 17" of the file, header included, or of the part that begins at a byte. */
static const char *row_name(CsvWorker *w, uint32_t row)
{
    uint64_t before = w->morsel->begin == 0 ? 0 : rows_before(w);
    unsigned long long number = before + w->line + w->rows.lines[row] + 1;
    if (w->morsel->begin > 0 && before == 0)
        return arena_printf(&w->scratch, "row %llu behind byte %llu", number, (unsigned long long)w->morsel->begin);
    return arena_printf(&w->scratch, "row %llu", number);
}

static StrView field_text(const CsvWorker *w, uint32_t column, uint32_t row)
{
    TextField field = w->rows.fields[(size_t)column * CHUNK_ROWS + row];
    return strview_n(w->rows.base + field.offset, field.length == TEXT_NULL ? 0 : MIN(field.length, 128u));
}

static void reject(CsvWorker *w, uint32_t row)
{
    if (!w->has_rejects)
        memset(w->rejected, 0, CHUNK_ROWS);
    w->has_rejects = true;
    w->rejected[row] = 1;
}

static const char *quoted(CsvWorker *w, StrView text)
{
    AUTO_BYTEBUF out = {0};
    for (size_t i = 0; i < text.length; i++) {
        if ((unsigned char)text.data[i] < 32)
            bytebuf_printf(&out, text.data[i] == '\n' ? "\\n" : text.data[i] == '\t' ? "\\t" : "\\x%02x", (unsigned)text.data[i]);
        else
            bytebuf_append_char(&out, text.data[i]);
    }
    return arena_strndup(&w->scratch, out.data == NULL ? "" : out.data, out.length);
}

/* Too few or too many fields: an error of a query, a row less of a load. */
static Status wrong_count(CsvWorker *w, uint32_t row)
{
    const FileTable *table = w->scan->scan.table;
    const CsvOptions *csv = &table->options.csv;
    TextField text = w->rows.rows[row];
    const char *message = arena_printf(&w->scratch, "Schema column count: %u doesn't match source value column count: %u. Column separator: '%s', "
                                       "Row delimiter: '%s', Row: '%.*s', File: %s, %s. Consider setting 'fill_mismatch_column_with' = 'null' property",
                                       table->file_column_count, w->rows.found[row], quoted(w, csv->separator), quoted(w, csv->delimiter),
                                       (int)MIN(text.length, 256u), w->rows.base + text.offset, w->morsel->file->url, row_name(w, row));
    if (table->load == NULL)
        return RAISE(w->scan->scan.request->diag, BAD_VALUE, "%s", message);
    file_load_filter(table->load, "%s", message);
    reject(w, row);
    return OK;
}

static Status check_counts(CsvWorker *w)
{
    const FileTable *table = w->scan->scan.table;
    if (table->options.fills_missing)
        return OK;
    for (uint32_t row = 0; row < w->rows.row_count; row++) {
        if (UNLIKELY(w->rows.found[row] != table->file_column_count))
            TRY(wrong_count(w, row));
    }
    return OK;
}

static Status wrong_value(CsvWorker *w, uint32_t column, uint32_t row)
{
    const FileTable *table = w->scan->scan.table;
    if (w->has_rejects && w->rejected[row])
        return OK;
    AUTO_BYTEBUF type = {0};
    type_print_sql(table->columns[column].type, &type);
    const char *message = arena_printf(&w->scratch, "Value '%.*s' can't be converted to %s, the type of column '%.*s'. File: %s, %s",
                                       SV_ARGS(field_text(w, column, row)), type.data, SV_ARGS(table->columns[column].name), w->morsel->file->url,
                                       row_name(w, row));
    if (table->load == NULL)
        return RAISE(w->scan->scan.request->diag, BAD_VALUE, "%s", message);
    file_load_filter(table->load, "%s", message);
    reject(w, row);
    return OK;
}

/* ---- rows to chunks ---- */

static Status check_failed_values(CsvWorker *w, uint32_t column)
{
    const FileTable *table = w->scan->scan.table;
    bool is_strict = table->load != NULL ? table->load->is_strict : table->options.is_strict;
    bool has_long = memchr(w->failed, TEXT_TOO_LONG, w->rows.row_count) != NULL;
    if (!has_long && (!is_strict || memchr(w->failed, TEXT_BAD_VALUE, w->rows.row_count) == NULL))
        return OK;
    for (uint32_t row = 0; row < w->rows.row_count; row++) {
        if (w->failed[row] == TEXT_TOO_LONG || (is_strict && w->failed[row] != 0))
            TRY(wrong_value(w, column, row));
    }
    return OK;
}

static Status convert_columns(CsvWorker *w)
{
    const ConnectorRequest *request = w->scan->scan.request;
    const FileTable *table = w->scan->scan.table;
    for (uint32_t i = 0; i < request->column_count; i++) {
        uint32_t column = request->ordinals[i];
        if (column >= table->file_column_count)
            continue;
        Type type = table->columns[column].type;
        if (type_is_nested(type)) /* its children grow in scratch */
            vector_init(&w->columns[i], &w->scratch, type, CHUNK_ROWS);
        vector_reset(&w->columns[i]);
        memset(w->failed, 0, w->rows.row_count);
        text_column_parse(&w->rows, column, &w->scratch, &w->columns[i], w->failed);
        if (w->columns[i].nulls != NULL)
            TRY(check_failed_values(w, column));
    }
    return OK;
}

static Status emit_rows(CsvWorker *w)
{
    const ConnectorRequest *request = w->scan->scan.request;
    arena_reset(&w->scratch);
    w->has_rejects = false;
    TRY(request->sink.check(request->sink.context, &w->is_full));
    if (w->is_full)
        return OK;
    TRY(check_counts(w));
    TRY(convert_columns(w));
    file_scan_note(request, w->rows.row_count, 0);
    Chunk chunk = {.columns = w->columns, .column_count = request->column_count, .row_count = w->rows.row_count};
    if (w->has_rejects) {
        chunk.sel = w->sel;
        for (uint32_t row = 0; row < w->rows.row_count; row++) {
            w->sel[chunk.selected] = (uint16_t)row;
            chunk.selected += !w->rejected[row];
        }
    }
    return chunk_alive(&chunk) == 0 ? OK : request->sink.push(request->sink.context, w->number, &chunk);
}

/* Whole rows; behind them are CSV_BLOCK_SLACK_BYTES that may be read. */
static Status process_block(CsvWorker *w, char *data, size_t length)
{
    CsvReader reader;
    csv_reader_init(&reader, &w->scan->scan.table->options.csv, data, length);
    while (!w->is_full && csv_reader_next(&reader, &w->rows))
        TRY(emit_rows(w));
    w->line += reader.line;
    return OK;
}

/* ---- blocks ---- */

static void drop_front(ByteBuf *buf, size_t count)
{
    memmove(buf->data, buf->data + count, buf->length - count);
    buf->length -= count;
}

static Status too_long(const CsvWorker *w)
{
    return RAISE(w->scan->scan.request->diag, LIMIT_EXCEEDED, "'%s' has a row of more than %d bytes", w->morsel->file->url, (int)ROW_LIMIT_BYTES);
}

static void skip_header(CsvWorker *w, bool is_end)
{
    const CsvOptions *csv = &w->scan->scan.table->options.csv;
    size_t whole = is_end ? w->carry.length : csv_cut(csv, w->carry.data, w->carry.length);
    uint64_t skipped = 0;
    size_t end = csv_skip_rows(csv, w->carry.data, whole, w->rows_to_skip, &skipped);
    w->rows_to_skip -= skipped;
    w->line += skipped;
    drop_front(&w->carry, end);
}

/* What there is of whole rows; all of it at the end. */
static Status process_carry(CsvWorker *w, bool is_end)
{
    bytebuf_reserve(&w->carry, CSV_BLOCK_SLACK_BYTES);
    if (w->rows_to_skip > 0)
        skip_header(w, is_end);
    size_t cut = is_end ? w->carry.length : csv_cut(&w->scan->scan.table->options.csv, w->carry.data, w->carry.length);
    if (cut > 0)
        TRY(process_block(w, w->carry.data, cut));
    drop_front(&w->carry, cut);
    w->try_bytes = cut > 0 || is_end ? BLOCK_BYTES : w->carry.length * 2;
    return w->carry.length > ROW_LIMIT_BYTES ? too_long(w) : OK;
}

/* Ends the decoder without words when no more rows are wanted. */
static Status take_plain(void *context, const char *data, size_t length, Diag *diag)
{
    CsvWorker *w = context;
    (void)diag;
    while (length > 0) {
        size_t take = MIN(length, (size_t)BLOCK_BYTES);
        bytebuf_append(&w->carry, data, take);
        data += take;
        length -= take;
        if (w->carry.length >= w->try_bytes)
            TRY(process_carry(w, false));
        if (w->is_full)
            return ERR_CANCELLED;
    }
    return OK;
}

static Status feed_file(CsvWorker *w, StreamDecoder *decoder)
{
    const ConnectorRequest *request = w->scan->scan.request;
    const FileEntry *file = w->morsel->file;
    AUTO_BYTEBUF step = {0};
    size_t step_bytes = file_is_remote(file) ? REMOTE_BLOCK_BYTES : BLOCK_BYTES;
    bytebuf_reserve(&step, step_bytes);
    for (uint64_t at = 0; at < file->size && !w->is_full;) {
        size_t length = (size_t)MIN(file->size - at, (uint64_t)step_bytes);
        TRY(file_reader_read(w->reader, at, length, step.data, request->diag));
        file_scan_note(request, 0, length);
        at += length;
        for (size_t from = 0; from < length && !w->is_full; from += PIECE_BYTES) {
            Status status = stream_decoder_feed(decoder, step.data + from, MIN(length - from, (size_t)PIECE_BYTES), request->diag);
            if (status != OK && !w->is_full)
                return status;
        }
    }
    if (w->is_full)
        return OK;
    TRY(stream_decoder_finish(decoder, request->diag));
    return process_carry(w, true);
}

static Status scan_file(CsvWorker *w)
{
    const char *url = w->morsel->file->url;
    StreamDecoder decoder = {0};
    Status status = stream_decoder_open(&decoder, file_name_codec(url), url, take_plain, w, w->scan->scan.request->diag);
    if (status == OK)
        status = feed_file(w, &decoder);
    stream_decoder_close(&decoder);
    return status;
}

/* ---- ranges ---- */

typedef struct RangeRead {
    uint64_t at;     /* of the next byte to read */
    bool is_aligned; /* carry begins with a row */
    bool is_done;
} RangeRead;

/* Drops what belongs to the row that begins before the range. */
static void align_range(CsvWorker *w, RangeRead *range)
{
    const char *end = memchr(w->carry.data, w->scan->scan.table->options.csv.delimiter.data[0], w->carry.length);
    range->is_aligned = end != NULL;
    drop_front(&w->carry, end == NULL ? w->carry.length : (size_t)(end - w->carry.data) + 1);
}

/* Where the rows of the range end in carry; SIZE_MAX: not in it. */
static size_t range_cut(const CsvWorker *w, const RangeRead *range)
{
    uint64_t first = range->at - w->carry.length, end = w->morsel->end;
    if (end == w->morsel->file->size)
        return range->at == end ? w->carry.length : SIZE_MAX;
    if (first >= end)
        return 0;
    if (range->at < end)
        return SIZE_MAX;
    size_t from = (size_t)(end - 1 - first);
    const char *last = memchr(w->carry.data + from, w->scan->scan.table->options.csv.delimiter.data[0], w->carry.length - from);
    if (last != NULL)
        return (size_t)(last - w->carry.data) + 1;
    return range->at == w->morsel->file->size ? w->carry.length : SIZE_MAX;
}

static Status process_range(CsvWorker *w, RangeRead *range)
{
    if (!range->is_aligned)
        align_range(w, range);
    bytebuf_reserve(&w->carry, CSV_BLOCK_SLACK_BYTES);
    size_t cut = range->is_aligned ? range_cut(w, range) : range->at >= w->morsel->end ? 0 : SIZE_MAX;
    if (cut == SIZE_MAX)
        return process_carry(w, false);
    range->is_done = true;
    w->carry.length = cut;
    TRY(process_carry(w, true));
    bool is_last = w->morsel->end == w->morsel->file->size;
    return w->rows_to_skip > 0 && !is_last ? RAISE(w->scan->scan.request->diag, LIMIT_EXCEEDED, "the header of '%s' is too long", w->morsel->file->url)
                                           : OK;
}

static Status scan_range(CsvWorker *w)
{
    const CsvMorsel *morsel = w->morsel;
    const ConnectorRequest *request = w->scan->scan.request;
    size_t step = file_is_remote(morsel->file) ? REMOTE_BLOCK_BYTES : BLOCK_BYTES;
    RangeRead range = {.at = morsel->begin == 0 ? 0 : morsel->begin - 1, .is_aligned = morsel->begin == 0};
    while (!range.is_done && !w->is_full) {
        size_t length = (size_t)MIN(morsel->file->size - range.at, (uint64_t)step);
        bytebuf_reserve(&w->carry, length);
        TRY(file_reader_read(w->reader, range.at, length, w->carry.data + w->carry.length, request->diag));
        file_scan_note(request, 0, length);
        w->carry.length += length;
        range.at += length;
        TRY(process_range(w, &range));
    }
    return OK;
}

/* ---- workers ---- */

static Status scan_morsel(CsvWorker *w, const CsvMorsel *morsel)
{
    const ConnectorScan *scan = &w->scan->scan;
    w->morsel = morsel;
    w->line = 0;
    w->try_bytes = BLOCK_BYTES;
    w->rows_to_skip = morsel->begin == 0 ? scan->table->options.skip_header : 0;
    bytebuf_clear(&w->carry);
    arena_reset(&w->file);
    TRY(file_path_columns(scan->table, scan->request, morsel->file, &w->file, w->columns));
    TRY(file_reader_open(morsel->file, scan->request->diag, &w->reader));
    Status status = morsel->is_range ? scan_range(w) : scan_file(w);
    file_reader_close(w->reader);
    w->reader = NULL;
    return status;
}

static void open_worker(CsvWorker *w)
{
    const ConnectorScan *scan = &w->scan->scan;
    text_rows_init(&w->rows, &w->arena, scan->table->file_column_count);
    w->columns = ARENA_NEW_ARRAY(&w->arena, Vector, scan->request->column_count + 1);
    for (uint32_t i = 0; i < scan->request->column_count; i++) {
        uint32_t column = scan->request->ordinals[i];
        if (column < scan->table->file_column_count)
            vector_init(&w->columns[i], &w->arena, scan->table->columns[column].type, CHUNK_ROWS);
    }
    w->failed = ARENA_NEW_ARRAY(&w->arena, uint8_t, CHUNK_ROWS);
    w->rejected = ARENA_NEW_ARRAY(&w->arena, uint8_t, CHUNK_ROWS);
    w->sel = ARENA_NEW_ARRAY(&w->arena, uint16_t, CHUNK_ROWS);
}

Status csv_work(ConnectorScan *connector_scan, uint32_t worker)
{
    CsvScan *scan = (CsvScan *)connector_scan;
    CsvWorker *w = &scan->workers[worker];
    while (!w->is_full) {
        uint32_t next = atomic_fetch_add(&scan->next, 1);
        if (next >= scan->morsel_count)
            return OK;
        if (w->rows.fields == NULL)
            open_worker(w);
        TRY(scan_morsel(w, &scan->morsels[next]));
    }
    return OK;
}

/* ---- opening ---- */

static bool can_split(const FileTable *table, const FileEntry *file)
{
    const CsvOptions *csv = &table->options.csv;
    return csv->enclose == 0 && csv->escape == 0 && csv->delimiter.length == 1 && csv->separator.length == 1 &&
           file_name_codec(file->url) == STREAM_PLAIN;
}

static uint32_t range_count(const FileTable *table, const FileEntry *file)
{
    return can_split(table, file) ? (uint32_t)MIN((file->size + RANGE_BYTES - 1) / RANGE_BYTES, (uint64_t)1 << 20) : 1;
}

static void make_morsels(CsvScan *scan)
{
    const FileTable *table = scan->scan.table;
    uint32_t count = 0;
    for (uint32_t i = 0; i < table->files.count; i++)
        count += range_count(table, &table->files.items[i]);
    scan->morsels = ARENA_NEW_ARRAY(&scan->arena, CsvMorsel, count + 1);
    for (uint32_t i = 0; i < table->files.count; i++) {
        const FileEntry *file = &table->files.items[i];
        uint32_t parts = range_count(table, file);
        for (uint32_t p = 0; p < parts; p++)
            scan->morsels[scan->morsel_count++] = (CsvMorsel){file, file->size / parts * p, p + 1 == parts ? file->size : file->size / parts * (p + 1),
                                                              can_split(table, file)};
    }
}

Status csv_open_scan(const ConnectorTable *table, const ConnectorRequest *request, ConnectorScan **out_scan)
{
    CsvScan *scan = mem_alloc_zero(sizeof(*scan));
    scan->scan = (ConnectorScan){file_table_of(table), request};
    arena_init(&scan->arena, request->memory);
    scan->workers = ARENA_NEW_ARRAY(&scan->arena, CsvWorker, request->worker_count);
    for (uint32_t i = 0; i < request->worker_count; i++) {
        CsvWorker *w = &scan->workers[i];
        w->scan = scan;
        w->number = i;
        arena_init(&w->arena, request->memory);
        arena_init(&w->file, request->memory);
        arena_init(&w->scratch, request->memory);
    }
    make_morsels(scan);
    *out_scan = &scan->scan;
    return OK;
}

void csv_close_scan(ConnectorScan *connector_scan, ByteBuf *out_note)
{
    CsvScan *scan = (CsvScan *)connector_scan;
    bytebuf_printf(out_note, "files %u, parts %u", scan->scan.table->files.count, scan->morsel_count);
    for (uint32_t i = 0; i < scan->scan.request->worker_count; i++) {
        CsvWorker *w = &scan->workers[i];
        bytebuf_deinit(&w->carry);
        arena_deinit(&w->arena);
        arena_deinit(&w->file);
        arena_deinit(&w->scratch);
    }
    arena_deinit(&scan->arena);
    mem_free(scan);
}
