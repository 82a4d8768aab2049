#include "job/vacuum.h"

/* Order matters: the horizon of leases is read before the snapshots, so that an object is either above the
 * horizon or named by a snapshot if its commit was done. The age of a dead object counts from when this
 * process first found it dead: a restart begins the grace period anew. What is to be deleted is journaled first:
 * a node that was deposed without knowing it finds out there, and deletes nothing. */

#include "base/fault.h"
#include "base/log.h"
#include "base/strmap.h"
#include "meta/snapshots.h"
#include "meta/storage_volume.h"
#include "types/number_text.h"

enum { LONGEST_PERIOD_US = 300 * 1000000, SHORTEST_PERIOD_US = 1000000, MINUTE_US = 60 * 1000000,
       MOST_PLANNED = 20000 };

typedef struct DeadObject {
    StrView path;
    int64_t since_us;
    uint64_t since_entry; /* of the state in which it was first found dead */
    uint64_t size;
    Volume *volume;
    uint32_t prefix; /* bytes of path before the path in the volume */
} DeadObject;

typedef struct DeadSet {
    Arena arena;
    StrMap map;
} DeadSet;

struct Vacuum {
    VacuumOptions options;
    Mutex lock; /* one run at a time; guards all below */
    DeadSet *dead;
    uint64_t deleted, deleted_bytes;
};

typedef struct Run {
    Vacuum *vacuum;
    Volume *volume; /* that is listed just now */
    ARRAY_OF(uint32_t) other_volumes;
    Arena arena;
    StrMap live;
    DeadSet *dead;
    uint64_t horizon;
    int64_t now_us;
    int64_t grace;
    uint64_t entry_id;    /* of the published state */
    uint64_t oldest_read; /* by other nodes */
    VacuumReport report;
    ARRAY_OF(DeadObject *) found;
    VacuumVisit visit; /* NULL: a run that deletes */
    void *visit_context;
    bool is_published; /* of the snapshot whose segments are noted */
} Run;

static const char published[] = "published";
static const char held[] = "held";

static DeadSet *new_dead_set(void)
{
    DeadSet *set = mem_alloc_zero(sizeof(*set));
    arena_init(&set->arena, NULL);
    strmap_init(&set->map, &set->arena, false);
    return set;
}

static void free_dead_set(DeadSet *set)
{
    arena_deinit(&set->arena);
    mem_free(set);
}

Vacuum *vacuum_open(const VacuumOptions *options)
{
    Vacuum *v = mem_alloc_zero(sizeof(*v));
    v->options = *options;
    mutex_init(&v->lock);
    v->dead = new_dead_set();
    return v;
}

void vacuum_close(Vacuum *v)
{
    if (v == NULL)
        return;
    free_dead_set(v->dead);
    mutex_deinit(&v->lock);
    mem_free(v);
}

void vacuum_totals(Vacuum *v, uint64_t *out_deleted, uint64_t *out_deleted_bytes)
{
    LOCK_GUARD(&v->lock);
    *out_deleted = v->deleted;
    *out_deleted_bytes = v->deleted_bytes;
}

static void note_live(void *context, const SegmentRef *segment)
{
    Run *run = context;
    const char *kind = run->is_published ? published : held;
    StrView name = segment->path;
    if (segment_is_inline(segment))
        return;
    if (segment->volume_id != 0)
        name = strview(arena_printf(&run->arena, "%u:%.*s", segment->volume_id, SV_ARGS(segment->path)));
    if (strmap_get(&run->live, name) != NULL)
        return;
    char *copy = arena_strndup(&run->arena, name.data, name.length);
    strmap_set(&run->live, strview_n(copy, name.length), (void *)(uintptr_t)kind);
}

/* data/<incarnation>/<directory>/<id>.seg, or .del: a delete vector */
static bool object_id(StrView path, uint64_t *out_id)
{
    int64_t number;
    if (!strview_ends_with(path, STR_VIEW(".seg")) && !strview_ends_with(path, STR_VIEW(".del")))
        return false;
    path.length -= 4;
    size_t at = path.length;
    while (at > 0 && path.data[at - 1] != '/')
        at--;
    StrView digits = strview_n(path.data + at, path.length - at);
    if (at == 0 || digits.length < 12 || !int64_parse(digits, &number) || number < 0)
        return false;
    *out_id = (uint64_t)number;
    return true;
}

static void tell(const Run *run, StrView path, uint64_t size, VacuumState state, int64_t age_us)
{
    if (run->visit != NULL)
        run->visit(run->visit_context, path, size, state, age_us);
}

static bool is_due(const Run *run, const DeadObject *object)
{
    return run->now_us - object->since_us >= run->grace && object->since_entry < run->oldest_read;
}

