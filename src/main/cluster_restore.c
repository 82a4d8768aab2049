#include "main/cluster_restore.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "cluster/frontends.h"
#include "meta/incarnation.h"
#include "meta/restore_live.h"

OtherVolumesOptions config_volumes(const Config *config)
{
    return (OtherVolumesOptions){.connect_timeout_ms = config_int(config, "object_storage_connect_timeout_ms"),
                                 .request_timeout_ms = config_int(config, "object_storage_request_timeout_ms"),
                                 .retry_timeout_ms = config_int(config, "object_storage_retry_timeout_ms"),
                                 .ca_file = config_text(config, "aws_s3_ca_file")};
}

/* ---- which snapshot ---- */

static bool is_named(const SnapshotInfo *info, const char *wanted)
{
    StrView object =
        strview_starts_with(info->object, STR_VIEW("meta/")) ? strview_n(info->object.data + 5, info->object.length - 5) : info->object;
    return strview_is(info->name, wanted) || strview_is(object, wanted);
}

/* Of the whole cluster; without a name the newest. */
static Status find_snapshot(MetaStore *store, const ClusterYaml *yaml, Arena *arena, Diag *diag, SnapshotInfo *out)
{
    SnapshotInfo *all;
    bool found = false;
    CatalogSnapshot *catalog = meta_snapshot(store);
    uint32_t count = snapshot_list(catalog, arena, &all);
    catalog_unref(catalog);
    for (uint32_t i = 0; i < count; i++) {
        bool is_wanted = all[i].scope == SNAPSHOT_CLUSTER &&
                         (*yaml->snapshot == '\0' ? !found || all[i].entry_id > out->entry_id : is_named(&all[i], yaml->snapshot));
        if (is_wanted)
            *out = all[i];
        found |= is_wanted;
    }
    if (!found)
        return RAISE(diag, NO_SUCH_SNAPSHOT,
                     *yaml->snapshot == '\0' ? "there is no snapshot of the cluster in %s%s"
                                             : "there is no snapshot of the cluster at %s/meta/%s",
                     yaml->home, yaml->snapshot);
    return OK;
}

/* ---- its state ---- */

static Status put_frontends(const ClusterYaml *yaml, CatalogSnapshot **in_out_catalog, Diag *diag)
{
    AUTO_CHANGE change = {0};
    TRY(meta_strip_nodes(in_out_catalog, diag));
    for (uint32_t i = 0; i < yaml->frontends.count; i++) {
        const YamlFrontend *frontend = &yaml->frontends.items[i];
        change_await_frontend(&change, frontend->host, frontend->edit_log_port, frontend->is_observer);
    }
    return meta_change_state(in_out_catalog, &change, diag);
}

Status cluster_restore(const ClusterYaml *yaml, Volume *home, Transfer *transfer, Diag *diag, TransferReport *out_report)
{
    AUTO_ARENA arena;
    SnapshotInfo info = {0};
    ImageContent state CLEANUP(image_content_deinit);
    arena_init(&arena, NULL);
    image_content_init(&state);
    TRY(find_snapshot(transfer->store, yaml, &arena, diag, &info));
    TRY(meta_snapshot_content(transfer->store, &info, diag, &state));
    TRY(put_frontends(yaml, &state.catalog, diag));
    transfer->from = transfer->into = home;
    transfer->moves = yaml->volumes.items;
    transfer->move_count = yaml->volumes.count;
    return meta_transfer(transfer, &state, diag, out_report);
}

/* ---- at the start of a server ---- */

static bool is_same_place(const char *a, const char *b)
{
    size_t left = strlen(a), right = strlen(b);
    while (left > 0 && a[left - 1] == '/')
        left--;
    while (right > 0 && b[right - 1] == '/')
        right--;
    return left == right && strncmp(a, b, left) == 0;
}

static void say_missing(void *context, StrView path)
{
    uint64_t *count = context;
    if (++*count <= 20)
        LOG_WARN("restore", "missing object=%.*s", SV_ARGS(path));
}

static Status was_restored(Volume *home, const char *generation, Diag *diag, bool *out)
{
    Incarnation newest, record;
    *out = false;
    TRY(incarnation_newest(home, diag, &newest));
    for (uint64_t number = 1; number <= newest.number; number++) {
        TRY(incarnation_get(home, number, diag, NULL, &record));
        *out |= strcmp(record.generation, generation) == 0;
    }
    return OK;
}

static Status restore_once(const Config *config, const ClusterYaml *yaml, Volume *home, const char *generation, Diag *diag)
{
    uint64_t missing = 0;
    TransferReport report;
    bool was = false;
    if (!is_same_place(yaml->home, home->url))
        return RAISE(diag, BAD_CONFIG, "restore_cluster_snapshot: the snapshot lies in %s, but the home volume of this server is %s",
                     yaml->home, home->url);
    TRY(was_restored(home, generation, diag, &was));
    if (was)
        return OK;
    Transfer transfer = {.generation = generation, .volumes = config_volumes(config), .missing = say_missing, .context = &missing};
    TRY(meta_store_open_as(home, &(MetaOpen){.is_read_only = true}, diag, &transfer.store));
    Status status = cluster_restore(yaml, home, &transfer, diag, &report);
    meta_store_close(transfer.store);
    TRY(status);
    LOG_INFO("restore", "the state of entry %llu is incarnation %llu now, %llu objects are missing",
             (unsigned long long)report.restored.from_entry, (unsigned long long)report.restored.incarnation, (unsigned long long)missing);
    return OK;
}

Status cluster_restore_at_start(const Config *config, Volume *home, Diag *diag)
{
    AUTO_ARENA arena;
    AUTO_BYTEBUF text = {0};
    ClusterYaml yaml;
    char generation[GENERATION_BYTES];
    const char *path = config_text(config, "restore_cluster_snapshot");
    arena_init(&arena, NULL);
    if (*path == '\0')
        return OK;
    TRY(cluster_yaml_load(path, &arena, diag, &text, &yaml));
    snprintf(generation, sizeof(generation), "cluster_snapshot:%016llx", (unsigned long long)checksum_bytes(text.data, text.length));
    return restore_once(config, &yaml, home, generation, diag);
}
