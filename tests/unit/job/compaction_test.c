/* Compaction and vacuum over a memory volume: rows stay, order and versions are as promised, and only what
 * nobody can need is deleted. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "format/segment.h"
#include "job/compaction.h"
#include "job/vacuum.h"
#include "load/table_loader.h"
#include "types/number_text.h"

enum { DATABASE = 20000, TABLE = 20001, PARTITION = 20002, TABLET = 20003 };

typedef struct Fixture {
    Volume *volume;
    MetaStore *store;
    Compactor *compactor;
    Vacuum *vacuum;
} Fixture;

/* The real clock, some time later. */
static int64_t later_us;

static int64_t later_wall_us(void *context)
{
    (void)context;
    return env_wall_us(environment_real()) + later_us;
}

static Status build_table(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    KeysKind *keys = context;
    (void)catalog;
    (void)diag;
    TableColumn columns[] = {
        {.unique_id = 1, .name = STR_VIEW("k"), .type = type_of(TYPE_INT), .is_nullable = true, .is_key = true},
        {.unique_id = 2, .name = STR_VIEW("s"), .type = type_of(TYPE_VARCHAR), .is_nullable = true},
    };
    uint32_t sort[] = {0};
    TableSchema schema = {.keys_kind = (uint8_t)*keys, .columns = columns, .column_count = 2, .next_unique_id = 3, .key_count = 1,
                          .sort_columns = sort, .sort_count = 1, .buckets = 1, .is_random = true};
    TabletVersion tablet = {.id = TABLET};
    CatalogPartition partition = {.id = PARTITION, .name = STR_VIEW("t"), .tablets = &tablet, .tablet_count = 1};
    change_put_database(change, DATABASE, STR_VIEW("db"), STR_VIEW(""));
    change_put_table(change, TABLE, DATABASE, STR_VIEW("t"), &schema);
    change_put_partition(change, TABLE, &schema, &partition);
    change_reserve_ids(change, 30000);
    return OK;
}

static void open_all(Fixture *f, KeysKind keys, int64_t grace_minutes)
{
    static Environment environment;
    Diag diag = {0};
    later_us = 0;
    environment = *environment_real();
    environment.wall_us = later_wall_us;
    f->volume = volume_open_memory(&environment);
    assert_int_equal(meta_store_open(f->volume, &diag, &f->store), OK);
    assert_int_equal(meta_commit(f->store, build_table, &keys, &diag), OK);
    f->compactor = compactor_open(f->store, f->volume, NULL, NULL);
    VacuumOptions options = {.store = f->store, .volume = f->volume, .grace_minutes = grace_minutes};
    f->vacuum = vacuum_open(&options);
}

static void close_all(Fixture *f)
{
    vacuum_close(f->vacuum);
    compactor_close(f->compactor);
    meta_store_close(f->store);
    volume_close(f->volume);
}

/* Rows first .. first + count - 1, from the last to the first; every tenth key is NULL. commit false: aborted. */
static void load(Fixture *f, uint32_t first, uint32_t count, bool commit)
{
    Diag diag = {0};
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    CatalogSnapshot *catalog = meta_snapshot(f->store);
    TableLoaderOptions options = {.store = f->store, .volume = f->volume, .catalog = catalog,
                                  .table = catalog_table_by_id(catalog, TABLE)};
    TableLoader *loader;
    LoaderLane *lane;
    Vector k, s;
    uint64_t txn_id;
    vector_init(&k, &arena, type_of(TYPE_INT), CHUNK_ROWS);
    vector_init(&s, &arena, type_of(TYPE_VARCHAR), CHUNK_ROWS);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = first + count - 1 - i;
        Datum key = datum_i64(number);
        Datum text = {.str = {0}};
        const char *name = arena_printf(&arena, "the name of number %u", number);
        text.str = str_make(name, strlen(name));
        key.is_null = number % 10 == 9;
        vector_put(&k, &arena, i, &key);
        vector_put(&s, &arena, i, &text);
    }
    const Vector *columns[] = {&k, &s};
    assert_int_equal(table_loader_open(&options, &diag, &loader), OK);
    assert_int_equal(table_loader_lane(loader, &diag, &lane), OK);
    assert_int_equal(loader_lane_append(lane, columns, count, &diag), OK);
    assert_int_equal(loader_lane_finish(lane, &diag), OK);
    if (commit)
        assert_int_equal(table_loader_commit(loader, STR_VIEW(""), STR_VIEW(""), false, &diag, &txn_id), OK);
    table_loader_close(loader);
    catalog_unref(catalog);
}

