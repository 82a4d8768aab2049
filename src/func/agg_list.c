#include "func/families.h"

/* Aggregates that keep their rows: group_concat, array_agg, map_agg, percentiles, the n smallest or
 * largest, sums of maps, most frequent values.
 *
 * A state is a list of rows, each the values of the call followed by those of its ORDER BY; DISTINCT and
 * ORDER BY are applied here, at the end. Where rows can be combined (DISTINCT, min_n, sum_map,
 * approx_top_k) that is tried each time the list would have to grow. */

#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "func/agg_array.h"
#include "func/nested.h"
#include "func/rank_test.h"
#include "types/decimal.h"
#include "types/decimal256.h"

typedef enum ListKind { LIST_CONCAT, LIST_ARRAY, LIST_MAP, LIST_UNIQUE, LIST_MIN_N, LIST_MAX_N, LIST_CONT, LIST_DISC,
                        LIST_TOP_K, LIST_SUM_MAP, LIST_COUNT, LIST_SUM, LIST_RANK_TEST } ListKind;

typedef struct ListData {
    ListKind kind;
    uint32_t value_count, key_count; /* of a row */
    const Type *types;               /* of a row */
    const uint8_t *key_flags;        /* FUNC_ORDER_* */
    bool is_distinct;
    uint32_t limit;                  /* n, k */
    uint32_t ordered_values;         /* leading values that rows are sorted by when there is no ORDER BY */
    StrView separator;
} ListData;

typedef struct RowList {
    Datum *items;
    uint32_t rows, capacity;
    double rate; /* percentiles; of a rank test the continuity correction and, a thousand times, the alternative */
} RowList;

static uint32_t row_width(const ListData *data)
{
    return data->value_count + data->key_count;
}

static int compare_datums(Type type, const Datum *a, const Datum *b, bool descending, bool nulls_first)
{
    if (a->is_null != b->is_null)
        return a->is_null == nulls_first ? -1 : 1;
    int order = a->is_null ? 0 : datum_compare(type, a, b);
    return descending ? -order : order;
}

static int compare_rows(const void *a, const void *b, void *context)
{
    const ListData *data = context;
    const Datum *x = a;
    const Datum *y = b;
    for (uint32_t k = 0; k < data->key_count; k++) {
        uint32_t at = data->value_count + k;
        int order = compare_datums(data->types[at], &x[at], &y[at], (data->key_flags[k] & FUNC_ORDER_DESCENDING) != 0,
                                   (data->key_flags[k] & FUNC_ORDER_NULLS_FIRST) != 0);
        if (order != 0)
            return order;
    }
    for (uint32_t v = 0; v < data->ordered_values; v++) {
        int order = compare_datums(data->types[v], &x[v], &y[v], data->kind == LIST_MAX_N, true);
        if (order != 0)
            return order;
    }
    return 0;
}

static void sort_rows(const ListData *data, RowList *list)
{
    if (list->rows > 1 && (data->key_count > 0 || data->ordered_values > 0))
        qsort_r(list->items, list->rows, sizeof(Datum) * row_width(data), compare_rows, (void *)(uintptr_t)data);
}

static bool same_values(const ListData *data, const Datum *a, const Datum *b, uint32_t count)
{
    for (uint32_t v = 0; v < count; v++) {
        if (a[v].is_null != b[v].is_null || datum_compare(data->types[v], &a[v], &b[v]) != 0)
            return false;
    }
    return true;
}

static void add_second(Type type, Datum *to, const Datum *from)
{
    if (from->is_null)
        return;
    if (to->is_null)
        *to = *from;
    else if (type_is_float(type))
        to->f64 += from->f64;
    else
        to->i128 += from->i128;
}

