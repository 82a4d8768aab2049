#include "session/session_int.h"

/* DELETE, UPDATE and MERGE. Outside of transactions they hold the table's lock from before they read until after they committed, so that no
 * other writer of the table comes between; readers are not held up. DELETE starts again when compaction took
 * the segments away that it had looked at. */

#include "load/table_deleter.h"
#include "load/write_transaction.h"

enum { MOST_ATTEMPTS = 10 };

typedef struct DeleteSink {
    StatementContext *context;
    uint64_t *rows;
    uint64_t count, room;
} DeleteSink;

static Status take_rows(void *opaque, const Chunk *chunk)
{
    DeleteSink *sink = opaque;
    Rows rows = chunk_rows(chunk);
    VectorView view = vector_view(&chunk->columns[0]);
    if (sink->count + rows.count > sink->room) {
        uint64_t room = (sink->count + rows.count) * 2;
        TRY(mem_reserve(&sink->context->memory, (int64_t)((room - sink->room) * sizeof(uint64_t)), sink->context->diag));
        sink->rows = mem_realloc(sink->rows, room * sizeof(uint64_t));
        sink->room = room;
    }
    for (FOR_ROWS(rows, i, row)) {
        if (!view_is_null(&view, row))
            sink->rows[sink->count++] = ((const uint64_t *)view.data)[view_index(&view, row)];
    }
    return OK;
}

static const PhysNode *find_located_scan(const PhysNode *node)
{
    for (uint32_t c = 0; node->kind == PHYS_NODE_SCAN && c < node->scan.scan_column_count; c++) {
        if (node->scan.scan_columns[c].unique_id == PHYS_ROW_LOCATION)
            return node;
    }
    for (uint32_t i = 0; i < node->child_count; i++) {
        const PhysNode *found = find_located_scan(node->children[i]);
        if (found != NULL)
            return found;
    }
    return NULL;
}

static void see_newest(StatementContext *context)
{
    if (context->session->transaction != NULL)
        return;
    catalog_unref(context->catalog);
    context->catalog = meta_snapshot(context->session->instance->store);
    context->analyze.catalog = context->catalog;
}

static Status send_loaded(StatementContext *context, StrView label, uint64_t txn_id, uint64_t rows)
{
    const char *info = arena_printf(&context->arena, "{'label':'%.*s', 'status':'VISIBLE', 'txnId':'%llu'}", SV_ARGS(label),
                                    (unsigned long long)txn_id);
    return send_ok(context, rows, strview(info));
}

/* *out_scan: that the rows lie in; NULL: there are none. */
static Status find_rows(StatementContext *context, const BoundInsert *target, DeleteSink *sink, const PhysNode **out_scan)
{
    PhysPlan *plan;
    ExecResult result = {.context = sink, .rows = take_rows};
    TRY(plan_it(context, target->query, &plan));
    context->writes = true;
    TRY(execute_plan(context, plan, &result, NULL));
    *out_scan = find_located_scan(plan->root);
    if (*out_scan == NULL && sink->count > 0)
        return RAISE(context->diag, INTERNAL, "the plan of a DELETE does not read the table");
    return OK;
}

static Status delete_found(StatementContext *context, const BoundInsert *target, DeleteSink *sink, StrView label, uint64_t *out_count,
                           uint64_t *out_txn)
{
    const PhysNode *scan;
    TRY(find_rows(context, target, sink, &scan));
    TableDeleter deleter = {.store = context->session->instance->store, .volume = context->session->instance->volume,
                            .table_id = target->table->id, .label = label, .rows = sink->rows, .row_count = sink->count};
    deleter.segments = scan == NULL ? NULL : scan->scan.segments;
    deleter.segment_count = scan == NULL ? 0 : scan->scan.segment_count;
    return table_delete_rows(&deleter, context->diag, out_count, out_txn);
}

static Status try_delete(StatementContext *context, const AstStatement *statement, StrView label, uint64_t *out_count, uint64_t *out_txn)
{
    BoundInsert target = {0};
    DeleteSink sink = {.context = context};
    see_newest(context);
    TRY(analyze_delete(&context->analyze, statement, &target));
    Status status = delete_found(context, &target, &sink, label, out_count, out_txn);
    mem_release(&context->memory, (int64_t)(sink.room * sizeof(uint64_t)));
    mem_free(sink.rows);
    return status;
}

