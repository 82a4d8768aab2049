#include "job/backup.h"

/* The state is held while it is copied, so that vacuum keeps its objects. That nothing but backups was ever written to the place is
 * looked at first: a server that was started there has made it its own. */

#include <stdio.h>

#include "base/environment.h"
#include "base/hash.h"
#include "base/log.h"
#include "meta/restore_live.h"

enum { JOBS_KEPT = 20, MOVES_MAX = 256 };

struct Backups {
    MetaStore *store;
    Volume *home;
    OtherVolumesOptions volumes;
    Mutex running; /* one job at a time; taken before lock */
    Mutex lock;    /* guards the rest */
    BackupJob jobs[JOBS_KEPT];
    uint32_t count;
    uint64_t next_number;
};

Backups *backups_open(MetaStore *store, Volume *home, const OtherVolumesOptions *volumes)
{
    Backups *backups = mem_alloc_zero(sizeof(*backups));
    backups->store = store;
    backups->home = home;
    backups->volumes = *volumes;
    mutex_init(&backups->running);
    mutex_init(&backups->lock);
    return backups;
}

void backups_close(Backups *backups)
{
    if (backups == NULL)
        return;
    mutex_deinit(&backups->running);
    mutex_deinit(&backups->lock);
    mem_free(backups);
}

const char *backups_ca_file(const Backups *backups)
{
    return backups->volumes.ca_file;
}

uint32_t backups_list(Backups *backups, Arena *arena, BackupJob **out_jobs)
{
    LOCK_GUARD(&backups->lock);
    *out_jobs = ARENA_NEW_ARRAY(arena, BackupJob, MAX(backups->count, 1u));
    for (uint32_t i = 0; i < backups->count; i++)
        (*out_jobs)[i] = backups->jobs[backups->count - 1 - i];
    return backups->count;
}

/* ---- what is backed up ---- */

typedef struct VolumeRecords {
    const CatalogSnapshot *from, *into;
    Change *change;
} VolumeRecords;

static void add_volume(void *context, uint32_t id)
{
    const VolumeRecords *records = context;
    AUTO_ARENA arena;
    StorageVolume volume, there;
    arena_init(&arena, NULL);
    if (storage_volume_by_id(records->from, id, &arena, &volume) && !storage_volume_by_id(records->into, id, &arena, &there))
        change_put_storage_volume(records->change, &volume);
}

/* A state of a database or a table alone does not know where its segments lie. */
static Status add_volumes(Backups *backups, CatalogSnapshot **in_out_catalog, Diag *diag)
{
    AUTO_CHANGE change = {0};
    CatalogSnapshot *now = meta_snapshot(backups->store);
    VolumeRecords records = {now, *in_out_catalog, &change};
    storage_volume_each(now, add_volume, &records);
    Status status = meta_change_state(in_out_catalog, &change, diag);
    catalog_unref(now);
    return status;
}

static Status take_snapshot_state(Backups *backups, const BackupRequest *request, Diag *diag, ImageContent *out)
{
    AUTO_ARENA arena;
    SnapshotInfo info;
    arena_init(&arena, NULL);
    CatalogSnapshot *now = meta_snapshot(backups->store);
    bool is_there = snapshot_find(now, request->what.name, &arena, &info);
    catalog_unref(now);
    if (!is_there)
        return RAISE(diag, NO_SUCH_SNAPSHOT, "Unknown snapshot '%.*s'", SV_ARGS(request->what.name));
    TRY(meta_snapshot_content(backups->store, &info, diag, out));
    return add_volumes(backups, &out->catalog, diag);
}

static Status take_state(Backups *backups, const BackupRequest *request, Diag *diag, ImageContent *out)
{
    if (request->is_snapshot)
        return take_snapshot_state(backups, request, diag, out);
    meta_content(backups->store, out);
    out->kept_count = 0;
    if (request->what.scope == SNAPSHOT_CLUSTER)
        return OK;
    CatalogSnapshot *whole = out->catalog, *reduced;
    TRY(snapshot_reduce(whole, &request->what, diag, &reduced));
    out->catalog = reduced; /* which shares the nodes, and with them the objects; but vacuum knows only of the whole */
    out->label_count = 0;
    catalog_unref(whole);
    return add_volumes(backups, &out->catalog, diag);
}

