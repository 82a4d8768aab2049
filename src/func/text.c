#include "func/families.h"

/* More string functions: translation, cases, search, splitting, numbers as text; and functions about
 * their argument as such (typeof, materialize, raise_error). */

#include <ctype.h>
#include <math.h>
#include <stdio.h>

#include "func/nested.h"
#include "types/decimal.h"
#include "types/number_text.h"

static size_t character_bytes(StrView text, size_t at)
{
    size_t end = at + 1;
    while (end < text.length && ((unsigned char)text.data[end] & 0xC0) == 0x80)
        end++;
    return end - at;
}

/* Where the n-th character (from 0) of text is; length 0 when there are fewer. */
static StrView character_at(StrView text, size_t n)
{
    for (size_t at = 0; at < text.length;) {
        size_t bytes = character_bytes(text, at);
        if (n-- == 0)
            return strview_n(text.data + at, bytes);
        at += bytes;
    }
    return strview_n("", 0);
}

/* Place of a character in a list of characters, SIZE_MAX when it is not there. */
static size_t character_index(StrView list, StrView character)
{
    size_t place = 0;
    for (size_t at = 0; at < list.length; place++) {
        size_t bytes = character_bytes(list, at);
        if (strview_equal(strview_n(list.data + at, bytes), character))
            return place;
        at += bytes;
    }
    return SIZE_MAX;
}

enum { MAX_TEXT_BYTES = 1 << 20 };
DEFINE_ROWWISE(translate_kernel, {
    AUTO_BYTEBUF text = {0};
    StrView source = ARG_VIEW(0);
    StrView from = ARG_VIEW(1);
    for (size_t at = 0; at < source.length;) {
        StrView character = strview_n(source.data + at, character_bytes(source, at));
        size_t place = character_index(from, character);
        bytebuf_append_view(&text, place == SIZE_MAX ? character : character_at(ARG_VIEW(2), place));
        at += character.length;
    }
    if (text.length > MAX_TEXT_BYTES)
        RESULT_NULL();
    else
        result_text(context, out, row, text.data == NULL ? "" : text.data, text.length);
})

DEFINE_ROWWISE(initcap_kernel, {
    StrView text = ARG_VIEW(0);
    char *bytes = arena_alloc_bytes(context->arena, MAX(text.length, (size_t)1));
    bool in_word = false;
    for (size_t b = 0; b < text.length; b++) {
        unsigned char c = (unsigned char)text.data[b];
        bytes[b] = (char)(c >= 0x80 ? c : in_word ? tolower(c) : toupper(c));
        in_word = c >= 0x80 || isalnum(c);
    }
    RESULT(Str) = str_make(bytes, text.length);
})

static int64_t count_characters(StrView text)
{
    int64_t total = 0;
    for (size_t b = 0; b < text.length; b++)
        total += ((unsigned char)text.data[b] & 0xC0) != 0x80;
    return total;
}
/* strpos(text, part[, which]): the which-th occurrence, from the end when negative. */
DEFINE_ROWWISE(strpos_kernel, {
    StrView text = ARG_VIEW(0);
    StrView part = ARG_VIEW(1);
    int64_t which = count > 2 ? ARG(2, int32_t) : 1;
    size_t found = SIZE_MAX;
    if (part.length == 0 && which != 0)
        found = 0;
    for (size_t at = 0; which > 0 && part.length > 0 && at + part.length <= text.length;) {
        size_t hit = strview_find(strview_n(text.data + at, text.length - at), part);
        if (hit == SIZE_MAX)
            break;
        if (--which == 0)
            found = at + hit;
        at += hit + part.length;
    }
    for (size_t end = text.length; which < 0 && part.length > 0 && end >= part.length;) {
        bool is_hit = memcmp(text.data + end - part.length, part.data, part.length) == 0;
        if (is_hit && ++which == 0)
            found = end - part.length;
        end -= is_hit ? part.length : 1;
    }
    RESULT(int32_t) = found == SIZE_MAX ? 0 : (int32_t)count_characters(strview_n(text.data, found)) + 1;
})

