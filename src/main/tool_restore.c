#include "main/tools.h"

/* merak restore: a state of the cluster, from a saved meta directory or from its own past, begins the next incarnation. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/environment.h"
#include "base/thread.h"
#include "main/cluster_restore.h"
#include "meta/meta_dir.h"
#include "meta/restore.h"
#include "meta/snapshots.h"
#include "types/number_text.h"

typedef struct Restore {
    const ToolArguments *arguments;
    Volume *volume;
    Volume *into; /* the volume itself unless --into names another */
    Diag *diag;
    uint64_t missing;
    bool is_backup; /* --snapshot names one */
    Mutex lock; /* guards the progress */
    ToolProgress progress;
} Restore;

/* "2026-11-28 10:00:00" in UTC, or seconds since 1970. */
static Status read_time(const char *text, int64_t *out_us, Diag *diag)
{
    struct tm parts = {0};
    char *end;
    double seconds = strtod(text, &end);
    if (*text != '\0' && *end == '\0') {
        *out_us = (int64_t)(seconds * 1e6);
        return OK;
    }
    const char *rest = strptime(text, strchr(text, 'T') != NULL ? "%Y-%m-%dT%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &parts);
    if (rest == NULL)
        return RAISE(diag, BAD_VALUE, "--to-time '%s' is not a time such as '2026-01-31 10:00:00' (UTC)", text);
    *out_us = (int64_t)timegm(&parts) * 1000000;
    if (*rest == '.')
        *out_us += (int64_t)(strtod(rest, NULL) * 1e6);
    return OK;
}

/* The incarnation that was alive then, and the moment in it. */
static Status find_moment(Restore *restore, MetaOpen *out)
{
    const ToolArguments *arguments = restore->arguments;
    Incarnation backup = {0};
    *out = (MetaOpen){.is_read_only = true};
    int64_t entry = 0;
    if (arguments->to_entry != NULL && int64_parse(strview(arguments->to_entry), &entry) && entry > 0)
        out->until_entry = (uint64_t)entry;
    if (arguments->to_time != NULL)
        TRY(read_time(arguments->to_time, &out->until_time_us, restore->diag));
    if (out->until_time_us > env_wall_us(environment_real()))
        return RAISE(restore->diag, BAD_VALUE, "--to-time '%s' (UTC) is in the future", arguments->to_time);
    if (arguments->to_entry != NULL && out->until_entry == 0)
        return RAISE(restore->diag, BAD_VALUE, "--to-entry '%s' is not an entry's number", arguments->to_entry);
    for (uint64_t number = 1;; number++) {
        Incarnation record;
        Diag missing = {0};
        Status status = incarnation_get(restore->volume, number, &missing, NULL, &record);
        if (status == ERR_NO_SUCH_OBJECT)
            break;
        if (status != OK)
            return diag_raise(restore->diag, status, "%s", missing.message);
        bool is_later = (out->until_entry != 0 && record.entry_id > out->until_entry) ||
                        (out->until_time_us != 0 && record.time_us > out->until_time_us);
        if (is_later && number > 1)
            break;
        if (arguments->snapshot == NULL)
            out->incarnation = number;
        else if (strncmp(record.generation, "backup:", strlen("backup:")) == 0 && strcmp(record.generation + strlen("backup:"), arguments->snapshot) == 0)
            backup = record;
    }
    restore->is_backup = backup.number != 0;
    if (restore->is_backup) { /* the newest of that name, as it was made */
        out->incarnation = backup.number;
        out->until_entry = backup.entry_id;
    }
    return OK;
}

static void say_missing(void *context, StrView path)
{
    Restore *restore = context;
    if (restore->missing++ < 20)
        fprintf(stderr, "missing: %.*s\n", SV_ARGS(path));
}

static void say_progress(void *context, uint64_t done, uint64_t total)
{
    Restore *restore = context;
    LOCK_GUARD(&restore->lock); /* several threads copy */
    restore->progress.total = total;
    tool_progress(&restore->progress, MAX(done, restore->progress.done));
}

static void report(const Restore *restore, const RestoreReport *done)
{
    printf("restored the state of entry %" PRIu64 " as incarnation %" PRIu64 " (entry %" PRIu64 ") of %s\n", done->from_entry, done->incarnation,
           done->entry_id, restore->into->url);
    if (restore->missing > 0)
        printf("%" PRIu64 " objects of it are missing: what needs them will fail and say so\n", restore->missing);
}

/* The image that a snapshot of the cluster is. */
static Status read_snapshot(Restore *restore, MetaStore *store, ImageContent *content)
{
    AUTO_ARENA arena;
    AUTO_BYTEBUF image = {0};
    SnapshotInfo info;
    arena_init(&arena, NULL);
    CatalogSnapshot *now = meta_snapshot(store);
    bool is_there = snapshot_find(now, strview(restore->arguments->snapshot), &arena, &info);
    catalog_unref(now);
    if (!is_there)
        return RAISE(restore->diag, NO_SUCH_SNAPSHOT, "Unknown snapshot '%s'", restore->arguments->snapshot);
    if (info.scope != SNAPSHOT_CLUSTER)
        return RAISE(restore->diag, BAD_VALUE, "snapshot '%s' is not of the whole cluster: a running server restores it with RESTORE %s",
                     restore->arguments->snapshot, snapshot_scope_name(info.scope));
    char *object = arena_strndup(&arena, info.object.data, info.object.length);
    TRY(volume_get(restore->volume, object, &image, restore->diag));
    return image_read(bytebuf_view(&image), object, restore->diag, content);
}

static Transfer transfer_of(Restore *restore, MetaStore *store)
{
    restore->progress.what = "objects copied";
    return (Transfer){.store = store,
                      .from = restore->volume,
                      .into = restore->into,
                      .generation = "",
                      .move_count = restore->arguments->move_count,
                      .volumes = config_volumes(restore->arguments->config),
                      .progress = say_progress,
                      .missing = say_missing,
                      .context = restore};
}

/* newest: the cluster as it is; its snapshots stay, whatever moment is gone back to. */
static Status restore_state(Restore *restore, MetaStore *store, MetaStore *newest, TransferReport *out)
{
    AUTO_ARENA arena;
    ImageContent content CLEANUP(image_content_deinit);
    Transfer transfer = transfer_of(restore, newest);
    arena_init(&arena, NULL);
    image_content_init(&content);
    if (restore->arguments->snapshot != NULL && !restore->is_backup)
        TRY(read_snapshot(restore, store, &content));
    else
        meta_content(store, &content);
    transfer.moves = tool_moves(restore->arguments, &arena);
    return meta_transfer(&transfer, &content, restore->diag, out);
}

/* A state of the volume's own past. */
static Status restore_moment(Restore *restore)
{
    MetaOpen moment;
    MetaStore *store, *newest;
    TransferReport done;
    TRY(find_moment(restore, &moment));
    TRY(meta_store_open_as(restore->volume, &(MetaOpen){.is_read_only = true}, restore->diag, &newest));
    Status status = meta_store_open_as(restore->volume, &moment, restore->diag, &store);
    if (status == OK) {
        uint64_t reached = meta_journal_entries(store);
        if (moment.until_entry > reached)
            status = RAISE(restore->diag, BAD_VALUE, "there is no entry %" PRIu64 ": incarnation %" PRIu64 " ends at entry %" PRIu64,
                           moment.until_entry, moment.incarnation, reached);
        else
            status = restore_state(restore, store, newest, &done);
        meta_store_close(store);
    }
    meta_store_close(newest);
    if (status == OK)
        report(restore, &done.restored);
    return status;
}

static Status restore_yaml(Restore *restore, const ClusterYaml *yaml)
{
    MetaStore *store;
    TransferReport done;
    TRY(meta_store_open_as(restore->volume, &(MetaOpen){.is_read_only = true}, restore->diag, &store));
    Transfer transfer = transfer_of(restore, store);
    Status status = cluster_restore(yaml, restore->volume, &transfer, restore->diag, &done);
    meta_store_close(store);
    if (status == OK)
        report(restore, &done.restored);
    return status;
}

static Status restore_directory(Restore *restore)
{
    AUTO_ARENA arena;
    Volume *directory;
    TransferReport done;
    Transfer transfer = transfer_of(restore, NULL);
    arena_init(&arena, NULL);
    transfer.moves = tool_moves(restore->arguments, &arena);
    TRY(tool_open_directory(restore->arguments->meta_dir, restore->diag, &directory));
    Status status = meta_dir_restore(directory, &transfer, restore->diag, &done);
    volume_close(directory);
    if (status == OK)
        report(restore, &done.restored);
    return status;
}

/* What the file says, and the volume that it names unless --volume names one. */
static Status read_yaml(const ToolArguments *arguments, Arena *arena, Diag *diag, ClusterYaml *out, const char **out_url)
{
    AUTO_BYTEBUF text = {0};
    *out_url = arguments->volume_url;
    if (arguments->cluster_snapshot == NULL)
        return OK;
    TRY(cluster_yaml_load(arguments->cluster_snapshot, arena, diag, &text, out));
    if (*out_url == NULL)
        *out_url = out->home;
    return OK;
}

static Status check_arguments(const ToolArguments *arguments, Diag *diag)
{
    int ways = (arguments->meta_dir != NULL) + (arguments->to_entry != NULL) + (arguments->to_time != NULL) + (arguments->snapshot != NULL) +
               (arguments->cluster_snapshot != NULL);
    if (ways > 1)
        return RAISE(diag, BAD_VALUE, "only one of --meta-dir, --to-entry, --to-time, --snapshot and --cluster-snapshot can be given");
    if (arguments->cluster_snapshot != NULL && (arguments->into_url != NULL || arguments->move_count > 0))
        return RAISE(diag, BAD_VALUE, "--cluster-snapshot goes without --into and --map-volume: the file says where volumes lie");
    if (ways == 0 && arguments->into_url == NULL)
        return RAISE(diag, BAD_VALUE, "what to restore? --meta-dir DIR, --to-entry N, --to-time T, --snapshot NAME, or --into URL for a copy");
    return OK;
}

static Status open_into(Restore *restore)
{
    Incarnation newest;
    restore->into = restore->volume;
    if (restore->arguments->into_url == NULL)
        return OK;
    const char *url = restore->arguments->into_url;
    TRY(tool_open_volume(restore->arguments, url, true, restore->diag, &restore->into));
    TRY(incarnation_newest(restore->into, restore->diag, &newest));
    if (newest.number != 0)
        return RAISE(restore->diag, BAD_VALUE, "volume '%s' holds a cluster already", url);
    return OK;
}

static Status run(Restore *restore, const ClusterYaml *yaml)
{
    const ToolArguments *arguments = restore->arguments;
    TRY(open_into(restore));
    if (arguments->cluster_snapshot != NULL)
        return restore_yaml(restore, yaml);
    return arguments->meta_dir != NULL ? restore_directory(restore) : restore_moment(restore);
}

int tool_restore(const ToolArguments *arguments, Diag *diag)
{
    AUTO_ARENA arena;
    ClusterYaml yaml;
    const char *url;
    Restore restore = {.arguments = arguments, .diag = diag};
    arena_init(&arena, NULL);
    if (check_arguments(arguments, diag) != OK || read_yaml(arguments, &arena, diag, &yaml, &url) != OK ||
        tool_open_volume(arguments, url, false, diag, &restore.volume) != OK)
        return EXIT_FAILURE;
    mutex_init(&restore.lock);
    status_ignore(run(&restore, &yaml)); /* the diagnostic tells */
    if (restore.into != restore.volume)
        volume_close(restore.into);
    volume_close(restore.volume);
    mutex_deinit(&restore.lock);
    return diag_has_error(diag) ? EXIT_FAILURE : EXIT_SUCCESS;
}
