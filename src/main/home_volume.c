#include "main/home_volume.h"

/* home_volume is a URL of either kind; without it, cloud_native_storage_type and aws_s3_* count: StarRocks' names.
 * aws_s3_path is "bucket" or "bucket/path". Without keys in the configuration those of the environment count, as in
 * other clients of S3, when aws_s3_use_aws_sdk_default_behavior says so. */

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

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
