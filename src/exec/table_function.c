#include "exec/exec_int.h"

/* Lateral table functions: each input row yields some rows; they are written into chunks beside the columns
 * of their input row. What one row of constants yields may be made in parts, one a worker. */

enum { LEAST_PARTED_ROWS = 1 << 16 }; /* for workers to pay */

typedef struct TableFunction {
    Consumer consumer;
    ExecContext *exec;
    const PhysNode *node;
    Consumer *next;
    WorkerEvaluators arguments;
} TableFunction;

static Status flush(TableFunction *fn, uint32_t worker, const Chunk *input, const uint32_t *rows, uint32_t count, Vector *made,
                    Arena *arena)
{
    const PhysNode *node = fn->node;
    uint32_t passed = node->table_function.passed_count;
    Vector *columns = ARENA_NEW_ARRAY(arena, Vector, MAX(node->column_count, 1u));
    for (uint32_t i = 0; i < passed; i++)
        vector_slice(&input->columns[node->table_function.outputs[i]], rows, count, arena, &columns[i]);
    for (uint32_t i = passed; i < node->column_count; i++)
        columns[i] = made[i - passed];
    Chunk out = {.columns = columns, .column_count = node->column_count, .row_count = count};
    profile_rows(fn->exec, node, count);
    return fn->next->push(fn->next, worker, &out);
}

/* A worker's output, which fills up over input rows. */
typedef struct Output {
    FuncContext context;
    const Vector **arguments;
    const Chunk *chunk;
    Arena arena;
    Vector *made;
    uint32_t *rows; /* of the input, by row */
    uint32_t filled;
    uint32_t worker;
    bool is_full; /* no more are wanted */
} Output;

static void open_output(TableFunction *fn, uint32_t worker, const Chunk *chunk, Output *out)
{
    const FuncBinding *binding = fn->node->table_function.binding;
    *out = (Output){.chunk = chunk, .worker = worker};
    arena_init(&out->arena, fn->exec->options->memory);
    out->made = ARENA_NEW_ARRAY(&out->arena, Vector, MAX(binding->table_column_count, 1u));
    out->rows = ARENA_NEW_ARRAY(&out->arena, uint32_t, CHUNK_ROWS);
    for (uint32_t c = 0; c < binding->table_column_count; c++)
        vector_init(&out->made[c], &out->arena, binding->table_columns[c], CHUNK_ROWS);
}

static Status flush_output(TableFunction *fn, Output *out)
{
    uint32_t filled = out->filled;
    TRY(exec_check(fn->exec));
    out->is_full = fn->next->is_full != NULL && fn->next->is_full(fn->next);
    if (filled == 0 || out->is_full)
        return OK;
    TRY(flush(fn, out->worker, out->chunk, out->rows, filled, out->made, &out->arena));
    out->filled = 0;
    for (uint32_t c = 0; c < fn->node->table_function.binding->table_column_count; c++)
        vector_reset(&out->made[c]);
    return OK;
}

/* Rows first .. end - 1 of what an input row yields. pads: a row of NULLs instead. */
static Status produce(TableFunction *fn, Output *out, uint32_t row, uint64_t first, uint64_t end, bool pads)
{
    const FuncBinding *binding = fn->node->table_function.binding;
    for (uint64_t done = first; (done < end || pads) && !out->is_full; pads = false) {
        uint32_t part = (uint32_t)MIN(MAX(end - done, (uint64_t)pads), (uint64_t)(CHUNK_ROWS - out->filled));
        for (uint32_t c = 0; pads && c < binding->table_column_count; c++)
            vector_set_null(&out->made[c], out->filled);
        if (!pads)
            TRY(binding->table->produce(&out->context, out->arguments, fn->node->table_function.argument_count, row, done, part,
                                        out->filled, out->made));
        for (uint32_t r = 0; r < part; r++)
            out->rows[out->filled + r] = row;
        out->filled += part;
        done += part;
        if (out->filled == CHUNK_ROWS)
            TRY(flush_output(fn, out));
    }
    return OK;
}

typedef struct Parts {
    TableFunction *fn;
    const Chunk *chunk;
    const Vector **arguments;
    uint32_t row;
    uint64_t total;
} Parts;

/* A share of what one row yields, of whole chunks. */
static Status produce_part(void *context, uint32_t worker)
{
    const Parts *parts = context;
    TableFunction *fn = parts->fn;
    uint64_t chunks = (parts->total + CHUNK_ROWS - 1) / CHUNK_ROWS;
    uint64_t first = chunks * worker / fn->exec->worker_count * CHUNK_ROWS;
    uint64_t end = chunks * (worker + 1) / fn->exec->worker_count * CHUNK_ROWS;
    Output out;
    open_output(fn, worker, parts->chunk, &out);
    out.arguments = parts->arguments;
    out.context = (FuncContext){
        .binding = fn->node->table_function.binding, .session = fn->exec->session, .arena = &out.arena, .diag = fn->exec->diag};
    Status status = produce(fn, &out, parts->row, first, MIN(end, parts->total), false);
    if (status == OK)
        status = flush_output(fn, &out);
    arena_deinit(&out.arena);
    if (status != OK)
        atomic_store(&fn->exec->failed, true);
    return status;
}

/* One row of constants is the only input: no worker is at work, and the order of what it yields is kept by the consumer. */
static bool may_part(const TableFunction *fn, uint64_t total)
{
    const PhysNode *input = fn->node->children[0];
    return fn->next->takes_parts && fn->exec->worker_count > 1 && total >= LEAST_PARTED_ROWS && input->kind == PHYS_NODE_VALUES &&
           input->values.row_count == 1;
}

static Status produce_all(TableFunction *fn, Output *out)
{
    const PhysNode *node = fn->node;
    Rows input = chunk_rows(out->chunk);
    for (FOR_ROWS(input, i, row)) {
        uint64_t total;
        TRY(node->table_function.binding->table->count(&out->context, out->arguments, node->table_function.argument_count, row, &total));
        Parts parts = {fn, out->chunk, out->arguments, row, total};
        if (may_part(fn, total))
            return exec_parallel(fn->exec, produce_part, &parts);
        TRY(produce(fn, out, row, 0, total, total == 0 && node->table_function.is_outer));
        if (out->is_full)
            return OK;
    }
    return flush_output(fn, out);
}

static Status push_function(Consumer *consumer, uint32_t worker, Chunk *chunk)
{
    TableFunction *fn = (TableFunction *)consumer;
    Evaluator *evaluator;
    Output out;
    TRY(evaluators_get(fn->exec, &fn->arguments, worker, &evaluator));
    open_output(fn, worker, chunk, &out);
    out.arguments = ARENA_NEW_ARRAY(&out.arena, const Vector *, MAX(fn->node->table_function.argument_count, 1u));
    out.context = (FuncContext){
        .binding = fn->node->table_function.binding, .session = fn->exec->session, .arena = &out.arena, .diag = fn->exec->diag};
    Status status = evaluator_run(evaluator, chunk, out.arguments);
    if (status == OK)
        status = produce_all(fn, &out);
    arena_deinit(&out.arena);
    return status;
}

Status run_table_function(ExecContext *exec, const PhysNode *node, Consumer *consumer)
{
    TableFunction fn = {.consumer = {.push = push_function}, .exec = exec, .node = node, .next = consumer};
    evaluators_init(exec, &fn.arguments, node->table_function.arguments, node->table_function.argument_count);
    Status status = run_node(exec, node->children[0], &fn.consumer);
    evaluators_close(exec, &fn.arguments);
    return status;
}
