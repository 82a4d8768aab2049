#include "types/type.h"

/* Reads type names: "decimal(15,2)", "ARRAY<VARCHAR(10)>", "struct<a int, b array<date>>". */

#include <ctype.h>

typedef struct TypeText {
    StrView left;
    StrView whole;
    Arena *arena;
    Diag *diag;
    uint32_t depth;
} TypeText;

static Status parse_at(TypeText *text, Type *out);

static void skip_blanks(TypeText *text)
{
    while (text->left.length > 0 && isspace((unsigned char)text->left.data[0])) {
        text->left.data++;
        text->left.length--;
    }
}

static bool take_char(TypeText *text, char c)
{
    skip_blanks(text);
    if (text->left.length == 0 || text->left.data[0] != c)
        return false;
    text->left.data++;
    text->left.length--;
    return true;
}

static StrView take_word(TypeText *text)
{
    skip_blanks(text);
    bool is_quoted = text->left.length > 0 && text->left.data[0] == '`';
    if (is_quoted)
        (void)take_char(text, '`');
    size_t n = 0;
    while (n < text->left.length &&
           (isalnum((unsigned char)text->left.data[n]) || text->left.data[n] == '_' ||
            (is_quoted && text->left.data[n] != '`')))
        n++;
    StrView word = strview_n(text->left.data, n);
    text->left.data += n;
    text->left.length -= n;
    if (is_quoted)
        (void)take_char(text, '`');
    return word;
}

static bool take_number(TypeText *text, uint32_t *out)
{
    StrView word = take_word(text);
    uint64_t value = 0;
    for (size_t i = 0; i < word.length; i++) {
        if (!isdigit((unsigned char)word.data[i]) || value > UINT32_MAX)
            return false;
        value = value * 10 + (uint64_t)(word.data[i] - '0');
    }
    *out = (uint32_t)value;
    return word.length > 0 && value <= UINT32_MAX;
}

static Status bad_type(const TypeText *text)
{
    return RAISE(text->diag, ANALYSIS, "unknown type \"%.*s\"", SV_ARGS(text->whole));
}

static const struct {
    const char *name;
    TypeKind kind;
} type_names[] = {
    {"boolean", TYPE_BOOLEAN},   {"bool", TYPE_BOOLEAN},      {"tinyint", TYPE_TINYINT},
    {"smallint", TYPE_SMALLINT}, {"int", TYPE_INT},           {"integer", TYPE_INT},
    {"signed", TYPE_BIGINT},     {"unsigned", TYPE_BIGINT},
    {"bigint", TYPE_BIGINT},     {"largeint", TYPE_LARGEINT}, {"float", TYPE_FLOAT},
    {"double", TYPE_DOUBLE},     {"decimal", TYPE_DECIMAL},   {"decimalv2", TYPE_DECIMAL},
    {"decimal32", TYPE_DECIMAL}, {"decimal64", TYPE_DECIMAL}, {"decimal128", TYPE_DECIMAL}, {"decimal256", TYPE_DECIMAL},
    {"numeric", TYPE_DECIMAL},   {"number", TYPE_DECIMAL},    {"char", TYPE_CHAR},
    {"character", TYPE_CHAR},    {"varchar", TYPE_VARCHAR},   {"string", TYPE_VARCHAR},
    {"text", TYPE_VARCHAR},      {"varbinary", TYPE_VARBINARY}, {"binary", TYPE_VARBINARY},
    {"date", TYPE_DATE},         {"datetime", TYPE_DATETIME}, {"timestamp", TYPE_DATETIME},
    {"time", TYPE_TIME},         {"json", TYPE_JSON},         {"jsonb", TYPE_JSON},
    {"array", TYPE_ARRAY},       {"map", TYPE_MAP},           {"struct", TYPE_STRUCT},
    {"bitmap", TYPE_BITMAP},     {"hll", TYPE_HLL},           {"percentile", TYPE_PERCENTILE},
};

static Status parse_decimal(TypeText *text, StrView name, Type *out)
{
    uint32_t precision = strview_equal_ci(name, STR_VIEW("decimalv2")) ? 27 : 10;
    uint32_t scale = strview_equal_ci(name, STR_VIEW("decimalv2")) ? 9 : 0;
    if (take_char(text, '(')) {
        if (!take_number(text, &precision))
            return bad_type(text);
        scale = 0;
        if (take_char(text, ',') && !take_number(text, &scale))
            return bad_type(text);
        if (!take_char(text, ')'))
            return bad_type(text);
    }
    if (precision < 1 || precision > DECIMAL_WIDE_PRECISION)
        return RAISE(text->diag, ANALYSIS,
                     "DECIMAL's precision should range from 1 to 76, but it is %u", precision);
    if (scale > precision)
        return RAISE(text->diag, ANALYSIS,
                     "DECIMAL's scale %u must not be greater than its precision %u", scale,
                     precision);
    *out = type_decimal((uint8_t)precision, (uint8_t)scale);
    return OK;
}

