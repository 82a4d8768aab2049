/* Images: what a catalog holds is the same through an image and through the journal; damage anywhere is found and named;
 * a start takes the newest sound one; what an older binary does not know is kept or refused. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/log.h"
#include "meta/checkpoint.h"
#include "meta/image.h"
#include "unit/meta/store_fixture.h"

/* ---- a catalog that has something of everything ---- */

static Status build_table(Change *change, uint64_t id, uint64_t database, const char *name, uint32_t partitions)
{
    TableColumn columns[3] = {
        {.unique_id = 1, .name = STR_VIEW("day"), .type = type_of(TYPE_DATE), .is_key = true},
        {.unique_id = 2, .name = STR_VIEW("s \"x\"\n\\"), .type = type_varchar(20), .is_nullable = true, .default_kind = DEFAULT_LITERAL,
         .default_text = STR_VIEW("it's"), .comment = STR_VIEW("c\x01\xc3\xa4")},
        {.unique_id = 5, .name = STR_VIEW("v"), .type = type_decimal(20, 4), .aggregate = STR_VIEW("SUM")}};
    Property properties[] = {{STR_VIEW("replication_num"), STR_VIEW("1")}};
    Type types[] = {type_of(TYPE_DATE)};
    StrView exprs[] = {STR_VIEW("day")};
    uint32_t buckets[] = {1};
    TableSchema schema = {.keys_kind = KEYS_AGGREGATE, .columns = columns, .column_count = 3, .next_unique_id = 6, .key_count = 1,
                          .scheme = PARTITION_RANGE, .partition_types = types, .partition_exprs = exprs, .partition_column_count = 1,
                          .bucket_columns = buckets, .bucket_column_count = 1, .buckets = 2, .comment = STR_VIEW("table"),
                          .properties = properties, .property_count = 1, .view_sql = STR_VIEW(""), .view_database = STR_VIEW("")};
    change_put_table(change, id, database, strview(name), &schema);
    for (uint32_t p = 0; p < partitions; p++) {
        char text[16];
        Datum low = {.i64 = 19000 + p}, high = {.i64 = 19001 + p};
        TabletVersion tablets[2] = {{.id = id * 1000 + p * 10 + 1, .bucket = 0}, {.id = id * 1000 + p * 10 + 2, .bucket = 1}};
        snprintf(text, sizeof(text), "p%u", p);
        CatalogPartition partition = {.id = id * 1000 + p * 10, .name = strview(text), .has_low = p > 0, .has_high = true, .low = &low,
                                      .high = &high, .tablets = tablets, .tablet_count = 2, .visible_version = 1};
        change_put_partition(change, id, &schema, &partition);
        SegmentRef segment = {.id = 7000 + p, .path = STR_VIEW("data/1/055/000000000055.seg"), .length = 1000, .row_count = 10, .raw_bytes = 99};
        if (p == 2) {
            segment.path = STR_VIEW("");
            segment.bytes = strview_n("in \0 the catalog", 16);
            segment.length = 16;
        }
        NewSegments fresh = {partition.id, tablets[1].id, &segment, 1};
        change_publish(change, id, &fresh, 1);
        NewDeletes deletes = {segment.id, {.id = 9000 + p, .count = 2, .bytes = STR_VIEW("\x00\x01 bitmap")}};
        if (p == 1)
            change_put_deletes(change, id, partition.id, tablets[1].id, &deletes, 1);
    }
    return OK;
}

static Status build_all(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    (void)context, (void)catalog, (void)diag;
    PreparedFlush flush = {.partition_id = 20000, .tablet_id = 20001, .has_segment = true, .deleted = STR_VIEW("0123456789abcdef"),
                           .segment = {.id = 77, .path = STR_VIEW("data/1/077/000000000077.seg"), .length = 5, .row_count = 1}};
    PreparedTable table = {20, &flush, 1};
    PreparedTransaction prepared = {.database_id = 11, .id = 600, .label = STR_VIEW("prep"), .time_us = 5, .timeout_us = 6, .tables = &table,
                                    .table_count = 1};
    change_put_database(change, 11, STR_VIEW("db"), STR_VIEW("a comment"));
    change_put_database(change, 12, STR_VIEW("empty \xe2\x82\xac"), STR_VIEW(""));
    TRY(build_table(change, 20, 11, "zebra", 3));
    TRY(build_table(change, 21, 11, "ant", 0));
    change_put_setting(change, STR_VIEW("variable.x"), STR_VIEW("tab\there"));
    change_put_label(change, 11, STR_VIEW("label"), 7, STR_VIEW("answer\x00\xff"), 1699999999000000);
    change_put_label(change, 11, STR_VIEW("ancient"), 6, STR_VIEW("answer"), 5);
    change_put_prepared(change, &prepared);
    change_put_record(change, "user", STR_VIEW("'root'@'%'"), STR_VIEW("{\"name\":\"root\"}"));
    change_put_record(change, "user", STR_VIEW("'b'@'%'"), STR_VIEW("{}"));
    change_put_record(change, "task", STR_VIEW("mv-1"), STR_VIEW("line\nbreak"));
    change_reserve_ids(change, 123456);
    return OK;
}

