#pragma once
/* Who holds a table's partitions: groups of neighbours with one reference count each, so that the next version of a table takes a
 * reference a group and not a partition. The table itself has an array of all its partitions beside them, in the same order,
 * without references. Groups are changed only while they belong to one table that nobody else sees. */

#include <stdatomic.h>

#include "base/arena.h"
#include "base/bytes.h"

typedef struct CatalogPartition CatalogPartition;
typedef struct PartitionGroup PartitionGroup;

typedef struct PartitionGroups {
    PartitionGroup **groups;
    uint32_t *firsts; /* number of partitions before each group */
    uint32_t count, room;
} PartitionGroups;

typedef struct PartitionSums {
    uint64_t rows, bytes;
    uint64_t tablets, segments;
    uint64_t versions; /* a hash of ids and versions */
} PartitionSums;

void partition_add_sums(const CatalogPartition *partition, PartitionSums *sums);

void partition_groups_share(const PartitionGroups *from, PartitionGroups *out);
void partition_groups_deinit(PartitionGroups *groups);
/* Takes over the reference. */
void partition_groups_insert(PartitionGroups *groups, uint32_t at, CatalogPartition *partition);
void partition_groups_remove(PartitionGroups *groups, uint32_t at);
/* Takes over the reference; the one that was there is let go. */
void partition_groups_replace(PartitionGroups *groups, uint32_t at, CatalogPartition *partition);
/* Is the partition at a place that only these groups refer to? Then it may be changed: sums are taken again. */
bool partition_groups_own(PartitionGroups *groups, uint32_t at);
/* Of all partitions; groups that did not change are not looked at again. Thread-safe where nobody changes the groups. */
PartitionSums partition_groups_sums(const PartitionGroups *groups);