/* Rows of equal leading values become one; with sums the second value is added up. Keeps the order. */
static void merge_equal(const ListData *data, RowList *list)
{
    bool sums = data->kind == LIST_TOP_K || data->kind == LIST_SUM_MAP;
    uint32_t leading = sums || data->kind == LIST_MAP ? 1 : data->value_count;
    uint32_t width = row_width(data);
    uint32_t slots = 16;
    while (slots < list->rows * 2)
        slots *= 2;
    uint32_t *table = mem_alloc_zero(sizeof(uint32_t) * slots);
    uint32_t kept = 0;
    for (uint32_t r = 0; r < list->rows; r++) {
        Datum *row = &list->items[(size_t)r * width];
        uint64_t hash = 0;
        for (uint32_t v = 0; v < leading; v++)
            hash = hash_combine(hash, datum_hash(data->types[v], &row[v]));
        uint32_t slot = (uint32_t)hash & (slots - 1);
        while (table[slot] != 0 && !same_values(data, &list->items[(size_t)(table[slot] - 1) * width], row, leading))
            slot = (slot + 1) & (slots - 1);
        if (table[slot] != 0) {
            if (sums)
                add_second(data->types[1], &list->items[(size_t)(table[slot] - 1) * width + 1], &row[1]);
            continue;
        }
        if (kept != r)
            memcpy(&list->items[(size_t)kept * width], row, sizeof(Datum) * width);
        table[slot] = ++kept;
    }
    list->rows = kept;
    mem_free(table);
}

static bool can_merge(const ListData *data)
{
    return data->is_distinct || data->kind == LIST_TOP_K || data->kind == LIST_SUM_MAP || data->kind == LIST_UNIQUE ||
           data->kind == LIST_MAP;
}

/* Makes the list shorter where its kind allows. */
static void compact(const ListData *data, RowList *list)
{
    if (can_merge(data) && data->key_count == 0)
        merge_equal(data, list);
    if (data->kind == LIST_MIN_N || data->kind == LIST_MAX_N) {
        sort_rows(data, list);
        list->rows = MIN(list->rows, data->limit);
    }
}

static Status grow_rows(AggContext *context, RowList *list, uint32_t width)
{
    if (list->rows < list->capacity)
        return OK;
    TRY(mem_check_room(context->arena->tracker, (int64_t)(sizeof(Datum) * width) * list->capacity * 2, context->diag));
    list->items = arena_grow(context->arena, list->items, sizeof(Datum) * width, list->rows, &list->capacity);
    return OK;
}

static Status add_row(AggContext *context, const ListData *data, RowList *list, const Datum *values, bool copies)
{
    Arena *arena = context->arena;
    uint32_t width = row_width(data);
    if (list->rows == list->capacity && list->rows >= 64)
        compact(data, list);
    TRY(grow_rows(context, list, width));
    Datum *row = &list->items[(size_t)list->rows++ * width];
    for (uint32_t v = 0; v < width; v++)
        row[v] = copies ? datum_copy(arena, data->types[v], &values[v]) : values[v];
    return OK;
}

static Status take_nested(AggContext *context, const ListData *data, RowList *list, const Datum *value)
{
    for (uint32_t i = 0; !value->is_null && i < value->list->count; i += data->value_count) {
        if (data->kind == LIST_UNIQUE || !value->list->items[i].is_null)
            TRY(add_row(context, data, list, &value->list->items[i], true));
    }
    return OK;
}

/* The alternative and the continuity correction of mann_whitney_u_test(x, sample, alternative, correction). */
static Status take_test(AggContext *context, const Vector *const *arguments, uint32_t row, RowList *list, Arena *scratch)
{
    uint32_t count = context->binding->argument_count;
    Datum name = count > 2 ? vector_get(arguments[2], row, scratch) : datum_null();
    Datum correction = count > 3 ? vector_get(arguments[3], row, scratch) : datum_i64(1);
    RankAlternative alternative = RANK_TWO_SIDED;
    bool ok = count <= 2 || (!name.is_null && rank_alternative_of(str_view(&name.str), &alternative));
    if (!ok)
        return RAISE(context->diag, INVALID_ARGUMENT, "Logical Error: invalid alternative `%.*s`.", name.is_null ? 4 : (int)name.str.length,
                     name.is_null ? "NULL" : str_data(&name.str));
    if (correction.is_null || correction.i64 < 0 || correction.i64 > 100)
        return RAISE(context->diag, INVALID_ARGUMENT, "Logical Error: continuity_correction must be 0 or more");
    list->rate = (double)((int64_t)alternative * 1000 + correction.i64);
    return OK;
}

