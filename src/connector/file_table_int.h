#pragma once
/* Inside of FILES(); only for src/connector. */

#include "connector/file_table.h"

/* One scan; what a format keeps comes behind it. */
struct ConnectorScan {
    const FileTable *table;
    const ConnectorRequest *request;
};

static inline const FileTable *file_table_of(const ConnectorTable *table)
{
    return table->context;
}

/* The value of a column that comes from the path: the last name "column=value" in it. NULL datum: Hive's default partition. */
Status file_path_value(const FileEntry *file, StrView column, Type type, Arena *arena, Diag *diag, Datum *out);
/* Sets those of the wanted columns that come from the path, as constants. */
Status file_path_columns(const FileTable *table, const ConnectorRequest *request, const FileEntry *file, Arena *arena, Vector *columns);
void file_scan_note(const ConnectorRequest *request, uint64_t rows, uint64_t bytes);

/* ---- csv ---- */
Status csv_detect_columns(const FileTableRequest *request, FileTable *table, Diag *diag);
Status csv_open_scan(const ConnectorTable *table, const ConnectorRequest *request, ConnectorScan **out_scan);
Status csv_work(ConnectorScan *scan, uint32_t worker);
void csv_close_scan(ConnectorScan *scan, ByteBuf *out_note);
