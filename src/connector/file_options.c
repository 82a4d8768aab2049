#include "connector/file_options.h"

/* One reader a property, found in a table by name. What other systems need (HDFS, Azure, instance profiles) is refused by name
 * rather than ignored. */

#include <string.h>

#include "types/number_text.h"

typedef struct Reading {
    FileOptions *out;
    Arena *arena;
    Diag *diag;
    StrView key, value;
} Reading;

static Status invalid(const Reading *r, const char *expected)
{
    return RAISE(r->diag, ANALYSIS, "Getting analyzing error. Detail message: Invalid %.*s: '%.*s'. Expected values should be %s.", SV_ARGS(r->key),
                 SV_ARGS(r->value), expected);
}

static Status read_bool(const Reading *r, bool *out)
{
    *out = strview_equal_ci(r->value, STR_VIEW("true"));
    return *out || strview_equal_ci(r->value, STR_VIEW("false")) ? OK : invalid(r, "true, false (case insensitive)");
}

static Status read_count(const Reading *r, uint64_t *out)
{
    int64_t number;
    if (!int64_parse(r->value, &number) || number < 0)
        return invalid(r, "numbers that are not negative");
    *out = (uint64_t)number;
    return OK;
}

static StrView unescaped(const Reading *r)
{
    AUTO_BYTEBUF text = {0};
    csv_unescape(r->value, &text);
    return strview_n(arena_strndup(r->arena, text.data == NULL ? "" : text.data, text.length), text.length);
}

static Status read_separator(const Reading *r, StrView *out)
{
    *out = unescaped(r);
    return out->length > 0 && out->length <= 50 ? OK : invalid(r, "texts of 1 to 50 bytes");
}

static Status read_char(const Reading *r, char *out)
{
    StrView text = unescaped(r);
    if (text.length > 1 || (text.length == 1 && (unsigned char)text.data[0] >= 128))
        return invalid(r, "single ASCII characters");
    *out = text.length == 0 ? '\0' : text.data[0];
    return OK;
}

static Status read_names(const Reading *r, PathList *out)
{
    StrView rest = r->value;
    for (;;) {
        size_t comma = strview_find(rest, STR_VIEW(","));
        StrView name = strview_trim(strview_n(rest.data, comma == SIZE_MAX ? rest.length : comma));
        if (name.length > 0)
            ARRAY_PUSH(r->arena, out, name);
        if (comma == SIZE_MAX)
            return OK;
        rest = strview_n(rest.data + comma + 1, rest.length - comma - 1);
    }
}

static const char *text_of(const Reading *r)
{
    return arena_strndup(r->arena, r->value.data, r->value.length);
}

static Status read_path(Reading *r)
{
    r->out->path = r->value;
    return path_patterns_expand(r->value, r->arena, &r->out->patterns, r->diag);
}

static Status read_format(Reading *r)
{
    if (strview_equal_ci(r->value, STR_VIEW("csv")))
        r->out->format = FILE_FORMAT_CSV;
    else if (strview_equal_ci(r->value, STR_VIEW("parquet")))
        r->out->format = FILE_FORMAT_PARQUET;
    else if (strview_equal_ci(r->value, STR_VIEW("orc")) || strview_equal_ci(r->value, STR_VIEW("avro")))
        return RAISE(r->diag, NOT_SUPPORTED, "FILES() of format '%.*s' is not supported: csv and parquet are", SV_ARGS(r->value));
    else
        return invalid(r, "csv, parquet");
    return OK;
}

static Status read_style(Reading *r)
{
    bool is_path;
    TRY(read_bool(r, &is_path));
    r->out->credentials.path_style = is_path;
    return OK;
}

/* An endpoint without a scheme gets http:// when TLS is off. */
static Status read_tls(Reading *r)
{
    bool is_on;
    TRY(read_bool(r, &is_on));
    const char *endpoint = r->out->credentials.endpoint;
    if (!is_on && endpoint[0] != '\0' && strstr(endpoint, "://") == NULL)
        r->out->credentials.endpoint = arena_printf(r->arena, "http://%s", endpoint);
    return OK;
}