static Status take_row(AggContext *context, const ListData *data, const Vector *const *arguments, uint32_t row, RowList *list,
                       Datum *values, Arena *scratch)
{
    uint32_t count = context->binding->argument_count;
    bool has_null = false;
    if (data->kind == LIST_UNIQUE || data->kind == LIST_SUM_MAP) {
        Datum value = vector_get(arguments[0], row, scratch);
        TRY(take_nested(context, data, list, &value));
        return OK;
    }
    for (uint32_t a = 0; a < count && a < row_width(data); a++) {
        values[a] = vector_get(arguments[a], row, scratch);
        has_null |= a < data->value_count && values[a].is_null;
    }
    if (data->kind == LIST_CONT || data->kind == LIST_DISC) {
        Datum rate = vector_get(arguments[1], row, scratch);
        list->rate = rate.is_null ? -1 : rate.f64;
        if (!has_null && !(list->rate >= 0 && list->rate <= 1))
            return RAISE(context->diag, INVALID_ARGUMENT, "Percentile rate must be between 0 and 1");
    }
    if (data->kind == LIST_TOP_K)
        values[1] = datum_i64(1);
    if (data->kind == LIST_RANK_TEST)
        TRY(take_test(context, arguments, row, list, scratch));
    bool skips = data->kind == LIST_MAP ? values[0].is_null : has_null && data->kind != LIST_ARRAY && data->kind != LIST_TOP_K;
    if (!skips)
        TRY(add_row(context, data, list, values, true));
    return OK;
}

static Status list_take(AggContext *context, const Vector *const *arguments, Rows rows, uint8_t *const *groups, uint32_t offset,
                        uint8_t *one)
{
    const ListData *data = context->binding->data;
    AUTO_ARENA scratch;
    arena_init(&scratch, NULL);
    Datum *values = ARENA_NEW_ARRAY(&scratch, Datum, row_width(data) + 1);
    ArenaMark mark = arena_mark(&scratch);
    for (FOR_ROWS(rows, i, row)) {
        RowList *list = (RowList *)(void *)(one != NULL ? one : groups[i] + offset);
        TRY(take_row(context, data, arguments, row, list, values, &scratch));
        arena_release(&scratch, mark);
    }
    return OK;
}
static Status list_update(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *const *groups,
                          uint32_t offset)
{
    (void)count;
    return list_take(context, arguments, rows, groups, offset, NULL);
}
static Status list_update_one(AggContext *context, const Vector *const *arguments, uint32_t count, Rows rows, uint8_t *state)
{
    (void)count;
    return list_take(context, arguments, rows, NULL, 0, state);
}

static Status list_merge(AggContext *context, uint8_t *const *sources, uint8_t *const *targets, uint32_t count, uint32_t offset)
{
    const ListData *data = context->binding->data;
    uint32_t width = row_width(data);
    for (uint32_t i = 0; i < count; i++) {
        const RowList *from = (const RowList *)(const void *)(sources[i] + offset);
        RowList *to = (RowList *)(void *)(targets[i] + offset);
        if (to->rows == 0) {
            *to = *from;
            continue;
        }
        if (from->rows > 0)
            to->rate = from->rate;
        for (uint32_t r = 0; r < from->rows; r++)
            TRY(add_row(context, data, to, &from->items[(size_t)r * width], false));
    }
    return OK;
}

