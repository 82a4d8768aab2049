#include "func/families.h"

/* String functions. Lengths count bytes, except where the name says characters; positions count UTF-8
 * characters from 1. */

#include <ctype.h>
#include <locale.h>
#include <wctype.h>

#include "base/thread.h"
#include "codec/utf8.h"
#include "func/shape.h"

enum { MAX_RESULT_BYTES = 1 << 20 };

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

static int64_t count_characters(StrView text)
{
    int64_t count = 0;
    for (size_t i = 0; i < text.length; i++)
        count += !is_continuation(text.data[i]);
    return count;
}

/* Byte offset of character number index (from 0); text.length when there are fewer. */
static size_t character_offset(StrView text, int64_t index)
{
    size_t at = 0;
    for (; index > 0 && at < text.length; index--) {
        at++;
        while (at < text.length && is_continuation(text.data[at]))
            at++;
    }
    return at;
}

DEFINE_UNARY(length_str, Str, int32_t, (int32_t)x.length)
DEFINE_ROWWISE(char_length_str, { RESULT(int32_t) = (int32_t)count_characters(ARG_VIEW(0)); })
DEFINE_ROWWISE(ascii_str, {
    StrView text = ARG_VIEW(0);
    RESULT(int32_t) = text.length == 0 ? 0 : (unsigned char)text.data[0];
})

static StrView substring(StrView text, int64_t start, int64_t length)
{
    bool is_ascii = true;
    for (size_t i = 0; i < text.length && is_ascii; i++)
        is_ascii = (unsigned char)text.data[i] < 0x80;
    int64_t total = is_ascii ? (int64_t)text.length : count_characters(text);
    int64_t first = start > 0 ? start - 1 : start < 0 ? total + start : -1;
    if (first < 0 || first >= total || length <= 0)
        return STR_VIEW("");
    int64_t last = length > total - first ? total : first + length;
    if (is_ascii)
        return strview_n(text.data + first, (size_t)(last - first));
    size_t begin = character_offset(text, first);
    size_t end = character_offset(text, last);
    return strview_n(text.data + begin, end - begin);
}

/* Results of cutting keep pointing into the argument's bytes. */
#define RESULT_CUT(view) (RESULT(Str) = cut_of(view))
static Str cut_of(StrView view)
{
    return str_make(view.data, view.length);
}
DEFINE_ROWWISE(substr_2, {
    StrView text = ARG_VIEW(0);
    RESULT_CUT(substring(text, ARG(1, int32_t), INT32_MAX));
})
DEFINE_ROWWISE(substr_3, {
    StrView text = ARG_VIEW(0);
    RESULT_CUT(substring(text, ARG(1, int32_t), ARG(2, int32_t)));
})
DEFINE_ROWWISE(left_str, { RESULT_CUT(substring(ARG_VIEW(0), 1, ARG(1, int32_t))); })
DEFINE_ROWWISE(right_str, {
    StrView text = ARG_VIEW(0);
    int64_t wanted = ARG(1, int32_t);
    int64_t total = count_characters(text);
    RESULT_CUT(wanted <= 0 ? STR_VIEW("") : substring(text, MAX(total - wanted, 0) + 1, wanted));
})

static StrView trim_set(StrView text, StrView set, bool at_start, bool at_end)
{
    while (at_start && text.length > 0 && memchr(set.data, text.data[0], set.length) != NULL) {
        text.data++;
        text.length--;
    }
    while (at_end && text.length > 0 && memchr(set.data, text.data[text.length - 1], set.length) != NULL)
        text.length--;
    return text;
}
#define TRIM(NAME, START, END)                                                       \
    DEFINE_ROWWISE(NAME, {                                                           \
        StrView set = count > 1 ? ARG_VIEW(1) : STR_VIEW(" ");                       \
        RESULT_CUT(trim_set(ARG_VIEW(0), set, START, END));                          \
    })
TRIM(trim_str, true, true)
TRIM(ltrim_str, true, false)
TRIM(rtrim_str, false, true)

static char *result_bytes(FuncContext *context, size_t length)
{
    return arena_alloc_bytes(context->arena, MAX(length, (size_t)1));
}