static void commit(MetaStore *store, MetaBuild build, const char *argument)
{
    Diag diag = {0};
    if (meta_commit(store, build, (void *)(uintptr_t)argument, &diag) != OK)
        fail_msg("commit: %s", diag.message);
}

static ImageReport make_image(MetaStore *store)
{
    ImageReport report;
    Diag diag = {0};
    if (meta_create_image(store, &diag, &report) != OK)
        fail_msg("image: %s", diag.message);
    return report;
}

/* What a store holds, as an image without the place in the journal. */
static void dump(MetaStore *store, ByteBuf *out)
{
    ImageContent content CLEANUP(image_content_deinit);
    image_content_init(&content);
    content.catalog = meta_snapshot(store);
    content.label_count = meta_label_list(store, &content.arena, &content.labels);
    image_write(&content, out);
}

static Volume *volume_with_all(void)
{
    Volume *volume = volume_open_memory(&environment);
    MetaStore *store = open_store(volume);
    commit(store, build_all, NULL);
    meta_store_close(store);
    return volume;
}

static void image_and_journal_lead_to_the_same(void **state)
{
    (void)state;
    Volume *volume = volume_with_all();
    MetaStore *store = open_store(volume);
    AUTO_BYTEBUF before = {0};
    AUTO_BYTEBUF after = {0};
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    commit(store, build_setting, "before the image");
    ImageReport report = make_image(store);
    commit(store, build_setting, "after the image");
    dump(store, &before);
    uint64_t entries = meta_journal_entries(store);
    meta_store_close(store);
    Diag diag = {0};
    char path[64];
    for (int i = 1; i <= 3; i++) { /* the journal is not needed up to the image */
        snprintf(path, sizeof(path), "meta/1/journal/000000/%012d", i);
        assert_int_equal(volume_remove(volume, path, &diag), OK);
    }
    store = open_store(volume);
    assert_int_equal(meta_image_entry(store), report.entry_id);
    assert_int_equal(meta_journal_entries(store), entries + 1); /* the epoch of this start */
    dump(store, &after);
    LabelRecord record;
    assert_true(meta_label_find(store, 11, STR_VIEW("label"), &arena, &record) && record.is_durable && record.txn_id == 7);
    assert_true(strview_equal(record.answer, STR_VIEW("answer\x00\xff")));
    /* an image forgets nothing: that labels are too old is journaled */
    assert_true(meta_label_find(store, 11, STR_VIEW("ancient"), &arena, &record) && record.txn_id == 6);
    assert_true(strview_find(bytebuf_view(&after), STR_VIEW("{\"database\":11,\"label\":\"label\"")) != SIZE_MAX);
    /* all blocks before the labels are the same, byte by byte */
    size_t begin = strview_find(bytebuf_view(&before), STR_VIEW("\n")), begin_after = strview_find(bytebuf_view(&after), STR_VIEW("\n"));
    size_t end = strview_find(bytebuf_view(&before), STR_VIEW("{\"database\":11,\"label\":\"label\""));
    assert_memory_equal(before.data + begin, after.data + begin_after, end - begin);
    assert_true(strview_find(bytebuf_view(&after), STR_VIEW("{\"key\":\"mv-1\",\"value\":\"line\\nbreak\"}")) != SIZE_MAX);
    meta_store_close(store);
    volume_close(volume);
}

static void an_image_read_and_written_is_itself(void **state)
{
    (void)state;
    Volume *volume = volume_with_all();
    MetaStore *store = open_store(volume);
    AUTO_BYTEBUF first = {0};
    AUTO_BYTEBUF second = {0};
    Diag diag = {0};
    ImageContent content CLEANUP(image_content_deinit);
    image_content_init(&content);
    ImageReport report = make_image(store);
    assert_int_equal(volume_get(volume, report.object, &first, &diag), OK);
    assert_int_equal(image_checksum(bytebuf_view(&first)), report.checksum);
    if (image_read(bytebuf_view(&first), report.object, &diag, &content) != OK)
        fail_msg("%s", diag.message);
    image_write(&content, &second);
    assert_int_equal(first.length, second.length);
    assert_memory_equal(first.data, second.data, first.length);
    assert_int_equal(content.catalog->next_id, 123456);
    /* the same state again is the same image */
    ImageReport again = make_image(store);
    assert_string_equal(again.object, report.object);
    assert_int_equal(again.checksum, report.checksum);
    meta_store_close(store);
    volume_close(volume);
}

