/* What the Parquet writer wrote, our reader reads back: all types, NULLs, vectors of every form, several row groups, every codec. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"
#include "unit/format/parquet_samples.h"

enum { MOST_TYPES = 24, ROWS = 10000 };

typedef struct Sample {
    Arena arena;
    Type types[MOST_TYPES];
    StrView names[MOST_TYPES];
    uint32_t count;
    ByteBuf bytes;
    ByteBuf expected; /* rows as text */
} Sample;

static Status append(void *context, const void *data, size_t length, Diag *diag)
{
    (void)diag;
    bytebuf_append(context, data, length);
    return OK;
}

static void add_type(Sample *s, Type type)
{
    s->types[s->count] = type;
    s->names[s->count] = strview(arena_printf(&s->arena, "c%u", s->count));
    s->count++;
}

static void init(Sample *s)
{
    static const StrView fields[] = {{"number", 6}, {"text", 4}};
    memset(s, 0, sizeof(*s));
    arena_init(&s->arena, NULL);
    for (TypeKind kind = TYPE_BOOLEAN; kind <= TYPE_JSON; kind++) {
        if (kind != TYPE_DECIMAL)
            add_type(s, type_of(kind));
    }
    add_type(s, type_decimal(7, 2));
    add_type(s, type_decimal(15, 3));
    add_type(s, type_decimal(38, 6));
    Type pair[] = {type_of(TYPE_BIGINT), type_varchar(100)};
    Type record = type_struct(&s->arena, pair, fields, 2);
    add_type(s, type_array(&s->arena, type_of(TYPE_INT)));
    add_type(s, type_array(&s->arena, type_array(&s->arena, type_varchar(100))));
    add_type(s, record);
    add_type(s, type_array(&s->arena, record));
    add_type(s, type_map(&s->arena, type_varchar(100), type_decimal(15, 3)));
}

static void deinit(Sample *s)
{
    bytebuf_deinit(&s->bytes);
    bytebuf_deinit(&s->expected);
    arena_deinit(&s->arena);
}

static Datum make_list(Arena *arena, Type type, uint64_t seed, uint32_t count);

/* A value that depends on seed alone; NULL for every seventh. */
static Datum make(Arena *arena, Type type, uint64_t seed)
{
    uint64_t h = hash_u64(seed * 31 + type.kind);
    int64_t small = (int64_t)(h % 200) - 100;
    if (h % 7 == 0)
        return datum_null();
    switch ((TypeKind)type.kind) {
    case TYPE_BOOLEAN:
        return datum_i64((int64_t)(h & 1));
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        return datum_f64((double)small / 4);
    case TYPE_LARGEINT:
        return (Datum){.i128 = (Int128)small * INT64_MAX * 1000};
    case TYPE_BIGINT:
        return datum_i64((int64_t)(h >> 2) - INT64_MAX / 4);
    case TYPE_DECIMAL:
        return type.precision > 18 ? (Datum){.i128 = (Int128)small * INT64_MAX} : datum_i64(small * 1000);
    case TYPE_DATE:
        return datum_i64((int64_t)(h % 20000) - 4000);
    case TYPE_DATETIME:
        return datum_i64((int64_t)(h % (UINT64_C(1) << 50)) - (INT64_C(1) << 49));
    case TYPE_TIME:
        return datum_i64((int64_t)(h % 86400000000u));
    case TYPE_CHAR:
    case TYPE_VARCHAR:
    case TYPE_VARBINARY:
        return datum_str(strview(arena_printf(arena, h % 3 == 0 ? "%llu" : "a longer text %llu", (unsigned long long)(h % 5000))));
    case TYPE_JSON:
        return datum_str(strview(arena_printf(arena, "{\"a\": %d}", (int)small)));
    case TYPE_ARRAY:
        return make_list(arena, type, seed, (uint32_t)(h % 5));
    case TYPE_MAP:
        return make_list(arena, type, seed, (uint32_t)(h % 4 * 2));
    case TYPE_STRUCT:
        return make_list(arena, type, seed, type.nested->count);
    default:
        return datum_i64(small);
    }
}

