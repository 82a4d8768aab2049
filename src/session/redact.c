#include "session/redact.h"

/* Looks at the text, not at its tokens: it also has to hide what a statement that cannot be read holds. A value is what stands in
 * quotes behind the name of a key, a closing quote and an equals sign. */

static const StrView KEYS[] = {{"secret_key", 10}, {"access_key", 10}, {"session_token", 13}};

static size_t skip_blanks(StrView sql, size_t at)
{
    while (at < sql.length && (sql.data[at] == ' ' || sql.data[at] == '\t' || sql.data[at] == '\n' || sql.data[at] == '\r'))
        at++;
    return at;
}

/* Behind the opening quote of the value whose key ends at `at`; SIZE_MAX: it is no key. */
static size_t value_begin(StrView sql, size_t at)
{
    if (at >= sql.length || (sql.data[at] != '"' && sql.data[at] != '\''))
        return SIZE_MAX;
    at = skip_blanks(sql, at + 1);
    if (at >= sql.length || sql.data[at] != '=')
        return SIZE_MAX;
    at = skip_blanks(sql, at + 1);
    return at < sql.length && (sql.data[at] == '"' || sql.data[at] == '\'') ? at + 1 : SIZE_MAX;
}

static size_t value_end(StrView sql, size_t at)
{
    char quote = sql.data[at - 1];
    while (at < sql.length && sql.data[at] != quote)
        at += sql.data[at] == '\\' ? 2 : 1;
    return MIN(at, sql.length);
}

static size_t find_value(StrView sql, size_t at)
{
    for (size_t k = 0; k < COUNT_OF(KEYS); k++) {
        if (strview_starts_with_ci(strview_n(sql.data + at, sql.length - at), KEYS[k]))
            return value_begin(sql, at + KEYS[k].length);
    }
    return SIZE_MAX;
}

StrView redact_keys(StrView sql, Arena *arena)
{
    AUTO_BYTEBUF out = {0};
    size_t copied = 0;
    for (size_t at = 0; at < sql.length;) {
        char c = (char)(sql.data[at] | 0x20);
        size_t value = c == 's' || c == 'a' ? find_value(sql, at) : SIZE_MAX;
        if (value == SIZE_MAX) {
            at++;
            continue;
        }
        bytebuf_append(&out, sql.data + copied, value - copied);
        bytebuf_append_text(&out, "***");
        copied = at = value_end(sql, value);
    }
    if (copied == 0)
        return sql;
    bytebuf_append(&out, sql.data + copied, sql.length - copied);
    return strview_n(arena_strndup(arena, out.data, out.length), out.length);
}
