#include "base/fault.h"
#include "job/compaction.h"
#include "load/table_loader_int.h"

/* Commits of loaders: one change names the segments of all their lanes, the label, and what the rows replace in
 * tables that keep one row a key. */

typedef struct CommitState {
    TableLoader *const *loaders;
    uint32_t count;
    const LoaderLabel *labels; /* of all tables' database; empty ones are none */
    uint32_t label_count;
    bool replace;
    bool is_prepared; /* by this label */
    uint64_t txn_id;
    KeyCommit *keys; /* by loader: what the rows replace; schema NULL: nothing */
} CommitState;

static bool has_written(const TableLoader *loader, uint64_t partition_id)
{
    for (const LoaderLane *lane = loader->lanes; lane != NULL; lane = lane->next) {
        for (uint32_t i = 0; i < lane->segments.count; i++) {
            if (lane->segments.items[i].partition_id == partition_id)
                return true;
        }
    }
    return false;
}

static bool is_overwritten(const TableLoader *loader, uint64_t partition_id)
{
    const TableLoaderOptions *options = &loader->options;
    if (options->replaces_written)
        return has_written(loader, partition_id);
    for (uint32_t i = 0; i < options->partition_count; i++) {
        if (options->partition_ids[i] == partition_id)
            return true;
    }
    return options->partition_ids == NULL;
}

static Status drop_old_rows(const TableLoader *loader, const CatalogTable *table, Change *change)
{
    for (uint32_t p = 0; p < table->partition_count; p++) {
        const CatalogPartition *partition = table->partitions[p];
        if (!is_overwritten(loader, partition->id))
            continue;
        for (uint32_t t = 0; t < partition->tablet_count; t++) {
            const TabletVersion *tablet = &partition->tablets[t];
            uint64_t *ids = mem_alloc((tablet->segment_count + 1) * sizeof(uint64_t));
            for (uint32_t s = 0; s < tablet->segment_count; s++)
                ids[s] = tablet->segments[s].id;
            NewSegments none = {partition->id, tablet->id, NULL, 0};
            change_replace_segments(change, table->id, &none, ids, tablet->segment_count);
            mem_free(ids);
        }
    }
    return OK;
}

static Status put_label(const CommitState *state, const LoaderLabel *wanted, uint64_t database_id, Change *change, Diag *diag)
{
    const TableLoaderOptions *options = &state->loaders[0]->options;
    AUTO_ARENA arena;
    LabelRecord record;
    arena_init(&arena, NULL);
    if (wanted->label.length == 0)
        return OK;
    if (meta_label_find(options->store, database_id, wanted->label, &arena, &record))
        return RAISE(diag, LABEL_EXISTS, "Label [%.*s] has already been used, relate to txn [%llu]", SV_ARGS(wanted->label),
                     (unsigned long long)record.txn_id);
    change_put_label(change, database_id, wanted->label, state->txn_id, wanted->answer, env_wall_us(options->volume->environment));
    return OK;
}

static Status put_segments(const TableLoader *loader, const CatalogTable *now, Change *change, Diag *diag)
{
    uint32_t count = 0;
    for (const LoaderLane *lane = loader->lanes; lane != NULL; lane = lane->next)
        count += lane->segments.count;
    NewSegments *all = mem_alloc((count + 1) * sizeof(*all));
    uint32_t at = 0;
    for (const LoaderLane *lane = loader->lanes; lane != NULL; lane = lane->next) {
        for (uint32_t i = 0; i < lane->segments.count; i++) {
            const CatalogPartition *partition = catalog_partition_by_id(now, lane->segments.items[i].partition_id);
            if (partition_tablet(partition, lane->segments.items[i].tablet_id) == NULL) {
                mem_free(all);
                return RAISE(diag, RETRY, partition == NULL ? "a partition of table '%.*s' was dropped meanwhile" : "table '%.*s' was altered meanwhile",
                             SV_ARGS(now->name));
            }
            all[at++] = lane->segments.items[i];
        }
    }
    if (count > 0)
        change_publish(change, now->id, all, count);
    mem_free(all);
    return OK;
}

