#include "load/write_transaction_int.h"

/* The commit of a transaction of several statements. The locks of all its tables are held while the difference between
 * its view and its base is put onto the newest catalog:
 *
 * - Own segments are added, with their own delete vectors.
 * - Rows of the base that it deleted or replaced: the vector in the newest catalog gets these rows, too. A row that
 *   somebody else has deleted or replaced meanwhile is a conflict, and so is a segment that is gone; unless the data version
 *   says that compaction alone took it away: then the rows are found by their keys in what took its place.
 * - Own keys that somebody else has written since the base are a conflict.
 *
 * Whoever commits first wins. */

#include "base/environment.h"
#include "base/fault.h"
#include "storage/delete_vector.h"

enum { MOST_LOOKS = 20 };

/* A tablet that the transaction wrote to. */
typedef struct TabletWrites {
    uint64_t table_id, partition_id, tablet_id;
    const TabletVersion *base, *view; /* base NULL: the partition is new */
    const TabletVersion *now;         /* that was looked at */
    bool has_base_rows;               /* nobody changed rows since the base: other segments are compacted ones */
    SegmentRef *own;                  /* without those of which no row is left */
    uint32_t own_count;
    NewDeletes *deletes;
    uint32_t delete_count;
} TabletWrites;

typedef struct WriteCommit {
    WriteTransaction *transaction;
    StrView label, answer;
    uint64_t txn_id;
    CatalogSnapshot *newest; /* that was looked at */
    Arena arena;             /* of a look */
    ARRAY_OF(TabletWrites) tablets;
    bool looks_again; /* the commit came too late, which is no conflict */
} WriteCommit;

static Status conflict(const WriteCommit *commit, uint64_t table_id, Diag *diag)
{
    const CatalogTable *table = catalog_table_by_id(commit->transaction->view, table_id);
    StrView name = table == NULL ? STR_VIEW("") : table->name;
    return RAISE(diag, RETRY, "the transaction conflicts with another one that changed the same rows of table '%.*s' and committed first: "
                 "begin it again", SV_ARGS(name));
}

/* ---- rows of the base ---- */

static const SegmentRef *find_segment(const TabletVersion *tablet, uint64_t id)
{
    for (uint32_t s = 0; s < tablet->segment_count; s++) {
        if (tablet->segments[s].id == id)
            return &tablet->segments[s];
    }
    return NULL;
}

static uint64_t deletes_id(const SegmentRef *segment)
{
    return segment->deletes == NULL ? 0 : segment->deletes->id;
}

/* Adds the rows that the view lacks and the base has to the newest vector. */
static Status merge_vectors(WriteCommit *commit, const TabletWrites *writes, const SegmentRef *base, const SegmentRef *view,
                            const SegmentRef *now, Diag *diag, NewDeletes *out)
{
    AUTO_ARENA arena;
    DeleteVector before, own, newest;
    Volume *volume = commit->transaction->options.volume;
    arena_init(&arena, NULL);
    TRY(delete_vector_load(volume, base, &arena, diag, &before));
    TRY(delete_vector_load(volume, view, &arena, diag, &own));
    TRY(delete_vector_load(volume, now, &arena, diag, &newest));
    for (uint32_t row = 0; row < view->row_count; row++) {
        if (!delete_vector_has(&own, row) || delete_vector_has(&before, row))
            continue;
        if (!delete_vector_add(&newest, &arena, row))
            return conflict(commit, writes->table_id, diag);
    }
    return delete_vector_store(commit->transaction->options.store, volume, now, &newest, &commit->arena, diag, &out->deletes);
}

/* Segments of the newest catalog that the base does not have. */
static SegmentRef *foreign_segments(WriteCommit *commit, const TabletWrites *writes, uint32_t *out_count)
{
    SegmentRef *foreign = ARENA_NEW_ARRAY(&commit->arena, SegmentRef, writes->now->segment_count + 1);
    *out_count = 0;
    for (uint32_t s = 0; s < writes->now->segment_count; s++) {
        if (writes->base == NULL || find_segment(writes->base, writes->now->segments[s].id) == NULL)
            foreign[(*out_count)++] = writes->now->segments[s];
    }
    return foreign;
}

