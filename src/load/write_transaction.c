#include "load/write_transaction_int.h"

/* The view of a transaction and what its statements do to it. Older rows of the keys that a statement writes are
 * looked up twice: among the transaction's own rows, in an index of its own, and among the base's rows, in the
 * server's index while nobody else has changed the tablet, else in one that is built for the base. */

#include "base/environment.h"
#include "load/table_loader_int.h"

/* Versions of the view are never those of a published catalog. */
static const uint64_t VIEW_ENTRY = 1ull << 62;

WriteTransaction *write_transaction_open(const WriteTransactionOptions *options)
{
    WriteTransaction *t = mem_alloc_zero(sizeof(*t));
    t->options = *options;
    t->lease = meta_lease_open(options->store);
    arena_init(&t->arena, options->memory);
    t->base = meta_snapshot(options->store);
    t->view = catalog_ref(t->base);
    return t;
}

void write_transaction_close(WriteTransaction *t)
{
    if (t == NULL)
        return;
    for (uint32_t i = 0; i < t->tables.count; i++)
        compaction_let_go(t->options.holds, t->tables.items[i]);
    catalog_unref(t->view);
    catalog_unref(t->base);
    primary_indexes_close(t->own);
    primary_indexes_close(t->old);
    meta_lease_close(t->options.store, t->lease);
    arena_deinit(&t->arena);
    mem_free(t);
}

CatalogSnapshot *write_transaction_view(const WriteTransaction *t)
{
    return t->view;
}

void write_transaction_renew(WriteTransaction *t)
{
    catalog_unref(t->view);
    catalog_unref(t->base);
    t->base = meta_snapshot(t->options.store);
    t->view = catalog_ref(t->base);
}

bool write_transaction_has_written(const WriteTransaction *t)
{
    return t->tables.count > 0;
}

const TabletVersion *write_find_tablet(const CatalogSnapshot *catalog, uint64_t table_id, uint64_t partition_id, uint64_t tablet_id)
{
    const CatalogTable *table = catalog_table_by_id(catalog, table_id);
    return table == NULL ? NULL : partition_tablet(catalog_partition_by_id(table, partition_id), tablet_id);
}

SegmentRef *write_own_segments(const TabletVersion *base, const TabletVersion *view, Arena *arena, uint32_t *out_count)
{
    uint32_t at = base == NULL ? 0 : base->segment_count; /* the view only adds */
    *out_count = view->segment_count - at;
    SegmentRef *own = ARENA_NEW_ARRAY(arena, SegmentRef, *out_count + 1);
    if (*out_count > 0)
        memcpy(own, view->segments + at, *out_count * sizeof(*own));
    return own;
}

static void note_table(WriteTransaction *t, uint64_t id)
{
    for (uint32_t i = 0; i < t->tables.count; i++) {
        if (t->tables.items[i] == id)
            return;
    }
    compaction_hold(t->options.holds, id);
    ARRAY_PUSH(&t->arena, &t->tables, id);
}

Status write_transaction_define(WriteTransaction *t, const Change *change, Diag *diag)
{
    CatalogSnapshot *next;
    uint64_t id = meta_new_id(t->options.store);
    if (id == 0)
        return RAISE(diag, IO, "no ids can be had for new objects: the metadata journal can't be written");
    TRY(change_apply(t->view, bytebuf_view(&change->bytes), VIEW_ENTRY | id, env_wall_us(meta_environment(t->options.store)), NULL, diag, &next));
    catalog_unref(t->view);
    t->view = next;
    return OK;
}

static Status apply(WriteTransaction *t, uint64_t table_id, const Change *change, Diag *diag)
{
    TRY(write_transaction_define(t, change, diag));
    note_table(t, table_id);
    return OK;
}

/* ---- rows that are added ---- */

/* A statement that adds rows. */
typedef struct Adding {
    WriteTransaction *transaction;
    const TableLoader *loader;
    const CatalogTable *table; /* of the view */
    Change *change;
    Arena arena;
} Adding;