/* Share of the grams of the second text that occur in the first, each as often as there. */
static float ngram_share(StrView text, StrView other, size_t size, bool folds, Arena *arena)
{
    if (size == 0 || text.length < size || other.length < size)
        return 0;
    DatumSet grams;
    datum_set_init(&grams, type_varchar(0), arena, (uint32_t)MIN(text.length, (size_t)100000));
    size_t hits = 0;
    size_t wanted = other.length - size + 1;
    StrView sides[2] = {text, other};
    for (int s = 0; s < 2; s++) {
        char *bytes = arena_alloc_bytes(arena, sides[s].length);
        for (size_t b = 0; b < sides[s].length; b++)
            bytes[b] = (char)(folds ? tolower((unsigned char)sides[s].data[b]) : sides[s].data[b]);
        for (size_t at = 0; at + size <= sides[s].length; at++) {
            Datum gram = datum_str(strview_n(bytes + at, size));
            if (s == 0)
                datum_set_add(&grams, &gram);
            else
                hits += datum_set_has(&grams, &gram);
        }
    }
    return 1.0f - (float)(wanted - hits) / (float)wanted; /* in single precision, as StarRocks counts it */
}
/* code: 1 folds case */
DEFINE_ROWWISE(ngram_kernel, {
    int32_t size = ARG(2, int32_t);
    if (size <= 0)
        return RAISE(context->diag, INVALID_ARGUMENT, "ngram search's third parameter must be a positive number");
    RESULT(double) = (double)ngram_share(ARG_VIEW(0), ARG_VIEW(1), (size_t)size, context->binding->def->code == 1, context->arena);
})

DEFINE_ROWWISE(format_bytes_kernel, {
    static const char *const names[] = {"B", "KB", "MB", "GB", "TB", "PB", "EB"};
    int64_t value = ARG(0, int64_t);
    char text[40];
    int length;
    size_t unit = 0;
    double scaled = (double)value;
    while (scaled >= 1024 && unit + 1 < COUNT_OF(names)) {
        scaled /= 1024;
        unit++;
    }
    if (value < 0) {
        RESULT_NULL();
        continue;
    }
    if (unit == 0)
        length = snprintf(text, sizeof(text), "%lld B", (long long)value);
    else
        length = snprintf(text, sizeof(text), "%.2f %s", scaled, names[unit]);
    result_text(context, out, row, text, (size_t)length);
})

/* 1,234.50 of a number of hundredths */
static void put_money(Int128 hundredths, ByteBuf *out)
{
    AUTO_BYTEBUF digits = {0};
    bool is_negative = hundredths < 0;
    Int128 size = is_negative ? -hundredths : hundredths;
    int128_print(size / 100, &digits);
    if (is_negative)
        bytebuf_append_char(out, '-');
    for (size_t i = 0; i < digits.length; i++) {
        if (i > 0 && (digits.length - i) % 3 == 0)
            bytebuf_append_char(out, ',');
        bytebuf_append_char(out, digits.data[i]);
    }
    bytebuf_printf(out, ".%02d", (int)(size % 100));
}
DEFINE_ROWWISE(money_int_kernel, {
    AUTO_BYTEBUF text = {0};
    Int128 value = ARG(0, Int128);
    Int128 limit = decimal_powers[36];
    if (value > limit || value < -limit) {
        RESULT_NULL();
        continue;
    }
    put_money(value * 100, &text);
    result_text(context, out, row, text.data, text.length);
})
DEFINE_ROWWISE(money_double_kernel, {
    AUTO_BYTEBUF text = {0};
    Int128 value;
    if (!decimal_from_double(ARG(0, double), DECIMAL_MAX_PRECISION, 2, &value)) {
        RESULT_NULL();
        continue;
    }
    put_money(value, &text);
    result_text(context, out, row, text.data, text.length);
})
static Status bind_money(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    bool is_integer = type_is_integer(request->types[0]);
    bind_arguments(request, type_of(is_integer ? TYPE_LARGEINT : TYPE_DOUBLE), out);
    out->result = type_varchar(0);
    out->kernel = is_integer ? money_int_kernel : money_double_kernel;
    return OK;
}

DEFINE_ROWWISE(trailing_kernel, {
    StrView text = ARG_VIEW(0);
    StrView tail = ARG_VIEW(1);
    if (tail.length != 1) {
        RESULT_NULL();
    } else if (text.length == 0 || text.data[text.length - 1] == tail.data[0]) {
        RESULT(Str) = *ARG_STR(0);
    } else {
        char *bytes = arena_alloc_bytes(context->arena, text.length + 1);
        memcpy(bytes, text.data, text.length);
        bytes[text.length] = tail.data[0];
        RESULT(Str) = str_make(bytes, text.length + 1);
    }
})

