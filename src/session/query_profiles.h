#pragma once
/* Profiles of the last queries that ran with enable_profile: SHOW PROFILELIST, ANALYZE PROFILE. A bounded number
 * of them, in memory. Thread-safe. */

#include "base/arena.h"
#include "base/bytes.h"

enum { QUERY_PROFILES = 64, QUERY_PROFILE_BYTES = 64 * 1024, QUERY_ID_BYTES = 37 };

typedef struct QueryProfiles QueryProfiles;

typedef struct QueryProfile {
    StrView id;
    StrView user;
    StrView statement;
    StrView text; /* as EXPLAIN ANALYZE */
    int64_t started_us, ran_us;
    bool has_failed;
} QueryProfile;

QueryProfiles *query_profiles_open(void);
void query_profiles_close(QueryProfiles *profiles);
/* Copies; longer texts are cut. profiles may be NULL. */
void query_profiles_add(QueryProfiles *profiles, const QueryProfile *profile);
/* The newest first, without their texts. */
uint32_t query_profiles_list(QueryProfiles *profiles, Arena *arena, QueryProfile **out_profiles);
/* False: unknown, or dropped since. */
bool query_profiles_find(QueryProfiles *profiles, StrView id, Arena *arena, QueryProfile *out_profile);
