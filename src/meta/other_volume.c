#include "meta/other_volume.h"

/* Keys may be altered while a volume is open: the record is looked at again now and then, and requests are signed
 * with what it says. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "volume/probe.h"
#include "volume/s3.h"

struct OtherVolumes {
    OtherVolumesOptions options;
    VolumeSet *set;
};

static const char *text_of(Arena *arena, const StorageVolume *volume, const char *key)
{
    StrView value = storage_volume_property(volume, key);
    return arena_strndup(arena, value.data == NULL ? "" : value.data, value.length);
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value == NULL ? "" : value;
}

bool other_volume_has_keys_of_environment(const StorageVolume *volume)
{
    return strview_equal_ci(storage_volume_property(volume, "aws.s3.use_aws_sdk_default_behavior"), STR_VIEW("true")) &&
           storage_volume_property(volume, "aws.s3.access_key").length == 0;
}

/* The environment may know the region too. */
static const char *region_of(Arena *arena, const StorageVolume *volume)
{
    const char *region = text_of(arena, volume, "aws.s3.region");
    if (region[0] == '\0' && other_volume_has_keys_of_environment(volume))
        region = environment("AWS_REGION");
    if (region[0] == '\0' && other_volume_has_keys_of_environment(volume))
        region = environment("AWS_DEFAULT_REGION");
    return region;
}

static S3Credentials credentials_of(Arena *arena, const StorageVolume *volume)
{
    S3Credentials keys = {text_of(arena, volume, "aws.s3.access_key"), text_of(arena, volume, "aws.s3.secret_key"),
                          text_of(arena, volume, "aws.s3.session_token")};
    if (other_volume_has_keys_of_environment(volume))
        keys = (S3Credentials){environment("AWS_ACCESS_KEY_ID"), environment("AWS_SECRET_ACCESS_KEY"), environment("AWS_SESSION_TOKEN")};
    return keys;
}

static Status open_s3(const StorageVolume *volume, const S3Options *timeouts, StrView folder, Diag *diag, Volume **out_volume)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    StrView path = strview_n(volume->location.data + 5, volume->location.length - 5); /* behind s3:// */
    size_t slash = strview_find(path, STR_VIEW("/"));
    StrView bucket = strview_n(path.data, slash == SIZE_MAX ? path.length : slash);
    StrView below = slash == SIZE_MAX ? STR_VIEW("") : strview_n(path.data + slash + 1, path.length - slash - 1);
    bool has_slash = below.length == 0 || strview_ends_with(below, STR_VIEW("/"));
    StrView style = storage_volume_property(volume, "aws.s3.enable_path_style_access");
    S3Credentials keys = credentials_of(&arena, volume);
    S3Options options = *timeouts;
    options.bucket = arena_strndup(&arena, bucket.data, bucket.length);
    options.prefix = arena_printf(&arena, "%.*s%s%.*s", SV_ARGS(below), has_slash ? "" : "/", SV_ARGS(folder));
    options.endpoint = text_of(&arena, volume, "aws.s3.endpoint");
    options.region = region_of(&arena, volume);
    options.access_key = keys.access_key;
    options.secret_key = keys.secret_key;
    options.session_token = keys.session_token;
    options.path_style = style.length == 0 ? -1 : strview_equal_ci(style, STR_VIEW("true"));
    if (keys.access_key[0] == '\0' || keys.secret_key[0] == '\0')
        return RAISE(diag, BAD_CONFIG, "storage volume \"%.*s\" has no keys%s", SV_ARGS(volume->name),
                     other_volume_has_keys_of_environment(volume)
                         ? ": AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not in the environment of the server"
                         : "");
    return volume_open_s3(&options, environment_real(), diag, out_volume);
}

/* And those above it. */
static bool make_directories(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool is_made = mkdir(path, 0750) == 0 || errno == EEXIST;
        *slash = '/';
        if (!is_made)
            return false;
    }
    return mkdir(path, 0750) == 0 || errno == EEXIST;
}

static Status open_local(const StorageVolume *volume, StrView folder, bool makes_nothing, Diag *diag, Volume **out_volume)
{
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    const char *base = arena_strndup(&arena, volume->location.data + 7, volume->location.length - 7); /* behind file:// */
    char *path = arena_printf(&arena, "%s/%.*s", base, SV_ARGS(folder));
    struct stat there;
    if (makes_nothing && stat(path, &there) != 0)
        return RAISE(diag, NO_SUCH_OBJECT, "storage volume \"%.*s\": there is no directory %s", SV_ARGS(volume->name), path);
    if (!make_directories(path))
        return RAISE(diag, IO, "storage volume \"%.*s\": cannot make the directory %s: %m", SV_ARGS(volume->name), path);
    return volume_open_local(path, environment_real(), diag, out_volume);
}

