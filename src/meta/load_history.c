#include "meta/load_history.h"

/* A ring; each entry owns an arena with its texts. */

#include "base/thread.h"

typedef struct Entry {
    Arena arena;
    FailedLoad load;
} Entry;

struct LoadHistory {
    Mutex lock;     /* guards all below */
    uint64_t added; /* since the start; entry i is at i % LOAD_HISTORY_ENTRIES */
    Entry entries[LOAD_HISTORY_ENTRIES];
};

LoadHistory *load_history_open(void)
{
    LoadHistory *history = mem_alloc_zero(sizeof(*history));
    mutex_init(&history->lock);
    for (uint32_t i = 0; i < LOAD_HISTORY_ENTRIES; i++)
        arena_init(&history->entries[i].arena, NULL);
    return history;
}

void load_history_close(LoadHistory *history)
{
    if (history == NULL)
        return;
    for (uint32_t i = 0; i < LOAD_HISTORY_ENTRIES; i++)
        arena_deinit(&history->entries[i].arena);
    mutex_deinit(&history->lock);
    mem_free(history);
}

static StrView keep(Arena *arena, StrView text)
{
    size_t length = MIN(text.length, (size_t)LOAD_HISTORY_ERROR_BYTES);
    return strview_n(arena_strndup(arena, text.data == NULL ? "" : text.data, length), length);
}

static FailedLoad copy(Arena *arena, const FailedLoad *load)
{
    return (FailedLoad){.id = load->id,
                        .type = keep(arena, load->type),
                        .database = keep(arena, load->database),
                        .table = keep(arena, load->table),
                        .label = keep(arena, load->label),
                        .user = keep(arena, load->user),
                        .error = keep(arena, load->error),
                        .time_us = load->time_us};
}

void load_history_add(LoadHistory *history, const FailedLoad *load)
{
    if (history == NULL)
        return;
    LOCK_GUARD(&history->lock);
    Entry *entry = &history->entries[history->added++ % LOAD_HISTORY_ENTRIES];
    arena_deinit(&entry->arena);
    arena_init(&entry->arena, NULL);
    entry->load = copy(&entry->arena, load);
}

uint32_t load_history_list(LoadHistory *history, Arena *arena, FailedLoad **out_loads)
{
    *out_loads = NULL;
    if (history == NULL)
        return 0;
    LOCK_GUARD(&history->lock);
    uint32_t count = (uint32_t)MIN(history->added, (uint64_t)LOAD_HISTORY_ENTRIES);
    *out_loads = ARENA_NEW_ARRAY(arena, FailedLoad, count + 1);
    for (uint32_t i = 0; i < count; i++)
        (*out_loads)[i] = copy(arena, &history->entries[(history->added - 1 - i) % LOAD_HISTORY_ENTRIES].load);
    return count;
}
