#include "exec/hash_join_int.h"

/* ASOF joins: each probe row finds the build row of its key whose value is nearest on the right side of the inequality.
 *
 * The index: build rows go to partitions by the hash of their keys, and within a partition to the group of their key, where
 * they are sorted by value. Values are kept as unsigned integers of the same order. Partitions are made by all workers, and
 * each has a directory of its own over the hashes of its groups. Probe rows look their groups up, then search them, many rows
 * abreast: each step waits for memory.
 *
 * With other conditions a row that fails them gives way to the next nearest one, a round for all rows of the chunk at once. */

enum { PARTITION_BITS = 6, PARTITIONS = 1 << PARTITION_BITS, SLICE_ROWS = 4 * CHUNK_ROWS, BATCH_ROWS = 512,
       ABREAST = 32, SMALL_SORT = 16, MIN_SLOTS = 64 };

typedef struct AsofEntry {
    uint64_t order;
    uint32_t row;
    uint32_t group; /* while the index is made: of the partition; NO_PARTITION: not in the index */
} AsofEntry;

typedef struct AsofGroup {
    uint64_t hash;
    uint32_t first; /* entry */
    uint32_t count;
} AsofGroup;

typedef struct AsofPartition {
    uint32_t first, count; /* entries */
    AsofGroup *groups;
    uint32_t group_count, group_capacity;
    uint32_t *slots; /* group + 1; 0: empty */
    uint32_t slot_count;
} AsofPartition;

typedef struct AsofIndex {
    uint64_t *values; /* of the entries */
    uint32_t *rows;
    AsofPartition partitions[PARTITIONS];
} AsofIndex;

#define NO_PARTITION UINT32_MAX

static uint32_t partition_of(uint64_t hash)
{
    return (uint32_t)(hash >> (64 - PARTITION_BITS));
}

/* ---- values as ordered integers ---- */

static uint64_t order_of_double(double value)
{
    uint64_t bits;
    value = value == 0 ? 0 : value;
    memcpy(&bits, &value, sizeof(bits));
    return (bits >> 63) != 0 ? ~bits : bits | (uint64_t)1 << 63;
}

#define ORDER_INTEGERS(T)             \
    for (FOR_ROWS(rows, i, row))      \
        out[row] = (uint64_t)(int64_t)((const T *)view.data)[view_index(&view, row)] ^ (uint64_t)1 << 63

#define ORDER_FLOATS(T)          \
    for (FOR_ROWS(rows, i, row)) \
        out[row] = order_of_double((double)((const T *)view.data)[view_index(&view, row)])

static void orders(const Vector *vector, Rows rows, uint64_t *out)
{
    VectorView view = vector_view(vector);
    switch ((PhysKind)view.values->type.phys) {
    case PHYS_I8:
        ORDER_INTEGERS(int8_t);
        break;
    case PHYS_I16:
        ORDER_INTEGERS(int16_t);
        break;
    case PHYS_I32:
        ORDER_INTEGERS(int32_t);
        break;
    case PHYS_F32:
        ORDER_FLOATS(float);
        break;
    case PHYS_F64:
        ORDER_FLOATS(double);
        break;
    default:
        ORDER_INTEGERS(int64_t);
        break;
    }
}

/* ---- sorting the entries of a group ---- */

static void sort_small(AsofEntry *entries, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        AsofEntry entry = entries[i];
        uint32_t at = i;
        for (; at > 0 && entries[at - 1].order > entry.order; at--)
            entries[at] = entries[at - 1];
        entries[at] = entry;
    }
}

static bool is_sorted(const AsofEntry *entries, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        if (entries[i - 1].order > entries[i].order)
            return false;
    }
    return true;
}

/* Merge sort over scratch of the same size; halves that are in order stay. */
static void sort_entries(AsofEntry *entries, AsofEntry *scratch, uint32_t count)
{
    if (count <= SMALL_SORT) {
        sort_small(entries, count);
        return;
    }
    uint32_t half = count / 2, a = 0, b = half;
    sort_entries(entries, scratch, half);
    sort_entries(entries + half, scratch, count - half);
    if (entries[half - 1].order <= entries[half].order)
        return;
    memcpy(scratch, entries, half * sizeof(*entries));
    for (uint32_t at = 0; a < half; at++)
        entries[at] = b < count && entries[b].order < scratch[a].order ? entries[b++] : scratch[a++];
}

/* ---- making the index ---- */

