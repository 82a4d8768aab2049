#pragma once
/* partition_retention_condition: which partitions of a view are kept. */

#include "analyze/analyze.h"
#include "mv/partition_map.h"

typedef struct MvRetention MvRetention;
/* Binds the condition over the partition columns of the schema; an error where it is none. */
Status mv_retention_bind(const CatalogSnapshot *snapshot, const TableSchema *schema, StrView text, Arena *arena, FuncSession *session, Diag *diag,
                         MvRetention **out);
/* Can a row of the partition fulfil it? */
Status mv_retention_keeps(const MvRetention *retention, const MvCell *cell, Diag *diag, bool *out_keeps);