Status run_locked(StatementContext *context, const AstName *name, const AstStatement *statement,
                  Status (*run)(StatementContext *context, const AstStatement *statement, bool is_locked))
{
    const CatalogDatabase *database;
    const CatalogTable *table;
    PrimaryIndexes *keys = context->session->instance->keys;
    if (context->session->transaction != NULL)
        return run(context, statement, false);
    TRY(analyze_find_table(&context->analyze, name, &database, &table));
    uint64_t id = table->id;
    primary_indexes_lock(keys, id);
    see_newest(context);
    Status status = analyze_find_table(&context->analyze, name, &database, &table);
    if (status == OK && table->id != id)
        status = RAISE(context->diag, RETRY, "table '%.*s' was exchanged meanwhile", SV_ARGS(table->name));
    if (status == OK)
        status = run(context, statement, true);
    primary_indexes_unlock(keys, id);
    return status;
}

static Status delete_locked(StatementContext *context, const AstStatement *statement, bool is_locked)
{
    uint64_t rows = 0, txn_id = 0;
    StrView label = new_label(context, "delete");
    Status status = ERR_RETRY;
    (void)is_locked;
    for (uint32_t attempt = 0; attempt < MOST_ATTEMPTS && status == ERR_RETRY; attempt++) {
        *context->diag = (Diag){0};
        status = try_delete(context, statement, label, &rows, &txn_id);
    }
    TRY(status);
    return send_loaded(context, label, txn_id, rows);
}

static Status find_and_delete(StatementContext *context, const BoundInsert *target, DeleteSink *sink)
{
    const PhysNode *scan;
    LocatedRows rows = {.table_id = target->table->id};
    TRY(find_rows(context, target, sink, &scan));
    rows.segments = scan == NULL ? NULL : scan->scan.segments;
    rows.segment_count = scan == NULL ? 0 : scan->scan.segment_count;
    rows.rows = sink->rows;
    rows.row_count = sink->count;
    return transaction_delete(context, target->table, &rows);
}

static Status delete_in_transaction(StatementContext *context, const AstStatement *statement)
{
    BoundInsert target = {0};
    DeleteSink sink = {.context = context};
    TRY(analyze_delete(&context->analyze, statement, &target));
    Status status = find_and_delete(context, &target, &sink);
    mem_release(&context->memory, (int64_t)(sink.room * sizeof(uint64_t)));
    mem_free(sink.rows);
    return status;
}

Status run_delete(StatementContext *context, const AstStatement *statement)
{
    if (context->session->transaction != NULL)
        return delete_in_transaction(context, statement);
    return run_locked(context, &statement->name, statement, delete_locked);
}

static Status update_in_mode(StatementContext *context, const AstStatement *statement, bool is_locked, bool may_hold, bool *out_holds)
{
    BoundInsert target = {0};
    KeyMergeRules rules = {0};
    *out_holds = false;
    TRY(analyze_update(&context->analyze, statement, &target));
    if (may_hold)
        TRY(update_mode_choose(context, statement, &target, &rules, out_holds));
    LoadQuery load = {.table = target.table, .catalog = context->catalog, .query = target.query, .label = new_label(context, "update"),
                      .is_locked = is_locked, .merge = *out_holds ? &rules : NULL};
    Status status = load_query(context, &load);
    *out_holds &= rules.mode == UPDATE_AUTO;
    return status;
}

/* Where more rows were found than can be held, and nobody asked for that, they are written whole. */
static Status update_locked(StatementContext *context, const AstStatement *statement, bool is_locked)
{
    bool holds;
    Status status = update_in_mode(context, statement, is_locked, true, &holds);
    if (status != ERR_MEMORY_LIMIT || !holds)
        return status;
    diag_reset(context->diag);
    return update_in_mode(context, statement, is_locked, false, &holds);
}

Status run_update(StatementContext *context, const AstStatement *statement)
{
    return run_locked(context, &statement->name, statement, update_locked);
}

static Status merge_locked(StatementContext *context, const AstStatement *statement, bool is_locked)
{
    BoundInsert target = {0};
    TRY(analyze_merge(&context->analyze, statement, &target));
    LoadQuery load = {.table = target.table, .catalog = context->catalog, .query = target.query, .label = new_label(context, "merge"),
                      .is_locked = is_locked, .has_op = true};
    return load_query(context, &load);
}

Status run_merge(StatementContext *context, const AstStatement *statement)
{
    return run_locked(context, &statement->merge->table, statement, merge_locked);
}
