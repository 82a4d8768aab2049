#pragma once
/* Splitting delimited text into rows of fields.
 *
 * A block holds whole rows (csv_cut() finds where to cut a stream). Blank rows are skipped; an
 * unenclosed \N is NULL. Without enclose and escape and with one-byte separators a word-at-a-time scan
 * does the work; the general form unescapes in place, so the block must be writable. Blocks need 8
 * readable bytes behind their end, and are below 4 GiB. One thread at a time. */

#include "format/text_rows.h"

typedef struct CsvOptions {
    StrView separator; /* of columns; not empty */
    StrView delimiter; /* of rows; not empty */
    char enclose;      /* 0: none */
    char escape;       /* 0: none */
    bool trim_space;
} CsvOptions;

typedef struct CsvReader {
    const CsvOptions *options;
    char *data;
    size_t length;
    size_t at; /* where the next row begins */
    uint32_t line; /* rows before it */
    bool is_simple;
} CsvReader;

enum { CSV_BLOCK_SLACK_BYTES = 8 };

/* "\x01", "\\x0102", "\t", "\n", "\r", "\\" to bytes; anything else stays. */
void csv_unescape(StrView text, ByteBuf *out);
void csv_reader_init(CsvReader *reader, const CsvOptions *options, char *data, size_t length);
/* The next up to CHUNK_ROWS rows; false at the end of the block. */
bool csv_reader_next(CsvReader *reader, TextRows *rows);
/* Length of the longest prefix of whole rows, 0: none. */
size_t csv_cut(const CsvOptions *options, char *data, size_t length);
/* Length of the first `rows` rows; fewer when the data ends before, *out_rows tells. */
size_t csv_skip_rows(const CsvOptions *options, char *data, size_t length, uint64_t rows, uint64_t *out_rows);
