#include "func/dictionary.h"

/* dictionary_get(name, key, .. [, null_if_not_exist]): the values of the row with that key, as a STRUCT. dict_mapping() does the same
 * with a table of primary keys and one value.
 *
 * A dictionary keeps its value columns as vectors, a page of rows each, and a table of slots by the hash of the encoded keys.
 * The function is bound to the shape alone; each thread that evaluates it holds the dictionary meanwhile. */

#include <stdatomic.h>

#include "base/hash.h"
#include "func/families.h"
#include "func/nested.h"

typedef struct DictionaryPage {
    Vector *values; /* a column each */
    StrView *keys;  /* encoded, a row each */
    uint32_t rows;
} DictionaryPage;

struct Dictionary {
    atomic_uint references;
    Arena arena;
    DictionaryShape shape;
    DictionaryPage **pages; /* PAGE_ROWS each, but the last */
    uint32_t page_count, page_capacity;
    uint32_t *slots; /* row number + 1; 0: free */
    uint32_t slot_count; /* a power of two */
    uint32_t rows;
    uint64_t bytes; /* of keys and values */
    uint64_t most_bytes;
};

enum { PAGE_ROWS = CHUNK_ROWS, FIRST_SLOTS = 1024 };

Dictionary *dictionary_new(const DictionaryShape *shape, uint64_t most_bytes)
{
    Dictionary *d = mem_alloc_zero(sizeof(*d));
    atomic_init(&d->references, 1);
    arena_init(&d->arena, mem_process_tracker());
    Type *keys = ARENA_NEW_ARRAY(&d->arena, Type, MAX(shape->key_count, 1u));
    Type *values = ARENA_NEW_ARRAY(&d->arena, Type, MAX(shape->value_count, 1u));
    StrView *names = ARENA_NEW_ARRAY(&d->arena, StrView, MAX(shape->value_count, 1u));
    for (uint32_t k = 0; k < shape->key_count; k++)
        keys[k] = type_copy(&d->arena, shape->keys[k]);
    for (uint32_t v = 0; v < shape->value_count; v++) {
        values[v] = type_copy(&d->arena, shape->values[v]);
        names[v] = strview_n(arena_strndup(&d->arena, shape->value_names[v].data, shape->value_names[v].length), shape->value_names[v].length);
    }
    d->shape = (DictionaryShape){keys, shape->key_count, values, names, shape->value_count};
    d->slot_count = FIRST_SLOTS;
    d->slots = mem_alloc_zero(sizeof(uint32_t) * d->slot_count);
    d->most_bytes = most_bytes;
    return d;
}

const Dictionary *dictionary_ref(const Dictionary *dictionary)
{
    atomic_fetch_add_explicit(&((Dictionary *)(uintptr_t)dictionary)->references, 1, memory_order_relaxed);
    return dictionary;
}

void dictionary_unref(const Dictionary *dictionary)
{
    Dictionary *d = (Dictionary *)(uintptr_t)dictionary;
    if (d == NULL || atomic_fetch_sub_explicit(&d->references, 1, memory_order_acq_rel) > 1)
        return;
    mem_free(d->pages);
    mem_free(d->slots);
    arena_deinit(&d->arena);
    mem_free(d);
}

const DictionaryShape *dictionary_shape(const Dictionary *dictionary)
{
    return &dictionary->shape;
}

uint64_t dictionary_bytes(const Dictionary *dictionary)
{
    return dictionary->bytes;
}

uint64_t dictionary_rows(const Dictionary *dictionary)
{
    return dictionary->rows;
}

/* ---- keys ---- */

/* False: one of the keys is NULL. */
static bool encode_key(const Vector *const *keys, uint32_t count, uint32_t row, Arena *scratch, ByteBuf *out)
{
    bytebuf_clear(out);
    for (uint32_t k = 0; k < count; k++) {
        Datum value = vector_get(keys[k], row, scratch);
        if (value.is_null)
            return false;
        if (keys[k]->type.phys == PHYS_STR)
            bytebuf_put_sized(out, str_data(&value.str), value.str.length);
        else
            bytebuf_append(out, &value.i128, sizeof(value.i128));
    }
    return true;
}

