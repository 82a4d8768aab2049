#pragma once
/* Grants as statements and as rows: SHOW GRANTS, sys, information_schema. */

#include "session/session_int.h"

/* What a grant is on, by names; false: the object was dropped. */
typedef struct GrantNames {
    StrView database; /* data NULL: not in one, or all */
    StrView object;   /* data NULL: all */
    bool is_every_database;
} GrantNames;
bool grant_names(const CatalogSnapshot *catalog, const Grant *grant, GrantNames *out);
/* "TABLE d.t", "ALL TABLES IN DATABASE d", "SYSTEM" */
void grant_print_object(const Grant *grant, const GrantNames *names, ByteBuf *out);
/* Calls visit for each part of the grants that is written as one statement: what may be passed on stands apart. */
Status grant_each(const CatalogSnapshot *catalog, const GrantList *grants, void *context,
                  Status (*visit)(void *context, const Grant *grant, const GrantNames *names, PrivilegeSet privileges, bool is_grantable));