static Status parse_struct(TypeText *text, Type *out)
{
    ARRAY_OF(Type) types = {0};
    ARRAY_OF(StrView) names = {0};
    do {
        StrView name = take_word(text);
        Type field;
        (void)take_char(text, ':');
        TRY(parse_at(text, &field));
        ARRAY_PUSH(text->arena, &names, name);
        ARRAY_PUSH(text->arena, &types, field);
    } while (take_char(text, ','));
    *out = type_struct(text->arena, types.items, names.items, types.count);
    return take_char(text, '>') ? OK : bad_type(text);
}

static Status parse_nested(TypeText *text, TypeKind kind, Type *out)
{
    if (!take_char(text, '<') || text->depth > 14)
        return bad_type(text);
    text->depth++;
    if (kind == TYPE_STRUCT) {
        TRY(parse_struct(text, out));
        text->depth--;
        return OK;
    }
    Type first;
    TRY(parse_at(text, &first));
    if (kind == TYPE_ARRAY) {
        *out = type_array(text->arena, first);
    } else {
        Type value;
        if (!take_char(text, ','))
            return bad_type(text);
        TRY(parse_at(text, &value));
        *out = type_map(text->arena, first, value);
    }
    text->depth--;
    return take_char(text, '>') ? OK : bad_type(text);
}

static Status parse_length(TypeText *text, TypeKind kind, StrView name, Type *out)
{
    *out = type_of(kind);
    if (kind == TYPE_CHAR)
        out->length = 1;
    if (strview_equal_ci(name, STR_VIEW("string")) || strview_equal_ci(name, STR_VIEW("text")))
        out->length = STRING_BYTES;
    if (!take_char(text, '('))
        return OK;
    if (take_char(text, '*'))
        out->length = VARCHAR_MAX_BYTES;
    else if (!take_number(text, &out->length))
        return bad_type(text);
    if (!take_char(text, ')'))
        return bad_type(text);
    bool carries_length = type_is_string(*out) || kind == TYPE_VARBINARY;
    if (!carries_length)
        out->length = 0; /* INT(11) */
    return OK;
}

static Status parse_at(TypeText *text, Type *out)
{
    StrView name = take_word(text);
    for (size_t i = 0; i < COUNT_OF(type_names); i++) {
        if (!strview_equal_ci(name, strview(type_names[i].name)))
            continue;
        TypeKind kind = type_names[i].kind;
        if (kind == TYPE_DECIMAL)
            return parse_decimal(text, name, out);
        if (kind == TYPE_ARRAY || kind == TYPE_MAP || kind == TYPE_STRUCT)
            return parse_nested(text, kind, out);
        return parse_length(text, kind, name, out);
    }
    return bad_type(text);
}

Status type_parse(StrView text, Arena *arena, Diag *diag, Type *out_type)
{
    TypeText state = {.left = text, .whole = text, .arena = arena, .diag = diag};
    TRY(parse_at(&state, out_type));
    if (strview_starts_with_ci(strview_trim(state.left), STR_VIEW("integer")) ||
        strview_starts_with_ci(strview_trim(state.left), STR_VIEW("unsigned")))
        return OK; /* CAST(x AS SIGNED INTEGER) */
    skip_blanks(&state);
    return state.left.length == 0 ? OK : bad_type(&state);
}

/* function(type [NOT NULL], ..) */
Status type_state_parse(StrView text, Arena *arena, Diag *diag, Type *out_type)
{
    enum { MAX_ARGUMENTS = 16 };
    TypeText state = {.left = text, .whole = text, .arena = arena, .diag = diag};
    Type types[MAX_ARGUMENTS];
    uint32_t count = 0;
    StrView function = take_word(&state);
    if (function.length == 0 || !take_char(&state, '('))
        return bad_type(&state);
    if (!take_char(&state, ')')) {
        do {
            if (count == MAX_ARGUMENTS)
                return bad_type(&state);
            TRY(parse_at(&state, &types[count++]));
        } while (take_char(&state, ','));
        if (!take_char(&state, ')'))
            return bad_type(&state);
    }
    *out_type = type_state(arena, function, types, count);
    return OK;
}
