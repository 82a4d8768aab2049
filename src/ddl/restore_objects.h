#pragma once
/* Tables, partitions and databases as they were, or under another name: new commits that name the same segments. Nothing
 * is copied; what is restored keeps the data versions of its rows, so that views see no change where there is none. */

#include "meta/store.h"

typedef struct RestoreTarget {
    StrView database;          /* in the source */
    StrView table;             /* empty: the whole database */
    const StrView *partitions; /* none: all */
    uint32_t partition_count;
    StrView new_database;      /* empty: the same; where it goes */
    StrView new_table;         /* empty: the same */
} RestoreTarget;

/* What is there under the target's name is replaced, unless it is new: then there must be nothing. */
Status ddl_restore_objects(MetaStore *store, const CatalogSnapshot *source, const RestoreTarget *target, Diag *diag);
