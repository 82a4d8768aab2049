#include "storage/key_sort.h"

/* Key and row number are packed into one word where both fit there, counted from the least key, and a radix sort of these moves half of
 * what pairs would take. Equal keys come to lie side by side in the order of their rows. */

#include "base/memory.h"
#include "base/radix_sort.h"
#include "codec/bitpack.h"

enum { MOST_DIGIT_BITS = 11 };

typedef struct KeyRange {
    int64_t min, max;
    bool is_ascending; /* each key is more than the one before */
} KeyRange;

KERNEL_CLONES static KeyRange find_range(const int64_t *keys, uint32_t count)
{
    int64_t min = keys[0];
    int64_t max = keys[0];
    uint32_t falls = 0;
    for (uint32_t i = 1; i < count; i++) {
        min = keys[i] < min ? keys[i] : min;
        max = keys[i] > max ? keys[i] : max;
        falls += keys[i] <= keys[i - 1];
    }
    return (KeyRange){min, max, falls == 0};
}

/* By the bits from low_bit on. Returns which of the two arrays holds the result. */
static uint64_t *sort_words(uint64_t *words, uint64_t *room, uint32_t count, uint32_t low_bit, uint32_t key_bits)
{
    uint32_t passes = (key_bits + MOST_DIGIT_BITS - 1) / MOST_DIGIT_BITS;
    uint32_t bits = passes == 0 ? 0 : (key_bits + passes - 1) / passes;
    uint64_t mask = (1ull << bits) - 1;
    for (uint32_t pass = 0; pass < passes; pass++) {
        uint32_t places[1 << MOST_DIGIT_BITS] = {0};
        uint32_t shift = low_bit + pass * bits;
        for (uint32_t i = 0; i < count; i++)
            places[words[i] >> shift & mask]++;
        uint32_t place = 0;
        for (uint64_t digit = 0; digit <= mask; digit++) {
            uint32_t here = places[digit];
            places[digit] = place;
            place += here;
        }
        for (uint32_t i = 0; i < count; i++)
            room[places[words[i] >> shift & mask]++] = words[i];
        uint64_t *sorted = room;
        room = words;
        words = sorted;
    }
    return words;
}

static void sort_packed(const int64_t *keys, uint32_t count, const KeyRange *range, uint32_t row_bits, uint32_t key_bits, KeyOrder *out)
{
    uint64_t *words = mem_alloc((size_t)count * sizeof(*words));
    uint64_t *room = mem_alloc((size_t)count * sizeof(*room));
    for (uint32_t i = 0; i < count; i++)
        words[i] = ((uint64_t)keys[i] - (uint64_t)range->min) << row_bits | i;
    const uint64_t *sorted = sort_words(words, room, count, row_bits, key_bits);
    uint64_t row_mask = (1ull << row_bits) - 1;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t key = sorted[i] >> row_bits;
        out->values[kept] = (int64_t)(key + (uint64_t)range->min);
        out->rows[kept] = (uint32_t)(sorted[i] & row_mask);
        kept += i + 1 == count || sorted[i + 1] >> row_bits != key;
    }
    out->count = kept;
    mem_free(words);
    mem_free(room);
}

static void sort_pairs(const int64_t *keys, uint32_t count, KeyOrder *out)
{
    const uint64_t sign = 1ull << 63;
    RadixItem *items = mem_alloc((size_t)count * sizeof(*items));
    RadixItem *room = mem_alloc((size_t)count * sizeof(*room));
    for (uint32_t i = 0; i < count; i++)
        items[i] = (RadixItem){(uint64_t)keys[i] ^ sign, i};
    const RadixItem *sorted = radix_sort(items, room, count);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        out->values[kept] = (int64_t)(sorted[i].key ^ sign);
        out->rows[kept] = sorted[i].row;
        kept += i + 1 == count || sorted[i + 1].key != sorted[i].key;
    }
    out->count = kept;
    mem_free(items);
    mem_free(room);
}

bool key_sort_takes(Type type)
{
    bool is_number = type_is_integer(type) || type.kind == TYPE_DATE || type.kind == TYPE_DATETIME;
    return is_number && (type.phys == PHYS_I64 || type.phys == PHYS_I32);
}

bool key_sort(const Vector *key, uint32_t rows, Arena *arena, KeyOrder *out)
{
    PhysKind phys = (PhysKind)key->type.phys;
    if (rows == 0 || !key_sort_takes(key->type) || key->form != VECTOR_FLAT || vector_has_nulls(key, (Rows){NULL, rows}))
        return false;
    *out = (KeyOrder){.values = arena_alloc(arena, (size_t)rows * sizeof(int64_t)), .count = rows};
    int64_t *widened = phys == PHYS_I32 ? mem_alloc((size_t)rows * sizeof(int64_t)) : NULL;
    for (uint32_t i = 0; phys == PHYS_I32 && i < rows; i++)
        widened[i] = ((const int32_t *)key->data)[i];
    const int64_t *keys = phys == PHYS_I32 ? widened : key->data;
    KeyRange range = find_range(keys, rows);
    uint32_t row_bits = bits_needed(rows);
    uint32_t key_bits = bits_needed((uint64_t)range.max - (uint64_t)range.min);
    if (!range.is_ascending)
        out->rows = mem_alloc((size_t)rows * sizeof(uint32_t));
    if (range.is_ascending)
        memcpy(out->values, keys, (size_t)rows * sizeof(int64_t));
    else if (row_bits + key_bits <= 64)
        sort_packed(keys, rows, &range, row_bits, key_bits, out);
    else
        sort_pairs(keys, rows, out);
    mem_free(widened);
    return true;
}
