/* Any bytes as the entries of a journal batch that follows in every other respect: a right header, checksum,
 * and place in the chain. The first byte is the count of entries. With the first bit of the second byte set the
 * bytes are the operations of one change instead. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "meta/journal_int.h"
#include "meta/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_OBJECTS = 16 };

static struct {
    char paths[MOST_OBJECTS][JOURNAL_PATH_BYTES];
    ByteBuf bytes[MOST_OBJECTS];
    uint32_t count;
    Journal end; /* where the next batch goes; closed */
} base;

static Status build(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    (void)context, (void)catalog, (void)diag;
    TableColumn columns[2] = {{.unique_id = 1, .name = STR_VIEW("k"), .type = type_of(TYPE_INT)},
                              {.unique_id = 2, .name = STR_VIEW("s"), .type = type_varchar(20)}};
    TableSchema schema = {.columns = columns, .column_count = 2, .next_unique_id = 3, .buckets = 1, .is_random = true};
    TabletVersion tablet = {.id = 44};
    CatalogPartition partition = {.id = 33, .name = STR_VIEW("p"), .tablets = &tablet, .tablet_count = 1};
    SegmentRef segment = {.id = 55, .path = STR_VIEW("data/1/055/000000000055.seg"), .length = 1000, .row_count = 10};
    NewSegments fresh = {33, 44, &segment, 1};
    change_put_database(change, 11, STR_VIEW("db"), STR_VIEW("a comment"));
    change_put_table(change, 22, 11, STR_VIEW("t"), &schema);
    change_put_partition(change, 22, &schema, &partition);
    change_publish(change, 22, &fresh, 1);
    change_put_label(change, 11, STR_VIEW("label"), 7, STR_VIEW("answer"), 123456);
    return OK;
}

static void collect(void *context, const char *path, uint64_t size)
{
    (void)context, (void)size;
    if (base.count == MOST_OBJECTS)
        abort();
    snprintf(base.paths[base.count++], JOURNAL_PATH_BYTES, "%s", path);
}

static Status pass(void *context, const JournalEntry *entry, Diag *diag)
{
    (void)context, (void)entry, (void)diag;
    return OK;
}

static void knows_all(void *context, const JournalEntry *entry, ByteBuf *out_names)
{
    (void)context, (void)entry, (void)out_names;
}

static void make_base(void)
{
    Diag diag = {0};
    MetaStore *store;
    Volume *volume = volume_open_memory(environment_real());
    JournalReader reader = {NULL, pass, knows_all};
    if (meta_store_open(volume, &diag, &store) != OK || meta_commit(store, build, NULL, &diag) != OK)
        abort();
    meta_store_close(store);
    if (volume->ops->list(volume, "meta", collect, NULL, &diag) != OK || journal_open(&base.end, volume, &reader, &diag) != OK)
        abort();
    for (uint32_t i = 0; i < base.count; i++) {
        if (volume_get(volume, base.paths[i], &base.bytes[i], &diag) != OK)
            abort();
    }
    journal_close(&base.end);
    volume_close(volume);
}

static void put_batch(Volume *volume, uint32_t count, StrView entries)
{
    AUTO_BYTEBUF batch = {0};
    char path[JOURNAL_PATH_BYTES];
    Diag diag = {0};
    bytebuf_append(&batch, journal_magic, sizeof(journal_magic));
    bytebuf_put_u32(&batch, JOURNAL_FORMAT);
    bytebuf_put_u32(&batch, count);
    bytebuf_put_u64(&batch, base.end.next_sequence);
    bytebuf_put_u64(&batch, base.end.next_entry_id);
    bytebuf_put_u64(&batch, base.end.incarnation);
    bytebuf_put_u64(&batch, base.end.epoch_writer);
    bytebuf_put_u64(&batch, 1); /* the batch's own id */
    bytebuf_put_u64(&batch, base.end.previous_hash);
    bytebuf_put_u64(&batch, base.end.epoch);
    bytebuf_append_view(&batch, entries);
    bytebuf_put_u64(&batch, checksum_bytes(batch.data, batch.length));
    journal_batch_path(path, base.end.incarnation, base.end.next_sequence);
    if (volume_put(volume, path, bytebuf_view(&batch), &diag) != OK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (base.count == 0)
        make_base();
    if (size < 2)
        return 0;
    AUTO_BYTEBUF entries = {0};
    Diag diag = {0};
    MetaStore *store;
    Volume *volume = volume_open_memory(environment_real());
    for (uint32_t i = 0; i < base.count; i++) {
        if (volume_put(volume, base.paths[i], bytebuf_view(&base.bytes[i]), &diag) != OK)
            abort();
    }
    StrView rest = strview_n((const char *)data + 2, size - 2);
    if ((data[1] & 1) != 0)
        journal_put_entry(&entries, ENTRY_CHANGE, 5, rest);
    else
        bytebuf_append_view(&entries, rest);
    put_batch(volume, (data[1] & 1) != 0 ? 1 : data[0], bytebuf_view(&entries));
    if (meta_store_open(volume, &diag, &store) == OK)
        meta_store_close(store);
    else if (diag.message[0] == '\0')
        abort();
    volume_close(volume);
    return 0;
}
