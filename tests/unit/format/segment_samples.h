#pragma once
/* Segments for tests: columns of many types and shapes, with a function that says what each value is. */

#include "base/environment.h"
#include "base/hash.h"
#include "format/segment.h"

enum { SAMPLE_COLUMNS = 14 };

static inline void sample_columns(SegmentColumn out[SAMPLE_COLUMNS])
{
    static const TypeKind kinds[SAMPLE_COLUMNS] = {
        TYPE_INT,    TYPE_BIGINT,  TYPE_BIGINT, TYPE_BOOLEAN, TYPE_DOUBLE, TYPE_DOUBLE,   TYPE_VARCHAR,
        TYPE_VARCHAR, TYPE_VARCHAR, TYPE_DATE,   TYPE_LARGEINT, TYPE_FLOAT,  TYPE_SMALLINT, TYPE_VARCHAR,
    };
    for (uint32_t c = 0; c < SAMPLE_COLUMNS; c++)
        out[c] = (SegmentColumn){100 + c, type_of(kinds[c])};
}

static inline Str sample_text(Arena *arena, uint64_t row, uint32_t words)
{
    static const char *const list[] = {"carefully ", "final ", "deposits ", "sleep ", "quickly ", "ironic ", "a", "requests ",
                                       "pending accounts ", "", "z", "blithely "};
    AUTO_BYTEBUF text = {0};
    for (uint32_t w = 0; w < words; w++)
        bytebuf_append_text(&text, list[hash_u64(row * 31 + w) % COUNT_OF(list)]);
    return str_make(arena_strndup(arena, text.data, text.length), text.length);
}

/* Value of a row, for a scale that makes row groups differ. */
static inline Datum sample_value(Arena *arena, uint32_t column, uint64_t row)
{
    uint64_t mix = hash_u64(row * SAMPLE_COLUMNS + column);
    Datum value = datum_i64(0);
    switch (column) {
    case 0: /* packed */
        return datum_i64((int64_t)(mix % 100000) - 50000);
    case 1: /* delta */
        return datum_i64((int64_t)(row * 8 + mix % 4));
    case 2: /* runs, now and then NULL */
        value = datum_i64((int64_t)(hash_u64(row / 500) % 1000000));
        value.is_null = row % 1000 == 3;
        return value;
    case 3:
        return datum_i64((int64_t)(mix % 2));
    case 4: /* decimals */
        value.f64 = (double)(mix % 100000) / 100;
        return value;
    case 5: /* noise */
        value.f64 = (double)mix / 3;
        return value;
    case 6: /* few values */
        value.str = sample_text(arena, mix % 20, 3);
        value.is_null = mix % 11 == 0;
        return value;
    case 7: /* sentences */
        value.str = sample_text(arena, row, 6);
        return value;
    case 8: /* unlike each other */
        value.str = str_make(arena_printf(arena, "%016llx%016llx", (unsigned long long)mix, (unsigned long long)hash_u64(mix)), 32);
        value.is_null = mix % 7 == 0;
        return value;
    case 9: /* multiples */
        return datum_i64((int64_t)(mix % 50) * 100);
    case 10:
        value.i128 = (Int128)mix * (row % 2 == 0 ? 1 : 1000000007);
        return value;
    case 11:
        value.f64 = (double)(float)(mix % 1000) / 8;
        return value;
    case 12: /* all NULL */
        value.is_null = true;
        return value;
    default: /* outliers in length */
        value.str = sample_text(arena, row, row % 97 == 0 ? 200 : 1);
        return value;
    }
}

static inline Status sample_sink(void *context, const void *data, size_t length, Diag *diag)
{
    (void)diag;
    bytebuf_append(context, data, length);
    return OK;
}

/* Writes rows 0 .. rows-1 into bytes. */
static inline Status sample_write(uint32_t rows, ByteBuf *bytes, SegmentRef *out_ref, Diag *diag)
{
    SegmentColumn columns[SAMPLE_COLUMNS];
    SegmentWriter *writer;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    sample_columns(columns);
    TRY(segment_writer_open(columns, SAMPLE_COLUMNS, sample_sink, bytes, diag, &writer));
    Status status = OK;
    for (uint32_t first = 0; first < rows && status == OK; first += CHUNK_ROWS) {
        uint32_t part = MIN(rows - first, (uint32_t)CHUNK_ROWS);
        Vector vectors[SAMPLE_COLUMNS];
        const Vector *pointers[SAMPLE_COLUMNS];
        arena_reset(&arena);
        for (uint32_t c = 0; c < SAMPLE_COLUMNS; c++) {
            vector_init(&vectors[c], &arena, columns[c].type, CHUNK_ROWS);
            pointers[c] = &vectors[c];
            for (uint32_t i = 0; i < part; i++) {
                Datum value = sample_value(&arena, c, first + i);
                vector_put(&vectors[c], &arena, i, &value);
            }
        }
        status = segment_writer_append(writer, pointers, part);
    }
    *out_ref = (SegmentRef){.id = 1, .path = STR_VIEW("data/1/sample.seg")};
    if (status == OK)
        status = segment_writer_finish(writer, &out_ref->length, &out_ref->row_count);
    segment_writer_close(writer);
    return status;
}

/* Reads everything. *out_wrong counts values that are not the sample's. */
static inline Status sample_check(Segment *segment, uint64_t *out_rows, uint64_t *out_wrong, Diag *diag)
{
    SegmentColumn columns[SAMPLE_COLUMNS];
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    sample_columns(columns);
    *out_rows = *out_wrong = 0;
    for (uint32_t page = 0; page < segment_page_count(segment); page++) {
        uint32_t rows = segment_page_rows(segment, page);
        for (uint32_t c = 0; c < SAMPLE_COLUMNS; c++) {
            Vector out;
            int position = segment_find_column(segment, columns[c].unique_id);
            arena_reset(&arena);
            if (position < 0) {
                *out_wrong += rows;
                continue;
            }
            TRY(segment_read(segment, page, position, columns[c].type, &arena, diag, &out));
            for (uint32_t i = 0; i < rows; i++) {
                Datum want = sample_value(&arena, c, *out_rows + i);
                Datum have = vector_get(&out, i, &arena);
                if (want.is_null != have.is_null)
                    (*out_wrong)++;
                else if (!want.is_null && datum_compare(columns[c].type, &want, &have) != 0)
                    (*out_wrong)++;
            }
        }
        *out_rows += rows;
    }
    return OK;
}
