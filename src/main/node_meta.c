#include "main/node_meta.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "main/cluster_restore.h"
#include "meta/checkpoint.h"

enum { PATH_BYTES = 1024 };

static Status open_directory(NodeMeta *meta, const Config *config, const char *data_directory, Diag *diag)
{
    char path[PATH_BYTES];
    const char *given = config_text(config, "meta_dir");
    int length = *given != '\0' ? snprintf(path, sizeof(path), "%s", given) : snprintf(path, sizeof(path), "%s/meta", data_directory);
    if (length >= (int)sizeof(path))
        return RAISE(diag, BAD_VALUE, "configuration: meta_dir is too long");
    return volume_open_local(path, environment_real(), diag, &meta->directory);
}

static Status read_options(const Config *config, MetaDirStart *out, Diag *diag)
{
    const char *ahead = config_text(config, "meta_dir_ahead");
    out->generation = config_text(config, "restore_meta_dir");
    out->volumes = config_volumes(config);
    out->replays_ahead = strcmp(ahead, "replay") == 0;
    if (!out->replays_ahead && strcmp(ahead, "refuse") != 0)
        return RAISE(diag, BAD_VALUE, "configuration: meta_dir_ahead must be refuse or replay, not '%s'", ahead);
    if (strlen(out->generation) >= GENERATION_BYTES)
        return RAISE(diag, BAD_VALUE, "configuration: restore_meta_dir is longer than %d characters", GENERATION_BYTES - 1);
    return OK;
}

Status node_meta_open(NodeMeta *meta, const Config *config, const char *data_directory, Volume *volume, Diag *diag, MetaStore **out_store)
{
    MetaDirStart options;
    MetaDirState found;
    TRY(read_options(config, &options, diag));
    TRY(open_directory(meta, config, data_directory, diag));
    TRY(meta_dir_start(meta->directory, volume, &options, diag, &found, &meta->note));
    TRY(meta_store_open_follower(volume, diag, out_store));
    Diag trouble = {0};
    if (meta_dir_compare(meta->directory, *out_store, &found, volume->url, &trouble, &meta->note) != OK)
        LOG_WARN("meta", "what was found in meta_dir could not be kept: %s", trouble.message);
    if (meta->note.length > 0)
        LOG_WARN("meta", "%s", meta->note.data);
    MetaDirNode node = {config_text(config, "bind_address"), (uint32_t)config_int(config, "edit_log_port")};
    meta->mirror = meta_dir_open(meta->directory, *out_store, &node);
    if (volume_can_prefetch(volume)) /* the copy is made beside the service: a fresh node has much to copy */
        return OK;
    if (meta_dir_update(meta->mirror, &trouble) != OK) /* is tried again every second */
        LOG_WARN("meta", "meta_dir could not be written: %s", trouble.message);
    return OK;
}

void node_meta_start_jobs(NodeMeta *meta, const Config *config, MetaStore *store, Scheduler *scheduler)
{
    CheckpointLimits limits = {(uint64_t)config_int(config, "checkpoint_journal_objects"),
                               (uint64_t)config_int(config, "checkpoint_journal_mb") << 20,
                               config_int(config, "checkpoint_interval_seconds") * 1000000};
    meta_set_checkpoint_limits(store, &limits);
    meta_set_retention(store, config_int(config, "metadata_retention_hours") * 3600 * 1000000);
    scheduler_add_leading(scheduler, "trim", meta_trim_job, store);
    scheduler_add(scheduler, "checkpoint", meta_checkpoint_job, store);
    scheduler_add(scheduler, "meta_dir", meta_dir_job, meta->mirror);
}

void node_meta_close(NodeMeta *meta)
{
    Diag diag = {0};
    if (meta->mirror != NULL && meta_dir_update(meta->mirror, &diag) != OK)
        LOG_WARN("meta", "meta_dir could not be brought up to date: %s", diag.message);
    meta_dir_close(meta->mirror);
    volume_close(meta->directory);
    bytebuf_deinit(&meta->note);
}