typedef struct AsofBuild {
    HashJoin *join;
    AsofEntry *unsorted; /* by row */
    AsofEntry *entries;  /* by partition, then by group */
    uint64_t *hashes;
    uint32_t rows;
    uint32_t slice_count;
    uint32_t (*offsets)[PARTITIONS]; /* by slice: how many rows of a partition, then where they go */
    bool is_scatter;                 /* the second pass over the slices */
    _Atomic uint32_t next;
    const Vector *keys[MAX_KEYS];
} AsofBuild;

/* Rows that can be matched at all. */
static void mark_null_rows(AsofBuild *build, uint32_t first, uint32_t end)
{
    const PhysNode *node = build->join->node;
    for (uint32_t k = 0; k <= node->join.key_count; k++) {
        const uint8_t *nulls = build->keys[k]->nulls;
        bool matches_null = k < node->join.key_count && node->join.null_safe[k];
        for (uint32_t row = first; nulls != NULL && !matches_null && row < end; row++)
            build->unsorted[row].group = nulls[row] != 0 ? NO_PARTITION : build->unsorted[row].group;
    }
}

static void prepare_slice(AsofBuild *build, uint32_t slice)
{
    uint32_t keys = build->join->node->join.key_count;
    uint32_t first = slice * SLICE_ROWS, end = MIN(build->rows, first + SLICE_ROWS);
    uint64_t values[BATCH_ROWS];
    Vector columns[MAX_KEYS];
    const Vector *pointers[MAX_KEYS];
    for (uint32_t start = first; start < end; start += BATCH_ROWS) {
        Rows rows = {NULL, MIN(end - start, (uint32_t)BATCH_ROWS)};
        for (uint32_t k = 0; k <= keys; k++) {
            columns[k] = *build->keys[k];
            vector_advance(&columns[k], start);
            pointers[k] = &columns[k];
        }
        hash_keys(pointers, keys, rows, build->hashes + start);
        orders(&columns[keys], rows, values);
        for (uint32_t i = 0; i < rows.count; i++)
            build->unsorted[start + i] = (AsofEntry){values[i], start + i, 0};
    }
    mark_null_rows(build, first, end);
    for (uint32_t row = first; row < end; row++)
        build->offsets[slice][partition_of(build->hashes[row])] += build->unsorted[row].group != NO_PARTITION;
}

static void scatter_slice(AsofBuild *build, uint32_t slice)
{
    uint32_t first = slice * SLICE_ROWS, end = MIN(build->rows, first + SLICE_ROWS);
    for (uint32_t row = first; row < end; row++) {
        if (build->unsorted[row].group != NO_PARTITION)
            build->entries[build->offsets[slice][partition_of(build->hashes[row])]++] = build->unsorted[row];
    }
}

static Status slice_worker(void *context, uint32_t number)
{
    AsofBuild *build = context;
    (void)number;
    for (;;) {
        uint32_t slice = atomic_fetch_add(&build->next, 1);
        if (slice >= build->slice_count)
            return OK;
        TRY(exec_check(build->join->exec));
        if (build->is_scatter)
            scatter_slice(build, slice);
        else
            prepare_slice(build, slice);
    }
}

/* Counts of slices to places: the partitions one after the other, in each the slices. */
static void place_partitions(AsofBuild *build)
{
    uint32_t next = 0;
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        AsofPartition *partition = &build->join->asof->partitions[p];
        partition->first = next;
        for (uint32_t s = 0; s < build->slice_count; s++) {
            uint32_t count = build->offsets[s][p];
            build->offsets[s][p] = next;
            next += count;
        }
        partition->count = next - partition->first;
    }
}

static void grow_slots(AsofPartition *partition)
{
    uint32_t count = MAX(partition->slot_count * 2, (uint32_t)MIN_SLOTS);
    mem_free(partition->slots);
    partition->slots = mem_alloc_zero(count * sizeof(*partition->slots));
    partition->slot_count = count;
    for (uint32_t g = 0; g < partition->group_count; g++) {
        uint32_t at = (uint32_t)partition->groups[g].hash & (count - 1);
        while (partition->slots[at] != 0)
            at = (at + 1) & (count - 1);
        partition->slots[at] = g + 1;
    }
}

static uint32_t new_group(AsofPartition *partition, uint64_t hash, uint32_t entry)
{
    if (partition->group_count == partition->group_capacity) {
        partition->group_capacity = MAX(partition->group_capacity * 2, 16u);
        partition->groups = mem_realloc(partition->groups, partition->group_capacity * sizeof(*partition->groups));
    }
    partition->groups[partition->group_count] = (AsofGroup){hash, entry, 0};
    return partition->group_count++;
}

