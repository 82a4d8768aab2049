/* Any bytes as batches of rows that come back from disk: refused, or vectors that hold up. */

#include <stdint.h>
#include <stdlib.h>

#include "vector/wire.h"

enum { COLUMNS = 6, CAPACITY = 300 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void touch(const Chunk *chunk, Arena *arena)
{
    AUTO_BYTEBUF out = {0};
    for (uint32_t c = 0; c < chunk->column_count; c++) {
        for (uint32_t row = 0; row < chunk->row_count; row++) {
            VectorView view = vector_view(&chunk->columns[c]);
            if (view_is_null(&view, row))
                continue;
            Datum value = vector_get(&chunk->columns[c], row, arena);
            bytebuf_clear(&out);
            datum_print(chunk->columns[c].type, &value, &out);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_ARENA arena;
    AUTO_ARENA heap;
    arena_init(&arena, NULL);
    arena_init(&heap, NULL);
    Type types[COLUMNS] = {type_of(TYPE_INT), type_of(TYPE_LARGEINT), type_varchar(0), type_array(&arena, type_varchar(0)),
                           type_of(TYPE_DOUBLE), type_map(&arena, type_of(TYPE_INT), type_array(&arena, type_decimal(10, 2)))};
    Chunk chunk = {.columns = ARENA_NEW_ARRAY(&arena, Vector, COLUMNS), .column_count = COLUMNS};
    for (uint32_t c = 0; c < COLUMNS; c++)
        vector_init(&chunk.columns[c], &arena, types[c], CAPACITY);
    ByteReader reader = byte_reader(data, size);
    Diag diag = {0};
    while (wire_peek_rows(&reader) > 0 && wire_read(&reader, &chunk, &heap, &diag) == OK)
        touch(&chunk, &heap);
    return 0;
}
