/* Segments that lie in the catalog: they come back from the journal and from every copy of a partition, what they take is counted
 * while a version holds them, and a reference that does not fit its bytes is refused. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "meta/encode.h"
#include "unit/meta/store_fixture.h"

enum { DATABASE = 11, TABLE = 20, PARTITION = 21, TABLET = 22, FIRST_SEGMENT = 100 };

static Status build_table(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    (void)context, (void)catalog, (void)diag;
    TableColumn columns[1] = {{.unique_id = 1, .name = STR_VIEW("k"), .type = type_of(TYPE_INT), .is_key = true}};
    TableSchema schema = {.columns = columns, .column_count = 1, .next_unique_id = 2, .key_count = 1, .buckets = 1, .comment = STR_VIEW(""),
                          .view_sql = STR_VIEW(""), .view_database = STR_VIEW("")};
    TabletVersion tablet = {.id = TABLET};
    CatalogPartition partition = {.id = PARTITION, .name = STR_VIEW("t"), .tablets = &tablet, .tablet_count = 1, .visible_version = 1};
    change_put_database(change, DATABASE, STR_VIEW("d"), STR_VIEW(""));
    change_put_table(change, TABLE, DATABASE, STR_VIEW("t"), &schema);
    change_put_partition(change, TABLE, &schema, &partition);
    return OK;
}

/* A segment of as many bytes as its number says, the first of them 0. */
static Status build_segment(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    static char bytes[1 << 12];
    const uint64_t *number = context;
    (void)catalog, (void)diag;
    memset(bytes + 1, (int)*number, sizeof(bytes) - 1);
    SegmentRef segment = {.id = FIRST_SEGMENT + *number, .path = STR_VIEW(""), .length = *number, .row_count = 1, .raw_bytes = 9,
                          .bytes = strview_n(bytes, *number)};
    NewSegments fresh = {PARTITION, TABLET, &segment, 1};
    change_publish(change, TABLE, &fresh, 1);
    return OK;
}

static Status build_compaction(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const uint64_t *count = context;
    uint64_t ids[64];
    (void)catalog, (void)diag;
    for (uint64_t i = 0; i < *count; i++)
        ids[i] = FIRST_SEGMENT + i + 1;
    SegmentRef segment = {.id = 5000, .path = STR_VIEW("data/1/000/000000005000.seg"), .length = 77, .row_count = *count};
    NewSegments fresh = {PARTITION, TABLET, &segment, 1};
    change_compact_segments(change, TABLE, &fresh, ids, (uint32_t)*count);
    return OK;
}

static void commit(MetaStore *store, MetaBuild build, uint64_t number)
{
    Diag diag = {0};
    if (meta_commit(store, build, &number, &diag) != OK)
        fail_msg("commit: %s", diag.message);
}

static const CatalogPartition *partition_of(const CatalogSnapshot *catalog)
{
    return catalog_partition_by_id(catalog_table_by_id(catalog, TABLE), PARTITION);
}

static void check_segments(MetaStore *store, uint64_t first, uint64_t count)
{
    CatalogSnapshot *catalog = meta_snapshot(store);
    const CatalogPartition *partition = partition_of(catalog);
    const TabletVersion *tablet = &partition->tablets[0];
    uint64_t bytes = 0, seen = 0;
    for (uint32_t s = 0; s < tablet->segment_count; s++) {
        const SegmentRef *segment = &tablet->segments[s];
        if (!segment_is_inline(segment))
            continue;
        uint64_t number = segment->id - FIRST_SEGMENT;
        assert_int_equal(number, first + seen++);
        assert_int_equal(segment->path.length, 0);
        assert_int_equal(segment->length, number);
        assert_int_equal(segment->bytes.length, number);
        assert_int_equal(segment->bytes.data[0], 0);
        for (uint64_t i = 1; i < number; i++)
            assert_int_equal((uint8_t)segment->bytes.data[i], (uint8_t)number);
        bytes += number;
    }
    assert_int_equal(seen, count);
    assert_int_equal(partition->inline_bytes, bytes);
    assert_true(catalog_inline_bytes() >= bytes);
    catalog_unref(catalog);
}

