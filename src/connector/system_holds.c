#include "connector/system_holds.h"

/* sys.storage_holds: what keeps segments from vacuum. The catalog, the recycle bin, prepared transactions, the catalogs that running
 * statements, loads and transactions read (with what only they still name), and the ids that open loads may be writing to. */

#include <stdlib.h>

#include "connector/system_columns.h"
#include "meta/store.h"

const SystemColumn system_holds_columns[SYSTEM_HOLDS_COLUMNS] = {TEXT("KIND"),       TEXT("HOLDER"),  NUMBER("ENTRY_ID"),
                                                                 NUMBER("SEGMENTS"), NUMBER("BYTES"), TEXT("REASON")};

typedef struct Holding {
    uint64_t segments, bytes;
    const uint64_t *known; /* sorted: not counted; NULL: all are */
    uint32_t known_count;
} Holding;

typedef struct Ids {
    uint64_t *items;
    uint32_t count, room;
} Ids;

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void note_id(void *context, const SegmentRef *segment)
{
    Ids *ids = context;
    if (ids->count == ids->room) {
        ids->room = ids->room * 2 + 64;
        ids->items = mem_realloc(ids->items, ids->room * sizeof(uint64_t));
    }
    ids->items[ids->count++] = segment->id;
}

static void count_segment(void *context, const SegmentRef *segment)
{
    Holding *holding = context;
    if (holding->known != NULL && bsearch(&segment->id, holding->known, holding->known_count, sizeof(uint64_t), compare_ids) != NULL)
        return;
    holding->segments++;
    holding->bytes += segment->length;
}

static void count_table(const CatalogTable *table, Holding *holding)
{
    for (uint32_t p = 0; p < table->partition_count; p++) {
        const CatalogPartition *partition = table->partitions[p];
        for (uint32_t t = 0; t < partition->tablet_count; t++) {
            for (uint32_t s = 0; s < partition->tablets[t].segment_count; s++)
                count_segment(holding, &partition->tablets[t].segments[s]);
        }
    }
}

static Status put_hold(SystemRows *rows, const char *kind, StrView holder, uint64_t entry, const Holding *holding, const char *reason)
{
    system_put_word(rows, kind);
    system_put_text(rows, holder);
    system_put_number(rows, (int64_t)entry);
    system_put_number(rows, (int64_t)holding->segments);
    system_put_number(rows, (int64_t)holding->bytes);
    system_put_word(rows, reason);
    return system_end_row(rows);
}

/* Databases that users see as one; of the hidden ones, each table that was dropped. */
static Status put_catalog(const CatalogSnapshot *catalog, SystemRows *rows)
{
    uint32_t visible = catalog_visible_from(catalog);
    Holding live = {0};
    for (uint32_t d = 0; d < catalog->database_count; d++) {
        const CatalogDatabase *database = catalog->databases[d];
        for (uint32_t t = 0; t < catalog_table_count(database); t++) {
            Holding dropped = {0};
            count_table(catalog_table_at(database, t), d < visible ? &dropped : &live);
            bool is_bin = database->name.data[0] == '\x01';
            if (dropped.segments > 0)
                TRY(put_hold(rows, is_bin ? "RECYCLE_BIN" : "TEMPORARY", catalog_table_at(database, t)->name, catalog->entry_id, &dropped,
                             is_bin ? "it was dropped without FORCE and can be recovered" : "a temporary partition or table"));
        }
    }
    return put_hold(rows, "CATALOG", STR_VIEW("published"), catalog->entry_id, &live, "tables that are there");
}

static Status put_prepared(const CatalogSnapshot *catalog, SystemRows *rows)
{
    for (uint32_t i = 0; i < catalog->prepared_count; i++) {
        const PreparedTransaction *prepared = catalog->prepared[i];
        Holding holding = {0};
        for (uint32_t t = 0; t < prepared->table_count; t++) {
            for (uint32_t f = 0; f < prepared->tables[t].count; f++) {
                if (prepared->tables[t].flushes[f].has_segment)
                    count_segment(&holding, &prepared->tables[t].flushes[f].segment);
            }
        }
        TRY(put_hold(rows, "TRANSACTION", prepared->label, catalog->entry_id, &holding, "a prepared transaction waits for its commit"));
    }
    return OK;
}

/* The last of the snapshots is the published one. */
static Status put_readers(CatalogSnapshot *const *snapshots, uint32_t count, SystemRows *rows)
{
    Ids ids = {0};
    Status status = OK;
    catalog_each_segment(snapshots[count - 1], note_id, &ids);
    if (ids.count > 1)
        qsort(ids.items, ids.count, sizeof(uint64_t), compare_ids);
    for (uint32_t i = 0; i + 1 < count && status == OK; i++) {
        uint64_t none = 0;
        Holding holding = {.known = ids.count > 0 ? ids.items : &none, .known_count = MAX(ids.count, 1u)};
        catalog_each_segment(snapshots[i], count_segment, &holding);
        status = put_hold(rows, "READER", STR_VIEW("a statement, load or transaction"), snapshots[i]->entry_id, &holding,
                          "it reads the catalog of that entry; counted is what no later one names");
    }
    mem_free(ids.items);
    return status;
}

Status system_produce_holds(const SystemSource *source, SystemRows *rows)
{
    CatalogSnapshot **snapshots;
    uint64_t horizon;
    meta_lease_horizon(source->store, &horizon);
    uint32_t count = meta_live_snapshots(source->store, &snapshots);
    const CatalogSnapshot *published = snapshots[count - 1];
    Holding none = {0};
    Status status = put_catalog(published, rows);
    if (status == OK)
        status = put_prepared(published, rows);
    if (status == OK)
        status = put_readers(snapshots, count, rows);
    if (status == OK)
        status = put_hold(rows, "LEASE", STR_VIEW("open loads and merges"), horizon, &none, "objects with ids from ENTRY_ID on may be in the making");
    for (uint32_t i = 0; i < count; i++)
        catalog_unref(snapshots[i]);
    mem_free(snapshots);
    return status;
}