/* Vectors that the commit makes are of the segments that column updates put in place of those that it looked at. */
static void follow_updates(TableLoader *loader, KeyCommit *keys)
{
    for (uint32_t u = 0; u < loader->updates.count; u++) {
        ColumnUpdate *update = &loader->updates.items[u];
        update->has_new_deletes = false;
        for (uint32_t t = 0; t < keys->tablets.count; t++) {
            const KeyTablet *tablet = &keys->tablets.items[t];
            for (uint32_t d = 0; d < tablet->delete_count; d++) {
                if (tablet->deletes[d].segment_id != update->old_id && tablet->deletes[d].segment_id != update->segment.id)
                    continue;
                tablet->deletes[d].segment_id = update->segment.id;
                update->has_new_deletes = true;
            }
        }
    }
}

static void rename_updated(const TableLoader *loader)
{
    for (uint32_t u = 0; u < loader->updates.count; u++) {
        const ColumnUpdate *update = &loader->updates.items[u];
        primary_index_rename(loader->options.keys, update->tablet_id, update->old_id, update->segment.id);
    }
}

static Status put_all(const CommitState *state, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    for (uint32_t i = 0; i < state->count; i++) {
        TableLoader *loader = state->loaders[i];
        const CatalogTable *now = catalog_table_by_id(catalog, loader->table->id);
        if (now == NULL)
            return RAISE(diag, NO_SUCH_TABLE, "Unknown table '%.*s': it was dropped meanwhile", SV_ARGS(loader->table->name));
        for (uint32_t k = 0; k < state->label_count && i == 0; k++)
            TRY(put_label(state, &state->labels[k], now->database_id, change, diag));
        if (i == 0 && state->is_prepared)
            change_drop_prepared(change, now->database_id, state->labels[0].label);
        if (state->replace)
            TRY(drop_old_rows(loader, now, change));
        TRY(put_segments(loader, now, change, diag));
        follow_updates(loader, &state->keys[i]);
        TRY(column_updates_put(&loader->updates, now, change, diag));
        if (state->keys[i].schema != NULL)
            TRY(key_commit_put(&state->keys[i], now, state->replace, change, diag));
    }
    return OK;
}

static Status build_commit(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const CommitState *state = context;
    const TableDraft *draft = state->loaders[0]->options.draft;
    CatalogSnapshot *with_table;
    if (draft == NULL)
        return put_all(state, catalog, change, diag);
    TRY(table_draft_put(draft, catalog, change, diag, &with_table));
    Status status = put_all(state, with_table, change, diag);
    catalog_unref(with_table);
    return status;
}

static Status make_keys(const TableLoader *loader, const CatalogSnapshot *catalog, bool replaces, Diag *diag, KeyCommit *out)
{
    KeyFlushes all = {0};
    *out = (KeyCommit){.store = loader->options.store, .volume = loader->options.volume, .indexes = loader->options.keys,
                       .schema = loader->table->schema, .table_id = loader->table->id};
    arena_init(&out->arena, loader->options.tracker);
    const CatalogTable *table = catalog_table_by_id(catalog, loader->table->id);
    if (table == NULL)
        return RAISE(diag, NO_SUCH_TABLE, "Unknown table '%.*s': it was dropped meanwhile", SV_ARGS(loader->table->name));
    for (const LoaderLane *lane = loader->lanes; lane != NULL; lane = lane->next) {
        for (uint32_t i = 0; i < lane->flushes.count; i++)
            ARRAY_PUSH(&out->arena, &all, lane->flushes.items[i]);
    }
    return key_commit_make(out, table, &all, replaces, diag);
}

static Status commit_change(MetaStore *store, CommitState *state, Diag *diag)
{
    FAULT("load.before_commit", diag);
    return meta_commit(store, build_commit, state, diag);
}

