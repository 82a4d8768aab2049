#include "load/load_plan.h"

/* Columns of the table that the input does not name get their default, else NULL, else the load is
 * refused. Properties that would change the result and are not known are refused, not ignored. */

#include "base/environment.h"
#include "sql/parser.h"
#include "types/datetime.h"
#include "types/number_text.h"

enum { DEFAULT_TIMEOUT_S = 600, MAX_TIMEOUT_S = 259200, LABEL_MAX_BYTES = 128 };

static StrView property(LoadPlan *plan, const StreamLoadOptions *options, const char *name)
{
    StrView value = options->property(options->property_context, name);
    if (value.data == NULL)
        return value;
    return (StrView){arena_strndup(&plan->arena, value.data, value.length), value.length};
}

static Status property_bool(LoadPlan *plan, const StreamLoadOptions *options, const char *name, Diag *diag, bool *out)
{
    StrView text = property(plan, options, name);
    if (text.data == NULL || strview_equal_ci(text, STR_VIEW("false"))) {
        *out = false;
        return OK;
    }
    *out = strview_equal_ci(text, STR_VIEW("true"));
    return *out ? OK : RAISE(diag, INVALID_ARGUMENT, "Invalid %s: %.*s, must be true or false", name, SV_ARGS(text));
}

static Status property_number(LoadPlan *plan, const StreamLoadOptions *options, const char *name, int64_t maximum,
                              Diag *diag, int64_t *in_out)
{
    StrView text = property(plan, options, name);
    if (text.data == NULL)
        return OK;
    if (!int64_parse(text, in_out) || *in_out < 0 || *in_out > maximum)
        return RAISE(diag, INVALID_ARGUMENT, "Invalid %s: %.*s", name, SV_ARGS(text));
    return OK;
}

static Status read_ratio(LoadPlan *plan, const StreamLoadOptions *options, Diag *diag)
{
    StrView text = property(plan, options, "max_filter_ratio");
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
        LoadCompression compression;
    } names[] = {{"gzip", LOAD_GZIP}, {"gz", LOAD_GZIP}, {"deflate", LOAD_DEFLATE}, {"lz4_frame", LOAD_LZ4_FRAME},
                 {"lz4", LOAD_LZ4_FRAME}, {"zstd", LOAD_ZSTD}, {"none", LOAD_PLAIN}, {"", LOAD_PLAIN}};
    StrView text = property(plan, options, "compression");
    if (text.data == NULL)
        return OK;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strview_equal_ci(text, strview(names[i].name))) {
            plan->compression = names[i].compression;
            return OK;
        }
    }
    return RAISE(diag, NOT_SUPPORTED, "unsupported compression: %.*s", SV_ARGS(text));
}

static Status refuse_unknown(LoadPlan *plan, const StreamLoadOptions *options, Diag *diag)
{
    static const char *const names[] = {"partitions",     "temporary_partitions", "negative",
                                        "partial_update", "merge_condition",      "enable_merge_commit"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        StrView text = property(plan, options, names[i]);
        if (text.length > 0 && !strview_equal_ci(text, STR_VIEW("false")))
            return RAISE(diag, NOT_SUPPORTED, "Stream Load with %s is not supported", names[i]);
    }
    return OK;
}

static StrView separator_property(LoadPlan *plan, const StreamLoadOptions *options, const char *name,
                                  const char *default_text)
{
    StrView text = property(plan, options, name);
    AUTO_BYTEBUF bytes = {0};
    csv_unescape(text.length > 0 ? text : strview(default_text), &bytes);
    return (StrView){arena_strndup(&plan->arena, bytes.data, bytes.length), bytes.length};
}

static Status read_byte(LoadPlan *plan, const StreamLoadOptions *options, const char *name, Diag *diag, char *out)
{
    StrView text = property(plan, options, name);
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
    TRY(property_number(plan, options, "skip_header", INT64_MAX, diag, &skip));
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
    StrView root = property(plan, options, "json_root");
    if (root.length > 0 && !json_path_parse(root, &plan->json.root))
        return RAISE(diag, INVALID_ARGUMENT, "Invalid json path: %.*s", SV_ARGS(root));
    plan->json.is_stripped = strip && plan->json.root.count == 0;
    plan->json.strip_array = strip && plan->json.root.count > 0;
    StrView paths = property(plan, options, "jsonpaths");
    return paths.length > 0 ? read_paths(plan, paths, out_paths, diag) : OK;
}

static Status read_format(LoadPlan *plan, const StreamLoadOptions *options, uint32_t *out_paths, Diag *diag)
{
    StrView format = property(plan, options, "format");
    plan->is_json = strview_equal_ci(format, STR_VIEW("json"));
    if (plan->is_json)
        return read_json(plan, options, out_paths, diag);
    if (format.length > 0 && !strview_equal_ci(format, STR_VIEW("csv")))
        return RAISE(diag, INVALID_ARGUMENT, "unknown data format: %.*s", SV_ARGS(format));
    return read_csv(plan, options, diag);
}

