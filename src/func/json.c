#include "func/families.h"

/* JSON functions. A JSON value is its canonical text; results are made canonical again where pieces
 * are put together. What is not found is NULL; JSON null stays a value, which IS NULL holds for too. */

#include "func/json_value.h"
#include "func/nested.h"
#include "types/json.h"

static void result_json(FuncContext *context, Vector *out, uint32_t row, StrView text)
{
    AUTO_BYTEBUF canonical = {0};
    if (json_canonical(text, &canonical))
        result_text(context, out, row, canonical.data, canonical.length);
    else
        vector_set_null(out, row);
}

DEFINE_ROWWISE(parse_kernel, {
    AUTO_BYTEBUF text = {0};
    if (json_from_text(ARG_VIEW(0), &text))
        result_text(context, out, row, text.data, text.length);
    else
        RESULT_NULL();
})
DEFINE_ROWWISE(string_kernel, { RESULT(Str) = *ARG_STR(0); })

/* The path of a call, parsed again only when it changes from row to row. */
typedef struct PathCache {
    ValuePath path;
    StrView text;
    bool is_set, is_valid;
} PathCache;
static bool path_at(PathCache *cache, StrView text)
{
    if (!cache->is_set || !strview_equal(cache->text, text)) {
        cache->text = text;
        cache->is_set = true;
        cache->is_valid = value_path_parse(text, &cache->path);
    }
    return cache->is_valid;
}

enum { GET_JSON, GET_STRING, GET_INT, GET_DOUBLE, GET_BOOL, GET_EXISTS, GET_LENGTH, GET_KEYS };

static int32_t json_size(StrView value, JsonTextKind kind)
{
    size_t at = 0;
    int32_t size = 0;
    StrView key;
    StrView part;
    if (kind == JSON_TEXT_INVALID)
        return 0;
    if (kind != JSON_TEXT_OBJECT && kind != JSON_TEXT_ARRAY)
        return 1;
    while (kind == JSON_TEXT_OBJECT ? json_next_member(value, &at, &key, &part) : json_next_element(value, &at, &part))
        size++;
    return size;
}

static void put_keys(FuncContext *context, Vector *out, uint32_t row, StrView value, JsonTextKind kind)
{
    AUTO_BYTEBUF text = {0};
    size_t at = 0;
    StrView key;
    StrView part;
    if (kind != JSON_TEXT_OBJECT) {
        vector_set_null(out, row);
        return;
    }
    bytebuf_append_char(&text, '[');
    while (json_next_member(value, &at, &key, &part)) {
        if (text.length > 1)
            bytebuf_append_text(&text, ", ");
        bytebuf_append(&text, key.data - 1, key.length + 2);
    }
    bytebuf_append_char(&text, ']');
    result_text(context, out, row, text.data, text.length);
}

static void put_result(FuncContext *context, int code, Vector *out, uint32_t row, StrView value, JsonTextKind kind)
{
    Datum datum;
    if (code == GET_EXISTS) {
        ((uint8_t *)out->data)[row] = kind != JSON_TEXT_INVALID;
        return;
    }
    if (code == GET_LENGTH) {
        ((int32_t *)out->data)[row] = json_size(value, kind);
        return;
    }
    if (kind == JSON_TEXT_INVALID || (kind == JSON_TEXT_NULL && code != GET_JSON)) {
        vector_set_null(out, row);
        return;
    }
    if (code == GET_KEYS) {
        put_keys(context, out, row, value, kind);
        return;
    }
    if (code == GET_JSON) {
        result_text(context, out, row, value.data, value.length);
        return;
    }
    if (!json_to_datum(value, out->type, context->arena, &datum))
        datum = datum_null();
    else if (code == GET_STRING && !datum.is_null)
        datum.str = str_copy(context->arena, &datum.str);
    vector_put(out, context->arena, row, &datum);
}