/* ---- where it goes ---- */

typedef struct Moves {
    Arena *arena;
    const CatalogSnapshot *catalog;
    const StorageVolume *target;
    const char *url;
    ARRAY_OF(VolumeMove) all;
} Moves;

/* Other storage volumes of the copy lie inside of the backup. */
static void add_move(void *context, uint32_t id)
{
    Moves *moves = context;
    StorageVolume volume;
    if (!storage_volume_by_id(moves->catalog, id, moves->arena, &volume))
        return;
    VolumeMove move = {.name = volume.name,
                       .type = moves->target->type,
                       .properties = moves->target->properties,
                       .property_count = moves->target->property_count};
    move.location = strview(arena_printf(moves->arena, "%s/volumes/%.*s", moves->url, SV_ARGS(volume.name)));
    ARRAY_PUSH(moves->arena, &moves->all, move);
}

static Status find_target(Backups *backups, StrView name, Arena *arena, Diag *diag, StorageVolume *out)
{
    CatalogSnapshot *now = meta_snapshot(backups->store);
    bool is_there = storage_volume_find(now, name, arena, out);
    catalog_unref(now);
    if (!is_there)
        return RAISE(
            diag, BAD_CONFIG,
            "Unknown storage volume '%.*s': BACKUP goes to a storage volume other than that of the cluster (CREATE STORAGE VOLUME)",
            SV_ARGS(name));
    if (!out->is_enabled)
        return RAISE(diag, BAD_CONFIG, "storage volume '%.*s' is disabled", SV_ARGS(name));
    return OK;
}

/* The place may hold backups, and nothing else. */
static Status check_place(Volume *place, const char *url, Diag *diag)
{
    Incarnation newest;
    MetaStore *store;
    TRY(incarnation_newest(place, diag, &newest));
    if (newest.number == 0)
        return OK;
    TRY(meta_store_open_as(place, &(MetaOpen){.is_read_only = true}, diag, &store));
    CatalogSnapshot *catalog = meta_snapshot(store);
    bool is_lived_in = catalog_record_count(catalog, "frontend") > 0;
    catalog_unref(catalog);
    meta_store_close(store);
    if (is_lived_in)
        return RAISE(
            diag, BAD_CONFIG,
            "a server has been started on the backups in %s, which made it a cluster of its own: back up to another storage volume", url);
    return OK;
}

/* ---- jobs ---- */

typedef struct Running {
    Backups *backups;
    BackupJob *job; /* a copy that the runner has */
} Running;

static void publish(Backups *backups, const BackupJob *job)
{
    LOCK_GUARD(&backups->lock);
    for (uint32_t i = 0; i < backups->count; i++) {
        if (backups->jobs[i].number == job->number)
            backups->jobs[i] = *job;
    }
}

static void note_progress(void *context, uint64_t done, uint64_t total)
{
    const Running *running = context;
    Backups *backups = running->backups;
    LOCK_GUARD(&backups->lock);
    for (uint32_t i = 0; i < backups->count; i++) {
        BackupJob *job = &backups->jobs[i];
        if (job->number != running->job->number)
            continue;
        job->done = MAX(job->done, done);
        job->total = total;
    }
}

static void begin_job(Backups *backups, const BackupRequest *request, BackupJob *job)
{
    int64_t now_us = env_wall_us(meta_environment(backups->store));
    const SnapshotInfo *what = &request->what;
    *job = (BackupJob){.state = "UPLOADING", .began_us = now_us};
    if (request->name.length > 0)
        snprintf(job->name, sizeof(job->name), "%.*s", SV_ARGS(request->name));
    else
        snprintf(job->name, sizeof(job->name), "backup_%lld", (long long)(now_us / 1000));
    snprintf(job->volume, sizeof(job->volume), "%.*s", SV_ARGS(request->volume));
    if (request->is_snapshot)
        snprintf(job->what, sizeof(job->what), "SNAPSHOT %.*s", SV_ARGS(what->name));
    else
        snprintf(job->what, sizeof(job->what), "%s %.*s%s%.*s", snapshot_scope_name(what->scope), SV_ARGS(what->database),
                 what->table.length > 0 ? "." : "", SV_ARGS(what->table));
    LOCK_GUARD(&backups->lock);
    job->number = ++backups->next_number;
    if (backups->count == JOBS_KEPT)
        memmove(backups->jobs, backups->jobs + 1, --backups->count * sizeof(*job));
    backups->jobs[backups->count++] = *job;
}