/* Partitions that the rows made are published, and not in the view yet; rows of others in them stay outside. */
static Status put_partition(Adding *adding, const CatalogSnapshot *newest, uint64_t id, Diag *diag)
{
    const CatalogTable *now = catalog_table_by_id(newest, adding->table->id);
    const CatalogPartition *made = now == NULL ? NULL : catalog_partition_by_id(now, id);
    if (made == NULL)
        return RAISE(diag, RETRY, "a partition of table '%.*s' was dropped during the transaction", SV_ARGS(adding->table->name));
    CatalogPartition empty;
    memcpy(&empty, made, sizeof(empty));
    empty.tablets = ARENA_NEW_ARRAY(&adding->arena, TabletVersion, made->tablet_count);
    for (uint32_t i = 0; i < made->tablet_count; i++)
        empty.tablets[i] = (TabletVersion){.id = made->tablets[i].id, .bucket = made->tablets[i].bucket};
    change_put_partition(adding->change, adding->table->id, adding->table->schema, &empty);
    return OK;
}

static Status put_partitions(Adding *adding, Diag *diag)
{
    ARRAY_OF(uint64_t) made = {0};
    Status status = OK;
    CatalogSnapshot *newest = meta_snapshot(adding->transaction->options.store);
    for (const LoaderLane *lane = adding->loader->lanes; lane != NULL; lane = lane->next) {
        for (uint32_t i = 0; i < lane->segments.count && status == OK; i++) {
            uint64_t id = lane->segments.items[i].partition_id;
            bool is_known = catalog_partition_by_id(adding->table, id) != NULL;
            for (uint32_t k = 0; k < made.count && !is_known; k++)
                is_known = made.items[k] == id;
            if (is_known)
                continue;
            ARRAY_PUSH(&adding->arena, &made, id);
            status = put_partition(adding, newest, id, diag);
        }
    }
    catalog_unref(newest);
    return status;
}

static void put_segments(Adding *adding)
{
    ARRAY_OF(NewSegments) all = {0};
    for (const LoaderLane *lane = adding->loader->lanes; lane != NULL; lane = lane->next) {
        for (uint32_t i = 0; i < lane->segments.count; i++)
            ARRAY_PUSH(&adding->arena, &all, lane->segments.items[i]);
    }
    if (all.count > 0)
        change_publish(adding->change, adding->table->id, all.items, all.count);
}

/* A tablet whose keys are looked up. */
typedef struct KeyedTablet {
    uint64_t partition_id, tablet_id;
    SegmentRef *segments; /* all of the view and the new ones */
    SegmentRef *own;      /* those without the base's */
    uint32_t segment_count, own_count;
    PrimaryIndex *own_index, *base_index;
    PrimaryIndexes *base_home; /* of base_index */
    const TabletVersion *base;
    DeadRows dead;
} KeyedTablet;

static PrimaryIndexInput index_input(const Adding *adding, uint64_t tablet_id, const SegmentRef *segments, uint32_t count, Arena *arena)
{
    const TableSchema *schema = adding->table->schema;
    return (PrimaryIndexInput){adding->transaction->options.volume, tablet_id, segments, count, key_segment_columns(schema, arena), schema->key_count};
}

static PrimaryIndexes *private_indexes(const WriteTransaction *t, PrimaryIndexes **in_out)
{
    if (*in_out == NULL)
        *in_out = primary_indexes_open(t->options.memory, 0, NULL);
    return *in_out;
}

static Status open_base_index(Adding *adding, KeyedTablet *tablet, Diag *diag)
{
    WriteTransaction *t = adding->transaction;
    if (tablet->base == NULL || tablet->base->segment_count == 0)
        return OK;
    CatalogSnapshot *newest = meta_snapshot(t->options.store);
    const TabletVersion *now = write_find_tablet(newest, adding->table->id, tablet->partition_id, tablet->tablet_id);
    bool is_same = now != NULL && tablet_is_same(now, tablet->base);
    catalog_unref(newest);
    tablet->base_home = is_same ? t->options.keys : private_indexes(t, &t->old);
    PrimaryIndexInput input = index_input(adding, tablet->tablet_id, tablet->base->segments, tablet->base->segment_count, &adding->arena);
    return primary_index_get(tablet->base_home, &input, diag, &tablet->base_index);
}