static const DictionaryPage *page_of(const Dictionary *d, uint32_t row)
{
    return d->pages[row / PAGE_ROWS];
}

/* The slot of the key, or the free one where it belongs. */
static uint32_t find_slot(const Dictionary *d, StrView key)
{
    uint32_t slot = (uint32_t)hash_bytes(key.data, key.length) & (d->slot_count - 1);
    for (;;) {
        uint32_t taken = d->slots[slot];
        if (taken == 0 || strview_equal(page_of(d, taken - 1)->keys[(taken - 1) % PAGE_ROWS], key))
            return slot;
        slot = (slot + 1) & (d->slot_count - 1);
    }
}

static void grow_slots(Dictionary *d)
{
    mem_free(d->slots);
    d->slot_count *= 2;
    d->slots = mem_alloc_zero(sizeof(uint32_t) * d->slot_count);
    for (uint32_t row = 0; row < d->rows; row++)
        d->slots[find_slot(d, page_of(d, row)->keys[row % PAGE_ROWS])] = row + 1;
}

/* ---- making one ---- */

static DictionaryPage *open_page(Dictionary *d)
{
    if (d->page_count > 0 && d->pages[d->page_count - 1]->rows < PAGE_ROWS)
        return d->pages[d->page_count - 1];
    if (d->page_count == d->page_capacity) {
        d->page_capacity = MAX(d->page_capacity * 2, 16u);
        d->pages = mem_realloc(d->pages, sizeof(DictionaryPage *) * d->page_capacity);
    }
    DictionaryPage *page = ARENA_NEW(&d->arena, DictionaryPage);
    page->keys = ARENA_NEW_ARRAY(&d->arena, StrView, PAGE_ROWS);
    page->values = ARENA_NEW_ARRAY(&d->arena, Vector, d->shape.value_count);
    for (uint32_t v = 0; v < d->shape.value_count; v++)
        vector_init(&page->values[v], &d->arena, d->shape.values[v], PAGE_ROWS);
    d->pages[d->page_count++] = page;
    return page;
}

static Status add_row(Dictionary *d, const Vector *columns, uint32_t row, StrView key, Arena *scratch, Diag *diag)
{
    DictionaryPage *page = open_page(d);
    uint32_t slot = find_slot(d, key);
    if (d->slots[slot] != 0)
        return RAISE(diag, INVALID_ARGUMENT, "a key occurs more than once in the source of the dictionary");
    for (uint32_t v = 0; v < d->shape.value_count; v++) {
        Datum value = vector_get(&columns[d->shape.key_count + v], row, scratch);
        if (value.is_null)
            return RAISE(diag, COLUMN_NOT_NULL, "the source of the dictionary has NULL in column '%.*s'", SV_ARGS(d->shape.value_names[v]));
        Datum copy = datum_copy(&d->arena, d->shape.values[v], &value);
        vector_put(&page->values[v], &d->arena, page->rows, &copy);
        d->bytes += d->shape.values[v].phys == PHYS_STR ? copy.str.length + sizeof(Str) : phys_width((PhysKind)d->shape.values[v].phys);
    }
    page->keys[page->rows++] = strview_n(arena_strndup(&d->arena, key.data, key.length), key.length);
    d->bytes += key.length + sizeof(StrView);
    d->slots[slot] = ++d->rows;
    return OK;
}

Status dictionary_add(Dictionary *d, const Vector *columns, Rows rows, Diag *diag)
{
    AUTO_ARENA scratch;
    AUTO_BYTEBUF key = {0};
    arena_init(&scratch, NULL);
    ArenaMark mark = arena_mark(&scratch);
    const Vector *keys[64];
    for (uint32_t k = 0; k < d->shape.key_count; k++)
        keys[k] = &columns[k];
    for (FOR_ROWS(rows, i, row)) {
        if (!encode_key(keys, d->shape.key_count, row, &scratch, &key))
            return RAISE(diag, COLUMN_NOT_NULL, "the source of the dictionary has NULL in a key column");
        if (d->rows >= d->slot_count / 2)
            grow_slots(d);
        TRY(add_row(d, columns, row, bytebuf_view(&key), &scratch, diag));
        arena_release(&scratch, mark);
    }
    if (dictionary_bytes(d) > d->most_bytes)
        return RAISE(diag, LIMIT_EXCEEDED, "the dictionary is larger than its limit of %llu bytes", (unsigned long long)d->most_bytes);
    return OK;
}

