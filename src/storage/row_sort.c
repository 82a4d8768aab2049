#include "storage/row_sort.h"

/* The first sort column becomes a 64-bit key in the order of its values (integers whole, strings by eight
 * bytes), and a radix sort orders the rows by it, passing over bytes that are the same in all keys. Rows
 * with equal keys, unless one integer column was all there is, are then ordered by comparing datums. */

#include <stdlib.h>

#include "base/memory.h"
#include "base/radix_sort.h"

typedef struct SortContext {
    const Vector *columns;
    const uint32_t *sort_columns;
    uint32_t sort_count;
    uint32_t first; /* sort columns before it are known to be equal */
} SortContext;

static int compare_rows(uint32_t x, uint32_t y, const SortContext *context)
{
    for (uint32_t i = context->first; i < context->sort_count; i++) {
        const Vector *column = &context->columns[context->sort_columns[i]];
        Datum p = vector_get(column, x, NULL);
        Datum q = vector_get(column, y, NULL);
        int order = datum_compare(column->type, &p, &q);
        if (order != 0)
            return order;
    }
    return (x > y) - (x < y);
}

static int compare_keyed(const void *a, const void *b, void *context)
{
    return compare_rows(((const RadixItem *)a)->row, ((const RadixItem *)b)->row, context);
}

/* Order-preserving. *out_exact: equal keys mean equal values. False: the type has no such key. */
static bool make_keys(const Vector *column, uint32_t rows, RadixItem *out, bool *out_exact)
{
    const uint64_t sign = (uint64_t)1 << 63;
    *out_exact = column->nulls == NULL;
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t key;
        switch ((PhysKind)column->type.phys) {
        case PHYS_BOOL:
            key = ((const uint8_t *)column->data)[i];
            break;
        case PHYS_I8:
            key = (uint64_t)(int64_t)((const int8_t *)column->data)[i] ^ sign;
            break;
        case PHYS_I16:
            key = (uint64_t)(int64_t)((const int16_t *)column->data)[i] ^ sign;
            break;
        case PHYS_I32:
            key = (uint64_t)(int64_t)((const int32_t *)column->data)[i] ^ sign;
            break;
        case PHYS_I64:
            key = (uint64_t)((const int64_t *)column->data)[i] ^ sign;
            break;
        case PHYS_STR: {
            const Str *text = &((const Str *)column->data)[i];
            char head[8] = {0};
            memcpy(head, str_data(text), MIN(text->length, 8u));
            key = __builtin_bswap64(load_u64(head));
            *out_exact = false;
            break;
        }
        default:
            return false;
        }
        out[i] = (RadixItem){column->nulls != NULL && column->nulls[i] != 0 ? 0 : key, i};
    }
    return true;
}

static void sort_ties(RadixItem *keyed, uint32_t rows, SortContext *context)
{
    for (uint32_t i = 0; i < rows;) {
        uint32_t end = i + 1;
        while (end < rows && keyed[end].key == keyed[i].key)
            end++;
        if (end - i > 1)
            qsort_r(keyed + i, end - i, sizeof(*keyed), compare_keyed, context);
        i = end;
    }
}

static bool is_in_order(const RadixItem *keyed, bool has_keys, bool decides, uint32_t rows, const SortContext *context)
{
    for (uint32_t i = 1; i < rows; i++) {
        bool is_tie = !has_keys || keyed[i].key == keyed[i - 1].key;
        if (has_keys && keyed[i].key < keyed[i - 1].key)
            return false;
        if (is_tie && !decides && compare_rows(i - 1, i, context) > 0)
            return false;
    }
    return true;
}

uint32_t *row_sort_positions(const Vector *columns, uint32_t rows, const uint32_t *sort_columns, uint32_t sort_count)
{
    SortContext context = {columns, sort_columns, sort_count, 0};
    if (rows < 2 || sort_count == 0)
        return NULL;
    RadixItem *keyed = mem_alloc(sizeof(RadixItem) * rows);
    bool is_exact = false;
    bool has_keys = make_keys(&columns[sort_columns[0]], rows, keyed, &is_exact);
    context.first = is_exact ? 1 : 0;
    bool decides = has_keys && is_exact && sort_count == 1;
    if (is_in_order(keyed, has_keys, decides, rows, &context)) {
        mem_free(keyed);
        return NULL;
    }
    RadixItem *room = mem_alloc(sizeof(RadixItem) * rows);
    for (uint32_t i = 0; i < rows && !has_keys; i++)
        keyed[i] = (RadixItem){0, i};
    RadixItem *sorted = radix_sort(keyed, room, rows);
    if (!decides)
        sort_ties(sorted, rows, &context);
    uint32_t *positions = mem_alloc(sizeof(uint32_t) * rows);
    for (uint32_t i = 0; i < rows; i++)
        positions[i] = sorted[i].row;
    mem_free(room);
    mem_free(keyed);
    return positions;
}