/* Arguments: JSON or text, path (the root without one). */
static Status get_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    int code = context->binding->def->code;
    bool is_text = context->binding->argument_types[0].kind != TYPE_JSON;
    VectorView json = vector_view(arguments[0]);
    VectorView paths = vector_view(arguments[count - 1]);
    PathCache *cache = ARENA_NEW(context->arena, PathCache);
    cache->is_valid = true;
    for (FUNC_ROWS(context, rows, i, row)) {
        if (out->nulls != NULL && out->nulls[row] != 0)
            continue;
        AUTO_BYTEBUF parsed = {0};
        AUTO_BYTEBUF collected = {0};
        StrView value = str_view(&((const Str *)json.data)[view_index(&json, row)]);
        bool ok = count < 2 || path_at(cache, str_view(&((const Str *)paths.data)[view_index(&paths, row)]));
        if (is_text) {
            ok = ok && json_canonical(value, &parsed);
            value = bytebuf_view(&parsed);
        }
        JsonTextKind kind = JSON_TEXT_INVALID;
        if (ok)
            kind = value_path_find(value, &cache->path, &collected, &value);
        if (!ok && code != GET_EXISTS && code != GET_LENGTH)
            vector_set_null(out, row);
        else
            put_result(context, code, out, row, value, kind);
    }
    return OK;
}

static Status bind_get(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    static const TypeKind results[] = {[GET_JSON] = TYPE_JSON,     [GET_STRING] = TYPE_VARCHAR, [GET_INT] = TYPE_BIGINT,
                                       [GET_DOUBLE] = TYPE_DOUBLE, [GET_BOOL] = TYPE_BOOLEAN,   [GET_EXISTS] = TYPE_BOOLEAN,
                                       [GET_LENGTH] = TYPE_INT,    [GET_KEYS] = TYPE_JSON};
    Type *types = bind_argument_array(request, out);
    bool takes_text = def->code >= GET_STRING && def->code <= GET_BOOL;
    if (type_is_nested(types[0]))
        return bind_error(request);
    types[0] = type_is_string(types[0]) && takes_text ? type_varchar(0) : type_of(TYPE_JSON);
    if (request->count > 1)
        types[1] = type_varchar(0);
    out->result = type_of(results[def->code]);
    out->kernel = get_kernel;
    return OK;
}

/* json_object, json_array, to_json */
static void put_argument(const Vector *argument, uint32_t row, Arena *arena, ByteBuf *text)
{
    Datum value = vector_get(argument, row, arena);
    json_put_datum(argument->type, &value, text);
}
static Status array_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    AUTO_BYTEBUF text = {0};
    for (FUNC_ROWS(context, rows, i, row)) {
        bytebuf_clear(&text);
        bytebuf_append_char(&text, '[');
        for (uint32_t a = 0; a < count; a++) {
            if (a > 0)
                bytebuf_append_text(&text, ", ");
            put_argument(arguments[a], row, context->arena, &text);
        }
        bytebuf_append_char(&text, ']');
        result_json(context, out, row, bytebuf_view(&text));
    }
    return OK;
}
static Status object_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    AUTO_BYTEBUF text = {0};
    for (FUNC_ROWS(context, rows, i, row)) {
        bytebuf_clear(&text);
        bytebuf_append_char(&text, '{');
        bool has_bad_key = false; /* NULL or empty */
        for (uint32_t a = 0; a < count; a += 2) {
            Datum key = vector_get(arguments[a], row, context->arena);
            has_bad_key |= key.is_null || key.str.length == 0;
            if (has_bad_key)
                break;
            if (a > 0)
                bytebuf_append_text(&text, ", ");
            json_quote(str_view(&key.str), &text);
            bytebuf_append_text(&text, ": ");
            if (a + 1 < count)
                put_argument(arguments[a + 1], row, context->arena, &text);
            else
                bytebuf_append_text(&text, "null");
        }
        bytebuf_append_char(&text, '}');
        if (has_bad_key)
            vector_set_null(out, row);
        else
            result_json(context, out, row, bytebuf_view(&text));
    }
    return OK;
}
static Status to_json_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    (void)count;
    AUTO_BYTEBUF text = {0};
    for (FUNC_ROWS(context, rows, i, row)) {
        if (out->nulls != NULL && out->nulls[row] != 0)
            continue;
        bytebuf_clear(&text);
        put_argument(arguments[0], row, context->arena, &text);
        result_json(context, out, row, bytebuf_view(&text));
    }
    return OK;
}

/* code: 0 array, 1 object, 2 to_json */
static Status bind_make(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    static const ScalarKernel kernels[] = {array_kernel, object_kernel, to_json_kernel};
    Type *types = bind_argument_array(request, out);
    for (uint32_t i = 0; def->code == 1 && i < request->count; i += 2)
        types[i] = type_varchar(0);
    for (uint32_t i = 0; i < request->count; i++)
        types[i].phys = (uint8_t)type_default_phys(types[i]);
    out->result = type_of(TYPE_JSON);
    out->kernel = kernels[def->code];
    return OK;
}

/* ---- json_set ---- */
static bool set_at(StrView json, const ValuePath *path, uint32_t step, StrView value, ByteBuf *out);

