/* Prepared transactions in their stored form: what is written comes back, what is cut or flipped is refused or read
 * without harm. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "meta/prepared.h"

static PreparedTransaction *sample(void)
{
    PreparedTransaction *p = prepared_new();
    p->database_id = 7;
    p->id = 900;
    p->label = STR_VIEW("nightly");
    p->is_multi = true;
    p->time_us = 123456789;
    p->timeout_us = 86400000000;
    p->total_rows = 12;
    p->loaded_rows = 10;
    p->filtered_rows = 2;
    p->bytes = 300;
    p->table_count = 2;
    p->tables = ARENA_NEW_ARRAY(&p->arena, PreparedTable, 2);
    for (uint32_t t = 0; t < 2; t++) {
        p->tables[t] = (PreparedTable){.table_id = 20 + t, .flushes = ARENA_NEW_ARRAY(&p->arena, PreparedFlush, 2), .count = 2};
        p->tables[t].flushes[0] = (PreparedFlush){.partition_id = 30, .tablet_id = 31, .has_segment = true};
        p->tables[t].flushes[0].segment = (SegmentRef){.id = 44, .path = STR_VIEW("data/1/044/000000000044.seg"), .offset = 5, .length = 600,
                                                       .row_count = 10, .raw_bytes = 1000};
        p->tables[t].flushes[1] = (PreparedFlush){.partition_id = 30, .tablet_id = 32, .deleted = STR_VIEW("0123456789abcdef0123456789ABCDEF")};
    }
    return p;
}

static void test_round_trip(void **state)
{
    (void)state;
    PreparedTransaction *p = sample(), *back;
    AUTO_BYTEBUF bytes = {0};
    AUTO_BYTEBUF again = {0};
    Diag diag = {0};
    prepared_encode(p, &bytes);
    ByteReader reader = byte_reader(bytes.data, bytes.length);
    assert_int_equal(prepared_decode(&reader, &diag, &back), OK);
    assert_int_equal(byte_reader_left(&reader), 0);
    assert_true(strview_is(back->label, "nightly"));
    assert_int_equal(back->tables[1].flushes[0].segment.length, 600);
    assert_int_equal(back->tables[1].flushes[1].deleted.length, 32);
    prepared_encode(back, &again);
    assert_true(strview_equal(bytebuf_view(&bytes), bytebuf_view(&again)));
    prepared_unref(back);
    prepared_unref(p);
}

static void test_damage(void **state)
{
    (void)state;
    PreparedTransaction *p = sample();
    AUTO_BYTEBUF bytes = {0};
    prepared_encode(p, &bytes);
    prepared_unref(p);
    for (size_t length = 0; length < bytes.length; length++) {
        PreparedTransaction *back;
        Diag diag = {0};
        char *cut = malloc(length + 1); /* of its exact size, for the address sanitizer */
        memcpy(cut, bytes.data, length);
        ByteReader reader = byte_reader(cut, length);
        assert_int_equal(prepared_decode(&reader, &diag, &back), ERR_CORRUPT);
        free(cut);
    }
    for (size_t at = 0; at < bytes.length; at++) {
        PreparedTransaction *back = NULL;
        Diag diag = {0};
        bytes.data[at] = (char)~bytes.data[at];
        ByteReader reader = byte_reader(bytes.data, bytes.length);
        if (prepared_decode(&reader, &diag, &back) == OK)
            prepared_unref(back);
        else
            assert_int_equal(diag.code, ERR_CORRUPT);
        bytes.data[at] = (char)~bytes.data[at];
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_damage)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