static bool is_s3(const StorageVolume *volume)
{
    return strview_is(volume->type, "S3");
}

static S3Options timeouts_of(const OtherVolumesOptions *o)
{
    bool has_file = o->ca_file != NULL && o->ca_file[0] != '\0';
    return (S3Options){.connect_timeout_ms = o->connect_timeout_ms,
                       .request_timeout_ms = o->request_timeout_ms,
                       .retry_timeout_ms = o->retry_timeout_ms,
                       .ca_file = has_file ? o->ca_file : NULL};
}

Status other_volume_open(const StorageVolume *volume, const OtherVolumesOptions *options, StrView folder, Diag *diag, Volume **out_volume)
{
    S3Options timeouts = timeouts_of(options);
    return is_s3(volume) ? open_s3(volume, &timeouts, folder, diag, out_volume)
                         : open_local(volume, folder, options->makes_nothing, diag, out_volume);
}

Status other_volume_try(const StorageVolume *volume, const char *ca_file, Diag *diag)
{
    Volume *opened;
    S3Options quick = {.ca_file = ca_file == NULL || ca_file[0] == '\0' ? NULL : ca_file,
                       .connect_timeout_ms = 3000,
                       .request_timeout_ms = 5000,
                       .retry_timeout_ms = 3000};
    if (is_s3(volume)) {
        TRY(open_s3(volume, &quick, STR_VIEW("probe"), diag, &opened));
        volume_close(opened);
        return OK;
    }
    TRY(open_local(volume, STR_VIEW(""), false, diag, &opened));
    Status status = volume_probe(opened, diag);
    volume_close(opened);
    if (status != OK)
        diag_add_context(diag, "storage volume \"%.*s\"", SV_ARGS(volume->name));
    return status;
}

/* ---- the set's opener ---- */

static bool find_record(const OtherVolumes *others, uint32_t id, Arena *arena, StorageVolume *out)
{
    if (others->options.catalog != NULL)
        return storage_volume_by_id(others->options.catalog, id, arena, out);
    CatalogSnapshot *catalog = meta_snapshot(others->options.store);
    bool is_found = storage_volume_by_id(catalog, id, arena, out);
    catalog_unref(catalog);
    return is_found;
}

static Status open_volume(void *context, uint32_t id, Diag *diag, Volume **out_volume)
{
    OtherVolumes *others = context;
    const OtherVolumesOptions *o = &others->options;
    StorageVolume record;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    if (!find_record(others, id, &arena, &record))
        return RAISE(diag, BAD_CONFIG, "storage volume %u does not exist", id);
    StrView secret = meta_cluster_secret(o->store);
    uint64_t identity = checksum_bytes(secret.data, secret.length);
    StrView folder = strview(arena_printf(&arena, "merak-%016llx", (unsigned long long)identity));
    BlockCache *cache = NULL;
    if (is_s3(&record) && o->cache != NULL)
        TRY(o->cache(o->cache_context, diag, &cache));
    TRY(other_volume_open(&record, o, folder, diag, out_volume));
    if (cache != NULL)
        volume_s3_use_cache(*out_volume, cache, identity);
    return OK;
}

static void renew_keys(void *context, Volume *volume)
{
    OtherVolumes *others = context;
    StorageVolume record;
    AUTO_ARENA arena;
    arena_init(&arena, NULL);
    if (!volume_is_s3(volume) || !find_record(others, volume->id, &arena, &record))
        return;
    S3Credentials keys = credentials_of(&arena, &record);
    s3_client_set_credentials(volume_s3_client(volume), &keys);
}

OtherVolumes *other_volumes_open(const OtherVolumesOptions *options)
{
    OtherVolumes *others = mem_alloc_zero(sizeof(*others));
    VolumeOpener opener = {others, open_volume, renew_keys};
    others->options = *options;
    others->set = volume_set_open(options->home, &opener);
    return others;
}

void other_volumes_close(OtherVolumes *others)
{
    if (others == NULL)
        return;
    volume_set_close(others->set);
    mem_free(others);
}
