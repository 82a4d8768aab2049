#include "session/query_profiles.h"

/* A ring; each entry owns an arena with its texts. */

#include "base/thread.h"

typedef struct Entry {
    Arena arena;
    QueryProfile profile;
} Entry;

struct QueryProfiles {
    Mutex lock;     /* guards all below */
    uint64_t added; /* entry i is at i % QUERY_PROFILES */
    Entry entries[QUERY_PROFILES];
};

QueryProfiles *query_profiles_open(void)
{
    QueryProfiles *profiles = mem_alloc_zero(sizeof(*profiles));
    mutex_init(&profiles->lock);
    for (uint32_t i = 0; i < QUERY_PROFILES; i++)
        arena_init(&profiles->entries[i].arena, NULL);
    return profiles;
}

void query_profiles_close(QueryProfiles *profiles)
{
    if (profiles == NULL)
        return;
    for (uint32_t i = 0; i < QUERY_PROFILES; i++)
        arena_deinit(&profiles->entries[i].arena);
    mutex_deinit(&profiles->lock);
    mem_free(profiles);
}

static StrView keep(Arena *arena, StrView text, size_t most)
{
    size_t length = MIN(text.length, most);
    return strview_n(arena_strndup(arena, text.data == NULL ? "" : text.data, length), length);
}

static QueryProfile copy(Arena *arena, const QueryProfile *profile, size_t most_text)
{
    QueryProfile made = *profile;
    made.id = keep(arena, profile->id, QUERY_ID_BYTES);
    made.user = keep(arena, profile->user, 256);
    made.statement = keep(arena, profile->statement, 1024);
    made.text = keep(arena, profile->text, most_text);
    return made;
}

void query_profiles_add(QueryProfiles *profiles, const QueryProfile *profile)
{
    if (profiles == NULL)
        return;
    LOCK_GUARD(&profiles->lock);
    Entry *entry = &profiles->entries[profiles->added++ % QUERY_PROFILES];
    arena_deinit(&entry->arena);
    arena_init(&entry->arena, NULL);
    entry->profile = copy(&entry->arena, profile, QUERY_PROFILE_BYTES);
}

static uint32_t count_of(const QueryProfiles *profiles)
{
    return (uint32_t)MIN(profiles->added, (uint64_t)QUERY_PROFILES);
}

static const QueryProfile *nth_newest(const QueryProfiles *profiles, uint32_t n)
{
    return &profiles->entries[(profiles->added - 1 - n) % QUERY_PROFILES].profile;
}

uint32_t query_profiles_list(QueryProfiles *profiles, Arena *arena, QueryProfile **out_profiles)
{
    *out_profiles = NULL;
    if (profiles == NULL)
        return 0;
    LOCK_GUARD(&profiles->lock);
    uint32_t count = count_of(profiles);
    *out_profiles = ARENA_NEW_ARRAY(arena, QueryProfile, count + 1);
    for (uint32_t i = 0; i < count; i++)
        (*out_profiles)[i] = copy(arena, nth_newest(profiles, i), 0);
    return count;
}

bool query_profiles_find(QueryProfiles *profiles, StrView id, Arena *arena, QueryProfile *out_profile)
{
    if (profiles == NULL)
        return false;
    LOCK_GUARD(&profiles->lock);
    for (uint32_t i = 0; i < count_of(profiles); i++) {
        if (strview_equal(nth_newest(profiles, i)->id, id)) {
            *out_profile = copy(arena, nth_newest(profiles, i), QUERY_PROFILE_BYTES);
            return true;
        }
    }
    return false;
}