DEFINE_ROWWISE(split_kernel, {
    StrView text = ARG_VIEW(0);
    StrView separator = ARG_VIEW(1);
    uint32_t first = out->child_rows;
    size_t at = 0;
    while (separator.length == 0 && at < text.length) {
        size_t bytes = character_bytes(text, at);
        Datum part = datum_str(strview_n(text.data + at, bytes));
        list_push(out, context->arena, &part);
        at += bytes;
    }
    for (bool more = separator.length > 0; more;) {
        StrView rest = strview_n(text.data + at, text.length - at);
        size_t hit = strview_find(rest, separator);
        more = hit != SIZE_MAX;
        Datum part = datum_str(strview_n(rest.data, more ? hit : rest.length));
        list_push(out, context->arena, &part);
        at += more ? hit + separator.length : 0;
    }
    list_end(out, row, first);
})
static Status bind_split(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    bind_arguments(request, type_varchar(0), out);
    out->result = type_array(request->arena, type_varchar(0));
    out->kernel = split_kernel;
    return OK;
}

/* field(x, a, b, ...): place of the first that is equal, from 1; 0 for none and for NULL. */
static Status field_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    Type type = context->binding->argument_types[0];
    for (FUNC_ROWS(context, rows, i, row)) {
        Datum wanted = vector_get(arguments[0], row, context->arena);
        int32_t found = 0;
        for (uint32_t a = 1; a < count && found == 0 && !wanted.is_null; a++) {
            Datum item = vector_get(arguments[a], row, context->arena);
            if (!item.is_null && datum_compare(type, &item, &wanted) == 0)
                found = (int32_t)a;
        }
        ((int32_t *)out->data)[row] = found;
    }
    return OK;
}
static Status bind_field(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    bool all_text = true;
    bool all_integer = true;
    bool all_decimal = true;
    for (uint32_t i = 0; i < request->count; i++) {
        Type type = request->types[i];
        if (type_is_nested(type) || type.kind == TYPE_JSON)
            return bind_error(request);
        bool is_null = type.kind == TYPE_NULL;
        bool is_integer = type_is_integer(type) || type.kind == TYPE_BOOLEAN;
        all_text &= is_null || type_is_string(type) || type_is_date(type);
        all_integer &= is_null || is_integer;
        all_decimal &= is_null || is_integer || (type.kind == TYPE_DECIMAL && !type_is_wide_decimal(type));
    }
    Type common = all_integer ? type_of(TYPE_LARGEINT) : type_of(TYPE_DOUBLE);
    if (all_decimal && !all_integer) {
        common = type_of(TYPE_NULL);
        for (uint32_t i = 0; i < request->count; i++)
            TRY(type_common(common, request->types[i], request->arena, request->diag, &common));
        common.phys = (uint8_t)type_default_phys(common);
    }
    bind_arguments(request, all_text ? type_varchar(0) : common, out);
    out->result = type_of(TYPE_INT);
    out->kernel = field_kernel;
    return OK;
}

/* ---- about the argument itself ---- */
static Status typeof_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    const Str *name = context->binding->data;
    (void)arguments;
    (void)count;
    for (FUNC_ROWS(context, rows, i, row))
        ((Str *)out->data)[row] = *name;
    return OK;
}
static void put_type_name(Type type, ByteBuf *out)
{
    AUTO_BYTEBUF text = {0};
    if (type.kind == TYPE_DECIMAL) {
        int bits = type.precision <= 9 ? 32 : type.precision <= 18 ? 64 : type.precision <= DECIMAL_MAX_PRECISION ? 128 : 256;
        bytebuf_printf(out, "decimal%d(%d, %d)", bits, type.precision, type.scale);
        return;
    }
    if (type_is_nested(type)) {
        static const char *const names[] = {"array", "map", "struct"};
        bytebuf_printf(out, "%s<", names[type.kind - TYPE_ARRAY]);
        for (uint32_t i = 0; i < type.nested->count; i++) {
            if (i > 0)
                bytebuf_append_text(out, type.kind == TYPE_STRUCT ? ", " : ",");
            if (type.kind == TYPE_STRUCT)
                bytebuf_printf(out, "`%.*s` ", SV_ARGS(type.nested->names[i]));
            put_type_name(type.nested->types[i], out);
        }
        bytebuf_append_char(out, '>');
        return;
    }
    type_print_sql(type, &text);
    for (size_t i = 0; i < text.length && text.data[i] != '('; i++)
        bytebuf_append_char(out, (char)tolower((unsigned char)text.data[i]));
}
static Status bind_typeof(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    AUTO_BYTEBUF text = {0};
    (void)def;
    (void)bind_argument_array(request, out);
    put_type_name(request->types[0], &text);
    Str *name = ARENA_NEW(request->arena, Str);
    *name = str_make(arena_strndup(request->arena, text.data, text.length), text.length);
    out->data = name;
    out->result = type_varchar(0);
    out->kernel = typeof_kernel;
    return OK;
}

