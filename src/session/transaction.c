#include "session/session_int.h"

/* BEGIN ... COMMIT | ROLLBACK. The statements between read one snapshot with their own writes on it
 * (load/write_transaction.h); nobody else sees these before COMMIT. A statement that fails leaves nothing behind; the
 * transaction goes on. Definitions are not part of it: they are refused once rows were written. */

#include "load/write_transaction.h"
#include "meta/load_answer.h"

typedef struct Transaction {
    uint64_t id;
    char *label;
    WriteTransaction *writes;
    char *table;   /* the first that was written to, for the label's record */
    uint64_t rows; /* that were written */
} Transaction;

static Transaction *open_transaction(StatementContext *context, StrView label)
{
    Instance *instance = context->session->instance;
    Transaction *transaction = mem_alloc_zero(sizeof(*transaction));
    WriteTransactionOptions options = {instance->store, instance->volume, instance->keys, instance->memory,
                                       compactor_holds(instance->compactor), .has_distinct_keys = false};
    transaction->id = meta_new_id(instance->store);
    transaction->label = mem_strdup(arena_strndup(&context->arena, label.data, label.length));
    transaction->writes = write_transaction_open(&options);
    return transaction;
}

void transaction_drop(Session *session)
{
    Transaction *transaction = session->transaction;
    if (transaction == NULL)
        return;
    session->transaction = NULL;
    write_transaction_close(transaction->writes);
    mem_free(transaction->label);
    mem_free(transaction->table);
    mem_free(transaction);
}

CatalogSnapshot *transaction_catalog(const Session *session)
{
    if (session->transaction == NULL)
        return meta_snapshot(session->instance->store);
    return catalog_ref(write_transaction_view(session->transaction->writes));
}

static Status send_state(StatementContext *context, const char *label, uint64_t id, const char *state, uint64_t rows)
{
    const char *info = arena_printf(&context->arena, "{'label':'%s', 'status':'%s', 'txnId':'%llu'}", label, state, (unsigned long long)id);
    return send_ok(context, rows, strview(info));
}

static Status send_written(StatementContext *context, const CatalogTable *table, uint64_t rows)
{
    Transaction *transaction = context->session->transaction;
    if (transaction->table == NULL)
        transaction->table = mem_strdup(arena_strndup(&context->arena, table->name.data, table->name.length));
    transaction->rows += rows;
    return send_state(context, transaction->label, transaction->id, "PREPARE", rows);
}

Status transaction_load(StatementContext *context, const LoadQuery *load)
{
    Transaction *transaction = context->session->transaction;
    Instance *instance = context->session->instance;
    TableLoader *loader;
    if (load->overwrites)
        return RAISE(context->diag, NOT_SUPPORTED, "INSERT OVERWRITE is not supported between BEGIN and COMMIT");
    TableLoaderOptions options = {.store = instance->store, .volume = instance->volume, .catalog = load->catalog, .table = load->table,
                                  .session = &context->func, .tracker = &context->memory, .keys = instance->keys,
                                  .partition_ids = load->partition_ids, .partition_count = load->partition_count};
    TRY(table_loader_open(&options, context->diag, &loader));
    Status status = insert_rows(context, loader, load);
    uint64_t rows = table_loader_rows(loader);
    if (status == OK)
        status = write_transaction_add_rows(transaction->writes, loader, context->diag);
    table_loader_close(loader);
    TRY(status);
    return send_written(context, load->table, rows);
}

Status transaction_delete(StatementContext *context, const CatalogTable *table, const LocatedRows *rows)
{
    uint64_t count;
    TRY(write_transaction_delete(context->session->transaction->writes, rows, context->diag, &count));
    return send_written(context, table, count);
}

static bool defines(const AstStatement *statement)
{
    switch ((AstKind)statement->kind) {
    case AST_STATEMENT_CREATE_DATABASE:
    case AST_STATEMENT_DROP_DATABASE:
    case AST_STATEMENT_ALTER_DATABASE:
    case AST_STATEMENT_CREATE_TABLE:
    case AST_STATEMENT_DROP_TABLE:
    case AST_STATEMENT_TRUNCATE:
    case AST_STATEMENT_ALTER_TABLE:
    case AST_STATEMENT_CREATE_VIEW:
    case AST_STATEMENT_ALTER_VIEW:
    case AST_STATEMENT_DROP_VIEW:
        return true;
    default:
        return false;
    }
}

Status transaction_check(StatementContext *context, const AstStatement *statement)
{
    const Transaction *transaction = context->session->transaction;
    if (transaction == NULL || !defines(statement) || !write_transaction_has_written(transaction->writes))
        return OK;
    return RAISE(context->diag, NOT_SUPPORTED, "definitions can't be changed in a transaction that has written rows: COMMIT or ROLLBACK it first");
}

void transaction_after(Session *session, const AstStatement *statement)
{
    if (session->transaction != NULL && defines(statement) && !write_transaction_has_written(session->transaction->writes))
        write_transaction_renew(session->transaction->writes);
}

static Status commit(StatementContext *context)
{
    Session *session = context->session;
    Transaction *transaction = session->transaction;
    const char *label = arena_strdup(&context->arena, transaction->label);
    uint64_t id = transaction->id;
    AUTO_BYTEBUF answer = {0};
    LoadAnswer told = {STR_VIEW("INSERT"), strview(transaction->table == NULL ? "" : transaction->table), strview(session->user),
                       (int64_t)transaction->rows, 0, {0}};
    load_answer_print(&told, &answer);
    Status status = write_transaction_commit(transaction->writes, strview(label), bytebuf_view(&answer), id, context->diag);
    transaction_drop(session);
    TRY(status);
    return send_state(context, label, id, "VISIBLE", 0);
}

/* A label of a load that was committed in the database in use; what is committed elsewhere shows at COMMIT. */
static Status check_label(StatementContext *context, StrView label)
{
    const CatalogDatabase *database = catalog_database(context->catalog, bytebuf_view(&context->session->database));
    LabelRecord record;
    if (label.length == 0 || database == NULL ||
        !meta_label_find(context->session->instance->store, database->id, label, &context->arena, &record))
        return OK;
    return RAISE(context->diag, LABEL_EXISTS, "Getting analyzing error. Detail message: Label [%.*s] has already been used..",
                 SV_ARGS(label));
}

Status run_transaction(StatementContext *context, const AstStatement *statement)
{
    Session *session = context->session;
    if (statement->kind == AST_STATEMENT_BEGIN) {
        TRY(check_label(context, session->transaction == NULL ? statement->text : STR_VIEW("")));
        if (session->transaction == NULL)
            session->transaction = open_transaction(context, statement->text.length > 0 ? statement->text : new_label(context, "txn_insert"));
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
