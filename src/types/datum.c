#include "types/datum.h"

/* Comparison, text and stored form of single values. */

#include <math.h>

#include "types/datetime.h"
#include "types/decimal.h"
#include "types/decimal256.h"
#include "types/json.h"
#include "types/number_text.h"

static int compare_doubles(double a, double b)
{
    if (isnan(a) || isnan(b)) /* NaN sorts last, equal to itself */
        return isnan(a) - isnan(b);
    return (a > b) - (a < b);
}

static int compare_lists(Type type, const DatumList *a, const DatumList *b)
{
    uint32_t per_entry = type.nested->count;
    for (uint32_t i = 0; i < MIN(a->count, b->count); i++) {
        int order = datum_compare(type.nested->types[i % per_entry], &a->items[i], &b->items[i]);
        if (order != 0)
            return order;
    }
    return (a->count > b->count) - (a->count < b->count);
}

int datum_compare(Type type, const Datum *a, const Datum *b)
{
    if (a->is_null || b->is_null)
        return b->is_null - a->is_null;
    switch ((PhysKind)type.phys) {
    case PHYS_F32:
    case PHYS_F64:
        return compare_doubles(a->f64, b->f64);
    case PHYS_STR:
        return str_compare(&a->str, &b->str);
    case PHYS_LIST:
    case PHYS_MAP:
    case PHYS_STRUCT:
        return compare_lists(type, a->list, b->list);
    case PHYS_BOOL:
    case PHYS_I8:
    case PHYS_I16:
    case PHYS_I32:
    case PHYS_I64:
    case PHYS_I128:
        return (a->i128 > b->i128) - (a->i128 < b->i128);
    case PHYS_KIND_COUNT:
        break;
    }
    UNREACHABLE();
}

Datum datum_copy(Arena *arena, Type type, const Datum *datum)
{
    if (datum->is_null)
        return *datum;
    if (type.phys == PHYS_STR)
        return (Datum){.str = str_copy(arena, &datum->str)};
    if (!type_is_nested(type))
        return *datum;
    DatumList *list = ARENA_NEW(arena, DatumList);
    list->count = datum->list->count;
    list->items = ARENA_NEW_ARRAY(arena, Datum, list->count);
    for (uint32_t i = 0; i < list->count; i++)
        list->items[i] = datum_copy(arena, type.nested->types[i % type.nested->count],
                                    &datum->list->items[i]);
    return (Datum){.list = list};
}

static void print_inside(Type type, const Datum *datum, ByteBuf *out)
{
    if (datum->is_null) {
        bytebuf_append_text(out, "null");
        return;
    }
    char quote = type_is_string(type) || type_is_date(type) || type.kind == TYPE_VARBINARY ? '"' : type.kind == TYPE_JSON ? '\'' : '\0';
    if (quote == '\0') {
        datum_print(type, datum, out);
        return;
    }
    AUTO_BYTEBUF text = {0};
    if (type.kind == TYPE_VARBINARY) { /* as hexadecimal */
        for (uint32_t i = 0; i < datum->str.length; i++)
            bytebuf_printf(&text, "%02x", (unsigned char)str_data(&datum->str)[i]);
    } else {
        datum_print(type, datum, &text);
    }
    bytebuf_append_quoted(out, bytebuf_view(&text), quote);
}

static void print_nested(Type type, const DatumList *list, ByteBuf *out)
{
    uint32_t per_entry = type.nested->count;
    bytebuf_append_char(out, type.kind == TYPE_ARRAY ? '[' : '{');
    for (uint32_t i = 0; i < list->count; i++) {
        bool is_map_value = type.kind == TYPE_MAP && i % 2 == 1;
        if (i > 0)
            bytebuf_append_char(out, is_map_value ? ':' : ',');
        if (type.kind == TYPE_STRUCT)
            bytebuf_printf(out, "\"%.*s\":", SV_ARGS(type.nested->names[i]));
        print_inside(type.nested->types[i % per_entry], &list->items[i], out);
    }
    bytebuf_append_char(out, type.kind == TYPE_ARRAY ? ']' : '}');
}