static const CatalogPartition *partition_of(const CatalogSnapshot *catalog)
{
    return catalog_partition_by_id(catalog_table_by_id(catalog, TABLE), PARTITION);
}

/* Reads all segments: rows and the sum of all numbers in the texts; NULL keys come first in each segment and keys ascend. */
static void check_rows(Fixture *f, const CatalogSnapshot *catalog, uint32_t rows, uint64_t sum)
{
    const TabletVersion *tablet = &partition_of(catalog)->tablets[0];
    uint32_t seen = 0;
    uint64_t total = 0;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    for (uint32_t i = 0; i < tablet->segment_count; i++) {
        Segment *segment;
        Diag diag = {0};
        int64_t last = -1;
        assert_int_equal(segment_open(f->volume, &tablet->segments[i], &diag, &segment), OK);
        for (uint32_t page = 0; page < segment_page_count(segment); page++) {
            Vector k, s;
            assert_int_equal(segment_read(segment, page, 0, type_of(TYPE_INT), &arena, &diag, &k), OK);
            assert_int_equal(segment_read(segment, page, 1, type_of(TYPE_VARCHAR), &arena, &diag, &s), OK);
            for (uint32_t row = 0; row < segment_page_rows(segment, page); row++, seen++) {
                Datum key = vector_get(&k, row, &arena);
                Datum text = vector_get(&s, row, &arena);
                size_t skip = strlen("the name of number ");
                int64_t number;
                assert_true(int64_parse(strview_n(str_data(&text.str) + skip, text.str.length - skip), &number));
                total += (uint64_t)number;
                assert_int_equal(key.is_null, number % 10 == 9);
                assert_true(!key.is_null || last == -1);
                assert_true(key.is_null || key.i64 >= last);
                if (!key.is_null) {
                    assert_int_equal(key.i64, number);
                    last = key.i64;
                }
            }
        }
        segment_close(segment);
    }
    assert_int_equal(seen, rows);
    assert_int_equal(total, sum);
}

static void merges_keep_rows_order_and_data_version(void **state)
{
    (void)state;
    Fixture f;
    Diag diag = {0};
    _Atomic bool stopping = false;
    open_all(&f, KEYS_DUPLICATE, 0);
    for (uint32_t i = 0; i < 40; i++)
        load(&f, i * 100, i % 3 == 0 ? 100 : 1, true);
    CatalogSnapshot *before = meta_snapshot(f.store);
    assert_int_equal(partition_of(before)->tablets[0].segment_count, 40);
    compactor_run(f.compactor, &stopping);
    CatalogSnapshot *after = meta_snapshot(f.store);
    assert_true(partition_of(after)->tablets[0].segment_count <= 2);
    assert_int_equal(partition_of(after)->data_version, partition_of(before)->data_version);
    assert_true(partition_of(after)->visible_version > partition_of(before)->visible_version);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < 40; i++) {
        for (uint32_t r = 0; r < (i % 3 == 0 ? 100u : 1u); r++)
            sum += i * 100 + r;
    }
    uint32_t rows = 14 * 100 + 26;
    check_rows(&f, before, rows, sum);
    check_rows(&f, after, rows, sum);
    catalog_unref(before);
    catalog_unref(after);
    load(&f, 7, 1, true);
    assert_int_equal(compactor_compact_table(f.compactor, TABLE, NULL, 0, NULL, &diag), OK);
    after = meta_snapshot(f.store);
    assert_int_equal(partition_of(after)->tablets[0].segment_count, 1);
    check_rows(&f, after, rows + 1, sum + 7);
    catalog_unref(after);
    /* Replay gives the same state. */
    meta_store_close(f.store);
    assert_int_equal(meta_store_open(f.volume, &diag, &f.store), OK);
    after = meta_snapshot(f.store);
    assert_int_equal(partition_of(after)->tablets[0].segment_count, 1);
    check_rows(&f, after, rows + 1, sum + 7);
    catalog_unref(after);
    CompactorStats stats;
    compactor_stats(f.compactor, &stats);
    assert_int_equal(stats.failures, 0);
    assert_true(stats.merges >= 2);
    close_all(&f);
}

