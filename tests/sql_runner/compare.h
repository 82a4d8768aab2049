#pragma once
/* Whether an answer is the expected one. */

#include "sql_runner/client.h"

/* Lines are rows of cells divided by tabs (or, in a line without any, by
 * blanks), or hold one value each. types has a letter a column: R allows a
 * difference in the last digits of long numbers. */
bool cells_match(const Cells *cells, const Lines *expected, const char *types, SortMode sort, Arena *arena);
/* Whether the regular expression occurs in the text; a bad one never does. */
bool pattern_matches(const char *pattern, StrView text);
