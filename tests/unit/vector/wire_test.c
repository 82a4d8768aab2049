/* Batches as bytes: every physical type, NULLs, dictionaries, constants, selections, lists; several batches
 * into one chunk; damaged bytes are refused. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vector/wire.h"

enum { COLUMNS = 11, ROWS = 300 };

static Datum make_value(Type type, uint32_t row, Arena *arena)
{
    if (type.kind == TYPE_ARRAY) {
        DatumList *list = ARENA_NEW(arena, DatumList);
        list->count = row % 4;
        list->items = ARENA_NEW_ARRAY(arena, Datum, 4);
        for (uint32_t i = 0; i < list->count; i++)
            list->items[i] = i == 1 ? datum_null() : datum_str(strview(arena_printf(arena, "element %u of a longer text %u", i, row)));
        return (Datum){.list = list};
    }
    if (type.phys == PHYS_STR)
        return datum_str(strview(row % 2 == 0 ? "short" : arena_printf(arena, "a string that is not inline %u", row)));
    if (type.phys == PHYS_F32 || type.phys == PHYS_F64)
        return datum_f64(row * 0.5);
    if (type.phys == PHYS_I128)
        return (Datum){.i128 = ((Int128)row << 80) - 7};
    return datum_i64(type.phys == PHYS_BOOL ? row % 2 : row % 100);
}

static void fill_types(Type *types, Arena *arena)
{
    types[0] = type_of(TYPE_BOOLEAN);
    types[1] = type_of(TYPE_TINYINT);
    types[2] = type_of(TYPE_SMALLINT);
    types[3] = type_of(TYPE_INT);
    types[4] = type_of(TYPE_BIGINT);
    types[5] = type_of(TYPE_LARGEINT);
    types[6] = type_of(TYPE_FLOAT);
    types[7] = type_of(TYPE_DOUBLE);
    types[8] = type_decimal(38, 3);
    types[9] = type_varchar(0);
    types[10] = type_array(arena, type_varchar(0));
}

static void fill_chunk(Chunk *chunk, const Type *types, Arena *arena)
{
    chunk_init(chunk, arena, types, COLUMNS);
    for (uint32_t c = 0; c < COLUMNS; c++) {
        for (uint32_t row = 0; row < ROWS; row++) {
            Datum value = (row + c) % 7 == 0 && c != 3 ? datum_null() : make_value(types[c], row, arena);
            vector_put(&chunk->columns[c], arena, row, &value);
        }
    }
    chunk->row_count = ROWS;
}

static void expect_rows(const Chunk *source, Rows rows, const Chunk *got, uint32_t offset, Arena *arena)
{
    for (uint32_t c = 0; c < COLUMNS; c++) {
        for (FOR_ROWS(rows, i, row)) {
            Datum a = vector_get(&source->columns[c], row, arena);
            Datum b = vector_get(&got->columns[c], offset + i, arena);
            assert_int_equal(datum_compare(source->columns[c].type, &a, &b), 0);
        }
    }
}

static void write_all(const Chunk *chunk, Rows rows, ByteBuf *out)
{
    const Vector *pointers[COLUMNS];
    for (uint32_t c = 0; c < COLUMNS; c++)
        pointers[c] = &chunk->columns[c];
    wire_write(pointers, COLUMNS, rows, out);
}

static void test_round_trip(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    AUTO_BYTEBUF bytes = {0};
    Diag diag = {0};
    Type types[COLUMNS];
    Chunk source, got;
    uint16_t sel[] = {0, 1, 6, 7, 255, 299};
    Rows some = {sel, COUNT_OF(sel)};
    fill_types(types, &arena);
    fill_chunk(&source, types, &arena);
    write_all(&source, chunk_rows(&source), &bytes);
    write_all(&source, some, &bytes);
    chunk_init(&got, &arena, types, COLUMNS);
    ByteReader reader = byte_reader(bytes.data, bytes.length);
    assert_int_equal(wire_peek_rows(&reader), ROWS);
    assert_int_equal(wire_read(&reader, &got, &arena, &diag), OK);
    assert_int_equal(wire_read(&reader, &got, &arena, &diag), OK);
    assert_int_equal(wire_peek_rows(&reader), 0);
    assert_int_equal(got.row_count, ROWS + some.count);
    expect_rows(&source, chunk_rows(&source), &got, 0, &arena);
    expect_rows(&source, some, &got, ROWS, &arena);
}

static void test_forms(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    AUTO_BYTEBUF bytes = {0};
    Diag diag = {0};
    Type types[COLUMNS];
    Chunk source, view, got;
    uint32_t codes[] = {299, 0, 7, 7, 12};
    uint8_t nulls[] = {0, 0, 1, 0, 0};
    fill_types(types, &arena);
    fill_chunk(&source, types, &arena);
    chunk_init(&view, &arena, types, COLUMNS);
    for (uint32_t c = 0; c < COLUMNS; c++) {
        view.columns[c] = (Vector){.type = types[c], .form = VECTOR_DICTIONARY, .codes = codes, .nulls = nulls,
                                   .dictionary = &source.columns[c], .dict_size = ROWS};
        if (c == 4) {
            Datum seven = datum_i64(7);
            vector_set_constant(&view.columns[c], &arena, types[c], &seven);
        }
    }
    view.row_count = COUNT_OF(codes);
    write_all(&view, chunk_rows(&view), &bytes);
    chunk_init(&got, &arena, types, COLUMNS);
    ByteReader reader = byte_reader(bytes.data, bytes.length);
    assert_int_equal(wire_read(&reader, &got, &arena, &diag), OK);
    expect_rows(&view, chunk_rows(&view), &got, 0, &arena);
}

static void test_damage(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    AUTO_BYTEBUF bytes = {0};
    Type types[COLUMNS];
    Chunk source;
    fill_types(types, &arena);
    fill_chunk(&source, types, &arena);
    write_all(&source, chunk_rows(&source), &bytes);
    for (size_t length = 1; length < bytes.length; length += 97) {
        Chunk got;
        Diag diag = {0};
        chunk_init(&got, &arena, types, COLUMNS);
        char *cut = arena_alloc(&arena, length);
        memcpy(cut, bytes.data, length);
        ByteReader reader = byte_reader(cut, length);
        assert_int_not_equal(wire_read(&reader, &got, &arena, &diag), OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