static void list_serialize(AggContext *context, const uint8_t *bytes, ByteBuf *out)
{
    const ListData *data = context->binding->data;
    const RowList *list = (const RowList *)(const void *)bytes;
    uint32_t width = row_width(data);
    bytebuf_put_varint(out, list->rows);
    bytebuf_append(out, &list->rate, sizeof(list->rate));
    for (uint32_t r = 0; r < list->rows; r++) {
        for (uint32_t v = 0; v < width; v++)
            datum_encode(data->types[v], &list->items[(size_t)r * width + v], out);
    }
}
static Status list_deserialize(AggContext *context, ByteReader *reader, uint8_t *bytes)
{
    const ListData *data = context->binding->data;
    RowList *list = (RowList *)(void *)bytes;
    uint32_t width = row_width(data);
    uint64_t rows = byte_reader_varint(reader);
    StrView rate = byte_reader_bytes(reader, sizeof(double));
    *list = (RowList){0};
    if (rate.length == sizeof(double))
        memcpy(&list->rate, rate.data, sizeof(double));
    Datum *values = ARENA_NEW_ARRAY(context->arena, Datum, width);
    for (uint64_t r = 0; r < rows && !reader->failed; r++) {
        for (uint32_t v = 0; v < width; v++)
            TRY(datum_decode(data->types[v], reader, context->arena, context->diag, &values[v]));
        TRY(add_row(context, data, list, values, false));
    }
    return reader->failed ? RAISE(context->diag, CORRUPT, "stored state of %s() is cut short", context->binding->def->name) : OK;
}

/* ---- results ---- */
static void finish_concat(AggContext *context, const ListData *data, const RowList *list, uint32_t row, Vector *out)
{
    AUTO_BYTEBUF text = {0};
    uint32_t width = row_width(data);
    uint32_t most = context->session->group_concat_max_bytes;
    if (list->rows == 0) {
        vector_set_null(out, row);
        return;
    }
    for (uint32_t r = 0; r < list->rows; r++) {
        if (r > 0)
            bytebuf_append_view(&text, data->separator);
        for (uint32_t v = 0; v < data->value_count; v++)
            bytebuf_append_view(&text, str_view(&list->items[(size_t)r * width + v].str));
    }
    size_t length = most > 0 ? MIN(text.length, (size_t)most) : text.length;
    while (length < text.length && length > 0 && ((unsigned char)text.data[length] & 0xC0) == 0x80)
        length--; /* no half characters */
    Str joined = str_make(text.data == NULL ? "" : text.data, length);
    ((Str *)out->data)[row] = str_copy(context->arena, &joined);
}

static void finish_collection(AggContext *context, const ListData *data, const RowList *list, uint32_t row, Vector *out)
{
    uint32_t width = row_width(data);
    DatumList result = {list->rows * data->value_count, NULL};
    result.items = ARENA_NEW_ARRAY(context->arena, Datum, MAX(result.count, 1u));
    for (uint32_t r = 0; r < list->rows; r++) {
        for (uint32_t v = 0; v < data->value_count; v++)
            result.items[r * data->value_count + v] = list->items[(size_t)r * width + v];
    }
    Datum value = {.list = &result};
    vector_put(out, context->arena, row, &value);
}

static int compare_counts(const void *a, const void *b)
{
    const Datum *x = a;
    const Datum *y = b;
    return (x[1].i64 < y[1].i64) - (x[1].i64 > y[1].i64);
}
static void finish_top(AggContext *context, const ListData *data, RowList *list, uint32_t row, Vector *out)
{
    qsort(list->items, list->rows, sizeof(Datum) * 2, compare_counts);
    uint32_t count = MIN(list->rows, data->limit);
    DatumList result = {count, ARENA_NEW_ARRAY(context->arena, Datum, MAX(count, 1u))};
    DatumList *pairs = ARENA_NEW_ARRAY(context->arena, DatumList, MAX(count, 1u));
    for (uint32_t r = 0; r < count; r++) {
        pairs[r] = (DatumList){2, &list->items[(size_t)r * 2]};
        result.items[r] = (Datum){.list = &pairs[r]};
    }
    Datum value = {.list = &result};
    vector_put(out, context->arena, row, &value);
}