static void note_object(void *context, const char *path, uint64_t size)
{
    Run *run = context;
    const char *in_volume = path;
    if (run->volume->id != 0)
        path = arena_printf(&run->arena, "%u:%s", run->volume->id, in_volume);
    StrView name = strview(path);
    uint64_t id;
    run->report.objects++;
    const char *kind = strmap_get(&run->live, name);
    if (kind != NULL) {
        run->report.live++;
        tell(run, name, size, kind == published ? VACUUM_LIVE : VACUUM_HELD, 0);
        return;
    }
    if (!object_id(name, &id)) {
        run->report.foreign++;
        tell(run, name, size, VACUUM_FOREIGN, 0);
        return;
    }
    if (id >= run->horizon) {
        run->report.leased++;
        tell(run, name, size, VACUUM_LEASED, 0);
        return;
    }
    const DeadObject *before = strmap_get(&run->vacuum->dead->map, name);
    int64_t age_us = before == NULL ? 0 : run->now_us - before->since_us;
    DeadObject *object = ARENA_NEW(&run->dead->arena, DeadObject);
    *object = (DeadObject){.path = strview(arena_strdup(&run->dead->arena, path)), .since_us = before == NULL ? run->now_us : before->since_us,
                           .since_entry = before == NULL ? run->entry_id : before->since_entry, .size = size,
                           .volume = run->volume, .prefix = (uint32_t)(strlen(path) - strlen(in_volume))};
    tell(run, name, size, is_due(run, object) ? VACUUM_DEAD : VACUUM_WAITING, age_us);
    strmap_set(&run->dead->map, object->path, object);
    ARRAY_PUSH(&run->arena, &run->found, object);
}

static int64_t grace_us(const Vacuum *v, const CatalogSnapshot *catalog)
{
    int64_t minutes = v->options.grace_minutes;
    StrView setting = catalog_setting(catalog, "config.lake_autovacuum_grace_period_minutes");
    int64_t value;
    if (setting.length > 0 && int64_parse(setting, &value) && value >= 0)
        minutes = value;
    return MIN(minutes, (int64_t)1 << 32) * MINUTE_US;
}

/* Those whose grace period is over; as many as fit into one plan. */
static void choose_due(Run *run)
{
    uint32_t due = 0;
    for (uint32_t i = 0; i < run->found.count; i++) {
        DeadObject *object = run->found.items[i];
        if (!is_due(run, object) || due == MOST_PLANNED)
            run->report.waiting++;
        else
            run->found.items[due++] = object;
    }
    run->found.count = due;
}

static Status build_plan(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    Run *run = context;
    (void)catalog;
    (void)diag;
    StrView *paths = ARENA_NEW_ARRAY(&run->arena, StrView, run->found.count);
    for (uint32_t i = 0; i < run->found.count; i++)
        paths[i] = run->found.items[i]->path;
    change_note_deletions(change, paths, run->found.count);
    return OK;
}

static const char *path_in_volume(const DeadObject *object)
{
    return object->path.data + object->prefix;
}

static void note_deleted(Run *run, const DeadObject *object)
{
    const Vacuum *v = run->vacuum;
    StrView path = strview(path_in_volume(object));
    FAULT_STEP("vacuum.after_delete");
    run->report.deleted++;
    run->report.deleted_bytes += object->size;
    LOG_INFO("vacuum", "deleted object=%.*s bytes=%llu", SV_ARGS(object->path), (unsigned long long)object->size);
    if (v->options.forget != NULL)
        v->options.forget(v->options.forget_context, object->volume, path);
}

/* Objects of one volume. */
static Status remove_objects(DeadObject *const *objects, uint32_t count, bool *out_failed, Diag *diag)
{
    const char *paths[VOLUME_MOST_REMOVED];
    Volume *volume = objects[0]->volume;
    for (uint32_t i = 0; i < count; i++) {
        paths[i] = path_in_volume(objects[i]);
        out_failed[i] = true;
    }
    FAULT("vacuum.before_delete", diag);
    if (volume->ops->remove_many != NULL)
        return volume->ops->remove_many(volume, paths, count, out_failed, diag);
    TRY(volume_remove(volume, paths[0], diag));
    out_failed[0] = false;
    return OK;
}

static void delete_objects(Run *run)
{
    bool failed[VOLUME_MOST_REMOVED];
    DeadObject *const *objects = run->found.items;
    for (uint32_t first = 0; first < run->found.count;) {
        const Volume *volume = objects[first]->volume;
        uint32_t most = volume->ops->remove_many == NULL ? 1 : VOLUME_MOST_REMOVED, count = 1;
        while (count < most && first + count < run->found.count && objects[first + count]->volume == volume)
            count++;
        Diag diag = {0};
        if (remove_objects(objects + first, count, failed, &diag) != OK)
            LOG_WARN("vacuum", "could not delete object=%.*s or others: %s", SV_ARGS(objects[first]->path), diag.message);
        for (uint32_t i = 0; i < count; i++) {
            if (failed[i])
                run->report.failed++;
            else
                note_deleted(run, objects[first + i]);
        }
        first += count;
    }
}

static Status delete_due(Run *run, Diag *diag)
{
    choose_due(run);
    if (run->found.count == 0)
        return OK;
    FAULT("vacuum.before_plan", diag);
    TRY(meta_commit(run->vacuum->options.store, build_plan, run, diag));
    FAULT("vacuum.after_plan", diag);
    delete_objects(run);
    return OK;
}