static Status same_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    (void)context;
    (void)count;
    (void)rows;
    Type type = out->type;
    vector_reference(out, arguments[0]);
    out->type = type;
    return OK;
}
static Status bind_same(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    Type *types = bind_argument_array(request, out);
    if (types[0].kind == TYPE_NULL)
        types[0] = type_of(TYPE_BOOLEAN);
    out->result = types[0];
    out->kernel = same_kernel;
    return OK;
}

DEFINE_ROWWISE(raise_error_kernel, {
    (void)out;
    return RAISE(context->diag, INVALID_ARGUMENT, "%.*s", SV_ARGS(ARG_VIEW(0)));
})
static Status assert_true_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    VectorView view = vector_view(arguments[0]);
    for (FUNC_ROWS(context, rows, i, row)) {
        if (view_is_null(&view, row))
            return RAISE(context->diag, INVALID_ARGUMENT, "assert_true failed due to null value");
        if (((const uint8_t *)view.data)[view_index(&view, row)] == 0) {
            Datum message = count > 1 ? vector_get(arguments[1], row, context->arena) : datum_null();
            StrView text = message.is_null ? STR_VIEW("assert_true failed due to false value") : str_view(&message.str);
            return RAISE(context->diag, INVALID_ARGUMENT, "%.*s", SV_ARGS(text));
        }
        ((uint8_t *)out->data)[row] = 1;
    }
    return OK;
}

/* conv(number, from base, to base): a negative target base gives a signed result. */
static bool convert_base(StrView text, int32_t from, int32_t to, ByteBuf *out)
{
    if (from == INT32_MIN || to == INT32_MIN)
        return false;
    int32_t source = from < 0 ? -from : from;
    int32_t target = to < 0 ? -to : to;
    if (source < 2 || source > 36 || target < 2 || target > 36)
        return false;
    text = strview_trim(text);
    bool is_negative = text.length > 0 && text.data[0] == '-';
    uint64_t value = 0;
    for (size_t i = is_negative; i < text.length; i++) {
        int c = tolower((unsigned char)text.data[i]);
        int digit = isdigit(c) ? c - '0' : c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
        if (digit >= source)
            break;
        if (__builtin_mul_overflow(value, (uint64_t)source, &value) || __builtin_add_overflow(value, (uint64_t)digit, &value)) {
            value = UINT64_MAX;
            break;
        }
    }
    value = is_negative ? 0 - value : value;
    bool prints_sign = to < 0 && (int64_t)value < 0;
    value = prints_sign ? 0 - value : value;
    char digits[65];
    size_t at = sizeof(digits);
    do {
        digits[--at] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[value % (uint64_t)target];
        value /= (uint64_t)target;
    } while (value != 0);
    if (prints_sign)
        bytebuf_append_char(out, '-');
    bytebuf_append(out, digits + at, sizeof(digits) - at);
    return true;
}
DEFINE_ROWWISE(conv_kernel, {
    AUTO_BYTEBUF text = {0};
    if (convert_base(ARG_VIEW(0), ARG(1, int32_t), ARG(2, int32_t), &text))
        result_text(context, out, row, text.data, text.length);
    else
        RESULT_NULL();
})

