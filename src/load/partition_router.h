#pragma once
/* Which partition a row goes to, and the partitions that are made for rows that have none.
 *
 * One router a load, shared by its lanes: partitions are numbered in the order in which the router learned of
 * them, and never go away. A new partition is committed at once, apart from the load's rows. Thread-safe. */

#include "load/partition_step.h"
#include "load/table_draft.h"
#include "meta/partition_order.h"
#include "meta/store.h"
#include "func/function.h"

enum { PARTITION_NOT_FOUND = UINT32_MAX };

typedef struct PartitionRouter PartitionRouter;

/* partition_ids: only these are written to (NULL: all). draft: of the table; NULL: it is there. The table outlives the router. */
Status partition_router_open(MetaStore *store, const CatalogTable *table, const FuncSession *session, const uint64_t *partition_ids,
                             uint32_t id_count, TableDraft *draft, Diag *diag, PartitionRouter **out_router);
void partition_router_close(PartitionRouter *router);
/* out_numbers[row]: the partition's number or PARTITION_NOT_FOUND. */
Status partition_router_route(PartitionRouter *router, const Vector *const *columns, uint32_t row_count, Diag *diag,
                              uint32_t *out_numbers);
/* The partition of the values of the partition columns. NO_PARTITION_FOR_VALUE when there is none. */
Status partition_router_find(PartitionRouter *router, const Datum *values, Diag *diag, uint64_t *out_partition_id);
const CatalogPartition *partition_router_get(PartitionRouter *router, uint32_t number);
/* The text of the error for a row without a partition. */
void partition_router_describe(PartitionRouter *router, const Vector *const *columns, uint32_t row, ByteBuf *out);

/* A partition with tablets, without bounds; in arena. */
CatalogPartition *partition_new(MetaStore *store, const TableSchema *schema, StrView name, int64_t now_us, Arena *arena);
