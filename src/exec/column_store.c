#include "exec/exec_int.h"

/* Materialised rows as big flat vectors, and the row-wise helpers of the blocking operators: slices as
 * dictionaries, hashing, comparison. */

#include "base/hash.h"

enum { LARGE_BYTES = 256 * 1024 };

ColumnStore *column_store_new(MemTracker *memory, const Type *types, uint32_t count)
{
    ColumnStore *store = mem_alloc_zero(sizeof(*store));
    arena_init(&store->arena, memory);
    store->column_count = count;
    store->types = ARENA_NEW_ARRAY(&store->arena, Type, MAX(count, 1u));
    store->columns = ARENA_NEW_ARRAY(&store->arena, Vector, MAX(count, 1u));
    for (uint32_t i = 0; i < count; i++) {
        store->types[i] = types[i];
        vector_init(&store->columns[i], &store->arena, types[i], 16);
    }
    return store;
}

void column_store_free(ColumnStore *store)
{
    if (store == NULL)
        return;
    arena_deinit(&store->arena);
    mem_free(store);
}

/* What the columns take when they grow for so many rows; the old arrays stay until the store is freed. */
static int64_t growth_bytes(const ColumnStore *store, uint64_t rows)
{
    int64_t bytes = 0;
    for (uint32_t c = 0; c < store->column_count; c++) {
        const Vector *column = &store->columns[c];
        if (rows > column->capacity)
            bytes += (int64_t)MAX(rows, (uint64_t)column->capacity * 2) * (phys_width((PhysKind)column->type.phys) + 1);
    }
    return bytes;
}

static void grow_column(ColumnStore *store, Vector *column, uint64_t rows)
{
    if (rows <= column->capacity)
        return;
    uint32_t capacity = (uint32_t)MAX(rows, (uint64_t)column->capacity * 2);
    Vector holder = {.type = column->type, .child_count = 1, .children = column};
    vector_reserve_children(&holder, &store->arena, capacity);
}

Status column_store_append(ExecContext *exec, ColumnStore *store, const Vector *const *columns, Rows rows)
{
    uint64_t total = store->row_count + rows.count;
    if (total > UINT32_MAX / 2)
        return RAISE(exec->diag, LIMIT_EXCEEDED, "an operator holds more than %u rows", UINT32_MAX / 2);
    int64_t growth = growth_bytes(store, total);
    growth += growth > LARGE_BYTES ? ARENA_BLOCK_BYTES : 0; /* what goes into a block begins one */
    if (growth > 0)
        TRY(arena_reserve(&store->arena, (size_t)growth, exec->diag));
    for (uint32_t c = 0; c < store->column_count; c++)
        grow_column(store, &store->columns[c], total);
    if (growth > 0)
        arena_reserve_end(&store->arena);
    for (uint32_t c = 0; c < store->column_count; c++)
        vector_gather(columns[c], rows, &store->arena, (uint32_t)store->row_count, &store->columns[c]);
    store->row_count = total;
    if (mem_over_limit(exec->options->memory))
        return RAISE(exec->diag, MEMORY_LIMIT, "Memory of query exceed limit. Used: %lld",
                     (long long)mem_used(exec->options->memory));
    return OK;
}

Status column_store_concat(ExecContext *exec, ColumnStore *target, ColumnStore *const *others, uint32_t count)
{
    Vector *columns = ARENA_NEW_ARRAY(&target->arena, Vector, MAX(target->column_count, 1u));
    const Vector **pointers = ARENA_NEW_ARRAY(&target->arena, const Vector *, MAX(target->column_count, 1u));
    for (uint32_t o = 0; o < count; o++) {
        for (uint64_t first = 0; first < others[o]->row_count; first += CHUNK_ROWS) {
            Chunk chunk;
            uint32_t part = (uint32_t)MIN(others[o]->row_count - first, (uint64_t)CHUNK_ROWS);
            column_store_slice(others[o], first, part, columns, &chunk);
            for (uint32_t c = 0; c < target->column_count; c++)
                pointers[c] = &columns[c];
            TRY(column_store_append(exec, target, pointers, chunk_rows(&chunk)));
        }
        others[o]->row_count = 0;
    }
    return OK;
}

void column_store_slice(const ColumnStore *store, uint64_t first, uint32_t count, Vector *columns, Chunk *out)
{
    for (uint32_t c = 0; c < store->column_count; c++) {
        const Vector *column = &store->columns[c];
        columns[c] = *column;
        vector_advance(&columns[c], (uint32_t)first);
    }
    *out = (Chunk){.columns = columns, .column_count = store->column_count, .row_count = count};
}

void column_store_pick(const ColumnStore *store, const uint32_t *indices, uint32_t count, Vector *columns, Chunk *out)
{
    for (uint32_t c = 0; c < store->column_count; c++)
        columns[c] = (Vector){.type = store->columns[c].type, .form = VECTOR_DICTIONARY, .codes = indices,
                              .dictionary = &store->columns[c], .dict_size = (uint32_t)store->row_count};
    *out = (Chunk){.columns = columns, .column_count = store->column_count, .row_count = count};
}