static Status build_many(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    (void)context, (void)catalog, (void)diag;
    change_put_database(change, 11, STR_VIEW("db"), STR_VIEW(""));
    for (uint64_t t = 0; t < 30; t++) {
        char name[16];
        snprintf(name, sizeof(name), "t%02d", (int)t);
        TRY(build_table(change, 100 + t, 11, name, t % 3 == 0 ? 0 : 90 * (uint32_t)t));
    }
    return OK;
}

/* More partitions than threads write at once. */
static void a_large_image_is_itself_too(void **state)
{
    (void)state;
    Volume *volume = volume_open_memory(&environment);
    MetaStore *store = open_store(volume);
    AUTO_BYTEBUF before = {0};
    AUTO_BYTEBUF after = {0};
    commit(store, build_many, NULL);
    dump(store, &before);
    make_image(store);
    meta_store_close(store);
    store = open_store(volume);
    dump(store, &after);
    size_t begin = strview_find(bytebuf_view(&before), STR_VIEW("\n")), begin_after = strview_find(bytebuf_view(&after), STR_VIEW("\n"));
    size_t end = strview_find(bytebuf_view(&before), STR_VIEW("{\"blocks\":"));
    assert_true(end > 20000 * 100); /* a record a partition */
    assert_memory_equal(before.data + begin, after.data + begin_after, end - begin);
    meta_store_close(store);
    volume_close(volume);
}

static Status read_bytes(StrView bytes, Diag *diag)
{
    ImageContent content CLEANUP(image_content_deinit);
    image_content_init(&content);
    return image_read(bytes, "image.1", diag, &content);
}

static void every_flip_and_every_cut_is_found(void **state)
{
    (void)state;
    Volume *volume = volume_with_all();
    MetaStore *store = open_store(volume);
    AUTO_BYTEBUF image = {0};
    Diag diag = {0};
    ImageReport report = make_image(store);
    assert_int_equal(volume_get(volume, report.object, &image, &diag), OK);
    for (size_t i = 0; i < image.length; i++) {
        for (int bit = 0; bit < 8; bit += 3) {
            Diag found = {0};
            image.data[i] = (char)(image.data[i] ^ 1 << bit);
            assert_int_equal(read_bytes(bytebuf_view(&image), &found), ERR_CORRUPT);
            assert_non_null(strstr(found.message, "image.1"));
            image.data[i] = (char)(image.data[i] ^ 1 << bit);
        }
        Diag cut = {0};
        assert_int_equal(read_bytes(strview_n(image.data, i), &cut), ERR_CORRUPT);
    }
    assert_int_equal(read_bytes(bytebuf_view(&image), &diag), OK);
    meta_store_close(store);
    volume_close(volume);
}

static void flip_object(Volume *volume, const char *path)
{
    AUTO_BYTEBUF bytes = {0};
    Diag diag = {0};
    assert_int_equal(volume_get(volume, path, &bytes, &diag), OK);
    bytes.data[bytes.length / 2] ^= 0x40;
    assert_int_equal(volume_remove(volume, path, &diag), OK);
    assert_int_equal(volume_put(volume, path, bytebuf_view(&bytes), &diag), OK);
}

static void a_damaged_image_gives_way_to_the_one_before(void **state)
{
    (void)state;
    Volume *volume = volume_with_all();
    MetaStore *store = open_store(volume);
    ImageReport old = make_image(store);
    commit(store, build_setting, "one");
    ImageReport new = make_image(store);
    commit(store, build_setting, "two");
    meta_store_close(store);
    flip_object(volume, new.object);
    store = open_store(volume);
    assert_int_equal(meta_image_entry(store), old.entry_id);
    CatalogSnapshot *catalog = meta_snapshot(store);
    assert_non_null(catalog_setting(catalog, "two").data);
    catalog_unref(catalog);
    meta_store_close(store);
    /* the journal does not reach from the old one any more: refused, with both names */
    Diag diag = {0};
    assert_int_equal(volume_remove(volume, "meta/1/journal/000000/000000000004", &diag), OK);
    assert_int_equal(meta_store_open(volume, &diag, &store), ERR_CORRUPT);
    assert_non_null(strstr(diag.message, new.object));
    assert_non_null(strstr(diag.message, "000000000004"));
    volume_close(volume);
}

static void a_journal_that_ends_before_the_image_is_refused(void **state)
{
    (void)state;
    Volume *volume = volume_with_all();
    MetaStore *store = open_store(volume);
    commit(store, build_setting, "one");
    ImageReport image = make_image(store);
    meta_store_close(store);
    flip_object(volume, image.object);
    Diag diag = {0};
    assert_int_equal(volume_remove(volume, "meta/1/journal/000000/000000000004", &diag), OK);
    assert_int_equal(meta_store_open(volume, &diag, &store), ERR_CORRUPT);
    assert_non_null(strstr(diag.message, image.object));
    volume_close(volume);
}