/* The rows of a compacted segment that the view lacks: where are they now? */
static Status find_moved(WriteCommit *commit, const TabletWrites *writes, const TableSchema *schema, uint32_t s, const PrimaryIndex *index,
                         DeadRows *dead, Diag *diag)
{
    AUTO_ARENA arena;
    DeleteVector before, own;
    const KeyHash *keys;
    const SegmentRef *base = &writes->base->segments[s];
    Volume *volume = commit->transaction->options.volume;
    arena_init(&arena, NULL);
    TRY(key_flush_load(volume, schema, base, &arena, diag, &keys));
    TRY(delete_vector_load(volume, base, &arena, diag, &before));
    TRY(delete_vector_load(volume, &writes->view->segments[s], &arena, diag, &own));
    for (uint32_t row = 0; row < base->row_count; row++) {
        if (!delete_vector_has(&own, row) || delete_vector_has(&before, row))
            continue;
        RowLocation moved = primary_index_find(index, keys[row]);
        if (moved.segment_id == 0)
            return conflict(commit, writes->table_id, diag);
        dead_rows_add(dead, moved, &commit->arena);
    }
    return OK;
}

/* lost: numbers of the base's segments that compaction took away and whose rows the transaction changed. */
static Status take_moved_deletes(WriteCommit *commit, TabletWrites *writes, const TableSchema *schema, const uint32_t *lost, uint32_t lost_count,
                                 Diag *diag)
{
    const WriteTransactionOptions *options = &commit->transaction->options;
    uint32_t count, stored_count = 0;
    DeadRows dead = {0};
    NewDeletes *stored;
    PrimaryIndex *index = NULL;
    const SegmentRef *foreign = foreign_segments(commit, writes, &count);
    PrimaryIndexes *indexes = primary_indexes_open(options->memory, 0, NULL);
    PrimaryIndexInput input = {options->volume, writes->tablet_id, foreign, count, key_segment_columns(schema, &commit->arena), schema->key_count};
    Status status = primary_index_get(indexes, &input, diag, &index);
    for (uint32_t i = 0; i < lost_count && status == OK; i++)
        status = find_moved(commit, writes, schema, lost[i], index, &dead, diag);
    if (index != NULL)
        primary_index_drop(index);
    primary_indexes_close(indexes);
    DeadRowStore store = {options->store, options->volume, &commit->arena};
    if (status == OK)
        status = dead_rows_store(&store, &dead, foreign, count, diag, &stored, &stored_count);
    for (uint32_t i = 0; i < stored_count && status == OK; i++)
        writes->deletes[writes->delete_count++] = stored[i];
    return status;
}

static Status take_base_deletes(WriteCommit *commit, TabletWrites *writes, const TableSchema *schema, Diag *diag)
{
    uint32_t count = writes->base == NULL ? 0 : writes->base->segment_count;
    uint32_t lost_count = 0;
    uint32_t *lost = ARENA_NEW_ARRAY(&commit->arena, uint32_t, count + 1);
    bool finds_moved = writes->has_base_rows && table_keeps_last(schema);
    writes->deletes = ARENA_NEW_ARRAY(&commit->arena, NewDeletes, writes->view->segment_count + writes->now->segment_count + 1);
    for (uint32_t s = 0; s < count; s++) {
        const SegmentRef *base = &writes->base->segments[s];
        const SegmentRef *view = &writes->view->segments[s];
        if (deletes_id(base) == deletes_id(view))
            continue;
        const SegmentRef *now = find_segment(writes->now, base->id);
        if (now == NULL && !finds_moved)
            return conflict(commit, writes->table_id, diag);
        if (now == NULL) {
            lost[lost_count++] = s;
            continue;
        }
        NewDeletes *out = &writes->deletes[writes->delete_count++];
        out->segment_id = base->id;
        if (deletes_id(now) == deletes_id(base))
            out->deletes = *view->deletes;
        else
            TRY(merge_vectors(commit, writes, base, view, now, diag, out));
    }
    return lost_count == 0 ? OK : take_moved_deletes(commit, writes, schema, lost, lost_count, diag);
}

