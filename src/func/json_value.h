#pragma once
/* JSON text to SQL values and back. Only for src/func. */

#include "func/function.h"
#include "codec/json_text.h"

typedef enum PathStepKind { PATH_KEY, PATH_INDEX, PATH_ALL } PathStepKind;
typedef struct PathStep {
    PathStepKind kind;
    StrView key; /* without quotes, unescaped */
    uint32_t index;
} PathStep;
enum { PATH_MAX_STEPS = 32 };
typedef struct ValuePath {
    PathStep steps[PATH_MAX_STEPS];
    uint32_t count;
    bool has_all; /* [*] somewhere */
} ValuePath;

/* $.a.b[0][*]."x.y", with or without the leading $. */
bool value_path_parse(StrView text, ValuePath *out);
/* The value at the path (of a canonical text); several under [*] are put into collected as an array. */
JsonTextKind value_path_find(StrView json, const ValuePath *path, ByteBuf *collected, StrView *out_span);

bool json_key_equal(StrView escaped, StrView plain);
/* Appends a value of that type as JSON (not yet canonical: keys in their order). */
void json_put_datum(Type type, const Datum *value, ByteBuf *out);
/* The JSON that parse_json() and casts make of a text: parsed when it looks like an object, array or
 * string, else a JSON string of the text. False: looks like JSON but is not. */
bool json_from_text(StrView text, ByteBuf *out);
/* A JSON text as a value of target; false: does not fit (the caller makes it NULL). JSON null is NULL. */
bool json_to_datum(StrView json, Type target, Arena *arena, Datum *out);
/* cast.c */
bool cast_datum(Type source, Type target, const Datum *in, Arena *arena, Datum *out);
