#include "vector/vector.h"

/* Life cycle of vectors and chunks, and the form-independent slow paths: flatten, gather, get, put.
 * Fixed-width gathers are stamped out a width, because they sit in every join and sort. */

#include "base/hash.h"

enum { VECTOR_ALIGNMENT = 64, VECTOR_SLACK_BYTES = 64 };

/* The first ones will be written before they are read. */
static void *alloc_more_values(Arena *arena, PhysKind phys, uint32_t first, uint32_t capacity)
{
    size_t bytes = (size_t)phys_width(phys) * capacity + VECTOR_SLACK_BYTES;
    size_t written = (size_t)phys_width(phys) * first;
    char *data = arena_alloc_aligned(arena, bytes, VECTOR_ALIGNMENT);
    /* String and list slots must be valid references from the start. */
    if (phys == PHYS_STR || phys == PHYS_LIST || phys == PHYS_MAP)
        memset(data + written, 0, bytes - written);
    return data;
}

static void *alloc_values(Arena *arena, PhysKind phys, uint32_t capacity)
{
    return alloc_more_values(arena, phys, 0, capacity);
}

static uint32_t child_count_of(Type type)
{
    return type_is_nested(type) ? type.nested->count : 0;
}

void vector_init(Vector *vector, Arena *arena, Type type, uint32_t capacity)
{
    *vector = (Vector){.type = type, .capacity = capacity};
    if (phys_width(type.phys) > 0)
        vector->data_buffer = alloc_values(arena, type.phys, capacity);
    vector->nulls_buffer = arena_alloc_aligned(arena, capacity + VECTOR_SLACK_BYTES, VECTOR_ALIGNMENT);
    vector->child_count = child_count_of(type);
    if (vector->child_count > 0) {
        vector->children = ARENA_NEW_ARRAY(arena, Vector, vector->child_count);
        for (uint32_t i = 0; i < vector->child_count; i++)
            vector_init(&vector->children[i], arena, type.nested->types[i], capacity);
    }
    vector_reset(vector);
}

void vector_reset(Vector *vector)
{
    vector->form = VECTOR_FLAT;
    vector->data = vector->data_buffer;
    vector->nulls = NULL;
    vector->codes = NULL;
    vector->dictionary = NULL;
    vector->dict_size = 0;
    vector->dict_id = 0;
    vector->child_rows = 0;
    vector->first = 0;
    for (uint32_t i = 0; i < vector->child_count; i++)
        vector_reset(&vector->children[i]);
}

uint8_t *vector_nulls(Vector *vector)
{
    if (vector->nulls == NULL) {
        memset(vector->nulls_buffer, 0, vector->capacity);
        vector->nulls = vector->nulls_buffer;
    }
    return vector->nulls;
}

void vector_set_null(Vector *vector, uint32_t row)
{
    vector_nulls(vector)[row] = 1;
    if (vector->type.phys == PHYS_STR)
        memset((Str *)vector->data + row, 0, sizeof(Str));
    else if (vector->type.phys == PHYS_LIST || vector->type.phys == PHYS_MAP)
        ((ListEntry *)vector->data)[row] = (ListEntry){0, 0};
    else if (vector->type.phys == PHYS_STRUCT) {
        for (uint32_t i = 0; i < vector->child_count; i++)
            vector_set_null(&vector->children[i], row);
    }
}

void vector_set_constant(Vector *vector, Arena *arena, Type type, const Datum *datum)
{
    vector_init(vector, arena, type, 1);
    vector_put(vector, arena, 0, datum);
    vector->form = VECTOR_CONSTANT;
}

void vector_make_constant_null(Vector *vector, Arena *arena, Type type)
{
    Datum null = datum_null();
    vector_set_constant(vector, arena, type, &null);
}