/* ---- own rows ---- */

static void take_own_segments(WriteCommit *commit, TabletWrites *writes)
{
    uint32_t count;
    SegmentRef *own = write_own_segments(writes->base, writes->view, &commit->arena, &count);
    writes->own = own;
    for (uint32_t s = 0; s < count; s++) {
        SegmentRef segment = own[s];
        if (segment_live_rows(&segment) == 0)
            continue;
        if (segment.deletes != NULL)
            writes->deletes[writes->delete_count++] = (NewDeletes){segment.id, *segment.deletes};
        writes->own[writes->own_count++] = segment;
    }
}

static Status check_foreign_segment(const WriteCommit *commit, const TabletWrites *writes, const TableSchema *schema, const PrimaryIndex *own,
                                    const SegmentRef *foreign, Diag *diag)
{
    AUTO_ARENA arena;
    const KeyHash *keys;
    DeleteVector deletes;
    Volume *volume = commit->transaction->options.volume;
    arena_init(&arena, NULL);
    TRY(key_flush_load(volume, schema, foreign, &arena, diag, &keys));
    TRY(delete_vector_load(volume, foreign, &arena, diag, &deletes));
    for (uint32_t row = 0; row < foreign->row_count; row++) {
        if (!delete_vector_has(&deletes, row) && primary_index_find(own, keys[row]).segment_id != 0)
            return conflict(commit, writes->table_id, diag);
    }
    return OK;
}

/* Keys that others wrote since the base. */
static Status check_foreign_keys(WriteCommit *commit, const TabletWrites *writes, const TableSchema *schema, Diag *diag)
{
    WriteTransaction *t = commit->transaction;
    PrimaryIndex *own = NULL;
    Status status = OK;
    uint32_t count;
    const SegmentRef *segments = write_own_segments(writes->base, writes->view, &commit->arena, &count);
    PrimaryIndexInput input = {t->options.volume, writes->tablet_id, segments, count, key_segment_columns(schema, &commit->arena), schema->key_count};
    uint32_t foreign_count;
    const SegmentRef *foreign = foreign_segments(commit, writes, &foreign_count);
    for (uint32_t s = 0; s < foreign_count && status == OK && writes->own_count > 0; s++) {
        if (own == NULL) /* there was an index when the rows were added */
            TRY(primary_index_get(t->own, &input, diag, &own));
        status = check_foreign_segment(commit, writes, schema, own, &foreign[s], diag);
    }
    if (own != NULL)
        primary_index_put_back(t->own, own, segments, count);
    return status;
}

/* ---- a look at the newest catalog ---- */

static Status look_at_tablet(WriteCommit *commit, TabletWrites *writes, const CatalogTable *now, Diag *diag)
{
    writes->now = partition_tablet(catalog_partition_by_id(now, writes->partition_id), writes->tablet_id);
    if (writes->now == NULL)
        return RAISE(diag, RETRY, "a partition of table '%.*s' was dropped during the transaction", SV_ARGS(now->name));
    TRY(take_base_deletes(commit, writes, now->schema, diag));
    take_own_segments(commit, writes);
    return table_keeps_last(now->schema) && !writes->has_base_rows ? check_foreign_keys(commit, writes, now->schema, diag) : OK;
}

