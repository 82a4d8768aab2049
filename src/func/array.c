#include "func/families.h"

/* Functions over ARRAY that move, find and select elements. What computes with elements is in
 * array_math.c. A NULL array gives NULL; elements may be NULL and are equal to each other. */

#include <stdlib.h>

#include "func/nested.h"

static Status literal_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    for (LIST_ROWS(context, out, rows, i, row)) {
        uint32_t first = out->child_rows;
        vector_reserve_children(out, context->arena, first + count);
        for (uint32_t a = 0; a < count; a++) {
            Datum value = vector_get(arguments[a], row, context->arena);
            vector_put(&out->children[0], context->arena, out->child_rows++, &value);
        }
        list_end(out, row, first);
    }
    return OK;
}

static Status bind_literal(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    Type common = type_of(TYPE_NULL);
    for (uint32_t i = 0; i < request->count; i++)
        TRY(type_common(common, request->types[i], request->arena, request->diag, &common));
    common.phys = (uint8_t)type_default_phys(common); /* of NULLs alone: an array of NULL_TYPE, which casts to any */
    bind_arguments(request, common, out);
    out->result = type_array(request->arena, common);
    out->kernel = literal_kernel;
    return OK;
}

DEFINE_ROWWISE(length_kernel, { RESULT(int32_t) = (int32_t)list_at(&views[0], row).length; })
DEFINE_ROWWISE(append_kernel, {
    if (view_is_null(&views[0], row)) {
        RESULT_NULL();
        continue;
    }
    ListSlice list = list_at(&views[0], row);
    uint32_t first = out->child_rows;
    list_push_range(out, context->arena, &list, 0, list.length);
    Datum value = vector_get(arguments[1], row, context->arena);
    list_push(out, context->arena, &value);
    list_end(out, row, first);
})

static Status concat_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    for (LIST_ROWS(context, out, rows, i, row)) {
        if (out->nulls != NULL && out->nulls[row] != 0)
            continue;
        uint32_t first = out->child_rows;
        for (uint32_t a = 0; a < count; a++) {
            VectorView view = vector_view(arguments[a]);
            ListSlice list = list_at(&view, row);
            list_push_range(out, context->arena, &list, 0, list.length);
        }
        list_end(out, row, first);
    }
    return OK;
}

/* Place of a value from 1; 0: none. */
static uint32_t find_in(const ListSlice *list, Type type, const Datum *value, Arena *arena)
{
    for (uint32_t e = 0; e < list->length; e++) {
        Datum item = list_get(list, e, arena);
        if (item.is_null == value->is_null && (item.is_null || datum_compare(type, &item, value) == 0))
            return e + 1;
    }
    return 0;
}
/* code: 0 contains, 1 position */
DEFINE_ROWWISE(find_kernel, {
    if (view_is_null(&views[0], row)) {
        RESULT_NULL();
        continue;
    }
    ListSlice list = list_at(&views[0], row);
    Datum value = vector_get(arguments[1], row, context->arena);
    uint32_t place = find_in(&list, list.child->type, &value, context->arena);
    if (out->type.kind == TYPE_BOOLEAN)
        RESULT(uint8_t) = place > 0;
    else
        RESULT(int32_t) = (int32_t)place;
})
DEFINE_ROWWISE(remove_kernel, {
    if (view_is_null(&views[0], row)) {
        RESULT_NULL();
        continue;
    }
    ListSlice list = list_at(&views[0], row);
    Datum value = vector_get(arguments[1], row, context->arena);
    uint32_t first = out->child_rows;
    for (uint32_t e = 0; e < list.length; e++) {
        Datum item = list_get(&list, e, context->arena);
        bool is_same = item.is_null == value.is_null &&
                       (item.is_null || datum_compare(list.child->type, &item, &value) == 0);
        if (!is_same)
            list_push(out, context->arena, &item);
    }
    list_end(out, row, first);
})

