#include "exec/aggregate_int.h"

/* The hash table of groups: open addressing over slots of 8 bytes (32 bits of the hash, 32 bits group + 1), keys as
 * columns, states in rows. Rows are looked up a chunk at a time: first every row walks to a slot that is free or has its
 * hash bits; then the keys of all rows are compared column by column with those of the groups that were found; the few that
 * differ walk on. New groups get their keys stored between the two steps, all at once. */

#include "base/hash.h"

enum { FIRST_SLOTS = 1024, PREFETCH_ROWS = 12 };

/* Buffers of one lookup. Numbers are positions in rows (0 .. rows.count - 1). */
struct GroupLookup {
    uint32_t slots[CHUNK_ROWS];   /* where the walk of a row stands */
    uint16_t pending[CHUNK_ROWS]; /* rows without a group, ascending */
    uint16_t matches[CHUNK_ROWS]; /* rows whose keys are to be compared */
    uint16_t fresh[CHUNK_ROWS];   /* positions in the chunk of rows that made a group */
    uint32_t pending_count, match_count, fresh_count;
    bool has_moved; /* slots were laid out anew during the walk */
};

GroupLookup *group_lookup_new(Arena *arena)
{
    return ARENA_NEW(arena, GroupLookup);
}

void group_table_init(Aggregate *agg, GroupTable *table, const Type *types, uint32_t count, uint32_t row_bytes)
{
    *table = (GroupTable){.keys = column_store_new(agg->memory, types, count), .row_bytes = row_bytes};
}

/* What states own outside of arenas. */
void aggregate_destroy_states(const Aggregate *agg, uint8_t *const *rows, uint32_t count)
{
    for (uint32_t c = 0; c < agg->node->aggregate.call_count; c++) {
        const FuncBinding *binding = agg->node->aggregate.calls[c].binding;
        AggContext context = {binding, agg->exec->session, NULL, agg->exec->diag};
        for (uint32_t i = 0; i < count && binding->aggregate->destroy != NULL; i++)
            binding->aggregate->destroy(&context, rows[i] + agg->offsets[c]);
    }
}

static int64_t group_bytes(const GroupTable *table)
{
    return (int64_t)(table->row_bytes + sizeof(uint64_t));
}

void group_table_free(const Aggregate *agg, GroupTable *table)
{
    for (uint32_t g = 0; g < table->count && table->row_bytes > 0 && agg->has_destroy; g++) {
        uint8_t *row = table->states + (size_t)g * table->row_bytes;
        aggregate_destroy_states(agg, &row, 1);
    }
    int64_t slots = table->slots == NULL ? 0 : (int64_t)table->mask + 1;
    mem_release(agg->memory, (int64_t)table->capacity * group_bytes(table) + slots * (int64_t)sizeof(uint64_t));
    column_store_free(table->keys);
    mem_free(table->hashes);
    mem_free(table->slots);
    mem_free(table->states);
    *table = (GroupTable){0};
}

static uint64_t slot_tag(uint64_t hash)
{
    return hash & 0xFFFFFFFF00000000u;
}

static void rehash(Aggregate *agg, GroupTable *table)
{
    uint32_t old = table->slots == NULL ? 0 : table->mask + 1;
    uint32_t count = MAX(old * 2, (uint32_t)FIRST_SLOTS);
    mem_free(table->slots);
    mem_charge(agg->memory, (int64_t)(count - old) * (int64_t)sizeof(uint64_t));
    table->slots = mem_alloc_zero(count * sizeof(uint64_t));
    table->mask = count - 1;
    for (uint32_t g = 0; g < table->count; g++) {
        uint32_t slot = (uint32_t)table->hashes[g] & table->mask;
        while (table->slots[slot] != 0)
            slot = (slot + 1) & table->mask;
        table->slots[slot] = slot_tag(table->hashes[g]) | (g + 1);
    }
}

static Status grow_states(Aggregate *agg, GroupTable *table)
{
    uint32_t capacity = MAX(table->capacity * 2, 256u);
    mem_charge(agg->memory, (int64_t)(capacity - table->capacity) * group_bytes(table));
    TRY(exec_check(agg->exec));
    table->hashes = mem_realloc(table->hashes, capacity * sizeof(uint64_t));
    table->states = mem_realloc(table->states, (size_t)capacity * table->row_bytes + 8);
    table->capacity = capacity;
    return OK;
}

void aggregate_init_states(const Aggregate *agg, AggWorker *worker, uint8_t *row)
{
    for (uint32_t c = 0; c < agg->node->aggregate.call_count; c++) {
        const AggKernel *kernel = agg->node->aggregate.calls[c].binding->aggregate;
        if (kernel->init != NULL)
            kernel->init(&worker->contexts[c], row + agg->offsets[c]);
    }
}

/* All but the keys. */
static Status new_group(Aggregate *agg, AggWorker *worker, GroupTable *table, uint64_t hash, uint32_t slot)
{
    if (table->count == table->capacity)
        TRY(grow_states(agg, table));
    table->hashes[table->count] = hash;
    if (table->row_bytes > 0) {
        uint8_t *state = table->states + (size_t)table->count * table->row_bytes;
        memset(state, 0, table->row_bytes);
        if (agg->has_init)
            aggregate_init_states(agg, worker, state);
    }
    table->count++;
    table->slots[slot] = slot_tag(hash) | table->count;
    return OK;
}

