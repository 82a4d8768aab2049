#include "func/families.h"

/* Hash functions that users see: their values are part of the interface. */

#include "func/shape.h"

/* MurmurHash3, 32 bit, x86 variant (public domain algorithm by A. Appleby). */
static uint32_t murmur3_32(const char *data, size_t length, uint32_t seed)
{
    uint32_t h = seed;
    size_t blocks = length / 4;
    for (size_t b = 0; b < blocks; b++) {
        uint32_t k = load_u32(data + b * 4) * 0xCC9E2D51u;
        k = (k << 15 | k >> 17) * 0x1B873593u;
        h ^= k;
        h = (h << 13 | h >> 19) * 5 + 0xE6546B64u;
    }
    uint32_t k = 0;
    for (size_t i = length & 3; i > 0; i--)
        k = k << 8 | (unsigned char)data[blocks * 4 + i - 1];
    k *= 0xCC9E2D51u;
    h ^= (k << 15 | k >> 17) * 0x1B873593u;
    h ^= (uint32_t)length;
    h = (h ^ h >> 16) * 0x85EBCA6Bu;
    h = (h ^ h >> 13) * 0xC2B2AE35u;
    return h ^ h >> 16;
}

enum { MURMUR_SEED = 104729 };

uint32_t func_murmur3_32(const char *data, size_t length)
{
    return murmur3_32(data, length, MURMUR_SEED);
}

static Status murmur_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    (void)context;
    int32_t *r = out->data;
    for (uint32_t a = 0; a < count; a++) {
        VectorView view = vector_view(arguments[a]);
        for (FOR_ROWS(rows, i, row)) {
            if (out->nulls != NULL && out->nulls[row] != 0)
                continue;
            StrView text = str_view(&((const Str *)view.data)[view_index(&view, row)]);
            uint32_t seed = a == 0 ? MURMUR_SEED : (uint32_t)r[row];
            r[row] = (int32_t)murmur3_32(text.data, text.length, seed);
        }
    }
    return OK;
}

static const FuncDef defs[] = {
    {.name = "murmur_hash3_32", .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL, .min_arguments = 1,
     .max_arguments = FUNC_ANY_ARGUMENTS, .overloads = (const FuncOverload[]){{"S*", 'i', murmur_kernel, NULL}},
     .overload_count = 1, .group = "hash"},
};
const FuncTable func_table_hash = {defs, COUNT_OF(defs)};
