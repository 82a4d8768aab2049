#pragma once
/* Transactions over HTTP: begin, any number of loads into one or more tables of a database, prepare, commit or
 * rollback, each a request that names the transaction by its label.
 *
 * Rows of the loads are written as they come and become visible with the commit, all at once. A load that
 * fails takes its transaction with it. A prepared transaction is journaled and waits across restarts.
 * Transactions that nobody continues end by their timeouts. Thread-safe; one request at a time works on a
 * transaction, others are refused meanwhile. */

#include "load/stream_load.h"
#include "load/table_loader.h"

typedef struct LoadTransactions LoadTransactions; /* of a server */
typedef struct LoadTransaction LoadTransaction;

typedef struct LoadTransactionsOptions {
    MetaStore *store;
    Volume *volume;
    LoadHub *hub;
    struct Compactor *compactor; /* see TableLoaderOptions */
    PrimaryIndexes *keys;
    MemTracker *tracker;
} LoadTransactionsOptions;

/* Takes up what is prepared. */
LoadTransactions *load_transactions_open(const LoadTransactionsOptions *options);
/* The same again: this node has the lead anew, and another may have prepared some and ended others meanwhile. */
void load_transactions_take_up(LoadTransactions *all);
void load_transactions_close(LoadTransactions *all); /* rolls back what is open and not prepared */

typedef enum TransactionOp { TRANSACTION_BEGIN, TRANSACTION_PREPARE, TRANSACTION_COMMIT, TRANSACTION_ROLLBACK } TransactionOp;

typedef struct TransactionRequest {
    StrView database, table, label;
    StrView timeout, idle_timeout, prepared_timeout; /* seconds as text; empty: the default */
    bool is_multi; /* transaction_type: multi */
} TransactionRequest;

/* Appends the JSON answer. */
void load_transactions_run(LoadTransactions *all, TransactionOp op, const TransactionRequest *request, ByteBuf *reply);
/* The state of an open transaction ("PREPARE", "PREPARED"); NULL: there is none. */
const char *load_transactions_state(LoadTransactions *all, uint64_t database_id, StrView label);
/* The tables that an open transaction has loaded into; 0: none, or there is no such transaction. */
uint32_t load_transactions_tables(LoadTransactions *all, uint64_t database_id, StrView label, Arena *arena, uint64_t **out_ids);
/* Rolls back; false: no such transaction, or it is at work. */
bool load_transactions_cancel(LoadTransactions *all, uint64_t database_id, StrView label);
uint32_t load_transactions_open_count(LoadTransactions *all);

/* A load's part. enter: NULL when the load is refused, reply says why; leave follows every enter. */
LoadTransaction *load_transaction_enter(LoadTransactions *all, const TransactionRequest *request, ByteBuf *reply);
/* The loader of the table, or NULL: the load opens one and gives it away with load_transaction_add(). */
TableLoader *load_transaction_loader(LoadTransaction *transaction, uint64_t table_id);
void load_transaction_add(LoadTransaction *transaction, uint64_t table_id, TableLoader *loader);
uint64_t load_transaction_id(const LoadTransaction *transaction);
/* What one load did; load (not NULL when it succeeded) is kept to the end, since its loader refers to its plan. */
typedef struct TransactionPart {
    StreamLoad *load;
    uint64_t total_rows, loaded_rows, filtered_rows, unselected_rows, bytes;
} TransactionPart;
void load_transaction_leave(LoadTransaction *transaction, const TransactionPart *part);