static locale_t unicode_tables;
static pthread_once_t unicode_once = PTHREAD_ONCE_INIT;
static void load_unicode(void)
{
    unicode_tables = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (unicode_tables == (locale_t)0) /* the machine has none: ASCII letters only */
        unicode_tables = newlocale(LC_CTYPE_MASK, "C", (locale_t)0);
}
static locale_t unicode_locale(void)
{
    pthread_once(&unicode_once, load_unicode);
    return unicode_tables;
}

/* Letters beyond ASCII, by the C library's tables of Unicode. */
static void map_case_wide(StrView text, bool to_upper, ByteBuf *out)
{
    locale_t tables = unicode_locale();
    bytebuf_clear(out);
    for (size_t at = 0; at < text.length;) {
        uint32_t code;
        size_t length = utf8_decode(text.data + at, text.length - at, &code);
        if (length == 0) { /* no UTF-8: passed through */
            bytebuf_append_char(out, text.data[at++]);
            continue;
        }
        bool is_pair = code == (to_upper ? 0xDFu : 0x130u); /* sharp s, dotted I: two characters in the other case */
        if (is_pair) {
            bytebuf_append_text(out, to_upper ? "SS" : "i\xCC\x87");
            at += length;
            continue;
        }
        wint_t mapped = to_upper ? towupper_l((wint_t)code, tables) : towlower_l((wint_t)code, tables);
        char bytes[4];
        bytebuf_append(out, bytes, utf8_encode((uint32_t)mapped, bytes));
        at += length;
    }
}

static bool is_ascii(StrView text)
{
    unsigned char all = 0;
    for (size_t i = 0; i < text.length; i++)
        all |= (unsigned char)text.data[i];
    return all < 0x80;
}

#define MAP_CASE(NAME, TO_UPPER, BODY)                               \
    DEFINE_ROWWISE(NAME, {                                           \
        StrView text = ARG_VIEW(0);                                  \
        if ((context->session->flags & FUNC_SESSION_CASE_UTF8) != 0 && !is_ascii(text)) {                                 \
            AUTO_BYTEBUF wide = {0};                                 \
            map_case_wide(text, TO_UPPER, &wide);                    \
            result_text(context, out, row, wide.data, wide.length);  \
            continue;                                                \
        }                                                            \
        char *bytes = result_bytes(context, text.length);            \
        for (size_t b = 0; b < text.length; b++) {                   \
            unsigned char c = (unsigned char)text.data[b];           \
            bytes[b] = (char)(BODY);                                 \
        }                                                            \
        RESULT(Str) = str_make(bytes, text.length);                  \
    })
MAP_CASE(upper_str, true, c >= 'a' && c <= 'z' ? c - 32 : c)
MAP_CASE(lower_str, false, c >= 'A' && c <= 'Z' ? c + 32 : c)

DEFINE_ROWWISE(reverse_str, {
    StrView text = ARG_VIEW(0);
    char *bytes = result_bytes(context, text.length);
    size_t end = text.length;
    size_t written = 0;
    while (end > 0) {
        size_t begin = end - 1;
        while (begin > 0 && is_continuation(text.data[begin]))
            begin--;
        memcpy(bytes + written, text.data + begin, end - begin);
        written += end - begin;
        end = begin;
    }
    RESULT(Str) = str_make(bytes, text.length);
})

/* Where all parts and the result lie in their Strs: put together in registers. What is behind the end of a Str is 0. */
static bool concat_short(const VectorView *views, uint32_t count, uint32_t row, Str *out)
{
    UInt128 text = 0;
    uint32_t length = 0;
    for (uint32_t a = 0; a < count; a++) {
        const Str *part = &((const Str *)views[a].data)[view_index(&views[a], row)];
        if (part->length > STR_INLINE_BYTES - length)
            return false;
        if (part->length > 0)
            text |= ((UInt128)load_u32(part->inlined + 8) << 64 | load_u64(part->inlined)) << (length * 8);
        length += part->length;
    }
    uint64_t head = (uint64_t)text;
    uint32_t tail = (uint32_t)(text >> 64);
    out->length = length;
    memcpy(out->inlined, &head, sizeof(head));
    memcpy(out->inlined + sizeof(head), &tail, sizeof(tail));
    return true;
}

