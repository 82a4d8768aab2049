#include "exec/sort_rows.h"

/* Sorting by 64 bits a row.
 *
 * Each row gets a prefix: an unsigned integer that orders like its keys, made of as many of them as fit. A key takes the bits
 * that its values need: integers those of their range, strings what comes behind the bytes that all have in common. Prefixes
 * are sorted by radix. Where they do not say everything, rows of one prefix are sorted by comparison.
 *
 * In parallel, rows go to partitions between sampled prefixes first, and each partition is sorted by one worker. Rows with equal
 * keys keep their order. */

#include "base/radix_sort.h"

enum {
    PREFIX_BITS = 64,
    SLICE_ROWS = 4 * CHUNK_ROWS,
    PARTITIONS = 64,
    SAMPLES = PARTITIONS * 16,
    PARALLEL_ROWS = 64 * 1024,
    SMALL_ROWS = 32,
    RADIX_ROWS = 512 /* fewer are merged */
};

/* What a key puts into the prefix. */
typedef struct KeyBits {
    bool has_null;
    bool is_exact;    /* the bits say everything about the key */
    uint32_t bits;    /* of the value, without the one for NULL */
    Int128 low;       /* of integers */
    uint32_t common;  /* of strings: bytes that all begin with */
    uint32_t bytes;   /* of strings: how many behind them; the length follows when is_exact */
} KeyBits;

typedef struct RowSort {
    ExecContext *exec;
    const Vector *keys;
    const PhysSortKey *specs;
    uint32_t key_count;
    uint32_t rows;
    KeyBits *layout;
    uint32_t used_keys; /* that are in the prefix, at least in part */
    uint32_t used_bits;
    uint32_t open_key;  /* the first that must be compared; key_count: none */
    RadixItem *items, *scratch;
    uint32_t *out;
    uint32_t slice_count;
    uint32_t (*offsets)[PARTITIONS];
    uint64_t splitters[PARTITIONS - 1];
    uint32_t first[PARTITIONS + 1];
    bool is_scatter;
    _Atomic uint32_t next;
} RowSort;

/* ---- layout ---- */

static uint32_t bit_length(UInt128 value)
{
    uint64_t high = (uint64_t)(value >> 64), low = (uint64_t)value;
    return high != 0 ? 128 - (uint32_t)__builtin_clzll(high) : low != 0 ? 64 - (uint32_t)__builtin_clzll(low) : 0;
}

static bool is_null_at(const Vector *key, uint32_t row)
{
    return key->nulls != NULL && key->nulls[row] != 0;
}

static Int128 integer_at(const Vector *key, uint32_t row)
{
    switch ((PhysKind)key->type.phys) {
    case PHYS_BOOL:
    case PHYS_I8:
        return ((const int8_t *)key->data)[row];
    case PHYS_I16:
        return ((const int16_t *)key->data)[row];
    case PHYS_I32:
        return ((const int32_t *)key->data)[row];
    case PHYS_I64:
        return ((const int64_t *)key->data)[row];
    default:
        return ((const Int128 *)key->data)[row];
    }
}

static void lay_out_integers(const Vector *key, uint32_t rows, KeyBits *bits)
{
    Int128 low = 0, high = 0;
    bool any = false;
    for (uint32_t row = 0; row < rows; row++) {
        if (is_null_at(key, row))
            continue;
        Int128 value = integer_at(key, row);
        low = !any || value < low ? value : low;
        high = !any || value > high ? value : high;
        any = true;
    }
    bits->low = low;
    bits->bits = bit_length((UInt128)high - (UInt128)low);
    bits->is_exact = true;
}

static void lay_out_strings(const Vector *key, uint32_t rows, KeyBits *bits)
{
    const Str *first = NULL;
    uint32_t longest = 0, common = 0;
    for (uint32_t row = 0; row < rows; row++) {
        const Str *value = &((const Str *)key->data)[row];
        if (is_null_at(key, row))
            continue;
        if (first == NULL) {
            first = value;
            common = value->length;
        }
        const char *a = str_data(first), *b = str_data(value);
        uint32_t same = 0;
        common = MIN(common, value->length);
        while (same < common && a[same] == b[same])
            same++;
        common = same;
        longest = MAX(longest, value->length);
    }
    bits->common = common;
    bits->bytes = longest - common;
    bits->is_exact = longest - common < PREFIX_BITS / 8;
    bits->bytes = MIN(bits->bytes, (uint32_t)PREFIX_BITS / 8);
    bits->bits = (bits->bytes + bits->is_exact) * 8;
}

