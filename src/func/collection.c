#include "func/families.h"

/* Functions over MAP and STRUCT. Entries of a map are kept in the order of their keys, so that equal maps
 * have equal contents; of equal keys the last one wins. */

#include <stdlib.h>

#include "func/nested.h"

/* Entries as datums: keys and values alternate. */
typedef struct MapItems {
    Datum *items;
    uint32_t count; /* entries */
} MapItems;

static MapItems map_at(const Vector *vector, uint32_t row, Arena *arena)
{
    Datum map = vector_get(vector, row, arena);
    if (map.is_null)
        return (MapItems){NULL, 0};
    return (MapItems){map.list->items, map.list->count / 2};
}

typedef struct MapEntry {
    Datum key, value;
} MapEntry;
static int compare_entries(const void *a, const void *b, void *context)
{
    return datum_compare(*(const Type *)context, &((const MapEntry *)a)->key, &((const MapEntry *)b)->key);
}

static void put_map(Vector *out, Arena *arena, uint32_t row, Datum *items, uint32_t entries)
{
    Type key = out->type.nested->types[0];
    _Static_assert(sizeof(MapEntry) == 2 * sizeof(Datum), "entries are pairs of datums");
    if (entries > 1)
        qsort_r(items, entries, sizeof(MapEntry), compare_entries, &key);
    DatumList list = {entries * 2, items};
    Datum value = {.list = &list};
    vector_put(out, arena, row, &value);
}

/* Adds entries to items, replacing the values of keys that are there already. */
static uint32_t merge_entries(Type key, Datum *items, uint32_t have, const Datum *more, uint32_t count)
{
    AUTO_ARENA scratch;
    DatumSet keys;
    arena_init(&scratch, NULL);
    datum_set_init(&keys, key, &scratch, have + count);
    for (uint32_t e = 0; e < have; e++)
        datum_set_add(&keys, &items[e * 2]);
    for (uint32_t e = 0; e < count; e++) {
        uint32_t at = datum_set_find(&keys, &more[e * 2]);
        if (at == UINT32_MAX) {
            at = have++;
            datum_set_add(&keys, &more[e * 2]);
        }
        items[at * 2] = more[e * 2];
        items[at * 2 + 1] = more[e * 2 + 1];
    }
    return have;
}

static Status map_literal_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    Arena *arena = context->arena;
    Type key = out->type.nested->types[0];
    Datum *given = ARENA_NEW_ARRAY(arena, Datum, MAX(count, 1u));
    Datum *items = ARENA_NEW_ARRAY(arena, Datum, MAX(count, 1u));
    for (LIST_ROWS(context, out, rows, i, row)) {
        for (uint32_t a = 0; a < count; a++)
            given[a] = vector_get(arguments[a], row, arena);
        put_map(out, arena, row, items, merge_entries(key, items, 0, given, count / 2));
    }
    return OK;
}

static Status bind_map_literal(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    Type common[2] = {type_of(TYPE_NULL), type_of(TYPE_NULL)};
    if (request->count % 2 != 0)
        return bind_error(request);
    for (uint32_t i = 0; i < request->count; i++)
        TRY(type_common(common[i % 2], request->types[i], request->arena, request->diag, &common[i % 2]));
    if (type_is_nested(common[0]) || common[0].kind == TYPE_JSON) {
        AUTO_BYTEBUF text = {0};
        type_print_sql(common[0], &text);
        return RAISE(request->diag, ANALYSIS, "Getting analyzing error. Detail message: Map key doesn't support type: %s.", text.data);
    }
    for (int i = 0; i < 2; i++) {
        common[i].phys = (uint8_t)type_default_phys(common[i]);
    }
    Type *types = bind_argument_array(request, out);
    for (uint32_t i = 0; i < request->count; i++)
        types[i] = common[i % 2];
    out->result = type_map(request->arena, common[0], common[1]);
    out->kernel = map_literal_kernel;
    return OK;
}

