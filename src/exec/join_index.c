#include "exec/hash_join_int.h"

/* The directory over the rows of the build side: the first row of each chain, and for each row the next one.
 *
 * Direct addressing: a single integer key whose values lie in a range not much wider than the number of rows has a place for
 * each value. No hashes, and whatever is found in a place has the key. Otherwise places are hash bits, and keys are compared.
 * Slices of rows are hashed and linked by all workers: a row takes the place of the one that was there and points to it. */

#include "base/hash.h"

enum { SLICE_ROWS = 4 * CHUNK_ROWS, DIRECT_SPREAD = 4, DIRECT_MIN_PLACES = 4096 };

typedef struct Indexing {
    HashJoin *join;
    const Vector *keys[MAX_KEYS];
    uint32_t rows;
    _Atomic uint32_t next_row;
    _Atomic bool has_null, has_duplicate;
    bool checks_duplicates; /* the second pass, over hash chains */
} Indexing;

static int64_t key_value(const Vector *column, uint32_t row)
{
    switch ((PhysKind)column->type.phys) {
    case PHYS_I8:
        return ((const int8_t *)column->data)[row];
    case PHYS_I16:
        return ((const int16_t *)column->data)[row];
    case PHYS_I32:
        return ((const int32_t *)column->data)[row];
    default:
        return ((const int64_t *)column->data)[row];
    }
}

bool join_key_bounds(const Vector *column, uint32_t rows, int64_t *out_min, int64_t *out_max)
{
    int64_t low = INT64_MAX, high = INT64_MIN;
    if (column->type.phys < PHYS_I8 || column->type.phys > PHYS_I64)
        return false;
    for (uint32_t row = 0; row < rows; row++) {
        if (column->nulls != NULL && column->nulls[row] != 0)
            continue;
        int64_t value = key_value(column, row);
        low = MIN(low, value);
        high = MAX(high, value);
    }
    *out_min = low;
    *out_max = high;
    return true;
}

void join_key_bits(const Vector *column, uint32_t rows, int64_t min, uint64_t *bits)
{
    for (uint32_t row = 0; row < rows; row++) {
        if (column->nulls != NULL && column->nulls[row] != 0)
            continue;
        uint64_t bit = (uint64_t)key_value(column, row) - (uint64_t)min;
        bits[bit / 64] |= (uint64_t)1 << (bit % 64);
    }
}

/* The width of the directory: a power of two of hashes, or a place a value. */
static uint64_t choose_places(HashJoin *join, const Vector *key, uint32_t rows)
{
    int64_t low, high;
    join->is_direct = false;
    if (join->node->join.key_count == 1 && !join->node->join.null_safe[0] && rows > 0 && join_key_bounds(key, rows, &low, &high) &&
        low <= high) {
        uint64_t span = (uint64_t)high - (uint64_t)low;
        join->is_direct = span < MAX((uint64_t)rows * DIRECT_SPREAD, (uint64_t)DIRECT_MIN_PLACES);
        join->direct_min = low;
        join->direct_span = span;
        if (join->is_direct)
            return span + 1;
    }
    uint64_t slots = 1024;
    while (slots < (uint64_t)rows * 2)
        slots *= 2;
    join->mask = (uint32_t)(slots - 1);
    return slots;
}

static void hash_slice(Indexing *indexing, uint32_t first, uint32_t end)
{
    HashJoin *join = indexing->join;
    uint32_t keys = join->node->join.key_count;
    Vector columns[MAX_KEYS];
    const Vector *pointers[MAX_KEYS];
    for (uint32_t start = first; start < end; start += CHUNK_ROWS) {
        for (uint32_t k = 0; k < keys; k++) {
            columns[k] = *indexing->keys[k];
            vector_advance(&columns[k], start);
            pointers[k] = &columns[k];
        }
        hash_keys(pointers, keys, (Rows){NULL, MIN(end - start, (uint32_t)CHUNK_ROWS)}, join->hashes + start);
    }
}

/* NULL keys never match, except null-safe ones. */
static bool key_is_null(const Indexing *indexing, uint32_t row)
{
    const PhysNode *node = indexing->join->node;
    for (uint32_t k = 0; k < node->join.key_count; k++) {
        const uint8_t *nulls = indexing->keys[k]->nulls;
        if (!node->join.null_safe[k] && nulls != NULL && nulls[row] != 0)
            return true;
    }
    return false;
}