/* The vectors are made against a snapshot; the commit looks whether the tablets are still as they were. */
static Status commit_once(CommitState *state, Diag *diag)
{
    MetaStore *store = state->loaders[0]->options.store;
    const TableDraft *draft = state->loaders[0]->options.draft;
    CatalogSnapshot *catalog = draft != NULL ? catalog_ref(draft->catalog) : meta_snapshot(store);
    Status status = OK;
    memset(state->keys, 0, state->count * sizeof(KeyCommit));
    for (uint32_t i = 0; i < state->count && status == OK; i++) {
        if (table_keeps_last(state->loaders[i]->table->schema))
            status = make_keys(state->loaders[i], catalog, state->replace, diag, &state->keys[i]);
    }
    if (status == OK)
        status = commit_change(store, state, diag);
    for (uint32_t i = 0; i < state->count; i++) {
        if (state->keys[i].schema != NULL)
            key_commit_close(&state->keys[i], status == OK);
        if (status == OK)
            rename_updated(state->loaders[i]);
    }
    catalog_unref(catalog);
    return status;
}

/* Rows that delete are written with the others; and what was updated once in this commit is not the catalog's any more. */
static bool may_update_columns(const TableLoader *loader, const TabletBuffer *buffer)
{
    bool may = loader->options.merge->mode != UPDATE_ROWS && buffer->deletes == NULL;
    for (uint32_t u = 0; u < loader->updates.count && may; u++)
        may = loader->updates.items[u].tablet_id != buffer->tablet_id;
    return may;
}

static Status merge_buffer(LoaderLane *lane, TabletBuffer *buffer, const CatalogTable *table, Diag *diag)
{
    TableLoader *loader = lane->loader;
    const TableLoaderOptions *options = &loader->options;
    const TabletVersion *tablet = partition_tablet(catalog_partition_by_id(table, buffer->partition_id), buffer->tablet_id);
    if (tablet == NULL)
        return RAISE(diag, INVALID_ARGUMENT, "a partition of table '%.*s' was dropped meanwhile", SV_ARGS(table->name));
    ColumnUpdater updater = {options->store, options->volume, buffer->partition_id, options->merge->mode, &loader->arena, &loader->updates};
    KeyMergeInput input = {options->merge, options->volume, options->keys, loader->table->schema,
                           tablet, buffer->columns, buffer->rows, &buffer->arena, may_update_columns(loader, buffer) ? &updater : NULL};
    uint8_t *skipped = mem_alloc(buffer->rows);
    Status status = key_merge(&input, diag, skipped);
    if (status == OK)
        status = loader_lane_flush(lane, buffer, skipped, diag);
    mem_free(skipped);
    return status;
}

static Status merge_lane(LoaderLane *lane, const CatalogTable *table, Diag *diag)
{
    for (uint32_t b = 0; b < lane->buffer_count; b++) {
        if (lane->buffers[b] != NULL && lane->buffers[b]->rows > 0)
            TRY(merge_buffer(lane, lane->buffers[b], table, diag));
    }
    return loader_lane_commit_object(lane, diag);
}

/* Completes and writes the rows that were held; with the tables' locks held. */
static Status merge_held(const CommitState *state, Diag *diag)
{
    CatalogSnapshot *catalog = meta_snapshot(state->loaders[0]->options.store);
    Status status = OK;
    for (uint32_t i = 0; i < state->count && status == OK; i++) {
        TableLoader *loader = state->loaders[i];
        if (loader->options.merge == NULL)
            continue;
        const CatalogTable *table = catalog_table_by_id(catalog, loader->table->id);
        if (table == NULL)
            status = RAISE(diag, NO_SUCH_TABLE, "Unknown table '%.*s': it was dropped meanwhile", SV_ARGS(loader->table->name));
        for (LoaderLane *lane = loader->lanes; lane != NULL && status == OK; lane = lane->next)
            status = merge_lane(lane, table, diag);
    }
    catalog_unref(catalog);
    return status;
}

