#include "types/type.h"

/* Type constructors, names, text and stored form. Names of kinds live in one table. */

#include <stdio.h>

typedef struct KindInfo {
    const char *sql_name;
    const char *desc_name; /* as DESC prints it; NULL: lower-case sql_name */
    PhysKind phys;
    uint8_t precision; /* as DECIMAL would need */
} KindInfo;

static const KindInfo kinds[TYPE_KIND_COUNT] = {
    [TYPE_NULL] = {"NULL_TYPE", NULL, PHYS_BOOL, 1},
    [TYPE_BOOLEAN] = {"BOOLEAN", "boolean", PHYS_BOOL, 1},
    [TYPE_TINYINT] = {"TINYINT", "tinyint", PHYS_I8, 3},
    [TYPE_SMALLINT] = {"SMALLINT", "smallint", PHYS_I16, 5},
    [TYPE_INT] = {"INT", "int", PHYS_I32, 10},
    [TYPE_BIGINT] = {"BIGINT", "bigint", PHYS_I64, 19},
    [TYPE_LARGEINT] = {"LARGEINT", "largeint", PHYS_I128, 38},
    [TYPE_FLOAT] = {"FLOAT", "float", PHYS_F32, 0},
    [TYPE_DOUBLE] = {"DOUBLE", "double", PHYS_F64, 0},
    [TYPE_DECIMAL] = {"DECIMAL", "decimal", PHYS_I128, 0},
    [TYPE_CHAR] = {"CHAR", "char", PHYS_STR, 0},
    [TYPE_VARCHAR] = {"VARCHAR", "varchar", PHYS_STR, 0},
    [TYPE_VARBINARY] = {"VARBINARY", "varbinary", PHYS_STR, 0},
    [TYPE_DATE] = {"DATE", "date", PHYS_I32, 0},
    [TYPE_DATETIME] = {"DATETIME", "datetime", PHYS_I64, 0},
    [TYPE_TIME] = {"TIME", "time", PHYS_I64, 0},
    [TYPE_JSON] = {"JSON", "json", PHYS_STR, 0},
    [TYPE_ARRAY] = {"ARRAY", "array", PHYS_LIST, 0},
    [TYPE_MAP] = {"MAP", "map", PHYS_MAP, 0},
    [TYPE_STRUCT] = {"STRUCT", "struct", PHYS_STRUCT, 0},
    [TYPE_BITMAP] = {"BITMAP", "bitmap", PHYS_STR, 0},
    [TYPE_HLL] = {"HLL", "hll", PHYS_STR, 0},
    [TYPE_PERCENTILE] = {"PERCENTILE", "percentile", PHYS_STR, 0},
    [TYPE_FUNCTION] = {"FUNCTION", "function", PHYS_BOOL, 0},
};

uint32_t phys_width(PhysKind phys)
{
    static const uint8_t widths[PHYS_KIND_COUNT] = {
        [PHYS_BOOL] = 1, [PHYS_I8] = 1,   [PHYS_I16] = 2,  [PHYS_I32] = 4,
        [PHYS_I64] = 8,  [PHYS_I128] = 16, [PHYS_F32] = 4, [PHYS_F64] = 8,
        [PHYS_STR] = 16, [PHYS_LIST] = 8, [PHYS_MAP] = 8,  [PHYS_STRUCT] = 0};
    return widths[phys];
}

PhysKind type_default_phys(Type type)
{
    if (type.kind != TYPE_DECIMAL)
        return kinds[type.kind].phys;
    return type.precision <= 9 ? PHYS_I32 : type.precision <= 18 ? PHYS_I64 : type.precision <= DECIMAL_MAX_PRECISION ? PHYS_I128 : PHYS_STR;
}

Type type_of(TypeKind kind)
{
    return (Type){.kind = (uint8_t)kind, .phys = (uint8_t)kinds[kind].phys};
}

Type type_decimal(uint8_t precision, uint8_t scale)
{
    Type type = {.kind = TYPE_DECIMAL, .precision = precision, .scale = scale};
    type.phys = (uint8_t)type_default_phys(type);
    return type;
}

Type type_varchar(uint32_t length)
{
    Type type = type_of(TYPE_VARCHAR);
    type.length = length;
    return type;
}

static Type nested_type(Arena *arena, TypeKind kind, const Type *types, const StrView *names,
                        uint32_t count)
{
    Type type = type_of(kind);
    TypeChildren *children = ARENA_NEW(arena, TypeChildren);
    Type *copies = ARENA_NEW_ARRAY(arena, Type, count);
    StrView *copied_names = names == NULL ? NULL : ARENA_NEW_ARRAY(arena, StrView, count);
    for (uint32_t i = 0; i < count; i++) {
        copies[i] = type_copy(arena, types[i]);
        if (names != NULL)
            copied_names[i] =
                strview_n(arena_strndup(arena, names[i].data, names[i].length), names[i].length);
    }
    *children = (TypeChildren){count, copies, copied_names};
    type.nested = children;
    return type;
}

