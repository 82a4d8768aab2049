#pragma once
/* cluster_snapshot.yaml, as StarRocks' operators write it:
 *
 *   cluster_snapshot: {cluster_snapshot_path: URI, storage_volume_name: NAME}
 *   frontends:        [{host, edit_log_port, type: follower | observer}]
 *   compute_nodes:    [{host, heartbeat_service_port}]          taken and not used: frontends compute
 *   storage_volumes:  [{name, type, location, comment, properties: [{key, value}]}]
 *
 * The path is that of the home volume, with what the snapshot is called in it behind /meta: STORAGE_PATH of
 * information_schema.cluster_snapshots. Just .../meta is the newest. */

#include "base/arena.h"
#include "meta/state_copy.h"

typedef struct YamlFrontend {
    const char *host;
    uint32_t edit_log_port;
    bool is_observer;
} YamlFrontend;

typedef struct ClusterYaml {
    const char *home;     /* URL of the home volume */
    const char *snapshot; /* object or name; empty: the newest */
    const char *volume_name;
    ARRAY_OF(YamlFrontend) frontends;
    ARRAY_OF(VolumeMove) volumes;
} ClusterYaml;

/* Texts in arena. name: of the file, for messages. */
/* The same of a file, whose text is kept. */
Status cluster_yaml_load(const char *path, Arena *arena, Diag *diag, ByteBuf *out_text, ClusterYaml *out);
Status cluster_yaml_read(StrView text, const char *name, Arena *arena, Diag *diag, ClusterYaml *out);