DEFINE_ROWWISE(map_size_kernel, { RESULT(int32_t) = (int32_t)list_at(&views[0], row).length; })
/* code: 0 keys, 1 values */
DEFINE_ROWWISE(map_part_kernel, {
    ListSlice list = list_at(&views[0], row);
    list.child = &views[0].values->children[context->binding->def->code];
    uint32_t first = out->child_rows;
    list_push_range(out, context->arena, &list, 0, list.length);
    list_end(out, row, first);
})
DEFINE_ROWWISE(map_element_kernel, {
    MapItems map = map_at(arguments[0], row, context->arena);
    Type key_type = context->binding->argument_types[1];
    Datum key = vector_get(arguments[1], row, context->arena);
    Datum found = datum_null();
    for (uint32_t e = 0; e < map.count; e++) {
        if (map.items[e * 2].is_null == key.is_null && datum_compare(key_type, &map.items[e * 2], &key) == 0)
            found = map.items[e * 2 + 1];
    }
    vector_put(out, context->arena, row, &found);
})
DEFINE_ROWWISE(contains_key_kernel, {
    MapItems map = map_at(arguments[0], row, context->arena);
    Type key_type = context->binding->argument_types[1];
    Datum key = vector_get(arguments[1], row, context->arena);
    bool found = false;
    for (uint32_t e = 0; e < map.count; e++)
        found |= map.items[e * 2].is_null == key.is_null && datum_compare(key_type, &map.items[e * 2], &key) == 0;
    RESULT(uint8_t) = found;
})
DEFINE_ROWWISE(map_from_arrays_kernel, {
    ListSlice keys = list_at(&views[0], row);
    ListSlice values = list_at(&views[1], row);
    if (keys.length != values.length)
        return RAISE(context->diag, INVALID_ARGUMENT, "Key and value arrays must be the same length");
    Datum *given = ARENA_NEW_ARRAY(context->arena, Datum, MAX(keys.length * 2, 1u));
    Datum *items = ARENA_NEW_ARRAY(context->arena, Datum, MAX(keys.length * 2, 1u));
    for (uint32_t e = 0; e < keys.length; e++) {
        given[e * 2] = list_get(&keys, e, context->arena);
        given[e * 2 + 1] = list_get(&values, e, context->arena);
    }
    put_map(out, context->arena, row, items,
            merge_entries(keys.child->type, items, 0, given, keys.length));
})
DEFINE_ROWWISE(map_filter_kernel, {
    MapItems map = map_at(arguments[0], row, context->arena);
    ListSlice wanted = list_at(&views[1], row);
    Datum *items = ARENA_NEW_ARRAY(context->arena, Datum, MAX(map.count * 2, 1u));
    uint32_t kept = 0;
    for (uint32_t e = 0; e < MIN(map.count, wanted.length); e++) {
        Datum keeps = list_get(&wanted, e, context->arena);
        if (keeps.is_null || keeps.i64 == 0)
            continue;
        items[kept * 2] = map.items[e * 2];
        items[kept * 2 + 1] = map.items[e * 2 + 1];
        kept++;
    }
    put_map(out, context->arena, row, items, kept);
})
static Status map_concat_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    Arena *arena = context->arena;
    Type key = out->type.nested->types[0];
    for (LIST_ROWS(context, out, rows, i, row)) {
        uint32_t total = 0;
        bool all_null = true;
        for (uint32_t a = 0; a < count; a++) {
            MapItems map = map_at(arguments[a], row, arena);
            total += map.count;
            all_null &= map.items == NULL;
        }
        if (all_null) {
            vector_set_null(out, row);
            continue;
        }
        Datum *items = ARENA_NEW_ARRAY(arena, Datum, MAX(total * 2, 1u));
        uint32_t have = 0;
        for (uint32_t a = 0; a < count; a++) {
            MapItems map = map_at(arguments[a], row, arena);
            have = merge_entries(key, items, have, map.items, map.count);
        }
        put_map(out, arena, row, items, have);
    }
    return OK;
}
DEFINE_ROWWISE(distinct_keys_kernel, {
    MapItems map = map_at(arguments[0], row, context->arena);
    Datum *items = ARENA_NEW_ARRAY(context->arena, Datum, MAX(map.count * 2, 1u));
    put_map(out, context->arena, row, items,
            merge_entries(out->type.nested->types[0], items, 0, map.items, map.count));
})
DEFINE_ROWWISE(map_entries_kernel, {
    MapItems map = map_at(arguments[0], row, context->arena);
    uint32_t first = out->child_rows;
    for (uint32_t e = 0; e < map.count; e++) {
        DatumList pair = {2, &map.items[e * 2]};
        Datum value = {.list = &pair};
        list_push(out, context->arena, &value);
    }
    list_end(out, row, first);
})