static Status copy_state(Backups *backups, const BackupRequest *request, const StorageVolume *target, Volume *place, BackupJob *job,
                         Diag *diag)
{
    AUTO_ARENA arena;
    ImageContent state CLEANUP(image_content_deinit);
    Running running = {backups, job};
    char generation[GENERATION_BYTES];
    arena_init(&arena, NULL);
    image_content_init(&state);
    CatalogSnapshot *held = meta_snapshot(backups->store);
    Status status = take_state(backups, request, diag, &state);
    Moves moves = {.arena = &arena, .catalog = state.catalog, .target = target, .url = job->url};
    if (status == OK)
        storage_volume_each(state.catalog, add_move, &moves);
    snprintf(generation, sizeof(generation), "backup:%s", job->name);
    Transfer transfer = {.store = backups->store,
                         .from = backups->home,
                         .into = place,
                         .moves = moves.all.items,
                         .move_count = moves.all.count,
                         .generation = generation,
                         .volumes = backups->volumes,
                         .cancelled = request->cancelled,
                         .progress = note_progress,
                         .context = &running};
    if (status == OK)
        status = meta_transfer(&transfer, &state, diag, &job->report);
    catalog_unref(held);
    return status;
}

static Status run_job(Backups *backups, const BackupRequest *request, BackupJob *job, Diag *diag)
{
    AUTO_ARENA arena;
    StorageVolume target;
    Volume *place;
    arena_init(&arena, NULL);
    TRY(find_target(backups, request->volume, &arena, diag, &target));
    StrView secret = meta_cluster_secret(backups->store);
    const char *folder = arena_printf(&arena, "merak-backup-%016llx", (unsigned long long)checksum_bytes(secret.data, secret.length));
    bool has_slash = strview_ends_with(target.location, STR_VIEW("/"));
    snprintf(job->url, sizeof(job->url), "%.*s%s%s", SV_ARGS(target.location), has_slash ? "" : "/", folder);
    TRY(other_volume_open(&target, &backups->volumes, strview(folder), diag, &place));
    Status status = check_place(place, job->url, diag);
    if (status == OK)
        status = copy_state(backups, request, &target, place, job, diag);
    volume_close(place);
    return status;
}

Status backup_run(Backups *backups, const BackupRequest *request, Diag *diag, BackupJob *out_job)
{
    Diag trouble = {0};
    if (request->name.length >= BACKUP_NAME_BYTES || request->volume.length >= BACKUP_NAME_BYTES)
        return RAISE(diag, BAD_VALUE, "names of backups and their volumes have at most %d bytes", BACKUP_NAME_BYTES - 1);
    begin_job(backups, request, out_job);
    mutex_lock(&backups->running);
    Status status = run_job(backups, request, out_job, &trouble);
    mutex_unlock(&backups->running);
    out_job->ended_us = env_wall_us(meta_environment(backups->store));
    out_job->state = status == OK ? "FINISHED" : "CANCELLED";
    snprintf(out_job->error, sizeof(out_job->error), "%s", trouble.message);
    out_job->done = out_job->total = out_job->report.copied.copied;
    publish(backups, out_job);
    if (status != OK)
        return diag_raise(diag, status, "%s", trouble.message);
    LOG_INFO("backup", "done name=%s to=%s objects=%llu copied=%llu bytes=%llu", out_job->name, out_job->url,
             (unsigned long long)out_job->report.copied.objects, (unsigned long long)out_job->report.copied.copied,
             (unsigned long long)out_job->report.copied.bytes);
    return OK;
}
