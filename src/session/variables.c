#include "session/session_int.h"

/* System variables: a table of names and defaults, per session overrides, user variables. Values are kept as
 * text; numbers read as BIGINT where they look like one. */

#include <stdio.h>

#include "types/number_text.h"
#include "types/text_nested.h"

static const char *const names[] = {
    "activate_all_roles_on_login", "allow_throw_exception", "auto_increment_increment", "autocommit", "big_query_profile_threshold", "catalog",
    "cbo_cte_reuse", "cbo_enable_low_cardinality_optimize", "character_set_client", "character_set_connection",
    "character_set_database", "character_set_filesystem", "character_set_results", "character_set_server",
    "character_set_system", "collation_connection", "collation_database", "collation_server", "count_distinct_column_buckets",
    "default_storage_engine", "div_precision_increment", "enable_insert_strict", "enable_profile", "enable_query_cache",
    "enable_spill", "event_scheduler", "exec_mem_limit", "foreign_key_checks", "group_concat_max_len", "have_query_cache", "init_connect",
    "insert_max_filter_ratio", "insert_timeout", "interactive_timeout", "language", "license", "lower_case_table_names",
    "max_allowed_packet", "net_buffer_length", "net_read_timeout", "net_write_timeout", "new_planner_optimize_timeout",
    "optimizer_switch", "parallel_fragment_exec_instance_num", "performance_schema", "pipeline_dop", "profiling", "query_cache_size",
    "query_cache_type", "query_mem_limit", "query_timeout", "resource_group", "session_track_schema",
    "session_track_system_variables", "spill_mode", "sql_auto_is_null", "sql_dialect", "sql_mode", "sql_quote_show_create",
    "sql_safe_updates", "sql_select_limit", "storage_engine", "system_time_zone", "time_zone", "transaction_isolation",
    "transaction_read_only", "tx_isolation", "tx_read_only", "unique_checks", "version", "version_comment", "wait_timeout",
    "warehouse", "lower_upper_support_utf8", "decimal_overflow_to_double", "analyze_mv", "enable_materialized_view_plan_cache",
    "enable_materialized_view_rewrite", "enable_materialized_view_union_rewrite", "enable_materialized_view_view_delta_rewrite",
    "enable_sync_materialized_view_rewrite", "materialized_view_rewrite_mode", "nested_mv_rewrite_max_level",
    "optimizer_materialized_view_timelimit", "query_excluding_mv_names", "query_including_mv_names",
    "enable_recursive_cte", "recursive_cte_max_depth", "recursive_cte_throw_limit_exception", "thrift_plan_protocol"};
static const char *const defaults[] = {
    "false", "false", "1", "true", "0", "default_catalog", "true", "true", "utf8", "utf8", "utf8", "binary", "utf8", "utf8", "utf8",
    "utf8_general_ci", "utf8_general_ci", "utf8_general_ci", "1024", "olap", "4", "true", "false", "false", "true", "OFF", "0", "false",
    "1024", "NO", "", "0", "14400", "3600", "english", "Apache License 2.0", "0", "33554432", "16384", "60", "60", "3000", "", "1",
    "false", "0", "false", "0", "OFF", "0", "300", "", "false", "", "auto", "false", "StarRocks", "ONLY_FULL_GROUP_BY", "1", "false",
    "9223372036854775807", "olap", "UTC", "UTC", "REPEATABLE-READ", "false", "REPEATABLE-READ", "false", "true", "8.0.33",
    "Merak", "28800", "default_warehouse", "false", "false", "sample", "true", "true", "true", "true", "true", "default", "3", "1000", "", "",
    "true", "5", "true", "binary"};
_Static_assert(COUNT_OF(names) == COUNT_OF(defaults), "one default a variable");

uint32_t variable_defaults(const char *const **out_names, const char *const **out_values)
{
    *out_names = names;
    *out_values = defaults;
    return COUNT_OF(names);
}