/* code: 0 all of them, 1 in one run */
static bool has_run(const ListSlice *list, const ListSlice *wanted, Arena *arena)
{
    Type type = list->child->type;
    Datum *a = list_items(list, arena);
    Datum *b = list_items(wanted, arena);
    for (uint32_t from = 0; from + wanted->length <= list->length; from++) {
        uint32_t same = 0;
        while (same < wanted->length && a[from + same].is_null == b[same].is_null &&
               datum_compare(type, &a[from + same], &b[same]) == 0)
            same++;
        if (same == wanted->length)
            return true;
    }
    return false;
}
static bool has_all(const ListSlice *list, const ListSlice *wanted, Arena *arena)
{
    DatumSet set;
    datum_set_init(&set, list->child->type, arena, list->length);
    for (uint32_t e = 0; e < list->length; e++) {
        Datum item = list_get(list, e, arena);
        datum_set_add(&set, &item);
    }
    for (uint32_t e = 0; e < wanted->length; e++) {
        Datum item = list_get(wanted, e, arena);
        if (!datum_set_has(&set, &item))
            return false;
    }
    return true;
}
static bool overlaps(const ListSlice *a, const ListSlice *b, Arena *arena)
{
    DatumSet set;
    datum_set_init(&set, a->child->type, arena, a->length);
    for (uint32_t e = 0; e < a->length; e++) {
        Datum item = list_get(a, e, arena);
        datum_set_add(&set, &item);
    }
    for (uint32_t e = 0; e < b->length; e++) {
        Datum item = list_get(b, e, arena);
        if (datum_set_has(&set, &item))
            return true;
    }
    return false;
}
enum { RELATION_ALL, RELATION_SEQUENCE, RELATION_OVERLAP };
DEFINE_ROWWISE(relation_kernel, {
    ListSlice a = list_at(&views[0], row);
    ListSlice b = list_at(&views[1], row);
    int code = context->binding->def->code;
    RESULT(uint8_t) = code == RELATION_ALL        ? has_all(&a, &b, context->arena)
                      : code == RELATION_SEQUENCE ? has_run(&a, &b, context->arena)
                                                  : overlaps(&a, &b, context->arena);
})

DEFINE_ROWWISE(distinct_kernel, {
    ListSlice list = list_at(&views[0], row);
    uint32_t first = out->child_rows;
    DatumSet set;
    datum_set_init(&set, list.child->type, context->arena, list.length);
    for (uint32_t e = 0; e < list.length; e++) {
        Datum item = list_get(&list, e, context->arena);
        if (datum_set_add(&set, &item))
            list_push(out, context->arena, &item);
    }
    list_end(out, row, first);
})

static Status intersect_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    Arena *arena = context->arena;
    for (LIST_ROWS(context, out, rows, i, row)) {
        if (out->nulls != NULL && out->nulls[row] != 0)
            continue;
        DatumSet kept;
        datum_set_init(&kept, element_type(out->type), arena, 8);
        for (uint32_t a = 0; a < count; a++) {
            VectorView view = vector_view(arguments[a]);
            ListSlice list = list_at(&view, row);
            DatumSet next;
            datum_set_init(&next, kept.type, arena, list.length);
            for (uint32_t e = 0; e < list.length; e++) {
                Datum item = list_get(&list, e, arena);
                if (a == 0 || datum_set_has(&kept, &item))
                    datum_set_add(&next, &item);
            }
            kept = next;
        }
        uint32_t first = out->child_rows;
        for (uint32_t e = 0; e < kept.count; e++)
            list_push(out, arena, &kept.items[e]);
        list_end(out, row, first);
    }
    return OK;
}

