#include "format/csv.h"

/* The simple form looks at eight bytes at once for either of its two separator bytes. The general
 * form reads byte by byte: a field that begins with the enclose byte ends at the next one that is not
 * doubled; the escape byte takes the following byte as it is. */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t unescape_hex(StrView text, size_t at, ByteBuf *out)
{
    while (at + 1 < text.length && hex_value(text.data[at]) >= 0 && hex_value(text.data[at + 1]) >= 0) {
        bytebuf_append_char(out, (char)(hex_value(text.data[at]) * 16 + hex_value(text.data[at + 1])));
        at += 2;
    }
    return at;
}

void csv_unescape(StrView text, ByteBuf *out)
{
    static const char names[] = "tnr0\\", bytes[] = "\t\n\r\0\\";
    for (size_t i = 0; i < text.length;) {
        size_t slash = i;
        while (slash < text.length && text.data[slash] == '\\')
            slash++;
        if (slash == i || slash == text.length) {
            bytebuf_append_char(out, text.data[i++]);
            continue;
        }
        if ((text.data[slash] | 0x20) == 'x' && slash + 2 < text.length) {
            size_t end = unescape_hex(text, slash + 1, out);
            if (end > slash + 1) {
                i = end;
                continue;
            }
        }
        const char *name = memchr(names, text.data[i + 1], sizeof(names) - 1);
        bytebuf_append_char(out, name != NULL ? bytes[name - names] : text.data[i]);
        i += name != NULL ? 2 : 1;
    }
}

