#pragma once
/* A table that the commit of its rows makes: CREATE TABLE .. AS.
 *
 * Until then it is in a catalog of its own: the newest one at the start, and the definition on it. Loaders write
 * into it as into any table; partitions that they make for rows are added to the draft instead of being
 * committed. One loader at a time. */

#include "meta/store.h"

typedef struct TableDraft {
    MetaBuild define; /* looks whether the table may be made, and puts it and its partitions; twice */
    void *context;
    CatalogSnapshot *catalog; /* with the table */
    Change partitions;        /* that rows needed */
} TableDraft;

/* *out_is_needed: define() has put something. If not, there is nothing to write into. */
Status table_draft_open(MetaStore *store, MetaBuild define, void *context, Diag *diag, TableDraft *out_draft, bool *out_is_needed);
void table_draft_close(TableDraft *draft);
/* Inside of a commit: puts the definition. TABLE_EXISTS when another was faster. *out_catalog: the newest one with the table. */
Status table_draft_put(const TableDraft *draft, const CatalogSnapshot *catalog, Change *change, Diag *diag, CatalogSnapshot **out_catalog);
/* A build of a partition, against the draft instead of the newest catalog. */
Status table_draft_add(TableDraft *draft, MetaBuild build, void *context, Diag *diag);
