/* Raw values of Parquet that the sample files do not have: INT96, times, half floats, decimals of bytes; and what types of ours cannot hold. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/parquet/parquet_delta.h"
#include "format/parquet/parquet_hybrid.h"
#include "format/parquet/parquet_leaf.h"

static ParquetNode node_of(ParquetPhysical physical, ParquetMeaning meaning)
{
    ParquetNode node = {.physical = (uint8_t)physical, .meaning = (uint8_t)meaning, .precision = 9, .scale = 2, .fixed_length = 4};
    return node;
}

static const char *convert(ParquetNode *node, const void *raw, uint32_t count, void *out)
{
    char padded[256] = {0};
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    parquet_leaf_type(node);
    assert_null(node->problem);
    if (node->physical == PARQUET_BYTE_ARRAY)
        return parquet_convert_values(node, NULL, raw, count, &arena, out);
    memcpy(padded, raw, (size_t)count * parquet_raw_width(node));
    return parquet_convert_values(node, NULL, padded, count, &arena, out);
}

static void test_int96(void **state)
{
    ParquetNode node = node_of(PARQUET_INT96, MEANS_NOTHING);
    struct {
        uint64_t ns;
        uint32_t day;
    } __attribute__((packed)) raw[] = {{0, 2440588}, {1500, 2440589}, {UINT64_C(86399999999999), 2440587}, {0, 9000000}};
    int64_t out[4];
    (void)state;
    assert_null(convert(&node, raw, 3, out));
    assert_int_equal(node.type.kind, TYPE_DATETIME);
    assert_int_equal(out[0], 0);
    assert_int_equal(out[1], INT64_C(86400000001));
    assert_int_equal(out[2], -1);
    assert_non_null(convert(&node, raw, 4, out));
}

static void test_times(void **state)
{
    ParquetNode node = node_of(PARQUET_INT32, MEANS_TIME);
    int32_t millis[] = {0, 86399999, -1};
    int64_t nanos[] = {1999, INT64_C(86399999999999)}, stamps[] = {-1, INT64_MAX, INT64_MIN}, out[3];
    (void)state;
    node.unit = PARQUET_MILLIS;
    assert_null(convert(&node, millis, 2, out));
    assert_int_equal(node.type.kind, TYPE_TIME);
    assert_int_equal(out[1], INT64_C(86399999000));
    assert_non_null(convert(&node, millis, 3, out));
    node = node_of(PARQUET_INT64, MEANS_TIME);
    node.unit = PARQUET_NANOS;
    assert_null(convert(&node, nanos, 2, out));
    assert_int_equal(out[0], 1);
    node = node_of(PARQUET_INT64, MEANS_TIMESTAMP);
    node.unit = PARQUET_NANOS;
    assert_null(convert(&node, stamps, 3, out));
    assert_int_equal(out[0], -1); /* before 1970 too, what is less than a microsecond is cut downwards */
    node.unit = PARQUET_MILLIS;
    assert_non_null(convert(&node, stamps, 3, out));
    node.unit = PARQUET_MICROS;
    assert_non_null(convert(&node, stamps, 2, out));
}

static void test_half(void **state)
{
    ParquetNode node = node_of(PARQUET_FIXED, MEANS_FLOAT16);
    uint16_t raw[] = {0x3c00, 0xc000, 0x0001, 0x7bff, 0xfc00, 0};
    float out[6];
    (void)state;
    node.fixed_length = 2;
    assert_null(convert(&node, raw, 6, out));
    assert_true(out[0] == 1 && out[1] == -2 && out[2] == 0x1p-24f && out[3] == 65504 && out[4] == -__builtin_inff() && out[5] == 0);
}

static void test_decimals(void **state)
{
    ParquetNode node = node_of(PARQUET_FIXED, MEANS_DECIMAL);
    const uint8_t raw[] = {0xff, 0xff, 0xff, 0xfe, 0, 0, 1, 0, 0x7f, 0xff, 0xff, 0xff};
    int32_t out[3];
    Int128 wide[3];
    (void)state;
    assert_null(convert(&node, raw, 2, out));
    assert_int_equal(out[0], -2);
    assert_int_equal(out[1], 256);
    assert_string_equal(convert(&node, raw, 3, out), "a decimal has more digits than its type");
    node = node_of(PARQUET_BYTE_ARRAY, MEANS_DECIMAL);
    node.precision = 38;
    Str bytes[] = {str_make("\xff", 1), str_make("\x01\x00", 2), str_make("", 0)}, too_long = str_make("12345678901234567", 17);
    assert_null(convert(&node, bytes, 3, wide));
    assert_true(wide[0] == -1 && wide[1] == 256 && wide[2] == 0);
    assert_non_null(convert(&node, &too_long, 1, wide));
    node = node_of(PARQUET_FIXED, MEANS_DECIMAL);
    node.precision = 39;
    parquet_leaf_type(&node);
    assert_non_null(node.problem);
}

