/* References to segments that overlays lie over: they come back from the journal and from every copy of a partition, whoever lists what
 * the catalog names sees the overlays, and damaged ones are refused. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "meta/encode.h"
#include "unit/meta/store_fixture.h"

enum { DATABASE = 11, TABLE = 20, PARTITION = 21, TABLET = 22 };

static const SegmentRef overlays[2] = {
    {.id = 101, .path = STR_VIEW("data/1/000/000000000101.seg"), .length = 30, .row_count = 5, .raw_bytes = 40},
    {.id = 102, .volume_id = 3, .path = STR_VIEW("data/1/000/000000000102.seg"), .offset = 8, .length = 31, .row_count = 5},
};
static const SegmentRef overlaid = {.id = 103, .path = STR_VIEW("data/1/000/000000000100.seg"), .offset = 6, .length = 70, .row_count = 5,
                                    .raw_bytes = 90, .overlays = overlays, .overlay_count = 2};

static Status build_table(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    (void)context, (void)catalog, (void)diag;
    TableColumn columns[1] = {{.unique_id = 1, .name = STR_VIEW("k"), .type = type_of(TYPE_INT), .is_key = true}};
    TableSchema schema = {.columns = columns, .column_count = 1, .next_unique_id = 2, .key_count = 1, .buckets = 1, .comment = STR_VIEW(""),
                          .view_sql = STR_VIEW(""), .view_database = STR_VIEW("")};
    SegmentRef first = {.id = 100, .path = overlaid.path, .length = 70, .row_count = 5};
    TabletVersion tablet = {.id = TABLET, .segments = &first, .segment_count = 1};
    CatalogPartition partition = {.id = PARTITION, .name = STR_VIEW("t"), .tablets = &tablet, .tablet_count = 1, .visible_version = 1};
    change_put_database(change, DATABASE, STR_VIEW("d"), STR_VIEW(""));
    change_put_table(change, TABLE, DATABASE, STR_VIEW("t"), &schema);
    change_put_partition(change, TABLE, &schema, &partition);
    return OK;
}

static Status build_update(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    static const uint64_t old = 100;
    (void)context, (void)catalog, (void)diag;
    NewSegments fresh = {PARTITION, TABLET, &overlaid, 1};
    change_replace_segments(change, TABLE, &fresh, &old, 1);
    return OK;
}

static Status build_another(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const uint64_t *id = context;
    (void)catalog, (void)diag;
    SegmentRef segment = {.id = *id, .path = STR_VIEW("data/1/000/000000000200.seg"), .length = 9, .row_count = 1};
    NewSegments fresh = {PARTITION, TABLET, &segment, 1};
    change_publish(change, TABLE, &fresh, 1);
    return OK;
}

static void commit(MetaStore *store, MetaBuild build, uint64_t number)
{
    Diag diag = {0};
    if (meta_commit(store, build, &number, &diag) != OK)
        fail_msg("commit: %s", diag.message);
}

static void check_same(const SegmentRef *a, const SegmentRef *b)
{
    assert_int_equal(a->id, b->id);
    assert_int_equal(a->volume_id, b->volume_id);
    assert_true(strview_equal(a->path, b->path));
    assert_int_equal(a->offset, b->offset);
    assert_int_equal(a->length, b->length);
    assert_int_equal(a->row_count, b->row_count);
    assert_int_equal(a->raw_bytes, b->raw_bytes);
    assert_int_equal(a->overlay_count, b->overlay_count);
    for (uint32_t i = 0; i < a->overlay_count; i++)
        check_same(&a->overlays[i], &b->overlays[i]);
}

static void count_ids(void *context, const SegmentRef *segment)
{
    uint64_t *sum = context;
    *sum += segment->id;
}

static void check_store(MetaStore *store, uint64_t others)
{
    uint64_t sum = 0;
    CatalogSnapshot *catalog = meta_snapshot(store);
    const CatalogPartition *partition = catalog_partition_by_id(catalog_table_by_id(catalog, TABLE), PARTITION);
    check_same(&partition->tablets[0].segments[0], &overlaid);
    assert_int_equal(partition_byte_count(partition), 70 + 30 + 31 + (others > 0 ? 9 * (others - 199) : 0));
    catalog_each_segment(catalog, count_ids, &sum);
    for (uint64_t id = 200; id <= others; id++)
        sum -= id;
    assert_int_equal(sum, 101 + 102 + 103);
    catalog_unref(catalog);
}

static void they_come_back(void **state)
{
    (void)state;
    Volume *volume = volume_open_memory(&environment);
    MetaStore *store = open_store(volume);
    format_level_set_written(format_level_supported());
    commit(store, build_table, 0);
    commit(store, build_update, 0);
    check_store(store, 0);
    for (uint64_t id = 200; id < 210; id++) {
        CatalogSnapshot *held = meta_snapshot(store); /* the partition is copied */
        commit(store, build_another, id);
        catalog_unref(held);
    }
    check_store(store, 209);
    meta_store_close(store);
    store = open_store(volume); /* from the journal */
    check_store(store, 209);
    meta_store_close(store);
    format_level_set_written(1);
    volume_close(volume);
}

static void damaged_references_are_refused(void **state)
{
    (void)state;
    AUTO_BYTEBUF bytes = {0};
    AUTO_BYTEBUF deep = {0};
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    encode_segment(&bytes, &overlaid, NULL);
    for (size_t length = 0; length <= bytes.length; length++) {
        SegmentRef out = {0};
        ByteReader reader = byte_reader(bytes.data, length);
        decode_segment(&reader, &arena, NULL, &out);
        assert_int_equal(reader.failed, length < bytes.length);
        if (length == bytes.length)
            check_same(&out, &overlaid);
    }
    SegmentRef twice = overlaid, out = {0};
    twice.overlays = &overlaid;
    twice.overlay_count = 1;
    encode_segment(&deep, &twice, NULL);
    ByteReader reader = byte_reader(deep.data, deep.length);
    decode_segment(&reader, &arena, NULL, &out);
    assert_true(reader.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_come_back),
        cmocka_unit_test(damaged_references_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
