#pragma once
/* FILES() as a table: which files there are, which columns they have, and scans of them.
 *
 * Columns of CSV files are $1, $2 ... with types that a sample of rows shows; those of Parquet files have the names and types that
 * the files say, united by name. columns_from_path come behind them. list_files_only makes a table of the files themselves. */

#include "base/thread.h"
#include "connector/connector.h"
#include "connector/file_options.h"
#include "types/time_zone.h"

/* What INSERT .. SELECT FROM FILES() wants of bad rows, and is told of them. One a statement. */
typedef struct FileLoad {
    double max_filter_ratio;    /* more of the rows may not be bad */
    bool is_strict;             /* rows with values that are not of the column's type are filtered, else such values are NULL */
    _Atomic uint64_t filtered;
    Mutex lock; /* guards the next */
    ByteBuf first_error;
} FileLoad;

void file_load_init(FileLoad *load, bool is_strict, double max_filter_ratio);
void file_load_deinit(FileLoad *load);
/* A row that is left out; the first reason is kept. */
void file_load_filter(FileLoad *load, const char *format, ...) PRINTF_LIKE(2, 3);
/* TOO_MANY_FILTERED_ROWS: beside the rows that were loaded there are too many. */
Status file_load_check(FileLoad *load, uint64_t loaded_rows, Diag *diag);

typedef struct FileTable {
    ConnectorTable table;
    FileOptions options;
    FileStores *stores;
    FileList files;             /* with bytes in them */
    ConnectorColumn *columns;   /* table.columns */
    uint32_t file_column_count; /* then those from the path */
    FileLoad *load;             /* NULL: a query */
    const TimeZone *zone;
    struct ParquetFiles *parquet; /* footers of those that were opened for the schema; NULL: none */
    FileList all;               /* list_files_only: directories too */
} FileTable;

typedef struct FileTableRequest {
    const FileProperty *properties;
    uint32_t property_count;
    const FileSettings *settings;
    const TimeZone *zone;
    MemTracker *memory;
    Arena *arena; /* the table's */
} FileTableRequest;

/* The caller closes the table, before the arena ends. */
Status file_table_open(const FileTableRequest *request, Diag *diag, FileTable **out_table);
void file_table_close(FileTable *table);
/* Values of the column are read as type from now on; before the table is bound. */
void file_table_retype(FileTable *table, uint32_t column, Type type);