static void grow_vector(Vector *vector, Arena *arena, uint32_t rows)
{
    if (rows <= vector->capacity)
        return;
    uint32_t capacity = MAX(rows, vector->capacity * 2);
    uint32_t width = phys_width(vector->type.phys);
    if (width > 0) {
        uint32_t kept = vector->data == NULL ? 0 : vector->capacity;
        void *data = alloc_more_values(arena, vector->type.phys, kept, capacity);
        if (kept > 0)
            memcpy(data, vector->data, (size_t)width * kept);
        vector->data = vector->data_buffer = data;
    }
    uint8_t *nulls = arena_alloc_aligned(arena, capacity + VECTOR_SLACK_BYTES, VECTOR_ALIGNMENT);
    if (vector->nulls != NULL) {
        memcpy(nulls, vector->nulls, vector->capacity);
        memset(nulls + vector->capacity, 0, capacity - vector->capacity);
        vector->nulls = nulls;
    }
    vector->nulls_buffer = nulls;
    vector->capacity = capacity;
    if (vector->type.phys == PHYS_STRUCT) {
        for (uint32_t i = 0; i < vector->child_count; i++)
            grow_vector(&vector->children[i], arena, rows);
    }
}

void vector_reserve_children(Vector *vector, Arena *arena, uint32_t rows)
{
    for (uint32_t i = 0; i < vector->child_count; i++)
        grow_vector(&vector->children[i], arena, rows);
}

VectorView vector_view(const Vector *vector)
{
    switch ((VectorForm)vector->form) {
    case VECTOR_FLAT:
        return (VectorView){.data = vector->data, .nulls = vector->nulls, .values = vector};
    case VECTOR_CONSTANT:
        return (VectorView){
            .data = vector->data, .nulls = vector->nulls, .values = vector, .is_constant = true};
    case VECTOR_DICTIONARY:
        return (VectorView){.data = vector->dictionary->data,
                            .nulls = vector->dictionary->nulls,
                            .row_nulls = vector->nulls,
                            .codes = vector->codes,
                            .values = vector->dictionary};
    }
    UNREACHABLE();
}

bool vector_has_nulls(const Vector *vector, Rows rows)
{
    VectorView view = vector_view(vector);
    if (view.nulls == NULL && view.row_nulls == NULL)
        return false;
    for (FOR_ROWS(rows, i, row)) {
        if (view_is_null(&view, row))
            return true;
    }
    return false;
}

/* out[to(i)] = in[index(row)] for one width. */
#define DEFINE_COPY(name, T)                                                                     \
    static void copy_##name(const VectorView *view, Rows rows, bool is_dense, uint32_t offset,  \
                            void *restrict out)                                                  \
    {                                                                                            \
        const T *in = view->data;                                                                \
        T *target = out;                                                                         \
        for (uint32_t i = 0; i < rows.count; i++) {                                              \
            uint32_t row = rows_at(rows, i);                                                     \
            target[is_dense ? offset + i : row] = in[view_index(view, row)];                     \
        }                                                                                        \
    }
DEFINE_COPY(u8, uint8_t)
DEFINE_COPY(u16, uint16_t)
DEFINE_COPY(u32, uint32_t)
DEFINE_COPY(u64, uint64_t)
DEFINE_COPY(u128, UInt128)
#undef DEFINE_COPY

static void copy_values(const VectorView *view, Rows rows, bool is_dense, uint32_t offset,
                        Vector *out)
{
    switch (phys_width(out->type.phys)) {
    case 1:
        copy_u8(view, rows, is_dense, offset, out->data);
        break;
    case 2:
        copy_u16(view, rows, is_dense, offset, out->data);
        break;
    case 4:
        copy_u32(view, rows, is_dense, offset, out->data);
        break;
    case 8:
        copy_u64(view, rows, is_dense, offset, out->data);
        break;
    case 16:
        copy_u128(view, rows, is_dense, offset, out->data);
        break;
    default:
        break;
    }
}

static void copy_nulls(const VectorView *view, Rows rows, bool is_dense, uint32_t offset,
                       Vector *out)
{
    if (view->nulls == NULL && view->row_nulls == NULL) {
        if (out->nulls != NULL) {
            for (uint32_t i = 0; i < rows.count; i++)
                out->nulls[is_dense ? offset + i : rows_at(rows, i)] = 0;
        }
        return;
    }
    uint8_t *nulls = vector_nulls(out);
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = rows_at(rows, i);
        nulls[is_dense ? offset + i : row] = view_is_null(view, row);
    }
}

