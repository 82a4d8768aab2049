#include "main/tools.h"

/* merak restore: a state of the cluster, from a saved meta directory or from its own past, begins the next incarnation. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/environment.h"
#include "meta/meta_dir.h"
#include "meta/restore.h"
#include "meta/snapshots.h"

typedef struct Restore {
    const ToolArguments *arguments;
    Volume *volume;
    Volume *into; /* the volume itself unless --into names another */
    Diag *diag;
    uint64_t missing;
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
    *out = (MetaOpen){.is_read_only = true};
    if (arguments->to_entry != NULL)
        out->until_entry = strtoull(arguments->to_entry, NULL, 10);
    if (arguments->to_time != NULL)
        TRY(read_time(arguments->to_time, &out->until_time_us, restore->diag));
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
        out->incarnation = number;
    }
    return OK;
}

static void say_missing(void *context, StrView path)
{
    Restore *restore = context;
    if (restore->missing++ < 20)
        fprintf(stderr, "missing: %.*s\n", SV_ARGS(path));
}

static Status copy_object(Restore *restore, StrView path)
{
    char name[256];
    VolumeObject *there;
    AUTO_BYTEBUF bytes = {0};
    Diag unused = {0}, trouble = {0};
    if (path.length == 0 || path.length >= sizeof(name))
        return OK;
    memcpy(name, path.data, path.length);
    name[path.length] = '\0';
    if (volume_open_object(restore->into, name, &unused, &there) == OK) {
        volume_close_object(there);
        return OK;
    }
    TRY(volume_get(restore->volume, name, &bytes, restore->diag));
    Status status = volume_put(restore->into, name, bytebuf_view(&bytes), &trouble);
    tool_progress(&restore->progress, restore->progress.done + 1);
    return status == OK || status == ERR_OBJECT_EXISTS ? OK : diag_raise(restore->diag, status, "%s", trouble.message);
}

static void copy_missing(void *context, StrView path)
{
    Restore *restore = context;
    if (!diag_has_error(restore->diag))
        status_ignore(copy_object(restore, path)); /* the diagnostic tells */
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

/* A state of the volume's own past. */
static Status restore_moment(Restore *restore)
{
    ImageContent content CLEANUP(image_content_deinit);
    MetaOpen moment;
    MetaStore *store;
    RestoreReport done;
    image_content_init(&content);
    TRY(find_moment(restore, &moment));
    TRY(meta_store_open_as(restore->volume, &moment, restore->diag, &store));
    Status status = OK;
    if (restore->arguments->snapshot != NULL)
        status = read_snapshot(restore, store, &content);
    else
        meta_content(store, &content);
    if (status == OK && restore->into != restore->volume) {
        restore->progress.what = "objects copied";
        status = meta_find_missing(restore->into, content.catalog, copy_missing, restore, restore->diag);
        if (status == OK && diag_has_error(restore->diag))
            status = restore->diag->code;
        if (status == OK)
            status = meta_seed(restore->into, restore->volume, &content, restore->diag);
    }
    if (status == OK)
        status = meta_find_missing(restore->into, content.catalog, say_missing, restore, restore->diag);
    if (status == OK)
        status = meta_open_next(restore->into, &content, "", restore->diag, &done);
    meta_store_close(store);
    if (status == OK)
        report(restore, &done);
    return status;
}

static Status restore_directory(Restore *restore)
{
    Volume *directory;
    RestoreReport done;
    TRY(tool_open_volume(restore->arguments, restore->arguments->meta_dir, false, restore->diag, &directory));
    Status status = meta_dir_restore(directory, restore->into, "", restore->diag, &done);
    volume_close(directory);
    if (status == OK)
        report(restore, &done);
    return status;
}

static Status check_arguments(const ToolArguments *arguments, Diag *diag)
{
    int ways = (arguments->meta_dir != NULL) + (arguments->to_entry != NULL) + (arguments->to_time != NULL) + (arguments->snapshot != NULL);
    if (ways > 1)
        return RAISE(diag, BAD_VALUE, "only one of --meta-dir, --to-entry, --to-time and --snapshot can be given");
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

int tool_restore(const ToolArguments *arguments, Diag *diag)
{
    Restore restore = {.arguments = arguments, .diag = diag};
    if (check_arguments(arguments, diag) != OK || tool_open_volume(arguments, arguments->volume_url, false, diag, &restore.volume) != OK)
        return EXIT_FAILURE;
    if (open_into(&restore) == OK)
        status_ignore(arguments->meta_dir != NULL ? restore_directory(&restore) : restore_moment(&restore)); /* the diagnostic tells */
    if (restore.into != restore.volume)
        volume_close(restore.into);
    volume_close(restore.volume);
    return diag_has_error(diag) ? EXIT_FAILURE : EXIT_SUCCESS;
}