/* Room for one group more; walks start again where slots have moved. */
static void make_room(Aggregate *agg, GroupTable *table, Rows rows, const uint64_t *hashes, GroupLookup *lookup)
{
    if ((table->count + 1) * 2 <= table->mask)
        return;
    rehash(agg, table);
    lookup->has_moved = true;
    for (uint32_t p = 0; p < lookup->pending_count; p++) {
        uint32_t i = lookup->pending[p];
        lookup->slots[i] = (uint32_t)hashes[rows_at(rows, i)] & table->mask;
    }
}

/* Every pending row walks to the next slot that is free, and takes it, or that has its hash bits. */
static Status walk(Aggregate *agg, AggWorker *worker, GroupTable *table, Rows rows, const uint64_t *hashes, uint32_t *groups)
{
    GroupLookup *lookup = worker->lookup;
    lookup->match_count = lookup->fresh_count = 0;
    lookup->has_moved = false;
    for (uint32_t p = 0; p < lookup->pending_count; p++) {
        uint32_t i = lookup->pending[p];
        uint32_t row = rows_at(rows, i);
        uint64_t hash = hashes[row];
        uint32_t ahead = lookup->pending[MIN(p + PREFETCH_ROWS, lookup->pending_count - 1)];
        __builtin_prefetch(&table->slots[lookup->slots[ahead]]);
        uint32_t slot = lookup->slots[i];
        while (table->slots[slot] != 0 && slot_tag(table->slots[slot]) != slot_tag(hash))
            slot = (slot + 1) & table->mask;
        lookup->slots[i] = slot;
        if (table->slots[slot] != 0) {
            groups[i] = (uint32_t)table->slots[slot] - 1;
            lookup->matches[lookup->match_count++] = (uint16_t)i;
            continue;
        }
        TRY(new_group(agg, worker, table, hash, slot));
        groups[i] = table->count - 1;
        lookup->fresh[lookup->fresh_count++] = (uint16_t)row;
        make_room(agg, table, rows, hashes, lookup);
    }
    return OK;
}

/* Keeps in matches those whose values of one key are equal, and collects the others in pending. */
#define COMPARE_LOOP(EQUAL)                                                             \
    for (uint32_t m = 0; m < count; m++) {                                              \
        uint32_t i = lookup->matches[m];                                                \
        uint32_t row = rows_at(rows, i), group = groups[i];                             \
        if (EQUAL)                                                                      \
            lookup->matches[kept++] = (uint16_t)i;                                      \
        else                                                                            \
            lookup->pending[lookup->pending_count++] = (uint16_t)i;                     \
    }
#define INTEGER_EQUAL(T) (((const T *)stored->data)[group] == ((const T *)view.data)[view_index(&view, row)])

static void compare_key(GroupLookup *lookup, const Vector *stored, const Vector *key, Rows rows, const uint32_t *groups)
{
    VectorView view = vector_view(key);
    uint32_t count = lookup->match_count, kept = 0;
    PhysKind phys = (PhysKind)key->type.phys;
    bool has_nulls = stored->nulls != NULL || view.nulls != NULL || view.row_nulls != NULL;
    if (!has_nulls && phys == PHYS_I32) {
        COMPARE_LOOP(INTEGER_EQUAL(int32_t))
    } else if (!has_nulls && phys == PHYS_I64) {
        COMPARE_LOOP(INTEGER_EQUAL(int64_t))
    } else if (!has_nulls && phys == PHYS_STR) {
        COMPARE_LOOP(str_equal(&((const Str *)stored->data)[group], &((const Str *)view.data)[view_index(&view, row)]))
    } else {
        COMPARE_LOOP(keys_equal(&stored, group, &key, row, 1))
    }
    lookup->match_count = kept;
}

/* Rows whose keys differ from those of the group they met walk on, in their old order. */
static void sort_pending(GroupLookup *lookup, uint32_t mask, Rows rows, const uint64_t *hashes)
{
    uint32_t count = 0;
    uint64_t marks[CHUNK_ROWS / 64 + 1] = {0};
    for (uint32_t p = 0; p < lookup->pending_count; p++) {
        uint32_t i = lookup->pending[p];
        marks[i / 64] |= (uint64_t)1 << (i % 64);
        uint32_t next = lookup->has_moved ? (uint32_t)hashes[rows_at(rows, i)] : lookup->slots[i] + 1;
        lookup->slots[i] = next & mask;
    }
    for (uint32_t w = 0; w <= (rows.count - 1) / 64; w++) {
        for (uint64_t bits = marks[w]; bits != 0; bits &= bits - 1)
            lookup->pending[count++] = (uint16_t)(w * 64 + (uint32_t)__builtin_ctzll(bits));
    }
}

Status aggregate_find_groups(Aggregate *agg, AggWorker *worker, GroupTable *table, const Vector *const *keys, uint32_t key_count,
                             Rows rows, const uint64_t *hashes, uint32_t *out_groups)
{
    GroupLookup *lookup = worker->lookup;
    if (table->slots == NULL)
        rehash(agg, table);
    for (FOR_ROWS(rows, i, row)) {
        lookup->pending[i] = (uint16_t)i;
        lookup->slots[i] = (uint32_t)hashes[row] & table->mask;
    }
    lookup->pending_count = rows.count;
    while (lookup->pending_count > 0) {
        TRY(walk(agg, worker, table, rows, hashes, out_groups));
        if (lookup->fresh_count > 0)
            TRY(column_store_append(agg->exec, table->keys, keys, (Rows){lookup->fresh, lookup->fresh_count}));
        lookup->pending_count = 0;
        for (uint32_t k = 0; k < key_count && lookup->match_count > 0; k++)
            compare_key(lookup, &table->keys->columns[k], keys[k], rows, out_groups);
        if (lookup->pending_count > 0)
            sort_pending(lookup, table->mask, rows, hashes);
    }
    return OK;
}