static Status read_profile(Reading *r)
{
    bool is_on;
    TRY(read_bool(r, &is_on));
    return !is_on ? OK : RAISE(r->diag, NOT_SUPPORTED, "'%.*s' is not supported: give aws.s3.access_key and aws.s3.secret_key", SV_ARGS(r->key));
}

static Status read_mismatch(Reading *r)
{
    r->out->fills_missing = strview_equal_ci(r->value, STR_VIEW("null"));
    return r->out->fills_missing || strview_equal_ci(r->value, STR_VIEW("none")) ? OK : invalid(r, "none, null (case insensitive)");
}

static Status read_strict(Reading *r)
{
    r->out->has_strict = true;
    return read_bool(r, &r->out->is_strict);
}

static Status read_endpoint(Reading *r)
{
    r->out->credentials.endpoint = text_of(r);
    return OK;
}

static Status read_region(Reading *r)
{
    r->out->credentials.region = text_of(r);
    return OK;
}

static Status read_access_key(Reading *r)
{
    r->out->credentials.access_key = text_of(r);
    return OK;
}

static Status read_secret_key(Reading *r)
{
    r->out->credentials.secret_key = text_of(r);
    return OK;
}

static Status read_token(Reading *r)
{
    r->out->credentials.session_token = text_of(r);
    return OK;
}

static Status read_column_separator(Reading *r)
{
    return read_separator(r, &r->out->csv.separator);
}

static Status read_row_delimiter(Reading *r)
{
    return read_separator(r, &r->out->csv.delimiter);
}

static Status read_enclose(Reading *r)
{
    return read_char(r, &r->out->csv.enclose);
}

static Status read_escape(Reading *r)
{
    return read_char(r, &r->out->csv.escape);
}

static Status read_trim(Reading *r)
{
    return read_bool(r, &r->out->csv.trim_space);
}

static Status read_skip(Reading *r)
{
    return read_count(r, &r->out->skip_header);
}

static Status read_path_columns(Reading *r)
{
    return read_names(r, &r->out->path_columns);
}

static Status read_sample_files(Reading *r)
{
    return read_count(r, &r->out->sample_files);
}

static Status read_sample_rows(Reading *r)
{
    return read_count(r, &r->out->sample_rows);
}

static Status read_detects(Reading *r)
{
    return read_bool(r, &r->out->detects_types);
}

static Status read_lists(Reading *r)
{
    return read_bool(r, &r->out->lists_only);
}

static Status read_recursive(Reading *r)
{
    return read_bool(r, &r->out->lists_recursively);
}

static Status read_compression(Reading *r)
{
    r->out->compression = r->value;
    return OK;
}

static Status read_partition_by(Reading *r)
{
    return read_names(r, &r->out->partition_by);
}

static Status read_single(Reading *r)
{
    return read_bool(r, &r->out->is_single);
}

static Status read_header(Reading *r)
{
    return read_bool(r, &r->out->includes_header);
}

static Status read_file_bytes(Reading *r)
{
    TRY(read_count(r, &r->out->target_file_bytes));
    return r->out->target_file_bytes > 0 ? OK : invalid(r, "positive numbers");
}

enum { FOR_READ = 1, FOR_WRITE = 2, FOR_BOTH = 3 };

