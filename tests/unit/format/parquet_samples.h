#pragma once
/* Sample files of the Parquet tests, and looking at what is read from them. tests/unit/format/parquet/README.md says how they came
 * to be. Included behind cmocka.h. */

#include <stdio.h>

#include "format/parquet/parquet.h"
#include "types/datetime.h"

static inline void sample_load(const char *name, ByteBuf *out)
{
    char path[256], block[4096];
    size_t got;
    snprintf(path, sizeof(path), "tests/unit/format/parquet/%s.parquet", name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("%s is missing", path);
    *out = (ByteBuf){0};
    while ((got = fread(block, 1, sizeof(block), file)) > 0)
        bytebuf_append(out, block, got);
    fclose(file);
}

static inline Status sample_read(void *context, uint64_t offset, uint64_t length, void *out, Diag *diag)
{
    const ByteBuf *bytes = context;
    if (offset > bytes->length || length > bytes->length - offset)
        return RAISE(diag, IO, "a read outside of the file");
    memcpy(out, bytes->data + offset, length);
    return OK;
}

static inline Status sample_open(ByteBuf *bytes, const char *name, const TimeZone *zone, Diag *diag, ParquetFile **out)
{
    ParquetSource source = {name, bytes->length, bytes, sample_read};
    return parquet_open(&source, zone, NULL, diag, out);
}

static inline void sample_print(const Vector *vector, uint32_t row, Arena *arena, ByteBuf *out)
{
    Datum datum = vector_get(vector, row, arena);
    bytebuf_clear(out);
    datum_print(vector->type, &datum, out);
    if (out->data == NULL)
        bytebuf_append_text(out, "");
}

/* Column and the one behind it, which is its text. */
static inline void sample_compare(ParquetFile *file, uint32_t group, uint32_t column)
{
    uint32_t columns[] = {column, column + 1}, rows, at = 0;
    Vector vectors[2];
    ParquetReader *reader;
    Diag diag = {0};
    ByteBuf value = {0}, text = {0};
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    if (parquet_reader_open(file, group, columns, 2, NULL, &diag, &reader) != OK)
        fail_msg("%s", diag.message);
    do {
        if (parquet_reader_next(reader, vectors, &rows, &diag) != OK)
            fail_msg("%s", diag.message);
        for (uint32_t r = 0; r < rows; r++, at++) {
            sample_print(&vectors[0], r, &arena, &value);
            sample_print(&vectors[1], r, &arena, &text);
            if (strcmp(value.data, text.data) != 0)
                fail_msg("%.*s, row %u: %s instead of %s", SV_ARGS(parquet_column_name(file, column)), at, value.data, text.data);
        }
    } while (rows > 0);
    assert_int_equal(at, parquet_row_group_rows(file, group));
    parquet_reader_close(reader);
    bytebuf_deinit(&value);
    bytebuf_deinit(&text);
}

static inline uint32_t sample_column(const ParquetFile *file, const char *name)
{
    for (uint32_t c = 0; c < parquet_column_count(file); c++) {
        if (strview_is(parquet_column_name(file, c), name))
            return c;
    }
    fail_msg("there is no column %s", name);
    return 0;
}

static inline int64_t sample_number(ParquetFile *file, uint32_t group, uint32_t column, uint32_t row)
{
    Vector vector;
    ParquetReader *reader;
    Diag diag = {0};
    uint32_t rows;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    assert_int_equal(parquet_reader_open(file, group, &column, 1, NULL, &diag, &reader), OK);
    assert_int_equal(parquet_reader_next(reader, &vector, &rows, &diag), OK);
    assert_true(row < rows);
    Datum datum = vector_get(&vector, row, &arena);
    parquet_reader_close(reader);
    return datum.i64;
}