static void copy_heap_strings(Vector *out, Arena *heap, uint32_t offset, uint32_t count)
{
    Str *values = (Str *)out->data + offset;
    for (uint32_t i = 0; i < count; i++) {
        if (values[i].length > STR_INLINE_BYTES)
            values[i] = str_copy(heap, &values[i]);
    }
}

static void gather_nested(const VectorView *view, Rows rows, Arena *heap, uint32_t offset,
                          Vector *out);

void vector_gather(const Vector *vector, Rows rows, Arena *heap, uint32_t offset, Vector *out)
{
    VectorView view = vector_view(vector);
    copy_nulls(&view, rows, true, offset, out);
    if (out->child_count > 0) {
        gather_nested(&view, rows, heap, offset, out);
        return;
    }
    copy_values(&view, rows, true, offset, out);
    if (out->type.phys == PHYS_STR && heap != NULL)
        copy_heap_strings(out, heap, offset, rows.count);
}

/* Copies values first .. first+count-1 of a child to place at.. of another of the same type. */
static void copy_range(const Vector *from, uint32_t first, uint32_t count, Arena *heap, Vector *to, uint32_t at)
{
    uint32_t width = phys_width(to->type.phys);
    if (from->form != VECTOR_FLAT || width == 0 || to->child_count > 0) {
        for (uint32_t i = 0; i < count; i++) {
            Datum value = vector_get(from, first + i, heap);
            Datum copy = datum_copy(heap, to->type, &value);
            vector_put(to, heap, at + i, &copy);
        }
        return;
    }
    memcpy((char *)to->data + (size_t)at * width, (const char *)from->data + (size_t)first * width, (size_t)count * width);
    if (from->nulls != NULL)
        memcpy(vector_nulls(to) + at, from->nulls + first, count);
    else if (to->nulls != NULL)
        memset(to->nulls + at, 0, count);
    if (to->type.phys == PHYS_STR)
        copy_heap_strings(to, heap, at, count);
}

/* Lists and maps: their values are appended to the children of out. */
static void gather_list(const VectorView *view, uint32_t row, Arena *heap, uint32_t place, Vector *out)
{
    ListEntry entry = ((const ListEntry *)view->data)[view_index(view, row)];
    uint32_t at = out->child_rows;
    vector_reserve_children(out, heap, at + entry.length);
    for (uint32_t c = 0; c < out->child_count; c++)
        copy_range(&view->values->children[c], entry.offset, entry.length, heap, &out->children[c], at);
    ((ListEntry *)out->data)[place] = (ListEntry){at, entry.length};
    out->child_rows = at + entry.length;
}

/* heap must outlive out. */
static void gather_nested(const VectorView *view, Rows rows, Arena *heap, uint32_t offset,
                          Vector *out)
{
    CHECK(heap != NULL);
    bool is_struct = out->type.phys == PHYS_STRUCT;
    if (is_struct && view->codes == NULL && !view->is_constant) {
        for (uint32_t c = 0; c < out->child_count; c++) {
            Vector child = view->values->children[c];
            if (view->values->first > 0)
                vector_advance(&child, view->values->first);
            vector_gather(&child, rows, heap, offset, &out->children[c]);
        }
        return;
    }
    for (uint32_t i = 0; i < rows.count; i++) {
        uint32_t row = rows_at(rows, i);
        if (view_is_null(view, row)) {
            vector_set_null(out, offset + i);
            continue;
        }
        if (!is_struct) {
            gather_list(view, row, heap, offset + i, out);
            continue;
        }
        Datum value = vector_get(view->values, view_index(view, row), heap);
        Datum copy = datum_copy(heap, out->type, &value);
        vector_put(out, heap, offset + i, &copy);
    }
}