typedef struct SortItem {
    Datum value;
    const Datum *keys; /* sortby: one a key array */
    const Type *key_types;
    uint32_t key_count;
    uint32_t place;
} SortItem;
static int compare_items(const void *a, const void *b)
{
    const SortItem *x = a;
    const SortItem *y = b;
    for (uint32_t k = 0; k < x->key_count; k++) {
        int order = datum_compare(x->key_types[k], &x->keys[k], &y->keys[k]);
        if (order != 0)
            return order;
    }
    return (x->place > y->place) - (x->place < y->place);
}
DEFINE_ROWWISE(sort_kernel, {
    ListSlice list = list_at(&views[0], row);
    uint32_t first = out->child_rows;
    Type type = list.child->type;
    SortItem *items = ARENA_NEW_ARRAY(context->arena, SortItem, MAX(list.length, 1u));
    for (uint32_t e = 0; e < list.length; e++) {
        items[e].value = list_get(&list, e, context->arena);
        items[e].keys = &items[e].value;
        items[e].key_types = &type;
        items[e].key_count = 1;
        items[e].place = e;
    }
    qsort(items, list.length, sizeof(*items), compare_items);
    bool is_top = context->binding->def->code == 1;
    uint32_t wanted = list.length;
    if (is_top)
        wanted = (uint32_t)MIN((int64_t)list.length, MAX((int64_t)ARG(1, int32_t), 0));
    for (uint32_t e = 0; e < wanted; e++)
        list_push(out, context->arena, &items[is_top ? list.length - 1 - e : e].value);
    list_end(out, row, first);
})
static Status sortby_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    Arena *arena = context->arena;
    Type *types = ARENA_NEW_ARRAY(arena, Type, count);
    for (uint32_t k = 0; k + 1 < count; k++)
        types[k] = element_type(context->binding->argument_types[k + 1]);
    for (LIST_ROWS(context, out, rows, i, row)) {
        VectorView view = vector_view(arguments[0]);
        if (view_is_null(&view, row)) {
            vector_set_null(out, row);
            continue;
        }
        ListSlice list = list_at(&view, row);
        uint32_t key_count = 0;
        SortItem *items = ARENA_NEW_ARRAY(arena, SortItem, MAX(list.length, 1u));
        Datum *keys = ARENA_NEW_ARRAY(arena, Datum, MAX(list.length * (count - 1), 1u));
        for (uint32_t k = 1; k < count; k++) {
            VectorView key_view = vector_view(arguments[k]);
            if (view_is_null(&key_view, row))
                continue;
            ListSlice key = list_at(&key_view, row);
            if (key.length != list.length)
                return RAISE(context->diag, INVALID_ARGUMENT,
                             "Input arrays' size are not equal in array_sortby.");
            for (uint32_t e = 0; e < list.length; e++)
                keys[e * (count - 1) + key_count] = list_get(&key, e, arena);
            types[key_count++] = key.child->type;
        }
        for (uint32_t e = 0; e < list.length; e++)
            items[e] = (SortItem){list_get(&list, e, arena), &keys[e * (count - 1)], types, key_count, e};
        qsort(items, list.length, sizeof(*items), compare_items);
        uint32_t first = out->child_rows;
        for (uint32_t e = 0; e < list.length; e++)
            list_push(out, arena, &items[e].value);
        list_end(out, row, first);
    }
    return OK;
}

