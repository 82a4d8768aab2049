/* Any bytes are opened as a Parquet file and read whole within a limit of memory: nothing may be read outside of them, and what
 * decodes has to be well-formed vectors. */

#include <stdint.h>

#include "format/parquet/parquet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_COLUMNS = 32, MOST_CHUNKS = 64, MEMORY_BYTES = 64 << 20 };

typedef struct Bytes {
    const uint8_t *data;
    size_t size;
} Bytes;

static Status read_bytes(void *context, uint64_t offset, uint64_t length, void *out, Diag *diag)
{
    const Bytes *bytes = context;
    if (offset > bytes->size || length > bytes->size - offset)
        return RAISE(diag, INTERNAL, "a read outside of the file");
    if (length > 0)
        memcpy(out, bytes->data + offset, length);
    return OK;
}

/* Looks at every value, so that a bad pointer is found. */
static uint64_t touch(const Vector *vector, uint32_t rows)
{
    uint64_t sum = 0;
    AUTO_ARENA arena;
    AUTO_BYTEBUF text = {0};
    arena_init(&arena, NULL);
    for (uint32_t i = 0; i < rows; i++) {
        Datum value = vector_get(vector, i, &arena);
        bytebuf_clear(&text);
        datum_print(vector->type, &value, &text);
        sum += text.length;
    }
    return sum;
}

static void read_group(ParquetFile *file, uint32_t group, MemTracker *tracker)
{
    volatile uint64_t sum = 0;
    for (uint32_t column = 0; column < parquet_column_count(file) && column < MOST_COLUMNS; column++) {
        Diag diag = {0};
        Vector vector;
        PageStats stats;
        ParquetReader *reader;
        uint32_t rows = 0;
        parquet_row_group_stats(file, group, column, &stats);
        if (stats.has_bounds && stats.min.is_null)
            __builtin_trap();
        if (parquet_reader_open(file, group, &column, 1, tracker, &diag, &reader) != OK)
            continue;
        for (uint32_t chunk = 0; chunk < MOST_CHUNKS && parquet_reader_next(reader, &vector, &rows, &diag) == OK && rows > 0; chunk++)
            sum += touch(&vector, rows);
        parquet_reader_close(reader);
    }
    (void)sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Bytes bytes = {data, size};
    ParquetSource source = {"fuzz.parquet", size, &bytes, read_bytes};
    MemTracker tracker;
    ParquetFile *file;
    Diag diag = {0};
    mem_tracker_init(&tracker, NULL, "fuzz", MEMORY_BYTES);
    if (parquet_open(&source, NULL, &tracker, &diag, &file) == OK) {
        for (uint32_t group = 0; group < parquet_row_group_count(file) && group < 8; group++)
            read_group(file, group, &tracker);
        parquet_close(file);
    }
    if (mem_used(&tracker) != 0)
        __builtin_trap();
    return 0;
}