static Status look_at_partition(WriteCommit *commit, const CatalogTable *now, const CatalogPartition *view, const CatalogPartition *base, Diag *diag)
{
    const CatalogPartition *newest = catalog_partition_by_id(now, view->id);
    bool has_base_rows = base != NULL && newest != NULL && newest->data_version == base->data_version;
    for (uint32_t i = 0; i < view->tablet_count; i++) {
        const TabletVersion *tablet = &view->tablets[i];
        TabletWrites writes = {.table_id = now->id, .partition_id = view->id, .tablet_id = tablet->id, .view = tablet,
                               .has_base_rows = has_base_rows,
                               .base = base == NULL ? NULL : partition_tablet(base, tablet->id)};
        if (writes.base == NULL ? tablet->segment_count == 0 : tablet_is_same(writes.base, tablet))
            continue;
        TRY(look_at_tablet(commit, &writes, now, diag));
        if (writes.own_count > 0 || writes.delete_count > 0)
            ARRAY_PUSH(&commit->arena, &commit->tablets, writes);
    }
    return OK;
}

static Status look_at_table(WriteCommit *commit, uint64_t id, Diag *diag)
{
    const CatalogTable *view = catalog_table_by_id(commit->transaction->view, id);
    const CatalogTable *base = catalog_table_by_id(commit->transaction->base, id);
    const CatalogTable *now = catalog_table_by_id(commit->newest, id);
    if (now == NULL)
        return RAISE(diag, RETRY, "table '%.*s' was dropped during the transaction", SV_ARGS(view->name));
    if (now->schema != base->schema)
        return RAISE(diag, RETRY, "table '%.*s' was altered during the transaction", SV_ARGS(view->name));
    for (uint32_t p = 0; p < view->partition_count; p++) {
        const CatalogPartition *partition = view->partitions[p];
        const CatalogPartition *old = catalog_partition_by_id(base, partition->id);
        if (partition != old)
            TRY(look_at_partition(commit, now, partition, old, diag));
    }
    return OK;
}

static Status look(WriteCommit *commit, Diag *diag)
{
    commit->tablets.count = 0;
    for (uint32_t i = 0; i < commit->transaction->tables.count; i++)
        TRY(look_at_table(commit, commit->transaction->tables.items[i], diag));
    return OK;
}

/* ---- the entry ---- */

static Status put_label(const WriteCommit *commit, uint64_t database_id, Change *change, Diag *diag)
{
    AUTO_ARENA arena;
    LabelRecord record;
    const WriteTransactionOptions *options = &commit->transaction->options;
    arena_init(&arena, NULL);
    if (meta_label_find(options->store, database_id, commit->label, &arena, &record))
        return RAISE(diag, LABEL_EXISTS, "Label [%.*s] has already been used, relate to txn [%llu]", SV_ARGS(commit->label),
                     (unsigned long long)record.txn_id);
    change_put_label(change, database_id, commit->label, commit->txn_id, commit->answer, env_wall_us(meta_environment(options->store)));
    return OK;
}

static Status build_commit(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    WriteCommit *commit = context;
    FAULT("transaction.before_commit", diag);
    for (uint32_t i = 0; i < commit->tablets.count; i++) {
        const TabletWrites *writes = &commit->tablets.items[i];
        const CatalogTable *table = catalog_table_by_id(catalog, writes->table_id);
        const CatalogTable *seen = catalog_table_by_id(commit->newest, writes->table_id);
        const TabletVersion *tablet = write_find_tablet(catalog, writes->table_id, writes->partition_id, writes->tablet_id);
        bool only_adds = writes->delete_count == 0 && !table_keeps_last(seen->schema);
        commit->looks_again = tablet == NULL || table->schema != seen->schema || (!only_adds && !tablet_is_same(tablet, writes->now));
        if (commit->looks_again)
            return RAISE(diag, RETRY, "table '%.*s' changed while the transaction was committed", SV_ARGS(seen->name));
        NewSegments fresh = {writes->partition_id, writes->tablet_id, writes->own, writes->own_count};
        change_publish(change, writes->table_id, &fresh, 1);
        if (writes->delete_count > 0)
            change_put_deletes(change, writes->table_id, writes->partition_id, writes->tablet_id, writes->deletes, writes->delete_count);
    }
    const CatalogTable *first = catalog_table_by_id(catalog, commit->transaction->tables.items[0]);
    return put_label(commit, first->database_id, change, diag);
}

