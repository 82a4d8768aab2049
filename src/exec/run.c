#include "exec/exec.h"

/* Plan dispatch and the operators that pass chunks on: filter, projection, limit, VALUES, UNION ALL,
 * connector tables, the one-row assertion; and the entry point. */

#include "base/environment.h"
#include "connector/connector.h"
#include "exec/delete_cache.h"
#include "exec/exec_int.h"
#include "exec/spill.h"

Status exec_check(ExecContext *exec)
{
    const ExecOptions *options = exec->options;
    exec_give_way(exec);
    if (options->cancelled != NULL && atomic_load_explicit(options->cancelled, memory_order_relaxed))
        return RAISE(exec->diag, CANCELLED, "Query execution was interrupted");
    if (options->deadline_us > 0 && env_monotonic_us(environment_real()) > options->deadline_us)
        return RAISE(exec->diag, QUERY_TIMEOUT, FUNC_TIMEOUT_TEXT, FUNC_TIMEOUT_ARGS(exec->session));
    if (mem_is_pressed())
        return RAISE(exec->diag, OUT_OF_MEMORY, "out of memory: the system gives no more");
    if (mem_over_limit(options->memory))
        return RAISE(exec->diag, MEMORY_LIMIT, "Memory of query exceed limit. Used: %lld, Limit: %lld",
                     (long long)mem_used(options->memory), (long long)atomic_load(&options->memory->limit_bytes));
    return atomic_load_explicit(&exec->failed, memory_order_relaxed) ? ERR_CANCELLED : OK;
}

Status exec_open_segment(ExecContext *exec, const SegmentRef *ref, Segment **out_segment)
{
    TRY(segment_cache_get(exec->options->segments, ref, exec->diag, out_segment));
    ARRAY_PUSH(&exec->lasting, &exec->segments, *out_segment);
    return OK;
}

void evaluators_init(ExecContext *exec, WorkerEvaluators *evaluators, Expr *const *exprs, uint32_t count)
{
    evaluators->exprs = (const Expr *const *)exprs;
    evaluators->count = count;
    evaluators->by_worker = ARENA_NEW_ARRAY(&exec->arena, Evaluator *, exec->worker_count);
    evaluators->arenas = ARENA_NEW_ARRAY(&exec->arena, Arena, exec->worker_count);
    for (uint32_t w = 0; w < exec->worker_count; w++)
        arena_init(&evaluators->arenas[w], exec->options->memory);
}

Status evaluators_get(ExecContext *exec, WorkerEvaluators *evaluators, uint32_t worker, Evaluator **out)
{
    if (evaluators->by_worker[worker] == NULL)
        TRY(evaluator_open(evaluators->exprs, evaluators->count, exec->session, exec->options->memory, exec->diag,
                           &evaluators->by_worker[worker]));
    *out = evaluators->by_worker[worker];
    return OK;
}

void evaluators_close(ExecContext *exec, WorkerEvaluators *evaluators)
{
    for (uint32_t w = 0; evaluators->by_worker != NULL && w < exec->worker_count; w++) {
        evaluator_close(evaluators->by_worker[w]);
        arena_deinit(&evaluators->arenas[w]);
    }
}

/* ---- filter and projection ---- */

typedef struct FilterOperator {
    Consumer consumer;
    ExecContext *exec;
    const PhysNode *node;
    Consumer *next;
    WorkerEvaluators evaluators;
    uint16_t **selections;
} FilterOperator;

static bool passes_full(Consumer *consumer)
{
    const FilterOperator *filter = (const FilterOperator *)consumer;
    return filter->next->is_full != NULL && filter->next->is_full(filter->next);
}

static Status push_filter(Consumer *consumer, uint32_t worker, Chunk *chunk)
{
    FilterOperator *filter = (FilterOperator *)consumer;
    Evaluator *evaluator;
    uint32_t selected;
    TRY(evaluators_get(filter->exec, &filter->evaluators, worker, &evaluator));
    TRY(evaluator_filter(evaluator, chunk, filter->selections[worker], &selected));
    if (selected == 0)
        return OK;
    Chunk kept = *chunk;
    kept.sel = filter->selections[worker];
    kept.selected = selected;
    profile_rows(filter->exec, filter->node, selected);
    return filter->next->push(filter->next, worker, &kept);
}

