#include "exec/exec_int.h"

/* Lateral table functions: each input row yields some rows; they are written into chunks beside the columns
 * of their input row. */

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

static Status push_function(Consumer *consumer, uint32_t worker, Chunk *chunk)
{
    TableFunction *fn = (TableFunction *)consumer;
    const PhysNode *node = fn->node;
    const FuncBinding *binding = node->table_function.binding;
    Evaluator *evaluator;
    AUTO_ARENA arena;
    arena_init(&arena, fn->exec->options->memory);
    TRY(evaluators_get(fn->exec, &fn->arguments, worker, &evaluator));
    const Vector **arguments = ARENA_NEW_ARRAY(&arena, const Vector *, MAX(node->table_function.argument_count, 1u));
    TRY(evaluator_run(evaluator, chunk, arguments));
    FuncContext context = {.binding = binding, .session = fn->exec->session, .arena = &arena, .diag = fn->exec->diag};
    Vector *made = ARENA_NEW_ARRAY(&arena, Vector, MAX(binding->table_column_count, 1u));
    uint32_t *rows = ARENA_NEW_ARRAY(&arena, uint32_t, CHUNK_ROWS);
    uint32_t filled = 0;
    for (uint32_t c = 0; c < binding->table_column_count; c++)
        vector_init(&made[c], &arena, binding->table_columns[c], CHUNK_ROWS);
    Rows input = chunk_rows(chunk);
    for (FOR_ROWS(input, i, row)) {
        uint64_t total;
        TRY(binding->table->count(&context, arguments, node->table_function.argument_count, row, &total));
        bool pads = total == 0 && node->table_function.is_outer;
        for (uint64_t done = 0; done < total || pads; pads = false) {
            uint32_t part = (uint32_t)MIN(MAX(total - done, (uint64_t)pads), (uint64_t)(CHUNK_ROWS - filled));
            for (uint32_t c = 0; pads && c < binding->table_column_count; c++)
                vector_set_null(&made[c], filled);
            if (!pads)
                TRY(binding->table->produce(&context, arguments, node->table_function.argument_count, row, done, part, filled, made));
            for (uint32_t r = 0; r < part; r++)
                rows[filled + r] = row;
            filled += part;
            done += part;
            if (filled < CHUNK_ROWS)
                continue;
            TRY(exec_check(fn->exec));
            if (fn->next->is_full != NULL && fn->next->is_full(fn->next))
                return OK;
            TRY(flush(fn, worker, chunk, rows, filled, made, &arena));
            filled = 0;
            for (uint32_t c = 0; c < binding->table_column_count; c++)
                vector_reset(&made[c]);
        }
    }
    return filled > 0 ? flush(fn, worker, chunk, rows, filled, made, &arena) : OK;
}

Status run_table_function(ExecContext *exec, const PhysNode *node, Consumer *consumer)
{
    TableFunction fn = {.consumer = {.push = push_function}, .exec = exec, .node = node, .next = consumer};
    evaluators_init(exec, &fn.arguments, node->table_function.arguments, node->table_function.argument_count);
    Status status = run_node(exec, node->children[0], &fn.consumer);
    evaluators_close(exec, &fn.arguments);
    return status;
}