static Datum make_list(Arena *arena, Type type, uint64_t seed, uint32_t count)
{
    DatumList *list = ARENA_NEW(arena, DatumList);
    list->count = count;
    list->items = ARENA_NEW_ARRAY(arena, Datum, count);
    for (uint32_t i = 0; i < count; i++) {
        if (type.kind == TYPE_MAP && i % 2 == 0)
            list->items[i] = datum_str(strview(arena_printf(arena, "key %u", i)));
        else
            list->items[i] = make(arena, type.nested->types[type.kind == TYPE_ARRAY ? 0 : type.kind == TYPE_MAP ? 1 : i], seed * 100 + i + 1);
    }
    return (Datum){.list = list};
}

static void expect(Sample *s, const Vector *vectors, uint32_t row, Arena *arena)
{
    for (uint32_t c = 0; c < s->count; c++) {
        Datum datum = vector_get(&vectors[c], row, arena);
        datum_print(s->types[c], &datum, &s->expected);
        bytebuf_append_char(&s->expected, c + 1 == s->count ? '\n' : '\t');
    }
}

/* Some columns of the chunk get another form. */
static void change_forms(Sample *s, Vector *vectors, uint64_t chunk, Arena *arena)
{
    uint32_t *codes = ARENA_NEW_ARRAY(arena, uint32_t, CHUNK_ROWS);
    Vector *dictionaries = ARENA_NEW_ARRAY(arena, Vector, s->count);
    for (uint32_t i = 0; i < CHUNK_ROWS; i++)
        codes[i] = (uint32_t)(hash_u64(i) % (CHUNK_ROWS / 2));
    for (uint32_t c = 0; c < s->count; c++) {
        if ((c + chunk) % 5 == 0) {
            Datum datum = make(arena, s->types[c], chunk);
            vector_set_constant(&vectors[c], arena, s->types[c], &datum);
        } else if ((c + chunk) % 5 == 1) {
            dictionaries[c] = vectors[c];
            vectors[c] = (Vector){.type = s->types[c], .form = VECTOR_DICTIONARY, .codes = codes, .dictionary = &dictionaries[c], .dict_size = CHUNK_ROWS};
        }
    }
}

static uint64_t write_sample(Sample *s, ParquetCompression compression, bool is_flat)
{
    ParquetWriterOptions options = {.compression = compression, .row_group_rows = 4000};
    ParquetWriter *writer;
    Diag diag = {0};
    uint64_t rows = 0, made = 0;
    assert_int_equal(parquet_writer_open(s->types, s->names, s->count, &options, append, &s->bytes, NULL, &diag, &writer), OK);
    for (uint64_t chunk = 0; made < ROWS; chunk++) {
        Vector vectors[MOST_TYPES];
        const Vector *pointers[MOST_TYPES];
        uint16_t sel[CHUNK_ROWS];
        Rows chosen = {sel, 0};
        AUTO_ARENA arena;
        arena_init(&arena, NULL);
        for (uint32_t c = 0; c < s->count; c++) {
            vector_init(&vectors[c], &arena, s->types[c], CHUNK_ROWS);
            pointers[c] = &vectors[c];
            for (uint32_t r = 0; r < CHUNK_ROWS; r++) {
                Datum datum = make(&arena, s->types[c], made + r);
                vector_put(&vectors[c], &arena, r, &datum);
            }
        }
        if (!is_flat)
            change_forms(s, vectors, chunk, &arena);
        for (uint32_t r = 0; r < CHUNK_ROWS; r++) {
            if (is_flat || r % 3 != 1)
                sel[chosen.count++] = (uint16_t)r;
        }
        for (uint32_t i = 0; i < chosen.count; i++)
            expect(s, vectors, sel[i], &arena);
        assert_int_equal(parquet_writer_append(writer, pointers, chosen, &diag), OK);
        assert_true(parquet_writer_bytes(writer) >= s->bytes.length);
        made += CHUNK_ROWS;
    }
    assert_int_equal(parquet_writer_finish(writer, &rows, &diag), OK);
    parquet_writer_close(writer);
    return rows;
}

