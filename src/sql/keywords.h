#pragma once
/* The words of the dialect. Reserved ones need back-quotes as identifiers, the others are free. */

#include "base/bytes.h"

typedef struct SqlKeyword {
    const char *word; /* upper case */
    bool is_reserved;
} SqlKeyword;

/* All of them, sorted as lower case: information_schema.keywords. */
const SqlKeyword *sql_keywords(size_t *out_count);
/* NULL when it is no keyword. Any case. */
const SqlKeyword *sql_keyword_find(StrView word);
/* Must the name be quoted to be read back as one identifier? */
bool sql_needs_quotes(StrView name);
