#include "connector/csv_writer.h"

/* A row at a time, with the view of each column made once a chunk; usual types go straight to text. */

#include <string.h>

#include "types/datetime.h"
#include "types/decimal.h"
#include "types/number_text.h"

static void put_text(const CsvOptions *options, StrView text, ByteBuf *out)
{
    if (options->enclose == 0) {
        bytebuf_append_view(out, text);
        return;
    }
    char escape = options->escape == 0 ? options->enclose : options->escape;
    bytebuf_append_char(out, options->enclose);
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == options->enclose || text.data[i] == escape)
            bytebuf_append_char(out, escape);
        bytebuf_append_char(out, text.data[i]);
    }
    bytebuf_append_char(out, options->enclose);
}

static int64_t integer_at(const void *data, PhysKind phys, uint32_t at)
{
    switch (phys) {
    case PHYS_I8:
        return ((const int8_t *)data)[at];
    case PHYS_I16:
        return ((const int16_t *)data)[at];
    case PHYS_I32:
        return ((const int32_t *)data)[at];
    default:
        return ((const int64_t *)data)[at];
    }
}

static void put_plain(const VectorView *view, Type type, uint32_t at, ByteBuf *out)
{
    char text[32];
    PhysKind phys = (PhysKind)type.phys;
    switch ((TypeKind)type.kind) {
    case TYPE_BOOLEAN:
        bytebuf_append_text(out, ((const uint8_t *)view->data)[at] != 0 ? "true" : "false");
        return;
    case TYPE_DECIMAL:
        decimal_print(phys == PHYS_I128 ? ((const Int128 *)view->data)[at] : integer_at(view->data, phys, at), type.scale, out);
        return;
    case TYPE_DATE:
        bytebuf_append(out, text, date_print(((const int32_t *)view->data)[at], text));
        return;
    case TYPE_DATETIME:
        bytebuf_append(out, text, datetime_print(((const int64_t *)view->data)[at], text));
        return;
    default:
        int64_print(integer_at(view->data, phys, at), out);
    }
}

static bool is_plain(Type type)
{
    bool is_integer = type.kind >= TYPE_TINYINT && type.kind <= TYPE_BIGINT;
    bool is_decimal = type.kind == TYPE_DECIMAL && !type_is_wide_decimal(type);
    return is_integer || is_decimal || type.kind == TYPE_BOOLEAN || (type.kind == TYPE_DATE && type.phys == PHYS_I32) ||
           type.kind == TYPE_DATETIME;
}

static void put_value(const CsvOptions *options, const Vector *column, const VectorView *view, uint32_t row, Arena *scratch, ByteBuf *out)
{
    uint32_t at = view_index(view, row);
    if (view_is_null(view, row)) {
        bytebuf_append_text(out, "\\N");
        return;
    }
    if (column->type.phys == PHYS_STR && !type_is_wide_decimal(column->type)) {
        const Str *text = &((const Str *)view->data)[at];
        put_text(options, strview_n(str_data(text), text->length), out);
        return;
    }
    if (is_plain(column->type) && options->enclose == 0) {
        put_plain(view, column->type, at, out);
        return;
    }
    AUTO_BYTEBUF text = {0};
    Datum value = vector_get(column, row, scratch);
    if (is_plain(column->type))
        put_plain(view, column->type, at, &text);
    else
        datum_print(column->type, &value, &text);
    put_text(options, bytebuf_view(&text), out);
}

void csv_write_header(const CsvOptions *options, const StrView *names, uint32_t count, ByteBuf *out)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            bytebuf_append_view(out, options->separator);
        put_text(options, names[i], out);
    }
    bytebuf_append_view(out, options->delimiter);
}

void csv_write_rows(const CsvOptions *options, const Vector *const *columns, uint32_t count, Rows rows, Arena *scratch, ByteBuf *out)
{
    VectorView *views = ARENA_NEW_ARRAY(scratch, VectorView, count + 1);
    for (uint32_t c = 0; c < count; c++)
        views[c] = vector_view(columns[c]);
    for (FOR_ROWS(rows, i, row)) {
        for (uint32_t c = 0; c < count; c++) {
            if (c > 0)
                bytebuf_append_view(out, options->separator);
            put_value(options, columns[c], &views[c], row, scratch, out);
        }
        bytebuf_append_view(out, options->delimiter);
    }
}
