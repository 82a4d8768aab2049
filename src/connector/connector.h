#pragma once
/* Tables that are not ours behind one interface: information_schema, later FILES() and external
 * catalogs. A table lives as long as the statement that found it. */

#include "vector/vector.h"

typedef struct ConnectorColumn {
    StrView name;
    Type type;
} ConnectorColumn;

typedef struct ConnectorTable ConnectorTable;
struct ConnectorTable {
    StrView database;
    StrView name;
    const ConnectorColumn *columns;
    uint32_t column_count;
    void *context;
    /* Calls emit with chunks of all columns until there are no more rows or emit fails. */
    Status (*scan)(const ConnectorTable *table, Arena *arena, Diag *diag,
                   Status (*emit)(void *sink, const Chunk *chunk), void *sink);
};

/* Finds tables by name; NULL: not ours. */
typedef struct Connector {
    void *context;
    const ConnectorTable *(*find)(void *context, StrView database, StrView table, Arena *arena);
    /* May the user read the table, which find() has found? */
    Status (*authorize)(void *context, StrView database, StrView table);
} Connector;
