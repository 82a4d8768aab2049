#pragma once
/* Dictionaries: what dictionary_get() looks up. A Dictionary is a snapshot of some columns of a table, hashed by the key columns;
 * once made it never changes, and is counted. Who keeps the dictionaries hands their names on as a DictionarySource. */

#include "func/function.h"

typedef struct Dictionary Dictionary;

/* The name of a table of dict_mapping(): the mark, database, mark, table, mark, value column (empty: the one with AUTO_INCREMENT). Its
 * dictionary is what the table has when it is opened. */
#define DICTIONARY_MAPPING_MARK '\x01'

typedef struct DictionaryShape {
    const Type *keys;
    uint32_t key_count;
    const Type *values;
    const StrView *value_names;
    uint32_t value_count;
} DictionaryShape;

typedef struct DictionarySource {
    void *context;
    /* The shape as it is defined, in arena. user: for whom. */
    Status (*describe)(void *context, StrView user, StrView name, Arena *arena, Diag *diag, DictionaryShape *out_shape);
    /* A reference to what is loaded now; loads it where it should be but is not. */
    Status (*open)(void *context, StrView user, StrView name, Diag *diag, const Dictionary **out_dictionary);
} DictionarySource;

/* most_bytes: more is an error. */
Dictionary *dictionary_new(const DictionaryShape *shape, uint64_t most_bytes);
const Dictionary *dictionary_ref(const Dictionary *dictionary);
void dictionary_unref(const Dictionary *dictionary);
/* Rows of a chunk: the keys, then the values. NULLs and keys that are there already are errors. */
Status dictionary_add(Dictionary *dictionary, const Vector *columns, Rows rows, Diag *diag);
const DictionaryShape *dictionary_shape(const Dictionary *dictionary);
uint64_t dictionary_bytes(const Dictionary *dictionary);
uint64_t dictionary_rows(const Dictionary *dictionary);
