#include "job/cluster_snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "codec/json_text.h"
#include "meta/snapshots.h"

enum { INTERVAL_SECONDS = 600, LOOK_US = 1000000, JOBS_KEPT = 10, NAME_BYTES = 64, KEY_BYTES = 24 };

static const char volume_setting[] = "cluster.automated_snapshot";
static const char interval_setting[] = "config.automated_cluster_snapshot_interval_seconds";
static const char job_module[] = "cluster_snapshot_job";

static Status build_setting(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    const StrView *volume = context;
    (void)catalog, (void)diag;
    change_put_setting(change, strview(volume_setting), *volume);
    return OK;
}

/* All automated ones but the kept. */
static Status drop_others(MetaStore *store, StrView kept, Diag *diag)
{
    AUTO_ARENA arena;
    SnapshotInfo *all;
    arena_init(&arena, NULL);
    CatalogSnapshot *now = meta_snapshot(store);
    uint32_t count = snapshot_list(now, &arena, &all);
    catalog_unref(now);
    for (uint32_t i = 0; i < count; i++) {
        if (all[i].is_automated && !strview_equal(all[i].name, kept))
            TRY(meta_snapshot_drop(store, all[i].name, diag));
    }
    return OK;
}

Status cluster_snapshot_set(MetaStore *store, StrView volume, Diag *diag)
{
    StrView value = volume.length > 0 ? volume : STR_VIEW("");
    TRY(meta_commit(store, build_setting, &value, diag));
    return volume.length > 0 ? OK : drop_others(store, STR_VIEW(""), diag);
}

/* ---- the job ---- */

typedef struct JobRecord {
    const char *name;
    int64_t created_us, finished_us;
    const char *state;
    const char *error;
    char oldest[KEY_BYTES]; /* goes with the new one when there are too many */
} JobRecord;

static void note_oldest(void *context, StrView key, StrView value)
{
    JobRecord *record = context;
    (void)value;
    if (record->oldest[0] == '\0' && key.length < sizeof(record->oldest))
        memcpy(record->oldest, key.data, key.length);
}

static Status build_record(void *context, const CatalogSnapshot *catalog, Change *change, Diag *diag)
{
    JobRecord *record = context;
    char key[KEY_BYTES];
    AUTO_BYTEBUF text = {0};
    (void)diag;
    snprintf(key, sizeof(key), "%020" PRId64, record->created_us);
    bytebuf_append_text(&text, "{\"name\":");
    json_quote(strview(record->name), &text);
    bytebuf_printf(&text, ",\"created_us\":%" PRId64 ",\"finished_us\":%" PRId64 ",\"state\":\"%s\",\"error\":", record->created_us, record->finished_us,
                   record->state);
    json_quote(strview(record->error), &text);
    bytebuf_append_text(&text, "}");
    change_put_record(change, job_module, strview(key), bytebuf_view(&text));
    if (catalog_record_count(catalog, job_module) >= JOBS_KEPT) {
        catalog_each_record(catalog, job_module, note_oldest, record);
        change_drop_record(change, job_module, strview(record->oldest));
    }
    return OK;
}

static void make_snapshot(MetaStore *store)
{
    char name[NAME_BYTES];
    Diag diag = {0}, trouble = {0};
    const Environment *environment = meta_environment(store);
    JobRecord record = {.name = name, .created_us = env_wall_us(environment)};
    snprintf(name, sizeof(name), "automated_cluster_snapshot_%" PRId64, record.created_us / 1000);
    SnapshotInfo info = {.name = strview(name), .scope = SNAPSHOT_CLUSTER, .is_automated = true};
    Status status = meta_snapshot_create(store, &info, &diag);
    if (status == OK)
        status = drop_others(store, strview(name), &diag);
    record.finished_us = env_wall_us(environment);
    record.state = status == OK ? "FINISHED" : "ERROR";
    record.error = diag.message;
    if (status != OK)
        LOG_WARN("snapshot", "the automated cluster snapshot failed: %s", diag.message);
    if (meta_commit(store, build_record, &record, &trouble) != OK)
        LOG_WARN("snapshot", "the automated cluster snapshot could not be noted: %s", trouble.message);
}

/* When the newest job of all began; 0: there was none. */
static void note_newest(void *context, StrView key, StrView value)
{
    int64_t *newest = context;
    char text[KEY_BYTES] = "";
    (void)value;
    if (key.length < sizeof(text))
        memcpy(text, key.data, key.length);
    int64_t created_us = strtoll(text, NULL, 10);
    *newest = MAX(*newest, created_us);
}

static int64_t interval_us(const CatalogSnapshot *catalog)
{
    char text[24] = "";
    StrView setting = catalog_setting(catalog, interval_setting);
    if (setting.data != NULL && setting.length < sizeof(text))
        memcpy(text, setting.data, setting.length);
    long long seconds = text[0] == '\0' ? INTERVAL_SECONDS : strtoll(text, NULL, 10);
    return (seconds < 1 ? 1 : MIN(seconds, 1000000000LL)) * 1000000;
}

int64_t cluster_snapshot_job(void *context, const _Atomic bool *stopping)
{
    MetaStore *store = context;
    int64_t newest = 0;
    (void)stopping;
    CatalogSnapshot *now = meta_snapshot(store);
    bool is_on = catalog_setting(now, volume_setting).length > 0;
    if (is_on)
        catalog_each_record(now, job_module, note_newest, &newest);
    bool is_due = is_on && env_wall_us(meta_environment(store)) - newest >= interval_us(now);
    catalog_unref(now);
    if (is_due)
        make_snapshot(store);
    return LOOK_US;
}
