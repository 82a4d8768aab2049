#include "exec/exec_int.h"

/* Parallel scans of tables that are not ours: every worker asks the connector for rows until there are none left. Conditions that
 * are ranges go to the connector, which may leave parts out by them; a filter above looks at every row that comes. */

#include "connector/connector.h"

enum { MOST_RANGES = 32 };

typedef struct ForeignScan {
    ExecContext *exec;
    const PhysNode *node;
    Consumer *consumer;
    ConnectorRequest request;
    ConnectorScan *scan;
    ReadScope reads;
    ColumnRange ranges[MOST_RANGES];
} ForeignScan;

static Status push_rows(void *context, uint32_t worker, Chunk *chunk)
{
    const ForeignScan *scan = context;
    profile_rows(scan->exec, scan->node, chunk_alive(chunk));
    return scan->consumer->push(scan->consumer, worker, chunk);
}

static Status check_worker(void *context, bool *out_is_full)
{
    const ForeignScan *scan = context;
    *out_is_full = scan->consumer->is_full != NULL && scan->consumer->is_full(scan->consumer);
    return *out_is_full ? OK : exec_check(scan->exec);
}

static Status work(void *context, uint32_t worker)
{
    ForeignScan *scan = context;
    const ReadScope *before = read_scope_begin(&scan->reads);
    Status status = scan->node->system_scan.table->work(scan->scan, worker);
    read_scope_end(before);
    if (status != OK)
        atomic_store(&scan->exec->failed, true);
    return status;
}

Status run_connector_scan(ExecContext *exec, const PhysNode *node, Consumer *consumer)
{
    const ConnectorTable *table = node->system_scan.table;
    const ExecOptions *options = exec->options;
    ForeignScan scan = {.exec = exec, .node = node, .consumer = consumer};
    AUTO_BYTEBUF note = {0};
    uint32_t ranges = MOST_RANGES;
    expr_ranges(&exec->arena, (const Expr *const *)node->system_scan.conjuncts, node->system_scan.conjunct_count, scan.ranges, &ranges);
    scan.reads.cancelled = options->cancelled;
    scan.reads.counters = options->profile == NULL ? NULL : &options->profile[node->id].reads;
    scan.request = (ConnectorRequest){.ordinals = node->system_scan.ordinals, .column_count = node->column_count, .ranges = scan.ranges,
                                      .range_count = ranges, .worker_count = exec->worker_count, .memory = options->memory, .diag = exec->diag,
                                      .sink = {&scan, push_rows, check_worker}};
    if (options->scanned != NULL) {
        scan.request.rows_read = &options->scanned->rows;
        scan.request.bytes_read = &options->scanned->bytes;
    }
    const ReadScope *before = read_scope_begin(&scan.reads);
    Status status = table->open_scan(table, &scan.request, &scan.scan);
    read_scope_end(before);
    if (status != OK)
        return status;
    status = exec_parallel(exec, work, &scan);
    table->close_scan(scan.scan, &note);
    if (note.length > 0)
        profile_choice(exec, node, "%s", note.data);
    return status;
}
