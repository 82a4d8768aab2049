#include "connector/file_glob.h"

/* Braces are expanded before anything is looked for; the match of a name goes back to the last star only, so that it takes
 * at most length times length steps. */

typedef struct Expansion {
    Arena *arena;
    PathList *out;
    Diag *diag;
} Expansion;

/* Where the brace that opens at `open` closes; SIZE_MAX: nowhere. */
static size_t closing_brace(StrView text, size_t open)
{
    uint32_t depth = 0;
    for (size_t i = open; i < text.length; i++) {
        depth += text.data[i] == '{';
        if (text.data[i] == '}' && --depth == 0)
            return i;
    }
    return SIZE_MAX;
}

/* The end of the alternative that begins at `from`: a comma outside of inner braces, or end. */
static size_t alternative_end(StrView text, size_t from, size_t end)
{
    uint32_t depth = 0;
    for (size_t i = from; i < end; i++) {
        depth += text.data[i] == '{';
        depth -= text.data[i] == '}' && depth > 0;
        if (text.data[i] == ',' && depth == 0)
            return i;
    }
    return end;
}

static Status expand_one(const Expansion *to, StrView text)
{
    size_t open = strview_find(text, STR_VIEW("{"));
    size_t close = open == SIZE_MAX ? SIZE_MAX : closing_brace(text, open);
    if (to->out->count >= MOST_PATH_PATTERNS)
        return RAISE(to->diag, LIMIT_EXCEEDED, "the path of FILES() stands for more than %d paths", (int)MOST_PATH_PATTERNS);
    if (close == SIZE_MAX) {
        ARRAY_PUSH(to->arena, to->out, text);
        return OK;
    }
    for (size_t from = open + 1; from <= close;) {
        size_t end = alternative_end(text, from, close);
        const char *whole = arena_printf(to->arena, "%.*s%.*s%.*s", (int)open, text.data, (int)(end - from), text.data + from,
                                         (int)(text.length - close - 1), text.data + close + 1);
        TRY(expand_one(to, strview(whole)));
        from = end + 1;
    }
    return OK;
}

Status path_patterns_expand(StrView text, Arena *arena, PathList *out, Diag *diag)
{
    Expansion to = {arena, out, diag};
    for (size_t from = 0; from <= text.length;) {
        size_t end = alternative_end(text, from, text.length);
        StrView one = strview_trim(strview_n(text.data + from, end - from));
        if (one.length > 0)
            TRY(expand_one(&to, one));
        from = end + 1;
    }
    return OK;
}

bool path_has_wildcard(StrView text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '*' || text.data[i] == '?' || text.data[i] == '[')
            return true;
    }
    return false;
}

/* [abc], [a-z], [^a] or [!a] at pattern.data[at]; *out_next behind it. One that does not close is a plain bracket. */
static bool class_matches(StrView pattern, size_t at, char c, size_t *out_next)
{
    size_t i = at + 1;
    bool is_negated = i < pattern.length && (pattern.data[i] == '^' || pattern.data[i] == '!'), found = false;
    size_t first = i += is_negated;
    for (; i < pattern.length && (pattern.data[i] != ']' || i == first); i++) {
        if (i + 2 < pattern.length && pattern.data[i + 1] == '-' && pattern.data[i + 2] != ']') {
            found |= (unsigned char)c >= (unsigned char)pattern.data[i] && (unsigned char)c <= (unsigned char)pattern.data[i + 2];
            i += 2;
        } else {
            found |= c == pattern.data[i];
        }
    }
    if (i >= pattern.length) {
        *out_next = at + 1;
        return c == '[';
    }
    *out_next = i + 1;
    return found != is_negated;
}

static bool char_matches(StrView pattern, size_t at, char c, size_t *out_next)
{
    if (pattern.data[at] == '[')
        return class_matches(pattern, at, c, out_next);
    *out_next = at + 1;
    return pattern.data[at] == '?' || pattern.data[at] == c;
}

bool path_name_matches(StrView name, StrView pattern)
{
    size_t n = 0, p = 0, back_n = 0, back_p = SIZE_MAX, next;
    if (name.length > 0 && name.data[0] == '.' && (pattern.length == 0 || pattern.data[0] != '.'))
        return false;
    while (n < name.length) {
        if (p < pattern.length && pattern.data[p] == '*') {
            back_p = ++p;
            back_n = n;
        } else if (p < pattern.length && char_matches(pattern, p, name.data[n], &next)) {
            p = next;
            n++;
        } else if (back_p != SIZE_MAX) {
            p = back_p;
            n = ++back_n;
        } else {
            return false;
        }
    }
    while (p < pattern.length && pattern.data[p] == '*')
        p++;
    return p == pattern.length;
}

bool path_next_name(StrView *path, StrView *out_name)
{
    if (path->length == 0)
        return false;
    size_t slash = strview_find(*path, STR_VIEW("/"));
    size_t length = slash == SIZE_MAX ? path->length : slash;
    *out_name = strview_n(path->data, length);
    *path = strview_n(path->data + length + (slash != SIZE_MAX), path->length - length - (slash != SIZE_MAX));
    return true;
}

bool path_matches(StrView path, StrView pattern)
{
    StrView name, wanted;
    for (;;) {
        bool has_name = path_next_name(&path, &name), has_pattern = path_next_name(&pattern, &wanted);
        if (has_name != has_pattern)
            return false;
        if (!has_name)
            return true;
        if (!path_name_matches(name, wanted))
            return false;
    }
}

StrView path_plain_prefix(StrView pattern)
{
    size_t end = 0;
    for (size_t i = 0; i < pattern.length; i++) {
        if (path_has_wildcard(strview_n(pattern.data + i, 1)))
            break;
        end = pattern.data[i] == '/' ? i + 1 : end;
    }
    return strview_n(pattern.data, end);
}