DEFINE_ROWWISE(reverse_kernel, {
    ListSlice list = list_at(&views[0], row);
    uint32_t first = out->child_rows;
    for (uint32_t e = list.length; e > 0; e--) {
        Datum item = list_get(&list, e - 1, context->arena);
        list_push(out, context->arena, &item);
    }
    list_end(out, row, first);
})
DEFINE_ROWWISE(slice_kernel, {
    ListSlice list = list_at(&views[0], row);
    int64_t from = ARG(1, int64_t);
    int64_t wanted = count > 2 ? ARG(2, int64_t) : INT64_MAX;
    uint32_t first = out->child_rows;
    int64_t begin = from > 0 ? from - 1 : (int64_t)list.length + from;
    Int128 end = MIN((Int128)begin + wanted, (Int128)list.length);
    bool is_out = from == 0 || begin >= (int64_t)list.length || wanted <= 0;
    begin = MAX(begin, INT64_C(0));
    if (!is_out && end > begin)
        list_push_range(out, context->arena, &list, (uint32_t)begin, (uint32_t)(end - begin));
    list_end(out, row, first);
})
DEFINE_ROWWISE(flatten_kernel, {
    ListSlice list = list_at(&views[0], row);
    uint32_t first = out->child_rows;
    VectorView inner = vector_view(list.child);
    for (uint32_t e = 0; e < list.length; e++) {
        if (view_is_null(&inner, list.offset + e))
            continue;
        ListSlice part = list_at(&inner, list.offset + e);
        list_push_range(out, context->arena, &part, 0, part.length);
    }
    list_end(out, row, first);
})
DEFINE_ROWWISE(filter_kernel, {
    if (view_is_null(&views[0], row)) {
        RESULT_NULL();
        continue;
    }
    ListSlice list = list_at(&views[0], row);
    uint32_t first = out->child_rows;
    ListSlice wanted = list_at(&views[1], row); /* empty when it is NULL */
    for (uint32_t e = 0; e < MIN(list.length, wanted.length); e++) {
        Datum keeps = list_get(&wanted, e, context->arena);
        if (!keeps.is_null && keeps.i64 != 0)
            list_push_range(out, context->arena, &list, e, 1);
    }
    list_end(out, row, first);
})
/* Three-valued any and all; code: 0 any, 1 all. */
DEFINE_ROWWISE(match_kernel, {
    ListSlice list = list_at(&views[0], row);
    bool is_all = context->binding->def->code == 1;
    bool has_null = false;
    bool is_decided = false;
    for (uint32_t e = 0; e < list.length && !is_decided; e++) {
        Datum item = list_get(&list, e, context->arena);
        has_null |= item.is_null;
        is_decided = !item.is_null && (item.i64 != 0) != is_all;
    }
    if (!is_decided && has_null)
        RESULT_NULL();
    else
        RESULT(uint8_t) = is_decided != is_all;
})
DEFINE_ROWWISE(repeat_kernel, {
    if (view_is_null(&views[1], row)) {
        RESULT_NULL();
        continue;
    }
    int64_t times = ARG(1, int32_t);
    if (times > 1000000)
        return RAISE(context->diag, INVALID_ARGUMENT, "array_repeat() makes at most 1000000 elements, got %lld", (long long)times);
    uint32_t first = out->child_rows;
    Datum value = vector_get(arguments[0], row, context->arena);
    for (int64_t n = 0; n < times; n++)
        list_push(out, context->arena, &value);
    list_end(out, row, first);
})
/* a[i], from 1; outside: NULL. element_at counts from the end for negative places as well. */
DEFINE_ROWWISE(element_kernel, {
    ListSlice list = list_at(&views[0], row);
    int64_t place = ARG(1, int64_t);
    if (place < 0)
        place += (int64_t)list.length + 1;
    if (place < 1 || place > (int64_t)list.length) {
        RESULT_NULL();
        continue;
    }
    Datum value = list_get(&list, (uint32_t)place - 1, context->arena);
    vector_put(out, context->arena, row, &value);
})

static Status check_equal_lengths(FuncContext *context, const Vector *const *arguments, uint32_t count, uint32_t row,
                                  uint32_t *out_length, bool *out_is_null)
{
    *out_is_null = false;
    for (uint32_t a = 1; a < count; a++) {
        VectorView view = vector_view(arguments[a]);
        if (view_is_null(&view, row))
            *out_is_null = true;
    }
    for (uint32_t a = 1; a < count && !*out_is_null; a++) {
        VectorView view = vector_view(arguments[a]);
        uint32_t length = list_at(&view, row).length;
        if (a > 1 && length != *out_length)
            return RAISE(context->diag, INVALID_ARGUMENT, "Input array element's size is not equal in array_map().");
        *out_length = length;
    }
    return OK;
}