void csv_reader_init(CsvReader *reader, const CsvOptions *options, char *data, size_t length)
{
    *reader = (CsvReader){.options = options, .data = data, .length = length};
    reader->is_simple = options->enclose == 0 && options->escape == 0 && options->separator.length == 1 &&
                        options->delimiter.length == 1;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Fields that are NULL get their mark; blanks go when asked for. */
ALWAYS_INLINE TextField plain_field(const char *data, size_t start, size_t end, bool trim)
{
    if (trim) {
        while (start < end && is_blank(data[start]))
            start++;
        while (end > start && is_blank(data[end - 1]))
            end--;
    }
    if (end - start == 2 && data[start] == '\\' && data[start + 1] == 'N')
        return (TextField){(uint32_t)start, TEXT_NULL};
    return (TextField){(uint32_t)start, (uint32_t)(end - start)};
}

#define LOW_BITS UINT64_C(0x7f7f7f7f7f7f7f7f)
#define ONES UINT64_C(0x0101010101010101)

/* The high bit of every byte that equals the pattern's; exact. */
ALWAYS_INLINE uint64_t equal_bytes(uint64_t word, uint64_t pattern)
{
    uint64_t x = word ^ pattern;
    return ~(((x & LOW_BITS) + LOW_BITS) | x | LOW_BITS);
}

typedef struct Scan {
    const char *data;
    size_t word_at; /* the word that matches came from */
    uint64_t matches;
    uint64_t separator, delimiter;
} Scan;

ALWAYS_INLINE size_t next_match(Scan *scan, size_t length)
{
    while (scan->matches == 0) {
        scan->word_at += 8;
        if (scan->word_at >= length)
            return length;
        uint64_t word = load_u64(scan->data + scan->word_at);
        scan->matches = equal_bytes(word, scan->separator) | equal_bytes(word, scan->delimiter);
    }
    size_t at = scan->word_at + (size_t)__builtin_ctzll(scan->matches) / 8;
    scan->matches &= scan->matches - 1;
    return at < length ? at : length;
}

static void fill_missing(TextRows *rows, uint32_t row, uint32_t found)
{
    for (uint32_t i = found; i < rows->column_count; i++)
        rows->fields[(size_t)i * CHUNK_ROWS + row] = (TextField){0, TEXT_NULL};
}

/* One row; returns where its delimiter (or the end) is. */
ALWAYS_INLINE size_t simple_row(const CsvReader *reader, Scan *scan, TextRows *rows, uint32_t row)
{
    const char *data = reader->data;
    const char delimiter = reader->options->delimiter.data[0];
    bool trim = reader->options->trim_space;
    size_t start = reader->at;
    TextField *field = rows->fields + row;
    for (uint32_t found = 0;; found++, field += CHUNK_ROWS) {
        size_t end = next_match(scan, reader->length);
        bool is_last = end == reader->length || data[end] == delimiter;
        size_t field_end = end;
        if (is_last && delimiter == '\n' && end > start && data[end - 1] == '\r')
            field_end--;
        if (found < rows->column_count)
            *field = plain_field(data, start, field_end, trim);
        start = end + 1;
        if (is_last) {
            rows->found[row] = found + 1;
            fill_missing(rows, row, found + 1);
            return end;
        }
    }
}

static void simple_next(CsvReader *reader, TextRows *rows)
{
    const CsvOptions *options = reader->options;
    Scan scan = {.data = reader->data, .word_at = reader->at - 8};
    scan.separator = ONES * (unsigned char)options->separator.data[0];
    scan.delimiter = ONES * (unsigned char)options->delimiter.data[0];
    while (rows->row_count < CHUNK_ROWS && reader->at < reader->length) {
        uint32_t row = rows->row_count;
        size_t end = simple_row(reader, &scan, rows, row);
        rows->rows[row] = (TextField){(uint32_t)reader->at, (uint32_t)(end - reader->at)};
        rows->lines[row] = reader->line++;
        bool is_blank_row = rows->found[row] == 1 && rows->fields[row].length == 0;
        rows->row_count += !is_blank_row || rows->column_count == 0;
        reader->at = end + 1;
    }
}

typedef enum FieldEnd { FIELD_SEPARATOR, FIELD_DELIMITER, FIELD_DATA_END } FieldEnd;

static bool is_at(const CsvReader *r, size_t at, StrView text)
{
    return r->length - at >= text.length && memcmp(r->data + at, text.data, text.length) == 0;
}

/* Is a separator here? Sets what ends and moves behind it. */
static bool field_ends(const CsvReader *r, size_t *in_out_at, FieldEnd *out_end)
{
    if (*in_out_at >= r->length) {
        *out_end = FIELD_DATA_END;
        return true;
    }
    if (is_at(r, *in_out_at, r->options->delimiter)) {
        *in_out_at += r->options->delimiter.length;
        *out_end = FIELD_DELIMITER;
        return true;
    }
    if (is_at(r, *in_out_at, r->options->separator)) {
        *in_out_at += r->options->separator.length;
        *out_end = FIELD_SEPARATOR;
        return true;
    }
    return false;
}

static size_t enclosed_field(const CsvReader *r, size_t at, TextField *out, FieldEnd *out_end)
{
    const CsvOptions *o = r->options;
    size_t start = at, write = at;
    while (at < r->length) {
        char c = r->data[at];
        if (o->escape != 0 && c == o->escape && at + 1 < r->length) {
            c = r->data[++at];
        } else if (c == o->enclose) {
            if (at + 1 >= r->length || r->data[at + 1] != o->enclose)
                break;
            at++;
        }
        if (out != NULL)
            r->data[write] = c;
        write++;
        at++;
    }
    if (out != NULL)
        *out = (TextField){(uint32_t)start, (uint32_t)(write - start)};
    at = MIN(at + 1, r->length); /* what stands between the closing byte and the separator is dropped */
    while (!field_ends(r, &at, out_end))
        at++;
    return at;
}

static size_t open_field(const CsvReader *r, size_t at, TextField *out, FieldEnd *out_end)
{
    const CsvOptions *o = r->options;
    size_t start = at, write = at;
    size_t next = at;
    bool is_escaped = false;
    while (!field_ends(r, &next, out_end)) {
        char c = r->data[next];
        if (o->escape != 0 && c == o->escape && next + 1 < r->length) {
            is_escaped |= c != '\\' || r->data[next + 1] != 'N';
            if (c == '\\' && r->data[next + 1] == 'N' && write == start) {
                if (out != NULL)
                    r->data[write] = c;
                write++;
            }
            c = r->data[++next];
        }
        if (out != NULL)
            r->data[write] = c;
        write++;
        next++;
    }
    if (*out_end != FIELD_SEPARATOR && o->delimiter.length == 1 && o->delimiter.data[0] == '\n' && write > start &&
        r->data[write - 1] == '\r')
        write--;
    if (out != NULL) {
        *out = plain_field(r->data, start, write, o->trim_space);
        if (is_escaped && out->length == TEXT_NULL)
            out->length = 2;
    }
    return next;
}

/* One field; out NULL: only looks for its end and writes nothing. */
static size_t general_field(const CsvReader *r, size_t at, TextField *out, FieldEnd *out_end)
{
    const CsvOptions *o = r->options;
    size_t first = at;
    while (o->trim_space && first < r->length && r->data[first] == ' ' && !is_at(r, first, o->separator))
        first++;
    if (o->enclose != 0 && first < r->length && r->data[first] == o->enclose)
        return enclosed_field(r, first + 1, out, out_end);
    return open_field(r, at, out, out_end);
}

static size_t general_row(CsvReader *r, TextRows *rows, uint32_t row)
{
    FieldEnd end = FIELD_SEPARATOR;
    size_t at = r->at;
    uint32_t found = 0;
    for (; end == FIELD_SEPARATOR; found++) {
        TextField ignored;
        TextField *out = found < rows->column_count ? &rows->fields[(size_t)found * CHUNK_ROWS + row] : &ignored;
        at = general_field(r, at, out, &end);
    }
    rows->found[row] = found;
    fill_missing(rows, row, found);
    rows->rows[row] = (TextField){(uint32_t)r->at, (uint32_t)(at - r->at)};
    if (end == FIELD_DELIMITER)
        rows->rows[row].length -= (uint32_t)r->options->delimiter.length;
    return at;
}

bool csv_reader_next(CsvReader *reader, TextRows *rows)
{
    rows->base = reader->data;
    rows->row_count = 0;
    if (reader->is_simple) {
        simple_next(reader, rows);
        return rows->row_count > 0;
    }
    while (rows->row_count < CHUNK_ROWS && reader->at < reader->length) {
        rows->lines[rows->row_count] = reader->line++;
        reader->at = general_row(reader, rows, rows->row_count);
        rows->row_count += rows->rows[rows->row_count].length > 0;
    }
    return rows->row_count > 0;
}

/* Where the row at `at` ends, behind its delimiter; SIZE_MAX: the data ends first. */
static size_t row_end(const CsvReader *r, size_t at)
{
    FieldEnd end = FIELD_SEPARATOR;
    while (end == FIELD_SEPARATOR)
        at = general_field(r, at, NULL, &end);
    return end == FIELD_DELIMITER ? at : SIZE_MAX;
}

static size_t cut_last_delimiter(StrView delimiter, const char *data, size_t length)
{
    while (length >= delimiter.length) {
        const char *last = memrchr(data + delimiter.length - 1, delimiter.data[delimiter.length - 1],
                                   length - delimiter.length + 1);
        if (last == NULL)
            return 0;
        length = (size_t)(last - data) + 1;
        if (memcmp(data + length - delimiter.length, delimiter.data, delimiter.length) == 0)
            return length;
        length--;
    }
    return 0;
}

/* A separator that holds the delimiter, or the other way round, needs the scan from the start. */
size_t csv_cut(const CsvOptions *options, char *data, size_t length)
{
    if (options->enclose == 0 && options->escape == 0 && options->delimiter.length == 1 &&
        options->separator.length == 1)
        return cut_last_delimiter(options->delimiter, data, length);
    CsvReader reader;
    csv_reader_init(&reader, options, data, length);
    size_t cut = 0;
    for (size_t next; cut < length && (next = row_end(&reader, cut)) != SIZE_MAX;)
        cut = next;
    return cut;
}

size_t csv_skip_rows(const CsvOptions *options, char *data, size_t length, uint64_t rows, uint64_t *out_rows)
{
    CsvReader reader;
    csv_reader_init(&reader, options, data, length);
    size_t at = 0;
    *out_rows = 0;
    while (*out_rows < rows && at < length) {
        size_t next = row_end(&reader, at);
        at = next == SIZE_MAX ? length : next;
        (*out_rows)++;
    }
    return at;
}