static double number_of(Type type, const Datum *value)
{
    if (type_is_float(type))
        return value->f64;
    if (type_is_wide_decimal(type))
        return decimal256_to_double(int256_of_str(&value->str), type.scale);
    return type.kind == TYPE_DECIMAL ? decimal_to_double(value->i128, type.scale) : (double)value->i128;
}
static void finish_percentile(AggContext *context, const ListData *data, const RowList *list, uint32_t row, Vector *out)
{
    uint32_t width = row_width(data);
    Type type = data->types[0];
    if (list->rows == 0) {
        vector_set_null(out, row);
        return;
    }
    double place = (double)(list->rows - 1) * list->rate;
    uint32_t low = (uint32_t)place;
    uint32_t high = MIN(low + 1, list->rows - 1);
    double share = place - (double)low;
    Datum a = list->items[(size_t)low * width];
    Datum b = list->items[(size_t)high * width];
    Datum value = data->kind == LIST_DISC && share > 0 ? b : a;
    if (data->kind == LIST_CONT && type_is_date(type))
        value = datum_i64(a.i64 + (int64_t)((double)(b.i64 - a.i64) * share));
    else if (data->kind == LIST_CONT)
        value = datum_f64(number_of(type, &a) + (number_of(type, &b) - number_of(type, &a)) * share);
    vector_put(out, context->arena, row, &value);
}

/* Of the distinct values: their number or sum. */
static void finish_distinct(AggContext *context, const ListData *data, const RowList *list, uint32_t row, Vector *out)
{
    Datum sum = data->kind == LIST_COUNT ? datum_i64(list->rows) : datum_null();
    Type type = data->types[0];
    for (uint32_t r = 0; data->kind == LIST_SUM && r < list->rows; r++) {
        Datum value = list->items[(size_t)r * row_width(data)];
        if (out->type.phys == PHYS_F64)
            value = datum_f64(number_of(type, &value));
        add_second(out->type, &sum, &value);
    }
    vector_put(out, context->arena, row, &sum);
}

static void finish_test(AggContext *context, const RowList *list, uint32_t row, Vector *out)
{
    AUTO_BYTEBUF text = {0};
    int64_t rate = (int64_t)list->rate;
    RankSample *samples = ARENA_NEW_ARRAY(context->arena, RankSample, MAX(list->rows, 1u));
    if (list->rows == 0) {
        vector_set_null(out, row);
        return;
    }
    for (uint32_t r = 0; r < list->rows; r++)
        samples[r] = (RankSample){list->items[(size_t)r * 2].f64, list->items[(size_t)r * 2 + 1].i64 != 0};
    rank_test_print(samples, list->rows, (RankAlternative)(rate / 1000), (double)(rate % 1000), &text);
    Str value = str_make(text.data, text.length);
    ((Str *)out->data)[row] = str_copy(context->arena, &value);
}

static int compare_keys(const void *a, const void *b, void *context)
{
    return datum_compare(((const ListData *)context)->types[0], a, b);
}

static Status list_finish(AggContext *context, uint8_t *const *groups, uint32_t count, uint32_t offset, uint32_t first, Vector *out)
{
    const ListData *data = context->binding->data;
    for (uint32_t i = 0; i < count; i++) {
        /* A copy: a window asks for the result of a growing state again and again. */
        RowList list = *(const RowList *)(const void *)(groups[i] + offset);
        size_t cells = (size_t)MAX(list.rows, 1u) * row_width(data);
        TRY(mem_check_room(context->arena->tracker, (int64_t)(cells * sizeof(Datum)), context->diag));
        Datum *items = ARENA_NEW_ARRAY(context->arena, Datum, cells);
        memcpy(items, list.items == NULL ? items : list.items, (size_t)list.rows * row_width(data) * sizeof(Datum));
        list.items = items;
        sort_rows(data, &list);
        if (can_merge(data))
            merge_equal(data, &list);
        if (data->kind == LIST_MAP || data->kind == LIST_SUM_MAP)
            qsort_r(list.items, list.rows, sizeof(Datum) * 2, compare_keys, (void *)(uintptr_t)data);
        if (data->kind == LIST_MIN_N || data->kind == LIST_MAX_N)
            list.rows = MIN(list.rows, data->limit);
        if (data->kind == LIST_CONCAT)
            finish_concat(context, data, &list, first + i, out);
        else if (data->kind == LIST_CONT || data->kind == LIST_DISC)
            finish_percentile(context, data, &list, first + i, out);
        else if (data->kind == LIST_TOP_K)
            finish_top(context, data, &list, first + i, out);
        else if (data->kind == LIST_RANK_TEST)
            finish_test(context, &list, first + i, out);
        else if (data->kind == LIST_COUNT || data->kind == LIST_SUM)
            finish_distinct(context, data, &list, first + i, out);
        else if (list.rows == 0 && data->kind != LIST_MAP && data->kind != LIST_UNIQUE && data->kind != LIST_SUM_MAP)
            vector_set_null(out, first + i);
        else
            finish_collection(context, data, &list, first + i, out);
    }
    return OK;
}