/* Spreads the elements of all rows, calls the lambda once, makes its result the child. */
static Status map_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    Arena *arena = context->arena;
    uint32_t total = 0;
    for (LIST_ROWS(context, out, rows, i, row)) {
        uint32_t length = 0;
        bool is_null;
        TRY(check_equal_lengths(context, arguments, count, row, &length, &is_null));
        if (is_null) {
            vector_set_null(out, row);
            continue;
        }
        if (length > UINT32_MAX - total)
            return RAISE(context->diag, LIMIT_EXCEEDED, "arrays of one chunk hold more than %u elements", UINT32_MAX);
        ((ListEntry *)out->data)[row] = (ListEntry){total, length};
        total += length;
    }
    uint32_t *parents = ARENA_NEW_ARRAY(arena, uint32_t, MAX(total, 1u));
    const Vector **inputs = ARENA_NEW_ARRAY(arena, const Vector *, count);
    for (uint32_t a = 1; a < count; a++) {
        Type list_type = context->binding->argument_types[a];
        Vector *spread = ARENA_NEW(arena, Vector);
        vector_init(spread, arena, list_type, 1);
        vector_reserve_children(spread, arena, MAX(total, 1u));
        VectorView view = vector_view(arguments[a]);
        for (LIST_ROWS(context, out, rows, i, row)) {
            if (out->nulls != NULL && out->nulls[row] != 0)
                continue;
            ListSlice list = list_at(&view, row);
            for (uint32_t e = 0; e < list.length; e++)
                parents[spread->child_rows + e] = row;
            list_push_range(spread, arena, &list, 0, list.length);
        }
        inputs[a - 1] = &spread->children[0];
    }
    Vector *result = ARENA_NEW(arena, Vector);
    TRY(context->call_lambda(context, 0, inputs, count - 1, parents, total, result));
    vector_reference(&out->children[0], result);
    out->child_rows = total;
    return OK;
}

static Status bind_map(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    Type *types = bind_argument_array(request, out);
    if (types[0].kind != TYPE_FUNCTION)
        return bind_error(request);
    for (uint32_t i = 1; i < request->count; i++) {
        if (types[i].kind == TYPE_NULL)
            types[i] = type_array(request->arena, type_of(TYPE_BOOLEAN));
        if (types[i].kind != TYPE_ARRAY)
            return bind_error(request);
    }
    Type body = types[0].nested->types[0];
    if (body.kind == TYPE_NULL)
        body = type_of(TYPE_BOOLEAN);
    out->result = type_array(request->arena, body);
    out->kernel = map_kernel;
    return OK;
}

/* How the arguments of a function are typed, and its result. */
enum {
    SHAPE_ARRAYS,        /* all arrays of one type; result the same */
    SHAPE_PLAIN_ARRAYS,  /* the same, of elements that are not nested */
    SHAPE_ARRAYS_TEST,   /* all arrays of one type -> BOOLEAN */
    SHAPE_LENGTH,        /* array -> INT */
    SHAPE_TEST,          /* array -> BOOLEAN */
    SHAPE_WITH_ELEMENT,  /* array, element -> array */
    SHAPE_FIND,          /* array, element -> BOOLEAN */
    SHAPE_POSITION,      /* array, element -> INT */
    SHAPE_SLICE,         /* array, BIGINT... -> array */
    SHAPE_TOP,           /* array, INT -> array */
    SHAPE_FLATTEN,       /* array of arrays -> array */
    SHAPE_FILTER,        /* array, array of BOOLEAN -> array */
    SHAPE_MATCH,         /* array of BOOLEAN -> BOOLEAN */
    SHAPE_REPEAT,        /* element, INT -> array */
    SHAPE_ELEMENT,       /* array, BIGINT -> element */
    SHAPE_SORTBY,        /* array, any arrays -> array */
};

static Status bind_with_element(const FuncBindRequest *request, Type *types, FuncBinding *out)
{
    Type element = type_of(TYPE_NULL);
    if (types[0].kind == TYPE_ARRAY)
        element = types[0].nested->types[0];
    else if (types[0].kind != TYPE_NULL)
        return bind_error(request);
    if (type_common(element, types[1], request->arena, NULL, &element) != OK)
        return bind_error(request);
    if (element.kind == TYPE_NULL)
        element = type_of(TYPE_BOOLEAN);
    element.phys = (uint8_t)type_default_phys(element);
    types[0] = type_array(request->arena, element);
    types[1] = element;
    out->result = types[0];
    return OK;
}