/* The group of an entry's key; groups[].first is an entry of it while they are made. */
static uint32_t find_or_add(AsofBuild *build, AsofPartition *partition, uint32_t entry)
{
    const AsofEntry *entries = build->entries;
    uint64_t hash = build->hashes[entries[entry].row];
    if ((partition->group_count + 1) * 2 > partition->slot_count)
        grow_slots(partition);
    uint32_t at = (uint32_t)hash & (partition->slot_count - 1);
    for (; partition->slots[at] != 0; at = (at + 1) & (partition->slot_count - 1)) {
        const AsofGroup *group = &partition->groups[partition->slots[at] - 1];
        if (group->hash == hash && keys_equal(build->keys, entries[entry].row, build->keys, entries[group->first].row, build->join->node->join.key_count))
            return partition->slots[at] - 1;
    }
    uint32_t made = new_group(partition, hash, entry);
    partition->slots[at] = made + 1;
    return made;
}

/* Entries of a partition by group, each in order of its values. */
static void make_partition(AsofBuild *build, AsofPartition *partition)
{
    AsofEntry *entries = build->entries + partition->first;
    uint32_t next = partition->first;
    for (uint32_t i = 0; i < partition->count; i++) {
        entries[i].group = find_or_add(build, partition, partition->first + i);
        partition->groups[entries[i].group].count++;
    }
    for (uint32_t g = 0; g < partition->group_count; g++) {
        partition->groups[g].first = next;
        next += partition->groups[g].count;
        partition->groups[g].count = 0;
    }
    AsofEntry *copy = build->unsorted + partition->first; /* the rows are in the partitions now */
    memcpy(copy, entries, partition->count * sizeof(*entries));
    for (uint32_t i = 0; i < partition->count; i++) {
        AsofGroup *group = &partition->groups[copy[i].group];
        build->entries[group->first + group->count++] = copy[i];
    }
    for (uint32_t g = 0; g < partition->group_count; g++) {
        const AsofGroup *group = &partition->groups[g];
        AsofEntry *own = build->entries + group->first;
        if (!is_sorted(own, group->count))
            sort_entries(own, copy, group->count);
    }
    for (uint32_t i = 0; i < partition->count; i++) {
        build->join->asof->values[partition->first + i] = entries[i].order;
        build->join->asof->rows[partition->first + i] = entries[i].row;
    }
}

static Status partition_worker(void *context, uint32_t number)
{
    AsofBuild *build = context;
    (void)number;
    for (;;) {
        uint32_t partition = atomic_fetch_add(&build->next, 1);
        if (partition >= PARTITIONS)
            return OK;
        TRY(exec_check(build->join->exec));
        make_partition(build, &build->join->asof->partitions[partition]);
    }
}

static Status run_pass(AsofBuild *build, bool in_parallel, Status (*pass)(void *context, uint32_t number))
{
    atomic_store(&build->next, 0);
    return in_parallel && build->rows > SLICE_ROWS ? exec_parallel(build->join->exec, pass, build) : pass(build, 0);
}

static Status make_index(AsofBuild *build, bool in_parallel)
{
    TRY(run_pass(build, in_parallel, slice_worker));
    place_partitions(build);
    build->is_scatter = true;
    TRY(run_pass(build, in_parallel, slice_worker));
    return run_pass(build, in_parallel, partition_worker);
}

static Status charge(HashJoin *join, int64_t bytes)
{
    TRY(mem_check_room(join->memory, bytes, join->exec->diag));
    join->index_bytes = bytes;
    mem_charge(join->memory, bytes);
    return exec_check(join->exec);
}

Status asof_index(HashJoin *join, bool in_parallel)
{
    uint32_t rows = (uint32_t)join->store->row_count;
    AsofBuild build = {.join = join, .rows = rows, .slice_count = (rows + SLICE_ROWS - 1) / SLICE_ROWS};
    for (uint32_t k = 0; k < join_stored_keys(join); k++)
        build.keys[k] = &join->store->columns[join->right_count + k];
    TRY(charge(join, (int64_t)rows * (int64_t)(2 * sizeof(AsofEntry) + 2 * sizeof(uint64_t) + sizeof(uint32_t)) + (int64_t)sizeof(AsofIndex)));
    join->asof = mem_alloc_zero(sizeof(*join->asof));
    join->asof->values = mem_alloc((rows + 1) * sizeof(uint64_t));
    join->asof->rows = mem_alloc((rows + 1) * sizeof(uint32_t));
    build.entries = mem_alloc((rows + 1) * sizeof(AsofEntry));
    build.unsorted = mem_alloc((rows + 1) * sizeof(AsofEntry));
    build.hashes = mem_alloc((rows + 1) * sizeof(uint64_t));
    build.offsets = mem_alloc_zero((build.slice_count + 1) * sizeof(*build.offsets));
    Status status = make_index(&build, in_parallel);
    mem_free(build.unsorted);
    mem_free(build.entries);
    mem_free(build.hashes);
    mem_free(build.offsets);
    mem_release(join->memory, join->index_bytes);
    join->index_bytes = 0;
    TRY(status);
    int64_t bytes = (int64_t)(rows * (sizeof(uint64_t) + sizeof(uint32_t)) + sizeof(AsofIndex));
    uint32_t groups = 0;
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        const AsofPartition *partition = &join->asof->partitions[p];
        bytes += (int64_t)(partition->group_capacity * sizeof(AsofGroup) + partition->slot_count * sizeof(uint32_t));
        groups += partition->group_count;
    }
    profile_choice(join->exec, join->node, "asof: %u rows of %u keys", rows, groups);
    return charge(join, bytes);
}

