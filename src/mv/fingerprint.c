#include "mv/engine.h"

/* Rows as a bag: the sums, over all rows, of two 64-bit hashes of a row. Sums don't depend on the order in which rows come,
 * and two bags that differ have equal ones with a probability of 2^-128 or so. They are stored: only checksum_bytes(). */

#include "base/hash.h"

static uint64_t mix(uint64_t hash, uint64_t value)
{
    __uint128_t product = (__uint128_t)(hash ^ 0xA0761D6478BD642Fu) * (value ^ 0xE7037ED1A0B428DBu);
    return ((uint64_t)product ^ (uint64_t)(product >> 64)) + hash * 0x9E3779B97F4A7C15u;
}

static uint64_t hash_nested(const Vector *column, uint32_t row)
{
    AUTO_ARENA arena;
    AUTO_BYTEBUF bytes = {0};
    arena_init(&arena, NULL);
    Datum value = vector_get(column, row, &arena);
    datum_encode(column->type, &value, &bytes);
    return checksum_bytes(bytes.data, bytes.length);
}

static void add_column(const Vector *column, Rows rows, uint64_t *hashes)
{
    VectorView view = vector_view(column);
    PhysKind phys = (PhysKind)column->type.phys;
    for (FOR_ROWS(rows, i, row)) {
        uint64_t value = 1;
        if (view_is_null(&view, row)) {
            value = 0x1F83D9ABFB41BD6Bu;
        } else if (phys == PHYS_STR) {
            const Str *text = &((const Str *)view.data)[view_index(&view, row)];
            value = checksum_bytes(str_data(text), text->length);
        } else if (phys == PHYS_LIST || phys == PHYS_MAP || phys == PHYS_STRUCT) {
            value = hash_nested(column, row);
        } else {
            uint32_t width = phys_width(phys);
            value = checksum_bytes((const uint8_t *)view.data + (size_t)view_index(&view, row) * width, width);
        }
        hashes[i * 2] = mix(hashes[i * 2], value);
        hashes[i * 2 + 1] = mix(hashes[i * 2 + 1], value ^ 0x5BE0CD19137E2179u);
    }
}

void mv_fingerprint_add(MvFingerprint *print, const Vector *const *columns, uint32_t column_count, Rows rows)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    uint64_t *hashes = arena_alloc(&arena, (rows.count + 1) * 2 * sizeof(*hashes));
    memset(hashes, 0x6A, rows.count * 2 * sizeof(*hashes));
    for (uint32_t c = 0; c < column_count; c++)
        add_column(columns[c], rows, hashes);
    for (uint32_t i = 0; i < rows.count; i++) {
        print->sums[0] += hashes[i * 2];
        print->sums[1] += hashes[i * 2 + 1];
    }
    print->rows += rows.count;
}

bool mv_fingerprint_equal(const MvFingerprint *a, const MvFingerprint *b)
{
    return a->rows == b->rows && a->sums[0] == b->sums[0] && a->sums[1] == b->sums[1];
}
