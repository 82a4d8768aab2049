#include "types/text_nested.h"

/* Arrays from arrays, maps and structs from objects; struct fields by name, absent ones NULL. Leaves go
 * through the literal parser. Depth is bounded by that of the type. */

#include "codec/json_text.h"

typedef ARRAY_OF(Datum) DatumArray;

static Datum list_datum(Arena *arena, const DatumArray *items)
{
    DatumList *list = ARENA_NEW(arena, DatumList);
    list->count = items->count;
    list->items = items->items;
    return (Datum){.list = list};
}

static bool unquote(StrView inner, Arena *arena, StrView *out)
{
    AUTO_BYTEBUF plain = {0};
    if (!json_unescape(inner, &plain))
        return false;
    *out = (StrView){arena_strndup(arena, plain.length > 0 ? plain.data : "", plain.length), plain.length};
    return true;
}

static bool scalar_value(Type type, StrView text, JsonTextKind kind, Arena *arena, Datum *out)
{
    StrView plain = text;
    if (kind == JSON_TEXT_STRING && type.kind != TYPE_JSON &&
        !unquote((StrView){text.data + 1, text.length - 2}, arena, &plain))
        return false;
    return datum_parse(type, plain, arena, NULL, out) == OK;
}

static bool array_value(Type type, StrView text, Arena *arena, Datum *out)
{
    DatumArray items = {0};
    size_t at = 0;
    StrView element;
    while (json_next_element(text, &at, &element)) {
        Datum value;
        if (!nested_from_json(type.nested->types[0], element, arena, &value))
            return false;
        ARRAY_PUSH(arena, &items, value);
    }
    *out = list_datum(arena, &items);
    return true;
}

static bool map_value(Type type, StrView text, Arena *arena, Datum *out)
{
    DatumArray items = {0};
    size_t at = 0;
    StrView name, member, plain;
    while (json_next_member(text, &at, &name, &member)) {
        Datum key, value;
        if (!unquote(name, arena, &plain) || datum_parse(type.nested->types[0], plain, arena, NULL, &key) != OK ||
            !nested_from_json(type.nested->types[1], member, arena, &value))
            return false;
        ARRAY_PUSH(arena, &items, key);
        ARRAY_PUSH(arena, &items, value);
    }
    *out = list_datum(arena, &items);
    return true;
}

static bool struct_value(Type type, StrView text, Arena *arena, Datum *out)
{
    DatumArray items = {0};
    for (uint32_t i = 0; i < type.nested->count; i++) {
        Datum field = datum_null();
        size_t at = 0;
        StrView name, member;
        while (json_next_member(text, &at, &name, &member)) {
            if (strview_equal_ci(name, type.nested->names[i]) &&
                !nested_from_json(type.nested->types[i], member, arena, &field))
                return false;
        }
        ARRAY_PUSH(arena, &items, field);
    }
    *out = list_datum(arena, &items);
    return true;
}

static bool value_of(Type type, StrView span, JsonTextKind kind, Arena *arena, Datum *out)
{
    if (kind == JSON_TEXT_NULL) {
        *out = datum_null();
        return true;
    }
    if (type.kind == TYPE_ARRAY)
        return kind == JSON_TEXT_ARRAY && array_value(type, span, arena, out);
    if (type.kind == TYPE_MAP)
        return kind == JSON_TEXT_OBJECT && map_value(type, span, arena, out);
    if (type.kind == TYPE_STRUCT)
        return kind == JSON_TEXT_OBJECT && struct_value(type, span, arena, out);
    return scalar_value(type, span, kind, arena, out);
}

bool nested_from_json(Type type, StrView text, Arena *arena, Datum *out)
{
    size_t at = 0;
    StrView span;
    JsonTextKind kind = json_value(text, &at, &span);
    if (kind == JSON_TEXT_INVALID || json_skip_blanks(text, at) != text.length)
        return false;
    return value_of(type, span, kind, arena, out);
}