static Status open_keyed(Adding *adding, const KeyFlush *flush, uint32_t room, KeyedTablet *tablet, Diag *diag)
{
    WriteTransaction *t = adding->transaction;
    const TabletVersion *view = partition_tablet(catalog_partition_by_id(adding->table, flush->partition_id), flush->tablet_id);
    *tablet = (KeyedTablet){.partition_id = flush->partition_id, .tablet_id = flush->tablet_id};
    tablet->base = write_find_tablet(t->base, adding->table->id, flush->partition_id, flush->tablet_id);
    uint32_t seen = view == NULL ? 0 : view->segment_count;
    uint32_t old = tablet->base == NULL ? 0 : tablet->base->segment_count;
    tablet->segments = ARENA_NEW_ARRAY(&adding->arena, SegmentRef, seen + room + 1);
    if (seen > 0)
        memcpy(tablet->segments, view->segments, seen * sizeof(SegmentRef));
    tablet->segment_count = seen;
    tablet->own = tablet->segments + old;
    tablet->own_count = seen - old;
    PrimaryIndexInput input = index_input(adding, flush->tablet_id, tablet->own, tablet->own_count, &adding->arena);
    TRY(primary_index_get(private_indexes(t, &t->own), &input, diag, &tablet->own_index));
    return open_base_index(adding, tablet, diag);
}

static void close_keyed(const WriteTransaction *t, KeyedTablet *tablet, bool succeeded)
{
    if (tablet->own_index != NULL && succeeded)
        primary_index_put_back(t->own, tablet->own_index, tablet->own, tablet->own_count);
    else
        primary_index_drop(tablet->own_index);
    if (tablet->base_index != NULL)
        primary_index_put_back(tablet->base_home, tablet->base_index, tablet->base->segments, tablet->base->segment_count);
}

static void note_older(Adding *adding, KeyedTablet *tablet, KeyHash key, RowLocation own)
{
    if (own.segment_id == 0 && tablet->base_index != NULL)
        own = primary_index_find(tablet->base_index, key);
    dead_rows_add(&tablet->dead, own, &adding->arena);
}

static void take_flush(Adding *adding, KeyedTablet *tablet, const KeyFlush *flush)
{
    for (uint32_t i = 0; i < flush->deleted_count; i++)
        note_older(adding, tablet, flush->deleted[i], primary_index_remove(tablet->own_index, flush->deleted[i]));
    if (flush->segment == NULL)
        return;
    tablet->segments[tablet->segment_count++] = *flush->segment;
    tablet->own_count++;
    for (uint32_t row = 0; row < flush->segment->row_count; row++)
        note_older(adding, tablet, flush->keys[row],
                   primary_index_set(tablet->own_index, flush->keys[row], (RowLocation){flush->segment->id, row}));
}

static Status put_tablet_deletes(Adding *adding, KeyedTablet *tablet, Diag *diag)
{
    const WriteTransaction *t = adding->transaction;
    DeadRowStore store = {t->options.store, t->options.volume, &adding->arena};
    NewDeletes *deletes = NULL;
    uint32_t count;
    TRY(dead_rows_store(&store, &tablet->dead, tablet->segments, tablet->segment_count, diag, &deletes, &count));
    if (count > 0)
        change_put_deletes(adding->change, adding->table->id, tablet->partition_id, tablet->tablet_id, deletes, count);
    return OK;
}

typedef struct KeyedTablets {
    KeyedTablet *items;
    uint32_t count;
    uint32_t capacity;
} KeyedTablets;

static Status take_flushes(Adding *adding, const KeyFlushes *flushes, KeyedTablets *tablets, Diag *diag)
{
    for (uint32_t i = 0; i < flushes->count; i++) {
        const KeyFlush *flush = &flushes->items[i];
        uint32_t at = 0;
        while (at < tablets->count && tablets->items[at].tablet_id != flush->tablet_id)
            at++;
        if (at == tablets->count) {
            KeyedTablet fresh = {0};
            Status status = open_keyed(adding, flush, flushes->count, &fresh, diag);
            ARRAY_PUSH(&adding->arena, tablets, fresh);
            TRY(status);
        }
        take_flush(adding, &tablets->items[at], flush);
    }
    for (uint32_t i = 0; i < tablets->count; i++)
        TRY(put_tablet_deletes(adding, &tablets->items[i], diag));
    return OK;
}