static void read_sample(Sample *s, uint64_t rows)
{
    ParquetFile *file;
    Diag diag = {0};
    ByteBuf found = {0};
    uint32_t columns[MOST_TYPES];
    if (sample_open(&s->bytes, "written", NULL, &diag, &file) != OK)
        fail_msg("%s", diag.message);
    assert_int_equal(parquet_row_count(file), rows);
    assert_int_equal(parquet_column_count(file), s->count);
    for (uint32_t c = 0; c < s->count; c++)
        columns[c] = c;
    for (uint32_t g = 0; g < parquet_row_group_count(file); g++) {
        Vector vectors[MOST_TYPES];
        ParquetReader *reader;
        uint32_t got;
        assert_int_equal(parquet_reader_open(file, g, columns, s->count, NULL, &diag, &reader), OK);
        for (;;) {
            AUTO_ARENA arena;
            arena_init(&arena, NULL);
            if (parquet_reader_next(reader, vectors, &got, &diag) != OK)
                fail_msg("%s", diag.message);
            if (got == 0)
                break;
            for (uint32_t r = 0; r < got; r++) {
                for (uint32_t c = 0; c < s->count; c++) {
                    Datum datum = vector_get(&vectors[c], r, &arena);
                    datum_print(vectors[c].type, &datum, &found);
                    bytebuf_append_char(&found, c + 1 == s->count ? '\n' : '\t');
                }
            }
        }
        parquet_reader_close(reader);
    }
    assert_int_equal(found.length, s->expected.length);
    assert_memory_equal(found.data, s->expected.data, found.length);
    bytebuf_deinit(&found);
    parquet_close(file);
}

static void test_codecs(void **state)
{
    (void)state;
    for (ParquetCompression compression = PARQUET_WRITE_PLAIN; compression <= PARQUET_WRITE_ZSTD; compression++) {
        Sample s;
        init(&s);
        uint64_t rows = write_sample(&s, compression, compression != PARQUET_WRITE_SNAPPY);
        read_sample(&s, rows);
        deinit(&s);
    }
}

static void test_bounds(void **state)
{
    Sample s;
    ParquetFile *file;
    Diag diag = {0};
    (void)state;
    init(&s);
    write_sample(&s, PARQUET_WRITE_ZSTD, true);
    assert_int_equal(sample_open(&s.bytes, "written", NULL, &diag, &file), OK);
    for (uint32_t g = 0; g < parquet_row_group_count(file); g++) {
        for (uint32_t c = 0; c < s.count; c++) {
            PageStats stats;
            uint32_t rows, nulls = 0;
            Vector vector;
            ParquetReader *reader;
            AUTO_ARENA arena;
            arena_init(&arena, NULL);
            Type type = parquet_column_type(file, c);
            parquet_row_group_stats(file, g, c, &stats);
            bool has_order = !type_is_nested(type) && type.kind != TYPE_JSON && type.kind != TYPE_VARBINARY;
            assert_int_equal(stats.has_bounds, has_order);
            assert_int_equal(parquet_reader_open(file, g, &c, 1, NULL, &diag, &reader), OK);
            while (parquet_reader_next(reader, &vector, &rows, &diag) == OK && rows > 0) {
                for (uint32_t r = 0; r < rows; r++) {
                    Datum datum = vector_get(&vector, r, &arena);
                    nulls += datum.is_null;
                    if (datum.is_null || !stats.has_bounds)
                        continue;
                    assert_true(datum_compare(type, &stats.min, &datum) <= 0);
                    assert_true(datum_compare(type, &stats.max, &datum) >= 0);
                }
            }
            if (!type_is_nested(type))
                assert_int_equal(stats.null_count, nulls);
            parquet_reader_close(reader);
        }
    }
    parquet_close(file);
    deinit(&s);
}

