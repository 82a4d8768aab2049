#include "exec/spill.h"

/* WITH RECURSIVE: step after step until one has no rows.
 *
 * The rows of a step are put out, and are what the working table of the next one yields. UNION ALL needs no more than
 * the last step, which goes to disk where it is too large. UNION leaves out what was there before: the rows of all steps
 * stay in memory, with a hash directory over them.
 *
 * What operators take from the query's arena in a step is given back after it, so that memory does not grow with the
 * number of steps; runtime filters of the step before are taken back before the next. */

typedef struct Recursive {
    ExecContext *exec;
    const PhysNode *node;
    Consumer *next;
    const Type *types;
    ColumnStore *rows;   /* of the last step */
    SpillStream *stream; /* the same, when on disk */
    ColumnStore *seen;   /* UNION: of all steps */
    uint64_t *hashes;    /* a seen row */
    uint32_t *slots;     /* seen row + 1; 0: empty */
    uint32_t slot_count; /* a power of two */
    uint32_t hash_capacity;
    int64_t index_bytes; /* charged for hashes and slots */
} Recursive;

static void drop_rows(Recursive *r)
{
    column_store_free(r->rows);
    spill_stream_free(r->stream);
    r->rows = NULL;
    r->stream = NULL;
}

static bool has_rows(const Recursive *r)
{
    return r->rows->row_count > 0 || (r->stream != NULL && spill_stream_rows(r->stream) > 0);
}

/* ---- rows that were there before ---- */

static Status grow_index(Recursive *r, uint64_t rows)
{
    if (rows * 2 <= r->slot_count && rows <= r->hash_capacity)
        return OK;
    uint64_t slots = MAX(r->slot_count, 1024u);
    while (slots < rows * 2)
        slots *= 2;
    if (slots > UINT32_MAX / 2)
        return RAISE(r->exec->diag, LIMIT_EXCEEDED, "Recursive CTE '%.*s' has more than %u different rows", SV_ARGS(r->node->recursive.name), UINT32_MAX / 4);
    int64_t bytes = (int64_t)(slots * sizeof(*r->slots) + slots / 2 * sizeof(*r->hashes));
    mem_charge(node_memory(r->exec, r->node), bytes - r->index_bytes);
    r->index_bytes = bytes;
    TRY(exec_check(r->exec));
    mem_free(r->slots);
    r->slots = mem_alloc_zero(slots * sizeof(*r->slots));
    r->slot_count = (uint32_t)slots;
    r->hash_capacity = (uint32_t)(slots / 2);
    r->hashes = mem_realloc(r->hashes, r->hash_capacity * sizeof(*r->hashes));
    for (uint32_t row = 0; row < r->seen->row_count; row++) {
        uint32_t at = (uint32_t)r->hashes[row] & (r->slot_count - 1);
        while (r->slots[at] != 0)
            at = (at + 1) & (r->slot_count - 1);
        r->slots[at] = row + 1;
    }
    return OK;
}

/* Adds the chunk's rows that are new to the seen ones. */
static Status add_new(Recursive *r, const Chunk *chunk, uint64_t *hashes, const Vector **columns, const Vector **seen)
{
    uint16_t row;
    for (uint32_t c = 0; c < chunk->column_count; c++)
        columns[c] = &chunk->columns[c];
    TRY(grow_index(r, r->seen->row_count + chunk->row_count));
    hash_keys(columns, chunk->column_count, chunk_rows(chunk), hashes);
    for (uint32_t i = 0; i < chunk->row_count; i++) {
        uint32_t at = (uint32_t)hashes[i] & (r->slot_count - 1);
        for (uint32_t c = 0; c < chunk->column_count; c++)
            seen[c] = &r->seen->columns[c];
        for (; r->slots[at] != 0; at = (at + 1) & (r->slot_count - 1)) {
            uint32_t old = r->slots[at] - 1;
            if (r->hashes[old] == hashes[i] && keys_equal(columns, i, seen, old, chunk->column_count))
                break;
        }
        if (r->slots[at] != 0)
            continue;
        row = (uint16_t)i;
        r->hashes[r->seen->row_count] = hashes[i];
        TRY(column_store_append(r->exec, r->seen, columns, (Rows){&row, 1}));
        r->slots[at] = (uint32_t)r->seen->row_count;
    }
    return OK;
}