static void lay_out_key(const Vector *key, uint32_t rows, KeyBits *bits)
{
    *bits = (KeyBits){0};
    for (uint32_t row = 0; key->nulls != NULL && row < rows && !bits->has_null; row++)
        bits->has_null = key->nulls[row] != 0;
    if (key->type.phys <= PHYS_I128) {
        lay_out_integers(key, rows, bits);
    } else if (key->type.phys == PHYS_F32 || key->type.phys == PHYS_F64) {
        bits->bits = 64;
        bits->is_exact = true;
    } else if (key->type.phys == PHYS_STR) {
        lay_out_strings(key, rows, bits);
    }
}

static void lay_out(RowSort *sort)
{
    for (uint32_t k = 0; k < sort->key_count && sort->used_bits < PREFIX_BITS; k++) {
        KeyBits *bits = &sort->layout[k];
        lay_out_key(&sort->keys[k], sort->rows, bits);
        uint32_t wanted = bits->bits + bits->has_null;
        sort->used_keys = k + 1;
        sort->open_key = k + (bits->is_exact && wanted <= PREFIX_BITS - sort->used_bits);
        sort->used_bits = MIN(sort->used_bits + wanted, (uint32_t)PREFIX_BITS);
        if (sort->open_key == k)
            return;
    }
}

/* ---- prefixes ---- */

static uint64_t float_code(double value)
{
    uint64_t bits;
    value = value == 0 ? 0 : value;
    memcpy(&bits, &value, sizeof(bits));
    return (bits >> 63) != 0 ? ~bits : bits | (uint64_t)1 << 63;
}

/* The bytes behind the common ones, the first one highest, and the length when it fits. */
static uint64_t string_code(const KeyBits *bits, const Str *value)
{
    const uint8_t *data = (const uint8_t *)str_data(value) + bits->common;
    uint32_t length = MIN(value->length - bits->common, bits->bytes);
    uint64_t code = 0;
    for (uint32_t i = 0; i < bits->bytes; i++)
        code = code << 8 | (i < length ? data[i] : 0);
    return bits->is_exact ? code << 8 | length : code;
}

/* The value's code of bits->bits bits, the highest of them when it has more than 64. */
static uint64_t code_at(const KeyBits *bits, const Vector *key, uint32_t row, uint32_t *out_bits)
{
    *out_bits = MIN(bits->bits, 64u);
    if (key->type.phys <= PHYS_I128) {
        UInt128 code = (UInt128)integer_at(key, row) - (UInt128)bits->low;
        return (uint64_t)(code >> (bits->bits - *out_bits));
    }
    if (key->type.phys == PHYS_F32)
        return float_code((double)((const float *)key->data)[row]);
    if (key->type.phys == PHYS_F64)
        return float_code(((const double *)key->data)[row]);
    return key->type.phys == PHYS_STR ? string_code(bits, &((const Str *)key->data)[row]) : 0;
}

/* Puts bits below those that are used; what does not fit is cut off. */
static uint64_t append_bits(uint64_t prefix, uint32_t *used, uint32_t room, uint64_t code, uint32_t bits)
{
    uint32_t taken = MIN(bits, room - *used);
    *used += taken;
    return taken == 0 ? prefix : (taken == 64 ? 0 : prefix << taken) | code >> (bits - taken);
}

static uint64_t prefix_of(const RowSort *sort, uint32_t row)
{
    uint64_t prefix = 0;
    uint32_t used = 0;
    for (uint32_t k = 0; k < sort->used_keys; k++) {
        const KeyBits *bits = &sort->layout[k];
        const Vector *key = &sort->keys[k];
        bool is_null = is_null_at(key, row);
        uint32_t width = MIN(bits->bits, 64u);
        uint64_t code = 0;
        if (bits->has_null)
            prefix = append_bits(prefix, &used, sort->used_bits, is_null != sort->specs[k].nulls_first, 1);
        if (!is_null && width > 0) {
            code = code_at(bits, key, row, &width);
            code = sort->specs[k].is_descending ? ~code & (UINT64_MAX >> (64 - width)) : code;
        }
        prefix = append_bits(prefix, &used, sort->used_bits, code, width);
    }
    return prefix;
}

/* ---- sorting a part ---- */

static int compare_open(const RowSort *sort, uint32_t a, uint32_t b)
{
    int order = compare_rows(sort->keys + sort->open_key, sort->specs + sort->open_key, sort->key_count - sort->open_key, a, b);
    return order != 0 ? order : (a > b) - (a < b);
}

static bool comes_after(const RowSort *sort, const RadixItem *a, const RadixItem *b, bool by_prefix)
{
    return by_prefix ? a->key > b->key || (a->key == b->key && a->row > b->row) : compare_open(sort, a->row, b->row) > 0;
}