static Status bind_ngram(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    Type *types = bind_argument_array(request, out);
    bool are_texts = true;
    for (uint32_t i = 0; i < 2; i++)
        are_texts &= type_is_string(types[i]) || types[i].kind == TYPE_NULL;
    if (!are_texts)
        return RAISE(request->diag, ANALYSIS,
                     "Getting analyzing error. Detail message: %s function 's first parameter and second parameter must be string type.",
                     def->name);
    if (request->constants[1] == NULL || request->constants[2] == NULL)
        return RAISE(request->diag, ANALYSIS,
                     "Getting analyzing error. Detail message: %s function 's second parameter and third parameter must be constant.",
                     def->name);
    types[0] = types[1] = type_varchar(0);
    types[2] = type_of(TYPE_INT);
    out->result = type_of(TYPE_DOUBLE);
    out->kernel = ngram_kernel;
    return OK;
}

#define TEXTF(NAME, FLAGS, MIN_ARGS, MAX_ARGS, CODE, ...)                                            \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL | (FLAGS), .min_arguments = MIN_ARGS, \
     .max_arguments = MAX_ARGS, .code = CODE, .overloads = (const FuncOverload[]){__VA_ARGS__},      \
     .overload_count = sizeof((const FuncOverload[]){__VA_ARGS__}) / sizeof(FuncOverload), .group = "string"}
#define TEXTB(NAME, FLAGS, MIN_ARGS, MAX_ARGS, BIND)                                                 \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FLAGS, .min_arguments = MIN_ARGS, .max_arguments = MAX_ARGS, \
     .bind = BIND, .group = "string"}
static const FuncDef defs[] = {
    TEXTF("translate", 0, 3, 3, 0, {"SSS", 'S', translate_kernel, NULL}),
    TEXTF("initcap", 0, 1, 1, 0, {"S", 'S', initcap_kernel, NULL}),
    TEXTF("strpos", 0, 2, 3, 0, {"SS", 'i', strpos_kernel, NULL}, {"SSi", 'i', strpos_kernel, NULL}),
    {.name = "ngram_search",
     .kind = FUNC_SCALAR,
     .flags = FUNC_NULL_IF_ANY_NULL | FUNC_CAN_RAISE,
     .min_arguments = 3,
     .max_arguments = 3,
     .bind = bind_ngram,
     .code = 0,
     .group = "string"},
    {.name = "ngram_search_case_insensitive",
     .kind = FUNC_SCALAR,
     .flags = FUNC_NULL_IF_ANY_NULL | FUNC_CAN_RAISE,
     .min_arguments = 3,
     .max_arguments = 3,
     .bind = bind_ngram,
     .code = 1,
     .group = "string"},
    TEXTF("format_bytes", 0, 1, 1, 0, {"l", 'S', format_bytes_kernel, NULL}),
    TEXTF("append_trailing_char_if_absent", 0, 2, 2, 0, {"SS", 'S', trailing_kernel, NULL}),
    TEXTF("conv", 0, 3, 3, 0, {"Sii", 'S', conv_kernel, NULL}),
    TEXTF("raise_error", FUNC_CAN_RAISE | FUNC_VOLATILE, 1, 1, 0, {"S", 'b', raise_error_kernel, NULL}),
    TEXTB("money_format", FUNC_NULL_IF_ANY_NULL, 1, 1, bind_money),
    TEXTB("split", FUNC_NULL_IF_ANY_NULL, 2, 2, bind_split),
    TEXTB("field", FUNC_NEVER_NULL, 2, FUNC_ANY_ARGUMENTS, bind_field),
    TEXTB("typeof", FUNC_NEVER_NULL, 1, 1, bind_typeof),
    TEXTB("materialize", FUNC_NULL_IF_ANY_NULL, 1, 1, bind_same),
    TEXTB("positive", FUNC_NULL_IF_ANY_NULL, 1, 1, bind_same),
    {.name = "assert_true",
     .kind = FUNC_SCALAR,
     .flags = FUNC_CAN_RAISE | FUNC_VOLATILE,
     .min_arguments = 1,
     .max_arguments = 2,
     .overloads = (const FuncOverload[]){{"b", 'b', assert_true_kernel, NULL}, {"bS", 'b', assert_true_kernel, NULL}},
     .overload_count = 2,
     .group = "utility"},
};
const FuncTable func_table_text = {defs, COUNT_OF(defs)};
