/* Any bytes as JSON text: the canonical form is its own canonical form, what quoting makes is read back the
 * same, paths and nested values end without reading outside. */

#include <stdint.h>
#include <stdlib.h>

#include "codec/json_text.h"
#include "types/json.h"
#include "types/text_nested.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_canonical(StrView text)
{
    AUTO_BYTEBUF once = {0};
    AUTO_BYTEBUF twice = {0};
    if (!json_canonical(text, &once))
        return;
    if (!json_canonical(bytebuf_view(&once), &twice) || !strview_equal(bytebuf_view(&once), bytebuf_view(&twice)))
        abort();
}

static void check_quoted(StrView text)
{
    AUTO_BYTEBUF quoted = {0};
    AUTO_BYTEBUF plain = {0};
    json_quote(text, &quoted);
    if (quoted.length < 2 || !json_unescape(strview_n(quoted.data + 1, quoted.length - 2), &plain))
        abort();
}

static void walk(StrView value, int depth)
{
    size_t at = 0;
    StrView key, inner;
    JsonTextKind kind = json_kind(value);
    for (int i = 0; i < 50 && kind == JSON_TEXT_OBJECT && json_next_member(value, &at, &key, &inner); i++) {
        AUTO_BYTEBUF plain = {0};
        (void)json_unescape(key, &plain);
        if (depth < 4)
            walk(inner, depth + 1);
    }
    for (int i = 0; i < 50 && kind == JSON_TEXT_ARRAY && json_next_element(value, &at, &inner); i++) {
        if (depth < 4)
            walk(inner, depth + 1);
    }
}

static void make_nested(StrView text)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    static const StrView fields[] = {STR_VIEW("a"), STR_VIEW("b")};
    Type types[] = {type_of(TYPE_INT), type_array(&arena, type_varchar(5))};
    Type wanted[] = {type_array(&arena, type_of(TYPE_DATE)), type_map(&arena, type_varchar(0), type_of(TYPE_DOUBLE)),
                     type_struct(&arena, types, fields, 2), type_array(&arena, type_array(&arena, type_decimal(10, 2)))};
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        Datum value;
        AUTO_BYTEBUF printed = {0};
        if (nested_from_json(wanted[i], text, &arena, &value))
            datum_print(wanted[i], &value, &printed);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    StrView text = strview_n((const char *)data, size);
    const char *newline = size == 0 ? NULL : memchr(text.data, '\n', text.length);
    StrView span;
    size_t at = 0;
    check_canonical(text);
    check_quoted(text);
    make_nested(text);
    while (at < text.length && json_value(text, &at, &span) != JSON_TEXT_INVALID)
        walk(span, 0);
    if (newline != NULL) { /* a path on the first line */
        JsonPath path;
        StrView rest = strview_n(newline + 1, text.length - (size_t)(newline + 1 - text.data));
        if (json_path_parse(strview_n(text.data, (size_t)(newline - text.data)), &path))
            (void)json_path_find(rest, &path, &span);
    }
    return 0;
}