/* The image with a block more, as a later version would write it. */
static void with_block(StrView image, bool is_optional, ByteBuf *out)
{
    size_t last = image.length - 43; /* "MRKIMAGE <16> <16>\n" */
    char offset[17] = "";
    memcpy(offset, image.data + last + 9, 16);
    size_t footer = strtoull(offset, NULL, 16);
    size_t head = strview_find(image, STR_VIEW("\n")) + 1;
    const char *lines = "{\"new\":1}\n{\"new\":2}\n";
    bytebuf_append(out, image.data, footer);
    bytebuf_append_text(out, lines);
    size_t new_footer = out->length;
    bytebuf_append(out, image.data + footer, last - footer - 3);
    bytebuf_printf(out,
                   ",{\"name\":\"novelties\",\"version\":3,\"reader\":2,\"optional\":%s,\"offset\":%zu,\"length\":%zu,\"records\":2,"
                   "\"checksum\":\"%016llx\"}]}\n",
                   is_optional ? "true" : "false", footer, strlen(lines), (unsigned long long)checksum_bytes(lines, strlen(lines)));
    uint64_t both[2] = {checksum_bytes(out->data, head), checksum_bytes(out->data + new_footer, out->length - new_footer)};
    bytebuf_printf(out, "MRKIMAGE %016zx %016llx\n", new_footer, (unsigned long long)checksum_bytes(both, sizeof(both)));
}

static void unknown_blocks_are_kept_or_refused(void **state)
{
    (void)state;
    Volume *volume = volume_with_all();
    MetaStore *store = open_store(volume);
    AUTO_BYTEBUF image = {0};
    AUTO_BYTEBUF newer = {0};
    AUTO_BYTEBUF next = {0};
    Diag diag = {0};
    ImageReport report = make_image(store);
    meta_store_close(store);
    assert_int_equal(volume_get(volume, report.object, &image, &diag), OK);
    with_block(bytebuf_view(&image), true, &newer);
    assert_int_equal(volume_remove(volume, report.object, &diag), OK);
    assert_int_equal(volume_put(volume, report.object, bytebuf_view(&newer), &diag), OK);
    store = open_store(volume);
    commit(store, build_setting, "one");
    ImageReport later = make_image(store);
    meta_store_close(store);
    assert_int_equal(volume_get(volume, later.object, &next, &diag), OK);
    assert_true(strview_find(bytebuf_view(&next), STR_VIEW("{\"new\":1}\n{\"new\":2}\n")) != SIZE_MAX);
    assert_true(strview_find(bytebuf_view(&next), STR_VIEW("\"name\":\"novelties\",\"version\":3,\"reader\":2,\"optional\":true")) != SIZE_MAX);
    bytebuf_clear(&newer);
    with_block(bytebuf_view(&next), false, &newer);
    assert_int_equal(volume_remove(volume, later.object, &diag), OK);
    assert_int_equal(volume_put(volume, later.object, bytebuf_view(&newer), &diag), OK);
    assert_int_equal(meta_store_open(volume, &diag, &store), ERR_FORMAT_TOO_NEW);
    assert_non_null(strstr(diag.message, "novelties"));
    volume_close(volume);
}

static void checkpoints_come_when_they_are_due(void **state)
{
    (void)state;
    Volume *volume = volume_with_all();
    MetaStore *store = open_store(volume);
    _Atomic bool stopping = false;
    meta_set_checkpoint_limits(store, &(CheckpointLimits){3, 1 << 20, 1000000});
    make_image(store);
    uint64_t entry = meta_image_entry(store);
    for (int i = 0; i < 2; i++) {
        commit(store, build_setting, "x");
        meta_checkpoint_job(store, &stopping);
        assert_int_equal(meta_image_entry(store), entry);
    }
    commit(store, build_setting, "y");
    meta_checkpoint_job(store, &stopping);
    assert_int_equal(meta_image_entry(store), entry + 3);
    meta_store_close(store);
    volume_close(volume);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(image_and_journal_lead_to_the_same),
        cmocka_unit_test(a_large_image_is_itself_too),
        cmocka_unit_test(an_image_read_and_written_is_itself),
        cmocka_unit_test(every_flip_and_every_cut_is_found),
        cmocka_unit_test(a_damaged_image_gives_way_to_the_one_before),
        cmocka_unit_test(a_journal_that_ends_before_the_image_is_refused),
        cmocka_unit_test(unknown_blocks_are_kept_or_refused),
        cmocka_unit_test(checkpoints_come_when_they_are_due),
    };
    if (log_open("/dev/null", LOG_LEVEL_ERROR, NULL) != OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