/* By prefix, or of one prefix by the other keys; then by row. Halves that are in order stay. */
static void merge_sort(const RowSort *sort, RadixItem *items, RadixItem *scratch, uint32_t count, bool by_prefix)
{
    if (count <= SMALL_ROWS) {
        for (uint32_t i = 1; i < count; i++) {
            RadixItem item = items[i];
            uint32_t at = i;
            for (; at > 0 && comes_after(sort, &items[at - 1], &item, by_prefix); at--)
                items[at] = items[at - 1];
            items[at] = item;
        }
        return;
    }
    uint32_t half = count / 2, a = 0, b = half;
    merge_sort(sort, items, scratch, half, by_prefix);
    merge_sort(sort, items + half, scratch, count - half, by_prefix);
    if (!comes_after(sort, &items[half - 1], &items[half], by_prefix))
        return;
    memcpy(scratch, items, half * sizeof(*items));
    for (uint32_t at = 0; a < half; at++)
        items[at] = b < count && comes_after(sort, &scratch[a], &items[b], by_prefix) ? items[b++] : scratch[a++];
}

static void radix_sort_in_place(RadixItem *items, RadixItem *scratch, uint32_t count)
{
    const RadixItem *sorted = radix_sort(items, scratch, count);
    if (sorted != items)
        memcpy(items, sorted, count * sizeof(*items));
}

static void sort_part(const RowSort *sort, uint32_t first, uint32_t end)
{
    RadixItem *items = sort->items + first, *scratch = sort->scratch + first;
    uint32_t count = end - first;
    if (count < RADIX_ROWS)
        merge_sort(sort, items, scratch, count, true);
    else
        radix_sort_in_place(items, scratch, count);
    for (uint32_t i = 0; sort->open_key < sort->key_count && i < count;) {
        uint32_t same = i + 1;
        while (same < count && items[same].key == items[i].key)
            same++;
        if (same - i > 1)
            merge_sort(sort, items + i, scratch + i, same - i, false);
        i = same;
    }
    for (uint32_t i = 0; i < count; i++)
        sort->out[first + i] = items[i].row;
}

/* ---- all workers ---- */

static uint32_t partition_of(const RowSort *sort, uint64_t prefix)
{
    uint32_t low = 0;
    for (uint32_t step = PARTITIONS / 2; step > 0; step /= 2)
        low += prefix >= sort->splitters[low + step - 1] ? step : 0;
    return low;
}

static void prepare_slice(RowSort *sort, uint32_t slice)
{
    uint32_t end = MIN(sort->rows, (slice + 1) * (uint32_t)SLICE_ROWS);
    for (uint32_t row = slice * SLICE_ROWS; row < end; row++) {
        sort->scratch[row] = (RadixItem){prefix_of(sort, row), row};
        sort->offsets[slice][partition_of(sort, sort->scratch[row].key)]++;
    }
}

static void scatter_slice(RowSort *sort, uint32_t slice)
{
    uint32_t end = MIN(sort->rows, (slice + 1) * (uint32_t)SLICE_ROWS);
    for (uint32_t row = slice * SLICE_ROWS; row < end; row++)
        sort->items[sort->offsets[slice][partition_of(sort, sort->scratch[row].key)]++] = sort->scratch[row];
}

static Status slice_worker(void *context, uint32_t number)
{
    RowSort *sort = context;
    (void)number;
    for (;;) {
        uint32_t slice = atomic_fetch_add(&sort->next, 1);
        if (slice >= sort->slice_count)
            return OK;
        TRY(exec_check(sort->exec));
        if (sort->is_scatter)
            scatter_slice(sort, slice);
        else
            prepare_slice(sort, slice);
    }
}

static Status partition_worker(void *context, uint32_t number)
{
    RowSort *sort = context;
    (void)number;
    for (;;) {
        uint32_t partition = atomic_fetch_add(&sort->next, 1);
        if (partition >= PARTITIONS)
            return OK;
        TRY(exec_check(sort->exec));
        sort_part(sort, sort->first[partition], sort->first[partition + 1]);
    }
}

static void choose_splitters(RowSort *sort)
{
    RadixItem *samples = sort->items;
    for (uint32_t i = 0; i < SAMPLES; i++)
        samples[i] = (RadixItem){prefix_of(sort, (uint32_t)((uint64_t)sort->rows * i / SAMPLES)), i};
    radix_sort_in_place(samples, sort->scratch, SAMPLES);
    for (uint32_t p = 1; p < PARTITIONS; p++)
        sort->splitters[p - 1] = samples[p * (SAMPLES / PARTITIONS)].key;
}