/* ---- dictionary_get ---- */

typedef struct GetData {
    const char *name;
    DictionaryShape shape;
    bool is_null_if_missing;
    bool is_mapping; /* the value itself, not a STRUCT of values */
} GetData;

static bool same_shape(const DictionaryShape *a, const DictionaryShape *b)
{
    bool same = a->key_count == b->key_count && a->value_count == b->value_count;
    for (uint32_t k = 0; same && k < a->key_count; k++)
        same = type_equal(a->keys[k], b->keys[k]);
    for (uint32_t v = 0; same && v < a->value_count; v++)
        same = type_equal(a->values[v], b->values[v]);
    return same;
}

static Status get_open(FuncContext *context, void **out_state)
{
    const GetData *data = context->binding->data;
    const DictionarySource *source = context->session->dictionaries;
    const Dictionary *dictionary;
    if (source == NULL)
        return RAISE(context->diag, NOT_SUPPORTED, "there are no dictionaries here");
    TRY(source->open(source->context, context->session->user, strview(data->name), context->diag, &dictionary));
    if (!same_shape(dictionary_shape(dictionary), &data->shape)) {
        dictionary_unref(dictionary);
        return RAISE(context->diag, RETRY, "dictionary %s changed while the statement began", data->name);
    }
    *out_state = (void *)(uintptr_t)dictionary;
    return OK;
}

static void get_close(void *state)
{
    dictionary_unref(state);
}

static Status get_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    const GetData *data = context->binding->data;
    const Dictionary *d = context->state;
    AUTO_ARENA scratch;
    AUTO_BYTEBUF key = {0};
    (void)count;
    arena_init(&scratch, NULL);
    ArenaMark mark = arena_mark(&scratch);
    for (FUNC_ROWS(context, rows, i, row)) {
        arena_release(&scratch, mark);
        if (!encode_key(arguments + 1, data->shape.key_count, row, &scratch, &key)) {
            vector_set_null(out, row);
            continue;
        }
        uint32_t found = d->slots[find_slot(d, bytebuf_view(&key))];
        if (found == 0 && !data->is_null_if_missing && data->is_mapping)
            return RAISE(context->diag, INVALID_ARGUMENT, "query failed if record not exist in dict table.");
        if (found == 0 && !data->is_null_if_missing)
            return RAISE(context->diag, INVALID_ARGUMENT, "key not found in dictionary cache: %s", data->name);
        if (found == 0) {
            vector_set_null(out, row);
            continue;
        }
        const DictionaryPage *page = page_of(d, found - 1);
        for (uint32_t v = 0; v < data->shape.value_count; v++) {
            Datum value = vector_get(&page->values[v], (found - 1) % PAGE_ROWS, context->arena);
            Datum copy = datum_copy(context->arena, data->shape.values[v], &value);
            vector_put(data->is_mapping ? out : &out->children[v], context->arena, row, &copy);
        }
    }
    return OK;
}

static Status bind_get(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    const DictionarySource *source = request->session->dictionaries;
    const Datum *name = request->constants[0];
    GetData *data = ARENA_NEW(request->arena, GetData);
    (void)def;
    if (name == NULL || name->is_null || !type_is_string(request->types[0]))
        return RAISE(request->diag, ANALYSIS,
                     "Getting analyzing error. Detail message: dictionary_get function first param dictionary name should be string literal.");
    if (source == NULL)
        return RAISE(request->diag, NOT_SUPPORTED, "there are no dictionaries here");
    data->name = arena_strndup(request->arena, str_data(&name->str), name->str.length);
    TRY(source->describe(source->context, request->session->user, strview(data->name), request->arena, request->diag, &data->shape));
    uint32_t keys = data->shape.key_count;
    if (request->count != keys + 1 && request->count != keys + 2)
        return RAISE(request->diag, ANALYSIS,
                     "Getting analyzing error. Detail message: dictionary: %s has expected keys size: %u keys, plus null_if_not_exist "
                     "flag(optional) but param given: %u.",
                     data->name, keys, request->count - 1);
    Type *types = bind_argument_array(request, out);
    for (uint32_t k = 0; k < keys; k++)
        types[k + 1] = data->shape.keys[k];
    if (request->count == keys + 2) {
        const Datum *flag = request->constants[keys + 1];
        if (flag == NULL || flag->is_null || types[keys + 1].kind != TYPE_BOOLEAN)
            return RAISE(request->diag, ANALYSIS,
                         "Getting analyzing error. Detail message: dictionary: %s has invalid parameter for `null_if_not_exist` flag.", data->name);
        data->is_null_if_missing = flag->i64 != 0;
    }
    out->result = type_struct(request->arena, data->shape.values, data->shape.value_names, data->shape.value_count);
    out->data = data;
    out->kernel = get_kernel;
    out->open = get_open;
    out->close = get_close;
    return OK;
}