/* Rows that the new ones take the place of. */
static Status put_deletes(Adding *adding, KeyedTablets *tablets, Diag *diag)
{
    KeyFlushes all = {0};
    for (const LoaderLane *lane = adding->loader->lanes; lane != NULL; lane = lane->next) {
        for (uint32_t i = 0; i < lane->flushes.count; i++)
            ARRAY_PUSH(&adding->arena, &all, lane->flushes.items[i]);
    }
    for (uint32_t i = 0; i < all.count; i++)
        key_flush_hash(&all.items[i], &adding->arena);
    return take_flushes(adding, &all, tablets, diag);
}

static Status add_keyed(Adding *adding, Diag *diag)
{
    WriteTransaction *t = adding->transaction;
    KeyedTablets tablets = {0};
    primary_indexes_lock(t->options.keys, adding->table->id);
    Status status = put_deletes(adding, &tablets, diag);
    if (status == OK)
        status = apply(t, adding->table->id, adding->change, diag);
    for (uint32_t i = 0; i < tablets.count; i++)
        close_keyed(t, &tablets.items[i], status == OK);
    primary_indexes_unlock(t->options.keys, adding->table->id);
    return status;
}

static Status add_rows(Adding *adding, Diag *diag)
{
    WriteTransaction *t = adding->transaction;
    TRY(put_partitions(adding, diag));
    put_segments(adding);
    if (table_keeps_last(adding->table->schema) && !t->options.has_distinct_keys)
        return add_keyed(adding, diag);
    return adding->change->bytes.length == 0 ? OK : apply(t, adding->table->id, adding->change, diag);
}

Status write_transaction_add_rows(WriteTransaction *t, const TableLoader *loader, Diag *diag)
{
    AUTO_CHANGE change = {0};
    Adding adding = {.transaction = t, .loader = loader, .table = catalog_table_by_id(t->view, loader->table->id), .change = &change};
    if (adding.table == NULL || adding.table->schema != loader->table->schema)
        return RAISE(diag, RETRY, "table '%.*s' was altered during the transaction", SV_ARGS(loader->table->name));
    arena_init(&adding.arena, t->options.memory);
    Status status = add_rows(&adding, diag);
    arena_deinit(&adding.arena);
    return status;
}

/* ---- rows that are deleted ---- */

/* Deleting from one tablet. */
static Status delete_in_tablet(WriteTransaction *t, const CatalogPartition *partition, const TabletVersion *tablet, uint64_t table_id,
                               DeadRows *dead, Change *change, Arena *arena, Diag *diag, uint64_t *in_out_count)
{
    DeadRowStore store = {t->options.store, t->options.volume, arena};
    NewDeletes *deletes = NULL;
    uint32_t count;
    TRY(dead_rows_store(&store, dead, tablet->segments, tablet->segment_count, diag, &deletes, &count));
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t s = 0; s < tablet->segment_count; s++) {
            const SegmentRef *segment = &tablet->segments[s];
            if (segment->id == deletes[i].segment_id)
                *in_out_count += deletes[i].deletes.count - (segment->row_count - segment_live_rows(segment));
        }
    }
    if (count > 0)
        change_put_deletes(change, table_id, partition->id, tablet->id, deletes, count);
    return OK;
}

Status write_transaction_delete(WriteTransaction *t, const LocatedRows *rows, Diag *diag, uint64_t *out_count)
{
    AUTO_CHANGE change = {0};
    AUTO_ARENA arena;
    DeadRows dead = {0};
    const CatalogTable *table = catalog_table_by_id(t->view, rows->table_id);
    arena_init(&arena, t->options.memory);
    *out_count = 0;
    if (table == NULL)
        return RAISE(diag, NO_SUCH_TABLE, "the table was dropped meanwhile");
    for (uint64_t i = 0; i < rows->row_count; i++) {
        uint64_t segment = rows->rows[i] >> 32;
        if (segment >= rows->segment_count)
            return RAISE(diag, INTERNAL, "a row to delete lies in a segment that was not scanned");
        dead_rows_add(&dead, (RowLocation){rows->segments[segment].id, (uint32_t)rows->rows[i]}, &arena);
    }
    for (uint32_t p = 0; p < table->partition_count && dead.count > 0; p++) {
        const CatalogPartition *partition = table->partitions[p];
        for (uint32_t i = 0; i < partition->tablet_count; i++)
            TRY(delete_in_tablet(t, partition, &partition->tablets[i], table->id, &dead, &change, &arena, diag, out_count));
    }
    return change.bytes.length == 0 ? OK : apply(t, table->id, &change, diag);
}