Type type_array(Arena *arena, Type element)
{
    return nested_type(arena, TYPE_ARRAY, &element, NULL, 1);
}

Type type_map(Arena *arena, Type key, Type value)
{
    Type types[] = {key, value};
    return nested_type(arena, TYPE_MAP, types, NULL, 2);
}

Type type_struct(Arena *arena, const Type *types, const StrView *names, uint32_t count)
{
    return nested_type(arena, TYPE_STRUCT, types, names, count);
}

/* The first name is that of the function; the types behind it are its arguments'. */
Type type_state(Arena *arena, StrView function, const Type *arguments, uint32_t count)
{
    Type *types = ARENA_NEW_ARRAY(arena, Type, count + 1);
    StrView *names = ARENA_NEW_ARRAY(arena, StrView, count + 1);
    types[0] = type_of(TYPE_NULL);
    names[0] = function;
    for (uint32_t i = 0; i < count; i++) {
        types[i + 1] = arguments[i];
        types[i + 1].phys = (uint8_t)type_default_phys(arguments[i]);
        names[i + 1] = STR_VIEW("");
    }
    return nested_type(arena, TYPE_VARBINARY, types, names, count + 1);
}

bool type_is_state(Type type)
{
    return type.kind == TYPE_VARBINARY && type.nested != NULL;
}

StrView type_state_function(Type type)
{
    return type.nested->names[0];
}

const Type *type_state_arguments(Type type, uint32_t *out_count)
{
    *out_count = type.nested->count - 1;
    return type.nested->types + 1;
}

void type_state_print(Type type, ByteBuf *out)
{
    bytebuf_append_view(out, type_state_function(type));
    bytebuf_append_char(out, '(');
    for (uint32_t i = 1; i < type.nested->count; i++) {
        bytebuf_append_text(out, i > 1 ? ", " : "");
        type_print_sql(type.nested->types[i], out);
    }
    bytebuf_append_char(out, ')');
}

Type type_copy(Arena *arena, Type type)
{
    if (type.nested == NULL)
        return type;
    Type copy = nested_type(arena, (TypeKind)type.kind, type.nested->types, type.nested->names,
                            type.nested->count);
    copy.phys = type.phys;
    copy.length = type.length;
    return copy;
}

static bool children_equal(const TypeChildren *a, const TypeChildren *b)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        if (!type_equal(a->types[i], b->types[i]))
            return false;
        if (a->names != NULL && b->names != NULL && !strview_equal_ci(a->names[i], b->names[i]))
            return false;
    }
    return true;
}

bool type_equal(Type a, Type b)
{
    if (a.kind != b.kind)
        return false;
    if (a.kind == TYPE_DECIMAL)
        return a.precision == b.precision && a.scale == b.scale;
    if (a.kind == TYPE_CHAR || a.kind == TYPE_VARCHAR || a.kind == TYPE_VARBINARY)
        return a.length == b.length;
    if (a.nested != NULL && b.nested != NULL)
        return children_equal(a.nested, b.nested);
    return a.nested == b.nested;
}

bool type_same_state(Type a, Type b)
{
    return type_is_state(a) == type_is_state(b) && (!type_is_state(a) || children_equal(a.nested, b.nested));
}

bool type_is_wide_decimal(Type type)
{
    return type.kind == TYPE_DECIMAL && type.precision > DECIMAL_MAX_PRECISION;
}

bool type_is_integer(Type type)
{
    return type.kind >= TYPE_TINYINT && type.kind <= TYPE_LARGEINT;
}

bool type_is_numeric(Type type)
{
    return type.kind >= TYPE_BOOLEAN && type.kind <= TYPE_DECIMAL;
}

bool type_is_string(Type type)
{
    return type.kind == TYPE_CHAR || type.kind == TYPE_VARCHAR;
}

bool type_is_float(Type type)
{
    return type.kind == TYPE_FLOAT || type.kind == TYPE_DOUBLE;
}

bool type_is_date(Type type)
{
    return type.kind == TYPE_DATE || type.kind == TYPE_DATETIME;
}

bool type_is_nested(Type type)
{
    return type.kind == TYPE_ARRAY || type.kind == TYPE_MAP || type.kind == TYPE_STRUCT;
}

bool type_is_comparable(Type type)
{
    return type.kind < TYPE_JSON || type.kind == TYPE_ARRAY;
}

static void print_children(Type type, bool is_sql, ByteBuf *out)
{
    bytebuf_append_char(out, '<');
    for (uint32_t i = 0; i < type.nested->count; i++) {
        if (i > 0)
            bytebuf_append_text(out, type.kind == TYPE_STRUCT ? ", " : ",");
        if (type.nested->names != NULL)
            bytebuf_printf(out, "%.*s ", SV_ARGS(type.nested->names[i]));
        if (is_sql)
            type_print_sql(type.nested->types[i], out);
        else
            type_print(type.nested->types[i], out);
    }
    bytebuf_append_char(out, '>');
}

