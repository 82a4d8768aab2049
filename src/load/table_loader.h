#pragma once
/* Writing rows into a table: one loader a transaction, one lane a thread.
 *
 * Rows go to partitions (created when the table makes them automatically) and buckets, are sorted by
 * the sort key in runs, and become segments of one object a lane. Nothing is visible before
 * table_loader_commit(); an abort, or a crash, leaves only objects that vacuum finds. */

#include "meta/store.h"
#include "func/function.h"
#include "load/key_merge.h"
#include "meta/storage_volume.h"
#include "load/table_draft.h"
#include "storage/primary_index.h"

typedef struct TableLoader TableLoader;
typedef struct LoaderLane LoaderLane;

typedef struct TableLoaderOptions {
    MetaStore *store;
    Volume *volume;
    CatalogSnapshot *catalog; /* a reference is taken */
    const CatalogTable *table; /* of that snapshot */
    const FuncSession *session;
    MemTracker *tracker;
    PrimaryIndexes *keys; /* for tables that keep one row a key */
    bool is_locked;       /* the caller holds the table's lock in keys */
    const uint64_t *partition_ids; /* only into these; NULL: all */
    uint32_t partition_count;
    bool replaces_written; /* a commit that replaces does so in partitions that got rows */
    struct Compactor *compactor; /* helped when a tablet has too many segments; NULL: not */
    const KeyMergeRules *merge; /* rows are held in memory until the commit; NULL: rows don't depend on others */
    TableDraft *draft; /* the commit makes the table; NULL: it is there */
} TableLoaderOptions;

/* Does a later row take the place of the earlier ones with its key? Then rows must come in order, in one lane. */
static inline bool table_keeps_last(const TableSchema *schema)
{
    return schema->keys_kind == KEYS_PRIMARY || schema->keys_kind == KEYS_UNIQUE;
}

/* Where the table's rows go. */
Status table_volume(Volume *home, const CatalogSnapshot *catalog, const TableSchema *schema, Diag *diag, Volume **out_volume);
Status table_loader_open(const TableLoaderOptions *options, Diag *diag, TableLoader **out_loader);
/* How many rows will come, about: their room is made at once. Before the first rows. */
void table_loader_expect(TableLoader *loader, double rows, uint32_t lanes);
/* Lanes are independent of each other; open and close them from any thread. */
Status table_loader_lane(TableLoader *loader, Diag *diag, LoaderLane **out_lane);
/* columns: all table columns in order, dense rows 0..row_count-1, of the columns' types. */
Status loader_lane_append(LoaderLane *lane, const Vector *const *columns, uint32_t row_count, Diag *diag);
/* deletes[row] != 0: takes the row with that key away. Only for tables that keep the last row; NULL: none. */
Status loader_lane_append_ops(LoaderLane *lane, const Vector *const *columns, const uint8_t *deletes, uint32_t row_count, Diag *diag);
/* out_found[row]: there is a partition for the row (made now where the table makes them). */
Status loader_lane_route(LoaderLane *lane, const Vector *const *columns, uint32_t row_count, Diag *diag, uint8_t *out_found);
/* Writes what is buffered; the lane is closed in any case. */
Status loader_lane_finish(LoaderLane *lane, Diag *diag);
/* Of a loader, all at once. Of a table that keeps the last row, where all lanes are buffered, rows of a later lane are later rows. */
Status loader_lanes_finish(LoaderLane *const *lanes, uint32_t count, Diag *diag);
/* Nothing was written so far. */
bool loader_lane_is_buffered(const LoaderLane *lane);
void loader_lane_abort(LoaderLane *lane);
/* label may be empty. ERR_LABEL_EXISTS when it was used: the text is StarRocks'. answer: kept with the
 * label. replace: drops what the table held (INSERT OVERWRITE, TRUNCATE). */
Status table_loader_commit(TableLoader *loader, StrView label, StrView answer, bool replace, Diag *diag,
                           uint64_t *out_txn_id);
typedef struct LoaderLabel {
    StrView label, answer;
} LoaderLabel;
/* One transaction that uses several labels. */
Status table_loader_commit_labels(TableLoader *loader, const LoaderLabel *labels, uint32_t count, uint64_t txn_id, Diag *diag);
/* Several tables in one transaction. */
Status table_loaders_commit(TableLoader *const *loaders, uint32_t count, StrView label, StrView answer, bool replace, uint64_t txn_id,
                            Diag *diag);
/* The same for a transaction that was prepared: it is not, from the commit on. */
Status table_loaders_commit_prepared(TableLoader *const *loaders, uint32_t count, StrView label, StrView answer, uint64_t txn_id, Diag *diag);
/* What its lanes have written, for a prepared transaction; parts point into the loader. NOT_SUPPORTED when rows are held. */
Status table_loader_prepare(const TableLoader *loader, Arena *arena, Diag *diag, PreparedTable *out);
/* The other way round, into a loader without lanes; prepared outlives it. */
Status table_loader_adopt(TableLoader *loader, const PreparedTable *prepared, Diag *diag);
const TableLoaderOptions *table_loader_options(const TableLoader *loader);
uint64_t table_loader_rows(const TableLoader *loader);
void table_loader_close(TableLoader *loader);
/* Of this process: objects that loads wrote, and what was small enough to go into the catalog in place of one. */
typedef struct TableLoaderCounts {
    uint64_t objects, inlined;
} TableLoaderCounts;
TableLoaderCounts table_loader_counts(void);
