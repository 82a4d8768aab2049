#include "format/json_rows.h"

/* The text of a row is copied into the reader once; fields without escapes point into the copy,
 * others are unescaped behind it. */

enum { ROWS_TEXT_LIMIT_BYTES = 1 << 30 };

void json_rows_init(JsonRowsReader *reader, const JsonRowsOptions *options, StrView block)
{
    *reader = (JsonRowsReader){.options = options, .data = block};
}

void json_rows_deinit(JsonRowsReader *reader)
{
    bytebuf_deinit(&reader->text);
}

/* row: the row's text in the block, copied to row_offset of reader->text. */
static TextField make_field(JsonRowsReader *reader, StrView row, size_t row_offset, StrView value, bool raw)
{
    JsonTextKind kind = json_kind(value);
    uint32_t offset = (uint32_t)(row_offset + (size_t)(value.data - row.data));
    if (kind == JSON_TEXT_NULL)
        return (TextField){0, TEXT_NULL};
    if (raw || kind != JSON_TEXT_STRING)
        return (TextField){offset, (uint32_t)value.length};
    StrView inner = {value.data + 1, value.length - 2};
    if (inner.length == 0 || memchr(inner.data, '\\', inner.length) == NULL)
        return (TextField){offset + 1, (uint32_t)inner.length};
    size_t start = reader->text.length;
    if (!json_unescape(inner, &reader->text)) {
        reader->text.length = start;
        return (TextField){offset + 1, (uint32_t)inner.length};
    }
    return (TextField){(uint32_t)start, (uint32_t)(reader->text.length - start)};
}

/* Members usually come in the columns' order: the search begins behind the last hit. */
static uint32_t find_column(const JsonRowsOptions *options, StrView key, uint32_t guess)
{
    for (uint32_t i = 0; i < options->column_count; i++) {
        uint32_t at = guess + i < options->column_count ? guess + i : guess + i - options->column_count;
        if (strview_equal(options->names[at], key))
            return at;
    }
    return UINT32_MAX;
}

static void fields_by_name(JsonRowsReader *reader, StrView row, size_t row_offset, TextField *fields)
{
    const JsonRowsOptions *options = reader->options;
    size_t at = 0;
    uint32_t guess = 0;
    StrView key, value;
    while (json_next_member(row, &at, &key, &value)) {
        uint32_t column = find_column(options, key, guess);
        if (column == UINT32_MAX)
            continue;
        guess = column + 1 < options->column_count ? column + 1 : 0;
        fields[(size_t)column * CHUNK_ROWS] = make_field(reader, row, row_offset, value, options->raw[column] != 0);
    }
}

static void fields_by_path(JsonRowsReader *reader, StrView row, size_t row_offset, TextField *fields)
{
    const JsonRowsOptions *options = reader->options;
    for (uint32_t i = 0; i < options->column_count; i++) {
        StrView value;
        if (json_path_find(row, &options->paths[i], &value) != JSON_TEXT_INVALID)
            fields[(size_t)i * CHUNK_ROWS] = make_field(reader, row, row_offset, value, options->raw[i] != 0);
    }
}

/* The row of a change event; an event without one is left as it is, and rejected for lacking the columns' names. */
static StrView event_row(StrView event, bool *out_deletes)
{
    JsonPath path;
    StrView payload, op, row;
    bool is_wrapped = json_path_parse(STR_VIEW("$.payload"), &path) && json_path_find(event, &path, &payload) == JSON_TEXT_OBJECT;
    if (!is_wrapped)
        payload = event;
    *out_deletes = json_path_parse(STR_VIEW("$.op"), &path) && json_path_find(payload, &path, &op) == JSON_TEXT_STRING &&
                   strview_is(op, "\"d\"");
    StrView name = *out_deletes ? STR_VIEW("$.before") : STR_VIEW("$.after");
    return json_path_parse(name, &path) && json_path_find(payload, &path, &row) == JSON_TEXT_OBJECT ? row : STR_VIEW("null");
}

static void put_op(JsonRowsReader *reader, bool deletes, TextField *fields)
{
    fields[(size_t)reader->options->op_column * CHUNK_ROWS] = (TextField){(uint32_t)reader->text.length, 1};
    bytebuf_append_char(&reader->text, deletes ? '1' : '0');
}

