#pragma once
/* The stored form of JSON values: one text for equal values, as StarRocks prints it. */

#include "base/bytes.h"

/* Appends `{"a": 1, "b": [1, 2]}`: keys sorted and unique (the first wins), one blank behind colons
 * and commas, numbers in their shortest form, strings with the fewest escapes. False: not JSON; out is
 * as before. */
bool json_canonical(StrView text, ByteBuf *out);