Status column_store_emit(ExecContext *exec, const ColumnStore *store, Consumer *consumer)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    Vector *columns = ARENA_NEW_ARRAY(&arena, Vector, MAX(store->column_count, 1u));
    for (uint64_t first = 0; first < store->row_count; first += CHUNK_ROWS) {
        Chunk chunk;
        TRY(exec_check(exec));
        if (consumer->is_full != NULL && consumer->is_full(consumer))
            return OK;
        column_store_slice(store, first, (uint32_t)MIN(store->row_count - first, (uint64_t)CHUNK_ROWS), columns, &chunk);
        TRY(consumer->push(consumer, 0, &chunk));
    }
    return OK;
}

void vector_slice(const Vector *source, const uint32_t *rows, uint32_t count, Arena *arena, Vector *out)
{
    *out = *source;
    if (source->form == VECTOR_CONSTANT)
        return;
    out->form = VECTOR_DICTIONARY;
    if (source->form == VECTOR_FLAT) {
        Vector *flat = ARENA_NEW(arena, Vector);
        *flat = *source;
        out->codes = rows;
        out->dictionary = flat;
        out->dict_size = CHUNK_ROWS;
        out->nulls = NULL;
        out->dict_id = 0;
        return;
    }
    uint32_t *codes = arena_alloc(arena, sizeof(uint32_t) * MAX(count, 1u));
    for (uint32_t i = 0; i < count; i++)
        codes[i] = source->codes[rows[i]];
    out->codes = codes;
    if (source->nulls != NULL) {
        uint8_t *nulls = arena_alloc(arena, MAX(count, 1u));
        for (uint32_t i = 0; i < count; i++)
            nulls[i] = source->nulls[rows[i]];
        out->nulls = nulls;
    }
}

static uint64_t hash_value(PhysKind phys, const void *data, uint32_t index)
{
    switch (phys) {
    case PHYS_BOOL:
    case PHYS_I8:
        return hash_u64((uint64_t)((const int8_t *)data)[index]);
    case PHYS_I16:
        return hash_u64((uint64_t)((const int16_t *)data)[index]);
    case PHYS_I32:
        return hash_u64((uint64_t)((const int32_t *)data)[index]);
    case PHYS_I64:
        return hash_u64((uint64_t)((const int64_t *)data)[index]);
    case PHYS_I128: {
        Int128 value = ((const Int128 *)data)[index];
        return hash_combine((uint64_t)(value >> 64), (uint64_t)value);
    }
    case PHYS_F32: {
        double value = (double)((const float *)data)[index];
        uint64_t bits;
        value = value == 0 ? 0 : value;
        memcpy(&bits, &value, sizeof(bits));
        return hash_u64(bits);
    }
    case PHYS_F64: {
        double value = ((const double *)data)[index];
        uint64_t bits;
        value = value == 0 ? 0 : value;
        memcpy(&bits, &value, sizeof(bits));
        return hash_u64(bits);
    }
    case PHYS_STR: {
        const Str *value = &((const Str *)data)[index];
        if (value->length <= STR_INLINE_BYTES)
            return hash_combine(load_u64(value), load_u64((const char *)value + 8));
        return hash_bytes(value->pointer, value->length);
    }
    default:
        return 0;
    }
}

static uint64_t hash_nested(const Vector *values, uint32_t index)
{
    AUTO_ARENA arena;
    AUTO_BYTEBUF bytes = {0};
    arena_init(&arena, NULL);
    Datum value = vector_get(values, index, &arena);
    datum_encode(values->type, &value, &bytes);
    return hash_bytes(bytes.data, bytes.length);
}

#define HASH_LOOP(T)                                                                        \
    for (FOR_ROWS(rows, i, row)) {                                                          \
        uint64_t h = hash_u64((uint64_t)((const T *)view.data)[view_index(&view, row)]);    \
        out_hashes[row] = k == 0 ? h : hash_combine(out_hashes[row], h);                    \
    }

void hash_keys(const Vector *const *keys, uint32_t count, Rows rows, uint64_t *out_hashes)
{
    if (count == 0) {
        for (FOR_ROWS(rows, i, row))
            out_hashes[row] = 0;
    }
    for (uint32_t k = 0; k < count; k++) {
        VectorView view = vector_view(keys[k]);
        PhysKind phys = (PhysKind)view.values->type.phys;
        bool has_nulls = view.nulls != NULL || view.row_nulls != NULL;
        if (!has_nulls && phys == PHYS_I32) {
            HASH_LOOP(int32_t)
            continue;
        }
        if (!has_nulls && phys == PHYS_I64) {
            HASH_LOOP(int64_t)
            continue;
        }
        for (FOR_ROWS(rows, i, row)) {
            bool is_null = has_nulls && view_is_null(&view, row);
            uint32_t index = view_index(&view, row);
            uint64_t h = is_null               ? 0x5851F42D4C957F2Du
                         : phys >= PHYS_LIST ? hash_nested(view.values, index)
                                             : hash_value(phys, view.data, index);
            out_hashes[row] = k == 0 ? h : hash_combine(out_hashes[row], h);
        }
    }
}