static Status bind_shape(const FuncBindRequest *request, int shape, ScalarKernel kernel, FuncBinding *out)
{
    Type element;
    Type *types = bind_argument_array(request, out);
    bool is_array = types[0].kind == TYPE_ARRAY || types[0].kind == TYPE_NULL;
    out->kernel = kernel;
    if (shape == SHAPE_REPEAT) {
        types[0] = types[0].kind == TYPE_NULL ? type_of(TYPE_BOOLEAN) : types[0];
        types[1] = type_of(TYPE_INT);
        out->result = type_array(request->arena, types[0]);
        return OK;
    }
    if (!is_array)
        return bind_error(request);
    if (shape == SHAPE_WITH_ELEMENT || shape == SHAPE_FIND || shape == SHAPE_POSITION) {
        TRY(bind_with_element(request, types, out));
        if (shape != SHAPE_WITH_ELEMENT)
            out->result = type_of(shape == SHAPE_FIND ? TYPE_BOOLEAN : TYPE_INT);
        return OK;
    }
    bool all = shape == SHAPE_ARRAYS || shape == SHAPE_PLAIN_ARRAYS || shape == SHAPE_ARRAYS_TEST;
    if (!bind_same_arrays(request, 0, all ? request->count : 1, types, &element))
        return bind_error(request);
    if ((shape == SHAPE_PLAIN_ARRAYS || shape == SHAPE_TOP) && type_is_nested(element))
        return bind_error(request);
    out->result = types[0];
    for (uint32_t i = 1; i < request->count && !all; i++) {
        if (shape == SHAPE_SORTBY && types[i].kind == TYPE_NULL)
            types[i] = type_array(request->arena, type_of(TYPE_BOOLEAN));
        if (shape == SHAPE_SORTBY && types[i].kind != TYPE_ARRAY)
            return bind_error(request);
        if (shape != SHAPE_SORTBY)
            types[i] = shape == SHAPE_FILTER ? type_array(request->arena, type_of(TYPE_BOOLEAN))
                                             : type_of(shape == SHAPE_TOP ? TYPE_INT : TYPE_BIGINT);
    }
    if (shape == SHAPE_FLATTEN && element.kind != TYPE_ARRAY)
        return request->types[0].kind == TYPE_NULL ? OK : bind_error(request);
    if (shape == SHAPE_MATCH)
        types[0] = type_array(request->arena, type_of(TYPE_BOOLEAN));
    if (shape == SHAPE_FLATTEN || shape == SHAPE_ELEMENT)
        out->result = element;
    if (shape == SHAPE_LENGTH)
        out->result = type_of(TYPE_INT);
    if (shape == SHAPE_TEST || shape == SHAPE_ARRAYS_TEST || shape == SHAPE_MATCH)
        out->result = type_of(TYPE_BOOLEAN);
    return OK;
}

#define BINDER(NAME, SHAPE, KERNEL)                                                                 \
    static Status NAME(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)        \
    {                                                                                               \
        (void)def;                                                                                  \
        return bind_shape(request, SHAPE, KERNEL, out);                                             \
    }
BINDER(bind_length, SHAPE_LENGTH, length_kernel)
BINDER(bind_append, SHAPE_WITH_ELEMENT, append_kernel)
BINDER(bind_remove, SHAPE_WITH_ELEMENT, remove_kernel)
BINDER(bind_concat, SHAPE_ARRAYS, concat_kernel)
BINDER(bind_contains, SHAPE_FIND, find_kernel)
BINDER(bind_position, SHAPE_POSITION, find_kernel)
BINDER(bind_relation, SHAPE_ARRAYS_TEST, relation_kernel)
BINDER(bind_distinct, SHAPE_ARRAYS, distinct_kernel)
BINDER(bind_intersect, SHAPE_ARRAYS, intersect_kernel)
BINDER(bind_sort, SHAPE_PLAIN_ARRAYS, sort_kernel)
BINDER(bind_top, SHAPE_TOP, sort_kernel)
BINDER(bind_sortby, SHAPE_SORTBY, sortby_kernel)
BINDER(bind_reverse, SHAPE_ARRAYS, reverse_kernel)
BINDER(bind_slice, SHAPE_SLICE, slice_kernel)
BINDER(bind_flatten, SHAPE_FLATTEN, flatten_kernel)
BINDER(bind_filter, SHAPE_FILTER, filter_kernel)
BINDER(bind_match, SHAPE_MATCH, match_kernel)
BINDER(bind_repeat, SHAPE_REPEAT, repeat_kernel)
BINDER(bind_element, SHAPE_ELEMENT, element_kernel)