static const AggKernel list_kernel = {.state_bytes = sizeof(RowList), .update = list_update, .update_one = list_update_one,
                                      .merge = list_merge, .finish = list_finish, .serialize = list_serialize,
                                      .deserialize = list_deserialize};

/* ---- binding ---- */
static ListData *new_data(const FuncBindRequest *request, ListKind kind, const Type *types, uint32_t values, uint32_t keys,
                          FuncBinding *out)
{
    ListData *data = ARENA_NEW(request->arena, ListData);
    *data = (ListData){.kind = kind, .value_count = values, .key_count = keys, .types = types,
                       .key_flags = request->order_flags, .is_distinct = request->is_distinct};
    out->data = data;
    out->aggregate = &list_kernel;
    return data;
}

static void settle(Type *type)
{
    if (type->kind == TYPE_NULL)
        *type = type_of(TYPE_BOOLEAN);
    type->phys = (uint8_t)type_default_phys(*type);
}

static Status bind_concat(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    Type *types = bind_argument_array(request, out);
    uint32_t values = request->count - request->order_count;
    StrView separator = request->has_separator ? request->separator : STR_VIEW(",");
    (void)def;
    for (uint32_t i = 0; i < request->count; i++) {
        if (i < values)
            types[i] = type_varchar(0);
        settle(&types[i]);
    }
    ListData *data = new_data(request, LIST_CONCAT, types, values, request->order_count, out);
    data->separator = strview_n(arena_strndup(request->arena, separator.length > 0 ? separator.data : "", separator.length), separator.length);
    out->result = type_varchar(0);
    if (!data->is_distinct && request->order_count == 0) {
        out->aggregate = &func_plain_concat_kernel;
        out->data = &data->separator;
    }
    return OK;
}

static Status bind_array(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    Type *types = bind_argument_array(request, out);
    for (uint32_t i = 0; i < request->count; i++)
        settle(&types[i]);
    if (request->count - request->order_count != 1)
        return bind_error(request);
    ListData *data = new_data(request, LIST_ARRAY, types, 1, request->order_count, out);
    data->is_distinct |= def->code == 1;
    if (!data->is_distinct && request->order_count == 0 && func_plain_array_kernel(types[0]) != NULL)
        out->aggregate = func_plain_array_kernel(types[0]);
    out->result = type_array(request->arena, types[0]);
    return OK;
}

/* code: LIST_COUNT, LIST_SUM. Only of states: the plain functions are count() and sum() with DISTINCT. */
static Status bind_distinct(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    bool is_sum = def->code == LIST_SUM;
    Type *types = bind_argument_array(request, out);
    for (uint32_t i = 0; i < request->count; i++) {
        settle(&types[i]);
        if (is_sum && (type_is_nested(types[i]) || types[i].kind >= TYPE_JSON || type_is_wide_decimal(types[i])))
            return bind_error(request);
    }
    if (is_sum && !type_is_numeric(types[0]))
        types[0] = type_of(TYPE_DOUBLE);
    ListData *data = new_data(request, (ListKind)def->code, types, request->count, 0, out);
    data->is_distinct = true;
    out->result = !is_sum || types[0].kind <= TYPE_BIGINT ? type_of(TYPE_BIGINT)
                  : types[0].kind == TYPE_DECIMAL         ? type_decimal(DECIMAL_MAX_PRECISION, types[0].scale)
                  : type_is_float(types[0])               ? type_of(TYPE_DOUBLE)
                                                          : types[0];
    return OK;
}

