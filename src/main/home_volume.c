#include "main/home_volume.h"

/* home_volume is a URL of either kind; without it, cloud_native_storage_type and aws_s3_* count: StarRocks' names.
 * aws_s3_path is "bucket" or "bucket/path". Without keys in the configuration those of the environment count, as in
 * other clients of S3, when aws_s3_use_aws_sdk_default_behavior says so. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/hash.h"
#include "volume/s3.h"

static bool is_true(const Config *config, const char *key)
{
    return strcasecmp(config_text(config, key), "true") == 0;
}

/* "s3://bucket/a/b", "bucket/a/b": the bucket into its own buffer. */
static Status split_path(const char *text, ByteBuf *bucket, const char **out_prefix, Diag *diag)
{
    const char *path = strncasecmp(text, "s3://", 5) == 0 ? text + 5 : text;
    size_t length = strcspn(path, "/");
    if (length == 0)
        return RAISE(diag, BAD_CONFIG, "configuration: an S3 volume must be a bucket, or a bucket and a path (aws_s3_path, home_volume), not '%s'",
                     text);
    bytebuf_append(bucket, path, length);
    *out_prefix = path[length] == '/' ? path + length + 1 : "";
    return OK;
}

static const char *from_environment(const char *name)
{
    const char *value = getenv(name);
    return value == NULL ? "" : value;
}

static Status open_s3(const Config *config, const char *path, Diag *diag, Volume **out_volume)
{
    AUTO_BYTEBUF bucket = {0};
    const char *style = config_text(config, "aws_s3_enable_path_style_access");
    S3Options options = {.endpoint = config_text(config, "aws_s3_endpoint"),
                         .region = config_text(config, "aws_s3_region"),
                         .access_key = config_text(config, "aws_s3_access_key"),
                         .secret_key = config_text(config, "aws_s3_secret_key"),
                         .session_token = config_text(config, "aws_s3_session_token"),
                         .ca_file = config_text(config, "aws_s3_ca_file"),
                         .path_style = strcasecmp(style, "auto") == 0 ? -1 : strcasecmp(style, "true") == 0,
                         .connect_timeout_ms = config_int(config, "object_storage_connect_timeout_ms"),
                         .request_timeout_ms = config_int(config, "object_storage_request_timeout_ms"),
                         .retry_timeout_ms = config_int(config, "object_storage_retry_timeout_ms")};
    TRY(split_path(path, &bucket, &options.prefix, diag));
    options.bucket = bucket.data;
    if (options.ca_file[0] == '\0')
        options.ca_file = NULL;
    if (options.access_key[0] == '\0' && is_true(config, "aws_s3_use_aws_sdk_default_behavior")) {
        options.access_key = from_environment("AWS_ACCESS_KEY_ID");
        options.secret_key = from_environment("AWS_SECRET_ACCESS_KEY");
        options.session_token = from_environment("AWS_SESSION_TOKEN");
    }
    if (options.access_key[0] == '\0' || options.secret_key[0] == '\0')
        return RAISE(diag, BAD_CONFIG, "configuration: an S3 volume needs aws_s3_access_key and aws_s3_secret_key, or "
                                       "aws_s3_use_aws_sdk_default_behavior and AWS_ACCESS_KEY_ID in the environment");
    return volume_open_s3(&options, environment_real(), diag, out_volume);
}

/* The directory is made, those above it have to be there. */
static Status open_local(const char *directory, Diag *diag, Volume **out_volume)
{
    if (mkdir(directory, 0750) != 0 && errno != EEXIST)
        return RAISE(diag, IO, "cannot make the directory %s: %m", directory);
    return volume_open_local(directory, environment_real(), diag, out_volume);
}

Status home_volume_open(const Config *config, const char *local_directory, Diag *diag, Volume **out_volume)
{
    static const char scheme[] = "file://";
    const char *url = config_text(config, "home_volume");
    const char *type = config_text(config, "cloud_native_storage_type");
    if (strncmp(url, scheme, strlen(scheme)) == 0 && url[strlen(scheme)] != '/') /* file://var/.. would be made where it is started */
        return RAISE(diag, BAD_VALUE, "configuration: home_volume '%s' is not an absolute directory, such as file:///var/lib/merak/volume", url);
    if (strncmp(url, scheme, strlen(scheme)) == 0)
        return open_local(url + strlen(scheme), diag, out_volume);
    if (strncasecmp(url, "s3://", 5) == 0)
        return open_s3(config, url, diag, out_volume);
    if (*url != '\0')
        return RAISE(diag, BAD_VALUE, "configuration: home_volume must be empty or begin with file:// or s3://, not '%s'", url);
    if (strcasecmp(type, "LOCAL") == 0)
        return open_local(local_directory, diag, out_volume);
    if (strcasecmp(type, "S3") == 0)
        return open_s3(config, config_text(config, "aws_s3_path"), diag, out_volume);
    return RAISE(diag, BAD_CONFIG, "configuration: cloud_native_storage_type must be LOCAL or S3, not '%s'", type);
}

/* "80%" of whole, or bytes with K, M, G, T behind; 0: off. */
static Status read_size(const Config *config, const char *key, int64_t whole, Diag *diag, int64_t *out_bytes)
{
    static const char units[] = "KMGT";
    const char *text = config_text(config, key);
    char *end;
    double number = strtod(text, &end);
    const char *unit = *end == '\0' ? NULL : strchr(units, *end & ~32);
    double factor = *end == '%' ? (double)whole / 100 : 1;
    for (const char *u = units; unit != NULL && u <= unit; u++)
        factor *= 1024;
    bool is_known = *end == '\0' || *end == '%' || unit != NULL;
    if (end == text || !is_known || !(number >= 0) || !(number * factor < 9e18))
        return RAISE(diag, BAD_CONFIG, "configuration: %s '%s' is not a size (like 20G, 80%% or 0)", key, text);
    *out_bytes = (int64_t)(number * factor);
    return OK;
}

/* Free, and what the cache has already. */
static int64_t disk_room(const char *directory)
{
    struct statvfs disk;
    return statvfs(directory, &disk) != 0 ? 0 : (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
}

/* The record of the newest incarnation has random bytes in it: no other cluster's is the same. */
static Status identity_of(Volume *volume, uint64_t incarnation, Diag *diag, uint64_t *out_identity)
{
    AUTO_BYTEBUF record = {0};
    char path[64];
    snprintf(path, sizeof(path), "meta/incarnation/%llu", (unsigned long long)incarnation);
    TRY(volume_get(volume, path, &record, diag));
    *out_identity = checksum_bytes(record.data, record.length);
    return OK;
}

Status open_block_cache(const Config *config, const char *directory, Diag *diag, BlockCache **out_cache)
{
    BlockCacheOptions options = {.directory = directory, .memory = mem_process_tracker(), .environment = environment_real()};
    TRY(read_size(config, "datacache_disk_size", disk_room(config_text(config, "data_dir")), diag, &options.disk_bytes));
    TRY(read_size(config, "datacache_mem_size", atomic_load(&mem_process_tracker()->limit_bytes), diag, &options.memory_bytes));
    if (!is_true(config, "datacache_enable"))
        options.disk_bytes = 0;
    return block_cache_open(&options, diag, out_cache);
}

Status home_volume_use_cache(Volume *volume, uint64_t incarnation, BlockCache *cache, Diag *diag)
{
    uint64_t identity;
    TRY(identity_of(volume, incarnation, diag, &identity));
    volume_s3_use_cache(volume, cache, identity);
    return OK;
}