static Status concat_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    AUTO_BYTEBUF text = {0};
    VectorView *views = arena_alloc(context->arena, sizeof(VectorView) * count);
    for (uint32_t a = 0; a < count; a++)
        views[a] = vector_view(arguments[a]);
    for (FUNC_ROWS(context, rows, i, row)) {
        if (out->nulls != NULL && out->nulls[row] != 0)
            continue;
        if (concat_short(views, count, row, &((Str *)out->data)[row]))
            continue;
        bytebuf_clear(&text);
        for (uint32_t a = 0; a < count; a++)
            bytebuf_append_view(&text, str_view(&((const Str *)views[a].data)[view_index(&views[a], row)]));
        if (text.length > MAX_RESULT_BYTES)
            vector_set_null(out, row);
        else
            result_text(context, out, row, text.data == NULL ? "" : text.data, text.length);
    }
    return OK;
}

/* concat_ws leaves NULL parts out; only a NULL separator makes the result NULL. */
static Status concat_ws_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    AUTO_BYTEBUF text = {0};
    VectorView *views = arena_alloc(context->arena, sizeof(VectorView) * count);
    for (uint32_t a = 0; a < count; a++)
        views[a] = vector_view(arguments[a]);
    for (FUNC_ROWS(context, rows, i, row)) {
        if (view_is_null(&views[0], row)) {
            vector_set_null(out, row);
            continue;
        }
        bytebuf_clear(&text);
        bool is_first = true;
        for (uint32_t a = 1; a < count; a++) {
            if (view_is_null(&views[a], row))
                continue;
            if (!is_first)
                bytebuf_append_view(&text, str_view(&((const Str *)views[0].data)[view_index(&views[0], row)]));
            is_first = false;
            bytebuf_append_view(&text, str_view(&((const Str *)views[a].data)[view_index(&views[a], row)]));
        }
        result_text(context, out, row, text.data == NULL ? "" : text.data, text.length);
    }
    return OK;
}

DEFINE_ROWWISE(replace_str, {
    StrView text = ARG_VIEW(0);
    StrView from = ARG_VIEW(1);
    AUTO_BYTEBUF result = {0};
    size_t most = MAX(text.length, (size_t)MAX_RESULT_BYTES);
    while (from.length > 0 && text.length > 0 && result.length <= most) {
        size_t at = strview_find(text, from);
        if (at == SIZE_MAX)
            break;
        bytebuf_append(&result, text.data, at);
        bytebuf_append_view(&result, ARG_VIEW(2));
        text.data += at + from.length;
        text.length -= at + from.length;
    }
    bytebuf_append_view(&result, text);
    if (result.length > most)
        RESULT_NULL();
    else
        result_text(context, out, row, result.data == NULL ? "" : result.data, result.length);
})

DEFINE_ROWWISE(repeat_str, {
    StrView text = ARG_VIEW(0);
    int64_t times = MAX(ARG(1, int32_t), 0);
    size_t total = 0;
    if (__builtin_mul_overflow(text.length, (size_t)times, &total) || total > MAX_RESULT_BYTES) {
        RESULT_NULL();
        continue;
    }
    char *bytes = result_bytes(context, total);
    for (int64_t n = 0; n < times; n++)
        memcpy(bytes + (size_t)n * text.length, text.data, text.length);
    RESULT(Str) = str_make(bytes, total);
})