void vector_flatten(const Vector *vector, Rows rows, Arena *arena, Vector *out)
{
    if (vector->form == VECTOR_FLAT) {
        vector_reference(out, vector);
        return;
    }
    VectorView view = vector_view(vector);
    vector_reset(out);
    copy_nulls(&view, rows, false, 0, out);
    if (out->type.phys == PHYS_STRUCT) {
        for (uint32_t i = 0; i < rows.count; i++) {
            uint32_t row = rows_at(rows, i);
            Datum value = vector_get(vector, row, arena);
            vector_put(out, arena, row, &value);
        }
        return;
    }
    copy_values(&view, rows, false, 0, out);
    /* List entries keep pointing into the same children. */
    for (uint32_t i = 0; i < out->child_count; i++)
        vector_reference(&out->children[i], &view.values->children[i]);
    out->child_rows = view.values->child_rows;
}

static Int128 get_integer(PhysKind phys, const void *data, uint32_t index)
{
    switch (phys) {
    case PHYS_BOOL:
        return ((const uint8_t *)data)[index];
    case PHYS_I8:
        return ((const int8_t *)data)[index];
    case PHYS_I16:
        return ((const int16_t *)data)[index];
    case PHYS_I32:
        return ((const int32_t *)data)[index];
    case PHYS_I64:
        return ((const int64_t *)data)[index];
    case PHYS_I128:
        return ((const Int128 *)data)[index];
    case PHYS_F32:
    case PHYS_F64:
    case PHYS_STR:
    case PHYS_LIST:
    case PHYS_MAP:
    case PHYS_STRUCT:
    case PHYS_KIND_COUNT:
        break;
    }
    UNREACHABLE();
}

static Datum get_list(const Vector *values, uint32_t index, Arena *arena)
{
    ListEntry entry = ((const ListEntry *)values->data)[index];
    uint32_t per_entry = values->child_count; /* 1 ARRAY, 2 MAP: keys and values alternate */
    DatumList *list = ARENA_NEW(arena, DatumList);
    list->count = entry.length * per_entry;
    list->items = ARENA_NEW_ARRAY(arena, Datum, list->count);
    for (uint32_t i = 0; i < entry.length; i++) {
        for (uint32_t c = 0; c < per_entry; c++)
            list->items[i * per_entry + c] =
                vector_get(&values->children[c], entry.offset + i, arena);
    }
    return (Datum){.list = list};
}

static Datum get_struct(const Vector *values, uint32_t index, Arena *arena)
{
    DatumList *list = ARENA_NEW(arena, DatumList);
    list->count = values->child_count;
    list->items = ARENA_NEW_ARRAY(arena, Datum, list->count);
    for (uint32_t c = 0; c < values->child_count; c++)
        list->items[c] = vector_get(&values->children[c], values->first + index, arena);
    return (Datum){.list = list};
}

Datum vector_get(const Vector *vector, uint32_t row, Arena *arena)
{
    VectorView view = vector_view(vector);
    if (view_is_null(&view, row))
        return datum_null();
    uint32_t index = view_index(&view, row);
    PhysKind phys = view.values->type.phys;
    switch (phys) {
    case PHYS_F32:
        return datum_f64((double)((const float *)view.data)[index]);
    case PHYS_F64:
        return datum_f64(((const double *)view.data)[index]);
    case PHYS_STR:
        return (Datum){.str = ((const Str *)view.data)[index]};
    case PHYS_LIST:
    case PHYS_MAP:
        return get_list(view.values, index, arena);
    case PHYS_STRUCT:
        return get_struct(view.values, index, arena);
    case PHYS_BOOL:
    case PHYS_I8:
    case PHYS_I16:
    case PHYS_I32:
    case PHYS_I64:
    case PHYS_I128:
        return (Datum){.i128 = get_integer(phys, view.data, index)};
    case PHYS_KIND_COUNT:
        break;
    }
    UNREACHABLE();
}