static Status describe(const FuncBindRequest *request, StrView value, GetData *data)
{
    const DictionarySource *source = request->session->dictionaries;
    const char mark = DICTIONARY_MAPPING_MARK;
    StrView name = str_view(&request->constants[0]->str);
    size_t point = strview_find(name, STR_VIEW("."));
    StrView database = point == SIZE_MAX ? request->session->database : strview_n(name.data, point);
    StrView table = point == SIZE_MAX ? name : strview_n(name.data + point + 1, name.length - point - 1);
    data->name = arena_printf(request->arena, "%c%.*s%c%.*s%c%.*s", mark, SV_ARGS(database), mark, SV_ARGS(table), mark, SV_ARGS(value));
    return source->describe(source->context, request->session->user, strview(data->name), request->arena, request->diag, &data->shape);
}

static Status bad_mapping(const FuncBindRequest *request, const char *what)
{
    return RAISE(request->diag, ANALYSIS, "Getting analyzing error. Detail message: dict_mapping function %s.", what);
}

/* dict_mapping(table, key, .. [, value column] [, null_if_not_exist]) */
static Status bind_mapping(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    GetData *data = ARENA_NEW(request->arena, GetData);
    const Datum *name = request->constants[0];
    (void)def;
    if (name == NULL || name->is_null || !type_is_string(request->types[0]))
        return bad_mapping(request, "first argument should be string literal");
    if (request->session->dictionaries == NULL)
        return RAISE(request->diag, NOT_SUPPORTED, "there are no dictionaries here");
    TRY(describe(request, STR_VIEW(""), data));
    uint32_t keys = data->shape.key_count;
    uint32_t at = keys + 1;
    Type *types = bind_argument_array(request, out);
    if (request->count < at)
        return bad_mapping(request, "needs a value for each key of the table");
    if (at < request->count && type_is_string(types[at]) && request->constants[at] != NULL && !request->constants[at]->is_null)
        TRY(describe(request, str_view(&request->constants[at++]->str), data));
    if (at < request->count && types[at].kind == TYPE_BOOLEAN && request->constants[at] != NULL)
        data->is_null_if_missing = request->constants[at++]->i64 != 0;
    if (at != request->count)
        return bad_mapping(request, "takes the keys, the name of the value column and a BOOLEAN literal");
    for (uint32_t k = 0; k < keys; k++)
        types[k + 1] = data->shape.keys[k];
    data->is_mapping = true;
    out->result = data->shape.values[0];
    out->data = data;
    out->kernel = get_kernel;
    out->open = get_open;
    out->close = get_close;
    return OK;
}

static const FuncDef defs[] = {
    {.name = "dict_mapping", .kind = FUNC_SCALAR, .flags = FUNC_SESSION_BOUND | FUNC_CAN_RAISE | FUNC_EXPENSIVE, .min_arguments = 2,
     .max_arguments = FUNC_ANY_ARGUMENTS, .bind = bind_mapping, .group = "utility"},
    {.name = "dictionary_get", .kind = FUNC_SCALAR, .flags = FUNC_SESSION_BOUND | FUNC_CAN_RAISE | FUNC_EXPENSIVE, .min_arguments = 2,
     .max_arguments = FUNC_ANY_ARGUMENTS, .bind = bind_get, .group = "utility"},
};
const FuncTable func_table_dictionary = {defs, COUNT_OF(defs)};
