#pragma once
/* What differs between two catalog states. Nodes that did not change are shared, so that the cost is that of the
 * changes and of the databases and tables beside them. */

#include "meta/catalog.h"

/* before NULL: made since; after NULL: dropped since. Of one table whose rows changed: a partition's data version, or
 * which partitions there are; or whose definition did. */
typedef void (*TableChangeVisit)(void *context, const CatalogTable *before, const CatalogTable *after);
void catalog_each_changed_table(const CatalogSnapshot *before, const CatalogSnapshot *after, TableChangeVisit visit, void *context);
/* Do the rows differ, as far as identities and data versions of partitions tell? */
bool table_rows_changed(const CatalogTable *before, const CatalogTable *after);
