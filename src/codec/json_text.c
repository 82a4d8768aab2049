#include "codec/json_text.h"

/* A recursive descent over spans. Depth is bounded by JSON_MAX_DEPTH, time by the length. */

size_t json_skip_blanks(StrView text, size_t at)
{
    while (at < text.length && (text.data[at] == ' ' || (text.data[at] >= '\t' && text.data[at] <= '\r')))
        at++;
    return at;
}

/* at: behind the opening quote; returns the position of the closing one or SIZE_MAX. */
static size_t string_end(StrView text, size_t at)
{
    for (; at < text.length; at++) {
        if (text.data[at] == '"')
            return at;
        if (text.data[at] == '\\')
            at++;
    }
    return SIZE_MAX;
}

static bool is_number_byte(char c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

static bool skip_digits(StrView text, size_t *at)
{
    size_t first = *at;
    while (*at < text.length && text.data[*at] >= '0' && text.data[*at] <= '9')
        (*at)++;
    return *at > first;
}

static bool is_number(StrView t)
{
    size_t at = t.length > 0 && t.data[0] == '-';
    size_t first = at;
    if (!skip_digits(t, &at) || (t.data[first] == '0' && at > first + 1))
        return false;
    if (at < t.length && t.data[at] == '.') {
        at++;
        if (!skip_digits(t, &at))
            return false;
    }
    if (at < t.length && (t.data[at] | 0x20) == 'e') {
        at++;
        at += at < t.length && (t.data[at] == '-' || t.data[at] == '+');
        if (!skip_digits(t, &at))
            return false;
    }
    return at == t.length;
}

static JsonTextKind skip_scalar(StrView text, size_t *at)
{
    static const struct {
        StrView word;
        JsonTextKind kind;
    } words[] = {{{"null", 4}, JSON_TEXT_NULL}, {{"true", 4}, JSON_TEXT_BOOLEAN}, {{"false", 5}, JSON_TEXT_BOOLEAN}};
    StrView rest = {text.data + *at, text.length - *at};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (strview_starts_with(rest, words[i].word)) {
            *at += words[i].word.length;
            return words[i].kind;
        }
    }
    size_t end = 0;
    while (end < rest.length && is_number_byte(rest.data[end]))
        end++;
    *at += end;
    return is_number((StrView){rest.data, end}) ? JSON_TEXT_NUMBER : JSON_TEXT_INVALID;
}

static bool skip_value(StrView text, size_t *at, int depth);

static bool skip_key(StrView text, size_t *at)
{
    *at = json_skip_blanks(text, *at);
    if (*at >= text.length || text.data[*at] != '"')
        return false;
    size_t end = string_end(text, *at + 1);
    if (end == SIZE_MAX)
        return false;
    *at = json_skip_blanks(text, end + 1);
    if (*at >= text.length || text.data[*at] != ':')
        return false;
    (*at)++;
    return true;
}

static bool skip_container(StrView text, size_t *at, int depth)
{
    char close = text.data[*at] == '{' ? '}' : ']';
    *at = json_skip_blanks(text, *at + 1);
    if (*at < text.length && text.data[*at] == close) {
        (*at)++;
        return true;
    }
    for (;;) {
        if ((close == '}' && !skip_key(text, at)) || !skip_value(text, at, depth + 1))
            return false;
        *at = json_skip_blanks(text, *at);
        if (*at >= text.length)
            return false;
        char c = text.data[(*at)++];
        if (c == close)
            return true;
        if (c != ',')
            return false;
    }
}

static bool skip_value(StrView text, size_t *at, int depth)
{
    *at = json_skip_blanks(text, *at);
    if (*at >= text.length || depth > JSON_MAX_DEPTH)
        return false;
    char c = text.data[*at];
    if (c == '{' || c == '[')
        return skip_container(text, at, depth);
    if (c == '"') {
        size_t end = string_end(text, *at + 1);
        if (end == SIZE_MAX)
            return false;
        *at = end + 1;
        return true;
    }
    return skip_scalar(text, at) != JSON_TEXT_INVALID;
}

