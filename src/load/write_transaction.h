#pragma once
/* A transaction of several statements: BEGIN ... COMMIT.
 *
 * It keeps the catalog that was published when it began (the base), and a view: the base with what its own
 * statements wrote. Statements read the view, so they see their own writes and nobody else's (snapshot
 * isolation). Each statement makes a change of the catalog, which is applied to the view and journaled nowhere;
 * segments and delete vectors are written at once and belong to the transaction's lease. The commit finds out what
 * the view has that the base has not, checks that no other transaction changed the same rows since, and
 * publishes it as one entry. What was not committed is only objects that vacuum finds. One thread at a time. */

#include "job/compaction_hold.h"
#include "load/table_loader.h"

typedef struct WriteTransaction WriteTransaction;

typedef struct WriteTransactionOptions {
    MetaStore *store;
    Volume *volume;
    PrimaryIndexes *keys; /* of the server */
    MemTracker *memory;
    CompactionHolds *holds; /* of tables that it has written to */
    bool has_distinct_keys; /* no row that is added has the key of another: nothing is looked up */
} WriteTransactionOptions;

WriteTransaction *write_transaction_open(const WriteTransactionOptions *options);
void write_transaction_close(WriteTransaction *transaction); /* NULL is nothing */
/* The catalog that its statements read; catalog_ref() it to keep it over the next write. */
CatalogSnapshot *write_transaction_view(const WriteTransaction *transaction);
/* Takes the newest catalog as the base again. Only before the first write. */
void write_transaction_renew(WriteTransaction *transaction);
bool write_transaction_has_written(const WriteTransaction *transaction);
/* Applies a change to the view: definitions that whoever takes the rows out of the view publishes himself. */
Status write_transaction_define(WriteTransaction *transaction, const Change *change, Diag *diag);
/* The rows of a loader whose lanes are finished; it was opened over a table of the view and can be closed
 * afterwards. After an error the view is as before. */
Status write_transaction_add_rows(WriteTransaction *transaction, const TableLoader *loader, Diag *diag);
typedef struct LocatedRows {
    uint64_t table_id;
    const SegmentRef *segments; /* that were scanned */
    uint32_t segment_count;
    const uint64_t *rows; /* number of the segment << 32 | row */
    uint64_t row_count;
} LocatedRows;
/* Deletes rows of the view. out_count: those that were not deleted before. */
Status write_transaction_delete(WriteTransaction *transaction, const LocatedRows *rows, Diag *diag, uint64_t *out_count);
/* RETRY: another transaction changed the same rows, or the tables, and nothing was committed. */
Status write_transaction_commit(WriteTransaction *transaction, StrView label, StrView answer, uint64_t txn_id, Diag *diag);
