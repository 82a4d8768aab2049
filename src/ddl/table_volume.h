#pragma once
/* Which storage volume a new table lies in. */

#include "ddl/ddl.h"

/* Tables may be made there: it is known, and enabled. */
Status ddl_check_volume(const CatalogSnapshot *catalog, StrView name, Diag *diag);
/* Completes the schema of a new table or view. */
Status ddl_bind_volume(DdlContext *context, const CatalogSnapshot *catalog, StrView database, TableSchema *schema);