static int64_t locate(StrView needle, StrView text, int64_t start)
{
    if (start < 1)
        return 0;
    size_t from = character_offset(text, start - 1);
    if (needle.length == 0)
        return start <= count_characters(text) + 1 ? start : 0;
    size_t at = strview_find(strview_n(text.data + from, text.length - from), needle);
    return at == SIZE_MAX ? 0 : count_characters(strview_n(text.data, from + at)) + 1;
}
DEFINE_ROWWISE(instr_str, { RESULT(int32_t) = (int32_t)locate(ARG_VIEW(1), ARG_VIEW(0), 1); })
DEFINE_ROWWISE(locate_2, { RESULT(int32_t) = (int32_t)locate(ARG_VIEW(0), ARG_VIEW(1), 1); })
DEFINE_ROWWISE(locate_3, { RESULT(int32_t) = (int32_t)locate(ARG_VIEW(0), ARG_VIEW(1), ARG(2, int32_t)); })
DEFINE_ROWWISE(starts_with_str, { RESULT(uint8_t) = strview_starts_with(ARG_VIEW(0), ARG_VIEW(1)); })
DEFINE_ROWWISE(ends_with_str, { RESULT(uint8_t) = strview_ends_with(ARG_VIEW(0), ARG_VIEW(1)); })
DEFINE_ROWWISE(null_or_empty_str, { RESULT(uint8_t) = ARG_STR(0)->length == 0; })
DEFINE_ROWWISE(strcmp_str, {
    int order = str_compare(ARG_STR(0), ARG_STR(1));
    RESULT(int32_t) = (order > 0) - (order < 0);
})

static void pad(FuncContext *context, Vector *out, uint32_t row, StrView text, int64_t wanted, StrView fill, bool is_left)
{
    int64_t have = count_characters(text);
    if (wanted < 0 || (wanted > have && fill.length == 0 && wanted > 0) || wanted > MAX_RESULT_BYTES) {
        if (wanted >= 0 && fill.length == 0)
            result_text(context, out, row, text.data, text.length);
        else
            vector_set_null(out, row);
        return;
    }
    if (wanted <= have) {
        StrView cut = substring(text, 1, wanted);
        result_text(context, out, row, cut.data, cut.length);
        return;
    }
    AUTO_BYTEBUF result = {0};
    if (!is_left)
        bytebuf_append_view(&result, text);
    int64_t missing = wanted - have;
    int64_t per_fill = count_characters(fill);
    for (; missing >= per_fill; missing -= per_fill)
        bytebuf_append_view(&result, fill);
    bytebuf_append_view(&result, substring(fill, 1, missing));
    if (is_left)
        bytebuf_append_view(&result, text);
    result_text(context, out, row, result.data, result.length);
}
DEFINE_ROWWISE(lpad_str, { pad(context, out, row, ARG_VIEW(0), ARG(1, int32_t), count > 2 ? ARG_VIEW(2) : STR_VIEW(" "), true); })
DEFINE_ROWWISE(rpad_str, { pad(context, out, row, ARG_VIEW(0), ARG(1, int32_t), count > 2 ? ARG_VIEW(2) : STR_VIEW(" "), false); })

/* Start of the last occurrence before end; SIZE_MAX: none. */
static size_t find_last(StrView text, size_t end, StrView needle)
{
    for (size_t at = end; at >= needle.length; at--) {
        if (memcmp(text.data + at - needle.length, needle.data, needle.length) == 0)
            return at - needle.length;
    }
    return SIZE_MAX;
}
/* Part number wanted, counted from 1 or, when negative, from the end; false: there are fewer. */
static bool part_of(StrView text, StrView separator, int64_t wanted, StrView *out)
{
    size_t begin = 0;
    size_t end = text.length;
    bool from_end = wanted < 0;
    if (wanted == 0)
        return false;
    if (separator.length == 0) {
        *out = text;
        return wanted == 1 || wanted == -1;
    }
    for (int64_t n = from_end ? -wanted : wanted;; n--) {
        size_t hit = from_end ? find_last(text, end, separator)
                              : strview_find(strview_n(text.data + begin, text.length - begin), separator);
        bool is_last = hit == SIZE_MAX;
        size_t low = from_end ? (is_last ? 0 : hit + separator.length) : begin;
        size_t high = from_end ? end : is_last ? text.length : begin + hit;
        *out = strview_n(text.data + low, high - low);
        if (n == 1 || is_last)
            return n == 1;
        end = hit;
        begin = from_end ? 0 : begin + hit + separator.length;
    }
}
DEFINE_ROWWISE(split_part_str, {
    StrView part;
    if (part_of(ARG_VIEW(0), ARG_VIEW(1), ARG(2, int32_t), &part))
        RESULT_CUT(part);
    else
        RESULT_NULL();
})