static int find_default(StrView name)
{
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strview_equal_ci(name, strview(names[i])))
            return (int)i;
    }
    return -1;
}

const char *variable_default(const char *name)
{
    int at = find_default(strview(name));
    return at < 0 ? NULL : defaults[at];
}

/* Switches of StarRocks' optimizer and executor that mean nothing here are accepted by their prefix. */
bool variable_is_known(StrView name)
{
    static const char *const prefixes[] = {"cbo_", "enable_", "pipeline_", "statistic_", "materialized_view_", "query_",
                                           "low_cardinality_", "new_planner_", "spill_", "max_", "parallel_", "streaming_",
                                           "join_", "optimizer_", "analyze_", "connector_", "scan_", "runtime_", "global_",
                                           "big_query_", "skip_", "nested_mv", "disable_", "transmission_", "array_low",
                                           "window_", "plan_mode", "chunk_size", "io_tasks", "phased_", "topn_", "tablet_",
                                           "partial_update", "dynamic_overwrite", "forward_to_leader", "use_", "profile_",
                                           "interpolate_", "jit_", "interleaving_", "large_in_predicate", "skew_join_", "recursive_cte_",
                                           "like_predicate_", "exchange_", "dynamic_partition_prune", "broadcast_", "collation_",
                                           "character_set_", "sql_", "group_execution", "custom_"};
    if (find_default(name) >= 0)
        return true;
    for (size_t i = 0; i < COUNT_OF(prefixes); i++) {
        if (strview_starts_with_ci(name, strview(prefixes[i])))
            return true;
    }
    return false;
}

typedef struct VariableWords {
    const char *name, *words; /* " a b " */
} VariableWords;

static const VariableWords word_variables[] = {
    {"materialized_view_rewrite_mode", " disable default default_or_error force force_or_error "},
    {"spill_mode", " auto force random "},
};

static bool is_one_of(StrView value, const char *words)
{
    for (StrView left = strview(words); left.length > 1;) {
        left = strview_n(left.data + 1, left.length - 1);
        size_t blank = strview_find(left, STR_VIEW(" ")), end = MIN(blank, left.length);
        if (strview_equal_ci(value, strview_n(left.data, end)))
            return true;
        left = strview_n(left.data + end, left.length - end);
    }
    return false;
}

/* What a variable takes, its default says: a switch, or a whole number. Memory may be given with a unit, ratios have fractions. */
Status variable_check(StrView name, StrView value, Diag *diag)
{
    int at = find_default(name);
    const char *standard = at < 0 ? "" : defaults[at];
    int64_t number;
    bool is_switch = strcmp(standard, "true") == 0 || strcmp(standard, "false") == 0 || (at < 0 && strview_starts_with_ci(name, STR_VIEW("enable_")));
    bool fits = !is_switch || is_one_of(value, " true false on off 1 0 ");
    for (size_t i = 0; i < COUNT_OF(word_variables); i++) {
        if (strview_equal_ci(name, strview(word_variables[i].name)))
            fits = is_one_of(value, word_variables[i].words);
    }
    if (!fits)
        return RAISE(diag, WRONG_VALUE_FOR_VAR, "Variable '%.*s' can't be set to the value of '%.*s'", SV_ARGS(name), SV_ARGS(value));
    bool is_number = !is_switch && int64_parse(strview(standard), &number) && strview_find(name, STR_VIEW("mem_limit")) == SIZE_MAX &&
                     strview_find(name, STR_VIEW("ratio")) == SIZE_MAX;
    if (is_number && !int64_parse(strview_trim(value), &number))
        return RAISE(diag, WRONG_TYPE_FOR_VAR, "Incorrect argument type to variable '%.*s'", SV_ARGS(name));
    return OK;
}

static Variable *find_variable(Session *session, StrView name, bool is_user)
{
    for (Variable *v = session->variables; v != NULL; v = v->next) {
        if (v->is_user == is_user && strview_equal_ci(name, strview(v->name)))
            return v;
    }
    return NULL;
}