static Status run_filter(ExecContext *exec, const PhysNode *node, Consumer *consumer)
{
    FilterOperator filter = {.consumer = {.push = push_filter, .is_full = passes_full, .takes_parts = consumer->takes_parts},
                             .exec = exec,
                             .node = node,
                             .next = consumer};
    evaluators_init(exec, &filter.evaluators, node->filter.conjuncts, node->filter.count);
    filter.selections = ARENA_NEW_ARRAY(&exec->arena, uint16_t *, exec->worker_count);
    for (uint32_t w = 0; w < exec->worker_count; w++)
        filter.selections[w] = ARENA_NEW_ARRAY(&exec->arena, uint16_t, CHUNK_ROWS);
    Status status = run_node(exec, node->children[0], &filter.consumer);
    evaluators_close(exec, &filter.evaluators);
    return status;
}

static Status push_project(Consumer *consumer, uint32_t worker, Chunk *chunk)
{
    FilterOperator *project = (FilterOperator *)consumer;
    Evaluator *evaluator;
    uint32_t count = project->node->column_count;
    Arena *arena = &project->evaluators.arenas[worker];
    TRY(evaluators_get(project->exec, &project->evaluators, worker, &evaluator));
    arena_reset(arena);
    const Vector **results = ARENA_NEW_ARRAY(arena, const Vector *, MAX(count, 1u));
    Vector *columns = ARENA_NEW_ARRAY(arena, Vector, MAX(count, 1u));
    TRY(evaluator_run(evaluator, chunk, results));
    for (uint32_t i = 0; i < count; i++)
        columns[i] = *results[i];
    Chunk out = *chunk;
    out.columns = columns;
    out.column_count = count;
    if (!evaluator_runs_whole(evaluator, chunk))
        out.dropped = NULL;
    profile_rows(project->exec, project->node, chunk_alive(chunk));
    return project->next->push(project->next, worker, &out);
}

static Status run_project(ExecContext *exec, const PhysNode *node, Consumer *consumer)
{
    FilterOperator project = {.consumer = {.push = push_project, .is_full = passes_full, .takes_parts = consumer->takes_parts},
                              .exec = exec,
                              .node = node,
                              .next = consumer};
    evaluators_init(exec, &project.evaluators, node->project.exprs, node->column_count);
    Status status = run_node(exec, node->children[0], &project.consumer);
    evaluators_close(exec, &project.evaluators);
    return status;
}

/* ---- limit ---- */

typedef struct LimitOperator {
    Consumer consumer;
    ExecContext *exec;
    const PhysNode *node;
    Consumer *next;
    Mutex lock; /* guards taken and the pushes */
    int64_t skipped;
    int64_t taken;
} LimitOperator;

static bool limit_is_full(Consumer *consumer)
{
    LimitOperator *limit = (LimitOperator *)consumer;
    LOCK_GUARD(&limit->lock);
    return limit->node->limit.limit >= 0 && limit->taken >= limit->node->limit.limit;
}

static Status push_limit(Consumer *consumer, uint32_t worker, Chunk *chunk)
{
    LimitOperator *limit = (LimitOperator *)consumer;
    uint16_t sel[CHUNK_ROWS];
    (void)worker;
    LOCK_GUARD(&limit->lock);
    Rows rows = chunk_rows(chunk);
    uint32_t kept = 0;
    for (FOR_ROWS(rows, i, row)) {
        if (limit->skipped < limit->node->limit.offset) {
            limit->skipped++;
            continue;
        }
        if (limit->node->limit.limit >= 0 && limit->taken >= limit->node->limit.limit)
            break;
        sel[kept++] = (uint16_t)row;
        limit->taken++;
    }
    if (kept == 0)
        return OK;
    Chunk out = *chunk;
    out.sel = sel;
    out.selected = kept;
    profile_rows(limit->exec, limit->node, kept);
    return limit->next->push(limit->next, 0, &out);
}

static Status run_limit(ExecContext *exec, const PhysNode *node, Consumer *consumer)
{
    LimitOperator limit = {.consumer = {.push = push_limit, .is_full = limit_is_full}, .exec = exec, .node = node, .next = consumer};
    mutex_init(&limit.lock);
    Status status = node->limit.limit == 0 ? OK : run_node(exec, node->children[0], &limit.consumer);
    mutex_deinit(&limit.lock);
    return status;
}

/* ---- sources ---- */