static Status bind_test(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    static const TypeKind kinds[] = {TYPE_DOUBLE, TYPE_BOOLEAN, TYPE_VARCHAR, TYPE_BIGINT};
    (void)def;
    Type *types = bind_argument_array(request, out);
    for (uint32_t i = 0; i < request->count; i++) {
        if (cast_implicit_cost(types[i], type_of(kinds[i])) < 0)
            return bind_error(request);
        types[i] = type_of(kinds[i]);
    }
    new_data(request, LIST_RANK_TEST, types, 2, 0, out);
    out->result = type_of(TYPE_JSON);
    return OK;
}

static Status bind_unique(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    Type *types = bind_argument_array(request, out);
    Type *element = ARENA_NEW_ARRAY(request->arena, Type, 1);
    if (!bind_same_arrays(request, 0, 1, types, element))
        return bind_error(request);
    new_data(request, LIST_UNIQUE, element, 1, 0, out);
    out->result = types[0];
    return OK;
}

static Status bind_map(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    Type *types = bind_argument_array(request, out);
    bool is_sum = def->code == 1;
    if (is_sum && (types[0].kind == TYPE_NULL || types[0].kind == TYPE_BOOLEAN)) /* NULLs alone */
        types[0] = type_map(request->arena, type_of(TYPE_BOOLEAN), type_of(TYPE_BIGINT));
    if (is_sum && types[0].kind != TYPE_MAP)
        return bind_error(request);
    if (!is_sum) {
        settle(&types[0]);
        settle(&types[1]);
        out->result = type_map(request->arena, types[0], types[1]);
        new_data(request, LIST_MAP, types, 2, 0, out);
        return OK;
    }
    Type *parts = ARENA_NEW_ARRAY(request->arena, Type, 2);
    parts[0] = types[0].nested->types[0];
    parts[1] = types[0].nested->types[1];
    if (!type_is_numeric(parts[1]))
        return bind_error(request);
    if (type_is_wide_decimal(parts[1]))
        parts[1] = type_of(TYPE_DOUBLE);
    else if (parts[1].kind == TYPE_DECIMAL)
        parts[1] = type_decimal(DECIMAL_MAX_PRECISION, parts[1].scale);
    else
        parts[1] = type_of(type_is_float(parts[1]) ? TYPE_DOUBLE : parts[1].kind == TYPE_LARGEINT ? TYPE_LARGEINT : TYPE_BIGINT);
    types[0] = type_map(request->arena, parts[0], parts[1]);
    out->result = types[0];
    new_data(request, LIST_SUM_MAP, parts, 2, 0, out);
    return OK;
}

static bool constant_count(const FuncBindRequest *request, uint32_t argument, uint32_t most, uint32_t *out)
{
    const Datum *given = request->constants[argument];
    bool ok = given != NULL && !given->is_null && type_is_integer(request->types[argument]) && given->i64 > 0 && given->i64 <= (int64_t)most;
    *out = ok ? (uint32_t)given->i64 : 0;
    return ok;
}

static Status bind_n(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    uint32_t limit;
    Type *types = bind_argument_array(request, out);
    settle(&types[0]);
    if (type_is_nested(types[0]) || types[0].kind == TYPE_JSON)
        return bind_error(request);
    if (!constant_count(request, 1, 10000, &limit))
        return RAISE(request->diag, ANALYSIS, "Getting analyzing error. Detail message: The second parameter of %s must be a constant positive integer not above 10000.", def->name);
    ListData *data = new_data(request, def->code == 0 ? LIST_MIN_N : LIST_MAX_N, types, 1, 0, out);
    data->limit = limit;
    data->ordered_values = 1;
    out->result = type_array(request->arena, types[0]);
    return OK;
}

