#include "base/redact.h"

/* Looks at the text, not at its tokens: it also has to hide what a statement that cannot be read holds. A value is what stands
 * behind the name of a key, a closing quote and an equals sign: in quotes, or a word. */

static const StrView KEYS[] = {{"secret_key", 10}, {"access_key", 10}, {"session_token", 13}};

static size_t skip_blanks(StrView sql, size_t at)
{
    while (at < sql.length && (sql.data[at] == ' ' || sql.data[at] == '\t' || sql.data[at] == '\n' || sql.data[at] == '\r'))
        at++;
    return at;
}

static bool is_quote(char c)
{
    return c == '"' || c == '\'' || c == '`';
}

/* The value whose key ends at `at`, behind its opening quote if it has one; SIZE_MAX: it is no key. */
static size_t value_begin(StrView sql, size_t at)
{
    if (at >= sql.length || !is_quote(sql.data[at]))
        return SIZE_MAX;
    at = skip_blanks(sql, at + 1);
    if (at >= sql.length || sql.data[at] != '=')
        return SIZE_MAX;
    at = skip_blanks(sql, at + 1);
    return at >= sql.length ? SIZE_MAX : is_quote(sql.data[at]) ? at + 1 : at;
}

static bool ends_word(char c)
{
    return c == ',' || c == ')' || c == ';' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t value_end(StrView sql, size_t at)
{
    char quote = sql.data[at - 1];
    while (!is_quote(quote) && at < sql.length && !ends_word(sql.data[at]))
        at++;
    if (!is_quote(quote))
        return at;
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

void redact_append(StrView sql, const char *stars, ByteBuf *out)
{
    size_t copied = 0;
    for (size_t at = 0; at < sql.length;) {
        char c = (char)(sql.data[at] | 0x20);
        size_t value = c == 's' || c == 'a' ? find_value(sql, at) : SIZE_MAX;
        if (value == SIZE_MAX) {
            at++;
            continue;
        }
        bytebuf_append(out, sql.data + copied, value - copied);
        bytebuf_append_text(out, stars);
        copied = at = value_end(sql, value);
    }
    bytebuf_append(out, sql.data + copied, sql.length - copied);
}

static StrView redact(StrView sql, const char *stars, Arena *arena)
{
    AUTO_BYTEBUF out = {0};
    redact_append(sql, stars, &out);
    return strview_equal(sql, bytebuf_view(&out)) ? sql : strview_n(arena_strndup(arena, out.data, out.length), out.length);
}

StrView redact_keys(StrView sql, Arena *arena)
{
    return redact(sql, "***", arena);
}

StrView redact_definition(StrView sql, Arena *arena)
{
    return redact(sql, REDACTED_DEFINITION, arena);
}