/* The last step's rows without those that are seen; they become seen. */
static Status keep_new(Recursive *r)
{
    AUTO_ARENA arena;
    arena_init(&arena, node_memory(r->exec, r->node));
    uint32_t count = r->node->column_count;
    Vector *vectors = ARENA_NEW_ARRAY(&arena, Vector, MAX(count, 1u));
    const Vector **columns = ARENA_NEW_ARRAY(&arena, const Vector *, MAX(count, 1u));
    const Vector **seen = ARENA_NEW_ARRAY(&arena, const Vector *, MAX(count, 1u));
    uint64_t *hashes = ARENA_NEW_ARRAY(&arena, uint64_t, CHUNK_ROWS);
    uint64_t before = r->seen->row_count;
    for (uint64_t first = 0; first < r->rows->row_count; first += CHUNK_ROWS) {
        Chunk chunk;
        TRY(exec_check(r->exec));
        column_store_slice(r->rows, first, (uint32_t)MIN(r->rows->row_count - first, (uint64_t)CHUNK_ROWS), vectors, &chunk);
        TRY(add_new(r, &chunk, hashes, columns, seen));
    }
    column_store_free(r->rows);
    r->rows = column_store_new(node_memory(r->exec, r->node), r->types, count);
    for (uint64_t first = before; first < r->seen->row_count; first += CHUNK_ROWS) {
        Chunk chunk;
        column_store_slice(r->seen, first, (uint32_t)MIN(r->seen->row_count - first, (uint64_t)CHUNK_ROWS), vectors, &chunk);
        for (uint32_t c = 0; c < count; c++)
            columns[c] = &vectors[c];
        TRY(column_store_append(r->exec, r->rows, columns, chunk_rows(&chunk)));
    }
    return OK;
}

/* ---- steps ---- */

static void reset_filters(ExecContext *exec, const PhysNode *node)
{
    bool is_join = node->kind == PHYS_NODE_HASH_JOIN || node->kind == PHYS_NODE_NESTED_LOOP_JOIN;
    for (uint32_t f = 0; is_join && f < node->join.filter_count; f++) {
        RuntimeFilter *filter = &exec->filters[node->join.filters[f].id];
        mem_free(filter->bits);
        *filter = (RuntimeFilter){0};
    }
    for (uint32_t i = 0; i < node->child_count; i++)
        reset_filters(exec, node->children[i]);
}

/* Runs a child with an arena of its own. */
static Status run_apart(Recursive *r, const PhysNode *child, Status (*run)(Recursive *r, const PhysNode *child))
{
    ExecContext *exec = r->exec;
    Arena around = exec->arena;
    arena_init(&exec->arena, exec->options->memory);
    reset_filters(exec, child);
    Status status = run(r, child);
    arena_deinit(&exec->arena);
    exec->arena = around;
    return status;
}

static Status take_rows(Recursive *r, const PhysNode *child)
{
    return materialise(r->exec, r->node, child, r->types, r->node->recursive.is_distinct ? NULL : &r->stream, &r->rows);
}

/* One step; the working table has the rows of the one before, which are let go. */
static Status step(Recursive *r, const PhysNode *child)
{
    Recursive before = *r;
    r->rows = NULL;
    r->stream = NULL;
    r->exec->ctes[r->node->recursive.cte_id] = before.rows;
    r->exec->cte_streams[r->node->recursive.cte_id] = before.stream;
    Status status = run_apart(r, child, take_rows);
    r->exec->ctes[r->node->recursive.cte_id] = NULL;
    r->exec->cte_streams[r->node->recursive.cte_id] = NULL;
    drop_rows(&before);
    return status == OK && r->seen != NULL ? keep_new(r) : status;
}

static Status run_steps(Recursive *r)
{
    const PhysNode *node = r->node;
    TRY(step(r, node->children[0]));
    for (int64_t level = 1; has_rows(r); level++) {
        if (level > node->recursive.max_levels) {
            if (!node->recursive.raises)
                return OK;
            return RAISE(r->exec->diag, LIMIT_EXCEEDED,
                         "Recursive CTE '%.*s' has more than %lld levels; raise recursive_cte_max_depth, or set "
                         "recursive_cte_throw_limit_exception = false to get what there is so far",
                         SV_ARGS(node->recursive.name), (long long)node->recursive.max_levels);
        }
        TRY(exec_check(r->exec));
        TRY(emit_kept(r->exec, node, NULL, r->rows, r->stream, r->next));
        if (r->next->is_full != NULL && r->next->is_full(r->next))
            return OK;
        if (level == node->recursive.max_levels && !node->recursive.raises)
            return OK;
        TRY(step(r, node->children[1]));
    }
    return OK;
}

Status run_recursive(ExecContext *exec, const PhysNode *node, Consumer *consumer)
{
    Recursive r = {.exec = exec, .node = node, .next = consumer, .types = node_types(exec, node)};
    if (node->recursive.is_distinct)
        r.seen = column_store_new(node_memory(exec, node), r.types, node->column_count);
    Status status = run_steps(&r);
    drop_rows(&r);
    column_store_free(r.seen);
    mem_free(r.hashes);
    mem_free(r.slots);
    mem_release(node_memory(exec, node), r.index_bytes);
    return status;
}