void variable_set(Session *session, StrView name, bool is_user, const char *value)
{
    Variable *v = find_variable(session, name, is_user);
    if (v == NULL) {
        v = mem_alloc_zero(sizeof(*v));
        v->name = mem_alloc_zero(name.length + 1);
        memcpy(v->name, name.data, name.length);
        v->is_user = is_user;
        v->next = session->variables;
        session->variables = v;
    }
    mem_free(v->value);
    mem_free(v->type);
    v->type = NULL;
    v->is_null = value == NULL;
    v->value = mem_strdup(value == NULL ? "" : value);
}

void variable_unset(Session *session, StrView name, bool is_user)
{
    for (Variable **at = &session->variables; *at != NULL; at = &(*at)->next) {
        Variable *v = *at;
        if (v->is_user != is_user || !strview_equal_ci(name, strview(v->name)))
            continue;
        *at = v->next;
        mem_free(v->name);
        mem_free(v->value);
        mem_free(v->type);
        mem_free(v);
        return;
    }
}

void variable_set_type(Session *session, StrView name, Type type)
{
    Variable *v = find_variable(session, name, true);
    AUTO_BYTEBUF text = {0};
    if (v == NULL || type.kind == TYPE_NULL)
        return;
    type_print_sql(type, &text);
    mem_free(v->type);
    v->type = mem_strdup(text.data);
}

const char *variable_text(Session *session, const char *name)
{
    const Variable *v = find_variable(session, strview(name), false);
    if (v != NULL)
        return v->value;
    int at = find_default(strview(name));
    return at < 0 ? NULL : defaults[at];
}

static void typed_value(const char *text, Arena *arena, Type *out_type, Datum *out_value)
{
    int64_t number;
    bool is_true = strcmp(text, "true") == 0;
    if (int64_parse(strview(text), &number)) {
        *out_type = type_of(TYPE_BIGINT);
        *out_value = datum_i64(number);
    } else if (is_true || strcmp(text, "false") == 0) {
        *out_type = type_of(TYPE_BOOLEAN);
        *out_value = datum_i64(is_true);
    } else {
        *out_type = type_varchar(0);
        *out_value = datum_str(strview(arena_strdup(arena, text)));
    }
}

/* The value of a user variable in the type that it was set with. */
static bool stored_value(const Variable *v, Arena *arena, Type *out_type, Datum *out_value)
{
    if (type_parse(strview(v->type), arena, NULL, out_type) != OK)
        return false;
    if (type_is_nested(*out_type))
        return nested_from_json(*out_type, strview(v->value), arena, out_value);
    return datum_parse(*out_type, strview(v->value), arena, NULL, out_value) == OK;
}

static const char *global_text(Session *session, StrView name, Arena *arena, const char *missing)
{
    CatalogSnapshot *catalog = meta_snapshot(session->instance->store);
    StrView value = global_variable(catalog, name);
    const char *text = value.data == NULL ? missing : arena_strndup(arena, value.data, value.length);
    catalog_unref(catalog);
    return text;
}

bool variable_find(Session *session, StrView scope, StrView name, Arena *arena, Type *out_type, Datum *out_value)
{
    bool is_user = strview_is(scope, "user");
    bool is_global = strview_is(scope, "global");
    const Variable *v = is_global ? NULL : find_variable(session, name, is_user);
    int at = is_user ? -1 : find_default(name);
    const char *text = v != NULL ? v->value : at >= 0 ? defaults[at] : NULL;
    if (is_global)
        text = global_text(session, name, arena, text);
    if (v != NULL && v->is_null) {
        *out_type = type_varchar(0);
        *out_value = datum_null();
        return true;
    }
    if (text == NULL && !(is_user == false && variable_is_known(name)))
        return false;
    if (v != NULL && v->type != NULL && stored_value(v, arena, out_type, out_value))
        return true;
    typed_value(text == NULL ? "" : text, arena, out_type, out_value);
    return true;
}