static bool values_equal(const VectorView *a, uint32_t ai, const VectorView *b, uint32_t bi)
{
    switch ((PhysKind)a->values->type.phys) {
    case PHYS_BOOL:
    case PHYS_I8:
        return ((const int8_t *)a->data)[ai] == ((const int8_t *)b->data)[bi];
    case PHYS_I16:
        return ((const int16_t *)a->data)[ai] == ((const int16_t *)b->data)[bi];
    case PHYS_I32:
        return ((const int32_t *)a->data)[ai] == ((const int32_t *)b->data)[bi];
    case PHYS_I64:
        return ((const int64_t *)a->data)[ai] == ((const int64_t *)b->data)[bi];
    case PHYS_I128:
        return ((const Int128 *)a->data)[ai] == ((const Int128 *)b->data)[bi];
    case PHYS_F32:
        return ((const float *)a->data)[ai] == ((const float *)b->data)[bi];
    case PHYS_F64:
        return ((const double *)a->data)[ai] == ((const double *)b->data)[bi];
    case PHYS_STR:
        return str_equal(&((const Str *)a->data)[ai], &((const Str *)b->data)[bi]);
    default: {
        AUTO_ARENA arena;
        arena_init(&arena, NULL);
        Datum x = vector_get(a->values, ai, &arena);
        Datum y = vector_get(b->values, bi, &arena);
        return datum_compare(a->values->type, &x, &y) == 0;
    }
    }
}

bool keys_equal(const Vector *const *a, uint32_t a_row, const Vector *const *b, uint32_t b_row, uint32_t count)
{
    for (uint32_t k = 0; k < count; k++) {
        VectorView x = vector_view(a[k]);
        VectorView y = vector_view(b[k]);
        bool x_null = view_is_null(&x, a_row);
        bool y_null = view_is_null(&y, b_row);
        if (x_null || y_null) {
            if (x_null != y_null)
                return false;
            continue;
        }
        if (!values_equal(&x, view_index(&x, a_row), &y, view_index(&y, b_row)))
            return false;
    }
    return true;
}

#define COMPARE_AS(T) (((const T *)x->data)[a] > ((const T *)y->data)[b]) - (((const T *)x->data)[a] < ((const T *)y->data)[b])

static inline __attribute__((always_inline)) int compare_keys(const Vector *a_columns, uint32_t a, const Vector *b_columns, uint32_t b,
                                                              const PhysSortKey *keys, uint32_t count)
{
    for (uint32_t k = 0; k < count; k++) {
        const Vector *x = &a_columns[k];
        const Vector *y = &b_columns[k];
        bool a_null = x->nulls != NULL && x->nulls[a] != 0;
        bool b_null = y->nulls != NULL && y->nulls[b] != 0;
        if (a_null || b_null) {
            if (a_null == b_null)
                continue;
            return a_null == keys[k].nulls_first ? -1 : 1;
        }
        int order;
        switch ((PhysKind)x->type.phys) {
        case PHYS_BOOL:
        case PHYS_I8:
            order = COMPARE_AS(int8_t);
            break;
        case PHYS_I16:
            order = COMPARE_AS(int16_t);
            break;
        case PHYS_I32:
            order = COMPARE_AS(int32_t);
            break;
        case PHYS_I64:
            order = COMPARE_AS(int64_t);
            break;
        case PHYS_I128:
            order = COMPARE_AS(Int128);
            break;
        case PHYS_F32:
            order = COMPARE_AS(float);
            break;
        case PHYS_F64:
            order = COMPARE_AS(double);
            break;
        case PHYS_STR:
            order = str_compare(&((const Str *)x->data)[a], &((const Str *)y->data)[b]);
            break;
        default: {
            AUTO_ARENA arena;
            arena_init(&arena, NULL);
            Datum left = vector_get(x, a, &arena);
            Datum right = vector_get(y, b, &arena);
            order = datum_compare(x->type, &left, &right);
            break;
        }
        }
        if (order != 0)
            return keys[k].is_descending ? -order : order;
    }
    return 0;
}

int compare_rows(const Vector *columns, const PhysSortKey *keys, uint32_t count, uint32_t a, uint32_t b)
{
    return compare_keys(columns, a, columns, b, keys, count);
}

int compare_rows_of(const Vector *a_columns, uint32_t a, const Vector *b_columns, uint32_t b, const PhysSortKey *keys, uint32_t count)
{
    return compare_keys(a_columns, a, b_columns, b, keys, count);
}
