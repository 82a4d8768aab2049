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

static inline int64_t record_number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}
