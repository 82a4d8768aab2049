#pragma once
/* JSON documents as rows of text fields: an object a row, columns found by name or by path.
 *
 * A block holds whole top-level values (json_cut() finds where to cut a stream). Strings arrive
 * unescaped, numbers and booleans as written, null and absent members as NULL, objects and arrays as
 * their text; columns marked raw (JSON) get every value as it is written. Row and field texts live in
 * the reader until its next call. One thread at a time. */

#include "codec/json_text.h"
#include "format/text_rows.h"

typedef struct JsonRowsOptions {
    const StrView *names;
    const JsonPath *paths; /* NULL: by name */
    const uint8_t *raw;
    uint32_t column_count;
    JsonPath root; /* count 0: the value itself */
    bool strip_array; /* an array (under root) is its elements; else it is an error */
    bool is_debezium;   /* change events: the row is under payload.after or, for deletes, payload.before */
    uint32_t op_column; /* then: "0" for a row to put, "1" for one to delete */
    bool is_stripped; /* json_cut() took the outer brackets away: an array is a row */
} JsonRowsOptions;

typedef struct JsonRowsReader {
    const JsonRowsOptions *options;
    StrView data;
    size_t at;
    StrView array; /* the one being stripped */
    size_t array_at;
    uint32_t line; /* rows so far */
    ByteBuf text;
} JsonRowsReader;

void json_rows_init(JsonRowsReader *reader, const JsonRowsOptions *options, StrView block);
void json_rows_deinit(JsonRowsReader *reader);
/* The next up to CHUNK_ROWS rows; row_count 0 at the end. found is 0 for a value that is no object. */
Status json_rows_next(JsonRowsReader *reader, TextRows *rows, Diag *diag);

/* Finds the end of top-level values in a stream; pieces are looked at once. */
typedef struct JsonCut {
    size_t at; /* looked at so far */
    size_t last; /* behind the last whole value */
    int64_t depth;
    bool in_string, is_escaped;
    bool strip;  /* blank the brackets of top-level arrays, so that their elements are values */
    bool inside; /* such an array */
} JsonCut;

/* data: all bytes since the last cut; `at` and `last` are the caller's to move when it takes some. */
size_t json_cut(JsonCut *cut, char *data, size_t length);
