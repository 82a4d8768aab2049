#include "load/key_merge.h"
#include "load/load_errors.h"
#include "load/load_plan.h"

/* The properties of a load, as headers of its request. What is given must be well-formed, also where it has no
 * effect here; what would change the result and is not known is refused, not ignored. */

#include "base/environment.h"
#include "base/hash.h"
#include "types/datetime.h"
#include "types/number_text.h"
#include "types/time_zone.h"

enum { DEFAULT_TIMEOUT_S = 600, MAX_TIMEOUT_S = 259200, LABEL_MAX_BYTES = 128, DEFAULT_MERGE_MS = 1000, MAX_MERGE_MS = 600000, US_PER_MS = 1000 };

StrView load_plan_property(LoadPlan *plan, const StreamLoadOptions *options, const char *name)
{
    StrView value = options->property(options->property_context, name);
    if (value.data == NULL)
        return value;
    return (StrView){arena_strndup(&plan->arena, value.data, value.length), value.length};
}

static Status property_bool(LoadPlan *plan, const StreamLoadOptions *options, const char *name, Diag *diag, bool *out)
{
    StrView text = load_plan_property(plan, options, name);
    if (text.data == NULL || strview_equal_ci(text, STR_VIEW("false")) || strview_is(text, "0")) {
        *out = false;
        return OK;
    }
    *out = strview_equal_ci(text, STR_VIEW("true")) || strview_is(text, "1");
    return *out ? OK : RAISE(diag, INVALID_ARGUMENT, "Invalid %s format: %.*s. Must be bool type", name, SV_ARGS(text));
}

typedef struct NumberRange {
    int64_t low, high;
} NumberRange;

static Status property_number(LoadPlan *plan, const StreamLoadOptions *options, const char *name, NumberRange range, Diag *diag,
                              int64_t *in_out)
{
    StrView text = load_plan_property(plan, options, name);
    int64_t value;
    if (text.data == NULL)
        return OK;
    if (!int64_parse(strview_trim(text), &value) || value < range.low || value > range.high)
        return RAISE(diag, INVALID_ARGUMENT, "Invalid %s format: %.*s", name, SV_ARGS(text));
    *in_out = value;
    return OK;
}

static Status read_ratio(LoadPlan *plan, const StreamLoadOptions *options, Diag *diag)
{
    StrView text = load_plan_property(plan, options, "max_filter_ratio");
    if (text.data == NULL)
        return OK;
    double ratio;
    if (!double_parse(text, &ratio) || !(ratio >= 0 && ratio <= 1))
        return RAISE(diag, INVALID_ARGUMENT, "Invalid max_filter_ratio: %.*s, it must be between 0 and 1",
                     SV_ARGS(text));
    plan->max_filter_ratio = ratio;
    return OK;
}

static Status read_compression(LoadPlan *plan, const StreamLoadOptions *options, Diag *diag)
{
    static const struct {
        const char *name;
        StreamCodec compression;
    } names[] = {{"gzip", STREAM_GZIP}, {"gz", STREAM_GZIP}, {"deflate", STREAM_DEFLATE}, {"lz4_frame", STREAM_LZ4_FRAME},
                 {"lz4", STREAM_LZ4_FRAME}, {"zstd", STREAM_ZSTD}, {"bz2", STREAM_BZ2}, {"bzip2", STREAM_BZ2}, {"none", STREAM_PLAIN},
                 {"no_compression", STREAM_PLAIN}, {"", STREAM_PLAIN}};
    StrView text = load_plan_property(plan, options, "compression");
    if (text.data == NULL)
        return OK;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strview_equal_ci(text, strview(names[i].name))) {
            plan->compression = names[i].compression;
            return OK;
        }
    }
    return RAISE(diag, NOT_SUPPORTED, "unsupported compression: %.*s, expected gzip, bz2, lz4_frame, zstd or deflate", SV_ARGS(text));
}

/* merge_commit_parallel, how many nodes take such loads, is 1 here: the leader. */
static Status read_merge(LoadPlan *plan, const StreamLoadOptions *options, Diag *diag)
{
    int64_t interval_ms = DEFAULT_MERGE_MS, parallel;
    TRY(property_bool(plan, options, "enable_merge_commit", diag, &plan->is_merged));
    TRY(property_bool(plan, options, "merge_commit_async", diag, &plan->merge_async));
    TRY(property_number(plan, options, "merge_commit_interval_ms", (NumberRange){0, MAX_MERGE_MS}, diag, &interval_ms));
    TRY(property_number(plan, options, "merge_commit_parallel", (NumberRange){0, INT64_MAX}, diag, &parallel));
    plan->is_merged = plan->is_merged && options->merges != NULL && options->transaction == NULL;
    plan->merge_interval_us = interval_ms * US_PER_MS;
    return OK;
}

