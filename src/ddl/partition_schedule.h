#pragma once
/* Partitions that come and go by themselves: dynamic_partition.* makes those of the days, weeks, ... around now and drops old
 * ones; partition_live_number, partition_ttl and partition_retention_condition only drop. A job of the leader looks at all tables;
 * CREATE and ALTER TABLE have their table looked at right away. */

#include "ddl/ddl.h"

/* False: none of these properties is set. */
bool partition_schedule_wants(const TableSchema *schema);
/* Are the properties well-formed and fit for the table's partitions? */
Status partition_schedule_check(DdlContext *context, const TableSchema *schema);
Status partition_schedule_table(MetaStore *store, uint64_t table_id, Diag *diag);
/* The scheduler's job. */
int64_t partition_schedule_job(void *store, const _Atomic bool *stopping);