static Status bind_top(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    static const StrView names[] = {{"item", 4}, {"count", 5}};
    uint32_t limit = 5;
    (void)def;
    Type *types = bind_argument_array(request, out);
    Type *row = ARENA_NEW_ARRAY(request->arena, Type, 2);
    settle(&types[0]);
    if (type_is_nested(types[0]) || types[0].kind == TYPE_JSON)
        return bind_error(request);
    if (request->count > 1 && !constant_count(request, 1, 100000, &limit))
        return RAISE(request->diag, ANALYSIS, "Getting analyzing error. Detail message: The second parameter of APPROX_TOP_K must be a constant positive integer not above 100000.");
    row[0] = types[0];
    row[1] = type_of(TYPE_BIGINT);
    ListData *data = new_data(request, LIST_TOP_K, row, 2, 0, out);
    data->limit = limit;
    out->result = type_array(request->arena, type_struct(request->arena, row, names, 2));
    return OK;
}

/* code: 0 percentile_cont, 1 percentile_disc */
Status func_bind_percentile_rows(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    Type *types = bind_argument_array(request, out);
    settle(&types[0]);
    bool is_date = type_is_date(types[0]);
    if (type_is_nested(types[0]) || types[0].kind == TYPE_JSON || type_is_nested(types[1]))
        return bind_error(request);
    if (def->code != 1 && !is_date && !type_is_numeric(types[0]))
        types[0] = type_of(TYPE_DOUBLE);
    types[1] = type_of(TYPE_DOUBLE);
    const Datum *rate = request->constants[1];
    if (rate != NULL && !rate->is_null && request->types[1].kind != TYPE_NULL && !type_is_string(request->types[1])) {
        double value = number_of(request->types[1], rate);
        if (!(value >= 0 && value <= 1))
            return RAISE(request->diag, ANALYSIS, "Getting analyzing error. Detail message: %s second parameter'value should be between 0 and 1.", def->name);
    }
    ListData *data = new_data(request, def->code == 1 ? LIST_DISC : LIST_CONT, types, 1, 0, out);
    data->ordered_values = 1;
    data->is_distinct = false;
    out->result = def->code == 1 || is_date ? types[0] : type_of(TYPE_DOUBLE);
    return OK;
}

#define LISTF(NAME, FLAGS, MIN_ARGS, MAX_ARGS, BIND, CODE)                                             \
    {.name = NAME, .kind = FUNC_AGGREGATE, .flags = FLAGS, .min_arguments = MIN_ARGS, .max_arguments = MAX_ARGS, \
     .bind = BIND, .code = CODE, .group = "aggregate"}
static const FuncDef defs[] = {
    LISTF("group_concat", FUNC_ORDER_SENSITIVE, 1, FUNC_ANY_ARGUMENTS, bind_concat, 0),
    LISTF("string_agg", FUNC_ORDER_SENSITIVE, 1, FUNC_ANY_ARGUMENTS, bind_concat, 0),
    LISTF("array_agg", FUNC_ORDER_SENSITIVE, 1, FUNC_ANY_ARGUMENTS, bind_array, 0),
    LISTF("array_agg_distinct", FUNC_ORDER_SENSITIVE, 1, 1, bind_array, 1),
    LISTF("array_unique_agg", 0, 1, 1, bind_unique, 0),
    LISTF("map_agg", FUNC_NEVER_NULL, 2, 2, bind_map, 0),
    LISTF("sum_map", 0, 1, 1, bind_map, 1),
    LISTF("min_n", 0, 2, 2, bind_n, 0),
    LISTF("max_n", 0, 2, 2, bind_n, 1),
    LISTF("approx_top_k", 0, 1, 3, bind_top, 0),
    LISTF("mann_whitney_u_test", 0, 2, 4, bind_test, 0),
    LISTF("multi_distinct_count", FUNC_HIDDEN, 1, FUNC_ANY_ARGUMENTS, bind_distinct, LIST_COUNT),
    LISTF("multi_distinct_sum", FUNC_HIDDEN, 1, 1, bind_distinct, LIST_SUM),
};
const FuncTable func_table_agg_list = {defs, COUNT_OF(defs)};