static const struct {
    const char *name;
    uint8_t use;
    Status (*read)(Reading *r);
} PROPERTIES[] = {
    {"path", FOR_BOTH, read_path},
    {"format", FOR_BOTH, read_format},
    {"aws.s3.endpoint", FOR_BOTH, read_endpoint},
    {"aws.s3.region", FOR_BOTH, read_region},
    {"aws.s3.access_key", FOR_BOTH, read_access_key},
    {"aws.s3.secret_key", FOR_BOTH, read_secret_key},
    {"aws.s3.session_token", FOR_BOTH, read_token},
    {"aws.s3.enable_path_style_access", FOR_BOTH, read_style},
    {"aws.s3.enable_ssl", FOR_BOTH, read_tls},
    {"aws.s3.use_instance_profile", FOR_BOTH, read_profile},
    {"aws.s3.use_aws_sdk_default_behavior", FOR_BOTH, read_profile},
    {"csv.column_separator", FOR_BOTH, read_column_separator},
    {"csv.row_delimiter", FOR_BOTH, read_row_delimiter},
    {"csv.enclose", FOR_BOTH, read_enclose},
    {"csv.escape", FOR_BOTH, read_escape},
    {"csv.trim_space", FOR_READ, read_trim},
    {"csv.skip_header", FOR_READ, read_skip},
    {"columns_from_path", FOR_READ, read_path_columns},
    {"auto_detect_sample_files", FOR_READ, read_sample_files},
    {"auto_detect_sample_rows", FOR_READ, read_sample_rows},
    {"auto_detect_types", FOR_READ, read_detects},
    {"fill_mismatch_column_with", FOR_READ, read_mismatch},
    {"strict_mode", FOR_READ, read_strict},
    {"list_files_only", FOR_READ, read_lists},
    {"list_recursively", FOR_READ, read_recursive},
    {"compression", FOR_WRITE, read_compression},
    {"partition_by", FOR_WRITE, read_partition_by},
    {"single", FOR_WRITE, read_single},
    {"csv.include_header", FOR_WRITE, read_header},
    {"target_max_file_size", FOR_WRITE, read_file_bytes},
};

static Status read_one(Reading *r, bool is_write)
{
    for (size_t i = 0; i < COUNT_OF(PROPERTIES); i++) {
        if (!strview_equal_ci(r->key, strview(PROPERTIES[i].name)))
            continue;
        if ((PROPERTIES[i].use & (is_write ? FOR_WRITE : FOR_READ)) == 0)
            break;
        return PROPERTIES[i].read(r);
    }
    return RAISE(r->diag, ANALYSIS, "Getting analyzing error. Detail message: Unknown property '%.*s' of FILES()%s.", SV_ARGS(r->key),
                 is_write ? " that is written" : "");
}

Status file_options_read(const FileProperty *properties, uint32_t count, bool is_write, Arena *arena, Diag *diag, FileOptions *out)
{
    *out = (FileOptions){.credentials = {"", "", "", "", "", -1}, .csv = {.separator = STR_VIEW("\t"), .delimiter = STR_VIEW("\n")},
                         .sample_files = 2, .sample_rows = 500, .detects_types = true, .target_file_bytes = (uint64_t)1 << 30};
    Reading reading = {.out = out, .arena = arena, .diag = diag};
    for (uint32_t pass = 0; pass < 2; pass++) { /* aws.s3.enable_ssl looks at the endpoint */
        for (uint32_t i = 0; i < count; i++) {
            reading.key = properties[i].key;
            reading.value = properties[i].value;
            if (strview_equal_ci(reading.key, STR_VIEW("aws.s3.enable_ssl")) == (pass == 1))
                TRY(read_one(&reading, is_write));
        }
    }
    if (out->patterns.count == 0)
        return RAISE(diag, ANALYSIS,
                     "Getting analyzing error. Detail message: path is null. FILES() needs the property 'path', such as "
                     "\"path\" = \"s3://bucket/folder/*.parquet\"");
    if (out->format == FILE_FORMAT_NONE && !out->lists_only)
        return RAISE(diag, ANALYSIS,
                     "Getting analyzing error. Detail message: format is null. FILES() needs the property 'format': \"csv\" or \"parquet\"");
    if (out->csv.enclose != 0 && (strview_starts_with(out->csv.separator, strview_n(&out->csv.enclose, 1)) ||
                                  strview_starts_with(out->csv.delimiter, strview_n(&out->csv.enclose, 1))))
        return RAISE(diag, ANALYSIS, "Getting analyzing error. Detail message: csv.enclose is also a separator.");
    return OK;
}

StreamCodec file_name_codec(const char *name)
{
    static const struct {
        const char *ending;
        StreamCodec codec;
    } endings[] = {{".gz", STREAM_GZIP}, {".bz2", STREAM_BZ2}, {".deflate", STREAM_DEFLATE}, {".lz4", STREAM_LZ4_FRAME}, {".zst", STREAM_ZSTD}};
    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        if (strview_ends_with(strview(name), strview(endings[i].ending)))
            return endings[i].codec;
    }
    return STREAM_PLAIN;
}
