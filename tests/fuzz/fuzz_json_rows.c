/* Any bytes as a stream of JSON documents that become rows. The first byte chooses stripping, paths and change
 * events, the next lines up to a blank one are paths. */

#include <stdint.h>
#include <stdlib.h>

#include "format/json_rows.h"

enum { COLUMNS = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_path(const uint8_t **cursor, const uint8_t *end, JsonPath *out)
{
    const uint8_t *line_end = memchr(*cursor, '\n', (size_t)(end - *cursor));
    if (line_end == NULL)
        return false;
    StrView text = strview_n((const char *)*cursor, (size_t)(line_end - *cursor));
    *cursor = line_end + 1;
    return json_path_parse(text, out);
}

static void read_rows(const JsonRowsOptions *options, StrView block)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    JsonRowsReader reader;
    TextRows rows;
    Diag diag = {0};
    uint8_t *failed = arena_alloc_zero(&arena, CHUNK_ROWS);
    text_rows_init(&rows, &arena, COLUMNS);
    json_rows_init(&reader, options, block);
    while (json_rows_next(&reader, &rows, &diag) == OK && rows.row_count > 0) {
        for (uint32_t c = 0; c < COLUMNS; c++) {
            Type types[COLUMNS] = {type_of(TYPE_BIGINT), type_array(&arena, type_varchar(0)), type_of(TYPE_JSON), type_of(TYPE_DATETIME)};
            Vector out;
            vector_init(&out, &arena, types[c], CHUNK_ROWS);
            text_column_parse(&rows, c, &arena, &out, failed);
        }
    }
    json_rows_deinit(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const StrView names[COLUMNS] = {STR_VIEW("a"), STR_VIEW("b"), STR_VIEW("c"), STR_VIEW("__op")};
    static const uint8_t raw[COLUMNS] = {0, 0, 1, 0};
    JsonPath paths[COLUMNS] = {0};
    JsonRowsOptions options = {.names = names, .raw = raw, .column_count = COLUMNS, .op_column = COLUMNS - 1};
    if (size == 0)
        return 0;
    const uint8_t *cursor = data + 1, *end = data + size;
    bool strips = (data[0] & 1) != 0;
    options.strip_array = strips;
    options.is_debezium = (data[0] & 8) != 0;
    for (uint32_t c = 0; (data[0] & 2) != 0 && c < COLUMNS; c++) {
        if (!read_path(&cursor, end, &paths[c]))
            return 0;
        options.paths = paths;
    }
    if ((data[0] & 4) != 0 && !read_path(&cursor, end, &options.root))
        return 0;
    options.is_stripped = strips && options.root.count == 0;
    size_t length = (size_t)(end - cursor);
    char *text = mem_alloc(length + 1);
    memcpy(text, cursor, length);
    JsonCut cut = {.strip = options.is_stripped};
    size_t first = json_cut(&cut, text, length);
    if (first > length)
        abort();
    read_rows(&options, strview_n(text, first));
    read_rows(&options, strview_n(text, length));
    mem_free(text);
    return 0;
}