DEFINE_ROWWISE(substring_index_str, {
    StrView text = ARG_VIEW(0);
    StrView separator = ARG_VIEW(1);
    int64_t wanted = ARG(2, int32_t);
    size_t begin = 0;
    size_t end = wanted == 0 || separator.length == 0 ? 0 : text.length;
    for (size_t at = 0; wanted > 0 && end > 0;) {
        size_t hit = strview_find(strview_n(text.data + at, text.length - at), separator);
        if (hit == SIZE_MAX)
            break;
        if (--wanted == 0)
            end = at + hit;
        at += hit + separator.length;
    }
    for (size_t at = text.length; wanted < 0 && end > 0 && at >= separator.length; at--) {
        if (memcmp(text.data + at - separator.length, separator.data, separator.length) == 0 && ++wanted == 0)
            begin = at;
    }
    RESULT_CUT(strview_n(text.data + begin, end - begin));
})

DEFINE_ROWWISE(space_str, {
    int64_t wanted = MIN(MAX(ARG(0, int32_t), 0), MAX_RESULT_BYTES);
    char *bytes = result_bytes(context, (size_t)wanted);
    memset(bytes, ' ', (size_t)wanted);
    RESULT(Str) = str_make(bytes, (size_t)wanted);
})

static const char hex_digits[] = "0123456789ABCDEF";
DEFINE_ROWWISE(hex_str, {
    StrView text = ARG_VIEW(0);
    char *bytes = result_bytes(context, text.length * 2);
    for (size_t b = 0; b < text.length; b++) {
        bytes[b * 2] = hex_digits[(unsigned char)text.data[b] >> 4];
        bytes[b * 2 + 1] = hex_digits[(unsigned char)text.data[b] & 15];
    }
    RESULT(Str) = str_make(bytes, text.length * 2);
})
DEFINE_ROWWISE(hex_int, {
    char text[20];
    size_t at = sizeof(text);
    uint64_t value = (uint64_t)ARG(0, int64_t);
    do {
        text[--at] = hex_digits[value & 15];
        value >>= 4;
    } while (value != 0);
    result_text(context, out, row, text + at, sizeof(text) - at);
})
DEFINE_ROWWISE(char_int, {
    char text[1] = {(char)ARG(0, int32_t)};
    result_text(context, out, row, text, 1);
})
DEFINE_ROWWISE(find_in_set_str, {
    StrView wanted = ARG_VIEW(0);
    StrView list = ARG_VIEW(1);
    int32_t position = 0;
    int32_t found = 0;
    bool has_comma = memchr(wanted.length > 0 ? wanted.data : "", ',', wanted.length) != NULL;
    while (!has_comma && list.length > 0 && found == 0) {
        size_t at = strview_find(list, STR_VIEW(","));
        StrView part = strview_n(list.data, at == SIZE_MAX ? list.length : at);
        position++;
        if (strview_equal(part, wanted))
            found = position;
        size_t step = MIN(part.length + 1, list.length);
        list.data += step;
        list.length -= step;
    }
    RESULT(int32_t) = found;
})

#define FN(NAME, FLAGS, MIN_ARGS, MAX_ARGS, ...)                                                     \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL | (FLAGS), .min_arguments = MIN_ARGS, \
     .max_arguments = MAX_ARGS, .overloads = (const FuncOverload[]){__VA_ARGS__},                    \
     .overload_count = sizeof((const FuncOverload[]){__VA_ARGS__}) / sizeof(FuncOverload), .group = "string"}