static void add_row(JsonRowsReader *reader, StrView value, TextRows *rows)
{
    uint32_t row = rows->row_count++;
    bool deletes = false;
    rows->lines[row] = reader->line++;
    if (reader->options->is_debezium)
        value = event_row(value, &deletes);
    size_t offset = reader->text.length;
    bytebuf_append_view(&reader->text, value);
    rows->rows[row] = (TextField){(uint32_t)offset, (uint32_t)value.length};
    TextField *fields = rows->fields + row;
    for (uint32_t i = 0; i < rows->column_count; i++)
        fields[(size_t)i * CHUNK_ROWS] = (TextField){0, TEXT_NULL};
    bool by_path = reader->options->paths != NULL;
    JsonTextKind kind = json_kind(value);
    bool is_row = kind == JSON_TEXT_OBJECT || (by_path && kind == JSON_TEXT_ARRAY);
    rows->found[row] = is_row ? rows->column_count : 0;
    if (is_row && by_path)
        fields_by_path(reader, value, offset, fields);
    else if (is_row)
        fields_by_name(reader, value, offset, fields);
    if (reader->options->is_debezium)
        put_op(reader, deletes, fields);
}

/* The next top-level value of the block; false at its end. Commas between
 * the elements of a stripped array are passed over. */
static Status next_document(JsonRowsReader *reader, bool *out_found, StrView *out_value, Diag *diag)
{
    StrView data = reader->data;
    size_t at = json_skip_blanks(data, reader->at);
    while (at < data.length && (data.data[at] == ',' || (at == 0 && (unsigned char)data.data[0] == 0xEF))) {
        at = json_skip_blanks(data, data.data[at] == ',' ? at + 1 : MIN(at + 3, data.length));
    }
    *out_found = at < data.length;
    if (!*out_found)
        return OK;
    reader->at = at;
    if (json_value(data, &reader->at, out_value) != JSON_TEXT_INVALID)
        return OK;
    StrView near = {data.data + at, MIN(data.length - at, (size_t)64)};
    return RAISE(diag, BAD_VALUE, "Failed to parse json as document stream. error: invalid JSON near '%.*s'",
                 SV_ARGS(near));
}

static Status next_row(JsonRowsReader *reader, bool *out_found, StrView *out_value, Diag *diag)
{
    for (;;) {
        if (reader->array.length > 0) {
            if (json_next_element(reader->array, &reader->array_at, out_value)) {
                *out_found = true;
                return OK;
            }
            reader->array.length = 0;
        }
        TRY(next_document(reader, out_found, out_value, diag));
        if (!*out_found)
            return OK;
        if (reader->options->root.count > 0 &&
            json_path_find(*out_value, &reader->options->root, out_value) == JSON_TEXT_INVALID)
            return OK; /* a row without the root: reported as one that is no object */
        if (json_kind(*out_value) != JSON_TEXT_ARRAY || reader->options->is_stripped)
            return OK;
        if (!reader->options->strip_array)
            return RAISE(diag, BAD_VALUE, "The value is array type in json document stream, you can set "
                                          "strip_outer_array=true to parse each element of the array as "
                                          "individual rows");
        reader->array = *out_value;
        reader->array_at = 0;
    }
}

Status json_rows_next(JsonRowsReader *reader, TextRows *rows, Diag *diag)
{
    rows->row_count = 0;
    rows->takes_fractions = true;
    bytebuf_clear(&reader->text);
    while (rows->row_count < CHUNK_ROWS && reader->text.length < ROWS_TEXT_LIMIT_BYTES) {
        StrView value;
        bool found;
        TRY(next_row(reader, &found, &value, diag));
        if (!found)
            break;
        add_row(reader, value, rows);
    }
    bytebuf_reserve(&reader->text, 8);
    rows->base = reader->text.data;
    return OK;
}

static void cut_bracket(JsonCut *cut, char *byte)
{
    bool is_open = *byte == '{' || *byte == '[';
    if (cut->strip && cut->depth == 0 && *byte == (cut->inside ? ']' : '[')) {
        *byte = ' ';
        cut->inside = !cut->inside;
    } else if (is_open) {
        cut->depth++;
    } else if (--cut->depth <= 0) {
        cut->last = cut->at + 1;
    }
}

size_t json_cut(JsonCut *cut, char *data, size_t length)
{
    for (; cut->at < length; cut->at++) {
        char c = data[cut->at];
        if (cut->in_string) {
            if (cut->is_escaped)
                cut->is_escaped = false;
            else if (c == '\\')
                cut->is_escaped = true;
            else if (c == '"')
                cut->in_string = false;
        } else if (c == '"') {
            cut->in_string = true;
        } else if (c == '{' || c == '[' || c == '}' || c == ']') {
            cut_bracket(cut, data + cut->at);
        }
    }
    return cut->last;
}
