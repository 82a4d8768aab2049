#include "volume/quarantine.h"

/* A list: there are few, or the volume is lost anyway. Beyond MOST_OBJECTS new ones are only counted by the log. */

#include "base/log.h"
#include "base/thread.h"

enum { MOST_OBJECTS = 10000 };

typedef struct Entry {
    struct Entry *next;
    char *path;
    char *reason;
    int64_t since_us;
    uint64_t times;
} Entry;

struct Quarantine {
    const Environment *environment;
    Mutex lock; /* guards all below */
    Entry *entries;
    uint32_t count;
};

Quarantine *quarantine_open(const Environment *environment)
{
    Quarantine *quarantine = mem_alloc_zero(sizeof(*quarantine));
    quarantine->environment = environment;
    mutex_init(&quarantine->lock);
    return quarantine;
}

static void drop(Quarantine *quarantine, Entry **at)
{
    Entry *entry = *at;
    *at = entry->next;
    mem_free(entry->path);
    mem_free(entry->reason);
    mem_free(entry);
    quarantine->count--;
}

void quarantine_close(Quarantine *quarantine)
{
    if (quarantine == NULL)
        return;
    while (quarantine->entries != NULL)
        drop(quarantine, &quarantine->entries);
    mutex_deinit(&quarantine->lock);
    mem_free(quarantine);
}

/* Where the entry is, or would be put. */
static Entry **find(Quarantine *quarantine, StrView path)
{
    Entry **at = &quarantine->entries;
    while (*at != NULL && !strview_is(path, (*at)->path))
        at = &(*at)->next;
    return at;
}

void quarantine_note(Volume *volume, StrView path, const char *reason)
{
    Quarantine *quarantine = volume->quarantine;
    if (quarantine == NULL)
        return;
    LOCK_GUARD(&quarantine->lock);
    Entry **at = find(quarantine, path);
    if (*at != NULL) {
        (*at)->times++;
        return;
    }
    LOG_ERROR("quarantine", "object=%.*s can't be read: %s", SV_ARGS(path), reason);
    if (quarantine->count == MOST_OBJECTS)
        return;
    Entry *entry = mem_alloc_zero(sizeof(*entry));
    entry->path = mem_alloc_zero(path.length + 1);
    memcpy(entry->path, path.data, path.length);
    entry->reason = mem_strdup(reason);
    entry->since_us = env_wall_us(quarantine->environment);
    entry->times = 1;
    *at = entry;
    quarantine->count++;
}

void quarantine_release(Quarantine *quarantine, StrView path)
{
    LOCK_GUARD(&quarantine->lock);
    Entry **at = find(quarantine, path);
    if (*at == NULL)
        return;
    LOG_INFO("quarantine", "object=%.*s is released", SV_ARGS(path));
    drop(quarantine, at);
}

uint32_t quarantine_list(Quarantine *quarantine, Arena *arena, QuarantinedObject **out_objects)
{
    uint32_t count = 0;
    LOCK_GUARD(&quarantine->lock);
    *out_objects = ARENA_NEW_ARRAY(arena, QuarantinedObject, quarantine->count + 1);
    for (const Entry *entry = quarantine->entries; entry != NULL; entry = entry->next)
        (*out_objects)[count++] = (QuarantinedObject){strview(arena_strdup(arena, entry->path)), strview(arena_strdup(arena, entry->reason)),
                                                      entry->since_us, entry->times};
    return count;
}