static const FuncDef defs[] = {
    FN("length", FUNC_CHEAP, 1, 1, {"S", 'i', length_str, NULL}),
    FN("octet_length", FUNC_CHEAP, 1, 1, {"S", 'i', length_str, NULL}),
    FN("char_length", 0, 1, 1, {"S", 'i', char_length_str, NULL}),
    FN("character_length", 0, 1, 1, {"S", 'i', char_length_str, NULL}),
    FN("ascii", 0, 1, 1, {"S", 'i', ascii_str, NULL}),
    FN("substr", 0, 2, 3, {"Si", 'S', substr_2, NULL}, {"Sii", 'S', substr_3, NULL}),
    FN("substring", 0, 2, 3, {"Si", 'S', substr_2, NULL}, {"Sii", 'S', substr_3, NULL}),
    FN("mid", 0, 2, 3, {"Si", 'S', substr_2, NULL}, {"Sii", 'S', substr_3, NULL}),
    FN("left", 0, 2, 2, {"Si", 'S', left_str, NULL}),
    FN("strleft", 0, 2, 2, {"Si", 'S', left_str, NULL}),
    FN("right", 0, 2, 2, {"Si", 'S', right_str, NULL}),
    FN("strright", 0, 2, 2, {"Si", 'S', right_str, NULL}),
    FN("trim", 0, 1, 2, {"S", 'S', trim_str, NULL}, {"SS", 'S', trim_str, NULL}),
    FN("ltrim", 0, 1, 2, {"S", 'S', ltrim_str, NULL}, {"SS", 'S', ltrim_str, NULL}),
    FN("rtrim", 0, 1, 2, {"S", 'S', rtrim_str, NULL}, {"SS", 'S', rtrim_str, NULL}),
    FN("upper", 0, 1, 1, {"S", 'S', upper_str, NULL}),
    FN("ucase", 0, 1, 1, {"S", 'S', upper_str, NULL}),
    FN("lower", 0, 1, 1, {"S", 'S', lower_str, NULL}),
    FN("lcase", 0, 1, 1, {"S", 'S', lower_str, NULL}),
    FN("reverse", 0, 1, 1, {"S", 'S', reverse_str, NULL}),
    FN("concat", 0, 1, FUNC_ANY_ARGUMENTS, {"S*", 'S', concat_kernel, NULL}),
    {.name = "concat_ws", .kind = FUNC_SCALAR, .min_arguments = 2, .max_arguments = FUNC_ANY_ARGUMENTS,
     .overloads = (const FuncOverload[]){{"S*", 'S', concat_ws_kernel, NULL}}, .overload_count = 1, .group = "string"},
    FN("replace", 0, 3, 3, {"SSS", 'S', replace_str, NULL}),
    FN("repeat", 0, 2, 2, {"Si", 'S', repeat_str, NULL}),
    FN("instr", 0, 2, 2, {"SS", 'i', instr_str, NULL}),
    FN("locate", 0, 2, 3, {"SS", 'i', locate_2, NULL}, {"SSi", 'i', locate_3, NULL}),
    FN("position", 0, 2, 2, {"SS", 'i', locate_2, NULL}),
    FN("starts_with", 0, 2, 2, {"SS", 'b', starts_with_str, NULL}),
    FN("ends_with", 0, 2, 2, {"SS", 'b', ends_with_str, NULL}),
    FN("null_or_empty", 0, 1, 1, {"S", 'b', null_or_empty_str, NULL}),
    FN("strcmp", 0, 2, 2, {"SS", 'i', strcmp_str, NULL}),
    FN("lpad", 0, 2, 3, {"Si", 'S', lpad_str, NULL}, {"SiS", 'S', lpad_str, NULL}),
    FN("rpad", 0, 2, 3, {"Si", 'S', rpad_str, NULL}, {"SiS", 'S', rpad_str, NULL}),
    FN("split_part", 0, 3, 3, {"SSi", 'S', split_part_str, NULL}),
    FN("substring_index", 0, 3, 3, {"SSi", 'S', substring_index_str, NULL}),
    FN("space", 0, 1, 1, {"i", 'S', space_str, NULL}),
    FN("hex", 0, 1, 1, {"l", 'S', hex_int, NULL}, {"S", 'S', hex_str, NULL}),
    FN("char", 0, 1, 1, {"i", 'S', char_int, NULL}),
    FN("find_in_set", 0, 2, 2, {"SS", 'i', find_in_set_str, NULL}),
};
const FuncTable func_table_string = {defs, COUNT_OF(defs)};