/* Accepted, checked and without effect: rows go where they belong. */
static Status check_ignored(LoadPlan *plan, const StreamLoadOptions *options, Diag *diag)
{
    static const char *const bools[] = {"enable_replicated_storage"};
    static const char *const numbers[] = {"load_dop", "prepared_timeout", "idle_transaction_timeout"};
    bool is_set;
    int64_t number;
    for (size_t i = 0; i < COUNT_OF(bools); i++)
        TRY(property_bool(plan, options, bools[i], diag, &is_set));
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        TRY(property_number(plan, options, numbers[i], (NumberRange){0, INT64_MAX}, diag, &number));
    StrView mode = load_plan_property(plan, options, "partial_update_mode");
    if (mode.length > 0 && !strview_equal_ci(mode, STR_VIEW("row")) && !strview_equal_ci(mode, STR_VIEW("column")) &&
        !strview_equal_ci(mode, STR_VIEW("auto")))
        return RAISE(diag, INVALID_ARGUMENT, "Invalid partial_update_mode: %.*s, expected row, column or auto", SV_ARGS(mode));
    return OK;
}

static Status read_time_zone(LoadPlan *plan, const StreamLoadOptions *options, Diag *diag)
{
    StrView name = load_plan_property(plan, options, "timezone");
    if (name.length == 0)
        return OK;
    const TimeZone *zone = time_zone_find(name);
    if (zone == NULL)
        return RAISE(diag, INVALID_ARGUMENT, "Unknown or incorrect time zone: '%.*s'", SV_ARGS(name));
    plan->session.zone = zone;
    plan->session.zone_offset_us = time_zone_to_local(zone, plan->session.now_us) - plan->session.now_us;
    return OK;
}

static Status read_limits(LoadPlan *plan, const StreamLoadOptions *options, Diag *diag)
{
    int64_t timeout_s = DEFAULT_TIMEOUT_S;
    TRY(property_number(plan, options, "timeout", (NumberRange){1, MAX_TIMEOUT_S}, diag, &timeout_s));
    plan->timeout_us = timeout_s * US_PER_SECOND;
    TRY(property_number(plan, options, "exec_mem_limit", (NumberRange){0, INT64_MAX}, diag, &plan->memory_limit));
    TRY(property_number(plan, options, "load_mem_limit", (NumberRange){0, INT64_MAX}, diag, &plan->memory_limit));
    plan->rejected_rows_kept = LOAD_ERROR_ROWS;
    TRY(property_number(plan, options, "log_rejected_record_num", (NumberRange){-1, INT64_MAX}, diag, &plan->rejected_rows_kept));
    plan->rejected_rows_kept = plan->rejected_rows_kept < 0 ? LOAD_ERROR_ROWS_MOST
                                                            : MAX(plan->rejected_rows_kept, (int64_t)LOAD_ERROR_ROWS);
    return OK;
}

static Status read_partitions(LoadPlan *plan, const StreamLoadOptions *options, Diag *diag)
{
    StrView names = load_plan_property(plan, options, "partitions");
    StrView temporary = load_plan_property(plan, options, "temporary_partitions");
    if (strview_trim(temporary).length > 0) {
        const CatalogTable *holder = catalog_temporary_partitions(plan->catalog, plan->table);
        if (holder == NULL)
            return RAISE(diag, NO_SUCH_PARTITION, "Unknown temporary partition '%.*s' in table '%.*s'", SV_ARGS(temporary),
                         SV_ARGS(plan->table->name));
        plan->table = holder;
        names = temporary;
    }
    if (strview_trim(names).length == 0)
        return OK;
    ARRAY_OF(uint64_t) ids = {0};
    for (size_t at = 0; at <= names.length;) {
        const char *comma = memchr(names.data + at, ',', names.length - at);
        size_t end = comma == NULL ? names.length : (size_t)(comma - names.data);
        StrView name = strview_trim((StrView){names.data + at, end - at});
        const CatalogPartition *partition = catalog_partition(plan->table, name);
        if (partition == NULL)
            return RAISE(diag, NO_SUCH_PARTITION, "Unknown partition '%.*s' in table '%.*s'", SV_ARGS(name), SV_ARGS(plan->table->name));
        ARRAY_PUSH(&plan->arena, &ids, partition->id);
        at = end + 1;
    }
    plan->partition_ids = ids.items;
    plan->partition_count = ids.count;
    return OK;
}