void asof_drop(HashJoin *join)
{
    for (uint32_t p = 0; join->asof != NULL && p < PARTITIONS; p++) {
        mem_free(join->asof->partitions[p].groups);
        mem_free(join->asof->partitions[p].slots);
    }
    if (join->asof != NULL) {
        mem_free(join->asof->values);
        mem_free(join->asof->rows);
    }
    mem_free(join->asof);
    join->asof = NULL;
}

/* ---- probe ---- */

static bool keys_match(const Probe *probe, uint32_t row, uint32_t build_row)
{
    if (probe->int_width == 8)
        return ((const int64_t *)probe->view.data)[view_index(&probe->view, row)] == ((const int64_t *)probe->stored[0]->data)[build_row];
    if (probe->int_width == 4)
        return ((const int32_t *)probe->view.data)[view_index(&probe->view, row)] == ((const int32_t *)probe->stored[0]->data)[build_row];
    return keys_equal(probe->keys, row, probe->stored, build_row, probe->join->node->join.key_count);
}

static const AsofGroup *find_group(const Probe *probe, uint32_t row)
{
    const AsofIndex *index = probe->join->asof;
    uint64_t hash = probe->worker->hashes[row];
    const AsofPartition *partition = &index->partitions[partition_of(hash)];
    if (partition->group_count == 0)
        return NULL;
    for (uint32_t at = (uint32_t)hash & (partition->slot_count - 1); partition->slots[at] != 0; at = (at + 1) & (partition->slot_count - 1)) {
        const AsofGroup *group = &partition->groups[partition->slots[at] - 1];
        if (group->hash == hash && keys_match(probe, row, index->rows[group->first]))
            return group;
    }
    return NULL;
}

/* What is left for a probe row: entries from .. end of a group, nearest first or, going down, last. */
typedef struct AsofSpan {
    uint32_t from, end;
} AsofSpan;

static bool goes_down(const HashJoin *join)
{
    return join->node->join.asof == PHYS_ASOF_GE || join->node->join.asof == PHYS_ASOF_GT;
}

/* A search for the first value that is not below limit. */
typedef struct AsofSearch {
    const AsofGroup *group;
    const uint64_t *low;
    uint64_t limit;
    uint32_t count;
    uint32_t row;
} AsofSearch;

