#pragma once
/* The stored form of users and roles; access.h has the writers. */

#include "meta/access.h"

/* key: 'name'@'host'. A record that is damaged yields a user who has nothing and no password that could match. */
void access_read_user(StrView key, StrView record, Arena *arena, AccessUser *out);
void access_read_role(StrView key, StrView record, Arena *arena, AccessRole *out);