void datum_print(Type type, const Datum *datum, ByteBuf *out)
{
    char text[32];
    if (datum->is_null) {
        bytebuf_append_text(out, "NULL");
        return;
    }
    switch ((TypeKind)type.kind) {
    case TYPE_BOOLEAN:
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
        int64_print(datum->i64, out);
        return;
    case TYPE_LARGEINT:
        int128_print(datum->i128, out);
        return;
    case TYPE_FLOAT:
        float_print((float)datum->f64, out);
        return;
    case TYPE_DOUBLE:
        double_print(datum->f64, out);
        return;
    case TYPE_DECIMAL:
        if (type_is_wide_decimal(type))
            decimal256_print(int256_of_str(&datum->str), type.scale, out);
        else
            decimal_print(datum->i128, type.scale, out);
        return;
    case TYPE_DATE:
        bytebuf_append(out, text, date_print((int32_t)datum->i64, text));
        return;
    case TYPE_DATETIME:
        bytebuf_append(out, text, datetime_print(datum->i64, text));
        return;
    case TYPE_TIME:
        bytebuf_append(out, text, time_print(datum->i64, text));
        return;
    case TYPE_CHAR:
    case TYPE_VARCHAR:
    case TYPE_VARBINARY:
    case TYPE_JSON:
    case TYPE_BITMAP:
    case TYPE_HLL:
    case TYPE_PERCENTILE:
        bytebuf_append_view(out, str_view(&datum->str));
        return;
    case TYPE_ARRAY:
    case TYPE_MAP:
    case TYPE_STRUCT:
        print_nested(type, datum->list, out);
        return;
    case TYPE_NULL:
    case TYPE_FUNCTION:
    case TYPE_KIND_COUNT:
        bytebuf_append_text(out, "NULL");
        return;
    }
    UNREACHABLE();
}

static bool parse_bounded(StrView text, int64_t low, int64_t high, Datum *out)
{
    int64_t value;
    if (!int64_parse(text, &value) || value < low || value > high)
        return false;
    *out = datum_i64(value);
    return true;
}

static bool parse_boolean(StrView text, Datum *out)
{
    text = strview_trim(text);
    bool is_true = strview_equal_ci(text, STR_VIEW("true"));
    if (is_true || strview_equal_ci(text, STR_VIEW("false"))) {
        *out = datum_i64(is_true);
        return true;
    }
    int64_t number;
    if (!int64_parse(text, &number))
        return false;
    *out = datum_i64(number != 0);
    return true;
}

static bool parse_json(StrView text, Arena *arena, Datum *out)
{
    AUTO_BYTEBUF canonical = {0};
    if (!json_canonical(text, &canonical))
        return false;
    *out = datum_str((StrView){arena_strndup(arena, canonical.data, canonical.length), canonical.length});
    return true;
}

static bool parse_wide_decimal(Type type, StrView text, Arena *arena, Datum *out)
{
    Int256 value;
    if (!decimal256_parse(text, type.precision, type.scale, &value))
        return false;
    out->str = int256_str(arena, value);
    return true;
}