/* Files without rows or columns, and what cannot be written. */
static void test_edges(void **state)
{
    ParquetWriterOptions options = {.compression = PARQUET_WRITE_SNAPPY};
    ParquetWriter *writer;
    ParquetFile *file;
    Diag diag = {0};
    Sample s;
    uint64_t rows;
    (void)state;
    init(&s);
    assert_int_equal(parquet_writer_open(s.types, s.names, s.count, &options, append, &s.bytes, NULL, &diag, &writer), OK);
    assert_int_equal(parquet_writer_finish(writer, &rows, &diag), OK);
    assert_int_equal(rows, 0);
    parquet_writer_close(writer);
    assert_int_equal(sample_open(&s.bytes, "written", NULL, &diag, &file), OK);
    assert_int_equal(parquet_row_group_count(file), 0);
    assert_int_equal(parquet_column_count(file), s.count);
    parquet_close(file);
    Type bitmap = type_of(TYPE_BITMAP);
    StrView name = STR_VIEW("b");
    assert_int_equal(parquet_writer_open(&bitmap, &name, 1, &options, append, &s.bytes, NULL, &diag, &writer), ERR_NOT_SUPPORTED);
    assert_string_equal(diag.message, "column b: type bitmap cannot be written to a Parquet file");
    deinit(&s);
}

static void test_too_wide(void **state)
{
    ParquetWriterOptions options = {.compression = PARQUET_WRITE_SNAPPY};
    ParquetWriter *writer;
    Diag diag = {0};
    Sample s;
    Vector vector;
    const Vector *pointer = &vector;
    Type type = type_of(TYPE_LARGEINT);
    Datum datum = {.i128 = (Int128)(~(UInt128)0 >> 1)};
    (void)state;
    init(&s);
    vector_set_constant(&vector, &s.arena, type, &datum);
    assert_int_equal(parquet_writer_open(&type, s.names, 1, &options, append, &s.bytes, NULL, &diag, &writer), OK);
    assert_int_equal(parquet_writer_append(writer, &pointer, (Rows){NULL, 2}, &diag), ERR_OUT_OF_RANGE);
    parquet_writer_close(writer);
    deinit(&s);
}

/* Bounds of long texts are cut, and hold all the same; where no text is above, there are none. */
static void test_long_texts(void **state)
{
    static const char *const lasts[] = {"z", "\x7f", "\xc3\xa4"};
    (void)state;
    for (size_t kind = 0; kind < COUNT_OF(lasts); kind++) {
        ParquetWriterOptions options = {.compression = PARQUET_WRITE_SNAPPY};
        ParquetWriter *writer;
        ParquetFile *file;
        PageStats stats;
        Diag diag = {0};
        Sample s;
        Vector vector;
        const Vector *pointer = &vector;
        Type type = type_varchar(1000);
        AUTO_BYTEBUF text = {0};
        uint64_t rows;
        init(&s);
        while (text.length < 200)
            bytebuf_append_text(&text, lasts[kind]);
        Datum datum = datum_str(bytebuf_view(&text));
        vector_set_constant(&vector, &s.arena, type, &datum);
        assert_int_equal(parquet_writer_open(&type, s.names, 1, &options, append, &s.bytes, NULL, &diag, &writer), OK);
        assert_int_equal(parquet_writer_append(writer, &pointer, (Rows){NULL, 3}, &diag), OK);
        assert_int_equal(parquet_writer_finish(writer, &rows, &diag), OK);
        parquet_writer_close(writer);
        assert_int_equal(sample_open(&s.bytes, "written", NULL, &diag, &file), OK);
        parquet_row_group_stats(file, 0, 0, &stats);
        assert_int_equal(stats.has_bounds, kind == 0);
        if (stats.has_bounds) {
            assert_true(stats.max.str.length <= 64 && stats.min.str.length <= 64);
            assert_true(datum_compare(type, &stats.min, &datum) <= 0);
            assert_true(datum_compare(type, &stats.max, &datum) > 0);
        }
        parquet_close(file);
        deinit(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codecs),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_too_wide),
        cmocka_unit_test(test_long_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
