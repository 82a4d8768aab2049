#include "func/families.h"

/* LIKE and REGEXP. A constant LIKE pattern is taken apart once: text without wildcards, prefix, suffix,
 * containment, or segments between percent signs; other patterns run the general matcher. Regular
 * expressions are compiled by PCRE2 with JIT, once a thread for a constant pattern. */

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "func/nested.h"

enum { MAX_PARTS = 16, MAX_RESULT_BYTES = 1 << 20 };

typedef struct LikePattern {
    bool is_simple;    /* only literal parts between percent signs */
    bool open_start, open_end;
    uint32_t count;
    StrView parts[MAX_PARTS];
} LikePattern;

/* Bytes of one UTF-8 character. */
static size_t character_bytes(unsigned char first)
{
    return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

static bool like_match(StrView text, StrView pattern, char escape)
{
    size_t t = 0, p = 0, star_p = SIZE_MAX, star_t = 0;
    while (t < text.length) {
        bool escaped = p + 1 < pattern.length && pattern.data[p] == escape;
        if (p < pattern.length && pattern.data[p] == '%' && !escaped) {
            star_p = ++p;
            star_t = t;
        } else if (p < pattern.length && pattern.data[p] == '_' && !escaped) {
            t += character_bytes((unsigned char)text.data[t]);
            t = MIN(t, text.length);
            p++;
        } else if (p < pattern.length && pattern.data[p + escaped] == text.data[t]) {
            p += 1 + escaped;
            t++;
        } else if (star_p != SIZE_MAX) {
            p = star_p;
            t = ++star_t;
        } else {
            return false;
        }
    }
    while (p < pattern.length && pattern.data[p] == '%')
        p++;
    return p == pattern.length;
}

static LikePattern *parse_pattern(Arena *arena, StrView pattern)
{
    LikePattern *out = ARENA_NEW(arena, LikePattern);
    char *literal = arena_alloc_bytes(arena, pattern.length + 1);
    size_t begin = 0, length = 0;
    out->is_simple = true;
    for (size_t i = 0; i <= pattern.length; i++) {
        bool at_end = i == pattern.length;
        char c = at_end ? '%' : pattern.data[i];
        if (c == '_' && !at_end)
            out->is_simple = false;
        if (c == '\\' && i + 1 < pattern.length) {
            literal[length++] = pattern.data[++i];
            continue;
        }
        if (c != '%') {
            literal[length++] = c;
            continue;
        }
        if (i == 0)
            out->open_start = true;
        if (!at_end && i + 1 == pattern.length)
            out->open_end = true;
        if (length > begin) {
            if (out->count == MAX_PARTS) {
                out->is_simple = false;
                return out;
            }
            out->parts[out->count++] = strview_n(literal + begin, length - begin);
        }
        begin = length;
    }
    out->open_start &= pattern.length > 0;
    return out;
}

static bool simple_match(const LikePattern *p, StrView text)
{
    if (p->count == 0)
        return p->open_start || text.length == 0;
    uint32_t first = 0;
    uint32_t last = p->count;
    if (!p->open_start) {
        if (!strview_starts_with(text, p->parts[0]))
            return false;
        text.data += p->parts[0].length;
        text.length -= p->parts[0].length;
        first = 1;
        if (first == last)
            return p->open_end || text.length == 0;
    }
    if (!p->open_end) {
        last--;
        if (!strview_ends_with(text, p->parts[last]))
            return false;
        text.length -= p->parts[last].length;
    }
    for (uint32_t i = first; i < last; i++) {
        size_t at = strview_find(text, p->parts[i]);
        if (at == SIZE_MAX)
            return false;
        text.data += at + p->parts[i].length;
        text.length -= at + p->parts[i].length;
    }
    return true;
}

static Status like_kernel(FuncContext *context, const Vector *const *arguments, uint32_t count, Rows rows, Vector *out)
{
    const LikePattern *pattern = context->binding->data;
    VectorView text = vector_view(arguments[0]);
    VectorView patterns = vector_view(arguments[1]);
    uint8_t *r = out->data;
    for (FOR_ROWS(rows, i, row)) {
        if (out->nulls != NULL && out->nulls[row] != 0)
            continue;
        StrView value = str_view(&((const Str *)text.data)[view_index(&text, row)]);
        if (pattern != NULL && pattern->is_simple) {
            r[row] = simple_match(pattern, value);
            continue;
        }
        char escape = '\\';
        if (count > 2) {
            VectorView escapes = vector_view(arguments[2]);
            StrView given = str_view(&((const Str *)escapes.data)[view_index(&escapes, row)]);
            escape = given.length > 0 ? given.data[0] : '\0';
        }
        r[row] = like_match(value, str_view(&((const Str *)patterns.data)[view_index(&patterns, row)]), escape);
    }
    return OK;
}

/* ASCII letters without their case; what is beyond ASCII stays. */
static StrView fold(FuncContext *context, StrView text)
{
    char *bytes = arena_alloc_bytes(context->arena, text.length + 1);
    for (size_t i = 0; i < text.length; i++)
        bytes[i] = text.data[i] >= 'A' && text.data[i] <= 'Z' ? (char)(text.data[i] | 0x20) : text.data[i];
    return strview_n(bytes, text.length);
}

DEFINE_ROWWISE(ilike_kernel, { RESULT(uint8_t) = like_match(fold(context, ARG_VIEW(0)), fold(context, ARG_VIEW(1)), '\\'); })

static Status bind_like(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    (void)def;
    bind_arguments(request, type_varchar(0), out);
    const Datum *pattern = request->constants == NULL ? NULL : request->constants[1];
    if (pattern != NULL && !pattern->is_null && type_is_string(request->types[1]) && request->count == 2)
        out->data = parse_pattern(request->arena, str_view(&pattern->str));
    out->result = type_of(TYPE_BOOLEAN);
    out->kernel = like_kernel;
    return OK;
}

/* ---- regular expressions ---- */

typedef struct Regex {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *limits;
    char *source; /* what code was compiled from */
    size_t source_length;
} Regex;

static Status regex_open(FuncContext *context, void **out_state)
{
    (void)context;
    Regex *regex = mem_alloc_zero(sizeof(*regex));
    regex->limits = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(regex->limits, 10000000);
    pcre2_set_depth_limit(regex->limits, 250000);
    *out_state = regex;
    return OK;
}

static void regex_close(void *state)
{
    Regex *regex = state;
    pcre2_match_data_free(regex->match);
    pcre2_code_free(regex->code);
    pcre2_match_context_free(regex->limits);
    mem_free(regex->source);
    mem_free(regex);
}

static Status regex_compile(Regex *regex, StrView pattern, Diag *diag)
{
    if (regex->code != NULL && strview_equal(strview_n(regex->source, regex->source_length), pattern))
        return OK;
    int error;
    PCRE2_SIZE offset;
    pcre2_match_data_free(regex->match);
    pcre2_code_free(regex->code);
    regex->match = NULL;
    regex->code = pcre2_compile((PCRE2_SPTR)pattern.data, pattern.length, PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_DOTALL,
                                &error, &offset, NULL);
    if (regex->code == NULL)
        return RAISE(diag, INVALID_ARGUMENT, "Invalid regex expression: %.*s", SV_ARGS(pattern));
    pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE);
    regex->match = pcre2_match_data_create_from_pattern(regex->code, NULL);
    mem_free(regex->source);
    regex->source = mem_alloc(pattern.length + 1);
    memcpy(regex->source, pattern.data, pattern.length);
    regex->source_length = pattern.length;
    return OK;
}