/* Neighbours alone are merged, and the result stands where they stood, also when a load came meanwhile. */
static void aggregate_tables_keep_their_order(void **state)
{
    (void)state;
    Fixture f;
    Diag diag = {0};
    open_all(&f, KEYS_AGGREGATE, 0);
    for (uint32_t i = 0; i < 3; i++)
        load(&f, i, 1, true);
    assert_int_equal(compactor_compact_table(f.compactor, TABLE, NULL, 0, NULL, &diag), OK);
    CatalogSnapshot *catalog = meta_snapshot(f.store);
    const TabletVersion *tablet = &partition_of(catalog)->tablets[0];
    assert_int_equal(tablet->segment_count, 1);
    assert_int_equal(tablet->segments[0].row_count, 3);
    check_rows(&f, catalog, 3, 3);
    catalog_unref(catalog);
    load(&f, 50, 2, true);
    load(&f, 60, 1, true);
    catalog = meta_snapshot(f.store);
    tablet = &partition_of(catalog)->tablets[0];
    SegmentRef merged = {.id = 29999, .path = STR_VIEW("data/1/merged"), .length = 1, .row_count = 5};
    NewSegments fresh = {PARTITION, TABLET, &merged, 1};
    uint64_t old_ids[] = {tablet->segments[0].id, tablet->segments[1].id};
    uint64_t last_id = tablet->segments[2].id;
    AUTO_CHANGE change = {0};
    CatalogSnapshot *next;
    change_compact_segments(&change, TABLE, &fresh, old_ids, 2);
    assert_int_equal(change_apply(catalog, bytebuf_view(&change.bytes), 1000, 1, NULL, &diag, &next), OK);
    tablet = &partition_of(next)->tablets[0];
    assert_int_equal(tablet->segment_count, 2);
    assert_int_equal(tablet->segments[0].id, 29999);
    assert_int_equal(tablet->segments[1].id, last_id);
    catalog_unref(next);
    catalog_unref(catalog);
    close_all(&f);
}

static void damage_is_reported_and_changes_nothing(void **state)
{
    (void)state;
    Fixture f;
    Diag diag = {0};
    open_all(&f, KEYS_DUPLICATE, 0);
    load(&f, 0, 5, true);
    load(&f, 5, 5, true);
    CatalogSnapshot *catalog = meta_snapshot(f.store);
    StrView path = partition_of(catalog)->tablets[0].segments[1].path;
    char copy[128] = {0};
    memcpy(copy, path.data, path.length);
    assert_int_equal(volume_remove(f.volume, copy, &diag), OK);
    assert_int_equal(compactor_compact_table(f.compactor, TABLE, NULL, 0, NULL, &diag), ERR_NO_SUCH_OBJECT);
    assert_non_null(strstr(diag.message, copy));
    CatalogSnapshot *after = meta_snapshot(f.store);
    assert_int_equal(partition_of(after)->tablets[0].segment_count, 2);
    catalog_unref(after);
    catalog_unref(catalog);
    close_all(&f);
}