static void test_ranges(void **state)
{
    ParquetNode node = node_of(PARQUET_INT32, MEANS_DATE);
    int32_t dates[] = {0, 2932896, 2932897}, out[3];
    int64_t wide[] = {-1, 7}, longs[2];
    Int128 huge[2];
    (void)state;
    assert_null(convert(&node, dates, 2, out));
    assert_non_null(convert(&node, dates, 3, out));
    node = node_of(PARQUET_INT32, MEANS_UNSIGNED);
    node.bit_width = 32;
    assert_null(convert(&node, wide, 2, longs)); /* 32 bits each */
    assert_int_equal(longs[0], UINT32_MAX);
    assert_int_equal(node.type.kind, TYPE_BIGINT);
    node = node_of(PARQUET_INT64, MEANS_UNSIGNED);
    assert_null(convert(&node, wide, 2, huge));
    assert_true(huge[0] == (Int128)UINT64_MAX && huge[1] == 7);
    node = node_of(PARQUET_BYTE_ARRAY, MEANS_JSON);
    Str texts[] = {str_make("{\"b\":1}", 7), str_make("{", 1)}, json[2];
    assert_null(convert(&node, texts, 1, json));
    assert_string_equal(convert(&node, texts, 2, json), "a value is no JSON");
}

/* Runs and packed groups of every width come back, read in pieces of any size. */
static void test_hybrid(void **state)
{
    enum { COUNT = 3000 };
    static uint32_t values[COUNT], found[COUNT];
    (void)state;
    for (uint32_t width = 1; width <= 32; width++) {
        AUTO_BYTEBUF bytes = {0};
        uint64_t seed = width;
        for (uint32_t i = 0; i < COUNT; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            bool repeats = i > 0 && (i / 100) % 3 != 0;
            values[i] = repeats ? values[i - 1] : (uint32_t)(seed >> 32) >> (32 - width);
        }
        hybrid_append(&bytes, values, COUNT, width);
        bytebuf_reserve(&bytes, 64);
        HybridReader reader = hybrid_reader((const uint8_t *)bytes.data, bytes.length, width);
        for (uint32_t at = 0, part = 1; at < COUNT; part = part * 7 % 61 + 1) {
            uint32_t count = MIN(part, COUNT - at);
            assert_true(hybrid_read(&reader, count, 4, found + at));
            at += count;
        }
        assert_memory_equal(found, values, sizeof(values));
        reader = hybrid_reader((const uint8_t *)bytes.data, bytes.length / 2, width);
        assert_false(hybrid_read(&reader, COUNT, 4, found));
    }
}

/* A block of two miniblocks by hand: 7, then steps of 1 (width 0) and one of 2^63. */
static void test_delta(void **state)
{
    AUTO_BYTEBUF bytes = {0};
    DeltaReader reader;
    int64_t out[34];
    (void)state;
    bytebuf_put_varint(&bytes, 64);
    bytebuf_put_varint(&bytes, 2);
    bytebuf_put_varint(&bytes, 34);
    bytebuf_put_varint(&bytes, 14);
    bytebuf_put_varint(&bytes, 2); /* the least step: 1 */
    bytebuf_put_u8(&bytes, 0);
    bytebuf_put_u8(&bytes, 64);
    for (int i = 0; i < 32; i++)
        bytebuf_put_u64(&bytes, i == 0 ? UINT64_C(1) << 63 : 0);
    size_t length = bytes.length;
    bytebuf_append_text(&bytes, "what follows, with slack behind it .............");
    assert_ptr_equal(delta_end((const uint8_t *)bytes.data, bytes.length), bytes.data + length);
    assert_true(delta_open(&reader, (const uint8_t *)bytes.data, length));
    assert_true(delta_read_i64(&reader, 3, out));
    assert_true(delta_read_i64(&reader, 31, out + 3));
    assert_false(delta_read_i64(&reader, 1, out));
    assert_int_equal(out[0], 7);
    assert_int_equal(out[32], 39);
    assert_true((uint64_t)out[33] == 40 + (UINT64_C(1) << 63));
    assert_true(delta_open(&reader, (const uint8_t *)bytes.data, length - 257));
    assert_false(delta_read_i64(&reader, 34, out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_int96),  cmocka_unit_test(test_times),  cmocka_unit_test(test_half),  cmocka_unit_test(test_decimals),
        cmocka_unit_test(test_ranges), cmocka_unit_test(test_hybrid), cmocka_unit_test(test_delta),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