static void link_slice(Indexing *indexing, uint32_t first, uint32_t end)
{
    HashJoin *join = indexing->join;
    bool has_duplicate = false, has_null = false;
    /* From the end, so that chains of one worker are in the order of rows. */
    for (uint32_t row = end; row > first; row--) {
        if (key_is_null(indexing, row - 1)) {
            has_null = true;
            continue;
        }
        uint64_t place = join->is_direct ? (uint64_t)key_value(indexing->keys[0], row - 1) - (uint64_t)join->direct_min
                                         : (join->hashes[row - 1] >> 32) & join->mask;
        join->chain[row - 1] = __atomic_exchange_n(&join->heads[place], row, __ATOMIC_RELAXED);
        has_duplicate |= join->is_direct && join->chain[row - 1] != 0;
    }
    if (has_null)
        atomic_store(&indexing->has_null, true);
    if (has_duplicate)
        atomic_store(&indexing->has_duplicate, true);
}

/* Of two rows with one key, one is behind the other in their chain. */
static void compare_slice(Indexing *indexing, uint32_t first, uint32_t end)
{
    HashJoin *join = indexing->join;
    for (uint32_t row = first; row < end && !atomic_load_explicit(&indexing->has_duplicate, memory_order_relaxed); row++) {
        for (uint32_t other = join->chain[row]; other != 0; other = join->chain[other - 1]) {
            if (join->hashes[other - 1] != join->hashes[row] ||
                !keys_equal(indexing->keys, other - 1, indexing->keys, row, join->node->join.key_count))
                continue;
            atomic_store(&indexing->has_duplicate, true);
            break;
        }
    }
}

static Status index_worker(void *context, uint32_t number)
{
    Indexing *indexing = context;
    (void)number;
    for (;;) {
        uint32_t first = atomic_fetch_add(&indexing->next_row, SLICE_ROWS);
        if (first >= indexing->rows)
            return OK;
        uint32_t end = MIN(indexing->rows - first, (uint32_t)SLICE_ROWS) + first;
        TRY(exec_check(indexing->join->exec));
        if (indexing->checks_duplicates) {
            compare_slice(indexing, first, end);
            continue;
        }
        if (!indexing->join->is_direct)
            hash_slice(indexing, first, end);
        link_slice(indexing, first, end);
    }
}

static Status run_slices(Indexing *indexing, bool in_parallel)
{
    atomic_store(&indexing->next_row, 0);
    return in_parallel && indexing->rows > SLICE_ROWS ? exec_parallel(indexing->join->exec, index_worker, indexing)
                                                      : index_worker(indexing, 0);
}

Status join_index(HashJoin *join, bool in_parallel)
{
    if (join->node->join.asof != PHYS_ASOF_NONE)
        return asof_index(join, in_parallel);
    uint32_t rows = (uint32_t)join->store->row_count;
    Indexing indexing = {.join = join, .rows = rows};
    for (uint32_t k = 0; k < join->node->join.key_count && k < MAX_KEYS; k++)
        indexing.keys[k] = &join->store->columns[join->right_count + k];
    uint64_t places = choose_places(join, indexing.keys[0], rows);
    if (join->is_direct)
        profile_choice(join->exec, join->node, "direct addressing: %u keys within a range of %llu", rows, (unsigned long long)join->direct_span + 1);
    else
        profile_choice(join->exec, join->node, "hashing: %s",
                       join->node->join.key_count > 1 ? "several keys" : rows == 0 ? "no rows" : "keys are no integers of a narrow range");
    join->index_bytes = (int64_t)rows * (join->is_direct ? 4 : 12) + (int64_t)places * 4;
    join->index_bytes += join_keeps_build(join) ? rows : 0;
    Status room = mem_check_room(join->memory, join->index_bytes, join->exec->diag);
    if (room != OK)
        join->index_bytes = 0;
    TRY(room);
    mem_charge(join->memory, join->index_bytes);
    TRY(exec_check(join->exec));
    join->hashes = join->is_direct ? NULL : mem_alloc((rows + 1) * sizeof(uint64_t));
    join->chain = mem_alloc_zero((rows + 1) * sizeof(uint32_t));
    join->heads = mem_alloc_zero(places * sizeof(*join->heads));
    TRY(run_slices(&indexing, in_parallel));
    indexing.checks_duplicates = true;
    if (!join->is_direct)
        TRY(run_slices(&indexing, in_parallel));
    join->build_has_null |= atomic_load(&indexing.has_null);
    join->is_unique = !atomic_load(&indexing.has_duplicate);
    if (join_keeps_build(join))
        join->matched = mem_alloc_zero(rows + 1);
    return OK;
}

void join_drop_build(HashJoin *join)
{
    mem_release(join->memory, join->index_bytes);
    join->index_bytes = 0;
    asof_drop(join);
    column_store_free(join->store);
    mem_free(join->hashes);
    mem_free(join->heads);
    mem_free(join->chain);
    mem_free(join->matched);
    join->store = NULL;
    join->hashes = NULL;
    join->heads = NULL;
    join->chain = NULL;
    join->matched = NULL;
}
