/* Records of the version map: what is written is read; damaged and cut ones are refused. And the lists of names of
 * excluded_refresh_tables. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mv/definition.h"
#include "mv/version_map.h"

static void test_round_trip(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    AUTO_BYTEBUF bytes = {0};
    MvMapEntry back;
    arena_init(&arena, NULL);
    MvSegmentMark marks[] = {{.segment_id = 5},
                             {.segment_id = 6, .deletes_id = 1ull << 50, .deletes_count = 3, .deletes_bytes = STR_VIEW("abc"), .deletes_path = STR_VIEW("p")}};
    MvSource sources[] = {{.partition_id = 7, .data_version = 100, .name = STR_VIEW("p20250101"), .marks = marks, .mark_count = 2},
                          {.partition_id = 9, .data_version = 1ull << 40}};
    MvSourceTable tables[] = {{.table_id = 3, .sources = sources, .count = 2}, {.table_id = 4}};
    MvMapEntry entry = {.partition_id = 77, .refreshed_us = -5, .rows = {12, {1, UINT64_MAX}}, .tables = tables, .table_count = 2};
    mv_map_encode(&entry, &bytes);
    assert_true(mv_map_parse(bytebuf_view(&bytes), &arena, &back));
    assert_int_equal(back.partition_id, 77);
    assert_int_equal(back.refreshed_us, -5);
    assert_int_equal(back.rows.rows, 12);
    assert_true(back.rows.sums[1] == UINT64_MAX);
    assert_int_equal(back.table_count, 2);
    assert_int_equal(mv_map_table(&back, 3)->count, 2);
    assert_true(strview_is(mv_map_table(&back, 3)->sources[0].name, "p20250101"));
    assert_true(mv_map_table(&back, 3)->sources[1].data_version == 1ull << 40);
    assert_int_equal(mv_map_table(&back, 3)->sources[0].mark_count, 2);
    assert_true(mv_map_table(&back, 3)->sources[0].marks[1].deletes_id == 1ull << 50);
    assert_int_equal(mv_map_table(&back, 3)->sources[0].marks[1].deletes_count, 3);
    assert_true(strview_is(mv_map_table(&back, 3)->sources[0].marks[1].deletes_bytes, "abc"));
    assert_true(strview_is(mv_map_table(&back, 3)->sources[0].marks[1].deletes_path, "p"));
    assert_int_equal(mv_map_table(&back, 4)->count, 0);
    assert_int_equal(bytes.data[0], 2);
    assert_null(mv_map_table(&back, 5));
    for (size_t length = 0; length < bytes.length; length++)
        assert_false(mv_map_parse(strview_n(bytes.data, length), &arena, &back));
    bytebuf_append_char(&bytes, 'x');
    assert_false(mv_map_parse(bytebuf_view(&bytes), &arena, &back));
}

/* Without delete vectors records are those of version 1, which older programs read. */
static void test_without_deletes(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    AUTO_BYTEBUF bytes = {0};
    MvMapEntry back;
    arena_init(&arena, NULL);
    MvSegmentMark mark = {.segment_id = 5};
    MvSource source = {.partition_id = 7, .data_version = 100, .marks = &mark, .mark_count = 1};
    MvSourceTable table = {.table_id = 3, .sources = &source, .count = 1};
    MvMapEntry entry = {.partition_id = 77, .tables = &table, .table_count = 1};
    mv_map_encode(&entry, &bytes);
    assert_int_equal(bytes.data[0], 1);
    assert_true(mv_map_parse(bytebuf_view(&bytes), &arena, &back));
    assert_int_equal(back.tables[0].sources[0].marks[0].segment_id, 5);
}

static void test_names(void **state)
{
    (void)state;
    assert_true(mv_list_names(STR_VIEW("db.t"), STR_VIEW("db"), STR_VIEW("t")));
    assert_false(mv_list_names(STR_VIEW("db.t"), STR_VIEW("other"), STR_VIEW("t")));
    assert_false(mv_list_names(STR_VIEW("db.t"), STR_VIEW("db"), STR_VIEW("tt")));
    assert_true(mv_list_names(STR_VIEW(" a , ,t"), STR_VIEW("any"), STR_VIEW("t")));
    assert_true(mv_list_names(STR_VIEW("default_catalog.db.t"), STR_VIEW("db"), STR_VIEW("t")));
    assert_false(mv_list_names(STR_VIEW(""), STR_VIEW("db"), STR_VIEW("t")));
    assert_int_equal(mv_task_view(STR_VIEW("mv-12")), 12);
    assert_int_equal(mv_task_view(STR_VIEW("insert-12")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_without_deletes), cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
