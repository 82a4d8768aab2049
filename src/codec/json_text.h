#pragma once
/* Walking JSON text without building a tree: spans of values, members, elements, simple paths.
 *
 * All functions check bounds and syntax and nest at most JSON_MAX_DEPTH; nothing is written to the
 * text. A span of a value has no blanks around it. */

#include "base/bytes.h"

enum { JSON_MAX_DEPTH = 128, JSON_PATH_MAX_STEPS = 16 };

typedef enum JsonTextKind {
    JSON_TEXT_INVALID,
    JSON_TEXT_NULL,
    JSON_TEXT_BOOLEAN,
    JSON_TEXT_NUMBER,
    JSON_TEXT_STRING,
    JSON_TEXT_OBJECT,
    JSON_TEXT_ARRAY,
} JsonTextKind;

typedef struct JsonPathStep {
    StrView key;   /* data NULL: an element */
    uint32_t index;
} JsonPathStep;

typedef struct JsonPath {
    JsonPathStep steps[JSON_PATH_MAX_STEPS];
    uint32_t count;
} JsonPath;

size_t json_skip_blanks(StrView text, size_t at);
/* Skips the value at `at` (blanks before it too) and returns its span. */
JsonTextKind json_value(StrView text, size_t *in_out_at, StrView *out_span);
JsonTextKind json_kind(StrView span);
/* Iterates an object's span: *in_out_at begins at 0. Key without its quotes, still escaped. */
bool json_next_member(StrView object, size_t *in_out_at, StrView *out_key, StrView *out_value);
bool json_next_element(StrView array, size_t *in_out_at, StrView *out_value);
/* The characters between the quotes, unescaped; the result is never longer. False: bad escape. */
bool json_unescape(StrView escaped, ByteBuf *out);
/* "$.a.b[0]"; names point into text. False: not of that form. */
bool json_path_parse(StrView text, JsonPath *out_path);
/* The value at the path, or JSON_TEXT_INVALID when there is none. */
JsonTextKind json_path_find(StrView value, const JsonPath *path, StrView *out_span);
/* The text as a JSON string with quotes. */
void json_quote(StrView text, ByteBuf *out);