static void place_partitions(RowSort *sort)
{
    uint32_t next = 0;
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        sort->first[p] = next;
        for (uint32_t s = 0; s < sort->slice_count; s++) {
            uint32_t count = sort->offsets[s][p];
            sort->offsets[s][p] = next;
            next += count;
        }
    }
    sort->first[PARTITIONS] = next;
}

static Status run_pass(RowSort *sort, Status (*pass)(void *context, uint32_t number))
{
    atomic_store(&sort->next, 0);
    return exec_parallel(sort->exec, pass, sort);
}

static Status sort_in_parallel(RowSort *sort)
{
    sort->slice_count = (sort->rows + SLICE_ROWS - 1) / SLICE_ROWS;
    sort->offsets = mem_alloc_zero(sort->slice_count * sizeof(*sort->offsets));
    choose_splitters(sort);
    Status status = run_pass(sort, slice_worker);
    place_partitions(sort);
    sort->is_scatter = true;
    if (status == OK)
        status = run_pass(sort, slice_worker);
    if (status == OK)
        status = run_pass(sort, partition_worker);
    mem_free(sort->offsets);
    return status;
}

Status sort_rows(ExecContext *exec, MemTracker *memory, const Vector *keys, const PhysSortKey *specs, uint32_t key_count, uint32_t rows,
                 uint32_t *out_rows)
{
    RowSort sort = {.exec = exec, .keys = keys, .specs = specs, .key_count = key_count, .rows = rows, .out = out_rows};
    int64_t bytes = (int64_t)rows * 2 * (int64_t)sizeof(RadixItem);
    mem_charge(memory, bytes);
    sort.layout = mem_alloc_zero((key_count + 1) * sizeof(*sort.layout));
    sort.items = mem_alloc((rows + 1) * sizeof(*sort.items));
    sort.scratch = mem_alloc((rows + 1) * sizeof(*sort.scratch));
    Status status = OK;
    lay_out(&sort);
    if (exec != NULL && exec->worker_count > 1 && rows >= PARALLEL_ROWS) {
        status = sort_in_parallel(&sort);
    } else {
        for (uint32_t row = 0; row < rows; row++)
            sort.items[row] = (RadixItem){prefix_of(&sort, row), row};
        sort_part(&sort, 0, rows);
    }
    mem_free(sort.scratch);
    mem_free(sort.items);
    mem_free(sort.layout);
    mem_release(memory, bytes);
    return status;
}

/* ---- codes of one key ---- */

static uint64_t string_head(const Str *value)
{
    const uint8_t *data = (const uint8_t *)str_data(value);
    uint64_t code = 0;
    for (uint32_t i = 0; i < sizeof(code); i++)
        code = code << 8 | (i < value->length ? data[i] : 0);
    return code;
}

static uint64_t code_of(PhysKind phys, const void *data, uint32_t at)
{
    const uint64_t sign = (uint64_t)1 << 63;
    switch (phys) {
    case PHYS_BOOL:
    case PHYS_I8:
        return (uint64_t)(int64_t)((const int8_t *)data)[at] ^ sign;
    case PHYS_I16:
        return (uint64_t)(int64_t)((const int16_t *)data)[at] ^ sign;
    case PHYS_I32:
        return (uint64_t)(int64_t)((const int32_t *)data)[at] ^ sign;
    case PHYS_I64:
        return (uint64_t)((const int64_t *)data)[at] ^ sign;
    case PHYS_I128: {
        Int128 value = ((const Int128 *)data)[at];
        return (uint64_t)(int64_t)MAX(MIN(value, (Int128)INT64_MAX), (Int128)INT64_MIN) ^ sign;
    }
    case PHYS_F32:
        return float_code((double)((const float *)data)[at]);
    case PHYS_F64:
        return float_code(((const double *)data)[at]);
    case PHYS_STR:
        return string_head(&((const Str *)data)[at]);
    default:
        return 0;
    }
}

void sort_codes(const Vector *key, const PhysSortKey *spec, Rows rows, uint64_t *out_codes)
{
    VectorView view = vector_view(key);
    PhysKind phys = (PhysKind)view.values->type.phys;
    bool has_nulls = view.nulls != NULL || view.row_nulls != NULL;
    for (FOR_ROWS(rows, i, row)) {
        bool is_null = has_nulls && view_is_null(&view, row);
        uint64_t code = is_null ? 0 : code_of(phys, view.data, view_index(&view, row));
        code = spec->is_descending && !is_null ? ~code : code;
        /* The highest bit says on which side of the values NULLs are. */
        out_codes[row] = code >> 1 | (uint64_t)(is_null != spec->nulls_first) << 63;
    }
}
