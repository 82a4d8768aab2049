#include "func/json_value.h"

/* Paths into JSON, and conversion of values. Texts of type JSON are canonical (types/json.h): keys are
 * escaped the shortest way, so most compare as bytes. */

#include <ctype.h>

#include "types/decimal.h"
#include "types/decimal256.h"
#include "types/json.h"
#include "types/number_text.h"

static bool take_index(StrView text, size_t *at, PathStep *step)
{
    size_t first = *at;
    if (*at < text.length && text.data[*at] == '*') {
        step->kind = PATH_ALL;
        ++*at;
    } else {
        step->kind = PATH_INDEX;
        while (*at < text.length && isdigit((unsigned char)text.data[*at]) && *at - first < 9)
            step->index = step->index * 10 + (uint32_t)(text.data[(*at)++] - '0');
    }
    if (*at == first || *at >= text.length || text.data[*at] != ']')
        return false;
    ++*at;
    return true;
}

static bool take_key(StrView text, size_t *at, PathStep *step)
{
    step->kind = PATH_KEY;
    size_t first = *at;
    if (first < text.length && text.data[first] == '"') {
        const char *end = memchr(text.data + first + 1, '"', text.length - first - 1);
        if (end == NULL)
            return false;
        step->key = strview_n(text.data + first + 1, (size_t)(end - text.data) - first - 1);
        *at = (size_t)(end - text.data) + 1;
        return true;
    }
    while (*at < text.length && text.data[*at] != '.' && text.data[*at] != '[')
        ++*at;
    step->key = strview_n(text.data + first, *at - first);
    return *at > first;
}

bool value_path_parse(StrView text, ValuePath *out)
{
    out->count = 0;
    out->has_all = false;
    text = strview_trim(text);
    size_t at = text.length > 0 && text.data[0] == '$' && (text.length == 1 || text.data[1] == '.' || text.data[1] == '[');
    bool wants_key = at == 0 && text.length > 0 && text.data[0] != '[';
    while (at < text.length) {
        if (out->count == PATH_MAX_STEPS)
            return false;
        PathStep *step = &out->steps[out->count++];
        *step = (PathStep){0};
        if (!wants_key && text.data[at] == '[') {
            at++;
            if (!take_index(text, &at, step))
                return false;
        } else {
            if (!wants_key && text.data[at++] != '.')
                return false;
            if (!take_key(text, &at, step))
                return false;
        }
        wants_key = false;
        out->has_all |= step->kind == PATH_ALL;
    }
    return true;
}

bool json_key_equal(StrView escaped, StrView plain)
{
    if (memchr(escaped.data, '\\', escaped.length) == NULL)
        return strview_equal(escaped, plain);
    AUTO_BYTEBUF text = {0};
    return json_unescape(escaped, &text) && strview_equal(bytebuf_view(&text), plain);
}

static bool one_step(StrView value, const PathStep *step, StrView *out)
{
    JsonTextKind kind = json_kind(value);
    size_t at = 0;
    StrView key;
    if (step->kind == PATH_KEY) {
        while (kind == JSON_TEXT_OBJECT && json_next_member(value, &at, &key, out)) {
            if (json_key_equal(key, step->key))
                return true;
        }
        return false;
    }
    for (uint32_t i = 0; kind == JSON_TEXT_ARRAY && json_next_element(value, &at, out); i++) {
        if (i == step->index)
            return true;
    }
    return false;
}

/* Everything that the steps from `from` on lead to. */
static void collect(StrView value, const ValuePath *path, uint32_t from, ByteBuf *out)
{
    for (uint32_t s = from; s < path->count; s++) {
        if (path->steps[s].kind != PATH_ALL) {
            if (!one_step(value, &path->steps[s], &value))
                return;
            continue;
        }
        size_t at = 0;
        StrView element;
        while (json_kind(value) == JSON_TEXT_ARRAY && json_next_element(value, &at, &element))
            collect(element, path, s + 1, out);
        return;
    }
    if (out->data[out->length - 1] != '[')
        bytebuf_append_text(out, ", ");
    bytebuf_append_view(out, value);
}

JsonTextKind value_path_find(StrView json, const ValuePath *path, ByteBuf *collected, StrView *out_span)
{
    if (path->has_all) {
        bytebuf_append_char(collected, '[');
        collect(json, path, 0, collected);
        bytebuf_append_char(collected, ']');
        *out_span = bytebuf_view(collected);
        return collected->length == 2 ? JSON_TEXT_INVALID : JSON_TEXT_ARRAY;
    }
    StrView value = json;
    for (uint32_t s = 0; s < path->count; s++) {
        if (!one_step(value, &path->steps[s], &value))
            return JSON_TEXT_INVALID;
    }
    *out_span = value;
    return json_kind(value);
}

static void put_text_value(Type type, const Datum *value, ByteBuf *out)
{
    AUTO_BYTEBUF text = {0};
    datum_print(type, value, &text);
    json_quote(strview_n(text.data == NULL ? "" : text.data, text.length), out);
}

static void put_list(Type type, const DatumList *list, ByteBuf *out)
{
    uint32_t step = type.kind == TYPE_MAP ? 2 : 1;
    bytebuf_append_char(out, type.kind == TYPE_ARRAY ? '[' : '{');
    for (uint32_t i = 0; i < list->count; i += step) {
        if (i > 0)
            bytebuf_append_text(out, ", ");
        if (type.kind == TYPE_MAP)
            put_text_value(type.nested->types[0], &list->items[i], out);
        if (type.kind == TYPE_STRUCT)
            json_quote(type.nested->names[i], out);
        if (type.kind != TYPE_ARRAY)
            bytebuf_append_text(out, ": ");
        Type inner = type.nested->types[type.kind == TYPE_ARRAY ? 0 : type.kind == TYPE_MAP ? 1 : i];
        json_put_datum(inner, &list->items[i + step - 1], out);
    }
    bytebuf_append_char(out, type.kind == TYPE_ARRAY ? ']' : '}');
}