enum { MAPF_SIZE, MAPF_KEYS, MAPF_VALUES, MAPF_ENTRIES, MAPF_DISTINCT };
static Status bind_map_unary(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    Type *types = bind_argument_array(request, out);
    if (types[0].kind == TYPE_NULL)
        types[0] = type_map(request->arena, type_of(TYPE_BOOLEAN), type_of(TYPE_BOOLEAN));
    if (types[0].kind != TYPE_MAP)
        return bind_error(request);
    const Type *parts = types[0].nested->types;
    if (def->code == -1) {
        out->result = type_of(TYPE_INT);
        out->kernel = map_size_kernel;
    } else if (def->code <= 1) {
        out->result = type_array(request->arena, parts[def->code]);
        out->kernel = map_part_kernel;
    } else if (def->code == MAPF_ENTRIES) {
        static const StrView names[] = {{"key", 3}, {"value", 5}};
        out->result = type_array(request->arena, type_struct(request->arena, parts, names, 2));
        out->kernel = map_entries_kernel;
    } else {
        out->result = types[0];
        out->kernel = distinct_keys_kernel;
    }
    return OK;
}

/* code: 0 element, 1 contains key */
static Status bind_map_key(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    Type *types = bind_argument_array(request, out);
    if (types[0].kind != TYPE_MAP)
        return bind_error(request);
    types[1] = types[0].nested->types[0];
    out->result = def->code == 0 ? types[0].nested->types[1] : type_of(TYPE_BOOLEAN);
    out->kernel = def->code == 0 ? map_element_kernel : contains_key_kernel;
    return OK;
}

static Status bind_map_from_arrays(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    Type *types = bind_argument_array(request, out);
    for (uint32_t i = 0; i < 2; i++) {
        if (types[i].kind == TYPE_NULL)
            types[i] = type_array(request->arena, type_of(TYPE_BOOLEAN));
        if (types[i].kind != TYPE_ARRAY)
            return bind_error(request);
    }
    out->result = type_map(request->arena, element_type(types[0]), element_type(types[1]));
    out->kernel = map_from_arrays_kernel;
    return OK;
}

static Status bind_map_filter(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    Type *types = bind_argument_array(request, out);
    if (types[0].kind != TYPE_MAP)
        return bind_error(request);
    types[1] = type_array(request->arena, type_of(TYPE_BOOLEAN));
    out->result = types[0];
    out->kernel = map_filter_kernel;
    return OK;
}

static Status bind_map_concat(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    Type common = type_of(TYPE_NULL);
    for (uint32_t i = 0; i < request->count; i++) {
        if (request->types[i].kind != TYPE_MAP && request->types[i].kind != TYPE_NULL)
            return bind_error(request);
        TRY(type_common(common, request->types[i], request->arena, request->diag, &common));
    }
    if (common.kind == TYPE_NULL)
        common = type_map(request->arena, type_of(TYPE_BOOLEAN), type_of(TYPE_BOOLEAN));
    bind_arguments(request, common, out);
    out->result = common;
    out->kernel = map_concat_kernel;
    return OK;
}

DEFINE_ROWWISE(str_to_map_kernel, {
    StrView text = ARG_VIEW(0);
    StrView outer = count > 1 ? ARG_VIEW(1) : STR_VIEW(",");
    StrView inner = count > 2 ? ARG_VIEW(2) : STR_VIEW(":");
    uint32_t capacity = 16;
    uint32_t entries = 0;
    Datum *given = ARENA_NEW_ARRAY(context->arena, Datum, capacity * 2);
    for (bool more = true; more;) {
        size_t at = outer.length == 0 ? (text.length > 1 ? 1 : SIZE_MAX) : strview_find(text, outer);
        more = at != SIZE_MAX;
        StrView part = strview_n(text.data, more ? at : text.length);
        size_t split = inner.length == 0 ? (part.length > 0 ? 1 : SIZE_MAX) : strview_find(part, inner);
        if (entries == capacity) {
            Datum *grown = ARENA_NEW_ARRAY(context->arena, Datum, capacity * 4);
            memcpy(grown, given, sizeof(Datum) * capacity * 2);
            given = grown;
            capacity *= 2;
        }
        given[entries * 2] = datum_str(strview_n(part.data, split == SIZE_MAX ? part.length : split));
        given[entries * 2 + 1] = datum_null();
        if (split != SIZE_MAX)
            given[entries * 2 + 1] = datum_str(strview_n(part.data + split + inner.length, part.length - split - inner.length));
        entries++;
        size_t step = more ? at + outer.length : text.length;
        text = strview_n(text.data + step, text.length - step);
    }
    Datum *items = ARENA_NEW_ARRAY(context->arena, Datum, MAX(entries * 2, 1u));
    put_map(out, context->arena, row, items,
            merge_entries(type_varchar(0), items, 0, given, entries));
})