/* ---- the server's indexes ---- */

static Status index_segment(const WriteCommit *commit, const TableSchema *schema, const SegmentRef *segment, PrimaryIndex *index, Diag *diag)
{
    AUTO_ARENA arena;
    const KeyHash *keys;
    DeleteVector deletes;
    Volume *volume = commit->transaction->options.volume;
    arena_init(&arena, NULL);
    TRY(key_flush_load(volume, schema, segment, &arena, diag, &keys));
    TRY(delete_vector_load(volume, segment, &arena, diag, &deletes));
    for (uint32_t row = 0; row < segment->row_count; row++) {
        if (!delete_vector_has(&deletes, row))
            (void)primary_index_set(index, keys[row], (RowLocation){segment->id, row});
    }
    return OK;
}

/* An index that describes the tablet as it was is told what came: else the next load builds it from nothing. */
static void keep_index(WriteCommit *commit, const TabletWrites *writes)
{
    Diag unheard = {0};
    Status status = OK;
    const TableSchema *schema = catalog_table_by_id(commit->newest, writes->table_id)->schema;
    PrimaryIndexes *indexes = commit->transaction->options.keys;
    PrimaryIndexInput input = {commit->transaction->options.volume, writes->tablet_id, writes->now->segments, writes->now->segment_count,
                               key_segment_columns(schema, &commit->arena), schema->key_count};
    PrimaryIndex *index = table_keeps_last(schema) ? primary_index_take(indexes, &input) : NULL;
    if (index == NULL)
        return;
    uint32_t count = writes->now->segment_count;
    SegmentRef *all = ARENA_NEW_ARRAY(&commit->arena, SegmentRef, count + writes->own_count + 1);
    if (count > 0)
        memcpy(all, writes->now->segments, count * sizeof(*all));
    for (uint32_t s = 0; s < writes->own_count && status == OK; s++) {
        all[count++] = writes->own[s];
        status = index_segment(commit, schema, &writes->own[s], index, &unheard);
    }
    if (status == OK)
        primary_index_put_back(indexes, index, all, count);
    else
        primary_index_drop(index);
}

static Status commit_once(WriteCommit *commit, Diag *diag)
{
    MetaStore *store = commit->transaction->options.store;
    commit->looks_again = false;
    commit->newest = meta_snapshot(store);
    arena_init(&commit->arena, commit->transaction->options.memory);
    commit->tablets.items = NULL;
    commit->tablets.capacity = 0;
    Status status = look(commit, diag);
    if (status == OK)
        status = meta_commit(store, build_commit, commit, diag);
    for (uint32_t i = 0; i < commit->tablets.count && status == OK; i++)
        keep_index(commit, &commit->tablets.items[i]);
    arena_deinit(&commit->arena);
    catalog_unref(commit->newest);
    return status;
}

Status write_transaction_commit(WriteTransaction *t, StrView label, StrView answer, uint64_t txn_id, Diag *diag)
{
    WriteCommit commit = {.transaction = t, .label = label, .answer = answer, .txn_id = txn_id};
    Status status = ERR_RETRY;
    if (t->tables.count == 0)
        return OK;
    for (uint32_t i = 0; i < t->tables.count; i++)
        table_gate_pass(meta_gates(t->options.store), t->tables.items[i]);
    uint64_t locked = primary_indexes_lock_all(t->options.keys, t->tables.items, t->tables.count);
    for (uint32_t attempt = 0; attempt < MOST_LOOKS && status == ERR_RETRY; attempt++) {
        *diag = (Diag){0};
        status = commit_once(&commit, diag);
        if (!commit.looks_again)
            break;
    }
    primary_indexes_unlock_all(t->options.keys, locked);
    return status;
}
