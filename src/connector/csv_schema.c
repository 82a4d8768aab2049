#include "connector/file_table_int.h"

/* The columns of CSV files from a sample of their first rows: as many as the longest row has, each BIGINT, DOUBLE or BOOLEAN when all
 * its values are, else VARCHAR. */

#include <string.h>

#include "base/memory.h"
#include "types/number_text.h"

enum {
    STEP_BYTES = 256 << 10,
    PIECE_BYTES = 4 << 10, /* of compressed bytes: may grow a lot */
    SAMPLE_BYTES = 16 << 20,
    MOST_COLUMNS = 4096,
};

enum { SEEN_INTEGER = 1, SEEN_DOUBLE = 2, SEEN_BOOLEAN = 4, SEEN_TEXT = 8 };

typedef struct Sample {
    const FileTable *table;
    uint64_t rows; /* wanted, with the header */
    uint64_t seen; /* delimiters */
    ByteBuf text;
    bool is_full;
} Sample;

static void count_rows(Sample *sample, size_t from)
{
    char last = sample->table->options.csv.delimiter.data[sample->table->options.csv.delimiter.length - 1];
    for (size_t i = from; i < sample->text.length; i++)
        sample->seen += sample->text.data[i] == last;
    sample->is_full = sample->seen > sample->rows || sample->text.length >= SAMPLE_BYTES;
}

/* An error without words ends the decoder when there is enough. */
static Status take_plain(void *context, const char *data, size_t length, Diag *diag)
{
    Sample *sample = context;
    size_t from = sample->text.length;
    (void)diag;
    bytebuf_append(&sample->text, data, MIN(length, (size_t)SAMPLE_BYTES));
    count_rows(sample, from);
    return sample->is_full ? ERR_LIMIT_EXCEEDED : OK;
}

static Status read_steps(Sample *sample, const FileEntry *file, FileReader *reader, StreamDecoder *decoder, Diag *diag)
{
    AUTO_BYTEBUF step = {0};
    bytebuf_reserve(&step, STEP_BYTES);
    for (uint64_t at = 0; at < file->size && !sample->is_full;) {
        size_t length = (size_t)MIN(file->size - at, (uint64_t)STEP_BYTES);
        TRY(file_reader_read(reader, at, length, step.data, diag));
        at += length;
        for (size_t from = 0; from < length && !sample->is_full;) {
            size_t piece = MIN(length - from, decoder->codec == STREAM_PLAIN ? (size_t)STEP_BYTES : (size_t)PIECE_BYTES);
            Status status = stream_decoder_feed(decoder, step.data + from, piece, diag);
            if (status != OK && !sample->is_full)
                return status;
            from += piece;
        }
    }
    return OK;
}

static Status read_sample(Sample *sample, const FileEntry *file, Diag *diag)
{
    FileReader *reader;
    StreamDecoder decoder = {0};
    TRY(file_reader_open(file, diag, &reader));
    Status status = stream_decoder_open(&decoder, file_name_codec(file->url), file->url, take_plain, sample, diag);
    if (status == OK)
        status = read_steps(sample, file, reader, &decoder, diag);
    stream_decoder_close(&decoder);
    file_reader_close(reader);
    return status;
}

static bool has_digit(StrView text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] >= '0' && text.data[i] <= '9')
            return true;
    }
    return false;
}

static uint8_t look_at(StrView text)
{
    int64_t integer;
    double number;
    if (int64_parse(text, &integer))
        return SEEN_INTEGER;
    if (has_digit(text) && double_parse(text, &number))
        return SEEN_DOUBLE;
    bool is_boolean = strview_equal_ci(text, STR_VIEW("true")) || strview_equal_ci(text, STR_VIEW("false"));
    return is_boolean ? SEEN_BOOLEAN : SEEN_TEXT;
}