static void they_come_back_and_are_counted(void **state)
{
    (void)state;
    assert_int_equal(catalog_inline_bytes(), 0);
    Volume *volume = volume_open_memory(&environment);
    MetaStore *store = open_store(volume);
    commit(store, build_table, 0);
    CatalogSnapshot *early = meta_snapshot(store);
    for (uint64_t number = 1; number <= 60; number++)
        commit(store, build_segment, number);
    check_segments(store, 1, 60);
    commit(store, build_compaction, 40);
    check_segments(store, 41, 20);
    assert_int_equal(partition_of(early)->inline_bytes, 0);
    catalog_unref(early);
    meta_store_close(store);
    assert_int_equal(catalog_inline_bytes(), 0);
    store = open_store(volume); /* in place, from the journal */
    check_segments(store, 41, 20);
    commit(store, build_segment, 61);
    check_segments(store, 41, 21);
    meta_store_close(store);
    assert_int_equal(catalog_inline_bytes(), 0);
    volume_close(volume);
}

static void a_held_snapshot_keeps_its_bytes(void **state)
{
    (void)state;
    Volume *volume = volume_open_memory(&environment);
    MetaStore *store = open_store(volume);
    commit(store, build_table, 0);
    commit(store, build_segment, 50);
    CatalogSnapshot *held = meta_snapshot(store);
    uint64_t count = 50;
    commit(store, build_compaction, count);
    check_segments(store, 0, 0);
    assert_int_equal(partition_of(held)->inline_bytes, 50);
    assert_int_equal(partition_of(held)->tablets[0].segments[0].bytes.data[49], 50);
    catalog_unref(held);
    meta_store_close(store);
    volume_close(volume);
}

static void damaged_references_are_refused(void **state)
{
    (void)state;
    SegmentRef segment = {.id = 7, .path = STR_VIEW(""), .length = 6, .row_count = 1, .bytes = STR_VIEW("abcdef")};
    for (int wrong = 0; wrong < 3; wrong++) {
        AUTO_BYTEBUF bytes = {0};
        AUTO_ARENA arena;
        SegmentRef out = {0};
        arena_init(&arena, NULL);
        segment.length = wrong == 1 ? 7 : 6;
        segment.offset = wrong == 2;
        encode_segment(&bytes, &segment, NULL);
        for (size_t length = 0; length < bytes.length; length++) {
            ByteReader cut = byte_reader(bytes.data, length);
            decode_segment(&cut, &arena, NULL, &out);
            assert_true(cut.failed);
        }
        ByteReader reader = byte_reader(bytes.data, bytes.length);
        out = (SegmentRef){0};
        decode_segment(&reader, &arena, NULL, &out);
        assert_int_equal(reader.failed, wrong != 0);
    }
}

static void neighbours_share_an_object(void **state)
{
    (void)state;
    SegmentRef first = {.id = 7, .path = STR_VIEW("data/1/000/000000000007.seg"), .length = 6, .row_count = 1}, second = first,
               out[2] = {{0}};
    second.id = 8;
    second.offset = 6;
    for (uint32_t level = 1; level <= 2; level++) {
        AUTO_BYTEBUF bytes = {0};
        AUTO_ARENA arena;
        arena_init(&arena, NULL);
        format_level_set_written(level);
        encode_segment(&bytes, &first, NULL);
        size_t length = bytes.length;
        encode_segment(&bytes, &second, &first);
        format_level_set_written(1);
        assert_int_equal(bytes.length - length < length, level == 2);
        ByteReader reader = byte_reader(bytes.data, bytes.length);
        decode_segment(&reader, &arena, NULL, &out[0]);
        decode_segment(&reader, &arena, &out[0], &out[1]);
        assert_false(reader.failed);
        assert_true(strview_equal(out[1].path, first.path));
        assert_int_equal(out[1].offset, 6);
        if (level == 2)
            assert_ptr_equal(out[1].path.data, out[0].path.data);
        ByteReader alone = byte_reader(bytes.data + length, bytes.length - length);
        decode_segment(&alone, &arena, NULL, &out[0]);
        assert_int_equal(alone.failed, level == 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_come_back_and_are_counted),
        cmocka_unit_test(a_held_snapshot_keeps_its_bytes),
        cmocka_unit_test(damaged_references_are_refused),
        cmocka_unit_test(neighbours_share_an_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
