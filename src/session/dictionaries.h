#pragma once
/* The dictionaries that this server has loaded. The catalog says which there are and of which refresh; each server loads them for
 * itself, when a statement first needs one, or when REFRESH DICTIONARY runs here. Thread-safe. */

#include "func/dictionary.h"
#include "meta/dictionary_record.h"

typedef struct Dictionaries Dictionaries;
typedef struct Instance Instance;

typedef struct DictionaryUse {
    bool is_loaded;
    uint64_t bytes, rows;
    int64_t loaded_us;
} DictionaryUse;

Dictionaries *dictionaries_open(Instance *instance);
void dictionaries_close(Dictionaries *dictionaries); /* may be NULL */
const DictionarySource *dictionaries_source(Dictionaries *dictionaries);
/* Reads the source now and keeps the result as that of the refresh record->refresh_us. */
Status dictionaries_load(Dictionaries *dictionaries, const DictionaryRecord *record, Diag *diag);
void dictionaries_forget(Dictionaries *dictionaries, StrView name);
DictionaryUse dictionaries_use(Dictionaries *dictionaries, const DictionaryRecord *record);