static Status run_values(ExecContext *exec, const PhysNode *node, Consumer *consumer)
{
    Chunk empty = {.row_count = 1};
    uint32_t count = node->column_count;
    AUTO_ARENA arena;
    arena_init(&arena, exec->options->memory);
    Type *types = ARENA_NEW_ARRAY(&arena, Type, MAX(count, 1u));
    for (uint32_t i = 0; i < count; i++)
        types[i] = node->columns[i].type;
    Chunk out;
    chunk_init(&out, &arena, types, count);
    for (uint32_t r = 0; r < node->values.row_count; r++) {
        const Expr *const *exprs = (const Expr *const *)node->values.rows[r];
        bool all_constant = true;
        for (uint32_t c = 0; c < count; c++)
            all_constant &= exprs[c]->kind == EXPR_CONSTANT;
        if (all_constant) {
            for (uint32_t c = 0; c < count; c++)
                vector_put(&out.columns[c], &arena, out.row_count, &exprs[c]->constant.value);
        } else {
            Evaluator *evaluator;
            const Vector **results = ARENA_NEW_ARRAY(&arena, const Vector *, MAX(count, 1u));
            TRY(evaluator_open(exprs, count, exec->session, exec->options->memory, exec->diag, &evaluator));
            Status status = evaluator_run(evaluator, &empty, results);
            for (uint32_t c = 0; status == OK && c < count; c++)
                vector_gather(results[c], (Rows){NULL, 1}, &arena, out.row_count, &out.columns[c]);
            evaluator_close(evaluator);
            TRY(status);
        }
        out.row_count++;
        if (out.row_count == CHUNK_ROWS || r + 1 == node->values.row_count) {
            TRY(exec_check(exec));
            profile_rows(exec, node, out.row_count);
            TRY(consumer->push(consumer, 0, &out));
            chunk_reset(&out);
        }
    }
    return OK;
}

typedef struct SystemScan {
    ExecContext *exec;
    const PhysNode *node;
    Consumer *consumer;
} SystemScan;

static Status emit_system(void *context, const Chunk *chunk)
{
    SystemScan *scan = context;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    Vector *columns = ARENA_NEW_ARRAY(&arena, Vector, MAX(scan->node->column_count, 1u));
    for (uint32_t i = 0; i < scan->node->column_count; i++)
        columns[i] = chunk->columns[scan->node->system_scan.ordinals[i]];
    Chunk out = *chunk;
    out.columns = columns;
    out.column_count = scan->node->column_count;
    profile_rows(scan->exec, scan->node, chunk->row_count);
    return scan->consumer->push(scan->consumer, 0, &out);
}

static Status run_system_scan(ExecContext *exec, const PhysNode *node, Consumer *consumer)
{
    if (node->system_scan.table->open_scan != NULL)
        return run_connector_scan(exec, node, consumer);
    SystemScan scan = {exec, node, consumer};
    return node->system_scan.table->scan(node->system_scan.table, &exec->arena, exec->diag, emit_system, &scan);
}

/* ---- at most one row ---- */

static Status run_assert_one_row(ExecContext *exec, const PhysNode *node, Consumer *consumer)
{
    ColumnStore *store;
    Status status = materialise(exec, node, node->children[0], node_types(exec, node->children[0]), NULL, &store);
    if (status == OK && store->row_count > 1)
        status = RAISE(exec->diag, SUBQUERY_MORE_THAN_ONE_ROW, "Expected LE 1 to be returned by expression");
    if (status == OK && store->row_count == 0) {
        for (uint32_t i = 0; i < store->column_count; i++)
            vector_set_null(&store->columns[i], 0);
        store->row_count = 1;
    }
    if (status == OK)
        status = column_store_emit(exec, store, consumer);
    column_store_free(store);
    return status;
}

