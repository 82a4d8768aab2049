#include "exec/aggregate_int.h"

/* Grouping by small codes: where the keys of a chunk have few possible combinations (dictionary codes,
 * booleans, integers in a small range), rows are numbered by an array instead of a hash table. Only the first row of each
 * combination is looked up; the rows of a combination then go to the aggregates together, as one selection, so that a
 * sum runs in a register. The array lives for one chunk: dictionaries may differ from chunk to chunk. */

enum { MAX_CODES = 4096, MAX_GATHERED = 64, MAX_MISSES = 8 };

typedef struct KeyCoding {
    VectorView view;
    PhysKind phys;
    Int128 min;
    uint32_t size; /* codes; the last one is NULL's */
} KeyCoding;

#define INTEGER_AT(view, row, phys)                                                                  \
    ((phys) == PHYS_I64    ? ((const int64_t *)(view)->data)[row]                                    \
     : (phys) == PHYS_I32  ? ((const int32_t *)(view)->data)[row]                                    \
     : (phys) == PHYS_I16  ? ((const int16_t *)(view)->data)[row]                                    \
     : (phys) == PHYS_BOOL ? ((const uint8_t *)(view)->data)[row]                                    \
                           : ((const int8_t *)(view)->data)[row])

/* The loops below, a copy for each width. */
#define FOR_WIDTHS(WITH)                  \
    switch (coding->phys) {               \
    case PHYS_I64: WITH(PHYS_I64) break;  \
    case PHYS_I32: WITH(PHYS_I32) break;  \
    case PHYS_I16: WITH(PHYS_I16) break;  \
    case PHYS_BOOL: WITH(PHYS_BOOL) break; \
    default: WITH(PHYS_I8) break;         \
    }

static bool range_of_integers(KeyCoding *coding, Rows rows)
{
    int64_t low = INT64_MAX, high = INT64_MIN;
#define WITH(PHYS)                                                          \
    for (FOR_ROWS(rows, i, row)) {                                          \
        int64_t x = INTEGER_AT(&coding->view, row, PHYS);                   \
        if (coding->view.nulls != NULL && coding->view.nulls[row] != 0)     \
            continue;                                                       \
        low = MIN(low, x);                                                  \
        high = MAX(high, x);                                                \
    }
    FOR_WIDTHS(WITH)
#undef WITH
    if (low > high)
        low = high = 0;
    if ((Int128)high - low >= MAX_CODES)
        return false;
    coding->min = low;
    coding->size = (uint32_t)(high - low) + 2;
    return true;
}

static bool code_key(const Vector *key, Rows rows, KeyCoding *coding)
{
    *coding = (KeyCoding){.view = vector_view(key), .phys = (PhysKind)key->type.phys, .size = 1};
    if (key->form == VECTOR_CONSTANT)
        return true;
    if (key->form == VECTOR_DICTIONARY) {
        coding->size = key->dict_size + 1;
        return key->dict_size < MAX_CODES;
    }
    return coding->phys <= PHYS_I64 && range_of_integers(coding, rows);
}

/* codes[i] = codes[i] * size + code of the row */
static void add_codes(const KeyCoding *coding, Rows rows, uint16_t *codes)
{
    uint32_t size = coding->size;
    if (size == 1)
        return;
    if (coding->view.codes != NULL) {
        const uint8_t *nulls = coding->view.row_nulls;
        for (FOR_ROWS(rows, i, row)) {
            uint32_t code = nulls != NULL && nulls[row] != 0 ? size - 1 : coding->view.codes[row];
            codes[i] = (uint16_t)(codes[i] * size + code);
        }
        return;
    }
    int64_t min = (int64_t)coding->min;
#define WITH(PHYS)                                                                                    \
    for (FOR_ROWS(rows, i, row)) {                                                                    \
        bool is_null = coding->view.nulls != NULL && coding->view.nulls[row] != 0;                    \
        uint32_t code = is_null ? size - 1 : (uint32_t)(INTEGER_AT(&coding->view, row, PHYS) - min);  \
        codes[i] = (uint16_t)(codes[i] * size + code);                                                \
    }
    FOR_WIDTHS(WITH)
#undef WITH
}

