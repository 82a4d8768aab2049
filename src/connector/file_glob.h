#pragma once
/* Patterns of paths: * and ? within a name, [a-z] and [^a-z], {a,b} and lists with commas. A name that begins with a dot is matched
 * only by a pattern that begins with one, as in a shell. */

#include "base/arena.h"
#include "base/bytes.h"
#include "base/status.h"

typedef struct PathList {
    StrView *items;
    uint32_t count, capacity;
} PathList;

enum { MOST_PATH_PATTERNS = 1000 };

/* "a,b{c,d}": a, bc, bd. */
Status path_patterns_expand(StrView text, Arena *arena, PathList *out, Diag *diag);
bool path_has_wildcard(StrView text);
/* One name, without slashes in it. */
bool path_name_matches(StrView name, StrView pattern);
/* Whole paths, name by name: a wildcard never crosses a slash. */
bool path_matches(StrView path, StrView pattern);
/* The longest prefix that ends behind a slash, or is empty, and has no wildcard in it. */
StrView path_plain_prefix(StrView pattern);
/* The next name of a path, which moves behind it and the slash; false at the end. */
bool path_next_name(StrView *path, StrView *out_name);
