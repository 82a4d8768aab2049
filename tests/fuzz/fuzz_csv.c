/* Any bytes as delimited text: the first five choose separators, enclosing and types, the rest is the block.
 * A block read whole gives the rows that its pieces give, and every field converts or is refused. */

#include <stdint.h>
#include <stdlib.h>

#include "format/csv.h"

enum { OPTION_BYTES = 5, COLUMNS = 5 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct Sums {
    uint64_t rows, fields, bytes;
} Sums;

static void convert(const TextRows *rows, uint8_t choice)
{
    static const TypeKind kinds[] = {TYPE_BOOLEAN, TYPE_TINYINT, TYPE_SMALLINT, TYPE_INT, TYPE_BIGINT, TYPE_LARGEINT, TYPE_FLOAT,
                                     TYPE_DOUBLE, TYPE_DATE, TYPE_DATETIME, TYPE_JSON, TYPE_VARBINARY};
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    uint8_t *failed = arena_alloc_zero(&arena, CHUNK_ROWS);
    for (uint32_t c = 0; c < rows->column_count; c++) {
        uint32_t kind = (choice + c) % (COUNT_OF(kinds) + 4);
        Type type = kind < COUNT_OF(kinds)        ? type_of(kinds[kind])
                    : kind == COUNT_OF(kinds)     ? type_decimal(9, 2)
                    : kind == COUNT_OF(kinds) + 1 ? type_decimal(38, 10)
                    : kind == COUNT_OF(kinds) + 2 ? type_array(&arena, type_of(TYPE_INT))
                                                  : type_varchar(3);
        Vector out;
        vector_init(&out, &arena, type, CHUNK_ROWS);
        text_column_parse(rows, c, &arena, &out, failed);
    }
}

static Sums read_block(const CsvOptions *options, const char *data, size_t length, uint8_t choice)
{
    Sums sums = {0};
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    /* A copy on the heap: the reader unescapes in place and needs its slack. */
    char *block = mem_alloc(length + CSV_BLOCK_SLACK_BYTES);
    memcpy(block, data, length);
    memset(block + length, 0, CSV_BLOCK_SLACK_BYTES);
    TextRows rows;
    CsvReader reader;
    text_rows_init(&rows, &arena, COLUMNS);
    csv_reader_init(&reader, options, block, length);
    while (csv_reader_next(&reader, &rows)) {
        for (uint32_t i = 0; i < rows.row_count; i++) {
            sums.fields += rows.found[i];
            for (uint32_t c = 0; c < COLUMNS; c++) {
                TextField field = rows.fields[(size_t)c * CHUNK_ROWS + i];
                sums.bytes += field.length == TEXT_NULL ? 1000 : field.length;
            }
        }
        sums.rows += rows.row_count;
        convert(&rows, choice);
    }
    mem_free(block);
    return sums;
}

static size_t cut_of(const CsvOptions *options, const char *data, size_t length)
{
    char *copy = mem_alloc(length + CSV_BLOCK_SLACK_BYTES);
    memcpy(copy, data, length);
    memset(copy + length, 0, CSV_BLOCK_SLACK_BYTES);
    size_t cut = csv_cut(options, copy, length);
    uint64_t skipped;
    if (cut > length || csv_skip_rows(options, copy, length, 2, &skipped) > length)
        abort();
    mem_free(copy);
    return cut;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const StrView separators[] = {STR_VIEW(","), STR_VIEW("\t"), STR_VIEW("|"), STR_VIEW("||"), STR_VIEW("\x01"), STR_VIEW("ab")};
    static const StrView delimiters[] = {STR_VIEW("\n"), STR_VIEW("\r\n"), STR_VIEW(";"), STR_VIEW("\n\n")};
    static const char enclosing[] = {0, 0, '"', '\''};
    static const char escapes[] = {0, 0, '\\', '"'};
    if (size < OPTION_BYTES)
        return 0;
    CsvOptions options = {.separator = separators[data[0] % COUNT_OF(separators)],
                          .delimiter = delimiters[data[1] % COUNT_OF(delimiters)],
                          .enclose = enclosing[data[2] % 4],
                          .escape = escapes[data[3] % 4],
                          .trim_space = (data[3] & 0x10) != 0};
    const char *text = (const char *)data + OPTION_BYTES;
    size_t length = size - OPTION_BYTES;
    Sums whole = read_block(&options, text, length, data[4]);
    size_t cut = cut_of(&options, text, length);
    Sums first = read_block(&options, text, cut, data[4]);
    Sums rest = read_block(&options, text + cut, length - cut, data[4]);
    if (first.rows + rest.rows != whole.rows || first.fields + rest.fields != whole.fields || first.bytes + rest.bytes != whole.bytes)
        abort();
    return 0;
}