static Status read_updates(LoadPlan *plan, const StreamLoadOptions *options, Diag *diag)
{
    const TableSchema *schema = plan->table->schema;
    TRY(property_bool(plan, options, "partial_update", diag, &plan->is_partial));
    TRY(property_bool(plan, options, "negative", diag, &plan->is_negative));
    if (plan->is_partial && schema->keys_kind != KEYS_PRIMARY)
        return RAISE(diag, INVALID_ARGUMENT, "partial_update is only supported in primary key table");
    if (plan->is_negative && schema->keys_kind != KEYS_AGGREGATE)
        return RAISE(diag, INVALID_ARGUMENT, "negative is only supported in aggregate table");
    plan->condition_column = -1;
    plan->condition = strview_trim(load_plan_property(plan, options, "merge_condition"));
    return plan->condition.length == 0 ? OK : key_merge_condition(plan->table, plan->condition, NULL, diag, &plan->condition_column);
}

static StrView separator_property(LoadPlan *plan, const StreamLoadOptions *options, const char *name,
                                  const char *default_text)
{
    StrView text = load_plan_property(plan, options, name);
    AUTO_BYTEBUF bytes = {0};
    csv_unescape(text.length > 0 ? text : strview(default_text), &bytes);
    return (StrView){arena_strndup(&plan->arena, bytes.data, bytes.length), bytes.length};
}

static Status read_byte(LoadPlan *plan, const StreamLoadOptions *options, const char *name, Diag *diag, char *out)
{
    StrView text = load_plan_property(plan, options, name);
    if (text.length == 0)
        return OK;
    AUTO_BYTEBUF bytes = {0};
    csv_unescape(text.length == 1 ? (StrView){NULL, 0} : text, &bytes);
    if (text.length != 1 && bytes.length != 1)
        return RAISE(diag, INVALID_ARGUMENT, "%s must be one character, got '%.*s'", name, SV_ARGS(text));
    *out = text.length == 1 ? text.data[0] : bytes.data[0];
    return OK;
}

static Status read_csv(LoadPlan *plan, const StreamLoadOptions *options, Diag *diag)
{
    plan->csv.separator = separator_property(plan, options, "column_separator", "\\t");
    plan->csv.delimiter = separator_property(plan, options, "row_delimiter", "\\n");
    TRY(read_byte(plan, options, "enclose", diag, &plan->csv.enclose));
    TRY(read_byte(plan, options, "escape", diag, &plan->csv.escape));
    int64_t skip = 0;
    TRY(property_number(plan, options, "skip_header", (NumberRange){0, INT64_MAX}, diag, &skip));
    plan->skip_rows = (uint64_t)skip;
    return property_bool(plan, options, "trim_space", diag, &plan->csv.trim_space);
}

static Status read_paths(LoadPlan *plan, StrView text, uint32_t *out_count, Diag *diag)
{
    ARRAY_OF(JsonPath) paths = {0};
    size_t at = 0, element_at = 0;
    StrView array, element;
    if (json_value(text, &at, &array) != JSON_TEXT_ARRAY)
        return RAISE(diag, INVALID_ARGUMENT, "Invalid json path: %.*s", SV_ARGS(text));
    while (json_next_element(array, &element_at, &element)) {
        AUTO_BYTEBUF plain = {0};
        JsonPath path;
        if (json_kind(element) != JSON_TEXT_STRING ||
            !json_unescape((StrView){element.data + 1, element.length - 2}, &plain))
            return RAISE(diag, INVALID_ARGUMENT, "Invalid json path: %.*s", SV_ARGS(element));
        StrView kept = {arena_strndup(&plan->arena, plain.data, plain.length), plain.length};
        if (!json_path_parse(kept, &path))
            return RAISE(diag, INVALID_ARGUMENT, "Invalid json path: %.*s", SV_ARGS(kept));
        ARRAY_PUSH(&plan->arena, &paths, path);
    }
    plan->json.paths = paths.items;
    *out_count = paths.count;
    return OK;
}