static bool parse_scalar(Type type, StrView text, Arena *arena, Datum *out)
{
    int32_t days;
    int64_t value;
    *out = (Datum){0};
    switch ((TypeKind)type.kind) {
    case TYPE_BOOLEAN:
        return parse_boolean(text, out);
    case TYPE_TINYINT:
        return parse_bounded(text, INT8_MIN, INT8_MAX, out);
    case TYPE_SMALLINT:
        return parse_bounded(text, INT16_MIN, INT16_MAX, out);
    case TYPE_INT:
        return parse_bounded(text, INT32_MIN, INT32_MAX, out);
    case TYPE_BIGINT:
        return parse_bounded(text, INT64_MIN, INT64_MAX, out);
    case TYPE_LARGEINT:
        return int128_parse(strview_trim(text), &out->i128);
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        return double_parse(text, &out->f64);
    case TYPE_DECIMAL:
        if (type_is_wide_decimal(type))
            return parse_wide_decimal(type, text, arena, out);
        return decimal_parse(text, type.precision, type.scale, &out->i128);
    case TYPE_DATE:
        if (!date_parse(text, &days))
            return false;
        *out = datum_i64(days);
        return true;
    case TYPE_DATETIME:
        if (!datetime_parse_us(text, &value))
            return false;
        *out = datum_i64(value);
        return true;
    case TYPE_CHAR:
    case TYPE_VARCHAR:
    case TYPE_VARBINARY:
    case TYPE_BITMAP:
    case TYPE_HLL:
    case TYPE_PERCENTILE:
        out->str = str_make(arena_strndup(arena, text.data, text.length), text.length);
        return true;
    case TYPE_JSON:
        return parse_json(text, arena, out);
    case TYPE_NULL:
    case TYPE_TIME:
    case TYPE_ARRAY:
    case TYPE_MAP:
    case TYPE_STRUCT:
    case TYPE_FUNCTION:
    case TYPE_KIND_COUNT:
        return false;
    }
    UNREACHABLE();
}

Status datum_parse(Type type, StrView text, Arena *arena, Diag *diag, Datum *out_datum)
{
    if (parse_scalar(type, text, arena, out_datum))
        return OK;
    AUTO_BYTEBUF name = {0};
    type_print_sql(type, &name);
    return RAISE(diag, BAD_VALUE, "Invalid %.*s literal: '%.*s'", SV_ARGS(bytebuf_view(&name)),
                 SV_ARGS(text));
}

void datum_encode(Type type, const Datum *datum, ByteBuf *out)
{
    bytebuf_put_u8(out, datum->is_null);
    if (datum->is_null)
        return;
    if (type_is_nested(type)) {
        bytebuf_put_varint(out, datum->list->count);
        for (uint32_t i = 0; i < datum->list->count; i++)
            datum_encode(type.nested->types[i % type.nested->count], &datum->list->items[i], out);
        return;
    }
    if (type.phys == PHYS_STR)
        bytebuf_put_sized(out, str_data(&datum->str), datum->str.length);
    else
        bytebuf_append(out, &datum->i128, sizeof(datum->i128));
}

Status datum_decode(Type type, ByteReader *reader, Arena *arena, Diag *diag, Datum *out_datum)
{
    *out_datum = (Datum){.is_null = byte_reader_u8(reader) != 0};
    if (out_datum->is_null || reader->failed)
        return reader->failed ? RAISE(diag, CORRUPT, "stored value is cut short") : OK;
    if (type_is_nested(type)) {
        uint64_t count = byte_reader_varint(reader);
        if (count > byte_reader_left(reader))
            return RAISE(diag, CORRUPT, "stored value is cut short");
        DatumList *list = ARENA_NEW(arena, DatumList);
        list->count = (uint32_t)count;
        list->items = ARENA_NEW_ARRAY(arena, Datum, count);
        for (uint64_t i = 0; i < count; i++)
            TRY(datum_decode(type.nested->types[i % type.nested->count], reader, arena, diag,
                             &list->items[i]));
        out_datum->list = list;
        return OK;
    }
    if (type.phys == PHYS_STR) {
        StrView bytes = byte_reader_sized(reader);
        out_datum->str = str_make(arena_strndup(arena, bytes.data, bytes.length), bytes.length);
    } else {
        StrView bytes = byte_reader_bytes(reader, sizeof(Int128));
        if (bytes.length == sizeof(Int128))
            memcpy(&out_datum->i128, bytes.data, sizeof(Int128));
    }
    return reader->failed ? RAISE(diag, CORRUPT, "stored value is cut short") : OK;
}