static void print_parameters(Type type, bool is_sql, ByteBuf *out)
{
    if (type.kind == TYPE_DECIMAL)
        bytebuf_printf(out, is_sql ? "(%u, %u)" : "(%u,%u)", type.precision, type.scale);
    else if ((type_is_string(type) || type.kind == TYPE_VARBINARY) && type.length > 0)
        bytebuf_printf(out, "(%u)", type.length);
    else if (type_is_nested(type))
        print_children(type, is_sql, out);
}

void type_print(Type type, ByteBuf *out)
{
    static const uint8_t display[] = {[TYPE_TINYINT] = 4,  [TYPE_SMALLINT] = 6, [TYPE_INT] = 11,
                                      [TYPE_BIGINT] = 20, [TYPE_LARGEINT] = 40};
    const char *name = kinds[type.kind].desc_name;
    bytebuf_append_text(out, name != NULL ? name : kinds[type.kind].sql_name);
    if (type_is_integer(type) && type.kind != TYPE_LARGEINT)
        bytebuf_printf(out, "(%u)", display[type.kind]);
    else
        print_parameters(type, false, out);
}

void type_print_sql(Type type, ByteBuf *out)
{
    if (type_is_nested(type)) {
        bytebuf_append_text(out, kinds[type.kind].desc_name);
        print_children(type, false, out);
        return;
    }
    bytebuf_append_text(out, kinds[type.kind].desc_name == NULL ? kinds[type.kind].sql_name
                                                                : kinds[type.kind].desc_name);
    if (type_is_integer(type) && type.kind != TYPE_LARGEINT) {
        static const uint8_t display[] = {
            [TYPE_TINYINT] = 4, [TYPE_SMALLINT] = 6, [TYPE_INT] = 11, [TYPE_BIGINT] = 20};
        bytebuf_printf(out, "(%u)", display[type.kind]);
        return;
    }
    print_parameters(type, true, out);
}

void type_encode(Type type, ByteBuf *out)
{
    bytebuf_put_varint(out, type.kind);
    bytebuf_put_u8(out, type.precision);
    bytebuf_put_u8(out, type.scale);
    bytebuf_put_varint(out, type.length);
    if (!type_is_nested(type))
        return;
    bytebuf_put_varint(out, type.nested->count);
    for (uint32_t i = 0; i < type.nested->count; i++) {
        StrView name = type.nested->names == NULL ? STR_VIEW("") : type.nested->names[i];
        bytebuf_put_sized(out, name.data, name.length);
        type_encode(type.nested->types[i], out);
    }
}

enum { MAX_TYPE_DEPTH = 32, MAX_TYPE_CHILDREN = 4096 };

static Status decode_at(ByteReader *reader, Arena *arena, uint32_t depth, Diag *diag, Type *out);

static Status decode_children(ByteReader *reader, Arena *arena, uint32_t depth, Diag *diag,
                              Type *out)
{
    uint64_t count = byte_reader_varint(reader);
    if (reader->failed || count == 0 || count > MAX_TYPE_CHILDREN)
        return RAISE(diag, CORRUPT, "stored type has %llu children", (unsigned long long)count);
    Type *types = ARENA_NEW_ARRAY(arena, Type, count);
    StrView *names = ARENA_NEW_ARRAY(arena, StrView, count);
    for (uint64_t i = 0; i < count; i++) {
        StrView name = byte_reader_sized(reader);
        names[i] = strview_n(arena_strndup(arena, name.data, name.length), name.length);
        TRY(decode_at(reader, arena, depth + 1, diag, &types[i]));
    }
    TypeChildren *children = ARENA_NEW(arena, TypeChildren);
    *children = (TypeChildren){(uint32_t)count, types, out->kind == TYPE_STRUCT ? names : NULL};
    out->nested = children;
    return OK;
}

static Status decode_at(ByteReader *reader, Arena *arena, uint32_t depth, Diag *diag, Type *out)
{
    uint64_t kind = byte_reader_varint(reader);
    uint8_t precision = byte_reader_u8(reader);
    uint8_t scale = byte_reader_u8(reader);
    uint64_t length = byte_reader_varint(reader);
    if (reader->failed || kind >= TYPE_KIND_COUNT || depth > MAX_TYPE_DEPTH || length > UINT32_MAX ||
        precision > DECIMAL_WIDE_PRECISION || scale > DECIMAL_WIDE_PRECISION)
        return RAISE(diag, CORRUPT, "stored type is damaged (kind %llu)", (unsigned long long)kind);
    *out = type_of((TypeKind)kind);
    out->precision = precision;
    out->scale = scale;
    out->length = (uint32_t)length;
    out->phys = (uint8_t)type_default_phys(*out);
    return type_is_nested(*out) ? decode_children(reader, arena, depth, diag, out) : OK;
}

Status type_decode(ByteReader *reader, Arena *arena, Diag *diag, Type *out_type)
{
    return decode_at(reader, arena, 0, diag, out_type);
}
