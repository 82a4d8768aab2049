#include "session/session_int.h"

/* How values of a nested type become values of one with other fields, as an expression: fields by their names, new ones NULL. */

#include <stdio.h>

#include "sql/unparse.h"

static void print_cast_null(Type type, ByteBuf *out)
{
    bytebuf_append_text(out, "CAST(NULL AS ");
    type_print_sql(type, out);
    bytebuf_append_char(out, ')');
}

static const Type *find_field(Type type, StrView name)
{
    for (uint32_t i = 0; i < type.nested->count; i++) {
        if (strview_equal_ci(type.nested->names[i], name))
            return &type.nested->types[i];
    }
    return NULL;
}

static void print_struct(Type from, Type to, StrView value, uint32_t depth, ByteBuf *out)
{
    bytebuf_printf(out, "if(%.*s IS NULL, NULL, named_struct(", SV_ARGS(value));
    for (uint32_t i = 0; i < to.nested->count; i++) {
        StrView name = to.nested->names[i];
        const Type *field = find_field(from, name);
        bytebuf_append_text(out, i > 0 ? ", " : "");
        sql_print_string(name, out);
        bytebuf_append_text(out, ", ");
        if (field == NULL) {
            print_cast_null(to.nested->types[i], out);
            continue;
        }
        AUTO_BYTEBUF inner = {0};
        bytebuf_append_view(&inner, value);
        bytebuf_append_char(&inner, '.');
        sql_print_quoted_identifier(name, &inner);
        alter_print_fields(*field, to.nested->types[i], bytebuf_view(&inner), depth, out);
    }
    bytebuf_append_text(out, "))");
}

void alter_print_fields(Type from, Type to, StrView value, uint32_t depth, ByteBuf *out)
{
    char element[24];
    size_t length = (size_t)snprintf(element, sizeof(element), "`element %u`", depth);
    StrView inner = strview_n(element, length);
    if (from.kind != to.kind || !type_is_nested(from) || type_equal(from, to)) {
        bytebuf_append_view(out, value);
    } else if (from.kind == TYPE_STRUCT) {
        print_struct(from, to, value, depth, out);
    } else if (from.kind == TYPE_ARRAY) {
        bytebuf_printf(out, "array_map(%.*s -> ", SV_ARGS(inner));
        alter_print_fields(from.nested->types[0], to.nested->types[0], inner, depth + 1, out);
        bytebuf_printf(out, ", %.*s)", SV_ARGS(value));
    } else {
        bytebuf_printf(out, "map_from_arrays(map_keys(%.*s), array_map(%.*s -> ", SV_ARGS(value), SV_ARGS(inner));
        alter_print_fields(from.nested->types[1], to.nested->types[1], inner, depth + 1, out);
        bytebuf_printf(out, ", map_values(%.*s)))", SV_ARGS(value));
    }
}
