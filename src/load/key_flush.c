#include "load/key_flush.h"

/* Keys of one integer column that come sorted need no hash table to find the last row of each: equal ones lie side by side. */

#include "storage/key_sort.h"
#include "storage/row_sort.h"

/* Positions of the last row of each key: open addressing over row numbers + 1. */
static void mark_last(const KeyHash *hashes, uint32_t rows, const uint8_t *skipped, uint8_t *is_last)
{
    uint64_t capacity = 64;
    while (capacity < (uint64_t)rows * 2)
        capacity *= 2;
    uint32_t *slots = mem_alloc_zero(capacity * sizeof(*slots));
    for (uint32_t row = rows; row > 0; row--) {
        const KeyHash *key = &hashes[row - 1];
        is_last[row - 1] = 0;
        if (skipped != NULL && skipped[row - 1])
            continue;
        uint64_t at = key->low & (capacity - 1);
        while (slots[at] != 0 && (hashes[slots[at] - 1].low != key->low || hashes[slots[at] - 1].high != key->high))
            at = (at + 1) & (capacity - 1);
        is_last[row - 1] = slots[at] == 0;
        if (slots[at] == 0)
            slots[at] = row;
    }
    mem_free(slots);
}

/* By hashes. positions: the order of the rows, taken over. */
static uint32_t *fill_hashes(KeyFlush *flush, const TableSchema *schema, const KeyRows *all, uint32_t *positions, Arena *arena,
                             uint32_t *out_kept)
{
    uint32_t rows = all->count;
    const uint8_t *deletes = all->deletes;
    KeyHash *hashes = mem_alloc(((size_t)rows + 1) * sizeof(*hashes));
    uint8_t *is_last = mem_alloc((size_t)rows + 1);
    const Vector **keys = mem_alloc((schema->key_count + 1) * sizeof(*keys));
    for (uint32_t k = 0; k < schema->key_count; k++)
        keys[k] = &all->columns[k];
    key_hashes(keys, schema->key_count, rows, hashes);
    mem_free(keys);
    mark_last(hashes, rows, all->skipped, is_last);
    KeyHash *kept_keys = arena_alloc(arena, ((size_t)rows + 1) * sizeof(KeyHash));
    KeyHash *deleted = ARENA_NEW_ARRAY(arena, KeyHash, deletes == NULL ? 1 : rows);
    uint32_t *kept_rows = mem_alloc(((size_t)rows + 1) * sizeof(*kept_rows));
    uint32_t kept = 0;
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t row = positions == NULL ? i : positions[i];
        if (!is_last[row])
            continue;
        if (deletes != NULL && deletes[row]) {
            deleted[flush->deleted_count++] = hashes[row];
            continue;
        }
        kept_keys[kept] = hashes[row];
        kept_rows[kept++] = row;
    }
    mem_free(hashes);
    mem_free(is_last);
    flush->keys = kept_keys;
    flush->deleted = deleted;
    *out_kept = kept;
    if (kept == rows) {
        mem_free(kept_rows);
        return positions;
    }
    mem_free(positions);
    return kept_rows;
}

/* Takes the rows that delete out of those that are in order. */
static void part_deletes(KeyFlush *flush, KeyOrder *order, const uint8_t *deletes, Arena *arena)
{
    int64_t *gone = arena_alloc(arena, ((size_t)order->count + 1) * sizeof(*gone));
    KeyHash *hashes = arena_alloc(arena, ((size_t)order->count + 1) * sizeof(*hashes));
    uint32_t kept = 0;
    if (order->rows == NULL) {
        order->rows = mem_alloc((size_t)order->count * sizeof(*order->rows));
        for (uint32_t i = 0; i < order->count; i++)
            order->rows[i] = i;
    }
    for (uint32_t i = 0; i < order->count; i++) {
        uint32_t row = order->rows[i];
        int64_t value = order->values[i];
        if (deletes[row]) {
            gone[flush->deleted_count++] = value;
            continue;
        }
        order->values[kept] = value;
        order->rows[kept++] = row;
    }
    order->count = kept;
    key_hashes_of_integers(gone, flush->deleted_count, hashes);
    flush->deleted_values = gone;
    flush->deleted = hashes;
}

bool key_flush_is_by_integer(const TableSchema *schema)
{
    return schema->key_count == 1 && schema->sort_count == 1 && schema->sort_columns[0] == 0 && key_sort_takes(schema->columns[0].type);
}

uint32_t *key_flush_fill(KeyFlush *flush, const TableSchema *schema, const KeyRows *rows, Arena *arena, uint32_t *out_kept)
{
    KeyOrder order;
    if (!key_flush_is_by_integer(schema) || rows->skipped != NULL || !key_sort(&rows->columns[0], rows->count, arena, &order)) {
        uint32_t *positions = row_sort_positions(rows->columns, rows->count, schema->sort_columns, schema->sort_count);
        return fill_hashes(flush, schema, rows, positions, arena, out_kept);
    }
    if (rows->deletes != NULL)
        part_deletes(flush, &order, rows->deletes, arena);
    flush->values = order.values;
    *out_kept = order.count;
    return order.rows;
}

void key_flush_hash(KeyFlush *flush, Arena *arena)
{
    uint32_t rows = flush->segment == NULL ? 0 : (uint32_t)flush->segment->row_count;
    if (flush->keys != NULL || flush->values == NULL)
        return;
    KeyHash *keys = arena_alloc(arena, ((size_t)rows + 1) * sizeof(*keys));
    key_hashes_of_integers(flush->values, rows, keys);
    flush->keys = keys;
}

SegmentColumn *key_segment_columns(const TableSchema *schema, Arena *arena)
{
    SegmentColumn *keys = ARENA_NEW_ARRAY(arena, SegmentColumn, MAX(schema->key_count, 1u));
    for (uint32_t k = 0; k < schema->key_count; k++)
        keys[k] = (SegmentColumn){schema->columns[k].unique_id, schema->columns[k].type};
    return keys;
}

Status key_flush_load(Volume *volume, const TableSchema *schema, const SegmentRef *ref, Arena *arena, Diag *diag, const KeyHash **out)
{
    PrimaryIndexInput input = {volume, 0, ref, 1, key_segment_columns(schema, arena), schema->key_count};
    return key_pages_load(&input, 0, arena, diag, out);
}