static Status read_json(LoadPlan *plan, const StreamLoadOptions *options, uint32_t *out_paths, Diag *diag)
{
    bool strip;
    TRY(property_bool(plan, options, "strip_outer_array", diag, &strip));
    TRY(property_bool(plan, options, "ignore_json_size", diag, &plan->big_json));
    StrView root = load_plan_property(plan, options, "json_root");
    if (root.length > 0 && !json_path_parse(root, &plan->json.root))
        return RAISE(diag, INVALID_ARGUMENT, "Invalid json path: %.*s", SV_ARGS(root));
    plan->json.is_stripped = strip && plan->json.root.count == 0;
    plan->json.strip_array = strip && plan->json.root.count > 0;
    StrView envelope = load_plan_property(plan, options, "envelope");
    plan->json.is_debezium = strview_equal_ci(envelope, STR_VIEW("debezium"));
    if (envelope.length > 0 && !plan->json.is_debezium)
        return RAISE(diag, INVALID_ARGUMENT, "unknown envelope: %.*s, expected debezium", SV_ARGS(envelope));
    if (plan->json.is_debezium && plan->table->schema->keys_kind != KEYS_PRIMARY)
        return RAISE(diag, INVALID_ARGUMENT, "envelope debezium is only supported in primary key table");
    StrView paths = load_plan_property(plan, options, "jsonpaths");
    if (plan->json.is_debezium && paths.length > 0)
        return RAISE(diag, INVALID_ARGUMENT, "jsonpaths can't be used with envelope debezium");
    return paths.length > 0 ? read_paths(plan, paths, out_paths, diag) : OK;
}

static Status read_format(LoadPlan *plan, const StreamLoadOptions *options, uint32_t *out_paths, Diag *diag)
{
    StrView format = load_plan_property(plan, options, "format");
    plan->is_json = strview_equal_ci(format, STR_VIEW("json"));
    if (plan->is_json)
        return read_json(plan, options, out_paths, diag);
    if (format.length > 0 && !strview_equal_ci(format, STR_VIEW("csv")))
        return RAISE(diag, INVALID_ARGUMENT, "unknown data format: %.*s", SV_ARGS(format));
    return read_csv(plan, options, diag);
}

static void add_text(ChecksumStream *sum, StrView text)
{
    uint64_t length = text.length;
    checksum_stream_add(sum, &length, sizeof(length));
    if (length > 0)
        checksum_stream_add(sum, text.data, text.length);
}

void load_plan_sum_request(const StreamLoadOptions *options, ChecksumStream *sum)
{
    static const char *const names[] = {"format", "columns", "where", "max_filter_ratio", "strict_mode", "partitions", "temporary_partitions",
                                        "timezone", "compression", "partial_update", "merge_condition", "negative", "column_separator",
                                        "row_delimiter", "enclose", "escape", "skip_header", "trim_space", "jsonpaths", "json_root",
                                        "strip_outer_array", "envelope", "enable_merge_commit", "merge_commit_async",
                                        "merge_commit_interval_ms"};
    add_text(sum, options->table);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        add_text(sum, options->property(options->property_context, names[i]));
}

bool load_label_is_valid(StrView label)
{
    for (size_t i = 0; i < label.length; i++) {
        char c = label.data[i];
        char low = (char)(c | 0x20);
        if (!((c >= '0' && c <= '9') || (low >= 'a' && low <= 'z') || c == '_' || c == '-'))
            return false;
    }
    return label.length <= LABEL_MAX_BYTES;
}

Status load_plan_read_label(LoadPlan *plan, const StreamLoadOptions *options, Diag *diag)
{
    plan->label = load_plan_property(plan, options, "label");
    if (!load_label_is_valid(plan->label))
        return RAISE(diag, BAD_NAME, "Label format error. regex: ^[-\\w]{1,128}$, label: %.*s", SV_ARGS(plan->label));
    plan->has_label = plan->label.length > 0;
    if (plan->has_label)
        return OK;
    const Environment *env = environment_real();
    uint64_t a = env_random(env), b = env_random(env);
    plan->label = strview(arena_printf(&plan->arena, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32),
                                       (unsigned)(a >> 16 & 0xFFFF), (unsigned)(a & 0xFFF),
                                       (unsigned)(0x8000 | (b >> 48 & 0x3FFF)),
                                       (unsigned long long)(b & 0xFFFFFFFFFFFF)));
    return OK;
}

Status load_plan_read_properties(LoadPlan *plan, const StreamLoadOptions *options, uint32_t *out_paths, Diag *diag)
{
    TRY(read_limits(plan, options, diag));
    TRY(read_time_zone(plan, options, diag));
    TRY(property_bool(plan, options, "strict_mode", diag, &plan->strict));
    TRY(read_ratio(plan, options, diag));
    TRY(read_compression(plan, options, diag));
    TRY(read_partitions(plan, options, diag));
    TRY(read_updates(plan, options, diag));
    TRY(read_merge(plan, options, diag));
    TRY(check_ignored(plan, options, diag));
    return read_format(plan, options, out_paths, diag);
}