static void set_in_object(StrView json, const ValuePath *path, uint32_t step, StrView value, ByteBuf *out)
{
    const PathStep *wanted = &path->steps[step];
    bool found = false;
    size_t at = 0;
    StrView key;
    StrView part;
    bytebuf_append_char(out, '{');
    for (bool is_first = true; json_next_member(json, &at, &key, &part); is_first = false) {
        if (!is_first)
            bytebuf_append_text(out, ", ");
        bytebuf_append(out, key.data - 1, key.length + 2);
        bytebuf_append_text(out, ": ");
        bool is_it = json_key_equal(key, wanted->key);
        found |= is_it;
        if (!is_it || !set_at(part, path, step + 1, value, out))
            bytebuf_append_view(out, part);
    }
    if (!found && step + 1 == path->count) {
        if (out->data[out->length - 1] != '{')
            bytebuf_append_text(out, ", ");
        json_quote(wanted->key, out);
        bytebuf_append_text(out, ": ");
        bytebuf_append_view(out, value);
    }
    bytebuf_append_char(out, '}');
}

static void set_in_array(StrView json, const ValuePath *path, uint32_t step, StrView value, ByteBuf *out)
{
    const PathStep *wanted = &path->steps[step];
    uint32_t place = 0;
    size_t at = 0;
    StrView part;
    bytebuf_append_char(out, '[');
    for (; json_next_element(json, &at, &part); place++) {
        if (place > 0)
            bytebuf_append_text(out, ", ");
        if (place != wanted->index || !set_at(part, path, step + 1, value, out))
            bytebuf_append_view(out, part);
    }
    if (wanted->index >= place && step + 1 == path->count) {
        if (place > 0)
            bytebuf_append_text(out, ", ");
        bytebuf_append_view(out, value);
    }
    bytebuf_append_char(out, ']');
}

/* Appends json with the value put in; false: nothing appended, the path leads nowhere. */
static bool set_at(StrView json, const ValuePath *path, uint32_t step, StrView value, ByteBuf *out)
{
    if (step == path->count) {
        bytebuf_append_view(out, value);
        return true;
    }
    JsonTextKind kind = json_kind(json);
    if (path->steps[step].kind == PATH_KEY && kind == JSON_TEXT_OBJECT)
        set_in_object(json, path, step, value, out);
    else if (path->steps[step].kind == PATH_INDEX && kind == JSON_TEXT_ARRAY)
        set_in_array(json, path, step, value, out);
    else
        return false;
    return true;
}

static Status set_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    ValuePath path;
    for (FUNC_ROWS(context, rows, i, row)) {
        AUTO_BYTEBUF current = {0};
        Datum json = vector_get(arguments[0], row, context->arena);
        bool is_null = json.is_null;
        if (!is_null)
            bytebuf_append_view(&current, str_view(&json.str));
        for (uint32_t a = 1; a + 1 < count && !is_null; a += 2) {
            AUTO_BYTEBUF value = {0};
            AUTO_BYTEBUF next = {0};
            Datum where = vector_get(arguments[a], row, context->arena);
            is_null = where.is_null || vector_get(arguments[a + 1], row, context->arena).is_null;
            if (is_null || !value_path_parse(str_view(&where.str), &path) || path.has_all)
                continue;
            put_argument(arguments[a + 1], row, context->arena, &value);
            if (path.count == 0 && type_is_string(arguments[a + 1]->type)) { /* the document itself */
                Datum text = vector_get(arguments[a + 1], row, context->arena);
                bytebuf_clear(&value);
                if (text.is_null || !json_from_text(str_view(&text.str), &value))
                    bytebuf_append_text(&value, "null");
            }
            if (!set_at(bytebuf_view(&current), &path, 0, bytebuf_view(&value), &next))
                continue;
            bytebuf_clear(&current);
            bytebuf_append_view(&current, bytebuf_view(&next));
        }
        if (is_null)
            vector_set_null(out, row);
        else
            result_json(context, out, row, bytebuf_view(&current));
    }
    return OK;
}

static Status bind_set(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    Type *types = bind_argument_array(request, out);
    if (request->count % 2 == 0)
        return bind_error(request);
    types[0] = type_of(TYPE_JSON);
    for (uint32_t i = 1; i < request->count; i += 2)
        types[i] = type_varchar(0);
    out->result = type_of(TYPE_JSON);
    out->kernel = set_kernel;
    return OK;
}

