#pragma once
/* Can a partition of another time come back into its table? */

#include "meta/catalog.h"

/* Whether the rows of one definition can be read by another one of the same table: columns that both have are of one type, in one
 * order, in the same buckets and partitions. What the newer one has more gets its default. */
bool partition_rows_fit(const TableSchema *held, const TableSchema *now);
/* A partition of the table that has values of this one, other than the partition of its own name; NULL: none. */
const CatalogPartition *partition_conflict(const CatalogTable *table, const CatalogPartition *partition);
