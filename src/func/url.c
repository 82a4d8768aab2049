#include "func/families.h"

/* URL functions: percent encoding, parts of a URL, parameters of its query. */

#include <ctype.h>

#include "func/shape.h"

DEFINE_ROWWISE(encode_kernel, {
    static const char digits[] = "0123456789ABCDEF";
    StrView text = ARG_VIEW(0);
    AUTO_BYTEBUF result = {0};
    for (size_t b = 0; b < text.length; b++) {
        unsigned char c = (unsigned char)text.data[b];
        if (c < 0x80 && (isalnum(c) || c == '-' || c == '_' || c == '.' || c == '~')) {
            bytebuf_append_char(&result, (char)c);
            continue;
        }
        char escape[3] = {'%', digits[c >> 4], digits[c & 15]};
        bytebuf_append(&result, escape, 3);
    }
    result_text(context, out, row, result.data == NULL ? "" : result.data, result.length);
})

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char low = (char)(c | 0x20);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* False: an escape is cut short or has no digits. */
static bool decode(StrView text, ByteBuf *out)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] != '%') {
            bytebuf_append_char(out, text.data[i] == '+' ? ' ' : text.data[i]);
            continue;
        }
        int high = i + 2 < text.length ? hex_value(text.data[i + 1]) : -1;
        int low = i + 2 < text.length ? hex_value(text.data[i + 2]) : -1;
        if (high < 0 || low < 0)
            return false;
        bytebuf_append_char(out, (char)(high * 16 + low));
        i += 2;
    }
    return true;
}
DEFINE_ROWWISE(decode_kernel, {
    AUTO_BYTEBUF result = {0};
    if (decode(ARG_VIEW(0), &result))
        result_text(context, out, row, result.data == NULL ? "" : result.data, result.length);
    else
        RESULT_NULL();
})

typedef struct Url {
    StrView protocol, authority, userinfo, host, port, path, query, ref, file;
    bool has_query, has_ref, has_protocol, has_userinfo, has_port;
} Url;

static StrView take_until(StrView *rest, const char *stops)
{
    size_t end = 0;
    while (end < rest->length && strchr(stops, rest->data[end]) == NULL)
        end++;
    StrView part = strview_n(rest->data, end);
    *rest = strview_n(rest->data + end, rest->length - end);
    return part;
}

static Url url_parse(StrView text)
{
    Url url = {0};
    StrView rest = strview_trim(text);
    size_t mark = strview_find(rest, STR_VIEW("://"));
    if (mark != SIZE_MAX) {
        url.has_protocol = true;
        url.protocol = strview_n(rest.data, mark);
        rest = strview_n(rest.data + mark + 3, rest.length - mark - 3);
        url.authority = take_until(&rest, "/?#");
    }
    url.host = url.authority;
    const char *at = url.host.length == 0 ? NULL : memchr(url.host.data, '@', url.host.length);
    if (at != NULL) {
        url.has_userinfo = true;
        url.userinfo = strview_n(url.host.data, (size_t)(at - url.host.data));
        url.host = strview_n(at + 1, url.host.length - url.userinfo.length - 1);
    }
    const char *colon = url.host.length == 0 ? NULL : memchr(url.host.data, ':', url.host.length);
    if (colon != NULL) {
        url.has_port = true;
        url.port = strview_n(colon + 1, url.host.length - (size_t)(colon - url.host.data) - 1);
        url.host.length = (size_t)(colon - url.host.data);
    }
    StrView file = rest;
    url.path = take_until(&rest, "?#");
    if (rest.length > 0 && rest.data[0] == '?') {
        url.has_query = true;
        rest = strview_n(rest.data + 1, rest.length - 1);
        url.query = take_until(&rest, "#");
    }
    url.file = strview_n(file.data, file.length - rest.length);
    if (rest.length > 0) {
        url.has_ref = true;
        url.ref = strview_n(rest.data + 1, rest.length - 1);
    }
    return url;
}

DEFINE_ROWWISE(host_kernel, {
    Url url = url_parse(ARG_VIEW(0));
    if (url.host.length == 0)
        RESULT_NULL();
    else
        RESULT(Str) = str_make(url.host.data, url.host.length);
})

static bool find_parameter(StrView query, StrView name, StrView *out)
{
    for (bool more = true; more;) {
        StrView pair = take_until(&query, "&");
        more = query.length > 0;
        if (more)
            query = strview_n(query.data + 1, query.length - 1);
        size_t equals = strview_find(pair, STR_VIEW("="));
        StrView key = strview_n(pair.data, equals == SIZE_MAX ? pair.length : equals);
        if (key.length == 0 || !strview_equal(key, name))
            continue;
        *out = equals == SIZE_MAX ? STR_VIEW("") : strview_n(pair.data + equals + 1, pair.length - equals - 1);
        return true;
    }
    return false;
}
DEFINE_ROWWISE(parameter_kernel, {
    StrView text = ARG_VIEW(0);
    AUTO_BYTEBUF value = {0};
    StrView found;
    Url url = url_parse(text);
    bool is_valid = text.length > 0 && memchr(text.data, ' ', text.length) == NULL;
    if (is_valid && find_parameter(url.query, ARG_VIEW(1), &found) && decode(found, &value))
        result_text(context, out, row, value.data == NULL ? "" : value.data, value.length);
    else
        RESULT_NULL();
})

static bool url_part(const Url *url, StrView name, StrView *out)
{
    const struct {
        const char *name;
        StrView part;
        bool is_there;
    } parts[] = {{"PROTOCOL", url->protocol, url->has_protocol}, {"AUTHORITY", url->authority, url->has_protocol},
                 {"HOST", url->host, url->has_protocol},         {"PATH", url->path, true},
                 {"FILE", url->file, true},                      {"QUERY", url->query, url->has_query},
                 {"REF", url->ref, url->has_ref},                {"USERINFO", url->userinfo, url->has_userinfo},
                 {"PORT", url->port, url->has_port}};
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (!strview_equal_ci(name, strview(parts[i].name)))
            continue;
        *out = parts[i].part;
        return parts[i].is_there;
    }
    return false;
}
DEFINE_ROWWISE(parse_url_kernel, {
    Url url = url_parse(ARG_VIEW(0));
    StrView part;
    if (url_part(&url, ARG_VIEW(1), &part))
        RESULT(Str) = str_make(part.data == NULL ? "" : part.data, part.length);
    else
        RESULT_NULL();
})

#define URLF(NAME, SIGNATURE, COUNT, KERNEL)                                                         \
    {.name = NAME, .kind = FUNC_SCALAR, .flags = FUNC_NULL_IF_ANY_NULL, .min_arguments = COUNT, .max_arguments = COUNT, \
     .overloads = (const FuncOverload[]){{SIGNATURE, 'S', KERNEL, NULL}}, .overload_count = 1, .group = "string"}
static const FuncDef defs[] = {
    URLF("url_encode", "S", 1, encode_kernel),
    URLF("url_decode", "S", 1, decode_kernel),
    URLF("url_extract_host", "S", 1, host_kernel),
    URLF("url_extract_parameter", "SS", 2, parameter_kernel),
    URLF("parse_url", "SS", 2, parse_url_kernel),
};
const FuncTable func_table_url = {defs, COUNT_OF(defs)};
