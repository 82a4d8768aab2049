#pragma once
/* The nodes of the catalog that a view was found fresh with. It stays fresh while they stand for the same rows: its own
 * table's and its bases' partitions with the same data versions, under the same definitions. Nodes are held by references, which
 * keep no snapshot alive. */

#include "mv/decide.h"

typedef struct MvFreshNodes {
    uint64_t record_hash;  /* of the view's definition */
    CatalogTable **tables; /* its own first; NULL: none are held */
    uint32_t count;
} MvFreshNodes;

void mv_nodes_release(MvFreshNodes *nodes);
/* Those of the decision, but for the view's own, which a refresh may have changed since. */
void mv_nodes_hold(MvFreshNodes *nodes, const MvDecision *decision, const CatalogTable *own);
/* Do they stand for the same rows in the snapshot? Newer nodes that do are held from here on. */
bool mv_nodes_are_fresh(MvFreshNodes *nodes, const CatalogSnapshot *snapshot);
