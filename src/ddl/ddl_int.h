#pragma once
/* Inside of src/ddl: what the actions on partitions share. */

#include "ddl/recycle.h"

/* A partition action inside of a commit. */
typedef struct PartitionWork {
    DdlContext *context;
    const AstAlterAction *action;
    const CatalogSnapshot *catalog; /* the newest */
    const CatalogTable *table;
    const PartitionList *fresh; /* what the action adds, or DROP with a range means */
    Change *change;
} PartitionWork;

/* ---- merge_partitions.c ---- */
bool ddl_is_merge(const AstAlterAction *action);
Status ddl_prepare_merge(DdlContext *context, const AstAlterAction *action, const CatalogTable *table, PartitionList *fresh);
Status ddl_merge_partitions(const PartitionWork *work, uint64_t job_id);
Status ddl_add_index(DdlContext *context, const AstIndex *ast, TableSchema *schema);
Status ddl_drop_index(DdlContext *context, StrView name, bool if_exists, TableSchema *schema);
void ddl_drop_indexes_of(TableSchema *schema, uint32_t unique_id);
void ddl_temporary_name(const CatalogTable *table, char out_name[32]);
Status ddl_add_temporary(const PartitionWork *work);
Status ddl_drop_temporary(const PartitionWork *work);
Status ddl_replace_partitions(const PartitionWork *work);
/* DROP PARTITIONS WHERE: *out_matches: every row that the partition can hold fulfils the condition. */
Status ddl_partition_matches(DdlContext *context, const AstExpr *condition, const CatalogTable *table, const CatalogPartition *partition,
                             bool *out_matches);
