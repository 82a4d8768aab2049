/* Every encoding of blocks: what was put in comes out, in all output widths, and damage is refused. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/environment.h"
#include "base/hash.h"
#include "base/memory.h"
#include "codec/alp.h"
#include "codec/bitpack.h"
#include "codec/fsst.h"
#include "codec/intpack.h"

enum { ROWS = 4096 };

static void add_slack(ByteBuf *bytes)
{
    static const char zeros[BITPACK_SLACK];
    bytebuf_append(bytes, zeros, sizeof(zeros));
}

static void unpack_equals_portable(void **state)
{
    (void)state;
    Random random = {1};
    static int64_t values[ROWS];
    static uint8_t fast[ROWS * 8 + 64], slow[ROWS * 8 + 64];
    for (uint32_t width = 0; width <= 64; width++) {
        for (uint32_t count = 1; count <= ROWS; count = count * 3 + 1) {
            AUTO_BYTEBUF packed = {0};
            uint64_t mask = width == 64 ? UINT64_MAX : ((uint64_t)1 << width) - 1;
            for (uint32_t i = 0; i < count; i++)
                values[i] = (int64_t)(random_next(&random) & mask);
            bitpack_append(&packed, values, count, 0, width);
            add_slack(&packed);
            for (uint32_t out_width = 1; out_width <= 8; out_width *= 2) {
                bitpack_unpack((const uint8_t *)packed.data, count, width, -77, out_width, fast);
                bitpack_unpack_portable((const uint8_t *)packed.data, count, width, -77, out_width, slow);
                assert_memory_equal(fast, slow, count * out_width);
            }
            bitpack_unpack((const uint8_t *)packed.data, count, width, 0, 8, fast);
            assert_memory_equal(fast, values, count * 8);
        }
    }
}

static void check_integers(const int64_t *values, uint32_t count, IntEncoding expected)
{
    AUTO_BYTEBUF bytes = {0};
    static int64_t back[ROWS + 8];
    IntEncoding encoding = intpack_encode(values, count, &bytes);
    size_t length = bytes.length;
    add_slack(&bytes);
    assert_int_equal(encoding, expected);
    for (uint32_t width = 1; width <= 8; width *= 2) {
        ByteReader reader = byte_reader(bytes.data, length);
        assert_true(intpack_decode(encoding, &reader, count, width, back));
        assert_int_equal(byte_reader_left(&reader), 0);
        for (uint32_t i = 0; i < count; i++)
            assert_memory_equal((char *)back + i * width, &values[i], width); /* little-endian: the low bytes */
    }
    for (size_t cut = 0; cut < length; cut++) {
        ByteReader reader = byte_reader(bytes.data, cut);
        assert_false(intpack_decode(encoding, &reader, count, 8, back));
    }
}

static void integers_choose_what_fits(void **state)
{
    (void)state;
    Random random = {2};
    static int64_t values[ROWS];
    for (uint32_t i = 0; i < ROWS; i++)
        values[i] = (int64_t)(random_next(&random) % 1000) - 500;
    check_integers(values, ROWS, INT_PACKED);
    check_integers(values, 1, INT_PACKED);
    check_integers(values, 777, INT_PACKED);
    for (uint32_t i = 0; i < ROWS; i++)
        values[i] = (int64_t)(random_next(&random) % 50) * 100 - 70;
    check_integers(values, ROWS, INT_SCALED);
    for (uint32_t i = 0; i < ROWS; i++)
        values[i] = 1000000000000 + i * 7 + (int64_t)(random_next(&random) % 3);
    check_integers(values, ROWS, INT_DELTA);
    for (uint32_t i = 0; i < ROWS; i++)
        values[i] = (int64_t)(hash_u64(i / 300 + 1) % 100000);
    check_integers(values, ROWS, INT_RUNS);
    for (uint32_t i = 0; i < ROWS; i++)
        values[i] = i % 100 == 5 ? INT64_MAX - i : (int64_t)(random_next(&random) % 16);
    check_integers(values, ROWS, INT_PATCHED);
    for (uint32_t i = 0; i < ROWS; i++)
        values[i] = i % 2 == 0 ? INT64_MIN + i : INT64_MAX - i;
    check_integers(values, ROWS, INT_PACKED);
}