static void search_abreast(const AsofIndex *index, AsofSearch *searches, uint32_t count, bool down, AsofSpan *spans)
{
    for (uint32_t left = 1; left > 0;) {
        left = 0;
        for (uint32_t i = 0; i < count; i++) {
            AsofSearch *search = &searches[i];
            uint32_t half = search->count / 2;
            bool is_below = search->count > 0 && search->low[half] < search->limit;
            search->low += is_below ? half + 1 : 0;
            search->count = is_below ? search->count - half - 1 : half;
            left |= search->count;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t first = searches[i].group->first, at = (uint32_t)(searches[i].low - index->values);
        spans[searches[i].row] = down ? (AsofSpan){first, at} : (AsofSpan){at, first + searches[i].group->count};
    }
}

/* What the search is for; false: nothing is below the limit, or all is. */
static bool limit_of(PhysAsof asof, uint64_t value, uint64_t *out_limit)
{
    bool or_equal = asof == PHYS_ASOF_GE || asof == PHYS_ASOF_LT;
    *out_limit = value + or_equal;
    return !or_equal || value != UINT64_MAX;
}

/* Spans of all rows; empty for those that can't match. */
static void find_spans(const Probe *probe, Rows rows, AsofSpan *spans)
{
    const PhysNode *node = probe->join->node;
    const Vector *value = probe->keys[node->join.key_count];
    uint64_t *values = arena_alloc(&probe->worker->scratch, CHUNK_ROWS * sizeof(*values));
    uint8_t *is_null = arena_alloc_zero(&probe->worker->scratch, CHUNK_ROWS);
    for (uint32_t k = 0; k <= node->join.key_count; k++) {
        VectorView view = vector_view(probe->keys[k]);
        if ((view.nulls == NULL && view.row_nulls == NULL) || (k < node->join.key_count && node->join.null_safe[k]))
            continue;
        for (FOR_ROWS(rows, i, row))
            is_null[row] |= view_is_null(&view, row);
    }
    orders(value, rows, values);
    AsofSearch searches[ABREAST];
    uint32_t count = 0;
    bool down = goes_down(probe->join);
    for (FOR_ROWS(rows, i, row)) {
        const AsofGroup *group = is_null[row] != 0 ? NULL : find_group(probe, row);
        uint64_t limit;
        spans[row] = (AsofSpan){0, 0};
        if (group == NULL)
            continue;
        if (!limit_of((PhysAsof)node->join.asof, values[row], &limit)) {
            spans[row] = down ? (AsofSpan){group->first, group->first + group->count} : spans[row];
            continue;
        }
        searches[count++] = (AsofSearch){group, probe->join->asof->values + group->first, limit, group->count, row};
        if (count == ABREAST) {
            search_abreast(probe->join->asof, searches, count, down, spans);
            count = 0;
        }
    }
    search_abreast(probe->join->asof, searches, count, down, spans);
}

static uint32_t nearest(const HashJoin *join, const AsofSpan *span)
{
    return join->asof->rows[goes_down(join) ? span->end - 1 : span->from];
}

/* One round: the nearest of what is left for each row without a match; those that pass become matches. codes: build row + 1. */
static Status match_round(const Probe *probe, Rows rows, AsofSpan *spans, uint32_t *codes, bool *out_more)
{
    HashJoin *join = probe->join;
    JoinWorker *worker = probe->worker;
    uint32_t pairs = 0;
    for (FOR_ROWS(rows, i, row)) {
        AsofSpan *span = &spans[row];
        if (codes[row] != 0 || span->from >= span->end)
            continue;
        worker->probe_rows[pairs] = row;
        worker->build_rows[pairs++] = nearest(join, span);
        span->from += !goes_down(join);
        span->end -= goes_down(join);
    }
    *out_more = pairs > 0;
    TRY(join_filter_pairs(probe, &pairs));
    for (uint32_t i = 0; i < pairs; i++)
        codes[worker->probe_rows[i]] = worker->build_rows[i] + 1;
    return OK;
}

static Status find_matches(const Probe *probe, Rows rows, AsofSpan *spans, uint32_t *codes)
{
    HashJoin *join = probe->join;
    if (join->node->join.residual_count == 0) {
        for (FOR_ROWS(rows, i, row))
            codes[row] = spans[row].from < spans[row].end ? nearest(join, &spans[row]) + 1 : 0;
        return OK;
    }
    for (FOR_ROWS(rows, i, row))
        codes[row] = 0;
    for (bool more = true; more;) {
        ArenaMark mark = arena_mark(&probe->worker->scratch);
        TRY(exec_check(join->exec));
        TRY(match_round(probe, rows, spans, codes, &more));
        arena_release(&probe->worker->scratch, mark);
    }
    return OK;
}

Status asof_probe(const Probe *probe, Rows rows)
{
    HashJoin *join = probe->join;
    JoinWorker *worker = probe->worker;
    bool keeps_left = join_kind(join) == PHYS_JOIN_ASOF_LEFT;
    AsofSpan *spans = arena_alloc(&worker->scratch, CHUNK_ROWS * sizeof(*spans));
    uint32_t *codes = arena_alloc(&worker->scratch, CHUNK_ROWS * sizeof(*codes));
    uint8_t *nulls = keeps_left ? arena_alloc(&worker->scratch, CHUNK_ROWS) : NULL;
    uint32_t kept = 0;
    find_spans(probe, rows, spans);
    TRY(find_matches(probe, rows, spans, codes));
    for (FOR_ROWS(rows, i, row)) {
        bool found = codes[row] != 0;
        codes[row] -= found;
        if (keeps_left)
            nulls[row] = !found;
        worker->sel[kept] = (uint16_t)row;
        kept += found || keeps_left;
    }
    if (kept == 0)
        return OK;
    Vector *right = join->store->row_count == 0 ? join_null_vectors(join, worker, false) : join_build_vectors(join, worker, codes, nulls);
    Chunk shape = {.row_count = probe->chunk->row_count, .sel = worker->sel, .selected = kept};
    return join_emit_columns(join, worker, probe->number, probe->chunk->columns, right, NULL, &shape);
}
