#pragma once
/* Opening the storage volumes that the catalog names, beside the home volume. What a cluster keeps in one lies below a folder
 * of its own, so that clusters may share a location. */

#include "meta/storage_volume.h"
#include "meta/store.h"
#include "volume/block_cache.h"
#include "volume/volume_set.h"

typedef struct OtherVolumes OtherVolumes;

typedef struct OtherVolumesOptions {
    MetaStore *store;
    Volume *home;
    const CatalogSnapshot *catalog; /* its records count; NULL: those that the store has at the time */
    bool makes_nothing;             /* a directory that is not there is an error */
    const char *ca_file;            /* for S3 over TLS; may be NULL */
    /* The block cache, opened when it is first needed; NULL: none is used. */
    void *cache_context;
    Status (*cache)(void *context, Diag *diag, BlockCache **out_cache);
    int64_t connect_timeout_ms, request_timeout_ms, retry_timeout_ms;
} OtherVolumesOptions;

/* The home volume has a set from now on. */
OtherVolumes *other_volumes_open(const OtherVolumesOptions *options);
void other_volumes_close(OtherVolumes *others);
/* A folder of it that is not the cluster's usual one. The caller closes the volume. */
Status other_volume_open(const StorageVolume *volume, const OtherVolumesOptions *options, StrView folder, Diag *diag, Volume **out_volume);
/* S3: no keys of its own, AWS_ACCESS_KEY_ID and its like count, which every node has for itself. */
bool other_volume_has_keys_of_environment(const StorageVolume *volume);
/* Whether the place answers, takes objects, and refuses to create one twice. */
Status other_volume_try(const StorageVolume *volume, const char *ca_file, Diag *diag);