static Status bind_str_to_map(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    bind_arguments(request, type_varchar(0), out);
    out->result = type_map(request->arena, type_varchar(0), type_varchar(0));
    out->kernel = str_to_map_kernel;
    return OK;
}

/* ---- structs ---- */
static Status row_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    bool is_named = context->binding->def->code == 1;
    for (uint32_t c = 0; c < out->child_count; c++) {
        uint32_t a = is_named ? c * 2 + 1 : c;
        if (a < count && arguments[a]->form == VECTOR_FLAT) { /* positions are the same */
            vector_reference(&out->children[c], arguments[a]);
            continue;
        }
        for (LIST_ROWS(context, out, rows, i, row)) {
            Datum value = a < count ? vector_get(arguments[a], row, context->arena) : datum_null();
            vector_put(&out->children[c], context->arena, row, &value);
        }
    }
    return OK;
}

static Status bind_row(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    bool is_named = def->code == 1;
    uint32_t fields = is_named ? request->count / 2 : request->count;
    if (is_named && request->count % 2 != 0)
        return RAISE(request->diag, ANALYSIS, "Getting analyzing error. Detail message: named_struct must have an even number of arguments.");
    Type *arguments = bind_argument_array(request, out);
    Type *types = ARENA_NEW_ARRAY(request->arena, Type, fields);
    StrView *names = ARENA_NEW_ARRAY(request->arena, StrView, fields);
    for (uint32_t f = 0; f < fields; f++) {
        uint32_t a = is_named ? f * 2 + 1 : f;
        types[f] = arguments[a];
        types[f].phys = (uint8_t)type_default_phys(types[f]);
        arguments[a] = types[f];
        if (!is_named) {
            names[f] = strview(arena_printf(request->arena, "col%u", f + 1));
            continue;
        }
        const Datum *name = request->constants[f * 2];
        if (name == NULL || name->is_null || !type_is_string(arguments[f * 2]))
            return RAISE(request->diag, ANALYSIS, "Getting analyzing error. Detail message: The %u-th argument of named_struct must be string literal.", f * 2 + 1);
        names[f] = strview(arena_strndup(request->arena, str_data(&name->str), name->str.length));
    }
    out->result = type_struct(request->arena, types, names, fields);
    out->kernel = row_kernel;
    return OK;
}

DEFINE_ROWWISE(field_kernel, {
    const uint32_t *field = context->binding->data;
    VectorView child = vector_view(&views[0].values->children[*field]);
    uint32_t index = views[0].values->first + view_index(&views[0], row);
    Datum value = datum_null();
    if (!view_is_null(&views[0], row) && !view_is_null(&child, index))
        value = vector_get(&views[0].values->children[*field], index, context->arena);
    vector_put(out, context->arena, row, &value);
})

/* struct_field(s, name or place from 1) */
static Status bind_field(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    Type *types = bind_argument_array(request, out);
    const Datum *wanted = request->constants[1];
    if (types[0].kind != TYPE_STRUCT || wanted == NULL || wanted->is_null)
        return bind_error(request);
    uint32_t *field = ARENA_NEW(request->arena, uint32_t);
    uint32_t count = types[0].nested->count;
    *field = count;
    if (type_is_integer(types[1])) {
        int64_t place = wanted->i64 < 0 ? wanted->i64 + count : wanted->i64 - 1;
        *field = place < 0 || place >= (int64_t)count ? count : (uint32_t)place;
    } else {
        for (uint32_t f = 0; f < count && type_is_string(types[1]); f++) {
            if (strview_equal_ci(types[0].nested->names[f], str_view(&wanted->str)))
                *field = f;
        }
    }
    if (*field == count) {
        AUTO_BYTEBUF text = {0};
        datum_print(types[1], wanted, &text);
        return RAISE(request->diag, ANALYSIS, "Getting analyzing error. Detail message: Struct subfield '%s' cannot be resolved.", text.data);
    }
    out->data = field;
    out->result = types[0].nested->types[*field];
    out->kernel = field_kernel;
    return OK;
}