static Status commit_in_turn(CommitState *state, Diag *diag)
{
    for (uint32_t i = 0; i < state->count; i++)
        table_gate_pass(meta_gates(state->loaders[i]->options.store), state->loaders[i]->table->id);
    PrimaryIndexes *indexes = NULL;
    uint64_t *ids = mem_alloc((state->count + 1) * sizeof(*ids));
    uint32_t keyed = 0;
    uint64_t locked = 0;
    Status status = ERR_RETRY;
    for (uint32_t i = 0; i < state->count; i++) {
        const TableLoader *loader = state->loaders[i];
        if (!table_keeps_last(loader->table->schema))
            continue;
        indexes = loader->options.keys;
        if (indexes == NULL) {
            mem_free(ids);
            return RAISE(diag, NOT_SUPPORTED, "table '%.*s' has unique keys, which can't be loaded from here", SV_ARGS(loader->table->name));
        }
        if (!loader->options.is_locked)
            ids[keyed++] = loader->table->id;
    }
    if (keyed > 0)
        locked = primary_indexes_lock_all(indexes, ids, keyed);
    Status merged = indexes == NULL ? OK : merge_held(state, diag);
    if (merged != OK)
        status = merged;
    for (uint32_t attempt = 0; attempt < MOST_ATTEMPTS && status == ERR_RETRY && merged == OK; attempt++) {
        *diag = (Diag){0};
        status = commit_once(state, diag);
        if (indexes == NULL)
            break; /* nothing that could come out otherwise */
    }
    if (keyed > 0)
        primary_indexes_unlock_all(indexes, locked);
    mem_free(ids);
    return status;
}

/* Where some partitions got rows; a load into many is no small one. */
static void help_compaction(const TableLoader *loader)
{
    enum { MOST_PARTITIONS = 16 };
    const TableLoaderOptions *options = &loader->options;
    uint64_t ids[MOST_PARTITIONS];
    uint32_t count = 0;
    if (options->compactor == NULL || options->is_locked)
        return;
    for (const LoaderLane *lane = loader->lanes; lane != NULL; lane = lane->next) {
        for (uint32_t s = 0; s < lane->segments.count && count < MOST_PARTITIONS; s++) {
            uint64_t id = lane->segments.items[s].partition_id;
            uint32_t at = 0;
            while (at < count && ids[at] != id)
                at++;
            if (at == count)
                ids[count++] = id;
        }
    }
    for (uint32_t i = 0; i < count; i++)
        compactor_help(options->compactor, loader->table->id, ids[i]);
}

static Status commit_all(CommitState *state, Diag *diag)
{
    if (state->count == 0)
        return OK;
    state->keys = mem_alloc_zero(state->count * sizeof(KeyCommit));
    Status status = commit_in_turn(state, diag);
    mem_free(state->keys);
    for (uint32_t i = 0; i < state->count && status == OK; i++)
        help_compaction(state->loaders[i]);
    return status;
}

Status table_loaders_commit(TableLoader *const *loaders, uint32_t count, StrView label, StrView answer, bool replace, uint64_t txn_id,
                            Diag *diag)
{
    const LoaderLabel labels[] = {{label, answer}};
    CommitState state = {.loaders = loaders, .count = count, .labels = labels, .label_count = 1, .replace = replace, .txn_id = txn_id};
    return commit_all(&state, diag);
}

Status table_loaders_commit_prepared(TableLoader *const *loaders, uint32_t count, StrView label, StrView answer, uint64_t txn_id, Diag *diag)
{
    const LoaderLabel labels[] = {{label, answer}};
    CommitState state = {.loaders = loaders, .count = count, .labels = labels, .label_count = 1, .txn_id = txn_id, .is_prepared = true};
    return commit_all(&state, diag);
}

Status table_loader_commit(TableLoader *loader, StrView label, StrView answer, bool replace, Diag *diag, uint64_t *out_txn_id)
{
    *out_txn_id = meta_new_id(loader->options.store);
    return table_loaders_commit(&loader, 1, label, answer, replace, *out_txn_id, diag);
}

Status table_loader_commit_labels(TableLoader *loader, const LoaderLabel *labels, uint32_t count, uint64_t txn_id, Diag *diag)
{
    CommitState state = {.loaders = &loader, .count = 1, .labels = labels, .label_count = count, .txn_id = txn_id};
    return commit_all(&state, diag);
}
