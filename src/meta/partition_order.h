#pragma once
/* The partitions of a large table by their bounds or values, for loads and plans that want few of many. An order is made when it is
 * first asked for, and good for all versions of a table that have the same partitions: it holds places in the table's array. */

#include "meta/catalog.h"

typedef struct PartitionOrder PartitionOrder;

PartitionOrder *partition_order_ref(PartitionOrder *order);
void partition_order_unref(PartitionOrder *order);
/* NULL: the table is small, or nobody but its maker sees it; then all partitions are to be looked at. Lives as long as the table. */
const PartitionOrder *partition_order_of(const CatalogTable *table);
/* After the table's last partition was added behind the others: the order with it, which takes the place of the one before. */
PartitionOrder *partition_order_with_last(PartitionOrder *order, const CatalogTable *table);

/* All columns; rows of values of lists, too. */
int partition_values_compare(const TableSchema *schema, const Datum *a, const Datum *b);
bool partition_takes(const TableSchema *schema, const CatalogPartition *partition, const Datum *values);
/* Do two partitions have a value in common? */
bool partitions_overlap(const TableSchema *schema, const CatalogPartition *a, const CatalogPartition *b);

enum { PARTITION_NOWHERE = UINT32_MAX };
/* The place of the partition that takes the values; PARTITION_NOWHERE: there is none. */
uint32_t partition_order_find(const PartitionOrder *order, const CatalogTable *table, const Datum *values);
/* Are rows only where their values are listed? */
bool partition_order_lists_all(const PartitionOrder *order);
/* A partition that has a value in common with the given one. */
uint32_t partition_order_overlap(const PartitionOrder *order, const CatalogTable *table, const CatalogPartition *partition);
/* Of ranges: those that may hold rows whose first partition column is in [low, high], NULL: open, are numbers *out_first up to before
 * *out_end of the order. */
void partition_order_span(const PartitionOrder *order, const CatalogTable *table, const Datum *low, const Datum *high, uint32_t *out_first,
                          uint32_t *out_end);
/* The place in the table of a number of the order. */
uint32_t partition_order_place(const PartitionOrder *order, uint32_t number);