/* What named snapshots hold. Snapshots of the catalog were taken before: what was pinned since is in them. */
static void note_pinned(Run *run, CatalogSnapshot **pinned, uint32_t count)
{
    run->is_published = false;
    for (uint32_t i = 0; i < count; i++) {
        catalog_each_segment(pinned[i], note_live, run);
        catalog_unref(pinned[i]);
    }
    mem_free(pinned);
}

static void note_volume(void *context, uint32_t id)
{
    Run *run = context;
    ARRAY_PUSH(&run->arena, &run->other_volumes, id);
}

static Status list_volume(Run *run, Volume *volume, Diag *diag)
{
    run->volume = volume;
    return volume->ops->list(volume, "data", note_object, run, diag);
}

static Status list_all(Run *run, Diag *diag)
{
    Volume *home = run->vacuum->options.volume;
    TRY(list_volume(run, home, diag));
    for (uint32_t i = 0; i < run->other_volumes.count; i++) {
        Volume *volume;
        Diag trouble = {0};
        Status status = volume_by_id(home, run->other_volumes.items[i], &trouble, &volume);
        if (status == OK)
            status = list_volume(run, volume, &trouble);
        if (status != OK)
            LOG_WARN("vacuum", "storage volume %u is left out: %s", run->other_volumes.items[i], trouble.message);
    }
    return OK;
}

static Status run_locked(Run *run, Diag *diag)
{
    Vacuum *v = run->vacuum;
    CatalogSnapshot **snapshots, **pinned;
    uint32_t pinned_count;
    meta_lease_horizon(v->options.store, &run->horizon);
    uint32_t count = meta_live_snapshots(v->options.store, &snapshots);
    Status pins = meta_pinned(v->options.store, diag, &pinned, &pinned_count);
    run->grace = grace_us(v, snapshots[count - 1]);
    run->entry_id = snapshots[count - 1]->entry_id;
    run->oldest_read = v->options.oldest_read == NULL ? UINT64_MAX : v->options.oldest_read(v->options.readers_context);
    for (uint32_t i = count; i-- > 0;) { /* the published one, which is the last, first */
        run->is_published = i == count - 1;
        if (run->is_published)
            storage_volume_each(snapshots[i], note_volume, run);
        catalog_each_segment(snapshots[i], note_live, run);
        catalog_unref(snapshots[i]);
    }
    mem_free(snapshots);
    TRY(pins);
    note_pinned(run, pinned, pinned_count);
    TRY(list_all(run, diag));
    if (run->visit != NULL)
        return OK;
    Status status = delete_due(run, diag);
    v->deleted += run->report.deleted;
    v->deleted_bytes += run->report.deleted_bytes;
    free_dead_set(v->dead);
    v->dead = run->dead;
    run->dead = NULL;
    return status;
}

void vacuum_hold(Vacuum *v)
{
    mutex_lock(&v->lock);
}

void vacuum_release(Vacuum *v)
{
    mutex_unlock(&v->lock);
}

Status vacuum_run(Vacuum *v, Diag *diag, VacuumReport *out_report)
{
    LOCK_GUARD(&v->lock);
    Run run = {.vacuum = v, .dead = new_dead_set(), .now_us = env_monotonic_us(v->options.volume->environment)};
    arena_init(&run.arena, NULL);
    strmap_init(&run.live, &run.arena, false);
    Status status = run_locked(&run, diag);
    if (run.dead != NULL)
        free_dead_set(run.dead);
    arena_deinit(&run.arena);
    *out_report = run.report;
    if (run.report.deleted + run.report.failed > 0)
        LOG_INFO("vacuum", "done objects=%llu live=%llu leased=%llu waiting=%llu deleted=%llu bytes=%llu failed=%llu",
                 (unsigned long long)run.report.objects, (unsigned long long)run.report.live,
                 (unsigned long long)run.report.leased, (unsigned long long)run.report.waiting,
                 (unsigned long long)run.report.deleted, (unsigned long long)run.report.deleted_bytes,
                 (unsigned long long)run.report.failed);
    return status;
}

Status vacuum_explain(Vacuum *v, VacuumVisit visit, void *context, Diag *diag)
{
    LOCK_GUARD(&v->lock);
    Run run = {.vacuum = v, .dead = new_dead_set(), .now_us = env_monotonic_us(v->options.volume->environment),
               .visit = visit, .visit_context = context};
    arena_init(&run.arena, NULL);
    strmap_init(&run.live, &run.arena, false);
    Status status = run_locked(&run, diag);
    free_dead_set(run.dead);
    arena_deinit(&run.arena);
    return status;
}

int64_t vacuum_job(void *context, const _Atomic bool *stopping)
{
    Vacuum *v = context;
    VacuumReport report;
    Diag diag = {0};
    (void)stopping;
    CatalogSnapshot *catalog = meta_snapshot(v->options.store);
    int64_t period = grace_us(v, catalog) / 2;
    catalog_unref(catalog);
    if (vacuum_run(v, &diag, &report) != OK)
        LOG_WARN("vacuum", "failed: %s", diag.message);
    return MAX(MIN(period, (int64_t)LONGEST_PERIOD_US), (int64_t)SHORTEST_PERIOD_US);
}