#define ARRAYF(NAME, FLAGS, MIN_ARGS, MAX_ARGS, BIND, CODE)                                         \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FLAGS, .min_arguments = MIN_ARGS, .max_arguments = MAX_ARGS, \
     .bind = BIND, .code = CODE, .group = "array"}
static const FuncDef defs[] = {
    ARRAYF("array_literal", FUNC_HIDDEN, 0, FUNC_ANY_ARGUMENTS, bind_literal, 0),
    ARRAYF("array_length", FUNC_NULL_IF_ANY_NULL | FUNC_CHEAP, 1, 1, bind_length, 0),
    ARRAYF("array_append", 0, 2, 2, bind_append, 0),
    ARRAYF("array_remove", 0, 2, 2, bind_remove, 0),
    ARRAYF("array_concat", FUNC_NULL_IF_ANY_NULL, 1, FUNC_ANY_ARGUMENTS, bind_concat, 0),
    ARRAYF("array_contains", 0, 2, 2, bind_contains, 0),
    ARRAYF("array_position", 0, 2, 2, bind_position, 0),
    ARRAYF("array_contains_all", FUNC_NULL_IF_ANY_NULL, 2, 2, bind_relation, RELATION_ALL),
    ARRAYF("array_contains_seq", FUNC_NULL_IF_ANY_NULL, 2, 2, bind_relation, RELATION_SEQUENCE),
    ARRAYF("arrays_overlap", FUNC_NULL_IF_ANY_NULL, 2, 2, bind_relation, RELATION_OVERLAP),
    ARRAYF("array_distinct", FUNC_NULL_IF_ANY_NULL, 1, 1, bind_distinct, 0),
    ARRAYF("array_intersect", FUNC_NULL_IF_ANY_NULL, 1, FUNC_ANY_ARGUMENTS, bind_intersect, 0),
    ARRAYF("array_sort", FUNC_NULL_IF_ANY_NULL, 1, 1, bind_sort, 0),
    ARRAYF("array_top_n", FUNC_NULL_IF_ANY_NULL, 2, 2, bind_top, 1),
    ARRAYF("array_sortby", FUNC_CAN_RAISE, 2, FUNC_ANY_ARGUMENTS, bind_sortby, 0),
    ARRAYF("array_reverse", FUNC_NULL_IF_ANY_NULL, 1, 1, bind_reverse, 0),
    ARRAYF("array_slice", FUNC_NULL_IF_ANY_NULL, 2, 3, bind_slice, 0),
    ARRAYF("array_flatten", FUNC_NULL_IF_ANY_NULL, 1, 1, bind_flatten, 0),
    ARRAYF("array_filter", 0, 2, 2, bind_filter, 0),
    ARRAYF("any_match", FUNC_NULL_IF_ANY_NULL, 1, 1, bind_match, 0),
    ARRAYF("all_match", FUNC_NULL_IF_ANY_NULL, 1, 1, bind_match, 1),
    ARRAYF("array_repeat", FUNC_CAN_RAISE, 2, 2, bind_repeat, 0),
    ARRAYF("array_element", FUNC_NULL_IF_ANY_NULL | FUNC_HIDDEN, 2, 2, bind_element, 0),
    ARRAYF("array_map", FUNC_CAN_RAISE, 2, FUNC_ANY_ARGUMENTS, bind_map, 0),
    ARRAYF("transform", FUNC_CAN_RAISE, 2, FUNC_ANY_ARGUMENTS, bind_map, 0),
};
const FuncTable func_table_array = {defs, COUNT_OF(defs)};