JsonTextKind json_kind(StrView span)
{
    if (span.length == 0)
        return JSON_TEXT_INVALID;
    switch (span.data[0]) {
    case '{':
        return JSON_TEXT_OBJECT;
    case '[':
        return JSON_TEXT_ARRAY;
    case '"':
        return JSON_TEXT_STRING;
    case 'n':
        return JSON_TEXT_NULL;
    case 't':
    case 'f':
        return JSON_TEXT_BOOLEAN;
    default:
        return JSON_TEXT_NUMBER;
    }
}

JsonTextKind json_value(StrView text, size_t *in_out_at, StrView *out_span)
{
    size_t start = json_skip_blanks(text, *in_out_at);
    size_t at = start;
    if (!skip_value(text, &at, 0))
        return JSON_TEXT_INVALID;
    *out_span = (StrView){text.data + start, at - start};
    *in_out_at = at;
    return json_kind(*out_span);
}

/* Behind the bracket or comma that comes before the next item; false at the closing bracket. */
static bool next_item(StrView text, size_t *at)
{
    *at = *at == 0 ? 1 : json_skip_blanks(text, *at);
    if (*at > 1 && *at < text.length && text.data[*at] == ',')
        (*at)++;
    *at = json_skip_blanks(text, *at);
    return *at < text.length && text.data[*at] != '}' && text.data[*at] != ']';
}

bool json_next_member(StrView object, size_t *in_out_at, StrView *out_key, StrView *out_value)
{
    if (!next_item(object, in_out_at))
        return false;
    size_t key = *in_out_at + 1;
    if (!skip_key(object, in_out_at))
        return false;
    size_t end = string_end(object, key);
    *out_key = (StrView){object.data + key, end - key};
    return json_value(object, in_out_at, out_value) != JSON_TEXT_INVALID;
}

bool json_next_element(StrView array, size_t *in_out_at, StrView *out_value)
{
    return next_item(array, in_out_at) && json_value(array, in_out_at, out_value) != JSON_TEXT_INVALID;
}

static bool hex4(StrView text, size_t at, uint32_t *out)
{
    *out = 0;
    if (text.length < 4 || at > text.length - 4)
        return false;
    for (size_t i = at; i < at + 4; i++) {
        char c = text.data[i];
        char low = (char)(c | 0x20);
        if (c >= '0' && c <= '9')
            *out = *out * 16 + (uint32_t)(c - '0');
        else if (low >= 'a' && low <= 'f')
            *out = *out * 16 + (uint32_t)(low - 'a' + 10);
        else
            return false;
    }
    return true;
}

static void put_utf8(uint32_t code, ByteBuf *out)
{
    if (code < 0x80) {
        bytebuf_append_char(out, (char)code);
    } else if (code < 0x800) {
        bytebuf_append_char(out, (char)(0xC0 | (code >> 6)));
        bytebuf_append_char(out, (char)(0x80 | (code & 63)));
    } else if (code < 0x10000) {
        bytebuf_append_char(out, (char)(0xE0 | (code >> 12)));
        bytebuf_append_char(out, (char)(0x80 | ((code >> 6) & 63)));
        bytebuf_append_char(out, (char)(0x80 | (code & 63)));
    } else {
        bytebuf_append_char(out, (char)(0xF0 | (code >> 18)));
        bytebuf_append_char(out, (char)(0x80 | ((code >> 12) & 63)));
        bytebuf_append_char(out, (char)(0x80 | ((code >> 6) & 63)));
        bytebuf_append_char(out, (char)(0x80 | (code & 63)));
    }
}

/* at: behind "\u". A surrogate pair becomes one character; a lone half becomes U+FFFD. */
static bool unescape_unicode(StrView text, size_t *at, ByteBuf *out)
{
    uint32_t code, low;
    if (!hex4(text, *at, &code))
        return false;
    *at += 4;
    if (code >= 0xD800 && code < 0xDC00 && *at + 6 <= text.length && text.data[*at] == '\\' &&
        text.data[*at + 1] == 'u' && hex4(text, *at + 2, &low) && low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        *at += 6;
    } else if (code >= 0xD800 && code < 0xE000) {
        code = 0xFFFD;
    }
    put_utf8(code, out);
    return true;
}

