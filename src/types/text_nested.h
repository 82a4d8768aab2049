#pragma once
/* JSON text as a value of an ARRAY, MAP or STRUCT. */

#include "types/datum.h"

/* Everything of the value is made in arena. False: the text is no such value. */
bool nested_from_json(Type type, StrView text, Arena *arena, Datum *out);