/* ---- json_each ---- */
static Status each_count(FuncContext *context, const Vector *const *arguments, uint32_t count, uint32_t row, uint64_t *out)
{
    Datum json = vector_get(arguments[0], row, context->arena);
    (void)count;
    *out = 0;
    if (json.is_null)
        return OK;
    StrView value = str_view(&json.str);
    JsonTextKind kind = json_kind(value);
    if (kind == JSON_TEXT_OBJECT || kind == JSON_TEXT_ARRAY)
        *out = (uint64_t)json_size(value, kind);
    return OK;
}

static Status each_produce(FuncContext *context, const Vector *const *arguments, uint32_t count, uint32_t row, uint64_t skip,
                           uint32_t limit, uint32_t offset, Vector *out)
{
    (void)count;
    Datum json = vector_get(arguments[0], row, context->arena);
    StrView value = str_view(&json.str);
    bool is_object = json_kind(value) == JSON_TEXT_OBJECT;
    size_t at = 0;
    StrView key;
    StrView part;
    uint64_t place = 0;
    while (place < skip + limit && (is_object ? json_next_member(value, &at, &key, &part) : json_next_element(value, &at, &part))) {
        if (place < skip) {
            place++;
            continue;
        }
        uint32_t target = offset + (uint32_t)(place - skip);
        AUTO_BYTEBUF name = {0};
        if (is_object)
            (void)json_unescape(key, &name);
        else
            bytebuf_printf(&name, "%llu", (unsigned long long)place);
        result_text(context, &out[0], target, name.data == NULL ? "" : name.data, name.length);
        result_text(context, &out[1], target, part.data, part.length);
        place++;
    }
    return OK;
}

static Status bind_each(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    static const TableKernel kernel = {each_count, each_produce};
    static const StrView names[] = {{"key", 3}, {"value", 5}};
    (void)def;
    bind_arguments(request, type_of(TYPE_JSON), out);
    Type *columns = ARENA_NEW_ARRAY(request->arena, Type, 2);
    columns[0] = type_varchar(0);
    columns[1] = type_of(TYPE_JSON);
    out->table = &kernel;
    out->table_columns = columns;
    out->table_names = names;
    out->table_column_count = 2;
    return OK;
}

#define GETF(NAME, MIN_ARGS, CODE)                                                                  \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL | FUNC_EXPENSIVE, .min_arguments = MIN_ARGS, \
     .max_arguments = 2, .bind = bind_get, .code = CODE, .group = "json"}
#define MAKEF(NAME, FLAGS, MIN_ARGS, MAX_ARGS, BIND, CODE)                                          \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = (FLAGS) | FUNC_EXPENSIVE, .min_arguments = MIN_ARGS,  \
     .max_arguments = MAX_ARGS, .bind = BIND, .code = CODE, .group = "json"}
static const FuncDef defs[] = {
    {.name = "parse_json", .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL | FUNC_EXPENSIVE, .min_arguments = 1,
     .max_arguments = 1, .overloads = (const FuncOverload[]){{"S", 'J', parse_kernel, NULL}}, .overload_count = 1, .group = "json"},
    {.name = "json_string", .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL, .min_arguments = 1, .max_arguments = 1,
     .overloads = (const FuncOverload[]){{"J", 'S', string_kernel, NULL}}, .overload_count = 1, .group = "json"},
    GETF("json_query", 2, GET_JSON), GETF("json_extract", 2, GET_JSON), GETF("get_json_string", 2, GET_STRING),
    GETF("get_json_object", 2, GET_STRING), GETF("get_json_int", 2, GET_INT), GETF("get_json_double", 2, GET_DOUBLE),
    GETF("get_json_bool", 2, GET_BOOL), GETF("json_exists", 2, GET_EXISTS), GETF("json_length", 1, GET_LENGTH),
    GETF("json_keys", 1, GET_KEYS),
    MAKEF("json_array", 0, 0, FUNC_ANY_ARGUMENTS, bind_make, 0), MAKEF("json_object", 0, 0, FUNC_ANY_ARGUMENTS, bind_make, 1),
    MAKEF("to_json", FUNC_NULL_IF_ANY_NULL, 1, 1, bind_make, 2), MAKEF("json_set", 0, 3, FUNC_ANY_ARGUMENTS, bind_set, 0),
    {.name = "json_each", .kind = FUNC_TABLE, .min_arguments = 1, .max_arguments = 1, .bind = bind_each, .group = "table"},
};
const FuncTable func_table_json = {defs, COUNT_OF(defs)};
