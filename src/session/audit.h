#pragma once
/* The audit log: a line a statement in LOG/fe.audit.log, with StarRocks' fields. Thread-safe; a line is one
 * write(2). A file that has grown past its limit becomes fe.audit.log.1, in place of the one before. */

#include "base/status.h"
#include "base/bytes.h"

typedef struct AuditLog AuditLog;

typedef struct AuditRecord {
    StrView client, user, database, statement;
    StrView query_id;
    uint64_t statement_id;
    bool is_query;
    bool has_failed;
    const char *error_name; /* "" without */
    int64_t time_ms;
    uint64_t returned_rows;
    int64_t peak_bytes;
    uint64_t scanned_rows, scanned_bytes;
    StrView resource_group;
} AuditRecord;

Status audit_open(const char *directory, uint64_t limit_bytes, Diag *diag, AuditLog **out_log);
void audit_close(AuditLog *log);
/* log NULL: nothing is kept. */
void audit_write(AuditLog *log, const AuditRecord *record);