static void put_list(Vector *vector, Arena *arena, uint32_t row, const DatumList *list)
{
    uint32_t per_entry = vector->child_count;
    uint32_t length = list->count / MAX(per_entry, 1u);
    uint32_t offset = vector->child_rows;
    vector_reserve_children(vector, arena, offset + length);
    ((ListEntry *)vector->data)[row] = (ListEntry){offset, length};
    for (uint32_t i = 0; i < length; i++) {
        for (uint32_t c = 0; c < per_entry; c++)
            vector_put(&vector->children[c], arena, offset + i, &list->items[i * per_entry + c]);
    }
    vector->child_rows = offset + length;
}

void vector_put(Vector *vector, Arena *arena, uint32_t row, const Datum *datum)
{
    if (datum->is_null) {
        vector_set_null(vector, row);
        return;
    }
    if (vector->nulls != NULL)
        vector->nulls[row] = 0;
    void *data = vector->data;
    switch ((PhysKind)vector->type.phys) {
    case PHYS_BOOL:
        ((uint8_t *)data)[row] = datum->i64 != 0;
        return;
    case PHYS_I8:
        ((int8_t *)data)[row] = (int8_t)datum->i64;
        return;
    case PHYS_I16:
        ((int16_t *)data)[row] = (int16_t)datum->i64;
        return;
    case PHYS_I32:
        ((int32_t *)data)[row] = (int32_t)datum->i64;
        return;
    case PHYS_I64:
        ((int64_t *)data)[row] = datum->i64;
        return;
    case PHYS_I128:
        ((Int128 *)data)[row] = datum->i128;
        return;
    case PHYS_F32:
        ((float *)data)[row] = (float)datum->f64;
        return;
    case PHYS_F64:
        ((double *)data)[row] = datum->f64;
        return;
    case PHYS_STR:
        ((Str *)data)[row] = datum->str;
        return;
    case PHYS_LIST:
    case PHYS_MAP:
        put_list(vector, arena, row, datum->list);
        return;
    case PHYS_STRUCT:
        for (uint32_t c = 0; c < vector->child_count; c++)
            vector_put(&vector->children[c], arena, row, &datum->list->items[c]);
        return;
    case PHYS_KIND_COUNT:
        break;
    }
    UNREACHABLE();
}

void chunk_init(Chunk *chunk, Arena *arena, const Type *types, uint32_t column_count)
{
    *chunk = (Chunk){.column_count = column_count};
    chunk->columns = ARENA_NEW_ARRAY(arena, Vector, column_count);
    for (uint32_t i = 0; i < column_count; i++)
        vector_init(&chunk->columns[i], arena, types[i], CHUNK_ROWS);
}

void chunk_reset(Chunk *chunk)
{
    for (uint32_t i = 0; i < chunk->column_count; i++)
        vector_reset(&chunk->columns[i]);
    chunk->row_count = 0;
    chunk->sel = NULL;
    chunk->selected = 0;
    chunk->dropped = NULL;
}

void chunk_compact(Chunk *chunk, Arena *arena, Chunk *out)
{
    Rows rows = chunk_rows(chunk);
    chunk_reset(out);
    for (uint32_t i = 0; i < chunk->column_count; i++)
        vector_gather(&chunk->columns[i], rows, chunk->columns[i].child_count > 0 ? arena : NULL, 0,
                      &out->columns[i]);
    out->row_count = rows.count;
}

static void verify_vector(const Vector *vector, Rows rows)
{
    if (vector->form != VECTOR_DICTIONARY)
        return;
    CHECK(vector->dictionary->form == VECTOR_FLAT);
    for (FOR_ROWS(rows, i, row)) {
        if (vector->nulls == NULL || vector->nulls[row] == 0)
            CHECK(vector->codes[row] < vector->dict_size);
    }
}

void chunk_verify(const Chunk *chunk)
{
    CHECK(chunk->row_count <= CHUNK_ROWS);
    Rows rows = chunk_rows(chunk);
    CHECK(rows.count <= chunk->row_count);
    for (uint32_t i = 0; rows.sel != NULL && i < rows.count; i++) {
        CHECK(rows.sel[i] < chunk->row_count);
        CHECK(i == 0 || rows.sel[i] > rows.sel[i - 1]);
    }
    for (uint32_t c = 0; c < chunk->column_count; c++)
        verify_vector(&chunk->columns[c], rows);
}
