#pragma once
/* Dictionaries as the catalog knows them: records of the module "dictionary", by name. What is loaded lies in the memory of each
 * server; the record tells of which refresh it is to be. */

#include "meta/catalog.h"
#include "meta/change.h"

typedef enum DictionaryState { DICTIONARY_UNINITIALIZED, DICTIONARY_FINISHED, DICTIONARY_CANCELLED } DictionaryState;

typedef struct DictionaryColumn {
    StrView name;
    Type type;
    bool is_key;
} DictionaryColumn;

typedef struct DictionaryRecord {
    StrView name;
    uint64_t id;
    StrView database, object; /* the table or view that it is read from */
    StrView creator;          /* 'user'@'host': as whom it is read */
    const DictionaryColumn *columns;
    uint32_t column_count;
    bool warms_up, reads_latest;
    int64_t most_bytes;
    int64_t refresh_seconds; /* 0: on demand alone */
    uint8_t state;           /* DictionaryState */
    StrView error;           /* of the last refresh that failed */
    int64_t refresh_us;      /* begin of the last refresh that succeeded; also names what it loaded. 0: none */
    int64_t finished_us;
} DictionaryRecord;

/* Texts and types in arena. */
bool dictionary_find(const CatalogSnapshot *catalog, StrView name, Arena *arena, DictionaryRecord *out);
uint32_t dictionary_list(const CatalogSnapshot *catalog, Arena *arena, DictionaryRecord **out);
const char *dictionary_state_name(uint8_t state);

void change_put_dictionary(Change *change, const DictionaryRecord *record);
void change_drop_dictionary(Change *change, StrView name);
