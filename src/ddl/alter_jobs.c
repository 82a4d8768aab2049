#include "ddl/alter_jobs.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/json_text.h"
#include "meta/record_json.h"

#define MODULE "alter"
enum { MOST_RECORDS = 200 };

struct AlterJobs {
    Mutex lock; /* guards running */
    AlterJob *running;
};

AlterJobs *alter_jobs_open(void)
{
    AlterJobs *jobs = mem_alloc_zero(sizeof(*jobs));
    mutex_init(&jobs->lock);
    return jobs;
}

void alter_jobs_free(AlterJobs *jobs)
{
    if (jobs == NULL)
        return;
    mutex_deinit(&jobs->lock);
    mem_free(jobs);
}

Status alter_jobs_enter(AlterJobs *jobs, AlterJob *job, Diag *diag)
{
    LOCK_GUARD(&jobs->lock);
    for (const AlterJob *other = jobs->running; other != NULL; other = other->next) {
        if (other->table_id == job->table_id)
            return RAISE(diag, ANALYSIS, "Table[%s]'s state is not NORMAL: another ALTER TABLE is running. Do not allow doing ALTER ops", job->table);
    }
    job->next = jobs->running;
    jobs->running = job;
    return OK;
}

void alter_jobs_leave(AlterJobs *jobs, AlterJob *job)
{
    LOCK_GUARD(&jobs->lock);
    AlterJob **link = &jobs->running;
    while (*link != job)
        link = &(*link)->next;
    *link = job->next;
}

uint32_t alter_jobs_sessions(AlterJobs *jobs, uint64_t table_id, uint64_t *out, uint32_t room)
{
    uint32_t count = 0;
    LOCK_GUARD(&jobs->lock);
    for (const AlterJob *job = jobs->running; job != NULL && count < room; job = job->next) {
        if (job->table_id == table_id)
            out[count++] = job->session_id;
    }
    return count;
}

void alter_job_name(AlterJob *job, StrView name)
{
    snprintf(job->table, sizeof(job->table), "%.*s", SV_ARGS(name));
}

void alter_job_progress(AlterJob *job, uint32_t percent)
{
    atomic_store(&job->progress, percent);
}

/* ---- records ---- */

static void record_key(uint64_t id, char out[24])
{
    snprintf(out, 24, "%020llu", (unsigned long long)id);
}

void alter_job_put(const AlterJob *job, const char *state, const char *message, Change *change)
{
    char key[24];
    AUTO_BYTEBUF text = {0};
    record_key(job->id, key);
    bytebuf_printf(&text, "{\"id\":%llu,\"table_id\":%llu,\"database\":%llu,\"created_us\":%lld,\"finished_us\":%lld,\"kind\":\"%s\","
                   "\"state\":\"%s\",\"table\":",
                   (unsigned long long)job->id, (unsigned long long)job->table_id, (unsigned long long)job->database_id, (long long)job->created_us,
                   (long long)(job->finished_us > 0 ? job->finished_us : job->created_us), job->kind, state);
    json_quote(strview(job->table), &text);
    bytebuf_append_text(&text, ",\"message\":");
    json_quote(strview(message), &text);
    bytebuf_append_text(&text, "}");
    change_put_record(change, MODULE, strview(key), bytebuf_view(&text));
}

typedef struct Trimming {
    Change *change;
    uint32_t left; /* to be taken away */
} Trimming;

static void trim_record(void *context, StrView key, StrView value)
{
    Trimming *trimming = context;
    (void)value;
    if (trimming->left == 0)
        return;
    trimming->left--;
    change_drop_record(trimming->change, MODULE, key);
}

void alter_jobs_trim(const CatalogSnapshot *catalog, Change *change)
{
    uint32_t count = catalog_record_count(catalog, MODULE);
    Trimming trimming = {change, count > MOST_RECORDS ? count - MOST_RECORDS : 0};
    if (trimming.left > 0)
        catalog_each_record(catalog, MODULE, trim_record, &trimming);
}

typedef struct Listing {
    Arena *arena;
    uint64_t database_id;
    ARRAY_OF(AlterJob) jobs;
} Listing;

static void read_record(void *context, StrView key, StrView value)
{
    Listing *listing = context;
    json_t *object = json_loadb(value.data, value.length, 0, NULL);
    AlterJob job = {.id = record_number(object, "id"), .table_id = record_number(object, "table_id"), .database_id = record_number(object, "database"),
                    .created_us = (int64_t)record_number(object, "created_us"), .finished_us = (int64_t)record_number(object, "finished_us"),
                    .state = record_text(object, "state", listing->arena), .message = record_text(object, "message", listing->arena),
                    .kind = record_text(object, "kind", listing->arena).data, .progress = 100};
    alter_job_name(&job, record_text(object, "table", listing->arena));
    json_decref(object);
    (void)key;
    if (job.database_id == listing->database_id)
        ARRAY_PUSH(listing->arena, &listing->jobs, job);
}

static int newest_first(const void *a, const void *b)
{
    const AlterJob *x = a;
    const AlterJob *y = b;
    return (x->id < y->id) - (x->id > y->id);
}

uint32_t alter_jobs_list(AlterJobs *jobs, const CatalogSnapshot *catalog, uint64_t database_id, Arena *arena, AlterJob **out)
{
    Listing listing = {.arena = arena, .database_id = database_id};
    catalog_each_record(catalog, MODULE, read_record, &listing);
    mutex_lock(&jobs->lock);
    for (const AlterJob *job = jobs->running; job != NULL; job = job->next) {
        AlterJob copy;
        memcpy(&copy, job, sizeof(copy));
        copy.state = STR_VIEW("RUNNING");
        if (job->database_id == database_id)
            ARRAY_PUSH(arena, &listing.jobs, copy);
    }
    mutex_unlock(&jobs->lock);
    if (listing.jobs.count > 1)
        qsort(listing.jobs.items, listing.jobs.count, sizeof(AlterJob), newest_first);
    *out = listing.jobs.items;
    return listing.jobs.count;
}