/* Number of groups, 0 no match, or an error. */
static Status regex_run(Regex *regex, StrView text, size_t start, Diag *diag, int *out_groups)
{
    int result = pcre2_match(regex->code, (PCRE2_SPTR)(text.data == NULL ? "" : text.data), text.length, start, 0,
                             regex->match, regex->limits);
    *out_groups = MAX(result, 0);
    if (result < PCRE2_ERROR_NOMATCH)
        return RAISE(diag, LIMIT_EXCEEDED, "regular expression \"%.*s\" takes too many steps",
                     (int)regex->source_length, regex->source);
    return OK;
}

DEFINE_ROWWISE(regexp_kernel, {
    Regex *regex = context->state;
    int groups;
    TRY(regex_compile(regex, ARG_VIEW(1), context->diag));
    TRY(regex_run(regex, ARG_VIEW(0), 0, context->diag, &groups));
    RESULT(uint8_t) = groups > 0;
})

DEFINE_ROWWISE(regexp_extract_kernel, {
    Regex *regex = context->state;
    StrView text = ARG_VIEW(0);
    int64_t index = ARG(2, int64_t);
    int groups;
    TRY(regex_compile(regex, ARG_VIEW(1), context->diag));
    TRY(regex_run(regex, text, 0, context->diag, &groups));
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(regex->match);
    bool has_group = groups > 0 && index >= 0 && index < groups && ends[2 * index] != PCRE2_UNSET;
    if (has_group)
        result_text(context, out, row, text.data + ends[2 * index], ends[2 * index + 1] - ends[2 * index]);
    else
        result_text(context, out, row, "", 0);
})

