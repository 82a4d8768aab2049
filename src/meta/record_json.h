#pragma once
/* Members of the JSON objects that catalog records are by convention (records.h). What is not there, or of another kind, reads as
 * the empty text and as 0: an older version may have written the record. Texts are copied into the arena. */

#include <jansson.h>

#include "base/arena.h"
#include "base/bytes.h"

static inline StrView record_text_of(const json_t *value, Arena *arena)
{
    size_t length = json_string_length(value);
    return json_is_string(value) ? strview_n(arena_strndup(arena, json_string_value(value), length), length) : STR_VIEW("");
}

static inline StrView record_text(const json_t *object, const char *key, Arena *arena)
{
    return record_text_of(json_object_get(object, key), arena);
}

/* A member for a text; empty where it is not UTF-8. */
static inline json_t *record_text_json(StrView text)
{
    json_t *value = json_stringn(text.data == NULL ? "" : text.data, text.length);
    return value == NULL ? json_string("") : value;
}

static inline int record_append(const char *data, size_t length, void *buffer)
{
    bytebuf_append(buffer, data, length);
    return 0;
}

/* Appends the value's text, and takes over the value. */
static inline void record_print(json_t *value, ByteBuf *out)
{
    CHECK(json_dump_callback(value, record_append, out, JSON_COMPACT) == 0);
    json_decref(value);
}

static inline int64_t record_number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}