void json_put_datum(Type type, const Datum *value, ByteBuf *out)
{
    if (value->is_null) {
        bytebuf_append_text(out, "null");
        return;
    }
    switch ((TypeKind)type.kind) {
    case TYPE_BOOLEAN:
        bytebuf_append_text(out, value->i64 != 0 ? "true" : "false");
        return;
    case TYPE_DECIMAL:
        double_print(type_is_wide_decimal(type) ? decimal256_to_double(int256_of_str(&value->str), type.scale)
                                                : decimal_to_double(value->i128, type.scale),
                     out);
        return;
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_LARGEINT:
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
    case TYPE_JSON:
        datum_print(type, value, out);
        return;
    case TYPE_ARRAY:
    case TYPE_MAP:
    case TYPE_STRUCT:
        put_list(type, value->list, out);
        return;
    default:
        put_text_value(type, value, out);
        return;
    }
}

bool json_from_text(StrView text, ByteBuf *out)
{
    StrView trimmed = strview_trim(text);
    char first = trimmed.length == 0 ? '\0' : trimmed.data[0];
    if (first == '{' || first == '[' || first == '"')
        return json_canonical(text, out);
    json_quote(text, out);
    return true;
}

static bool scalar_of(StrView json, JsonTextKind kind, Type target, Arena *arena, Datum *out)
{
    Datum value;
    int64_t integer;
    double number;
    Int128 whole;
    if (kind == JSON_TEXT_BOOLEAN) {
        value = datum_i64(json.data[0] == 't');
        if (target.phys == PHYS_STR) {
            *out = datum_str(json);
            return true;
        }
        return cast_datum(type_of(TYPE_BOOLEAN), target, &value, arena, out);
    }
    if (kind == JSON_TEXT_STRING) {
        AUTO_BYTEBUF text = {0};
        if (!json_unescape(strview_n(json.data + 1, json.length - 2), &text))
            return false;
        if (type_is_integer(target) && !int128_parse(bytebuf_view(&text), &whole)) /* no fractions in texts */
            return false;
        value = datum_str(strview_n(arena_strndup(arena, text.length > 0 ? text.data : "", text.length), text.length));
        return cast_datum(type_varchar(0), target, &value, arena, out);
    }
    if (kind != JSON_TEXT_NUMBER || target.phys == PHYS_STR) {
        value = datum_str(json);
        return target.phys == PHYS_STR && cast_datum(type_varchar(0), target, &value, arena, out);
    }
    if (int64_parse(json, &integer)) {
        value = datum_i64(integer);
        return cast_datum(type_of(TYPE_BIGINT), target, &value, arena, out);
    }
    value = datum_f64(0);
    if (!double_parse(json, &number))
        return false;
    value.f64 = number;
    return cast_datum(type_of(TYPE_DOUBLE), target, &value, arena, out);
}

static Datum element_of(StrView json, Type target, Arena *arena)
{
    Datum value;
    return json_to_datum(json, target, arena, &value) ? value : datum_null();
}

static bool nested_of(StrView json, JsonTextKind kind, Type target, Arena *arena, Datum *out)
{
    ARRAY_OF(Datum) items = {0};
    size_t at = 0;
    StrView key;
    StrView value;
    const Type *types = target.nested->types;
    bool fits = (target.kind == TYPE_ARRAY && kind == JSON_TEXT_ARRAY) || (target.kind == TYPE_MAP && kind == JSON_TEXT_OBJECT) ||
                (target.kind == TYPE_STRUCT && (kind == JSON_TEXT_ARRAY || kind == JSON_TEXT_OBJECT));
    if (!fits)
        return false;
    while (target.kind == TYPE_ARRAY && json_next_element(json, &at, &value))
        ARRAY_PUSH(arena, &items, element_of(value, types[0], arena));
    while (target.kind == TYPE_MAP && json_next_member(json, &at, &key, &value)) {
        Datum name;
        if (!scalar_of(strview_n(key.data - 1, key.length + 2), JSON_TEXT_STRING, types[0], arena, &name))
            name = datum_null();
        ARRAY_PUSH(arena, &items, name);
        ARRAY_PUSH(arena, &items, element_of(value, types[1], arena));
    }
    for (uint32_t f = 0; target.kind == TYPE_STRUCT && f < target.nested->count; f++) {
        Datum field = datum_null();
        if (kind == JSON_TEXT_ARRAY) {
            if (json_next_element(json, &at, &value))
                field = element_of(value, types[f], arena);
        } else {
            at = 0;
            while (json_next_member(json, &at, &key, &value)) {
                if (json_key_equal(key, target.nested->names[f]))
                    field = element_of(value, types[f], arena);
            }
        }
        ARRAY_PUSH(arena, &items, field);
    }
    DatumList *list = ARENA_NEW(arena, DatumList);
    list->count = items.count;
    list->items = items.items;
    *out = (Datum){.list = list};
    return true;
}

bool json_to_datum(StrView json, Type target, Arena *arena, Datum *out)
{
    JsonTextKind kind = json_kind(json);
    *out = datum_null();
    if (kind == JSON_TEXT_INVALID)
        return false;
    if (target.kind == TYPE_JSON) {
        *out = datum_str(json);
        return true;
    }
    if (kind == JSON_TEXT_NULL)
        return true;
    if (type_is_nested(target))
        return nested_of(json, kind, target, arena, out);
    return scalar_of(json, kind, target, arena, out);
}
