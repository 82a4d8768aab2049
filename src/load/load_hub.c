#include "load/load_hub.h"

/* Shared state of the loads of a server, under one lock that is never held over I/O. */

#include <stdio.h>

#include "base/environment.h"

typedef struct RunningLabel {
    uint64_t database_id;
    ByteBuf label;
    LoadCancel cancel; /* function NULL: none */
    struct RunningLabel *next;
} RunningLabel;

typedef struct ErrorLog {
    char name[LOAD_LOG_NAME_BYTES];
    ByteBuf text;
} ErrorLog;

struct LoadHub {
    Mutex lock; /* guards the rest */
    RunningLabel *running;
    LoadCounters counters;
    ErrorLog logs[LOAD_ERROR_LOGS]; /* a ring */
    uint32_t next_log;
};

LoadHub *load_hub_open(void)
{
    LoadHub *hub = mem_alloc_zero(sizeof(*hub));
    mutex_init(&hub->lock);
    return hub;
}

void load_hub_close(LoadHub *hub)
{
    for (uint32_t i = 0; i < LOAD_ERROR_LOGS; i++)
        bytebuf_deinit(&hub->logs[i].text);
    ASSERT(hub->running == NULL);
    mutex_deinit(&hub->lock);
    mem_free(hub);
}

static RunningLabel **find_label(LoadHub *hub, uint64_t database_id, StrView label)
{
    RunningLabel **at = &hub->running;
    while (*at != NULL && ((*at)->database_id != database_id || !strview_equal(bytebuf_view(&(*at)->label), label)))
        at = &(*at)->next;
    return at;
}

bool load_hub_enter(LoadHub *hub, uint64_t database_id, StrView label, const LoadCancel *cancel)
{
    LOCK_GUARD(&hub->lock);
    if (*find_label(hub, database_id, label) != NULL)
        return false;
    RunningLabel *running = mem_alloc_zero(sizeof(*running));
    running->database_id = database_id;
    if (cancel != NULL)
        running->cancel = *cancel;
    bytebuf_append_view(&running->label, label);
    running->next = hub->running;
    hub->running = running;
    hub->counters.running++;
    return true;
}

void load_hub_bind(LoadHub *hub, uint64_t database_id, StrView label)
{
    LOCK_GUARD(&hub->lock);
    RunningLabel *running = *find_label(hub, database_id, label);
    if (running != NULL)
        running->cancel.cancel = NULL;
}

void load_hub_leave(LoadHub *hub, uint64_t database_id, StrView label)
{
    LOCK_GUARD(&hub->lock);
    RunningLabel **at = find_label(hub, database_id, label);
    RunningLabel *running = *at;
    if (running == NULL)
        return;
    *at = running->next;
    bytebuf_deinit(&running->label);
    mem_free(running);
    hub->counters.running--;
}

uint64_t load_hub_table(LoadHub *hub, uint64_t database_id, StrView label)
{
    LOCK_GUARD(&hub->lock);
    const RunningLabel *running = *find_label(hub, database_id, label);
    return running == NULL ? 0 : running->cancel.table_id;
}

uint32_t load_hub_list(LoadHub *hub, uint64_t database_id, Arena *arena, RunningLoad **out_loads)
{
    ARRAY_OF(RunningLoad) all = {0};
    LOCK_GUARD(&hub->lock);
    for (const RunningLabel *running = hub->running; running != NULL; running = running->next) {
        StrView label = bytebuf_view(&running->label);
        RunningLoad load = {{arena_strndup(arena, label.data, label.length), label.length}, running->cancel.table_id};
        if (running->database_id == database_id)
            ARRAY_PUSH(arena, &all, load);
    }
    *out_loads = all.items;
    return all.count;
}

bool load_hub_cancel(LoadHub *hub, uint64_t database_id, StrView label)
{
    LOCK_GUARD(&hub->lock);
    const RunningLabel *running = *find_label(hub, database_id, label);
    if (running == NULL || running->cancel.cancel == NULL)
        return false;
    running->cancel.cancel(running->cancel.context);
    return true;
}

bool load_hub_is_running(LoadHub *hub, uint64_t database_id, StrView label)
{
    LOCK_GUARD(&hub->lock);
    return *find_label(hub, database_id, label) != NULL;
}

void load_hub_count(LoadHub *hub, bool succeeded, uint64_t rows, uint64_t bytes)
{
    LOCK_GUARD(&hub->lock);
    if (succeeded)
        hub->counters.succeeded++;
    else
        hub->counters.failed++;
    hub->counters.rows += rows;
    hub->counters.bytes += bytes;
}

LoadCounters load_hub_counters(LoadHub *hub)
{
    LOCK_GUARD(&hub->lock);
    return hub->counters;
}

void load_hub_keep_log(LoadHub *hub, StrView text, char out_name[LOAD_LOG_NAME_BYTES])
{
    const Environment *env = environment_real();
    LOCK_GUARD(&hub->lock);
    ErrorLog *log = &hub->logs[hub->next_log++ % LOAD_ERROR_LOGS];
    snprintf(log->name, sizeof(log->name), "error_log_%016llx%016llx", (unsigned long long)env_random(env),
             (unsigned long long)env_random(env));
    bytebuf_clear(&log->text);
    bytebuf_append_view(&log->text, text);
    memcpy(out_name, log->name, LOAD_LOG_NAME_BYTES);
}

bool load_hub_error_log(LoadHub *hub, StrView name, ByteBuf *out)
{
    LOCK_GUARD(&hub->lock);
    for (uint32_t i = 0; i < LOAD_ERROR_LOGS && name.length > 0; i++) {
        if (strview_equal(strview(hub->logs[i].name), name)) {
            bytebuf_append_view(out, bytebuf_view(&hub->logs[i].text));
            return true;
        }
    }
    return false;
}