static void append_replacement(ByteBuf *out, StrView text, StrView replacement, const PCRE2_SIZE *ends, int groups)
{
    for (size_t i = 0; i < replacement.length; i++) {
        char c = replacement.data[i];
        char next = i + 1 < replacement.length ? replacement.data[i + 1] : 0;
        if (c == '\\' && next >= '0' && next <= '9') {
            int group = next - '0';
            if (group < groups && ends[2 * group] != PCRE2_UNSET)
                bytebuf_append(out, text.data + ends[2 * group], ends[2 * group + 1] - ends[2 * group]);
            i++;
        } else {
            bytebuf_append_char(out, c);
        }
    }
}

DEFINE_ROWWISE(regexp_replace_kernel, {
    Regex *regex = context->state;
    StrView text = ARG_VIEW(0);
    AUTO_BYTEBUF result = {0};
    size_t at = 0, most = MAX(text.length, (size_t)MAX_RESULT_BYTES);
    TRY(regex_compile(regex, ARG_VIEW(1), context->diag));
    while (at <= text.length && result.length <= most) {
        int groups;
        TRY(regex_run(regex, text, at, context->diag, &groups));
        if (groups == 0)
            break;
        const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(regex->match);
        bytebuf_append(&result, text.data + at, ends[0] - at);
        append_replacement(&result, text, ARG_VIEW(2), ends, groups);
        size_t next = ends[1];
        if (ends[1] == ends[0]) {
            if (next < text.length)
                bytebuf_append_char(&result, text.data[next]);
            next++;
        }
        at = next;
    }
    if (at < text.length)
        bytebuf_append(&result, text.data + at, text.length - at);
    if (result.length > most)
        RESULT_NULL();
    else
        result_text(context, out, row, result.data == NULL ? "" : result.data, result.length);
})

/* Group number index of every match. */
DEFINE_ROWWISE(regexp_extract_all_kernel, {
    Regex *regex = context->state;
    StrView text = ARG_VIEW(0);
    int64_t index = count > 2 ? ARG(2, int64_t) : 0;
    uint32_t first = out->child_rows;
    size_t at = 0;
    TRY(regex_compile(regex, ARG_VIEW(1), context->diag));
    while (at <= text.length) {
        int groups;
        TRY(regex_run(regex, text, at, context->diag, &groups));
        const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(regex->match);
        if (groups == 0 || index < 0 || index >= groups)
            break;
        Datum part = datum_str(STR_VIEW(""));
        if (ends[2 * index] != PCRE2_UNSET)
            part = datum_str(strview_n(text.data + ends[2 * index], ends[2 * index + 1] - ends[2 * index]));
        list_push(out, context->arena, &part);
        at = ends[1] == ends[0] ? ends[1] + 1 : ends[1];
    }
    list_end(out, row, first);
})

static Status bind_regex(const FuncBindRequest *request, const FuncDef *def, FuncBinding *out)
{
    Type *types = bind_argument_array(request, out);
    for (uint32_t i = 0; i < request->count; i++)
        types[i] = type_varchar(0);
    if (def->code == 1)
        types[2] = type_of(TYPE_BIGINT);
    out->result = def->code == 0 ? type_of(TYPE_BOOLEAN) : type_varchar(0);
    out->kernel = def->code == 0 ? regexp_kernel : def->code == 1 ? regexp_extract_kernel : regexp_replace_kernel;
    if (def->code == 3) {
        if (request->count > 2)
            types[2] = type_of(TYPE_BIGINT);
        out->result = type_array(request->arena, type_varchar(0));
        out->kernel = regexp_extract_all_kernel;
    }
    out->open = regex_open;
    out->close = regex_close;
    return OK;
}

#define REGEX(NAME, ARGUMENTS, CODE)                                                                  \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL | FUNC_EXPENSIVE | FUNC_CAN_RAISE, \
     .min_arguments = ARGUMENTS, .max_arguments = ARGUMENTS, .bind = bind_regex, .code = CODE, .group = "string"}
static const FuncDef defs[] = {
    {.name = "like", .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL | FUNC_EXPENSIVE, .min_arguments = 2,
     .max_arguments = 3, .bind = bind_like, .group = "string"},
    {.name = "ilike", .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL | FUNC_EXPENSIVE, .min_arguments = 2, .max_arguments = 2,
     .overloads = (const FuncOverload[]){{"SS", 'b', ilike_kernel, NULL}}, .overload_count = 1, .group = "string"},
    REGEX("regexp", 2, 0),
    REGEX("regexp_extract", 3, 1),
    REGEX("regexp_replace", 3, 2),
    {.name = "regexp_extract_all", .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL | FUNC_EXPENSIVE | FUNC_CAN_RAISE,
     .min_arguments = 2, .max_arguments = 3, .bind = bind_regex, .code = 3, .group = "string"},
};
const FuncTable func_table_like = {defs, COUNT_OF(defs)};