static VacuumReport vacuum(Fixture *f)
{
    VacuumReport report;
    Diag diag = {0};
    assert_int_equal(vacuum_run(f->vacuum, &diag, &report), OK);
    assert_int_equal(report.failed, 0);
    return report;
}

static void vacuum_keeps_what_is_held(void **state)
{
    (void)state;
    Fixture f;
    Diag diag = {0};
    open_all(&f, KEYS_DUPLICATE, 0);
    for (uint32_t i = 0; i < 5; i++)
        load(&f, i, 1, true);
    CatalogSnapshot *reader = meta_snapshot(f.store);
    assert_int_equal(compactor_compact_table(f.compactor, TABLE, NULL, 0, NULL, &diag), OK);
    VacuumReport report = vacuum(&f);
    assert_int_equal(report.live, 6); /* five for the reader, one merged */
    assert_int_equal(report.deleted, 0);
    check_rows(&f, reader, 5, 10);
    catalog_unref(reader);
    report = vacuum(&f);
    assert_int_equal(report.live, 1);
    assert_int_equal(report.deleted, 5);
    CatalogSnapshot *now = meta_snapshot(f.store);
    check_rows(&f, now, 5, 10);
    catalog_unref(now);
    close_all(&f);
}

static void vacuum_respects_leases_grace_and_strangers(void **state)
{
    (void)state;
    Fixture f;
    Diag diag = {0};
    open_all(&f, KEYS_DUPLICATE, 0);
    uint64_t lease = meta_lease_open(f.store);
    load(&f, 0, 3, false);
    assert_int_equal(volume_put(f.volume, "data/1/000/notes.txt", STR_VIEW("x"), &diag), OK);
    VacuumReport report = vacuum(&f);
    assert_int_equal(report.leased, 1);
    assert_int_equal(report.foreign, 1);
    assert_int_equal(report.deleted, 0);
    meta_lease_close(f.store, lease);
    VacuumOptions options = {.store = f.store, .volume = f.volume, .grace_minutes = 30};
    Vacuum *patient = vacuum_open(&options);
    assert_int_equal(vacuum_run(patient, &diag, &report), OK);
    assert_int_equal(report.waiting, 1);
    assert_int_equal(report.deleted, 0);
    vacuum_close(patient);
    report = vacuum(&f);
    assert_int_equal(report.deleted, 1);
    assert_int_equal(report.foreign, 1);
    close_all(&f);
}

static uint32_t segments_of(Fixture *f)
{
    CatalogSnapshot *catalog = meta_snapshot(f->store);
    uint32_t count = partition_of(catalog)->tablets[0].segment_count;
    catalog_unref(catalog);
    return count;
}

/* Few segments wait until nobody loads; that there was nothing to do is not taken for longer than it holds. */
static void few_segments_are_merged_when_it_is_quiet(void **state)
{
    (void)state;
    _Atomic bool stopping = false;
    Fixture f;
    open_all(&f, KEYS_DUPLICATE, 0);
    for (uint32_t round = 0; round < 3; round++) {
        load(&f, round * 100, 100, true);
        load(&f, round * 100 + 50, 50, true);
        compactor_run(f.compactor, &stopping);
        assert_int_equal(segments_of(&f), round == 0 ? 2 : 3);
        later_us += 3000000;
        compactor_run(f.compactor, &stopping);
        assert_int_equal(segments_of(&f), 1);
        compactor_run(f.compactor, &stopping);
    }
    close_all(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_segments_are_merged_when_it_is_quiet),
        cmocka_unit_test(merges_keep_rows_order_and_data_version),
        cmocka_unit_test(aggregate_tables_keep_their_order),
        cmocka_unit_test(damage_is_reported_and_changes_nothing),
        cmocka_unit_test(vacuum_keeps_what_is_held),
        cmocka_unit_test(vacuum_respects_leases_grace_and_strangers),
    };
    return cmocka_run_group_tests_name("job.compaction", tests, NULL, NULL);
}