/* arrays_zip(a, b, ...): structs of the elements side by side, NULL behind the end of shorter ones. */
static Status zip_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    Arena *arena = context->arena;
    Datum *fields = ARENA_NEW_ARRAY(arena, Datum, count);
    for (LIST_ROWS(context, out, rows, i, row)) {
        if (out->nulls != NULL && out->nulls[row] != 0)
            continue;
        uint32_t longest = 0;
        for (uint32_t a = 0; a < count; a++) {
            VectorView view = vector_view(arguments[a]);
            uint32_t length = list_at(&view, row).length;
            longest = MAX(longest, length);
        }
        uint32_t first = out->child_rows;
        for (uint32_t e = 0; e < longest; e++) {
            for (uint32_t a = 0; a < count; a++) {
                VectorView view = vector_view(arguments[a]);
                ListSlice list = list_at(&view, row);
                fields[a] = e < list.length ? list_get(&list, e, arena) : datum_null();
            }
            DatumList tuple = {count, fields};
            Datum value = {.list = &tuple};
            list_push(out, arena, &value);
        }
        list_end(out, row, first);
    }
    return OK;
}

static Status bind_zip(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    Type *types = bind_argument_array(request, out);
    Type *fields = ARENA_NEW_ARRAY(request->arena, Type, request->count);
    StrView *names = ARENA_NEW_ARRAY(request->arena, StrView, request->count);
    for (uint32_t i = 0; i < request->count; i++) {
        if (types[i].kind == TYPE_NULL)
            types[i] = type_array(request->arena, type_of(TYPE_BOOLEAN));
        if (types[i].kind != TYPE_ARRAY)
            return bind_error(request);
        fields[i] = element_type(types[i]);
        names[i] = strview(arena_printf(request->arena, "col%u", i + 1));
    }
    out->result = type_array(request->arena, type_struct(request->arena, fields, names, request->count));
    out->kernel = zip_kernel;
    return OK;
}

#define MAPF(NAME, FLAGS, MIN_ARGS, MAX_ARGS, BIND, CODE)                                           \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FLAGS, .min_arguments = MIN_ARGS, .max_arguments = MAX_ARGS, \
     .bind = BIND, .code = CODE, .group = "map"}
static const FuncDef defs[] = {
    MAPF("map_literal", FUNC_HIDDEN, 0, FUNC_ANY_ARGUMENTS, bind_map_literal, 0),
    MAPF("map", 0, 0, FUNC_ANY_ARGUMENTS, bind_map_literal, 0),
    MAPF("map_size", FUNC_NULL_IF_ANY_NULL | FUNC_CHEAP, 1, 1, bind_map_unary, -1),
    MAPF("map_keys", FUNC_NULL_IF_ANY_NULL, 1, 1, bind_map_unary, 0),
    MAPF("map_values", FUNC_NULL_IF_ANY_NULL, 1, 1, bind_map_unary, 1),
    MAPF("map_entries", FUNC_NULL_IF_ANY_NULL, 1, 1, bind_map_unary, MAPF_ENTRIES),
    MAPF("distinct_map_keys", FUNC_NULL_IF_ANY_NULL, 1, 1, bind_map_unary, MAPF_DISTINCT),
    MAPF("map_element", FUNC_HIDDEN, 2, 2, bind_map_key, 0),
    MAPF("map_contains_key", 0, 2, 2, bind_map_key, 1),
    MAPF("map_from_arrays", FUNC_NULL_IF_ANY_NULL | FUNC_CAN_RAISE, 2, 2, bind_map_from_arrays, 0),
    MAPF("map_filter", FUNC_NULL_IF_ANY_NULL, 2, 2, bind_map_filter, 0),
    MAPF("map_concat", 0, 1, FUNC_ANY_ARGUMENTS, bind_map_concat, 0),
    MAPF("str_to_map", FUNC_NULL_IF_ANY_NULL, 1, 3, bind_str_to_map, 0),
    MAPF("row", FUNC_NEVER_NULL, 1, FUNC_ANY_ARGUMENTS, bind_row, 0),
    MAPF("struct", FUNC_NEVER_NULL, 1, FUNC_ANY_ARGUMENTS, bind_row, 0),
    MAPF("named_struct", FUNC_NEVER_NULL, 2, FUNC_ANY_ARGUMENTS, bind_row, 1),
    MAPF("struct_field", FUNC_HIDDEN, 2, 2, bind_field, 0),
    MAPF("arrays_zip", FUNC_NULL_IF_ANY_NULL, 1, FUNC_ANY_ARGUMENTS, bind_zip, 0),
};
const FuncTable func_table_collection = {defs, COUNT_OF(defs)};
