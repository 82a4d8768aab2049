#pragma once
/* Tables that are not ours behind one interface: information_schema and FILES(). A table lives as long as the statement that
 * found it. Small ones are scanned by one thread; those with open_scan() by all workers, each of which takes what is left to do. */

#include "expr/eval.h"
#include "vector/vector.h"

typedef struct ConnectorColumn {
    StrView name;
    Type type;
} ConnectorColumn;

/* Who takes the rows of a parallel scan. */
typedef struct ConnectorSink {
    void *context;
    /* The wanted columns, in their order; rows that the selection leaves out do not count. */
    Status (*push)(void *context, uint32_t worker, Chunk *chunk);
    /* Between chunks: may the worker go on? *out_is_full: no more rows are wanted. */
    Status (*check)(void *context, bool *out_is_full);
} ConnectorSink;

typedef struct ConnectorRequest {
    const uint32_t *ordinals; /* of the wanted columns */
    uint32_t column_count;
    const ColumnRange *ranges; /* what the rows are filtered by afterwards; slots: positions in ordinals */
    uint32_t range_count;
    uint32_t worker_count;
    MemTracker *memory;
    Diag *diag;
    ConnectorSink sink;
    _Atomic uint64_t *rows_read, *bytes_read; /* counters; may be NULL */
} ConnectorRequest;

typedef struct ConnectorScan ConnectorScan;
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
    /* Instead of scan: NULL for small tables. The request lives as long as the scan. */
    Status (*open_scan)(const ConnectorTable *table, const ConnectorRequest *request, ConnectorScan **out_scan);
    /* By each worker once; ends when there is nothing left to do. */
    Status (*work)(ConnectorScan *scan, uint32_t worker);
    /* What it left out and why, for the profile; then frees. */
    void (*close_scan)(ConnectorScan *scan, ByteBuf *out_note);
    double estimated_rows; /* 0: unknown */
    const char *kind;      /* "FileScanNode"; NULL: a system table */
    const char *detail;    /* for EXPLAIN; NULL: none */
};

struct FileTable;
typedef struct ConnectorFiles {
    const StrView *keys, *values; /* properties of FILES() */
    uint32_t count;
} ConnectorFiles;

/* Finds tables by name; NULL: not ours. */
typedef struct Connector {
    void *context;
    const ConnectorTable *(*find)(void *context, StrView database, StrView table, Arena *arena);
    /* May the user read the table, which find() has found? */
    Status (*authorize)(void *context, StrView database, StrView table);
    /* FILES(..). NULL: not here. */
    Status (*files)(void *context, const ConnectorFiles *files, struct FileTable **out_table);
} Connector;