/* Numbers the rows of the chunk by combination of keys; 0: there may be too many. */
static uint32_t combination_count(const Aggregate *agg, const Vector *const *keys, Rows rows, uint16_t *codes)
{
    KeyCoding codings[8];
    uint64_t product = 1;
    if (agg->key_count > COUNT_OF(codings) || rows.count == 0)
        return 0;
    for (uint32_t k = 0; k < agg->key_count; k++) {
        if (!code_key(keys[k], rows, &codings[k]))
            return 0;
        product *= codings[k].size;
        if (product > MAX_CODES)
            return 0;
    }
    memset(codes, 0, rows.count * sizeof(*codes));
    for (uint32_t k = 0; k < agg->key_count; k++)
        add_codes(&codings[k], rows, codes);
    return (uint32_t)product;
}

/* Turns codes into numbers of combinations that occur; firsts: a row of each. */
static uint32_t number_rows(Rows rows, uint32_t combinations, uint16_t *in_out_codes, uint16_t *firsts)
{
    uint16_t numbers[MAX_CODES];
    uint32_t count = 0;
    memset(numbers, 0, combinations * sizeof(*numbers));
    for (FOR_ROWS(rows, i, row)) {
        uint16_t *number = &numbers[in_out_codes[i]];
        if (*number == 0) {
            firsts[count] = (uint16_t)row;
            *number = (uint16_t)++count;
        }
        in_out_codes[i] = (uint16_t)(*number - 1);
    }
    return count;
}

/* The rows of a combination go to its state together. */
static Status update_gathered(Aggregate *agg, AggWorker *worker, const Vector *const *results, Rows rows, const uint16_t *numbers,
                              uint8_t *const *states, uint32_t count)
{
    uint32_t ends[MAX_GATHERED + 1] = {0};
    uint16_t *sel = ARENA_NEW_ARRAY(&worker->scratch, uint16_t, rows.count);
    for (uint32_t i = 0; i < rows.count; i++)
        ends[numbers[i] + 1]++;
    for (uint32_t g = 0; g < count; g++)
        ends[g + 1] += ends[g];
    for (FOR_ROWS(rows, i, row))
        sel[ends[numbers[i]]++] = (uint16_t)row;
    for (uint32_t g = 0; g < count; g++) {
        uint32_t start = g == 0 ? 0 : ends[g - 1];
        Rows group = count == 1 ? rows : (Rows){sel + start, ends[g] - start};
        for (uint32_t c = 0; c < agg->node->aggregate.call_count; c++) {
            const PhysAggCall *call = &agg->node->aggregate.calls[c];
            TRY(call->binding->aggregate->update_one(&worker->contexts[c], &results[agg->argument_at[c]], call->argument_count,
                                                     group, states[g] + agg->offsets[c]));
        }
    }
    return OK;
}

Status aggregate_update_coded(Aggregate *agg, AggWorker *worker, const Vector *const *keys, const Vector *const *results, Rows rows,
                              bool *out_done)
{
    *out_done = false;
    if (!agg->is_plain || worker->code_misses >= MAX_MISSES)
        return OK;
    uint16_t *numbers = ARENA_NEW_ARRAY(&worker->scratch, uint16_t, MAX(rows.count, 1u));
    uint32_t combinations = combination_count(agg, keys, rows, numbers);
    /* An array as long as the chunk pays nothing back. */
    if (combinations == 0 || combinations > MAX(rows.count, 64u)) {
        worker->code_misses++;
        return OK;
    }
    worker->code_misses = 0;
    uint16_t *firsts = ARENA_NEW_ARRAY(&worker->scratch, uint16_t, combinations);
    uint32_t count = number_rows(rows, combinations, numbers, firsts);
    uint32_t *ids = ARENA_NEW_ARRAY(&worker->scratch, uint32_t, count);
    GroupTable *table = &worker->tables[0];
    hash_keys(keys, agg->key_count, (Rows){firsts, count}, worker->hashes);
    TRY(aggregate_find_groups(agg, worker, table, keys, agg->key_count, (Rows){firsts, count}, worker->hashes, ids));
    uint8_t **states = ARENA_NEW_ARRAY(&worker->scratch, uint8_t *, count);
    for (uint32_t g = 0; g < count; g++)
        states[g] = table->states + (size_t)ids[g] * table->row_bytes;
    *out_done = true;
    if (count <= MAX_GATHERED)
        return update_gathered(agg, worker, results, rows, numbers, states, count);
    for (uint32_t i = 0; i < rows.count; i++)
        worker->groups[i] = states[numbers[i]];
    for (uint32_t c = 0; c < agg->node->aggregate.call_count; c++)
        TRY(aggregate_update_call(agg, worker, c, &results[agg->argument_at[c]], rows, worker->groups));
    return OK;
}