static void doubles_come_back_bit_by_bit(void **state)
{
    (void)state;
    Random random = {3};
    static double values[ROWS], back[ROWS + 8];
    for (uint32_t i = 0; i < ROWS; i++)
        values[i] = (double)((int64_t)(random_next(&random) % 2000000) - 500000) / 100;
    values[7] = -0.0;
    values[8] = 1.0 / 3;
    values[9] = __builtin_nan("");
    values[10] = __builtin_inf();
    values[11] = 1e300;
    AUTO_BYTEBUF bytes = {0};
    assert_true(alp_encode(values, ROWS, &bytes));
    size_t length = bytes.length;
    assert_true(length < ROWS * 3);
    add_slack(&bytes);
    ByteReader reader = byte_reader(bytes.data, length);
    assert_true(alp_decode(&reader, ROWS, back));
    assert_memory_equal(back, values, sizeof(values));
    for (size_t cut = 0; cut < length; cut += 13) {
        reader = byte_reader(bytes.data, cut);
        assert_false(alp_decode(&reader, ROWS, back));
    }
    for (uint32_t i = 0; i < ROWS; i++) {
        uint64_t bits = random_next(&random);
        memcpy(&values[i], &bits, sizeof(bits));
    }
    bytebuf_clear(&bytes);
    assert_false(alp_encode(values, ROWS, &bytes));
    assert_int_equal(bytes.length, 0);
}

static uint32_t make_texts(StrView *texts, uint32_t count, char *room)
{
    static const char *const words[] = {"carefully", "final", "deposits", " ", "sleep", "quickly ", "\xC3\xA4rger", "",
                                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "0", "x"};
    Random random = {4};
    uint32_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t begin = used;
        uint64_t pieces = random_next(&random) % 8;
        for (uint64_t p = 0; p < pieces; p++) {
            const char *word = words[random_next(&random) % COUNT_OF(words)];
            memcpy(room + used, word, strlen(word));
            used += (uint32_t)strlen(word);
            room[used++] = (char)(random_next(&random) % 30 == 0 ? random_next(&random) : ' ');
        }
        texts[i] = strview_n(room + begin, used - begin);
    }
    return used;
}

static void symbols_come_back(void **state)
{
    (void)state;
    enum { TEXTS = 3000 };
    StrView *texts = mem_alloc(sizeof(StrView) * TEXTS);
    char *room = mem_alloc(TEXTS * 300);
    uint32_t total = make_texts(texts, TEXTS, room);
    FsstEncoder *encoder = fsst_train(texts, TEXTS / 4);
    AUTO_BYTEBUF stored = {0};
    FsstTable *table = mem_alloc(sizeof(*table));
    Diag diag = {0};
    fsst_store_table(encoder, &stored);
    assert_int_equal(fsst_load_table(bytebuf_view(&stored), table, &diag), OK);
    assert_int_equal(table->code_bits, fsst_code_bits(encoder));
    uint16_t *codes = mem_alloc(total * sizeof(uint16_t) + 64);
    uint32_t *starts = mem_alloc((total + 1) * sizeof(uint32_t));
    uint8_t *back = mem_alloc(total + 64);
    uint32_t all = 0;
    for (uint32_t i = 0; i < TEXTS; i++) {
        uint32_t count = fsst_encode(encoder, texts[i], codes + all);
        assert_true(count <= texts[i].length);
        assert_true(fsst_decode(table, codes + all, count, back, texts[i].length, starts));
        assert_int_equal(starts[count], texts[i].length);
        if (texts[i].length > 0)
            assert_memory_equal(back, texts[i].data, texts[i].length);
        all += count;
    }
    assert_true(all * 3 < total); /* that is the point of it */
    assert_true(fsst_decode(table, codes, all, back, total, starts));
    assert_memory_equal(back, room, total);
    assert_false(fsst_decode(table, codes, all, back, total - 1, starts));
    for (size_t cut = 0; cut < stored.length; cut++)
        assert_int_equal(fsst_load_table(strview_n(stored.data, cut), table, NULL), ERR_CORRUPT);
    mem_free(back);
    mem_free(starts);
    mem_free(codes);
    mem_free(table);
    mem_free(room);
    mem_free(texts);
    fsst_encoder_free(encoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unpack_equals_portable),
        cmocka_unit_test(integers_choose_what_fits),
        cmocka_unit_test(doubles_come_back_bit_by_bit),
        cmocka_unit_test(symbols_come_back),
    };
    return cmocka_run_group_tests_name("codec.encodings", tests, NULL, NULL);
}