static Status find_table(LoadPlan *plan, const StreamLoadOptions *options, Diag *diag)
{
    plan->database = catalog_database(plan->catalog, options->database);
    if (plan->database == NULL)
        return RAISE(diag, NO_SUCH_DATABASE, "unknown database, database=%.*s", SV_ARGS(options->database));
    plan->table = catalog_table(plan->database, options->table);
    if (plan->table == NULL)
        return RAISE(diag, NO_SUCH_TABLE, "unknown table, table=%.*s", SV_ARGS(options->table));
    if (plan->table->schema->kind != TABLE_BASE)
        return RAISE(diag, BAD_TABLE, "table %.*s is a view: rows can't be loaded into it", SV_ARGS(options->table));
    return OK;
}

/* A field __op of a PRIMARY KEY table. */
static void note_op(LoadPlan *plan, LoadSource *source)
{
    if (source->table_column >= 0 || !strview_is(source->name, OP_COLUMN) || plan->table->schema->keys_kind != KEYS_PRIMARY)
        return;
    source->type = type_varchar(OP_BYTES);
    plan->has_op = true;
    plan->op = (LoadTarget){.kind = LOAD_FROM_SOURCE, .index = plan->source_count - 1};
}

static void add_source(LoadPlan *plan, StrView name)
{
    LoadSource *source = &plan->sources[plan->source_count++];
    const TableSchema *schema = plan->table->schema;
    *source = (LoadSource){.name = name, .table_column = table_column_index(schema, name)};
    if (source->table_column >= 0)
        source->type = schema->columns[source->table_column].type;
    note_op(plan, source);
}

static Status check_sources(const LoadPlan *plan, Diag *diag)
{
    for (uint32_t i = 0; i < plan->source_count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (strview_equal_ci(plan->sources[i].name, plan->sources[k].name))
                return RAISE(diag, DUPLICATE_COLUMN, "Duplicate column: %.*s", SV_ARGS(plan->sources[i].name));
        }
    }
    return OK;
}

static Status read_columns(LoadPlan *plan, const StreamLoadOptions *options, Diag *diag)
{
    const TableSchema *schema = plan->table->schema;
    StrView text = property(plan, options, "columns");
    AstStrList names = {0};
    AstExprList values = {0};
    if (strview_trim(text).length > 0)
        TRY(sql_parse_column_mapping(text, &plan->arena, diag, &names, &values));
    plan->sources = ARENA_NEW_ARRAY(&plan->arena, LoadSource, names.count + schema->column_count);
    bool has_mapping = false;
    for (uint32_t i = 0; i < names.count; i++) {
        if (values.items[i] == NULL)
            add_source(plan, names.items[i]);
        else
            has_mapping = true;
    }
    bool takes_all = plan->source_count == 0;
    for (uint32_t i = 0; i < schema->column_count && takes_all; i++) {
        if (schema->columns[i].generated.length == 0)
            add_source(plan, schema->columns[i].name);
    }
    TRY(check_sources(plan, diag));
    plan->exprs = ARENA_NEW_ARRAY(&plan->arena, Expr *, names.count + schema->column_count);
    return has_mapping ? load_plan_bind(plan, text, &names, &values, diag) : OK;
}

static Status default_value(LoadPlan *plan, const TableColumn *column, Datum *out, Diag *diag)
{
    *out = datum_null();
    if (column->generated.length > 0)
        return RAISE(diag, NOT_SUPPORTED, "Stream Load can't fill column %.*s, which is generated", SV_ARGS(column->name));
    if (column->is_auto_increment)
        return OK; /* NULLs get values */
    if (column->default_kind == DEFAULT_LITERAL)
        return datum_parse(column->type, column->default_text, &plan->arena, diag, out);
    if (column->default_kind == DEFAULT_NOW) {
        int64_t now = plan->session.now_us + plan->session.zone_offset_us;
        *out = datum_i64(column->type.kind == TYPE_DATE ? datetime_date(now) : now - now % US_PER_SECOND);
        return OK;
    }
    if (!column->is_nullable)
        return RAISE(diag, COLUMN_NOT_NULL, "Column has no default value, column=%.*s", SV_ARGS(column->name));
    return OK;
}

