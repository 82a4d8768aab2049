#pragma once
/* ACTIVE and INACTIVE, by statements and by what happens to bases.
 *
 * A view becomes inactive with the commit that breaks it: mv_follow_definitions() looks at each change of definitions under
 * the commit lock and adds what follows to the same entry. Neither this nor ACTIVE touches the version map, except
 * where the meaning of the query changed: then the entry that activates clears it, and says why in the log. */

#include "mv/engine.h"

/* meta_set_commit_observer(): tables of after that differ from before may inactivate views. */
void mv_follow_definitions(void *context, const CatalogSnapshot *before, const CatalogSnapshot *after, Change *change);
/* INACTIVE of the view and, with "base-mv inactive: ..", of the active ones on it; within a build of meta_commit(). */
void mv_put_inactive(const CatalogSnapshot *catalog, uint64_t view_id, StrView reason, Change *change);
/* Binds the definition again, compares columns loosely, and makes the view active in one commit. validates false: the
 * bases must exist, no more. */
Status mv_activate(MvEngine *engine, uint64_t view_id, bool validates, Diag *diag);