/* Fields of the most columns that a row of the sample has. */
static uint32_t widest_row(const CsvOptions *options, const ByteBuf *text, Arena *arena)
{
    AUTO_BYTEBUF copy = {0}; /* the reader writes into it */
    TextRows rows;
    CsvReader reader;
    uint32_t most = 0;
    bytebuf_append_view(&copy, bytebuf_view(text));
    bytebuf_reserve(&copy, CSV_BLOCK_SLACK_BYTES);
    text_rows_init(&rows, arena, 1);
    csv_reader_init(&reader, options, copy.data, copy.length);
    while (csv_reader_next(&reader, &rows)) {
        for (uint32_t row = 0; row < rows.row_count; row++)
            most = MAX(most, rows.found[row]);
    }
    return most;
}

typedef struct Detected {
    uint8_t *seen;
    uint32_t count;
} Detected;

static void note_values(Sample *sample, uint32_t count, Arena *arena, Detected *out)
{
    TextRows rows;
    CsvReader reader;
    uint64_t left = sample->table->options.sample_rows;
    text_rows_init(&rows, arena, count);
    csv_reader_init(&reader, &sample->table->options.csv, sample->text.data, sample->text.length);
    while (left > 0 && csv_reader_next(&reader, &rows)) {
        uint32_t taken = (uint32_t)MIN((uint64_t)rows.row_count, left);
        left -= taken;
        for (uint32_t c = 0; c < count; c++) {
            for (uint32_t row = 0; row < taken; row++) {
                TextField field = rows.fields[(size_t)c * CHUNK_ROWS + row];
                if (field.length != TEXT_NULL)
                    out->seen[c] |= look_at(strview_n(rows.base + field.offset, field.length));
            }
        }
    }
}

static Status detect_file(const FileTable *table, const FileEntry *file, Diag *diag, Detected *out)
{
    const FileOptions *options = &table->options;
    Sample sample = {.table = table, .rows = options->sample_rows + options->skip_header};
    AUTO_ARENA arena;
    uint64_t skipped;
    arena_init(&arena, NULL);
    Status status = read_sample(&sample, file, diag);
    AUTO_BYTEBUF text = sample.text;
    TRY(status);
    bytebuf_reserve(&text, CSV_BLOCK_SLACK_BYTES);
    if (sample.is_full)
        text.length = csv_cut(&options->csv, text.data, text.length);
    size_t begin = csv_skip_rows(&options->csv, text.data, text.length, options->skip_header, &skipped);
    memmove(text.data, text.data + begin, text.length - begin);
    text.length -= begin;
    sample.text = text;
    uint32_t columns = widest_row(&options->csv, &text, &arena);
    if (columns > MOST_COLUMNS)
        return RAISE(diag, LIMIT_EXCEEDED, "'%s' has rows of more than %d columns", file->url, (int)MOST_COLUMNS);
    out->count = MAX(out->count, columns);
    note_values(&sample, columns, &arena, out);
    return OK;
}

static Type type_of_seen(uint8_t seen)
{
    if (seen == SEEN_INTEGER)
        return type_of(TYPE_BIGINT);
    if (seen == SEEN_DOUBLE || seen == (SEEN_INTEGER | SEEN_DOUBLE))
        return type_of(TYPE_DOUBLE);
    return seen == SEEN_BOOLEAN ? type_of(TYPE_BOOLEAN) : type_varchar(VARCHAR_MAX_BYTES);
}

/* Files of the sample lie evenly from the first to the last. */
Status csv_detect_columns(const FileTableRequest *request, FileTable *table, Diag *diag)
{
    uint8_t seen[MOST_COLUMNS] = {0};
    Detected found = {.seen = seen};
    uint64_t files = table->files.count, samples = MIN(MAX(table->options.sample_files, UINT64_C(1)), files);
    for (uint64_t i = 0; i < samples; i++)
        TRY(detect_file(table, &table->files.items[samples == 1 ? 0 : i * (files - 1) / (samples - 1)], diag, &found));
    table->file_column_count = found.count;
    table->columns = ARENA_NEW_ARRAY(request->arena, ConnectorColumn, found.count + table->options.path_columns.count + 1);
    for (uint32_t i = 0; i < found.count; i++) {
        Type type = table->options.detects_types ? type_of_seen(seen[i]) : type_varchar(VARCHAR_MAX_BYTES);
        table->columns[i] = (ConnectorColumn){strview(arena_printf(request->arena, "$%u", i + 1)), type};
    }
    return OK;
}