/* Targets that no expression fills: a source of the name, else the default. */
static Status fill_targets(LoadPlan *plan, Diag *diag)
{
    const TableSchema *schema = plan->table->schema;
    for (uint32_t c = 0; c < schema->column_count; c++) {
        LoadTarget *target = &plan->targets[c];
        if (target->kind == LOAD_FROM_EXPR)
            continue;
        bool found = false;
        for (uint32_t i = 0; i < plan->source_count && !found; i++) {
            found = plan->sources[i].table_column == (int)c;
            if (found)
                *target = (LoadTarget){.kind = LOAD_FROM_SOURCE, .index = i};
        }
        if (found)
            continue;
        if (schema->columns[c].default_kind == DEFAULT_EXPRESSION && schema->columns[c].generated.length == 0) {
            TRY(load_plan_bind_default(plan, &schema->columns[c], target, diag));
            continue;
        }
        target->kind = LOAD_FROM_CONSTANT;
        TRY(default_value(plan, &schema->columns[c], &target->constant, diag));
    }
    return OK;
}

static Status finish_json(LoadPlan *plan, uint32_t path_count, Diag *diag)
{
    if (!plan->is_json)
        return OK;
    if (plan->json.paths != NULL && path_count < plan->source_count)
        return RAISE(diag, WRONG_COLUMN_COUNT, "jsonpaths name %u values for %u columns", path_count,
                     plan->source_count);
    StrView *names = ARENA_NEW_ARRAY(&plan->arena, StrView, plan->source_count);
    uint8_t *raw = ARENA_NEW_ARRAY(&plan->arena, uint8_t, plan->source_count);
    for (uint32_t i = 0; i < plan->source_count; i++) {
        names[i] = plan->sources[i].name;
        raw[i] = plan->sources[i].type.kind == TYPE_JSON;
    }
    plan->json.names = names;
    plan->json.raw = raw;
    plan->json.column_count = plan->source_count;
    return OK;
}

static bool label_is_valid(StrView label)
{
    for (size_t i = 0; i < label.length; i++) {
        char c = label.data[i];
        char low = (char)(c | 0x20);
        if (!((c >= '0' && c <= '9') || (low >= 'a' && low <= 'z') || c == '_' || c == '-'))
            return false;
    }
    return label.length <= LABEL_MAX_BYTES;
}

static Status read_label(LoadPlan *plan, const StreamLoadOptions *options, Diag *diag)
{
    plan->label = property(plan, options, "label");
    if (!label_is_valid(plan->label))
        return RAISE(diag, BAD_NAME, "Label format error. regex: ^[-\\w]{1,128}$, label: %.*s", SV_ARGS(plan->label));
    if (plan->label.length > 0)
        return OK;
    const Environment *env = environment_real();
    uint64_t a = env_random(env), b = env_random(env);
    plan->label = strview(arena_printf(&plan->arena, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32),
                                       (unsigned)(a >> 16 & 0xFFFF), (unsigned)(a & 0xFFF),
                                       (unsigned)(0x8000 | (b >> 48 & 0x3FFF)),
                                       (unsigned long long)(b & 0xFFFFFFFFFFFF)));
    return OK;
}

static Status read_properties(LoadPlan *plan, const StreamLoadOptions *options, uint32_t *out_paths, Diag *diag)
{
    int64_t timeout_s = DEFAULT_TIMEOUT_S;
    TRY(property_number(plan, options, "timeout", MAX_TIMEOUT_S, diag, &timeout_s));
    plan->timeout_us = timeout_s * US_PER_SECOND;
    TRY(property_bool(plan, options, "strict_mode", diag, &plan->strict));
    TRY(read_ratio(plan, options, diag));
    TRY(read_compression(plan, options, diag));
    TRY(refuse_unknown(plan, options, diag));
    return read_format(plan, options, out_paths, diag);
}

Status load_plan_make(LoadPlan *plan, const StreamLoadOptions *options, Diag *diag)
{
    *plan = (LoadPlan){.catalog = meta_snapshot(options->store)};
    arena_init(&plan->arena, options->tracker);
    plan->session = (FuncSession){.now_us = env_wall_us(environment_real()),
                                  .zone_offset_us = options->zone_offset_us,
                                  .random_seed = env_random(environment_real())};
    plan->session.database = strview(arena_strndup(&plan->arena, options->database.data, options->database.length));
    plan->session.user = strview(arena_strndup(&plan->arena, options->user.data, options->user.length));
    TRY(read_label(plan, options, diag));
    TRY(find_table(plan, options, diag));
    uint32_t path_count = 0;
    TRY(read_properties(plan, options, &path_count, diag));
    plan->targets = ARENA_NEW_ARRAY(&plan->arena, LoadTarget, plan->table->schema->column_count);
    TRY(read_columns(plan, options, diag));
    TRY(fill_targets(plan, diag));
    StrView where = property(plan, options, "where");
    if (strview_trim(where).length > 0)
        TRY(load_plan_bind_where(plan, where, diag));
    return finish_json(plan, path_count, diag);
}

void load_plan_close(LoadPlan *plan)
{
    if (plan->catalog != NULL)
        catalog_unref(plan->catalog);
    arena_deinit(&plan->arena);
}