static Status dispatch(ExecContext *exec, const PhysNode *node, Consumer *consumer)
{
    switch ((PhysKindOfNode)node->kind) {
    case PHYS_NODE_SCAN:
        return run_scan(exec, node, consumer);
    case PHYS_NODE_SYSTEM_SCAN:
        return run_system_scan(exec, node, consumer);
    case PHYS_NODE_VALUES:
        return run_values(exec, node, consumer);
    case PHYS_NODE_FILTER:
        return run_filter(exec, node, consumer);
    case PHYS_NODE_PROJECT:
        return run_project(exec, node, consumer);
    case PHYS_NODE_HASH_JOIN:
        return run_hash_join(exec, node, consumer);
    case PHYS_NODE_NESTED_LOOP_JOIN:
        return run_nested_loop(exec, node, consumer);
    case PHYS_NODE_AGGREGATE:
        return run_aggregate(exec, node, consumer);
    case PHYS_NODE_SORT:
        return run_sort(exec, node, consumer);
    case PHYS_NODE_LIMIT:
        return run_limit(exec, node, consumer);
    case PHYS_NODE_WINDOW:
        return run_window(exec, node, consumer);
    case PHYS_NODE_UNION_ALL:
        for (uint32_t i = 0; i < node->child_count; i++) {
            if (consumer->is_full == NULL || !consumer->is_full(consumer))
                TRY(run_node(exec, node->children[i], consumer));
        }
        return OK;
    case PHYS_NODE_TABLE_FUNCTION:
        return run_table_function(exec, node, consumer);
    case PHYS_NODE_ASSERT_ONE_ROW:
        return run_assert_one_row(exec, node, consumer);
    case PHYS_NODE_CTE_ANCHOR:
        return run_cte_anchor(exec, node, consumer);
    case PHYS_NODE_CTE_SCAN:
        return run_cte_scan(exec, node, consumer);
    case PHYS_NODE_RECURSIVE:
        return run_recursive(exec, node, consumer);
    case PHYS_NODE_EMPTY:
        return OK;
    case PHYS_NODE_TABLE_SINK:
        break;
    }
    return RAISE(exec->diag, INTERNAL, "plan node of kind %u can't run", node->kind);
}

Status run_node(ExecContext *exec, const PhysNode *node, Consumer *consumer)
{
    TRY(exec_check(exec));
    return exec->options->profile == NULL ? dispatch(exec, node, consumer) : profile_node(exec, node, consumer, dispatch);
}

typedef struct RootSink {
    Consumer consumer;
    Mutex lock; /* one result chunk at a time */
    const ExecResult *result;
} RootSink;

static Status push_root(Consumer *consumer, uint32_t worker, Chunk *chunk)
{
    RootSink *sink = (RootSink *)consumer;
    if (sink->result->rows_of_worker != NULL)
        return sink->result->rows_of_worker(sink->result->context, worker, chunk);
    LOCK_GUARD(&sink->lock);
    return sink->result->rows(sink->result->context, chunk);
}

Status exec_run(const PhysPlan *plan, const ExecOptions *options, const ExecResult *result, Diag *diag)
{
    ExecContext exec = {.plan = plan, .options = options, .session = plan->session, .diag = diag,
                        .started_us = env_monotonic_us(environment_real()), .cpu_before_us = thread_cpu_us()};
    bool was_lowered = thread_is_lowered();
    uint32_t threads = exec_pool_threads(options->pool);
    exec.worker_count = MIN(options->dop == 0 ? threads : MIN(options->dop, threads), (uint32_t)EXEC_MOST_WORKERS);
    arena_init(&exec.arena, options->memory);
    arena_init(&exec.lasting, options->memory);
    exec.filters = ARENA_NEW_ARRAY(&exec.arena, RuntimeFilter, plan->filter_count + 1);
    exec.ctes = ARENA_NEW_ARRAY(&exec.arena, ColumnStore *, plan->max_cte_id + 1);
    exec.cte_streams = ARENA_NEW_ARRAY(&exec.arena, SpillStream *, plan->max_cte_id + 1);
    exec.memories = ARENA_NEW_ARRAY(&exec.arena, MemTracker, plan->node_count + 1);
    for (uint32_t i = 0; i <= plan->node_count; i++)
        mem_tracker_init(&exec.memories[i], options->memory, "query", 0);
    spill_prepare(&exec);
    RootSink sink = {.consumer = {.push = push_root, .takes_parts = result->takes_parts}, .result = result};
    mutex_init(&sink.lock);
    Status status = run_node(&exec, plan->root, &sink.consumer);
    for (uint32_t i = 0; i <= plan->max_cte_id; i++) {
        column_store_free(exec.ctes[i]);
        spill_stream_free(exec.cte_streams[i]);
    }
    for (uint32_t i = 0; i <= plan->filter_count; i++)
        mem_free(exec.filters[i].bits);
    mutex_deinit(&sink.lock);
    if (options->profile != NULL)
        profile_finish(&exec);
    for (uint32_t i = 0; i < exec.segments.count; i++)
        segment_cache_release(options->segments, exec.segments.items[i]);
    for (uint32_t i = 0; i < exec.deletes.count; i++)
        delete_cache_release(segment_cache_deletes(options->segments), exec.deletes.items[i]);
    spill_clean_up(&exec);
    arena_deinit(&exec.arena);
    arena_deinit(&exec.lasting);
    if (!was_lowered)
        (void)thread_restore_priority(); /* who may not is found by thread_is_lowered() */
    return status;
}
