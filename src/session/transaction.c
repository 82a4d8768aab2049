#include "session/session_int.h"

/* BEGIN ... COMMIT: INSERTs write their rows at once, and one commit at the end makes the rows of all tables
 * visible. Until then nobody sees them, the session included: reading a table that was written to is an error.
 * An INSERT that fails leaves nothing behind; the transaction goes on. */

typedef struct Transaction {
    FuncSession func; /* for loaders: as at BEGIN, without texts */
    uint64_t id;
    char *label;
    TableLoader **loaders;
    uint64_t *table_ids;
    const TableSchema **schemas; /* that the loaders write by */
    uint32_t count;
} Transaction;

static Transaction *open_transaction(StatementContext *context)
{
    Transaction *transaction = mem_alloc_zero(sizeof(*transaction));
    transaction->func = context->func;
    StrView empty = {NULL, 0};
    transaction->func.roles = NULL;
    transaction->func.role_count = 0;
    transaction->func.database = transaction->func.user = transaction->func.current_role = transaction->func.catalog = empty;
    transaction->func.version = transaction->func.host = transaction->func.query_id = transaction->func.last_query_id = empty;
    transaction->id = meta_new_id(context->session->instance->store);
    transaction->label = mem_strdup(new_label(context, "txn_insert").data);
    return transaction;
}

void transaction_drop(Session *session)
{
    Transaction *transaction = session->transaction;
    if (transaction == NULL)
        return;
    session->transaction = NULL;
    for (uint32_t i = 0; i < transaction->count; i++)
        table_loader_close(transaction->loaders[i]);
    mem_free(transaction->loaders);
    mem_free(transaction->table_ids);
    mem_free(transaction->schemas);
    mem_free(transaction->label);
    mem_free(transaction);
}

const uint64_t *transaction_tables(const Session *session, uint32_t *out_count)
{
    *out_count = session->transaction == NULL ? 0 : session->transaction->count;
    return session->transaction == NULL ? NULL : session->transaction->table_ids;
}

static Status send_state(StatementContext *context, const char *label, uint64_t id, const char *state, uint64_t rows)
{
    const char *info = arena_printf(&context->arena, "{'label':'%s', 'status':'%s', 'txnId':'%llu'}", label, state, (unsigned long long)id);
    return send_ok(context, rows, strview(info));
}

static Status find_loader(StatementContext *context, Transaction *transaction, const LoadQuery *load, TableLoader **out)
{
    Instance *instance = context->session->instance;
    for (uint32_t i = 0; i < transaction->count; i++) {
        if (transaction->table_ids[i] == load->table->id) {
            if (transaction->schemas[i] != load->table->schema)
                return RAISE(context->diag, RETRY, "table '%.*s' was altered during the transaction", SV_ARGS(load->table->name));
            *out = transaction->loaders[i];
            return OK;
        }
    }
    TableLoaderOptions options = {.store = instance->store, .volume = instance->volume, .catalog = load->catalog, .table = load->table,
                                  .session = &transaction->func, .tracker = instance->memory, .keys = instance->keys};
    TRY(table_loader_open(&options, context->diag, out));
    transaction->loaders = mem_realloc(transaction->loaders, (transaction->count + 1) * sizeof(*transaction->loaders));
    transaction->table_ids = mem_realloc(transaction->table_ids, (transaction->count + 1) * sizeof(*transaction->table_ids));
    transaction->schemas = mem_realloc(transaction->schemas, (transaction->count + 1) * sizeof(*transaction->schemas));
    transaction->loaders[transaction->count] = *out;
    transaction->schemas[transaction->count] = load->table->schema;
    transaction->table_ids[transaction->count++] = load->table->id;
    return OK;
}

Status transaction_load(StatementContext *context, const LoadQuery *load)
{
    Transaction *transaction = context->session->transaction;
    TableLoader *loader;
    if (load->overwrites)
        return RAISE(context->diag, NOT_SUPPORTED, "INSERT OVERWRITE is not supported between BEGIN and COMMIT");
    if (load->partition_ids != NULL)
        return RAISE(context->diag, NOT_SUPPORTED, "INSERT with PARTITION is not supported between BEGIN and COMMIT");
    TRY(find_loader(context, transaction, load, &loader));
    uint64_t before = table_loader_rows(loader);
    TRY(insert_rows(context, loader, load));
    return send_state(context, transaction->label, transaction->id, "PREPARE", table_loader_rows(loader) - before);
}

static Status commit(StatementContext *context)
{
    Session *session = context->session;
    Transaction *transaction = session->transaction;
    const char *label = arena_strdup(&context->arena, transaction->label);
    uint64_t id = transaction->id;
    Status status = table_loaders_commit(transaction->loaders, transaction->count, strview(label), STR_VIEW("VISIBLE"), false, id, context->diag);
    transaction_drop(session);
    TRY(status);
    return send_state(context, label, id, "VISIBLE", 0);
}

Status run_transaction(StatementContext *context, const AstStatement *statement)
{
    Session *session = context->session;
    if (statement->kind == AST_STATEMENT_BEGIN) {
        if (session->transaction == NULL)
            session->transaction = open_transaction(context);
        return send_state(context, session->transaction->label, session->transaction->id, "PREPARE", 0);
    }
    if (session->transaction == NULL)
        return send_ok(context, 0, STR_VIEW(""));
    if (statement->kind == AST_STATEMENT_COMMIT)
        return commit(context);
    const char *label = arena_strdup(&context->arena, session->transaction->label);
    uint64_t id = session->transaction->id;
    transaction_drop(session);
    return send_state(context, label, id, "ABORTED", 0);
}