bool json_unescape(StrView escaped, ByteBuf *out)
{
    static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    for (size_t at = 0; at < escaped.length;) {
        const char *slash = memchr(escaped.data + at, '\\', escaped.length - at);
        size_t end = slash == NULL ? escaped.length : (size_t)(slash - escaped.data);
        bytebuf_append(out, escaped.data + at, end - at);
        if (slash == NULL)
            return true;
        if (end + 1 >= escaped.length)
            return false;
        char c = escaped.data[end + 1];
        at = end + 2;
        if (c == 'u') {
            if (!unescape_unicode(escaped, &at, out))
                return false;
            continue;
        }
        const char *name = memchr(names, c, sizeof(names) - 1);
        if (name == NULL)
            return false;
        bytebuf_append_char(out, bytes[name - names]);
    }
    return true;
}

static bool parse_index(StrView text, size_t *at, uint32_t *out)
{
    size_t first = *at;
    *out = 0;
    while (*at < text.length && text.data[*at] >= '0' && text.data[*at] <= '9' && *at - first < 9)
        *out = *out * 10 + (uint32_t)(text.data[(*at)++] - '0');
    if (*at == first || *at >= text.length || text.data[*at] != ']')
        return false;
    (*at)++;
    return true;
}

static bool parse_key(StrView text, size_t *at, StrView *out)
{
    if (*at < text.length && text.data[*at] == '"') {
        size_t end = string_end(text, *at + 1);
        if (end == SIZE_MAX)
            return false;
        *out = (StrView){text.data + *at + 1, end - *at - 1};
        *at = end + 1;
        return true;
    }
    size_t first = *at;
    while (*at < text.length && text.data[*at] != '.' && text.data[*at] != '[')
        (*at)++;
    *out = (StrView){text.data + first, *at - first};
    return *at > first;
}

bool json_path_parse(StrView text, JsonPath *out_path)
{
    *out_path = (JsonPath){.count = 0};
    text = strview_trim(text);
    size_t at = text.length > 0 && text.data[0] == '$';
    if (at == 0 && text.length > 0) { /* "a.b" without the root */
        JsonPathStep *step = &out_path->steps[out_path->count++];
        if (!parse_key(text, &at, &step->key))
            return false;
    }
    while (at < text.length) {
        if (out_path->count == JSON_PATH_MAX_STEPS)
            return false;
        JsonPathStep *step = &out_path->steps[out_path->count++];
        *step = (JsonPathStep){0};
        char c = text.data[at++];
        bool ok = c == '.' ? parse_key(text, &at, &step->key) : c == '[' && parse_index(text, &at, &step->index);
        if (!ok)
            return false;
    }
    return true;
}

static bool find_step(StrView value, const JsonPathStep *step, StrView *out)
{
    JsonTextKind kind = json_kind(value);
    size_t at = 0;
    StrView key;
    if (step->key.data != NULL) {
        while (kind == JSON_TEXT_OBJECT && json_next_member(value, &at, &key, out)) {
            if (strview_equal(key, step->key))
                return true;
        }
        return false;
    }
    for (uint32_t i = 0; kind == JSON_TEXT_ARRAY && json_next_element(value, &at, out); i++) {
        if (i == step->index)
            return true;
    }
    return false;
}

JsonTextKind json_path_find(StrView value, const JsonPath *path, StrView *out_span)
{
    for (uint32_t i = 0; i < path->count; i++) {
        StrView next;
        if (!find_step(value, &path->steps[i], &next))
            return JSON_TEXT_INVALID;
        value = next;
    }
    *out_span = value;
    return json_kind(value);
}

static void quote_byte(unsigned char c, ByteBuf *out)
{
    static const char bytes[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    const char *found = memchr(bytes, c, sizeof(bytes) - 1);
    if (found != NULL)
        bytebuf_printf(out, "\\%c", names[found - bytes]);
    else
        bytebuf_printf(out, "\\u%04X", c);
}

void json_quote(StrView text, ByteBuf *out)
{
    bytebuf_append_char(out, '"');
    size_t start = 0;
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (LIKELY(c >= 0x20 && c != '"' && c != '\\'))
            continue;
        bytebuf_append(out, text.data + start, i - start);
        quote_byte(c, out);
        start = i + 1;
    }
    bytebuf_append(out, text.data + start, text.length - start);
    bytebuf_append_char(out, '"');
}
