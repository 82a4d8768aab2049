#pragma once
/* CREATE TEMPORARY TABLE: tables of one session. They lie in a hidden database under names that begin with their owner, a
 * session of this leadership: the epoch and the connection. Names are looked up there first (analyze_find_table()). They go
 * with their session; those of earlier epochs are dropped by a job of the leader. */

#include "meta/store.h"

/* "EPOCH-CONNECTION" */
void temporary_owner(MetaStore *store, uint64_t connection_id, char out[48]);
/* Inside of a commit: the id of the database that holds them, put with fresh_id where it is missing. */
uint64_t temporary_home(const CatalogSnapshot *catalog, uint64_t fresh_id, Change *change);
/* All of an owner; owner NULL: all of earlier epochs. */
Status temporary_tables_drop(MetaStore *store, const char *owner, Diag *diag);
